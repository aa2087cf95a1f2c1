// A calculator that compiles what it is told: the code generator without any WebAssembly.
//
//   $ calculator < lines      each line is one of
//   hypot(x, y) = sqrt(x*x + y*y)         a function, which may call itself and those before it
//   hypot(3, 4) + 1                       an expression; its value is printed
//
// Every line is parsed straight into IR, compiled, made runnable (jit/module.h) and, if it is an
// expression, called. A wrong line is reported and changes nothing.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "codegen/ir/builder.h"
#include "cranelift_shared/isa_registry.h"
#include "jit/module.h"

namespace gantry::examples {
namespace {

using codegen::FuncId;
using codegen::Linkage;
using codegen::Type;
using codegen::Value;

constexpr int kMaxDepth = 200;

codegen::Signature NumberSignature(size_t params) {
  codegen::Signature signature(codegen::CallConv::kSystemV);
  signature.params.assign(params, Type::kF64);
  signature.returns = {Type::kF64};
  return signature;
}

// Reads a line and writes the IR of what it says.
class Line {
 public:
  Line(absl::string_view text, jit::JitModule* module, codegen::Function* func)
      : rest_(text), module_(*module), b_(func) {}

  absl::string_view Name() {
    SkipSpace();
    size_t length = 0;
    while (length < rest_.size() && (absl::ascii_isalnum(rest_[length]) || rest_[length] == '_')) {
      ++length;
    }
    if (length != 0 && absl::ascii_isdigit(rest_[0])) length = 0;
    const absl::string_view name = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return name;
  }
  bool Take(char c) {
    SkipSpace();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() {
    SkipSpace();
    return rest_.empty();
  }

  // The rest of the line is the body of a function with these parameters.
  absl::Status Body(const std::vector<std::string>& params) {
    b_.MakeEntryBlock();
    for (size_t i = 0; i < params.size(); ++i) {
      variables_[params[i]] = b_.func().dfg.block_params(b_.block())[i];
    }
    ASSIGN_OR_RETURN(const Value value, Sum(0));
    if (!at_end()) return Unexpected();
    b_.Return({value});
    return absl::OkStatus();
  }

  absl::Status Unexpected() {
    SkipSpace();
    if (rest_.empty()) return absl::InvalidArgumentError("the line ends too early");
    return absl::InvalidArgumentError(absl::StrCat("unexpected '", rest_.substr(0, 1), "'"));
  }

 private:
  void SkipSpace() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }

  absl::StatusOr<Value> Sum(int depth) {
    ASSIGN_OR_RETURN(Value value, Product(depth));
    for (;;) {
      const bool plus = Take('+');
      if (!plus && !Take('-')) return value;
      ASSIGN_OR_RETURN(const Value term, Product(depth));
      value = plus ? b_.Fadd(value, term) : b_.Fsub(value, term);
    }
  }
  absl::StatusOr<Value> Product(int depth) {
    ASSIGN_OR_RETURN(Value value, Factor(depth));
    for (;;) {
      const bool times = Take('*');
      if (!times && !Take('/')) return value;
      ASSIGN_OR_RETURN(const Value factor, Factor(depth));
      value = times ? b_.Fmul(value, factor) : b_.Fdiv(value, factor);
    }
  }
  absl::StatusOr<Value> Factor(int depth) {
    if (depth > kMaxDepth) return absl::InvalidArgumentError("too deeply nested");
    if (Take('-')) {
      ASSIGN_OR_RETURN(const Value value, Factor(depth + 1));
      return b_.Fneg(value);
    }
    if (Take('(')) {
      ASSIGN_OR_RETURN(const Value value, Sum(depth + 1));
      if (!Take(')')) return Unexpected();
      return value;
    }
    const std::string name(Name());
    if (name.empty()) return Number();
    if (Take('(')) return Call(name, depth);
    const auto found = variables_.find(name);
    if (found == variables_.end()) {
      return absl::NotFoundError(absl::StrCat("there is no variable ", name));
    }
    return found->second;
  }
  absl::StatusOr<Value> Call(const std::string& name, int depth) {
    std::vector<Value> arguments;
    if (!Take(')')) {
      do {
        ASSIGN_OR_RETURN(const Value argument, Sum(depth + 1));
        arguments.push_back(argument);
      } while (Take(','));
      if (!Take(')')) return Unexpected();
    }
    const FuncId callee = module_.FindFunction(name);
    if (callee.is_none()) return absl::NotFoundError(absl::StrCat("there is no function ", name));
    const size_t wanted = module_.function(callee).signature.params.size();
    if (arguments.size() != wanted) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " takes ", wanted, " arguments, not ", arguments.size()));
    }
    const codegen::Inst call = b_.Call(module_.ReferTo(callee, &b_.func()), arguments);
    return b_.func().dfg.result(call);
  }
  absl::StatusOr<Value> Number() {
    SkipSpace();
    size_t length = 0;
    while (length < rest_.size() && (absl::ascii_isdigit(rest_[length]) || rest_[length] == '.')) {
      ++length;
    }
    double number = 0;
    if (length == 0 || !absl::SimpleAtod(rest_.substr(0, length), &number)) return Unexpected();
    rest_.remove_prefix(length);
    return b_.F64const(std::bit_cast<uint64_t>(number));
  }

  absl::string_view rest_;
  jit::JitModule& module_;
  codegen::InstBuilder b_;
  std::map<std::string, Value> variables_;
};

class Calculator {
 public:
  explicit Calculator(std::unique_ptr<jit::JitModule> module) : module_(std::move(module)) {}

  // What the host has to offer.
  absl::Status AddHostFunctions() {
    using One = double (*)(double);
    const std::pair<const char*, One> functions[] = {{"sqrt", std::sqrt}, {"sin", std::sin},
                                                     {"cos", std::cos},   {"exp", std::exp},
                                                     {"log", std::log},   {"floor", std::floor}};
    for (const auto& [name, function] : functions) {
      ASSIGN_OR_RETURN(const FuncId id,
                       module_->DeclareFunction(name, Linkage::kImport, NumberSignature(1)));
      RETURN_IF_ERROR(module_->SetAddress(id, reinterpret_cast<const void*>(function)));
    }
    return absl::OkStatus();
  }

  // Prints what an expression comes to.
  absl::Status Evaluate(absl::string_view text) {
    if (absl::StripAsciiWhitespace(text).empty()) return absl::OkStatus();
    const size_t equals = text.find('=');
    if (equals != absl::string_view::npos) return Define(text);
    // Expressions are functions without parameters and a name that no line can have.
    func_.Clear();
    func_.signature = NumberSignature(0);
    RETURN_IF_ERROR(Line(text, module_.get(), &func_).Body({}));
    ASSIGN_OR_RETURN(const FuncId id, module_->DeclareFunction(absl::StrCat("line ", next_line_++),
                                                               Linkage::kLocal, func_.signature));
    RETURN_IF_ERROR(module_->Define(id, func_));
    RETURN_IF_ERROR(module_->Finalize());
    std::printf("%.12g\n", module_->Function<double (*)()>(id)());
    return absl::OkStatus();
  }

 private:
  absl::Status Define(absl::string_view text) {
    func_.Clear();
    Line line(text, module_.get(), &func_);
    const std::string name(line.Name());
    std::vector<std::string> params;
    if (name.empty() || !line.Take('(')) return line.Unexpected();
    if (!line.Take(')')) {
      do {
        params.emplace_back(line.Name());
        if (params.back().empty()) return line.Unexpected();
      } while (line.Take(','));
      if (!line.Take(')')) return line.Unexpected();
    }
    if (!line.Take('=')) return line.Unexpected();
    const FuncId known = module_->FindFunction(name);
    if (known.is_some() &&
        (module_->is_defined(known) || module_->function(known).linkage == Linkage::kImport)) {
      return absl::AlreadyExistsError(absl::StrCat(name, " is defined"));
    }
    func_.signature = NumberSignature(params.size());
    ASSIGN_OR_RETURN(const FuncId id,
                     module_->DeclareFunction(name, Linkage::kLocal, func_.signature));
    RETURN_IF_ERROR(line.Body(params));
    RETURN_IF_ERROR(module_->Define(id, func_));
    return module_->Finalize();
  }

  const std::unique_ptr<jit::JitModule> module_;
  codegen::Function func_;
  int next_line_ = 1;
};

absl::StatusOr<std::shared_ptr<const codegen::TargetIsa>> HostIsa() {
  ASSIGN_OR_RETURN(const cranelift::LinkedIsa* linked, cranelift::FindHostIsa());
  const std::unique_ptr<codegen::IsaBuilder> builder = linked->NewBuilder();
  RETURN_IF_ERROR(builder->InferHost());
  return builder->Build();
}

absl::Status Run() {
  jit::JitModuleOptions options;
  ASSIGN_OR_RETURN(options.isa, HostIsa());
  ASSIGN_OR_RETURN(std::unique_ptr<jit::JitModule> module,
                   jit::JitModule::Create(std::move(options)));
  Calculator calculator(std::move(module));
  RETURN_IF_ERROR(calculator.AddHostFunctions());
  std::string line;
  while (std::getline(std::cin, line)) {
    const absl::Status status = calculator.Evaluate(line);
    if (!status.ok()) std::printf("error: %s\n", std::string(status.message()).c_str());
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace gantry::examples

int main() {
  const absl::Status status = gantry::examples::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "calculator: %s\n", std::string(status.message()).c_str());
  return 1;
}
