#include "codegen/settings.h"

#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"

namespace gantry::codegen {
namespace {

constexpr FlagInfo kSharedFlagInfos[] = {
#define GANTRY_FLAG_BOOL(name, default_value, help) \
  {#name, FlagKind::kBool, default_value, "false,true", help},
#define GANTRY_FLAG_ENUM(type, name, default_value, values, help) \
  {#name, FlagKind::kEnum, default_value, values, help},
#define GANTRY_FLAG_NUMBER(name, default_value, largest, help) \
  {#name, FlagKind::kNumber, default_value, largest, help},
#define GANTRY_FLAG_SET(name, names, help) {#name, FlagKind::kSet, "none", names, help},
    GANTRY_SHARED_FLAGS(GANTRY_FLAG_BOOL, GANTRY_FLAG_ENUM, GANTRY_FLAG_NUMBER, GANTRY_FLAG_SET)
#undef GANTRY_FLAG_BOOL
#undef GANTRY_FLAG_ENUM
#undef GANTRY_FLAG_NUMBER
#undef GANTRY_FLAG_SET
};

std::optional<size_t> FindFlag(const FlagTable& table, absl::string_view name) {
  for (size_t i = 0; i < table.flags.size(); ++i) {
    if (name == table.flags[i].name) return i;
  }
  return std::nullopt;
}

// Position of `word` in a list with commas.
std::optional<uint64_t> FindWord(absl::string_view list, absl::string_view word) {
  uint64_t position = 0;
  for (absl::string_view candidate : absl::StrSplit(list, ',')) {
    if (word == candidate) return position;
    ++position;
  }
  return std::nullopt;
}

// Nothing if the flag does not accept the text.
std::optional<uint64_t> ParseValue(const FlagInfo& flag, absl::string_view text) {
  switch (flag.kind) {
    case FlagKind::kBool:
      for (absl::string_view word : {"true", "1", "yes", "on"}) {
        if (text == word) return 1;
      }
      for (absl::string_view word : {"false", "0", "no", "off"}) {
        if (text == word) return 0;
      }
      return std::nullopt;
    case FlagKind::kEnum:
      return FindWord(flag.values, text);
    case FlagKind::kSet: {
      uint64_t bits = 0;
      if (text == "none") return bits;
      for (absl::string_view word : absl::StrSplit(text, '+')) {
        const std::optional<uint64_t> position = FindWord(flag.values, word);
        if (!position.has_value()) return std::nullopt;
        bits |= uint64_t{1} << *position;
      }
      return bits;
    }
    case FlagKind::kNumber: {
      uint64_t value = 0;
      uint64_t largest = 0;
      CHECK(absl::SimpleAtoi(flag.values, &largest)) << flag.name;
      if (!absl::SimpleAtoi(text, &value) || value > largest) return std::nullopt;
      return value;
    }
  }
  UNREACHABLE();
  return std::nullopt;
}

std::string Accepted(const FlagInfo& flag) {
  if (flag.kind == FlagKind::kNumber) return absl::StrCat("a number from 0 to ", flag.values);
  if (flag.kind == FlagKind::kSet) {
    return absl::StrCat("none, or of ", flag.values, " any joined by +");
  }
  return absl::StrCat("one of ", flag.values);
}

}  // namespace

const FlagTable kSharedFlagTable = {"shared", kSharedFlagInfos};

FlagSet::FlagSet(const FlagTable& table) : table_(&table) {
  CHECK_LE(table.flags.size(), kMaxFlags);
  for (size_t i = 0; i < table.flags.size(); ++i) {
    const std::optional<uint64_t> value = ParseValue(table.flags[i], table.flags[i].default_value);
    CHECK(value.has_value()) << "default of flag " << table.flags[i].name;
    values_[i] = *value;
  }
}

absl::Status FlagSet::Set(absl::string_view name, absl::string_view value) {
  const std::optional<size_t> index = FindFlag(*table_, name);
  if (!index.has_value()) {
    return absl::NotFoundError(absl::StrCat("there is no ", table_->group, " flag '", name, "'"));
  }
  const FlagInfo& flag = table_->flags[*index];
  const std::optional<uint64_t> parsed = ParseValue(flag, value);
  if (!parsed.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("flag '", name, "' of group ", table_->group,
                                                   " can't be '", value, "': it takes ",
                                                   Accepted(flag)));
  }
  values_[*index] = *parsed;
  return absl::OkStatus();
}

absl::Status FlagSet::Enable(absl::string_view name) {
  const std::optional<size_t> index = FindFlag(*table_, name);
  if (index.has_value() && table_->flags[*index].kind != FlagKind::kBool) {
    return absl::InvalidArgumentError(
        absl::StrCat("flag '", name, "' of group ", table_->group,
                     " can't be enabled, it needs a value: ", Accepted(table_->flags[*index])));
  }
  return Set(name, "true");
}

bool FlagSet::Has(absl::string_view name) const { return FindFlag(*table_, name).has_value(); }

std::string FlagSet::Get(absl::string_view name) const {
  const std::optional<size_t> index = FindFlag(*table_, name);
  CHECK(index.has_value()) << std::string(name);
  return Format(*index);
}

std::string FlagSet::Format(size_t index) const {
  const FlagInfo& flag = table_->flags[index];
  if (flag.kind == FlagKind::kNumber) return absl::StrCat(values_[index]);
  const std::vector<std::string> words = absl::StrSplit(flag.values, ',');
  if (flag.kind != FlagKind::kSet) return words[values_[index]];
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if ((values_[index] >> i & 1) != 0) absl::StrAppend(&text, text.empty() ? "" : "+", words[i]);
  }
  return text.empty() ? "none" : text;
}

std::string FlagSet::ToString() const {
  std::string text;
  for (size_t i = 0; i < table_->flags.size(); ++i) {
    absl::StrAppend(&text, table_->flags[i].name, "=", Format(i), "\n");
  }
  return text;
}

}  // namespace gantry::codegen
