#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/nft-offload.sh
#
# Upstream's nft_offload.sh, as it is in the pristine base, in the guest qemu:
# rulesets and flowtables with `flags offload` while nsim_setup_tc() fails at
# random (fail_function).  It must pass, every part of it, without a splat.
# check: SLOW=1
# check: timeout 1500
# check: needs upstream
# check: builds qemu

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/test/upstream-lib.sh
. "$ROOT/scripts/test/upstream-lib.sh"

dir=${RESULTS:-$OUT/results/nft-offload}/run

# passed TEXT NAME
passed()
{
	grep -q "^PASS: $1" "$dir/log"
	tap $? "$2"
}

"$ROOT/scripts/build" qemu >&2 && upstream_unpack || exit
tap_plan 5
upstream_run qemu net/netfilter/nft_offload.sh "$dir"
rc=$?
sed 's/^/# /' "$dir/log"
passed "flowtable offload" "flowtable offload"
passed "ruleset offload" "ruleset offload"
passed "Not tainted" "rulesets while nsim_setup_tc() fails"
# It passes as well when nothing is injected: some loads must have failed.
read -r all ok < <(sed -n 's/^PASS: Not tainted. \([0-9]*\) rounds, \([0-9]*\) .*/\1 \2/p' "$dir/log")
[ "${ok:-0}" -lt "${all:-0}" ]
tap $? "some of them failed"
[ "$rc $(cat "$dir/exit-code" 2>/dev/null)" = "0 0" ]
tap $? "exit code 0 and no splat"
tap_end
