/* SPDX-License-Identifier: Apache-2.0 */
/* One line a checkpoint.  A line that a crash cut off is ended by the next one and means nothing. */
#include "ledger/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

#define TAIL     8192u /* of a file, read when it is opened: some thirty lines */
#define PRIORITY 85    /* authpriv (10) * 8 + notice (5) */

struct outlet {
	const struct signer *signer;
	int fd;
	bool is_file, is_torn; /* the last line has no end */
	struct sockaddr_un to;
	struct checkpoint last;
};

static struct outlet *
outlet_new(const struct signer *signer)
{
	struct outlet *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->signer = signer;
	o->fd = -1;
	return o;
}

/* Hand over what has its descriptor, or say what could not be opened. */
static enum rc
finish(struct outlet *o, const char *name, struct outlet **out, struct fault *f)
{
	*out = NULL;
	if (o == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	if (o->fd < 0) {
		outlet_free(o);
		return fault_set(f, RC_UNAVAILABLE, MSG_AUDIT_OUTLET, NULL, 0, name);
	}
	*out = o;
	return RC_OK;
}

/* The last line of the file's end that is a checkpoint of this registry. */
static void
read_tail(struct outlet *o)
{
	char text[TAIL];
	struct stat st;
	const off_t begin = fstat(o->fd, &st) == 0 && st.st_size > (off_t)TAIL ? st.st_size - (off_t)TAIL : 0;
	const ssize_t n = pread(o->fd, text, sizeof(text), begin);

	if (n <= 0)
		return; /* new, or not to be read */
	o->is_torn = text[n - 1] != '\n';
	for (const char *p = text, *end; p < text + n; p = end + 1) {
		struct checkpoint c;

		if ((end = memchr(p, '\n', (size_t)(text + n - p))) == NULL)
			break;
		if (checkpoint_read_line(
			o->signer, (struct bytes){ (const uint8_t *)p, (size_t)(end - p) }, &c) &&
		    checkpoint_verify(o->signer, &c))
			o->last = c;
	}
}

enum rc
outlet_file(const char *path, const struct signer *signer, struct outlet **out, struct fault *f)
{
	struct outlet *o = outlet_new(signer);

	if (o != NULL) {
		o->is_file = true;
		o->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
		read_tail(o);
	}
	return finish(o, path_name(path), out, f);
}

enum rc
outlet_syslog(const char *path, const struct signer *signer, struct outlet **out, struct fault *f)
{
	struct outlet *o = outlet_new(signer);

	/* not connected: the daemon may be restarted, and connect will be out of reach by then */
	if (o != NULL && str_copy(o->to.sun_path, sizeof(o->to.sun_path), path)) {
		o->to.sun_family = AF_UNIX;
		o->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	return finish(o, "syslog", out, f);
}

void
outlet_free(struct outlet *o)
{
	if (o != NULL && o->fd >= 0)
		(void)close(o->fd);
	free(o);
}

void
outlet_last(struct outlet *o, struct checkpoint *out)
{
	*out = o->last;
}

static bool
write_line(struct outlet *o, const char *line, size_t len)
{
	const ssize_t n = write(o->fd, line, len);

	if (n == (ssize_t)len)
		return fsync(o->fd) == 0 || errno == EINVAL; /* a pipe has no disk */
	o->is_torn = o->is_torn || n > 0;
	return false;
}

static bool
send_datagram(const struct outlet *o, const char *text, size_t len)
{
	return sendto(o->fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&o->to, sizeof(o->to)) ==
	    (ssize_t)len;
}

enum rc
outlet_send(struct outlet *o, const struct checkpoint *c)
{
	char line[CHECKPOINT_TEXT], text[CHECKPOINT_TEXT + 64]; /* fits: what is put before takes below 40 */
	bool is_out;

	(void)checkpoint_line(o->signer, c, line);
	if (o->is_file)
		(void)snprintf(text, sizeof(text), "%s%s\n", o->is_torn ? "\n" : "", line);
	else
		(void)snprintf(text, sizeof(text), "<%d>menedek[%ld]: %s", PRIORITY, (long)getpid(), line);
	is_out = o->is_file ? write_line(o, text, strlen(text)) : send_datagram(o, text, strlen(text));
	if (!is_out)
		return RC_UNAVAILABLE;
	o->is_torn = false;
	o->last = *c;
	return RC_OK;
}
