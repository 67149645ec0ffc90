#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The switch behind GMAC0 with its driver, mt7530, unchanged: ports of their own
# and of a bridge, special tags both ways, and flows that leave with such a tag.
# What mtk_fe.sh and mtk_ppe.sh ask of any two ports they ask of these, too.

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

# set by setup_ns
other=

# sw_stat NAME
sw_stat()
{
	cat "$FE/switch/$1"
}

# rx_packets NS DEVICE
rx_packets()
{
	ip netns exec "$1" cat "/sys/class/net/$2/statistics/rx_packets"
}

# tags: how bound entries leave, each way once: port, layers, tag
tags()
{
	sed -n 's/^[0-9]* bind .* \(port [0-9]* layers\)/\1/p' \
		$FE/ppe0/table | sort -u | paste -sd ' '
}

# bound_flow [SERVER]: a UDP flow, both directions of which are bound
bound_flow()
{
	ct -F
	echo 100 > $FE/tick
	ip netns exec "$client" "$mtk_dir/udp_flow.py" "${1-10.0.2.2}" \
		4001:7 600 > /dev/null
	check "bound" "$(ppe_entries bind)" 2
}

test_probe() # the driver finds the switch and its ports
{
	check "driver" "$(basename \
		"$(readlink /sys/bus/mdio_bus/devices/*:1f/driver)")" \
		mt7530-mdio
	check "tag" "$(cat /sys/class/net/eth0/dsa/tagging)" mtk
	check "wires that are left" "$(cd /sys/class/net && echo wire0p[0-9])" \
		"wire0p3 wire0p4"
}

# Packets by the driver, from the counters of the switch
user_packets()
{
	ip -n "$router" -j -s link show dev "$1" | grep -o \
		"\"$2\":{\"bytes\":[0-9]*,\"packets\":[0-9]*" | sed 's/.*://'
}

has_packets()
{
	[ "$(user_packets "$1" rx)" -ge "$2" ] &&
		[ "$(user_packets "$1" tx)" -ge "$3" ]
}

test_counters() # what the switch has counted, by its driver
{
	local rx tx

	rx=$(user_packets lan1 rx)
	tx=$(user_packets lan1 tx)
	check_true "ping" ping_ok "$client" 10.0.1.1
	check_wait "10 each way" 5 has_packets lan1 $((rx + 10)) \
		$((tx + 10))
}

test_apart() # a port hears nothing of what is for another
{
	local before

	before=$(rx_packets "$other" wire0p2)
	check_true "ping" ping_ok "$client" 10.0.2.2
	ip netns exec "$client" ping -q -b -c 5 -i 0.05 -W 1 10.0.1.255 \
		> /dev/null 2>&1
	check "at the other port" \
		$(($(rx_packets "$other" wire0p2) - before)) 0
}

bridge_setup()
{
	ip -n "$router" link add br0 type bridge
	ip -n "$router" link set lan1 master br0
	ip -n "$router" link set lan2 master br0
	ip -n "$router" link set br0 up
}

bridge_cleanup()
{
	ip -n "$router" link set lan1 nomaster
	ip -n "$router" link set lan2 nomaster
	ip -n "$router" link del br0
}

test_bridge() # ports of a bridge reach each other without the CPU
{
	local mac before

	bridge_setup
	ip -n "$other" addr add 10.0.1.3/24 dev wire0p2
	mac=$(ip netns exec "$other" cat /sys/class/net/wire0p2/address)
	ip -n "$client" neigh replace 10.0.1.3 dev "$lan_wire" lladdr "$mac"
	ip -n "$other" neigh replace 10.0.1.2 dev wire0p2 \
		lladdr 02:00:00:00:01:02
	check_wait "ping" 20 ping_ok "$client" 10.0.1.3
	# Of the 10 of them each would come twice.
	before=$(rx_packets "$other" wire0p2)
	check_true "ping again" ping_ok "$client" 10.0.1.3
	check_true "not by the CPU, too" \
		[ $(($(rx_packets "$other" wire0p2) - before)) -lt 20 ]
	ip -n "$other" addr del 10.0.1.3/24 dev wire0p2
	ip -n "$client" neigh del 10.0.1.3 dev "$lan_wire"
	bridge_cleanup
	check_true "no ping" ping_ok "$client" 10.0.1.1
}

test_tag() # an entry has the special tag of the port where it leaves
{
	ruleset routed
	bound_flow
	check "tags" "$(tags)" \
		"port 1 layers 1 tag 0001 0000 port 1 layers 1 tag 0002 0000"
}

test_tag_vlan() # ... together with that of a VLAN
{
	vlan_setup
	ruleset routed
	bound_flow 10.0.3.2
	check "tags" "$(tags)" \
		"port 1 layers 1 tag 0002 0000 port 1 layers 1 tag 0101 000a"
	vlan_cleanup
}

# frame NS DEVICE COMMAND...: the first frame to UDP port 7 that COMMAND sends
frame()
{
	local ns=$1 dev=$2 out

	shift 2
	out=$(mktemp)
	ip netns exec "$ns" "$mtk_dir/wire_frame.py" "$dev" 7 > "$out" &
	busywait 5000 sh -c "ip netns exec $ns cat /proc/net/packet |
		grep -q ' 0003 '"
	"$@" > /dev/null
	wait $!
	cat "$out"
	rm "$out"
}

# send_on: packets of the flow that bound_flow has bound
send_on()
{
	udp_flow 4001:7 20
}

test_wire() # what the PPE sends is at the right wire, without a special tag
{
	local before forward

	ruleset routed
	bound_flow
	before=$(rx_packets "$other" wire0p2)
	forward=$(ppe_stat forward)
	check "frame" "$(frame "$server" "$wan_wire" send_on)" \
		"02:00:00:00:02:02 02:00:00:00:02:01 0800 ttl 63"
	check "by the PPE" $(($(ppe_stat forward) - forward)) 40
	check "at the other port" \
		$(($(rx_packets "$other" wire0p2) - before)) 0
}

# eth1 is no port of the switch: a second way to the server
eth1_setup()
{
	ip link set eth1 netns "$router"
	ip link set wire1 netns "$server"
	host_setup "$router" eth1 4 1
	host_setup "$server" wire1 4 2
	check_wait "carrier" 5 carrier_is "$server" wire1 1
}

test_other_mac() # between a port of the switch and the other MAC
{
	eth1_setup
	wan=eth1 ruleset masquerade
	bound_flow 10.0.4.2
	check "tags" "$(tags)" \
		"port 1 layers 1 tag 0002 0000 port 2 layers 0 tag 0800 0000"
	offloaded "to the server" -c 10.0.4.2
	offloaded "to the client" -c 10.0.4.2 -R
}

ports_setup()
{
	ip link set lan1 netns "$router"
	ip link set wan netns "$router"
	ip link set lan2 netns "$router"
	open_ports
	ip -n "$router" link set lan2 addrgenmode none up
}

test_unbind() # the switch goes while flows are in hardware, and comes back
{
	local driver=/sys/bus/mdio_bus/drivers/mt7530-mdio id

	id=$(cd $driver && echo *:1f)
	ruleset routed
	bound_flow
	echo "$id" > $driver/unbind
	check_wait "entries leave" 5 ppe_entries_are bind 0
	check "ports" "$(ip -n "$router" -br link show type dsa)" ""
	echo "$id" > $driver/bind
	ports_setup
	check_wait "carrier" 5 carriers_are 1
	ruleset routed
	bound_flow
	check "tags" "$(tags)" \
		"port 1 layers 1 tag 0001 0000 port 1 layers 1 tag 0002 0000"
}

test_healthy() # the switch has got nothing that it does not know
{
	check "bad tags" "$(sw_stat bad_tag)" 0
	check "modes" "$(sw_stat unknown)" 0
	check "DMA faults" "$(cat $FE/dma_fault)" 0
	check "lost on transmit" "$(cat $FE/tx_lost)" 0
}

fe_require nft conntrack iperf3 ping python3 ss
has_switch || flow_skip "this SoC has no switch"
trap cleanup EXIT
setup_open
setup_ns other || flow_skip "cannot make netns"
ip link set lan2 netns "$router"
ip link set wire0p2 netns "$other"
ip -n "$router" link set lan2 addrgenmode none up
ip -n "$other" link set wire0p2 up
echo 0 > $FE/tick_ms
udp_server 7
flow_run
