#include "jit/load.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "environ/artifact/artifact.h"
#include "jit/host_features.h"
#include "jit/load_debugger.h"
#include "runtime/branch_targets.h"
#include "runtime/host_arch.h"
#include "runtime/mmap.h"

// Of the unwinder in libgcc and in LLVM's libunwind; no header declares them.
extern "C" void __register_frame(void* eh_frame);
extern "C" void __deregister_frame(void* eh_frame);

namespace gantry::jit {
namespace {

// The memory of an artifact, with its call frame information registered while it lives.
struct LoadedArtifact {
  runtime::Mmap memory;
  void* registered_frames = nullptr;
  std::unique_ptr<DebuggerEntry> debugger_entry;

  LoadedArtifact() = default;
  LoadedArtifact(const LoadedArtifact&) = delete;
  LoadedArtifact& operator=(const LoadedArtifact&) = delete;
  // Before the memory goes.
  ~LoadedArtifact() {
    debugger_entry = nullptr;
    if (registered_frames != nullptr) __deregister_frame(registered_frames);
  }
};

// Code compiled later, with what its tables are views of.
struct AddedText : LoadedArtifact {
  environ::LinkedText text;
  std::vector<environ::FunctionRecord> functions;
  std::vector<uint32_t> by_key;

  environ::CodeTables Tables() {
    functions.reserve(text.functions.size());
    for (const environ::TextFunction& function : text.functions) {
      functions.push_back(environ::FunctionRecord::From(function));
    }
    by_key.resize(functions.size());
    for (uint32_t i = 0; i < by_key.size(); ++i) by_key[i] = i;
    std::sort(by_key.begin(), by_key.end(),
              [&](uint32_t a, uint32_t b) { return functions[a].key < functions[b].key; });
    environ::CodeTables tables;
    tables.functions = functions;
    tables.by_key = by_key;
    tables.trap_offsets = text.trap_offsets;
    tables.trap_codes = text.trap_codes;
    tables.trap_refunds = text.trap_refunds;
    tables.address_offsets = text.address_offsets;
    tables.address_wasm_offsets = text.address_wasm_offsets;
    tables.inline_offsets = text.inline_offsets;
    tables.inline_range_sites = text.inline_range_sites;
    tables.inline_sites = text.inline_sites;
    tables.stack_map_offsets = text.stack_map_offsets;
    tables.stack_map_lists = text.stack_map_lists;
    tables.slot_lists = text.slot_lists;
    tables.stack_map_slots = text.stack_map_slots;
    tables.handlers = text.handlers;
    return tables;
  }
};

void RegisterFrames(absl::Span<const uint8_t> eh_frame, LoadedArtifact& owner) {
  if (eh_frame.empty()) return;
  void* frames = const_cast<uint8_t*>(eh_frame.data());
  __register_frame(frames);
  owner.registered_frames = frames;
}

// Of an artifact of `size` bytes that lies in the owner's memory already: what is checked is what
// is used.
absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> Load(
    std::shared_ptr<LoadedArtifact> owner, size_t size, const LoadOptions& options) {
  runtime::Mmap& memory = owner->memory;
  ASSIGN_OR_RETURN(
      environ::ArtifactView view,
      environ::ArtifactView::Parse(absl::MakeConstSpan(memory.data(), size), options.verification));
  environ::ArtifactExpectation expectation;
  expectation.target = std::string(HostTriple());
  expectation.tunables = options.tunables;
  expectation.host_has_feature = HostHasFeature;
  RETURN_IF_ERROR(view.CheckCompatible(expectation));

  RETURN_IF_ERROR(memory.MakeReadOnly(0, memory.size()));
  const absl::Span<const uint8_t> text = view.text();
  if (!text.empty()) {
    const uint64_t start = text.data() - memory.data();
    if (start % runtime::HostPageSize() != 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("the artifact's text lies at offset ", start,
                       ", which is no multiple of this host's page size of ",
                       runtime::HostPageSize(), "; compile the module again on this host"));
    }
    // The text lies within the mapping, whose size is rounded up, so the rounding fits.
    const uint64_t length = *runtime::RoundUpToPage(text.size());
    RETURN_IF_ERROR(memory.MakeExecutable(start, length));
    if (view.marks_branch_targets()) {
      RETURN_IF_ERROR(runtime::host_arch::RefuseUnmarkedTargets(memory.data() + start, length));
    }
    runtime::host_arch::FlushInstructionCache(memory.data() + start, text.size());
  }

  if (options.register_unwind_info) RegisterFrames(view.eh_frame(), *owner);

  runtime::CodeObject::Parts parts;
  parts.text = text;
  parts.tables = view.tables();
  parts.tables_are_checked = true;
  for (environ::ArtifactView::Module& module : view.mutable_modules()) {
    parts.modules.push_back(std::move(module.info));
    parts.data.push_back(module.data);
    parts.debug.push_back(module.debug);
    parts.wasm.push_back(module.wasm);
  }
  if (options.register_debugger) {
    ASSIGN_OR_RETURN(owner->debugger_entry,
                     DebuggerEntry::Register({.text = text,
                                              .tables = &parts.tables,
                                              .modules = parts.modules,
                                              .eh_frame = view.eh_frame(),
                                              .debug_sections = view.debug_sections(),
                                              .debug_addresses = view.debug_addresses(),
                                              .debug_base = view.text_offset()}));
  }
  parts.artifact = absl::MakeConstSpan(memory.data(), size);
  parts.owner = std::move(owner);
  return runtime::CodeObject::Create(std::move(parts));
}

// All of it is written at once, so that large pages, where the host has them, save a fault for each
// small one.
void AskForLargePages(const runtime::Mmap& memory) {
#ifdef MADV_HUGEPAGE
  constexpr size_t kWorthwhile = size_t{4} << 20;
  // No more than advice: the host may have none.
  if (memory.size() >= kWorthwhile) madvise(memory.data(), memory.size(), MADV_HUGEPAGE);
#else
  static_cast<void>(memory);
#endif
}

// Closes a file when it goes out of scope.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> LoadArtifact(
    absl::Span<const uint8_t> artifact, const LoadOptions& options) {
  auto owner = std::make_shared<LoadedArtifact>();
  ASSIGN_OR_RETURN(owner->memory, runtime::Mmap::Allocate(artifact.size()));
  AskForLargePages(owner->memory);
  if (!artifact.empty()) std::memcpy(owner->memory.data(), artifact.data(), artifact.size());
  return Load(std::move(owner), artifact.size(), options);
}

absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> LoadArtifactFile(
    const std::string& path, const LoadOptions& options) {
  const OpenFile file(path);
  if (file.fd() < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("the artifact ", path, " cannot be opened"));
  }
  struct stat info = {};
  if (fstat(file.fd(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("the size of ", path, " cannot be found"));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is no file that can be mapped"));
  }
  auto owner = std::make_shared<LoadedArtifact>();
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  ASSIGN_OR_RETURN(owner->memory, runtime::Mmap::MapFile(file.fd(), size));
  return Load(std::move(owner), size, options);
}

absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> LoadAddedText(
    environ::LinkedText text, std::shared_ptr<const runtime::CodeObject> base,
    const LoadOptions& options) {
  auto owner = std::make_shared<AddedText>();
  owner->text = std::move(text);
  runtime::CodeObject::Parts parts;
  parts.tables = owner->Tables();
  parts.tables_are_checked = true;
  parts.base = std::move(base);

  const std::vector<uint8_t>& code = owner->text.text;
  const std::vector<uint8_t>& eh_frame = owner->text.eh_frame;
  // What is read behind a call is mapped (docs/abi.md, "Entry mark").
  constexpr uint64_t kBehindText = 8;
  const uint64_t frames_at = eh_frame.empty() ? code.size() : owner->text.eh_frame_distance;
  // Both are below 4 GiB.
  const uint64_t size = *runtime::RoundUpToPage(frames_at + eh_frame.size() + kBehindText);
  const uint64_t executable = *runtime::RoundUpToPage(code.size() + kBehindText);
  runtime::Mmap& memory = owner->memory;
  ASSIGN_OR_RETURN(memory, runtime::Mmap::Allocate(size));
  std::memcpy(memory.data(), code.data(), code.size());
  if (!eh_frame.empty()) std::memcpy(memory.data() + frames_at, eh_frame.data(), eh_frame.size());
  RETURN_IF_ERROR(memory.MakeReadOnly(0, size));
  RETURN_IF_ERROR(memory.MakeExecutable(0, executable));
  if (options.marks_branch_targets) {
    RETURN_IF_ERROR(runtime::host_arch::RefuseUnmarkedTargets(memory.data(), executable));
  }
  runtime::host_arch::FlushInstructionCache(memory.data(), code.size());

  parts.text = absl::MakeConstSpan(memory.data(), code.size());
  const auto placed_frames = absl::MakeConstSpan(memory.data() + frames_at, eh_frame.size());
  if (options.register_unwind_info) RegisterFrames(placed_frames, *owner);
  if (options.register_debugger) {
    ASSIGN_OR_RETURN(owner->debugger_entry,
                     DebuggerEntry::Register({.text = parts.text,
                                              .tables = &parts.tables,
                                              .modules = parts.base->modules(),
                                              .eh_frame = placed_frames}));
  }
  // The memory has them now.
  std::vector<uint8_t>().swap(owner->text.text);
  std::vector<uint8_t>().swap(owner->text.eh_frame);
  parts.owner = std::move(owner);
  return runtime::CodeObject::Create(std::move(parts));
}

}  // namespace gantry::jit
