#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/lint.sh
#
# make lint as a test.

exec "$(dirname "$0")/../lint" "$@"
