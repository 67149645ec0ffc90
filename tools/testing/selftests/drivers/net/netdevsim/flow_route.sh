#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections through the flow table of a switch ASIC: routed and translated
# packets leave it as the stack would have sent them, and the CPU sees none.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=50
SPORT=4000
DPORT=5000

# L3 bytes of N frames
l3_bytes()
{
	local len=$((64 + 8))

	[ "$2" = tcp ] && len=$((64 + 20))
	[ "$1" = 4 ] && len=$((len + 20)) || len=$((len + 40))
	echo $((N * len))
}

ip_of()
{
	[ "$1" = 4 ] && echo ip || echo ip6
}

# arguments FAMILY PROTO KIND: fills $fwd and $rev
arguments()
{
	local f r

	f=fwd_$3 r=rev_$3
	read -ra fwd <<< "$(fwd_args "$1" "$2" $SPORT $DPORT) $("$f" "$1")"
	read -ra rev <<< "$(rev_args "$1" "$2" $SPORT $DPORT) $("$r" "$1")"
}

# nat KIND: TCP and UDP of both families by rules_KIND; then N frames each way
# of each connection, which are in hardware and nowhere else
nat()
{
	local taps=("tap=$router:rc" "tap=$router:rs")
	local family proto fwd rev ok bytes=0 wire

	flow_flush
	flow_ruleset "rc, rs" "$("rules_$1")"
	for family in 4 6; do
		for proto in udp tcp; do
			arguments $family $proto "$1"
			open_flow $proto
		done
	done
	check "in hardware" "$(wait_offload 4)" ""
	snap
	ok="sent=$N received=$N bad=0 tap=0 icmp=0"
	for family in 4 6; do
		for proto in udp tcp; do
			arguments $family $proto "$1"
			check "IPv$family $proto" "$(frames n=$N "${fwd[@]}" \
				"${taps[@]}" -- "${TO_CLIENT[@]}" n=$N \
				"${rev[@]}" "${taps[@]}")" "$ok"$'\n'"$ok"
			bytes=$((bytes + $(l3_bytes $family $proto)))
		done
	done
	wire=$((bytes + 4 * N * 14))
	check_deltas rc.hit=$((4 * N)) rc.hit_bytes=$bytes \
		rc.rx=$((4 * N)) rs.rx=$((4 * N)) \
		rs.tx=$((4 * N)) rs.tx_bytes=$wire \
		rs.hit=$((4 * N)) rs.hit_bytes=$bytes \
		rc.tx=$((4 * N)) rc.tx_bytes=$wire \
		rc.mac_rx_packets=$((4 * N)) rs.mac_rx_packets=$((4 * N)) \
		rs.mac_tx_packets=$((4 * N)) rs.mac_tx_bytes=$wire \
		rc.mac_tx_packets=$((4 * N)) rc.mac_tx_bytes=$wire
}

rules_routed() { :; }
fwd_routed() { :; }
rev_routed() { :; }

test_routed() # routed TCP and UDP, IPv4 and IPv6
{
	nat routed
	check_wait "IPv4 status" 5 hw_status_is ipv4 2
	check_wait "IPv6 status" 5 hw_status_is ipv6 2
}

test_slow_is_seen() # the tap and the counters do see what the CPU forwards
{
	local fwd taps=("tap=$router:rc" "tap=$router:rs")

	read -ra fwd <<< "$(fwd_args 4 udp 9 $DPORT)"
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N "${taps[@]}")" \
		"sent=$N received=$N bad=0 tap=$((2 * N)) icmp=0"
	check_deltas rc.punt_miss=$N punted.packets=$N slow.packets=$N \
		rc.mac_rx_packets=$N rs.mac_tx_packets=$N
}

rules_masquerade()
{
	cat <<-RULES
		chain post {
			type nat hook postrouting priority 100
			oifname rs masquerade
		}
	RULES
}

fwd_masquerade()
{
	echo "xsrc=$(addr_of "$1" 2 1)"
}

rev_masquerade()
{
	echo "dst=$(addr_of "$1" 2 1) xdst=$(addr_of "$1" 1 100)"
}

test_masquerade() # masquerade
{
	nat masquerade
}

rules_snat()
{
	cat <<-RULES
		chain post {
			type nat hook postrouting priority 100
			oifname rs meta l4proto { tcp, udp } \
				snat ip to $(addr_of 4 2 50):6000
			oifname rs meta l4proto { tcp, udp } \
				snat ip6 to [$(addr_of 6 2 50)]:6000
		}
	RULES
}

fwd_snat()
{
	echo "xsrc=$(addr_of "$1" 2 50) xsport=6000"
}

rev_snat()
{
	echo "dst=$(addr_of "$1" 2 50) xdst=$(addr_of "$1" 1 100)" \
		"dport=6000 xdport=$SPORT"
}

test_snat() # SNAT of address and port
{
	nat snat
}

# The service is known by an address of the router.
rules_dnat()
{
	cat <<-RULES
		chain pre {
			type nat hook prerouting priority -100
			iifname rc meta l4proto { tcp, udp } \
				dnat ip to $(addr_of 4 2 100):8080
			iifname rc meta l4proto { tcp, udp } \
				dnat ip6 to [$(addr_of 6 2 100)]:8080
		}
	RULES
}

fwd_dnat()
{
	echo "dst=$(addr_of "$1" 1 1) xdst=$(addr_of "$1" 2 100) xdport=8080"
}

rev_dnat()
{
	echo "xsrc=$(addr_of "$1" 1 1) sport=8080 xsport=$DPORT"
}

test_dnat() # DNAT of address and port
{
	nat dnat
}

rules_both()
{
	rules_dnat
	rules_masquerade
}

fwd_both()
{
	echo "$(fwd_dnat "$1") $(fwd_masquerade "$1")"
}

rev_both()
{
	echo "$(rev_dnat "$1") $(rev_masquerade "$1")"
}

test_both() # SNAT and DNAT of one connection
{
	nat both
}

rules_dport()
{
	cat <<-RULES
		chain pre {
			type nat hook prerouting priority -100
			iifname rc meta l4proto { tcp, udp } dnat to :8080
		}
	RULES
}

fwd_dport()
{
	echo xdport=8080
}

rev_dport()
{
	echo "sport=8080 xsport=$DPORT"
}

rules_sport()
{
	cat <<-RULES
		chain post {
			type nat hook postrouting priority 100
			oifname rs meta l4proto { tcp, udp } snat to :6000
		}
	RULES
}

fwd_sport()
{
	echo xsport=6000
}

rev_sport()
{
	echo "dport=6000 xdport=$SPORT"
}

test_ports() # NAT that changes nothing but a port
{
	nat dport
	nat sport
}

test_checksum_zero() # UDP without a checksum stays so, no sum becomes 0
{
	local fwd rev

	flow_flush
	flow_ruleset "rc, rs" "$(rules_snat)"
	arguments 4 udp snat
	open_flow udp
	wait_offload 1 > /dev/null
	snap
	check "no checksum" "$(frames "${fwd[@]}" n=$N nosum)" \
		"sent=$N received=$N bad=0 tap=0 icmp=0"
	check "sum of zero" "$(frames "${fwd[@]}" n=$N zero)" \
		"sent=$N received=$N bad=0 tap=0 icmp=0"
	check_deltas rc.hit=$((2 * N)) rs.tx=$((2 * N))
}

features()
{
	local ns=$1 dev=$2

	shift 2
	ip netns exec "$ns" ethtool -K "$dev" "$@" > /dev/null 2>&1
}

mac_rx()
{
	ip netns exec "$1" cat "/sys/class/net/$2/statistics/rx_packets"
}

# sockets FAMILY PROTO UNITS: through a NAT of both kinds, both ways
sockets()
{
	local what="IPv$1 $2" peer rx

	flow_flush
	flow_ruleset "rc, rs" "$(rules_masquerade)
		chain pre {
			type nat hook prerouting priority -100
			iifname rc meta l4proto $2 dnat $(ip_of "$1") to $(
				addr_of "$1" 2 2)
		}"
	session_open proto="$2" dst="$(addr_of "$1" 1 1)" port=$DPORT \
		listen="$(addr_of "$1" 2 2)" len=500
	peer=$(session peer)
	check "$what peer" "${peer% *}" "$(addr_of "$1" 2 1)"
	check "$what warm up" "$(session send 10)" "ok 10"
	check "$what warm up" "$(session reply 10)" "ok 10"
	wait_offload 1 > /dev/null
	rx=$(mac_rx "$server" s0)
	snap
	check "$what" "$(session send "$3")" "ok $3"
	check "$what reply" "$(session reply "$3")" "ok $3"
	look
	check "$what slow" "$(delta slow.packets) $(delta soft.packets)" "0 0"
	check "$what drops" \
		"$(delta rs.drop_egress_full) $(delta rs.drop_xmit)" "0 0"
	check "$what at the server" $(($(mac_rx "$server" s0) - rx)) \
		"$(delta rs.tx)"
}

test_partial_checksum() # checksums that the sender left to its device
{
	local family

	for family in 4 6; do
		sockets $family udp 100
		check "IPv$family hits" "$(delta rc.hit) $(delta rs.hit)" \
			"100 100"
	done
	# Now the receiver looks at them.
	features "$router" rs tx off
	features "$router" rc tx off
	for family in 4 6; do
		sockets $family udp 100
		sockets $family tcp 100000
	done
	features "$router" rs tx on
	features "$router" rc tx on
}

# gso WHAT: TCP both ways, of large frames as far as there are such
gso()
{
	local bytes=3000000

	# Its ports have no TSO for IPv6: only IPv4 frames are large. How large
	# depends on the machine, more than the MTU if there are such at all.
	sockets 6 tcp $bytes
	sockets 4 tcp $bytes
	check_true "$1: GSO frames" [ "$(delta rc.hit)" -lt $((bytes / 2000)) ]
}

# More went out than came in, and sockets saw that all of it arrived.
segmented()
{
	check_true "$1: segmented" \
		[ "$(delta rs.tx)" -gt $((5 * $(delta rc.hit) / 4)) ]
}

test_gso() # GSO frames pass whole, or segmented if the port cannot send them
{
	offloads on "$client" c0
	offloads on "$server" s0
	offloads on "$router" rc rs
	gso "whole"
	check "whole" "$(delta rs.tx) $(delta rc.tx)" \
		"$(delta rc.hit) $(delta rs.hit)"
	features "$router" rs tso off gso off
	gso "no GSO"
	segmented "no GSO"
	features "$router" rs tx off
	gso "no GSO, no checksums"
	segmented "no GSO, no checksums"
	features "$router" rs tx on
}

flow_require nft ethtool conntrack
flow_setup rc rs
hw_tc_offload on rc rs
flow_timeout both 600
flow_run
