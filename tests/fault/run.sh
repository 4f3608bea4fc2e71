#!/bin/bash
# Kills, signals, a locked database and a full disk: a run's words and what stays.
# (tests/unit/test_store.c tries every write; this is the whole program.)
. tests/shell.sh
db=$folder/study.db
run() { "$CONDENSE" run --model lenet5 --batch 1,2 --weights random --min-time 0.02 --max-time 1 \
    --energy none --db "$db" "$@" >"$folder/out" 2>"$folder/err"; }
query() { sqlite3 "$db" "$1"; }

# How many writes a run makes depends on how many blocks the machine needs; the last kill is the
# last power of three that it reaches.
kills=0
for ((n = 1; ; n *= 3)); do
    rm -f "$db"*
    CONDENSE_CRASH_AT=$n run 2>/dev/null
    [ $? -eq 137 ] || break
    kills=$((kills + 1))
    cells=$(query "select count(*) from cell")
    [ "$(query "select count(*) from attempt join latency on attempt = id join size using (attempt)")" = "$cells" ] ||
        fail "a cell is half there after a kill at write $n"
    [ "$(query "pragma integrity_check")" = ok ] || fail "damaged after a kill at write $n"
    run --resume
    [ $? -ne 1 ] || fail "resume after write $n: $(cat "$folder/err")"
    [ "$(query "select count(*) from v_cell")" = 2 ] || fail "not completed after write $n"
done
[ "$(query "select count(*) from v_cell")" = 2 ] || fail "the run that was not killed is not whole"
[ $kills -ge 5 ] || fail "only $kills kills: too few writes to learn from"

# A signal ends the run after the block, with the database closed.
rm -f "$db"*
"$CONDENSE" run --model lenet5 --weights random --min-time 60 --max-time 60 --energy none \
    --db "$db" >/dev/null 2>"$folder/err" &
child=$!
for _ in $(seq 100); do [ -e "$db" ] && [ "$(query 'select count(*) from claim' 2>/dev/null)" -gt 0 ] && break; sleep 0.1; done
run --model lenet5
[ $? -eq 1 ] && grep -q "process $child" "$folder/err" || fail "the lock's holder is not named: $(cat "$folder/err")"
sleep 1
kill -INT $child
wait $child
[ $? -eq 130 ] || fail "SIGINT: $(cat "$folder/err")"
[ ! -e "$db-wal" ] || fail "the database was not closed"

# A full disk, by a limit on the size of files.
rm -f "$db"*
(ulimit -f 100; run; exit $?)
[ $? -eq 1 ] && grep -q "is the disk full" "$folder/err" || fail "full disk: $(cat "$folder/err")"
run --resume
[ "$(query "select count(*) from v_cell")" = 2 ] || fail "not completed after a full disk"
[ "$failures" -eq 0 ]
