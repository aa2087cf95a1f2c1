// Tag: what an exception is thrown with and caught by. A tag is its own identity: two of the
// same type are still two. Compiled code knows it by the address of its VMTagDefinition, which
// lies in the VMContext of the instance that defines it, or in the Tag itself where the host
// made it.
#ifndef GANTRY_RUNTIME_TAG_H_
#define GANTRY_RUNTIME_TAG_H_

#include <cstdint>
#include <utility>

#include "runtime/type_registry.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {

class Tag {
 public:
  // A tag of the host: `type` holds one function type without results.
  explicit Tag(RegisteredTypes type) : host_type_(std::move(type)), definition_(&own_) {
    own_.type_id = host_type_.ids().front();
  }
  // A tag of an instance, which holds the type; `definition` must outlive this.
  Tag(uint32_t type_id, VMTagDefinition* definition) : definition_(definition) {
    definition_->type_id = type_id;
  }

  Tag(const Tag&) = delete;
  Tag& operator=(const Tag&) = delete;

  // Canonical id of its function type.
  uint32_t type_id() const { return definition_->type_id; }

  // The store that it lives in, which sets it once; null outside of any.
  const Store* store() const { return store_; }
  void set_store(const Store* store) { store_ = store; }

  VMTagDefinition* definition() const { return definition_; }

 private:
  RegisteredTypes host_type_;
  VMTagDefinition own_ = {};
  VMTagDefinition* definition_;
  const Store* store_ = nullptr;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_TAG_H_
