#include <string.h>

#include "plane.h"
#include "segment.h"

/* A run: datagrams of one size (the last may be shorter) to one endpoint, sealed one behind the other. */
enum { RUN_SEGMENTS = 64, RUN_BYTES = 65500, HEADER_BYTES = 16, OVERHEAD_BYTES = HEADER_BYTES + AEAD_TAG_BYTES };
enum { TYPE_TRANSPORT = 4, PADDING_BYTES = 16, MAX_PACKET_BYTES = 65535 };

_Static_assert(RUN_BYTES + MAX_PACKET_BYTES + PADDING_BYTES + OVERHEAD_BYTES <= LAYOUT_SEND_BYTES, "a run and a packet fit");

struct run {
  int32_t endpoint;
  int32_t tos;
  uint32_t segment;
  uint32_t count;
  uint32_t length;
  bool closed;
  /* Bytes of it that belong to each frame. */
  uint32_t of_frame[LAYOUT_TUN_SLOTS];
};

struct sealing {
  struct plane *plane;
  struct run run;
  int32_t *frame;
  int frame_index;
  const uint8_t *key;
  uint64_t counter;
};

static void flush(struct sealing *s) {
  struct plane *plane = s->plane;
  struct run *run = &s->run;
  if (run->count == 0) return;
  int32_t *endpoint = plane->endpoints + (size_t)run->endpoint * ENDPOINT_WORDS;
  if (udp_send(plane, plane->slab + REGION_SEND, run->length, run->segment, endpoint, run->tos)) {
    for (int i = 0; i < LAYOUT_TUN_SLOTS; i++) {
      plane->frames[i * FRAME_WORDS + FRAME_SENT_BYTES] += (int32_t)run->of_frame[i];
    }
  }
  *run = (struct run){0};
}

/* Zeros that follow a packet of `length` bytes inside the ciphertext. */
static uint32_t padding_of(uint32_t length, uint32_t mtu) {
  uint32_t last = mtu > 0 && length > mtu ? length % mtu : length;
  uint32_t padded = (last + PADDING_BYTES - 1) & ~(uint32_t)(PADDING_BYTES - 1);
  if (mtu > 0 && padded > mtu) padded = mtu;
  return padded - last;
}

static void store_le(uint8_t *at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* Seals one packet behind the run, which is sent first if the packet cannot join it. */
static void append(struct sealing *s, uint8_t *packet, uint32_t length) {
  struct run *run = &s->run;
  const int32_t *frame = s->frame;
  uint32_t padding = padding_of(length, (uint32_t)frame[FRAME_MTU]);
  uint32_t total = length + padding + OVERHEAD_BYTES;
  if (run->count > 0 && (run->closed || run->endpoint != frame[FRAME_ENDPOINT] || run->tos != frame[FRAME_TOS] ||
                         total > run->segment || run->count == RUN_SEGMENTS || run->length + total > RUN_BYTES)) {
    flush(s);
  }
  if (run->count == 0) {
    run->endpoint = frame[FRAME_ENDPOINT];
    run->tos = frame[FRAME_TOS];
    run->segment = total;
  }
  uint8_t *out = s->plane->slab + REGION_SEND + run->length;
  store_le(out, TYPE_TRANSPORT, 4);
  store_le(out + 4, (uint32_t)frame[FRAME_RECEIVER], 4);
  store_le(out + 8, s->counter, 8);
  /* The padding lies where the payload of the next segment may: put aside and back. */
  uint8_t aside[PADDING_BYTES];
  memcpy(aside, packet + length, padding);
  memset(packet + length, 0, padding);
  bool sealed = s->plane->aead->seal(s->plane->aead_context, s->key, s->counter, out + HEADER_BYTES, packet, length + padding);
  memcpy(packet + length, aside, padding);
  s->counter++;
  if (!sealed) return;
  run->count++;
  run->length += total;
  run->closed = total < run->segment;
  run->of_frame[s->frame_index] += total;
}

static void seal_super(struct sealing *s, uint8_t *packet, uint32_t length) {
  const int32_t *frame = s->frame;
  struct segmenter segmenter;
  if (!segment_start(&segmenter, packet, length, frame[FRAME_GSO_TYPE], frame[FRAME_GSO_SIZE], frame[FRAME_CHECKSUM_START])) {
    return;
  }
  /* As many counters were taken as the descriptor says, so any other number of packets must not go out. */
  if ((int32_t)segmenter.count != frame[FRAME_SEGMENTS]) return;
  for (uint32_t i = 0; i < segmenter.count; i++) {
    uint32_t bytes;
    uint8_t *segment = segment_next(&segmenter, i, &bytes);
    append(s, segment, bytes);
  }
}

static bool is_within(const int32_t *frame) {
  int64_t offset = frame[FRAME_OFFSET];
  int64_t length = frame[FRAME_LENGTH];
  if (length < 0 || length > MAX_PACKET_BYTES || frame[FRAME_MTU] < 0) return false;
  if (frame[FRAME_ENDPOINT] < 0 || frame[FRAME_ENDPOINT] >= LAYOUT_ENDPOINTS) return false;
  return offset >= REGION_TUN && offset + length + PADDING_BYTES <= REGION_SEND;
}

static void seal_frame(struct sealing *s) {
  const int32_t *frame = s->frame;
  s->key = keys_find(&s->plane->keys, frame[FRAME_KEY]);
  if (s->key == NULL || !is_within(frame)) return;
  uint8_t *packet = s->plane->slab + frame[FRAME_OFFSET];
  uint32_t length = (uint32_t)frame[FRAME_LENGTH];
  s->counter = counter_of(&frame[FRAME_COUNTER_LOW], &frame[FRAME_COUNTER_HIGH]);
  if (frame[FRAME_GSO_TYPE] != GSO_NONE) {
    seal_super(s, packet, length);
    return;
  }
  if (frame[FRAME_CHECKSUM_OFFSET] != 0 &&
      !segment_finish_checksum(packet, length, frame[FRAME_CHECKSUM_START], frame[FRAME_CHECKSUM_OFFSET])) {
    return;
  }
  append(s, packet, length);
}

void seal_and_send(struct plane *plane, int count) {
  struct sealing s = {.plane = plane};
  if (count > LAYOUT_TUN_SLOTS) count = LAYOUT_TUN_SLOTS;
  for (int i = 0; i < count; i++) plane->frames[i * FRAME_WORDS + FRAME_SENT_BYTES] = 0;
  if (plane->aead == NULL) return;
  for (int i = 0; i < count; i++) {
    s.frame_index = i;
    s.frame = plane->frames + i * FRAME_WORDS;
    seal_frame(&s);
  }
  flush(&s);
}
