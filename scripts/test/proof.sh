#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/proof.sh
#
# make proof as a test: all fixes.
# check: SLOW=1
# check: timeout 3000
# check: cpus 1
# check: needs tree
# check: minutes 5

unset T
exec "$(dirname "$0")/../proof" "$@"
