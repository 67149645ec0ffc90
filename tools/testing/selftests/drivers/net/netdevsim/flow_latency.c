// SPDX-License-Identifier: GPL-2.0
/* flow_latency CLIENT SERVER ROUTER, the ends as NS:IF, the router as NS
 *
 * How soon conntrack knows that a TCP connection is closed. Raw frames from
 * both ends; the state is asked for, one connection at a time, as conntrack -G
 * does. Commands on stdin, for connections FIRST up to FIRST + N - 1:
 *	open FIRST N		three frames each
 *	close fin FIRST N WAIT	FIN from both ends and the last ACK, then ask
 *				until the state is TIME_WAIT. Those that are not
 *				after WAIT ms are asked again when all are
 *				closed.
 *	close rst FIRST N WAIT	... RST, and CLOSE
 *	reopen fin|rst FIRST N	close, and 1 ms later open it again
 * One line of answer each. To close: closed=; median_us=, max_us= of them, from
 * the last frame on; other=: got another final state, or were gone before it
 * was seen; tick_us=: a jiffy. To open and reopen: opened=: frames arrived, and
 * conntrack has it ESTABLISHED, or hides the state, and has counted these two
 * packets from the client and no more.
 */
#include <endian.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>

#include "flow_packet.h"

#define MAX_CONNS	1000
#define SPORT		10000
#define DPORT		5000
#define GIVE_UP_MS	60000
#define STATE_GONE	-1		/* no such connection */
#define STATE_HIDDEN	-2		/* conntrack does not say */

enum { CLIENT, SERVER };

struct frame {
	uint8_t		room[2];	/* aligns what follows the next one */
	struct ethhdr	eth;		/* ETH_ZLEN from here on */
	struct iphdr	ip;
	struct tcphdr	tcp;
	uint8_t		pad[6];
};

struct conn {
	uint32_t	seq[2];		/* next, by end */
	uint64_t	closed_at;
	uint64_t	took;
	bool		done;
	bool		other;
};

static struct conn conns[MAX_CONNS];
static int fds[2], netlink;

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

static void put_mac(uint8_t *p, int net, int host)
{
	uint8_t mac[ETH_ALEN] = { 2, 0, 0, 0, net, host };

	memcpy(p, mac, sizeof(mac));
}

static void transmit(unsigned int i, int end, uint8_t flags)
{
	struct conn *c = &conns[i];
	struct frame f = {};
	size_t len = sizeof(f.tcp);

	put_mac(f.eth.h_dest, 1 + end, 1);
	put_mac(f.eth.h_source, 1 + end, 2);
	f.eth.h_proto = htons(ETH_P_IP);
	f.ip.version = 4;
	f.ip.ihl = 5;
	f.ip.tot_len = htons(sizeof(f.ip) + len);
	f.ip.frag_off = htons(IP_DF);
	f.ip.ttl = 64;
	f.ip.protocol = IPPROTO_TCP;
	f.ip.saddr = htonl(0x0a000164 + (end << 8));
	f.ip.daddr = htonl(0x0a000264 - (end << 8));
	f.ip.check = fold(sum(&f.ip, sizeof(f.ip), 0));
	f.tcp.source = htons(end == CLIENT ? SPORT + i : DPORT);
	f.tcp.dest = htons(end == CLIENT ? DPORT : SPORT + i);
	f.tcp.seq = htonl(c->seq[end]);
	f.tcp.ack_seq = flags & TH_ACK ? htonl(c->seq[!end]) : 0;
	f.tcp.doff = sizeof(f.tcp) / 4;
	f.tcp.th_flags = flags;
	f.tcp.window = htons(65535);
	f.tcp.check = fold(sum(&f.ip.saddr, 8 + len, IPPROTO_TCP + len));
	if (send(fds[end], &f.eth, ETH_ZLEN, 0) < 0)
		die("send");
	c->seq[end] += !!(flags & (TH_SYN | TH_FIN));
}

static bool is_frame(const struct frame *f, unsigned int i, int end,
		     uint8_t flags)
{
	uint16_t sport = end == CLIENT ? SPORT + i : DPORT;
	uint16_t dport = end == CLIENT ? DPORT : SPORT + i;

	return f->eth.h_proto == htons(ETH_P_IP) &&
	       f->ip.protocol == IPPROTO_TCP && f->tcp.source == htons(sport) &&
	       f->tcp.dest == htons(dport) && f->tcp.th_flags == flags;
}

/* A frame goes from one end to the other. */
static bool pass(unsigned int i, int end, uint8_t flags)
{
	struct pollfd pfd = { .fd = fds[!end], .events = POLLIN };
	struct frame f;

	transmit(i, end, flags);
	while (poll(&pfd, 1, 2000) == 1)
		while (recv(pfd.fd, &f.eth, ETH_ZLEN, 0) > ETH_HLEN)
			if (is_frame(&f, i, end, flags))
				return true;

	return false;
}

static struct nlattr *put(uint8_t *msg, size_t *len, int type, const void *data,
			  size_t size)
{
	struct nlattr *nla = (void *)(msg + *len);

	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((uint8_t *)nla + NLA_HDRLEN, data, size);
	*len += NLA_ALIGN(nla->nla_len);
	return nla;
}

static void ask(unsigned int i)
{
	static _Alignas(NLMSG_ALIGNTO) uint8_t msg[256];
	size_t len = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	uint32_t src = htonl(0x0a000164), dst = htonl(0x0a000264);
	uint16_t sport = htons(SPORT + i), dport = htons(DPORT);
	struct nlattr *tuple, *nest;
	struct nlmsghdr *nlh = (void *)msg;
	struct nfgenmsg *nfg = NLMSG_DATA(nlh);
	uint8_t proto = IPPROTO_TCP;

	memset(msg, 0, sizeof(msg));
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg->nfgen_family = AF_INET;
	tuple = put(msg, &len, CTA_TUPLE_ORIG | NLA_F_NESTED, NULL, 0);
	nest = put(msg, &len, CTA_TUPLE_IP | NLA_F_NESTED, NULL, 0);
	put(msg, &len, CTA_IP_V4_SRC, &src, sizeof(src));
	put(msg, &len, CTA_IP_V4_DST, &dst, sizeof(dst));
	nest->nla_len = msg + len - (uint8_t *)nest;
	nest = put(msg, &len, CTA_TUPLE_PROTO | NLA_F_NESTED, NULL, 0);
	put(msg, &len, CTA_PROTO_NUM, &proto, sizeof(proto));
	put(msg, &len, CTA_PROTO_SRC_PORT, &sport, sizeof(sport));
	put(msg, &len, CTA_PROTO_DST_PORT, &dport, sizeof(dport));
	nest->nla_len = msg + len - (uint8_t *)nest;
	tuple->nla_len = msg + len - (uint8_t *)tuple;
	nlh->nlmsg_len = len;
	if (send(netlink, msg, len, 0) != (ssize_t)len)
		die("netlink");
}

static const struct nlattr *find(const void *attrs, size_t len, int type)
{
	const struct nlattr *nla = attrs;
	size_t size;

	while (len >= NLA_HDRLEN && nla->nla_len >= NLA_HDRLEN &&
	       nla->nla_len <= len) {
		if ((nla->nla_type & NLA_TYPE_MASK) == type)
			return nla;
		size = NLA_ALIGN(nla->nla_len);
		if (size >= len)
			break;
		len -= size;
		nla = (const void *)nla + size;
	}
	return NULL;
}

static const struct nlattr *find_in(const struct nlattr *nla, int type)
{
	return nla ? find((const void *)nla + NLA_HDRLEN,
			  nla->nla_len - NLA_HDRLEN, type) : NULL;
}

static uint64_t packets_of(const struct nlattr *nla)
{
	uint64_t packets;

	nla = find_in(nla, CTA_COUNTERS_PACKETS);
	if (!nla)
		return 0;
	memcpy(&packets, (const uint8_t *)nla + NLA_HDRLEN, sizeof(packets));
	return be64toh(packets);
}

/* Of conntrack, or STATE_*; and packets from the client. */
static int state_of(unsigned int i, uint64_t *packets)
{
	static _Alignas(NLMSG_ALIGNTO) uint8_t msg[8192];
	const struct nlmsghdr *nlh = (void *)msg;
	size_t hdr = NLMSG_SPACE(sizeof(struct nfgenmsg));
	const struct nlattr *nla;
	ssize_t len;

	ask(i);
	len = recv(netlink, msg, sizeof(msg), 0);
	if (len < (ssize_t)hdr)
		die("answer of conntrack");
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		errno = -((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
		if (errno != ENOENT)
			die("conntrack");
		return STATE_GONE;
	}
	*packets = packets_of(find(msg + hdr, len - hdr, CTA_COUNTERS_ORIG));
	nla = find(msg + hdr, len - hdr, CTA_PROTOINFO);
	nla = find_in(nla, CTA_PROTOINFO_TCP);
	nla = find_in(nla, CTA_PROTOINFO_TCP_STATE);
	return nla ? *((uint8_t *)nla + NLA_HDRLEN) : STATE_HIDDEN;
}

static bool open_conn(unsigned int i)
{
	struct conn *c = &conns[i];

	c->seq[CLIENT] += 1000000;
	c->seq[SERVER] += 2000000;
	return pass(i, CLIENT, TH_SYN) && pass(i, SERVER, TH_SYN | TH_ACK) &&
	       pass(i, CLIENT, TH_ACK);
}

static bool is_open(unsigned int i)
{
	uint64_t packets = 0;
	int state = state_of(i, &packets);

	return packets == 2 && (state == TCP_CONNTRACK_ESTABLISHED ||
				state == STATE_HIDDEN);
}

/* Up to the last frame, which nobody waits for. */
static void close_conn(unsigned int i, bool fin)
{
	struct conn *c = &conns[i];

	c->done = false;
	c->other = false;
	if (fin && !(pass(i, CLIENT, TH_FIN | TH_ACK) &&
		     pass(i, SERVER, TH_FIN | TH_ACK))) {
		errno = ETIMEDOUT;
		die("FIN of %u", i);
	}
	c->closed_at = now_us();
	transmit(i, CLIENT, fin ? TH_ACK : TH_RST);
}

static void look(unsigned int i, bool fin)
{
	int want = fin ? TCP_CONNTRACK_TIME_WAIT : TCP_CONNTRACK_CLOSE;
	struct conn *c = &conns[i];
	uint64_t packets;
	int state = state_of(i, &packets);

	c->done = state == STATE_GONE || state == TCP_CONNTRACK_CLOSE ||
		  state == TCP_CONNTRACK_TIME_WAIT;
	c->other = c->done && state != want;
	c->took = now_us() - c->closed_at;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_times(unsigned int first, unsigned int n)
{
	static uint64_t took[MAX_CONNS];
	unsigned int i, num = 0, other = 0;
	struct timespec tick;

	for (i = first; i < first + n; i++) {
		other += conns[i].other;
		if (conns[i].done)
			took[num++] = conns[i].took;
	}
	qsort(took, num, sizeof(*took), compare);
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	printf("closed=%u median_us=%llu max_us=%llu other=%u tick_us=%ld\n",
	       num, num ? (unsigned long long)took[num / 2] : 0,
	       num ? (unsigned long long)took[num - 1] : 0, other,
	       tick.tv_nsec / 1000);
}

static void close_all(bool fin, unsigned int first, unsigned int n,
		      unsigned int wait)
{
	uint64_t end;
	unsigned int i, left;

	for (i = first; i < first + n; i++) {
		close_conn(i, fin);
		end = conns[i].closed_at + wait * 1000ULL;
		do {
			look(i, fin);
		} while (!conns[i].done && now_us() < end &&
			 !poll(NULL, 0, 1));
	}
	end = now_us() + GIVE_UP_MS * 1000ULL;
	do {
		for (i = first, left = 0; i < first + n; i++) {
			if (!conns[i].done)
				look(i, fin);
			left += !conns[i].done;
		}
	} while (left && now_us() < end && !poll(NULL, 0, 20));
	print_times(first, n);
}

static void open_all(unsigned int first, unsigned int n)
{
	unsigned int i, opened = 0;

	for (i = first; i < first + n; i++)
		opened += open_conn(i) && is_open(i);
	printf("opened=%u\n", opened);
}

static void reopen_all(bool fin, unsigned int first, unsigned int n)
{
	unsigned int i, opened = 0;

	for (i = first; i < first + n; i++) {
		close_conn(i, fin);
		poll(NULL, 0, 1);
		opened += open_conn(i) && is_open(i);
	}
	printf("opened=%u\n", opened);
}

static void command(const char *line)
{
	unsigned int first, n, wait;
	char how[4];

	if (sscanf(line, "open %u %u", &first, &n) == 2 &&
	    first + n <= MAX_CONNS)
		open_all(first, n);
	else if (sscanf(line, "reopen %3s %u %u", how, &first, &n) == 3 &&
		 first + n <= MAX_CONNS)
		reopen_all(!strcmp(how, "fin"), first, n);
	else if (sscanf(line, "close %3s %u %u %u", how, &first, &n,
			&wait) == 4 && first + n <= MAX_CONNS)
		close_all(!strcmp(how, "fin"), first, n, wait);
	else
		puts("what?");
}

int main(int argc, char **argv)
{
	char line[64];

	errno = EINVAL;
	if (argc != 4)
		die("CLIENT SERVER ROUTER");
	fds[CLIENT] = open_port(argv[1], ETH_P_IP, PACKET_IGNORE_OUTGOING);
	fds[SERVER] = open_port(argv[2], ETH_P_IP, PACKET_IGNORE_OUTGOING);
	enter_netns(argv[3]);
	netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (netlink < 0)
		die("netlink");

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin))
		command(line);
	return 0;
}
