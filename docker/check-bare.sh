#!/bin/sh
# Proves the two commands of the README in a bare Debian 12 root: make experiment, make test, each
# twice (the second must not set anything up). Needs root, debootstrap and about 3 GB.
#   docker/check-bare.sh [FOLDER]     FOLDER is kept when the check fails
set -eu
[ "$(id -u)" = 0 ] || { echo "check-bare: needs root, for debootstrap and chroot" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "check-bare: apt-get install debootstrap" >&2; exit 1; }
source=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-$(mktemp -d)}/root
mkdir -p "$root"
# A mount that something still holds is let go of lazily, so that the folder can be removed.
cleanup()
{
    for m in dev/pts dev proc sys; do
        umount "$root/$m" 2>/dev/null || umount -l "$root/$m" 2>/dev/null || true
    done
}
trap cleanup EXIT INT TERM

# DEBIAN_MIRROR: for machines that reach Debian through a mirror; empty is debootstrap's own choice.
debootstrap --variant=minbase --include=make,git,ca-certificates bookworm "$root" ${DEBIAN_MIRROR:-}
[ ! -f /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
for m in proc sys dev dev/pts; do mount --bind "/$m" "$root/$m"; done
git clone --quiet --no-hardlinks "$source" "$root/root/condense"

inside() { chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c "cd /root/condense && $*"; }
for target in experiment test; do
    echo "check-bare: make $target" >&2
    inside "make $target"
    echo "check-bare: make $target, again" >&2
    inside "make $target" 2>&1 | tee "$root/second.log"
    if grep -q '^setup: installing' "$root/second.log"; then
        echo "check-bare: the second make $target set the machine up again" >&2
        exit 1
    fi
done
inside "sqlite3 results/study.db 'select model, scale, verdict, top1 from v_cell join v_accuracy using (cell)'"
cleanup
trap - EXIT INT TERM
rm -rf --one-file-system "$root"
echo "check-bare: passed" >&2
