#!/bin/bash
# condense models and condense show: the catalogue in full, machine-readable, and refusals that help.
. tests/shell.sh

# says PART: the message holds it.
says() { case $err in *"$1"*) ;; *) fail "the message '$err' does not say '$1'" ;; esac; }

# sql JSON QUERY: queries the JSON text as the table expression json_each(:j).
sql() { printf '.parameter init\n.parameter set :j %s\n%s;\n' "readfile('$1')" "$2" | sqlite3; }

expect 0 "$CONDENSE" models
rows=$(echo "$out" | tail -n +2 | wc -l)
texts=$(ls experiments/models/*.lr | wc -l)
[ "$rows" -eq "$texts" ] || fail "$rows models are listed and there are $texts texts"
for scale in imagenet fashion; do
    expect 0 "$CONDENSE" models --scale $scale --json
    echo "$out" >"$folder/models.json"
    [ "$(sql "$folder/models.json" "select count(*) from json_each(:j) where value ->> 'scale' = '$scale'")" \
        -eq "$texts" ] || fail "not every model has the scale $scale"
done

expect 0 "$CONDENSE" show resnet18 --json
echo "$out" >"$folder/show.json"
sums=$(sql "$folder/show.json" "select sum(l.value ->> 'parameters') = (:j ->> 'parameters'),
    sum(l.value ->> 'macs') = (:j ->> 'macs') from json_each(:j, '\$.layers') l")
[ "$sums" = "1|1" ] || fail "the layers' counts do not add up to the totals: $sums"

# What --canonical writes is a model text of the same network.
expect 0 "$CONDENSE" show squeezenet_v1.1 --scale fashion --canonical
echo "$out" >"$folder/written.lr"
expect 0 "$CONDENSE" show "$folder/written.lr" --canonical
[ "$out" = "$(cat "$folder/written.lr")" ] || fail "the canonical text is not read back as itself"

expect 2 "$CONDENSE" show resnet5O
says "did you mean 'resnet50'?"
expect 2 "$CONDENSE" show nothing-like-it
says "condense models"
expect 2 "$CONDENSE" show ../models/lenet5
expect 2 "$CONDENSE" show resnet18 --scale imagnet
says "there are: imagenet, fashion"
expect 2 "$CONDENSE" show
expect 1 "$CONDENSE" show "$folder/none.lr"
printf 'model m\nscale s(dataset="d")\ninput(3, 8, 8)\nrelo\n' >"$folder/bad.lr"
expect 1 "$CONDENSE" show "$folder/bad.lr"
says "$folder/bad.lr:4:1: there is no operator or block 'relo'; did you mean 'relu'?"
expect 1 "$CONDENSE" show "$folder/show.json.lr"
[ "$failures" -eq 0 ]
