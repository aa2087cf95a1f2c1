"""Fuzz targets that are also deterministic tests."""

def gantry_fuzz_target(name, srcs, deps = [], corpus = [], mutations = 2000, size = "small", **kwargs):
    """A libFuzzer program and a seeded test over one LLVMFuzzerTestOneInput.

    Args:
      name: of the test, which runs every corpus file and `mutations` seeded variations
        (bytes changed, inserted, removed, cut, joined). Under --config=fuzz
        the same name with `_libfuzzer` is a libFuzzer binary.
      srcs: the source that defines LLVMFuzzerTestOneInput.
      deps: its libraries.
      corpus: files to start from; without any the test starts from the empty input and
        random bytes.
      mutations: how many variations the test runs in all.
      size: the test's size.
      **kwargs: passed to the test.
    """
    native.cc_library(
        name = name + "_lib",
        testonly = True,
        srcs = srcs,
        deps = deps,
        alwayslink = True,
        visibility = ["//visibility:private"],
    )
    native.cc_test(
        name = name,
        size = size,
        args = ["--mutations=%d" % mutations] + ["$(rootpaths %s)" % label for label in corpus],
        data = corpus,
        deps = [
            ":" + name + "_lib",
            "//tools:fuzz_corpus_main",
        ],
        **kwargs
    )
    native.cc_binary(
        name = name + "_libfuzzer",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_lib"],
    )
