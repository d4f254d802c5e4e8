#!/usr/bin/env bash
# Writes src/planner/facts/*.tsv: what the planner model knows of PostgreSQL's built-in types, operators, functions,
# operator classes and casts. Give the connection strings of servers of ascending major versions, the oldest first:
#
#   scripts/planner-facts.sh 'host=… port=5415' 'host=… port=5416' 'host=… port=5417' 'host=… port=5418'
#
# Every row stands as in the first server that has it, with that server's major version in front; the first server's
# rows have 0 there. The files' columns are described in src/planner/facts/load.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "usage: $0 CONNECTION..." >&2; exit 2; }

for query in scripts/planner-facts/*.sql; do
    kind=$(basename "$query" .sql)
    since=0
    for server in "$@"; do
        major=$(psql -XAtq "$server" -c "SELECT current_setting('server_version_num')::int / 10000")
        [ "$since" = 0 ] && [ "$server" = "$1" ] || since=$major
        psql -XAtq -F $'\t' "$server" -f "$query" | sed "s/^/$since\t/"
    done | awk -F '\t' -v kind="$kind" '
        !seen[$2]++ {
            # Where the second column is a key made for this, it has done its work.
            if (kind ~ /^(opclasses|amops|casts)$/) sub(/\t[^\t]*/, "")
            print
        }' > "src/planner/facts/$kind.tsv"
done
