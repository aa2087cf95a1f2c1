#!/usr/bin/env bash
# What native debuggers know of a guest with DWARF: of an artifact as a file (objdump, gdb,
# llvm-dwarfdump), and of the guest while it runs under the command: breakpoints by source line,
# backtraces, locals and statics.
set -u
# Leaks are not looked for where a debugger traces the process.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
gantry=$1 guest=$2 source=$3 compiler=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
expect() {
  local name=$1 pattern=$2 output=$3
  if ! grep -qzE -- "$pattern" <<<"$output"; then
    failures=$((failures + 1))
    printf 'FAILED: %s: no /%s/ in\n%s\n' "$name" "$pattern" "$output"
  fi
}
line_of() { grep -n "/\* $1 \*/" "$source" | cut -d: -f1; }
in_loop=$(line_of 'in the loop') behind=$(line_of 'behind the loop') call=$(line_of 'the call')

"$gantry" compile -C debug_info=y,compiler=$compiler "$guest" -o "$work/guest.cwasm" || exit 1
if command -v llvm-dwarfdump-14 >/dev/null; then
  output=$(llvm-dwarfdump-14 --verify "$work/guest.cwasm" 2>&1)
  expect "its DWARF is well-formed" 'No errors' "$output"
  output=$(llvm-dwarfdump-14 --debug-info --name=inner --show-children "$work/guest.cwasm" 2>&1)
  expect "a subprogram with its variables" \
    'DW_TAG_subprogram.*DW_AT_low_pc.*DW_AT_frame_base.*DW_TAG_formal_parameter.*DW_AT_location[^(]*\(DW_OP_breg.*"where"' "$output"
else
  echo "llvm-dwarfdump-14 is not here: the form of DWARF is not tested"
fi
output=$(objdump -dl --no-show-raw-insn "$work/guest.cwasm" 2>&1)
expect "objdump shows lines" "guest_program\.c:$in_loop" "$output"

if ! command -v gdb >/dev/null; then
  echo "gdb is not here: nothing more is tested"
  [ "$failures" = 0 ]
  exit
fi
gdb_batch() { timeout 120 gdb -nx -q -batch -iex 'set debuginfod enabled off' -ex 'set confirm off' -ex 'set breakpoint pending on' "$@" 2>&1; }

output=$(gdb_batch -ex "info line guest_program.c:$in_loop" -ex 'info scope inner' -ex 'ptype struct point' "$work/guest.cwasm")
expect "gdb finds a line in the file" "Line $in_loop of \"[^\"]*guest_program\.c\" starts at address 0x" "$output"
expect "and variables" 'Symbol count is .*Symbol where is .*Symbol sum is ' "$output"
expect "and types" 'int x;[^}]*long long y;' "$output"

run="$gantry run -C cache=n,debugger=y,debug_info=y,compiler=$compiler $guest"
if ! gdb_batch -ex 'break main' -ex run --args $run | grep -q 'Breakpoint 1,'; then
  echo "gdb can't run programs here: nothing more is tested"
  [ "$failures" = 0 ]
  exit
fi
output=$(gdb_batch -ex "break guest_program.c:$behind" -ex run -ex bt -ex 'print count' -ex 'print sum' \
  -ex 'print total' -ex up -ex 'print number' -ex 'print half' -ex 'print place' -ex 'info locals' -ex continue --args $run)
expect "a breakpoint by a source line" "Breakpoint 1, inner \([^)]*\) at [^ ]*guest_program\.c:$behind" "$output"
expect "a backtrace" "#0 +inner \(count=4, [^#]*#1 [^#]*outer \(number=3, half=0\.5\) at [^ ]*guest_program\.c:$call[^#]*#2 [^#]*main [^#]*.*#[0-9]+ [^#]* main \(" "$output"
expect "a parameter" '\$1 = 4' "$output"
expect "a local" '\$2 = 21' "$output"
expect "a static variable" '\$3 = 5' "$output"
expect "the caller's parameter" '\$4 = 3' "$output"
expect "one in a float" '\$5 = 0\.5' "$output"
expect "a struct in the caller's frame" '\$6 = \{x = 3, y = 3\}' "$output"
expect "the program goes on" 'exited normally' "$output"
output=$(gdb_batch -ex 'break inner' -ex run -ex 'info source' -ex next -ex next -ex 'print sum' -ex 'print i' --args $run)
expect "a breakpoint by a function's name, behind its prologue" 'Breakpoint 1, inner \(count=4' "$output"
expect "stepping by lines" '\$1 = 3' "$output"
expect "a variable of an inner block" '\$2 = 0' "$output"
[ "$failures" = 0 ]
