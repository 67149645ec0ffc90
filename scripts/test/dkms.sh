#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/dkms.sh
#
# The package kmod-nft-offload-dkms (make deb), installed in a mount namespace in
# which no kernel but Debian's 6.12 is there: DKMS builds and signs the modules for
# it, and depmod prefers them.  A kernel of another version, and one that was built
# from another source, keep their own modules and their installation succeeds; so
# does, in the end, one that had ours before an update that did not change its name.
# Removing the package takes all of it away.
# check: SLOW=1
# check: base v6.12
# check: timeout 1800
# check: cpus 2
# check: minutes 8

export BASE=v6.12
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=scripts/deb.sh
. "$ROOT/scripts/deb.sh"
# shellcheck source=scripts/stock.sh
. "$ROOT/scripts/stock.sh"

dir=${RESULTS:-$OUT/results/dkms}
unset NFT_OFFLOAD_LOCKED KDIR
OURS="act_ct flow_ft netdevsim nf_flow_table nf_flow_table_inet nft_flow_offload"
image_hook=/etc/kernel/postinst.d/kmod-nft-offload
header_hook=/etc/kernel/header_postinst.d/kmod-nft-offload

# What DKMS has put there for kernel $1, without .ko
installed()
{
	find "/lib/modules/$1/updates/dkms" -name '*.ko*' 2>/dev/null |
		sed 's|.*/||; s|\.ko.*||' | sort | paste -sd ' '
}

# says LOG TEXT: in one line that ours wrote
says()
{
	[ "$(grep -c "^nft-offload: .*$2" "$dir/$1.log")" = 1 ]
}

# run LOG CMD...: with its exit code; shows the end of what it said
run()
{
	local log=$dir/$1.log rc

	shift
	"$@" >"$log" 2>&1 </dev/null
	rc=$?
	tail -n 12 "$log" | sed 's/^/# /'
	return "$rc"
}

# fake RELEASE VERSION: another kernel that was installed, with headers
fake()
{
	local kdir=$dir/kdir-$1

	mkdir -p "$kdir/include/config" "$kdir/include/generated" "/lib/modules/$1/kernel/net/netfilter"
	echo "$1" >"$kdir/include/config/kernel.release"
	echo "#define LINUX_PACKAGE_ID \" Debian $2\"" >"$kdir/include/generated/package.h"
	cp "$kdir_of_stock/.config" "$kdir/"
	ln -sfn "$kdir" "/lib/modules/$1/build"
	cp "$STOCK/lib/modules/$release/kernel/net/netfilter"/nf_flow_table*.ko.xz \
		"/lib/modules/$1/kernel/net/netfilter/"
	depmod "$1" 2>/dev/null
}

# hooks RELEASE: what Debian runs when such a kernel is installed
hooks()
{
	/usr/lib/dkms/dkms_autoinstaller start "$1" && "$image_hook" "$1" && "$header_hook" "$1"
}

# kept RELEASE: its own module, and none of ours
kept()
{
	[ -z "$(installed "$1")" ] && [[ $(modinfo -k "$1" -n nf_flow_table) == */kernel/net/* ]]
}

# Inside of the namespace
inside()
{
	local root=$dir/root lib number next other rc

	mkdir -p "$dir"/{modules,dkms,src,layer/modules}
	lib=$(readlink -f /lib)
	# A machine that boots no kernel of its own (a container) has no /lib/modules.
	if ! {
		{ [ -d "$lib/modules" ] || mount -t overlay -o "lowerdir=$dir/layer:$lib" overlay "$lib"; } &&
			mount --bind "$dir/modules" "$lib/modules" &&
			mount --bind "$dir/dkms" /var/lib/dkms && mount --bind "$dir/src" /usr/src &&
			mount --bind "$root/etc/kernel" /etc/kernel
	}; then
		die 3 "mounts fail in a namespace of our own; run as root outside of a container"
	fi
	mkdir -p "/lib/modules/$release/kernel"
	cp -r "$STOCK/lib/modules/$release"/modules.* "/lib/modules/$release/"
	cp -r "$STOCK/lib/modules/$release"/kernel/{net,lib,crypto} "/lib/modules/$release/kernel/"
	depmod "$release"
	ln -sfn "$kdir_of_stock" "/lib/modules/$release/build"
	cp -r "$root"/usr/src/* /usr/src/
	number=$(echo /usr/src/nft-offload-*)
	number=${number##*/nft-offload-}

	run postinst "$dir/control/postinst" configure && [ "$(installed "$release")" = "$OURS" ]
	tap $? "DKMS builds and installs our six modules for $release"
	[[ $(modinfo -k "$release" -n nf_flow_table) == */updates/dkms/* ]] &&
		[ "$(modinfo -k "$release" -F version act_ct)" = "$(stock_version)+nft-offload" ]
	tap $? "depmod prefers them, and modinfo says what they are"
	[ "$(modinfo -k "$release" -F sig_id nf_flow_table)" = PKCS#7 ] && [ -f /var/lib/dkms/mok.pub ]
	tap $? "they are signed by the key that is to be enrolled"
	modprobe --dump-modversions "$(modinfo -k "$release" -n nft_flow_offload)" | grep -q nf_register_net_hook\\\|nft_register_expr
	tap $? "with CRCs of what they import"

	next=6.12.999+${release#*+}
	fake "$next" 6.12.999-1
	run next hooks "$next" && kept "$next"
	tap $? "a newer kernel keeps its own modules, and its installation succeeds"
	run build dkms build -m nft-offload -v "$number" -k "$next"
	[ $? = 77 ] && kept "$next"
	tap $? "and by hand DKMS refuses it before it builds anything"

	other=${release%-amd64}-cloud-amd64
	fake "$other" "$(stock_version)+1"
	run other "$header_hook" "$other" && kept "$other" && says other "the kernel was built from"
	tap $? "so does a kernel of that name from another source: one line says why"

	fake "$release" "$(stock_version)+1"
	run update "$header_hook" "$release" && kept "$release" && says update "the kernel was built from"
	tap $? "an update of the same name loses ours, and has its own"
	run again "$image_hook" "$release" && kept "$release" && says again "the kernel was built from"
	tap $? "and keeps them when the next hook runs"
	ln -sfn "$kdir_of_stock" "/lib/modules/$release/build"
	run back "$header_hook" "$release" && [ "$(installed "$release")" = "$OURS" ]
	tap $? "and gets ours again when they are for it"

	run prerm "$dir/control/prerm" remove
	rc=$?
	depmod "$release"
	[ "$rc" = 0 ] && kept "$release"
	tap $? "removed: the kernel's own modules are back"
	return 0
}

if [ "${1-}" = inside ]; then
	shift
	dir=$1 release=$2 kdir_of_stock=$3
	# The first test was outside.
	tap_n=1
	inside
	rc=$?
	[ "$rc" = 0 ] || exit "$rc"
	tap_end
fi
why=$("$ROOT/scripts/doctor" --need dkms 2>&1) || {
	echo "1..0 # SKIP $why"
	exit 4
}
if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
	echo "1..0 # SKIP needs root and a mount namespace"
	exit 4
fi
"$ROOT/scripts/build" stock >&2 || exit
rm -rf "$dir/root" "$dir"/{modules,dkms,src,control} "$dir"/kdir-*
mkdir -p "$dir"
release=$(stock_abi)-amd64
tap_plan 12
said=$("$ROOT/scripts/deb" 2>"$dir/deb.log")
deb=$(sed -n 's/^deb: \(out[^,]*\),.*/\1/p' <<<"$said")
echo "# $said"
[ -n "$deb" ] && dpkg-deb -x "$ROOT/$deb" "$dir/root" && dpkg-deb -e "$ROOT/$deb" "$dir/control" &&
	! grep -rq "$ROOT" "$dir/root" "$dir/control" &&
	grep -q '^Depends: .* gcc-12,' "$dir/control/control"
tap $? "the package is made, wants the kernel's compiler, and names no path of this machine"
bad=$tap_bad
unshare -m --propagation private "$0" inside "$dir" "$release" "$STOCK/usr/src/linux-headers-$release"
rc=$?
rm -rf "$dir"/{modules,root,src,layer,dkms}
case $rc in
0) exit "$bad" ;;
*) exit "$rc" ;;
esac
