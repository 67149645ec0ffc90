# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of scripts/openwrt share.

# skeleton DIR: a source tree of OpenWrt, as far as scripts/openwrt looks at one.
# mtk_eth_soc is in the kernels of mediatek and ramips.
skeleton()
{
	local kernel=$1/target/linux

	mkdir -p "$1/include" "$1/scripts" "$1/package/kernel/linux/modules" \
		"$kernel/generic"/{backport,pending,hack}-6.12 "$kernel/x86" \
		"$kernel/mediatek/filogic" "$kernel/mediatek/patches-6.12" \
		"$kernel/ramips/mt7621"
	touch "$1/include/target.mk" "$1/scripts/patch-kernel.sh" \
		"$1/package/kernel/linux/modules/netfilter.mk" \
		"$kernel/mediatek/patches-6.12/.keep"
	echo 'LINUX_VERSION-6.12 = .80' >"$kernel/generic/kernel-6.12"
	printf '%s\n' '# CONFIG_NETKIT is not set' CONFIG_NET_CLS=y \
		'# CONFIG_NF_FLOW_TABLE_PROCFS is not set' >"$kernel/generic/config-6.12"
	echo CONFIG_NET_MEDIATEK_SOC=y |
		tee "$kernel/mediatek/filogic/config-6.12" >"$kernel/ramips/mt7621/config-6.12"
	echo '# CONFIG_NET_MEDIATEK_SOC is not set' >"$kernel/x86/config-6.12"
}

# snapshot DIR: all that is in there, and when it was written.
snapshot()
{
	(cd "$1" && find . -type f -printf '%p %m %T@\n' -exec sha256sum {} + -o \
		-printf '%p\n' | sort)
}
