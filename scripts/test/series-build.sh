#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-build.sh
#
# Every commit builds on its own, in order, starting with the pristine base,
# whose kernel is kept for GUEST=base.  What was built with this configuration
# before is not built again, be it by an earlier run or, where a commit adds no
# more than tests or documentation, by the commit before it.
# check: slow
# check: timeout 4500
# check: cpus 1
# check: needs tree
# check: builds base
# check: minutes 15

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"

mapfile -t fragments < <(fragment_files uml)
config=$(cat "$ROOT/scripts/kbuild.sh" "${fragments[@]}" | sha256sum | cut -c 1-16)

# configure_steps COMMIT: the same Kconfig files make the same .config, unless
# scripts/proof, which builds here too, made another one meanwhile.
configure_steps()
{
	local key made=$STEPS_DIR/.configured

	key=$config-$(git -C "$TREE" ls-tree -r "$1" | grep Kconfig | sha256sum)
	[ "$(cat "$made" 2>/dev/null)" != "$key $(sha256sum <"$STEPS_DIR/.config")" ] || return 0
	configure_any "$STEPS_DIR" uml &&
		echo "$key $(sha256sum <"$STEPS_DIR/.config")" >"$made"
}

build_commit()
{
	local built

	built=$OUT/steps/built/$config-$(git -C "$TREE" ls-tree "$1" . tools/ |
		grep -vP '\t(Documentation|tools|tools/testing)$' | sha256sum | cut -c 1-16)
	[ ! -e "$built" ] || return 0
	steps_at "$1" &&
		configure_steps "$1" &&
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
