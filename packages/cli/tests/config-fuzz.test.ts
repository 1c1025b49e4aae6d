import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CliError } from '../src/exit.ts';
import { parseConfig } from '../src/settings/config-file.ts';
import { SETTINGS } from '../src/settings/table.ts';

const seed = process.env.PCLOUD_TEST_SEED === undefined ? {} : { seed: Number(process.env.PCLOUD_TEST_SEED) };
const name = fc.constantFrom(
  ...Object.values(SETTINGS).map((setting) => setting.name),
  'nonsense',
  '__proto__',
  '? a',
  '<<',
);
const value = fc.oneof(
  fc.constantFrom(
    '1',
    'true',
    '[a, b]',
    '{a: b}',
    '&a [*a]',
    '*a',
    '!!binary x',
    '!!js/function x',
    '|',
    "'",
    '~',
    '[[',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const text = fc.oneof(
  fc.array(fc.tuple(name, value)).map((lines) => lines.map(([key, held]) => `${key}: ${held}`).join('\n')),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

test('class 11: a configuration file is settings, or one line of what is wrong', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (content) => {
      try {
        for (const [key, values] of await parseConfig(content, '/etc/pcloud/config.yaml')) {
          assert.ok(Object.values(SETTINGS).some((setting) => setting.name === key));
          for (const each of values) assert.type(each, 'string');
        }
      } catch (error) {
        assert.instance(error, CliError);
        assert.is((error as CliError).message.split('\n').length, 1, JSON.stringify(content));
      }
    }),
    { numRuns: 1_000, ...seed },
  );
});

test('class 11: a file of aliases of aliases is refused before it fills the memory', async () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++)
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  const startedAt = performance.now();
  const failure = await parseConfig(lines.join('\n'), 'x').catch((error: unknown) => error);
  assert.instance(failure, CliError);
  assert.ok(performance.now() - startedAt < 1_000);
});

test.run();
