/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A struct described once, as a table of fields, and written three ways from it: the sealed record (tagged
 * binary, tolerant of fields that come and go), JSON out (only fields that the reader's roles may see), and
 * JSON in.  Adding a field is one row here and one property in schema/.
 */
#ifndef MENEDEK_MODEL_H
#define MENEDEK_MODEL_H

#include "base/json.h"
#include "base/jw.h"
#include "domain/codes.h"

enum field_type {
	F_BOOL,      /* bool */
	F_U8,        /* uint8_t */
	F_U16,       /* uint16_t */
	F_U32,       /* uint32_t */
	F_U64,       /* uint64_t; record only, or an integer below 2^53 */
	F_TIME,      /* int64_t seconds; JSON: RFC 3339; 0 = none */
	F_DAY,       /* int32_t day number; JSON: "2026-11-21"; 0 = none */
	F_ID,        /* struct id; JSON: 26 characters; zero = none */
	F_CODE,      /* uint8_t position in ${codes} (NULL: a list that another field names, record only);
			CODE_NONE = none */
	F_CODES,     /* uint32_t, a bit per position in ${codes}; JSON: array of codes */
	F_TEXT,      /* char[size]; "" = none */
	F_BYTES,     /* uint8_t[size]; record only */
	F_BLOB,      /* uint8_t[size] of which a uint16_t at ${count_at} are used; record only */
	F_OBJECT,    /* nested struct, ${sub} */
	F_LIST,      /* ${size} structs of ${sub} in place, uint8_t count at ${count_at} */
	F_CODE_LIST, /* ${size} uint8_t codes in place, uint8_t count at ${count_at}; JSON: array of codes, in
			order */
	F_ID_LIST,   /* ${size} struct id in place, uint8_t count at ${count_at} */
	F_ARRAY,     /* const void * to ${sub} structs, uint32_t count at ${count_at}; JSON out only */
	F_STRING, /* const char *, never in a record; NULL = none; read from JSON it borrows from the tree */
	F_RAW     /* struct bytes holding JSON, JSON out only; len 0 = none */
};

enum {
	FIELD_SECRET = 1,   /* in the record, never in JSON */
	FIELD_VIEW = 2,     /* in JSON, never in the record */
	FIELD_READ_ONLY = 4 /* JSON in does not set it */
};

struct model;

struct field {
	const char *name;    /* JSON member */
	const char *opening; /* the same as it is written: "name": */
	uint8_t opening_len;
	uint8_t tag;  /* in the record; never reused; 0 for FIELD_VIEW */
	uint8_t type; /* enum field_type */
	uint8_t flags;
	uint16_t offset, size, count_at;
	const struct code_list *codes;
	const struct model *sub;
};

struct model {
	const char *name; /* of the schema that describes its JSON, without ".json"; NULL: only inside
			     another, or in records */
	size_t size;
	const struct field *fields;
	unsigned count;
};

/*
 * Rows of a field table.  The JSON member bears the name of the struct's member; COUNTER is the member that
 * counts.  A row with tag 0 has FIELD_VIEW.
 */
#define NAMED(text) .name = (text), .opening = "\"" text "\":", .opening_len = sizeof(text) + 2
#define ROW(s, m, tag_, type_, flags_)                                                                  \
	{                                                                                               \
		NAMED(#m), .tag = (tag_), .type = (type_), .flags = (flags_), .offset = offsetof(s, m), \
			   .size = sizeof(((s *)0)->m)                                                  \
	}
#define ROW_CODED(s, m, tag_, type_, flags_, list_)                                                     \
	{                                                                                               \
		NAMED(#m), .tag = (tag_), .type = (type_), .flags = (flags_), .offset = offsetof(s, m), \
			   .size = sizeof(((s *)0)->m), .codes = &(list_)                               \
	}
#define ROW_OBJECT(s, m, tag_, flags_, sub_)                                                             \
	{                                                                                                \
		NAMED(#m), .tag = (tag_), .type = F_OBJECT, .flags = (flags_), .offset = offsetof(s, m), \
			   .size = sizeof(((s *)0)->m), .sub = &(sub_)                                   \
	}
#define ROW_BLOB(s, m, counter, tag_, flags_)                                                          \
	{                                                                                              \
		NAMED(#m), .tag = (tag_), .type = F_BLOB, .flags = (flags_), .offset = offsetof(s, m), \
			   .size = sizeof(((s *)0)->m), .count_at = offsetof(s, counter)               \
	}
#define ROW_LIST(s, m, counter, tag_, flags_, sub_)                                                        \
	{                                                                                                  \
		NAMED(#m), .tag = (tag_), .type = F_LIST, .flags = (flags_), .offset = offsetof(s, m),     \
			   .size = COUNT_OF(((s *)0)->m), .count_at = offsetof(s, counter), .sub = &(sub_) \
	}
#define ROW_CODE_LIST(s, m, counter, tag_, flags_, list_)                                                   \
	{                                                                                                   \
		NAMED(#m), .tag = (tag_), .type = F_CODE_LIST, .flags = (flags_), .offset = offsetof(s, m), \
			   .size = COUNT_OF(((s *)0)->m), .count_at = offsetof(s, counter),                 \
			   .codes = &(list_)                                                                \
	}
#define ROW_ID_LIST(s, m, counter, tag_, flags_)                                                          \
	{                                                                                                 \
		NAMED(#m), .tag = (tag_), .type = F_ID_LIST, .flags = (flags_), .offset = offsetof(s, m), \
			   .size = COUNT_OF(((s *)0)->m), .count_at = offsetof(s, counter)                \
	}
#define ROW_ARRAY(s, m, counter, sub_)                                                                    \
	{                                                                                                 \
		NAMED(#m), .type = F_ARRAY, .flags = FIELD_VIEW, .offset = offsetof(s, m),                \
			   .size = sizeof(const void *), .count_at = offsetof(s, counter), .sub = &(sub_) \
	}

/** The model of ${s} made from the table ${rows}. */
#define MODEL(variable, schema, s, rows)                                                       \
	const struct model variable = {                                                        \
		.name = (schema), .size = sizeof(s), .fields = (rows), .count = COUNT_OF(rows) \
	}

/** Encode the record form.  RC_TOO_BIG if it does not fit ${cap}. */
MUST_USE enum rc model_encode(const struct model *m, const void *obj, uint8_t *out, size_t cap, size_t *len);

/**
 * Decode into ${obj}, cleared first; unknown tags are skipped.  RC_CORRUPT for bad lengths,
 * texts that are not UTF-8, codes that are in no list: what comes out may index tables.
 */
MUST_USE enum rc model_decode(const struct model *m, struct bytes record, void *obj);

/**
 * Set the fields that ${in} has (it has passed its schema); others keep their value, which makes PATCH. Lists
 * are replaced whole.  null clears an optional field.  RC_INVALID with a pointer for what a schema cannot say
 * (a text of too many bytes, a list too long for the struct).
 */
MUST_USE enum rc model_read(const struct model *m, const json *in, void *obj, struct fault *f);

/** An object with every field at "none" (codes CODE_NONE, the rest zero). */
void model_clear(const struct model *m, void *obj);

/** Which fields of a model (and its nested models) each role may see; made from a response schema
 * (schema_view). */
struct view;

/**
 * Write ${obj} as a JSON object with what any of ${roles} (bits; VIEW_ANY for all that are public) may see.
 * A field at "none" (no time, no code, empty text) is left out; lists, numbers and booleans are always
 * written.  ${view} NULL: nothing is visible.
 */
void model_write(
    struct jw *w, const struct model *m, const void *obj, const struct view *view, uint32_t roles);

#endif
