#!/usr/bin/env bash
# Builds a Docker image with PostgreSQL, its contrib modules and HypoPG from Debian's packages alone: no registry is
# asked. The tests run in it (CONTRIBUTING.md).
#
#   scripts/test-image.sh [NAME]      NAME is pgwise-postgres:MAJOR unless given
#   SUITE=trixie scripts/test-image.sh      Debian's release, which decides PostgreSQL's: bookworm 15 (default), trixie 17
#
# Needs root, debootstrap and a running Docker engine; about two minutes. MIRROR names another Debian mirror.
# The image takes what the official one takes: POSTGRES_PASSWORD, and `postgres -c name=value …` or the options alone.
set -euo pipefail

suite=${SUITE:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
case $suite in
    bookworm) major=15 ;;
    trixie) major=17 ;;
    *) echo "test-image: which PostgreSQL comes with Debian $suite is not known here" >&2; exit 1 ;;
esac
image=${1:-pgwise-postgres:$major}

for program in debootstrap docker; do
    command -v "$program" >/dev/null || { echo "test-image: $program is not installed" >&2; exit 1; }
done
[ "$(id -u)" -eq 0 ] || { echo "test-image: debootstrap needs root" >&2; exit 1; }
docker version >/dev/null || exit 1

root=$(mktemp -d "${TMPDIR:-/tmp}/pgwise-image.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
chmod 755 "$root" # it becomes the image's root folder, which the server's account has to pass

debootstrap --variant=minbase "$suite" "$root" "$mirror" >&2

# No cluster of Debian's, no services while installing.
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$root" \
    apt-get install -y --no-install-recommends "postgresql-$major" "postgresql-$major-hypopg" >&2
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root/usr/share/doc"

cat >"$root/usr/local/bin/entrypoint" <<'ENTRY'
#!/bin/sh
set -eu
case ${1:--} in -*) set -- postgres "$@" ;; esac
if [ "$1" = postgres ]; then
    if [ "$(id -u)" -eq 0 ]; then
        mkdir -p "$PGDATA"
        chown -R postgres:postgres "$PGDATA"
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
    fi
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        : "${POSTGRES_PASSWORD:?a password for the superuser is needed}"
        passwords=$(mktemp)
        printf '%s\n' "$POSTGRES_PASSWORD" >"$passwords"
        initdb --username=postgres --pwfile="$passwords" --auth-local=trust --auth-host=scram-sha-256 \
            --encoding=UTF8 --locale=C.UTF-8 >/dev/null
        rm -f "$passwords"
        echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
        echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    fi
fi
exec "$@"
ENTRY
chmod 755 "$root/usr/local/bin/entrypoint"

tar --numeric-owner -C "$root" -c . | docker import \
    --change "ENV PATH=/usr/lib/postgresql/$major/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    --change 'ENV PGDATA=/var/lib/postgresql/data' \
    --change 'ENTRYPOINT ["/usr/local/bin/entrypoint"]' \
    --change 'CMD ["postgres"]' \
    --change 'EXPOSE 5432' \
    - "$image" >&2
echo "$image"
