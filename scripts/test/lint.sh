#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/lint.sh
#
# make lint as a test.
# check: cpus 1
# check: needs tree
# check: minutes 4

exec "$(dirname "$0")/../lint" "$@"
