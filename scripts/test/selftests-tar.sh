#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/selftests-tar.sh
#
# The selftests leave the house: the tarball that a kernel tree with the series
# makes of them (make gen_tar), unpacked elsewhere, has all they need and runs by
# its own run_kselftest.sh.
# check: cpus 1
# check: needs tree

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

COLL=drivers/net/netdevsim
dir=${RESULTS:-$OUT/results/selftests-tar}/tar
rm -rf "$dir"
mkdir -p "$dir/there" || die 3 "cannot create $dir; the checkout must be writable"
need build guest test
"$ROOT/scripts/build" selftests >&2 || exit

gen_tar()
{
	lock tree
	make -s -C "$TREE/tools/testing/selftests" O="$OUT/build/kselftest" \
		TARGETS="$COLL" FORCE_TARGETS=1 INSTALL_PATH="$dir/install" gen_tar
}

# ours: the tests that the project adds
ours()
{
	(cd "$ROOT/tools/testing/selftests/$COLL" && find . -maxdepth 1 -name '*.sh' -perm -u+x -printf '%f\n' | sort)
}

tap_plan 4
(gen_tar) >"$dir/log" 2>&1
tap $? "make gen_tar"
sed 's/^/# /' "$dir/log" | tail -n 5
tar -xzf "$dir"/install/kselftest-packages/*.tar.gz -C "$dir/there"
rm -rf "$dir/install"

lack=$(ours | sed "s|^|$COLL:|" | grep -vxFf "$dir/there/kselftest-list.txt")
[ -z "$lack" ]
tap $? "has all tests of the project"
[ -z "$lack" ] || echo "# lacks ${lack//$'\n'/$'\n# lacks '}"

# Of the tree that made it nothing may be needed.
away=$(find "$dir/there" -type l -lname '/*'; find "$dir/there" -xtype l)
[ -z "$away" ]
tap $? "points at nothing outside"
[ -z "$away" ] || echo "# ${away//$'\n'/$'\n# '}"

cat >"$dir/run.sh" <<RUN
#!/bin/sh
exec '$dir/there/run_kselftest.sh' -t $COLL:flow_counters.sh -t $COLL:flow_extack.sh
RUN
chmod +x "$dir/run.sh"
"$ROOT/scripts/guest" -o "$dir/guest" "$dir/run.sh" >"$dir/said" 2>&1 </dev/null &&
	[ "$(grep -c "^ok [12] selftests: $COLL: flow_" "$dir/said")" = 2 ]
tap $? "runs by run_kselftest.sh"
sed 's/^/# /' "$dir/said" | tail -n 30
tap_end
