/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first look at a request head, before anything acts on it: what two readers could understand differently
 * is refused, not interpreted.  Pure: knows no library, no connection, no route.
 */
#ifndef MENEDEK_GUARD_H
#define MENEDEK_GUARD_H

#include "call.h"

struct guard_field {
	const char *name, *value;
	size_t name_len, value_len;
	size_t spaces; /* between the colon and the value, as received */
};

/** A request head as the HTTP library split it.  Nothing here is trusted. */
struct guard_request {
	const char *method, *version;
	char *target; /* the raw request target; cut at its '?' by guard_check */
	const struct guard_field *fields;
	size_t count;      /* of fields; what is past LIMIT_HEADERS need not be in the table */
	size_t head_bytes; /* from the method to the empty line, as received; 0 = not known */
};

/* X(name, error, text): why a head is refused; the text goes to the log and the metrics */
#define GUARD_FLAWS(X)                                                                                     \
	X(GUARD_FINE, OK, "fine")                                                                          \
	X(GUARD_VERSION, MALFORMED, "version") /* RFC 9112, 2.3: HTTP/1.1 and nothing else */              \
	X(GUARD_METHOD, MALFORMED, "method")   /* RFC 9110, 9.1 */                                         \
	X(GUARD_TARGET, MALFORMED, "target")   /* origin-form within the alphabet of our routes, no '%' */ \
	X(GUARD_COUNT, HEADERS_TOO_LARGE, "count") /* RFC 6585, 5 */                                       \
	X(GUARD_FIELD, MALFORMED, "field") /* RFC 9110, 5.1 and 5.5: token, visible ASCII and spaces */    \
	X(GUARD_REPEATED, MALFORMED, "repeated") /* a field that we read is there twice */                 \
	X(GUARD_HOST, MALFORMED, "host")         /* RFC 9112, 3.2: exactly one */                          \
	X(GUARD_LENGTH, MALFORMED, "length")     /* RFC 9112, 6.3: digits only */                          \
	X(GUARD_CODING, MALFORMED, "coding")     /* RFC 9112, 6.1: chunked, and never beside a length */   \
	X(GUARD_BODY, MALFORMED, "body")         /* RFC 9110, 9.3.1: content where it means nothing */     \
	X(GUARD_BYTES, MALFORMED, "bytes") /* bytes that the library swallowed: NUL, bare LF, obs-fold */

enum guard_flaw {
#define GUARD_ENUM(name, error, text) name,
	GUARD_FLAWS(GUARD_ENUM)
#undef GUARD_ENUM
	    GUARD_FLAW_COUNT
};

/**
 * Check ${request} and fill ${head} but for its fingerprint; ${head} points into the request.  GUARD_FINE, or
 * the first flaw found, and ${head} is not to be used.
 */
MUST_USE enum guard_flaw guard_check(struct guard_request *request, struct call_head *head);

/** The error that answers ${flaw}. */
enum rc guard_rc(enum guard_flaw flaw);

/** A word for the log.  Static storage. */
const char *guard_name(enum guard_flaw flaw);

#endif
