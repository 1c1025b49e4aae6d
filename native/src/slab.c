#include <stddef.h>
#include <sys/mman.h>

#include "plane.h"

uint8_t *slab_create(void) {
  void *slab = mmap(NULL, SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return slab == MAP_FAILED ? NULL : slab;
}

void slab_destroy(uint8_t *slab) {
  if (slab != NULL) munmap(slab, SLAB_BYTES);
}
