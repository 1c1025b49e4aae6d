import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DaemonError } from '../src/errors.ts';
import { checkInterfaceName, explainTunError } from '../src/interface-name.ts';

function refusal(name: string, directory = '/nonexistent'): DaemonError | undefined {
  try {
    checkInterfaceName(name, directory);
    return undefined;
  } catch (error) {
    return error as DaemonError;
  }
}

test('names that the kernel takes are taken', () => {
  for (const name of ['wg0', 'a', 'fifteen-bytes-x', 'wg.0', 'wg-office_2', 'ü']) assert.is(refusal(name), undefined);
});

test('names that it does not are refused with the name and the reason', () => {
  assert.match(refusal('')!.message, 'got none');
  assert.match(refusal('sixteen-bytes-xx')!.message, '"sixteen-bytes-xx": expected 1 to 15 bytes, got 16');
  for (const name of ['.', '..', 'a/b', 'a b', 'a:b', 'wg%d', 'a\nb']) {
    assert.is(refusal(name)?.code, 'BAD_INTERFACE_NAME', name);
  }
});

test('an interface of another kind is refused, a TUN is not', () => {
  const directory = mkdtempSync(join(tmpdir(), 'net-'));
  mkdirSync(join(directory, 'eth0'));
  mkdirSync(join(directory, 'tun0'));
  writeFileSync(join(directory, 'tun0', 'tun_flags'), '0x1001\n');
  assert.is(refusal('eth0', directory)?.code, 'NOT_A_TUN');
  assert.is(refusal('tun0', directory), undefined);
});

test('each error of opening a TUN says what to do', () => {
  const cases = [
    ['EPERM', 'NOT_PERMITTED', /root or with CAP_NET_ADMIN/],
    ['EBUSY', 'INTERFACE_BUSY', /in use by another process; stop it/],
    ['ENOENT', 'NO_TUN_DEVICE', /modprobe tun/],
    ['EINVAL', 'NOT_A_TUN', /choose another name/],
    ['EMFILE', 'TUN_FAILED', /too many open files/],
  ] as const;
  for (const [code, expected, words] of cases) {
    const cause = Object.assign(new Error('too many open files'), { code });
    const error = explainTunError('wg0', cause);
    assert.is(error.code, expected);
    assert.match(error.message, words);
    assert.match(error.message, '"wg0"');
    assert.is(error.cause, cause);
  }
});

test.run();
