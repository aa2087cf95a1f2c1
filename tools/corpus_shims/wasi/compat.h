// What the corpus programs expect of POSIX beyond wasi-libc; included before every source.
//
// Modes and owners do not exist in WASI preview 1, so that changing them succeeds and does
// nothing; locks are always granted (SQLite is told not to use any); processes and temporary
// files fail as the standard lets them.
#ifndef GANTRY_CORPUS_COMPAT_H_
#define GANTRY_CORPUS_COMPAT_H_

#include <fcntl.h>
#include <sys/types.h>

#ifndef F_SETLK
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#endif

#ifndef L_tmpnam
#define L_tmpnam 20
#endif

int chmod(const char* path, mode_t mode);
int fchmod(int fd, mode_t mode);
int fchown(int fd, uid_t user, gid_t group);
uid_t getuid(void);
uid_t geteuid(void);
int system(const char* command);

#endif  // GANTRY_CORPUS_COMPAT_H_
