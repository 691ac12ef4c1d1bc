#!/usr/bin/env bash
# Starts the programs of scripts/bundle.sh in an empty root: beside the bundle there are only the C and
# C++ runtimes, torch's folder, its CUDA libraries, /proc and /dev. Trains a tiny model there,
# generates from it and runs tests.
# usage: tests/bundle/in_empty_root.sh ARCHIVE TORCH_FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."

enter() { unshare --map-root-user --mount "$@"; }
archive=$1
packages=${2%/torch}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{lib,proc,dev,tmp,packages/torch,packages/nvidia}
enter mount --rbind /proc "$root/proc" 2>/dev/null || {
  echo "The bundle was not started in an empty root: user namespaces are refused here."
  exit 0
}
ln -s lib "$root/lib64"
cp -r configs docs/images/quickstart.png "$root"
tar -C "$root" -xf "$archive"
ldd "$packages/torch/lib/libtorch_cpu.so" "$root"/moca-bundle/moca |
  grep -oE '/[^ ]*/(ld-linux-x86-64|lib(c|m|dl|pthread|rt|util|stdc\+\+|gcc_s|gomp))\.so[.0-9]*' | sort -u |
  xargs -I {} cp -L {} "$root/lib"
libraries=/moca-bundle/lib:/packages/torch/lib
for folder in "$packages"/nvidia/*/lib; do
  libraries+=:/packages${folder#"$packages"}
done

# PROGRAM ARGUMENT...: what it says is printed if it fails.
there() {
  LD_LIBRARY_PATH=$libraries OMP_NUM_THREADS=1 chroot "$root" /moca-bundle/"$@" >"$root/log" 2>&1 || {
    echo "in an empty root: $*"
    cat "$root/log"
    exit 1
  }
}

inside() {
  mount --rbind /proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --bind "$packages/torch" "$root/packages/torch"
  mount --bind "$packages/nvidia" "$root/packages/nvidia"
  local here=(data.path=/tmp/data runs_folder=/tmp/runs)
  there moca prepare-data /configs/tiny_vae.yaml "${here[@]}"
  there moca train /configs/tiny_vae.yaml "${here[@]}" training.max_steps=1
  there moca train /configs/tiny.yaml "${here[@]}" training.max_steps=1 vae_run=/tmp/runs/tiny_vae
  there moca sample --run /tmp/runs/tiny --image /quickstart.png --components 2 --out /tmp/out
  ls "$root/tmp/out/asset.glb" >/dev/null
  local program
  for program in nn parity experiment distributed ops; do
    there "moca_${program}_test" --gtest_list_tests
  done
  there moca_checkpoint_test --gtest_brief=1 --gtest_filter='CheckpointFolder.*'
  echo "in an empty root: trained and sampled; moca_checkpoint_test: $(tail -n 1 "$root/log")"
}
export root packages libraries
enter bash -c "$(declare -f there inside); set -euo pipefail; inside"
