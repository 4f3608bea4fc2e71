#!/bin/bash
# condense bench --training: refusals; steps and their parts on the screen, as JSON and in the database.
. tests/shell.sh
db=$folder/study.db
query() { sqlite3 "$db" "$1"; }
bench() { "$CONDENSE" bench --training --seconds 0.01 "$@"; }

expect 2 bench --against onednn
[[ $err == *"--training takes --model"* ]] || fail "--against goes unexplained: $err"
expect 2 bench --scalar
expect 2 bench --model none
expect 1 bench --model squeezenet_v1.1 --scale imagenet
[[ $err == *imagenet* ]] || fail "no data set to train on goes unexplained: $err"
[ ! -e "$db" ] || fail "a refused command left a database"

if [ ! -e /usr/share/datasets/fashion-mnist ] && [ ! -e "${CONDENSE_DATA:-data}/fashion-mnist" ]; then
    echo "Fashion-MNIST is not here ('make data DATASET=fashion-mnist')"
    [ "$failures" -eq 0 ] && exit 77
fi

expect 0 bench --model lenet5,squeezenet_v1.1 --batch 16 --record --db "$db"
[ "$(grep -c '^\(network\|lenet5\|squeezenet_v1.1\) ' <<<"$out")" -eq 3 ] || fail "not a line each: $out"
[[ $out == *"| fashion | 1 | lenet5 | 16 | 7 |"* ]] || fail "the database's table is missing: $out"
[ "$(query "SELECT group_concat(model || ' ' || batch || ' ' || rounds, ', ') FROM v_training")" = \
    "lenet5 16 7, squeezenet_v1.1 16 7" ] || fail "recorded: $(query 'SELECT * FROM v_training')"
[ "$(query "SELECT min(alone_ms > 0 AND step_ms > 0 AND share > 0 AND mean_share_low <= mean_share
            AND mean_share <= mean_share_high) FROM v_training")" = 1 ] ||
    fail "no times: $(query 'SELECT * FROM v_training')"
[ "$(query "SELECT count(DISTINCT part) || ' ' || count(*) FROM v_training_part")" = "9 18" ] ||
    fail "parts: $(query 'SELECT * FROM v_training_part')"
[ "$(query "SELECT model FROM v_training_part WHERE part = 'joins' AND ms > 0")" = squeezenet_v1.1 ] ||
    fail "only squeezenet concatenates"
[ "$(query "SELECT value FROM v_training, json_each(recipe) WHERE key = 'batch' LIMIT 1")" = 16 ] ||
    fail "the recipe says $(query 'SELECT recipe FROM v_training')"

# The view shows the last measurement, the table keeps all.
expect 0 bench --model lenet5 --batch 16 --record --db "$db" --json
field() { sqlite3 :memory: "SELECT json_extract(readfile('$folder/out'), '\$[0].$1')"; }
[ "$(field model) $(field rounds)" = "lenet5 7" ] || fail "JSON: $out"
[[ $(field share) == *.* && $(field step_parts_ms.reorders) == *.* ]] || fail "JSON without times: $out"
[ "$(query "SELECT (SELECT count(*) FROM v_training) || ' ' || count(*) FROM training")" = "2 3" ] ||
    fail "not the last of each network"
[ "$failures" -eq 0 ]
