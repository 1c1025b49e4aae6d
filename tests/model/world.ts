/** Two devices that know each other, what was sent between them, and what must hold of what arrives. */
import { parseEndpoint } from '@pcloud/ip';
import * as assert from 'uvu/assert';
import type { Peer } from '../../packages/wireguard/src/index.ts';
import { createSimNetwork, type SimHost, type SimNetwork } from '../../packages/wireguard/tests/sim/network.ts';
import { idOf, ipPacket } from '../../packages/wireguard/tests/sim/packets.ts';
import { contextOf } from '../../packages/wireguard/tests/sim/session.ts';
import type { Operation } from './operations.ts';

const INNER = ['10.0.0.1', '10.0.0.2'] as const;
const ICMP = 1;
/** A peer keeps three sessions, of two keys each. */
const MAX_KEYS = 6;

interface Side {
  readonly host: SimHost;
  readonly inner: string;
  /** Packets it was given to send, by number, that did not arrive yet. */
  readonly underWay: Map<number, Uint8Array>;
  /** Whether the other one's address is the other one's, as this side sees it. */
  ownsOther: boolean;
  keepaliveSeconds: number;
}

export interface World {
  readonly network: SimNetwork;
  apply(operation: Operation): void;
  /** The link is good and everybody is told what holds; after a while all packets must arrive, both ways. */
  checkRecovery(): void;
  /** Without peers nothing is left in a device. */
  checkEmpty(): void;
}

export function createWorld(seed: number): World {
  const network = createSimNetwork(seed);
  const sides = ['left', 'right'].map((name, index): Side => {
    const host = network.addHost(name);
    return { host, inner: INNER[index]!, underWay: new Map(), ownsOther: true, keepaliveSeconds: 0 };
  });
  const presharedKey = network.random.key();
  let lastId = 0;
  let lastPlace = 0;

  const other = (side: Side): Side => sides[side === sides[0] ? 1 : 0]!;
  const peerOf = (side: Side): Peer | undefined => side.host.device.findPeer(other(side).host.device.publicKey!);

  function addPeer(side: Side): void {
    const peer = side.host.device.addPeer(other(side).host.device.publicKey!, network.now)!;
    peer.setPresharedKey(presharedKey);
    peer.setEndpoint(parseEndpoint(other(side).host.address)!);
    peer.addAllowedIp(Uint8Array.from(other(side).inner.split('.').map(Number)), 32);
    peer.setKeepaliveInterval(side.keepaliveSeconds, network.now);
    peer.start(network.now);
    side.ownsOther = true;
    side.host.drain();
  }

  function send(side: Side, source: string): void {
    const id = ++lastId;
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, id);
    const packet = ipPacket({ source, destination: other(side).inner, length: 24 + (id % 90), payload });
    // One under a false address is not under way: nothing may come of it.
    if (source === side.inner) side.underWay.set(id, packet);
    side.host.send(packet);
  }

  function run(ms: number): void {
    network.run(ms);
    for (const side of sides) checkArrived(side);
  }

  function checkArrived(side: Side): void {
    const { delivered, keys } = side.host.plane;
    for (const packet of delivered.splice(0)) {
      if (packet[9] === ICMP) continue;
      const id = idOf(packet);
      const sent = other(side).underWay.get(id);
      assert.ok(sent !== undefined, `packet ${id} was not sent by its owner, or arrived before`);
      assert.equal(packet, sent);
      assert.ok(side.ownsOther, `packet ${id} came from an address that its sender does not own`);
      other(side).underWay.delete(id);
    }
    assert.ok(keys.size <= MAX_KEYS, `${keys.size} keys are held`);
  }

  function apply(operation: Operation): void {
    const side = 'side' in operation ? sides[operation.side]! : sides[0]!;
    const { device } = side.host;
    switch (operation.kind) {
      case 'send':
        for (let i = 0; i < operation.count; i++) send(side, side.inner);
        break;
      case 'spoof':
        for (const source of ['10.0.0.9', other(side).inner]) send(side, source);
        break;
      case 'wait':
        run(operation.ms);
        break;
      case 'talk':
        talk(operation.seconds);
        break;
      case 'link': {
        const { delayMs, jitterMs, loss, duplicate } = operation;
        Object.assign(network.link, { delayMs, jitterMs, loss, duplicate });
        break;
      }
      case 'roam':
        side.host.address = `203.0.113.${(++lastPlace % 250) + 1}:${1_000 + lastPlace}`;
        break;
      case 'change-key':
        other(side).host.device.removePeer(device.publicKey!, network.now);
        device.setPrivateKey(network.random.key(), network.now);
        side.host.drain();
        addPeer(other(side));
        break;
      case 'change-preshared-key':
        network.random.fill(presharedKey);
        for (const each of sides) peerOf(each)!.setPresharedKey(presharedKey);
        break;
      case 'restart-interface':
        device.down(network.now);
        side.host.drain();
        run(operation.ms);
        device.up(network.now);
        side.host.drain();
        break;
      case 'replace-peer':
        device.removePeer(other(side).host.device.publicKey!, network.now);
        side.host.drain();
        side.ownsOther = false;
        run(operation.ms);
        addPeer(side);
        break;
      case 'disown':
        disown(side, operation.ms);
        break;
      case 'keepalive':
        side.keepaliveSeconds = operation.seconds;
        peerOf(side)!.setKeepaliveInterval(operation.seconds, network.now);
        peerOf(side)!.start(network.now);
        side.host.drain();
        break;
      case 'sleep':
        sleep(side, operation.ms);
        break;
      case 'step-clock':
        network.wallOffsetMs += operation.ms;
        break;
      case 'replay':
        for (const { to, datagram, tos } of network.sent.slice(-operation.count)) {
          network.inject('198.51.100.1:1', to, datagram, tos);
        }
        break;
    }
    for (const each of sides) checkArrived(each);
  }

  function talk(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      for (const side of sides) send(side, side.inner);
      run(1_000);
    }
  }

  function disown(side: Side, ms: number): void {
    const somebody = side.host.device.addPeer(network.random.key(), network.now)!;
    const address = Uint8Array.from(other(side).inner.split('.').map(Number));
    somebody.addAllowedIp(address, 32);
    side.ownsOther = false;
    run(ms);
    peerOf(side)!.addAllowedIp(address, 32);
    side.ownsOther = true;
    side.host.device.removePeer(somebody.publicKey, network.now);
    side.host.drain();
  }

  // What is on its way to a machine that sleeps is lost, and its timers stand still.
  function sleep(side: Side, ms: number): void {
    const { address, wake } = side.host;
    side.host.address = 'asleep';
    side.host.wake = { kind: 'timeout', at: Number.POSITIVE_INFINITY, reason: 'none' };
    run(ms);
    Object.assign(side.host, { address, wake });
    side.host.device.handleResume(network.now);
    side.host.drain();
  }

  for (const side of sides) addPeer(side);
  return {
    network,
    apply,
    checkRecovery() {
      Object.assign(network.link, { delayMs: 10, jitterMs: 0, loss: 0, duplicate: 0 });
      // What was replayed is all there, and moves nobody any more.
      run(10_000);
      // One side is told where the other one is; the other one learns it from what comes.
      const [left, right] = sides as [Side, Side];
      peerOf(left)!.setEndpoint(parseEndpoint(right.host.address)!);
      talk(30);
      for (const side of sides) side.underWay.clear();
      talk(5);
      for (const side of sides) assert.equal([...side.underWay.keys()], [], `from ${side.host.name}`);
    },
    checkEmpty() {
      for (const side of sides) {
        const context = contextOf(peerOf(side)!);
        side.host.device.removeAllPeers(network.now);
        side.host.drain();
        assert.is(context.indices.size, 0);
        assert.is(context.deadlines.first(), undefined);
        assert.is(context.ready.size, 0);
        assert.is(context.allowedIps.nodeCount, 0);
        assert.is(side.host.plane.keys.size, 0);
      }
    },
  };
}
