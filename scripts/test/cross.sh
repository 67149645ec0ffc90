#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/cross.sh
#
# What the series touches, compiled for other architectures: arm64, and MIPS and x86
# with 32 bits; by clang; and without IPv6.  W=1 and sparse say of these files what
# they say of the base, and no more; headers have warnings of their own.
# ARCHS=arm64 is one of them.
# check: SLOW=1
# check: base v7.3 v6.12
# check: needs tree
# check: timeout 3600
# check: cpus 2
# check: minutes 15

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"

results=${RESULTS:-$OUT/results/cross}

# Files of the kernel that differ from the base
touched()
{
	git -C "$TREE" diff --name-only --diff-filter=d base..series -- drivers include net |
		grep '\.[ch]$'
}

# warnings DIR OBJECT...: how many of each, without line numbers, which move
warnings()
{
	local dir=$1

	shift
	(cd "$dir" && rm -f "$@")
	kmake "$dir" -k W=1 "${SPARSE[@]}" "$@" 2>&1 | tee -a "$results/${dir##*/}.log" |
		grep -E 'warning|error|\*\*\*' | grep -F "$(touched)" |
		grep -v 'error: bad constant expression' |
		sed 's/:[0-9]\{1,\}:[0-9]\{1,\}:/:/g' | sort | uniq -c | sort
}

# of_base DIR OBJECT...: what the base says of those that it has
of_base()
{
	local dir=$1 object old=()

	shift
	for object; do
		! git -C "$TREE" cat-file -e "base:${object%.o}.c" 2>/dev/null || old+=("$object")
	done
	[ ${#old[@]} -gt 0 ] || return 0
	git -C "$TREE" checkout -q --detach base && warnings "$dir" "${old[@]}"
	steps_end
}

# mark_of NAME: a line of its configuration
mark_of()
{
	case $1 in
	i386) echo CONFIG_X86_32=y ;;
	clang) echo CONFIG_CC_IS_CLANG=y ;;
	no-ipv6) echo '# CONFIG_IPV6 is not set' ;;
	*) echo "CONFIG_${1^^}=y" ;;
	esac
}

arch()
{
	local dir=$OUT/build/$1 lacks='' object new

	: >"$results/$1.log"
	configure_any "$dir" "$1" >>"$results/$1.log" 2>&1 &&
		grep -qxE "$(mark_of "$1")" "$dir/.config" &&
		kmake "$dir" modules_prepare >>"$results/$1.log" 2>&1
	tap $? "$1: configured"
	warnings "$dir" "${objects[@]}" >"$results/$1.series"
	for object in "${objects[@]}"; do
		[ -f "$dir/$object" ] || lacks="$lacks $object"
	done
	[ -z "$lacks" ]
	tap $? "$1: ${#objects[@]} objects"
	[ -z "$lacks" ] || echo "# not built:$lacks; see $results/$1.log"
	: >"$results/$1.base"
	[ ! -s "$results/$1.series" ] || of_base "$dir" "${objects[@]}" >"$results/$1.base"
	new=$(comm -23 "$results/$1.series" "$results/$1.base")
	[ -z "$new" ]
	tap $? "$1: no new warning of W=1 and sparse"
	[ -z "$new" ] || echo "# ${new//$'\n'/$'\n'# }"
}

read -ra archs <<<"${ARCHS:-arm64 mips i386 clang no-ipv6}"
groups=cross
[[ " ${archs[*]} " != *" clang "* ]] || groups="cross clang"
# shellcheck disable=SC2086 # a list
why=$("$ROOT/scripts/doctor" --need $groups 2>&1) || {
	echo "1..0 # SKIP $why"
	exit 4
}
"$ROOT/scripts/tree" >&2 || exit
lock tree
mkdir -p "$results"
trap steps_end EXIT
mapfile -t objects < <(touched | sed -n 's/\.c$/.o/p')
tap_plan $((3 * ${#archs[@]}))
for name in "${archs[@]}"; do
	[ -n "$(fragments "$name")" ] || die 2 "ARCHS=$name is not known; use arm64, mips, i386, clang, no-ipv6"
	arch "$name"
done
tap_end
