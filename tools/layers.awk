# SPDX-License-Identifier: Apache-2.0
# Check that includes only look down.  First file: src/LAYERS; then all sources.  Prints each breach, exit 1.
FNR == NR { if ($0 !~ /^#/) for (i = 1; i <= NF; i++) rank[$i] = FNR; next }
FNR == 1 { dir = FILENAME; sub(/\/[^\/]*$/, "", dir) }
/^#include "/ {
	split($0, q, "\""); inc = q[2]
	if (inc !~ /\//) next
	to = inc; sub(/\/[^\/]*$/, "", to)
	if (to in rank) ; else if (("src/" to) in rank) to = "src/" to; else next
	if (to != dir && rank[to] >= rank[dir]) { printf "%s:%d: %s may not include %s\n", FILENAME, FNR, dir, inc; bad = 1 }
}
/^#include </ {
	h = $0; sub(/^#include </, "", h); sub(/>.*/, "", h)
	home = ""
	if (h ~ /^microhttpd/) home = "^src/server/httpd"
	else if (h ~ /^gnutls/) home = "^src/server/tls"
	else if (h ~ /^nettle/) home = "^src/crypto/(gcm|digest)"
	else if (h ~ /^lmdb/) home = "^src/store/lmdb"
	else if (h ~ /^libpq/) home = "^src/store/pg"
	else if (h ~ /^jwt/) home = "^src/auth/jwt"
	else if (h ~ /cJSON/) home = "^(src/base/json|clients/c/client)"
	else if (h ~ /^openssl/) home = "^(src/crypto/|clients/c/)"
	else if (h ~ /^p11-kit/) home = "^src/crypto/pkcs11"
	else if (h ~ /^liboath/) home = "^src/crypto/totp"
	else if (h ~ /^seccomp/ || h ~ /landlock/) home = "^src/base/confine"
	if (home != "" && FILENAME !~ home) { printf "%s:%d: <%s> has its home in %s\n", FILENAME, FNR, h, home; bad = 1 }
}
END { exit bad }
