#!/bin/bash
# Every command explains itself and refuses what it does not know, with the right exit status.
. tests/shell.sh

root=$PWD
export CONDENSE_HOME=$root
cd "$folder" || exit 1

expect 0 "$CONDENSE" --help
commands=$(echo "$out" | awk '/^commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')
[ "$(echo "$commands" | wc -l)" -gt 5 ] || fail "the help lists too few commands: $commands"
expect 2 "$CONDENSE"
expect 2 "$CONDENSE" no-such-command
case $err in *no-such-command*) ;; *) fail "the message does not name the command: $err" ;; esac

for command in $commands; do
    expect 0 "$CONDENSE" "$command" --help
    case $out in "usage: condense $command"*) ;; *) fail "$command --help has no usage line" ;; esac
    expect 2 "$CONDENSE" "$command" --no-such-option
    case $err in *--no-such-option*) ;; *) fail "$command does not name the option: $err" ;; esac
    [ -z "$out" ] || fail "$command --no-such-option printed to stdout"
done
[ -z "$(ls -A | grep -vx -e out -e err)" ] || fail "a refused command left files: $(ls -A)"
[ "$failures" -eq 0 ]
