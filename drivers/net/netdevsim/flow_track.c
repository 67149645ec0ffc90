// SPDX-License-Identifier: GPL-2.0
/* What a packet does to the state of a connection, by the rules of "Real
 * Stateful TCP Packet Filtering in IP Filter" (G. van Rooij, 2001). Hardware
 * decides what is plain; whatever is not goes to the CPU, and changes nothing
 * here.
 */

#include <kunit/visibility.h>
#include <linux/jiffies.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "flow_conn.h"

/* What a receiver may acknowledge late, in excess of its window. */
#define NSIM_FLOW_ACK_WINDOW	66000u

/**
 * struct nsim_flow_seg - a TCP segment
 * @seq: sequence number
 * @end: sequence number after the segment
 * @ack: acknowledgment
 * @sack: highest sequence number acknowledged, selectively or not
 * @raw_win: window as it stands in the header
 * @has_ack: ACK is set
 * @kind: enum flow_ft_tcp_last
 */
struct nsim_flow_seg {
	u32			seq;
	u32			end;
	u32			ack;
	u32			sack;
	u16			raw_win;
	bool			has_ack;
	enum flow_ft_tcp_last	kind;
};

static u32 nsim_flow_sack_max(const u8 *opt, unsigned int len, u32 sack)
{
	unsigned int i;

	if ((len - 2) % TCPOLEN_SACK_PERBLOCK)
		return sack;

	for (i = 2; i + TCPOLEN_SACK_PERBLOCK <= len;
	     i += TCPOLEN_SACK_PERBLOCK) {
		u32 right = get_unaligned_be32(opt + i + 4);

		if (after(right, sack))
			sack = right;
	}

	return sack;
}

static u32 nsim_flow_sack(const struct tcphdr *th, u32 sack)
{
	const u8 *opt = (const u8 *)(th + 1);
	unsigned int left = th->doff * 4 - sizeof(*th);

	while (left >= 2 && *opt != TCPOPT_EOL) {
		unsigned int len = *opt == TCPOPT_NOP ? 1 : opt[1];

		if (!len || len > left || (len == 1 && *opt != TCPOPT_NOP))
			break;
		if (*opt == TCPOPT_SACK)
			return nsim_flow_sack_max(opt, len, sack);
		opt += len;
		left -= len;
	}

	return sack;
}

static enum flow_ft_tcp_last nsim_flow_kind(const struct tcphdr *th)
{
	if (th->rst)
		return FLOW_FT_TCP_LAST_RST;
	if (th->syn)
		return th->ack ? FLOW_FT_TCP_LAST_SYNACK : FLOW_FT_TCP_LAST_SYN;
	if (th->fin)
		return FLOW_FT_TCP_LAST_FIN;
	if (th->ack)
		return FLOW_FT_TCP_LAST_ACK;
	return FLOW_FT_TCP_LAST_NONE;
}

/* Combinations that mean one thing only. */
static bool nsim_flow_flags_are_plain(const struct tcphdr *th)
{
	switch (tcp_flag_byte(th) & ~(TCPHDR_PSH | TCPHDR_ECE | TCPHDR_CWR)) {
	case TCPHDR_ACK:
	case TCPHDR_ACK | TCPHDR_URG:
	case TCPHDR_ACK | TCPHDR_FIN:
	case TCPHDR_ACK | TCPHDR_FIN | TCPHDR_URG:
	case TCPHDR_RST:
	case TCPHDR_RST | TCPHDR_ACK:
		return true;
	default:
		return false;
	}
}

/* A packet that its receiver drops must not change the state. */
static bool nsim_flow_csum_is_good(const struct sk_buff *skb,
				   const struct nsim_flow_pkt *pkt)
{
	const struct flow_ft_tuple *tuple = &pkt->tuple;
	unsigned int len = pkt->l3_len - pkt->thoff;
	__wsum csum;

	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_csum_unnecessary(skb))
		return true;

	csum = skb_checksum(skb, pkt->encap_len + pkt->thoff, len, 0);
	if (tuple->family == AF_INET)
		return !csum_tcpudp_magic(tuple->src_v4, tuple->dst_v4, len,
					  tuple->l4proto, csum);

	return !csum_ipv6_magic(&tuple->src_v6, &tuple->dst_v6, len,
				tuple->l4proto, csum);
}

static bool nsim_flow_get_seg(const struct sk_buff *skb,
			      const struct nsim_flow_pkt *pkt,
			      const struct flow_ft_tcp_dir *receiver,
			      struct nsim_flow_seg *seg)
{
	unsigned int hdr = pkt->encap_len + pkt->thoff;
	const struct tcphdr *th;
	unsigned int len;
	u8 buf[60];

	th = skb_header_pointer(skb, hdr, sizeof(*th), buf);
	if (!th || th->doff * 4 < sizeof(*th) ||
	    pkt->thoff + th->doff * 4 > pkt->l3_len)
		return false;
	len = th->doff * 4;
	th = skb_header_pointer(skb, hdr, len, buf);
	if (!th || !nsim_flow_flags_are_plain(th) ||
	    !nsim_flow_csum_is_good(skb, pkt))
		return false;

	seg->kind = nsim_flow_kind(th);
	seg->seq = ntohl(th->seq);
	seg->end = seg->seq + pkt->l3_len - pkt->thoff - len + th->fin;
	seg->raw_win = ntohs(th->window);
	seg->has_ack = th->ack;
	/* Without a number of its own it is taken for right. */
	seg->ack = th->ack && !(th->rst && !th->ack_seq) ?
		   ntohl(th->ack_seq) : receiver->end;
	seg->sack = seg->ack;
	if (th->ack && receiver->flags & IP_CT_TCP_FLAG_SACK_PERM)
		seg->sack = nsim_flow_sack(th, seg->ack);

	return true;
}

static bool nsim_flow_in_window(const struct flow_ft_tcp_dir *sender,
				const struct flow_ft_tcp_dir *receiver,
				const struct nsim_flow_seg *seg)
{
	u32 ack_window = max(sender->maxwin, NSIM_FLOW_ACK_WINDOW);

	return !after(seg->seq, sender->maxend) &&
	       !before(seg->end, sender->end - receiver->maxwin) &&
	       !after(seg->sack, receiver->end) &&
	       !before(seg->sack, receiver->end - ack_window);
}

static void nsim_flow_sent(struct flow_ft_tcp_dir *sender,
			   struct flow_ft_tcp_dir *receiver,
			   const struct nsim_flow_seg *seg)
{
	u32 win = (u32)seg->raw_win << sender->scale;

	sender->maxwin = max(sender->maxwin, win + (seg->sack - seg->ack));
	if (after(seg->end, sender->end)) {
		sender->end = seg->end;
		sender->flags |= IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
	}

	if (after(seg->end, sender->maxend))
		receiver->maxwin += seg->end - sender->maxend;
	/* A window of 0 lets one byte through, for probes. */
	if (!before(seg->sack + win, receiver->maxend))
		receiver->maxend = seg->sack + win + !win;
	if (seg->ack == receiver->end)
		receiver->flags &= ~IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
}

static void nsim_flow_acked(struct flow_ft_tcp_dir *sender, u32 ack)
{
	if (!(sender->flags & IP_CT_TCP_FLAG_MAXACK_SET) ||
	    after(ack, sender->maxack))
		sender->maxack = ack;
	sender->flags |= IP_CT_TCP_FLAG_MAXACK_SET;
}

static void nsim_flow_note_ack(struct flow_ft_tcp *tcp,
			       const struct nsim_flow_seg *seg, u8 dir)
{
	if (tcp->last_dir == dir && tcp->last_seq == seg->seq &&
	    tcp->last_ack == seg->ack && tcp->last_end == seg->end &&
	    tcp->last_win == seg->raw_win) {
		tcp->retrans++;
		return;
	}

	tcp->last_seq = seg->seq;
	tcp->last_ack = seg->ack;
	tcp->last_end = seg->end;
	tcp->last_win = seg->raw_win;
	tcp->retrans = 0;
}

static u8 nsim_flow_tcp_next(u8 state, enum flow_ft_tcp_last kind)
{
	if (kind == FLOW_FT_TCP_LAST_RST)
		return TCP_CONNTRACK_CLOSE;

	if (kind == FLOW_FT_TCP_LAST_FIN)
		return state == TCP_CONNTRACK_ESTABLISHED ?
		       TCP_CONNTRACK_FIN_WAIT : TCP_CONNTRACK_LAST_ACK;

	if (state == TCP_CONNTRACK_FIN_WAIT)
		return TCP_CONNTRACK_CLOSE_WAIT;
	if (state == TCP_CONNTRACK_LAST_ACK)
		return TCP_CONNTRACK_TIME_WAIT;

	return state;
}

/* While the connection is open, only a RST with the very number that the other
 * side waits for is beyond doubt.
 */
static bool nsim_flow_rst_is_plain(const struct flow_ft_tcp *tcp,
				   const struct nsim_flow_seg *seg, u8 dir)
{
	const struct flow_ft_tcp_dir *receiver = &tcp->dir[!dir];

	return tcp->last != FLOW_FT_TCP_LAST_SYN &&
	       receiver->flags & IP_CT_TCP_FLAG_MAXACK_SET &&
	       seg->seq == receiver->maxack;
}

static bool nsim_flow_is_plain(const struct flow_ft_tcp *tcp,
			       const struct nsim_flow_seg *seg, u8 dir)
{
	if (!tcp->dir[0].synced || !tcp->dir[1].synced ||
	    tcp->state < TCP_CONNTRACK_ESTABLISHED ||
	    tcp->state > TCP_CONNTRACK_LAST_ACK)
		return false;

	switch (seg->kind) {
	case FLOW_FT_TCP_LAST_ACK:
	case FLOW_FT_TCP_LAST_FIN:
		/* Its answer may be to a SYN that the CPU has let through. */
		return tcp->last != FLOW_FT_TCP_LAST_SYN;
	case FLOW_FT_TCP_LAST_RST:
		return tcp->state == TCP_CONNTRACK_ESTABLISHED &&
		       nsim_flow_rst_is_plain(tcp, seg, dir);
	default:
		return false;
	}
}

/**
 * nsim_flow_track_tcp() - a TCP packet passes
 * @tcp: state of the connection
 * @skb: packet, from the header of PPPoE or the network layer on
 * @pkt: what the parser found in it
 * @dir: direction of the packet
 *
 * Context: any; the connection is locked.
 * Return: true if it may pass, and @tcp says so; false if the CPU has to judge.
 */
bool nsim_flow_track_tcp(struct flow_ft_tcp *tcp, const struct sk_buff *skb,
			 const struct nsim_flow_pkt *pkt, u8 dir)
{
	struct flow_ft_tcp_dir *receiver = &tcp->dir[!dir];
	struct flow_ft_tcp_dir *sender = &tcp->dir[dir];
	struct nsim_flow_seg seg;
	u8 next;

	if (!nsim_flow_get_seg(skb, pkt, receiver, &seg) ||
	    !nsim_flow_is_plain(tcp, &seg, dir) ||
	    !nsim_flow_in_window(sender, receiver, &seg))
		return false;

	nsim_flow_sent(sender, receiver, &seg);
	if (seg.has_ack)
		nsim_flow_acked(sender, seg.ack);
	if (seg.kind == FLOW_FT_TCP_LAST_ACK)
		nsim_flow_note_ack(tcp, &seg, dir);

	next = nsim_flow_tcp_next(tcp->state, seg.kind);
	if (next == TCP_CONNTRACK_FIN_WAIT && next != tcp->state)
		sender->flags |= IP_CT_TCP_FLAG_CLOSE_INIT;
	tcp->state = next;
	tcp->last = seg.kind;
	tcp->last_dir = dir;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(nsim_flow_track_tcp);

static bool nsim_flow_datagram_is_good(const struct sk_buff *skb,
				       const struct nsim_flow_pkt *pkt)
{
	unsigned int len = pkt->l3_len - pkt->thoff;
	const struct udphdr *uh;
	struct udphdr buf;

	uh = skb_header_pointer(skb, pkt->encap_len + pkt->thoff, sizeof(buf),
				&buf);
	if (!uh || ntohs(uh->len) < sizeof(*uh) || ntohs(uh->len) > len)
		return false;

	return !uh->check || nsim_flow_csum_is_good(skb, pkt);
}

/**
 * nsim_flow_track_udp() - a UDP packet passes
 * @udp: state of the connection
 * @skb: packet, from the header of PPPoE or the network layer on
 * @pkt: what the parser found in it
 * @dir: direction of the packet
 *
 * Context: any; the connection is locked.
 * Return: true if it may pass, and @udp says so; false if the CPU has to judge.
 */
bool nsim_flow_track_udp(struct flow_ft_udp *udp, const struct sk_buff *skb,
			 const struct nsim_flow_pkt *pkt, u8 dir)
{
	if (!nsim_flow_datagram_is_good(skb, pkt))
		return false;

	if (udp->replied && time_after(jiffies, udp->stream_at))
		udp->stream = true;
	if (dir)
		udp->replied = true;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(nsim_flow_track_udp);
