"""The build setting --//codegen:isas: which instruction sets a program is linked with."""

_KNOWN = ["aarch64", "x64", "host"]

_IsasInfo = provider(fields = ["names"])

def _isas_impl(ctx):
    names = [name for name in ctx.build_setting_value.split(",") if name]
    for name in names:
        if name not in _KNOWN:
            fail("--//codegen:isas: there is no %s; there is %s" % (name, ", ".join(_KNOWN)))
    return [
        _IsasInfo(names = names),
        config_common.FeatureFlagInfo(value = ",".join(names)),
    ]

isas_setting = rule(
    implementation = _isas_impl,
    build_setting = config.string(flag = True),
)

def _linked_impl(ctx):
    names = ctx.attr._isas[_IsasInfo].names
    linked = ctx.attr.isa in names or (ctx.attr.is_host and "host" in names)
    return [config_common.FeatureFlagInfo(value = "yes" if linked else "no")]

isa_is_linked = rule(
    doc = "A flag that is yes where the setting names the instruction set.",
    implementation = _linked_impl,
    attrs = {
        "isa": attr.string(mandatory = True),
        "is_host": attr.bool(doc = "Whether the program that is built runs on it."),
        "_isas": attr.label(default = "//codegen:isas"),
    },
)
