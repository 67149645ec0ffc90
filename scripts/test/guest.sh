#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/guest.sh
#
# The guest (GUEST, default uml or stock) keeps what scripts/guest promises, and what is
# special in it works: mistakes on purpose (scripts/test/planted) are found,
# allocations and functions fail on demand, time travels.
# check: needs tree
# check: base v7.3 v6.12
# shellcheck disable=SC2016 # what is quoted is for the guest

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/kbuild.sh
. "$ROOT/scripts/kbuild.sh"

export GUEST=${GUEST:-${GUESTS%% *}}
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

# planted MISTAKE TEXT: must be found and shown.
planted()
{
	in_guest "$1" <<<"insmod '$dir/planted/planted.ko' what=$1 || echo no module"
	[ "$rc" = 1 ] && [ -z "$out" ] && grep -q "$2" "$dir/$1.err"
	tap $? "a planted $1 fails the run and is shown"
}

build_planted()
{
	lock tree
	cp -a "$ROOT/scripts/test/planted" "$dir/" &&
		kmake "$OUT/build/$GUEST" M="$dir/planted" modules
}

test_debug()
{
	build_planted >&2
	tap $? "the module with the mistakes builds"
	planted leak 'planted_leak'
	planted use-after-free 'KASAN: slab-use-after-free in planted_use_after_free'
	planted inversion 'possible circular locking dependency'
	planted timer 'ODEBUG: free active'
	in_guest failslab <<-'SCRIPT'
		modprobe netdevsim
		perl -e '
			open(my $nsim, ">", "/sys/bus/netdevsim/new_device") or die;
			open(my $nth, "+<", "/proc/self/fail-nth") or die;
			syswrite($nth, "1");
			my $done = syswrite($nsim, "7 1");
			print defined $done ? "no failure" : "$!", "\n"'
		ls /sys/bus/netdevsim/devices
		echo 7 1 >/sys/bus/netdevsim/new_device; ls /sys/bus/netdevsim/devices
	SCRIPT
	expect "the first allocation of a system call fails, the kernel stays silent" \
		"$rc $out" = "0 Cannot allocate memory
netdevsim7"
	in_guest cache-filter <<-'SCRIPT'
		cd /sys/kernel/debug/failslab || exit
		echo 1 >/sys/kernel/slab/net_namespace/failslab
		echo Y >cache-filter
		echo -1 >times
		echo 100 >probability
		unshare -n true 2>&1 | grep -o 'Cannot allocate memory'
		echo 0 >probability
		unshare -n echo ok
	SCRIPT
	expect "failslab fails a single cache" "$rc $out" = "0 Cannot allocate memory
ok"
}

test_time()
{
	local start=$SECONDS

	in_guest sleep <<<'date +%s; sleep 1000; date +%s'
	expect "who sleeps 1000 seconds does not wait" \
		"$rc $((SECONDS - start < 60)) $((${out##*$'\n'} - ${out%%$'\n'*} >= 1000))" = "0 1 1"
	TIME_TRAVEL=inf-cpu in_guest inf-cpu <<-'SCRIPT'
		read -r a _ </proc/uptime; sleep 100.5; read -r b _ </proc/uptime
		perl -e 'printf "%.1f\n", $ARGV[1] - $ARGV[0]' "$a" "$b"
	SCRIPT
	expect "nor does computing take time with TIME_TRAVEL=inf-cpu" "$rc $out" = "0 100.5"
}

test_qemu()
{
	build_planted >&2
	tap $? "the module with the mistakes builds"
	planted inversion 'possible circular locking dependency'
	in_guest fail-function <<-'SCRIPT'
		modprobe netdevsim
		echo 7 1 >/sys/bus/netdevsim/new_device; udevadm settle 2>/dev/null
		dev=$(ls /sys/bus/netdevsim/devices/netdevsim7/net)
		rules="table inet t {
			flowtable f {
				flags offload
				hook ingress priority 0
				devices = { $dev }
			}
		}"
		ethtool -K "$dev" hw-tc-offload on
		cd /sys/kernel/debug/fail_function || exit
		echo nsim_setup_tc >inject
		printf %#x -12 >nsim_setup_tc/retval
		echo 100 >probability
		echo -1 >times
		nft "$rules" 2>&1 | grep -o 'Cannot allocate memory'
		echo Y >task-filter
		nft "$rules; delete table inet t" && echo unmarked
		(echo 1 >/proc/self/make-it-fail; nft "$rules" 2>&1) | grep -o 'Cannot allocate memory'
		echo >inject
		nft "$rules" && echo ok
	SCRIPT
	expect "a function fails with the error asked for, in the task asked for" \
		"$rc $out" = "0 Cannot allocate memory
unmarked
Cannot allocate memory
ok"
}

"$ROOT/scripts/build" "$GUEST" >&2 || exit
case $GUEST in
uml-debug) tap_plan 21 ;;
uml-time) tap_plan 16 ;;
qemu) tap_plan 17 ;;
*) tap_plan 14 ;;
esac

in_guest exit-code <<<'exit 7'
expect "the exit code is passed through" "$rc" = 7

in_guest arguments 'a  b' '$c' '"' <<<'printf "%s|" "$@"'
expect "so are the arguments" "$rc $out" = '0 a  b|$c|"|'

in_guest output <<<'seq 1 200000'
expect "and a megabyte of output, unchanged" \
	"$(sha256sum <<<"$out")" = "$(seq 1 200000 | sha256sum)"

in_guest root <<<'id -u; cat /proc/sys/kernel/ostype; grep -c ^netdevsim /proc/modules
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

start=$SECONDS
in_guest fresh <<<'! test -e /tmp/gone'
expect "the next guest is a fresh one" "$rc" = 0
# Time for it to boot, on a machine that is as busy as now, and then some
limit=$((5 * (SECONDS - start) + 10))

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
# Who sleeps in uml-time does not wait.
TIMEOUT=$limit in_guest timeout <<<'while :; do sleep 100; done'
grep -q "TIMEOUT=$limit" "$dir/timeout.err" && grep -q 'sleep 100' "$dir/timeout.err"
expect "TIMEOUT ends the run, and tells of what" "$? $rc $((SECONDS - start < limit + 24))" = "0 1 1"

CPUS=1 MEM=256M in_guest size <<<'nproc; awk "/MemTotal/ { print (\$2 < 262144) }" /proc/meminfo'
expect "CPUS and MEM are what was asked for" "$(paste -sd ' ' <<<"$out")" = "1 1"

name="an ordinary user can do the same"
user=$(id -un)
if [ "$user" != root ]; then
	tap_skip "$name" "all of this ran as $user"
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$OUT/build/$GUEST/linux"; then
	tap_skip "$name" "only root may enter $ROOT"
else
	mkdir -p "$dir/user"
	chown 65534:65534 "$dir/user"
	setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp \
		"$ROOT/scripts/guest" -o "$dir/user" /bin/sh -c \
		'ip link add type veth && nft add table inet t && echo yes >$GUEST_OUT/wrote' >&2
	expect "$name" "$? $(cat "$dir/user/wrote")" = "0 yes"
fi
case $GUEST in
uml-debug) test_debug ;;
uml-time) test_time ;;
qemu) test_qemu ;;
esac
tap_end
