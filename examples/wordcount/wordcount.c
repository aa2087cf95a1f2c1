// Counts lines, words and bytes of files, and the most frequent words.
//
//   wordcount FILE...        of these files ("-": standard input)
//   wordcount -g WORDS       of generated text of that many words
#include <ctype.h>

#include "examples/bench.h"
#include "examples/support.h"

// Open addressing; words point into the text.
struct entry {
  const unsigned char* word;
  uint32_t length;
  uint32_t hash;
  uint64_t count;
};

struct table {
  struct entry* entries;
  size_t capacity;  // a power of two
  size_t used;
};

struct totals {
  uint64_t lines, words, bytes;
};

static struct entry* find_slot(const struct table* table, const unsigned char* word,
                               uint32_t length, uint32_t hash) {
  for (size_t i = hash;; ++i) {
    struct entry* entry = &table->entries[i & (table->capacity - 1)];
    if (entry->word == NULL) return entry;
    if (entry->hash == hash && entry->length == length && memcmp(entry->word, word, length) == 0) {
      return entry;
    }
  }
}

static void grow(struct table* table) {
  struct table larger = {NULL, table->capacity * 2, table->used};
  larger.entries = calloc(larger.capacity, sizeof(struct entry));
  if (larger.entries == NULL) fail("out of memory", "too many different words");
  for (size_t i = 0; i < table->capacity; ++i) {
    const struct entry* entry = &table->entries[i];
    if (entry->word == NULL) continue;
    *find_slot(&larger, entry->word, entry->length, entry->hash) = *entry;
  }
  free(table->entries);
  *table = larger;
}

static void count_word(struct table* table, const unsigned char* word, uint32_t length,
                       uint32_t hash) {
  struct entry* entry = find_slot(table, word, length, hash);
  if (entry->word != NULL) {
    ++entry->count;
    return;
  }
  *entry = (struct entry){word, length, hash, 1};
  if (++table->used * 2 > table->capacity) grow(table);
}

static struct totals count(struct table* table, struct buffer text) {
  struct totals totals = {0, 0, text.size};
  size_t at = 0;
  while (at < text.size) {
    while (at < text.size && isspace(text.bytes[at])) totals.lines += text.bytes[at++] == '\n';
    const size_t begin = at;
    uint32_t hash = 2166136261u;
    while (at < text.size && !isspace(text.bytes[at])) {
      hash = (hash ^ text.bytes[at++]) * 16777619u;
    }
    if (at == begin) break;
    ++totals.words;
    count_word(table, text.bytes + begin, (uint32_t)(at - begin), hash);
  }
  return totals;
}

// More frequent first, then by bytes.
static int compare_entries(const void* left, const void* right) {
  const struct entry* a = left;
  const struct entry* b = right;
  if (a->count != b->count) return a->count > b->count ? -1 : 1;
  const uint32_t shorter = a->length < b->length ? a->length : b->length;
  const int order = memcmp(a->word, b->word, shorter);
  if (order != 0) return order;
  return a->length < b->length ? -1 : a->length > b->length;
}

static void print_frequent(struct table* table) {
  size_t used = 0;
  for (size_t i = 0; i < table->capacity; ++i) {
    if (table->entries[i].word != NULL) table->entries[used++] = table->entries[i];
  }
  qsort(table->entries, used, sizeof(struct entry), compare_entries);
  printf("%zu different words\n", used);
  for (size_t i = 0; i < used && i < 10; ++i) {
    printf("%8llu %.*s\n", (unsigned long long)table->entries[i].count,
           (int)table->entries[i].length, (const char*)table->entries[i].word);
  }
}

// Words of one to twelve letters, the short ones far more frequent.
static struct buffer generate(uint64_t words) {
  struct buffer text = {allocate(words * 13 + 1), 0};
  struct generator generator = {42};
  for (uint64_t i = 0; i < words; ++i) {
    const uint32_t r = next_random(&generator);
    const uint32_t rank = (r & 0xFFFF) * (r >> 16 & 0xFF) * (r >> 24) / 0x4000;
    uint32_t code = rank + 1;
    while (code != 0 && code < 0xFFFFFFFF) {
      text.bytes[text.size++] = (unsigned char)('a' + code % 26);
      code /= 26;
    }
    text.bytes[text.size++] = i % 12 == 11 ? '\n' : ' ';
  }
  return text;
}

static void print_totals(struct totals totals, const char* name) {
  printf("%8llu %8llu %8llu %s\n", (unsigned long long)totals.lines,
         (unsigned long long)totals.words, (unsigned long long)totals.bytes, name);
}

int main(int argc, char** argv) {
  struct table table = {calloc(1024, sizeof(struct entry)), 1024, 0};
  if (table.entries == NULL) fail("out of memory", "at the start");
  if (argc == 3 && strcmp(argv[1], "-g") == 0) {
    const struct buffer text = generate(parse_size(argv[2], 100000000));
    bench_start();
    const struct totals totals = count(&table, text);
    bench_end();
    print_totals(totals, "generated");
  } else if (argc > 1) {
    struct totals sum = {0, 0, 0};
    for (int i = 1; i < argc; ++i) {
      const struct buffer text = read_file(argv[i]);
      const struct totals totals = count(&table, text);
      print_totals(totals, argv[i]);
      sum.lines += totals.lines;
      sum.words += totals.words;
      sum.bytes += totals.bytes;
    }
    if (argc > 2) print_totals(sum, "total");
  } else {
    fail("usage", "wordcount FILE... | wordcount -g WORDS");
  }
  print_frequent(&table);
  return 0;
}
