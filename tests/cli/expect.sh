# For tests of the command: needs $work, counts in $failures.

# expect NAME EXIT_CODE STDOUT_REGEX STDERR_REGEX COMMAND...: both as extended regular
# expressions over the whole output; empty means that nothing may be printed.
expect() {
  local name=$1 code=$2 out=$3 err=$4
  shift 4
  local status=0
  "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
  local ok=true
  [ "$status" = "$code" ] || ok=false
  if [ -n "$out" ]; then grep -qzE -- "$out" "$work/out" || ok=false; else [ ! -s "$work/out" ] || ok=false; fi
  if [ -n "$err" ]; then grep -qzE -- "$err" "$work/err" || ok=false; else [ ! -s "$work/err" ] || ok=false; fi
  if ! $ok; then
    failures=$((failures + 1))
    echo "FAILED: $name: exit code $status (expected $code)"
    echo "  stdout (expected /$out/):"; sed 's/^/    /' "$work/out"
    echo "  stderr (expected /$err/):"; sed 's/^/    /' "$work/err"
  fi
}
