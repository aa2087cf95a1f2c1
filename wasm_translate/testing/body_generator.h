// One function body: operators chosen at random along the types of the operand stack.
//
// The loop in Run takes steps. A step chooses an operator, lets Need put what it lacks of
// its operands on the stack, writes it, and moves the types (Take, Push) as its typing rule
// says. Open frames lie on a stack of their own; closing one makes its results (Settle).
// The state is that of the specification's validation algorithm, kept here a second time.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_BODY_GENERATOR_H_
#define GANTRY_WASM_TRANSLATE_TESTING_BODY_GENERATOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/testing/generator_context.h"
#include "wasm_translate/visitor.h"

namespace gantry::wasm::testing {

// The operators that the features allow, by what a step does with them.
struct OperatorLists {
  explicit OperatorLists(Features features);

  std::vector<Opcode> numeric;  // of fixed type, on numbers
  std::vector<Opcode> vector;   // of fixed type and lanes, on vectors
  std::vector<Opcode> memory;   // loads and stores, of vectors too
  std::vector<Opcode> atomic;   // the fence included
  std::vector<Opcode> aggregate;
  // The numeric ones by type of their result.
  std::vector<Opcode> by_result[4];
};

class BodyGenerator {
 public:
  BodyGenerator(GeneratorContext& context, const OperatorLists& operators, FuncIndex func);

  BodyDraft Run();

 private:
  struct Frame {
    FrameKind kind = FrameKind::kBlock;
    std::vector<ValType> params;
    std::vector<ValType> results;
    size_t height = 0;
    bool unreachable = false;
    size_t num_set = 0;  // of set_locals_ when it opened
    // Of a loop that counts down.
    std::optional<uint32_t> counter;

    absl::Span<const ValType> label_types() const {
      return kind == FrameKind::kLoop ? params : results;
    }
  };
  struct Local {
    ValType type;
    bool is_set = true;
    // A counter of a loop: only that loop changes it.
    bool reserved = false;
  };
  using FramePredicate = std::function<bool(const Frame&)>;

  // body_generator.cc: the loop, frames, writing.
  void Step();
  void OpenFrame(FrameKind kind, absl::Span<const ValType> params,
                 absl::Span<const ValType> results);
  void CloseFrame();
  // Makes the innermost frame's operands its results.
  void Settle();
  void MakeUnreachable();
  Frame& innermost() { return frames_.back(); }
  const Frame& frame(size_t depth) const { return frames_[frames_.size() - 1 - depth]; }
  uint32_t AddLocal(ValType type);
  void MarkSet(uint32_t local);
  void ForgetSets(const Frame& frame);
  void Op(Opcode op) { code_.Op(op); }
  void Op(Opcode op, std::initializer_list<uint64_t> immediates);

  // body_operands.cc: the operand stack.
  size_t available() const { return stack_.size() - frames_.back().height; }
  void Push(ValType type) { stack_.push_back(type); }
  void PushAll(absl::Span<const ValType> types);
  // The topmost operand, bottom where the stack is polymorphic.
  ValType Pop();
  void Take(size_t count);
  bool TopIs(ValType type) const;
  // Whether operands of these types, perhaps polymorphic ones, lie below `skip` others.
  bool TopMatches(absl::Span<const ValType> types, size_t skip = 0) const;
  // Afterwards the topmost operands match the types.
  void Need(absl::Span<const ValType> types);
  void Need(std::initializer_list<ValType> types) {
    Need(absl::MakeConstSpan(types.begin(), types.size()));
  }
  // Pushes a value of a type. Nothing that lies on the stack is touched.
  void Produce(ValType type, int depth = 2);
  void ProduceConstant(ValType type);
  void ProduceInteger(IndexType type, uint64_t value);
  bool ProduceLocal(ValType type);
  bool ProduceGlobal(ValType type);
  bool ProduceExpression(ValType type, int depth);
  void ProduceReference(ValType type, int depth);
  bool ProduceNull(ValType type);
  bool ProduceFunction(ValType type);
  bool ProduceAggregate(ValType type, int depth);
  bool ProduceConverted(ValType type, int depth);
  // Consumes the topmost operand somehow.
  void Sink();
  // Puts the topmost operand into a local; nothing where it cannot be put into one.
  std::optional<uint32_t> Stash();
  // Pushes a number from 0 to `limit`, a multiple of `multiple`, which is a power of two.
  // Where `take` says so it may be made of the topmost operand.
  void ProduceBounded(IndexType type, uint64_t limit, uint64_t multiple, bool take);
  // Whether bounds, nulls and zeroes are to be kept clear of.
  bool Careful();

  // body_numeric.cc.
  bool StepConstant();
  bool StepVariable();
  bool StepNumeric();
  bool StepVector();
  bool StepParametric();
  void Simple(Opcode op);
  bool CarefulDivision(Opcode op);
  bool CarefulTruncation(Opcode op);
  static bool MayTrap(Opcode op);
  void CanonicalizeNan(Opcode op);

  // body_control.cc.
  bool StepControl();
  bool StepCall();
  bool Block(Opcode op);
  void CloseCountedLoop();
  bool Else();
  bool TryTable();
  std::vector<CatchClause> SomeCatches();
  bool Throw();
  bool Branch(Opcode op);
  bool BranchTable();
  bool BranchOnNull();
  bool BranchOnNonNull();
  bool BranchOnCast(Opcode op);
  void Hint();
  // The type of a block: written as shortly as can be. Kinds other than a function type
  // have no parameters.
  struct BlockType {
    std::vector<ValType> params;
    std::vector<ValType> results;
    std::optional<TypeIndex> index;
  };
  BlockType SomeBlockType();
  // For these results and no parameters; none where no type of the module says so.
  std::optional<BlockType> BlockTypeFor(absl::Span<const ValType> results);
  void WriteBlockType(const BlockType& type);
  // Depths of labels.
  std::vector<uint32_t> LabelsWhere(const FramePredicate& predicate) const;
  std::optional<uint32_t> SomeLabel();
  bool Call(Opcode op);
  bool CallIndirect(Opcode op);
  bool CallRef(Opcode op);
  void FinishCall(Opcode op, const FuncType& type, size_t more_operands);

  // body_memory.cc.
  bool StepMemory();
  bool StepAtomic();
  bool StepTable();
  bool Access(Opcode op);
  bool MemoryBulk();
  std::optional<MemoryIndex> SomeMemory();
  std::optional<TableIndex> SomeTable();
  uint64_t BytesOf(MemoryIndex memory) const;
  IndexType IndexTypeOf(MemoryIndex memory) const;
  IndexType IndexTypeOf(TableIndex table) const;
  // Offset, and where bounded the address is on the stack.
  struct Address {
    uint64_t offset = 0;
    bool bounded = false;
  };
  std::optional<Address> SomeAddress(MemoryIndex memory, uint64_t width, bool aligned);
  // An index below `size` on the stack, or whatever comes; false where there can be none.
  bool ProduceIndex(IndexType type, uint64_t size);

  // body_references.cc.
  bool StepReference();
  bool StepAggregate();
  bool StructOperator(Opcode op);
  bool ArrayOperator(Opcode op);
  bool ArraySegment(Opcode op, TypeIndex index);
  void Cast(Opcode op);
  bool Convert(Opcode op);
  // The operand type of an access to an object, and of an index or length.
  ValType ObjectType(TypeIndex index);
  void ProduceSmall();

  GeneratorContext& context_;
  ByteSource& source_;
  const GeneratorOptions& options_;
  Module& module_;
  ModuleDraft& draft_;
  const OperatorLists& operators_;
  const FuncIndex func_;

  ByteWriter code_;
  std::vector<BranchHint> hints_;  // offsets in code_
  std::vector<ValType> stack_;
  std::vector<Frame> frames_;
  std::vector<Local> locals_;
  size_t num_params_ = 0;
  std::vector<uint32_t> set_locals_;
  // For f32, f64 and v128: where a value waits while it is compared with itself.
  std::optional<uint32_t> nan_locals_[3];
};

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_BODY_GENERATOR_H_
