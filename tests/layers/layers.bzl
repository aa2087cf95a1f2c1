"""Packages whose libraries the dependency table governs. layers_test checks that none is missing."""

LAYERED_PACKAGES = [
    "api",
    "base",
    "cli",
    "codegen/analysis",
    "codegen/filetest",
    "codegen/interp",
    "codegen/ir",
    "codegen/regalloc",
    "cranelift_shared",
    "entity",
    "environ/artifact",
    "environ/core",
    "environ/translation",
    "isa_x64",
    "isa_x64/asm",
    "jit",
    "runtime",
    "wasi",
    "wasm_translate",
    "wasm_translate/testing",
]
