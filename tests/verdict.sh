# SPDX-License-Identifier: Apache-2.0
# Counting for the suites that are shell scripts; $work/out and $work/err are what the program said last.
passed=0
failed=0

verdict() { # ok or FAIL, what
	if [ "$1" = ok ]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "FAIL $2"
		head -n 14 "$work/out" "$work/err" 2>/dev/null
	fi
}
