# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The driver mtk_eth_soc on the model of its hardware: topology, rulesets,
# counters. Sourced; KSFT is the directory of the kselftests.
#
#   client              router: the MACs of the SoC              server
#   wire0 10.0.1.2 ---- eth0 10.0.1.1        eth1 10.0.2.1 ---- wire1 10.0.2.2
#         2001:db8:1::2      ...1::1              ...2::1             ...2::2

mtk_dir=$(dirname "$(readlink -e "${BASH_SOURCE[0]}")")
# shellcheck source=/dev/null
source "$KSFT/net/lib.sh"
# shellcheck source=/dev/null
source "$KSFT/kselftest/ktap_helpers.sh"

FE=/sys/kernel/debug/mtk_fe
COMPATIBLE=/sys/firmware/devicetree/base/compatible
IPERF_SECONDS=${IPERF_SECONDS:-4}

# set by setup
client=
router=
server=

fe_skip()
{
	ktap_print_header
	ktap_skip_all "$1"
	exit "$KSFT_SKIP"
}

fe_require()
{
	local tool

	[ "$(id -u)" = 0 ] || fe_skip "needs root"
	for tool; do
		command -v "$tool" > /dev/null || fe_skip "needs $tool"
	done
	modprobe mtk_fe || fe_skip "needs the model, see GUEST=mtk"
	modprobe mtk_eth || fe_skip "needs mtk_eth_soc"
}

# soc_is NAME
soc_is()
{
	tr '\0' '\n' < $COMPATIBLE | grep -q "^mediatek,$1"
}

# On what has two PPEs the driver looks for the ingress port in the first
# netns, wherever the port is: there the router is that netns.
setup_router()
{
	if soc_is mt7986; then
		router=router_init
		ip netns attach "$router" 1
	else
		setup_ns router
		ip link set eth0 netns "$router"
		ip link set eth1 netns "$router"
	fi
}

# host_setup NS DEV NET HOST [MAC]: addresses of one end of a wire
host_setup()
{
	local ns=$1 dev=$2 net=$3 host=$4 mac=02:00:00:00:0$3:0$4

	ip netns exec "$ns" sysctl -wq "net.ipv6.conf.$dev.accept_dad=0" \
		"net.ipv6.conf.$dev.accept_ra=0" \
		"net.ipv6.conf.$dev.router_solicitations=0"
	ip -n "$ns" link set "$dev" address "$mac" up
	ip -n "$ns" addr add "10.0.$net.$host/24" dev "$dev"
	ip -n "$ns" addr add "2001:db8:$net::$host/64" dev "$dev" nodad
}

end_setup()
{
	local ns=$1 dev=$2 net=$3

	ip link set "$dev" netns "$ns"
	host_setup "$ns" "$dev" "$net" 2
	ip -n "$ns" route add default via "10.0.$net.1"
	ip -n "$ns" route add default via "2001:db8:$net::1"
}

setup()
{
	setup_ns client server || fe_skip "cannot make netns"
	setup_router || fe_skip "cannot make netns"
	ip netns exec "$router" sysctl -wq net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	end_setup "$client" wire0 1
	end_setup "$server" wire1 2
}

carrier_is()
{
	[ "$(ip netns exec "$1" cat "/sys/class/net/$2/carrier")" = "$3" ]
} 2> /dev/null

# The far ends of both wires
wires_are()
{
	carrier_is "$client" wire0 "$1" && carrier_is "$server" wire1 "$1"
}

# Both ends of both wires
carriers_are()
{
	wires_are "$1" && carrier_is "$router" eth0 "$1" &&
		carrier_is "$router" eth1 "$1"
}

# check WHAT GOT WANTED
check()
{
	[ "$2" = "$3" ] && return
	echo "# $1: got '$2', wanted '$3'"
	RET=$KSFT_FAIL
}

# check_true WHAT COMMAND...
check_true()
{
	local what=$1

	shift
	"$@" && return
	echo "# $what: failed: $*"
	RET=$KSFT_FAIL
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
			"cat /sys/class/net/wire[01]/statistics/rx_packets")))
	done
	echo $n
}

# ruleset routed|masquerade
ruleset()
{
	ip netns exec "$router" nft -f - <<-RULES
		flush ruleset
		table inet fe {
			flowtable ft {
				hook ingress priority 0
				devices = { eth0, eth1 }
				counter
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
			oifname eth1 masquerade
		}
	RULES
}

cleanup()
{
	kill %% 2> /dev/null
	cleanup_all_ns
}

# fe_run: every function test_* of the script, in its order, or those in
# $TESTS. What stands behind its name is its description.
fe_run()
{
	local line tests=()

	while read -r line; do
		[[ " ${TESTS:-${line%% *}} " == *" ${line%% *} "* ]] &&
			tests+=("$line")
	done < <(sed -n 's/^\(test_[a-z0-9_]*\)() *# *\(.*\)/\1 \2/p' "$0")

	ktap_print_header
	ktap_set_plan ${#tests[@]}
	for line in "${tests[@]}"; do
		RET=$KSFT_PASS
		"${line%% *}"
		case $RET in
		"$KSFT_PASS") ktap_test_pass "${line#* }" ;;
		"$KSFT_SKIP") ktap_test_skip "${line#* }" ;;
		*) ktap_test_fail "${line#* }" ;;
		esac
	done
	ktap_finished
}
