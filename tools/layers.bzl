"""Names the libraries of a package for the test that holds the dependency table."""

def layer():
    """Declares `:layer`, which depends on every non-test cc_library above the call.

    To be called at the end of each BUILD file of a folder that design's table of
    dependencies names; //tests/layers reads the graph below these targets.
    """
    native.cc_library(
        name = "layer",
        tags = ["manual"],
        visibility = ["//tests/layers:__pkg__"],
        deps = sorted([
            ":" + name
            for name, rule in native.existing_rules().items()
            if rule["kind"] == "cc_library" and not rule.get("testonly", False)
        ]),
    )
