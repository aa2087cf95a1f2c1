// Forged return addresses and branches past landing pads: each does what the forger wants without
// hardening and is a fault with it.
#include <asm/hwcap.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/function.h"
#include "codegen/isa.h"
#include "gtest/gtest.h"
#include "isa_aarch64/backend/isa.h"
#include "isa_aarch64/backend/testing/native.h"

namespace gantry::aarch64 {
namespace {

using codegen::Function;
using codegen::InstBuilder;
using codegen::MemFlags;
using codegen::Type;
using codegen::Value;

using Flags = std::vector<std::pair<std::string, std::string>>;

// How a call ends: 0 where it returns, kForged where the forger has got to where it wants to be,
// or the number of the signal that ended it.
constexpr int kForged = -1;
sigjmp_buf call_end;

void Forged() { siglongjmp(call_end, kForged); }
void OnFault(int signal) { siglongjmp(call_end, signal); }

std::shared_ptr<const codegen::TargetIsa> MakeIsa(const Flags& flags) {
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  for (const auto& [flag, value] : flags) CHECK_OK(builder->Set(flag, value));
  auto isa = builder->Build();
  CHECK_OK(isa.status());
  return *isa;
}

// The frames that a call leaves without returning own nothing that the test needs again. (A process
// of its own for each call would be cleaner, but the emulator does not follow forks well.)
int EndOf(NativeProgram& program, uint64_t argument) {
  // Has its own handlers put in place, in front of these.
  NativeProgram::StackTop();
  struct sigaction action = {};
  action.sa_handler = OnFault;
  action.sa_flags = SA_NODEFER;
  constexpr int kSignals[] = {SIGSEGV, SIGILL, SIGBUS};
  struct sigaction previous[std::size(kSignals)];
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    CHECK(sigaction(kSignals[i], &action, &previous[i]) == 0);
  }
  const int end = sigsetjmp(call_end, 1);
  if (end == 0) {
    const codegen::RawValue args[] = {{argument}};
    CHECK_OK(program.Call(0, args).status());
  }
  // That of the call, if it has not returned.
  const itimerval no_limit = {};
  CHECK(setitimer(ITIMER_VIRTUAL, &no_limit, nullptr) == 0);
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    CHECK(sigaction(kSignals[i], &previous[i], nullptr) == 0);
  }
  return end;
}

bool IsFault(int end) { return end == SIGSEGV || end == SIGILL || end == SIGBUS; }

// %forge(i64) calls %victim(i64), which overwrites the return address in its frame by the argument.
// A frame of its own may be in between, so that the address is loaded by another epilogue.
int EndOfForgery(const Flags& flags, bool caller_frame) {
  NativeProgram program(MakeIsa(flags));
  Function victim;
  victim.params.name.text = "victim";
  victim.signature.params = {Type::kI64};
  victim.signature.returns = {Type::kI64};
  {
    InstBuilder b(&victim);
    const codegen::Block entry = b.MakeEntryBlock();
    const Value address = victim.dfg.block_params(entry)[0];
    Value frame = b.GetFramePointer(Type::kI64);
    if (caller_frame) frame = b.Load(Type::kI64, MemFlags(), frame, 0);
    b.Store(MemFlags(), address, frame, 8);
    b.Return({address});
  }
  Function forge;
  forge.params.name.text = "forge";
  forge.signature = victim.signature;
  {
    InstBuilder b(&forge);
    const codegen::Block entry = b.MakeEntryBlock();
    const codegen::FuncRef callee = forge.dfg.ImportFunction(
        {forge.DeclareName(0, 0, "victim"), forge.dfg.ImportSignature(victim.signature)});
    const codegen::Inst call = b.Call(callee, {forge.dfg.block_params(entry)[0]});
    b.Return({b.Iadd(forge.dfg.result(call, 0), b.I64(1))});
  }
  CHECK_OK(program.Add(forge));
  CHECK_OK(program.Add(victim));
  CHECK_OK(program.Link());
  return EndOf(program, reinterpret_cast<uint64_t>(&Forged));
}

bool HostHas(unsigned long hwcap, unsigned long hwcap2) {
  return (getauxval(AT_HWCAP) & hwcap) == hwcap && (getauxval(AT_HWCAP2) & hwcap2) == hwcap2;
}

TEST(HardenedTest, ForgedReturnAddresses) {
  for (const bool caller_frame : {false, true}) {
    EXPECT_EQ(EndOfForgery({}, caller_frame), kForged);
  }
  if (!HostHas(HWCAP_PACA, 0)) GTEST_SKIP() << "the processor has no pointer authentication";
  const Flags signs = {{"sign_return_address", "true"}};
  Flags with_key_b = signs;
  with_key_b.push_back({"sign_return_address_with_bkey", "true"});
  Flags at_return = with_key_b;
  at_return.push_back({"has_pauth", "true"});
  for (const Flags& flags : {signs, with_key_b, at_return}) {
    for (const bool caller_frame : {false, true}) {
      EXPECT_TRUE(IsFault(EndOfForgery(flags, caller_frame)));
    }
  }
}

// A call of a function so many bytes behind its entry.
int EndOfCallBehindEntry(const Flags& flags, uint64_t bytes) {
  NativeProgram program(MakeIsa(flags));
  Function target;
  target.params.name.text = "target";
  target.signature.returns = {Type::kI64};
  {
    InstBuilder b(&target);
    b.MakeEntryBlock();
    b.Return({b.I64(1)});
  }
  Function caller;
  caller.signature.params = {Type::kI64};
  caller.signature.returns = {Type::kI64};
  {
    InstBuilder b(&caller);
    const codegen::Block entry = b.MakeEntryBlock();
    const codegen::SigRef signature = caller.dfg.ImportSignature(target.signature);
    const codegen::FuncRef name =
        caller.dfg.ImportFunction({caller.DeclareName(0, 0, "target"), signature});
    const Value address = b.Iadd(b.FuncAddr(name), caller.dfg.block_params(entry)[0]);
    const codegen::Inst call = b.CallIndirect(signature, address, {});
    b.Return({caller.dfg.result(call, 0)});
  }
  CHECK_OK(program.Add(caller));
  CHECK_OK(program.Add(target));
  CHECK_OK(program.Link());
  return EndOf(program, bytes);
}

TEST(HardenedTest, BranchesPastLandingPads) {
  // Without a landing pad the second instruction is the function's return.
  EXPECT_EQ(EndOfCallBehindEntry({}, 4), 0);
  if (!HostHas(0, HWCAP2_BTI)) GTEST_SKIP() << "the processor has no branch target identification";
  const Flags flags = {{"use_bti", "true"}};
  EXPECT_EQ(EndOfCallBehindEntry(flags, 0), 0);
  EXPECT_EQ(EndOfCallBehindEntry(flags, 4), SIGILL);
}

TEST(HardenedTest, FlagsThatNeedAnother) {
  for (const char* flag : {"sign_return_address_all", "sign_return_address_with_bkey"}) {
    std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
    CHECK_OK(builder->Enable(flag));
    const auto isa = builder->Build();
    ASSERT_FALSE(isa.ok());
    EXPECT_NE(isa.status().message().find(flag), absl::string_view::npos) << isa.status();
    EXPECT_NE(isa.status().message().find("needs the flag sign_return_address"),
              absl::string_view::npos);
  }
}

}  // namespace
}  // namespace gantry::aarch64
