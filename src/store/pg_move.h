/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways of a move (migrate.h) share: pg_migrate.c leads into PostgreSQL, pg_leave.c out of it. */
#ifndef MENEDEK_PG_MOVE_H
#define MENEDEK_PG_MOVE_H

#include "store/pg_parts.h"

#define PG_MOVE_MS 60000 /* for each statement */

/** Run ${sql}; ${out}, which may be NULL, gets the answer, which the caller clears.  RC_UNAVAILABLE: nothing
 * is known of it. */
MUST_USE enum rc pg_move_run(struct pg_link *l, const char *sql, PGresult **out);

/** Changes are taken again, where a move had closed the database to them. */
MUST_USE enum rc pg_move_open(struct pg_link *l);

/** RC_UNAVAILABLE, and that the connection is lost. */
enum rc pg_move_lost(struct fault *f);

#endif
