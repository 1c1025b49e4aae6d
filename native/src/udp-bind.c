/* The sockets: one an address family, on the same port. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "plane.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#ifndef IPV6_ADDR_PREFERENCES
#define IPV6_ADDR_PREFERENCES 72
#endif
#ifndef IPV6_PREFER_SRC_PUBLIC
#define IPV6_PREFER_SRC_PUBLIC 0x2
#endif

enum { PORT_TRIES = 100 };

static bool set_int(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static void set_buffers(int fd, int bytes) {
  const int options[2][2] = {{SO_RCVBUF, SO_RCVBUFFORCE}, {SO_SNDBUF, SO_SNDBUFFORCE}};
  for (int i = 0; i < 2; i++) {
    set_int(fd, SOL_SOCKET, options[i][0], bytes);
    set_int(fd, SOL_SOCKET, options[i][1], bytes);
  }
}

/* Before Linux 5.12 UDP GRO delivered what no receiver could tell apart. */
static bool kernel_has_sound_gro(void) {
  struct utsname name;
  int major = 0;
  int minor = 0;
  if (uname(&name) != 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 12);
}

static void set_options(struct udp *udp, int family, int fd, int buffer_bytes) {
  int segment = 0;
  socklen_t size = sizeof segment;
  set_buffers(fd, buffer_bytes);
  if (family == FAMILY_4) {
    udp->pktinfo[family] = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    udp->tos[family] = set_int(fd, IPPROTO_IP, IP_RECVTOS, 1);
    /* Outer packets may be fragmented, as the kernel's own driver has it. */
    set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  } else {
    udp->pktinfo[family] = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    udp->tos[family] = set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    /* A temporary address ends before the session does, and peers would have to learn another. */
    set_int(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, IPV6_PREFER_SRC_PUBLIC);
    set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  }
  udp->gso = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &size) == 0;
  udp->gro = kernel_has_sound_gro() && set_int(fd, IPPROTO_UDP, UDP_GRO, 1);
}

/* Opens a bound socket, whose port it notes, or gives errno. */
static int open_one(struct plane *plane, struct udp *udp, int family, int *port, uint32_t mark, const char **syscall) {
  struct sockaddr_storage address = {0};
  struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
  socklen_t size = family == FAMILY_4 ? sizeof *v4 : sizeof *v6;
  int error;
  address.ss_family = family == FAMILY_4 ? AF_INET : AF_INET6;
  *(family == FAMILY_4 ? &v4->sin_port : &v6->sin6_port) = htons((uint16_t)*port);
  *syscall = "socket";
  int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  *syscall = "setsockopt";
  if (family == FAMILY_6 && !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) goto fail;
  if (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) goto fail;
  *syscall = "bind";
  if (bind(fd, (struct sockaddr *)&address, size) != 0) goto fail;
  *syscall = "getsockname";
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) goto fail;
  *port = ntohs(family == FAMILY_4 ? v4->sin_port : v6->sin6_port);
  set_options(udp, family, fd, plane->socket_buffer_bytes);
  udp->fd[family] = fd;
  return 0;
fail:
  error = errno;
  close(fd);
  return error;
}

static bool is_missing(int error) { return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT; }

static void close_all(struct udp *udp) {
  for (int family = 0; family < FAMILIES; family++) {
    if (udp->fd[family] >= 0) close(udp->fd[family]);
    udp->fd[family] = -1;
  }
}

int udp_bind(struct plane *plane, int port, uint32_t mark, int *bound, const char **syscall) {
  udp_close(plane);
  for (int tries = 0;; tries++) {
    struct udp udp = {.fd = {-1, -1}};
    int number = port;
    int error4 = open_one(plane, &udp, FAMILY_4, &number, mark, syscall);
    int error6 = 0;
    if (error4 == 0 || is_missing(error4)) error6 = open_one(plane, &udp, FAMILY_6, &number, mark, syscall);
    bool good4 = error4 == 0 || is_missing(error4);
    bool good6 = error6 == 0 || is_missing(error6);
    if (good4 && good6 && (error4 == 0 || error6 == 0)) {
      plane->udp = udp;
      *bound = number;
      return 0;
    }
    close_all(&udp);
    if (error6 == EADDRINUSE && port == 0 && tries < PORT_TRIES) continue;
    return error4 != 0 && !(good4 && error6 != 0) ? error4 : error6;
  }
}

int udp_set_mark(struct plane *plane, uint32_t mark) {
  for (int family = 0; family < FAMILIES; family++) {
    int fd = plane->udp.fd[family];
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) return errno;
  }
  return 0;
}

void udp_close(struct plane *plane) {
  close_all(&plane->udp);
  plane->udp = (struct udp){.fd = {-1, -1}};
}
