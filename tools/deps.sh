#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# See that the tools and libraries are there that a goal needs, and install what is missing on Debian and its kin.
#   tools/deps.sh build    to build and run
#   tools/deps.sh test     to test and lint as well
set -eu
goal=${1:-build}

# what proves that it is there (a command, or a file), and the package that brings it
needed='
gcc                                  gcc
make                                 make
curl                                 curl
openssl                              openssl
/usr/include/stdio.h                 libc6-dev
/usr/include/microhttpd.h            libmicrohttpd-dev
/usr/include/lmdb.h                  liblmdb-dev
/usr/include/cjson/cJSON.h           libcjson-dev
/usr/include/jwt.h                   libjwt-dev
/usr/include/openssl/ssl.h           libssl-dev
/usr/include/gnutls/gnutls.h         libgnutls28-dev
/usr/include/p11-kit-1/p11-kit/p11-kit.h libp11-kit-dev
/usr/include/liboath/oath.h          liboath-dev
/usr/include/seccomp.h               libseccomp-dev
'
if [ "$goal" = test ]; then
	needed="$needed
/usr/include/criterion/criterion.h   libcriterion-dev
clang                                clang
clang-format                         clang-format
clang-tidy                           clang-tidy
cppcheck                             cppcheck
faketime                             faketime
chromium                             chromium
certutil                             libnss3-tools
softhsm2-util                        softhsm2
pkcs11-tool                          opensc
systemd-analyze                      systemd
node                                 nodejs
npm                                  npm
/etc/ssl/certs/ca-certificates.crt   ca-certificates
"
fi

missing=
set -f
# shellcheck disable=SC2086
set -- $needed
while [ $# -gt 0 ]; do
	case $1 in
	/*) [ -e "$1" ] || missing="$missing $2" ;;
	*) command -v "$1" >/dev/null 2>&1 || missing="$missing $2" ;;
	esac
	shift 2
done

if [ -n "$missing" ]; then
	root=
	[ "$(id -u)" = 0 ] || root=sudo
	if ! command -v apt-get >/dev/null 2>&1 || { [ -n "$root" ] && ! command -v sudo >/dev/null 2>&1; }; then
		echo "Missing here:$missing" >&2
		echo "These are the names of Debian's packages; install them, or their like, and try again." >&2
		exit 1
	fi
	echo "Installing:$missing" >&2
	log=$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	if ! { $root apt-get update -qq && $root apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
		tail -n 15 "$log" >&2
		echo "Could not install:$missing" >&2
		rm -f "$log"
		exit 1
	fi
	rm -f "$log"
fi

# the test tools of tests/package-lock.json, exactly; no package may run a script of its own
if [ "$goal" = test ] && [ -e tests/package-lock.json ] &&
	! [ tests/node_modules/.installed -nt tests/package-lock.json ]; then
	echo "Installing the test tools of tests/package-lock.json" >&2
	(cd tests && npm ci --ignore-scripts --no-audit --no-fund --silent) || {
		echo "npm ci failed in tests/" >&2
		exit 1
	}
	touch tests/node_modules/.installed
fi
