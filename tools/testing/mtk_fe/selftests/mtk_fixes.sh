#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the driver has got wrong: each of these tests fails without one of the
# commits of series/mtk-fixes. Hardware's time stands still, but for what is
# written to tick.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

# bind_flow SPORT [BOUND]: a UDP flow, each direction of which is bound; then as
# many entries are
bind_flow()
{
	udp_flow "$1:7" 600 > /dev/null
	check "bound" "$(ppe_entries bind)" "${2:-2}"
}

new_ruleset()
{
	ruleset routed
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_acct=1
	ct -F
	echo 20 > $FE/tick
	check_wait "nothing is bound" 5 ppe_entries_are bind 0
}

# bound_of SPORT: entries of that flow, both directions
bound_of()
{
	cat $FE/ppe*/table | grep -cE "^[0-9]+ bind .* ports ($1 7|7 $1) "
}

bound_of_is()
{
	[ "$(bound_of "$1")" = "$2" ]
}

test_neighbour() # an entry leaves with its flow, though another has its bucket
{
	new_ruleset
	# The hash of both is the same, be it for 2 or for 4 ways, and that of
	# their other directions.
	bind_flow 1024 2
	bind_flow 9216 4
	ct -D -p udp --orig-port-src 1024 > /dev/null
	check_wait "the first one leaves" 5 bound_of_is 1024 0
	check "the other one" "$(bound_of 9216)" 2
}

# Twice, for two directions, each by two ports
has_asked()
{
	[ "$(cat $FE/ts_reads)" -ge $(($1 + 8)) ]
}

test_rebind() # a flow that was aged is bound again
{
	local reads

	new_ruleset
	bind_flow 1025
	echo 20 > $FE/tick
	check "bound after 20 ticks" "$(ppe_entries bind)" 0
	# One for which the driver looks at the time, when it is asked for both.
	bind_flow 1031
	reads=$(cat $FE/ts_reads)
	check_wait "the flowtable asks for statistics" 30 has_asked "$reads"
	udp_flow 1025:7 2000 > /dev/null
	check "bound again" "$(bound_of 1025)" 2
}

# The time stamp of an entry has 8 or 15 bits.
time_wraps()
{
	local bits=15

	! soc_is mt7986 || bits=8
	echo $(((1 << bits) - $(cat $FE/tick) % (1 << bits))) > $FE/tick
}

test_idle() # a flow that is idle and was never bound leaves the flowtable
{
	new_ruleset
	flow_timeout udp 4
	time_wraps
	udp_flow 1026:7 5 > /dev/null
	check "bound" "$(ppe_entries bind)" 0
	check_wait "hardware has it" 5 hw_status_is ipv4 1
	check_wait "leaves" 20 no_hw_flows
	flow_timeout udp 30
}

test_hw_tc_offload() # what hardware has leaves it with hw-tc-offload off, too
{
	new_ruleset
	bind_flow 1027
	hw_tc_offload off eth0 eth1
	ct -D -p udp > /dev/null
	check_wait "entries leave" 5 ppe_entries_are bind 0
	hw_tc_offload on eth0 eth1
}

test_netns() # both directions of a flow are offloaded in any netns
{
	new_ruleset
	bind_flow 1030
}

test_count_off() # conntrack has all packets with hw-tc-offload off, too
{
	! has_no_mib || return
	new_ruleset
	bind_flow 1028
	hw_tc_offload off eth0 eth1
	udp_flow 1028:7 100 > /dev/null
	check_wait "counted" 10 ct_sum_is packets 1400
	hw_tc_offload on eth0 eth1
}

test_debugfs() # conntrack has all packets though somebody looks at the table
{
	local i

	! has_no_mib || return
	new_ruleset
	bind_flow 1029
	for i in 1 2 3 4 5 6 7 8; do
		udp_flow 1029:7 100 > /dev/null
		cat /sys/kernel/debug/ppe*/bind > /dev/null
	done
	check_wait "counted" 10 ct_sum_is packets 2800 ||
		echo "# conntrack: $(ct_sum packets)"
}

counted_of()
{
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_acct=1
	udp_flow "$1:7" 600 > /dev/null
	check "bound" "$(bound_of "$1")" 2
	check_wait "counted" 10 ct_sum_is packets 1200 ||
		echo "# conntrack: $(ct_sum packets)"
}

test_unread() # what nobody has read of a flow is not counted for the next one
{
	! has_no_mib || return
	COUNTER='' new_ruleset
	# Nobody asks for what it has counted within 12 seconds.
	flow_timeout udp 120
	bind_flow 1033
	ct -D -p udp > /dev/null
	check_wait "leaves" 5 ppe_entries_are bind 0
	flow_timeout udp 30
	ruleset routed
	counted_of 1033
}

test_low_mtu() # what is too long for an MTU below 1500 goes to the CPU
{
	new_ruleset
	bind_flow 1032
	ip -n "$router" link set eth1 mtu 1400
	check "too long" "$(count cpu_1c udp_flow 1032:7 0 1373 20)" 20
	check "not too long" "$(count forward udp_flow 1032:7 0 1372 20)" 20
	ip -n "$router" link set eth1 mtu 1500
	check "for 1500" "$(count forward udp_flow 1032:7 0 1472 20)" 20
}

# snmp6 NETNS NAME
snmp6()
{
	ip netns exec "$1" sed -n "s/^$2[[:space:]]*//p" /proc/net/snmp6
}

# 10 datagrams to a port of the router that is closed: CHECKSUM, 0 is right
udp6_closed()
{
	ip netns exec "$client" python3 - "$1" <<-'PYTHON'
		import socket, struct, sys
		wrong = int(sys.argv[1])
		src, dst = (socket.inet_pton(socket.AF_INET6, addr)
		            for addr in ("2001:db8:1::2", "2001:db8:1::1"))
		udp = struct.pack("!HHHH8x", 9, 9, 16, 0)
		pseudo = src + dst + struct.pack("!II", 16, 17) + udp
		total = sum(struct.unpack("!%dH" % (len(pseudo) // 2), pseudo))
		while total >> 16:
		    total = (total & 0xffff) + (total >> 16)
		total = ~total & 0xffff ^ wrong
		udp = struct.pack("!HHHH8x", 9, 9, 16, total)
		ip6 = struct.pack("!IHBB", 6 << 28, 16, 17, 64) + src + dst
		eth = bytes.fromhex("02000000010102000000010286dd")
		sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		sock.bind(("wire0", 0))
		for _ in range(10):
		    sock.send(eth + ip6 + udp)
	PYTHON
}

unreachable_grows()
{
	[ "$(snmp6 "$client" Icmp6InDestUnreachs)" -gt "$1" ]
}

csum_errors_are()
{
	[ "$(snmp6 "$router" Udp6InCsumErrors)" = "$1" ]
}

test_checksum() # the stack sees wrong checksums that hardware lets pass
{
	local before

	ip netns exec "$router" sysctl -wq net.ipv6.icmp.ratelimit=0
	before=$(snmp6 "$client" Icmp6InDestUnreachs)
	udp6_closed 1
	check_wait "counted as wrong" 5 csum_errors_are 10
	check "answered" \
		$(($(snmp6 "$client" Icmp6InDestUnreachs) - before)) 0
	udp6_closed 0
	check_wait "answered if it is right" 5 unreachable_grows "$before"
}

# A network with a tag on the wire of the client, for the server
tagged_server()
{
	ip -n "$router" link add link eth0 name tag0 type vlan id 10
	ip -n "$client" link add link wire0 name tag0w type vlan id 10
	ip -n "$client" link set tag0w netns "$server"
	host_setup "$router" tag0 3 1
	host_setup "$server" tag0w 3 2
	ip -n "$server" route add 10.0.1.0/24 via 10.0.3.1
}

# from_tag ARG...: udp_flow from there to the client, who gets it without a tag
from_tag()
{
	ip netns exec "$server" "$mtk_dir/udp_flow.py" 10.0.1.2 "$@"
}

test_mtu_down() # the MTU of a port that is down does not count
{
	tagged_server
	ip netns exec "$client" "$mtk_dir/udp_flow.py" serve 8 &
	busywait 5000 sh -c "ip netns exec $client ss -Hlun | grep -q :8"
	new_ruleset
	ip -n "$router" link set eth1 down
	ip -n "$router" link set eth1 mtu 1280
	from_tag 1034:8 600 > /dev/null
	check "bound" "$(ppe_entries bind)" 2
	check "to the CPU" "$(count cpu_1c from_tag 1034:8 0 1472 20)" 0
	check "forwarded" "$(count forward from_tag 1034:8 0 1472 20)" 20
	ip -n "$router" link set eth1 up
	check "to the CPU with it up" \
		"$(count cpu_1c from_tag 1034:8 0 1472 20)" 20
	kill %%
}

fe_require nft conntrack ethtool python3 ss
trap cleanup EXIT
setup_open
echo 0 > $FE/tick_ms
udp_server 7
flow_run
