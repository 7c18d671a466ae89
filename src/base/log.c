/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event, one line, one write.  Without locks, since a thread that holds a lock of its own may log: the
 * rate limit keeps second and count of an event in one atomic word, so whoever changes it knows what it
 * replaced.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"

#define EVENTS 128u  /* event names of the whole program; the last place is shared by what finds no other */
#define TEXT   1024u /* the caller's text before escaping */
#define LINE   2048u /* below PIPE_BUF, so that lines of several processes do not mix */

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_NOTE] = "note",
	[LOG_PEER] = "peer",
	[LOG_WORLD] = "world",
	[LOG_BUG] = "bug",
};

struct event {
	_Atomic(const char *) name;
	_Atomic uint64_t tally; /* monotonic second << 32 | lines asked for in it */
};

/* syslog's priorities, as the journal reads them at the start of a line */
static const char *const priorities[] = {
	[LOG_DEBUG] = "<7>",
	[LOG_NOTE] = "<6>",
	[LOG_PEER] = "<5>",
	[LOG_WORLD] = "<4>",
	[LOG_BUG] = "<3>",
};

static bool has_priorities; /* set before there is a second thread */

static struct event events[EVENTS];
static _Atomic uint32_t swept; /* the second in which old tallies were last reported */
static atomic_int least_level = LOG_NOTE;

void
log_set_level(enum log_level least)
{
	atomic_store(&least_level, (int)least);
}

/* systemd.exec(5): the variable is inherited, so it counts only while standard error is that very stream. */
void
log_for_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	has_priorities = strcmp(own, stream) == 0;
}

struct line {
	char text[LINE];
	size_t len;
};

/* Is the byte at ${i} part of U+0080 to U+009F, which terminals obey like escape sequences? */
static bool
is_c1(const char *s, size_t len, size_t i)
{
	const unsigned char c = (unsigned char)s[i];

	if (c == 0xc2)
		return i + 1 < len && (unsigned char)s[i + 1] < 0xa0;
	return c >= 0x80 && c < 0xa0 && i > 0 && (unsigned char)s[i - 1] == 0xc2;
}

/* Append ${s} in a form that stays on one line and sends nothing to a terminal. */
static void
add(struct line *line, const char *s, size_t len)
{
	const size_t valid = utf8_prefix(s, len);

	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];
		const bool is_plain = c >= 0x20 && c != 0x7f && !is_c1(s, len, i) && (c < 0x80 || i < valid);

		if (line->len + 8 > sizeof(line->text))
			return;
		if (is_plain)
			line->text[line->len++] = (char)c;
		else
			line->len += (size_t)snprintf(line->text + line->len, 5, "\\x%02x", c);
	}
}

static void
emit(struct line *line)
{
	const char *p = line->text;
	size_t left;

	line->len = utf8_prefix(line->text, line->len); /* a full line may end inside a character */
	line->text[line->len++] = '\n';
	left = line->len;
	while (left > 0) {
		ssize_t put = write(STDERR_FILENO, p, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return; /* nowhere left to say so */
		p += put;
		left -= (size_t)put;
	}
}

static void
head(struct line *line, enum log_level level, const char *event)
{
	line->len = 0;
	if (has_priorities)
		add(line, priorities[level], strlen(priorities[level]));
	add(line, level_names[level], strlen(level_names[level]));
	add(line, " ", 1);
	add(line, event, strlen(event));
	add(line, " ", 1);
}

static void
report_dropped(const char *event, uint64_t tally)
{
	struct line line;
	char text[48];

	if ((uint32_t)tally <= LOG_BURST)
		return;
	head(&line, LOG_WORLD, "log_dropped");
	(void)snprintf(text, sizeof(text), "lines=%u event=", (unsigned)((uint32_t)tally - LOG_BURST));
	add(&line, text, strlen(text));
	add(&line, event, strlen(event));
	emit(&line);
}

/* The place of ${name}: its own if one is found or free, else the shared last one. */
static struct event *
find(const char *name)
{
	for (size_t i = 0; i < EVENTS - 1; i++) {
		const char *held = atomic_load(&events[i].name);

		if (held == NULL && atomic_compare_exchange_strong(&events[i].name, &held, name))
			return &events[i];
		if (strcmp(held, name) == 0)
			return &events[i];
	}
	atomic_store(&events[EVENTS - 1].name, "other");
	return &events[EVENTS - 1];
}

/* Count one line of ${event}; may it be written? */
static bool
admit(struct event *event, uint32_t second)
{
	uint64_t old = atomic_load(&event->tally);
	uint64_t next;
	bool is_new;

	do {
		is_new = old >> 32 != second;
		next = is_new ? (uint64_t)second << 32 | 1 : old + 1;
	} while (!atomic_compare_exchange_weak(&event->tally, &old, next));
	if (is_new)
		report_dropped(atomic_load(&event->name), old);
	return (uint32_t)next <= LOG_BURST;
}

/* Once a second, report drops of events that have gone quiet since. */
static void
sweep(uint32_t second)
{
	uint32_t last = atomic_load(&swept);

	if (last == second || !atomic_compare_exchange_strong(&swept, &last, second))
		return;
	for (size_t i = 0; i < EVENTS && atomic_load(&events[i].name) != NULL; i++) {
		uint64_t old = atomic_load(&events[i].tally);

		if (old >> 32 == second || (uint32_t)old <= LOG_BURST)
			continue;
		if (atomic_compare_exchange_strong(&events[i].tally, &old, old & ~(uint64_t)UINT32_MAX))
			report_dropped(atomic_load(&events[i].name), old);
	}
}

void
log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	const int saved = errno;
	const uint32_t second = (uint32_t)(clock_mono_ms() / 1000);
	struct line line;
	char text[TEXT];
	va_list args;
	int len;

	if ((int)level < atomic_load(&least_level))
		return;
	sweep(second);
	if (admit(find(event), second)) {
		head(&line, level, event);
		va_start(args, fmt);
		len = vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
		if (len > 0)
			add(&line, text, strnlen(text, sizeof(text)));
		if (len >= (int)sizeof(text))
			add(&line, "...", 3);
		emit(&line);
	}
#ifdef MENEDEK_DEBUG
	if (level == LOG_BUG)
		abort();
#endif
	errno = saved;
}
