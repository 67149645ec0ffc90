# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Connections that the hardware of flow_lib.sh keeps state and timers of: how to
# get one there, and what conntrack and the hardware say of it. Sourced.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "${BASH_SOURCE[0]}")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000
LIFE=60
RULES=
STRICT="chain strict {
	type filter hook forward priority -1
	ct state invalid drop
}"
ACK=10
FINACK=11
RST=04
SYN=02
SYNACK=12
# Longer than it takes to look whether a flow waits, and to take it away
DEL_DELAY_MS=1500
[ "$KSFT_MACHINE_SLOW" != yes ] || DEL_DELAY_MS=6000

fwd=()
rev=()

# conn_is PHASE [STATE]: of the only connection in hardware
conn_is()
{
	grep -q " phase=$1 state=${2:-.*} " "$FLOW_DEBUGFS/conns"
}

# ct PROTO: the only connection as conntrack shows it
ct()
{
	local family

	for family in ipv4 ipv6; do
		ip netns exec "$router" conntrack -L -f $family -p "$1" \
			2> /dev/null
	done
}

ct_left()
{
	ct "$1" | awk '$3 ~ /^[0-9]+$/ { print $3 }'
}

ct_state()
{
	ct tcp | awk '{ print $3 ~ /^[0-9]+$/ ? $4 : "hidden" }'
}

# ct_packets PROTO: original and reply
ct_packets()
{
	ct "$1" | grep -o 'packets=[0-9]*' | cut -d = -f 2 | xargs
}

ct_timeout()
{
	ip netns exec "$router" sysctl -n "net.netfilter.nf_conntrack_$1"
}

ct_set_timeout()
{
	ip netns exec "$router" sysctl -wq "net.netfilter.nf_conntrack_$1=$2"
}

# check_left PROTO SEC: that much is left, or up to half a minute less
check_left()
{
	local left

	left=$(ct_left "$1")
	if ! ((left <= $2 && left > $2 - 30)); then
		check "$1: seconds left" "$left" "$2"
	fi
}

# claim MODE FAMILY PROTO: a connection in hardware; its frames are $fwd and
# $rev, $RULES are chains for flow_ruleset. Of TCP, both ends have sent what
# ends before 25 and 13.
claim()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_timeout both $LIFE
	flow_knob mode "$1"
	flow_ruleset "rc, rs" "$RULES"
	check "in hardware" "$(offload_flow "$2" "$3" $SPORT $DPORT)" ""
	read -ra fwd <<< "$(fwd_args "$2" "$3" $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args "$2" "$3" $SPORT $DPORT)"
	check_wait "$1: is the hardware's" 5 conn_is run
}

tcp_fwd()
{
	frames "${fwd[@]}" "$@" > /dev/null
}

tcp_rev()
{
	frames_back "${rev[@]}" "$@" > /dev/null
}

# comes_back CLAIMED [KEY=VALUE...]: with a packet, which offers it to hardware
comes_back()
{
	local claimed=$1

	shift
	[ $# -gt 0 ] || set -- seq=25 ack=13
	tcp_fwd "$@"
	[ "$(conn_counter claimed)" -gt "$claimed" ]
}

# lose COMMAND...: the next report is lost, and that is what it is about
lose()
{
	local dropped

	dropped=$(conn_counter reports_dropped)
	flow_knob drop_reports 1
	"$@"
	check_wait "the report is lost" 10 until_counter_is \
		"= $((dropped + 1))" conn_counter reports_dropped
}

# push SEQ: 40000 bytes from the client, acknowledged
push()
{
	local N=40

	check "data from $1" "$(frames "${fwd[@]}" n=$N seq="$1" ack=13 \
		len=1000)" "$(got)"
	tcp_rev flags=$ACK seq=13 ack=$(($1 + 40000))
}

is_waiting()
{
	is_removing && ct tcp | grep -q '\[OFFLOAD\]'
}

is_claimed_again()
{
	[ "$(conn_counter claimed)" -gt "$claimed" ]
}

reset_and_open()
{
	tcp_fwd flags=$RST seq=25 ack=0
	open_flow tcp
}

set_up_again()
{
	flow_cleanup
	flow_setup rc rs
	hw_tc_offload on rc rs
}

# waiting: a connection is opened with the ports of one that hardware has not
# let go of yet, and will not for some seconds. One worker removes flows, and it
# is busy with another one.
waiting()
{
	topology_is_whole || set_up_again
	claim track 4 tcp
	check "another one" "$(offload_flow 4 udp $((SPORT + 1)) $DPORT)" ""
	claimed=$(conn_counter claimed)
	refused=$(flow_refused match)
	replace=$(flow_counter replace)
	slow_removal $DEL_DELAY_MS
	ip netns exec "$router" conntrack -D -p udp > /dev/null 2>&1
	check_wait "busy" 5 is_removing
	tcp_rev flags=$ACK seq=13 ack=25
	reset_and_open
	check_true "waits" is_waiting
}

track_setup()
{
	flow_require nft ethtool conntrack
	flow_setup rc rs
	[ -w "$FLOW_DEBUGFS/mode" ] ||
		flow_skip "netdevsim does not track connections"
	hw_tc_offload on rc rs
}
