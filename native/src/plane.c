#include "plane.h"

#include <stdlib.h>
#include <string.h>

struct plane *plane_create(uint8_t *slab) {
  struct plane *plane = calloc(1, sizeof *plane);
  if (plane == NULL) return NULL;
  plane->slab = slab;
  plane->frames = (int32_t *)(void *)(slab + REGION_FRAMES);
  plane->datagrams = (int32_t *)(void *)(slab + REGION_DATAGRAMS);
  plane->endpoints = (int32_t *)(void *)(slab + REGION_ENDPOINTS);
  plane->tun.fd = -1;
  plane->udp.fd[FAMILY_4] = -1;
  plane->udp.fd[FAMILY_6] = -1;
  plane_set_aead(plane, NULL);
  return plane;
}

bool plane_set_aead(struct plane *plane, const char *name) {
  const struct aead_provider *provider = aead_find(name);
  void *context = provider == NULL ? NULL : provider->create();
  if (context == NULL) return false;
  if (plane->aead != NULL) plane->aead->destroy(plane->aead_context);
  plane->aead = provider;
  plane->aead_context = context;
  return true;
}

void plane_destroy(struct plane *plane) {
  tun_close(plane);
  udp_close(plane);
  keys_destroy(&plane->keys);
  if (plane->aead != NULL) plane->aead->destroy(plane->aead_context);
  free(plane);
}
