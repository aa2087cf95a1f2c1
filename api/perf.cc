// Tested by debugging_test and //tests/debugger:perf_test.
#include "api/perf.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "api/module_state.h"
#include "base/status_macros.h"
#include "environ/core/dwarf_rows.h"

namespace gantry {
namespace {

// A function by the names of module and name section where there are such, else by its key.
std::string SymbolOf(const runtime::CodeObject& code, const environ::FuncKey& key) {
  std::string symbol = key.Symbol();
  if (key.kind() == environ::FuncKeyKind::kWasmFunction) {
    const environ::ModuleInfo& info = code.module(key.module());
    const absl::string_view name = info.FuncNameOf(info.Index(key.defined_function()));
    if (!name.empty()) {
      symbol = info.name.empty() ? std::string(name) : absl::StrCat(info.name, "!", name);
    }
  }
  // For files with a line each or ended by zeroes; names are a guest's.
  for (char& c : symbol) {
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  }
  return symbol;
}

absl::Status WriteAll(int file, absl::Span<const uint8_t> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      return absl::ErrnoToStatus(errno, path);
    }
  }
  return absl::OkStatus();
}

#if defined(__aarch64__)
constexpr uint32_t kMachine = EM_AARCH64;
#else
constexpr uint32_t kMachine = EM_X86_64;
#endif

enum RecordKind : uint32_t { kCodeLoad = 0, kCodeDebugInfo = 2, kCodeClose = 3 };

// perf record has to use the same clock (-k mono).
uint64_t Now() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

class Bytes {
 public:
  template <typename T>
  void Put(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void PutText(absl::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_.push_back(0);
  }
  void PutBytes(absl::Span<const uint8_t> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  // A record's head, whose length EndRecord fills in.
  void BeginRecord(RecordKind kind) {
    start_ = bytes_.size();
    Put<uint32_t>(kind);
    Put<uint32_t>(0);
    Put<uint64_t>(Now());
  }
  void EndRecord() {
    const uint32_t size = static_cast<uint32_t>(bytes_.size() - start_);
    std::memcpy(bytes_.data() + start_ + 4, &size, sizeof size);
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
  size_t start_ = 0;
};

// By ModuleId, of those that have line tables.
using LinesOfModules = std::map<uint32_t, environ::DwarfRows>;

// The source lines of a function's code, as a record in front of the code's own.
void PutLines(const runtime::CodeObject& code, const LinesOfModules& lines_of,
              const environ::FunctionRecord& function, Bytes& out) {
  if (function.func_key().kind() != environ::FuncKeyKind::kWasmFunction) return;
  const environ::ModuleId module = function.func_key().module();
  const auto known = lines_of.find(module.raw());
  if (known == lines_of.end()) return;
  const environ::DwarfRows* const lines = &known->second;
  const uint32_t code_offset = code.debug(module).code_offset();
  const environ::CodeTables& tables = code.tables();
  const auto first = std::lower_bound(tables.address_offsets.begin(), tables.address_offsets.end(),
                                      function.offset);
  struct Line {
    uint64_t address;
    uint32_t line;
    std::string file;
  };
  std::vector<Line> found;
  std::vector<environ::DwarfRows::Row> rows;
  std::map<uint64_t, std::string> files;
  for (auto it = first; it != tables.address_offsets.end() && *it - function.offset < function.size;
       ++it) {
    const uint32_t wasm =
        tables.address_wasm_offsets[static_cast<size_t>(it - tables.address_offsets.begin())];
    if (wasm == environ::kNoWasmOffset || wasm < code_offset) continue;
    const uint32_t address = wasm - code_offset;
    if (rows.empty() || address < rows.front().address || address >= rows.back().address) {
      rows = lines->Around(address);
      files.clear();
    }
    auto row = std::upper_bound(
        rows.begin(), rows.end(), address,
        [](uint32_t value, const environ::DwarfRows::Row& r) { return value < r.address; });
    if (row == rows.begin() || (--row)->line == 0 || row->is_end) continue;
    const auto [file, is_new] = files.try_emplace(row->file);
    if (is_new) file->second = lines->FileOf(*row).value_or("");
    if (file->second.empty()) continue;
    const uint64_t at = reinterpret_cast<uintptr_t>(code.text().data()) + *it;
    if (!found.empty() && found.back().line == row->line && found.back().file == file->second) {
      continue;
    }
    found.push_back({at, row->line, file->second});
  }
  if (found.empty()) return;
  out.BeginRecord(kCodeDebugInfo);
  out.Put<uint64_t>(reinterpret_cast<uintptr_t>(code.text().data()) + function.offset);
  out.Put<uint64_t>(found.size());
  for (const Line& line : found) {
    out.Put<uint64_t>(line.address);
    out.Put<uint32_t>(line.line);
    out.Put<uint32_t>(0);  // discriminator
    out.PutText(line.file);
  }
  out.EndRecord();
}

}  // namespace

namespace {

absl::Status AppendNames(const runtime::CodeObject& code) {
  const uintptr_t start = reinterpret_cast<uintptr_t>(code.text().data());
  std::string text;
  for (const environ::FunctionRecord& function : code.tables().functions) {
    absl::StrAppend(&text, absl::Hex(start + function.offset), " ", absl::Hex(function.size), " ",
                    SymbolOf(code, function.func_key()), "\n");
  }
  const std::string path = absl::StrCat("/tmp/perf-", getpid(), ".map");
  // Not through a link that somebody else has put there.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  const absl::Status status =
      WriteAll(fd, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, path);
  close(fd);
  return status;
}

}  // namespace

absl::Status AppendPerfMap(const Module& module) {
  const runtime::Module& loaded = *module.state()->runtime();
  RETURN_IF_ERROR(AppendNames(loaded.code()));
  if (loaded.tier_up() != nullptr) {
    // What a profiler misses is told nobody: the guest goes on.
    loaded.tier_up()->Listen([](const runtime::CodeObject& added) { (void)AppendNames(added); });
  }
  return absl::OkStatus();
}

class JitDump::File {
 public:
  File(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~File() {
    if (marker_ != nullptr) munmap(marker_, PageSize());
    close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }

  absl::Status Begin() {
    Bytes head;
    head.Put<uint32_t>(0x4A695444);  // "JiTD"
    head.Put<uint32_t>(1);           // version
    head.Put<uint32_t>(40);          // size of this
    head.Put<uint32_t>(kMachine);
    head.Put<uint32_t>(0);
    head.Put<uint32_t>(static_cast<uint32_t>(getpid()));
    head.Put<uint64_t>(Now());
    head.Put<uint64_t>(0);  // flags
    RETURN_IF_ERROR(WriteAll(descriptor_, head.bytes(), path_));
    // By which perf record learns of the file: a page of it, mapped as executable.
    void* const marker =
        mmap(nullptr, PageSize(), PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor_, 0);
    if (marker == MAP_FAILED) {
      return absl::ErrnoToStatus(errno, absl::StrCat(path_, " cannot be mapped for perf"));
    }
    marker_ = marker;
    return absl::OkStatus();
  }

  void End() {
    const std::lock_guard<std::mutex> lock(mutex_);
    Bytes end;
    end.BeginRecord(kCodeClose);
    end.EndRecord();
    is_ended_ = true;
    // One that can't be written ends where the file ends.
    static_cast<void>(WriteAll(descriptor_, end.bytes(), path_));
  }

  absl::Status Append(const runtime::CodeObject& code) {
    LinesOfModules lines_of;
    for (size_t i = 0; i < code.num_modules(); ++i) {
      const environ::ModuleDebug debug = code.debug(environ::ModuleId::FromIndex(i));
      if (!debug.lines().line.empty()) {
        lines_of.try_emplace(static_cast<uint32_t>(i), debug.lines());
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_ended_) return absl::OkStatus();
    for (const environ::FunctionRecord& function : code.tables().functions) {
      Bytes out;
      PutLines(code, lines_of, function, out);
      const absl::Span<const uint8_t> bytes = code.text().subspan(function.offset, function.size);
      out.BeginRecord(kCodeLoad);
      out.Put<uint32_t>(static_cast<uint32_t>(getpid()));
      out.Put<uint32_t>(static_cast<uint32_t>(syscall(SYS_gettid)));
      out.Put<uint64_t>(reinterpret_cast<uintptr_t>(bytes.data()));
      out.Put<uint64_t>(reinterpret_cast<uintptr_t>(bytes.data()));
      out.Put<uint64_t>(bytes.size());
      out.Put<uint64_t>(next_index_++);
      out.PutText(SymbolOf(code, function.func_key()));
      out.PutBytes(bytes);
      out.EndRecord();
      RETURN_IF_ERROR(WriteAll(descriptor_, out.bytes(), path_));
    }
    return absl::OkStatus();
  }

 private:
  static size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

  const std::string path_;
  const int descriptor_;
  void* marker_ = nullptr;
  std::mutex mutex_;
  uint64_t next_index_ = 0;
  bool is_ended_ = false;
};

absl::StatusOr<std::unique_ptr<JitDump>> JitDump::Create(const std::string& directory) {
  std::string path = absl::StrCat(directory, "/jit-", getpid(), ".dump");
  const int descriptor =
      open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, path);
  auto file = std::make_shared<File>(std::move(path), descriptor);
  RETURN_IF_ERROR(file->Begin());
  return std::unique_ptr<JitDump>(new JitDump(std::move(file)));
}

JitDump::~JitDump() { file_->End(); }

const std::string& JitDump::path() const { return file_->path(); }

absl::Status JitDump::Append(const Module& module) {
  const runtime::Module& loaded = *module.state()->runtime();
  RETURN_IF_ERROR(file_->Append(loaded.code()));
  if (loaded.tier_up() != nullptr) {
    loaded.tier_up()->Listen(
        [file = file_](const runtime::CodeObject& added) { (void)file->Append(added); });
  }
  return absl::OkStatus();
}

}  // namespace gantry
