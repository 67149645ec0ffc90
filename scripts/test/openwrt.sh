#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/openwrt.sh
#
# What scripts/openwrt writes, applied to the pristine 6.12 as OpenWrt applies it,
# gives the files of the series: with quilt and no fuzz, and with patch.  On a
# skeleton of OpenWrt; nothing of it is built.
# check: SLOW=1
# check: timeout 1200
# check: cpus 1
# check: minutes 1

export BASE=v6.12
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/test/openwrt-lib.sh
. "$ROOT/scripts/test/openwrt-lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset VER DRY_RUN UNDO BASE_TREE BASE_PACKAGE
export OPENWRT=$dir/openwrt
GENERIC=target/linux/generic
MTK=drivers/net/ethernet/mediatek
QUILT=(quilt --quiltrc=-)

kgit()
{
	git -C "$TREE" "$@"
}

# kernel NAME TARGET: files of the base that the series edits, with OpenWrt's files
# in them, and its patches for TARGET in the order of its include/quilt.mk.
kernel()
{
	local work=$dir/$1 from into patch

	mkdir -p "$work/patches"
	kgit archive base -- "${edited[@]}" | tar -x -C "$work"
	[ ! -d "$OPENWRT/$GENERIC/files-6.12" ] ||
		cp -fpR "$OPENWRT/$GENERIC/files-6.12/." "$work/"
	while read -r from into; do
		mkdir -p "$work/patches/$into"
		for patch in "$OPENWRT/target/linux/$from"/*.patch; do
			[ -f "$patch" ] || continue
			cp "$patch" "$work/patches/$into/"
			echo "$into/${patch##*/}" >>"$work/patches/series"
		done
	done <<-DIRS
		generic/backport-6.12 generic-backport
		generic/pending-6.12 generic
		generic/hack-6.12 generic-hack
		$2/patches-6.12 platform
	DIRS
}

# push NAME [OPTION...]: all patches, without a word of fuzz or of moved lines
push()
{
	local said

	said=$(cd "$dir/$1" && "${QUILT[@]}" push -a "${@:2}" 2>&1) || {
		tail -n 5 <<<"$said" | sed 's/^/# /'
		return 1
	}
	! (grep -E 'fuzz|offset' <<<"$said"; true) | tell
}

# tell: what comes in, as a comment; is there anything?
tell()
{
	local said

	said=$(sed 's/^/# /')
	head -n 20 <<<"$said"
	[ -n "$said" ]
}

# same NAME [REV]: is it what the series made of it?  With REV, the driver is as
# there.
same()
{
	rm -rf "$dir/want"
	mkdir "$dir/want"
	kgit archive series -- "${edited[@]}" ${added[@]+"${added[@]}"} | tar -x -C "$dir/want"
	[ $# = 1 ] || kgit archive "$2" -- "${driver[@]}" | tar -x -C "$dir/want"
	! (diff -r -x .pc -x patches "$dir/want" "$dir/$1"; true) | tell
}

need openwrt
"$ROOT/scripts/tree" || exit
what=(. ':!Documentation' ':!tools' ':!MAINTAINERS' ':!drivers/net/netdevsim' ':!drivers/net/wireless')
mapfile -t edited < <(kgit diff --name-only --no-renames --diff-filter=a base series -- "${what[@]}")
mapfile -t added < <(kgit diff --name-only --no-renames --diff-filter=A base series -- "${what[@]}")
mapfile -t driver < <(printf '%s\n' "${edited[@]}" | grep "^$MTK/")
echo "# $(kgit rev-list --count base..series) commits edit ${#edited[@]} files and add ${#added[@]}"
skeleton "$OPENWRT"
"$ROOT/scripts/openwrt" 2>&1 | sed 's/^/# /'

tap_plan 8
kernel mediatek mediatek
grep -q ^generic/ "$dir/mediatek/patches/series" && grep -q ^platform/ "$dir/mediatek/patches/series"
tap $? "there are patches for the core and for mtk_eth_soc"
push mediatek --fuzz=0
tap $? "quilt pushes all of $(wc -l <"$dir/mediatek/patches/series"), with no fuzz and no offset"
same mediatek
tap $? "mediatek gets the files of the series"
find "$OPENWRT" -name '*.patch' -exec grep -HP '^(diff|index) |^(---|\+\+\+) .*\t|^--- [^a]|^\+\+\+ [^b]' {} + >"$dir/form"
! tell <"$dir/form"
tap $? "in the form that make target/linux/refresh wants: -p ab, no index, no time stamps"

kernel ramips ramips
(cd "$dir/ramips" && while read -r patch; do
	patch -f -p1 -E -s <"patches/$patch" || exit
done <patches/series) | sed 's/^/# /'
same ramips
tap $? "and so does ramips with patch, without quilt"

kernel x86 x86
push x86 --fuzz=0 && ! grep -q ^platform/ "$dir/x86/patches/series" && same x86 base
tap $? "a target without mtk_eth_soc gets the core, and that driver stays as it is"

# A line of context that is not the kernel's
patch=$(find "$OPENWRT/$GENERIC/pending-6.12" -name '772-01-*')
awk '/^@@/ { n++; print; next } n == 1 && /^ / && !done { print " planted"; done = 1; next } { print }' \
	"$patch" >"$dir/fault"
cmp -s "$dir/fault" "$patch" && die 1 "nothing was planted"
cp "$dir/fault" "$patch"
kernel planted mediatek
! push planted --fuzz=0
tap $? "one line of context that is another is caught"
said=$(cd "$dir/planted" && "${QUILT[@]}" push 2>&1)
grep -q '^Hunk #1 succeeded at .* with fuzz' <<<"$said"
tap $? "which is fuzz: without --fuzz=0, as OpenWrt does it, it passes"
tap_end
