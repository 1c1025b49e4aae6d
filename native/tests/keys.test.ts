import { createBatch, DATAGRAM, REGIONS } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Plane } from '../index.ts';
import { addon, codeOf, withPlanes } from './addon.ts';
import { createSecret } from './memory.ts';

const LAST_SLOT = (1 << 20) - 1;
const KEYS = [1, 2].map((seed) => new Uint8Array(32).fill(seed));

/** Whether a message under a key opens by the key in a slot. */
function opens(plane: Plane, slot: number, key: Uint8Array): boolean {
  const { bytes, datagrams } = createBatch(plane.slab);
  const sealed = addon.sealOnce(addon.aeadNames()[0]!, key, 3, 0, new Uint8Array(40));
  bytes.set(sealed, REGIONS.UDP + 16);
  datagrams[DATAGRAM.OFFSET] = REGIONS.UDP;
  datagrams[DATAGRAM.LENGTH] = 16 + sealed.length;
  datagrams[DATAGRAM.COUNTER_LOW] = 3;
  datagrams[DATAGRAM.KEY] = slot;
  datagrams[DATAGRAM.OPENED] = -1;
  plane.open(1);
  return datagrams[DATAGRAM.OPENED] === 40;
}

test('a slot has the key that was installed last, from the first slot to the last', () =>
  withPlanes((plane) => {
    for (const slot of [0, 1, 4095, 4096, LAST_SLOT]) {
      assert.not(opens(plane, slot, KEYS[0]!));
      plane.installKey(slot, KEYS[0]!);
      assert.ok(opens(plane, slot, KEYS[0]!));
      plane.installKey(slot, KEYS[1]!);
      assert.not(opens(plane, slot, KEYS[0]!));
      assert.ok(opens(plane, slot, KEYS[1]!));
    }
  }));

test('a key is a copy: its owner may zero it', () =>
  withPlanes((plane) => {
    const key = KEYS[0]!.slice();
    plane.installKey(0, key);
    key.fill(0);
    assert.ok(opens(plane, 0, KEYS[0]!));
  }));

test('a removed key opens nothing, not even what all zeros would open', () =>
  withPlanes((plane) => {
    plane.installKey(7, KEYS[0]!);
    plane.removeKey(7);
    assert.not(opens(plane, 7, KEYS[0]!));
    assert.not(opens(plane, 7, new Uint8Array(32)));
  }));

test('a slot that has no key can be removed, and one past the last cannot be installed', () =>
  withPlanes((plane) => {
    plane.removeKey(3);
    plane.removeKey(LAST_SLOT + 1);
    assert.is(
      codeOf(() => plane.installKey(LAST_SLOT + 1, KEYS[0]!)),
      'EINVAL',
    );
  }));

for (const name of addon.aeadNames()) {
  for (const [what, end] of Object.entries<(plane: Plane) => void>({
    removed: (plane) => plane.removeKey(5),
    replaced: (plane) => plane.installKey(5, new Uint8Array(32)),
    'in a plane that is closed': (plane) => plane.close(),
  })) {
    test(`a key that ${name} has worked with is nowhere in memory once it is ${what}`, () =>
      withPlanes((plane) => {
        const secret = createSecret(name.length + what.length);
        plane.setAead(name);
        plane.installKey(5, secret.bytes);
        const { datagrams } = createBatch(plane.slab);
        datagrams[DATAGRAM.OFFSET] = REGIONS.UDP;
        datagrams[DATAGRAM.LENGTH] = 100;
        datagrams[DATAGRAM.KEY] = 5;
        plane.open(1);
        assert.ok(secret.copies() > 0);
        end(plane);
        assert.is(secret.copies(), 0);
      }));
  }
}

test.run();
