#!/bin/bash
# Figures and the paper from a made-up study: the same bytes twice, every network and claim in it,
# nothing executed or broken by hostile text, and clear refusals with nothing half-written.
. tests/shell.sh
root=$PWD
export CONDENSE_HOME=$root
export TMPDIR=$folder/tmp
mkdir "$TMPDIR"
if ! command -v gnuplot >/dev/null; then
    echo "gnuplot is not installed: apt-get install --no-install-recommends gnuplot-nox"
    exit 77
fi

# expect_words STATUS WORDS COMMAND...: runs it; its standard error must hold the words.
expect_words()
{
    local want=$1 words=$2 got
    shift 2
    "$@" >"$folder/out.txt" 2>"$folder/err.txt" </dev/null
    got=$?
    [ "$got" -eq "$want" ] || fail "$* ended with $got, not $want: $(cat "$folder/err.txt")"
    [ -z "$words" ] || grep -qF -- "$words" "$folder/err.txt" ||
        fail "$*: no '$words' in: $(cat "$folder/err.txt")"
}

# make_study FILE: the schema, the fixture and the claims.
make_study()
{
    local parts
    mapfile -t parts < <(sed -n '/st_schema_parts\[\] =/,/NULL/p' harness/store/store.c |
        grep -o 'schema[a-z_]*_sql' | sed 's|\(.*\)_sql|harness/store/\1.sql|')
    {
        echo "PRAGMA application_id = 0x434e5354; PRAGMA user_version = ${#parts[@]};"
        echo "PRAGMA foreign_keys = ON;"
        echo "BEGIN;"
        cat "${parts[@]}" tests/fixtures/study.sql
        echo "COMMIT;"
        echo "CREATE TEMP TABLE csv (id, source, place, model, variant, device, metric, value, unit, note);"
        echo ".import --csv --skip 1 --schema temp experiments/claims.csv csv"
        echo "INSERT INTO claim SELECT id, rowid, source, place, model, variant, device, metric,"
        echo "value, unit, note FROM temp.csv;"
    } | sqlite3 -bail "$1" || fail "the fixture does not fit the schema"
}
db=$folder/study.db
make_study "$db"
query() { sqlite3 "$db" "$1"; }

# Twice the same.
for turn in one two; do
    expect_words 0 "energy: not drawn: no energy sensor" \
        "$CONDENSE" plot --db "$db" --output "$folder/$turn"
    expect_words 0 "" "$CONDENSE" report --db "$db" --figures "$folder/$turn" \
        --output "$folder/$turn/PAPER.md"
done
diff -r "$folder/one" "$folder/two" || fail "figures or paper differ when made twice"
paper=$folder/one/PAPER.md
pictures=$(ls "$folder"/one/*.svg | wc -l)
[ "$pictures" -ge 15 ] || fail "only $pictures pictures"
[ "$pictures" -eq "$(ls "$folder"/one/*.png | wc -l)" ] || fail "not as many PNG as SVG"
ls -A "$TMPDIR" | grep . && fail "temporary files are left"
cmp -s <(query "SELECT count(*) FROM claim_result") <(echo 0) || fail "the database was changed"

# What must be in it.
for name in $(query "SELECT DISTINCT model FROM v_cell") $(query "SELECT claim FROM v_claim"); do
    grep -qF "| $name " "$paper" || grep -qF " $name |" "$paper" || fail "no $name in the paper"
    case $name in *-*) ;; *)
        grep -qF ">$name<" "$folder/one/latency-imagenet-1t.svg" || fail "no $name in the figure" ;;
    esac
done
grep -o '](.*\.svg)' "$paper" | tr -d '()]' | while read -r link; do
    [ -s "$folder/one/$link" ] || echo "$link"
done | grep . && fail "links to pictures that are not there"
[ "$(grep -c 'not yet measured' "$paper")" -gt 20 ] || fail "unmeasured claims are not shown as such"
grep -qF '32.08 / 25.08 / 22.37' "$paper" || fail "no claimed values"
share=$(query "SELECT printf('%.2f', 100 * share) FROM v_nontensor JOIN v_cell USING (cell)
               WHERE model = 'alexnet' AND scale = 'imagenet' AND threads = 1
                 AND v_nontensor.fusion = 0")
grep 'rebirth-nontensor-alexnet' "$paper" | grep -qF "$share / - / -" || fail "no $share measured"
ratio=$(query "SELECT printf('%.2f', ratio) FROM v_bench_best WHERE model = 'vgg16' AND threads = 2")
grep -qE "^\| imagenet \| 2 \| vgg16 .*\| $ratio \|" "$paper" || fail "no ratio $ratio of vgg16"
grep -qF 'not supported: lrn' "$paper" || fail "an engine that was not timed has no reason"
mean=$(query "SELECT printf('%.3f', exp(avg(ln(ratio)))) FROM v_bench_best WHERE threads = 1")
grep -qE "^\| geometric mean .*\| 1 \| 16 \| $mean \|" "$paper" || fail "no geometric mean $mean"
grep -qF '>squeezenet_v1.1<' "$folder/one/references-imagenet-2t.svg" || fail "a network is not drawn"
grep -qF '1 of 8 layers changed, not kept' "$folder/one/tuning-imagenet-1t.svg" ||
    fail "a tuned plan that is slower is not drawn as such"
lost=$(query "SELECT printf('%.2f', 100 * avg(loss)) FROM v_compression WHERE scale = 'mnist'
              AND rate_asked = 348 AND levels = 'none'")
grep -qE "^\| mnist \| float32 \| 348.0 .*\| $lost \| missed" "$paper" || fail "no $lost points lost at 348x"
won=$(query "SELECT count(*) FROM v_compression a JOIN v_compression m USING (model, scale, scheme, levels,
             rate_asked, seed) WHERE a.method = 'admm' AND m.method = 'magnitude' AND a.top1 >= m.top1")
grep -qF "at least as accurate as magnitude in $won of" "$paper" || fail "not $won pairs"
grep 'cadnn-prune-lenet5' "$paper" | grep -qF '| 246.0 | on mnist' || fail "no rate measured for LeNet-5"
grep 'cadnn-prune-alexnet' "$paper" | grep -qF 'no compression of it is on record' ||
    fail "a claim about what was not compressed has no reason"
grep -qF '>unstructured, magnitude<' "$folder/one/tradeoff-lenet5-fashion.svg" || fail "no line of magnitude"
grep -qF '>median layer<' "$folder/one/convergence-lenet5-mnist.svg" || fail "no convergence"
ls "$folder"/one/tradeoff-vgg16* 2>/dev/null && fail "a curve of one point"
faster=$(query "SELECT printf('%.2f', speedup) FROM v_execution WHERE model = 'vgg16' AND threads = 2")
grep -qE "^\| imagenet \| 2 \| vgg16 \| block8 \| 34 .*\| $faster \|" "$paper" || fail "no $faster of vgg16"
means=$(query "SELECT group_concat(printf('%.2f', attained), ', ') FROM (SELECT exp(avg(ln(attained))) AS
               attained FROM v_execution_layer WHERE model = 'resnet50' AND scheme = 'unstructured' AND
               threads = 1 AND op = 'conv' AND nonzero_macs < dense_macs GROUP BY rate_asked ORDER BY rate_asked)")
grep -qE "^\| imagenet \| 1 \| resnet50 \| unstructured .*\| $means \|" "$paper" || fail "no means $means"
[ "$(grep -cE '^\| imagenet \| 1 \| vgg16 \| block8 34x \| (fc|conv5|conv4) ' "$paper")" -eq 3 ] ||
    fail "not the three worst layers of vgg16"
grep -E '^\| imagenet \| 1 \| vgg16 \| block8 34x \| conv5 ' "$paper" |
    grep -qF 'MB at 2.4 of 20 GB/s; few pixels: 49 a channel; 0.80 loads a multiply-add' ||
    fail "no explanation of the worst layers"
grep -qF '| resnet50, realized / theoretical, unstructured at 5 to 20 % | 1 | 8 | 0.43 | at least 0.45 | missed |' \
    "$paper" || fail "a missed bar is not said to be missed"
grep -qF '| 9 | 6 | 1.032 | 1.091 | conv:2: sparse, not panel |' "$paper" || fail "no choices"
grep 'cadnn-speed-tvm-cpu' "$paper" | grep -qF 'not yet measured | TVM was not timed; 8.8x over onnxruntime' ||
    fail "a claim about an engine that was not timed has no note"
grep -qF '>ours, pruned<' "$folder/one/execution-imagenet-2t.svg" || fail "no pruned network is drawn"
grep -qF '>unstructured<' "$folder/one/crossover-resnet50-imagenet-1t.svg" || fail "no crossover"
ls "$folder"/one/crossover-vgg16* "$folder"/one/reorder-*-1t.svg 2>/dev/null && fail "a figure of nothing"
grep -qF '>reordered<' "$folder/one/reorder-vgg16-imagenet-2t.svg" || fail "no figure of reordering"
grep -qF '>unstructured 10x<' "$folder/one/loads-resnet50-imagenet-1t.svg" || fail "no loads"
whole=$(query "SELECT printf('%.2f', ratio) FROM v_int8 WHERE model = 'vgg16' AND threads = 1")
grep -qF "| vgg16, time over that of onednn-int8 | 1 | $whole | at most 1.00 | missed |" "$paper" ||
    fail "no ratio $whole of integers of vgg16"
grep -qF '| resnet50, over our floats | 2 | 2.60 | at least 2.50 | met |' "$paper" ||
    fail "integers of resnet50 are not beside floats"
grep -qF '</sup> its library is nowhere' "$paper" ||
    fail "an engine without integers has no reason"
grep -qF 'no cpufreq on this machine' "$paper" || fail "a missing fact has no reason"
grep -qF 'the interval is 7.1 % of the mean' "$paper" || fail "a verdict has no reason"
grep -qF '| random |' "$paper" || fail "random weights are not labelled"

# A number that changes in the database changes in the paper: nothing is typed in.
cp "$db" "$folder/other.db"
sqlite3 "$folder/other.db" "UPDATE latency SET mean_ms = 4321.5, ci95_low_ms = 4321,
    ci95_high_ms = 4322, ci95_rel = 0.0001 WHERE attempt = 110"
mkdir "$folder/other"
expect_words 0 "" "$CONDENSE" plot latency --db "$folder/other.db" --output "$folder/other"
cmp -s "$folder/other/latency-imagenet-1t.svg" "$folder/one/latency-imagenet-1t.svg" &&
    fail "the figure does not follow the database"
expect_words 0 "" "$CONDENSE" report --db "$folder/other.db" --figures "$folder/one" \
    --output "$folder/other/PAPER.md"
grep -qF '4321.500' "$folder/other/PAPER.md" || fail "the paper does not follow the database"

# Where only some cells have a value, each of those is drawn.
sqlite3 "$folder/other.db" "UPDATE energy SET source = 'rail', millijoule_per_inference = attempt,
    reason = NULL WHERE attempt IN (201, 204, 216)"
expect_words 0 "" "$CONDENSE" plot energy --db "$folder/other.db" --output "$folder/other"
for name in lenet5 vgg19 squeezenet_v1.1; do
    grep -q ">$name" "$folder/other/energy-imagenet-2t.svg" || fail "no energy of $name"
done
[ -e "$folder/other/energy-imagenet-1t.svg" ] && fail "a figure of an energy that is not there"

# A database without compressions has a paper, too.
sqlite3 "$folder/other.db" "DELETE FROM compression_residual; DELETE FROM compression_step;
    DELETE FROM compression_layer; DELETE FROM compression; DELETE FROM bench_layer; DELETE FROM bench_plan;
    DELETE FROM bench_mask; DELETE FROM bench_sample WHERE bench > 2000; DELETE FROM bench_engine
    WHERE bench > 2000; DELETE FROM bench WHERE id > 2000; DELETE FROM choice_way; DELETE FROM choice"
mkdir "$folder/dense"
expect_words 0 "tradeoff: not drawn: no network was pruned" \
    "$CONDENSE" plot --db "$folder/other.db" --output "$folder/dense"
expect_words 0 "" "$CONDENSE" report --db "$folder/other.db" --figures "$folder/dense" \
    --output "$folder/dense/PAPER.md"
grep -qF 'In this database no network was compressed.' "$folder/dense/PAPER.md" ||
    fail "a paper without compressions does not say so"
grep -qF 'In this database no pruned network was timed.' "$folder/dense/PAPER.md" &&
    grep -qF 'No choices were timed' "$folder/dense/PAPER.md" ||
    fail "a paper without pruned networks does not say so"

# Hostile text: nothing runs, every row of a table keeps its columns, the SVG stays well formed.
cp "$db" "$folder/hostile.db"
evil=$'a|b`touch pwned`$(touch pwned)\n*x*_y_ <i>&"q" \\n{z} %s #1 \xff ä'
sqlite3 "$folder/hostile.db" "UPDATE cell SET model = CAST(x'$(printf %s "$evil" | od -An -tx1 |
    tr -d ' \n')' AS TEXT) WHERE model = 'vgg19';
    UPDATE attempt SET verdict = 'noisy', reason = CAST(x'$(printf %s "$evil" | od -An -tx1 |
    tr -d ' \n')' AS TEXT) WHERE id = 119;
    UPDATE bench_layer SET layer = 'a|\`b' || char(10) || '<i>{x}' || number, kernel = '<i>|*x*';
    UPDATE bench_mask SET scheme = 'a|\`b' || char(10) || '<i>{x}' WHERE scheme = 'block8';
    UPDATE compression SET scheme = 'a|\`b' || char(10) || '<i>{x}' WHERE scheme = 'block8';
    UPDATE layer_time SET op = 'a|''b' || char(10) || '<&' WHERE op = 'relu'"
(cd "$folder" && expect_words 0 "" "$CONDENSE" plot --db hostile.db --output evil &&
    expect_words 0 "" "$CONDENSE" report --db hostile.db --figures evil --output evil/PAPER.md)
find "$folder" "$root" -maxdepth 2 -name 'pwned*' | grep . && fail "text from the database was run"
awk -F'|' '/^\|/ { gsub(/\\\|/, ""); if (n && NF != n) { print; bad = 1 } n = NF; next } { n = 0 }
    END { exit bad }' "$folder/evil/PAPER.md" || fail "hostile text breaks a table"
grep -q '<i>' "$folder/evil/PAPER.md" "$folder"/evil/*.svg && fail "hostile text becomes markup"
grep -qE '&lt;i(>|&gt;)&amp;' "$folder/evil/latency-imagenet-1t.svg" || fail "the name is not drawn"
for picture in "$folder"/evil/*.svg; do
    iconv -f utf-8 -t utf-8 "$picture" >/dev/null 2>&1 || fail "$picture is not UTF-8"
done

# The export stands for the database.
expect_words 0 "" "$CONDENSE" export --db "$db" --format sql --output "$folder/export"
expect_words 0 "" "$CONDENSE" report --db "$folder/export/study.sql" --figures "$folder/one" \
    --output "$folder/one/EXPORT.md"
cmp "$paper" "$folder/one/EXPORT.md" || fail "the paper of the export differs"

# Refusals; nothing is written.
expect_words 1 "apt-get install --no-install-recommends gnuplot-nox" \
    env PATH=/nonexistent "$CONDENSE" plot --db "$db" --output "$folder/none"
[ -z "$(ls -A "$folder/none" 2>/dev/null)" ] || fail "files without gnuplot"
expect_words 1 "there is no such database" "$CONDENSE" plot --db "$folder/no.db" --output "$folder/none"
expect_words 1 "is a folder" "$CONDENSE" plot --db "$folder/export" --output "$folder/none"
expect_words 2 "there is no figure 'nonsense'" "$CONDENSE" plot nonsense --db "$db" --output "$folder/none"
expect_words 1 "condense plot size" "$CONDENSE" report --db "$db" --figures "$folder/none" \
    --output "$folder/none/PAPER.md"
echo "INSERT INTO nothing VALUES (1);" >"$folder/bad.sql"
expect_words 1 "bad.sql" "$CONDENSE" report --db "$folder/bad.sql" --output "$folder/none/PAPER.md"
sqlite3 "$folder/strange.db" "CREATE TABLE t (x)"
expect_words 1 "strange.db" "$CONDENSE" report --db "$folder/strange.db" --output "$folder/none/PAPER.md"
cp "$db" "$folder/empty.db"
sqlite3 "$folder/empty.db" "DELETE FROM attempt"
expect_words 0 "not drawn" "$CONDENSE" plot --db "$folder/empty.db" --output "$folder/none"
expect_words 1 "has no" "$CONDENSE" report --db "$folder/empty.db" --figures "$folder/none" \
    --output "$folder/none/PAPER.md"
for bad in '{{value nonsense}}' '{{table nonsense}}' '{{nonsense sizes}}' '{{value' \
    '{{number table sizes}}' '{{table sizes}}{{table sizes}}'; do
    printf 'one\n%s\n' "$bad" >"$folder/template.in"
    expect_words 1 "template.in:2:" "$CONDENSE" report --db "$db" --figures "$folder/one" \
        --template "$folder/template.in" --output "$folder/none/PAPER.md"
done
[ -e "$folder/none/PAPER.md" ] && fail "a refused paper was written"
[ -d "$folder/tmp" ] && ls -A "$TMPDIR" | grep . && fail "temporary files are left"
[ "$failures" -eq 0 ]
