/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: a sound file of LMDB, hurt as the input says (three bytes a wound: place, value), is refused or
 * walked, never a reason to fall.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/lmdb_pages.h"
#include "store/engine.h"

#define FILE_BYTES 65536u

static uint8_t sound[FILE_BYTES];
static int fd;
static char path[64];

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char dir[] = "/tmp/menedek-fuzz-XXXXXX", name[96];
	static uint8_t value[6000];
	struct engine *engine = NULL;
	struct fault f = { 0 };
	int from;

	(void)argc;
	(void)argv;
	if (mkdtemp(dir) == NULL || engine_lmdb.open(dir, 16, &engine, &f) != RC_OK)
		abort();
	for (unsigned i = 0; i < 30; i++) {
		struct key key = { .len = 9, .b = { 'k', (uint8_t)i } };
		struct write_entry w = { .key = key, .value = { value, i == 7 ? sizeof(value) : 200 } };
		struct commit c = { .writes = &w, .write_count = 1 };

		engine_lmdb.apply(engine, &c);
	}
	engine_lmdb.close(engine);
	(void)snprintf(name, sizeof(name), "%s/data.mdb", dir);
	if ((from = open(name, O_RDONLY)) < 0 || read(from, sound, sizeof(sound)) != (ssize_t)sizeof(sound))
		abort();
	(void)close(from);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s/lock.mdb", dir);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s/serving.lock", dir);
	(void)unlink(name);
	(void)rmdir(dir);
	fd = memfd_create("hurt", 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static uint8_t hurt[FILE_BYTES];
	struct lmdb_pages found;
	enum rc rc;

	memcpy(hurt, sound, sizeof(hurt));
	for (; len >= 3; p += 3, len -= 3)
		hurt[(p[0] << 8 | p[1]) % FILE_BYTES] = p[2];
	if (pwrite(fd, hurt, sizeof(hurt), 0) != (ssize_t)sizeof(hurt))
		abort();
	rc = lmdb_pages_check(path, &found);
	/* the sound one is sound; what is hurt inside a page in use is never passed over in silence */
	if (memcmp(hurt, sound, sizeof(hurt)) == 0 && (rc != RC_OK || found.is_altered))
		abort();
	return 0;
}
