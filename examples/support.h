// What several examples share: whole files in memory, numbers that look random, a checksum.
#ifndef GANTRY_EXAMPLES_SUPPORT_H_
#define GANTRY_EXAMPLES_SUPPORT_H_

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ends the program with one line that says what is wrong.
static inline void fail(const char* what, const char* detail) {
  fprintf(stderr, "%s: %s\n", what, detail);
  exit(1);
}

static inline void* allocate(size_t size) {
  void* memory = malloc(size == 0 ? 1 : size);
  if (memory == NULL) fail("out of memory", "choose a smaller size");
  return memory;
}

// A size argument: decimal, at most `limit`.
static inline uint64_t parse_size(const char* text, uint64_t limit) {
  uint64_t value = 0;
  if (*text == '\0') fail("not a size", text);
  for (const char* at = text; *at != '\0'; ++at) {
    if (*at < '0' || *at > '9') fail("not a size", text);
    value = value * 10 + (uint64_t)(*at - '0');
    if (value > limit) fail("size too large", text);
  }
  return value;
}

struct buffer {
  unsigned char* bytes;
  size_t size;
};

// All of a file; "-" is standard input.
static inline struct buffer read_file(const char* path) {
  FILE* file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  if (file == NULL) fail(path, strerror(errno));
  struct buffer result = {allocate(65536), 0};
  size_t room = 65536;
  for (;;) {
    const size_t got = fread(result.bytes + result.size, 1, room - result.size, file);
    if (got == 0) break;
    result.size += got;
    if (result.size == room) {
      room *= 2;
      result.bytes = realloc(result.bytes, room);
      if (result.bytes == NULL) fail("out of memory", path);
    }
  }
  if (ferror(file)) fail(path, strerror(errno));
  if (file != stdin) fclose(file);
  return result;
}

// xorshift64*: the same numbers on every machine (Vigna, "An experimental exploration of
// Marsaglia's xorshift generators, scrambled").
struct generator {
  uint64_t state;
};

static inline uint32_t next_random(struct generator* generator) {
  uint64_t x = generator->state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  generator->state = x;
  return (uint32_t)((x * 0x2545F4914F6CDD1Dull) >> 32);
}

// FNV-1a.
static inline uint64_t checksum(uint64_t hash, const void* bytes, size_t size) {
  const unsigned char* at = bytes;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ at[i]) * 0x100000001B3ull;
  return hash;
}

static const uint64_t checksum_start = 0xCBF29CE484222325ull;

#endif  // GANTRY_EXAMPLES_SUPPORT_H_
