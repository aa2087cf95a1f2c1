// What is decoded is printed, what is valid and printed is parsed to the same module, and what
// the parser has written does not change any more. Input that begins with a parenthesis is text,
// which is parsed first.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "wasm_translate/error.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/printer.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"

namespace {

using namespace gantry::wasm;
using namespace gantry::wasm::text;

template <typename Map, typename Equal>
bool Same(const Map& a, const Map& b, Equal equal) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

template <typename Map>
bool Same(const Map& a, const Map& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool SameSegment(const ElementSegment& a, const ElementSegment& b) {
  return a.mode == b.mode && a.type == b.type && a.table == b.table && a.offset == b.offset &&
         a.functions == b.functions && a.expressions == b.expressions;
}

bool SameSegment(const DataSegment& a, const DataSegment& b) {
  return a.mode == b.mode && a.memory == b.memory && a.offset == b.offset && a.bytes == b.bytes;
}

// All but bodies, custom sections and names.
bool SameModule(const Module& a, const Module& b) {
  const auto same_import = [](const Import& x, const Import& y) {
    return x.module == y.module && x.name == y.name && x.entity == y.entity;
  };
  const auto same_export = [](const Export& x, const Export& y) {
    return x.name == y.name && x.entity == y.entity;
  };
  const auto same_segment = [](const auto& x, const auto& y) { return SameSegment(x, y); };
  return Same(a.types, b.types) && a.empty_recursion_groups == b.empty_recursion_groups &&
         Same(a.imports, b.imports, same_import) && Same(a.functions, b.functions) &&
         Same(a.tables, b.tables) && Same(a.memories, b.memories) && Same(a.globals, b.globals) &&
         Same(a.tags, b.tags) && Same(a.table_initializers, b.table_initializers) &&
         Same(a.global_initializers, b.global_initializers) &&
         Same(a.exports, b.exports, same_export) && a.start == b.start &&
         Same(a.elements, b.elements, same_segment) && Same(a.data, b.data, same_segment) &&
         a.bodies.size() == b.bodies.size();
}

std::vector<uint8_t> Parse(absl::string_view text) {
  auto module = ParseText(SourceText("printed", text));
  CHECK(module.ok()) << module.status() << "\n" << text;
  return std::move(module->bytes);
}

void RoundTrip(absl::Span<const uint8_t> bytes) {
  PrintOptions options;
  options.parse.features = Features::All();
  const auto module = ParseModule(bytes, options.parse);
  const auto text = PrintModule(bytes, options);
  if (!module.ok()) {
    CHECK(text.status() == module.status()) << text.status();
    return;
  }
  const bool valid = ValidateBodies(*module, options.parse).ok();
  if (!text.ok()) {
    CHECK(!valid && ErrorOffset(text.status()).has_value()) << text.status();
    return;
  }
  if (!valid) return;

  const std::vector<uint8_t> second = Parse(*text);
  const auto again = ParseModule(second, options.parse);
  CHECK(again.ok()) << again.status() << "\n" << *text;
  CHECK(ValidateBodies(*again, options.parse).ok()) << *text;
  CHECK(SameModule(*module, *again)) << *text;
  CHECK(module->branch_hints.functions.size() == again->branch_hints.functions.size() ||
        absl::StrContains(*text, "(@custom"))
      << *text;

  const auto second_text = PrintModule(second, options);
  CHECK(second_text.ok()) << second_text.status();
  CHECK(Parse(*second_text) == second) << *text << *second_text;

  // Without names nothing is dropped.
  options.names = false;
  const auto numbers = PrintModule(second, options);
  CHECK(numbers.ok()) << numbers.status();
  CHECK(Parse(*numbers) == second) << *numbers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == '(') {
    const absl::string_view text(reinterpret_cast<const char*>(data), size);
    const auto module = ParseText(SourceText("input", text));
    if (module.ok()) RoundTrip(module->bytes);
  } else {
    RoundTrip({data, size});
  }
  return 0;
}
