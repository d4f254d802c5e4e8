#!/usr/bin/env bash
# Installs what building, testing and the demo need and what is missing: a C compiler and libclang (the parser is
# PostgreSQL's own C code), a PostgreSQL server and HypoPG. Quick when nothing is missing; safe to run again.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        say "this needs root, and there is no sudo: run as root: $*"
        exit 1
    fi
}

by_hand() {
    say "$1"
    say "install these yourself: a C compiler, libclang with its headers, a PostgreSQL server (13 or newer) with"
    say "pg_stat_statements and pg_trgm (contrib), and, for what-if costs, HypoPG (https://github.com/HypoPG/hypopg)"
    exit 1
}

# The folders where a server's programs may be, the newest major last.
server_folders() {
    local folder
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n) \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin; do
        [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && printf '%s\n' "$folder"
    done
    if have initdb && have postgres; then dirname "$(command -v initdb)"; fi
}

extension_of() { # $1 folder with a server's programs, $2 extension
    local share
    share=$("$1/pg_config" --sharedir 2>/dev/null) || share=
    local major
    major=$("$1/postgres" --version | sed -E 's/.*\) ([0-9]+).*/\1/')
    [ -f "${share:-/nonexistent}/extension/$2.control" ] || [ -f "/usr/share/postgresql/$major/extension/$2.control" ]
}

# A server with the contrib modules and HypoPG?
have_server() {
    local folder
    for folder in $(server_folders); do
        if extension_of "$folder" hypopg && extension_of "$folder" pg_stat_statements && extension_of "$folder" pg_trgm
        then return 0; fi
    done
    return 1
}

# Whether any of the arguments, globs that the shell has expanded or left alone, is there.
any_exists() {
    local path
    for path in "$@"; do
        if [ -e "$path" ]; then return 0; fi
    done
    return 1
}

# libclang as bindgen searches for it, and the compiler's own headers, which distributions package apart.
have_libclang() {
    if [ -n "${LIBCLANG_PATH:-}" ]; then return 0; fi
    if [ "$(uname -s)" = Darwin ]; then
        xcode-select -p >/dev/null 2>&1 || [ -d "$(brew --prefix llvm 2>/dev/null)/lib" ]
        return
    fi
    any_exists /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* /usr/lib64/libclang*.so* \
        /usr/lib/libclang*.so* \
        && any_exists /usr/lib/llvm-*/lib/clang/*/include/stdbool.h /usr/lib/clang/*/include/stdbool.h \
            /usr/lib64/clang/*/include/stdbool.h
}

have_compiler() { have cc && echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - 2>/dev/null; }

# ---- Debian and its family -------------------------------------------------------------------------------------------

apt_updated=
apt_update() {
    if [ -z "$apt_updated" ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
        apt_updated=yes
    fi
}

apt_install() {
    say "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# The newest version N for which all the patterns with N in the place of % are packages.
apt_newest() {
    local versions
    versions=$(apt-cache pkgnames "${1%%%*}" | sed -nE "s/^${1/\%/([0-9]+)}\$/\1/p" | sort -rn)
    local version pattern
    for version in $versions; do
        for pattern in "$@"; do
            apt-cache show "${pattern/\%/$version}" >/dev/null 2>&1 || continue 2
        done
        printf '%s\n' "$version"
        return 0
    done
    return 1
}

setup_debian() {
    local version
    if ! have_compiler; then
        apt_update
        apt_install gcc libc6-dev
    fi
    if ! have_libclang; then
        apt_update
        # The distribution's default before its newest: bindgen lags behind clang.
        version=$(apt-cache depends libclang1 2>/dev/null | sed -nE 's/.*Depends: libclang1-([0-9]+)$/\1/p')
        version=${version:-$(apt_newest 'libclang1-%' 'libclang-common-%-dev')} || by_hand "apt knows no libclang"
        apt_install "libclang1-$version" "libclang-common-$version-dev"
    fi
    if ! have_server; then
        apt_update
        # HypoPG for a server that is here before another server.
        local folder installed=
        for folder in /usr/lib/postgresql/*/bin; do
            [ -x "$folder/initdb" ] || continue
            version=$(basename "$(dirname "$folder")")
            if apt-cache show "postgresql-$version-hypopg" >/dev/null 2>&1; then installed=$version; fi
        done
        version=${installed:-$(apt_newest 'postgresql-%' 'postgresql-%-hypopg')} \
            || by_hand "apt knows no PostgreSQL with HypoPG"
        # A first server's package would make a cluster named main and start it: that is the owner's decision.
        local drop_in=/etc/postgresql-common/createcluster.d/pgwise-setup.conf
        if [ -z "$installed" ]; then
            as_root mkdir -p "$(dirname "$drop_in")"
            echo 'create_main_cluster = false' | as_root tee "$drop_in" >/dev/null
        fi
        local status=0
        apt_install "postgresql-$version" "postgresql-$version-hypopg" || status=$?
        as_root rm -f "$drop_in"
        return "$status"
    fi
}

# ---- macOS -----------------------------------------------------------------------------------------------------------

setup_macos() {
    have brew || by_hand "Homebrew is not installed (https://brew.sh)"
    if ! have_compiler || ! have_libclang; then
        say "installing the command line tools' compiler needs you: run xcode-select --install, then this again"
        exit 1
    fi
    if ! have_server; then
        say "installing postgresql@17 and hypopg"
        brew list postgresql@17 >/dev/null 2>&1 || brew install --quiet postgresql@17
        if ! have_server; then
            # The formula hypopg builds for Homebrew's current postgresql; a miss leaves the rules as cost source.
            brew install --quiet hypopg || say "HypoPG could not be installed: the demo then judges by rule"
        fi
    fi
}

# ----------------------------------------------------------------------------------------------------------------------

if have_compiler && have_libclang && have_server; then
    exit 0
fi
case "$(uname -s)" in
Linux)
    if have apt-get; then setup_debian; else by_hand "this system has no apt-get"; fi
    ;;
Darwin) setup_macos ;;
*) by_hand "this system is neither Linux nor macOS" ;;
esac
have_compiler || by_hand "there is still no working C compiler"
have_libclang || by_hand "there is still no libclang"
if ! have_server; then
    server_folders | grep -q . || by_hand "there is still no PostgreSQL server"
    say "no PostgreSQL here has all of HypoPG, pg_stat_statements and pg_trgm: what-if costs will be missing"
fi
