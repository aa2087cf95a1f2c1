"""Tests made of filetests (codegen/filetest/runner.h)."""

def gantry_filetest(name, srcs, backend, args = [], tags = [], **kwargs):
    """Runs filetests on the interpreter and a backend.

    Args:
      name: of the test.
      srcs: .ir files or file groups of them.
      backend: the library that defines RegisterFiletestBackends.
      args: flags of codegen/filetest/main.cc, such as --coverage.
      tags: of the test; "golden" is added.
      **kwargs: passed to the test.
    """
    native.cc_test(
        name = name,
        args = args + ["$(locations %s)" % src for src in srcs],
        data = srcs,
        tags = tags + ["golden"],
        deps = ["//codegen/filetest:main", backend],
        **kwargs
    )
