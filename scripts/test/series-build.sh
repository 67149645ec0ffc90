#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-build.sh
#
# Every commit builds on its own, in order, starting with the pristine base: all
# objects of net/ and drivers/net/, and at the end of a sub-series, with SLOW=1
# everywhere, the linked kernel and its modules.  What was built with this configuration before is not built again, be
# it by an earlier run or, where a commit adds no more than tests or
# documentation, by the commit before it.
# check: slow
# check: timeout 4500
# check: cpus 1
# check: needs tree
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

# The end of a sub-series is what gets merged.
targets()
{
	if [ "${SLOW:-0}" = 1 ] || git -C "$TREE" tag --points-at "$1" | grep -q '^series/'; then
		echo linux modules
	else
		echo net/ drivers/net/
	fi
}

build_commit()
{
	local built targets

	read -ra targets < <(targets "$1")
	built=$OUT/steps/built/$config-$(git -C "$TREE" ls-tree "$1" . tools/ |
		grep -vP '\t(Documentation|tools|tools/testing)$' | sha256sum | cut -c 1-16)
	[ "${targets[0]}" != linux ] || built=$built-linked
	[ ! -e "$built" ] && [ ! -e "$built-linked" ] || return 0
	steps_at "$1" &&
		configure_steps "$1" &&
		kmake "$STEPS_DIR" "${targets[@]}" || return
	mkdir -p "${built%/*}" && : >"$built"
}

lock tree
"$ROOT/scripts/tree" >&2 || exit
mapfile -t commits < <(git -C "$TREE" rev-list --reverse base..series)
tap_plan $((${#commits[@]} + 1))
trap steps_end EXIT
build_commit base >&2
tap $? "the pristine base builds"
for commit in ${commits[@]+"${commits[@]}"}; do
	build_commit "$commit" >&2
	tap $? "$(git -C "$TREE" log -1 --format=%s "$commit")"
done
tap_end
