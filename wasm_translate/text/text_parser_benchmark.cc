// Speed of the text parser in bytes of text.
#include <string>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "benchmark/benchmark.h"
#include "wasm_translate/text/lexer.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry::wasm::text {
namespace {

// Functions as people and printers write them, of some hundred kB.
std::string Sample(bool folded) {
  std::string text = "(module\n  (memory 1)\n";
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(
        &text, "  (func $function", i,
        " (param $pointer i32) (param $count i32) (result i32)\n    (local $sum i32)\n");
    text += folded ? R"(    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $sum (i32.add (local.get $sum) (i32.load offset=16 (local.get $pointer))))
        (local.set $pointer (i32.add (local.get $pointer) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $again)))
    (local.get $sum))
)"
                   : R"(    block $done
      loop $again
        local.get $count
        i32.eqz
        br_if $done
        local.get $sum
        local.get $pointer
        i32.load offset=16
        i32.add
        local.set $sum
        local.get $pointer
        i32.const 4
        i32.add
        local.set $pointer
        local.get $count
        i32.const 1
        i32.sub
        local.set $count
        br $again
      end
    end
    local.get $sum)
)";
  }
  return text + ")\n";
}

void SetRate(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(text.size()));
}

void BM_Lex(benchmark::State& state) {
  const std::string text = Sample(state.range(0) != 0);
  const SourceText source("sample", text);
  for (auto _ : state) CHECK(Tokenize(source).ok());
  SetRate(state, text);
}
BENCHMARK(BM_Lex)->ArgName("folded")->Arg(0)->Arg(1);

void BM_Parse(benchmark::State& state) {
  const std::string text = Sample(state.range(0) != 0);
  const SourceText source("sample", text);
  for (auto _ : state) CHECK(ParseText(source).ok());
  SetRate(state, text);
}
BENCHMARK(BM_Parse)->ArgName("folded")->Arg(0)->Arg(1);

}  // namespace
}  // namespace gantry::wasm::text
