// SPDX-License-Identifier: GPL-2.0
/* flow_delay NS:IF NS:IF MS
 *
 * A wire of that length between two netdevs: what the one receives is sent by
 * the other MS milliseconds later. Checksums must be there and frames no longer
 * than a wire takes, so the senders do without offloads. Runs until SIGTERM,
 * and then prints how many frames it has carried.
 */
#include <linux/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>

#include "flow_packet.h"

#define FRAME_MAX	2048

struct frame {
	struct frame	*next;
	long long	due;
	size_t		len;
	int		fd;
	uint8_t		data[FRAME_MAX];
};

/* In the order in which they are due, for all wait the same time. */
static struct frame *first, **last = &first;
static unsigned long carried;
static sig_atomic_t stopped;

static void stop(int signo)
{
	stopped = signo;
}

static void receive(int from, int to, long delay)
{
	struct frame *f;
	ssize_t len;

	for (;;) {
		f = malloc(sizeof(*f));
		if (!f)
			die("malloc");
		len = recv(from, f->data, FRAME_MAX, MSG_TRUNC);
		if (len < 0)
			break;
		errno = EMSGSIZE;
		if (len > FRAME_MAX)
			die("frame");
		f->len = len;
		f->fd = to;
		f->due = now_ms() + delay;
		f->next = NULL;
		*last = f;
		last = &f->next;
	}
	free(f);
	if (errno != EAGAIN && errno != ENETDOWN)
		die("recv");
}

static void transmit(void)
{
	struct frame *f;

	while (first && first->due <= now_ms()) {
		f = first;
		if (send(f->fd, f->data, f->len, 0) < 0)
			die("send");
		first = f->next;
		if (!first)
			last = &first;
		free(f);
		carried++;
	}
}

int main(int argc, char **argv)
{
	struct pollfd pfd[2];
	long delay, left;
	int i;

	errno = EINVAL;
	if (argc != 4)
		die("usage: %s NS:IF NS:IF MS", argv[0]);
	for (i = 0; i < 2; i++) {
		pfd[i].fd = open_port(argv[1 + i], ETH_P_ALL,
				      PACKET_IGNORE_OUTGOING);
		pfd[i].events = POLLIN;
	}
	delay = number(argv[3], 10, 10000);
	signal(SIGTERM, stop);

	while (!stopped) {
		left = first ? first->due - now_ms() : 100;
		poll(pfd, 2, left > 0 ? left : 0);
		receive(pfd[0].fd, pfd[1].fd, delay);
		receive(pfd[1].fd, pfd[0].fd, delay);
		transmit();
	}
	printf("carried %lu\n", carried);
	return 0;
}
