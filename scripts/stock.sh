# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The kernel that a vendor ships, here Debian's: its packages for amd64, of the
# version of the source in out/$BASE/tree, unpacked into out/$BASE/stock as if they
# were installed there.  For scripts/build; after lib.sh and deb.sh.

STOCK=$OUT/stock

# stock_version: of the source; for another one modules prove nothing.
stock_version()
{
	sed -n 's/^Debian [^ ]* //p' "$TREE/.git/base-id"
}

# compiler_of_headers KDIR: what that kernel was compiled by
compiler_of_headers()
{
	local cc

	# shellcheck disable=SC2016 # for make
	cc=$(printf 'include .kernelvariables\ncc:\n\t@echo $(CC)\n' |
		make -s -C "$1" -f - cc 2>/dev/null)
	echo "${cc:-gcc}"
}

# stock_abi: what names of packages and modules' directories begin with
stock_abi()
{
	local version deb

	version=$(stock_version)
	for deb in "$CACHE"/linux-image-*+deb*-amd64_"$version"_amd64.deb; do
		[ -f "$deb" ] || continue
		deb=${deb##*/linux-image-}
		deb=${deb%%_*}
		deb=${deb%-amd64}
		echo "${deb%-cloud}"
		return
	done
	APT_CONFIG=$CACHE/apt/apt.conf apt-cache pkgnames "linux-headers-${version%%-*}+" |
		sed -n 's/^linux-headers-\([^-]*\)-common$/\1/p'
}

# stock_packages ABI FLAVOUR
stock_packages()
{
	printf '%s\n' "linux-image-$1-$2" "linux-headers-$1-$2" "linux-headers-$1-common" "linux-kbuild-$1"
}

stock_missing()
{
	local package

	stock_packages "$1" "$2" | while read -r package; do
		[ -n "$(cached_deb "$package")" ] || echo "$package"
	done
}

# fetch_stock FLAVOUR: into the cache
fetch_stock()
{
	local version abi package

	version=$(stock_version)
	abi=$(stock_abi)
	[ -n "$abi" ] && [ -z "$(stock_missing "$abi" "$1")" ] && return
	private_apt ""
	abi=$(stock_abi)
	[ -n "$abi" ] ||
		die 3 "the archive has no kernel of $version any more; remove $CACHE/linux-source-6.12_* to take today's source"
	for package in $(stock_missing "$abi" "$1"); do
		download_deb "$package" "$version"
	done
}

# unpack_stock FLAVOUR: the only absolute path in the packages is that of a
# Makefile, which includes another one.
unpack_stock()
{
	local abi package makefile=$STOCK/usr/src/linux-headers- have=$STOCK/have-$1

	abi=$(stock_abi)
	[ "$(cat "$have" 2>/dev/null)" != "$(stock_version) $STOCK" ] || return 0
	mkdir -p "$STOCK" || return
	for package in $(stock_packages "$abi" "$1"); do
		dpkg-deb -x "$(cached_deb "$package")" "$STOCK" || return
	done
	makefile=$makefile$abi-$1/Makefile
	sed -i "s,^include /usr/src/,include $STOCK/usr/src/," "$makefile" &&
		echo "$(stock_version) $STOCK" >"$have"
}

# What the root file system needs of the vendor's modules, in the order to load
# them; netfs and what it needs come by their dependencies.
STOCK_BOOT="9pnet_virtio 9p overlay"

# stock_modules RELEASE GUEST: as `make kmod` says to install ours
stock_modules()
{
	local dir=$OUT/build/$2-modules

	rm -rf "$dir"
	mkdir -p "$dir/lib/modules/$1" &&
		cp -al "$STOCK/lib/modules/$1/." "$dir/lib/modules/$1/" &&
		install -D -m 644 -t "$dir/lib/modules/$1/updates/nft-offload" \
			"$ROOT/out/kmod/$1"/*.ko || return
	[ ! -d "$STOCK/9p/$1" ] ||
		install -D -m 644 -t "$dir/lib/modules/$1/updates/9p" "$STOCK/9p/$1"/*.ko || return
	depmod -b "$dir" "$1"
}

# The flavour for clouds has no 9p, by which the guest gets at the files of this
# machine: from the same source it has.
stock_9p()
{
	local src=$STOCK/9p/src dest=$STOCK/9p/$1 kdir=$STOCK/usr/src/linux-headers-$1

	[ ! -f "$STOCK/lib/modules/$1/kernel/fs/9p/9p.ko.xz" ] || return 0
	rm -rf "$src" "$dest"
	mkdir -p "$src" "$dest" &&
		git -C "$TREE" archive base net/9p fs/9p | tar -x -C "$src" || return
	echo 'obj-m := net/9p/ fs/9p/' >"$src/Kbuild"
	nice make -s -j"$(nproc)" -C "$kdir" "M=$src" CONFIG_NET_9P=m CONFIG_NET_9P_VIRTIO=m \
		CONFIG_9P_FS=m modules &&
		find "$src" -name '*.ko' -exec cp {} "$dest" \;
}

# stock_initrd RELEASE GUEST
stock_initrd()
{
	local dir=$OUT/build/$2/initrd modules=$OUT/build/$2-modules path name

	rm -rf "$dir"
	mkdir -p "$dir" &&
		gcc -O2 -Wall -static -o "$dir/init" "$ROOT/scripts/stock-init.c" &&
		gcc -O2 -w -o "$dir/gen_init_cpio" "$TREE/usr/gen_init_cpio.c" || return
	cat >"$dir/list" <<-LIST
		dir /dev 755 0 0
		dir /proc 755 0 0
		dir /root 755 0 0
		nod /dev/console 600 0 0 c 5 1
		file /init $dir/init 755 0 0
		file /modules $dir/modules 644 0 0
	LIST
	for name in $STOCK_BOOT; do
		modprobe -d "$modules" -S "$1" --show-depends "$name" || return
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$dir/paths"
	: >"$dir/modules"
	while read -r path; do
		name=$(basename "${path%.xz}")
		case $path in
		*.xz) xz -dc "$path" >"$dir/$name" || return ;;
		*) cp "$path" "$dir/$name" ;;
		esac
		echo "/$name" >>"$dir/modules"
		echo "file /$name $dir/$name 644 0 0" >>"$dir/list"
	done <"$dir/paths"
	[ -s "$dir/modules" ] && "$dir/gen_init_cpio" "$dir/list" >"$OUT/build/$2/initrd.cpio"
}

# flavour_of GUEST
flavour_of()
{
	case $1 in
	stock) echo amd64 ;;
	stock-cloud) echo cloud-amd64 ;;
	esac
}
