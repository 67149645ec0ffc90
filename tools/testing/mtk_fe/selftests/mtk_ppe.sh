#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the packet processing engine does with frames of a bound flow that it
# must not forward, and the switches for what nobody knows of it.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

IPERF_SECONDS=3
UDP=(-u -b 50M -l 1000)

cached()
{
	check_true "forwarded" \
		[ "$(count forward iperf -c 10.0.2.2 "${UDP[@]}")" -gt 1000 ]
	check_true "lines were read" [ "$(ppe_stat miss_line)" -gt 0 ]
}

test_cache() # the driver flushes a cache when it binds
{
	ruleset routed
	with_knob cache 1 cached
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
	ip -n "$client" link set "$lan_wire" mtu 1600
	check "over MTU" "$(count cpu_1c udp_flow 7 600 1500 20)" 20
	check "not over MTU" "$(count cpu_1c udp_flow 7 600 1472 20)" 0
	ip -n "$client" link set "$lan_wire" mtu 1500
}

fin_close()
{
	check_true "became FIN" \
		[ "$(count closed iperf -c 10.0.2.2)" -gt 0 ]
}

test_fin_close() # FIN, fin_mode 0: to the CPU, and the entry becomes FIN
{
	ruleset routed
	with_knob fin_mode 0 fin_close
}

fin_divert()
{
	check "became FIN" "$(count closed iperf -c 10.0.2.2)" 0
	check_wait "conntrack has heard of it" 10 no_hw_flows
}

test_fin_divert() # FIN, fin_mode 1: to the CPU, and the entry stays
{
	ruleset routed
	ct -F
	with_knob fin_mode 1 fin_divert
}

fin_forward()
{
	check "became FIN" "$(count closed iperf -c 10.0.2.2)" 0
	check_true "conntrack has not heard of it" \
		[ "$(flow_hw_status ipv4)" -gt 0 ]
}

test_fin_forward() # FIN, fin_mode 2: the CPU does not see it
{
	ruleset routed
	ct -F
	with_knob fin_mode 2 fin_forward
}

full()
{
	check_true "no free way" \
		[ "$(count full iperf -c 10.0.2.2 -P 4)" -gt 0 ]
	check_true "ways in use" [ "$(ppe_entries bind)" -le 4 ]
}

test_full() # flows that find no way stay with the CPU
{
	ruleset routed
	with_knob force_bucket 5 full
}

# still COMMAND...: while hardware's time only moves by echo N > tick
still()
{
	with_knob tick_ms 0 "$@"
}

# A flow of its own, with no entries from before
fresh_flow()
{
	ruleset routed
	ct -F
	echo 20 > $FE/tick
	check_wait "nothing is bound" 5 ppe_entries_are bind 0
}

slow_flow()
{
	local i

	fresh_flow
	for i in 1 2 3 4 5 6 7 8 9 10; do
		udp_flow "$1:7" 20 > /dev/null
		echo 1 > $FE/tick
	done
}

test_rate() # a slow flow is bound if packets of all ticks count
{
	still with_knob rate_total 0 slow_flow 2001
	check "of one tick" "$(ppe_entries bind)" 0
	still with_knob rate_total 1 slow_flow 2002
	check_true "of all ticks" [ "$(ppe_entries bind)" -gt 0 ]
}

# Packets to port 7 that arrive with the DSCP they were sent with
marked()
{
	ip netns exec "$server" nft -j list counter inet dscp marked |
		grep -o '"packets": [0-9]*' | cut -d ' ' -f 2
}

mark()
{
	ip netns exec "$client" nft -f - <<-RULES
		table inet dscp {
			chain out {
				type filter hook output priority 0
				udp dport 7 ip dscp set cs1
			}
		}
	RULES
	ip netns exec "$server" nft -f - <<-RULES
		table inet dscp {
			counter marked { }
			chain in {
				type filter hook input priority 0
				udp dport 7 ip dscp cs1 counter name marked
			}
		}
	RULES
}

unmark()
{
	ip netns exec "$client" nft flush ruleset
	ip netns exec "$server" nft flush ruleset
}

# dscp_flow SPORT: how many of 100 packets are marked, once they are bound
dscp_flow()
{
	local before

	fresh_flow
	udp_flow "$1:7" 600 > /dev/null
	before=$(marked)
	udp_flow "$1:7" 100 > /dev/null
	got=$(($(marked) - before))
}

test_dscp() # hardware that sets the TOS byte clears it, the driver has it 0
{
	local got

	mark
	still with_knob dscp 0 dscp_flow 2003
	check "not set" "$got" 100
	still with_knob dscp 1 dscp_flow 2004
	check "set" "$got" 0
	unmark
}

# mib_flow SPORT MORE: 700 packets of 92 bytes each way, and for each that the
# PPE forwards some more
mib_flow()
{
	local forward bytes

	fresh_flow
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_acct=1
	forward=$(count forward udp_flow "$1:7" 700)
	check_true "forwarded" [ "$forward" -gt 1000 ]
	bytes=$((1400 * 92 + forward * $2))
	check_wait "bytes, $2 more each" 10 ct_sum_is bytes $bytes ||
		echo "# conntrack $(ct_sum bytes), want $bytes"
}

test_mib_l3() # bytes are those of frames, or of packets, as hardware counts
{
	! has_no_mib || return
	still with_knob mib_l3 0 mib_flow 2005 14
	still with_knob mib_l3 1 mib_flow 2006 0
}

# keepalives MODE: of each flow every 16.4 s, see enum ppe_keepalive; 0: none
keepalives()
{
	local base cfg

	for base in $(ppe_bases); do
		cfg=$(reg $((base + 0x21c)))
		reg $((base + 0x21c)) \
			$(((cfg & ~0x33000) | ($1 << 12) | ($1 ? 2 : 1) << 16))
		reg $((base + 0x234)) $(($1 ? 0x01010001 : 0))
	done
}

# keepalive_flow SPORT MODE: after 20 s
keepalive_flow()
{
	fresh_flow
	keepalives "$2"
	udp_flow "$1:7" 600 > /dev/null
	echo 10 > $FE/tick
	check "too early" "$(count "$keepalive" udp_flow "$1:7" 1)" 0
	echo 10 > $FE/tick
	forward=$(ppe_stat forward)
	got=$(count "$keepalive" udp_flow "$1:7" 1)
	forward=$(($(ppe_stat forward) - forward))
	check "at once again" "$(count "$keepalive" udp_flow "$1:7" 1)" 0
	keepalives 0
}

test_keepalive() # now and then the CPU sees a frame of a bound flow
{
	local keepalive got forward

	keepalive=cpu_13
	still keepalive_flow 2007 1
	check "each way, not forwarded" "$got $forward" "2 0"
	keepalive=cpu_14
	still keepalive_flow 2008 2
	check "copies with the new header" "$got" 2
	check_true "and forwarded" [ "$forward" -ge 2 ]
	# The flowtable forwards what the CPU gets once more.
	keepalive=cpu_15
	still keepalive_flow 2009 3
	check "copies of what has come" "$got" 2
	check_true "and forwarded, too" [ "$forward" -ge 2 ]
	still with_knob ka_flag 1 keepalive_flow 2010 3
	check "only of entries that have a flag for it" "$got" 0
}

fe_require nft conntrack iperf3 python3 ss
trap cleanup EXIT
setup_open
udp_server 7
flow_run
