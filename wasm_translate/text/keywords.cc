#include "wasm_translate/text/keywords.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

using absl::string_view;

constexpr string_view kWords[] = {
    // Types.
    "i8", "i16", "i32", "i64", "f32", "f64", "v128", "any", "eq", "i31", "struct", "array", "none",
    "func", "nofunc", "extern", "noextern", "exn", "noexn", "anyref", "eqref", "i31ref",
    "structref", "arrayref", "nullref", "funcref", "nullfuncref", "externref", "nullexternref",
    "exnref", "nullexnref", "ref", "null", "mut", "field", "sub", "final", "rec", "shared",
    "pagesize", "param", "result",
    // Fields.
    "module", "type", "import", "export", "table", "memory", "global", "tag", "local", "start",
    "elem", "data", "declare", "item", "offset",
    // Instructions beside the names of operators.
    "then", "catch", "catch_ref", "catch_all", "catch_all_ref", "i8x16", "i16x8", "i32x4", "i64x2",
    "f32x4", "f64x2", "nan:canonical", "nan:arithmetic",
    // Scripts.
    "binary", "quote", "definition", "instance", "register", "invoke", "get", "script", "input",
    "output", "either", "thread", "wait", "before", "after", "first", "last", "ref.extern",
    "ref.host", "ref.any", "ref.eq", "ref.i31", "ref.struct", "ref.array", "ref.exn",
    "assert_malformed", "assert_malformed_custom", "assert_invalid", "assert_invalid_custom",
    "assert_unlinkable", "assert_return", "assert_trap", "assert_exception", "assert_exhaustion"};

const absl::flat_hash_set<string_view>& Words() {
  static const auto* const words = [] {
    auto* set = new absl::flat_hash_set<string_view>(std::begin(kWords), std::end(kWords));
    for (Opcode op : AllOpcodes()) set->insert(OpcodeName(op));
    return set;
  }();
  return *words;
}

}  // namespace

bool IsKnownWord(string_view word) {
  if (Words().contains(word) || IsNumber(word)) return true;
  for (string_view prefix : {"offset=", "align="}) {
    if (absl::StartsWith(word, prefix)) {
      return ParseUnsigned(word.substr(prefix.size()), 64).error != LiteralError::kSyntax;
    }
  }
  return false;
}

}  // namespace gantry::wasm::text
