#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How long connections live that hardware forwards: in the flowtable as long as
# there is traffic on whatever path, and in conntrack after that as long as
# their state says.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000

ct_timeout()
{
	ip netns exec "$router" sysctl -n "net.netfilter.nf_conntrack_$1"
}

fresh()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_timeout both 30
	flow_ruleset "rc, rs" "$1"
}

# ct_left PROTO: seconds that the only such connection has left; nothing while
# it is in the flowtable
ct_left()
{
	ip netns exec "$router" conntrack -L -p "$1" 2> /dev/null |
		awk '$3 ~ /^[0-9]+$/ { print $3 }'
}

has_left()
{
	[ -n "$(ct_left "$1")" ]
}

# check_left PROTO SEC: within the half minute that slow machines take
check_left()
{
	local left

	check_wait "$1: leaves the flowtable" 40 has_left "$1"
	left=$(ct_left "$1")
	if ! ((left <= $2 && left > $2 - 30)); then
		check "$1: seconds left" "$left" "$2"
	fi
}

# The first one: five minutes after boot jiffies wrap. Its time is over two
# minutes later, and hardware does not know it.
test_wrap() # the wrap of jiffies does not make a flow live longer
{
	local up

	if ! grep -q time-travel /proc/cmdline; then
		skip "needs time travel, for it takes seven minutes"
		return
	fi
	fresh
	flow_timeout tcp 400
	check "offload" "$(offload_flow 4 tcp $SPORT $DPORT)" ""
	read -r up _ < /proc/uptime
	check_true "before it" [ "${up%.*}" -lt 200 ]
	flow_knob evict 2
	check "evicted" "$(flow_counter entries)" 0
	sleep 390
	check_left tcp $(($(ct_timeout tcp_timeout_established) - 400))
}

test_leave() # who leaves the flowtable has the time of its state, not a day
{
	fresh
	check "offload" "$(offload_flow 4 tcp $SPORT $DPORT)" ""
	check "offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	check "hidden" "$(ct_left tcp)$(ct_left udp)" ""
	ip netns exec "$router" nft flush ruleset
	check_left tcp "$(ct_timeout tcp_timeout_established)"
	check_left udp "$(ct_timeout udp_timeout_stream)"
}

# expire PROTO SEC [CHAINS]: what is left of SEC when the flow has been idle
expire()
{
	fresh "$3"
	flow_timeout "$1" 15
	check "offload" "$(offload_flow 4 "$1" $SPORT $DPORT)" ""
	check_left "$1" $(($2 - 15))
}

test_expire() # ... less the time that it was idle
{
	expire tcp "$(ct_timeout tcp_timeout_established)"
	expire udp "$(ct_timeout udp_timeout_stream)"
}

test_policy() # ... of its timeout policy, if it has one
{
	expire tcp 7200 "ct timeout long {
			protocol tcp
			policy = { established : 7200 }
		}
		chain long {
			type filter hook prerouting priority -150
			meta l4proto tcp ct timeout set \"long\"
		}"
	expire udp 700 "ct timeout long {
			protocol udp
			policy = { unreplied : 500, replied : 700 }
		}
		chain long {
			type filter hook prerouting priority -150
			meta l4proto udp ct timeout set \"long\"
		}"
}

offload_gre()
{
	local fwd rev

	fresh "chain gre {
			type filter hook forward priority 1
			meta l4proto gre flow add @ft
		}"
	read -ra fwd <<< "$(fwd_args 4 gre 0 0)"
	read -ra rev <<< "$(rev_args 4 gre 0 0)"
	open_flow gre
	check "offload" "$(wait_offload 1)" ""
}

test_gre() # GRE: as others
{
	offload_gre
	ip netns exec "$router" nft flush ruleset
	check_left gre "$(ct_timeout gre_timeout_stream)"
}

# A packet by the slow path leaves the connection with the time of its state.
# The core gives it another day, as it does once a day has passed.
test_gre_lives() # GRE: stays in the flowtable
{
	local fwd rev stats

	offload_gre
	read -ra fwd <<< "$(fwd_args 4 gre 0 0)"
	frames "${fwd[@]}" n=$N options > /dev/null
	# It is asked for numbers, so the core has been through the table.
	flow_knob fake_idle_ms 20000
	stats=$(flow_counter stats)
	check_wait "counted" 20 stats_rose 4
	check_wait "status" 5 hw_status_is ipv4 1
	check "entries" "$(flow_counter entries)" 2
}

# Each STATS is for two directions, of two ports: of these one has the entry at
# most.
stats_rose()
{
	[ "$(flow_counter stats)" -ge $((stats + $1)) ]
}

# tick: the core has been through the table: it has found a connection that was
# deleted
tick()
{
	local destroy

	CLOCK=$((CLOCK + 1))
	check "tick" "$(offload_flow 4 tcp $CLOCK $DPORT)" ""
	destroy=$(flow_counter destroy)
	ip netns exec "$router" conntrack -D -p tcp --sport $CLOCK \
		> /dev/null 2>&1
	check_wait "tick" 20 until_counter_is ">= $((destroy + 2))" \
		flow_counter destroy
}

# not_asked WHAT: about the flow that hardware has. Those that are deleted are
# asked for once, both ways.
not_asked()
{
	local stats

	tick
	stats=$(flow_counter stats)
	tick
	tick
	check "$1: asked for numbers" $(($(flow_counter stats) - stats)) 4
}

# The flow has 1000 seconds left, of which hardware knows nothing since 500.
test_stale() # old times of hardware do not shorten the life of a flow
{
	local stats

	fresh
	CLOCK=20000
	flow_timeout both 1000
	check "offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	flow_knob fake_idle_ms 500000
	stats=$(flow_counter stats)
	flow_timeout udp 1200
	check_wait "asked" 20 stats_rose 4
	flow_timeout udp 900
	not_asked "old time"
	# A packet in hardware: 1400 seconds from now on.
	flow_knob fake_bytes 100
	stats=$(flow_counter stats)
	flow_timeout udp 1400
	check_wait "asked again" 20 stats_rose 2
	not_asked "new time"
}

flow_require nft ethtool conntrack
flow_setup rc rs
hw_tc_offload on rc rs
flow_run
