#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/mutants.sh
#
# make mutants as a test: with SLOW=1 all of them are found, else only whether they
# can still be planted.
# check: slow
# check: timeout 7200
# check: cpus 1
# check: needs tree
# check: minutes 1

[ "${SLOW:-0}" = 1 ] || set -- -n
unset T SLOW
exec "$(dirname "$0")/../mutants" "$@"
