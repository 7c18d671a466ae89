/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into the program of the coverage build only: opens the file for its counts before it gives up its
 * right to make files, so that they can be written at its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* clang's runtime names it so
 * NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __llvm_profile_set_file_object(FILE *file, int merge);

__attribute__((constructor)) static void
open_early(void)
{
	const char *directory = getenv("COVERAGE");
	char path[4096];
	FILE *file;
	int len;

	if (directory == NULL)
		return;
	len = snprintf(path, sizeof(path), "%s/%ld.profraw", directory, (long)getpid());
	if (len < 0 || (size_t)len >= sizeof(path) || (file = fopen(path, "w+be")) == NULL)
		return;
	__llvm_profile_set_file_object(file, 0);
}
