#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One fuzzer of build/fuzz for SECONDS, from the seeds of tests/fuzz/corpus and what earlier runs here found.
#   tests/fuzz/run.sh fuzz_json 10
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "build/fuzz-corpus/$1" "build/fuzz-crashes"
seeds=
[ ! -d "tests/fuzz/corpus/$1" ] || seeds=tests/fuzz/corpus/$1
log=build/fuzz-crashes/$1.log
# shellcheck disable=SC2086
if "build/fuzz/$1" -max_total_time="$2" -timeout=25 -rss_limit_mb=2048 -max_len=4096 -seed="${TORTURE_SEED:-0}" -print_final_stats=1 \
	-artifact_prefix="build/fuzz-crashes/$1-" "build/fuzz-corpus/$1" $seeds >"$log" 2>&1; then
	echo "ok - $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $2 s, no crash (seed $(sed -n 's/^INFO: Seed: //p' "$log"))"
else
	echo "not ok - $1"
	tail -n 40 "$log"
	exit 1
fi
