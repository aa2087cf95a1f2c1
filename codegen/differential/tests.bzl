"""The tests of compiled code against the interpreter, for one ISA (differential.h)."""

# Name: size, shards.
_TESTS = {
    "atomic_addresses": ("medium", 1),
    "atomics": ("medium", 1),
    "calls": ("medium", 1),
    "immediates": ("medium", 1),
    "operands": ("medium", 1),
    "random": ("medium", 1),
    "vector_memory": ("medium", 1),
    "vector_operations": ("large", 1),
    "vector_shuffle": ("large", 1),
}

def gantry_differential_tests(backend, **kwargs):
    """Makes `operands_test` and the others.

    Args:
      backend: the library that defines TestedBackend.
      **kwargs: passed to the tests.
    """
    for name, (size, shards) in _TESTS.items():
        native.cc_test(
            name = name + "_test",
            size = size,
            srcs = ["//codegen/differential:%s_test.cc" % name],
            shard_count = shards if shards > 1 else None,
            deps = [
                backend,
                "//base:check",
                "//codegen/differential",
                "//codegen/generate",
                "//codegen/generate:random_source",
                "//codegen/interp:interpreter",
                "//codegen/ir:atomics",
                "//codegen/ir:builder",
                "//codegen/ir:print",
                "@com_google_absl//absl/strings",
                "@com_google_absl//absl/types:span",
                "@com_google_googletest//:gtest_main",
            ],
            **kwargs
        )
