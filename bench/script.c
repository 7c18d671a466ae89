/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts are cut into pieces when they are read, so that a request is a few memcpy. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX   ((size_t)8 * 1024 * 1024)
#define HEADS_MAX  16u
#define BODY_MAX   8192u
#define NUMBER_MAX 48u

struct span {
	const char *text;
	size_t len;
};

static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;

	if (file != NULL && (text = malloc(FILE_MAX)) != NULL) {
		len = fread(text, 1, FILE_MAX - 1, file);
		text[len] = '\0';
	}
	if (file != NULL)
		(void)fclose(file);
	if (text == NULL || len == 0 || len == FILE_MAX - 1) {
		(void)fprintf(stderr, "load: cannot read %s, or it is empty or too long\n", path);
		free(text);
		return NULL;
	}
	return text;
}

static bool
add_piece(struct template *t, struct piece piece)
{
	if (piece.kind == PIECE_TEXT && piece.len == 0)
		return true;
	if (t->count == SCRIPT_PIECES)
		return false;
	t->piece[t->count++] = piece;
	return true;
}

static bool
add_text(struct template *t, const char *text, size_t len)
{
	return add_piece(t, (struct piece){ PIECE_TEXT, 0, text, len });
}

/* What stands behind a '$': its piece, and how many bytes it takes; 0 is a mistake. */
static size_t
read_variable(const char *at, struct piece *out)
{
	static const struct {
		char letter;
		int kind;
	} letters[] = { { 'g', PIECE_GOT }, { 'k', PIECE_KEY }, { 'u', PIECE_UUID } };
	char *end;

	*out = (struct piece){ 0 };
	if (*at >= '1' && *at <= '9') {
		out->kind = PIECE_COLUMN;
		out->number = (unsigned long)(*at - '1');
		return 1;
	}
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (*at == letters[i].letter) {
			out->kind = letters[i].kind;
			return 1;
		}
	}
	if (at[0] != 'r' || at[1] != '(')
		return 0;
	out->kind = PIECE_RANDOM;
	out->number = strtoul(at + 2, &end, 10);
	return *end == ')' && out->number > 0 ? (size_t)(end + 1 - at) : 0;
}

static bool
cut(struct template *t, const char *text)
{
	while (*text != '\0') {
		const size_t plain = strcspn(text, "$");
		struct piece piece;
		size_t len;

		if (!add_text(t, text, plain))
			return false;
		text += plain;
		if (*text == '\0')
			return true;
		if ((len = read_variable(text + 1, &piece)) == 0 || !add_piece(t, piece))
			return false;
		text += 1 + len;
	}
	return true;
}

/* "201,409 POST /path body > name", in place. */
static bool
read_step(char *line, char *const *heads, unsigned head_count, struct step *step)
{
	char *keep = strstr(line, " > "), *rest = line, *status = strsep(&rest, " "), *method, *path;

	if (keep != NULL) {
		*keep = '\0';
		(void)snprintf(step->keep, sizeof(step->keep), "\"%s\":\"", keep + 3);
	}
	for (char *one; (one = strsep(&status, ",")) != NULL && step->statuses < SCRIPT_STATUSES;)
		step->status[step->statuses++] = (unsigned)strtoul(one, NULL, 10);
	method = strsep(&rest, " ");
	path = strsep(&rest, " ");
	if (method == NULL || path == NULL || path[0] != '/')
		return false;
	if (!add_text(&step->head, method, strlen(method)) || !add_text(&step->head, " ", 1) ||
	    !cut(&step->head, path) || !cut(&step->head, " HTTP/1.1\r\nHost: localhost\r\n"))
		return false;
	for (unsigned i = 0; i < head_count; i++)
		if (!cut(&step->head, heads[i]) || !cut(&step->head, "\r\n"))
			return false;
	return rest == NULL || cut(&step->body, rest);
}

bool
script_read(const char *path, struct script *out)
{
	char *heads[HEADS_MAX], *rest, *line;
	unsigned head_count = 0, number = 0;

	*out = (struct script){ 0 };
	if ((out->text = read_text(path)) == NULL)
		return false;
	rest = out->text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		bool is_good = true;

		number++;
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (line[0] != '+')
			is_good = out->steps < SCRIPT_STEPS &&
			    read_step(line, heads, head_count, &out->step[out->steps++]);
		else if ((is_good = head_count < HEADS_MAX))
			heads[head_count++] = line + 1;
		if (!is_good) {
			(void)fprintf(stderr, "load: %s, line %u: not a request\n", path, number);
			script_free(out);
			return false;
		}
	}
	return out->steps > 0;
}

void
script_free(struct script *script)
{
	free(script->text);
	*script = (struct script){ 0 };
}

bool
clients_read(const char *path, struct clients *out)
{
	char *rest, *line;

	out->count = 0;
	if ((out->text = read_text(path)) == NULL)
		return false;
	rest = out->text;
	while ((line = strsep(&rest, "\n")) != NULL && out->count < SCRIPT_CLIENTS) {
		struct client_row *row = &out->row[out->count];
		char *cell;

		if (line[0] == '\0')
			continue;
		*row = (struct client_row){ .certificate = strsep(&line, "\t") };
		for (unsigned i = 0; i < SCRIPT_COLUMNS; i++) {
			cell = strsep(&line, "\t");
			row->column[i] = cell == NULL ? "" : cell;
		}
		out->count++;
	}
	return out->count > 0;
}

void
clients_free(struct clients *clients)
{
	free(clients->text);
	clients->text = NULL;
	clients->count = 0;
}

/* xorshift: quick, and nobody's secret */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A piece of a request as it goes out; *number is where it is written if it has to be made. */
static struct span
piece_text(const struct piece *piece, const struct filler *filler, char number[NUMBER_MAX])
{
	struct span span = { number, 0 };

	switch (piece->kind) {
	case PIECE_COLUMN:
		span = (struct span){ filler->client->column[piece->number],
			strlen(filler->client->column[piece->number]) };
		break;
	case PIECE_GOT:
		span = (struct span){ filler->got, strlen(filler->got) };
		break;
	case PIECE_KEY:
		span.len = (size_t)snprintf(number, NUMBER_MAX, "%016llx-%llu",
		    (unsigned long long)filler->run, (unsigned long long)++*filler->counter);
		break;
	case PIECE_UUID:
		span.len = (size_t)snprintf(number, NUMBER_MAX, "%08x-%04x-4%03x-8%03x-%012llx",
		    (unsigned)(filler->run >> 16), (unsigned)(filler->run & 0xffff),
		    (unsigned)(next_random(filler->random) & 0xfff),
		    (unsigned)(*filler->random >> 12 & 0xfff),
		    (unsigned long long)++*filler->counter & 0xffffffffffffULL);
		break;
	case PIECE_RANDOM:
		span.len = (size_t)snprintf(number, NUMBER_MAX, "%llu",
		    (unsigned long long)(next_random(filler->random) % piece->number));
		break;
	case PIECE_TEXT:
	default:
		span = (struct span){ piece->text, piece->len };
	}
	return span;
}

/* The filled template's length; 0 when there is no room for it. */
static size_t
fill(const struct template *t, const struct filler *filler, char *out, size_t room)
{
	char number[NUMBER_MAX];
	size_t used = 0;

	for (unsigned i = 0; i < t->count; i++) {
		const struct span span = piece_text(&t->piece[i], filler, number);

		if (span.len > room - used)
			return 0;
		memcpy(out + used, span.text, span.len);
		used += span.len;
	}
	return used;
}

size_t
script_fill(const struct step *step, const struct filler *filler, char *out)
{
	static const size_t room = SCRIPT_REQUEST - 128 - BODY_MAX;
	char body[BODY_MAX];
	const size_t body_len = fill(&step->body, filler, body, sizeof(body));
	size_t used = fill(&step->head, filler, out, room);

	if (used == 0 || (body_len == 0 && step->body.count > 0))
		return 0;
	if (body_len > 0)
		used += (size_t)snprintf(out + used, 128,
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body_len);
	else
		used +=
		    (size_t)snprintf(out + used, 128, "%s\r\n", out[0] == 'G' ? "" : "Content-Length: 0\r\n");
	memcpy(out + used, body, body_len);
	return used + body_len;
}

bool
script_expects(const struct step *step, unsigned status, bool *goes_on)
{
	*goes_on = status == step->status[0];
	for (unsigned i = 0; i < step->statuses; i++)
		if (step->status[i] == status)
			return true;
	return false;
}

bool
script_keep(const struct step *step, const char *body, size_t len, char *got)
{
	const size_t name_len = strlen(step->keep);
	const char *at, *end;

	if (name_len == 0)
		return true;
	if ((at = memmem(body, len, step->keep, name_len)) == NULL)
		return false;
	at += name_len;
	end = memchr(at, '"', len - (size_t)(at - body));
	if (end == NULL || (size_t)(end - at) >= SCRIPT_GOT)
		return false;
	memcpy(got, at, (size_t)(end - at));
	got[end - at] = '\0';
	return true;
}
