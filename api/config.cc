#include "api/config.h"

namespace gantry {

Config& Config::CompilerFlag(absl::string_view name, absl::string_view value) {
  for (auto& [known, old_value] : compiler_flags_) {
    if (known == name) {
      old_value = std::string(value);
      return *this;
    }
  }
  compiler_flags_.emplace_back(std::string(name), std::string(value));
  return *this;
}

Config& Config::OperatorCost(absl::string_view name, uint64_t units) {
  for (auto& [known, old_units] : operator_costs_) {
    if (known == name) {
      old_units = units;
      return *this;
    }
  }
  operator_costs_.emplace_back(std::string(name), units);
  return *this;
}

Config& Config::Dump(absl::string_view kinds, DumpSink* sink) {
  dump_kinds_ = std::string(kinds);
  dump_sink_ = sink;
  return *this;
}

}  // namespace gantry
