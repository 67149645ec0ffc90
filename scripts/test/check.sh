#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/check.sh
#
# scripts/check runs side by side what may, and nothing else; it counts, and
# finds what a test does wrong.  With tests made up for it.
# check: cpus 1

# shellcheck disable=SC2016 # what is quoted is for the tests

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset CI LIMIT REPORT T FAST SLOW JOBS CPUS GUEST RESULTS NFT_OFFLOAD_LOCKED NFT_OFFLOAD_BUILT
repo=$dir/repo
export EVENTS=$dir/events

mkdir -p "$repo"
cp -a "$ROOT/scripts" "$ROOT/configs" "$ROOT/hooks" "$repo/"
rm -rf "$repo/scripts/test" "$repo/configs/guests.map"
mkdir "$repo/scripts/test"
: >"$repo/configs/guests.map"
printf '#!/bin/sh\necho "built $1" >>"$EVENTS"\n' >"$repo/scripts/build"

# fake NAME COMMAND [HEAD...]: a test that tells when it begins and ends, with
# one result
fake()
{
	local name=$1 command=$2

	shift 2
	{
		echo '#!/bin/bash'
		printf '# check: %s\n' "$@"
		printf 'echo "+ %s" >>"$EVENTS"\n' "$name"
		printf '%s\n' "$command" "rc=\$?"
		printf 'echo "- %s" >>"$EVENTS"\n' "$name"
		printf 'printf "1..1\\nok 1 %s\\n"; exit $rc\n' "$name"
	} >"$repo/scripts/test/$name.sh"
	chmod +x "$repo/scripts/test/$name.sh"
}

# check CODE TEXT NAME [VARIABLE...]
check()
{
	local code=$1 text=$2 name=$3

	shift 3
	: >"$EVENTS"
	said=$(env "$@" "$repo/scripts/check" 2>&1 </dev/null)
	rc=$?
	[ "$rc" = "$code" ] && grep -qF -- "$text" <<<"$said"
	tap $? "$name"
	echo "exit code $rc; $said" | sed 's/^/# /'
}

# What ran at the same time, at most: "a b"
together()
{
	awk '$1 == "+" { on[$2] = 1; n++ } $1 == "-" { delete on[$2]; n-- }
		n > max { max = n; what = ""; for (i in on) what = what i "\n" }
		END { printf "%s", what }' "$EVENTS" | sort | paste -sd ' '
}

# Which one began last; two that are started at once begin in any order
latest()
{
	sed -n 's/^+ //p' "$EVENTS" | tail -n 1
}

# meets NAME: a command that ends when the test NAME runs, too
meets()
{
	echo "until grep -qx '+ $1' \"\$EVENTS\"; do sleep 0.1; done"
}

expect()
{
	[ "$2" = "$3" ]
	tap $? "$1"
	[ "$2" = "$3" ] || echo "# got '$2', want '$3'"
}

# last NAME SECONDS
last()
{
	mkdir -p "$repo/out/$BASE/results/$1"
	echo "$2" >"$repo/out/$BASE/results/$1/seconds"
}

tap_plan 37
fake a "$(meets b)" 'cpus 1'
fake b "$(meets a)" 'cpus 1' 'builds base'
check 0 "2 passed, 0 failed, 0 skipped" "two tests pass" JOBS=2
expect "side by side" "$(together)" "a b"
expect "after the kernels they need" \
	"$(sed -n 's/^built //p' "$EVENTS" | paste -sd ' ')" "selftests base"
fake a 'sleep 1' 'cpus 1'
fake b 'sleep 1' 'cpus 1'
check 0 "2 passed" "with JOBS=1 too" JOBS=1
expect "one after the other" "$(tail -n 4 "$EVENTS" | paste -sd ' ')" "+ a - a + b - b"

fake a "$(meets c)" 'cpus 1' 'needs tree'
fake b 'sleep 1' 'cpus 1' 'needs tree'
fake c "$(meets a)" 'cpus 1' 'needs disk'
last a 9 && last b 8 && last c 7
check 0 "3 passed" "two of three need the same thing" JOBS=3
expect "so they wait for each other" "$(together), $(latest)" "a c, b"

fake a 'sleep 1'
fake b "$(meets c)" 'cpus 1'
fake c "$(meets b)" 'cpus 1'
last a 5 && last b 6 && last c 7
check 0 "3 passed" "a test of two CPUs" JOBS=2
expect "runs alone" "$(together)" "b c"
expect "and the longest come first" "$(latest)" a
fake a "$(meets c)"
fake b 'sleep 1' 'cpus 1'
fake c "$(meets a)" 'cpus 1'
last a 7 && last b 5 && last c 6
check 0 "3 passed" "and where there are three" JOBS=3
expect "not" "$(together)" "a c"

rm "$repo/scripts/test/"[bc].sh
fake a true 'minutes 3'
fake b 'false'
check 1 "all tests ok but exit code 1" "an exit code that does not fit" JOBS=2
fake b 'kill -KILL $$'
check 1 "printed no TAP" "a test that is killed"
# The process of scripts/check that looks after it
fake b 'kill -KILL $(ps -o ppid= $PPID)'
check 1 "ended without a verdict" "a test that kills who looks after it"
fake b 'sleep 60' 'timeout 1'
check 1 "killed after 1 seconds" "a test that does not end"
fake b 'sleep 60; echo never' 'timeout 50'
check 1 "killed after 1 seconds" "all together take too long" LIMIT=0
fake b 'echo what I see; false'
check 1 "| what I see" "in CI the end of a failed test's log is shown" CI=true
fake b 'echo "1..0 # SKIP no reason"; exit 4'
rm "$repo/scripts/test/a.sh"
check 4 "skipped: no reason" "one that is skipped"
fake b 'printf "1..2\nok 1 a thing: too few # SKIP\nok 2 b\n"; exit'
check 0 "skipped: a thing: too few" "a part that is skipped"
printf '# of this base\nb: a thing\t# why\n' >"$repo/configs/skips.v7.3"
check 0 "1 passed, 0 failed, 1 skipped" "so it is if the base lists it"
echo 'b: another' >"$repo/configs/skips.v7.3"
check 1 "not listed in configs/skips.v7.3: a thing" "and fails if the base lists others"
fake b 'printf "1..2\nok 1 a\nnot ok 2 a thing\n"; exit 1'
check 1 "1 passed, 1 failed, 0 skipped" "a failure is one"
echo 'b: a thing' >"$repo/configs/skips.v7.3"
check 0 "1 passed, 0 failed, 1 skipped" "unless the base lists it"
fake b 'printf "1..2\nok 1 a\nok 2 a thing\n"; exit'
check 1 "passes, remove it from configs/skips.v7.3: a thing" "and what is listed must not pass"
echo '? b: a thing' >"$repo/configs/skips.v7.3"
check 0 "2 passed, 0 failed, 0 skipped" "unless it may"
rm "$repo/configs/skips.v7.3"
fake a false 'base v6.12'
fake b true
check 0 "1 passed, 0 failed, 0 skipped" "a test of another base is not run"
rm "$repo/scripts/test/a.sh"

# junit XPATH
junit()
{
	xmlstarlet sel -t -v "$1" "$dir/report/a.xml" | xmlstarlet unesc
}
fake a 'printf "1..3\nok 1 a\nnot ok 2 <b> & c\nok 3 d # SKIP no e\n"; exit 1'
fake b 'sleep 60' 'timeout 1'
check 1 "1 passed, 2 failed, 1 skipped" "a run that is reported" REPORT="$dir/report"
expect "in JSON" "$(jq -r '"\(.passed) \(.failed) \(.skipped)",
	(.tests[].results[] | "\(.test): \(.result)")' "$dir/report/results.json" | paste -sd ,)" \
	"1 2 1,a: pass,<b> & c: fail,d: skip,killed after 1 seconds: fail"
expect "in JUnit" "$(junit 'count(//testcase)') $(junit //testcase[failure]/@name) $(junit //skipped/@message)" \
	"3 2 <b> & c no e"
check 3 "name a directory that can be written" "a report to nowhere" REPORT=/dev/null/report

# The table of what works
fake b 'printf "1..3\nok 1 x here\nok 2 y there\nnot ok 3 y late\n"; exit 1' 'base v7.3 v6.12'
printf 'b: y late\na: d\n' >"$repo/configs/skips.v7.3"
check 1 "3 passed, 1 failed, 2 skipped" "more to report" REPORT="$dir/report"
rm "$repo/configs/skips.v7.3"
printf '# A map\nOne\tby hand\ta b:^y\nTwo\tthe same\tb\n' >"$dir/map"
printf 'before\n<!-- scripts/support -->\nold\n<!-- end of scripts/support -->\nafter\n' >"$dir/readme"
SUPPORT_MAP=$dir/map SUPPORT_README=$dir/readme "$repo/scripts/support" -w "$dir/report"
today=$(jq -r '.date[:10]' "$dir/report/results.json")
expect "is in the table of what works" "$(cat "$dir/readme")" "before
<!-- scripts/support -->
| what | how | v7.3 | v6.12 |
|---|---|---|---|
| One | by hand | 2 ok, 1 failed, 2 skipped, $today | not run |
| Two | the same | 2 ok, 1 skipped, $today | not run |
<!-- end of scripts/support -->
after"
printf 'One\tby hand\tc\n' >"$dir/map"
said=$(SUPPORT_MAP=$dir/map "$repo/scripts/support" "$dir/report" 2>&1)
expect "a map of a test that is not there" "$? $said" "2 support: $dir/map: there is no test c; correct or remove it"

expect "the README has its rows" \
	"$(sed -n '/^<!-- scripts\/support/,/^<!-- end/s/^| \([^|]*\) | \([^|]*\) | .*/\1\t\2/p' "$ROOT/README.md" | sed 1d)" \
	"$(grep -v '^#' "$ROOT/configs/support.map" | cut -f 1,2)"

# An interrupt ends the tests as well.
fake b 'echo $$ >"$EVENTS.pid"; sleep 60' 'timeout 50'
"$repo/scripts/check" >"$dir/said" 2>&1 </dev/null &
pid=$!
for ((i = 0; i < 100; i++)); do
	[ ! -s "$EVENTS.pid" ] || break
	sleep 0.1
done
kill -TERM "$pid"
wait "$pid"
expect "SIGTERM ends it" "$?" 130
gone()
{
	! kill -0 "$(cat "$EVENTS.pid")" 2>/dev/null
}
for ((i = 0; i < 100; i++)); do
	! gone || break
	sleep 0.1
done
gone
tap $? "and what it runs"
tap_end
