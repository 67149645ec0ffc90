#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Usage: scripts/test/kunit.sh
#
# Loads the KUnit modules (*_kunit.ko, the configuration has only ours) in a
# guest of their own (GUEST, default uml) and reads their results from the
# kernel log.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"

export GUEST=${GUEST:-uml}
dir=${RESULTS:-$OUT/results/kunit}
"$ROOT/scripts/build" "$GUEST" >&2 || exit
modules=$(find "$OUT/build/$GUEST-modules" -name '*_kunit.ko' -exec basename {} .ko \;)
if [ -z "$modules" ]; then
	echo '1..0 # SKIP the overlay has no KUnit suite'
	exit 4
fi
mkdir -p "$dir"
# shellcheck disable=SC2016,SC2086 # for the guest; a list
TIMEOUT=${TIMEOUT:-300} "$ROOT/scripts/guest" -o "$dir" /bin/sh -c \
	'for module; do modprobe "$module" || exit 1; done' sh $modules >&2
rc=$?
# KTAP nests by indentation: suite, case, parameter.  Only what has nothing
# below it is a test; what a failing one said stands before it.
sed 's/^\[ *[0-9.]*\] //' "$dir/kernel.log" | awk '
	{
		match($0, /^ */)
		level = RLENGTH / 4
		text = substr($0, RLENGTH + 1)
	}
	text ~ /^# Subtest: / { name[level] = substr(text, 12); said = ""; next }
	level > 0 && /# .*(FAILED|Expected)|^ +[^ #].*(==|!=)/ { said = said "# " text "\n" }
	level > 0 && text ~ /^(not )?ok [0-9]+ / {
		ok = text ~ /^ok/ ? "ok" : "not ok"
		sub(/^(not )?ok [0-9]+ (- )?/, "", text)
		if (text == name[level + 1]) {
			name[level + 1] = ""
			next
		}
		for (i = level; i > 0; i--)
			text = name[i] "." text
		printf "%s%s %d %s\n", ok == "ok" ? "" : said, ok, ++n, text
		said = ""
	}' >"$dir/ktap"
echo "TAP version 13"
cat "$dir/ktap"
tap_n=$(grep -cE '^(not )?ok ' "$dir/ktap")
! grep -q '^not ok' "$dir/ktap" || tap_bad=1
[ "$rc" = 0 ] && [ "$tap_n" -gt 0 ]
tap $? "modules load and report, the kernel log is clean"
echo "1..$tap_n"
tap_end
