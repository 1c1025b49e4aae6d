import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listenUnix } from '../src/unix-server.ts';

function temporaryPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'unix-')), 'run', 'x.sock');
}

function read(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path);
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.once('end', () => resolve(text));
    socket.once('error', reject);
  });
}

test('the directory is for all to enter and the socket for its owner only', async () => {
  const path = temporaryPath();
  const server = await listenUnix(path, (socket) => socket.end('hello'));
  assert.is(statSync(join(path, '..')).mode & 0o777, 0o755);
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.is(await read(path), 'hello');
  server.close();
  assert.not(existsSync(path));
});

test('the socket of a process that is no more is taken over', async () => {
  const path = temporaryPath();
  const first = await listenUnix(path, (socket) => socket.end('first'));
  first.close();
  const made = spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  assert.is(made.signal, 'SIGKILL');
  assert.ok(existsSync(path));
  const second = await listenUnix(path, (socket) => socket.end('second'));
  assert.is(await read(path), 'second');
  second.close();
});

test('a socket on which somebody answers is left alone', async () => {
  const path = temporaryPath();
  const first = await listenUnix(path, (socket) => socket.end('first'));
  const code = await listenUnix(path, () => {}).then(
    () => 'listening',
    (error) => error.code,
  );
  assert.is(code, 'ALREADY_RUNNING');
  assert.is(await read(path), 'first');
  first.close();
});

test('a file that is no socket is refused in one line', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'unix-'));
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const error = await listenUnix(join(file, 'x.sock'), () => {}).catch((thrown) => thrown);
  assert.is(error.code, 'SOCKET_FAILED');
  assert.match(error.message, file);
});

test('deletion of the socket file is noticed', async () => {
  const path = temporaryPath();
  const server = await listenUnix(path, () => {});
  const deleted = new Promise<void>((resolve) => server.watchDeletion(resolve));
  rmSync(path);
  await deleted;
  server.close();
});

test('closing does not remove the file of a successor', async () => {
  const path = temporaryPath();
  const server = await listenUnix(path, () => {});
  rmSync(path);
  const successor = createServer();
  await new Promise<void>((resolve) => successor.listen(path, resolve));
  server.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(existsSync(path));
  successor.close();
});

test('the umask of the process is what it was', async () => {
  const before = process.umask();
  const server = await listenUnix(temporaryPath(), () => {});
  assert.is(process.umask(), before);
  server.close();
});

test.run();
