/* SPDX-License-Identifier: Apache-2.0 */
/* A downtime sheet's text (service/sheets.h) as a page that any browser prints: no script, nothing loaded. */
#ifndef MENEDEK_SHEET_PAGE_H
#define MENEDEK_SHEET_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/fault.h"

/** Write ${text}, which is changed, to ${to} in ${lang}.  False if it is no sheet. */
MUST_USE bool sheet_page_write(FILE *to, char *text, enum lang lang);

#endif
