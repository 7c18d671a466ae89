/* SPDX-License-Identifier: Apache-2.0 */
/* A table in which each token has one place; the newer of two takes it.  Places share a few locks, held for a
 * copy. */
#include "auth/verified.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 8192u /* people signed in at a time, with room to spare; powers of two */
#define LOCKS  64u

struct place {
	bool is_used;
	uint8_t digest[32];
	struct token token;
};

struct verified {
	pthread_mutex_t locks[LOCKS]; /* lock i guards places i, i + LOCKS, ... */
	struct place places[PLACES];
};

/* Nobody can choose what a digest begins with and also have the text signed by us. */
static unsigned
place_of(const uint8_t digest[32])
{
	return get_u32(digest) % PLACES;
}

struct verified *
verified_new(void)
{
	struct verified *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	for (unsigned i = 0; i < LOCKS; i++)
		pthread_mutex_init(&v->locks[i], NULL);
	return v;
}

void
verified_free(struct verified *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&v->locks[i]);
	wipe(v, sizeof(*v));
	free(v);
}

bool
verified_find(struct verified *v, const uint8_t digest[32], struct token *out)
{
	const unsigned at = place_of(digest);
	const struct place *place = &v->places[at];
	bool is_found;

	pthread_mutex_lock(&v->locks[at % LOCKS]);
	is_found = place->is_used && memcmp(place->digest, digest, sizeof(place->digest)) == 0;
	if (is_found)
		*out = place->token;
	pthread_mutex_unlock(&v->locks[at % LOCKS]);
	return is_found;
}

void
verified_add(struct verified *v, const uint8_t digest[32], const struct token *token)
{
	const unsigned at = place_of(digest);
	struct place *place = &v->places[at];

	pthread_mutex_lock(&v->locks[at % LOCKS]);
	place->is_used = true;
	memcpy(place->digest, digest, sizeof(place->digest));
	place->token = *token;
	pthread_mutex_unlock(&v->locks[at % LOCKS]);
}
