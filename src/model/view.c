/* SPDX-License-Identifier: Apache-2.0 */
/* Who sees which field: a response schema's x-visible laid over a model's table.  What nobody declared nobody
 * sees. */
#include "model/view.h"

#include <string.h>

#include "model/schema_node.h"

#define STEPS_MAX 16u /* a list of lists of ... itself would have no end */

struct builder {
	struct schemas *all;
	struct fault *fault;
};

static const struct schema *
find_property(const struct schema *s, const char *name)
{
	for (unsigned i = 0; i < s->property_count; i++)
		if (strcmp(s->properties[i].name, name) == 0)
			return s->properties[i].schema;
	return NULL;
}

/* One step from a property towards the object in which members are declared: along a reference, or into a
 * list. */
static const struct schema *
step_in(const struct schema *s)
{
	return s->ref != NULL ? s->ref : s->items;
}

/* The roles that see the value itself: what stands nearest to its name counts, else what it inherits. */
static uint32_t
roles_of(const struct schema *s, uint32_t inherited)
{
	for (unsigned steps = 0; s != NULL && steps < STEPS_MAX; s = step_in(s), steps++)
		if (s->has_visible)
			return s->visible;
	return inherited;
}

/* The object in which a nested struct's members are declared, and the roles that they inherit: of what stands
 * nearest to them. */
static const struct schema *
object_of(const struct schema *s, uint32_t *inherited)
{
	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		if (s->has_visible)
			*inherited = s->visible;
		if (step_in(s) == NULL)
			break;
		s = step_in(s);
	}
	return s;
}

static enum rc build(struct builder *b, const struct schema *s, uint32_t inherited, const struct model *m,
    const struct view **out);

static enum rc
build_field(struct builder *b, const struct schema *property, uint32_t inherited, const struct field *f,
    uint32_t *roles, const struct view **nested)
{
	if (property == NULL || (f->flags & FIELD_SECRET))
		return RC_OK;
	*roles = roles_of(property, inherited);
	if (f->sub == NULL)
		return RC_OK;
	return build(b, property, *roles, f->sub, nested);
}

/* Nests as deep as the models do. */
static enum rc
build(struct builder *b, const struct schema *s, uint32_t inherited, const struct model *m,
    const struct view **out)
{
	const struct schema *object = object_of(s, &inherited);
	struct view *view = schemas_alloc(b->all, 1, sizeof(*view));
	uint32_t *roles = schemas_alloc(b->all, m->count, sizeof(*roles));
	const struct view **nested = schemas_alloc(b->all, m->count, sizeof(const void *));
	enum rc rc;

	if (view == NULL || roles == NULL || nested == NULL)
		return RC_TOO_BIG;
	if (object->properties == NULL)
		return fault_set(b->fault, RC_INVALID, MSG_SCHEMA_BAD, object->file, 0, "properties");
	for (unsigned i = 0; i < m->count; i++) {
		const struct field *f = &m->fields[i];

		rc = build_field(b, find_property(object, f->name), inherited, f, &roles[i], &nested[i]);
		if (rc != RC_OK)
			return rc;
	}
	*view = (struct view){ .model = m, .roles = roles, .nested = nested };
	*out = view;
	return RC_OK;
}

enum rc
schema_view(struct schemas *all, const struct schema *schema, const struct model *m, const struct view **out,
    struct fault *f)
{
	struct builder b = { .all = all, .fault = f };

	*out = NULL;
	return build(&b, schema, 0, m, out);
}
