#include "api.h"

NAPI_MODULE_INIT() {
  layout_register(env, exports);
  plane_register(env, exports);
  aead_register(env, exports);
  packets_register(env, exports);
  network_register(env, exports);
  clock_register(env, exports);
  return exports;
}
