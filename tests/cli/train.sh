#!/bin/bash
# condense train: refusals that help, an interrupt that leaves a checkpoint and nothing else, and a
# checkpoint that another recipe may not use.
. tests/shell.sh

# refuses STATUS PART ARGUMENTS...: the status, and the message holds PART.
refuses()
{
    local want=$1 part=$2 message got
    shift 2
    message=$("$CONDENSE" train "$@" --output "$folder/w.safetensors" 2>&1 </dev/null)
    got=$?
    [ "$got" -eq "$want" ] || fail "train $* ended with $got, not $want: $message"
    case $message in *"$part"*) ;; *) fail "train $*: '$message' does not say '$part'" ;; esac
}

refuses 2 "--model is missing"
refuses 2 "no recipe" --model lenet5 --recipe none
refuses 2 "sgd, adam" --model lenet5 --optimizer best
refuses 2 "--epochs" --model lenet5 --epochs 0
refuses 2 "--lr" --model lenet5 --lr none
[ -z "$(ls "$folder")" ] || fail "a refused command left files"

if [ ! -e /usr/share/datasets/fashion-mnist ] && [ ! -e "${CONDENSE_DATA:-data}/fashion-mnist" ]; then
    echo "Fashion-MNIST is not here ('make data DATASET=fashion-mnist')"
    [ "$failures" -eq 0 ] && exit 77
fi

"$CONDENSE" train --model lenet5 --output "$folder/w.safetensors" 2>"$folder/message" &
child=$!
for _ in $(seq 300); do # until training has begun
    [ -e "$folder/w.csv" ] && break
    kill -0 $child 2>/dev/null || break
    sleep 0.1
done
kill -INT $child
for _ in $(seq 600); do # until it has ended; it has a minute
    kill -0 $child 2>/dev/null || break
    sleep 0.1
done
kill -KILL $child 2>/dev/null
wait $child
status=$?
[ $status -eq 130 ] || fail "an interrupted run ended with $status: $(cat "$folder/message")"
grep -q "resume goes on" "$folder/message" || fail "it said '$(cat "$folder/message")'"
[ -e "$folder/w.checkpoint.tmp" ] || fail "there is no checkpoint"
[ ! -e "$folder/w.safetensors" ] || fail "there are weights of an unfinished run"
refuses 2 "another recipe" --model lenet5 --resume --lr 0.5
[ "$failures" -eq 0 ]
