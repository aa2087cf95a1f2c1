"""Modules in the text format, converted by Debian's wat2wasm."""

def wat_modules(name, srcs, flags = [], **kwargs):
    """One FILE.wasm for each FILE.wat, and a filegroup of all of them.

    Args:
      name: of the filegroup.
      srcs: .wat files.
      flags: more flags for wat2wasm.
      **kwargs: passed to the rules.
    """
    outputs = []
    for src in srcs:
        output = src[:-len(".wat")] + ".wasm"
        outputs.append(output)
        native.genrule(
            name = name + "_" + src.replace("/", "_").replace(".", "_"),
            srcs = [src],
            outs = [output],
            cmd = "wat2wasm --debug-names %s $< -o $@" % " ".join(flags),
            message = "Converting %s" % src,
            **kwargs
        )
    native.filegroup(
        name = name,
        srcs = outputs,
        **kwargs
    )
