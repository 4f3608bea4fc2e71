#!/bin/sh
# Installs the reference engines of experiments/baselines.txt that are not there yet into
# baselines/NAME of the data folder ($CONDENSE_DATA, else data). Their licences lie beside them.
set -eu
cd "$(dirname "$0")/.."
folder=${CONDENSE_DATA:-data}/baselines
list=experiments/baselines.txt
case $(uname -m) in
    x86_64) platforms="--platform manylinux_2_28_x86_64" ;;
    aarch64) platforms="--platform manylinux_2_28_aarch64 --platform manylinux_2_35_aarch64" ;;
    *) echo "baselines: there are none for $(uname -m)" >&2; exit 1 ;;
esac
mkdir -p "$folder"

# NAME VERSION: fetched, checked against its hash, unpacked beside its place and renamed.
install()
{
    new=$(mktemp -d "$folder/$1.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    python3 -m pip --version >/dev/null 2>&1 || docker/setup.sh baselines
    sed -n "/^$1==/,/[^\\\\]\$/p" "$list" >"$new/requirements.txt"
    echo "baselines: fetching $1 $2" >&2
    # shellcheck disable=SC2086
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 $platforms \
        --dest "$new" --requirement "$new/requirements.txt" >&2
    python3 -m zipfile -e "$new"/*.whl "$new/wheel"
    mv "$new/wheel/$1-$2.dist-info" "$new/wheel/$1/dist-info"
    echo "$2" >"$new/wheel/$1/VERSION"
    rm -rf "${folder:?}/$1"
    mv "$new/wheel/$1" "$folder/$1"
    rm -rf "$new"
    trap - EXIT
}

sed -n 's/^\([a-z]*\)==\([0-9.]*\).*/\1 \2/p' "$list" | while read -r name version; do
    [ "$(cat "$folder/$name/VERSION" 2>/dev/null)" = "$version" ] || install "$name" "$version"
    echo "$folder/$name ($version)"
done
