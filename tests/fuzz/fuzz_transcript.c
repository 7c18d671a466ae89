/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: an export of the audit trail as an outsider reads it, and a file of kept checkpoints. */
#include <stdlib.h>
#include <string.h>

#include "ledger/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct signing_key *key;
	static struct signer signer;
	struct kept kept = { .items = NULL };
	struct transcript_check check = { .signer = &signer, .kept = &kept };
	struct checkpoint c;
	uint64_t number = 0;

	if (key == NULL) {
		struct pem private, public;

		if (signing_new(&private, &public) != RC_OK || signing_load(&public, false, &key) != RC_OK ||
		    signer_init(&signer, "localhost", key) != RC_OK)
			abort();
	}
	for (const uint8_t *at = p, *end; at < p + len; at = end + 1) {
		if ((end = memchr(at, '\n', (size_t)(p + len - at))) == NULL)
			end = p + len;
		const struct bytes line = { at, (size_t)(end - at) };

		/* nobody has the private key any more */
		if (checkpoint_read_line(&signer, line, &c) && checkpoint_verify(&signer, &c))
			abort();
		(void)!kept_add(&kept, &signer, line, ++number);
		(void)transcript_take(&check, (const char *)at, line.len);
	}
	kept_sort(&kept);
	(void)transcript_end(&check);
	kept_free(&kept);
	return 0;
}
