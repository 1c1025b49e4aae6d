/** Commits without end to the store of a directory and says each number once it is acknowledged. */
import { writeSync } from 'node:fs';
import { Level } from 'level';
import { openLevelStore } from '../src/store/index.ts';
import { COUNT_KEY, putsOf } from './store-writes.ts';

const [directory, mode] = process.argv.slice(2) as [string, 'store' | 'unsynced'];
const say = (line: string): void => void writeSync(1, `${line}\n`);

say('opening');
if (mode === 'store') await writeToStore();
else await writeUnsynced();

async function writeToStore(): Promise<never> {
  const store = await openLevelStore(directory);
  const entry = await store.get(COUNT_KEY);
  for (let n = entry ? Number(Buffer.from(entry.value).toString()) + 1 : 1; ; n++) {
    await store.commit({ compare: [], put: putsOf(n) });
    say(`${n}`);
  }
}

/** The same to LevelDB alone, acknowledged before it is safe: for the test of the test. */
async function writeUnsynced(): Promise<never> {
  const level = new Level<string, string>(directory);
  for (let n = 1; ; n++) {
    await level.put(`${n}`, `${n}`);
    say(`${n}`);
  }
}
