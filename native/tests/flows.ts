import { ipv4 } from '../../packages/ip/tests/packets.ts';
import { pattern, type TcpOptions, tcp, udp } from '../../packages/ip/tests/segment-packets.ts';
import type { Random } from './random.ts';

interface Flow {
  readonly isUdp: boolean;
  fields: TcpOptions & { sequence: number; id: number };
}

/**
 * `count` packets of a few flows that mostly follow each other, with now and then what ends a run: PSH, a
 * shorter packet, a gap, other headers, a wrong checksum, a fragment, another protocol.
 */
export function randomFlows(random: Random, count: number): Uint8Array[] {
  const flows = Array.from({ length: random.integer(1, 4) }, (_, i) => createFlow(random, i));
  const size = random.of([1, 10, 500, 1400]);
  return Array.from({ length: count }, () => {
    if (random.once(30)) return random.of([new Uint8Array(1), pattern(30), ipv4({ protocol: 1, payload: pattern(8) })]);
    return nextPacket(random, random.of(flows), size);
  });
}

function createFlow(random: Random, index: number): Flow {
  const id = random.integer(0xffe0, 0xffff);
  const sequence = 0xffff_ff00 + random.integer(0, 255);
  const tcpOptions = random.of([[], [1, 1, 1, 1]]);
  const fragment = random.of([0, 0x4000]);
  const family = random.of([4, 6] as const);
  return { isUdp: random.once(2), fields: { family, sourcePort: 1000 + index, id, sequence, tcpOptions, fragment } };
}

function nextPacket(random: Random, flow: Flow, size: number): Uint8Array {
  const length = random.once(15) ? random.integer(0, size) : size;
  const fields = {
    ...flow.fields,
    ...(random.once(15) ? oddFields(random) : {}),
    payload: pattern(length, flow.fields.id),
  };
  const packet = flow.isUdp ? udp(fields) : tcp(fields);
  if (random.once(30)) packet[random.integer(0, packet.length - 1)]! ^= 1 << random.integer(0, 7);
  if (random.once(40)) return packet.slice(0, random.integer(1, packet.length));
  const gap = random.once(30) ? 1 : 0;
  flow.fields = {
    ...flow.fields,
    sequence: (flow.fields.sequence + length + gap) >>> 0,
    id: (flow.fields.id + 1 + gap) & 0xffff,
  };
  return packet;
}

function oddFields(random: Random): TcpOptions {
  return random.of<TcpOptions>([
    { flags: 0x18 },
    { flags: 0x11 },
    { tos: 3 },
    { ttl: 9 },
    { window: 1 },
    { urgent: 1 },
    { acknowledgement: 5 },
    { fragment: 0x2000 },
    { tcpOptions: [1, 1, 1, 0] },
    { destinationPort: 7 },
  ]);
}
