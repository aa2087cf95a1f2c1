#include "environ/core/preset_tables.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace gantry::environ {
namespace {

// A preset may have so many elements more than eight times those of its segments: far offsets are
// not to make artifacts large.
constexpr uint64_t kFreeElements = 65536;

std::optional<uint64_t> ConstantOf(const ConstExpr& expression) {
  if (expression.ops().size() != 1) return std::nullopt;
  const ConstOp& op = expression.ops()[0];
  if (op.kind != ConstOp::Kind::kI32Const && op.kind != ConstOp::Kind::kI64Const) {
    return std::nullopt;
  }
  return op.value[0];
}

// The functions that a segment names, none for null; nothing where it has other expressions.
std::optional<std::vector<wasm::FuncIndex>> FunctionsOf(const ElemSegment& segment) {
  if (segment.expressions.empty()) return segment.functions;
  std::vector<wasm::FuncIndex> functions;
  functions.reserve(segment.expressions.size());
  for (const ConstExpr& expression : segment.expressions) {
    if (expression.ops().size() != 1) return std::nullopt;
    const ConstOp& op = expression.ops()[0];
    if (op.kind == ConstOp::Kind::kRefFunc) {
      functions.push_back(wasm::FuncIndex(static_cast<uint32_t>(op.value[0])));
    } else if (op.kind == ConstOp::Kind::kRefNull) {
      functions.push_back(wasm::FuncIndex::None());
    } else {
      return std::nullopt;
    }
  }
  return functions;
}

bool StartsAsNull(const ModuleInfo& info, wasm::DefinedTableIndex table) {
  const ConstExpr& init = info.table_inits[table];
  return init.empty() || (init.ops().size() == 1 && init.ops()[0].kind == ConstOp::Kind::kRefNull);
}

bool HoldsFunctions(const ModuleInfo& info, const wasm::TableType& type) {
  const wasm::HeapType heap = type.element.heap_type();
  return heap.is_concrete() ? info.types[heap.index()].is_func()
                            : wasm::TopOfHierarchy(heap) == wasm::AbstractHeapType::kFunc;
}

class Presetter {
 public:
  explicit Presetter(ModuleInfo& info) : info_(info) {}

  void Run() {
    for (size_t i = info_.num_imported_tables; i < info_.tables.size(); ++i) {
      info_.preset_tables.Push({});
    }
    for (ElemSegment& segment : info_.elem_segments) {
      if (segment.mode == SegmentMode::kActive && !Take(segment)) return;
    }
  }

 private:
  bool Take(ElemSegment& segment) {
    if (info_.IsImported(segment.table)) return false;
    const wasm::TableType& type = info_.tables[segment.table];
    const wasm::DefinedTableIndex table = info_.Defined(segment.table);
    const std::optional<uint64_t> offset = ConstantOf(segment.offset);
    if (type.shared || !StartsAsNull(info_, table) || !offset.has_value() ||
        *offset > type.limits.min || segment.size() > type.limits.min - *offset) {
      return false;
    }
    std::optional<std::vector<wasm::FuncIndex>> functions = FunctionsOf(segment);
    if (!functions.has_value()) return false;
    // Other tables can only be given the nulls that they start with.
    if (!HoldsFunctions(info_, type)) functions->clear();
    std::vector<wasm::FuncIndex>& preset = info_.preset_tables[table];
    const uint64_t end = functions->empty() ? 0 : *offset + functions->size();
    const uint64_t size = std::max<uint64_t>(preset.size(), end);
    taken_ += functions->size();
    allocated_ += size - preset.size();
    if (allocated_ > kFreeElements + 8 * taken_) return false;
    preset.resize(size, wasm::FuncIndex::None());
    if (end > 0) std::copy(functions->begin(), functions->end(), preset.begin() + *offset);
    segment.mode = SegmentMode::kPreset;
    segment.functions = {};
    segment.expressions = {};
    return true;
  }

  ModuleInfo& info_;
  uint64_t taken_ = 0;
  uint64_t allocated_ = 0;
};

}  // namespace

void PresetTables(ModuleInfo& info) { Presetter(info).Run(); }

}  // namespace gantry::environ
