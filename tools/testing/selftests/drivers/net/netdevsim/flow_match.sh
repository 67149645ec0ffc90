#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What rules for hardware match besides addresses and ports: the same addresses
# and ports in another VLAN or PPPoE session are another connection.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000

got()
{
	echo "sent=$N received=$N bad=0 tap=0 icmp=0"
}

# Two networks with the same addresses go through the router, each by devices,
# a routing table and a conntrack zone of its own.
ZONES='
	chain zones {
		type filter hook prerouting priority raw
		iifname { "rc.10", "out1" } ct zone set 1
		iifname { "rc.20", "out2" } ct zone set 2
	}'

# net_add TABLE IN OUT
net_add()
{
	local table=$1 dev=$2 out=$3

	ip -n "$router" link set "$dev" up
	ip -n "$router" link set "$out" up
	# By oif the flowtable asks for the way back.
	for dev in "$2" "$3"; do
		ip -n "$router" rule add dev "$dev" lookup "$table"
		ip -n "$router" rule add oif "$dev" lookup "$table"
		ip -n "$router" -6 rule add dev "$dev" lookup "$table"
		ip -n "$router" -6 rule add oif "$dev" lookup "$table"
	done
	ip -n "$router" route add 10.0.11.0/24 dev "$2" table "$table"
	ip -n "$router" route add 10.0.12.0/24 dev "$3" table "$table"
	ip -n "$router" -6 route add 2001:db8:11::/64 dev "$2" table "$table"
	ip -n "$router" -6 route add 2001:db8:12::/64 dev "$3" table "$table"
	neigh_add "$2" 11 $MAC_CLIENT
	neigh_add "$3" 12 $MAC_SERVER
}

# Of a device without addresses of its own
neigh_add()
{
	[[ $(ip -n "$router" link show "$1") != *NOARP* ]] || return 0
	ip -n "$router" neigh replace "10.0.$2.100" dev "$1" lladdr "$3" \
		nud permanent
	ip -n "$router" neigh replace "2001:db8:$2::100" dev "$1" lladdr "$3" \
		nud permanent
}

vlan_add()
{
	ip -n "$router" link add link "$1" name "$3" type vlan id "$2"
}

nets_del()
{
	local table

	flow_flush
	for table in 1 2; do
		while ip -n "$router" rule del lookup $table; do :; done
		while ip -n "$router" -6 rule del lookup $table; do :; done
		ip -n "$router" route flush table $table
		ip -n "$router" -6 route flush table $table
	done 2> /dev/null
	for table in rc.10 rc.20 out1 out2; do
		ip -n "$router" link del "$table" 2> /dev/null
	done
	pppoe_close
	check_wait "devices gone" 10 no_devs
}

# args FAMILY PROTO IN OUT: the frames of a connection; IN and OUT are what they
# have on that side of the router, OUT with a + in front of each key
args()
{
	local family=$1 proto=$2 in=$3 out=$4

	read -ra fwd <<< "src=$(addr_of "$family" 11 100) \
		dst=$(addr_of "$family" 12 100) proto=$proto sport=$SPORT \
		dport=$DPORT vlan=0 pppoe=0 $in xvlan=0 xpppoe=0 ${out//+/x}"
	read -ra rev <<< "src=$(addr_of "$family" 12 100) \
		dst=$(addr_of "$family" 11 100) proto=$proto sport=$DPORT \
		dport=$SPORT vlan=0 pppoe=0 ${out//+/} xvlan=0 xpppoe=0 x$in"
}

ppp_dev()
{
	ip -n "$router" -o link show | grep -o '^[0-9]*: ppp[0-9]*' |
		grep -o 'ppp.*'
}

# pppoe_open DEV MAC SESSION NAME: a session of the router with that station
pppoe_open()
{
	sleep 1000 | "$flow_dir/flow_pppoe" "$router" "${@:1:3}" > /dev/null &
	PPPOE+=($!)
	check_wait "session" 10 ppp_dev > /dev/null
	ip -n "$router" link set "$(ppp_dev)" name "$4" mtu 1492
}

pppoe_close()
{
	[ ${#PPPOE[@]} = 0 ] || kill "${PPPOE[@]}"
	PPPOE=()
}

no_devs()
{
	! ip -n "$router" -o link show | grep -q ' out[12]'
}

# both WHAT: frames of both directions, all in hardware
both()
{
	local what=$1

	snap
	check "$what" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N rc.rx=$N
	snap
	check "$what back" "$(frames_back "${rev[@]}" n=$N)" "$(got)"
	check_deltas rs.hit=$N rc.tx=$N rs.rx=$N
}

# twins IN OUT IN OUT: two connections between the same addresses and ports
twins()
{
	local family proto fwd rev

	for family in 4 6; do
		for proto in udp tcp; do
			flow_flush
			flow_ruleset "rc, rs" "$ZONES"
			args $family $proto "$1" "$2"
			open_flow $proto
			check "IPv$family $proto first" "$(wait_offload 1)" ""
			args $family $proto "$3" "$4"
			open_flow $proto
			check "IPv$family $proto second" "$(wait_offload 2)" ""
			[ $proto != tcp ] || fwd+=(seq=13 ack=13)
			both "IPv$family $proto second"
			args $family $proto "$1" "$2"
			[ $proto != tcp ] || fwd+=(seq=13 ack=13)
			both "IPv$family $proto first"
		done
	done
}

# strangers KEYS...: frames as those of the connection, but for these keys, are
# none of it
strangers()
{
	local key

	for key; do
		snap
		# shellcheck disable=SC2086 # two keys may be one argument
		frames "${fwd[@]}" $key n=$N any wait=100 > /dev/null
		check_deltas rc.punt_miss=$N punted.packets=any \
			soft.packets=any slow.packets=any
	done
}

strangers_back()
{
	local key

	for key; do
		snap
		# shellcheck disable=SC2086 # two keys may be one argument
		frames_back "${rev[@]}" $key n=$N any wait=100 > /dev/null
		check_deltas rs.punt_miss=$N punted.packets=any \
			soft.packets=any slow.packets=any
	done
}

test_two_vlans() # the same addresses and ports in two VLANs
{
	vlan_add rc 10 rc.10
	vlan_add rc 20 rc.20
	vlan_add rs 110 out1
	vlan_add rs 120 out2
	net_add 1 rc.10 out1
	net_add 2 rc.20 out2
	twins vlan=10 +vlan=110 vlan=20 +vlan=120
	check "pops and pushes" "$(grep -c "in=rc .* vlan_pop=1 vlan_push=1" \
		"$FLOW_DEBUGFS/entries")" 2
}

gone_from_zone()
{
	ip netns exec "$router" conntrack -D --zone 1 > /dev/null 2>&1
	flow_entries_are 2
}

test_one_of_two() # one of them ends, the other stays in hardware
{
	local fwd rev

	flow_flush
	flow_ruleset "rc, rs" "$ZONES"
	args 4 udp vlan=10 +vlan=110
	open_flow udp
	args 4 udp vlan=20 +vlan=120
	open_flow udp
	check "in hardware" "$(wait_offload 2)" ""
	check "gone" "$(slowwait 10 gone_from_zone)" ""
	both "other"
}

test_vlan_only() # no tag, another, or one more is not the same
{
	local fwd rev

	flow_flush
	flow_ruleset "rc, rs" "$ZONES"
	args 4 udp vlan=10 +vlan=110
	open_flow udp
	check "in hardware" "$(wait_offload 1)" ""
	strangers vlan=0 vlan=11 vlan=10.10 vlan=20.10 "vlan=10 ad" pppoe=7
	both "right"
	nets_del
}

test_untagged_only() # a rule without VLAN is not for frames that have one
{
	local fwd rev

	flow_flush
	flow_ruleset "rc, rs"
	check "in hardware" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $SPORT $DPORT)"
	strangers vlan=10 vlan=10.20 pppoe=7 "vlan=10 pppoe=7"
	both "right"
}

test_two_inner_vlans() # ... in two VLANs of one VLAN
{
	vlan_add rc 30 rc.30
	vlan_add rs 40 rs.40
	ip -n "$router" link set rc.30 up
	ip -n "$router" link set rs.40 up
	vlan_add rc.30 10 rc.10
	vlan_add rc.30 20 rc.20
	vlan_add rs.40 110 out1
	vlan_add rs.40 120 out2
	net_add 1 rc.10 out1
	net_add 2 rc.20 out2
	twins vlan=30.10 +vlan=40.110 vlan=30.20 +vlan=40.120
	check_true "outer tag first" grep -q \
		" vlan=30 vlan=20 .* vlan_pop=2 vlan_push=40 vlan_push=120 " \
		"$FLOW_DEBUGFS/entries"
	nets_del
	ip -n "$router" link del rc.30
	ip -n "$router" link del rs.40
}

test_two_sessions() # ... in two PPPoE sessions
{
	vlan_add rc 10 rc.10
	vlan_add rc 20 rc.20
	pppoe_open rs $MAC_SERVER 7 out1
	pppoe_open rs $MAC_SERVER 8 out2
	net_add 1 rc.10 out1
	net_add 2 rc.20 out2
	twins vlan=10 +pppoe=7 vlan=20 +pppoe=8
	check_true "entry" grep -q " pppoe=8 .* pppoe_pop" \
		"$FLOW_DEBUGFS/entries"
}

test_session_only() # no session, or another, is not the same
{
	local fwd rev

	flow_flush
	flow_ruleset "rc, rs" "$ZONES"
	args 4 udp vlan=10 +pppoe=7
	open_flow udp
	check "in hardware" "$(wait_offload 1)" ""
	strangers_back pppoe=0 pppoe=9 "vlan=10 pppoe=7"
	both "right"
	nets_del
}

test_session_in_vlan() # PPPoE in a VLAN
{
	local family proto fwd rev

	vlan_add rc 10 rc.10
	vlan_add rs 50 rs.50
	ip -n "$router" link set rs.50 up
	pppoe_open rs.50 $MAC_SERVER 7 out1
	net_add 1 rc.10 out1
	for family in 4 6; do
		for proto in udp tcp; do
			flow_flush
			flow_ruleset "rc, rs" "$ZONES"
			args $family $proto vlan=10 "+vlan=50 +pppoe=7"
			open_flow $proto
			check "IPv$family $proto" "$(wait_offload 1)" ""
			[ $proto != tcp ] || fwd+=(seq=13 ack=13)
			both "IPv$family $proto"
		done
	done
	check_true "entry" grep -q \
		" vlan=50 pppoe=7 .* vlan_pop=1 .*pppoe_pop" \
		"$FLOW_DEBUGFS/entries"
	nets_del
	ip -n "$router" link del rs.50
}

PPPOE=()
flow_require nft ethtool conntrack
trap 'pppoe_close; flow_cleanup' EXIT
flow_setup rc rs
hw_tc_offload on rc rs
flow_timeout both 600
flow_run
