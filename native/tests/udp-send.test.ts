import { execFileSync } from 'node:child_process';
import { ENDPOINT, formatAddress, parseAddress } from '@pcloud/ip';
import { createBatch, FRAME, LAYOUT } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitFor } from '../../tests/lab/wait.ts';
import type { Plane } from '../index.ts';
import { addon, withPlanes } from './addon.ts';
import { aim, LOOPBACK6, receive } from './batches.ts';
import { isolate, refusing } from './isolate.ts';

isolate({ refusals: true });
addon.linkSet('lo', { up: true });

const SEND = addon.layout.REGIONS.SEND!;
const SLOT = LAYOUT.PEER_ENDPOINTS;
const OTHER = Uint8Array.of(10, 7, 0, 1);
const OTHER6 = Uint8Array.of(0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

function fill(plane: Plane, length: number): Uint8Array {
  const bytes = new Uint8Array(plane.slab, SEND, length);
  for (let i = 0; i < length; i++) bytes[i] = i % 251;
  return bytes.slice();
}

/** Sends a run and gives what arrives of it. */
async function send(sender: Plane, receiver: Plane, length: number, segment: number): Promise<Uint8Array[]> {
  assert.ok(sender.sendRun(SEND, length, segment, SLOT, 0));
  return (await receive(receiver, Math.ceil(length / segment))).map(({ bytes }) => bytes);
}

const pieces = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));

/** The record with a source that it is to be sent from. */
function from(endpoint: Int32Array, source: Uint8Array, index: number): Int32Array {
  endpoint[ENDPOINT.HAS_SOURCE] = 1;
  endpoint[ENDPOINT.SOURCE_INTERFACE] = index;
  new Uint8Array(endpoint.buffer, endpoint.byteOffset + ENDPOINT.SOURCE * 4, 16).set(source);
  return endpoint;
}

for (const [length, segment] of [
  [1, 1],
  [1000, 1000],
  [1000, 1001],
  [2500, 1000],
  [64, 1],
  [65, 1],
  [200, 3],
  [65_500, 1452],
  [131_000, 1452],
  [262_144, 65_000],
] as const) {
  test(`a run of ${length} bytes by ${segment} arrives as its datagrams`, () =>
    withPlanes(async (sender, receiver) => {
      sender.bind(0, 0);
      aim(sender, receiver.bind(0, 0));
      const bytes = fill(sender, length);
      assert.equal(await send(sender, receiver, length, segment), pieces(bytes, segment));
      assert.ok(sender.features()['udp-gso']);
      assert.equal(sender.takeFaults(), []);
    }));
}

test('a device without checksum offload ends segmentation for good, and the datagrams leave nevertheless', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    const endpoint = aim(sender, receiver.bind(0, 0));
    const bytes = fill(sender, 2500);
    await refusing('sendmsg 5', async () =>
      assert.equal(await send(sender, receiver, 2500, 1000), pieces(bytes, 1000)),
    );
    assert.equal(sender.takeFaults(), [{ syscall: 'sendmsg', code: 'EIO', count: 1, feature: 'udp-gso' }]);
    const { 'udp-gso': gso, 'udp-gro': gro, pktinfo, tos, ipv4, ipv6 } = sender.features();
    assert.equal(
      { gso, gro, pktinfo, tos, ipv4, ipv6 },
      { gso: false, gro: true, pktinfo: true, tos: true, ipv4: true, ipv6: true },
    );
    assert.is(endpoint[ENDPOINT.NO_SEGMENTATION], 0);
    assert.equal(await send(sender, receiver, 2500, 1000), pieces(bytes, 1000));
    assert.equal(sender.takeFaults(), []);
  }));

for (const [code, errno] of [
  ['EMSGSIZE', 90],
  ['EINVAL', 22],
] as const) {
  test(`a path that answers ${code} to segmentation goes without it, and no other path does`, () =>
    withPlanes(async (sender, receiver) => {
      sender.bind(0, 0);
      const endpoint = aim(sender, receiver.bind(0, 0));
      const bytes = fill(sender, 2500);
      await refusing(`sendmsg ${errno}`, async () =>
        assert.equal(await send(sender, receiver, 2500, 1000), pieces(bytes, 1000)),
      );
      assert.equal(sender.takeFaults(), [{ syscall: 'sendmsg', code, count: 1, feature: 'udp-gso' }]);
      assert.ok(sender.features()['udp-gso']);
      assert.is(endpoint[ENDPOINT.NO_SEGMENTATION], 1);
      await refusing('sendmsg 5', async () =>
        assert.equal(await send(sender, receiver, 2500, 1000), pieces(bytes, 1000)),
      );
      assert.equal(sender.takeFaults(), []);
    }));
}

test('an interface too narrow for a segment has it sent apart, in fragments', () =>
  withPlanes(async (sender, receiver) => {
    // Any narrower, and lo loses IPv6.
    addon.linkSet('lo', { mtu: 1280 });
    sender.bind(0, 0);
    const endpoint = aim(sender, receiver.bind(0, 0));
    const bytes = fill(sender, 5000);
    assert.equal(await send(sender, receiver, 5000, 1400), pieces(bytes, 1400));
    assert.is(endpoint[ENDPOINT.NO_SEGMENTATION], 1);
    assert.ok(sender.features()['udp-gso']);
    const [fault] = sender.takeFaults();
    assert.ok(['EMSGSIZE', 'EINVAL'].includes(fault!.code));
    addon.linkSet('lo', { mtu: 65_536 });
  }));

test('a datagram that no network can take is a fault, and not the end', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    const endpoint = aim(sender, receiver.bind(0, 0));
    assert.not(sender.transmit(new Uint8Array(65_535), endpoint, 0));
    assert.not(sender.transmit(new Uint8Array(65_536), endpoint, 0));
    assert.equal(sender.takeFaults(), [{ syscall: 'sendmsg', code: 'EMSGSIZE', count: 1 }]);
    assert.ok(sender.transmit(Uint8Array.of(1), endpoint, 0));
    await receive(receiver, 1);
  }));

test('a run of which a part was refused was not taken, and what could leave has left', () =>
  withPlanes(async (sender, receiver) => {
    execFileSync('nft', ['-f', '-'], {
      input: 'table inet t { chain c { type filter hook output priority 0; udp length < 600 drop; }; }',
    });
    sender.bind(0, 0);
    const endpoint = aim(sender, receiver.bind(0, 0));
    endpoint[ENDPOINT.NO_SEGMENTATION] = 1;
    const bytes = fill(sender, 2500);
    assert.not(sender.sendRun(SEND, 2500, 1000, SLOT, 0));
    assert.equal(
      (await receive(receiver, 2)).map((each) => each.bytes),
      pieces(bytes.slice(0, 2000), 1000),
    );
    assert.equal(sender.takeFaults(), [{ syscall: 'sendmmsg', code: 'EPERM', count: 1 }]);
    execFileSync('nft', ['delete', 'table', 'inet', 't']);
  }));

test('a datagram of a run that is refused takes none of the others with it', () =>
  withPlanes(async (sender, receiver) => {
    execFileSync('nft', ['-f', '-'], {
      input: 'table inet t { chain c { type filter hook output priority 0; @th,64,8 { 0, 2, 3 } drop; }; }',
    });
    sender.bind(0, 0);
    const endpoint = aim(sender, receiver.bind(0, 0));
    endpoint[ENDPOINT.NO_SEGMENTATION] = 1;
    const bytes = new Uint8Array(sender.slab, SEND, 5500);
    for (let i = 0; i < 6; i++) bytes.fill(i, i * 1000, (i + 1) * 1000);
    assert.not(sender.sendRun(SEND, 5500, 1000, SLOT, 0));
    const numbers = (await receive(receiver, 3)).map((each) => each.bytes[0]);
    assert.equal(numbers, [1, 4, 5]);
    assert.is(receiver.udpReceive(), 0);
    assert.equal(sender.takeFaults(), [{ syscall: 'sendmmsg', code: 'EPERM', count: 1 }]);
    execFileSync('nft', ['delete', 'table', 'inet', 't']);
  }));

test('IPv6 leaves from a public address where the system prefers temporary ones', () =>
  withPlanes(async (sender) => {
    const run = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
    sender.openTun('net0', { offload: false });
    run('echo 2 > /proc/sys/net/ipv6/conf/net0/use_tempaddr && ip link set up dev net0');
    run('ip addr add 2001:db8:7::1/64 dev net0 mngtmpaddr nodad');
    await waitFor('a temporary address', () => /temporary (?!tentative)/.test(run('ip -6 addr show dev net0')));
    assert.not.match(run('ip -6 route get 2001:db8:7::2'), 'src 2001:db8:7::1 ');
    sender.bind(0, 0);
    aim(sender, 7, parseAddress('2001:db8:7::2')!);
    fill(sender, 10);
    assert.ok(sender.sendRun(SEND, 10, 10, SLOT, 0));
    const { bytes, frames } = createBatch(sender.slab);
    const isUdp = (i: number): boolean => bytes[frames[i * FRAME.WORDS + FRAME.OFFSET]! + 6] === 17;
    let found = -1;
    await waitFor('the datagram', () => {
      found = Array.from({ length: sender.tunReceive() }, (_, i) => i).findIndex(isUdp);
      return found >= 0;
    });
    const at = frames[found * FRAME.WORDS + FRAME.OFFSET]! + 8;
    assert.is(formatAddress(bytes.slice(at, at + 16)), '2001:db8:7::1');
  }));

for (const [family, target, source] of [
  [4, Uint8Array.of(127, 0, 0, 1), OTHER],
  [6, LOOPBACK6, OTHER6],
] as const) {
  test(`IPv${family} leaves from the source it is told, and from another once that is gone`, () =>
    withPlanes(async (sender, receiver) => {
      addon.addressAdd('lo', source, source.length * 8);
      sender.bind(0, 0);
      const endpoint = from(aim(sender, receiver.bind(0, 0), target), source, addon.linkInfo('lo')!.index);
      const { endpoints } = createBatch(receiver.slab);
      const sourceOf = async () => {
        assert.ok(sender.transmit(Uint8Array.of(1), endpoint, 0));
        const slot = (await receive(receiver, 1))[0]!.source;
        return new Uint8Array(
          endpoints.buffer,
          endpoints.byteOffset + (slot * ENDPOINT.WORDS + ENDPOINT.ADDRESS) * 4,
          source.length,
        ).slice();
      };
      assert.equal(await sourceOf(), source);
      assert.is(endpoint[ENDPOINT.HAS_SOURCE], 1);
      addon.addressRemove('lo', source, source.length * 8);
      assert.equal(await sourceOf(), target);
      assert.is(endpoint[ENDPOINT.HAS_SOURCE], 0);
      assert.equal(sender.takeFaults(), []);
    }));
}

test('a run leaves from another source too, once its own or its interface is gone', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    const endpoint = from(aim(sender, receiver.bind(0, 0)), OTHER, 4711);
    const bytes = fill(sender, 2500);
    assert.equal(await send(sender, receiver, 2500, 1000), pieces(bytes, 1000));
    assert.is(endpoint[ENDPOINT.HAS_SOURCE], 0);
    assert.is(endpoint[ENDPOINT.NO_SEGMENTATION], 0);
    assert.ok(sender.features()['udp-gso']);
  }));

test('what arrived is answered from the address it was sent to', () =>
  withPlanes(async (client, server) => {
    client.bind(0, 0);
    assert.ok(client.transmit(Uint8Array.of(1), aim(client, server.bind(0, 0), Uint8Array.of(127, 0, 0, 77)), 0));
    const { source } = (await receive(server, 1))[0]!;
    const record = createBatch(server.slab).endpoints.subarray(source * ENDPOINT.WORDS, (source + 1) * ENDPOINT.WORDS);
    assert.ok(server.transmit(Uint8Array.of(2), record, 0));
    const [answer] = await receive(client, 1);
    const at = (answer!.source * ENDPOINT.WORDS + ENDPOINT.ADDRESS) * 4 + addon.layout.REGIONS.ENDPOINTS!;
    assert.equal(new Uint8Array(client.slab, at, 4), Uint8Array.of(127, 0, 0, 77));
  }));

test('an endpoint of no family, or without a way to it, takes nothing', () =>
  withPlanes((plane) => {
    plane.bind(0, 0);
    assert.not(plane.transmit(Uint8Array.of(1), new Int32Array(16), 0));
    assert.equal(plane.takeFaults(), []);
    assert.not(plane.transmit(Uint8Array.of(1), aim(plane, 9, Uint8Array.of(192, 0, 2, 1)), 0));
    assert.equal(plane.takeFaults(), [{ syscall: 'sendmsg', code: 'ENETUNREACH', count: 1 }]);
  }));

test.run();
