#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The package as a stranger meets it: installed by apt in a bare Debian 12, set up by the manual's one line, started as the
# unit says, used by the first administrator, worked on by root, removed and purged.
#   tests/package/install.sh          as root; BARE=DIR keeps the bare tree between runs elsewhere than in build/bare
set -uo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "this makes a chroot, so it needs root"; exit 1; }
bare=${BARE:-build/bare}
if ! [ -e "$bare/.complete" ]; then
	rm -rf --one-file-system "$bare"
	mkdir -p "$bare"
	debootstrap --variant=minbase --include=curl,ca-certificates bookworm "$bare" >build/bare.log 2>&1 || { tail -n 5 build/bare.log; exit 1; }
	touch "$bare/.complete"
fi
tree=$(mktemp -d "$PWD/build/install.XXXXXX")
trap 'rm -rf --one-file-system "$tree"' EXIT
cp -a --reflink=auto "$bare/." "$tree/"
# this machine's way to the archives of packages
cp -L /etc/resolv.conf /etc/hosts "$tree/etc/"
tools/deb.sh "$tree/package" >/dev/null || exit 1
cp tests/package/inside.sh "$tree/package/"
export tree
# shellcheck disable=SC2016 # the inner shell's
unshare --mount --pid --ipc --fork --kill-child sh -c '
	mount --make-rprivate / && mount -t proc proc "$tree/proc" && mount --rbind /dev "$tree/dev" &&
	exec chroot "$tree" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive bash /package/inside.sh' </dev/null
