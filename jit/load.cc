#include "jit/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "environ/artifact/artifact.h"
#include "jit/host_features.h"
#include "jit/load_debugger.h"
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
    runtime::host_arch::FlushInstructionCache(memory.data() + start, text.size());
  }

  if (options.register_unwind_info && !view.eh_frame().empty()) {
    void* frames = const_cast<uint8_t*>(view.eh_frame().data());
    __register_frame(frames);
    owner->registered_frames = frames;
  }

  runtime::CodeObject::Parts parts;
  parts.text = text;
  parts.tables = view.tables();
  parts.tables_are_checked = true;
  for (environ::ArtifactView::Module& module : view.mutable_modules()) {
    parts.modules.push_back(std::move(module.info));
    parts.data.push_back(module.data);
    parts.debug.push_back(module.debug);
  }
  if (options.register_debugger) {
    ASSIGN_OR_RETURN(owner->debugger_entry, DebuggerEntry::Register({.text = text,
                                                                     .tables = &parts.tables,
                                                                     .modules = parts.modules,
                                                                     .eh_frame = view.eh_frame()}));
  }
  parts.artifact = absl::MakeConstSpan(memory.data(), size);
  parts.owner = std::move(owner);
  return runtime::CodeObject::Create(std::move(parts));
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

}  // namespace gantry::jit
