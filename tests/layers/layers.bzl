"""Packages whose libraries the dependency table governs. layers_test checks that none is missing."""

LAYERED_PACKAGES = [
    "base",
    "entity",
    "codegen/analysis",
    "codegen/ir",
    "cranelift_shared",
    "environ/core",
    "environ/translation",
    "isa_x64",
    "wasi",
    "wasm_translate",
    "runtime",
]
