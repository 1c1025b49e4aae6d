import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep, waitFor } from '../../tests/lab/wait.ts';
import type { NetworkEvent } from '../index.ts';
import { addon } from './addon.ts';
import { isolate } from './isolate.ts';

isolate();

const V4 = Uint8Array.of(10, 8, 0, 1);
const NET4 = Uint8Array.of(10, 55, 0, 0);

type Kind<K extends NetworkEvent['kind']> = Extract<NetworkEvent, { kind: K }>;

interface Watch {
  readonly events: readonly NetworkEvent[];
  /** Waits for an event. */
  saw<K extends NetworkEvent['kind']>(kind: K, is: (event: Kind<K>) => boolean): Promise<void>;
}

const ip = (words: string): void => void execFileSync('ip', words.split(' '));

/** Runs with a fresh link, and what is told from then on. */
async function watching(use: (watch: Watch, index: number) => Promise<void>): Promise<void> {
  ip('link add eth0 type veth peer name eth1');
  const events: NetworkEvent[] = [];
  const stop = addon.watchNetwork((event) => events.push(event));
  try {
    await use(
      {
        events,
        saw: async (kind, is) => {
          const find = () => events.some((event) => event.kind === kind && is(event as Kind<typeof kind>));
          await waitFor(`a ${kind} event`, find, 2000, () => JSON.stringify(events));
        },
      },
      addon.linkInfo('eth0')!.index,
    );
  } finally {
    stop();
    if (addon.linkInfo('eth0')) addon.deleteLink('eth0');
  }
}

test('a link that comes, goes up, changes its MTU, goes down and ends is told of each time', () =>
  watching(async ({ saw }, index) => {
    const change = (is: (event: Kind<'link'>) => boolean) => saw('link', (event) => event.index === index && is(event));
    addon.linkSet('eth1', { up: true });
    addon.linkSet('eth0', { up: true });
    await change((event) => event.up && event.name === 'eth0' && event.mtu === 1500 && !event.removed);
    await change((event) => event.running);
    addon.linkSet('eth0', { mtu: 1280 });
    await change((event) => event.mtu === 1280);
    addon.linkSet('eth0', { up: false });
    await change((event) => !event.up && event.mtu === 1280);
    addon.deleteLink('eth0');
    await change((event) => event.removed && event.name === 'eth0');
    ip('link add eth5 type veth peer name eth6');
    await saw('link', (event) => event.name === 'eth5' && !event.removed);
    addon.deleteLink('eth5');
  }));

test('addresses and routes that come and go are told, as they are listed', () =>
  watching(async ({ saw }, index) => {
    const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
    addon.linkSet('eth0', { up: true });
    addon.addressAdd('eth0', V4, 24);
    await saw(
      'address',
      (event) => same(event.address, V4) && event.prefixLength === 24 && event.index === index && !event.removed,
    );
    const route = { destination: NET4, prefixLength: 16, interfaceIndex: index, metric: 7 };
    addon.routeAdd(route);
    await saw(
      'route',
      (event) => same(event.destination, NET4) && event.metric === 7 && event.index === index && !event.removed,
    );
    addon.routeRemove(route);
    await saw('route', (event) => same(event.destination, NET4) && event.removed);
    addon.addressRemove('eth0', V4, 24);
    await saw('address', (event) => same(event.address, V4) && event.removed);
  }));

test('a link that leaves a bridge has not ended', () =>
  watching(async ({ events, saw }, index) => {
    ip('link add br0 type bridge');
    ip('link set eth0 master br0');
    ip('link set eth0 nomaster');
    addon.linkSet('eth0', { mtu: 1400 });
    await saw('link', (event) => event.index === index && event.mtu === 1400);
    assert.not(events.some((event) => event.kind === 'link' && event.index === index && event.removed));
    addon.deleteLink('br0');
  }));

test('a storm that nobody could take is told as an overrun, and what follows is told again', () =>
  watching(async ({ saw }, index) => {
    addon.linkSet('eth0', { up: true });
    // While this runs the loop does not: the socket fills up.
    for (let i = 0; i < 4000; i++) {
      addon.routeAdd({ destination: Uint8Array.of(10, 60, i >> 8, i & 255), prefixLength: 32, interfaceIndex: index });
    }
    await saw('overrun', () => true);
    addon.linkSet('eth0', { mtu: 1281 });
    await saw('link', (event) => event.mtu === 1281);
  }));

test('nothing is told once it was stopped, not even in the middle of a batch, and stopping twice is as good as once', async () => {
  let told = 0;
  const stop = addon.watchNetwork(() => {
    told++;
    stop();
  });
  ip('link add eth0 type veth peer name eth1');
  await waitFor('an event', () => told > 0, 2000);
  addon.deleteLink('eth0');
  await sleep(20);
  assert.is(told, 1);
  stop();
});

test('several watch, and one that stops leaves the others', async () => {
  const told = [0, 0];
  const stops = [0, 1].map((i) => addon.watchNetwork(() => void told[i]!++));
  stops[0]!();
  ip('link add eth0 type veth peer name eth1');
  await waitFor('an event', () => told[1]! > 0, 2000);
  assert.is(told[0], 0);
  stops[1]!();
  addon.deleteLink('eth0');
});

test.run();
