/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a transcript, shared by who writes and who checks them; nobody else includes it. */
#ifndef MENEDEK_TRANSCRIPT_TEXT_H
#define MENEDEK_TRANSCRIPT_TEXT_H

#include "ledger/transcript.h"

#define TRANSCRIPT_HEAD "menedek-audit-export 1 "
#define TRANSCRIPT_END  "end "

/** An entry's line; returns its length. */
size_t transcript_entry(
    const struct audit_entry *e, const uint8_t hidden[32], const uint8_t leaf[32], char out[TRANSCRIPT_LINE]);
size_t transcript_erased(uint64_t number, const uint8_t leaf[32], char out[TRANSCRIPT_LINE]);

#endif
