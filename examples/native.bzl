"""An example of the libraries: a C++ program that ./run builds and runs as it is."""

def native_example(name, deps):
    """The program NAME from NAME.cc.

    Args:
      name: of the program and its folder.
      deps: the libraries that it shows.
    """
    native.cc_binary(
        name = name,
        srcs = [name + ".cc"],
        deps = deps,
    )
