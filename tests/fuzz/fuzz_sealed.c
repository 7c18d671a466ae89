/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: a sealed value.  Whatever bytes come never open; a sound one that was hurt (two bytes a wound:
 * place, what is flipped) never opens either.
 */
#include <string.h>

#include "ring.h"

#define PLAIN 40u

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static uint8_t sound[PLAIN + SEAL_OVERHEAD];
static const uint8_t bound[] = "the key of the store";

static void
seal_one(struct keyring *ring)
{
	const uint8_t plain[PLAIN] = "a record";
	uint8_t out[PLAIN];
	size_t n;

	if (keyring_seal(ring, KEY_RECORD, BYTES_OF(bound), BYTES_OF(plain), sound) != RC_OK ||
	    keyring_open_sealed(ring, BYTES_OF(bound), BYTES_OF(sound), out, &n) != RC_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct keyring *ring;
	uint8_t hurt[sizeof(sound)], out[4096];
	size_t n;

	if (ring == NULL)
		ring = fuzz_ring(seal_one);
	if (len < sizeof(out) &&
	    keyring_open_sealed(ring, BYTES_OF(bound), (struct bytes){ p, len }, out, &n) == RC_OK)
		abort();
	memcpy(hurt, sound, sizeof(hurt));
	for (; len >= 2; p += 2, len -= 2)
		hurt[p[0] % sizeof(hurt)] ^= p[1];
	if (memcmp(hurt, sound, sizeof(hurt)) != 0 &&
	    keyring_open_sealed(ring, BYTES_OF(bound), BYTES_OF(hurt), out, &n) == RC_OK)
		abort();
	return 0;
}
