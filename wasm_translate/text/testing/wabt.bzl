"""What Debian's wat2wasm knows beside its defaults."""

WABT_FEATURES = " ".join([
    "--enable-threads",
    "--enable-memory64",
    "--enable-multi-memory",
    "--enable-tail-call",
    "--enable-extended-const",
    "--enable-relaxed-simd",
    "--enable-exceptions",
])
