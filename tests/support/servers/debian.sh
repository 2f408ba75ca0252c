#!/bin/sh
# Redis and PostgreSQL for the tests, from Debian's packages where they are missing and can be had.
# They are taken out of their packages into .servers, and not installed: that would start them as
# services.
cd "$(dirname "$0")/../../.."
for each in /usr/lib/postgresql/*/bin/postgres .servers/usr/lib/postgresql/*/bin/postgres; do
    [ -x "$each" ] && postgres=yes
done
if command -v redis-server >/dev/null || [ -x .servers/usr/bin/redis-server ]; then redis=yes; fi
packages=
[ "$redis" ] || packages="redis-server"
[ "$postgres" ] || packages="$packages postgresql"
[ "$packages" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    echo "fetching$(printf ' %s' $packages) for the tests of the key-value stores"
    mkdir -p .servers/archives/partial && cd .servers || exit
    # With what they need and this system has not; without a lock, so that nobody has to be root.
    fetch() {
        apt-get install -y -qq --no-install-recommends --download-only -o Debug::NoLocking=1 \
            -o APT::Sandbox::User= -o Dir::Cache::Archives="$PWD/archives" $packages >/dev/null 2>&1
    }
    fetch || { $as_root apt-get update -qq && fetch; }
    for each in archives/*.deb; do dpkg-deb -x "$each" . && rm "$each"; done && exit 0
fi
echo "NO SERVERS: tests of the key-value stores will be skipped; install redis-server and postgresql" >&2
