#!/bin/bash
# condense bench --bits 8: refusals; integers beside floats and other engines, recorded apart from
# floats; pruned integers.
. tests/shell.sh
export CONDENSE_HOME=$PWD
db=$folder/study.db
query() { sqlite3 "$db" "$1"; }
bench() { "$CONDENSE" bench --model lenet5 --scale fashion --weights random --seconds 0.01 "$@"; }

# refuses PART ARGUMENTS...: the message holds PART.
refuses()
{
    local part=$1
    shift
    expect 2 bench "$@"
    [[ $err == *"$part"* ]] || fail "bench $*: '$err' does not say '$part'"
}
refuses "--bits" --bits 4
refuses "not with --bits" --bits 8 --choices
refuses "--training takes" --bits 8 --training

# A network of floats first: the one of integers must not hide it.
expect 0 bench --against onednn --record --db "$db"
CONDENSE_ONNXRUNTIME=/nowhere/libonnxruntime.so expect 0 bench --bits 8 --threads 1,2 --against all --record \
    --db "$db"
for words in "weights random, 8-bit, ranges of 8 random pictures" "floats " "onednn-int8 " "best reference: o" \
    "| fashion | 2 | lenet5 | none | random, 8-bit, ranges of 8 random pictures |"; do
    [[ $out == *"$words"* ]] || fail "'$words' is not in: $out"
done
[[ $out == *"onednn  "* || $out == *xnnpack* ]] && fail "engines of floats are among those of integers: $out"
[[ $err == *"skipped: onnxruntime-int8"*"/nowhere"* ]] || fail "the missing library is not named: $err"
[ "$(query "SELECT group_concat(engine) FROM (SELECT engine FROM v_bench ORDER BY position)")" = \
    "condense,onednn" ] || fail "integers hide floats: $(query 'SELECT * FROM v_bench')"
[ "$(query "SELECT count(*) || ' ' || min(floats_ms > 0 AND speedup > 0 AND reference GLOB '*-int8' AND
            abs(ratio - median_ms / reference_ms) < 1e-9) || ' ' || sum(threads) || ' ' || max(scheme)
            FROM v_int8")" = "2 1 3 none" ] || fail "recorded: $(query 'SELECT * FROM v_int8')"
[ "$(query "SELECT max(difference) < 0.02 FROM v_int8_engine WHERE engine = 'onednn-int8'")" = 1 ] ||
    fail "oneDNN's outputs: $(query 'SELECT engine, difference FROM v_int8_engine')"
[ "$(query "SELECT count(*) FROM v_int8_engine WHERE engine = 'onnxruntime-int8' AND reason LIKE '%/nowhere%'
            AND median_ms IS NULL")" = 2 ] || fail "no reason for what was not timed"

# Pruned: beside dense integers, and apart from pruned floats.
expect 0 bench --bits 8 --scheme block8 --rate 4 --against floats --record --db "$db" --json
[ "$(query "SELECT count(*) || ' ' || min(dense_speedup > 0 AND speedup > 0) || ' ' || min(rate_asked)
            FROM v_int8 WHERE scheme = 'block8'")" = "1 1 4.0" ] || fail "pruned: $(query 'SELECT * FROM v_int8')"
[ "$(query "SELECT count(*) FROM v_execution")" = 0 ] || fail "pruned integers are among pruned floats"
[ "$failures" -eq 0 ]
