// Global: one global variable. Its value lies in the VMContext of the instance that defines
// it, or in the Global itself where the host made it.
#ifndef GANTRY_RUNTIME_GLOBAL_H_
#define GANTRY_RUNTIME_GLOBAL_H_

#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class Global {
 public:
  // A global of the host with a value of its own.
  Global(const wasm::GlobalType& type, ValRaw initial) : type_(type), definition_(&own_) {
    own_.value = initial;
  }
  // A global of an instance; `definition` must outlive this.
  Global(const wasm::GlobalType& type, VMGlobalDefinition* definition)
      : type_(type), definition_(definition) {}

  Global(const Global&) = delete;
  Global& operator=(const Global&) = delete;

  // Its content type is canonical (type_registry.h), so that globals of two modules compare.
  const wasm::GlobalType& type() const { return type_; }

  ValRaw Get() const { return definition_->value; }
  // The value must be of the global's type; a caller that is not the initialiser has checked
  // that the global is mutable.
  void Set(ValRaw value) { definition_->value = value; }

  // The store that it lives in, which sets it once; null outside of any.
  const Store* store() const { return store_; }
  void set_store(const Store* store) { store_ = store; }

  VMGlobalDefinition* definition() const { return definition_; }

 private:
  wasm::GlobalType type_;
  VMGlobalDefinition own_;
  VMGlobalDefinition* definition_;
  const Store* store_ = nullptr;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_GLOBAL_H_
