/* SPDX-License-Identifier: Apache-2.0 */
/* The one parser that stands between an attacker in the service and the vault: pure, and fuzzed (tests/fuzz).
 */
#include "vault/vault_message.h"

#include <string.h>

/* Places in the head. */
enum {
	AT_KIND = 3,
	AT_SEQUENCE = 4,
	AT_HOUSE = 12,
	AT_DISCLOSURE = 28,
	AT_OUTCOME = 44,
	AT_ZERO = 45,
	AT_LENGTH = 46
};

static const struct shape {
	bool house, disclosure;
	uint16_t least, most, answer;
} shapes[VAULT_KIND_COUNT] = {
#define X(name, house, disclosure, least, most, answer) \
	[VAULT_##name] = { house, disclosure, least, most, answer },
	VAULT_KINDS(X)
#undef X
};

static const uint8_t magic[3] = { 'M', 'V', VAULT_VERSION_MESSAGE };

/* An answer names nothing, and has a text only when it was done. */
static bool
is_good_answer(const struct vault_message *m, const struct shape *s)
{
	if (m->outcome == VAULT_ASKED || m->outcome >= VAULT_OUTCOMES)
		return false;
	if (!id_is_zero(&m->house) || !id_is_zero(&m->disclosure))
		return false;
	if (m->text.len > 0 && m->outcome != VAULT_DONE)
		return false;
	return m->text.len <= s->answer;
}

static bool
is_good_question(const struct vault_message *m, const struct shape *s)
{
	if (m->outcome != VAULT_ASKED)
		return false;
	if (s->house == id_is_zero(&m->house) || s->disclosure == id_is_zero(&m->disclosure))
		return false;
	return m->text.len >= s->least && m->text.len <= s->most;
}

static bool
is_good(const struct vault_message *m, bool is_answer)
{
	if (m->kind == VAULT_NO_KIND || m->kind >= VAULT_KIND_COUNT)
		return false;
	return is_answer ? is_good_answer(m, &shapes[m->kind]) : is_good_question(m, &shapes[m->kind]);
}

bool
vault_message_read(struct bytes d, bool is_answer, struct vault_message *out)
{
	size_t len;

	memset(out, 0, sizeof(*out));
	if (d.len < VAULT_HEAD_BYTES || d.len > VAULT_MESSAGE)
		return false;
	if (memcmp(d.p, magic, sizeof(magic)) != 0 || d.p[AT_ZERO] != 0)
		return false;
	len = (size_t)d.p[AT_LENGTH] << 8 | d.p[AT_LENGTH + 1];
	if (len != d.len - VAULT_HEAD_BYTES)
		return false;
	out->kind = (enum vault_kind)d.p[AT_KIND];
	out->outcome = (enum vault_outcome)d.p[AT_OUTCOME];
	out->sequence = get_u64(d.p + AT_SEQUENCE);
	memcpy(out->house.b, d.p + AT_HOUSE, ID_BYTES);
	memcpy(out->disclosure.b, d.p + AT_DISCLOSURE, ID_BYTES);
	out->text = (struct bytes){ d.p + VAULT_HEAD_BYTES, len };
	return is_good(out, is_answer);
}

bool
vault_message_write(const struct vault_message *m, uint8_t out[VAULT_HEAD_BYTES])
{
	if (m->text.len > VAULT_TEXT || !is_good(m, m->outcome != VAULT_ASKED))
		return false;
	memset(out, 0, VAULT_HEAD_BYTES);
	memcpy(out, magic, sizeof(magic));
	out[AT_KIND] = (uint8_t)m->kind;
	put_u64(out + AT_SEQUENCE, m->sequence);
	memcpy(out + AT_HOUSE, m->house.b, ID_BYTES);
	memcpy(out + AT_DISCLOSURE, m->disclosure.b, ID_BYTES);
	out[AT_OUTCOME] = (uint8_t)m->outcome;
	out[AT_LENGTH] = (uint8_t)(m->text.len >> 8);
	out[AT_LENGTH + 1] = (uint8_t)m->text.len;
	return true;
}
