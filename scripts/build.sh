#!/usr/bin/env bash
# Configures FOLDER with Ninja and builds the targets (none: everything).
# usage: scripts/build.sh FOLDER [-DOPTION=VALUE ...] [TARGET ...]
set -euo pipefail
cd "$(dirname "$0")/.."

[[ $# -ge 1 && $1 != -* ]] || {
  echo "usage: scripts/build.sh FOLDER [-DOPTION=VALUE ...] [TARGET ...]" >&2
  exit 2
}
folder=$1
shift
options=()
targets=()
for argument in "$@"; do
  if [[ $argument == -D* ]]; then options+=("$argument"); else targets+=("$argument"); fi
done

# A unit on LibTorch takes up to 2 GB to compile, so fewer jobs run where memory is short.
memory_kb=$(awk '/MemAvailable/ {print $2}' /proc/meminfo)
jobs=$((memory_kb / 2000000))
((jobs <= $(nproc))) || jobs=$(nproc)
((jobs >= 1)) || jobs=1

mkdir -p "$folder"
cmake -S . -B "$folder" -G Ninja "${options[@]}" >"$folder/configure.log" 2>&1 || {
  cat "$folder/configure.log" >&2
  exit 1
}
quiet=()
[[ -t 1 ]] || quiet=(-- --quiet)
cmake --build "$folder" -j "$jobs" ${targets[0]:+--target "${targets[@]}"} "${quiet[@]}"
