#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: timeout 400
#
# The flow table of a switch ASIC in rounds of random traffic, while limits,
# faults, rules, ports and devices change at random: no frame is lost or counted
# twice, no entry is left, nothing is asked of a table that nobody is bound to.
#
# ROUNDS=100	how many; SLOW=1: 1000; on slow machines 10 and 100
# SEED=1	what happens in round R depends on SEED and R only,
# FIRST=1	so it can be played again alone; what is first

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"
# shellcheck source=flow_changes.sh
source "$flow_dir/flow_changes.sh"

FLOW_STORM=$flow_dir/flow_storm
rounds=100 slow_rounds=10
[ "$SLOW" != 1 ] || rounds=1000 slow_rounds=100
[ "$KSFT_MACHINE_SLOW" != yes ] || rounds=$slow_rounds
ROUNDS=${ROUNDS:-$rounds}
SEED=${SEED:-1}
FIRST=${FIRST:-1}

# BROKEN[KIND]: rounds in which this did not hold. DONE[WHAT]: how often this
# was done.
declare -A BROKEN DONE
# The table's counters: now, at the start of the round, when all was taken away
declare -A T START IDLE
# What flow_storm has said last, and counted in all rounds, and who has
# forwarded it
declare -A SAID TOTAL
# What was counted since snap, and in the table since the round began. Here and
# below, no $(...) for a number: most of a round's time was forks.
declare -A D MOVED

# draw N: a number from 0 to N-1 in $drawn. Not in a subshell: what that draws
# is drawn again.
draw()
{
	drawn=$(((RANDOM << 15 | RANDOM) % $1))
}

# any WORD...: one of them in $drawn
any()
{
	draw $#
	shift "$drawn"
	drawn=$1
}

# broke KIND TEXT...
broke()
{
	[ "$failed" = 1 ] ||
		ktap_print_msg "round $round:$plan"
	failed=1
	ktap_print_msg "round $round: $1: ${*:2}"
	broken_now[$1]=1
}

# want KIND WHAT GOT WANT
want()
{
	[ "$3" = "$4" ] || broke "$1" "$2: got '$3', want '$4'"
}

router_sh()
{
	ip netns exec "$router" "$@"
}

# What flow_lib.sh reads, losses elsewhere, and what the traffic itself needs
read_counters()
{
	# shellcheck disable=SC2016 # for the inner shell and awk
	{
		router_sh sh -c '
			cd /sys/class/net
			for dev in rc rs; do
				echo "dev $dev"
				ethtool -S "$dev"
			done
			grep -H . r[cs]/statistics/tx_dropped
			nft list counters
			conntrack -S'
		ip netns exec "$client" \
			grep -H . /sys/class/net/c0/statistics/tx_dropped
		ip netns exec "$server" \
			grep -H . /sys/class/net/s0/statistics/tx_dropped
	} | awk '
		$1 == "dev" { dev = $2 }
		sub("^ *offload_", "") { print dev "." $1, $2 }
		/tx_dropped:/ {
			sub("/sys/class/net/", "")
			split($0, path, "[/:]")
			print path[1] ".lost", path[4]
		}
		$1 == "counter" { name = $2 }
		$1 == "packets" { print name, $2 }
		/^cpu=/ {
			for (i = 2; i <= NF; i++) {
				split($i, pair, "=")
				ct[pair[1]] += pair[2]
			}
		}
		END { for (i in ct) print "ct." i, ct[i] }' | tr -d :
}

# The table: no command, for it is read often
read_table()
{
	local line lines name value

	T=()
	[ -e "$FLOW_DEBUGFS/counters" ] || return
	mapfile -t lines < "$FLOW_DEBUGFS/counters"
	for line in "${lines[@]}"; do
		T[${line%% *}]=${line#* }
	done
	mapfile -t lines < "$FLOW_DEBUGFS/refused"
	for line in "${lines[@]}"; do
		read -r name value _ <<< "$line"
		[ "$name" = last ] || T[refused_$name]=$value
	done
}

# since the round began
table_moved()
{
	local name

	MOVED=()
	for name in "${!T[@]}"; do
		MOVED[$name]=$((T[$name] - ${START[$name]:-0}))
	done
}

# since snap; rc.hit is D[rc_hit]
look_delta()
{
	local name

	look
	D=()
	for name in "${!NOW[@]}"; do
		D[${name//./_}]=$((NOW[$name] - ${BEFORE[$name]:-0}))
	done
}

# no_orphans KIND COMMAND...: the core leaves no entries in hardware by it.
no_orphans()
{
	local before ret

	read_table
	before=${T[unbind_orphans]:-0}
	"${@:2}"
	ret=$?
	read_table
	want "$1" "entries that the core forgot" \
		"${T[unbind_orphans]:-$before}" "$before"
	return $ret
}

storm_open()
{
	storm_close
	coproc STORM {
		exec "$FLOW_STORM" "$client:c0" "$router:rc" "$router:rs" \
			"$server:s0"
	}
}

storm_close()
{
	local pid=$STORM_PID fd=${STORM[1]}

	[ -n "$pid" ] || return 0
	exec {fd}>&-
	wait "$pid" 2> /dev/null
}

# storm COMMAND: its answer is in SAID
storm()
{
	local word answer=

	SAID=()
	[ -n "$STORM_PID" ] && echo "$*" >&"${STORM[1]}" &&
		read -r -t 60 answer <&"${STORM[0]}"
	for word in $answer; do
		SAID[${word%%=*}]=${word#*=}
	done
}

#
# A round
#

# Some traffic, be it fast or slow: no condition, the other end is random.
breathe()
{
	# Nobody ever writes there.
	read -rt "0.$breath" -u "$NEVER"
	return 0
}

# All that flow_storm has sent since snap, term by term
conservation()
{
	local hw_in hw_out drops before after

	look_delta
	hw_in=$((D[rc_rx] + D[rs_rx]))
	hw_out=$((D[rc_tx] + D[rs_tx]))
	drops=$((D[rc_drop_egress_full] + D[rs_drop_egress_full] +
		D[rc_drop_xmit] + D[rs_drop_xmit]))
	want conservation "sent = lost at the ends + hardware + CPU" \
		$((D[c0_lost] + D[s0_lost] + hw_in + D[punted])) \
		"${SAID[sent]}"
	want conservation "hardware in = hits" $((D[rc_hit] + D[rs_hit])) $hw_in
	want conservation "hardware in = hardware out + drops" \
		$((hw_out + drops)) $hw_in
	want conservation "CPU = software flowtable + stack" \
		$((D[soft] + D[stack])) "${D[punted]}"
	# Conntrack counts what it drops; some of it as a failed insertion too.
	before=$((D[stack] - D[local] - D[slow]))
	after=$((D[slow] - D[out]))
	want conservation "stack = local + forwarded + failed insertions" \
		$after "${D[ct_insert_failed]}"
	((before >= 0 && before <= D[ct_drop] &&
	  D[ct_drop] <= before + after)) ||
		broke conservation "lost before forwarding: $before, drops of" \
			"conntrack: ${D[ct_drop]}"
	want conservation "received = hardware + software + slow path - lost" \
		$((SAID[received] + SAID[missed])) \
		$((hw_out + D[soft] + D[out] - D[rc_lost] - D[rs_lost]))
	((TOTAL[hardware] += hw_out, TOTAL[soft] += D[soft]))
	((TOTAL[slow] += D[out], TOTAL[drops] += drops))
	((TOTAL[counted]++))
}

# What DESTROY and STATS did not find. Each is asked of two ports, of which one
# has the entry at most; not so in a round in which one was not in the
# flowtable. When a device is unbound while the flowtable is resized, the core
# walks over some flows again, and asks for these once more.
unknown()
{
	local reasons=0 missed name

	table_moved
	for name in "${!MOVED[@]}"; do
		case $name in
		evicted|replaced|port_purged|unbind_orphans|refused_*)
			((reasons += MOVED[$name]))
			;;
		esac
	done
	missed=$((MOVED[destroy_unknown] - MOVED[destroy]))
	[ $missed -le $((2 * reasons + 8 * MOVED[unbind])) ] ||
		broke unknown "DESTROY without an entry: $missed, reasons:" \
			"$reasons"
	missed=$((MOVED[stats_unknown] - MOVED[stats]))
	[ $reasons != 0 ] || [ $missed -le 0 ] ||
		broke stats "STATS without an entry: $missed"
}

entries_gone()
{
	flow_entries_are 0
}

conntrack_empty()
{
	[ "$(router_sh cat /proc/sys/net/netfilter/nf_conntrack_count)" = 0 ]
}

# Connections end and the core takes them out of hardware, none is forgotten.
drain_by_core()
{
	local orphans

	[ -n "$members" ] || return
	do_conntrack_flush
	slowwait 30 entries_gone > /dev/null ||
		broke ended "entries without a connection: $(flow_counter \
			entries)"
	read_table
	orphans=${T[unbind_orphans]}
	flow_flush
	read_table
	want ended "entries that were forgotten" "${T[unbind_orphans]}" \
		"$orphans"
	((DONE[drained]++))
}

# Take everything away; what is left then?
balance()
{
	local name

	knobs_default
	[ "$slowly" = 0 ] || drain_by_core
	no_orphans flowtable flow_flush
	slowwait 10 conntrack_empty ||
		broke left "connections: $(router_sh conntrack -C)"
	read_table
	want left "entries" "${T[entries]}" 0
	want left "bindings" "${T[unbind]}" "${T[bind]}"
	want balance "entries that came and went" \
		$((T[destroy] + T[unbind_orphans] + T[port_purged] +
		   T[evicted] + T[replaced] + T[entries])) "${T[replace]}"
	[ "$lost" = 1 ] || [ "$paired" = 0 ] || unknown
	IDLE=()
	for name in "${!T[@]}"; do
		IDLE[$name]=${T[$name]}
	done
}

# Since then nobody was bound.
idle()
{
	local name

	for name in "${!IDLE[@]}"; do
		want idle "$name" "${T[$name]}" "${IDLE[$name]}"
	done
}

# happens NAME: an event or an end
happens()
{
	plan+=" $1"
	((DONE[$1]++))
	"$1" || broke change "$1 failed"
	breathe
}

events()
{
	local n

	draw 5
	for ((n = drawn + 1; n; n--)); do
		any "${EVENTS[@]}"
		happens "do_$drawn"
	done
}

# What has happened is told when something is wrong.
play()
{
	local round=$1 plan='' failed=0 end='' slowly lost=0 reopen=0 paired=1
	local breath port port_net drawn members='' traffic connections nat
	local -A broken_now=()

	# Seeds that are alike give numbers that are, at first.
	RANDOM=$(((SEED * 1000003 + round) * 2654435761 >> 9 & 0x7fffffff))
	draw 1
	any 02 02 05 05 1 1 2 6
	breath=$drawn
	any rc rs
	port=$drawn
	port_net=1
	[ "$port" = rc ] || port_net=2
	draw 4
	slowly=$((drawn == 0))
	draw 5
	[ "$drawn" -ge 2 ] || {
		any "${ENDS[@]}" "${ENDS[@]}" unload
		end=$drawn
	}
	any "4 32 200" "8 8 200" "40 4 40" "400 2 6" "100 8 12"
	traffic="$round $drawn"
	connections=${drawn%% *}
	# In a round with and without it, connections meet whose addresses are
	# the same on one side, and the core changes ports.
	any "" "oifname rs masquerade"
	nat=$drawn

	storm stop
	[ "${SAID[drained]}" = 1 ] || broke topology "frames do not pass"
	read_table
	idle
	START=()
	for name in "${!T[@]}"; do
		START[$name]=${T[$name]}
	done
	if ! ruleset_counters || ! do_reload; then
		broke change "no ruleset"
	fi
	do_timeouts
	snap
	storm start "$traffic"
	breathe
	events
	[ -z "$end" ] || happens "end_$end"
	any stop halt
	[ "$reopen" = 0 ] || drawn=halt
	[ -n "$end" ] || drawn=stop
	storm "$drawn"
	((TOTAL[sent] += SAID[sent], TOTAL[opened] += SAID[opened]))
	want frames "bad" "${SAID[bad]:-0}" 0
	want frames "received twice" "${SAID[twice]:-0}" 0
	if [ -z "$end" ]; then
		want topology "drained" "${SAID[drained]}" 1
		conservation
	fi
	balance
	if [ -n "${broken_now[change]}${broken_now[topology]}" ]; then
		storm_close
		flow_cleanup
		topology
		reopen=1
		IDLE=()
	fi
	[ "$reopen" = 0 ] || storm_open
	[ "$failed" = 0 ] ||
		ktap_print_msg "once more: SEED=$SEED FIRST=$round ROUNDS=1" \
			"${REPEAT:-$0}"
	for name in "${!broken_now[@]}"; do
		((BROKEN[$name]++))
	done
}

# holds KIND
holds()
{
	check "rounds in which it does not hold" "${BROKEN[$1]:-0}" 0
}

test_rounds() # rules, ports and devices change under traffic
{
	local round name

	ktap_print_msg "SEED=$SEED FIRST=$FIRST ROUNDS=$ROUNDS"
	topology
	storm_open
	for ((round = FIRST; round < FIRST + ROUNDS; round++)); do
		play $round
		[ $(((round - FIRST + 1) % 10)) != 0 ] || ktap_print_msg \
			"round $round, ${SECONDS}s: ${TOTAL[sent]} sent," \
			"${TOTAL[opened]} connections"
	done
	for name in "${!TOTAL[@]}" "${!DONE[@]}"; do
		echo "$name=${TOTAL[$name]:-${DONE[$name]}}"
	done | sort | paste -sd ' ' | fold -sw 76 | sed 's/^/# /'
	holds change
	holds topology
}

test_conservation() # sent = hardware + software + slow path + drops by reason
{
	holds conservation
}

test_paths() # ... and all of these have carried frames
{
	local path

	if [ "$ROUNDS" -lt 40 ]; then
		skip "$ROUNDS rounds are too few to say"
		return
	fi
	for path in hardware soft slow drops; do
		check_true "$path" [ "${TOTAL[$path]:-0}" -gt 0 ]
	done
}

test_frames() # each frame arrives as it should, and once
{
	holds frames
}

test_balance() # what was put into the table was taken out of it
{
	holds balance
}

test_left() # without rules, no entry, binding or connection is left
{
	holds left
}

test_idle() # nothing is asked of a table that nobody is bound to
{
	holds idle
}

test_unknown() # DESTROY finds its entry, unless there is a reason
{
	holds unknown
}

test_ended() # connections that end are taken out of hardware by the core
{
	holds ended
}

test_flowtable_goes() # no orphans: flowtable deleted, reloaded or flushed
{
	holds flowtable
}

test_device_leaves() # no orphans: device leaves the flowtable
{
	holds device
}

test_rename() # no orphans: port renamed
{
	holds rename
}

test_port_goes() # no orphans: port down, moved, deleted or made anew
{
	holds port
}

test_stats() # no STATS for flows that are deleted
{
	holds stats
}

slab()
{
	sed -n "s/^$1 *\([0-9]*\) .*/\1/p" /proc/slabinfo
}

slab_is_small()
{
	[ "$(slab "$1")" -le "$2" ]
}

test_leak() # modules can be unloaded, connections have no memory left
{
	local connections limit

	storm_close
	flow_cleanup
	if [ -e /sys/module/netdevsim/initstate ]; then
		check "netdevsim" "$(slowwait 10 module_gone netdevsim)" ""
		modprobe netdevsim
	fi
	[ -r /proc/slabinfo ] || return
	# Some stay in caches of CPUs, and of nodes where slab_debug is off.
	connections=$(slab nf_conntrack)
	limit=512
	[ "$KSFT_MACHINE_SLOW" != yes ] || limit=128
	check "slab of $connections" \
		"$(slowwait 10 slab_is_small nf_conntrack $limit)" ""
}

test_splat() # the kernel did not complain
{
	check "taint" "$(taint)" "$tainted"
}

tainted=$(taint)
exec {NEVER}<> <(:)
flow_require nft ethtool conntrack devlink
[ -x "$FLOW_STORM" ] || flow_skip "flow_storm is not built"
trap 'storm_close; flow_cleanup' EXIT
flow_run
