#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/mtk_fe.sh
#
# The model of MediaTek's frame engine: KUnit tests of its hash, and of what DSA
# does with flowtables, then the driver on each SoC that is modelled, each in a
# guest of its own (SOCS, all).
# With one CPU: of two, one waits for the other as often as a packet moves on, and
# on a busy host that takes milliseconds.  CPUS=2 makes it two again.
# With SLOW=1 all of it also with what no source tells of the chips the other way,
# teardown and failures in mtk-debug, and two hours of a connection, in virtual time.
# check: slow
# check: builds mtk
# check: builds-slow mtk-debug mtk-time
# check: timeout 3000
# check: cpus 1
# check: minutes 20

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"

results=${RESULTS:-$OUT/results/mtk_fe}
export GUEST=mtk CPUS=${CPUS:-1} KSFT=$OUT/kselftest
export FLOW_PPPOE=$KSFT/drivers/net/netdevsim/flow_pppoe
export GUEST_ENV="${GUEST_ENV-} KSFT TESTS IPERF_SECONDS SWITCHES FLOW_PPPOE"

# guest DIR COMMAND...: its output is in DIR/out
guest()
{
	local dir=$results/$1

	shift
	mkdir -p "$dir"
	TIMEOUT=${TIMEOUT:-600} "$ROOT/scripts/guest" -o "$dir" "$@" >"$dir/out" 2>&1
}

# report PREFIX RC FILE: the results in FILE; they are one more if the guest fails
# though none of them did.
report()
{
	local prefix=$1 guest_rc=$2 line failed=0

	while read -r line; do
		case $line in
		"not ok "*)
			tap 1 "$prefix ${line#not ok * }"
			failed=1
			;;
		"ok "*) tap 0 "$prefix ${line#ok * }" ;;
		"# Totals:"*) ;;
		"#"*) echo "$line" ;;
		esac
	done <"$3"
	[ "$guest_rc" = 0 ] || [ "$failed" = 1 ] || {
		tail -n 30 "$3" | sed 's/^/# /'
		tap 1 "$prefix the guest ended with $guest_rc"
	}
}

# What W=1 and sparse say of the model
warnings()
{
	local dir=$OUT/build/mtk copy=$OUT/build/mtk/mtk_fe_lint

	rm -rf "$copy"
	cp -r "$MODEL" "$copy" || return
	kmake "$dir" "M=$copy" W=1 "${SPARSE[@]}" modules 2>&1 |
		grep -v 'error: bad constant expression' | sed 's/^/# /' | tee "$results/warnings"
	[ ! -s "$results/warnings" ] && [ -f "$copy/mtk_fe.ko" ]
}

kunit()
{
	local dir=$results/kunit rc

	SOC=mt7621 guest kunit "$(command -v modprobe)" -a mtk_fe_kunit dsa_ft_kunit
	rc=$?
	sed -n 's/^\[ *[0-9.]*\] *\(\(not \)\{0,1\}ok [0-9]* \)\(- \)\{0,1\}/\1/p' "$dir/kernel.log" |
		grep -vE ' (mtk_fe_foe|dsa_ft)$' >"$dir/ktap"
	[ -s "$dir/ktap" ] || rc=1
	report kunit "$rc" "$dir/ktap"
}

for kernel in selftests mtk; do
	"$ROOT/scripts/build" $kernel >&2 || exit
done
for kernel in mtk-debug mtk-time; do
	[ "${SLOW:-0}" = 0 ] || "$ROOT/scripts/build" $kernel >&2 || exit
done
mkdir -p "$results"
echo 'TAP version 13'
# Others may move the tree.
(lock tree && warnings)
tap $? "the model builds without a warning of W=1 and sparse"
kunit

# tests NAME SWITCHES TEST...
tests()
{
	local name=$1 switches=$2 test

	shift 2
	for test; do
		SWITCHES=$switches guest "$name-$test" "$MODEL/selftests/$test.sh"
		report "$name" $? "$results/$name-$test/out"
	done
}

for dts in "$MODEL"/*.dts; do
	soc=$(basename "$dts" .dts)
	[[ -z ${SOCS-} || " $SOCS " == *" $soc "* ]] || continue
	export SOC=$soc
	all=(mtk_fe mtk_ppe mtk_fixes mtk_bridge mtk_teardown) slow=(mtk_bridge mtk_fault mtk_teardown)
	[[ $soc != *-dsa ]] || all=(mtk_fe mtk_ppe mtk_dsa) slow=(mtk_dsa)
	tests "$soc" "" "${all[@]}"
	[ "${SLOW:-0}" = 1 ] || continue
	tests "$soc-other" "fin_mode=1 rate_total=1 cache=1 dscp=1 mib_l3=1 stag_any=1" "${all[@]}"
	tests "$soc-fin-forward" fin_mode=2 "${all[@]}"
	# It is slow, and the packets before a flow is bound are the same.
	GUEST=mtk-debug TIMEOUT=3600 IPERF_SECONDS=20 tests "$soc-debug" "" "${slow[@]}"
	[[ $soc == *-dsa ]] || GUEST=mtk-time tests "$soc" "" mtk_long
done
echo "1..$tap_n"
tap_end
