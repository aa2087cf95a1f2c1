// IncrementalCache: what the optimizing compiler keeps of functions and finds again, in a store
// that the embedder gives (environ/translation/compilation_cache.h). Two levels:
//
// 1. By body, before anything is translated. The key is a digest of the settings, of the module
//    without its bodies, data and custom sections, of the body, its type and its branch hints. What
//    is stored under it names the callees that inlining considered, with a digest of what is
//    planned for each and of their bodies; only where that is the same now does it count.
// 2. By stencil, behind translation and inlining: the key is a digest of the settings and of the
//    IR (codegen::FunctionStencil::AppendKey), which knows no positions and no names. So functions
//    that moved, or whose module changed elsewhere, are translated and not compiled; and equal
//    functions of one module are compiled once.
//
// The version and the build of the compiler are among the settings. Values carry a checksum of
// themselves and their key.
//
// Tested by jit:incremental_test and jit:incremental_fuzz.
#ifndef GANTRY_CRANELIFT_SHARED_INCREMENTAL_H_
#define GANTRY_CRANELIFT_SHARED_INCREMENTAL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/compiled_code.h"
#include "codegen/ir/function.h"
#include "codegen/link_rules.h"
#include "cranelift_shared/function_codec.h"
#include "entity/secondary_map.h"
#include "environ/cache/digest.h"
#include "environ/translation/compilation_cache.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/module_translation.h"
#include "wasm_translate/inline_plan.h"

namespace gantry::cranelift {

class IncrementalCache {
 public:
  // `settings` is everything that code depends on besides the module, as text. Store and rules have
  // to outlive the cache.
  IncrementalCache(std::shared_ptr<environ::CompilationCache> store, absl::string_view settings,
                   const codegen::LinkRules& rules);

  // Of one module, made once, from the plan of its inlining (null: nothing is inlined).
  struct ModuleDigests {
    environ::Digest surroundings;
    // Of the bodies that may be inlined, and what is planned for them.
    entity::SecondaryMap<wasm::FuncIndex, environ::Digest> callees;
    const wasm::InlinePlan* plan = nullptr;
  };
  std::shared_ptr<const ModuleDigests> DigestsOf(const environ::ModuleTranslation& module,
                                                 const wasm::InlinePlan* plan) const;

  // Of one thread: what it needs from function to function.
  struct Work {
    environ::Digester digester;
    StoredCode code;
    std::string key;
    std::vector<uint32_t> callees;
  };

  environ::Digest BodyKey(const ModuleDigests& digests, const environ::ModuleTranslation& module,
                          const wasm::FunctionBody& body, Work& work) const;
  // False where there is nothing, or nothing that still holds; `out` is unspecified then.
  bool FindBody(const environ::Digest& key, const ModuleDigests& digests,
                const environ::ModuleTranslation& module, const wasm::FunctionBody& body,
                Work& work, environ::CompiledFunction& out) const;
  // `considered`: wasm::FunctionTranslator::considered_callees.
  void InsertBody(const environ::Digest& key, const ModuleDigests& digests,
                  const environ::ModuleTranslation& module, const wasm::FunctionBody& body,
                  absl::Span<const wasm::FuncIndex> considered,
                  const environ::CompiledFunction& compiled, Work& work) const;

  // Before passes change the function.
  environ::Digest StencilKey(const codegen::FunctionStencil& stencil, Work& work) const;
  // The code in `work`, good until the next call; null where there is none.
  const StoredCode* FindStencil(const environ::Digest& key, const codegen::Function& function,
                                Work& work) const;
  // `num_names` is how many names the function had when its key was made.
  void InsertStencil(const environ::Digest& key, const codegen::CompiledCode& code,
                     const codegen::Function& function, size_t num_names) const;

  // How many functions were looked for, and found by body and by stencil.
  struct Counts {
    uint64_t lookups = 0, by_body = 0, by_stencil = 0;
  };
  Counts counts() const { return {lookups_.load(), by_body_.load(), by_stencil_.load()}; }

 private:
  environ::Digest DigestOfCallees(const ModuleDigests& digests, wasm::FuncIndex function,
                                  absl::Span<const uint32_t> callees, Work& work) const;
  // The value, its checksum in front; nothing where there is none or it was changed.
  std::optional<std::string> Get(const environ::Digest& key) const;
  void Insert(const environ::Digest& key, absl::string_view contents) const;

  const std::shared_ptr<environ::CompilationCache> store_;
  environ::Digest settings_;
  const codegen::LinkRules& rules_;
  mutable std::atomic<uint64_t> lookups_{0}, by_body_{0}, by_stencil_{0};
};

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_INCREMENTAL_H_
