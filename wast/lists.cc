#include "wast/lists.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "wast/lists_data.h"

namespace gantry::wast {
namespace {

std::vector<absl::string_view> Lines(absl::string_view text) {
  std::vector<absl::string_view> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

absl::Status BadLine(absl::string_view line, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("\"", line, "\": ", why));
}

}  // namespace

std::string MessagePair::ToString() const { return absl::StrCat(script, " => ", ours); }

absl::StatusOr<std::vector<MessagePair>> ParseMessagePairs(absl::string_view text) {
  std::vector<MessagePair> pairs;
  std::set<absl::string_view> seen;
  for (absl::string_view line : Lines(text)) {
    const std::vector<absl::string_view> sides = absl::StrSplit(line, " => ");
    if (sides.size() != 2 || sides[0].empty() || sides[1].empty()) {
      return BadLine(line, "SCRIPT MESSAGE => BEGINNING OF OURS is needed");
    }
    if (sides[0] == sides[1]) return BadLine(line, "both sides are the same");
    if (!seen.insert(line).second) return BadLine(line, "it comes twice");
    pairs.push_back({std::string(sides[0]), std::string(sides[1])});
  }
  if (pairs.size() > kMaxMessagePairs) {
    return absl::InvalidArgumentError(
        absl::StrCat(pairs.size(), " pairs of messages; at most ", kMaxMessagePairs));
  }
  return pairs;
}

absl::StatusOr<std::vector<SkippedFeature>> ParseSkippedFeatures(absl::string_view text) {
  std::vector<SkippedFeature> features;
  std::set<absl::string_view> seen;
  for (absl::string_view line : Lines(text)) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const absl::string_view why = absl::StripAsciiWhitespace(parts.second);
    if (why.empty()) return BadLine(line, "it does not say why");
    if (!seen.insert(parts.first).second) return BadLine(line, "the feature comes twice");
    features.push_back({std::string(parts.first), std::string(why)});
  }
  return features;
}

const Lists& BuiltInLists() {
  static const Lists* const lists = [] {
    auto* built = new Lists;
    auto messages = ParseMessagePairs(kMessagesText);
    CHECK_OK(messages.status());
    built->messages = *std::move(messages);
    auto features = ParseSkippedFeatures(kSkippedFeaturesText);
    CHECK_OK(features.status());
    built->features = *std::move(features);
    return built;
  }();
  return *lists;
}

}  // namespace gantry::wast
