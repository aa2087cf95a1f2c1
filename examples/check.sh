#!/usr/bin/env bash
# Runs an example's cases (cases.txt) and compares standard output, standard error and exit
# code.
#
#   check.sh golden FOLDER NATIVE               native runs against the files in FOLDER/expected
#   check.sh gantry FOLDER NATIVE WASM GANTRY   `gantry run` against the native run
#
# With GANTRY_REWRITE_GOLDENS naming a checkout, golden writes those files there instead
# (tools/rewrite_goldens).
set -euo pipefail

die() {
  echo "check.sh: $*" >&2
  exit 2
}

start=$PWD
absolute() { case "$1" in /*) echo "$1" ;; *) echo "$start/$1" ;; esac; }

[ $# -ge 3 ] || die "usage: check.sh golden|gantry FOLDER NATIVE [WASM GANTRY]"
mode=$1
shift
folder=$(absolute "$1")
native=$(absolute "$2")
[ -x "$native" ] || die "no such program: $native"
if [ "$mode" = gantry ]; then
  [ $# -eq 4 ] || die "usage: check.sh gantry FOLDER NATIVE WASM GANTRY"
  wasm=$(absolute "$3")
  gantry=$(absolute "$4")
fi
expected=$folder/expected
update=false
if [ "$mode" = golden ] && [ -n "${GANTRY_REWRITE_GOLDENS:-}" ]; then
  update=true
  expected=$GANTRY_REWRITE_GOLDENS/$1/expected
  mkdir -p "$expected"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The programs leave it to the system to take their memory back; a sanitizer is not to say so.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# Each run happens in a new directory with copies: a test's own inputs are links, which lead out of
# what a guest may see.
# run OUTPUT-FILE STDIN-FILE COMMAND...: standard output, then standard error, then the code.
run() {
  local out=$1 input=$2 code=0
  shift 2
  rm -rf "$work/run"
  mkdir "$work/run"
  [ ! -d "$folder/input" ] || cp -rL "$folder/input" "$work/run/"
  (cd "$work/run" && "$@" <"$input" >"$out.stdout" 2>"$out.stderr") || code=$?
  {
    cat "$out.stdout"
    if [ -s "$out.stderr" ]; then
      echo "--- standard error"
      cat "$out.stderr"
    fi
    [ "$code" = 0 ] || echo "--- exit code $code"
  } >"$out"
}

passed=0
failed=0
while IFS= read -r line; do
  case "$line" in '' | '#'*) continue ;; esac
  name=${line%%:*}
  rest=${line#*:}
  input=/dev/null
  case "$rest" in *'<'*)
    input=${rest##*<}
    input=${input// /}
    rest=${rest%%<*}
    ;;
  esac
  read -r -a arguments <<<"$rest"
  run "$work/native" "$input" "$native" "${arguments[@]}"
  if $update; then
    cp "$work/native" "$expected/$name.txt"
    continue
  fi
  case "$mode" in
    golden)
      reference=$expected/$name.txt
      [ -f "$reference" ] || die "no $reference: tools/rewrite_goldens makes it"
      actual=$work/native
      ;;
    gantry)
      reference=$work/native
      actual=$work/gantry
      run "$actual" "$input" "$gantry" run -C cache=n,regalloc_checker,enable_verifier${GANTRY_TEST_COMPILER_FLAGS:+,$GANTRY_TEST_COMPILER_FLAGS} --dir . "$wasm" "${arguments[@]}"
      ;;
    *) die "unknown mode: $mode" ;;
  esac
  if cmp -s "$reference" "$actual"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "case $name ($rest) differs:"
    diff -a "$reference" "$actual" | head -n 20 || true
  fi
done <"$folder/cases.txt"
$update || echo "$passed cases passed, $failed failed"
[ "$failed" = 0 ]
