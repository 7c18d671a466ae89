/* SPDX-License-Identifier: Apache-2.0 */
/* The service's end of the socket, and the process at the other one. */
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
#define PHONES_CAP (256u * 1024)
#define ARENA      (1024u * 1024)
#define PHONE      24u

static const char sentence[] = "Menedék: egy kérés válaszra vár. A request is waiting.\n";
static const char *const columns[STEPS] = { "phone", "after_15", "after_30", "after_60" };

struct message {
	char house[LIMIT_NAME];
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

/* ---- the process ---- */

struct run {
	pid_t pid; /* 0: free */
	int64_t until_ms;
	uint32_t number;
	uint8_t step;
};

struct ringer {
	const struct duty_options *options;
	int fd;
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

/* The number of the row for ${step}, or of the last step before it that has one. */
static bool
read_phone(const struct csv *csv, unsigned step, char out[PHONE])
{
	for (unsigned i = step + 1; i > 0; i--) {
		const char *cell = csv_cell(csv, columns[i - 1]);

		if (cell != NULL && *cell != '\0')
			return is_phone(cell) && str_copy(out, PHONE, cell);
	}
	return false;
}

static bool
search(struct bytes text, struct arena *arena, const struct message *m, char out[PHONE])
{
	struct csv csv;
	enum rc rc = csv_open(&csv, text, arena, NULL);

	while (rc == RC_OK) {
		const char *house;

		if ((rc = csv_row(&csv, NULL)) != RC_OK) {
			rc = csv.is_row ? RC_OK : rc; /* a row of the wrong width hides no other house */
			continue;
		}
		house = csv_cell(&csv, "house");
		if (house != NULL && strcmp(house, m->house) == 0)
			return read_phone(&csv, m->step, out);
	}
	return false;
}

static bool
find_phone(const char *path, const struct message *m, char out[PHONE])
{
	struct arena *arena = arena_new(ARENA);
	char *text = NULL;
	size_t len = 0;
	const bool is_found = arena != NULL && file_read(path, PHONES_CAP, &text, &len, NULL) == RC_OK &&
	    search((struct bytes){ (const uint8_t *)text, len }, arena, m, out);

	if (text != NULL)
		wipe(text, len);
	free(text);
	arena_free(arena);
	return is_found;
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

/* Start what tells the house; what comes of it is known when it ends. */
static enum duty_outcome
run_command(struct ringer *r, const struct message *m)
{
	struct run *run = r->runs;
	char phone[PHONE];
	int text;

	if (!find_phone(r->options->phones, m, phone)) {
		log_world("duty_unknown", "step=%u: the file of telephone numbers has none that can be used",
		    m->step);
		return DUTY_NOBODY;
	}
	while (run->pid != 0)
		run++; /* there is a free one, or nothing would have been received */
	if ((text = sentence_pipe()) < 0) {
		log_world("duty_failed", "errno=%d", errno);
		return DUTY_FAILED;
	}
	if ((run->pid = fork()) == 0)
		become_command(r->options->command, phone, text);
	(void)close(text);
	wipe(phone, sizeof(phone));
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

/* False when the service is gone. */
static bool
hear(struct ringer *r)
{
	struct message m;
	const ssize_t n = recv(r->fd, &m, sizeof(m), MSG_DONTWAIT);
	enum duty_outcome outcome;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n != sizeof(m) || m.step >= STEPS || memchr(m.house, '\0', sizeof(m.house)) == NULL)
		return n != 0;
	if ((outcome = run_command(r, &m)) != DUTY_TOLD)
		say(r, m.number, outcome);
	return true;
}

static void
work(struct ringer *r)
{
	bool goes_on = true;

	while (goes_on || r->running > 0) {
		struct pollfd in = { .fd = goes_on && r->running < RUNNING ? r->fd : -1, .events = POLLIN };

		if (poll(&in, 1, r->running > 0 ? LOOK_MS : -1) > 0 && in.revents != 0)
			goes_on = hear(r);
		for (unsigned i = 0; i < RUNNING; i++)
			look_at_run(r, &r->runs[i]);
	}
}

static _Noreturn void
be_ringer(const struct duty_options *options, int fd)
{
	struct confine_report report = { .user = NULL };
	struct ringer r = { .options = options, .fd = fd };
	char text[256];
	struct fault f = { .count = 0 };

	(void)prctl(PR_SET_NAME, "menedek-duty", 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	confine_memory();
	if (confine_user(options->user, &report, &f) == RC_OK &&
	    confine_files_but(options->hidden, COUNT_OF(options->hidden), options->sandbox, &report, &f) ==
		RC_OK &&
	    confine_calls(CONFINE_PROGRAM, options->sandbox, &report, &f) == RC_OK) {
		confine_log("duty", &report);
		work(&r);
	}
	if (f.count > 0)
		log_world("duty_gone", "it could not be confined: %s",
		    fault_text(&f.item[0], LANG_EN, text, sizeof(text)));
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
		be_ringer(options, ends[1]);
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
duty_ring(void *duty, const char *house, unsigned step, uint32_t message)
{
	const struct duty *d = duty;
	struct message m;

	memset(&m, 0, sizeof(m));
	m.step = (uint8_t)step;
	m.number = message;
	if (!str_copy(m.house, sizeof(m.house), house))
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

	if (recv(d->fd, &a, sizeof(a), MSG_DONTWAIT) != (ssize_t)sizeof(a) || a.outcome > DUTY_NOBODY)
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
