import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon, codeOf } from './addon.ts';

test('the boot clock counts milliseconds since the machine started, and never steps back', () => {
  const uptimeMs = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000;
  const times = Array.from({ length: 1000 }, () => addon.bootTimeMs());
  assert.ok(Math.abs(times[0]! - uptimeMs) < 1000, `${times[0]} and ${uptimeMs}`);
  assert.ok(times.every((time, i) => i === 0 || time >= times[i - 1]!));
  assert.ok(times.at(-1)! > times[0]!);
});

test('watching the clock can be stopped, twice as well as once', () => {
  const stop = addon.watchClock(() => assert.unreachable());
  stop();
  stop();
});

test('the other end of a Unix socket is known by process, user and group', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'peer-'));
  const path = join(directory, 'socket');
  const accepted = new Promise<Socket>((resolve) => {
    const server = createServer((socket) => {
      server.close();
      resolve(socket);
    }).listen(path);
  });
  const client = connect(path);
  const socket = await accepted;
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  assert.equal(addon.peerCredentials(fd), { pid: process.pid, uid: process.getuid!(), gid: process.getgid!() });
  socket.destroy();
  client.destroy();
  rmSync(directory, { recursive: true });
});

test('what is no socket, or not open, has no other end', () => {
  assert.is(
    codeOf(() => addon.peerCredentials(9999)),
    'EBADF',
  );
  assert.is(
    codeOf(() => addon.peerCredentials(-1)),
    'EBADF',
  );
});

test.run();
