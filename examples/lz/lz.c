// A Lempel-Ziv compressor: matches found through hash chains, in a format of its own.
//
//   lz -c FILE               compresses to standard output ("-": from standard input)
//   lz -d FILE               decompresses to standard output
//   lz -g KILOBYTES          compresses generated text and back, and reports
//
// The format: "LZ1\n", the size as eight bytes, then tokens. A token byte holds the number of
// literals in its high half and of matched bytes less four in its low half; 15 in either goes on
// in bytes of up to 255. Literals follow, then the distance as two bytes. All numbers are
// little-endian. The last token has literals only.
#include "examples/bench.h"
#include "examples/support.h"

enum { shortest = 4, window = 65535, hash_bits = 15, longest_chain = 32 };

struct output {
  unsigned char* bytes;
  size_t used, room;
};

static void put(struct output* out, const void* bytes, size_t size) {
  if (out->used + size > out->room) {
    out->room = (out->used + size) * 2;
    out->bytes = realloc(out->bytes, out->room);
    if (out->bytes == NULL) fail("out of memory", "writing");
  }
  memcpy(out->bytes + out->used, bytes, size);
  out->used += size;
}

static void put_byte(struct output* out, unsigned value) {
  const unsigned char byte = (unsigned char)value;
  put(out, &byte, 1);
}

static void put_rest(struct output* out, size_t rest) {
  for (; rest >= 255; rest -= 255) put_byte(out, 255);
  put_byte(out, (unsigned)rest);
}

static void put_token(struct output* out, const unsigned char* literals, size_t literal_count,
                      size_t match, size_t distance) {
  const size_t matched = match == 0 ? 0 : match - shortest;
  const unsigned high = literal_count < 15 ? (unsigned)literal_count : 15;
  const unsigned low = matched < 15 ? (unsigned)matched : 15;
  put_byte(out, high << 4 | low);
  if (high == 15) put_rest(out, literal_count - 15);
  put(out, literals, literal_count);
  if (match == 0) return;
  put_byte(out, (unsigned)(distance & 0xFF));
  put_byte(out, (unsigned)(distance >> 8));
  if (low == 15) put_rest(out, matched - 15);
}

static uint32_t hash_at(const unsigned char* at) {
  uint32_t word;
  memcpy(&word, at, 4);
  return word * 2654435761u >> (32 - hash_bits);
}

static struct output compress(struct buffer in) {
  struct output out = {allocate(in.size / 2 + 64), 0, in.size / 2 + 64};
  put(&out, "LZ1\n", 4);
  for (int i = 0; i < 8; ++i) put_byte(&out, (unsigned)((uint64_t)in.size >> (8 * i) & 0xFF));
  // Positions plus one, so that zero is none: the newest by hash, and the one before by position.
  uint32_t* newest = calloc((size_t)1 << hash_bits, sizeof(uint32_t));
  uint32_t* before = allocate((in.size + 1) * sizeof(uint32_t));
  if (newest == NULL) fail("out of memory", "at the start");
  size_t at = 0, literal = 0;
  while (at + shortest <= in.size) {
    const uint32_t hash = hash_at(in.bytes + at);
    size_t best = 0, distance = 0;
    uint32_t candidate = newest[hash];
    for (int chain = 0; candidate != 0 && chain < longest_chain; ++chain) {
      const size_t from = candidate - 1;
      if (at - from > window) break;
      size_t length = 0;
      while (at + length < in.size && in.bytes[from + length] == in.bytes[at + length]) ++length;
      if (length > best) {
        best = length;
        distance = at - from;
      }
      candidate = before[from];
    }
    if (best < shortest) best = 0;
    if (best != 0) put_token(&out, in.bytes + literal, at - literal, best, distance);
    const size_t end = best == 0 ? at + 1 : at + best;
    for (; at < end; ++at) {
      if (at + shortest > in.size) continue;
      const uint32_t entry = hash_at(in.bytes + at);
      before[at] = newest[entry];
      newest[entry] = (uint32_t)at + 1;
    }
    if (best != 0) literal = at;
  }
  put_token(&out, in.bytes + literal, in.size - literal, 0, 0);
  free(newest);
  free(before);
  return out;
}

struct reader {
  const unsigned char* bytes;
  size_t size, at;
};

static unsigned get_byte(struct reader* reader) {
  if (reader->at == reader->size) fail("damaged input", "it ends too early");
  return reader->bytes[reader->at++];
}

static size_t get_rest(struct reader* reader, size_t limit) {
  size_t sum = 0;
  for (;;) {
    const unsigned byte = get_byte(reader);
    sum += byte;
    if (sum > limit) fail("damaged input", "a length beyond the end");
    if (byte != 255) return sum;
  }
}

static struct buffer decompress(struct buffer in) {
  struct reader reader = {in.bytes, in.size, 0};
  if (in.size < 12 || memcmp(in.bytes, "LZ1\n", 4) != 0) fail("damaged input", "no LZ1 header");
  reader.at = 4;
  uint64_t size = 0;
  for (int i = 0; i < 8; ++i) size |= (uint64_t)get_byte(&reader) << (8 * i);
  if (size > (uint64_t)1 << 30) fail("damaged input", "more than a gigabyte");
  struct buffer out = {allocate((size_t)size), 0};
  while (out.size < size || reader.at < reader.size) {
    const size_t left = (size_t)size - out.size;
    const unsigned token = get_byte(&reader);
    size_t literals = token >> 4;
    if (literals == 15) literals += get_rest(&reader, left);
    if (literals > left || literals > reader.size - reader.at) {
      fail("damaged input", "literals beyond the end");
    }
    memcpy(out.bytes + out.size, reader.bytes + reader.at, literals);
    out.size += literals;
    reader.at += literals;
    if (reader.at == reader.size) break;
    const size_t low = get_byte(&reader);
    const size_t distance = low | (size_t)get_byte(&reader) << 8;
    size_t match = (token & 15) + shortest;
    if ((token & 15) == 15) match += get_rest(&reader, left);
    if (distance == 0 || distance > out.size || match > size - out.size) {
      fail("damaged input", "a match beyond the ends");
    }
    // Byte by byte: a match may overlap what it makes.
    for (size_t i = 0; i < match; ++i, ++out.size) {
      out.bytes[out.size] = out.bytes[out.size - distance];
    }
  }
  if (out.size != size) fail("damaged input", "it ends too early");
  return out;
}

// Lines of a log: much repetition, some of it far back.
static struct buffer generate(uint64_t kilobytes) {
  static const char* const words[] = {"connection", "from",   "client",  "closed", "after",
                                      "timeout",    "opened", "request", "served", "in",
                                      "milliseconds"};
  struct buffer text = {allocate(kilobytes * 1024 + 256), 0};
  struct generator generator = {31337};
  while (text.size < kilobytes * 1024) {
    const uint32_t r = next_random(&generator);
    char* out = (char*)text.bytes + text.size;
    int length = sprintf(out, "%06u", r % 1000000);
    for (int i = 0; i < 6; ++i) {
      length += sprintf(out + length, " %s", words[(r >> (4 * i) & 15) % 11]);
    }
    length += sprintf(out + length, " %08x\n", next_random(&generator));
    text.size += (size_t)length;
  }
  text.size = (size_t)kilobytes * 1024;
  return text;
}

int main(int argc, char** argv) {
  if (argc != 3) fail("usage", "lz -c FILE | lz -d FILE | lz -g KILOBYTES");
  if (strcmp(argv[1], "-c") == 0) {
    const struct output out = compress(read_file(argv[2]));
    fwrite(out.bytes, 1, out.used, stdout);
  } else if (strcmp(argv[1], "-d") == 0) {
    const struct buffer out = decompress(read_file(argv[2]));
    fwrite(out.bytes, 1, out.size, stdout);
  } else if (strcmp(argv[1], "-g") == 0) {
    const struct buffer text = generate(parse_size(argv[2], 1000000));
    bench_start();
    const struct output packed = compress(text);
    const struct buffer back = decompress((struct buffer){packed.bytes, packed.used});
    bench_end();
    if (back.size != text.size || memcmp(back.bytes, text.bytes, text.size) != 0) {
      fail("round trip", "the text came back changed");
    }
    printf("%zu bytes to %zu, checksum %016llx\n", text.size, packed.used,
           (unsigned long long)checksum(checksum_start, packed.bytes, packed.used));
  } else {
    fail("usage", "lz -c FILE | lz -d FILE | lz -g KILOBYTES");
  }
  return 0;
}
