/* Cutting and merging of packets without any device, so that tests can hold it to its TypeScript twin. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "coalesce.h"
#include "segment.h"

enum { MAX_PACKET_BYTES = 65535 };

static napi_value segments(napi_env env, uint8_t *packet, uint32_t length, napi_value meta) {
  struct segmenter segmenter;
  int64_t type;
  int64_t size;
  int64_t start;
  int64_t offset;
  napi_value out;
  if (!field_int(env, meta, "gsoType", GSO_NONE, INT32_MAX, &type) || !field_int(env, meta, "gsoSize", 0, INT32_MAX, &size) ||
      !field_int(env, meta, "checksumStart", 0, INT32_MAX, &start) || !field_int(env, meta, "checksumOffset", 0, INT32_MAX, &offset)) {
    return NULL;
  }
  napi_create_array(env, &out);
  if (type == GSO_NONE) {
    if (offset != 0 && !segment_finish_checksum(packet, length, (int32_t)start, (int32_t)offset)) return out;
    napi_set_element(env, out, 0, make_bytes(env, packet, length));
    return out;
  }
  if (!segment_start(&segmenter, packet, length, (int32_t)type, (int32_t)size, (int32_t)start)) return out;
  for (uint32_t i = 0; i < segmenter.count; i++) {
    uint32_t bytes;
    uint8_t *segment = segment_next(&segmenter, i, &bytes);
    napi_set_element(env, out, i, make_bytes(env, segment, bytes));
  }
  return out;
}

static napi_value api_segment(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  uint8_t *packet;
  size_t length;
  if (!take_bytes(&call, 0, "packet", &packet, &length)) return NULL;
  if (length > MAX_PACKET_BYTES) return throw_type(env, "packet", "at most 65535 bytes");
  uint8_t *copy = malloc(length + 1);
  if (copy == NULL) return throw_error(env, "malloc", ENOMEM, NULL);
  if (length > 0) memcpy(copy, packet, length);
  napi_value out = segments(env, copy, (uint32_t)length, call.values[1]);
  free(copy);
  return out;
}

static napi_value make_write(napi_env env, const struct coalesce_write *write) {
  napi_value out;
  size_t length = 0;
  uint8_t *bytes = malloc(MAX_PACKET_BYTES);
  if (bytes == NULL) return throw_error(env, "malloc", ENOMEM, NULL);
  for (int i = 1; i < write->part_count; i++) {
    memcpy(bytes + length, write->parts[i].iov_base, write->parts[i].iov_len);
    length += write->parts[i].iov_len;
  }
  napi_create_object(env, &out);
  set_field(env, out, "flags", make_int(env, write->virtio.flags));
  set_field(env, out, "gsoType", make_int(env, write->virtio.gso_type));
  set_field(env, out, "headerLength", make_int(env, write->virtio.hdr_len));
  set_field(env, out, "gsoSize", make_int(env, write->virtio.gso_size));
  set_field(env, out, "checksumStart", make_int(env, write->virtio.csum_start));
  set_field(env, out, "checksumOffset", make_int(env, write->virtio.csum_offset));
  set_field(env, out, "bytes", make_bytes(env, bytes, length));
  free(bytes);
  return out;
}

static bool add_all(const struct call *call, struct coalescer *coalescer) {
  uint32_t count = 0;
  napi_get_array_length(call->env, call->values[0], &count);
  if (count > LAYOUT_DATAGRAMS) count = LAYOUT_DATAGRAMS;
  for (uint32_t i = 0; i < count; i++) {
    struct call one = {.env = call->env};
    uint8_t *packet;
    size_t length;
    napi_get_element(call->env, call->values[0], i, &one.values[0]);
    if (!take_bytes(&one, 0, "packets", &packet, &length)) return false;
    if (length > 0 && length <= MAX_PACKET_BYTES) coalesce_add(coalescer, packet, (uint32_t)length);
  }
  return true;
}

static napi_value api_coalesce(napi_env env, napi_callback_info info) {
  struct call call = call_read(env, info);
  bool tcp;
  bool udp;
  napi_value out = NULL;
  if (!field_bool(env, call.values[1], "tcp", &tcp) || !field_bool(env, call.values[1], "udp", &udp)) return NULL;
  struct coalescer *coalescer = malloc(sizeof *coalescer);
  struct coalesce_write *write = malloc(sizeof *write);
  if (coalescer != NULL && write != NULL) {
    coalesce_start(coalescer, tcp, udp);
    if (add_all(&call, coalescer)) {
      napi_create_array(env, &out);
      for (uint32_t i = 0; i < coalescer->items; i++) {
        coalesce_build(coalescer, i, write);
        napi_set_element(env, out, i, make_write(env, write));
      }
    }
  }
  free(coalescer);
  free(write);
  return out;
}

void packets_register(napi_env env, napi_value exports) {
  set_method(env, exports, "segmentForTest", api_segment, NULL);
  set_method(env, exports, "coalesceForTest", api_coalesce, NULL);
}
