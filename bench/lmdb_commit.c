/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable limit: bare LMDB, nobody to answer: only the engine and the disk (lmdb_writer.h).
 *   lmdb_commit --dir DIR --each SPEC [--then SPEC] --batch-each SPEC [--batch N] [--seconds S] [--there N]
 * It prints one line of NAME=VALUE parted by tabs.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <lmdb.h>

#include "histogram.h"
#include "lmdb_writer.h"

struct bench {
	struct writer writer;
	unsigned batch;
	struct histogram latency;
};

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int
commit_batch(struct bench *b)
{
	const uint64_t began_ns = now_ns();
	const int error = writer_commit(&b->writer, b->batch);

	histogram_add(&b->latency, now_ns() - began_ns);
	return error;
}

static double
cpu_s(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int
measure(struct bench *b, double seconds)
{
	const double cpu = cpu_s();
	const uint64_t start_ns = now_ns(), end_ns = start_ns + (uint64_t)(seconds * 1e9);
	double took, changes;
	int error = 0;

	while (now_ns() < end_ns && error == 0)
		error = commit_batch(b);
	took = (double)(now_ns() - start_ns) / 1e9;
	changes = (double)b->latency.total * b->batch;
	(void)printf(
	    "batch=%u\tcommits=%llu\tper_s=%.1f\tchange_us=%.2f\tcpu_us=%.2f\tp50_us=%.1f\tp99_us=%.1f\n",
	    b->batch, (unsigned long long)b->latency.total, changes / took, took / changes * 1e6,
	    (cpu_s() - cpu) / changes * 1e6, (double)histogram_at(&b->latency, 0.5) / 1e3,
	    (double)histogram_at(&b->latency, 0.99) / 1e3);
	return error;
}

int
main(int count, char **words)
{
	static const struct option options[] = { { "dir", 1, NULL, 0 }, { "each", 1, NULL, 1 },
		{ "batch-each", 1, NULL, 2 }, { "batch", 1, NULL, 3 }, { "seconds", 1, NULL, 4 },
		{ "there", 1, NULL, 5 }, { "then", 1, NULL, 6 }, { NULL, 0, NULL, 0 } };
	const char *s[] = { NULL, "n33:140", "", "1", "2", "1000", "" };
	static struct bench b;
	int which, error;

	while ((which = getopt_long(count, words, "", options, NULL)) >= 0 && which != '?')
		s[which] = optarg;
	b.batch = (unsigned)strtoul(s[3], NULL, 10);
	b.writer.there = strtoul(s[5], NULL, 10);
	if (s[0] == NULL || b.batch == 0 || b.writer.there == 0 || !writer_spec_read(s[1], &b.writer.each) ||
	    !writer_spec_read(s[2], &b.writer.batch_each) || !writer_spec_read(s[6], &b.writer.then)) {
		(void)fprintf(stderr, "lmdb_commit: see bench/lmdb_commit.c for how to call it\n");
		return 2;
	}
	if ((error = writer_open(&b.writer, s[0])) == 0)
		error = measure(&b, strtod(s[4], NULL));
	if (error != 0)
		(void)fprintf(stderr, "lmdb_commit: %s\n", mdb_strerror(error));
	writer_close(&b.writer);
	return error != 0;
}
