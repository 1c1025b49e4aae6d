import { decodeServerMessage, encodeMessage, type MapNode, type Presence, type ServerMessage } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLoad } from '../src/maps/load.ts';
import { createMapFeed, type MapFeed } from '../src/maps/map-feed.ts';
import type { MapListener, MapSource } from '../src/maps/map-source.ts';
import { createPresenceTable, type PresenceTable } from '../src/maps/presence.ts';
import { OPEN_RIGHTS } from '../src/maps/rights.ts';
import { createFakeTimers, type FakeTimers } from '../src/testing/fake-timers.ts';

const HASH = Buffer.alloc(32).toString('base64');
const KEY = Buffer.alloc(32, 9).toString('base64');
const NETWORK = { id: 'a'.repeat(52), prefixes: ['10.0.0.0/16'], domain: 'pcloud', relays: [] };

/** A node that only counts what it is sent. */
interface Receiver {
  readonly feed: MapFeed;
  readonly kinds: ServerMessage['kind'][];
  readonly texts: string[];
  /** Messages that came as text, by the node they tell of. */
  told(): Map<string, Presence>;
  pendingBytes: number;
  isRemoved: boolean;
}

interface Rig {
  readonly clock: FakeTimers;
  readonly presence: PresenceTable;
  readonly nodes: Map<string, MapNode>;
  add(id: string): Receiver;
  change(...ids: readonly string[]): void;
}

function faceOf(id: string): MapNode {
  return { id, name: id, user: '', tags: [], role: 'client', nodeKey: KEY, addresses: ['10.0.0.1'] };
}

/** Feeds on maps that a test changes; hashes are not looked at. */
function createRig(ids: readonly string[] = []): Rig {
  const clock = createFakeTimers();
  const nodes = new Map(ids.map((id) => [id, faceOf(id)]));
  const listeners = new Set<MapListener>();
  let revision = 1;
  const source: MapSource = {
    get revision() {
      return revision;
    },
    face: (id) => nodes.get(id),
    nodeAt: () => undefined,
    hash: () => HASH,
    whole: (id) => ({
      kind: 'map',
      epoch: 1,
      revision,
      network: NETWORK,
      self: nodes.get(id)!,
      nodes: [...nodes.values()].filter((node) => node.id !== id),
      hash: HASH,
    }),
    delta: (_id, from, changed) => ({
      epoch: 1,
      from,
      to: revision,
      changed: [...changed].map((id) => nodes.get(id)).filter((node) => node !== undefined),
      removed: [],
      hash: HASH,
    }),
    classOf: (id) => (nodes.has(id) ? 'all' : undefined),
    rights: OPEN_RIGHTS,
    isSeenByUser: () => true,
    seenByGroup: () => nodes.values(),
    ownSeenBy: () => [],
    filter: () => undefined,
    changedSince: () => undefined,
    subscribe(_id, listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {},
  };
  const load = createLoad(clock.now);
  const presence = createPresenceTable(source, clock.setTimer, load);
  return {
    clock,
    presence,
    nodes,
    add(id) {
      const take = (text: string): void => {
        receiver.texts.push(text);
        receiver.kinds.push(/^\{"kind":"([a-z]+)"/.exec(text)![1] as ServerMessage['kind']);
      };
      const receiver: Receiver = {
        kinds: [],
        texts: [],
        told() {
          const found = new Map<string, Presence>();
          for (const text of receiver.texts) {
            const message = decodeServerMessage(text);
            if (message?.kind === 'presence') for (const node of message.nodes) found.set(node.id, node);
          }
          return found;
        },
        pendingBytes: 0,
        isRemoved: false,
        feed: createMapFeed(id, {
          load,
          source,
          presence,
          epoch: 1,
          send: (message) => take(encodeMessage(message)),
          sendText: take,
          pendingBytes: () => receiver.pendingBytes,
          setTimer: clock.setTimer,
          handleRemoved: () => {
            receiver.isRemoved = true;
          },
        }),
      };
      return receiver;
    },
    change(...changed) {
      revision += 1;
      for (const id of changed) nodes.set(id, faceOf(id));
      for (const listener of [...listeners]) listener(new Set(changed), false);
    },
  };
}

/** As a node that comes back with the map there is. */
function comeBack({ presence }: Rig, id: string, receiver: Receiver): void {
  presence.setOnline(id, [`192.0.2.1:${10_000 + Number(id.slice(1))}`]);
  receiver.feed.start({ epoch: 1, revision: 1, hash: HASH });
}

test('when 2,000 nodes come back within a second each is sent a message for a tenth of it, made once for all', () => {
  const ids = Array.from({ length: 2_000 }, (_, index) => `n${index}`);
  const rig = createRig(ids);
  const receivers = ids.map((id) => rig.add(id));
  for (const [index, receiver] of receivers.entries()) {
    comeBack(rig, ids[index]!, receiver);
    rig.clock.advance(0.5);
  }
  rig.clock.advance(200);

  const messages = receivers.flatMap(({ texts, kinds }) => texts.filter((_, index) => kinds[index] === 'presence'));
  const encoded = new Set(messages);
  assert.ok(messages.length <= 2_000 * 14, `${messages.length} messages`);
  assert.ok(encoded.size <= 2 * 14, `${encoded.size} were encoded`);
  // Each node hears of each once, or twice when it was in what was there already and in what came.
  const bytes = messages.reduce((sum, text) => sum + text.length, 0);
  const entry = JSON.stringify({ id: 'n1000', online: true, endpoints: ['192.0.2.1:11000'] }).length + 1;
  assert.ok(bytes <= 1.2 * 2_000 * 2_000 * entry, `${bytes} bytes`);
  for (const index of [0, 1_000, 1_999]) assert.is(receivers[index]!.told().size, 2_000);
  assert.is(receivers[0]!.told().get('n1999')?.endpoints[0], '192.0.2.1:11999');
});

test('when 2,000 nodes come back in one moment each is sent three messages', () => {
  const ids = Array.from({ length: 2_000 }, (_, index) => `n${index}`);
  const rig = createRig(ids);
  const receivers = ids.map((id) => rig.add(id));
  for (const [index, receiver] of receivers.entries()) comeBack(rig, ids[index]!, receiver);
  rig.clock.advance(200);
  for (const receiver of [receivers[0]!, receivers[1_999]!]) {
    assert.equal(receiver.kinds, ['delta', 'presence', 'presence']);
    assert.is(receiver.told().size, 2_000);
  }
});

test('what changes in a quiet network is told at once, and what follows within 200 ms', () => {
  const rig = createRig(['n1', 'n2', 'n3']);
  const watcher = rig.add('n1');
  watcher.feed.start(undefined);
  rig.clock.advance(1_000);
  rig.presence.setOnline('n2', ['192.0.2.2:1']);
  rig.clock.advance(1);
  assert.is(watcher.told().get('n2')?.online, true);
  rig.presence.setOnline('n3', ['192.0.2.3:1']);
  rig.presence.setOnline('n3', ['192.0.2.3:2']);
  rig.clock.advance(10);
  assert.not.ok(watcher.told().has('n3'));
  rig.clock.advance(190);
  assert.equal(watcher.told().get('n3')?.endpoints, ['192.0.2.3:2']);
  assert.equal(watcher.kinds, ['map', 'presence', 'presence']);
});

test('a node hears that there is another before it hears where that is', () => {
  const rig = createRig(['n1']);
  const watcher = rig.add('n1');
  watcher.feed.start(undefined);
  rig.clock.advance(50);
  // The delta is due in a while, presence at once.
  rig.change('n2');
  rig.presence.setOnline('n2', ['192.0.2.2:1']);
  rig.clock.advance(1);
  assert.equal(watcher.kinds, ['map', 'delta', 'presence']);
});

test('a node that is slow is sent nothing, and once it is not what it missed and all of presence', () => {
  const rig = createRig(['n1', 'n2', 'n3']);
  const slow = rig.add('n1');
  slow.feed.start(undefined);
  rig.clock.advance(200);
  slow.pendingBytes = 2_000_000;
  for (let index = 0; index < 20; index++) {
    rig.change('n2');
    rig.presence.setOnline('n3', [`192.0.2.3:${1 + index}`]);
    rig.clock.advance(200);
  }
  assert.equal(slow.kinds, ['map']);
  slow.pendingBytes = 0;
  rig.clock.advance(600);
  assert.equal(slow.kinds, ['map', 'delta', 'presence']);
  assert.equal(slow.told().get('n3')?.endpoints, ['192.0.2.3:20']);
});

test('a map that takes long to get through is not sent again for what changes meanwhile', () => {
  const rig = createRig(['n1', 'n2']);
  const node = rig.add('n1');
  node.feed.start(undefined);
  node.pendingBytes = 15_000_000;
  for (let index = 0; index < 50; index++) {
    rig.change('n2');
    rig.clock.advance(200);
  }
  node.pendingBytes = 0;
  rig.clock.advance(600);
  assert.equal(node.kinds, ['map', 'delta']);
});

test('more changes than are kept for a slow node are one whole map', () => {
  const rig = createRig(['n1']);
  const slow = rig.add('n1');
  slow.feed.start(undefined);
  rig.clock.advance(200);
  slow.pendingBytes = 2_000_000;
  for (let index = 0; index < 5_000; index++) rig.change(`m${index}`);
  slow.pendingBytes = 0;
  rig.clock.advance(600);
  assert.equal(slow.kinds, ['map', 'map']);
  const last = decodeServerMessage(slow.texts.at(-1)!);
  assert.is(last?.kind === 'map' && last.nodes.length, 5_000);
});

test('nothing is sent to a node that was removed, not by a change and not by another’s presence', () => {
  const rig = createRig(['n1', 'n2']);
  const node = rig.add('n1');
  node.feed.start(undefined);
  rig.clock.advance(200);
  rig.nodes.delete('n1');
  rig.change('n2');
  rig.presence.setOnline('n2', []);
  rig.clock.advance(1_000);
  assert.ok(node.isRemoved);
  assert.equal(node.kinds, ['map']);
});

test('presence of very many nodes comes in parts', () => {
  const ids = Array.from({ length: 4_500 }, (_, index) => `n${index}`);
  const rig = createRig(ids);
  for (const id of ids) rig.presence.setOnline(id, []);
  const node = rig.add('n0');
  node.feed.start(undefined);
  assert.equal(node.kinds, ['map', 'presence', 'presence', 'presence']);
  assert.is(node.told().size, 4_500);
});

test.run();
