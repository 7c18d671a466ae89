#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run Criterion test programs and sum up what they report.  Quiet but for failures.
#   tests/unit.sh PROGRAM...
set -uo pipefail
passed=0
failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# the store's tests want a PostgreSQL
if [[ "$*" == */store/* ]] && [ -z "${MENEDEK_TEST_POSTGRES:-}" ]; then
	postgres=$(mktemp -d /tmp/menedek-pg-XXXXXX)
	trap '"${0%/*}/postgres.sh" stop "$postgres"; rm -f "$out"' EXIT
	MENEDEK_TEST_POSTGRES=$("${0%/*}/postgres.sh" start "$postgres") || exit 1
	export MENEDEK_TEST_POSTGRES
fi
export LSAN_OPTIONS="suppressions=$PWD/${0%/*}/lsan.supp:print_suppressions=0"

for program; do
	timeout 600 "$program" -j2 >"$out" 2>&1
	status=$?
	# the report, without its colours: "Synthesis: Tested: 5 | Passing: 5 | Failing: 0 | Crashing: 0"
	report=$(sed 's/\x1b\[[0-9;]*m//g' "$out" | grep 'Synthesis:' | tail -n 1)
	good=$(printf '%s' "$report" | sed -n 's/.*Passing: \([0-9]*\).*/\1/p')
	tested=$(printf '%s' "$report" | sed -n 's/.*Tested: \([0-9]*\).*/\1/p')
	[ "${tested:-0}" -gt 0 ] || tested=1 # one that ends without a report, or has no test, has failed
	bad=$((tested - ${good:-0}))
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + ${good:-0}))
	failed=$((failed + bad))
	if [ "$bad" -gt 0 ]; then
		echo "FAIL $program (exit status $status)"
		# of each leak the first line of ours that made it, which the 60 lines below may not reach
		awk '/^(Direct|Indirect) leak of/ { what = $0; next }
			what != "" && match($0, /(src|api|clients|tests)\/[^ ]*\.[ch]:[0-9]+/) {
				print "leak: " substr($0, RSTART, RLENGTH) " - " what; what = "" }' "$out" | sort -u | head -n 12
		# what a service logs by the way is not why
		sed 's/\x1b\[[0-9;]*m//g' "$out" | grep -vE '^(\[SKIP|(note|world|peer|debug) [a-z]|NOTICE: |DETAIL: |drop cascades)' | head -n 60
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
