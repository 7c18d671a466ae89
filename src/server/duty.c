/* SPDX-License-Identifier: Apache-2.0 */
/* The service's end of the socket, and the two processes at the other one: a keeper, and while something is
 * to be told a ringer. */
#include "server/duty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/log.h"

#define STEPS      4u
#define RUNNING    16u   /* at once; more wait in the socket */
#define PATIENCE   20000 /* ms for a command */
#define LOOK_MS    200
#define TURN_MS    60000 /* how long one ringer takes messages */
#define PHONES_CAP (256u * 1024)
#define ARENA      (1024u * 1024)
#define PHONE      24u

static const char sentence[] = "Menedék: egy kérés válaszra vár. A request is waiting.\n";
static const char *const columns[STEPS] = { "phone", "after_15", "after_30", "after_60" };

struct message {
	char house[ID_TEXT + 1], name[LIMIT_NAME];
	uint32_t number;
	uint8_t step;
};

struct report {
	uint32_t number;
	uint8_t outcome; /* enum duty_outcome */
};

struct duty {
	int fd;
	pid_t pid;
};

/* ---- the ringer ---- */

struct run {
	pid_t pid; /* 0: free */
	int64_t until_ms;
	uint32_t number;
	uint8_t step;
};

struct ringer {
	const struct duty_options *options;
	int fd;
	bool is_confined;
	bool leaves; /* what waits is for the next */
	struct run runs[RUNNING];
	unsigned running;
};

/* A number that begins with '-' would be an option of the command. */
static bool
is_phone(const char *text)
{
	const size_t len = strspn(text, "+0123456789");

	return len >= 3 && len < PHONE && text[len] == '\0' && strrchr(text, '+') <= text;
}

/* DUTY_TOLD: the number of the row for ${step}, or of the last step before it that has one. */
static enum duty_outcome
read_phone(const struct csv *csv, unsigned step, char out[PHONE])
{
	for (unsigned i = step + 1; i > 0; i--) {
		const char *cell = csv_cell(csv, columns[i - 1]);

		if (cell != NULL && *cell != '\0')
			return is_phone(cell) && str_copy(out, PHONE, cell) ? DUTY_TOLD : DUTY_UNKNOWN;
	}
	return csv_cell(csv, columns[0]) != NULL ? DUTY_NOBODY : DUTY_UNKNOWN;
}

/* False: there is no row of ${house}. */
static bool
search(struct bytes text, struct arena *arena, const char *house, unsigned step, char out[PHONE],
    enum duty_outcome *found)
{
	struct csv csv;
	enum rc rc = csv_open(&csv, text, arena, NULL);

	while (rc == RC_OK) {
		const char *cell;

		if ((rc = csv_row(&csv, NULL)) != RC_OK) {
			rc = csv.is_row ? RC_OK : rc; /* a row of the wrong width hides no other house */
			continue;
		}
		cell = csv_cell(&csv, "house");
		if (cell == NULL || strcmp(cell, house) != 0)
			continue;
		*found = read_phone(&csv, step, out);
		return true;
	}
	return false;
}

/* By the id first: a row by the code name may be another house's, of before a renaming. */
static enum duty_outcome
find_phone(const char *path, const struct message *m, char out[PHONE])
{
	struct arena *arena = arena_new(ARENA);
	enum duty_outcome found = DUTY_FAILED; /* which says nothing of the house */
	char *text = NULL;
	size_t len = 0;

	if (arena != NULL && file_read(path, PHONES_CAP, &text, &len, NULL) == RC_OK) {
		const struct bytes all = { (const uint8_t *)text, len };

		found = DUTY_UNKNOWN;
		if (!search(all, arena, m->house, m->step, out, &found)) {
			arena_rewind(arena, 0);
			(void)search(all, arena, m->name, m->step, out, &found);
		}
	}
	if (text != NULL)
		wipe(text, len);
	free(text);
	arena_free(arena);
	return found;
}

/* No shell, no environment of ours, nothing open but the sentence, nowhere and the log. */
static _Noreturn void
become_command(const char *command, char *phone, int text)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
	char *const env[] = { path, lang, NULL };
	char *const argv[] = { (char *)(uintptr_t)command, phone, NULL };
	const int null = open("/dev/null", O_WRONLY);

	(void)setpgid(0, 0); /* what it starts is ended with it */
	if (null < 0 || dup2(text, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(126);
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	(void)execve(command, argv, env);
	_exit(127);
}

/* The read end of a pipe that holds the sentence. */
static int
sentence_pipe(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	if (write(ends[1], sentence, sizeof(sentence) - 1) != (ssize_t)sizeof(sentence) - 1) {
		(void)close(ends[0]);
		ends[0] = -1;
	}
	(void)close(ends[1]);
	return ends[0];
}

/* Waits when the service, which looks every second, is behind: until it has heard it sends no other. */
static void
say(const struct ringer *r, uint32_t number, enum duty_outcome outcome)
{
	struct report a;

	memset(&a, 0, sizeof(a));
	a.number = number;
	a.outcome = (uint8_t)outcome;
	if (send(r->fd, &a, sizeof(a), MSG_NOSIGNAL) != (ssize_t)sizeof(a))
		log_world("duty_answer", "errno=%d", errno);
}

static void
say_found(enum duty_outcome found, unsigned step)
{
	if (found == DUTY_FAILED)
		log_world("duty_failed", "step=%u: the file of telephone numbers cannot be read", step);
	else if (found == DUTY_UNKNOWN)
		log_world("duty_unknown",
		    "step=%u: the file of telephone numbers has no row of the house that can be used", step);
	else if (found == DUTY_NOBODY)
		log_note("duty_nobody", "step=%u: the house's row is empty", step);
}

/* Start what tells ${phone}; what comes of it is known when it ends. */
static enum duty_outcome
run_command(struct ringer *r, const struct message *m, char *phone)
{
	struct run *run = r->runs;
	int text;

	while (run->pid != 0)
		run++; /* there is a free one, or nothing would have been received */
	if ((text = sentence_pipe()) < 0) {
		log_world("duty_failed", "errno=%d", errno);
		return DUTY_FAILED;
	}
	if ((run->pid = fork()) == 0)
		become_command(r->options->command, phone, text);
	(void)close(text);
	if (run->pid < 0) {
		run->pid = 0;
		log_world("duty_failed", "errno=%d", errno);
		return DUTY_FAILED;
	}
	run->until_ms = clock_mono_ms() + PATIENCE;
	run->step = m->step;
	run->number = m->number;
	r->running++;
	return DUTY_TOLD;
}

static void
look_at_run(struct ringer *r, struct run *run)
{
	bool is_told;
	int status = 0;

	if (run->pid == 0)
		return;
	if (waitpid(run->pid, &status, WNOHANG) == 0) {
		if (clock_mono_ms() >= run->until_ms) {
			(void)kill(-run->pid, SIGKILL);
			(void)kill(run->pid, SIGKILL); /* before it had a group of its own */
		}
		return;
	}
	(void)kill(-run->pid, SIGKILL); /* what it left behind */
	is_told = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	say(r, run->number, is_told ? DUTY_TOLD : DUTY_FAILED);
	if (is_told)
		log_note("duty_told", "step=%u", run->step);
	else
		log_world("duty_failed", "step=%u exit=%d signal=%d", run->step,
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	run->pid = 0;
	r->running--;
}

/* The command for the message, which is taken. */
static void
ring(struct ringer *r, const struct message *m, enum duty_outcome found, char *phone)
{
	if (r->is_confined)
		say_found(found, m->step);
	if (found == DUTY_TOLD)
		found = run_command(r, m, phone);
	if (found != DUTY_TOLD)
		say(r, m->number, found);
}

/*
 * A message is taken when its number was read: a file that was replaced since this ringer was confined is out
 * of its reach, and the next one reads it.  ${must}: it is taken in any case.  False: the service is gone.
 */
static bool
hear(struct ringer *r, bool must)
{
	struct message m;
	char phone[PHONE] = "";
	const ssize_t n = recv(r->fd, &m, sizeof(m), MSG_DONTWAIT | MSG_PEEK);
	enum duty_outcome found = DUTY_FAILED;
	bool is_sound;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	is_sound = n == sizeof(m) && m.step < STEPS && memchr(m.house, '\0', sizeof(m.house)) != NULL &&
	    memchr(m.name, '\0', sizeof(m.name)) != NULL;
	if (is_sound && r->is_confined)
		found = find_phone(r->options->phones, &m, phone);
	r->leaves = is_sound && r->is_confined && found == DUTY_FAILED && !must;
	if (r->leaves)
		return true;
	(void)recv(r->fd, &m, sizeof(m), MSG_DONTWAIT); /* nobody else takes any */
	if (is_sound)
		ring(r, &m, found, phone);
	wipe(phone, sizeof(phone));
	return n != 0;
}

/* Until nothing waits and nothing runs; after a while, or when the numbers are out of its reach, what waits
 * is left to the next, which takes one message in any case.  False: the service is gone. */
static bool
work(struct ringer *r)
{
	const int64_t until = clock_mono_ms() + TURN_MS;
	bool is_there = true, has_heard = true, is_first = true;

	for (; has_heard || r->running > 0; is_first = false) {
		const bool takes =
		    is_there && !r->leaves && r->running < RUNNING && (is_first || clock_mono_ms() < until);
		struct pollfd in = { .fd = takes ? r->fd : -1, .events = POLLIN };

		has_heard = poll(&in, 1, r->running > 0 ? LOOK_MS : 0) > 0 && in.revents != 0;
		if (has_heard)
			has_heard = is_there = hear(r, is_first);
		for (unsigned i = 0; i < RUNNING; i++)
			look_at_run(r, &r->runs[i]);
	}
	return is_there;
}

/* ---- the keeper ---- */

/* How a ringer ends; in any other way it took messages with it of which nobody will hear. */
enum end { END_GONE, END_IDLE = 7 };

static void
say_unconfined(const char *event, const struct fault *f)
{
	char text[256];

	if (f->count > 0)
		log_world(event, "it could not be confined: %s",
		    fault_text(&f->item[0], LANG_EN, text, sizeof(text)));
}

/* ${report}: of what the keeper gave up.  One that cannot be confined at the start is none; later, it reads
 * and runs nothing, and what waits is sent again. */
static _Noreturn void
be_ringer(const struct duty_options *options, int fd, struct confine_report report, bool is_first)
{
	struct ringer r = { .options = options, .fd = fd };
	struct fault f = { .count = 0 };

	r.is_confined = confine_files_but(options->hidden, COUNT_OF(options->hidden), options->sandbox,
			    &report, &f) == RC_OK;
	if (!r.is_confined)
		say_unconfined(is_first ? "duty_gone" : "duty_failed", &f);
	if (!r.is_confined && is_first)
		_exit(END_GONE);
	if (is_first)
		confine_log("duty", &report);
	_exit(work(&r) ? END_IDLE : END_GONE);
}

/* True: there may be more to do. */
static bool
ringer_run(const struct duty_options *options, int fd, const struct confine_report *report, bool is_first)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		be_ringer(options, fd, *report, is_first);
	if (pid < 0) {
		log_world("duty_failed", "errno=%d: what waits is kept", errno);
		(void)poll(NULL, 0, PATIENCE);
		return true;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == END_IDLE;
}

/*
 * Starts a ringer whenever something waits, and takes nothing itself.  Each is confined anew: beside the way
 * to what is hidden Landlock grants files and not names, so a file that was replaced by rename since, as
 * editors do with the numbers and a lease of the network with resolv.conf, would be out of reach for good.
 */
static _Noreturn void
be_keeper(const struct duty_options *options, int fd)
{
	struct confine_report report = { .user = NULL };
	struct pollfd in = { .fd = fd, .events = POLLIN };
	struct fault f = { .count = 0 };
	bool goes_on;

	(void)prctl(PR_SET_NAME, "menedek-duty", 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	confine_memory();
	goes_on = confine_user(options->user, &report, &f) == RC_OK &&
	    confine_calls(CONFINE_PROGRAM, options->sandbox, &report, &f) == RC_OK;
	say_unconfined("duty_gone", &f);
	/* the first at once: whether it can be confined is known at the start */
	for (bool is_first = true; goes_on; is_first = false) {
		while (!is_first && poll(&in, 1, -1) <= 0)
			continue;
		goes_on = ringer_run(options, fd, &report, is_first);
	}
	_exit(0);
}

/* ---- the service's end ---- */

enum rc
duty_start(const struct duty_options *options, struct duty **out, struct fault *f)
{
	struct duty *d = calloc(1, sizeof(*d));
	int ends[2];

	*out = NULL;
	if (d == NULL)
		return RC_UNAVAILABLE;
	if (access(options->command, X_OK) != 0 || access(options->phones, R_OK) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		free(d);
		return fault_set(f, RC_INVALID, MSG_DUTY, NULL, 0, path_name(options->command));
	}
	if ((d->pid = fork()) == 0) {
		(void)close(ends[0]);
		be_keeper(options, ends[1]);
	}
	(void)close(ends[1]);
	d->fd = ends[0];
	if (d->pid < 0) {
		duty_stop(d);
		return RC_UNAVAILABLE;
	}
	*out = d;
	return RC_OK;
}

bool
duty_ring(void *duty, const struct id *house, const char *name, unsigned step, uint32_t message)
{
	const struct duty *d = duty;
	struct message m;

	memset(&m, 0, sizeof(m));
	m.step = (uint8_t)step;
	m.number = message;
	id_format(house, m.house);
	if (!str_copy(m.name, sizeof(m.name), name))
		return false;
	if (send(d->fd, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(m))
		return true;
	if (errno != EAGAIN)
		log_world(
		    "duty_gone", "errno=%d: nobody tells the houses' telephones until a restart", errno);
	return false;
}

bool
duty_heard(void *duty, uint32_t *message, enum duty_outcome *outcome)
{
	const struct duty *d = duty;
	struct report a;

	if (recv(d->fd, &a, sizeof(a), MSG_DONTWAIT) != (ssize_t)sizeof(a) || a.outcome > DUTY_UNKNOWN)
		return false;
	*message = a.number;
	*outcome = (enum duty_outcome)a.outcome;
	return true;
}

void
duty_stop(struct duty *duty)
{
	if (duty == NULL)
		return;
	(void)close(duty->fd);
	free(duty);
}
