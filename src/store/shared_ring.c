/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps the ring, and what is done with one that comes.  On the committer's thread, but for opening. */
#include "store/shared_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "crypto/digest.h"

#define KEEPER_FILE "keeper"
#define SENT        8u /* rings that are remembered while nobody knows which of them is there */

/* What stands in the file: under which id this directory keeps the ring, and which of its keys it has
 * published; another that takes the keeping over cannot know those that it has not. */
struct keeper {
	uint8_t id[ID_BYTES];
	uint8_t next_id[4]; /* releases that wrote the id alone know of none: zero */
};

struct shared_ring {
	struct keyring *ring;
	char path[512];
	struct keeper own;     /* zero: this node has never been the keeper */
	atomic_bool is_keeper; /* told to other threads */
	bool is_decided;
	uint64_t published; /* generation of the ring */
	struct keyring_mark giving;
	uint8_t *text; /* id, then the ring as it was last given */
	size_t len;
	uint8_t sent[SENT][DIGEST_BYTES]; /* rings given, from the last that is known to be there */
	unsigned sent_count;
};

static void
read_own(struct shared_ring *s)
{
	char *text = NULL;
	size_t len = 0;

	if (file_read(s->path, sizeof(s->own), &text, &len, NULL) != RC_OK)
		return;
	if (len == ID_BYTES || len == sizeof(s->own))
		memcpy(&s->own, text, len);
	free(text);
}

/* The directory may be confined to making files: no rename. */
static bool
write_own(const struct shared_ring *s)
{
	int fd = open(s->path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool is_good = fd >= 0;

	if (is_good)
		file_give(s->path);
	is_good = is_good && write(fd, &s->own, sizeof(s->own)) == (ssize_t)sizeof(s->own) && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return is_good;
}

/* What it has published under its last id stays published. */
static bool
write_new_id(struct shared_ring *s)
{
	random_fill(s->own.id, sizeof(s->own.id));
	return write_own(s);
}

static enum rc
end_one_keeper(void)
{
	log_world("two_keepers", "another node keeps the keys, too: this one ends");
	return RC_TAKEN;
}

static bool
was_sent(const struct shared_ring *s, struct bytes ring)
{
	uint8_t own[DIGEST_BYTES];

	digest(ring, own);
	for (unsigned i = 0; i < s->sent_count && i < SENT; i++)
		if (memcmp(s->sent[i], own, sizeof(own)) == 0)
			return true;
	return false;
}

/* When the answer to a batch is lost, its ring may turn up after the next one was given. */
static void
note_sent(struct shared_ring *s)
{
	const struct bytes ring = { s->text + ID_BYTES, s->len - ID_BYTES };

	if (!was_sent(s, ring))
		digest(ring, s->sent[s->sent_count++ % SENT]);
}

/* What the keeper finds at its start is its own, or older than a change that it had no time to publish. */
static enum rc
take_own(struct shared_ring *s, struct bytes ring)
{
	enum rc rc;

	if (s->is_decided) /* what it has published, or somebody with a copy of this directory */
		return was_sent(s, ring) ? RC_OK : end_one_keeper();
	s->is_decided = true;
	s->is_keeper = true;
	rc = keyring_import(s->ring, ring, false, 0);
	if (rc == RC_OK)
		s->published = keyring_generation(s->ring);
	return rc == RC_CORRUPT ? RC_OK : rc;
}

/* From here on all that it has comes from others: no ring that has less of it is right. */
static void
forget_keeping(struct shared_ring *s)
{
	if (get_u32(s->own.next_id) == 0)
		return;
	s->own = (struct keeper){ .next_id = { 0 } };
	if (!write_own(s))
		log_world("keeper_file", "not written");
}

static enum rc
take(void *arg, struct bytes shared)
{
	struct shared_ring *s = arg;
	struct bytes ring;
	enum rc rc;

	if (shared.len <= ID_BYTES)
		return RC_CORRUPT;
	ring = (struct bytes){ shared.p + ID_BYTES, shared.len - ID_BYTES };
	if (memcmp(shared.p, s->own.id, ID_BYTES) == 0)
		return take_own(s, ring);
	if (s->is_keeper && s->published > 0)
		return end_one_keeper();
	s->is_keeper = false;
	s->is_decided = true;
	if ((rc = keyring_import(s->ring, ring, true, get_u32(s->own.next_id))) == RC_OK)
		forget_keeping(s);
	else
		log_world("keyring_refused",
		    "rc=%s: the keeper's ring is older than this node's, or of another registry",
		    rc_code(rc));
	return rc;
}

static enum rc
give(void *arg, struct bytes *out)
{
	struct shared_ring *s = arg;
	char *text = NULL;
	size_t len;
	uint8_t *grown;
	enum rc rc;

	if (!s->is_keeper || keyring_generation(s->ring) == s->published)
		return RC_NOT_FOUND;
	if ((rc = keyring_export(s->ring, &text, &len, &s->giving)) != RC_OK) {
		log_world("keyring_kept_back", "rc=%s: what needs it is not committed", rc_code(rc));
		return RC_UNAVAILABLE;
	}
	if ((grown = realloc(s->text, ID_BYTES + len)) != NULL) {
		memcpy(grown, s->own.id, ID_BYTES);
		memcpy(grown + ID_BYTES, text, len);
		s->text = grown;
		s->len = ID_BYTES + len;
		note_sent(s);
	}
	free(text);
	*out = (struct bytes){ s->text, s->len };
	return grown != NULL ? RC_OK : RC_UNAVAILABLE;
}

static void
given(void *arg)
{
	struct shared_ring *s = arg;

	s->sent_count = 0; /* none from before can come any more */
	note_sent(s);
	s->published = s->giving.generation;
	put_u32(s->own.next_id, s->giving.next_id);
	if (!write_own(s)) /* if it is deposed it asks less of the next keeper's ring than it could */
		log_world("keeper_file", "not written");
}

/* Nobody keeps it: this node does from now on, unless another is quicker. */
static enum rc
claim(struct shared_ring *s, const struct engine_ops *ops, struct engine *engine)
{
	struct commit empty = { .next = NULL };

	if (!s->is_decided) {
		if (!write_new_id(s))
			return RC_UNAVAILABLE;
		s->is_decided = true;
		s->is_keeper = true;
	}
	if (!s->is_keeper || keyring_generation(s->ring) == s->published)
		return RC_OK;
	ops->apply(engine, &empty);
	return empty.rc;
}

/* The ring is the one that was published last, which this node has just taken over. */
static enum rc
take_the_keeping(struct shared_ring *s, const struct engine_ops *ops, struct engine *engine)
{
	char *text = NULL;
	size_t len;
	struct keyring_mark mark;
	enum rc rc;

	if (!s->is_keeper) {
		if ((rc = keyring_export(s->ring, &text, &len, &mark)) != RC_OK)
			return rc;
		rc = keyring_import(s->ring, (struct bytes){ (const uint8_t *)text, len }, false, 0);
		free(text);
		if (rc != RC_OK)
			return rc;
		if (!write_new_id(s))
			return RC_UNAVAILABLE;
		s->is_keeper = true;
		s->published = 0;
	}
	rc = claim(s, ops, engine);
	return rc == RC_OK && !s->is_keeper ? RC_TAKEN : rc;
}

/* ${is_other}: somebody else's ring stands there. */
static enum rc
look_whose(const struct shared_ring *s, const struct engine_ops *ops, struct engine *engine, bool *is_other)
{
	const struct key key = log_shared_key();
	struct snapshot *snapshot;
	struct bytes value;
	uint64_t rev;
	enum rc rc = ops->snapshot(engine, &snapshot);

	*is_other = false;
	if (rc != RC_OK)
		return rc;
	if ((rc = ops->get(snapshot, &key, &value, &rev)) == RC_OK)
		*is_other = value.len < ID_BYTES || memcmp(value.p, s->own.id, ID_BYTES) != 0;
	ops->release(snapshot);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc
put_own(struct shared_ring *s, const struct engine_ops *ops, struct engine *engine)
{
	struct write_entry own = { .key = log_shared_key() };
	struct commit commit = { .writes = &own, .write_count = 1 };
	enum rc rc;

	s->own = (struct keeper){ .next_id = { 0 } };
	if (!write_new_id(s))
		return RC_UNAVAILABLE;
	s->is_keeper = true;
	if ((rc = give(s, &own.value)) != RC_OK)
		return rc;
	ops->apply(engine, &commit);
	return commit.rc;
}

/*
 * A registry that came back to one machine makes its keys there, and nobody publishes them: at the next move
 * into a database what some other keeper had published would be older than its own ring, which is refused.
 * So this directory is the keeper from here on, and finds its own there.  Until it has published again it
 * gives up none of its keys for another's ring.  On a full disk the next opening does it.
 */
static void
keep_alone(struct shared_ring *s, const struct engine_ops *ops, struct engine *engine)
{
	bool is_other;
	enum rc rc = look_whose(s, ops, engine, &is_other);

	if (rc == RC_OK && is_other)
		rc = put_own(s, ops, engine);
	if (rc != RC_OK)
		log_world("keeper_file", "rc=%s: the keys are not kept here yet", rc_code(rc));
}

/* Of several nodes: follow the ring that stands there, or be its keeper. */
static enum rc
join(struct shared_ring *s, const struct engine_ops *ops, struct engine *engine, bool must_keep_keys)
{
	struct engine_carrier carrier = { .arg = s, .take = take, .give = give, .given = given };
	enum rc rc;

	if ((rc = ops->carry(engine, &carrier)) == RC_OK)
		rc = claim(s, ops, engine);
	if (rc == RC_OK && must_keep_keys)
		rc = take_the_keeping(s, ops, engine);
	if (rc == RC_OK)
		log_note("keyring_shared", "keeper=%s", s->is_keeper ? "yes" : "no");
	return rc;
}

enum rc
shared_ring_open(const struct engine_ops *ops, struct engine *engine, const struct store_options *options,
    struct shared_ring **out, struct fault *f)
{
	const bool is_alone = ops->carry == NULL;
	struct shared_ring *s;
	enum rc rc = RC_OK;

	*out = NULL;
	if (is_alone && options->must_keep_keys)
		return fault_set(f, RC_TAKEN, MSG_KEYS_ONE_MACHINE, NULL, 0, NULL);
	if (options->keyring == NULL || (is_alone && (options->is_look || ops->is_altered(engine))))
		return RC_OK;
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    !path_join(s->path, sizeof(s->path), options->path, KEEPER_FILE)) {
		free(s);
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "memory");
	}
	s->ring = options->keyring;
	read_own(s);
	if (is_alone)
		keep_alone(s, ops, engine);
	else if ((rc = join(s, ops, engine, options->must_keep_keys)) == RC_OK)
		*out = s;
	if (*out == NULL)
		shared_ring_free(s);
	return rc == RC_OK ? rc : fault_set(f, rc, MSG_STORE_OPEN, NULL, 0, "keyring");
}

bool
shared_ring_is_kept_here(const struct shared_ring *s)
{
	return s == NULL || s->is_keeper;
}

void
shared_ring_free(struct shared_ring *s)
{
	if (s == NULL)
		return;
	free(s->text);
	free(s);
}
