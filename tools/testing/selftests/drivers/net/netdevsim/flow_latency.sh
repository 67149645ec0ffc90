#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# How soon conntrack knows that a TCP connection is closed: the handshake of FIN
# is done, or a RST went by, in hardware that tracks connections, and in such
# that leaves the flags to the CPU.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=100
LIFE=3

# latency COMMAND: prints the answer
latency()
{
	local answer

	echo "$*" >&"${LATENCY[1]}" &&
		read -r -t 120 answer <&"${LATENCY[0]}"
	echo "${answer:-no answer}"
}

# field NAME ANSWER
field()
{
	sed -n "s/.*\<$1=\([0-9]*\).*/\1/p" <<< "$2"
}

conns_run()
{
	[ "$(grep -c ' phase=run ' "$FLOW_DEBUGFS/conns")" = "$1" ]
}

# opened MODE FIRST: so many connections in hardware
opened()
{
	flow_flush
	slowwait 20 flow_entries_are 0 > /dev/null
	flow_knob mode "$1"
	flow_ruleset "rc, rs"
	check "$1: opened" "$(latency open "$2" $N)" "opened=$N"
	check "$1: in hardware" "$(slowwait 20 flow_entries_are $((2 * N)))" ""
	[ "$1" = punt ] ||
		check_wait "$1: are the hardware's" 20 conns_run $N
}

# at_most_ticks WHAT N US TICK
at_most_ticks()
{
	[ "$KSFT_MACHINE_SLOW" = yes ] || (($3 <= $2 * $4)) ||
		check "$1: us" "$3" "$(($2 * $4)) or less"
}

closes_soon()
{
	local said

	flow_timeout both 600
	opened track "$2"
	said=$(latency close "$1" "$2" $N 5000)
	ktap_print_msg "track $1: $said"
	check "$1: closed" "$(field closed "$said")" $N
	check "$1: other states" "$(field other "$said")" 0
	at_most_ticks "$1: median" 2 "$(field median_us "$said")" \
		"$(field tick_us "$said")"
	check_wait "$1: leaves hardware" 20 flow_entries_are 0
}

test_fin() # both FIN and the last ACK went by in hardware: TIME_WAIT
{
	closes_soon fin 0
}

test_rst() # a RST went by in hardware: CLOSE
{
	closes_soon rst $N
}

test_reopen() # 1 ms after the last frame the same ports open a new connection
{
	local how

	flow_timeout both 600
	for how in fin rst; do
		opened track $((2 * N))
		check "after $how" "$(latency reopen $how $((2 * N)) $N)" \
			"opened=$N"
		check_wait "in hardware again" 20 conns_run $N
	done
}

# What they are compared with; what a core does that asks for statistics.
test_punt() # flags are left to the CPU: when the flow times out
{
	local how said first=$((3 * N))

	for how in fin rst; do
		flow_timeout both 600
		opened punt $first
		flow_timeout both $LIFE
		said=$(latency close $how $first $N 0)
		ktap_print_msg "punt $how: $said"
		check "$how: closed some time" "$(field closed "$said")" $N
		first=$((first + N))
	done
}

latency_cleanup()
{
	local pid=$LATENCY_PID fd=${LATENCY[1]}

	exec {fd}>&-
	wait "$pid"
	flow_cleanup
}

flow_require nft ethtool conntrack
[ -x "$flow_dir/flow_latency" ] || flow_skip "flow_latency is not built"
flow_setup rc rs
[ -w "$FLOW_DEBUGFS/mode" ] || flow_skip "netdevsim does not track connections"
hw_tc_offload on rc rs
coproc LATENCY {
	exec "$flow_dir/flow_latency" "$client:c0" "$server:s0" "$router"
}
trap latency_cleanup EXIT
flow_run
