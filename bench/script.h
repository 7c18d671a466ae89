/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the load generator says, and as whom: a script of requests that a connection sends in turn, and a
 * table of clients.  Read once; then any number of threads read it.
 *
 *   script   a line "+Name: value" is a header field of all requests after it; any other line is a request,
 *              STATUS[,STATUS] METHOD PATH [BODY] [> NAME]
 *            The first status lets the connection go on to the next line, another listed one sends it back to
 * the first line, one that is not listed counts as an error: the line is sent again, the first one anew.  ">
 * NAME" keeps the string that the answer has under its first "NAME".  In all of it: $1 to $9 are the client's
 * columns, $g is what was kept last, $k a key that no other request has, $u a UUID that no other request has,
 * $r(N) a number below N. clients  lines of CERTIFICATE<tab>COLUMN<tab>...: CERTIFICATE.crt and
 * CERTIFICATE.key, then $1, $2, ...
 */
#ifndef BENCH_SCRIPT_H
#define BENCH_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_STEPS    8u
#define SCRIPT_STATUSES 4u
#define SCRIPT_PIECES   48u
#define SCRIPT_COLUMNS  9u
#define SCRIPT_CLIENTS  4096u
#define SCRIPT_GOT      256u   /* the longest string that is kept of an answer */
#define SCRIPT_REQUEST  16384u /* the longest request */

struct piece {
	enum { PIECE_TEXT, PIECE_COLUMN, PIECE_GOT, PIECE_KEY, PIECE_UUID, PIECE_RANDOM } kind;
	unsigned long number; /* column, or the bound of a random number */
	const char *text;
	size_t len;
};

struct template
{
	struct piece piece[SCRIPT_PIECES];
	unsigned count;
};

struct step {
	unsigned status[SCRIPT_STATUSES];
	unsigned statuses;
	struct template head; /* request line and header fields, without the body's length */
	struct template body;
	char keep[64]; /* "\"NAME\":\"", or empty */
};

struct script {
	struct step step[SCRIPT_STEPS];
	unsigned steps;
	char *text; /* the file; the pieces point into it */
};

struct client_row {
	const char *certificate;
	const char *column[SCRIPT_COLUMNS];
};

struct clients {
	struct client_row row[SCRIPT_CLIENTS];
	unsigned count;
	char *text;
};

/* What one sender's requests differ by.  Belongs to one thread. */
struct filler {
	const struct client_row *client;
	const char *got;
	uint64_t *counter; /* of the thread: keys */
	uint64_t *random;  /* of the thread, never 0 */
	uint64_t run;      /* differs between runs and threads */
};

/** Read a script.  On a mistake it is named on standard error and false is returned. */
bool script_read(const char *path, struct script *out);
void script_free(struct script *script);

/** Read a table of clients, as script_read. */
bool clients_read(const char *path, struct clients *out);
void clients_free(struct clients *clients);

/** Write the request of ${step} into ${out}, SCRIPT_REQUEST bytes; returns its length, 0 when it is too long.
 */
size_t script_fill(const struct step *step, const struct filler *filler, char *out);

/** May an answer with this status come after ${step}?  *goes_on: is it the first of the list? */
bool script_expects(const struct step *step, unsigned status, bool *goes_on);

/** Keep what ${step} wants kept of ${body} in ${got}, SCRIPT_GOT bytes.  False when it is not there. */
bool script_keep(const struct step *step, const char *body, size_t len, char *got);

#endif
