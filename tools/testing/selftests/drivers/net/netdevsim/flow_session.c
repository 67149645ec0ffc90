// SPDX-License-Identifier: GPL-2.0
/* flow_session client=NS server=NS proto=tcp|udp dst=ADDR port=PORT
 *	[listen=ADDR] [lport=PORT] [src=ADDR] [sport=PORT] [len=BYTES]
 *
 * A connection of sockets, kept until end of input. Commands on stdin are
 * "send N" and "reply N": N bytes, or datagrams of len bytes, from or to the
 * client; and "peer": who the client is for the server. One line of answer
 * each; "ok N" if all N arrived as they were sent. SIGTERM ends a transfer:
 * what is on the way may still arrive, the answer is about what was sent.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "flow_traffic.h"

#define WINDOW		32
#define CHUNK		65536
#define STALL_MS	5000

struct session {
	bool		tcp;
	int		fd[2];		/* client, server */
	size_t		len;
};

struct stream {
	uint64_t	pos;		/* bytes so far */
	uint64_t	sum;		/* of the datagrams' indexes */
};

/* Every loop that looks at it calls into libc, so it is read anew. */
static sig_atomic_t stopped;

static void stop(int signo)
{
	stopped = signo;
}

static uint8_t pattern(uint64_t pos)
{
	return pos ^ pos >> 8 ^ pos >> 16;
}

static socklen_t make_addr(struct sockaddr_storage *ss, const char *addr,
			   unsigned int port)
{
	struct sockaddr_in6 *sin6 = (void *)ss;
	struct sockaddr_in *sin = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, addr, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		return sizeof(*sin);
	}
	if (inet_pton(AF_INET6, addr, &sin6->sin6_addr) == 1) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		return sizeof(*sin6);
	}
	errno = EINVAL;
	die("%s", addr);
}

static int bound_socket(const char *ns, const char *addr, unsigned int port,
			bool tcp)
{
	struct sockaddr_storage ss;
	socklen_t len = make_addr(&ss, addr, port);
	int fd, one = 1, size = 4 << 20;

	enter_netns(ns);
	fd = socket(ss.ss_family, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (!tcp && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
				sizeof(size))) ||
	    bind(fd, (struct sockaddr *)&ss, len))
		die("socket %s %u", addr, port);

	return fd;
}

static bool readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1;
}

/* UDP: the first datagram tells the server whom to answer. */
static void accept_session(struct session *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int listener = s->fd[1];
	char c = 0;

	if (!s->tcp && send(s->fd[0], &c, 1, 0) != 1)
		die("send");
	errno = ETIMEDOUT;
	if (!readable(listener, STALL_MS))
		die("nobody came");
	if (s->tcp) {
		s->fd[1] = accept(listener, NULL, NULL);
		if (s->fd[1] < 0)
			die("accept");
		close(listener);
	} else if (recvfrom(listener, &c, 1, 0, (struct sockaddr *)&ss,
			    &len) != 1 ||
		   connect(listener, (struct sockaddr *)&ss, len)) {
		die("connect to the client");
	}
}

/* A datagram starts with its index, for they may overtake each other when a
 * connection gets into hardware.
 */
static void fill(const struct session *s, uint8_t *buf, size_t len,
		 uint64_t pos)
{
	uint64_t index = pos / s->len;
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = pattern(pos + i);
	if (!s->tcp)
		memcpy(buf, &index, sizeof(index));
}

/* Bytes that arrived; -1: they are not the ones that were sent. */
static ssize_t read_some(struct session *s, int dir, struct stream *in)
{
	static uint8_t buf[CHUNK], good[CHUNK];
	uint64_t pos = in->pos, index;
	ssize_t len;

	len = recv(s->fd[!dir], buf, sizeof(buf), MSG_DONTWAIT);
	if (len < 0 && errno == EAGAIN)
		return 0;
	if (len < 0)
		die("recv");
	if (!s->tcp) {
		memcpy(&index, buf, sizeof(index));
		pos = index * s->len;
		in->sum += index;
		if (len != (ssize_t)s->len)
			return -1;
	}
	fill(s, good, len, pos);
	in->pos += len;
	return memcmp(buf, good, len) ? -1 : len;
}

static ssize_t write_some(struct session *s, int dir, struct stream *out,
			  size_t max)
{
	static uint8_t buf[CHUNK];
	size_t len = max;
	ssize_t ret;

	if (len > sizeof(buf))
		len = sizeof(buf);
	fill(s, buf, len, out->pos);
	ret = send(s->fd[dir], buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (ret < 0 && errno == EAGAIN)
		return 0;
	if (ret < 0)
		die("send");
	out->sum += out->pos / s->len;
	out->pos += ret;
	return ret;
}

static void transfer(struct session *s, int dir, uint64_t n)
{
	uint64_t unit = s->tcp ? 1 : s->len, total = n * unit;
	uint64_t window = s->tcp ? UINT64_MAX : WINDOW * unit;
	struct pollfd pfd = { .fd = s->fd[!dir], .events = POLLIN };
	struct stream in = {}, out = {};
	long long last = now_ms();
	ssize_t read, written;

	while (in.pos < total) {
		if (stopped)
			total = out.pos;
		written = 0;
		if (out.pos < total && out.pos - in.pos < window)
			written = write_some(s, dir, &out,
					     s->tcp ? total - out.pos : unit);
		read = read_some(s, dir, &in);
		if (read < 0) {
			printf("bad payload after %llu\n",
			       (unsigned long long)(in.pos / unit));
			return;
		}
		if (read || written) {
			last = now_ms();
			continue;
		}
		if (now_ms() - last > STALL_MS)
			break;
		poll(&pfd, 1, 5);
	}
	/* Each datagram once. */
	if (!s->tcp && in.pos == total && in.sum != out.sum)
		printf("bad sequence\n");
	else
		printf("%s %llu\n", in.pos >= total ? "ok" : "lost",
		       (unsigned long long)(in.pos / unit));
}

static void show_peer(const struct session *s)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *sin6 = (void *)&ss;
	struct sockaddr_in *sin = (void *)&ss;
	char addr[INET6_ADDRSTRLEN];
	socklen_t len = sizeof(ss);

	if (getpeername(s->fd[1], (struct sockaddr *)&ss, &len))
		die("getpeername");
	if (ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &sin->sin_addr, addr, sizeof(addr));
	else
		inet_ntop(AF_INET6, &sin6->sin6_addr, addr, sizeof(addr));
	/* The port is in the same place for both. */
	printf("%s %u\n", addr, ntohs(sin->sin_port));
}

int main(int argc, char **argv)
{
	const char *dst = word(argc, argv, "dst", NULL);
	const char *port = word(argc, argv, "port", NULL);
	const char *lport, *sport;
	const char *any = strchr(dst, ':') ? "::" : "0.0.0.0";
	struct session s = {
		.tcp = !strcmp(word(argc, argv, "proto", "tcp"), "tcp"),
		.len = number(word(argc, argv, "len", "64"), 10, 65000),
	};
	struct sockaddr_storage ss;
	unsigned long long n;
	socklen_t len;
	char line[64];

	signal(SIGTERM, stop);
	setvbuf(stdout, NULL, _IOLBF, 0);
	lport = word(argc, argv, "lport", port);
	s.fd[1] = bound_socket(word(argc, argv, "server", NULL),
			       word(argc, argv, "listen", dst),
			       number(lport, 10, 65535), s.tcp);
	if (s.tcp && listen(s.fd[1], 1))
		die("listen");
	sport = word(argc, argv, "sport", "0");
	s.fd[0] = bound_socket(word(argc, argv, "client", NULL),
			       word(argc, argv, "src", any),
			       number(sport, 10, 65535), s.tcp);
	len = make_addr(&ss, dst, number(port, 10, 65535));
	if (connect(s.fd[0], (struct sockaddr *)&ss, len))
		die("connect to %s %s", dst, port);
	accept_session(&s);

	while (!stopped && fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "send %llu", &n) == 1)
			transfer(&s, 0, n);
		else if (sscanf(line, "reply %llu", &n) == 1)
			transfer(&s, 1, n);
		else if (!strcmp(line, "peer\n"))
			show_peer(&s);
		else
			printf("what?\n");
	}
	return 0;
}
