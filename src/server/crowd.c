/* SPDX-License-Identifier: Apache-2.0 */
/* A small hash table with one entry for each certificate that is connected now. */
#include "server/crowd.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024u /* fingerprints are digests: two of their bytes spread evenly */

struct member {
	struct member *next;
	unsigned connections;
	uint8_t fingerprint[32];
};

struct crowd {
	unsigned most;
	pthread_mutex_t lock;
	struct member *bucket[BUCKETS]; /* guarded by lock */
};

struct crowd *
crowd_new(unsigned most)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (crowd == NULL)
		return NULL;
	crowd->most = most;
	(void)pthread_mutex_init(&crowd->lock, NULL);
	return crowd;
}

void
crowd_free(struct crowd *crowd)
{
	if (crowd == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (crowd->bucket[i] != NULL) {
			struct member *member = crowd->bucket[i];

			crowd->bucket[i] = member->next;
			free(member);
		}
	}
	(void)pthread_mutex_destroy(&crowd->lock);
	free(crowd);
}

/* Where the pointer to the member of ${fingerprint} is, or where it would be. */
static struct member **
find(struct crowd *crowd, const uint8_t fingerprint[32])
{
	struct member **at = &crowd->bucket[(fingerprint[0] * 256u + fingerprint[1]) % BUCKETS];

	while (*at != NULL && memcmp((*at)->fingerprint, fingerprint, sizeof((*at)->fingerprint)) != 0)
		at = &(*at)->next;
	return at;
}

bool
crowd_enter(struct crowd *crowd, const uint8_t fingerprint[32])
{
	struct member **at;
	bool is_in = false;

	(void)pthread_mutex_lock(&crowd->lock);
	at = find(crowd, fingerprint);
	if (*at == NULL && (*at = calloc(1, sizeof(**at))) != NULL)
		memcpy((*at)->fingerprint, fingerprint, sizeof((*at)->fingerprint));
	if (*at != NULL && (*at)->connections < crowd->most) {
		(*at)->connections++;
		is_in = true;
	}
	(void)pthread_mutex_unlock(&crowd->lock);
	return is_in;
}

void
crowd_leave(struct crowd *crowd, const uint8_t fingerprint[32])
{
	struct member **at, *member;

	(void)pthread_mutex_lock(&crowd->lock);
	at = find(crowd, fingerprint);
	member = *at;
	if (member != NULL && --member->connections == 0) {
		*at = member->next;
		free(member);
	}
	(void)pthread_mutex_unlock(&crowd->lock);
}
