#!/usr/bin/env bash
# Everything that must hold before a commit. Can be run again cheaply: what did not change is kept.
# usage: scripts/test.sh [setup|format|build|unit|faults|extend|bundle|asan|fuzz|tidy ...]     none: all, in this order
#        scripts/test.sh tsan     what runs in threads of its own, under ThreadSanitizer: on demand
set -euo pipefail
cd "$(dirname "$0")/.."

stages=(setup format build unit faults extend bundle asan fuzz tidy)
jobs=$(nproc)
# These programs read files that others wrote, so they also run under the sanitizers.
reading=(config image mesh checkpoint)

stage_setup() {
  scripts/setup.sh --tests
}

stage_format() {
  local complaints
  complaints=$(find include src tools benchmarks tests examples -regex '.*\.\(h\|cpp\|cu\|cuh\)' -print0 |
    xargs -0 clang-format --dry-run -Werror 2>&1) || {
    grep -E ': error: ' <<<"$complaints" | cut -d: -f1 | sort -u || echo "$complaints"
    echo "Run clang-format -i on these files."
    return 1
  }
}

stage_build() {
  scripts/build.sh build -DMOCA_TESTS=ON -DMOCA_WARNINGS_AS_ERRORS=ON
}

# Prints a failing program's output whole, of the others what they skipped, and where a step waits
# for a GPU (tests/stand_in).
stage_unit() {
  local log=build/Testing/Temporary/LastTest.log
  OMP_NUM_THREADS=1 ctest --test-dir build -j "$jobs" --no-tests=error --no-label-summary \
    --output-on-failure | grep -vE '^ +Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test +#.* Passed |^Internal ctest|^$'
  grep -B1 ': Skipped$' "$log" -A1 | grep -vE '^--$' || true
  grep -E ', a step:$|^ +[0-9]+\.[0-9]+  [a-z ]+: ' "$log" || true
}

# Real runs, killed, cut off, hanging; the short form of each check.
stage_faults() {
  printf '%s\n' signals full_disk killed_worker kill_in_checkpoint repeats damaged_checkpoint \
    hanging_worker second_signal |
    xargs -P "$jobs" -I {} .venv/bin/python tests/faults/faults.py build {}
}

# A program on an installed copy, with a source, metric, adapter, condition and optimiser of its own,
# trains ten steps of both stages.
stage_extend() {
  rm -rf build/extend
  cmake --install build --prefix build/extend/moca >build/extend.log
  cmake -S examples/extend -B build/extend/build -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DCMAKE_PREFIX_PATH="$PWD/build/extend/moca" >>build/extend.log
  cmake --build build/extend/build -j "$jobs" >>build/extend.log || { tail -n 60 build/extend.log && return 1; }
  (cd build/extend && OMP_NUM_THREADS=1 build/extend ../../examples/extend 2>>../extend.log) ||
    { tail -n 20 build/extend.log && return 1; }
}

# The archive for machines with a GPU, made and started where nothing else is.
stage_bundle() {
  scripts/bundle.sh
  tests/bundle/in_empty_root.sh build/moca-bundle.tar.xz .venv/lib/python3*/site-packages/torch
}

# Tests and fuzzers of what reads files, in one folder: both are instrumented by clang alike. Few files
# here are on LibTorch: a precompiled header of it would cost more than it saves.
build_sanitized() {
  scripts/setup.sh --fuzz
  scripts/build.sh build-sanitized -DMOCA_FUZZ=ON -DMOCA_TESTS=ON -DMOCA_CUDA=OFF \
    -DMOCA_WARNINGS_AS_ERRORS=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=Sanitize \
    -DCMAKE_CXX_FLAGS_SANITIZE="-O1 -g1 -D_GLIBCXX_ASSERTIONS" "$@"
}

stage_asan() {
  local targets=("${reading[@]/#/moca_}")
  build_sanitized "${targets[@]/%/_test}"
  # Shares of a program at a time: a sanitized one takes longer to start than most tests to run.
  local target share
  for target in "${targets[@]}"; do
    for share in 0 1 2 3; do
      echo "$target" "$share"
    done
  done | OMP_NUM_THREADS=1 xargs -P "$jobs" -L 1 bash -c '
    log=build-sanitized/$0_$1.log
    GTEST_TOTAL_SHARDS=4 GTEST_SHARD_INDEX=$1 build-sanitized/tests/$0_test --gtest_brief=1 \
      >"$log" 2>&1 || { cat "$log" && exit 1; }
    echo "$0, share $1: $(tail -n 1 "$log")"'
}

# Mutated files for every reader, by libFuzzer: a crash, more than 2 s or an allocation of more than
# 1 GB fails. MOCA_FUZZ_RUNS=100000 is the long form. What was found stays in build-sanitized, and the next
# run starts from it.
stage_fuzz() {
  build_sanitized moca_fuzzers
  basename -a tests/fuzz/corpus/* | OMP_NUM_THREADS=1 xargs -P "$jobs" -I {} bash -c '
    cd build-sanitized && mkdir -p found/{} crashes
    tests/fuzz/moca_{}_fuzzer -runs="${MOCA_FUZZ_RUNS:-2000}" -seed=1 -timeout=2 \
      -malloc_limit_mb=1024 -rss_limit_mb=3000 -artifact_prefix=crashes/{}- \
      found/{} ../tests/fuzz/corpus/{} >{}.log 2>&1 || { tail -n 60 {}.log && exit 1; }
    echo "moca_{}_fuzzer: $(tail -n 1 {}.log)"'
}

# Loader, logger, watchdog and saver. LibTorch is not instrumented: what happens between its own
# threads is not seen.
stage_tsan() {
  scripts/build.sh build-tsan -DMOCA_TESTS=ON -DMOCA_SANITIZE=thread -DMOCA_CUDA=OFF \
    -DMOCA_WARNINGS_AS_ERRORS=OFF -DCMAKE_BUILD_TYPE=Sanitize \
    -DCMAKE_CXX_FLAGS_SANITIZE="-O1 -g1" moca_core_test moca_checkpoint_test moca_training_test
  local program
  for program in core:'Watchdog*:Logging*:Progress*' checkpoint:'Writer*' \
    training:'Prefetcher*:MetricsFile*:Tensorboard*:Trainer.*:RunCheckpoints.*'; do
    OMP_NUM_THREADS=1 "build-tsan/tests/moca_${program%%:*}_test" --gtest_brief=1 \
      --gtest_filter="${program#*:}"
  done
}

stage_tidy() {
  # Only for its list of how every single file is compiled.
  mkdir -p build-tidy
  cmake -S . -B build-tidy -G Ninja -DMOCA_UNITY_BUILD=OFF -DMOCA_TESTS=OFF \
    >build-tidy/configure.log 2>&1 || { cat build-tidy/configure.log >&2 && return 1; }
  python3 scripts/tidy.py build-tidy
}

# The sum over all programs of what GoogleTest counts: "[  PASSED  ] 34 tests."
count() {
  awk -v what="$1" 'index($0, "[  " what) == 1 {sum += $(NF - 1)} END {print sum + 0}' \
    build/Testing/Temporary/LastTest.log
}

chosen=("$@")
[[ $# -gt 0 ]] || chosen=("${stages[@]}")
for stage in "${chosen[@]}"; do
  [[ " ${stages[*]} tsan " == *" $stage "* ]] || {
    echo "test: unknown stage '$stage'. Stages: ${stages[*]} tsan" >&2
    exit 2
  }
done
running=""
trap '[[ -z $running ]] || echo "== $running FAILED" >&2' EXIT
for running in "${chosen[@]}"; do
  echo "== $running"
  started=$SECONDS
  "stage_$running"
  echo "== $running took $((SECONDS - started)) s"
done
running=""
if [[ " ${chosen[*]} " == *" unit "* ]]; then
  passed=$(count PASSED)
  skipped=$(count SKIPPED)
  echo "moca: $passed passed, 0 failed, $skipped skipped" \
    "in $((SECONDS / 60)) min $((SECONDS % 60)) s"
fi
