#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make run` does: the sample registry in var/dev and its certificates in certs/dev, made once and kept; then, for
# every role, a line to paste into another terminal; then the service in the foreground.
#   tools/run.sh BIN          PORT=9443 tools/run.sh BIN
set -eu
cd "$(dirname "$0")/.."
bin=$1
dir=var/dev certs=certs/dev
port=${PORT:-8443}
url=https://localhost:$port

if ! [ -e "$dir/.ready" ]; then
	echo "Making the sample registry in $dir and its certificates in $certs (once)" >&2
	mkdir -p var certs
	tools/sample.sh "$bin" "$dir" "$certs"
	touch "$dir/.ready"
fi

# a line that signs ROLE in and goes on with what stands after it
paste() {
	role=$1 what=$2
	shift 2
	printf '\n# %s: %s\n' "$role" "$what"
	printf "TOKEN=\$(curl -K %s/%s.curl -d @%s/%s.json %s/v1/tokens | sed 's/.*access_token\":\"//;s/\".*//') && " \
		"$certs" "$role" "$certs" "$role" "$url"
	printf '%s\n' "$*"
}
curl_as() {
	printf 'curl -K %s/%s.curl -H "Authorization: Bearer $TOKEN"' "$certs" "$1"
}
id='sed '"'"'s/^{"id":"//;s/".*//'"'"
shelter="sed 's/.*\"shelters\":\\[\"//;s/\".*//'"
need='{"channel":"phone","household":{"case_type":"partner_violence","women":1,"children":[{"sex":"female","band":"3-9"},{"sex":"male","band":"0-2"}]}}'

echo
echo "Paste a line into another terminal, in this directory:"
c=$(curl_as counsellor)
paste counsellor 'open a request for a woman with two children, search for her' \
	"EPISODE=\$($c -H \"Idempotency-Key: \$(date +%s%N)\" -d '$need' $url/v1/episodes | $id) && $c -X POST $url/v1/episodes/\$EPISODE/searches"
c=$(curl_as shift_lead)
paste shift_lead 'what the desk has open' "$c $url/v1/episodes"
c=$(curl_as shelter_staff)
paste shelter_staff 'everything in my house is still true' \
	"HOUSE=\$($c $url/v1/me | $shelter) && $c -X POST $url/v1/shelters/\$HOUSE/confirmations"
c=$(curl_as shelter_manager)
paste shelter_manager 'who looked at where my house is' \
	"HOUSE=\$($c $url/v1/me | $shelter) && $c $url/v1/shelters/\$HOUSE/looks"
c=$(curl_as family_support)
paste family_support 'where there may be a place, by type and zone' "$c $url/v1/capacity"
c=$(curl_as admin)
paste admin 'people who may sign in' "$c '$url/v1/users?limit=5'"
c=$(curl_as auditor)
paste auditor 'the audit trail' "$c '$url/v1/audit?limit=5'"
c=$(curl_as statistician)
paste statistician 'placements by type and zone' "$c '$url/v1/statistics?table=placements'"
echo
exec "$bin" serve --dir "$dir" --listen "127.0.0.1:$port"
