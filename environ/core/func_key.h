// FuncKey: the name of every piece of code that a compilation can produce.
//
// Symbols, the text section, relocations between functions and cache entries all speak of
// code by its key, so that a call site, the function it reaches and the entry in the
// artifact agree without a lookup table of strings.
//
//   FuncKey key = FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(7));
//   key.Symbol();                          // "wasm[0]::function[7]"
//   FuncKey::FromPacked(key.packed());     // the same key again, or nullopt if malformed
//
// Keys are totally ordered by kind, then module, then index; this is the order in which
// code is laid out.
#ifndef GANTRY_ENVIRON_CORE_FUNC_KEY_H_
#define GANTRY_ENVIRON_CORE_FUNC_KEY_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "base/check.h"
#include "entity/entity_id.h"
#include "wasm_translate/types.h"

namespace gantry::environ {

// A core module among those of one artifact.
GANTRY_ENTITY_ID(ModuleId, "module");

// What a piece of code is. The numbers are part of the artifact's format.
enum class FuncKeyKind : uint8_t {
  // The body of a function defined by a module; the index is its DefinedFuncIndex.
  kWasmFunction = 0,
  // C++ to wasm for one signature; the index is the first TypeIndex of that signature.
  kEntryTrampoline = 1,
  // Wasm to a host function for one signature; the index as for entry trampolines.
  kExitTrampoline = 2,
  // Wasm to a built-in of the runtime; the index is the built-in's number, the module 0.
  kBuiltinShim = 3,
  // Initialisation of a module that does not fold into data; the index is 0.
  kModuleStart = 4,
};
inline constexpr int kFuncKeyKinds = 5;

class FuncKey {
 public:
  // The largest module number that a packed key can hold.
  static constexpr uint32_t kMaxModule = (1u << 24) - 1;

  static FuncKey WasmFunction(ModuleId module, wasm::DefinedFuncIndex function) {
    return FuncKey(FuncKeyKind::kWasmFunction, module.raw(), function.raw());
  }
  static FuncKey EntryTrampoline(ModuleId module, wasm::TypeIndex signature) {
    return FuncKey(FuncKeyKind::kEntryTrampoline, module.raw(), signature.raw());
  }
  static FuncKey ExitTrampoline(ModuleId module, wasm::TypeIndex signature) {
    return FuncKey(FuncKeyKind::kExitTrampoline, module.raw(), signature.raw());
  }
  static FuncKey BuiltinShim(uint32_t builtin) {
    return FuncKey(FuncKeyKind::kBuiltinShim, 0, builtin);
  }
  static FuncKey ModuleStart(ModuleId module) {
    return FuncKey(FuncKeyKind::kModuleStart, module.raw(), 0);
  }

  // A key from its 64 bits, as an artifact holds them; nullopt for an unknown kind.
  static std::optional<FuncKey> FromPacked(uint64_t packed) {
    const uint64_t kind = packed >> 56;
    if (kind >= kFuncKeyKinds) return std::nullopt;
    return FuncKey(static_cast<FuncKeyKind>(kind), static_cast<uint32_t>(packed >> 32) & kMaxModule,
                   static_cast<uint32_t>(packed));
  }
  // Kind in the top 8 bits, module in the next 24, index in the low 32: orders as the key does.
  uint64_t packed() const {
    return uint64_t{static_cast<uint8_t>(kind_)} << 56 | uint64_t{module_} << 32 | index_;
  }

  FuncKeyKind kind() const { return kind_; }
  ModuleId module() const { return ModuleId(module_); }
  uint32_t index() const { return index_; }
  // For kWasmFunction.
  wasm::DefinedFuncIndex defined_function() const {
    CHECK(kind_ == FuncKeyKind::kWasmFunction);
    return wasm::DefinedFuncIndex(index_);
  }
  // For the trampolines.
  wasm::TypeIndex signature() const {
    CHECK(kind_ == FuncKeyKind::kEntryTrampoline || kind_ == FuncKeyKind::kExitTrampoline);
    return wasm::TypeIndex(index_);
  }

  // The name in the symbol table of an artifact: "wasm[0]::function[7]",
  // "wasm[0]::entry[2]", "wasm[0]::exit[2]", "builtin[4]", "wasm[0]::start".
  std::string Symbol() const;

  friend bool operator==(const FuncKey&, const FuncKey&) = default;
  friend auto operator<=>(const FuncKey& a, const FuncKey& b) { return a.packed() <=> b.packed(); }
  friend std::ostream& operator<<(std::ostream& out, const FuncKey& key) {
    return out << key.Symbol();
  }
  template <typename H>
  friend H AbslHashValue(H state, const FuncKey& key) {
    return H::combine(std::move(state), key.packed());
  }

 private:
  FuncKey(FuncKeyKind kind, uint32_t module, uint32_t index)
      : kind_(kind), module_(module), index_(index) {
    CHECK(module <= kMaxModule) << "module number " << module;
  }

  FuncKeyKind kind_;
  uint32_t module_;
  uint32_t index_;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_FUNC_KEY_H_
