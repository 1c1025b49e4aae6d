import type { FilterRule, FilterSelector } from '@pcloud/netmap';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createPacketFilter, type FilterNode, type FilterSelf, type FilterSlot } from '../src/filter/index.ts';
import { ACK, FIN, type IpFields, icmpBytes, ip, RST, SYN, tcpBytes, udpBytes } from './filter-packets.ts';
import { createTwin } from './filter-twin.ts';

/** Where packets start in the bytes they lie in, and what is around them. */
const AT = 64;

const OWN = ['10.0.0.1', 'fd00::1'];
const BEHIND_US = ['192.168.7.0/24', 'fd00:7::/64'];
const LOCALS = [
  ['10.0.0.1', '192.168.7.9', '10.0.0.200'],
  ['fd00::1', 'fd00:7::9', 'fd00::200'],
] as const;
const REMOTES = [
  ['10.0.0.2', '10.0.0.3', '192.168.9.5'],
  ['fd00::2', 'fd00::3', 'fd00:9::5'],
] as const;
/** Ports of services and of clients. */
const PORTS = [22, 53, 80, 40_000, 40_001];

const ada: FilterNode = { id: 'a', user: 'ada', tags: [], role: 'client', addresses: ['10.0.0.2', 'fd00::2'] };
const nas: FilterNode = {
  ...{ id: 'n', user: '', tags: ['nas'], role: 'server', addresses: ['10.0.0.3', 'fd00::3'] },
  routes: ['192.168.9.0/24', 'fd00:9::/64'],
};

const SELECTORS: readonly FilterSelector[] = [
  ...(['*', 'user:ada', 'user:*', 'user:no', 'tag:nas', 'tag:*', 'node:a', 'role:server', 'unclaimed'] as const),
  ...(['10.0.0.3/32', '192.168.9.0/24', 'fd00::/64'] as const),
];
const SETS_OF_PORTS: readonly FilterRule['ports'][] = [
  [[0, 65_535]],
  [[22, 22]],
  [
    [50, 60],
    [80, 80],
  ],
  [[1, 39_999]],
  [],
];

const rule: fc.Arbitrary<FilterRule> = fc
  .record({
    from: fc.subarray([...SELECTORS], { minLength: 1, maxLength: 2 }),
    to: fc.option(fc.subarray([...BEHIND_US, '192.168.7.9/32'], { minLength: 1 }), { nil: undefined }),
    protocols: fc.constantFrom<readonly number[]>([], [], [6], [17], [1], [58, 41], [47, 4, 132]),
    ports: fc.constantFrom(...SETS_OF_PORTS),
    rule: fc.nat(9),
  })
  .map(({ to, ...rest }) => (to ? { ...rest, to } : rest));

/** Lets everybody in. */
const OPEN: FilterRule = { from: ['*'], protocols: [], ports: [[0, 65_535]], rule: 0 };

type Act =
  | { kind: 'rules'; rules: readonly FilterRule[]; peers: FilterSlot[]; self: FilterSelf }
  | { kind: 'wait'; ms: number }
  | { kind: 'packet'; inbound: boolean; peer: number; bytes: Uint8Array };

const rules: fc.Arbitrary<Act> = fc
  .record({
    rules: fc.oneof(fc.constant([OPEN]), fc.array(rule, { maxLength: 3 })),
    shape: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ rules, shape }) => {
    const first = shape === 1 ? { ...ada, user: 'bob' } : shape === 2 ? { ...ada, addresses: ['10.0.0.2'] } : ada;
    const second = shape === 3 ? { ...nas, tags: [] } : shape === 7 ? { ...nas, routes: ['0.0.0.0/0', '::/0'] } : nas;
    const peers = [
      { peer: 128, node: first },
      // Its key was changed, so that it is behind another peer.
      { peer: shape === 4 ? 130 : 129, node: second },
    ];
    const self = { addresses: OWN, forwards: shape === 6 ? [] : BEHIND_US };
    return { kind: 'rules', rules, peers: shape === 5 ? peers.slice(0, 1) : peers, self };
  });

const flags = fc.constantFrom(SYN, SYN | ACK, ACK, ACK, ACK, ACK | FIN, RST, RST | ACK, SYN | FIN, 0);

/** What a packet carries, given who asks whom. */
const body = (
  isV6: boolean,
  sourcePort: number,
  destinationPort: number,
): fc.Arbitrary<Pick<IpFields, 'protocol' | 'payload'>> => {
  const icmp = isV6 ? 58 : 1;
  const types = isV6 ? [128, 128, 129, 133, 1] : [8, 8, 0, 13, 3];
  return fc.oneof(
    {
      weight: 6,
      arbitrary: flags.map((set) => ({ protocol: 6, payload: tcpBytes(sourcePort, destinationPort, set, 4) })),
    },
    { weight: 4, arbitrary: fc.constant({ protocol: 17, payload: udpBytes(sourcePort, destinationPort, 8) }) },
    { weight: 1, arbitrary: fc.constant({ protocol: 132, payload: tcpBytes(sourcePort, destinationPort, 0) }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...types).map((type) => ({ protocol: icmp, payload: icmpBytes(type, 5) })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(4, 41, 47, 50, 59).map((protocol) => ({ protocol, payload: new Uint8Array(24) })),
    },
  );
};

interface Case {
  inbound: boolean;
  isV6: boolean;
  local: number;
  remote: number;
  peer: number;
  localPort: number;
  remotePort: number;
}

/** Few ends, so that packets meet flows of before. */
const ends: fc.Arbitrary<Case> = fc.record({
  inbound: fc.boolean(),
  isV6: fc.boolean(),
  local: fc.constantFrom(0, 0, 0, 1, 2),
  remote: fc.constantFrom(0, 0, 1, 1, 2),
  peer: fc.constantFrom(0, 0, 0, 0, 0, 1),
  localPort: fc.constantFrom(...PORTS),
  remotePort: fc.constantFrom(...PORTS),
});

const fragment = fc.record({ id: fc.nat(2), start: fc.constantFrom(0, 0, 8, 24, 32, 65_528), more: fc.boolean() });
const headers = fc.array(
  fc.constantFrom<readonly [number, readonly number[]]>(
    [60, [0, 0, 0, 0, 0, 0, 0]],
    [60, [1, ...new Array(14).fill(0)]],
    [0, [0, 0, 0, 0, 0, 0, 0]],
    [43, [0, 0, 1, 0, 0, 0, 0]],
    [44, [0, 0, 0, 0, 0, 0, 9]],
  ),
  { maxLength: 9 },
);
const options = fc.constantFrom([1, 1, 1, 0], [131, 3, 4, 0], [7, 4, 0, 0], [7, 9, 0, 0], [148, 4, 0, 0]);

const PEERS = [128, 129, 129];

const rarely = <T>(arbitrary: fc.Arbitrary<T>, once: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: once - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const packetOf = ({ inbound, isV6, local, remote, peer, localPort, remotePort }: Case): fc.Arbitrary<Act> => {
  const family = isV6 ? 1 : 0;
  const [here, there] = [LOCALS[family][local]!, REMOTES[family][remote]!];
  const [from, to] = inbound ? [there, here] : [here, there];
  const [sourcePort, destinationPort] = inbound ? [remotePort, localPort] : [localPort, remotePort];
  const about = body(isV6, destinationPort, sourcePort).map((fields) => ip({ from: to, to: from, ...fields }));
  const errors = about.map((quoted) => ({
    protocol: isV6 ? 58 : 1,
    payload: icmpBytes(isV6 ? 2 : 11, 0, quoted),
  }));
  const plain = body(isV6, sourcePort, destinationPort);
  return fc
    .record({
      fields: fc.oneof({ weight: 12, arbitrary: plain }, { weight: 2, arbitrary: errors }),
      fragment: rarely(fragment, 6),
      headers: rarely(headers, 12),
      options: rarely(options, 20),
    })
    .map(({ fields, ...extra }): Act => {
      const given = Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== undefined));
      const number = peer === 1 ? 128 + ((PEERS[remote]! + 1) % 3) : PEERS[remote]!;
      return { kind: 'packet', inbound, peer: number, bytes: ip({ from, to, ...fields, ...given }) };
    });
};

const packet = ends.chain(packetOf);

/** Both ends of a flow talk, and the rules change meanwhile. */
const dialogue: fc.Arbitrary<Act[]> = ends.chain((one) => {
  const usual = { ...one, local: 0, peer: 0 };
  const either = fc.boolean().chain((inbound) => packetOf({ ...usual, inbound }));
  const act = fc.oneof({ weight: 9, arbitrary: either }, { weight: 2, arbitrary: rules });
  return fc.array(act, { minLength: 2, maxLength: 12, size: 'max' });
});

/** A packet of which some bytes were changed, or the end cut off. */
const mutated: fc.Arbitrary<Act> = fc
  .tuple(packet, fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 3 }), fc.nat(40), fc.boolean())
  .map(([act, changes, shorter, isCut]) => {
    if (act.kind !== 'packet') return act;
    const bytes = act.bytes.slice(0, isCut ? Math.max(0, act.bytes.length - shorter) : act.bytes.length);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return { ...act, bytes };
  });

/** Packets in a row that differ in little: what is known of one is not to be believed of the next. */
const burst: fc.Arbitrary<Act[]> = fc
  .tuple(packet, fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1, 2, 3, 3, 3), fc.nat(47), fc.nat(255)), { maxLength: 6 }))
  .map(([first, changes]) => {
    if (first.kind !== 'packet') return [first];
    const list = [first];
    for (const [what, at, value] of changes) {
      const bytes = first.bytes.slice();
      if (what === 3 && at < bytes.length) bytes[at] = value;
      const inbound = what === 1 ? !first.inbound : first.inbound;
      list.push({ kind: 'packet', inbound, peer: what === 2 ? 257 - first.peer : first.peer, bytes });
    }
    return list;
  });

const wait: fc.Arbitrary<Act> = fc
  .constantFrom(0, 1, 9_999, 10_000, 30_000, 60_000, 119_999, 120_000, 240_000, 300_000, 600_000, 432_000_000)
  .map((ms) => ({ kind: 'wait', ms }));

const acts = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: packet.map((act) => [act]) },
      { weight: 3, arbitrary: mutated.map((act) => [act]) },
      { weight: 1, arbitrary: rules.map((act) => [act]) },
      { weight: 1, arbitrary: wait.map((act) => [act]) },
      { weight: 2, arbitrary: dialogue },
      { weight: 2, arbitrary: burst },
    ),
    { minLength: 1, maxLength: 40, size: 'max' },
  )
  .map((lists) => lists.flat());

/** Packets come again, as they do: in both directions, and many of one flow in a row. */
const sessions = fc.tuple(rules, acts, fc.array(fc.nat(100), { maxLength: 40, size: 'max' }), fc.boolean());

test('filter and slow twin give one verdict on every packet, whatever came before', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(sessions, ([first, list, again, isSpread]) => {
      const filter = createPacketFilter({ now: 0, seed: 0x1234_5678 });
      const twin = createTwin(0);
      // As in a driver, all packets come to lie in the same bytes.
      const bytes = new Uint8Array(512 + 2 * AT);
      let now = 0;
      const all = [first, ...list, ...again.map((index) => list[index % list.length]!)];
      for (const act of all) {
        if (act.kind === 'wait') {
          now += act.ms;
        } else if (act.kind === 'rules') {
          const cut = filter.setRules(act.rules, act.self, act.peers, now);
          assert.equal([...cut].sort(), twin.setRules(act.rules, act.self, act.peers, now));
        } else {
          bytes.fill(0xff).set(act.bytes, AT);
          // The batch of a moment has one `now`; packets of others come a millisecond later.
          if (isSpread) now += 1;
          const verdict = filter[act.inbound ? 'inbound' : 'outbound'](act.peer, bytes, AT, act.bytes.length, now);
          assert.is(verdict, twin.judge(act.peer, act.inbound, act.bytes, now), Buffer.from(act.bytes).toString('hex'));
          const key = `${act.inbound ? 'in' : 'out'} ${verdict}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }
    }),
    { numRuns: 600 },
  );

  for (const key of [
    'in pass',
    'out pass',
    'in policy-dropped',
    'in fragment-dropped',
    'in icmp-dropped',
    'out cut-dropped',
    'in source-dropped',
    'in destination-dropped',
    'out source-dropped',
    'in extension-header-dropped',
    'in malformed-dropped',
  ]) {
    assert.ok(seen.has(key), `${key} never came`);
  }
});

test.run();
