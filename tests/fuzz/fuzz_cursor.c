/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: a cursor.  Whatever text comes is none; one of ours that was hurt (two bytes a wound: place,
 * what is flipped) is none either, nor is a sound one in the hands of somebody else.
 */
#include <string.h>

#include "gate.h"
#include "ring.h"

#define ROOM 128u /* a cursor and its NUL */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static struct parts parts;
static struct api api = { .parts = &parts };
static char sound[ROOM];

static void
make_one(struct keyring *ring)
{
	struct call c = { .api = &api };
	struct id back;
	const struct id last = id_new();
	uint64_t number;

	parts.keyring = ring;
	if (cursor_make(&c, &last, 7, sound, sizeof(sound)) != RC_OK ||
	    cursor_open(&c, sound, &back, &number) != RC_OK || number != 7 || !id_equal(&last, &back))
		abort();
}

static void
must_be_none(struct call *c, const char *text)
{
	struct id last;
	uint64_t number;

	c->fault.count = 0;
	if (cursor_open(c, text, &last, &number) == RC_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct call c = { .api = &api };
	char text[1024], hurt[ROOM];

	if (parts.keyring == NULL)
		(void)fuzz_ring(make_one);
	if (len >= sizeof(text))
		return 0;
	memcpy(text, p, len);
	text[len] = '\0';
	if (strcmp(text, sound) != 0)
		must_be_none(&c, text);
	memcpy(hurt, sound, sizeof(hurt));
	for (size_t i = 0; i + 1 < len; i += 2)
		hurt[p[i] % strlen(sound)] ^= p[i + 1];
	if (strcmp(hurt, sound) != 0)
		must_be_none(&c, hurt);
	if (len >= ID_BYTES) {
		memcpy(c.who.user.id.b, p, ID_BYTES);
		if (!id_is_zero(&c.who.user.id))
			must_be_none(&c, sound);
	}
	return 0;
}
