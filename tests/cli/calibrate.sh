#!/bin/bash
# condense calibrate: refusals that help; then, on Fashion-MNIST, integers and pruning with what the
# database and the weight file hold of them, the same again for a seed, and resuming.
. tests/shell.sh
db=$folder/study.db
query() { sqlite3 "$db" "$1"; }

# refuses PART ARGUMENTS...: status 2, and the message holds PART.
refuses()
{
    local part=$1
    shift
    expect 2 "$CONDENSE" calibrate "$@" --db "$db"
    [[ $err == *"$part"* ]] || fail "calibrate $*: '$err' does not say '$part'"
}
refuses "--model is missing" --bits 8
refuses "give --bits 8, or" --model lenet5
refuses "give --bits 8, or" --model lenet5 --bits 8 --scheme block8
refuses "--bits" --model lenet5 --bits 4
refuses "choose unstructured, block8" --model lenet5 --scheme blocks
refuses "at least 1" --model lenet5 --scheme block8 --rate 0.5
refuses "minmax, percentile, kl or mse" --model lenet5 --bits 8 --ranges best
refuses "learned or nearest" --model lenet5 --bits 8 --rounding up
refuses "admm or magnitude" --model lenet5 --scheme block8 --method best
refuses "none, bias or norm" --model lenet5 --bits 8 --correction all
refuses "one file" --model lenet5 --scheme block8 --rate 2,4 --output "$folder/x.safetensors"
refuses "lenet5" --model lenet6 --bits 8
[ ! -e "$db" ] || [ "$(query "SELECT count(*) FROM calibration")" = 0 ] || fail "a refusal left a record"

if [ ! -e /usr/share/datasets/fashion-mnist ] && [ ! -e "${CONDENSE_DATA:-data}/fashion-mnist" ]; then
    echo "Fashion-MNIST is not here ('make data DATASET=fashion-mnist')"
    [ "$failures" -eq 0 ] && exit 77
fi

calibrate() { "$CONDENSE" calibrate --model lenet5 --images 32 --test-images 200 --db "$db" "$@"; }
refuses "no trained weights" --model lenet5 --bits 8 --weights random

expect 0 calibrate --bits 8 --dry-run
[[ $out == *"int8, ranges mse, rounding learned"*"32 pictures of fashion-mnist"* ]] || fail "the plan: $out"

expect 0 calibrate --bits 8 --output "$folder/a.safetensors"
[[ $out == *"top-1"*"200 pictures"* ]] || fail "no result: $out"
grep -q '"conv1.weight_scale":' "$folder/a.safetensors" || fail "no scales of weights in the file"
grep -q '"input.output_zero":' "$folder/a.safetensors" || fail "no scale of the input in the file"
[ "$(query "SELECT bits || ranges || rounding || layers || layers_worse || output FROM v_calibration")" = \
    "8mselearned40a.safetensors" ] || fail "the record: $(query "SELECT * FROM v_calibration")"
[ "$(query "SELECT calibration_hash <> test_hash FROM calibration")" = 1 ] || fail "splits overlap"
expect 0 calibrate --bits 8 --output "$folder/b.safetensors"
cmp -s "$folder/a.safetensors" "$folder/b.safetensors" || fail "the same seed gave other weights"
[ "$(query "SELECT count(*) FROM v_calibration")" = 1 ] || fail "the view counts a repetition twice"
expect 0 calibrate --bits 8 --resume
[ -z "$out" ] || fail "--resume did it again: $out"

# As ONNX its values are rounded to levels, and its weights are bytes.
expect 0 "$CONDENSE" export --format onnx --model lenet5 --scale fashion --weights "$folder/a.safetensors" \
    --output "$folder/a.onnx"
grep -qa DequantizeLinear "$folder/a.onnx" || fail "no levels in the ONNX model"
[ "$(stat -c %s "$folder/a.onnx")" -lt $(($(stat -c %s "$folder/a.safetensors") / 3)) ] ||
    fail "the ONNX model's weights are not bytes"
if python3 -c 'import onnx' 2>/dev/null; then
    python3 -c 'import sys, onnx; onnx.checker.check_model(sys.argv[1], full_check=True)' "$folder/a.onnx" ||
        fail "the ONNX checker refuses it"
fi

# The weight file is one for every command, and has weights of 255 levels.
expect 0 "$CONDENSE" calibrate --model lenet5 --images 32 --test-images 200 --db "$db" --bits 8 \
    --weights "$folder/a.safetensors"

# It runs on integers as the quantized variant, and in float where layers are not fused. A noisy
# machine (status 3) is not what this is about.
for fuse in --fuse --no-fuse; do
    "$CONDENSE" run --model lenet5 --variant quantized --weights "$folder/a.safetensors" $fuse \
        --min-time 0.1 --max-time 1 --images 200 --db "$folder/run$fuse.db" >/dev/null 2>"$folder/err"
    case $? in 0 | 3) ;; *) fail "run $fuse: $(cat "$folder/err")" ;; esac
done
kernels() { sqlite3 "$folder/run$1.db" "SELECT sum(kernel LIKE 'i8_%') FROM v_layer"; }
[ "$(kernels --fuse)" -ge 6 ] || fail "$(kernels --fuse) layers on integers"
[ "$(kernels --no-fuse)" = 0 ] || fail "$(kernels --no-fuse) layers on integers without fusion"

# Pruned for a bench they become other integers.
expect 0 "$CONDENSE" bench --model lenet5 --scale fashion --weights "$folder/a.safetensors" --scheme block8x4 --rate 4 \
    --seconds 0.01 --record --db "$folder/bench.db"
[ "$(sqlite3 "$folder/bench.db" "SELECT weights || ' ' || scheme FROM v_int8")" = \
    "a.safetensors, block8x4 4x by magnitude, 8-bit, ranges of 8 random pictures block8x4" ] || fail "bench: $out"

# Few levels and zeros stay what they are: no error, no larger a file but for the scales, and the
# file's words of how it was made. The engine has the accuracy that the emulation foretold.
few=$folder/few.cnz few_db=$folder/few.db trained=experiments/weights/lenet5-fashion-pruned+quantized.cnz
expect 0 "$CONDENSE" calibrate --model lenet5 --images 32 --db "$few_db" --bits 8 --weights "$trained" --output "$few"
[ "$(sqlite3 "$few_db" "SELECT count(*) || ' ' || (max(error) < 1e-9) FROM v_calibration_layer")" = "4 1" ] ||
    fail "levels were rounded: $(sqlite3 "$few_db" "SELECT layer, error FROM v_calibration_layer")"
[ "$(stat -c %s "$few")" -lt $(($(stat -c %s "$trained") * 102 / 100)) ] || fail "$(stat -c %s "$few") bytes"
"$CONDENSE" run --model lenet5 --variant pruned+quantized --scheme block8 --rate 8 --weights "$few" \
    --min-time 0.1 --max-time 1 --energy none --db "$few_db" >/dev/null 2>"$folder/err"
case $? in 0 | 3) ;; *) fail "run of few levels: $(cat "$folder/err")" ;; esac
[ "$(sqlite3 "$few_db" "SELECT scheme || ' ' || rate || ' ' || (SELECT count(*) >= 6 FROM v_layer WHERE kernel LIKE 'i8%') ||
        ' ' || (SELECT abs(v_accuracy.top1 - v_calibration.top1) < 0.003 FROM v_accuracy, v_calibration) FROM v_cell")" = \
    "block8 8.0 1 1" ] || fail "few levels: $(sqlite3 "$few_db" "SELECT * FROM v_cell; SELECT * FROM v_accuracy")"

expect 0 calibrate --scheme block8 --rate 2,4 --json
[ "$(query "SELECT count(*) FROM v_calibration WHERE scheme = 'block8' AND method = 'admm'
            AND abs(rate / rate_asked - 1) < 0.05 AND layers_worse = 0 AND error < floor")" = 2 ] ||
    fail "block8 at two rates: $(query "SELECT * FROM v_calibration")"
[[ $out == *'"rate_asked":	4'*'"floor":'* ]] || fail "no JSON: $out"
expect 0 calibrate --scheme block8 --rate 2 --method magnitude --correction none
[ "$(query "SELECT error = floor FROM v_calibration WHERE method = 'magnitude'")" = 1 ] ||
    fail "magnitude is not its own floor"
expect 2 calibrate --scheme unstructured --rate 5000
[[ $err == *"at most"* ]] || fail "an impossible rate: $err"
[ "$(query "SELECT count(*) FROM calibration")" = 6 ] || fail "a failed run left a record"
[ "$failures" -eq 0 ]
