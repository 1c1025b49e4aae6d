/*
 * Preloaded by tests: refuses what a kernel or a device without a feature refuses, as PCLOUD_TEST_REFUSE
 * says: "sendmsg 5" answers EIO to sends with UDP segmentation, "writev 22" EINVAL to coalesced writes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { SEGMENT = 103, VNET_HEADER_BYTES = 10 };

static int refusal(const char *call) {
  char name[16];
  int error;
  const char *what = getenv("PCLOUD_TEST_REFUSE");
  if (what == NULL || sscanf(what, "%15s %d", name, &error) != 2 || strcmp(name, call) != 0) return 0;
  return error;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
  int error = refusal("sendmsg");
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); error != 0 && c != NULL; c = CMSG_NXTHDR((struct msghdr *)message, c)) {
    if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != SEGMENT) continue;
    errno = error;
    return -1;
  }
  return real(fd, message, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
  int error = refusal("writev");
  if (error != 0 && parts[0].iov_len == VNET_HEADER_BYTES && ((const unsigned char *)parts[0].iov_base)[1] != 0) {
    errno = error;
    return -1;
  }
  return real(fd, parts, count);
}
