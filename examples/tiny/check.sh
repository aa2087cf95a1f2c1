#!/usr/bin/env bash
# Compiles each program of FOLDER/input with the tiny compiler, links it with the system's compiler
# driver, position-independent and not, and compares what it prints, and its exit code, with
# FOLDER/expected; for a wrong program, the compiler's message.
#
#   check.sh FOLDER TINY
#
# With GANTRY_REWRITE_GOLDENS naming a checkout, writes those files there instead
# (tools/rewrite_goldens).
set -euo pipefail
folder=$PWD/$1
tiny=$PWD/$2
cc=${CC:-cc}
expected=$folder/expected
[ -z "${GANTRY_REWRITE_GOLDENS:-}" ] || expected=$GANTRY_REWRITE_GOLDENS/$1/expected
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
cd "$folder/input"
for source in *.tiny; do
  name=${source%.tiny}
  for form in -pie -no-pie; do
    if "$tiny" "$source" -o "$work/$name.o" 2>"$work/out"; then
      "$cc" $form -Wl,--fatal-warnings "$work/$name.o" -o "$work/$name"
      code=0
      "$work/$name" >"$work/out" || code=$?
      [ "$code" = 0 ] || echo "--- exit code $code" >>"$work/out"
    fi
    if [ -n "${GANTRY_REWRITE_GOLDENS:-}" ]; then
      cp "$work/out" "$expected/$name.txt"
    elif ! cmp -s "$expected/$name.txt" "$work/out"; then
      failed=$((failed + 1))
      echo "$name linked with $form differs:"
      diff "$expected/$name.txt" "$work/out" | head -n 20 || true
    fi
  done
done
[ "$failed" = 0 ]
