/** Packets of every port class, and what the real packet filter makes of them. */
import type { MapNode, NetworkMap } from '@pcloud/netmap';
import type { Peer } from '@pcloud/wireguard';
import type { MeshFilter } from '../../packages/daemon/src/mesh/peers/mesh-filter.ts';
import { echo, ip, SYN, tcp, udp } from '../../packages/daemon/tests/filter-packets.ts';

export interface Probe {
  /** IP protocol number. */
  readonly protocol: number;
  /** 0 where there is none. */
  readonly port: number;
}

/** One of each class of ports that the policies can tell apart, and those of floor and ceiling. */
const PORTS = [22, 53, 80, 443, 2379, 2380, 6443, 6500, 8443, 8472, 10_250, 51_820, 65_535];

export const PROBES: readonly Probe[] = [
  ...[6, 17, 132].flatMap((protocol) => PORTS.map((port) => ({ protocol, port }))),
  ...[1, 58, 47].map((protocol) => ({ protocol, port: 0 })),
];

let probes = 0;

/** The first packet of a flow that nobody had before. */
export function packetOf({ protocol, port }: Probe, from: readonly string[], to: readonly string[]): Uint8Array {
  const number = probes++;
  const sourcePort = 1_024 + (number % 60_000);
  const family = protocol === 58 || number % 2 === 1 ? 1 : 0;
  const [source, goal] = protocol === 1 ? [from[0]!, to[0]!] : [from[family]!, to[family]!];
  const ends = [`[${source}]:${sourcePort}`, `[${goal}]:${port}`] as const;
  if (protocol === 6) return tcp(...ends, SYN);
  if (protocol === 17) return udp(...ends);
  if (protocol === 1 || protocol === 58) return echo(source, goal, sourcePort);
  const payload = new Uint8Array(16);
  if (protocol === 132) new DataView(payload.buffer).setUint32(0, sourcePort * 65_536 + port);
  return ip({ from: source, to: goal, protocol, payload });
}

/** Gives the filter a map; peers have the slots of a table that is made of it anew. */
export function applyMap(filter: MeshFilter, map: NetworkMap, now: number): ReadonlyMap<string, number> {
  const slots = new Map([...map.nodes.keys()].map((id, slot) => [id, slot]));
  const peerOf = ({ id }: MapNode): Peer => ({ endpointSlot: slots.get(id)! }) as Peer;
  filter.apply(map, peerOf, now);
  return slots;
}
