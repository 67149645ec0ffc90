#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: timeout 400
#
# A connection is opened with the ports of one that hardware has not let go of
# yet: its flow waits in software. Meanwhile something under it goes away.

# shellcheck source-path=SCRIPTDIR source=flow_track_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_track_lib.sh"

is_idle()
{
	! is_removing
}

# goes WHAT COMMAND...: while it waits, and does not get into hardware
goes()
{
	waiting
	"${@:2}"
	check "$1" $? 0
	slow_removal 0
	balanced
}

# Nobody has sent anything meanwhile, and hardware is as slow as before.
comes()
{
	check_wait "in hardware" 60 is_claimed_again
	slow_removal 0
	check "claimed" "$(conn_counter claimed)" $((claimed + 1))
	check "offered" "$(flow_counter replace)" $((replace + 2))
	check "refused" "$(flow_refused match)" "$refused"
}

# What has not been offered is not removed either.
balanced()
{
	check "entries" "$(slowwait "$WAIT_TIMEOUT" flow_entries_are 0)" ""
	check "offered" "$(flow_counter replace)" "$replace"
	check "removed" $(($(flow_counter destroy) +
		$(flow_counter port_purged))) "$replace"
	check "orphans" "$(flow_counter unbind_orphans)" 0
}

test_comes() # it is in hardware when the last one is not any more
{
	waiting
	comes
}

test_closes() # ... which is so for the next one, if it closes as well
{
	waiting
	reset_and_open
	check_true "still waits" is_waiting
	comes
}

delete_connection()
{
	ip netns exec "$router" conntrack -D -p tcp > /dev/null 2>&1
}

test_deleted() # its connection is deleted
{
	goes "delete" delete_connection
}

test_flowtable() # the flowtable is deleted
{
	goes "flush" ip netns exec "$router" nft flush ruleset
	check "bindings" "$(flow_counter unbind)" "$(flow_counter bind)"
}

test_flowtable_device() # the device leaves the flowtable
{
	goes "remove" ip netns exec "$router" nft \
		"delete flowtable inet fast ft { devices = { rs } ; }"
	check "bindings" $(($(flow_counter bind) - $(flow_counter unbind))) 1
}

test_reload() # the ruleset is reloaded: the new flowtable gets it
{
	waiting
	flow_ruleset "rc, rs"
	check "reload" $? 0
	slow_removal 0
	check_wait "in hardware" "$WAIT_TIMEOUT" comes_back "$claimed" \
		seq=13 ack=13
	check "bindings" $(($(flow_counter bind) - $(flow_counter unbind))) 2
	check "refused" "$(flow_refused match)" "$refused"
}

test_ifdown() # the port goes down
{
	goes "down" ip -n "$router" link set rs down
}

test_port_delete() # the port is deleted
{
	goes "delete" \
		eval "echo 1 > $NSIM_BUS/devices/netdevsim$NSIM_ROUTER/del_port"
}

test_netns_exit() # the netns of the router is deleted
{
	waiting
	ip netns del "$router"
	check "exit" "$(slowwait 60 netns_is_gone "$router")" ""
	balanced
}

test_device_delete() # the device is deleted
{
	waiting
	nsim_del "$NSIM_ROUTER"
	check "delete" $? 0
	check_wait "removed" 10 is_idle
}

test_unload() # modules are unloaded
{
	[ -e /sys/module/netdevsim/initstate ] || {
		skip "netdevsim is built in"
		return
	}
	waiting
	unload
	check "debugfs" "$(ls "$NSIM_DEBUGFS" 2> /dev/null)" ""
	check_wait "flows" 10 no_hw_flows
	flow_cleanup
	modprobe netdevsim
	check "load" $? 0
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

tainted=$(taint)
track_setup
[ -w $DEL_QUEUE ] || flow_skip "needs CONFIG_WQ_SYSFS"
flow_run
