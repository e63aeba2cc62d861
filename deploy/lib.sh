# shellcheck shell=bash
# Functions that the scripts of deploy/ share; sourced, never run. The directory DIR of a server contains its pid in a
# file, so that a server is never stopped by the name of its process.

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "$0" "$*" >&2
    exit 1
}

# need COMMAND...: ends the script with what to install if one is missing.
need() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || die "$command is not installed; deploy/install-packages build run installs everything that is needed"
    done
}

# posthorn_cache: the directory in which downloads are kept between runs; empty if there is none.
posthorn_cache() {
    local base=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    if [ -n "$base" ] && mkdir -p "$base/posthorn" 2>/dev/null && [ -w "$base/posthorn" ]; then
        printf '%s\n' "$base/posthorn"
    fi
}

# is_alive PID_FILE WORD: whether the process of that file is running, and is the one that was started. After a restart of
# the machine, the pid may belong to another process, so the command line must contain WORD.
is_alive() {
    local pid
    pid=$(head -n 1 "$1" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    { tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$2"; } 2>/dev/null
}

# stop_process PID_FILE WORD SECONDS: sends SIGTERM, and SIGKILL if the process has not ended in time.
stop_process() {
    local pid_file=$1 word=$2 seconds=$3 pid end
    if is_alive "$pid_file" "$word"; then
        pid=$(head -n 1 "$pid_file")
        kill -CONT "$pid" 2>/dev/null || true
        kill -TERM "$pid" 2>/dev/null || true
        end=$((SECONDS + seconds))
        while is_alive "$pid_file" "$word"; do
            if [ "$SECONDS" -ge "$end" ]; then
                say "process $pid did not end within $seconds s, killing it" >&2
                kill -KILL "$pid" 2>/dev/null || true
                end=$((SECONDS + seconds))
            fi
            sleep 0.1
        done
    fi
    rm -f "$pid_file"
}

# port_is_taken PORT: whether a program listens on it.
port_is_taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# demand_port PORT: ends the script if another program listens on it. A server that was just killed may still be closing it.
demand_port() {
    wait_for 5 port_is_free "$1" || die "port $1 is used by another program; choose a free one (deploy/free-port)"
}
port_is_free() { ! port_is_taken "$1"; }

# wait_for SECONDS COMMAND...: repeats the command until it succeeds; fails after this time.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# npm_install DIR: installs the packages of DIR/package-lock.json in DIR/node_modules, unless they are installed. npm keeps
# its downloads with the other downloads.
npm_install() {
    local wanted cache
    wanted=$(sha256sum "$1/package-lock.json")
    [ "$wanted" != "$(cat "$1/node_modules/.posthorn" 2>/dev/null)" ] || return 0
    cache=$(posthorn_cache)
    (
        [ -z "$cache" ] || export npm_config_cache=$cache/npm
        cd "$1" && npm ci --no-audit --no-fund
    ) || return 1
    printf '%s\n' "$wanted" >"$1/node_modules/.posthorn"
}
