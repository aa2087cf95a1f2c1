// Tested by api_test.cc.
#include "api/instance.h"

#include <new>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "api/module_state.h"
#include "api/store_state.h"
#include "base/status_macros.h"
#include "runtime/instance.h"

namespace gantry {
namespace {

absl::Status OutOfMemory() { return absl::ResourceExhaustedError("out of memory"); }

// The export of one kind, or what there is instead.
template <typename Kind>
absl::StatusOr<Kind> ExportOfKind(const Instance& instance, Store& store, absl::string_view name,
                                  const char* kind) {
  try {
    ASSIGN_OR_RETURN(const std::optional<Extern> found, instance.GetExport(store, name));
    if (found && std::holds_alternative<Kind>(*found)) return std::get<Kind>(*found);
    if (found) {
      return absl::NotFoundError(
          absl::StrCat("the export \"", name, "\" is no ", kind, " but a ",
                       ExternTypeToString(*instance.module().GetExport(name))));
    }
    std::vector<std::string> names;
    constexpr size_t kMostNames = 20;
    for (const ExportType& exported : instance.module().exports()) {
      if (names.size() == kMostNames) {
        names.push_back("...");
        break;
      }
      names.push_back(exported.name);
    }
    return absl::NotFoundError(
        absl::StrCat("there is no export \"", name, "\"; the module exports ",
                     names.empty() ? "nothing" : absl::StrJoin(names, ", ")));
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

}  // namespace

absl::StatusOr<Instance> Instance::Create(Store& store, const Module& module,
                                          absl::Span<const Extern> imports) {
  try {
    if (!(store.engine() == module.engine())) {
      return absl::InvalidArgumentError(
          "the module was compiled for another engine than the store's");
    }
    std::vector<runtime::Extern> definitions;
    definitions.reserve(imports.size());
    for (const Extern& import : imports) {
      ASSIGN_OR_RETURN(const runtime::Extern definition, api_internal::ToRuntime(store, import));
      definitions.push_back(definition);
    }
    ASSIGN_OR_RETURN(
        runtime::Instance* const instance,
        runtime::Instance::Create(store.state().runtime(), module.state()->runtime(), definitions));
    return Instance(store.id(), instance, module);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while instantiating");
  }
}

absl::StatusOr<std::optional<Extern>> Instance::GetExport(Store& store,
                                                          absl::string_view name) const {
  try {
    RETURN_IF_ERROR(api_internal::CheckStore(store, store_id_, "instance"));
    const std::optional<runtime::Extern> found = instance_->GetExport(name);
    if (!found) return std::optional<Extern>();
    return std::optional<Extern>(api_internal::ToExtern(store, *found));
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<Func> Instance::GetFunc(Store& store, absl::string_view name) const {
  return ExportOfKind<Func>(*this, store, name, "function");
}

absl::StatusOr<Memory> Instance::GetMemory(Store& store, absl::string_view name) const {
  return ExportOfKind<Memory>(*this, store, name, "memory of one store");
}

absl::StatusOr<SharedMemory> Instance::GetSharedMemory(Store& store, absl::string_view name) const {
  return ExportOfKind<SharedMemory>(*this, store, name, "shared memory");
}

absl::StatusOr<Table> Instance::GetTable(Store& store, absl::string_view name) const {
  return ExportOfKind<Table>(*this, store, name, "table");
}

absl::StatusOr<Global> Instance::GetGlobal(Store& store, absl::string_view name) const {
  return ExportOfKind<Global>(*this, store, name, "global");
}

absl::StatusOr<Tag> Instance::GetTag(Store& store, absl::string_view name) const {
  return ExportOfKind<Tag>(*this, store, name, "tag");
}

absl::StatusOr<std::vector<std::pair<std::string, Extern>>> Instance::Exports(Store& store) const {
  try {
    RETURN_IF_ERROR(api_internal::CheckStore(store, store_id_, "instance"));
    std::vector<std::pair<std::string, Extern>> exports;
    for (const environ::ExportInfo& exported : instance_->module().info().exports) {
      exports.emplace_back(exported.name,
                           api_internal::ToExtern(store, instance_->Get(exported.entity)));
    }
    return exports;
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

}  // namespace gantry
