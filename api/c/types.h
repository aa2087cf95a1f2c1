// Types of the C interface as objects, and their translation from and to those of the C++ one.
// Private to `api/c`.
//
// Tested by wasm_test.c.
#ifndef GANTRY_API_C_TYPES_H_
#define GANTRY_API_C_TYPES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "api/c/wasm.h"
#include "api/module.h"

// A vector of the interface as a member, which owns its elements.
template <typename Vec, void (*kDelete)(Vec*), void (*kCopy)(Vec*, const Vec*)>
struct OwnedVec {
  Vec vec = {0, nullptr};

  OwnedVec() = default;
  // Takes over and leaves an empty one.
  explicit OwnedVec(Vec* taken) {
    if (taken == nullptr) return;
    vec = *taken;
    *taken = {0, nullptr};
  }
  OwnedVec(const OwnedVec& other) { kCopy(&vec, &other.vec); }
  OwnedVec& operator=(const OwnedVec&) = delete;
  ~OwnedVec() { kDelete(&vec); }
};
using OwnedValtypes = OwnedVec<wasm_valtype_vec_t, wasm_valtype_vec_delete, wasm_valtype_vec_copy>;
using OwnedBytes = OwnedVec<wasm_byte_vec_t, wasm_byte_vec_delete, wasm_byte_vec_copy>;

struct wasm_valtype_t {
  wasm_valkind_t kind;
};

struct wasm_externtype_t {
  explicit wasm_externtype_t(wasm_externkind_t k) : kind(k) {}
  virtual ~wasm_externtype_t() = default;
  virtual wasm_externtype_t* Copy() const = 0;
  const wasm_externkind_t kind;
};

struct wasm_functype_t final : wasm_externtype_t {
  static constexpr wasm_externkind_t kKind = WASM_EXTERN_FUNC;
  wasm_functype_t(wasm_valtype_vec_t* taken_params, wasm_valtype_vec_t* taken_results)
      : wasm_externtype_t(kKind), params(taken_params), results(taken_results) {}
  wasm_functype_t* Copy() const override { return new wasm_functype_t(*this); }
  OwnedValtypes params;
  OwnedValtypes results;
};

struct wasm_globaltype_t final : wasm_externtype_t {
  static constexpr wasm_externkind_t kKind = WASM_EXTERN_GLOBAL;
  wasm_globaltype_t(wasm_valtype_t c, wasm_mutability_t m)
      : wasm_externtype_t(kKind), content(c), mutability(m) {}
  wasm_globaltype_t* Copy() const override { return new wasm_globaltype_t(*this); }
  wasm_valtype_t content;
  wasm_mutability_t mutability;
};

struct wasm_tabletype_t final : wasm_externtype_t {
  static constexpr wasm_externkind_t kKind = WASM_EXTERN_TABLE;
  wasm_tabletype_t(wasm_valtype_t e, wasm_limits_t l)
      : wasm_externtype_t(kKind), element(e), limits(l) {}
  wasm_tabletype_t* Copy() const override { return new wasm_tabletype_t(*this); }
  wasm_valtype_t element;
  wasm_limits_t limits;
};

struct wasm_memorytype_t final : wasm_externtype_t {
  static constexpr wasm_externkind_t kKind = WASM_EXTERN_MEMORY;
  explicit wasm_memorytype_t(wasm_limits_t l) : wasm_externtype_t(kKind), limits(l) {}
  wasm_memorytype_t* Copy() const override { return new wasm_memorytype_t(*this); }
  wasm_limits_t limits;
};

struct wasm_tagtype_t final : wasm_externtype_t {
  static constexpr wasm_externkind_t kKind = WASM_EXTERN_TAG;
  explicit wasm_tagtype_t(std::unique_ptr<wasm_functype_t> f)
      : wasm_externtype_t(kKind), functype(std::move(f)) {}
  wasm_tagtype_t* Copy() const override {
    return new wasm_tagtype_t(std::unique_ptr<wasm_functype_t>(functype->Copy()));
  }
  std::unique_ptr<wasm_functype_t> functype;
};

struct wasm_importtype_t {
  wasm_importtype_t(wasm_name_t* taken_module, wasm_name_t* taken_name, wasm_externtype_t* taken)
      : module(taken_module), name(taken_name), type(taken) {}
  wasm_importtype_t(const wasm_importtype_t& other)
      : module(other.module), name(other.name), type(other.type->Copy()) {}
  OwnedBytes module;
  OwnedBytes name;
  std::unique_ptr<wasm_externtype_t> type;
};

struct wasm_exporttype_t {
  wasm_exporttype_t(wasm_name_t* taken_name, wasm_externtype_t* taken)
      : name(taken_name), type(taken) {}
  wasm_exporttype_t(const wasm_exporttype_t& other) : name(other.name), type(other.type->Copy()) {}
  OwnedBytes name;
  std::unique_ptr<wasm_externtype_t> type;
};

namespace gantry::c_api {

// Into a vector of the interface, given to the caller.
void SetBytes(absl::string_view bytes, wasm_byte_vec_t* out);

// References below a hierarchy's top have the top's kind, and those of the any and exn hierarchies
// externref; v128 is GANTRY_V128 (gantry.h).
wasm_valtype_t FromValType(ValType type);
// Error: kInvalidArgument for a number that is no kind.
absl::StatusOr<ValType> ToValType(wasm_valkind_t kind);
std::unique_ptr<wasm_functype_t> FromFuncType(const FuncType& type);
absl::StatusOr<FuncType> ToFuncType(const wasm_functype_t& type);
std::unique_ptr<wasm_externtype_t> FromExternType(const ExternType& type);
// Bounds of 64 bits stop at the largest of 32.
wasm_limits_t FromLimits(const wasm::Limits& limits);
wasm::Limits ToLimits(const wasm_limits_t& limits);

}  // namespace gantry::c_api

#endif  // GANTRY_API_C_TYPES_H_
