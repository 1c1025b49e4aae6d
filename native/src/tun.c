#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "plane.h"
#include "segment.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* Refused coalesced writes in a row after which a kind of coalescing is given up. */
enum { REFUSALS = 8 };

static void set_offload(struct tun *tun) {
  const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  /* A persistent interface keeps what its last user took, who may have read headers that we do not. */
  if (!tun->vnet_header) ioctl(tun->fd, TUNSETOFFLOAD, 0UL);
  tun->tso = tun->vnet_header && ioctl(tun->fd, TUNSETOFFLOAD, (unsigned long)tso) == 0;
  tun->uso = tun->tso && ioctl(tun->fd, TUNSETOFFLOAD, (unsigned long)(tso | TUN_F_USO4 | TUN_F_USO6)) == 0;
}

static int failed(int fd, const char *call, const char **syscall) {
  int error = errno;
  *syscall = call;
  if (fd >= 0) close(fd);
  return error;
}

int tun_open(struct plane *plane, const char *name, bool offload, bool persist, const char **syscall) {
  struct ifreq request = {0};
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed(fd, "open", syscall);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0));
  if (ioctl(fd, TUNSETIFF, &request) != 0) return failed(fd, "TUNSETIFF", syscall);
  int size = VNET_HEADER_BYTES;
  if (offload && ioctl(fd, TUNSETVNETHDRSZ, &size) != 0) return failed(fd, "TUNSETVNETHDRSZ", syscall);
  if (persist && ioctl(fd, TUNSETPERSIST, 1UL) != 0) return failed(fd, "TUNSETPERSIST", syscall);
  tun_close(plane);
  plane->tun = (struct tun){.fd = fd, .vnet_header = offload};
  memcpy(plane->tun.name, request.ifr_name, sizeof plane->tun.name);
  set_offload(&plane->tun);
  return 0;
}

int tun_adopt(struct plane *plane, int fd, const char **syscall) {
  struct ifreq request = {0};
  int size = VNET_HEADER_BYTES;
  if (fd == plane->tun.fd) return 0;
  if (ioctl(fd, TUNGETIFF, &request) != 0) return failed(-1, "TUNGETIFF", syscall);
  /* IFF_NO_PI tells nothing here: in this answer the bit is IFF_NOFILTER too, and set. */
  if ((request.ifr_flags & IFF_TUN) == 0) {
    errno = EINVAL;
    return failed(-1, "TUNGETIFF", syscall);
  }
  bool vnet_header = (request.ifr_flags & IFF_VNET_HDR) != 0;
  if (vnet_header && ioctl(fd, TUNSETVNETHDRSZ, &size) != 0) return failed(-1, "TUNSETVNETHDRSZ", syscall);
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return failed(-1, "fcntl", syscall);
  }
  tun_close(plane);
  plane->tun = (struct tun){.fd = fd, .vnet_header = vnet_header};
  memcpy(plane->tun.name, request.ifr_name, sizeof plane->tun.name);
  set_offload(&plane->tun);
  return 0;
}

void tun_close(struct plane *plane) {
  if (plane->tun.fd >= 0) close(plane->tun.fd);
  plane->tun = (struct tun){.fd = -1};
}

/* Fills a descriptor; false when the packet is not what its virtio header says and is dropped. */
static bool describe(int32_t *frame, uint8_t *packet, uint32_t offset, uint32_t length,
                     const struct virtio_net_hdr *virtio) {
  struct segmenter segmenter;
  int32_t type = virtio->gso_type & ~GSO_ECN;
  bool partial = (virtio->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
  memset(frame, 0, FRAME_WORDS * sizeof *frame);
  frame[FRAME_OFFSET] = (int32_t)offset;
  frame[FRAME_LENGTH] = (int32_t)length;
  frame[FRAME_SEGMENTS] = 1;
  frame[FRAME_KEY] = -1;
  if (partial) {
    if ((uint32_t)virtio->csum_start + virtio->csum_offset + 2 > length) return false;
    frame[FRAME_CHECKSUM_START] = virtio->csum_start;
    frame[FRAME_CHECKSUM_OFFSET] = virtio->csum_offset;
  }
  if (type == GSO_NONE) return true;
  if (!partial || !segment_start(&segmenter, packet, length, type, virtio->gso_size, virtio->csum_start)) return false;
  if (segmenter.count == 1) return true;
  frame[FRAME_GSO_TYPE] = type;
  frame[FRAME_GSO_SIZE] = virtio->gso_size;
  frame[FRAME_SEGMENTS] = (int32_t)segmenter.count;
  frame[FRAME_HEADER_LENGTH] = (int32_t)segmenter.header_length;
  return true;
}

int tun_receive(struct plane *plane) {
  const struct tun *tun = &plane->tun;
  const size_t header_bytes = tun->vnet_header ? VNET_HEADER_BYTES : 0;
  /* The virtio header comes to lie in the headroom, so one plain read is enough. */
  const size_t room = LAYOUT_TUN_SLOT_BYTES - LAYOUT_TUN_HEADROOM - 64 + header_bytes;
  int count = 0;
  if (tun->fd < 0) return 0;
  for (int tries = 0; count < LAYOUT_TUN_SLOTS && tries < 2 * LAYOUT_TUN_SLOTS; tries++) {
    uint32_t offset = REGION_TUN + (uint32_t)count * LAYOUT_TUN_SLOT_BYTES + LAYOUT_TUN_HEADROOM;
    struct virtio_net_hdr virtio = {0};
    ssize_t bytes = read(tun->fd, plane->slab + offset - header_bytes, room);
    if (bytes < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) faults_note(&plane->faults, "read", NULL, errno);
      break;
    }
    if ((size_t)bytes <= header_bytes) continue;
    memcpy(&virtio, plane->slab + offset - header_bytes, header_bytes);
    uint32_t length = (uint32_t)bytes - (uint32_t)header_bytes;
    if (describe(plane->frames + count * FRAME_WORDS, plane->slab + offset, offset, length, &virtio)) count++;
  }
  return count;
}

bool tun_coalesces_tcp(const struct tun *tun) { return tun->tso && tun->tcp_refused < REFUSALS; }

bool tun_coalesces_udp(const struct tun *tun) { return tun->uso && tun->udp_refused < REFUSALS; }

/* 0 or errno. */
static int write_parts(const struct tun *tun, const struct iovec *parts, int count) {
  ssize_t bytes;
  do bytes = writev(tun->fd, parts, count);
  while (bytes < 0 && errno == EINTR);
  return bytes >= 0 ? 0 : errno;
}

void tun_write(struct plane *plane, const uint8_t *packet, uint32_t length) {
  struct virtio_net_hdr virtio = {0};
  struct iovec parts[2] = {{&virtio, VNET_HEADER_BYTES}, {(void *)(uintptr_t)packet, length}};
  int skip = plane->tun.vnet_header ? 0 : 1;
  if (plane->tun.fd < 0) return;
  int error = write_parts(&plane->tun, parts + skip, 2 - skip);
  if (error != 0) faults_note(&plane->faults, "writev", NULL, error);
}

/*
 * A coalesced write that the kernel refuses is done again packet by packet. An interface that is down
 * refuses those too, so only a refusal that they do not share counts against coalescing.
 */
static void write_apart(struct plane *plane, const struct coalesce_item *item, bool udp, int refusal) {
  uint32_t *refused = udp ? &plane->tun.udp_refused : &plane->tun.tcp_refused;
  bool taken = false;
  for (int16_t at = item->first; at >= 0; at = plane->coalescer.packet[at].next) {
    const struct coalesce_packet *packet = &plane->coalescer.packet[at];
    struct virtio_net_hdr virtio = {0};
    struct iovec parts[2] = {{&virtio, VNET_HEADER_BYTES}, {(void *)(uintptr_t)packet->bytes, packet->length}};
    int error = write_parts(&plane->tun, parts, 2);
    if (error == 0) taken = true;
    else faults_note(&plane->faults, "writev", NULL, error);
  }
  if (!taken) return;
  ++*refused;
  faults_note(&plane->faults, "writev", udp ? "uso" : "tso", refusal);
}

void tun_send(struct plane *plane, int count) {
  struct tun *tun = &plane->tun;
  if (tun->fd < 0) return;
  coalesce_start(&plane->coalescer, tun_coalesces_tcp(tun), tun_coalesces_udp(tun));
  for (int i = 0; i < count && i < LAYOUT_DATAGRAMS; i++) {
    const int32_t *datagram = plane->datagrams + i * DATAGRAM_WORDS;
    int64_t offset = (int64_t)datagram[DATAGRAM_OFFSET] + 16;
    int32_t length = datagram[DATAGRAM_DELIVER];
    if (length <= 0 || offset < 16 || offset + length > SLAB_BYTES) continue;
    if (tun->vnet_header) coalesce_add(&plane->coalescer, plane->slab + offset, (uint32_t)length);
    else tun_write(plane, plane->slab + offset, (uint32_t)length);
  }
  if (!tun->vnet_header) return;
  for (uint32_t i = 0; i < plane->coalescer.items; i++) {
    const struct coalesce_item *item = &plane->coalescer.item[i];
    coalesce_build(&plane->coalescer, i, &plane->write);
    bool merged = item->count > 1;
    bool udp = merged && plane->write.virtio.gso_type == GSO_UDP;
    int error = write_parts(tun, plane->write.parts, plane->write.part_count);
    if (merged && error != 0) write_apart(plane, item, udp, error);
    else if (merged) *(udp ? &tun->udp_refused : &tun->tcp_refused) = 0;
    else if (error != 0) faults_note(&plane->faults, "writev", NULL, error);
  }
}
