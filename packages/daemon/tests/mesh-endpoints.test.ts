import { formatEndpoint, parseAddress, parseEndpoint, parsePrefix } from '@pcloud/ip';
import type { AddressEvent } from '@pcloud/native';
import type { Peer, PeerReason } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createEndpointChoice, type EndpointChoice } from '../src/mesh/peers/endpoint-choice.ts';
import { localEndpoints } from '../src/mesh/peers/local-endpoints.ts';
import { receivedEndpoints } from '../src/mesh/peers/received-endpoints.ts';

const MESH = ['10.0.0.0/16', 'fd00::/64'].map((text) => parsePrefix(text)!);

function address(text: string, change: Partial<AddressEvent> = {}): AddressEvent {
  return {
    kind: 'address',
    index: 2,
    address: parseAddress(text)!,
    prefixLength: text.includes(':') ? 64 : 24,
    scope: 0,
    temporary: false,
    removed: false,
    ...change,
  };
}

test('a node names its own addresses, public before private, and none that nobody else can use', () => {
  const found = localEndpoints(
    [
      address('192.168.1.5'),
      address('2001:db8::5'),
      address('203.0.113.5'),
      address('fd12::5'),
      address('127.0.0.1', { scope: 254 }),
      address('::1', { scope: 254 }),
      address('fe80::1', { scope: 253 }),
      address('169.254.3.4'),
      address('2001:db8::aaaa', { temporary: true }),
      address('10.0.0.1', { index: 7 }),
    ],
    { port: 51_820, ownIndex: 7 },
  );
  assert.equal(found, ['203.0.113.5:51820', '[2001:db8::5]:51820', '192.168.1.5:51820', '[fd12::5]:51820']);
});

test('a machine with a hundred addresses names 32', () => {
  const many = Array.from({ length: 100 }, (_, i) => address(`192.168.${i}.1`));
  assert.is(localEndpoints(many, { port: 1, ownIndex: 0 }).length, 32);
});

const around = {
  meshPrefixes: MESH,
  isNode: (text: string) => text === '10.0.0.3',
  addresses: [address('192.168.1.5'), address('172.17.0.1')],
  port: 51_820,
  proven: new Set(['198.51.100.1']),
};

test('what cannot be a peer is refused: the mesh itself, this socket, loopback, multicast, nobody', () => {
  const bad = [
    '10.0.0.2:51820',
    '[fd00::2]:51820',
    '127.0.0.1:51820',
    '[::1]:51820',
    '0.0.0.0:51820',
    '[::]:51820',
    '224.0.0.1:51820',
    '255.255.255.255:51820',
    '[ff02::1]:51820',
    '169.254.1.1:51820',
    '[fe80::1]:51820',
    '[::ffff:127.0.0.1]:51820',
    '192.168.1.5:51820',
    '203.0.113.1:0',
    'example.com:51820',
    '',
  ];
  for (const text of bad) assert.equal(receivedEndpoints([text], around), [], text);
});

test('the most likely comes first: proven, in the same subnet, public, private, an address that is ours too', () => {
  const texts = ['172.17.0.1:4000', '10.9.9.9:4000', '203.0.113.9:4000', '192.168.1.77:4000', '198.51.100.1:4000'];
  assert.equal(receivedEndpoints(texts, around), [...texts].reverse());
});

test('on a LAN of the same range its hosts can be peers, those that are addresses of nodes cannot', () => {
  const home = { ...around, addresses: [address('10.0.0.50')] };
  assert.equal(receivedEndpoints(['10.0.0.60:1', '10.0.0.3:1', '10.0.9.1:1'], home), ['10.0.0.60:1']);
});

test('no more than 32 are looked at, and none twice', () => {
  const many = Array.from({ length: 50 }, (_, i) => `203.0.113.${i + 1}:4000`);
  assert.is(receivedEndpoints(many, around).length, 32);
  assert.equal(receivedEndpoints(['203.0.113.1:4000', '203.0.113.1:4000'], around), ['203.0.113.1:4000']);
});

interface FakePeer {
  readonly peer: Peer;
  at: string | undefined;
  reason: PeerReason;
}

function createFakePeer(): FakePeer {
  const fake: FakePeer = {
    at: undefined,
    reason: 'no-endpoint',
    peer: {
      copyEndpoint: () => (fake.at === undefined ? undefined : parseEndpoint(fake.at)),
      get reason() {
        return fake.reason;
      },
    } as Peer,
  };
  return fake;
}

function createChoice(fake: FakePeer, worked = new Map<string, string>()): EndpointChoice {
  return createEndpointChoice({
    worked,
    setEndpoint(peer, endpoint) {
      assert.is(peer, fake.peer);
      fake.at = formatEndpoint(endpoint);
    },
  });
}

const A = '203.0.113.1:1';
const B = '203.0.113.2:2';
const C = '203.0.113.3:3';

test('a peer starts at its best candidate, whichever comes first: peer or candidates', () => {
  for (const peerFirst of [true, false]) {
    const fake = createFakePeer();
    const choice = createChoice(fake);
    if (peerFirst) choice.attach('n2', fake.peer);
    choice.offer('n2', [A, B]);
    if (!peerFirst) choice.attach('n2', fake.peer);
    assert.is(fake.at, A);
  }
});

test('a handshake without an answer moves on through the candidates and around', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake);
  choice.attach('n2', fake.peer);
  choice.offer('n2', [A, B, C]);
  fake.reason = 'no-reply';
  const seen = [1, 2, 3, 4].map(() => {
    choice.handleRetry('n2');
    return fake.at;
  });
  assert.equal(seen, [B, C, A, B]);
});

test('what worked last is tried first after a restart, and is known to who saves it', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake, new Map([['n2', C]]));
  choice.attach('n2', fake.peer);
  choice.offer('n2', [A, B]);
  assert.is(fake.at, C);
  fake.at = B;
  choice.handleWorks('n2', 0);
  assert.is(choice.worked.get('n2'), B);
});

test('a peer that answers is left where it is', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake);
  choice.attach('n2', fake.peer);
  fake.at = C;
  fake.reason = 'connected';
  choice.offer('n2', [A, B]);
  choice.handleRetry('n2');
  assert.is(fake.at, C);
  assert.equal(choice.handleInitiation(parseEndpoint(C)!, 0), []);
});

test('the first handshakes go to every candidate at once, later ones to one', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake);
  choice.attach('n2', fake.peer);
  choice.offer('n2', [A, B, C]);
  const copies = (): string[] => choice.handleInitiation(parseEndpoint(A)!, 0).map((one) => formatEndpoint(one));
  assert.equal([copies(), copies(), copies(), copies()], [[B, C], [B, C], [B, C], []]);
  choice.offer('n2', [A, B]);
  assert.equal(copies(), [B], 'new candidates are new hope');
  assert.equal(choice.handleInitiation(parseEndpoint('198.51.100.9:9')!, 0), [], 'of nobody known');
});

test('an endpoint that a person names is tried at once and goes first', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake);
  choice.attach('n2', fake.peer);
  choice.offer('n2', [A, B]);
  choice.insist('n2', C);
  assert.is(fake.at, C);
  choice.attach('n2', fake.peer);
  assert.is(fake.at, C);
});

test('the time from handshake to answer is the latency, unless it cannot be', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake);
  choice.attach('n2', fake.peer);
  choice.offer('n2', [A]);
  choice.handleInitiation(parseEndpoint(A)!, 1_000);
  choice.handleWorks('n2', 1_012.5);
  assert.is(choice.latencyOf('n2'), 12.5);
  choice.handleWorks('n2', 9_000);
  choice.handleInitiation(parseEndpoint(A)!, 10_000);
  choice.handleWorks('n2', 99_000);
  assert.is(choice.latencyOf('n2'), 12.5);
});

test('a node that is gone is forgotten', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake, new Map([['n2', A]]));
  choice.attach('n2', fake.peer);
  choice.forget('n2');
  assert.is(choice.worked.size, 0);
  assert.equal(choice.handleInitiation(parseEndpoint(A)!, 0), []);
});

test('class 20: the broadcast addresses of subnets of this machine are nobody’s place', () => {
  const bad = ['192.168.1.255:1', '192.168.1.0:1', '172.17.0.255:1', '[::1.2.3.4]:1'];
  assert.equal(receivedEndpoints(bad, around), []);
  assert.equal(receivedEndpoints(['192.168.2.255:1'], around), ['192.168.2.255:1'], 'a host of another subnet');
  const single = { ...around, addresses: [address('192.168.9.9', { prefixLength: 32 })] };
  assert.equal(receivedEndpoints(['192.168.9.9:1', '192.168.9.255:1'], single).length, 2);
});

test('class 20: a node that is said to be elsewhere all the time is remembered at one place', () => {
  const fake = createFakePeer();
  const choice = createChoice(fake);
  choice.attach('n2', fake.peer);
  for (let port = 1; port <= 1_000; port++) choice.offer('n2', [`198.51.100.1:${port}`]);
  const isTried = (port: number): boolean =>
    choice.handleInitiation(parseEndpoint(`198.51.100.1:${port}`)!, 0).length > 0;
  choice.offer('n2', ['198.51.100.1:1000', '198.51.100.2:1']);
  assert.is(isTried(1_000), true, 'copies go to the other place');
  for (let port = 1; port < 1_000; port++) assert.is(isTried(port), false, `${port}`);
});

test.run();
