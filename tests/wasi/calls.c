// Calls on files, directories, time and the rest through the C library, with every result
// printed: the native run says what POSIX gives, `gantry run` has to print the same bytes.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// The names of errors, since their numbers differ.
static const char* error_name(int error) {
  switch (error) {
#define NAME(code) \
  case code:       \
    return #code;
    NAME(EACCES)
    NAME(EAGAIN)
    NAME(EBADF)
    NAME(EBUSY)
    NAME(EEXIST)
    NAME(EINVAL)
    NAME(EISDIR)
    NAME(ELOOP)
    NAME(ENAMETOOLONG)
    NAME(ENOENT)
    NAME(ENOTDIR)
    NAME(ENOTEMPTY)
    NAME(EPERM)
    NAME(ESPIPE)
#undef NAME
    default:
      return strerror(error);
  }
}

static long long check(const char* what, long long result) {
  if (result < 0) {
    printf("%s: %s\n", what, error_name(errno));
  } else {
    printf("%s: %lld\n", what, result);
  }
  return result;
}

// For calls whose successful result is a descriptor number, which may differ.
static int check_fd(const char* what, int fd) {
  printf("%s: %s\n", what, fd < 0 ? error_name(errno) : "open");
  return fd;
}

static void print_file(const char* path) {
  char text[4096];
  const int fd = open(path, O_RDONLY);
  const ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text));
  printf("%s holds ", path);
  if (size < 0) {
    printf("nothing: %s\n", error_name(errno));
  } else {
    printf("%zd: %.*s\n", size, (int)size, text);
  }
  if (fd >= 0) close(fd);
}

static void files(void) {
  int fd = check_fd("open missing", open("missing", O_RDONLY));
  fd = check_fd("create", open("file", O_RDWR | O_CREAT | O_EXCL, 0666));
  check_fd("create again", open("file", O_RDWR | O_CREAT | O_EXCL, 0666));
  check("write", write(fd, "hello, world", 12));
  check("seek set", lseek(fd, 7, SEEK_SET));
  check("seek cur", lseek(fd, -2, SEEK_CUR));
  check("seek end", lseek(fd, -1, SEEK_END));
  check("seek before the start", lseek(fd, -100, SEEK_CUR));
  check("pwrite", pwrite(fd, "WORLD", 5, 7));
  char text[16] = {0};
  check("pread", pread(fd, text, 5, 7));
  printf("read %s\n", text);
  struct iovec parts[3] = {{text, 2}, {text + 8, 0}, {text + 2, 4}};
  check("seek", lseek(fd, 0, SEEK_SET));
  check("readv", readv(fd, parts, 3));
  printf("read %.6s\n", text);
  check("read at the end", (lseek(fd, 100, SEEK_SET), read(fd, text, 5)));
  check("truncate", ftruncate(fd, 5));
  check("grow", ftruncate(fd, 8));
  check("truncate below zero", ftruncate(fd, -1));
  struct stat status;
  check("fstat", fstat(fd, &status));
  printf("size %lld, regular %d, links %d\n", (long long)status.st_size,
         S_ISREG(status.st_mode), (int)status.st_nlink);
  const struct timespec times[2] = {{1000, 5}, {2000000000, 7}};
  check("futimens", futimens(fd, times));
  check("fstat", fstat(fd, &status));
  printf("accessed %lld.%ld, modified %lld.%ld\n", (long long)status.st_atim.tv_sec,
         status.st_atim.tv_nsec, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  check("fsync", fsync(fd));
  check("fdatasync", fdatasync(fd));
  check("fadvise", posix_fadvise(fd, 0, 5, POSIX_FADV_WILLNEED));
  check("fallocate", posix_fallocate(fd, 0, 20));
  check("isatty", isatty(fd));
  check("close", close(fd));
  check("close again", close(fd));
  check("write to closed", write(fd, "x", 1));
  fd = check_fd("open to append", open("file", O_WRONLY | O_APPEND));
  check("append", write(fd, "!", 1));
  check("read what is write-only", read(fd, text, 1) < 0 ? 0 : 1);
  check("close", close(fd));
  fd = check_fd("open to truncate", open("file", O_WRONLY | O_TRUNC));
  check("write", write(fd, "new", 3));
  check("close", close(fd));
  print_file("file");
  check_fd("below a file", open("file/x", O_RDONLY));
  check_fd("file with a slash", open("file/", O_RDONLY));
  check_fd("file as a directory", open("file", O_RDONLY | O_DIRECTORY));
}

static int compare_names(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}

static void list(const char* path) {
  DIR* directory = opendir(path);
  if (directory == NULL) {
    printf("opendir %s: %s\n", path, error_name(errno));
    return;
  }
  char* names[256];
  size_t count = 0;
  for (struct dirent* entry; count < 256 && (entry = readdir(directory)) != NULL;) {
    const char kind = entry->d_type == DT_DIR ? '/' : entry->d_type == DT_LNK ? '@' : ' ';
    names[count] = malloc(strlen(entry->d_name) + 2);
    sprintf(names[count++], "%s%c", entry->d_name, kind);
  }
  closedir(directory);
  qsort(names, count, sizeof(names[0]), compare_names);
  printf("%s has %zu:", path, count);
  for (size_t i = 0; i < count; ++i) {
    printf(" %s", names[i]);
    free(names[i]);
  }
  printf("\n");
}

static void directories(void) {
  check("mkdir", mkdir("dir", 0777));
  check("mkdir again", mkdir("dir", 0777));
  check("mkdir deep", mkdir("none/deep", 0777));
  check("mkdir below", mkdir("dir/below", 0777));
  check("mkdir with a slash", mkdir("dir/slash/", 0777));
  check("link", link("file", "dir/hard"));
  check("link again", link("file", "dir/hard"));
  check("symlink", symlink("../file", "dir/soft"));
  check("symlink to a directory", symlink("dir", "todir"));
  check("dangling symlink", symlink("nowhere", "dangling"));
  check("loop", symlink("loop", "loop"));
  check("symlink out", symlink("../../../../../../../../../../nowhere", "out"));
  list(".");
  list("dir");
  list("todir");
  list("file");
  list("none");
  print_file("dir/soft");
  print_file("todir/soft");
  print_file("dir/../dir/./below/../hard");
  print_file("loop");
  char target[64] = {0};
  check("readlink", readlink("dir/soft", target, sizeof(target)));
  printf("leads to %s\n", target);
  check("readlink cut", readlink("dir/soft", target, 3));
  check("readlink of a file", readlink("file", target, sizeof(target)));
  struct stat status;
  check("stat link", stat("todir", &status));
  printf("directory %d\n", S_ISDIR(status.st_mode));
  check("lstat link", lstat("todir", &status));
  printf("link %d\n", S_ISLNK(status.st_mode));
  check("stat dangling", stat("dangling", &status));
  check("lstat dangling", lstat("dangling", &status));
  check("stat loop", stat("loop", &status));
  check_fd("no follow", open("dir/soft", O_RDONLY | O_NOFOLLOW));
  check("unlink a directory", unlink("dir"));
  check("rmdir a file", rmdir("file"));
  check("rmdir in use", rmdir("dir"));
  check("rename", rename("dir/hard", "renamed"));
  check("rename missing", rename("none", "x"));
  check("rename a file over a directory", rename("file", "dir"));
  check("rename a directory over a file", rename("dir", "file"));
  check("rename into itself", rename("dir", "dir/below/inside"));
  check("rename a directory", rename("dir/below", "moved"));
  check("rename over an empty one", rename("moved", "dir/slash"));
  const struct timespec times[2] = {{0, UTIME_OMIT}, {77, 0}};
  check("utimensat", utimensat(AT_FDCWD, "renamed", times, 0));
  check("stat", stat("renamed", &status));
  printf("modified %lld\n", (long long)status.st_mtim.tv_sec);
  list("dir");
  check("unlink", unlink("dir/soft"));
  check("unlink again", unlink("dir/soft"));
  check("rmdir", rmdir("dir/slash"));
  check("rmdir dir", rmdir("dir"));
  list(".");
  check("access", access("file", R_OK | W_OK));
  check("access missing", access("missing", F_OK));
}

// More entries than one buffer of the C library holds, and positions in the middle.
static void large_directory(void) {
  check("mkdir", mkdir("large", 0777));
  char path[64];
  for (int i = 0; i < 500; ++i) {
    sprintf(path, "large/entry-with-a-long-name-%03d", i);
    const int fd = open(path, O_WRONLY | O_CREAT, 0666);
    if (fd < 0) check_fd(path, fd);
    close(fd);
  }
  DIR* directory = opendir("large");
  int count = 0;
  long sum = 0, middle = 0;
  char middle_name[64] = "";
  for (struct dirent* entry; (entry = readdir(directory)) != NULL; ++count) {
    if (entry->d_name[0] == '.') continue;
    sum += atoi(entry->d_name + 23);
    if (count == 250) middle = telldir(directory);
    if (count == 251) strcpy(middle_name, entry->d_name);
  }
  printf("%d entries, sum %ld\n", count, sum);
  seekdir(directory, middle);
  const struct dirent* again = readdir(directory);
  printf("seekdir %s\n", again != NULL && strcmp(again->d_name, middle_name) == 0 ? "ok" : "bad");
  rewinddir(directory);
  for (count = 0; readdir(directory) != NULL;) ++count;
  printf("%d entries after rewinding\n", count);
  closedir(directory);
  for (int i = 0; i < 500; ++i) {
    sprintf(path, "large/entry-with-a-long-name-%03d", i);
    if (unlink(path) != 0) check(path, -1);
  }
  check("rmdir", rmdir("large"));
}

static long long now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void time_and_polling(void) {
  const long long start = now(CLOCK_MONOTONIC);
  const struct timespec pause = {0, 20000000};
  check("nanosleep", nanosleep(&pause, NULL));
  printf("slept %s\n", now(CLOCK_MONOTONIC) - start >= 20000000 ? "long enough" : "too short");
  printf("after 2020: %d\n", now(CLOCK_REALTIME) > 1577836800ll * 1000000000);
  struct timespec resolution;
  check("clock_getres", clock_getres(CLOCK_MONOTONIC, &resolution));
  struct pollfd streams[2] = {{0, POLLIN, 0}, {1, POLLOUT, 0}};
  check("poll", poll(streams, 2, 1000));
  printf("input %d, output %d\n", (streams[0].revents & POLLIN) != 0,
         (streams[1].revents & POLLOUT) != 0);
  char text[64] = {0};
  check("read", read(0, text, sizeof(text) - 1));
  printf("input: %s", text);
  unsigned char random[64] = {0};
  check("getentropy", getentropy(random, sizeof(random)));
  int nonzero = 0;
  for (size_t i = 0; i < sizeof(random); ++i) nonzero += random[i] != 0;
  printf("random: %d\n", nonzero > 32);
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 1; i < argc; ++i) printf("argument %d: %s\n", i, argv[i]);
  files();
  directories();
  large_directory();
  time_and_polling();
  fprintf(stderr, "to standard error\n");
  return 42;
}
