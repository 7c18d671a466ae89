#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What tests/package/install.sh runs inside the bare tree.  Changes the whole machine that it runs on: never run it elsewhere.
set -uo pipefail
[ -e /.complete ] && cd /package || exit 1
passed=0
failed=0
service=
trap '[ -z "$service" ] || kill "$service" 2>/dev/null' EXIT
verdict() { # STATUS WHAT
	if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		echo "FAIL $2"
		tail -n 5 log
	fi
}
same() { [ "$2" = "$3" ]; verdict $? "$1: \"$2\" is not \"$3\""; }
quiet() { "$@" >log 2>&1; }

# ---- installing ----
quiet apt-get update -qq
quiet apt-get install -y -qq --no-install-recommends ./menedek_*.deb
verdict $? "apt installs it"
started=$SECONDS
same "user" "$(getent passwd menedek | cut -d: -f6,7)" /var/lib/menedek:/usr/sbin/nologin
same "directories" "$(stat -c '%n %a %U:%G' /etc/menedek /etc/menedek/keys /etc/menedek/tls /var/lib/menedek | xargs)" \
	"/etc/menedek 755 root:root /etc/menedek/keys 700 root:root /etc/menedek/tls 750 root:menedek /var/lib/menedek 700 menedek:menedek"
same "nothing is made or enabled before anybody asked" "$(find /etc/menedek /var/lib/menedek -type f ! -name menedek.conf | wc -l) $(systemctl is-enabled menedek)" "0 disabled"
bash -c 'source /usr/share/bash-completion/completions/menedek && complete -p menedek' >log
verdict $? "bash completes it"

# ---- setting up: the line of the manual ----
quiet menedek init --keys /etc/menedek/keys --tls /etc/menedek/tls --host localhost,127.0.0.1 --org "Próba" --json
verdict $? "menedek init"
passphrase=$(sed -n 's/.*"passphrase":"\([^"]*\)".*/\1/p' log)
same "what the service needs is its own" "$(find /var/lib/menedek ! -user menedek | wc -l) $(stat -c '%a %U' /etc/menedek/tls/server.key)" "0 400 menedek"
same "root keys are root's own" "$(find /etc/menedek/keys ! -user root | wc -l) $(stat -c %a /etc/menedek/keys/* | sort -u | xargs)" "0 400"
quiet systemctl enable menedek
same "systemctl enable" "$(systemctl is-enabled menedek)" enabled

# ---- starting as the unit says: its user, its copy of the keys, its command; another address, for others test here too ----
settings=/etc/menedek/conf/menedek.conf
sed -i 's/^listen = .*/listen = 127.0.0.1:0/' $settings
quiet menedek check-config --config $settings
verdict $? "the settings are sound"
unit=/lib/systemd/system/menedek.service
of_unit() { sed -n "s/^$1=//p" "$unit"; }
start() {
	local command credentials=/run/credentials/menedek.service
	rm -rf "$credentials"
	install -d -m 0500 -o menedek "$credentials"
	of_unit LoadCredential | while IFS=: read -r name path; do install -m 0400 -o menedek "$path" "$credentials/$name" || exit 1; done || return 1
	install -d -m "$(of_unit RuntimeDirectoryMode)" -o menedek "/run/$(of_unit RuntimeDirectory)"
	command=$(of_unit ExecStart)
	# shellcheck disable=SC2086
	(umask "$(of_unit UMask)" && ulimit -c 0 && exec env CREDENTIALS_DIRECTORY="$credentials" setpriv --reuid "$(of_unit User)" \
		--regid "$(of_unit Group)" --clear-groups --no-new-privs --inh-caps=-all $command) >served 2>&1 &
	service=$!
	for _ in $(seq 200); do
		port=$(sed -n 's/.*listening.*127\.0\.0\.1:\([0-9]*\).*/\1/p' served | head -n 1)
		[ -z "$port" ] || return 0
		kill -0 "$service" 2>/dev/null || break
		sleep 0.1
	done
	cp served log
	return 1
}
stop() { kill -TERM "$service" && wait "$service"; local status=$?; service=; return $status; }
call() { # METHOD PATH [BODY]: the status, and the answer in the file
	curl -sS -o answer -w '%{http_code}' --cacert /var/lib/menedek/ca.crt --cert "$device.crt" --key "$device.key" -X "$1" \
		-H "Authorization: Bearer ${token:-}" -H 'Content-Type: application/json' ${3:+-d "$3"} "https://localhost:$port$2" 2>log
}
sign_in() { # PASSPHRASE
	token=
	same "sign in" "$(call POST /v1/tokens "{\"user\":\"admin\",\"passphrase\":\"$1\"}")" 201
	token=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' answer)
}

start
verdict $? "the service starts"
device=/var/lib/menedek/devices/admin
sign_in "$passphrase"
own="kilenc kék kancsó vár"
same "a passphrase of one's own" "$(call PUT /v1/me/passphrase "{\"old_passphrase\":\"$passphrase\",\"new_passphrase\":\"$own\"}")" 204
sign_in "$own"
same "the first call" "$(call GET /v1/users)" 200
grep -q '"name":"admin"' answer
verdict $? "names the administrator"
same "the console" "$(call GET /)" 200
curl -sS --cacert /var/lib/menedek/ca.crt "https://localhost:$port/" >log 2>&1
[ $? -ne 0 ]
verdict $? "who has no device is shut out"
same "it runs as its user" "$(ps -o user= -p "$service" 2>/dev/null || stat -c %U "/proc/$service")" menedek
echo 'hold-time = 20m' >>$settings
kill -HUP "$service"
for _ in $(seq 100); do grep -q 'reloaded setting=hold-time' served && break; sleep 0.1; done
grep -q 'reloaded setting=hold-time from=30m to=20m' served
verdict $? "it reads its settings again, confined as it is"
same "a call after that" "$(call GET /v1/users)" 200
echo "from installed to the first call: $((SECONDS - started)) s"
quiet env SYSTEMD_UNIT_PATH=/usr/lib/systemd/system menedek doctor --keys /etc/menedek/keys --tls /etc/menedek/tls
verdict $? "the doctor finds nothing that keeps it from working, not in the unit either"
cp log doctor
quiet menedek doctor --keys /etc/menedek/keys --tls /etc/menedek/tls && grep -q 'systemd does not run it' log
verdict $? "where no systemd runs, the doctor does not ask for one"
stop
verdict $? "it ends when told to"

# ---- what root does by hand does not shut the service out ----
quiet menedek device add --keys /etc/menedek/keys --org "Próba" --name "second" --out /root/second
verdict $? "another device"
quiet menedek user add --keys /etc/menedek/keys --org "Próba" --name second --roles admin
verdict $? "another person"
quiet menedek rotate-keys --keys /etc/menedek/keys
verdict $? "new data keys"
quiet menedek check
verdict $? "who leaves --keys out at night has the package's all the same"
quiet menedek user list --dir /var/lib/menedek
verdict $? "and who names the directory"
quiet menedek init --host localhost --org "Próba" --force --dir /root/elsewhere-new && quiet menedek check --dir /root/elsewhere-new
verdict $? "another registry has its own"
rm -r /root/elsewhere-new
same "nothing there is root's" "$(find /var/lib/menedek ! -user menedek | wc -l)" 0
start
verdict $? "the service starts again"
device=/root/second
sign_in "$own"

# ---- backing up while it serves, and restoring after the disk was lost, as docs/operations.md says ----
mkdir -m 0700 /root/elsewhere
quiet menedek backup --keys /etc/menedek/keys --out /root/elsewhere
verdict $? "a backup while it serves"
stop
verdict $? "and ends"
quiet menedek backup verify --keys /etc/menedek/keys --from "$(ls /root/elsewhere/*)"
verdict $? "the backup is sound"
rm -rf /var/lib/menedek/*
quiet menedek check --keys /etc/menedek/keys
[ $? -ne 0 ]
verdict $? "without its files there is no registry"
same "a new registry does not take the old one's keys" "$(menedek init --host localhost --org "Próba" >log 2>&1; menedek rotate-keys >>log 2>&1; find /etc/menedek/keys -newer "$(ls /root/elsewhere/*)" -type f | wc -l) $(ls /var/lib/menedek/keys/record.root)" "0 /var/lib/menedek/keys/record.root"
rm -rf /var/lib/menedek/*
quiet menedek restore --keys /etc/menedek/keys --from "$(ls /root/elsewhere/*)"
verdict $? "a restore"
same "what was restored is the service's own" "$(find /var/lib/menedek ! -user menedek | wc -l)" 0
quiet menedek check --keys /etc/menedek/keys
verdict $? "is sound"
start
verdict $? "the service starts on it"
sign_in "$own"
same "a call" "$(call GET /v1/users)" 200
grep -q '"name":"second"' answer
verdict $? "finds what was there"
stop
verdict $? "and ends once more"
rm -r /root/elsewhere

# ---- removing ----
keys=$(cat /etc/menedek/keys/* | sha256sum)
quiet apt-get purge -y -qq menedek
verdict $? "purge"
same "keeps keys and data" "$keys $(stat -c %U /var/lib/menedek/store/data.mdb)" "$(cat /etc/menedek/keys/* | sha256sum) menedek"
[ ! -e /usr/bin/menedek ] && [ ! -e "$unit" ]
verdict $? "and nothing of the program"
quiet apt-get install -y -qq --no-install-recommends ./menedek_*.deb
quiet menedek check --keys /etc/menedek/keys
verdict $? "installed again, it goes on"
MENEDEK_PURGE=yes quiet apt-get purge -y -qq menedek
verdict $? "purge with consent"
same "leaves nothing" "$(ls -d /etc/menedek /var/lib/menedek 2>/dev/null | wc -l)" 0

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
