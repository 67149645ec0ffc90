# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Flow offload of netdevsim: topology, rulesets, counters. Sourced.
#
#   client            router: two (three) ports of one ASIC           server
#   c0 10.0.1.2 ----- rc 10.0.1.1            rs 10.0.2.1 ----- s0 10.0.2.2
#      2001:db8:1::2     ...1::1                ...2::1           ...2::2
#                                r3 10.0.3.1
#                                   |
#                                t0 10.0.3.2  third
#
# The routers of the test frames know the neighbours 10.0.x.100 and ::100 as
# well: nobody owns these addresses, so no stack answers what is sent to them.

flow_dir=$(dirname "$(readlink -e "${BASH_SOURCE[0]}")")
# shellcheck source=/dev/null
source "$flow_dir/../../../net/lib.sh"
# shellcheck source=/dev/null
source "$flow_dir/../../../kselftest/ktap_helpers.sh"

# slowwait SEC CONDITION...: prints what the condition says, and "timeout" if it
# says nothing and did not come true. So $(slowwait ...) tells both.
slowwait()
{
	local sec=$1 said ret

	[ "$KSFT_MACHINE_SLOW" != yes ] || sec=$((sec * 6))
	shift
	said=$(loopy_wait "sleep 0.1" $((sec * 1000)) "$@")
	ret=$?
	[ $ret = 0 ] || said=${said:-timeout}
	echo -n "$said"
	return $ret
}

NSIM_BUS=/sys/bus/netdevsim
NSIM_ROUTER=$((RANDOM % 1000 * 8 + 1024))
NSIM_DEBUGFS=/sys/kernel/debug/netdevsim
FLOW_DEBUGFS=$NSIM_DEBUGFS/netdevsim$NSIM_ROUTER/flow
FLOW_FRAMES=$flow_dir/flow_frames
FLOW_SESSION=$flow_dir/flow_session

# MAC addresses: 02:00:00:00:NET:HOST
MAC_CLIENT=02:00:00:00:01:02
MAC_RC=02:00:00:00:01:01
MAC_SERVER=02:00:00:00:02:02
MAC_RS=02:00:00:00:02:01
# shellcheck disable=SC2034 # for the tests
MAC_THIRD=02:00:00:00:03:02
# shellcheck disable=SC2034
MAC_R3=02:00:00:00:03:01

# set by setup_ns
client=
router=
server=
third=

declare -A BEFORE NOW

DEL_QUEUE=/sys/devices/virtual/workqueue/nf_ft_offload_del/max_active
# What it was before slow_removal
DEL_WORKERS=

flow_skip()
{
	ktap_print_header
	ktap_skip_all "$1"
	exit "$KSFT_SKIP"
}

# flow_require TOOL...: or skip
flow_require()
{
	local tool

	[ "$(id -u)" = 0 ] || flow_skip "needs root"
	for tool; do
		command -v "$tool" > /dev/null || flow_skip "needs $tool"
	done
	[ -x "$FLOW_FRAMES" ] || flow_skip "flow_frames is not built"
	[ -x "$FLOW_SESSION" ] || flow_skip "flow_session is not built"
	modprobe netdevsim 2> /dev/null
	[ -w "$NSIM_BUS/link_device" ] || flow_skip "needs netdevsim"
	mountpoint -q /sys/kernel/debug ||
		mount -t debugfs none /sys/kernel/debug 2> /dev/null
	trap flow_cleanup EXIT
}

# Netdevs of a device, port 0 first: they are made in this order.
nsim_netdevs()
{
	local ns=$1 id=$2

	ip netns exec "$ns" sh -c "
		cd $NSIM_BUS/devices/netdevsim$id/net &&
		grep -H . */ifindex" | sort -t : -k 2 -n | cut -d / -f 1
}

nsim_new()
{
	local ns=$1 id=$2; shift 2
	local dev

	ip netns exec "$ns" sh -c "echo $id $# > $NSIM_BUS/new_device" ||
		return
	# Whoever renames netdevs shall be done with it.
	command -v udevadm > /dev/null && udevadm settle 2> /dev/null
	for dev in $(nsim_netdevs "$ns" "$id"); do
		ip -n "$ns" link set "$dev" name "$1" || return
		shift
	done
}

# netns_is_gone NS: the router's device moves to the first netns then
netns_is_gone()
{
	! ip netns list | grep -q "$1" && [ "$(devlink dev show |
		grep -c "netdevsim/netdevsim$NSIM_ROUTER\$")" = 1 ]
}

# flow_ft_stays: it is built in, or nf_flow_table stands on it
flow_ft_stays()
{
	[ ! -e /sys/module/flow_ft/initstate ] ||
		[ -e /sys/module/flow_ft/holders/nf_flow_table ]
}

module_unload()
{
	[ ! -d "/sys/module/$1" ] || modprobe -r "$1" 2> /dev/null
	[ ! -d "/sys/module/$1" ]
}

unload()
{
	check "netdevsim" "$(slowwait 10 module_unload netdevsim)" ""
	flow_ft_stays ||
		check "flow_ft" "$(slowwait 10 module_unload flow_ft)" ""
}

nsim_del()
{
	[ ! -e "$NSIM_BUS/devices/netdevsim$1" ] ||
		echo "$1" > "$NSIM_BUS/del_device"
}

ifindex()
{
	ip -n "$1" -o link show "$2" | cut -d : -f 1
}

# nsim_link NS DEV NS DEV
nsim_link()
{
	local a b ret=1

	exec {a}< "/var/run/netns/$1" {b}< "/var/run/netns/$3"
	if echo "$a:$(ifindex "$1" "$2") $b:$(ifindex "$3" "$4")" \
		> "$NSIM_BUS/link_device"; then
		ret=0
	fi
	exec {a}<&- {b}<&-
	return $ret
}

# host_setup NS DEV NET HOST: addresses of one end of a link
host_setup()
{
	local ns=$1 dev=$2 net=$3 host=$4 peer=$((3 - $4))

	ip netns exec "$ns" sysctl -wq "net.ipv6.conf.$dev.accept_dad=0" \
		"net.ipv6.conf.$dev.accept_ra=0" \
		"net.ipv6.conf.$dev.router_solicitations=0"
	ip -n "$ns" link set "$dev" addrgenmode none \
		address "02:00:00:00:0$net:0$host" up
	ip -n "$ns" addr add "10.0.$net.$host/24" dev "$dev"
	ip -n "$ns" addr add "2001:db8:$net::$host/64" dev "$dev" nodad
	neigh_setup "$ns" "$dev" "$net" "$peer" "$peer"
}

neigh_setup()
{
	local ns=$1 dev=$2 net=$3 host=$4 mac=02:00:00:00:0$3:0$5

	ip -n "$ns" neigh replace "10.0.$net.$host" dev "$dev" \
		lladdr "$mac" nud permanent
	ip -n "$ns" neigh replace "2001:db8:$net::$host" dev "$dev" \
		lladdr "$mac" nud permanent
}

# offloads on|off NS DEV...: off, a frame is one skb on all of its way.
offloads()
{
	local onoff=$1 ns=$2 dev

	shift 2
	for dev in "$@"; do
		ip netns exec "$ns" ethtool -K "$dev" gro "$onoff" \
			gso "$onoff" tso "$onoff" > /dev/null 2>&1
	done
}

hw_tc_offload()
{
	local onoff=$1 dev

	shift
	for dev in "$@"; do
		ip netns exec "$router" ethtool -K "$dev" hw-tc-offload "$onoff"
	done
}

carrier_is()
{
	[ "$(ip netns exec "$1" cat "/sys/class/net/$2/carrier")" = "$3" ]
}

# What the router's netns needs
router_setup()
{
	ip netns exec "$router" sysctl -wq net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 \
		net.ipv6.icmp.ratelimit=0
}

# port_wire NS DEV PORT NET: what a port of the router needs
port_wire()
{
	nsim_link "$1" "$2" "$router" "$3" || return
	host_setup "$router" "$3" "$4" 1
	neigh_setup "$router" "$3" "$4" 100 2
}

# flow_setup rc rs [r3]: what tests start from; leaves with a TAP skip if it
# cannot
flow_setup()
{
	setup_ns client router server || flow_skip "cannot make netns"
	nsim_new "$client" $((NSIM_ROUTER + 1)) c0 || flow_skip "no netdevsim"
	nsim_new "$server" $((NSIM_ROUTER + 2)) s0 || flow_skip "no netdevsim"
	if [ $# = 3 ]; then
		setup_ns third
		nsim_new "$third" $((NSIM_ROUTER + 3)) t0
	fi
	nsim_new "$router" "$NSIM_ROUTER" "$@" ||
		flow_skip "no netdevsim"
	[ -d "$FLOW_DEBUGFS" ] || flow_skip "netdevsim has no flow offload"
	[ -z "$FLOW_MODE" ] || flow_knob mode "$FLOW_MODE" ||
		flow_skip "netdevsim does not track connections"
	[ -z "$FLOW_REPORT_DELAY_US" ] ||
		flow_knob report_delay_us "$FLOW_REPORT_DELAY_US" ||
		flow_skip "netdevsim does not delay reports"

	router_setup
	port_wire "$client" c0 rc 1 || flow_skip "cannot link ports"
	port_wire "$server" s0 rs 2 || flow_skip "cannot link ports"
	host_setup "$client" c0 1 2
	host_setup "$server" s0 2 2
	route_setup "$client" 1
	route_setup "$server" 2
	if [ $# = 3 ]; then
		nsim_link "$third" t0 "$router" r3
		host_setup "$third" t0 3 2
		host_setup "$router" r3 3 1
		neigh_setup "$router" r3 3 100 2
		route_setup "$third" 3
		offloads off "$third" t0
		slowwait 5 carrier_is "$third" t0 1
	fi
	offloads off "$client" c0
	offloads off "$server" s0
	offloads off "$router" "$@"
	slowwait 5 carrier_is "$client" c0 1 || flow_skip "no carrier"
	slowwait 5 carrier_is "$server" s0 1 || flow_skip "no carrier"
	frames_setup
	flow_ruleset "rc, rs" || flow_skip "the kernel or nft lacks something"
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_acct=1
	flow_flush
}

# To make it takes longer than most tests.
topology_is_whole()
{
	[ -n "$router" ] && carrier_is "$router" rc 1 &&
		carrier_is "$router" rs 1
} 2> /dev/null

route_setup()
{
	ip -n "$1" route add default via "10.0.$2.1"
	ip -n "$1" route add default via "2001:db8:$2::1"
}

flow_cleanup_devices()
{
	local i

	for i in 1 2 3 0; do
		nsim_del $((NSIM_ROUTER + i))
	done
}

flow_cleanup()
{
	session_close
	[ -z "$DEL_WORKERS" ] || slow_removal 0
	flow_cleanup_devices
	cleanup_all_ns
}

# flow_ruleset DEVICES [NAT-RULES]: the flowtable, and a counter per path:
#	punted	frames that the ports hand to the CPU
#	soft	packets that the software flowtable sends
#	slow	packets that the stack forwards
# Packets to or from port 9 stay out of the flowtable. NAT-RULES are chains.
flow_ruleset()
{
	local devices=$1 nat=$2

	ip netns exec "$router" nft -f - <<-RULES
		flush ruleset
		table inet fast {
			flowtable ft {
				hook ingress priority 0
				devices = { $devices }
				flags offload
				counter
			}
			counter slow { }
			chain forward {
				type filter hook forward priority 0
				meta mark set 1
				meta l4proto { tcp, udp } counter name slow
				th dport 9 accept
				th sport 9 accept
				meta l4proto { tcp, udp } flow add @ft
			}
			$nat
		}
		table netdev path {
			counter punted { }
			counter soft { }
			chain in {
				type filter hook ingress \
					devices = { $devices } priority -10
				meta l4proto { tcp, udp } counter name punted
			}
			chain out {
				type filter hook egress \
					devices = { $devices } priority 0
				meta mark 0 meta l4proto { tcp, udp } \
					counter name soft
			}
		}
	RULES
}

# The connections of earlier tests are none of the next one's business.
flow_flush()
{
	ip netns exec "$router" nft flush ruleset
	ip netns exec "$router" conntrack -F > /dev/null 2>&1
}

flow_counter()
{
	sed -n "s/^$1 //p" "$FLOW_DEBUGFS/counters"
}

flow_entries_are()
{
	[ "$(flow_counter entries)" = "$1" ]
}

# flow_timeout tcp|udp|both SEC: how long flows live without packets. A machine
# that is busy takes half a minute to look at a few of them.
flow_timeout()
{
	local proto=$1

	[ "$proto" != both ] || proto="tcp udp"
	for proto in $proto; do
		ip netns exec "$router" sysctl -wq \
			"net.netfilter.nf_flowtable_${proto}_timeout=$2"
	done
}

flow_knob()
{
	echo "$2" > "$FLOW_DEBUGFS/$1"
}

# slow_removal MS: one worker takes flows out of hardware from now on, and so
# long for each entry; 0: as before
slow_removal()
{
	[ -n "$DEL_WORKERS" ] || read -r DEL_WORKERS < $DEL_QUEUE
	flow_knob del_delay_ms "$1" 2> /dev/null
	if [ "$1" != 0 ]; then
		echo 1 > $DEL_QUEUE
	else
		echo "$DEL_WORKERS" > $DEL_QUEUE
		DEL_WORKERS=
	fi
}

# The core has work for hardware, to take flows away
is_removing()
{
	ip netns exec "$router" cat /proc/net/stat/nf_flowtable |
		awk 'NR > 1 { n += $2 } END { exit !n }'
}

# What the kernel complained of. That modules are from outside its tree, or not
# signed, is no complaint, and they may be loaded in the middle of a test.
taint()
{
	echo $(($(cat /proc/sys/kernel/tainted) & ~(1 << 12 | 1 << 13)))
}

flow_refused()
{
	sed -n "s/^$1 //p" "$FLOW_DEBUGFS/refused"
}

# refusal_is REASON TEXT: so it was with the last rule that was refused
refusal_is()
{
	flow_refused last | grep -q "^$1 .*$2"
}

flow_hw_status()
{
	ip netns exec "$router" conntrack -L -f "$1" 2> /dev/null |
		grep -c HW_OFFLOAD
}

no_hw_flows()
{
	[ "$(flow_hw_status ipv4) $(flow_hw_status ipv6)" = "0 0" ]
}

# conn_counter NAME: of the connections that hardware keeps
conn_counter()
{
	sed -n "s/^$1 //p" "$FLOW_DEBUGFS/conn_counters" 2> /dev/null
}

# hw_stat NAME: of the core
hw_stat()
{
	ip netns exec "$router" sed -n "s/^$1 //p" /proc/net/nf_flowtable_hw \
		2> /dev/null
}

# hw_status_is FAMILY CONNECTIONS: the core says so after the driver has agreed
hw_status_is()
{
	[ "$(flow_hw_status "$1")" = "$2" ]
}

# wait_offload CONNECTIONS: until both directions of them are in hardware
wait_offload()
{
	slowwait "$WAIT_TIMEOUT" flow_entries_are $(($1 * 2))
}

# All counters there are, as "NAME VALUE" lines: rc.hit, rc.punt_miss,
# rc.mac_rx_packets, slow.packets, slow.bytes ...
read_counters()
{
	# shellcheck disable=SC2016 # for the inner shell and awk
	ip netns exec "$router" sh -c '
		cd /sys/class/net
		for dev in r[cs3]; do
			echo "dev $dev"
			ethtool -S "$dev"
		done
		grep -H . r[cs3]/statistics/[rt]x_[pb]*s
		nft list counters' | awk '
		$1 == "dev" { dev = $2 }
		sub("^ *offload_", "") { print dev "." $1, $2 }
		split($0, path, "[/:]") == 4 {
			print path[1] ".mac_" path[3], path[4]
		}
		$1 == "counter" { name = $2 }
		$1 == "packets" {
			print name ".packets", $2
			print name ".bytes", $4
		}' | tr -d :
}

# snap: what deltas count from
snap()
{
	local name value

	BEFORE=()
	while read -r name value; do
		BEFORE[$name]=$value
	done < <(read_counters)
}

look()
{
	local name value

	NOW=()
	while read -r name value; do
		NOW[$name]=$value
	done < <(read_counters)
}

# delta NAME: since snap, as of the last look
delta()
{
	echo $((${NOW[$1]:-0} - ${BEFORE[$1]:-0}))
}

# check WHAT GOT WANT
check()
{
	[ "$2" = "$3" ] && return
	ktap_print_msg "$1: got '$2', want '$3'"
	RET=$KSFT_FAIL
	return 1
}

# check_true WHAT COMMAND...
check_true()
{
	"${@:2}" && return
	ktap_print_msg "$1: not true: ${*:2}"
	RET=$KSFT_FAIL
	return 1
}

# check_wait WHAT SEC CONDITION...
check_wait()
{
	slowwait "${@:2}" > /dev/null && return
	ktap_print_msg "$1: not true after $2 s: ${*:3}"
	RET=$KSFT_FAIL
	return 1
}

# check_deltas NAME=VALUE...: what changed since snap. Counters of the ASIC and
# packets of the paths that are not named must not have changed; VALUE any:
# this one may.
check_deltas()
{
	local pair name
	local -A want=()

	look
	for pair in "$@"; do
		want[${pair%%=*}]=${pair#*=}
	done
	for name in "${!NOW[@]}"; do
		case $name in
		# Multicast is what IPv6 says of itself when it likes.
		*bytes|*_packets|*.rx|*.punt_multicast)
			[ "${want[$name]+set}" ] || continue
			;;
		esac
		[ "${want[$name]}" != any ] || continue
		check "$name" $((NOW[$name] - ${BEFORE[$name]:-0})) \
			"${want[$name]:-0}"
	done
	for name in "${!want[@]}"; do
		[ "${NOW[$name]+set}" ] ||
			check "$name" missing "${want[$name]}"
	done
}

# What to tell flow_frames: from client to server, and from server to client
TO_SERVER=()
TO_CLIENT=()

frames_setup()
{
	TO_SERVER=(tx="$client:c0" rx="$server:s0"
		"smac=$MAC_CLIENT" "dmac=$MAC_RC"
		"xsmac=$MAC_RS" "xdmac=$MAC_SERVER"
		xttl=63)
	TO_CLIENT=(tx="$server:s0" rx="$client:c0"
		"smac=$MAC_SERVER" "dmac=$MAC_RS"
		"xsmac=$MAC_RC" "xdmac=$MAC_CLIENT"
		xttl=63)
}

# frames KEY=VALUE...: from client to server
frames()
{
	"$FLOW_FRAMES" "${TO_SERVER[@]}" "$@"
}

frames_back()
{
	"$FLOW_FRAMES" "${TO_CLIENT[@]}" "$@"
}

addr_of()
{
	local family=$1 net=$2 host=$3

	if [ "$family" = 4 ]; then
		echo "10.0.$net.$host"
	else
		echo "2001:db8:$net::$host"
	fi
}

# Arguments of frames for a connection between the addresses nobody owns
fwd_args()
{
	echo "src=$(addr_of "$1" 1 100) dst=$(addr_of "$1" 2 100)" \
		"proto=$2 sport=$3 dport=$4"
}

rev_args()
{
	echo "src=$(addr_of "$1" 2 100) dst=$(addr_of "$1" 1 100)" \
		"proto=$2 sport=$4 dport=$3"
}

# open_flow PROTO: the packets that make it a connection, of $fwd and $rev. TCP
# frames without seq= and ack= are then still in the window. What became of them
# is in $OPENED.
open_flow()
{
	if [ "$1" = tcp ]; then
		OPENED=$(frames "${fwd[@]}" flags=02 len=12 \
			-- "${TO_CLIENT[@]}" "${rev[@]}" \
			flags=12 ack=13 len=12 \
			-- "${TO_SERVER[@]}" "${fwd[@]}" \
			seq=13 ack=13 len=12 2>&1)
	else
		OPENED=$(frames "${fwd[@]}" \
			-- "${TO_CLIENT[@]}" "${rev[@]}" 2>&1)
	fi
}

# offload_flow FAMILY PROTO SPORT DPORT: open it, and wait until it is in
# hardware
offload_flow()
{
	local fwd rev n

	read -ra fwd <<< "$(fwd_args "$@")"
	read -ra rev <<< "$(rev_args "$@")"
	n=$(flow_counter entries)
	open_flow "$2"
	slowwait "$WAIT_TIMEOUT" flow_entries_are $((n + 2)) && return
	echo ": had $n entries, has $(flow_counter entries);" \
		"${OPENED//$'\n'/, }"
	return 1
}

# session_open KEY=VALUE...: sockets from client to server, see flow_session.c
session_open()
{
	session_close
	coproc SESSION {
		exec "$FLOW_SESSION" client="$client" \
			server="$server" "$@"
	}
}

# session COMMAND: prints the answer
session()
{
	local answer

	[ -n "$SESSION_PID" ] && echo "$*" >&"${SESSION[1]}" &&
		read -r -t 60 answer <&"${SESSION[0]}"
	echo "${answer:-no answer}"
}

session_close()
{
	local pid=$SESSION_PID fd=${SESSION[1]}

	[ -n "$pid" ] || return 0
	exec {fd}>&-
	wait "$pid"
}

# skip WHY: the test cannot be made here
skip()
{
	RET=$KSFT_SKIP
	SKIPPED=$1
}

# got_n RECEIVED [ICMP]: what frames says of $N of them that no tap saw
got_n()
{
	echo "sent=$N received=$1 bad=0 tap=0 icmp=${2:-0}"
}

# got: ... if all of them arrived
got()
{
	got_n "$N"
}

# flow_run: every function test_* of the script, in its order, or those in
# $TESTS. What stands behind its name is its description.
flow_run()
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
		"$KSFT_SKIP") ktap_test_skip "${line#* }: $SKIPPED" ;;
		*) ktap_test_fail "${line#* }" ;;
		esac
	done
	ktap_finished
}
