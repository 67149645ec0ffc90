#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections that hardware tracks between ends that are far from each other:
# packets are on their way, in both directions, when a connection gets into
# hardware, is closed there, or is opened again. 20 ms from end to end and back:
#
#   client c0 --- rc router rs --- s0 server f1 --- f0 far, with what is s0's
#                                     flow_delay        else

# shellcheck source-path=SCRIPTDIR source=flow_track_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_track_lib.sh"

FLOW_DELAY=$flow_dir/flow_delay
FLOW_SHORT=$flow_dir/flow_short
DELAY_MS=10
STRICT=drop

far=

far_setup()
{
	setup_ns far || flow_skip "cannot make netns"
	ip -n "$server" link add f1 type veth peer name f0 netns "$far" ||
		flow_skip "no veth"
	ip -n "$server" addr flush dev s0
	ip -n "$server" link set f1 up
	host_setup "$far" f0 2 2
	route_setup "$far" 2
	# Who reads frames gets those that a wire would carry.
	offloads off "$far" f0
	ip netns exec "$far" ethtool -K f0 tx off > /dev/null
	ip netns exec "$client" ethtool -K c0 tx off > /dev/null
	"$FLOW_DELAY" "$server:s0" "$server:f1" $DELAY_MS > /dev/null &
	DELAY=$!
}

# tcp_states: of all connections but those that are closed
tcp_states()
{
	ip netns exec "$router" conntrack -L -p tcp "$@" 2> /dev/null |
		awk '$4 != "TIME_WAIT" && $4 != "CLOSE" {
			print $3 ~ /^[0-9]+$/ ? $4 : "hidden"
		}' | sort | uniq -c | xargs
}

all_closed()
{
	[ -z "$(tcp_states -f ipv4)$(tcp_states -f ipv6)" ]
}

# short FAMILY KEY=VALUE...: nothing is reset or stalls, and conntrack sees the
# end of all. Some are closed before they are claimed: then software has them,
# and hides their state, until they expire. $STRICT is a verdict for what
# conntrack takes for invalid.
short()
{
	local family=$1 n=300 said

	shift
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_timeout both 5
	flow_knob mode track
	flow_ruleset "rc, rs" "counter invalid { }
		chain strict {
			type filter hook forward priority -1
			ct state invalid counter name invalid $STRICT
		}"
	snap
	said=$("$FLOW_SHORT" client="$client" server="$far" n=$n \
		dst="$(addr_of "$family" 2 2)" port=6000 "$@")
	ktap_print_msg "$* $said"
	check "$*" "${said% max_ms=*}" \
		"ok=$n reset=0 stalled=0 bad=0 failed=0"
	check_true "they took their time" \
		[ "${said##*=}" -ge $((4 * DELAY_MS)) ]
	check_wait "closed" 30 all_closed
	check "not closed" "$(tcp_states -f ipv4)$(tcp_states -f ipv6)" ""
	check_wait "leave hardware" 10 flow_entries_are 0
	look
	ktap_print_msg "hardware $(delta rc.hit) $(delta rs.hit)" \
		"slow $(delta slow.packets) soft $(delta soft.packets)"
	check_true "most of it in hardware" \
		[ $(($(delta rc.hit) + $(delta rs.hit))) -gt \
		$(($(delta slow.packets) + $(delta soft.packets))) ]
	[ "$STRICT" = accept ] || check "invalid" "$(delta invalid.packets)" 0
	check "stale" "$(conn_counter reports_stale)" 0
}

test_short() # many short connections, closed by one end or the other
{
	local family

	for family in 4 6; do
		short $family jobs=16 size=60000
	done
}

test_tiny() # ... that are over when they have hardly got into hardware
{
	short 4 jobs=16 size=3000 close=server
}

# The server is the one that is in TIME_WAIT, so the client may. What is late of
# the old connection meets the new one, which conntrack alone takes amiss too.
test_reuse() # ... with the same ports again and again
{
	ip netns exec "$client" sysctl -wq \
		net.ipv4.ip_local_port_range="40000 40015"
	STRICT=accept
	short 4 jobs=8 size=60000 close=server
	STRICT=drop
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

DELAY=
tainted=$(taint)
[ -x "$FLOW_DELAY" ] || flow_skip "flow_delay is not built"
[ -x "$FLOW_SHORT" ] || flow_skip "flow_short is not built"
track_setup
cleanup()
{
	[ -z "$DELAY" ] || kill "$DELAY"
	flow_cleanup
}

trap cleanup EXIT
far_setup
flow_run
