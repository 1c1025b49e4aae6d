/*
 * The EVP interface of OpenSSL 1.1 and later, as Node itself carries and exports it: found at run time,
 * so that the addon neither links nor needs headers of any OpenSSL.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "aead.h"

enum { CTRL_SET_IVLEN = 0x9, CTRL_GET_TAG = 0x10, CTRL_SET_TAG = 0x11 };

struct evp {
  void *(*ctx_new)(void);
  void (*ctx_free)(void *);
  int (*ctrl)(void *, int, int, void *);
  const void *(*cipher)(void);
  int (*init)(void *, const void *, void *, const uint8_t *, const uint8_t *, int);
  int (*update)(void *, uint8_t *, int *, const uint8_t *, int);
  int (*final)(void *, uint8_t *, int *);
};

struct direction {
  void *ctx;
  uint8_t key[AEAD_KEY_BYTES];
};

struct context {
  struct evp evp;
  struct direction seal;
  struct direction open;
};



static bool load(struct evp *evp, void *library) {
  /* POSIX has dlsym give functions as object pointers; copying the bytes says so without a cast. */
  const struct {
    const char *name;
    void *to;
  } wanted[] = {
      {"EVP_CIPHER_CTX_new", &evp->ctx_new},     {"EVP_CIPHER_CTX_free", &evp->ctx_free},
      {"EVP_CIPHER_CTX_ctrl", &evp->ctrl},       {"EVP_chacha20_poly1305", &evp->cipher},
      {"EVP_CipherInit_ex", &evp->init},         {"EVP_CipherUpdate", &evp->update},
      {"EVP_CipherFinal_ex", &evp->final},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    void *symbol = dlsym(library, wanted[i].name);
    if (symbol == NULL) return false;
    memcpy(wanted[i].to, &symbol, sizeof symbol);
  }
  return true;
}

static void destroy(void *opaque) {
  struct context *context = opaque;
  if (context->seal.ctx != NULL) context->evp.ctx_free(context->seal.ctx);
  if (context->open.ctx != NULL) context->evp.ctx_free(context->open.ctx);
  explicit_bzero(context, sizeof *context);
  free(context);
}

static bool prepare(struct context *context, struct direction *direction, int encrypt) {
  const struct evp *evp = &context->evp;
  uint8_t iv[12] = {0};
  direction->ctx = evp->ctx_new();
  return direction->ctx != NULL && evp->init(direction->ctx, evp->cipher(), NULL, NULL, NULL, encrypt) == 1 &&
         evp->ctrl(direction->ctx, CTRL_SET_IVLEN, 12, NULL) == 1 &&
         evp->init(direction->ctx, NULL, NULL, direction->key, iv, encrypt) == 1;
}

static void *create(void) {
  struct context *context = calloc(1, sizeof *context);
  if (context == NULL) return NULL;
  if (!load(&context->evp, RTLD_DEFAULT)) {
    /* A Node that hides its OpenSSL: the system's own will do. It stays open for the life of the process. */
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !load(&context->evp, library)) {
      free(context);
      return NULL;
    }
  }
  if (!prepare(context, &context->seal, 1) || !prepare(context, &context->open, 0)) {
    destroy(context);
    return NULL;
  }
  return context;
}

static bool rekey(struct context *context, struct direction *direction, const uint8_t *key, uint64_t counter, int encrypt) {
  uint8_t iv[12] = {0};
  bool same = memcmp(direction->key, key, AEAD_KEY_BYTES) == 0;
  for (int i = 0; i < 8; i++) iv[4 + i] = (uint8_t)(counter >> (8 * i));
  if (!same) memcpy(direction->key, key, AEAD_KEY_BYTES);
  return context->evp.init(direction->ctx, NULL, NULL, same ? NULL : key, iv, encrypt) == 1;
}

static bool seal(void *opaque, const uint8_t *key, uint64_t counter, uint8_t *out, const uint8_t *source, size_t length) {
  struct context *context = opaque;
  const struct evp *evp = &context->evp;
  void *ctx = context->seal.ctx;
  int done = 0;
  uint8_t none[16];
  if (!rekey(context, &context->seal, key, counter, 1)) return false;
  if (length > 0 && evp->update(ctx, out, &done, source, (int)length) != 1) return false;
  return evp->final(ctx, none, &done) == 1 && evp->ctrl(ctx, CTRL_GET_TAG, AEAD_TAG_BYTES, out + length) == 1;
}

static bool open_(void *opaque, const uint8_t *key, uint64_t counter, uint8_t *bytes, size_t length) {
  struct context *context = opaque;
  const struct evp *evp = &context->evp;
  void *ctx = context->open.ctx;
  int done = 0;
  uint8_t none[16];
  if (!rekey(context, &context->open, key, counter, 0)) return false;
  if (evp->ctrl(ctx, CTRL_SET_TAG, AEAD_TAG_BYTES, bytes + length) != 1) return false;
  if (length > 0 && evp->update(ctx, bytes, &done, bytes, (int)length) != 1) return false;
  return evp->final(ctx, none, &done) == 1;
}

static void forget(void *opaque, const uint8_t *key) {
  struct context *context = opaque;
  const uint8_t zeros[AEAD_KEY_BYTES] = {0};
  if (memcmp(context->seal.key, key, AEAD_KEY_BYTES) == 0) rekey(context, &context->seal, zeros, 0, 1);
  if (memcmp(context->open.key, key, AEAD_KEY_BYTES) == 0) rekey(context, &context->open, zeros, 0, 0);
}

const struct aead_provider aead_evp = {
    .name = "evp", .create = create, .destroy = destroy, .seal = seal, .open = open_, .forget = forget};
