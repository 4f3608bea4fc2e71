#!/bin/bash
# condense bench --scheme and --choices: refusals; what is printed, as JSON and in the database; layers
# of a cell with zeros beside dense ones.
. tests/shell.sh
export CONDENSE_HOME=$PWD
db=$folder/study.db
query() { sqlite3 "$db" "$1"; }
bench() { "$CONDENSE" bench --model lenet5 --scale fashion --weights random --seconds 0.01 "$@"; }
field() { sqlite3 :memory: "SELECT json_extract(readfile('$folder/out'), '\$$1')"; }

# refuses PART ARGUMENTS...: the message holds PART.
refuses()
{
    local part=$1
    shift
    expect 2 bench "$@"
    [[ $err == *"$part"* ]] || fail "bench $*: '$err' does not say '$part'"
}
refuses "go together" --scheme block8
refuses "go together" --rate 2
refuses "'best' is none" --scheme block8,best --rate 2
refuses "'none' is none" --scheme none --rate 2
refuses "'' is none" --scheme block8, --rate 2
refuses "--rate 0.5" --scheme block8 --rate 0.5
refuses "--rate 2,,4" --scheme block8 --rate 2,,4
refuses "--rate 2,x" --scheme block8 --rate 2,x
refuses "at most" --scheme filter --rate 1e6
refuses "--choices times our own" --choices --against onednn
refuses "--training takes" --training --scheme block8 --rate 2
[ ! -e "$db" ] || fail "a refused command left a database"

# Two rates: our engine in four ways and another, with layers.
expect 0 bench --scheme block8 --rate 2,4 --against onednn --per-layer --record --db "$db"
for words in "random, block8 4x by magnitude" "fewer weights" condense-unordered condense-dense \
    condense-direct "geometric means" "of it" "| fashion | 1 | lenet5 | block8 | 4 |"; do
    [[ $out == *"$words"* ]] || fail "'$words' is not in: $out"
done
[ "$(query "SELECT count(*) || ' ' || count(DISTINCT rate_asked) || ' ' || min(abs(rate / rate_asked - 1) < 0.1)
            || ' ' || min(coalesce(speedup_low <= speedup AND speedup <= speedup_high, 1)) || ' ' ||
            min(direct_speedup > 0 AND order_speedup > 0) || ' ' || min(mac_ratio > 1)
            || ' ' || min(reference) || ' ' || min(plan_ms > 0 AND packed_bytes > 0 AND
            (peak_memory_bytes > packed_bytes OR peak_memory_reason IS NOT NULL)) FROM v_execution")" = \
    "2 2 1 1 1 1 onednn 1" ] || fail "recorded: $(query 'SELECT * FROM v_execution')"
[ "$(query "SELECT group_concat(engine || ' ' || own) FROM (SELECT DISTINCT engine, own, position
            FROM v_execution_engine ORDER BY position)")" = \
    "condense 1,condense-unordered 1,condense-dense 1,condense-direct 1,onednn 0" ] ||
    fail "engines: $(query 'SELECT * FROM v_execution_engine')"
[ "$(query "SELECT count(*) || ' ' || min(theoretical > 0 AND abs(realized / theoretical - attained) < 1e-9 AND
            direct_realized > 0) || ' ' || min(nonzero_macs <= macs AND macs <= dense_macs) || ' ' ||
            ((SELECT sum(nonzero_macs) FROM bench_layer b WHERE b.bench = l.bench AND position = 2) =
             (SELECT nonzero_macs FROM bench_mask WHERE bench = l.bench)) FROM v_execution_layer l
            WHERE op IN ('conv', 'fc') AND rate_asked = 4")" = "4 1 1 1" ] ||
    fail "layers: $(query "SELECT * FROM v_execution_layer")"
[ "$(query "SELECT nonzero_macs = macs AND mac_ratio = 1 FROM v_execution_layer WHERE layer = 'conv1'
            AND rate_asked = 4")" = 1 ] || fail "the first layer does not stay whole"
[ "$(query "SELECT count(*) FROM v_bench")" = 0 ] || fail "a pruned network is among the dense ones"

# Again: the view shows the last. A dense one beside it is apart.
expect 0 bench --scheme block8 --rate 4 --record --db "$db" --json
[ "$(field '[0].mask.scheme') $(field '[0].mask.rate_asked')" = "block8 4" ] || fail "JSON: $out"
[[ $(field '[0].mask.attained') == *.* && $(field '[0].engines[1].plan_ms') == *.* ]] ||
    fail "JSON without numbers: $out"
[ "$(query "SELECT count(*) || ' ' || (SELECT count(*) FROM bench) || ' ' || sum(reference IS NULL)
            FROM v_execution")" = "2 3 1" ] || fail "not the last of each rate"
expect 0 bench --record --db "$db" --json
[ "$(query "SELECT (SELECT count(*) FROM v_bench) || ' ' || count(*) FROM v_execution")" = "1 2" ] ||
    fail "dense and pruned are mixed"
[ "$(field '[0].mask')" = "" ] || fail "weights as they are have a mask: $out"

# Choices: every way of every layer.
expect 0 bench --choices --scheme unstructured --rate 3 --record --db "$db"
[[ $out == *"of "*" layers within 3 % of their fastest way"* && $out == *"| unstructured 3x |"* ]] ||
    fail "choices: $out"
expect 0 bench --choices --json --record --db "$db"
[ "$(field '[0].scheme') $(field '[0].rate')" = "none 1" ] || fail "JSON: $out"
[[ $(field '[0].layers[0].ways[0].ms') == *.* ]] || fail "JSON without ways: $out"
[ "$(query "SELECT count(DISTINCT choice) || ' ' || min(excess >= 1 AND ways > 1) || ' ' ||
            group_concat(DISTINCT scheme) FROM v_choice")" = "2 1 unstructured,none" ] ||
    fail "choices: $(query 'SELECT * FROM v_choice')"

# A cell whose weights have zeros: its layers beside dense kernels. The file's end is the last layer's.
cp experiments/weights/lenet5-fashion.safetensors "$folder/zeros.safetensors"
size=$(stat -c %s "$folder/zeros.safetensors")
dd if=/dev/zero of="$folder/zeros.safetensors" bs=1000 seek=$((size / 2000)) count=500 conv=notrunc status=none
cell() { "$CONDENSE" run --model lenet5 --min-time 0.01 --max-time 0.05 --energy none --db "$folder/cells.db" "$@"; }
cells() { sqlite3 "$folder/cells.db" "$1"; }
cell --weights "$folder/zeros.safetensors" >/dev/null 2>&1 # a noisy machine does not matter here
cell >/dev/null 2>&1
[ "$(cells "SELECT count(*) || ' ' || sum(realized > 0 AND theoretical > 0 AND
            abs(realized / theoretical - attained) < 1e-9) || ' ' || sum(layer = 'fc1' AND mac_ratio > 1)
            FROM v_layer JOIN v_cell USING (cell) WHERE tensor_layer AND weights = 'zeros.safetensors'")" = \
    "4 4 1" ] || fail "a cell with zeros: $(cells 'SELECT * FROM v_layer')"
[ "$(cells "SELECT count(*) || ' ' || count(realized) || ' ' || sum(mac_ratio = 1) FROM v_layer
            JOIN v_cell USING (cell) WHERE tensor_layer AND weights <> 'zeros.safetensors'")" = "4 0 4" ] ||
    fail "a cell without zeros: $(cells 'SELECT * FROM v_layer')"

# Figures: what there is, and why there is no other.
if command -v gnuplot >/dev/null; then
    expect 0 "$CONDENSE" plot execution crossover loads reorder --db "$db" --output "$folder/figures"
    [ -s "$folder/figures/execution-fashion-1t.svg" ] || fail "no figure beside dense engines"
    [[ $err == *"crossover: not drawn: no network was timed at three rates"* ]] || fail "no reason: $err"
fi
[ "$failures" -eq 0 ]
