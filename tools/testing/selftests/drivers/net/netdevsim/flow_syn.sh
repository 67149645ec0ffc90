#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# TCP packets that open and close connections: what is in hardware, or in the
# software flowtable, must not keep them from conntrack, nor be lost by them.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000
FIN=11
RST=04
SYN=02
SYNACK=12
ENTRIES=

got()
{
	echo "sent=$N received=$N bad=0 tap=0 icmp=0"
}

# tcp_flow FAMILY: a connection, its frames in $fwd and $rev
tcp_flow()
{
	flow_flush
	flow_ruleset "rc, rs"
	read -ra fwd <<< "$(fwd_args "$1" tcp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args "$1" tcp $SPORT $DPORT)"
	open_flow tcp
	fwd+=(seq=13 ack=13)
	rev+=(seq=13 ack=13)
}

in_hardware()
{
	tcp_flow "$1"
	check "IPv$1 in hardware" "$(wait_offload 1)" ""
	replace=$(flow_counter replace)
	destroy=$(flow_counter destroy)
}

# Neither end has sent it, and its numbers are wrong.
test_forged_syn() # a SYN goes to conntrack, its connection stays in hardware
{
	local family fwd rev replace destroy

	for family in 4 6; do
		in_hardware $family
		snap
		check "IPv$family SYN" "$(frames "${fwd[@]}" n=$N \
			flags=$SYN seq=99 ack=0)" "$(got)"
		check_deltas rc.punt_tcp_flags=$N punted.packets=$N \
			slow.packets=$N
		snap
		check "IPv$family SYN back" "$(frames_back "${rev[@]}" n=$N \
			flags=$SYNACK seq=99 ack=77)" "$(got)"
		check_deltas rs.punt_tcp_flags=$N punted.packets=$N \
			slow.packets=$N
		snap
		check "IPv$family" "$(frames "${fwd[@]}" n=$N)" "$(got)"
		check_deltas rc.hit=$N rs.tx=$N
		check "IPv$family entries" "$(flow_counter entries)" 2
		check "IPv$family replace" "$(flow_counter replace)" "$replace"
		check "IPv$family destroy" "$(flow_counter destroy)" "$destroy"
		check_wait "IPv$family status" 5 \
			hw_status_is ipv$family 1
	done
}

test_forged_syn_soft() # ... and in the software flowtable, if it is only there
{
	local family fwd rev

	hw_tc_offload off rc rs
	for family in 4 6; do
		tcp_flow $family
		snap
		check "IPv$family SYN" "$(frames "${fwd[@]}" n=$N \
			flags=$SYN seq=99 ack=0)" "$(got)"
		check_deltas rc.punt_disabled=$N punted.packets=$N \
			slow.packets=$N
		snap
		check "IPv$family" "$(frames "${fwd[@]}" n=$N)" "$(got)"
		check_deltas rc.punt_disabled=$N punted.packets=$N \
			soft.packets=$N
	done
	hw_tc_offload on rc rs
}

test_reopen() # after FIN or RST it opens the connection anew, in hardware again
{
	local flags fwd rev replace destroy

	for flags in $FIN $RST; do
		in_hardware 4
		frames "${fwd[@]}" flags="$flags" > /dev/null
		check "flags $flags leave hardware" \
			"$(slowwait 10 flow_entries_are 0)" ""
		read -ra fwd <<< "$(fwd_args 4 tcp $SPORT $DPORT)"
		read -ra rev <<< "$(rev_args 4 tcp $SPORT $DPORT)"
		open_flow tcp
		check "after flags $flags" "$(wait_offload 1)" ""
	done
}

# Without another process, as that takes its time.
entries_now()
{
	local name value

	while read -r name value; do
		[ "$name" != entries ] || ENTRIES=$value
	done < "$FLOW_DEBUGFS/counters"
}

open_eight()
{
	local i

	flow_flush
	flow_ruleset "rc, rs"
	for i in 1 2 3 4 5 6 7 8; do
		check "connection $i" \
			"$(offload_flow 4 tcp $((SPORT + i)) $DPORT)" ""
	done
}

# Garbage collection runs once a second. If that is what takes a connection out
# of hardware, the next one closes right afterwards, and has to wait. A look
# may come too early or too late on a busy machine, so not all have to be right.
test_close_at_once() # FIN and RST take a connection out of hardware at once
{
	local i left flags fwd rev gone=0

	open_eight
	for i in 1 2 3 4 5 6 7 8; do
		flags=$FIN
		((i % 2)) || flags=$RST
		left=$((16 - 2 * i))
		read -ra fwd <<< "$(fwd_args 4 tcp $((SPORT + i)) $DPORT) \
			seq=13 ack=13"
		frames "${fwd[@]}" flags="$flags" > /dev/null
		entries_now
		[ "$ENTRIES" != $left ] || ((gone++))
		check "connection $i" "$(slowwait 10 flow_entries_are $left)" ""
	done
	check_true "gone at once, of 8: $gone" [ "$gone" -ge 6 ]
}

# entries_within MS N: the table has N entries before MS milliseconds are over
entries_within()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000))

	while entries_now && [ "$ENTRIES" != "$2" ]; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return
	done
}

# delete_eight: how many of them have left within 300 ms is in $gone
delete_eight()
{
	local i left

	gone=0
	open_eight
	for i in 1 2 3 4 5 6 7 8; do
		left=$((16 - 2 * i))
		ip netns exec "$router" conntrack -D -p tcp \
			--orig-port-src $((SPORT + i)) > /dev/null 2>&1
		entries_within 300 $left && ((gone++))
		check "connection $i" "$(slowwait 10 flow_entries_are $left)" ""
	done
}

# As above; what looks for such connections has a rest of a tenth of a second,
# longer if something else had the CPU meanwhile.
test_delete_at_once() # a deleted connection leaves hardware at once
{
	local gone

	for _ in 1 2 3; do
		delete_eight
		[ "$gone" -lt 6 ] || break
	done
	check_true "gone at once, of 8: $gone" [ "$gone" -ge 6 ]
}

flow_require nft ethtool conntrack
flow_setup rc rs
hw_tc_offload on rc rs
flow_timeout both 600
flow_run
