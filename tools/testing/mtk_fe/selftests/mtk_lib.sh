# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The driver mtk_eth_soc on the model of its hardware: topology, rulesets,
# counters. Sourced; KSFT is the directory of the kselftests, whose flow_lib.sh
# has the rest.
#
#   client              router: the MACs of the SoC              server
#   wire0 10.0.1.2 ---- eth0 10.0.1.1        eth1 10.0.2.1 ---- wire1 10.0.2.2
#         2001:db8:1::2      ...1::1              ...2::1             ...2::2
#
# Where the SoC has its switch, lan1 and wan are the ports of the router, with
# wire0p1 and wire0p0.

mtk_dir=$(dirname "$(readlink -e "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR/../../selftests/drivers/net/netdevsim
# shellcheck source=flow_lib.sh
source "$KSFT/drivers/net/netdevsim/flow_lib.sh"

FE=/sys/kernel/debug/mtk_fe
COMPATIBLE=/sys/firmware/devicetree/base/compatible
DRIVER=/sys/bus/platform/drivers/mtk_soc_eth
IPERF_SECONDS=${IPERF_SECONDS:-4}
MAC_CLIENT=02:00:00:00:01:02
MAC_SERVER=02:00:00:00:02:02

has_switch()
{
	compgen -G "${COMPATIBLE%/*}/soc@*/ethernet@*/mdio-bus/switch@*" \
		> /dev/null
}

# Ports of the router, and the far ends of their wires
if has_switch; then
	lan=lan1 lan_wire=wire0p1
	wan=wan wan_wire=wire0p0
else
	lan=eth0 lan_wire=wire0
	wan=eth1 wan_wire=wire1
fi

# fe_require TOOL...: these, the model and the drivers; BEFORE_SWITCH is a
# command between that of the MACs and that of the switch
fe_require()
{
	local tool

	[ "$(id -u)" = 0 ] || flow_skip "needs root"
	for tool; do
		command -v "$tool" > /dev/null || flow_skip "needs $tool"
	done
	modprobe mtk_fe || flow_skip "needs the model, see GUEST=mtk"
	modprobe mtk_eth || flow_skip "needs mtk_eth_soc"
	has_switch || return 0
	${BEFORE_SWITCH-}
	modprobe -a tag_mtk mt7530-mdio || flow_skip "needs mt7530"
	# What the conduit sends by itself has no tag.
	ip link set eth0 addrgenmode none
}

# soc_is NAME
soc_is()
{
	tr '\0' '\n' < $COMPATIBLE | grep -q "^mediatek,$1"
}

end_setup()
{
	local ns=$1 dev=$2 net=$3

	ip link set "$dev" netns "$ns"
	host_setup "$ns" "$dev" "$net" 2
	ip -n "$ns" route add default via "10.0.$net.1"
	ip -n "$ns" route add default via "2001:db8:$net::1"
}

# knob NAME VALUE: a switch of the model
knob()
{
	echo "$2" > "$FE/$1"
}

# with_knob NAME VALUE COMMAND...: meanwhile
with_knob()
{
	local name=$1 before ret

	before=$(cat "$FE/$name")
	knob "$name" "$2"
	shift 2
	"$@"
	ret=$?
	knob "$name" "$before"
	return $ret
}

# reg OFFSET [VALUE]: a register of the frame engine, as the driver would
reg()
{
	knob reg_offset "$1"
	if [ $# = 1 ]; then
		cat $FE/reg
	else
		knob reg "$2"
	fi
}

# Where the registers of each PPE begin
ppe_bases()
{
	if soc_is mt7986; then
		echo 0x2000 0x2400
	else
		echo 0x0c00
	fi
}

# SWITCHES="NAME=VALUE ...": how they stand for all tests that leave them alone
set_switches()
{
	local switch

	for switch in $SWITCHES; do
		knob "${switch%%=*}" "${switch#*=}" ||
			flow_skip "the model has no switch $switch"
	done
}

# The ports from the first netns into one of their own
setup_router()
{
	setup_ns router || flow_skip "cannot make netns"
	ip link set "$lan" netns "$router"
	ip link set "$wan" netns "$router"
	ip netns exec "$router" sysctl -wq net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
}

open_ports()
{
	host_setup "$router" "$lan" 1 1
	host_setup "$router" "$wan" 2 1
}

setup()
{
	set_switches
	setup_ns client server || flow_skip "cannot make netns"
	setup_router
	end_setup "$client" "$lan_wire" 1
	end_setup "$server" "$wan_wire" 2
}

# ... with both ports of the router in use
setup_open()
{
	setup
	open_ports
	slowwait 5 carriers_are 1 > /dev/null || flow_skip "no carrier"
}

# The far ends of both wires
wires_are()
{
	carrier_is "$client" "$lan_wire" "$1" &&
		carrier_is "$server" "$wan_wire" "$1"
}

# Both ends of both wires
carriers_are()
{
	wires_are "$1" && carrier_is "$router" "$lan" "$1" &&
		carrier_is "$router" "$wan" "$1"
}

ping_ok()
{
	ip netns exec "$1" ping -q -i 0.05 -c 10 -W 2 "$2" > /dev/null 2>&1
}

# iperf_server, then iperf ARG...: megabits per second from client to server
iperf_server()
{
	ip netns exec "$server" iperf3 -s -1 -D --logfile /dev/null
	busywait 5000 sh -c "ip netns exec $server ss -Hltn | grep -q :5201"
}

iperf()
{
	iperf_server
	ip netns exec "$client" iperf3 -J -t "$IPERF_SECONDS" "$@" |
		awk '/bits_per_second/ { bps = $2 }
			END { printf "%d\n", bps / 1e6 }'
}

# udp_server PORT, then udp_flow PORT ECHOED [SIZE COUNT]: see udp_flow.py
udp_server()
{
	ip netns exec "$server" "$mtk_dir/udp_flow.py" serve "$1" &
	busywait 5000 sh -c "ip netns exec $server ss -Hlun | grep -q :$1"
}

udp_flow()
{
	ip netns exec "$client" "$mtk_dir/udp_flow.py" 10.0.2.2 "$@"
}

# ppe_stat NAME: of all PPEs
ppe_stat()
{
	cat $FE/ppe*/stats | awk -v name="$1" '$1 == name { sum += $2 }
		END { print sum + 0 }'
}

# count NAME COMMAND...: how much a statistic grows meanwhile
count()
{
	local name=$1 before

	shift
	before=$(ppe_stat "$name")
	"$@" > /dev/null
	echo $(($(ppe_stat "$name") - before))
}

forwards_more()
{
	[ "$(ppe_stat forward)" -gt "$1" ]
}

# ppe_entries STATE: how many
ppe_entries()
{
	cat $FE/ppe*/table | grep -c "^[0-9]* $1 "
}

ppe_entries_are()
{
	[ "$(ppe_entries "$1")" = "$2" ]
}

# Packets that have come out at both far ends
came_out()
{
	local n=0 ns

	for ns in "$client" "$server"; do
		n=$((n + $(ip netns exec "$ns" sh -c \
			"cat /sys/class/net/wire*/statistics/rx_packets" |
			paste -sd +)))
	done
	echo $n
}

# ct COMMAND...: conntrack in the router
ct()
{
	ip netns exec "$router" conntrack "$@" 2> /dev/null
}

# ct_sum packets|bytes: of the UDP connections, both directions
ct_sum()
{
	ct -L -p udp | grep -o "$1=[0-9]*" | cut -d = -f 2 |
		awk '{ sum += $1 } END { print sum + 0 }'
}

ct_sum_is()
{
	[ "$(ct_sum "$1")" = "$2" ]
}

ct_sum_is_over()
{
	[ "$(ct_sum "$1")" -gt "$2" ]
}

has_no_mib()
{
	soc_is mt7621 && skip "has no MIB"
}

# [COUNTER=] ruleset routed|masquerade: with COUNTER= it counts nothing
ruleset()
{
	ip netns exec "$router" nft -f - <<-RULES
		flush ruleset
		table inet fe {
			flowtable ft {
				hook ingress priority 0
				devices = { $lan, $wan }
				${COUNTER-counter}
				flags offload
			}
			chain forward {
				type filter hook forward priority 0
				meta l4proto { tcp, udp } flow add @ft
			}
			$("$1")
		}
	RULES
}

routed() { :; }

masquerade()
{
	cat <<-RULES
		chain post {
			type nat hook postrouting priority 100
			oifname $wan masquerade
		}
	RULES
}

# iperf3 that has to arrive: NAME ARG...
iperf_check()
{
	local name=$1 mbps

	shift
	mbps=$(iperf "$@")
	echo "# $name: ${mbps:-no} Mbit/s"
	check_true "$name" [ "${mbps:-0}" -gt 0 ]
}

# offloaded NAME ARG...: iperf3 through the router, and who forwarded it
offloaded()
{
	local name=$1 forward out

	shift
	forward=$(ppe_stat forward)
	out=$(came_out)
	iperf_check "$name" "$@"
	forward=$(($(ppe_stat forward) - forward))
	out=$(($(came_out) - out))
	echo "# $name: $forward of $out packets by the PPE"
	check_true "$name: packets came out" [ "$out" -gt 1000 ]
	check_true "$name: 95 % by the PPE" \
		[ $((forward * 100)) -ge $((out * 95)) ]
}

# A second network on the wire of "$wan", with a tag
vlan_setup()
{
	ip -n "$router" link add link "$wan" name tag1 type vlan id 10
	ip -n "$server" link add link "$wan_wire" name tag1w type vlan id 10
	host_setup "$router" tag1 3 1
	host_setup "$server" tag1w 3 2
	ip -n "$server" route add 10.0.1.0/24 via 10.0.3.1
	ip -n "$server" route add 2001:db8:1::/64 via 2001:db8:3::1
}

vlan_cleanup()
{
	ip -n "$server" link del tag1w
	ip -n "$router" link del tag1
}

# Both ends in one network, and the router's ports in a bridge
bridge_setup()
{
	ip -n "$server" addr add 10.0.1.3/24 dev "$wan_wire"
	ip -n "$router" link add br0 type bridge
	ip -n "$router" link set "$lan" master br0
	ip -n "$router" link set "$wan" master br0
	ip -n "$router" link set br0 up
	slowwait 10 ping_ok "$client" 10.0.1.3 > /dev/null ||
		flow_skip "no ping through the bridge"
}

router_tc()
{
	ip netns exec "$router" tc "$@"
}

# What goes from client to server, by one filter
filter_add()
{
	router_tc qdisc add dev "$lan" clsact
	router_tc filter add dev "$lan" ingress protocol all pref 1 handle 1 \
		flower skip_sw indev "$lan" src_mac $MAC_CLIENT \
		dst_mac $MAC_SERVER action mirred egress redirect dev "$wan"
}

# bridge_send SPORT COUNT: to the server, which does not send them back
bridge_send()
{
	ip netns exec "$client" "$mtk_dir/udp_flow.py" 10.0.1.3 "$1:7" 0 200 \
		"$2" > /dev/null
}

filter_del()
{
	router_tc qdisc del dev "$lan" clsact
}

# driver_unbind, then driver_bind: the driver of the MACs
driver_unbind()
{
	mac_device=$(basename "$(readlink -f $DRIVER/*.ethernet)")
	echo "$mac_device" > $DRIVER/unbind
}

driver_bind()
{
	echo "$mac_device" > $DRIVER/bind
}

cleanup()
{
	kill %% 2> /dev/null
	cleanup_all_ns
}
