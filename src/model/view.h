/* SPDX-License-Identifier: Apache-2.0 */
/* A view as schema_view makes it and model_write follows it: per row of the model the roles that see it. */
#ifndef MENEDEK_VIEW_H
#define MENEDEK_VIEW_H

#include "model/model.h"

struct view {
	const struct model *model;
	const uint32_t *roles;            /* bits, one word for each row */
	const struct view *const *nested; /* views of rows with a sub-model, else NULL */
};

#endif
