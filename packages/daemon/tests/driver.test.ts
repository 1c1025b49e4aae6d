import type { DataPlane, Device, Output } from '@pcloud/wireguard';
import { createBatch } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDriver, type Driver } from '../src/driver.ts';
import type { Logger } from '../src/log.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';

interface Rig {
  readonly driver: Driver;
  readonly clock: FakeClock;
  /** What was called, in order. */
  readonly calls: string[];
  readonly errors: string[];
  /** Outputs to come, after which the device says `timeout`. */
  readonly outputs: Output[];
  /** When the device wants to be woken. */
  wakeAt: number;
  /** Calls that throw. */
  readonly broken: Set<string>;
}

function createRig(counts: { tun?: number; network?: number; filter?: boolean } = {}): Rig {
  const calls: string[] = [];
  const broken = new Set<string>();
  const call = (name: string): void => {
    calls.push(name);
    if (broken.has(name)) throw new Error(`${name} is broken`);
  };
  const counted = (name: string, result: number) => (): number => {
    call(name);
    return result;
  };
  const plane = {
    batch: createBatch(),
    tunReceive: counted('tunReceive', counts.tun ?? 0),
    udpReceive: counted('udpReceive', counts.network ?? 0),
    sealAndSend: () => call('sealAndSend'),
    open: () => call('open'),
    tunSend: () => call('tunSend'),
    transmit: () => call('transmit'),
    inject: () => call('inject'),
  } as unknown as DataPlane;
  const device = {
    handleFrames: () => call('handleFrames'),
    handleSent: () => call('handleSent'),
    handleDatagrams: () => call('handleDatagrams'),
    handleOpened: () => call('handleOpened'),
    handleTimeout(now: number) {
      call('handleTimeout');
      if (now >= rig.wakeAt) rig.wakeAt = Number.POSITIVE_INFINITY;
    },
    pollOutput: () => rig.outputs.shift() ?? { kind: 'timeout', at: rig.wakeAt, reason: 'none' },
  } as unknown as Device;
  const clock = createFakeClock();
  const errors: string[] = [];
  const log: Logger = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(String(fields.kind)) };
  const driver = createDriver({
    device,
    plane,
    clock,
    log,
    ...(counts.filter && {
      filter: {
        handleFrames: (count) => call(`filter.handleFrames ${count}`),
        handleOpened: (count) => call(`filter.handleOpened ${count}`),
      },
    }),
    keepStamp: () => call('keepStamp'),
    handleEvent: (event) => call(event),
  });
  const rig: Rig = { driver, clock, calls, errors, outputs: [], wakeAt: Number.POSITIVE_INFINITY, broken };
  return rig;
}

test('a batch of the TUN is decided, sealed and noted, in this order', () => {
  const rig = createRig({ tun: 3 });
  rig.driver.handleTunReadable();
  assert.equal(rig.calls, ['tunReceive', 'handleFrames', 'sealAndSend', 'handleSent']);
});

test('a batch of the network is named, opened, checked and delivered, in this order', () => {
  const rig = createRig({ network: 2 });
  rig.driver.handleNetworkReadable();
  assert.equal(rig.calls, ['udpReceive', 'handleDatagrams', 'open', 'handleOpened', 'tunSend']);
});

test('a filter is asked once a batch: after the device decided, before anything is sealed or delivered', () => {
  const rig = createRig({ tun: 3, network: 2, filter: true });
  rig.driver.handleTunReadable();
  assert.equal(rig.calls, ['tunReceive', 'handleFrames', 'filter.handleFrames 3', 'sealAndSend', 'handleSent']);
  rig.calls.length = 0;
  rig.driver.handleNetworkReadable();
  assert.equal(rig.calls, [
    'udpReceive',
    'handleDatagrams',
    'open',
    'handleOpened',
    'filter.handleOpened 2',
    'tunSend',
  ]);
  rig.calls.length = 0;
  rig.outputs.push({ kind: 'frames', count: 1 });
  rig.driver.change(() => {});
  assert.equal(rig.calls, ['filter.handleFrames 1', 'sealAndSend', 'handleSent']);
});

test('nothing leaves and nothing is delivered when the filter fails', () => {
  const rig = createRig({ tun: 1, network: 1, filter: true });
  rig.broken.add('filter.handleFrames 1').add('filter.handleOpened 1');
  rig.driver.handleTunReadable();
  rig.driver.handleNetworkReadable();
  rig.outputs.push({ kind: 'frames', count: 1 });
  rig.driver.change(() => {});
  assert.not(rig.calls.includes('sealAndSend'));
  assert.not(rig.calls.includes('tunSend'));
  assert.equal(rig.errors, ['tun', 'network', 'output']);
});

test('nothing there costs nothing', () => {
  const rig = createRig();
  rig.driver.handleTunReadable();
  rig.driver.handleNetworkReadable();
  assert.equal(rig.calls, ['tunReceive', 'udpReceive']);
});

test('every output is done before the loop rests', () => {
  const rig = createRig();
  rig.outputs.push(
    { kind: 'transmit', datagram: new Uint8Array(148), endpoint: new Int32Array(16), tos: 0x88 },
    { kind: 'frames', count: 1 },
    { kind: 'inject', packet: new Uint8Array(56) },
    { kind: 'stamp', reserved: new Uint8Array(12) },
    { kind: 'event', event: 'roamed', peer: undefined as never },
  );
  rig.driver.change(() => rig.calls.push('change'));
  assert.equal(rig.calls, ['change', 'transmit', 'sealAndSend', 'handleSent', 'inject', 'keepStamp', 'roamed']);
});

test('the device is woken at the moment it names', () => {
  const rig = createRig();
  rig.wakeAt = rig.clock.now() + 5_000;
  rig.driver.change(() => {});
  rig.clock.advance(4_999);
  assert.equal(rig.calls, []);
  rig.clock.advance(1);
  assert.equal(rig.calls, ['handleTimeout']);
  assert.is(rig.clock.pending, 0);
});

test('an earlier moment takes the place of a later one', () => {
  const rig = createRig();
  rig.wakeAt = rig.clock.now() + 5_000;
  rig.driver.change(() => {});
  rig.wakeAt = rig.clock.now() + 100;
  rig.driver.change(() => {});
  assert.is(rig.clock.pending, 1);
  rig.clock.advance(100);
  assert.equal(rig.calls, ['handleTimeout']);
});

test('a moment that is put off costs no new timer, and is met', () => {
  const rig = createRig();
  rig.wakeAt = rig.clock.now() + 100;
  rig.driver.change(() => {});
  rig.wakeAt = rig.clock.now() + 10_000;
  for (let i = 0; i < 50; i++) rig.driver.change(() => {});
  assert.is(rig.clock.pending, 1);
  rig.clock.advance(9_999);
  assert.is(rig.calls.length, 1);
  rig.clock.advance(1);
  assert.is(rig.calls.length, 2);
});

test('a fault is counted, said once a kind, and the next batch goes through', () => {
  const rig = createRig({ tun: 1, network: 1 });
  rig.broken.add('handleFrames');
  for (let i = 0; i < 3; i++) rig.driver.handleTunReadable();
  assert.is(rig.driver.faults.tun, 3);
  assert.equal(rig.errors, ['tun']);
  rig.broken.delete('handleFrames');
  rig.calls.length = 0;
  rig.driver.handleTunReadable();
  assert.equal(rig.calls, ['tunReceive', 'handleFrames', 'sealAndSend', 'handleSent']);
  rig.broken.add('handleOpened');
  rig.driver.handleNetworkReadable();
  assert.equal(rig.errors, ['tun', 'network']);
});

test('an output that throws does not hold the loop, which goes on a second later', () => {
  const rig = createRig();
  rig.broken.add('transmit');
  rig.outputs.push(
    { kind: 'transmit', datagram: new Uint8Array(148), endpoint: new Int32Array(16), tos: 0 },
    { kind: 'inject', packet: new Uint8Array(56) },
  );
  rig.driver.change(() => {});
  assert.is(rig.driver.faults.output, 1);
  assert.equal(rig.calls, ['transmit']);
  rig.clock.advance(1_000);
  assert.equal(rig.calls, ['transmit', 'handleTimeout', 'inject']);
});

test('what a change throws is a fault, and its outputs are done', () => {
  const rig = createRig();
  rig.outputs.push({ kind: 'inject', packet: new Uint8Array(56) });
  rig.driver.change(() => {
    throw new Error('no such peer');
  });
  assert.is(rig.driver.faults.change, 1);
  assert.equal(rig.calls, ['inject']);
});

test('a stopped driver does nothing more', () => {
  const rig = createRig({ tun: 1 });
  rig.wakeAt = rig.clock.now() + 10;
  rig.driver.change(() => {});
  rig.driver.stop();
  rig.clock.advance(100);
  rig.driver.handleTunReadable();
  assert.equal(rig.calls, []);
  assert.is(rig.clock.pending, 0);
});

test.run();
