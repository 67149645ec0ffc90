// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of the TCP tracker of the modelled switch ASIC. What a segment
 * may do is what RFC 9293 says to its receiver; what somebody in the middle can
 * know of the windows is from "Real Stateful TCP Packet Filtering in IP Filter"
 * (G. van Rooij, 2001), as maxima over the segments that have passed.
 */

#include <kunit/skbuff.h>
#include <linux/jiffies.h>
#include <linux/unaligned.h>
#include <net/tcp.h>

#include "flow_conn.h"
#include "flow_kunit.h"

#define NFK_A		TCPHDR_ACK
#define NFK_FA		(TCPHDR_FIN | TCPHDR_ACK)
#define NFK_R		TCPHDR_RST
#define NFK_RA		(TCPHDR_RST | TCPHDR_ACK)
#define NFK_S		TCPHDR_SYN
#define NFK_SA		(TCPHDR_SYN | TCPHDR_ACK)

#define NFK_EST		TCP_CONNTRACK_ESTABLISHED
#define NFK_FW		TCP_CONNTRACK_FIN_WAIT
#define NFK_CW		TCP_CONNTRACK_CLOSE_WAIT
#define NFK_LA		TCP_CONNTRACK_LAST_ACK
#define NFK_TW		TCP_CONNTRACK_TIME_WAIT
#define NFK_CL		TCP_CONNTRACK_CLOSE
#define NFK_CPU		TCP_CONNTRACK_MAX	/* for the CPU to judge */

#define NFK_STEPS	12
#define NFK_ACK_WINDOW	66000	/* MAXACKWINDOW of the paper */

enum nfk_side { NFK_C, NFK_SV };

/* Numbers count from the first byte after the SYN. */
struct nfk_step {
	u8	dir;
	u8	flags;
	u32	seq;
	u32	len;
	u32	ack;
	u16	win;
	u8	state;
};

struct nfk_talk {
	const char	*name;
	u16		win[2];		/* as advertised in the handshake */
	u8		scale[2];
	struct nfk_step	step[NFK_STEPS];
};

/* What the paper lets one know of each sender. */
struct nfk_seen {
	u32	end;
	u32	edge;
	u32	maxwin;
	u32	maxack;
};

static const u32 nfk_isn[][2] = {
	{ 1000, 5000 },
	{ 0xfffffff0, 0xfffffffe },
	{ 0x7ffffff0, 0x80000000 - 1100 },
};

static const struct nfk_talk nfk_talks[] = {
	{ "as much data as the window takes", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 2000, 0, 1000, NFK_EST },
		{ NFK_C, NFK_A, 2000, 0, 0, 1000, NFK_EST },
		{ NFK_C, NFK_A, 2001, 1, 0, 1000, NFK_CPU },
		{ NFK_SV, NFK_A, 0, 0, 2000, 2000, NFK_EST },
		{ NFK_C, NFK_A, 4001, 1, 0, 1000, NFK_CPU },
		{ NFK_C, NFK_A, 2000, 2000, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 1000, 4000, 2000, NFK_EST },
		{ NFK_SV, NFK_A, 1001, 1, 4000, 2000, NFK_CPU },
	} },
	{ "data that was acknowledged long ago", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 2000, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 2000, 2000, NFK_EST },
		{ NFK_C, NFK_A, 2000, 2000, 0, 1000, NFK_EST },
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_CPU },
		{ NFK_C, NFK_A, 2000, 2000, 0, 1000, NFK_EST },
	} },
	{ "a segment that comes late, one that overtakes", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 500, 500, 0, 1000, NFK_EST },
		{ NFK_C, NFK_A, 0, 500, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 1000, 2000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 500, 2000, NFK_EST },
	} },
	{ "acknowledgment of what was not sent", { 1000, 2000 }, {}, {
		{ NFK_SV, NFK_A, 0, 0, 1, 2000, NFK_CPU },
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 101, 2000, NFK_CPU },
		{ NFK_SV, NFK_A, 0, 0, 100, 2000, NFK_EST },
	} },
	{ "acknowledgment of long ago", { 1000, 65535 }, {}, {
		{ NFK_C, NFK_A, 0, 65535, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 65535, 65535, NFK_EST },
		{ NFK_C, NFK_A, 65535, 65535, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 131070 - NFK_ACK_WINDOW - 1, 65535,
		  NFK_CPU },
		{ NFK_SV, NFK_A, 0, 0, 131070 - NFK_ACK_WINDOW, 65535,
		  NFK_EST },
	} },
	{ "windows are scaled", { 1000, 2000 }, { 2, 7 }, {
		{ NFK_C, NFK_A, 0, 2000, 0, 250, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 2000, 100, NFK_EST },
		{ NFK_C, NFK_A, 2000 + 12801, 1, 0, 250, NFK_CPU },
		{ NFK_C, NFK_A, 2000, 12800, 0, 250, NFK_EST },
		{ NFK_SV, NFK_A, 0, 1000, 14800, 100, NFK_EST },
		{ NFK_SV, NFK_A, 1001, 1, 14800, 100, NFK_CPU },
		{ NFK_C, NFK_A, 14800, 0, 1000, 0x4000, NFK_EST },
		{ NFK_SV, NFK_A, 1000, 0x10000, 14800, 100, NFK_EST },
		{ NFK_SV, NFK_A, 1001 + 0x10000, 1, 14800, 100, NFK_CPU },
	} },
	{ "the largest window of all", { 65535, 65535 }, { 14, 14 }, {
		{ NFK_SV, NFK_A, 0, 0, 0, 65535, NFK_EST },
		{ NFK_C, NFK_A, 65535 << 14, 0, 0, 65535, NFK_EST },
		{ NFK_C, NFK_A, (65535 << 14) + 1, 0, 0, 65535, NFK_CPU },
	} },
	{ "a window of 0 is probed, and opens", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 2000, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 2000, 0, NFK_EST },
		{ NFK_C, NFK_A, 2000, 1, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 2000, 0, NFK_EST },
		{ NFK_C, NFK_A, 2002, 1, 0, 1000, NFK_CPU },
		{ NFK_SV, NFK_A, 0, 0, 2001, 500, NFK_EST },
		{ NFK_C, NFK_A, 2001, 500, 0, 1000, NFK_EST },
		{ NFK_C, NFK_A, 2502, 1, 0, 1000, NFK_CPU },
	} },
	{ "a window that shrinks", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 100, 10, NFK_EST },
		{ NFK_C, NFK_A, 100, 1900, 0, 1000, NFK_EST },
	} },
	{ "keepalive, without data and with one byte", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 10, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 10, 2000, NFK_EST },
		{ NFK_C, NFK_A, 9, 0, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 10, 2000, NFK_EST },
		{ NFK_C, NFK_A, 9, 1, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 10, 2000, NFK_EST },
		{ NFK_SV, NFK_A, -1, 0, 10, 2000, NFK_EST },
		{ NFK_C, NFK_A, 10, 0, 0, 1000, NFK_EST },
	} },
	{ "close, the client first", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_FA, 0, 100, 0, 1000, NFK_FW },
		{ NFK_SV, NFK_A, 0, 0, 101, 2000, NFK_CW },
		{ NFK_SV, NFK_FA, 0, 0, 101, 2000, NFK_LA },
		{ NFK_C, NFK_A, 101, 0, 1, 1000, NFK_TW },
		{ NFK_C, NFK_A, 101, 0, 1, 1000, NFK_CPU },
		{ NFK_SV, NFK_FA, 0, 0, 101, 2000, NFK_CPU },
		{ NFK_C, NFK_S, 70000, 0, 0, 1000, NFK_CPU },
	} },
	{ "close, the server first", { 1000, 2000 }, {}, {
		{ NFK_SV, NFK_FA, 0, 0, 0, 2000, NFK_FW },
		{ NFK_C, NFK_FA, 0, 0, 1, 1000, NFK_LA },
		{ NFK_SV, NFK_A, 1, 0, 1, 2000, NFK_TW },
	} },
	{ "close from both ends at once", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_FA, 0, 0, 0, 1000, NFK_FW },
		{ NFK_SV, NFK_FA, 0, 0, 0, 2000, NFK_LA },
		{ NFK_C, NFK_A, 1, 0, 1, 1000, NFK_TW },
	} },
	{ "half closed, the other half goes on", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_FA, 0, 0, 0, 1000, NFK_FW },
		{ NFK_SV, NFK_A, 0, 500, 1, 2000, NFK_CW },
		{ NFK_C, NFK_A, 1, 0, 500, 1000, NFK_CW },
		{ NFK_SV, NFK_A, 500, 1000, 1, 2000, NFK_CW },
		{ NFK_C, NFK_A, 1, 0, 1500, 1000, NFK_CW },
		{ NFK_SV, NFK_A, 2501, 1, 1, 2000, NFK_CPU },
		{ NFK_SV, NFK_FA, 1500, 0, 1, 2000, NFK_LA },
		{ NFK_C, NFK_A, 1, 0, 1501, 1000, NFK_TW },
	} },
	{ "a FIN outside of the window closes nothing", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_FA, 2001, 0, 0, 1000, NFK_CPU },
		{ NFK_C, NFK_FA, 0, 0, 1, 1000, NFK_CPU },
		{ NFK_SV, NFK_FA, 1001, 0, 0, 2000, NFK_CPU },
		{ NFK_C, NFK_A, 0, 10, 0, 1000, NFK_EST },
	} },
	{ "RST with the number that is waited for", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 100, 2000, NFK_EST },
		{ NFK_C, NFK_R, 100, 0, 0, 0, NFK_CL },
		{ NFK_C, NFK_R, 100, 0, 0, 0, NFK_CPU },
	} },
	{ "RST that answers", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_RA, 0, 0, 100, 0, NFK_CL },
	} },
	{ "RST that is only in the window", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_EST },
		{ NFK_SV, NFK_A, 0, 0, 100, 2000, NFK_EST },
		{ NFK_C, NFK_R, 101, 0, 0, 0, NFK_CPU },
		{ NFK_C, NFK_R, 99, 0, 0, 0, NFK_CPU },
		{ NFK_C, NFK_R, 2100, 0, 0, 0, NFK_CPU },
		{ NFK_SV, NFK_R, 1, 0, 0, 0, NFK_CPU },
		{ NFK_SV, NFK_RA, 0, 0, 101, 0, NFK_CPU },
		{ NFK_C, NFK_A, 100, 100, 0, 1000, NFK_EST },
	} },
	{ "RST far outside of the window", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_R, 0x10000, 0, 0, 0, NFK_CPU },
		{ NFK_C, NFK_R, -0x10000, 0, 0, 0, NFK_CPU },
		{ NFK_SV, NFK_RA, 0x80000000, 0, 0, 0, NFK_CPU },
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_EST },
	} },
	{ "SYN in an open connection, from either side", { 1000, 2000 }, {}, {
		{ NFK_C, NFK_S, 0, 0, 0, 1000, NFK_CPU },
		{ NFK_C, NFK_S, 100000, 0, 0, 1000, NFK_CPU },
		{ NFK_SV, NFK_S, 0, 0, 0, 2000, NFK_CPU },
		{ NFK_SV, NFK_SA, -1, 0, 0, 2000, NFK_CPU },
		{ NFK_C, NFK_A, 0, 100, 0, 1000, NFK_EST },
	} },
	{ "combinations of flags that mean nothing", { 1000, 2000 }, {}, {
		{ NFK_C, 0, 0, 10, 0, 1000, NFK_CPU },
		{ NFK_C, TCPHDR_FIN, 0, 0, 0, 1000, NFK_CPU },
		{ NFK_C, TCPHDR_URG, 0, 10, 0, 1000, NFK_CPU },
		{ NFK_C, TCPHDR_SYN | NFK_FA, 0, 0, 0, 1000, NFK_CPU },
		{ NFK_C, TCPHDR_SYN | NFK_RA, 0, 0, 0, 1000, NFK_CPU },
		{ NFK_C, TCPHDR_RST | NFK_FA, 0, 0, 0, 1000, NFK_CPU },
		{ NFK_C, NFK_A | TCPHDR_PSH | TCPHDR_URG, 0, 10, 0, 1000,
		  NFK_EST },
		{ NFK_C, NFK_A | TCPHDR_ECE | TCPHDR_CWR, 10, 10, 0, 1000,
		  NFK_EST },
	} },
};

KUNIT_ARRAY_PARAM_DESC(nfk_talk, nfk_talks, name);

static u32 nfk_later(u32 a, u32 b)
{
	return (s32)(a - b) > 0 ? a : b;
}

static void nfk_segment(struct sk_buff *skb, struct nsim_flow_pkt *pkt,
			const struct nfk_step *s, const u32 *isn,
			const u8 *options, unsigned int optlen)
{
	unsigned int hdr = sizeof(struct tcphdr) + optlen;
	struct tcphdr *th;

	memset(pkt, 0, sizeof(*pkt));
	pkt->tuple.family = AF_INET;
	pkt->thoff = 20;
	pkt->l3_len = pkt->thoff + hdr + s->len;

	skb_trim(skb, 0);
	th = skb_put_zero(skb, pkt->thoff + hdr) + pkt->thoff;
	th->seq = htonl(isn[s->dir] + 1 + s->seq);
	if (s->flags & TCPHDR_ACK)
		th->ack_seq = htonl(isn[!s->dir] + 1 + s->ack);
	th->doff = hdr / 4;
	((u8 *)th)[13] = s->flags;
	th->window = htons(s->win);
	if (optlen)
		memcpy(th + 1, options, optlen);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
}

static struct sk_buff *nfk_segment_alloc(struct kunit *test)
{
	struct sk_buff *skb = kunit_zalloc_skb(test, 128, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	return skb;
}

/* What the handshake leaves behind. */
static void nfk_open(const struct nfk_talk *talk, const u32 *isn,
		     struct flow_ft_tcp *tcp, struct nfk_seen *seen)
{
	int i;

	memset(tcp, 0, sizeof(*tcp));
	for (i = 0; i < 2; i++) {
		seen[i].end = isn[i] + 1;
		seen[i].edge = isn[i] + 1 + talk->win[!i];
		seen[i].maxwin = talk->win[i];
		seen[i].maxack = isn[!i] + 1;
		tcp->dir[i] = (struct flow_ft_tcp_dir){
			.end = seen[i].end, .maxend = seen[i].edge,
			.maxwin = seen[i].maxwin, .maxack = seen[i].maxack,
			.scale = talk->scale[i], .synced = true,
			.flags = IP_CT_TCP_FLAG_MAXACK_SET |
				 IP_CT_TCP_FLAG_WINDOW_SCALE,
		};
	}
	tcp->state = TCP_CONNTRACK_ESTABLISHED;
	tcp->last = FLOW_FT_TCP_LAST_ACK;
}

static void nfk_see(struct nfk_seen *seen, const struct nfk_talk *talk,
		    const struct nfk_step *s, const u32 *isn)
{
	u32 end = isn[s->dir] + 1 + s->seq + s->len + !!(s->flags & TCPHDR_FIN);
	u32 win = (u32)s->win << talk->scale[s->dir];
	u32 ack = isn[!s->dir] + 1 + s->ack;
	struct nfk_seen *sender = &seen[s->dir];

	sender->end = nfk_later(end, sender->end);
	sender->maxwin = max(sender->maxwin, win);
	if (!(s->flags & TCPHDR_ACK))
		return;

	sender->maxack = nfk_later(ack, sender->maxack);
	seen[!s->dir].edge = nfk_later(ack + max(win, 1), seen[!s->dir].edge);
}

static void nfk_expect_seen(struct kunit *test, const struct flow_ft_tcp *tcp,
			    const struct nfk_seen *seen, int step)
{
	int i;

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ_MSG(test, tcp->dir[i].end, seen[i].end,
				    "step %d, side %d", step, i);
		KUNIT_EXPECT_EQ_MSG(test, tcp->dir[i].maxend, seen[i].edge,
				    "step %d, side %d", step, i);
		KUNIT_EXPECT_EQ_MSG(test, tcp->dir[i].maxwin, seen[i].maxwin,
				    "step %d, side %d", step, i);
		KUNIT_EXPECT_EQ_MSG(test, tcp->dir[i].maxack, seen[i].maxack,
				    "step %d, side %d", step, i);
	}
}

static void nfk_walk(struct kunit *test, const struct nfk_talk *talk,
		     const u32 *isn)
{
	struct sk_buff *skb = nfk_segment_alloc(test);
	struct flow_ft_tcp tcp, was;
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	const struct nfk_step *s;
	bool pass;
	int i;

	nfk_open(talk, isn, &tcp, seen);
	for (i = 0; i < NFK_STEPS && talk->step[i].state; i++) {
		s = &talk->step[i];
		nfk_segment(skb, &pkt, s, isn, NULL, 0);
		was = tcp;
		pass = nsim_flow_track_tcp(&tcp, skb, &pkt, s->dir);
		KUNIT_EXPECT_EQ_MSG(test, pass, s->state != NFK_CPU,
				    "step %d, ISN %x", i, isn[0]);
		if (s->state == NFK_CPU) {
			KUNIT_EXPECT_MEMEQ(test, &tcp, &was, sizeof(tcp));
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, tcp.state, s->state, "step %d", i);
		KUNIT_EXPECT_EQ_MSG(test, tcp.last_dir, s->dir, "step %d", i);
		nfk_see(seen, talk, s, isn);
		nfk_expect_seen(test, &tcp, seen, i);
	}
	kunit_kfree_skb(test, skb);
}

static void nfk_test_talk(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(nfk_isn); i++)
		nfk_walk(test, test->param_value, nfk_isn[i]);
}

static const struct nfk_talk nfk_idle = { "", { 1000, 2000 } };
static const struct nfk_step nfk_data = {
	NFK_C, NFK_A | TCPHDR_PSH, 0, 100, 0, 1000,
};

/* One that is being opened, from one side or both, or is closed, is conntrack's
 * with all that comes; so are those of which one side is not known.
 */
static void nfk_test_not_open(struct kunit *test)
{
	static const u8 flags[] = { NFK_A, NFK_FA, NFK_R, NFK_S, NFK_SA };
	struct sk_buff *skb = nfk_segment_alloc(test);
	struct nfk_step s = nfk_data;
	struct flow_ft_tcp tcp, was;
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	int state, i, dir;
	bool pass;

	for (state = 0; state < TCP_CONNTRACK_MAX; state++) {
		if (state >= NFK_EST && state <= NFK_LA)
			continue;
		for (i = 0; i < 2 * ARRAY_SIZE(flags); i++) {
			s.dir = i % 2;
			s.flags = flags[i / 2];
			nfk_open(&nfk_idle, nfk_isn[0], &tcp, seen);
			tcp.state = state;
			was = tcp;
			nfk_segment(skb, &pkt, &s, nfk_isn[0], NULL, 0);
			pass = nsim_flow_track_tcp(&tcp, skb, &pkt, s.dir);
			KUNIT_EXPECT_FALSE_MSG(test, pass,
					       "state %d, flags %x", state,
					       s.flags);
			KUNIT_EXPECT_MEMEQ(test, &tcp, &was, sizeof(tcp));
		}
	}

	for (dir = 0; dir < 2; dir++) {
		s = nfk_data;
		nfk_open(&nfk_idle, nfk_isn[0], &tcp, seen);
		tcp.dir[dir].synced = false;
		was = tcp;
		nfk_segment(skb, &pkt, &s, nfk_isn[0], NULL, 0);
		KUNIT_EXPECT_FALSE(test, nsim_flow_track_tcp(&tcp, skb, &pkt,
							     s.dir));
		KUNIT_EXPECT_MEMEQ(test, &tcp, &was, sizeof(tcp));
	}
	kunit_kfree_skb(test, skb);
}

/* The CPU has let a SYN through, so what answers it is for the CPU too. */
static void nfk_test_after_syn(struct kunit *test)
{
	static const u8 flags[] = { NFK_A, NFK_FA, NFK_R };
	struct sk_buff *skb = nfk_segment_alloc(test);
	struct nfk_step s = nfk_data;
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	struct flow_ft_tcp tcp;
	int i;

	s.len = 0;
	for (i = 0; i < 2 * ARRAY_SIZE(flags); i++) {
		s.dir = i % 2;
		s.flags = flags[i / 2];
		nfk_open(&nfk_idle, nfk_isn[0], &tcp, seen);
		tcp.last = FLOW_FT_TCP_LAST_SYN;
		nfk_segment(skb, &pkt, &s, nfk_isn[0], NULL, 0);
		KUNIT_EXPECT_FALSE(test, nsim_flow_track_tcp(&tcp, skb, &pkt,
							     s.dir));
	}
	kunit_kfree_skb(test, skb);
}

static void nfk_test_retrans(struct kunit *test)
{
	struct sk_buff *skb = nfk_segment_alloc(test);
	struct nfk_step s = nfk_data;
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	struct flow_ft_tcp tcp;
	int i;

	nfk_open(&nfk_idle, nfk_isn[0], &tcp, seen);
	for (i = 0; i < 4; i++) {
		nfk_segment(skb, &pkt, &s, nfk_isn[0], NULL, 0);
		KUNIT_EXPECT_TRUE(test, nsim_flow_track_tcp(&tcp, skb, &pkt,
							    s.dir));
		KUNIT_EXPECT_EQ(test, tcp.retrans, i);
	}
	KUNIT_EXPECT_TRUE(test, tcp.dir[0].flags &
				IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED);

	/* An answer, or new data, is no repetition. */
	s = (struct nfk_step){ NFK_SV, NFK_A, 0, 0, 50, 2000 };
	nfk_segment(skb, &pkt, &s, nfk_isn[0], NULL, 0);
	KUNIT_EXPECT_TRUE(test, nsim_flow_track_tcp(&tcp, skb, &pkt, s.dir));
	KUNIT_EXPECT_EQ(test, tcp.retrans, 0);
	KUNIT_EXPECT_TRUE(test, tcp.dir[0].flags &
				IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED);

	s.ack = 100;
	nfk_segment(skb, &pkt, &s, nfk_isn[0], NULL, 0);
	KUNIT_EXPECT_TRUE(test, nsim_flow_track_tcp(&tcp, skb, &pkt, s.dir));
	KUNIT_EXPECT_EQ(test, tcp.retrans, 0);
	KUNIT_EXPECT_FALSE(test, tcp.dir[0].flags &
				 IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED);
	KUNIT_EXPECT_EQ(test, tcp.last_seq, nfk_isn[0][1] + 1);
	KUNIT_EXPECT_EQ(test, tcp.last_ack, nfk_isn[0][0] + 101);
	KUNIT_EXPECT_EQ(test, tcp.last_end, nfk_isn[0][1] + 1);
	KUNIT_EXPECT_EQ(test, tcp.last_win, 2000);
	kunit_kfree_skb(test, skb);
}

static void nfk_test_close_init(struct kunit *test)
{
	struct sk_buff *skb = nfk_segment_alloc(test);
	struct nfk_step s = nfk_data;
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	struct flow_ft_tcp tcp;

	nfk_open(&nfk_idle, nfk_isn[0], &tcp, seen);
	s.flags = NFK_FA;
	for (s.dir = 0; s.dir < 2; s.dir++) {
		s.ack = s.dir ? 101 : 0;
		nfk_segment(skb, &pkt, &s, nfk_isn[0], NULL, 0);
		KUNIT_EXPECT_TRUE(test, nsim_flow_track_tcp(&tcp, skb, &pkt,
							    s.dir));
	}
	KUNIT_EXPECT_TRUE(test, tcp.dir[0].flags & IP_CT_TCP_FLAG_CLOSE_INIT);
	KUNIT_EXPECT_FALSE(test, tcp.dir[1].flags & IP_CT_TCP_FLAG_CLOSE_INIT);
	kunit_kfree_skb(test, skb);
}

static const u8 nfk_no_options[12];

struct nfk_option {
	const char	*name;
	u8		bytes[12];
	s32		sack;		/* right edge, from the first byte on */
	bool		perm;		/* agreed on in the handshake */
	bool		pass;
};

static const struct nfk_option nfk_options[] = {
	{ "SACK of what was sent", { 1, 1, 5, 10 }, 2000, true, true },
	{ "SACK of what was not sent", { 1, 1, 5, 10 }, 2001, true, false },
	{ "SACK that nobody has agreed on", { 1, 1, 5, 10 }, 2001, false,
	  true },
	{ "behind the end of options", { 0, 1, 5, 10 }, 2001, true, true },
	{ "length of 0", { 8, 0, 5, 10 }, 2001, true, true },
	{ "length of 1", { 8, 1, 5, 10 }, 2001, true, true },
	{ "longer than the header", { 1, 1, 5, 18 }, 2001, true, true },
	{ "no whole block", { 1, 1, 5, 9 }, 2001, true, true },
};

KUNIT_ARRAY_PARAM_DESC(nfk_option, nfk_options, name);

/* The server has got 1000 to 2000, not what was before. */
static void nfk_test_sack(struct kunit *test)
{
	static const struct nfk_step sent = {
		NFK_C, NFK_A, 0, 2000, 0, 1000,
	};
	static const struct nfk_step back = { NFK_SV, NFK_A, 0, 0, 0, 2000 };
	struct sk_buff *skb = nfk_segment_alloc(test);
	const struct nfk_option *o = test->param_value;
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	struct flow_ft_tcp tcp;
	u8 options[12];

	nfk_open(&nfk_idle, nfk_isn[1], &tcp, seen);
	if (o->perm)
		tcp.dir[0].flags |= IP_CT_TCP_FLAG_SACK_PERM;
	nfk_segment(skb, &pkt, &sent, nfk_isn[1], nfk_no_options, 12);
	KUNIT_EXPECT_TRUE(test, nsim_flow_track_tcp(&tcp, skb, &pkt, NFK_C));

	memcpy(options, o->bytes, sizeof(options));
	put_unaligned_be32(nfk_isn[1][0] + 1 + 1000, options + 4);
	put_unaligned_be32(nfk_isn[1][0] + 1 + o->sack, options + 8);
	nfk_segment(skb, &pkt, &back, nfk_isn[1], options, sizeof(options));
	KUNIT_EXPECT_EQ(test, o->pass,
			nsim_flow_track_tcp(&tcp, skb, &pkt, NFK_SV));
	/* What was acknowledged is still all that was. */
	KUNIT_EXPECT_EQ(test, tcp.dir[1].maxack, nfk_isn[1][0] + 1);
	kunit_kfree_skb(test, skb);
}

struct nfk_intact {
	const char	*name;
	u8		family;
	enum nfk_csum	csum;
	u16		sid;
};

static const struct nfk_intact nfk_intacts[] = {
	{ "IPv4", AF_INET },
	{ "IPv6", AF_INET6 },
	{ "IPv4, PPPoE", AF_INET, NFK_FULL, 1 },
	{ "IPv6, PPPoE", AF_INET6, NFK_FULL, 1 },
};

KUNIT_ARRAY_PARAM_DESC(nfk_intact, nfk_intacts, name);

static bool nfk_track_frame(struct kunit *test, const struct nfk_bytes *b)
{
	u32 seq = get_unaligned_be32(b->data + b->at[NFK_L4] + 4);
	u32 ack = get_unaligned_be32(b->data + b->at[NFK_L4] + 8);
	const u32 isn[] = { seq - 1, ack - 1 };
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	struct flow_ft_tcp tcp;
	struct sk_buff *skb;
	bool pass;

	nfk_open(&nfk_idle, isn, &tcp, seen);
	skb = nfk_skb(test, b, 0, b->len, b->at[NFK_END] - 5, true);
	pass = nsim_flow_parse(skb, &pkt) == NSIM_FLOW_HIT &&
	       nsim_flow_track_tcp(&tcp, skb, &pkt, NFK_C);
	kunit_kfree_skb(test, skb);
	return pass;
}

/* Its receiver drops what is damaged, so it must not change anything. */
static void nfk_test_damaged(struct kunit *test)
{
	const struct nfk_intact *c = test->param_value;
	struct nfk_frame f = {
		.family = c->family, .l4proto = IPPROTO_TCP, .csum = c->csum,
		.dst = NFK_SERVICE, .ttl = 64, .encap.sid = c->sid,
	};
	struct nfk_bytes b;
	unsigned int i;

	nfk_build(&f, &b);
	KUNIT_EXPECT_TRUE(test, nfk_track_frame(test, &b));
	for (i = b.at[NFK_L4]; i < b.at[NFK_END]; i++) {
		b.data[i] ^= 0x10;
		KUNIT_EXPECT_FALSE_MSG(test, nfk_track_frame(test, &b),
				       "byte %u", i - b.at[NFK_L4]);
		b.data[i] ^= 0x10;
	}
}

/* Header lengths that the frame does not have, or no header could. */
static void nfk_test_doff(struct kunit *test)
{
	struct sk_buff *skb = nfk_segment_alloc(test);
	struct nfk_step s = nfk_data;
	struct nsim_flow_pkt pkt;
	struct nfk_seen seen[2];
	struct flow_ft_tcp tcp;
	unsigned int doff;

	s.len = 0;
	for (doff = 0; doff < 16; doff++) {
		nfk_open(&nfk_idle, nfk_isn[0], &tcp, seen);
		nfk_segment(skb, &pkt, &s, nfk_isn[0], nfk_no_options, 12);
		((struct tcphdr *)(skb->data + pkt.thoff))->doff = doff;
		KUNIT_EXPECT_EQ_MSG(test, nsim_flow_track_tcp(&tcp, skb, &pkt,
							      s.dir),
				    doff >= 5 && doff <= 8, "doff %u", doff);
	}
	kunit_kfree_skb(test, skb);
}

/* Without a checksum, as @len of its header says. */
static bool nfk_datagram(struct sk_buff *skb, struct flow_ft_udp *udp, u8 dir,
			 u16 len)
{
	struct nsim_flow_pkt pkt = {
		.tuple.family = AF_INET,
		.thoff = 20,
		.l3_len = 20 + sizeof(struct udphdr) + NFK_PAYLOAD,
	};
	struct udphdr *uh;

	skb_trim(skb, 0);
	uh = skb_put_zero(skb, pkt.l3_len) + pkt.thoff;
	uh->len = htons(len);

	return nsim_flow_track_udp(udp, skb, &pkt, dir);
}

static void nfk_test_udp(struct kunit *test)
{
	struct flow_ft_udp udp = { .stream_at = jiffies + HZ * 1000 };
	const u16 len = sizeof(struct udphdr) + NFK_PAYLOAD;
	struct sk_buff *skb = nfk_segment_alloc(test);

	KUNIT_EXPECT_TRUE(test, nfk_datagram(skb, &udp, NFK_C, len));
	KUNIT_EXPECT_FALSE(test, udp.replied);
	/* Padding may follow; who lies about the length says nothing. */
	KUNIT_EXPECT_FALSE(test, nfk_datagram(skb, &udp, NFK_SV, len + 1));
	KUNIT_EXPECT_FALSE(test, nfk_datagram(skb, &udp, NFK_SV, 7));
	KUNIT_EXPECT_FALSE(test, udp.replied);
	KUNIT_EXPECT_TRUE(test, nfk_datagram(skb, &udp, NFK_SV, 8));
	KUNIT_EXPECT_TRUE(test, udp.replied);
	KUNIT_EXPECT_TRUE(test, nfk_datagram(skb, &udp, NFK_C, len));
	KUNIT_EXPECT_FALSE(test, udp.stream);

	udp.stream_at = jiffies - 2;
	KUNIT_EXPECT_FALSE(test, nfk_datagram(skb, &udp, NFK_C, len + 1));
	KUNIT_EXPECT_FALSE(test, udp.stream);
	KUNIT_EXPECT_TRUE(test, nfk_datagram(skb, &udp, NFK_C, len));
	KUNIT_EXPECT_TRUE(test, udp.stream);

	/* Old, but nobody has answered: no stream, nor with the first one. */
	udp = (struct flow_ft_udp){ .stream_at = jiffies - 2 };
	KUNIT_EXPECT_TRUE(test, nfk_datagram(skb, &udp, NFK_C, len));
	KUNIT_EXPECT_TRUE(test, nfk_datagram(skb, &udp, NFK_SV, len));
	KUNIT_EXPECT_FALSE(test, udp.stream);
	kunit_kfree_skb(test, skb);
}

static struct kunit_case nfk_track_cases[] = {
	KUNIT_CASE_PARAM(nfk_test_talk, nfk_talk_gen_params),
	KUNIT_CASE(nfk_test_not_open),
	KUNIT_CASE(nfk_test_after_syn),
	KUNIT_CASE(nfk_test_retrans),
	KUNIT_CASE(nfk_test_close_init),
	KUNIT_CASE_PARAM(nfk_test_sack, nfk_option_gen_params),
	KUNIT_CASE_PARAM(nfk_test_damaged, nfk_intact_gen_params),
	KUNIT_CASE(nfk_test_doff),
	KUNIT_CASE(nfk_test_udp),
	{}
};

static struct kunit_suite nfk_track_suite = {
	.name = "netdevsim_flow_track",
	.test_cases = nfk_track_cases,
};

kunit_test_suites(&nfk_track_suite);
