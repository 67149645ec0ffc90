#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What hardware hears of a flow is in order: it comes, is asked for its numbers,
# and goes. Who is gone does not come back, and nobody asks for him.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

SPORT=4000
DPORT=5000
QUEUE=/sys/devices/virtual/workqueue/nf_ft_offload_add/max_active

fresh()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_timeout both 1000
	flow_ruleset "rc, rs"
}

# Each STATS is for two directions, of two ports: of these one has the entry at
# most.
stats_rose()
{
	[ "$(flow_counter stats)" -ge $((stats + 2)) ]
}

unknown_stats()
{
	awk '{ n[$1] = $2 } END { print n["stats_unknown"] - n["stats"] }' \
		"$FLOW_DEBUGFS/counters"
}

# tick: the core has been through the table, for the flow of UDP has been asked
# for its numbers. So are flows that have less than nine tenths of the timeout
# left.
tick()
{
	local stats

	stats=$(flow_counter stats)
	((CLOCK *= 2))
	flow_timeout udp "$CLOCK"
	check_wait "tick" 20 stats_rose
}

reset()
{
	local fwd

	read -ra fwd <<< "$(fwd_args 4 tcp "$1" $DPORT)"
	frames "${fwd[@]}" flags=04 > /dev/null
}

test_stats_after_destroy() # nobody asks for the numbers of a closed connection
{
	local CLOCK=1000 unknown

	fresh
	check "clock" "$(offload_flow 4 udp 4999 $DPORT)" ""
	check "offload" "$(offload_flow 4 tcp $SPORT $DPORT)" ""
	reset $SPORT
	check "leaves hardware" "$(slowwait 10 flow_entries_are 2)" ""
	unknown=$(unknown_stats)
	flow_timeout tcp 2000
	tick
	tick
	check "unknown" $(($(unknown_stats) - unknown)) 0
	check_true "still in the flowtable" in_flowtable
}

in_flowtable()
{
	ip netns exec "$router" conntrack -L -p tcp 2> /dev/null |
		grep -q OFFLOAD
}

# queued COMMAND...: is over before its turn has come. There is one worker, and
# it is busy with the two entries of port 4001 until COMMAND has run. Meanwhile
# the counters of the table cannot be read.
queued()
{
	local fwd rev active replace begin

	fresh
	read -r active < $QUEUE
	echo 1 > $QUEUE
	flow_knob add_delay_ms 15000
	replace=$(flow_counter replace)
	begin=$(timestamp_ms)
	start udp 4001
	start tcp $SPORT
	"$@"
	check_true "busy" [ $(($(timestamp_ms) - begin)) -lt 30000 ]
	start udp 4002
	flow_knob add_delay_ms 0
	check "those before and after" "$(slowwait 60 installed 4001 4002)" ""
	check "replace" $(($(flow_counter replace) - replace)) 4
	check "entry" "$(grep -c " proto=tcp " "$FLOW_DEBUGFS/entries")" 0
	echo "$active" > $QUEUE
}

start()
{
	read -ra fwd <<< "$(fwd_args 4 "$1" "$2" $DPORT)"
	read -ra rev <<< "$(rev_args 4 "$1" "$2" $DPORT)"
	open_flow "$1"
}

installed()
{
	local port

	for port; do
		[ "$(grep -c "port=$port " "$FLOW_DEBUGFS/entries")" = 2 ] ||
			return
	done
}

test_replace_closed() # a connection that is closed while it waits stays out
{
	queued reset $SPORT
}

delete()
{
	ip netns exec "$router" conntrack -D -p tcp > /dev/null 2>&1
}

test_replace_deleted() # ... and one that is deleted
{
	queued delete
}

# start_many: 20 connections
start_many()
{
	local port fwd rev

	for ((port = 4001; port <= 4020; port++)); do
		start udp $port
	done
}

unbind()
{
	ip netns exec "$router" nft flush ruleset
	check_true "they have gone" flow_entries_are 0
	check "orphans" "$(flow_counter unbind_orphans)" 0
	check "bindings" "$(flow_counter unbind)" "$(flow_counter bind)"
}

test_unbind_adding() # a flowtable goes while flows are on their way into it
{
	local active replace destroy delay=300

	# The last of them comes before the first ones are all in.
	[ "$KSFT_MACHINE_SLOW" != yes ] || delay=2000
	fresh
	replace=$(flow_counter replace)
	destroy=$(flow_counter destroy)
	read -r active < $QUEUE
	echo 1 > $QUEUE
	flow_knob add_delay_ms $delay
	start_many
	unbind
	flow_knob add_delay_ms 0
	echo "$active" > $QUEUE
	replace=$(($(flow_counter replace) - replace))
	check_true "some were in" [ $replace -gt 0 ]
	check_true "not all" [ $replace -lt 40 ]
	check "removed" $(($(flow_counter destroy) - destroy)) $replace
}

entries_are_less_than()
{
	[ "$(flow_counter entries)" -lt "$1" ]
}

test_unbind_removing() # ... or being removed
{
	fresh
	start_many
	check "in hardware" "$(slowwait 20 flow_entries_are 40)" ""
	slow_removal 100
	ip netns exec "$router" conntrack -D -p udp > /dev/null 2>&1
	check_wait "being removed" 10 entries_are_less_than 40
	check_true "not all yet" [ "$(flow_counter entries)" -gt 0 ]
	unbind
	slow_removal 0
}

# Two entries take 10 s each to come and to go, and the counters cannot be read
# meanwhile: whoever says "down" must have waited for all of it.
test_down_pending() # a port goes down: flows on their way into hardware too
{
	local fwd rev begin

	fresh
	flow_knob add_delay_ms 10000
	flow_knob del_delay_ms 10000
	begin=$(timestamp_ms)
	start udp $SPORT
	check_true "on its way" [ $(($(timestamp_ms) - begin)) -lt 10000 ]
	ip -n "$router" link set rs down
	check_true "DESTROY is over" [ $(($(timestamp_ms) - begin)) -ge 38000 ]
	flow_knob add_delay_ms 0
	flow_knob del_delay_ms 0
	check "entries" "$(flow_counter entries)" 0
}

flow_require nft ethtool conntrack
flow_setup rc rs
[ -w $QUEUE ] || flow_skip "the workqueues of nf_flow_table are not in sysfs"
hw_tc_offload on rc rs
flow_run
