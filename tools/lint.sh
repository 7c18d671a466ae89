#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Layout, layers, clang-tidy, cppcheck, gcc -fanalyzer.  Silent when all is well.  A file that was clean is looked at
# again only when it, a header it includes, or a setting changed; build/lint keeps the marks.
#   tools/lint.sh            all
#   tools/lint.sh FILE.c     one file, in full (what it calls for each)
set -uo pipefail
cd "$(dirname "$0")/.."
marks=build/lint
defines=(-D_GNU_SOURCE -Isrc -Iapi -Iclients/c -Ibuild/lint/gen -isystem /usr/include/p11-kit-1 -isystem /usr/include/postgresql)

# the files that travel inside the program, without their bytes: cppcheck would read those for minutes
embedded=build/release/gen/embedded.inc
if [ $# -eq 0 ] || [ ! -e $marks/gen/embedded.inc ]; then
	mkdir -p $marks/gen
	make --no-print-directory $embedded >/dev/null || exit 1
	[ $marks/gen/embedded.inc -nt $embedded ] || sed '/^0x/d; s/= {.*/= { 0x00 };/' $embedded >$marks/gen/embedded.inc
fi

if [ $# -eq 1 ]; then
	file=$1
	mark=$marks/$file
	mkdir -p "${mark%/*}"
	# what it includes, by the compiler's own account
	deps=$(gcc "${defines[@]}" -MM -MT x "$file" 2>/dev/null | sed 's/^x://;s/\\$//' | tr ' ' '\n' | grep -v '^$')
	if [ -e "$mark" ]; then
		newer=$(find $deps .clang-tidy tools/lint.sh -newer "$mark" 2>/dev/null | head -n 1)
		[ -n "$newer" ] || exit 0
	fi
	out=$(
		bad=0
		clang-tidy --quiet "$file" -- -std=c17 "${defines[@]}" -Wno-everything 2>/dev/null || bad=1
		# cppcheck does not see that a callee fills an array; gcc and clang, who do, look for the same
		cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 --enable=warning,portability,performance \
			--suppress=missingIncludeSystem --suppress=uninitvar --suppress=ctuuninitvar --suppress=normalCheckLevelMaxBranches "${defines[@]}" -U_WIN32 "$file" 2>&1 || bad=1
		# gcc 12 loses sight of memory that a struct owns; leaks are found by ASan in every test instead
		gcc -std=c17 -O1 -fanalyzer -Wno-analyzer-malloc-leak -Werror "${defines[@]}" -S -o /dev/null "$file" 2>&1 || bad=1
		exit $bad
	)
	if [ $? -eq 0 ]; then
		touch "$mark"
		exit 0
	fi
	printf '%s\n' "$out"
	exit 1
fi

mapfile -t c_files < <(find src api bench clients -name node_modules -prune -o -name '*.c' -print 2>/dev/null | sort)
mapfile -t all_files < <(find src api bench clients tests -name node_modules -prune -o -name '*.[ch]' -print 2>/dev/null | sort)
bad=0

if [ -e "$marks/format" ]; then
	mapfile -t changed < <(find "${all_files[@]}" .clang-format -newer "$marks/format")
else
	changed=("${all_files[@]}")
fi
if [ ${#changed[@]} -gt 0 ]; then
	if clang-format --dry-run -Werror "${all_files[@]}"; then touch "$marks/format"; else bad=1; fi
fi
awk -f tools/layers.awk src/LAYERS $(find src api clients -name '*.[ch]' | sort) || bad=1
printf '%s\n' "${c_files[@]}" | xargs -P 2 -n 1 tools/lint.sh || bad=1
exit $bad
