#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hours in the life of a connection.
# guest: mtk-time

# shellcheck source-path=SCRIPTDIR source=mtk_lib.sh
source "$(dirname "$(readlink -e "$0")")/mtk_lib.sh"

# Two whose hash is the same, as in mtk_fixes.sh
SPORT=1024
NEIGHBOUR=9216

# Of what the server begins nothing comes through.
firewall()
{
	cat <<-RULES
		chain strict {
			type filter hook forward priority -1
			iifname eth1 ct state new drop
		}
	RULES
}

# The client only listens from now on.
listen()
{
	ip netns exec "$client" nft -f - <<-RULES
		table inet listen {
			counter got { }
			chain in {
				type filter hook input priority 0
				udp dport $SPORT counter name got drop
			}
		}
	RULES
}

got()
{
	ip netns exec "$client" nft -j list counter inet listen got |
		grep -o '"packets": [0-9]*' | cut -d ' ' -f 2
}

# push COUNT MS: packets from the server, one every MS milliseconds
push()
{
	ip netns exec "$server" "$mtk_dir/udp_flow.py" 10.0.1.2 7:$SPORT 0 64 \
		"$1" "$2" > /dev/null
	sent=$((sent + $1))
}

is_bound()
{
	cat $FE/ppe*/table | grep -qE "^[0-9]+ bind .* ports 7 $SPORT "
}

# Its connection in conntrack
connection()
{
	ct -L -p udp --orig-port-src $SPORT -o id
}

conn_id()
{
	connection | grep -o ' id=[0-9]*'
}

got_all()
{
	[ "$(got)" = "$sent" ]
}

# Six minutes: another flow gets into its bucket while it is bound; it is
# slower then than what is bound anew; it pauses for longer than hardware keeps
# it, and at last for longer than the flowtable does.
round()
{
	push 400 5
	check_true "$1: bound" is_bound
	udp_flow $NEIGHBOUR:7 600 > /dev/null
	push 1500 200
	sleep 15
	push 400 5
	check_true "$1: bound again" is_bound
	sleep 45
	check_true "$1: got all, $(got) of $sent" got_all
}

# Of the server, as conntrack has counted them
replies()
{
	connection | grep -o 'packets=[0-9]*' | sed -n 's/.*=//; 2p'
}

test_two_hours() # pauses, and neighbours in its bucket
{
	local i first sent=0

	ruleset firewall
	ip netns exec "$router" sysctl -wq net.netfilter.nf_conntrack_acct=1
	SECONDS=0
	udp_flow $SPORT:7 600 > /dev/null
	first=$(conn_id)
	listen
	for ((i = 1; i <= 21 && RET == KSFT_PASS; i++)); do
		round $i
		check "$i: connection" "$(conn_id)" "$first"
	done
	check_true "two hours" [ $SECONDS -ge 7200 ]
	soc_is mt7621 || check "conntrack has" "$(replies)" $((600 + sent))
}

fe_require nft conntrack python3 ss
trap cleanup EXIT
setup_open
udp_server 7
flow_run
