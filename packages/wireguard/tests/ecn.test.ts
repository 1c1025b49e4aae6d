import { internetChecksum, parsePrefix } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ipPacket } from './sim/packets.ts';
import { createPair, forge, receive } from './sim/session.ts';

const [NOT_ECT, ECT_1, ECT_0, CE] = [0, 1, 2, 3] as const;
const DROP = -1;

/** RFC 6040 section 4.2, figure 4: by inner, then by outer field in the order Not-ECT, ECT(0), ECT(1), CE. */
const OUTER = [NOT_ECT, ECT_0, ECT_1, CE];
const FIGURE_4 = [
  [NOT_ECT, [NOT_ECT, NOT_ECT, NOT_ECT, DROP]],
  [ECT_0, [ECT_0, ECT_0, ECT_1, CE]],
  [ECT_1, [ECT_1, ECT_1, ECT_1, CE]],
  [CE, [CE, CE, CE, CE]],
] as const;

const VERSIONS = [
  { source: '10.0.0.1', destination: '10.0.0.2' },
  { source: 'fd00::1', destination: 'fd00::2' },
];

for (const [inner, row] of FIGURE_4) {
  for (const [column, expected] of row.entries()) {
    const outer = OUTER[column]!;
    test(`inner ECN ${inner} under outer ECN ${outer} ${expected === DROP ? 'is dropped' : `leaves as ${expected}`}`, () => {
      const { left, right, leftPeer, rightPeer } = createPair();
      rightPeer.addAllowedIp(parsePrefix('fd00::1/128')!.address, 128);
      for (const addresses of VERSIONS) {
        for (const dscp of [0, 0x2e, 0x3f]) {
          right.plane.delivered.length = 0;
          const sent = ipPacket({ ...addresses, tos: (dscp << 2) | inner });
          receive(right, { datagram: forge(left, leftPeer, sent), tos: 0xb8 | outer });
          const leaves = expected === DROP ? [] : [ipPacket({ ...addresses, tos: (dscp << 2) | expected })];
          assert.equal(right.plane.delivered, leaves);
          for (const each of right.plane.delivered.filter((bytes) => bytes[0]! >> 4 === 4)) {
            assert.is(internetChecksum(each, 0, 20), 0);
          }
        }
      }
      assert.is(right.device.counters['ecn-dropped'], expected === DROP ? 6 : 0);
    });
  }
}

test.run();
