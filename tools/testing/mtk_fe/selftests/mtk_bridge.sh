#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flows of a bridge: a filter of tc flower by MAC addresses, and an entry of
# hardware for each connection that it meets. Hardware's time stands still.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

forwards()
{
	[ "$(ppe_stat forward)" = "$1" ]
}

# Two connections with a common bucket are bound
neighbours()
{
	check_true "filter" filter_add
	knob force_bucket 5
	bridge_send 2001 200
	check_wait "bound" 5 ppe_entries_are bind 1
	bridge_send 2002 200
	check_wait "bound with a neighbour" 5 ppe_entries_are bind 2
}

test_bound() # frames of a bound connection do not see the CPU
{
	local forward

	check_true "filter" filter_add
	bridge_send 2000 200
	check_wait "bound" 5 ppe_entries_are bind 1
	forward=$(ppe_stat forward)
	bridge_send 2000 100
	check_wait "forwarded" 5 forwards $((forward + 100))
	filter_del
	check "bound without the filter" "$(ppe_entries bind)" 0
}

test_neighbours() # entries of one bucket leave with their filter
{
	neighbours
	filter_del
	check "bound without the filter" "$(ppe_entries bind)" 0
	knob force_bucket 0xffffffff
}

test_unbind() # ... or with the driver
{
	neighbours
	check_true "unbind" driver_unbind
	check_wait "entries leave" 10 ppe_entries_are bind 0
	knob force_bucket 0xffffffff
	check_true "bind" driver_bind
}

fe_require tc python3 ss
trap cleanup EXIT
setup_open
echo 0 > $FE/tick_ms
bridge_setup
udp_server 7
flow_run
