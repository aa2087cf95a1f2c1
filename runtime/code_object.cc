#include "runtime/code_object.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::runtime {
namespace {

using environ::FuncKey;
using environ::FunctionRecord;

// All code of the process, as an array by address that writers replace to add some. A reader
// announces itself before it takes the array; a writer frees retired arrays only when it has
// seen no reader since the last one was retired. Code that goes is taken out of the array in
// place, which cannot fail; its range is left out of the next one.
class Registry {
 public:
  struct Range {
    uintptr_t start;
    uintptr_t end;
    // Null once the code has gone.
    std::atomic<const CodeObject*> code;

    Range(uintptr_t s, uintptr_t e, const CodeObject* c) : start(s), end(e), code(c) {}
    Range(const Range& other)
        : start(other.start), end(other.end), code(other.code.load(std::memory_order_relaxed)) {}
  };
  using Snapshot = std::vector<Range>;

  void Add(const Range& range) {
    std::lock_guard<std::mutex> lock(mutex_);
    Snapshot* old = current_.load(std::memory_order_relaxed);
    auto next = std::make_unique<Snapshot>();
    next->reserve((old == nullptr ? 0 : old->size()) + 1);
    bool placed = false;
    if (old != nullptr) {
      for (const Range& other : *old) {
        if (other.code.load(std::memory_order_relaxed) == nullptr) continue;
        if (!placed && range.start < other.start) {
          next->push_back(range);
          placed = true;
        }
        next->push_back(other);
      }
    }
    if (!placed) next->push_back(range);
    Publish(std::move(next));
  }

  void Remove(const CodeObject* code) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (Range& range : *current_.load(std::memory_order_relaxed)) {
      if (range.code.load(std::memory_order_relaxed) == code) {
        range.code.store(nullptr, std::memory_order_release);
      }
    }
  }

  const CodeObject* Find(uintptr_t pc) {
    readers_.fetch_add(1, std::memory_order_seq_cst);
    const Snapshot* snapshot = current_.load(std::memory_order_seq_cst);
    const CodeObject* found = nullptr;
    if (snapshot != nullptr) {
      const auto after =
          std::upper_bound(snapshot->begin(), snapshot->end(), pc,
                           [](uintptr_t value, const Range& range) { return value < range.start; });
      if (after != snapshot->begin() && pc < (after - 1)->end) {
        found = (after - 1)->code.load(std::memory_order_acquire);
      }
    }
    readers_.fetch_sub(1, std::memory_order_seq_cst);
    return found;
  }

 private:
  void Publish(std::unique_ptr<Snapshot> next) {
    retired_.reserve(retired_.size() + 1);
    Snapshot* old = current_.exchange(next.release(), std::memory_order_seq_cst);
    if (old != nullptr) retired_.emplace_back(old);
    if (readers_.load(std::memory_order_seq_cst) == 0) retired_.clear();
  }

  std::mutex mutex_;
  std::atomic<Snapshot*> current_{nullptr};
  std::atomic<uint64_t> readers_{0};
  std::vector<std::unique_ptr<const Snapshot>> retired_;
};

Registry& GlobalRegistry() {
  // Lives to the end of the process: a signal can come after static destructors have run.
  static Registry* registry = new Registry();
  return *registry;
}

// Made before any signal handler can ask, so that Find never runs a static initialiser there.
[[maybe_unused]] Registry& registry_made_early = GlobalRegistry();

absl::Status CheckParts(const CodeObject::Parts& parts) {
  if (!parts.tables_are_checked) RETURN_IF_ERROR(parts.tables.Validate(parts.text.size()));
  if (parts.data.size() != parts.modules.size()) {
    return absl::InvalidArgumentError("the artifact has not one data section for each module");
  }
  for (size_t i = 0; i < parts.modules.size(); ++i) {
    const uint64_t size = parts.data[i].size();
    for (const environ::DataSegment& segment : parts.modules[i].data_segments) {
      if (segment.data_offset > size || segment.data_length > size - segment.data_offset) {
        return absl::InvalidArgumentError(
            absl::StrCat("a data segment of module ", i, " lies outside of the data"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const CodeObject>> CodeObject::Create(Parts parts) {
  RETURN_IF_ERROR(CheckParts(parts));
  std::shared_ptr<CodeObject> code(new CodeObject(std::move(parts)));
  if (!code->text().empty()) {
    GlobalRegistry().Add({code->start(), code->start() + code->text().size(), code.get()});
    code->registered_ = true;
  }
  return std::shared_ptr<const CodeObject>(std::move(code));
}

CodeObject::~CodeObject() {
  if (registered_) GlobalRegistry().Remove(this);
}

environ::ModuleDebug CodeObject::debug(environ::ModuleId id) const {
  if (parts_.base != nullptr) return parts_.base->debug(id);
  if (id.index() >= parts_.debug.size()) return environ::ModuleDebug();
  return environ::DecodeModuleDebug(parts_.debug[id.index()]);
}

std::optional<environ::SourcePosition> CodeObject::FindSource(environ::ModuleId id,
                                                              uint32_t module_offset) const {
  if (parts_.base != nullptr) return parts_.base->FindSource(id, module_offset);
  const environ::ModuleDebug debug = this->debug(id);
  if (debug.lines().line.empty() || module_offset < debug.code_offset()) return std::nullopt;
  const environ::DwarfLines* lines = nullptr;
  {
    std::lock_guard<std::mutex> lock(lines_mutex_);
    if (lines_.size() <= id.index()) lines_.resize(id.index() + 1);
    std::unique_ptr<environ::DwarfLines>& slot = lines_[id.index()];
    if (slot == nullptr) slot = std::make_unique<environ::DwarfLines>(debug.lines());
    lines = slot.get();
  }
  return lines->Find(module_offset - debug.code_offset());
}

const void* CodeObject::FunctionByKey(const FuncKey& key) const {
  const FunctionRecord* found = parts_.tables.FindKey(key);
  if (found == nullptr) return nullptr;
  return parts_.text.data() + found->offset;
}

const FunctionRecord* CodeObject::FindFunction(uintptr_t pc) const {
  if (!Contains(pc)) return nullptr;
  return parts_.tables.FindFunction(static_cast<uint32_t>(pc - start()));
}

std::optional<uint8_t> CodeObject::FindTrap(uintptr_t pc) const {
  if (!Contains(pc)) return std::nullopt;
  return parts_.tables.FindTrap(static_cast<uint32_t>(pc - start()));
}

uint32_t CodeObject::FindRefund(uintptr_t pc) const {
  return Contains(pc) ? parts_.tables.FindRefund(TextOffset(pc)) : 0;
}

uintptr_t CodeObject::FindPoll(uintptr_t pc) const {
  if (!Contains(pc)) return 0;
  const std::optional<uint32_t> poll = parts_.tables.FindPoll(TextOffset(pc));
  return poll ? start() + *poll : 0;
}

std::optional<uint32_t> CodeObject::FindWasmOffset(uintptr_t pc) const {
  if (!Contains(pc)) return std::nullopt;
  return parts_.tables.FindWasmOffset(static_cast<uint32_t>(pc - start()));
}

std::optional<uint32_t> CodeObject::FindInlineSite(uintptr_t pc) const {
  if (!Contains(pc)) return std::nullopt;
  return parts_.tables.FindInlineSite(static_cast<uint32_t>(pc - start()));
}

std::optional<absl::Span<const uint32_t>> CodeObject::FindStackMap(uintptr_t return_pc) const {
  // A call can be the last instruction of the text.
  if (return_pc - start() > parts_.text.size()) return std::nullopt;
  return parts_.tables.FindStackMap(static_cast<uint32_t>(return_pc - start()));
}

const CodeObject* CodeObject::Find(uintptr_t pc) { return GlobalRegistry().Find(pc); }

}  // namespace gantry::runtime
