#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flow offload when there is no memory: each allocation of BIND, UNBIND, a new
# port and a new device fails once, so does each that workers make for REPLACE,
# STATS and DESTROY, and those that packets need. Nothing is left behind, and it
# all works afterwards.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000
FAIL=/sys/kernel/debug/failslab
MAX_NTH=400

fail_off()
{
	echo 0 > $FAIL/probability
	echo 0 > $FAIL/times
}

# text_of MODULE[:FUNCTION]: its first address, and the first one behind it
text_of()
{
	grep -i " t .*\[${1%:*}\]\$" /proc/kallsyms | sort |
	awk -v name="$(echo "$1" | sed -n 's/.*://p')" '
		!name || $3 == name {
			first = first ? first : $1
			last = $1
			after = ""
			next
		}
		last && !after && $1 != last { after = $1 }
		END { if (first) print first, after ? after : last "+512" }'
}

# fail_within MODULE[:FUNCTION]: failures are for allocations made below it
fail_within()
{
	local first end

	read -r first end < <(text_of "$1")
	check_true "$1 is there" [ -n "$end" ] || return
	fail_off
	# It would count for fail-nth as well.
	[ ! -d "${FAIL%/*}/fail_page_alloc" ] ||
		echo 30 > "${FAIL%/*}/fail_page_alloc/min-order"
	echo N > $FAIL/ignore-gfp-wait
	echo 0 > $FAIL/verbose
	echo 32 > $FAIL/stacktrace-depth
	echo "0x$first" > $FAIL/require-start
	printf '0x%x\n' $((0x$end)) > $FAIL/require-end
}

# fail_task N COMMAND...: the Nth of these allocations fails
fail_task()
{
	local nth=$1

	shift
	(
		# $BASHPID: for the shell of these brackets, and what it execs
		echo "$nth" > "/proc/$BASHPID/fail-nth"
		exec "$@" > /dev/null 2>&1
	)
}

workers_nth()
{
	local task name

	for task in /proc/[0-9]*; do
		read -r name < "$task/comm" && [[ $name = kworker/* ]] &&
			echo "$1" > "$task/fail-nth"
	done 2> /dev/null
}

# fail_workers N COMMAND...: the Nth of these that a worker makes, meanwhile
fail_workers()
{
	local nth=$1

	shift
	workers_nth "$nth"
	"$@"
	workers_nth 0
}

fail_fired()
{
	[ "$(cat $FAIL/times)" = 0 ]
}

# each_nth MODULE FAIL BEFORE AFTER COMMAND...: until no allocation is left to
# fail; a worker that has just come may hide one, but not twice.
each_nth()
{
	local fail=$2 before=$3 after=$4 nth fired=0 left=0

	fail_within "$1" || return
	shift 4
	for ((nth = 1; nth < MAX_NTH && left < 2; nth++)); do
		"$before"
		echo 1 > $FAIL/times
		"$fail" $nth "$@"
		left=$((left + 1))
		! fail_fired || fired=$((fired + 1)) left=0
		fail_off
		"$after" $nth
	done
	ktap_print_msg "$fired allocations failed"
	check_true "some failed" [ $fired -gt 0 ]
	check_true "all failed" [ $nth -lt $MAX_NTH ]
}

# fail_always FUNCTION [TIMES]: whoever allocates in it
fail_always()
{
	fail_within "$1" || return
	echo 1 > $FAIL/interval
	echo "${2:--1}" > $FAIL/times
	echo 100 > $FAIL/probability
}

nothing()
{
	:
}

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
	check "taint" "$(cat /proc/sys/kernel/tainted)" "$tainted"
}

tmp=$(mktemp -d)
tainted=$(cat /proc/sys/kernel/tainted)
flow_require nft ethtool conntrack
[ -w $FAIL/require-start ] ||
	flow_skip "needs failslab with debugfs and a stack filter"
trap 'fail_off; nsim_del $((NSIM_ROUTER + 7)); flow_cleanup; rm -rf "$tmp"' EXIT
flow_setup rc rs
hw_tc_offload on rc rs
flow_run
