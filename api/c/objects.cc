// Tested by wasm_test.c.
#include "api/c/objects.h"

#include <any>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/c/guard.h"
#include "api/c/types.h"
#include "api/c/vectors.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/vm_structs.h"

namespace gantry::c_api {
namespace {

// A reference as a guest holds it in its own store.
struct HeldRef {
  std::shared_ptr<const wasm_ref_t> ref;
};

struct OwnedVals : OwnedVec<wasm_val_vec_t, wasm_val_vec_delete, wasm_val_vec_copy> {
  void Resize(size_t size) {
    wasm_val_vec_new_uninitialized(&vec, size);
    if (vec.size != size) throw std::bad_alloc();
  }
};

template <typename Ref>
Ref* Make(std::shared_ptr<StoreBox> store, Object object) {
  return new Ref(std::move(store), std::move(object));
}

struct KindOf {
  RefKind operator()(const Func&) const { return RefKind::kFunc; }
  RefKind operator()(const Global&) const { return RefKind::kGlobal; }
  RefKind operator()(const Table&) const { return RefKind::kTable; }
  RefKind operator()(const Memory&) const { return RefKind::kMemory; }
  RefKind operator()(const SharedMemory&) const { return RefKind::kMemory; }
  RefKind operator()(const Tag&) const { return RefKind::kTag; }
  RefKind operator()(const Instance&) const { return RefKind::kInstance; }
  RefKind operator()(const Module&) const { return RefKind::kModule; }
  RefKind operator()(const std::shared_ptr<TrapBox>&) const { return RefKind::kTrap; }
  RefKind operator()(const std::shared_ptr<ForeignBox>&) const { return RefKind::kForeign; }
  RefKind operator()(const ExternRef&) const { return RefKind::kOpaque; }
  RefKind operator()(const ExnRef&) const { return RefKind::kOpaque; }
};

struct IdentityOf {
  const void* operator()(const SharedMemory& memory) const { return memory.raw().get(); }
  const void* operator()(const Module& module) const { return module.state().get(); }
  const void* operator()(const std::shared_ptr<TrapBox>& box) const { return box.get(); }
  const void* operator()(const std::shared_ptr<ForeignBox>& box) const { return box.get(); }
  // No pointer, but as good as one: handles are small numbers, which no object has as an address.
  const void* operator()(const ExternRef& reference) const {
    return reinterpret_cast<const void*>(uintptr_t{reference.raw()});
  }
  const void* operator()(const ExnRef& reference) const {
    return reinterpret_cast<const void*>(uintptr_t{reference.raw()});
  }
  template <typename Handle>
  const void* operator()(const Handle& handle) const {
    return handle.raw();
  }
};

absl::StatusOr<ExternRef> ToExternRef(StoreBox& box, const wasm_ref_t& ref) {
  if (const auto* opaque = std::get_if<ExternRef>(&ref.object)) return *opaque;
  // Without its store, which would hold itself through it.
  return ExternRef::Create(box.store,
                           HeldRef{std::shared_ptr<const wasm_ref_t>(NewRef(nullptr, ref.object))});
}

wasm_ref_t* FromExternRef(StoreBox& box, const ExternRef& reference) {
  const absl::StatusOr<std::any*> value = reference.Get(box.store);
  if (value.ok()) {
    if (const auto* held = std::any_cast<HeldRef>(*value)) {
      return NewRef(box.shared_from_this(), held->ref->object);
    }
  }
  return NewRef(box.shared_from_this(), reference);
}

absl::Status Mismatch(wasm_valkind_t kind, ValType type) {
  return absl::InvalidArgumentError(absl::StrCat("a value of type ", type.ToString(),
                                                 " is expected, given is one of kind ",
                                                 static_cast<int>(kind)));
}

}  // namespace

StoreBox::StoreBox(const Engine& engine) : store(engine) {
  store.data().box = this;
  // Of no store, which would hold itself.
  reserve_trap = NewTrap(nullptr, absl::ResourceExhaustedError("out of memory"));
}

StoreBox::~StoreBox() { delete reserve_trap; }

wasm_trap_t* StoreBox::TakeReserveTrap() {
  CHECK(reserve_trap != nullptr) << "memory ran out twice while a failure was to be reported";
  return std::exchange(reserve_trap, nullptr);
}

wasm_ref_t* NewRef(std::shared_ptr<StoreBox> store, Object object) {
  switch (std::visit(KindOf(), object)) {
    case RefKind::kFunc:
      return Make<wasm_func_t>(std::move(store), std::move(object));
    case RefKind::kGlobal:
      return Make<wasm_global_t>(std::move(store), std::move(object));
    case RefKind::kTable:
      return Make<wasm_table_t>(std::move(store), std::move(object));
    case RefKind::kMemory:
      return Make<wasm_memory_t>(std::move(store), std::move(object));
    case RefKind::kTag:
      return Make<wasm_tag_t>(std::move(store), std::move(object));
    case RefKind::kInstance:
      return Make<wasm_instance_t>(std::move(store), std::move(object));
    case RefKind::kModule:
      return Make<wasm_module_t>(std::move(store), std::move(object));
    case RefKind::kTrap:
      return Make<wasm_trap_t>(std::move(store), std::move(object));
    case RefKind::kForeign:
      return Make<wasm_foreign_t>(std::move(store), std::move(object));
    case RefKind::kOpaque:
      return Make<wasm_ref_t>(std::move(store), std::move(object));
  }
  UNREACHABLE();
}

wasm_trap_t* NewTrap(std::shared_ptr<StoreBox> store, const absl::Status& status) {
  auto box = std::make_shared<TrapBox>();
  box->status = status;
  return Make<wasm_trap_t>(std::move(store), std::move(box));
}

wasm_extern_t* NewExtern(std::shared_ptr<StoreBox> store, const Extern& definition) {
  return static_cast<wasm_extern_t*>(
      std::visit([&](const auto& handle) { return NewRef(std::move(store), handle); }, definition));
}

Extern ToExtern(const wasm_extern_t& ref) {
  switch (ref.kind()) {
    case RefKind::kFunc:
      return std::get<Func>(ref.object);
    case RefKind::kGlobal:
      return std::get<Global>(ref.object);
    case RefKind::kTable:
      return std::get<Table>(ref.object);
    case RefKind::kMemory:
      if (const auto* shared = std::get_if<SharedMemory>(&ref.object)) return *shared;
      return std::get<Memory>(ref.object);
    case RefKind::kTag:
      return std::get<Tag>(ref.object);
    default:
      break;
  }
  UNREACHABLE() << static_cast<int>(ref.kind());
}

absl::StatusOr<Val> RefToVal(StoreBox& box, const wasm_ref_t* ref, ValType type) {
  const Val null = Val::Default(type);
  if (ref == nullptr) return null;
  if (ref->store.get() != &box && ref->kind() != RefKind::kModule) {
    return absl::InvalidArgumentError("the reference belongs to another store");
  }
  switch (null.kind()) {
    case Val::Kind::kFuncRef:
      if (const auto* func = std::get_if<Func>(&ref->object)) return Val::FuncRef(*func);
      return absl::InvalidArgumentError("a reference to a function is expected");
    case Val::Kind::kExnRef:
      if (const auto* exn = std::get_if<ExnRef>(&ref->object)) return Val::ExnRef(*exn);
      return absl::InvalidArgumentError("a reference to an exception is expected");
    default:
      break;
  }
  ASSIGN_OR_RETURN(const ExternRef reference, ToExternRef(box, *ref));
  if (null.kind() == Val::Kind::kAnyRef) return Val::AnyRef(AnyRef::FromExtern(reference));
  return Val::ExternRef(reference);
}

absl::StatusOr<Val> ToVal(StoreBox& box, const gantry_val_t& value, ValType type) {
  if (value.kind != FromValType(type).kind) return Mismatch(value.kind, type);
  switch (value.kind) {
    case WASM_I32:
      return Val::I32(value.of.i32);
    case WASM_I64:
      return Val::I64(value.of.i64);
    case WASM_F32:
      return Val::F32(value.of.f32);
    case WASM_F64:
      return Val::F64(value.of.f64);
    case GANTRY_V128: {
      uint64_t halves[2];
      std::memcpy(halves, value.of.v128, sizeof(halves));
      return Val::V128(halves[0], halves[1]);
    }
    default:
      return RefToVal(box, value.of.ref, type);
  }
}

gantry_val_t FromVal(StoreBox& box, const Val& value) {
  gantry_val_t out = {};
  switch (value.kind()) {
    case Val::Kind::kI32:
      out.kind = WASM_I32;
      out.of.i32 = value.i32();
      break;
    case Val::Kind::kI64:
      out.kind = WASM_I64;
      out.of.i64 = value.i64();
      break;
    case Val::Kind::kF32:
      out.kind = WASM_F32;
      out.of.f32 = value.f32();
      break;
    case Val::Kind::kF64:
      out.kind = WASM_F64;
      out.of.f64 = value.f64();
      break;
    case Val::Kind::kV128: {
      out.kind = GANTRY_V128;
      const std::array<uint64_t, 2> halves = value.v128();
      std::memcpy(out.of.v128, halves.data(), sizeof(out.of.v128));
      break;
    }
    case Val::Kind::kFuncRef:
      out.kind = WASM_FUNCREF;
      if (value.func_ref()) out.of.ref = NewRef(box.shared_from_this(), *value.func_ref());
      break;
    case Val::Kind::kExternRef:
      out.kind = WASM_EXTERNREF;
      if (value.extern_ref()) out.of.ref = FromExternRef(box, *value.extern_ref());
      break;
    case Val::Kind::kAnyRef:
      out.kind = WASM_EXTERNREF;
      if (value.any_ref()) out.of.ref = FromExternRef(box, value.any_ref()->ToExtern());
      break;
    case Val::Kind::kExnRef:
      out.kind = WASM_EXTERNREF;
      if (value.exn_ref()) out.of.ref = NewRef(box.shared_from_this(), *value.exn_ref());
      break;
  }
  return out;
}

gantry_val_t Widen(const wasm_val_t& value) {
  gantry_val_t out = {};
  out.kind = value.kind;
  std::memcpy(&out.of, &value.of, sizeof(value.of));
  return out;
}

wasm_val_t Narrow(const gantry_val_t& value) {
  CHECK(value.kind != GANTRY_V128);
  wasm_val_t out = {};
  out.kind = value.kind;
  std::memcpy(&out.of, &value.of, sizeof(out.of));
  return out;
}

absl::Status CheckCallable(const FuncType& type) {
  for (const absl::Span<const ValType> types : {type.params(), type.results()}) {
    for (const ValType value : types) {
      if (value.kind() != ValType::Kind::kV128) continue;
      return absl::UnimplementedError("a callback of C has no v128 among its values");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Val>> ToArguments(StoreBox& box, const FuncType& type,
                                             const gantry_val_t* args, size_t num_args) {
  if (num_args != type.params().size()) {
    return absl::InvalidArgumentError(absl::StrCat("the function's type is ", type.ToString(),
                                                   "; there are ", num_args, " arguments"));
  }
  std::vector<Val> values;
  for (size_t i = 0; i < num_args; ++i) {
    ASSIGN_OR_RETURN(const Val value, ToVal(box, args[i], type.params()[i]));
    values.push_back(value);
  }
  return values;
}

absl::Status CheckResults(const FuncType& type, size_t num_results) {
  if (num_results == type.results().size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the function's type is ", type.ToString(),
                                                 "; there is room for ", num_results, " results"));
}

Func::Callback Adapt(const FuncType& type, wasm_func_callback_with_env_t callback,
                     std::shared_ptr<HostInfo> env) {
  return [type, callback, env = std::move(env)](Caller& caller, absl::Span<const Val> arguments,
                                                absl::Span<Val> results) -> absl::Status {
    StoreBox& box = *caller.data<StoreData>()->box;
    OwnedVals given, made;
    given.Resize(arguments.size());
    made.Resize(results.size());
    for (size_t i = 0; i < arguments.size(); ++i) {
      given.vec.data[i] = Narrow(FromVal(box, arguments[i]));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      made.vec.data[i].kind = FromValType(type.results()[i]).kind;
    }
    const std::unique_ptr<wasm_trap_t> trap(callback(env->data(), &given.vec, &made.vec));
    if (trap != nullptr) return trap->status();
    if (made.vec.size != results.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the host function gave ", made.vec.size, " results, not ", results.size()));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      ASSIGN_OR_RETURN(results[i], ToVal(box, Widen(made.vec.data[i]), type.results()[i]));
    }
    return absl::OkStatus();
  };
}

}  // namespace gantry::c_api

gantry::c_api::RefKind wasm_ref_t::kind() const {
  return std::visit(gantry::c_api::KindOf(), object);
}

const void* wasm_ref_t::Identity() const { return std::visit(gantry::c_api::IdentityOf(), object); }

gantry::c_api::HostInfo* wasm_ref_t::Info(bool make) const {
  using gantry::c_api::ForeignBox;
  using gantry::c_api::TrapBox;
  if (const auto* box = std::get_if<std::shared_ptr<TrapBox>>(&object)) return &(*box)->info;
  if (const auto* box = std::get_if<std::shared_ptr<ForeignBox>>(&object)) return &(*box)->info;
  if (store == nullptr) return nullptr;
  if (make) return &store->infos[Identity()];
  const auto found = store->infos.find(Identity());
  return found == store->infos.end() ? nullptr : &found->second;
}
