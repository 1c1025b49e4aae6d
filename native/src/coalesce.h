/*
 * The way into the TUN: packets of one flow that follow each other are put together again, so that the
 * kernel handles one super-packet (GRO). Works on a list of packets and changes none of them.
 */
#ifndef PCLOUD_COALESCE_H
#define PCLOUD_COALESCE_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "layout.h"

enum { VNET_HEADER_BYTES = 10, COALESCE_FLOWS = 1024, COALESCE_HEADER_BYTES = 128 };

struct coalesce_packet {
  const uint8_t *bytes;
  uint32_t length;
  uint32_t header_length; /* IP and transport; 0 when it takes no part */
  int16_t next; /* packet behind it in its item, or -1 */
};

struct coalesce_item {
  int16_t first;
  int16_t last;
  uint16_t count;
  uint16_t segment; /* payload bytes of each but the last */
  uint32_t length; /* of the whole */
  uint32_t next_sequence;
  bool closed;
  bool push;
};

_Static_assert(COALESCE_FLOWS >= 2 * LAYOUT_DATAGRAMS, "there is always a free place");

struct coalescer {
  bool tcp;
  bool udp;
  uint32_t packets;
  uint32_t items;
  struct coalesce_packet packet[LAYOUT_DATAGRAMS];
  struct coalesce_item item[LAYOUT_DATAGRAMS];
  uint32_t barrier; /* items before this one take no more packets */
  int16_t flow[COALESCE_FLOWS]; /* last item of a flow, at its hash or the next free place behind; or -1 */
};

/* What is written at once: virtio header, headers of the whole, then payloads. */
struct coalesce_write {
  struct virtio_net_hdr virtio;
  uint8_t header[COALESCE_HEADER_BYTES];
  struct iovec parts[LAYOUT_DATAGRAMS + 2];
  int part_count;
};

void coalesce_start(struct coalescer *c, bool tcp, bool udp);

/* Adds a packet, which must stay where it is until everything is written. */
void coalesce_add(struct coalescer *c, const uint8_t *packet, uint32_t length);

/* Fills `out` with item `index`; its first part is the virtio header. */
void coalesce_build(const struct coalescer *c, uint32_t index, struct coalesce_write *out);

#endif
