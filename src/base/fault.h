/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reason of a failure, for a person: which error, where in the body (JSON pointer), and a sentence that
 * is kept as a key with arguments and rendered in the reader's language at the very end.  Never holds a
 * secret.
 */
#ifndef MENEDEK_FAULT_H
#define MENEDEK_FAULT_H

#include <stddef.h>

#include "limits.h"
#include "rc.h"

enum lang { LANG_HU, LANG_EN, LANG_COUNT };

enum msg {
	MSG_NONE,
#define M(name, hu, en) MSG_##name,
#include "msg.def"
#undef M
	MSG_COUNT
};

#define FAULT_POINTER 96u
#define FAULT_WORD    48u

struct fault_item {
	enum msg msg;
	long number; /* fills {n} */
	char
	    word[FAULT_WORD]; /* fills {s}: a code, a member name, a file name; never a value from a record */
	char pointer[FAULT_POINTER]; /* RFC 6901; "" is the whole body */
};

struct fault {
	enum rc rc;
	unsigned count; /* items used; item[0] is the sentence of the problem when there is no pointer */
	struct fault_item item[LIMIT_FAULTS];
};

/** Forget what is in ${f}. */
void fault_clear(struct fault *f);

/**
 * Record ${rc} with one sentence and return ${rc}, so that `return fault_set(...)` reads as one thought. Adds
 * to the items already there when the rc is the same (a validator reports all it finds, at most
 * LIMIT_FAULTS), else replaces them.  ${pointer} and ${word} may be NULL.  ${f} may be NULL.
 */
/*@ assigns *f;
    ensures \result == rc;
*/
enum rc fault_set(
    struct fault *f, enum rc rc, enum msg msg, const char *pointer, long number, const char *word);

/** The sentence of ${item} in ${lang}, cut to ${cap}.  Returns ${out}. */
char *fault_text(const struct fault_item *item, enum lang lang, char *out, size_t cap);

/** The title of ${rc} in ${lang} (msg.def row of the same name).  Static storage. */
const char *rc_title(enum rc rc, enum lang lang);

/** The raw text of ${msg}, without filling its places.  Static storage. */
const char *msg_text(enum msg msg, enum lang lang);

#endif
