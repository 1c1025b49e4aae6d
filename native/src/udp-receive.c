#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "plane.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* With GRO a message can be 64 KB of datagrams: eight of them are a batch. */
enum { GRO_MESSAGES = 8, CONTROL_BYTES = 256 };

static uint32_t word_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void describe(int32_t *datagram, const uint8_t *bytes, const struct message *message, uint32_t length) {
  uint32_t words[4] = {0};
  for (uint32_t i = 0; i < 4 && length >= i * 4 + 4; i++) words[i] = word_at(bytes + i * 4);
  memset(datagram, 0, DATAGRAM_WORDS * sizeof *datagram);
  datagram[DATAGRAM_OFFSET] = (int32_t)message->offset;
  datagram[DATAGRAM_LENGTH] = (int32_t)length;
  datagram[DATAGRAM_TYPE] = (int32_t)words[0];
  datagram[DATAGRAM_RECEIVER] = (int32_t)words[1];
  /* The counter counts only when both its halves are there. */
  datagram[DATAGRAM_COUNTER_LOW] = length >= 16 ? (int32_t)words[2] : 0;
  datagram[DATAGRAM_COUNTER_HIGH] = (int32_t)words[3];
  datagram[DATAGRAM_SOURCE] = message->source;
  datagram[DATAGRAM_TOS] = message->tos;
  datagram[DATAGRAM_KEY] = -1;
  datagram[DATAGRAM_OPENED] = -1;
}

/* Cuts a message into datagrams behind the first `count`, as long as there is room. */
static int split(struct plane *plane, struct message *message, int count) {
  do {
    uint32_t length = message->bytes < message->segment ? message->bytes : message->segment;
    if (count == LAYOUT_DATAGRAMS) break;
    describe(plane->datagrams + count * DATAGRAM_WORDS, plane->slab + message->offset, message, length);
    count++;
    message->offset += length;
    message->bytes -= length;
  } while (message->bytes > 0);
  return count;
}

/* Datagrams of the messages that wait; those that do not fit keep waiting. */
static int take(struct plane *plane) {
  struct udp *udp = &plane->udp;
  int count = 0;
  while (udp->first_left < udp->left && count < LAYOUT_DATAGRAMS) {
    struct message *message = &udp->messages[udp->first_left];
    count = split(plane, message, count);
    if (message->bytes == 0) udp->first_left++;
  }
  if (udp->first_left == udp->left) udp->first_left = udp->left = 0;
  return count;
}

static void write_source(int32_t *record, const struct sockaddr_storage *address) {
  memset(record, 0, ENDPOINT_WORDS * sizeof *record);
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    record[ENDPOINT_FAMILY] = 4;
    record[ENDPOINT_PORT] = ntohs(v4->sin_port);
    memcpy(record + ENDPOINT_ADDRESS, &v4->sin_addr, 4);
  } else if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    record[ENDPOINT_FAMILY] = 6;
    record[ENDPOINT_PORT] = ntohs(v6->sin6_port);
    memcpy(record + ENDPOINT_ADDRESS, &v6->sin6_addr, 16);
    record[ENDPOINT_SCOPE] = (int32_t)v6->sin6_scope_id;
  }
}

static void write_local(int32_t *record, const void *address, size_t bytes, uint32_t interface) {
  record[ENDPOINT_HAS_SOURCE] = 1;
  memcpy(record + ENDPOINT_SOURCE, address, bytes);
  record[ENDPOINT_SOURCE_INTERFACE] = (int32_t)interface;
}

static void read_control(struct msghdr *header, int32_t *record, struct message *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
    const void *data = CMSG_DATA(c);
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, data, sizeof info);
      /* The address the packet was sent to, when it is one of ours to answer from. */
      write_local(record, &info.ipi_spec_dst, 4, (uint32_t)info.ipi_ifindex);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, data, sizeof info);
      write_local(record, &info.ipi6_addr, 16, info.ipi6_ifindex);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
      message->tos = *(const uint8_t *)data;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
      memcpy(&message->tos, data, sizeof message->tos);
    } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
      int segment;
      memcpy(&segment, data, sizeof segment);
      if (segment > 0) message->segment = (uint32_t)segment;
    }
  }
}

/* Receives from one family into the slots that are free; every message has the slot of its number. */
static void receive_family(struct plane *plane, int family, int wanted) {
  struct mmsghdr messages[LAYOUT_UDP_SLOTS];
  struct iovec parts[LAYOUT_UDP_SLOTS];
  struct sockaddr_storage addresses[LAYOUT_UDP_SLOTS];
  _Alignas(struct cmsghdr) uint8_t control[LAYOUT_UDP_SLOTS][CONTROL_BYTES];
  struct udp *udp = &plane->udp;
  const int first = udp->left;
  for (int i = 0; i < wanted; i++) {
    uint8_t *at = plane->slab + REGION_UDP + (size_t)(first + i) * LAYOUT_UDP_SLOT_BYTES;
    parts[i] = (struct iovec){at, LAYOUT_UDP_SLOT_BYTES};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &addresses[i],
                                          .msg_namelen = sizeof addresses[i],
                                          .msg_iov = &parts[i],
                                          .msg_iovlen = 1,
                                          .msg_control = control[i],
                                          .msg_controllen = CONTROL_BYTES};
  }
  int received = recvmmsg(udp->fd[family], messages, (unsigned)wanted, MSG_DONTWAIT, NULL);
  if (received < wanted) udp->ready[family] = false;
  if (received < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED && errno != EHOSTUNREACH) {
    faults_note(&plane->faults, "recvmmsg", NULL, errno);
  }
  for (int i = 0; i < received; i++) {
    int slot = first + i;
    struct message *message = &udp->messages[slot];
    *message = (struct message){.offset = REGION_UDP + (uint32_t)slot * LAYOUT_UDP_SLOT_BYTES,
                                .bytes = messages[i].msg_len,
                                .segment = LAYOUT_UDP_SLOT_BYTES,
                                .source = slot};
    int32_t *record = plane->endpoints + (size_t)slot * ENDPOINT_WORDS;
    write_source(record, &addresses[i]);
    read_control(&messages[i].msg_hdr, record, message);
    udp->left++;
  }
}

int udp_receive(struct plane *plane) {
  struct udp *udp = &plane->udp;
  const int most = udp->gro ? GRO_MESSAGES : LAYOUT_UDP_SLOTS;
  if (udp->left > 0) return take(plane);
  for (int i = 0; i < FAMILIES && udp->left < most; i++) {
    int family = (udp->first + i) % FAMILIES;
    if (udp->fd[family] >= 0 && (udp->ready[family] || !udp->polled)) receive_family(plane, family, most - udp->left);
  }
  udp->first = (udp->first + 1) % FAMILIES;
  return take(plane);
}
