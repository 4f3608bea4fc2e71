#!/bin/bash
# condense run: what it refuses leaves nothing behind; what it runs is recorded, resumed, exported,
# verified and compared.
. tests/shell.sh
db=$folder/results/study.db

# refuse STATUS WORDS ARGUMENTS...
refuse()
{
    local want=$1 words=$2 got
    shift 2
    "$CONDENSE" run "$@" --db "$db" >"$folder/out" 2>"$folder/err"
    got=$?
    [ "$got" -eq "$want" ] || fail "run $* ended with $got, not $want: $(cat "$folder/err")"
    grep -q -- "$words" "$folder/err" || fail "run $*: no '$words' in: $(cat "$folder/err")"
    [ ! -s "$folder/out" ] || fail "run $* printed to stdout"
    [ ! -e "$folder/results" ] || fail "run $* left files"
}

refuse 2 "did you mean 'resnet50'" --model resnet51
refuse 2 "has no scale" --scale imagnet
refuse 2 "not in this version" --variant slimmed
refuse 2 "not in this version" --backend gpu
refuse 2 "no variant" --variant thin
refuse 2 "whole numbers" --threads 0
refuse 2 "whole numbers" --batch 1,x
refuse 2 "compressed variant" --rate 0.5
refuse 2 "no device\|devices\|device" --device no-such-device
[ "$(uname -m)" = aarch64 ] || refuse 2 "aarch64" --device tx2
refuse 2 "did you mean --threads" --thread 1
refuse 2 "number from" --max-time x
echo '{"cells": [{"modle": "lenet5"}]}' >"$folder/study.json"
refuse 2 "cells\[0\].*did you mean 'model'" --study "$folder/study.json"
printf '{"cells": [\n  {"model": "lenet5",}\n]}' >"$folder/study.json"
refuse 1 "study.json:2:" --study "$folder/study.json"
refuse 1 "no-such.json" --study "$folder/no-such.json"
refuse 2 "the study file names the cells" --study "$folder/study.json" --model lenet5

short=(--min-time 0.05 --max-time 2 --images 50 --energy none --db "$db")
"$CONDENSE" run --model lenet5 --threads 1 --batch 1,2 "${short[@]}" --dry-run >"$folder/plan" 2>/dev/null ||
    fail "dry run"
[ "$(wc -l <"$folder/plan")" -eq 2 ] || fail "the plan is not two cells: $(cat "$folder/plan")"
[ ! -e "$folder/results" ] || fail "a dry run left files"

"$CONDENSE" run --model lenet5 --batch 1,2 "${short[@]}" --json >"$folder/out" 2>"$folder/err"
status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "run ended with $status: $(cat "$folder/err")"
grep -q "database: $db" "$folder/err" || fail "the database's place is not said"
query() { sqlite3 "$db" "$1"; }
# check NAME SQL: must give 1.
check() { [ "$(query "$2")" = 1 ] || fail "$1: $2"; }
check "two cells" "select count(*) = 2 from v_cell"
check "samples" "select min(samples) >= 10 from v_latency"
check "every sample is kept" "select (select count(*) from sample) >= (select sum(samples + warmups) from v_latency)"
check "warm-ups are flagged" "select min(warmups) >= 3 from v_latency"
check "both plans are timed" "select count(distinct fusion) = 2 from v_nontensor"
check "fusion saves layers" "select (select count(*) from v_layer_plan where fusion) <= (select count(*) from v_layer_plan where not fusion)"
check "no energy has a reason" "select min(millijoule_per_inference is null and reason is not null) from v_energy"
check "peak memory" "select min(peak_memory_bytes > 0 or peak_memory_reason is not null) from v_size"
check "environment" "select count(*) > 20 from v_environment"
check "outputs are checked" "select min(outputs_checked > 0) from v_accuracy"
check "accuracy or a reason" "select min(top1 is not null or reason is not null) from v_accuracy"
check "foreign keys" "select count(*) = 0 from pragma_foreign_key_check"
check "durable" "select journal_mode = 'wal' from pragma_journal_mode"

# Resuming: mark both valid, then nothing is measured again; other settings measure again.
query "update attempt set verdict = 'valid', reason = null"
"$CONDENSE" run --model lenet5 --batch 1,2 "${short[@]}" --resume >/dev/null 2>"$folder/err" ||
    fail "resume: $(cat "$folder/err")"
[ "$(grep -c 'recorded already' "$folder/err")" -eq 2 ] || fail "not resumed: $(cat "$folder/err")"
check "no attempt was added" "select count(*) = 2 from attempt"
"$CONDENSE" run --model lenet5 "${short[@]}" --resume --images 60 >/dev/null 2>&1
check "other settings are measured again" "select count(*) = 3 from attempt"
check "the views show one row a cell" "select count(*) = 2 from v_latency"

# Random weights have no accuracy; scalar code is another cell.
"$CONDENSE" run --model lenet5 --weights random --scalar "${short[@]}" >/dev/null 2>&1
check "random weights" "select count(*) = 1 from v_cell join v_accuracy using (cell) where weights = 'random' and isa = 'scalar' and top1 is null and v_accuracy.reason = 'random weights'"

# Variants of a network that is not trained here are made; those of one that is are missing.
CONDENSE_DATA=/nonexistent "$CONDENSE" run --model lenet5 --scale imagenet --variant pruned,quantized,pruned+quantized \
    "${short[@]}" --db "$folder/made.db" >/dev/null 2>"$folder/err"
made=$(sqlite3 "$folder/made.db" "select variant, scheme, rate, weights, top1, v_accuracy.reason
    from v_cell join v_accuracy using (cell) order by variant")
[ "$made" = "pruned|block8|8.0|random, block8 8x by magnitude||random weights
pruned+quantized|block8x4|8.0|random, block8x4 8x by magnitude, 8-bit, ranges of 8 random pictures||random weights
quantized|||random, 8-bit, ranges of 8 random pictures||random weights" ] || fail "made: $made $(cat "$folder/err")"
"$CONDENSE" run --model lenet5 --variant pruned --scheme column "${short[@]}" >/dev/null 2>"$folder/err"
grep -q "there are no pruned weights of lenet5 at scale fashion with scheme 'column'" "$folder/err" ||
    fail "missing weights: $(cat "$folder/err")"

# Text and back; the details agree; two cells compare.
"$CONDENSE" export --db "$db" --output "$folder/one" >/dev/null || fail export
"$CONDENSE" export --db "$folder/one/study.sql" --output "$folder/two" >/dev/null || fail "export of an export"
cmp "$folder/one/study.sql" "$folder/two/study.sql" || fail "an export of an export differs"
"$CONDENSE" export --db "$db" --format csv --output "$folder/csv" >/dev/null || fail "export csv"
[ "$(wc -l <"$folder/csv/v_latency.csv")" -eq 4 ] || fail "v_latency.csv has not three rows"
"$CONDENSE" verify --db "$db" >"$folder/out" || fail "verify: $(cat "$folder/out")"
"$CONDENSE" compare "lenet5 fashion dense cpu, 1 thread, batch 2" \
    "$(query "select cell from v_cell where batch = 1 and isa <> 'scalar'")" --db "$db" >"$folder/out" 2>&1
grep -q "^A / B = " "$folder/out" || fail "compare: $(cat "$folder/out")"
query "update latency set mean_ms = mean_ms * 1.0001 where attempt = 1"
"$CONDENSE" verify --db "$db" >"$folder/out" && fail "verify does not see a changed mean"
# Every study that comes with the project can be planned.
for study in experiments/studies/*.json; do
    expect 0 "$CONDENSE" run --study "$study" --dry-run --db "$folder/planned.db"
    [ -n "$out" ] || fail "$study plans nothing"
done
[ ! -e "$folder/planned.db" ] || fail "a dry run made a database"
[ "$failures" -eq 0 ]
