/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Break-glass: a shift lead learns a location that nobody holds for her, because a life is in danger, and
 * another person of the desk on another device has agreed within minutes (DOMAIN 5: "with a second person's
 * approval"). Told once.  Both persons stay in the record.
 */
#ifndef MENEDEK_BREAK_GLASS_H
#define MENEDEK_BREAK_GLASS_H

#include "base/id.h"
#include "domain/reservation.h"

#define BREAK_GLASS_APPROVE 600 /* seconds from the request to the approval, at most (ours) */
#define BREAK_GLASS_USE     600 /* seconds from the approval to the telling */
/* Clocks of nodes that pass for equal differ by so much (pg_beat.c: ten from the middle, each way).  Less
 * than the vault takes (GROUNDS_SKEW). */
#define BREAK_GLASS_AHEAD 20

struct break_glass {
	struct id id;
	struct id reservation, shelter, org; /* of the desk */
	struct id user, device;              /* who asks, and from where */
	struct id second, second_device;     /* who agreed; zero until then */
	struct id disclosure;                /* the one telling; zero until then */
	uint8_t reason;                      /* enum break_glass_reason */
	int64_t asked_at, approved_at, told_at;
	uint32_t version;
};

/** Of a reservation that was asked for, confirmed or lived in; else RC_STATE_CONFLICT, or RC_HOLD_EXPIRED. */
MUST_USE enum rc break_glass_check(const struct reservation *r, int64_t now, struct fault *f);

/** Where it stands at ${now}; what ran out is lapsed at once, and so is what a clock wrote that ran far
 * ahead: the vault would not tell it, and it would have been used. */
enum break_glass_state break_glass_state(const struct break_glass *b, int64_t now);

/** The end of the present state: of the time to approve, or to tell; 0 when it is over. */
int64_t break_glass_until(const struct break_glass *b, int64_t now);

/**
 * ${user} on ${device} agrees.  RC_FORBIDDEN for who asked and for the device it was asked from,
 * RC_STATE_CONFLICT when it is approved already or lapsed.  Changed only on RC_OK.  Never before it was asked
 * for, nor told before it was agreed to, though another node's clock said so: the vault backs no such
 * telling.
 */
MUST_USE enum rc break_glass_agree(
    struct break_glass *b, const struct id *user, const struct id *device, int64_t now, struct fault *f);

/** ${user} is told, by disclosure ${disclosure}: only who asked, once, in time.  Changed only on RC_OK. */
MUST_USE enum rc break_glass_use(
    struct break_glass *b, const struct id *user, const struct id *disclosure, int64_t now, struct fault *f);

/**
 * Does ${b} stand behind the telling ${disclosure} of ${shelter} to ${user} at ${at}?  For who must not trust
 * what wrote the records: two different people and devices, agreed and told within the minutes above.
 */
bool break_glass_backs(const struct break_glass *b, const struct id *disclosure, const struct id *shelter,
    const struct id *user, int64_t at);

#endif
