#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/kmod.sh
#
# Modules of `make kmod` in the kernel that Debian ships, generic and for clouds:
# they load, and so do all modules of that kernel which stand on nf_flow_table,
# nf_conntrack or nf_tables; `flags offload` forwards in netdevsim's model; removing
# them leaves the kernel's own ones working; upstream's test of flowtables passes with
# them.  A kernel out of range is refused in one line.
# check: SLOW=1
# check: base v6.12
# check: timeout 10000
# check: cpus 2
# check: minutes 25

export BASE=v6.12
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/test/upstream-lib.sh
. "$ROOT/scripts/test/upstream-lib.sh"

dir=${RESULTS:-$OUT/results/kmod}
unset NFT_OFFLOAD_LOCKED
mkdir -p "$dir"

# did NAME: did scripts/kmod-guest do that?
did()
{
	grep -qx "DID $1" "$said"
}

# in_guest GUEST
in_guest()
{
	local guest=$1 lacks

	said=$dir/$guest.said
	GUEST=$guest CPUS=2 TIMEOUT=3600 "$ROOT/scripts/guest" -o "$dir/$guest" \
		"$ROOT/scripts/kmod-guest" >"$said" 2>"$dir/$guest.err" </dev/null
	tap $? "$guest: the kernel does not complain"
	grep '^#' "$said"
	sed 's/^/# /' "$dir/$guest.err"
	[ "$(grep -c '^OURS ' "$said")" = 6 ] && did ours && did tainted
	tap $? "$guest: our six modules load, and are those in updates/"
	lacks=$(comm -13 <(sed -n 's/^WITH //p' "$said" | sort) <(sed -n 's/^WITHOUT //p' "$said" | sort))
	[ "$(grep -c '^WITHOUT ' "$said")" -gt 80 ] && [ -z "$lacks" ]
	tap $? "$guest: all that stands on nf_flow_table, nf_conntrack or nf_tables loads as without ours"
	echo "# $(grep -c '^WITHOUT ' "$said") without ours, $(grep -c '^WITH ' "$said") with them${lacks:+; lacking: ${lacks//$'\n'/ }}"
	did "forward with ours"
	tap $? "$guest: a software flowtable of ours works"
	did "all unloaded" && did remove && did stock && did "ours are gone" && did "forward without ours"
	tap $? "$guest: removed, and the kernel's own modules work"
	(cd "$OUT/kselftest/drivers/net/netdevsim" && TESTS="test_routed test_masquerade" \
		GUEST=$guest GUEST_ENV=TESTS TIMEOUT=2400 "$ROOT/scripts/guest" -o "$dir/$guest.route" ./flow_route.sh) \
		>"$dir/$guest.route.said" 2>&1 </dev/null
	rc=$?
	sed 's/^/# /' "$dir/$guest.route.said"
	[ "$rc" = 0 ] && [ "$(grep -c '^ok ' "$dir/$guest.route.said")" = 2 ]
	tap $? "$guest: flags offload forwards in the model"
}

# kdir RELEASE PACKAGE: headers of such a kernel
kdir()
{
	local kdir=$dir/kdir

	rm -rf "$kdir"
	mkdir -p "$kdir/include/config" "$kdir/include/generated"
	echo "$1" >"$kdir/include/config/kernel.release"
	echo "#define LINUX_PACKAGE_ID \" Debian $2\"" >"$kdir/include/generated/package.h"
	echo "$kdir"
}

# refuse TEXT NAME KDIR: in one line, and nothing is made
refuse()
{
	local said rc before

	before=$(ls "$ROOT/out/kmod" 2>/dev/null)
	said=$("$ROOT/scripts/kmod" "$3" 2>&1 </dev/null)
	rc=$?
	[ "$rc" = 2 ] && grep -qF -- "$1" <<<"$said" && [ "$(wc -l <<<"$said")" = 1 ] &&
		[ "$(ls "$ROOT/out/kmod" 2>/dev/null)" = "$before" ]
	tap $? "$2"
	echo "# exit code $rc: $said"
}

"$ROOT/scripts/build" selftests >&2 && "$ROOT/scripts/build" stock-cloud >&2 || exit
upstream_unpack || exit
tap_plan 17
in_guest stock
# Its own two megabytes take longer in here than it waits.
upstream_run stock net/netfilter/nft_flowtable.sh "$dir/upstream" -o 9000 -l 1500 -r 2000 -s 262144
[ "$?$(cat "$dir/upstream/exit-code")" = 00 ] && [ "$(grep -c '^PASS' "$dir/upstream/log")" -gt 15 ]
tap $? "stock: upstream's nft_flowtable.sh passes with ours"
tail -n 3 "$dir/upstream/log" | sed 's/^/# /'
in_guest stock-cloud
refuse "is out of range" "an older kernel is refused in one line" "$(kdir 6.1.0-40-amd64 6.1.150-1)"
refuse "is out of range" "a newer kernel is refused in one line" "$(kdir 6.13.1+deb13-amd64 6.13.1-1)"
refuse "is out of range" "a flavour that was not tested is refused in one line" "$(kdir 6.12.117+deb12-rt-amd64 6.12.117-1~deb12u1)"
refuse "no kernel headers" "a directory without headers is refused in one line" "$dir"
tap_end
