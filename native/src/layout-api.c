#include "api.h"
#include "layout.h"

struct item {
  const char *name;
  int value;
};

#define ITEM(name, value) {#name, value},
static const struct item layout[] = {LAYOUT_ITEMS(ITEM)};
static const struct item frame[] = {FRAME_ITEMS(ITEM)};
static const struct item datagram[] = {DATAGRAM_ITEMS(ITEM)};
static const struct item endpoint[] = {ENDPOINT_ITEMS(ITEM)};
static const struct item regions[] = {REGION_ITEMS(ITEM)};

static void put(napi_env env, napi_value object, const char *name, const struct item *items, size_t count) {
  napi_value group;
  napi_create_object(env, &group);
  for (size_t i = 0; i < count; i++) set_field(env, group, items[i].name, make_int(env, items[i].value));
  set_field(env, object, name, group);
}

void layout_register(napi_env env, napi_value exports) {
  napi_value object;
  napi_create_object(env, &object);
  put(env, object, "LAYOUT", layout, COUNT(layout));
  put(env, object, "FRAME", frame, COUNT(frame));
  put(env, object, "DATAGRAM", datagram, COUNT(datagram));
  put(env, object, "ENDPOINT", endpoint, COUNT(endpoint));
  put(env, object, "REGIONS", regions, COUNT(regions));
  set_field(env, object, "SLAB_BYTES", make_int(env, SLAB_BYTES));
  set_field(env, exports, "layout", object);
}
