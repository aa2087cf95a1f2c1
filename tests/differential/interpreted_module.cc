#include "tests/differential/interpreted_module.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "environ/core/trap_code.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/translator.h"
#include "wasm_translate/translator_environment.h"

namespace gantry::testing {

using codegen::Inst;
using codegen::InstBuilder;
using codegen::MemFlags;
using codegen::Outcome;
using codegen::Type;
using codegen::Value;
using environ::TrapCode;
using wasm::CallKind;
using wasm::IndexType;
using wasm::ValType;

// What the module asks of its surroundings by calls. All arguments and results are i64.
enum class InterpretedModule::Host : uint32_t {
  kMemoryGrow,
  kMemoryFill,
  kMemoryCopy,
  kMemoryInit,
  kDataDrop,
  kAtomicWait,
  kAtomicNotify,
  kTableGet,
  kTableSet,
  kTableSize,
  kTableGrow,
  kTableFill,
  kTableCopy,
  kTableInit,
  kElemDrop,
  kCallee,  // of call_indirect: its address
};

namespace {

enum NameSpace : uint32_t { kWasmFunction = 0, kHostFunction = 1 };

constexpr codegen::TrapCode Code(TrapCode code) {
  return static_cast<codegen::TrapCode>(static_cast<uint8_t>(code));
}
Outcome Trapped(TrapCode code) { return Outcome::Trapped(Code(code)); }
Outcome Nothing() { return Outcome::Returned({}); }

bool IsFunctionType(const wasm::Module& module, ValType type) {
  const wasm::HeapType heap = type.heap_type();
  if (heap.is_concrete()) return module.types[heap.index()].is_func();
  return heap.Is(wasm::AbstractHeapType::kFunc) || heap.Is(wasm::AbstractHeapType::kNoFunc);
}

// Whether [start, start + length) lies in [0, size).
bool IsInside(uint64_t start, uint64_t length, uint64_t size) {
  return start <= size && length <= size - start;
}

}  // namespace

class InterpretedModule::Environment final : public wasm::FuncEnvironment {
 public:
  Environment(const wasm::Module& module, const wasm::TranslationChoices& choices,
              const wasm::OperatorCosts& costs)
      : module_(module), choices_(choices), costs_(costs) {}

  bool counts_operators() const override { return true; }
  void OnOperator(InstBuilder& b, wasm::Opcode op, uint32_t) override {
    if (costs_.of(op) != 0) b.FuelCharge(costs_.of(op));
  }

  wasm::TranslationChoices choices() const override { return choices_; }
  const wasm::TranslationTraps& traps() const override {
    static constexpr wasm::TranslationTraps kTraps = {
        .unreachable = Code(TrapCode::kUnreachable),
        .memory_out_of_bounds = Code(TrapCode::kMemoryOutOfBounds),
        .integer_overflow = Code(TrapCode::kIntegerOverflow),
        .integer_divide_by_zero = Code(TrapCode::kIntegerDivideByZero),
        .invalid_conversion_to_integer = Code(TrapCode::kInvalidConversionToInteger),
        .null_reference = Code(TrapCode::kNullReference),
        .unaligned_atomic = Code(TrapCode::kUnalignedAtomic),
    };
    return kTraps;
  }
  std::optional<Type> TypeOf(ValType type) const override {
    switch (type.kind()) {
      case ValType::Kind::kI32:
        return Type::kI32;
      case ValType::Kind::kI64:
        return Type::kI64;
      case ValType::Kind::kF32:
        return Type::kF32;
      case ValType::Kind::kF64:
        return Type::kF64;
      case ValType::Kind::kV128:
        return Type::kV128;
      case ValType::Kind::kRef:
        return IsTraced(type) ? Type::kI32 : Type::kI64;
      default:
        return std::nullopt;
    }
  }
  bool IsTraced(ValType type) const override { return !IsFunctionType(module_, type); }
  void MakeSignature(const wasm::FuncType& type, codegen::Signature& signature) override {
    signature.Clear();
    signature.params.push_back({Type::kI64, codegen::ArgPurpose::kVmctx});
    for (ValType param : type.params()) signature.params.push_back(*TypeOf(param));
    for (ValType result : type.results()) signature.returns.push_back(*TypeOf(result));
  }
  size_t num_leading_params() const override { return 1; }
  void Begin(InstBuilder& b) override { context_ = b.func().dfg.block_params(b.block())[0]; }

  wasm::HeapAccess AccessHeap(InstBuilder& b, wasm::MemoryIndex memory, uint64_t,
                              uint32_t) override {
    wasm::HeapAccess access;
    access.base = Field(b, Type::kI64, 2 * memory.raw());
    access.length = Field(b, Type::kI64, 2 * memory.raw() + 1);
    access.check_bounds = true;
    return access;
  }
  Value MemorySize(InstBuilder& b, wasm::MemoryIndex memory) override {
    const wasm::MemoryType& type = module_.memories[memory];
    const Value length = Field(b, Type::kI64, 2 * memory.raw() + 1);
    return Narrowed(b, b.Ushr(length, b.I64(type.page_size_log2)), type.index_type);
  }
  Value MemoryGrow(InstBuilder& b, wasm::MemoryIndex memory, Value delta) override {
    return Narrowed(b, Ask(b, Host::kMemoryGrow, {b.I64(memory.raw()), delta}),
                    module_.memories[memory].index_type);
  }
  void MemoryInit(InstBuilder& b, wasm::MemoryIndex memory, wasm::DataIndex data, Value destination,
                  Value source, Value length) override {
    Tell(b, Host::kMemoryInit,
         {b.I64(memory.raw()), b.I64(data.raw()), destination, source, length});
  }
  void MemoryCopy(InstBuilder& b, wasm::MemoryIndex to, wasm::MemoryIndex from, Value destination,
                  Value source, Value length) override {
    Tell(b, Host::kMemoryCopy, {b.I64(to.raw()), b.I64(from.raw()), destination, source, length});
  }
  void MemoryFill(InstBuilder& b, wasm::MemoryIndex memory, Value destination, Value value,
                  Value length) override {
    Tell(b, Host::kMemoryFill, {b.I64(memory.raw()), destination, value, length});
  }
  void DataDrop(InstBuilder& b, wasm::DataIndex data) override {
    Tell(b, Host::kDataDrop, {b.I64(data.raw())});
  }
  Value AtomicWait(InstBuilder& b, wasm::MemoryIndex memory, Value address, Value expected,
                   Value) override {
    const int64_t width = b.func().dfg.value_type(expected) == Type::kI32 ? 4 : 8;
    const Value result =
        Ask(b, Host::kAtomicWait, {b.I64(memory.raw()), b.I64(width), address, expected});
    return b.Ireduce(Type::kI32, result);
  }
  Value AtomicNotify(InstBuilder& b, wasm::MemoryIndex memory, Value address, Value) override {
    return b.Ireduce(Type::kI32, Ask(b, Host::kAtomicNotify, {b.I64(memory.raw()), address}));
  }

  Value GlobalGet(InstBuilder& b, wasm::GlobalIndex global) override {
    return Field(b, *TypeOf(module_.globals[global].content), GlobalField(global));
  }
  void GlobalSet(InstBuilder& b, wasm::GlobalIndex global, Value value) override {
    b.Store(MemFlags::Trusted(), value, context_, static_cast<int32_t>(8 * GlobalField(global)));
  }

  Value TableGet(InstBuilder& b, wasm::TableIndex table, Value index) override {
    const Value element = Ask(b, Host::kTableGet, {b.I64(table.raw()), index});
    return IsTraced(module_.tables[table].element) ? b.Ireduce(Type::kI32, element) : element;
  }
  void TableSet(InstBuilder& b, wasm::TableIndex table, Value index, Value value) override {
    Tell(b, Host::kTableSet, {b.I64(table.raw()), index, value});
  }
  Value TableSize(InstBuilder& b, wasm::TableIndex table) override {
    return Narrowed(b, Ask(b, Host::kTableSize, {b.I64(table.raw())}),
                    module_.tables[table].index_type);
  }
  Value TableGrow(InstBuilder& b, wasm::TableIndex table, Value value, Value delta) override {
    return Narrowed(b, Ask(b, Host::kTableGrow, {b.I64(table.raw()), value, delta}),
                    module_.tables[table].index_type);
  }
  void TableFill(InstBuilder& b, wasm::TableIndex table, Value destination, Value value,
                 Value length) override {
    Tell(b, Host::kTableFill, {b.I64(table.raw()), destination, value, length});
  }
  void TableCopy(InstBuilder& b, wasm::TableIndex to, wasm::TableIndex from, Value destination,
                 Value source, Value length) override {
    Tell(b, Host::kTableCopy, {b.I64(to.raw()), b.I64(from.raw()), destination, source, length});
  }
  void TableInit(InstBuilder& b, wasm::TableIndex table, wasm::ElemIndex elem, Value destination,
                 Value source, Value length) override {
    Tell(b, Host::kTableInit, {b.I64(table.raw()), b.I64(elem.raw()), destination, source, length});
  }
  void ElemDrop(InstBuilder& b, wasm::ElemIndex elem) override {
    Tell(b, Host::kElemDrop, {b.I64(elem.raw())});
  }

  Value RefNull(InstBuilder& b, ValType type) override { return b.Iconst(*TypeOf(type), 0); }
  Value RefIsNull(InstBuilder& b, ValType type, Value reference) override {
    return b.Icmp(codegen::IntCC::kEq, reference, b.Iconst(*TypeOf(type), 0));
  }
  Value RefFunc(InstBuilder& b, wasm::FuncIndex function) override {
    return b.FuncAddr(Callee(b, function));
  }
  Inst Call(InstBuilder& b, CallKind kind, wasm::FuncIndex callee,
            absl::Span<const Value> args) override {
    const codegen::FuncRef function = Callee(b, callee);
    const std::vector<Value>& all = WithContext(args);
    return kind == CallKind::kTail ? b.ReturnCall(function, all) : b.Call(function, all);
  }
  Inst CallIndirect(InstBuilder& b, CallKind kind, wasm::TableIndex table, wasm::TypeIndex type,
                    Value index, absl::Span<const Value> args) override {
    const Value address = Ask(b, Host::kCallee, {b.I64(table.raw()), b.I64(type.raw()), index});
    return CallCode(b, kind, type, address, args);
  }
  Inst CallRef(InstBuilder& b, CallKind kind, wasm::TypeIndex type, Value callee,
               absl::Span<const Value> args) override {
    b.Trapz(callee, Code(TrapCode::kNullFunctionReference));
    return CallCode(b, kind, type, callee, args);
  }

  codegen::FuncRef Callee(InstBuilder& b, wasm::FuncIndex function) {
    const codegen::ExternalName name = b.func().DeclareName(kWasmFunction, function.raw());
    return b.func().dfg.ImportFunction({name, SignatureOf(b, module_.functions[function])});
  }

 private:
  uint32_t GlobalField(wasm::GlobalIndex global) const {
    return 2 * (static_cast<uint32_t>(module_.memories.size()) + global.raw());
  }
  // By number of 8 bytes.
  Value Field(InstBuilder& b, Type type, uint32_t number) {
    return b.Load(type, MemFlags::Trusted(), context_, static_cast<int32_t>(8 * number));
  }
  Value Narrowed(InstBuilder& b, Value value, IndexType type) {
    return type == IndexType::kI64 ? value : b.Ireduce(Type::kI32, value);
  }
  codegen::SigRef SignatureOf(InstBuilder& b, wasm::TypeIndex type) {
    codegen::Signature signature;
    MakeSignature(module_.func_type(type), signature);
    return b.func().dfg.ImportSignature(std::move(signature));
  }
  Inst CallCode(InstBuilder& b, CallKind kind, wasm::TypeIndex type, Value code,
                absl::Span<const Value> args) {
    const codegen::SigRef signature = SignatureOf(b, type);
    const std::vector<Value>& all = WithContext(args);
    return kind == CallKind::kTail ? b.ReturnCallIndirect(signature, code, all)
                                   : b.CallIndirect(signature, code, all);
  }
  const std::vector<Value>& WithContext(absl::Span<const Value> args) {
    args_.assign(1, context_);
    args_.insert(args_.end(), args.begin(), args.end());
    return args_;
  }

  Inst CallHost(InstBuilder& b, Host host, std::initializer_list<Value> args, bool returns) {
    codegen::Signature signature;
    args_.clear();
    for (Value arg : args) {
      const bool narrow = b.func().dfg.value_type(arg) == Type::kI32;
      args_.push_back(narrow ? b.Uextend(Type::kI64, arg) : arg);
      signature.params.push_back(Type::kI64);
    }
    if (returns) signature.returns.push_back(Type::kI64);
    const codegen::ExternalName name =
        b.func().DeclareName(kHostFunction, static_cast<uint32_t>(host));
    return b.Call(
        b.func().dfg.ImportFunction({name, b.func().dfg.ImportSignature(std::move(signature))}),
        args_);
  }
  void Tell(InstBuilder& b, Host host, std::initializer_list<Value> args) {
    CallHost(b, host, args, false);
  }
  Value Ask(InstBuilder& b, Host host, std::initializer_list<Value> args) {
    return b.func().dfg.result(CallHost(b, host, args, true));
  }

  const wasm::Module& module_;
  const wasm::TranslationChoices choices_;
  const wasm::OperatorCosts& costs_;
  Value context_;
  std::vector<Value> args_;
};

InterpretedModule::~InterpretedModule() = default;

absl::StatusOr<std::unique_ptr<InterpretedModule>> InterpretedModule::Create(
    const wasm::Module& module, wasm::Features features, const wasm::TranslationChoices& choices,
    const FuelCosts& costs) {
  CHECK(module.imports.empty());
  auto guest = std::unique_ptr<InterpretedModule>(new InterpretedModule(module, choices, costs));
  for (const wasm::MemoryType& type : module.memories) {
    CHECK(type.limits.max.has_value());
    guest->memories_.emplace_back(static_cast<size_t>(*type.limits.max * type.page_size()));
  }
  guest->context_.resize(2 * (module.memories.size() + module.globals.size()) + 2);
  for (const wasm::TableType& type : module.tables) {
    Table table;
    table.elements.resize(static_cast<size_t>(type.limits.min));
    table.max = type.limits.max.value_or(0xFFFFFFFF);
    guest->tables_.push_back(std::move(table));
  }
  guest->dropped_data_.resize(module.data.size());
  guest->dropped_elements_.resize(module.elements.size());
  RETURN_IF_ERROR(guest->Translate(features));
  guest->AddHostFunctions();
  RETURN_IF_ERROR(guest->FindAddresses());
  return guest;
}

absl::Status InterpretedModule::Translate(wasm::Features features) {
  const wasm::ValidatorLimits limits;
  wasm::FunctionTranslator translator(module_, features, limits);
  Environment environment(module_, choices_, costs_.operators);
  for (const wasm::FunctionBody& body : module_.bodies) {
    functions_.push_back(std::make_unique<codegen::Function>());
    codegen::Function& func = *functions_.back();
    RETURN_IF_ERROR(translator.Translate(body, environment, &func));
    const absl::Status verified = codegen::VerifyFunction(func);
    if (!verified.ok()) {
      return absl::InternalError(
          absl::StrCat(verified.ToString(), "\n", codegen::PrintFunction(func)));
    }
    func.params.name = {kWasmFunction, body.func.raw(), ""};
    interpreter_.AddFunction(&func);
  }
  interpreter_.AddMemory({reinterpret_cast<uint8_t*>(context_.data()), 8 * context_.size()});
  for (std::vector<uint8_t>& memory : memories_) interpreter_.AddMemory(absl::MakeSpan(memory));
  return absl::OkStatus();
}

// What func_addr gives for each function.
absl::Status InterpretedModule::FindAddresses() {
  for (size_t i = 0; i < module_.functions.size(); ++i) {
    const wasm::FuncIndex index = wasm::FuncIndex::FromIndex(i);
    codegen::Function func;
    func.signature.returns.push_back(Type::kI64);
    InstBuilder b(&func);
    b.SetEnd(func.MakeEntryBlock());
    Environment environment(module_, choices_, costs_.operators);
    const Value address = b.FuncAddr(environment.Callee(b, index));
    b.Return({address});
    ASSIGN_OR_RETURN(const Outcome outcome, interpreter_.Run(func, {}));
    addresses_.push_back(outcome.values[0].lo);
    function_at_[addresses_.back()] = index;
  }
  return absl::OkStatus();
}

void InterpretedModule::AddHostFunctions() {
  const auto add = [this](Host host, auto method) {
    interpreter_.AddHostFunction({kHostFunction, static_cast<uint32_t>(host), ""},
                                 [this, method](Arguments args) { return (this->*method)(args); });
  };
  add(Host::kMemoryGrow, &InterpretedModule::MemoryGrow);
  add(Host::kMemoryFill, &InterpretedModule::MemoryFill);
  add(Host::kMemoryCopy, &InterpretedModule::MemoryCopy);
  add(Host::kMemoryInit, &InterpretedModule::MemoryInit);
  add(Host::kAtomicWait, &InterpretedModule::AtomicWait);
  add(Host::kAtomicNotify, &InterpretedModule::AtomicNotify);
  add(Host::kTableGet, &InterpretedModule::TableGet);
  add(Host::kTableSet, &InterpretedModule::TableSet);
  add(Host::kTableGrow, &InterpretedModule::TableGrow);
  add(Host::kTableFill, &InterpretedModule::TableFill);
  add(Host::kTableCopy, &InterpretedModule::TableCopy);
  add(Host::kTableInit, &InterpretedModule::TableInit);
  add(Host::kCallee, &InterpretedModule::Callee);
  const auto add_plain = [this](Host host, codegen::Interpreter::HostFunction function) {
    interpreter_.AddHostFunction({kHostFunction, static_cast<uint32_t>(host), ""},
                                 std::move(function));
  };
  add_plain(Host::kDataDrop, [this](Arguments args) {
    dropped_data_[args[0].lo] = true;
    return Nothing();
  });
  add_plain(Host::kElemDrop, [this](Arguments args) {
    dropped_elements_[args[0].lo] = true;
    return Nothing();
  });
  add_plain(Host::kTableSize, [this](Arguments args) {
    return Outcome::Returned({tables_[args[0].lo].elements.size()});
  });
}

// Globals are there in the order of their definition ("Constant Expressions").
codegen::RawValue InterpretedModule::Evaluate(const wasm::ConstExpr& expression) const {
  std::vector<codegen::RawValue> stack;
  const auto binary = [&stack](auto compute, bool wide) {
    const uint64_t right = stack.back().lo;
    stack.pop_back();
    const uint64_t result = compute(stack.back().lo, right);
    stack.back() = wide ? result : static_cast<uint32_t>(result);
  };
  const auto add = [](uint64_t a, uint64_t b) { return a + b; };
  const auto subtract = [](uint64_t a, uint64_t b) { return a - b; };
  const auto multiply = [](uint64_t a, uint64_t b) { return a * b; };
  using Kind = wasm::ConstOp::Kind;
  for (const wasm::ConstOp& op : expression.ops) {
    switch (op.kind) {
      case Kind::kI32Const:
      case Kind::kF32Const:
        stack.emplace_back(static_cast<uint32_t>(op.bits));
        break;
      case Kind::kI64Const:
      case Kind::kF64Const:
        stack.emplace_back(op.bits);
        break;
      case Kind::kV128Const:
        stack.emplace_back(op.bits, op.high_bits);
        break;
      case Kind::kRefNull:
        stack.emplace_back(0);
        break;
      case Kind::kRefFunc:
        stack.emplace_back(addresses_[op.func().index()]);
        break;
      case Kind::kGlobalGet:
        stack.push_back(global(op.global()));
        break;
      case Kind::kI32Add:
      case Kind::kI64Add:
        binary(add, op.kind == Kind::kI64Add);
        break;
      case Kind::kI32Sub:
      case Kind::kI64Sub:
        binary(subtract, op.kind == Kind::kI64Sub);
        break;
      case Kind::kI32Mul:
      case Kind::kI64Mul:
        binary(multiply, op.kind == Kind::kI64Mul);
        break;
      default:
        UNREACHABLE() << "a constant expression that makes an object";
    }
  }
  return stack.back();
}

absl::StatusOr<Outcome> InterpretedModule::Instantiate() {
  for (size_t i = 0; i < memories_.size(); ++i) {
    const wasm::MemoryType& type = module_.memories[wasm::MemoryIndex::FromIndex(i)];
    context_[2 * i] = reinterpret_cast<uint64_t>(memories_[i].data());
    memory_length(i) = type.limits.min * type.page_size();
  }
  for (size_t i = 0; i < module_.globals.size(); ++i) {
    const codegen::RawValue value =
        Evaluate(module_.global_initializers[wasm::DefinedGlobalIndex::FromIndex(i)]);
    (&global_slot(i))[0] = value.lo;
    (&global_slot(i))[1] = value.hi;
  }
  for (size_t i = 0; i < tables_.size(); ++i) {
    const auto& initializer = module_.table_initializers[wasm::DefinedTableIndex::FromIndex(i)];
    if (!initializer.has_value()) continue;
    std::fill(tables_[i].elements.begin(), tables_[i].elements.end(), Evaluate(*initializer).lo);
  }
  for (size_t i = 0; i < module_.elements.size(); ++i) {
    const wasm::ElementSegment& segment = module_.elements[wasm::ElemIndex::FromIndex(i)];
    if (segment.mode == wasm::SegmentMode::kActive) {
      const Outcome outcome =
          TableInit({{segment.table.raw()}, {i}, Evaluate(segment.offset), {0}, {segment.size()}});
      if (outcome.kind != Outcome::Kind::kReturned) return outcome;
    }
    if (segment.mode != wasm::SegmentMode::kPassive) dropped_elements_[i] = true;
  }
  for (size_t i = 0; i < module_.data.size(); ++i) {
    const wasm::DataSegment& segment = module_.data[wasm::DataIndex::FromIndex(i)];
    if (segment.mode != wasm::SegmentMode::kActive) continue;
    const Outcome outcome = MemoryInit(
        {{segment.memory.raw()}, {i}, Evaluate(segment.offset), {0}, {segment.bytes.size()}});
    if (outcome.kind != Outcome::Kind::kReturned) return outcome;
    dropped_data_[i] = true;
  }
  interpreter_.set_guest_fuel(kEndless);
  if (!module_.start.has_value()) return Nothing();
  ASSIGN_OR_RETURN(const Outcome started, Call(*module_.start, {}));
  fuel_at_growths_.clear();
  return started;
}

absl::StatusOr<Outcome> InterpretedModule::Call(wasm::FuncIndex func, Arguments arguments) {
  std::vector<codegen::RawValue> all = {reinterpret_cast<uint64_t>(context_.data())};
  all.insert(all.end(), arguments.begin(), arguments.end());
  interpreter_.set_guest_fuel(kEndless);
  fuel_at_growths_.clear();
  return interpreter_.Run(*functions_[func.index()], all);
}

absl::Span<const uint8_t> InterpretedModule::memory(wasm::MemoryIndex memory) const {
  return absl::MakeConstSpan(memories_[memory.index()])
      .first(static_cast<size_t>(context_[2 * memory.index() + 1]));
}

codegen::RawValue InterpretedModule::global(wasm::GlobalIndex global) const {
  const size_t slot = 2 * (memories_.size() + global.index());
  return {context_[slot], context_[slot + 1]};
}

// ---- WebAssembly 3.0, "Execution": memory and table instructions. Fuel as in docs/abi.md.

void InterpretedModule::ChargeBytes(uint64_t bytes) {
  if (costs_.bulk_bytes == 0) return;
  interpreter_.set_guest_fuel(interpreter_.guest_fuel() -
                              static_cast<int64_t>(bytes / costs_.bulk_bytes));
}
void InterpretedModule::ChargeElements(uint64_t elements) {
  ChargeBytes(std::min(elements, ~uint64_t{0} / kElementBytes) * kElementBytes);
}

Outcome InterpretedModule::MemoryGrow(Arguments args) {
  const uint64_t memory = args[0].lo;
  const uint64_t page = module_.memories[wasm::MemoryIndex::FromIndex(memory)].page_size();
  const uint64_t room = memories_[memory].size() - memory_length(memory);
  // What is more than all bytes that there can be is refused before anybody is asked.
  if (args[1].lo != 0 && args[1].lo <= (~uint64_t{0} - memory_length(memory)) / page) {
    fuel_at_growths_.push_back(used_fuel());
  }
  if (args[1].lo > room / page) return Outcome::Returned({~uint64_t{0}});
  const uint64_t before = memory_length(memory) / page;
  memory_length(memory) += args[1].lo * page;
  return Outcome::Returned({before});
}

Outcome InterpretedModule::MemoryFill(Arguments args) {
  const uint64_t memory = args[0].lo, destination = args[1].lo, length = args[3].lo;
  if (!IsInside(destination, length, memory_length(memory))) {
    return Trapped(TrapCode::kMemoryOutOfBounds);
  }
  ChargeBytes(length);
  std::fill_n(memories_[memory].begin() + destination, length, static_cast<uint8_t>(args[2].lo));
  return Nothing();
}

Outcome InterpretedModule::MemoryCopy(Arguments args) {
  const uint64_t to = args[0].lo, from = args[1].lo;
  const uint64_t destination = args[2].lo, source = args[3].lo, length = args[4].lo;
  if (!IsInside(destination, length, memory_length(to)) ||
      !IsInside(source, length, memory_length(from))) {
    return Trapped(TrapCode::kMemoryOutOfBounds);
  }
  ChargeBytes(length);
  if (length == 0) return Nothing();
  std::memmove(&memories_[to][destination], &memories_[from][source], length);
  return Nothing();
}

// There is one thread: who waits is not notified, and who notifies finds nobody.
Outcome InterpretedModule::AtomicWait(Arguments args) {
  const uint64_t memory = args[0].lo, width = args[1].lo, address = args[2].lo;
  if (!IsInside(address, width, memory_length(memory))) {
    return Trapped(TrapCode::kMemoryOutOfBounds);
  }
  if (!module_.memories[wasm::MemoryIndex::FromIndex(memory)].shared) {
    return Trapped(TrapCode::kExpectedSharedMemory);
  }
  uint64_t found = 0;
  std::memcpy(&found, &memories_[memory][address], width);
  return Outcome::Returned({found == args[3].lo ? uint64_t{2} : uint64_t{1}});
}

Outcome InterpretedModule::AtomicNotify(Arguments args) {
  if (!IsInside(args[1].lo, 4, memory_length(args[0].lo))) {
    return Trapped(TrapCode::kMemoryOutOfBounds);
  }
  return Outcome::Returned({uint64_t{0}});
}

Outcome InterpretedModule::MemoryInit(Arguments args) {
  const uint64_t memory = args[0].lo, data = args[1].lo;
  const uint64_t destination = args[2].lo, source = args[3].lo, length = args[4].lo;
  const absl::Span<const uint8_t> bytes = module_.data[wasm::DataIndex::FromIndex(data)].bytes;
  if (!IsInside(destination, length, memory_length(memory))) {
    return Trapped(TrapCode::kMemoryOutOfBounds);
  }
  ChargeBytes(length);
  if (!IsInside(source, length, dropped_data_[data] ? 0 : bytes.size())) {
    return Trapped(TrapCode::kMemoryOutOfBounds);
  }
  std::copy_n(bytes.begin() + source, length, memories_[memory].begin() + destination);
  return Nothing();
}

Outcome InterpretedModule::TableGet(Arguments args) {
  const std::vector<uint64_t>& elements = tables_[args[0].lo].elements;
  if (args[1].lo >= elements.size()) return Trapped(TrapCode::kTableOutOfBounds);
  return Outcome::Returned({elements[args[1].lo]});
}

Outcome InterpretedModule::TableSet(Arguments args) {
  std::vector<uint64_t>& elements = tables_[args[0].lo].elements;
  if (args[1].lo >= elements.size()) return Trapped(TrapCode::kTableOutOfBounds);
  elements[args[1].lo] = args[2].lo;
  return Nothing();
}

Outcome InterpretedModule::TableGrow(Arguments args) {
  Table& table = tables_[args[0].lo];
  const uint64_t before = table.elements.size();
  ChargeElements(args[2].lo);
  if (args[2].lo != 0 && args[2].lo <= ~uint64_t{0} - before) {
    fuel_at_growths_.push_back(used_fuel());
  }
  if (args[2].lo > table.max - before) return Outcome::Returned({~uint64_t{0}});
  table.elements.resize(before + args[2].lo, args[1].lo);
  return Outcome::Returned({before});
}

Outcome InterpretedModule::TableFill(Arguments args) {
  std::vector<uint64_t>& elements = tables_[args[0].lo].elements;
  if (!IsInside(args[1].lo, args[3].lo, elements.size())) {
    return Trapped(TrapCode::kTableOutOfBounds);
  }
  ChargeElements(args[3].lo);
  std::fill_n(elements.begin() + args[1].lo, args[3].lo, args[2].lo);
  return Nothing();
}

Outcome InterpretedModule::TableCopy(Arguments args) {
  std::vector<uint64_t>& to = tables_[args[0].lo].elements;
  const std::vector<uint64_t>& from = tables_[args[1].lo].elements;
  if (!IsInside(args[2].lo, args[4].lo, to.size()) ||
      !IsInside(args[3].lo, args[4].lo, from.size())) {
    return Trapped(TrapCode::kTableOutOfBounds);
  }
  ChargeElements(args[4].lo);
  const std::vector<uint64_t> moved(from.begin() + args[3].lo,
                                    from.begin() + args[3].lo + args[4].lo);
  std::copy(moved.begin(), moved.end(), to.begin() + args[2].lo);
  return Nothing();
}

Outcome InterpretedModule::TableInit(Arguments args) {
  std::vector<uint64_t>& elements = tables_[args[0].lo].elements;
  const wasm::ElementSegment& segment = module_.elements[wasm::ElemIndex::FromIndex(args[1].lo)];
  const uint64_t destination = args[2].lo, source = args[3].lo, length = args[4].lo;
  if (!IsInside(destination, length, elements.size())) {
    return Trapped(TrapCode::kTableOutOfBounds);
  }
  ChargeElements(length);
  if (!IsInside(source, length, dropped_elements_[args[1].lo] ? 0 : segment.size())) {
    return Trapped(TrapCode::kTableOutOfBounds);
  }
  for (uint64_t i = 0; i < length; ++i) {
    uint64_t value = 0;
    if (segment.functions.empty()) {
      value = Evaluate(segment.expressions[source + i]).lo;
    } else if (segment.functions[source + i].is_some()) {
      value = addresses_[segment.functions[source + i].index()];
    }
    elements[destination + i] = value;
  }
  return Nothing();
}

Outcome InterpretedModule::Callee(Arguments args) {
  const std::vector<uint64_t>& elements = tables_[args[0].lo].elements;
  if (args[2].lo >= elements.size()) return Trapped(TrapCode::kUndefinedElement);
  const uint64_t address = elements[args[2].lo];
  if (address == 0) return Trapped(TrapCode::kUninitializedElement);
  const wasm::TypeIndex found = module_.functions[function_at_.at(address)];
  const wasm::TypeIndex wanted = wasm::TypeIndex::FromIndex(args[1].lo);
  if (module_.canonical_types[found] != module_.canonical_types[wanted]) {
    return Trapped(TrapCode::kIndirectCallTypeMismatch);
  }
  return Outcome::Returned({address});
}

}  // namespace gantry::testing
