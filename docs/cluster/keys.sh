#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys and certificates of a cluster, made on a machine that is none of its hosts and kept offline:
#   keys.sh CERTS NAME=ADDRESS NAME=ADDRESS NAME=ADDRESS
# CERTS/authorities keeps the two authorities (10 years) and goes nowhere; CERTS/NAME/etcd and CERTS/NAME/patroni go to that
# host, CERTS/menedek to the node that is set up first.  Run again it makes new certificates under the same authorities: so
# they are renewed, and so a host that takes a lost one's place gets its own.
set -eu
umask 077
days=825 # of all but the authorities
[ $# -ge 2 ] || { sed -n 's/^#   //p' "$0" >&2; exit 2; }
dir=$1
shift
made=$dir/authorities
mkdir -p "$made"
curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

# authority NAME: unless it is there
authority() {
	[ ! -e "$made/$1.key" ] || return 0
	# shellcheck disable=SC2086
	openssl req -x509 $curve -days 3650 -subj "/CN=$1" -addext keyUsage=critical,keyCertSign,cRLSign \
		-keyout "$made/$1.key" -out "$made/$1.crt" 2>"$made/log" || { cat "$made/log" >&2; exit 1; }
}

# issue AUTHORITY FILE NAME USAGE [ADDRESS]: FILE.key and FILE.crt
issue() {
	mkdir -p "${2%/*}"
	{
		printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n' "$4"
		[ -z "${5:-}" ] || printf 'subjectAltName=IP:%s\n' "$5"
	} >"$made/extensions"
	# shellcheck disable=SC2086
	{
		openssl req $curve -subj "/CN=$3" -keyout "$2.key" -out "$made/request" &&
			openssl x509 -req -in "$made/request" -CA "$made/$1.crt" -CAkey "$made/$1.key" -days $days \
				-set_serial "0x$(openssl rand -hex 16)" -extfile "$made/extensions" -out "$2.crt"
	} 2>"$made/log" || { cat "$made/log" >&2; exit 1; }
}

authority steering-ca
authority database-ca
for host; do
	name=${host%%=*} address=${host#*=}
	[ "$name" != "$host" ] || { echo "$host: NAME=ADDRESS is wanted" >&2; exit 2; }
	issue steering-ca "$dir/$name/etcd/steering" "$name" serverAuth,clientAuth "$address"
	mkdir -p "$dir/$name/patroni"
	cp "$dir/$name/etcd/steering.key" "$dir/$name/etcd/steering.crt" "$dir/$name/patroni/"
	issue database-ca "$dir/$name/patroni/database" "$name" serverAuth "$address"
	issue database-ca "$dir/$name/patroni/replicator" replicator clientAuth
	cp "$made/steering-ca.crt" "$dir/$name/etcd/"
	cp "$made/steering-ca.crt" "$made/database-ca.crt" "$dir/$name/patroni/"
done
issue database-ca "$dir/menedek/menedek" menedek clientAuth
cp "$made/database-ca.crt" "$dir/menedek/ca.crt"
rm -f "$made/extensions" "$made/request" "$made/log"
openssl x509 -in "$dir/menedek/menedek.crt" -noout -enddate | sed "s/notAfter=/made in $(printf %s "$dir" | sed 's/[&/\]/\\&/g'); they end on /"
