/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a session and its socket.  Left alone, the library reads each record in two system calls, and the
 * daemon sends head and body of an answer in two more; here it is one and one.
 */
#include "server/tls_room.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define VECTORS 16

/* Read ahead: a record's header and body by one system call instead of two. */
static ssize_t
pull(gnutls_transport_ptr_t ptr, void *out, size_t len)
{
	struct tls_peer *peer = ptr;
	size_t n;

	if (peer->read_pos == peer->read_len) {
		ssize_t got = recv(peer->fd, peer->read_buf, sizeof(peer->read_buf), 0);

		if (got < 0)
			gnutls_transport_set_errno(peer->session, errno);
		if (got <= 0)
			return got;
		peer->read_pos = 0;
		peer->read_len = (size_t)got;
		if (peer->is_resting) {
			peer->is_resting = false;
			peer->news(peer->arg, TLS_HEARD);
		}
	}
	peer->news(peer->arg, TLS_MOVED);
	n = peer->read_len - peer->read_pos;
	if (n > len)
		n = len;
	memcpy(out, peer->read_buf + peer->read_pos, n);
	peer->read_pos += n;
	return (ssize_t)n;
}

/* Sessions do not block: what the library asks here has no answer that matters. */
static int
pull_is_ready(gnutls_transport_ptr_t ptr, unsigned ms)
{
	(void)ptr;
	(void)ms;
	return 1;
}

static size_t
vector_len(const giovec_t *vec, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += vec[i].iov_len;
	return len;
}

/* Keep the record for the next push, which is sure to come. */
static ssize_t
keep(struct tls_peer *peer, const giovec_t *vec, int count, size_t len)
{
	for (int i = 0; i < count; i++) {
		memcpy(peer->write_buf + peer->held, vec[i].iov_base, vec[i].iov_len);
		peer->held += vec[i].iov_len;
	}
	return (ssize_t)len;
}

/* The socket took ${sent} bytes of what was held and of what came after it; how many of the latter? */
static ssize_t
settle(struct tls_peer *peer, size_t sent)
{
	if (sent <= peer->held) {
		peer->held -= sent;
		memmove(peer->write_buf, peer->write_buf + sent, peer->held);
		gnutls_transport_set_errno(peer->session, EAGAIN);
		return -1;
	}
	sent -= peer->held;
	peer->held = 0;
	return (ssize_t)sent;
}

static ssize_t
push(gnutls_transport_ptr_t ptr, const giovec_t *vec, int count)
{
	struct tls_peer *peer = ptr;
	const size_t len = vector_len(vec, count);
	struct iovec out[VECTORS + 1];
	struct msghdr message = { .msg_iov = out };
	size_t used = 0;
	ssize_t sent;

	if (peer->join == JOIN_NEXT && len <= sizeof(peer->write_buf) - peer->held) {
		peer->join = JOIN_HELD;
		return keep(peer, vec, count, len);
	}
	peer->join = JOIN_NOT;
	if (peer->held > 0)
		out[used++] = (struct iovec){ .iov_base = peer->write_buf, .iov_len = peer->held };
	for (int i = 0; i < count && i < VECTORS; i++)
		out[used++] = (struct iovec){ .iov_base = vec[i].iov_base, .iov_len = vec[i].iov_len };
	message.msg_iovlen = used;
	sent = sendmsg(peer->fd, &message, MSG_NOSIGNAL);
	if (sent < 0) {
		gnutls_transport_set_errno(peer->session, errno);
		return -1;
	}
	peer->news(peer->arg, TLS_MOVED);
	return settle(peer, (size_t)sent);
}

void
tls_wire_attach(struct tls_peer *peer)
{
	gnutls_transport_set_ptr(peer->session, peer);
	gnutls_transport_set_pull_function(peer->session, pull);
	gnutls_transport_set_pull_timeout_function(peer->session, pull_is_ready);
	gnutls_transport_set_vec_push_function(peer->session, push);
}

void
tls_peer_rest(struct tls_peer *peer)
{
	peer->is_resting = true;
}

void
tls_peer_join(struct tls_peer *peer)
{
	peer->join = JOIN_NEXT;
}
