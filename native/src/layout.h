/*
 * The slab: the same places and words as batch.ts in @pcloud/wireguard and endpoint.ts in @pcloud/ip. What
 * is listed here is exported too, and the loader refuses an addon that disagrees with the TypeScript.
 */
#ifndef PCLOUD_LAYOUT_H
#define PCLOUD_LAYOUT_H

#define LAYOUT_ITEMS(X) \
  X(TUN_SLOTS, 8)       \
  X(TUN_SLOT_BYTES, 66560) \
  X(TUN_HEADROOM, 64)   \
  X(UDP_SLOTS, 64)      \
  X(UDP_SLOT_BYTES, 66560) \
  X(DATAGRAMS, 512)     \
  X(SEND_BYTES, 262144) \
  X(ENDPOINTS, 65664)   \
  X(PEER_ENDPOINTS, 128)

#define FRAME_ITEMS(X) \
  X(WORDS, 16)         \
  X(OFFSET, 0)         \
  X(LENGTH, 1)         \
  X(GSO_TYPE, 2)       \
  X(GSO_SIZE, 3)       \
  X(SEGMENTS, 4)       \
  X(CHECKSUM_START, 5) \
  X(CHECKSUM_OFFSET, 6) \
  X(HEADER_LENGTH, 7)  \
  X(KEY, 8)            \
  X(COUNTER_LOW, 9)    \
  X(COUNTER_HIGH, 10)  \
  X(RECEIVER, 11)      \
  X(ENDPOINT, 12)      \
  X(TOS, 13)           \
  X(MTU, 14)           \
  X(SENT_BYTES, 15)

#define DATAGRAM_ITEMS(X) \
  X(WORDS, 16)            \
  X(OFFSET, 0)            \
  X(LENGTH, 1)            \
  X(TYPE, 2)              \
  X(RECEIVER, 3)          \
  X(COUNTER_LOW, 4)       \
  X(COUNTER_HIGH, 5)      \
  X(SOURCE, 6)            \
  X(TOS, 7)               \
  X(KEY, 8)               \
  X(OPENED, 9)            \
  X(DELIVER, 10)

#define ENDPOINT_ITEMS(X) \
  X(WORDS, 16)            \
  X(FAMILY, 0)            \
  X(PORT, 1)              \
  X(ADDRESS, 2)           \
  X(SCOPE, 6)             \
  X(HAS_SOURCE, 7)        \
  X(SOURCE, 8)            \
  X(SOURCE_INTERFACE, 12) \
  X(NO_SEGMENTATION, 13)

#define LAYOUT_ITEM(name, value) LAYOUT_##name = value,
#define FRAME_ITEM(name, value) FRAME_##name = value,
#define DATAGRAM_ITEM(name, value) DATAGRAM_##name = value,
#define ENDPOINT_ITEM(name, value) ENDPOINT_##name = value,
enum { LAYOUT_ITEMS(LAYOUT_ITEM) };
enum { FRAME_ITEMS(FRAME_ITEM) };
enum { DATAGRAM_ITEMS(DATAGRAM_ITEM) };
enum { ENDPOINT_ITEMS(ENDPOINT_ITEM) };
#undef LAYOUT_ITEM
#undef FRAME_ITEM
#undef DATAGRAM_ITEM
#undef ENDPOINT_ITEM

enum {
  REGION_FRAMES = 0,
  REGION_DATAGRAMS = REGION_FRAMES + LAYOUT_TUN_SLOTS * FRAME_WORDS * 4,
  REGION_ENDPOINTS = REGION_DATAGRAMS + LAYOUT_DATAGRAMS * DATAGRAM_WORDS * 4,
  REGION_TUN = REGION_ENDPOINTS + LAYOUT_ENDPOINTS * ENDPOINT_WORDS * 4,
  REGION_UDP = REGION_TUN + LAYOUT_TUN_SLOTS * LAYOUT_TUN_SLOT_BYTES,
  REGION_SEND = REGION_UDP + LAYOUT_UDP_SLOTS * LAYOUT_UDP_SLOT_BYTES,
  SLAB_BYTES = REGION_SEND + LAYOUT_SEND_BYTES,
};

#define REGION_ITEMS(X)             \
  X(FRAMES, REGION_FRAMES)          \
  X(DATAGRAMS, REGION_DATAGRAMS)    \
  X(ENDPOINTS, REGION_ENDPOINTS)    \
  X(TUN, REGION_TUN)                \
  X(UDP, REGION_UDP)                \
  X(SEND, REGION_SEND)

#endif
