#include "jit/load_debugger.h"

#include <elf.h>

#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "environ/core/func_key.h"

// The interface's own names; a debugger looks for them. Weak, since another JIT compiler in the
// process may bring them, too: then its list is used.
extern "C" {

enum GantryJitAction : uint32_t { kJitNoAction = 0, kJitRegister = 1, kJitUnregister = 2 };

struct GantryJitNode {
  GantryJitNode* next;
  GantryJitNode* previous;
  const char* image;
  uint64_t image_size;
};

struct GantryJitDescriptor {
  uint32_t version;
  uint32_t action;
  GantryJitNode* relevant;
  GantryJitNode* first;
};

__attribute__((weak, used))
GantryJitDescriptor __jit_debug_descriptor = {1, kJitNoAction, nullptr, nullptr};

// A debugger has a breakpoint here.
__attribute__((weak, noinline, used)) void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}

}  // extern "C"

namespace gantry::jit {

struct DebuggerListNode {
  GantryJitNode entry = {};
};

namespace {

std::mutex& ListMutex() {
  static std::mutex* const mutex = new std::mutex();
  return *mutex;
}

#if defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_X86_64;
#endif

// Sections of the image.
enum : uint16_t { kNull, kText, kEhFrame, kSymbols, kStrings, kNames, kFirstDebug };

template <typename T>
void Append(std::vector<uint8_t>& out, const T& value) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

uint32_t AppendName(std::string& names, absl::string_view name) {
  const size_t at = names.size();
  names.append(name.data(), name.size());
  names.push_back('\0');
  return static_cast<uint32_t>(at);
}

// Names of a module's functions, where it has some.
std::map<uint64_t, const std::string*> NamesByKey(const DebuggerEntry::Code& code) {
  std::map<uint64_t, const std::string*> names;
  for (size_t i = 0; i < code.modules.size(); ++i) {
    const environ::ModuleInfo& info = code.modules[i];
    for (const environ::FuncName& name : info.func_names) {
      if (name.func.raw() < info.num_imported_functions || name.name.empty()) continue;
      const wasm::DefinedFuncIndex defined(name.func.raw() - info.num_imported_functions);
      names[environ::FuncKey::WasmFunction(environ::ModuleId::FromIndex(i), defined).packed()] =
          &name.name;
    }
  }
  return names;
}

// An executable whose text lies elsewhere: at the address that its section has.
std::vector<uint8_t> MakeImage(const DebuggerEntry::Code& code) {
  const uint64_t base = reinterpret_cast<uintptr_t>(code.text.data());
  const std::map<uint64_t, const std::string*> names = NamesByKey(code);
  std::string strings(1, '\0');
  std::vector<uint8_t> symbols(sizeof(Elf64_Sym));
  for (const environ::FunctionRecord& function : code.tables->functions) {
    const auto named = names.find(function.key);
    Elf64_Sym symbol;
    std::memset(&symbol, 0, sizeof symbol);
    symbol.st_name =
        AppendName(strings, named != names.end() ? *named->second : function.func_key().Symbol());
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbol.st_shndx = kText;
    symbol.st_value = base + function.offset;
    symbol.st_size = function.size;
    Append(symbols, symbol);
  }

  std::string section_names(1, '\0');
  std::vector<Elf64_Shdr> headers(kFirstDebug + code.debug_sections.size());
  std::memset(headers.data(), 0, headers.size() * sizeof headers[0]);
  std::vector<uint8_t> image(sizeof(Elf64_Ehdr));
  const auto fill = [&](uint16_t section, const char* name, uint32_t type, uint64_t flags,
                        absl::Span<const uint8_t> contents) -> Elf64_Shdr& {
    image.resize((image.size() + 15) / 16 * 16);
    Elf64_Shdr& header = headers[section];
    header.sh_name = AppendName(section_names, name);
    header.sh_type = type;
    header.sh_flags = flags;
    header.sh_offset = image.size();
    header.sh_size = contents.size();
    header.sh_addralign = 16;
    if (type != SHT_NOBITS) image.insert(image.end(), contents.begin(), contents.end());
    return header;
  };
  fill(kText, ".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, code.text).sh_addr = base;
  fill(kEhFrame, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, code.eh_frame).sh_addr =
      reinterpret_cast<uintptr_t>(code.eh_frame.data());
  Elf64_Shdr& table = fill(kSymbols, ".symtab", SHT_SYMTAB, 0, symbols);
  table.sh_link = kStrings;
  table.sh_info = 1;
  table.sh_entsize = sizeof(Elf64_Sym);
  fill(kStrings, ".strtab", SHT_STRTAB, 0,
       {reinterpret_cast<const uint8_t*>(strings.data()), strings.size()});
  for (size_t i = 0; i < code.debug_sections.size(); ++i) {
    fill(static_cast<uint16_t>(kFirstDebug + i), environ::NativeDebug::kNames[i], SHT_PROGBITS, 0,
         code.debug_sections[i]);
  }
  for (const environ::NativeDebug::Address& address : code.debug_addresses) {
    if (address.section >= code.debug_sections.size()) continue;
    const Elf64_Shdr& header = headers[kFirstDebug + address.section];
    environ::PlaceAddress(absl::MakeSpan(image).subspan(header.sh_offset, header.sh_size),
                          address.offset, base - code.debug_base);
  }
  std::string all_names = section_names;
  AppendName(all_names, ".shstrtab");
  fill(kNames, ".shstrtab", SHT_STRTAB, 0,
       {reinterpret_cast<const uint8_t*>(all_names.data()), all_names.size()});

  Elf64_Ehdr elf;
  std::memset(&elf, 0, sizeof elf);
  std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
  elf.e_ident[EI_CLASS] = ELFCLASS64;
  elf.e_ident[EI_DATA] = ELFDATA2LSB;
  elf.e_ident[EI_VERSION] = EV_CURRENT;
  elf.e_type = ET_EXEC;
  elf.e_machine = kMachine;
  elf.e_version = EV_CURRENT;
  elf.e_ehsize = sizeof elf;
  elf.e_shentsize = sizeof(Elf64_Shdr);
  elf.e_shnum = static_cast<uint16_t>(headers.size());
  elf.e_shstrndx = kNames;
  image.resize((image.size() + 7) / 8 * 8);
  elf.e_shoff = image.size();
  for (const Elf64_Shdr& header : headers) Append(image, header);
  std::memcpy(image.data(), &elf, sizeof elf);
  return image;
}

void Notify(GantryJitAction action, GantryJitNode* node) {
  __jit_debug_descriptor.relevant = node;
  __jit_debug_descriptor.action = action;
  __jit_debug_register_code();
  __jit_debug_descriptor.action = kJitNoAction;
  __jit_debug_descriptor.relevant = nullptr;
}

}  // namespace

DebuggerEntry::DebuggerEntry() : node_(std::make_unique<DebuggerListNode>()) {}

absl::StatusOr<std::unique_ptr<DebuggerEntry>> DebuggerEntry::Register(const Code& code) {
  try {
    std::unique_ptr<DebuggerEntry> made(new DebuggerEntry());
    made->image_ = MakeImage(code);
    GantryJitNode& node = made->node_->entry;
    node.image = reinterpret_cast<const char*>(made->image_.data());
    node.image_size = made->image_.size();
    const std::lock_guard<std::mutex> lock(ListMutex());
    node.next = __jit_debug_descriptor.first;
    if (node.next != nullptr) node.next->previous = &node;
    __jit_debug_descriptor.first = &node;
    Notify(kJitRegister, &node);
    return made;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while describing code to debuggers");
  }
}

DebuggerEntry::~DebuggerEntry() {
  GantryJitNode& node = node_->entry;
  const std::lock_guard<std::mutex> lock(ListMutex());
  // One that failed half-way was never in the list.
  if (node.image == nullptr) return;
  (node.previous != nullptr ? node.previous->next : __jit_debug_descriptor.first) = node.next;
  if (node.next != nullptr) node.next->previous = node.previous;
  Notify(kJitUnregister, &node);
}

}  // namespace gantry::jit
