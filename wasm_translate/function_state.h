// The state of validating one function: operand types, open frames, locals, position. A
// visitor reads it; FunctionValidator (function_validator.h) drives it.
#ifndef GANTRY_WASM_TRANSLATE_FUNCTION_STATE_H_
#define GANTRY_WASM_TRANSLATE_FUNCTION_STATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/binary_types.h"
#include "wasm_translate/features.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/module.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/types.h"
#include "wasm_translate/visitor.h"

namespace gantry::wasm {

class FunctionState {
 public:
  FunctionState(const FunctionState&) = delete;
  FunctionState& operator=(const FunctionState&) = delete;

  const Module& module() const { return module_; }
  // Of the function at hand, which is none in a constant expression.
  FuncIndex func() const { return func_; }
  absl::Span<const ValType> params() const {
    return absl::MakeConstSpan(locals_).first(num_params_);
  }
  // Parameters first.
  absl::Span<const ValType> locals() const { return locals_; }
  absl::Span<const ValType> results() const { return frames_[0].results(); }

  // Module offset of the operator at hand, and of the one after it.
  uint64_t offset() const { return reader_.OffsetOf(operator_); }
  uint64_t next_offset() const { return reader_.offset(); }

  // Whether the operator after the one at hand is `unreachable`.
  bool precedes_unreachable() const { return !reader_.done() && *reader_.position() == 0; }
  // The bytes behind the operator at hand, not validated yet.
  absl::Span<const uint8_t> upcoming() const { return {reader_.position(), reader_.remaining()}; }

  size_t operand_height() const { return static_cast<size_t>(top_ - operands_.get()); }
  // The type of an operand, 0 the topmost. In live code never the bottom type.
  ValType operand(size_t depth) const {
    DCHECK_LT(depth, operand_height());
    return top_[-1 - static_cast<ptrdiff_t>(depth)];
  }

  // How many frames are open, the function's own included.
  size_t num_frames() const { return num_frames_; }
  // 0 is the innermost.
  const ControlFrame& frame(size_t depth) const {
    DCHECK_LT(depth, num_frames_);
    return frames_[num_frames_ - 1 - depth];
  }

 protected:
  FunctionState(const Module& module, Features features, const ValidatorLimits& limits);
  ~FunctionState() = default;

  // Prepares for one body or expression.
  void Reset(FuncIndex func, absl::Span<const uint8_t> bytes, uint64_t offset);
  // Parameters are the first locals; the declarations of others are read one run at a time.
  bool AddParams(absl::Span<const ValType> types);
  bool AddLocals(uint64_t count, ValType type);

  // Errors. All return false, so that a check ends with `return Fail(...)`.
  ABSL_ATTRIBUTE_COLD bool Fail(absl::string_view message) {
    return reader_.Fail(offset(), message);
  }
  ABSL_ATTRIBUTE_COLD bool FailIndex(absl::string_view what, uint64_t index);
  ABSL_ATTRIBUTE_COLD bool FailImmutable(GlobalIndex global);
  ABSL_ATTRIBUTE_COLD bool FailFeature(Opcode op);
  ABSL_ATTRIBUTE_COLD bool FailOpcode(uint32_t prefix, uint32_t code);

  // The operand stack.
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool Push(ValType type) {
    if (ABSL_PREDICT_FALSE(top_ == limit_) && !Grow(1)) return false;
    *top_++ = type;
    return true;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool Pop(ValType expected) {
    if (ABSL_PREDICT_TRUE(top_ > floor_ && top_[-1] == expected)) {
      --top_;
      return true;
    }
    return PopSlow(expected);
  }
  bool PopAny(ValType* type);
  // A reference of any type, or the bottom type.
  bool PopRef(ValType* type);
  bool PopAll(absl::Span<const ValType> types);
  bool PushAll(absl::Span<const ValType> types);
  // As popping and pushing again, with the types left as they are.
  bool CheckTop(absl::Span<const ValType> types);
  bool PopSlow(ValType expected);
  // Whether whatever is popped from here on is of unknown type, being below the operands of
  // unreachable code: a list of types then matches, however long.
  bool OnlyUnknown() const { return top_ == floor_ && frames_[num_frames_ - 1].unreachable; }
  ABSL_ATTRIBUTE_NOINLINE bool Grow(size_t count);
  void MakeUnreachable() {
    top_ = floor_;
    frames_[num_frames_ - 1].unreachable = true;
    frames_[num_frames_ - 1].live = false;
  }

  // Frames.
  ControlFrame& innermost() { return frames_[num_frames_ - 1]; }
  // The frame to be opened next, made new; its type is to be set. In place, for a copy
  // would read in wide loads what narrow stores have just written.
  ControlFrame& NextFrame() {
    if (ABSL_PREDICT_FALSE(num_frames_ == frames_.size())) frames_.emplace_back();
    return frames_[num_frames_] = ControlFrame();
  }
  bool ReadBlockType(ControlFrame* frame);
  // Opens NextFrame where its parameters would be pushed.
  void PushFrame(FrameKind kind);
  // Checks the results and closes the frame, whose contents stay where they are until the
  // next one is opened. The results are not pushed.
  bool PopFrame();
  // Marks a branch from the current position.
  void Branch(uint32_t depth) {
    ControlFrame& target = frames_[num_frames_ - 1 - depth];
    if (!innermost().live) return;
    target.branched_to = true;
    if (target.kind != FrameKind::kLoop) target.end_live = true;
  }
  bool ReadLabel(uint32_t* depth);
  // Into br_depths_, checked but for the index operand.
  bool ReadLabelTable();
  bool ReadCatches();

  // Immediates and the checks on them.
  bool ReadMemory(MemoryIndex* memory);
  bool ReadMemArg(uint32_t natural_align, bool must_be_natural, MemArg* arg);
  bool ReadTable(TableIndex* table);
  bool ReadFunc(FuncIndex* func);
  bool ReadGlobal(GlobalIndex* global);
  bool ReadFuncType(TypeIndex* type);
  // ReadFunc, and its type.
  bool ReadCallee(FuncIndex* func, const FuncType** type);
  bool ReadTag(TagIndex* tag);
  bool ReadData(DataIndex* data);
  bool ReadElem(ElemIndex* elem);
  // The segment comes first, and is checked last.
  bool ReadDataMemory(DataIndex* data, MemoryIndex* memory);
  bool ReadElemTable(ElemIndex* elem, TableIndex* table);
  bool CheckData(DataIndex data);
  bool CheckElem(ElemIndex elem);
  // call_indirect's, up to the index operand.
  bool ReadTypeTable(TypeIndex* type, TableIndex* table);

  // Operands of whole operators.
  bool CheckCall(const FuncType& type) { return PopAll(type.params()) && PushAll(type.results()); }
  bool CheckReturnCall(const FuncType& type);
  // One row of the table: everything of class kSimple, kLane and kMemory but the
  // immediates. `address` is the address type, for kMemory.
  bool CheckSignature(const OperatorInfo& info, ValType address);
  // Whether a value of type `sub` may stand where `super` is asked for.
  bool Matches(ValType sub, ValType super) const;
  bool MatchesAll(absl::Span<const ValType> subs, absl::Span<const ValType> supers) const;
  // The type that ref.func pushes.
  ValType RefFuncType(FuncIndex func) const;
  bool CheckSelect();
  bool CheckSelectTyped(ValType* type);
  // To be called only where has_unset_locals_.
  void SetLocal(LocalIndex local);
  bool CheckUnset(LocalIndex local);
  bool CheckTableCopy(TableIndex destination, TableIndex source);
  bool CheckTableInit(ElemIndex elem, TableIndex table);
  bool CheckMemoryCopy(MemoryIndex destination, MemoryIndex source);
  bool CheckMemoryInit(MemoryIndex memory);
  bool CheckBrOnNull(uint32_t depth);
  bool CheckBrOnNonNull(uint32_t depth);
  bool CheckDefaultable(TypeIndex index, const StructType& type);
  // Reads the immediates too.
  bool CheckGc(Opcode op, GcImmediates* immediates);

  ValType AddressType(MemoryIndex memory) const {
    return ToValType(module_.memories[memory].index_type);
  }
  ValType AddressType(TableIndex table) const {
    return ToValType(module_.tables[table].index_type);
  }
  TypeContext type_context() const {
    return {features_, static_cast<uint32_t>(module_.types.size())};
  }

  const Module& module_;
  const Features features_;
  const ValidatorLimits& limits_;

  BinaryReader reader_;
  // Where the operator at hand begins.
  const uint8_t* operator_ = nullptr;
  FuncIndex func_;

  // top_ is one past the topmost operand, floor_ where the innermost frame's begin.
  std::unique_ptr<ValType[]> operands_;
  ValType* top_ = nullptr;
  ValType* floor_ = nullptr;
  ValType* limit_ = nullptr;

  std::vector<ControlFrame> frames_;
  size_t num_frames_ = 0;

  std::vector<ValType> locals_;
  size_t num_params_ = 0;
  // Whether there is a memory 0, with addresses of type i32.
  bool has_plain_memory_ = false;

  // Only where some local has no default: which are set, and in which order they were.
  bool has_unset_locals_ = false;
  std::vector<bool> local_is_set_;
  std::vector<uint32_t> set_locals_;

  // The struct types of the module whose fields are known to have defaults: many operators
  // may ask of one with many fields.
  std::vector<bool> defaultable_structs_;

  std::vector<uint32_t> br_depths_;
  std::vector<CatchClause> catches_;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_FUNCTION_STATE_H_
