/* SPDX-License-Identifier: Apache-2.0 */
/* The listener reads one line and hands the connection to the worker, which answers on it. */
#include "server/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/accept.h"
#include "service/retention.h"
#include "service/rotation.h"
#include "service/sheets.h"
#include "service/shut_out.h"

#define PAUSE_MS       250                /* when no descriptor is left for who knocks */
#define LINE_MAX_BYTES (16u + LIMIT_NAME) /* a command and whom it names */
#define PEER_MS        5000               /* for a command to come, and for a line of the answer to go */
#define PERIOD_S       2                  /* between looks at what is due */
#define AGAIN_MS       60000              /* after a job of our own failed */
#define REPORT_MAX     1024u

struct command;

struct control {
	struct parts *parts;
	int listen_fd, wake_fd;
	pthread_t listener, worker;
	bool has_listener, has_worker;
	atomic_bool is_stopping;
	int64_t not_before_ms; /* the worker's: its own jobs wait until then */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t moved;
	const struct command *command; /* waiting or under way; NULL: the worker is free */
	int peer_fd;                   /* whom it answers */
};

/* ---- answering ---- */

struct peer {
	int fd; /* -1: nobody listens (any more) */
};

static void
say(void *arg, const char *text, size_t len)
{
	struct peer *peer = arg;
	const struct iovec parts[2] = { { (void *)(uintptr_t)text, len }, { (void *)(uintptr_t) "\n", 1 } };
	const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = 2 };

	if (peer->fd >= 0 && sendmsg(peer->fd, &message, MSG_NOSIGNAL) != (ssize_t)len + 1) {
		(void)shutdown(peer->fd, SHUT_RDWR);
		peer->fd = -1; /* who went away or does not read is not waited for again */
	}
}

static void
say_failed(struct peer *peer, const char *job, enum rc rc, const struct fault *f)
{
	char buf[REPORT_MAX], text[256];
	struct jw w;

	upkeep_line(&w, buf, sizeof(buf), job, "failed");
	jw_field_string(&w, "code", rc_code(rc));
	jw_field_string(&w, "message",
	    f != NULL && f->count > 0 ? fault_text(&f->item[0], LANG_EN, text, sizeof(text))
				      : rc_title(rc, LANG_EN));
	jw_close(&w, '}');
	say(peer, w.buf, w.len);
}

/* ---- the state of things ---- */

static void
say_status(struct control *c, int fd, const char *running)
{
	char buf[REPORT_MAX];
	struct peer peer = { fd };
	struct jw w;

	upkeep_line(&w, buf, sizeof(buf), "status", "done");
	if (running != NULL)
		jw_field_string(&w, "running", running);
	upkeep_write_status(&w, c->parts);
	jw_close(&w, '}');
	if (!w.overflow)
		say(&peer, w.buf, w.len);
}

/* ---- the jobs ---- */

typedef enum rc job_fn(struct upkeep *u, struct jw *w);

struct command {
	const char *line; /* as it is typed into the socket */
	const char *name;
	job_fn *run; /* writes its report; NULL: status, answered by the listener at once */
};

static enum rc
run_rotation(struct upkeep *u, struct jw *w)
{
	struct rotation_report r;
	const enum rc rc = rotation_run(u, &r);

	rotation_write(w, &r);
	return rc;
}

static enum rc
run_purge(struct upkeep *u, struct jw *w)
{
	struct purge_report r;
	const enum rc rc = retention_purge(u, false, &r);

	retention_write(w, &r);
	return rc;
}

static enum rc
run_dry_purge(struct upkeep *u, struct jw *w)
{
	struct purge_report r;
	const enum rc rc = retention_purge(u, true, &r);

	retention_write(w, &r);
	return rc;
}

static enum rc
run_sheets(struct upkeep *u, struct jw *w)
{
	unsigned desks, rows;
	const enum rc rc = sheets_write(u->parts, u->now, &desks, &rows, u->fault);

	jw_field_int(w, "desks", desks);
	jw_field_int(w, "reservations", rows);
	return rc;
}

static const struct command commands[] = {
	{ "rotate-keys", "rotate-keys", run_rotation },
	{ "purge", "purge", run_purge },
	{ "purge dry-run", "purge", run_dry_purge },
	{ "sheets", "sheets", run_sheets },
	{ "status", "status", NULL },
};
#define ROTATION (&commands[0])
#define PURGE    (&commands[1])
#define SHEETS   (&commands[3])

static enum rc
work(struct control *c, const struct command *command, int fd)
{
	char buf[REPORT_MAX];
	struct fault fault = { .count = 0 };
	struct peer peer = { fd };
	struct upkeep u = { .parts = c->parts,
		.now = store_sure_now(c->parts->store),
		.grace_ms = UPKEEP_GRACE_MS,
		.stop = &c->is_stopping,
		.say = say,
		.say_arg = &peer,
		.fault = &fault };
	struct jw w;
	enum rc rc;

	upkeep_line(&w, buf, sizeof(buf), command->name, "done");
	rc = command->run(&u, &w);
	jw_close(&w, '}');
	if (rc == RC_OK && !w.overflow)
		say(&peer, w.buf, w.len);
	else
		say_failed(&peer, command->name, rc == RC_OK ? RC_INTERNAL : rc, &fault);
	if (rc != RC_OK)
		log_world("upkeep_failed", "job=%s rc=%s", command->name, rc_code(rc));
	return rc;
}

/* What nobody has to ask for. */
static const struct command *
find_due(struct control *c)
{
	bool is_due = false;

	if (clock_mono_ms() < c->not_before_ms)
		return NULL;
	/* by the time that they are written by: of a node far behind the others' they would be due at once
	 * again */
	if (sheets_are_due(c->parts, store_sure_now(c->parts->store)))
		return SHEETS;
	if (keyring_is_node(c->parts->keyring))
		return NULL; /* what needs keys made or destroyed their keeper does */
	if (rotation_is_unfinished(c->parts, &is_due) == RC_OK && is_due)
		return ROTATION;
	if (retention_is_due(c->parts, store_sure_now(c->parts->store), &is_due) == RC_OK && is_due)
		return PURGE;
	return NULL;
}

/* ---- the worker ---- */

/* The next command, or NULL after a while without one.  False when it ends. */
static bool
wait_for_command(struct control *c, const struct command **command, int *fd)
{
	struct timespec until;
	bool goes_on;
	int waited = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PERIOD_S;
	(void)pthread_mutex_lock(&c->lock);
	while (c->command == NULL && !atomic_load(&c->is_stopping) && waited == 0)
		waited = pthread_cond_timedwait(&c->moved, &c->lock, &until);
	goes_on = !atomic_load(&c->is_stopping);
	*command = c->command;
	*fd = c->peer_fd;
	(void)pthread_mutex_unlock(&c->lock);
	return goes_on;
}

/* Take what is due unless a command came meanwhile. */
static bool
claim(struct control *c, const struct command *command)
{
	bool is_free;

	(void)pthread_mutex_lock(&c->lock);
	is_free = c->command == NULL;
	if (is_free) {
		c->command = command;
		c->peer_fd = -1;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return is_free;
}

/* Free before the answer's end is heard: who hears it may ask for the next at once. */
static void
give_back(struct control *c, int fd)
{
	(void)pthread_mutex_lock(&c->lock);
	c->command = NULL;
	c->peer_fd = -1;
	(void)pthread_mutex_unlock(&c->lock);
	if (fd >= 0)
		(void)close(fd);
}

static void *
run_worker(void *arg)
{
	struct control *c = arg;
	const struct command *command;
	int fd;

	do {
		const bool is_asked = wait_for_command(c, &command, &fd) && command != NULL;

		if (!is_asked && !atomic_load(&c->is_stopping) && (command = find_due(c)) != NULL) {
			if (!claim(c, command))
				continue;
			if (work(c, command, -1) != RC_OK)
				c->not_before_ms = clock_mono_ms() + AGAIN_MS;
			give_back(c, -1);
		} else if (is_asked) {
			(void)work(c, command, fd);
			give_back(c, fd);
		}
	} while (!atomic_load(&c->is_stopping));
	return NULL;
}

/* ---- the listener ---- */

static bool
is_allowed(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	return who.uid == 0 || who.uid == geteuid();
}

/* One line without its end; false when it does not come whole and in time, or hides something behind a NUL.
 */
static bool
read_line(int fd, char *line, size_t cap)
{
	size_t len = 0;

	while (len + 1 < cap) {
		const ssize_t n = recv(fd, line + len, 1, 0);

		if (n <= 0)
			return false;
		if (line[len] == '\n') {
			line[len] = '\0';
			return strlen(line) == len;
		}
		len++;
	}
	return false;
}

static const struct command *
find_command(const char *line)
{
	for (unsigned i = 0; i < COUNT_OF(commands); i++)
		if (strcmp(commands[i].line, line) == 0)
			return &commands[i];
	return NULL;
}

/* What is done at once, whatever is under way; the rest of the line names whom. */
struct order {
	const char *verb;
	shut_out_fn *run;
};

static const struct order orders[] = {
	{ "device revoke", shut_out_device },
	{ "user retire", shut_out_person },
};

static const struct order *
find_order(const char *line, const char **name)
{
	for (unsigned i = 0; i < COUNT_OF(orders); i++) {
		const size_t len = strlen(orders[i].verb);

		if (strncmp(orders[i].verb, line, len) == 0 && line[len] == ' ') {
			*name = line + len + 1;
			return &orders[i];
		}
	}
	return NULL;
}

static void
carry_out(struct control *c, const struct order *order, const char *name, int fd)
{
	char buf[REPORT_MAX];
	struct fault fault = { .count = 0 };
	struct peer peer = { fd };
	struct jw w;
	const enum rc rc = order->run(c->parts, name, &fault);

	if (rc != RC_OK) {
		say_failed(&peer, order->verb, rc, &fault);
		return;
	}
	upkeep_line(&w, buf, sizeof(buf), order->verb, "done");
	jw_close(&w, '}');
	say(&peer, w.buf, w.len);
}

static void
refuse(int fd, const char *job, enum rc rc, enum msg msg)
{
	struct fault fault = { .count = 0 };
	struct peer peer = { fd };

	(void)fault_set(&fault, rc, msg, NULL, 0, NULL);
	say_failed(&peer, job, rc, &fault);
	(void)close(fd);
}

/* Hand ${fd} to the worker, or refuse when it has work. */
static void
hand_over(struct control *c, const struct command *command, int fd)
{
	bool is_free;

	(void)pthread_mutex_lock(&c->lock);
	is_free = c->command == NULL;
	if (is_free) {
		c->command = command;
		c->peer_fd = fd;
		(void)pthread_cond_signal(&c->moved);
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (!is_free)
		refuse(fd, command->name, RC_BUSY, MSG_UPKEEP_BUSY);
}

static const char *
running(struct control *c)
{
	const char *name;

	(void)pthread_mutex_lock(&c->lock);
	name = c->command == NULL ? NULL : c->command->name;
	(void)pthread_mutex_unlock(&c->lock);
	return name;
}

static void
serve_peer(struct control *c, int fd)
{
	const struct timeval patience = { .tv_sec = PEER_MS / 1000 };
	const struct command *command;
	const struct order *order;
	const char *name;
	char line[LINE_MAX_BYTES];

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!is_allowed(fd) || !read_line(fd, line, sizeof(line))) {
		(void)close(fd);
		return;
	}
	if ((order = find_order(line, &name)) != NULL) {
		carry_out(c, order, name, fd);
		(void)close(fd);
	} else if ((command = find_command(line)) == NULL) {
		refuse(fd, "", RC_MALFORMED, MSG_MALFORMED);
	} else if (command->run == NULL) {
		say_status(c, fd, running(c));
		(void)close(fd);
	} else {
		hand_over(c, command, fd);
	}
}

static void *
run_listener(void *arg)
{
	struct control *c = arg;
	struct pollfd fds[2] = { { .fd = c->listen_fd, .events = POLLIN },
		{ .fd = c->wake_fd, .events = POLLIN } };
	bool has_room = true;

	while (!atomic_load(&c->is_stopping)) {
		int fd;

		/* who knocks stays in the line, so poll would say so at once, for ever */
		if (!has_room)
			(void)poll(&fds[1], 1, PAUSE_MS);
		has_room = true;
		if (poll(fds, 2, -1) <= 0 || (fds[0].revents & POLLIN) == 0)
			continue;
		if ((fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
			serve_peer(c, fd);
		else
			has_room = errno == EINTR || errno == ECONNABORTED;
	}
	return NULL;
}

/* ---- life ---- */

void
control_stop(struct control *c)
{
	const uint64_t one = 1;

	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	atomic_store(&c->is_stopping, true);
	(void)pthread_cond_broadcast(&c->moved);
	(void)pthread_mutex_unlock(&c->lock);
	if (c->wake_fd >= 0 && write(c->wake_fd, &one, sizeof(one)) < 0)
		log_world("control_wake", "the listener may end late");
	if (c->has_listener)
		(void)pthread_join(c->listener, NULL);
	if (c->has_worker)
		(void)pthread_join(c->worker, NULL);
	if (c->command != NULL && c->peer_fd >= 0)
		(void)close(c->peer_fd); /* it came too late to be begun */
	if (c->listen_fd >= 0) {
		(void)close(c->listen_fd);
		(void)unlink(c->parts->paths.control); /* a confined process may not: the next one does */
	}
	if (c->wake_fd >= 0)
		(void)close(c->wake_fd);
	(void)pthread_cond_destroy(&c->moved);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static void
init_lock(struct control *c)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->moved, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static bool
is_answered(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered;

	if (fd < 0)
		return false;
	answered = str_copy(at.sun_path, sizeof(at.sun_path), path) &&
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
	(void)close(fd);
	return answered;
}

enum rc
control_listen(const struct paths *paths, int *fd, struct fault *f)
{
	*fd = -1;
	if (strlen(paths->control) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		log_world("control_off", "the data directory's path is too long for a socket");
		return RC_OK;
	}
	if (is_answered(paths->control)) /* taking its place would leave the other without one */
		return fault_set(f, RC_BUSY, MSG_STORE_SERVED, NULL, 0, NULL);
	return listen_unix(paths->control, fd, f);
}

static bool
start(struct control *c)
{
	if (c->listen_fd >= 0) {
		if ((c->wake_fd = eventfd(0, EFD_CLOEXEC)) < 0)
			return false;
		c->has_listener = pthread_create(&c->listener, NULL, run_listener, c) == 0;
		if (!c->has_listener)
			return false;
	}
	c->has_worker = pthread_create(&c->worker, NULL, run_worker, c) == 0;
	return c->has_worker;
}

enum rc
control_start(struct parts *parts, int fd, struct control **out, struct fault *f)
{
	struct control *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	c->parts = parts;
	c->listen_fd = fd;
	c->wake_fd = c->peer_fd = -1;
	init_lock(c);
	if (!start(c)) {
		control_stop(c);
		return fault_set(f, RC_UNAVAILABLE, MSG_SERVER_UNSTARTED, NULL, 0, "control");
	}
	*out = c;
	return RC_OK;
}
