/**
 * The filter as one would explain it: plain objects, everything worked out anew for every packet, nothing
 * bounded. What the fast one must agree with.
 */
import { formatAddress, parsePrefix, prefixContains } from '@pcloud/ip';
import { admittingRule, type FilterRule } from '@pcloud/netmap';
import type { FilterNode, FilterSelf, FilterSlot, Verdict } from '../src/filter/index.ts';

interface Packet {
  version: 4 | 6;
  from: Uint8Array;
  to: Uint8Array;
  protocol: number;
  /** Behind all IP headers. */
  body: Uint8Array;
  fragment: { id: number; start: number; more: boolean } | undefined;
}

interface Flow {
  node: string;
  /** Version, protocol, local end, remote end. */
  name: string;
  protocol: number;
  local: Uint8Array;
  remote: Uint8Array;
  localPort: number;
  openedHere: boolean;
  cut: boolean;
  answered: boolean;
  established: boolean;
  openerFinished: boolean;
  otherFinished: boolean;
  reset: boolean;
  expiresAt: number;
}

interface Fragmented {
  node: string;
  name: string;
  firstEnd: number;
  received: number;
  total: number;
  bad: boolean;
  expiresAt: number;
}

const TCP = 6;
const hasPorts = (protocol: number): boolean => [6, 17, 132].includes(protocol);
const inAny = (texts: readonly string[], address: Uint8Array): boolean =>
  texts.some((text) => {
    const prefix = parsePrefix(text);
    return prefix !== undefined && prefixContains(prefix, address);
  });

export interface Twin {
  setRules(rules: readonly FilterRule[], self: FilterSelf, peers: readonly FilterSlot[], now: number): string[];
  judge(peer: number, inbound: boolean, bytes: Uint8Array, now: number): Verdict;
}

export function createTwin(startedAt: number): Twin {
  let rules: readonly FilterRule[] = [];
  let self: FilterSelf = { addresses: [], forwards: [] };
  let peers = new Map<number, FilterNode>();
  let flows: Flow[] = [];
  let fragmented: Fragmented[] = [];

  const sourceOf = (node: FilterNode, address: Uint8Array): 'own' | 'routed' | undefined => {
    if (inAny(node.addresses, address)) return 'own';
    return inAny(node.routes ?? [], address) ? 'routed' : undefined;
  };
  const placeOf = (address: Uint8Array): 'own' | 'forwarded' | undefined => {
    if (inAny(self.addresses, address)) return 'own';
    return inAny(self.forwards, address) ? 'forwarded' : undefined;
  };

  const grants = (node: FilterNode, from: Uint8Array, to: Uint8Array, protocol: number, port: number): boolean => {
    const ends = { source: formatAddress(from), destination: formatAddress(to) };
    return admittingRule(rules, self.addresses, { peer: node, ...ends, protocol, port }) !== undefined;
  };

  const timeoutOf = (flow: Flow): number => {
    if (flow.cut) return 300_000;
    if (flow.protocol === TCP) {
      if (flow.reset) return 10_000;
      return flow.established && !flow.openerFinished && !flow.otherFinished ? 432_000_000 : 240_000;
    }
    if (flow.protocol === 17 || flow.protocol === 132) return flow.answered ? 300_000 : 120_000;
    return flow.protocol === 1 || flow.protocol === 58 ? 60_000 : 600_000;
  };

  const advance = (flow: Flow, inbound: boolean, flags: number, now: number): void => {
    const byOpener = flow.openedHere !== inbound;
    const wasAnswered = flow.answered;
    if (flow.protocol !== TCP) {
      if (!byOpener) flow.answered = true;
    } else if (flags & 4) {
      flow.reset = true;
    } else {
      if (flags & 1 && byOpener) flow.openerFinished = true;
      if (flags & 1 && !byOpener) flow.otherFinished = true;
      if (!byOpener) flow.answered = true;
      if (byOpener && wasAnswered && !(flags & 2)) flow.established = true;
    }
    flow.expiresAt = now + timeoutOf(flow);
  };

  const describe = (
    packet: Packet,
    inbound: boolean,
  ): Pick<Flow, 'name' | 'protocol' | 'local' | 'remote' | 'localPort'> => {
    const { version, protocol, body, from, to } = packet;
    let [sourcePort, destinationPort] = hasPorts(protocol) ? [read16(body, 0), read16(body, 2)] : [0, 0];
    const kind = kindOf(packet);
    if (kind === 'request') [sourcePort, destinationPort] = [read16(body, 4), 0];
    if (kind === 'reply') [sourcePort, destinationPort] = [0, read16(body, 4)];
    const [local, remote] = inbound ? [to, from] : [from, to];
    const [localPort, remotePort] = inbound ? [destinationPort, sourcePort] : [sourcePort, destinationPort];
    const name = `${version} ${protocol} ${local.join('.')} ${localPort} ${remote.join('.')} ${remotePort}`;
    return { name, protocol, local, remote, localPort };
  };

  const open = (node: FilterNode, packet: Packet, inbound: boolean, flags: number, now: number): void => {
    const flow: Flow = {
      ...describe(packet, inbound),
      node: node.id,
      openedHere: !inbound,
      cut: false,
      answered: false,
      established: false,
      openerFinished: false,
      otherFinished: false,
      reset: false,
      expiresAt: 0,
    };
    flows = flows.filter((other) => other.node !== flow.node || other.name !== flow.name);
    flows.push(flow);
    advance(flow, inbound, flags, now);
  };

  const findFlow = (node: FilterNode, packet: Packet, inbound: boolean, now: number): Flow | undefined => {
    const { name } = describe(packet, inbound);
    return flows.find((flow) => flow.node === node.id && flow.name === name && flow.expiresAt > now);
  };

  const isOver = (flow: Flow): boolean => flow.reset || (flow.openerFinished && flow.otherFinished);

  const judgeIn = (node: FilterNode, packet: Packet, now: number): Verdict => {
    if (sourceOf(node, packet.from) === undefined || placeOf(packet.from) === 'own') return 'source-dropped';
    if (placeOf(packet.to) === undefined) return 'destination-dropped';
    const { fragment, version, protocol } = packet;
    const name = `${version === 4 ? protocol : ''} ${fragment?.id} ${packet.from.join('.')} ${packet.to.join('.')}`;
    const known = fragmented.find((one) => one.node === node.id && one.name === name && one.expiresAt > now);
    if (fragment && fragment.start > 0) {
      if (known === undefined) return 'fragment-dropped';
      if (fragment.start < known.firstEnd) known.bad = true;
      if (known.bad) return 'fragment-dropped';
      known.received += packet.body.length;
      if (!fragment.more) known.total = fragment.start + packet.body.length;
      if (known.total > 0 && known.received >= known.total) fragmented = fragmented.filter((one) => one !== known);
      return 'pass';
    }
    if (fragment && known) {
      known.bad = true;
      return 'fragment-dropped';
    }
    const kind = kindOf(packet);
    if (kind === 'other') return 'icmp-dropped';
    if (kind === 'error') {
      const quoted = fragment ? undefined : readQuoted(packet);
      const flow = quoted && findFlow(node, quoted, false, now);
      return flow && !flow.cut ? 'pass' : 'icmp-dropped';
    }
    const verdict = judgeFlowIn(node, packet, kind, now);
    if (fragment && verdict === 'pass') {
      // What is behind an IPv6 fragment header before the body belongs to the first fragment too.
      const length = firstLength(packet);
      fragmented.push({
        node: node.id,
        name,
        firstEnd: length,
        received: length,
        total: 0,
        bad: false,
        expiresAt: now + 30_000,
      });
      fragmented = fragmented.filter(
        (one, index, all) =>
          one.node !== node.id || all.slice(index).filter((other) => other.node === node.id).length <= 32,
      );
    }
    return verdict;
  };

  const judgeFlowIn = (node: FilterNode, packet: Packet, kind: string, now: number): Verdict => {
    const flow = findFlow(node, packet, true, now);
    const flags = packet.protocol === TCP ? packet.body[13]! : 0;
    const opens = (flags & 18) === 2;
    if (flow && !flow.cut && !opens) {
      advance(flow, true, flags, now);
      return 'pass';
    }
    if (kind === 'reply') return 'icmp-dropped';
    const port = hasPorts(packet.protocol) ? read16(packet.body, 2) : 0;
    if (!grants(node, packet.from, packet.to, packet.protocol, port)) {
      const midway = packet.protocol === TCP && (flags & 22) === 16;
      return !flow && midway && port >= 32_768 && now < startedAt + 300_000 ? 'pass' : 'policy-dropped';
    }
    if (flow && !flow.cut && !flow.openedHere && !isOver(flow)) advance(flow, true, flags, now);
    else if (!(flags & 4)) open(node, packet, true, flags, now);
    return 'pass';
  };

  const judgeOut = (node: FilterNode, packet: Packet, now: number): Verdict => {
    if (placeOf(packet.from) === undefined) return 'source-dropped';
    if (packet.fragment && packet.fragment.start > 0) return 'pass';
    const kind = kindOf(packet);
    if (kind === 'error' || kind === 'other') return 'pass';
    const flow = findFlow(node, packet, false, now);
    const { protocol, body } = packet;
    const flags = protocol === TCP ? body[13]! : 0;
    const opens = (flags & 18) === 2;
    if (flow?.cut && !opens) {
      flow.expiresAt = now + 300_000;
      return 'cut-dropped';
    }
    if (flow && !(opens && (flow.cut || !flow.openedHere || isOver(flow)))) {
      advance(flow, false, flags, now);
      return 'pass';
    }
    let begins = kind !== 'reply' && ![4, 41, 47].includes(protocol);
    if (protocol === TCP && !opens) {
      begins = (flags & 22) === 16 && read16(body, 0) >= 32_768 && now < startedAt + 300_000;
    }
    if (begins) open(node, packet, false, flags, now);
    return 'pass';
  };

  return {
    setRules(nextRules, nextSelf, nextPeers, now) {
      rules = nextRules;
      self = nextSelf;
      peers = new Map(nextPeers.map(({ peer, node }) => [peer, node]));
      fragmented = [];
      const nodes = new Map(nextPeers.map(({ node }) => [node.id, node]));
      const cut = new Set<string>();
      flows = flows.filter((flow) => {
        if (flow.expiresAt <= now) return false;
        const node = nodes.get(flow.node);
        const isWhere = node && sourceOf(node, flow.remote) !== undefined && placeOf(flow.local) !== undefined;
        if (!isWhere) {
          if (!flow.cut || node === undefined) cut.add(flow.node);
          return false;
        }
        if (flow.openedHere) return true;
        if (grants(node, flow.remote, flow.local, flow.protocol, flow.localPort)) return !flow.cut;
        if (!flow.cut) {
          cut.add(flow.node);
          flow.cut = true;
          flow.expiresAt = now + 300_000;
        }
        return true;
      });
      return [...cut].sort();
    },
    judge(peer, inbound, bytes, now) {
      const node = peers.get(peer);
      if (node === undefined) return 'unknown-peer-dropped';
      const packet = readIp(bytes);
      if (typeof packet === 'string') return packet;
      const isLater = packet.fragment !== undefined && packet.fragment.start > 0;
      if (!isLater && !isBodySound(packet)) return packet.fragment ? 'fragment-dropped' : 'malformed-dropped';
      return inbound ? judgeIn(node, packet, now) : judgeOut(node, packet, now);
    },
  };
}

function read16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

/** Where the fragment's part of the packet starts, kept beside the packet it was read from. */
const firstLengths = new WeakMap<Packet, number>();
const firstLength = (packet: Packet): number => firstLengths.get(packet) ?? packet.body.length;

function readIp(bytes: Uint8Array): Packet | Verdict {
  if (bytes.length === 0) return 'malformed-dropped';
  const version = bytes[0]! >> 4;
  if (version === 4) return readIp4(bytes);
  return version === 6 ? readIp6(bytes) : 'malformed-dropped';
}

function readIp4(bytes: Uint8Array): Packet | Verdict {
  if (bytes.length < 20 || read16(bytes, 2) !== bytes.length) return 'malformed-dropped';
  const header = (bytes[0]! & 15) * 4;
  if (header < 20 || header > bytes.length) return 'malformed-dropped';
  if (!areOptionsHarmless([...bytes.subarray(20, header)])) return 'extension-header-dropped';
  const packet: Packet = {
    version: 4,
    from: bytes.slice(12, 16),
    to: bytes.slice(16, 20),
    protocol: bytes[9]!,
    body: bytes.slice(header),
    fragment: undefined,
  };
  const more = (bytes[6]! & 0x20) !== 0;
  const start = (read16(bytes, 6) & 0x1fff) * 8;
  return more || start > 0 ? withFragment(packet, { id: read16(bytes, 4), start, more }, packet.body.length) : packet;
}

function areOptionsHarmless(options: readonly number[]): boolean {
  const [type, size] = options;
  if (type === undefined || type === 0) return true;
  if (type === 1) return areOptionsHarmless(options.slice(1));
  if (type === 131 || type === 137 || size === undefined || size < 2 || size > options.length) return false;
  return areOptionsHarmless(options.slice(size));
}

function readIp6(bytes: Uint8Array): Packet | Verdict {
  if (bytes.length < 40 || read16(bytes, 4) + 40 !== bytes.length) return 'malformed-dropped';
  let next = bytes[6]!;
  let rest = bytes.slice(40);
  let fragment: Packet['fragment'];
  let isFragmentHeaderSeen = false;
  let part = 0;
  const packet = (): Packet => ({
    version: 6,
    from: bytes.slice(8, 24),
    to: bytes.slice(24, 40),
    protocol: next,
    body: rest,
    fragment: undefined,
  });
  for (let count = 1; [0, 43, 44, 60, 135, 139, 140, 253, 254].includes(next); count++) {
    const isKnown = next === 60 || (next === 0 && count === 1) || (next === 44 && !isFragmentHeaderSeen);
    if (!isKnown || count > 8) return 'extension-header-dropped';
    const size = next === 44 ? 8 : (rest[1]! + 1) * 8;
    if (rest.length < 8 || rest.length < size) return isFragmentHeaderSeen ? 'fragment-dropped' : 'malformed-dropped';
    const header = rest;
    rest = rest.slice(size);
    if (next === 44) {
      isFragmentHeaderSeen = true;
      const word = read16(header, 2);
      part = rest.length;
      const found = { id: new DataView(header.buffer).getUint32(4), start: word & ~7, more: (word & 1) === 1 };
      if (found.start > 0) return withFragment({ ...packet(), protocol: 0 }, found, part);
      if (found.more) fragment = found;
    }
    next = header[0]!;
  }
  return fragment ? withFragment(packet(), fragment, part) : packet();
}

function withFragment(packet: Packet, fragment: NonNullable<Packet['fragment']>, length: number): Packet | Verdict {
  if (length === 0 || fragment.start + length > 65_535 || (fragment.more && length % 8 !== 0))
    return 'fragment-dropped';
  const whole = { ...packet, fragment };
  firstLengths.set(whole, length);
  return whole;
}

function isBodySound({ version, protocol, body, fragment }: Packet): boolean {
  if (protocol === TCP) {
    const header = body.length < 20 ? 0 : (body[12]! >> 4) * 4;
    if (header < 20 || header > body.length) return false;
    const [fin, syn, rst, ack] = [1, 2, 4, 16].map((bit) => (body[13]! & bit) !== 0);
    return syn ? !fin && !rst : rst! || ack!;
  }
  if (protocol === 17) {
    if (body.length < 8) return false;
    const length = read16(body, 4);
    return length >= 8 && (fragment !== undefined || length <= body.length);
  }
  if (protocol === 132) return body.length >= 12;
  if (protocol === 1 || protocol === 58) return (protocol === 1) === (version === 4) && body.length >= 8;
  return true;
}

function kindOf({ version, protocol, body }: Packet): 'flow' | 'request' | 'reply' | 'error' | 'other' {
  if (protocol !== (version === 4 ? 1 : 58)) return 'flow';
  const type = body[0]!;
  if (type === (version === 4 ? 8 : 128)) return 'request';
  if (type === (version === 4 ? 0 : 129)) return 'reply';
  return (version === 4 ? [3, 11, 12] : [1, 2, 3, 4]).includes(type) ? 'error' : 'other';
}

/** The packet that an error is about, as far as it is quoted. */
function readQuoted(error: Packet): Packet | undefined {
  const bytes = error.body.slice(8);
  const { version } = error;
  const fixed = version === 4 ? 20 : 40;
  if (bytes.length < fixed || bytes[0]! >> 4 !== version) return undefined;
  let protocol = bytes[version === 4 ? 9 : 6]!;
  let at = version === 4 ? (bytes[0]! & 15) * 4 : 40;
  if (version === 4 && (at < 20 || (read16(bytes, 6) & 0x1fff) !== 0)) return undefined;
  while (version === 6 && [0, 43, 44, 51, 60, 135, 139, 140].includes(protocol)) {
    if (at + 8 > bytes.length) return undefined;
    if (protocol === 44 && read16(bytes, at + 2) >= 8) return undefined;
    const size = protocol === 44 ? 8 : protocol === 51 ? (bytes[at + 1]! + 2) * 4 : (bytes[at + 1]! + 1) * 8;
    protocol = bytes[at]!;
    at += size;
  }
  if (at + 8 > bytes.length) return undefined;
  const quoted: Packet = {
    version,
    from: version === 4 ? bytes.slice(12, 16) : bytes.slice(8, 24),
    to: version === 4 ? bytes.slice(16, 20) : bytes.slice(24, 40),
    protocol,
    body: bytes.slice(at),
    fragment: undefined,
  };
  if (formatAddress(quoted.from) !== formatAddress(error.to)) return undefined;
  return ['error', 'other'].includes(kindOf(quoted)) ? undefined : quoted;
}
