/* SPDX-License-Identifier: Apache-2.0 */
/* ON_EACH_ENGINE(sentence): a test that is run on every engine. */
#ifndef EACH_ENGINE_H
#define EACH_ENGINE_H

#include "fixture.h"

static const struct engine_ops *const engines[] = { &engine_memory, &engine_lmdb, &engine_postgresql };

/* Criterion copies parameters into shared memory, so a parameter is a number, not an engine. */
static int numbers[] = { 0, 1, 2 };

/* PostgreSQL comes last, and only where tests/unit.sh has started one. */
static size_t
engine_count(void)
{
	if (postgres_server() != NULL)
		return COUNT_OF(engines);
	fprintf(stderr, "SKIPPED: PostgreSQL's engine (MENEDEK_TEST_POSTGRES names no server)\n");
	return COUNT_OF(engines) - 1;
}

#define ON_EACH_ENGINE(sentence)                                              \
	ParameterizedTestParameters(each_engine, sentence)                    \
	{                                                                     \
		return cr_make_param_array(int, numbers, engine_count());     \
	}                                                                     \
	static void sentence(struct fixture *x);                              \
	ParameterizedTest(int *number, each_engine, sentence, .timeout = 120) \
	{                                                                     \
		struct fixture x;                                             \
		fixture_open(&x, engines[*number]);                           \
		sentence(&x);                                                 \
		fixture_close(&x);                                            \
	}                                                                     \
	static void sentence(struct fixture *x)

#endif
