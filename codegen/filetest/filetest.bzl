"""Tests made of filetests (codegen/filetest/runner.h)."""

def gantry_filetest(name, srcs, backend, args = [], **kwargs):
    """Runs filetests on the interpreter and a backend.

    Args:
      name: of the test.
      srcs: .ir files or file groups of them.
      backend: the library that defines RegisterFiletestBackends.
      args: flags of codegen/filetest/main.cc, such as --coverage.
      **kwargs: passed to the test.
    """
    native.cc_test(
        name = name,
        args = args + ["$(locations %s)" % src for src in srcs],
        data = srcs,
        deps = ["//codegen/filetest:main", backend],
        **kwargs
    )
