import {
  type Batch,
  createBatch,
  createNobleCrypto,
  DATAGRAM,
  LAYOUT,
  openDatagrams,
  REGIONS,
  SLAB_BYTES,
  type TransportKey,
} from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon, withPlanes } from './addon.ts';
import { createRandom, type Random, SEED } from './random.ts';

const noble = createNobleCrypto();
const WORDS = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as const;

/** Sealed messages one behind the other, as UDP GRO brings them: so at any offset. Some are broken, some have no key. */
function fill(batch: Batch, random: Random, keys: readonly TransportKey[], count: number): void {
  let offset: number = REGIONS.UDP;
  for (let i = 0; i < count; i++) {
    const at = i * DATAGRAM.WORDS;
    const length = random.of([0, 1, 16, 100, 1420, random.integer(0, 3000)]);
    const [low, high] = [random.of(WORDS), random.of(WORDS)];
    const slot = random.integer(0, keys.length - 1);
    batch.bytes.set(random.bytes(length), offset + 16);
    keys[slot]!.seal(batch.bytes, offset + 16, length, low, high);
    const total = 16 + length + 16;
    if (random.once(10)) batch.bytes[offset + random.integer(16, total - 1)]! ^= 1;
    batch.datagrams[at + DATAGRAM.OFFSET] = offset;
    batch.datagrams[at + DATAGRAM.LENGTH] = random.once(10) ? random.integer(0, 31) : total;
    batch.datagrams[at + DATAGRAM.COUNTER_LOW] = low;
    batch.datagrams[at + DATAGRAM.COUNTER_HIGH] = high;
    batch.datagrams[at + DATAGRAM.KEY] = random.once(10) ? random.of([-1, keys.length]) : slot;
    batch.datagrams[at + DATAGRAM.OPENED] = -1;
    offset += total;
  }
}

for (const name of addon.aeadNames()) {
  test(`datagrams open by ${name} as in their TypeScript twin`, () =>
    withPlanes((plane) => {
      plane.setAead(name);
      const random = createRandom(SEED);
      const secrets = [0, 1, 2].map(() => random.bytes(32));
      const keys = secrets.map((key) => noble.createTransportKey(key));
      for (const [slot, key] of secrets.entries()) plane.installKey(slot, key);
      const twin = createBatch(new ArrayBuffer(SLAB_BYTES));
      const batch = createBatch(plane.slab);
      for (let round = 0; round < 5; round++) {
        fill(twin, random, keys, LAYOUT.DATAGRAMS);
        batch.bytes.set(twin.bytes);
        openDatagrams(twin, LAYOUT.DATAGRAMS, (slot) => keys[slot]);
        plane.open(LAYOUT.DATAGRAMS);
        assert.equal(openedOf(batch), openedOf(twin), `PCLOUD_TEST_SEED=${SEED}, round ${round}`);
      }
    }));
}

/** The plaintext of each datagram, or what stands for its failure. */
function openedOf({ bytes, datagrams }: Batch): (Uint8Array | number)[] {
  return Array.from({ length: LAYOUT.DATAGRAMS }, (_, i) => {
    const at = i * DATAGRAM.WORDS;
    const [opened, body] = [datagrams[at + DATAGRAM.OPENED]!, datagrams[at + DATAGRAM.OFFSET]! + 16];
    return opened < 0 ? opened : bytes.slice(body, body + opened);
  });
}

const OUTSIDE: Readonly<Record<string, readonly [offset: number, length: number]>> = {
  'before the received bytes': [REGIONS.UDP - 1, 100],
  'past the received bytes': [REGIONS.SEND - 99, 100],
  'past the slab': [SLAB_BYTES, 100],
  'at a negative offset': [-100, 100],
  'of a negative length': [REGIONS.UDP, -1],
  'as long as a number can say': [REGIONS.UDP, 2 ** 31 - 1],
};

for (const [what, [offset, length]] of Object.entries(OUTSIDE)) {
  test(`a datagram ${what} does not open`, () =>
    withPlanes((plane) => {
      const { datagrams } = createBatch(plane.slab);
      plane.installKey(0, new Uint8Array(32));
      datagrams[DATAGRAM.OFFSET] = offset;
      datagrams[DATAGRAM.LENGTH] = length;
      datagrams[DATAGRAM.OPENED] = 5;
      plane.open(1);
      assert.is(datagrams[DATAGRAM.OPENED], -1);
    }));
}

test('only as many datagrams are opened as was said, and none past the last descriptor', () =>
  withPlanes((plane) => {
    const { datagrams, endpoints } = createBatch(plane.slab);
    datagrams.fill(5);
    plane.open(1);
    assert.is(datagrams[DATAGRAM.OPENED], -1);
    assert.is(datagrams[DATAGRAM.WORDS + DATAGRAM.OPENED], 5);
    plane.open(2 ** 31 - 1);
    assert.is(datagrams[(LAYOUT.DATAGRAMS - 1) * DATAGRAM.WORDS + DATAGRAM.OPENED], -1);
    assert.ok(endpoints.every((word) => word === 0));
  }));

test.run();
