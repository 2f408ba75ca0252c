#!/bin/sh
# The proxies of the tests, from Debian's packages where they are missing and can be had. They are
# taken out of their packages into .proxies, and not installed: that would start them as services.
cd "$(dirname "$0")/../../.."
for name in nginx caddy stunnel4; do
    command -v "$name" >/dev/null || [ -x ".proxies/usr/sbin/$name" ] || [ -x ".proxies/usr/bin/$name" ] || missing=yes
done
[ "$missing" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    echo "fetching nginx, Caddy and stunnel for the tests behind proxies"
    mkdir -p .proxies && cd .proxies || exit
    packages="nginx caddy stunnel4 libwrap0"
    apt-get download -qq $packages >/dev/null 2>&1 \
        || { $as_root apt-get update -qq && apt-get download -qq $packages >/dev/null; }
    for each in *.deb; do dpkg-deb -x "$each" . && rm "$each"; done && exit 0
fi
echo "NO PROXIES: the tests behind them will be skipped; install nginx, caddy and stunnel4" >&2
