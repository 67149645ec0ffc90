# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153
# What scripts that measure in a guest share, and their reports.  Sourced after
# lib.sh; what of it runs in the guest is in bench-lib-guest.sh.

SELFTESTS=${SELFTESTS:-$TREE/tools/testing/selftests}

# take_number NAME WHAT DEFAULT: a variable of the user's
take_number()
{
	local value=${!1:-$3}

	[[ $value =~ ^[1-9][0-9]*$ ]] ||
		die 2 "$1=$value is no number of $2; use for example $1=$3"
	printf -v "$1" %s "$value"
}

# take_flows DEFAULT
take_flows()
{
	FLOWS=${FLOWS:-$1}
	[[ $FLOWS =~ ^[1-9][0-9]*(\ [1-9][0-9]*)*$ ]] ||
		die 2 "FLOWS=$FLOWS are no numbers of flows; use for example FLOWS='1000 10000'"
}

# begin DIR: where the results go, and the program that sends frames
begin()
{
	DIR=$1
	[ -r /proc/self/schedstat ] || die 2 "this machine does not count CPU time of processes (/proc/PID/schedstat)"
	need build guest bench
	mkdir -p "$DIR" || die 3 "cannot create $DIR; the checkout must be writable"
	rm -f "$DIR"/ask-* "$DIR"/cpu-* "$DIR"/*.csv "$DIR"/*.dat "$DIR"/*.png "$DIR/summary.txt"
	gcc -O2 -D_GNU_SOURCE -I"$SELFTESTS/drivers/net/netdevsim" -o "$DIR/bench-flows" \
		"$ROOT/scripts/bench-flows.c" || die 2 "gcc cannot compile scripts/bench-flows.c"
}

# The guest asks by a file, and is answered by one: CPU time and time, ns.
answer()
{
	local ask task pid cpu ns

	while :; do
		for ask in "$DIR"/ask-*; do
			[ -e "$ask" ] || continue
			pid=$(cat "$DIR/uml/pid")
			cpu=0
			for task in /proc/"$pid"/task/*/schedstat; do
				read -r ns _ <"$task" && cpu=$((cpu + ns))
			done
			echo "$cpu ${EPOCHREALTIME/./}000" >"$DIR/answer"
			rm "$ask"
			mv "$DIR/answer" "$DIR/cpu-${ask##*-}"
		done
		sleep 0.02
	done
}

# measure SCRIPT ARG...: in the guest, which is answered; leaves if that fails
measure()
{
	answer &
	answering=$!
	trap 'kill $answering; rm -f "$DIR"/ask-* "$DIR"/cpu-*' EXIT
	"$ROOT/scripts/guest" -o "$DIR" "$@" || exit
}

# Values of a key in the order of the file: add(key, value); then n[key],
# quartile(key, 1..3) and show(key, format).
QUARTILES='
	function add(key, value) {
		if (!n[key]++)
			keys[++num] = key
		list[key, n[key]] = value
	}
	function quartile(key, q,    i, j, t, sorted, at, low) {
		for (i = 1; i <= n[key]; i++) {
			sorted[i] = list[key, i]
			for (j = i; j > 1 && sorted[j - 1] > sorted[j]; j--) {
				t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t
			}
		}
		at = 1 + (n[key] - 1) * q / 4
		low = int(at)
		if (low == n[key])
			return sorted[low]
		return sorted[low] + (at - low) * (sorted[low + 1] - sorted[low])
	}
	function show(key, format) {
		return sprintf(format " (" format ".." format ")", quartile(key, 2),
			quartile(key, 1), quartile(key, 3))
	}'

# install_summary NAME AGAINST MODE...: of NAME.csv, with NAME.dat for the plot, and
# what each MODE is to AGAINST
install_summary()
{
	awk -F , -v against="$2" -v modes="${*:3}" "$QUARTILES"'
	NR > 1 {
		add($1 " " $2 " s", $4)
		add($1 " " $2 " us", $5)
		s[$1, $2, $3] = $4; us[$1, $2, $3] = $5
		if (!rounds[$2, $3]++)
			round_of[++nr] = $2 SUBSEP $3
		if (!seen[$1, $2]++)
			order[++no] = $1 " " $2
	}
	END {
		for (o = 1; o <= no; o++) {
			split(order[o], f, " ")
			printf "%-9s %7d flows: %s flows per second, %s us of CPU each\n", f[1], f[2],
				show(order[o] " s", "%.0f"), show(order[o] " us", "%.0f")
			print f[1], f[2], quartile(order[o] " s", 2), quartile(order[o] " s", 1),
				quartile(order[o] " s", 3), quartile(order[o] " us", 2),
				quartile(order[o] " us", 1), quartile(order[o] " us", 3) >dat
		}
		nm = split(modes, list_of, " ")
		for (r = 1; r <= nr; r++) {
			split(round_of[r], f, SUBSEP)
			for (i = 1; i <= nm; i++) {
				mode = list_of[i]
				add("ratio " f[1] " " mode, s[mode, f[1], f[2]] / s[against, f[1], f[2]])
				add("cpu " f[1] " " mode, us[against, f[1], f[2]] / us[mode, f[1], f[2]])
			}
		}
		for (k = 1; k <= num; k++) {
			split(keys[k], f, " ")
			if (f[1] == "ratio")
				printf "RATIO %s/%s at %d flows: %s in flows per second, %s in flows per CPU second\n",
					f[3], against, f[2], show(keys[k], "%.2f"), show("cpu " f[2] " " f[3], "%.2f")
		}
	}' dat="$DIR/$1.dat" "$DIR/$1.csv"
}
