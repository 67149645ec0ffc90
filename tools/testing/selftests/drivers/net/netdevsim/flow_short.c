// SPDX-License-Identifier: GPL-2.0
/* flow_short client=NS server=NS dst=ADDR port=PORT [n=CONNECTIONS] [jobs=N]
 *	[size=BYTES] [close=server|client|both]
 *
 * Many short TCP connections, some at a time: the client asks, the server
 * answers with that many bytes, and one of them closes first; with close=both
 * they take turns. A client that closes first does so before it has got the
 * answer. Prints what became of them, and how long the slowest one took:
 *	ok=N reset=N stalled=N bad=N failed=N max_ms=N
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "flow_traffic.h"

#define STALL_SEC	20
#define CHUNK		16384

struct results {
	unsigned long	ok;
	unsigned long	reset;
	unsigned long	stalled;
	unsigned long	bad;
	unsigned long	failed;
	unsigned long	next;
	long long	max_ms;
};

struct plan {
	struct sockaddr_storage	ss;
	socklen_t		len;
	unsigned long		n;
	unsigned long		size;
	bool			client_closes;
	bool			server_closes;
};

static struct results *results;

static void make_addr(struct plan *p, const char *addr, unsigned int port)
{
	struct sockaddr_in6 *sin6 = (void *)&p->ss;
	struct sockaddr_in *sin = (void *)&p->ss;

	if (inet_pton(AF_INET, addr, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		p->len = sizeof(*sin);
	} else if (inet_pton(AF_INET6, addr, &sin6->sin6_addr) == 1) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		p->len = sizeof(*sin6);
	} else {
		errno = EINVAL;
		die("%s", addr);
	}
}

static void count(unsigned long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void count_error(int err)
{
	if (err == ECONNRESET || err == EPIPE || err == ECONNREFUSED)
		count(&results->reset);
	else if (err == EAGAIN || err == ETIMEDOUT || err == EINPROGRESS)
		count(&results->stalled);
	else
		count(&results->failed);
}

static void set_timeouts(int fd)
{
	struct timeval tv = { .tv_sec = STALL_SEC };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)))
		die("setsockopt");
}

static uint8_t pattern(uint32_t seed, unsigned long pos)
{
	return (seed + pos) ^ (pos >> 8);
}

/* One connection for the server; what goes wrong the client sees too. */
static void serve(int fd, const struct plan *p)
{
	uint8_t buf[CHUNK];
	unsigned long pos;
	uint32_t request;
	size_t i, len;
	char c;

	set_timeouts(fd);
	if (recv(fd, &request, sizeof(request), MSG_WAITALL) !=
	    sizeof(request))
		return;
	for (pos = 0; pos < p->size; pos += len) {
		len = p->size - pos < CHUNK ? p->size - pos : CHUNK;
		for (i = 0; i < len; i++)
			buf[i] = pattern(request, pos + i);
		if (send(fd, buf, len, MSG_NOSIGNAL) != (ssize_t)len)
			return;
	}
	/* Whoever is the first to close, the other one says so too. */
	shutdown(fd, SHUT_WR);
	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void server(int listener, const struct plan *p)
{
	int fd;

	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		serve(fd, p);
		close(fd);
	}
}

static bool ask(int fd, const struct plan *p, uint32_t request,
		bool client_closes)
{
	unsigned long pos = 0;
	uint8_t buf[CHUNK];
	ssize_t i, len;

	if (connect(fd, (const struct sockaddr *)&p->ss, p->len) ||
	    send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return false;
	if (client_closes && shutdown(fd, SHUT_WR))
		return false;
	while ((len = recv(fd, buf, sizeof(buf), 0)) > 0) {
		for (i = 0; i < len; i++, pos++) {
			if (buf[i] == pattern(request, pos))
				continue;
			count(&results->bad);
			return true;
		}
	}
	if (len < 0)
		return false;

	count(pos == p->size ? &results->ok : &results->bad);
	return true;
}

static void client(const struct plan *p)
{
	bool client_closes;
	unsigned long i;
	long long begin;
	int fd;

	while ((i = __atomic_fetch_add(&results->next, 1, __ATOMIC_RELAXED)) <
	       p->n) {
		client_closes = p->client_closes &&
				(!p->server_closes || i % 2);
		fd = socket(p->ss.ss_family, SOCK_STREAM, 0);
		if (fd < 0)
			die("socket");
		set_timeouts(fd);
		begin = now_ms();
		if (!ask(fd, p, i, client_closes))
			count_error(errno);
		begin = now_ms() - begin;
		/* A race would only make the maximum too small. */
		if (begin > results->max_ms)
			results->max_ms = begin;
		close(fd);
	}
}

static int listen_on(const struct plan *p)
{
	int fd, one = 1;

	fd = socket(p->ss.ss_family, SOCK_STREAM, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (const struct sockaddr *)&p->ss, p->len) ||
	    listen(fd, 1024))
		die("listen");

	return fd;
}

int main(int argc, char **argv)
{
	unsigned long i, jobs = number(word(argc, argv, "jobs", "8"), 10, 256);
	const char *who = word(argc, argv, "close", "both");
	struct plan p = {
		.n = number(word(argc, argv, "n", "100"), 10, 1000000),
		.size = number(word(argc, argv, "size", "1000"), 10, 10000000),
		.client_closes = strcmp(who, "server"),
		.server_closes = strcmp(who, "client"),
	};
	int listener;
	pid_t *pids;

	make_addr(&p, word(argc, argv, "dst", NULL),
		  number(word(argc, argv, "port", NULL), 10, 65535));
	results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pids = calloc(2 * jobs, sizeof(*pids));
	if (results == MAP_FAILED || !pids)
		die("memory");

	enter_netns(word(argc, argv, "server", NULL));
	listener = listen_on(&p);
	for (i = 0; i < 2 * jobs; i++) {
		if (i == jobs)
			enter_netns(word(argc, argv, "client", NULL));
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (pids[i])
			continue;
		if (i < jobs)
			server(listener, &p);
		else
			client(&p);
		return 0;
	}
	for (i = jobs; i < 2 * jobs; i++)
		waitpid(pids[i], NULL, 0);
	for (i = 0; i < jobs; i++)
		kill(pids[i], SIGKILL);

	printf("ok=%lu reset=%lu stalled=%lu bad=%lu failed=%lu max_ms=%lld\n",
	       results->ok, results->reset, results->stalled, results->bad,
	       results->failed, results->max_ms);
	return 0;
}
