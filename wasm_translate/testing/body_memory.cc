// Steps on memories and tables.
#include <algorithm>
#include <utility>

#include "wasm_translate/testing/body_generator.h"

namespace gantry::wasm::testing {
namespace {

constexpr size_t kMaxOffset = 64;
constexpr size_t kMaxBulk = 32;
constexpr size_t kMaxGrowth = 3;
// Waiting ends after this many nanoseconds.
constexpr size_t kMaxTimeout = 1000;

}  // namespace

std::optional<MemoryIndex> BodyGenerator::SomeMemory() {
  if (module_.memories.empty()) return std::nullopt;
  return MemoryIndex::FromIndex(source_.Below(module_.memories.size()));
}

std::optional<TableIndex> BodyGenerator::SomeTable() {
  if (module_.tables.empty()) return std::nullopt;
  return TableIndex::FromIndex(source_.Below(module_.tables.size()));
}

uint64_t BodyGenerator::BytesOf(MemoryIndex memory) const {
  const MemoryType& type = module_.memories[memory];
  return type.limits.min * type.page_size();
}

IndexType BodyGenerator::IndexTypeOf(MemoryIndex memory) const {
  return module_.memories[memory].index_type;
}
IndexType BodyGenerator::IndexTypeOf(TableIndex table) const {
  return module_.tables[table].index_type;
}

// Either an address in range is on the stack afterwards, or one is still needed.
std::optional<BodyGenerator::Address> BodyGenerator::SomeAddress(MemoryIndex memory, uint64_t width,
                                                                 bool aligned) {
  const uint64_t bytes = BytesOf(memory);
  Address address;
  address.bounded = Careful() || source_.Percent(50);
  if (address.bounded && bytes < width) {
    if (context_.executable()) return std::nullopt;
    address.bounded = false;
  }
  if (!address.bounded) {
    const bool wide = IndexTypeOf(memory) == IndexType::kI64;
    address.offset = source_.Percent(20) ? source_.U32() : source_.Below(kMaxOffset);
    if (wide && source_.Percent(5)) address.offset = source_.U64();
    return address;
  }
  const uint64_t room = bytes - width;
  const uint64_t multiple = aligned ? width : 1;
  if (source_.Percent(50)) {
    address.offset = source_.Below(std::min<uint64_t>(room, kMaxOffset) + 1) & ~(multiple - 1);
  }
  ProduceBounded(IndexTypeOf(memory), room - address.offset, multiple, /*take=*/true);
  return address;
}

bool BodyGenerator::StepMemory() {
  // The operators of a table of their own are few: they come as often as loads and stores
  // would otherwise outnumber them.
  if (source_.Percent(35)) return MemoryBulk();
  return Access(source_.Pick(operators_.memory));
}

bool BodyGenerator::StepAtomic() {
  const Opcode op = source_.Pick(operators_.atomic);
  if (op != Opcode::kAtomicFence) return Access(op);
  Op(op);
  code_.U8(0);
  return true;
}

bool BodyGenerator::Access(Opcode op) {
  const auto memory = SomeMemory();
  if (!memory.has_value()) return false;
  const OperatorInfo& info = GetOperatorInfo(op);
  const bool atomic = info.feature == Feature::kThreads;
  const uint64_t width = uint64_t{1} << info.align_or_lanes;
  std::vector<ValType> values;  // above the address
  for (size_t i = 1; i < info.num_params; ++i) {
    values.push_back(ValType::OfSimpleKind(static_cast<ValType::Kind>(info.params[i])));
  }
  // A value that lies there is stored, though the address has to come below it.
  std::optional<uint32_t> stashed;
  if (values.size() == 1 && TopIs(values[0])) stashed = Stash();
  const auto address = SomeAddress(*memory, width, atomic);
  if (!address.has_value()) return false;
  const bool waits = op == Opcode::kMemoryAtomicWait32 || op == Opcode::kMemoryAtomicWait64;
  if (!address->bounded && !waits) {
    std::vector<ValType> operands = {ToValType(IndexTypeOf(*memory))};
    if (!stashed.has_value()) operands.insert(operands.end(), values.begin(), values.end());
    Need(operands);
  } else {
    if (!address->bounded) Need({ToValType(IndexTypeOf(*memory))});
    for (size_t i = 0; i < values.size() && !stashed.has_value(); ++i) {
      // Nothing may wait for long.
      if (waits && i + 1 == values.size()) {
        ProduceInteger(IndexType::kI64, source_.Below(kMaxTimeout));
      } else {
        Produce(values[i]);
      }
    }
  }
  if (stashed.has_value()) {
    Op(Opcode::kLocalGet, {*stashed});
    Push(values[0]);
  }
  Op(op);
  const uint32_t align =
      atomic ? info.align_or_lanes
             : static_cast<uint32_t>(info.align_or_lanes - source_.Below(info.align_or_lanes + 1u));
  const bool first = *memory == MemoryIndex(0);
  code_.VarU32(align | (first ? 0 : 0x40));
  if (!first) code_.VarU32(memory->raw());
  code_.VarU64(address->offset);
  if (info.immediates == Immediates::kMemArgLane) {
    code_.U8(static_cast<uint8_t>(source_.Below(size_t{16} >> info.align_or_lanes)));
  }
  Take(info.num_params);
  if (info.num_results > 0) {
    Push(ValType::OfSimpleKind(static_cast<ValType::Kind>(info.results[0])));
  }
  return true;
}

bool BodyGenerator::MemoryBulk() {
  static constexpr Opcode kOperators[] = {Opcode::kMemorySize, Opcode::kMemoryGrow,
                                          Opcode::kMemoryInit, Opcode::kDataDrop,
                                          Opcode::kMemoryCopy, Opcode::kMemoryFill};
  const Opcode op = kOperators[source_.Below(std::size(kOperators))];
  const auto memory = SomeMemory();
  if (!memory.has_value() || !context_.Has(GetOperatorInfo(op).feature)) return false;
  const IndexType index_type = IndexTypeOf(*memory);
  const ValType address = ToValType(index_type);
  const uint64_t bytes = BytesOf(*memory);
  const bool bounded = Careful() || source_.Percent(50);
  // What an access of `length` bytes begins with at most.
  const auto room = [](uint64_t size, uint64_t length) {
    return size < length ? 0 : size - length;
  };
  switch (op) {
    case Opcode::kMemorySize:
      Op(op, {memory->raw()});
      Push(address);
      return true;
    case Opcode::kMemoryGrow: {
      // Little at a time: a large memory takes long to fill.
      const uint64_t pages = source_.Below(kMaxGrowth);
      ProduceInteger(index_type, pages * (65536 / module_.memories[*memory].page_size()));
      Op(op, {memory->raw()});
      Take(1);
      Push(address);
      return true;
    }
    case Opcode::kMemoryFill: {
      const uint64_t length = std::min<uint64_t>(source_.Below(kMaxBulk), bytes);
      if (bounded) {
        ProduceBounded(index_type, room(bytes, length), 1, true);
        Produce(ValType::I32());
        ProduceInteger(index_type, length);
      } else {
        Need({address, ValType::I32(), address});
      }
      Op(op, {memory->raw()});
      Take(3);
      return true;
    }
    case Opcode::kMemoryCopy: {
      const MemoryIndex from = *SomeMemory();
      const IndexType from_type = IndexTypeOf(from);
      const bool wide = index_type == IndexType::kI64 && from_type == IndexType::kI64;
      const IndexType length_type = wide ? IndexType::kI64 : IndexType::kI32;
      const uint64_t length = std::min({uint64_t{source_.Below(kMaxBulk)}, bytes, BytesOf(from)});
      if (bounded) {
        ProduceBounded(index_type, room(bytes, length), 1, true);
        ProduceBounded(from_type, room(BytesOf(from), length), 1, false);
        ProduceInteger(length_type, length);
      } else {
        Need({address, ToValType(from_type), ToValType(length_type)});
      }
      Op(op, {memory->raw(), from.raw()});
      Take(3);
      return true;
    }
    case Opcode::kMemoryInit:
    case Opcode::kDataDrop: {
      if (draft_.data.empty()) return false;
      const uint32_t data = static_cast<uint32_t>(source_.Below(draft_.data.size()));
      if (op == Opcode::kDataDrop) {
        Op(op, {data});
      } else {
        // An active segment is dropped from the start: nothing of it can be read.
        const uint64_t size =
            draft_.data[data].mode == SegmentMode::kPassive ? draft_.data[data].bytes.size() : 0;
        const uint64_t length = std::min({uint64_t{source_.Below(kMaxBulk)}, bytes, size});
        if (bounded) {
          ProduceBounded(index_type, room(bytes, length), 1, true);
          ProduceBounded(IndexType::kI32, room(size, length), 1, false);
          ProduceInteger(IndexType::kI32, length);
        } else {
          Need({address, ValType::I32(), ValType::I32()});
        }
        Op(op, {data, memory->raw()});
        Take(3);
      }
      draft_.data_count = true;
      return true;
    }
    default:
      UNREACHABLE();
  }
}

bool BodyGenerator::ProduceIndex(IndexType type, uint64_t size) {
  if (Careful() || source_.Percent(50)) {
    if (size > 0) {
      ProduceBounded(type, size - 1, 1, true);
      return true;
    }
    if (context_.executable()) return false;
  }
  Need({ToValType(type)});
  return true;
}

bool BodyGenerator::StepTable() {
  static constexpr Opcode kOperators[] = {
      Opcode::kTableGet,  Opcode::kTableGet,  Opcode::kTableSet,  Opcode::kTableSet,
      Opcode::kTableSize, Opcode::kTableGrow, Opcode::kTableFill, Opcode::kTableCopy,
      Opcode::kTableInit, Opcode::kElemDrop};
  const Opcode op = kOperators[source_.Below(std::size(kOperators))];
  const auto table = SomeTable();
  if (!table.has_value() || !context_.Has(GetOperatorInfo(op).feature)) return false;
  const TableType& type = module_.tables[*table];
  const ValType index = ToValType(type.index_type);
  const uint64_t size = type.limits.min;
  const bool bounded = Careful() || source_.Percent(50);
  const auto room = [](uint64_t bound, uint64_t length) {
    return bound < length ? 0 : bound - length;
  };
  switch (op) {
    case Opcode::kTableGet:
      if (!ProduceIndex(type.index_type, size)) return false;
      Op(op, {table->raw()});
      Take(1);
      Push(type.element);
      return true;
    case Opcode::kTableSet:
      if (!ProduceIndex(type.index_type, size)) return false;
      Produce(type.element);
      Op(op, {table->raw()});
      Take(2);
      return true;
    case Opcode::kTableSize:
      Op(op, {table->raw()});
      Push(index);
      return true;
    case Opcode::kTableGrow:
      Need({type.element});
      ProduceInteger(type.index_type, source_.Below(kMaxGrowth));
      Op(op, {table->raw()});
      Take(2);
      Push(index);
      return true;
    case Opcode::kTableFill: {
      const uint64_t length = source_.Below(static_cast<size_t>(std::min(size, uint64_t{4})) + 1);
      if (bounded) {
        ProduceBounded(type.index_type, room(size, length), 1, true);
        Produce(type.element);
        ProduceInteger(type.index_type, length);
      } else {
        Need({index, type.element, index});
      }
      Op(op, {table->raw()});
      Take(3);
      return true;
    }
    case Opcode::kTableCopy: {
      std::vector<TableIndex> sources;
      for (size_t i = 0; i < module_.tables.size(); ++i) {
        const TableIndex each = TableIndex::FromIndex(i);
        if (context_.Matches(module_.tables[each].element, type.element)) sources.push_back(each);
      }
      const TableIndex from = source_.Pick(sources);
      const TableType& from_type = module_.tables[from];
      const bool wide =
          type.index_type == IndexType::kI64 && from_type.index_type == IndexType::kI64;
      const IndexType length_type = wide ? IndexType::kI64 : IndexType::kI32;
      const uint64_t least = std::min({size, from_type.limits.min, uint64_t{4}});
      const uint64_t length = source_.Below(static_cast<size_t>(least) + 1);
      if (bounded) {
        ProduceBounded(type.index_type, room(size, length), 1, true);
        ProduceBounded(from_type.index_type, room(from_type.limits.min, length), 1, false);
        ProduceInteger(length_type, length);
      } else {
        Need({index, ToValType(from_type.index_type), ToValType(length_type)});
      }
      Op(op, {table->raw(), from.raw()});
      Take(3);
      return true;
    }
    case Opcode::kTableInit: {
      std::vector<uint32_t> segments;
      for (uint32_t i = 0; i < draft_.elements.size(); ++i) {
        if (context_.Matches(draft_.elements[i].type, type.element)) segments.push_back(i);
      }
      if (segments.empty()) return false;
      const uint32_t segment = source_.Pick(segments);
      const uint64_t there = draft_.elements[segment].mode == SegmentMode::kPassive
                                 ? draft_.elements[segment].size()
                                 : 0;
      const uint64_t length = source_.Below(static_cast<size_t>(std::min(size, there)) + 1);
      if (bounded) {
        ProduceBounded(type.index_type, room(size, length), 1, true);
        ProduceBounded(IndexType::kI32, room(there, length), 1, false);
        ProduceInteger(IndexType::kI32, length);
      } else {
        Need({index, ValType::I32(), ValType::I32()});
      }
      Op(op, {segment, table->raw()});
      Take(3);
      return true;
    }
    case Opcode::kElemDrop:
      if (draft_.elements.empty()) return false;
      Op(op, {source_.Below(draft_.elements.size())});
      return true;
    default:
      UNREACHABLE();
  }
}

}  // namespace gantry::wasm::testing
