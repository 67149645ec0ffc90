#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the drivers of Linux 7.3 do wrong with the switch on the model: each of
# these tests fails with them. make check does not run them.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

# bound: a UDP flow, and how many directions of it
bound()
{
	ct -F
	echo 100 > $FE/tick
	udp_flow 4001:7 600 > /dev/null
	ppe_entries bind
}

# With stag_any 0; nobody knows what the chip does
test_late_switch() # the other MAC was up before the switch came
{
	ruleset routed
	check "bound" "$(bound)" 2
}

test_hw_tc_offload() # a port without hw-tc-offload has no flows in hardware
{
	echo 1 > $FE/stag_any
	hw_tc_offload off lan1 wan
	ruleset routed
	check "bound" "$(bound)" 0
	hw_tc_offload on lan1 wan
	echo 0 > $FE/stag_any
}

has_switch || flow_skip "this SoC has no switch"
# As where eth1 is needed to boot, and the switch is a module
BEFORE_SWITCH="ip link set eth1 up"
fe_require nft conntrack ethtool python3 ss
trap cleanup EXIT
setup_open
echo 0 > $FE/tick_ms
udp_server 7
flow_run
