// What a text comes to: text_parser.h hands it out.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_TEXT_MODULE_H_
#define GANTRY_WASM_TRANSLATE_TEXT_TEXT_MODULE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gantry::wasm::text {

struct TextOptions {
  // Whether identifiers go into a name section.
  bool names = true;
  // Whether TextModule::places is filled.
  bool places = false;
};

struct TextModule {
  std::vector<uint8_t> bytes;
  // The identifier behind `module`, without $; empty where there is none (or none was given).
  std::string id;
  // Offset in `bytes` and offset in the text of each field and operator, ascending by the
  // former.
  std::vector<std::pair<uint32_t, uint32_t>> places;
};

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TEXT_MODULE_H_
