// Forged return addresses and branches past landing pads: each does what the forger wants without
// hardening and ends the process with it.
#include <asm/hwcap.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

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

constexpr int kForged = 42;

// Where the forger wants to be.
void Forged() { _exit(kForged); }

std::shared_ptr<const codegen::TargetIsa> MakeIsa(const Flags& flags) {
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  for (const auto& [flag, value] : flags) CHECK_OK(builder->Set(flag, value));
  auto isa = builder->Build();
  CHECK_OK(isa.status());
  return *isa;
}

// How a child ends that does it. (googletest's death tests clone, which the emulator can't follow.)
template <typename Function>
int StatusOf(Function function) {
  const pid_t child = fork();
  if (child == 0) {
    function();
    _exit(0);
  }
  int status = 0;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

bool ExitedForged(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == kForged; }

bool DiedOfForgery(int status) {
  if (!WIFSIGNALED(status)) return false;
  const int signal = WTERMSIG(status);
  return signal == SIGSEGV || signal == SIGILL || signal == SIGBUS;
}

// %forge(i64) calls %victim(i64), which overwrites the return address in its frame by the argument.
// A frame of its own may be in between, so that the address is loaded by another epilogue.
void RunForgery(const Flags& flags, bool caller_frame) {
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
  CHECK_OK(program.Call(0, {reinterpret_cast<uint64_t>(&Forged)}).status());
}

bool HostHas(unsigned long hwcap, unsigned long hwcap2) {
  return (getauxval(AT_HWCAP) & hwcap) == hwcap && (getauxval(AT_HWCAP2) & hwcap2) == hwcap2;
}

TEST(HardenedTest, ForgedReturnAddresses) {
  for (const bool caller_frame : {false, true}) {
    EXPECT_TRUE(ExitedForged(StatusOf([&] { RunForgery({}, caller_frame); })));
  }
  if (!HostHas(HWCAP_PACA, 0)) GTEST_SKIP() << "the processor has no pointer authentication";
  const Flags signs = {{"sign_return_address", "true"}};
  Flags with_key_b = signs;
  with_key_b.push_back({"sign_return_address_with_bkey", "true"});
  Flags at_return = with_key_b;
  at_return.push_back({"has_pauth", "true"});
  for (const Flags& flags : {signs, with_key_b, at_return}) {
    for (const bool caller_frame : {false, true}) {
      EXPECT_TRUE(DiedOfForgery(StatusOf([&] { RunForgery(flags, caller_frame); })));
    }
  }
}

// A call of a function's second instruction.
void CallBehindEntry(const Flags& flags) {
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
  CHECK_OK(program.Call(0, {0}).status());
  // Without a landing pad that is its return.
  CHECK_OK(program.Call(0, {4}).status());
  _exit(kForged);
}

TEST(HardenedTest, BranchesPastLandingPads) {
  EXPECT_TRUE(ExitedForged(StatusOf([] { CallBehindEntry({}); })));
  if (!HostHas(0, HWCAP2_BTI)) GTEST_SKIP() << "the processor has no branch target identification";
  const int status = StatusOf([] { CallBehindEntry({{"use_bti", "true"}}); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL) << status;
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
