#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The numbers that conntrack has of a connection when it leaves hardware: all of
# them, to the last packet, and only if somebody wants them.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=60
SPORT=4000
DPORT=5000

# The core does not ask for numbers before a tenth of the timeout is over.
fresh()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_timeout both 3000
	flow_ruleset "rc, rs"
}

# acct PROTO: packets and bytes of the only such connection, by direction
acct()
{
	ip netns exec "$router" conntrack -L -p "$1" 2> /dev/null |
		grep -o 'packets=[0-9]* bytes=[0-9]*' | tr -dc '0-9\n ' |
		paste -sd ' '
}

# hardware PROTO: N packets one way and N/2 back, which nobody has asked for
hardware()
{
	local want fwd rev hdr=28

	[ "$1" = udp ] || hdr=40
	read -ra fwd <<< "$(fwd_args 4 "$1" $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 "$1" $SPORT $DPORT)"
	check "offload" "$(offload_flow 4 "$1" $SPORT $DPORT)" ""
	read -ra want <<< "$(acct "$1")"
	snap
	frames "${fwd[@]}" n=$N len=100 > /dev/null
	frames_back "${rev[@]}" n=$((N / 2)) len=100 > /dev/null
	check_deltas rc.hit=$N rs.tx=$N rs.hit=$((N / 2)) rc.tx=$((N / 2))
	check "not asked for" "$(acct "$1")" "${want[*]}"
	((want[0] += N, want[1] += N * (hdr + 100)))
	((want[2] += N / 2, want[3] += N * (hdr + 100) / 2))
	WANT=${want[*]}
}

gone()
{
	check "leaves hardware" "$(slowwait 10 flow_entries_are 0)" ""
}

# Down and up again: addresses of IPv6 and the neighbours are lost.
bounce()
{
	ip -n "$router" link set "$1" down
	gone
	ip -n "$router" link set "$1" up
	neigh_setup "$router" rs 2 2 2
	neigh_setup "$router" rs 2 100 2
	check "carrier" "$(slowwait 5 carrier_is "$server" s0 1)" ""
}

test_last_down() # all packets are counted when the port goes down
{
	local WANT

	fresh
	hardware udp
	bounce rs
	check "conntrack" "$(acct udp)" "$WANT"
}

test_last_closed() # ... and when the connection is closed
{
	local WANT want fwd

	fresh
	hardware tcp
	read -ra fwd <<< "$(fwd_args 4 tcp $SPORT $DPORT)"
	read -ra want <<< "$WANT"
	frames "${fwd[@]}" flags=04 seq=$((N * 100)) len=12 \
		> /dev/null
	gone
	# The RST went through the software flowtable.
	((want[0] += 1, want[1] += 52))
	check "conntrack" "$(acct tcp)" "${want[*]}"
}

test_last_unbound() # ... and when the flowtable goes
{
	local WANT

	fresh
	hardware udp
	ip netns exec "$router" nft flush ruleset
	check "conntrack" "$(acct udp)" "$WANT"
}

test_not_counted() # nobody asks for numbers that nobody wants
{
	local stats

	flow_flush
	flow_timeout both 3000
	ip netns exec "$router" nft -f - <<-RULES
		table inet fast {
			flowtable ft {
				hook ingress priority 0
				devices = { rc, rs }
				flags offload
			}
			chain forward {
				type filter hook forward priority 0
				meta l4proto { tcp, udp } flow add @ft
			}
		}
	RULES
	stats=$(flow_counter stats)
	check "offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	bounce rs
	check "asked for numbers" "$(flow_counter stats)" "$stats"
}

flow_require nft ethtool conntrack
flow_setup rc rs
hw_tc_offload on rc rs
flow_run
