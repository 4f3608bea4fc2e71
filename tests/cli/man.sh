#!/bin/bash
# The manual page is the one that the program's --help makes, and is valid roff.
. tests/shell.sh

page=$folder/condense.1
docs/man.sh "$CONDENSE" >"$page" || fail "docs/man.sh ended with $?"
cmp -s "$page" docs/condense.1 ||
    fail "docs/condense.1 is not what the program's --help says: 'make man' makes it again"
if command -v groff >/dev/null; then
    complaints=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
    [ -z "$complaints" ] || fail "groff: $complaints"
fi
[ "$failures" -eq 0 ]
