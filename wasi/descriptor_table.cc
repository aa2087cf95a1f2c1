#include "wasi/descriptor_table.h"

#include <utility>

#include "base/status_macros.h"

namespace gantry::wasi {

ErrnoOr<uint32_t> DescriptorTable::Insert(Descriptor descriptor) {
  if (!HasRoom()) return Errno::kMfile;
  uint32_t fd;
  if (free_.empty()) {
    fd = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back(std::move(descriptor));
  } else {
    fd = *free_.begin();
    free_.erase(free_.begin());
    entries_[fd] = std::move(descriptor);
  }
  ++count_;
  return fd;
}

ErrnoOr<Descriptor*> DescriptorTable::Get(uint32_t fd) {
  if (fd >= entries_.size() || !entries_[fd].has_value()) return Errno::kBadf;
  return &*entries_[fd];
}

ErrnoOr<Descriptor*> DescriptorTable::Get(uint32_t fd, Rights needed) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, Get(fd));
  if ((descriptor->base & needed) != needed) return Errno::kNotcapable;
  if (descriptor->read_only && (needed & rights::kMutation) != 0) return Errno::kRofs;
  return descriptor;
}

ErrnoOr<Descriptor*> DescriptorTable::GetDirectory(uint32_t fd, Rights needed) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, Get(fd));
  if (descriptor->type != Filetype::kDirectory) return Errno::kNotdir;
  return Get(fd, needed);
}

ErrnoOr<Descriptor> DescriptorTable::Remove(uint32_t fd) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, Get(fd));
  Descriptor removed = std::move(*descriptor);
  free_.insert(fd);
  entries_[fd].reset();
  --count_;
  return removed;
}

Errno DescriptorTable::Renumber(uint32_t from, uint32_t to) {
  if (ErrnoOr<Descriptor*> target = Get(to); !target.ok()) return target.status();
  if (from == to) return Errno::kSuccess;
  ErrnoOr<Descriptor> moved = Remove(from);
  if (!moved.ok()) return moved.status();
  entries_[to] = *std::move(moved);
  return Errno::kSuccess;
}

}  // namespace gantry::wasi
