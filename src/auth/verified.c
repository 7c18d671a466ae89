/* SPDX-License-Identifier: Apache-2.0 */
/* A table in which a token has a choice of four places, so that two people whose tokens fall on the same do
 * not push each other out at every request; a fifth takes the place of the one that ends first.  Places share
 * a few locks, held for a copy. */
#include "auth/verified.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SETS   2048u /* with CHOICE: people signed in at a time, with room to spare; powers of two */
#define CHOICE 4u
#define LOCKS  64u

struct place {
	bool is_used;
	uint8_t digest[32];
	struct token token;
};

struct verified {
	pthread_mutex_t locks[LOCKS]; /* lock i guards sets i, i + LOCKS, ... */
	struct place places[SETS][CHOICE];
};

/* Nobody can choose what a digest begins with and also have the text signed by us. */
static unsigned
set_of(const uint8_t digest[32])
{
	return get_u32(digest) % SETS;
}

static bool
is_of(const struct place *place, const uint8_t digest[32])
{
	return place->is_used && memcmp(place->digest, digest, sizeof(place->digest)) == 0;
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
	const unsigned set = set_of(digest);
	bool is_found = false;

	pthread_mutex_lock(&v->locks[set % LOCKS]);
	for (unsigned i = 0; i < CHOICE && !is_found; i++) {
		is_found = is_of(&v->places[set][i], digest);
		if (is_found)
			*out = v->places[set][i].token;
	}
	pthread_mutex_unlock(&v->locks[set % LOCKS]);
	return is_found;
}

/* Its own if it has one, else an empty one, else the one whose token ends first. */
static struct place *
choose(struct place places[CHOICE], const uint8_t digest[32])
{
	struct place *best = &places[0];

	for (unsigned i = 0; i < CHOICE; i++) {
		struct place *place = &places[i];

		if (is_of(place, digest))
			return place;
		if (best->is_used &&
		    (!place->is_used || place->token.claims.expires_at < best->token.claims.expires_at))
			best = place;
	}
	return best;
}

void
verified_add(struct verified *v, const uint8_t digest[32], const struct token *token)
{
	const unsigned set = set_of(digest);
	struct place *place;

	pthread_mutex_lock(&v->locks[set % LOCKS]);
	place = choose(v->places[set], digest);
	place->is_used = true;
	memcpy(place->digest, digest, sizeof(place->digest));
	place->token = *token;
	pthread_mutex_unlock(&v->locks[set % LOCKS]);
}
