#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-am.sh
#
# git am of the exported patches on a pristine base gives exactly the tree
# that is built.
# check: base v7.3 v6.12
# check: cpus 1
# check: needs tree

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

am=$OUT/steps/am

# git am needs the index only, so no file of the 90,000 has to be on disk.
pristine()
{
	rm -rf "$am"
	git -C "$TREE" worktree prune
	git -C "$TREE" worktree add -q --no-checkout --detach "$am" base &&
		git -C "$am" read-tree base
}


mapfile -t names < <(sub_series | cut -d ' ' -f 1)
tap_plan $((2 * ${#names[@]} + 1))
"$ROOT/scripts/series" >&2 && pristine >&2
tap $? "export on a pristine base"
for name in ${names[@]+"${names[@]}"}; do
	mapfile -t patches < <(printf '%s\n' "$OUT/patches/$name"/*.patch | grep -v /0000-)
	git -C "$am" -c user.name=am -c user.email=am@localhost am -q "${patches[@]}" >&2
	tap $? "git am $name"
	[ "$(git -C "$am" rev-parse 'HEAD^{tree}')" = \
	  "$(git -C "$TREE" rev-parse "series/$name^{tree}")" ]
	tap $? "$name gives the tree that is built"
done
rm -rf "$am"
git -C "$TREE" worktree prune
tap_end
