// Store::MakeCoredump. Tested by api/debugging_test.cc.
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/coredump.h"
#include "runtime/instance.h"
#include "runtime/stack_walk.h"
#include "runtime/store.h"

namespace gantry::runtime {
namespace {

// Positions of objects in the dump, each of which is there once.
class Collector {
 public:
  explicit Collector(Coredump& dump) : dump_(dump) {}

  void Add(Instance& instance) {
    const Module& module = instance.module();
    const environ::ModuleInfo& info = module.info();
    const auto [module_index, new_module] = modules_.emplace(&info, dump_.modules.size());
    if (new_module) {
      dump_.modules.push_back(info.name);
      instances_.emplace(&info, dump_.instances.size());
    }
    Coredump::Instance out;
    out.module = static_cast<uint32_t>(module_index->second);
    for (uint32_t i = 0; i < info.memories.size(); ++i) {
      out.memories.push_back(Add(instance.memory(wasm::MemoryIndex(i))));
    }
    for (uint32_t i = 0; i < info.globals.size(); ++i) {
      out.globals.push_back(Add(instance.global(wasm::GlobalIndex(i))));
    }
    dump_.instances.push_back(std::move(out));
  }

  void AddFrames(uintptr_t address) {
    VisitWasmFrames(address, [this](const WasmFrame& frame) {
      const auto instance = instances_.find(frame.module);
      if (instance == instances_.end()) return;
      Coredump::Frame out;
      out.instance = static_cast<uint32_t>(instance->second);
      out.function = frame.function.raw();
      if (frame.module_offset && !frame.module->IsImported(frame.function)) {
        const std::optional<uint32_t> body =
            frame.code->debug(frame.module_id)
                .BodyOffset(frame.module->Defined(frame.function).raw());
        if (body && *body <= *frame.module_offset) out.code_offset = *frame.module_offset - *body;
      }
      dump_.frames.push_back(out);
    });
  }

 private:
  uint32_t Add(const Memory& memory) {
    const auto [place, is_new] = memories_.emplace(memory.definition(), dump_.memories.size());
    if (is_new) {
      Coredump::Memory out;
      out.type = memory.CurrentType();
      out.shared = memory.shared() != nullptr;
      out.bytes = absl::MakeConstSpan(memory.definition()->base, memory.bytes());
      dump_.memories.push_back(out);
    }
    return static_cast<uint32_t>(place->second);
  }
  uint32_t Add(const Global& global) {
    const auto [place, is_new] = globals_.emplace(global.definition(), dump_.globals.size());
    if (is_new) dump_.globals.push_back({global.type().content, global.Get()});
    return static_cast<uint32_t>(place->second);
  }

  Coredump& dump_;
  std::unordered_map<const void*, size_t> modules_, memories_, globals_;
  // The first instance of each module.
  std::unordered_map<const void*, size_t> instances_;
};

}  // namespace

std::string Store::MakeCoredump() const {
  Coredump dump;
  Collector collector(dump);
  for (const auto& instance : instances_) collector.Add(*instance);
  if (!dump.modules.empty()) dump.process = dump.modules.front();
  for (const uintptr_t address : backtrace_.addresses()) collector.AddFrames(address);
  // The guests that called the one which stopped, by way of the host.
  const BoundaryRegisters* registers = &context_.last;
  for (const Activation* activation = innermost_; activation != nullptr;
       activation = activation->outer_in_store) {
    WalkFromExit(*registers,
                 [&](const StackFrame& frame) { collector.AddFrames(frame.InstructionAddress()); });
    registers = &activation->outer;
  }
  return EncodeCoredump(dump);
}

}  // namespace gantry::runtime
