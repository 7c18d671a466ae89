/* SPDX-License-Identifier: Apache-2.0 */
/* A token of SoftHSM2 in a directory of its own, with keys made as docs/hsm.md says. */
#ifndef MENEDEK_TEST_TOKEN_H
#define MENEDEK_TEST_TOKEN_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/file.h"

#define TOKEN_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define TOKEN_PIN    "4711-menedek"

static char token_dir[96];

static inline void token_shell(const char *format, ...) PRINTF_LIKE(1, 2);
static inline void token_write(const char *name, const char *format, ...) PRINTF_LIKE(2, 3);

static inline void
token_shell(const char *format, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	cr_assert_eq(system(command), 0, "%s", command);
}

static inline void
token_write(const char *name, const char *format, ...)
{
	char path[160], content[600];
	struct fault f = { 0 };
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(content, sizeof(content), format, ap);
	va_end(ap);
	(void)snprintf(path, sizeof(path), "%s/%s", token_dir, name);
	cr_assert_eq(file_write(path, bytes_str(content), 0600, &f), RC_OK);
}

/* A fresh, empty token with the label menedek. */
static inline void
token_new(void)
{
	token_shell("rm -rf '%s/tokens'; mkdir '%s/tokens'", token_dir, token_dir);
	token_shell("softhsm2-util --init-token --free --label menedek --pin %s --so-pin %s >/dev/null 2>&1",
	    TOKEN_PIN, "87654321");
}

/* ${how}: more of pkcs11-tool's options. */
static inline void
token_key(const char *label, const char *how)
{
	token_shell("pkcs11-tool --module " TOKEN_MODULE " --token-label menedek --login --pin " TOKEN_PIN
		    " --keygen --label %s %s >/dev/null 2>&1",
	    label, how);
}

static inline void
token_init(void)
{
	char path[160];

	(void)snprintf(token_dir, sizeof(token_dir), "/tmp/test_token.XXXXXX");
	cr_assert(mkdtemp(token_dir) != NULL);
	token_write("softhsm2.conf", "directories.tokendir = %s/tokens\nlog.level = ERROR\n", token_dir);
	(void)snprintf(path, sizeof(path), "%s/softhsm2.conf", token_dir);
	cr_assert_eq(setenv("SOFTHSM2_CONF", path, 1), 0);
	token_new();
	token_key("location", "--key-type AES:32 --sensitive");
	token_write(
	    "location.pkcs11", "pkcs11:token=menedek;object=%s?module-path=" TOKEN_MODULE "\n", "location");
	token_write("location.pin", "%s\n", TOKEN_PIN);
}

static inline void
token_fini(void)
{
	token_shell("rm -rf '%s'", token_dir);
}

#endif
