import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sentBy } from './sim/messages.ts';
import { connect, createSimNetwork, packet, type SimHost } from './sim/network.ts';

const DELAYS = [1, 40, 400, 2_000];

test('two sides that initiate in the same instant have a session within two round trips', () => {
  for (const delayMs of DELAYS) {
    const network = createSimNetwork();
    network.link.delayMs = delayMs;
    const left = network.addHost('left');
    const right = network.addHost('right');
    connect(left, right, network.now);
    left.send(packet(left, right, 1));
    right.send(packet(right, left, 2));
    network.run(4 * delayMs);
    assert.is(right.plane.delivered.length, 1, `delay ${delayMs}: to the right`);
    assert.is(left.plane.delivered.length, 1, `delay ${delayMs}: to the left`);
  }
});

test('after crossed initiations both sides settle on one session', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  left.send(packet(left, right));
  right.send(packet(right, left));
  network.run(1_000);
  for (let i = 0; i < 3; i++) {
    left.send(packet(left, right));
    right.send(packet(right, left));
    network.run(50);
  }
  network.sent.length = 0;
  // Only the initiator of the session renews it, so a single initiation shows that it is one.
  for (let second = 0; second < 125; second++) {
    left.send(packet(left, right));
    right.send(packet(right, left));
    network.run(1_000);
  }
  const initiations = [...sentBy(network, left, 'initiation'), ...sentBy(network, right, 'initiation')];
  assert.is(initiations.length, 1);
});

test('no packet is lost while initiations cross under traffic', () => {
  const network = createSimNetwork(3);
  network.link.delayMs = 30;
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  for (let i = 0; i < 100; i++) {
    left.send(packet(left, right, i));
    right.send(packet(right, left, i));
    network.run(7);
  }
  network.run(1_000);
  assert.is(right.plane.delivered.length, 100);
  assert.is(left.plane.delivered.length, 100);
});

test('crossed initiations on a bad link still end in a session', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const network = createSimNetwork(seed);
    Object.assign(network.link, { delayMs: 50, jitterMs: 100, loss: 0.3, duplicate: 0.2 });
    const left = network.addHost('left');
    const right = network.addHost('right');
    connect(left, right, network.now);
    const got = (host: SimHost): boolean => host.plane.delivered.length > 0;
    left.send(packet(left, right));
    right.send(packet(right, left));
    let tries = 0;
    while (!(got(left) && got(right))) {
      assert.ok(++tries < 60, `seed ${seed}`);
      network.run(1_000);
      left.send(packet(left, right));
      right.send(packet(right, left));
    }
  }
});

test('a link with a round trip of 8 s connects', () => {
  for (const both of [false, true]) {
    const network = createSimNetwork();
    network.link.delayMs = 4_000;
    const left = network.addHost('left');
    const right = network.addHost('right');
    connect(left, right, network.now);
    left.send(packet(left, right));
    if (both) right.send(packet(right, left));
    network.run(30_000);
    right.plane.delivered.length = 0;
    left.send(packet(left, right));
    right.send(packet(right, left));
    network.run(20_000);
    assert.is(right.plane.delivered.length, 1, `both initiate: ${both}`);
  }
});

test('a response that is 300 ms or 3 s late is taken', () => {
  for (const delayMs of [150, 1_500]) {
    const network = createSimNetwork();
    network.link.delayMs = delayMs;
    const left = network.addHost('left');
    const right = network.addHost('right');
    connect(left, right, network.now);
    left.send(packet(left, right));
    network.run(4 * delayMs);
    assert.is(right.plane.delivered.length, 1);
    assert.is(sentBy(network, left, 'initiation').length, 1);
  }
});

test.run();
