/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc.  A tree of processes is summed with the times of its ended members, so that it never runs
 * backwards. */
#include "proc_cpu.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROCESSES 4096u
#define LINE      1024

struct process {
	long id, parent;
	double seconds;
	bool is_meant;
};

/* The ${skip}th number after ${text}, words parted by blanks. */
static unsigned long long
number_at(const char *text, unsigned skip)
{
	text += strspn(text, " ");
	while (skip-- > 0) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return strtoull(text, NULL, 10);
}

static bool
read_line(const char *path, char *text, int room)
{
	FILE *file = fopen(path, "re");
	bool is_read;

	if (file == NULL)
		return false;
	is_read = fgets(text, room, file) != NULL;
	(void)fclose(file);
	return is_read;
}

/* /proc/ID/stat.  The name in parentheses may hold anything, so the last one counts. */
static bool
read_process(const char *id, struct process *out)
{
	unsigned long long ticks = 0;
	char path[288], text[LINE];
	const char *rest;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", id);
	if (!read_line(path, text, sizeof(text)) || (rest = strrchr(text, ')')) == NULL)
		return false;
	/* behind the name: state, parent; from the 12th on utime, stime and both of its ended children */
	for (unsigned i = 0; i < 4; i++)
		ticks += number_at(rest + 1, 11 + i);
	out->id = strtol(id, NULL, 10);
	out->parent = (long)number_at(rest + 1, 1);
	out->seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);
	return true;
}

static bool
is_listed(const char *pids, long id)
{
	for (const char *at = pids; *at != '\0';) {
		char *end;

		if (strtol(at, &end, 10) == id)
			return true;
		at = *end == ',' ? end + 1 : end + strlen(end);
	}
	return false;
}

/* Children of the meant are meant, too.  Once more for each generation: a parent may stand after its child.
 */
static void
mark_children(struct process *all, unsigned count)
{
	bool has_grown = true;

	while (has_grown) {
		has_grown = false;
		for (unsigned i = 0; i < count; i++) {
			const bool was_meant = all[i].is_meant;

			for (unsigned j = 0; !all[i].is_meant && j < count; j++)
				all[i].is_meant = all[j].is_meant && all[j].id == all[i].parent;
			has_grown = has_grown || all[i].is_meant != was_meant;
		}
	}
}

static double
server_seconds(const char *pids)
{
	static struct process all[PROCESSES];
	unsigned count = 0;
	double seconds = 0;
	DIR *dir = opendir("/proc");

	if (dir == NULL)
		return 0;
	for (struct dirent *entry; count < PROCESSES && (entry = readdir(dir)) != NULL;) {
		struct process *p = &all[count];

		if (!isdigit((unsigned char)entry->d_name[0]) || !read_process(entry->d_name, p))
			continue;
		p->is_meant = is_listed(pids, p->id);
		count++;
	}
	(void)closedir(dir);
	mark_children(all, count);
	for (unsigned i = 0; i < count; i++)
		seconds += all[i].is_meant ? all[i].seconds : 0;
	return seconds;
}

static double
machine_seconds(void)
{
	/* user, nice, system, (idle, waiting,) interrupts of both kinds */
	static const unsigned busy[] = { 1, 2, 3, 6, 7 };
	unsigned long long ticks = 0;
	char text[LINE];

	if (!read_line("/proc/stat", text, sizeof(text)))
		return 0;
	for (unsigned i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
		ticks += number_at(text, busy[i]);
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void
proc_cpu_read(const char *pids, struct proc_cpu *out)
{
	struct rusage own;

	(void)getrusage(RUSAGE_SELF, &own);
	out->own = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
	    (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
	out->machine = machine_seconds();
	out->server = *pids == '\0' ? 0 : server_seconds(pids);
}
