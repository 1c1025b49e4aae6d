import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AuditEvent, createAudit } from '../src/audit.ts';
import { startAuditSweep } from '../src/audit-sweep.ts';
import { silentLogger } from '../src/log.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { createSeededRandom, WALL_MS } from '../src/testing/accounts-rig.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';

const DAY_MS = 86_400_000;

function createRig(kept?: { ms: number; entries: number }) {
  let nowMs = WALL_MS;
  const store = createMemoryStore();
  const audit = createAudit({ store, now: () => nowMs, random: createSeededRandom(3) }, kept);
  const event = (action: string): AuditEvent => ({ actor: { kind: 'root' }, action });
  const actions = async (...args: Parameters<typeof audit.list>): Promise<string[]> =>
    (await audit.list(...args)).map(({ action }) => action);
  return {
    store,
    audit,
    actions,
    note: (action: string) => audit.append(event(action)),
    advance(ms: number): void {
      nowMs += ms;
    },
  };
}

test('the newest come first, and a list goes on before an entry', async () => {
  const { audit, actions, note, advance } = createRig();
  for (const action of ['a', 'b', 'c', 'd']) {
    await note(action);
    advance(action === 'b' ? 1_000 : 0);
  }
  assert.equal(await actions(2), ['d', 'c']);
  const before = (await audit.list(2)).at(-1)!.id;
  assert.equal(await actions(10, { before }), ['b', 'a']);
  assert.equal(await actions(10, { sinceMs: WALL_MS + 1_000 }), ['d', 'c']);
});

test('entries of a clock that was set back take the place of none', async () => {
  const { actions, note, advance } = createRig();
  for (let turn = 0; turn < 50; turn++) {
    await note(`${turn}`);
    advance(turn % 2 === 0 ? 1 : -1);
  }
  assert.is((await actions(100)).length, 50);
});

test('an entry says from where: an address, or root on the server', async () => {
  const { audit, note } = createRig();
  await note('a');
  const user = { kind: 'user', userId: 'u', role: 'admin', via: 'node', nodeId: 'n', source: '192.0.2.7' } as const;
  await audit.append({ actor: user, action: 'b' });
  await audit.append({ actor: 'nobody', action: 'c', source: '192.0.2.8' });
  const found = await audit.list(3);
  assert.equal(
    found.map(({ actor, source }) => [actor, source]),
    [
      ['nobody', '192.0.2.8'],
      ['user:u node:n', '192.0.2.7'],
      ['root', 'local'],
    ],
  );
});

test('what is older than the retention is taken away, and nothing else', async () => {
  const { audit, actions, note, advance } = createRig();
  for (let day = 0; day < 450; day++) {
    await note(`${day}`);
    advance(DAY_MS);
  }
  assert.equal(await audit.prune(), { old: 51, excess: 0 });
  const rest = await actions(1_000);
  assert.equal([rest.length, rest[0], rest.at(-1)], [399, '449', '51']);
  assert.equal(await audit.prune(), { old: 0, excess: 0 });
});

test('of more than there is room for the oldest go', async () => {
  for (const entries of [250, 2_000]) {
    const { audit, actions, note } = createRig({ ms: DAY_MS, entries });
    for (let index = 0; index < entries + 130; index++) await note(`${index}`);
    assert.equal(await audit.prune(), { old: 0, excess: 130 });
    assert.is((await actions(1)).at(0), `${entries + 129}`);
    assert.equal(await audit.prune(), { old: 0, excess: 0 });
  }
});

test('the log is cut some time after the start, and each day from then on', async () => {
  const timers = createFakeTimers();
  let times = 0;
  const audit = {
    async prune() {
      times += 1;
      return { old: 0, excess: 0 };
    },
  };
  const sweep = startAuditSweep({ audit, log: silentLogger, setTimer: timers.setTimer });
  timers.advance(DAY_MS - 1);
  assert.is(times, 1);
  timers.advance(DAY_MS);
  assert.is(times, 2);
  sweep.stop();
  timers.advance(3 * DAY_MS);
  assert.is(times, 2);
});

test.run();
