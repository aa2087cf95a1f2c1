#include "isa_aarch64/trampolines.h"

#include <asm/hwcap.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"
#include "isa_aarch64/asm/assembler.h"
#include "isa_aarch64/wasm_abi_testing.h"

namespace gantry::aarch64 {
namespace {

using codegen::MachBuffer;
using testing::AbiTestCall;
using testing::AbiTestContext;
using testing::AbiTestSignature;
using testing::AbiTestValue;
using testing::NativeCode;

struct StoreContext {
  uint64_t padding;
  int64_t fuel;
  void** builtins;
  uint64_t last_entry_pc;
  uint64_t last_entry_sp;
  uint64_t last_entry_fp;
  uint64_t last_exit_pc;
  uint64_t last_exit_fp;
};

using HostFunction = std::function<uint32_t(void* caller, AbiTestValue* values)>;

struct HostOutcome {
  uint64_t stopped;
  uint64_t first;
};

struct HostContext {
  uint64_t magic;
  StoreContext* store;
  HostOutcome (*host_call)(HostContext*, void* caller, AbiTestValue* values);
  const HostFunction* function;
};

struct BuiltinResult {
  uint64_t status;
  uint64_t value;
};

int32_t Offset(size_t offset) { return static_cast<int32_t>(offset); }

// Of the test under way.
BranchProtection protection;

TrampolineLayout Layout(bool keeps_fuel = false) {
  static_assert(offsetof(AbiTestContext, store) == offsetof(HostContext, store));
  return {.last_entry_pc = Offset(offsetof(StoreContext, last_entry_pc)),
          .last_entry_sp = Offset(offsetof(StoreContext, last_entry_sp)),
          .last_entry_fp = Offset(offsetof(StoreContext, last_entry_fp)),
          .last_exit_pc = Offset(offsetof(StoreContext, last_exit_pc)),
          .last_exit_fp = Offset(offsetof(StoreContext, last_exit_fp)),
          .store = Offset(offsetof(AbiTestContext, store)),
          .builtins = Offset(offsetof(AbiTestContext, builtins)),
          .host_call = Offset(offsetof(HostContext, host_call)),
          .store_builtins = Offset(offsetof(StoreContext, builtins)),
          .fuel = Offset(offsetof(StoreContext, fuel)),
          .entry_mark = 0x12345678,
          .keeps_fuel = keeps_fuel,
          .protection = protection};
}

// Every test with trampolines as they are by default, and hardened in two ways.
class Trampolines : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    constexpr BranchProtection kProtections[] = {
        {},
        {.key = BranchProtection::Key::kA, .marks_targets = true},
        {.key = BranchProtection::Key::kB, .signs_all = true, .has_pauth = true},
    };
    protection = kProtections[GetParam()];
    if (protection.has_pauth && (getauxval(AT_HWCAP) & HWCAP_PACA) == 0) {
      GTEST_SKIP() << "the processor has no pointer authentication";
    }
  }
};
std::string ProtectionName(const ::testing::TestParamInfo<int>& info) {
  constexpr const char* kNames[] = {"Plain", "KeyAMarked", "KeyB"};
  return kNames[info.param];
}
INSTANTIATE_TEST_SUITE_P(Protections, Trampolines, ::testing::Values(0, 1, 2), ProtectionName);

std::unique_ptr<NativeCode> MakeCode(absl::FunctionRef<void(MachBuffer&)> emit) {
  return std::make_unique<NativeCode>(emit, protection.marks_targets);
}

uint64_t WithoutSignature(uint64_t address) {
  register uint64_t link asm("x30") = address;
  asm("hint #7" : "+r"(link));
  return link;
}

HostOutcome CallHost(HostContext* context, void* caller, AbiTestValue* values) {
  const uint32_t stopped = (*context->function)(caller, values);
  HostOutcome outcome = {stopped, 0};
  std::memcpy(&outcome.first, values, sizeof(outcome.first));
  return outcome;
}

using Entry = uint32_t(StoreContext*, void* callee, void* caller, const void* code,
                       AbiTestValue* values);

std::unique_ptr<NativeCode> EntryFor(const AbiTestSignature& signature, bool keeps_fuel = false) {
  return MakeCode([&](MachBuffer& buffer) {
    codegen::UnwindInfo unwind;
    EmitEntryTrampoline({signature.params, signature.results}, Layout(keeps_fuel), buffer, &unwind);
  });
}

std::unique_ptr<NativeCode> ExitFor(const AbiTestSignature& signature) {
  return MakeCode([&](MachBuffer& buffer) {
    codegen::UnwindInfo unwind;
    EmitExitTrampoline({signature.params, signature.results}, Layout(), buffer, &unwind);
  });
}

std::vector<AbiTestValue> Array(const std::vector<AbiTestValue>& arguments, size_t results) {
  std::vector<AbiTestValue> values = arguments;
  values.resize(std::max(arguments.size(), results));
  return values;
}

void ExpectValues(const std::vector<AbiValue>& types, const AbiTestValue* seen,
                  const std::vector<AbiTestValue>& expected) {
  for (size_t i = 0; i < types.size(); ++i) {
    EXPECT_EQ(testing::MaskAbiValue(types[i], seen[i], true), expected[i]) << "value " << i;
  }
}

TEST_P(Trampolines, EntryPassesArgumentsAndResults) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    const AbiTestSignature signature = testing::RandomAbiSignature(random);
    SCOPED_TRACE(signature.ToString());
    const auto entry = EntryFor(signature);
    const NativeCode callee(
        [&](MachBuffer& buffer) { testing::EmitRecordingCallee(signature, buffer); });
    const auto arguments = testing::RandomAbiValues(signature.params, random);
    const auto results = testing::RandomAbiValues(signature.results, random);
    std::vector<AbiTestValue> seen(arguments.size());
    AbiTestContext context;
    context.results = results.data();
    context.arguments = seen.data();
    // Junk where 4-byte values leave room: the trampoline extends.
    std::vector<AbiTestValue> values = Array(arguments, results.size());
    for (size_t k = 0; k < arguments.size(); ++k) {
      if (signature.params[k].bytes == 4) values[k].low |= uint64_t{0xABCD} << 40;
    }
    StoreContext store = {};
    int caller = 0;
    EXPECT_EQ(entry->As<Entry>()(&store, &context, &caller, callee.entry(), values.data()), 0u);
    EXPECT_EQ(context.calls, 1u);
    EXPECT_EQ(context.broken, 0u);
    EXPECT_EQ(context.caller, reinterpret_cast<uint64_t>(&caller));
    ExpectValues(signature.params, seen.data(), arguments);
    for (size_t k = 0; k < results.size(); ++k) {
      EXPECT_EQ(testing::MaskAbiValue(signature.results[k], values[k],
                                      signature.results[k].abi_class == AbiClass::kInt),
                results[k]);
    }
  }
}

TEST_P(Trampolines, ExitPassesArgumentsAndResults) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    const AbiTestSignature signature = testing::RandomAbiSignature(random);
    SCOPED_TRACE(signature.ToString());
    const auto exit = ExitFor(signature);
    const NativeCode caller(
        [&](MachBuffer& buffer) { testing::EmitCheckingCaller(signature, buffer); });
    const auto arguments = testing::RandomAbiValues(signature.params, random);
    const auto results = testing::RandomAbiValues(signature.results, random);
    StoreContext store = {};
    int caller_context = 0;
    const HostFunction function = [&](void* from, AbiTestValue* values) {
      EXPECT_EQ(from, &caller_context);
      for (size_t k = 0; k < arguments.size(); ++k) {
        const AbiValue type = signature.params[k];
        EXPECT_EQ(testing::MaskAbiValue(type, values[k], true), arguments[k]) << "argument " << k;
      }
      // The frame that left wasm: its return address is the exit pc.
      const uint64_t* fp = reinterpret_cast<uint64_t*>(store.last_exit_fp);
      EXPECT_EQ(WithoutSignature(fp[1]), store.last_exit_pc);
      EXPECT_GE(store.last_exit_pc, reinterpret_cast<uint64_t>(caller.entry()));
      for (size_t k = 0; k < results.size(); ++k) {
        values[k] = results[k];
        // A host that leaves junk above an i32.
        if (signature.results[k].bytes == 4) values[k].low |= 0xFull << 60;
      }
      return 0u;
    };
    HostContext host = {1, &store, CallHost, &function};
    std::vector<AbiTestValue> seen(results.size());
    const AbiTestCall call = {exit->entry(), &host, &caller_context, arguments.data(), seen.data()};
    EXPECT_EQ(caller.As<uint64_t(const AbiTestCall*)>()(&call), 0u);
    ExpectValues(signature.results, seen.data(), results);
  }
}

// C++ -> wasm (a bare exit trampoline) -> C++ -> wasm ..., raising at some depth: each entry
// above gets 1 from its own trampoline, with its callee-saved registers whole.
TEST_P(Trampolines, NestedCallsRaiseToTheInnermostEntry) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50; ++round) {
    const AbiTestSignature signature = testing::RandomAbiSignature(random);
    const auto entry = EntryFor(signature);
    const auto exit = ExitFor(signature);
    const auto arguments = testing::RandomAbiValues(signature.params, random);
    const auto results = testing::RandomAbiValues(signature.results, random);
    StoreContext store = {};
    HostFunction function;
    HostContext host = {1, &store, CallHost, &function};
    const int depth = 1 + static_cast<int>(random() % 6);
    const int caught_at = static_cast<int>(random() % (depth + 1));
    int level = 0;
    std::function<uint32_t()> enter = [&]() -> uint32_t {
      const StoreContext saved = store;  // Calls nest.
      std::vector<AbiTestValue> values = Array(arguments, results.size());
      const uint32_t status =
          entry->As<Entry>()(&store, &host, nullptr, exit->entry(), values.data());
      store = saved;
      if (status == 0) {
        for (size_t k = 0; k < results.size(); ++k) {
          const bool is_int = signature.results[k].abi_class == AbiClass::kInt;
          EXPECT_EQ(testing::MaskAbiValue(signature.results[k], values[k], is_int), results[k]);
        }
      }
      return status;
    };
    function = [&](void*, AbiTestValue* values) -> uint32_t {
      const int mine = ++level;
      if (mine == depth) return 7;  // Stop the guest.
      const uint32_t status = enter();
      EXPECT_EQ(status, mine + 1 > caught_at || mine + 1 == depth ? 1u : 0u);
      // From `caught_at` on outward the failure is swallowed.
      if (mine > caught_at) return status;
      std::copy(results.begin(), results.end(), values);
      return 0;
    };
    EXPECT_EQ(enter(), caught_at == 0 || depth == 1 ? 1u : 0u);
    EXPECT_EQ(level, depth);
  }
}

// A guest stopped by a signal handler: it does what Raise does, from the store context alone.
TEST_P(Trampolines, EntryResumesWhereTheStoreSays) {
  std::mt19937_64 random(6);
  const AbiTestSignature signature = testing::RandomAbiSignature(random);
  const auto entry = EntryFor(signature);
  const NativeCode stops([&](MachBuffer& buffer) {
    Assembler as(buffer);
    const TrampolineLayout layout = Layout();
    as.ldr(x0, Address(x0, layout.store));
    for (uint8_t reg = kFirstCalleeSaved; reg <= kLastCalleeSaved; ++reg) {
      as.mov(X(reg), uint64_t{0x5A5A5A5A});
    }
    for (uint8_t reg = 8; reg < 16; ++reg) as.Emit(Row::kMovi, {reg}, *VectorMoveBits(0, 0));
    as.sub(sp, sp, int64_t{4096});
    as.ldr(x9, Address(x0, layout.last_entry_sp));
    as.mov_sp(sp, x9);
    as.ldr(x29, Address(x0, layout.last_entry_fp));
    as.ldr(x16, Address(x0, layout.last_entry_pc));
    as.br(x16);
  });
  StoreContext store = {};
  AbiTestContext context;
  context.store = &store;
  std::vector<AbiTestValue> values(64);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(entry->As<Entry>()(&store, &context, nullptr, stops.entry(), values.data()), 1u);
  }
}

BuiltinResult FallibleBuiltin(AbiTestContext* context, uint64_t a, uint64_t b, uint64_t c,
                              uint64_t d, uint64_t e) {
  context->calls++;
  // Only the low half of the status counts.
  return {(uint64_t{0xFFFFFFFF} << 32) | (a == 13 ? 1 : 0), a + 2 * b + 3 * c + 4 * d + 5 * e};
}

uint64_t InfallibleBuiltin(AbiTestContext*, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                           uint64_t e) {
  return a * b + c * d + e;
}

TEST_P(Trampolines, BuiltinShimCallsTestsAndRaises) {
  StoreContext store = {};
  AbiTestContext context;
  void* builtins[] = {nullptr, reinterpret_cast<void*>(&FallibleBuiltin),
                      reinterpret_cast<void*>(&InfallibleBuiltin)};
  context.store = &store;
  context.builtins = builtins;
  codegen::UnwindInfo unwind;
  const NativeCode fallible(
      [&](MachBuffer& buffer) { EmitBuiltinShim(1, true, Layout(), buffer, &unwind); },
      protection.marks_targets);
  unwind.Clear();
  const NativeCode infallible(
      [&](MachBuffer& buffer) { EmitBuiltinShim(2, false, Layout(), buffer, &unwind); },
      protection.marks_targets);
  // Shims have the C convention, so compiled C++ stands in for wasm code here.
  using Shim = uint64_t(AbiTestContext*, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
  EXPECT_EQ(infallible.As<Shim>()(&context, 2, 3, 5, 7, 11), 52u);
  EXPECT_EQ(fallible.As<Shim>()(&context, 1, 2, 3, 4, 5), 1u + 4 + 9 + 16 + 25);
  EXPECT_EQ(context.calls, 1u);
  EXPECT_NE(store.last_exit_fp, 0u);

  // From wasm: a function that calls the fallible shim with its arguments.
  const AbiTestSignature signature = {{{AbiClass::kInt, 8}}, {{AbiClass::kInt, 8}}};
  const auto entry = EntryFor(signature);
  const NativeCode wasm([&](MachBuffer& buffer) {
    Assembler as(buffer);
    as.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -16);
    as.mov_sp(x29, sp);
    as.mov(x1, x2);
    for (const X reg : {x2, x3, x4, x5}) as.mov(reg, uint64_t{0});
    as.mov(x16, reinterpret_cast<uint64_t>(fallible.entry()));
    as.blr(x16);
    as.mov(x2, x0);
    as.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
    as.ret();
  });
  for (int i = 0; i < 100; ++i) {
    std::vector<AbiTestValue> values = {{12, 0}};
    EXPECT_EQ(entry->As<Entry>()(&store, &context, nullptr, wasm.entry(), values.data()), 0u);
    EXPECT_EQ(values[0].low, 12u);
    values[0].low = 13;
    EXPECT_EQ(entry->As<Entry>()(&store, &context, nullptr, wasm.entry(), values.data()), 1u);
  }
}

// What the built-in sees, and whether it stops the guest.
StoreContext* cold_store = nullptr;
int64_t cold_fuel = 0;
uint32_t cold_status = 0;
uint32_t ColdBuiltin(StoreContext* store) {
  cold_store = store;
  cold_fuel = store->fuel;
  store->fuel = 100;
  // Overwrites what a C function may.
  asm volatile("" ::
                   : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                     "x12", "x13", "x14", "x15", "x16", "x17", "v0", "v1", "v2", "v7", "v16", "v30",
                     "v31");
  // The upper halves of v8 to v15 are not preserved.
  asm volatile("mov v8.d[1], xzr\n mov v15.d[1], xzr" ::);
  return cold_status;
}

// A cold shim finds the store however deep it is called, and keeps the registers.
TEST_P(Trampolines, ColdShimFindsTheStoreAndKeepsRegisters) {
  const AbiTestSignature signature = {{{AbiClass::kInt, 8}}, {{AbiClass::kInt, 8}}};
  void* builtins[] = {nullptr, reinterpret_cast<void*>(&ColdBuiltin)};
  for (const bool keeps_fuel : {false, true}) {
    const auto entry = EntryFor(signature, keeps_fuel);
    codegen::UnwindInfo unwind;
    const NativeCode shim(
        [&](MachBuffer& buffer) { EmitColdShim(1, false, Layout(keeps_fuel), buffer, &unwind); },
        protection.marks_targets);
    // Calls itself as often as its argument says, then the shim, and returns the sum of what it put
    // into registers before.
    constexpr uint8_t kVectors[] = {0, 7, 8, 15, 16, 30};
    const NativeCode wasm([&](MachBuffer& buffer) {
      Assembler as(buffer);
      const codegen::MachLabel self = buffer.NewLabel();
      const codegen::MachLabel last = buffer.NewLabel();
      const codegen::MachLabel leave = buffer.NewLabel();
      as.bind(self);
      as.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -16);
      as.mov_sp(x29, sp);
      as.cbz(x2, last);
      as.sub(x2, x2, 1);
      as.bl(self);
      as.b(leave);
      as.bind(last);
      uint64_t sum = 0;
      for (uint8_t reg = 0; reg < 16; ++reg) as.mov(X(reg), sum += 3);
      for (uint8_t reg : kVectors) as.Emit(Row::kVDupGpr2D, {5, reg});
      if (keeps_fuel) as.sub(x28, x28, 5);
      as.mov(x16, reinterpret_cast<uint64_t>(shim.entry()));
      as.blr(x16);
      for (uint8_t reg = 0; reg < 16; ++reg) {
        if (reg != 2) as.add(x2, x2, X(reg));
      }
      for (uint8_t reg : kVectors) {
        for (const uint32_t lane : {0, 1}) {
          as.Emit(Row::kVUmovD, {reg, 3}, LaneBits(3, lane));
          as.add(x2, x2, x3);
        }
      }
      if (keeps_fuel) as.sub(x28, x28, 1);
      as.bind(leave);
      as.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
      as.ret();
    });
    for (const uint64_t depth : {0, 1, 50}) {
      StoreContext store = {};
      store.builtins = builtins;
      store.fuel = 10;
      cold_store = nullptr;
      cold_status = 0;
      AbiTestValue values[1] = {{depth, 0}};
      EXPECT_EQ(entry->As<Entry>()(&store, nullptr, nullptr, wasm.entry(), values), 0u);
      // 3 + 6 + ... + 48, and twelve lanes of 18.
      EXPECT_EQ(values[0].low, 3u * 136 + 12 * 18) << depth;
      EXPECT_EQ(cold_store, &store);
      EXPECT_NE(store.last_exit_fp, 0u);
      if (keeps_fuel) {
        EXPECT_EQ(cold_fuel, 5);
        EXPECT_EQ(store.fuel, 99);
      } else {
        EXPECT_EQ(store.fuel, 100);
      }
      cold_status = 1;
      values[0] = {depth, 0};
      EXPECT_EQ(entry->As<Entry>()(&store, nullptr, nullptr, wasm.entry(), values), 1u);
    }
  }
}

}  // namespace
}  // namespace gantry::aarch64
