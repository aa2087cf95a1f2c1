// A module from text or bytes, what it imports and exports, and its code as a file for later.
#include "api/module.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "api/engine.h"
#include "examples/embed/example.h"

absl::Status Example() {
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(gantry::Config()));
  ASSIGN_OR_RETURN(const gantry::Module module, gantry::Module::CompileText(engine, R"(
    (module $adder
      (import "env" "log" (func (param i32)))
      (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1)))))"));
  EXAMPLE_EXPECT(module.name() == "adder");
  for (const gantry::ImportType& import : module.imports()) {
    std::cout << "needs " << import.module << "." << import.name << ": "
              << gantry::ExternTypeToString(import.type) << "\n";
  }
  EXAMPLE_EXPECT(module.GetExport("add") != nullptr);

  // Compiled once, loaded by every process from then on: the file is mapped and shared.
  const char* const folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder == nullptr ? "." : folder) + "/adder.cwasm";
  ASSIGN_OR_RETURN(const std::vector<uint8_t> artifact, module.Serialize());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(artifact.data()),
             static_cast<std::streamsize>(artifact.size()));
  ASSIGN_OR_RETURN(const gantry::Module loaded, gantry::Module::DeserializeFile(engine, path));
  std::remove(path.c_str());
  EXAMPLE_EXPECT(loaded.exports().size() == 1);
  return absl::OkStatus();
}
