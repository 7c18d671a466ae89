/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler attributes we use, and the few macros that every file may need. */
#ifndef MENEDEK_ATTR_H
#define MENEDEK_ATTR_H

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED            __attribute__((unused))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
