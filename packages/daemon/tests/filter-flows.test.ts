import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACK, echo, FIN, ip, RST, SYN, tcp, udp } from './filter-packets.ts';
import { ADA, ada, anyone, createRig, NAS, nas } from './filter-rig.ts';

const CLIENT = '10.0.0.1:40000';
const SERVICE = '10.0.0.2:443';
const VISITOR = '10.0.0.2:50000';
const OURS = '10.0.0.1:22';

test('without rules nothing comes in, and answers to what was sent do', () => {
  const rig = createRig();
  assert.is(rig.receive(udp('10.0.0.2:53', '10.0.0.1:40000')), 'policy-dropped');
  assert.is(rig.send(udp('10.0.0.1:40000', '10.0.0.2:53')), 'pass');
  assert.is(rig.receive(udp('10.0.0.2:53', '10.0.0.1:40000')), 'pass');
  assert.is(rig.receive(udp('10.0.0.2:54', '10.0.0.1:40000')), 'policy-dropped');
  assert.is(rig.receive(udp('10.0.0.2:53', '10.0.0.1:40001')), 'policy-dropped');
  assert.is(rig.filter.counters['policy-dropped'], 3);
});

test('a connection that was opened here comes in, and a new one over its ports does not', () => {
  const rig = createRig();
  rig.send(tcp(CLIENT, SERVICE, SYN));
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN)), 'policy-dropped');
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN | ACK)), 'pass');
  rig.send(tcp(CLIENT, SERVICE, ACK));
  assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK, 9)), 'pass');
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN)), 'policy-dropped');
});

test('an answer of our own opens nothing', () => {
  const rig = createRig();
  assert.is(rig.send(tcp(OURS, VISITOR, SYN | ACK)), 'pass');
  assert.is(rig.receive(tcp(VISITOR, OURS, ACK)), 'policy-dropped');
  assert.is(rig.send(tcp(OURS, VISITOR, RST | ACK)), 'pass');
  assert.is(rig.receive(tcp(VISITOR, OURS, ACK)), 'policy-dropped');
  assert.is(rig.send(tcp(OURS, VISITOR, ACK)), 'pass');
  assert.is(rig.receive(tcp(VISITOR, OURS, ACK)), 'policy-dropped');
});

test('an open connection is remembered for five days of silence, a half-open one for four minutes', () => {
  const rig = createRig();
  rig.send(tcp(CLIENT, SERVICE, SYN));
  rig.now += 239_998;
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN | ACK)), 'pass');
  rig.now += 240_000;
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN | ACK)), 'policy-dropped');
  rig.send(tcp(CLIENT, SERVICE, SYN));
  rig.receive(tcp(SERVICE, CLIENT, SYN | ACK));
  rig.send(tcp(CLIENT, SERVICE, ACK));
  rig.now += 432_000_000 - 2;
  assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK)), 'pass');
  rig.now += 432_000_000;
  assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK)), 'policy-dropped');
});

test('a connection is forgotten soon after its end: reset in seconds, finished in minutes', () => {
  for (const [flags, ms] of [
    [RST, 10_000],
    [FIN | ACK, 240_000],
  ] as const) {
    const rig = createRig();
    rig.send(tcp(CLIENT, SERVICE, SYN));
    rig.receive(tcp(SERVICE, CLIENT, SYN | ACK));
    rig.send(tcp(CLIENT, SERVICE, ACK));
    assert.is(rig.receive(tcp(SERVICE, CLIENT, flags)), 'pass');
    rig.now += ms - 2;
    assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK)), 'pass');
    rig.now += ms;
    assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK)), 'policy-dropped');
  }
});

test('both ends may ask for echoes with one identifier, and answers come to who asked', () => {
  const rig = createRig();
  assert.is(rig.receive(echo('10.0.0.2', '10.0.0.1', 7, true)), 'icmp-dropped');
  rig.send(echo('10.0.0.1', '10.0.0.2', 7));
  assert.is(rig.receive(echo('10.0.0.2', '10.0.0.1', 7, true)), 'pass');
  assert.is(rig.receive(echo('10.0.0.2', '10.0.0.1', 7)), 'policy-dropped');
  rig.allow(anyone(1));
  assert.is(rig.receive(echo('10.0.0.2', '10.0.0.1', 7)), 'pass');
  assert.is(rig.send(echo('10.0.0.1', '10.0.0.2', 7, true)), 'pass');
});

test('other protocols are flows of addresses; packets in packets are let in by a rule alone', () => {
  const rig = createRig();
  const payload = new Uint8Array(28);
  for (const protocol of [50, 4, 41, 47]) {
    const [out, back] = [
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.2', '10.0.0.1'],
    ].map(([from, to]) => ip({ from: from!, to: to!, protocol, payload }));
    assert.is(rig.send(out!), 'pass');
    assert.is(rig.receive(back!), protocol === 50 ? 'pass' : 'policy-dropped', `protocol ${protocol}`);
    rig.allow(anyone(protocol));
    assert.is(rig.receive(back!), 'pass');
    rig.allow();
  }
});

test('after a start, connections of before go on, wherever the first packet comes from', () => {
  const rig = createRig({ isFresh: true });
  // The device only receives: what it answers takes the connection up.
  assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK, 99)), 'pass');
  assert.is(rig.filter.flows, 0);
  assert.is(rig.send(tcp(CLIENT, SERVICE, ACK)), 'pass');
  assert.is(rig.filter.flows, 1);
  assert.is(rig.receive(tcp(VISITOR, OURS, ACK)), 'policy-dropped');
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN)), 'policy-dropped');
  rig.now = 200_000;
  assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK, 99)), 'pass');
  rig.send(tcp(CLIENT, SERVICE, ACK));
  rig.now = 400_000;
  assert.is(rig.receive(tcp(SERVICE, CLIENT, ACK, 99)), 'pass');
  assert.is(rig.receive(tcp('10.0.0.2:444', CLIENT, ACK, 99)), 'policy-dropped');
});

test('rules that change end what they no longer let in, in both directions, and nothing else', () => {
  const rig = createRig();
  rig.allow(anyone(6, 22), anyone(17, 53));
  for (const [address, peer] of [
    ['10.0.0.2', ADA],
    ['10.0.0.3', NAS],
  ] as const) {
    rig.receive(tcp(`${address}:50000`, OURS, SYN), peer);
    rig.send(tcp(OURS, `${address}:50000`, SYN | ACK), peer);
    rig.receive(tcp(`${address}:50000`, OURS, ACK), peer);
  }
  rig.receive(udp(VISITOR, '10.0.0.1:53'));
  rig.send(tcp(CLIENT, SERVICE, SYN));
  const next = [{ ...anyone(6, 22), from: ['tag:nas'] as const }, anyone(17, 53)];
  assert.equal(rig.allow(...next), ['n-ada']);
  assert.is(rig.filter.counters['flows-cut'], 1);
  assert.is(rig.receive(tcp(VISITOR, OURS, ACK)), 'policy-dropped');
  assert.is(rig.send(tcp(OURS, VISITOR, ACK, 100)), 'cut-dropped');
  assert.is(rig.receive(tcp('10.0.0.3:50000', OURS, ACK), NAS), 'pass');
  assert.is(rig.receive(udp(VISITOR, '10.0.0.1:53')), 'pass');
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN | ACK)), 'pass');
  assert.equal(rig.allow(...next), []);
});

test('a flow that was ended is not taken up by what is still sent, until it has been silent', () => {
  const rig = createRig();
  rig.allow(anyone(17, 9000));
  rig.receive(udp(VISITOR, '10.0.0.1:9000'));
  rig.allow();
  for (let i = 0; i < 10; i++) {
    rig.now += 100_000;
    assert.is(rig.send(udp('10.0.0.1:9000', VISITOR)), 'cut-dropped');
    assert.is(rig.receive(udp(VISITOR, '10.0.0.1:9000')), 'policy-dropped');
  }
  rig.now += 300_000;
  assert.is(rig.send(udp('10.0.0.1:9000', VISITOR)), 'pass');
});

test('rules that let a flow in again take it up', () => {
  const rig = createRig();
  rig.allow(anyone(6, 22));
  rig.receive(tcp(VISITOR, OURS, SYN));
  rig.allow();
  assert.is(rig.send(tcp(OURS, VISITOR, SYN | ACK)), 'cut-dropped');
  rig.allow(anyone(6, 22));
  assert.is(rig.send(tcp(OURS, VISITOR, SYN | ACK)), 'pass');
  assert.is(rig.receive(tcp(VISITOR, OURS, ACK)), 'pass');
});

test('a node that is gone takes its flows along, and one with a new key keeps them', () => {
  const rig = createRig();
  rig.send(tcp(CLIENT, SERVICE, SYN));
  rig.send(udp('10.0.0.1:40000', '10.0.0.3:53'), NAS);
  assert.equal(rig.place([nas, ada], []), []);
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN | ACK), ADA), 'source-dropped');
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN | ACK), NAS), 'pass');
  assert.equal(rig.place([nas], []), ['n-ada']);
  assert.is(rig.receive(tcp(SERVICE, CLIENT, SYN | ACK), NAS), 'unknown-peer-dropped');
  assert.is(rig.filter.flows, 1);
  const moved = { ...nas, addresses: ['10.0.0.9'] };
  assert.equal(rig.place([moved], []), ['n-nas']);
  assert.is(rig.filter.flows, 0);
});

test.run();
