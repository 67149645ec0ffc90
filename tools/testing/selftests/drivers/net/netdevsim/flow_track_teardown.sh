#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: timeout 200
#
# flow_teardown.sh while hardware keeps state and timers of the connections:
# what it reports meets flows that go.

export FLOW_MODE=track
exec "$(dirname "$(readlink -e "$0")")/flow_teardown.sh"
