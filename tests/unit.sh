#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run Criterion test programs and sum up what they report.  Quiet but for failures.  The store's programs, which share a
# PostgreSQL, run one after the other, and beside them the others.
#   tests/unit.sh PROGRAM...
set -uo pipefail
work=$(mktemp -d)
postgres=
finish() {
	[ -z "$postgres" ] || "$here/postgres.sh" stop "$postgres"
	rm -rf "$work"
}
here=$(cd "${0%/*}" && pwd)
trap finish EXIT

# the tests of the store and of several nodes want a PostgreSQL
if [[ "$*" == */store/* || "$*" == *_nodes* ]] && [ -z "${MENEDEK_TEST_POSTGRES:-}" ]; then
	postgres=$(mktemp -d /tmp/menedek-pg-XXXXXX)
	MENEDEK_TEST_POSTGRES=$("$here/postgres.sh" start "$postgres") || exit 1
	export MENEDEK_TEST_POSTGRES
fi
export LSAN_OPTIONS="suppressions=$here/lsan.supp:print_suppressions=0"

# why PROGRAM STATUS OUTPUT: what it said, as far as that tells anything
why() {
	echo "FAIL $1 (exit status $2)"
	# of each leak the first line of ours that made it, which the 60 lines below may not reach
	awk '/^(Direct|Indirect) leak of/ { what = $0; next }
		what != "" && match($0, /(src|api|clients|tests)\/[^ ]*\.[ch]:[0-9]+/) {
			print "leak: " substr($0, RSTART, RLENGTH) " - " what; what = "" }' "$3" | sort -u | head -n 12
	# what a service logs by the way is not why
	sed 's/\x1b\[[0-9;]*m//g' "$3" | grep -vE '^(\[SKIP|(note|world|peer|debug) [a-z]|NOTICE: |DETAIL: |drop cascades)' | head -n 60
}

# lane NAME PROGRAM...: one after the other; leaves "PASSED FAILED" in a file
lane() {
	local out=$work/$1.out sums=$work/$1.sums program status report good tested bad passed=0 failed=0
	shift
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
		[ "$bad" -eq 0 ] || why "$program" "$status" "$out"
	done
	echo "$passed $failed" >"$sums"
}

store=() others=()
for program; do
	case $program in
	*/store/*) store+=("$program") ;;
	*) others+=("$program") ;;
	esac
done
lane others "${others[@]}" &
lane store "${store[@]}"
wait
# a lane that did not come to its end has failed, and so has one whose sum was not written: a full disk leaves an empty file
read -r a b < <(grep -E '^[0-9]+ [0-9]+$' "$work/others.sums" 2>/dev/null || echo 0 1)
read -r c d < <(grep -E '^[0-9]+ [0-9]+$' "$work/store.sums" 2>/dev/null || echo 0 1)
echo "$((a + c)) passed, $((b + d)) failed"
[ "$((b + d))" -eq 0 ]
