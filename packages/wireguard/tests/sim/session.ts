/** Two hosts that have a session, and datagrams made by hand under it. */
import { ENDPOINT, parseEndpoint } from '@pcloud/ip';
import type { DeviceContext } from '../../src/context.ts';
import type { CounterName, Crypto, Device, DeviceOptions, Peer } from '../../src/index.ts';
import { writeWord } from '../../src/messages.ts';
import type { PeerState } from '../../src/peer.ts';
import { connect, createSimNetwork, packet, type SimHost, type SimNetwork } from './network.ts';

export interface Pair {
  readonly network: SimNetwork;
  readonly left: SimHost;
  readonly right: SimHost;
  /** The right as the left knows it, and the other way round. */
  readonly leftPeer: PeerState;
  readonly rightPeer: PeerState;
}

/** Two hosts that know each other and have not spoken. */
export function createStrangers(
  seed = 1,
  crypto?: Crypto,
  options: { left?: DeviceOptions; right?: DeviceOptions } = {},
): Pair {
  const network = createSimNetwork(seed);
  const left = network.addHost('left', options.left, crypto);
  const right = network.addHost('right', options.right, crypto);
  const peers = connect(left, right, network.now);
  return { network, left, right, leftPeer: stateOf(peers.left), rightPeer: stateOf(peers.right) };
}

/** The left initiated, both have sent under the session, and all that was recorded of it is forgotten. */
export function createPair(seed = 1, crypto?: Crypto): Pair {
  const pair = createStrangers(seed, crypto);
  const { network, left, right } = pair;
  left.send(packet(left, right));
  network.run(100);
  right.send(packet(right, left));
  network.run(100);
  for (const host of [left, right]) {
    host.plane.delivered.length = 0;
    host.events.length = 0;
  }
  network.sent.length = 0;
  return pair;
}

/** A session in which nothing is owed to anybody any more. */
export function createQuietPair(crypto?: Crypto): Pair {
  const pair = createPair(1, crypto);
  pair.network.run(30_000);
  pair.network.sent.length = 0;
  return pair;
}

/** What stands behind the public face of a peer. */
export function stateOf(peer: Peer): PeerState {
  return peer as PeerState;
}

/** What the modules of the peer's device share. */
export function contextOf(peer: Peer): DeviceContext {
  return (peer as unknown as { context: DeviceContext }).context;
}

/** A transport message under the host's session with the peer, sealed around any bytes at any counter. */
export function forge(host: SimHost, peer: PeerState, plaintext: Uint8Array, counter?: number | bigint): Uint8Array {
  const keypair = peer.keypairs.current!;
  const at = BigInt(counter ?? keypair.sendLow++);
  const low = Number(at & 0xffff_ffffn);
  const high = Number(at >> 32n);
  const message = new Uint8Array(16 + plaintext.length + 16);
  writeWord(4, message, 0);
  writeWord(keypair.remoteIndex, message, 4);
  writeWord(low, message, 8);
  writeWord(high, message, 12);
  message.set(plaintext, 16);
  host.plane.keys.get(keypair.sendKey)!.seal(message, 16, plaintext.length, low, high);
  return message;
}

/** A datagram as it reaches a host. */
export interface Incoming {
  readonly datagram: Uint8Array;
  /** Default: a place that nobody is at. */
  readonly from?: string;
  readonly tos?: number;
  /** The local address and interface that it came in on. */
  readonly local?: { readonly address: number; readonly interface: number };
}

/** Hands a host datagrams, all in one batch. */
export function receive(host: SimHost, ...incoming: readonly Incoming[]): void {
  for (const { datagram, from = '192.0.2.200:200', tos = 0, local } of incoming) {
    const source = parseEndpoint(from)!;
    if (local !== undefined) {
      source[ENDPOINT.HAS_SOURCE] = 1;
      source[ENDPOINT.SOURCE] = local.address;
      source[ENDPOINT.SOURCE_INTERFACE] = local.interface;
    }
    host.plane.udpQueue.push({ datagram: datagram.slice(), source, tos });
  }
  host.drain();
}

/** A keepalive of the right's, as the left receives it. */
export function receiveKeepalive({ left, rightPeer, right }: Pair): void {
  receive(left, { datagram: forge(right, rightPeer, new Uint8Array(0)), from: right.address });
}

/** All drops that a device has counted. */
export function dropsOf(device: Device): number {
  const counters = Object.entries(device.counters) as [CounterName, number][];
  return counters.reduce((sum, [name, count]) => sum + (name.endsWith('-dropped') ? count : 0), 0);
}
