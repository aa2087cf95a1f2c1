// Instance: a module with its imports given, its memory laid out, its start function run.
//
//   ASSIGN_OR_RETURN(Instance instance, Instance::Create(store, module, imports));
//   ASSIGN_OR_RETURN(Func main, instance.GetFunc(store, "_start"));
#ifndef GANTRY_API_INSTANCE_H_
#define GANTRY_API_INSTANCE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "api/extern.h"
#include "api/module.h"
#include "api/store.h"
#include "api/typed_func.h"

namespace gantry {

namespace runtime {
class Instance;
}

class Instance {
 public:
  // `imports` in order of Module::imports(). Errors: kInvalidArgument where number or type
  // differs, naming the import with the expected and the found type; kResourceExhausted; a
  // trap of the start function or of a segment out of bounds; kUnimplemented naming gc
  // (wasm_translate/unimplemented.h) for a constant expression that makes an object.
  static absl::StatusOr<Instance> Create(Store& store, const Module& module,
                                         absl::Span<const Extern> imports);

  // Nothing where there is no such export. Error: kInvalidArgument for another store.
  absl::StatusOr<std::optional<Extern>> GetExport(Store& store, absl::string_view name) const;
  // An export of a kind. Error: kNotFound naming what the module exports instead.
  absl::StatusOr<Func> GetFunc(Store& store, absl::string_view name) const;
  // As in GetTypedFunc<int32_t(int32_t)>(store, "f"). Errors also as TypedFunc::Create.
  template <typename Signature>
  absl::StatusOr<TypedFunc<Signature>> GetTypedFunc(Store& store, absl::string_view name) const {
    absl::StatusOr<Func> func = GetFunc(store, name);
    if (!func.ok()) return std::move(func).status();
    return TypedFunc<Signature>::Create(store, *func);
  }
  absl::StatusOr<Memory> GetMemory(Store& store, absl::string_view name) const;
  absl::StatusOr<SharedMemory> GetSharedMemory(Store& store, absl::string_view name) const;
  absl::StatusOr<Table> GetTable(Store& store, absl::string_view name) const;
  absl::StatusOr<Global> GetGlobal(Store& store, absl::string_view name) const;
  absl::StatusOr<Tag> GetTag(Store& store, absl::string_view name) const;
  // All exports in the module's order.
  absl::StatusOr<std::vector<std::pair<std::string, Extern>>> Exports(Store& store) const;

  const Module& module() const { return module_; }
  uint64_t store_id() const { return store_id_; }
  runtime::Instance* raw() const { return instance_; }

 private:
  friend class InstancePre;
  Instance(uint64_t store_id, runtime::Instance* instance, Module module)
      : store_id_(store_id), instance_(instance), module_(std::move(module)) {}
  uint64_t store_id_;
  runtime::Instance* instance_;
  Module module_;
};

}  // namespace gantry

#endif  // GANTRY_API_INSTANCE_H_
