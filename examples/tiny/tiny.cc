// A compiler for a tiny language, whose output the system's linker makes a program of: the code
// generator as the back end of another language's compiler.
//
//   $ tiny fib.tiny -o fib.o && cc fib.o -o fib && ./fib
//
//   extern putchar(c);                          # a function of the C library
//   fn fib(n) {
//     if n < 2 { return n; }
//     return fib(n - 1) + fib(n - 2);
//   }
//   fn main() { print(fib(30)); puts("done"); return 0; }
//
// All values are 64-bit integers; a string is the address of its bytes. Statements: let NAME =
// EXPR; NAME = EXPR; if EXPR {} else {}; while EXPR {}; return EXPR; EXPR; -- and expressions of
// || && == != < <= > >= + - * / % - ! ( ) and calls. Functions may be used before their
// definition. print(n) is there from the start.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
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
#include "codegen/object.h"
#include "cranelift_shared/isa_registry.h"

namespace gantry::examples {
namespace {

using codegen::Block;
using codegen::DataId;
using codegen::FuncId;
using codegen::IntCC;
using codegen::Linkage;
using codegen::TrapCode;
using codegen::Type;
using codegen::Value;

constexpr int kMaxDepth = 200;
constexpr TrapCode kDivision{1};

// Written in the language itself.
constexpr char kPrelude[] = R"(
extern putchar(c);
fn print_digits(n) {
  if n <= -10 { print_digits(n / 10); }
  putchar(48 - n % 10);
  return 0;
}
fn print(n) {
  if n < 0 { putchar(45); print_digits(n); } else { print_digits(0 - n); }
  putchar(10);
  return 0;
}
)";

codegen::Signature IntSignature(size_t params) {
  codegen::Signature signature(codegen::CallConv::kSystemV);
  signature.params.assign(params, Type::kI64);
  signature.returns = {Type::kI64};
  return signature;
}

enum class TokenKind : uint8_t { kEnd, kName, kNumber, kString, kSign };
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int line = 0;
};

absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view text) {
  std::vector<Token> tokens;
  int line = 1;
  size_t at = 0;
  const auto take_while = [&](auto belongs) {
    const size_t start = at;
    while (at < text.size() && belongs(text[at])) ++at;
    return std::string(text.substr(start, at - start));
  };
  while (at < text.size()) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (absl::ascii_isspace(c)) {
      ++at;
    } else if (c == '#') {
      take_while([](char d) { return d != '\n'; });
    } else if (absl::ascii_isalpha(c) || c == '_') {
      tokens.push_back({TokenKind::kName,
                        take_while([](char d) { return absl::ascii_isalnum(d) || d == '_'; }),
                        line});
    } else if (absl::ascii_isdigit(c)) {
      tokens.push_back({TokenKind::kNumber, take_while(absl::ascii_isdigit), line});
    } else if (c == '"') {
      ++at;
      tokens.push_back(
          {TokenKind::kString, take_while([](char d) { return d != '"' && d != '\n'; }), line});
      if (at == text.size() || text[at] != '"') {
        return absl::InvalidArgumentError(absl::StrCat("line ", line, ": a string without end"));
      }
      ++at;
    } else {
      const absl::string_view two = text.substr(at, 2);
      const bool is_double =
          two == "||" || two == "&&" || two == "==" || two == "!=" || two == "<=" || two == ">=";
      tokens.push_back({TokenKind::kSign, std::string(text.substr(at, is_double ? 2 : 1)), line});
      at += is_double ? 2 : 1;
    }
  }
  tokens.push_back({TokenKind::kEnd, "end of file", line});
  return tokens;
}

class TinyCompiler {
 public:
  explicit TinyCompiler(codegen::Module* module) : module_(*module), b_(&func_) {}

  absl::Status Compile(absl::string_view source) {
    ASSIGN_OR_RETURN(tokens_, Tokenize(source));
    RETURN_IF_ERROR(DeclareAll());
    position_ = 0;
    while (token().kind != TokenKind::kEnd) {
      if (TakeWord("extern")) {
        while (!TakeSign(";")) ++position_;  // Declared already.
      } else {
        RETURN_IF_ERROR(Function());
      }
    }
    return absl::OkStatus();
  }

 private:
  // ---- Tokens.
  const Token& token() const { return tokens_[position_]; }
  bool TakeSign(absl::string_view sign) { return TakeToken(TokenKind::kSign, sign); }
  bool TakeWord(absl::string_view word) { return TakeToken(TokenKind::kName, word); }
  bool TakeToken(TokenKind kind, absl::string_view text) {
    if (token().kind != kind || token().text != text) return false;
    ++position_;
    return true;
  }
  absl::Status Error(absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat("line ", token().line, ": ", message));
  }
  absl::Status Expect(absl::string_view sign) {
    if (TakeSign(sign)) return absl::OkStatus();
    return Error(absl::StrCat("expected ", sign, ", found ", token().text));
  }
  absl::StatusOr<std::string> ExpectName() {
    if (token().kind != TokenKind::kName) {
      return Error(absl::StrCat("expected a name, found ", token().text));
    }
    return tokens_[position_++].text;
  }
  absl::StatusOr<std::vector<std::string>> Params() {
    std::vector<std::string> params;
    RETURN_IF_ERROR(Expect("("));
    if (TakeSign(")")) return params;
    do {
      ASSIGN_OR_RETURN(std::string name, ExpectName());
      params.push_back(std::move(name));
    } while (TakeSign(","));
    RETURN_IF_ERROR(Expect(")"));
    return params;
  }

  // ---- Functions.
  // All of the file's, before any body is read.
  absl::Status DeclareAll() {
    for (position_ = 0; token().kind != TokenKind::kEnd;) {
      const bool is_import = TakeWord("extern");
      if (!is_import && !TakeWord("fn")) return Error(absl::StrCat("unexpected ", token().text));
      ASSIGN_OR_RETURN(const std::string name, ExpectName());
      ASSIGN_OR_RETURN(const std::vector<std::string> params, Params());
      const Linkage linkage = is_import        ? Linkage::kImport
                              : name == "main" ? Linkage::kExport
                                               : Linkage::kLocal;
      const absl::Status status =
          module_.DeclareFunction(name, linkage, IntSignature(params.size())).status();
      if (!status.ok()) return Error(absl::string_view(status.message()));
      if (is_import) {
        RETURN_IF_ERROR(Expect(";"));
        continue;
      }
      RETURN_IF_ERROR(Expect("{"));
      for (int depth = 1; depth > 0; ++position_) {
        if (token().kind == TokenKind::kEnd) return Error("a function without end");
        if (token().kind != TokenKind::kSign) continue;
        depth += token().text == "{" ? 1 : token().text == "}" ? -1 : 0;
      }
    }
    return absl::OkStatus();
  }

  absl::Status Function() {
    TakeWord("fn");
    ASSIGN_OR_RETURN(const std::string name, ExpectName());
    ASSIGN_OR_RETURN(const std::vector<std::string> params, Params());
    const FuncId id = module_.FindFunction(name);
    func_.Clear();
    func_.signature = module_.function(id).signature;
    variables_.clear();
    const Block entry = b_.MakeEntryBlock();
    for (size_t i = 0; i < params.size(); ++i) {
      variables_[params[i]] = func_.dfg.block_params(entry)[i];
    }
    RETURN_IF_ERROR(Braces(0));
    if (is_open_) b_.Return({b_.Iconst(Type::kI64, 0)});
    is_open_ = true;
    const absl::Status status = module_.Define(id, func_);
    return status.ok() ? status : Error(absl::string_view(status.message()));
  }

  // ---- Statements. Where control paths meet, every variable is a parameter of the block; the
  // passes take out those that are the same on all ways.
  std::vector<Value> Current() const {
    std::vector<Value> values;
    for (const auto& [name, value] : variables_) values.push_back(value);
    return values;
  }
  // A block that gets all variables.
  Block MakeJoin() {
    const Block block = b_.MakeBlock();
    for (size_t i = 0; i < variables_.size(); ++i) func_.dfg.AppendBlockParam(block, Type::kI64);
    return block;
  }
  // `names` are those that there were when it was made.
  void BeginJoin(Block block, const std::map<std::string, Value>& names) {
    b_.Begin(block);
    variables_ = names;
    size_t i = 0;
    for (auto& [name, value] : variables_) value = func_.dfg.block_params(block)[i++];
    is_open_ = true;
  }
  // Ends the block, if control gets there, with a jump that hands on the variables of `names`.
  void JumpToJoin(Block block, const std::map<std::string, Value>& names) {
    if (!is_open_) return;
    std::vector<Value> values;
    for (const auto& [name, value] : names) values.push_back(variables_.at(name));
    b_.Jump(block, values);
    is_open_ = false;
  }
  void BeginPlain(Block block) {
    b_.Begin(block);
    is_open_ = true;
  }

  absl::Status Braces(int depth) {
    if (depth > kMaxDepth) return Error("too deeply nested");
    RETURN_IF_ERROR(Expect("{"));
    while (!TakeSign("}")) {
      if (!is_open_) BeginPlain(b_.MakeBlock());  // Behind a return: never reached.
      RETURN_IF_ERROR(Statement(depth));
    }
    return absl::OkStatus();
  }

  absl::Status Statement(int depth) {
    if (TakeWord("if")) return If(depth);
    if (TakeWord("while")) return While(depth);
    if (TakeWord("return")) {
      ASSIGN_OR_RETURN(const Value value, Expression(depth));
      b_.Return({value});
      is_open_ = false;
      return Expect(";");
    }
    const bool is_new = TakeWord("let");
    const bool is_assignment = token().kind == TokenKind::kName &&
                               tokens_[position_ + 1].kind == TokenKind::kSign &&
                               tokens_[position_ + 1].text == "=";
    if (!is_new && !is_assignment) {
      RETURN_IF_ERROR(Expression(depth).status());
      return Expect(";");
    }
    ASSIGN_OR_RETURN(const std::string name, ExpectName());
    RETURN_IF_ERROR(Expect("="));
    if (!is_new && variables_.find(name) == variables_.end()) {
      return Error(absl::StrCat("there is no variable ", name));
    }
    ASSIGN_OR_RETURN(const Value value, Expression(depth));
    variables_[name] = value;
    return Expect(";");
  }

  absl::Status If(int depth) {
    ASSIGN_OR_RETURN(const Value condition, Expression(depth));
    const std::map<std::string, Value> before = variables_;
    const Block then = b_.MakeBlock(), otherwise = b_.MakeBlock(), join = MakeJoin();
    b_.Brif(condition, then, {}, otherwise, {});
    BeginPlain(then);
    RETURN_IF_ERROR(Braces(depth + 1));
    JumpToJoin(join, before);
    variables_ = before;
    BeginPlain(otherwise);
    if (TakeWord("else")) RETURN_IF_ERROR(Braces(depth + 1));
    JumpToJoin(join, before);
    BeginJoin(join, before);
    return absl::OkStatus();
  }

  absl::Status While(int depth) {
    const std::map<std::string, Value> before = variables_;
    const Block head = MakeJoin(), body = b_.MakeBlock(), exit = MakeJoin();
    JumpToJoin(head, before);
    BeginJoin(head, before);
    ASSIGN_OR_RETURN(const Value condition, Expression(depth));
    b_.Brif(condition, body, {}, exit, Current());
    BeginPlain(body);
    RETURN_IF_ERROR(Braces(depth + 1));
    JumpToJoin(head, before);
    BeginJoin(exit, before);
    return absl::OkStatus();
  }

  // ---- Expressions, by precedence; both sides of every operator are computed.
  struct Operator {
    const char* sign;
    int precedence;
  };
  static constexpr Operator kOperators[] = {{"||", 1}, {"&&", 2}, {"==", 3}, {"!=", 3}, {"<", 4},
                                            {"<=", 4}, {">", 4},  {">=", 4}, {"+", 5},  {"-", 5},
                                            {"*", 6},  {"/", 6},  {"%", 6}};

  absl::StatusOr<Value> Expression(int depth) { return Binary(1, depth); }

  absl::StatusOr<Value> Binary(int precedence, int depth) {
    if (depth > kMaxDepth) return Error("too deeply nested");
    ASSIGN_OR_RETURN(Value value, Unary(depth + 1));
    for (;;) {
      const Operator* found = nullptr;
      for (const Operator& candidate : kOperators) {
        if (candidate.precedence >= precedence && TakeSign(candidate.sign)) {
          found = &candidate;
          break;
        }
      }
      if (found == nullptr) return value;
      ASSIGN_OR_RETURN(const Value right, Binary(found->precedence + 1, depth + 1));
      value = Apply(found->sign, value, right);
    }
  }
  Value Truth(Value value) { return Compare(IntCC::kNe, value, b_.Iconst(Type::kI64, 0)); }
  Value Compare(IntCC condition, Value x, Value y) {
    return b_.Uextend(Type::kI64, b_.Icmp(condition, x, y));
  }
  Value Apply(absl::string_view sign, Value x, Value y) {
    if (sign == "||") return b_.Bor(Truth(x), Truth(y));
    if (sign == "&&") return b_.Band(Truth(x), Truth(y));
    if (sign == "==") return Compare(IntCC::kEq, x, y);
    if (sign == "!=") return Compare(IntCC::kNe, x, y);
    if (sign == "<") return Compare(IntCC::kSlt, x, y);
    if (sign == "<=") return Compare(IntCC::kSle, x, y);
    if (sign == ">") return Compare(IntCC::kSgt, x, y);
    if (sign == ">=") return Compare(IntCC::kSge, x, y);
    if (sign == "+") return b_.Iadd(x, y);
    if (sign == "-") return b_.Isub(x, y);
    if (sign == "*") return b_.Imul(x, y);
    if (sign == "/") return b_.Sdiv(x, y, kDivision, kDivision);
    return b_.Srem(x, y, kDivision);
  }
  absl::StatusOr<Value> Unary(int depth) {
    if (depth > kMaxDepth) return Error("too deeply nested");
    if (TakeSign("-")) {
      ASSIGN_OR_RETURN(const Value value, Unary(depth + 1));
      return b_.Ineg(value);
    }
    if (TakeSign("!")) {
      ASSIGN_OR_RETURN(const Value value, Unary(depth + 1));
      return Compare(IntCC::kEq, value, b_.Iconst(Type::kI64, 0));
    }
    if (TakeSign("(")) {
      ASSIGN_OR_RETURN(const Value value, Binary(1, depth + 1));
      RETURN_IF_ERROR(Expect(")"));
      return value;
    }
    if (token().kind == TokenKind::kNumber) {
      int64_t number = 0;
      if (!absl::SimpleAtoi(token().text, &number)) return Error("a number too large");
      ++position_;
      return b_.Iconst(Type::kI64, number);
    }
    if (token().kind == TokenKind::kString) return String(tokens_[position_++].text);
    ASSIGN_OR_RETURN(const std::string name, ExpectName());
    if (TakeSign("(")) return Call(name, depth);
    const auto found = variables_.find(name);
    if (found == variables_.end()) return Error(absl::StrCat("there is no variable ", name));
    return found->second;
  }
  absl::StatusOr<Value> String(const std::string& text) {
    ASSIGN_OR_RETURN(const DataId id,
                     module_.DeclareData(absl::StrCat(".string", next_string_++), Linkage::kLocal,
                                         /*writable=*/false));
    codegen::DataContents contents;
    contents.bytes.assign(text.begin(), text.end());
    contents.bytes.push_back(0);
    contents.alignment = 1;
    RETURN_IF_ERROR(module_.Define(id, std::move(contents)));
    return b_.FuncAddr(module_.ReferTo(id, &func_));
  }
  absl::StatusOr<Value> Call(const std::string& name, int depth) {
    std::vector<Value> arguments;
    if (!TakeSign(")")) {
      do {
        ASSIGN_OR_RETURN(const Value argument, Binary(1, depth + 1));
        arguments.push_back(argument);
      } while (TakeSign(","));
      RETURN_IF_ERROR(Expect(")"));
    }
    const FuncId callee = module_.FindFunction(name);
    if (callee.is_none()) return Error(absl::StrCat("there is no function ", name));
    const size_t wanted = module_.function(callee).signature.params.size();
    if (arguments.size() != wanted) {
      return Error(absl::StrCat(name, " takes ", wanted, " arguments, not ", arguments.size()));
    }
    const codegen::Inst call = b_.Call(module_.ReferTo(callee, &func_), arguments);
    return func_.dfg.result(call);
  }

  codegen::Module& module_;
  codegen::Function func_;
  codegen::InstBuilder b_;
  std::vector<Token> tokens_;
  size_t position_ = 0;
  std::map<std::string, Value> variables_;
  // Whether control reaches the place where the builder stands.
  bool is_open_ = true;
  int next_string_ = 0;
};

absl::Status Run(const std::string& input, const std::string& output) {
  std::ifstream file(input, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", input));
  const std::string source((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());

  ASSIGN_OR_RETURN(const cranelift::LinkedIsa* linked, cranelift::FindHostIsa());
  const std::unique_ptr<codegen::IsaBuilder> builder = linked->NewBuilder();
  ASSIGN_OR_RETURN(std::shared_ptr<const codegen::TargetIsa> isa, builder->Build());
  codegen::ObjectModule module(std::move(isa));
  TinyCompiler compiler(&module);
  RETURN_IF_ERROR(compiler.Compile(kPrelude));
  RETURN_IF_ERROR(compiler.Compile(source));
  ASSIGN_OR_RETURN(const std::vector<uint8_t> object, module.Finish());

  std::ofstream out(output, std::ios::binary);
  out.write(reinterpret_cast<const char*>(object.data()),
            static_cast<std::streamsize>(object.size()));
  if (!out.flush()) return absl::UnavailableError(absl::StrCat("cannot write ", output));
  return absl::OkStatus();
}

}  // namespace
}  // namespace gantry::examples

int main(int argc, char** argv) {
  if (argc != 4 || std::string(argv[2]) != "-o") {
    std::fprintf(stderr, "usage: tiny FILE.tiny -o FILE.o\n");
    return 2;
  }
  const absl::Status status = gantry::examples::Run(argv[1], argv[3]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", argv[1], std::string(status.message()).c_str());
  return 1;
}
