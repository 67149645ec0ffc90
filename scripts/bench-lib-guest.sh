# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# The part of bench-lib.sh that runs in the guest.  Sourced after flow_lib.sh; who
# measures sets SEND, the program that sends frames and between which ends, EACH,
# the seconds of a window, and has a function no_work_left that waits for the core.

TMP=$(mktemp -d)
SAMPLES=0
mkfifo "$TMP/nap"
exec {NAP}<>"$TMP/nap"

fail()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

flow_skip()
{
	fail "$*"
}

# nap SECONDS: without a process for it, for processes are what costs here.
nap()
{
	read -rt "$1" -u "$NAP" || :
}

# sample: CPU_NS and TIME_NS of this guest, as the host knows it
sample()
{
	local cpu=$GUEST_OUT/cpu-$((++SAMPLES))

	: >"$GUEST_OUT/ask-$SAMPLES"
	until [ -s "$cpu" ]; do
		nap 0.02
	done
	read -r CPU_NS TIME_NS <"$cpu"
}

# No limit and no chain of conntrack's is to be what is measured.
conntrack_room()
{
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_udp_timeout=1000 \
		net.netfilter.nf_conntrack_udp_timeout_stream=1000
	sysctl -wq net.netfilter.nf_conntrack_max=1000000
	echo 262144 >/sys/module/nf_conntrack/parameters/hashsize
}

no_conntrack()
{
	[ "$(ip netns exec "$router" sysctl -n \
		net.netfilter.nf_conntrack_count)" = 0 ]
}

empty()
{
	ip netns exec "$router" nft flush ruleset
	ip netns exec "$router" conntrack -F >/dev/null 2>&1
	slowwait 120 no_conntrack >/dev/null || fail "connections stay"
	# What RCU frees.
	nap 1
}

# offer FLOWS: connections, until the core has no work left.  NS and CPU are what
# that took, AGAIN how many frames were repeated.
offer()
{
	local cpu start said

	sample
	cpu=$CPU_NS
	start=$TIME_NS
	said=$("${SEND[@]}" 0 "$1" 0) ||
		fail "frames do not come through the router; see kernel.log"
	no_work_left
	sample
	NS=$((TIME_NS - start))
	CPU=$((CPU_NS - cpu))
	AGAIN=${said#* }
}

# install_row MODE FLOWS ROUND: of offer
install_row()
{
	awk -v row="$1,$2,$3" -v flows="$2" -v ns="$NS" -v cpu="$CPU" -v again="$AGAIN" '
		BEGIN {
			printf "%s,%.1f,%.3f,%d\n", row, flows / ns * 1e9,
				cpu / 1e3 / flows, again
		}'
}

# windows MODE FLOWS ROUND [COUNTER]: in which nobody does anything.  ROWS has one
# for each, with how much COUNT, which COUNTER reads, has grown.
windows()
{
	local counter=${4-} num=4 cpu start count i

	# What is little is looked at for longer.
	[ "$2" -gt 1000 ] || num=8
	ROWS=
	nap 1
	sample
	$counter
	for ((i = 1; i <= num; i++)); do
		cpu=$CPU_NS
		start=$TIME_NS
		count=${COUNT-}
		nap "$EACH"
		sample
		$counter
		ROWS+=$1,$2,$3,$i,$((TIME_NS - start)),$((CPU_NS - cpu))
		ROWS+=${counter:+,$((COUNT - count))}$'\n'
	done
}
