#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/coccicheck.sh
#
# The kernel's semantic patches, in mode report, say of what the series touches what
# they say of the base, and no more.  COCCI=free/kfree is one of them.
# Those with parts in OCaml are left out: they need its compiler, and ask of nothing
# that is in here.
# check: SLOW=1
# check: base v7.3 v6.12
# check: needs tree
# check: timeout 3600
# check: cpus 2
# check: minutes 40

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

results=${RESULTS:-$OUT/results/coccicheck}

touched()
{
	git -C "$TREE" diff --name-only "$@" base..series -- drivers include net |
		grep '\.[ch]$'
}

# export_files REV DIR FILE...
export_files()
{
	local rev=$1 dir=$2

	shift 2
	rm -rf "$dir"
	mkdir -p "$dir"
	git -C "$TREE" archive "$rev" "$@" | tar -x -C "$dir"
}

# findings COCCI DIR: without line numbers, which move
findings()
{
	nice make -s -C "$TREE" coccicheck MODE=report V=0 COCCI="$1" M="$2" J="$(nproc)" \
		DEBUG_FILE="$results/log" 2>&1 |
		grep -aE '^\./[^ ]*:[0-9]|coccicheck failed|Error' |
		sed -E 's/:[0-9]+(-[0-9]+)?//; s/\<line [0-9]+/line N/g' | sort
}

why=$("$ROOT/scripts/doctor" --need cocci 2>&1) || {
	echo "1..0 # SKIP $why"
	exit 4
}
"$ROOT/scripts/tree" >&2 || exit
lock tree
mkdir -p "$results"
mapfile -t files < <(touched --diff-filter=d)
mapfile -t old < <(touched --diff-filter=M)
mapfile -t patches < <(cd "$TREE" && find scripts/coccinelle -path "*${COCCI-}*" -name '*.cocci' | sort |
	xargs grep -L '^\(script\|initialize\|finalize\):ocaml')
[ ${#patches[@]} -gt 0 ] || die 2 "COCCI=${COCCI-} is none of scripts/coccinelle in $TREE"
export_files series "$results/series" "${files[@]}"
export_files base "$results/base" "${old[@]}"
tap_plan ${#patches[@]}
for patch in "${patches[@]}"; do
	said=$(findings "$patch" "$results/series")
	new=$said
	[ -z "$said" ] || new=$(comm -23 <(echo "$said") <(findings "$patch" "$results/base"))
	[ -z "$new" ]
	tap $? "${patch#scripts/coccinelle/}"
	[ -z "$new" ] || echo "# ${new//$'\n'/$'\n'# }"
done
tap_end
