import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACK, SYN, tcp, udp } from './filter-packets.ts';
import { anyone, createRig, type FilterRig, NAS } from './filter-rig.ts';

const limits = { perNode: 100, total: 150 };

function connect(rig: FilterRig, port: number): void {
  rig.send(tcp(`10.0.0.1:${port}`, '10.0.0.2:443', SYN));
  rig.receive(tcp('10.0.0.2:443', `10.0.0.1:${port}`, SYN | ACK));
  rig.send(tcp(`10.0.0.1:${port}`, '10.0.0.2:443', ACK));
}

function flood(rig: FilterRig, address: string, peer: number, count: number): void {
  for (let port = 1; port <= count; port++) {
    assert.is(rig.receive(udp(`${address}:${port}`, '10.0.0.1:53'), peer), 'pass');
  }
}

test('a flood of new flows ends no connection and no flow that was answered', () => {
  const rig = createRig({ limits });
  rig.allow(anyone(17, 53), anyone(6, 80));
  connect(rig, 40_000);
  rig.send(udp('10.0.0.1:40000', '10.0.0.2:9'));
  rig.receive(udp('10.0.0.2:9', '10.0.0.1:40000'));
  flood(rig, '10.0.0.2', 128, 5_000);
  for (let port = 1; port <= 5_000; port++) rig.receive(tcp(`10.0.0.2:${port}`, '10.0.0.1:80', SYN));
  assert.is(rig.filter.flows, 100);
  assert.is(rig.receive(tcp('10.0.0.2:443', '10.0.0.1:40000', ACK)), 'pass');
  assert.is(rig.receive(udp('10.0.0.2:9', '10.0.0.1:40000')), 'pass');
  assert.is(rig.filter.counters['flows-evicted'], 10_002 - 100);
});

test('among connections the one that was silent for longest goes', () => {
  const rig = createRig({ limits });
  for (let port = 40_000; port < 40_101; port++) {
    connect(rig, port);
    rig.receive(tcp('10.0.0.2:443', '10.0.0.1:40000', ACK));
  }
  assert.is(rig.receive(tcp('10.0.0.2:443', '10.0.0.1:40000', ACK)), 'pass');
  assert.is(rig.receive(tcp('10.0.0.2:443', '10.0.0.1:40001', ACK)), 'policy-dropped');
});

test('one node cannot end what another has', () => {
  const rig = createRig({ limits });
  rig.allow(anyone(17, 53));
  for (let port = 1; port <= 50; port++) rig.send(udp(`10.0.0.1:${port}`, '10.0.0.3:9'), NAS);
  flood(rig, '10.0.0.2', 128, 5_000);
  for (let port = 1; port <= 50; port++) {
    assert.is(rig.receive(udp('10.0.0.3:9', `10.0.0.1:${port}`), NAS), 'pass', `port ${port}`);
  }
  // With all places taken, who has fewer still gets more.
  for (let port = 51; port <= 70; port++) rig.send(udp(`10.0.0.1:${port}`, '10.0.0.3:9'), NAS);
  for (let port = 1; port <= 70; port++) {
    assert.is(rig.receive(udp('10.0.0.3:9', `10.0.0.1:${port}`), NAS), 'pass', `port ${port}`);
  }
  assert.is(rig.filter.flows, 150);
});

test('thousands of flows are found again, and their places are used again', () => {
  const rig = createRig();
  for (let round = 0; round < 3; round++) {
    for (let port = 1; port <= 4_000; port++) rig.send(udp(`10.0.0.1:${port}`, '10.0.0.2:9'));
    for (let port = 1; port <= 4_000; port++) {
      assert.is(rig.receive(udp('10.0.0.2:9', `10.0.0.1:${port}`)), 'pass');
    }
    assert.is(rig.filter.flows, 4_000);
    rig.now += 300_001;
    assert.is(rig.receive(udp('10.0.0.2:9', '10.0.0.1:1')), 'policy-dropped');
  }
});

test.run();
