#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-build.sh
#
# Every commit builds on its own, in order, in the second checkout, starting
# with the pristine base, whose kernel is kept for GUEST=uml-base.  A commit
# that was built with this configuration before is not built again.
# check: slow
# check: timeout 3000

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"

dir=$OUT/steps/build/uml
config=$(cat "$ROOT/scripts/kbuild.sh" "$ROOT"/configs/uml*.config | sha256sum | cut -c 1-16)

build_commit()
{
	local built=$OUT/steps/built/$1-$config

	[ ! -e "$built" ] || return 0
	steps_tree "$1" &&
		configure_any "$OUT/steps/tree" "$dir" uml uml-patched &&
		kmake "$OUT/steps/tree" "$dir" linux modules || return
	mkdir -p "${built%/*}" && : >"$built"
}

"$ROOT/scripts/tree" >&2 || exit
lock steps
mapfile -t commits < <(git -C "$TREE" rev-list --reverse base..series)
tap_plan $((${#commits[@]} + 1))
"$ROOT/scripts/build" base >&2
tap $? "the pristine base builds"
for commit in ${commits[@]+"${commits[@]}"}; do
	build_commit "$commit" >&2
	tap $? "$(git -C "$TREE" log -1 --format=%s "$commit")"
done
tap_end
