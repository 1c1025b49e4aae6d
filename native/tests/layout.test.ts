import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENDPOINT } from '@pcloud/ip';
import { DATAGRAM, FRAME, LAYOUT, REGIONS, SLAB_BYTES } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findLayoutDifference, loadNative } from '../index.ts';
import { addon, withPlanes } from './addon.ts';

test('the addon lays the slab out as the TypeScript does', () => {
  assert.equal(addon.layout, { LAYOUT, FRAME, DATAGRAM, ENDPOINT, REGIONS, SLAB_BYTES });
});

test('a slab has the bytes that its layout says, all of them zero', () =>
  withPlanes((plane) => {
    assert.is(plane.slab.byteLength, SLAB_BYTES);
    assert.ok(new Uint8Array(plane.slab).every((byte) => byte === 0));
  }));

for (const group of ['LAYOUT', 'FRAME', 'DATAGRAM', 'ENDPOINT', 'REGIONS'] as const) {
  test(`an addon whose ${group} has another number, one more or one less is told apart`, () => {
    const [name, value] = Object.entries(addon.layout[group])[1]!;
    const { [name]: _, ...less } = addon.layout[group];
    const withGroup = (words: Record<string, number>) => findLayoutDifference({ ...addon.layout, [group]: words });
    assert.is(
      withGroup({ ...addon.layout[group], [name]: value + 1 }),
      `${group}.${name} is ${value + 1}, expected ${value}`,
    );
    assert.is(withGroup({ ...addon.layout[group], NEW: 9 }), `${group}.NEW is 9, expected undefined`);
    assert.is(withGroup(less), `${group}.${name} is undefined, expected ${value}`);
    assert.is(withGroup({ ...addon.layout[group] }), undefined);
  });
}

test('an addon with a slab of another size, or without a layout, is told apart', () => {
  const difference = findLayoutDifference({ ...addon.layout, SLAB_BYTES: 4096 });
  assert.is(difference, `SLAB_BYTES is 4096, expected ${SLAB_BYTES}`);
  assert.is(findLayoutDifference(undefined), 'it has no layout');
});

test('an addon of another version is refused when it is loaded, with the first difference', () => {
  const original = process.dlopen;
  process.dlopen = (module: object) => {
    const frame = { ...FRAME, KEY: 9 };
    (module as { exports: object }).exports = { ...addon, layout: { ...addon.layout, FRAME: frame } };
  };
  try {
    const result = loadNative(import.meta.filename);
    assert.match(
      'reason' in result ? result.reason : '',
      'of another version (FRAME.KEY is 9, expected 8): build it again',
    );
  } finally {
    process.dlopen = original;
  }
});

test('a file that is missing, or no addon, is a reason and not an exception', () => {
  const directory = mkdtempSync(join(tmpdir(), 'addon-'));
  const file = join(directory, 'text.node');
  const missing = loadNative(file);
  writeFileSync(file, 'not an addon');
  const broken = loadNative(file);
  rmSync(directory, { recursive: true });
  assert.equal(missing, { reason: `no addon at ${file}` });
  assert.match('reason' in broken ? broken.reason : '', /^the addon does not load: /);
});

test.run();
