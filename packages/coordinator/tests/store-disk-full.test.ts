import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CommitResult, openLevelStore, type Store, type StoreError } from '../src/store/index.ts';
import { bytes } from '../src/testing/store-harness.ts';

const test = suite('disk full');
const disk = mkdtempSync(join(tmpdir(), 'disk-full-'));
test.before(() => void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]));
test.after(() => {
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

const put = (store: Store, key: string): Promise<CommitResult> =>
  store.commit({ compare: [], put: [{ key: bytes(key), value: new Uint8Array(100_000).fill(7) }] });

async function keysOf(store: Store): Promise<string[]> {
  return (await store.list(bytes(''))).entries.map(({ key }) => Buffer.from(key).toString());
}

test('a store on a full disk refuses commits, answers reads, and goes on once there is space', async () => {
  const directory = join(disk, 'store');
  const store = await openLevelStore(directory);
  const acknowledged: string[] = [];
  const codes: string[] = [];
  for (let index = 10; codes.length < 5; index++) {
    await put(store, `key ${index}`).then(
      () => acknowledged.push(`key ${index}`),
      (error: StoreError) => codes.push(error.code),
    );
    if (index > 60) assert.unreachable('the disk does not fill');
  }
  assert.equal([...new Set(codes)], ['FAILED']);
  assert.equal(await keysOf(store), acknowledged);
  assert.not.ok(readdirSync(directory).includes('probe'));

  execFileSync('mount', ['-o', 'remount,size=30m', disk]);
  assert.equal(await put(store, 'later'), { committed: true, revision: acknowledged.length + 1 });
  await store.close();
  const again = await openLevelStore(directory);
  assert.equal(await keysOf(again), [...acknowledged, 'later']);
  await again.close();
});

test.run();
