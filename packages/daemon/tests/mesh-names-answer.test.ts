import { formatAddress, parseAddress, parsePrefix } from '@pcloud/ip';
import type { NetworkMap } from '@pcloud/netmap';
import { type DecodedPacket, decode, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answerQuery, type GoesOutside } from '../src/mesh/names/answer-query.ts';
import { createHostTable, domainsOf } from '../src/mesh/names/host-table.ts';
import { parseMessage } from '../src/mesh/names/message.ts';
import { parseQuery, type Transport } from '../src/mesh/names/query.ts';
import { namesAddress } from '../src/mesh/names/rebinding.ts';
import { reverseNameOf, reverseZones } from '../src/mesh/names/reverse-names.ts';
import { address6, createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';

const control = createFakeControl();
const key = new Uint8Array(32);
const nowhere: GoesOutside = () => false;

function createNames(change: Partial<NetworkMap['network']> = {}): NetworkMap {
  const nodes = [createNode(2, key, { name: 'laptop' }), createNode(1, key, { name: 'seed' }), createNode(23, key)];
  const map = createMap(control, nodes);
  return { ...map, network: { ...map.network, ...change } };
}

interface Ask {
  readonly map?: NetworkMap;
  readonly packet?: Packet;
  readonly transport?: Transport;
  readonly goesOutside?: GoesOutside;
}

/** What the resolver says, as another implementation reads it; `forward` when it has nothing to say. */
function ask(
  name: string,
  type: string,
  { map = createNames(), packet = {}, ...how }: Ask = {},
): DecodedPacket | 'forward' {
  const { transport = 'udp', goesOutside = nowhere } = how;
  const bytes = encode({ type: 'query', id: 77, flags: 0x100, questions: [{ name, type: type as 'A' }], ...packet });
  const decision = answerQuery(parseQuery(bytes, transport)!, createHostTable(map), goesOutside);
  return decision.kind === 'forward' ? 'forward' : decode(Buffer.from(decision.bytes));
}

function said(...question: Parameters<typeof ask>): { rcode: string; data: unknown[]; soa: string | undefined } {
  const answer = ask(...question);
  if (answer === 'forward') throw new Error('forwarded');
  const { rcode } = answer as unknown as { rcode: string };
  return {
    rcode,
    data: answer.answers!.map((each) => ('data' in each ? each.data : undefined)),
    soa: answer.authorities![0]?.name,
  };
}

test('the name of a node has its addresses, whatever the case', () => {
  assert.equal(said('seed.pcloud', 'A'), { rcode: 'NOERROR', data: ['10.0.0.1'], soa: undefined });
  assert.equal(said('SeeD.PCLOUD', 'AAAA').data, [address6(1)]);
  assert.equal(said('laptop.pcloud', 'ANY').data, ['10.0.0.2', address6(2)]);
});

test('an answer repeats id and question as they were asked, is authoritative, and is not remembered for long', () => {
  const answer = ask('SeeD.pcloud', 'A') as DecodedPacket & { flag_aa: boolean; flag_rd: boolean };
  assert.is(answer.id, 77);
  assert.is(answer.questions![0]!.name, 'SeeD.pcloud');
  assert.ok(answer.flag_aa && answer.flag_rd);
  assert.ok((answer.answers![0] as { ttl: number }).ttl <= 60);
});

test('a name that is no node does not exist, and one that has no such record is empty: both with the SOA', () => {
  assert.equal(said('printer.pcloud', 'A'), { rcode: 'NXDOMAIN', data: [], soa: 'pcloud' });
  assert.equal(said('a.seed.pcloud', 'A'), { rcode: 'NXDOMAIN', data: [], soa: 'pcloud' });
  assert.equal(said('seed.pcloud', 'MX'), { rcode: 'NOERROR', data: [], soa: 'pcloud' });
  assert.equal(said('pcloud', 'A'), { rcode: 'NOERROR', data: [], soa: 'pcloud' });
  const [soa] = (ask('pcloud', 'SOA') as DecodedPacket).answers!;
  assert.is(soa!.type, 'SOA');
  const [authority] = (ask('printer.pcloud', 'A') as DecodedPacket).authorities! as { ttl?: number }[];
  assert.ok(authority!.ttl! <= 60);
});

test("names under the network's own domain are answered as well", () => {
  const map = createNames({ domain: 'Home.Example.' });
  assert.equal(said('seed.home.example', 'A', { map }).data, ['10.0.0.1']);
  assert.equal(said('seed.pcloud', 'A', { map }).data, ['10.0.0.1']);
  assert.equal(said('1.0.0.10.in-addr.arpa', 'PTR', { map }).data, ['seed.home.example']);
  assert.is(ask('example', 'A', { map }), 'forward');
});

test('a network whose domain is the root, or no name, does not get all names', () => {
  for (const domain of ['', '.', 'a..b', 'bad domain']) {
    const map = createNames({ domain });
    assert.equal(domainsOf(map), ['pcloud']);
    assert.is(ask('example.com', 'A', { map }), 'forward');
  }
});

test('addresses have the names of their nodes', () => {
  assert.equal(said('23.0.0.10.in-addr.arpa', 'PTR').data, ['node-23.pcloud']);
  const reverse = reverseNameOf(parseAddress(address6(1))!);
  assert.is(reverseNameOf(parseAddress('fd00::1')!), `1.${'0.'.repeat(29)}d.f.ip6.arpa`);
  assert.equal(said(reverse.toUpperCase(), 'PTR').data, ['seed.pcloud']);
});

test('names of addresses say that there is nothing where there is nothing', () => {
  assert.equal(said('99.0.0.10.in-addr.arpa', 'PTR'), { rcode: 'NXDOMAIN', data: [], soa: '0.10.in-addr.arpa' });
  assert.equal(said('23.0.0.10.in-addr.arpa', 'A').rcode, 'NOERROR');
  assert.equal(said('0.0.10.in-addr.arpa', 'PTR').rcode, 'NOERROR', 'it has names below');
  assert.equal(said('9.0.10.in-addr.arpa', 'PTR').rcode, 'NXDOMAIN');
  assert.equal(said('0.10.in-addr.arpa', 'SOA').rcode, 'NOERROR');
  assert.equal(said('x.23.0.0.10.in-addr.arpa', 'PTR').rcode, 'NXDOMAIN');
  assert.equal(said('x.0.10.in-addr.arpa', 'PTR').rcode, 'NXDOMAIN');
});

test('all other names are forwarded', () => {
  const names = [
    'example.com',
    'pcloud.com',
    'xpcloud',
    '1.1.168.192.in-addr.arpa',
    '10.in-addr.arpa',
    'ip6.arpa',
    '.',
  ];
  for (const name of names) assert.is(ask(name, 'A'), 'forward', name);
});

test('where the LAN has the range, addresses that lead into it are not given, and its names are its own', () => {
  const goesOutside: GoesOutside = (address) => ['10.0.0.1', '10.0.0.9', '10.0.0.2'].includes(formatAddress(address));
  assert.equal(said('seed.pcloud', 'A', { goesOutside }), { rcode: 'NOERROR', data: [], soa: 'pcloud' });
  assert.equal(said('seed.pcloud', 'AAAA', { goesOutside }).data, [address6(1)]);
  assert.equal(said('laptop.pcloud', 'A', { goesOutside }).data, ['10.0.0.2'], 'its own');
  assert.is(ask('9.0.0.10.in-addr.arpa', 'PTR', { goesOutside }), 'forward');
  assert.equal(said('23.0.0.10.in-addr.arpa', 'PTR', { goesOutside }).data, ['node-23.pcloud']);
});

test('EDNS is answered where it is asked, and a version of the future is refused (RFC 6891 section 6.1.3)', () => {
  const opt = (ednsVersion: number): Packet => ({
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 4096,
        extendedRcode: 0,
        ednsVersion,
        flags: 0x8000,
        flag_do: true,
        options: [],
      },
    ],
  });
  assert.equal((ask('seed.pcloud', 'A') as DecodedPacket).additionals, []);
  const answer = ask('seed.pcloud', 'A', { packet: opt(0) }) as DecodedPacket;
  const [own] = answer.additionals as unknown as [{ udpPayloadSize: number; flag_do: boolean; extendedRcode: number }];
  assert.is(own.udpPayloadSize, 1232);
  assert.ok(own.flag_do);
  const refused = ask('seed.pcloud', 'A', { packet: opt(1) }) as DecodedPacket;
  assert.is((refused.additionals as unknown as [{ extendedRcode: number }])[0].extendedRcode, 1);
  assert.equal(refused.answers, []);
});

test('an answer that has no room is cut, and whole over TCP', () => {
  const label = 'x'.repeat(63);
  const map = createNames({ domain: `${label}.${label}.${label}` });
  const name = `seed.${label}.${label}.${label}`;
  const cut = ask(name, 'ANY', { map }) as DecodedPacket & { flag_tc: boolean };
  assert.ok(cut.flag_tc);
  assert.equal(cut.answers, []);
  const whole = ask(name, 'ANY', { map, transport: 'tcp' }) as DecodedPacket & { flag_tc: boolean };
  assert.not(whole.flag_tc);
  assert.is(whole.answers!.length, 2);
});

test('transfers, other classes and other operations are refused', () => {
  assert.is(said('pcloud', 'AXFR').rcode, 'REFUSED');
  assert.is(
    said('seed.pcloud', 'A', { packet: { questions: [{ name: 'seed.pcloud', type: 'A', class: 'CH' }] } }).rcode,
    'REFUSED',
  );
  assert.is(said('seed.pcloud', 'A', { packet: { flags: 4 << 11 } }).rcode, 'NOTIMP');
});

test('what is no query of one question is none', () => {
  const good = encode({ type: 'query', id: 1, questions: [{ name: 'seed.pcloud', type: 'A' }] });
  assert.ok(parseQuery(good, 'udp'));
  const change = (act: (bytes: Buffer) => void): Uint8Array => {
    const bytes = Buffer.from(good);
    act(bytes);
    return bytes;
  };
  const bad: Readonly<Record<string, Uint8Array>> = {
    empty: new Uint8Array(0),
    'half a header': good.subarray(0, 11),
    'cut in the name': good.subarray(0, 15),
    'cut in the class': good.subarray(0, good.length - 1),
    'a response': change((bytes) => bytes.writeUInt8(0x80, 2)),
    'no question': change((bytes) => bytes.writeUInt16BE(0, 4)),
    'two questions': change((bytes) => bytes.writeUInt16BE(2, 4)),
    'a record that is not there': change((bytes) => bytes.writeUInt16BE(1, 10)),
    'a pointer in the name': change((bytes) => bytes.writeUInt16BE(0xc00c, 12)),
    'a label of 64': change((bytes) => bytes.writeUInt8(64, 12)),
  };
  for (const [what, bytes] of Object.entries(bad)) assert.is(parseQuery(bytes, 'udp'), undefined, what);
  const long = encode({ type: 'query', questions: [{ name: Array(128).fill('a').join('.'), type: 'A' }] });
  assert.is(parseQuery(long, 'udp'), undefined, 'a name of more than 255 bytes');
});

test('a label may hold any byte, dots among them, and is no other name for it', () => {
  const bytes = encode({ type: 'query', id: 1, questions: [{ name: 'seedXpcloud', type: 'A' }] });
  bytes[12 + 1 + 'seed'.length] = 0x2e;
  const query = parseQuery(bytes, 'udp')!;
  assert.equal(query.labels, ['seed.pcloud']);
  assert.is(answerQuery(query, createHostTable(createNames()), nowhere).kind, 'forward');
});

test('whatever comes, nothing throws, and every answer is one that others can read', () => {
  const table = createHostTable(createNames());
  const good = ['seed.pcloud', '1.0.0.10.in-addr.arpa', 'x.pcloud'].map((name) =>
    Uint8Array.from(encode({ type: 'query', questions: [{ name, type: 'ANY' as 'A' }], additionals: [] })),
  );
  const mutated = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }), fc.nat(60))
    .map(([bytes, changes, cut]) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return cut < 12 ? copy.subarray(0, cut) : copy;
    });
  let answers = 0;
  fc.assert(
    fc.property(
      fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })),
      fc.constantFrom('udp', 'tcp'),
      (bytes, transport) => {
        parseMessage(bytes);
        const query = parseQuery(bytes, transport as Transport);
        if (query === undefined) return;
        const decision = answerQuery(query, table, nowhere);
        if (decision.kind === 'forward') return;
        answers += 1;
        assert.ok(decision.bytes.length <= query.limit);
        const message = parseMessage(decision.bytes)!;
        assert.equal([message.id, message.labels, message.type], [query.id, query.labels, query.type]);
        assert.is.not(message.flags & 0x8000, 0);
      },
    ),
    { numRuns: 5_000 },
  );
  assert.ok(answers > 100, `${answers} answers`);
});

test('zones of names of addresses cover the prefix, and nothing else', () => {
  const zones = (text: string): string[] => reverseZones(parsePrefix(text)!);
  assert.equal(zones('10.0.0.0/16'), ['0.10.in-addr.arpa']);
  assert.equal(zones('10.8.0.0/15'), ['8.10.in-addr.arpa', '9.10.in-addr.arpa']);
  assert.is(zones('172.16.0.0/12').length, 16);
  assert.is(zones('172.16.0.0/12')[15], '31.172.in-addr.arpa');
  assert.equal(zones('fd12:3456::/32'), ['6.5.4.3.2.1.d.f.ip6.arpa']);
  assert.equal(zones('fd00::/62').length, 4);
  assert.ok(zones('fd00::/62')[3]!.startsWith('3.0.0.'));
  assert.ok(zones('fd00::/59')[1]!.startsWith('1.0.0.'));
});

test('an address of the mesh is found in whatever record names it', () => {
  const meant = (address: Uint8Array): boolean => formatAddress(address) === '10.0.0.7';
  const names = (answers: Packet['answers']): boolean =>
    namesAddress(
      parseMessage(encode({ type: 'response', questions: [{ name: 'a.b', type: 'A' }], answers: answers! }))!,
      meant,
    );
  const svcb = (data: number[]) => [{ name: 'a.b', type: 'UNKNOWN_65' as 'NULL', data: Buffer.from(data) }];
  assert.ok(names([{ name: 'a.b', type: 'A', data: '10.0.0.7' }]));
  assert.ok(
    names([
      { name: 'x.y', type: 'CNAME', data: 'a.b' },
      { name: 'a.b', type: 'A', data: '10.0.0.7' },
    ]),
  );
  assert.not(names([{ name: 'a.b', type: 'A', data: '10.0.0.8' }]));
  assert.ok(names([{ name: 'a.b', type: 'AAAA', data: '::ffff:10.0.0.7' }]));
  // RFC 9460: priority 1, target ".", alpn "h2", ipv4hint with two addresses.
  const hints = [0, 1, 0, 0, 1, 0, 3, 2, 0x68, 0x32, 0, 4, 0, 8, 192, 0, 2, 1, 10, 0, 0];
  assert.ok(names(svcb([...hints, 7])));
  assert.not(names(svcb([...hints, 8])));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (data) => void names(svcb([...data]))));
});

test.run();
