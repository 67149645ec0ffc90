#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flows of a bridge: a filter of tc flower by MAC addresses, and an entry of
# hardware for each connection that it meets. Hardware's time stands still.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

MAC_CLIENT=02:00:00:00:01:02
MAC_SERVER=02:00:00:00:02:02

# Both ends in one network, and the router's ports in a bridge
bridge_setup()
{
	ip -n "$server" addr add 10.0.1.3/24 dev "$wan_wire"
	ip -n "$router" link add br0 type bridge
	ip -n "$router" link set "$lan" master br0
	ip -n "$router" link set "$wan" master br0
	ip -n "$router" link set br0 up
	slowwait 10 ping_ok "$client" 10.0.1.3 > /dev/null ||
		flow_skip "no ping through the bridge"
}

router_tc()
{
	ip netns exec "$router" tc "$@"
}

# What goes from client to server, by one filter
filter_add()
{
	router_tc qdisc add dev "$lan" clsact
	router_tc filter add dev "$lan" ingress protocol all pref 1 handle 1 \
		flower skip_sw indev "$lan" src_mac $MAC_CLIENT \
		dst_mac $MAC_SERVER action mirred egress redirect dev "$wan"
}

# send SPORT COUNT: to the server, which does not send them back
send()
{
	ip netns exec "$client" "$mtk_dir/udp_flow.py" 10.0.1.3 "$1:7" 0 200 \
		"$2"
}

filter_del()
{
	router_tc qdisc del dev "$lan" clsact
}

forwards()
{
	[ "$(ppe_stat forward)" = "$1" ]
}

# Two connections with a common bucket are bound
neighbours()
{
	check_true "filter" filter_add
	knob force_bucket 5
	send 2001 200
	check_wait "bound" 5 ppe_entries_are bind 1
	send 2002 200
	check_wait "bound with a neighbour" 5 ppe_entries_are bind 2
}

test_bound() # frames of a bound connection do not see the CPU
{
	local forward

	check_true "filter" filter_add
	send 2000 200
	check_wait "bound" 5 ppe_entries_are bind 1
	forward=$(ppe_stat forward)
	send 2000 100
	check_wait "forwarded" 5 forwards $((forward + 100))
	filter_del
	check "bound without the filter" "$(ppe_entries bind)" 0
}

test_neighbours() # entries of one bucket leave with their filter
{
	neighbours
	filter_del
	check "bound without the filter" "$(ppe_entries bind)" 0
	knob force_bucket 0xffffffff
}

test_unbind() # ... or with the driver
{
	neighbours
	check_true "unbind" driver_unbind
	check_wait "entries leave" 10 ppe_entries_are bind 0
	knob force_bucket 0xffffffff
	check_true "bind" driver_bind
}

fe_require tc python3 ss
trap cleanup EXIT
setup_open
echo 0 > $FE/tick_ms
bridge_setup
udp_server 7
flow_run
