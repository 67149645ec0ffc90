#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/lint-self.sh
#
# Mistakes on purpose: make lint must find each of them and name it, a sub-series
# of 16 patches is not exported, and a commit that builds with the next one only
# is found by series-build, and by series-warn, which knows what sparse says of it.
# check: SLOW=1
# check: timeout 1800
# check: needs tree
# check: minutes 10

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$OUT/lint-self
repo=$dir/repo
rm -rf "$dir"
trap 'rm -rf "$dir"' EXIT
unset NFT_OFFLOAD_LOCKED NFT_OFFLOAD_BUILT SLOW

# The clone goes on with the tree that is there and what was looked at in it.
# git writes new files and leaves the old ones, so links will do.
clone()
{
	mkdir -p "$repo/out/$BASE/build/uml" &&
		(cd "$ROOT" && git ls-files -z | xargs -0 cp -a --parents -t "$repo") &&
		cp -al "$TREE" "$repo/out/$BASE/tree" &&
		cp -a "$OUT/lint" "$repo/out/$BASE/lint" &&
		{ [ ! -d "$OUT/warn" ] || cp -a "$OUT/warn" "$repo/out/$BASE/warn"; }
}

# new_series NAME: one more, behind all others
new_series()
{
	mkdir -p "$repo/series/$1"
	printf 'net: planted\n\nMistakes.\n' >"$repo/series/$1/cover.txt"
	echo "$1 net" >>"$repo/series/order"
}

# new_commit SERIES NN FILE TEXT: that adds such a file
new_commit()
{
	printf 'net: planted %s\n\nA mistake.\n---\noverlay: %s\n' "$2" "$3" \
		>"$repo/series/$1/$2-planted.txt"
	printf '%b' "$4" >"$repo/$3"
}

# new_hook SERIES NN FILE FROM TO: a commit that makes one of the other in FILE
new_hook()
{
	local file=$3

	printf 'net: planted %s\n\nA mistake.\n---\nhook: planted-%s.patch\n' "$2" "$2" \
		>"$repo/series/$1/$2-planted.txt"
	diff -u --label "a/$file" --label "b/$file" "$4" "$5" >"$repo/hooks/$BASE/planted-$2.patch"
	echo "planted-$2.patch" >>"$repo/hooks/$BASE/series"
}

plant()
{
	cd "$repo" || return
	# A space, and what an argument is
	sed -i -e '0,/;$/s//;  /' -e '0,/^ \* @ft: /{/^ \* @ft: /d}' net/dsa/ft.c
	# The order of settings
	sed -i -e '/^+CONFIG_BRIDGE=m$/{h;d}' -e '/^ CONFIG_DEBUG_FS=y$/G' \
		"hooks/$BASE/selftests-flow-nexthop.patch"
	new_series planted
	new_commit planted 01 include/net/planted.h \
		'/* SPDX-License-Identifier: GPL-2.0-only */\nstatic int planted(void)\n{\n\treturn 0;\n}\n'
	sed -i 's/^---$/Fixes: 0123456 (a subject)\n---/' series/planted/01-planted.txt
	# Of what is no argument, in a file of the base
	git -C "$TREE" show series:net/core/flow_offload.c >"$dir/0.c"
	{ cat "$dir/0.c"; printf '\n/**\n * planted - planted\n * @none: no argument\n */\nvoid planted(void)\n{\n}\n'; } >"$dir/1.c"
	new_hook planted 02 net/core/flow_offload.c "$dir/0.c" "$dir/1.c"
}

# finds WHAT TEXT: lint has failed for that
finds()
{
	grep -q "^not ok [0-9]* $1\$" <<<"$said" && grep -q "^# .*$2" <<<"$said"
	tap $? "lint finds it: $1"
}

tap_plan 12
clone
tap $? "a clone"
plant
said=$("$repo/scripts/lint" 2>"$dir/err" </dev/null)
rc=$?
grep -v '^ok ' <<<"$said" | head -n 40 | sed 's/^/# /'
sed 's/^/# /' "$dir/err" | tail -n 5
[ "$rc" = 1 ]
tap $? "lint fails"
finds "checkpatch net/dsa/ft.c" "TRAILING_WHITESPACE"
finds "kernel-doc" "parameter.*'ft'"
finds "kernel-doc of files that were there" "'none'"
finds "lists of the selftests" "config not in order: CONFIG_BRIDGE"
finds "inline, old helpers" "planted.h: a static function of a header must be inline"
finds "Fixes:" "planted.*Fixes: 0123456"
finds "MAINTAINERS" "planted.h stands in no section"

rm -r "$repo/series/planted" "$repo/include/net/planted.h" "$repo/hooks/$BASE"/planted-*
(cd "$ROOT" && git ls-files -z series net hooks | xargs -0 cp -a --parents -t "$repo")
new_series planted
for i in {01..16}; do
	new_commit planted "$i" "Documentation/networking/planted-$i.rst" 'Planted\n'
done
said=$("$repo/scripts/series" 2>&1 </dev/null)
[ $? = 1 ] && grep -q "planted has 16 patches, netdev takes 15 at most" <<<"$said"
tap $? "series refuses 16 patches"
tail -n 2 <<<"$said" | sed 's/^/# /'

rm -r "$repo/series/planted" "$repo"/Documentation/networking/planted-*
cp -a "$ROOT/series/order" "$repo/series/"
new_series planted
git -C "$TREE" show series:net/core/flow_ft_action.c >"$dir/0.c"
{ cat "$dir/0.c"; printf '\nint flow_ft_planted = PLANTED;\n'; } >"$dir/1.c"
sed '0,/^#include/s//#define PLANTED 1\n&/' "$dir/1.c" >"$dir/2.c"
new_hook planted 01 net/core/flow_ft_action.c "$dir/0.c" "$dir/1.c"
new_hook planted 02 net/core/flow_ft_action.c "$dir/1.c" "$dir/2.c"
said=$("$repo/scripts/test/series-build.sh" 2>"$dir/err" </dev/null)
[ "$(grep -cE '^not ok|^ok [0-9]* net: planted 02$' <<<"$said")" = 2 ] &&
	grep -q '^not ok [0-9]* net: planted 01$' <<<"$said" && grep -q PLANTED "$dir/err"
tap $? "series-build finds a commit that does not build alone"
grep -E '^not ok|planted' <<<"$said" | sed 's/^/# /'

said=$("$repo/scripts/test/series-warn.sh" 2>"$dir/err" </dev/null)
[ "$(grep '^not ok' <<<"$said" | sed 's/^[^:]*: //' | paste -sd ' ')" = "planted 01 planted 02" ] &&
	grep -q '^# not built: net/core/flow_ft_action.o' <<<"$said" &&
	grep -q "^# .*'flow_ft_planted' was not declared. Should it be static" <<<"$said"
tap $? "series-warn finds it, and what sparse says of the next one"
sed -n '/^not ok/,/^ok/p' <<<"$said" | sed 's/^/# /'
tap_end
