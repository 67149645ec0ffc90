#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: timeout 200
#
# flow_teardown.sh while hardware keeps state and timers of the connections:
# what it reports, and what is long on its way, meets flows that go.

export FLOW_MODE=track FLOW_REPORT_DELAY_US=300
exec "$(dirname "$(readlink -e "$0")")/flow_teardown.sh"
