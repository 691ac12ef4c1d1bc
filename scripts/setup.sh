#!/usr/bin/env bash
# Installs what building needs and is missing: Debian packages (as root) and LibTorch in .venv.
# usage: scripts/setup.sh [--tests|--fuzz]     --tests: also what scripts/test.sh needs
#                                            --fuzz: what its step fuzz needs
set -euo pipefail
cd "$(dirname "$0")/.."

torch=2.11.0
cuda_runtime=13.0.96 # libtorch_cuda's two direct needs; without them not even the CPU parts load
cuda_cupti=13.0.85
# What `import torch` needs, and so torch's launcher (scripts/launch.sh).
torch_python=(typing_extensions==4.15.0 filelock==3.20.0 sympy==1.14.0 mpmath==1.3.0
  networkx==3.4.2 jinja2==3.1.6 markupsafe==3.0.3 fsspec==2025.10.0)
# What the tests' Python scripts import, for Python 3.11 and newer: Pillow's bits are those of 13,
# OpenCV 4.12 needs numpy < 2.3.
test_python=(numpy==2.2.6 safetensors==0.8.0 pillow==13.0.0 opencv-python-headless==4.12.0.88)

packages=(ca-certificates g++ cmake ninja-build python3 python3-venv libopen3d-dev libembree-dev
  libglu1-mesa-dev libtinygltf-dev libdraco-dev libmeshoptimizer-dev libnanoflann-dev libyaml-cpp-dev libspdlog-dev libcli11-dev nlohmann-json3-dev
  libjpeg62-turbo-dev libspng-dev libwebp-dev libexif-dev libstb-dev libeigen3-dev libssl-dev)
test_packages=(libgtest-dev libgmock-dev clang-format clang-tidy clang xz-utils)
fuzz_packages=(clang-14 libclang-rt-14-dev libomp-14-dev)

fail() {
  echo "setup: $*" >&2
  exit 2
}

for_tests=no
case "${1:-}" in
  "") ;;
  --tests)
    packages+=("${test_packages[@]}")
    for_tests=yes
    ;;
  --fuzz) packages+=("${fuzz_packages[@]}") ;;
  *) fail "unknown option '$1'. usage: scripts/setup.sh [--tests|--fuzz]" ;;
esac

missing_packages() {
  local installed
  # dpkg-query fails where a package is unknown; the ones it lists are what counts.
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null) ||
    true
  local package
  for package in "${packages[@]}"; do
    grep -qx "installed $package" <<<"$installed" || echo "$package"
  done
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system, so install by hand what is missing of: ${packages[*]}" >&2
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  [[ $(id -u) == 0 ]] || fail "missing Debian packages. Run as root: apt-get install ${missing[*]}"
  echo "setup: installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1 || {
    cat "$log" >&2
    fail "apt-get could not install them; its messages are above."
  }
  rm -f "$log"
}

# in_venv NAME VERSION: whether pip finished installing it (the version may be a pattern).
in_venv() {
  compgen -G ".venv/lib/python3*/site-packages/${1//-/_}-$2.dist-info" >/dev/null
}

make_venv() {
  local python=/usr/bin/python3
  [[ -x $python ]] || python=$(command -v python3) ||
    fail "no python3. Install Python 3.10 or newer."
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$python is too old. Put Python 3.10 or newer on the PATH."
  [[ -x .venv/bin/pip ]] || "$python" -m venv --clear .venv
}

pip_install() {
  local pip=(.venv/bin/python -m pip install --disable-pip-version-check --no-cache-dir)
  [[ -t 1 ]] || pip+=(--quiet)
  "${pip[@]}" "$@"
}

# Everything torch needs for the CPU; its full list of CUDA libraries only where a GPU is.
install_torch() {
  if ! { in_venv torch "$torch" && in_venv nvidia_cuda_runtime "$cuda_runtime" &&
    in_venv nvidia_cuda_cupti "$cuda_cupti"; }; then
    make_venv
    echo "setup: installing torch $torch into .venv (0.54 GB)"
    pip_install --no-deps "torch==$torch" "nvidia-cuda-runtime==$cuda_runtime" \
      "nvidia-cuda-cupti==$cuda_cupti"
  fi
  if ! in_venv 'nvidia_cudnn_cu*' '*' && nvidia-smi -L >/dev/null 2>&1; then
    echo "setup: a GPU is here, installing torch's CUDA libraries into .venv (3 GB)"
    pip_install "torch==$torch"
  fi
}

# install_python NAME==VERSION...
install_python() {
  local package missing=()
  for package in "$@"; do
    in_venv "${package%%==*}" "${package##*==}" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  echo "setup: installing ${missing[*]} into .venv"
  pip_install --no-deps "${missing[@]}"
}

install_packages
install_torch
install_python "${torch_python[@]}"
# The tests compare with Python: weights both ways, pictures, gradients.
[[ $for_tests == no ]] || install_python "${test_python[@]}"
