#!/usr/bin/env bash
# What gdb knows of compiled code: a breakpoint by a guest function's name, a backtrace from the host
# through the guest to main, and that all of it is gone when the code is.
set -u
# Leaks are not looked for where a debugger traces the process.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
guest=$1
if ! command -v gdb >/dev/null; then
  echo "gdb is not here: nothing is tested"
  exit 0
fi
run_gdb() { timeout 120 gdb -nx -q -batch -iex 'set debuginfod enabled off' -ex 'set breakpoint pending on' \
  -ex 'set confirm off' "$@" "$guest" 2>&1; }
if ! run_gdb -ex 'break main' -ex run | grep -q 'Breakpoint 1,'; then
  echo "gdb can't run programs here: nothing is tested"
  exit 0
fi
failures=0
expect() {
  local name=$1 pattern=$2 output=$3
  if ! grep -qzE -- "$pattern" <<<"$output"; then
    failures=$((failures + 1))
    printf 'FAILED: %s: no /%s/ in\n%s\n' "$name" "$pattern" "$output"
  fi
}
output=$(run_gdb -ex 'break gantry_debugger_stop' -ex run -ex bt -ex continue)
expect "the host's frame, the guest's two, and main" \
  '#0 [^#]*gantry_debugger_stop.*#[0-9]+ [^#]* in inner \(.*#[0-9]+ [^#]* in outer \(.*#[0-9]+ [^#]* main ' "$output"
expect "the program goes on" $'\n42\n' "$output"
output=$(run_gdb -ex 'break inner' -ex run -ex bt -ex 'info symbol $pc' -ex continue)
expect "a breakpoint by a guest function's name" 'Breakpoint 1, [^#]*inner \(' "$output"
expect "its callers" '#0 [^#]*inner \(.*#1 [^#]* in outer \(.*#[0-9]+ [^#]* main ' "$output"
expect "the program goes on behind it" $'\n42\n' "$output"
[ "$failures" = 0 ]
