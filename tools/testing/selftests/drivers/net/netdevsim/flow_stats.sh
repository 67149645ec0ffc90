#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Numbers of the flow table of a switch ASIC: they are those of conntrack, and
# no packet is missing or there twice whatever path it takes.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=60
SPORT=4000
DPORT=5000

# The third port has hw-tc-offload off: what comes in there, the software
# flowtable forwards. Port 10 is closed.
ruleset()
{
	flow_flush
	flow_ruleset "rc, rs, r3" "
		counter closed { }
		chain close {
			type filter hook forward priority -10
			th dport 10 counter name closed drop
		}
		$1"
}

# acct FAMILY PROTO: packets and bytes of the only such connection, by direction
acct()
{
	ip netns exec "$router" conntrack -L -f "ipv$1" -p "$2" 2> /dev/null |
		grep -o 'packets=[0-9]* bytes=[0-9]*' | tr -dc '0-9\n ' |
		paste -sd ' '
}

acct_is()
{
	[ "$(acct "$1" "$2")" = "$3" ]
}

# What the table says, by source port
entry_packets()
{
	sed -n "s/.* sport=$1 .* packets=\([0-9]*\) .*/\1/p" \
		"$FLOW_DEBUGFS/entries"
}

accounting()
{
	local family=$1 proto=$2 l3 hdr=8 fwd rev want i len

	ruleset
	read -ra fwd <<< "$(fwd_args "$family" "$proto" $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args "$family" "$proto" $SPORT $DPORT)"
	[ "$proto" = udp ] || hdr=20
	l3=$((hdr + 20 * (family / 2 - 1)))
	check "offload" "$(offload_flow "$family" "$proto" $SPORT $DPORT)" ""
	read -ra want <<< "$(acct "$family" "$proto")"
	for len in 12 64 1000; do
		frames "${fwd[@]}" n=$N len=$len -- "${TO_CLIENT[@]}" \
			"${rev[@]}" n=$((N / 2)) len=$len > /dev/null
		((want[0] += N, want[1] += N * (l3 + len)))
		((want[2] += N / 2, want[3] += (l3 + len) * N / 2))
	done
	check "entry" "$(entry_packets $SPORT)" $((3 * N))
	check "entry back" "$(entry_packets $DPORT)" $((3 * N / 2))
	slowwait 15 acct_is "$family" "$proto" "${want[*]}"
	check "IPv$family $proto" "$(acct "$family" "$proto")" "${want[*]}"
}

test_accounting() # conntrack accounts what hardware forwards
{
	local family

	flow_timeout both 30
	for family in 4 6; do
		accounting $family udp
		accounting $family tcp
	done
}

test_accounting_paths() # ... and adds what other paths forward of it
{
	local fwd packets=$((3 * N + 1)) want

	ruleset
	flow_timeout both 30
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	check "offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	snap
	frames "${fwd[@]}" n=$N -- \
		"${TO_SERVER[@]}" "${fwd[@]}" n=$N options > /dev/null
	hw_tc_offload off rc
	frames "${fwd[@]}" n=$N > /dev/null
	hw_tc_offload on rc
	check_deltas rc.hit=$N rs.tx=$N rc.punt_options=$N slow.packets=$N \
		rc.punt_disabled=$N soft.packets=$N punted.packets=$((2 * N))
	want="$packets $((packets * 92 + N * 8)) 1 92"
	slowwait 15 acct_is 4 udp "$want"
	check "accounting" "$(acct 4 udp)" "$want"
	# Once more, for what was told before is not told again.
	frames "${fwd[@]}" n=$N > /dev/null
	want="$((packets + N)) $(((packets + N) * 92 + N * 8)) 1 92"
	slowwait 15 acct_is 4 udp "$want"
	check "accounting, again" "$(acct 4 udp)" "$want"
}

frames_third()
{
	"$FLOW_FRAMES" tx="$third:t0" rx="$server:s0" \
		smac=$MAC_THIRD dmac=$MAC_R3 xsmac=$MAC_RS xdmac=$MAC_SERVER \
		xttl=63 src="$(addr_of "$1" 3 100)" \
		dst="$(addr_of "$1" 2 100)" "${@:2}"
}

# Run a command of frames in the background, its report goes to a file.
background()
{
	"$@" >> "$tmp" &
}

three_paths()
{
	local family fwd wait=wait=2000

	: > "$tmp"
	for family in 4 6; do
		read -ra fwd <<< "$(fwd_args $family udp $SPORT $DPORT)"
		background frames "${fwd[@]}" n=$N $wait
		background frames "${fwd[@]}" n=$((N / 2)) options $wait
		background frames "${fwd[@]}" n=$N sport=4001 dport=9 $wait
		background frames "${fwd[@]}" n=$((N / 3)) dport=10 wait=20
		background frames_third $family n=$N sport=$SPORT dport=$DPORT \
			$wait
	done
	wait
}

# conservation: of what three_paths sent since snap. Prints what is wrong.
conservation()
{
	local sent received bad forwarded drops

	look
	sent=$(sed 's/^sent=\([0-9]*\).*/\1/' "$tmp" | paste -sd +)
	received=$(sed 's/.*received=\([0-9]*\).*/\1/' "$tmp" | paste -sd +)
	bad=$(sed 's/.*bad=\([0-9]*\).*/\1/' "$tmp" | paste -sd +)
	forwarded=$(($(delta rs.tx) + $(delta soft.packets) +
		$(delta slow.packets)))
	drops=$(($(delta rs.drop_egress_full) + $(delta closed.packets)))
	[ $((sent)) = $((forwarded + drops)) ] ||
		echo "sent $((sent)), accounted $((forwarded + drops))"
	[ $((received)) = "$forwarded" ] ||
		echo "received $((received)), forwarded $forwarded"
	[ $((bad)) = 0 ] || echo "bad $((bad))"
}

# prepare [RULES]: connections on all paths, idle
prepare()
{
	local family

	ruleset "$1"
	flow_timeout udp 600
	for family in 4 6; do
		offload_flow $family udp $SPORT $DPORT
		frames_third $family sport=$SPORT dport=$DPORT -- \
			tx="$server:s0" rx="$third:t0" \
			smac=$MAC_SERVER dmac=$MAC_RS \
			xsmac=$MAC_R3 xdmac=$MAC_THIRD xttl=63 \
			src="$(addr_of $family 2 100)" sport=$DPORT \
			dst="$(addr_of $family 3 100)" dport=$SPORT > /dev/null
		# The two of rc and rs, and the one from rs to r3
		slowwait "$WAIT_TIMEOUT" flow_entries_are \
			$((family == 4 ? 3 : 6)) > /dev/null
	done
	check "entries" "$(flow_counter entries)" 6
	snap
}

# all LOST-HW LOST-SOFT LOST-SLOW: every path has carried what it should
all_paths()
{
	look
	check "hardware" "$(delta rs.tx)" $((2 * N - $1))
	check "software" "$(delta soft.packets)" $((2 * N - $2))
	check "slow path" "$(delta slow.packets)" $((3 * N - $3))
	check "closed" "$(delta closed.packets)" $((2 * (N / 3)))
}

test_conservation() # sent = hardware + software + slow path + drops by reason
{
	prepare
	three_paths
	check "conservation" "$(conservation)" ""
	all_paths 0 0 0
	check "hits" "$(delta rc.hit)" $((2 * N))
	check "reports" "$(wc -l < "$tmp")" 10
}

test_conservation_full() # ... with a queue in hardware that overflows
{
	prepare
	flow_knob egress_queue_len 0
	three_paths
	flow_knob egress_queue_len 192
	check "conservation" "$(conservation)" ""
	look
	check "drops" "$(delta rs.drop_egress_full)" $((2 * N))
}

# caught PATH: the check is about a single packet, and sees it
caught()
{
	check "$1" "$(conservation)" "sent $sent, accounted $((sent - 1))"
}

test_loss_hardware() # a packet lost in hardware is missed
{
	local sent=$((2 * (3 * N + N / 2 + N / 3)))

	prepare
	flow_knob lose_hits 1
	three_paths
	caught hardware
	all_paths 1 0 0
}

test_loss_software() # a packet lost by the software flowtable is missed
{
	local sent=$((2 * (3 * N + N / 2 + N / 3)))

	prepare
	ip netns exec "$router" nft -f - <<-RULES
		table netdev lose {
			chain soft {
				type filter hook egress \
					devices = { rs } priority -10
				meta mark 0 udp dport $DPORT \
					limit rate 1/day burst 1 packets drop
			}
		}
	RULES
	three_paths
	caught software
	all_paths 0 1 0
}

test_loss_slow() # a packet lost by the stack is missed
{
	local sent=$((2 * (3 * N + N / 2 + N / 3)))

	prepare "chain lose {
			type filter hook prerouting priority -400
			udp dport 9 limit rate 1/day burst 1 packets drop
		}"
	three_paths
	caught "slow path"
	all_paths 0 0 1
}

tmp=$(mktemp)
flow_require nft ethtool conntrack
trap 'flow_cleanup; rm -f "$tmp"' EXIT
flow_setup rc rs r3
neigh_setup "$router" r3 3 100 2
hw_tc_offload on rc rs
flow_run
