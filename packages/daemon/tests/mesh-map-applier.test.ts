import { formatPrefix } from '@pcloud/ip';
import type { MapNode, NetworkMap } from '@pcloud/netmap';
import { createBatch, createDevice, createNobleCrypto, type Device } from '@pcloud/wireguard';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../src/log.ts';
import { createMapApplier, type MapApplier } from '../src/mesh/peers/map-applier.ts';
import { address6, createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';

const control = createFakeControl();
const crypto = createNobleCrypto();
const keyOf = (number: number): Uint8Array => crypto.publicKey(new Uint8Array(32).fill(number));
const OWN = new Uint8Array(32).fill(200);
const self = createNode(1, crypto.publicKey(OWN));

interface Rig {
  readonly device: Device;
  readonly applier: MapApplier;
  readonly added: string[];
  apply(...nodes: MapNode[]): void;
}

function createRig(): Rig {
  const device = createDevice(
    {},
    {
      crypto,
      keys: { installKey() {}, removeKey() {} },
      batch: createBatch(),
      random: (out) => out.fill(7),
      wallMs: () => 0,
    },
  );
  device.setPrivateKey(OWN, 0);
  const added: string[] = [];
  const applier = createMapApplier({
    device,
    log: silentLogger,
    handleRekeyed: () => {},
    handleAdded: (id) => void added.push(id),
  });
  return {
    device,
    applier,
    added,
    apply: (...nodes) => applier.apply(createMap(control, [self, ...nodes]) as NetworkMap, 0),
  };
}

function peers(device: Device): Record<string, string[]> {
  return Object.fromEntries(
    Array.from(device.peers(), (peer) => [
      Buffer.from(peer.publicKey).toString('base64'),
      Array.from(peer.allowedIps(), formatPrefix).sort(),
    ]),
  );
}

test('peers that did not change are the same objects after a whole map', () => {
  const { device, applier, added, apply } = createRig();
  apply(createNode(2, keyOf(2)), createNode(3, keyOf(3)));
  const second = applier.peerOf('n2');
  apply(createNode(2, keyOf(2)), createNode(4, keyOf(4)));
  assert.is(applier.peerOf('n2'), second);
  assert.is(device.findPeer(keyOf(3)), undefined);
  assert.equal(added, ['n2', 'n3', 'n4']);
});

test('a new key of a node is its peer’s, which is otherwise the same', () => {
  const { device, applier, added, apply } = createRig();
  apply(createNode(2, keyOf(2)));
  const peer = applier.peerOf('n2');
  apply(createNode(2, keyOf(22)));
  assert.equal(peers(device), { [createNode(2, keyOf(22)).nodeKey]: ['10.0.0.2/32', `${address6(2)}/128`] });
  assert.is(applier.peerOf('n2'), peer);
  assert.equal(added, ['n2']);
  assert.is(applier.nodeIdOf(device.findPeer(keyOf(22))!), 'n2');
});

test('nodes may swap keys, and addresses, in one map', () => {
  const { device, apply } = createRig();
  const a = createNode(2, keyOf(2));
  const b = createNode(3, keyOf(3));
  apply(a, b);
  apply({ ...a, nodeKey: b.nodeKey }, { ...b, nodeKey: a.nodeKey });
  assert.equal(peers(device)[b.nodeKey], ['10.0.0.2/32', `${address6(2)}/128`]);
  apply({ ...a, nodeKey: b.nodeKey, addresses: b.addresses }, { ...b, nodeKey: a.nodeKey, addresses: a.addresses });
  assert.equal(peers(device)[b.nodeKey], ['10.0.0.3/32', `${address6(3)}/128`]);
});

test('a map cannot give a node the whole internet, an address outside of the network, or one of this node', () => {
  const { device, apply } = createRig();
  apply(createNode(2, keyOf(2), { addresses: ['10.0.0.2', '8.8.8.8', '10.0.0.1', address6(1), '0.0.0.0', '::'] }));
  assert.equal(peers(device), { [createNode(2, keyOf(2)).nodeKey]: ['10.0.0.2/32'] });
});

test('a node with the key of another, or of this one, is left out', () => {
  const { device, apply } = createRig();
  apply(createNode(2, keyOf(2)), createNode(3, keyOf(2)), createNode(4, crypto.publicKey(OWN)));
  assert.is([...device.peers()].length, 1);
});

test('clients keep their way to servers open, and servers do not', () => {
  const { device, apply } = createRig();
  apply(createNode(2, keyOf(2), { role: 'server' }), createNode(3, keyOf(3)));
  assert.is(device.findPeer(keyOf(2))!.keepaliveIntervalSeconds, 25);
  assert.is(device.findPeer(keyOf(3))!.keepaliveIntervalSeconds, 0);
});

test('after any maps the peers are the nodes of the last one', () => {
  const node = fc
    .record({
      id: fc.integer({ min: 2, max: 6 }),
      key: fc.integer({ min: 2, max: 9 }),
      address: fc.integer({ min: 2, max: 9 }),
    })
    .map(({ id, key, address }) => createNode(id, keyOf(key), { addresses: [`10.0.0.${address}`, address6(address)] }));
  const map = fc.uniqueArray(node, {
    maxLength: 5,
    comparator: (a, b) => a.id === b.id || a.nodeKey === b.nodeKey || a.addresses[0] === b.addresses[0],
  });
  fc.assert(
    fc.property(fc.array(map, { maxLength: 8 }), (maps) => {
      const { device, apply } = createRig();
      for (const nodes of maps) {
        apply(...nodes);
        const expected = nodes.map((one) => [one.nodeKey, [`${one.addresses[0]}/32`, `${one.addresses[1]}/128`]]);
        assert.equal(peers(device), Object.fromEntries(expected));
      }
    }),
    { numRuns: 60 },
  );
});

test.run();
