// What rides along with validation: a visitor is told of each operator once it has been
// found valid, so that a translator or a baseline compiler decodes and checks nothing
// itself and keeps no type stack of its own.
//
//   class Printer : public VisitorBase<Printer> {
//    public:
//     void OnSimple(Opcode op) { out_ << op << "\n"; }
//     void OnUnsupported(Opcode op) { out_ << "(" << op << ")\n"; }
//   };
//   FunctionValidator<Printer> validator(module, features, limits);   // reused
//   RETURN_IF_ERROR(validator.Run(body, printer));
//
// THE CONTRACT
//
// Order. OnBegin once, OnLocals for each declared run of locals, OnCode once, then the
// operators in order, and OnEnd for the frame of the function itself last. When a callback
// runs, FunctionState shows the operand stack after the operator: operands popped, results
// pushed. A reference or span handed to a callback is good until it returns.
//
// Live code only. A callback is made only for an operator that control can reach: code
// after an unconditional branch, and code after a block whose end nothing reaches, is
// validated but not shown. So the operands a callback finds always exist and have exact
// types, and a visitor that pushes and pops as the operators do has the same stack heights
// as FunctionState.
//
// Frames. OnBlock, OnLoop, OnIf and OnTryTable open a frame; for each one opened, OnEnd
// follows (for OnIf perhaps OnElse between), also where the code before it is dead: the flag
// `fallthrough` says whether control comes from the operator before. Frames opened in dead
// code are not shown at all. Since live code lies only in shown frames, a visitor's own
// control stack, pushed in those four and popped in OnEnd, is indexed by depth just as
// FunctionState::frame is. The function's own frame is the outermost, of kind kFunction.
//   - At opening, the frame's parameters are the top frame.params().size() operands and lie
//     at height frame.height; for OnIf the condition has been popped from above them.
//   - At OnElse with fallthrough, the results lie on the stack at frame.height. Afterwards the
//     stack is frame.height plus the parameters again.
//   - At OnEnd with fallthrough, likewise. Afterwards, if frame.end_live, the stack is
//     frame.height plus the results and code goes on; else what follows is dead. An `if`
//     that ends without OnElse has kind kIf still (not kElse): its condition being false
//     leads to the end with the parameters as results.
//     (The frame handed over is closed by then: state.frame(0) is the one around it.)
//   - Where fallthrough is false, what lies above frame.height is left over: drop it.
// frame.end_live is final at OnEnd: it is set where a live branch goes to the label or control
// falls through (for a loop, whose label is its start, only the latter).
//
// Branches. A target is a depth: 0 is the innermost frame. state.frame(depth).label_types()
// are the values taken along, on top of the stack: still there in OnBr, OnBrIf, OnBrTable,
// OnReturn (whose values are the function's results), OnBrOnNull... as each says. A branch to
// the frame of kind kFunction is a return.
//
// Failing. A visitor that cannot go on (function too large, operator not supported)
// remembers why and from then on answers true from `failed()`; it gets no more callbacks,
// while validation goes on: Run returns whether the body is valid, and the visitor's owner
// asks the visitor for its own status.
//
// Positions. state.offset() is the module offset of the operator's first byte.
#ifndef GANTRY_WASM_TRANSLATE_VISITOR_H_
#define GANTRY_WASM_TRANSLATE_VISITOR_H_

#include <array>
#include <cstdint>

#include "absl/types/span.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

class FunctionState;

enum class FrameKind : uint8_t {
  kFunction,
  kBlock,
  kLoop,
  kIf,
  kElse,  // an `if` past its OnElse
  kTryTable,
};

// One open block, loop, if, try_table, or the function itself.
struct ControlFrame {
  FrameKind kind = FrameKind::kBlock;
  // Whether the operand stack is polymorphic (WebAssembly, "Validation Algorithm").
  bool unreachable = false;
  // Whether control can reach the current position in this frame, and the frame's start.
  bool live = true;
  bool start_live = true;
  // Whether control can reach what follows the frame's end, as far as is known so far.
  bool end_live = false;
  // Whether a live branch goes to the frame's label: for a loop, a back edge.
  bool branched_to = false;
  // Operands that lie below the frame's own, its parameters not counted.
  uint32_t height = 0;
  // How many locals without default had been set when the frame opened.
  uint32_t num_initialized = 0;

  absl::Span<const ValType> params() const { return {params_, num_params_}; }
  absl::Span<const ValType> results() const {
    return {results_ == nullptr ? &single_result_ : results_, num_results_};
  }
  // What a branch to this frame takes along.
  absl::Span<const ValType> label_types() const {
    return kind == FrameKind::kLoop ? params() : results();
  }

  // [] -> [], [] -> [type], and a function type, which has to stay where it is.
  void SetEmptyType() {}
  void SetResult(ValType type) {
    single_result_ = type;
    num_results_ = 1;
  }
  void SetType(const FuncType& type) {
    params_ = type.params().data();
    num_params_ = static_cast<uint32_t>(type.params().size());
    SetResults(type.results());
  }
  void SetResults(absl::Span<const ValType> results) {
    results_ = results.data();
    num_results_ = static_cast<uint32_t>(results.size());
  }

 private:
  uint32_t num_params_ = 0;
  uint32_t num_results_ = 0;
  ValType single_result_;
  const ValType* params_ = nullptr;
  // Null where the results are single_result_.
  const ValType* results_ = nullptr;
};

// Where a memory operator accesses: offset is below 2^32 where the memory's index type is i32.
struct MemArg {
  MemoryIndex memory;
  uint64_t offset = 0;
  uint32_t align_log2 = 0;
};

// A handler of a try_table.
struct CatchClause {
  enum class Kind : uint8_t { kCatch, kCatchRef, kCatchAll, kCatchAllRef };

  Kind kind = Kind::kCatch;
  TagIndex tag;  // none for the last two kinds
  // Of the label branched to, counted from outside the try_table.
  uint32_t depth = 0;
};

// The immediates of operators on structs, arrays and casts; which ones count depends on the
// operator (operators.def).
struct GcImmediates {
  TypeIndex type;
  TypeIndex other_type;  // array.copy: the source's
  FieldIndex field;
  uint32_t count = 0;  // array.new_fixed
  DataIndex data;
  ElemIndex elem;
  uint32_t depth = 0;  // br_on_cast, br_on_cast_fail
  ValType from;        // br_on_cast: before
  ValType to;          // casts and tests: the type asked for
};

// Every callback, each passing on to OnUnsupported. A visitor derives from this with itself
// as argument, defines OnUnsupported and hides what it handles. (No virtual call is made.)
template <typename Derived>
class VisitorBase {
 public:
  // True once the visitor has given up.
  bool failed() const { return false; }

  void OnBegin(const FunctionState&) {}
  void OnLocals(uint32_t /*count*/, ValType) {}
  void OnCode() {}

  // Operators without immediates and of fixed type: operators.def, GANTRY_OP_SIMPLE.
  void OnSimple(Opcode op) { Refuse(op); }

  void OnNop() {}
  void OnUnreachable() { Refuse(Opcode::kUnreachable); }
  void OnBlock(const ControlFrame&) { Refuse(Opcode::kBlock); }
  void OnLoop(const ControlFrame&) { Refuse(Opcode::kLoop); }
  void OnIf(const ControlFrame&) { Refuse(Opcode::kIf); }
  void OnElse(const ControlFrame&, bool /*fallthrough*/) {}
  void OnEnd(const ControlFrame&, bool /*fallthrough*/) {}
  void OnTryTable(const ControlFrame&, absl::Span<const CatchClause>) { Refuse(Opcode::kTryTable); }
  void OnThrow(TagIndex, const FuncType&) { Refuse(Opcode::kThrow); }
  void OnThrowRef() { Refuse(Opcode::kThrowRef); }

  void OnBr(uint32_t /*depth*/) { Refuse(Opcode::kBr); }
  // The condition has been popped; the values stay whether or not it is taken.
  void OnBrIf(uint32_t /*depth*/) { Refuse(Opcode::kBrIf); }
  // The index has been popped. The last depth is the default's; there is always one.
  void OnBrTable(absl::Span<const uint32_t> /*depths*/) { Refuse(Opcode::kBrTable); }
  // The results are the top operands.
  void OnReturn() { Refuse(Opcode::kReturn); }
  // The reference has been popped, and is pushed again (non-null) where not branching.
  void OnBrOnNull(uint32_t /*depth*/) { Refuse(Opcode::kBrOnNull); }
  // The reference has been popped; it is the last of the values taken along.
  void OnBrOnNonNull(uint32_t /*depth*/) { Refuse(Opcode::kBrOnNonNull); }

  void OnCall(FuncIndex, const FuncType&) { Refuse(Opcode::kCall); }
  void OnCallIndirect(TableIndex, TypeIndex, const FuncType&) { Refuse(Opcode::kCallIndirect); }
  void OnCallRef(TypeIndex, const FuncType&) { Refuse(Opcode::kCallRef); }
  void OnReturnCall(FuncIndex, const FuncType&) { Refuse(Opcode::kReturnCall); }
  void OnReturnCallIndirect(TableIndex, TypeIndex, const FuncType&) {
    Refuse(Opcode::kReturnCallIndirect);
  }
  void OnReturnCallRef(TypeIndex, const FuncType&) { Refuse(Opcode::kReturnCallRef); }

  void OnDrop(ValType) { Refuse(Opcode::kDrop); }
  // Both forms.
  void OnSelect(ValType) { Refuse(Opcode::kSelect); }
  void OnLocalGet(LocalIndex, ValType) { Refuse(Opcode::kLocalGet); }
  void OnLocalSet(LocalIndex, ValType) { Refuse(Opcode::kLocalSet); }
  void OnLocalTee(LocalIndex, ValType) { Refuse(Opcode::kLocalTee); }
  void OnGlobalGet(GlobalIndex, const GlobalType&) { Refuse(Opcode::kGlobalGet); }
  void OnGlobalSet(GlobalIndex, const GlobalType&) { Refuse(Opcode::kGlobalSet); }

  void OnI32Const(int32_t) { Refuse(Opcode::kI32Const); }
  void OnI64Const(int64_t) { Refuse(Opcode::kI64Const); }
  // The bits, so that no NaN changes on its way.
  void OnF32Const(uint32_t) { Refuse(Opcode::kF32Const); }
  void OnF64Const(uint64_t) { Refuse(Opcode::kF64Const); }
  // Little-endian, as in the module.
  void OnV128Const(const std::array<uint8_t, 16>&) { Refuse(Opcode::kV128Const); }

  // Loads push one value and have popped the address; stores have popped value and address.
  void OnLoad(Opcode op, const MemArg&) { Refuse(op); }
  void OnStore(Opcode op, const MemArg&) { Refuse(op); }
  void OnMemorySize(MemoryIndex) { Refuse(Opcode::kMemorySize); }
  void OnMemoryGrow(MemoryIndex) { Refuse(Opcode::kMemoryGrow); }
  void OnMemoryInit(DataIndex, MemoryIndex) { Refuse(Opcode::kMemoryInit); }
  void OnDataDrop(DataIndex) { Refuse(Opcode::kDataDrop); }
  void OnMemoryCopy(MemoryIndex /*destination*/, MemoryIndex /*source*/) {
    Refuse(Opcode::kMemoryCopy);
  }
  void OnMemoryFill(MemoryIndex) { Refuse(Opcode::kMemoryFill); }

  void OnTableGet(TableIndex, const TableType&) { Refuse(Opcode::kTableGet); }
  void OnTableSet(TableIndex, const TableType&) { Refuse(Opcode::kTableSet); }
  void OnTableSize(TableIndex) { Refuse(Opcode::kTableSize); }
  void OnTableGrow(TableIndex, const TableType&) { Refuse(Opcode::kTableGrow); }
  void OnTableFill(TableIndex, const TableType&) { Refuse(Opcode::kTableFill); }
  void OnTableCopy(TableIndex /*destination*/, TableIndex /*source*/) {
    Refuse(Opcode::kTableCopy);
  }
  void OnTableInit(ElemIndex, TableIndex) { Refuse(Opcode::kTableInit); }
  void OnElemDrop(ElemIndex) { Refuse(Opcode::kElemDrop); }

  // The nullable reference type pushed.
  void OnRefNull(ValType) { Refuse(Opcode::kRefNull); }
  // The type of the reference popped.
  void OnRefIsNull(ValType) { Refuse(Opcode::kRefIsNull); }
  void OnRefFunc(FuncIndex) { Refuse(Opcode::kRefFunc); }
  void OnRefAsNonNull(ValType) { Refuse(Opcode::kRefAsNonNull); }
  void OnRefEq() { Refuse(Opcode::kRefEq); }

  // Vectors: arithmetic comes by OnSimple, whole loads and stores by OnLoad and OnStore.
  void OnLane(Opcode op, uint8_t /*lane*/) { Refuse(op); }
  void OnShuffle(const std::array<uint8_t, 16>& /*lanes*/) { Refuse(Opcode::kI8x16Shuffle); }
  void OnLoadLane(Opcode op, const MemArg&, uint8_t /*lane*/) { Refuse(op); }
  void OnStoreLane(Opcode op, const MemArg&, uint8_t /*lane*/) { Refuse(op); }

  // Everything under the 0xFE prefix but the fence.
  void OnAtomic(Opcode op, const MemArg&) { Refuse(op); }
  void OnAtomicFence() { Refuse(Opcode::kAtomicFence); }

  // Everything under the 0xFB prefix.
  void OnGc(Opcode op, const GcImmediates&) { Refuse(op); }

 private:
  void Refuse(Opcode op) { static_cast<Derived*>(this)->OnUnsupported(op); }
};

// Validation alone: costs nothing.
class NoVisitor : public VisitorBase<NoVisitor> {
 public:
  void OnUnsupported(Opcode) {}
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_VISITOR_H_
