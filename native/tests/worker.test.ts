import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon } from './addon.ts';
import { isolate } from './isolate.ts';
import { runScript } from './script.ts';

isolate();
addon.linkSet('lo', { up: true });

async function ends(script: string, output: string): Promise<void> {
  assert.equal(await runScript(script), { code: 0, signal: null, output });
}

/** The code of a worker, with the addon loaded there. */
const worker = (code: string): string => `
const { Worker } = require('node:worker_threads');
const source = 'const load = ' + load + '; const quiet = { tun() {}, udp() {}, closed() {} }; const addon = load(); const { parentPort } = require("node:worker_threads");' + ${JSON.stringify(code)};
const start = () => new Worker(source, { eval: true });`;

const BUSY = `const plane = addon.createPlane(); plane.openTun('tun%d', { offload: true }); const port = plane.bind(0, 0);
  plane.installKey(0, new Uint8Array(32).fill(1));
  plane.listen({ ...quiet, udp: () => { while (plane.udpReceive() > 0); } });
  addon.watchNetwork(() => {}); addon.watchClock(() => {});
  parentPort.postMessage(port);`;

test('the addon loads in several threads, each with its planes and its AEADs', () =>
  ends(
    `${worker(`const plane = addon.createPlane(); plane.bind(0, 0);
      const sealed = addon.aeadNames().map((name) => addon.sealOnce(name, new Uint8Array(32), 0, 0, new Uint8Array(99)).join());
      parentPort.postMessage(new Set(sealed).size); plane.close();`)}
    let left = 4;
    for (let i = 0; i < 4; i++) start().on('message', (count) => { if (count === 1 && --left === 0) console.log('all') });`,
    'all\n',
  ));

test('a worker that closed everything ends by itself', () =>
  ends(
    `${worker(`${BUSY} setTimeout(() => plane.close(), 10);`)} start().on('exit', (code) => console.log(code));`,
    '0\n',
  ));

for (const [how, end] of Object.entries({
  'is terminated': 'setTimeout(() => worker.terminate(), 5)',
  'exits by itself': "worker.postMessage('exit')",
  throws: "worker.postMessage('throw')",
})) {
  test(`a worker that ${how} with an open plane under traffic takes neither the process nor a descriptor with it`, () =>
    ends(
      `${worker(`${BUSY} parentPort.on('message', (what) => { if (what === 'exit') process.exit(3); throw new Error(what) });`)}
      const mine = addon.createPlane(); mine.bind(0, 0);
      const { writeFileSync } = require('node:fs');
      const endpoint = new Int32Array(16); endpoint[0] = 4; new Uint8Array(endpoint.buffer).set([127, 0, 0, 1], 8);
      const round = () => new Promise((done) => {
        const worker = start();
        let sending;
        worker.on('error', () => {});
        worker.on('exit', () => { clearInterval(sending); done() });
        worker.on('message', (port) => {
          endpoint[1] = port;
          sending = setInterval(() => { for (let i = 0; i < 50; i++) mine.transmit(new Uint8Array(100), endpoint, 0) }, 0);
          ${end};
        });
      });
      (async () => {
        await round();
        await round();
        const before = descriptors();
        for (let i = 0; i < 15; i++) await round();
        console.log(descriptors() - before, mine.transmit(new Uint8Array(1), endpoint, 0));
        mine.close();
      })();`,
      '0 true\n',
    ));
}

test('a process that exits while workers have open planes under way is an exit', () =>
  ends(
    `${worker(BUSY)} let ready = 0;
    for (let i = 0; i < 3; i++) start().on('message', () => { if (++ready === 3) { console.log('ready'); process.exit(0) } });`,
    'ready\n',
  ));

test.run();
