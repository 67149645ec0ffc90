#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections whose state and timers hardware keeps: conntrack knows what it
# would know if it had seen the packets, and nobody polls.

# shellcheck source-path=SCRIPTDIR source=flow_track_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_track_lib.sh"

test_show() # state, time and packets are shown while hardware has it
{
	local family

	for family in 4 6; do
		claim track $family tcp
		check "IPv$family" "$(frames "${fwd[@]}" n=$N seq=25 ack=13)" \
			"$(got)"
		check "IPv$family state" "$(ct_state)" ESTABLISHED
		check_left tcp "$(ct_timeout tcp_timeout_unacknowledged)"
		check "IPv$family packets" "$(ct_packets tcp)" "$((N + 2)) 1"
		check_true "IPv$family status" hw_status_is ipv$family 1
		tcp_rev seq=13 ack=$((25 + N * 12))
		check "IPv$family packets" "$(ct_packets tcp)" "$((N + 2)) 2"
	done
}

test_close() # FIN from both ends passes in hardware, conntrack has TIME_WAIT
{
	local family

	for family in 4 6; do
		claim track $family tcp
		snap
		tcp_fwd flags=$FINACK seq=25 ack=13
		check "IPv$family FIN" "$(ct_state)" FIN_WAIT
		tcp_rev flags=$FINACK seq=13 ack=38
		check "IPv$family FIN back" "$(ct_state)" LAST_ACK
		tcp_fwd flags=$ACK seq=38 ack=26
		check "IPv$family closed" "$(ct_state)" TIME_WAIT
		check_left tcp "$(ct_timeout tcp_timeout_time_wait)"
		check_deltas rc.hit=2 rs.hit=1 rs.tx=2 rc.tx=1
		check "IPv$family packets" "$(ct_packets tcp)" "4 2"
		check_wait "IPv$family leaves hardware" 5 flow_entries_are 0
	done
}

test_half_close() # one end has closed, the other one goes on in hardware
{
	claim track 4 tcp
	tcp_fwd flags=$FINACK seq=25 ack=13
	tcp_rev flags=$ACK seq=13 ack=38
	check "state" "$(ct_state)" CLOSE_WAIT
	snap
	check "data" "$(frames_back "${rev[@]}" n=$N seq=25 ack=38)" "$(got)"
	check_deltas rs.hit=$N rc.tx=$N
	check "state after data" "$(ct_state)" CLOSE_WAIT
	check "entries" "$(flow_counter entries)" 2
}

test_reset() # a RST with the right number closes, another one does not
{
	claim track 4 tcp
	tcp_rev flags=$ACK seq=13 ack=25
	tcp_rev flags=$RST seq=9999
	check "wrong number" "$(ct_state)" ESTABLISHED
	check_wait "goes on in hardware" 5 conn_is run established
	tcp_fwd flags=$RST seq=25 ack=0
	check "right number" "$(ct_state)" CLOSE
	check_wait "leaves hardware" 5 flow_entries_are 0
}

test_forged_syn() # a SYN does not take a connection out of hardware
{
	claim track 4 tcp
	tcp_fwd flags=$SYN seq=99 ack=0
	check "state" "$(ct_state)" ESTABLISHED
	check_wait "goes on in hardware" 5 conn_is run established
	check "entries" "$(flow_counter entries)" 2
}

test_hidden() # what hardware does not parse is judged by what it has forwarded
{
	local family

	for family in 4 6; do
		claim track $family tcp
		tcp_rev n=$N seq=13 ack=25
		tcp_fwd options seq=25 ack=$((13 + N * 12))
		check "IPv$family packets" "$(ct_packets tcp)" "3 $((N + 1))"
	done
}

test_picked_up() # nobody knows the windows of what was picked up in its middle
{
	local ct

	claim track 4 tcp
	ip netns exec "$router" conntrack -F 2> /dev/null
	check_wait "deleted" 5 flow_entries_are 0
	check_wait "in hardware again" 10 is_picked_up
	ct=$(ct_packets tcp)
	tcp_fwd seq=99999999 ack=25
	check "packets" "$(ct_packets tcp)" "$((${ct% *} + 1)) ${ct#* }"
}

is_picked_up()
{
	tcp_fwd seq=25 ack=13
	tcp_rev seq=13 ack=37
	flow_entries_are 2
}

test_reopen() # the same ports open a new connection at once after the last one
{
	claim track 4 tcp
	tcp_rev flags=$ACK seq=13 ack=25
	tcp_fwd flags=$RST seq=25 ack=0
	check "closed" "$(ct_state)" CLOSE
	open_flow tcp
	check "new one" "$(ct_state)" ESTABLISHED
}

test_udp() # a UDP connection becomes a stream in hardware
{
	local ct

	claim track 4 udp
	frames "${fwd[@]}" n=$N > /dev/null
	frames_back "${rev[@]}" n=$N > /dev/null
	check_wait "stream" 10 udp_is_assured
	check_left udp "$(ct_timeout udp_timeout_stream)"
	ct=$(ct_packets udp)
	check "more in one direction than in the other" \
		$((${ct% *} - ${ct#* })) 0
}

udp_is_assured()
{
	frames "${fwd[@]}" -- "${TO_CLIENT[@]}" "${rev[@]}" > /dev/null
	conn_is run stream && ip netns exec "$router" conntrack -L -p udp \
		-u ASSURED 2> /dev/null | grep -q sport=$SPORT
}

# far SEQ: both ends are far beyond what conntrack has seen
far()
{
	local seq

	for ((seq = 25; seq < $1; seq += 40000)); do
		push $seq
	done
}

test_off() # hardware that forwards no more has told what it has forwarded
{
	local seq=400025 off

	RULES=$STRICT
	for off in hw-tc-offload disable; do
		claim track 4 tcp
		far $seq
		turn_off $off
		snap
		check "$off: data" \
			"$(frames "${fwd[@]}" n=$N seq=$seq ack=13)" "$(got)"
		check "$off: data back" "$(frames_back "${rev[@]}" n=$N seq=13 \
			ack=$((seq + N * 12)))" "$(got)"
		check_deltas rc.hit=0 rs.hit=0 rc.punt_disabled=$N \
			rs.punt_disabled=$N punted.packets=$((2 * N)) \
			slow.packets=any soft.packets=any
		turn_on $off
		tcp_fwd seq=$((seq + N * 12)) ack=$((13 + N * 12))
		check_wait "$off: on in hardware" 10 conn_is run established
	done
	RULES=
}

turn_off()
{
	if [ "$1" = disable ]; then
		flow_knob disable 1
	else
		hw_tc_offload off rc rs
	fi
}

turn_on()
{
	flow_knob disable 0
	hw_tc_offload on rc rs
}

test_evict_slowly() # who is evicted is told of before packets go to the CPU
{
	local seq=400025 claimed lost=0 N=1

	RULES=$STRICT
	claim track 4 tcp
	claimed=$(conn_counter claimed)
	far $seq
	flow_knob del_delay_ms 1000
	flow_knob evict 2 &
	while kill -0 $! 2> /dev/null; do
		[ "$(frames "${fwd[@]}" seq=$seq ack=13)" = "$(got)" ] ||
			lost=$((lost + 1))
		[ "$(frames_back "${rev[@]}" seq=13 ack=$seq)" = "$(got)" ] ||
			lost=$((lost + 1))
	done
	check "lost" $lost 0
	flow_knob del_delay_ms 0
	check_wait "claimed again" 20 comes_back "$claimed" \
		seq=$((seq + 12)) ack=25
	check "state" "$(ct_state)" ESTABLISHED
	RULES=
}

test_many() # what happens at once the core is told of at once
{
	local port reports batches udp
	# Nothing may age while a slow machine opens the last of them.
	local LIFE=600

	udp=$(ct_timeout udp_timeout)
	ct_set_timeout udp_timeout $LIFE
	claim track 4 udp
	for ((port = SPORT + 1; port < SPORT + N; port++)); do
		check "in hardware" "$(offload_flow 4 udp $port $DPORT)" ""
	done
	ct_set_timeout udp_timeout "$udp"
	check "entries" "$(flow_counter entries)" $((2 * N))
	reports=$(conn_counter reports)
	batches=$(conn_counter batches)
	flow_knob fake_idle_ms 1000000
	check_wait "leave hardware" 5 flow_entries_are 0
	reports=$(($(conn_counter reports) - reports))
	batches=$(($(conn_counter batches) - batches))
	check_true "$reports reports" [ $reports -ge $N ]
	check_true "$reports reports in $batches batches" \
		[ $((batches * 2)) -le $reports ]
}

test_no_stats() # nobody asks for statistics, of idle flows or of others
{
	local mode stats queries

	for mode in timer track; do
		claim $mode 4 tcp
		flow_timeout both 2
		stats=$(flow_counter stats)
		queries=$(conn_counter queries)
		# The gc comes along once a second.
		for _ in 1 2 3; do
			frames "${fwd[@]}" n=$N seq=25 ack=13 > /dev/null
			sleep 1
		done
		check "$mode: STATS" "$(flow_counter stats)" "$stats"
		check "$mode: queries" "$(conn_counter queries)" "$queries"
		check "$mode: entries" "$(flow_counter entries)" 2
	done
}

test_aged() # what was idle goes back to conntrack with the time that is left
{
	local mode

	local left

	# Of data that is not acknowledged only those know who track it.
	left=$(ct_timeout tcp_timeout_established)
	for mode in timer track; do
		claim $mode 4 tcp
		tcp_rev flags=$ACK seq=13 ack=25
		flow_knob fake_idle_ms 100000
		check_wait "$mode: leaves hardware" 5 flow_entries_are 0
		check "$mode: state" "$(ct_state)" ESTABLISHED
		check_left tcp $((left - 100))
		left=$(ct_timeout tcp_timeout_unacknowledged)
	done
}

test_evict() # who is evicted stays in the flowtable, and comes back
{
	local claimed evicted

	claim track 4 tcp
	claimed=$(conn_counter claimed)
	evicted=$(hw_stat evicted)
	flow_knob evict 2
	check_wait "status" 5 hw_status_is ipv4 0
	check "directions evicted" $(($(hw_stat evicted) - evicted)) 2
	check_wait "claimed again" 20 comes_back "$claimed"
	check "entries" "$(flow_counter entries)" 2
	check "state" "$(ct_state)" ESTABLISHED
}

track_setup
flow_run
