# What the runs of desktop, terminal and real share: programs, processes, waiting, stories, a desktop, a terminal.
#
# To be sourced. Each story runs in a subshell with a throw-away directory of its own. What it begins is ended by
# process id, whatever happens; nothing of the caller's session, home or bus is seen or touched.
# shellcheck shell=bash

set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
built=${CARGO_TARGET_DIR:-$(dirname "$tests")/target}/debug
rosterd=${ROSTERD:-$built/rosterd}
roster=${ROSTER:-$built/roster}
sandbox=${ROSTER_SANDBOX:-$built/roster-sandbox}
# shellcheck disable=SC2034
demo=${ROSTER_DEMO:-$built/roster-demo}

# The least a slow machine needs; what is quick is not kept waiting.
timeout_s=${TIMEOUT_S:-60}

# need TOOL…: ends with 2 when one is missing.
need() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || { echo "$tool is missing; ${install_hint:-install it first}" >&2; exit 2; }
    done
}

### Stories

passed=0 failed=0 story_pid=
# The story's throw-away directory, and the socket of its terminal.
work='' terminal_socket=''

# On a signal the run ends its story first.
stop_run() {
    trap - INT TERM
    if [[ -n $story_pid ]]; then
        kill -TERM "$story_pid" 2>/dev/null || true
        wait "$story_pid" 2>/dev/null || true
    fi
    exit 130
}

# story TITLE FUNCTION [ARGUMENT…]
story() {
    local title=$1 begun=$SECONDS
    shift
    trap stop_run INT TERM
    (tell_story "$@") &
    story_pid=$!
    if wait "$story_pid"; then
        passed=$((passed + 1))
        echo "ok    $title ($((SECONDS - begun)) s)"
    else
        failed=$((failed + 1))
        echo "FAIL  $title ($((SECONDS - begun)) s)"
    fi
    story_pid=
}

tell_story() {
    trap - INT
    trap 'exit 143' TERM
    trap 'leave $?' EXIT
    # Sockets have short paths at most.
    work=$(mktemp -d /tmp/roster-story-XXXXXX)
    "$@"
}

# The closing line, and the exit code.
conclude() {
    echo "$passed passed, $failed failed"
    ((failed == 0 && passed > 0))
}

fail() {
    echo "      $*" >&2
    exit 1
}

# same WHAT EXPECTED FOUND
same() {
    [[ $2 == "$3" ]] || fail "$1: expected «$2», found «$3»"
}

# The end of a story: processes, logs when it failed, the directory.
leave() {
    local status=$1 index log
    trap - EXIT TERM
    set +e
    for ((index = ${#begun_names[@]} - 1; index >= 0; index--)); do
        end "${begun_names[index]}"
    done
    [[ -z $terminal_socket ]] || tmux -S "$terminal_socket" kill-server 2>/dev/null
    if ((status != 0 && status != 143)) && [[ -n $work ]]; then
        for log in "$work"/*.err "$work"/*.out; do
            [[ -s $log ]] && { echo "      --- ${log##*/}"; tail -n 12 "$log" | sed 's/^/      /'; } >&2
        done
    fi
    [[ -z $work ]] || rm -rf "$work"
    exit "$status"
}

### Processes

declare -A pid_of=()
begun_names=()

# begin NAME PROGRAM…: in the background; its output is written to NAME.out and NAME.err.
begin() {
    local name=$1
    shift
    "$@" </dev/null >>"$work/$name.out" 2>>"$work/$name.err" &
    pid_of[$name]=$!
    begun_names+=("$name")
}

lives() {
    [[ -n ${pid_of[$1]:-} ]] && kill -0 "${pid_of[$1]}" 2>/dev/null
}

# end NAME [SIGNAL]: gives the exit status in $ended.
# shellcheck disable=SC2034
end() {
    local name=$1 signal=${2:-TERM} pid=${pid_of[$1]:-} limit=$((SECONDS + 10))
    ended=0
    [[ -n $pid ]] || return 0
    unset "pid_of[$name]"
    kill -s "$signal" "$pid" 2>/dev/null || true
    # One that was stopped hears nothing else.
    kill -s CONT "$pid" 2>/dev/null || true
    # The shell would report one that was killed.
    {
        while kill -0 "$pid"; do
            ((SECONDS < limit)) || kill -s KILL "$pid" || true
            sleep 0.05
        done
        wait "$pid" || ended=$?
    } 2>/dev/null
}

# until_so SECONDS WHAT COMMAND…: looks until the command succeeds.
until_so() {
    local limit=$((SECONDS + $1)) seconds=$1 what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < limit)) || fail "$what: not within $seconds s"
        sleep 0.05
    done
}

# lines FILE PATTERN: how many there are.
lines() {
    grep -c -e "$2" "$1" 2>/dev/null || true
}

### The programs

# make_user [VARIABLE=…]: a user's session of its own. "${user[@]}" PROGRAM… runs there.
# shellcheck disable=SC2120
make_user() {
    mkdir -p "$work/home" "$work/tmp" "$work/run" "$work/etc/roster" "$work/data"
    chmod 700 "$work/run"
    user=(env -i "PATH=$PATH" "HOME=$work/home" "TMPDIR=$work/tmp" LANG=C.UTF-8 TERM=screen-256color
        "XDG_CONFIG_HOME=$work/etc" "XDG_DATA_HOME=$work/data" "XDG_RUNTIME_DIR=$work/run" "$@")
}

# begin_sandbox: its URL in $world.
begin_sandbox() {
    begin sandbox "$sandbox" --listen 127.0.0.1:0 --accounts 12
    until_so 20 "the sandbox prints its URL" grep -q 'listens on' "$work/sandbox.out"
    world=$(sed -n '1s/.* //p' "$work/sandbox.out")
}

# configure TEXT: the daemon's config; without HTTP.
configure() {
    printf '[http]\nlisten = "off"\n%s\n' "$1" >"$work/etc/roster/rosterd.toml"
}

begin_rosterd() {
    begin rosterd "${user[@]}" "$rosterd" run
    until_so 20 "rosterd responds" run_roster status
}

# run_roster ARGUMENT…: `roster` with these.
run_roster() {
    "${user[@]}" "$roster" "$@"
}

# json_of EXPRESSION ARGUMENT…: the Python expression over `it`, the output of `roster … --json`.
json_of() {
    local expression=$1
    shift
    run_roster "$@" --json | json "$expression"
}

# json EXPRESSION: what Python makes of the document `it` on stdin.
json() {
    python3 -c 'import json, sys
it = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}

# followers PLATFORM HANDLE NUMBER: makes or changes an account of the sandbox.
followers() {
    curl -sSf -X PUT -H 'content-type: application/json' --data "{\"followers\":$3}" \
        -o /dev/null "$world/_sandbox/accounts/$1/$2"
}

### A desktop

# begin_bus PATH: a bus that starts no services on demand.
begin_bus() {
    cat >"$work/bus.conf" <<CONFIG
<busconfig>
  <type>session</type>
  <listen>unix:path=$1</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow eavesdrop="true"/><allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/></policy>
</busconfig>
CONFIG
    begin bus dbus-daemon --nofork --nopidfile --config-file="$work/bus.conf"
    until_so 20 "the bus is there" test -S "$1"
}

# begin_display: an invisible screen; its name in $display.
begin_display() {
    begin xvfb Xvfb -displayfd 1 -screen 0 800x600x24 -nolisten tcp
    until_so 30 "the display is there" grep -q '^[0-9]' "$work/xvfb.out"
    display=:$(cat "$work/xvfb.out")
}

# begin_dunst BUS_PATH: shows popups on $display. Each popup is a line of popups.log, and dunst.out holds it as drawn.
begin_dunst() {
    cat >"$work/log-popup" <<'SCRIPT'
#!/bin/sh
printf '%s|%s|%s|%s|%s\n' "$1" "$2" "$3" "$5" "$4" >>"${0%/*}/popups.log"
SCRIPT
    chmod +x "$work/log-popup"
    cat >"$work/dunstrc" <<CONFIG
[global]
    markup = full
    format = "%s\n%b"
    font = Monospace 10
    stack_duplicates = false
[urgency_normal]
    timeout = 0
[log]
    summary = "*"
    script = $work/log-popup
CONFIG
    begin dunst "${user[@]}" "DISPLAY=$display" "DBUS_SESSION_BUS_ADDRESS=unix:path=$1" dunst -print -conf "$work/dunstrc"
    until_so 30 "dunst serves" "${user[@]}" "DBUS_SESSION_BUS_ADDRESS=unix:path=$1" dbus-send --session --print-reply \
        --dest=org.freedesktop.Notifications /org/freedesktop/Notifications org.freedesktop.Notifications.GetServerInformation
}

# begin_desktop: all three; the bus is $work/bus.
begin_desktop() {
    begin_display
    begin_bus "$work/bus"
    begin_dunst "$work/bus"
}

# on_the_desktop: how many popups are there now.
on_the_desktop() {
    "${user[@]}" "DBUS_SESSION_BUS_ADDRESS=unix:path=$work/bus" dunstctl count displayed
}

on_the_desktop_are() {
    [[ $(on_the_desktop) == "$1" ]]
}

# press_button: the one of the newest popup.
press_button() {
    "${user[@]}" "DBUS_SESSION_BUS_ADDRESS=unix:path=$work/bus" dunstctl action 0
}

# popups PATTERN: how many were shown.
popups() {
    lines "$work/popups.log" "$1"
}

popups_are() {
    [[ $(popups .) -ge $1 ]]
}

### A terminal

# begin_terminal WIDTH HEIGHT PROGRAM…
begin_terminal() {
    local width=$1 height=$2
    shift 2
    terminal_socket=$work/tmux
    "${user[@]}" tmux -S "$terminal_socket" -f /dev/null new-session -d -x "$width" -y "$height" "$@"
    until_so 20 "the terminal is there" tmux -S "$terminal_socket" has-session
}

# A terminal with a shell, so that one sees what a program leaves behind.
begin_shell() {
    begin_terminal "$1" "$2" env 'PS1=shell> ' sh
    until_so 20 "the shell prompts" shows 'shell>'
}

keys() {
    tmux -S "$terminal_socket" send-keys "$@"
}

typed() {
    tmux -S "$terminal_socket" send-keys -l -- "$1"
}

screen() {
    tmux -S "$terminal_socket" capture-pane -p
}

terminal_says() {
    tmux -S "$terminal_socket" display-message -p "$1"
}

# shows EXTENDED_PATTERN
shows() {
    screen | grep -qE -e "$1"
}

shows_not() {
    ! shows "$1"
}

# see WHAT PATTERN: waits until the screen shows it; a failure prints the screen.
see() {
    local limit=$((SECONDS + timeout_s))
    until shows "$2"; do
        if ((SECONDS >= limit)); then
            screen | sed 's/^/      | /' >&2
            fail "$1: the screen does not show /$2/"
        fi
        sleep 0.05
    done
}

# The process in the foreground of the terminal's shell.
in_front() {
    pgrep -P "$(terminal_says '#{pane_pid}')"
}

nothing_in_front() {
    ! in_front
}

# The terminal is as it was: the shell's screen, lines edited and echoed, the cursor seen.
terminal_is_restored() {
    see "the shell is back" 'shell> *$'
    same "the alternate screen" 0 "$(terminal_says '#{alternate_on}')"
    same "the cursor" 1 "$(terminal_says '#{cursor_flag}')"
    keys 'clear; stty -a' Enter
    see "stty responds" 'speed [0-9]+ baud'
    see "letters are echoed" '(^|[ ;])echo([ ;]|$)'
    see "lines are edited" '(^|[ ;])icanon([ ;]|$)'
    see "the shell prompts again" 'shell> *$'
}
