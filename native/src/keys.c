#include "keys.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "aead.h"

struct key_page {
  uint8_t keys[KEY_PAGE_SLOTS][AEAD_KEY_BYTES];
  bool used[KEY_PAGE_SLOTS];
};

static struct key_page *page_of(const struct keys *keys, uint32_t slot) {
  return slot < KEY_SLOTS ? keys->pages[slot / KEY_PAGE_SLOTS] : NULL;
}

int keys_install(struct keys *keys, uint32_t slot, const uint8_t *key) {
  if (slot >= KEY_SLOTS) return EINVAL;
  struct key_page *page = page_of(keys, slot);
  if (page == NULL) {
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return ENOMEM;
    /* Keys are not to reach a core dump; a kernel without this advice changes nothing else. */
    madvise(page, sizeof *page, MADV_DONTDUMP);
    keys->pages[slot / KEY_PAGE_SLOTS] = page;
  }
  memcpy(page->keys[slot % KEY_PAGE_SLOTS], key, AEAD_KEY_BYTES);
  page->used[slot % KEY_PAGE_SLOTS] = true;
  return 0;
}

const uint8_t *keys_find(const struct keys *keys, int32_t slot) {
  const struct key_page *page = slot < 0 ? NULL : page_of(keys, (uint32_t)slot);
  if (page == NULL || !page->used[slot % KEY_PAGE_SLOTS]) return NULL;
  return page->keys[slot % KEY_PAGE_SLOTS];
}

void keys_remove(struct keys *keys, uint32_t slot) {
  struct key_page *page = page_of(keys, slot);
  if (page == NULL) return;
  explicit_bzero(page->keys[slot % KEY_PAGE_SLOTS], AEAD_KEY_BYTES);
  page->used[slot % KEY_PAGE_SLOTS] = false;
}

void keys_destroy(struct keys *keys) {
  for (uint32_t i = 0; i < KEY_SLOTS / KEY_PAGE_SLOTS; i++) {
    struct key_page *page = keys->pages[i];
    if (page == NULL) continue;
    explicit_bzero(page->keys, sizeof page->keys);
    munmap(page, sizeof *page);
    keys->pages[i] = NULL;
  }
}
