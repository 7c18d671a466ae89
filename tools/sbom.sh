#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Print what a program is made of as SPDX 2.3 (JSON): the libraries that it is linked with, as the packages of this Debian,
# and what web/package-lock.json names: parts of the console, or tools that built it.
#   tools/sbom.sh BIN
set -eu
cd "$(dirname "$0")/.."
bin=$1
version=$("$bin" version | sed 's/.* //')
sum=$(sha256sum "$bin" | cut -c1-64)
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y "$bin")}" +%Y-%m-%dT%H:%M:%SZ)
relations=

# package KIND RELATION NAME VERSION LICENSE PURL [SHA512]: one entry, and how it belongs to the program
package() {
	id=SPDXRef-$1-$(printf '%s-%s' "$3" "$4" | sed 's/[^A-Za-z0-9.-]/-/g')
	printf ',\n    { "SPDXID": "%s", "name": "%s", "versionInfo": "%s", "downloadLocation": "NOASSERTION", "filesAnalyzed": false,\n' \
		"$id" "$3" "$4"
	printf '      "licenseConcluded": "NOASSERTION", "licenseDeclared": "%s", "copyrightText": "NOASSERTION",\n' "$5"
	[ -z "${7:-}" ] || printf '      "checksums": [{ "algorithm": "SHA512", "checksumValue": "%s" }],\n' "$7"
	printf '      "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "%s" }] }' "$6"
	case $2 in
	*_OF) relations="$relations,
    { \"spdxElementId\": \"$id\", \"relationshipType\": \"$2\", \"relatedSpdxElement\": \"SPDXRef-menedek\" }" ;;
	*) relations="$relations,
    { \"spdxElementId\": \"SPDXRef-menedek\", \"relationshipType\": \"$2\", \"relatedSpdxElement\": \"$id\" }" ;;
	esac
}

# the Debian package that a shared library's path belongs to; /lib is /usr/lib, but packages may know either
owner() {
	path=$(readlink -f "$1")
	dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "${path#/usr}" 2>/dev/null
}
linked() {
	direct=$(readelf -d "$bin" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	ldd "$bin" | sed -n 's/^[[:space:]]*\(.*\) => \(\/.*\) (.*/\1 \2/p' | while read -r soname path; do
		relation=RUNTIME_DEPENDENCY_OF
		for name in $direct; do [ "$name" != "$soname" ] || relation=DYNAMIC_LINK; done
		echo "$relation $(owner "$path" | head -n 1 | cut -d: -f1)"
	done | sort -k2,2 -k1,1 -u | awk '!seen[$2]++'
}

printf '{\n  "spdxVersion": "SPDX-2.3",\n  "dataLicense": "CC0-1.0",\n  "SPDXID": "SPDXRef-DOCUMENT",\n'
printf '  "name": "menedek-%s",\n  "documentNamespace": "https://spdx.org/spdxdocs/menedek-%s-%s",\n' "$version" "$version" "$sum"
printf '  "creationInfo": { "created": "%s", "creators": ["Tool: menedek-sbom"] },\n  "packages": [\n' "$created"
printf '    { "SPDXID": "SPDXRef-menedek", "name": "menedek", "versionInfo": "%s", "downloadLocation": "NOASSERTION", "filesAnalyzed": false,\n' "$version"
printf '      "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION" }'

list=$(mktemp)
trap 'rm -f "$list"' EXIT
linked >"$list"
while read -r relation name; do
	about=$(dpkg-query -W -f '${Version} ${Architecture}\n' "$name" | head -n 1)
	package deb "$relation" "$name" "${about% *}" NOASSERTION "pkg:deb/debian/$name@$(printf '%s' "${about% *}" | sed 's/+/%2B/g; s/:/%3A/g; s/~/%7E/g')?arch=${about#* }"
done <"$list"

# what the console's own sources name is in it; all else of the lock file only builds it
parts=$(grep -rhoE "from '[a-z@][^'.]*'" web/src | sed "s/from '//; s/'//; s/^\(@[^/]*\/[^/]*\).*/\1/; t; s/\/.*//" | sort -u)
awk -F'"' '
	function flush() { if (name != "") print name, version, (sum == "" ? "-" : sum), (license == "" ? "NOASSERTION" : license); name = "" }
	/^    "/ { flush(); version = sum = license = ""; if ($2 ~ /node_modules\//) { name = $2; sub(/.*node_modules\//, "", name) } }
	/^      "version"/ { version = $4 }
	/^      "integrity"/ { sum = $4 }
	/^      "license"/ { license = $4 }
	END { flush() }' web/package-lock.json | sort -u >"$list"
while read -r name version sum license; do
	relation=BUILD_TOOL_OF
	for part in $parts; do [ "$part" != "$name" ] || relation=CONTAINS; done
	hex=
	case $sum in sha512-*) hex=$(printf '%s' "${sum#sha512-}" | base64 -d | od -An -v -tx1 | tr -d ' \n') ;; esac
	package npm "$relation" "$name" "$version" "$license" "pkg:npm/$(printf '%s' "$name" | sed 's/@/%40/')@$version" "$hex"
done <"$list"

printf '\n  ],\n  "relationships": [\n'
printf '    { "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-menedek" }%s\n  ]\n}\n' "$relations"
