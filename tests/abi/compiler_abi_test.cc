// The conformance test of docs/abi.md: functions that a compiler made and hand-assembled ones
// call each other, with random signatures of 0 to 40 parameters and results.
//
// A module forwards its arguments to imports and among its own functions, in other orders, by
// calls and by chains of tail calls between functions of more and of fewer stack arguments;
// its code is called by a hand-assembled caller that checks what the ABI says of registers
// and stack, and what it calls is a hand-assembled callee that overwrites all it may. There
// is no runtime: the VMContext is put together here.
#include <cstring>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "environ/core/builtins.h"
#include "environ/core/func_key.h"
#include "environ/core/vm_offsets.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/compiler.h"
#include "environ/translation/module_translation.h"
#include "gtest/gtest.h"
#include "jit/compile.h"

#if defined(__aarch64__)
#include "isa_aarch64/wasm_abi_testing.h"
#else
#include "isa_x64/wasm_abi_testing.h"
#endif

namespace gantry {

// The host's.
#if defined(__aarch64__)
namespace isa = aarch64;
#else
namespace isa = x64;
#endif

namespace {

using environ::FuncKey;
using isa::AbiClass;
using isa::AbiValue;
using isa::testing::AbiTestCall;
using isa::testing::AbiTestContext;
using isa::testing::AbiTestSignature;
using isa::testing::AbiTestValue;
using isa::testing::NativeCode;
using Bytes = std::vector<uint8_t>;

// --- A module that forwards ----------------------------------------------------------------

void PutLeb(Bytes& out, uint64_t value) {
  do {
    out.push_back(static_cast<uint8_t>((value & 0x7F) | (value >= 0x80 ? 0x80 : 0)));
    value >>= 7;
  } while (value != 0);
}

void PutSection(Bytes& out, uint8_t id, const Bytes& contents) {
  out.push_back(id);
  PutLeb(out, contents.size());
  out.insert(out.end(), contents.begin(), contents.end());
}

// Half of the 4-byte integers are external references: handles, passed alike.
uint8_t WasmType(AbiValue value, size_t index) {
  if (value.bytes == 16) return 0x7B;
  if (value.abi_class == AbiClass::kVector) return value.bytes == 4 ? 0x7D : 0x7C;
  if (value.bytes == 8) return 0x7E;
  return index % 2 == 0 ? 0x7F : 0x6F;
}

struct WasmSignature {
  Bytes params;
  Bytes results;
};

Bytes Reversed(const Bytes& bytes) { return Bytes(bytes.rbegin(), bytes.rend()); }

// Functions: 0 the import of type 1. Of type 0: 1 calls the import, 2 calls function 1, 3
// calls the import through the table, 4 returns constants-free shuffles of its own: it calls
// function 1 twice and returns what the second call gives. Type 1 is type 0 reversed.
// Of type 2, whose results alone are reversed: 5 tail-calls the import, 6 the import through the
// table, 7 function 8 with all arguments twice, which is of type 3 and tail-calls function 5.
constexpr int kForwarders = 8;
constexpr int kFirstTailCaller = 4;  // among the forwarders
constexpr int kDoubled = 7;          // the one of type 3

Bytes ForwardingModule(const WasmSignature& signature) {
  const size_t params = signature.params.size();
  const size_t results = signature.results.size();
  Bytes types;
  PutLeb(types, 4);
  Bytes doubled = signature.params;
  doubled.insert(doubled.end(), signature.params.begin(), signature.params.end());
  const Bytes reversed_results = Reversed(signature.results);
  for (const auto& [of_params, of_results] :
       {std::pair(signature.params, signature.results),
        std::pair(Reversed(signature.params), reversed_results),
        std::pair(signature.params, reversed_results), std::pair(doubled, reversed_results)}) {
    types.push_back(0x60);
    for (const Bytes* list : {&of_params, &of_results}) {
      PutLeb(types, list->size());
      types.insert(types.end(), list->begin(), list->end());
    }
  }
  Bytes imports = {1, 1, 'm', 1, 'f', 0, 1};
  Bytes functions = {kForwarders, 0, 0, 0, 0, 2, 2, 2, 3};
  Bytes tables = {1, 0x70, 0, 1};
  // Without an export function references can't be made, so the import is declared.
  Bytes elements = {1, 3, 0, 1, 0};

  Bytes code;
  PutLeb(code, kForwarders);
  const auto add_body = [&](auto&& emit) {
    Bytes body;
    // A local for each result.
    PutLeb(body, results);
    for (const uint8_t type : signature.results) {
      body.push_back(1);
      body.push_back(type);
    }
    emit(body);
    body.push_back(0x0B);
    PutLeb(code, body.size());
    code.insert(code.end(), body.begin(), body.end());
  };
  const auto arguments = [&](Bytes& body, bool reversed) {
    for (size_t i = 0; i < params; ++i) {
      body.push_back(0x20);
      PutLeb(body, reversed ? params - 1 - i : i);
    }
  };
  // Results of the reversed type are on the stack; leaves them in order.
  const auto turn_results = [&](Bytes& body) {
    for (size_t i = 0; i < results; ++i) {  // The last one on the stack is the first.
      body.push_back(0x21);
      PutLeb(body, params + i);
    }
    for (size_t i = 0; i < results; ++i) {
      body.push_back(0x20);
      PutLeb(body, params + i);
    }
  };
  const auto call = [&](Bytes& body, uint32_t function) {
    body.push_back(0x10);
    PutLeb(body, function);
  };
  add_body([&](Bytes& body) {
    arguments(body, true);
    call(body, 0);
    turn_results(body);
  });
  add_body([&](Bytes& body) {
    arguments(body, false);
    call(body, 1);
  });
  add_body([&](Bytes& body) {
    arguments(body, true);
    body.insert(body.end(), {0x41, 0, 0x11, 1, 0});  // i32.const 0; call_indirect type 1
    turn_results(body);
  });
  add_body([&](Bytes& body) {
    arguments(body, false);
    call(body, 1);
    for (size_t i = 0; i < results; ++i) body.push_back(0x1A);
    arguments(body, false);
    call(body, 2);
  });
  const auto tail_call = [&](Bytes& body, uint32_t function) {
    body.push_back(0x12);
    PutLeb(body, function);
  };
  add_body([&](Bytes& body) {
    arguments(body, true);
    tail_call(body, 0);
  });
  add_body([&](Bytes& body) {
    arguments(body, true);
    body.insert(body.end(), {0x41, 0, 0x13, 1, 0});  // i32.const 0; return_call_indirect type 1
  });
  add_body([&](Bytes& body) {
    arguments(body, false);
    arguments(body, false);
    tail_call(body, 8);
  });
  add_body([&](Bytes& body) {
    for (size_t i = 0; i < params; ++i) {
      body.push_back(0x20);
      PutLeb(body, params + i);
    }
    tail_call(body, 5);
  });

  Bytes module = {0, 'a', 's', 'm', 1, 0, 0, 0};
  PutSection(module, 1, types);
  PutSection(module, 2, imports);
  PutSection(module, 3, functions);
  PutSection(module, 4, tables);
  PutSection(module, 9, elements);
  PutSection(module, 10, code);
  return module;
}

// --- Its instance, without a runtime -------------------------------------------------------

class Forwarder {
 public:
  Forwarder(const environ::Compiler& compiler, const WasmSignature& signature)
      : module_bytes_(ForwardingModule(signature)) {
    environ::TranslationOptions options;
    options.tunables = compiler.tunables();
    auto module = environ::ModuleTranslation::Parse(module_bytes_, environ::ModuleId(0), options);
    CHECK(module.ok()) << module.status();
    module_ = *std::move(module);
    std::vector<environ::CompiledFunction> functions(kForwarders + 2);
    std::vector<environ::NamedFunction> named;
    for (int i = 0; i < kForwarders; ++i) {
      const FuncKey key = module_->KeyOf(wasm::DefinedFuncIndex(i));
      const absl::Status status = compiler.CompileFunction(*module_, key, functions[i]);
      CHECK(status.ok()) << status;
      named.push_back({key, &functions[i]});
    }
    // For elements of other types, and for traps; neither comes up here.
    constexpr environ::Builtin kShims[] = {environ::Builtin::kResolveIndirect,
                                           environ::Builtin::kRaiseTrap};
    for (size_t i = 0; i < std::size(kShims); ++i) {
      const FuncKey shim = FuncKey::BuiltinShim(static_cast<uint32_t>(kShims[i]));
      const absl::Status shim_made = compiler.CompileBuiltinShim(shim, functions[kForwarders + i]);
      CHECK(shim_made.ok()) << shim_made;
      named.push_back({shim, &functions[kForwarders + i]});
    }
    auto text = compiler.AppendText(named);
    CHECK(text.ok()) << text.status();
    text_ = *std::move(text);
    code_ = std::make_unique<NativeCode>(absl::MakeConstSpan(text_.text));

    vmctx_.resize((module_->offsets.size() + 15) / 16);
    Write(environ::VMContextOffsets::kMagic, environ::kVMContextMagic);
    Write(environ::VMContextOffsets::kStore, store_);
    Write(environ::VMContextOffsets::kTypeIds, type_ids_);
    const uint32_t table = module_->offsets.Table(wasm::DefinedTableIndex(0));
    Write(table + environ::VMTableDefinitionOffsets::kBase, table_entry_);
    Write(table + environ::VMTableDefinitionOffsets::kLength, uint64_t{1});
  }

  void Import(const void* code, AbiTestContext* context) {
    const uint32_t import = module_->offsets.ImportedFunction(wasm::FuncIndex(0));
    Write(import + environ::VMFunctionImportOffsets::kWasmCall, code);
    Write(import + environ::VMFunctionImportOffsets::kVmctx, context);
    using Entry = environ::VMFuncTableEntryOffsets;
    std::memcpy(table_entry_ + Entry::kWasmCall, &code, sizeof code);
    std::memcpy(table_entry_ + Entry::kVmctx, &context, sizeof context);
    std::memcpy(table_entry_ + Entry::kTypeId, &type_ids_[1], sizeof type_ids_[1]);
  }

  const void* vmctx() const { return vmctx_.data(); }
  const void* Code(int function) const {
    const FuncKey key = module_->KeyOf(wasm::DefinedFuncIndex(function));
    for (const environ::TextFunction& entry : text_.functions) {
      if (entry.key == key) return static_cast<const uint8_t*>(code_->entry()) + entry.offset;
    }
    CHECK(false) << key << " has no code";
    return nullptr;
  }

 private:
  template <typename T>
  void Write(uint32_t offset, const T& value) {
    static_assert(!std::is_array_v<T>);
    CHECK(offset + sizeof value <= vmctx_.size() * 16);
    std::memcpy(reinterpret_cast<uint8_t*>(vmctx_.data()) + offset, &value, sizeof value);
  }
  template <typename T, size_t N>
  void Write(uint32_t offset, T (&array)[N]) {
    Write(offset, static_cast<const void*>(array));
  }

  const Bytes module_bytes_;
  std::unique_ptr<environ::ModuleTranslation> module_;
  environ::LinkedText text_;
  std::unique_ptr<NativeCode> code_;
  std::vector<AbiTestValue> vmctx_;
  // All zero: a stack limit that nothing is below.
  alignas(16) uint8_t store_[256] = {};
  uint32_t type_ids_[2] = {1, 2};
  alignas(16) uint8_t table_entry_[environ::VMFuncTableEntryOffsets::kSize] = {};
};

std::vector<AbiValue> Reversed(const std::vector<AbiValue>& values) {
  return std::vector<AbiValue>(values.rbegin(), values.rend());
}

class CompilerAbi : public ::testing::TestWithParam<jit::Strategy> {};

TEST_P(CompilerAbi, CompiledAndHandAssembledFunctionsCallEachOther) {
  auto builder = jit::NewCompilerBuilder(GetParam());
  ASSERT_TRUE(builder.ok()) << builder.status();
  auto compiler = (*builder)->Build();
  ASSERT_TRUE(compiler.ok()) << compiler.status();
  std::mt19937_64 random(7);
  for (int round = 0; round < 150 && !HasFailure(); ++round) {
    const AbiTestSignature signature = isa::testing::RandomAbiSignature(random);
    SCOPED_TRACE(signature.ToString());
    WasmSignature wasm;
    for (const AbiValue& value : signature.params) {
      wasm.params.push_back(WasmType(value, wasm.params.size()));
    }
    for (const AbiValue& value : signature.results) {
      wasm.results.push_back(WasmType(value, wasm.results.size()));
    }
    Forwarder forwarder(**compiler, wasm);

    const AbiTestSignature imported = {Reversed(signature.params), Reversed(signature.results)};
    const NativeCode callee(
        [&](codegen::MachBuffer& buffer) { isa::testing::EmitRecordingCallee(imported, buffer); });
    const NativeCode caller(
        [&](codegen::MachBuffer& buffer) { isa::testing::EmitCheckingCaller(signature, buffer); });
    const AbiTestSignature tail_calling = {signature.params, imported.results};
    const NativeCode caller_of_tail_callers([&](codegen::MachBuffer& buffer) {
      isa::testing::EmitCheckingCaller(tail_calling, buffer);
    });
    const auto arguments = isa::testing::RandomAbiValues(signature.params, random);
    const auto results = isa::testing::RandomAbiValues(imported.results, random);
    for (int function = 0; function < kDoubled; ++function) {
      SCOPED_TRACE(function);
      const bool is_tail_caller = function >= kFirstTailCaller;
      std::vector<AbiTestValue> seen_arguments(arguments.size());
      std::vector<AbiTestValue> seen_results(results.size());
      AbiTestContext context;
      context.results = results.data();
      context.arguments = seen_arguments.data();
      forwarder.Import(callee.entry(), &context);
      const AbiTestCall call = {forwarder.Code(function), forwarder.vmctx(), nullptr,
                                arguments.data(), seen_results.data()};
      const NativeCode& checking = is_tail_caller ? caller_of_tail_callers : caller;
      EXPECT_EQ(checking.As<uint64_t(const AbiTestCall*)>()(&call), 0u);
      EXPECT_EQ(context.calls, function == 3 ? 2u : 1u);
      EXPECT_EQ(context.broken, 0u);
      // Calls through imports and references say who calls.
      EXPECT_EQ(context.caller, reinterpret_cast<uint64_t>(forwarder.vmctx()));
      const size_t params = arguments.size();
      for (size_t i = 0; i < params; ++i) {
        EXPECT_EQ(isa::testing::MaskAbiValue(imported.params[i], seen_arguments[i], true),
                  arguments[params - 1 - i])
            << "argument " << i;
      }
      for (size_t i = 0; i < results.size(); ++i) {
        const size_t from = is_tail_caller ? i : results.size() - 1 - i;
        EXPECT_EQ(isa::testing::MaskAbiValue(imported.results[from], seen_results[i], true),
                  results[from])
            << "result " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Compilers, CompilerAbi,
                         ::testing::Values(jit::Strategy::kOptimizing, jit::Strategy::kWinch),
                         [](const auto& info) {
                           return info.param == jit::Strategy::kWinch ? "Winch" : "Optimizing";
                         });

}  // namespace
}  // namespace gantry
