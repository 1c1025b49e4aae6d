/* The Internet checksum (RFC 1071), in the byte order of memory: load, sum, fold and store native words. */
#ifndef PCLOUD_CHECKSUM_H
#define PCLOUD_CHECKSUM_H

#include <stdint.h>
#include <stddef.h>
#include <string.h>

/* Sum of `length` bytes, added to `sum`. Only the last of several parts may have an odd length. */
uint64_t checksum_add(const uint8_t *bytes, size_t length, uint64_t sum);

/* One's complement addition of two sums. */
static inline uint64_t checksum_join(uint64_t a, uint64_t b) {
  a += b;
  return a + (a < b);
}

/* A sum as 16 bits, not complemented. */
static inline uint16_t checksum_fold(uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return (uint16_t)sum;
}

/* Sum of the pseudo-header of TCP and UDP (RFC 9293 3.1, RFC 8200 8.1) of the IP packet at `ip`. */
uint64_t checksum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t transport_length);

static inline void checksum_store(uint8_t *at, uint16_t value) { memcpy(at, &value, 2); }

/* Writes the header checksum of an IPv4 header of `length` bytes. */
void checksum_ipv4(uint8_t *ip, size_t length);

#endif
