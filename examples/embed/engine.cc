// An engine with settings: they are a value, and what does not fit is reported by name at once.
#include "api/engine.h"

#include "absl/strings/match.h"
#include "api/config.h"
#include "examples/embed/example.h"

absl::Status Example() {
  gantry::Config config;
  config.OptLevel(gantry::OptLevel::kSpeed)
      .MaxWasmStack(256 << 10)
      .WasmFeature(gantry::wasm::Feature::kThreads, true);
  ASSIGN_OR_RETURN(const gantry::Engine engine, gantry::Engine::Create(config));
  // A copy is another handle to the same engine.
  const gantry::Engine copy = engine;
  EXAMPLE_EXPECT(copy == engine);

  config.MaxWasmStack(1);
  const absl::Status refused = gantry::Engine::Create(config).status();
  EXAMPLE_EXPECT(absl::StrContains(refused.message(), "MaxWasmStack"));
  return absl::OkStatus();
}
