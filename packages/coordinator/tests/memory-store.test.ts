import { test } from 'uvu';
import { createMemoryStore } from '../src/store/index.ts';
import { storeBehaviours } from '../src/testing/store-suite.ts';

for (const { name, run } of storeBehaviours) test(name, () => run(async (options) => createMemoryStore(options)));

test.run();
