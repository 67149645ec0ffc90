#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/coccicheck.sh
#
# The kernel's semantic patches, in mode report, say of what the series touches what
# they say of the base, and no more.  COCCI=free/kfree is one of them.
# Two of them, null/badzero among them, have parts in OCaml, whose compiler is not
# asked for: they are left out.
# check: SLOW=1
# check: base v7.3 v6.12
# check: needs tree
# check: timeout 3600
# check: cpus 2
# check: minutes 15

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
	local out=$results/out

	# It does nothing where that file is, and git grep of the tree does not find
	# files outside of it.
	rm -f "$results/debug"
	if ! nice make -s -C "$TREE" coccicheck MODE=report V=0 COCCI="$TREE/$1" M="$2" \
		SPFLAGS=--use-coccigrep J="$(nproc)" DEBUG_FILE="$results/debug" >"$out" 2>&1 ||
		grep -aqE 'coccicheck failed|bailing' "$out" || [ ! -e "$results/debug" ]; then
		tail -n 3 "$out"
		return 1
	fi
	sed -nE "s|^$2/||; s|^\./||; /^[a-z][^ ]*\.[ch]:[0-9]/"'{
		s/:[0-9]+(-[0-9]+)?//; s/\<line [0-9]+/line N/g; p }' "$out" | sort
}

# look NAME COCCI DIR OLD: what is new in DIR
look()
{
	local said old='' new

	if ! said=$(findings "$2" "$3") || { [ -n "$said" ] && ! old=$(findings "$2" "$4"); }; then
		tap 1 "$1"
		said=${old:-$said}
		echo "# ${said//$'\n'/$'\n'# }"
		return
	fi
	new=$(comm -23 <(echo "$said") <(echo "$old"))
	[ -z "$new" ]
	tap $? "$1"
	[ -z "$new" ] || echo "# ${new//$'\n'/$'\n'# }"
}

# That it sees anything at all
planted()
{
	local dir=$results/planted said

	rm -rf "$dir"
	mkdir -p "$dir/net"
	printf 'int f(int *p)\n{\n\tkfree(p);\n\treturn *p;\n}\n' >"$dir/net/planted.c"
	said=$(findings scripts/coccinelle/free/kfree.cocci "$dir") && grep -q '^net/planted.c.*reference' <<<"$said"
	tap $? "a planted use after kfree is found"
	echo "# $said"
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
	xargs grep -l 'virtual[[:space:]].*report' | xargs grep -L '^ *@*\(script\|initialize\|finalize\):ocaml')
[ ${#patches[@]} -gt 0 ] || die 2 "COCCI=${COCCI-} is none of scripts/coccinelle in $TREE"
export_files series "$results/series" "${files[@]}"
export_files base "$results/base" "${old[@]}"
tap_plan $((${#patches[@]} + 1))
planted
for patch in "${patches[@]}"; do
	look "${patch#scripts/coccinelle/}" "$patch" "$results/series" "$results/base"
done
tap_end
