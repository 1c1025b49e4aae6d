import { LAYOUT, SLAB_BYTES } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon, codeOf, withPlanes } from './addon.ts';

type Callable = Readonly<Record<string, (...values: unknown[]) => unknown>>;

const WRONG_TYPE = 'ERR_INVALID_ARG_TYPE';
const NO_NUMBERS = [undefined, null, 'one', {}, [], Symbol('one'), 1n] as const;
const NO_WORDS = [NaN, Infinity, -Infinity, 0.5, 2 ** 32, -(2 ** 32), 2 ** 53] as const;
const NO_BYTES = [undefined, null, 'bytes', 5, [1, 2], new Int8Array(32), new ArrayBuffer(32), {}] as const;
const CALLBACKS = { tun() {}, udp() {}, closed() {} };

/** Calls of a plane, each with arguments that are right: what is checked replaces one of them. */
const PLANE_CALLS: Readonly<Record<string, readonly unknown[]>> = {
  adoptTun: [0],
  bind: [0, 0],
  setMark: [0],
  sealAndSend: [0],
  open: [0],
  tunSend: [0],
  transmit: [new Uint8Array(1), new Int32Array(16), 0],
  inject: [new Uint8Array(1)],
  sendRun: [0, 1, 1, 0, 0],
  installKey: [0, new Uint8Array(32)],
  removeKey: [0],
};

for (const [name, good] of Object.entries(PLANE_CALLS)) {
  test(`plane.${name} throws a coded error for every argument of another type, whole numbers that are none, and none at all`, () =>
    withPlanes((plane) => {
      const call = (values: readonly unknown[]) => codeOf(() => (plane as unknown as Callable)[name]!(...values));
      assert.is(call([]), WRONG_TYPE);
      for (const [index, value] of good.entries()) {
        const bad = typeof value === 'number' ? [...NO_NUMBERS, ...NO_WORDS] : NO_BYTES;
        for (const wrong of bad)
          assert.is(call(good.with(index, wrong)), WRONG_TYPE, `argument ${index}: ${String(wrong)}`);
      }
    }));
}

test('unsigned arguments may be as large as 32 bits, and not negative', () =>
  withPlanes((plane) => {
    plane.removeKey(0xffff_ffff);
    assert.is(
      codeOf(() => plane.removeKey(-1)),
      WRONG_TYPE,
    );
    assert.is(
      codeOf(() => plane.setMark(-1)),
      WRONG_TYPE,
    );
  }));

test('a port that is none is refused', () =>
  withPlanes((plane) => {
    for (const port of [-1, 65_536])
      assert.is(
        codeOf(() => plane.bind(port, 0)),
        WRONG_TYPE,
      );
  }));

test('a run outside of the slab, or to no endpoint slot, is ERANGE', () =>
  withPlanes((plane) => {
    const wrong: [number, number, number, number][] = [
      [-1, 10, 10, 0],
      [SLAB_BYTES - 9, 10, 10, 0],
      [SLAB_BYTES, 1, 1, 0],
      [2 ** 31 - 1, 2 ** 31 - 1, 10, 0],
      [0, 0, 10, 0],
      [0, -1, 10, 0],
      [0, 10, 0, 0],
      [0, 10, -1, 0],
      [0, 10, 10, -1],
      [0, 10, 10, LAYOUT.ENDPOINTS],
    ];
    for (const [offset, length, segment, slot] of wrong) {
      assert.is(
        codeOf(() => plane.sendRun(offset, length, segment, slot, 0)),
        'ERANGE',
        `${[offset, length, segment, slot]}`,
      );
    }
  }));

test('an endpoint record that is too short, and a key of another length, are refused', () =>
  withPlanes((plane) => {
    assert.is(
      codeOf(() => plane.transmit(new Uint8Array(1), new Int32Array(15), 0)),
      WRONG_TYPE,
    );
    for (const length of [0, 31, 33])
      assert.is(
        codeOf(() => plane.installKey(0, new Uint8Array(length))),
        WRONG_TYPE,
      );
  }));

test('callbacks that are none are refused, each by its name', () =>
  withPlanes((plane) => {
    const call = (callbacks: unknown) => () => (plane as unknown as Callable).listen!(callbacks);
    for (const name of Object.keys(CALLBACKS)) {
      assert.throws(call({ ...CALLBACKS, [name]: 5 }), (error: Error) => error.message.includes(`"${name}"`));
    }
    for (const wrong of [undefined, null, 5]) assert.is(codeOf(call(wrong)), WRONG_TYPE);
  }));

test('a method called on anything but a plane throws', () =>
  withPlanes((plane) => {
    const methods = Object.entries(plane).filter(([, value]) => typeof value === 'function');
    assert.ok(methods.length > 25);
    for (const [name, method] of methods) {
      for (const self of [undefined, {}, addon, plane.slab])
        assert.is(
          codeOf(() => method.call(self)),
          WRONG_TYPE,
          name,
        );
    }
  }));

test('names that hold a zero, or are no text, are refused, and too long ones are ENAMETOOLONG', () =>
  withPlanes((plane) => {
    const calls = [
      (name: string) => addon.linkInfo(name),
      (name: string) => addon.linkSet(name, { up: true }),
      (name: string) => addon.deleteLink(name),
      (name: string) => addon.addressAdd(name, new Uint8Array(4), 32),
      (name: string) => addon.addressList(name),
      (name: string) => plane.openTun(name, { offload: true }),
    ];
    for (const call of calls) {
      assert.is(
        codeOf(() => call('lo\0')),
        WRONG_TYPE,
      );
      assert.is(
        codeOf(() => call(5 as unknown as string)),
        WRONG_TYPE,
      );
      assert.is(
        codeOf(() => call('sixteen-letters-')),
        'ENAMETOOLONG',
      );
    }
  }));

test('options of another type are refused', () =>
  withPlanes((plane) => {
    const create = (socketBufferBytes: unknown) => () =>
      addon.createPlane({ socketBufferBytes: socketBufferBytes as number });
    for (const wrong of [-1, 2 ** 29 + 1, 0.5, NaN, '1', null]) assert.is(codeOf(create(wrong)), WRONG_TYPE);
    assert.is(
      codeOf(() => plane.openTun('x', { offload: 1 as unknown as boolean })),
      WRONG_TYPE,
    );
    assert.is(
      codeOf(() => addon.linkSet('lo', { mtu: 2 ** 32 + 1500 })),
      WRONG_TYPE,
    );
  }));

test('addresses, prefixes and routes that are none are refused', () => {
  const [v4, v6] = [new Uint8Array(4), new Uint8Array(16)];
  const route = { destination: v4, prefixLength: 8, interfaceIndex: 1 };
  const wrong = [
    () => addon.addressAdd('lo', new Uint8Array(5), 8),
    () => addon.addressAdd('lo', v4, 33),
    () => addon.addressAdd('lo', v6, 129),
    () => addon.addressAdd('lo', v4, -1),
    () => addon.routeAdd(undefined as unknown as typeof route),
    () => addon.routeAdd({ ...route, destination: new Uint8Array(0) }),
    () => addon.routeAdd({ ...route, prefixLength: 33 }),
    () => addon.routeAdd({ ...route, prefixLength: undefined as unknown as number }),
    () => addon.routeAdd({ ...route, gateway: v6 }),
    () => addon.routeAdd({ ...route, source: v6 }),
    () => addon.routeAdd({ ...route, metric: -1 }),
    () => addon.routeAdd({ ...route, table: 2 ** 32 }),
    () => addon.routeAdd({ ...route, interfaceIndex: 2 ** 31 }),
    () => addon.watchNetwork(5 as unknown as () => void),
    () => addon.watchClock(undefined as unknown as () => void),
    () => addon.peerCredentials('0' as unknown as number),
  ];
  for (const [index, call] of wrong.entries()) assert.is(codeOf(call), WRONG_TYPE, `call ${index}`);
});

test('a closed plane does nothing on the data path, and what would open something is EBADF', () =>
  withPlanes((plane) => {
    plane.close();
    plane.close();
    const idle = Object.entries(PLANE_CALLS).filter(([name]) => !['adoptTun', 'bind', 'setMark'].includes(name));
    for (const [name, good] of idle) (plane as unknown as Callable)[name]!(...good);
    for (const name of ['closeTun', 'closeSockets', 'stop', 'ref', 'unref'] as const) plane[name]();
    plane.readTun(true);
    plane.readUdp(false);
    assert.equal(
      [plane.tunReceive(), plane.udpReceive(), plane.features(), plane.takeFaults(), plane.aead()],
      [0, 0, {}, [], undefined],
    );
    const opening = [
      () => plane.openTun('x', { offload: false }),
      () => plane.adoptTun(0),
      () => plane.bind(0, 0),
      () => plane.setMark(0),
      () => plane.listen(CALLBACKS),
    ];
    for (const call of opening) assert.is(codeOf(call), 'EBADF');
    assert.is(
      codeOf(() => plane.setAead('evp')),
      'ENOTSUP',
    );
    assert.is(new Uint8Array(plane.slab).length, SLAB_BYTES);
  }));

test.run();
