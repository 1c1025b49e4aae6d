#include "coalesce.h"

#include "checksum.h"
#include "packet.h"
#include "segment.h"

enum { MAX_PACKET_BYTES = 65535, MAX_UDP_SEGMENTS = 64 };

void coalesce_start(struct coalescer *c, bool tcp, bool udp) {
  c->tcp = tcp;
  c->udp = udp;
  c->packets = 0;
  c->items = 0;
  c->barrier = 0;
  memset(c->flow, -1, sizeof c->flow);
}

/* True when the packet is of a kind that can be merged at all, whatever it holds. */
static bool is_plain(const uint8_t *packet, uint32_t length, const struct transport *t) {
  if (t->options) return false;
  return t->v6 ? (uint32_t)load16(packet + 4) + 40 == length : load16(packet + 2) == length;
}

static bool is_mergeable(const struct coalescer *c, const uint8_t *packet, uint32_t length, const struct transport *t) {
  const uint8_t *transport = packet + t->offset;
  uint32_t bytes = length - t->offset;
  if (t->protocol == PROTOCOL_TCP) {
    if (!c->tcp || (transport[13] & ~TCP_PSH) != TCP_ACK || (transport[12] & 15) != 0) return false;
  } else if (!c->udp || load16(transport + 4) != bytes || load16(transport + 6) == 0) {
    return false;
  }
  if (bytes <= t->header_bytes || length > MAX_PACKET_BYTES) return false;
  /* The header that is written is made anew: it must not make a broken one good. */
  if (!t->v6 && checksum_fold(checksum_add(packet, t->offset, 0)) != 0xffff) return false;
  return checksum_fold(checksum_add(transport, bytes, checksum_pseudo(packet, t->protocol, bytes))) == 0xffff;
}

static uint32_t hash_flow(const uint8_t *packet, const struct transport *t) {
  uint64_t hash = 0;
  uint32_t ports;
  const uint8_t *addresses = packet + (t->v6 ? 8 : 12);
  for (uint32_t i = 0; i < (t->v6 ? 32u : 8u); i += 8) {
    uint64_t word;
    memcpy(&word, addresses + i, 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  }
  memcpy(&ports, packet + t->offset, 4);
  hash = (hash ^ ports ^ t->protocol) * 0x9e3779b97f4a7c15u;
  return (uint32_t)(hash >> 32) % COALESCE_FLOWS;
}

static bool same_flow(const uint8_t *a, const uint8_t *b, uint32_t offset, bool v6) {
  if ((a[0] ^ b[0]) >> 4 != 0 || memcmp(a + offset, b + offset, 4) != 0) return false;
  if (v6) return a[6] == b[6] && memcmp(a + 8, b + 8, 32) == 0;
  return a[9] == b[9] && memcmp(a + 12, b + 12, 8) == 0;
}

/* The place of a packet's flow. */
static int16_t *find_flow(struct coalescer *c, const uint8_t *packet, const struct transport *t) {
  uint32_t at = hash_flow(packet, t);
  while (c->flow[at] >= 0 && !same_flow(c->packet[c->item[c->flow[at]].first].bytes, packet, t->offset, t->v6)) {
    at = (at + 1) % COALESCE_FLOWS;
  }
  return &c->flow[at];
}

/*
 * True when a packet `count` behind has the identification that cutting would give it. One that may not be
 * fragmented has an identification that means nothing (RFC 6864 section 4.1).
 */
static bool follows_id(const uint8_t *first, const uint8_t *packet, uint16_t count) {
  if ((packet[6] & 0x40) != 0) return true;
  return (uint16_t)(load16(first + 4) + count) == load16(packet + 4);
}

/* True when nothing but length, id, sequence, PSH and checksums differs. */
static bool same_headers(const uint8_t *a, const uint8_t *b, uint32_t header_length, const struct transport *t) {
  const uint8_t *ta = a + t->offset;
  const uint8_t *tb = b + t->offset;
  if (t->v6) {
    if (memcmp(a, b, 4) != 0 || a[7] != b[7]) return false;
  } else if (a[0] != b[0] || a[1] != b[1] || memcmp(a + 6, b + 6, 3) != 0) {
    return false;
  }
  if (t->protocol == PROTOCOL_UDP) return true;
  /* Acknowledgement, data offset, window, urgent pointer, options. */
  return memcmp(ta + 8, tb + 8, 5) == 0 && memcmp(ta + 14, tb + 14, 2) == 0 && memcmp(ta + 18, tb + 18, 2) == 0 &&
         memcmp(ta + 20, tb + 20, header_length - t->offset - 20) == 0;
}

static bool join(struct coalescer *c, struct coalesce_item *item, int16_t index, const struct transport *t) {
  struct coalesce_packet *first = &c->packet[item->first];
  struct coalesce_packet *packet = &c->packet[index];
  uint32_t payload = packet->length - packet->header_length;
  bool tcp = t->protocol == PROTOCOL_TCP;
  if (item->closed || payload > item->segment || item->length + payload > MAX_PACKET_BYTES) return false;
  if (packet->header_length != first->header_length) return false;
  if (!same_headers(first->bytes, packet->bytes, packet->header_length, t)) return false;
  if (!t->v6 && !follows_id(first->bytes, packet->bytes, item->count)) return false;
  if (tcp && load32(packet->bytes + t->offset + 4) != item->next_sequence) return false;
  if (!tcp && item->count == MAX_UDP_SEGMENTS) return false;
  item->push = tcp && (packet->bytes[t->offset + 13] & TCP_PSH) != 0;
  item->closed = item->push || payload < item->segment;
  item->next_sequence += payload;
  item->length += payload;
  item->count++;
  c->packet[item->last].next = index;
  item->last = index;
  return true;
}

static void open_item(struct coalescer *c, int16_t index, const struct transport *t) {
  struct coalesce_packet *packet = &c->packet[index];
  struct coalesce_item *item = &c->item[c->items++];
  *item = (struct coalesce_item){.first = index, .last = index, .count = 1, .length = packet->length, .closed = true};
  if (packet->header_length == 0) return;
  bool tcp = t->protocol == PROTOCOL_TCP;
  uint32_t payload = packet->length - packet->header_length;
  item->segment = (uint16_t)payload;
  item->push = tcp && (packet->bytes[t->offset + 13] & TCP_PSH) != 0;
  item->closed = item->push;
  item->next_sequence = tcp ? load32(packet->bytes + t->offset + 4) + payload : 0;
}

void coalesce_add(struct coalescer *c, const uint8_t *packet, uint32_t length) {
  struct transport t;
  int16_t index = (int16_t)c->packets++;
  c->packet[index] = (struct coalesce_packet){.bytes = packet, .length = length, .next = -1};
  if (!packet_transport(packet, length, &t) || !is_plain(packet, length, &t)) {
    /* It may be of any flow, and no flow's later packets are to be written ahead of it. */
    open_item(c, index, &t);
    c->barrier = c->items;
    return;
  }
  int16_t *flow = find_flow(c, packet, &t);
  if (is_mergeable(c, packet, length, &t)) {
    c->packet[index].header_length = t.offset + t.header_bytes;
    if (*flow >= (int32_t)c->barrier && join(c, &c->item[*flow], index, &t)) return;
  }
  *flow = (int16_t)c->items;
  open_item(c, index, &t);
}

static void build_header(const struct coalescer *c, const struct coalesce_item *item, struct coalesce_write *out) {
  const struct coalesce_packet *first = &c->packet[item->first];
  struct transport t;
  uint8_t *header = out->header;
  memcpy(header, first->bytes, first->header_length);
  packet_transport(first->bytes, first->length, &t);
  uint8_t *transport = header + t.offset;
  bool udp = t.protocol == PROTOCOL_UDP;
  uint32_t bytes = item->length - t.offset;
  if (t.v6) {
    store16(header + 4, (uint16_t)(item->length - 40));
  } else {
    store16(header + 2, (uint16_t)item->length);
    checksum_ipv4(header, t.offset);
  }
  if (udp) store16(transport + 4, (uint16_t)bytes);
  else if (item->push) transport[13] |= TCP_PSH;
  checksum_store(transport + (udp ? 6 : 16), checksum_fold(checksum_pseudo(header, t.protocol, bytes)));
  out->virtio = (struct virtio_net_hdr){
      .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
      .gso_type = udp ? GSO_UDP : t.v6 ? GSO_TCPV6 : GSO_TCPV4,
      .hdr_len = (uint16_t)first->header_length,
      .gso_size = item->segment,
      .csum_start = (uint16_t)t.offset,
      .csum_offset = udp ? 6 : 16,
  };
}

void coalesce_build(const struct coalescer *c, uint32_t index, struct coalesce_write *out) {
  const struct coalesce_item *item = &c->item[index];
  const struct coalesce_packet *packet = &c->packet[item->first];
  int count = 0;
  out->parts[count++] = (struct iovec){&out->virtio, VNET_HEADER_BYTES};
  if (item->count == 1) {
    memset(&out->virtio, 0, sizeof out->virtio);
    out->parts[count++] = (struct iovec){(void *)(uintptr_t)packet->bytes, packet->length};
    out->part_count = count;
    return;
  }
  build_header(c, item, out);
  out->parts[count++] = (struct iovec){out->header, packet->header_length};
  for (int16_t at = item->first; at >= 0; at = packet->next) {
    packet = &c->packet[at];
    out->parts[count++] = (struct iovec){(void *)(uintptr_t)(packet->bytes + packet->header_length),
                                         packet->length - packet->header_length};
  }
  out->part_count = count;
}
