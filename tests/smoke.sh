#!/bin/bash
# The study end to end on a tiny scale, in a temporary folder, checked by queries: a run, its
# figures, its paper, twice identical.
set -euo pipefail
cd "$(dirname "$0")/.."
condense=${CONDENSE:?path of the program}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
db=$folder/study.db

"$condense" run --study experiments/studies/smoke.json --db "$db" || [ $? -eq 3 ]
query() { sqlite3 "$db" "$1"; }
passed=0 failed=0
# check NAME SQL: the query must give 1.
check()
{
    if [ "$(query "$2")" = 1 ]; then passed=$((passed + 1)); else
        failed=$((failed + 1)); echo "FAIL $1: $2"; fi
}
check "a cell is recorded" "select count(*) > 0 from v_cell"
check "each verdict is one of the documented" "select count(*) = 0 from v_cell where verdict not in ('valid','noisy','throttled','drifted')"
check "every latency has at least ten samples" "select min(samples) >= 10 from v_latency"
check "the mean lies in its interval" "select min(mean_ms between ci95_low_ms and ci95_high_ms) from v_latency"
check "accuracy is a fraction better than chance" "select min(top1) > 0.5 and max(top1) <= 1 from v_accuracy"
check "precision, recall and F1 are there" "select count(*) = 0 from v_accuracy where precision_macro is null or recall_macro is null or f1_macro is null"
check "energy is measured or has its reason" "select count(*) = 0 from v_energy where millijoule_per_inference is null and reason is null"
check "layers are timed and add up" "select count(*) = 0 from (select cell, sum(share) s from v_layer group by cell) where s not between 0.98 and 1.02"
check "sizes agree with the parameters" "select min(dense_bytes = 4 * parameters) from v_size"
check "the environment is known" "select count(*) > 20 from v_environment"
check "every claim is listed" "select count(distinct claim) >= 50 from v_claim"

for turn in one two; do
    "$condense" plot --db "$db" --output "$folder/$turn"
    "$condense" report --db "$db" --figures "$folder/$turn" --output "$folder/$turn/PAPER.md"
done
sed -i "s|$folder/two|$folder/one|g" "$folder/two/PAPER.md"
if diff -r "$folder/one" "$folder/two"; then passed=$((passed + 1)); else
    failed=$((failed + 1)); echo "FAIL figures and paper differ when made twice"; fi
if [ -s "$folder/one/PAPER.md" ] && ls "$folder"/one/*.svg "$folder"/one/*.png >/dev/null; then
    passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL no paper or no figures"; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
