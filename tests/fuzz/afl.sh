#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One target of build/afl for SECONDS, from the seeds of tests/fuzz/corpus and what libFuzzer and AFL++ found here before.
# What is new goes where libFuzzer takes it from.
#   tests/fuzz/afl.sh fuzz_json 10
set -eu
cd "$(dirname "$0")/../.."
name=$1 seconds=$2
found=build/fuzz-corpus/$name seeds=build/afl-seeds/$name out=build/afl-out/$name log=build/fuzz-crashes/$name.afl.log
rm -rf "$seeds" "$out"
mkdir -p "$found" "$seeds" "$out" build/fuzz-crashes
for dir in "tests/fuzz/corpus/$name" "$found"; do
	[ ! -d "$dir" ] || find "$dir" -type f -size +0 -size -5k -exec cp {} "$seeds" ';'
done
[ -n "$(ls "$seeds")" ] || printf 'a' >"$seeds/a"
export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1
status=0
afl-fuzz -i "$seeds" -o "$out" -m none -t 5000+ -V "$seconds" -s "${TORTURE_SEED:-1}" -- "build/afl/$name" >"$log" 2>&1 || status=$?
figure() { sed -n "s/^$1 *: *//p" "$out/default/fuzzer_stats"; }
if [ $status -ne 0 ] || [ "$(figure execs_done)" -lt 1 ] || [ "$(figure saved_crashes)" -ne 0 ]; then
	echo "not ok - $name (AFL++): see $out/default/crashes"
	tail -n 30 "$log"
	exit 1
fi
cp "$out"/default/queue/id* "$found"
echo "ok - $name: $(figure execs_done) inputs by AFL++ in $seconds s, $(figure corpus_count) kept, no crash (seed ${TORTURE_SEED:-1})"
