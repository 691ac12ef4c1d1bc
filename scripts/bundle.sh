#!/usr/bin/env bash
# Makes moca-bundle.tar.xz: program, test programs, NCCL module and the libraries they need, for a
# machine that has Python with torch and its CUDA libraries but no Debian packages of ours. There:
#   tar xf moca-bundle.tar.xz && scripts/gpu_first_run.sh moca-bundle RESULTS
# Needs what scripts/setup.sh --tests installs, nvcc and NCCL's header.
# usage: scripts/bundle.sh [ARCHIVE]     none: build-bundle/moca-bundle.tar.xz
set -euo pipefail
cd "$(dirname "$0")/.."

build=build-bundle
archive=${1:-$build/moca-bundle.tar.xz}
tests=(ops checkpoint distributed parity experiment)
largest=$((40 * 1024 * 1024))

# Without Open3D, whose own libraries are ten times as large as everything else here.
scripts/build.sh "$build" -DMOCA_TESTS=ON -DCMAKE_DISABLE_FIND_PACKAGE_Open3D=ON moca moca_nccl \
  $(printf 'moca_%s_test ' "${tests[@]}")

bundle=$build/moca-bundle
rm -rf "$bundle"
mkdir -p "$bundle/lib"
cp "$build/moca" $(printf "$build/tests/moca_%s_test " "${tests[@]}") "$bundle"
cp "$build/libmoca_nccl.so" "$bundle/lib"

# What every such machine has itself: the C and C++ runtimes, torch's libraries and CUDA's.
there='/(ld-linux|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|libutil|libgomp|libcudart|libcupti)[-.]'
ldd "$bundle"/moca "$bundle"/moca_*_test |
  awk '$2 == "=>" && $3 ~ /^\// {print $3}' | grep -vE "$there|/torch/lib/|/nvidia/" | sort -u |
  xargs -I {} cp -L {} "$bundle/lib"
find "$bundle" -type f -exec strip --strip-unneeded {} +
tar -C "$build" -cJf "$archive" moca-bundle
size=$(stat -c %s "$archive")
echo "$archive: $((size / 1024 / 1024)) MB, $(find "$bundle" -type f | wc -l) files"
((size <= largest)) || {
  echo "bundle: more than $((largest / 1024 / 1024)) MB. See what grew: du -a $bundle" >&2
  exit 1
}
