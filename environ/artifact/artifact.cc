#include "environ/artifact/artifact.h"

#include <elf.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "environ/artifact/elf_file.h"
#include "environ/artifact/metadata.pb.h"
#include "environ/artifact/module_info_codec.h"
#include "environ/core/version.h"
#include "google/protobuf/arena.h"

namespace gantry::environ {
namespace {

constexpr char kMeta[] = ".gantry.meta";
constexpr char kModules[] = ".gantry.modules";
constexpr char kFunctions[] = ".gantry.functions";
constexpr char kKeys[] = ".gantry.keys";
constexpr char kTrapOffsets[] = ".gantry.traps.pc";
constexpr char kTrapCodes[] = ".gantry.traps.code";
constexpr char kTrapRefunds[] = ".gantry.traps.fuel";
constexpr char kAddressOffsets[] = ".gantry.addresses.pc";
constexpr char kAddressWasm[] = ".gantry.addresses.wasm";
constexpr char kInlineOffsets[] = ".gantry.inlined.pc";
constexpr char kInlineRangeSites[] = ".gantry.inlined.site";
constexpr char kInlineSites[] = ".gantry.inlined.call";
constexpr char kStackMapOffsets[] = ".gantry.stackmaps.pc";
constexpr char kStackMapLists[] = ".gantry.stackmaps.list";
constexpr char kSlotLists[] = ".gantry.stackmaps.range";
constexpr char kStackMapSlots[] = ".gantry.stackmaps.slot";
constexpr char kHandlers[] = ".gantry.handlers";
constexpr char kText[] = ".text";
constexpr char kEhFrame[] = ".eh_frame";
constexpr char kData[] = ".gantry.data";
constexpr char kDebug[] = ".gantry.debug";
constexpr char kWasm[] = ".gantry.wasm";
constexpr char kDebugAddresses[] = ".gantry.debug.at";
constexpr char kSymbols[] = ".symtab";
constexpr char kSymbolNames[] = ".strtab";

// What is known per function and per address, in the order in which it is hashed.
constexpr const char* kTableSections[] = {
    kFunctions,        kKeys,           kTrapOffsets,     kTrapCodes,
    kTrapRefunds,      kAddressOffsets, kAddressWasm,     kInlineOffsets,
    kInlineRangeSites, kInlineSites,    kStackMapOffsets, kStackMapLists,
    kSlotLists,        kStackMapSlots,  kHandlers,        kEhFrame,
};

constexpr size_t kDigestSize = 32;
constexpr size_t kMaxMetadata = 1 << 20;

// One entry of .gantry.modules' table: how long the module's parts are.
struct ModuleSizes {
  uint64_t info_size;
  uint64_t data_size;
  uint64_t debug_size;
  uint64_t wasm_size;
};

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a usable artifact: ", what));
}

// SHA-256 over the parts, each after its length.
std::string Digest(absl::Span<const absl::Span<const uint8_t>> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  CHECK(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  for (const absl::Span<const uint8_t> part : parts) {
    const uint64_t size = part.size();
    CHECK(EVP_DigestUpdate(context.get(), &size, sizeof size) == 1);
    CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context.get(), digest, &size) == 1);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

std::string HeadersDigest(const ElfView& elf) {
  return Digest({elf.headers().start, elf.headers().names, elf.headers().sections});
}

// Of what debuggers read: symbols, native DWARF and its addresses.
absl::StatusOr<std::string> DebugDigest(const ElfView& elf, bool has_native_debug) {
  std::vector<const char*> names = {kSymbols, kSymbolNames, kDebugAddresses};
  if (has_native_debug) {
    names.insert(names.end(), std::begin(NativeDebug::kNames), std::end(NativeDebug::kNames));
  }
  std::vector<absl::Span<const uint8_t>> parts;
  for (const char* name : names) {
    ASSIGN_OR_RETURN(parts.emplace_back(), elf.Section(name));
  }
  return Digest(parts);
}

template <typename T>
absl::Span<const uint8_t> AsBytes(absl::Span<const T> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)};
}
template <typename T>
absl::Span<const uint8_t> AsBytes(const std::vector<T>& values) {
  return AsBytes(absl::MakeConstSpan(values));
}

absl::Span<const uint8_t> TextBytes(absl::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A section as an array of T; its bytes have to be a whole number of them, aligned.
template <typename T>
absl::StatusOr<absl::Span<const T>> AsArray(const ElfView& elf, const char* name) {
  ASSIGN_OR_RETURN(const absl::Span<const uint8_t> bytes, elf.Section(name));
  if (bytes.size() % sizeof(T) != 0 ||
      reinterpret_cast<uintptr_t>(bytes.data()) % alignof(T) != 0) {
    return Malformed(absl::StrCat("section ", name, " is not an array of its elements"));
  }
  return absl::Span<const T>(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
}

absl::StatusOr<uint16_t> ElfMachine(absl::string_view target) {
  if (absl::StartsWith(target, "x86_64")) return EM_X86_64;
  if (absl::StartsWith(target, "aarch64")) return EM_AARCH64;
  return absl::InvalidArgumentError(
      absl::StrCat("target ", target, " has no ELF machine number; known are x86_64, aarch64"));
}

void AddSettings(const ArtifactSettings& settings,
                 google::protobuf::RepeatedPtrField<Setting>* out) {
  for (const auto& [name, value] : settings) {
    Setting* setting = out->Add();
    setting->set_name(name);
    setting->set_value(value);
  }
}

ArtifactSettings ReadSettings(const google::protobuf::RepeatedPtrField<Setting>& settings) {
  ArtifactSettings out;
  for (const Setting& setting : settings) out.emplace_back(setting.name(), setting.value());
  return out;
}

std::vector<FunctionRecord> FunctionTable(const LinkedText& text) {
  std::vector<FunctionRecord> records;
  records.reserve(text.functions.size());
  for (const TextFunction& function : text.functions) {
    records.push_back(FunctionRecord::From(function));
  }
  return records;
}

std::vector<uint32_t> KeyTable(const std::vector<FunctionRecord>& records) {
  std::vector<uint32_t> keys(records.size());
  for (uint32_t i = 0; i < keys.size(); ++i) keys[i] = i;
  const auto is_before = [&](uint32_t a, uint32_t b) { return records[a].key < records[b].key; };
  // As a rule the text is in that order.
  if (!std::is_sorted(keys.begin(), keys.end(), is_before)) {
    std::sort(keys.begin(), keys.end(), is_before);
  }
  return keys;
}

// .gantry.modules: the sizes of all modules, then their ModuleInfos.
std::vector<uint8_t> ModulesSection(const std::vector<ArtifactModule>& modules) {
  std::vector<uint8_t> out(modules.size() * sizeof(ModuleSizes));
  for (size_t i = 0; i < modules.size(); ++i) {
    const std::vector<uint8_t> info = EncodeModuleInfo(*modules[i].info);
    const ModuleSizes sizes = {info.size(), modules[i].data.size(), modules[i].debug.size(),
                               modules[i].wasm.size()};
    std::memcpy(out.data() + i * sizeof sizes, &sizes, sizeof sizes);
    out.insert(out.end(), info.begin(), info.end());
  }
  return out;
}

// One part of all modules, one after the other: where it lies if there is one module, else in
// `all`.
absl::Span<const uint8_t> JoinModules(const std::vector<ArtifactModule>& modules,
                                      absl::Span<const uint8_t> ArtifactModule::*part,
                                      std::vector<uint8_t>& all) {
  if (modules.size() == 1) return modules[0].*part;
  for (const ArtifactModule& module : modules) {
    all.insert(all.end(), (module.*part).begin(), (module.*part).end());
  }
  return all;
}

absl::StatusOr<std::vector<ArtifactView::Module>> ReadModules(absl::Span<const uint8_t> section,
                                                              absl::Span<const uint8_t> data,
                                                              absl::Span<const uint8_t> debug,
                                                              absl::Span<const uint8_t> wasm,
                                                              uint32_t count) {
  if (section.size() / sizeof(ModuleSizes) < count) {
    return Malformed("there are more modules than module data");
  }
  std::vector<ArtifactView::Module> modules(count);
  absl::Span<const uint8_t> infos = section.subspan(count * sizeof(ModuleSizes));
  for (uint32_t i = 0; i < count; ++i) {
    ModuleSizes sizes;
    std::memcpy(&sizes, section.data() + i * sizeof sizes, sizeof sizes);
    if (sizes.info_size > infos.size() || sizes.data_size > data.size() ||
        sizes.debug_size > debug.size() || sizes.wasm_size > wasm.size()) {
      return Malformed("a module's data reaches past the end of its section");
    }
    modules[i].data = data.first(sizes.data_size);
    ASSIGN_OR_RETURN(modules[i].info,
                     DecodeModuleInfo(infos.first(sizes.info_size), sizes.data_size));
    infos.remove_prefix(sizes.info_size);
    data.remove_prefix(sizes.data_size);
    modules[i].debug = debug.first(sizes.debug_size);
    debug.remove_prefix(sizes.debug_size);
    modules[i].wasm = wasm.first(sizes.wasm_size);
    wasm.remove_prefix(sizes.wasm_size);
  }
  return modules;
}

// "consume_fuel is true, not false" for each line of the two canonical texts that differs.
std::vector<std::string> TunablesDifferences(absl::string_view is, absl::string_view expected) {
  std::vector<std::string> differences;
  const std::vector<absl::string_view> a = absl::StrSplit(is, '\n');
  const std::vector<absl::string_view> b = absl::StrSplit(expected, '\n');
  for (size_t i = 0; i < b.size(); ++i) {
    const std::pair<absl::string_view, absl::string_view> want =
        absl::StrSplit(b[i], absl::MaxSplits('=', 1));
    if (i >= a.size()) {
      differences.push_back(absl::StrCat("it does not say its ", want.first));
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> have =
        absl::StrSplit(a[i], absl::MaxSplits('=', 1));
    if (have == want) continue;
    differences.push_back(
        absl::StrCat("its ", want.first, " is ", have.second, ", not ", want.second));
  }
  return differences;
}

}  // namespace

absl::StatusOr<std::vector<uint8_t>> WriteArtifact(const ArtifactContents& contents) {
  const LinkedText& text = *contents.text;
  ASSIGN_OR_RETURN(const uint16_t machine, ElfMachine(contents.target));
  CHECK(contents.page_alignment >= text.alignment && contents.page_alignment % text.alignment == 0);

  const std::vector<FunctionRecord> functions = FunctionTable(text);
  const std::vector<uint32_t> keys = KeyTable(functions);
  const std::vector<uint8_t> modules = ModulesSection(contents.modules);
  std::vector<uint8_t> all_data, all_debug, all_wasm;
  const auto data = JoinModules(contents.modules, &ArtifactModule::data, all_data);
  const auto debug = JoinModules(contents.modules, &ArtifactModule::debug, all_debug);
  const auto wasm = JoinModules(contents.modules, &ArtifactModule::wasm, all_wasm);
  const absl::Span<const uint8_t> tables[] = {
      AsBytes(functions),
      AsBytes(keys),
      AsBytes(text.trap_offsets),
      AsBytes(text.trap_codes),
      AsBytes(text.trap_refunds),
      AsBytes(text.address_offsets),
      AsBytes(text.address_wasm_offsets),
      AsBytes(text.inline_offsets),
      AsBytes(text.inline_range_sites),
      AsBytes(text.inline_sites),
      AsBytes(text.stack_map_offsets),
      AsBytes(text.stack_map_lists),
      AsBytes(text.slot_lists),
      AsBytes(text.stack_map_slots),
      AsBytes(text.handlers),
      AsBytes(text.eh_frame),
  };
  static_assert(std::size(tables) == std::size(kTableSections));

  // In an arena: a message that runs out of memory while it grows would lose what it was adding.
  google::protobuf::Arena arena;
  ArtifactMetadata& meta = *google::protobuf::Arena::CreateMessage<ArtifactMetadata>(&arena);
  meta.set_version(kVersion);
  meta.set_compiler(contents.compiler);
  meta.set_target(contents.target);
  AddSettings(contents.flags, meta.mutable_flags());
  AddSettings(contents.isa_flags, meta.mutable_isa_flags());
  meta.set_tunables(contents.tunables.CanonicalText());
  meta.set_text_digest(Digest({text.text, data, debug, wasm}));
  meta.set_modules_digest(Digest({modules}));
  meta.set_tables_digest(Digest(tables));
  meta.set_text_alignment(contents.page_alignment);
  meta.set_marks_branch_targets(contents.marks_branch_targets);
  meta.set_module_count(static_cast<uint32_t>(contents.modules.size()));
  // Digests of what is made with the file are written into their places when it is there.
  meta.set_debug_digest(std::string(kDigestSize, '\0'));
  const std::string meta_bytes = std::string(2 * kDigestSize, '\0') + meta.SerializeAsString();

  const NativeDebug no_debug;
  ElfWriter elf(machine);
  elf.AddSection({.name = kMeta}, TextBytes(meta_bytes));
  elf.AddSection({.name = kModules}, modules);
  // All but .eh_frame, which belongs behind the text.
  for (size_t i = 0; i + 1 < std::size(tables); ++i) {
    elf.AddSection({.name = kTableSections[i]}, tables[i]);
  }
  const int text_section =
      elf.AddSection({.name = kText,
                      .flags = SHF_ALLOC | SHF_EXECINSTR,
                      .alignment = std::max<uint64_t>(contents.page_alignment, text.alignment)},
                     text.text);
  if (!text.eh_frame.empty()) {
    CHECK(text.eh_frame_distance == (text.text.size() + 7) / 8 * 8) << text.eh_frame_distance;
  }
  elf.AddSection({.name = kEhFrame, .flags = SHF_ALLOC}, text.eh_frame);
  // Data from a page on can be mapped into memories; not worth a page for little data.
  elf.AddSection(
      {.name = kData,
       .alignment = data.size() >= contents.page_alignment ? contents.page_alignment : uint64_t{8}},
      data);
  elf.AddSection({.name = kDebug}, debug);
  elf.AddSection({.name = kWasm}, wasm);
  const NativeDebug& native_debug =
      contents.native_debug != nullptr ? *contents.native_debug : no_debug;
  elf.AddSection({.name = kDebugAddresses}, AsBytes(native_debug.addresses));
  if (!native_debug.empty()) {
    for (size_t i = 0; i < NativeDebug::kNumSections; ++i) {
      elf.AddSection({.name = NativeDebug::kNames[i], .alignment = 1}, native_debug.sections[i]);
    }
  }
  for (const TextFunction& function : text.functions) {
    elf.AddFunctionSymbol(function.key.Symbol(), text_section, function.offset, function.size);
  }
  std::vector<uint8_t> file = std::move(elf).Finish();
  ASSIGN_OR_RETURN(const ElfView written, ElfView::Parse(file));
  if (!native_debug.empty()) {
    ASSIGN_OR_RETURN(const absl::Span<const uint8_t> code, written.Section(kText));
    const uint64_t base = written.OffsetOf(code);
    for (const NativeDebug::Address& address : native_debug.addresses) {
      ASSIGN_OR_RETURN(const absl::Span<const uint8_t> section,
                       written.Section(NativeDebug::kNames[address.section]));
      PlaceAddress(absl::MakeSpan(file.data() + written.OffsetOf(section), section.size()),
                   address.offset, base);
    }
  }
  ASSIGN_OR_RETURN(const absl::Span<const uint8_t> placed, written.Section(kMeta));
  ASSIGN_OR_RETURN(const std::string debug_digest,
                   DebugDigest(written, !native_debug.addresses.empty()));
  meta.set_debug_digest(debug_digest);
  const std::string message = meta.SerializeAsString();
  const std::string contents_of_meta =
      Digest({TextBytes(message)}) + HeadersDigest(written) + message;
  CHECK_EQ(contents_of_meta.size(), placed.size());
  std::memcpy(file.data() + written.OffsetOf(placed), contents_of_meta.data(), placed.size());
  return file;
}

bool LooksLikeArtifact(absl::Span<const uint8_t> bytes) {
  return bytes.size() >= SELFMAG && std::memcmp(bytes.data(), ELFMAG, SELFMAG) == 0;
}

absl::StatusOr<ArtifactView> ArtifactView::Parse(absl::Span<const uint8_t> file,
                                                 Verification verification) {
  ASSIGN_OR_RETURN(const ElfView elf, ElfView::Parse(file));
  ASSIGN_OR_RETURN(absl::Span<const uint8_t> meta_bytes, elf.Section(kMeta));
  if (meta_bytes.size() < 2 * kDigestSize || meta_bytes.size() > kMaxMetadata) {
    return Malformed("its metadata has no plausible size");
  }
  const absl::Span<const uint8_t> digest = meta_bytes.first(kDigestSize);
  if (TextBytes(HeadersDigest(elf)) != meta_bytes.subspan(kDigestSize, kDigestSize)) {
    return Malformed("its headers were changed");
  }
  meta_bytes.remove_prefix(2 * kDigestSize);
  google::protobuf::Arena arena;
  ArtifactMetadata& meta = *google::protobuf::Arena::CreateMessage<ArtifactMetadata>(&arena);
  if (TextBytes(Digest({meta_bytes})) != digest ||
      !meta.ParseFromArray(meta_bytes.data(), static_cast<int>(meta_bytes.size()))) {
    return Malformed("its metadata was changed");
  }
  ArtifactView view;
  view.version_ = meta.version();
  view.compiler_ = meta.compiler();
  view.target_ = meta.target();
  view.flags_ = ReadSettings(meta.flags());
  view.isa_flags_ = ReadSettings(meta.isa_flags());
  view.tunables_ = meta.tunables();
  view.text_alignment_ = meta.text_alignment();
  view.marks_branch_targets_ = meta.marks_branch_targets();
  // The form of everything else may differ in another version.
  if (view.version_ != kVersion) return view;

  absl::Span<const uint8_t> tables[std::size(kTableSections)];
  for (size_t i = 0; i < std::size(kTableSections); ++i) {
    ASSIGN_OR_RETURN(tables[i], elf.Section(kTableSections[i]));
  }
  ASSIGN_OR_RETURN(view.text_, elf.Section(kText));
  ASSIGN_OR_RETURN(const absl::Span<const uint8_t> modules, elf.Section(kModules));
  ASSIGN_OR_RETURN(const absl::Span<const uint8_t> data, elf.Section(kData));
  ASSIGN_OR_RETURN(const absl::Span<const uint8_t> debug, elf.Section(kDebug));
  ASSIGN_OR_RETURN(const absl::Span<const uint8_t> wasm, elf.Section(kWasm));
  if (Digest({modules}) != meta.modules_digest()) return Malformed("its modules were changed");
  if (verification == Verification::kFull) {
    if (Digest(tables) != meta.tables_digest()) return Malformed("its tables were changed");
    if (Digest({view.text_, data, debug, wasm}) != meta.text_digest())
      return Malformed("its code was changed");
    ASSIGN_OR_RETURN(const absl::Span<const uint8_t> addresses, elf.Section(kDebugAddresses));
    ASSIGN_OR_RETURN(const std::string found, DebugDigest(elf, !addresses.empty()));
    if (found != meta.debug_digest()) return Malformed("its debug sections were changed");
  }
  view.text_offset_ = elf.OffsetOf(view.text_);
  const uint32_t alignment = view.text_alignment_;
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > (1 << 16) ||
      view.text_offset_ % alignment != 0) {
    return Malformed("its code is not aligned as it says");
  }
  ASSIGN_OR_RETURN(view.debug_addresses_, AsArray<NativeDebug::Address>(elf, kDebugAddresses));
  if (!view.debug_addresses_.empty()) {
    for (const char* name : NativeDebug::kNames) {
      ASSIGN_OR_RETURN(view.debug_sections_.emplace_back(), elf.Section(name));
    }
  }
  ASSIGN_OR_RETURN(view.eh_frame_, elf.Section(kEhFrame));
  const size_t eh_frame_offset = elf.OffsetOf(view.eh_frame_);
  if (!view.eh_frame_.empty() && eh_frame_offset < view.text_offset_ + view.text_.size()) {
    return Malformed("its unwind table does not lie behind its code");
  }
  view.eh_frame_distance_ = eh_frame_offset - view.text_offset_;

  CodeTables& t = view.tables_;
  ASSIGN_OR_RETURN(t.functions, AsArray<FunctionRecord>(elf, kFunctions));
  ASSIGN_OR_RETURN(t.by_key, AsArray<uint32_t>(elf, kKeys));
  ASSIGN_OR_RETURN(t.trap_offsets, AsArray<uint32_t>(elf, kTrapOffsets));
  ASSIGN_OR_RETURN(t.trap_codes, AsArray<uint8_t>(elf, kTrapCodes));
  ASSIGN_OR_RETURN(t.trap_refunds, AsArray<uint32_t>(elf, kTrapRefunds));
  ASSIGN_OR_RETURN(t.address_offsets, AsArray<uint32_t>(elf, kAddressOffsets));
  ASSIGN_OR_RETURN(t.address_wasm_offsets, AsArray<uint32_t>(elf, kAddressWasm));
  ASSIGN_OR_RETURN(t.inline_offsets, AsArray<uint32_t>(elf, kInlineOffsets));
  ASSIGN_OR_RETURN(t.inline_range_sites, AsArray<uint32_t>(elf, kInlineRangeSites));
  ASSIGN_OR_RETURN(t.inline_sites, AsArray<InlineSite>(elf, kInlineSites));
  ASSIGN_OR_RETURN(t.stack_map_offsets, AsArray<uint32_t>(elf, kStackMapOffsets));
  ASSIGN_OR_RETURN(t.stack_map_lists, AsArray<uint32_t>(elf, kStackMapLists));
  ASSIGN_OR_RETURN(t.slot_lists, AsArray<SlotList>(elf, kSlotLists));
  ASSIGN_OR_RETURN(t.stack_map_slots, AsArray<uint32_t>(elf, kStackMapSlots));
  ASSIGN_OR_RETURN(t.handlers, AsArray<HandlerEntry>(elf, kHandlers));
  if (verification == Verification::kFull) RETURN_IF_ERROR(t.Validate(view.text_.size()));

  ASSIGN_OR_RETURN(view.modules_, ReadModules(modules, data, debug, wasm, meta.module_count()));
  return view;
}

absl::Status ArtifactView::CheckCompatible(const ArtifactExpectation& expectation) const {
  std::vector<std::string> differences;
  // How to compile it so that it fits.
  std::vector<std::string> remedies;
  if (version_ != kVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the artifact was made by Gantry ", version_,
                                                      ", this is ", kVersion,
                                                      "; compile the module again"));
  }
  if (target_ != expectation.target) {
    differences.push_back(absl::StrCat("its target is ", target_, ", not ", expectation.target));
    remedies.push_back(absl::StrCat("for ", expectation.target));
  }
  if (expectation.tunables != nullptr) {
    const std::string expected = expectation.tunables->CanonicalText();
    if (tunables_ != expected) {
      for (const std::string& difference : TunablesDifferences(tunables_, expected)) {
        differences.push_back(difference);
      }
      remedies.push_back("with these settings");
    }
  }
  // Those of another target mean nothing here.
  if (expectation.host_has_feature && target_ == expectation.target) {
    bool missing = false;
    for (const auto& [name, value] : isa_flags_) {
      // The others say how code is made, for any processor.
      if (!absl::StartsWith(name, "has_")) continue;
      if (value != "true" || expectation.host_has_feature(name)) continue;
      differences.push_back(absl::StrCat("it needs the CPU feature ", name));
      missing = true;
    }
    if (missing) remedies.push_back("on this machine, or for its target without those features");
  }
  if (differences.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the artifact does not fit this engine: ", absl::StrJoin(differences, "; "),
                   "; compile the module again ", absl::StrJoin(remedies, ", ")));
}

}  // namespace gantry::environ
