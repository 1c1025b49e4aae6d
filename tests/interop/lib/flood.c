/*
 * Sends IPv4 UDP datagrams at a steady rate from many spoofed addresses and ports.
 *
 *   flood FILE RECORD_BYTES TARGET_ADDRESS TARGET_PORT SOURCE_PREFIX RATE SECONDS
 *
 * FILE holds records of RECORD_BYTES, sent over and over. SOURCE_PREFIX is a /16 such as 10.99.0.0.
 * Prints the count of datagrams sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define BATCH 100

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 8) return fprintf(stderr, "usage: flood FILE RECORD_BYTES ADDRESS PORT PREFIX RATE SECONDS\n"), 2;
  FILE *file = fopen(argv[1], "rb");
  if (!file) return perror(argv[1]), 1;
  size_t record = (size_t)atoi(argv[2]);
  fseek(file, 0, SEEK_END);
  size_t count = (size_t)ftell(file) / record;
  rewind(file);
  uint8_t *records = malloc(count * record);
  if (count == 0 || fread(records, record, count, file) != count) return fprintf(stderr, "short file\n"), 1;

  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (fd < 0) return perror("socket"), 1;
  struct sockaddr_in target = {.sin_family = AF_INET};
  inet_pton(AF_INET, argv[3], &target.sin_addr);
  uint16_t port = htons((uint16_t)atoi(argv[4]));
  uint32_t prefix = ntohl(inet_addr(argv[5])) & 0xffff0000u;
  double rate = atof(argv[6]), seconds = atof(argv[7]);

  static struct { struct iphdr ip; struct udphdr udp; } headers[BATCH];
  static struct iovec parts[BATCH][2];
  static struct mmsghdr messages[BATCH];
  uint64_t sent = 0;
  double start = now();
  for (;;) {
    double elapsed = now() - start;
    if (elapsed >= seconds) break;
    if ((double)sent > elapsed * rate) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
      continue;
    }
    for (int i = 0; i < BATCH; i++) {
      uint64_t n = sent + (uint64_t)i;
      headers[i].ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
        .tot_len = htons((uint16_t)(28 + record)), .saddr = htonl(prefix | (uint32_t)((n * 40503u) & 0xffffu)),
        .daddr = target.sin_addr.s_addr};
      headers[i].udp = (struct udphdr){.source = htons((uint16_t)(1024 + n % 60000)), .dest = port,
        .len = htons((uint16_t)(8 + record))};
      parts[i][0] = (struct iovec){&headers[i], 28};
      parts[i][1] = (struct iovec){records + (n % count) * record, record};
      messages[i].msg_hdr = (struct msghdr){.msg_name = &target, .msg_namelen = sizeof target,
        .msg_iov = parts[i], .msg_iovlen = 2};
    }
    int done = sendmmsg(fd, messages, BATCH, 0);
    if (done < 0) return perror("sendmmsg"), 1;
    sent += (uint64_t)done;
  }
  printf("%llu\n", (unsigned long long)sent);
  return 0;
}
