#include "checksum.h"

#include <arpa/inet.h>

static uint64_t add_words(const uint8_t *bytes, size_t words, uint64_t sum) {
  uint64_t word;
#if defined(__x86_64__)
  for (; words >= 8; words -= 8, bytes += 64) {
    __asm__("addq 0(%1), %0\n\t"
            "adcq 8(%1), %0\n\t"
            "adcq 16(%1), %0\n\t"
            "adcq 24(%1), %0\n\t"
            "adcq 32(%1), %0\n\t"
            "adcq 40(%1), %0\n\t"
            "adcq 48(%1), %0\n\t"
            "adcq 56(%1), %0\n\t"
            "adcq $0, %0"
            : "+r"(sum)
            : "r"(bytes), "m"(*(const uint8_t(*)[64])bytes)
            : "cc");
  }
#endif
  for (; words > 0; words--, bytes += 8) {
    memcpy(&word, bytes, 8);
    sum = checksum_join(sum, word);
  }
  return sum;
}

uint64_t checksum_add(const uint8_t *bytes, size_t length, uint64_t sum) {
  uint64_t tail = 0;
  sum = add_words(bytes, length / 8, sum);
  if (length % 8 != 0) {
    memcpy(&tail, bytes + (length & ~(size_t)7), length % 8);
    sum = checksum_join(sum, tail);
  }
  return sum;
}

uint64_t checksum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t transport_length) {
  uint64_t sum = (uint64_t)htonl(transport_length) + htons(protocol);
  return ip[0] >> 4 == 4 ? checksum_add(ip + 12, 8, sum) : checksum_add(ip + 8, 32, sum);
}

void checksum_ipv4(uint8_t *ip, size_t length) {
  checksum_store(ip + 10, 0);
  checksum_store(ip + 10, (uint16_t)~checksum_fold(checksum_add(ip, length, 0)));
}
