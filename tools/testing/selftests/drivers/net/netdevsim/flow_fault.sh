#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The flow table of a switch ASIC that is full, slow, forgetful or broken: the
# CPU forwards what hardware does not, and says why.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000

# start [SPORT]: a connection that the core has just offered to hardware
start()
{
	local sport=${1:-$SPORT}

	read -ra fwd <<< "$(fwd_args 4 udp "$sport" $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp "$sport" $DPORT)"
	open_flow udp
}

fresh()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_ruleset "rc, rs"
}

refused_is()
{
	[ "$(flow_refused "$1")" = "$2" ]
}

# Once a second the core offers a flow again that it sees in software.
refreshed()
{
	frames "${fwd[@]}" > /dev/null
	flow_entries_are "$1"
}

test_max_flows() # no room: in software, until there is
{
	local fwd rev full

	fresh
	flow_timeout udp 600
	full=$(flow_refused full)
	flow_knob max_flows 2
	start 4001
	check "first" "$(wait_offload 1)" ""
	start 4002
	check "refused" "$(slowwait 5 refused_is full $((full + 2)))" ""
	check_true "text" refusal_is full \
		'src=.* sport=[0-9]* .*text="netdevsim: the flow table is full"'
	check "entries" "$(flow_counter entries)" 2
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.punt_miss=$N punted.packets=$N soft.packets=$N
	flow_knob max_flows 65536
	check "room" "$(slowwait 10 refreshed 4)" ""
	flow_timeout udp 30
}

test_fail_next_add() # one direction fails, the other does not depend on it
{
	local fwd rev driver

	fresh
	driver=$(flow_refused driver)
	flow_knob fail_next_add 1
	start
	check "other" "$(slowwait 5 flow_entries_are 1)" ""
	check "refused" "$(flow_refused driver)" $((driver + 1))
	check_true "text" refusal_is driver \
		"sport=$SPORT dport=$DPORT text=.*planted failure"
	# On a slow machine the core may offer it again before they are sent.
	flow_knob fail_next_add 100
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.punt_miss=$N punted.packets=$N soft.packets=any
	flow_knob fail_next_add 0
	check "again" "$(slowwait 10 refreshed 2)" ""
}

test_half_is_not_whole() # one direction in hardware is not [HW_OFFLOAD]
{
	local fwd rev

	fresh
	flow_knob fail_next_add 1
	start
	check "other" "$(slowwait 5 flow_entries_are 1)" ""
	check "status" "$(flow_hw_status ipv4)" 0
}

test_fail_every_nth() # every second entry fails
{
	local fwd rev driver i

	fresh
	driver=$(flow_refused driver)
	flow_knob fail_every_nth 2
	for i in 1 2 3 4; do
		start $((4000 + i))
	done
	check "refused" "$(slowwait 5 refused_is driver $((driver + 4)))" ""
	check "entries" "$(flow_counter entries)" 4
	flow_knob fail_every_nth 0
}

# Five seconds each, so no packet can find them before.
test_add_delay() # hardware that takes its time: software forwards meanwhile
{
	local fwd rev

	fresh
	flow_knob add_delay_ms 5000
	snap
	start
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	# The two that made the connection come before it is in the flowtable.
	check_deltas rc.punt_miss=$((N + 1)) rs.punt_miss=1 \
		punted.packets=$((N + 2)) slow.packets=2 soft.packets=$N
	flow_knob add_delay_ms 0
	check "late" "$(wait_offload 1)" ""
	snap
	check "hits" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N
}

test_del_delay() # ... or takes it when the connection is over
{
	local fwd rev destroy start

	fresh
	start
	check "offload" "$(wait_offload 1)" ""
	destroy=$(flow_counter destroy)
	start=$(timestamp_ms)
	flow_knob del_delay_ms 500
	ip netns exec "$router" conntrack -D -p udp > /dev/null 2>&1
	check "removed" "$(slowwait 10 flow_entries_are 0)" ""
	check "destroy" "$(slowwait 10 until_counter_is \
		">= $((destroy + 2))" flow_counter destroy)" $((destroy + 2))
	check_true "time" [ $(($(timestamp_ms) - start)) -ge 1000 ]
	flow_knob del_delay_ms 0
}

test_evict() # entries that hardware gives up come back with the traffic
{
	local fwd rev evicted

	fresh
	evicted=$(flow_counter evicted)
	start
	check "offload" "$(wait_offload 1)" ""
	flow_knob evict 1
	check "one" "$(flow_counter entries)" 1
	flow_knob evict 1000
	check "all" "$(flow_counter entries)" 0
	check "counted" "$(flow_counter evicted)" $((evicted + 2))
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check "again" "$(slowwait 10 refreshed 2)" ""
}

acct_bytes()
{
	ip netns exec "$router" conntrack -L -f ipv4 -p udp 2> /dev/null |
		sed -n 's/.* sport=4000 [^[]* bytes=\([0-9]*\) src=.*/\1/p'
}

bytes_are()
{
	[ "$(acct_bytes)" = "$1" ]
}

test_fake_bytes() # counters beyond 4 GiB
{
	local fwd rev bytes

	fresh
	start
	check "offload" "$(wait_offload 1)" ""
	bytes=$(acct_bytes)
	flow_knob fake_bytes 5000000000
	check "entries" \
		"$(grep -c ' bytes=5000000000 ' "$FLOW_DEBUGFS/entries")" 2
	slowwait 6 bytes_are $((bytes + 5000000000)) > /dev/null
	check "conntrack" "$(acct_bytes)" $((bytes + 5000000000))
}

test_disable() # hardware that does nothing: all goes to the CPU
{
	local fwd rev driver

	fresh
	start
	check "offload" "$(wait_offload 1)" ""
	driver=$(flow_refused driver)
	flow_knob disable 1
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.punt_disabled=$N punted.packets=$N soft.packets=$N
	start 4001
	check "refused" "$(slowwait 5 refused_is driver $((driver + 2)))" ""
	check_true "text" refusal_is driver "the flow table is disabled"
	flow_knob disable 0
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N sport=$SPORT)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N
}

# Packets and bytes in, packets and bytes out
cpu_hit()
{
	ip -n "$router" -j stats show dev rc group offload subgroup cpu_hit |
		grep -o '"\(bytes\|packets\)":[0-9]*' | tr -dc '0-9\n' |
		paste -sd ' ' | awk '{ print $2, $1, $4, $3 }'
}

test_cpu_hit() # port statistics are the MAC's, the CPU's part stands apart
{
	local fwd rev before after

	if ! ip -n "$router" stats show dev rc group offload \
		subgroup cpu_hit > /dev/null 2>&1; then
		skip "ip has no stats"
		return
	fi
	fresh
	start
	check "offload" "$(wait_offload 1)" ""
	snap
	read -ra before <<< "$(cpu_hit)"
	frames "${fwd[@]}" n=$N > /dev/null
	read -ra after <<< "$(cpu_hit)"
	check "hardware" "${after[*]}" "${before[*]}"
	check_deltas rc.hit=$N rs.tx=$N rc.mac_rx_packets=$N
	frames "${fwd[@]}" n=$N options -- "${TO_CLIENT[@]}" "${rev[@]}" n=5 \
		options > /dev/null
	read -ra after <<< "$(cpu_hit)"
	check "CPU, in" "$((after[0] - before[0])) $((after[1] - before[1]))" \
		"$N $((N * 100))"
	check "CPU, out" "$((after[2] - before[2])) $((after[3] - before[3]))" \
		"5 $((5 * 114))"
}

test_vf() # VF ports have no flow table, and refuse a flowtable
{
	local bus=$NSIM_BUS/devices/netdevsim$NSIM_ROUTER vf

	flow_flush
	ip netns exec "$router" devlink dev eswitch set \
		"netdevsim/netdevsim$NSIM_ROUTER" mode switchdev &&
		echo 1 > "$bus/sriov_numvfs"
	check "VF" $? 0
	vf=$(nsim_netdevs "$router" "$NSIM_ROUTER" | grep -v '^r[cs]$')
	check_true "VF port" [ -n "$vf" ]
	flow_ruleset "rc, $vf" 2> /dev/null
	check "flowtable" $? 1
	check "no statistics" "$(ip netns exec "$router" ethtool -S "$vf" 2>&1 |
		grep -c offload)" 0
	echo 0 > "$bus/sriov_numvfs"
	ip netns exec "$router" devlink dev eswitch set \
		"netdevsim/netdevsim$NSIM_ROUTER" mode legacy
}

# The last: what is left then nobody can take away but the end of the port.
test_fail_unbind() # a device that does not let go: its flows go all the same
{
	local fwd rev unbind

	fresh
	start
	check "offload" "$(wait_offload 1)" ""
	unbind=$(flow_counter unbind)
	flow_knob fail_unbind 2
	flow_flush
	check "failed" "$(cat "$FLOW_DEBUGFS/fail_unbind")" 0
	check "unbind" "$(flow_counter unbind)" "$unbind"
	check "entries" "$(slowwait 3 flow_entries_are 0)" ""
}

flow_require nft ethtool conntrack
flow_setup rc rs
hw_tc_offload on rc rs
flow_run
