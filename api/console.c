/* SPDX-License-Identifier: Apache-2.0 */
/* Serving the console, and the schemas that openapi.yaml refers to: a table of whole answers, made once. */
#include "console.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "model/schema.h"

#define ROOT      "web/dist/"
#define INDEX     ROOT "index.html"
#define REFUSED   ROOT "refused.html"
#define SCHEMAS   "schema/" /* where the $refs of /openapi.yaml lead to */
#define FILES     192u
#define ETAG_SIZE (2u * 16u + 3u) /* half a digest in hex, quotes, NUL */

/* Nothing but what this very server sent, no inline script, no markup made from text (CSP 3, Trusted Types).
 */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";
static const char no_features[] = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), "
				  "bluetooth=(), midi=(), display-capture=(), clipboard-read=()";

enum coding { CODING_BR, CODING_GZIP, CODING_NONE, CODINGS };

static const struct {
	const char *name, *suffix;
} codings[CODINGS] = {
	[CODING_BR] = { "br", ".br" },
	[CODING_GZIP] = { "gzip", ".gz" },
	[CODING_NONE] = { NULL, "" },
};

static const struct {
	const char *suffix, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".json", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
};

struct console_file {
	const char *path; /* as it is asked for, without the first slash */
	const char *type;
	bool is_hashed; /* its name changes with its content */
	struct bytes form[CODINGS];
	char etag[ETAG_SIZE];
};

struct console {
	unsigned count;
	bool is_full; /* and there were more */
	struct console_file file[FILES];
	struct console_file refused; /* what a device that is not let in gets instead of any of them */
};

static bool
ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static const char *
type_of(const char *name)
{
	for (unsigned i = 0; i < COUNT_OF(types); i++)
		if (ends_with(name, types[i].suffix))
			return types[i].type;
	return NULL; /* a compressed form, or nothing that a browser asks for */
}

static void
set_forms(struct console_file *file, const char *name)
{
	char coded[LIMIT_PATH];

	for (unsigned i = 0; i < CODINGS; i++) {
		const struct bytes *found;

		if (!str_copy(coded, sizeof(coded), name) || strlen(name) + 4 > sizeof(coded))
			return;
		memcpy(coded + strlen(name), codings[i].suffix, strlen(codings[i].suffix) + 1);
		if ((found = embedded_file(coded)) != NULL)
			file->form[i] = *found;
	}
}

static void
set_etag(struct console_file *file)
{
	uint8_t print[DIGEST_BYTES];

	digest(file->form[CODING_NONE], print);
	file->etag[0] = '"';
	hex_format(print, 16, file->etag + 1);
	memcpy(file->etag + ETAG_SIZE - 2, "\"", 2);
}

static bool
begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* NULL: it is not served. */
static const char *
path_of(const char *name)
{
	if (begins_with(name, SCHEMAS))
		return name;
	if (!begins_with(name, ROOT))
		return NULL;
	return strcmp(name, INDEX) == 0 ? "" : name + strlen(ROOT);
}

static void
add_file(void *arg, const char *name)
{
	struct console *console = arg;
	const char *type = type_of(name), *path = path_of(name);
	struct console_file *file;

	if (type == NULL || path == NULL)
		return;
	if (console->count == FILES) {
		console->is_full = true;
		return;
	}
	file = strcmp(name, REFUSED) == 0 ? &console->refused : &console->file[console->count++];
	file->path = path;
	file->type = type;
	file->is_hashed = begins_with(path, "assets/");
	set_forms(file, name);
	set_etag(file);
}

enum rc
console_new(struct console **out)
{
	struct console *console = calloc(1, sizeof(*console));

	*out = console;
	if (console == NULL)
		return RC_UNAVAILABLE;
	embedded_each(add_file, console);
	if (!console->is_full)
		return RC_OK;
	console_free(console);
	*out = NULL;
	return RC_TOO_BIG;
}

void
console_free(struct console *console)
{
	free(console);
}

/* RFC 9110, 12.5.3, as browsers write it: "gzip, deflate, br".  A coding with a weight of zero is not
 * accepted. */
static bool
accepts(const char *list, const char *coding)
{
	const size_t len = strlen(coding);
	const char *at = list;

	while (at != NULL && (at = strstr(at, coding)) != NULL) {
		const bool starts = at == list || at[-1] == ' ' || at[-1] == ',';
		const char after = at[len];

		if (starts && strncmp(at + len, ";q=0", 4) != 0 &&
		    (after == '\0' || after == ',' || after == ' ' || after == ';'))
			return true;
		at += len;
	}
	return false;
}

static void
add(struct reply *reply, const char *name, const char *value)
{
	reply->header[reply->header_count].name = name;
	reply->header[reply->header_count++].value = value;
}

static void
send(const struct console_file *file, const struct call_head *head, struct reply *reply)
{
	enum coding coding = CODING_BR;

	while (coding < CODING_NONE &&
	    (file->form[coding].len == 0 || !accepts(head->accept_encoding, codings[coding].name)))
		coding++;
	*reply = (struct reply){ .status = 200, .body = file->form[coding], .content_type = file->type };
	add(reply, "Vary", "Accept-Encoding");
	add(reply, "Content-Security-Policy", policy);
	add(reply, "Referrer-Policy", "no-referrer");
	add(reply, "Cross-Origin-Opener-Policy", "same-origin");
	add(reply, "Cross-Origin-Resource-Policy", "same-origin");
	add(reply, "Permissions-Policy", no_features);
	if (codings[coding].name != NULL)
		add(reply, "Content-Encoding", codings[coding].name);
}

static void
answer(const struct console_file *file, const struct call_head *head, struct reply *reply)
{
	send(file, head, reply);
	/* hashed names never change their content; the page itself is asked for anew each time */
	add(reply, "Cache-Control", file->is_hashed ? "private, max-age=31536000, immutable" : "no-cache");
	add(reply, "ETag", file->etag);
	if (head->if_none_match == NULL || strstr(head->if_none_match, file->etag) == NULL)
		return;
	reply->status = 304;
	reply->body = (struct bytes){ NULL, 0 };
	reply->content_type = NULL;
}

void
console_refuse(const struct console *console, const struct call_head *head, struct reply *reply)
{
	send(&console->refused, head, reply);
	reply->status = 403;
	add(reply, "Cache-Control", "no-store");
}

bool
console_find(const struct console *console, const struct call_head *head, struct reply *reply)
{
	if (strcmp(head->method, "GET") != 0 || head->path[0] != '/')
		return false;
	for (unsigned i = 0; i < console->count; i++) {
		if (strcmp(console->file[i].path, head->path + 1) != 0)
			continue;
		answer(&console->file[i], head, reply);
		return true;
	}
	return false;
}
