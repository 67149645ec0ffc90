#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/openwrt-self.sh
#
# What scripts/openwrt writes where, that it says so before, does it once, takes it
# out again, and what it refuses.  With a kernel of five files and a skeleton of
# OpenWrt.
# check: cpus 1
# check: minutes 2

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/test/openwrt-lib.sh
. "$ROOT/scripts/test/openwrt-lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset NFT_OFFLOAD_LOCKED BASE_PACKAGE BASE VER DRY_RUN UNDO
export BASE_TREE=$dir/kernel OPENWRT=$dir/openwrt
repo=$dir/repo
hooks=$repo/hooks/v6.12
MTK=drivers/net/ethernet/mediatek
linux=$OPENWRT/target/linux
generic=$linux/generic

# hook NAME FILE LINE TEXT: adds TEXT behind the LINE that the kernel's 20 have
hook()
{
	printf -- '--- a/%s\n+++ b/%s\n@@ -%d,3 +%d,4 @@\n %d\n+%s\n %d\n %d\n' "$2" "$2" \
		"$3" "$3" "$3" "$4" $(($3 + 1)) $(($3 + 2)) >>"$hooks/$1"
	grep -qx "$1" "$hooks/series" 2>/dev/null || echo "$1" >>"$hooks/series"
}

# commit SUB/NN-NAME ENTRY...
commit()
{
	mkdir -p "$repo/series/${1%/*}"
	printf 'net: %s\n\nWhy.\n---\n' "${1##*-}" >"$repo/series/$1.txt"
	printf '%s\n' "${@:2}" >>"$repo/series/$1.txt"
}

for file in net/netfilter/nf_flow_table_core.c net/netfilter/Kconfig $MTK/mtk_ppe.c \
	    Documentation/ft.rst; do
	mkdir -p "$BASE_TREE/${file%/*}"
	seq 1 20 >"$BASE_TREE/$file"
done
printf 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\nkernelversion:\n\t@echo 6.12.0\n' >"$BASE_TREE/Makefile"
mkdir -p "$hooks" "$repo/series" "$repo/net/netfilter" "$repo/tools/testing/selftests"
cp -a "$ROOT/scripts" "$ROOT/configs" "$repo/"
echo 'new, as it was' | tee "$repo/net/netfilter/new.c" >"$repo/tools/testing/selftests/new.sh"
chmod +x "$repo/net/netfilter/new.c"
printf 'first nf\nsecond net\nthird nf\n' >"$repo/series/order"
hook kconfig.patch net/netfilter/Kconfig 3 'config NEW_FLOW'
hook kconfig.patch net/netfilter/nf_flow_table_core.c 3 first
commit first/01-new 'overlay: net/netfilter/new.c' 'hook: kconfig.patch'
hook mtk.patch $MTK/mtk_ppe.c 3 second
commit second/01-mtk 'hook: mtk.patch'
printf -- '--- a/net/netfilter/new.c\n+++ b/net/netfilter/new.c\n@@ -1 +1 @@\n-new, as it was\n+newer\n' \
	>"$hooks/newer.patch"
echo newer.patch >>"$hooks/series"
hook doc.patch Documentation/ft.rst 3 documented
hook core.patch net/netfilter/nf_flow_table_core.c 13 third
commit third/01-newer 'hook: newer.patch'
commit third/02-doc 'overlay: tools/testing/selftests/new.sh' 'hook: doc.patch'
commit third/03-core 'hook: core.patch'

export_it()
{
	said=$("$repo/scripts/openwrt" "$@" 2>&1)
	rc=$?
	echo "exit code $rc: $said" | sed "s|$dir/||g; s|^|# |"
}

# refuse CODE TEXT NAME
refuse()
{
	export_it
	[ "$rc" = "$1" ] && grep -qF -- "$2" <<<"$said" && [ "$(snapshot "$dir/openwrt")" = "$now" ]
	tap $? "$3"
}

# what DIR: the patches in there
what()
{
	(cd "$linux/$1" 2>/dev/null && printf '%s\n' *.patch) | paste -sd ' '
}

skeleton "$OPENWRT"
printf 'Theirs.\n\n--- a/%s\n+++ b/%s\n' $MTK/mtk_ppe.c $MTK/mtk_ppe.c \
	>"$generic/pending-6.12/736-theirs.patch"
cp "$generic/pending-6.12/736-theirs.patch" "$generic/hack-6.12/739-other.patch"
sed -i 's/mtk_ppe/mtk_other/' "$generic/hack-6.12/739-other.patch"
sed -i '2a # CONFIG_NF_CONNTRACK is not set' "$generic/config-6.12"
before=$(snapshot "$OPENWRT")
now=$before

tap_plan 29
DRY_RUN=1 export_it
[ "$rc" = 0 ] && [ "$(snapshot "$OPENWRT")" = "$now" ]
tap $? "DRY_RUN=1 writes nothing"
sed -n 's/^would write //p' <<<"$said" | sort >"$dir/would"
export_it
find "$OPENWRT" -type f -newer "$dir/would" | sed "s|^$OPENWRT/||" | sort >"$dir/wrote"
[ "$rc" = 0 ] && [ -s "$dir/wrote" ] && diff "$dir/would" "$dir/wrote" >&2
tap $? "and said what is written then"
[ "$(what generic/pending-6.12)" = "736-theirs.patch 771-01-net-new.patch 773-03-net-core.patch" ]
tap $? "the core: a number for each sub-series, and for each commit"
[ "$(what mediatek/patches-6.12) $(what ramips/patches-6.12)" = "772-01-net-mtk.patch 772-01-net-mtk.patch" ] &&
	[ ! -e "$linux/x86/patches-6.12" ]
tap $? "the driver: for those that have it in the kernel, and for nobody else"
grep -q 'built into the kernel of mediatek ramips.*no package' <<<"$said"
tap $? "which is said"
[ "$(cat "$generic/files-6.12/net/netfilter/new.c")" = newer ] &&
	[ "$(find "$generic/files-6.12" -type f | wc -l)" = 1 ] &&
	! grep -q 'new\.c' "$generic"/pending-6.12/77*
tap $? "a new file: as the last commit left it, and in no patch"
[ -x "$generic/files-6.12/net/netfilter/new.c" ]
tap $? "with its mode"
! grep -rqE 'ft\.rst|selftests' "$linux"
tap $? "no documentation, no selftests"
diff - "$generic/config-6.12" >&2 <<-'CONFIG'
	# CONFIG_NETKIT is not set
	CONFIG_NET_CLS=y
	# CONFIG_NEW_FLOW is not set
	# CONFIG_NF_CONNTRACK is not set
	# CONFIG_NF_FLOW_TABLE_PROCFS is not set
CONFIG
tap $? "a new symbol is in its place in the configuration"
grep -q 'KernelPackage,nf-flow-procfs' "$OPENWRT/package/kernel/linux/modules/nft-offload.mk" &&
	! grep -rqE 'define KernelPackage/(nf-flow|nft-offload)$' "$OPENWRT/package"
tap $? "a package, and none that OpenWrt has"
grep -q '^  generic/pending-6.12/736-theirs.patch: mtk_ppe.c$' <<<"$said" && ! grep -q other.patch <<<"$said"
tap $? "patches of OpenWrt in the same files are named, others are not"
grep -qF 'made for 6.12.0, this tree has 6.12.80' <<<"$said"
tap $? "and a kernel that is another"

now=$(snapshot "$OPENWRT")
export_it
[ "$rc" = 0 ] && [ "$(snapshot "$OPENWRT")" = "$now" ] && grep -q '0 written, 0 removed, ' <<<"$said"
tap $? "a second run changes nothing"
sed -i 's/# CONFIG_NEW_FLOW is not set/CONFIG_NEW_FLOW=m/' "$generic/config-6.12"
export_it
grep -qx CONFIG_NEW_FLOW=m "$generic/config-6.12" && [ "$(grep -c NEW_FLOW "$generic/config-6.12")" = 1 ]
tap $? "nor what the configuration says of a symbol"
sed -i 's/CONFIG_NEW_FLOW=m/# CONFIG_NEW_FLOW is not set/' "$generic/config-6.12"

# The next version has no core patch, nor a symbol: what was written of them goes.
cp -a "$repo/series" "$dir/series"
cp -a "$hooks" "$dir/hooks"
rm "$repo/series/third/03-core.txt" "$hooks/core.patch"
sed -i '/core.patch/d' "$hooks/series"
sed -i 's/config NEW_FLOW/config NEWER_FLOW/' "$hooks/kconfig.patch"
export_it
[ "$rc" = 0 ] && [ "$(what generic/pending-6.12)" = "736-theirs.patch 771-01-net-new.patch" ] &&
	grep -q '3 written, 1 removed, ' <<<"$said"
tap $? "what an earlier version left is taken out"
grep -qx '# CONFIG_NEWER_FLOW is not set' "$generic/config-6.12" &&
	! grep -q NEW_FLOW "$generic/config-6.12"
tap $? "also from the configuration"
now=$(snapshot "$OPENWRT")
DRY_RUN=1 UNDO=1 export_it
[ "$rc" = 0 ] && grep -q '^would remove .*771-01' <<<"$said" && [ "$(snapshot "$OPENWRT")" = "$now" ]
tap $? "DRY_RUN=1 UNDO=1 says what would go"
UNDO=1 export_it
# The configuration is the one file that was written again.
[ "$rc" = 0 ] && diff <(grep -v 'config-6.12 [0-7]* ' <<<"$before") \
	<(snapshot "$OPENWRT" | grep -v 'config-6.12 [0-7]* ') >&2
tap $? "UNDO=1 leaves OpenWrt as it was"
UNDO=1 export_it
[ "$rc" = 0 ] && grep -q ' 0 written, 0 removed' <<<"$said"
tap $? "and once more has nothing to do"
rm -rf "$repo/series" "$hooks"
cp -a "$dir/series" "$repo/"
cp -a "$dir/hooks" "$hooks"

now=$(snapshot "$OPENWRT")
OPENWRT='' refuse 2 'no tree of OpenWrt is named; use' "no OPENWRT"
OPENWRT=$dir/kernel refuse 2 'is no source tree of OpenWrt: it has no include/target.mk; name' "another tree"
VER=6.18 refuse 2 'VER=6.18 is not known; known: 6.12' "a kernel that is not known here"
DRY_RUN=yes refuse 2 'DRY_RUN=yes is not known; use DRY_RUN=1' "another value of DRY_RUN"
mv "$generic/config-6.12" "$generic/config-6.18"
now=$(snapshot "$OPENWRT")
refuse 2 'has no kernel 6.12: target/linux/generic/config-6.12 or target/linux/generic/pending-6.12 is missing; it has: 6.18; take' \
	"a tree without that kernel"
mv "$generic/config-6.18" "$generic/config-6.12"
mkdir -p "$generic/files-6.12/net/netfilter"
echo theirs >"$generic/files-6.12/net/netfilter/new.c"
now=$(snapshot "$OPENWRT")
refuse 2 'files-6.12/net/netfilter/new.c is there and is not ours' "a file of theirs in the way"
rm -r "$generic/files-6.12"
now=$(snapshot "$OPENWRT")
rm "$linux"/*/*/config-6.12
now=$(snapshot "$OPENWRT")
DRY_RUN=1 export_it
[ "$rc" = 0 ] && ! grep -q 772- <<<"$said" && grep -q 'no target here has mtk_eth_soc .* 1 patches for it are' <<<"$said"
tap $? "no target with the driver: its patches are left out, which is said"
skeleton "$OPENWRT"
# OpenWrt applies what is generic first: this one stands on the driver's.
now=$(snapshot "$OPENWRT")
printf -- '--- a/%s\n+++ b/%s\n@@ -3,4 +3,4 @@\n 3\n-second\n+both\n 4\n 5\n' $MTK/mtk_ppe.c $MTK/mtk_ppe.c \
	>>"$hooks/core.patch"
refuse 1 'do not apply in OpenWrt'"'"'s order' "a commit that stands on the driver's in the core"
rm -rf "$hooks"
cp -a "$dir/hooks" "$hooks"
export_it
[ "$rc" = 0 ] && [ "$(what generic/pending-6.12)" = "736-theirs.patch 771-01-net-new.patch 773-03-net-core.patch" ]
tap $? "nothing of that was lost"
export_it more
[ "$rc" = 2 ]
tap $? "an argument"
tap_end
