// A JSON parser (RFC 8259) into a tree, with statistics and the tree written out again.
//
//   json FILE...             parses these files ("-": standard input)
//   json -p FILE             and prints it without white space
//   json -g RECORDS          parses generated text of that many records
#include "examples/bench.h"
#include "examples/support.h"

enum kind { kind_null, kind_false, kind_true, kind_number, kind_string, kind_array, kind_object };

static const char* const kind_names[] = {"null",   "false", "true",  "number",
                                         "string", "array", "object"};

struct value {
  enum kind kind;
  uint32_t count;  // of children (an object's are keys and values in turn), or a string's bytes
  union {
    double number;
    const char* text;
    uint32_t first;  // child; the others follow by `next`
  } as;
  uint32_t next;  // sibling, 0 at the end
};

struct document {
  struct value* values;  // number 0 is no value; 1 is the root
  uint32_t count, capacity;
  char* text;  // unescaped strings
  size_t text_used;
};

struct parser {
  const unsigned char *begin, *at, *end;
  struct document* document;
};

static void syntax_error(const struct parser* parser, const char* what) {
  char where[64];
  snprintf(where, sizeof(where), "at byte %zu", (size_t)(parser->at - parser->begin));
  fail(what, where);
}

static void skip_space(struct parser* parser) {
  while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\n' ||
                                      *parser->at == '\t' || *parser->at == '\r')) {
    ++parser->at;
  }
}

static int peek(const struct parser* parser) {
  return parser->at < parser->end ? *parser->at : -1;
}

static uint32_t new_value(struct parser* parser, enum kind kind) {
  struct document* document = parser->document;
  if (document->count == document->capacity) {
    document->capacity *= 2;
    document->values = realloc(document->values, document->capacity * sizeof(struct value));
    if (document->values == NULL) fail("out of memory", "too many values");
  }
  struct value* value = &document->values[document->count];
  memset(value, 0, sizeof(*value));
  value->kind = kind;
  return document->count++;
}

static void expect_word(struct parser* parser, const char* word) {
  const size_t length = strlen(word);
  if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, word, length) != 0) {
    syntax_error(parser, "unknown word");
  }
  parser->at += length;
}

static uint32_t hex_digits(struct parser* parser) {
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i) {
    const int c = peek(parser);
    uint32_t digit;
    if (c >= '0' && c <= '9') {
      digit = (uint32_t)(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = (uint32_t)(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = (uint32_t)(c - 'A' + 10);
    } else {
      syntax_error(parser, "four hexadecimal digits expected");
      return 0;
    }
    code = code * 16 + digit;
    ++parser->at;
  }
  return code;
}

static char* put_utf8(char* out, uint32_t code) {
  if (code < 0x80) {
    *out++ = (char)code;
  } else if (code < 0x800) {
    *out++ = (char)(0xC0 | code >> 6);
    *out++ = (char)(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = (char)(0xE0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    *out++ = (char)(0x80 | (code & 0x3F));
  } else {
    *out++ = (char)(0xF0 | code >> 18);
    *out++ = (char)(0x80 | (code >> 12 & 0x3F));
    *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    *out++ = (char)(0x80 | (code & 0x3F));
  }
  return out;
}

static char* parse_escape(struct parser* parser, char* out) {
  const int c = peek(parser);
  ++parser->at;
  switch (c) {
    case '"':
    case '\\':
    case '/':
      *out++ = (char)c;
      return out;
    case 'b':
      *out++ = '\b';
      return out;
    case 'f':
      *out++ = '\f';
      return out;
    case 'n':
      *out++ = '\n';
      return out;
    case 'r':
      *out++ = '\r';
      return out;
    case 't':
      *out++ = '\t';
      return out;
    case 'u': {
      uint32_t code = hex_digits(parser);
      if (code >= 0xD800 && code < 0xDC00) {
        if (peek(parser) != '\\') syntax_error(parser, "low surrogate expected");
        ++parser->at;
        if (peek(parser) != 'u') syntax_error(parser, "low surrogate expected");
        ++parser->at;
        const uint32_t low = hex_digits(parser);
        if (low < 0xDC00 || low > 0xDFFF) syntax_error(parser, "low surrogate expected");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else if (code >= 0xDC00 && code < 0xE000) {
        syntax_error(parser, "low surrogate alone");
      }
      return put_utf8(out, code);
    }
    default:
      syntax_error(parser, "unknown escape");
      return out;
  }
}

static uint32_t parse_string(struct parser* parser) {
  if (peek(parser) != '"') syntax_error(parser, "string expected");
  ++parser->at;
  struct document* document = parser->document;
  char* const start = document->text + document->text_used;
  char* out = start;
  for (;;) {
    const int c = peek(parser);
    if (c < 0) syntax_error(parser, "string without an end");
    ++parser->at;
    if (c == '"') break;
    if (c < 0x20) syntax_error(parser, "control character in a string");
    if (c == '\\') {
      out = parse_escape(parser, out);
    } else {
      *out++ = (char)c;
    }
  }
  document->text_used += (size_t)(out - start);
  const uint32_t index = new_value(parser, kind_string);
  document->values[index].as.text = start;
  document->values[index].count = (uint32_t)(out - start);
  return index;
}

static void skip_digits(struct parser* parser) {
  if (peek(parser) < '0' || peek(parser) > '9') syntax_error(parser, "digit expected");
  while (peek(parser) >= '0' && peek(parser) <= '9') ++parser->at;
}

static uint32_t parse_number(struct parser* parser) {
  const unsigned char* const start = parser->at;
  if (peek(parser) == '-') ++parser->at;
  if (peek(parser) == '0') {
    ++parser->at;
  } else {
    skip_digits(parser);
  }
  if (peek(parser) == '.') {
    ++parser->at;
    skip_digits(parser);
  }
  if (peek(parser) == 'e' || peek(parser) == 'E') {
    ++parser->at;
    if (peek(parser) == '+' || peek(parser) == '-') ++parser->at;
    skip_digits(parser);
  }
  char text[64];
  const size_t length = (size_t)(parser->at - start);
  if (length >= sizeof(text)) syntax_error(parser, "number too long");
  memcpy(text, start, length);
  text[length] = '\0';
  const uint32_t index = new_value(parser, kind_number);
  parser->document->values[index].as.number = strtod(text, NULL);
  return index;
}

// Containers that are open, so that nesting needs no recursion.
struct frame {
  uint32_t container, last;
};

static uint32_t parse_scalar_or_open(struct parser* parser) {
  switch (peek(parser)) {
    case '{':
      ++parser->at;
      return new_value(parser, kind_object);
    case '[':
      ++parser->at;
      return new_value(parser, kind_array);
    case '"':
      return parse_string(parser);
    case 'n':
      expect_word(parser, "null");
      return new_value(parser, kind_null);
    case 't':
      expect_word(parser, "true");
      return new_value(parser, kind_true);
    case 'f':
      expect_word(parser, "false");
      return new_value(parser, kind_false);
    default:
      return parse_number(parser);
  }
}

static void append_child(struct document* document, struct frame* frame, uint32_t child) {
  if (frame->last == 0) {
    document->values[frame->container].as.first = child;
  } else {
    document->values[frame->last].next = child;
  }
  ++document->values[frame->container].count;
  frame->last = child;
}

static void parse(struct parser* parser) {
  struct document* document = parser->document;
  size_t depth = 0, room = 64;
  struct frame* frames = allocate(room * sizeof(struct frame));
  for (;;) {
    // A value, with its key where the container is an object.
    skip_space(parser);
    struct frame* top = depth > 0 ? &frames[depth - 1] : NULL;
    if (top != NULL && document->values[top->container].kind == kind_object) {
      append_child(document, top, parse_string(parser));
      skip_space(parser);
      if (peek(parser) != ':') syntax_error(parser, "':' expected");
      ++parser->at;
      skip_space(parser);
    }
    const uint32_t value = parse_scalar_or_open(parser);
    if (top != NULL) append_child(document, top, value);
    const enum kind kind = document->values[value].kind;
    if (kind == kind_array || kind == kind_object) {
      if (depth == room) {
        room *= 2;
        frames = realloc(frames, room * sizeof(struct frame));
        if (frames == NULL) fail("out of memory", "nested too deep");
      }
      frames[depth++] = (struct frame){value, 0};
      skip_space(parser);
      if (peek(parser) != (kind == kind_array ? ']' : '}')) continue;
    }
    // Ends of containers, and the comma before the next value.
    for (;;) {
      skip_space(parser);
      if (depth == 0) {
        if (parser->at != parser->end) syntax_error(parser, "text after the value");
        free(frames);
        return;
      }
      const enum kind open = document->values[frames[depth - 1].container].kind;
      const int c = peek(parser);
      if (c == (open == kind_array ? ']' : '}')) {
        ++parser->at;
        --depth;
        continue;
      }
      if (c != ',') syntax_error(parser, "',' or the container's end expected");
      ++parser->at;
      break;
    }
  }
}

static struct document parse_buffer(struct buffer text) {
  struct document document = {allocate(1024 * sizeof(struct value)), 1, 1024,
                              allocate(text.size), 0};
  memset(document.values, 0, sizeof(struct value));
  struct parser parser = {text.bytes, text.bytes, text.bytes + text.size, &document};
  parse(&parser);
  return document;
}

struct output {
  char* bytes;
  size_t used, room;
};

static void put(struct output* out, const char* text, size_t length) {
  if (out->used + length > out->room) {
    out->room = (out->used + length) * 2;
    out->bytes = realloc(out->bytes, out->room);
    if (out->bytes == NULL) fail("out of memory", "writing");
  }
  memcpy(out->bytes + out->used, text, length);
  out->used += length;
}

static void put_string(struct output* out, const char* text, uint32_t length) {
  put(out, "\"", 1);
  for (uint32_t i = 0; i < length; ++i) {
    const unsigned char c = (unsigned char)text[i];
    char escape[8];
    if (c == '"' || c == '\\') {
      escape[0] = '\\';
      escape[1] = (char)c;
      put(out, escape, 2);
    } else if (c < 0x20) {
      put(out, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", c));
    } else {
      put(out, text + i, 1);
    }
  }
  put(out, "\"", 1);
}

static void put_scalar(struct output* out, const struct value* value) {
  char number[40];
  switch (value->kind) {
    case kind_number:
      put(out, number, (size_t)snprintf(number, sizeof(number), "%.17g", value->as.number));
      break;
    case kind_string:
      put_string(out, value->as.text, value->count);
      break;
    default:
      put(out, kind_names[value->kind], strlen(kind_names[value->kind]));
  }
}

// A container on the way out: what of it is written, and which child comes next.
struct writing {
  uint32_t container, child, index;
};

static struct output write_document(const struct document* document, uint32_t* max_depth) {
  struct output out = {allocate(1024), 0, 1024};
  size_t depth = 0, room = 64;
  struct writing* open = allocate(room * sizeof(struct writing));
  uint32_t current = 1;
  *max_depth = 0;
  while (current != 0 || depth > 0) {
    if (current != 0) {
      const struct value* value = &document->values[current];
      if (value->kind != kind_array && value->kind != kind_object) {
        put_scalar(&out, value);
      } else {
        put(&out, value->kind == kind_array ? "[" : "{", 1);
        if (depth == room) {
          room *= 2;
          open = realloc(open, room * sizeof(struct writing));
          if (open == NULL) fail("out of memory", "nested too deep");
        }
        open[depth++] = (struct writing){current, value->count > 0 ? value->as.first : 0, 0};
        if (depth > *max_depth) *max_depth = (uint32_t)depth;
      }
      current = 0;
      continue;
    }
    struct writing* top = &open[depth - 1];
    const enum kind kind = document->values[top->container].kind;
    if (top->child == 0) {
      put(&out, kind == kind_array ? "]" : "}", 1);
      --depth;
      continue;
    }
    if (top->index > 0) put(&out, kind == kind_object && top->index % 2 == 1 ? ":" : ",", 1);
    ++top->index;
    current = top->child;
    top->child = document->values[current].next;
  }
  free(open);
  return out;
}

static void report(const char* name, const struct document* document) {
  uint64_t counts[7] = {0};
  double sum = 0;
  for (uint32_t i = 1; i < document->count; ++i) {
    const struct value* value = &document->values[i];
    ++counts[value->kind];
    if (value->kind == kind_number) sum += value->as.number;
  }
  uint32_t depth;
  const struct output out = write_document(document, &depth);
  printf("%s: depth %u, sum of numbers %.17g, %zu bytes, checksum %016llx\n", name, depth, sum,
         out.used, (unsigned long long)checksum(checksum_start, out.bytes, out.used));
  for (int kind = 0; kind < 7; ++kind) {
    printf("  %-6s %llu\n", kind_names[kind], (unsigned long long)counts[kind]);
  }
  free(out.bytes);
}

static struct buffer generate(uint64_t records) {
  struct buffer text = {allocate(records * 192 + 64), 0};
  struct generator generator = {2024};
  char* out = (char*)text.bytes;
  out += sprintf(out, "[\n");
  for (uint64_t i = 0; i < records; ++i) {
    const uint32_t r = next_random(&generator);
    out += sprintf(out,
                   "  {\"id\": %llu, \"name\": \"record \\\"%u\\\" \\u00e9\\n\", \"ok\": %s,\n"
                   "   \"values\": [%u, -%u.%03u, %ue-%u, null], \"nested\": {\"a\": {\"b\": []}}}%s",
                   (unsigned long long)i, r % 1000, (r & 1) != 0 ? "true" : "false", r % 100000,
                   r % 977, r % 1000, r % 7919, r % 30, i + 1 < records ? ",\n" : "\n");
  }
  out += sprintf(out, "]\n");
  text.size = (size_t)(out - (char*)text.bytes);
  return text;
}

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "-g") == 0) {
    const struct buffer text = generate(parse_size(argv[2], 10000000));
    bench_start();
    const struct document document = parse_buffer(text);
    report("generated", &document);
    bench_end();
  } else if (argc == 3 && strcmp(argv[1], "-p") == 0) {
    const struct document document = parse_buffer(read_file(argv[2]));
    uint32_t depth;
    const struct output out = write_document(&document, &depth);
    fwrite(out.bytes, 1, out.used, stdout);
    putchar('\n');
  } else if (argc > 1) {
    for (int i = 1; i < argc; ++i) {
      const struct document document = parse_buffer(read_file(argv[i]));
      report(argv[i], &document);
    }
  } else {
    fail("usage", "json FILE... | json -p FILE | json -g RECORDS");
  }
  return 0;
}
