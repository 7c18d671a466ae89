#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A PostgreSQL of its own for a test: in DIR, on a Unix socket in DIR and nothing else, with flushes that count.
#   tests/postgres.sh start DIR               make DIR, start, print the connection string
#   tests/postgres.sh crash DIR               end it at once, keep DIR
#   tests/postgres.sh again DIR [NAME=VALUE]  start it in DIR once more; with other settings than these
#   tests/postgres.sh stop DIR                end it at once and remove DIR
set -eu
verb=$1
dir=$2
shift 2
bin=/usr/lib/postgresql/15/bin

# a server refuses to run as root
as_owner() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

start_server() {
	own=
	for setting; do own="$own -c $setting"; done
	as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 -o \
		"-c listen_addresses='' -c unix_socket_directories='$dir' -c max_connections=60 -c shared_buffers=64MB -c max_wal_size=256MB$own" \
		start >"$dir.log" 2>&1 || {
		cat "$dir.log" "$dir/data/server.log" >&2
		exit 1
	}
}

case $verb in
start)
	mkdir -p "$dir"
	chmod 755 "$dir"
	[ "$(id -u)" != 0 ] || chown postgres "$dir"
	cd "$dir"
	as_owner "$bin/initdb" -k -A trust -U menedek --no-sync --no-locale -E UTF8 -D "$dir/data" >"$dir.log" 2>&1 || {
		cat "$dir.log" >&2
		exit 1
	}
	start_server
	echo "host=$dir user=menedek dbname=postgres"
	;;
crash)
	cd /
	as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null
	;;
again)
	cd /
	start_server "$@"
	;;
stop)
	cd /
	as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || :
	rm -rf "$dir" "$dir.log"
	;;
esac
