// Debian's luaconf.h asks for this header, which its packaging makes. Both builds use this one.
#define DEB_HOST_MULTIARCH "any"
