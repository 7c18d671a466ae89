/* SPDX-License-Identifier: Apache-2.0 */
/* Where files lie, and that a registry whose keys are wrong or missing is refused whole. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "service/parts.h"

static char dir[64];
static struct paths p; /* of ${dir} */
static struct parts parts;
static struct fault f;
static const struct parts_wish records = { .extent = PARTS_RECORDS },
			       locations = { .extent = PARTS_LOCATIONS }, all = { .extent = PARTS_ALL };

static void
make_dir(void)
{
	(void)strcpy(dir, "/tmp/test_parts.XXXXXX");
	cr_assert(mkdtemp(dir) != NULL);
	cr_assert(paths_of(&p, dir, NULL));
}

static void
remove_dir(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_assert(system(command) == 0);
}

TestSuite(parts, .init = make_dir, .fini = remove_dir);

/* The two rings, their keys, and the key that signs: what must be there before the store. */
static void
make_rings(void)
{
	struct secret *root = secret_new(32);
	struct rootkey *location_root;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	cr_assert(dir_make(path, 0700, &f) == RC_OK);
	(void)snprintf(path, sizeof(path), "%s/keyring", dir);
	cr_assert(dir_make(path, 0700, &f) == RC_OK);
	random_fill(secret_bytes(root), 32);
	cr_assert(file_write(p.record_root, (struct bytes){ secret_view(root), 32 }, 0400, &f) == RC_OK);
	cr_assert(keyring_create(p.keyring, root, &f) == RC_OK);
	random_fill(secret_bytes(root), 32);
	cr_assert(file_write(p.location_root, (struct bytes){ secret_view(root), 32 }, 0400, &f) == RC_OK);
	cr_assert(rootkey_new(root, &location_root, &f) == RC_OK);
	cr_assert(vault_create(p.vault, location_root, &f) == RC_OK);
	rootkey_free(location_root);
	secret_free(root);
}

Test(parts, private_keys_lie_in_the_keys_directory_and_nothing_else)
{
	cr_assert(paths_of(&p, "/data", "/keys"));
	cr_assert_str_eq(p.record_root, "/keys/record.root");
	cr_assert_str_eq(p.location_root, "/keys/location.root");
	cr_assert_str_eq(p.token_key, "/keys/token.key");
	cr_assert_str_eq(p.ca_key, "/keys/ca.key");
	cr_assert_str_eq(p.server_key, "/keys/tls/server.key");
	cr_assert_str_eq(p.keyring, "/data/keyring/ring");
	cr_assert_str_eq(p.ca_cert, "/data/ca.crt");
}

Test(parts, keys_are_inside_the_data_directory_when_nothing_else_is_said)
{
	cr_assert(paths_of(&p, "/data", NULL));
	cr_assert_str_eq(p.record_root, "/data/keys/record.root");
}

Test(parts, a_path_that_does_not_fit_is_refused_and_not_cut)
{
	char longest[256];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	cr_assert_not(paths_of(&p, longest, NULL));
	cr_assert_not(paths_of(&p, "/data", longest));
}

Test(parts, a_directory_without_a_registry_is_not_found)
{
	cr_assert_eq(parts_open(&parts, &p, &records, &f), RC_NOT_FOUND);
	cr_assert(parts.store == NULL && parts.keyring == NULL);
}

Test(parts, offline_work_needs_no_location_key)
{
	make_rings();
	cr_assert(unlink(p.location_root) == 0);
	cr_assert_eq(parts_open(&parts, &p, &records, &f), RC_OK);
	cr_assert(parts.store != NULL);
	parts_close(&parts);
	cr_assert_eq(parts_open(&parts, &p, &locations, &f), RC_NOT_FOUND);
	cr_assert(parts.store == NULL && parts.vault == NULL);
}

Test(parts, a_root_key_of_another_length_is_refused)
{
	make_rings();
	cr_assert(
	    file_write(p.record_root, (struct bytes){ (const uint8_t *)"short", 5 }, 0400, &f) == RC_OK);
	cr_assert_eq(parts_open(&parts, &p, &records, &f), RC_CORRUPT);
	cr_assert_eq(f.item[0].msg, MSG_KEY_LENGTH);
}

Test(parts, a_root_key_that_others_may_read_is_refused)
{
	make_rings();
	cr_assert(chmod(p.record_root, 0444) == 0);
	cr_assert_eq(parts_open(&parts, &p, &records, &f), RC_INVALID);
}

Test(parts, a_registry_without_its_own_name_serves_nobody)
{
	make_rings();
	cr_assert_eq(parts_open(&parts, &p, &all, &f), RC_NOT_FOUND);
	cr_assert(parts.store == NULL, "what was opened before is closed again");
}

Test(parts, a_table_of_terms_in_the_directory_is_read_and_a_broken_one_refused)
{
	make_rings();
	cr_assert(file_write(p.terms, bytes_str("type\ncrisis_centre\n"), 0644, &f) == RC_OK);
	cr_assert_neq(
	    parts_open(&parts, &p, &records, &f), RC_OK, "a table that lacks columns must not pass for one");
}

Test(parts, closing_what_never_opened_does_nothing)
{
	parts_close(&parts);
	parts_close(&parts);
}
