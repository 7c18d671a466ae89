/* SPDX-License-Identifier: Apache-2.0 */
/* The version, said by the program and its metrics. */
#ifndef MENEDEK_VERSION_H
#define MENEDEK_VERSION_H

#define MENEDEK_VERSION "1.0.0"

#endif
