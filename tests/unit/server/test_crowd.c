/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "server/crowd.h"

static const uint8_t one[32] = { 1, 2, 3 };
static const uint8_t neighbour[32] = { 1, 2, 4 }; /* of the same bucket */

Test(crowd, certificate_gets_its_places_and_no_more)
{
	struct crowd *crowd = crowd_new(2);

	cr_assert(crowd_enter(crowd, one));
	cr_assert(crowd_enter(crowd, one));
	cr_assert_not(crowd_enter(crowd, one));
	crowd_leave(crowd, one);
	cr_assert(crowd_enter(crowd, one));
	crowd_free(crowd);
}

Test(crowd, certificates_do_not_take_each_others_places)
{
	struct crowd *crowd = crowd_new(1);

	cr_assert(crowd_enter(crowd, one));
	cr_assert(crowd_enter(crowd, neighbour));
	cr_assert_not(crowd_enter(crowd, one));
	crowd_leave(crowd, one);
	cr_assert_not(crowd_enter(crowd, neighbour));
	cr_assert(crowd_enter(crowd, one));
	crowd_free(crowd);
}
