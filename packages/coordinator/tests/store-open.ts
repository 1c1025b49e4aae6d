/** Opens the store of a directory and prints what happens: a process of its own for a test. */
import { openLevelStore, type StoreError } from '../src/store/index.ts';

const directory = process.argv[2]!;
const outcome = await openLevelStore(directory).then(
  () => 'open',
  (error: StoreError) => `${error.code} ${error.message}`,
);
console.log(outcome);
