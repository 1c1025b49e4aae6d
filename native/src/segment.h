/* A super-packet that the kernel coalesced (TSO, USO), cut into the packets that go on the wire. */
#ifndef PCLOUD_SEGMENT_H
#define PCLOUD_SEGMENT_H

#include "packet.h"

/* virtio-net GSO types; the kernel's headers of older systems lack the last. */
enum { GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_ECN = 0x80, GSO_UDP = 5 };

enum { SEGMENT_HEADER_BYTES = 256 };

struct segmenter {
  uint8_t *packet;
  uint32_t length;
  uint32_t header_length; /* IP and transport, in front of the payload */
  uint32_t size; /* payload bytes a segment */
  uint32_t count;
  struct transport transport;
  uint32_t sequence;
  uint16_t id;
  uint8_t flags;
  uint8_t header[SEGMENT_HEADER_BYTES];
};

/*
 * Checks a super-packet by its own headers, not by what came along with it. False when it is not what
 * `gso_type` says: then it is not to be sent.
 */
bool segment_start(struct segmenter *s, uint8_t *packet, uint32_t length, int32_t gso_type, int32_t gso_size,
                   int32_t checksum_start);

/*
 * Makes segment `index`, in order from 0, in place: its headers are written over the end of the segment
 * before it, which must be done with. Returns where it starts; its bytes in `length`.
 */
uint8_t *segment_next(struct segmenter *s, uint32_t index, uint32_t *length);

/* Finishes a checksum that the kernel left partial; false when its place is not in the packet. */
bool segment_finish_checksum(uint8_t *packet, uint32_t length, int32_t start, int32_t offset);

#endif
