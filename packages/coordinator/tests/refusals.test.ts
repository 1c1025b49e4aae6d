import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type LogFields, silentLogger } from '../src/log.ts';
import { createRefusals, type Refusals } from '../src/refusals.ts';

function rig(): { refusals: Refusals; lines: { event: string; fields: LogFields }[]; pass(ms: number): void } {
  const lines: { event: string; fields: LogFields }[] = [];
  let now = 0;
  const log = { ...silentLogger, info: (fields: LogFields, event: string) => void lines.push({ event, fields }) };
  return {
    refusals: createRefusals({ log, now: () => now }),
    lines,
    pass(ms) {
      now += ms;
    },
  };
}

test('what is turned away is counted by its code and told with where it came from', () => {
  const { refusals, lines } = rig();
  refusals.note('join', 'TOKEN_USED', '198.51.100.7');
  refusals.note('channel', 'UNAUTHENTIC', '198.51.100.8', 'laptop');
  refusals.note('join', 'TOKEN_USED', '198.51.100.9');
  assert.equal(refusals.counters(), { 'channel.UNAUTHENTIC': 1, 'join.TOKEN_USED': 2 });
  assert.equal(lines[1], {
    event: 'turned away',
    fields: { part: 'channel', code: 'UNAUTHENTIC', source: '198.51.100.8', node: 'laptop', total: 1 },
  });
});

test('a flood is counted to the last one and fills no log', () => {
  const { refusals, lines, pass } = rig();
  for (let each = 0; each < 1_000_000; each++) {
    refusals.note('tls', 'HANDSHAKE_REFUSED', `198.51.100.${each % 256}`);
    pass(1);
  }
  assert.equal(refusals.counters(), { 'tls.HANDSHAKE_REFUSED': 1_000_000 });
  // Ten at once, and one in each of the 16 minutes that a million milliseconds hold.
  assert.is(lines.length, 26);
});

test('a line after others were left out says how many there are by now', () => {
  const { refusals, lines, pass } = rig();
  for (let each = 0; each < 500; each++) refusals.note('http', 'MALFORMED', '198.51.100.7');
  pass(60_000);
  refusals.note('http', 'MALFORMED', '198.51.100.7');
  assert.is(lines.at(-1)?.fields.total, 501);
});

test('a flood of one code hides no other', () => {
  const { refusals, lines } = rig();
  for (let each = 0; each < 100; each++) refusals.note('http', 'MALFORMED', '198.51.100.7');
  refusals.note('join', 'TOKEN_EXPIRED', '203.0.113.5');
  assert.is(lines.at(-1)?.fields.code, 'TOKEN_EXPIRED');
});

test.run();
