import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBench, hex, key } from './uapi-fakes.ts';

const OK = 'errno=0\n\n';
const PEER = `public_key=${key(1)}\n`;

/** What a peer section with these lines is answered, on a device that has nothing. */
async function setPeer(lines: string) {
  const bench = createBench();
  const reply = await bench.run(`set=1\n${PEER}${lines}\n`);
  return { ...bench, reply, peer: bench.device.state.peers[0] };
}

test('device fields are set', async () => {
  const { run, device, host } = createBench();
  assert.is(await run(`set=1\nprivate_key=${key(0xab)}\nlisten_port=51820\nfwmark=4294967295\n\n`), OK);
  assert.is(hex(device.copyPrivateKey()!), key(0xab));
  assert.is(host.listenPort, 51_820);
  assert.is(host.fwmark, 4_294_967_295);
});

test('hex digits may be upper case', async () => {
  const { run, device } = createBench();
  assert.is(await run(`set=1\nprivate_key=${'AB'.repeat(32)}\n\n`), OK);
  assert.is(hex(device.copyPrivateKey()!), key(0xab));
});

test('a private key of zeros clears it', async () => {
  const { run, device } = createBench();
  await run(`set=1\nprivate_key=${key(1)}\n\n`);
  assert.is(await run(`set=1\nprivate_key=${key(0)}\n\n`), OK);
  assert.is(device.copyPrivateKey(), undefined);
});

test('peer fields are set', async () => {
  const { reply, peer } = await setPeer(
    `preshared_key=${key(2)}\nendpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\n` +
      'replace_allowed_ips=true\nallowed_ip=10.0.0.1/32\nallowed_ip=fd00::/8\nprotocol_version=1\n',
  );
  assert.is(reply, OK);
  assert.is(hex(peer!.presharedKey!), key(2));
  assert.is(peer!.keepaliveIntervalSeconds, 25);
  assert.is(peer!.prefixes.length, 2);
  assert.ok(peer!.endpoint);
});

test('a preshared key of zeros clears it', async () => {
  const { peer } = await setPeer(`preshared_key=${key(2)}\npreshared_key=${key(0)}\n`);
  assert.is(peer!.presharedKey, undefined);
});

test('an endpoint may be IPv6, with a scope by number or by name', async () => {
  for (const endpoint of ['[2001:db8::1]:1', '[fe80::1%3]:1', '[fe80::1%eth0]:1']) {
    const { reply, peer } = await setPeer(`endpoint=${endpoint}\n`);
    assert.is(reply, OK, endpoint);
    assert.is(peer!.endpoint![0], 6);
  }
});

test('an allowed IP with a minus is removed', async () => {
  const { reply, peer } = await setPeer('allowed_ip=10.0.0.0/24\nallowed_ip=10.0.1.0/24\nallowed_ip=-10.0.0.0/24\n');
  assert.is(reply, OK);
  assert.equal(
    peer!.prefixes.map((prefix) => [...prefix.address]),
    [[10, 0, 1, 0]],
  );
});

test('an allowed IP that another peer has moves', async () => {
  const { run, device } = createBench();
  await run(`set=1\n${PEER}allowed_ip=10.0.0.0/24\npublic_key=${key(2)}\nallowed_ip=10.0.0.0/24\n\n`);
  assert.equal(
    device.state.peers.map((peer) => peer.prefixes.length),
    [0, 1],
  );
});

test('replace_allowed_ips forgets what a peer had, and only that', async () => {
  const { run, device } = createBench();
  await run(`set=1\n${PEER}allowed_ip=10.0.0.0/24\npublic_key=${key(2)}\nallowed_ip=10.0.1.0/24\n\n`);
  assert.is(await run(`set=1\n${PEER}replace_allowed_ips=true\nallowed_ip=10.0.2.0/24\n\n`), OK);
  assert.equal(
    device.state.peers.map((peer) => [...peer.prefixes[0]!.address]),
    [
      [10, 0, 2, 0],
      [10, 0, 1, 0],
    ],
  );
});

test('replace_peers forgets all peers', async () => {
  const { run, device } = createBench();
  await run(`set=1\n${PEER}public_key=${key(2)}\n\n`);
  assert.is(await run(`set=1\nreplace_peers=true\npublic_key=${key(3)}\n\n`), OK);
  assert.equal(
    device.state.peers.map((peer) => hex(peer.publicKey)),
    [key(3)],
  );
});

test('a public key alone adds a peer', async () => {
  const { reply, peer, device } = await setPeer('');
  assert.is(reply, OK);
  assert.ok(peer);
  assert.equal(device.calls, ['add 01', 'start 01']);
});

test('remove takes a peer away, and what follows in its section is ignored', async () => {
  const { run, device } = createBench();
  await run(`set=1\n${PEER}\n`);
  assert.is(await run(`set=1\n${PEER}remove=true\nallowed_ip=10.0.0.0/24\npersistent_keepalive_interval=5\n\n`), OK);
  assert.is(device.state.peers.length, 0);
});

test('removing a peer that is not there touches nothing', async () => {
  const { reply, device } = await setPeer('remove=true\n');
  assert.is(reply, OK);
  assert.equal(device.calls, []);
});

test('update_only changes a peer that is there', async () => {
  const { run, device } = createBench();
  await run(`set=1\n${PEER}\n`);
  assert.is(await run(`set=1\n${PEER}update_only=true\nallowed_ip=10.0.0.0/24\n\n`), OK);
  assert.is(device.state.peers[0]!.prefixes.length, 1);
});

test('update_only for a peer that is not there touches nothing', async () => {
  const { reply, device } = await setPeer('update_only=true\nallowed_ip=10.0.0.0/24\n');
  assert.is(reply, OK);
  assert.equal(device.calls, []);
});

test('update_only behind other fields takes back the peer that they added', async () => {
  const { reply, device } = await setPeer('protocol_version=1\nupdate_only=true\nallowed_ip=10.0.0.0/24\n');
  assert.is(reply, OK);
  assert.is(device.state.peers.length, 0);
});

test('our own key as a peer is ignored, its lines consumed, and the next peer is added', async () => {
  const { run, device } = createBench();
  const own = key(0xfe);
  const text = `set=1\nprivate_key=${key(1)}\npublic_key=${own}\nallowed_ip=10.0.0.0/24\nendpoint=1.2.3.4:5\npublic_key=${key(9)}\n\n`;
  assert.is(await run(text), OK);
  assert.equal(
    device.state.peers.map((peer) => hex(peer.publicKey)),
    [key(9)],
  );
});

test('lines of an ignored peer are checked all the same', async () => {
  const { run } = createBench();
  assert.is(await run(`set=1\n${PEER}update_only=true\nallowed_ip=10.0.0.0\n\n`), 'errno=-22\n\n');
});

test('a private key whose public key is a peer removes that peer', async () => {
  const { run, device } = createBench();
  await run(`set=1\npublic_key=${key(0xfe)}\n\n`);
  assert.is(await run(`set=1\nprivate_key=${key(1)}\n\n`), OK);
  assert.is(device.state.peers.length, 0);
});

test('a peer starts once its whole section is read, its keepalive before it', async () => {
  const { connect, device } = createBench();
  const session = connect();
  await session.write(`set=1\n${PEER}persistent_keepalive_interval=25\nendpoint=1.2.3.4:5\nallowed_ip=10.0.0.0/24\n`);
  assert.equal(device.calls, ['add 01']);
  await session.write(`public_key=${key(2)}\n`);
  assert.equal(device.calls, ['add 01', 'keepalive 01 25', 'start 01']);
  await session.write('\n');
  assert.equal(device.calls.slice(3), ['add 02', 'start 02']);
});

test('an error stops, what was applied stays, and the peer under way starts', async () => {
  const { run, device, host } = createBench();
  const text = `set=1\nlisten_port=7\n${PEER}allowed_ip=10.0.0.0/24\npersistent_keepalive_interval=9\nallowed_ip=bad\nallowed_ip=10.0.1.0/24\npublic_key=${key(2)}\n\n`;
  assert.is(await run(text), 'errno=-22\n\n');
  assert.is(host.listenPort, 7);
  assert.is(device.state.peers.length, 1);
  assert.is(device.state.peers[0]!.prefixes.length, 1);
  assert.equal(device.calls, ['add 01', 'keepalive 01 9', 'start 01']);
});

test('a port or a mark that the sockets refuse is errno -98 and stops', async () => {
  for (const line of ['listen_port=80', 'fwmark=1']) {
    const { run, host, device, log } = createBench();
    host.refuses = true;
    assert.is(await run(`set=1\n${line}\n${PEER}\n`), 'errno=-98\n\n');
    assert.is(device.state.peers.length, 0);
    assert.match(log[0]!, new RegExp(`^uapi set, line 2: ${line.split('=')[0]}: could not be set to `));
  }
});

test('a peer too many is errno -22', async () => {
  const { run, device, log } = createBench();
  device.maxPeers.value = 1;
  assert.is(await run(`set=1\n${PEER}public_key=${key(2)}\n\n`), 'errno=-22\n\n');
  assert.is(log.length, 1);
  assert.is(await run('get=1\n\n').then((text) => text.endsWith(OK)), true);
});

test('an unexpected error is errno -55 and leaves the connection usable', async () => {
  const { connect, device } = createBench();
  device.removeAllPeers = () => {
    throw new Error('broken');
  };
  const session = connect();
  await session.write('set=1\nreplace_peers=true\n\nget=1\n\n');
  assert.equal(session.replies, ['errno=-55\n\n', 'errno=0\n\n']);
});

const MALFORMED: readonly [where: 'device' | 'peer', line: string, errno: number][] = [
  ['device', 'private_key', -71],
  ['device', 'nonsense', -71],
  ['device', ' ', -71],
  ['device', '=', -22],
  ['device', '=1', -22],
  ['device', 'unknown=1', -22],
  ['device', 'Private_Key=1', -22],
  ['device', ' listen_port=1', -22],
  ['device', 'listen_port =1', -22],
  ['device', 'errno=0', -22],
  ['device', 'private_key=', -22],
  ['device', `private_key=${key(1).slice(1)}`, -22],
  ['device', `private_key=${key(1)}0`, -22],
  ['device', `private_key=${key(1).slice(1)}g`, -22],
  ['device', `private_key=${key(1).slice(1)} `, -22],
  ['device', `private_key= ${key(1)}`, -22],
  ['device', 'private_key=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=', -22],
  ['device', 'listen_port=', -22],
  ['device', 'listen_port=65536', -22],
  ['device', 'listen_port=-1', -22],
  ['device', 'listen_port=+1', -22],
  ['device', 'listen_port=1.0', -22],
  ['device', 'listen_port=1e3', -22],
  ['device', 'listen_port=0x10', -22],
  ['device', 'listen_port=1 ', -22],
  ['device', `listen_port=${'0'.repeat(300)}`, -22],
  ['device', 'fwmark=', -22],
  ['device', 'fwmark=off', -22],
  ['device', 'fwmark=4294967296', -22],
  ['device', 'replace_peers=', -22],
  ['device', 'replace_peers=false', -22],
  ['device', 'replace_peers=1', -22],
  ['device', 'replace_peers=True', -22],
  ['device', 'replace_peers=true ', -22],
  ['device', 'allowed_ip=10.0.0.0/8', -22],
  ['device', 'endpoint=1.2.3.4:5', -22],
  ['device', 'remove=true', -22],
  ['device', 'public_key=', -22],
  ['device', `public_key=${key(9)}9`, -22],
  ['device', 'public_key=zz', -22],
  ['peer', 'public_key=12', -22],
  ['peer', `private_key=${key(1)}`, -22],
  ['peer', 'listen_port=1', -22],
  ['peer', 'replace_peers=true', -22],
  ['peer', 'no equals', -71],
  ['peer', 'update_only=false', -22],
  ['peer', 'remove=yes', -22],
  ['peer', 'replace_allowed_ips=false', -22],
  ['peer', 'preshared_key=', -22],
  ['peer', `preshared_key=${key(2).slice(2)}`, -22],
  ['peer', 'protocol_version=', -22],
  ['peer', 'protocol_version=2', -22],
  ['peer', 'endpoint=', -22],
  ['peer', 'endpoint=1.2.3.4', -22],
  ['peer', 'endpoint=1.2.3.4:', -22],
  ['peer', 'endpoint=1.2.3.4:65536', -22],
  ['peer', 'endpoint=1.2.3:5', -22],
  ['peer', 'endpoint=2001:db8::1:5', -22],
  ['peer', 'endpoint=[2001:db8::1]', -22],
  ['peer', 'endpoint=[1.2.3.4]:5', -22],
  ['peer', 'endpoint=[fe80::1%nosuch]:5', -22],
  ['peer', 'endpoint=example.com:5', -22],
  ['peer', 'persistent_keepalive_interval=', -22],
  ['peer', 'persistent_keepalive_interval=off', -22],
  ['peer', 'persistent_keepalive_interval=65536', -22],
  ['peer', 'allowed_ip=', -22],
  ['peer', 'allowed_ip=-', -22],
  ['peer', 'allowed_ip=10.0.0.1', -22],
  ['peer', 'allowed_ip=10.0.0.0/', -22],
  ['peer', 'allowed_ip=10.0.0.0/33', -22],
  ['peer', 'allowed_ip=10.0.0.0/-1', -22],
  ['peer', 'allowed_ip=10.0.0.0/08', -22],
  ['peer', 'allowed_ip=--10.0.0.0/8', -22],
  ['peer', 'allowed_ip=::/129', -22],
  ['peer', 'allowed_ip=10.0.0.0/8,11.0.0.0/8', -22],
  ['peer', 'allowed_ip=10.0.0.256/32', -22],
  ['peer', `allowed_ip=${'9'.repeat(5_000)}`, -22],
];

for (const [where, line, errno] of MALFORMED) {
  const shown = JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
  test(`${where} line ${shown} is errno ${errno} and changes nothing`, async () => {
    const { run, log } = createBench();
    await run(
      `set=1\nprivate_key=${key(7)}\nlisten_port=5\nfwmark=6\n${PEER}preshared_key=${key(8)}\nendpoint=[::1]:9\npersistent_keepalive_interval=3\nallowed_ip=10.0.0.0/24\n\n`,
    );
    const before = await run('get=1\n\n');
    const section = where === 'peer' ? PEER : '';
    assert.is(await run(`set=1\n${section}${line}\nlisten_port=99\nallowed_ip=0.0.0.0/0\n\n`), `errno=${errno}\n\n`);
    assert.is(await run('get=1\n\n'), before);
    assert.is(log.length, 1);
    assert.match(log[0]!, /^uapi set, line [23]: ./);
  });
}

test('a peer of which the first line is bad is not added', async () => {
  for (const line of ['endpoint=bad', 'update_only=maybe', 'nonsense', 'unknown=1', 'public_key=1']) {
    const { reply, device } = await setPeer(`${line}\n`);
    assert.is.not(reply, OK, line);
    assert.equal(device.calls, [], line);
  }
});

test('an error names the field and the value', async () => {
  const { run, log } = createBench();
  await run(`set=1\nlisten_port=99999\n\nset=1\n${PEER}endpoint=ho\x07st:1\n\n`);
  assert.equal(log, [
    'uapi set, line 2: listen_port: expected a number from 0 to 65535, got "99999"',
    'uapi set, line 3: endpoint: expected IP:port or [IP]:port, got "ho\\u0007st:1"',
  ]);
});

test('an error never shows what may be a key', async () => {
  const secret = 'c0ffee'.repeat(10);
  const base64 = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
  for (const line of [
    `private_key=${secret}`,
    `privatekey=${secret}`,
    `${PEER}preshared_key=${secret}`,
    `${PEER}psk=${secret}`,
    secret,
    `${secret}=`,
    base64,
    `private_key=${base64}`,
  ]) {
    const { run, log } = createBench();
    await run(`set=1\n${line}\n\n`);
    assert.is(log.length, 1);
    assert.not.match(log[0]!, /c0ffee|yAnz/, line);
  }
});

test.run();
