// Classifies and folds bytes through the C library's functions and through tables of its own.
//
//   ctype [MEGABYTES]        default 1
#include <ctype.h>

#include "examples/bench.h"
#include "examples/support.h"

enum { kAlpha = 1, kDigit = 2, kSpace = 4, kUpper = 8 };

static unsigned char classes[256];

static void make_classes(void) {
  for (int c = 0; c < 128; ++c) {
    classes[c] = (unsigned char)((isalpha(c) ? kAlpha : 0) | (isdigit(c) ? kDigit : 0) |
                                 (isspace(c) ? kSpace : 0) | (isupper(c) ? kUpper : 0));
  }
}

struct counts {
  uint64_t words, numbers, capitals, folded;
};

// Words and numbers by the table.
static void count_by_table(const unsigned char* text, size_t size, struct counts* counts) {
  size_t i = 0;
  while (i < size) {
    if (classes[text[i]] & kAlpha) {
      ++counts->words;
      counts->capitals += (classes[text[i]] & kUpper) != 0;
      while (i < size && (classes[text[i]] & (kAlpha | kDigit))) ++i;
    } else if (classes[text[i]] & kDigit) {
      ++counts->numbers;
      while (i < size && (classes[text[i]] & kDigit)) ++i;
    } else {
      ++i;
    }
  }
}

// A hash of the text in lower case, blanks left out, by the library.
static uint64_t fold_by_library(const unsigned char* text, size_t size) {
  uint64_t hash = 14695981039346656037ull;
  for (size_t i = 0; i < size; ++i) {
    if (isspace(text[i])) continue;
    const int c = isalpha(text[i]) ? tolower(text[i]) : text[i];
    hash = (hash ^ (uint64_t)c) * 1099511628211ull;
  }
  return hash;
}

int main(int argc, char** argv) {
  const size_t size = (size_t)(argc > 1 ? parse_size(argv[1], 1024) : 1) << 20;
  unsigned char* text = allocate(size);
  struct generator generator = {7};
  for (size_t i = 0; i < size; ++i) {
    const uint32_t r = next_random(&generator);
    text[i] = (unsigned char)(r % 6 == 0 ? ' ' : r % 7 == 0 ? '0' + r / 64 % 10 : 33 + r / 64 % 94);
  }
  struct counts counts = {0, 0, 0, 0};
  make_classes();
  bench_start();
  for (int round = 0; round < 8; ++round) {
    count_by_table(text, size, &counts);
    counts.folded = counts.folded * 31 + fold_by_library(text, size);
  }
  bench_end();
  printf("%llu words, %llu capitals, %llu numbers, %016llx\n", (unsigned long long)counts.words,
         (unsigned long long)counts.capitals, (unsigned long long)counts.numbers,
         (unsigned long long)counts.folded);
  free(text);
  return 0;
}
