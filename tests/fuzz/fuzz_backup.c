/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: a backup.  First byte even: the rest is what stands sealed inside, restored to a directory; odd:
 * wounds of a sound one (three bytes each: place, what is flipped), which must be refused.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "crypto/envelope.h"
#include "ctl/backup.h"
#include "ctl/owner.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* The command line's voice, which is not for this log. */
void
talk_error(const char *fmt, ...)
{
	(void)fmt;
}

enum status
talk_failure(const char *doing, enum rc rc, const struct fault *f)
{
	(void)doing;
	(void)f;
	return rc == RC_OK ? STATUS_OK : STATUS_ERROR;
}

/* Nothing here belongs to another user. */
void
owner_give_registry(const char *data_dir)
{
	(void)data_dir;
}

static struct rootkey *root;
static struct paths paths;
static char dir[] = "/dev/shm/menedek-fuzz-XXXXXX";

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	return at->level == 0 ? 0 : remove(path);
}

static void
remove_all(void)
{
	(void)unlink(paths.record_root);
	(void)rmdir(dir);
}

static void
start(void)
{
	static char keys[sizeof(dir) + 8];
	struct secret *bytes = secret_new(32);
	struct fault f = { 0 };

	if (bytes == NULL || mkdtemp(dir) == NULL)
		abort();
	random_fill(secret_bytes(bytes), 32);
	(void)snprintf(keys, sizeof(keys), "%s.keys", dir);
	if (!paths_of(&paths, dir, keys) || dir_make(keys, 0700, &f) != RC_OK ||
	    file_write(paths.record_root, (struct bytes){ secret_view(bytes), 32 }, 0400, &f) != RC_OK ||
	    rootkey_new(bytes, &root, &f) != RC_OK)
		abort();
	secret_free(bytes);
	(void)atexit(remove_all);
}

static void
seal(int fd, struct bytes text)
{
	struct envelope *e;

	if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0 || envelope_begin(fd, root, &e) != RC_OK ||
	    envelope_write(e, text) != RC_OK || envelope_finish(e) != RC_OK)
		abort();
	envelope_free(e);
}

static void
restore(int fd, const uint8_t *p, size_t len)
{
	char about[BACKUP_ABOUT_TEXT];

	seal(fd, (struct bytes){ p, len });
	if (lseek(fd, 0, SEEK_SET) != 0)
		abort();
	(void)!backup_restore(fd, &paths, about);
	(void)nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void
hurt(int fd, const uint8_t *p, size_t len)
{
	static const uint8_t text[300] = "sound";
	static uint8_t wire[1024], sound[1024], out[sizeof(text)];
	struct envelope *e = NULL;
	ssize_t n;
	enum rc rc;

	seal(fd, BYTES_OF(text));
	if ((n = pread(fd, wire, sizeof(wire), 0)) <= 0)
		abort();
	memcpy(sound, wire, sizeof(sound));
	for (; len >= 3; p += 3, len -= 3)
		wire[(p[0] << 8 | p[1]) % n] ^= p[2];
	if (pwrite(fd, wire, (size_t)n, 0) != n || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	if ((rc = envelope_open(fd, root, &e)) == RC_OK && (rc = envelope_read(e, out, sizeof(out))) == RC_OK)
		rc = envelope_end(e);
	if ((rc == RC_OK) != (memcmp(wire, sound, (size_t)n) == 0))
		abort();
	envelope_free(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static int fd = -1;

	if (fd < 0) {
		start();
		fd = memfd_create("backup", 0);
	}
	if (len > 0)
		(p[0] % 2 == 0 ? restore : hurt)(fd, p + 1, len - 1);
	return 0;
}
