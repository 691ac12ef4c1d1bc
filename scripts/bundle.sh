#!/usr/bin/env bash
# Makes moca-bundle.tar.xz: program, test programs, NCCL module and the libraries they need, for a
# machine that has Python with torch and its CUDA libraries but no Debian packages of ours. There:
#   tar xf moca-bundle.tar.xz && scripts/gpu_first_run.sh moca-bundle RESULTS
# Linked from what is compiled in build (tests/bundle). Without nvcc or NCCL's header the bundle is
# made without CUDA kernels or NCCL, and says so.
# usage: scripts/bundle.sh [ARCHIVE]     none: build/moca-bundle.tar.xz
set -euo pipefail
cd "$(dirname "$0")/.."

[[ $# -le 1 && ${1:-} != -* ]] || {
  sed -n '2,7s/^# //p' "$0" >&2
  exit 2
}
bundle=build/moca-bundle
archive=${1:-$bundle.tar.xz}
largest=$((40 * 1024 * 1024))

rm -rf "$bundle"
mkdir -p "$bundle/lib"
scripts/build.sh build -DMOCA_TESTS=ON moca_bundle

# What every such machine has itself: the C and C++ runtimes, torch's libraries and CUDA's.
there='/(ld-linux|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|libutil|libgomp|libcudart|libcupti)[-.]'
ldd "$bundle"/moca "$bundle"/moca_*_test |
  awk '$2 == "=>" && $3 ~ /^\// {print $3}' | grep -vE "$there|/torch/lib/|/nvidia/" | sort -u |
  xargs -I {} cp -L {} "$bundle/lib"
lacks=()
ldd "$bundle/moca" | grep libcudart >/dev/null || lacks+=("CUDA kernels: no nvcc")
[[ -e $bundle/lib/libmoca_nccl.so ]] || lacks+=("NCCL: no nvcc or no nccl.h")
XZ_OPT='-T0 -0' tar -C build -cJf "$archive" moca-bundle
size=$(stat -c %s "$archive")
echo "$archive: $((size / 1024 / 1024)) MB, $(find "$bundle" -type f | wc -l) files"
((${#lacks[@]} == 0)) || printf 'It lacks %s.\n' "${lacks[@]}"
((size <= largest)) || {
  echo "bundle: more than $((largest / 1024 / 1024)) MB. See what grew: du -a $bundle" >&2
  exit 1
}
