// SPDX-License-Identifier: GPL-2.0
/*
 * Model of the MT7530 switch that is part of MT7621, between GMAC0 and five
 * wires.  Frames go where the port matrix lets them, to and from the CPU with
 * the special tag.
 *
 * It learns no addresses, so that the masks for unknown ones decide, and it
 * knows no VLANs: what a port gets that looks at them is dropped.
 */
#include <linux/bitfield.h>
#include <linux/debugfs.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/of.h>
#include <linux/slab.h>

#include "sw.h"

static bool port_has(const struct sw *sw, int port, u32 bits)
{
	bits |= SW_PMCR_LINK;
	return (sw_read(sw, SW_PMCR(port)) & bits) == bits;
}

/* @kind: unicast, multicast and broadcast have a counter each */
static void sw_count(struct sw *sw, int port, u32 kind, u32 bytes,
		     const struct sk_buff *skb)
{
	u32 *mib = &sw->regs[SW_MIB(port) / 4];
	struct fe *fe = sw->gdm->fe;
	unsigned long flags;
	u64 sum;

	if (is_broadcast_ether_addr(skb->data))
		kind += 8;
	else if (is_multicast_ether_addr(skb->data))
		kind += 4;
	spin_lock_irqsave(&fe->lock, flags);
	if (sw_read(sw, SW_MIB_CCR) & SW_MIB_ENABLE) {
		WRITE_ONCE(mib[kind / 4], mib[kind / 4] + 1);
		sum = (u64)mib[bytes / 4] + skb->len + ETH_FCS_LEN;
		WRITE_ONCE(mib[bytes / 4], sum);
		WRITE_ONCE(mib[bytes / 4 + 1],
			   mib[bytes / 4 + 1] + (sum >> 32));
	}
	spin_unlock_irqrestore(&fe->lock, flags);
}

/* To the CPU.  What the tag says besides the port the driver does not read. */
static void stag_push(struct sk_buff *skb, int from)
{
	u8 *tag;

	skb_push(skb, STAG_LEN);
	memmove(skb->data, skb->data + STAG_LEN, 2 * ETH_ALEN);
	tag = skb->data + 2 * ETH_ALEN;
	memset(tag, 0, STAG_LEN);
	tag[1] = from;
}

/* From the CPU: the ports, none for a tag that is wrong */
static u32 stag_pull(struct sw *sw, struct sk_buff *skb)
{
	u8 *tag = skb->data + 2 * ETH_ALEN;
	u32 ports = FIELD_GET(STAG_TX_PORTS, tag[1]);

	switch (tag[0]) {
	case STAG_TX_UNTAGGED:
		memmove(skb->data + STAG_LEN, skb->data, 2 * ETH_ALEN);
		skb_pull(skb, STAG_LEN);
		return ports;
	case STAG_TX_8021Q:
		put_unaligned_be16(ETH_P_8021Q, tag);
		return ports;
	case STAG_TX_8021AD:
		put_unaligned_be16(ETH_P_8021AD, tag);
		return ports;
	}
	sw->bad_tag++;
	return 0;
}

/* Where a frame may go by the port matrix and its destination */
static u32 sw_flood(const struct sw *sw, const struct sk_buff *skb, int from)
{
	u32 ports = FIELD_GET(SW_PCR_MATRIX, sw_read(sw, SW_PCR(from)));
	u32 mfc = sw_read(sw, SW_MFC);

	if (is_broadcast_ether_addr(skb->data))
		return ports & FIELD_GET(SW_MFC_BROADCAST, mfc);
	if (is_multicast_ether_addr(skb->data))
		return ports & FIELD_GET(SW_MFC_MULTICAST, mfc);
	return ports & FIELD_GET(SW_MFC_UNICAST, mfc);
}

/* A port of a bridge forwards when spanning tree lets it */
static bool sw_forwards(struct sw *sw, int port)
{
	switch (FIELD_GET(SW_PCR_MODE, sw_read(sw, SW_PCR(port)))) {
	case SW_MODE_MATRIX:
		return true;
	case SW_MODE_FALLBACK:
		return port == SW_CPU ||
		       FIELD_GET(SW_SSP_BRIDGED, sw_read(sw, SW_SSP(port))) ==
		       SW_STP_FORWARDING;
	}
	sw->unknown++;
	return false;
}

static void sw_send(struct sw *sw, struct sk_buff *skb, int from, int port)
{
	if (!port_has(sw, port, SW_PMCR_TX_EN)) {
		kfree_skb(skb);
		return;
	}
	if (port == SW_CPU) {
		if (sw_read(sw, SW_PVC(port)) & SW_PVC_SPECIAL_TAG)
			stag_push(skb, from);
		sw_count(sw, port, SW_MIB_TX, SW_MIB_TX_BYTES, skb);
		gdm_rx(sw->gdm, skb);
		return;
	}
	if (port >= SW_WIRES) {
		kfree_skb(skb);
		return;
	}
	if (eth_skb_pad(skb))
		return;
	sw_count(sw, port, SW_MIB_TX, SW_MIB_TX_BYTES, skb);
	wire_send(&sw->port[port].wire, skb);
}

static void sw_forward(struct sw *sw, struct sk_buff *skb, int from, u32 ports)
{
	struct sk_buff *copy;
	int port;

	ports &= ~BIT(from);
	if (!ports) {
		sw->filtered++;
		kfree_skb(skb);
	}
	while (ports) {
		port = __ffs(ports);
		ports &= ports - 1;
		copy = ports ? skb_copy(skb, GFP_KERNEL) : skb;
		if (copy)
			sw_send(sw, copy, from, port);
	}
}

/**
 * sw_from_cpu() - a frame comes from the GDM
 * @sw:		the switch
 * @skb:	the frame, which it takes
 *
 * It leaves where its tag says, whatever state that port has, as spanning tree
 * is what the CPU speaks; and whatever the matrix says, which the driver leaves
 * empty for this port.
 */
void sw_from_cpu(struct sw *sw, struct sk_buff *skb)
{
	u32 ports;

	if (!port_has(sw, SW_CPU, SW_PMCR_RX_EN)) {
		kfree_skb(skb);
		return;
	}
	sw_count(sw, SW_CPU, SW_MIB_RX, SW_MIB_RX_BYTES, skb);
	if (sw_read(sw, SW_PVC(SW_CPU)) & SW_PVC_SPECIAL_TAG)
		ports = stag_pull(sw, skb);
	else
		ports = sw_flood(sw, skb, SW_CPU);
	sw_forward(sw, skb, SW_CPU, ports);
}

static u32 sw_open_ports(struct sw *sw, u32 ports)
{
	u32 open = 0;
	int port;

	for (port = 0; port <= SW_CPU; port++)
		if (ports & BIT(port) && sw_forwards(sw, port))
			open |= BIT(port);
	return open;
}

static void sw_wire_rx(struct wire *wire, struct sk_buff *skb)
{
	struct sw_port *port = container_of(wire, struct sw_port, wire);
	struct sw *sw = port->sw;
	u32 ports;

	if (!port_has(sw, port->id, SW_PMCR_RX_EN) ||
	    !sw_forwards(sw, port->id)) {
		kfree_skb(skb);
		return;
	}
	sw_count(sw, port->id, SW_MIB_RX, SW_MIB_RX_BYTES, skb);
	ports = sw_open_ports(sw, sw_flood(sw, skb, port->id));
	sw_forward(sw, skb, port->id, ports);
}

/**
 * sw_poll() - take in what has come over the wires
 * @sw:		the switch
 * @budget:	frames of each at most
 *
 * Return: how many frames of one of them
 */
int sw_poll(struct sw *sw, int budget)
{
	struct sw_port *port;
	int i, done = 0;

	for (i = 0; i < SW_WIRES; i++) {
		port = &sw->port[i];
		wire_carrier(&port->wire,
			     port_has(sw, i, SW_PMCR_RX_EN | SW_PMCR_TX_EN));
		done = max(done, wire_poll(&port->wire, budget, sw_wire_rx));
	}
	return done;
}

/* The one on the MDIO bus, whose port SW_CPU leads to GMAC0 in this chip */
static struct device_node *sw_node(const struct gdm *gdm)
{
	struct device_node *bus, *node;

	if (gdm->id)
		return NULL;
	bus = of_get_child_by_name(gdm->fe->eth, "mdio-bus");
	node = of_get_compatible_child(bus, "mediatek,mt7621");
	of_node_put(bus);
	return node;
}

static int sw_wires_init(struct sw *sw)
{
	char name[IFNAMSIZ];
	int i, err;

	for (i = 0; i < SW_WIRES; i++) {
		sw->port[i].sw = sw;
		sw->port[i].id = i;
		snprintf(name, sizeof(name), "wire0p%d", i);
		err = wire_init(&sw->port[i].wire, sw->gdm->fe, name);
		if (err)
			return err;
	}
	return 0;
}

/**
 * sw_init() - a GDM gets its switch, if the devicetree has one
 * @gdm:	the GDM
 *
 * Return: 0, with gdm->sw if there is one, or an error
 */
int sw_init(struct gdm *gdm)
{
	struct device_node *node = sw_node(gdm);
	struct sw *sw;
	int err;

	if (!node)
		return 0;
	sw = kzalloc_obj(*sw);
	if (!sw) {
		of_node_put(node);
		return -ENOMEM;
	}
	sw->gdm = gdm;
	err = of_property_read_u32(node, "reg", &sw->addr);
	of_node_put(node);
	sw->regs = kvzalloc(SW_WINDOW, GFP_KERNEL);
	if (!err && !sw->regs)
		err = -ENOMEM;
	if (!err) {
		sw_reset(sw);
		err = sw_wires_init(sw);
	}
	if (err)
		sw_exit(sw);
	else
		gdm->sw = sw;
	return err;
}

void sw_exit(struct sw *sw)
{
	int i;

	sw->gdm->sw = NULL;
	for (i = 0; i < SW_WIRES; i++)
		wire_exit(&sw->port[i].wire);
	kvfree(sw->regs);
	kfree(sw);
}

void sw_debugfs_init(struct sw *sw, struct dentry *root)
{
	struct dentry *dir = debugfs_create_dir("switch", root);

	debugfs_create_u64("filtered", 0400, dir, &sw->filtered);
	debugfs_create_u64("unknown", 0400, dir, &sw->unknown);
	debugfs_create_u64("bad_tag", 0400, dir, &sw->bad_tag);
}
