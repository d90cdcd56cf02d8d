#!/bin/sh
# Restore what backup.sh wrote: restore.sh FOLDER/<time>
#
# Into the data folder and database that the TINGSHUO_* variables name. The server must be stopped. Nothing that is
# there is written over: the data folder must hold no database (models may lie there), the PostgreSQL database no tables.
set -eu
umask 077

source=${1:?say what: restore.sh FOLDER/TIME}
data=${TINGSHUO_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/tingshuo}
url=${TINGSHUO_DATABASE_URL:-}
if [ -n "${TINGSHUO_DATABASE_URL_FILE:-}" ]; then
    url=$(cat "$TINGSHUO_DATABASE_URL_FILE")
fi

fail() {
    echo "restore.sh: $1" >&2
    exit 2
}

(cd "$source" && sha256sum --quiet --check SHA256SUMS) || fail "$source is damaged"
[ ! -e "$data/secret" ] && [ ! -e "$data/blobs" ] || fail "$data holds a history already; move it away first"

case $url in
    "" | sqlite:*)
        [ -e "$source/tingshuo.db" ] || fail "$source is a backup of PostgreSQL; set TINGSHUO_DATABASE_URL"
        file=${url#sqlite:///}
        file=${file:-$data/tingshuo.db}
        [ ! -e "$file" ] || fail "$file exists; move it away first"
        mkdir -p "$data" "$(dirname "$file")"
        cp "$source/tingshuo.db" "$file"
        ;;
    *)
        [ -e "$source/database.dump" ] || fail "$source is a backup of SQLite; leave TINGSHUO_DATABASE_URL out"
        url=postgresql:${url#*:}
        tables=$(psql --no-psqlrc -Atc "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" "$url")
        [ "$tables" = 0 ] || fail "the database has tables already; make an empty one"
        mkdir -p "$data"
        pg_restore --no-owner --exit-on-error --single-transaction --dbname="$url" "$source/database.dump"
        ;;
esac
tar -C "$data" -xzf "$source/data.tar.gz"
if [ -e "$source/secret" ]; then
    echo "the server secret is in $source/secret: give it as TINGSHUO_SECRET_FILE, as before" >&2
fi
echo "restored into $data" >&2
