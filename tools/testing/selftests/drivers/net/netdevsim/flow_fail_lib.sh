# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Allocations that fail when a test wants them to: which ones, by the function
# they are made below, and when. Sourced.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "${BASH_SOURCE[0]}")")/flow_lib.sh"

FAIL=/sys/kernel/debug/failslab
MAX_NTH=400

# Where it can be told which allocations fail
fail_require()
{
	[ -w $FAIL/require-start ] ||
		flow_skip "needs failslab with debugfs and a stack filter"
}

fail_off()
{
	echo 0 > $FAIL/probability
	echo 0 > $FAIL/times
}

# text_of MODULE[:FUNCTION]: its first address, and the first one behind it
text_of()
{
	grep -i " t .*\[${1%:*}\]\$" /proc/kallsyms | sort |
	awk -v name="$(echo "$1" | sed -n 's/.*://p')" '
		!name || $3 == name {
			first = first ? first : $1
			last = $1
			after = ""
			next
		}
		last && !after && $1 != last { after = $1 }
		END { if (first) print first, after ? after : last "+512" }'
}

# fail_within MODULE[:FUNCTION]: failures are for allocations made below it
fail_within()
{
	local first end

	read -r first end < <(text_of "$1")
	check_true "$1 is there" [ -n "$end" ] || return
	fail_off
	# It would count for fail-nth as well.
	[ ! -d "${FAIL%/*}/fail_page_alloc" ] ||
		echo 30 > "${FAIL%/*}/fail_page_alloc/min-order"
	echo N > $FAIL/ignore-gfp-wait
	echo 0 > $FAIL/verbose
	echo 32 > $FAIL/stacktrace-depth
	echo "0x$first" > $FAIL/require-start
	printf '0x%x\n' $((0x$end)) > $FAIL/require-end
}

# fail_task N COMMAND...: the Nth of these allocations fails
fail_task()
{
	local nth=$1

	shift
	(
		# $BASHPID: for the shell of these brackets, and what it execs
		echo "$nth" > "/proc/$BASHPID/fail-nth"
		exec "$@" > /dev/null 2>&1
	)
}

workers_nth()
{
	local task name

	for task in /proc/[0-9]*; do
		read -r name < "$task/comm" && [[ $name = kworker/* ]] &&
			echo "$1" > "$task/fail-nth"
	done 2> /dev/null
}

# fail_workers N COMMAND...: the Nth of these that a worker makes, meanwhile
fail_workers()
{
	local nth=$1

	shift
	workers_nth "$nth"
	"$@"
	workers_nth 0
}

fail_fired()
{
	[ "$(cat $FAIL/times)" = 0 ]
}

# each_nth MODULE FAIL BEFORE AFTER COMMAND...: until no allocation is left to
# fail; AFTER finds in FIRED whether one did, and the caller in FAILED how many.
# A worker that has just come may hide one, but not twice.
each_nth()
{
	local fail=$2 before=$3 after=$4 nth fired=0 left=0

	fail_within "$1" || return
	shift 4
	for ((nth = 1; nth < MAX_NTH && left < 2; nth++)); do
		"$before"
		echo 1 > $FAIL/times
		"$fail" $nth "$@"
		left=$((left + 1)) FIRED=0
		! fail_fired || fired=$((fired + 1)) left=0 FIRED=1
		fail_off
		"$after" $nth
	done
	ktap_print_msg "$fired allocations failed"
	FAILED=$fired
	check_true "some failed" [ $fired -gt 0 ]
	check_true "all failed" [ $nth -lt $MAX_NTH ]
}

# fail_always FUNCTION [TIMES]: whoever allocates in it
fail_always()
{
	fail_within "$1" || return
	echo 1 > $FAIL/interval
	echo "${2:--1}" > $FAIL/times
	echo 100 > $FAIL/probability
}

nothing()
{
	:
}
