#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the flow table of a switch ASIC leaves to the CPU, reason by reason,
# although it knows the flow: counted exactly, and done by the CPU.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000

# hw FAMILY PROTO: a connection in hardware, its frames in $fwd
hw()
{
	flow_flush
	flow_ruleset "rc, rs"
	check "IPv$1 $2 in hardware" \
		"$(offload_flow "$1" "$2" $SPORT $DPORT)" ""
	read -ra fwd <<< "$(fwd_args "$1" "$2" $SPORT $DPORT)"
	[ "$2" != tcp ] || fwd+=(seq=13 ack=13)
	snap
}

test_miss() # a connection that is not in the table
{
	local family fwd

	flow_flush
	flow_ruleset "rc, rs"
	for family in 4 6; do
		read -ra fwd <<< "$(fwd_args $family udp $SPORT 9)"
		snap
		check "IPv$family" "$(frames "${fwd[@]}" n=$N)" "$(got)"
		check_deltas rc.punt_miss=$N punted.packets=$N slow.packets=$N
	done
}

# The software flowtable looks at less than the stack does, and may forward what
# is not in order. So the stack is asked with port 9.
test_dmac() # frames for another station
{
	local fwd

	hw 4 udp
	frames "${fwd[@]}" n=$N dmac=02:00:00:00:01:99 any > /dev/null
	check_deltas rc.punt_dmac=$N punted.packets=$N soft.packets=any
	snap
	check "stack" "$(frames "${fwd[@]}" dport=9 n=$N \
		dmac=02:00:00:00:01:99)" "$(got_n 0)"
	check_deltas rc.punt_dmac=$N punted.packets=$N
}

# IPv6 of the hosts may add to them.
test_multicast() # frames for a group of stations
{
	local fwd

	hw 4 udp
	frames "${fwd[@]}" n=$N dmac=01:00:5e:00:01:63 any > /dev/null
	check_deltas punted.packets=$N soft.packets=any slow.packets=any
	check_true "multicast" [ "$(delta rc.punt_multicast)" -ge $N ]
}

test_proto() # protocols that the table does not know
{
	local family fwd

	for family in 4 6; do
		hw $family udp
		check "IPv$family" "$(frames "${fwd[@]}" n=$N proto=253)" \
			"$(got)"
		check_deltas rc.punt_proto=$N
	done
}

test_malformed() # packets longer than their frame, TCP headers of odd length
{
	local family fwd doff

	for family in 4 6; do
		hw $family udp
		frames "${fwd[@]}" n=$N cut=8 any > /dev/null
		check_deltas rc.punt_malformed=$N punted.packets=any \
			soft.packets=any
		snap
		check "IPv$family stack" \
			"$(frames "${fwd[@]}" dport=9 n=$N cut=8)" "$(got_n 0)"
		check_deltas rc.punt_malformed=$N punted.packets=any
		for doff in 4 15; do
			hw $family tcp
			frames "${fwd[@]}" n=$N len=12 doff=$doff any \
				> /dev/null
			check_deltas rc.punt_malformed=$N punted.packets=$N \
				soft.packets=any slow.packets=any
		done
	done
}

test_padding() # padding of short frames is no reason, and goes no further
{
	local family fwd len

	for family in 4 6; do
		hw $family udp
		len=$((12 + 8 + 20 * (family / 2 - 1)))
		check "IPv$family" "$(frames "${fwd[@]}" n=$N len=12 pad=6)" \
			"$(got)"
		check_deltas rc.hit=$N rc.hit_bytes=$((N * len)) rs.tx=$N \
			rs.tx_bytes=$((N * (len + 14)))
	done
}

test_checksum() # IPv4 headers with a wrong checksum
{
	local fwd

	hw 4 udp
	frames "${fwd[@]}" n=$N badsum any > /dev/null
	check_deltas rc.punt_checksum=$N punted.packets=$N soft.packets=any
	snap
	check "stack" "$(frames "${fwd[@]}" dport=9 n=$N badsum)" "$(got_n 0)"
	check_deltas rc.punt_checksum=$N punted.packets=$N
}

test_options() # IPv4 options, IPv6 extension headers
{
	local family fwd

	for family in 4 6; do
		hw $family udp
		check "IPv$family" "$(frames "${fwd[@]}" n=$N options)" \
			"$(got)"
		check_deltas rc.punt_options=$N punted.packets=$N \
			slow.packets=$N
	done
}

test_fragment() # fragments, three per datagram
{
	local family

	for family in 4 6; do
		flow_flush
		flow_ruleset "rc, rs"
		session_open proto=udp dst="$(addr_of $family 2 2)" \
			port=$DPORT len=3000
		check "IPv$family warm up" "$(session reply 2)" "ok 2"
		check "IPv$family warm up" "$(session send 2)" "ok 2"
		wait_offload 1
		snap
		check "IPv$family" "$(session send $N)" "ok $N"
		check_deltas rc.punt_fragment=$((3 * N)) punted.packets=any \
			slow.packets=$N
	done
	session_close
}

# The flag ends the fast path of the connection: one frame for each flag.
test_tcp_flags() # FIN and RST
{
	local family flags fwd

	for family in 4 6; do
		for flags in 11 04; do
			hw $family tcp
			check "IPv$family flags $flags" \
				"$(frames "${fwd[@]}" flags=$flags)" \
				"sent=1 received=1 bad=0 tap=0 icmp=0"
			check_deltas rc.punt_tcp_flags=1 punted.packets=1 \
				soft.packets=any slow.packets=any
			check "leaves hardware" \
				"$(slowwait 10 flow_entries_are 0)" ""
		done
	done
}

# tcp_state_is ADDRESS STATE: the connection to it has left the flowtable
tcp_state_is()
{
	ip netns exec "$router" conntrack -L -p tcp -d "$1" 2> /dev/null |
		grep -q " $2 "
}

# The first FIN takes the connection out of hardware, so the other one may not
# find it there any more.
fins()
{
	look
	echo $(($(delta rc.punt_tcp_flags) + $(delta rs.punt_tcp_flags)))
}

# Hardware that does not track it says no more of it, and software that goes on
# with it until it times out does not either.
test_tcp_close() # a connection that closes, closes for conntrack
{
	local dst

	flow_timeout tcp 10
	for dst in 10.0.2.2 2001:db8:2::2; do
		flow_flush
		flow_ruleset "rc, rs"
		session_open proto=tcp dst=$dst port=$DPORT
		check "$dst warm up" "$(session send 1000)" "ok 1000"
		wait_offload 1
		check "$dst" "$(session send 100000)" "ok 100000"
		snap
		session_close
		check_wait "$dst FIN" 5 until_counter_is ">= 1" fins
		check "$dst leaves hardware" \
			"$(slowwait 10 flow_entries_are 0)" ""
		check_wait "$dst state" 30 tcp_state_is $dst CLOSE
	done
	flow_timeout tcp 30
}

test_ttl() # packets that end here
{
	local family fwd icmp

	for family in 4 6; do
		[ $family = 4 ] && icmp=11/0 || icmp=3/0
		hw $family udp
		check "IPv$family" "$(frames "${fwd[@]}" n=$N ttl=1)" \
			"$(got_n 0 $N:$icmp)"
		check_deltas rc.punt_ttl=$N punted.packets=$N
	done
}

mtu()
{
	ip -n "$router" link set rs mtu 1400
	hw "$1" udp
	check "IPv$1 fits" "$(frames "${fwd[@]}" n=$N len=$((1392 - $2)))" \
		"$(got)"
	check_deltas rc.hit=$N rs.tx=$N
	snap
	check "IPv$1" "$(frames "${fwd[@]}" n=$N len=$((1393 - $2)))" \
		"$(got_n 0 "$N:$3")"
	check_deltas rc.punt_mtu=$N punted.packets=$N slow.packets=any
}

test_mtu() # packets that are too long for the egress port
{
	local fwd

	mtu 4 20 3/4
	snap
	check "without DF" "$(frames "${fwd[@]}" n=$N len=1390 nodf any)" \
		"$(got)"
	check_deltas rc.punt_mtu=$N punted.packets=$N slow.packets=$N
	mtu 6 40 2/0
	ip -n "$router" link set rs mtu 1500
}

nsim_unlink()
{
	local fd

	exec {fd}< "/var/run/netns/$1"
	echo "$fd:$(ifindex "$1" "$2")" > "$NSIM_BUS/unlink_device"
	exec {fd}<&-
}

test_egress_down() # the egress port has no carrier
{
	local fwd

	hw 4 udp
	nsim_unlink "$server" s0
	slowwait 5 carrier_is "$router" rs 0
	check "frames" "$(frames "${fwd[@]}" n=$N wait=50)" "$(got_n 0)"
	check_deltas rc.punt_egress_down=$N punted.packets=$N soft.packets=any \
		slow.packets=any
	nsim_link "$server" s0 "$router" rs
	slowwait 5 carrier_is "$router" rs 1
	hw 4 udp
	check "again" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N
}

test_egress_full() # no room in the queue of the egress port: lost, and counted
{
	local fwd

	hw 4 udp
	flow_knob egress_queue_len 0
	check "full" "$(frames "${fwd[@]}" n=$N)" "$(got_n 0)"
	check_deltas rc.hit=$N rs.drop_egress_full=$N rs.mac_tx_packets=0
	flow_knob egress_queue_len 192
	snap
	check "not full" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N
}

test_drop_xmit() # the far end does not take the frame: lost, and counted
{
	local fwd

	hw 4 udp
	ip -n "$server" link set s0 mtu 1300
	check "too long" "$(frames "${fwd[@]}" n=$N len=1400)" "$(got_n 0)"
	check_deltas rc.hit=$N rs.drop_xmit=$N rs.mac_tx_packets=0
	snap
	check "not too long" "$(frames "${fwd[@]}" n=$N len=1200)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N
	ip -n "$server" link set s0 mtu 1500
}

test_off() # with hw-tc-offload off flowtables can be bound, but not used
{
	local bind refused fwd rev

	flow_flush
	hw_tc_offload off rc rs
	bind=$(flow_counter bind)
	refused=$(flow_counter replace_refused)
	flow_ruleset "rc, rs"
	check "bind" "$(flow_counter bind)" $((bind + 2))
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $SPORT $DPORT)"
	open_flow udp
	slowwait 5 until_counter_is ">= $((refused + 2))" \
		flow_counter replace_refused > /dev/null
	check "refused" "$(flow_counter replace_refused)" $((refused + 2))
	check "entries" "$(flow_counter entries)" 0
	check "status" "$(flow_hw_status ipv4)" 0
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.punt_disabled=$N punted.packets=$N soft.packets=$N
	hw_tc_offload on rc rs
}

# once a second the core offers a flow again that it sees in software
refreshed()
{
	frames "${fwd[@]}" > /dev/null
	sleep 0.2
	flow_entries_are 2
}

test_on() # ... and on again, the core puts the connections into hardware
{
	local fwd

	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	check "entries" "$(slowwait 10 refreshed)" ""
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N
}

original_packets()
{
	[ "$(ip netns exec "$router" conntrack -L -p udp 2> /dev/null |
	     sed 's/.*src=10.0.1.100 [^[]*packets=\([0-9]*\).*src.*/\1/')" \
	  = "$1" ]
}

test_toggle() # entries do not work while it is off, but can be read and removed
{
	local stats destroy fwd

	hw 4 udp
	check "on" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	hw_tc_offload off rc rs
	snap
	check "off" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.punt_disabled=$N punted.packets=$N soft.packets=$N
	check "entries" "$(flow_counter entries)" 2
	# Three in the slow path and in flowtables: a reply, N in hardware.
	stats=$(flow_counter stats)
	check_wait "stats" 10 until_counter_is ">= $((stats + 2))" \
		flow_counter stats
	check_wait "packets" 5 original_packets $((2 * N + 1))
	destroy=$(flow_counter destroy)
	ip netns exec "$router" conntrack -D -p udp > /dev/null 2>&1
	check "removed" "$(slowwait 10 flow_entries_are 0)" ""
	check "destroy" "$(flow_counter destroy)" $((destroy + 2))
	hw_tc_offload on rc rs
}

flow_require nft ethtool conntrack
flow_setup rc rs
hw_tc_offload on rc rs
flow_run
