# SPDX-License-Identifier: GPL-2.0
# A package beside OpenWrt's own kmod-nf-flow and kmod-nft-offload, which are
# built of the patched files and keep their names.  It turns on what those leave
# off, and has no module: the code is in nf_flow_table.ko.

define KernelPackage/nf-flow-procfs
  SUBMENU:=Netfilter Extensions
  TITLE:=Counters of flowtable offload in /proc
  DEPENDS:=+kmod-nf-flow
  KCONFIG:=CONFIG_NF_FLOW_TABLE_PROCFS=y
endef

define KernelPackage/nf-flow-procfs/description
 /proc/net/nf_flowtable_hw: how often hardware was offered a flow and did not
 take it; /proc/net/stat/nf_flowtable: what waits to be offered.
endef

$(eval $(call KernelPackage,nf-flow-procfs))
