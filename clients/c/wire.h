/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS connection and HTTP/1.1 over it: send a request, read an answer's head, read its body piece by
 * piece.  Every wait ends at a time.  Knows no operation, no person and no retry.  Not installed.
 */
#ifndef MENEDEK_WIRE_H
#define MENEDEK_WIRE_H

#include <stdatomic.h>
#include <stdint.h>

#include "menedek.h"

#define WIRE_HEAD 16384u /* bytes of an answer's head: four times what the registry sends */
#define WIRE_HOST 256u

struct wire_address {
	char host[WIRE_HOST];
	char port[6];
};

/** "https://HOST[:PORT][/]"; an IPv6 host in brackets.  *path (may be NULL) is what follows.  False for
 * anything else. */
bool wire_address_parse(const char *url, struct wire_address *out, const char **path);

struct wire_identity; /* certificates and keys, ready for any number of connections */

/** As struct menedek_options names them. */
enum menedek_outcome wire_identity_new(
    const struct menedek_options *options, struct wire_identity **out, struct menedek_problem *problem);
void wire_identity_free(struct wire_identity *identity); /* NULL-safe */

/**
 * Whoever waits on a connection of ${identity} gives up within half a second after *is_over was set, as if
 * its time had come; but for a name that is being looked up.  Set before the first of them is opened;
 * *is_over outlives them.
 */
void wire_identity_watch(struct wire_identity *identity, const atomic_bool *is_over);

struct wire;

struct wire_head {
	int status;
	char etag[MENEDEK_ETAG];
	unsigned retry_after;
	bool is_chunked, is_kept; /* is_kept: another request may follow */
	bool has_length;
	bool is_between; /* after a chunk's bytes, before its end */
	uint64_t left;   /* bytes of the body, or of its chunk, not read yet */
	bool is_done;
};

/** Milliseconds of a clock that nobody sets. */
int64_t wire_now(void);

enum menedek_outcome wire_open(const struct wire_identity *identity, const struct wire_address *to,
    int64_t until, struct wire **out, struct menedek_problem *problem);
void wire_close(struct wire *w); /* NULL-safe; says good-bye without waiting */

/** MENEDEK_UNREACHABLE: the connection is gone, and how much was heard is not known. */
enum menedek_outcome wire_send(struct wire *w, const void *data, size_t len, int64_t until);

/** MENEDEK_UNREACHABLE: gone or late; MENEDEK_TLS: shut out by an alert; MENEDEK_PROTOCOL: no HTTP. */
enum menedek_outcome wire_head_read(struct wire *w, int64_t until, struct wire_head *out);

/** Some bytes of the body, at most ${cap}; *got 0 with head->is_done: it ended.  *got 0 without: ${until}
 * passed. */
enum menedek_outcome wire_body_read(
    struct wire *w, struct wire_head *head, void *buf, size_t cap, int64_t until, size_t *got);

/** Fill ${problem} (may be NULL) and return ${outcome}. */
enum menedek_outcome wire_problem(struct menedek_problem *problem, enum menedek_outcome outcome,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
