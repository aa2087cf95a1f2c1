"""An example: a C program for both targets, and the tests of its cases."""

load("//tools:wasm.bzl", "wasm_binary")

def example(name, srcs, linkopts = []):
    """The program NAME.wasm (and kin, see wasm_binary) and tests over its folder's cases.txt.

    NAME_test compares native runs with the files in expected/ (tools/rewrite_goldens rewrites
    them); NAME_gantry_test compares `gantry run` with native runs.

    Args:
      name: of the program and its folder.
      srcs: C sources.
      linkopts: libraries of both builds.
    """
    wasm_binary(
        name = name,
        srcs = srcs,
        hdrs = ["//examples:headers"],
        linkopts = linkopts,
    )
    data = ["cases.txt"] + native.glob(["input/**", "expected/**"])
    native.sh_test(
        name = name + "_test",
        size = "small",
        srcs = ["//examples:check.sh"],
        args = ["golden", native.package_name(), "$(rootpath :%s_native)" % name],
        data = data + [":%s_native" % name],
        tags = ["golden"],
    )
    native.sh_test(
        name = name + "_gantry_test",
        size = "small",
        srcs = ["//examples:check.sh"],
        args = ["gantry", native.package_name()] + [
            "$(rootpath %s)" % label
            for label in [":%s_native" % name, ":%s.wasm" % name, "//cli:gantry"]
        ],
        data = data + [":%s_native" % name, ":%s.wasm" % name, "//cli:gantry"],
    )
