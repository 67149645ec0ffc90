# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Shared by all scripts, which source it first:
#	. "$(dirname "$0")/lib.sh"
# It answers -h, fixes the variables that all of them use, and holds the few
# helpers that more than one of them needs.

set -uo pipefail

ME=${0##*/}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BASE=${BASE:-v7.3}
OUT=$ROOT/out/$BASE
TREE=$OUT/tree
GUESTS="uml base uml-debug uml-time qemu coverage mtk mtk-debug mtk-time"
# Of a vendor's kernel there is that kernel, in two flavours, and no other.
[ "$BASE" != v6.12 ] || GUESTS="stock stock-cloud"
CACHE=${NFT_OFFLOAD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/kmod-nft-offload}

# The trees under out/ are generated: the user's git settings must not change
# what is in them, and who runs this (sudo or not) must not matter to git.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY
USER_GIT_CONFIG=${USER_GIT_CONFIG-${GIT_CONFIG_GLOBAL-}}
export USER_GIT_CONFIG GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export LC_ALL=C

# die CODE WHAT: WHY; what to do.
die()
{
	local code=$1

	shift
	echo "$ME: $*" >&2
	exit "$code"
}

# The comment at the head of a script is its help.
usage()
{
	sed -n '/^# SPDX/d; 2,/^[^#]*$/s/^# \{0,1\}//p' "$0"
}

# need GROUP...: the tools that this script is about to use.
need()
{
	"$ROOT/scripts/doctor" --need "$@" || exit
}

# need_space DIR MB WHAT
need_space()
{
	local free

	mkdir -p "$1" || die 3 "cannot write to $1; fix its permissions or work elsewhere"
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] ||
		die 3 "$3 needs $2 MB in $1, free are $free MB; make room there or work elsewhere"
}

# lock NAME: one process at a time per tree and its build directories (`tree`
# or `steps`).  Children of the holder run under its lock.
lock()
{
	[[ " ${NFT_OFFLOAD_LOCKED-} " != *" $1 "* ]] || return 0
	mkdir -p "$OUT" || die 3 "cannot create $OUT; the checkout must be writable"
	exec 9>"$OUT/.lock-$1"
	if ! flock -n 9; then
		echo "$ME: waiting for another build in this checkout" >&2
		flock 9
	fi
	export NFT_OFFLOAD_LOCKED="${NFT_OFFLOAD_LOCKED-} $1"
}

mmss()
{
	printf '%02d:%02d' $(($1 / 60)) $(($1 % 60))
}

# step WHAT CMD...: one progress line; what CMD says goes to a log, its end is
# shown when it fails.  STEPS is the number of steps to come.
STEP=0
STEPS=1
LOG=$OUT/log/$ME.log
step()
{
	local what=$1 start=$SECONDS pid rc head

	shift
	STEP=$((STEP + 1))
	head="[step $STEP/$STEPS"
	mkdir -p "${LOG%/*}" || die 3 "cannot write the log $LOG; the checkout must be writable"
	[ "$STEP" -gt 1 ] || : >"$LOG"
	echo "=== $what: $*" >>"$LOG"
	# A process group of its own, so that an interrupt ends all of make.
	set -m
	"$@" >>"$LOG" 2>&1 </dev/null 9>&- &
	pid=$!
	set +m
	trap 'kill -- -$pid 2>/dev/null; exit 130' INT TERM HUP
	if [ -t 1 ]; then
		while kill -0 "$pid" 2>/dev/null; do
			printf '\r%s %s] %s ' "$head" "$(mmss $((SECONDS - start)))" "$what"
			sleep 0.5
		done
		printf '\r'
	fi
	wait "$pid"
	rc=$?
	trap - INT TERM HUP
	printf '%s %s] %s%s\n' "$head" "$(mmss $((SECONDS - start)))" "$what" \
		"$([ "$rc" = 0 ] || echo ': FAILED')"
	[ "$rc" = 0 ] && return
	echo "--- last lines of $LOG" >&2
	tail -n 20 "$LOG" >&2
	return "$rc"
}

bases()
{
	(cd "$ROOT/hooks" && printf '%s\n' v*) | paste -sd ' '
}

# What the project adds to a kernel: files at their kernel paths.
overlay_files()
{
	local dir

	for dir in include net drivers Documentation tools/testing/selftests; do
		[ ! -d "$ROOT/$dir" ] || (cd "$ROOT" && find "$dir" \
			-name __pycache__ -prune -o -type f ! -name '*~' \
			! -name '.*.sw?' ! -name '*.orig' ! -name '*.rej' -print)
	done | sort
}

# What differs on a base that is older than what the overlay was written for, as
# PATH.patch in compat/$BASE: these PATHs.  See series/README.
compat_files()
{
	[ ! -d "$ROOT/compat/$BASE" ] || (cd "$ROOT/compat/$BASE" && find . -name '*.patch') |
		sed 's,^\./,,; s,\.patch$,,' | sort
}

# The model of MediaTek's frame engine, which is in no series
MODEL=$ROOT/tools/testing/mtk_fe

model_files()
{
	(cd "$ROOT" && find tools/testing/mtk_fe -type f ! -name '*~' | sort)
}

# build_model DIR NAME: the model for the kernel that is built in DIR and installed
# as NAME, and a devicetree for each SoC that it models.  What is in the model's
# directory then is out of place: it goes to DIR.  Needs kbuild.sh, which is part of
# what kernels are known by.
build_model()
{
	local dir=$1 name=$2 dts soc

	rm -rf "$dir/mtk_fe"
	cp -r "$MODEL" "$dir/mtk_fe" || return
	for dts in "$MODEL"/*.dts; do
		soc=$(basename "$dts" .dts)
		"$dir/scripts/dtc/dtc" -O dtb -o "$dir/$soc.dtb" "$dts" || return
	done
	kmake "$dir" "M=$dir/mtk_fe" modules &&
		kmake "$dir" "M=$dir/mtk_fe" INSTALL_MOD_STRIP=1 \
			INSTALL_MOD_PATH="$OUT/build/$name-modules" modules_install
}

# Of the overlay the code of the kernel, without its KUnit tests, and without what
# only the guest mtk has.
covered_files()
{
	overlay_files | grep -E '^(net|drivers)/.*\.c$' | grep -vE '/tests/|kunit|_trace\.c$|^net/dsa/'
}

# What this base goes without, as the words of one line: hooks, commits as
# SUB-SERIES/NN-x, and sub-series with a / behind.  With UPSTREAM_ONLY empty the
# functions below tell of all.
UPSTREAM_ONLY=$(sed 's/#.*//; s/[[:space:]].*//; /^$/d' \
	"$ROOT/hooks/$BASE/upstream-only" 2>/dev/null | paste -sd ' ')

# The sub-series in stacking order, one per line: NAME PREFIX
sub_series()
{
	[ ! -f "$ROOT/series/order" ] ||
		sed 's/#.*//; s/^[[:space:]]*//; /^$/d' "$ROOT/series/order" |
			awk -v skip=" $UPSTREAM_ONLY " '!index(skip, " " $1 "/ ")'
}

# The commits of a sub-series in order, each a file; without those of which
# nothing is left here.
commits_of()
{
	local file

	for file in "$ROOT/series/$1"/[0-9]*.txt; do
		[[ " $UPSTREAM_ONLY " != *" $1/$(basename "$file" .txt) "* ]] || continue
		if [ -z "$UPSTREAM_ONLY" ] || [ ! -f "$file" ] ||
		   [ -n "$(entries overlay "$file")$(entries hook "$file")" ]; then
			echo "$file"
		fi
	done
}

# Those of all.
commit_files()
{
	local name

	while read -r name _; do
		commits_of "$name"
	done < <(sub_series)
}

# The entries of kind overlay, hook or proof of the commits in order.
entries()
{
	local kind=$1

	shift
	awk -v kind="$kind:" -v skip=" $UPSTREAM_ONLY " 'FNR == 1 { list = 0 }
		$0 == "---" { list = 1; next }
		list && $1 == kind && !index(skip, " " $2 " ") {
			sub(/^[^ ]* /, ""); print
		}' "$@" /dev/null
}

# Files of the overlay that this base has
base_overlay()
{
	local commits

	mapfile -t commits < <(commit_files)
	entries overlay "${commits[@]}" | sort
}

# TAP for the tests in scripts/test: tap_plan N, then per test
# tap RC NAME or tap_skip NAME REASON, at the end tap_end.
tap_n=0
tap_bad=0
tap_plan()
{
	printf 'TAP version 13\n1..%d\n' "$1"
}

tap()
{
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n $2"
	else
		echo "not ok $tap_n $2"
		tap_bad=1
	fi
}

tap_skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n $1 # SKIP $2"
}

tap_end()
{
	exit "$tap_bad"
}

case ${1-} in
-h|--help)
	usage
	exit 0
	;;
esac
case $ROOT in
*[[:space:],:\"\']*)
	die 2 "the checkout is in '$ROOT'; a kernel cannot be built below a path with spaces, commas, colons or quotes: move the checkout"
	;;
esac
[[ $BASE == v* && $BASE != */* && -d $ROOT/hooks/$BASE ]] ||
	die 2 "BASE=$BASE is not known; known: $(bases)"
