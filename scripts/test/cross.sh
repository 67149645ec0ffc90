#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/cross.sh
#
# What the series touches, compiled for x86-64 and other architectures: arm64, and
# MIPS and x86 with 32 bits; by clang; without IPv6, and on v6.12 with IPv6 as a
# module.  W=1 and sparse say of these files what they say of the base, and no more;
# headers have warnings of their own.  ARCHS=arm64 is one of them.
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
# shellcheck source=scripts/warnings.sh
. "$ROOT/scripts/warnings.sh"

results=${RESULTS:-$OUT/results/cross}

# mark_of NAME: a line of its configuration
mark_of()
{
	case $1 in
	i386) echo CONFIG_X86_32=y ;;
	clang) echo CONFIG_CC_IS_CLANG=y ;;
	no-ipv6) echo '# CONFIG_IPV6 is not set' ;;
	ipv6-m) echo CONFIG_IPV6=m ;;
	*) echo "CONFIG_${1^^}=y" ;;
	esac
}

arch()
{
	local dir=$OUT/build/$1 lacks new

	: >"$results/$1.log"
	configure_any "$dir" "$1" >>"$results/$1.log" 2>&1 &&
		grep -qxE "$(mark_of "$1")" "$dir/.config" &&
		kmake "$dir" modules_prepare >>"$results/$1.log" 2>&1
	tap $? "$1: configured"
	warnings "$dir" "${objects[@]}" >"$results/$1.series"
	lacks=$(not_built "$dir" "${objects[@]}")
	[ -z "$lacks" ]
	tap $? "$1: ${#objects[@]} objects"
	[ -z "$lacks" ] || echo "# not built: $lacks; see $results/$1.log"
	: >"$results/$1.base"
	[ ! -s "$results/$1.series" ] || warnings_before base "$dir" "${objects[@]}" >"$results/$1.base"
	steps_end
	new=$(comm -23 "$results/$1.series" "$results/$1.base")
	[ -z "$new" ]
	tap $? "$1: no new warning of W=1 and sparse"
	[ -z "$new" ] || echo "# ${new//$'\n'/$'\n'# }"
}

# group_of NAME: of the tools that it takes
group_of()
{
	case $1 in
	arm64|mips) echo cross ;;
	clang) echo clang ;;
	*) echo lint ;;
	esac
}

archs="arm64 mips i386 x86_64 clang no-ipv6"
[ "$BASE" = v7.3 ] || archs="$archs ipv6-m"
read -ra archs <<<"${ARCHS:-$archs}"
"$ROOT/scripts/tree" >&2 || exit
lock tree
mkdir -p "$results"
trap steps_end EXIT
mapfile -t objects < <(objects_of base..series)
tap_plan $((3 * ${#archs[@]}))
for name in "${archs[@]}"; do
	[ -n "$(fragments "$name")" ] || die 2 "ARCHS=$name is not known; use arm64, mips, i386, x86_64, clang, no-ipv6, ipv6-m"
	if why=$("$ROOT/scripts/doctor" --need "$(group_of "$name")" 2>&1); then
		arch "$name"
	else
		for what in configured objects warnings; do
			tap_skip "$name: $what" "$why"
		done
	fi
done
tap_end
