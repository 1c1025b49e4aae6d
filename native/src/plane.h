/* One data plane: a slab, a TUN, two UDP sockets, keys. It belongs to one thread. */
#ifndef PCLOUD_PLANE_H
#define PCLOUD_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "aead.h"
#include "coalesce.h"
#include "faults.h"
#include "keys.h"
#include "layout.h"

struct tun {
  int fd; /* -1 when there is none */
  char name[16];
  bool vnet_header;
  bool tso;
  bool uso;
  /* Coalesced writes in a row that the kernel refused. */
  uint32_t tcp_refused;
  uint32_t udp_refused;
};

enum { FAMILY_4 = 0, FAMILY_6 = 1, FAMILIES = 2 };

/* A received message, of which a part may already have become datagrams. */
struct message {
  uint32_t offset;
  uint32_t bytes;
  uint32_t segment;
  int32_t source;
  int32_t tos;
};

struct udp {
  int fd[FAMILIES]; /* -1 when there is none */
  bool polled; /* `ready` is kept by a poll; else every receive asks every socket */
  bool ready[FAMILIES];
  bool gso;
  bool gro;
  bool pktinfo[FAMILIES];
  bool tos[FAMILIES];
  int first; /* family that is received from first next time */
  /* Messages that held more datagrams than there was room for wait from `first_left` to `left`. */
  int first_left;
  int left;
  struct message messages[LAYOUT_UDP_SLOTS];
};

struct plane {
  uint8_t *slab;
  int32_t *frames;
  int32_t *datagrams;
  int32_t *endpoints;
  struct tun tun;
  struct udp udp;
  struct keys keys;
  struct faults faults;
  const struct aead_provider *aead;
  void *aead_context;
  int socket_buffer_bytes;
  struct coalescer coalescer;
  struct coalesce_write write;
};

/* Maps a slab of which only touched pages take memory; NULL and errno on failure. */
uint8_t *slab_create(void);
void slab_destroy(uint8_t *slab);

/* A plane without slab, TUN or sockets. NULL when memory is out. */
struct plane *plane_create(uint8_t *slab);
void plane_destroy(struct plane *plane);
/* Chooses the provider of the AEAD, by name or (NULL) the fastest; false when there is none. */
bool plane_set_aead(struct plane *plane, const char *name);

/* tun.c. Functions that return int give 0, or errno with the system call's name in `syscall`. */
int tun_open(struct plane *plane, const char *name, bool offload, bool persist, const char **syscall);
int tun_adopt(struct plane *plane, int fd, const char **syscall);
void tun_close(struct plane *plane);
bool tun_coalesces_tcp(const struct tun *tun);
bool tun_coalesces_udp(const struct tun *tun);
int tun_receive(struct plane *plane);
void tun_write(struct plane *plane, const uint8_t *packet, uint32_t length);
void tun_send(struct plane *plane, int count);

/* udp-bind.c */
int udp_bind(struct plane *plane, int port, uint32_t mark, int *bound, const char **syscall);
int udp_set_mark(struct plane *plane, uint32_t mark);
void udp_close(struct plane *plane);

/* udp-receive.c */
int udp_receive(struct plane *plane);

/* udp-send.c: sends datagrams of `segment` bytes, the last one shorter; true when the kernel took all. */
bool udp_send(struct plane *plane, const uint8_t *bytes, uint32_t length, uint32_t segment, int32_t *endpoint, int tos);

/* seal.c and open.c */
void seal_and_send(struct plane *plane, int count);
void open_datagrams(struct plane *plane, int count);

/* The 32-bit word of a descriptor as what it counts. */
static inline uint64_t counter_of(const int32_t *low, const int32_t *high) {
  return (uint64_t)(uint32_t)*high << 32 | (uint32_t)*low;
}

#endif
