#!/bin/bash
# infer: numbers in, numbers out, whatever the threads, batch, passes and instruction set; bench's refusals.
. tests/shell.sh

export CONDENSE_HOME=$PWD
cd "$folder" || exit 1

# npy FILE SHAPE VALUES: an array of that many float32, all 0.5.
npy()
{
    local header="{'descr': '<f4', 'fortran_order': False, 'shape': $2, }"
    printf '\223NUMPY\001\000\166\000%-117s\n' "$header" >"$1"
    for ((i = 0; i < $3; i++)); do printf '\000\000\000\077'; done >>"$1"
}

infer=("$CONDENSE" infer --model lenet5 --scale fashion --weights random --input x.npy)
npy x.npy "(3, 1, 28, 28)" $((3 * 28 * 28))
expect 0 "${infer[@]}" --output one.npy
[ "$(stat -c %s one.npy)" -eq $((128 + 3 * 10 * 4)) ] || fail "three images give $(stat -c %s one.npy) bytes"
for flags in "--threads 2" "--batch 1" "--batch 2"; do
    # shellcheck disable=SC2086 # several words
    expect 0 "${infer[@]}" --output two.npy $flags
    cmp -s one.npy two.npy || fail "$flags changes the output"
done
expect 0 "${infer[@]}" --output two.npy --no-fuse
expect 0 "${infer[@]}" --output two.npy --no-shrink
cmp -s one.npy two.npy || fail "--no-shrink changes a network that has nothing to lose"
expect 0 "${infer[@]}" --output two.npy --scalar

rm two.npy
npy x.npy "(3, 1, 28, 27)" $((3 * 28 * 27))
expect 1 "${infer[@]}" --output two.npy
grep -q '(N, 1, 28, 28)' "$folder/err" || fail "the message does not tell the shape: $err"
head -c 200 x.npy >y.npy && mv y.npy x.npy
expect 1 "${infer[@]}" --output two.npy
expect 2 "${infer[@]}" --output two.npy --isa none
expect 2 "${infer[@]}" --output two.npy --backend none
expect 2 "$CONDENSE" infer --model lenet5
[ ! -e two.npy ] || fail "a failed run wrote an output"
expect 2 "$CONDENSE" bench --model none
expect 2 "$CONDENSE" bench --against none
expect 0 "$CONDENSE" bench --model lenet5 --scale fashion --seconds 0.05 --against onednn --per-layer --json
grep -q '"condense_over_this"' "$folder/out" || fail "bench --json has no ratio"

[ $failures -eq 0 ]
