/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines in order of arrival, and an inbox whose descriptor is written only when it was empty. */
#include "server/loop.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
due_clear(struct due *due)
{
	struct due_list *list = due->list;

	if (list == NULL)
		return;
	*(due->prev == NULL ? &list->first : &due->prev->next) = due->next;
	*(due->next == NULL ? &list->last : &due->next->prev) = due->prev;
	list->count--;
	due->list = NULL;
}

void
due_set(struct due *due, struct due_list *list, int64_t now_ms)
{
	due_clear(due);
	due->at_ms = now_ms + list->span_ms;
	due->list = list;
	due->next = NULL;
	due->prev = list->last;
	*(list->last == NULL ? &list->first : &list->last->next) = due;
	list->last = due;
	list->count++;
}

struct due *
due_overdue(const struct due_list *list, int64_t now_ms)
{
	return list->first != NULL && list->first->at_ms <= now_ms ? list->first : NULL;
}

int
due_wait_ms(const struct due_list *lists, unsigned count, int64_t now_ms, int most)
{
	int64_t wait = most;

	for (unsigned i = 0; i < count; i++) {
		if (lists[i].first != NULL && lists[i].first->at_ms - now_ms < wait)
			wait = lists[i].first->at_ms - now_ms;
	}
	return wait < 0 ? 0 : (int)wait;
}

enum rc
inbox_init(struct inbox *inbox)
{
	inbox->first = inbox->last = NULL;
	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->fd < 0)
		return RC_UNAVAILABLE;
	if (pthread_mutex_init(&inbox->lock, NULL) == 0)
		return RC_OK;
	(void)close(inbox->fd);
	return RC_UNAVAILABLE;
}

void
inbox_fini(struct inbox *inbox)
{
	(void)pthread_mutex_destroy(&inbox->lock);
	(void)close(inbox->fd);
}

void
inbox_ring(struct inbox *inbox)
{
	const uint64_t one = 1;

	/* EAGAIN means that the counter is full, so that it is readable: just what is wanted */
	while (write(inbox->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void
inbox_post(struct inbox *inbox, struct letter *letter)
{
	bool was_empty;

	(void)pthread_mutex_lock(&inbox->lock);
	was_empty = inbox->first == NULL;
	letter->next = NULL;
	*(was_empty ? &inbox->first : &inbox->last->next) = letter;
	inbox->last = letter;
	/* rung under the lock: once the letter can be taken, its owner may free the inbox */
	if (was_empty)
		inbox_ring(inbox);
	(void)pthread_mutex_unlock(&inbox->lock);
}

/* The oldest letter, or NULL. */
static struct letter *
take(struct inbox *inbox)
{
	struct letter *letter;

	(void)pthread_mutex_lock(&inbox->lock);
	letter = inbox->first;
	if (letter != NULL)
		inbox->first = letter->next;
	(void)pthread_mutex_unlock(&inbox->lock);
	return letter;
}

void
inbox_deliver(struct inbox *inbox)
{
	struct letter *letter;
	uint64_t rings;

	/* emptied first: a letter posted after this rings again */
	while (read(inbox->fd, &rings, sizeof(rings)) < 0 && errno == EINTR)
		continue;
	while ((letter = take(inbox)) != NULL)
		letter->deliver(letter);
}
