/**
 * Devices on a network in memory and in virtual time: it loses, delays, reorders and duplicates as its
 * link says, from a seed.
 */
import { createEndpoint, formatEndpoint } from '@pcloud/ip';
import {
  type Crypto,
  createDevice,
  createNobleCrypto,
  type Device,
  type DeviceEvent,
  type DeviceOptions,
  type Output,
  type Peer,
} from '../../src/index.ts';
import { createSimPlane, type SimPlane } from './plane.ts';
import { createSeededRandom, type SeededRandom } from './random.ts';

/** What happens to datagrams. Times in milliseconds, probabilities in [0, 1]. */
export interface Link {
  delayMs: number;
  /** Spread of the delay, which also reorders. */
  jitterMs: number;
  loss: number;
  duplicate: number;
}

/** One datagram as it left. */
export interface Sent {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly datagram: Uint8Array;
  readonly tos: number;
}

export interface SimHost {
  readonly name: string;
  readonly device: Device;
  readonly plane: SimPlane;
  /** Where its datagrams come from; change it to roam. */
  address: string;
  readonly events: { at: number; event: DeviceEvent }[];
  readonly stamps: Uint8Array[];
  /** The last answer of `pollOutput`. */
  wake: Extract<Output, { kind: 'timeout' }>;
  /** Sends a packet into its TUN, now. */
  send(packet: Uint8Array): void;
  /** Does what its device wants done. Call after any change made from outside. */
  drain(): void;
}

interface InFlight {
  readonly arrivesAt: number;
  readonly order: number;
  readonly sent: Sent;
}

export interface SimNetwork {
  readonly now: number;
  readonly link: Link;
  readonly random: SeededRandom;
  readonly sent: Sent[];
  /** Drops a datagram where it answers false. */
  filter: (sent: Sent) => boolean;
  /** Wall clock minus the monotonic one. */
  wallOffsetMs: number;
  addHost(name: string, options?: DeviceOptions, crypto?: Crypto): SimHost;
  /** Puts a datagram on the wire as if `from` had sent it. */
  inject(from: string, to: string, datagram: Uint8Array, tos?: number): void;
  /** Lets time pass, with all that happens in it. */
  run(forMs: number): void;
  /** Lets time pass until it holds; throws after `withinMs`. */
  runUntil(condition: () => boolean, withinMs: number): void;
  /** Lets time pass until a moment. */
  runTo(at: number): void;
}

const WALL_START_MS = 1_700_000_000_000;
const PORT = 51820;
const SHARED_CRYPTO = createNobleCrypto();

export function createSimNetwork(seed = 1): SimNetwork {
  const random = createSeededRandom(seed);
  const hosts: SimHost[] = [];
  const inFlight: InFlight[] = [];
  let order = 0;
  let now = 1_000;

  const launch = (sent: Sent): void => {
    network.sent.push(sent);
    if (!network.filter(sent)) return;
    const { link } = network;
    const copies = random.fraction() < link.duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (random.fraction() < link.loss) continue;
      const arrivesAt = now + link.delayMs + random.fraction() * link.jitterMs;
      inFlight.push({ arrivesAt, order: order++, sent });
    }
  };

  const arrive = ({ from, to, datagram, tos }: Sent): void => {
    const host = hosts.find((candidate) => candidate.address === to);
    if (host === undefined) return;
    const [address, port] = from.split(':');
    const source = createEndpoint(Uint8Array.from(address!.split('.').map(Number)), Number(port));
    host.plane.udpQueue.push({ datagram: datagram.slice(), source, tos });
    host.drain();
  };

  const step = (until: number): boolean => {
    let next: InFlight | undefined;
    for (const candidate of inFlight) {
      if (next === undefined || candidate.arrivesAt < next.arrivesAt) next = candidate;
    }
    const wakeAt = Math.min(...hosts.map((host) => host.wake.at));
    const at = Math.min(next?.arrivesAt ?? Number.POSITIVE_INFINITY, wakeAt);
    if (at > until) {
      now = until;
      return false;
    }
    now = Math.max(now, at);
    if (next !== undefined && next.arrivesAt <= wakeAt) {
      inFlight.splice(inFlight.indexOf(next), 1);
      arrive(next.sent);
      return true;
    }
    for (const host of hosts.filter((candidate) => candidate.wake.at <= now)) {
      host.device.handleTimeout(now);
      host.drain();
    }
    return true;
  };

  const network: SimNetwork = {
    get now() {
      return now;
    },
    link: { delayMs: 10, jitterMs: 0, loss: 0, duplicate: 0 },
    random,
    sent: [],
    filter: () => true,
    wallOffsetMs: WALL_START_MS,

    addHost(name, options = {}, crypto = SHARED_CRYPTO) {
      const plane = createSimPlane(crypto, (datagram, endpoint, tos) => {
        launch({ at: now, from: host.address, to: formatEndpoint(endpoint), datagram: datagram.slice(), tos });
      });
      const wallMs = (): number => now + network.wallOffsetMs;
      const device = createDevice(options, { crypto, keys: plane, batch: plane.batch, random: random.fill, wallMs });
      const host: SimHost = {
        name,
        device,
        plane,
        address: `192.0.2.${hosts.length + 1}:${PORT}`,
        events: [],
        stamps: [],
        wake: { kind: 'timeout', at: Number.POSITIVE_INFINITY, reason: 'none' },
        send(packet) {
          plane.tunQueue.push(packet);
          host.drain();
        },
        drain() {
          turn(host, now);
        },
      };
      const privateKey = new Uint8Array(32);
      random.fill(privateKey);
      device.setPrivateKey(privateKey, now);
      device.up(now);
      hosts.push(host);
      return host;
    },

    inject: (from, to, datagram, tos = 0) => launch({ at: now, from, to, datagram, tos }),

    run(forMs) {
      const until = now + forMs;
      while (step(until));
    },

    runTo(at) {
      while (step(at));
    },

    runUntil(condition, withinMs) {
      const until = now + withinMs;
      while (!condition()) {
        if (!step(until)) throw new Error(`not within ${withinMs} ms`);
      }
    },
  };
  return network;
}

/** One turn of the driver loop, as a daemon does it. */
function turn(host: SimHost, now: number): void {
  const { device, plane } = host;
  const frames = plane.tunReceive();
  device.handleFrames(frames, now);
  plane.sealAndSend(frames);
  device.handleSent(frames, now);
  const datagrams = plane.udpReceive();
  device.handleDatagrams(datagrams, now);
  plane.open(datagrams);
  device.handleOpened(datagrams, now);
  plane.tunSend(datagrams);
  for (;;) {
    const output = device.pollOutput(now);
    if (output.kind === 'timeout') {
      host.wake = output;
      return;
    }
    if (output.kind === 'transmit') plane.transmit(output.datagram, output.endpoint, output.tos);
    if (output.kind === 'inject') plane.inject(output.packet);
    if (output.kind === 'event') host.events.push({ at: now, event: output.event });
    if (output.kind === 'stamp') host.stamps.push(output.reserved);
    if (output.kind === 'frames') {
      plane.sealAndSend(output.count);
      device.handleSent(output.count, now);
    }
  }
}

/** Makes two hosts peers of each other, each with one /32; `knows` says which of them have an endpoint. */
export function connect(
  left: SimHost,
  right: SimHost,
  now: number,
  knows: { left: boolean; right: boolean } = { left: true, right: true },
): { left: Peer; right: Peer } {
  const peerOf = (host: SimHost, other: SimHost, hasEndpoint: boolean): Peer => {
    const peer = host.device.addPeer(other.device.publicKey!, now)!;
    peer.addAllowedIp(innerAddress(other), 32);
    if (hasEndpoint) {
      const [address, port] = other.address.split(':');
      peer.setEndpoint(createEndpoint(Uint8Array.from(address!.split('.').map(Number)), Number(port)));
    }
    return peer;
  };
  return { left: peerOf(left, right, knows.left), right: peerOf(right, left, knows.right) };
}

/** 10.0.0.N for the host at 192.0.2.N. */
export function innerAddress(host: SimHost): Uint8Array {
  return Uint8Array.of(10, 0, 0, Number(host.address.split(':')[0]!.split('.')[3]));
}

/** An IPv4 packet between two hosts' inner addresses, `length` bytes, its payload a number. */
export function packet(from: SimHost, to: SimHost, id = 0, length = 64): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = 0x45;
  bytes[2] = length >> 8;
  bytes[3] = length;
  bytes[8] = 64;
  bytes[9] = 17;
  bytes.set(innerAddress(from), 12);
  bytes.set(innerAddress(to), 16);
  new DataView(bytes.buffer).setUint32(20, id);
  return bytes;
}
