#!/bin/bash
# The committed weights are what their logs say: made by the recipe that 'make train' would use
# again, and as accurate on a part of the test set as the whole of it was, within sampling error.
. tests/shell.sh

IMAGES=500
db=$folder/study.db
for log in experiments/weights/*.csv; do
    name=$(basename "$log" .csv)
    model=${name%-fashion}
    [ -s "experiments/weights/$name.safetensors" ] || fail "$log has no weights beside it"
    sed -n 's/^# recipe: //p' "$log" >"$folder/recipe.json"
    differing=$(sqlite3 :memory: "
        WITH file(j) AS (SELECT readfile('experiments/recipes.json')),
             now(j) AS (SELECT json_patch(json_extract(j, '\$.default'),
                        coalesce(json_extract(j, '\$.\"$name\"'), '{}')) FROM file),
             logged(j) AS (SELECT readfile('$folder/recipe.json'))
        SELECT group_concat(a.key) FROM now, json_each(now.j) a
        LEFT JOIN (SELECT b.key, b.value FROM logged, json_each(logged.j) b) l USING (key)
        WHERE l.value IS NOT a.value")
    [ -z "$differing" ] || fail "$name was trained with another $differing than its recipe has now"
    models=${models:+$models,}$model
done

if [ ! -e /usr/share/datasets/fashion-mnist ] && [ ! -e "${CONDENSE_DATA:-data}/fashion-mnist" ]; then
    echo "Fashion-MNIST is not here ('make data DATASET=fashion-mnist')"
    [ "$failures" -eq 0 ] && exit 77
fi
"$CONDENSE" run --model "$models" --scale fashion --images $IMAGES --min-time 0.01 --max-time 0.5 \
    --energy none --db "$db" >"$folder/out" 2>"$folder/err"
status=$?
[ $status -eq 0 ] || [ $status -eq 3 ] || fail "run ended with $status: $(cat "$folder/err")"
for log in experiments/weights/*.csv; do
    model=$(basename "$log" -fashion.csv)
    logged=$(tail -1 "$log" | cut -d, -f5)
    # Three standard deviations of a share among so many pictures, and the rounding of one picture.
    agrees=$(sqlite3 "$db" "SELECT abs(top1 - $logged) <
        3 * sqrt($logged * (1 - $logged) / $IMAGES) + 1.0 / $IMAGES
        FROM v_cell JOIN v_accuracy USING (cell) WHERE model = '$model'")
    [ "$agrees" = 1 ] || fail "$model: the log says $logged, $IMAGES pictures say otherwise: $(
        sqlite3 "$db" "SELECT top1 FROM v_cell JOIN v_accuracy USING (cell) WHERE model = '$model'")"
done
[ "$failures" -eq 0 ]
