#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The man pages and the completion say what --help says: no command, option or example more or less, and all are well formed.
#   tests/manual.sh BIN
set -uo pipefail
bin=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
same() { # WHAT FILE FILE
	if diff "$2" "$3" >"$work/diff"; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "FAIL $1"
		head -n 6 "$work/diff"
	fi
}
text() { mandoc -T utf8 -O width=400 "$1" | LC_ALL=C.UTF-8 sed 's/.\x08//g'; }
squeeze() { sed 's/[[:space:]]\+/ /g; s/^ //; s/ $//'; }

# what a page says: sentence, needed and other options each with its meaning, examples
said_by_page() {
	text "$1" | awk '
		/^[A-Z]/ { if (entry != "") print entry; entry = ""; part = $0; next }
		NF == 0 { next }
		part == "NAME" { sub(/^ *[a-z0-9-]+ [-–—] /, ""); print "NAME " $0; next }
		part == "NEEDED" || part == "OPTIONS" {
			if ($0 ~ /^ ? ? ? ? ? ? ?--/ && entry != "") print entry
			entry = ($0 ~ /^ ? ? ? ? ? ? ?--/ ? part : entry) " " $0
			next
		}
		part == "EXAMPLES" { print part " " $0 }' | squeeze
}
said_by_help() {
	"$bin" help $1 | awk '
		NR == 1 { sub(/^[^:]*: /, ""); print "NAME " $0; next }
		/^[A-Z]/ { part = toupper($0); next }
		NF && (part == "NEEDED" || part == "OPTIONS" || part == "EXAMPLES") { print part " " $0 }' | squeeze
}

"$bin" completion >"$work/completion"
"$bin" manual --out-dir "$work/man"
# the table, as help lists it: what "menedek help" names and knows in full
"$bin" help | sed -n 's/^  \([a-z]\)/\1/p' | while read -r one two _; do
	if "$bin" help "$one" "$two" 2>/dev/null | grep >/dev/null "^menedek $one $two:"; then echo "$one $two"; else echo "$one"; fi
done | sort >"$work/commands"
{ sed 's/ /-/; s/^/menedek-/; s/$/.1/' "$work/commands"; echo menedek.1; } | sort >"$work/pages"
LC_ALL=C ls "$work/man" | sort >"$work/made"
same "a page for every command, and no other" "$work/pages" "$work/made"
sed -n "s/^		\['\(.*\)'\]='--.*/\1/p" "$work/completion" | sort >"$work/completed"
same "completion knows every command, and no other" "$work/commands" "$work/completed"
text "$work/man/menedek.1" | sed -n 's/^ *menedek-\([a-z-]*\)(1).*/menedek-\1.1/p' | sort >"$work/listed"
same "menedek(1) lists every command" <(grep -v '^menedek.1$' "$work/pages") "$work/listed"

: >"$work/nothing"
while read -r command; do
	page=$work/man/menedek-${command/ /-}.1
	said_by_help "$command" >"$work/help"
	said_by_page "$page" >"$work/page"
	same "the page of $command is its --help" "$work/help" "$work/page"
	"$bin" manual $command >"$work/alone"
	same "menedek manual $command prints that page" "$work/alone" "$page"
	# no date stands in a page, so that the same table makes the same bytes
	mandoc -T lint -W warning "$page" | grep -v 'missing date' >"$work/lint"
	same "the page of $command is well formed" "$work/nothing" "$work/lint"
	"$bin" help $command | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p' | { cat; echo --help; } | sort >"$work/help"
	sed -n "s/^		\['$command'\]='\(--.*\)'/\1/p" "$work/completion" | tr ' ' '\n' | grep . | sort >"$work/page"
	same "completion of $command offers its options" "$work/help" "$work/page"
done <"$work/commands"

# as bash runs it: words typed, the last one being completed
complete() { # WANTED WORDS...
	local wanted=$1
	shift
	got=$(bash -c 'compopt() { :; }; source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _menedek; printf "%s\n" "${COMPREPLY[@]}" | sort | xargs' \
		"$work/completion" menedek "$@" 2>&1)
	if [ "$got" = "$wanted" ]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "FAIL completion of \"$*\": \"$got\", wanted \"$wanted\""
	fi
}
mkdir "$work/place"
complete "serve" ser
complete "device" dev
complete "add list revoke" device ""
complete "factor-remove" user fac
complete "--p12 --p12-old" device add --p
complete "require try" serve --sandbox ""
complete "$work/place" serve --dir "$work/pl"
complete "people=" import peo
complete "revoke" help device rev
complete "" device add --name ""
complete "" nothing --x

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
