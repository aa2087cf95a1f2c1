#include "cranelift_shared/native_dwarf.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "cranelift_shared/dwarf_expression.h"
#include "cranelift_shared/dwarf_places.h"
#include "environ/core/dwarf_rows.h"
#include "environ/translation/debug_sections.h"

namespace gantry::cranelift {
namespace {

using environ::DwarfRows;
using environ::NativeDebug;
using Function = CodePlaces::Function;
using Range = CodePlaces::Range;

constexpr uint8_t kNativeAddressSize = 8;

class Writer {
 public:
  explicit Writer(std::vector<uint8_t>& out) : out_(out) {}

  uint32_t at() const { return static_cast<uint32_t>(out_.size()); }
  template <typename T>
  void Put(T value) {
    const size_t at = out_.size();
    out_.resize(at + sizeof value);
    std::memcpy(out_.data() + at, &value, sizeof value);
  }
  void Uleb(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<uint8_t>(value | 0x80));
    out_.push_back(static_cast<uint8_t>(value));
  }
  void Sleb(int64_t value) {
    for (; value < -64 || value > 63; value >>= 7) {
      out_.push_back(static_cast<uint8_t>(value | 0x80));
    }
    out_.push_back(static_cast<uint8_t>(value & 0x7F));
  }
  void Bytes(absl::Span<const uint8_t> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void Text(absl::string_view text) {
    out_.insert(out_.end(), text.begin(), text.end());
    out_.push_back(0);
  }
  void Set32(uint32_t at, uint32_t value) { std::memcpy(out_.data() + at, &value, sizeof value); }

 private:
  std::vector<uint8_t>& out_;
};

// The lines of some functions, as a line number program of version 4.
class LineProgram {
 public:
  LineProgram(const DwarfRows& lines, const CodePlaces& places, NativeDebug& out)
      : lines_(lines), places_(places), out_(out) {}

  void Add(const Function& function) {
    const std::vector<CodePlaces::Row> code = places_.RowsOf(function);
    bool began = false;
    for (const CodePlaces::Row& row : code) {
      const std::optional<DwarfRows::Row> line = FindLine(row.wasm);
      if (!line.has_value()) continue;
      if (!began) {
        // The function's own line up to the first operator that has one.
        Begin(function.begin);
        Line(function.begin, FindLine(function.wasm_begin).value_or(*line));
        began = true;
      }
      Line(row.begin, *line);
    }
    if (began) End(function.begin + function.size);
  }

  bool empty() const { return program_.empty(); }

  // Appends it to .debug_line; returns where.
  uint32_t Finish() {
    std::vector<uint8_t>& section = out_.sections[NativeDebug::kLine];
    Writer w(section);
    const uint32_t start = w.at();
    w.Put<uint32_t>(0);
    w.Put<uint16_t>(4);
    w.Put<uint32_t>(0);
    w.Put<uint8_t>(1);  // bytes of an instruction
    w.Put<uint8_t>(1);  // operations in an instruction
    w.Put<uint8_t>(1);  // rows are statements
    w.Put<int8_t>(-1);  // special opcodes, which are not used: lines from,
    w.Put<uint8_t>(1);  // and how many
    w.Put<uint8_t>(kFirstSpecial);
    w.Bytes({0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1});
    w.Put<uint8_t>(0);  // no directories
    for (const std::string& file : files_) {
      w.Text(file);
      w.Bytes({0, 0, 0});
    }
    w.Put<uint8_t>(0);
    w.Set32(start + 6, w.at() - (start + 10));
    const uint32_t program = w.at();
    w.Bytes(program_);
    w.Set32(start, w.at() - (start + 4));
    for (const uint32_t at : addresses_)
      out_.addresses.push_back({NativeDebug::kLine, program + at});
    return start;
  }

 private:
  static constexpr uint8_t kFirstSpecial = 13;

  // A copy, since what comes next may read other rows.
  std::optional<DwarfRows::Row> FindLine(uint32_t address) {
    if (rows_.empty() || address < rows_.front().address || address >= rows_.back().address) {
      if (steps_ > kMaxSteps) return std::nullopt;
      rows_ = lines_.Around(address);
      steps_ += rows_.size();
      numbers_.clear();
    }
    auto row =
        std::upper_bound(rows_.begin(), rows_.end(), address,
                         [](uint32_t value, const DwarfRows::Row& r) { return value < r.address; });
    if (row == rows_.begin() || (--row)->is_end || row->line == 0 || FileNumber(*row) == 0) {
      return std::nullopt;
    }
    return *row;
  }

  // 0 for one without a name.
  uint32_t FileNumber(const DwarfRows::Row& row) {
    const auto [known, is_new] = numbers_.try_emplace({row.unit, row.file}, 0);
    if (!is_new) return known->second;
    const std::optional<std::string> name = lines_.FileOf(row);
    if (!name.has_value() || name->empty()) return 0;
    const auto [number, added] =
        number_of_name_.try_emplace(*name, static_cast<uint32_t>(files_.size()) + 1);
    if (added) files_.push_back(*name);
    return known->second = number->second;
  }

  void Begin(uint32_t address) {
    Writer w(program_);
    w.Bytes({0, 9, 2});  // set the address
    addresses_.push_back(w.at());
    w.Put<uint64_t>(address);
    address_ = address;
    file_ = line_ = 1;
    column_ = 0;
    is_statement_ = true;
    has_row_ = false;
  }

  void Line(uint32_t address, const DwarfRows::Row& row) {
    const uint32_t file = FileNumber(row);
    if (has_row_ && file == file_ && row.line == line_ && row.column == column_ &&
        row.is_statement == is_statement_) {
      return;
    }
    has_row_ = true;
    Writer w(program_);
    Advance(address);
    if (file != file_) {
      w.Put<uint8_t>(4);
      w.Uleb(file_ = file);
    }
    if (row.column != column_) {
      w.Put<uint8_t>(5);
      w.Uleb(column_ = row.column);
    }
    if (row.is_statement != is_statement_) {
      w.Put<uint8_t>(6);
      is_statement_ = row.is_statement;
    }
    if (row.line != line_) {
      w.Put<uint8_t>(3);
      w.Sleb(int64_t{row.line} - int64_t{line_});
      line_ = row.line;
    }
    w.Put<uint8_t>(1);
  }

  void Advance(uint32_t address) {
    if (address == address_) return;
    Writer w(program_);
    w.Put<uint8_t>(2);
    w.Uleb(address - address_);
    address_ = address;
  }

  void End(uint32_t address) {
    Advance(address);
    Writer(program_).Bytes({0, 1, 1});
  }

  // Rows of line programs that are looked at for one unit.
  static constexpr size_t kMaxSteps = size_t{1} << 26;

  const DwarfRows& lines_;
  const CodePlaces& places_;
  NativeDebug& out_;
  std::vector<DwarfRows::Row> rows_;
  std::map<std::pair<size_t, uint64_t>, uint32_t> numbers_;  // of units' files
  std::map<std::string, uint32_t> number_of_name_;
  std::vector<std::string> files_;
  std::vector<uint8_t> program_;
  std::vector<uint32_t> addresses_;
  size_t steps_ = 0;
  uint32_t address_ = 0, file_ = 1, line_ = 1, column_ = 0;
  bool is_statement_ = true;
  bool has_row_ = false;
};

// Whether the attribute says what has no meaning, or another one, natively: files are numbered
// anew.
bool IsLeftOut(uint16_t name) {
  switch (name) {
    case kAtSibling:
    case kAtStmtList:
    case kAtLowPc:
    case kAtHighPc:
    case kAtRanges:
    case kAtFrameBase:
    case kAtDeclColumn:
    case kAtDeclFile:
    case kAtDeclLine:
    case kAtCallColumn:
    case kAtCallFile:
    case kAtCallLine:
      return true;
    default:
      return false;
  }
}

bool IsScope(uint16_t tag) {
  return tag == kTagLexicalBlock || tag == kTagInlinedSubroutine || tag == kTagTryBlock ||
         tag == kTagCatchBlock;
}

bool IsPointer(uint16_t tag) {
  return tag == kTagPointerType || tag == kTagReferenceType || tag == kTagRvalueReferenceType ||
         tag == kTagPointerToMember;
}

class Converter {
 public:
  Converter(const DwarfSections& sections, const environ::ModuleTranslation& module,
            uint32_t code_offset, const environ::LinkedText& text, const NativeDwarfCode& target)
      : sections_(sections),
        module_(module),
        target_(target),
        places_(module, code_offset, text, target.debug_areas),
        lines_(environ::DwarfLines::Sections{
            .line = sections.line, .line_str = {}, .str = sections.str}),
        steps_left_(std::min<uint64_t>(
            64 * (sections.info.size() + text.address_offsets.size()) + 4096, kMaxSteps)) {}

  NativeDebug Run() {
    // An empty text first.
    out_.sections[NativeDebug::kStr].push_back(0);
    DwarfUnit unit;
    for (size_t at = 0; at < sections_.info.size() && ReadUnitHeader(sections_.info, at, unit);
         at = unit.end) {
      if (unit.version >= 2 && unit.version <= 4) ConvertUnit(unit);
    }
    if (out_.sections[NativeDebug::kInfo].empty()) return NativeDebug();
    Writer info(out_.sections[NativeDebug::kInfo]);
    for (const Reference& reference : references_) {
      const auto found = placed_.find(reference.target);
      info.Set32(reference.at, found != placed_.end() ? found->second : reference.fallback);
    }
    Writer(out_.sections[NativeDebug::kAbbrev]).Uleb(0);
    return std::move(out_);
  }

 private:
  // An attribute to be written.
  struct Attribute {
    uint16_t name = 0;
    uint16_t form = 0;
    uint64_t number = 0;
    absl::Span<const uint8_t> bytes;
    bool is_text_address = false;
  };
  struct Reference {
    uint32_t at;
    uint64_t target;
    uint32_t fallback;
  };
  struct Scope {
    const Function* function = nullptr;
    absl::Span<const uint8_t> frame_base;
  };

  void ConvertUnit(const DwarfUnit& unit) {
    const absl::Span<const uint8_t> bytes = sections_.info.first(unit.end);
    const AbbrevTable abbrevs(sections_.abbrev, unit.abbrev_offset);
    DwarfCursor in(bytes, unit.entries);
    DwarfEntry entry;
    if (!ReadEntry(in, unit, abbrevs, sections_, entry) || entry.kind == nullptr) return;

    unit_ = unit;
    functions_.clear();
    expressions_.emplace(module_, target_.frame_pointer, unit.address_size);
    Writer info(out_.sections[NativeDebug::kInfo]);
    const uint32_t start = unit_start_ = info.at();
    info.Put<uint32_t>(0);
    info.Put<uint16_t>(4);
    info.Put<uint32_t>(0);  // abbreviations are of all units
    info.Put<uint8_t>(kNativeAddressSize);
    std::vector<Scope> scopes(1);
    const DwarfValue* const low = entry.Find(kAtLowPc);
    unit_base_ = low != nullptr ? low->number : 0;
    unit_places_.clear();
    ConvertEntry(entry, scopes.back(), nullptr, /*is_unit=*/true);
    if (entry.kind->has_children) scopes.emplace_back();
    while (scopes.size() > 1 && ReadEntry(in, unit, abbrevs, sections_, entry)) {
      if (entry.kind == nullptr) {
        info.Uleb(0);
        scopes.pop_back();
        continue;
      }
      Scope inner = scopes.back();
      ConvertEntry(entry, scopes.back(), &inner, /*is_unit=*/false);
      if (entry.kind->has_children) scopes.push_back(inner);
    }
    for (; scopes.size() > 1; scopes.pop_back()) info.Uleb(0);
    FinishUnit(start);
  }

  // The unit's own code, and its lines.
  void FinishUnit(uint32_t start) {
    std::sort(functions_.begin(), functions_.end(),
              [](const Function* a, const Function* b) { return a->begin < b->begin; });
    functions_.erase(std::unique(functions_.begin(), functions_.end()), functions_.end());
    Writer info(out_.sections[NativeDebug::kInfo]);
    LineProgram program(lines_, places_, out_);
    std::vector<Range> ranges;
    for (const Function* function : functions_) {
      // Of a function that two units claim the lines are the first one's.
      if (claimed_.emplace(function->begin, start).first->second != start) continue;
      program.Add(*function);
      ranges.push_back({function->begin, function->begin + function->size});
    }
    info.Set32(unit_places_[0], AppendRanges(ranges));
    info.Set32(unit_places_[1], program.Finish());
    info.Set32(start, info.at() - (start + 4));
  }

  void AddBlock(uint16_t name, std::vector<uint8_t> bytes) {
    blocks_.push_back(std::move(bytes));
    attributes_.push_back({name, kFormExprloc, 0, blocks_.back(), false});
  }
  void AddTextAddress(uint32_t offset) {
    attributes_.push_back({kAtLowPc, kFormAddr, offset, {}, true});
  }

  void ConvertEntry(const DwarfEntry& entry, const Scope& outer, Scope* inner, bool is_unit) {
    attributes_.clear();
    blocks_.clear();
    const uint16_t tag = entry.kind->tag;
    Scope scope = outer;
    if (is_unit) {
      // Filled in when all of the unit is known.
      attributes_.push_back({kAtLowPc, kFormAddr, 0, {}, false});
      attributes_.push_back({kAtRanges, kFormSecOffset, 0, {}, false});
      attributes_.push_back({kAtStmtList, kFormSecOffset, 0, {}, false});
    } else if (tag == kTagSubprogram) {
      scope = Scope();
      const DwarfValue* const base = entry.Find(kAtFrameBase);
      if (base != nullptr && base->is_block()) scope.frame_base = base->bytes;
      uint64_t low = 0, high = 0;
      if (Extent(entry, low, high)) scope.function = places_.FindFunction(low, high);
      expressions_->SetFunction(scope.function, scope.frame_base);
      if (scope.function != nullptr) {
        functions_.push_back(scope.function);
        AddTextAddress(scope.function->begin);
        attributes_.push_back({kAtHighPc, kFormData4, scope.function->size, {}, false});
        std::vector<uint8_t> frame_base = expressions_->FrameBase();
        if (!frame_base.empty()) AddBlock(kAtFrameBase, std::move(frame_base));
      }
    } else {
      expressions_->SetFunction(scope.function, scope.frame_base);
      if (IsScope(tag) && scope.function != nullptr) AddScope(entry);
    }
    for (const DwarfValue& value : entry.values) ConvertValue(value);
    if (IsPointer(tag) && entry.Find(kAtByteSize) == nullptr) {
      attributes_.push_back({kAtByteSize, kFormData1, unit_.address_size, {}, false});
    }
    if (inner != nullptr) *inner = scope;
    Write(entry, is_unit);
  }

  // Of an entry with two addresses.
  static bool Extent(const DwarfEntry& entry, uint64_t& low, uint64_t& high) {
    const DwarfValue* const first = entry.Find(kAtLowPc);
    const DwarfValue* const last = entry.Find(kAtHighPc);
    if (first == nullptr || last == nullptr || first->form != kFormAddr) return false;
    low = first->number;
    high = last->form == kFormAddr ? last->number : low + last->number;
    return low < high;
  }

  void TakeSteps(uint64_t count) { steps_left_ -= std::min(steps_left_, count); }

  void AddNative(uint64_t low, uint64_t high, std::vector<Range>& out) {
    if (low >= high || steps_left_ == 0) return;
    const std::vector<Range> found = places_.RangesOf(low, high, steps_left_);
    out.insert(out.end(), found.begin(), found.end());
  }

  // Calls visit(begin, end, entry's rest) for a list of ranges or locations, until it returns
  // false.
  template <typename Visit>
  void ForEachPair(absl::Span<const uint8_t> section, uint64_t at, Visit visit) {
    const size_t size = unit_.address_size;
    const uint64_t selects = size == 4 ? 0xFFFFFFFF : ~uint64_t{0};
    uint64_t base = unit_base_;
    DwarfCursor in(section, at);
    while (in.ok() && steps_left_ > 0) {
      --steps_left_;
      const uint64_t begin = in.Unsigned(size), end = in.Unsigned(size);
      if (!in.ok() || (begin == 0 && end == 0)) return;
      if (begin == selects) {
        base = end;
      } else if (!visit(base + begin, base + end, in)) {
        return;
      }
    }
  }

  void AddScope(const DwarfEntry& entry) {
    std::vector<Range> native;
    uint64_t low = 0, high = 0;
    const DwarfValue* const ranges = entry.Find(kAtRanges);
    if (Extent(entry, low, high)) {
      AddNative(low, high, native);
    } else if (ranges != nullptr && ranges->is_section_offset()) {
      ForEachPair(sections_.ranges, ranges->number,
                  [&](uint64_t begin, uint64_t end, DwarfCursor&) {
                    AddNative(begin, end, native);
                    return true;
                  });
    }
    if (native.empty()) return;
    if (native.size() == 1) {
      AddTextAddress(native[0].begin);
      attributes_.push_back({kAtHighPc, kFormData4, native[0].end - native[0].begin, {}, false});
      return;
    }
    attributes_.push_back({kAtRanges, kFormSecOffset, AppendRanges(native), {}, false});
  }

  uint32_t AppendRanges(const std::vector<Range>& ranges) {
    Writer w(out_.sections[NativeDebug::kRanges]);
    const uint32_t at = w.at();
    for (const Range& range : ranges) {
      AppendPair(NativeDebug::kRanges, range);
    }
    w.Put<uint64_t>(0);
    w.Put<uint64_t>(0);
    return at;
  }

  // The unit's base is 0, so these are addresses.
  void AppendPair(NativeDebug::SectionIndex section, const Range& range) {
    Writer w(out_.sections[section]);
    for (const uint32_t offset : {range.begin, range.end}) {
      out_.addresses.push_back({section, w.at()});
      w.Put<uint64_t>(offset);
    }
  }

  void ConvertValue(const DwarfValue& value) {
    if (value.name == kAtLocation) return ConvertLocation(value);
    if (IsLeftOut(value.name) || value.form == kFormAddr || value.form == kFormSecOffset ||
        value.form == kFormRefSig8) {
      return;
    }
    if (value.is_block()) {
      // Other expressions are of the module's machine.
      if (value.name == kAtConstValue || value.name == kAtDataMemberLocation ||
          value.name == kAtVtableElemLocation) {
        attributes_.push_back({value.name, value.form == kFormExprloc ? kFormExprloc : kFormBlock,
                               0, value.bytes, false});
      }
      return;
    }
    attributes_.push_back({value.name, value.is_reference() ? uint16_t{kFormRefAddr} : value.form,
                           value.number, value.bytes, false});
  }

  void ConvertLocation(const DwarfValue& value) {
    if (value.is_block()) {
      std::optional<std::vector<uint8_t>> native = expressions_->Translate(value.bytes);
      if (native.has_value()) AddBlock(kAtLocation, *std::move(native));
      return;
    }
    if (!value.is_section_offset()) return;
    std::vector<std::pair<Range, std::vector<uint8_t>>> pieces;
    ForEachPair(sections_.loc, value.number, [&](uint64_t begin, uint64_t end, DwarfCursor& in) {
      const absl::Span<const uint8_t> expression = in.Bytes(in.Unsigned(2));
      if (!in.ok()) return false;
      TakeSteps(expression.size());
      const std::optional<std::vector<uint8_t>> native = expressions_->Translate(expression);
      if (!native.has_value()) return true;
      std::vector<Range> ranges;
      AddNative(begin, end, ranges);
      for (const Range& range : ranges) {
        TakeSteps(native->size());
        if (steps_left_ > 0) pieces.emplace_back(range, *native);
      }
      return true;
    });
    if (pieces.empty()) return;
    Writer w(out_.sections[NativeDebug::kLoc]);
    attributes_.push_back({kAtLocation, kFormSecOffset, w.at(), {}, false});
    for (const auto& [range, expression] : pieces) {
      AppendPair(NativeDebug::kLoc, range);
      w.Put<uint16_t>(static_cast<uint16_t>(expression.size()));
      w.Bytes(expression);
    }
    w.Put<uint64_t>(0);
    w.Put<uint64_t>(0);
  }

  uint32_t StringOffset(absl::string_view text) {
    const auto [known, is_new] = strings_.try_emplace(std::string(text), 0);
    if (is_new && !text.empty()) {
      Writer w(out_.sections[NativeDebug::kStr]);
      known->second = w.at();
      w.Text(text);
    }
    return known->second;
  }

  uint64_t AbbrevCode(uint16_t tag, bool has_children) {
    key_.clear();
    Writer w(key_);
    w.Uleb(tag);
    w.Put<uint8_t>(has_children ? 1 : 0);
    for (const Attribute& attribute : attributes_) {
      w.Uleb(attribute.name);
      w.Uleb(attribute.form == kFormString ? uint16_t{kFormStrp} : attribute.form);
    }
    w.Put<uint16_t>(0);
    const auto [known, is_new] =
        abbrevs_.try_emplace(std::string(key_.begin(), key_.end()), abbrevs_.size() + 1);
    if (is_new) {
      Writer abbrev(out_.sections[NativeDebug::kAbbrev]);
      abbrev.Uleb(known->second);
      abbrev.Bytes(key_);
    }
    return known->second;
  }

  void Write(const DwarfEntry& entry, bool is_unit) {
    Writer w(out_.sections[NativeDebug::kInfo]);
    placed_[entry.offset] = w.at();
    if (is_unit) unit_entry_ = w.at();
    w.Uleb(AbbrevCode(entry.kind->tag, entry.kind->has_children));
    for (const Attribute& attribute : attributes_) {
      switch (attribute.form) {
        case kFormAddr:
          if (attribute.is_text_address) out_.addresses.push_back({NativeDebug::kInfo, w.at()});
          w.Put<uint64_t>(attribute.number);
          break;
        case kFormData1:
        case kFormFlag:
          w.Put<uint8_t>(static_cast<uint8_t>(attribute.number));
          break;
        case kFormData2:
          w.Put<uint16_t>(static_cast<uint16_t>(attribute.number));
          break;
        case kFormSecOffset:
          if (is_unit) unit_places_.push_back(w.at());
          w.Put<uint32_t>(static_cast<uint32_t>(attribute.number));
          break;
        case kFormData4:
          w.Put<uint32_t>(static_cast<uint32_t>(attribute.number));
          break;
        case kFormData8:
          w.Put<uint64_t>(attribute.number);
          break;
        case kFormSdata:
          w.Sleb(static_cast<int64_t>(attribute.number));
          break;
        case kFormUdata:
          w.Uleb(attribute.number);
          break;
        case kFormString:
          w.Put<uint32_t>(StringOffset(
              {reinterpret_cast<const char*>(attribute.bytes.data()), attribute.bytes.size()}));
          break;
        case kFormBlock:
        case kFormExprloc:
          w.Uleb(attribute.bytes.size());
          w.Bytes(attribute.bytes);
          break;
        case kFormRefAddr:
          references_.push_back({w.at(), attribute.number, unit_entry_});
          w.Put<uint32_t>(0);
          break;
        default:  // kFormFlagPresent, which has no bytes
          break;
      }
    }
  }

  // So offsets in what comes out have 32 bits.
  static constexpr uint64_t kMaxSteps = uint64_t{1} << 26;

  const DwarfSections sections_;
  const environ::ModuleTranslation& module_;
  const NativeDwarfCode target_;
  const CodePlaces places_;
  const DwarfRows lines_;
  // Ranges looked at, so that no section makes work beyond its size.
  uint64_t steps_left_;
  NativeDebug out_;

  DwarfUnit unit_;
  uint64_t unit_base_ = 0;
  uint32_t unit_start_ = 0;
  uint32_t unit_entry_ = 0;
  // Where its ranges and its line program are to be written.
  std::vector<uint32_t> unit_places_;
  std::vector<const Function*> functions_;
  std::optional<ExpressionTranslator> expressions_;

  std::vector<Attribute> attributes_;
  std::vector<std::vector<uint8_t>> blocks_;
  std::vector<uint8_t> key_;
  std::unordered_map<std::string, uint64_t> abbrevs_;
  std::unordered_map<std::string, uint32_t> strings_;
  // Entries, by where they were.
  std::unordered_map<uint64_t, uint32_t> placed_;
  std::vector<Reference> references_;
  std::map<uint32_t, uint32_t> claimed_;
};

}  // namespace

environ::NativeDebug MakeNativeDwarf(const DwarfSections& sections,
                                     const environ::ModuleTranslation& module, uint32_t code_offset,
                                     const environ::LinkedText& text,
                                     const NativeDwarfCode& target) {
  // Offsets in it have 32 bits, and what comes out is not much larger.
  if (sections.info.empty() || sections.info.size() > (size_t{1} << 30)) return {};
  return Converter(sections, module, code_offset, text, target).Run();
}

environ::NativeDebug MakeNativeDwarf(const environ::ModuleTranslation& module,
                                     const environ::LinkedText& text,
                                     const NativeDwarfCode& target) {
  if (module.parsed.bodies.empty()) return {};
  DwarfSections sections;
  const std::pair<absl::string_view, absl::Span<const uint8_t>*> wanted[] = {
      {".debug_info", &sections.info},     {".debug_abbrev", &sections.abbrev},
      {".debug_line", &sections.line},     {".debug_str", &sections.str},
      {".debug_ranges", &sections.ranges}, {".debug_loc", &sections.loc}};
  for (const wasm::CustomSection& section : module.parsed.custom_sections) {
    for (const auto& [name, bytes] : wanted) {
      if (section.name == name) *bytes = section.bytes;
    }
  }
  return MakeNativeDwarf(sections, module, environ::CodeSectionOffset(module), text, target);
}

}  // namespace gantry::cranelift
