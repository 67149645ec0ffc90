#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-am.sh
#
# git am of the exported patches on a pristine base gives exactly the tree
# that is built.  With SIGNOFF=1 they are by who sends them, who has signed them.
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

# am NAME: its patches
am()
{
	local patches

	mapfile -t patches < <(printf '%s\n' "$OUT/patches/$1"/*.patch | grep -v /0000-)
	git -C "$am" -c user.name=am -c user.email=am@localhost am -q "${patches[@]}" >&2
}

"$ROOT/scripts/tree" >&2 || exit
# Those that this base has commits of
mapfile -t names < <(from=$(git -C "$TREE" rev-parse -q --verify compat || echo base)
	sub_series | cut -d ' ' -f 1 | while read -r name; do
		[ "$(git -C "$TREE" rev-list --count "$from..series/$name")" = 0 ] || echo "$name"
		from=series/$name
	done)
[ ! -d "$ROOT/compat/$BASE" ] || compat=compat
tap_plan $((2 * ${#names[@]} + 2))
"$ROOT/scripts/series" >&2 && pristine >&2 && { [ -z "${compat-}" ] || am compat; }
tap $? "export on a pristine base"
for name in ${names[@]+"${names[@]}"}; do
	am "$name"
	tap $? "git am $name"
	[ "$(git -C "$am" rev-parse 'HEAD^{tree}')" = \
	  "$(git -C "$TREE" rev-parse "series/$name^{tree}")" ]
	tap $? "$name gives the tree that is built"
done

# What a run that is killed leaves must not be taken for somebody's word.
trap 'rm -rf "$OUT/patches" "$am.sender"' EXIT
sender="Jürgen O'Sender <sender@example.org>"
git config --file "$am.sender" user.name "${sender% <*}"
git config --file "$am.sender" user.email sender@example.org
# Not in a repository, which may have an identity of its own
(cd / && USER_GIT_CONFIG=$am.sender SIGNOFF=1 "$ROOT/scripts/series") >&2 && pristine >&2 &&
	{ [ -z "${compat-}" ] || am compat; } && from=$(git -C "$am" rev-parse HEAD) && am "${names[0]}" &&
	[ "$(git -C "$am" log --format='%an <%ae>|%(trailers:key=Signed-off-by,valueonly,separator=|)' "$from.." |
	     sort -u)" = "$sender|$sender" ]
tap $? "SIGNOFF=1: by the sender, who has signed them"
"$ROOT/scripts/series" >/dev/null
trap - EXIT
rm -rf "$am" "$am.sender"
git -C "$TREE" worktree prune
tap_end
