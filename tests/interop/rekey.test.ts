/**
 * Minutes of traffic, all pairs side by side. The normal run does one of the two scenarios, by seed.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep, waitFor } from '../lab/wait.ts';
import { debian, newestPeer, ours } from './lib/implementations.ts';
import { INNER, type Pair, type PairOptions, withPair } from './lib/pair.ts';
import { isFullRun, runSeed } from './lib/sample.ts';
import { assertPing, ping, startPing, stopPing } from './lib/traffic.ts';

const PAIRS: readonly (readonly [title: string, options: PairOptions])[] = [
  ['ours starts, the newest wireguard-go answers', { left: ours(), right: newestPeer() }],
  ['the newest wireguard-go starts, ours answers', { left: newestPeer(), right: ours() }],
  ["Debian's wireguard-go starts, ours answers", { left: debian, right: ours(), presharedKey: true }],
  ['ours at both ends, noble and dgram at one', { left: ours(), right: ours('noble-dgram'), outer: 6 }],
];

const seed = runSeed();
const scenarios = isFullRun ? ['traffic', 'silence'] : [seed % 2 === 0 ? 'traffic' : 'silence'];
console.log(`rekey: ${scenarios.join(' and ')}, PCLOUD_TEST_SEED=${seed}`);

/** Past REKEY_AFTER_TIME there is a new session, made while packets flow, and none of them is lost. */
async function traffic({ left, right }: Pair): Promise<void> {
  await assertPing(left.host, INNER[4].right);
  const first = (await left.peer()).handshakeAt;
  const started = performance.now();
  const pings = [startPing(left.host, INNER[4].right, 20), startPing(right.host, INNER[4].left, 20)];
  await waitFor('a new handshake', async () => (await left.peer()).handshakeAt > first, 135_000);
  const secondsUntil = (performance.now() - started) / 1000;
  await sleep(5000);
  for (const each of pings) {
    const { sent, received } = await stopPing(each);
    assert.ok(sent > 5000, `${sent} pings`);
    assert.is(received, sent, `${sent - received} of ${sent} pings lost`);
  }
  assert.ok(secondsUntil > 118 && secondsUntil < 130, `a new handshake after ${secondsUntil.toFixed(1)} s`);
  assert.ok((await right.peer()).handshakeAt > first, 'the other side has it too');
}

/**
 * wireguard-go starts its wait for an answer after it has sent (RoutineSequentialSender calls SendBuffers, then
 * timersDataSent), so on a busy machine the answer can come first and end nothing: 15 s later it makes a new session.
 */
const SETTLING_TIME = 20_000;

/** After REJECT_AFTER_TIME without a packet, the first one makes a new session. */
async function silence({ left, right }: Pair): Promise<void> {
  await assertPing(left.host, INNER[4].right);
  await sleep(SETTLING_TIME);
  const before = await left.peer();
  await sleep(183_000);
  const { handshakeAt, txBytes } = await left.peer();
  assert.is(handshakeAt, before.handshakeAt, 'nothing happened meanwhile');
  assert.ok(txBytes - before.txBytes <= 32, `${txBytes - before.txBytes} bytes sent in silence`);
  await assertPing(right.host, INNER[4].left, { count: 5 });
  assert.ok((await left.peer()).handshakeAt > handshakeAt, 'there is a new session');
  assert.is((await ping(left.host, INNER[4].right, { count: 5 })).received, 5);
}

const bodies: Readonly<Record<string, (pair: Pair) => Promise<void>>> = { traffic, silence };
const titles: Readonly<Record<string, string>> = {
  traffic: 'a session is renewed under traffic without a lost packet',
  silence: 'three minutes of silence end in a new session with the first packet',
};

const running = scenarios.flatMap((scenario) =>
  PAIRS.map(([title, options]) => {
    const outcome = withPair(options, bodies[scenario]!);
    outcome.catch(() => {}); // reported by its test
    return { title: `${titles[scenario]}: ${title}`, outcome };
  }),
);

for (const { title, outcome } of running) test(title, () => outcome);

test.run();
