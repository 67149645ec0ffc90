/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FLOW_FT_FAKE_H
#define _FLOW_FT_FAKE_H

#include <kunit/test.h>
#include <net/flow_ft_table.h>
#include <net/flow_offload.h>

#define FTT_PORTS	3
#define FTT_STRANGER	FTT_PORTS	/* a netdev that is not a port */
#define FTT_DEVS	(FTT_PORTS + 1)
#define FTT_BLOCKS	2
#define FTT_ALL		-1		/* all ports of a block */

struct ftt_keys {
	struct flow_dissector_key_meta		meta;
	struct flow_dissector_key_basic		basic;
	struct flow_dissector_key_ipv4_addrs	ipv4;
	struct flow_dissector_key_ports		ports;
};

/* A driver with a table of its own, and what the core keeps of it. */
struct ftt {
	struct kunit		*test;
	struct flow_ft		ft;
	struct flow_ft_port	ports[FTT_PORTS];
	struct net_device	*devs[FTT_DEVS];
	struct flow_block	blocks[FTT_BLOCKS];
	bool			gone[FTT_PORTS];
	struct net		*net;
	struct netlink_ext_ack	extack;

	/* rule of the REPLACE under way */
	struct flow_dissector	dissector;
	struct ftt_keys		key;
	struct ftt_keys		mask;
	struct flow_rule	*rule;

	/* the driver's side */
	int			add_err;
	u64			unread;	/* packets that hardware has counted */
	unsigned int		adds;	/* successful ones */
	unsigned int		stops;
	unsigned int		dels;
	unsigned int		reads;
};

/* A flow, told from others by @id; @to is where its destination port is set
 * to.
 */
struct ftt_flow {
	unsigned long	cookie;
	u32		id;
	u8		in;
	u8		out;
	u16		to;
};

extern const struct ftt_flow ftt_a;	/* port 0 to port 1 */
extern const struct ftt_flow ftt_b;	/* port 1 to port 0 */
extern const struct ftt_flow ftt_c;	/* port 0 to port 2 */

int ftt_init(struct kunit *test);
void ftt_exit(struct kunit *test);

int ftt_setup(struct ftt *t, int block, int port,
	      enum flow_block_command command);
void ftt_bind(struct ftt *t, int block, int port);
void ftt_unbind(struct ftt *t, int block, int port);
void ftt_port_gone(struct ftt *t, int port);

int ftt_call(struct ftt *t, int block, int port, struct flow_cls_offload *cls);
int ftt_replace(struct ftt *t, int block, int port,
		const struct ftt_flow *flow);
int ftt_destroy(struct ftt *t, int block, int port, unsigned long cookie);
int ftt_stats(struct ftt *t, int block, int port, unsigned long cookie,
	      struct flow_stats *stats);

void ftt_fill_tuple(const struct ftt_flow *flow, struct flow_ft_tuple *tuple);
unsigned int ftt_serial(struct flow_ft_entry *entry);
struct flow_ft_entry *ftt_find(struct ftt *t, const struct ftt_flow *flow);
void ftt_expect_found(struct ftt *t, const struct ftt_flow *flow);
void ftt_expect_entries(struct ftt *t, unsigned int n);
u64 ftt_refused(const struct ftt *t);
void ftt_expect_refused(struct ftt *t, enum flow_ft_refusal reason, u64 n);
void ftt_expect_msg(struct ftt *t, const char *msg);

#endif /* _FLOW_FT_FAKE_H */
