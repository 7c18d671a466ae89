#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run Criterion test programs and sum up what they report.  Quiet but for failures.
#   tests/unit.sh PROGRAM...
set -uo pipefail
passed=0
failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
export LSAN_OPTIONS="suppressions=$PWD/${0%/*}/lsan.supp:print_suppressions=0"

for program; do
	timeout 300 "$program" -j2 >"$out" 2>&1
	status=$?
	# the report, without its colours: "Synthesis: Tested: 5 | Passing: 5 | Failing: 0 | Crashing: 0"
	report=$(sed 's/\x1b\[[0-9;]*m//g' "$out" | grep 'Synthesis:' | tail -n 1)
	good=$(printf '%s' "$report" | sed -n 's/.*Passing: \([0-9]*\).*/\1/p')
	tested=$(printf '%s' "$report" | sed -n 's/.*Tested: \([0-9]*\).*/\1/p')
	bad=$((${tested:-1} - ${good:-0}))
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + ${good:-0}))
	failed=$((failed + bad))
	if [ "$bad" -gt 0 ]; then
		echo "FAIL $program (exit status $status)"
		sed 's/\x1b\[[0-9;]*m//g' "$out" | grep -v '^\[SKIP' | head -n 40
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
