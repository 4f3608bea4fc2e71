#!/bin/bash
# condense compress: refusals before anything is made; results in files and in the database; a run
# that was broken off ends with the same bits; rules where a scheme does not fit; studies; two
# programs and one database.
. tests/shell.sh
db=$folder/study.db
query() { sqlite3 "$db" "$1"; }
compress() { "$CONDENSE" compress --db "$db" --folder "$folder/new/results" --images 200 "$@"; }
says() { case $err in *"$1"*) ;; *) fail "'$err' does not say '$1'" ;; esac }

# refuses STATUS PART ARGUMENTS...: the status, and the message holds PART.
refuses()
{
    local part=$2
    expect "$1" compress "${@:3}"
    says "$part"
    [ -z "$out" ] || fail "compress ${*:3} printed: $out"
}

lenet5=(--model lenet5 --scheme unstructured)
refuses 2 "--model is missing" --scheme unstructured
refuses 2 "nonet" --model nonet --scheme unstructured --rate 2
refuses 2 "unstructured, filter" --model lenet5 --scheme best --rate 2
refuses 2 "linear, powers" --model lenet5 --levels ternary
refuses 2 "admm, magnitude" "${lenet5[@]}" --rate 2 --method best
refuses 2 "give --scheme" --model lenet5
refuses 2 "--rate '2,,4'" "${lenet5[@]}" --rate 2,,4
refuses 2 "--rate '2,x'" "${lenet5[@]}" --rate 2,x
refuses 2 "--rate '0.5'" "${lenet5[@]}" --rate 0.5
refuses 2 "at most 16" "${lenet5[@]}" --rate 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18
refuses 2 "--bits" "${lenet5[@]}" --rate 2 --levels linear --bits 9
refuses 2 "--rho" "${lenet5[@]}" --rate 2 --rho 0
refuses 2 "no optimizer 'none'" "${lenet5[@]}" --rate 2 --optimizer none
refuses 2 "no schedule 'none'" "${lenet5[@]}" --rate 2 --schedule none
refuses 2 "no schedule 'nought'" "${lenet5[@]}" --rate 2 --admm-schedule nought
refuses 2 "no recipe 'none'" "${lenet5[@]}" --rate 2 --recipe none
refuses 2 "not both" "${lenet5[@]}" --rate 2 --layer-rates conv1=2,conv2=2,fc1=2,fc2=2

# Studies: a mistake in the last entry is told before the first is worked on.
study() { echo "$1" >"$folder/study.json"; }
refuses 1 "none.json" --study "$folder/none.json"
study '{"runs": ['
refuses 1 "study.json:1:1" --study "$folder/study.json"
study '{"about": "nothing"}'
refuses 1 "no list called 'runs'" --study "$folder/study.json"
study '{"runs": [5]}'
refuses 1 "entry 1 of 'runs': it is no object" --study "$folder/study.json"
study '{"runs": [{"model": []}]}'
refuses 1 "'model' is an empty list" --study "$folder/study.json"
study '{"runs": [{"model": "lenet5", "scheme": "block8", "rate": null}]}'
refuses 1 "the value of 'rate'" --study "$folder/study.json"
study '{"runs": [{"model": "lenet5", "scheme": "block8"}, {"model": "lenet5", "speed": 3}]}'
refuses 2 "entry 2 of 'runs'" --study "$folder/study.json"
study '{"runs": [{"model": "lenet5", "scheme": "block8"}, {"model": ["lenet5", "nonet"], "scheme": "block8"}]}'
refuses 2 "nonet" --study "$folder/study.json"
[ ! -e "$db" ] && [ ! -e "$folder/new" ] || fail "a refused command left files"

if [ ! -e /usr/share/datasets/fashion-mnist ] && [ ! -e "${CONDENSE_DATA:-data}/fashion-mnist" ]; then
    echo "Fashion-MNIST is not here ('make data DATASET=fashion-mnist')"
    [ "$failures" -eq 0 ] && exit 77
fi

# What only the network, its weights and the folders can tell.
weights=experiments/weights
refuses_at_work()
{
    expect "$1" compress "${@:3}"
    says "$2"
}
quick=(--epoch-steps 2 --batch 16 --iterations 2 --epochs 2)
refuses_at_work 2 "'conv2' is missing" "${lenet5[@]}" --layer-rates conv1=2,fc1=2,fc2=2
refuses_at_work 2 "5 entries for 4 layers" "${lenet5[@]}" --layer-rates conv1=2,conv2=2,fc1=2,fc2=2,fc3=2
refuses_at_work 2 "rate of 'fc1'" "${lenet5[@]}" --layer-rates conv1=2,conv2=2,fc1=0.1,fc2=2
refuses_at_work 2 "--pattern-set '12'" --model lenet5 --scheme pattern --pattern-set 12
refuses_at_work 2 "cannot be reached" --model lenet5 --scheme pattern --rate 4
says "'fc1'"
refuses_at_work 1 "resnet18-fashion" "${lenet5[@]}" --rate 2 --from $weights/resnet18-fashion.safetensors
refuses_at_work 1 "no trained weights" --model lenet5 --scale imagenet --dataset fashion-mnist \
    --scheme unstructured --rate 2
echo text >"$folder/file"
refuses_at_work 1 "$folder/file" "${lenet5[@]}" --rate 2 "${quick[@]}" --folder "$folder/file/folder"
refuses_at_work 1 "is a folder" "${lenet5[@]}" --rate 2 "${quick[@]}" --output "$folder"
[ -z "$(find "$folder" -name '*.cnz*')" ] || fail "a refused command left weights"

# Rates that go on from one another, with levels; then the same again, which is there already.
run=("${lenet5[@]}" --rate 2,4 --levels linear --bits 3 "${quick[@]}")
expect 0 compress "${run[@]}"
[ "$(wc -l <"$folder/out")" -eq 3 ] || fail "not a line each: $out"
[ "$(tail -n 2 "$folder/out" | cut -d, -f13)" = \
    "$(query "SELECT printf('%.1f', seconds) FROM v_compression ORDER BY compression")" ] ||
    fail "other seconds than on record: $out"
name=$folder/new/results/lenet5-fashion-unstructured-admm
[ -s "$name-2x-linear3.cnz" ] && [ -s "$name-4x-linear3.cnz" ] ||
    fail "files: $(ls "$folder/new/results")"
[ "$(ls "$folder/new/results" | wc -l)" -eq 2 ] || fail "files: $(ls "$folder/new/results")"
[ "$(query "SELECT group_concat(rate_asked || ' ' || (rate >= rate_asked) || ' ' || bits ||
            ' ' || (top1 BETWEEN 0.05 AND 1) || (seconds > 0) || (loss = top1_dense - top1), ', ')
            FROM v_compression")" = "2.0 1 3 111, 4.0 1 3 111" ] ||
    fail "recorded: $(query 'SELECT * FROM v_compression')"
[ "$(query "SELECT group_concat(phase || number || ' ' || (rho IS NULL) || (residual_max IS NULL), ', ')
            FROM v_compression_step WHERE compression = 1")" = \
    "admm1 00, admm2 00, retrain1 11, retrain2 11" ] ||
    fail "steps: $(query 'SELECT * FROM v_compression_step')"
[ "$(query "SELECT count(*) || ' ' || sum(kept <= planned) || ' ' || sum(sensitivity > 0)
            FROM compression_layer")" = "8 8 8" ] || fail "layers: $(query 'SELECT * FROM compression_layer')"
[ "$(query "SELECT two.start_digest = one.output_digest FROM compression one, compression two
            WHERE one.id = 1 AND two.id = 2")" = 1 ] || fail "the second rate did not go on from the first"
expect 0 compress "${run[@]}" --resume
says "2x is recorded already"
says "4x is recorded already"
[ "$(query 'SELECT count(*) FROM compression')" -eq 2 ] || fail "finished rates were recorded anew"
cp "$name-4x-linear3.cnz" "$folder/first.cnz"
rm "$name-4x-linear3.cnz"
expect 0 compress "${run[@]}" --resume
cmp "$name-4x-linear3.cnz" "$folder/first.cnz" || fail "a result that was lost came back otherwise"
[ "$(query 'SELECT count(*) FROM compression')-$(query 'SELECT count(*) FROM v_compression')" = 3-2 ] ||
    fail "the view does not show the last of each configuration"

# Rates of each layer make the rate.
expect 0 compress "${lenet5[@]}" --method magnitude --layer-rates conv1=1,conv2=2,fc1=8,fc2=4 "${quick[@]}"
[ "$(query "SELECT (abs(rate - rate_asked) < 0.01) || (rate > 4) ||
                   (SELECT sum(sensitivity IS NULL) FROM compression_layer WHERE compression = v.compression)
            FROM v_compression v WHERE method = 'magnitude'")" = 114 ] ||
    fail "rates of layers: $(query 'SELECT * FROM v_compression')"

# Broken off in ADMM and in retraining, resumed: the same bits as a run that never stopped.
long=("${lenet5[@]}" --rate 4 --levels codebook --bits 4 --epoch-steps 8 --batch 16 --lr 0.002 --admm-lr 0.002
    --admm-schedule cosine --iterations 25 --epochs 25)
expect 0 compress "${long[@]}" --output "$folder/whole.cnz" --db "$folder/whole.db"
part=$folder/part.cnz
break_off() # PHASE: once its checkpoint is there
{
    "$CONDENSE" compress --db "$db" --images 200 "${long[@]}" --output "$part" --resume \
        >/dev/null 2>"$folder/message" &
    local child=$! status
    for _ in $(seq 600); do
        ls "$part".*."$1".tmp >/dev/null 2>&1 && break
        kill -0 $child 2>/dev/null || break
        sleep 0.05
    done
    kill -INT $child
    for _ in $(seq 600); do
        kill -0 $child 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL $child 2>/dev/null
    wait $child
    status=$?
    [ $status -eq 130 ] || fail "a run interrupted in $1 ended with $status: $(cat "$folder/message")"
    grep -q "resume goes on" "$folder/message" || fail "it said '$(cat "$folder/message")'"
    [ ! -e "$part" ] || fail "there are weights of an unfinished run"
}
break_off admm
break_off retrain
grep -q "ADMM 1," "$folder/message" && fail "ADMM began anew: $(cat "$folder/message")"
[ "$(query "SELECT count(*) || ' ' || (max(seconds) > 0) FROM compression WHERE top1 IS NULL")" = "1 1" ] ||
    fail "unfinished: $(query 'SELECT * FROM compression WHERE top1 IS NULL')"
expect 0 compress "${long[@]}" --output "$part" --resume
cmp "$folder/whole.cnz" "$part" || fail "a resumed run ends with other weights"
ls "$part".* 2>/dev/null && fail "checkpoints are left"
[ "$(query "SELECT count(*) FROM v_compression_step JOIN v_compression USING (compression)
            WHERE levels = 'codebook'")" -eq 50 ] || fail "steps of the resumed run are missing"

# A run that diverges says where; the last good checkpoint is left. Its rate rises a little each epoch.
expect 1 compress "${lenet5[@]}" --rate 2 --method magnitude --lr 1000 --warmup 0.95 --epoch-steps 1 \
    --batch 16 --epochs 5000 --output "$folder/wild.cnz"
[[ $err =~ step\ [0-9]+.*\ is\ not\ finite ]] || fail "a run that diverged said: $err"
[ ! -e "$folder/wild.cnz" ] && ls "$folder"/wild.cnz.*.retrain.tmp >/dev/null ||
    fail "a run that diverged left $(ls "$folder")"

# 1 x 1 kernels have no patterns; the rule in their place is on record.
expect 0 compress --model squeezenet_v1.1 --scheme pattern+connectivity --rate 3 --method magnitude \
    --epoch-steps 1 --batch 8 --epochs 1
[ "$(query "SELECT group_concat(DISTINCT scheme || ': ' || coalesce(rule, '-')) FROM compression_layer
            WHERE compression = (SELECT max(compression) FROM v_compression)")" = \
    "pattern+connectivity: -,connectivity: no 3 x 3 kernels: whole kernels" ] ||
    fail "rules: $(query 'SELECT DISTINCT scheme, rule FROM compression_layer')"

# A study: every combination; --model picks; the command line overrides recipes, entries override it.
study '{"runs": [{"model": "squeezenet_v1.1", "scheme": "block8", "rate": 2},
                 {"model": "lenet5", "scheme": ["block8", "filter"], "rate": 2, "per_channel": true,
                  "levels": "powers", "method": "random", "epochs": 1}]}'
expect 0 compress --study "$folder/study.json" --model lenet5 --epochs 7 --epoch-steps 1 --batch 16
[ "$(query "SELECT group_concat(v.scheme || ' ' || levels || ' ' ||
                (SELECT count(*) FROM compression_step s WHERE s.compression = v.compression), ', ')
            FROM v_compression v WHERE method = 'random'")" = \
    "block8 powers 1, filter powers 1" ] ||
    fail "the study made: $(query "SELECT * FROM v_compression WHERE method = 'random'")"
[ "$(query "SELECT group_concat(layer || ': ' || rule) FROM compression_layer JOIN v_compression
            USING (compression) WHERE v_compression.scheme = 'filter' AND rule IS NOT NULL")" = \
    "fc2: gives the network's output: no filter can go" ] ||
    fail "no rule for fc2"

# Two programs write to one database.
for seed in 11 12; do
    compress "${lenet5[@]}" --rate 2 "${quick[@]}" --seed $seed >/dev/null 2>"$folder/seed-$seed" &
done
wait -n && wait -n || fail "two programs at a time: $(cat "$folder"/seed-*)"
[ "$(query 'SELECT count(*) FROM v_compression WHERE seed IN (11, 12)')" -eq 2 ] ||
    fail "two programs at a time recorded $(query 'SELECT seed FROM v_compression')"
[ "$(query 'PRAGMA integrity_check; PRAGMA foreign_key_check')" = ok ] || fail "the database is damaged"
[ "$failures" -eq 0 ]
