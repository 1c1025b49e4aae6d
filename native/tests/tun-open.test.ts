import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon, addonPath, codeOf, withPlanes } from './addon.ts';
import { isolate } from './isolate.ts';

isolate();

const flagsOf = (name: string): string => execFileSync('ip', ['-d', 'link', 'show', name], { encoding: 'utf8' });

test('a TUN is opened under its name, with super-packets where they are wanted', () =>
  withPlanes((plane) => {
    const info = plane.openTun('net0', { offload: true });
    assert.equal({ ...info, fd: 0 }, { name: 'net0', fd: 0, vnetHeader: true, tso: true, uso: true });
    assert.ok(fstatSync(info.fd).isCharacterDevice());
    assert.match(flagsOf('net0'), /tun type tun pi off vnet_hdr on persist off/);
    const { 'vnet-header': header, tso, uso, 'tcp-coalescing': tcp, 'udp-coalescing': udp } = plane.features();
    assert.equal({ header, tso, uso, tcp, udp }, { header: true, tso: true, uso: true, tcp: true, udp: true });
  }));

test('without offload there is no header and no super-packet', () =>
  withPlanes((plane) => {
    const info = plane.openTun('net0', { offload: false });
    assert.equal({ ...info, fd: 0 }, { name: 'net0', fd: 0, vnetHeader: false, tso: false, uso: false });
    assert.match(flagsOf('net0'), /tun type tun pi off vnet_hdr off/);
    assert.equal([plane.features()['tcp-coalescing'], plane.features()['udp-coalescing']], [false, false]);
  }));

test('the kernel numbers a name with %d, and answers with what it became', () =>
  withPlanes((first, second) => {
    assert.is(first.openTun('net%d', { offload: true }).name, 'net0');
    assert.is(second.openTun('net%d', { offload: true }).name, 'net1');
  }));

test('an interface goes with its plane, unless it is persistent', () =>
  withPlanes((plane, other) => {
    plane.openTun('net0', { offload: true });
    plane.closeTun();
    assert.is(addon.linkInfo('net0'), undefined);
    plane.openTun('net1', { offload: true, persist: true });
    plane.close();
    assert.is.not(addon.linkInfo('net1'), undefined);
    assert.is(other.openTun('net1', { offload: true }).name, 'net1');
    addon.deleteLink('net1');
  }));

test('opening another TUN closes the first', () =>
  withPlanes((plane) => {
    plane.openTun('net0', { offload: true });
    plane.openTun('net1', { offload: true });
    assert.is(addon.linkInfo('net0'), undefined);
  }));

test('a TUN that is in use is EBUSY, and the one that was open stays open', () =>
  withPlanes((plane, other) => {
    other.openTun('net0', { offload: true });
    plane.openTun('net1', { offload: true });
    const isBusy = (error: NodeJS.ErrnoException) => error.code === 'EBUSY' && error.syscall === 'TUNSETIFF';
    assert.throws(() => plane.openTun('net0', { offload: true }), isBusy);
    assert.is.not(addon.linkInfo('net1'), undefined);
  }));

test('an interface that is no TUN is EINVAL', () =>
  withPlanes((plane) => {
    assert.is(
      codeOf(() => plane.openTun('lo', { offload: true })),
      'EINVAL',
    );
  }));

test('a name that no interface can have is EINVAL, one that is too long ENAMETOOLONG', () =>
  withPlanes((plane) => {
    for (const name of ['a/b', '.', '..', 'a b'])
      assert.is(
        codeOf(() => plane.openTun(name, { offload: true })),
        'EINVAL',
        name,
      );
    assert.is(plane.openTun('fifteen-letters', { offload: true }).name, 'fifteen-letters');
    assert.is(
      codeOf(() => plane.openTun('sixteen-letters-', { offload: true })),
      'ENAMETOOLONG',
    );
  }));

test('without the right to make an interface it is EPERM', () => {
  const script = `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(addonPath)});
    try { m.exports.createPlane().openTun('net0', { offload: true }) } catch (error) { console.log(error.code, error.syscall) }`;
  const argv = ['--bounding-set', '-all', '--inh-caps', '-all', process.execPath, '-e', script];
  assert.is(execFileSync('setpriv', argv, { encoding: 'utf8' }), 'EPERM TUNSETIFF\n');
});

test('what is no TUN cannot be adopted, and stays open', () =>
  withPlanes((plane) => {
    const file = openSync('/dev/null', constants.O_RDWR);
    assert.is(
      codeOf(() => plane.adoptTun(file)),
      'ENOTTY',
    );
    fstatSync(file);
    closeSync(file);
    assert.is(
      codeOf(() => plane.adoptTun(file)),
      'EBADF',
    );
    const unattached = openSync('/dev/net/tun', constants.O_RDWR);
    assert.is(
      codeOf(() => plane.adoptTun(unattached)),
      'EBADFD',
    );
    closeSync(unattached);
  }));

test('adopting the TUN that is open changes nothing', () =>
  withPlanes((plane) => {
    const info = plane.openTun('net0', { offload: true });
    assert.equal(plane.adoptTun(info.fd), info);
    assert.is.not(addon.linkInfo('net0'), undefined);
  }));

for (const offload of [true, false]) {
  test(`a TUN that another process attached ${offload ? 'with' : 'without'} a header is adopted as it is`, () =>
    withPlanes((owner) => {
      const info = owner.openTun('net0', { offload });
      const script = `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(addonPath)});
        console.log(JSON.stringify(m.exports.createPlane().adoptTun(3)));`;
      const stdio = ['ignore', 'pipe', 'inherit', info.fd] as const;
      const output = execFileSync(process.execPath, ['-e', script], { stdio: [...stdio], encoding: 'utf8' });
      assert.equal(JSON.parse(output), { ...info, fd: 3 });
    }));
}

test.run();
