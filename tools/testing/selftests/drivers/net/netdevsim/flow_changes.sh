# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What flow_random.sh does to a router under traffic: rules, limits and faults
# that change, ports and devices that go. Sourced, after flow_lib.sh.
#
# The round is the caller's, and so are draw, any, want, no_orphans and breathe.
# Changes read and write of it: members (what is in the flowtable), port and
# port_net (the port that goes), nat, connections, paired (both ports are in the
# flowtable all the time), reopen (storm lost its ports), lost (another table).

# shellcheck disable=SC2034,SC2154 # see above

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

#
# What can happen in a round that counts every frame
#

do_reload()
{
	no_orphans flowtable ruleset_fast && members="rc rs"
}

# members: what is in the flowtable, nothing if there is none
do_delete_flowtable()
{
	[ -n "$members" ] || do_reload || return
	members=
	no_orphans flowtable router_sh nft \
		"flush chain inet fast forward; delete flowtable inet fast ft"
}

do_remove_device()
{
	any rc rs
	[[ "$members" == *$drawn* ]] || do_reload || return
	members=${members/$drawn} paired=0
	no_orphans device router_sh nft \
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
	local udp

	any 1 1 2 30
	udp=$drawn
	any 1 1 2 30
	router_sh sysctl -wq net.netfilter.nf_flowtable_udp_timeout="$udp" \
		net.netfilter.nf_flowtable_tcp_timeout="$drawn"
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

do_mode()
{
	[ ! -e "$FLOW_DEBUGFS/mode" ] || knob mode track punt track timer
}

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
	del_delay queue_len disable mode mode)

#
# What can end a round that does not. Those that take counters, ports or more
# with them.
#

end_flush()
{
	members=
	no_orphans flowtable router_sh nft flush ruleset
}

end_rename()
{
	paired=0
	no_orphans rename ip -n "$router" link set "$port" name moved0 ||
		return
	breathe
	ip -n "$router" link set moved0 name "$port"
}

end_ifdown()
{
	no_orphans port ip -n "$router" link set "$port" down || return
	breathe
	ip -n "$router" link set "$port" up
	dress
}

end_netns()
{
	paired=0
	no_orphans port ip -n "$router" link set "$port" netns "$client" ||
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
	no_orphans port eval "echo $index > $dir/del_port" || return
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
	no_orphans port router_sh \
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

# The device moves to the first netns, with all that is in its table.
end_netns_exit()
{
	storm leave
	ip netns del "$router" || return
	slowwait 60 netns_is_gone "$router" || return
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
	flow_ft_stays ||
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
