# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Connections that send as fast as they can, while something happens to what
# forwards them. Sourced, after flow_lib.sh; $tmp is a directory of the caller.

SESSIONS=4
SESSION_PIDS=()

# sessions_start: TCP and UDP of both families, both ways, without an end. Nice:
# what happens is not to wait for them.
sessions_start()
{
	local i=0 family proto

	SESSION_PIDS=()
	for family in 4 6; do
		for proto in tcp udp; do
			i=$((i + 1))
			printf '%s 10\n' send reply > "$tmp/in.$i"
			if [ $((i % 2)) = $((family / 2 % 2)) ]; then
				echo "send 1000000000000"
			else
				echo "reply 1000000000000"
			fi >> "$tmp/in.$i"
			nice -n 10 "$FLOW_SESSION" client="$client" \
				server="$server" proto=$proto \
				dst="$(addr_of $family 2 2)" \
				port=$((5000 + i)) < "$tmp/in.$i" \
				> "$tmp/out.$i" 2>&1 &
			SESSION_PIDS+=($!)
		done
	done
	check "offload" "$(wait_offload $SESSIONS)" ""
}

sessions_run()
{
	local pid

	for pid in "${SESSION_PIDS[@]}"; do
		kill -0 "$pid" 2> /dev/null || return
	done
}

# Everything arrived, on whatever way.
sessions_finish()
{
	local i

	kill "${SESSION_PIDS[@]}"
	wait "${SESSION_PIDS[@]}"
	SESSION_PIDS=()
	for ((i = 1; i <= SESSIONS; i++)); do
		check "connection $i" \
			"$(cut -d ' ' -f 1 "$tmp/out.$i" | paste -sd ' ')" \
			"ok ok ok"
	done
}

sessions_kill()
{
	[ ${#SESSION_PIDS[@]} -gt 0 ] || return 0
	kill -KILL "${SESSION_PIDS[@]}" 2> /dev/null
	wait "${SESSION_PIDS[@]}" 2> /dev/null
	SESSION_PIDS=()
}
