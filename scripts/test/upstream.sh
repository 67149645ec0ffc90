#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/upstream.sh
#
# Upstream's nft_flowtable.sh and the scripts of drivers/net/netdevsim, as
# they are in the pristine base, pass, skip or fail in the patched guest as
# they do in the guest of the pristine base.  What the base says is written in
# configs/upstream.verdicts; it is asked itself with SLOW=1, by a script that is
# not in that list and by one that differs.  Scripts that take minutes run with
# SLOW=1 only, but for nft_flowtable.sh.  A script that differs from the base
# gets a second run, alone, and says so.  Verdicts are kept: the base's in the
# cache by base, configuration and tools, the patched ones by the built kernel
# too.
# check: slow
# check: timeout 3000
# check: cpus 1
# check: needs upstream
# check: minutes 10

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"
# shellcheck source=scripts/test/upstream-lib.sh
. "$ROOT/scripts/test/upstream-lib.sh"

results=${RESULTS:-$OUT/results/upstream}
VERDICTS=$ROOT/configs/upstream.verdicts

LONG="devlink devlink_trap ethtool-coalesce fib fib_notifications nexthop udp_tunnel_nic"

# COLLECTION/PROG, one per line
all_progs()
{
	echo net/netfilter/nft_flowtable.sh
	sed -n '/^TEST_PROGS := /,/^#/s/^\t\([^ ]*\).*/drivers\/net\/netdevsim\/\1/p' \
		"$UPSTREAM/$SELFTESTS/drivers/net/netdevsim/Makefile"
}

progs()
{
	local prog name

	while read -r prog; do
		name=$(basename "$prog" .sh)
		[ "${SLOW:-0}" = 0 ] && [[ " $LONG " == *" $name "* ]] || echo "$prog"
	done < <(all_progs)
}

tools()
{
	bash --version
	for tool in nft conntrack ethtool ip tc devlink socat jq ping mausezahn udevadm; do
		command -v "$tool" || echo "no $tool"
		"$tool" --version || "$tool" -V
	done
} 2>/dev/null </dev/null

# The guest ends with the script's exit code, or with its own.  A failure is
# known by the tests that failed.
verdict()
{
	local dir=$3

	upstream_run "$@"
	case "$? $(cat "$dir/exit-code" 2>/dev/null)" in
	'0 0') echo pass ;;
	'4 4') echo skip ;;
	'1 ') echo timeout ;;
	*' ') echo "not run" ;;
	*' 0'|'1 4') echo splat ;;
	*) echo "fail $(sed -n 's/^TEST: \(.*[^ ]\) *\[FAIL\].*/(\1)/p' "$dir/log" | paste -sd ' ')" ;;
	esac
}

# known GUEST PROG: a verdict that is kept, or a new one.  What did not run to
# its end is no verdict.
known()
{
	local file=$OUT/upstream/$patched_key/$2 new

	[ "$1" = uml ] || file=$CACHE/upstream/$base_key/$2
	if ! cat "$file" 2>/dev/null; then
		mkdir -p "${file%/*}"
		[ "$1" = uml ] || "$ROOT/scripts/build" base >&2 || return
		new=$(verdict "$1" "$2" "$results/$1/$(basename "$2" .sh)")
		[ "$new" = "not run" ] || echo "$new" >"$file"
		echo "$new"
	fi
}

# written PROG: the verdict in the list, if that is to do
written()
{
	[ "${SLOW:-0}" = 0 ] && sed -n "s,^$1 ,,p" "$VERDICTS" | grep .
}

# asked: the lines of progs that a guest is needed for, with the guest
asked()
{
	local prog

	while read -r prog; do
		written "$prog" >/dev/null || echo "base $prog"
		echo "uml $prog"
	done < <(progs)
}

compare()
{
	local prog=$1 base patched first=

	base=$(written "$prog") || base=$(known base "$prog")
	patched=$(known uml "$prog")
	[ "$base" = "$patched" ] || base=$(known base "$prog")
	if [ "$base" != "$patched" ]; then
		first=", in a first run base $base, patched $patched"
		rm -f "$CACHE/upstream/$base_key/$prog" "$OUT/upstream/$patched_key/$prog"
		base=$(known base "$prog")
		patched=$(known uml "$prog")
	fi
	[ "$base" = "$patched" ] && [ "$base" != "not run" ]
	tap $? "${prog##*/}: base $base, patched $patched$first"
	grep -qxF "$prog $base" "$VERDICTS" ||
		echo "# correct configs/upstream.verdicts: $prog $base"
}

"$ROOT/scripts/build" kernel >&2 && upstream_unpack || exit
hash()
{
	sha256sum | cut -c 1-16
}
tools=$(tools | hash)
mapfile -t fragments < <(fragment_files base)
base_key=$({ git -C "$TREE" rev-parse 'base^{tree}'; cat "$0" "${0%.sh}-lib.sh" \
	"${fragments[@]}" "$ROOT/scripts/guest-init"; gcc --version; echo "$tools"; } | hash)
patched_key=$({ find "$OUT/build/uml/linux" "$OUT/build/uml-modules" -name linux -o -name '*.ko' |
	sort | xargs sha256sum; cat "$ROOT/scripts/guest-init"; echo "$base_key"; } | hash)

# Several at a time: most of them wait more than they work.
export -f known verdict upstream_run
export ROOT OUT CACHE SELFTESTS UPSTREAM results base_key patched_key
mkdir -p "$results"
tap_plan "$(progs | wc -l)"
# shellcheck disable=SC2016 # for the inner shell
asked | xargs -P $((2 * $(nproc))) -L 1 bash -c 'known "$1" "$2"' bash >/dev/null
while read -r prog; do
	compare "$prog"
done < <(progs)
tap_end
