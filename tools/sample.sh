#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make a registry with the sample network in DIR, and in CERTS for one person of every role (and a second administrator): a device certificate
# (ROLE.crt, ROLE.key), the body of the sign-in (ROLE.json) and a configuration for curl (ROLE.curl).
#   tools/sample.sh BIN DIR CERTS
set -eu
umask 077
bin=$1 dir=$2 certs=$3

mkdir -p "$certs"
rm -f "$certs/passphrases.txt"
"$bin" init --force --quiet --dir "$dir" --host localhost,127.0.0.1 --org 'A nyilvántartás üzemeltetője (minta)' \
	--passphrases "$certs/passphrases.txt" >/dev/null
# as for the other people of the sample: nobody has to choose a passphrase first
sed -n 's/^admin //p' "$certs/passphrases.txt" | "$bin" user passphrase --quiet --dir "$dir" --name admin --passphrase-stdin
"$bin" import --quiet --sample --dir "$dir" --passphrases "$certs/passphrases.txt" >/dev/null
cp "$dir/ca.crt" "$certs/ca.crt"
"$bin" user list --json --dir "$dir" >"$certs/people.txt"

while read -r role person; do
	org=$(sed -n "/\"name\":\"$person\"/s/.*\"organisation\":\"\([^\"]*\)\".*/\1/p" "$certs/people.txt")
	"$bin" device add --quiet --force --dir "$dir" --org "$org" --name "$role" --out "$certs/$role" >/dev/null
	sed -n "s/^$person \(.*\)/{\"user\":\"$person\",\"passphrase\":\"\1\"}/p" "$certs/passphrases.txt" \
		>"$certs/$role.json"
	cat >"$certs/$role.curl" <<-END
		cacert = "$certs/ca.crt"
		cert = "$certs/$role.crt"
		key = "$certs/$role.key"
		header = "Content-Type: application/json"
		silent
		show-error
	END
done <<END
counsellor okit.anna
shift_lead okit.vezeto
shelter_staff haz.nyugat1
shelter_manager vezeto.nyugat1
family_support csalad.bela
admin admin
admin_second admin.helyettes
auditor ellenor
statistician statisztika
END
rm -f "$certs/people.txt"
