/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed text in pieces: what comes back is what was written, all of it, or nothing is believed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/id.h"
#include "crypto/envelope.h"

#define PIECE 65536u
#define HEAD  (8u + AEAD_NONCE + AEAD_KEY + AEAD_TAG)
#define FRAME (4u + AEAD_NONCE + AEAD_TAG)

static struct rootkey *
root_of(uint8_t byte)
{
	struct secret *bytes = secret_new(AEAD_KEY);
	struct rootkey *key;
	struct fault f = { 0 };

	memset(secret_bytes(bytes), byte, AEAD_KEY);
	cr_assert_eq(rootkey_new(bytes, &key, &f), RC_OK);
	secret_free(bytes);
	return key;
}

static int
sealed(struct bytes text)
{
	const int fd = memfd_create("envelope", 0);
	struct rootkey *root = root_of(1);
	struct envelope *e;

	cr_assert_eq(envelope_begin(fd, root, &e), RC_OK);
	for (size_t at = 0; at < text.len;) { /* in strange portions */
		const size_t left = text.len - at, n = left < 40009 ? left : 40009;

		cr_assert_eq(envelope_write(e, (struct bytes){ text.p + at, n }), RC_OK);
		at += n;
	}
	cr_assert_eq(envelope_finish(e), RC_OK);
	envelope_free(e);
	rootkey_free(root);
	return fd;
}

/* Read ${len} bytes and the end under root ${byte}. */
static enum rc
opened(int fd, uint8_t byte, uint8_t *out, size_t len)
{
	struct rootkey *root = root_of(byte);
	struct envelope *e = NULL;
	enum rc rc;

	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	if ((rc = envelope_open(fd, root, &e)) == RC_OK && (rc = envelope_read(e, out, len)) == RC_OK)
		rc = envelope_end(e);
	envelope_free(e);
	rootkey_free(root);
	return rc;
}

Test(envelope, any_length_comes_back)
{
	static const size_t lengths[] = { 0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE };
	static uint8_t text[3 * PIECE], out[3 * PIECE + 1];

	random_fill(text, sizeof(text));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		const int fd = sealed((struct bytes){ text, lengths[i] });

		cr_expect_eq(opened(fd, 1, out, lengths[i]), RC_OK, "%zu", lengths[i]);
		cr_expect_eq(memcmp(out, text, lengths[i]), 0);
		cr_expect_eq(opened(fd, 1, out, lengths[i] + 1), RC_CORRUPT, "more than there is");
		cr_expect(lengths[i] == 0 || opened(fd, 1, out, lengths[i] - 1) == RC_CORRUPT, "less");
		cr_expect_eq(opened(fd, 2, out, lengths[i]), RC_CORRUPT, "another root key");
		(void)close(fd);
	}
}

Test(envelope, every_byte_and_every_length_counts)
{
	uint8_t text[5] = { 1, 2, 3, 4, 5 }, out[5], wire[256], byte;
	const int fd = sealed((struct bytes){ text, sizeof(text) });
	const ssize_t len = pread(fd, wire, sizeof(wire), 0);

	cr_assert_eq(len, HEAD + FRAME + sizeof(text));
	for (ssize_t i = 0; i < len; i++) {
		byte = wire[i] ^ 0x10;
		cr_assert_eq(pwrite(fd, &byte, 1, i), 1);
		cr_expect_neq(opened(fd, 1, out, sizeof(out)), RC_OK, "byte %zd", i);
		cr_assert_eq(pwrite(fd, &wire[i], 1, i), 1);
	}
	cr_expect_eq(opened(fd, 1, out, sizeof(out)), RC_OK, "whole again");
	cr_assert_eq(pwrite(fd, "x", 1, len), 1);
	cr_expect_eq(opened(fd, 1, out, sizeof(out)), RC_CORRUPT, "something after its end");
	for (ssize_t i = len - 1; i >= 0; i--) {
		cr_assert_eq(ftruncate(fd, i), 0);
		cr_expect_eq(opened(fd, 1, out, sizeof(out)), RC_CORRUPT, "cut at %zd", i);
	}
	(void)close(fd);
}

/* Move the piece at ${from} to ${to} of a text of whole pieces. */
static void
move_piece(int fd, unsigned from, unsigned to)
{
	static uint8_t piece[FRAME + PIECE];

	cr_assert_eq(pread(fd, piece, sizeof(piece), HEAD + from * (off_t)sizeof(piece)), sizeof(piece));
	cr_assert_eq(pwrite(fd, piece, sizeof(piece), HEAD + to * (off_t)sizeof(piece)), sizeof(piece));
}

Test(envelope, pieces_stay_in_order_and_the_last_is_not_left_out)
{
	static uint8_t text[3 * PIECE], out[3 * PIECE];
	int fd = sealed((struct bytes){ text, sizeof(text) });

	move_piece(fd, 0, 1);
	cr_expect_eq(opened(fd, 1, out, sizeof(out)), RC_CORRUPT, "a piece twice");
	(void)close(fd);
	fd = sealed((struct bytes){ text, sizeof(text) });
	cr_assert_eq(ftruncate(fd, HEAD + 2 * (FRAME + PIECE)), 0);
	cr_expect_eq(opened(fd, 1, out, 2 * PIECE), RC_CORRUPT, "cut between two pieces");
	(void)close(fd);
}
