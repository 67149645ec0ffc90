#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Trace events of flowtables in hardware: what drivers are asked and say, and
# what becomes of connections that hardware tracks.

# shellcheck source-path=SCRIPTDIR source=flow_track_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_track_lib.sh"

TRACEFS=/sys/kernel/tracing
TRACE=$TRACEFS/instances/flow_trace

# events NAME: what is known of them so far, one per line
events()
{
	sed -n "s/.*: $1: //p" "$TRACE/trace"
}

traced()
{
	events "$1" | grep -Eq -- "$2"
}

# check_event WHAT NAME PATTERN: wait for such an event
check_event()
{
	check_wait "$1" 5 traced "$2" "$3" && return
	events "$2" | head -n 5 | while read -r line; do
		ktap_print_msg "$2: $line"
	done
}

# value NAME KEY [PATTERN]: of the first event that there was
value()
{
	events "$1" | grep -E -- "${3-}" | sed -n "1s/.*\<$2=\([^ ]*\).*/\1/p"
}

# between WHAT VALUE MIN MAX
between()
{
	if ! (($2 >= $3 && $2 <= $4)); then
		check "$1" "$2" "$3..$4"
	fi
}

# start MODE FAMILY PROTO [SECONDS]: a connection, traced from its beginning
start()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_timeout both "${4:-60}"
	flow_knob mode "$1"
	flow_ruleset "rc, rs"
	read -ra fwd <<< "$(fwd_args "$2" "$3" $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args "$2" "$3" $SPORT $DPORT)"
	echo > "$TRACE/trace"
	open_flow "$3"
}

# start_track FAMILY PROTO [SECONDS]
start_track()
{
	start track "$@"
	check_wait "is the hardware's" 5 conn_is run
}

test_install() # a rule that hardware takes, both directions
{
	local family a b tags='vlan=0\.0 pppoe=0'

	for family in 4 6; do
		start punt $family udp
		a="$(addr_of $family 1 100)"
		b="$(addr_of $family 2 100)"
		[ $family = 4 ] || a="\[$a\]" b="\[$b\]"
		check_event "IPv$family original" flow_ft_install \
			"^port=rc cookie=[0-9a-fx]+ proto=17 src=$a:$SPORT dst=$b:$DPORT $tags err=0 text=\$"
		check_event "IPv$family reply" flow_ft_install \
			"^port=rs cookie=[0-9a-fx]+ proto=17 src=$b:$DPORT dst=$a:$SPORT $tags err=0 text=\$"
		check "IPv$family events" "$(events flow_ft_install | wc -l)" 2
	done
}

test_refused() # a rule that hardware does not take, and why
{
	flow_knob max_flows 0
	start punt 4 udp
	check_event "full" flow_ft_install \
		"^port=rc .* src=10\.0\.1\.100:$SPORT .* err=-28 text=.*the flow table is full\$"
	flow_knob max_flows 65536
	hw_tc_offload off rc rs
	start punt 4 udp
	check_event "off" flow_ft_install \
		"^port=rc .* err=-95 text=.*hw-tc-offload is off on this port\$"
	hw_tc_offload on rc rs
}

test_claim() # who has claimed what: by cookie, by handle
{
	local handle cookie dir

	start_track 4 tcp
	handle=$(value flow_ft_claim handle)
	for dir in 0 1; do
		cookie=$(value flow_ft_snapshot cookie "dir=$dir")
		check_true "snapshot $dir" traced flow_ft_snapshot \
			"^cookie=[0-9a-fx]+ handle=$handle dir=$dir err=0\$"
		check_true "claim $dir" traced flow_ft_claim \
			"^handle=$handle dir=$dir flags=timer\|state err=0\$"
		check_true "install $dir" traced flow_ft_install \
			"cookie=$cookie .* err=0"
	done
	check "in debugfs" \
		"$(sed 's/handle=\([^ ]*\).*/\1/' "$FLOW_DEBUGFS/conns")" \
		"$handle"
}

test_report() # what hardware says while a connection closes
{
	local handle says

	start_track 4 tcp
	handle=$(value flow_ft_claim handle)
	says="^handle=$handle event"
	tcp_fwd flags=$FINACK seq=25 ack=13
	tcp_rev flags=$FINACK seq=13 ack=38
	tcp_fwd flags=$ACK seq=38 ack=26
	check_event "FIN" nf_flow_hw_report \
		"$says=closing state=FIN_WAIT .* packets=[0-9]+/0 .* accepted=1\$"
	check_event "FIN back" nf_flow_hw_report \
		"$says=closing state=LAST_ACK .* packets=0/1 bytes=0/104 accepted=1\$"
	check_event "last ACK" nf_flow_hw_report \
		"$says=closed state=TIME_WAIT .* packets=1/0 .* accepted=1\$"
	check_event "closed" nf_flow_hw_expire "$says=closed .* lost=0\$"
	between "seconds left" $(($(value nf_flow_hw_expire left_ms) / 1000)) \
		60 120
}

test_expire() # hardware has seen no packet for long
{
	local left

	# As nobody has acknowledged what the client has sent.
	left=$(ip netns exec "$router" sysctl -n \
		net.netfilter.nf_conntrack_tcp_timeout_unacknowledged)
	start_track 4 tcp
	flow_knob fake_idle_ms 100000
	check_event "report" nf_flow_hw_report \
		"event=aged state=ESTABLISHED idle_ms=1[0-9]{5} .* accepted=1\$"
	check_event "expired" nf_flow_hw_expire \
		"event=aged idle_ms=1[0-9]{5} left_ms=[0-9]+ lost=0\$"
	between "seconds left" $(($(value nf_flow_hw_expire left_ms) / 1000)) \
		$((left - 200)) $((left - 99))
}

test_udp() # a UDP connection
{
	start_track 6 udp
	tcp_fwd
	tcp_rev
	flow_knob fake_idle_ms 100000
	check_event "report" nf_flow_hw_report \
		"event=aged state=(REPLIED|STREAM) .* accepted=1\$"
}

test_exception() # a packet that hardware does not judge
{
	start_track 4 tcp
	tcp_fwd flags=$SYN seq=99 ack=0
	check_event "SYN" nf_flow_hw_exception \
		"^cookie=[0-9a-fx]+ dir=0 proto=6 src=10\.0\.1\.100:$SPORT dst=10\.0\.2\.100:$DPORT tcp_flags=0x02\$"
	check "cookie" "$(value nf_flow_hw_exception cookie flags=0x02)" \
		"$(value flow_ft_install cookie port=rc)"
	start_track 6 tcp
	tcp_rev flags=$SYN seq=99 ack=0
	check_event "SYN back" nf_flow_hw_exception \
		"dir=1 proto=6 src=\[2001:db8:2::100\]:$DPORT dst=\[2001:db8:1::100\]:$SPORT tcp_flags=0x02\$"
}

# The core asks a minute after what it has not heard of was due.
test_lost() # a report that is lost is made up for
{
	start_track 4 tcp 10
	flow_knob drop_reports 1000
	flow_knob fake_idle_ms 20000
	check_wait "leaves hardware" 90 flow_entries_are 0
	flow_knob drop_reports 0
	check_event "expired" nf_flow_hw_expire "event=aged .* lost=1\$"
	check "reports" "$(events nf_flow_hw_report | grep -c event=aged)" 0
}

trace_setup()
{
	mountpoint -q $TRACEFS || mount -t tracefs none $TRACEFS 2> /dev/null
	[ -d "$TRACEFS/events/nf_flow_table" ] || flow_skip "no trace events"
	mkdir -p "$TRACE" || flow_skip "no instances of tracefs"
	trap trace_cleanup EXIT
	echo 1 > "$TRACE/events/flow_ft/enable"
	echo 1 > "$TRACE/events/nf_flow_table/enable"
}

trace_cleanup()
{
	rmdir "$TRACE"
	flow_cleanup
}

track_setup
trace_setup
flow_run
