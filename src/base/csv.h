/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 4180 CSV with a header line, read strictly: UTF-8, ',' only, CRLF or LF, every row as wide as the
 * header. Quoted cells may hold commas, line breaks and doubled quotes.  A byte order mark, which
 * spreadsheets write, is skipped.
 */
#ifndef MENEDEK_CSV_H
#define MENEDEK_CSV_H

#include "arena.h"
#include "bytes.h"
#include "fault.h"

#define CSV_COLUMNS 64u

struct csv {
	struct bytes text;
	size_t pos;
	unsigned next_line; /* of the text at ${pos} */
	unsigned line;      /* line number of the row last read, from 1 */
	unsigned columns;   /* in the header */
	const char *name[CSV_COLUMNS];
	const char *cell[CSV_COLUMNS]; /* of the row last read; in the arena; "" for an empty one */
	bool is_row; /* what was wrong with the last row was its width: the next can be read */
	struct arena *arena;
};

/** Read the header.  The text and the arena must outlive the reader.  Empty lines and lines from '#' are
 * skipped. */
MUST_USE enum rc csv_open(struct csv *csv, struct bytes text, struct arena *arena, struct fault *f);

/**
 * Read the next row: RC_OK, RC_NOT_FOUND at the end, RC_MALFORMED with the line number in ${f} (and ${is_row}
 * where the reader may go on), RC_TOO_BIG when the arena is full.  The caller may mark the arena after
 * csv_open and rewind it before each row.
 */
MUST_USE enum rc csv_row(struct csv *csv, struct fault *f);

/** The cell of the row last read under ${column}, or NULL when there is no such column. */
const char *csv_cell(const struct csv *csv, const char *column);

/** A cell of digits only, at most ${max}. */
MUST_USE bool csv_number(const char *cell, unsigned max, unsigned *out);

#endif
