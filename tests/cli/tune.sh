#!/bin/bash
# condense tune: a wisdom file that run and bench follow, that grows and is not timed twice, in the
# database where asked for; damaged files and other versions are named.
. tests/shell.sh
export CONDENSE_WISDOM=$folder/cache/wisdom CONDENSE_DATA=$folder/none
db=$folder/study.db
net=$folder/net.lr
cat >"$net" <<'EOF'
model net
param size = 12
param classes = 10
scale tiny(dataset="mnist")
input(1, size, size)
conv(16, 3, pad=1)
relu
conv(16, 3, pad=1)
relu
conv(16, 3, pad=1)
fc(classes)
softmax
EOF
query() { sqlite3 "$db" "$1"; }
tune() { "$CONDENSE" tune --scale tiny --weights random --seconds 0.01 --model "$net" "$@"; }

expect 0 tune --record --db "$db"
head -1 "$CONDENSE_WISDOM" | grep -qx 'condense wisdom 1' || fail "no wisdom: $err"
[[ $out == *"conv:16x12x12:16x12x12:k3x3:s1x1:d1x1:p1,1,1,1:g1:r0"* ]] || fail "no signature: $out"
lines=$(grep -c 'conv:16x12x12' "$CONDENSE_WISDOM")
[ "$lines" -eq 1 ] || fail "two layers of one signature gave $lines entries"
[ "$(query "SELECT layers || ' ' || (static_ms > 0) || ' ' || (samples >= 10) FROM v_tuning")" = "3 1 1" ] ||
    fail "not recorded: $(query "SELECT * FROM v_tuning")"
[ "$(query "SELECT sum(chosen) = count(DISTINCT signature) FROM tuning_way")" = 1 ] ||
    fail "not one way is chosen for each signature"

# What is known is not timed again, unless asked for; other batches are other entries.
expect 0 tune --json
[[ $out == *'"known":	true'* ]] || fail "nothing is known the second time: $out"
expect 0 tune --again --json
[[ $out != *'"known":	true'* ]] || fail "--again takes what is known: $out"
before=$(grep -c conv "$CONDENSE_WISDOM")
expect 0 tune --batch 2
[ "$(grep -c conv "$CONDENSE_WISDOM")" -gt "$before" ] || fail "another batch has no entries"

# With threads, ways of sharing the work are candidates, and what was chosen is known afterwards.
expect 0 tune --threads 2 --json
[[ $out == *'/by_channels"'* ]] || fail "the split among threads is no candidate: $out"
expect 0 tune --json
[[ $out == *'/by_'* ]] && fail "one thread has nothing to split: $out"
sed -i -E 's/\t2\t1\t(conv:1x12x12[^\t]*)\t[a-z0-9_/]+\t/\t2\t1\t\1\tpanel\/by_channels\t/' "$CONDENSE_WISDOM"
expect 0 tune --threads 2 --json
[[ $out == *'"tuned":	"panel/by_channels"'* ]] || fail "the split is not known again: $out"

# bench and run follow the file, and run's record says so.
sed -i -E 's/(conv:16x12x12[^\t]*)\t[a-z0-9_/]+\t/\1\twinograd6\t/' "$CONDENSE_WISDOM"
kernels() { "$CONDENSE" bench --model "$net" --scale tiny --weights random --seconds 0.01 --per-layer "$@"; }
expect 0 kernels
[ "$(grep -c f32_winograd6 <<<"$out")" -eq 2 ] || fail "bench does not follow the wisdom: $out"
expect 0 kernels --no-wisdom
grep -q f32_winograd6 <<<"$out" && fail "--no-wisdom is not without: $out"
run() {
    "$CONDENSE" run --model "$net" --scale tiny --weights random --min-time 0.01 --max-time 0.05 \
        --energy none --db "$db" "$@" 2>&1
}
fact() { query "SELECT value FROM v_environment JOIN v_cell USING (cell) WHERE key = 'wisdom'"; }
run >/dev/null
[[ $(fact) =~ ^[0-9a-f]{64}$ ]] || fail "the record does not say which wisdom: $(fact)"
[ "$(query "SELECT count(*) FROM v_layer WHERE kernel LIKE 'f32_winograd6%'")" -eq 2 ] ||
    fail "run does not follow the wisdom"
run --no-wisdom >/dev/null
[ "$(fact)" = none ] || fail "without wisdom the record says $(fact)"

# Generated kernels are candidates where weights are scattered; without a compiler that is said once.
export CONDENSE_CACHE=$folder/kernels
scattered=(--scheme unstructured --rate 4 --again --json)
CONDENSE_CC=/nonexistent/cc expect 0 tune "${scattered[@]}"
[ "$(grep -c "/nonexistent/cc" <<<"$err")" -eq 1 ] || fail "a missing compiler is not said once: $err"
expect 0 tune "${scattered[@]}" --no-generate
[[ $out == *generated* ]] && fail "--no-generate times generated kernels: $out"
if cc --version >/dev/null 2>&1 && [[ $(uname -m) == x86_64 ]]; then
    expect 0 tune "${scattered[@]}"
    [[ $out == *'"sparse1/generated"'* ]] || fail "generated kernels are no candidates: $out"
    [ "$(find "$CONDENSE_CACHE" -name '*.so' | wc -l)" -ge 1 ] || fail "no kernel was kept"
    find "$CONDENSE_CACHE" -mindepth 1 -not -name '*.so' | grep -q . && fail "work files are left"
else
    echo "skipped: generated kernels need a C compiler and an x86-64 processor"
fi
expect 2 tune --scheme unstructured
expect 2 tune --scheme none-such --rate 2

# Files that are not wisdom.
cp "$CONDENSE_WISDOM" "$folder/good"
echo "nonsense" >>"$CONDENSE_WISDOM"
expect 1 kernels
[[ $err == *"$CONDENSE_WISDOM:"*"fields are missing"*--no-wisdom* ]] || fail "a damaged file: $err"
expect 1 tune
tail -1 "$CONDENSE_WISDOM" | grep -qx nonsense || fail "a damaged file was overwritten"
expect 0 kernels --no-wisdom
echo "condense wisdom 9" >"$CONDENSE_WISDOM"
expect 0 kernels
[[ $err == *"another version"* ]] || fail "another version goes unsaid: $err"
expect 1 tune
[ "$(cat "$CONDENSE_WISDOM")" = "condense wisdom 9" ] || fail "another version's file was overwritten"
ls "$folder/cache" | grep -q tmp && fail "temporary files are left"

# Refusals.
expect 2 tune --isa sse9
expect 2 tune --model resnet5O
CONDENSE_WISDOM='' HOME='' XDG_CACHE_HOME='' expect 1 tune
[[ $err == *CONDENSE_WISDOM* ]] || fail "no home folder: $err"
[ "$failures" -eq 0 ]
