import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon, addonPath, codeOf, withPlanes } from './addon.ts';
import { aim, LOOPBACK, LOOPBACK6, receive } from './batches.ts';
import { isolate } from './isolate.ts';

isolate();
addon.linkSet('lo', { up: true });

/** Local ports of this namespace's UDP sockets of a family. */
function portsOf(file: 'udp' | 'udp6'): number[] {
  const lines = readFileSync(`/proc/net/${file}`, 'latin1').split('\n').slice(1, -1);
  return lines.map((line) => Number.parseInt(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /.exec(line)![1]!, 16));
}

async function occupy(type: 'udp4' | 'udp6', port: number): Promise<Socket> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' });
  socket.bind(port);
  await once(socket, 'listening');
  return socket;
}

test('IPv4 and IPv6 have the same port: the one asked for', () =>
  withPlanes((plane) => {
    assert.is(plane.bind(51_820, 0), 51_820);
    assert.equal([portsOf('udp'), portsOf('udp6')], [[51_820], [51_820]]);
    assert.equal([plane.features().ipv4, plane.features().ipv6], [true, true]);
  }));

test('port 0 is any port, the same in both', () =>
  withPlanes((plane) => {
    const port = plane.bind(0, 0);
    assert.ok(port > 0);
    assert.equal([portsOf('udp'), portsOf('udp6')], [[port], [port]]);
  }));

test('port 0 is tried until a port is free in both', async () => {
  writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '40000 40005');
  const taken = await Promise.all([40_000, 40_001, 40_002, 40_003, 40_004].map((port) => occupy('udp6', port)));
  await withPlanes((plane) => assert.is(plane.bind(0, 0), 40_005));
  for (const socket of taken) socket.close();
  writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '32768 60999');
});

for (const type of ['udp4', 'udp6'] as const) {
  test(`a port that ${type} has already is EADDRINUSE, and leaves no socket open`, async () => {
    const socket = await occupy(type, 40_000);
    await withPlanes((plane) => {
      assert.throws(
        () => plane.bind(40_000, 0),
        (error: NodeJS.ErrnoException) => error.code === 'EADDRINUSE' && error.syscall === 'bind',
      );
      assert.is(portsOf('udp').length + portsOf('udp6').length, 1);
      assert.equal([plane.features().ipv4, plane.features().ipv6], [false, false]);
    });
    socket.close();
  });
}

test('binding again closes what was open, and closing leaves nothing', () =>
  withPlanes((plane) => {
    plane.bind(40_000, 0);
    plane.bind(40_001, 0);
    assert.equal(portsOf('udp'), [40_001]);
    plane.closeSockets();
    assert.equal([portsOf('udp'), portsOf('udp6')], [[], []]);
  }));

test('an IPv4 sender is IPv4 for the receiver, not IPv6 with an IPv4 address in it', () =>
  withPlanes(async (sender, receiver) => {
    sender.bind(0, 0);
    aim(receiver, 0);
    assert.ok(sender.transmit(Uint8Array.of(1), aim(sender, receiver.bind(0, 0)), 0));
    await receive(receiver, 1);
    assert.is(new Int32Array(receiver.slab, addon.layout.REGIONS.ENDPOINTS!, 1)[0], 4);
  }));

test('the buffers are what was asked for, and 7 MiB when nothing was', async () => {
  const buffers = () => execFileSync('ss', ['-Huanm'], { encoding: 'utf8' }).match(/rb\d+|tb\d+/g);
  // The kernel doubles what it is asked for.
  await withPlanes((plane) => {
    plane.bind(0, 0);
    assert.equal(buffers(), ['rb14680064', 'tb14680064', 'rb14680064', 'tb14680064']);
  });
  await withPlanes(
    (plane) => {
      plane.bind(0, 0);
      assert.equal(buffers(), ['rb200000', 'tb200000', 'rb200000', 'tb200000']);
    },
    { socketBufferBytes: 100_000 },
  );
});

test('marked packets take the way of their mark, from binding on and after a change', () =>
  withPlanes((plane) => {
    // The local table comes first by default, and whatever is marked would be found there.
    for (const family of ['-4', '-6']) {
      const rules = ['fwmark 7 prohibit pref 100', 'lookup local pref 200'];
      for (const rule of rules) execFileSync('ip', [family, 'rule', 'add', ...rule.split(' ')]);
      execFileSync('ip', [family, 'rule', 'del', 'pref', '0']);
    }
    const reaches = () =>
      [LOOPBACK, LOOPBACK6].map((address, i) => plane.transmit(Uint8Array.of(1), aim(plane, 9, address, 200 + i), 0));
    plane.bind(0, 0);
    assert.equal(reaches(), [true, true]);
    plane.bind(0, 7);
    assert.equal(reaches(), [false, false]);
    assert.equal(plane.takeFaults(), [{ syscall: 'sendmsg', code: 'EACCES', count: 2 }]);
    plane.setMark(0);
    assert.equal(reaches(), [true, true]);
    plane.setMark(7);
    assert.equal(reaches(), [false, false]);
  }));

test('a mark that is not permitted is EPERM', () => {
  const script = `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(addonPath)});
    const plane = m.exports.createPlane();
    try { plane.bind(0, 7) } catch (error) { console.log(error.code, error.syscall) }
    plane.bind(0, 0);
    try { plane.setMark(7) } catch (error) { console.log(error.code, error.syscall) }`;
  const argv = ['--bounding-set', '-all', '--inh-caps', '-all', process.execPath, '-e', script];
  assert.is(execFileSync('setpriv', argv, { encoding: 'utf8' }), 'EPERM setsockopt\nEPERM setsockopt\n');
});

test('nothing is sent without sockets, and nothing received', () =>
  withPlanes((plane) => {
    assert.not(plane.transmit(Uint8Array.of(1), aim(plane, 9), 0));
    assert.not(plane.sendRun(0, 10, 10, 128, 0));
    assert.is(plane.udpReceive(), 0);
    plane.setMark(7);
    assert.is(
      codeOf(() => plane.closeSockets()),
      undefined,
    );
  }));

test.run();
