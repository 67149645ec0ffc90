#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a device says that refuses a flowtable arrives where the request came
# from. nft itself does not show it.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

FLOW_EXTACK=$flow_dir/flow_extack
VF=

# answer DEVICE...: to a flowtable of these
answer()
{
	"$FLOW_EXTACK" "$router" "$@"
}

test_accepted() # no text if all is well
{
	check "rc, rs" "$(answer rc rs)" "error=0"
}

test_refused() # the reason of the driver, and the device that it is about
{
	local text="text=netdevsim: $VF has no flow table, only PF ports do"

	check_true "a VF port can be made" [ -n "$VF" ] || return
	check "VF" "$(answer "$VF")" "error=95 $text"
	check "VF, rc" "$(answer "$VF" rc)" "error=95 $text"
	check "rc, VF" "$(answer rc "$VF")" "error=95 $text"
	check "bindings" "$(flow_counter bind)" "$(flow_counter unbind)"
}

flow_require nft ethtool conntrack devlink
[ -x "$FLOW_EXTACK" ] || flow_skip "flow_extack is not built"
flow_setup rc rs
ip netns exec "$router" devlink dev eswitch set \
	"netdevsim/netdevsim$NSIM_ROUTER" mode switchdev
echo 1 > "$NSIM_BUS/devices/netdevsim$NSIM_ROUTER/sriov_numvfs"
VF=$(nsim_netdevs "$router" "$NSIM_ROUTER" | grep -v '^r[cs]$')
flow_run
