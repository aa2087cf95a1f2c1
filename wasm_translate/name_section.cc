#include "wasm_translate/name_section.h"

#include <algorithm>
#include <utility>

#include "wasm_translate/binary_reader.h"
#include "wasm_translate/binary_writer.h"

namespace gantry::wasm {
namespace {

enum Subsection : uint8_t {
  kModule = 0,
  kFunctions = 1,
  kLocals = 2,
  kLabels = 3,
  kTypes = 4,
  kTables = 5,
  kMemories = 6,
  kGlobals = 7,
  kElements = 8,
  kData = 9,
  kFields = 10,
  kTags = 11,
};

// Keeps the first of the entries that are equal, in order.
template <typename Entry, typename Key>
void SortByIndex(std::vector<Entry>& entries, Key key) {
  const auto less = [key](const Entry& a, const Entry& b) { return key(a) < key(b); };
  if (!std::is_sorted(entries.begin(), entries.end(), less)) {
    std::stable_sort(entries.begin(), entries.end(), less);
  }
  entries.erase(std::unique(entries.begin(), entries.end(),
                            [key](const Entry& a, const Entry& b) { return key(a) == key(b); }),
                entries.end());
}

template <typename Index>
void SortByIndex(Names::Map<Index>& names) {
  SortByIndex(names, [](const auto& entry) { return entry.first; });
}

template <typename Index>
void ReadMap(BinaryReader& reader, Names::Map<Index>& names) {
  uint32_t count;
  if (!reader.VarU32(&count)) return;
  for (; count > 0; --count) {
    uint32_t index;
    absl::string_view name;
    if (!reader.VarU32(&index) || !reader.Name(&name)) return;
    names.emplace_back(Index(index), name);
  }
}

// Names of what lies within something else.
template <typename Outer, typename Inner, typename Entry>
void ReadIndirectMap(BinaryReader& reader, std::vector<Entry>& names) {
  uint32_t groups;
  if (!reader.VarU32(&groups)) return;
  for (; groups > 0; --groups) {
    uint32_t outer;
    uint32_t count;
    if (!reader.VarU32(&outer) || !reader.VarU32(&count)) return;
    for (; count > 0; --count) {
      uint32_t inner;
      absl::string_view name;
      if (!reader.VarU32(&inner) || !reader.Name(&name)) return;
      names.push_back({Outer(outer), Inner(inner), name});
    }
  }
}

void ReadSubsection(uint8_t id, BinaryReader& reader, Names& names) {
  switch (id) {
    case kModule: {
      absl::string_view name;
      if (reader.Name(&name)) names.module = name;
      return;
    }
    case kFunctions:
      return ReadMap(reader, names.functions);
    case kLocals:
      return ReadIndirectMap<FuncIndex, LocalIndex>(reader, names.locals);
    case kLabels:
      return ReadIndirectMap<FuncIndex, uint32_t>(reader, names.labels);
    case kTypes:
      return ReadMap(reader, names.types);
    case kTables:
      return ReadMap(reader, names.tables);
    case kMemories:
      return ReadMap(reader, names.memories);
    case kGlobals:
      return ReadMap(reader, names.globals);
    case kElements:
      return ReadMap(reader, names.elements);
    case kData:
      return ReadMap(reader, names.data);
    case kFields:
      return ReadIndirectMap<TypeIndex, FieldIndex>(reader, names.fields);
    case kTags:
      return ReadMap(reader, names.tags);
    default:
      return;
  }
}

// Subsections have the form of sections; those without names are left out.
template <typename Index>
void WriteMap(uint8_t id, const Names::Map<Index>& names, ByteWriter* out) {
  if (names.empty()) return;
  ByteWriter contents;
  contents.VarU32(static_cast<uint32_t>(names.size()));
  for (const auto& [index, name] : names) contents.VarU32(index.raw()).Name(name);
  out->Section(id, contents.bytes());
}

// `outer` and `inner` give the numbers of an entry.
template <typename Entry, typename Outer, typename Inner>
void WriteIndirectMap(uint8_t id, const std::vector<Entry>& names, Outer outer, Inner inner,
                      ByteWriter* out) {
  if (names.empty()) return;
  ByteWriter groups;
  uint32_t num_groups = 0;
  for (size_t begin = 0; begin < names.size(); ++num_groups) {
    size_t end = begin + 1;
    while (end < names.size() && outer(names[end]) == outer(names[begin])) ++end;
    groups.VarU32(outer(names[begin])).VarU32(static_cast<uint32_t>(end - begin));
    for (; begin < end; ++begin) groups.VarU32(inner(names[begin])).Name(names[begin].name);
  }
  ByteWriter contents;
  contents.VarU32(num_groups).Bytes(groups.bytes());
  out->Section(id, contents.bytes());
}

}  // namespace

Names ReadNameSection(absl::Span<const uint8_t> bytes) {
  Names names;
  BinaryReader reader(bytes, 0);
  while (!reader.done()) {
    uint8_t id;
    uint32_t size;
    absl::Span<const uint8_t> contents;
    if (!reader.U8(&id) || !reader.VarU32(&size) || !reader.Bytes(size, &contents)) break;
    BinaryReader subsection(contents, 0);
    ReadSubsection(id, subsection, names);
  }
  SortByIndex(names.functions);
  SortByIndex(names.types);
  SortByIndex(names.tables);
  SortByIndex(names.memories);
  SortByIndex(names.globals);
  SortByIndex(names.elements);
  SortByIndex(names.data);
  SortByIndex(names.tags);
  SortByIndex(names.locals, [](const auto& entry) { return std::pair(entry.func, entry.local); });
  SortByIndex(names.labels, [](const auto& entry) { return std::pair(entry.func, entry.label); });
  SortByIndex(names.fields, [](const auto& entry) { return std::pair(entry.type, entry.field); });
  return names;
}

std::vector<uint8_t> EncodeNameSection(const Names& names) {
  ByteWriter out;
  if (names.module.data() != nullptr) {
    out.Section(kModule, ByteWriter().Name(names.module).bytes());
  }
  const auto func = [](const auto& entry) { return entry.func.raw(); };
  const auto type = [](const auto& entry) { return entry.type.raw(); };
  const auto local = [](const auto& entry) { return entry.local.raw(); };
  const auto label = [](const auto& entry) { return entry.label; };
  const auto field = [](const auto& entry) { return entry.field.raw(); };
  WriteMap(kFunctions, names.functions, &out);
  WriteIndirectMap(kLocals, names.locals, func, local, &out);
  WriteIndirectMap(kLabels, names.labels, func, label, &out);
  WriteMap(kTypes, names.types, &out);
  WriteMap(kTables, names.tables, &out);
  WriteMap(kMemories, names.memories, &out);
  WriteMap(kGlobals, names.globals, &out);
  WriteMap(kElements, names.elements, &out);
  WriteMap(kData, names.data, &out);
  WriteIndirectMap(kFields, names.fields, type, field, &out);
  WriteMap(kTags, names.tags, &out);
  return out.Take();
}

}  // namespace gantry::wasm
