#include "faults.h"

#include <stddef.h>

void faults_note(struct faults *faults, const char *syscall, const char *feature, int error) {
  for (uint32_t i = 0; i < faults->count; i++) {
    struct fault *fault = &faults->items[i];
    if (fault->syscall == syscall && fault->feature == feature && fault->error == error) {
      if (fault->count < UINT32_MAX) fault->count++;
      return;
    }
  }
  if (faults->count == FAULTS) return;
  faults->items[faults->count++] = (struct fault){.syscall = syscall, .feature = feature, .error = error, .count = 1};
}
