/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a profile, and secrets from wherever they may come. */
#include "ctl/profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/nearest.h"
#include "ctl/quiet.h"

#define PROFILE_FILE 8192u
#define SECRET_LINE  512u

static const char *const keys[PROFILE_KEYS] = {
#define P(constant, name) [PROFILE_##constant] = (name),
#include "ctl/profile.def"
#undef P
};

const char *
profile_value(const struct profile *p, enum profile_key key)
{
	return p->value[key][0] == '\0' ? NULL : p->value[key];
}

/* ---- the file ---- */

static bool
find_path(const struct args *args, char out[PROFILE_VALUE])
{
	const char *given = args->value[OPT_PROFILE], *home = getenv("HOME");

	if (given == NULL)
		given = getenv("MENEDEK_PROFILE");
	if (given != NULL && *given != '\0')
		return str_copy(out, PROFILE_VALUE, given);
	return home != NULL && path_join(out, PROFILE_VALUE, home, ".config/menedek/profile");
}

static char *
trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	for (end = text + strlen(text); end > text && strchr(" \t\r", end[-1]) != NULL; end--)
		end[-1] = '\0';
	return text;
}

static bool
is_path(enum profile_key key)
{
	const char *name = keys[key];
	const size_t len = strlen(name);

	return key == PROFILE_CA || key == PROFILE_CERTIFICATE || key == PROFILE_KEY || key == PROFILE_P12 ||
	    (len > 5 && strcmp(name + len - 5, "-file") == 0);
}

static bool
set(struct profile *p, enum profile_key key, const char *profile, const char *value)
{
	char dir[PROFILE_VALUE];
	char *slash;

	if (!is_path(key) || *value == '/' || !str_copy(dir, sizeof(dir), profile) ||
	    (slash = strrchr(dir, '/')) == NULL)
		return str_copy(p->value[key], PROFILE_VALUE, value);
	*slash = '\0';
	return path_join(p->value[key], PROFILE_VALUE, dir, value);
}

static enum status
refuse_key(const char *path, unsigned number, const char *name)
{
	const char *nearest = nearest_name(name, keys, PROFILE_KEYS);

	if (nearest != NULL)
		talk_error(
		    "%s:%u: there is no key \"%s\"; did you mean \"%s\"?", path, number, name, nearest);
	else
		talk_error("%s:%u: there is no key \"%s\"", path, number, name);
	return STATUS_USAGE;
}

static enum status
read_line(struct profile *p, const char *path, unsigned number, char *line)
{
	char *sign = strchr(line, '='), *name, *value;
	unsigned key = 0;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return STATUS_OK;
	if (sign == NULL) {
		talk_error("%s:%u: a line is: key = value", path, number);
		return STATUS_USAGE;
	}
	*sign = '\0';
	name = trim(line);
	value = trim(sign + 1);
	while (key < PROFILE_KEYS && strcmp(keys[key], name) != 0)
		key++;
	if (key == PROFILE_KEYS)
		return refuse_key(path, number, name);
	if (p->value[key][0] != '\0' || !set(p, (enum profile_key)key, path, value)) {
		talk_error("%s:%u: \"%s\" is given twice, or too long", path, number, name);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

static enum status
check(const struct profile *p, const char *path)
{
	static const enum profile_key needed[] = { PROFILE_SERVER, PROFILE_USER };

	for (unsigned i = 0; i < COUNT_OF(needed); i++) {
		if (profile_value(p, needed[i]) != NULL)
			continue;
		talk_error("%s: \"%s\" is missing", path, keys[needed[i]]);
		return STATUS_USAGE;
	}
	if (profile_value(p, PROFILE_P12) != NULL ||
	    (profile_value(p, PROFILE_CERTIFICATE) != NULL && profile_value(p, PROFILE_KEY) != NULL))
		return STATUS_OK;
	talk_error("%s: the device is named by \"certificate\" and \"key\", or by \"p12\"", path);
	return STATUS_USAGE;
}

enum status
profile_read(const struct args *args, struct profile *out)
{
	char path[PROFILE_VALUE], *text = NULL, *line, *end;
	struct fault f = { 0 };
	enum status status = STATUS_OK;
	unsigned number = 1;
	size_t len;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (!find_path(args, path)) {
		talk_error("which profile? --profile FILE names it");
		return STATUS_USAGE;
	}
	if ((rc = file_read(path, PROFILE_FILE, &text, &len, &f)) != RC_OK)
		return talk_failure("profile", rc, &f);
	for (line = text; line != NULL && status == STATUS_OK; line = end, number++) {
		if ((end = strchr(line, '\n')) != NULL)
			*end++ = '\0';
		status = read_line(out, path, number, line);
	}
	free(text);
	return status == STATUS_OK ? check(out, path) : status;
}

/* ---- secrets ---- */

/* The first line of ${fd}; false when there is none, or it is too long. */
static bool
read_secret_line(int fd, struct secret *s)
{
	char *p = (char *)secret_bytes(s);
	size_t len = 0;
	bool is_over = false;

	while (!is_over && len + 1 < secret_len(s)) {
		const ssize_t n = read(fd, p + len, 1);
		is_over = n <= 0 || p[len] == '\n';
		len += is_over ? 0 : 1;
	}
	if (len > 0 && p[len - 1] == '\r')
		len--;
	p[len] = '\0';
	return is_over && len > 0;
}

enum status
profile_ask(const char *what, struct secret **out)
{
	const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char question[128];
	bool is_read = false;

	*out = NULL;
	if (fd < 0) {
		talk_error("no terminal to ask for the %s; see --passphrase-file and --passphrase-fd", what);
		return STATUS_AUTH;
	}
	(void)snprintf(question, sizeof(question), "%s: ", what);
	if ((*out = secret_new(SECRET_LINE)) != NULL)
		is_read = quiet_line(fd, fd, question, (char *)secret_bytes(*out), secret_len(*out));
	(void)close(fd);
	if (is_read)
		return STATUS_OK;
	secret_free(*out);
	*out = NULL;
	talk_error("no %s was given", what);
	return STATUS_AUTH;
}

static enum status
from_descriptor(const char *text, struct secret **out)
{
	uint64_t fd;

	if (!text_number(text, 1024, &fd)) {
		talk_error("--passphrase-fd takes the number of an open descriptor");
		return STATUS_USAGE;
	}
	if ((*out = secret_new(SECRET_LINE)) != NULL && read_secret_line((int)fd, *out))
		return STATUS_OK;
	secret_free(*out);
	*out = NULL;
	talk_error("descriptor %s gives no passphrase", text);
	return STATUS_AUTH;
}

static enum status
from_file(const char *path, struct secret **out)
{
	struct fault f = { 0 };
	struct secret *raw = NULL;
	enum rc rc = file_read_secret(path, SECRET_LINE - 1, &raw, &f);
	size_t len;

	if (rc != RC_OK)
		return talk_failure("passphrase", rc, &f);
	len = secret_len(raw);
	while (len > 0 && strchr("\r\n", secret_view(raw)[len - 1]) != NULL)
		len--;
	if ((*out = secret_new(len + 1)) != NULL)
		memcpy(secret_bytes(*out), secret_view(raw), len);
	secret_free(raw);
	return *out != NULL ? STATUS_OK : STATUS_ERROR;
}

enum status
profile_secret(
    const struct args *args, bool may_be_fd, const char *path, const char *what, struct secret **out)
{
	*out = NULL;
	if (may_be_fd && args_has(args, OPT_PASSPHRASE_FD))
		return from_descriptor(args->value[OPT_PASSPHRASE_FD], out);
	if (may_be_fd && args_has(args, OPT_PASSPHRASE_FILE))
		path = args->value[OPT_PASSPHRASE_FILE];
	return path != NULL ? from_file(path, out) : profile_ask(what, out);
}
