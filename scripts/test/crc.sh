#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/crc.sh
#
# The hooks of 6.12 change no structure of Debian's kernel and no CRC but of what
# their own modules export, as scripts/crc finds out; and a change of one is
# caught.  Prints what upstream alone gets.
# check: SLOW=1
# check: base v7.3 v6.12
# check: timeout 3000
# check: cpus 2
# check: minutes 5

export BASE=v6.12
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset BASE_TREE BASE_PACKAGE
CORE=net/netfilter/nf_conntrack_core.o

kgit()
{
	git -C "$TREE" "$@"
}

# plant COMMIT FILE STRUCT...: on top of COMMIT, with a field at the end of each
# STRUCT of FILE; prints what that is called.
plant()
{
	local commit=$1 file=$2 name script=''

	shift 2
	for name; do
		script="$script;/^struct $name {/,/^}/s/^}/\tvoid *planted;\n&/"
	done
	export GIT_INDEX_FILE=$dir/index
	kgit show "$commit:$file" | sed "$script" >"$dir/file"
	kgit read-tree "$commit" &&
		kgit update-index --cacheinfo "100644,$(kgit hash-object -w "$dir/file"),$file" &&
		kgit -c user.name=crc -c user.email=crc@localhost \
			commit-tree -p "$commit" -m planted "$(kgit write-tree)"
	unset GIT_INDEX_FILE
}

# said TEXT: does what scripts/crc said have that?
said()
{
	grep -qE "$1" "$dir/said"
}

crc()
{
	"$ROOT/scripts/crc" "$@" >"$dir/said" 2>"$dir/err"
	rc=$?
	sed 's/^/# /' "$dir/said" "$dir/err"
}

tap_plan 7
while read -r hook reason; do
	echo "# upstream only: $hook $reason"
done < <(sed 's/#.*//; /^$/d' "$ROOT/hooks/$BASE/upstream-only")
crc
[ "$rc" = 0 ]
tap $? "the modules fit the vendor's kernel"
said '^imports: [1-9][0-9]*, all exported'
tap $? "all that they import is exported there"
said '^base: ([1-9][0-9]*) of \1 CRCs '
tap $? "the pristine source gives the CRCs of Module.symvers"
said '^series: 0 CRCs of others change, '
tap $? "no CRC changes but those of their own exports"
said '^layout: 0 of [1-9][0-9]* structures change'
tap $? "no structure changes"

crc "$(plant series include/net/netns/flow_table.h nf_flow_table_stat)" $CORE
[ "$rc" = 1 ] && said 'CRCs of others change: .*nf_ct_'
tap $? "a field in nf_flow_table_stat is caught: it is in struct net"
crc "$(plant series include/net/flow_offload.h flow_cls_offload)" $CORE
[ "$rc" = 1 ] && said ': 0 CRCs of others change' &&
	said 'structures change: .*flow_cls_offload'
tap $? "a field in flow_cls_offload is caught: no CRC knows of it"
tap_end
