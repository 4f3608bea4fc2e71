#!/bin/sh
# Installs what docker/packages.txt lists and this machine lacks.
#   docker/setup.sh build        what building and running needs
#   docker/setup.sh test         the tests' packages besides
#   docker/setup.sh list KIND    print the packages, one a line (for the images)
set -eu
list=$(dirname "$0")/packages.txt
kind=${1:-build}
packages()
{
    awk -v kind="$1" -v arch="$(dpkg --print-architecture 2>/dev/null || echo amd64)" \
        '($1 == "build" || $1 == kind) && (NF == 2 || $3 == arch) { print $2 }' "$list"
}

if [ "$kind" = list ]; then
    packages "${2:-build}"
    exit 0
fi
command -v dpkg-query >/dev/null 2>&1 || {
    echo "setup: this is not a Debian system; install the equivalents of:" $(packages "$kind") >&2
    exit 1
}
missing=
for package in $(packages "$kind"); do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

install="apt-get update && apt-get install -y --no-install-recommends$missing"
echo "setup: installing$missing" >&2
if [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    sudo DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
else
    echo "setup: these packages are missing and this user cannot install them. As root, run:" >&2
    echo "  $install" >&2
    exit 1
fi
