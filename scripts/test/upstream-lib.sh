# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Upstream's selftests as they are in the pristine base; sourced after lib.sh.

SELFTESTS=tools/testing/selftests
UPSTREAM=$OUT/upstream/selftests

# From the source tree and not installed: drivers/net/netdevsim of 7.3 forgets
# to install the libraries that its scripts source.
upstream_unpack()
{
	[ "$(cat "$UPSTREAM/.from" 2>/dev/null)" != "$(git -C "$TREE" rev-parse base)" ] || return 0
	rm -rf "$UPSTREAM"
	mkdir -p "$UPSTREAM"
	git -C "$TREE" archive base "$SELFTESTS/net" "$SELFTESTS/drivers/net" \
		"$SELFTESTS/kselftest" | tar -x -C "$UPSTREAM" &&
		git -C "$TREE" rev-parse base >"$UPSTREAM/.from"
}

# upstream_run GUEST COLLECTION/PROG DIR [ARGUMENT...]: leaves its output in DIR/log.
upstream_run()
{
	local guest=$1 dir=$3 file=$UPSTREAM/$SELFTESTS/$2 run

	shift 3
	rm -rf "$dir"
	mkdir -p "$dir"
	run=("./${file##*/}")
	# As the kselftest runner does it.
	[ -x "$file" ] || read -ra run <<<"$(sed -n '1s/^#!//p' "$file") ${run[0]}"
	(cd "${file%/*}" && GUEST=$guest CPUS=1 TIMEOUT=900 \
		"$ROOT/scripts/guest" -o "$dir" "${run[@]}" "$@") >"$dir/log" 2>&1 </dev/null
}
