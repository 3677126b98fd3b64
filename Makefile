# sgm.h: `make` lists what there is to make.

CC      ?= cc
CFLAGS  ?= -O2
# into a file of its own: some compilers (tcc) remove what -o names, which as root would be /dev/null
OPENMP   = $(eval OPENMP := $(shell t=$$(mktemp) && { echo 'int main(void){return 0;}' | $(CC) -fopenmp -x c - -o $$t 2>/dev/null && echo -fopenmp; rm -f $$t; }))$(OPENMP)
# a processor without fused multiply-add is served by the SSE2 kernels, which are compiled only where they are asked for
SSE2     = $(eval SSE2 := $(shell test ! -r /proc/cpuinfo || grep -qw fma /proc/cpuinfo || echo -DSGM_SSE2))$(SSE2)
WARN    := -std=c99 -Wall -Wextra -Wpedantic -Wshadow
BUILD    = $(CC) $(WARN) $(CFLAGS) $(OPENMP) $(SSE2) -I.
OUT     := out
VERSION := $(shell sed -n 's/^\#define SGM_VERSION "\(.*\)"/\1/p' sgm.h)

TUTORIALS := $(sort $(basename $(notdir $(wildcard tutorial/[0-9][0-9]_*.c))))
NUMBERS   := $(foreach t,$(TUTORIALS),$(firstword $(subst _, ,$(t))))
EXAMPLES  := $(basename $(notdir $(wildcard examples/*.c)))
# which look inside, and are compiled with all of sgm.h
ALONE     := $(patsubst tutorial/%.c,%,$(shell grep -l sgm__ tutorial/*.c))
LESSONS   := $(filter 0%,$(TUTORIALS))
LABS      := $(shell sed -n 's/^\([0-9][0-9]\)_.*/\1/p' tutorial/course/course.tsv 2>/dev/null)
LESSON    := gcc libc6-dev gnuplot-nox
PACKAGES  := $(LESSON) gdb libstb-dev libcmocka-dev libgsl-dev zlib1g-dev openmpi-bin libopenmpi-dev \
             pkgconf perl python3-jsonschema python3-numpy python3-pip pandoc clang lld wasi-libc \
             libclang-rt-14-dev-wasm32 chromium bsdutils gfortran

.PHONY: bench-tables always sweep settings threads help setup setup-peers peer-files tour examples mpi test bench plots report book book.pdf web playground readme strict portable asan samebits defaults clean $(NUMBERS) $(NUMBERS:%=watch%) $(NUMBERS:%=step%) $(TUTORIALS)
.DELETE_ON_ERROR:
.PHONY: api sgm fuzz-command install uninstall deb packages-check python-check export-check
.PHONY: setup-lesson lesson lessons film dist labs labs-pictures looks-right grade labs-selftest labs-portable handout handout-pages handout-teacher $(LABS:%=lab%) $(LABS:%=watchlab%) $(LABS:%=hint%)

help: ## this list
	@echo "sgm.h $(VERSION): score-based generative models in one C99 header"; echo
	@sed -n 's/^\([a-z.-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22
	@for t in $(TUTORIALS); do printf '  make %s            %s\n' $${t%%_*} tutorial/$$t.c; done
	@echo; echo "  make lab08 begins assignment 8 in labs/, or checks what you have; make watchlab08 checks whenever you save,"
	@echo "  make hint08 shows the next of three hints."
	@echo "  make watch14 builds, runs and draws proof 14 again whenever you save it; make step14 walks through it in gdb,"
	@echo "  from equation to equation."; echo "  MODE=study is what a student runs (the default of lessons), MODE=full what a proof's text is about, MODE=test a smoke test;"; echo "  each has its folder in out. SGM_SEED=n changes the random numbers, V=1 prints the table of checks,"
	@echo "  SGM_ISA=ref|sse2|avx2|avx512|neon forces a set of kernels, OMP_NUM_THREADS=n the threads."

setup-lesson: ## install what the lessons need (Debian packages: compiler, gnuplot; half a minute)
setup-lesson: PACKAGES := $(LESSON)

setup: ## install what everything needs (Debian packages: also gdb, cmocka, GSL, Open MPI, gfortran, pandoc, clang, Chromium)

setup setup-lesson:
	@missing=""; for p in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then echo "setup: nothing is missing"; exit 0; fi; \
	root=; [ "$$(id -u)" = 0 ] || { sudo -n true 2>/dev/null && root=sudo; } || root=none; \
	command -v apt-get >/dev/null || root=none; \
	if [ "$$root" = none ]; then \
	  echo "setup: missing:$$missing"; \
	  echo "setup: as root, run: apt-get install$$missing"; \
	  echo "setup: going on without; pictures need gnuplot, tests need cmocka and GSL, the book needs pandoc"; exit 0; fi; \
	echo "setup: installing$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ $$root apt-get update -qq && $$root apt-get install -y -qq --no-install-recommends $$missing; } >$(OUT)-setup.log 2>&1 \
	  && { rm -f $(OUT)-setup.log; echo "setup: done"; } \
	  || { echo "setup: apt-get failed; its last words:"; tail -5 $(OUT)-setup.log; }

setup-peers: ## install what `make bench` compares with (OpenBLAS, PyTorch, JAX, sbgm: several GB)
	@tests/bench/setup_peers.sh

# sgm.h is compiled once; a tutorial is compiled in a moment and linked with it. (It is a whole program too: cc
# tutorial/14_circle.c -lm.) With another compiler or other flags than the last time, all is compiled again.
$(OUT)/flags: always
	@mkdir -p $(@D); echo '$(BUILD)' | cmp -s - $@ || echo '$(BUILD)' >$@

$(OUT)/sgm.o: sgm.h $(OUT)/flags
	@printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n' >$(OUT)/sgm.c
	$(BUILD) -c $(OUT)/sgm.c -o $@

$(ALONE:%=$(OUT)/bin/%): $(OUT)/bin/%: tutorial/%.c tutorial/tutorial.h tutorial/statistics.h sgm.h $(OUT)/flags
	@mkdir -p $(@D)
	$(BUILD) $< -o $@ -lm

$(OUT)/bin/%: tutorial/%.c tutorial/tutorial.h tutorial/statistics.h tutorial/picture.h $(OUT)/sgm.o
	@mkdir -p $(@D)
	$(BUILD) -DSGM_LINKED $< $(OUT)/sgm.o -o $@ -lm

$(OUT)/bin/%: examples/%.c sgm.h $(OUT)/flags
	@mkdir -p $(@D)
	$(BUILD) $< -o $@ -lm

define tutorial_rules
$(firstword $(subst _, ,$(1))): $(1)
$(1): $(OUT)/bin/$(1)
	@./$(OUT)/bin/$(1); status=$$$$?; [ $$$$status -gt 1 ] || plots/draw.sh $(1) || exit 1; exit $$$$status
watch$(firstword $(subst _, ,$(1))):
	@tutorial/watch.sh $(1)
step$(firstword $(subst _, ,$(1))): $(OUT)/step/$(1)
	@SGM_STEP=$(1) gdb -q -x tutorial/step.py $$<
endef
$(foreach t,$(filter-out 00_micro,$(TUTORIALS)),$(eval $(call tutorial_rules,$(t))))

# lesson 00 does without sgm.h, so nothing else is compiled for it; it is told its folder
00: 00_micro
00_micro: $(OUT)/bin/00_micro
	@case $${MODE:-study} in test|study|full) ;; *) echo "error: MODE=$$MODE: a mode is test, study or full" >&2; exit 2 ;; esac; \
	seed=$${SGM_SEED:-1}; case $$seed in *[!0-9]*) seed= ;; esac; if [ -z "$$seed" ] || [ "$${#seed}" -gt 20 ]; then \
	  echo "error: SGM_SEED=$$SGM_SEED: a seed is a whole number from 0 to 18446744073709551615" >&2; exit 2; fi; \
	dir=$${SGM_OUT:-out}/$${MODE:-study}/00_micro; mkdir -p "$$dir" && "./$<" "$$dir" && plots/draw.sh 00_micro
$(OUT)/bin/00_micro: tutorial/00_micro.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(CFLAGS) $< -o $@ -lm
watch00:
	@tutorial/watch.sh 00_micro
step00: $(OUT)/step/00_micro
	@SGM_STEP=00_micro gdb -q -x tutorial/step.py $<
try00.%: $(OUT)/flags
	@tutorial/try.pl 00.$* '$(BUILD)' $(OUT)

try%: $(OUT)/sgm.o
	@tutorial/try.pl $* '$(BUILD)' $(OUT)

$(OUT)/step/%: tutorial/%.c tutorial/tutorial.h tutorial/statistics.h tutorial/picture.h $(OUT)/step/sgm.o
	@$(CC) $(WARN) -g -O0 -I. $(if $(filter $*,$(ALONE)),,-DSGM_LINKED $(OUT)/step/sgm.o) $< -o $@ -lm

$(OUT)/step/sgm.o: sgm.h
	@mkdir -p $(@D); printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n' >$(OUT)/step/sgm.c
	@$(CC) $(WARN) -g -O0 -I. -c $(OUT)/step/sgm.c -o $@

lesson: ## the first lesson: a whole model without the library, its figure, and what to do next
	@MODE=study $(MAKE) --no-print-directory $(firstword $(LESSONS))
	@echo; figure=$$(ls "$${SGM_OUT:-out}"/study/$(firstword $(LESSONS))/*.png 2>/dev/null | head -1); \
	echo "figure: $${figure:-not drawn, for there is no gnuplot: make setup-lesson}"; \
	echo "now change a line: the last comment of tutorial/$(firstword $(LESSONS)).c says which; make try00.1 makes the first in a copy"; \
	echo "then: make $(word 2,$(NUMBERS)) (tutorial/$(word 2,$(LESSONS)).c), and so on; make lessons runs them all"

lessons: ## all lessons as a student runs them, with their figures
	@failed=0; for t in $(LESSONS); do MODE=study $(MAKE) --no-print-directory $$t || failed=1; echo; done; exit $$failed

# The course. lab.c builds, checks, draws and grades; cut.pl writes what the students' files are linked with.
GRADER = $(OUT)/bin/lab -c tutorial/course -b $(OUT)/labs

$(OUT)/bin/lab: tutorial/course/lab.c $(OUT)/flags
	@mkdir -p $(@D)
	@$(CC) $(WARN) -O1 $< -o $@

$(OUT)/labs/library.c: sgm.h tutorial/course/cut.pl tutorial/course/course.tsv
	@tutorial/course/cut.pl build $(@D) && touch $@

labs: $(OUT)/bin/lab $(OUT)/labs/library.c ## the course: its assignments, and how far you are (make lab01 begins the first)
	@$(GRADER)

# an answer that is not right yet is no failure of make
$(LABS:%=lab%): lab%: $(OUT)/bin/lab $(OUT)/labs/library.c
	@$(GRADER) $* || test $$? = 1

$(LABS:%=watchlab%): watchlab%: $(OUT)/bin/lab $(OUT)/labs/library.c
	@$(GRADER) watch $*

$(LABS:%=hint%): hint%: $(OUT)/bin/lab $(OUT)/labs/library.c
	@$(GRADER) hint $*

# of what only the model answer gives: the student's own figures lie beside the student's data
labs-pictures: $(OUT)/bin/lab $(OUT)/labs/library.c ## draw the course's figures from its model answers; the book shows them
	@mkdir -p $(OUT)/labs/pictures; failed=0; for t in $(notdir $(wildcard tutorial/course/[0-9][0-9]_*)); do n=$${t%%_*}; \
	  tutorial/course/cut.pl answer $$n $(OUT)/labs && $(GRADER) $$n $(OUT)/labs/$$t/answer.c >$(OUT)/labs/$$t/said && \
	  mv $(OUT)/labs/$$t/$$t.png $(OUT)/labs/pictures/ || { failed=1; echo "labs-pictures: $$t:"; tail -5 $(OUT)/labs/$$t/said; }; done; \
	[ ! -f tutorial/course/looks_right.sh ] || tutorial/course/looks_right.sh $(OUT)/labs/pictures || failed=1; \
	ls $(OUT)/labs/pictures/*.png; exit $$failed

looks-right: $(OUT)/labs/library.c ## nine wrong reverse steps that no picture tells from the right one, for teachers
	@CC='$(CC)' tutorial/course/looks_right.sh $(OUT)/labs/pictures

grade: $(OUT)/bin/lab $(OUT)/labs/library.c ## all answers in DIR=...; FORMAT=tap|gradescope|exercism, TO=FILE, ONLY="01 08", NAME=..., HIDDEN=...
	@$(GRADER) grade '$(or $(DIR),labs)' $(ONLY) $(if $(FORMAT),-f $(FORMAT)) $(if $(TO),-o '$(TO)') \
	  $(if $(NAME),--name '$(NAME)') $(if $(HIDDEN),--hidden '$(HIDDEN)')

labs-selftest: $(OUT)/labs/library.c ## the assignments tested: blank 0, library 100, each mistake named, mutants (LAB="01 08": these)
	@tutorial/course/selftest.pl '$(CC)' $(OUT)/labs $(LAB)

labs-portable: ## the archive for students with other compilers and machines, all blanks and answers (SYSTEM="tcc windows": these)
	@tests/course_portable.sh $(SYSTEM)

# the pages, where they can be woven; for students of the header without what they are to write
handout-pages:
	@if command -v pandoc >/dev/null; then $(MAKE) -s --no-print-directory labs-pictures book >/dev/null && \
	  HEADER=$(OUT)/labs/sgm.h perl tutorial/book/weave.pl $(OUT) >/dev/null; \
	else echo "handout: without pages, for there is no pandoc: make setup installs it"; fi

handout: $(OUT)/labs/library.c handout-pages ## the course for students, in one archive that needs only a C compiler: out/handout
	@BUILT=$(OUT)/labs BOOK=$(OUT)/handout-book tutorial/course/handout.sh $(OUT)/handout

handout-teacher: $(OUT)/labs/library.c handout-pages ## the same with answers, wrong answers and the platforms' files
	@BUILT=$(OUT)/labs BOOK=$(OUT)/book tutorial/course/handout.sh $(OUT)/handout teacher

# 25's figure is drawn again, when all have written what their samples cost
tour: ## run every lesson, and every proof at full scale, draw every figure, write out/report.html and map.html
	@mkdir -p $(OUT); failed=0; start=$$(date +%s); \
	for t in $(TUTORIALS); do $(MAKE) --no-print-directory $$t || failed=1; echo; done; \
	plots/draw.sh 25_speed >/dev/null; \
	plots/report.pl >$(OUT)/report.html; plots/claims.pl $(OUT)/$(or $(MODE),full) page >$(OUT)/map.html || failed=1; \
	echo "tour: $$(( $$(date +%s) - start )) s; open $(OUT)/report.html"; exit $$failed

examples: $(EXAMPLES:%=$(OUT)/bin/%) ## build the examples into out/bin

# Open MPI's compiler is a wrapper around ours
$(OUT)/bin/mpi/%: examples/mpi/%.c examples/mpi/common.h examples/mpi/share.h $(OUT)/sgm.o
	@mkdir -p $(@D)
	OMPI_CC='$(CC)' mpicc $(WARN) $(CFLAGS) $(OPENMP) -I. -DSGM_LINKED $< $(OUT)/sgm.o -o $@ -lm

mpi: $(OUT)/bin/mpi/train $(OUT)/bin/mpi/sample ## training and sampling on several machines, into out/bin/mpi (Open MPI)

plots: ## draw the figures of all lessons and proofs that have been run
	@for t in $(TUTORIALS); do case $$t in 0*) m=study ;; *) m=full ;; esac; \
	  [ ! -d $(OUT)/$${MODE:-$$m}/$$t ] || plots/draw.sh $$t; done

api: $(OUT)/sgm_api.json ## Part I for machines: every function, type, field, value and macro as JSON, out/sgm_api.json

$(OUT)/sgm_api.json: sgm.h examples/packages/api.pl
	@mkdir -p $(@D); perl examples/packages/api.pl write sgm.h >$@ && echo $@

# What is installed where: examples/packages/install.sh. The folders are below PREFIX, as Debian's LIBDIR=lib/x86_64-linux-gnu.
PREFIX     ?= /usr/local
BINDIR     ?= bin
INCLUDEDIR ?= include
LIBDIR     ?= lib
DATADIR    ?= share
MANDIR     ?= share/man
DOCDIR     ?= share/doc/sgm
INSTALL     = PREFIX='$(PREFIX)' BINDIR='$(BINDIR)' INCLUDEDIR='$(INCLUDEDIR)' LIBDIR='$(LIBDIR)' DATADIR='$(DATADIR)' MANDIR='$(MANDIR)' \
              DOCDIR='$(DOCDIR)' DESTDIR='$(DESTDIR)' CC='$(CC)' OUT='$(OUT)' VERSION='$(VERSION)' examples/packages/install.sh

# of an object that a shared library can take in, too
$(OUT)/lib/sgm.o: examples/packages/sgm.c sgm.h $(OUT)/flags
	@mkdir -p $(@D)
	$(BUILD) -fPIC -c $< -o $@

$(OUT)/lib/libsgm.a: $(OUT)/lib/sgm.o
	@rm -f $@; $(AR) rcs $@ $<

sgm: $(OUT)/sgm ## the command sgm: a table or pictures learnt, sampled, asked (examples/sgm.1): out/sgm

# it looks inside, for what it exports, and is compiled with all of sgm.h
$(OUT)/sgm: examples/sgm.c $(wildcard examples/sgm/*.h examples/*.h examples/export/*.h) sgm.h $(OUT)/flags
	$(BUILD) $< -o $@ -lm

install: $(OUT)/lib/libsgm.a $(OUT)/sgm_api.json $(if $(wildcard examples/sgm.c),$(OUT)/sgm) ## header, library, pkg-config, CMake and the command under PREFIX (/usr/local), inside DESTDIR
	@$(INSTALL) install

uninstall: ## remove what `make install` has put there, with the same PREFIX and DESTDIR
	@$(INSTALL) uninstall

# the tree as it is, without what is made
deb: ## Debian packages, by dpkg-buildpackage, into out/deb (dpkg-dev, debhelper)
	@command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null || { echo "deb: needs dpkg-dev and debhelper: apt-get install dpkg-dev debhelper"; exit 1; }
	@rm -rf $(OUT)/deb; mkdir -p $(OUT)/deb/sgm-$(VERSION)
	@tar -c --exclude=./out --exclude=./.git --exclude=./labs . | tar -x -C $(OUT)/deb/sgm-$(VERSION)
	@cp -r examples/packages/debian $(OUT)/deb/sgm-$(VERSION)/debian
	@cd $(OUT)/deb/sgm-$(VERSION) && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS dpkg-buildpackage -us -uc -b >../build.log 2>&1 || { tail -20 ../build.log; exit 1; }
	@rm -rf $(OUT)/deb/sgm-$(VERSION); ls $(OUT)/deb/*.deb

packages-check: $(OUT)/sgm.o ## CMake, Meson, Conan, vcpkg, Debian: each builds a program in a folder of its own (skipped where it is not here)
	@tests/packages.sh $(OUT) all

report: ## write out/report.html and out/map.html (idea, equation, function, row) from what is in out/
	@export SGM_OUT="$${SGM_OUT:-$(OUT)}"; mkdir -p "$$SGM_OUT"; plots/report.pl >"$$SGM_OUT/report.html" && echo "$$SGM_OUT/report.html"; \
	plots/claims.pl "$$SGM_OUT/$(or $(MODE),full)" page >"$$SGM_OUT/map.html" && echo "$$SGM_OUT/map.html"

book: ## header, lessons, proofs and widgets as pages that link to one another: out/book/index.html (pandoc, clang)
	@if why=$$(tutorial/web/build.sh check 2>&1); then $(MAKE) -s --no-print-directory web >/dev/null; \
	else echo "book: without widgets: $$why"; fi
	@perl tutorial/book/weave.pl $(OUT)

book.pdf: ## the same for paper, without proofs and workshop: out/book.pdf (pandoc, Chromium)
	@perl tutorial/book/weave.pl $(OUT) pdf

playground: $(OUT)/playground.html ## a score that learns beside the exact one, in one page: out/playground.html (clang)
	@echo $<

$(OUT)/playground.html: $(wildcard tutorial/web/*.* tutorial/web/playground/*) sgm.h
	@mkdir -p $(OUT)/web; tutorial/web/build.sh tutorial/web/playground/play.c $(OUT)/web/play.wasm
	@tutorial/web/pack.pl tutorial/web/playground/playground.html tutorial/web $(OUT)/web >$@

film: $(OUT)/bin/film ## the film at the top of README.md, into out/film
	@mkdir -p $(OUT)/film && $(OUT)/bin/film >$(OUT)/film/frames.dat && \
	gnuplot -e "dir='$(OUT)/film'" plots/readme_circle.gp && echo $(OUT)/film/readme_circle.gif

dist: ## a release: the last commit's header, lessons and book in out/dist/sgm-VERSION.tar.gz
	@plots/dist.sh $(OUT)/dist

readme: ## the last full run's numbers into README.md, its figures into plots/gallery
	@plots/readme.pl

test: ## all tests: chapters, lessons and their exercises, proofs (MODE=test), examples, prose, compilers' warnings
	@tests/run.sh

strict: ## silence under all warnings, as built: two files, twice, static, without its parts
	@tests/strict.sh

portable: ## other compilers, flags, file names, macros, Windows: built silently or refused by one #error
	@FULL=1 tests/portable.sh

asan: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@SANITIZE=1 tests/run.sh

sweep: ## every method, grid, family, end, inverse method, guidance, objective and network together
	@mkdir -p $(OUT)/bin && $(CC) $(WARN) -O2 -I. tests/sweep.c -o $(OUT)/bin/sweep -lm && $(OUT)/bin/sweep

settings: ## every field of every option at odd values, alone and in pairs, under ASan and UBSan
	@mkdir -p $(OUT)/bin && $(CC) $(WARN) -std=gnu99 -g -O1 -fsanitize=address,undefined \
	  -fno-sanitize-recover=undefined -I. tests/settings.c -o $(OUT)/bin/settings -lm && $(OUT)/bin/settings $(or $(EVERY),7)

fuzz-command: ## the command's options, values and files at random, under ASan and UBSan (RUNS=10000, SEED=1)
	@mkdir -p $(OUT)/bin && $(CC) $(WARN) -g -O1 -fsanitize=address,undefined tests/fuzz/command.c -o $(OUT)/bin/fuzz-command -lm \
	  && $(OUT)/bin/fuzz-command $(or $(RUNS),10000) $(or $(SEED),1)

threads: ## 2 to 8 threads on everything that is const, under ThreadSanitizer
	@mkdir -p $(OUT)/bin && $(CC) $(WARN) -g -O1 -fsanitize=thread -pthread -I. tests/threads.c -o $(OUT)/bin/threads -lm \
	  && $(OUT)/bin/threads

export-check: ## models exported as C and WebAssembly: every network, compiler, level and fault (make test runs a part)
	@tests/export.sh all

samebits: ## one hash over compilers, levels, instruction sets, threads and ranks (STORE=1: stored)
	@STORE=$(STORE) tests/samebits.sh $(if $(filter-out 0,$(QUICK)),quick)

peer-files: ## safetensors, both ways, against its Python package (skipped if that is not here)
	@mkdir -p $(OUT)/bin && $(CC) $(WARN) -O1 -I. tests/safetensors_peer.c -o $(OUT)/bin/safetensors_peer -lm
	@command -v python3 >/dev/null || { echo "peer-files: skipped, no python3"; exit 0; }; \
	python3 tests/safetensors_peer.py $(OUT)/bin/safetensors_peer

python-check: $(OUT)/sgm ## the Python package in a fresh environment with what PyPI has, and scikit-learn's check_estimator
	@mkdir -p $(OUT); CC='$(CC)' tests/python.sh $(OUT) all

bench-tables: ## sgm_fit beside four density estimators on eight tables, half an hour: plots/tables.md
bench-tables: $(OUT)/bin/tables
	@p=$(OUT)/tables-peers/bin/python; [ -x "$$p" ] || { python3 -m venv $(OUT)/tables-peers && \
	  $(OUT)/tables-peers/bin/pip install -q -r tests/bench/tables/requirements.txt; } && \
	  nice -n 5 "$$p" tests/bench/tables/run.py --jobs 2
$(OUT)/bin/tables: tests/bench/tables/tables.c $(OUT)/sgm.o
	@mkdir -p $(@D)
	$(BUILD) -DSGM_LINKED $< $(OUT)/sgm.o -o $@ -lm

bench: ## speed beside the peers that are installed, on a machine at rest: table and out/bench.tsv
	@tests/bench/run.sh

defaults: ## the recipe of hello with nothing else set, on laws that are known, d = 1 to 256 (an hour)
	@mkdir -p $(OUT)/bin
	@$(BUILD) tests/defaults.c -o $(OUT)/bin/defaults -lm && $(OUT)/bin/defaults

web: $(OUT)/web/widgets.js $(OUT)/playground.html ## the book's widgets and the playground: sgm.h for the browser

$(OUT)/web/widgets.js: $(wildcard tutorial/web/*.* tutorial/web/widgets/*) sgm.h
	@mkdir -p $(@D); tutorial/web/build.sh check && tutorial/web/widgets/build.sh $(@D) && echo $(@D)/widgets.html

clean: ## remove out/
	rm -rf $(OUT)
