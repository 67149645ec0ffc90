# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What W=1 and sparse say of files that the series touches; for the tests that
# compile them, which have sourced kbuild.sh and set $results.

# touched REV..REV: files of the kernel that differ
touched()
{
	git -C "$TREE" diff --name-only --diff-filter=d "$1" -- drivers include net |
		grep '\.[ch]$'
}

# objects_of REV..REV: of the C files among them
objects_of()
{
	touched "$1" | sed -n 's/\.c$/.o/p'
}

# warnings DIR OBJECT...: each of them, without line numbers, which move
warnings()
{
	local dir=$1

	shift
	(cd "$dir" && rm -f "$@")
	kmake "$dir" -k W=1 "${SPARSE[@]}" "$@" 2>&1 </dev/null | tee -a "$results/${dir##*/}.log" |
		grep -E 'warning|error|\*\*\*' | grep -F "$(touched base..series)" |
		grep -v 'error: bad constant expression' |
		sed 's/:[0-9]\{1,\}:[0-9]\{1,\}:/:/g' | sort
}

# warnings_before REV DIR OBJECT...: of those that REV has
warnings_before()
{
	local rev=$1 dir=$2 object old=()

	shift 2
	for object; do
		! git -C "$TREE" cat-file -e "$rev:${object%.o}.c" 2>/dev/null || old+=("$object")
	done
	[ ${#old[@]} -gt 0 ] || return 0
	git -C "$TREE" checkout -q --detach "$rev" && warnings "$dir" "${old[@]}"
}

# not_built DIR OBJECT...
not_built()
{
	local dir=$1 object

	shift
	for object; do
		[ -f "$dir/$object" ] || echo "$object"
	done | paste -sd ' '
}
