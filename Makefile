# SPDX-License-Identifier: GPL-2.0
# The front door: each target is one script, and `SCRIPT --help` tells the
# rest.  make itself exits 2 whenever a recipe fails and prints the script's
# code as "Error N"; who needs the code itself calls the script.

export BASE GUEST SOC MEM CPUS TIMEOUT KVM TIME_TRAVEL T FAST SLOW JOBS SIGNOFF BASE_TREE BASE_PACKAGE BASE_VERSION
export ROUNDS SEED FIRST MINUTES FLOWS SECONDS_EACH REPORT KDIR OPENWRT VER DRY_RUN UNDO

KERNEL := $(or $(GUEST),kernel)

.PHONY: help demo check proof mutants bench coverage kernel shell guest series openwrt kmod deb lint doctor clean distclean
.SILENT:

help:
	echo 'See it work'
	echo '  make demo              client - router in hardware - server, on one screen'
	echo '  make bench             throughput and CPU time: hardware, software, plain; what'
	echo '                         flows in hardware cost the core, and a driver that exists'
	echo '  make shell             root shell in a guest with the patched kernel'
	echo '  make guest RUN=SCRIPT  run any script as root in a fresh guest'
	echo '                         [ARGS="..."] [MEM=1G] [CPUS=2] [TIMEOUT=SEC]'
	echo '                         [GUEST=uml|base|uml-debug|uml-time|qemu|coverage|mtk]'
	echo '                         [BASE=v6.12 GUEST=stock|stock-cloud]'
	echo
	echo 'Test it'
	echo '  make check             all tests; T=PATTERN some of them, FAST=1 the quick ones,'
	echo '                         SLOW=1 really all'
	echo '  make proof             take each fix out: its test must fail without it'
	echo '  make mutants           plant mistakes in the tracker: its test must find them'
	echo '  make lint              what the list will look at: checkpatch, kernel-doc,'
	echo '                         shellcheck; then of each commit build, W=1 and sparse,'
	echo '                         clang, 32 bits, coccicheck, which FAST=1 leaves out'
	echo '  make coverage          which lines of the kernel code the tests run'
	echo
	echo 'Send it'
	echo '  make series            patches for git am; SIGNOFF=1 adds your sign-off'
	echo '  make openwrt OPENWRT=DIR'
	echo '                         the patches for 6.12 into a source tree of OpenWrt'
	echo '                         [VER=6.12] [DRY_RUN=1] [UNDO=1]'
	echo
	echo "Take it to Debian's 6.12"
	echo '  make kmod KDIR=DIR     modules for the kernel with these headers'
	echo '  make deb               the same for DKMS: kmod-nft-offload-dkms'
	echo
	echo 'Build and housekeeping'
	echo '  make kernel            the patched guest kernel and nothing else'
	echo '  make doctor            what this machine has and what it lacks'
	echo '  make clean             remove what is built; the download stays'
	echo '  make distclean         remove all of out/'
	echo
	echo 'Base kernel: BASE=v7.3 or v6.12, or a tree of your own with BASE_TREE=DIR'
	echo 'Exit codes of the scripts: 0 ok, 1 a test failed, 2 usage or missing tool,'
	echo '3 infrastructure, 4 all skipped; make shows them as "Error N"'

demo:
	scripts/doctor --install fetch build guest
	scripts/build demo
	scripts/demo

bench:
	scripts/doctor --install fetch build guest bench
	scripts/build kernel
	scripts/bench
	scripts/bench-flows
	scripts/build mtk
	scripts/bench-mtk

check:
	scripts/doctor --install fetch build guest test lint crc report \
		$(if $(filter v6.12,$(BASE)),kmod dkms) $(if $(filter 1,$(FAST)),,qemu) \
		$(if $(filter 1,$(SLOW))$(findstring cross,$(T)),cross clang) \
		$(if $(filter 1,$(SLOW))$(findstring cocci,$(T)),cocci) \
		$(if $(filter 1,$(SLOW))$(findstring openwrt,$(T)),openwrt)
	scripts/check

proof:
	scripts/doctor --install fetch build guest test
	scripts/proof

mutants:
	scripts/doctor --install fetch build guest test
	scripts/mutants

coverage:
	scripts/doctor --install fetch build guest test coverage
	scripts/coverage

kernel:
	scripts/build kernel

shell:
	scripts/build $(KERNEL)
	scripts/guest

guest:
	[ -n '$(RUN)' ] || { echo 'make guest: name a script: make guest RUN=SCRIPT [ARGS="..."]' >&2; exit 2; }
	scripts/build $(KERNEL)
	scripts/guest '$(RUN)' $(ARGS)

series:
	scripts/series

openwrt:
	scripts/openwrt

kmod:
	scripts/kmod

deb:
	scripts/deb

lint:
	scripts/doctor --install fetch build test lint $(if $(filter 1,$(FAST)),,guest cross clang cocci) \
		$(if $(filter v6.12,$(BASE)),qemu crc kmod)
	scripts/lint
	[ '$(FAST)' = 1 ] || T="series-build series-warn cross coccicheck" scripts/check

doctor:
	scripts/doctor

clean:
	scripts/clean

distclean:
	scripts/clean --all
