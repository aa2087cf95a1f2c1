#include "base/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>

namespace gantry {
namespace {

struct Search {
  uintptr_t address;
  std::string found;
};

// Walks the notes of the object that holds the address.
int VisitObject(dl_phdr_info* info, size_t, void* data) {
  Search& search = *static_cast<Search*>(data);
  const auto begin_of = [&](const ElfW(Phdr) & header) { return info->dlpi_addr + header.p_vaddr; };
  bool is_here = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    is_here |= header.p_type == PT_LOAD && search.address - begin_of(header) < header.p_memsz;
  }
  if (!is_here) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const char* notes = reinterpret_cast<const char*>(begin_of(header));
    const size_t alignment = header.p_align == 8 ? 8 : 4;
    const auto align = [&](size_t size) { return (size + alignment - 1) / alignment * alignment; };
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= header.p_memsz;) {
      ElfW(Nhdr) note;
      std::memcpy(&note, notes + at, sizeof note);
      const size_t name = at + sizeof note;
      const size_t contents = name + align(note.n_namesz);
      if (contents > header.p_memsz || note.n_descsz > header.p_memsz - contents) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(notes + name, "GNU", 4) == 0) {
        search.found.assign(notes + contents, note.n_descsz);
        return 1;
      }
      at = contents + align(note.n_descsz);
    }
  }
  return 1;
}

}  // namespace

std::string BuildId() {
  Search search = {reinterpret_cast<uintptr_t>(&VisitObject), {}};
  dl_iterate_phdr(VisitObject, &search);
  return search.found;
}

}  // namespace gantry
