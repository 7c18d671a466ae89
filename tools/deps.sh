#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# See that the tools and libraries are there that a goal needs, and install what is missing on Debian and its kin.
#   tools/deps.sh build    to build and run
#   tools/deps.sh test     to test and lint as well
#   tools/deps.sh docs     to make the handbook
#   tools/deps.sh package  to build the Debian package
#   tools/deps.sh bare     to make a bare Debian and install the package in it
#   tools/deps.sh coverage to count what the tests decide
#   tools/deps.sh prove    to prove what the contracts of src/domain say
#   tools/deps.sh bench    to measure, beside what it is measured with
#   tools/deps.sh fuzz     to fuzz with AFL++ as well
#   tools/deps.sh cluster  to run three hosts with PostgreSQL, Patroni and etcd on this machine
# No service that a package brings is started by this, nor stays enabled.
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
/usr/include/nettle/gcm.h            nettle-dev
/usr/include/p11-kit-1/p11-kit/p11-kit.h libp11-kit-dev
/usr/include/liboath/oath.h          liboath-dev
/usr/include/seccomp.h               libseccomp-dev
/usr/include/postgresql/libpq-fe.h   libpq-dev
'
if [ "$goal" = docs ] || [ "$goal" = package ] || [ "$goal" = test ]; then
	needed="$needed
node                                 nodejs
cmark-gfm                            cmark-gfm
"
fi
if [ "$goal" = package ] || [ "$goal" = test ]; then
	needed="$needed
git                                  git
dpkg-buildpackage                    dpkg-dev
/usr/share/build-essential/list      build-essential
/usr/share/doc/nodejs                nodejs
dh                                   debhelper
lintian                              lintian
"
fi
if [ "$goal" = bare ]; then
	needed="$needed
debootstrap                          debootstrap
unshare                              util-linux
"
fi
if [ "$goal" = bench ]; then
	needed="$needed
node                                 nodejs
npm                                  npm
nginx                                nginx-light
haproxy                              haproxy
strace                               strace
perf                                 linux-perf
/usr/lib/postgresql/15/bin/postgres  postgresql-15
go                                   golang-go
/usr/share/gocode/src/github.com/jackc/pgx/v4 golang-github-jackc-pgx-v4-dev
"
fi
if [ "$goal" = coverage ]; then
	needed="$needed
clang-19                             clang-19
llvm-cov-19                          llvm-19
/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.profile-x86_64.a libclang-rt-19-dev
"
fi
if [ "$goal" = fuzz ]; then
	needed="$needed
clang                                clang
afl-fuzz                             afl++
"
fi
if [ "$goal" = prove ]; then
	needed="$needed
frama-c                              frama-c-base
why3                                 why3
z3                                   z3
cvc4                                 cvc4
"
fi
if [ "$goal" = test ]; then
	needed="$needed
/usr/include/criterion/criterion.h   libcriterion-dev
clang                                clang
/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux libclang-rt-14-dev
clang-format                         clang-format
clang-tidy                           clang-tidy
cppcheck                             cppcheck
mandoc                               mandoc
jq                                   jq
pkg-config                           pkg-config
python3                              python3
faketime                             faketime
mdb_stat                             lmdb-utils
chromium                             chromium
certutil                             libnss3-tools
softhsm2-util                        softhsm2
pkcs11-tool                          opensc
systemd-analyze                      systemd
/sbin/mkfs.ext4                      e2fsprogs
/sbin/mkfs.xfs                       xfsprogs
eatmydata                            eatmydata
/usr/lib/postgresql/15/bin/postgres  postgresql-15
strace                               strace
promtool                             prometheus
perf                                 linux-perf
mount                                mount
node                                 nodejs
npm                                  npm
/etc/ssl/certs/ca-certificates.crt   ca-certificates
"
fi
if [ "$goal" = cluster ] || [ "$goal" = test ]; then
	needed="$needed
node                                 nodejs
npm                                  npm
/usr/lib/postgresql/15/bin/postgres  postgresql-15
patroni                              patroni
etcd                                 etcd-server
etcdctl                              etcd-client
/usr/sbin/haproxy                    haproxy
/usr/sbin/nft                        nftables
/sbin/ip                             iproute2
setpriv                              util-linux
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
	# what is needed are programs: 101 tells the packages' scripts to start no service (Debian's policy-rc.d)
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		policy=
	else
		printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
		$root chmod 755 $policy
	fi
	failed=0
	# shellcheck disable=SC2086
	{ $root apt-get update -qq && $root apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1 || failed=1
	[ -z "$policy" ] || $root rm -f $policy
	for service in postgresql-15:postgresql patroni:patroni etcd-server:etcd haproxy:haproxy nginx-light:nginx prometheus:prometheus; do
		case " $missing " in
		*" ${service%:*} "*) command -v systemctl >/dev/null 2>&1 && $root systemctl disable "${service#*:}" >/dev/null 2>&1 || true ;;
		esac
	done
	if [ $failed = 1 ]; then
		tail -n 15 "$log" >&2
		echo "Could not install:$missing" >&2
		rm -f "$log"
		exit 1
	fi
	rm -f "$log"
fi

# what DIR/package-lock.json names, exactly; no package may run a script of its own
from_lock() {
	[ -e "$1/package-lock.json" ] || return 0
	! [ "$1/node_modules/.installed" -nt "$1/package-lock.json" ] || return 0
	echo "Installing the tools of $1/package-lock.json" >&2
	(cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --silent) || {
		echo "npm ci failed in $1/" >&2
		exit 1
	}
	touch "$1/node_modules/.installed"
}
case $goal in
test | cluster) from_lock tests ;;
bench)
	from_lock tests
	from_lock bench/peers
	;;
esac
