# Sourced by ./run, ./test and .ci/run: installs what is missing and sets up Bazel.
# Defines: say, die, install_packages, install_cross_packages, gantry_bazel.

say() { printf '%s\n' "gantry: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# A package list without comments.
package_list() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$top/$1"; }

missing_packages() {
  local package
  for package in $(package_list "$1"); do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || echo "$package"
  done
}

# Those of tools/packages.txt, or of another list.
install_packages() {
  local list=${1:-tools/packages.txt}
  command -v dpkg-query >/dev/null 2>&1 || die "this machine has no dpkg: Debian 12 (or the packages of tools/packages.txt by other means) is needed"
  local missing sudo=""
  missing=$(missing_packages "$list" | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || die "not root and no sudo: as root run: apt-get install $missing"
    sudo=sudo
  fi
  say "installing: $missing"
  local log
  log=$(mktemp)
  if ! $sudo apt-get update -q >"$log" 2>&1; then
    tail -n 3 "$log" >&2
    rm -f "$log"
    die "apt-get update failed: is the network there?"
  fi
  # shellcheck disable=SC2086
  if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >"$log" 2>&1; then
    tail -n 3 "$log" >&2
    rm -f "$log"
    die "apt-get install failed for: $missing"
  fi
  rm -f "$log"
}

# The cross compiler and the libraries of --config=aarch64.
install_cross_packages() {
  [ "$(dpkg --print-architecture)" = amd64 ] || die "--aarch64 is for machines of Debian's amd64"
  if ! dpkg --print-foreign-architectures | grep -qx arm64; then
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo dpkg --add-architecture arm64
  fi
  install_packages tools/cross/packages.txt
}

# Bazel with the disk cache that all checkouts share.
gantry_bazel() {
  local command=$1
  shift
  bazel "$command" --disk_cache="${GANTRY_BAZEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gantry/bazel}" "$@"
}
