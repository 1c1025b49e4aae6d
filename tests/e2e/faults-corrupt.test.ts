/** Files of a client that are not what was written: fetched anew, or an error that says which and what to do. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitFor } from '../lab/index.ts';
import { PCLOUD } from './lib/network.ts';
import { withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;
const STATE = '/run/pcloud/state';

test('a map that is damaged, cut short or empty is fetched anew', () =>
  withStations({}, async ({ first, whole, output }) => {
    const path = `${STATE}/map.json`;
    for (const damage of [
      (text: string): string => text.slice(0, text.length / 2),
      (text: string): string => text.replace(/10\.0\.0\.3/, '10.0.0.9'),
      (): string => '',
      (): string => '\u0000'.repeat(600),
    ]) {
      await first.service.stop();
      first.host.write(path, damage(first.host.read(path)));
      const before = first.service.output().length;
      first.service.start();
      await whole(BACK_LIMIT_MS);
      assert.match(first.service.output().slice(before), 'the last map cannot be used; it is fetched anew', output());
      await waitFor('a map on disk', () => first.host.read(path).includes('10.0.0.3'), BACK_LIMIT_MS, output);
    }
  }));

test('keys or a membership that are damaged end the start with the file and what to do, and come back with it', () =>
  withStations({}, async ({ first, whole, output }) => {
    const { host, service } = first;
    for (const name of ['machine.key', 'node.key', 'membership.json', 'seen.json']) {
      const path = `${STATE}/${name}`;
      await service.stop();
      const good = host.read(path);
      host.write(path, good.slice(0, 10));
      for (const command of [['daemon'], ['up']]) {
        const { code, stderr } = await host.run([PCLOUD, ...command], { check: false });
        assert.is(code, 1, stderr);
        assert.match(stderr, `"${path}": not what pcloud wrote there; `, output());
        assert.is(stderr.trim().split('\n').length, 1, stderr);
      }
      host.write(path, good);
      service.start();
      await whole(BACK_LIMIT_MS);
    }
  }));

test('keys of a coordinator that are damaged end its start with the file, and the clients go on', () =>
  withStations({}, async ({ seed, whole }) => {
    const { host, service } = seed;
    for (const name of ['channel.key', 'root.key']) {
      const path = `${STATE}/coordinator/${name}`;
      await service.stop();
      const good = host.read(path);
      host.write(path, good.slice(0, 10));
      const { code, stderr } = await host.run([PCLOUD, 'seed', '--json', '--no-links'], { check: false });
      assert.is(code, 1, stderr);
      assert.match(stderr, path);
      host.write(path, good);
      service.start();
      await whole(BACK_LIMIT_MS);
    }
  }));

test.run();
