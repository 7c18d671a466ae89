/* SPDX-License-Identifier: Apache-2.0 */
/* Of the program, the package and what it tells of itself. */
#ifndef MENEDEK_VERSION_H
#define MENEDEK_VERSION_H

#define MENEDEK_VERSION "1.0.0"

#endif
