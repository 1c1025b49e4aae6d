import { parseAddress } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../src/log.ts';
import { createMeshInterface, type MeshInterface } from '../src/mesh/interface/mesh-interface.ts';
import { parseNameservers } from '../src/mesh/interface/nameservers.ts';
import { address6, createFakeControl, createMap, createNode, RANGE6 } from '../src/testing/fake-control.ts';
import { createFakeMachine, type FakeMachine } from '../src/testing/fake-machine.ts';

const control = createFakeControl();
const node = (number: number): ReturnType<typeof createNode> => createNode(number, new Uint8Array(32).fill(number));
const mapOf = (...numbers: number[]): ReturnType<typeof createMap> => createMap(control, numbers.map(node));

function createInterface(machine: FakeMachine, nameservers: string[] = []): MeshInterface {
  machine.linkSet('pcloud0', { up: true });
  return createMeshInterface({
    name: 'pcloud0',
    network: machine,
    nameservers: () => nameservers.map((text) => parseAddress(text)!),
    log: silentLogger,
  });
}

const own = (lines: string[]): string[] => lines.filter((line) => line.startsWith('pcloud0'));

/** A LAN of 10.0.0.0/24 behind the gateway 10.0.0.1. */
function createHomeLan(address = '10.0.0.77/24'): FakeMachine {
  const machine = createFakeMachine();
  machine.addAddress('eth0', address);
  machine.addRoute('eth0', '10.0.0.0/24');
  machine.addRoute('eth0', '0.0.0.0/0', '10.0.0.1');
  return machine;
}

test('where nothing overlaps, one route a prefix is enough', () => {
  const machine = createFakeMachine();
  machine.addAddress('eth0', '192.168.1.5/24');
  machine.addRoute('eth0', '192.168.1.0/24');
  machine.addRoute('eth0', '0.0.0.0/0', '192.168.1.1');
  const mesh = createInterface(machine);
  mesh.apply(mapOf(2, 1, 3));
  assert.equal(own(machine.addresses()), ['pcloud0 10.0.0.2/32', `pcloud0 ${address6(2)}/128`]);
  assert.equal(own(machine.routes()), ['pcloud0 10.0.0.0/16', `pcloud0 ${RANGE6}`]);
  assert.is(mesh.conflict, undefined);
});

test('a second look changes nothing', () => {
  const machine = createFakeMachine();
  const mesh = createInterface(machine);
  mesh.apply(mapOf(2, 1, 3));
  const before = machine.changes.length;
  mesh.apply(mapOf(2, 1, 3, 4));
  assert.equal(machine.changes.slice(before), []);
});

test('on a LAN with the same range the gateway stays, other nodes get a route each, and IPv6 works', () => {
  const machine = createHomeLan();
  const mesh = createInterface(machine);
  mesh.apply(mapOf(2, 1, 3));
  assert.equal(own(machine.routes()), ['pcloud0 10.0.0.3/32', `pcloud0 ${RANGE6}`]);
  assert.equal(own(machine.addresses()), ['pcloud0 10.0.0.2/32', `pcloud0 ${address6(2)}/128`]);
  assert.equal(mesh.conflict?.overlaps, ['10.0.0.0/24']);
  assert.equal(mesh.conflict?.unreachable, ['10.0.0.1']);
  assert.match(mesh.conflict!.sentence, '10.0.0.0/16 overlaps 10.0.0.0/24');
});

test('resolvers and addresses of the machine are left where they are', () => {
  const machine = createHomeLan();
  const mesh = createInterface(machine, ['10.0.0.3', '10.0.0.4']);
  mesh.apply(mapOf(2, 1, 3, 5, 77));
  assert.equal(own(machine.routes()), ['pcloud0 10.0.0.5/32', `pcloud0 ${RANGE6}`]);
  assert.equal(mesh.conflict?.unreachable, ['10.0.0.1', '10.0.0.3', '10.0.0.77']);
});

test('a node whose own address is the gateway has IPv6 alone', () => {
  const machine = createHomeLan();
  const mesh = createInterface(machine);
  mesh.apply(mapOf(1, 2, 3));
  assert.equal(own(machine.addresses()), [`pcloud0 ${address6(1)}/128`]);
  assert.equal(own(machine.routes()), [`pcloud0 ${RANGE6}`]);
  assert.equal(mesh.conflict?.unreachable, ['10.0.0.2', '10.0.0.3']);
});

test('a node whose address the machine has anyway uses that one', () => {
  const machine = createHomeLan('10.0.0.2/24');
  const mesh = createInterface(machine);
  mesh.apply(mapOf(2, 3));
  assert.equal(own(machine.addresses()), [`pcloud0 ${address6(2)}/128`]);
  assert.equal(own(machine.routes()), ['pcloud0 10.0.0.3/32', `pcloud0 ${RANGE6}`]);
});

test('a LAN that comes later takes the prefix route away, and gives it back when it goes', () => {
  const machine = createFakeMachine();
  const mesh = createInterface(machine);
  const map = mapOf(2, 1, 3);
  mesh.apply(map);
  machine.addAddress('eth0', '10.0.0.77/24');
  mesh.apply(map);
  assert.equal(own(machine.routes()), [`pcloud0 ${RANGE6}`, 'pcloud0 10.0.0.1/32', 'pcloud0 10.0.0.3/32']);
  machine.removeAddress('eth0', '10.0.0.77/24');
  mesh.apply(map);
  assert.equal(own(machine.routes()).sort(), ['pcloud0 10.0.0.0/16', `pcloud0 ${RANGE6}`]);
  assert.is(mesh.conflict, undefined);
});

test('a range that another VPN has is a conflict too, a default route is none', () => {
  const machine = createFakeMachine();
  machine.addRoute('eth0', '10.0.0.0/8');
  const mesh = createInterface(machine);
  mesh.apply(mapOf(2, 1));
  assert.equal(mesh.conflict?.overlaps, ['10.0.0.0/8']);
  const free = createFakeMachine();
  free.addRoute('eth0', '0.0.0.0/0', '192.168.1.1');
  const other = createInterface(free);
  other.apply(mapOf(2, 1));
  assert.is(other.conflict, undefined);
});

test('another address of this node replaces the one it had', () => {
  const machine = createFakeMachine();
  const mesh = createInterface(machine);
  mesh.apply(mapOf(2, 1));
  mesh.apply(mapOf(9, 1));
  assert.equal(own(machine.addresses()), ['pcloud0 10.0.0.9/32', `pcloud0 ${address6(9)}/128`]);
});

test('routes over the interface that somebody else made are left alone, those in the mesh are not', () => {
  const machine = createFakeMachine();
  const mesh = createInterface(machine);
  machine.addRoute('pcloud0', '10.42.1.0/24');
  machine.addRoute('pcloud0', '10.0.7.0/24');
  mesh.apply(mapOf(2, 1));
  assert.equal(own(machine.routes()), ['pcloud0 10.42.1.0/24', 'pcloud0 10.0.0.0/16', `pcloud0 ${RANGE6}`]);
});

test('a machine without IPv6 has its IPv4 all the same', () => {
  const machine = createFakeMachine();
  machine.refused.add(`address ${address6(2)}/128`).add(`route ${RANGE6}`);
  const mesh = createInterface(machine);
  mesh.apply(mapOf(2, 1));
  assert.equal(own(machine.routes()), ['pcloud0 10.0.0.0/16']);
});

test('resolvers are read from resolv.conf', () => {
  const text = '# nameserver 1.1.1.1\nsearch home\nnameserver 192.168.1.1\n nameserver fe80::1%eth0\nnameserver x\n';
  assert.equal(parseNameservers(text), [parseAddress('192.168.1.1'), parseAddress('fe80::1')]);
});

test.run();
