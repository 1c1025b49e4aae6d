/*
 * Preloaded into a process, it notes how much of each file is safe from a power cut: a line
 * `INODE LENGTH` in the file PAGE_CACHE_LEDGER for each file that is begun anew and for each sync that succeeded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(const struct stat *file, long long length) {
  const char *ledger = getenv("PAGE_CACHE_LEDGER");
  if (ledger == NULL || !S_ISREG(file->st_mode)) return;
  int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  int fd = next(ledger, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  char line[64];
  int size = snprintf(line, sizeof line, "%llu %lld\n", (unsigned long long)file->st_ino, length);
  if (fd < 0 || write(fd, line, size) != size) abort();
  close(fd);
}

static int noted(int fd, int flags) {
  struct stat file;
  if (fd >= 0 && (flags & O_TRUNC) && fstat(fd, &file) == 0) note(&file, 0);
  return fd;
}

#define OPEN(NAME)                                           \
  int NAME(const char *path, int flags, ...) {               \
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #NAME); \
    va_list rest;                                            \
    va_start(rest, flags);                                   \
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                            \
    return noted(next(path, flags, mode), flags);            \
  }

OPEN(open)
OPEN(open64)

#define FOPEN(NAME)                                                 \
  FILE *NAME(const char *path, const char *mode) {                  \
    FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, #NAME); \
    FILE *stream = next(path, mode);                                \
    if (stream != NULL) noted(fileno(stream), mode[0] == 'w' ? O_TRUNC : 0); \
    return stream;                                                  \
  }

FOPEN(fopen)
FOPEN(fopen64)

/* What is written while it syncs may not be safe: the length of before counts. */
#define SYNC(NAME)                                    \
  int NAME(int fd) {                                  \
    int (*next)(int) = dlsym(RTLD_NEXT, #NAME);       \
    struct stat file;                                 \
    int known = fstat(fd, &file);                     \
    int result = next(fd);                            \
    if (result == 0 && known == 0) note(&file, file.st_size); \
    return result;                                    \
  }

SYNC(fsync)
SYNC(fdatasync)
