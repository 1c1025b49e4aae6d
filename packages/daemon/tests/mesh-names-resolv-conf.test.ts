import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../src/log.ts';
import { nameserversOf, writeResolvConf, writerOf } from '../src/mesh/names/resolv-conf.ts';
import { createResolvFile, type ResolvFile } from '../src/mesh/names/resolv-file.ts';

const ORIGINAL =
  '# by hand\nnameserver 192.0.2.53\nsearch example.org\nnameserver fe80::1%eth0\noptions edns0 trust-ad';
const KEEPS = { keepsOthers: true };
const OURS = ['10.0.0.2'];

test('ours is asked first, and all else stays as it was', () => {
  const text = writeResolvConf(ORIGINAL, OURS, KEEPS);
  assert.equal(nameserversOf(text), ['10.0.0.2', '192.0.2.53', 'fe80::1%eth0']);
  assert.ok(text.endsWith(`\nnameserver 10.0.0.2\n${ORIGINAL}\n`));
});

test('where programs ask all servers at once, or in turn, ours is the only one', () => {
  assert.equal(nameserversOf(writeResolvConf(ORIGINAL, OURS, { keepsOthers: false })), OURS);
  const turning = 'nameserver 192.0.2.53\noptions timeout:1 rotate\n';
  const text = writeResolvConf(turning, OURS, KEEPS);
  assert.equal(nameserversOf(text), OURS);
  assert.match(text, '\noptions timeout:1 rotate\n');
  assert.equal(writerOf(text), { kind: 'pcloud', isIntact: true, original: turning });
});

test('a text of ours is known, and its original found in it, whatever that was', () => {
  const line = fc.oneof(
    fc.constantFrom('nameserver 192.0.2.53', 'search a b', '', '# comment', 'options rotate', 'nameserver'),
    fc.string({ unit: fc.constantFrom(...'namesrvr 1.:#\t'), maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), (lines, keepsOthers) => {
      const original = lines.map((each) => `${each}\n`).join('');
      assert.equal(writerOf(original), { kind: 'others' });
      const writer = writerOf(writeResolvConf(original, OURS, { keepsOthers }));
      assert.equal(writer, { kind: 'pcloud', isIntact: true, original });
    }),
  );
});

test('a text of ours that somebody changed is theirs, without our lines', () => {
  const text = writeResolvConf('nameserver 192.0.2.53\n', OURS, KEEPS);
  const changed = `# by a tool\n${text}nameserver 192.0.2.99\n`;
  assert.equal(writerOf(changed), {
    kind: 'pcloud',
    isIntact: false,
    original: '# by a tool\nnameserver 192.0.2.53\nnameserver 192.0.2.99\n',
  });
});

interface Disk {
  readonly path: string;
  /** As the next process has it. */
  open(): ResolvFile;
  read(): string;
}

function withDisk(act: (disk: Disk) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-resolv-'));
  mkdirSync(join(directory, 'etc'));
  const path = join(directory, 'etc/resolv.conf');
  const open = (): ResolvFile =>
    createResolvFile({ path, stateDir: join(directory, 'state'), keepsOthers: true }, silentLogger);
  try {
    act({ path, open, read: () => readFileSync(path, 'latin1') });
    const left = readdirSync(join(directory, 'etc')).filter((name) => name.includes('.pcloud'));
    assert.equal(left, [], 'no temporary file stays');
    assert.not(existsSync(join(directory, 'state/resolv-conf.json')), 'no record stays');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('the file is put back byte for byte, with its mode', () =>
  withDisk(({ path, open, read }) => {
    const odd = `nameserver 192.0.2.53\r\n# caf\xe9 \x00\n\n\noptions x`;
    writeFileSync(path, odd, 'latin1');
    chmodSync(path, 0o640);
    const file = open();
    assert.ok(file.hold(OURS));
    assert.equal(nameserversOf(read())[0], '10.0.0.2');
    assert.is(statSync(path).mode & 0o777, 0o640);
    assert.not(file.hold(OURS), 'nobody changed it');
    file.release();
    assert.is(read(), odd);
    assert.is(statSync(path).mode & 0o777, 0o640);
    file.release();
    assert.is(read(), odd);
  }));

test('a file that was not there is made, and removed', () =>
  withDisk(({ path, open, read }) => {
    const file = open();
    file.hold(OURS);
    assert.equal(nameserversOf(read()), OURS);
    assert.is(statSync(path).mode & 0o777, 0o644);
    file.release();
    assert.not(existsSync(path));
  }));

test('after a kill the next process puts it back, a file, none, and a link', () => {
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    open().hold(OURS);
    assert.is.not(read(), ORIGINAL);
    open().recover();
    assert.is(read(), ORIGINAL);
  });
  withDisk(({ path, open }) => {
    open().hold(OURS);
    open().recover();
    assert.not(existsSync(path));
  });
  withDisk(({ path, open }) => {
    symlinkSync('nowhere', path);
    open().hold(OURS);
    assert.not(lstatSync(path).isSymbolicLink());
    open().recover();
    assert.is(readlinkSync(path), 'nowhere');
  });
});

test('what somebody else wrote after a kill stays, and nothing is put back over it', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    open().hold(OURS);
    writeFileSync(path, 'nameserver 192.0.2.99\n');
    open().recover();
    assert.is(read(), 'nameserver 192.0.2.99\n');
  }));

test('a file of ours that a tool kept and brought back later is recognised without a record', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    const file = open();
    file.hold(OURS);
    const kept = read();
    file.release();
    writeFileSync(path, kept);
    open().recover();
    assert.is(read(), `${ORIGINAL}\n`);
  }));

test('a record that is spoilt does not keep the original from being found', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    open().hold(OURS);
    writeFileSync(join(path, '../../state/resolv-conf.json'), '{"kind":"fi');
    open().recover();
    assert.is(read(), `${ORIGINAL}\n`);
  }));

test('what others write while it is held is the original from then on', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    const file = open();
    file.hold(OURS);
    const theirs = 'nameserver 192.0.2.99\nsearch new.example\n';
    writeFileSync(`${path}.new`, theirs);
    renameSync(`${path}.new`, path);
    assert.ok(file.hold(OURS));
    assert.equal(nameserversOf(read()), ['10.0.0.2', '192.0.2.99']);
    file.release();
    assert.is(read(), theirs);
  }));

test('what others wrote just before the end wins', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    const file = open();
    file.hold(OURS);
    writeFileSync(path, 'nameserver 192.0.2.99\n');
    file.release();
    assert.is(read(), 'nameserver 192.0.2.99\n');
    file.hold(OURS);
    rmSync(path);
    file.release();
    assert.not(existsSync(path));
  }));

test('a line that somebody adds to ours stays, and ours go', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, 'nameserver 192.0.2.53\n');
    const file = open();
    file.hold(OURS);
    writeFileSync(path, `${read()}options timeout:1\n`);
    file.release();
    assert.is(read(), 'nameserver 192.0.2.53\noptions timeout:1\n');
  }));

test('a link is stood in for, what it leads to is followed, and it is put back', () =>
  withDisk(({ path, open, read }) => {
    const target = join(path, '../managed.conf');
    writeFileSync(target, 'nameserver 192.0.2.53\n');
    symlinkSync('managed.conf', path);
    const file = open();
    file.hold(OURS);
    assert.equal(nameserversOf(read()), ['10.0.0.2', '192.0.2.53']);
    assert.is(readFileSync(target, 'utf8'), 'nameserver 192.0.2.53\n', "the manager's own file is left alone");
    writeFileSync(target, 'nameserver 192.0.2.99\n');
    file.hold(OURS);
    assert.equal(nameserversOf(read()), ['10.0.0.2', '192.0.2.99']);
    file.release();
    assert.is(readlinkSync(path), 'managed.conf');
    assert.is(read(), 'nameserver 192.0.2.99\n');
  }));

test('another address of ours takes the place of the one before', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    const file = open();
    file.hold(['fd00::2']);
    file.hold(OURS);
    assert.equal(nameserversOf(read()), ['10.0.0.2', '192.0.2.53', 'fe80::1%eth0']);
    file.release();
    assert.is(read(), ORIGINAL);
  }));

test('the original is on disk before the file is changed', () =>
  withDisk(({ path, open, read }) => {
    writeFileSync(path, ORIGINAL);
    const state = join(path, '../../state');
    writeFileSync(state, 'a file where the directory should be');
    assert.throws(() => open().hold(OURS), 'cannot be written');
    assert.is(read(), ORIGINAL);
    rmSync(state);
  }));

test.run();
