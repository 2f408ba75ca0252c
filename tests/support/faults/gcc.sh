#!/bin/sh
# A C compiler for the tests that make files fail, from Debian's packages where it can be had.
command -v gcc >/dev/null && exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    echo "installing gcc for the tests that make files fail"
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null && exit 0
fi
echo "NO GCC: the tests that make files fail will fail; install it" >&2
