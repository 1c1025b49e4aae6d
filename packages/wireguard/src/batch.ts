/**
 * The memory that a batch of packets lives in: one slab, with packet bytes, descriptors and endpoints at
 * fixed places, shared by this package (which decides) and a data plane (which reads, seals, opens and
 * writes). Calls pass counts only. Where the slab comes from C, its layout is checked against these
 * constants when the addon is loaded.
 */
import { ENDPOINT } from '@pcloud/ip';

/** Sizes of the slab, in items and bytes. */
export const LAYOUT = {
  /** Packets that one read of the TUN can bring; with offload each is up to 64 KB. */
  TUN_SLOTS: 8,
  /** Bytes of a TUN slot. */
  TUN_SLOT_BYTES: 66_560,
  /** Where in its slot a packet starts: room for headers to be written in place. */
  TUN_HEADROOM: 64,
  /** Messages that one receive can bring; with UDP GRO each is up to 64 KB. */
  UDP_SLOTS: 64,
  /** Bytes of a UDP slot. */
  UDP_SLOT_BYTES: 66_560,
  /** Datagrams that one receive can bring, all messages together. */
  DATAGRAMS: 512,
  /** Bytes that a data plane may seal into before it sends. */
  SEND_BYTES: 262_144,
  /** Endpoint slots: first one for each received message (its source), then one for each peer. */
  ENDPOINTS: 65_664,
  /** First endpoint slot that belongs to a peer. */
  PEER_ENDPOINTS: 128,
} as const;

/** A packet out of the TUN on its way to a peer: words of its descriptor. */
export const FRAME = {
  WORDS: 16,
  /** Byte offset of the IP packet in the slab. */
  OFFSET: 0,
  /** Bytes of the packet, a whole super-packet where the kernel coalesced; 0 is a keepalive. */
  LENGTH: 1,
  /** virtio-net GSO type without its ECN bit: 0 none, 1 TCPv4, 4 TCPv6, 5 UDP. */
  GSO_TYPE: 2,
  /** Payload bytes of a segment. */
  GSO_SIZE: 3,
  /** Segments this packet becomes: ≥ 1. Counters used. */
  SEGMENTS: 4,
  /** Where the checksum that is still to be finished starts; with CHECKSUM_OFFSET 0: none is. */
  CHECKSUM_START: 5,
  /** Where, from its start, the checksum is stored: 16 for TCP, 6 for UDP. */
  CHECKSUM_OFFSET: 6,
  /** Bytes of IP and transport header in front of the payload; 0 when not segmented. */
  HEADER_LENGTH: 7,
  /** Decision: key slot to seal with, or -1 to drop. */
  KEY: 8,
  /** Decision: first counter, low and high half, each an unsigned 32-bit value. */
  COUNTER_LOW: 9,
  COUNTER_HIGH: 10,
  /** Decision: the peer's index of the session. */
  RECEIVER: 11,
  /** Decision: endpoint slot to send to. */
  ENDPOINT: 12,
  /** Decision: the outer TOS byte, the ECN bits of the inner packet. */
  TOS: 13,
  /** Decision: padding stops here; 0 for none. Bytes. */
  MTU: 14,
  /** Result: UDP payload bytes handed to the kernel. */
  SENT_BYTES: 15,
} as const;

/** A datagram from the network: words of its descriptor. */
export const DATAGRAM = {
  WORDS: 16,
  /** Byte offset of the UDP payload in the slab. */
  OFFSET: 0,
  /** Bytes of the UDP payload. */
  LENGTH: 1,
  /** First four bytes as a little-endian word: the type; 0 when shorter. */
  TYPE: 2,
  /** Bytes 4–7, the receiver index of a transport message; 0 when shorter. */
  RECEIVER: 3,
  /** Bytes 8–15, the counter, low and high half; 0 when shorter. */
  COUNTER_LOW: 4,
  COUNTER_HIGH: 5,
  /** Endpoint slot that holds where it came from. */
  SOURCE: 6,
  /** The outer TOS byte. */
  TOS: 7,
  /** Decision: key slot to open with, or -1 to leave alone. */
  KEY: 8,
  /** Result of opening: bytes of plaintext (at OFFSET + 16), or -1 when it does not verify. */
  OPENED: 9,
  /** Decision: bytes of the inner packet (at OFFSET + 16) to write to the TUN, 0 for none. */
  DELIVER: 10,
} as const;

/** Typed views of one slab; every reader and writer shares them. */
export interface Batch {
  readonly bytes: Uint8Array;
  /** `LAYOUT.TUN_SLOTS` descriptors of `FRAME.WORDS` words. */
  readonly frames: Int32Array;
  /** `LAYOUT.DATAGRAMS` descriptors of `DATAGRAM.WORDS` words. */
  readonly datagrams: Int32Array;
  /** `LAYOUT.ENDPOINTS` records of `ENDPOINT.WORDS` words. */
  readonly endpoints: Int32Array;
  /** Whose each datagram to be delivered is: its peer's endpoint slot. Not in the slab: no data plane needs it. */
  readonly senders: Int32Array;
}

const FRAMES_BYTES = LAYOUT.TUN_SLOTS * FRAME.WORDS * 4;
const DATAGRAMS_BYTES = LAYOUT.DATAGRAMS * DATAGRAM.WORDS * 4;
const ENDPOINTS_BYTES = LAYOUT.ENDPOINTS * ENDPOINT.WORDS * 4;

/** Byte offsets of the regions of a slab, in order. */
export const REGIONS: Readonly<Record<'FRAMES' | 'DATAGRAMS' | 'ENDPOINTS' | 'TUN' | 'UDP' | 'SEND', number>> = {
  FRAMES: 0,
  DATAGRAMS: FRAMES_BYTES,
  ENDPOINTS: FRAMES_BYTES + DATAGRAMS_BYTES,
  TUN: FRAMES_BYTES + DATAGRAMS_BYTES + ENDPOINTS_BYTES,
  UDP: FRAMES_BYTES + DATAGRAMS_BYTES + ENDPOINTS_BYTES + LAYOUT.TUN_SLOTS * LAYOUT.TUN_SLOT_BYTES,
  SEND:
    FRAMES_BYTES +
    DATAGRAMS_BYTES +
    ENDPOINTS_BYTES +
    LAYOUT.TUN_SLOTS * LAYOUT.TUN_SLOT_BYTES +
    LAYOUT.UDP_SLOTS * LAYOUT.UDP_SLOT_BYTES,
};

/** Bytes of a whole slab. */
export const SLAB_BYTES: number = REGIONS.SEND + LAYOUT.SEND_BYTES;

/**
 * Views of a slab.
 * @param slab `SLAB_BYTES` bytes, kept for as long as the batch.
 */
export function createBatch(slab: ArrayBuffer = new ArrayBuffer(SLAB_BYTES)): Batch {
  return {
    bytes: new Uint8Array(slab),
    frames: new Int32Array(slab, REGIONS.FRAMES, FRAMES_BYTES / 4),
    datagrams: new Int32Array(slab, REGIONS.DATAGRAMS, DATAGRAMS_BYTES / 4),
    endpoints: new Int32Array(slab, REGIONS.ENDPOINTS, ENDPOINTS_BYTES / 4),
    senders: new Int32Array(LAYOUT.DATAGRAMS),
  };
}
