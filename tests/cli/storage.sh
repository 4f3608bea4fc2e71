#!/bin/bash
# Compact containers: exported and back to the bit, taken wherever weights are, refused when damaged;
# condense storage and its figure; sizes in the database.
. tests/shell.sh
export CONDENSE_HOME=$PWD
weights=experiments/weights/lenet5-fashion.safetensors
small=$folder/small.cnz
query() { sqlite3 "$folder/study.db" "$1"; }

# There and back.
expect 2 "$CONDENSE" export --format compact --output "$small"
[[ $err == *--weights* ]] || fail "a missing --weights is not named: $err"
expect 1 "$CONDENSE" export --format compact --weights random --output "$small"
[ ! -e "$small" ] || fail "a failed export left a file"
expect 0 "$CONDENSE" export --format compact --weights "$weights" --output "$small"
[ "$out" = "$small" ] || fail "the path is not printed: $out"
expect 0 "$CONDENSE" export --format safetensors --weights "$small" --output "$folder/back"
cmp -s "$folder/back" "$weights" || fail "there and back is not the same"
expect 0 "$CONDENSE" export --format compact --entropy --weights "$weights" --output "$folder/smaller.cnz"
[ "$(stat -c %s "$folder/smaller.cnz")" -lt "$(stat -c %s "$small")" ] || fail "entropy coding saves nothing"

# Taken as weights.
printf '\223NUMPY\001\000\166\000%-117s\n' \
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 28, 28), }" >"$folder/x.npy"
head -c 3136 "$weights" | tr '\000-\377' '\000' >>"$folder/x.npy"
for file in "$weights" "$small" "$folder/smaller.cnz"; do
    expect 0 "$CONDENSE" infer --model lenet5 --weights "$file" --input "$folder/x.npy" --output "$folder/y.npy"
    [ -e "$folder/first.npy" ] || cp "$folder/y.npy" "$folder/first.npy"
    cmp -s "$folder/first.npy" "$folder/y.npy" || fail "$file infers something else"
done
"$CONDENSE" run --model lenet5 --weights "$small" --min-time 0.01 --max-time 0.05 --energy none \
    --db "$folder/study.db" >/dev/null 2>&1 # a noisy machine does not matter here
[ "$(query "SELECT weights FROM v_cell")" = small.cnz ] || fail "the weights are not called by their file"
[ "$(query "SELECT compact_bytes - stored_bytes BETWEEN 1 AND 600 AND compact_value_bytes <= stored_bytes
            AND stored_bytes < csr_bytes AND compact_reason IS NULL FROM v_size")" = 1 ] ||
    fail "sizes: $(query "SELECT * FROM v_size")"

# Damaged.
printf '\001' | dd of="$small" bs=1 seek=20000 conv=notrunc status=none
expect 1 "$CONDENSE" infer --model lenet5 --weights "$small" --input "$folder/x.npy" --output "$folder/y.npy"
[[ $err == *small.cnz*byte*checksum*conv*.weight* || $err == *small.cnz*byte*checksum*fc*.weight* ]] ||
    fail "the damaged tensor is not named: $err"

# Every scheme at every density, never larger than compressed sparse rows, in table and figure.
expect 0 "$CONDENSE" storage --model lenet5 --record --db "$folder/study.db"
[ "$(wc -l <<<"$out")" -eq 119 ] || fail "not the rows of ten schemes: $out"
[ "$(query "SELECT count(*) || ' ' || count(DISTINCT scheme) || ' ' || (max(worst) < 1) || ' ' ||
            min(compact_bytes > index_bytes + value_bytes AND value_bytes >= 4 * nonzero) FROM v_storage")" = \
    "118 10 1 1" ] || fail "not what was to be recorded"
expect 2 "$CONDENSE" storage --model lenet6
if command -v gnuplot >/dev/null; then
    expect 0 "$CONDENSE" plot --db "$folder/study.db" --output "$folder/figures"
    [ -s "$folder/figures/storage-lenet5-fashion.svg" ] || fail "no figure of storage"
fi
[ "$failures" -eq 0 ]
