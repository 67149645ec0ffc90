#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/builtin.sh
#
# A driver that is built in works with an nf_flow_table that is a module: the
# kernel links, and no driver asks for a symbol of netfilter.  Without
# CONFIG_NF_FLOW_TABLE_HW there is nothing of it in nf_flow_table.
# check: SLOW=1
# check: timeout 2400
# check: cpus 2
# check: needs tree
# check: minutes 8

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"

dir=$OUT/build/builtin
log=$OUT/log/builtin.log

# kernel LINE...: that of the guest uml, but with these in its .config
kernel()
{
	local line files

	mapfile -t files < <(fragment_files uml)
	mkdir -p "$dir" "${log%/*}" || return
	{ cat "${files[@]}"; printf '%s\n' "$@"; } >"$dir/fragment"
	kmake "$dir" KCONFIG_ALLCONFIG="$dir/fragment" allnoconfig >"$log" 2>&1 || return
	for line; do
		grep -qx "$line" "$dir/.config" || {
			echo "# Kconfig does not accept $line"
			return 1
		}
	done
	kmake "$dir" linux modules >>"$log" 2>&1
}

# symbols MODULE: of a module, those that it does not have with a U
symbols()
{
	nm "$(find "$dir" -name "$1.ko")"
}

exports()
{
	symbols nf_flow_table | sed -n 's/.* __ksymtab_//p'
	symbols nf_conntrack | sed -n 's/.* __ksymtab_//p'
}

"$ROOT/scripts/tree" >&2 || exit 3
lock tree
need build
tap_plan 6
kernel CONFIG_NET_FLOW_FT=y CONFIG_NETDEVSIM=y CONFIG_PSAMPLE=y \
	CONFIG_PTP_1588_CLOCK_MOCK=y CONFIG_NF_FLOW_TABLE=m CONFIG_NF_FLOW_TABLE_HW=y
tap $? "a driver that is built in links with nf_flow_table as a module"
# In an executable all symbols are local.  Not grep -q: who writes into a pipe that
# nobody reads any more has failed.
nm "$dir/linux" | grep ' [Tt] flow_ft_conn_claim$' >/dev/null &&
	symbols nf_flow_table | grep 'U flow_ft_conn_register$' >/dev/null
tap $? "... which finds the library in the kernel"

kernel CONFIG_NET_FLOW_FT=m CONFIG_NETDEVSIM=m CONFIG_NF_FLOW_TABLE=m CONFIG_NF_FLOW_TABLE_HW=y
tap $? "all of them as modules"
exports >"$dir/exports"
! { symbols flow_ft; symbols netdevsim; } | sed -n 's/^ *U //p' | grep -xFf "$dir/exports" | sed 's/^/# asked for: /' | grep . &&
	[ "$(wc -l <"$dir/exports")" -gt 50 ]
tap $? "library and driver ask for no symbol of nf_flow_table or nf_conntrack"

kernel CONFIG_NF_FLOW_TABLE=m '# CONFIG_NF_FLOW_TABLE_HW is not set'
tap $? "without connections that hardware tracks"
! symbols nf_flow_table | grep -E 'nf_flow_hw_(offer|answer|claim|leave|poll|backstop|query|init|drop|set_state)' &&
	! symbols nf_flow_table | grep 'flow_ft_' &&
	! symbols nf_conntrack | grep 'nf_ct_offload_query'
tap $? "... there is nothing of them in nf_flow_table and nf_conntrack"
tap_end
