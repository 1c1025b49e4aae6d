/*
 * ChaCha20-Poly1305 (RFC 8439) as transport messages use it: no associated data, the nonce is four zero
 * bytes and a 64-bit counter. A provider's context belongs to one thread.
 */
#ifndef PCLOUD_AEAD_H
#define PCLOUD_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AEAD_KEY_BYTES = 32, AEAD_TAG_BYTES = 16 };

struct aead_provider {
  const char *name;
  /* A context, or NULL where the provider is not to be had on this machine. */
  void *(*create)(void);
  void (*destroy)(void *context);
  /* Seals `length` bytes of `source` into `out`, the tag behind them; both may be the same place. */
  bool (*seal)(void *context, const uint8_t *key, uint64_t counter, uint8_t *out, const uint8_t *source, size_t length);
  /* Opens `length` bytes, without the tag behind them, in place. */
  bool (*open)(void *context, const uint8_t *key, uint64_t counter, uint8_t *bytes, size_t length);
  /* Drops what the context holds of `key`. */
  void (*forget)(void *context, const uint8_t *key);
};

extern const struct aead_provider aead_ipsec_mb;
extern const struct aead_provider aead_evp;

/* The providers of this machine that passed their self-check, fastest first; NULL ends the list. */
const struct aead_provider *const *aead_usable(void);

/* A usable provider by name, or NULL; without a name, the fastest. */
const struct aead_provider *aead_find(const char *name);

#endif
