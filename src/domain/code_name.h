/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code names are said on the telephone at night.  Two houses whose names sound alike are one name there, and
 * a family goes to the wrong door: so what counts is what is heard, not what is written.
 */
#ifndef MENEDEK_CODE_NAME_H
#define MENEDEK_CODE_NAME_H

#include "base/limits.h"

/**
 * What is heard of ${name} (UTF-8), for comparing only: small letters, also of Hungarian; blanks and signs
 * count only between two digits ("1-1" is not "11").  "Nyugat 2", "NYUGAT-2" and "nyugat2" are one.
 * A name of signs alone is taken as it is written.
 */
void code_name_heard(const char *name, char out[LIMIT_NAME]);

#endif
