#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Print the named files as rows of C: { "name", { bytes, length } } with the bytes in static arrays before them.
set -eu
n=0
for f; do
	printf 'static const unsigned char embedded_%d[] = {' "$n"
	od -An -v -tx1 "$f" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	printf '0x00 };\n'
	n=$((n + 1))
done
printf '#define EMBEDDED_ROWS \\\n'
n=0
for f; do
	printf '\t{ "%s", { embedded_%d, sizeof(embedded_%d) - 1 } }, \\\n' "$f" "$n" "$n"
	n=$((n + 1))
done
printf '\n'
