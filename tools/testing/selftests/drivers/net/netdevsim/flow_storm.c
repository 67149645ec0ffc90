// SPDX-License-Identifier: GPL-2.0
/* flow_storm CLIENT ROUTER-PORT ROUTER-PORT SERVER, each as NS:IF
 *
 * Connections that come and go: raw frames from both ends of a router, checked
 * where they arrive. The server answers whoever it has seen, so NAT is fine,
 * and so is it if the router forgets a connection, or is not there at all.
 * Commands on stdin:
 *	start SEED FLOWS BURST LIFE	frames in bursts of up to BURST, over so
 *			many connections at a time, each for about LIFE bursts
 *	stop		no more frames, and wait until none is on the way: a
 *			last one on each leg has come by
 *	leave		no longer hold the netns of the router
 *	halt		no more frames, without waiting
 * One line of answer each. To stop and halt: sent=; unsent=: refused by the
 * socket; received=, of which bad= are not as they should be; twice=: received
 * once more; missed=: lost by a socket; opened=: connections; drained=0: the
 * last frames did not come by.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <inttypes.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "flow_packet.h"

#define ETH_P_LAST	0x88b5		/* local experimental */
#define FRAME_MAX	2048
#define PAYLOAD_MAX	1200
#define MAX_FLOWS	512
#define MAX_OPENED	2000		/* per start: conntrack is not full */
#define MAX_FRAMES	1048576		/* per start */
#define WINDOW		96		/* frames on the way, below any ring */
#define DPORT		5000
#define MAGIC		0x73746f72

enum { CLIENT, NEAR, FAR, SERVER, ENDS };

struct mark {
	uint32_t	magic;
	uint32_t	run;
	uint32_t	flow;
	uint32_t	index;
};

struct flow {
	uint32_t	number;		/* modulo MAX_FLOWS: its place */
	uint32_t	life;
	bool		ipv6;
	bool		tcp;
	uint8_t		syn;		/* SYN, SYN and ACK have arrived */
	uint8_t		peer[16];	/* client, as the server sees it */
	uint16_t	peer_port;	/* 0: has not seen it yet */
};

static struct {
	uint32_t	sent, unsent, received, bad, twice, opened;
} count;

static int fds[ENDS];
static struct flow flows[MAX_FLOWS];
static uint8_t seen[MAX_FRAMES / 8];
static uint64_t state;
static uint32_t run, nonce, num_flows, burst, life;
static bool running, last_seen[ENDS];

static uint32_t rnd(uint32_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static uint16_t client_port(uint32_t number)
{
	return 1024 + number / MAX_FLOWS % 60000;
}

static void put_mac(uint8_t *p, int net, int host)
{
	uint8_t mac[ETH_ALEN] = { 2, 0, 0, 0, net, host };

	memcpy(p, mac, sizeof(mac));
}

/* Host 100 of a net, who is nobody. */
static void put_addr(uint8_t *p, bool ipv6, int net)
{
	uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, 0, net, [14] = 1, [15] = 0 };
	uint8_t v4[4] = { 10, 0, net, 100 };

	memcpy(p, ipv6 ? v6 : v4, ipv6 ? sizeof(v6) : sizeof(v4));
}

/* A frame as it is sent, or as it arrives; returns its length. */
static size_t build(uint8_t *frame, const struct flow *f, bool reply,
		    bool arrived, uint8_t flags, size_t room, uint32_t index)
{
	struct mark mark = { MAGIC, run, f->number, index };
	size_t addr_len = f->ipv6 ? 16 : 4, l4_len, l3_len;
	uint8_t proto = f->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	uint8_t *ip = frame + ETH_HLEN, *addrs, *client;
	struct ethhdr *eth = (void *)frame;
	struct ip6_hdr *ip6h = (void *)ip;
	struct iphdr *iph = (void *)ip;
	int net = 1 + (reply != arrived);
	struct tcphdr *th;
	struct udphdr *uh;
	uint16_t check;

	l3_len = f->ipv6 ? sizeof(*ip6h) : sizeof(*iph);
	l4_len = room + (f->tcp ? sizeof(*th) : sizeof(*uh));
	memset(frame, index, ETH_HLEN + l3_len + l4_len);
	memset(ip, 0, l3_len + l4_len - room);
	put_mac(eth->h_dest, net, 1 + arrived);
	put_mac(eth->h_source, net, 2 - arrived);
	eth->h_proto = htons(f->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	if (f->ipv6) {
		ip6h->ip6_flow = htonl(6U << 28);
		ip6h->ip6_plen = htons(l4_len);
		ip6h->ip6_nxt = proto;
		ip6h->ip6_hlim = 64 - arrived;
	} else {
		iph->version = 4;
		iph->ihl = 5;
		iph->tot_len = htons(l3_len + l4_len);
		iph->frag_off = htons(IP_DF);
		iph->ttl = 64 - arrived;
		iph->protocol = proto;
	}
	addrs = ip + l3_len - 2 * addr_len;
	client = reply ? addrs + addr_len : addrs;
	put_addr(addrs, f->ipv6, 1 + reply);
	put_addr(addrs + addr_len, f->ipv6, 2 - reply);
	if (reply != arrived)
		memcpy(client, f->peer, addr_len);
	if (!f->ipv6)
		iph->check = fold(sum(ip, l3_len, 0));

	/* TCP has its ports in the same place. All data is the first data,
	 * again and again: it is always in the window.
	 */
	th = (void *)(ip + l3_len);
	uh = (void *)th;
	check = htons(reply != arrived ? f->peer_port : client_port(f->number));
	uh->source = reply ? htons(DPORT) : check;
	uh->dest = reply ? check : htons(DPORT);
	memcpy(ip + l3_len + l4_len - room, &mark, sizeof(mark));
	if (f->tcp) {
		th->seq = htonl(!(flags & TH_SYN));
		th->ack_seq = htonl(!!(flags & TH_ACK));
		th->doff = sizeof(*th) / 4;
		th->th_flags = flags;
		th->window = htons(65535);
	} else {
		uh->len = htons(l4_len);
	}
	check = fold(sum(addrs, 2 * addr_len + l4_len, proto + l4_len));
	if (f->tcp)
		th->check = check;
	else
		uh->check = check ? check : 0xffff;
	return ETH_HLEN + l3_len + l4_len;
}

static void take(const uint8_t *frame, size_t len, bool server)
{
	const struct ethhdr *eth = (const void *)frame;
	bool ipv6 = eth->h_proto == htons(ETH_P_IPV6);
	bool tcp = frame[ETH_HLEN + (ipv6 ? 6 : 9)] == IPPROTO_TCP;
	const uint8_t *l4 = frame + ETH_HLEN + (ipv6 ? 40 : 20);
	const struct tcphdr *th = (const void *)l4;
	const uint8_t *payload = l4 + (tcp ? 20 : 8);
	struct flow *f, old;
	uint8_t good[FRAME_MAX], bit;
	struct mark mark;

	if (payload + sizeof(mark) > frame + len)
		return;
	memcpy(&mark, payload, sizeof(mark));
	if (mark.magic != MAGIC || mark.run != run || mark.index >= MAX_FRAMES)
		return;

	count.received++;
	bit = 1 << mark.index % 8;
	count.twice += !!(seen[mark.index / 8] & bit);
	seen[mark.index / 8] |= bit;
	f = &flows[mark.flow % MAX_FLOWS];
	if (f->number != mark.flow)
		return;
	old = *f;
	if (server) {
		memcpy(f->peer, l4 - (ipv6 ? 32 : 8), ipv6 ? 16 : 4);
		f->peer_port = ntohs(th->th_sport);
	}
	if (build(good, f, !server, true, tcp ? th->th_flags : 0,
		  frame + len - payload, mark.index) != len ||
	    memcmp(good, frame, len)) {
		for (len = 0; frame[len] == good[len] && len < FRAME_MAX - 1;)
			len++;
		if (!count.bad++)
			fprintf(stderr, "# bad at the %s from byte %zu on\n",
				server ? "server" : "client", len);
		*f = old;
	} else if (tcp && th->syn) {
		f->syn |= server ? TH_SYN : TH_ACK;
	}
}

static bool receive(int end)
{
	uint8_t frame[FRAME_MAX];
	const struct ethhdr *eth = (void *)frame;
	bool any = false;
	ssize_t len;

	/* Errors are those of a port that went away. */
	while ((len = recv(fds[end], frame, sizeof(frame), 0)) > ETH_HLEN) {
		any = true;
		if (eth->h_proto == htons(ETH_P_LAST))
			last_seen[end] |= !memcmp(eth + 1, &nonce,
						  sizeof(nonce));
		else if (end == CLIENT || end == SERVER)
			take(frame, len, end == SERVER);
	}
	return any;
}

static bool transmit(struct flow *f, bool reply, uint8_t flags)
{
	size_t room = sizeof(struct mark) + rnd(rnd(8) ? 100 : PAYLOAD_MAX);
	uint8_t frame[FRAME_MAX];
	size_t len = build(frame, f, reply, false, flags, room, count.sent);

	if (send(fds[reply ? SERVER : CLIENT], frame, len, 0) < 0) {
		count.unsent++;
		poll(NULL, 0, 1);
		return false;
	}
	count.sent++;
	return true;
}

static void open_flow(struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->number = ++count.opened * MAX_FLOWS + (f - flows);
	f->life = 1 + rnd(2 * life);
	f->ipv6 = rnd(2);
	f->tcp = !rnd(3);
}

/* A few frames of a connection, or the beginning or end of one. */
static void storm(void)
{
	struct flow *f = &flows[rnd(num_flows)];
	uint32_t n;
	bool reply;

	if (!f->number && count.opened < MAX_OPENED)
		open_flow(f);
	if (!f->number)
		return;
	reply = rnd(2) && f->peer_port;
	if (f->tcp && !(f->syn & TH_SYN)) {
		transmit(f, false, TH_SYN);
	} else if (f->tcp && !(f->syn & TH_ACK)) {
		transmit(f, true, TH_SYN | TH_ACK);
	} else if (f->life || count.opened >= MAX_OPENED) {
		f->life -= !!f->life;
		for (n = 1 + rnd(burst); n; n--)
			if (!transmit(f, reply, TH_ACK))
				break;
	} else {
		/* Some just fall silent. */
		n = f->tcp ? rnd(3) : 0;
		if (n)
			transmit(f, reply, n == 1 ? TH_RST : TH_FIN | TH_ACK);
		f->number = 0;
	}
}

/* The last frame on one leg: nothing that was there before it is left. */
static bool drain(int from, int to)
{
	long long end = now_ms() + 10000;
	struct pollfd pfd = { .fd = fds[to], .events = POLLIN };
	uint8_t frame[ETH_ZLEN] = {};
	struct ethhdr *eth = (void *)frame;

	put_mac(eth->h_source, 0, from);
	eth->h_proto = htons(ETH_P_LAST);
	memcpy(eth + 1, &nonce, sizeof(nonce));
	last_seen[to] = false;
	while (send(fds[from], frame, sizeof(frame), 0) < 0) {
		if ((errno != ENOBUFS && errno != EAGAIN) || now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	while (!last_seen[to] && now_ms() < end) {
		poll(&pfd, 1, 10);
		receive(CLIENT);
		receive(SERVER);
		receive(to);
	}
	return last_seen[to];
}

static unsigned int missed(int end)
{
	struct tpacket_stats stats = {};
	socklen_t len = sizeof(stats);

	getsockopt(fds[end], SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	return stats.tp_drops;
}

static void command(const char *line)
{
	bool drained = false;

	if (sscanf(line, "start %" SCNu64 " %u %u %u", &state, &num_flows,
		   &burst, &life) == 4) {
		memset(&count, 0, sizeof(count));
		memset(flows, 0, sizeof(flows));
		memset(seen, 0, sizeof(seen));
		missed(CLIENT);
		missed(SERVER);
		num_flows = num_flows < MAX_FLOWS ? num_flows : MAX_FLOWS;
		run++;
		running = true;
		puts("ok");
	} else if (!strcmp(line, "stop\n") || !strcmp(line, "halt\n")) {
		running = false;
		nonce++;
		if (line[0] == 's')
			drained = drain(CLIENT, NEAR) && drain(SERVER, FAR) &&
				  drain(FAR, SERVER) && drain(NEAR, CLIENT);
		printf("sent=%u unsent=%u received=%u bad=%u ", count.sent,
		       count.unsent, count.received, count.bad);
		printf("twice=%u missed=%u opened=%u drained=%d\n",
		       count.twice, missed(CLIENT) + missed(SERVER),
		       count.opened, drained);
	} else if (!strcmp(line, "leave\n")) {
		close(fds[NEAR]);
		close(fds[FAR]);
		puts("ok");
	} else {
		puts("what?");
	}
}

int main(int argc, char **argv)
{
	struct pollfd pfd[3] = {};
	int32_t lost = 0, on_way;
	char line[64];
	int i, full;

	if (argc != ENDS + 1) {
		errno = EINVAL;
		die("CLIENT ROUTER-PORT ROUTER-PORT SERVER");
	}
	for (i = 0; i < ENDS; i++)
		fds[i] = open_port(argv[i + 1], i == CLIENT || i == SERVER ?
				   ETH_P_ALL : ETH_P_LAST,
				   PACKET_IGNORE_OUTGOING);
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	run = getpid() << 16;
	pfd[0].fd = 0;
	pfd[1].fd = fds[CLIENT];
	pfd[2].fd = fds[SERVER];
	for (i = 0; i < 3; i++)
		pfd[i].events = POLLIN;

	for (;;) {
		on_way = count.sent - count.received - lost;
		full = on_way >= WINDOW || count.sent + WINDOW > MAX_FRAMES;
		i = poll(pfd, 3, !running ? -1 : full ? 5 : 0);
		if (pfd[0].revents && !fgets(line, sizeof(line), stdin))
			return 0;
		if (pfd[0].revents)
			command(line);
		receive(CLIENT);
		receive(SERVER);
		/* What has not come by now is lost, or late. */
		if (on_way < 0 || (full && !i))
			lost = count.sent - count.received;
		if (running && !full)
			storm();
	}
}
