#!/usr/bin/env bash
# What lldb knows of a guest with DWARF while it runs under the command: breakpoints by source line and by
# a function's name, backtraces, locals, parameters and statics. gdb_test.sh is about gdb, and about
# artifacts as files.
set -u
# Leaks are not looked for where a debugger traces the process.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
gantry=$1 guest=$2 source=$3
lldb=$(command -v lldb || command -v lldb-14) || {
  echo "lldb is not here: nothing is tested"
  exit 0
}
failures=0
expect() {
  local name=$1 pattern=$2 output=$3
  if ! grep -qzE -- "$pattern" <<<"$output"; then
    failures=$((failures + 1))
    printf 'FAILED: %s: no /%s/ in\n%s\n' "$name" "$pattern" "$output"
  fi
}
line_of() { grep -n "/\* $1 \*/" "$source" | cut -d: -f1; }
behind=$(line_of 'behind the loop') call=$(line_of 'the call')
# Off by default but for macOS.
lldb_batch() {
  local arguments=() command
  for command in 'settings set plugin.jit-loader.gdb.enable on' "$@"; do arguments+=(-o "$command"); done
  timeout 120 "$lldb" -x -b "${arguments[@]}" -- \
    "$gantry" run -C cache=n,debugger=y,debug_info=y "$guest" 2>&1
}
if ! lldb_batch 'breakpoint set --name main --shlib gantry' run | grep -q 'stop reason = breakpoint 1'; then
  echo "lldb can't run programs here: nothing is tested"
  exit 0
fi
output=$(lldb_batch "breakpoint set --file guest_program.c --line $behind" run bt 'frame variable count sum' \
  'target variable total' 'frame select 1' 'frame variable' continue)
expect "a breakpoint by a source line" "stop reason = breakpoint 1.*inner\(count=4, [^)]*\) at guest_program\.c:$behind" "$output"
expect "a backtrace" "frame #0: [^#]*inner\(count=4, [^#]*frame #1: [^#]*outer\(number=3, half=0\.5\) at guest_program\.c:$call[^#]*frame #2: [^#]*main at guest_program\.c.*frame #[0-9]+: [^#]*gantry.main [^#]*" "$output"
expect "a parameter" '\(int\) count = 4' "$output"
expect "a local" '\(int\) sum = 21' "$output"
expect "a static variable" '\(int\) total = 5' "$output"
expect "the caller's parameter" '\(int\) number = 3' "$output"
expect "one in a float" '\(float\) half = 0\.5' "$output"
expect "a struct in the caller's frame" '\(point\) place = \(x = 3, y = 3\)' "$output"
expect "the program goes on" 'exited with status = 0' "$output"
output=$(lldb_batch 'breakpoint set --name inner' run next next 'frame variable sum i')
expect "a breakpoint by a function's name, behind its prologue" 'stop reason = breakpoint 1.*inner\(count=4' "$output"
expect "stepping by lines" '\(int\) sum = 3' "$output"
expect "a variable of an inner block" '\(int\) i = 0' "$output"
[ "$failures" = 0 ]
