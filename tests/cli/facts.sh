#!/bin/bash
# version, env and doctor: what they print agrees with each other and can be read by a program.
. tests/shell.sh

"$CONDENSE" version >"$folder/version" || fail "version ended with $?"
for word in commit: compiler: flags: "instruction set:"; do
    grep -q "^$word" "$folder/version" || fail "version does not tell $word"
done

# JSON is read by sqlite3, which is needed anyway.
value() { sqlite3 :memory: "select json_extract(readfile('$1'), '$2')"; }
"$CONDENSE" env --json >"$folder/env.json" 2>"$folder/err" || fail "env ended with $?"
[ ! -s "$folder/err" ] || fail "env talks: $(cat "$folder/err")"
hash=$(value "$folder/env.json" '$.hash')
[ ${#hash} -eq 64 ] || fail "the hash of the environment is '$hash'"
isa=$(value "$folder/env.json" '$.facts."cpu.isa"')
grep -q "^instruction set: $isa\$" "$folder/version" || fail "env says $isa, version something else"
unexplained=$(sqlite3 :memory: "with e(j) as (select readfile('$folder/env.json'))
    select group_concat(f.key) from e, json_each(j, '\$.facts') f where f.type = 'null'
    and not exists (select 1 from json_each(j, '\$.reasons') r where r.key = f.key)")
[ -z "$unexplained" ] || fail "no reason for $unexplained"
OMP_NUM_THREADS=3 "$CONDENSE" env --json >"$folder/env.json"
[ "$(value "$folder/env.json" '$.facts."variable.OMP_NUM_THREADS"')" = 3 ] ||
    fail "a variable that changes timing is not in the environment"
[ "$(value "$folder/env.json" '$.hash')" != "$hash" ] || fail "the hash does not see the variable"

"$CONDENSE" doctor --json >"$folder/doctor.json" || fail "doctor ended with $? in the project"
[ "$(value "$folder/doctor.json" '$.core_works')" = 1 ] || fail "doctor: the core does not work"
CONDENSE_HOME=$folder "$CONDENSE" doctor >"$folder/broken"
[ $? -eq 1 ] || fail "doctor finds nothing wrong where there is no project"
grep -q '^broken' "$folder/broken" || fail "doctor does not show what is broken"
[ "$failures" -eq 0 ]
