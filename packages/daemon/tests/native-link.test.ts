import type { NetworkEvent } from '@pcloud/native';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNetlinkWatch } from '../src/native-link.ts';
import { probeTun, type TunState } from '../src/tun-probe.ts';

interface Rig {
  readonly told: string[];
  emit(event: NetworkEvent): void;
  link(change: { up?: boolean; mtu?: number; index?: number; removed?: boolean }): void;
  state: { index: number; mtu: number; up: boolean } | undefined;
  probed: TunState;
  stop(): void;
}

function createRig(): Rig {
  const told: string[] = [];
  let emit: (event: NetworkEvent) => void = () => {};
  const rig: Rig = {
    told,
    state: { index: 7, mtu: 1_420, up: false },
    probed: 'up',
    emit: (event) => emit(event),
    link: (change) =>
      emit({ kind: 'link', index: 7, name: 'wg0', mtu: 1_420, up: false, running: true, removed: false, ...change }),
    stop: () => {},
  };
  const network = {
    linkInfo: () => rig.state,
    watchNetwork: (callback: (event: NetworkEvent) => void) => {
      emit = callback;
      return () => {
        emit = () => {};
      };
    },
  };
  rig.stop = createNetlinkWatch(network, () => rig.probed)('wg0', {
    handleUp: (up) => void told.push(up ? 'up' : 'down'),
    handleMtu: (mtu) => void told.push(`mtu ${mtu}`),
    handleRoutes: () => void told.push('routes'),
    handleGone: () => void told.push('gone'),
  });
  return rig;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the state there is is told at once, then only what changes', () => {
  const rig = createRig();
  rig.link({});
  rig.link({ up: true });
  rig.link({ up: true });
  rig.link({ up: true, mtu: 1_280 });
  rig.link({ up: false, mtu: 1_280 });
  assert.equal(rig.told, ['mtu 1420', 'down', 'up', 'mtu 1280', 'down']);
  rig.stop();
});

test('other interfaces do not matter', () => {
  const rig = createRig();
  rig.link({ index: 8, up: true });
  rig.link({ index: 8, removed: true });
  assert.equal(rig.told, ['mtu 1420', 'down']);
  rig.stop();
});

test('a storm of routes is one word', async () => {
  const rig = createRig();
  for (let i = 0; i < 100; i++) rig.emit({ kind: 'other' });
  const route = { kind: 'route', destination: new Uint8Array(4), prefixLength: 0, table: 254, index: 1 } as const;
  for (let i = 0; i < 100; i++) rig.emit({ ...route, metric: 0, mtu: 0, type: 1, removed: false });
  await nextTurn();
  assert.equal(rig.told.slice(2), ['routes']);
  rig.stop();
});

test('what was lost in an overrun is looked up', async () => {
  const rig = createRig();
  rig.state = { index: 7, mtu: 9_000, up: true };
  rig.emit({ kind: 'overrun' });
  await nextTurn();
  assert.equal(rig.told.slice(2), ['mtu 9000', 'up', 'routes']);
  rig.stop();
});

test('an interface that was deleted is gone', () => {
  const rig = createRig();
  rig.probed = 'gone';
  rig.link({ removed: true });
  assert.equal(rig.told.slice(2), ['gone']);
  rig.stop();
});

test('an interface that left for another namespace goes up there', async () => {
  const rig = createRig();
  rig.probed = 'down';
  rig.link({ removed: true });
  assert.equal(rig.told.slice(2), []);
  rig.probed = 'up';
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(rig.told.slice(2), ['up']);
  rig.stop();
});

test('a descriptor tells its state by the error of a write of nothing', () => {
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };
  assert.is(probeTun(0, failing('EIO')), 'down');
  assert.is(probeTun(0, failing('EBADFD')), 'gone');
  assert.is(probeTun(0, failing('EINVAL')), 'up');
  assert.is(
    probeTun(0, () => {}),
    'up',
  );
});

test.run();
