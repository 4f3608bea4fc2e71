#!/bin/bash
# ONNX export: what the command accepts, and that other programs read and run what it writes.
. tests/shell.sh

file=$folder/net.onnx
expect 2 "$CONDENSE" export --format onnx --model lenet5
[[ $err == *--output* ]] || fail "a missing --output is not named: $err"
expect 2 "$CONDENSE" export --format onnx --model lenet6 --output "$file"
[ ! -e "$file" ] || fail "a failed export left a file"
expect 0 "$CONDENSE" export --format onnx --model lenet5 --scale fashion --output "$file"
[ "$out" = "$file" ] || fail "the path is not printed: $out"
cp "$file" "$folder/again"
expect 0 "$CONDENSE" export --format onnx --model lenet5 --scale fashion --output "$file"
cmp -s "$file" "$folder/again" || fail "the same network gives other bytes"

# Every operator's node against ONNX's own rules.
if python3 -c 'import onnx' 2>/dev/null; then
    for model in lenet5 alexnet inception_v1 mobilenet_v2 resnet18 squeezenet_v1.1; do
        for batch in 0 2; do
            expect 0 "$CONDENSE" export --format onnx --model $model --weights random \
                --batch $batch --output "$file"
            python3 - "$file" <<'EOF' || fail "$model, batch $batch: the ONNX checker refuses it"
import sys, onnx
onnx.checker.check_model(sys.argv[1], full_check=True)
EOF
        done
    done
else
    echo "Python's onnx is not here: its checker was not asked"
fi

# An engine that is not installed is skipped; one that is must agree, or the status is 1.
expect 0 "$CONDENSE" bench --model lenet5,squeezenet_v1.1 --scale fashion --weights random \
    --seconds 0.05 --against all --json
echo "$err"
[[ $out == *'"engine":	"onednn"'* ]] || fail "no rows of oneDNN: $out"
CONDENSE_ONNXRUNTIME=/nowhere/libonnxruntime.so expect 0 "$CONDENSE" bench --model lenet5 \
    --scale fashion --seconds 0.05 --against onnxruntime
[[ $err == *"skipped: onnxruntime"*"/nowhere"* ]] || fail "the missing library is not named: $err"

# Recorded: a row an engine, a reason for what was not timed, every sample, the same in the tables.
db=$folder/study.db
CONDENSE_ONNXRUNTIME=/nowhere/libonnxruntime.so expect 0 "$CONDENSE" bench --model lenet5 --threads 1,2 \
    --scale fashion --seconds 0.05 --against onednn,onnxruntime --record --db "$db"
[[ $out == *"| fashion | 2 | lenet5 |"* ]] || fail "no row in the table: $out"
query() { sqlite3 "$db" "$1"; }
[ "$(query "SELECT count(*) || ' ' || sum(median_ms > 0) || ' ' || sum(reason LIKE '%/nowhere%')
            FROM v_bench")" = "6 4 2" ] || fail "not the rows of three engines on 1 and 2 threads"
[ "$(query "SELECT min(n = samples) FROM v_bench JOIN (SELECT bench, position, count(*) AS n
            FROM bench_sample GROUP BY 1, 2) USING (bench, position)")" = 1 ] || fail "samples are lost"
[ "$(query "SELECT count(*) FROM v_bench_best WHERE reference = 'onednn' AND abs(ratio -
            median_ms / reference_ms) < 1e-9")" = 2 ] || fail "the best reference is not named"
expect 2 "$CONDENSE" bench --model lenet5 --record --scalar --db "$db"
expect 2 "$CONDENSE" bench --model lenet5 --threads 1,,2
expect 2 "$CONDENSE" bench --model lenet5 --threads 0
[ "$failures" -eq 0 ]
