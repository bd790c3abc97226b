# Runs one program at the word of a test, and ends it when the test is gone, however the test ended: then stdin closes.
# usage: sh supervise.sh FOLDER LOG LAST_SIGNAL PROGRAM [ARGUMENT…]
# words on stdin: "start", or the name of a signal that ends the program. On stdout: "started PID", "ended", and what
# the program writes there; its stderr is added to LOG. At the end FOLDER is removed.
folder=$1 log=$2 last=$3
shift 3
# A Ctrl-C is for the test; we still have to clean up after it.
trap '' INT TERM HUP
program=
end() {
    [ -n "$program" ] || return 0
    # With all that it has started: it leads a group, but for a moment after its start.
    kill -s "$1" -- "-$program" 2>/dev/null || kill -s "$1" "$program" 2>/dev/null
    wait "$program" 2>/dev/null
    program=
}
while read -r word; do
    if [ "$word" = start ]; then
        (trap - INT TERM HUP && exec setsid "$@") 2>>"$log" </dev/null &
        program=$!
        echo "started $program"
    else
        end "$word"
        echo ended
    fi
done
end "$last"
rm -rf -- "$folder"
