/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <poll.h>

#include "server/loop.h"

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

Test(due, first_set_is_first_overdue)
{
	struct due_list list = { .span_ms = 100 };
	struct due a = { 0 }, b = { 0 };

	due_set(&a, &list, 1000);
	due_set(&b, &list, 1050);
	cr_assert_null(due_overdue(&list, 1099));
	cr_assert_eq(due_overdue(&list, 1100), &a);
	due_clear(&a);
	cr_assert_null(due_overdue(&list, 1100));
	cr_assert_eq(due_overdue(&list, 1150), &b);
}

Test(due, setting_again_starts_the_span_anew)
{
	struct due_list list = { .span_ms = 100 };
	struct due a = { 0 }, b = { 0 };

	due_set(&a, &list, 1000);
	due_set(&b, &list, 1010);
	due_set(&a, &list, 1050);
	cr_assert_eq(due_overdue(&list, 1149), &b);
	cr_assert_eq(list.count, 2);
}

Test(due, it_waits_in_one_list_only)
{
	struct due_list requests = { .span_ms = 10 }, idle = { .span_ms = 1000 };
	struct due a = { 0 };

	due_set(&a, &requests, 0);
	due_set(&a, &idle, 0);
	cr_assert_null(due_overdue(&requests, 500));
	cr_assert_eq(requests.count, 0);
	cr_assert_eq(due_overdue(&idle, 1000), &a);
}

Test(due, clearing_the_middle_keeps_the_ends)
{
	struct due_list list = { .span_ms = 10 };
	struct due d[3] = { 0 };

	for (int i = 0; i < 3; i++)
		due_set(&d[i], &list, i);
	due_clear(&d[1]);
	due_clear(&d[1]);
	cr_assert_eq(list.first, &d[0]);
	cr_assert_eq(list.last, &d[2]);
	due_clear(&d[2]);
	due_clear(&d[0]);
	cr_assert_null(list.first);
	cr_assert_null(list.last);
	cr_assert_eq(list.count, 0);
}

Test(due, the_wait_is_to_the_nearest_deadline_and_never_negative)
{
	struct due_list lists[2] = { { .span_ms = 500 }, { .span_ms = 200 } };
	struct due a = { 0 }, b = { 0 };

	cr_assert_eq(due_wait_ms(lists, 2, 0, 1000), 1000);
	due_set(&a, &lists[0], 0);
	cr_assert_eq(due_wait_ms(lists, 2, 0, 1000), 500);
	due_set(&b, &lists[1], 0);
	cr_assert_eq(due_wait_ms(lists, 2, 50, 1000), 150);
	cr_assert_eq(due_wait_ms(lists, 2, 900, 1000), 0);
}

struct note {
	struct letter letter;
	struct inbox *inbox;
	struct note *reply; /* posted on delivery */
	int order;
};

static int delivered;

static void
deliver(struct letter *letter)
{
	struct note *note = (struct note *)letter;

	note->order = ++delivered;
	if (note->reply != NULL)
		inbox_post(note->inbox, &note->reply->letter);
}

Test(inbox, letters_are_delivered_once_and_in_order)
{
	struct inbox inbox;
	struct note a = { .letter.deliver = deliver }, b = { .letter.deliver = deliver };

	cr_assert_eq(inbox_init(&inbox), RC_OK);
	cr_assert_not(is_readable(inbox.fd));
	inbox_post(&inbox, &a.letter);
	inbox_post(&inbox, &b.letter);
	cr_assert(is_readable(inbox.fd));
	inbox_deliver(&inbox);
	inbox_deliver(&inbox);
	cr_assert_eq(a.order, 1);
	cr_assert_eq(b.order, 2);
	cr_assert_eq(delivered, 2);
	cr_assert_not(is_readable(inbox.fd));
	inbox_fini(&inbox);
}

Test(inbox, letter_posted_while_delivering_is_delivered)
{
	struct inbox inbox;
	struct note b = { .letter.deliver = deliver };
	struct note a = { .letter.deliver = deliver, .inbox = &inbox, .reply = &b };

	cr_assert_eq(inbox_init(&inbox), RC_OK);
	inbox_post(&inbox, &a.letter);
	inbox_deliver(&inbox);
	cr_assert_eq(b.order, 2);
	inbox_fini(&inbox);
}

Test(inbox, ring_without_a_letter_wakes_once)
{
	struct inbox inbox;

	cr_assert_eq(inbox_init(&inbox), RC_OK);
	inbox_ring(&inbox);
	cr_assert(is_readable(inbox.fd));
	inbox_deliver(&inbox);
	cr_assert_not(is_readable(inbox.fd));
	inbox_fini(&inbox);
}
