#!/usr/bin/env bash
# Fetches PostgreSQL's regression tests with apt (Debian, Ubuntu), for the test that throws them at the planner model:
#
#   export PGWISE_REGRESSION_SQL=$(scripts/regression-sql.sh [MAJOR])      15 unless given
#   cargo test --test it regression_sql -- --ignored --nocapture
#
# They are kept in ~/.cache/pgwise/regression (or under XDG_CACHE_HOME). Nothing of the system's apt configuration is
# changed: sources are looked up beside it. Prints the folder.
set -euo pipefail

major=${1:-15}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pgwise/regression/$major
if [ -e "$cache/regress/parallel_schedule" ]; then echo "$cache/regress"; exit; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache" "$work/lists/partial" "$work/cache/archives/partial"
cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed 's/^Types:.*/Types: deb-src/' >"$work/apt.sources"
apt() {
    apt-get -qq -o "Dir::Etc::sourcelist=$work/apt.sources" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" "$@" >&2
}
apt update
# A security update may be listed before a mirror has it: then the release before it.
versions=$(apt-cache -o "Dir::Etc::sourcelist=$work/apt.sources" -o Dir::Etc::sourceparts=- \
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" showsrc "postgresql-$major" |
    sed -n 's/^Version: //p' | sort -Vr)
cd "$work"
for version in $versions; do
    if apt source --download-only "postgresql-$major=$version"; then break; fi
done
tar xjf ./*.orig.tar.bz2 --wildcards --strip-components=3 '*/src/test/regress'
cp -R regress "$cache/"
echo "$cache/regress"
