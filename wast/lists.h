// The two lists that say where a run of scripts may differ from the letter: messages of ours
// that stand for the scripts' (messages.txt), and features whose commands are skipped
// (skipped_features.txt). Both are built into the program.
#ifndef GANTRY_WAST_LISTS_H_
#define GANTRY_WAST_LISTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gantry::wast {

// How many pairs of messages there may be.
inline constexpr size_t kMaxMessagePairs = 80;

// Where a script expects exactly `script`, a message of ours that begins with `ours` will do.
struct MessagePair {
  std::string script;
  std::string ours;

  // "SCRIPT => OURS".
  std::string ToString() const;
};

// A feature that the engine may lack, and why.
struct SkippedFeature {
  std::string name;
  std::string why;
};

struct Lists {
  std::vector<MessagePair> messages;
  std::vector<SkippedFeature> features;
};

// Lines "SCRIPT => OURS"; empty ones and those that begin with # are comments. Errors:
// kInvalidArgument for a line without a pair, one that says the same on both sides, one that
// comes twice, or too many of them.
absl::StatusOr<std::vector<MessagePair>> ParseMessagePairs(absl::string_view text);

// Lines "FEATURE why". Errors: kInvalidArgument for one without a why, or that comes twice.
absl::StatusOr<std::vector<SkippedFeature>> ParseSkippedFeatures(absl::string_view text);

// What the program was built with.
const Lists& BuiltInLists();

}  // namespace gantry::wast

#endif  // GANTRY_WAST_LISTS_H_
