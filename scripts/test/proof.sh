#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/proof.sh
#
# make proof as a test: what is in proof/held holds, the others are skipped and
# named, unless MINUTES gives them time; with SLOW=1 all fixes.
# check: slow
# check: timeout 1800
# check: cpus 1
# check: needs tree
# check: minutes 3

[ "${SLOW:-0}" = 1 ] || export MINUTES=${MINUTES:-0}
unset T
exec "$(dirname "$0")/../proof" "$@"
