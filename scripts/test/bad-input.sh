#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/bad-input.sh
#
# Wrong variables, missing scripts and tools, no disk, no network: one clear
# line, the exit code of the README, nothing lost.
# check: cpus 1

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
unset T FAST SLOW KVM TIME_TRAVEL GUEST MEM CPUS TIMEOUT SIGNOFF JOBS BASE_TREE BASE_PACKAGE
unset NFT_OFFLOAD_LOCKED NFT_OFFLOAD_BUILT

# refuse CODE TEXT NAME CMD...: CMD must exit with CODE and say TEXT in at
# most three lines.
refuse()
{
	local code=$1 text=$2 name=$3 said rc

	shift 3
	said=$("$@" 2>&1 </dev/null)
	rc=$?
	[ "$rc" = "$code" ] && grep -qF -- "$text" <<<"$said" && [ "$(wc -l <<<"$said")" -le 3 ]
	tap $? "$name"
	echo "exit code $rc: $said" | head -n 5 | sed "s|^|# |"
}

# A clone that has nothing but what it needs, with an empty cache.
clone()
{
	mkdir -p "$1/out"
	cp -a "$ROOT/scripts" "$ROOT/configs" "$ROOT/hooks" "$1/"
}

cd "$ROOT" || exit 3
guest=scripts/guest
check=scripts/check
tap_plan 28
refuse 2 "known: $(bases)" "unknown BASE" env BASE=v1.0 scripts/tree
refuse 2 "is not known" "BASE that is a path" env BASE=../hooks scripts/tree
refuse 2 "Error 2" "make BASE=" make -s BASE=v1.0 kernel
refuse 2 "not a kernel source tree" "wrong BASE_TREE" env BASE_TREE="$dir" scripts/fetch-base
refuse 2 "there are: " "T without a match" env T=no-such-test "$check"
refuse 2 "FAST=maybe is not known" "unknown FAST" env FAST=maybe "$check"
refuse 2 "unknown argument" "unknown argument" "$check" --no-such-option
refuse 2 "no such script" "missing script" "$guest" "$dir/none"
: >"$dir/script"
refuse 2 "is not executable" "script without its x bit" "$guest" "$dir/script"
refuse 2 "name a script" "make guest without RUN" make -s guest
refuse 2 "known: uml base uml-debug uml-time qemu" "unknown GUEST" env GUEST=vax "$guest" /bin/true
refuse 2 "SLOW=maybe is not known" "unknown SLOW" env SLOW=maybe "$check"
refuse 2 "JOBS=many is no number" "unknown JOBS" env JOBS=many "$check"
refuse 2 "KVM=maybe is not known" "unknown KVM" env GUEST=qemu KVM=maybe "$guest" /bin/true
refuse 2 "TIME_TRAVEL=far is not known" "unknown TIME_TRAVEL" env TIME_TRAVEL=far "$guest" /bin/true
refuse 2 "is no size" "wrong MEM" env MEM=much "$guest" /bin/true
refuse 2 "1 or 2" "wrong CPUS" env CPUS=64 "$guest" /bin/true
refuse 2 "number of seconds" "wrong TIMEOUT" env TIMEOUT=soon "$guest" /bin/true
refuse 2 "SIGNOFF=perhaps" "unknown SIGNOFF" env SIGNOFF=perhaps scripts/series
refuse 2 "nothing to build" "unknown part" scripts/build everything
clone "$dir/unbuilt"
refuse 2 "is not built; run make kernel" "guest before its kernel" "$dir/unbuilt/scripts/guest" /bin/true
refuse 2 "is not built; run scripts/build uml-debug" "and with the name of another guest" \
	env GUEST=uml-debug "$dir/unbuilt/scripts/guest" /bin/true

# Every command of this machine but one.
mkdir "$dir/bin"
find -L /usr/bin /bin /usr/sbin /sbin -maxdepth 1 -type f ! -name flex -exec ln -sf {} "$dir/bin/" \; 2>/dev/null
refuse 2 "apt-get install" "missing tool" env PATH="$dir/bin" scripts/doctor --need build

mkdir "$dir/spa ce"
clone "$dir/spa ce"
refuse 2 "move the checkout" "checkout below a path with a space" "$dir/spa ce/scripts/tree"

# A small file system and no network are to be had in namespaces of our own.
isolate="unshare"
[ "$(id -u)" = 0 ] || isolate="unshare -r"
mkdir "$dir/small"
if $isolate -m mount -t tmpfs tmpfs "$dir/small" 2>/dev/null; then
	export -f clone
	export ROOT
	# shellcheck disable=SC2016,SC2086 # for the inner shell; a list
	refuse 3 "free are" "full disk" $isolate -m bash -c '
		mount -t tmpfs -o size=8m tmpfs "$1" && clone "$1/clone" &&
		NFT_OFFLOAD_CACHE=$1/cache "$1/clone/scripts/fetch-base"' bash "$dir/small"
else
	tap_skip "full disk" "no mount namespace here"
fi
clone "$dir/offline"
if $isolate -n true 2>/dev/null; then
	# shellcheck disable=SC2086 # a list
	said=$(NFT_OFFLOAD_CACHE=$dir/cache $isolate -n "$dir/offline/scripts/fetch-base" 2>&1)
	[ $? = 3 ] && grep -q 'check the network' <<<"$said"
	tap $? "no network"
	tail -n 3 <<<"$said" | sed 's/^/# /'
else
	tap_skip "no network" "no network namespace here"
fi
mkdir "$dir/archive"
cat >"$dir/archive/apt-get" <<-'SH'
	#!/bin/sh
	. /etc/os-release
	[ "$1" != indextargets ] || echo "http://archive.example $VERSION_CODENAME $VERSION_CODENAME"
SH
cat >"$dir/archive/apt-cache" <<-'SH'
	#!/bin/sh
	echo "$2 | 6.12.7-1 | http://archive.example main amd64 Packages"
SH
chmod +x "$dir/archive"/*
said=$(PATH=$dir/archive:$PATH BASE=v6.12 BASE_VERSION=6.12.1-1 NFT_OFFLOAD_CACHE=$dir/cache \
	"$dir/offline/scripts/fetch-base" 2>&1)
[ $? = 3 ] && grep -q 'no linux-source-6.12 of 6.12.1-1 (any more), but of 6.12.7-1; update' <<<"$said"
tap $? "a version that the archive has no more"
tail -n 3 <<<"$said" | sed 's/^/# /'
[ ! -e "$dir/offline/out/$BASE/tree" ] && [ ! -e "$dir/cache/linux-source-7.3.deb" ]
tap $? "nothing half done is left"
tap_end
