import { formatPrefix, parsePrefix } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressOf, CANDIDATE_NETWORKS, formatNetworkId, isMeshRange, mapFault, ulaFor } from '../src/index.ts';
import type { MapNetwork, MapNode, NetworkMap } from '../src/map.ts';

const ID = new Uint8Array(32).fill(7);
const ULA = ulaFor(ID);
const NETWORK: MapNetwork = {
  id: formatNetworkId(ID),
  prefixes: ['10.0.0.0/16', formatPrefix(ULA)],
  domain: 'pcloud',
  relays: [],
};
const SELF: MapNode = {
  id: 'n1',
  name: 'laptop',
  user: 'ada',
  tags: [],
  role: 'client',
  nodeKey: 'A'.repeat(43),
  addresses: ['10.0.0.1', addressOf(ULA, 1)],
};

function faultOf(network: Partial<MapNetwork>, self: Partial<MapNode> = {}): string | undefined {
  const map: NetworkMap = {
    epoch: 1,
    revision: 1,
    network: { ...NETWORK, ...network },
    self: { ...SELF, ...self },
    nodes: new Map(),
  };
  return mapFault(map);
}

test('a map as a coordinator of ours sends it has no fault, whatever range it chose', () => {
  assert.is(faultOf({}), undefined);
  for (const range of [...CANDIDATE_NETWORKS, '10.0.0.0/8', '192.168.7.0/24', '172.16.0.0/12', '100.64.0.0/10']) {
    const prefix = parsePrefix(range)!;
    assert.ok(isMeshRange(prefix), range);
    assert.is(faultOf({ prefixes: [range] }, { addresses: [addressOf(prefix, 1)] }), undefined, range);
  }
});

test('class 21: no range of the world outside, nor one that a network cannot have, is taken', () => {
  const bad = [
    ...['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '8.8.8.0/24', '9.0.0.0/8', '10.0.0.0/7', '172.0.0.0/8', '100.0.0.0/8'],
    ...['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255/32', '192.0.2.0/24', '10.0.0.1/32'],
    ...['::/0', '::/1', '2000::/3', 'fc00::/7', 'fd00::/8', 'fd00::/64', 'fe80::/64', 'ff00::/8', '::1/128'],
    ...['::ffff:10.0.0.0/112', '10.0.0.1/16', '10.0.0.0/016', '10.0/16', ''],
  ];
  for (const prefix of bad) {
    assert.ok(faultOf({ prefixes: [...NETWORK.prefixes, prefix] }), `beside: ${prefix}`);
    assert.ok(faultOf({ prefixes: [prefix] }, { addresses: [] }), `alone: ${prefix}`);
  }
  assert.ok(faultOf({ prefixes: ['10.0.0.0/16', '10.77.0.0/16'] }), 'two of a kind');
});

test('class 21: a device takes no address outside of the ranges, nor one that is nobody’s', () => {
  const ends = ['10.0.0.0', '10.0.255.255', '10.1.0.1', '127.0.0.1', '0.0.0.0', '192.168.1.5', '::', '::1', 'fd00::1'];
  for (const address of ends) assert.ok(faultOf({}, { addresses: [address] }), address);
  assert.ok(faultOf({}, { addresses: ['10.0.0.1', '10.0.0.2', addressOf(ULA, 1)] }), 'two of a kind');
});

test('class 21: names of the world outside are not a network’s', () => {
  for (const domain of ['com', 'example.com', 'net', 'local', 'arpa', 'in-addr.arpa', 'notpcloud', 'pcloud.com', '']) {
    assert.ok(faultOf({ domain }), domain);
  }
  for (const domain of ['pcloud', 'home.pcloud', 'internal', 'corp.internal', 'home.arpa']) {
    assert.is(faultOf({ domain }), undefined, domain);
  }
});

test.run();
