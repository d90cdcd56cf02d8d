#!/bin/sh
# Back Tingshuo up: backup.sh FOLDER
#
# Writes FOLDER/<time>/ with the database, the kept audio, the server secret and everything else of the data folder but
# models (they can be pulled or imported again). Reads the same TINGSHUO_* variables as the server, which may go on
# working meanwhile. Keeps the newest KEEP backups (14). The backup opens every door: keep it like the server itself.
set -eu
umask 077

target=${1:?say where: backup.sh FOLDER}
python=${PYTHON:-python3}
data=${TINGSHUO_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/tingshuo}
url=${TINGSHUO_DATABASE_URL:-}
if [ -n "${TINGSHUO_DATABASE_URL_FILE:-}" ]; then
    url=$(cat "$TINGSHUO_DATABASE_URL_FILE")
fi

mkdir -p "$target"
name=$(date -u +%Y%m%dT%H%M%SZ)
draft=$target/.$name
mkdir "$draft"
trap 'rm -rf "$draft"' EXIT

case $url in
    "" | sqlite:*)
        file=${url#sqlite:///}
        # SQLite's own backup: a copy of the file alone would lack what is still in its journal.
        "$python" - "${file:-$data/tingshuo.db}" "$draft/tingshuo.db" <<'END'
import sqlite3, sys
with sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True) as source, sqlite3.connect(sys.argv[2]) as copy:
    source.backup(copy)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
END
        ;;
    *)
        # pg_dump knows the plain name of the scheme alone.
        pg_dump --format=custom --no-owner --file="$draft/database.dump" "postgresql:${url#*:}"
        ;;
esac
# After the database: what a row names is then in the archive. A file that comes or goes meanwhile is no failure.
status=0
tar -C "$data" -czf "$draft/data.tar.gz" --exclude=./models --exclude='./tingshuo.db*' . || status=$?
[ "$status" -le 1 ]
if [ -n "${TINGSHUO_SECRET_FILE:-}" ]; then
    cp "$TINGSHUO_SECRET_FILE" "$draft/secret"
elif [ -n "${TINGSHUO_SECRET:-}" ]; then
    printf '%s' "$TINGSHUO_SECRET" >"$draft/secret"
fi
(cd "$draft" && sha256sum -- * >SHA256SUMS)
mv "$draft" "$target/$name"
trap - EXIT

# Oldest first; names sort by time.
count=$(find "$target" -mindepth 1 -maxdepth 1 -type d -name '2*Z' | wc -l)
find "$target" -mindepth 1 -maxdepth 1 -type d -name '2*Z' | sort | while read -r old; do
    [ "$count" -gt "${KEEP:-14}" ] || break
    rm -rf "$old"
    count=$((count - 1))
done
echo "$target/$name"
