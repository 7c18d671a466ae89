/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever ends the program while it asks would leave the terminal mute.  So signals from the keyboard are
 * characters meanwhile, and those of others wait until the terminal is as it was.
 */
#include "ctl/quiet.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define CONTROL_C         3
#define CONTROL_BACKSLASH 28

/* False: somebody wants the program to end.  The signal stays where it is, and does so afterwards. */
static bool
wait_for_key(int fd, int signals)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return p[1].revents == 0;
}

/* One byte at a time: what follows the line is somebody else's. */
static bool
read_line(int fd, int signals, char *out, size_t cap)
{
	size_t len = 0;

	for (;;) {
		ssize_t n;

		if (!wait_for_key(fd, signals))
			return false;
		n = read(fd, out + len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || out[len] == CONTROL_C || out[len] == CONTROL_BACKSLASH)
			return false;
		if (out[len] == '\n')
			break;
		if (++len == cap)
			return false;
	}
	if (len > 0 && out[len - 1] == '\r')
		len--;
	out[len] = '\0';
	return len > 0;
}

static bool
ask(int fd, int signals, int to, const char *question, char *out, size_t cap)
{
	struct termios shown, hidden;
	bool is_read;

	if (tcgetattr(fd, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	hidden.c_cc[VEOL] = CONTROL_C; /* they end the line as Enter does */
	hidden.c_cc[VEOL2] = CONTROL_BACKSLASH;
	if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0)
		return false;
	(void)dprintf(to, "%s", question);
	is_read = read_line(fd, signals, out, cap);
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	(void)dprintf(to, "\n");
	return is_read;
}

bool
quiet_line(int fd, int to, const char *question, char *out, size_t cap)
{
	sigset_t ending, before;
	bool is_read;
	int signals;

	memset(out, 0, cap);
	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGHUP);
	(void)sigaddset(&ending, SIGINT);
	(void)sigaddset(&ending, SIGQUIT);
	if ((signals = signalfd(-1, &ending, SFD_CLOEXEC)) < 0)
		return false;
	(void)pthread_sigmask(SIG_BLOCK, &ending, &before);
	is_read = ask(fd, signals, to, question, out, cap);
	if (!is_read)
		wipe(out, cap);
	(void)close(signals);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* what came meanwhile takes effect here */
	return is_read;
}
