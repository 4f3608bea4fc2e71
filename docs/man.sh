#!/bin/bash
# Prints the manual page of the program given ("docs/man.sh build/obj/condense"), made from its own
# --help, so that the two cannot disagree. 'make man' writes docs/condense.1 with it.
set -eu
program=$1

# Text of --help on standard input to roff: two or more spaces before a line mean "as it stands".
to_roff()
{
    awk '
    function roff(text) {
        gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text)
        if (text ~ /^[.'\'']/) text = "\\&" text
        return text
    }
    function verbatim(on) {
        if (on != shown) print on ? ".PP\n.RS 4\n.nf" : ".fi\n.RE"
        shown = on
    }
    /^usage: / { sub(/^usage: /, ""); print ".B " roff($0); next }
    /^options:$/ { verbatim(0); options = 1; next }
    options && /^  / {
        match($0, /^  [^ ]+( [^ ]+)?  +/)
        if (RLENGTH > 0) {
            name = substr($0, 3, RLENGTH - 2); sub(/ +$/, "", name)
            print ".TP\n.B " roff(name) "\n" roff(substr($0, RLENGTH + 1))
        } else {
            sub(/^ +/, ""); print roff($0)
        }
        next
    }
    /^  / { verbatim(1); sub(/^  /, ""); print roff($0); next }
    /^$/ { verbatim(0); blank = 1; next }
    { verbatim(0); if (blank) print ".PP"; blank = 0; print roff($0) }
    END { verbatim(0) }'
}

version=$("$program" version | awk 'NR == 1 { print $2 }')
commands=$("$program" --help | awk '/^commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')
cat <<EOF
.\" Made by docs/man.sh from the program's own --help; 'make man' makes it again.
.TH CONDENSE 1 "" "condense $version" "User Commands"
.SH NAME
condense \- a reproducible study of deep\-network compression
.SH SYNOPSIS
.B condense
.I COMMAND
.RI [ OPTIONS ]
.SH DESCRIPTION
Condense takes trained image networks, runs them with its own engine, and measures latency, accuracy,
size and energy of every combination of network, variant, back end and device.
Every result is a row in one SQLite database; figures and the paper are queries over it.
.SH COMMANDS
EOF
for command in $commands; do
    printf '.SS condense %s\n' "$command"
    "$program" "$command" --help | to_roff
done
cat <<'EOF'
.SH EXIT STATUS
.TP
0
done
.TP
1
failed work; the message says what, where and what to do
.TP
2
usage
.TP
3
inconclusive: the machine was noisy or throttled
.SH ENVIRONMENT
.TP
.B CONDENSE_HOME
folder of the project; else the nearest one at or above the working directory that holds experiments/models
.TP
.B CONDENSE_DATA
folder of data sets and downloaded weights; else data under the project's folder
.TP
.B CONDENSE_ONNXRUNTIME
path of ONNX Runtime's shared library; else baselines/onnxruntime in the data folders
.TP
.B CONDENSE_OPENVINO
path of OpenVINO's C library; else baselines/openvino in the data folders
.TP
.B CONDENSE_WISDOM
what tuning found; else condense/wisdom in $XDG_CACHE_HOME or ~/.cache
.TP
.B NO_COLOR
no colours
.SH FILES
.TP
.I results/study.db
the database of your own runs
.TP
.I experiments/
networks, data sets, devices, recipes and studies, as data
.SH SEE ALSO
.BR sqlite3 (1),
.BR gnuplot (1),
and the project's docs folder
EOF
