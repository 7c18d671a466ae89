/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait until one thread has committed a change for each of them, all that wait in one commit.
 */
#ifndef BENCH_HELLO_COMMIT_H
#define BENCH_HELLO_COMMIT_H

#include <microhttpd.h>

struct hello_commit {
	const char *dir, *each, *then, *batch_each; /* lmdb_writer.h */
};

/** Start the thread, which says on standard error what it cannot do and ends the program. */
void hello_commit_start(const struct hello_commit *what);

/** From a request's handler: suspend it until its change is on disk; then its handler is called again. */
void hello_commit_wait(struct MHD_Connection *request);

#endif
