#include "plane.h"

enum { HEADER_BYTES = 16, OVERHEAD_BYTES = HEADER_BYTES + AEAD_TAG_BYTES };

static int32_t open_one(struct plane *plane, const int32_t *datagram) {
  const uint8_t *key = keys_find(&plane->keys, datagram[DATAGRAM_KEY]);
  int64_t offset = datagram[DATAGRAM_OFFSET];
  int64_t length = datagram[DATAGRAM_LENGTH];
  if (key == NULL || length < OVERHEAD_BYTES || offset < REGION_UDP || offset + length > REGION_SEND) return -1;
  uint64_t counter = counter_of(&datagram[DATAGRAM_COUNTER_LOW], &datagram[DATAGRAM_COUNTER_HIGH]);
  uint8_t *bytes = plane->slab + offset + HEADER_BYTES;
  size_t plain = (size_t)(length - OVERHEAD_BYTES);
  return plane->aead->open(plane->aead_context, key, counter, bytes, plain) ? (int32_t)plain : -1;
}

void open_datagrams(struct plane *plane, int count) {
  for (int i = 0; i < count && i < LAYOUT_DATAGRAMS; i++) {
    int32_t *datagram = plane->datagrams + i * DATAGRAM_WORDS;
    if (datagram[DATAGRAM_KEY] < 0) continue;
    datagram[DATAGRAM_OPENED] = plane->aead == NULL ? -1 : open_one(plane, datagram);
  }
}
