/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: the state of the audit trail, its checkpoints and proofs from it. */
#include <stdlib.h>
#include <string.h>

#include "gate.h"
#include "service/proofs.h"

enum rc
checkpoints_list(struct call *c)
{
	return call_list_numbered(c, &model_checkpoint_list, sizeof(struct checkpoint_row), checkpoint_page);
}

enum rc
audit_state_read(struct call *c)
{
	struct audit_state_reply out;
	enum rc rc = audit_state(&c->ctx, &out);

	return rc == RC_OK ? call_answer(c, 200, &model_audit_state, &out) : rc;
}

/* A positive integer of the query; 0 when an optional one is not there. */
static enum rc
read_count(struct call *c, const char *pointer, bool is_needed, uint64_t *out)
{
	const char *text = call_query(c, pointer + 1);
	char *end;

	*out = 0;
	if (!text && !is_needed)
		return RC_OK;
	if (text && *text >= '1' && *text <= '9' && strnlen(text, 17) <= 16) {
		*out = strtoull(text, &end, 10);
		if (*end == '\0' && (double)*out <= LIMIT_JSON_INTEGER)
			return RC_OK;
	}
	return fault_set(&c->fault, RC_MALFORMED, MSG_FIELD_FORMAT, pointer, 0, "integer");
}

enum rc
proofs_inclusion(struct call *c)
{
	struct inclusion_reply out;
	uint64_t entry, size;
	enum rc rc;

	if ((rc = read_count(c, "/entry", true, &entry)) != RC_OK ||
	    (rc = read_count(c, "/size", false, &size)) != RC_OK ||
	    (rc = proof_of_inclusion(&c->ctx, entry, size, &out)) != RC_OK)
		return rc;
	return call_answer(c, 200, &model_inclusion_reply, &out);
}

enum rc
proofs_consistency(struct call *c)
{
	struct consistency_reply out;
	uint64_t first, second;
	enum rc rc;

	if ((rc = read_count(c, "/first", true, &first)) != RC_OK ||
	    (rc = read_count(c, "/second", false, &second)) != RC_OK ||
	    (rc = proof_of_consistency(&c->ctx, first, second, &out)) != RC_OK)
		return rc;
	return call_answer(c, 200, &model_consistency_reply, &out);
}
