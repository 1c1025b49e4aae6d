#include "packet.h"

/* Of the extension headers only options: behind a routing header the checksum covers another address. */
enum { HOP_BY_HOP = 0, DESTINATION = 60 };

static bool ipv4(const uint8_t *packet, uint32_t length, struct transport *out) {
  if (length < 20) return false;
  out->offset = (uint32_t)(packet[0] & 15) * 4;
  if (out->offset < 20 || (load16(packet + 6) & 0x3fff) != 0) return false;
  out->v6 = false;
  out->options = out->offset != 20;
  out->protocol = packet[9];
  return true;
}

static bool ipv6(const uint8_t *packet, uint32_t length, struct transport *out) {
  if (length < 40) return false;
  out->v6 = true;
  out->options = false;
  out->offset = 40;
  out->protocol = packet[6];
  while (out->protocol == HOP_BY_HOP || out->protocol == DESTINATION) {
    if (out->offset + 8 > length) return false;
    out->protocol = packet[out->offset];
    out->offset += 8 + (uint32_t)packet[out->offset + 1] * 8;
    out->options = true;
  }
  return true;
}

bool packet_transport(const uint8_t *packet, uint32_t length, struct transport *out) {
  bool found = false;
  if (length == 0) return false;
  if (packet[0] >> 4 == 4) found = ipv4(packet, length, out);
  if (packet[0] >> 4 == 6) found = ipv6(packet, length, out);
  if (!found) return false;
  if (out->protocol == PROTOCOL_UDP) {
    out->header_bytes = 8;
    return out->offset + 8 <= length;
  }
  if (out->protocol != PROTOCOL_TCP || out->offset + 20 > length) return false;
  out->header_bytes = (uint32_t)(packet[out->offset + 12] >> 4) * 4;
  return out->header_bytes >= 20 && out->offset + out->header_bytes <= length;
}
