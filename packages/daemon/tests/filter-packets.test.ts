import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ACK,
  echo,
  FIN,
  type Fragment,
  icmpBytes,
  ip,
  SYN,
  tcp,
  tcpBytes,
  udp,
  udpBytes,
  unreachable,
} from './filter-packets.ts';
import { ada, anyone, createRig, NAS } from './filter-rig.ts';

const V4 = { from: '10.0.0.2', to: '10.0.0.1' };
const V6 = { from: 'fd00::2', to: 'fd00::1' };

test('the source is the sender’s own or in its routes, in both families', () => {
  const rig = createRig();
  rig.allow({ from: ['*'], protocols: [], ports: [[0, 65_535]], rule: 0 });
  for (const from of ['10.0.0.3:1', '10.0.0.1:1', '192.168.9.4:1', '[fd00::3]:1', '[::ffff:10.0.0.2]:1']) {
    assert.is(rig.receive(udp(from, from.startsWith('[') ? '[fd00::1]:53' : '10.0.0.1:53')), 'source-dropped', from);
  }
  assert.is(rig.receive(udp('10.0.0.2:1', '10.0.0.1:53')), 'pass');
  assert.is(rig.receive(udp('192.168.9.4:1', '10.0.0.1:53'), NAS), 'pass');
});

test('a route for everything lets any source through but our own', () => {
  const rig = createRig();
  rig.place(
    [{ ...ada, routes: ['0.0.0.0/0', '::/0'] }],
    [{ from: ['*'], protocols: [], ports: [[0, 65_535]], rule: 0 }],
  );
  assert.is(rig.receive(udp('198.51.100.1:1', '10.0.0.1:53')), 'pass');
  assert.is(rig.receive(udp('10.0.0.1:1', '10.0.0.1:53')), 'source-dropped');
  assert.is(rig.receive(udp('[fd00::1]:1', '[fd00::1]:53')), 'source-dropped');
});

test('the destination is our own or one that we forward for, and a rule says which', () => {
  const rig = createRig();
  rig.allow(anyone(17, 53), { ...anyone(17, 54), to: ['192.168.7.8/32'] });
  assert.is(rig.receive(udp('10.0.0.2:1', '10.0.0.1:53')), 'pass');
  assert.is(rig.receive(udp('10.0.0.2:1', '10.0.0.1:54')), 'policy-dropped');
  assert.is(rig.receive(udp('10.0.0.2:1', '192.168.7.8:54')), 'pass');
  assert.is(rig.receive(udp('10.0.0.2:1', '192.168.7.8:53')), 'policy-dropped');
  assert.is(rig.receive(udp('10.0.0.2:1', '192.168.7.9:54')), 'policy-dropped');
  for (const to of ['10.0.0.9:53', '10.0.255.255:53', '255.255.255.255:53', '224.0.0.1:53']) {
    assert.is(rig.receive(udp('10.0.0.2:1', to)), 'destination-dropped', to);
  }
});

test('what is sent has an address of ours', () => {
  const rig = createRig();
  assert.is(rig.send(udp('172.17.0.2:1', '10.0.0.2:53')), 'source-dropped');
  assert.is(rig.send(udp('192.168.7.8:1', '10.0.0.2:53')), 'pass');
});

test('a rule about users, tags and roles is about the node behind the key, not about what is behind the node', () => {
  const rig = createRig();
  const everything = { protocols: [17], ports: [[0, 65_535]] as const, rule: 0 };
  for (const [from, own, behind] of [
    ['tag:nas', 'pass', 'policy-dropped'],
    ['role:server', 'pass', 'policy-dropped'],
    ['192.168.9.0/24', 'policy-dropped', 'pass'],
    ['10.0.0.3/32', 'pass', 'policy-dropped'],
    ['fd00::3/128', 'pass', 'policy-dropped'],
    ['*', 'pass', 'pass'],
    ['user:ada', 'policy-dropped', 'policy-dropped'],
  ] as const) {
    rig.allow({ ...everything, from: [from] });
    assert.is(rig.receive(udp('10.0.0.3:1', '10.0.0.1:53'), NAS), own, from);
    assert.is(rig.receive(udp('192.168.9.4:1', '10.0.0.1:53'), NAS), behind, from);
    rig.allow();
    rig.now += 600_000;
  }
});

test('lengths that are wrong and flags that no connection has are refused', () => {
  const rig = createRig();
  rig.allow({ from: ['*'], protocols: [], ports: [[0, 65_535]], rule: 0 });
  const whole = udp('10.0.0.2:1', '10.0.0.1:53');
  for (let length = 0; length < whole.length; length++) {
    assert.is(rig.receive(whole.slice(0, length)), 'malformed-dropped', `${length} bytes`);
  }
  const longer = whole.slice();
  longer[25] = 200;
  assert.is(rig.receive(longer), 'malformed-dropped');
  for (const flags of [0, FIN, SYN | FIN, SYN | 4, 0x20]) {
    assert.is(rig.receive(tcp('10.0.0.2:1', '10.0.0.1:53', flags)), 'malformed-dropped', `flags ${flags}`);
  }
  assert.is(rig.receive(ip({ ...V4, protocol: 58, payload: icmpBytes(128, 1) })), 'malformed-dropped');
  assert.is(rig.receive(ip({ ...V6, protocol: 1, payload: icmpBytes(8, 1) })), 'malformed-dropped');
});

test('IPv6 extension headers are walked over, eight at most, and those that are not known are refused', () => {
  const rig = createRig();
  rig.allow(anyone(17, 53));
  const options = [60, [0, 0, 0, 0, 0, 0, 0]] as const;
  const hop = [0, [0, 0, 0, 0, 0, 0, 0]] as const;
  const send = (...headers: (readonly [number, readonly number[]])[]): string =>
    rig.receive(ip({ ...V6, protocol: 17, payload: udpBytes(1, 53), headers }));
  assert.is(send(), 'pass');
  assert.is(send(hop, options), 'pass');
  assert.is(send(...new Array(8).fill(options)), 'pass');
  assert.is(send(...new Array(9).fill(options)), 'extension-header-dropped');
  assert.is(send(options, hop), 'extension-header-dropped');
  for (const header of [43, 135, 139, 140, 253, 254]) {
    assert.is(send([header, [0, 0, 0, 0, 0, 0, 0]]), 'extension-header-dropped', `header ${header}`);
  }
  assert.is(send([60, [200, 0, 0, 0, 0, 0, 0]]), 'malformed-dropped');
  // Authentication hides nothing, and is a protocol like any other.
  assert.is(send([51, [4, 0, 0, 0, 0, 0, 0]]), 'policy-dropped');
});

test('a source route in IPv4 is refused, other options are not', () => {
  const rig = createRig();
  rig.allow(anyone(17, 53));
  const send = (options: number[]): string =>
    rig.receive(ip({ ...V4, protocol: 17, payload: udpBytes(1, 53), options }));
  assert.is(send([148, 4, 0, 0]), 'pass');
  assert.is(send([1, 1, 1, 0]), 'pass');
  for (const bad of [
    [131, 4, 4, 0],
    [137, 4, 4, 0],
    [1, 131, 3, 4],
    [7, 0, 0, 0],
    [7, 5, 0, 0],
    [1, 1, 1, 7],
  ]) {
    assert.is(send(bad), 'extension-header-dropped', bad.join());
  }
});

test('an ICMP error is let in to a flow, and to nothing else', () => {
  for (const [us, them, other] of [
    ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    ['fd00::1', 'fd00::2', 'fd00::3'],
  ] as const) {
    const rig = createRig();
    const end = (address: string, port: number): string =>
      us.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    const asked = udp(end(us, 4000), end(them, 53));
    assert.is(rig.receive(unreachable(them, us, asked)), 'icmp-dropped');
    rig.send(asked);
    assert.is(rig.receive(unreachable(them, us, asked)), 'pass');
    assert.is(rig.receive(unreachable(other, us, asked), NAS), 'icmp-dropped');
    assert.is(rig.receive(unreachable(them, us, udp(end(us, 4001), end(them, 53)))), 'icmp-dropped');
    assert.is(rig.receive(unreachable(them, us, udp(end(other, 4000), end(them, 53)))), 'icmp-dropped');
    assert.is(rig.receive(unreachable(them, us, unreachable(us, them, asked))), 'icmp-dropped');
    const ping = echo(us, them, 5);
    rig.send(ping);
    assert.is(rig.receive(unreachable(them, us, ping)), 'pass');
    assert.is(rig.receive(unreachable(them, us, echo(us, them, 6))), 'icmp-dropped');
  }
});

test('an ICMP error that is not addressed to who sent the packet is refused', () => {
  const rig = createRig();
  const asked = udp('10.0.0.1:4000', '10.0.0.2:53');
  rig.send(asked);
  assert.is(rig.receive(unreachable('10.0.0.2', '192.168.7.5', asked)), 'icmp-dropped');
});

test('an error about a flow that was ended is refused', () => {
  const rig = createRig();
  rig.allow(anyone(17, 53));
  rig.receive(udp('10.0.0.2:4000', '10.0.0.1:53'));
  const answer = udp('10.0.0.1:53', '10.0.0.2:4000');
  assert.is(rig.receive(unreachable('10.0.0.2', '10.0.0.1', answer)), 'pass');
  rig.allow();
  assert.is(rig.receive(unreachable('10.0.0.2', '10.0.0.1', answer)), 'icmp-dropped');
});

test('redirects and other ICMP messages are refused whatever the rules say', () => {
  const rig = createRig();
  rig.allow(anyone(1), anyone(58));
  for (const type of [4, 5, 9, 10, 13, 17]) {
    assert.is(rig.receive(ip({ ...V4, protocol: 1, payload: icmpBytes(type, 1) })), 'icmp-dropped', `type ${type}`);
  }
  for (const type of [5, 130, 133, 134, 135, 136, 137]) {
    assert.is(rig.receive(ip({ ...V6, protocol: 58, payload: icmpBytes(type, 1) })), 'icmp-dropped', `type ${type}`);
  }
});

const part = (fragment: Fragment, bytes: Uint8Array, ends = V4): Uint8Array =>
  ip({ ...ends, protocol: 17, payload: bytes, fragment });

test('fragments follow the first, by identification and addresses, for half a minute', () => {
  for (const ends of [V4, V6]) {
    const rig = createRig();
    rig.allow(anyone(17, 53));
    const datagram = udpBytes(1, 53, 56);
    const first = part({ id: 5, start: 0, more: true }, datagram.slice(0, 32), ends);
    const last = part({ id: 5, start: 32, more: false }, datagram.slice(32), ends);
    assert.is(rig.receive(last), 'fragment-dropped');
    assert.is(rig.receive(first), 'pass');
    assert.is(rig.receive(part({ id: 6, start: 32, more: false }, datagram.slice(32), ends)), 'fragment-dropped');
    assert.is(rig.receive(last), 'pass');
    assert.is(rig.receive(last), 'fragment-dropped', 'the packet is whole');
    assert.is(rig.receive(first), 'pass', 'the identification comes again');
    rig.now += 29_998;
    assert.is(rig.receive(part({ id: 5, start: 32, more: true }, datagram.slice(32, 40), ends)), 'pass');
    rig.now += 1;
    assert.is(rig.receive(last), 'fragment-dropped');
  }
});

test('the first fragment decides for the rest', () => {
  const rig = createRig();
  rig.allow(anyone(17, 53));
  const datagram = udpBytes(1, 54, 56);
  assert.is(rig.receive(part({ id: 5, start: 0, more: true }, datagram.slice(0, 32))), 'policy-dropped');
  assert.is(rig.receive(part({ id: 5, start: 32, more: false }, datagram.slice(32))), 'fragment-dropped');
});

test('a fragment that reaches into the first, or a second first one, ends the packet', () => {
  for (const [start, port] of [
    [24, 53],
    [8, 53],
    [0, 53],
    [0, 54],
  ] as const) {
    const rig = createRig();
    rig.allow(anyone(17, 53));
    const datagram = udpBytes(1, port, 56);
    rig.receive(part({ id: 5, start: 0, more: true }, udpBytes(1, 53, 56).slice(0, 32)));
    const bytes = datagram.slice(start, start + 32);
    assert.is(rig.receive(part({ id: 5, start, more: true }, bytes)), 'fragment-dropped', `at ${start}`);
    assert.is(rig.receive(part({ id: 5, start: 32, more: false }, datagram.slice(32))), 'fragment-dropped');
  }
});

test('first fragments without a whole transport header are refused, and fragments of impossible sizes', () => {
  const rig = createRig();
  rig.allow({ from: ['*'], protocols: [], ports: [[0, 65_535]], rule: 0 });
  const header = tcpBytes(1, 80, SYN);
  const tiny = { id: 1, start: 0, more: true };
  for (const ends of [V4, V6]) {
    assert.is(
      rig.receive(ip({ ...ends, protocol: 6, payload: header.slice(0, 16), fragment: tiny })),
      'fragment-dropped',
    );
    const options = header.slice();
    options[12] = 0x80;
    assert.is(
      rig.receive(ip({ ...ends, protocol: 6, payload: Uint8Array.of(...options, 0, 0, 0, 0), fragment: tiny })),
      'fragment-dropped',
    );
    rig.receive(part({ id: 2, start: 0, more: true }, udpBytes(1, 53), ends));
    assert.is(rig.receive(part({ id: 2, start: 16, more: true }, new Uint8Array(9), ends)), 'fragment-dropped');
    assert.is(rig.receive(part({ id: 2, start: 65_528, more: false }, new Uint8Array(8), ends)), 'fragment-dropped');
    assert.is(rig.receive(part({ id: 2, start: 16, more: false }, new Uint8Array(0), ends)), 'fragment-dropped');
  }
});

test('fragmented packets of one node are bounded, and those of another are untouched', () => {
  const rig = createRig();
  rig.allow(anyone(17, 53));
  const first = udpBytes(1, 53, 56).slice(0, 32);
  const other = { from: '10.0.0.3', to: '10.0.0.1' };
  rig.receive(part({ id: 1, start: 0, more: true }, first, other), NAS);
  for (let id = 1; id <= 33; id++) rig.receive(part({ id, start: 0, more: true }, first));
  const last = (id: number, ends = V4): Uint8Array => part({ id, start: 32, more: false }, new Uint8Array(32), ends);
  assert.is(rig.receive(last(1)), 'fragment-dropped');
  assert.is(rig.receive(last(2)), 'pass');
  assert.is(rig.receive(last(33)), 'pass');
  assert.is(rig.receive(last(1, other), NAS), 'pass');
});

test('a super-packet is one packet, and is counted as one', () => {
  const rig = createRig();
  rig.send(tcp('10.0.0.1:4000', '10.0.0.2:80', SYN));
  rig.send(tcp('10.0.0.1:4000', '10.0.0.2:80', ACK, 65_000));
  assert.is(rig.filter.counters['flows-opened'], 1);
  assert.is(rig.receive(tcp('10.0.0.2:80', '10.0.0.1:4001', ACK, 65_000)), 'policy-dropped');
  assert.is(rig.filter.counters['policy-dropped'], 1);
});

test('a packet of nobody is refused', () => {
  const rig = createRig();
  rig.place([ada], []);
  assert.is(rig.receive(udp('10.0.0.3:1', '10.0.0.1:53'), NAS), 'unknown-peer-dropped');
  assert.is(rig.send(udp('10.0.0.1:1', '10.0.0.3:53'), NAS), 'unknown-peer-dropped');
});

test.run();
