// SPDX-License-Identifier: GPL-2.0
/* bench-flows [-m] [-n TIMES] CLIENT SERVER FIRST FLOWS SECONDS, the ends as NS:IF
 *
 * For the scripts bench-*-guest: UDP connections through the router, a frame
 * from the client and, when that has arrived, one from the server for each.
 * Once, or TIMES, or with SECONDS again every second. A frame that is lost is
 * repeated. With -m the connections are those of many hosts: clients in 10.1/16,
 * servers in 10.2/16, ports of clients in no order. Prints the milliseconds of the
 * first round, and how many frames were repeated.
 */
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>

#include "flow_packet.h"

#define BATCH		64		/* below any ring */
#define SPORT		1024
#define SPORTS		60000
#define STRIDE		36779		/* no common factor with SPORTS */
#define DPORT		5000
#define MAGIC		0x666c6f77
#define TRIES		50

struct frame {
	struct ethhdr	eth;
	struct iphdr	ip;
	struct udphdr	udp;
	uint32_t	magic;
	uint32_t	index;
	uint8_t		pad[10];
} __attribute__((packed));

static int fds[2];
static bool many_hosts;
static unsigned long repeated;

/* A connection as its client sees it */
struct conn {
	uint32_t	saddr;
	uint32_t	daddr;
	uint16_t	sport;
	uint16_t	dport;
};

static void put_mac(uint8_t *p, int net, int host)
{
	uint8_t mac[ETH_ALEN] = { 2, 0, 0, 0, net, host };

	memcpy(p, mac, sizeof(mac));
}

/* Another number for each, in no order */
static uint32_t mix(uint32_t n)
{
	n = (n ^ n >> 16) * 0x45d9f3b;
	n = (n ^ n >> 16) * 0x45d9f3b;
	return n ^ n >> 16;
}

static struct conn conn_of(uint32_t index)
{
	struct conn conn = {
		.saddr = 0x0a000164,
		.daddr = 0x0a000264,
		.sport = SPORT + index % SPORTS,
		.dport = DPORT + index / SPORTS,
	};
	uint32_t hosts = mix(index + 1);

	if (!many_hosts)
		return conn;

	conn.saddr = 0x0a010000 | (hosts & 0xffff);
	conn.daddr = 0x0a020000 | hosts >> 16;
	conn.sport = SPORT + (uint64_t)index * STRIDE % SPORTS;
	return conn;
}

static void build(struct frame *f, uint32_t index, bool reply)
{
	struct conn conn = conn_of(index);
	int net = 1 + reply;

	memset(f, 0, sizeof(*f));
	put_mac(f->eth.h_dest, net, 1);
	put_mac(f->eth.h_source, net, 2);
	f->eth.h_proto = htons(ETH_P_IP);
	f->ip.version = 4;
	f->ip.ihl = 5;
	f->ip.tot_len = htons(sizeof(*f) - sizeof(f->eth));
	f->ip.frag_off = htons(IP_DF);
	f->ip.ttl = 64;
	f->ip.protocol = IPPROTO_UDP;
	f->ip.saddr = htonl(reply ? conn.daddr : conn.saddr);
	f->ip.daddr = htonl(reply ? conn.saddr : conn.daddr);
	f->ip.check = fold(sum(&f->ip, sizeof(f->ip), 0));
	f->udp.source = htons(reply ? conn.dport : conn.sport);
	f->udp.dest = htons(reply ? conn.sport : conn.dport);
	f->udp.len = htons(sizeof(*f) - sizeof(f->eth) - sizeof(f->ip));
	f->magic = MAGIC;
	f->index = index;
}

static void transmit(uint32_t first, const bool *seen, unsigned int n,
		     bool reply)
{
	static struct frame frames[BATCH];
	struct mmsghdr msgs[BATCH] = {};
	struct iovec iov[BATCH];
	unsigned int i, num = 0, sent = 0;
	struct pollfd pfd = { .fd = fds[reply], .events = POLLOUT };
	int ret;

	for (i = 0; i < n; i++) {
		if (seen[i])
			continue;
		build(&frames[num], first + i, reply);
		iov[num].iov_base = &frames[num];
		iov[num].iov_len = sizeof(frames[num]);
		msgs[num].msg_hdr.msg_iov = &iov[num];
		msgs[num].msg_hdr.msg_iovlen = 1;
		num++;
	}
	while (sent < num) {
		ret = sendmmsg(fds[reply], msgs + sent, num - sent, 0);
		if (ret > 0)
			sent += ret;
		else if (errno != EAGAIN && errno != ENOBUFS)
			die("sendmmsg");
		else
			poll(&pfd, 1, 1);
	}
}

static unsigned int receive(uint32_t first, bool *seen, unsigned int n,
			    bool reply)
{
	static struct frame frames[BATCH];
	struct mmsghdr msgs[BATCH] = {};
	struct iovec iov[BATCH];
	unsigned int got = 0;
	uint32_t index;
	int i, num;

	for (i = 0; i < BATCH; i++) {
		iov[i].iov_base = &frames[i];
		iov[i].iov_len = sizeof(frames[i]);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	num = recvmmsg(fds[!reply], msgs, BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < num; i++) {
		index = frames[i].index - first;
		if (msgs[i].msg_len != sizeof(frames[i]) ||
		    frames[i].magic != MAGIC || index >= n || seen[index])
			continue;
		seen[index] = true;
		got++;
	}
	return got;
}

/* One frame in one direction of some connections. */
static void pass(uint32_t first, unsigned int n, bool reply)
{
	struct pollfd pfd = { .fd = fds[!reply], .events = POLLIN };
	bool seen[BATCH] = {};
	unsigned int left = n;
	int tries;

	for (tries = 0; left; tries++) {
		errno = ETIMEDOUT;
		if (tries == TRIES)
			die("connection %u", first);
		if (tries)
			repeated += left;
		transmit(first, seen, n, reply);
		while (left && poll(&pfd, 1, 100) == 1)
			left -= receive(first, seen, n, reply);
	}
}

static void round_of(uint32_t first, uint32_t flows)
{
	uint32_t end = first + flows, n;

	for (; first < end; first += n) {
		n = end - first < BATCH ? end - first : BATCH;
		pass(first, n, false);
		pass(first, n, true);
	}
}

int main(int argc, char **argv)
{
	long long start, now, next;
	unsigned long first, flows, seconds, times = 1;
	int opt;

	while ((opt = getopt(argc, argv, "mn:")) != -1) {
		if (opt == 'm')
			many_hosts = true;
		else if (opt == 'n')
			times = number(optarg, 10, 1000000);
		else
			return 2;
	}
	argc -= optind - 1;
	argv += optind - 1;
	errno = EINVAL;
	if (argc != 6)
		die("[-m] [-n TIMES] CLIENT SERVER FIRST FLOWS SECONDS");
	first = number(argv[3], 10, 1000000);
	flows = number(argv[4], 10, 1000000);
	seconds = number(argv[5], 10, 3600);
	fds[0] = open_port(argv[1], ETH_P_IP, PACKET_IGNORE_OUTGOING);
	fds[1] = open_port(argv[2], ETH_P_IP, PACKET_IGNORE_OUTGOING);

	start = now_ms();
	round_of(first, flows);
	printf("%lld", now_ms() - start);
	while (times-- > 1)
		round_of(first, flows);
	for (next = start + 1000; next < start + (long long)seconds * 1000;
	     next += 1000) {
		now = now_ms();
		if (now < next)
			poll(NULL, 0, next - now);
		round_of(first, flows);
	}
	printf(" %lu\n", repeated);
	return 0;
}
