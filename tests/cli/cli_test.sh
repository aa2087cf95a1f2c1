#!/usr/bin/env bash
# The gantry command from outside: what it prints, where, and with which exit code.
set -u
gantry=$1
data=$(dirname "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
export XDG_CACHE_HOME=$work/xdg

. "$(dirname "$0")/expect.sh"

expect "version" 0 '^gantry [0-9]+\.[0-9]+\.[0-9]+' '' "$gantry" --version
expect "help" 0 'run .*compile .*bench .*parse .*print .*settings .*validate .*wast' '' "$gantry" --help
expect "help of a command shows examples" 0 'gantry run --dir' '' "$gantry" run --help
expect "no command" 106 '' 'subcommand' "$gantry"
expect "settings" 0 'shared settings:.*default' '' "$gantry" settings

expect "invoke" 0 '^3
$' '' "$gantry" run --invoke add "$data/math.wasm" 1 2
expect "tier-up" 0 '^3
$' '^tier-up: 1 functions hot' "$gantry" run -O tier-up,tier-up-threshold=1 --verbose --invoke add "$data/math.wasm" 1 2
expect "tier-up from the cache" 0 '^3
$' '^tier-up: 1 functions hot' "$gantry" run -O tier-up=y,tier-up-threshold=1 --verbose --invoke add "$data/math.wasm" 1 2
expect "tier-up by name" 1 '' 'TierUp' "$gantry" run -O tier-up -C compiler=cranelift --invoke add "$data/math.wasm" 1 2
expect "tier-up needs a threshold" 1 '' 'TierUpThreshold' "$gantry" run -O tier-up,tier-up-threshold=0 --invoke add "$data/math.wasm" 1 2
expect "invoke wraps" 0 '^-2147483648
$' '' "$gantry" run --invoke add "$data/math.wasm" 2147483647 1
expect "invoke with i64" 0 '^4294967296
$' '' "$gantry" run --invoke add64 "$data/math.wasm" 4294967295 1
expect "invoke with floats" 0 '^0\.25
$' '' "$gantry" run --invoke half "$data/math.wasm" 0.5
expect "results one a line" 0 '^1\.5
7
$' '' "$gantry" run --invoke swap "$data/math.wasm" 7 1.5
expect "negative arguments" 0 '^-5
$' '' "$gantry" run --invoke add "$data/math.wasm" -2 -3
expect "references" 0 '^1
$' '' "$gantry" run --invoke is_null "$data/math.wasm" null
expect "vectors" 0 '^0x00000001000000020000000300000005
$' '' "$gantry" run --invoke add "$data/vectors.wasm" 0x00000001000000020000000300000004 0x1
expect "not a vector" 1 '' '"5" is not a value of type v128: 0x and' "$gantry" run --invoke add "$data/vectors.wasm" 5 0x1
expect "a canonical NaN" 0 '^nan
$' '' "$gantry" run -W nan-canonicalization,relaxed-simd-deterministic --invoke divide "$data/vectors.wasm" 0 0
expect "tail calls" 0 '^7
$' '' "$gantry" run --invoke count "$data/vectors.wasm" 3000000
expect "vectors off" 1 '' 'simd' "$gantry" run -W simd=n --invoke add "$data/vectors.wasm" 0x1 0x1
expect "a target without vectors" 1 '' "'has_sse41', which is off" "$gantry" compile --target x86_64 "$data/vectors.wasm" -o "$work/vectors.cwasm"
target="$gantry compile --target"
expect "another target" 0 '' '' $target aarch64-linux "$data/math.wasm" -o "$work/aarch64.cwasm"
expect "another target by the baseline compiler" 0 '' '' $target aarch64 -C compiler=winch "$data/math.wasm" -o "$work/winch.cwasm"
expect "its artifact" 1 '' 'aarch64.cwasm: .*target is aarch64-unknown-linux-gnu, not x86_64-unknown-linux-gnu; compile the module again for x86_64' "$gantry" run --invoke add "$work/aarch64.cwasm" 1 2
expect "a run for another target" 1 '' 'its target is aarch64-unknown-linux-gnu, not x86_64' "$gantry" run -C cache=n --target aarch64-linux --invoke add "$data/math.wasm" 1 2
expect "no such target" 1 '' 'no compiler for target riscv64-linux is known; there is: aarch64-unknown-linux-gnu \(aarch64\), x86_64-unknown-linux-gnu \(x64\)' $target riscv64-linux "$data/math.wasm"
expect "another system" 1 '' 'target aarch64-apple-darwin is known: code is for Linux alone' $target aarch64-apple-darwin "$data/math.wasm"
expect "an artifact is no module" 1 '' 'winch.cwasm: compiled already' "$gantry" compile "$work/winch.cwasm"
expect "recursion" 0 '^6765
$' '' "$gantry" run --invoke fib "$data/math.wasm" 20
expect "wrong number of arguments" 1 '' 'takes 2 arguments.*given: 1' "$gantry" run --invoke add "$data/math.wasm" 1
expect "wrong argument" 1 '' '"x" is not a value of type i32' "$gantry" run --invoke add "$data/math.wasm" 1 x
expect "no such export" 1 '' 'no export "nope".*add, add64' "$gantry" run --invoke nope "$data/math.wasm"
expect "nothing to run" 1 '' 'exports neither _start nor _initialize' "$gantry" run "$data/math.wasm"

expect "trap with a backtrace" 134 '' 'integer divide by zero.*math!div.*math!outer' "$gantry" run --invoke outer "$data/math.wasm" 0
expect "overflow" 134 '' 'integer overflow' "$gantry" run --invoke div "$data/math.wasm" -2147483648 -1
expect "memory" 134 '' 'out of bounds memory access' "$gantry" run --invoke load "$data/math.wasm" 65533
expect "memory far out" 134 '' 'out of bounds memory access' "$gantry" run --invoke load "$data/math.wasm" -1
expect "stack" 134 '' 'call stack exhausted.*math!deep' "$gantry" run --invoke deep "$data/math.wasm"
expect "fuel" 134 '' 'fuel' "$gantry" run -W fuel=100000 --invoke spin "$data/math.wasm"

expect "a WASI program" 0 '^hello from the guest
$' '' "$gantry" run "$data/hello.wasm"
expect "the guest's exit code and options" 3 'hello' '' "$gantry" run "$data/hello.wasm" --dir x -O
expect "preload" 0 '^42
$' '' "$gantry" run --preload math="$data/math.wasm" --invoke twice "$data/user.wasm" 21
expect "missing imports are all named" 1 '' 'unknown import.*"nowhere" "f".*"nowhere" "g"' "$gantry" run "$data/bad_import.wasm"

# What was compiled is kept: another program's artifact in the place of this one's is run.
cached="$gantry run -C cache=$work/cache/modules"
expect "a run into the cache" 0 '^3
$' '' $cached --invoke add "$data/math.wasm" 1 2
math=$(ls "$work/cache/modules" | grep -v usage)
expect "a run from the cache" 0 '^7
$' '' $cached --invoke add "$data/math.wasm" 3 4
expect "another program into the cache" 0 '^hello from the guest
$' '' $cached "$data/hello.wasm"
expect "another option is another entry" 0 '^3
$' '' $cached -O opt-level=0 --invoke add "$data/math.wasm" 1 2
[ "$(ls "$work/cache/modules" | grep -cv usage)" = 3 ] || { failures=$((failures + 1)); echo "FAILED: not three entries"; }
cp "$work/cache/modules/$math" "$work/math.cwasm"
for entry in "$work/cache/modules/"[0-9a-f]*; do cp "$work/math.cwasm" "$entry"; done
expect "the entry is what runs" 0 '^5
$' '' $cached --invoke add "$data/hello.wasm" 2 3
printf 'damaged' | dd of="$work/cache/modules/$math" bs=1 seek=64 conv=notrunc 2>/dev/null
expect "a damaged entry is compiled again" 0 '^3
$' '' $cached --invoke add "$data/math.wasm" 1 2
cmp -s "$work/cache/modules/$math" "$work/math.cwasm" || { failures=$((failures + 1)); echo "FAILED: the entry was not replaced"; }
chmod 755 "$work/cache/modules"
expect "a directory that is open to others is not used" 0 '^3
$' '^gantry: going on without the cache: .*open to others' $cached --invoke add "$data/math.wasm" 1 2
expect "no cache" 0 '^3
$' '' "$gantry" run -C cache=n --invoke add "$data/math.wasm" 1 2
expect "a cache of functions" 0 '^3
$' '' "$gantry" run -C cache=n,incremental-cache="$work/cache/functions" --invoke add "$data/math.wasm" 1 2
expect "functions from the cache" 0 '' '[1-9][0-9]* found by body' "$gantry" compile --timing -C incremental-cache="$work/cache/functions" "$data/math.wasm" -o "$work/m.cwasm"

expect "compile" 0 '' '' "$gantry" compile "$data/hello.wasm" -o "$work/hello.cwasm"
expect "run an artifact" 0 '^hello from the guest
$' '' "$gantry" run "$work/hello.cwasm"
expect "the artifact is an ELF file" 0 'ELF' '' head -c 4 "$work/hello.cwasm"
expect "another setting is refused by name" 1 '' 'consume_fuel' "$gantry" run -W fuel=1000 "$work/hello.cwasm"
head -c 300 "$work/hello.cwasm" >"$work/cut.cwasm"
expect "a cut artifact" 1 '' 'cut.cwasm' "$gantry" run "$work/cut.cwasm"
expect "timing" 0 '' 'phase.*wall.*functions' "$gantry" compile --timing "$data/math.wasm"
expect "forms" 0 ';; ir of wasm\[0\]::function\[0\].*iadd' '' "$gantry" compile --emit=ir "$data/math.wasm"
expect "assembly" 0 ';; asm of wasm\[0\]::function\[0\].*ret' '' "$gantry" compile --emit=asm "$data/math.wasm"
expect "passes" 0 '; as translated.*; after gvn' '' "$gantry" compile --emit=ir-passes "$data/math.wasm"
expect "passes skipped" 0 '; as translated.*; after gvn' '' "$gantry" compile --emit=ir-passes -C pass_skip=sink+hoist "$data/math.wasm"
expect "no such pass" 1 '' 'any joined by' "$gantry" compile -C pass_skip=nope "$data/math.wasm"
expect "time of each pass" 0 '' 'mid-end.*  gvn .*functions changed, \+[0-9]+ -[0-9]+ instructions' "$gantry" compile --timing "$data/math.wasm"
expect "vcode" 0 ';; vcode of' '' "$gantry" compile --emit=vcode "$data/math.wasm"
expect "an unknown form" 1 '' 'there are: ir, ir-passes, vcode, asm' "$gantry" compile --emit=nope "$data/math.wasm"

expect "bench" 0 'hello' 'compile_ms [0-9.]+
instantiate_ms [0-9.]+
run_ms [0-9.]+
peak_kib [0-9.]+
$' "$gantry" bench "$data/hello.wasm"
expect "bench with marks, as JSON" 0 '' '^\{"repeat":3,.*"bench_ms":\{"min":[0-9.e-]+,"median":[0-9.e-]+\}\}
$' "$gantry" bench --json --repeat 3 "$data/marks.wasm"

cat >"$work/add.wat" <<'EOF'
(module
  (func $f (export "add") (param $x i32) (param i32) (result i32)
    (i32.add (local.get $x) (local.get 1))
  )
)
EOF
add_text='^\(module
  \(type \(func \(param i32 i32\) \(result i32\)\)\)
  \(export "add" \(func \$f\)\)
  \(func \$f \(type 0\) \(param \$x i32\) \(param i32\) \(result i32\)
    local.get \$x
    local.get 1
    i32.add
  \)
\)
$'
expect "parse" 0 '' '' "$gantry" parse "$work/add.wat" -o "$work/add.wasm"
expect "parse to standard output" 0 '' '' sh -c '"$0" parse <"$1" | cmp - "$2"' "$gantry" "$work/add.wat" "$work/add.wasm"
expect "parse takes binary too" 0 '' '' sh -c '"$0" parse "$1" | cmp - "$1"' "$gantry" "$work/add.wasm"
expect "parse without names" 0 'func \(type 0\)' '' sh -c '"$0" parse --no-names "$1" | "$0" print' "$gantry" "$work/add.wat"
expect "print" 0 "$add_text" '' "$gantry" print "$work/add.wasm"
expect "print from standard input" 0 "$add_text" '' sh -c '"$0" print - <"$1"' "$gantry" "$work/add.wasm"
expect "print takes text too" 0 "$add_text" '' "$gantry" print "$work/add.wat"
expect "print to a file" 0 '' '' "$gantry" print "$work/add.wasm" -o "$work/printed.wat"
expect "what is printed is parsed to the same" 0 '' '' sh -c '"$0" parse "$1" | cmp - "$2"' "$gantry" "$work/printed.wat" "$work/add.wasm"
expect "print without names" 0 'local.get 0.*custom "name"' '' "$gantry" print --no-names "$work/add.wasm"
expect "validate" 0 '' '' "$gantry" validate "$work/add.wasm"
expect "validate text" 0 '' '' "$gantry" validate "$work/add.wat"
sed 's/i32.add/i64.add/' "$work/add.wat" >"$work/invalid.wat"
expect "an invalid text" 1 '' '^gantry: .*invalid.wat:3:6: type mismatch: expected i64, found i32
    .*\(i64.add .*
         \^
$' "$gantry" validate "$work/invalid.wat"
expect "parse does not validate" 0 '' '' "$gantry" parse "$work/invalid.wat" -o "$work/invalid.wasm"
expect "an invalid binary" 1 '' 'invalid.wasm: type mismatch.*at offset 0x' "$gantry" validate "$work/invalid.wasm"
expect "print does not validate" 0 'i64.add' '' "$gantry" print "$work/invalid.wasm"
sed 's/i32.add/i32.adde/' "$work/add.wat" >"$work/malformed.wat"
expect "a malformed text" 1 '' 'malformed.wat:3:6: unknown operator i32.adde' "$gantry" parse "$work/malformed.wat"
echo '(memory 1 1 shared)' >"$work/threads.wat"
expect "a proposal that is off" 1 '' 'threads.wat:1:1: .*threads' "$gantry" validate "$work/threads.wat"
expect "turned on" 0 '' '' "$gantry" validate -W threads "$work/threads.wat"
expect "all of them" 0 '' '' "$gantry" validate -W all-proposals=y "$work/threads.wat"
expect "printing allows all" 0 'shared' '' "$gantry" print "$work/threads.wat"
expect "but for what is turned off" 1 '' 'threads' "$gantry" print -W threads=n "$work/threads.wat"
expect "an unknown proposal" 1 '' '-W nope is not known; there are: all-proposals' "$gantry" validate -W nope "$work/add.wat"
expect "a cut module" 1 '' 'stdin>: .*offset' sh -c 'head -c 30 "$1" | "$0" validate' "$gantry" "$work/add.wasm"
expect "no such module" 1 '' '/no/such/file' "$gantry" print /no/such/file
expect "run text" 0 '^5
$' '' "$gantry" run --invoke add "$work/add.wat" 2 3
expect "run invalid text" 1 '' 'invalid.wat:3:6: type mismatch' "$gantry" run --invoke add "$work/invalid.wat" 2 3
expect "compile text" 0 '' '' "$gantry" compile "$work/add.wat" -o "$work/add.cwasm"
expect "run what came of it" 0 '^5
$' '' "$gantry" run --invoke add "$work/add.cwasm" 2 3
for command in parse print validate; do
  expect "help of $command shows examples" 0 "Examples:.*gantry $command " '' "$gantry" $command --help
done

scripts=$(dirname "$3")
expect "a script that passes" 0 'passes.wast: 9 passed, 0 failed, 0 skipped
.*
9 passed, 0 failed, 0 skipped
$' '' "$gantry" wast "$scripts/passes.wast"
expect "a script that fails runs to its end" 1 'fails.wast:2: assert_return: one: expected \[i32:2\], came \[i32:1\]
[^ ]*fails.wast:3: command: expected a command, came: unknown operator frob.*
2 passed, 2 failed, 0 skipped
$' '' "$gantry" wast "$scripts/fails.wast"
mkdir -p "$work/scripts/proposals/threads"
cp "$scripts/passes.wast" "$work/scripts/a.wast"
echo '(module (memory 1 2 shared))' >"$work/scripts/proposals/threads/b.wast"
expect "a folder of scripts" 0 'a.wast: 9 passed.*b.wast: 1 passed.*10 passed, 0 failed' '' \
  "$gantry" wast -C compiler=cranelift -O opt-level=0 "$work/scripts"
expect "features of scripts" 1 'b.wast:1: module: .*threads' '' \
  "$gantry" wast -W threads=n "$work/scripts/proposals/threads/b.wast"
expect "no such script" 1 '/no/such.wast: cannot read' '' "$gantry" wast /no/such.wast
mkdir "$work/empty"
expect "a folder without scripts" 1 '' 'no .wast file' "$gantry" wast "$work/empty"
expect "no compiler of that name" 1 '' 'compiler=nope' "$gantry" wast -C compiler=nope "$scripts/passes.wast"
expect "wast without a script" 106 '' 'FILE' "$gantry" wast

expect "no such file" 1 '' '/no/such/file' "$gantry" run /no/such/file
expect "not a module" 1 '' 'cli_test[^:]*:1:1: unknown operator #!.*expected a module field' "$gantry" run "$0"
printf '\0nope' >"$work/nope.wasm"
expect "not a module, but binary" 1 '' 'nope.wasm: magic' "$gantry" run "$work/nope.wasm"
expect "unknown option" 1 '' 'unknown option --nope' "$gantry" run --nope "$data/hello.wasm"
expect "unknown list entry" 1 '' '-O nope is not known' "$gantry" run -O nope "$data/hello.wasm"
expect "unknown setting" 1 '' 'nope' "$gantry" run -C nope=1 "$data/hello.wasm"
expect "missing file" 1 '' 'FILE is missing' "$gantry" run

[ $failures -eq 0 ] || { echo "$failures failed"; exit 1; }
