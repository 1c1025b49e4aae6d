#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "plane.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* What one send with UDP_SEGMENT can carry (UDP_MAX_SEGMENTS; a datagram of 65,507 bytes less some room). */
enum { RUN_SEGMENTS = 64, RUN_BYTES = 65500, CONTROL_BYTES = 128 };

/*
 * How long a full socket buffer is waited for: enough for a link to drain some, so that congestion is felt
 * by the queue of the TUN rather than as loss, and too short to hold up timers.
 */
enum { FULL_WAIT_MS = 2 };

struct target {
  struct sockaddr_storage address;
  socklen_t address_bytes;
  int fd;
  _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
  size_t control_bytes;
};

static void put_control(struct target *target, int level, int type, const void *data, size_t bytes) {
  struct cmsghdr *c = (struct cmsghdr *)(void *)(target->control + target->control_bytes);
  memset(c, 0, CMSG_SPACE(bytes));
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(c), data, bytes);
  target->control_bytes += CMSG_SPACE(bytes);
}

static void put_source(struct target *target, const int32_t *endpoint, bool v6) {
  if (endpoint[ENDPOINT_HAS_SOURCE] == 0) return;
  if (v6) {
    struct in6_pktinfo info = {.ipi6_ifindex = (unsigned)endpoint[ENDPOINT_SOURCE_INTERFACE]};
    memcpy(&info.ipi6_addr, endpoint + ENDPOINT_SOURCE, 16);
    put_control(target, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  } else {
    struct in_pktinfo info = {.ipi_ifindex = endpoint[ENDPOINT_SOURCE_INTERFACE]};
    memcpy(&info.ipi_spec_dst, endpoint + ENDPOINT_SOURCE, 4);
    put_control(target, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  }
}

/* Where to send and how; false when the endpoint is none or its family has no socket. */
static bool aim(const struct plane *plane, struct target *target, const int32_t *endpoint, int tos) {
  bool v6 = endpoint[ENDPOINT_FAMILY] == 6;
  if (!v6 && endpoint[ENDPOINT_FAMILY] != 4) return false;
  target->fd = plane->udp.fd[v6 ? FAMILY_6 : FAMILY_4];
  target->control_bytes = 0;
  if (v6) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons((uint16_t)endpoint[ENDPOINT_PORT]),
                                   .sin6_scope_id = (uint32_t)endpoint[ENDPOINT_SCOPE]};
    memcpy(&address.sin6_addr, endpoint + ENDPOINT_ADDRESS, 16);
    memcpy(&target->address, &address, sizeof address);
    target->address_bytes = sizeof address;
  } else {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)endpoint[ENDPOINT_PORT])};
    memcpy(&address.sin_addr, endpoint + ENDPOINT_ADDRESS, 4);
    memcpy(&target->address, &address, sizeof address);
    target->address_bytes = sizeof address;
  }
  put_source(target, endpoint, v6);
  if (tos != 0) put_control(target, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof tos);
  return target->fd >= 0;
}

static struct msghdr header_for(struct target *target, struct iovec *part) {
  return (struct msghdr){.msg_name = &target->address,
                         .msg_namelen = target->address_bytes,
                         .msg_iov = part,
                         .msg_iovlen = 1,
                         .msg_control = target->control_bytes > 0 ? target->control : NULL,
                         .msg_controllen = target->control_bytes};
}

static bool wait_for_room(int fd) {
  struct pollfd wait = {.fd = fd, .events = POLLOUT};
  return poll(&wait, 1, FULL_WAIT_MS) == 1;
}

/* All of it in one message. 0 or errno. */
static int send_whole(struct target *target, const uint8_t *bytes, uint32_t length, uint32_t segment) {
  struct iovec part = {(void *)(uintptr_t)bytes, length};
  size_t control_bytes = target->control_bytes;
  bool waited = false;
  int error;
  if (length > segment) {
    uint16_t size = (uint16_t)segment;
    put_control(target, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
  }
  struct msghdr header = header_for(target, &part);
  for (;;) {
    error = sendmsg(target->fd, &header, MSG_NOSIGNAL) >= 0 ? 0 : errno;
    if (error == EINTR) continue;
    if (error != EAGAIN || waited || !wait_for_room(target->fd)) break;
    waited = true;
  }
  target->control_bytes = control_bytes;
  return error;
}

static bool is_about_source(int error) {
  return error == EINVAL || error == EADDRNOTAVAIL || error == ENODEV || error == ENETUNREACH;
}

/* A message a datagram, in few calls. 0 or errno of the first that fails; `done` counts those sent. */
static int send_apart(struct target *target, const uint8_t *bytes, uint32_t length, uint32_t segment, uint32_t *done) {
  struct mmsghdr messages[RUN_SEGMENTS];
  struct iovec parts[RUN_SEGMENTS];
  unsigned count = 0;
  bool waited = false;
  int error = 0;
  for (uint32_t at = 0; at < length; at += segment, count++) {
    parts[count] = (struct iovec){(void *)(uintptr_t)(bytes + at), length - at < segment ? length - at : segment};
    messages[count] = (struct mmsghdr){.msg_hdr = header_for(target, &parts[count])};
  }
  for (unsigned sent = 0; sent < count;) {
    int now = sendmmsg(target->fd, messages + sent, count - sent, MSG_NOSIGNAL);
    if (now < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN && !waited && wait_for_room(target->fd)) {
        waited = true;
        continue;
      }
      if (error == 0) error = errno;
      /* A full buffer or a wrong source is so for the next one too; anything else may be about this one alone. */
      if (errno == EAGAIN || is_about_source(errno)) return error;
      sent++;
      continue;
    }
    sent += (unsigned)now;
    *done += (unsigned)now;
  }
  return error;
}

/* A run of which some datagrams were taken and the fault of the others is noted. */
enum { PARTLY = -1 };

/* One run of at most RUN_SEGMENTS datagrams. 0, errno when none was taken, or PARTLY. */
static int send_run(struct plane *plane, struct target *target, const uint8_t *bytes, uint32_t length, uint32_t segment,
                    int32_t *endpoint) {
  uint32_t done = 0;
  int refused = 0;
  if (length <= segment) return send_whole(target, bytes, length, segment);
  if (plane->udp.gso && endpoint[ENDPOINT_NO_SEGMENTATION] == 0) {
    refused = send_whole(target, bytes, length, segment);
    if (refused != EIO && refused != EINVAL && refused != EMSGSIZE) return refused;
  }
  int error = send_apart(target, bytes, length, segment, &done);
  if (refused != 0 && done > 0) {
    /* EIO: no checksum offload on the way out, so it never will. The others: this path is too narrow. */
    if (refused == EIO) plane->udp.gso = false;
    else endpoint[ENDPOINT_NO_SEGMENTATION] = 1;
    faults_note(&plane->faults, "sendmsg", "udp-gso", refused);
  }
  if (error == 0 || done == 0) return error;
  faults_note(&plane->faults, "sendmmsg", NULL, error);
  return PARTLY;
}

bool udp_send(struct plane *plane, const uint8_t *bytes, uint32_t length, uint32_t segment, int32_t *endpoint, int tos) {
  struct target target;
  bool good = true;
  if (segment == 0 || !aim(plane, &target, endpoint, tos)) return false;
  uint32_t most = segment > RUN_BYTES ? 1 : RUN_BYTES / segment;
  uint32_t step = segment * (most < RUN_SEGMENTS ? most : RUN_SEGMENTS);
  uint32_t at = 0;
  do {
    uint32_t part = length - at < step ? length - at : step;
    int error = send_run(plane, &target, bytes + at, part, segment, endpoint);
    if (is_about_source(error) && endpoint[ENDPOINT_HAS_SOURCE] != 0) {
      /* The address or interface we were reached at is gone: let the kernel choose. */
      endpoint[ENDPOINT_HAS_SOURCE] = 0;
      aim(plane, &target, endpoint, tos);
      error = send_run(plane, &target, bytes + at, part, segment, endpoint);
    }
    if (error > 0) faults_note(&plane->faults, "sendmsg", NULL, error);
    if (error != 0) good = false;
    at += part;
  } while (at < length);
  return good;
}
