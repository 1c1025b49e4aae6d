/*
 * Intel's multi-buffer library where it is installed: it picks its code by the CPU it runs on. Opened at
 * run time and called through the places in its manager and job that its interface fixes: the same in
 * every release from 1.0 to 2.0, so other releases are left alone.
 */
#include "aead.h"

#if defined(__x86_64__)

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST = 0x10000, NEWEST = 0x200ff };
enum { CIPHER_CHACHA20_POLY1305 = 19, HASH_CHACHA20_POLY1305 = 29 };
enum { ENCRYPT = 1, DECRYPT = 2, CIPHER_THEN_HASH = 1, HASH_THEN_CIPHER = 2, COMPLETED = 3 };

/* The fields of a job that this cipher uses; what follows them is the library's own. */
struct job {
  const void *encrypt_key;
  const void *decrypt_key;
  uint64_t key_bytes;
  const uint8_t *source;
  uint8_t *out;
  uint64_t cipher_start;
  uint64_t cipher_bytes;
  uint64_t hash_start;
  uint64_t hash_bytes;
  const uint8_t *iv;
  uint64_t iv_bytes;
  uint8_t *tag;
  uint64_t tag_bytes;
  const void *associated_data;
  uint64_t associated_bytes;
  void *scatter;
  int32_t status;
  int32_t cipher;
  int32_t direction;
  int32_t hash;
  int32_t order;
};

_Static_assert(offsetof(struct job, iv) == 72 && offsetof(struct job, tag) == 88, "place of the IV and the tag");
_Static_assert(offsetof(struct job, associated_data) == 104 && offsetof(struct job, status) == 128, "place of the status");
_Static_assert(offsetof(struct job, order) == 144, "place of the chain order");

enum { NEXT_JOB = 64, SUBMIT_JOB = 72, FLUSH_JOB = 96 };

typedef struct job *(*job_call)(void *manager);

struct library {
  void *(*alloc)(uint64_t flags);
  void (*free)(void *manager);
  void (*init)(void *manager, int *arch);
  unsigned (*version)(void);
};

struct context {
  struct library library;
  void *manager;
  job_call next;
  job_call submit;
  job_call flush;
};

static bool load(struct library *library) {
  void *handle = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) handle = dlopen("libIPSec_MB.so.2", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) return false;
  const struct {
    const char *name;
    void *to;
  } wanted[] = {
      {"alloc_mb_mgr", &library->alloc},
      {"free_mb_mgr", &library->free},
      {"init_mb_mgr_auto", &library->init},
      {"imb_get_version", &library->version},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    void *symbol = dlsym(handle, wanted[i].name);
    if (symbol == NULL) return false;
    memcpy(wanted[i].to, &symbol, sizeof symbol);
  }
  unsigned version = library->version();
  return version >= OLDEST && version <= NEWEST;
}

static void destroy(void *opaque) {
  struct context *context = opaque;
  context->library.free(context->manager);
  free(context);
}

static void *create(void) {
  struct context *context = calloc(1, sizeof *context);
  int arch = 0;
  if (context == NULL) return NULL;
  if (!load(&context->library) || (context->manager = context->library.alloc(0)) == NULL) {
    free(context);
    return NULL;
  }
  context->library.init(context->manager, &arch);
  memcpy(&context->next, (uint8_t *)context->manager + NEXT_JOB, sizeof context->next);
  memcpy(&context->submit, (uint8_t *)context->manager + SUBMIT_JOB, sizeof context->submit);
  memcpy(&context->flush, (uint8_t *)context->manager + FLUSH_JOB, sizeof context->flush);
  if (arch == 0 || context->next == NULL || context->submit == NULL || context->flush == NULL) {
    destroy(context);
    return NULL;
  }
  return context;
}

static bool run(struct context *context, const uint8_t *key, uint64_t counter, uint8_t *out, const uint8_t *source,
                size_t length, uint8_t *tag, bool encrypt) {
  uint8_t iv[12] = {0};
  struct job *job = context->next(context->manager);
  memcpy(iv + 4, &counter, 8);
  job->encrypt_key = key;
  job->decrypt_key = key;
  job->key_bytes = AEAD_KEY_BYTES;
  job->source = source;
  job->out = out;
  job->cipher_start = 0;
  job->cipher_bytes = length;
  job->hash_start = 0;
  job->hash_bytes = length;
  job->iv = iv;
  job->iv_bytes = sizeof iv;
  job->tag = tag;
  job->tag_bytes = AEAD_TAG_BYTES;
  job->associated_data = iv;
  job->associated_bytes = 0;
  job->scatter = NULL;
  job->cipher = CIPHER_CHACHA20_POLY1305;
  job->direction = encrypt ? ENCRYPT : DECRYPT;
  job->hash = HASH_CHACHA20_POLY1305;
  job->order = encrypt ? CIPHER_THEN_HASH : HASH_THEN_CIPHER;
  job = context->submit(context->manager);
  if (job == NULL) job = context->flush(context->manager);
  return job != NULL && job->status == COMPLETED;
}

static bool seal(void *context, const uint8_t *key, uint64_t counter, uint8_t *out, const uint8_t *source, size_t length) {
  return run(context, key, counter, out, source, length, out + length, true);
}

static bool open_(void *context, const uint8_t *key, uint64_t counter, uint8_t *bytes, size_t length) {
  uint8_t tag[AEAD_TAG_BYTES];
  uint8_t difference = 0;
  if (!run(context, key, counter, bytes, bytes, length, tag, false)) return false;
  for (int i = 0; i < AEAD_TAG_BYTES; i++) difference |= (uint8_t)(tag[i] ^ bytes[length + (size_t)i]);
  return difference == 0;
}

static void forget(void *context, const uint8_t *key) {
  /* The manager keeps no key; a finished job only points at one. */
  (void)context;
  (void)key;
}

const struct aead_provider aead_ipsec_mb = {
    .name = "ipsec-mb", .create = create, .destroy = destroy, .seal = seal, .open = open_, .forget = forget};

#else

static void *create(void) { return NULL; }

const struct aead_provider aead_ipsec_mb = {.name = "ipsec-mb", .create = create};

#endif
