/**
 * How long until the tunnel can be used?
 *
 *     node -C source --import tsx bench/startup.ts [--rounds 10] [--json FILE]
 *
 * From a cold start to the first answer on the UAPI socket, and to the first handshake initiation on the
 * cable, with a configuration that has a persistent keepalive.
 */
import { connect } from 'node:net';
import { ours } from '../tests/interop/lib/implementations.ts';
import { createKeyPair } from '../tests/interop/lib/keys.ts';
import type { Host } from '../tests/lab/host.ts';
import { createLab } from '../tests/lab/lab.ts';
import { waitFor } from '../tests/lab/wait.ts';
import { type Contestant, REFERENCE, reference } from './lib/contestants.ts';
import { describeMachine, type Machine } from './lib/machine.ts';
import { median, short, table } from './lib/numbers.ts';
import { readOptions, report } from './lib/options.ts';

interface Times {
  readonly answersMs: number;
  readonly initiatesMs: number;
}

/** What `--json` has: times of each round, by contestant. */
export interface StartupResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly times: Readonly<Record<string, readonly Times[]>>;
}

/** Resolves when the UAPI socket answers a get; undefined while nobody listens. */
function ask(host: Host): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(`/proc/${host.pid}/root/run/wireguard/wg0.sock`);
    socket.on('error', () => resolve(false));
    socket.on('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.write('get=1\n\n');
  });
}

async function measure({ implementation }: Contestant): Promise<Times> {
  const lab = createLab();
  try {
    const [host, other] = await Promise.all([lab.host('host'), lab.host('other')]);
    await lab.connect(
      { host, name: 'eth0', addresses: ['192.0.2.1/24'] },
      { host: other, name: 'eth0', addresses: ['192.0.2.2/24'] },
    );
    const receiver = other.spawn([
      process.execPath,
      '-e',
      "require('node:dgram').createSocket('udp4').on('message', () => console.log('datagram')).bind(51820, () => console.log('bound'))",
    ]);
    await waitFor('the receiver', () => receiver.output().includes('bound'));
    await host.run('ping -c 1 192.0.2.2'); // neighbours know each other
    host.write(
      '/run/conf',
      `[Interface]\nPrivateKey = ${createKeyPair().privateKey}\n[Peer]\nPublicKey = ${createKeyPair().publicKey}\nEndpoint = 192.0.2.2:51820\nPersistentKeepalive = 25\nAllowedIPs = 10.9.0.2/32\n`,
    );
    const started = performance.now();
    host.spawn([...implementation.command, '-f', 'wg0']);
    while (!(await ask(host))) await new Promise((resolve) => setTimeout(resolve, 1));
    const answersMs = performance.now() - started;
    await host.run('wg setconf wg0 /run/conf && ip link set wg0 up');
    while (!receiver.output().includes('datagram')) await new Promise((resolve) => setTimeout(resolve, 1));
    return { answersMs, initiatesMs: performance.now() - started };
  } finally {
    await lab.close();
  }
}

const options = readOptions({ rounds: 10, seconds: 0 });
const contestants: readonly Contestant[] = [{ name: 'pcloud-wg', implementation: ours() }, reference()];
const times: Record<string, Times[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]));
for (let round = 0; round < options.rounds; round++) {
  for (const contestant of contestants) times[contestant.name]!.push(await measure(contestant));
}
const result: StartupResult = { machine: describeMachine(contestants), rounds: options.rounds, times };
report(options, result, formatStartup(result));

function formatStartup({ times }: StartupResult): string {
  const middle = (name: string, what: keyof Times): string => short(median(times[name]!.map((each) => each[what])));
  const row = (label: string, what: keyof Times): string[] => [
    label,
    middle('pcloud-wg', what),
    middle(REFERENCE, what),
  ];
  return table([
    ['', 'pcloud-wg', REFERENCE],
    row('wg can speak to it, ms', 'answersMs'),
    row('first handshake message on the cable, ms', 'initiatesMs'),
  ]);
}
