#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: timeout 200
#
# The flow table of a switch ASIC when something under it goes away while
# connections use it: nothing is left in the table, and the CPU takes over what
# can go on.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"
# shellcheck source=flow_sessions.sh
source "$flow_dir/flow_sessions.sh"

# New connections all the time, which time out after a second: so entries are
# added, asked for their numbers and removed in every moment.
churn()
{
	local i=0 family args

	while :; do
		args=()
		for family in 4 6 4 6 4 6 4 6; do
			i=$((i % 1000 + 1))
			args+=("${TO_SERVER[@]}" wait=20)
			read -ra args <<< "${args[*]} $(fwd_args $family udp \
				$((10000 + i)) 5100) -- ${TO_CLIENT[*]} \
				wait=20 $(rev_args $family udp \
				$((10000 + i)) 5100) --"
		done
		"$FLOW_FRAMES" "${args[@]}" > /dev/null 2>&1 || sleep 0.1
	done
}

traffic_start()
{
	local replace stats claimed

	claimed=$(conn_counter claimed)
	replace=$(flow_counter replace)
	stats=$(flow_counter stats)
	flow_timeout udp 1
	sessions_start
	churn &
	CHURN=$!
	check_wait "churn" "$WAIT_TIMEOUT" until_counter_is \
		">= $((replace + 2 * SESSIONS + 8))" flow_counter replace
	if [ "$FLOW_MODE" = track ]; then
		check_wait "claims" "$WAIT_TIMEOUT" until_counter_is \
			">= $((claimed + SESSIONS))" conn_counter claimed
	else
		check_wait "stats" "$WAIT_TIMEOUT" until_counter_is "> $stats" \
			flow_counter stats
	fi
}

churn_stop()
{
	[ -z "$CHURN" ] || kill "$CHURN" 2> /dev/null
	[ -z "$CHURN" ] || wait "$CHURN" 2> /dev/null
	CHURN=
}

traffic_finish()
{
	churn_stop
	sessions_finish
}

traffic_stop()
{
	churn_stop
	sessions_kill
}

report()
{
	ktap_print_msg "$1: replace $(flow_counter replace)" \
		"stats $(flow_counter stats)" \
		"unbind_orphans $(flow_counter unbind_orphans)" \
		"port_purged $(flow_counter port_purged)" \
		"destroy $(flow_counter destroy)" \
		"stale reports $(conn_counter reports_stale 2> /dev/null)"
}

# The core takes its flows out before it lets go of a device.
balanced()
{
	check "$1: entries" "$(flow_counter entries)" 0
	check "$1: orphans" "$(flow_counter unbind_orphans)" 0
	check "$1: bindings" "$(flow_counter unbind)" "$(flow_counter bind)"
	check "$1: entry balance" \
		$(($(flow_counter destroy) + $(flow_counter unbind_orphans) +
		   $(flow_counter port_purged) + $(flow_counter evicted) +
		   $(flow_counter replaced))) \
		"$(flow_counter replace)"
	report "$1"
}

# Sockets of connections that nobody reads from any more
no_sockets()
{
	! {
		ip netns exec "$client" cat /proc/net/tcp /proc/net/tcp6
		ip netns exec "$server" cat /proc/net/tcp /proc/net/tcp6
	} | grep -q ' 0[1-5789AB] '
}

fresh()
{
	traffic_stop
	if topology_is_whole && slowwait 2 no_sockets; then
		flow_flush
	else
		flow_cleanup
		flow_setup rc rs
	fi
	hw_tc_offload on rc rs
	flow_timeout udp 30
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
	check "traffic runs" "$(sessions_run || echo over)" ""
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
	check "traffic runs" "$(sessions_run || echo over)" ""
	churn_stop
	snap
	check "offloaded again" "$(wait_offload $SESSIONS)" ""
	check_wait "hits" 5 hits_move
	traffic_finish
	flow_flush
	slowwait 5 flow_entries_are 0
	balanced "reloads"
}

test_flush_ruleset() # ruleset flushed: no entries, the stack goes on
{
	fresh
	traffic_start
	ip netns exec "$router" nft flush ruleset
	check "flush" $? 0
	balanced "ruleset flushed"
	check "traffic runs" "$(sessions_run || echo over)" ""
	traffic_finish
	balanced "end"
}

test_flowtable_device() # device removed from the flowtable: its flows go
{
	fresh
	traffic_start
	ip netns exec "$router" nft \
		"delete flowtable inet fast ft { devices = { rs } ; }"
	check "remove" $? 0
	check "bindings" $(($(flow_counter bind) - $(flow_counter unbind))) 1
	check_true "nothing comes in by it" \
		[ "$(grep -c '^in=rs ' "$FLOW_DEBUGFS/entries")" = 0 ]
	check "traffic runs" "$(sessions_run || echo over)" ""
	traffic_finish
	flow_flush
	slowwait 5 flow_entries_are 0
	balanced "end"
}

test_flowtable_device_status() # ... and they are not shown as in hardware
{
	fresh
	check "offload" "$(offload_flow 4 udp 4000 5000)" ""
	check_wait "status" 5 hw_status_is ipv4 1
	ip netns exec "$router" nft \
		"delete flowtable inet fast ft { devices = { rs } ; }"
	check "gone" "$(slowwait "$WAIT_TIMEOUT" no_hw_flows)" ""
	check "entries" "$(flow_counter entries)" 0
}

test_rename() # bound port renamed: the flowtable lets go of it
{
	fresh
	traffic_start
	ip -n "$router" link set rs name renamed
	check "rename" $? 0
	check "bindings" $(($(flow_counter bind) - $(flow_counter unbind))) 1
	check "nothing comes in by it" \
		"$(grep -c '^in=renamed ' "$FLOW_DEBUGFS/entries")" 0
	check "traffic runs" "$(sessions_run || echo over)" ""
	traffic_finish
	ip -n "$router" link set renamed name rs
	flow_flush
	slowwait 5 flow_entries_are 0
	balanced "end"
}

test_conntrack_flush() # conntrack -F: the flows go, and come back
{
	local destroy

	fresh
	traffic_start
	destroy=$(flow_counter destroy)
	ip netns exec "$router" conntrack -F > /dev/null 2>&1
	check_wait "destroyed" 10 until_counter_is \
		">= $((destroy + 2 * SESSIONS))" flow_counter destroy
	traffic_finish
	flow_flush
	slowwait 5 flow_entries_are 0
	balanced "end"
}

# in hardware, and leaves nothing there
traffic_goes_on()
{
	snap
	check "traffic runs" "$(sessions_run || echo over)" ""
	check_wait "hits" 5 hits_move
	traffic_finish
	flow_flush
	slowwait 5 flow_entries_are 0
	balanced "end"
}

timeout_policy()
{
	ip netns exec "$router" nft -f - <<-RULES
		table inet odd {
			ct timeout odd {
				protocol tcp
				policy = { established : $1 }
			}
			ct timeout odd_udp {
				protocol udp
				policy = { replied : $1 }
			}
			chain choose {
				type filter hook prerouting priority -150
				meta l4proto tcp ct timeout set "odd"
				meta l4proto udp ct timeout set "odd_udp"
			}
		}
	RULES
}

# is_marked MARK: sessions are; what the churn opens may end meanwhile
is_marked()
{
	[ "$(ip netns exec "$router" conntrack -L -p tcp -m "$1" \
		2> /dev/null | wc -l)" -gt 0 ]
}

test_conntrack_changes() # marks and timeout policies come and go
{
	local i family

	fresh
	traffic_start
	for i in 1 2 3 4 5; do
		timeout_policy $((1000 + i))
		check "policy $i" $? 0
		for family in ipv4 ipv6; do
			ip netns exec "$router" conntrack -U -f $family \
				-p tcp -m "$i" > /dev/null 2>&1
			ip netns exec "$router" conntrack -U -f $family \
				-p udp -m "$i" > /dev/null 2>&1
		done
		check_true "mark $i" is_marked "$i"
		ip netns exec "$router" nft delete table inet odd
		check "no policy $i" $? 0
	done
	traffic_goes_on
}

test_toggle() # hw-tc-offload off and on: the connections go on
{
	local i

	fresh
	traffic_start
	for i in 1 2 3 4 5; do
		hw_tc_offload off rc rs
		hw_tc_offload on rs rc
	done
	traffic_goes_on
}

hits_move()
{
	look
	[ "$(delta rc.hit)" -gt 0 ] && [ "$(delta rs.hit)" -gt 0 ]
}

# Run a command for a router of its own, next to the first one.
second_router()
{
	local NSIM_ROUTER=$((NSIM_ROUTER + 4))
	local FLOW_DEBUGFS=$NSIM_DEBUGFS/netdevsim$NSIM_ROUTER/flow
	local client='' router='' server=''

	"$@"
}

second_setup()
{
	flow_setup rc rs
	hw_tc_offload on rc rs
	flow_ruleset "rc, rs"
	check "second: offload" "$(offload_flow 4 udp 4000 5000)" ""
	second=$router
}

test_two_routers() # two routers, one of them torn down: the other goes on
{
	local second=

	fresh
	second_router second_setup
	frames_setup
	traffic_start
	snap
	ip netns del "$second"
	check "delete" $? 0
	check_wait "hits" 5 hits_move
	check "traffic runs" "$(sessions_run || echo over)" ""
	# Those of UDP come and go.
	check_wait "entries" 10 until_counter_is ">= $((2 * SESSIONS))" \
		flow_counter entries
	traffic_finish
	second_router flow_cleanup_devices
	flow_flush
	slowwait 5 flow_entries_are 0
	balanced "end"
}

test_ifdown() # port down and up: its flows leave the table
{
	fresh
	traffic_start
	ip -n "$router" link set rs down
	check "down" "$(slowwait 10 flow_entries_are 0)" ""
	check "orphans" "$(flow_counter unbind_orphans)" 0
	report "down"
	traffic_stop
}

test_port_delete() # port deleted: nothing leads to it any more
{
	fresh
	traffic_start
	check_wait "all in hardware" 10 until_counter_is \
		">= $((2 * SESSIONS))" flow_counter entries
	echo 1 > "$NSIM_BUS/devices/netdevsim$NSIM_ROUTER/del_port" ||
		check "delete" failed ""
	# The port took them along; the core had none to remove. Those of UDP,
	# one half, come and go.
	check "entries" "$(flow_counter entries)" 0
	check_true "purged" [ "$(flow_counter port_purged)" -ge $SESSIONS ]
	check "entry balance" \
		$(($(flow_counter destroy) + $(flow_counter port_purged))) \
		"$(flow_counter replace)"
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

test_netns_exit() # netns of the router deleted
{
	fresh
	traffic_start
	ip netns del "$router"
	check "exit" "$(slowwait 60 netns_is_gone "$router")" ""
	check "entries" "$(flow_counter entries)" 0
	check "orphans" "$(flow_counter unbind_orphans)" 0
	report "netns exit"
	traffic_stop
}

# There is one worker, busy with a flow of another netns when the flows
# of this one come to their end.
test_netns_exit_queued() # ... while its flows wait for their DESTROY
{
	local second='' begin fwd

	fresh
	[ -w $DEL_QUEUE ] || {
		skip "the workqueues of nf_flow_table are not in sysfs"
		return
	}
	second_router second_setup
	frames_setup
	check "offload" "$(offload_flow 4 tcp 4000 5000)" ""
	slow_removal 1500
	begin=$(timestamp_ms)
	read -ra fwd <<< "$(fwd_args 4 tcp 4000 5000)"
	frames "${fwd[@]}" flags=04 seq=13 > /dev/null
	ip netns del "$second"
	check "exit" "$(slowwait 60 second_router netns_is_gone "$second")" ""
	# Or there was nothing to wait for.
	check_true "waited" [ $(($(timestamp_ms) - begin)) -ge 2900 ]
	check "second: entries" "$(second_router flow_counter entries)" 0
	slow_removal 0
	check "entries" "$(slowwait 10 flow_entries_are 0)" ""
	second_router flow_cleanup_devices
}

test_netns_move() # port moved to another netns
{
	fresh
	traffic_start
	ip -n "$router" link set rs netns "$client"
	check "move" $? 0
	check "entries" "$(slowwait 10 flow_entries_are 0)" ""
	check "orphans" "$(flow_counter unbind_orphans)" 0
	report "port moved"
	traffic_stop
}

test_unload() # modules unloaded, with flows in hardware
{
	[ -e /sys/module/netdevsim/initstate ] || {
		skip "netdevsim is built in"
		return
	}
	fresh
	traffic_start
	unload
	check "debugfs" "$(ls "$NSIM_DEBUGFS" 2> /dev/null)" ""
	check "flows" "$(slowwait 10 no_hw_flows)" ""
	traffic_stop
	flow_cleanup
	modprobe netdevsim
	check "load" $? 0
	fresh
	check "offload" "$(offload_flow 4 udp 4000 5000)" ""
	flow_cleanup
	unload
	modprobe netdevsim
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

CHURN=
tmp=$(mktemp -d)
tainted=$(taint)
flow_require nft ethtool conntrack devlink
cleanup()
{
	traffic_stop
	second_router flow_cleanup_devices
	flow_cleanup
	rm -rf "$tmp"
}

trap cleanup EXIT
flow_run
