#!/usr/bin/env bash
# What must not compile: a key of one map that indexes another, ids of two kinds that mix.
# The same code with the right types has to compile, so that no case passes for a reason of its
# own.
set -u
compiler="${CXX:-c++}"
failures=0
directory="$(mktemp -d)"
trap 'rm -rf "$directory"' EXIT

cat > "$directory/all.h" <<'CODE'
#include "entity/entity_list.h"
#include "entity/entity_set.h"
#include "entity/packed_option.h"
#include "entity/primary_map.h"
#include "entity/secondary_map.h"
#include "entity/sparse_map.h"
CODE
# Precompiled, since every case includes it.
"$compiler" -std=c++20 -I. -x c++-header "$directory/all.h" -o "$directory/all.h.gch" || exit 1

compiles() {
  cat > "$directory/case.cc" <<CODE
GANTRY_ENTITY_ID(FuncIndex, "func");
GANTRY_ENTITY_ID(DefinedFuncIndex, "defined-func");
using namespace gantry::entity;
void Case(PrimaryMap<FuncIndex, int>& primary, SecondaryMap<FuncIndex, int>& secondary,
          SparseMap<FuncIndex, int>& sparse, EntitySet<FuncIndex>& set,
          EntityList<FuncIndex>& list, ListPool<FuncIndex>& pool,
          PackedOption<FuncIndex>& option, FuncIndex func, DefinedFuncIndex defined) {
  (void)primary, (void)secondary, (void)sparse, (void)set, (void)list, (void)pool;
  (void)option, (void)func, (void)defined;
  $1;
}
CODE
  "$compiler" -std=c++20 -fsyntax-only -I. -include "$directory/all.h" "$directory/case.cc" \
    2> "$directory/errors"
}

# Usage: rejects NAME CODE. In CODE, KEY stands for the key. With the right key the code joins
# what has to compile in the end.
controls=""
rejects() {
  local name="$1" code="$2"
  controls="$controls ${code//KEY/func};"
  if compiles "${code//KEY/defined}"; then
    echo "FAILED $name: compiles with a key of another kind"
    failures=$((failures + 1))
  else
    echo "ok $name"
  fi
}

rejects "PrimaryMap index" "primary[KEY] = 1"
rejects "PrimaryMap find" "(void)primary.find(KEY)"
rejects "SecondaryMap index" "secondary[KEY] = 1"
rejects "SecondaryMap Get" "(void)secondary.Get(KEY)"
rejects "SparseMap insert" "sparse.insert(KEY, 1)"
rejects "SparseMap find" "(void)sparse.find(KEY)"
rejects "EntitySet insert" "set.insert(KEY)"
rejects "EntityList Push" "list.Push(KEY, pool)"
rejects "PackedOption assignment" "option = KEY"
rejects "id assignment" "func = KEY"
rejects "id comparison" "(void)(func == KEY)"
rejects "id order" "(void)(func < KEY)"
rejects "id of a push" "KEY = primary.Push(1)"

if compiles "primary[0] = 1"; then
  echo "FAILED a plain number as key compiles"
  failures=$((failures + 1))
fi
if compiles "SecondaryMap<FuncIndex, bool> flags"; then
  echo "FAILED a SecondaryMap of bool compiles"
  failures=$((failures + 1))
fi
if ! compiles "$controls"; then
  echo "FAILED the cases do not compile with the right keys either"
  head -5 "$directory/errors"
  failures=$((failures + 1))
fi
echo "$failures failures"
[ "$failures" -eq 0 ]
