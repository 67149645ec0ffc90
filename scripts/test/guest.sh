#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/guest.sh
#
# The guest keeps what scripts/guest promises.
# shellcheck disable=SC2016 # what is quoted is for the guest

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=${RESULTS:-$OUT/results/guest}/runs
rm -rf "$dir"
mkdir -p "$dir"

# in_guest NAME ARGS... <<SCRIPT: runs it in a guest; sets rc and out.
in_guest()
{
	local name=$1

	shift
	{ echo '#!/bin/bash'; cat; } >"$dir/$name.sh"
	chmod +x "$dir/$name.sh"
	out=$("$ROOT/scripts/guest" -o "$dir/$name" "$dir/$name.sh" "$@" 2>"$dir/$name.err")
	rc=$?
	echo "# $name: exit code $rc; $(head -n 1 "$dir/$name.err")"
}

# expect NAME CONDITION...
expect()
{
	local name=$1

	shift
	test "$@"
	tap $? "$name"
}

[ -x "$OUT/build/uml/linux" ] || "$ROOT/scripts/build" kernel >&2 || exit
tap_plan 14

in_guest exit-code <<<'exit 7'
expect "the exit code is passed through" "$rc" = 7

in_guest arguments 'a  b' '$c' '"' <<<'printf "%s|" "$@"'
expect "so are the arguments" "$rc $out" = '0 a  b|$c|"|'

in_guest output <<<'seq 1 200000'
expect "and a megabyte of output, unchanged" \
	"$(sha256sum <<<"$out")" = "$(seq 1 200000 | sha256sum)"

in_guest root <<<'id -u; cat /proc/sys/kernel/ostype; grep -c . /proc/modules; ls -d /sys/kernel/debug/tracing 2>/dev/null
	findmnt -no FSTYPE /tmp; findmnt -no FSTYPE /run; findmnt -no FSTYPE /sys/kernel/debug; cat /sys/class/net/lo/flags'
expect "root, with tmpfs, debugfs and lo up" \
	"$(paste -sd ' ' <<<"$out")" = "0 Linux 0 tmpfs tmpfs debugfs 0x9"

in_guest modules <<<'modprobe netdevsim && modprobe nf_flow_table && lsmod | grep -c "^netdevsim"'
expect "our modules load" "$rc $out" = "0 1"

probe=$ROOT/.guest-was-here
in_guest read-only <<-SCRIPT
	for file in "$probe" /etc/guest-was-here /usr/bin/guest-was-here "$OUT/guest-was-here"; do
		! touch "\$file" 2>/dev/null || echo "wrote \$file"
	done
SCRIPT
expect "the host's files are protected" "$rc $out" = "0 "
rm -f "$probe" "$OUT/guest-was-here"

in_guest results <<<'echo kept >"$GUEST_OUT/kept"; echo gone >/tmp/gone'
expect "what goes to GUEST_OUT stays" "$(cat "$dir/results/kept")" = kept

in_guest fresh <<<'! test -e /tmp/gone'
expect "the next guest is a fresh one" "$rc" = 0

in_guest splat <<<'echo "<4>WARNING: CPU: 0 PID: 1 at planted.c:1" >/dev/kmsg; exit 0'
expect "a kernel warning fails the run" "$rc" = 1
grep -q 'planted.c' "$dir/splat.err"
tap $? "and is shown"

# Zeros over the data of init end it, and the kernel panics.
in_guest panic <<-'SCRIPT'
	from=$((0x$(grep -m 1 'rw-p.*libc' /proc/1/maps | cut -d - -f 1)))
	dd if=/dev/zero of=/proc/1/mem bs=4096 seek=$((from / 4096)) count=2 conv=notrunc
SCRIPT
grep -q 'Kernel panic' "$dir/panic/kernel.log"
expect "the kernel log survives a panic, which fails the run" "$? $rc" = "0 1"

start=$SECONDS
TIMEOUT=3 in_guest timeout <<<'sleep 100'
grep -q TIMEOUT=3 "$dir/timeout.err"
expect "TIMEOUT ends the run, and says so" "$? $rc $((SECONDS - start < 15))" = "0 1 1"

CPUS=1 MEM=256M in_guest size <<<'nproc; awk "/MemTotal/ { print (\$2 < 262144) }" /proc/meminfo'
expect "CPUS and MEM are what was asked for" "$(paste -sd ' ' <<<"$out")" = "1 1"

name="an ordinary user can do the same"
user=$(id -un)
if [ "$user" != root ]; then
	tap_skip "$name" "all of this ran as $user"
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$OUT/build/uml/linux"; then
	tap_skip "$name" "only root may enter $ROOT"
else
	mkdir -p "$dir/user"
	chown 65534:65534 "$dir/user"
	setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp \
		"$ROOT/scripts/guest" -o "$dir/user" /bin/sh -c \
		'ip link add type veth && nft add table inet t && echo yes >$GUEST_OUT/wrote' >&2
	expect "$name" "$? $(cat "$dir/user/wrote")" = "0 yes"
fi
tap_end
