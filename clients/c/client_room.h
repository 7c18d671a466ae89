/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the client share; nobody else includes it. */
#ifndef MENEDEK_CLIENT_ROOM_H
#define MENEDEK_CLIENT_ROOM_H

#include <cjson/cJSON.h>

#include "wire.h"

#define CLIENT_TOKEN 4097u
#define CLIENT_KEY   37u /* of an Idempotency-Key */

struct menedek {
	struct wire_identity *identity;
	struct wire_address address;
	struct wire *wire; /* kept open between calls, or NULL */
	char language[3];
	int64_t timeout_ms, patience_ms;
	char token[CLIENT_TOKEN];
	int64_t renew_at; /* by wire_now; 0: nobody is signed in */
};

struct client_call {
	const char *method, *path, *body, *if_match;
	const char *accept;      /* or NULL: JSON */
	const char *mark;        /* Last-Event-ID, or NULL */
	char key[CLIENT_KEY];    /* one for all repeats; "": none */
	int64_t until;           /* of all repeats */
	char etag[MENEDEK_ETAG]; /* of the answer */
};

/** Send ${call} over ${w} once and read the answer's head. */
enum menedek_outcome client_ask(
    struct menedek *m, struct wire *w, const struct client_call *call, struct wire_head *head);

/** The body, whole, with a NUL after it; the caller frees it. */
enum menedek_outcome client_body(
    struct wire *w, struct wire_head *head, int64_t until, char **out, size_t *len);

/** What an answer of ${status} says, 2xx or problem+json. */
enum menedek_outcome client_judge(
    const struct wire_head *head, const char *body, struct menedek_problem *problem);

/** With repeats, to the answer's body as JSON (NULL for none; the caller deletes it). */
enum menedek_outcome client_call(
    struct menedek *m, struct client_call *call, cJSON **answer, struct menedek_problem *problem);

/** Renew the token when it is time; a token that cannot be renewed is left to the next call's own refusal. */
void client_renew(struct menedek *m);

/** Sleep, at most until ${until}. */
void client_rest(int64_t ms, int64_t until);

/** Copy the string ${name} of ${object}; false when it is absent or too long, ${out} then is "". */
bool client_text(const cJSON *object, const char *name, char *out, size_t cap);

/** A number from 0 to 65,535 of ${object}, else 0. */
unsigned client_number(const cJSON *object, const char *name);

/** May ${text} stand in a path or a header as it is? */
bool client_is_plain(const char *text, size_t most);

#endif
