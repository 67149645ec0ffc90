#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flows that hardware does not take, or gives up: what users see, how often
# the core tries again, and what it asks hardware for.

# shellcheck source-path=SCRIPTDIR source=flow_lib.sh
source "$(dirname "$(readlink -e "$0")")/flow_lib.sh"

N=20
SPORT=4000
DPORT=5000

got()
{
	echo "sent=$N received=$N bad=0 tap=0 icmp=0"
}

start()
{
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	read -ra rev <<< "$(rev_args 4 udp $SPORT $DPORT)"
	open_flow udp
}

fresh()
{
	flow_flush
	slowwait 5 flow_entries_are 0 > /dev/null
	flow_ruleset "rc, rs"
}

refused_is()
{
	[ "$(flow_refused "$1")" = "$2" ]
}

# status_is OFFLOAD|HW_OFFLOAD: of the only connection
status_is()
{
	ip netns exec "$router" conntrack -L -f ipv4 -p udp 2> /dev/null |
		grep -qF "[$1]"
}

# Questions that hardware was asked and those that it had no answer for
asked()
{
	awk '$1 == "stats" { stats = $2 }
	     $1 == "stats_unknown" { unknown = $2 }
	     END { print stats, unknown }' "$FLOW_DEBUGFS/counters"
}

# polls_since STATS UNKNOWN: as asked, counted from there
polls_since()
{
	local stats unknown

	read -r stats unknown < <(asked)
	echo "$((stats - $1)) $((unknown - $2))"
}

# What is asked of flows that have no packets for two of the ten seconds that
# they may have none.
polls()
{
	local before

	read -ra before < <(asked)
	sleep 2.5
	polls_since "${before[@]}"
}

# half_unknown STATS UNKNOWN: and since then there were some. In the middle of
# a poll it is not so.
half_unknown()
{
	local known unknown

	read -r known unknown < <(polls_since "$@")
	[ "$known" -gt 1 ] && [ "$known" = "$unknown" ]
}

# The core offers it when there is a packet for it, a second after the last one
# at the earliest, so it has to have some all the time.
test_backoff() # each refusal doubles the time until a flow is offered again
{
	local fwd rev driver core begin sixth

	fresh
	driver=$(flow_refused driver)
	core=$(hw_stat refused)
	flow_knob disable 1
	begin=$(timestamp_ms)
	start
	until refused_is driver $((driver + 6)); do
		check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)" || break
		[ $(($(timestamp_ms) - begin)) -lt 60000 ] || break
	done
	# At once, after 2 seconds and 4 more, of both directions.
	check_true "not before" [ $(($(timestamp_ms) - begin)) -ge 5900 ]
	check "refused" $(($(flow_refused driver) - driver)) 6
	check_wait "refused, says the core" 5 until_counter_is \
		"== $((core + 6))" hw_stat refused
	sixth=$(timestamp_ms)
	while [ $(($(timestamp_ms) - sixth)) -lt 4000 ]; do
		check "frames" "$(frames "${fwd[@]}" n=$N)" "$(got)" || break
	done
	# 8 more are not over yet, unless all of this took so long.
	[ $(($(timestamp_ms) - sixth)) -ge 7500 ] ||
		check "still refused" $(($(flow_refused driver) - driver)) 6
	check "entries" "$(flow_counter entries)" 0
}

refreshed()
{
	frames "${fwd[@]}" > /dev/null
	flow_entries_are "$1"
}

test_room() # ... and hardware that can again gets it
{
	local fwd rev

	flow_knob disable 0
	read -ra fwd <<< "$(fwd_args 4 udp $SPORT $DPORT)"
	check "entries" "$(slowwait 15 refreshed 2)" ""
	check_wait "status" 5 hw_status_is ipv4 1
}

test_evicted() # evicted entries are offered at once, not after a while
{
	local fwd rev evicted i

	fresh
	start
	check "in hardware" "$(wait_offload 1)" ""
	for i in 1 2 3 4; do
		flow_knob evict 1000
		check "evicted" "$(flow_counter entries)" 0
		check "round $i" "$(slowwait 3 refreshed 2)" ""
	done
	check_wait "status" 5 hw_status_is ipv4 1
}

test_new_ones() # what waits does not keep new connections waiting
{
	local fwd rev driver

	fresh
	driver=$(flow_refused driver)
	flow_knob disable 1
	start
	check_wait "refused" 5 refused_is driver $((driver + 2))
	flow_knob disable 0
	check "new one" "$(offload_flow 4 udp 4001 5001)" ""
}

test_refused_is_not_polled() # nobody is asked for what nobody has taken
{
	local fwd rev driver

	fresh
	flow_timeout udp 10
	driver=$(flow_refused driver)
	flow_knob disable 1
	start
	check_wait "refused" 5 refused_is driver $((driver + 2))
	check "stats" "$(polls)" "0 0"
	check "status" "$(flow_hw_status ipv4)" 0
	flow_knob disable 0
	flow_timeout udp 30
}

# Each question goes to two ports, of which one has the answer.
test_half() # one direction in hardware: not [HW_OFFLOAD], half of the questions
{
	local fwd rev driver before

	fresh
	flow_timeout udp 10
	driver=$(flow_refused driver)
	flow_knob fail_next_add 1
	read -ra before < <(asked)
	start
	check_wait "refused" 5 refused_is driver $((driver + 1))
	check "entries" "$(slowwait 5 flow_entries_are 1)" ""
	check_wait "half of the questions" 8 half_unknown "${before[@]}"
	check "status" "$(flow_hw_status ipv4)" 0
	flow_timeout udp 30
	check "other half" "$(slowwait 10 refreshed 2)" ""
	check_wait "status" 5 hw_status_is ipv4 1
}

test_evicted_status() # what hardware has given up is not [HW_OFFLOAD]
{
	local fwd rev evicted

	fresh
	flow_timeout udp 20
	evicted=$(hw_stat evicted)
	start
	check "in hardware" "$(wait_offload 1)" ""
	check_wait "before" 5 status_is HW_OFFLOAD
	flow_knob evict 1
	check_wait "one" 10 status_is OFFLOAD
	flow_knob evict 1
	check_wait "counted" 10 until_counter_is ">= $((evicted + 2))" \
		hw_stat evicted
	check "again" "$(slowwait 10 refreshed 2)" ""
	check_wait "after" 5 status_is HW_OFFLOAD
	check "counted" "$(hw_stat evicted)" $((evicted + 2))
	flow_timeout udp 30
}

ipsec_setup()
{
	ip -n "$router" route add 10.0.12.0/24 via 10.0.2.100 dev rs
	ip -n "$router" xfrm state add src 10.0.2.1 dst 10.0.2.100 proto esp \
		spi 1 mode tunnel \
		enc "cbc(aes)" 0x00112233445566778899aabbccddeeff \
		auth "hmac(sha1)" 0x00112233445566778899aabbccddeeff00112233 &&
		ip -n "$router" xfrm policy add dir out src 10.0.1.0/24 \
			dst 10.0.12.0/24 tmpl src 10.0.2.1 dst 10.0.2.100 \
			proto esp mode tunnel
}

# Packets of port 9 do not get into the flowtable by other rules, and IPsec is
# only seen by packets that are about to take it.
test_no_rule() # a flow that no rule can express is tried once, and not polled
{
	local fwd rev no_rule

	if ! ipsec_setup 2> /dev/null; then
		ktap_print_msg "no IPsec"
		RET=$KSFT_SKIP
		return
	fi
	flow_flush
	flow_ruleset "rc, rs" 'chain early {
		type filter hook forward priority -1
		ct direction original th dport 9 flow add @ft
	}'
	flow_timeout udp 10
	no_rule=$(hw_stat no_rule)
	read -ra fwd <<< "src=10.0.1.100 dst=10.0.12.100 sport=4000 dport=9 \
		wait=20 any"
	read -ra rev <<< "src=10.0.12.100 dst=10.0.1.100 sport=9 dport=4000"
	frames "${fwd[@]}" -- "${TO_CLIENT[@]}" "${rev[@]}" > /dev/null
	snap
	for _ in 1 2 3 4; do
		frames "${fwd[@]}" > /dev/null
		sleep 1.1
	done
	check_true "software flowtable" \
		ip netns exec "$router" grep -q OFFLOAD /proc/net/nf_conntrack
	check "no rule" $(($(hw_stat no_rule) - no_rule)) 1
	check "stats" "$(polls)" "0 0"
	flow_timeout udp 30
	ip -n "$router" xfrm policy flush
	ip -n "$router" xfrm state flush
}

flow_require nft ethtool conntrack
flow_setup rc rs
[ -e /proc/net/stat/nf_flowtable ] ||
	flow_skip "needs CONFIG_NF_FLOW_TABLE_PROCFS"
hw_tc_offload on rc rs
flow_run
