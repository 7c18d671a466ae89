/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk alone: so many bytes written and fdatasync, again and again, over a file that has its length.
 *   sync_loop FILE BYTES SECONDS
 * It prints one line of NAME=VALUE parted by tabs.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"

#define SPAN       ((off_t)16 << 20)
#define BYTES_MOST ((size_t)1 << 20)

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* False when the disk refuses. */
static int
run(int fd, const char *data, size_t bytes, uint64_t end_ns, struct histogram *h)
{
	off_t at = 0;

	while (now_ns() < end_ns) {
		const uint64_t began_ns = now_ns();

		if (pwrite(fd, data, bytes, at) != (ssize_t)bytes || fdatasync(fd) != 0)
			return 0;
		histogram_add(h, now_ns() - began_ns);
		at = (at + (off_t)bytes) % SPAN;
	}
	return 1;
}

int
main(int count, char **words)
{
	static struct histogram h;
	static char data[BYTES_MOST];
	const size_t bytes = count == 4 ? strtoul(words[2], NULL, 10) : 0;
	const double seconds = count == 4 ? strtod(words[3], NULL) : 0;
	const int fd = bytes > 0 && bytes <= sizeof(data)
	    ? open(words[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
	    : -1;
	int is_good;

	if (fd < 0 || posix_fallocate(fd, 0, SPAN + (off_t)bytes) != 0) {
		(void)fprintf(stderr, "sync_loop FILE BYTES SECONDS\n");
		return 2;
	}
	is_good = run(fd, data, bytes, now_ns() + (uint64_t)(seconds * 1e9), &h);
	(void)printf("bytes=%zu\tsyncs=%llu\tper_s=%.1f\tp50_us=%.1f\tp99_us=%.1f\n", bytes,
	    (unsigned long long)h.total, (double)h.total / seconds, (double)histogram_at(&h, 0.5) / 1e3,
	    (double)histogram_at(&h, 0.99) / 1e3);
	(void)close(fd);
	return !is_good;
}
