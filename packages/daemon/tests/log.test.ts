import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLineLogger, type LogLevel, parseLogLevel } from '../src/log.ts';

function lines(level: LogLevel): string[] {
  const written: string[] = [];
  const log = createLineLogger('wg0', level, (line) => void written.push(line));
  log.debug({}, 'a');
  log.info({}, 'b');
  log.warn({}, 'c');
  log.error({}, 'd');
  return written;
}

test('each level has its events', () => {
  assert.is(lines('verbose').length, 4);
  assert.equal(lines('info'), ['info: (wg0) b\n', 'warn: (wg0) c\n', 'error: (wg0) d\n']);
  assert.equal(lines('error'), ['warn: (wg0) c\n', 'error: (wg0) d\n']);
  assert.equal(lines('silent'), []);
});

test('fields stand behind the event, text with spaces or line ends in quotes', () => {
  const written: string[] = [];
  const log = createLineLogger('wg0', 'info', (line) => void written.push(line));
  log.info({ port: 51_820, name: 'eth0', none: undefined, why: 'no such\nthing', ok: true }, 'event');
  assert.equal(written, ['info: (wg0) event port=51820 name=eth0 why="no such\\nthing" ok=true\n']);
});

test('words that are no level are not taken for one', () => {
  assert.is(parseLogLevel('verbose'), 'verbose');
  assert.is(parseLogLevel('debug'), 'verbose');
  assert.is(parseLogLevel('loud'), undefined);
  assert.is(parseLogLevel('constructor'), undefined);
});

test.run();
