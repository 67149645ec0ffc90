#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the packet processing engine does with frames of a bound flow that it
# must not forward, and the switches for what nobody knows of it.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

IPERF_SECONDS=3
UDP=(-u -b 50M -l 1000)

# knob NAME VALUE
knob()
{
	echo "$2" > "$FE/$1"
}

test_cache() # the driver flushes a cache when it binds
{
	ruleset routed
	knob cache 1
	check_true "forwarded" \
		[ "$(count forward iperf -c 10.0.2.2 "${UDP[@]}")" -gt 1000 ]
	check_true "lines were read" [ "$(ppe_stat miss_line)" -gt 0 ]
	knob cache 0
}

low_ttl()
{
	local before

	before=$(ppe_stat forward)
	iperf -c 10.0.2.2 "${UDP[@]}" &
	slowwait 10 forwards_more "$before" > /dev/null
	ip netns exec "$client" sysctl -wq net.ipv4.ip_default_ttl=1
	wait $!
	ip netns exec "$client" sysctl -wq net.ipv4.ip_default_ttl=64
}

test_ttl() # what would leave with TTL 0 goes to the CPU
{
	ruleset routed
	check_true "hit, TTL 1" [ "$(count cpu_11 low_ttl)" -gt 100 ]
}

test_options() # IPv6 extension headers go to the CPU
{
	check "with options" "$(count cpu_03 ip netns exec "$client" \
		python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes(8))
for i in range(10):
	s.sendto(b"x", ("2001:db8:2::2", 9))')" 10
}

test_fragments() # fragments go to the CPU
{
	check "fragments" "$(count cpu_09 ip netns exec "$client" \
		python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(5):
	s.sendto(bytes(2000), ("10.0.2.2", 9))')" 10
}

test_mtu() # what is longer than the MTU goes to the CPU
{
	ruleset routed
	udp_server 7
	ip -n "$client" link set wire0 mtu 1600
	check "over MTU" "$(count cpu_1c udp_flow 7 600 1500 20)" 20
	check "not over MTU" "$(count cpu_1c udp_flow 7 600 1472 20)" 0
	ip -n "$client" link set wire0 mtu 1500
}

test_fin_close() # FIN, fin_mode 0: to the CPU, and the entry becomes FIN
{
	ruleset routed
	knob fin_mode 0
	check_true "became FIN" \
		[ "$(count closed iperf -c 10.0.2.2)" -gt 0 ]
}

test_fin_forward() # FIN, fin_mode 2: the CPU does not see it
{
	ruleset routed
	knob fin_mode 2
	ip netns exec "$router" conntrack -F 2> /dev/null
	check "became FIN" "$(count closed iperf -c 10.0.2.2)" 0
	check_true "conntrack has not heard of it" \
		[ "$(flow_hw_status ipv4)" -gt 0 ]
	knob fin_mode 0
}

test_full() # flows that find no way stay with the CPU
{
	ruleset routed
	knob force_bucket 5
	check_true "no free way" \
		[ "$(count full iperf -c 10.0.2.2 -P 4)" -gt 0 ]
	check_true "ways in use" [ "$(ppe_entries bind)" -le 4 ]
	knob force_bucket 0xffffffff
}

fe_require nft conntrack iperf3 python3 ss
trap cleanup EXIT
setup_open
flow_run
