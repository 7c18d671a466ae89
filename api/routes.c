/* SPDX-License-Identifier: Apache-2.0 */
/* The route table, and finding a row for a path.  {name} stands for an id of 26 characters. */
#include "gate.h"

#include <string.h>

/* A row without a permission does not compile: PERM_NONE makes the array's size negative. */
#define ROUTE(verb, path, handler, permission, in, out, flags) \
	_Static_assert(                                        \
	    (permission) != PERM_NONE && (permission) < PERM_COUNT, "route without a permission: " path);
#include "routes.def"
#undef ROUTE

const struct route routes[] = {
#define ROUTE(verb, path, handler, permission, in, out, flags) \
	{ verb, path, #handler, handler, permission, in, out, flags },
#include "routes.def"
#undef ROUTE
};
const unsigned route_count = COUNT_OF(routes);

static const char *const verb_names[VERB_COUNT] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

const char *
verb_name(enum verb verb)
{
	return verb_names[verb];
}

/* A text that is no id cannot match {name}, so it is "not found" like a foreign id. */
static bool
path_matches(const char *pattern, const char *path, struct id params[ROUTE_PARAMS])
{
	unsigned n = 0;

	while (*pattern != '\0' && *path != '\0') {
		if (*pattern == '{') {
			const size_t len = strcspn(path, "/");

			if (n == ROUTE_PARAMS || !id_parse(path, len, &params[n++]))
				return false;
			pattern += strcspn(pattern, "}") + 1;
			path += len;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *pattern == '\0' && *path == '\0';
}

static enum verb
verb_of(const char *name)
{
	unsigned verb = 0;

	while (verb < VERB_COUNT && strcmp(name, verb_names[verb]) != 0)
		verb++;
	return (enum verb)verb;
}

enum rc
route_match(const char *path, const char *verb, const struct route **out, struct id params[ROUTE_PARAMS],
    unsigned *allow)
{
	const enum verb wanted = verb_of(verb);
	struct id found[ROUTE_PARAMS];

	*allow = 0;
	if (path[0] != '/')
		return RC_NOT_FOUND;
	for (unsigned i = 0; i < route_count; i++) {
		if (routes[i].verb == wanted && path_matches(routes[i].path, path, found)) {
			*out = &routes[i];
			memcpy(params, found, sizeof(found));
			return RC_OK;
		}
	}
	for (unsigned i = 0; i < route_count; i++)
		if (path_matches(routes[i].path, path, found))
			*allow |= 1u << routes[i].verb;
	return *allow == 0 ? RC_NOT_FOUND : RC_BAD_METHOD;
}
