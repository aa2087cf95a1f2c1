// Parses comma-separated values (RFC 4180) and adds up numeric columns.
//
//   csv [ROWS]        default 2000
#include "examples/bench.h"
#include "examples/support.h"

enum { kColumns = 8 };

struct totals {
  uint64_t rows, fields, quoted, bytes;
  int64_t sums[kColumns];
  uint64_t hash;
};

enum state { kStart, kPlain, kQuoted, kQuoteInQuoted };

static void end_field(struct totals* totals, size_t* column, int64_t number, int negative,
                      int numeric) {
  if (numeric && *column < kColumns) totals->sums[*column] += negative ? -number : number;
  ++totals->fields;
  ++*column;
}

static void parse(const unsigned char* text, size_t size, struct totals* totals) {
  enum state state = kStart;
  size_t column = 0;
  int64_t number = 0;
  int negative = 0, numeric = 0;
  for (size_t i = 0; i < size; ++i) {
    const unsigned char c = text[i];
    switch (state) {
      case kStart:
        number = 0;
        negative = 0;
        numeric = 0;
        if (c == '"') {
          state = kQuoted;
          ++totals->quoted;
          break;
        }
        state = kPlain;
        if (c == '-') {
          negative = 1;
          break;
        }
        // fall through
      case kPlain:
        if (c == ',' || c == '\n') {
          end_field(totals, &column, number, negative, numeric);
          state = kStart;
          if (c == '\n') {
            ++totals->rows;
            column = 0;
          }
        } else if (c >= '0' && c <= '9') {
          number = number * 10 + (c - '0');
          numeric = 1;
        } else {
          numeric = 0;
          totals->hash = totals->hash * 31 + c;
        }
        break;
      case kQuoted:
        if (c == '"') {
          state = kQuoteInQuoted;
        } else {
          totals->hash = totals->hash * 31 + c;
          ++totals->bytes;
        }
        break;
      case kQuoteInQuoted:
        if (c == '"') {
          totals->hash = totals->hash * 31 + c;
          ++totals->bytes;
          state = kQuoted;
        } else {
          end_field(totals, &column, 0, 0, 0);
          state = kStart;
          if (c == '\n') {
            ++totals->rows;
            column = 0;
          }
        }
        break;
    }
  }
}

static size_t generate(unsigned char* text, uint64_t rows) {
  struct generator generator = {11};
  unsigned char* at = text;
  for (uint64_t row = 0; row < rows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      const uint32_t r = next_random(&generator);
      if (column % 3 == 2) {
        *at++ = '"';
        for (uint32_t k = 0; k < 4 + r % 12; ++k) {
          const uint32_t letter = next_random(&generator) % 30;
          if (letter == 0) *at++ = '"';
          *at++ = letter == 0 ? '"' : letter == 1 ? ',' : (unsigned char)('a' + letter % 26);
        }
        *at++ = '"';
      } else {
        at += sprintf((char*)at, "%s%u", r % 5 == 0 ? "-" : "", r % 100000);
      }
      *at++ = column + 1 < kColumns ? ',' : '\n';
    }
  }
  return (size_t)(at - text);
}

int main(int argc, char** argv) {
  const uint64_t rows = argc > 1 ? parse_size(argv[1], 10000000) : 2000;
  unsigned char* text = allocate((size_t)rows * kColumns * 36);
  const size_t size = generate(text, rows);
  struct totals totals = {0};
  bench_start();
  for (int round = 0; round < 4; ++round) parse(text, size, &totals);
  bench_end();
  printf("%llu rows, %llu fields, %llu quoted, %llu bytes, hash %016llx\n",
         (unsigned long long)totals.rows, (unsigned long long)totals.fields,
         (unsigned long long)totals.quoted, (unsigned long long)totals.bytes,
         (unsigned long long)totals.hash);
  for (int i = 0; i < kColumns; ++i) printf("%lld ", (long long)totals.sums[i]);
  printf("\n");
  free(text);
  return 0;
}
