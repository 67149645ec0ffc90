#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections that hardware tracks when there is no memory: each allocation that
# workers make to claim a connection fails once, so do those for DESTROY of one
# that hardware has reported as expired. What nobody claims hardware forwards
# all the same, and the core asks for statistics.

# shellcheck source-path=SCRIPTDIR source=flow_track_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_track_lib.sh"

export FLOW_MODE=track

is_claimed()
{
	[ "$(conn_counter claimed)" -gt "$1" ]
}

# A connection that comes, is claimed if there is memory, and goes.
track_life()
{
	local claimed fwd rev

	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $SPORT $DPORT)"
	claimed=$(conn_counter claimed)
	open_flow udp
	loopy_wait "sleep 0.1" 1000 is_claimed "$claimed" > /dev/null
	ip netns exec "$router" conntrack -D -p udp > /dev/null 2>&1
	check "removed" "$(slowwait 10 flow_entries_are 0)" ""
}

test_workers() # REPLACE and DESTROY in driver and core
{
	local fwd module unclaimed

	for module in flow_ft nf_flow_table; do
		empty
		flow_ruleset "rc, rs"
		unclaimed=$(conn_counter unclaimed)
		each_nth $module fail_workers nothing true track_life
		check_true "some could not be claimed" \
			[ "$(conn_counter unclaimed)" -gt "$unclaimed" ]
		empty
		works afterwards
	done
}

hits_move()
{
	look
	[ "$(delta rc.hit)" -gt 0 ]
}

# Packets offer it again, and for a moment it is not in hardware then.
test_claim() # a connection that cannot be claimed goes to hardware without
{
	local fwd claimed stats unclaimed

	empty
	flow_timeout udp 10
	flow_ruleset "rc, rs"
	claimed=$(conn_counter claimed)
	unclaimed=$(conn_counter unclaimed)
	stats=$(flow_counter stats)
	# One for each direction
	fail_always nf_flow_table:nf_flow_hw_snapshot 2
	check "offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	check_true "failed" fail_fired
	fail_off
	check "claimed" "$(conn_counter claimed)" "$claimed"
	check "unclaimed" "$(conn_counter unclaimed)" $((unclaimed + 2))
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" \
		"sent=$N received=$N bad=0 tap=0 icmp=0"
	check_true "in hardware" hits_move
	check_wait "asked" 20 until_counter_is "> $stats" flow_counter stats
	works afterwards
	check_true "claimed again" is_claimed "$claimed"
}

# The report itself queues DESTROY, and the gc does if that could not be.
test_report() # one that has expired leaves when there is memory again
{
	local destroy times fwd

	for times in 1 3; do
		empty
		flow_timeout udp 10
		flow_ruleset "rc, rs"
		check "offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
		destroy=$(flow_counter destroy)
		fail_always nf_flow_table:nf_flow_offload_work_alloc $times
		flow_knob fake_idle_ms 20000
		check_wait "$times failed" 20 fail_fired
		fail_off
		check_wait "$times: removed" 10 flow_entries_are 0
		check "$times: DESTROY" "$(flow_counter destroy)" \
			$((destroy + 2))
	done
	works afterwards
}

# Whoever has left hardware cannot offer it.
test_waits() # a flow that waits for another one is offered by its next packet
{
	local claimed refused replace

	waiting
	fail_always nf_flow_table:nf_flow_offload_work_alloc 1
	slow_removal 0
	check_wait "failed" 20 fail_fired
	fail_off
	check_wait "removed" 10 flow_entries_are 0
	check "offered" "$(flow_counter replace)" "$replace"
	check_wait "again" 10 comes_back "$claimed" seq=13 ack=13
	check "refused" "$(flow_refused match)" "$refused"
	works afterwards
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

# shellcheck source-path=SCRIPTDIR source=flow_failslab.sh
source "$(dirname "$(readlink -e "$0")")/flow_failslab.sh"
