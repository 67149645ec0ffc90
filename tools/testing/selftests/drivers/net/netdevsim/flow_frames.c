// SPDX-License-Identifier: GPL-2.0
/* flow_frames tx=NS:IF rx=NS:IF [tap=NS:IF]... [n=COUNT] FRAME... [-- ...]
 *
 * Sends frames and compares every byte of what arrives. One process has a foot
 * in every netns, so it knows what was sent, what came out at the other end and
 * what a tap saw on the way, and nothing has to be synchronised. Taps are read
 * at the end: until then they hold a clone of each frame.
 *
 * FRAME is KEY=VALUE or KEY:
 *	smac, dmac, src and dst (IPv4 or IPv6), proto (tcp, udp, gre or a
 *	number), sport, dport, ttl, len (of the L4 payload); TCP: flags (hex),
 *	seq, ack; GRE: version
 *	vlan=ID, or vlan=OUTER.INNER (0: none), ad: the outer tag is 802.1ad
 *	pppoe=SESSION (0: none)
 *	options		IPv4 options, IPv6 destination options
 *	badsum		wrong checksum in the IPv4 header
 *	nosum		UDP without a checksum
 *	nodf		IPv4 that may be fragmented
 *	doff=WORDS	length that the TCP header claims to have
 *	pad=BYTES	behind the packet, cut=BYTES missing at its end
 * xKEY=VALUE is how it should arrive.
 *	any		do not compare what arrives
 *	zero		payload for which the UDP checksum, as it arrives, is
 *			ffff: the zero of a sum that is there
 *	wait=MS		silence that is taken for a loss
 *
 * What stands behind -- is sent when this is done. Prints, for each: sent=
 * received= bad= tap= icmp=NUMBER[:TYPE/CODE]; the latter are errors about
 * these frames that came back to tx.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "flow_packet.h"

#define FRAME_MAX	9216
#define OPTIONS_LEN	8
#define MARK_LEN	12
#define VLAN_HLEN	4
#define WINDOW		32
#define MAX_TAPS	4
#define MAX_SOCKETS	8

struct spec {
	uint8_t		smac[ETH_ALEN];
	uint8_t		dmac[ETH_ALEN];
	int		family;
	struct in6_addr	src;
	struct in6_addr	dst;
	uint16_t	sport;
	uint16_t	dport;
	uint16_t	vlan[2];
	uint16_t	pppoe;
	uint8_t		proto;
	uint8_t		ttl;
	uint8_t		flags;
	uint8_t		doff;
	uint8_t		version;
	uint32_t	seq;
	uint32_t	ack;
	unsigned int	len;
	unsigned int	pad;
	unsigned int	cut;
	bool		ad;
	bool		options;
	bool		badsum;
	bool		nosum;
	bool		nodf;
};

struct result {
	unsigned long	sent;
	unsigned long	received;
	unsigned long	bad;
	unsigned long	icmp;
	unsigned long	tap;
	int		type;
	int		code;
};

static uint32_t run_id;

static void put_checksum(const struct spec *s, uint8_t *l4, size_t len)
{
	size_t addr_len = s->family == AF_INET ? 4 : 16;
	uint16_t *check;
	uint32_t acc;

	if (s->proto == IPPROTO_TCP)
		check = &((struct tcphdr *)l4)->check;
	else
		check = &((struct udphdr *)l4)->check;

	acc = sum(&s->src, addr_len, s->proto + len);
	acc = sum(&s->dst, addr_len, acc);
	*check = fold(sum(l4, len, acc));
	if (s->proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
	if (s->proto == IPPROTO_UDP && s->nosum)
		*check = 0;
}

static size_t l4_header_len(const struct spec *s)
{
	if (s->proto == IPPROTO_TCP)
		return sizeof(struct tcphdr);
	if (s->proto == IPPROTO_GRE)
		return 4;
	return s->proto == IPPROTO_UDP ? sizeof(struct udphdr) : 0;
}

static void put_payload(const struct spec *s, uint32_t index, uint8_t *p)
{
	uint32_t mark[3] = { htonl(0x666c6f77), run_id, htonl(index) };
	unsigned int i;

	for (i = 0; i < s->len; i++)
		p[i] = i + index;
	memcpy(p, mark, s->len < MARK_LEN ? s->len : MARK_LEN);
}

static size_t put_l4(const struct spec *s, uint32_t index, uint8_t *l4)
{
	size_t header = l4_header_len(s), len = header + s->len;
	struct tcphdr *th = (void *)l4;
	struct udphdr *uh = (void *)l4;

	memset(l4, 0, header);
	put_payload(s, index, l4 + header);
	if (s->proto == IPPROTO_GRE) {
		/* of Ethernet frames, without key */
		l4[1] = s->version;
		l4[2] = ETH_P_TEB >> 8;
		l4[3] = ETH_P_TEB & 0xff;
		return len;
	}
	if (!header)
		return len;

	/* TCP has its ports in the same place. */
	uh->source = htons(s->sport);
	uh->dest = htons(s->dport);
	if (s->proto == IPPROTO_UDP) {
		uh->len = htons(len);
	} else {
		th->seq = htonl(s->seq + index * s->len);
		th->ack_seq = htonl(s->ack);
		th->doff = s->doff;
		th->th_flags = s->flags;
		th->window = htons(65535);
	}
	put_checksum(s, l4, len);
	return len;
}

static size_t put_ipv4(const struct spec *s, uint32_t index, uint8_t *l3)
{
	size_t header = sizeof(struct iphdr) + (s->options ? OPTIONS_LEN : 0);
	size_t len = header + put_l4(s, index, l3 + header);
	struct iphdr *iph = (void *)l3;

	memset(l3, 0, header);
	iph->version = 4;
	iph->ihl = header / 4;
	iph->tot_len = htons(len);
	iph->id = htons(index);
	iph->frag_off = htons(s->nodf ? 0 : IP_DF);
	iph->ttl = s->ttl;
	iph->protocol = s->proto;
	memcpy(&iph->saddr, &s->src, 4);
	memcpy(&iph->daddr, &s->dst, 4);
	if (s->options)
		memset(iph + 1, IPOPT_NOP, OPTIONS_LEN);
	iph->check = fold(sum(l3, header, 0));
	if (s->badsum)
		iph->check ^= htons(1);
	return len;
}

static size_t put_ipv6(const struct spec *s, uint32_t index, uint8_t *l3)
{
	size_t ext = s->options ? OPTIONS_LEN : 0;
	size_t header = sizeof(struct ip6_hdr) + ext;
	size_t len = header + put_l4(s, index, l3 + header);
	struct ip6_hdr *ip6h = (void *)l3;
	uint8_t *opt = l3 + sizeof(*ip6h);

	memset(l3, 0, header);
	ip6h->ip6_flow = htonl(6U << 28);
	ip6h->ip6_plen = htons(len - sizeof(*ip6h));
	ip6h->ip6_nxt = s->options ? IPPROTO_DSTOPTS : s->proto;
	ip6h->ip6_hlim = s->ttl;
	ip6h->ip6_src = s->src;
	ip6h->ip6_dst = s->dst;
	if (s->options) {
		opt[0] = s->proto;
		opt[2] = IP6OPT_PADN;
		opt[3] = OPTIONS_LEN - 4;
	}
	return len;
}

static uint8_t *put16(uint8_t *p, uint16_t value)
{
	p[0] = value >> 8;
	p[1] = value;
	return p + sizeof(value);
}

/* Everything in front of the IP packet, except for the length of PPPoE. */
static size_t put_l2(const struct spec *s, uint8_t *frame)
{
	uint8_t *p = frame + 2 * ETH_ALEN;
	bool ipv4 = s->family == AF_INET;
	int i;

	memcpy(frame, s->dmac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, s->smac, ETH_ALEN);
	for (i = 0; i < 2; i++) {
		if (!s->vlan[i])
			continue;
		p = put16(p, s->ad && !i ? ETH_P_8021AD : ETH_P_8021Q);
		p = put16(p, s->vlan[i]);
	}
	if (s->pppoe) {
		p = put16(p, ETH_P_PPP_SES);
		p = put16(p, 0x1100);
		p = put16(p, s->pppoe);
		p = put16(p, 0);
		p = put16(p, ipv4 ? 0x21 : 0x57);
	} else {
		p = put16(p, ipv4 ? ETH_P_IP : ETH_P_IPV6);
	}
	return p - frame;
}

static size_t build(const struct spec *s, uint32_t index, uint8_t *frame)
{
	size_t off = put_l2(s, frame), len;

	if (s->family == AF_INET)
		len = put_ipv4(s, index, frame + off);
	else
		len = put_ipv6(s, index, frame + off);
	if (s->pppoe)
		put16(frame + off - 4, len + 2);
	len += off;
	memset(frame + len, 0xa5, s->pad);
	return len + s->pad - s->cut;
}

/* A payload for which the checksum is the one with two representations. */
static uint32_t find_zero(const struct spec *s)
{
	uint8_t frame[FRAME_MAX];
	uint32_t index;
	size_t off;

	off = put_l2(s, frame) + (s->family == AF_INET ? sizeof(struct iphdr) :
				  sizeof(struct ip6_hdr));

	for (index = 0; index < 1 << 20; index++) {
		build(s, index, frame);
		if (((struct udphdr *)(frame + off))->check == 0xffff)
			return index;
	}
	errno = ENOENT;
	die("zero");
}

/* Opened once: to close one takes the kernel longer than most tests. */
static int packet_socket(const char *where, bool tap)
{
	static const char *names[MAX_SOCKETS];
	static bool taps[MAX_SOCKETS];
	static int fds[MAX_SOCKETS];
	static int n;
	int i;

	for (i = 0; i < n; i++)
		if (taps[i] == tap && !strcmp(names[i], where))
			return fds[i];
	if (n == MAX_SOCKETS) {
		errno = EMFILE;
		die("%s", where);
	}
	names[n] = where;
	taps[n] = tap;
	fds[n] = open_port(where, ETH_P_ALL, PACKET_AUXDATA);
	return fds[n++];
}

/* The outer tag does not come with the frame, but beside it. */
static size_t put_tag_back(struct msghdr *msg, uint8_t *frame, size_t len)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	struct tpacket_auxdata aux;
	uint8_t *p = frame + 2 * ETH_ALEN;

	if (!cmsg || cmsg->cmsg_type != PACKET_AUXDATA)
		return len;

	memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return len;

	memmove(p + VLAN_HLEN, p, len - 2 * ETH_ALEN);
	put16(put16(p, aux.tp_vlan_tpid), aux.tp_vlan_tci);
	return len + VLAN_HLEN;
}

/* Next frame that came in by the socket's device; 0: none. */
static size_t next_frame(int fd, uint8_t *frame, bool outgoing)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec iov = { frame, FRAME_MAX - VLAN_HLEN };
	struct sockaddr_ll sll;
	struct msghdr msg = {
		.msg_name = &sll,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
	};
	ssize_t len;

	for (;;) {
		msg.msg_namelen = sizeof(sll);
		msg.msg_controllen = sizeof(control);
		len = recvmsg(fd, &msg, 0);
		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len < 0)
			die("recvmsg");
		if (outgoing || sll.sll_pkttype != PACKET_OUTGOING)
			return put_tag_back(&msg, frame, len);
	}
}

static bool is_ours(const uint8_t *frame, size_t len, uint32_t *index)
{
	uint32_t mark[2] = { htonl(0x666c6f77), run_id };
	const uint8_t *p = memmem(frame, len, mark, sizeof(mark));

	if (!p || p + MARK_LEN > frame + len)
		return false;

	memcpy(index, p + sizeof(mark), sizeof(*index));
	*index = ntohl(*index);
	return true;
}

static void dump(const char *what, const uint8_t *p, size_t len)
{
	size_t i;

	fprintf(stderr, "# %s (%zu):", what, len);
	for (i = 0; i < len && i < 96; i++)
		fprintf(stderr, "%s%02x", i % 2 ? "" : " ", p[i]);
	fputc('\n', stderr);
}

static void receive(int fd, const struct spec *want, bool any, struct result *r)
{
	uint8_t frame[FRAME_MAX], good[FRAME_MAX];
	size_t len, good_len;
	uint32_t index;

	while ((len = next_frame(fd, frame, false))) {
		if (!is_ours(frame, len, &index))
			continue;
		r->received++;
		if (any)
			continue;
		good_len = build(want, index, good);
		if (len == good_len && !memcmp(frame, good, len))
			continue;
		if (!r->bad++) {
			dump("got ", frame, len);
			dump("want", good, good_len);
		}
	}
}

static void receive_icmp(int fd, struct result *r)
{
	uint8_t frame[FRAME_MAX];
	const struct ethhdr *eth = (void *)frame;
	const uint8_t *l3 = frame + ETH_HLEN;
	const uint8_t *icmp;
	uint32_t index;
	size_t len;

	while ((len = next_frame(fd, frame, false))) {
		if (!is_ours(frame, len, &index))
			continue;
		if (eth->h_proto == htons(ETH_P_IP) && l3[9] == IPPROTO_ICMP)
			icmp = l3 + (l3[0] & 15) * 4;
		else if (eth->h_proto == htons(ETH_P_IPV6) &&
			 l3[6] == IPPROTO_ICMPV6)
			icmp = l3 + sizeof(struct ip6_hdr);
		else
			continue;
		r->icmp++;
		r->type = icmp[0];
		r->code = icmp[1];
	}
}

static void receive_tap(int fd, struct result *r)
{
	uint8_t frame[FRAME_MAX];
	uint32_t index;
	size_t len;

	while ((len = next_frame(fd, frame, true)))
		r->tap += is_ours(frame, len, &index);
}

static void send_frame(int fd, const struct spec *s, uint32_t index)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	uint8_t frame[FRAME_MAX];
	size_t len = build(s, index, frame);

	/* ENOBUFS: the qdisc was full, the frame is not on its way. */
	while (send(fd, frame, len, 0) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS)
			die("send");
		poll(&pfd, 1, 1);
	}
}

static void set_vlan(struct spec *s, const char *value)
{
	const char *inner = strchr(value, '.');

	s->vlan[0] = strtoul(value, NULL, 10);
	s->vlan[1] = inner ? strtoul(inner + 1, NULL, 10) : 0;
}

static bool set_key(struct spec *s, const char *key, const char *value)
{
	struct in6_addr *addr = !strcmp(key, "src") ? &s->src : &s->dst;
	uint8_t *mac = !strcmp(key, "smac") ? s->smac : s->dmac;

	if (!strcmp(key, "src") || !strcmp(key, "dst")) {
		s->family = strchr(value, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(s->family, value, addr) != 1)
			return false;
	} else if (!strcmp(key, "smac") || !strcmp(key, "dmac")) {
		if (sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1,
			   mac + 2, mac + 3, mac + 4, mac + 5) != ETH_ALEN)
			return false;
	} else if (!strcmp(key, "proto")) {
		if (!strcmp(value, "tcp"))
			s->proto = IPPROTO_TCP;
		else if (!strcmp(value, "udp"))
			s->proto = IPPROTO_UDP;
		else if (!strcmp(value, "gre"))
			s->proto = IPPROTO_GRE;
		else
			s->proto = number(value, 10, 255);
	} else if (!strcmp(key, "sport")) {
		s->sport = number(value, 10, 65535);
	} else if (!strcmp(key, "dport")) {
		s->dport = number(value, 10, 65535);
	} else if (!strcmp(key, "ttl")) {
		s->ttl = number(value, 10, 255);
	} else if (!strcmp(key, "flags")) {
		s->flags = number(value, 16, 255);
	} else if (!strcmp(key, "doff")) {
		s->doff = number(value, 10, 15);
	} else if (!strcmp(key, "version")) {
		s->version = number(value, 10, 7);
	} else if (!strcmp(key, "vlan")) {
		set_vlan(s, value);
	} else if (!strcmp(key, "ad")) {
		s->ad = true;
	} else if (!strcmp(key, "pppoe")) {
		s->pppoe = number(value, 10, 65535);
	} else if (!strcmp(key, "seq")) {
		s->seq = number(value, 10, UINT32_MAX);
	} else if (!strcmp(key, "ack")) {
		s->ack = number(value, 10, UINT32_MAX);
	} else if (!strcmp(key, "len")) {
		s->len = number(value, 10, FRAME_MAX - 256);
	} else if (!strcmp(key, "pad")) {
		s->pad = number(value, 10, 128);
	} else if (!strcmp(key, "cut")) {
		s->cut = number(value, 10, 128);
	} else if (!strcmp(key, "options")) {
		s->options = true;
	} else if (!strcmp(key, "badsum")) {
		s->badsum = true;
	} else if (!strcmp(key, "nosum")) {
		s->nosum = true;
	} else if (!strcmp(key, "nodf")) {
		s->nodf = true;
	} else {
		return false;
	}
	return true;
}

static void set_both(struct spec *s, struct spec *want, const char *key,
		     const char *value)
{
	bool ok;

	if (key[0] == 'x')
		ok = set_key(want, key + 1, value);
	else
		ok = set_key(s, key, value) && set_key(want, key, value);
	if (!ok) {
		errno = EINVAL;
		die("%s=%s", key, value);
	}
}

static void run(int argc, char **argv)
{
	struct spec s = { .ttl = 64, .proto = IPPROTO_UDP, .len = 64,
			  .flags = TH_ACK, .doff = 5 };
	int tx = -1, rx = -1, tap[MAX_TAPS], taps = 0, i;
	long long last, patience = getenv("KSFT_MACHINE_SLOW") ? 4000 : 400;
	struct result r = {}, before;
	struct pollfd pfd[2] = {};
	unsigned long n = 1, seen;
	struct spec want = s;
	bool any = false, zero = false, again = false;
	uint32_t first = 0;
	char *value;

	run_id++;
	for (i = 0; i < argc; i++) {
		value = strchr(argv[i], '=');
		if (value)
			*value++ = '\0';
		else
			value = "";
		if (!strcmp(argv[i], "tx"))
			tx = packet_socket(value, false);
		else if (!strcmp(argv[i], "rx"))
			rx = packet_socket(value, false);
		else if (!strcmp(argv[i], "tap") && taps < MAX_TAPS)
			tap[taps++] = packet_socket(value, true);
		else if (!strcmp(argv[i], "n"))
			n = number(value, 10, 1000000);
		else if (!strcmp(argv[i], "wait"))
			patience = number(value, 10, 100000);
		else if (!strcmp(argv[i], "any"))
			any = true;
		else if (!strcmp(argv[i], "zero"))
			zero = true;
		else
			set_both(&s, &want, argv[i], value);
	}
	want.pad = 0;
	errno = EINVAL;
	if (tx < 0 || rx < 0)
		die("tx= and rx= are needed");
	if (s.len < MARK_LEN)
		die("len is less than %d", MARK_LEN);
	if (zero)
		first = find_zero(&want);

	pfd[0].fd = rx;
	pfd[0].events = POLLIN;
	pfd[1].fd = tx;
	pfd[1].events = POLLIN;
	last = now_ms();
	for (seen = 0;;) {
		before = r;
		if (r.sent < n && r.sent - seen < WINDOW) {
			send_frame(tx, &s, first + (zero ? 0 : r.sent));
			r.sent++;
			last = now_ms();
		}
		receive(rx, &want, any, &r);
		if (rx != tx)
			receive_icmp(tx, &r);
		if (r.received != before.received || r.icmp != before.icmp) {
			seen += r.received + r.icmp;
			seen -= before.received + before.icmp;
			last = now_ms();
			again = false;
		} else if (r.sent == n || r.sent - seen >= WINDOW) {
			/* When all is there, wait for what is too much. */
			if (now_ms() - last > (seen < r.sent ? patience : 30)) {
				/* It may have come while nobody looked. */
				if (!again) {
					again = true;
					continue;
				}
				again = false;
				if (r.sent == n)
					break;
				/* Lost, or for nobody: go on without. */
				seen = r.sent;
			}
			poll(pfd, 2, 5);
		}
	}
	for (i = 0; i < taps; i++)
		receive_tap(tap[i], &r);

	printf("sent=%lu received=%lu bad=%lu tap=%lu icmp=%lu", r.sent,
	       r.received, r.bad, r.tap, r.icmp);
	if (r.icmp)
		printf(":%d/%d", r.type, r.code);
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int first, last;

	run_id = getpid() << 16 ^ time(NULL) << 4;
	for (first = 1; first < argc; first = last + 1) {
		for (last = first; last < argc; last++)
			if (!strcmp(argv[last], "--"))
				break;
		run(last - first, argv + first);
	}
	return 0;
}
