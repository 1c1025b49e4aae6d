/* Transport keys by slot. A slot costs its 32 bytes; pages of slots come into being when first used. */
#ifndef PCLOUD_KEYS_H
#define PCLOUD_KEYS_H

#include <stdbool.h>
#include <stdint.h>

enum { KEY_SLOTS = 1 << 20, KEY_PAGE_SLOTS = 4096 };

struct key_page;

struct keys {
  struct key_page *pages[KEY_SLOTS / KEY_PAGE_SLOTS];
};

/* Copies a key into a slot; errno on failure, else 0. */
int keys_install(struct keys *keys, uint32_t slot, const uint8_t *key);

/* The key of a slot, or NULL. */
const uint8_t *keys_find(const struct keys *keys, int32_t slot);

/* Zeroes a slot. */
void keys_remove(struct keys *keys, uint32_t slot);

/* Zeroes and frees everything. */
void keys_destroy(struct keys *keys);

#endif
