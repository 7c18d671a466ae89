/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a registry's files are.  Its keeper works on it as root, who alone may read the root keys; the
 * service runs as a user of its own, to whom the data directory belongs.  A file that root leaves in it would
 * keep the service down.
 */
#ifndef MENEDEK_OWNER_H
#define MENEDEK_OWNER_H

#include <stdbool.h>

#define OWNER_NAME 64u

/**
 * Give what is root's in the data directory ${dir} to whom that directory belongs, root keys excepted.  Does
 * nothing for who is not root, and follows no link: the service's user, taken over, could have laid it.
 */
void owner_give_registry(const char *dir);

/**
 * Who works on ${dir} is root, and the directory belongs to the user ${name}.  The locations' vault must then
 * run as that user: it gives up root's right to pass by permissions.
 */
bool owner_is_another(const char *dir, char name[OWNER_NAME]);

/** Give the one file at ${path} to whom ${dir} belongs.  Does nothing for who is not root. */
void owner_give_file(const char *dir, const char *path);

#endif
