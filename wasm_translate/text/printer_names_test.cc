#include "wasm_translate/text/printer_names.h"

#include <string>

#include "gtest/gtest.h"

namespace gantry::wasm::text {
namespace {

std::string Definition(PrinterNames& names, NameSpace space, uint32_t outer, uint32_t inner) {
  std::string out;
  names.AppendDefinition(space, outer, inner, &out);
  return out;
}

std::string Use(PrinterNames& names, NameSpace space, uint32_t outer, uint32_t inner) {
  std::string out;
  names.AppendUse(space, outer, inner, &out);
  return out;
}

TEST(PrinterNamesTest, IdentifiersAreQuotedWhereTheyHaveTo) {
  EXPECT_EQ(PrintIdentifier("f"), "$f");
  EXPECT_EQ(PrintIdentifier("!#$%&'*+-./09:<=>?@AZ\\^_`az|~"), "$!#$%&'*+-./09:<=>?@AZ\\^_`az|~");
  for (const char* name : {" ", "a b", "\"", "(", ")", ",", ";", "[", "]", "{", "}", "\n"}) {
    EXPECT_EQ(PrintIdentifier(name).substr(0, 2), "$\"") << name;
  }
  EXPECT_EQ(PrintIdentifier("a\nb"), "$\"a\\0ab\"");
  EXPECT_EQ(PrintIdentifier("ü"), "$\"ü\"");
}

TEST(PrinterNamesTest, SecondNamesGetNumbers) {
  Module module;
  for (const auto& [index, name] : {std::pair(0, "f"), {2, "f"}, {3, ""}, {4, "f#5"}, {5, "f"}}) {
    module.names.functions.emplace_back(FuncIndex(index), name);
  }
  PrinterNames names(module, true, 100);
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 0), " $f");
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 1), "");
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 2), " $f#2 (@name \"f\")");
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 3), " (@name \"\")");
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 4), " $f#5");
  // Here the number is taken too.
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 5), " (@name \"f\")");
  EXPECT_EQ(Use(names, NameSpace::kFunc, 0, 0), "$f");
  EXPECT_EQ(Use(names, NameSpace::kFunc, 0, 1), "1");
  EXPECT_EQ(Use(names, NameSpace::kFunc, 0, 2), "$f#2");
  EXPECT_EQ(Use(names, NameSpace::kFunc, 0, 3), "3");
  EXPECT_EQ(Use(names, NameSpace::kFunc, 0, 5), "5");
  EXPECT_EQ(names.total(), 5u);
  EXPECT_EQ(names.defined(), 5u);
}

TEST(PrinterNamesTest, ScopesAreApart) {
  Module module;
  module.names.functions.emplace_back(FuncIndex(0), "x");
  module.names.globals.emplace_back(GlobalIndex(0), "x");
  module.names.locals = {{FuncIndex(1), LocalIndex(0), "x"},
                         {FuncIndex(1), LocalIndex(1), "x"},
                         {FuncIndex(2), LocalIndex(1), "x"}};
  module.names.labels = {{FuncIndex(1), 0, "l"}, {FuncIndex(1), 1, "l"}};
  module.names.fields = {{TypeIndex(3), FieldIndex(0), "y"}, {TypeIndex(4), FieldIndex(0), "y"}};
  PrinterNames names(module, true, 100);
  EXPECT_EQ(Definition(names, NameSpace::kGlobal, 0, 0), " $x");
  EXPECT_EQ(Definition(names, NameSpace::kLocal, 1, 0), " $x");
  EXPECT_EQ(Definition(names, NameSpace::kLocal, 1, 1), " $x#1 (@name \"x\")");
  EXPECT_EQ(Definition(names, NameSpace::kLocal, 2, 1), " $x");
  // A label may hide another.
  EXPECT_EQ(Definition(names, NameSpace::kLabel, 1, 0), " $l");
  EXPECT_EQ(Definition(names, NameSpace::kLabel, 1, 1), " $l");
  EXPECT_EQ(Definition(names, NameSpace::kField, 3, 0), " $y");
  EXPECT_EQ(Definition(names, NameSpace::kField, 4, 0), " $y");
  EXPECT_TRUE(names.HasAny(NameSpace::kLocal, 2, 0, 2));
  EXPECT_FALSE(names.HasAny(NameSpace::kLocal, 2, 0, 1));
  EXPECT_FALSE(names.HasAny(NameSpace::kLocal, 2, 2, 5));
}

TEST(PrinterNamesTest, LongIdentifiersAreUsedWithinABudget) {
  const std::string name(1000, 'a');
  Module module;
  module.names.functions.emplace_back(FuncIndex(0), name);
  PrinterNames names(module, true, 1'100);
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 0), " $" + name);
  int long_uses = 0;
  while (Use(names, NameSpace::kFunc, 0, 0) != "0") ++long_uses;
  EXPECT_EQ(long_uses, 17);
}

TEST(PrinterNamesTest, TooLongNamesAreAnnotations) {
  const std::string name(1001, 'a');
  Module module;
  module.names.module = name;
  module.names.functions.emplace_back(FuncIndex(3), name);
  PrinterNames names(module, true, 100'000);
  std::string out;
  names.AppendModuleName(&out);
  EXPECT_EQ(out, " (@name \"" + name + "\")");
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 3), out);
  EXPECT_EQ(Use(names, NameSpace::kFunc, 0, 3), "3");
}

TEST(PrinterNamesTest, NothingWhereTurnedOff) {
  Module module;
  module.names.module = "m";
  module.names.functions.emplace_back(FuncIndex(0), "f");
  PrinterNames names(module, false, 100);
  std::string out;
  names.AppendModuleName(&out);
  EXPECT_EQ(out, "");
  EXPECT_EQ(Definition(names, NameSpace::kFunc, 0, 0), "");
  EXPECT_EQ(Use(names, NameSpace::kFunc, 0, 0), "0");
}

}  // namespace
}  // namespace gantry::wasm::text
