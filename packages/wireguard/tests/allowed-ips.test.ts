import { formatPrefix, parseAddress, parsePrefix } from '@pcloud/ip';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AllowedIps, createAllowedIps } from '../src/allowed-ips.ts';

function insert(table: AllowedIps<string>, text: string, owner: string): void {
  const prefix = parsePrefix(text)!;
  table.insert(prefix.address, prefix.length, owner);
}

function remove(table: AllowedIps<string>, text: string, owner: string): boolean {
  const prefix = parsePrefix(text)!;
  return table.remove(prefix.address, prefix.length, owner);
}

function lookup(table: AllowedIps<string>, text: string): string | undefined {
  return lookupBytes(table, parseAddress(text)!);
}

function lookupBytes(table: AllowedIps<string>, address: Uint8Array): string | undefined {
  return address.length === 4
    ? table.lookup4(new DataView(address.buffer, address.byteOffset).getInt32(0))
    : table.lookup6(address, 0);
}

function list(table: AllowedIps<string>, owner: string): string[] {
  return [...table.entries(owner)].map(formatPrefix);
}

/** The obvious one: a list, searched from end to end. */
function createSlowTable() {
  let rows: { bits: string; family: number; owner: string }[] = [];
  const bitsOf = (address: Uint8Array): string =>
    [...address].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const same = (address: Uint8Array, length: number) => {
    const bits = bitsOf(address).slice(0, length);
    return (row: { bits: string; family: number }) => row.family === address.length && row.bits === bits;
  };
  return {
    rows: () => rows,
    insert(address: Uint8Array, length: number, owner: string) {
      const is = same(address, length);
      if (rows.some((row) => is(row) && row.owner === owner)) return;
      rows = rows.filter((row) => !is(row));
      rows.push({ bits: bitsOf(address).slice(0, length), family: address.length, owner });
    },
    remove(address: Uint8Array, length: number, owner: string) {
      const is = same(address, length);
      const before = rows.length;
      rows = rows.filter((row) => !(is(row) && row.owner === owner));
      return rows.length < before;
    },
    removeOwner(owner: string) {
      rows = rows.filter((row) => row.owner !== owner);
    },
    lookup(address: Uint8Array) {
      const bits = bitsOf(address);
      let best: { bits: string; owner: string } | undefined;
      for (const row of rows) {
        if (row.family !== address.length || !bits.startsWith(row.bits)) continue;
        if (best === undefined || row.bits.length > best.bits.length) best = row;
      }
      return best?.owner;
    },
    entries(owner: string) {
      const own = rows.filter((row) => row.owner === owner);
      return [4, 16].flatMap((family) => own.filter((row) => row.family === family).map((row) => row.bits));
    },
    bitsOf,
  };
}

test('the longest prefix that holds an address decides', () => {
  const table = createAllowedIps<string>();
  insert(table, '192.168.4.0/24', 'a');
  insert(table, '192.168.4.4/32', 'b');
  insert(table, '192.168.0.0/16', 'c');
  insert(table, '192.95.5.64/27', 'd');
  insert(table, '192.95.5.65/27', 'e');
  insert(table, '0.0.0.0/0', 'f');
  insert(table, '64.15.112.0/20', 'g');
  assert.is(lookup(table, '192.168.4.20'), 'a');
  assert.is(lookup(table, '192.168.4.4'), 'b');
  assert.is(lookup(table, '192.168.200.182'), 'c');
  assert.is(lookup(table, '192.95.5.68'), 'e');
  assert.is(lookup(table, '192.95.5.96'), 'f');
  assert.is(lookup(table, '64.15.127.255'), 'g');
  assert.is(lookup(table, '64.15.128.0'), 'f');
});

test('IPv6 is decided likewise, at any offset', () => {
  const table = createAllowedIps<string>();
  insert(table, '2607:5300:6006:6b00::/64', 'a');
  insert(table, '2607:5300:6006:6b00::c05f:543/128', 'b');
  insert(table, '::/0', 'c');
  insert(table, '2404:6800::/33', 'd');
  assert.is(lookup(table, '2607:5300:6006:6b00::1'), 'a');
  assert.is(lookup(table, '2607:5300:6006:6b00::c05f:543'), 'b');
  assert.is(lookup(table, '2404:6800:7fff::'), 'd');
  assert.is(lookup(table, '2404:6800:8000::'), 'c');
  const packet = new Uint8Array(40);
  packet.set(parseAddress('2607:5300:6006:6b00::7')!, 23);
  assert.is(table.lookup6(packet, 23), 'a');
});

test('nothing is found where nothing holds the address', () => {
  const table = createAllowedIps<string>();
  assert.is(lookup(table, '10.0.0.1'), undefined);
  insert(table, '10.0.0.0/24', 'a');
  insert(table, '10.0.2.0/24', 'a');
  assert.is(lookup(table, '10.0.1.1'), undefined);
  assert.is(lookup(table, '::'), undefined);
});

test('an address may be a signed or an unsigned word', () => {
  const table = createAllowedIps<string>();
  insert(table, '192.168.0.0/16', 'a');
  assert.is(table.lookup4(0xc0a8_0001), 'a');
  assert.is(table.lookup4(0xc0a8_0001 | 0), 'a');
});

test('0.0.0.0/0 holds every IPv4 address and no IPv6 one', () => {
  const table = createAllowedIps<string>();
  insert(table, '0.0.0.0/0', 'a');
  assert.is(lookup(table, '0.0.0.0'), 'a');
  assert.is(lookup(table, '255.255.255.255'), 'a');
  assert.is(lookup(table, '::1'), undefined);
});

test('host bits are cleared', () => {
  const table = createAllowedIps<string>();
  table.insert(new Uint8Array([10, 1, 2, 3]), 9, 'a');
  table.insert(new Uint8Array(16).fill(0xff), 33, 'a');
  assert.equal(list(table, 'a'), ['10.0.0.0/9', 'ffff:ffff:8000::/33']);
  assert.is(table.remove(new Uint8Array([10, 127, 2, 3]), 9, 'a'), true);
});

test('a prefix inserted for another owner moves', () => {
  const table = createAllowedIps<string>();
  insert(table, '10.0.0.0/24', 'a');
  insert(table, '10.0.0.0/24', 'b');
  assert.equal(list(table, 'a'), []);
  assert.equal(list(table, 'b'), ['10.0.0.0/24']);
  assert.is(lookup(table, '10.0.0.1'), 'b');
  assert.is(table.size, 1);
});

test('a prefix inserted again keeps its place', () => {
  const table = createAllowedIps<string>();
  insert(table, '10.0.0.0/24', 'a');
  insert(table, '10.0.1.0/24', 'a');
  insert(table, '10.0.0.0/24', 'a');
  assert.equal(list(table, 'a'), ['10.0.0.0/24', '10.0.1.0/24']);
});

test('a prefix is removed only by its owner and only exactly', () => {
  const table = createAllowedIps<string>();
  insert(table, '10.0.0.0/24', 'a');
  assert.is(remove(table, '10.0.0.0/24', 'b'), false);
  assert.is(remove(table, '10.0.0.0/25', 'a'), false);
  assert.is(remove(table, '10.0.0.0/23', 'a'), false);
  assert.is(remove(table, '11.0.0.0/24', 'a'), false);
  assert.is(lookup(table, '10.0.0.1'), 'a');
  assert.is(remove(table, '10.0.0.0/24', 'a'), true);
  assert.is(lookup(table, '10.0.0.1'), undefined);
});

test('removing an owner leaves what it shadowed', () => {
  const table = createAllowedIps<string>();
  insert(table, '10.0.0.0/8', 'a');
  insert(table, '10.1.0.0/16', 'b');
  insert(table, '10.1.1.0/24', 'a');
  insert(table, 'fd00::/8', 'b');
  table.removeOwner('b');
  assert.is(lookup(table, '10.1.2.3'), 'a');
  assert.is(lookup(table, 'fd00::1'), undefined);
  table.removeOwner('nobody');
  assert.is(table.size, 2);
});

test('entries are IPv4, then IPv6, as inserted', () => {
  const table = createAllowedIps<string>();
  for (const text of ['fd00::/8', '10.0.9.0/24', '10.0.1.0/24', '::/0', '0.0.0.0/0']) insert(table, text, 'a');
  insert(table, '10.0.5.0/24', 'b');
  assert.equal(list(table, 'a'), ['10.0.9.0/24', '10.0.1.0/24', '0.0.0.0/0', 'fd00::/8', '::/0']);
  assert.equal(list(table, 'nobody'), []);
});

test('an address or a length of no family is refused by name', () => {
  const table = createAllowedIps<string>();
  const wrong = (bytes: number, length: number) => () => table.insert(new Uint8Array(bytes), length, 'a');
  assert.throws(wrong(5, 0), /expected 4 or 16 bytes, got 5/);
  assert.throws(wrong(4, 33), /expected 0 to 32, got 33/);
  assert.throws(wrong(16, 129), /expected 0 to 128, got 129/);
  assert.throws(wrong(4, -1), /got -1/);
  assert.throws(wrong(4, 1.5), /got 1.5/);
  assert.throws(() => table.remove(new Uint8Array(3), 0, 'a'), /got 3/);
  assert.is(table.size, 0);
});

test('130,560 prefixes of one owner load, list and go', () => {
  const table = createAllowedIps<number>();
  const address = new Uint8Array(4);
  for (let i = 0; i < 130_560; i++) {
    address.set([10 + (i >> 16), i >> 8, i]);
    table.insert(address, 24, 1);
  }
  assert.is(table.size, 130_560);
  assert.ok(table.nodeCount < 2 * table.size);
  let count = 0;
  for (const { length } of table.entries(1)) count += length === 24 ? 1 : 0;
  assert.is(count, 130_560);
  assert.is(table.lookup4((10 << 24) | 0x0abc_de), 1);
  table.removeOwner(1);
  assert.equal([table.size, table.nodeCount], [0, 0]);
});

test('65,536 owners of two prefixes each are found and removed one by one', () => {
  const table = createAllowedIps<number>();
  const address4 = new Uint8Array(4);
  const address6 = new Uint8Array(16);
  for (let i = 0; i < 65_536; i++) {
    address4.set([10, 9, i >> 8, i]);
    address6.set([0xfd, i >> 8, i]);
    table.insert(address4, 32, i);
    table.insert(address6, 64, i);
  }
  assert.is(table.lookup4((10 << 24) | (9 << 16) | 40_000), 40_000);
  assert.is(table.lookup6(address6, 0), 65_535);
  for (let i = 0; i < 65_536; i++) table.removeOwner(i);
  assert.equal([table.size, table.nodeCount], [0, 0]);
});

test('prefixes nested 128 deep are walked without recursion', () => {
  const table = createAllowedIps<number>();
  for (let length = 0; length <= 128; length++) table.insert(new Uint8Array(16).fill(0xff), length, length);
  const address = new Uint8Array(16).fill(0xff);
  assert.is(table.lookup6(address, 0), 128);
  for (let length = 128; length > 0; length--) {
    table.removeOwner(length);
    assert.is(table.lookup6(address, 0), length - 1);
  }
});

test('churn of 10^5 prefixes leaves no nodes behind', () => {
  const table = createAllowedIps<string>();
  insert(table, '10.0.0.0/8', 'kept');
  const address = new Uint8Array(4);
  for (let i = 0; i < 100_000; i++) {
    const mixed = Math.imul(i, 0x9e37_79b1);
    address.set([10, mixed >>> 24, mixed >>> 16, mixed >>> 8]);
    table.insert(address, 24 + (i % 9), 'moving');
    if (i % 2 === 0) table.remove(address, 24 + (i % 9), 'moving');
    if (i % 100 === 99) table.removeOwner('moving');
  }
  assert.equal([table.size, table.nodeCount], [1, 1]);
});

test('any history has the answers of a list searched from end to end', () => {
  // Few different bits, so that prefixes nest, meet and move.
  const address = fc
    .tuple(fc.boolean(), fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { minLength: 16, maxLength: 16 }))
    .map(([isLong, bytes]) => new Uint8Array(isLong ? bytes : bytes.slice(0, 4)));
  const action = fc.record({
    kind: fc.constantFrom('insert', 'insert', 'insert', 'remove', 'removeOwner'),
    address,
    part: fc.nat(128),
    owner: fc.constantFrom('a', 'b', 'c'),
    known: fc.nat(40),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), fc.array(address, { maxLength: 20 }), (actions, probes) => {
      const table = createAllowedIps<string>();
      const slow = createSlowTable();
      const used: { address: Uint8Array; length: number }[] = [];
      for (const { kind, address, part, owner, known } of actions) {
        const bits = address.length * 8;
        // Often a prefix that was used before.
        const prefix = used[known] ?? { address, length: part % (bits + 1) };
        used.push(prefix);
        if (kind === 'insert') {
          table.insert(prefix.address, prefix.length, owner);
          slow.insert(prefix.address, prefix.length, owner);
        } else if (kind === 'remove') {
          assert.is(
            table.remove(prefix.address, prefix.length, owner),
            slow.remove(prefix.address, prefix.length, owner),
          );
        } else {
          table.removeOwner(owner);
          slow.removeOwner(owner);
        }
        assert.is(table.size, slow.rows().length);
        assert.ok(table.nodeCount <= Math.max(0, 2 * table.size));
      }
      for (const probe of [...probes, ...used.map((prefix) => prefix.address)]) {
        assert.is(lookupBytes(table, probe), slow.lookup(probe));
      }
      for (const owner of ['a', 'b', 'c']) {
        const listed = [...table.entries(owner)].map((entry) => slow.bitsOf(entry.address).slice(0, entry.length));
        assert.equal(listed, slow.entries(owner));
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
