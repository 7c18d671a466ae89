/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was written by hand while the registry was down, from two small CSV files with the columns of the
 * paper form (docs/downtime.md), known by their header: time,number,word,event,reason
 * time,house,room,state,places Times are those of the clock on the wall in Budapest, "2026-11-21 03:10", or
 * RFC 3339 in UTC.
 */
#ifndef MENEDEK_RECONCILE_H
#define MENEDEK_RECONCILE_H

#include "ctl/offline.h"
#include "service/reservations.h"
#include "service/shelters.h"

#define PAPER_ROWS 1000u /* a night's paper has dozens */

enum paper_kind { PAPER_RESERVATION, PAPER_ROOM };

struct paper_row {
	enum paper_kind kind;
	const char *file;        /* without its directory */
	unsigned line, position; /* among all, as they were read */
	int64_t at;
	char number[8], word[16];
	uint8_t event; /* enum reservation_event */
	struct reservation_detail detail;
	char house[LIMIT_NAME], room[32];
	struct unit_report report;

	/* found in the registry */
	struct id id; /* of the reservation or the house */
	unsigned matches;

	/* how it went when all were tried */
	enum rc rc;
	const char *now; /* what stood there then; NULL: nothing */
	struct fault_item why;
	bool is_left_out;
};

struct paper {
	struct paper_row *rows;
	unsigned count;
	unsigned problems; /* said already */
	int64_t now;
};

/** Add the rows of ${path}.  Says what is wrong with which line and counts it. */
MUST_USE enum status paper_read(struct paper *paper, const char *path);
void paper_free(struct paper *paper);

/** Put the rows into the order in which it happened: by time, of one minute reservations before rooms. */
void paper_sort(struct paper *paper);

/** Find what the rows speak of. */
MUST_USE enum rc paper_find(struct ctx *c, void *paper);

#endif
