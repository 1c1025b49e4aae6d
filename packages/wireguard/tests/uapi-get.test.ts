import { formatPrefix } from '@pcloud/ip';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBench, key } from './uapi-fakes.ts';

test('a device without anything is errno 0 alone', async () => {
  const { run } = createBench();
  assert.is(await run('get=1\n\n'), 'errno=0\n\n');
});

test('everything stands in its order', async () => {
  const { run, device } = createBench();
  await run(
    `set=1\nprivate_key=${key(7)}\nlisten_port=51820\nfwmark=51820\npublic_key=${key(1)}\npreshared_key=${key(8)}\nendpoint=[2001:db8::1]:9\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.9/24\nallowed_ip=::/0\npublic_key=${key(2)}\n\n`,
  );
  Object.assign(device.state.peers[0]!, { txBytes: 148, rxBytes: 2 ** 40, lastHandshakeWallMs: 1_700_000_000_123.5 });
  assert.is(
    await run('get=1\n\n'),
    `private_key=${key(7)}
listen_port=51820
fwmark=51820
public_key=${key(1)}
preshared_key=${key(8)}
protocol_version=1
endpoint=[2001:db8::1]:9
last_handshake_time_sec=1700000000
last_handshake_time_nsec=123500000
tx_bytes=148
rx_bytes=1099511627776
persistent_keepalive_interval=25
allowed_ip=10.0.0.0/24
allowed_ip=::/0
public_key=${key(2)}
preshared_key=${key(0)}
protocol_version=1
last_handshake_time_sec=0
last_handshake_time_nsec=0
tx_bytes=0
rx_bytes=0
persistent_keepalive_interval=0
errno=0

`,
  );
});

test('130,560 allowed IPs are set and listed', async () => {
  const { connect, device } = createBench();
  // The fake searches all its prefixes for each one; this test is about the codec.
  const session = connect();
  await session.write(`set=1\npublic_key=${key(1)}\nprotocol_version=1\n`);
  const peer = device.state.peers[0]!;
  peer.addAllowedIp = (address, length) => void peer.prefixes.push({ address, length });
  let text = '';
  for (let i = 0; i < 130_560; i++) text += `allowed_ip=10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32\n`;
  for (let at = 0; at < text.length; at += 65_536) await session.write(text.slice(at, at + 65_536));
  await session.write('\nget=1\n\n');
  assert.is(session.replies[0], 'errno=0\n\n');
  assert.is(session.replies[1]!.match(/^allowed_ip=/gm)!.length, 130_560);
});

const byte = fc.integer({ min: 1, max: 255 });
const prefix = fc.oneof(
  fc.tuple(byte, fc.nat(255), fc.nat(32)).map(([a, b, length]) => `${a}.${b}.0.0/${length}`),
  fc.tuple(byte, fc.nat(128)).map(([a, length]) => `fd${a.toString(16).padStart(2, '0')}:1::/${length}`),
);
const endpoint = fc.oneof(
  fc.tuple(byte, fc.nat(65_535)).map(([a, port]) => `192.0.2.${a}:${port}`),
  fc.tuple(byte, fc.nat(65_535)).map(([a, port]) => `[2001:db8::${a.toString(16)}]:${port}`),
);
const peerFields = fc.record({
  presharedKey: byte,
  endpoint,
  keepalive: fc.nat(65_535),
  allowedIps: fc.uniqueArray(prefix, { maxLength: 6 }),
});
const configuration = fc.record({
  privateKey: fc.integer({ min: 1, max: 9 }),
  port: fc.nat(65_535),
  mark: fc.nat(2 ** 32 - 1),
  peers: fc.uniqueArray(fc.tuple(fc.integer({ min: 10, max: 200 }), peerFields), {
    maxLength: 5,
    selector: ([id]) => id,
  }),
});

test('what get answers, set again on another device, gives the same get', async () => {
  const settable = /^(?!last_handshake|tx_bytes|rx_bytes|errno).+\n/gm;
  await fc.assert(
    fc.asyncProperty(configuration, fc.infiniteStream(fc.integer({ min: 1, max: 90 })), async (wanted, cuts) => {
      let text = `set=1\nprivate_key=${key(wanted.privateKey)}\nlisten_port=${wanted.port}\nfwmark=${wanted.mark}\n`;
      for (const [id, peer] of wanted.peers) {
        text += `public_key=${key(id)}\npreshared_key=${key(peer.presharedKey)}\nendpoint=${peer.endpoint}\npersistent_keepalive_interval=${peer.keepalive}\n`;
        for (const allowedIp of peer.allowedIps) text += `allowed_ip=${allowedIp}\n`;
      }

      const first = createBench();
      const session = first.connect();
      for (let at = 0; at < text.length; ) {
        const cut = cuts.next().value!;
        await session.write(text.slice(at, at + cut));
        at += cut;
      }
      await session.write('\n');
      assert.equal(session.replies, ['errno=0\n\n']);

      assert.is(first.host.listenPort, wanted.port);
      assert.is(first.host.fwmark, wanted.mark);
      assert.is(first.device.state.peers.length, wanted.peers.length);
      const answer = await first.run('get=1\n\n');
      for (const peer of first.device.state.peers) {
        for (const allowedIp of peer.prefixes) assert.ok(answer.includes(`allowed_ip=${formatPrefix(allowedIp)}\n`));
      }

      const second = createBench();
      assert.is(await second.run(`set=1\n${answer.match(settable)!.join('')}\n`), 'errno=0\n\n');
      assert.is(await second.run('get=1\n\n'), answer);
    }),
    { numRuns: 100 },
  );
});

test.run();
