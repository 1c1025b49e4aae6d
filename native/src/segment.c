#include "segment.h"

#include "checksum.h"

static bool matches(const struct transport *t, int32_t gso_type) {
  if (gso_type == GSO_TCPV4) return t->protocol == PROTOCOL_TCP && !t->v6;
  if (gso_type == GSO_TCPV6) return t->protocol == PROTOCOL_TCP && t->v6;
  return gso_type == GSO_UDP && t->protocol == PROTOCOL_UDP;
}

bool segment_start(struct segmenter *s, uint8_t *packet, uint32_t length, int32_t gso_type, int32_t gso_size,
                   int32_t checksum_start) {
  if (!packet_transport(packet, length, &s->transport) || !matches(&s->transport, gso_type)) return false;
  if ((int32_t)s->transport.offset != checksum_start || gso_size <= 0 || gso_size > 65535) return false;
  s->header_length = s->transport.offset + s->transport.header_bytes;
  if (s->header_length > SEGMENT_HEADER_BYTES || s->header_length >= length) return false;
  s->packet = packet;
  s->length = length;
  s->size = (uint32_t)gso_size;
  s->count = (length - s->header_length + s->size - 1) / s->size;
  memcpy(s->header, packet, s->header_length);
  s->id = load16(packet + 4);
  s->sequence = load32(packet + s->transport.offset + 4);
  s->flags = s->transport.protocol == PROTOCOL_TCP ? packet[s->transport.offset + 13] : 0;
  return true;
}

static void write_ip(const struct segmenter *s, uint8_t *packet, uint32_t index, uint32_t length) {
  if (s->transport.v6) {
    store16(packet + 4, (uint16_t)(length - 40));
    return;
  }
  store16(packet + 2, (uint16_t)length);
  store16(packet + 4, (uint16_t)(s->id + index));
  checksum_ipv4(packet, s->transport.offset);
}

static void write_tcp(const struct segmenter *s, uint8_t *tcp, uint32_t index) {
  uint8_t flags = s->flags;
  if (index > 0) flags &= (uint8_t)~TCP_CWR;
  if (index + 1 < s->count) flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
  store32(tcp + 4, s->sequence + index * s->size);
  tcp[13] = flags;
}

uint8_t *segment_next(struct segmenter *s, uint32_t index, uint32_t *length) {
  uint8_t *packet = s->packet + (size_t)index * s->size;
  uint8_t *transport = packet + s->transport.offset;
  uint32_t left = s->length - s->header_length - index * s->size;
  uint32_t bytes = s->header_length + (left < s->size ? left : s->size);
  uint32_t transport_bytes = bytes - s->transport.offset;
  bool udp = s->transport.protocol == PROTOCOL_UDP;
  uint8_t *checksum = transport + (udp ? 6 : 16);
  if (index > 0) memcpy(packet, s->header, s->header_length);
  write_ip(s, packet, index, bytes);
  if (udp) store16(transport + 4, (uint16_t)transport_bytes);
  else write_tcp(s, transport, index);
  checksum_store(checksum, 0);
  uint64_t pseudo = checksum_pseudo(packet, s->transport.protocol, transport_bytes);
  uint16_t sum = (uint16_t)~checksum_fold(checksum_add(transport, transport_bytes, pseudo));
  checksum_store(checksum, udp && sum == 0 ? 0xffff : sum);
  *length = bytes;
  return packet;
}

bool segment_finish_checksum(uint8_t *packet, uint32_t length, int32_t start, int32_t offset) {
  if (start < 0 || offset < 0 || (uint32_t)start >= length || (uint32_t)offset + 2 > length - (uint32_t)start) return false;
  /* The field already holds the sum of the pseudo-header, so it is part of what is summed. */
  uint16_t sum = (uint16_t)~checksum_fold(checksum_add(packet + start, length - (uint32_t)start, 0));
  /* RFC 768: a UDP checksum of zero goes out as all ones. */
  checksum_store(packet + start + offset, offset == 6 && sum == 0 ? 0xffff : sum);
  return true;
}
