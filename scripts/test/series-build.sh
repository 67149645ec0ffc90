#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-build.sh
#
# Every commit builds on its own, in order, starting with the pristine base,
# whose kernel is kept for GUEST=base.  A commit that was built with this
# configuration before is not built again.
# check: slow
# check: timeout 3000
# check: cpus 1
# check: needs tree
# check: builds base
# check: minutes 20

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"

mapfile -t fragments < <(fragment_files uml)
config=$(cat "$ROOT/scripts/kbuild.sh" "${fragments[@]}" | sha256sum | cut -c 1-16)

build_commit()
{
	local built=$OUT/steps/built/$1-$config

	[ ! -e "$built" ] || return 0
	steps_at "$1" &&
		configure_any "$STEPS_DIR" uml &&
		kmake "$STEPS_DIR" linux modules || return
	mkdir -p "${built%/*}" && : >"$built"
}

lock tree
"$ROOT/scripts/tree" >&2 || exit
mapfile -t commits < <(git -C "$TREE" rev-list --reverse base..series)
tap_plan $((${#commits[@]} + 1))
"$ROOT/scripts/build" base >&2
tap $? "the pristine base builds"
trap steps_end EXIT
for commit in ${commits[@]+"${commits[@]}"}; do
	build_commit "$commit" >&2
	tap $? "$(git -C "$TREE" log -1 --format=%s "$commit")"
done
tap_end
