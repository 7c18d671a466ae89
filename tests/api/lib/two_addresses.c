/* SPDX-License-Identifier: Apache-2.0 */
/* Every name has two addresses, preloaded: the first is silent, as of a network whose packets go nowhere, the
 * second is this machine. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENT "127.0.0.9"

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *wish, struct addrinfo **out)
{
	static const char *const text[] = { SILENT, "127.0.0.1" };
	static struct sockaddr_in at[2];
	static struct addrinfo all[2];

	(void)name;
	for (int i = 0; i < 2; i++) {
		at[i].sin_family = AF_INET;
		at[i].sin_port = htons((uint16_t)atoi(service));
		(void)inet_pton(AF_INET, text[i], &at[i].sin_addr);
		all[i].ai_family = AF_INET;
		all[i].ai_socktype = wish->ai_socktype;
		all[i].ai_addr = (struct sockaddr *)&at[i];
		all[i].ai_addrlen = sizeof(at[i]);
		all[i].ai_next = i == 0 ? &all[1] : NULL;
	}
	*out = all;
	return 0;
}

void
freeaddrinfo(struct addrinfo *all)
{
	(void)all;
}

/* Under a name of its own, for the C library declares it with a type that a definition cannot repeat. */
int connect_or_wait(int fd, const struct sockaddr *to, socklen_t len) __asm__("connect");

/* A socket that is full takes its place: it is never ready, and nothing is wrong with it. */
int
connect_or_wait(int fd, const struct sockaddr *to, socklen_t len)
{
	static const char full[4096];
	int (*real)(int, const struct sockaddr *, socklen_t) = NULL;
	int pair[2];

	*(void **)&real = dlsym(RTLD_NEXT, "connect");
	if (to->sa_family != AF_INET ||
	    ((const struct sockaddr_in *)(const void *)to)->sin_addr.s_addr != inet_addr(SILENT) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		return real(fd, to, len);
	while (write(pair[0], full, sizeof(full)) > 0)
		continue;
	(void)dup2(pair[0], fd);
	(void)close(pair[0]); /* the other end stays open */
	errno = EINPROGRESS;
	return -1;
}
