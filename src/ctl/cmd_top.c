/* SPDX-License-Identifier: Apache-2.0 */
/* menedek top: the operators' numbers, live.  The terminal's part: raw keys, one write a frame, and
 * everything put back as it was, however it ends. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "ctl/talk.h"
#include "ctl/top_view.h"

#define SOCKET    "/run/menedek/health.sock" /* of the packaged unit */
#define PERIOD_MS 2000
#define KEYS_MS   100 /* so often is a signal looked for */
#define WIDTH     160u

#define ENTER "\x1b[?1049h\x1b[?25l" /* another screen, no cursor */
#define LEAVE "\x1b[?25h\x1b[?1049l"
#define HOME  "\x1b[H"
#define EOL   "\x1b[K\n" /* the terminal still makes \r\n of it */
#define BELOW "\x1b[J"

static volatile sig_atomic_t is_ended;

static void
end(int number)
{
	(void)number;
	is_ended = 1;
}

static void
send_screen(const char *text, size_t len)
{
	/* where the terminal is gone, the signal of that comes */
	(void)!write_all(STDOUT_FILENO, (struct bytes){ (const uint8_t *)text, len });
}

static void
add(char *frame, size_t cap, size_t *len, const char *text, size_t n)
{
	n = n < cap - *len ? n : cap - *len;
	memcpy(frame + *len, text, n);
	*len += n;
}

/* As many lines as there is room for, each cut to the width: a frame that wraps would scroll. */
static void
draw(const char *text)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char frame[2 * TOP_TEXT];
	size_t len = 0;

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	if (size.ws_row < 2 || size.ws_col < 2)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	add(frame, sizeof(frame), &len, HOME, strlen(HOME));
	for (unsigned row = 1; *text != '\0' && row < size.ws_row; row++) {
		const size_t line = strcspn(text, "\n"), most = size.ws_col < WIDTH ? size.ws_col : WIDTH;

		add(frame, sizeof(frame), &len, text, line < most ? line : most);
		add(frame, sizeof(frame), &len, EOL, strlen(EOL));
		text += line + (text[line] == '\n');
	}
	add(frame, sizeof(frame), &len, BELOW "q: quit", strlen(BELOW "q: quit"));
	send_screen(frame, len);
}

/* Sleep a frame's time.  False when a key or a signal ends it. */
static bool
wait_frame(void)
{
	const int64_t until = clock_mono_ms() + PERIOD_MS;
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	while (!is_ended && clock_mono_ms() < until) {
		if (poll(&keys, 1, KEYS_MS) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' || key == 3 || key == 4)
			return false; /* also the end of its input */
	}
	return !is_ended;
}

static enum status
say_why(const char *where, enum rc rc)
{
	if (rc == RC_INVALID)
		talk_error("--health takes 127.0.0.1:PORT or the path of a socket");
	else if (rc == RC_FORBIDDEN)
		talk_error("%s may not be asked: look as root or the service's user", where);
	else
		talk_error("nobody answers at %s: does the service run, with --health %s?", where, where);
	return rc == RC_INVALID ? STATUS_USAGE : rc == RC_FORBIDDEN ? STATUS_AUTH : STATUS_UNREACHABLE;
}

static enum rc
shoot(const char *where, struct top_shot *out)
{
	struct scrape scrape;
	enum rc rc = scrape_get(where, &scrape);

	if (rc == RC_OK)
		top_look(&scrape, out);
	scrape_free(&scrape);
	return rc;
}

/* What stands there at the first look: rates since the service began. */
static void
write_first(const struct top_shot *shot, char text[TOP_TEXT])
{
	const int64_t now = clock_now();

	(void)top_write(NULL, shot, (double)now - shot->started_at, now, text);
}

static void
watch(const char *where, struct top_shot *before, char text[TOP_TEXT])
{
	struct top_shot now;
	int64_t at = clock_mono_ms(), was;

	draw(text);
	while (wait_frame()) {
		if (shoot(where, &now) != RC_OK) {
			(void)snprintf(text, TOP_TEXT, "nobody answers at %s any more; asking on\n", where);
			draw(text);
			continue;
		}
		was = at;
		at = clock_mono_ms();
		(void)top_write(before, &now, (double)(at - was) / 1000, clock_now(), text);
		draw(text);
		*before = now;
	}
}

static void
run_on_terminal(const char *where, struct top_shot *shot, char text[TOP_TEXT])
{
	const struct sigaction action = { .sa_handler = end };
	struct termios kept, raw;
	const bool has_keys = tcgetattr(STDIN_FILENO, &kept) == 0;

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	if (has_keys) {
		raw = kept;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	}
	send_screen(ENTER, strlen(ENTER));
	watch(where, shot, text);
	send_screen(LEAVE, strlen(LEAVE));
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &kept);
}

enum status
cmd_top(const struct args *args)
{
	const char *where = args_has(args, OPT_HEALTH) ? args->value[OPT_HEALTH] : SOCKET;
	struct top_shot shot;
	char text[TOP_TEXT];
	enum rc rc;

	if ((rc = shoot(where, &shot)) != RC_OK)
		return say_why(where, rc);
	write_first(&shot, text);
	if (isatty(STDOUT_FILENO) && isatty(STDIN_FILENO))
		run_on_terminal(where, &shot, text);
	else
		(void)fputs(text, stdout);
	return STATUS_OK;
}
