# shellcheck shell=bash disable=SC2034,SC2154
# Functions that deploy/postgres/start and stop share; sourced after lib.sh. Both set $dir, the server's directory.

PG_BIN=/usr/lib/postgresql/15/bin
PG_USER=postgres

# as_server COMMAND...: runs it as the user that runs the server, in a directory that this user can enter.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec setpriv --reuid "$PG_USER" --regid "$PG_USER" --init-groups -- "$@")
    else
        (cd / && "$@")
    fi
}

# data_path: the real path of the cluster (DIR/data may be a link).
data_path() { readlink -f "$dir/data"; }
