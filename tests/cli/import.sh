#!/bin/bash
# Trained weights that are at hand under CONDENSE_DATA import, each by its map.
. tests/shell.sh
home=$folder/home
mkdir "$home" && cp -r experiments "$home/" # its own data folder: nothing of the project is touched
export CONDENSE_HOME=$home
brought=${CONDENSE_DATA:-}
ls "$brought"/weights/*.safetensors.xz >/dev/null 2>&1 || {
    echo "no trained weights under CONDENSE_DATA to import"
    exit 77
}
# The weights alone, in a folder without a write bit: what is imported goes to the project's own.
mkdir "$folder/data" && ln -s "$(realpath "$brought")/weights" "$folder/data/weights"
chmod a-w "$folder/data"
export CONDENSE_DATA=$folder/data

expect 0 "$CONDENSE" weights --import
written=$(ls "$home"/data/weights/*-imagenet.safetensors | sort)
[ "$(echo "$out" | sort)" = "$written" ] || fail "printed $out, wrote $written"
[ "$(echo "$written" | wc -l)" -ge "$(ls "$CONDENSE_DATA"/weights/*.xz | wc -l)" ] ||
    fail "not all of the weights at hand were imported: $written"
[ "$failures" -eq 0 ]
