/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching a field of a struct through its row, for the three writers of this layer; nobody else includes it.
 */
#ifndef MENEDEK_FIELD_H
#define MENEDEK_FIELD_H

#include "model/model.h"

void *field_at(const struct field *f, void *obj);
const void *field_peek(const struct field *f, const void *obj);

/** The number of a field that is one (booleans, integers, times, days, codes and sets of codes). */
uint64_t field_load(const struct field *f, const void *obj);
void field_store(const struct field *f, void *obj, uint64_t v);

/** Number at rest in the field: CODE_NONE for a code, else 0. */
uint64_t field_none(const struct field *f);

/** The largest number that the field holds: by its width, or by its code list. */
uint64_t field_max(const struct field *f);

/** Elements in use of a list, array or blob; never more than the struct has, whatever the counter says. */
size_t field_count(const struct field *f, const void *obj);
void field_set_count(const struct field *f, void *obj, size_t count);

/** Element ${i} of an F_LIST. */
void *field_item(const struct field *f, void *obj, size_t i);
const void *field_peek_item(const struct field *f, const void *obj, size_t i);

/** Bring one field to "none". */
void field_clear(const struct field *f, void *obj);

#endif
