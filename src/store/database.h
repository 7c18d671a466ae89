/* SPDX-License-Identifier: Apache-2.0 */
/* What can be seen from this machine of the database behind a shared store, for people who look after it.
 * Knows no record and needs no key; changes nothing. */
#ifndef MENEDEK_DATABASE_H
#define MENEDEK_DATABASE_H

#include <stdint.h>

#include "base/fault.h"

#define DATABASE_SERVERS  8u
#define DATABASE_NAME     256u
#define DATABASE_REGISTRY 40u
#define DATABASE_SYSTEM   24u

struct database_server {
	char name[DATABASE_NAME];
	bool answers, leads;
	bool follows;                     /* a standby that is receiving */
	bool waits;                       /* a leader that answers a commit only when a standby has it, too */
	char awaited[DATABASE_NAME];      /* the standby it waits for, as its settings name it */
	unsigned followers;               /* of a leader: standbys that are connected */
	uint32_t timeline;                /* of a leader */
	uint64_t behind;                  /* of a standby: bytes of the leader's log not yet replayed */
	uint64_t at;                      /* its place in the log */
	char system[DATABASE_SYSTEM];     /* of a leader: the number that initdb gave it */
	char registry[DATABASE_REGISTRY]; /* of a leader: the database's own id; "" without tables */
	unsigned nodes;                   /* of a leader: nodes heard of in the last five seconds */
	bool is_closed;  /* of a leader: a move out of it has begun, and no change is taken */
	bool lacks_last; /* of a leader: it has not what this node acknowledged last in the same registry */
};

struct database_look {
	unsigned count;
	struct database_server servers[DATABASE_SERVERS];
	/* the one that a node with this past takes; else that has what it acknowledged last; else on the
	 * highest timeline.  NULL: nobody leads */
	const struct database_server *leader;
	char followed[DATABASE_REGISTRY]; /* what this node's copy has followed; "" before it has */
	char system[DATABASE_SYSTEM];     /* on servers of this number */
	uint32_t seen;                    /* and the highest timeline it saw */
	bool keeps_keys;                  /* this node makes and destroys keys (store/shared_ring.h) */
	char astray[DATABASE_NAME]; /* a file that the string names where a confined node cannot read it */
};

/** Does the store in the directory ${path} live in a database? */
bool database_is(const char *path);

/**
 * Ask all servers that the store in ${path} names, some seconds at most for each, and read what the copy
 * remembers; the service may run meanwhile.  RC_OK also when no server answers.  RC_UNAVAILABLE: a name is
 * not known; RC_INVALID: the connection string is not one, or lets anybody pose as the database.
 */
MUST_USE enum rc database_look_at(const char *path, struct database_look *out, struct fault *f);

/** Does a node with this look's past refuse the leader, as one that was left behind (why=stale_primary), was
 * restored from a dump (why=restored) or lacks what was acknowledged here last (why=changes_lost)? */
bool database_is_refused(const struct database_look *look);

/**
 * The copy of a closed store is put aside, under a name of its own beside it, so that the next opening makes
 * a new one from whatever database leads; or is put back, in place of that new one.  Until it is settled that
 * it stays aside the store is unsettled: without that copy a node knows no more what it refuses, so nobody
 * but who settles it may open it.  RC_BUSY: the store is being served; RC_TAKEN: an older copy is aside,
 * which is not written over; RC_UNAVAILABLE.
 */
MUST_USE enum rc database_copy_aside(const char *path, struct fault *f);
MUST_USE enum rc database_copy_settle(const char *path, struct fault *f);
bool database_is_unsettled(const char *path);
MUST_USE enum rc database_copy_back(const char *path, struct fault *f);

#endif
