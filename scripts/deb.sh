# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Debian packages from the archive that this machine already uses, through a
# private apt state: apt checks signature and hashes, the machine's own apt
# configuration stays as it is.  For scripts/fetch-base, scripts/crc and
# scripts/build stock.

# releases PATTERN: URI and suite of those of the machine's apt sources, one per
# line.  Without apt lists (a fresh container) RELEASE is what sources.list says.
releases()
{
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME)' \
		'Created-By: Packages' |
		awk -v like="^($1)\$" '$2 ~ like || $3 ~ like { print $1, $2 }' | uniq
}

# sources [SUITE]: that suite beside the machine's own release, or else all
# suites of the latter.
sources()
{
	local own uri

	# shellcheck source=/dev/null
	own=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	if [ -n "${1-}" ]; then
		uri=$(releases "$own" | sed 's/ .*//; q')
		[ -z "$uri" ] || echo "deb $uri $1 main"
	else
		releases "$own(-updates|-security)?" | sed 's/.*/deb & main/'
	fi
}

# private_apt [SUITE]: for the apt tools of the caller from here on.
private_apt()
{
	local dir=$CACHE/apt list

	command -v apt-get >/dev/null ||
		die 3 "this machine has no apt-get to fetch packages with; use BASE_TREE=dir with a kernel tree of your own"
	list=$(sources "${1-}")
	[ -n "$list" ] || die 3 "apt names no Debian archive of this machine's release; use BASE_TREE=dir"
	rm -rf "$dir"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	echo "$list" >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-CONF
		Dir::State "$dir";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "-";
		Acquire::Languages "none";
		APT::Update::Error-Mode "any";
		APT::Sandbox::User "$(id -un)";
	CONF
	export APT_CONFIG=$dir/apt.conf
	apt-get -q update || die 3 "apt-get update failed for ${1:-this release} (see above); check the network, or use BASE_TREE=dir"
}

# cached_deb NAME [VERSION]: the first one in the cache that is called
# NAME_[VERSION_]*.deb
cached_deb()
{
	local sum

	for sum in "$CACHE/$1_${2:+$2_}"*.deb.sha256; do
		[ -f "$sum" ] || continue
		if (cd "$CACHE" && sha256sum --status -c "$sum"); then
			echo "${sum%.sha256}"
			return
		fi
		echo "$ME: ${sum%.sha256} is damaged, fetching it again" >&2
		rm -f "$sum" "${sum%.sha256}"
	done
	return 1
}

# download_deb PACKAGE [VERSION]: into the cache; after private_apt.
download_deb()
{
	local deb has

	has=$(apt-cache madison "$1" | awk '{ print $3 }')
	[ -z "${2-}" ] || grep -qxF "$2" <<<"$has" ||
		die 3 "the archive has no $1 of $2 (any more), but ${has:+of }$(paste -sd ' ' <<<"${has:-none at all}"); update and boot the kernel of that version, or put the file of the package into $CACHE and, with .sha256 behind its name, what sha256sum says of it there"
	(cd "$CACHE/apt" && apt-get -q download "$1${2:+=$2}") ||
		die 3 "cannot download $1 (see above); check network and disk"
	for deb in "$CACHE/apt/$1"_*.deb; do
		mv "$deb" "$CACHE/" && (cd "$CACHE" && sha256sum "${deb##*/}" >"${deb##*/}.sha256")
	done
	cached_deb "$1" "${2-}" >/dev/null || die 3 "the download of $1 is not complete; run again"
}
