"""C programs compiled to WASI and, from the same sources, natively."""

_CLANG = "/usr/bin/clang-14"

# One translation: the flags that both WebAssembly variants share. Contraction is off on both
# sides so that floating point gives the same bits everywhere.
_WASM_FLAGS = [
    "--target=wasm32-wasi",
    "-O2",
    "-std=gnu11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffp-contract=off",
]

def wasm_binary(name, srcs, hdrs = [], copts = [], wasm_copts = [], linkopts = [], native_linkopts = [], visibility = ["//visibility:public"]):
    """A C program as WebAssembly, and native for comparison.

    Needs Debian's clang-14, lld-14, wasi-libc and libclang-rt-14-dev-wasm32.

    Args:
      name: makes NAME.wasm; NAME_bench.wasm, the same with GANTRY_BENCH defined (bench.h: it
        imports bench.start and bench.end); and the programs NAME_native and NAME_bench_native, built
        at -O2, of which the second prints `bench_ms`.
      srcs: C sources, without shared headers.
      hdrs: headers that the sources include by their path from the workspace's root.
      copts: flags for both compilers.
      wasm_copts: flags of the compiler to WebAssembly alone, such as -msimd128.
      linkopts: libraries for both, such as -lm.
      native_linkopts: libraries of the native program alone.
      visibility: of all of them.
    """
    for target, defines in [(name, []), (name + "_bench", ["-DGANTRY_BENCH"])]:
        native.genrule(
            name = target,
            srcs = srcs + hdrs,
            outs = [target + ".wasm"],
            # Headers are found from the root; sources are named one by one.
            cmd = " ".join(
                [_CLANG] + _WASM_FLAGS + copts + wasm_copts + defines + ["-I."] +
                ["$(locations %s)" % src for src in srcs] +
                ["-o $@"] + linkopts,
            ),
            message = "Compiling to WebAssembly",
            visibility = visibility,
        )
    for target, defines in [(name + "_native", []), (name + "_bench_native", ["-DGANTRY_BENCH"])]:
        native.cc_binary(
            name = target,
            srcs = srcs + hdrs,
            copts = ["-O2", "-std=gnu11", "-ffp-contract=off"] + copts + defines,
            linkopts = linkopts + native_linkopts,
            visibility = visibility,
        )
