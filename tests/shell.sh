# What the shell tests share: they source this from the project's root, with CONDENSE the program.
# A test ends with [ "$failures" -eq 0 ], or with exit 77 and the reason to be skipped.
set -u
failures=0
fail() { echo "FAIL $*"; failures=$((failures + 1)); }

# A folder of the test's own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# expect STATUS COMMAND...: runs it; what it printed is left in $out and $err and in the files
# "out" and "err" of the folder.
expect()
{
    local want=$1 got
    shift
    "$@" >"$folder/out" 2>"$folder/err" </dev/null
    got=$?
    out=$(cat "$folder/out") err=$(cat "$folder/err")
    [ "$got" -eq "$want" ] || fail "$* ended with $got, not $want: $err"
}
