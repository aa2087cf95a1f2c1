// WASI for modules that wasm2c turned into C, so that GCC's code for a module can be measured
// beside ours. It passes system calls on to the host and checks nothing: for programs of the corpus
// and the kernels, whose inputs are ours. bench/compare compiles it with
//
//   -DMODULE_HEADER='"module.h"'    the header made by `wasm2c --module-name m`
//   -DMODULE_HAS_BENCH              where the module imports bench.start and bench.end
//
// and runs `PROGRAM [ARGUMENTS...]`: the guest sees the working directory as ".". Prints
// `bench_ms` (between the marks) or `run_ms` (all of _start) on standard error.
//
// (WASI snapshot preview 1, the layout of its structures.)
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include MODULE_HEADER

struct Z_wasi_snapshot_preview1_instance_t {
  Z_m_instance_t* module;
  int argc;
  char** argv;
};
typedef struct Z_wasi_snapshot_preview1_instance_t wasi;

#define WASI(name) Z_wasi_snapshot_preview1Z_##name

enum { kDirectory = 3 };

static double started_ms, bench_ms = -1;
static jmp_buf exit_point;
static int exit_code;

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static u8* at(wasi* w, u32 address) { return Z_mZ_memory(w->module)->data + address; }
static void put32(wasi* w, u32 address, u32 value) { memcpy(at(w, address), &value, 4); }
static void put64(wasi* w, u32 address, u64 value) { memcpy(at(w, address), &value, 8); }
static u32 get32(wasi* w, u32 address) {
  u32 value;
  memcpy(&value, at(w, address), 4);
  return value;
}

static u32 error_number(void) {
  switch (errno) {
    case EACCES:
      return 2;
    case EBADF:
      return 8;
    case EEXIST:
      return 20;
    case EINVAL:
      return 28;
    case EISDIR:
      return 31;
    case ENOENT:
      return 44;
    case ENOSPC:
      return 51;
    case ENOTDIR:
      return 54;
    case ENOTEMPTY:
      return 55;
    case EPERM:
      return 63;
    default:
      return 29;  // input or output failed
  }
}
static u32 outcome(long result) { return result < 0 ? error_number() : 0; }

// A path of the guest's, below the working directory.
static const char* path_at(wasi* w, u32 address, u32 size, char* buffer) {
  if (size >= 4096) size = 4095;
  memcpy(buffer, at(w, address), size);
  buffer[size] = '\0';
  while (buffer[0] == '/') ++buffer;
  return buffer[0] == '\0' ? "." : buffer;
}

u32 WASI(args_sizes_get)(wasi* w, u32 count, u32 size) {
  u32 bytes = 0;
  for (int i = 0; i < w->argc; ++i) bytes += (u32)strlen(w->argv[i]) + 1;
  put32(w, count, (u32)w->argc);
  put32(w, size, bytes);
  return 0;
}

u32 WASI(args_get)(wasi* w, u32 pointers, u32 bytes) {
  for (int i = 0; i < w->argc; ++i) {
    put32(w, pointers + 4 * (u32)i, bytes);
    strcpy((char*)at(w, bytes), w->argv[i]);
    bytes += (u32)strlen(w->argv[i]) + 1;
  }
  return 0;
}

u32 WASI(environ_sizes_get)(wasi* w, u32 count, u32 size) {
  put32(w, count, 0);
  put32(w, size, 0);
  return 0;
}
u32 WASI(environ_get)(wasi* w, u32 pointers, u32 bytes) {
  (void)w, (void)pointers, (void)bytes;
  return 0;
}

u32 WASI(clock_time_get)(wasi* w, u32 clock, u64 precision, u32 result) {
  (void)precision;
  struct timespec now;
  if (clock_gettime(clock == 0   ? CLOCK_REALTIME
                    : clock == 1 ? CLOCK_MONOTONIC
                                 : CLOCK_PROCESS_CPUTIME_ID,
                    &now) != 0) {
    return error_number();
  }
  put64(w, result, (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec);
  return 0;
}

void WASI(proc_exit)(wasi* w, u32 code) {
  (void)w;
  exit_code = (int)code;
  longjmp(exit_point, 1);
}

static u32 transfer(wasi* w, int fd, u32 vectors, u32 count, u32 result,
                    ssize_t (*move)(int, const struct iovec*, int)) {
  struct iovec list[16];
  if (count > 16) count = 16;
  for (u32 i = 0; i < count; ++i) {
    list[i].iov_base = at(w, get32(w, vectors + 8 * i));
    list[i].iov_len = get32(w, vectors + 8 * i + 4);
  }
  const ssize_t moved = move(fd, list, (int)count);
  if (moved < 0) return error_number();
  put32(w, result, (u32)moved);
  return 0;
}
u32 WASI(fd_write)(wasi* w, u32 fd, u32 vectors, u32 count, u32 result) {
  return transfer(w, (int)fd, vectors, count, result, writev);
}
u32 WASI(fd_read)(wasi* w, u32 fd, u32 vectors, u32 count, u32 result) {
  return transfer(w, (int)fd, vectors, count, result, readv);
}

u32 WASI(fd_seek)(wasi* w, u32 fd, u64 offset, u32 whence, u32 result) {
  const off_t place = lseek((int)fd, (off_t)offset, (int)whence);
  if (place < 0) return error_number();
  put64(w, result, (u64)place);
  return 0;
}
u32 WASI(fd_tell)(wasi* w, u32 fd, u32 result) { return WASI(fd_seek)(w, fd, 0, SEEK_CUR, result); }
u32 WASI(fd_close)(wasi* w, u32 fd) {
  (void)w;
  return outcome(close((int)fd));
}
u32 WASI(fd_sync)(wasi* w, u32 fd) {
  (void)w;
  return outcome(fsync((int)fd));
}
u32 WASI(fd_renumber)(wasi* w, u32 from, u32 to) {
  (void)w;
  if (dup2((int)from, (int)to) < 0) return error_number();
  return outcome(close((int)from));
}

static u8 file_type(mode_t mode) {
  return S_ISDIR(mode) ? 3 : S_ISREG(mode) ? 4 : S_ISLNK(mode) ? 7 : S_ISCHR(mode) ? 2 : 0;
}
u32 WASI(fd_fdstat_get)(wasi* w, u32 fd, u32 result) {
  struct stat stat;
  if (fstat((int)fd, &stat) != 0) return error_number();
  memset(at(w, result), 0, 24);
  *at(w, result) = file_type(stat.st_mode);
  put64(w, result + 8, ~(u64)0);
  put64(w, result + 16, ~(u64)0);
  return 0;
}
u32 WASI(fd_fdstat_set_flags)(wasi* w, u32 fd, u32 flags) {
  (void)w, (void)fd, (void)flags;
  return 0;
}

static u32 put_stat(wasi* w, u32 result, const struct stat* stat) {
  memset(at(w, result), 0, 64);
  put64(w, result, stat->st_dev);
  put64(w, result + 8, stat->st_ino);
  *at(w, result + 16) = file_type(stat->st_mode);
  put64(w, result + 24, stat->st_nlink);
  put64(w, result + 32, (u64)stat->st_size);
  put64(w, result + 40, (u64)stat->st_atim.tv_sec * 1000000000 + (u64)stat->st_atim.tv_nsec);
  put64(w, result + 48, (u64)stat->st_mtim.tv_sec * 1000000000 + (u64)stat->st_mtim.tv_nsec);
  put64(w, result + 56, (u64)stat->st_ctim.tv_sec * 1000000000 + (u64)stat->st_ctim.tv_nsec);
  return 0;
}
u32 WASI(fd_filestat_get)(wasi* w, u32 fd, u32 result) {
  struct stat stat;
  if (fstat((int)fd, &stat) != 0) return error_number();
  return put_stat(w, result, &stat);
}
u32 WASI(fd_filestat_set_size)(wasi* w, u32 fd, u64 size) {
  (void)w;
  return outcome(ftruncate((int)fd, (off_t)size));
}

u32 WASI(fd_prestat_get)(wasi* w, u32 fd, u32 result) {
  if (fd != kDirectory) return 8;
  put32(w, result, 0);
  put32(w, result + 4, 1);
  return 0;
}
u32 WASI(fd_prestat_dir_name)(wasi* w, u32 fd, u32 path, u32 size) {
  if (fd != kDirectory || size < 1) return 8;
  *at(w, path) = '.';
  return 0;
}
u32 WASI(fd_readdir)(wasi* w, u32 fd, u32 buffer, u32 size, u64 cookie, u32 result) {
  (void)fd, (void)buffer, (void)size, (void)cookie;
  put32(w, result, 0);
  return 0;
}

u32 WASI(path_open)(wasi* w, u32 fd, u32 follow, u32 path, u32 size, u32 create, u64 rights,
                    u64 inherited, u32 flags, u32 result) {
  (void)fd, (void)inherited;
  char buffer[4096];
  int how = follow & 1 ? 0 : O_NOFOLLOW;
  if (create & 1) how |= O_CREAT;
  if (create & 2) how |= O_DIRECTORY;
  if (create & 4) how |= O_EXCL;
  if (create & 8) how |= O_TRUNC;
  if (flags & 1) how |= O_APPEND;
  const int reads = (rights & 2) != 0, writes = (rights & 64) != 0;
  how |= writes && !(create & 2) ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  const int opened = openat(kDirectory, path_at(w, path, size, buffer), how | O_CLOEXEC, 0666);
  if (opened < 0) return error_number();
  put32(w, result, (u32)opened);
  return 0;
}
u32 WASI(path_filestat_get)(wasi* w, u32 fd, u32 follow, u32 path, u32 size, u32 result) {
  (void)fd;
  char buffer[4096];
  struct stat stat;
  if (fstatat(kDirectory, path_at(w, path, size, buffer), &stat,
              follow & 1 ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
    return error_number();
  }
  return put_stat(w, result, &stat);
}
u32 WASI(path_filestat_set_times)(wasi* w, u32 fd, u32 follow, u32 path, u32 size, u64 access,
                                  u64 change, u32 which) {
  (void)w, (void)fd, (void)follow, (void)path, (void)size, (void)access, (void)change, (void)which;
  return 0;
}
u32 WASI(path_unlink_file)(wasi* w, u32 fd, u32 path, u32 size) {
  (void)fd;
  char buffer[4096];
  return outcome(unlinkat(kDirectory, path_at(w, path, size, buffer), 0));
}
u32 WASI(path_remove_directory)(wasi* w, u32 fd, u32 path, u32 size) {
  (void)fd;
  char buffer[4096];
  return outcome(unlinkat(kDirectory, path_at(w, path, size, buffer), AT_REMOVEDIR));
}
u32 WASI(path_create_directory)(wasi* w, u32 fd, u32 path, u32 size) {
  (void)fd;
  char buffer[4096];
  return outcome(mkdirat(kDirectory, path_at(w, path, size, buffer), 0777));
}
u32 WASI(path_rename)(wasi* w, u32 fd, u32 path, u32 size, u32 to, u32 new_path, u32 new_size) {
  (void)fd, (void)to;
  char from[4096], into[4096];
  return outcome(renameat(kDirectory, path_at(w, path, size, from), kDirectory,
                          path_at(w, new_path, new_size, into)));
}
u32 WASI(path_readlink)(wasi* w, u32 fd, u32 path, u32 size, u32 out, u32 room, u32 result) {
  (void)fd;
  char buffer[4096];
  const ssize_t length =
      readlinkat(kDirectory, path_at(w, path, size, buffer), (char*)at(w, out), room);
  if (length < 0) return error_number();
  put32(w, result, (u32)length);
  return 0;
}
u32 WASI(path_symlink)(wasi* w, u32 old, u32 old_size, u32 fd, u32 path, u32 size) {
  (void)w, (void)old, (void)old_size, (void)fd, (void)path, (void)size;
  return 63;
}
u32 WASI(poll_oneoff)(wasi* w, u32 in, u32 out, u32 count, u32 result) {
  (void)in, (void)out, (void)count;
  put32(w, result, 0);
  return 0;
}

#ifdef MODULE_HAS_BENCH
struct Z_bench_instance_t {
  double start;
};
void Z_benchZ_start(struct Z_bench_instance_t* bench) { bench->start = now_ms(); }
void Z_benchZ_end(struct Z_bench_instance_t* bench) { bench_ms = now_ms() - bench->start; }
#endif

int main(int argc, char** argv) {
  static Z_m_instance_t module;
  wasi host = {&module, argc, argv};
  const int directory = open(".", O_DIRECTORY | O_RDONLY);
  if (directory != kDirectory && dup2(directory, kDirectory) < 0) return 1;
  wasm_rt_init();
  Z_m_init_module();
#ifdef MODULE_HAS_BENCH
  struct Z_bench_instance_t bench = {0};
  Z_m_instantiate(&module, &bench, &host);
#else
  Z_m_instantiate(&module, &host);
#endif
  started_ms = now_ms();
  if (setjmp(exit_point) == 0) Z_mZ__start(&module);
  const double run_ms = now_ms() - started_ms;
  fflush(stdout);
  if (bench_ms >= 0) {
    fprintf(stderr, "bench_ms %.3f\n", bench_ms);
  } else {
    fprintf(stderr, "run_ms %.3f\n", run_ms);
  }
  return exit_code;
}
