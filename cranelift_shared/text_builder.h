// TextBuilder: lays functions out in one text section and resolves every call among them.
//
// Functions stand in the order in which they are appended, each at its alignment with an
// optional padding behind it. A call whose target lies within reach is patched directly; one
// whose target does not, or may come too far behind, goes through a veneer in an island
// between two functions. After Finish no relocation is left.
//
// A forward call waits until its target is placed. Before each function the builder asks
// whether the oldest waiting calls would lose sight of an island behind that function, and
// if so writes their veneers first; so work is linear in code and calls, and the text holds
// no veneer that is not needed (Cranelift and most linkers do the same).
//
//   TextBuilder builder(isa.link_rules(), {.padding = 0});
//   for (...) RETURN_IF_ERROR(builder.Append(key, function));
//   ASSIGN_OR_RETURN(environ::LinkedText text, std::move(builder).Finish());
#ifndef GANTRY_CRANELIFT_SHARED_TEXT_BUILDER_H_
#define GANTRY_CRANELIFT_SHARED_TEXT_BUILDER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "codegen/link_rules.h"
#include "environ/core/linked_text.h"
#include "environ/translation/packed_functions.h"

namespace gantry::cranelift {

struct TextOptions {
  // Bytes left empty behind each function; a test of calls that do not reach.
  uint64_t padding = 0;
  // Every call goes through a veneer, near or not.
  bool force_jump_veneer = false;
};

class TextBuilder {
 public:
  // `rules` must outlive the builder.
  TextBuilder(const codegen::LinkRules& rules, const TextOptions& options)
      : rules_(rules), options_(options) {}

  // Names a function that is to be appended. Where that is done for all before the first is, text
  // and tables are allocated once, not by steps that take several times their size.
  void Expect(const environ::FunctionView& function);

  // Places a function and returns its offset. kResourceExhausted when the text would pass
  // 4 GiB. A key is appended once only.
  absl::StatusOr<uint32_t> Append(const environ::FuncKey& key,
                                  const environ::FunctionView& function);

  // Resolves what is still waiting and gives the finished section, its tables by offset.
  // kInternal for a call to a key that was never appended, naming both.
  absl::StatusOr<environ::LinkedText> Finish() &&;

 private:
  struct PendingCall {
    uint32_t field = 0;
    uint8_t kind = 0;
    int32_t addend = 0;
    uint32_t target = 0;
  };
  // A key that something refers to: where it lies and where its latest veneer does.
  struct Target {
    environ::FuncKey key;
    uint32_t offset = kUnplaced;
    uint32_t veneer = kUnplaced;
    // Where the first reference stands, for the error when the target never comes.
    uint32_t first_use = kUnplaced;
  };
  struct Veneer {
    uint32_t offset = 0;
    uint32_t target = 0;
  };
  static constexpr uint32_t kUnplaced = 0xFFFFFFFF;

  uint32_t TargetId(const environ::FuncKey& key);
  uint64_t AlignedEnd(uint32_t alignment) const;
  absl::Status GrowTo(uint64_t end);
  // Writes the delta if the kind can express it.
  bool TryPatch(const PendingCall& call, uint32_t destination);
  // Directs the call to a veneer, which is made now unless one in reach exists already.
  absl::Status CallThroughVeneer(const PendingCall& call);
  // Settles waiting calls that would not reach an island placed at `next_island`, all of
  // them if `next_island` is past the largest offset.
  absl::Status SettlePending(uint64_t next_island);
  void Reserve();
  void AppendTables(uint32_t offset, const environ::FunctionView& function);

  const codegen::LinkRules& rules_;
  const TextOptions options_;
  environ::LinkedText out_;
  // How many entries, or bytes, the functions that were named have.
  struct Expected {
    uint64_t text = 0;
    size_t functions = 0, traps = 0, addresses = 0, inline_ranges = 0, inline_sites = 0;
    size_t stack_maps = 0, stack_map_slots = 0, handlers = 0;
  };
  Expected expected_;
  // 1 + the target of a key, by the key's index, for each kind and module: keys are dense, so that
  // a function costs no search.
  std::map<uint64_t, std::vector<uint32_t>> target_ids_;
  uint64_t last_space_ = ~uint64_t{0};
  std::vector<uint32_t>* last_ids_ = nullptr;
  std::vector<Target> targets_;
  // By field offset, one queue for each kind, since the reach differs.
  std::deque<PendingCall> pending_[codegen::LinkRules::kMaxRules];
  std::vector<Veneer> veneers_;
};

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_TEXT_BUILDER_H_
