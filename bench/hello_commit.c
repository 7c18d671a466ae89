/* SPDX-License-Identifier: Apache-2.0 */
#include "hello_commit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lmdb.h>

#include "lmdb_writer.h"

#define WAITING_MOST 1024u /* more than the connections of any row */
#define THERE        1000u

static struct writer writer = { .there = THERE };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_work = PTHREAD_COND_INITIALIZER;
static struct MHD_Connection *waiting[WAITING_MOST];
static unsigned waiting_count;

static void
end(const char *why)
{
	(void)fprintf(stderr, "hello_mhd: %s\n", why);
	exit(1);
}

static unsigned
take_all(struct MHD_Connection **taken)
{
	unsigned count;

	pthread_mutex_lock(&lock);
	while (waiting_count == 0)
		pthread_cond_wait(&has_work, &lock);
	count = waiting_count;
	memcpy(taken, waiting, count * sizeof(waiting[0]));
	waiting_count = 0;
	pthread_mutex_unlock(&lock);
	return count;
}

static void *
commit_for_ever(void *unused)
{
	struct MHD_Connection *taken[WAITING_MOST];

	for (;;) {
		const unsigned count = take_all(taken);
		const int error = writer_commit(&writer, count);

		if (error != 0)
			end(mdb_strerror(error));
		for (unsigned i = 0; i < count; i++)
			MHD_resume_connection(taken[i]);
	}
	return unused;
}

void
hello_commit_start(const struct hello_commit *what)
{
	pthread_t thread;
	int error;

	if (!writer_spec_read(what->each, &writer.each) || !writer_spec_read(what->then, &writer.then) ||
	    !writer_spec_read(what->batch_each, &writer.batch_each))
		end("what a change writes is not understood");
	if ((error = writer_open(&writer, what->dir)) != 0)
		end(mdb_strerror(error));
	if (pthread_create(&thread, NULL, commit_for_ever, NULL) != 0)
		end("no thread");
}

void
hello_commit_wait(struct MHD_Connection *request)
{
	MHD_suspend_connection(request);
	pthread_mutex_lock(&lock);
	if (waiting_count == WAITING_MOST)
		end("more connections than fit");
	waiting[waiting_count++] = request;
	pthread_cond_signal(&has_work);
	pthread_mutex_unlock(&lock);
}
