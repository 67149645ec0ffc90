#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: timeout 600
# check: minutes 5
#
# The same conversations through three routers: without a flowtable, with one in
# software, and with hardware that tracks connections. Every frame comes out of
# hardware as it does without, and conntrack knows the same afterwards.
#
# ROUNDS=27	how many of 64 conversations, which is 100,000 packets; SLOW=1:
#		a million; on slow machines 2 and 26
# SEED=1	what happens in round R depends on SEED and R only,
# FIRST=1	so it can be played again alone; what is first

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

FLOW_DIFFERENTIAL=$flow_dir/flow_differential
rounds=27 slow_rounds=2
[ "$SLOW" != 1 ] || rounds=270 slow_rounds=26
[ "$KSFT_MACHINE_SLOW" != yes ] || rounds=$slow_rounds
ROUNDS=${ROUNDS:-$rounds}
SEED=${SEED:-1}
FIRST=${FIRST:-1}

# Of 100 packets so many must be forwarded in hardware: handshakes, what is
# strange and what follows it within 20 ms are not.
FLOOR=60

plain=
soft=
hard=

# rules FLAGS: of a flowtable; none: without
rules()
{
	local table='' add=''

	if [ "$1" != none ]; then
		table="flowtable ft {
			hook ingress priority 0
			devices = { rc, rs }
			counter
			$1
		}"
		add="meta l4proto { tcp, udp } flow add @ft"
	fi
	cat <<-RULES
		table inet fast {
			$table
			chain raw {
				type filter hook prerouting priority raw
				udp dport 9 notrack
			}
			chain forward {
				type filter hook forward priority 0
				udp dport 9 accept
				ct state invalid drop
				$add
			}
			chain pre {
				type nat hook prerouting priority dstnat
				ip daddr 10.0.2.200 tcp dport 80-89 \
					dnat ip to 10.0.2.100:7000
				ip daddr 10.0.2.200 udp dport 80-89 \
					dnat ip to 10.0.2.100:7000
				ip6 daddr 2001:db8:2::200 tcp dport 80-89 \
					dnat ip6 to [2001:db8:2::100]:7000
				ip6 daddr 2001:db8:2::200 udp dport 80-89 \
					dnat ip6 to [2001:db8:2::100]:7000
			}
			chain post {
				type nat hook postrouting priority srcnat
				ip saddr 10.0.1.150 snat ip to 10.0.2.1
				ip6 saddr 2001:db8:1::150 \
					snat ip6 to 2001:db8:2::1
			}
		}
	RULES
}

# router_of NETNS PORT DEVICE FLAGS: between c$PORT and s$PORT
router_of()
{
	local dev net

	router=$1
	nsim_new "$1" $((NSIM_ROUTER + $3)) rc rs || return
	router_setup
	nsim_link "$1" rc "$client" "c$2" || return
	nsim_link "$1" rs "$server" "s$2" || return
	for net in 1 2; do
		dev=rc
		[ $net = 1 ] || dev=rs
		host_setup "$1" $dev $net 1
		neigh_setup "$1" $dev $net 100 2
		neigh_setup "$1" $dev $net 150 2
	done
	ip -n "$1" link set rc mtu 2000
	offloads off "$1" rc rs
	rules "$4" | ip netns exec "$1" nft -f - || return
	ip netns exec "$1" sysctl -wq net.netfilter.nf_conntrack_acct=1 \
		net.netfilter.nf_conntrack_events=1 \
		net.ipv6.auto_flowlabels=0
	timeouts "$1"
}

# timeouts NETNS: no two are the same, and none is over before the test
timeouts()
{
	local name t=1000 args=()

	for name in syn_sent syn_recv fin_wait close_wait last_ack time_wait \
		close max_retrans unacknowledged; do
		args+=("net.netfilter.nf_conntrack_tcp_timeout_$name=$t")
		t=$((t + 100))
	done
	args+=(net.netfilter.nf_conntrack_tcp_timeout_established=5000
		net.netfilter.nf_conntrack_udp_timeout=700
		net.netfilter.nf_conntrack_udp_timeout_stream=800)
	ip netns exec "$1" sysctl -wq "${args[@]}"
}

differential_setup()
{
	local i

	setup_ns client server plain soft hard || flow_skip "cannot make netns"
	nsim_new "$client" $((NSIM_ROUTER + 4)) c0 c1 c2 ||
		flow_skip "no netdevsim"
	nsim_new "$server" $((NSIM_ROUTER + 5)) s0 s1 s2 ||
		flow_skip "no netdevsim"
	for i in 0 1 2; do
		ip -n "$client" link set c$i addrgenmode none mtu 2000 up
		ip -n "$server" link set s$i addrgenmode none up
		offloads off "$client" c$i
		offloads off "$server" s$i
	done
	if ! router_of "$plain" 0 1 none || ! router_of "$soft" 1 2 "" ||
	   ! router_of "$hard" 2 0 "flags offload"; then
		flow_skip "the kernel or nft lacks something"
	fi
	for i in 0 1 2; do
		slowwait 5 carrier_is "$client" c$i 1
	done
}

hits()
{
	ip netns exec "$hard" sh -c 'ethtool -S rc; ethtool -S rs' |
		awk '$1 == "offload_hit:" { n += $2 } END { print n }'
}

said()
{
	sed -n "s/^$1 //p" "$out"
}

test_differential() # hardware does what a router without a flowtable does
{
	local out hit sent share

	out=$(mktemp)
	hit=$(hits)
	"$FLOW_DIFFERENTIAL" client="$client" server="$server" plain="$plain" \
		soft="$soft" hard="$hard" \
		debugfs="$FLOW_DEBUGFS" seed="$SEED" first="$FIRST" \
		rounds="$ROUNDS" conv="${CONV:--1}" \
		repeat="${REPEAT:-$0}" > "$out"
	check "exit code" $? 0
	sed 's/^\([^#]\)/# \1/' "$out"
	hit=$(($(hits) - hit))
	sent=$(said sent)
	share=$((hit * 100 / sent))
	rm "$out"
	ktap_print_msg "$sent packets, $share % in hardware"
	check_true "enough of them" [ "$share" -ge $FLOOR ]
}

flow_cleanup_devices()
{
	local i

	for i in 4 5 0 1 2; do
		nsim_del $((NSIM_ROUTER + i))
	done
}

flow_require nft ethtool conntrack
[ -x "$FLOW_DIFFERENTIAL" ] || flow_skip "flow_differential is not built"
differential_setup
flow_knob mode track || flow_skip "netdevsim does not track connections"
router=$hard
hw_tc_offload on rc rs
flow_run
