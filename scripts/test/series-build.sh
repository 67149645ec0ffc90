#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-build.sh
#
# Every commit builds on its own, in order, starting with the pristine base: all
# objects of net/ and drivers/net/, and at the end of a sub-series the linked
# kernel and its modules.  What was built with this configuration before is not
# built again, be it by an earlier run, by the clone whose result is in
# configs/series.built, or, where a commit adds no more than tests or
# documentation, by the commit before it.  The output says what should be in that
# list.  SLOW=1 builds and links all.
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
config=$({ cat "${fragments[@]}"; make_args "$STEPS_DIR" | sed 's/=ccache /=/'; gcc --version; } |
	sha256sum | cut -c 1-16)

LIST=$ROOT/configs/series.built

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

# key_of COMMIT: of what kbuild reads
key_of()
{
	echo "$config-$(git -C "$TREE" ls-tree "$1" . tools/ |
		grep -vP '\t(Documentation|MAINTAINERS|tools|tools/testing)$' | sha256sum | cut -c 1-16)"
}

# is_built KEY: here, or by the clone that wrote the list
is_built()
{
	[ "${SLOW:-0}" = 0 ] && { [ -e "$OUT/steps/built/$1" ] || grep -qxF "$1" "$LIST"; }
}

build_commit()
{
	local key targets

	read -ra targets < <(targets "$1")
	key=$(key_of "$1")
	! is_built "$key-linked" || return 0
	if [ "${targets[0]}" = linux ]; then
		key=$key-linked
	elif is_built "$key"; then
		return
	fi
	steps_at "$1" &&
		configure_steps "$1" &&
		kmake "$STEPS_DIR" "${targets[@]}" >&2 || return
	mkdir -p "$OUT/steps/built" && : >"$OUT/steps/built/$key"
}

# What another clone may leave out, in the order of the commits
list()
{
	local commit key

	for commit in base "${commits[@]}"; do
		key=$(key_of "$commit")
		for key in "$key-linked" "$key"; do
			[ ! -e "$OUT/steps/built/$key" ] && ! grep -qxF "$key" "$LIST" ||
				echo "$key"
		done
	done | awk '!seen[$0]++'
}

lock tree
"$ROOT/scripts/tree" >&2 || exit
mapfile -t commits < <(git -C "$TREE" rev-list --reverse base..series)
tap_plan $((${#commits[@]} + 1))
trap steps_end EXIT
build_commit base
tap $? "the pristine base builds"
for commit in ${commits[@]+"${commits[@]}"}; do
	build_commit "$commit"
	tap $? "$(git -C "$TREE" log -1 --format=%s "$commit")"
done
[ "$(list)" = "$(cat "$LIST")" ] || list | sed 's/^/# configs\/series.built: /'
tap_end
