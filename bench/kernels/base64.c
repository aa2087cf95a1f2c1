// Base 64 (RFC 4648), both ways.
//
//   base64 [MEGABYTES]        default 1
#include "examples/bench.h"
#include "examples/support.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static unsigned char values[256];

static size_t encode(const unsigned char* in, size_t size, char* out) {
  char* at = out;
  size_t i = 0;
  for (; i + 3 <= size; i += 3) {
    const uint32_t three = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
    *at++ = alphabet[three >> 18];
    *at++ = alphabet[three >> 12 & 63];
    *at++ = alphabet[three >> 6 & 63];
    *at++ = alphabet[three & 63];
  }
  if (i < size) {
    const uint32_t rest = (uint32_t)in[i] << 16 | (i + 1 < size ? (uint32_t)in[i + 1] << 8 : 0);
    *at++ = alphabet[rest >> 18];
    *at++ = alphabet[rest >> 12 & 63];
    *at++ = i + 1 < size ? alphabet[rest >> 6 & 63] : '=';
    *at++ = '=';
  }
  return (size_t)(at - out);
}

// The size, or SIZE_MAX for a text that is not base 64.
static size_t decode(const char* in, size_t size, unsigned char* out) {
  if (size % 4 != 0) return SIZE_MAX;
  unsigned char* at = out;
  for (size_t i = 0; i < size; i += 4) {
    const int padding = i + 4 == size ? (in[i + 3] == '=') + (in[i + 2] == '=') : 0;
    uint32_t four = 0;
    for (int k = 0; k < 4; ++k) {
      const unsigned char value = k < 4 - padding ? values[(unsigned char)in[i + (size_t)k]] : 0;
      if (value > 63) return SIZE_MAX;
      four = four << 6 | value;
    }
    *at++ = (unsigned char)(four >> 16);
    if (padding < 2) *at++ = (unsigned char)(four >> 8);
    if (padding < 1) *at++ = (unsigned char)four;
  }
  return (size_t)(at - out);
}

int main(int argc, char** argv) {
  const size_t size = ((size_t)(argc > 1 ? parse_size(argv[1], 512) : 1) << 20) - 1;
  unsigned char* bytes = allocate(size);
  unsigned char* back = allocate(size + 3);
  char* text = allocate(size / 3 * 4 + 8);
  struct generator generator = {64};
  for (size_t i = 0; i < size; ++i) bytes[i] = (unsigned char)next_random(&generator);
  memset(values, 255, sizeof values);
  for (int i = 0; i < 64; ++i) values[(unsigned char)alphabet[i]] = (unsigned char)i;
  uint64_t hash = checksum_start;
  bench_start();
  for (int round = 0; round < 4; ++round) {
    const size_t length = encode(bytes, size, text);
    if (decode(text, length, back) != size)
      fail("not base 64", "decoding refuses what was encoded");
    bytes[round] ^= (unsigned char)length;
    hash = hash * 31 + (unsigned char)text[length / 2 + (size_t)round] + back[size / 3];
  }
  bench_end();
  printf("%zu bytes, %016llx\n", size, (unsigned long long)hash);
  free(text);
  free(back);
  free(bytes);
  return 0;
}
