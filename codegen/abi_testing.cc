#include "codegen/abi_testing.h"

#include "absl/strings/str_cat.h"

namespace gantry::codegen::testing {

std::string AbiTestSignature::ToString() const {
  const auto list = [](absl::Span<const AbiValue> values) {
    std::string text = "(";
    for (const AbiValue& value : values) {
      if (text.size() > 1) text += " ";
      absl::StrAppend(&text, value.abi_class == AbiClass::kInt ? "i" : "f", value.bytes * 8);
    }
    return text + ")";
  };
  return list(params) + " -> " + list(results);
}

AbiTestSignature RandomAbiSignature(std::mt19937_64& random, uint32_t max_values, bool vectors) {
  const auto values = [&] {
    // Short lists are common, and lists of one class, so that each class runs out alone.
    const uint32_t limit = random() % 2 == 0 ? max_values : max_values / 4;
    std::vector<AbiValue> list(random() % (limit + 1));
    const uint32_t bias = random() % 3;
    for (AbiValue& value : list) {
      const bool is_int = bias == 0   ? random() % 8 != 0
                          : bias == 1 ? random() % 8 == 0
                                      : random() % 2 == 0;
      value = is_int ? AbiValue{AbiClass::kInt, static_cast<uint8_t>(4 << random() % 2)}
                     : AbiValue{AbiClass::kVector,
                                static_cast<uint8_t>(4 << random() % (vectors ? 3 : 2))};
    }
    return list;
  };
  AbiTestSignature signature;
  signature.params = values();
  signature.results = values();
  return signature;
}

AbiTestValue MaskAbiValue(AbiValue type, AbiTestValue value, bool integers_extended) {
  if (type.bytes == 16) return value;
  value.high = 0;
  const bool keep = type.bytes == 8 || (integers_extended && type.abi_class == AbiClass::kInt);
  if (!keep) value.low = static_cast<uint32_t>(value.low);
  return value;
}

std::vector<AbiTestValue> RandomAbiValues(absl::Span<const AbiValue> types,
                                          std::mt19937_64& random) {
  std::vector<AbiTestValue> values;
  for (const AbiValue& type : types) {
    values.push_back(MaskAbiValue(type, {random(), random()}, false));
  }
  return values;
}

}  // namespace gantry::codegen::testing
