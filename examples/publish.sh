#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A house's places by curl: read the units, say that one is taken or free, watch events.
#   examples/publish.sh read
#   examples/publish.sh set "2. szoba" free|occupied
#   examples/publish.sh watch [SECONDS]
# Environment: MENEDEK_SERVER https://HOST:PORT, MENEDEK_CA, MENEDEK_CERT, MENEDEK_KEY (PEM files), MENEDEK_USER, and
# MENEDEK_PASSPHRASE_FILE, which only its owner may read.  Secrets go to curl through descriptors: arguments can be read by
# every program of the machine.  Needs curl and jq.
set -eu
umask 077

# curl's own arguments, then what it sends on its standard input
call() { curl -sS --fail-with-body --cacert "$MENEDEK_CA" --cert "$MENEDEK_CERT" --key "$MENEDEK_KEY" -H 'Content-Type: application/json' "$@"; }

token=$(jq -nc --arg user "$MENEDEK_USER" --rawfile passphrase "$MENEDEK_PASSPHRASE_FILE" \
	'{user: $user, passphrase: ($passphrase | rtrimstr("\n"))}' |
	call --data-binary @- "$MENEDEK_SERVER/v1/tokens" | jq -r .access_token)
as_me() { # the token comes as a configuration on descriptor 3
	call -K /dev/fd/3 "$@" 3<<END
header = "Authorization: Bearer $token"
END
}
house=$(as_me "$MENEDEK_SERVER/v1/me" | jq -r '.shelters[0]')
units() { as_me "$MENEDEK_SERVER/v1/shelters/$house/availability"; }

case ${1:-} in
read)
	units | jq -r '.units[] | "\(.name): \(.state), \(.free_places) of \(.places) free"'
	;;
set)
	# the ETag says which version we saw: if somebody changed it meanwhile the answer is 412, and we look again
	for _ in 1 2 3; do
		unit=$(units | jq -c --arg name "$2" '.units[] | select(.name == $name)')
		[ -n "$unit" ] || { echo "no unit called $2" >&2; exit 1; }
		status=$(as_me -o /dev/null -w '%{http_code}' -X PUT -H "If-Match: $(printf '%s' "$unit" | jq -r .etag)" \
			-d "{\"state\":\"$3\"}" "$MENEDEK_SERVER/v1/shelters/$house/units/$(printf '%s' "$unit" | jq -r .id)/availability") || true
		[ "$status" = 412 ] || break
	done
	[ "$status" = 200 ] && echo "$2: $3"
	;;
watch)
	# until the stream ends, with its token after a quarter of an hour at most: start it again
	as_me -N ${2:+-m "$2"} -H 'Accept: text/event-stream' "$MENEDEK_SERVER/v1/events" | grep --line-buffered '^event:'
	;;
*)
	sed -n 's/^#   /  /p' "$0" >&2
	exit 2
	;;
esac
