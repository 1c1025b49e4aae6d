import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBench, key } from './uapi-fakes.ts';

const OK = 'errno=0\n\n';
const PEER = `public_key=${key(1)}\n`;

test('input may be cut at every byte', async () => {
  const { connect } = createBench();
  const text = `set=1\nlisten_port=51820\n${PEER}allowed_ip=10.0.0.0/24\n\nget=1\n\n`;
  const whole = createBench().connect();
  await whole.write(text);
  const session = connect();
  for (const byte of text) await session.write(byte);
  assert.equal(session.replies, whole.replies);
  assert.is(session.replies.length, 2);
});

test('operations may be pipelined, and each is answered in its order', async () => {
  const { connect } = createBench();
  const session = connect();
  await session.write('set=1\nlisten_port=1\n\nget=1\n\nset=1\nlisten_port=x\n\nset=1\nlisten_port=2\n\nget=1\n\n');
  assert.equal(session.replies, [OK, `listen_port=1\n${OK}`, 'errno=-22\n\n', OK, `listen_port=2\n${OK}`]);
});

test('chunks may be given without waiting', async () => {
  const { connect } = createBench();
  const session = connect();
  await Promise.all([session.write('set=1\nlisten_'), session.write('port=1\n\nge'), session.write('t=1\n\n')]);
  assert.equal(session.replies, [OK, `listen_port=1\n${OK}`]);
});

test('the end of input commits a set', async () => {
  const { connect, device } = createBench();
  const session = connect();
  await session.write(`set=1\n${PEER}persistent_keepalive_interval=25\n`);
  await session.end();
  assert.equal(session.replies, [OK]);
  assert.equal(device.calls, ['add 01', 'keepalive 01 25', 'start 01']);
});

test('the end of input ends the last line', async () => {
  const { connect, host } = createBench();
  const session = connect();
  await session.write('set=1\nlisten_port=77');
  await session.end();
  assert.equal(session.replies, [OK]);
  assert.is(host.listenPort, 77);
});

test('a bad last line without its end is an error', async () => {
  const { connect } = createBench();
  const session = connect();
  await session.write('set=1\nlisten_por');
  await session.end();
  assert.equal(session.replies, ['errno=-71\n\n']);
});

test('the end of input before a get is whole, or between operations, is answered by nothing', async () => {
  for (const text of ['', 'get=1\n', 'get=1', 'set=1', `set=1\n\n`]) {
    const { connect } = createBench();
    const session = connect();
    await session.write(text);
    const before = session.replies.length;
    await session.end();
    assert.is(session.replies.length, before, text);
    assert.is(session.isClosed, true);
  }
});

test('a connection that broke commits whole lines, drops the last and answers nothing', async () => {
  const { connect, device, host, log } = createBench();
  const session = connect();
  await session.write(`set=1\nlisten_port=7\n${PEER}allowed_ip=10.0.0.0/24\nallowed_ip=11.0.0.0/2`);
  await session.abort();
  assert.equal(session.replies, []);
  assert.is(host.listenPort, 7);
  assert.is(device.state.peers[0]!.prefixes.length, 1);
  assert.equal(device.calls, ['add 01', 'start 01']);
  assert.is(log.length, 1);
});

test('a failed set is read to its end before the next operation', async () => {
  const { connect, host } = createBench();
  const session = connect();
  await session.write('set=1\nbad=1\nget=1\nlisten_port=5\n');
  assert.equal(session.replies, ['errno=-22\n\n']);
  await session.write('\nget=1\n\n');
  assert.equal(session.replies, ['errno=-22\n\n', OK]);
  assert.is(host.listenPort, 0);
});

test('a get with something behind it is errno -22', async () => {
  const { connect } = createBench();
  const session = connect();
  await session.write('get=1\nprivate_key=1\n\nget=1\n\n');
  assert.equal(session.replies, ['errno=-22\n\n', OK]);
});

test('what is no operation closes the connection unanswered', async () => {
  for (const text of ['hello\n', 'get=2\n\n', 'set=\n', 'GET / HTTP/1.1\n', 'set=1\r\n', ' get=1\n', 'get=1 \n']) {
    const { connect, log } = createBench();
    const session = connect();
    await session.write(`${text}get=1\n\n`);
    assert.is(session.isClosed, true, text);
    assert.equal(session.replies, []);
    assert.is(log.length, 1);
  }
});

test('empty lines between operations are nothing', async () => {
  const { connect } = createBench();
  const session = connect();
  await session.write('\n\nget=1\n\n\nget=1\n\n');
  assert.equal(session.replies, [OK, OK]);
});

test('a line over 64 KB is errno -5 in a set and closes the connection, in one chunk or many', async () => {
  for (const chunkBytes of [1_000, 1_000_000]) {
    const { connect, device, log } = createBench();
    const session = connect();
    const text = `set=1\n${PEER}allowed_ip=10.0.0.0/24\nendpoint=${'1'.repeat(70_000)}\n\nget=1\n\n`;
    for (let at = 0; at < text.length; at += chunkBytes) await session.write(text.slice(at, at + chunkBytes));
    assert.equal(session.replies, ['errno=-5\n\n']);
    assert.is(session.isClosed, true);
    assert.equal(device.calls, ['add 01', 'start 01']);
    assert.is(log.length, 1);
  }
});

test('a line over 64 KB between operations closes the connection', async () => {
  const { connect } = createBench();
  const session = connect();
  for (let i = 0; i < 70; i++) await session.write('x'.repeat(1_000));
  assert.is(session.isClosed, true);
  assert.equal(session.replies, []);
});

test('a get waits for the set of another connection', async () => {
  const { connect } = createBench();
  const writer = connect();
  const reader = connect();
  await writer.write(`set=1\nlisten_port=1\n${PEER}`);
  const answered = reader.write('get=1\n\n');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reader.replies, []);
  await writer.write('allowed_ip=10.0.0.0/24\n\n');
  await answered;
  assert.match(reader.replies[0]!, /allowed_ip=10\.0\.0\.0\/24\nerrno=0\n\n$/);
});

test('sets of two connections are done one after the other', async () => {
  const { connect, device } = createBench();
  const first = connect();
  const second = connect();
  await first.write(`set=1\n${PEER}`);
  const done = second.write(`set=1\nreplace_peers=true\n\n`);
  await first.write(`public_key=${key(2)}\n\n`);
  await done;
  assert.is(device.state.peers.length, 0);
});

test('a set whose connection broke lets the next operation through', async () => {
  const { connect, run } = createBench();
  const session = connect();
  await session.write('set=1\nlisten_port=1\n');
  const answer = run('get=1\n\n');
  await session.abort();
  assert.is(await answer, `listen_port=1\n${OK}`);
});

test('a failed set lets the next operation through', async () => {
  const { connect, run } = createBench();
  const session = connect();
  await session.write('set=1\nbad=1\n');
  assert.is(await run('get=1\n\n'), OK);
});

test('the next operation of a connection waits until a reply was taken, other connections do not', async () => {
  const { connect, run, host } = createBench();
  let take = (): void => {};
  const session = connect(new Promise((resolve) => (take = resolve)));
  const done = session.write('get=1\n\nset=1\nlisten_port=1\n\n');
  assert.is(await run('get=1\n\n'), OK);
  assert.is(host.listenPort, 0);
  assert.equal(session.replies, [OK]);
  take();
  await done;
  assert.is(host.listenPort, 1);
});

test('the owner is told of a change in the middle and at the end of a set, and not of a get', async () => {
  const { connect, host } = createBench();
  const session = connect();
  await session.write(`set=1\n${PEER}`);
  assert.is(host.changes, 1);
  await session.write('\n');
  assert.is(host.changes, 2);
  await session.write('get=1\n\n');
  assert.is(host.changes, 2);
});

test('input is zeroed once it was read, an unfinished line too', async () => {
  const { connect } = createBench();
  const session = connect();
  const chunks = [`set=1\nprivate_key=${key(1)}\nprivate_key=${key(2).slice(9)}`, `${key(2).slice(0, 9)}\n\n`].map(
    (text) => new Uint8Array(Buffer.from(text)),
  );
  for (const chunk of chunks) {
    await session.receive(chunk);
    assert.ok(chunk.every((byte) => byte === 0));
  }
  assert.equal(session.replies, [OK]);
});

test.run();
