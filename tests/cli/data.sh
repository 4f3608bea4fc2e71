#!/bin/bash
# condense data, weights and import: what is listed and what is refused.
. tests/shell.sh
home=$folder/home
mkdir "$home" && cp -r experiments "$home/" # its own data folder: nothing of the project is touched
export CONDENSE_HOME=$home
unset CONDENSE_DATA
expect 0 "$CONDENSE" data
for name in fashion-mnist mnist cifar10 imagenet; do
    case $out in *"$name"*) ;; *) fail "$name is not listed" ;; esac
done
expect 2 "$CONDENSE" data no-such-set
expect 1 "$CONDENSE" data cifar10
case $err in *"make data DATASET=cifar10"*) ;; *) fail "no advice: $err" ;; esac
expect 2 "$CONDENSE" import --weights x
mkdir -p "$home/data/mnist"
echo damaged >"$home/data/mnist/train-images-idx3-ubyte"
expect 1 "$CONDENSE" data mnist
case $err in *train-images-idx3-ubyte*bytes*) ;; *) fail "damage is not named: $err" ;; esac
expect 0 "$CONDENSE" weights
expect 1 "$CONDENSE" weights no-such-model
printf '\3757zXZ\0 and more' >"$folder/x.xz"
expect 1 "$CONDENSE" import --model resnet18 --weights "$folder/x.xz" \
    --map experiments/maps/torchvision-resnet.json
case $err in *"xz -d"*) ;; *) fail "xz is not named: $err" ;; esac

[ "$failures" -eq 0 ]
