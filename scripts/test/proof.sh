#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/proof.sh
#
# make proof as a test: fixes that changed last first, as many as there is time
# for; with SLOW=1 all of them.
# check: slow
# check: timeout 3000
# check: cpus 1
# check: needs tree
# check: minutes 5

unset T
[ "${SLOW:-0}" = 1 ] || export MINUTES=${MINUTES:-3}
exec "$(dirname "$0")/../proof" "$@"
