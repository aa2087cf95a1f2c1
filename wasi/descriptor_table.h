// DescriptorTable: the guest's descriptors, each a host file with the rights it came with.
//
// Numbers are small and the lowest free one is given out, as C programs expect. The table has a
// limit, so that a guest cannot use up the host's descriptors.
#ifndef GANTRY_WASI_DESCRIPTOR_TABLE_H_
#define GANTRY_WASI_DESCRIPTOR_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "wasi/errno.h"
#include "wasi/host_file.h"
#include "wasi/types.h"

namespace gantry::wasi {

struct Descriptor {
  ScopedFd host;
  Filetype type = Filetype::kUnknown;
  Rights base = 0;
  Rights inheriting = 0;
  uint32_t flags = 0;  // fdflags, as the guest sees them
  // The open file belongs to others too (the embedder's standard streams): its flags are never
  // changed on the host, kNonblock is emulated.
  bool shared = false;
  // A pipe or FIFO: writing without a reader raises SIGPIPE, which must not reach the embedder.
  bool pipe = false;
  // Below a directory that was handed in read-only: what changes anything fails with kRofs, as on
  // a read-only mount, whatever the rights say.
  bool read_only = false;
  // What the embedder granted for this descriptor's tree. A file may not be linked or moved to
  // where more is granted.
  Rights granted = 0;
  // Of a directory: the host's position after each entry that was listed. A cookie counts entries,
  // since the host's positions need 64 bits and telldir(3) of a 32-bit guest has 32.
  std::vector<int64_t> listed;
  // The name under which a directory was handed in; nullopt for all others.
  std::optional<std::string> preopen_name;
};

class DescriptorTable {
 public:
  explicit DescriptorTable(uint32_t limit) : limit_(limit) {}

  // The number given to `descriptor`; kMfile at the limit.
  ErrnoOr<uint32_t> Insert(Descriptor descriptor);

  // Whether another descriptor fits.
  bool HasRoom() const { return count_ < limit_; }

  // kBadf for a number that is not open. The pointer holds until the table changes.
  ErrnoOr<Descriptor*> Get(uint32_t fd);

  // As above, kNotcapable unless all of `needed` are among its base rights, and kRofs where one
  // of them is a mutation and the descriptor is read-only.
  ErrnoOr<Descriptor*> Get(uint32_t fd, Rights needed);

  // As above, and first kNotdir unless it is a directory.
  ErrnoOr<Descriptor*> GetDirectory(uint32_t fd, Rights needed);

  // Takes it out of the table and hands it over.
  ErrnoOr<Descriptor> Remove(uint32_t fd);

  // Moves `from` to the number `to`, closing what was there; both must be open.
  Errno Renumber(uint32_t from, uint32_t to);

  size_t size() const { return count_; }

 private:
  std::vector<std::optional<Descriptor>> entries_;
  std::set<uint32_t> free_;  // numbers below entries_.size() that are not open
  size_t count_ = 0;
  uint32_t limit_;
};

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_DESCRIPTOR_TABLE_H_
