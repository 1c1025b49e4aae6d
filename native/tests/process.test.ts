import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon } from './addon.ts';
import { isolate } from './isolate.ts';
import { runScript } from './script.ts';

isolate();
addon.linkSet('lo', { up: true });

/** The script ended by itself, and said this. */
async function ends(script: string, output = '', ...options: string[]): Promise<void> {
  assert.equal(await runScript(script, ...options), { code: 0, signal: null, output });
}

const OPEN = `const plane = addon.createPlane(); plane.openTun('tun%d', { offload: true }); plane.bind(0, 0); plane.listen(quiet);`;

test('a process whose planes do not listen ends by itself', () =>
  ends(`const plane = addon.createPlane(); plane.openTun('tun%d', { offload: true }); plane.bind(0, 0);`));

test('a process that listens goes on until everything is closed', () =>
  ends(
    `${OPEN} const from = performance.now();
    setTimeout(() => {}, 60).unref();
    setTimeout(() => { plane.close(); console.log(performance.now() - from >= 100) }, 101).unref();`,
    'true\n',
  ));

for (const end of [
  'plane.stop()',
  'plane.unref()',
  'plane.closeTun(); plane.closeSockets()',
  'plane.unref(); plane.bind(0, 0)',
]) {
  test(`a process that listens ends by itself after ${end}`, () => ends(`${OPEN} setTimeout(() => { ${end} }, 20);`));
}

test('a plane that was let go keeps the process again once it is held again', () =>
  ends(
    `${OPEN} plane.unref(); plane.ref(); setTimeout(() => { console.log('still here'); plane.close() }, 50).unref();`,
    'still here\n',
  ));

test('watching the network and the clock does not keep a process', () =>
  ends(`addon.watchNetwork(() => {}); addon.watchClock(() => {});`));

test('process.exit in the middle of everything is an exit', () =>
  ends(`${OPEN} addon.watchNetwork(() => {}); setTimeout(() => process.exit(0), 20);`));

test('a callback that throws is an uncaught exception, and the next one is called', () =>
  ends(
    `const plane = addon.createPlane(); const port = plane.bind(0, 0); let calls = 0;
    process.on('uncaughtException', (error) => console.log(error.message));
    plane.listen({ ...quiet, udp() { plane.udpReceive(); if (++calls === 2) plane.close(); throw new Error('call ' + calls) } });
    const socket = require('node:dgram').createSocket('udp4');
    socket.send('a', port, '127.0.0.1', () => setTimeout(() => socket.send('b', port, '127.0.0.1', () => socket.close()), 20));`,
    'call 1\ncall 2\n',
  ));

test('an uncaught exception of a callback ends the process as any other', async () => {
  const { code, output } =
    await runScript(`const stop = addon.watchNetwork(() => { throw new Error('of the listener') });
    setInterval(() => {}, 1000); addon.linkSet('lo', { mtu: 60000 }); addon.linkSet('lo', { mtu: 65536 });`);
  assert.is(code, 1);
  assert.match(output, 'of the listener');
});

for (const [count, opening] of [
  [1000, 'plane.bind(0, 0)'],
  [100, "plane.openTun('tun%d', { offload: true })"],
] as const) {
  test(`${count} times ${opening} and close leave no descriptor and no memory behind`, () =>
    ends(
      `const use = () => { const plane = addon.createPlane(); plane.installKey(0, new Uint8Array(32));
        ${opening}; plane.listen(quiet); plane.close();
        addon.watchNetwork(() => {})(); addon.watchClock(() => {})(); };
      (async () => {
        for (let i = 0; i < 100; i++) use();
        await collect();
        const [before, memory] = [descriptors(), process.memoryUsage.rss()];
        for (let i = 0; i < ${count}; i++) { use(); if (i % 50 === 0) await collect(); }
        await collect();
        console.log(descriptors() - before, process.memoryUsage.rss() - memory < 16 << 20);
      })();`,
      '0 true\n',
      '--expose-gc',
    ));
}

test('a plane that nobody has any more is closed when it is collected', () =>
  ends(
    `const forget = () => { const plane = addon.createPlane(); plane.openTun('tun%d', { offload: true }); plane.bind(0, 0); };
    (async () => {
      console.log('twenty');
      await collect();
      const before = descriptors();
      for (let i = 0; i < 20; i++) forget();
      const between = descriptors();
      await collect();
      console.log(between - before, descriptors() - before);
    })();`,
    'twenty\n60 0\n',
    '--expose-gc',
  ));

test('a plane that listens is not collected, nor is a slab that someone has', () =>
  ends(
    `const listen = () => { const plane = addon.createPlane(); plane.bind(0, 0); plane.listen(quiet); return plane.slab; };
    const close = () => { const plane = addon.createPlane(); plane.close(); return plane.slab; };
    const slabs = [listen(), close()];
    (async () => {
      console.log('two');
      const before = descriptors();
      await collect();
      for (const slab of slabs) new Uint8Array(slab).fill(1);
      console.log(descriptors() - before, new Uint8Array(slabs[1])[slabs[1].byteLength - 1]);
      process.exit();
    })();`,
    'two\n0 1\n',
    '--expose-gc',
  ));

test.run();
