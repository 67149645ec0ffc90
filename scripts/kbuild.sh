# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2153
# How a guest kernel is configured, made and installed; for scripts/build and
# the tests that build more than the current tree.

# Clones share the ccache, and nothing of when and where a kernel was built gets
# into it.
# CCACHE_DEPEND: without it every miss is preprocessed twice.
export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
export KBUILD_BUILD_TIMESTAMP='2026-01-01' KBUILD_BUILD_USER=kmod-nft-offload
export KBUILD_BUILD_HOST=localhost KBUILD_BUILD_VERSION=1 LOCALVERSION=
unset KBUILD_OUTPUT ARCH CROSS_COMPILE MAKEFLAGS MAKELEVEL KCONFIG_CONFIG

# fragments GUEST: the parts of configs/ that make its .config
fragments()
{
	case $1 in
	uml) echo flow um smp watch upstream patched ;;
	base) echo flow um smp watch upstream ;;
	uml-debug) echo flow um debug patched ;;
	uml-time) echo flow um time patched ;;
	coverage) echo flow um smp watch upstream patched coverage ;;
	qemu) echo flow smp qemu patched ;;
	mtk) echo flow um smp patched mtk ;;
	mtk-debug) echo flow um debug patched mtk ;;
	mtk-time) echo flow um time patched mtk ;;
	arm64|mips|i386|x86_64|clang) echo flow patched cross ;;
	no-ipv6|ipv6-m) echo flow patched cross "$1" ;;
	esac
}

fragment_files()
{
	fragments "$1" | tr ' ' '\n' | sed "s|.*|$ROOT/configs/&.config|"
}

# arch_of DIR: qemu is not user-mode Linux, and no guest runs the last ones.
arch_of()
{
	case $1 in
	*/qemu|*/x86_64|*/clang|*/no-ipv6|*/ipv6-m) echo x86_64 ;;
	*/arm64|*/mips|*/i386) echo "${1##*/}" ;;
	*) echo um ;;
	esac
}

# compiler_of DIR: what stands before gcc
compiler_of()
{
	case $(arch_of "$1") in
	arm64) echo aarch64-linux-gnu- ;;
	mips) echo mips-linux-gnu- ;;
	esac
}

# The oldest that v7.3 takes is 17; Debian has this one.
CLANG=clang-19

# make_vars DIR: Kconfig has no names for the objects that coverage counts in.
make_vars()
{
	case $1 in
	*/coverage) covered_files | sed 's,.*/,GCOV_PROFILE_,; s,\.c$,.o=y,' ;;
	esac
}

# kmake with these runs sparse, too.  That of Debian 12 does not know
# __typeof_unqual__, and make says a word and goes on without sparse then.
# shellcheck disable=SC2034 # for those who source this
SPARSE=(C=2 "CHECK=sparse -D__typeof_unqual__=__typeof__")

# make_args DIR: what tells one kernel from another of the same configuration
make_args()
{
	local cross cc ccache=

	cross=$(compiler_of "$1")
	cc=${cross}gcc
	[[ $1 != */clang ]] || cc=$CLANG
	! command -v ccache >/dev/null || ccache="ccache "
	printf '%s\n' "ARCH=$(arch_of "$1")" "CROSS_COMPILE=$cross" "CC=$ccache$cc"
	make_vars "$1"
}

# kmake DIR TARGET...: guests that run beside it come first
kmake()
{
	local dir=$1 args

	shift
	mapfile -t args < <(make_args "$dir")
	nice make -s -j"$(nproc)" -C "$TREE" O="$dir" "${args[@]}" "$@"
}

# image_of DIR: the make target, which is also the file.
image_of()
{
	case $(arch_of "$1") in
	um) echo linux ;;
	*) echo vmlinux ;;
	esac
}

# configure_any DIR GUEST: lines that Kconfig does not know are left out, as in
# the middle of a series.
configure_any()
{
	local dir=$1 files

	mapfile -t files < <(fragment_files "$2")
	mkdir -p "$dir" || return
	cat "${files[@]}" >"$dir/fragment" || return
	kmake "$dir" KCONFIG_ALLCONFIG="$dir/fragment" allnoconfig
}

# configure DIR GUEST: Kconfig must take every line.
configure()
{
	local missing

	configure_any "$@" || return
	missing=$(grep -E '^(# )?CONFIG_' "$1/fragment" | grep -vxFf "$1/.config" | paste -sd ' ')
	[ -z "$missing" ] || {
		echo "$ME: this kernel's Kconfig does not accept: $missing; correct configs/" >&2
		return 1
	}
}

# install_kernel DIR NAME
install_kernel()
{
	local dir=$1 dest=$OUT/build/$2

	mkdir -p "$dest"
	rm -rf "$dest-modules"
	kmake "$dir" INSTALL_MOD_PATH="$dest-modules" INSTALL_MOD_STRIP=1 modules_install || return
	[ "$dir/$(image_of "$dir")" -ef "$dest/linux" ] || cp "$dir/$(image_of "$dir")" "$dest/linux"
}

# The other commits are built in the same tree, in a copy of its build
# directory: with the same paths kbuild compiles what differs and no more.
STEPS_DIR=$OUT/steps/uml

steps_at()
{
	if [ ! -d "$STEPS_DIR" ]; then
		mkdir -p "${STEPS_DIR%/*}" &&
			cp -a --reflink=auto "$OUT/build/${STEPS_DIR##*/}" "$STEPS_DIR" || return
	fi
	git -C "$TREE" checkout -q --detach "$1"
}

steps_end()
{
	git -C "$TREE" checkout -q series
}
