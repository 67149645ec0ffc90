#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flow offload when there is no memory: each allocation of BIND, UNBIND, a new
# port and a new device fails once, and those of REPLACE, STATS and DESTROY,
# which are done by workers, fail one at a time. Nothing is left behind, and it
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

# fail_within MODULE[:FUNCTION]: failures are for allocations made below it
fail_within()
{
	local module=${1%:*} function='.*' first last

	[ "$module" = "$1" ] || function=${1#*:}
	read -r first last < <(
		grep -i " t $function.\[$module\]\$" /proc/kallsyms |
		cut -d ' ' -f 1 | sort | sed -n '1p;$p' | paste -sd ' ')
	[ -n "$last" ] || return
	fail_off
	# It would count for fail-nth as well.
	[ ! -d "${FAIL%/*}/fail_page_alloc" ] ||
		echo 30 > "${FAIL%/*}/fail_page_alloc/min-order"
	echo N > $FAIL/ignore-gfp-wait
	echo 0 > $FAIL/verbose
	echo 32 > $FAIL/stacktrace-depth
	echo "0x$first" > $FAIL/require-start
	printf '0x%x\n' $((0x$last + 512)) > $FAIL/require-end
}

# fail_nth N COMMAND...: with the Nth of these allocations failing
fail_nth()
{
	local nth=$1

	shift
	echo 1 > $FAIL/times
	(
		# $BASHPID: for the shell of these brackets, and what it execs
		echo "$nth" > "/proc/$BASHPID/fail-nth"
		exec "$@" > /dev/null 2>&1
	)
}

fail_fired()
{
	[ "$(cat $FAIL/times)" = 0 ]
}

# each_nth MODULE BEFORE AFTER COMMAND...: until no allocation is left to fail
each_nth()
{
	local module=$1 before=$2 after=$3 nth fired=0

	shift 3
	fail_within "$module" || {
		check "module $module" missing ""
		return
	}
	for ((nth = 1; nth < MAX_NTH; nth++)); do
		"$before"
		fail_nth $nth "$@"
		fail_fired || break
		fired=$((fired + 1))
		fail_off
		"$after" $nth
	done
	fail_off
	ktap_print_msg "$fired allocations failed"
	check_true "some failed" [ $fired -gt 0 ]
	check_true "all failed" [ $nth -lt $MAX_NTH ]
}

# each_interval MAX MODULE COMMAND...: one failure a time, in whatever task; how
# many allocations later depends on what the last one has left of the interval
each_interval()
{
	local max=$1 module=$2 interval fired=0

	shift 2
	fail_within "$module" || {
		check "module $module" missing ""
		return
	}
	for ((interval = 1; interval <= max; interval++)); do
		echo "$interval" > $FAIL/interval
		echo 100 > $FAIL/probability
		echo 1 > $FAIL/times
		"$@"
		fail_fired && fired=$((fired + 1))
		fail_off
	done
	echo 1 > $FAIL/interval
	ktap_print_msg "$fired allocations failed"
	check_true "some failed" [ $fired -gt $((max / 4)) ]
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

udp_timeout()
{
	ip netns exec "$router" sysctl -wq \
		net.netfilter.nf_flowtable_udp_timeout="$1"
}

works()
{
	flow_flush
	udp_timeout 30
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
	each_nth nf_flow_table empty no_binding \
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

	each_nth nf_tables bound unbound \
		ip netns exec "$router" nft flush ruleset
	works afterwards
}

reload_left()
{
	local fwd

	check "$1: bindings" \
		$(($(flow_counter bind) - $(flow_counter unbind))) 2
	check "$1: offload" "$(offload_flow 4 udp $((4100 + $1)) $DPORT)" ""
}

test_reload() # a reload that fails leaves the flowtable that was there
{
	local fwd

	echo 'flush ruleset
		table inet fast { flowtable ft { hook ingress priority 0
		devices = { rc, rs }; flags offload; }; }' > "$tmp/ruleset"
	each_nth nf_flow_table bound reload_left \
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

	each_nth netdevsim:nsim_flow_port_init port_is_gone nothing \
		sh -c "echo 2 > $device/new_port"
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

	each_nth flow_ft device_is_gone nothing \
		sh -c "echo $((NSIM_ROUTER + 7)) 2 > $NSIM_BUS/new_device"
	device_is_gone
	works afterwards
}

# A connection that comes, is asked for its numbers, and goes.
flow_life()
{
	local fwd rev stats

	stats=$(flow_counter stats)
	udp_timeout 1
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $SPORT $DPORT)"
	open_flow udp
	slowwait 3 until_counter_is "> $stats" flow_counter stats > /dev/null
	ip netns exec "$router" conntrack -D -p udp > /dev/null 2>&1
	check "removed" "$(slowwait 10 flow_entries_are 0)" ""
}

workers()
{
	local fwd nomem

	empty
	flow_ruleset "rc, rs"
	nomem=$(flow_refused nomem)
	each_interval "$1" "$2" flow_life
	ktap_print_msg "refused for want of memory:" \
		$(($(flow_refused nomem) - nomem))
	empty
	works afterwards
}

test_workers_driver() # REPLACE, STATS and DESTROY in the driver
{
	local before

	before=$(flow_refused nomem)
	workers 8 flow_ft
	check_true "refused" [ "$(flow_refused nomem)" -gt "$before" ]
}

test_workers_core() # REPLACE, STATS and DESTROY, the core's part too
{
	workers 16 nf_flow_table
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
