#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver mtk_eth_soc, unchanged, on the model of its hardware: it probes,
# opens, carries traffic, and offloads flows which the model then forwards.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

test_probe() # the drivers find their ports
{
	local dev driver=mtk_soc_eth

	! has_switch || driver=dsa
	for dev in $lan $wan; do
		check "$dev" "$(ip netns exec "$router" ethtool -i "$dev" |
			sed -n 's/^driver: //p')" "$driver"
	done
}

test_open() # open: carrier at both ends of both wires
{
	check_true "no carrier before" wires_are 0
	open_ports
	check_wait "carrier" 5 carriers_are 1
	check "faults" "$(cat $FE/dma_fault)" 0
}

test_ping() # ping through the router, IPv4 and IPv6, both ways
{
	check_true "IPv4 to the server" ping_ok "$client" 10.0.2.2
	check_true "IPv4 to the client" ping_ok "$server" 10.0.1.2
	check_true "IPv6 to the server" ping_ok "$client" 2001:db8:2::2
	check_true "IPv6 to the client" ping_ok "$server" 2001:db8:1::2
}

test_iperf() # iperf3 through the stack, both ways
{
	local forward

	forward=$(ppe_stat forward)
	iperf_check "IPv4 TCP to the server" -c 10.0.2.2
	iperf_check "IPv4 TCP to the client" -c 10.0.2.2 -R
	iperf_check "IPv6 TCP to the server" -c 2001:db8:2::2
	iperf_check "IPv6 TCP to the client" -c 2001:db8:2::2 -R
	check "by the PPE" $(($(ppe_stat forward) - forward)) 0
}

test_router_itself() # TSO and checksums of what the router itself sends
{
	local server=$router

	iperf_check "IPv4 TCP from the router" -c 10.0.1.1 -R
	iperf_check "IPv6 TCP from the router" -c 2001:db8:1::1 -R
	check "lost" "$(cat $FE/tx_lost)" 0
}

test_reopen() # down and up again, each and both
{
	local i

	for i in 1 2 3; do
		ip -n "$router" link set "$lan" down
		[ $i = 1 ] || ip -n "$router" link set "$wan" down
		check_wait "carrier goes" 5 carrier_is "$client" "$lan_wire" 0
		ip -n "$router" link set "$lan" up
		ip -n "$router" link set "$wan" up
		# What IPv6 forgets of a port that is down
		ip -n "$router" addr replace 2001:db8:1::1/64 dev "$lan" nodad
		ip -n "$router" addr replace 2001:db8:2::1/64 dev "$wan" nodad
		neigh_setup "$router" "$lan" 1 2 2
		neigh_setup "$router" "$wan" 2 2 2
		check_wait "carrier comes" 5 carriers_are 1
		check_true "ping" ping_ok "$client" 10.0.2.2
		check_true "ping, IPv6" ping_ok "$client" 2001:db8:2::2
	done
}

test_nat() # 95 % of a flow with NAT do not see the CPU, IPv4
{
	ruleset masquerade
	offloaded "to the server" -c 10.0.2.2
	offloaded "to the client" -c 10.0.2.2 -R
	offloaded "UDP" -c 10.0.2.2 -u -b 100M -l 1000
}

test_route() # 95 % of a routed flow do not see the CPU, IPv6
{
	ruleset routed
	offloaded "to the server" -c 2001:db8:2::2
	offloaded "to the client" -c 2001:db8:2::2 -R
	offloaded "UDP" -c 2001:db8:2::2 -u -b 100M -l 1000
}

test_vlan() # a flow with a tag on one side
{
	vlan_setup
	ruleset routed
	offloaded "IPv4 to the server" -c 10.0.3.2
	offloaded "IPv4 to the client" -c 10.0.3.2 -R
	offloaded "IPv6 to the server" -c 2001:db8:3::2
	offloaded "IPv6 to the client" -c 2001:db8:3::2 -R
	vlan_cleanup
}

# pppoe_end NS DEV MAC HOST: ppp0, a session with that station
pppoe_end()
{
	sleep 1000 > >("$FLOW_PPPOE" "$1" "$2" "$3" 7 > /dev/null) &
	pppoe+=($!)
	check_wait "session" 10 ip -n "$1" link show ppp0
	ip -n "$1" link set ppp0 mtu 1492 up
	ip -n "$1" addr add "10.0.8.$4/24" dev ppp0
	ip -n "$1" addr add "2001:db8:8::$4/64" dev ppp0 nodad
}

test_pppoe() # a flow with a PPPoE session on one side
{
	local pppoe=()

	if [ ! -x "${FLOW_PPPOE-}" ]; then
		skip "needs flow_pppoe"
		return
	fi
	pppoe_end "$router" "$wan" 02:00:00:00:02:02 1
	pppoe_end "$server" "$wan_wire" 02:00:00:00:02:01 2
	ip -n "$server" route add 10.0.1.0/24 dev ppp0
	ip -n "$server" route add 2001:db8:1::/64 dev ppp0
	ruleset routed
	offloaded "IPv4 to the server" -c 10.0.8.2
	offloaded "IPv4 to the client" -c 10.0.8.2 -R
	offloaded "IPv6 to the server" -c 2001:db8:8::2
	offloaded "IPv6 to the client" -c 2001:db8:8::2 -R
	kill "${pppoe[@]}"
}

test_mib() # packets of a flow by the MIB, in conntrack
{
	local forward

	! has_no_mib || return
	ruleset routed
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_acct=1
	ct -F
	forward=$(ppe_stat forward)
	iperf_check "UDP" -c 10.0.2.2 -u -b 50M -l 1000
	forward=$(($(ppe_stat forward) - forward))
	check_wait "conntrack has them" 10 ct_sum_is_over packets \
		$((forward * 95 / 100))
	echo "# conntrack $(ct_sum packets), PPE $forward"
}

test_age() # entries age, and only when time goes on
{
	local bound

	ruleset routed
	echo 0 > $FE/tick_ms
	offloaded "UDP" -c 10.0.2.2 -u -b 50M -l 1000
	bound=$(ppe_entries bind)
	check_true "bound" [ "$bound" -gt 0 ]
	echo 12 > $FE/tick
	check_true "still bound" [ "$(ppe_entries bind)" -gt 0 ]
	echo 1 > $FE/tick
	check "bound after 13 ticks" "$(ppe_entries bind)" 0
	echo 1000 > $FE/tick_ms
}

test_healthy() # the model has lost nothing and met no wild address
{
	check "DMA faults" "$(cat $FE/dma_fault)" 0
	check "lost on transmit" "$(cat $FE/tx_lost)" 0
}

fe_require nft ethtool conntrack iperf3 ping ss
trap cleanup EXIT
setup
flow_run
