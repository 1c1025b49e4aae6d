import { spawn } from 'node:child_process';
import { addonPath } from './addon.ts';

/** How a script ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** What every script starts with: the addon, and a plane's callbacks that do nothing. */
const PROLOGUE = `
const load = () => { const module = { exports: {} }; process.dlopen(module, ${JSON.stringify(addonPath)}); return module.exports; };
const addon = load();
const quiet = { tun() {}, udp() {}, closed() {} };
const collect = async () => { for (let i = 0; i < 10; i++) { gc(); await new Promise((done) => setTimeout(done, 5)) } };
const descriptors = () => require('node:fs').readdirSync('/proc/self/fd').length;
`;

/** Runs JavaScript in a process of its own, which has 20 s to end by itself. */
export function runScript(script: string, ...options: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [...options, '-e', PROLOGUE + script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, output })));
}
