#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The server under load with ThreadSanitizer, over the fake calls of its unit tests: any report fails.
set -uo pipefail
cd "$(dirname "$0")/../.."
bin=build/tsan/races/server_load
make --no-print-directory -j2 V=tsan build/tsan/lib/server.a build/tsan/lib/base.a || exit 1
mkdir -p "${bin%/*}"
${CC:-gcc} -D_GNU_SOURCE -std=c17 -O1 -g -fsanitize=thread -fno-omit-frame-pointer -Isrc -Iapi -Itests/unit/server \
	tests/races/server_load.c build/tsan/lib/server.a build/tsan/lib/base.a \
	-lmicrohttpd -lgnutls -lssl -lcrypto -lpthread -o "$bin" || exit 1
if TSAN_OPTIONS=exitcode=66 timeout 300 "$bin"; then
	echo "1 passed, 0 failed"
else
	echo "0 passed, 1 failed"
	exit 1
fi
