// Prints a module with a function for each operator that wat2wasm 1.0.32 knows.
#include <iostream>

#include "wasm_translate/text/testing/operator_samples.h"

int main() {
  using gantry::wasm::Feature;
  using gantry::wasm::GetOperatorInfo;
  using gantry::wasm::Opcode;
  std::cout
      << "(module\n  (type (func))\n  (type (func (param i32)))\n  (type (func (param i64)))\n"
         "  (data \"x\")\n";
  for (const auto& sample : gantry::wasm::text::OperatorSamples()) {
    const Feature feature = GetOperatorInfo(sample.op).feature;
    if (feature == Feature::kGc || feature == Feature::kFunctionReferences ||
        feature == Feature::kWideArithmetic || sample.op == Opcode::kThrowRef ||
        sample.op == Opcode::kI16x8RelaxedDotI8x16I7x16S ||
        sample.op == Opcode::kI32x4RelaxedDotI8x16I7x16AddS) {
      continue;
    }
    std::cout << "  (func " << sample.text << ")\n";
  }
  std::cout << ")\n";
}
