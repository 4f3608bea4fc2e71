# Condense: `make help` lists the targets.

BUILD ?= build
ifeq ($(origin CC),default)
  CC := gcc
endif
PREFIX ?= /usr/local

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers
PACKAGES := sqlite3 libcjson gsl libjpeg libpng zlib libmd libcpuinfo libprotobuf-c
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE $(CFLAGS) $(WARNINGS) -fopenmp-simd -Iengine/include -Iengine -Iharness -I. $(PACKAGE_CFLAGS) $(SANITIZE)
LIBS = $(PACKAGE_LIBS) -lcsv -ldnnl -lgomp -lXNNPACK -lpthreadpool -lm -lpthread -ldl

# SAN=1 builds everything with the address and undefined-behaviour sanitizers, in a folder of its own.
ifeq ($(SAN),1)
  SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
  OBJ := $(BUILD)/san
  KERNEL_OPTIMIZATION := -O1 # the checks in unrolled loops take a compiler minutes otherwise
else
  OBJ := $(BUILD)/obj
  KERNEL_OPTIMIZATION := -O3 -fno-tree-slp-vectorize # kernels name their vectors themselves
endif

# Before set-up there may be no compiler to ask.
MACHINE := $(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m))
ifneq ($(filter x86_64%,$(MACHINE)),)
  ISAS := scalar avx2 avx512
  INTEGER_ISAS := avx512_vnni
else ifneq ($(filter aarch64%,$(MACHINE)),)
  ISAS := scalar neon
  INTEGER_ISAS := neon_dot
else
  ISAS := scalar
endif

# Every file of engine/cpu/kernels is one source for all instruction sets, and those of integers for
# the sets that only integers use (docs/kernels.md).
ISA_FLAGS_scalar := -fno-tree-vectorize -DCN_KERNEL_ISA_SCALAR
ISA_FLAGS_avx2   := -mavx2 -mfma -mtune=haswell -DCN_KERNEL_ISA_AVX2
ISA_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512 -DCN_KERNEL_ISA_AVX512
ISA_FLAGS_neon   := -DCN_KERNEL_ISA_NEON
ISA_FLAGS_avx512_vnni := $(ISA_FLAGS_avx512) -mavx512vnni -DCN_KERNEL_ISA_AVX512_VNNI
ISA_FLAGS_neon_dot    := $(ISA_FLAGS_neon) -march=armv8.2-a+dotprod -DCN_KERNEL_ISA_NEON_DOT

ENGINE_SRC  := $(filter-out engine/cpu/kernels/%,$(wildcard engine/*/*.c))
KERNEL_SRC  := $(wildcard engine/cpu/kernels/*.c)
INTEGER_SRC := $(filter engine/cpu/kernels/i8_%,$(KERNEL_SRC))
KERNEL_OBJ  := $(foreach isa,$(ISAS),$(KERNEL_SRC:%.c=$(OBJ)/%.$(isa).o)) $(foreach isa,$(INTEGER_ISAS),$(INTEGER_SRC:%.c=$(OBJ)/%.$(isa).o))
HARNESS_SRC := $(wildcard harness/*.c harness/*/*.c)
UNIT_SRC    := $(wildcard tests/unit/*.c)

ONNX := $(OBJ)/onnx/onnx.pb-c
ENGINE_OBJ  := $(ENGINE_SRC:%.c=$(OBJ)/%.o) $(ONNX).o $(KERNEL_OBJ)
SCHEMA_OBJ  := $(patsubst %.sql,$(OBJ)/%_sql.o,$(wildcard harness/store/schema*.sql))
HARNESS_OBJ := $(HARNESS_SRC:%.c=$(OBJ)/%.o) $(SCHEMA_OBJ)
UNIT_OBJ    := $(UNIT_SRC:%.c=$(OBJ)/%.o)

# V=1 shows every command.
ifneq ($(V),1)
  Q := @
  say = @echo "  CC $@";
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: calibrate FORCE bench execution integers train compress man fuzz fuzz-targets kernel-tests kernel-tests-neon kernel-bench all help setup setup-test experiment study figures paper reference test check clean install smoke check-bare docker data weights baselines
all: $(OBJ)/condense ## build the program (build/obj/condense)

$(OBJ)/condense: $(HARNESS_OBJ) $(OBJ)/libcondense.a
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OBJ)/libcondense.a: $(ENGINE_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^
$(OBJ)/unit: $(UNIT_OBJ) $(filter-out $(OBJ)/harness/main.o,$(HARNESS_OBJ)) $(OBJ)/libcondense.a
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion $(LIBS)

# The kernel tests leave threads and files out, so that they also run on an emulated processor.
KERNEL_TEST_OBJ := $(patsubst %.c,$(OBJ)/%.o,$(filter-out engine/base/pool.c,$(wildcard engine/base/*.c engine/cpu/*.c) engine/lr/graph.c engine/lr/shapes.c engine/lr/counts.c engine/format/weights.c engine/run/reference.c)) $(KERNEL_OBJ)
CPUINFO := $(if $(filter x86_64%,$(MACHINE)),-lcpuinfo)
$(OBJ)/kernel-tests: $(patsubst %.c,$(OBJ)/%.o,$(filter-out %/bench_conv.c,$(wildcard tests/kernels/*.c)) engine/plan/generate.c engine/plan/generate_source.c) $(KERNEL_TEST_OBJ)
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(CPUINFO) -lm -lpthread -ldl
$(OBJ)/kernel-bench: $(OBJ)/tests/kernels/bench_conv.o $(KERNEL_TEST_OBJ)
	$(Q)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(CPUINFO) -lm -lpthread

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(say)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
# What it was built from goes into one object only, so that a new commit compiles one file.
BUILD_INFO := $(OBJ)/build_info.h
quoted = $(subst ",\",$(subst \,\\,$(1)))
$(BUILD_INFO): FORCE
	@mkdir -p $(@D)
	@commit=$$(git rev-parse HEAD 2>/dev/null); changes=; \
	if [ -n "$$commit" ] && ! git diff --quiet HEAD 2>/dev/null; then \
	  changes=$$(git diff HEAD | git hash-object --stdin); fi; \
	printf '#define CN_BUILD_COMMIT "%s"\n#define CN_BUILD_CHANGES "%s"\n' "$$commit" "$$changes" > $@.new
	@printf '#define CN_BUILD_FLAGS "%s"\n' '$(call quoted,$(strip $(CFLAGS) $(LDFLAGS) $(SANITIZE)))' >> $@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi
$(OBJ)/harness/env/build.o: $(BUILD_INFO)
$(OBJ)/harness/env/build.o: ALL_CFLAGS += -I$(OBJ)
FORCE:
# The database schema is part of the program: the text as an array of bytes.
$(OBJ)/harness/store/%_sql.c: harness/store/%.sql
	@mkdir -p $(@D)
	$(Q){ echo '#include "store/store.h"'; echo 'const char st_$*_sql[] = {'; \
	  od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; echo '0};'; } > $@
$(SCHEMA_OBJ): %.o: %.c
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
# ONNX's messages, from the description of the format that libonnx-dev brings.
ONNX_PROTO := /usr/include/onnx/onnx.proto
$(ONNX).c: $(ONNX_PROTO)
	@mkdir -p $(@D)
	$(Q)protoc-c -I$(<D) --c_out=$(@D) $<
$(ONNX).h: $(ONNX).c ;
$(ONNX).o: $(ONNX).c
	$(say)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
ONNX_USERS := $(patsubst %,$(OBJ)/engine/format/%.o,onnx onnx_graph onnx_levels onnx_message) $(OBJ)/tests/unit/test_onnx.o
$(ONNX_USERS): ALL_CFLAGS += -isystem $(OBJ)/onnx
$(ONNX_USERS): | $(ONNX).h
define ISA_RULE
$(OBJ)/engine/cpu/kernels/%.$(1).o: engine/cpu/kernels/%.c
	@mkdir -p $$(@D)
	$$(say)$$(CC) $$(ALL_CFLAGS) $(KERNEL_OPTIMIZATION) $(ISA_FLAGS_$(1)) -MMD -MP -c -o $$@ $$<
endef
$(foreach isa,$(ISAS) $(INTEGER_ISAS),$(eval $(call ISA_RULE,$(isa))))

# GCC's removal of partial redundancies moves parts of the store into the loop of products, which then
# has too few registers and spills sums.
$(foreach isa,$(ISAS) $(INTEGER_ISAS),$(OBJ)/engine/cpu/kernels/i8_conv.$(isa).o): ALL_CFLAGS += -fno-tree-pre

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# Set-up. The stamp makes a second call free; it is older than the list when the list grows. Targets
# that set up first start make again, because the compiler is looked for when the Makefile is read.
STAMP := $(BUILD)/.setup
$(STAMP)-%: docker/packages.txt docker/setup.sh
	@docker/setup.sh $*
	@mkdir -p $(@D) && touch $@
setup: $(STAMP)-build ## install what building and running needs (Debian packages)

CONDENSE := $(BUILD)/obj/condense
MODEL ?= lenet5
SCALE ?= fashion
VARIANT ?= dense
BACKEND ?= cpu
DEVICE ?= host
THREADS ?= 1
BATCH ?= 1
DATASET ?= fashion-mnist
CELL := --model $(MODEL) --scale $(SCALE) --variant $(VARIANT) --backend $(BACKEND) --device $(DEVICE) --threads $(THREADS) --batch $(BATCH)

STUDY ?= experiments/studies/default.json
# A noisy machine (exit status 3) is a result with its verdict, and no reason to draw nothing.
measure = $(CONDENSE) run $(1) --resume || [ $$? -eq 3 ]

# A first build uses every processor, unless make was told how many.
parallel = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

experiment: $(STAMP)-build ## set up, build, run cells: MODEL= SCALE= VARIANT= BACKEND= DEVICE= THREADS= BATCH=
	@$(MAKE) --no-print-directory $(parallel) all
	@$(call measure,$(CELL))
	@$(CONDENSE) plot --output results/figures >/dev/null && echo "figures: results/figures"

study: $(STAMP)-build ## run a study file: STUDY= (experiments/studies/default.json)
	@$(MAKE) --no-print-directory $(parallel) all
	@$(call measure,--study $(STUDY))

bench: $(STAMP)-build ## time all networks against all engines that are here, and print the bars
	@$(MAKE) --no-print-directory $(parallel) all
	@$(CONDENSE) bench --model all --threads 1,2 --against all --record

# The bars of pruned networks, densities from 80 % to 1 %, and the planner's choices over them.
EXECUTION := --threads 1,2 --record $(if $(DB),--db $(DB))
DENSITIES := 1.25,1.5,2,3,5,10,20,50,100
comma := ,
# What is timed has been tuned before, dense and pruned, kernels made for the zeros among the ways.
tune = for threads in 1 2; do $(CONDENSE) tune --threads $$threads $(1) || exit 1; done
tune_pruned = for scheme in $(2); do for rate in $(3); do $(call tune,--model $(1) --scheme $$scheme --rate $$rate); done; done
execution: all ## tune and time pruned networks beside dense ones, all densities, and the planner's choices (an hour): DB=
	@$(call tune,--model resnet50$(comma)vgg16$(comma)inception_v3$(comma)mobilenet_v1$(comma)mobilenet_v2)
	@$(call tune_pruned,resnet50,unstructured block8 pattern8,$(subst $(comma), ,$(DENSITIES)))
	@$(call tune_pruned,resnet50,block8 pattern8,9.2)
	@$(call tune_pruned,vgg16,block8 pattern8,34)
	@$(call tune_pruned,inception_v3,block8,6)
	@$(call tune_pruned,mobilenet_v1$(comma)mobilenet_v2,block8,3)
	@$(CONDENSE) bench $(EXECUTION) --model resnet50 --scheme unstructured,block8,pattern8 --rate $(DENSITIES)
	@$(CONDENSE) bench $(EXECUTION) --against all --model resnet50 --scheme block8,pattern8 --rate 9.2
	@$(CONDENSE) bench $(EXECUTION) --against all --model vgg16 --scheme block8,pattern8 --rate 34
	@$(CONDENSE) bench $(EXECUTION) --against all --model inception_v3 --scheme block8 --rate 6
	@$(CONDENSE) bench $(EXECUTION) --against all --model mobilenet_v1,mobilenet_v2 --scheme block8 --rate 3
	@$(CONDENSE) bench $(EXECUTION) --choices --seconds 10 --model resnet50 --scheme unstructured,block8 --rate 1,$(DENSITIES)
	@$(MAKE) --no-print-directory integers

# The integers of a network's trained weights where these are at hand, else of random ones, made on
# noise: what they stand for does not change the times.
integers: all ## time networks of 8-bit integers beside floats and other engines (ten minutes): DB=
	@$(CONDENSE) bench $(EXECUTION) --bits 8 --against all --model resnet50,vgg16,inception_v3,mobilenet_v1,mobilenet_v2
	@$(CONDENSE) bench $(EXECUTION) --bits 8 --against all --model resnet50 --scheme block8x4 --rate 8

figures: $(STAMP)-build ## draw plots/*.svg and *.png from results/study.db, else results/reference
	@$(MAKE) --no-print-directory $(parallel) all
	@$(CONDENSE) plot $(if $(DB),--db $(DB))
paper: figures ## write PAPER.md from the same database (DB=FILE: from another)
	@$(CONDENSE) report $(if $(DB),--db $(DB))
reference: all ## export results/study.db to results/reference, and the figures and PAPER.md of that
	@$(CONDENSE) export --output results/reference
	@$(CONDENSE) plot --db results/reference/study.sql
	@$(CONDENSE) report --db results/reference/study.sql

test: $(STAMP)-test ## set up, build and run all tests under the sanitizers
	@$(MAKE) --no-print-directory check
check:
	@$(MAKE) --no-print-directory $(parallel) all $(BUILD)/obj/kernel-bench
	@$(MAKE) --no-print-directory $(parallel) SAN=1 $(BUILD)/san/unit $(BUILD)/san/condense
	@BUILD=$(BUILD) tests/run.sh

CROSS_CC ?= aarch64-linux-gnu-gcc
CROSS_ROOT ?= /usr/aarch64-linux-gnu
kernel-tests: ## every CPU kernel against a reference, at each level this processor has
	@$(MAKE) --no-print-directory $(parallel) SAN=1 $(BUILD)/san/kernel-tests
	@$(BUILD)/san/kernel-tests
kernel-tests-neon: ## the same for NEON under user-mode emulation
	@$(MAKE) --no-print-directory $(parallel) SAN= CC="$(CROSS_CC)" BUILD=$(BUILD)/aarch64 $(BUILD)/aarch64/obj/kernel-tests
	@CONDENSE_CC="$(CROSS_CC)" qemu-aarch64 -L $(CROSS_ROOT) -cpu cortex-a53 $(BUILD)/aarch64/obj/kernel-tests # has no dot product
	@CONDENSE_CC="$(CROSS_CC)" qemu-aarch64 -L $(CROSS_ROOT) -cpu max $(BUILD)/aarch64/obj/kernel-tests
# The fuzz targets are libFuzzer's, which only clang has; make test needs neither. They read texts and
# files only, so they are built without kernels and training.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(OBJ)/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZED_SRC := $(wildcard engine/base/*.c engine/lr/*.c engine/format/*.c) engine/cpu/isa.c engine/plan/wisdom.c harness/study/compression_study.c \
  $(addprefix harness/data/,cifar.c decode.c file.c idx.c jpeg.c json.c labels.c pictures.c png.c resize.c)
$(OBJ)/fuzz/%: $(OBJ)/tests/fuzz/%.o $(FUZZED_SRC:%.c=$(OBJ)/%.o) $(ONNX).o
	@mkdir -p $(@D)
	$(Q)$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)
fuzz-targets: $(FUZZ_TARGETS)
fuzz: ## feed the readers of texts and files with noise, FUZZ_SECONDS each (needs clang)
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/clang SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" fuzz-targets
	@mkdir -p $(BUILD)/clang/corpus && cp experiments/models/*.lr experiments/studies/*.json $(BUILD)/clang/corpus
	@for target in $(notdir $(FUZZ_TARGETS)); do \
	    mkdir -p $(BUILD)/clang/corpus-$$target; \
	    $(BUILD)/clang/obj/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096 \
	      $(BUILD)/clang/corpus-$$target $(BUILD)/clang/corpus || exit 1; \
	done
kernel-bench: ## speed of the convolution kernels as a share of the FMA peak
	@$(MAKE) --no-print-directory $(BUILD)/obj/kernel-bench
	@$(BUILD)/obj/kernel-bench
data: all ## verify a data set, fetching what is missing: DATASET=mnist
	@$(CONDENSE) data $(DATASET) --fetch
weights: all ## import trained weights into the data folder: MODEL=resnet50 (all that are at hand)
	@$(CONDENSE) weights $(if $(filter command line,$(origin MODEL)),$(MODEL)) --import --fetch

TRAINED := $(wildcard experiments/weights/*-fashion.csv)
train: all ## train the committed weights anew by their recorded commands (hours): MODEL=lenet5 for one
	@for log in $(if $(filter command line,$(origin MODEL)),experiments/weights/$(MODEL)-fashion.csv,$(TRAINED)); do \
	  command=$$(sed -n 's/^# command: condense //p' $$log) && echo "condense $$command" && \
	  $(CONDENSE) $$command || exit 1; done

# The committed compressed weights: what the studies leave in results/compressed, and the variant. Of
# those with few levels activations get scales: they run in integers, with the levels as they are.
COMPRESSED := block8-admm-8x:pruned none-admm-linear4:quantized block8-admm-8x-linear4:pruned+quantized
compress: all ## compress the networks anew, by the studies of compression (hours): MODEL=lenet5 for one
	@for model in $(if $(filter command line,$(origin MODEL)),$(MODEL),$(TRAINED:experiments/weights/%-fashion.csv=%)); do \
	  for study in fashion levels; do $(CONDENSE) compress --resume --model $$model \
	    --study experiments/studies/compression/$$study.json || exit 1; done; \
	  for pair in $(COMPRESSED); do \
	    from=results/compressed/$$model-fashion-$${pair%:*}.cnz to=experiments/weights/$$model-fashion-$${pair#*:}.cnz; \
	    case $$pair in \
	      *quantized) $(CONDENSE) calibrate --model $$model --bits 8 --images 1000 --weights $$from --output $$to;; \
	      *) cp $$from $$to;; \
	    esac || exit 1; done; done

# Networks of which trained ImageNet weights are known (condense weights).
IMAGENET := resnet18 resnet50 inception_v1 squeezenet_v1.0 squeezenet_v1.1 mobilenet_v1 mobilenet_v2
CALIBRATE = $(CONDENSE) calibrate --resume $(if $(DB),--db $(DB)) --model $$model
PRUNE = $(CALIBRATE) --scale imagenet --images 128 --rate 2,4
calibrate: all ## compress after training: int8 everywhere, pruning at the imagenet scale (hours): MODEL=, DB=
	@for model in $(if $(filter command line,$(origin MODEL)),$(MODEL),$(TRAINED:experiments/weights/%-fashion.csv=%)); do \
	  $(CALIBRATE) --bits 8 --images 1000 || exit 1; done
	@for model in $(filter $(if $(filter command line,$(origin MODEL)),$(MODEL),%),$(IMAGENET)); do \
	  $(CALIBRATE) --scale imagenet --bits 8 --dry-run >/dev/null || continue; \
	  $(CALIBRATE) --scale imagenet --bits 8 || exit 1; \
	  for scheme in unstructured block8; do \
	    $(PRUNE) --scheme $$scheme && $(PRUNE) --scheme $$scheme --method magnitude && \
	    $(PRUNE) --scheme $$scheme --method magnitude --correction none || exit 1; done; done

baselines: ## install the reference engines of 'bench --against' that Debian lacks
	@docker/baselines.sh

smoke: all ## a tiny study with its figures and paper in a temporary folder
	@CONDENSE=$(abspath $(CONDENSE)) tests/smoke.sh

check-bare: ## prove 'make experiment' and 'make test' in a bare Debian 12 root (needs root)
	docker/check-bare.sh
docker: ## build the image for this machine's architecture
	docker build -f docker/Dockerfile -t condense .

install: all ## install into PREFIX (/usr/local)
	install -D -m 755 $(CONDENSE) $(DESTDIR)$(PREFIX)/bin/condense
	install -D -m 644 docs/condense.1 $(DESTDIR)$(PREFIX)/share/man/man1/condense.1
	mkdir -p $(DESTDIR)$(PREFIX)/share/condense
	cp -r experiments plots results $(DESTDIR)$(PREFIX)/share/condense/

man: all ## make the manual page again from the program's own help
	docs/man.sh $(CONDENSE) > docs/condense.1.tmp && mv docs/condense.1.tmp docs/condense.1

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

clean: ## remove what was built
	rm -rf $(BUILD)
