#!/usr/bin/env bash
# perf learns of guests by a jitdump: samples in a guest's function get its name.
set -u
gantry=$1 guest=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$gantry" run -C cache=n --jitdump "$work" --invoke spin "$guest" 1000 >/dev/null || exit 1
dump=$(ls "$work"/jit-*.dump)
[ "$(head -c 4 "$dump")" = DTiJ ] || { echo "FAILED: no jitdump"; exit 1; }
"$gantry" run --jitdump /no/such/directory "$guest" 2>"$work/err" && { echo "FAILED: a dump without its directory"; exit 1; }
grep -q '/no/such/directory' "$work/err" || { echo "FAILED: $(cat "$work/err")"; exit 1; }
if ! perf record -q -e cpu-clock -k mono -o "$work/try" true >/dev/null 2>&1; then
  echo "perf is not here, or may not record: nothing more is tested"
  exit 0
fi
rm "$dump"
perf record -q -e cpu-clock -k mono -o "$work/data" -- "$gantry" run -C cache=n --jitdump "$work" --invoke spin "$guest" 300000000 >/dev/null 2>"$work/err" ||
  { echo "FAILED: $(cat "$work/err")"; exit 1; }
perf inject --jit -i "$work/data" -o "$work/data.jit" 2>"$work/err" || { echo "FAILED: $(cat "$work/err")"; exit 1; }
report=$(perf report -i "$work/data.jit" --stdio --sort symbol 2>/dev/null)
grep -qE '[0-9]+\.[0-9]+% .*spin' <<<"$report" || { echo "FAILED: no samples in spin:"; echo "$report"; exit 1; }
