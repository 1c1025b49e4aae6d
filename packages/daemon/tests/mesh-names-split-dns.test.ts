import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Logger, silentLogger } from '../src/log.ts';
import { nameserversOf } from '../src/mesh/names/resolv-conf.ts';
import { createResolvFile } from '../src/mesh/names/resolv-file.ts';
import { createResolved } from '../src/mesh/names/resolved.ts';
import { createSplitDns, type SplitDns } from '../src/mesh/names/split-dns.ts';
import { watchFile } from '../src/mesh/names/watch-file.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import { settle } from '../src/testing/fake-control.ts';

const REQUEST = { servers: ['10.0.0.2'], domains: ['pcloud', '0.10.in-addr.arpa'] };
const STUB = 'nameserver 127.0.0.53\noptions edns0\n';

interface World {
  readonly path: string;
  readonly clock: FakeClock;
  readonly dns: SplitDns;
  /** Programs that were run, and what of the machine is as it is. */
  readonly ran: string[];
  readonly warnings: string[];
  readonly machine: { hasResolved: boolean; isForeign: boolean; refuses: RegExp; uplinks: string[] };
  write(text: string): void;
  servers(): string[];
  /** What the watch of the file says. */
  changed(): void;
}

async function withWorld(act: (world: World) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-split-'));
  const path = join(directory, 'resolv.conf');
  const clock = createFakeClock();
  const ran: string[] = [];
  const warnings: string[] = [];
  const machine = { hasResolved: false, isForeign: false, refuses: /^$/, uplinks: ['192.0.2.1'] };
  const log: Logger = { ...silentLogger, warn: (_fields, event) => void warnings.push(event) };
  let changed = (): void => {};
  const dns = createSplitDns({
    path,
    isForeign: () => machine.isForeign,
    file: createResolvFile({ path, stateDir: join(directory, 'state'), keepsOthers: true }, log),
    resolved: createResolved('pcloud0', {
      exists: (socket) => socket.startsWith('/run/systemd/resolve/') && machine.hasResolved,
      async run(file, args) {
        const line = [file, ...args].join(' ');
        ran.push(line);
        if (machine.refuses.test(line)) throw new Error(`${file}: exit 1`);
      },
      runNow: (file, args) => void ran.push([file, ...args].join(' ')),
      log,
    }),
    readUplinks: () => machine.uplinks,
    watch(callback) {
      changed = callback;
      return () => {
        changed = () => {};
      };
    },
    clock,
    log,
  });
  const write = (text: string): void => writeFileSync(path, text);
  const servers = (): string[] => nameserversOf(readFileSync(path, 'utf8'));
  try {
    await act({ path, clock, dns, ran, warnings, machine, write, servers, changed: () => changed() });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('systemd-resolved is told of our domains alone, and resolv.conf is left as it is', () =>
  withWorld(async ({ dns, machine, ran, write, path }) => {
    machine.hasResolved = true;
    write(STUB);
    dns.apply(REQUEST);
    await settle();
    assert.equal(ran.slice(0, 2), [
      'resolvectl dns pcloud0 10.0.0.2',
      'resolvectl domain pcloud0 ~pcloud ~0.10.in-addr.arpa',
    ]);
    assert.ok(ran.includes('resolvectl default-route pcloud0 no') && ran.includes('resolvectl dnssec pcloud0 no'));
    assert.not(dns.forwards);
    assert.is(dns.upstreams, undefined);
    assert.is(readFileSync(path, 'utf8'), STUB);
    const { length } = ran;
    dns.apply(REQUEST);
    assert.is(ran.length, length, 'once');
    dns.stop();
    assert.is(ran.at(-1), 'resolvectl revert pcloud0');
    dns.stop();
    assert.is(ran.length, length + 1);
  }));

test("a file that is another network's is left alone, systemd-resolved too, with one warning", () =>
  withWorld(async ({ dns, machine, ran, write, warnings, path }) => {
    machine.hasResolved = true;
    machine.isForeign = true;
    write(STUB);
    dns.apply(REQUEST);
    dns.apply({ ...REQUEST, domains: [] });
    await settle();
    assert.equal(ran, []);
    assert.is(readFileSync(path, 'utf8'), STUB);
    assert.is(warnings.length, 1);
  }));

test('a setting that an older systemd-resolved does not know is not missed', () =>
  withWorld(async ({ dns, machine, ran, write, warnings }) => {
    machine.hasResolved = true;
    machine.refuses = /default-route|dnsovertls/;
    write(STUB);
    dns.apply(REQUEST);
    await settle();
    assert.is(ran.length, 7);
    assert.equal(warnings, []);
    assert.not(dns.forwards);
  }));

test('a systemd-resolved that would not be told is passed by, and its own servers are asked', () =>
  withWorld(async ({ dns, machine, write, servers, warnings, path }) => {
    machine.hasResolved = true;
    machine.refuses = / domain /;
    write(STUB);
    dns.apply(REQUEST);
    await settle();
    assert.equal(servers(), ['10.0.0.2', '127.0.0.53']);
    assert.equal(dns.upstreams, ['192.0.2.1'], 'its stub may ask us in turn');
    assert.is(warnings.length, 1);
    dns.stop();
    assert.is(readFileSync(path, 'utf8'), STUB);
  }));

test('a systemd-resolved that programs do not ask is not told anything', () =>
  withWorld(async ({ dns, machine, ran, write, servers }) => {
    machine.hasResolved = true;
    write('nameserver 192.0.2.53\n');
    dns.apply(REQUEST);
    await settle();
    assert.equal(ran, []);
    assert.equal(servers(), ['10.0.0.2', '192.0.2.53']);
    assert.ok(dns.forwards);
    assert.equal(dns.upstreams, ['192.0.2.53']);
    dns.stop();
  }));

test('a machine that turns to systemd-resolved, or away from it, is followed', () =>
  withWorld(async ({ dns, machine, ran, write, servers, changed, path }) => {
    write('nameserver 192.0.2.53\n');
    dns.apply(REQUEST);
    machine.hasResolved = true;
    write(STUB);
    changed();
    await settle();
    assert.is(ran[0], 'resolvectl dns pcloud0 10.0.0.2');
    assert.not(dns.forwards);
    assert.is(readFileSync(path, 'utf8'), STUB);
    write('nameserver 192.0.2.54\n');
    changed();
    assert.is(ran.at(-1), 'resolvectl revert pcloud0');
    assert.equal(servers(), ['10.0.0.2', '192.0.2.54']);
    dns.stop();
    assert.equal(servers(), ['192.0.2.54']);
  }));

test('a DHCP client that writes the file anew is followed', () =>
  withWorld(({ dns, write, servers, changed }) => {
    write('nameserver 192.0.2.53\n');
    dns.apply(REQUEST);
    write('nameserver 192.0.2.77\n');
    changed();
    assert.equal(servers(), ['10.0.0.2', '192.0.2.77']);
    assert.equal(dns.upstreams, ['192.0.2.77']);
    dns.stop();
    write('nameserver 192.0.2.78\n');
    changed();
    assert.equal(servers(), ['192.0.2.78'], 'it is over');
  }));

test('where nobody is named, this machine is asked, as programs do', () =>
  withWorld(({ dns }) => {
    dns.apply(REQUEST);
    assert.equal(dns.upstreams, ['127.0.0.1']);
    dns.stop();
  }));

test('who changes the file again and again gets it for a minute', () =>
  withWorld(({ dns, write, servers, changed, clock, warnings }) => {
    write('nameserver 192.0.2.53\n');
    dns.apply(REQUEST);
    for (let i = 0; i < 20; i++) {
      write(`nameserver 192.0.2.${100 + i}\n`);
      changed();
      clock.advance(100);
    }
    assert.equal(servers(), ['192.0.2.119']);
    assert.is(warnings.length, 1);
    clock.advance(60_000);
    changed();
    assert.equal(servers(), ['10.0.0.2', '192.0.2.119']);
    dns.stop();
    assert.equal(servers(), ['192.0.2.119']);
  }));

test('a file that cannot be changed is warned of once', () =>
  withWorld(({ dns, path, changed, warnings }) => {
    writeFileSync(join(path, '../state'), 'no directory');
    writeFileSync(path, 'nameserver 192.0.2.53\n');
    dns.apply(REQUEST);
    changed();
    assert.is(warnings.length, 1);
    assert.not(dns.forwards);
    dns.stop();
    assert.equal(nameserversOf(readFileSync(path, 'utf8')), ['192.0.2.53']);
  }));

test('a watched file tells of a write, a new file under its name, and a write behind its link', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-watch-'));
  const path = join(directory, 'resolv.conf');
  const target = join(directory, 'run.conf');
  writeFileSync(path, 'a');
  writeFileSync(target, 'a');
  const timers = {
    setTimer: (callback: () => void, ms: number) => {
      const timer = setTimeout(callback, Math.min(ms, 3_000));
      return () => clearTimeout(timer);
    },
  };
  let tell = (): void => {};
  const stop = watchFile(path, timers, () => tell());
  const toldOf = async (act: () => void): Promise<number> => {
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const startedAt = performance.now();
    act();
    await told;
    return performance.now() - startedAt;
  };
  try {
    const steps = [
      () => writeFileSync(path, 'b'),
      () => {
        writeFileSync(`${path}.new`, 'c');
        renameSync(`${path}.new`, path);
      },
      () => writeFileSync(path, 'd'),
      () => {
        rmSync(path);
        symlinkSync('run.conf', path);
      },
      () => writeFileSync(target, 'b'),
    ];
    for (const [i, step] of steps.entries()) {
      const tookMs = await toldOf(step);
      assert.ok(tookMs < 2_000, `step ${i} took ${tookMs} ms: it was not watched`);
    }
  } finally {
    stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
