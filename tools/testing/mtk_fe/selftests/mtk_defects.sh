#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the driver of Linux 7.3 does wrong on the model: each of these tests
# fails with it, test_neighbour with one PPE and test_netns with two. make check
# does not run them.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

IPERF_SECONDS=5

# ct COMMAND...: conntrack in the router
ct()
{
	ip netns exec "$router" conntrack "$@" 2> /dev/null
}

# bind_flow: a UDP flow, each direction of which is bound. With these addresses
# and ports both have one bucket, if they have one PPE.
bind_flow()
{
	ct -F
	ruleset routed
	udp_flow 4000:7 600 > /dev/null
	check "bound" "$(ppe_entries bind)" 2
}

test_neighbour() # an entry leaves with its flow, though another has its bucket
{
	bind_flow
	ct -D -p udp > /dev/null
	check_wait "entries leave" 5 ppe_entries_are bind 0
	echo 20 > $FE/tick
}

# Of two directions, each by two ports
has_asked()
{
	[ "$(cat $FE/ts_reads)" -ge $(($1 + 4)) ]
}

test_rebind() # a flow that was aged is bound again
{
	local reads

	bind_flow
	echo 20 > $FE/tick
	check "bound after 20 ticks" "$(ppe_entries bind)" 0
	reads=$(cat $FE/ts_reads)
	check_wait "the flowtable asks for statistics" 20 has_asked "$reads"
	udp_flow 4000:7 2000 > /dev/null
	check "bound again" "$(ppe_entries bind)" 2
	echo 20 > $FE/tick
}

# More than 1400 bytes of L3 leave eth1, whose MTU is 1400
low_mtu()
{
	before=$(ppe_stat forward)
	iperf -c 10.0.2.2 -u -b 20M -l 1400 > /dev/null &
	check_wait "forwarded" 10 forwards_more "$before"
	ip -n "$router" link set eth1 mtu 1400
	before=$(ppe_stat forward)
	wait $!
	ip -n "$router" link set eth1 mtu 1500
}

test_low_mtu() # hardware knows an MTU below 1500
{
	local before

	ruleset routed
	low_mtu
	check "sent though too long" $(($(ppe_stat forward) - before)) 0
}

test_netns() # two PPEs: both directions are offloaded in any netns
{
	local ns=router-$RANDOM

	if ! soc_is mt7986; then
		skip "has one PPE"
		return
	fi
	ip netns add "$ns"
	ip link set eth0 netns "$ns"
	ip link set eth1 netns "$ns"
	router=$ns
	ip netns exec "$router" sysctl -wq net.ipv4.ip_forward=1
	host_setup "$router" eth0 1 1
	host_setup "$router" eth1 2 1
	check_wait "carrier" 5 carriers_are 1
	ruleset masquerade
	udp_flow 7 600 > /dev/null
	check "bound" "$(ppe_entries bind)" 2
}

fe_require nft conntrack iperf3 python3 ss
trap cleanup EXIT
setup_open
echo 0 > $FE/tick_ms
udp_server 7
flow_run
