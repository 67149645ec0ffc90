#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Neighbours, bridge ports and routes that change under connections in the flow
# table of a switch ASIC: those whose next hop is another now leave, and come
# back with it; the others are left alone.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000
MANY=10000
MAC_OTHER=02:00:00:00:02:0a
MAC_FENCE=02:00:00:00:02:0f
FAR=	# a net behind 10.0.2.100

# neigh FAMILY HOST [MAC [STATE]]: of 10.0.2.0/24 on the router's side
neigh()
{
	ip -n "$router" neigh replace "$(addr_of "$1" 2 "$2")" \
		dev "${NEIGH_DEV:-rs}" lladdr "${3:-$MAC_SERVER}" \
		nud "${4:-permanent}"
}

router_ip()
{
	ip -n "$router" "$@"
}

# says KEY=VALUE...: a frame from the server's side, none for the flowtable
says()
{
	frames_back sport=9 dport=9 "dst=$(addr_of "$family" 1 100)" "$@" \
		> /dev/null 2>&1
}

# A connection of $family between the addresses nobody owns, or to net FAR
args()
{
	read -ra fwd <<< "$(fwd_args "$family" "$1" $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args "$family" "$1" $SPORT $DPORT)"
	[ -n "$FAR" ] || return
	fwd+=("dst=$(addr_of "$family" "$FAR" 100)")
	rev+=("src=$(addr_of "$family" "$FAR" 100)")
}

# start [PROTO]: it is in hardware
start()
{
	local proto=${1:-udp}

	args "$proto"
	open_flow "$proto"
	check "IPv$family $proto in hardware" "$(wait_offload 1)" ""
	[ "$proto" != tcp ] || fwd+=(seq=13 ack=13)
}

# Neighbours as they were, and no connection
fresh()
{
	local f

	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	for f in 4 6; do
		neigh $f 100
		neigh $f 101 $MAC_OTHER
		neigh $f 102 $MAC_FENCE
	done
	flow_timeout both 600
	flow_ruleset "rc, rs, r3"
}

calls()
{
	echo "$(flow_counter replace) $(flow_counter destroy)"
}

destroyed()
{
	[ "$(flow_counter destroy)" = "$1" ]
}

# leaves WHAT COMMAND...: then both entries are deleted
leaves()
{
	local what="IPv$family $1" destroy

	destroy=$(flow_counter destroy)
	"${@:2}"
	check "$what: command" $? 0
	check_wait "$what: leaves hardware" 5 destroyed $((destroy + 2))
}

# arrive WHAT KEY=VALUE...: frames do, with these keys: the first on the slow
# path, and when the connection is back in hardware, all of them through it
arrive()
{
	local what="IPv$family $1" port=${PORT:-rs}

	shift
	check "$what" "$(frames "${fwd[@]}" n=$N "$@")" "$(got)"
	"$FLOW_FRAMES" "${TO_CLIENT[@]}" "${rev[@]}" "${BACK[@]}" \
		> /dev/null 2>&1
	check "$what: in hardware again" "$(wait_offload 1)" ""
	snap
	check "$what: hits" "$(frames "${fwd[@]}" n=$N "$@")" "$(got)"
	check_deltas rc.hit=$N "$port.tx=$N"
}

# fence COMMAND...: what the core does because of the command it has done before
# the two DESTROY of the only connection of 10.0.2.102; nothing else may come.
fence()
{
	local fwd rev before after start

	read -ra fwd <<< "$(fwd_args "$family" udp 4999 $DPORT)"
	read -ra rev <<< "$(rev_args "$family" udp 4999 $DPORT)"
	fwd+=("dst=$(addr_of "$family" 2 102)" "xdmac=$MAC_FENCE")
	rev+=("src=$(addr_of "$family" 2 102)")
	before=$(flow_counter entries)
	open_flow udp
	check "IPv$family fence in hardware" "$(slowwait "$WAIT_TIMEOUT" \
		flow_entries_are $((before + 2)))" ""
	read -ra before <<< "$(calls)"
	"$@"
	check "IPv$family $1: command" $? 0
	start=$(timestamp_ms)
	neigh "$family" 102 $MAC_OTHER
	check_wait "IPv$family fence" 20 destroyed $((before[1] + 2))
	ktap_print_msg "$(($(timestamp_ms) - start)) ms for" \
		"$(flow_counter entries) entries"
	read -ra after <<< "$(calls)"
	check "IPv$family replace, destroy" \
		"$((after[0] - before[0])) $((after[1] - before[1]))" "0 2"
	neigh "$family" 102 $MAC_FENCE
}

test_mac() # the server has another MAC address
{
	local family proto fwd rev

	for family in 4 6; do
		for proto in udp tcp; do
			fresh
			start $proto
			leaves "$proto" neigh $family 100 $MAC_OTHER
			arrive "$proto" xdmac=$MAC_OTHER
		done
	done
}

test_mac_client() # ... or the client, for the way back
{
	local family fwd rev

	for family in 4 6; do
		fresh
		start
		leaves "client" ip -n "$router" neigh replace \
			"$(addr_of $family 1 100)" dev rc lladdr $MAC_OTHER \
			nud permanent
		check "IPv$family back" \
			"$(frames_back "${rev[@]}" n=$N xdmac=$MAC_OTHER)" \
			"$(got)"
		ip -n "$router" neigh replace "$(addr_of $family 1 100)" \
			dev rc lladdr $MAC_CLIENT nud permanent
	done
}

# is_offloaded: the connection is in the flowtable, which hides its time
is_offloaded()
{
	ip netns exec "$router" conntrack -L -p udp 2> /dev/null |
		grep -q 'udp  *17 src='
}

until_not()
{
	! "$@"
}

# Garbage collection comes along once a second.
test_slow_destroy() # what leaves hardware slowly does not disturb what comes
{
	local family=4 fwd rev end lost=0

	fresh
	start
	flow_knob del_delay_ms 500
	neigh 4 100 $MAC_OTHER
	check_wait "leaves" 5 until_not is_offloaded
	frames "${fwd[@]}" xdmac=$MAC_OTHER > /dev/null
	end=$(($(timestamp_ms) + 3000))
	while [ "$(timestamp_ms)" -lt $end ]; do
		is_offloaded || lost=$((lost + 1))
	done
	check "times that it is not offloaded" $lost 0
	flow_knob del_delay_ms 0
	check_wait "status" 20 hw_status_is ipv4 1
	check "entries" "$(wait_offload 1)" ""
}

test_mac_software() # ... for connections that hardware refused
{
	local family fwd rev

	hw_tc_offload off rc rs
	for family in 4 6; do
		fresh
		args udp
		open_flow udp
		snap
		check "IPv$family" "$(frames "${fwd[@]}" n=$N)" "$(got)"
		look
		check "IPv$family software" "$(delta soft.packets)" $N
		neigh $family 100 $MAC_OTHER
		check_wait "IPv$family new address" 5 arrives $MAC_OTHER
	done
	hw_tc_offload on rc rs
}

arrives()
{
	[ "$(frames "${fwd[@]}" n=$N "xdmac=$1")" = "$(got)" ]
}

test_failed() # the server does not answer any more
{
	local family fwd rev

	for family in 4 6; do
		fresh
		start
		leaves "failed" ip -n "$router" neigh replace \
			"$(addr_of $family 2 100)" dev rs nud failed
		check "IPv$family frames" \
			"$(frames "${fwd[@]}" n=$N | sed 's/ icmp=.*//')" \
			"sent=$N received=0 bad=0 tap=0"
	done
}

# Each state change is an event, as for most neighbours twice a minute.
test_same() # the same server, confirmed and not
{
	local family fwd rev state

	for family in 4 6; do
		fresh
		start
		for state in stale reachable noarp stale permanent; do
			fence neigh $family 100 $MAC_SERVER $state
		done
	done
}

# until_destroyed N: as slowwait, but without a process to wait for
until_destroyed()
{
	local end=$((SECONDS + 5)) lines

	while [ $SECONDS -lt $end ]; do
		mapfile -t lines < "$FLOW_DEBUGFS/counters"
		[[ " ${lines[*]} " != *" destroy $1 "* ]] || return
		read -rt 0.01 -u "$NEVER"
	done
	return 1
}

# ten HOST: changes of the MAC address of 10.0.2.HOST; prints how many ms they
# take, until none of its connections is in hardware
ten()
{
	local fwd rev mac i time=0 start

	args udp
	for i in 0 1 2 3 4 5 6 7 8 9; do
		mac=${MAC_OTHER%?}$i
		open_flow udp
		wait_offload 1 > /dev/null
		start=${EPOCHREALTIME/.}
		neigh "$family" "$1" "$mac"
		[ "$1" != 100 ] || until_destroyed $(($2 + i * 2 + 2))
		time=$((time + (${EPOCHREALTIME/.} - start) / 1000))
	done
	echo $time
}

# Five seconds, were it for the tick of garbage collection. What the commands
# take is known from a neighbour that has no connection, unless something else
# takes the machine's time: so once of three times is enough.
test_at_once() # ten changes take less than two seconds
{
	local family=4 time idle

	fresh
	for _ in 1 2 3; do
		idle=$(ten 101 0)
		time=$(ten 100 "$(flow_counter destroy)")
		ktap_print_msg "$time ms, and $idle ms if nobody cares"
		[ $((time - idle)) -ge 2000 ] || break
	done
	check_true "time" [ $((time - idle)) -lt 2000 ]
}

# With connections to a net behind a gateway, which is $net from here on.
start_far()
{
	fresh
	net=$(addr_of "$family" 9 0)/$((family == 4 ? 24 : 64))
	router_ip route add "$net" via "$(addr_of "$family" 2 100)"
	start
}

test_gateway() # another gateway
{
	local family fwd rev net FAR=9

	for family in 4 6; do
		start_far
		leaves "gateway" router_ip route replace "$net" \
			via "$(addr_of $family 2 101)"
		arrive "gateway" xdmac=$MAC_OTHER
		leaves "its address" neigh $family 101 $MAC_FENCE
		arrive "its address" xdmac=$MAC_FENCE
		router_ip route del "$net"
	done
}

test_port() # a more specific route, by another port, and back
{
	local family fwd rev net PORT BACK FAR=9

	for family in 4 6; do
		fresh
		net=$(addr_of $family 9 0)/$((family == 4 ? 24 : 64))
		PORT=rs BACK=()
		router_ip route add "$net" via "$(addr_of $family 2 100)"
		start
		leaves "other port" router_ip route add \
			"$(addr_of $family 9 100)" \
			via "$(addr_of $family 3 100)"
		PORT=r3
		BACK=("tx=$third:t0" "smac=$MAC_THIRD" "dmac=$MAC_R3")
		arrive "other port" rx="$third:t0" xsmac=$MAC_R3 \
			xdmac=$MAC_THIRD
		PORT=rs BACK=()
		leaves "back" router_ip route del "$(addr_of $family 9 100)"
		arrive "back"
		router_ip route del "$net"
	done
}

test_blackhole() # a route that drops
{
	local family fwd rev

	for family in 4 6; do
		fresh
		start
		leaves "blackhole" router_ip route add blackhole \
			"$(addr_of $family 2 100)"
		snap
		check "IPv$family frames" \
			"$(frames "${fwd[@]}" n=$N | sed 's/ icmp=.*//')" \
			"sent=$N received=0 bad=0 tap=0"
		check_deltas rc.punt_miss=$N punted.packets=$N
		router_ip route del blackhole "$(addr_of $family 2 100)"
		arrive "no blackhole"
	done
}

test_rule() # a rule for the client
{
	local family fwd rev

	for family in 4 6; do
		fresh
		start
		router_ip -$family route add default table 99 \
			via "$(addr_of $family 2 101)"
		leaves "rule" router_ip -$family rule add table 99 \
			from "$(addr_of $family 1 100)"
		arrive "rule" xdmac=$MAC_OTHER
		leaves "no rule" router_ip -$family rule del table 99 \
			from "$(addr_of $family 1 100)"
		arrive "no rule"
		router_ip -$family route flush table 99
	done
}

test_nexthop() # a nexthop object that becomes another
{
	local family fwd rev net FAR=9

	if ! router_ip nexthop list > /dev/null 2>&1; then
		skip "ip has no nexthop objects"
		return
	fi
	for family in 4 6; do
		fresh
		net=$(addr_of $family 9 0)/$((family == 4 ? 24 : 64))
		router_ip -$family nexthop add id 7 dev rs \
			via "$(addr_of $family 2 100)"
		router_ip -$family route add "$net" nhid 7
		start
		leaves "nexthop" \
			router_ip -$family nexthop replace id 7 dev rs \
			via "$(addr_of $family 2 101)"
		arrive "nexthop" xdmac=$MAC_OTHER
		router_ip nexthop del id 7
	done
}

# A connection stays with its next hop, as long as it is one of the route's.
test_multipath() # one more next hop, and one less
{
	local family fwd rev net FAR=9

	for family in 4 6; do
		start_far
		fence router_ip route replace "$net" \
			nexthop via "$(addr_of $family 2 101)" \
			nexthop via "$(addr_of $family 2 100)"
		leaves "less" router_ip route replace "$net" \
			via "$(addr_of $family 2 101)"
		arrive "less" xdmac=$MAC_OTHER
		router_ip route del "$net"
	done
}

test_linkdown() # ... and that one has no link
{
	local family fwd rev net PORT BACK FAR=9

	ip netns exec "$router" sysctl -wq \
		net.ipv4.conf.all.ignore_routes_with_linkdown=1 \
		net.ipv6.conf.all.ignore_routes_with_linkdown=1
	for family in 4 6; do
		fresh
		net=$(addr_of $family 9 0)/$((family == 4 ? 24 : 64))
		router_ip route add "$net" via "$(addr_of $family 2 100)"
		PORT=rs BACK=()
		start
		fence router_ip route replace "$net" \
			nexthop via "$(addr_of $family 3 100)" \
			nexthop via "$(addr_of $family 2 100)"
		leaves "no link" ip -n "$server" link set s0 down
		PORT=r3
		BACK=("tx=$third:t0" "smac=$MAC_THIRD" "dmac=$MAC_R3")
		arrive "no link" rx="$third:t0" xsmac=$MAC_R3 xdmac=$MAC_THIRD
		host_setup "$server" s0 2 2 2> /dev/null
		route_setup "$server" 2 2> /dev/null
		slowwait 5 carrier_is "$router" rs 1
		router_ip route del "$net"
	done
	ip netns exec "$router" sysctl -wq \
		net.ipv4.conf.all.ignore_routes_with_linkdown=0 \
		net.ipv6.conf.all.ignore_routes_with_linkdown=0
}

many()
{
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$client" bash -c '
		for ((port = 10000; port < 10000 + $2; port++)); do
			exec 3> "/dev/udp/$1/$port"
			printf x >&3
			printf x >&3
		done' many "$@"
}

# Frames to 10.0.2.100, whom nobody has and so nobody answers
test_unrelated() # 10000 connections and a route that is none of theirs
{
	local max family

	fresh
	max=$(sysctl -n net.netfilter.nf_conntrack_max)
	sysctl -wq net.netfilter.nf_conntrack_max=65536
	flow_timeout udp 36000
	many 10.0.2.100 $((MANY / 2))
	many 2001:db8:2::100 $((MANY / 2))
	check "in hardware" "$(slowwait 60 flow_entries_are $((MANY * 2)))" ""
	for family in 4 6; do
		fence router_ip route add "$(addr_of $family 99 1)" \
			via "$(addr_of $family 2 101)"
		fence router_ip route del "$(addr_of $family 99 1)"
		fence router_ip -$family rule add \
			from "$(addr_of $family 99 1)" table 99
		fence router_ip -$family rule del \
			from "$(addr_of $family 99 1)" table 99
		fence neigh $family 101 $MAC_FENCE
	done
	flow_flush
	slowwait 60 flow_entries_are 0 > /dev/null
	sysctl -wq net.netfilter.nf_conntrack_max="$max"
}

# The last: rs and r3 are ports of a bridge then.
bridge_setup()
{
	local dev

	[ -z "$NEIGH_DEV" ] || return
	router_ip link add br0 address $MAC_RS type bridge
	for dev in rs r3; do
		router_ip addr flush dev $dev
		router_ip link set $dev master br0
	done
	host_setup "$router" br0 2 1
	NEIGH_DEV=br0
}

test_roam() # the server is behind another port of the bridge
{
	local family fwd rev PORT BACK here

	bridge_setup
	for family in 4 6; do
		fresh
		here=src=$(addr_of $family 2 100)
		PORT=rs BACK=()
		says "$here"
		start
		PORT=r3 BACK=("tx=$third:t0")
		leaves "roams" says "$here" "${BACK[@]}"
		arrive "roams" rx="$third:t0"
		PORT=rs BACK=()
		leaves "returns" says "$here"
		arrive "returns"
	done
}

test_learn() # a bridge that learns others, and loses a port
{
	local family fwd rev

	bridge_setup
	for family in 4 6; do
		fresh
		says "src=$(addr_of $family 2 100)"
		says "src=$(addr_of $family 2 102)" smac=$MAC_FENCE
		start
		fence says "src=$(addr_of $family 2 103)" tx="$third:t0" \
			smac=$MAC_THIRD
		says "src=$(addr_of $family 2 102)" smac=$MAC_FENCE
		fence router_ip link set r3 down
		router_ip link set r3 up
	done
}

exec {NEVER}<> <(:)
flow_require nft ethtool conntrack
flow_setup rc rs r3
hw_tc_offload on rc rs r3
flow_run
