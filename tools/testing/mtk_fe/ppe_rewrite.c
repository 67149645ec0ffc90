// SPDX-License-Identifier: GPL-2.0
/*
 * What a bound entry makes of a frame: an L2 header as the entry has it, in
 * place of whatever there was, NAT and TTL.
 *
 * How tags, PPPoE and the special tag of a switch stand in the entry is what
 * mtk_ppe.c of Linux 6.12 writes for each.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ppp_defs.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "mtk_fe.h"

#define PPE_MAX_LAYERS	2

static u32 l2_word(const void *l2, u32 offset)
{
	return *(u32 *)(l2 + offset);
}

/**
 * ppe_rewrite_len() - length of a frame when it leaves
 * @ppe:	the engine
 * @pkt:	as it came
 * @ib1:	of the entry
 *
 * Return: with the new header, without padding and FCS
 */
u32 ppe_rewrite_len(const struct ppe *ppe, const struct ppe_pkt *pkt, u32 ib1)
{
	u32 len = ETH_HLEN + pkt->l3_len;

	len += foe_get(ib1, ppe->layout->layers) * VLAN_HLEN;
	if (ib1 & ppe->layout->pppoe)
		len += PPPOE_SES_HLEN;
	return len;
}

static u8 *put_be16(u8 *p, u16 val)
{
	put_unaligned_be16(val, p);
	return p + sizeof(val);
}

static u8 *put_mac(u8 *p, u32 hi, u16 lo)
{
	put_unaligned_be32(hi, p);
	return put_be16(p + sizeof(hi), lo);
}

/* Tags, and the type of what is behind them */
static u8 *put_tags(u8 *p, const struct ppe *ppe, const void *l2, u32 ib1,
		    u16 type)
{
	u32 layers = foe_get(ib1, ppe->layout->layers);
	u32 word = l2_word(l2, FOE_L2_VLAN1_ETYPE);
	u16 etype = word >> 16;

	if (!layers)
		return put_be16(p, etype);
	p = put_be16(p, ib1 & ppe->layout->vpm ? ETH_P_8021Q : etype);
	p = put_be16(p, word);
	if (layers > 1) {
		p = put_be16(p, ETH_P_8021Q);
		p = put_be16(p, l2_word(l2, FOE_L2_VLAN2_DMAC_LO));
	}
	return put_be16(p, type);
}

static void put_pppoe(u8 *p, const struct ppe_pkt *pkt, const void *l2)
{
	struct pppoe_hdr *hdr = (void *)p;

	hdr->ver = 1;
	hdr->type = 1;
	hdr->code = 0;
	hdr->sid = htons(l2_word(l2, FOE_L2_PPPOE_SMAC_LO));
	hdr->length = htons(pkt->l3_len + 2);
	put_be16(p + sizeof(*hdr), pkt->is_ip6 ? PPP_IPV6 : PPP_IP);
}

static void rewrite_l2(const struct ppe *ppe, struct ppe_pkt *pkt,
		       const void *l2, u32 ib1)
{
	u16 type = pkt->is_ip6 ? ETH_P_IPV6 : ETH_P_IP;
	struct sk_buff *skb = pkt->skb;
	u8 *p;

	skb_trim(skb, pkt->l3 + pkt->l3_len);
	skb_pull(skb, pkt->l3);
	p = skb_push(skb, ppe_rewrite_len(ppe, pkt, ib1) - pkt->l3_len);
	p = put_mac(p, l2_word(l2, FOE_L2_DMAC_HI),
		    l2_word(l2, FOE_L2_VLAN2_DMAC_LO) >> 16);
	p = put_mac(p, l2_word(l2, FOE_L2_SMAC_HI),
		    l2_word(l2, FOE_L2_PPPOE_SMAC_LO) >> 16);
	if (ib1 & ppe->layout->pppoe)
		type = ETH_P_PPP_SES;
	p = put_tags(p, ppe, l2, ib1, type);
	if (ib1 & ppe->layout->pppoe)
		put_pppoe(p, pkt, l2);
}

/* The checksum of TCP or UDP, or NULL if there is none to keep right */
static __sum16 *l4_check(struct ppe_pkt *pkt)
{
	void *l4 = pkt->skb->data + pkt->l4;
	struct udphdr *uh = l4;

	if (!pkt->l4)
		return NULL;
	if (!pkt->key.udp)
		return &((struct tcphdr *)l4)->check;
	return uh->check ? &uh->check : NULL;
}

static void set_addr(__be32 *addr, u32 val, struct iphdr *ip, __sum16 *check)
{
	__be32 new = htonl(val);

	csum_replace4(&ip->check, *addr, new);
	if (check)
		csum_replace4(check, *addr, new);
	*addr = new;
}

static void set_ports(struct ppe_pkt *pkt, u32 ports, __sum16 *check)
{
	__be16 *p = (void *)(pkt->skb->data + pkt->l4);
	__be16 new[2] = { htons(ports >> 16), htons(ports) };
	int i;

	for (i = 0; i < 2; i++) {
		if (check)
			csum_replace2(check, p[i], new[i]);
		p[i] = new[i];
	}
}

static void rewrite_ip4(const struct ppe *ppe, struct ppe_pkt *pkt,
			const void *entry, u32 ib1)
{
	u8 dscp = FIELD_GET(FOE_IB2_DSCP, *(u32 *)(entry + FOE_IP4_IB2));
	struct iphdr *ip = (void *)(pkt->skb->data + pkt->l3);
	__sum16 *check = l4_check(pkt);

	set_addr(&ip->saddr, *(u32 *)(entry + FOE_IP4_NEW_SRC), ip, check);
	set_addr(&ip->daddr, *(u32 *)(entry + FOE_IP4_NEW_DST), ip, check);
	if (pkt->key.type == FOE_IP4_HNAPT)
		set_ports(pkt, *(u32 *)(entry + FOE_IP4_NEW_PORTS), check);
	if (check && pkt->key.udp && !*check)
		*check = CSUM_MANGLED_0;
	if (READ_ONCE(ppe->fe->dscp)) {
		csum_replace2(&ip->check, htons(ip->tos), htons(dscp));
		ip->tos = dscp;
	}
	if (ib1 & ppe->layout->ttl) {
		csum_replace2(&ip->check, htons(ip->ttl << 8),
			      htons((ip->ttl - 1) << 8));
		ip->ttl--;
	}
}

static void rewrite_ip6(const struct ppe *ppe, struct ppe_pkt *pkt, u32 ib1)
{
	struct ipv6hdr *ip6 = (void *)(pkt->skb->data + pkt->l3);

	if (ib1 & ppe->layout->ttl)
		ip6->hop_limit--;
}

/**
 * ppe_rewrite() - make the frame that leaves
 * @ppe:	the engine
 * @pkt:	the frame
 * @entry:	what it has hit
 * @ib1:	first word of the entry
 *
 * Return: false for what an entry cannot mean
 */
bool ppe_rewrite(struct ppe *ppe, struct ppe_pkt *pkt, const void *entry,
		 u32 ib1)
{
	if (foe_get(ib1, ppe->layout->layers) > PPE_MAX_LAYERS)
		return false;
	if (pkt->is_ip6) {
		rewrite_ip6(ppe, pkt, ib1);
		rewrite_l2(ppe, pkt, entry + FOE_IP6_L2, ib1);
	} else {
		rewrite_ip4(ppe, pkt, entry, ib1);
		rewrite_l2(ppe, pkt, entry + FOE_IP4_L2, ib1);
	}
	return true;
}
