#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the Debian package of the last commit, from a clean copy of it: what is not committed is not in it, and the same
# commit gives the same bytes wherever it is built on the same Debian.  Beside it those of the client library.
#   tools/deb.sh [DIR]     writes DIR/{menedek,libmenedek1,libmenedek-dev}_VERSION_ARCH.deb (default: build)
set -eu
cd "$(dirname "$0")/.."
out=$(mkdir -p "${1:-build}" && cd "${1:-build}" && pwd)
[ -z "$(git status --porcelain)" ] || echo "Note: what is not committed will not be in the package" >&2
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
unset MAKEFLAGS MAKELEVEL

work=$(mktemp -d "$out/deb-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
git archive HEAD | tar -xf - -C "$work/source"
(cd "$work/source" && umask 022 && dpkg-buildpackage --build=binary --no-sign --unsigned-changes) >"$out/deb.log" 2>&1 || {
	tail -n 20 "$out/deb.log" >&2
	echo "The package could not be made; all of it: $out/deb.log" >&2
	exit 1
}
mv "$work"/menedek_*.deb "$work"/libmenedek1_*.deb "$work"/libmenedek-dev_*.deb "$out/"
ls "$out"/*menedek*.deb
