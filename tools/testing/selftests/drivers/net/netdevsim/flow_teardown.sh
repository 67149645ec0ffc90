#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The flow table of a switch ASIC when something under it goes away while
# connections use it: nothing is left in the table, and the CPU takes over what
# can go on.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

CONNECTIONS=4

# TCP and UDP of both families, both ways, without an end, in hardware
traffic_start()
{
	local i=0 family proto

	PIDS=()
	for family in 4 6; do
		for proto in tcp udp; do
			i=$((i + 1))
			printf '%s 10\n' send reply > "$tmp/in.$i"
			if [ $((i % 2)) = $((family / 2 % 2)) ]; then
				echo "send 1000000000000"
			else
				echo "reply 1000000000000"
			fi >> "$tmp/in.$i"
			"$FLOW_SESSION" client="$client" server="$server" \
				proto=$proto dst="$(addr_of $family 2 2)" \
				port=$((5000 + i)) < "$tmp/in.$i" \
				> "$tmp/out.$i" 2>&1 &
			PIDS+=($!)
		done
	done
	check "offload" "$(wait_offload $CONNECTIONS)" ""
}

traffic_runs()
{
	local pid

	for pid in "${PIDS[@]}"; do
		kill -0 "$pid" 2> /dev/null || return
	done
}

# Everything arrived, on whatever way.
traffic_finish()
{
	local i

	kill "${PIDS[@]}"
	wait "${PIDS[@]}"
	for ((i = 1; i <= CONNECTIONS; i++)); do
		check "connection $i" \
			"$(cut -d ' ' -f 1 "$tmp/out.$i" | paste -sd ' ')" \
			"ok ok ok"
	done
}

traffic_stop()
{
	kill -KILL "${PIDS[@]}" 2> /dev/null
	wait "${PIDS[@]}" 2> /dev/null
}

# Orphans are the core's omission, not the driver's: said, not judged.
report()
{
	ktap_print_msg "$1: unbind_orphans $(flow_counter unbind_orphans)" \
		"port_purged $(flow_counter port_purged)" \
		"destroy $(flow_counter destroy)"
}

balanced()
{
	check "$1: entries" "$(flow_counter entries)" 0
	check "$1: bindings" "$(flow_counter unbind)" "$(flow_counter bind)"
	check "$1: entry balance" \
		$(($(flow_counter destroy) + $(flow_counter unbind_orphans) +
		   $(flow_counter port_purged))) "$(flow_counter replace)"
	report "$1"
}

fresh()
{
	traffic_stop
	flow_cleanup
	flow_setup rc rs
	hw_tc_offload on rc rs
	flow_ruleset "rc, rs"
}

slow_moves()
{
	look
	[ "$(delta slow.packets)" -gt 0 ]
}

test_delete_flowtable() # flowtable deleted: no entries, the slow path goes on
{
	fresh
	traffic_start
	ip netns exec "$router" nft -f - <<-RULES
		flush chain inet fast forward
		add rule inet fast forward meta l4proto { tcp, udp } \
			counter name slow
		delete flowtable inet fast ft
	RULES
	check "delete" $? 0
	balanced "flowtable deleted"
	snap
	check "traffic runs" "$(traffic_runs || echo over)" ""
	check "slow path" "$(slowwait 5 slow_moves)" ""
	traffic_finish
	look
	check "hits since" "$(delta rc.hit) $(delta rs.hit)" "0 0"
	balanced "end"
}

test_reload() # ruleset reloaded: the new flowtable gets the connections
{
	local i

	fresh
	traffic_start
	for i in 1 2 3; do
		flow_ruleset "rc, rs"
		check "reload $i" $? 0
		check "bindings" $(($(flow_counter bind) -
			$(flow_counter unbind))) 2
		slowwait "$WAIT_TIMEOUT" until_counter_is "> 0" \
			flow_counter entries > /dev/null
	done
	check "traffic runs" "$(traffic_runs || echo over)" ""
	traffic_finish
	flow_flush
	slowwait 5 flow_entries_are 0
	balanced "reloads"
}

test_ifdown() # port down and up: its flows leave the table
{
	fresh
	traffic_start
	ip -n "$router" link set rs down
	check "down" "$(slowwait 10 flow_entries_are 0)" ""
	report "down"
	traffic_stop
}

test_port_delete() # port deleted: nothing leads to it any more
{
	fresh
	traffic_start
	echo 1 > "$NSIM_BUS/devices/netdevsim$NSIM_ROUTER/del_port" ||
		check "delete" failed ""
	# The port took them along; the core had none to remove.
	check "entries" "$(flow_counter entries)" 0
	check "purged" "$(flow_counter port_purged)" $((2 * CONNECTIONS))
	report "port deleted"
	traffic_stop
}

test_device_delete() # device deleted
{
	fresh
	traffic_start
	nsim_del "$NSIM_ROUTER"
	check "delete" $? 0
	check "debugfs" "$(ls "$FLOW_DEBUGFS" 2> /dev/null)" ""
	traffic_stop
}

test_device_reload() # devlink reload
{
	fresh
	traffic_start
	ip netns exec "$router" \
		devlink dev reload "netdevsim/netdevsim$NSIM_ROUTER"
	check "reload" $? 0
	check "entries" "$(flow_counter entries)" 0
	traffic_stop
}

netns_is_gone()
{
	! ip netns list | grep -q "$router" &&
		[ "$(nsim_devlinks)" = 1 ]
}

# The device of a netns that ends moves to the first one.
nsim_devlinks()
{
	devlink dev show | grep -c "netdevsim/netdevsim$NSIM_ROUTER\$"
}

test_netns_exit() # netns of the router deleted
{
	fresh
	traffic_start
	ip netns del "$router"
	check "exit" "$(slowwait 20 netns_is_gone)" ""
	check "entries" "$(flow_counter entries)" 0
	report "netns exit"
	traffic_stop
}

test_netns_move() # port moved to another netns
{
	fresh
	traffic_start
	ip -n "$router" link set rs netns "$client"
	check "move" $? 0
	check "entries" "$(slowwait 10 flow_entries_are 0)" ""
	report "port moved"
	traffic_stop
}

module_unload()
{
	[ ! -d "/sys/module/$1" ] || modprobe -r "$1" 2> /dev/null
	[ ! -d "/sys/module/$1" ]
}

test_unload() # modules can be unloaded
{
	traffic_stop
	flow_cleanup
	if [ ! -e /sys/module/netdevsim/initstate ]; then
		RET=$KSFT_SKIP
		return
	fi
	check "netdevsim" "$(slowwait 10 module_unload netdevsim)" ""
	[ ! -e /sys/module/flow_ft/initstate ] ||
		check "flow_ft" "$(slowwait 10 module_unload flow_ft)" ""
	modprobe netdevsim
	check "load" $? 0
}

test_splat() # the kernel did not complain
{
	check "taint" "$(cat /proc/sys/kernel/tainted)" "$tainted"
}

PIDS=()
tmp=$(mktemp -d)
tainted=$(cat /proc/sys/kernel/tainted)
flow_require nft ethtool conntrack devlink
trap 'traffic_stop; flow_cleanup; rm -rf "$tmp"' EXIT
flow_run
