#!/usr/bin/env bash
# The caches of the command where things go wrong: a disk that is full, a directory that can't be
# written, processes that write at once. One line says so, and the program runs. And artifacts that
# were damaged: a message, never a crash.
set -u
gantry=$1
data=$(dirname "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
export XDG_CACHE_HOME=$work/xdg
. "$(dirname "$0")/expect.sh"
fail() {
  failures=$((failures + 1))
  echo "FAILED: $*"
}
# Runs, and says why there is no cache, in one line.
expect_line() {
  local name=$1 out=$2
  shift 2
  expect "$name" 0 "$out" '^gantry: going on without the cache: ' "$@"
  [ "$(wc -l <"$work/err")" = 1 ] || fail "$name: not one line"
}

# No file may become longer than a block: what a write to a full disk looks like.
expect_line "modules that can't be written" '^3
$' sh -c 'ulimit -f 1; exec "$@"' sh "$gantry" run -C cache="$work/short" --invoke add "$data/math.wasm" 1 2
[ -z "$(find "$work/short" -type f -size +0)" ] || fail "something half was left: $(ls -la "$work/short")"
expect "the limit is gone" 0 '^3
$' '' "$gantry" run -C cache="$work/short" --invoke add "$data/math.wasm" 1 2
[ -n "$(find "$work/short" -type f -size +1)" ] || fail "nothing was kept without the limit"

# A full disk itself, and one that is read-only, where this user can have a file system of its own.
mkdir "$work/disk"
cat >"$work/on_disk.sh" <<'EOF'
mount -t tmpfs -o size=16k,mode=700 none "$1" || exit 77
dd if=/dev/zero of="$1/rest" bs=1k count=16 2>/dev/null
cache=$1 how=$2
shift 2
if [ "$how" = read-only ]; then rm "$cache/rest"; mount -o remount,ro none "$cache" || exit 77; fi
exec "$@"
EOF
own_mounts=false
if unshare -rm sh "$work/on_disk.sh" "$work/disk" read-only true 2>/dev/null; then own_mounts=true; fi
if $own_mounts; then
  for how in full read-only; do
    expect_line "a $how disk, modules" '^3
$' unshare -rm sh "$work/on_disk.sh" "$work/disk" $how "$gantry" run -C cache="$work/disk" --invoke add "$data/math.wasm" 1 2
    expect_line "a $how disk, functions" '^hello from the guest
$' unshare -rm sh "$work/on_disk.sh" "$work/disk" $how "$gantry" run -C cache=n,incremental-cache="$work/disk" "$data/hello.wasm"
  done
else
  echo "no file systems of one's own here: a full disk is a limit of files' sizes alone"
fi
if [ "$(id -u)" != 0 ]; then
  mkdir -m 500 "$work/closed"
  expect_line "a directory without the right to write" '^3
$' "$gantry" run -C cache="$work/closed" --invoke add "$data/math.wasm" 1 2
fi
expect_line "a path that is no directory" '^3
$' "$gantry" run -C cache="$data/math.wasm/x" --invoke add "$data/math.wasm" 1 2

# Processes at once, that write the same entries and others.
for round in 1 2 3; do
  for i in 1 2 3 4 5 6; do
    "$gantry" run -C cache="$work/shared",incremental-cache="$work/shared_functions" --invoke add "$data/math.wasm" $i $round >"$work/out$i" 2>&1 &
    "$gantry" run -O opt-level=$((i % 2)) -C cache="$work/shared",incremental-cache="$work/shared_functions" "$data/hello.wasm" >"$work/hello$i" 2>&1 &
  done
  wait
  for i in 1 2 3 4 5 6; do
    [ "$(cat "$work/out$i")" = $((i + round)) ] || fail "at once, $i: $(cat "$work/out$i")"
    [ "$(cat "$work/hello$i")" = "hello from the guest" ] || fail "at once, hello: $(cat "$work/hello$i")"
  done
done
[ "$(find "$work/shared" -type f | grep -cv usage)" = 3 ] || fail "entries of processes at once: $(ls "$work/shared")"
for entry in $(find "$work/shared" -type f | grep -v usage); do
  cp "$entry" "$work/entry.cwasm"
  "$gantry" run --invoke add "$work/entry.cwasm" 1 2 >/dev/null 2>"$work/err" || grep -qE 'no export "add"|its opt_level is 0' "$work/err" || fail "an entry of processes at once: $(cat "$work/err")"
done

# Damage, through the command: what is refused is named, and nothing crashes (codes over 128 are
# signals; 134 is a trap of the guest, which may not come of damage either).
"$gantry" compile "$data/math.wasm" -o "$work/math.cwasm" || fail "compile"
size=$(stat -c %s "$work/math.cwasm")
loaded=0
try() {
  local status=0
  "$gantry" run -C cache=n --invoke add "$work/damaged.cwasm" 1 2 >"$work/out" 2>"$work/err" </dev/null || status=$?
  case $status in
    0) [ "$(cat "$work/out")" = 3 ] || fail "$1: another result: $(cat "$work/out")"; loaded=$((loaded + 1)) ;;
    1) grep -q 'damaged.cwasm' "$work/err" || fail "$1: a message that names no file: $(cat "$work/err")" ;;
    *) fail "$1: exit code $status: $(cat "$work/err")" ;;
  esac
}
tried=0
for ((at = 0; at < size; at += size / 160 + 1)); do
  cp "$work/math.cwasm" "$work/damaged.cwasm"
  byte=$(od -An -tu1 -j $at -N 1 "$work/math.cwasm")
  printf "\\x$(printf %x $((byte ^ 0xFF)))" | dd of="$work/damaged.cwasm" bs=1 seek=$at conv=notrunc 2>/dev/null
  try "byte $at"
  tried=$((tried + 1))
done
[ $loaded -lt $((tried / 2)) ] || fail "$loaded of $tried damaged files were loaded"
loaded=0
for ((at = 5; at < size; at += size / 40 + 1)); do
  head -c $at "$work/math.cwasm" >"$work/damaged.cwasm"
  try "cut at $at"
done
[ $loaded = 0 ] || fail "$loaded cut files were loaded"

[ "$failures" = 0 ]
