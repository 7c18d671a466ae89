/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's side of a view: which class and chunk a house stands in, and the copies that a batch makes of
 * what it changes.  All on one thread.  Knows of the field what a class and a reach are, nothing more.
 */
#ifndef MENEDEK_CLASSES_H
#define MENEDEK_CLASSES_H

#include "index/epochs.h"
#include "index/index.h"

struct classes;

/** NULL without memory.  ${epochs} outlives it. */
struct classes *classes_new(struct epochs *epochs);
void classes_free(struct classes *classes); /* with the views it made; NULL-safe */

/** Show house ${n} as ${entry}, which is borrowed until it is replaced or left out; ${h} is the same house.
 */
void classes_put(struct classes *classes, uint32_t n, const struct index_entry *entry, const struct house *h);

/** Leave house ${n} out, if it is there. */
void classes_remove(struct classes *classes, uint32_t n);

/** What readers may see from now on.  The caller retires it when it has put up the next. */
struct shown {
	struct limbo limbo;
	struct index_view view;
	const struct index_class *classes[];
};
struct shown *classes_show(struct classes *classes);

#endif
