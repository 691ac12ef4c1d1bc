#!/usr/bin/env bash
# usage: kernels_spill_nothing.sh NVCC INCLUDE_DIR FILE.cu...
# Compiles the kernels and fails if one of them spills registers to memory.
set -euo pipefail
nvcc=$1 include=$2
shift 2
for file in "$@"; do
  for arch in sm_80 sm_90a; do
    usage=$("$nvcc" -std=c++17 -arch="$arch" -cubin -o /dev/null -isystem "$include" \
      -Xptxas -v "$file" 2>&1) || { echo "$usage" && exit 1; }
    [[ $usage == *"Used "*" registers"* ]] || { echo "$file: no kernel for $arch" && exit 1; }
    if grep -E "[1-9][0-9]* bytes spill" <<<"$usage"; then
      echo "$file spills on $arch"
      exit 1
    fi
    echo "$(basename "$file") $arch: $(grep -c 'Used .* registers' <<<"$usage") kernels, no spill"
  done
done
