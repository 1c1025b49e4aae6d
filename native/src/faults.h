/* What went wrong since the last look: a few distinct faults, each with how often. */
#ifndef PCLOUD_FAULTS_H
#define PCLOUD_FAULTS_H

#include <stdint.h>

enum { FAULTS = 16 };

struct fault {
  const char *syscall; /* of static life */
  const char *feature; /* switched off or left out because of it; NULL for none */
  int error;
  uint32_t count;
};

struct faults {
  struct fault items[FAULTS];
  uint32_t count;
};

/* Notes one; when the list is full, new kinds of fault are left out. */
void faults_note(struct faults *faults, const char *syscall, const char *feature, int error);

#endif
