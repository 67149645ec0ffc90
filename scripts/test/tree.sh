#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/tree.sh
#
# Overlay, hooks and series become commits, only what changed is written, what
# is upstream only is left out, and what does not fit together is refused.  With
# a kernel of three files.
# check: cpus 1

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset NFT_OFFLOAD_LOCKED BASE_PACKAGE
export BASE_TREE=$dir/kernel BASE=v7.3
repo=$dir/repo
tree=$repo/out/v7.3/tree

mkdir -p "$BASE_TREE/net/netfilter" "$repo/net/netfilter" "$repo/hooks/v7.3" "$repo/series/first"
cp -a "$ROOT/scripts" "$ROOT/configs" "$repo/"
printf 'kernelversion:\n\t@echo 7.3.0\n' >"$BASE_TREE/Makefile"
seq 1 20 >"$BASE_TREE/net/netfilter/nf_flow_table_core.c"
seq 1 20 >"$BASE_TREE/net/netfilter/Makefile"
echo "first net-next" >"$repo/series/order"
printf 'net: a cover\n\nIts body.\n' >"$repo/series/first/cover.txt"
printf 'net: new\n\nWhy.\n---\noverlay: net/netfilter/new.c\nhook: one.patch\n' >"$repo/series/first/01-new.txt"
printf 'net: newer\n\nWhy.\n---\noverlay: net/netfilter/newer.sh\n' >"$repo/series/first/02-newer.txt"
echo one.patch >"$repo/hooks/v7.3/series"
cat >"$repo/hooks/v7.3/one.patch" <<'PATCH'
--- a/net/netfilter/Makefile
+++ b/net/netfilter/Makefile
@@ -9,3 +9,4 @@
 9
 10
 11
+new
 12
PATCH
sed -i 's/^@@.*/@@ -9,4 +9,5 @@/' "$repo/hooks/v7.3/one.patch"
echo new >"$repo/net/netfilter/new.c"
echo newer >"$repo/net/netfilter/newer.sh"
chmod +x "$repo/net/netfilter/newer.sh"

make_tree()
{
	said=$("$repo/scripts/tree" 2>&1)
	rc=$?
	echo "exit code $rc: $said" | head -n 4 | sed "s|^|# |"
}

kgit()
{
	git -C "$tree" "$@"
}

# refuse CODE TEXT NAME: after a change that is undone again.
refuse()
{
	make_tree
	[ "$rc" = "$1" ] && grep -qF -- "$2" <<<"$said"
	tap $? "$3"
	rm -rf "$repo/series" "$repo/hooks" "$repo/net" "$repo/compat"
	cp -a "$dir/good/." "$repo/"
}

tap_plan 29
make_tree
[ "$rc" = 0 ] && [ "$(kgit log --format=%s base..series | paste -sd ' ')" = "net: newer net: new" ]
tap $? "one commit per entry, in order"
[ -x "$tree/net/netfilter/newer.sh" ] && grep -q '^new$' "$tree/net/netfilter/Makefile"
tap $? "with modes and hooks"
[ "$(kgit rev-parse series/first)" = "$(kgit rev-parse HEAD)" ] && ! kgit log | grep -q Signed-off
tap $? "tagged, and nobody's sign-off"
head=$(kgit rev-parse HEAD)

mkdir "$dir/good"
cp -a "$repo/series" "$repo/hooks" "$repo/net" "$dir/good/"
touch -d '2020-01-01' "$tree"/net/netfilter/*
echo changed >>"$repo/net/netfilter/new.c"
make_tree
[ "$(find "$tree/net" -type f -newermt 2021-01-01 -printf '%f ')" = "new.c " ]
tap $? "an edit rewrites only its own file"
cp -a "$dir/good/." "$repo/"
make_tree
[ "$(kgit rev-parse HEAD)" = "$head" ]
tap $? "the same input gives the same commits"
rm "$tree/.git/series-inputs"
touch "$tree/.git/series-index.lock"
make_tree
[ "$rc $(kgit rev-parse HEAD)" = "0 $head" ]
tap $? "so it does after a run that was killed"

echo 'proof: newer@uml test_new got .*, want 1' >>"$repo/series/first/02-newer.txt"
make_tree
[ "$rc $(kgit rev-parse HEAD)" = "0 $head" ]
tap $? "a proof changes no commit"
cp -a "$dir/good/." "$repo/"

echo lost >"$repo/net/netfilter/lost.c"
refuse 2 "net/netfilter/lost.c belongs to no commit" "an overlay file that no commit names"
cp "$repo/hooks/v7.3/one.patch" "$repo/hooks/v7.3/lost.patch"
refuse 2 "lost.patch belongs to no commit" "a hook that no commit names"
rm "$repo/net/netfilter/new.c"
refuse 2 "net/netfilter/new.c, which does not exist" "an overlay file that is missing"
echo 'overlay: net/netfilter/new.c' >>"$repo/series/first/02-newer.txt"
refuse 2 "named twice" "an overlay file named twice"
echo '# none' >"$repo/hooks/v7.3/series"
refuse 2 "in the order of the commits" "a hook missing in the quilt series"
sed -i 's/^ 10/ 10 /' "$repo/hooks/v7.3/one.patch"
refuse 1 "one.patch does not apply" "a hook that does not apply"
echo other >"$repo/net/netfilter/Makefile"
echo 'overlay: net/netfilter/Makefile' >>"$repo/series/first/02-newer.txt"
refuse 2 "exists in the base kernel" "an overlay file that the base has"
sed -i 's/^overlay:/ overlay:/' "$repo/series/first/02-newer.txt"
refuse 2 "may follow" "a line that is neither overlay nor hook"
echo 'proof: newer test_new' >>"$repo/series/first/02-newer.txt"
refuse 2 "may follow" "a proof without a reason"
echo "second net-next" >>"$repo/series/order"
refuse 2 "does not exist" "a sub-series without commits"
# What a base goes without: the second commit has nothing else.
sed -i 's/^overlay: .*/hook: two.patch/' "$repo/series/first/02-newer.txt"
mkdir -p "$repo/series/second"
printf 'net: last\n\nWhy.\n---\noverlay: net/netfilter/newer.sh\n' >"$repo/series/second/01-last.txt"
echo "second net-next" >>"$repo/series/order"
cp -a "$repo/series" "$dir/upstream"
refuse 2 "v7.3/two.patch belongs to no commit or does not exist" "a hook that is missing, and not upstream only"
without()
{
	rm -rf "$repo/series"
	cp -a "$dir/upstream" "$repo/series"
	printf '%s\n' "$@" >"$repo/hooks/v7.3/upstream-only"
}
without 'two.patch is for others' 'second/ not here'
make_tree
[ "$rc" = 0 ] && [ "$(kgit log --format=%s base..series)" = "net: new" ] &&
	[ ! -e "$tree/net/netfilter/newer.sh" ]
tap $? "hooks and sub-series that are upstream only are left out"
without 'two.patch'
refuse 2 "'two.patch' is not HOOK REASON" "upstream only without a reason"
without 'two.patch is for others' 'three.patch is nowhere'
refuse 2 "'three.patch is nowhere' is not" "upstream only, but in no commit"
without 'one.patch is for others' 'two.patch is for others'
refuse 2 "v7.3/one.patch belongs to no commit" "a hook that is there, and upstream only"
without 'first/02-newer not here, of no use' 'second/ not here'
rm "$repo/net/netfilter/newer.sh"
cp -a "$dir/good/net/netfilter/newer.sh" "$repo/net/netfilter/"
make_tree
[ "$rc" = 0 ] && [ "$(kgit log --format=%s base..series)" = "net: new" ]
tap $? "a commit that is upstream only is left out"
rm -rf "$repo/hooks" "$repo/series"
cp -a "$dir/good/." "$repo/"
# What an older base has otherwise
compat=$repo/compat/v7.3/net/netfilter
mkdir -p "$compat"
printf '%s\n' '--- a/net/netfilter/new.c' '+++ b/net/netfilter/new.c' '@@ -1 +1 @@' \
	-new +older >"$compat/new.c.patch"
make_tree
[ "$rc" = 0 ] && [ "$(kgit log --format=%s base..series | wc -l)" = 2 ] &&
	[ "$(kgit show series~1:net/netfilter/new.c)" = older ] && [ "$(cat "$repo/net/netfilter/new.c")" = new ]
tap $? "a file of the overlay differs as compat says, in its own commit"
printf '%s\n' '--- a/net/netfilter/nf_flow_table_core.c' '+++ b/net/netfilter/nf_flow_table_core.c' \
	'@@ -1,2 +1,3 @@' ' 1' '+one' ' 2' >"$compat/nf_flow_table_core.c.patch"
make_tree
[ "$rc" = 0 ] && kgit log --format=%s base..series | tail -n 1 | grep -q '^compat: ' &&
	kgit show series:net/netfilter/nf_flow_table_core.c | grep -q '^one$'
tap $? "a file of the kernel does so in the first commit"
echo newest >"$repo/net/netfilter/new.c"
refuse 1 "new.c.patch does not apply" "a file of the overlay that compat does not fit"
mkdir -p "$compat"
touch "$compat/gone.c.patch"
refuse 2 "gone.c.patch is for a file that is neither" "compat for a file that is not there"
make_tree

echo edited >>"$tree/net/netfilter/Makefile"
refuse 2 "generated" "a tree that somebody edited"
kgit checkout -q -f
make_tree
[ "$rc" = 0 ] && [ "$(kgit rev-parse HEAD)" = "$head" ]
tap $? "nothing of that was lost"
tap_end
