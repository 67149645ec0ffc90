/* SPDX-License-Identifier: GPL-2.0 */
/* Frames for the KUnit tests of the modelled switch ASIC. */
#ifndef _NSIM_FLOW_KUNIT_H
#define _NSIM_FLOW_KUNIT_H

#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/skbuff.h>

#include "flow.h"

#define NFK_MAX		192
#define NFK_PAYLOAD	13

struct nfk_tag {
	u16	tpid;
	u16	tci;
};

struct nfk_encap {
	u8		tags;
	struct nfk_tag	tag[4];
	u16		sid;
};

enum nfk_end { NFK_CLIENT, NFK_SERVICE, NFK_ROUTER, NFK_BACKEND };

enum nfk_csum { NFK_FULL, NFK_PARTIAL, NFK_ZERO };

struct nfk_frame {
	u8			family;
	u8			l4proto;
	struct nfk_encap	encap;
	enum nfk_csum		csum;
	enum nfk_end		src;
	enum nfk_end		dst;
	u16			sport; /* 0: that of src */
	u8			pad;
	u8			ttl;
	u8			hop;
};

enum nfk_layer { NFK_ETH, NFK_PPPOE, NFK_L3, NFK_L4, NFK_END, NFK_LAYERS };

struct nfk_bytes {
	u8		data[NFK_MAX];
	unsigned int	at[NFK_LAYERS];
	unsigned int	len;
};

#define NFK_ENCAP(_sid, _tags, ...)					\
	{ .sid = (_sid), .tags = (_tags), .tag = { __VA_ARGS__ } }
/* Priorities and DEI must be no part of the key, and not get lost. */
#define NFK_Q1		{ 0x8100, 0x7a01 }
#define NFK_Q2		{ 0x8100, 0xbfff }
#define NFK_Q3		{ 0x8100, 0x0003 }
#define NFK_AD		{ 0x88a8, 0x5ad0 }
#define NFK_PRIO	{ 0x8100, 0xa000 }
/* As they are pushed. */
#define NFK_P1		{ 0x8100, 0x0f01 }
#define NFK_P2		{ 0x88a8, 0x0f02 }

extern const u8 nfk_macs[][ETH_ALEN + 2];

void nfk_addr(enum nfk_end end, u8 *addr);
u16 nfk_port(enum nfk_end end);
u16 nfk_sport(const struct nfk_frame *f);
u8 *nfk_put16(u8 *p, u16 val);

void nfk_ip_check(const struct nfk_frame *f, struct nfk_bytes *b);
void nfk_build(const struct nfk_frame *f, struct nfk_bytes *b);
struct sk_buff *nfk_skb(struct kunit *test, const struct nfk_bytes *b,
			unsigned int headroom, unsigned int len,
			unsigned int linear, bool junk);

#endif /* _NSIM_FLOW_KUNIT_H */
