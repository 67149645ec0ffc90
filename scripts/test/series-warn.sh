#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/series-warn.sh
#
# The C files of every commit that has any, compiled for x86-64: W=1 and sparse say
# of them what they said one commit before, and no more.  A commit of which nothing is
# to be said is not looked at again until it, or one below it, changes.
# check: SLOW=1
# check: base v7.3 v6.12
# check: needs tree
# check: timeout 5400
# check: cpus 1
# check: minutes 20

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"
# shellcheck source=scripts/warnings.sh
. "$ROOT/scripts/warnings.sh"

results=${RESULTS:-$OUT/results/series-warn}
dir=$OUT/build/x86_64
kept=$OUT/warn

mapfile -t fragments < <(fragment_files x86_64)
config=$({ cat "${fragments[@]}" "$0" "$ROOT/scripts/warnings.sh"; make_args "$dir"; gcc --version
	sparse --version; } | sha256sum | cut -c 1-16)

# at COMMIT: configured anew where Kconfig has changed
at()
{
	local now

	git -C "$TREE" checkout -q --detach "$1" || return
	now=$(git -C "$TREE" ls-tree -r "$1" | grep Kconfig | sha256sum)
	[ "$now" != "${kconfig-}" ] || return 0
	configure_any "$dir" x86_64 >>"$results/x86_64.log" 2>&1 &&
		kmake "$dir" modules_prepare >>"$results/x86_64.log" 2>&1 && kconfig=$now
}

# look COMMIT: what is new
look()
{
	local objects said before='' lacks

	mapfile -t objects < <(objects_of "$1^..$1")
	at "$1" || { echo "no configuration"; return; }
	said=$(warnings "$dir" "${objects[@]}")
	lacks=$(not_built "$dir" "${objects[@]}")
	[ -z "$lacks" ] || echo "not built: $lacks"
	if [ -n "$said" ]; then
		before=$(warnings_before "$1^" "$dir" "${objects[@]}")
		git -C "$TREE" diff --quiet "$1^" "$1" -- '*Kconfig*' || kconfig=
	fi
	comm -23 <(echo "$said") <(echo "$before")
}

why=$("$ROOT/scripts/doctor" --need build lint 2>&1) || {
	echo "1..0 # SKIP $why"
	exit 4
}
"$ROOT/scripts/tree" >&2 || exit
lock tree
mkdir -p "$results" "$kept"
: >"$results/x86_64.log"
trap steps_end EXIT
mapfile -t commits < <(git -C "$TREE" rev-list --reverse base..series | while read -r commit; do
	[ -z "$(objects_of "$commit^..$commit")" ] || echo "$commit"
done)
tap_plan ${#commits[@]}
for commit in "${commits[@]}"; do
	key=$kept/$config-$commit
	[ -e "$key" ] || look "$commit" >"$results/new"
	[ -e "$key" ] || [ ! -s "$results/new" ]
	tap $? "$(git -C "$TREE" log -1 --format=%s "$commit")"
	if [ -e "$key" ] || [ ! -s "$results/new" ]; then
		: >"$key"
	else
		sed 's/^/# /' "$results/new"
	fi
done
tap_end
