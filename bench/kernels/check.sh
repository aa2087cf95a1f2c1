#!/usr/bin/env bash
# Compares what each kernel prints under gantry with what it prints natively.
#
#   check.sh GANTRY { WASM NATIVE }...
set -euo pipefail

gantry=$1
shift
failed=0
# The kernels leave it to the system to take their memory back; a sanitizer is not to say so.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
while [ $# -ge 2 ]; do
  expected=$("$2")
  actual=$("$gantry" run -C cache=n,regalloc_checker,enable_verifier${GANTRY_TEST_COMPILER_FLAGS:+,$GANTRY_TEST_COMPILER_FLAGS} "$1") ||
    actual+=" (exit code $?)"
  if [ "$expected" != "$actual" ]; then
    printf '%s differs:\n' "$1"
    diff <(echo "$expected") <(echo "$actual") || true
    failed=1
  fi
  shift 2
done
exit $failed
