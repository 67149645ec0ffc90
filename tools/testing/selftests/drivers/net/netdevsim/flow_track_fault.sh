#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections whose state and timers hardware keeps, when reports are lost, when
# users change what conntrack knows, and when the core goes away.

# shellcheck source-path=SCRIPTDIR source=flow_track_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_track_lib.sh"
# shellcheck source=flow_sessions.sh
source "$flow_dir/flow_sessions.sh"

# The core asks a minute after what it has not heard of was due.
BACKSTOP=90

claim_short()
{
	local LIFE=5

	[ "$KSFT_MACHINE_SLOW" != yes ] || LIFE=30
	claim "$@"
}

in_router()
{
	ip netns exec "$router" "$@"
}

test_lost_aged() # a connection that has expired, and nobody was told
{
	claim_short track 4 tcp
	lose flow_knob fake_idle_ms 100000
	check "entries" "$(flow_counter entries)" 2
	check_wait "leaves hardware" $BACKSTOP flow_entries_are 0
	check "state" "$(ct_state)" ESTABLISHED
	check "stale" "$(conn_counter reports_stale)" 0
}

# Packets of it go to the CPU: hardware has closed the old one.
test_lost_closed() # one that was closed, and the same ports are opened again
{
	local claimed

	claim_short track 4 tcp
	claimed=$(conn_counter claimed)
	tcp_rev flags=$ACK seq=13 ack=25
	lose tcp_fwd flags=$RST seq=25 ack=0
	check_true "closed in hardware" conn_is stop close
	N=1
	check "SYN" "$(frames "${fwd[@]}" flags=$SYN seq=1000 len=12)" "$(got)"
	check "SYN and ACK" "$(frames_back "${rev[@]}" flags=$SYNACK seq=2000 \
		ack=1013 len=12)" "$(got)"
	check "ACK" "$(frames "${fwd[@]}" seq=1013 ack=2013)" "$(got)"
	check "data" "$(frames_back "${rev[@]}" seq=2013 ack=1025)" "$(got)"
	check "state" "$(ct_state)" ESTABLISHED
	check_wait "the new one is claimed" $BACKSTOP comes_back "$claimed" \
		seq=1025 ack=2025
	check "state" "$(ct_state)" ESTABLISHED
	check "entries" "$(flow_counter entries)" 2
	check "data" "$(frames "${fwd[@]}" seq=1025 ack=2025)" "$(got)"
	check "data back" "$(frames_back "${rev[@]}" seq=2025 ack=1037)" \
		"$(got)"
	check_wait "is the hardware's" 5 conn_is run established
}

# Of its two entries one is left, so nothing of it is forwarded.
test_lost_evict() # one that was evicted
{
	local claimed

	claim_short track 4 tcp
	claimed=$(conn_counter claimed)
	lose flow_knob evict 1
	check "entries" "$(flow_counter entries)" 1
	check_wait "claimed again" $BACKSTOP comes_back "$claimed"
	check "entries" "$(flow_counter entries)" 2
	check "state" "$(ct_state)" ESTABLISHED
}

test_lost_closing() # what was lost on the way to the end does not matter
{
	claim track 4 tcp
	lose tcp_fwd flags=$FINACK seq=25 ack=13
	lose tcp_rev flags=$FINACK seq=13 ack=38
	tcp_fwd flags=$ACK seq=38 ack=26
	check "closed" "$(ct_state)" TIME_WAIT
	check_left tcp "$(ct_timeout tcp_timeout_time_wait)"
	check "packets" "$(ct_packets tcp)" "4 2"
	check_wait "leaves hardware" 5 flow_entries_are 0
}

# Conntrack knows the windows of when the connection was claimed, and what comes
# now is far beyond.
test_lost_update() # the one that says where a connection is
{
	local seq

	RULES=$STRICT
	claim track 4 tcp
	for ((seq = 25; seq < 400000; seq += 40000)); do
		push $seq
	done
	lose tcp_fwd flags=$SYN seq=99 ack=0
	tcp_fwd seq=$seq ack=13 wait=100
	check_wait "goes on in hardware" 5 conn_is run established
	push $seq
	check "state" "$(ct_state)" ESTABLISHED
	RULES=
}

test_delete() # conntrack -D takes a connection away, and it comes back
{
	local claimed

	claim track 4 tcp
	claimed=$(conn_counter claimed)
	in_router conntrack -D -p tcp > /dev/null 2>&1
	check_wait "leaves hardware" 5 flow_entries_are 0
	check "conntrack" "$(ct tcp)" ""
	tcp_rev seq=13 ack=25
	check_wait "comes back" 20 comes_back "$claimed"
	check "state" "$(ct_state)" ESTABLISHED
}

test_mark() # a mark changes nothing else
{
	claim track 4 tcp
	in_router conntrack -U -f ipv4 -p tcp --mark 7 > "$tmp/change" 2>&1 ||
		check "change" "$(cat "$tmp/change")" ""
	check_true "mark" grep -q "mark=7 " <<< "$(ct tcp)"
	check "data" "$(frames "${fwd[@]}" n=$N seq=25 ack=13)" "$(got)"
	check_true "is the hardware's" conn_is run established
	tcp_rev flags=$ACK seq=13 ack=$((25 + N * 12))
	tcp_fwd flags=$RST seq=$((25 + N * 12)) ack=0
	check "state" "$(ct_state)" CLOSE
	check_true "mark" grep -q "mark=7 " <<< "$(ct tcp)"
}

# All frames have data, and here none of it is acknowledged.
test_timeout() # timeouts that change meanwhile
{
	local sysctl=net.netfilter.nf_conntrack_tcp_timeout_unacknowledged was

	was=$(ct_timeout tcp_timeout_unacknowledged)
	claim track 4 tcp
	check_left tcp "$was"
	in_router sysctl -wq $sysctl=200
	check_left tcp 200
	flow_knob fake_idle_ms 100000
	check_wait "leaves hardware" 5 flow_entries_are 0
	check_left tcp 100
	in_router sysctl -wq "$sysctl=$was"
}

test_liberal() # packets outside of the window are what the sysctl says they are
{
	local liberal

	RULES=$STRICT
	for liberal in 0 1; do
		in_router sysctl -wq \
			net.netfilter.nf_conntrack_tcp_be_liberal=$liberal
		claim track 4 tcp
		check "liberal=$liberal" "$(frames "${fwd[@]}" n=$N \
			seq=9999999 ack=13 wait=100)" \
			"$(got_n $((liberal * N)))"
		check "state" "$(ct_state)" ESTABLISHED
		check_wait "goes on in hardware" 5 conn_is run established
		snap
		check "in the window" "$(frames "${fwd[@]}" n=$N seq=25 \
			ack=13)" "$(got)"
		check_deltas rc.hit=$N rs.tx=$N
	done
	in_router sysctl -wq net.netfilter.nf_conntrack_tcp_be_liberal=0
	RULES=
}

# What users do to connections, one thing after the other
change()
{
	local sysctl=net.netfilter.nf_ random=$((RANDOM % 9 + 1))

	case $1 in
	0) conntrack -D -p tcp ;;
	1) conntrack -D -p udp ;;
	2) conntrack -F ;;
	3) conntrack -U -f ipv4 -p tcp --mark $RANDOM ;;
	4) conntrack -U -f ipv6 -p udp --timeout 100 ;;
	5) sysctl -wq "${sysctl}conntrack_udp_timeout=$((random + 30))" ;;
	6) sysctl -wq "${sysctl}flowtable_tcp_timeout=$random" ;;
	7) nft "flush chain inet fast timeouts; delete ct timeout inet fast p;
		add ct timeout inet fast p { protocol tcp;
		policy = { established : $((random + 100)) }; };
		add rule inet fast timeouts meta l4proto tcp \
			ct timeout set \"p\"" ;;
	esac
}

test_changes() # all that users can change, under traffic, with slow hardware
{
	local i seed=${SEED:-$RANDOM}

	ktap_print_msg "SEED=$seed"
	RANDOM=$seed
	flow_flush
	flow_timeout both 5
	flow_knob mode track
	flow_ruleset "rc, rs" "ct timeout p {
			protocol tcp
			policy = { established : 100 }
		}
		chain timeouts {
			type filter hook prerouting priority -150
			meta l4proto tcp ct timeout set \"p\"
		}"
	flow_knob add_delay_ms 10
	flow_knob del_delay_ms 10
	sessions_start
	export -f change
	for ((i = 0; i < 80; i++)); do
		in_router bash -c "RANDOM=$RANDOM; change $((RANDOM % 8))" \
			> "$tmp/change" 2>&1 ||
			grep -q "0 flow entries" "$tmp/change" ||
			check "change" "$(cat "$tmp/change")" ""
		sleep "0.0$((RANDOM % 9))"
	done
	check_wait "in hardware again" 30 until_counter_is ">= 8" \
		flow_counter entries
	flow_knob add_delay_ms 0
	flow_knob del_delay_ms 0
	sessions_finish
	flow_flush
	check_wait "entries" 10 flow_entries_are 0
	check_wait "connections" 10 no_conns
	check "orphans" "$(flow_counter unbind_orphans)" 0
	check "balance" $(($(flow_counter destroy) + $(flow_counter evicted) +
		$(flow_counter replaced))) "$(flow_counter replace)"
	ktap_print_msg "claimed $(conn_counter claimed)" \
		"unclaimed $(conn_counter unclaimed)" \
		"reports $(conn_counter reports)" \
		"stale $(conn_counter reports_stale)"
}

no_conns()
{
	[ -z "$(cat "$FLOW_DEBUGFS/conns")" ]
}

core_unload()
{
	modprobe -r nft_flow_offload nf_flow_table_inet 2> /dev/null
	modprobe -r nf_flow_table 2> /dev/null
	[ ! -d /sys/module/nf_flow_table ]
}

conn_handle()
{
	sed -n 's/^handle=\([0-9a-f]*\) .*/\1/p' "$FLOW_DEBUGFS/conns"
}

# DESTROY takes its time, so the driver has its claims until the last moment.
core_reload()
{
	claim track 4 tcp
	flow_knob del_delay_ms 500
	in_router nft flush ruleset
	check_wait "unload" 20 core_unload
	check "entries" "$(flow_counter entries)" 0
	check_true "no connections" no_conns
	flow_knob del_delay_ms 0
	check_true "the driver stays" [ -d /sys/module/netdevsim ]
	claim track 4 tcp
}

test_unload_core() # nf_flow_table goes while a driver has claims
{
	local handle

	[ -e /sys/module/nf_flow_table/initstate ] || {
		skip "nf_flow_table is built in"
		return
	}
	core_reload
	handle=$(conn_handle)
	# A handle of the old one must mean nothing to the new one.
	core_reload
	check_true "another handle" [ "$(conn_handle)" != "$handle" ]
	tcp_rev flags=$ACK seq=13 ack=25
	tcp_fwd flags=$RST seq=25 ack=0
	check "closed" "$(ct_state)" CLOSE
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

tmp=$(mktemp -d)
tainted=$(taint)
track_setup
cleanup()
{
	sessions_kill
	flow_cleanup
	rm -rf "$tmp"
}

trap cleanup EXIT
flow_run
