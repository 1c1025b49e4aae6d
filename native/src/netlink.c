#include "netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void *netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, size_t body_bytes) {
  struct nlmsghdr *header = (struct nlmsghdr *)request->bytes;
  memset(request, 0, sizeof *request);
  header->nlmsg_len = (uint32_t)NLMSG_LENGTH(body_bytes);
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  header->nlmsg_seq = 1;
  return NLMSG_DATA(header);
}

void netlink_put(struct netlink_request *request, uint16_t type, const void *data, size_t bytes) {
  struct nlmsghdr *header = (struct nlmsghdr *)request->bytes;
  size_t at = NLMSG_ALIGN(header->nlmsg_len);
  if (at + RTA_SPACE(bytes) > sizeof request->bytes) abort();
  struct rtattr *attribute = (struct rtattr *)(request->bytes + at);
  attribute->rta_type = type;
  attribute->rta_len = (uint16_t)RTA_LENGTH(bytes);
  memcpy(RTA_DATA(attribute), data, bytes);
  header->nlmsg_len = (uint32_t)(at + RTA_ALIGN(attribute->rta_len));
}

/* Reads one buffer of answers; 1 when there is more to come, 0 at the end, or errno as a negative number. */
static int read_answers(int fd, void *buffer, netlink_each each, void *data) {
  ssize_t bytes = recv(fd, buffer, NETLINK_ANSWER_BYTES, 0);
  if (bytes < 0) return errno == EINTR ? 1 : -errno;
  size_t left = (size_t)bytes;
  for (struct nlmsghdr *m = buffer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
    if (m->nlmsg_type == NLMSG_DONE) return 0;
    if (m->nlmsg_type == NLMSG_ERROR) {
      if (m->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return -EPROTO;
      return ((struct nlmsgerr *)NLMSG_DATA(m))->error;
    }
    if (each != NULL) each(m, data);
  }
  return 1;
}

int netlink_run(struct netlink_request *request, netlink_each each, void *data) {
  struct nlmsghdr *header = (struct nlmsghdr *)request->bytes;
  void *buffer = malloc(NETLINK_ANSWER_BYTES);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  int result = 1;
  if (buffer == NULL) result = -ENOMEM;
  else if (fd < 0 || send(fd, header, header->nlmsg_len, 0) < 0) result = -errno;
  while (result == 1) result = read_answers(fd, buffer, each, data);
  if (fd >= 0) close(fd);
  free(buffer);
  return -result;
}

int netlink_listen(uint32_t groups) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

void netlink_attributes(const struct nlmsghdr *message, size_t body_bytes, const struct rtattr **out, size_t max) {
  memset(out, 0, max * sizeof *out);
  size_t skip = NLMSG_LENGTH(0) + NLMSG_ALIGN(body_bytes);
  if (message->nlmsg_len < skip) return;
  size_t left = message->nlmsg_len - skip;
  const struct rtattr *attribute = (const struct rtattr *)((const uint8_t *)message + skip);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    uint16_t type = attribute->rta_type & NLA_TYPE_MASK;
    if (type < max) out[type] = attribute;
  }
}

uint32_t netlink_u32(const struct rtattr *attribute) {
  uint32_t value = 0;
  if (attribute != NULL && RTA_PAYLOAD(attribute) >= sizeof value) memcpy(&value, RTA_DATA(attribute), sizeof value);
  return value;
}
