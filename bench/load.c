/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator: HTTP/1.1 over mutual TLS, many connections, one thread (or two), and what it cost whom.
 *   load --port P --ca FILE --clients FILE --script FILE [--connections N] [--seconds S] [--warm S] [--rate
 * R]
 *        [--handshake full|resume] [--flight N] [--threads N] [--pids ID,ID] [--label NAME]
 * It prints one line of NAME=VALUE parted by tabs.  The files' form stands in script.h.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc_cpu.h"
#include "worker.h"

#define THREADS_MOST 8u

struct settings {
	const char *port, *ca, *clients, *script, *connections, *seconds, *warm, *rate, *handshake, *flight,
	    *threads, *pids, *label;
};

static bool
read_arguments(int count, char **words, struct settings *s)
{
	static const struct option options[] = { { "port", 1, NULL, 0 }, { "ca", 1, NULL, 1 },
		{ "clients", 1, NULL, 2 }, { "script", 1, NULL, 3 }, { "connections", 1, NULL, 4 },
		{ "seconds", 1, NULL, 5 }, { "warm", 1, NULL, 6 }, { "rate", 1, NULL, 7 },
		{ "handshake", 1, NULL, 8 }, { "threads", 1, NULL, 9 }, { "pids", 1, NULL, 10 },
		{ "label", 1, NULL, 11 }, { "flight", 1, NULL, 12 }, { NULL, 0, NULL, 0 } };
	const char **values[] = { &s->port, &s->ca, &s->clients, &s->script, &s->connections, &s->seconds,
		&s->warm, &s->rate, &s->handshake, &s->threads, &s->pids, &s->label, &s->flight };
	int which;

	while ((which = getopt_long(count, words, "", options, NULL)) >= 0) {
		if (which == '?')
			return false;
		*values[which] = optarg;
	}
	if (s->port != NULL && s->ca != NULL && s->clients != NULL && s->script != NULL && optind == count)
		return true;
	(void)fprintf(stderr, "load: --port, --ca, --clients and --script are needed; see bench/load.c\n");
	return false;
}

static void
merge(struct worker_result *into, const struct worker_result *from)
{
	histogram_merge(&into->latency, &from->latency);
	for (unsigned i = 0; i < SCRIPT_STEPS; i++)
		histogram_merge(&into->step[i], &from->step[i]);
	for (unsigned i = 0; i < WORKER_STATUSES; i++)
		into->status[i] += from->status[i];
	into->answers += from->answers;
	into->good += from->good;
	into->bytes += from->bytes;
	into->handshakes += from->handshakes;
	into->resumed += from->resumed;
	into->broken += from->broken;
	into->late += from->late;
	into->retry_after += from->retry_after;
}

static double
micro(const struct histogram *h, double share)
{
	return (double)histogram_at(h, share) / 1e3;
}

static void
print_lists(const struct worker_result *r, unsigned steps)
{
	const char *separator = "";

	(void)printf("\tstatus=");
	for (unsigned i = 0; i < WORKER_STATUSES; i++) {
		if (r->status[i] == 0)
			continue;
		(void)printf("%s%u:%llu", separator, i, (unsigned long long)r->status[i]);
		separator = ",";
	}
	(void)printf("\tsteps=");
	for (unsigned i = 0; i < steps; i++)
		(void)printf("%s%llu:%.0f:%.0f", i == 0 ? "" : ",", (unsigned long long)r->step[i].total,
		    micro(&r->step[i], 0.5), micro(&r->step[i], 0.99));
}

static void
print(const struct settings *s, const struct worker_result *r, const struct proc_cpu *cpu, double seconds,
    unsigned steps)
{
	const double each = r->answers > 0 ? 1e6 / (double)r->answers : 0;
	const double others = (cpu->machine - cpu->server - cpu->own) / seconds;

	(void)printf("label=%s\tconnections=%s\tseconds=%.3f\tanswers=%llu\tper_s=%.1f\tgood_per_s=%.1f",
	    s->label, s->connections, seconds, (unsigned long long)r->answers, (double)r->answers / seconds,
	    (double)r->good / seconds);
	(void)printf("\tp50_us=%.1f\tp99_us=%.1f\tp999_us=%.1f\tmax_us=%.1f", micro(&r->latency, 0.5),
	    micro(&r->latency, 0.99), micro(&r->latency, 0.999), (double)r->latency.max_ns / 1e3);
	(void)printf(
	    "\tserver_us=%.2f\tclient_us=%.2f\tserver_cores=%.3f\tclient_cores=%.3f\tother_cores=%.3f",
	    cpu->server * each, cpu->own * each, cpu->server / seconds, cpu->own / seconds,
	    others > 0 ? others : 0);
	(void)printf(
	    "\tbytes_each=%.0f\thandshakes=%llu\tresumed=%llu\tbroken=%llu\tlate=%llu\tretry_after=%llu",
	    r->answers > 0 ? (double)r->bytes / (double)r->answers : 0, (unsigned long long)r->handshakes,
	    (unsigned long long)r->resumed, (unsigned long long)r->broken, (unsigned long long)r->late,
	    (unsigned long long)r->retry_after);
	print_lists(r, steps);
	(void)printf("\n");
}

static bool
make_plan(const struct settings *s, unsigned threads, struct worker_plan *plan)
{
	const double seconds = strtod(s->seconds, NULL), warm = strtod(s->warm, NULL);

	plan->authority = s->ca;
	plan->port = (int)strtol(s->port, NULL, 10);
	plan->connections = (unsigned)strtoul(s->connections, NULL, 10) / threads;
	plan->rate = strtod(s->rate, NULL) / threads;
	plan->flight =
	    s->flight == NULL ? plan->connections : (unsigned)strtoul(s->flight, NULL, 10) / threads;
	if (s->handshake != NULL)
		plan->mode = strcmp(s->handshake, "resume") == 0 ? WORKER_RESUME : WORKER_FULL;
	/* spans until it begins */
	plan->count_ns = (uint64_t)(warm * 1e9);
	plan->end_ns = plan->count_ns + (uint64_t)(seconds * 1e9);
	return plan->connections > 0 && plan->flight > 0 && plan->port > 0 && seconds > 0;
}

/* Run the threads, read the clocks at the first and last moment that counts. */
static bool
run(struct worker_plan *plan, struct worker *workers, unsigned threads, const char *pids,
    struct proc_cpu *cpu, double *seconds)
{
	struct proc_cpu before, after;
	uint64_t start_ns, end_ns;
	bool is_good = true;

	for (unsigned i = 0; i < threads; i++) {
		workers[i].plan = plan;
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0)
			return false;
	}
	while (atomic_load(&plan->connected) < threads)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	plan->start_ns = worker_now_ns();
	plan->count_ns += plan->start_ns;
	plan->end_ns += plan->start_ns;
	atomic_store(&plan->has_begun, true);
	while (worker_now_ns() < plan->count_ns)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	start_ns = worker_now_ns();
	proc_cpu_read(pids, &before);
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
	    &(struct timespec){ (time_t)(plan->end_ns / 1000000000u), (long)(plan->end_ns % 1000000000u) },
	    NULL);
	proc_cpu_read(pids, &after);
	end_ns = worker_now_ns();
	for (unsigned i = 0; i < threads; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		is_good = is_good && !workers[i].has_failed;
	}
	*seconds = (double)(end_ns - start_ns) / 1e9;
	*cpu = (struct proc_cpu){ after.server - before.server, after.own - before.own,
		after.machine - before.machine };
	return is_good;
}

int
main(int count, char **words)
{
	static struct worker workers[THREADS_MOST];
	static struct worker_result sum;
	static struct script script;
	static struct clients clients;
	struct settings s = { .connections = "32",
		.seconds = "3",
		.warm = "0.5",
		.rate = "0",
		.threads = "1",
		.pids = "",
		.label = "-" };
	struct worker_plan plan = { .script = &script, .clients = &clients };
	unsigned threads;
	struct proc_cpu cpu = { 0 };
	double seconds = 1;
	bool is_good;

	(void)signal(SIGPIPE, SIG_IGN);
	if (!read_arguments(count, words, &s))
		return 2;
	threads = (unsigned)strtoul(s.threads, NULL, 10);
	if (threads == 0 || threads > THREADS_MOST || !script_read(s.script, &script) ||
	    !clients_read(s.clients, &clients) || !make_plan(&s, threads, &plan))
		return 2;
	is_good = run(&plan, workers, threads, s.pids, &cpu, &seconds);
	for (unsigned i = 0; i < threads; i++)
		merge(&sum, &workers[i].result);
	print(&s, &sum, &cpu, seconds, script.steps);
	script_free(&script);
	clients_free(&clients);
	if (!is_good)
		(void)fprintf(stderr, "load: the server could not be used\n");
	return is_good && sum.answers > 0 ? 0 : 1;
}
