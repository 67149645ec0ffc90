# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2153
# How a guest kernel is configured, made and installed; for scripts/build and
# the tests that build more than the current tree.

# Two checkouts at the same relative places share the ccache, and nothing of
# when and where a kernel was built gets into it.
# CCACHE_DEPEND: without it every miss is preprocessed twice.
export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
export KBUILD_BUILD_TIMESTAMP='2026-01-01' KBUILD_BUILD_USER=kmod-nft-offload
export KBUILD_BUILD_HOST=localhost KBUILD_BUILD_VERSION=1 LOCALVERSION=
unset KBUILD_OUTPUT ARCH CROSS_COMPILE MAKEFLAGS MAKELEVEL KCONFIG_CONFIG

# kmake TREE DIR TARGET...
kmake()
{
	local tree=$1 dir=$2 cc=gcc

	shift 2
	! command -v ccache >/dev/null || cc="ccache gcc"
	make -s -j"$(nproc)" -C "$tree" ARCH=um O="$dir" CC="$cc" "$@"
}

# configure_any TREE DIR FRAGMENT...: lines that Kconfig does not know are
# left out, as in the middle of a series.
configure_any()
{
	local tree=$1 dir=$2 fragment

	shift 2
	mkdir -p "$dir" || return
	for fragment; do
		cat "$ROOT/configs/$fragment.config" || return
	done >"$dir/fragment"
	kmake "$tree" "$dir" KCONFIG_ALLCONFIG="$dir/fragment" allnoconfig
}

# configure TREE DIR FRAGMENT...: Kconfig must take every line.
configure()
{
	local missing

	configure_any "$@" || return
	missing=$(grep -E '^(# )?CONFIG_' "$2/fragment" | grep -vxFf "$2/.config" | paste -sd ' ')
	[ -z "$missing" ] || {
		echo "$ME: this kernel's Kconfig does not accept: $missing; correct configs/" >&2
		return 1
	}
}

# install_kernel TREE DIR NAME
install_kernel()
{
	local tree=$1 dir=$2 dest=$OUT/build/$3

	mkdir -p "$dest"
	rm -rf "$dest-modules"
	kmake "$tree" "$dir" INSTALL_MOD_PATH="$dest-modules" INSTALL_MOD_STRIP=1 modules_install || return
	[ "$dir" -ef "$dest" ] || cp "$dir/linux" "$dest/linux"
}

# steps_tree REV: the second checkout, for everything but the current tree.
steps_tree()
{
	local tree=$OUT/steps/tree

	if [ ! -e "$tree/.git" ]; then
		git -C "$TREE" worktree prune
		git -C "$TREE" worktree add -q -f --detach "$tree" "$1"
	else
		git -C "$tree" checkout -q --detach "$1"
	fi
}
