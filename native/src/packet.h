/* Where the headers of an IP packet lie. Nothing here reads outside of the packet. */
#ifndef PCLOUD_PACKET_H
#define PCLOUD_PACKET_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_CWR = 0x80 };

struct transport {
  uint32_t offset; /* of the transport header */
  uint32_t header_bytes; /* of the transport header */
  uint8_t protocol;
  bool v6;
  bool options; /* IPv4 options or IPv6 extension headers are there */
};

static inline uint16_t load16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, 2);
  return ntohs(value);
}

static inline uint32_t load32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return ntohl(value);
}

static inline void store16(uint8_t *at, uint16_t value) {
  value = htons(value);
  memcpy(at, &value, 2);
}

static inline void store32(uint8_t *at, uint32_t value) {
  value = htonl(value);
  memcpy(at, &value, 4);
}

/* Finds an unfragmented TCP or UDP header that lies wholly in the packet; false when there is none. */
bool packet_transport(const uint8_t *packet, uint32_t length, struct transport *out);

#endif
