#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flow offload when there is no memory: each allocation of BIND, UNBIND, a new
# port and a new device fails once, so does each that workers make for REPLACE,
# STATS and DESTROY, and those that packets need. Nothing is left behind, and it
# all works afterwards.

# shellcheck source-path=SCRIPTDIR source=flow_fail_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_fail_lib.sh"

N=20
SPORT=4000
DPORT=5000

empty()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
}

# A ruleset is there as a whole or not at all.
no_binding()
{
	[ $(($(flow_counter bind) - $(flow_counter unbind))) = 0 ] || {
		empty
		check "$1: bindings" "$(flow_counter unbind)" \
			"$(flow_counter bind)"
	}
	check "$1: entries" "$(flow_counter entries)" 0
}

works()
{
	flow_flush
	flow_timeout udp 30
	flow_ruleset "rc, rs"
	check "$1: offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	snap
	check "$1: frames" "$(frames "${fwd[@]}" n=$N)" \
		"sent=$N received=$N bad=0 tap=0 icmp=0"
	check_deltas rc.hit=$N rs.tx=$N
	empty
	check "$1: bindings" "$(flow_counter unbind)" "$(flow_counter bind)"
}

flowtable()
{
	echo 'table inet fast { flowtable ft { hook ingress priority 0
		devices = { rc, rs }; flags offload; }; }' > "$tmp/ruleset"
}

test_bind() # BIND: nothing is bound
{
	local fwd

	flowtable
	empty
	each_nth nf_flow_table fail_task empty no_binding \
		ip netns exec "$router" nft -f "$tmp/ruleset"
	works afterwards
}

bound()
{
	local fwd rev

	[ "$(flow_counter entries)" -gt 0 ] && return
	flow_flush
	flow_ruleset "rc, rs"
	offload_flow 4 udp $SPORT $DPORT > /dev/null
}

# What could not be unbound for want of memory is there to be unbound again.
unbound()
{
	empty
	no_binding "$1"
}

test_unbind() # UNBIND: what goes, goes as a whole
{
	local fwd

	each_nth nf_tables fail_task bound unbound \
		ip netns exec "$router" nft flush ruleset
	works afterwards
}

# Those of earlier rounds come back as well, sooner or later.
reload_left()
{
	local fwd rev sport=$((4100 + $1))

	check "$1: bindings" \
		$(($(flow_counter bind) - $(flow_counter unbind))) 2
	read -ra fwd <<< "$(fwd_args 4 udp $sport $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $sport $DPORT)"
	open_flow udp
	check_wait "$1: offload" "$WAIT_TIMEOUT" \
		grep -q " sport=$sport " "$FLOW_DEBUGFS/entries"
}

test_reload() # a reload that fails leaves the flowtable that was there
{
	local fwd

	flow_ruleset "rc, rs"
	{
		echo "flush ruleset"
		ip netns exec "$router" nft list ruleset
	} > "$tmp/ruleset"
	# No flow of an earlier round times out while a later one is counted.
	empty
	flow_timeout udp 600
	each_nth nf_flow_table fail_task bound reload_left \
		ip netns exec "$router" nft -f "$tmp/ruleset"
	works afterwards
}

port_is_gone()
{
	local device=$NSIM_BUS/devices/netdevsim$NSIM_ROUTER

	[ ! -d "$device/net" ] ||
		[ "$(nsim_netdevs "$router" "$NSIM_ROUTER" | wc -l)" = 2 ] ||
		echo 2 > "$device/del_port"
}

test_new_port() # a port that cannot be made
{
	local device=$NSIM_BUS/devices/netdevsim$NSIM_ROUTER fwd

	each_nth netdevsim:nsim_flow_port_init fail_task \
		port_is_gone nothing sh -c "echo 2 > $device/new_port"
	port_is_gone
	works afterwards
}

device_is_gone()
{
	nsim_del $((NSIM_ROUTER + 7))
}

test_new_device() # a device that cannot be made
{
	local fwd

	each_nth flow_ft fail_task device_is_gone nothing \
		sh -c "echo $((NSIM_ROUTER + 7)) 2 > $NSIM_BUS/new_device"
	device_is_gone
	works afterwards
}

has_had_stats()
{
	[ "$(flow_counter stats)" -gt "$1" ]
}

# A connection that comes, is asked for its numbers, and goes. If it does not
# get into hardware nobody asks, which is not to be waited for.
flow_life()
{
	local fwd rev

	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $SPORT $DPORT)"
	open_flow udp
	loopy_wait "sleep 0.1" 3000 has_had_stats "$(flow_counter stats)" \
		> /dev/null
	ip netns exec "$router" conntrack -D -p udp > /dev/null 2>&1
	check "removed" "$(slowwait 10 flow_entries_are 0)" ""
}

workers()
{
	local fwd nomem

	empty
	flow_timeout udp 2
	flow_ruleset "rc, rs"
	nomem=$(flow_refused nomem)
	each_nth "$1" fail_workers nothing true flow_life
	check_true "refused for want of memory" \
		[ "$(flow_refused nomem)" -gt "$nomem" ]
	empty
	works afterwards
}

test_workers_driver() # REPLACE, STATS and DESTROY in the driver
{
	workers flow_ft
}

test_workers_core() # REPLACE, STATS and DESTROY, the core's part too
{
	workers nf_flow_table
}

refreshed()
{
	frames "${fwd[@]}" > /dev/null
	flow_entries_are "$1"
}

# What fails here is tried again with a packet to come.
test_offer() # the packet that offers a flow to hardware
{
	local function fwd rev

	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $SPORT $DPORT)"
	for function in flow_offload_alloc nf_flow_nexthop_add \
		nf_flow_offload_work_alloc; do
		empty
		flow_timeout udp 30
		flow_ruleset "rc, rs"
		fail_always nf_flow_table:$function 1
		open_flow udp
		check_true "$function failed" fail_fired
		fail_off
		check "$function: in hardware" "$(flow_counter entries)" 0
		check_wait "$function: again" 10 refreshed 2
	done
	works afterwards
}

# Where a tap has a clone of the frame, hardware has to copy before it writes.
test_packets() # no memory for a packet: it goes to the CPU
{
	local fwd

	empty
	flow_timeout udp 30
	flow_ruleset "rc, rs"
	check "offload" "$(offload_flow 4 udp $SPORT $DPORT)" ""
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	fail_always netdevsim:nsim_flow_rcv
	snap
	check "no memory" "$(frames "${fwd[@]}" n=$N tap="$client:c0")" \
		"sent=$N received=$N bad=0 tap=$N icmp=0"
	fail_off
	check_deltas rc.punt_nomem=$N punted.packets=$N soft.packets=$N
	snap
	check "memory" "$(frames "${fwd[@]}" n=$N tap="$client:c0")" \
		"sent=$N received=$N bad=0 tap=$N icmp=0"
	check_deltas rc.hit=$N rs.tx=$N
	empty
}

none_left()
{
	[ "$(ip netns exec "$router" sysctl -n \
		net.netfilter.nf_conntrack_count)" = 0 ]
}

# A flow holds its connection, so that does not go before the flow has gone.
test_free() # a flowtable without memory for DESTROY goes after its flows
{
	local times fwd

	for times in 1 2 4; do
		bound
		fail_always nf_flow_table:nf_flow_offload_work_alloc $times
		ip netns exec "$router" nft flush ruleset
		ip netns exec "$router" conntrack -F > /dev/null 2>&1
		check_wait "$times failed" 10 fail_fired
		fail_off
		check_wait "$times: connections" 10 none_left
	done
	works afterwards
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

tmp=$(mktemp -d)
tainted=$(taint)
flow_require nft ethtool conntrack
fail_require
trap 'fail_off; nsim_del $((NSIM_ROUTER + 7)); flow_cleanup; rm -rf "$tmp"' EXIT
flow_setup rc rs
hw_tc_offload on rc rs
flow_run
