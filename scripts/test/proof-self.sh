#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/proof-self.sh
#
# scripts/proof finds what is no proof.  With commits made up for it: a "fix"
# of a text that the test flow_fault looks for, and one that fixes nothing.
# check: SLOW=1
# check: timeout 1800
# check: cpus 1
# check: needs tree
# check: minutes 3

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset T SLOW MINUTES
export NFT_OFFLOAD_CACHE=$dir/cache RESULTS=${RESULTS:-$OUT/results/proof-self}/runs
source=drivers/net/netdevsim/flow_fault.c
line='proof: flow_fault test_max_flows'

kgit()
{
	git -C "$TREE" -c user.name=test -c user.email=test@localhost "$@"
}

# commit PARENT SED: the patched tree with the source edited, as a commit
commit()
{
	(
		export GIT_INDEX_FILE=$TREE/.git/test-index
		kgit read-tree series &&
			blob=$(kgit show "series:$source" | sed "$2" |
				kgit hash-object -w --stdin) &&
			kgit update-index --cacheinfo "100644,$blob,$source" &&
			kgit commit-tree -p "$1" -m test "$(kgit write-tree)"
	)
}

# prove NAME COMMIT LINE...: runs scripts/proof on such a commit
prove()
{
	local name=$1 commit=$2

	shift 2
	printf '%s\n' "made up" "" "For $ME." --- "$@" >"$dir/01-$name.txt"
	said=$("$ROOT/scripts/proof" "$dir/01-$name.txt" "$commit" 2>&1 </dev/null)
	rc=$?
	echo "# ${said//$'\n'/$'\n# '}"
}

# expect NAME CODE TEXT...
expect()
{
	local name=$1 code=$2 bad=0 text

	shift 2
	for text; do
		grep -qF -- "$text" <<<"$said" || bad=1
	done
	[ "$rc $bad" = "$code 0" ]
	tap $? "$name"
}

tap_plan 10
"$ROOT/scripts/build" selftests >&2 || exit
broken=$(commit series 's/the flow table is full/the flow table is empty/')
! kgit diff --quiet series "$broken"
tap $? "a text to break is there"
fix=$(commit "$broken" '')

prove fix "$fix" "$line '^# text: not true: .*full'" "$line '^# frames: got'"
expect "a fix whose test fails without it" 1 "ok 1 fix: flow_fault test_max_flows" \
	"without it: # text: not true"
expect "and one whose test fails for another reason" 1 \
	"not ok 2 fix: flow_fault test_max_flows fails without it for another reason: # text: not true"
prove fix "$fix" "$line ^# text: not true: .*full"
expect "a proof that held is kept" 0 "ok 1 fix" "# kept: without it: # text: not true"
prove nothing "$(commit series '')" "$line text"
expect "a commit that fixes nothing" 1 "not ok 1 nothing: flow_fault test_max_flows does not fail without it"
[ "$(kgit rev-parse HEAD) $(kgit status --porcelain)" = "$(kgit rev-parse series) " ]
tap $? "the tree is what it was"

one=$(commit series 's/the flow table is full/one/')
prove early "$(commit "$one" 's/the flow table is full/two/')" "$line text"
expect "a commit that others stand on" 1 "cannot be taken out" "write proof/early.patch"
MINUTES=0 prove late "$fix" "$line text"
expect "one for which there is no time" 4 "ok 1 late: flow_fault test_max_flows # SKIP 0 minutes are over"
prove typo "$fix" "proof: flow_fault test_nothing text"
expect "a test that is not there" 2 "has no function test_nothing; correct"
prove regex "$fix" "$line text("
expect "a reason that is no regular expression" 2 "'text(' is no extended regular expression"
tap_end
