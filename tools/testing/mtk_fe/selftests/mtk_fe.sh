#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver mtk_eth_soc, unchanged, on the model of its hardware: it probes,
# opens, carries traffic, and offloads flows which the model then forwards.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

test_probe() # the driver finds both MACs
{
	local dev

	for dev in eth0 eth1; do
		check "$dev" "$(ip netns exec "$router" ethtool -i $dev |
			sed -n 's/^driver: //p')" mtk_soc_eth
	done
}

test_open() # open: carrier at both ends of both wires
{
	check_true "no carrier before" wires_are 0
	host_setup "$router" eth0 1 1
	host_setup "$router" eth1 2 1
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

# iperf3 that has to arrive: NAME ARG...
iperf_check()
{
	local name=$1 mbps

	shift
	mbps=$(iperf "$@")
	echo "# $name: ${mbps:-no} Mbit/s"
	check_true "$name" [ "${mbps:-0}" -gt 0 ]
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
		ip -n "$router" link set eth0 down
		[ $i = 1 ] || ip -n "$router" link set eth1 down
		check_wait "carrier goes" 5 carrier_is "$client" wire0 0
		ip -n "$router" link set eth0 up
		ip -n "$router" link set eth1 up
		# What IPv6 forgets of a port that is down
		ip -n "$router" addr replace 2001:db8:1::1/64 dev eth0 nodad
		ip -n "$router" addr replace 2001:db8:2::1/64 dev eth1 nodad
		neigh_setup "$router" eth0 1 2 2
		neigh_setup "$router" eth1 2 2 2
		check_wait "carrier comes" 5 carriers_are 1
		check_true "ping" ping_ok "$client" 10.0.2.2
		check_true "ping, IPv6" ping_ok "$client" 2001:db8:2::2
	done
}

# offloaded NAME ARG...: iperf3 through the router, and who forwarded it
offloaded()
{
	local name=$1 forward out

	shift
	forward=$(ppe_stat forward)
	out=$(came_out)
	iperf_check "$name" "$@"
	forward=$(($(ppe_stat forward) - forward))
	out=$(($(came_out) - out))
	echo "# $name: $forward of $out packets by the PPE"
	check_true "$name: packets came out" [ "$out" -gt 1000 ]
	check_true "$name: 95 % by the PPE" \
		[ $((forward * 100)) -ge $((out * 95)) ]
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

# A second network on eth1's wire, with a tag
vlan_setup()
{
	ip -n "$router" link add link eth1 name tag1 type vlan id 10
	ip -n "$server" link add link wire1 name tag1w type vlan id 10
	host_setup "$router" tag1 3 1
	host_setup "$server" tag1w 3 2
	ip -n "$server" route add 10.0.1.0/24 via 10.0.3.1
	ip -n "$server" route add 2001:db8:1::/64 via 2001:db8:3::1
}

vlan_cleanup()
{
	ip -n "$server" link del tag1w
	ip -n "$router" link del tag1
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

# Packets of the connections that conntrack has
ct_packets()
{
	ip netns exec "$router" conntrack -L -p udp 2> /dev/null |
		grep -o 'packets=[0-9]*' | tr -dc '0-9\n' |
		awk '{ sum += $1 } END { print sum + 0 }'
}

test_mib() # packets of a flow by the MIB, in conntrack
{
	local forward

	if soc_is mt7621; then
		skip "has no MIB"
		return
	fi
	ruleset routed
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_acct=1
	ip netns exec "$router" conntrack -F 2> /dev/null
	forward=$(ppe_stat forward)
	iperf_check "UDP" -c 10.0.2.2 -u -b 50M -l 1000
	forward=$(($(ppe_stat forward) - forward))
	check_wait "conntrack has them" 10 ct_packets_are_over \
		$((forward * 95 / 100))
	echo "# conntrack $(ct_packets), PPE $forward"
}

ct_packets_are_over()
{
	[ "$(ct_packets)" -gt "$1" ]
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
