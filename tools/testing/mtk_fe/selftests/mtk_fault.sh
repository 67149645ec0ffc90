#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver without memory: each allocation to bind a flowtable, or for a flow,
# fails once, and all those for connections of a bridge meanwhile. Nothing is
# left behind, and it all works afterwards.
# guest: mtk-debug

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"
# shellcheck source-path=SCRIPTDIR/../../selftests/drivers/net/netdevsim
# shellcheck source=flow_fail_lib.sh
source "$KSFT/drivers/net/netdevsim/flow_fail_lib.sh"

SPORT=4000

empty()
{
	ip netns exec "$router" nft flush ruleset
	ct -F
	check "nothing is bound" "$(slowwait 10 ppe_entries_are bind 0)" ""
}

# Another connection than any before
is_bound()
{
	udp_flow $SPORT:7 300 > /dev/null
	ppe_entries_are bind 2
}

works()
{
	ruleset routed
	SPORT=$((SPORT + 1))
	check_wait "$1: bound" 20 is_bound
	check "$1: echoes" "$(udp_flow $SPORT:7 50)" 50
	check_true "$1: by the PPE" \
		[ "$(count forward udp_flow $SPORT:7 50)" -ge 95 ]
	empty
}

# A flowtable is bound as a whole, and then it works, or not at all.
refused_or_bound()
{
	local loaded refuse=$FIRED

	# Every second one is kmemleak's own, which has a pool to fall back on.
	[ ! -e /sys/kernel/debug/kmemleak ] || refuse=$((FIRED && $1 % 2))

	loaded=$(ip netns exec "$router" nft list ruleset |
		grep -c "flowtable ft")
	check "$1: loaded" "$loaded" $((1 - refuse))
	SPORT=$((SPORT + 1))
	[ "$loaded" = 0 ] || check_wait "$1: bound" 20 is_bound
	empty
}

test_bind() # BIND: the ruleset is refused, and nothing is bound
{
	COUNTER='' ruleset routed
	ip netns exec "$router" nft list ruleset > "$tmp/ruleset"
	each_nth mtk_eth fail_task empty refused_or_bound \
		ip netns exec "$router" nft -f "$tmp/ruleset"
	# What a callback is, and its port, of both ports
	check_true "all of them" [ "$FAILED" -ge 4 ]
	works afterwards
}

# A connection that comes, and goes
flow_life()
{
	SPORT=$((SPORT + 1))
	check "echoes" "$(udp_flow $SPORT:7 40)" 40
	ct -F
	check "removed" "$(slowwait 10 ppe_entries_are bind 0)" ""
}

test_flow() # REPLACE: the flow goes by the CPU
{
	empty
	ruleset routed
	each_nth mtk_eth fail_workers nothing true flow_life
	# One for each direction
	check_true "all of them" [ "$FAILED" -ge 2 ]
	works afterwards
}

# What fails here is tried again with a packet to come.
test_bridge() # a connection of a bridge goes by the CPU meanwhile
{
	local forward

	bridge_setup
	check_true "filter" filter_add
	fail_always mtk_eth:__mtk_ppe_check_skb
	forward=$(ppe_stat forward)
	bridge_send 2000 200
	check "bound without memory" "$(ppe_entries bind)" 0
	check "forwarded without memory" "$(ppe_stat forward)" "$forward"
	fail_off
	bridge_send 2000 200
	check_wait "bound" 5 ppe_entries_are bind 1
	filter_del
	check "bound without the filter" "$(ppe_entries bind)" 0
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

fe_require nft conntrack ethtool python3 ss
fail_require
tmp=$(mktemp -d)
tainted=$(taint)
trap 'fail_off; cleanup; rm -rf "$tmp"' EXIT
setup_open
udp_server 7
flow_run
