# shellcheck shell=bash disable=SC2034,SC2154
# Functions that deploy/postgres/start and stop share; sourced after lib.sh. Both set $dir, the server's directory.

PG_USER=postgres

# as_server COMMAND...: runs it as the user that runs the server, in a directory that this user can enter.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec setpriv --reuid "$PG_USER" --regid "$PG_USER" --init-groups -- "$@")
    else
        (cd / && "$@")
    fi
}

# pg_bin: the directory of PostgreSQL's programs, of the version that made the data, or else of the newest one installed.
pg_bin() {
    local version
    if [ -s "$dir/data/PG_VERSION" ]; then
        version=$(cat "$dir/data/PG_VERSION")
    else
        version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -V | tail -n 1)
    fi
    printf '%s\n' "/usr/lib/postgresql/$version/bin"
}

# data_path: the real path of the cluster (DIR/data may be a link).
data_path() { readlink -f "$dir/data"; }
