#include "codegen/ir/parse.h"

#include <bit>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "codegen/ir/lexer.h"

namespace gantry::codegen {
namespace {

// Largest number that v0, block0 and the like may carry in text.
constexpr uint32_t kMaxNumber = 0x7FFFFFFF;

absl::Status ErrorAt(const Token& token, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(token.line, ":", token.column, ": ", message));
}

std::string Describe(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the end of the text";
  return absl::StrCat("'", token.text, "'");
}

// The number in a word such as "v12" with prefix "v".
std::optional<uint32_t> NumberAfter(absl::string_view prefix, const Token& token) {
  if (token.kind != TokenKind::kWord || !absl::StartsWith(token.text, prefix)) return std::nullopt;
  const absl::string_view digits = token.text.substr(prefix.size());
  if (digits.empty()) return std::nullopt;
  for (char c : digits) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || number > kMaxNumber) return std::nullopt;
  return number;
}

// The bits of a finite float without sign; whatever the locale.
template <typename Float, typename Bits>
std::optional<uint64_t> ReadFloat(absl::string_view text, bool hex) {
  Float value = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(
      text.data(), end, value, hex ? std::chars_format::hex : std::chars_format::general);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return std::bit_cast<Bits>(value);
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : lexer_(text) {
    token_ = lexer_.Next();
    next_ = lexer_.Next();
  }

  bool at_end() const { return token_.kind == TokenKind::kEnd; }
  const Token& token() const { return token_; }

  absl::Status ParseOne(ParsedFunction* parsed) {
    func_ = &parsed->func;
    values_.clear();
    first_uses_.clear();
    blocks_.clear();
    first_block_uses_.clear();
    parsed->first_line = token_.line;
    RETURN_IF_ERROR(ExpectWord("function"));
    ASSIGN_OR_RETURN(func_->params.name, ParseName());
    ASSIGN_OR_RETURN(func_->signature, ParseSignature());
    RETURN_IF_ERROR(Expect('{'));
    while (!token_.Is('}') && !NumberAfter("block", token_).has_value()) {
      RETURN_IF_ERROR(ParseDeclaration());
    }
    while (!token_.Is('}')) RETURN_IF_ERROR(ParseBlock());
    parsed->last_line = token_.line;
    Advance();
    return Connect();
  }

 private:
  void Advance() {
    token_ = next_;
    next_ = lexer_.Next();
  }
  absl::Status Expected(absl::string_view what) const {
    return ErrorAt(token_, absl::StrCat("expected ", what, ", found ", Describe(token_)));
  }
  absl::Status Expect(char c) {
    if (!token_.Is(c)) return Expected(absl::StrCat("'", std::string(1, c), "'"));
    Advance();
    return absl::OkStatus();
  }
  bool Accept(char c) {
    if (!token_.Is(c)) return false;
    Advance();
    return true;
  }
  absl::Status ExpectWord(absl::string_view word) {
    if (!token_.IsWord(word)) return Expected(absl::StrCat("'", word, "'"));
    Advance();
    return absl::OkStatus();
  }
  bool AcceptWord(absl::string_view word) {
    if (!token_.IsWord(word)) return false;
    Advance();
    return true;
  }
  // A number written right behind a prefix: an entity such as sig3, a trap code tc4.
  absl::StatusOr<uint32_t> ParseNumbered(absl::string_view prefix, absl::string_view what) {
    const std::optional<uint32_t> number = NumberAfter(prefix, token_);
    if (!number.has_value()) {
      return Expected(absl::StrCat(what, " such as ", prefix, "0"));
    }
    Advance();
    return *number;
  }
  // An entity that a declaration above has made.
  template <typename Id>
  absl::StatusOr<Id> ParseDeclared(absl::string_view what, size_t count) {
    const Token at = token_;
    ASSIGN_OR_RETURN(const uint32_t number, ParseNumbered(Id::kPrefix, what));
    if (number >= count) return ErrorAt(at, absl::StrCat(at.text, " is not declared"));
    return Id(number);
  }
  // An unsigned number of at most `max`, decimal or 0x hexadecimal.
  absl::StatusOr<uint64_t> ParseUnsigned(uint64_t max) {
    uint64_t value = 0;
    if (token_.kind != TokenKind::kNumber || !ToUnsigned(token_.text, &value)) {
      return Expected("a number");
    }
    if (value > max) return ErrorAt(token_, absl::StrCat("at most ", max, " is allowed here"));
    Advance();
    return value;
  }
  static bool ToUnsigned(absl::string_view text, uint64_t* value) {
    if (absl::StartsWith(text, "0x") || absl::StartsWith(text, "0X")) {
      return absl::SimpleHexAtoi(text, value);
    }
    return absl::SimpleAtoi(text, value);
  }

  // ---- Head.
  absl::StatusOr<UserExternalName> ParseName() {
    UserExternalName name;
    bool any = false;
    if (const std::optional<uint32_t> space = NumberAfter("u", token_); space.has_value()) {
      Advance();
      RETURN_IF_ERROR(Expect(':'));
      ASSIGN_OR_RETURN(const uint64_t index, ParseUnsigned(0xFFFFFFFF));
      name.space = *space;
      name.index = static_cast<uint32_t>(index);
      any = true;
    }
    if (token_.kind == TokenKind::kName) {
      absl::string_view text = token_.text;
      if (absl::StartsWith(text, "\"")) {
        text = text.substr(1, text.size() - 2);
        if (!absl::CUnescape(text, &name.text)) return ErrorAt(token_, "bad escape in a name");
      } else {
        name.text = std::string(text);
      }
      if (name.text.empty()) return ErrorAt(token_, "expected a name behind '%'");
      Advance();
      any = true;
    }
    if (!any) return Expected("a name such as %main or u0:1");
    return name;
  }
  absl::StatusOr<Type> ParseType() {
    const std::optional<Type> type =
        token_.kind == TokenKind::kWord ? TypeFromName(token_.text) : std::nullopt;
    if (!type.has_value()) return Expected("a type");
    Advance();
    return *type;
  }
  absl::Status ParseParam(Signature::ParamList* list) {
    ASSIGN_OR_RETURN(const Type type, ParseType());
    AbiParam param(type);
    if (token_.kind == TokenKind::kWord) {
      if (const std::optional<ArgPurpose> purpose = ArgPurposeFromName(token_.text)) {
        param.purpose = *purpose;
        Advance();
      }
    }
    list->push_back(param);
    return absl::OkStatus();
  }
  // "(i32, i64) -> i32 wasm"; the convention may be left out and is wasm then.
  absl::StatusOr<Signature> ParseSignature() {
    Signature signature;
    RETURN_IF_ERROR(Expect('('));
    if (!token_.Is(')')) {
      do {
        RETURN_IF_ERROR(ParseParam(&signature.params));
      } while (Accept(','));
    }
    RETURN_IF_ERROR(Expect(')'));
    if (token_.kind == TokenKind::kArrow) {
      Advance();
      do {
        RETURN_IF_ERROR(ParseParam(&signature.returns));
      } while (Accept(','));
    }
    if (token_.kind == TokenKind::kWord) {
      if (const std::optional<CallConv> call_conv = CallConvFromName(token_.text)) {
        signature.call_conv = *call_conv;
        Advance();
      }
    }
    return signature;
  }

  absl::Status ParseDeclaration() {
    DataFlowGraph& dfg = func_->dfg;
    const Token at = token_;
    if (at.kind != TokenKind::kWord) return Expected("a declaration or a block");
    const absl::string_view kind =
        at.text.substr(0, std::min(at.text.find_first_of("0123456789"), at.text.size()));
    const auto numbered = [&](const char* prefix, size_t next) {
      return NumberAfter(prefix, at) == next
                 ? absl::OkStatus()
                 : ErrorAt(at, absl::StrCat("declarations are numbered in order: expected ", prefix,
                                            next));
    };
    Advance();
    RETURN_IF_ERROR(Expect('='));
    if (kind == ExternalName::kPrefix) {
      RETURN_IF_ERROR(numbered(ExternalName::kPrefix, func_->params.names.size()));
      ASSIGN_OR_RETURN(UserExternalName name, ParseName());
      func_->params.names.Push(std::move(name));
    } else if (kind == SigRef::kPrefix) {
      RETURN_IF_ERROR(numbered(SigRef::kPrefix, dfg.signatures().size()));
      ASSIGN_OR_RETURN(Signature signature, ParseSignature());
      dfg.ImportSignature(std::move(signature));
    } else if (kind == FuncRef::kPrefix) {
      RETURN_IF_ERROR(numbered(FuncRef::kPrefix, dfg.ext_funcs().size()));
      RETURN_IF_ERROR(ParseExtFunc());
    } else if (kind == StackSlot::kPrefix) {
      RETURN_IF_ERROR(numbered(StackSlot::kPrefix, dfg.stack_slots().size()));
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseUnsigned(kMaxNumber));
      StackSlotData slot{static_cast<uint32_t>(bytes), 0};
      if (AcceptWord("align")) {
        const Token align_at = token_;
        ASSIGN_OR_RETURN(const uint64_t align, ParseUnsigned(kMaxNumber));
        if (!std::has_single_bit(align)) return ErrorAt(align_at, "alignment is a power of two");
        slot.align_log2 = static_cast<uint8_t>(std::countr_zero(align));
      }
      dfg.MakeStackSlot(slot);
    } else if (kind == Constant::kPrefix) {
      RETURN_IF_ERROR(numbered(Constant::kPrefix, dfg.num_constants()));
      if (token_.kind != TokenKind::kNumber || !absl::StartsWith(token_.text, "0x") ||
          token_.text.size() % 2 != 0) {
        return Expected("bytes as 0x and pairs of hexadecimal digits");
      }
      for (char c : token_.text.substr(2)) {
        if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) {
          return Expected("bytes as 0x and pairs of hexadecimal digits");
        }
      }
      const std::string bytes = absl::HexStringToBytes(token_.text.substr(2));
      dfg.MakeConstant({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
      Advance();
    } else if (kind == InlineSite::kPrefix) {
      RETURN_IF_ERROR(numbered(InlineSite::kPrefix, func_->inline_sites.size()));
      ASSIGN_OR_RETURN(const CodeOrigin call, ParseOrigin());
      RETURN_IF_ERROR(ExpectWord("call"));
      ASSIGN_OR_RETURN(const uint64_t callee, ParseUnsigned(0xFFFFFFFF));
      ASSIGN_OR_RETURN(const SourceLoc base, ParseLoc());
      func_->AddInlineSite(call.site, call.loc, static_cast<uint32_t>(callee), base);
    } else {
      return ErrorAt(at, absl::StrCat("expected ext, sig, fn, ss, const, site or block, found ",
                                      Describe(at)));
    }
    return absl::OkStatus();
  }
  // "ext0 sig0", or for short "%name sig0" or "%name(i32) -> i32"; then maybe "far".
  absl::Status ParseExtFunc() {
    ExtFunc ext;
    if (NumberAfter(ExternalName::kPrefix, token_).has_value()) {
      ASSIGN_OR_RETURN(ext.name,
                       ParseDeclared<ExternalName>("an external name", func_->params.names.size()));
    } else {
      ASSIGN_OR_RETURN(UserExternalName name, ParseName());
      ext.name = func_->params.names.Push(std::move(name));
    }
    if (token_.Is('(')) {
      ASSIGN_OR_RETURN(Signature signature, ParseSignature());
      ext.signature = func_->dfg.ImportSignature(std::move(signature));
    } else {
      ASSIGN_OR_RETURN(ext.signature, ParseSigRef());
    }
    ext.colocated = !AcceptWord("far");
    func_->dfg.ImportFunction(ext);
    return absl::OkStatus();
  }
  absl::StatusOr<SigRef> ParseSigRef() {
    return ParseDeclared<SigRef>("a signature", func_->dfg.signatures().size());
  }
  absl::StatusOr<FuncRef> ParseFuncRef() {
    return ParseDeclared<FuncRef>("a function", func_->dfg.ext_funcs().size());
  }
  absl::StatusOr<StackSlot> ParseSlot() {
    return ParseDeclared<StackSlot>("a stack slot", func_->dfg.stack_slots().size());
  }

  // ---- Blocks. Values and blocks are held by their number in the text until Connect().
  absl::Status ParseBlock() {
    const Token at = token_;
    ASSIGN_OR_RETURN(const uint32_t number, ParseNumbered("block", "a block"));
    const Block block = func_->dfg.MakeBlock();
    if (!blocks_.emplace(number, block).second) {
      return ErrorAt(at, absl::StrCat(at.text, " is there already"));
    }
    func_->layout.Append(block);
    if (Accept('(')) {
      do {
        const Token value_at = token_;
        ASSIGN_OR_RETURN(const uint32_t value, ParseNumbered("v", "a value"));
        RETURN_IF_ERROR(Expect(':'));
        ASSIGN_OR_RETURN(const Type type, ParseType());
        const Value param = func_->dfg.AppendBlockParam(block, type);
        if (AcceptWord("ref")) func_->dfg.MarkReference(param);
        RETURN_IF_ERROR(Define(value_at, value, param));
      } while (Accept(','));
      RETURN_IF_ERROR(Expect(')'));
    }
    if (AcceptWord("cold")) func_->dfg.mutable_block(block).cold = true;
    RETURN_IF_ERROR(Expect(':'));
    while (!token_.Is('}') && !NumberAfter("block", token_).has_value()) {
      RETURN_IF_ERROR(ParseInst(block));
    }
    return absl::OkStatus();
  }
  absl::Status Define(const Token& at, uint32_t number, Value value) {
    if (values_.emplace(number, value).second) return absl::OkStatus();
    return ErrorAt(at, absl::StrCat("v", number, " is defined twice"));
  }

  struct ResultName {
    Token at;
    uint32_t number;
    bool reference;
  };

  // A location such as @1a; none where the text has none.
  absl::StatusOr<SourceLoc> ParseLoc() {
    if (token_.kind != TokenKind::kLoc) return SourceLoc::None();
    uint32_t bits = 0;
    if (!absl::SimpleHexAtoi(token_.text, &bits)) return Expected("a location such as @1a");
    Advance();
    return SourceLoc(bits);
  }
  // A location and the inline site that it lies in; either or both may be missing.
  absl::StatusOr<CodeOrigin> ParseOrigin() {
    CodeOrigin origin;
    ASSIGN_OR_RETURN(origin.loc, ParseLoc());
    if (NumberAfter(InlineSite::kPrefix, token_).has_value()) {
      ASSIGN_OR_RETURN(origin.site,
                       ParseDeclared<InlineSite>("an inline site", func_->inline_sites.size()));
    }
    return origin;
  }

  absl::Status ParseInst(Block block) {
    ASSIGN_OR_RETURN(const CodeOrigin origin, ParseOrigin());
    results_.clear();
    if (NumberAfter("v", token_).has_value()) {
      do {
        const Token at = token_;
        ASSIGN_OR_RETURN(const uint32_t number, ParseNumbered("v", "a value"));
        bool reference = false;
        if (Accept(':')) {
          RETURN_IF_ERROR(ExpectWord("ref"));
          reference = true;
        }
        results_.push_back({at, number, reference});
      } while (Accept(','));
      RETURN_IF_ERROR(Expect('='));
    }
    const Token at = token_;
    ASSIGN_OR_RETURN(InstData data, ParseOpcode());
    RETURN_IF_ERROR(ParseOperands(&data));
    const Inst inst = func_->dfg.MakeInst(data);
    func_->layout.Append(inst, block);
    func_->SetLoc(inst, origin.loc, origin.site);
    if (func_->dfg.num_results(inst) != results_.size()) {
      return ErrorAt(at, absl::StrCat(at.text, " here has ", func_->dfg.num_results(inst),
                                      " results, but ", results_.size(), " are named"));
    }
    for (size_t i = 0; i < results_.size(); ++i) {
      const Value value = func_->dfg.result(inst, i);
      if (results_[i].reference) func_->dfg.MarkReference(value);
      RETURN_IF_ERROR(Define(results_[i].at, results_[i].number, value));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<InstData> ParseOpcode() {
    if (token_.kind != TokenKind::kWord) return Expected("an instruction");
    const Token at = token_;
    const size_t dot = std::min(at.text.find('.'), at.text.size());
    const std::optional<Opcode> opcode = OpcodeFromName(at.text.substr(0, dot));
    if (!opcode.has_value()) {
      return ErrorAt(at, absl::StrCat("there is no instruction '", at.text.substr(0, dot), "'"));
    }
    const OpcodeInfo& info = Info(*opcode);
    Type type = OnlyType(info.types);
    if (HasTypeSuffix(info.types)) {
      const std::optional<Type> suffix =
          dot < at.text.size() ? TypeFromName(at.text.substr(dot + 1)) : std::nullopt;
      if (!suffix.has_value()) {
        return ErrorAt(at, absl::StrCat(info.name, " needs a type, such as ", info.name,
                                        ExampleType(info.types)));
      }
      if (!Contains(info.types, *suffix)) {
        return ErrorAt(at, absl::StrCat(info.name, " does not exist for ", TypeName(*suffix)));
      }
      type = *suffix;
    } else if (dot < at.text.size()) {
      return ErrorAt(at, absl::StrCat(info.name, " takes no type"));
    }
    Advance();
    return InstData(*opcode, type);
  }

  static std::string ExampleType(TypeSet set) {
    for (Type type : {Type::kI32, Type::kF64, Type::kI32X4, Type::kF64X2}) {
      if (Contains(set, type)) return absl::StrCat(".", TypeName(type));
    }
    return ".i8x16";
  }

  // ---- Operands.
  absl::StatusOr<Value> ParseValue() {
    const Token at = token_;
    ASSIGN_OR_RETURN(const uint32_t number, ParseNumbered("v", "a value"));
    first_uses_.emplace(number, at);
    return Value(number);
  }
  absl::Status ParseFixedArgs(InstData* data) {
    for (size_t i = 0; i < Info(data->opcode()).num_args; ++i) {
      if (i != 0) RETURN_IF_ERROR(Expect(','));
      ASSIGN_OR_RETURN(const Value v, ParseValue());
      data->set_arg(i, v);
    }
    return absl::OkStatus();
  }
  // "(v0, v1)".
  absl::StatusOr<ValueList> ParseArguments() {
    RETURN_IF_ERROR(Expect('('));
    args_.clear();
    if (!token_.Is(')')) {
      do {
        ASSIGN_OR_RETURN(const Value v, ParseValue());
        args_.push_back(v);
      } while (Accept(','));
    }
    RETURN_IF_ERROR(Expect(')'));
    return func_->dfg.MakeList(args_);
  }
  absl::StatusOr<BlockCall> ParseBlockCall() {
    const Token at = token_;
    ASSIGN_OR_RETURN(const uint32_t number, ParseNumbered("block", "a block"));
    first_block_uses_.emplace(number, at);
    BlockCall call{Block(number), ValueList()};
    if (token_.Is('(')) {
      ASSIGN_OR_RETURN(call.args, ParseArguments());
    }
    return call;
  }
  absl::StatusOr<uint8_t> ParseCode() {
    const Token at = token_;
    ASSIGN_OR_RETURN(const uint32_t code, ParseNumbered("tc", "a trap code"));
    if (code > 255) return ErrorAt(at, "trap codes end at tc255");
    return static_cast<uint8_t>(code);
  }
  absl::StatusOr<int32_t> ParseOffset() {
    const bool negative = token_.Is('-');
    if (!negative && !token_.Is('+')) return 0;
    Advance();
    ASSIGN_OR_RETURN(const uint64_t magnitude, ParseUnsigned(negative ? 0x80000000u : 0x7FFFFFFF));
    return static_cast<int32_t>(negative ? -magnitude : magnitude);
  }
  absl::StatusOr<MemFlags> ParseFlags() {
    MemFlags flags;
    if (NumberAfter("tc", token_).has_value()) {
      ASSIGN_OR_RETURN(const uint8_t code, ParseCode());
      flags = flags.WithTrap(static_cast<TrapCode>(code));
    }
    for (;;) {
      if (NumberAfter("region", token_).has_value()) {
        const Token at = token_;
        ASSIGN_OR_RETURN(const uint32_t region, ParseNumbered("region", "a region"));
        if (region > MemFlags::kMaxRegion) return ErrorAt(at, "the region is too large");
        flags = flags.WithRegion(region);
      } else if (AcceptWord("readonly")) {
        flags = flags.WithReadonly();
      } else if (AcceptWord("movable")) {
        flags = flags.WithMovable();
      } else if (AcceptWord("aligned")) {
        flags = flags.WithAligned();
      } else {
        return flags;
      }
    }
  }
  absl::Status ParseIntConst(InstData* data) {
    const Token at = token_;
    const bool negative = Accept('-');
    ASSIGN_OR_RETURN(const uint64_t magnitude, ParseUnsigned(~uint64_t{0}));
    const uint32_t bits = TypeBits(data->type());
    const uint64_t limit = negative ? uint64_t{1} << (bits - 1) : TypeMask(data->type());
    if (magnitude > limit) {
      return ErrorAt(at, absl::StrCat("the constant does not fit ", TypeName(data->type())));
    }
    data->set_const_bits((negative ? -magnitude : magnitude) & TypeMask(data->type()));
    return absl::OkStatus();
  }
  // "0x" and 32 digits, most significant first.
  absl::Status ParseV128Const(InstData* data) {
    const auto bad = [&] { return Expected("a vector as 0x and 32 hexadecimal digits"); };
    if (token_.kind != TokenKind::kNumber) return bad();
    absl::string_view digits = token_.text;
    if (!absl::ConsumePrefix(&digits, "0x") || digits.size() != 32) return bad();
    for (char c : digits) {
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return bad();
    }
    uint64_t low = 0;
    uint64_t high = 0;
    if (!absl::SimpleHexAtoi(digits.substr(0, 16), &high) ||
        !absl::SimpleHexAtoi(digits.substr(16), &low)) {
      return bad();
    }
    data->set_v128(low, high);
    Advance();
    return absl::OkStatus();
  }
  absl::Status ParseLanes(InstData* data) {
    ShuffleLanes lanes;
    for (uint8_t& lane : lanes) {
      ASSIGN_OR_RETURN(const uint64_t number, ParseUnsigned(31));
      lane = static_cast<uint8_t>(number);
    }
    data->set_shuffle_lanes(lanes);
    return absl::OkStatus();
  }
  absl::Status ParseAccess(InstData* data) {
    ASSIGN_OR_RETURN(const MemFlags flags, ParseFlags());
    data->set_flags(flags);
    RETURN_IF_ERROR(ParseFixedArgs(data));
    if (data->format() == Format::kAtomicCas) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int32_t offset, ParseOffset());
    data->set_offset(offset);
    return absl::OkStatus();
  }
  absl::Status ParseFloatConst(InstData* data) {
    const Token at = token_;
    std::string text;
    if (Accept('-')) text.push_back('-');
    if (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kNumber) {
      return Expected("a float");
    }
    absl::StrAppend(&text, token_.text);
    Advance();
    if (absl::EndsWith(text, "nan") && Accept(':')) {
      if (token_.kind != TokenKind::kNumber) return Expected("the bits of a NaN");
      absl::StrAppend(&text, ":", token_.text);
      Advance();
    }
    const absl::StatusOr<uint64_t> bits = ParseFloat(data->type(), text);
    if (!bits.ok()) return ErrorAt(at, bits.status().message());
    data->set_const_bits(*bits);
    return absl::OkStatus();
  }
  absl::Status ParseCodes(size_t count, InstData* data) {
    uint16_t codes = 0;
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(Expect(','));
      ASSIGN_OR_RETURN(const uint8_t code, ParseCode());
      codes = static_cast<uint16_t>(codes | code << (8 * i));
    }
    data->set_immediate(codes);
    return absl::OkStatus();
  }
  // ", block1(v2), [tag0: block2, default: block3]" behind the arguments.
  absl::Status ParseHandlers(InstData* data) {
    RETURN_IF_ERROR(Expect(','));
    ASSIGN_OR_RETURN(const BlockCall normal, ParseBlockCall());
    RETURN_IF_ERROR(Expect(','));
    RETURN_IF_ERROR(Expect('['));
    std::vector<Handler> handlers;
    if (!token_.Is(']')) {
      do {
        Handler handler;
        if (!AcceptWord("default")) {
          ASSIGN_OR_RETURN(handler.tag, ParseNumbered("tag", "a tag or 'default'"));
        }
        RETURN_IF_ERROR(Expect(':'));
        ASSIGN_OR_RETURN(handler.target, ParseBlockCall());
        handlers.push_back(handler);
      } while (Accept(','));
    }
    data->set_handler_table(func_->dfg.MakeHandlerTable(normal, handlers));
    return Expect(']');
  }

  absl::Status ParseOperands(InstData* data) {
    switch (data->format()) {
      case Format::kNullary:
      case Format::kEffect:
        return absl::OkStatus();
      case Format::kIntConst:
        return ParseIntConst(data);
      case Format::kF32Const:
      case Format::kF64Const:
        return ParseFloatConst(data);
      case Format::kV128Const:
        return ParseV128Const(data);
      case Format::kUnary:
      case Format::kConvert:
      case Format::kBinary:
      case Format::kTernary:
      case Format::kBinaryPair:
      case Format::kTernaryPair:
      case Format::kSelect:
      case Format::kTierCheck:
        return ParseFixedArgs(data);
      case Format::kTrappingConvert:
      case Format::kSignedDivision:
        RETURN_IF_ERROR(ParseFixedArgs(data));
        return ParseCodes(2, data);
      case Format::kDivision:
      case Format::kCondTrap:
        RETURN_IF_ERROR(ParseFixedArgs(data));
        return ParseCodes(1, data);
      case Format::kIntCompare: {
        const std::optional<IntCC> cc = IntCCFromName(token_.text);
        if (!cc.has_value()) return Expected("a condition such as eq or slt");
        Advance();
        data->set_immediate(static_cast<uint16_t>(*cc));
        return ParseFixedArgs(data);
      }
      case Format::kFloatCompare: {
        const std::optional<FloatCC> cc = FloatCCFromName(token_.text);
        if (!cc.has_value()) return Expected("a condition such as eq or lt");
        Advance();
        data->set_immediate(static_cast<uint16_t>(*cc));
        return ParseFixedArgs(data);
      }
      case Format::kLane:
      case Format::kLaneBinary: {
        RETURN_IF_ERROR(ParseFixedArgs(data));
        RETURN_IF_ERROR(Expect(','));
        ASSIGN_OR_RETURN(const uint64_t lane, ParseUnsigned(LaneCount(data->type()) - 1));
        data->set_immediate(static_cast<uint16_t>(lane));
        return absl::OkStatus();
      }
      case Format::kShuffle:
        RETURN_IF_ERROR(ParseFixedArgs(data));
        RETURN_IF_ERROR(Expect(','));
        return ParseLanes(data);
      case Format::kAtomicRmw: {
        const std::optional<AtomicRmwOp> op = AtomicRmwOpFromName(token_.text);
        if (!op.has_value()) return Expected("an operation such as add or xchg");
        Advance();
        data->set_immediate(static_cast<uint16_t>(*op));
        return ParseAccess(data);
      }
      case Format::kLoad:
      case Format::kStore:
      case Format::kAtomicLoad:
      case Format::kAtomicStore:
      case Format::kAtomicCas:
        return ParseAccess(data);
      case Format::kStackAddr:
      case Format::kStackLoad:
      case Format::kStackStore: {
        RETURN_IF_ERROR(ParseFixedArgs(data));
        if (data->format() == Format::kStackStore) RETURN_IF_ERROR(Expect(','));
        ASSIGN_OR_RETURN(const StackSlot slot, ParseSlot());
        data->set_stack_slot(slot);
        ASSIGN_OR_RETURN(const int32_t offset, ParseOffset());
        data->set_offset(offset);
        return absl::OkStatus();
      }
      case Format::kFuncAddr: {
        ASSIGN_OR_RETURN(const FuncRef ref, ParseFuncRef());
        data->set_func_ref(ref);
        return absl::OkStatus();
      }
      case Format::kCall:
      case Format::kReturnCall:
      case Format::kTryCall: {
        ASSIGN_OR_RETURN(const FuncRef ref, ParseFuncRef());
        data->set_func_ref(ref);
        ASSIGN_OR_RETURN(const ValueList list, ParseArguments());
        data->set_list(list);
        return data->format() == Format::kTryCall ? ParseHandlers(data) : absl::OkStatus();
      }
      case Format::kCallIndirect:
      case Format::kReturnCallIndirect:
      case Format::kTryCallIndirect: {
        ASSIGN_OR_RETURN(const SigRef ref, ParseSigRef());
        data->set_sig_ref(ref);
        RETURN_IF_ERROR(Expect(','));
        RETURN_IF_ERROR(ParseFixedArgs(data));
        ASSIGN_OR_RETURN(const ValueList list, ParseArguments());
        data->set_list(list);
        return data->format() == Format::kTryCallIndirect ? ParseHandlers(data) : absl::OkStatus();
      }
      case Format::kJump: {
        ASSIGN_OR_RETURN(const BlockCall target, ParseBlockCall());
        data->set_block_call(0, target);
        return absl::OkStatus();
      }
      case Format::kBranch: {
        RETURN_IF_ERROR(ParseFixedArgs(data));
        for (size_t i = 0; i < 2; ++i) {
          RETURN_IF_ERROR(Expect(','));
          ASSIGN_OR_RETURN(const BlockCall target, ParseBlockCall());
          data->set_block_call(i, target);
        }
        return absl::OkStatus();
      }
      case Format::kBranchTable: {
        RETURN_IF_ERROR(ParseFixedArgs(data));
        RETURN_IF_ERROR(Expect(','));
        ASSIGN_OR_RETURN(const BlockCall default_target, ParseBlockCall());
        RETURN_IF_ERROR(Expect(','));
        RETURN_IF_ERROR(Expect('['));
        std::vector<BlockCall> entries;
        if (!token_.Is(']')) {
          do {
            ASSIGN_OR_RETURN(const BlockCall entry, ParseBlockCall());
            entries.push_back(entry);
          } while (Accept(','));
        }
        data->set_jump_table(func_->dfg.MakeJumpTable(entries, default_target));
        return Expect(']');
      }
      case Format::kReturn: {
        args_.clear();
        if (NumberAfter("v", token_).has_value() && !next_.Is('=') && !next_.Is(':')) {
          do {
            ASSIGN_OR_RETURN(const Value v, ParseValue());
            args_.push_back(v);
          } while (Accept(','));
        }
        data->set_list(func_->dfg.MakeList(args_));
        return absl::OkStatus();
      }
      case Format::kCharge: {
        ASSIGN_OR_RETURN(const uint64_t amount, ParseUnsigned(0x7FFFFFFF));
        data->set_amount(static_cast<uint32_t>(amount));
        return absl::OkStatus();
      }
      case Format::kPoll: {
        RETURN_IF_ERROR(ParseFixedArgs(data));
        ASSIGN_OR_RETURN(const int32_t offset, ParseOffset());
        data->set_offset(offset);
        return absl::OkStatus();
      }
      case Format::kTrap: {
        ASSIGN_OR_RETURN(const uint8_t code, ParseCode());
        data->set_immediate(code);
        return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

  // Turns the text's numbers into values and blocks.
  absl::Status Connect() {
    // The first undefined one in the text is the one to tell of.
    const Token* undefined = nullptr;
    const auto note = [&](const Token& at) {
      if (undefined == nullptr || at.line < undefined->line ||
          (at.line == undefined->line && at.column < undefined->column)) {
        undefined = &at;
      }
    };
    for (const auto& [number, at] : first_uses_) {
      if (!values_.contains(number)) note(at);
    }
    for (const auto& [number, at] : first_block_uses_) {
      if (!blocks_.contains(number)) note(at);
    }
    if (undefined != nullptr) {
      return ErrorAt(*undefined, absl::StrCat(undefined->text, " is not defined"));
    }
    for (Block block : func_->layout.blocks()) {
      for (Inst inst : func_->layout.insts(block)) {
        func_->dfg.MapArgs(inst, [&](Value v) { return values_.find(v.raw())->second; });
        func_->dfg.MapBlockCalls(inst, [&](BlockCall call) {
          return BlockCall{blocks_.find(call.block.raw())->second, call.args};
        });
      }
    }
    return absl::OkStatus();
  }

  Lexer lexer_;
  Token token_;
  Token next_;
  Function* func_ = nullptr;
  absl::flat_hash_map<uint32_t, Value> values_;
  absl::flat_hash_map<uint32_t, Token> first_uses_;
  absl::flat_hash_map<uint32_t, Block> blocks_;
  absl::flat_hash_map<uint32_t, Token> first_block_uses_;
  std::vector<ResultName> results_;
  std::vector<Value> args_;
};

}  // namespace

absl::StatusOr<std::vector<ParsedFunction>> ParseFunctions(absl::string_view text) {
  Parser parser(text);
  std::vector<ParsedFunction> functions;
  while (!parser.at_end()) {
    functions.emplace_back();
    RETURN_IF_ERROR(parser.ParseOne(&functions.back()));
  }
  return functions;
}

absl::StatusOr<Function> ParseFunction(absl::string_view text) {
  Parser parser(text);
  ParsedFunction parsed;
  RETURN_IF_ERROR(parser.ParseOne(&parsed));
  if (!parser.at_end()) return ErrorAt(parser.token(), "expected one function only");
  return std::move(parsed.func);
}

absl::StatusOr<uint64_t> ParseFloat(Type type, absl::string_view text) {
  const int total = type == Type::kF32 ? 32 : 64;
  const int fraction = type == Type::kF32 ? 23 : 52;
  const absl::Status bad = absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a float, such as 1.5, -0x1.8p+3, inf or nan:0x400000"));
  const bool negative = absl::ConsumePrefix(&text, "-");
  const uint64_t sign = negative ? uint64_t{1} << (total - 1) : 0;
  const uint64_t infinity = ((uint64_t{1} << (total - 1 - fraction)) - 1) << fraction;
  if (text == "inf") return sign | infinity;
  if (absl::ConsumePrefix(&text, "nan")) {
    uint64_t payload = uint64_t{1} << (fraction - 1);
    if (!text.empty() &&
        (!absl::ConsumePrefix(&text, ":") || !absl::SimpleHexAtoi(text, &payload) || payload == 0 ||
         payload >> fraction != 0)) {
      return bad;
    }
    return sign | infinity | payload;
  }
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) return bad;
  const bool hex = absl::ConsumePrefix(&text, "0x");
  const std::optional<uint64_t> magnitude = type == Type::kF32
                                                ? ReadFloat<float, uint32_t>(text, hex)
                                                : ReadFloat<double, uint64_t>(text, hex);
  if (!magnitude.has_value()) return bad;
  return sign | *magnitude;
}

}  // namespace gantry::codegen
