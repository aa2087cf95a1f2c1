// What a Module handle stands for. Private to `api`.
#ifndef GANTRY_API_MODULE_STATE_H_
#define GANTRY_API_MODULE_STATE_H_

#include <memory>
#include <optional>
#include <vector>

#include "api/engine.h"
#include "api/module.h"
#include "runtime/module.h"

namespace gantry::api_internal {

class ModuleState {
 public:
  ModuleState(Engine engine, std::shared_ptr<const runtime::Module> module,
              std::optional<CompileTiming> timing);

  const Engine& engine() const { return engine_; }
  const std::shared_ptr<const runtime::Module>& runtime() const { return module_; }
  const std::vector<ImportType>& imports() const { return imports_; }
  const std::vector<ExportType>& exports() const { return exports_; }
  const std::optional<CompileTiming>& timing() const { return timing_; }

 private:
  ExternType TypeOf(const environ::EntityRef& entity) const;

  const Engine engine_;
  const std::shared_ptr<const runtime::Module> module_;
  const std::optional<CompileTiming> timing_;
  std::vector<ImportType> imports_;
  std::vector<ExportType> exports_;
};

}  // namespace gantry::api_internal

#endif  // GANTRY_API_MODULE_STATE_H_
