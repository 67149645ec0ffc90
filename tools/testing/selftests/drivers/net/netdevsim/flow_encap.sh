#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections through the flow table of a switch ASIC that leave in VLANs or in
# PPPoE sessions, those of GRE, and those that leave where they came in.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000

# vlan DEV LINK ID NET [OPTIONS]: a VLAN with the server's side of net NET
vlan()
{
	ip -n "$router" link show "$1" > /dev/null 2>&1 && return
	ip -n "$router" link add link "$2" name "$1" type vlan id "$3" "${@:5}"
	way_out "$1" "$4"
}

# way_out DEV NET: the server's side of 10.0.NET.0/24 is behind DEV
way_out()
{
	local dev=$1 net=$2

	ip -n "$router" link set "$dev" up
	ip -n "$router" addr add "10.0.$net.1/24" dev "$dev"
	ip -n "$router" addr add "2001:db8:$net::1/64" dev "$dev" nodad
	ip -n "$router" neigh replace "10.0.$net.100" dev "$dev" \
		lladdr $MAC_SERVER nud permanent
	ip -n "$router" neigh replace "2001:db8:$net::100" dev "$dev" \
		lladdr $MAC_SERVER nud permanent
}

# encap FAMILY PROTO NET KEY...: a connection from the client to net NET, where
# its frames have these keys, in hardware; and what its IP packets weigh
encap()
{
	local family=$1 proto=$2 net=$3

	shift 3
	read -ra fwd <<< "src=$(addr_of "$family" 1 100) \
		dst=$(addr_of "$family" "$net" 100) \
		proto=$proto sport=$SPORT dport=$DPORT ${*/#/x}"
	read -ra rev <<< "src=$(addr_of "$family" "$net" 100) \
		dst=$(addr_of "$family" 1 100) \
		proto=$proto sport=$DPORT dport=$SPORT $* xvlan=0 xpppoe=0"
	flow_flush
	flow_ruleset "rc, rs"
	open_flow "$proto"
	check "IPv$family $proto in hardware" "$(wait_offload 1)" ""
	bytes=$((64 + 8 + 20 * (family / 2 - 1)))
	[ "$proto" = tcp ] || return 0
	fwd+=(seq=13 ack=13)
	bytes=$((bytes + 12))
}

# out NET OVERHEAD SHOWN KEY...: all frames to net NET, OVERHEAD bytes longer
# there, leave in hardware, where the entry is SHOWN so
out()
{
	local net=$1 overhead=$2 shown=$3 family proto fwd rev bytes

	shift 3
	for family in 4 6; do
		for proto in udp tcp; do
			encap $family $proto "$net" "$@"
			snap
			check "IPv$family $proto" \
				"$(frames "${fwd[@]}" n=$N)" "$(got)"
			check_deltas rc.hit=$N rc.hit_bytes=$((N * bytes)) \
				rs.tx=$N rc.rx=$N \
				rs.tx_bytes=$((N * (bytes + 14 + overhead)))
			check_true "entry" grep -q " $shown " \
				"$FLOW_DEBUGFS/entries"
		done
	done
}

# back NET OVERHEAD SHOWN KEY...: ... and those from there too
back()
{
	local net=$1 overhead=$2 shown=$3 family proto fwd rev bytes

	shift 3
	for family in 4 6; do
		for proto in udp tcp; do
			encap $family $proto "$net" "$@"
			snap
			check "IPv$family $proto" \
				"$(frames_back "${rev[@]}" n=$N)" "$(got)"
			check_deltas rs.hit=$N rs.hit_bytes=$((N * bytes)) \
				rs.rx=$N rc.tx=$N \
				rs.rx_bytes=$((N * (bytes + overhead))) \
				rc.tx_bytes=$((N * (bytes + 14)))
			check_true "entry" grep -q " $shown " \
				"$FLOW_DEBUGFS/entries"
		done
	done
}

test_vlan_out() # from no VLAN into one
{
	vlan rs.10 rs 10 4
	out 4 4 vlan_push=10 vlan=10
}

test_vlan_back() # from a VLAN into none
{
	vlan rs.10 rs 10 4
	back 4 4 "vlan=10 .* vlan_pop=1" vlan=10
}

test_qinq_out() # from no VLAN into a VLAN in a VLAN
{
	vlan rs.10 rs 10 4
	vlan rs.10.20 rs.10 20 5
	out 5 8 "vlan_push=10 vlan_push=20" vlan=10.20
}

test_qinq_back() # from a VLAN in a VLAN into none
{
	vlan rs.10 rs 10 4
	vlan rs.10.20 rs.10 20 5
	back 5 8 "vlan=10 vlan=20 .* vlan_pop=2" vlan=10.20
}

# What the core has no words for it must keep to itself: half a rule would be
# worse than none.
test_qinq_ad() # a flow with an 802.1ad tag stays in software
{
	local fwd rev replace refused

	vlan rs.30 rs 30 6 protocol 802.1ad
	read -ra fwd <<< "src=10.0.1.100 dst=10.0.6.100 sport=$SPORT \
		dport=$DPORT xvlan=30 xad"
	read -ra rev <<< "src=10.0.6.100 dst=10.0.1.100 sport=$DPORT \
		dport=$SPORT vlan=30 ad xvlan=0"
	flow_flush
	flow_ruleset "rc, rs"
	replace=$(flow_counter replace)
	refused=$(flow_counter replace_refused)
	open_flow udp
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.punt_miss=$N punted.packets=$N soft.packets=$N
	# An add that is queued has run before one that is queued later.
	check "IPv4 udp in hardware" "$(offload_flow 4 udp 4001 5001)" ""
	check "offered" "$(flow_counter replace)" $((replace + 2))
	check "refused" "$(flow_counter replace_refused)" "$refused"
}

# A router on a stick: in and out by one port, from net to net.
test_hairpin() # out by the port that a packet came in by
{
	local fwd rev

	ip netns exec "$router" sysctl -wq net.ipv4.conf.rc.send_redirects=0
	ip -n "$router" addr add 10.0.7.1/24 dev rc
	ip -n "$router" neigh replace 10.0.7.100 dev rc lladdr $MAC_CLIENT \
		nud permanent
	read -ra fwd <<< "tx=$client:c0 rx=$client:c0 smac=$MAC_CLIENT \
		dmac=$MAC_RC xsmac=$MAC_RC xdmac=$MAC_CLIENT xttl=63 \
		src=10.0.1.100 dst=10.0.7.100 sport=$SPORT dport=$DPORT"
	read -ra rev <<< "${fwd[*]} src=10.0.7.100 dst=10.0.1.100 \
		sport=$DPORT dport=$SPORT"
	flow_flush
	flow_ruleset "rc, rs"
	"$FLOW_FRAMES" "${fwd[@]}" -- "${rev[@]}" > /dev/null
	check "in hardware" "$(wait_offload 1)" ""
	snap
	check "frames" "$("$FLOW_FRAMES" "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.hit=$N rc.tx=$N rc.rx=$N rc.mac_rx_packets=$N \
		rc.mac_tx_packets=$N
}

# Conntrack knows it by its addresses, and by keys that this GRE has not.
test_gre() # GRE without ports; PPTP's is not for hardware
{
	local family fwd rev

	for family in 4 6; do
		read -ra fwd <<< "$(fwd_args $family gre 0 0)"
		read -ra rev <<< "$(rev_args $family gre 0 0)"
		flow_flush
		flow_ruleset "rc, rs"
		ip netns exec "$router" nft "insert rule inet fast forward \
			meta l4proto gre counter name slow flow add @ft"
		open_flow gre
		check "IPv$family in hardware" "$(wait_offload 1)" ""
		check "IPv$family entries" \
			"$(grep -c ' proto=gre ' "$FLOW_DEBUGFS/entries")" 2
		snap
		check "IPv$family" "$(frames "${fwd[@]}" n=$N)" "$(got)"
		check_deltas rc.hit=$N rs.tx=$N rc.rx=$N
		snap
		frames "${fwd[@]}" n=$N version=1 any > /dev/null
		check_deltas rc.punt_proto=$N slow.packets=any soft.packets=any
	done
}

# pppoe_open NS DEV MAC: a session with that station, ppp0 in NS
pppoe_open()
{
	sleep 1000 | "$flow_dir/flow_pppoe" "$@" 7 > /dev/null &
	PPPOE+=($!)
	check_wait "session" 10 ip -n "$1" link show ppp0
	ip -n "$1" link set ppp0 mtu 1492 up
}

pppoe_router()
{
	ip -n "$router" link show ppp0 > /dev/null 2>&1 && return
	pppoe_open "$router" rs $MAC_SERVER
	ip -n "$router" addr add 10.0.8.1/24 dev ppp0
	ip -n "$router" addr add 2001:db8:8::1/64 dev ppp0 nodad
}

pppoe_close()
{
	[ ${#PPPOE[@]} = 0 ] || kill "${PPPOE[@]}"
}

test_pppoe_out() # into a PPPoE session
{
	local fwd rev

	pppoe_router
	out 8 8 pppoe_push=7 pppoe=7
	# Longer than what PPPoE leaves of the MTU of the port.
	encap 4 udp 8 pppoe=7
	snap
	check "fits" "$(frames "${fwd[@]}" n=$N len=1464)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N rc.rx=$N
	snap
	frames "${fwd[@]}" n=$N len=1465 any > /dev/null
	check_deltas rc.punt_mtu=$N punted.packets=$N slow.packets=any \
		soft.packets=any
}

test_pppoe_neigh() # it does not matter to flows who else is behind a session
{
	local destroy

	pppoe_router
	encap 4 udp 8 pppoe=7
	destroy=$(flow_counter destroy)
	ip -n "$router" neigh replace 2001:db8:8::9 dev ppp0 nud noarp
	ip -n "$router" neigh del 2001:db8:8::9 dev ppp0
	check "neighbour" $? 0
	# The search for flows that lead nowhere takes a tenth of a second.
	check "leaves hardware" "$(slowwait 2 until_counter_is "!= $destroy" \
		flow_counter destroy > /dev/null && echo yes)" ""
	snap
	check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)"
	check_deltas rc.hit=$N rs.tx=$N rc.rx=$N
}

# The server has the other end of the session here, for its TCP to answer.
test_pppoe_gso() # GSO frames are segmented for PPPoE, and none is lost
{
	pppoe_router
	pppoe_open "$server" s0 $MAC_RS
	ip -n "$server" addr add 10.0.8.2/24 dev ppp0
	ip -n "$server" route replace 10.0.1.0/24 dev ppp0
	offloads on "$client" c0
	offloads on "$router" rc rs
	offloads on "$server" s0
	flow_flush
	flow_ruleset "rc, rs"
	session_open proto=tcp dst=10.0.8.2 port=$DPORT
	check "warm up" "$(session send 1000)" "ok 1000"
	check "in hardware" "$(wait_offload 1)" ""
	snap
	check "send" "$(session send 3000000)" "ok 3000000"
	look
	check_true "hits" [ "$(delta rc.hit)" -gt 0 ]
	check_true "segments" [ "$(delta rs.tx)" -gt "$(delta rc.hit)" ]
	check "drops" "$(delta rs.drop_xmit) $(delta rs.drop_egress_full)" "0 0"
	session_close
	offloads off "$client" c0
	offloads off "$router" rc rs
	offloads off "$server" s0
	ip -n "$server" route del 10.0.1.0/24
}

test_pppoe_back() # out of a PPPoE session
{
	pppoe_router
	back 8 8 "pppoe=7 .* pppoe_pop" pppoe=7
}

# The core offers a rule to all ports; this one leads to another ASIC.
test_other_asic() # out by a port of another device: refused
{
	local fwd rev mac

	nsim_new "$router" $((NSIM_ROUTER + 3)) o0
	mac=$(ip netns exec "$router" cat /sys/class/net/o0/address)
	setup_ns third
	nsim_new "$third" $((NSIM_ROUTER + 4)) t0
	nsim_link "$third" t0 "$router" o0
	ip -n "$third" link set t0 up
	ip netns exec "$router" ethtool -K o0 hw-tc-offload on
	way_out o0 9
	read -ra fwd <<< "src=10.0.1.100 dst=10.0.9.100 sport=$SPORT \
		dport=$DPORT any"
	read -ra rev <<< "src=10.0.9.100 dst=10.0.1.100 sport=$DPORT \
		dport=$SPORT any"
	flow_flush
	flow_ruleset "rc, rs, o0"
	frames "${fwd[@]}" rx="$third:t0" -- tx="$third:t0" rx="$client:c0" \
		smac=$MAC_SERVER dmac="$mac" "${rev[@]}" > /dev/null
	check_wait "refused" 5 refusal_is egress \
		"egress is not a port of the ingress device"
	check "entries" "$(flow_counter entries)" 0
	nsim_del $((NSIM_ROUTER + 3))
	nsim_del $((NSIM_ROUTER + 4))
}

PPPOE=()
flow_require nft ethtool conntrack
trap 'pppoe_close; nsim_del $((NSIM_ROUTER + 4)); flow_cleanup' EXIT
flow_setup rc rs
hw_tc_offload on rc rs
flow_run
