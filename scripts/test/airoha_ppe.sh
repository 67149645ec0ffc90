#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/airoha_ppe.sh
#
# What series/airoha-fixes says of the PPE of Airoha's chips: the functions of the
# driver, taken out of it and compiled for user space, do it wrong before and right
# after.  No hardware is modelled: tools/testing/airoha_ppe/airoha_ppe_test.c.
# check: needs tree
# check: cpus 1
# check: minutes 1

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
DRIVER=drivers/net/ethernet/airoha

# part COMMIT FILE FROM TO: what stands from the line FROM to before the line TO
part()
{
	git -C "$TREE" show "$1:$DRIVER/$2" |
		awk -v from="^$3" -v to="^$4" '$0 ~ to { on = 0 } $0 ~ from { on = 1 } on'
}

# of COMMIT: what the driver's functions do there
of()
{
	local d=$dir/${1##*/}

	mkdir "$d"
	git -C "$TREE" show "$1:$DRIVER/airoha_regs.h" >"$d/airoha_regs.h"
	{
		printf '#define %s\n' 'PPE_ENTRY_SIZE 80' 'FE_PSE_PORT_CDM4 7'
		echo 'enum {'
		part "$1" airoha_eth.h '.AIROHA_FOE_STATE_INVALID' 'struct airoha_wdma_info'
	} >"$d/types.h"
	{
		part "$1" airoha_ppe.c 'static void airoha_ppe_foe_flow_stat_entry_reset' \
			'static void airoha_ppe_foe_flow_stats_reset'
		part "$1" airoha_ppe.c 'static void airoha_ppe_foe_flow_stats_update' \
			'static int airoha_ppe_flow_offload_replace'
		part "$1" airoha_ppe.c 'void airoha_ppe_foe_entry_get_stats' \
			'static int airoha_ppe_flow_offload_cmd'
	} >"$d/driver.c"
	gcc -std=gnu11 -g -w -fsanitize=address,undefined -fno-sanitize-recover=all \
		-I "$TREE/tools/include" -I "$d" -o "$d/test" \
		"$ROOT/tools/testing/airoha_ppe/airoha_ppe_test.c" >&2 &&
		ASAN_OPTIONS=detect_leaks=$2 "$d/test"
}

"$ROOT/scripts/tree" >&2 || exit
lock tree
before=$(of base 0) || before="not_ok build"
after=$(of series/airoha-fixes 1) || after="$after"$'\n'"not_ok exit"
mapfile -t names < <(cut -d ' ' -f 2 <<<"$after")
tap_plan ${#names[@]}
for name in "${names[@]}"; do
	case $name in
	control_*) want=ok ;;
	*) want=not_ok ;;
	esac
	grep -qx "ok $name" <<<"$after" && grep -qx "$want $name" <<<"$before"
	tap $? "$name"
done
tap_end
