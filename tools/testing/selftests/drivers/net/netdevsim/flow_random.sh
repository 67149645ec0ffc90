#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: timeout 900
#
# The flow table of a switch ASIC in rounds of random traffic, while limits,
# faults, rules, ports and devices change at random: no frame is lost or counted
# twice, no entry is left, nothing is asked of a table that nobody is bound to.
#
# ROUNDS=100	how many; SLOW=1: ten times as many
# SEED=1	what happens in round R depends on SEED and R only,
# FIRST=1	so it can be played again alone; what is first

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

FLOW_STORM=$flow_dir/flow_storm
rounds=100
[ "$KSFT_MACHINE_SLOW" != yes ] || rounds=10
[ "$SLOW" != 1 ] || rounds=$((rounds * 10))
ROUNDS=${ROUNDS:-$rounds}
SEED=${SEED:-1}
FIRST=${FIRST:-1}

# BROKEN[KIND]: rounds in which this did not hold. DEFECT[NAME]: how often a
# known defect of the core was met. DONE[WHAT]: how often this was done.
declare -A BROKEN DEFECT DONE
# The table's counters: now, at the start of the round, when all was taken away
declare -A T START IDLE
# What flow_storm has counted in all rounds, and who has forwarded it
declare -A TOTAL

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
	local name value

	T=()
	[ -e "$FLOW_DEBUGFS/counters" ] || return
	while read -r name value; do
		T[${name:-none}]=$value
	done < "$FLOW_DEBUGFS/counters"
	while read -r name value _; do
		[ "$name" = last ] || T[refused_$name]=$value
	done < "$FLOW_DEBUGFS/refused"
}

# moved NAME: since the round began
moved()
{
	echo $((${T[$1]:-0} - ${START[$1]:-0}))
}

# orphans NAME COMMAND...: entries that the core has left in hardware by it are
# a known defect, which has this name.
orphans()
{
	local before ret

	read_table
	before=${T[unbind_orphans]:-0}
	"${@:2}"
	ret=$?
	read_table
	((DEFECT[$1] += ${T[unbind_orphans]:-$before} - before))
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

# storm COMMAND: its answer is in $answer
storm()
{
	answer="no answer"
	[ -n "$STORM_PID" ] && echo "$*" >&"${STORM[1]}" &&
		read -r -t 60 answer <&"${STORM[0]}"
}

# stormed NAME: of its last report
stormed()
{
	local word

	for word in $answer; do
		[ "${word%%=*}" = "$1" ] && echo "${word#*=}" && return
	done
	echo 0
}

# Counters that a change of the flowtable leaves alone
ruleset_counters()
{
	router_sh nft -f - <<-RULES
		table inet count {
			counter stack { }
			counter slow { }
			counter local { }
			chain prerouting {
				type filter hook prerouting priority -500
				meta l4proto { tcp, udp } counter name stack
			}
			chain forward {
				type filter hook forward priority -10
				meta mark set 1
				meta l4proto { tcp, udp } counter name slow
			}
			chain input {
				type filter hook input priority -10
				meta l4proto { tcp, udp } \
					counter name local drop
			}
		}
		table netdev path {
			counter punted { }
			counter soft { }
			counter out { }
			chain in {
				type filter hook ingress \
					devices = { rc, rs } priority -10
				meta l4proto { tcp, udp } counter name punted
			}
			chain out {
				type filter hook egress \
					devices = { rc, rs } priority 0
				meta mark 0 meta l4proto { tcp, udp } \
					counter name soft
				meta mark 1 meta l4proto { tcp, udp } \
					counter name out
			}
		}
	RULES
}

# In one transaction, whether there was one before or not
ruleset_fast()
{
	router_sh nft -f - <<-RULES
		table inet fast
		delete table inet fast
		table inet fast {
			flowtable ft {
				hook ingress priority 0
				devices = { rc, rs }
				flags offload
				counter
			}
			chain forward {
				type filter hook forward priority 0
				meta l4proto { tcp, udp } flow add @ft
			}
			chain nat {
				type nat hook postrouting priority 100
				$nat
			}
		}
	RULES
}

D1="a flowtable that goes leaves its flows in hardware"
D1_DEVICE="a device that leaves the flowtable leaves its flows in hardware"
D1_RENAME="a port that is renamed leaves its flows in hardware"
D1_PORT="a port that goes leaves its flows in hardware"
R11="the core asks for statistics of flows that it has deleted"

#
# What can happen in a round that counts every frame
#

do_reload()
{
	orphans "$D1" ruleset_fast && members="rc rs"
}

# members: what is in the flowtable, nothing if there is none
do_delete_flowtable()
{
	[ -n "$members" ] || do_reload || return
	members=
	orphans "$D1" router_sh nft \
		"flush chain inet fast forward; delete flowtable inet fast ft"
}

do_remove_device()
{
	any rc rs
	[[ "$members" == *$drawn* ]] || do_reload || return
	members=${members/$drawn} paired=0
	orphans "$D1_DEVICE" router_sh nft \
		"delete flowtable inet fast ft { devices = { $drawn }; }"
}

do_conntrack_flush()
{
	router_sh conntrack -F > /dev/null 2>&1
}

do_hw_tc_offload()
{
	any rc rs
	hw_tc_offload off "$drawn"
	breathe
	hw_tc_offload on "$drawn"
}

do_timeouts()
{
	any 1 1 2 30
	router_sh sysctl -wq net.netfilter.nf_flowtable_udp_timeout="$drawn"
	any 1 1 2 30
	router_sh sysctl -wq net.netfilter.nf_flowtable_tcp_timeout="$drawn"
}

do_evict()
{
	any 1 10 100000
	flow_knob evict "$drawn"
}

# knob NAME VALUE...: one of them
knob()
{
	any "${@:2}"
	flow_knob "$1" "$drawn"
}

# With thousands, a delay for each would be one of minutes.
few()
{
	[ "$connections" -lt 10 ]
}

do_max_flows()		{ knob max_flows 0 3 30 65536; }
do_fail_next_add()	{ knob fail_next_add 1 2 20; }
do_fail_every_nth()	{ knob fail_every_nth 0 1 2 5; }
do_add_delay()		{ ! few || knob add_delay_ms 1 10 30; }
do_del_delay()		{ ! few || knob del_delay_ms 1 10 30; }
do_queue_len()		{ knob egress_queue_len 0 0 1 4; }
do_disable()		{ knob disable 0 1; }

do_fit()
{
	knobs_default
}

do_nothing()
{
	breathe
}

# Some more than once, to be drawn more often
EVENTS=(reload evict delete_flowtable nothing remove_device conntrack_flush
	reload hw_tc_offload fit timeouts evict nothing max_flows
	fail_next_add conntrack_flush fail_every_nth fit add_delay nothing
	del_delay queue_len disable)

#
# What can end a round that does not. Those that take counters, ports or more
# with them.
#

end_flush()
{
	members=
	orphans "$D1" router_sh nft flush ruleset
}

end_rename()
{
	paired=0
	orphans "$D1_RENAME" ip -n "$router" link set "$port" name moved0 ||
		return
	breathe
	ip -n "$router" link set moved0 name "$port"
}

end_ifdown()
{
	orphans "$D1_PORT" ip -n "$router" link set "$port" down || return
	breathe
	ip -n "$router" link set "$port" up
	dress
}

end_netns()
{
	paired=0
	orphans "$D1_PORT" ip -n "$router" link set "$port" netns "$client" ||
		return
	reopen=1
	port_left
	breathe
	ip -n "$client" link set "$port" netns "$router" || return
	dress
}

end_port()
{
	local dir=$NSIM_BUS/devices/netdevsim$NSIM_ROUTER
	local index=$((port_net - 1))

	paired=0
	orphans "$D1_PORT" eval "echo $index > $dir/del_port" || return
	reopen=1
	port_left
	breathe
	echo $index > "$dir/new_port" || return
	names
	wire "$port"
}

end_devlink_reload()
{
	paired=0
	orphans "$D1_PORT" router_sh \
		devlink dev reload "netdevsim/netdevsim$NSIM_ROUTER" || return
	reopen=1
	names
	wire rc && wire rs
}

# From here on it is another table.
end_device()
{
	nsim_del "$NSIM_ROUTER" || return
	reopen=1 lost=1
	router_device
}

netns_is_gone()
{
	! ip netns list | grep -q "$1" && [ "$(devlink dev show |
		grep -c "netdevsim/netdevsim$NSIM_ROUTER\$")" = 1 ]
}

# The device moves to the first netns, with all that is in its table.
end_netns_exit()
{
	storm leave
	ip netns del "$router" || return
	slowwait 20 netns_is_gone "$router" || return
	read_table
	want left "entries after the netns has ended" "${T[entries]}" 0
	want left "bindings" "${T[unbind]}" "${T[bind]}"
	nsim_del "$NSIM_ROUTER"
	reopen=1 lost=1
	setup_ns router || return
	router_setup
	router_device
}

module_gone()
{
	[ ! -d "/sys/module/$1" ] || modprobe -r "$1" 2> /dev/null
	[ ! -d "/sys/module/$1" ]
}

end_unload()
{
	[ -e /sys/module/netdevsim/initstate ] || return 0
	slowwait 10 module_gone netdevsim || return
	[ ! -e /sys/module/flow_ft/initstate ] ||
		slowwait 10 module_gone flow_ft || return
	reopen=1 lost=1
	storm_close
	cleanup_all_ns
	modprobe netdevsim
	topology
}

ENDS=(flush rename ifdown netns port devlink_reload device netns_exit)

#
# Ports of the router
#

# No entry has a port that is not there.
port_left()
{
	want left "entries of the port that went" \
		"$(grep -cE "(in|out)=$port " "$FLOW_DEBUGFS/entries")" 0
}

# New ports have the names of those that are missing.
names()
{
	local dev missing=() strange=()

	for dev in rc rs; do
		ip -n "$router" link show "$dev" > /dev/null 2>&1 ||
			missing+=("$dev")
	done
	for dev in $(nsim_netdevs "$router" "$NSIM_ROUTER"); do
		[ "$dev" = rc ] || [ "$dev" = rs ] || strange+=("$dev")
	done
	for dev in "${missing[@]}"; do
		ip -n "$router" link set "${strange[0]}" name "$dev"
		strange=("${strange[@]:1}")
	done
}

# wire PORT: a new one
wire()
{
	if [ "$1" = rc ]; then
		port_wire "$client" c0 rc 1
	else
		port_wire "$server" s0 rs 2
	fi
	offloads off "$router" "$1"
	hw_tc_offload on "$1"
}

# The port was down: its addresses and neighbours are gone, or some of them.
dress()
{
	host_setup "$router" "$port" "$port_net" 1
	neigh_setup "$router" "$port" "$port_net" 100 2
} 2> /dev/null

router_device()
{
	nsim_new "$router" "$NSIM_ROUTER" rc rs && wire rc && wire rs
}

topology()
{
	flow_setup rc rs
	hw_tc_offload on rc rs
}

knobs_default()
{
	local knob

	flow_knob max_flows 65536
	flow_knob egress_queue_len 192
	for knob in fail_next_add fail_every_nth add_delay_ms del_delay_ms; do
		flow_knob $knob 0
	done
	flow_knob disable 0
}

#
# A round
#

# Some traffic, be it fast or slow: no condition, the other end is random.
breathe()
{
	sleep "0.$breath"
}

# All that flow_storm has sent since snap, term by term
conservation()
{
	local hw_in hw_out drops before after drops_ct

	look
	hw_in=$(($(delta rc.rx) + $(delta rs.rx)))
	hw_out=$(($(delta rc.tx) + $(delta rs.tx)))
	drops=$(($(delta rc.drop_egress_full) + $(delta rs.drop_egress_full) +
		$(delta rc.drop_xmit) + $(delta rs.drop_xmit)))
	want conservation "sent = lost at the ends + hardware + CPU" \
		$(($(delta c0.lost) + $(delta s0.lost) + hw_in +
		   $(delta punted))) "$(stormed sent)"
	want conservation "hardware in = hits" \
		$(($(delta rc.hit) + $(delta rs.hit))) $hw_in
	want conservation "hardware in = hardware out + drops" \
		$((hw_out + drops)) $hw_in
	want conservation "CPU = software flowtable + stack" \
		$(($(delta soft) + $(delta stack))) "$(delta punted)"
	# Conntrack counts what it drops; some of it as a failed insertion too.
	before=$(($(delta stack) - $(delta local) - $(delta slow)))
	after=$(($(delta slow) - $(delta out)))
	want conservation "stack = local + forwarded + failed insertions" \
		$after "$(delta ct.insert_failed)"
	drops_ct=$(delta ct.drop)
	((before >= 0 && before <= drops_ct && drops_ct <= before + after)) ||
		broke conservation "lost before forwarding: $before, drops of" \
			"conntrack: $drops_ct"
	want conservation "received = hardware + software + slow path - lost" \
		$(($(stormed received) + $(stormed missed))) \
		$((hw_out + $(delta soft) + $(delta out) - $(delta rc.lost) -
		   $(delta rs.lost)))
	((TOTAL[hardware] += hw_out, TOTAL[soft] += $(delta soft)))
	((TOTAL[slow] += $(delta out), TOTAL[drops] += drops))
	((TOTAL[counted]++))
}

# What DESTROY and STATS did not find. Each is asked of two ports, of which one
# has the entry at most; not so in a round in which one was not in the
# flowtable.
unknown()
{
	local reasons=0 missed name

	for name in "${!T[@]}"; do
		case $name in
		evicted|replaced|port_purged|unbind_orphans|refused_*)
			((reasons += T[$name] - ${START[$name]:-0}))
			;;
		esac
	done
	missed=$(($(moved destroy_unknown) - $(moved destroy)))
	[ $missed -le $((2 * reasons)) ] ||
		broke unknown "DESTROY without an entry: $missed, reasons:" \
			"$reasons"
	missed=$(($(moved stats_unknown) - $(moved stats)))
	[ $reasons != 0 ] || [ $missed -le 0 ] ||
		((DEFECT[$R11] += missed))
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
	orphans "$D1" flow_flush
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
	local answer
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
	[ "$(stormed drained)" = 1 ] || broke topology "frames do not pass"
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
	((TOTAL[sent] += $(stormed sent), TOTAL[opened] += $(stormed opened)))
	want frames "bad" "$(stormed bad)" 0
	want frames "received twice" "$(stormed twice)" 0
	if [ -z "$end" ]; then
		want topology "drained" "$(stormed drained)" 1
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

# met NAME: a defect that is known
met()
{
	known "$1"
	check "met" "${DEFECT[$1]:-0}" 0
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

	if [ "$ROUNDS" -lt 50 ]; then
		RET=$KSFT_SKIP
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
	met "$D1"
}

test_device_leaves() # no orphans: device leaves the flowtable
{
	met "$D1_DEVICE"
}

test_rename() # no orphans: port renamed
{
	met "$D1_RENAME"
}

test_port_goes() # no orphans: port down, moved, deleted or made anew
{
	met "$D1_PORT"
}

test_stats() # no STATS for flows that are deleted
{
	met "$R11"
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
	local connections

	storm_close
	flow_cleanup
	if [ -e /sys/module/netdevsim/initstate ]; then
		check "netdevsim" "$(slowwait 10 module_gone netdevsim)" ""
		modprobe netdevsim
	fi
	[ -r /proc/slabinfo ] || return
	# A few stay in the caches of the CPUs.
	connections=$(slab nf_conntrack)
	check "slab of $connections" \
		"$(slowwait 10 slab_is_small nf_conntrack 128)" ""
}

test_splat() # the kernel did not complain
{
	check "taint" "$(cat /proc/sys/kernel/tainted)" "$tainted"
}

tainted=$(cat /proc/sys/kernel/tainted)
flow_require nft ethtool conntrack devlink
[ -x "$FLOW_STORM" ] || flow_skip "flow_storm is not built"
trap 'storm_close; flow_cleanup' EXIT
flow_run
