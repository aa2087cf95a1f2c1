// Functions of the host as stores have them: sets of them are laid out once and made in one block
// for each store, so that an instance with many imports costs one allocation and no counter that
// threads share.
//
//   const auto set = std::make_shared<const HostFunctionSet>(std::move(functions));
//   std::vector<VMFuncRef*> made(set->size());
//   store.AddHostFunctions(set, owner, absl::MakeSpan(made));
//
// Tested by host_functions_test.cc.
#ifndef GANTRY_RUNTIME_HOST_FUNCTIONS_H_
#define GANTRY_RUNTIME_HOST_FUNCTIONS_H_

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "runtime/engine.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {

class Store;

// What compiled code calls, and how the data that each function of it has to itself is made
// (VMHostFuncContext::data). Store::RunHostCall does the part of `call` that is the same for all.
struct HostCode {
  HostCall call = nullptr;
  size_t data_size = 0;
  size_t data_alignment = 1;  // a power of two
  // Makes the data at an address from the source, for the owner that Store::AddHostFunctions was
  // given. May throw; nothing is there then.
  void (*make_data)(const void* source, void* owner, void* at) = nullptr;
  void (*destroy_data)(void* at) = nullptr;
  std::shared_ptr<const void> source;

  // For data that is made by Data(const Source&, void* owner).
  template <typename Data, typename Source>
  static HostCode For(HostCall call, Source source) {
    HostCode code;
    code.call = call;
    code.data_size = sizeof(Data);
    code.data_alignment = alignof(Data);
    code.make_data = [](const void* from, void* owner, void* at) {
      new (at) Data(*static_cast<const Source*>(from), owner);
    };
    code.destroy_data = [](void* at) { static_cast<Data*>(at)->~Data(); };
    code.source = std::make_shared<const Source>(std::move(source));
    return code;
  }
};

// A function in its block. Its context comes first: compiled code knows a host function by that.
struct HostFunction {
  VMHostFuncContext context;
  // Null where the store had the function already, and nothing else is set.
  Store* store = nullptr;
  const HostFunctionType* type = nullptr;
  HostCall call = nullptr;  // the code's, whatever the context has
};
static_assert(std::is_standard_layout_v<HostFunction>);

class HostFunctionSet {
 public:
  struct Function {
    std::shared_ptr<const HostFunctionType> type;
    HostCode code;
  };

  // May throw std::bad_alloc.
  explicit HostFunctionSet(std::vector<Function> functions);

  size_t size() const { return functions_.size(); }

 private:
  friend class HostFunctionBlock;
  // Where in the block, in bytes.
  struct Place {
    size_t function;
    size_t data;
  };

  std::vector<Function> functions_;
  std::vector<Place> places_;
  size_t size_ = 0;
  size_t alignment_ = 1;
};

// The functions of a set in one store.
class HostFunctionBlock {
 public:
  // Makes those that are null in `functions`, one for each of the set, and puts them there.
  // `checked_call`, unless null, is what compiled code calls in place of each function's own code.
  // May throw what making data throws, or std::bad_alloc: then nothing is left but the addresses in
  // `functions`, which are not to be used.
  HostFunctionBlock(Store& store, VMStoreContext* store_context,
                    std::shared_ptr<const HostFunctionSet> set, void* owner, HostCall checked_call,
                    absl::Span<VMFuncRef*> functions);
  HostFunctionBlock(HostFunctionBlock&& other) noexcept
      : set_(std::move(other.set_)),
        bytes_(std::exchange(other.bytes_, nullptr)),
        num_placed_(std::exchange(other.num_placed_, 0)),
        num_made_(std::exchange(other.num_made_, 0)) {}
  HostFunctionBlock& operator=(HostFunctionBlock&&) = delete;
  ~HostFunctionBlock() { Destroy(); }

  // Without those that the store had already.
  size_t num_made() const { return num_made_; }

 private:
  void Destroy();

  std::shared_ptr<const HostFunctionSet> set_;
  std::byte* bytes_ = nullptr;
  // So many, from the first on, have been looked at, and so many of them made.
  size_t num_placed_ = 0;
  size_t num_made_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_HOST_FUNCTIONS_H_
