#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# menedek doctor on a sound installation and on broken ones: each fault is named, in two languages, and nothing is changed.
#   tests/doctor.sh BIN
set -uo pipefail
bin=$(realpath "$1")
work=$(mktemp -d)
dir=$work/data
keys=$work/keys
server=
# shellcheck source=tests/verdict.sh
. "$(dirname "$0")/verdict.sh"
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
unset LC_ALL LC_MESSAGES CREDENTIALS_DIRECTORY
export LANG=C SYSTEMD_UNIT_PATH=$work/units

# doctor WHAT WANTED ARGUMENTS...: must exit with WANTED
doctor() {
	local what=$1 wanted=$2
	shift 2
	"$bin" doctor --dir "$dir" --keys "$keys" "$@" >"$work/out" 2>"$work/err" </dev/null
	local status=$?
	if [ $status -eq "$wanted" ]; then verdict ok; else verdict FAIL "$what: exit $status, wanted $wanted"; fi
}
# says LEVEL LABEL PATTERN: a line of that level about that
says() { if grep -qE "^$1 +$2: .*$3" "$work/out"; then verdict ok; else verdict FAIL "no line: $1 $2: $3"; fi; }
hasnt() { if grep -qE "$1" "$work/out"; then verdict FAIL "a line has: $1"; else verdict ok; fi; }
# broken WHAT COMMAND UNDO LABEL PATTERN: after COMMAND the doctor fails with that line; after UNDO that line is gone
broken() {
	eval "$2"
	doctor "$1" 7
	says FAIL "$4" "$5"
	eval "$3"
	doctor "$1, put right" 0
	hasnt "^FAIL"
}
state() { (cd "$work" && find data keys -type f ! -name lock.mdb -exec sha256sum {} + | sort; find data keys -printf '%p %m %u\n' | sort); }
start() {
	rm -f "$work/away"
	"$bin" serve --dir "$dir" --keys "$keys" --listen 127.0.0.1:0 --checkpoints "$work/away" --sandbox "${1:-try}" >"$work/serve.out" 2>"$work/serve.err" &
	server=$!
	# the notary signs in a thread of its own, before or after that word
	for _ in $(seq 600); do grep -q listening "$work/serve.out" && [ -s "$work/away" ] && return; sleep 0.1; done
	verdict FAIL "the service does not start"
}
stop() {
	kill -TERM "$server"
	wait "$server"
	server=
}

doctor "no registry" 7
says FAIL files "cannot be read"
"$bin" init --quiet --dir "$dir" --keys "$keys" --host localhost,127.0.0.1 --org Operator >/dev/null 2>&1

# ---- nobody serves ----
doctor "no service" 7
says FAIL service "nobody answers at .*control.sock: systemctl start menedek"
says warn sandbox "cannot be looked at"
says ok files "closed"
says ok "root keys" "closed and apart"
says ok "server certificate" "39[0-9] days"
says ok authority "36[0-9][0-9] days"
says ok disk "MiB are free"
says ok systemd "does not run it"

# ---- a sound one ----
keys_held() { "$bin" upkeep --json --dir "$dir" --keys "$keys" 2>/dev/null | sed -n 's/.*"keys":\([0-9]*\).*/\1/p'; }
held=$(keys_held)
start
# within its first second or so the service itself changes the keyring: it makes the key of the day
for _ in $(seq 600); do [ "$(keys_held)" -gt "$held" ] && break; sleep 0.1; done
before=$(state)
doctor "a sound installation" 0 --checkpoints "$work/away"
says ok service "process $server"
says ok sandbox "process|privileges"
says ok "trail signatures" "0 hours old"
hasnt "^FAIL"
grep -q "0 fail" "$work/err" && verdict ok || verdict FAIL "no sum"
doctor "twice" 0
if [ "$before" = "$(state)" ]; then verdict ok; else verdict FAIL "the doctor changed something"; fi
LANG=hu_HU.UTF-8 doctor "in Hungarian" 0 --checkpoints "$work/away"
says ok "szolgáltatás" "válaszol, folyamatszám: $server"
hasnt "certificate|process"
LC_ALL=C LANG=hu_HU.UTF-8 doctor "LC_ALL counts first" 0
says ok service "it answers"
doctor "only what is wrong" 0 --quiet --checkpoints "$work/away"
hasnt "^ok"
doctor "for programs" 0 --json
if [ "$(grep -cE '^\{"check":"[a-z_]+","level":"(ok|warn|fail)","message":"[^"]+"\}$' "$work/out")" = "$(wc -l <"$work/out")" ]; then verdict ok; else verdict FAIL "not JSON lines"; fi

# ---- broken files ----
broken "a data directory for all" 'chmod 755 "$dir"' 'chmod 700 "$dir"' files "other users can reach $dir; close it"
broken "a store for a group" 'chmod 640 "$dir/store/data.mdb"' 'chmod 600 "$dir/store/data.mdb"' files "other users can reach .*data.mdb"
broken "no keyring" 'mv "$dir/keyring/ring" "$work/ring"' 'mv "$work/ring" "$dir/keyring/ring"' files "ring is missing"
broken "no vault" 'mv "$dir/vault" "$work/vault"' 'mv "$work/vault" "$dir/vault"' files "vault is missing"
if [ "$(id -u)" = 0 ]; then
	broken "a file that root left" 'chown 1 "$dir/vault/ring"' 'chown 0 "$dir/vault/ring"' files "vault/ring does not belong"
fi
for key in record.root location.root token.key ca.key audit.key; do
	broken "no $key" "mv '$keys/$key' '$work/$key'" "mv '$work/$key' '$keys/$key'" "root keys" "$key is missing"
	broken "an open $key" "chmod 444 '$keys/$key'" "chmod 400 '$keys/$key'" "root keys" "others can read the key .*$key"
done
mv "$keys/location.root" "$work/location.root"
: >"$keys/location.pkcs11"
chmod 400 "$keys/location.pkcs11"
doctor "a location root in a token" 0
says ok "root keys" "apart"
rm -f "$keys/location.pkcs11"
mv "$work/location.root" "$keys/location.root"
cp -a "$keys" "$dir/keys"
keys=$dir/keys
doctor "keys beside the data" 0
says warn "root keys" "lie in the data directory"
keys=$work/keys
rm -rf "$dir/keys"

# ---- broken certificates ----
cp -a "$keys/tls" "$work/tls"
cert() { # days from now to its end
	openssl req -x509 -key "$keys/tls/server.key" -subj /CN=localhost -days "$1" -out "$work/tls/server.crt" 2>/dev/null
}
# shifted TIME COMMAND...: with another clock; not by the program faketime, which fails when one of its process id was killed before
clock=$(find /usr/lib /usr/local/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
shifted() { LD_PRELOAD=$clock FAKETIME=$1 "${@:2}"; }
cert 5
doctor "a certificate of five days" 0 --tls "$work/tls"
says warn "server certificate" "ends soon: [45] days"
shifted -10d openssl req -x509 -key "$keys/tls/server.key" -subj /CN=localhost -days 5 -out "$work/tls/server.crt" 2>/dev/null
doctor "a certificate that ended" 7 --tls "$work/tls"
says FAIL "server certificate" "has ended and nobody can connect: -[45] days"
echo rubbish >"$work/tls/server.crt"
doctor "no certificate at all" 7 --tls "$work/tls"
says FAIL "server certificate" "cannot be read"
cert 396
chmod 644 "$work/tls/server.key"
doctor "an open server key" 7 --tls "$work/tls"
says FAIL "server certificate" "others can read the key"

# ---- a clock that was set back ----
touch -d "+1 hour" "$dir/store/data.mdb"
doctor "a clock before the data" 7
says FAIL clock "stands before the last write"
touch "$dir/store/data.mdb"

# ---- the unit ----
mkdir "$work/units"
printf '[Service]\nLoadCredential=record.root:%s\n' "$keys/record.root" >"$work/units/menedek.service"
doctor "a unit" 0
says ok systemd "hands over closed keys"
printf 'LoadCredential=token.key:%s\n' "$work/nowhere" >>"$work/units/menedek.service"
doctor "a unit with a key that is not there" 7
says FAIL systemd "not there.*nowhere"
mkdir "$work/units/menedek.service.d"
printf '[Service]\nLoadCredential=token.key:%s\n' "$keys/token.key" >"$work/units/menedek.service.d/override.conf"
doctor "a unit whose drop-in hands over another key of that name" 0
says ok systemd "hands over closed keys"
printf '[Service]\nLoadCredential=\nLoadCredential=location.pkcs11:%s\n' "$work/nowhere" >"$work/units/menedek.service.d/override.conf"
doctor "a drop-in with a key that is not there" 7
says FAIL systemd "not there.*nowhere"
printf '[Service]\nLoadCredential=\n' >"$work/units/menedek.service.d/override.conf"
doctor "a drop-in that takes all keys back" 0
says warn systemd "hands over no key"
printf '[Service]\nLoadCredentialEncrypted=location.root:%s\n' "$keys/location.root" >>"$work/units/menedek.service.d/override.conf"
doctor "and hands one over that is sealed" 0
says ok systemd "hands over closed keys"
rm -r "$work/units/menedek.service.d"
printf '[Service]\nExecStart=/usr/bin/menedek\n' >"$work/units/menedek.service"
doctor "a unit without keys" 0
says warn systemd "hands over no key"
rm -r "$work/units"

# ---- where checkpoints go ----
doctor "a file that is not there" 7 --checkpoints "$work/none"
says FAIL "trail signatures" "no good signature"
sed '$s/[A-Za-z]\([^A-Za-z]*\)$/#\1/' "$work/away" >"$work/forged"
doctor "a forged signature" 7 --checkpoints "$work/forged"
says FAIL "trail signatures" "no good signature"
"$bin" init --quiet --dir "$work/other" --host localhost --org Other >/dev/null 2>&1
cp "$dir/host" "$work/other/host"
"$bin" doctor --dir "$work/other" --checkpoints "$work/away" >"$work/out" 2>"$work/err"
says FAIL "trail signatures" "no good signature"
shifted +3d "$bin" doctor --dir "$dir" --keys "$keys" --checkpoints "$work/away" >"$work/out" 2>"$work/err"
says warn "trail signatures" "7[12] hours old"

# ---- a service that ended ----
stop
doctor "after its end" 7
says FAIL service "nobody answers"
rm -f "$dir/control.sock"
: >"$dir/control.sock"
doctor "something else in the socket's place" 7
says FAIL service "nobody answers"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
