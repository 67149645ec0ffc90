#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Something under bound flows goes away while packets come: no entry is left
# that forwards, and what can go on goes on.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

# Packets each way, for as long as it is not stopped
traffic_start()
{
	ruleset routed
	ip netns exec "$client" "$mtk_dir/udp_flow.py" 10.0.2.2 4000:7 \
		100000000 > /dev/null 2>&1 &
	traffic=$!
	check_wait "bound" 20 ppe_entries_are bind 2
}

traffic_stop()
{
	kill "$traffic"
	wait "$traffic" 2> /dev/null
	ct -F
	echo 20 > $FE/tick
	check_wait "nothing is bound" 5 ppe_entries_are bind 0
}

comes_out_more()
{
	[ "$(came_out)" -gt $(($1 + 100)) ]
}

# Through the stack or the PPE
goes_on()
{
	check_wait "packets" 20 comes_out_more "$(came_out)"
}

# By the PPE again
comes_back()
{
	check_wait "bound again" 20 ppe_entries_are bind 2
	check_wait "by the PPE" 20 forwards_more "$(ppe_stat forward)"
}

is_left()
{
	check_wait "entries leave" 10 ppe_entries_are bind 0
}

test_flush() # the ruleset is flushed
{
	traffic_start
	ip netns exec "$router" nft flush ruleset
	is_left
	goes_on
	traffic_stop
}

test_reload() # ... or loaded again, as a whole
{
	local i

	traffic_start
	for i in 1 2 3 4 5; do
		ruleset routed
		check "load" $? 0
	done
	comes_back
	traffic_stop
}

test_device() # a port leaves the flowtable
{
	traffic_start
	ip netns exec "$router" nft \
		"delete flowtable inet fe ft { devices = { $wan } ; }"
	check "delete" $? 0
	is_left
	goes_on
	traffic_stop
}

test_deleted() # the connection is deleted; it is a new one then
{
	traffic_start
	ct -D -p udp > /dev/null
	comes_back
	traffic_stop
}

test_hw_tc_offload() # hw-tc-offload goes off and on
{
	traffic_start
	hw_tc_offload off "$lan" "$wan"
	ct -D -p udp > /dev/null
	is_left
	goes_on
	hw_tc_offload on "$lan" "$wan"
	ct -D -p udp > /dev/null
	comes_back
	traffic_stop
}

test_ifdown() # a port goes down and comes back
{
	traffic_start
	ip -n "$router" link set "$wan" down
	is_left
	ip -n "$router" link set "$wan" up
	comes_back
	traffic_stop
}

# The ports of the router are in the first netns.
take_ports()
{
	setup_router
	open_ports
	check_wait "carrier" 5 carriers_are 1
}

test_netns_exit() # the netns of the router is deleted
{
	traffic_start
	ip netns del "$router"
	check_wait "ports come back" 20 test -e "/sys/class/net/$wan"
	is_left
	kill "$traffic"
	wait "$traffic" 2> /dev/null
	take_ports
	traffic_start
	traffic_stop
}

test_unbind() # the driver leaves the device, and comes back
{
	traffic_start
	check_true "unbind" driver_unbind
	is_left
	kill "$traffic"
	wait "$traffic" 2> /dev/null
	check_true "bind" driver_bind
	ip netns del "$router"
	take_ports
	traffic_start
	traffic_stop
}

test_unload() # the driver is unloaded
{
	traffic_start
	modprobe -r mtk_eth
	check "unload" $? 0
	is_left
	kill "$traffic"
	wait "$traffic" 2> /dev/null
	modprobe mtk_eth
	check "load" $? 0
	ip netns del "$router"
	take_ports
	traffic_start
	traffic_stop
}

# Whoever listens to the netdevs of any netns hears of lo.
netns_comes_and_goes()
{
	ip netns add "$router-other" && ip netns del "$router-other"
}

test_no_irq() # the driver gets no interrupt, and leaves nothing behind
{
	check_true "unbind" driver_unbind
	knob irq_busy 1
	driver_bind 2> /dev/null
	check "bind without interrupts" $? 1
	netns_comes_and_goes
	modprobe -r mtk_eth
	check "unload" $? 0
	netns_comes_and_goes
	knob irq_busy 0
	modprobe mtk_eth
	check "load" $? 0
	ip netns del "$router"
	take_ports
	traffic_start
	traffic_stop
}

test_healthy() # the model has met no wild address
{
	check "DMA faults" "$(cat $FE/dma_fault)" 0
}

has_switch && flow_skip "the switch has mtk_dsa.sh"
fe_require nft conntrack ethtool python3 ss
trap cleanup EXIT
setup_open
udp_server 7
flow_run
