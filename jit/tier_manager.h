// TierManager: compiles functions anew by the optimizing compiler, on threads of its own, while
// guests run their baseline code: the maker of better code that runtime/tier_up.h leaves open.
//
//   TierManager manager(std::move(optimizing_compiler), options);
//   runtime::Module::Create(engine, code, id, manager.NewModule(code, id));
//
// A guest whose function is hot puts it into a queue and goes on. A thread takes some from there,
// compiles them from the module's bytes, which the artifact has kept, links them with the shims
// that they call, makes that executable, and publishes each in the module's tier table.
//
// What cannot be compiled, for whatever reason, stays as it is and is counted. Modules and the
// manager may go in any order, at any time: what was asked for then is dropped, and the manager
// waits for the functions that are being compiled. Tested by //api:tier_up_test.
#ifndef GANTRY_JIT_TIER_MANAGER_H_
#define GANTRY_JIT_TIER_MANAGER_H_

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "environ/translation/compiler.h"
#include "environ/translation/module_translation.h"
#include "runtime/code_object.h"
#include "runtime/tier_up.h"

namespace gantry::jit {

struct TierOptions {
  // As the modules were compiled with.
  environ::TranslationOptions translation;
  // Functions whose estimate (compile_estimate.h) is beyond this stay as they are; 0: none.
  uint64_t compile_budget = 0;
  // 0: one less than the machine has processors, from one to eight; kNoThreads: CompileNow does
  // all.
  static constexpr uint32_t kNoThreads = 0xFFFFFFFF;
  uint32_t threads = 0;
  // A guest waits for the code that it has asked for: for tests.
  bool synchronous = false;
  // As for LoadOptions.
  bool register_unwind_info = false;
  bool register_debugger = false;
};

struct TierStats {
  uint64_t requested = 0;  // functions that were found to be hot
  uint64_t optimized = 0;  // of them: how many have better code
  uint64_t refused = 0;    // and how many stay as they are
  uint64_t code_bytes = 0;
};

class TierManager {
 public:
  // The compiler's tunables have tier_up.
  TierManager(std::unique_ptr<environ::Compiler> compiler, const TierOptions& options);
  ~TierManager();
  TierManager(const TierManager&) = delete;
  TierManager& operator=(const TierManager&) = delete;

  std::shared_ptr<runtime::TierUp> NewModule(std::shared_ptr<const runtime::CodeObject> code,
                                             environ::ModuleId id) const;

  // Of all modules, those that are gone included.
  TierStats stats() const;
  // Until all that was asked for so far is made or refused.
  void Wait() const;
  // Makes, on this thread, what was asked for and no thread has taken. Does not throw.
  void CompileNow() const;

 private:
  class Queue;
  class Module;

  // Until there is nothing more; waiting, until the manager goes.
  void Work(bool wait) const;

  const std::unique_ptr<environ::Compiler> compiler_;
  const TierOptions options_;
  const std::shared_ptr<Queue> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace gantry::jit

#endif  // GANTRY_JIT_TIER_MANAGER_H_
