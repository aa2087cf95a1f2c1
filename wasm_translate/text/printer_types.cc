#include "wasm_translate/text/printer_types.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace gantry::wasm::text {
namespace {

void AppendField(const FieldType& field, PrinterNames& names, std::string* out) {
  if (field.is_mutable) absl::StrAppend(out, "(mut ");
  if (field.storage.is_packed()) {
    absl::StrAppend(out, field.storage.ToString());
  } else {
    AppendValType(field.storage.unpacked(), names, out);
  }
  if (field.is_mutable) absl::StrAppend(out, ")");
}

void AppendComposite(TypeIndex index, const SubType& type, PrinterNames& names, std::string* out) {
  if (const FuncType* func = type.func()) {
    absl::StrAppend(out, "(func");
    AppendTypeList("param", func->params(), names, out);
    AppendTypeList("result", func->results(), names, out);
  } else if (const StructType* struct_type = type.struct_type()) {
    absl::StrAppend(out, "(struct");
    for (size_t i = 0; i < struct_type->fields.size(); ++i) {
      absl::StrAppend(out, " (field");
      names.AppendDefinition(NameSpace::kField, index.raw(), static_cast<uint32_t>(i), out);
      absl::StrAppend(out, " ");
      AppendField(struct_type->fields[i], names, out);
      absl::StrAppend(out, ")");
    }
  } else {
    absl::StrAppend(out, "(array ");
    AppendField(type.array()->element, names, out);
  }
  absl::StrAppend(out, ")");
}

void AppendTypeDefinition(TypeIndex index, const SubType& type, PrinterNames& names,
                          std::string* out) {
  absl::StrAppend(out, "(type");
  names.AppendDefinition(NameSpace::kType, index.raw(), out);
  absl::StrAppend(out, " ");
  const bool plain = type.is_final && type.supertype.is_none();
  if (!plain) {
    absl::StrAppend(out, type.is_final ? "(sub final " : "(sub ");
    if (type.supertype.is_some()) {
      names.AppendUse(NameSpace::kType, type.supertype.raw(), out);
      absl::StrAppend(out, " ");
    }
  }
  AppendComposite(index, type, names, out);
  absl::StrAppend(out, plain ? ")\n" : "))\n");
}

void AppendLimits(IndexType index_type, const Limits& limits, std::string* out) {
  if (index_type == IndexType::kI64) absl::StrAppend(out, "i64 ");
  absl::StrAppend(out, limits.min);
  if (limits.max.has_value()) absl::StrAppend(out, " ", *limits.max);
}

}  // namespace

void AppendHeapType(HeapType type, PrinterNames& names, std::string* out) {
  if (type.is_abstract()) {
    absl::StrAppend(out, type.ToString());
  } else {
    names.AppendUse(NameSpace::kType, type.index().raw(), out);
  }
}

void AppendValType(ValType type, PrinterNames& names, std::string* out) {
  if (!type.is_ref() || type.heap_type().is_abstract()) {
    absl::StrAppend(out, type.ToString());
    return;
  }
  absl::StrAppend(out, type.is_nullable() ? "(ref null " : "(ref ");
  AppendHeapType(type.heap_type(), names, out);
  absl::StrAppend(out, ")");
}

void AppendTypeList(absl::string_view keyword, absl::Span<const ValType> types, PrinterNames& names,
                    std::string* out) {
  if (types.empty()) return;
  absl::StrAppend(out, " (", keyword);
  for (ValType type : types) {
    absl::StrAppend(out, " ");
    AppendValType(type, names, out);
  }
  absl::StrAppend(out, ")");
}

void AppendTableType(const TableType& type, PrinterNames& names, std::string* out) {
  AppendLimits(type.index_type, type.limits, out);
  absl::StrAppend(out, " ");
  AppendValType(type.element, names, out);
}

void AppendMemoryType(const MemoryType& type, std::string* out) {
  AppendLimits(type.index_type, type.limits, out);
  if (type.shared) absl::StrAppend(out, " shared");
  if (type.page_size_log2 != MemoryType::kDefaultPageSizeLog2) {
    absl::StrAppend(out, " (pagesize ", type.page_size(), ")");
  }
}

void AppendGlobalType(const GlobalType& type, PrinterNames& names, std::string* out) {
  if (type.is_mutable) absl::StrAppend(out, "(mut ");
  AppendValType(type.content, names, out);
  if (type.is_mutable) absl::StrAppend(out, ")");
}

void PrintTypeSection(const Module& module, PrinterNames& names, std::string* out) {
  auto empty_group = module.empty_recursion_groups.begin();
  const auto print_empty_groups = [&](TypeIndex before) {
    for (; empty_group != module.empty_recursion_groups.end() && *empty_group == before;
         ++empty_group) {
      absl::StrAppend(out, "  (rec)\n");
    }
  };
  for (TypeIndex index(0); index < module.types.next_id();) {
    print_empty_groups(index);
    const uint32_t size = module.types[index].group_size;
    if (size > 1) absl::StrAppend(out, "  (rec\n");
    for (uint32_t i = 0; i < size; ++i) {
      absl::StrAppend(out, size > 1 ? "    " : "  ");
      AppendTypeDefinition(index, module.types[index], names, out);
      index = TypeIndex(index.raw() + 1);
    }
    if (size > 1) absl::StrAppend(out, "  )\n");
  }
  print_empty_groups(module.types.next_id());
}

}  // namespace gantry::wasm::text
