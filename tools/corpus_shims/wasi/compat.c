#include "compat.h"

#include <errno.h>
#include <stdio.h>

int chmod(const char* path, mode_t mode) {
  (void)path;
  (void)mode;
  return 0;
}

int fchmod(int fd, mode_t mode) {
  (void)fd;
  (void)mode;
  return 0;
}

int fchown(int fd, uid_t user, gid_t group) {
  (void)fd;
  (void)user;
  (void)group;
  return 0;
}

uid_t getuid(void) { return 1; }

uid_t geteuid(void) { return 1; }

int system(const char* command) {
  if (command == NULL) return 0;  // there is no command processor
  errno = ENOSYS;
  return -1;
}

FILE* tmpfile(void) {
  errno = ENOSYS;
  return NULL;
}

char* tmpnam(char* buffer) {
  (void)buffer;
  return NULL;
}
