// Of codegen::ObjectModule, here because it needs an instruction set: the file as readers of ELF
// find it. //examples/tiny links such files and runs them.
#include "codegen/object.h"

#include <elf.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "gtest/gtest.h"
#include "jit/module_testing.h"

namespace gantry::jit {
namespace {

using codegen::DataId;
using codegen::FuncId;
using codegen::Linkage;
using codegen::ObjectModule;

// What a linker sees.
struct ObjectFile {
  explicit ObjectFile(const std::vector<uint8_t>& file) : bytes(file) {
    std::memcpy(&header, bytes.data(), sizeof header);
    for (size_t i = 0; i < header.e_shnum; ++i) {
      sections.push_back(At<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr)));
    }
    for (size_t i = 0; i < sections.size(); ++i) {
      numbers[Text(sections[header.e_shstrndx], sections[i].sh_name)] = i;
    }
    const Elf64_Shdr& table = Section(".symtab");
    for (uint64_t at = 0; at < table.sh_size; at += sizeof(Elf64_Sym)) {
      symbols.push_back(At<Elf64_Sym>(table.sh_offset + at));
      names.push_back(Text(sections[table.sh_link], symbols.back().st_name));
    }
  }
  template <typename T>
  T At(uint64_t offset) const {
    T value;
    CHECK_LE(offset + sizeof value, bytes.size());
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }
  std::string Text(const Elf64_Shdr& table, uint32_t offset) const {
    return reinterpret_cast<const char*>(bytes.data()) + table.sh_offset + offset;
  }
  const Elf64_Shdr& Section(const std::string& name) const { return sections[numbers.at(name)]; }
  const Elf64_Sym* Symbol(const std::string& name) const {
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (names[i] == name) return &symbols[i];
    }
    return nullptr;
  }
  std::vector<Elf64_Rela> Relocations(const std::string& section) const {
    const Elf64_Shdr& table = Section(".rela" + section);
    std::vector<Elf64_Rela> found;
    for (uint64_t at = 0; at < table.sh_size; at += sizeof(Elf64_Rela)) {
      found.push_back(At<Elf64_Rela>(table.sh_offset + at));
    }
    return found;
  }

  std::vector<uint8_t> bytes;
  Elf64_Ehdr header;
  std::vector<Elf64_Shdr> sections;
  std::map<std::string, size_t> numbers;
  std::vector<Elf64_Sym> symbols;
  std::vector<std::string> names;
};

void Fill(ObjectModule& module) {
  const FuncId fibonacci = *module.DeclareFunction("fibonacci", Linkage::kExport, IntSignature(1));
  const FuncId host = *module.DeclareFunction("host", Linkage::kImport, IntSignature(1));
  const FuncId local = *module.DeclareFunction("local", Linkage::kLocal, IntSignature(1));
  CHECK_OK(module.DeclareFunction("unused", Linkage::kImport, IntSignature(1)).status());
  const DataId table = *module.DeclareData("table", Linkage::kExport, false);
  const DataId variable = *module.DeclareData("variable", Linkage::kLocal, true);
  CHECK_OK(DefineFibonacci(module, fibonacci));
  CHECK_OK(DefineCallPlus(module, local, host, 1));
  CHECK_OK(
      module.Define(table, {.bytes = std::vector<uint8_t>(16), .references = {{8, local, 4}}}));
  CHECK_OK(module.Define(variable, {.bytes = {1, 2, 3}, .alignment = 64}));
}

TEST(ObjectTest, SymbolsSectionsAndRelocationsAreThere) {
  ObjectModule module(HostIsa());
  Fill(module);
  const auto bytes = module.Finish();
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const ObjectFile file(*bytes);
  EXPECT_EQ(file.header.e_type, ET_REL);

  const Elf64_Sym* fibonacci = file.Symbol("fibonacci");
  ASSERT_NE(fibonacci, nullptr);
  EXPECT_EQ(ELF64_ST_BIND(fibonacci->st_info), STB_GLOBAL);
  EXPECT_EQ(ELF64_ST_TYPE(fibonacci->st_info), STT_FUNC);
  EXPECT_EQ(fibonacci->st_shndx, file.numbers.at(".text"));
  EXPECT_GT(fibonacci->st_size, 0u);
  const Elf64_Sym* local = file.Symbol("local");
  ASSERT_NE(local, nullptr);
  EXPECT_EQ(ELF64_ST_BIND(local->st_info), STB_LOCAL);
  const Elf64_Sym* host = file.Symbol("host");
  ASSERT_NE(host, nullptr);
  EXPECT_EQ(host->st_shndx, SHN_UNDEF);
  EXPECT_EQ(file.Symbol("unused"), nullptr);
  EXPECT_EQ(file.Symbol("table")->st_shndx, file.numbers.at(".data.rel.ro"));
  EXPECT_EQ(file.Symbol("variable")->st_shndx, file.numbers.at(".data"));
  EXPECT_EQ(file.Section(".data").sh_addralign, 64u);

  // Local ones first, as sh_info says.
  for (size_t i = 0; i < file.symbols.size(); ++i) {
    EXPECT_EQ(ELF64_ST_BIND(file.symbols[i].st_info) == STB_LOCAL,
              i < file.Section(".symtab").sh_info)
        << i;
  }
  // Two calls of itself, one of the host; what they refer to is the symbol of that name.
  std::map<std::string, int> called;
  for (const Elf64_Rela& relocation : file.Relocations(".text")) {
    ++called[file.names[ELF64_R_SYM(relocation.r_info)]];
    EXPECT_EQ(relocation.r_addend, -4);
  }
  EXPECT_GE(called["fibonacci"], 1);
  EXPECT_EQ(called["host"], 1);
  const std::vector<Elf64_Rela> addresses = file.Relocations(".data.rel.ro");
  ASSERT_EQ(addresses.size(), 1u);
  EXPECT_EQ(addresses[0].r_offset, 8u);
  EXPECT_EQ(addresses[0].r_addend, 4);
  EXPECT_EQ(file.names[ELF64_R_SYM(addresses[0].r_info)], "local");
  // A frame for each function.
  EXPECT_EQ(file.Relocations(".eh_frame").size(), 2u);
}

TEST(ObjectTest, TheSameModuleIsTheSameBytes) {
  ObjectModule one(HostIsa()), two(HostIsa());
  Fill(one);
  Fill(two);
  EXPECT_EQ(*one.Finish(), *two.Finish());
  EXPECT_EQ(*one.Finish(), *one.Finish());
}

TEST(ObjectTest, WhatIsNotDefinedIsNamed) {
  ObjectModule module(HostIsa());
  ASSERT_TRUE(module.DeclareFunction("nowhere", Linkage::kExport, IntSignature(0)).ok());
  ASSERT_TRUE(module.DeclareData("nothing", Linkage::kLocal, true).ok());
  const absl::Status status = module.Finish().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("nowhere, nothing"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace gantry::jit
