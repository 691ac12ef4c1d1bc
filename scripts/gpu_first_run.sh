#!/usr/bin/env bash
# Checks that need a GPU: runs the bundle of scripts/bundle.sh on a machine with a GPU, each step with
# a time limit, and writes gpu_first_run.json (hardware, every step's status and figures) and
# gpu_first_run.log beside it. A step that fails does not stop the others.
# usage: scripts/gpu_first_run.sh BUNDLE OUTPUT_FOLDER [STEP ...]     no step: all, in this order
# With MOCA_TEST_DEVICE=stand_in BUNDLE holds the programs of the stand-in device (tests/stand_in), and
# the steps that need a GPU say so.
set -uo pipefail
cd "$(dirname "$0")/.."

steps=(hardware libraries kernels memcheck racecheck parity gradients runs nccl tiny same_bits
  sdpa attention forward step nearest_points full_size quickstart profile)

[[ $# -ge 2 ]] || {
  echo "usage: scripts/gpu_first_run.sh BUNDLE OUTPUT_FOLDER [STEP ...]" >&2
  echo "steps: ${steps[*]}" >&2
  exit 2
}
bundle=$(cd "$1" 2>/dev/null && pwd) && [[ -x $bundle/moca ]] || {
  echo "gpu_first_run: '$1' is no bundle (it has no moca). Make one with scripts/bundle.sh and unpack it." >&2
  exit 2
}
results=$2
shift 2
all_steps=("${steps[@]}")
[[ $# -eq 0 ]] || steps=("$@")
for name in "${steps[@]}"; do
  [[ " ${all_steps[*]} " == *" $name "* ]] || {
    echo "gpu_first_run: no step '$name'. Steps: ${all_steps[*]}" >&2
    exit 2
  }
done
[[ ! -e $results/gpu_first_run.json ]] || {
  echo "gpu_first_run: $results holds the results of an earlier run. Name another folder." >&2
  exit 2
}
mkdir -p "$results"
out=$(cd "$results" && pwd)
log=$out/gpu_first_run.log
: >"$log"
records=$(mktemp -d)
work=$(mktemp -d)
trap 'rm -rf "$records" "$work"' EXIT

# The libraries of torch's wheel and of the CUDA wheels that it depends on.
torch=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' \
  2>/dev/null) || {
  echo "gpu_first_run: python3 has no torch. Install torch 2.11, or put the python3 that has it first on the PATH." >&2
  exit 2
}
libraries=$bundle/lib:$torch/lib
for folder in "$torch"/../nvidia/*/lib; do
  libraries+=:$folder
done
export LD_LIBRARY_PATH=$libraries MOCA_SOURCE=$PWD MOCA_TEST_DEVICE=${MOCA_TEST_DEVICE:-cuda}
device=cuda
needs_gpu=()
[[ $MOCA_TEST_DEVICE != stand_in ]] || needs_gpu=(hardware libraries memcheck racecheck nccl sdpa attention
  forward step nearest_points full_size quickstart profile)
moca=$bundle/moca
# The tests that ask Python look for it here.
[[ -e .venv/bin/python ]] || {
  mkdir -p .venv/bin
  printf '#!/bin/sh\nexec python3 "$@"\n' >.venv/bin/python
  chmod +x .venv/bin/python
}

# Sizes of TripoSG's and MoCA's DiT, of which Table 4 is.
full=(--width 2048 --heads 16 --selected 4 --compressed 64 --tokens 512 --precision bf16
  --device "$device")
# A full-size model on procedural assets of the given number of components, with random weights.
full_size_config() {
  cat <<YAML
device: $device
data:
  path: $work/full_data
  source: procedural
  procedural: {num_assets: 16, min_components: 8, max_components: 8}
  num_held_out: 0
  num_surface_points: 8192
  num_query_points: 8192
  views: {image_size: 224}
stage: vae
runs_folder: $work/runs
vae: {num_tokens: 512, num_surface_points: 8192, width_encoder: 512, width_decoder: 1024}
vae_training: {num_query_points: 4096}
YAML
}

limit_of() {
  case $1 in
    hardware | libraries | nccl) echo 30 ;;
    kernels | memcheck | racecheck | gradients | runs | full_size | quickstart) echo 150 ;;
    *) echo 60 ;;
  esac
}

step_hardware() {
  nvidia-smi --query-gpu=name,memory.total,driver_version,clocks.max.sm --format=csv,noheader
  python3 -c 'import torch; print("torch", torch.__version__, "CUDA", torch.version.cuda, "cuDNN",
              torch.backends.cudnn.version(), "NCCL", torch.cuda.nccl.version())'
  python3 - <<'PY'
import torch
a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
copy_from, copy_to = (torch.empty(1 << 30, device="cuda", dtype=torch.float32) for _ in range(2))
def milliseconds(call):
    for _ in range(3):
        call()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(10):
        call()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 10
print(f"product of 8192^3 in bf16: {2 * 8192**3 / milliseconds(lambda: a @ b) / 1e9:.0f} TFLOP/s")
print(f"copy: {2 * 4 * 2**30 / milliseconds(lambda: copy_to.copy_(copy_from)) / 1e9:.2f} TB/s")
PY
}

step_libraries() {
  local found
  found=$(ldd "$bundle"/moca "$bundle"/moca_*_test "$bundle"/lib/libmoca_nccl.so) &&
    ! grep 'not found' <<<"$found"
}

# What fails, and what takes a second or more. cuDNN, which compiles for a second or more for some
# shapes, comes last in LibTorch's choice, but for the test that asks for each kernel by name.
step_kernels() {
  local by_name='OnAGpu.EveryAttentionKernel*'
  local without=$by_name # what replaces a GPU's driver and the CPU's blocks are not tested as if on a GPU
  [[ $MOCA_TEST_DEVICE != stand_in ]] || without+=':GpuState.*:MocAccuracyOfBlocks.HoldsAcross*'
  {
    "$bundle/moca_ops_test" --gtest_filter="$by_name" &&
      TORCH_CUDNN_SDPA_DEPRIORITIZED=1 "$bundle/moca_ops_test" --gtest_filter="-$without"
  } | grep --line-buffered -vE '^\[ +RUN|^\[ +OK .*\([0-9]{1,3} ms\)$|^\[-+\]|^$'
}

sanitized() {
  compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 5 "$bundle/moca_ops_test" \
    --gtest_brief=1 --gtest_filter='OnAGpu.PackingIs*:OnAGpu.Routing*:OnAGpu.Farthest*:NearestPoints.*'
}
step_memcheck() { sanitized memcheck; }
step_racecheck() { sanitized racecheck; }

step_parity() { "$moca" verify --device "$device" tests/golden/*.safetensors; }
step_gradients() {
  "$bundle/moca_nn_test" --gtest_brief=1 --gtest_filter='Norms.*' &&
    "$bundle/moca_parity_test" --gtest_brief=1 --gtest_filter='*GoldenGradients*'
}
step_runs() {
  "$bundle/moca_checkpoint_test" --gtest_brief=1 && "$bundle/moca_experiment_test" --gtest_brief=1
}
step_nccl() { "$bundle/moca_distributed_test" --gtest_brief=1 --gtest_filter='Nccl*'; }

# Losses of a run's steps, one line each.
losses_of() {
  python3 -c 'import json, sys
for line in open(sys.argv[1]):
    row = json.loads(line)
    if "loss" in row: print(row["step"], row["loss"])' "$1/metrics.jsonl"
}

# The twins of the paper's recipes, on the GPU and on the CPU: the losses of every step.
step_tiny() {
  local config=(configs/tiny_object_512.yaml runs_folder="$work/tiny" data.path="$work/tiny_data"
    training.log_every=1)
  local vae=(configs/tiny_vae.yaml runs_folder="$work/tiny" data.path="$work/tiny_data")
  "$moca" prepare-data "${config[@]}" &&
    "$moca" train "${vae[@]}" name=vae device="$device" || return
  local on
  for on in cpu "$device"; do
    "$moca" train "${config[@]}" vae_run="$work/tiny/vae" name="on_$on" device="$on" \
      training.precision=fp32 || return
    losses_of "$work/tiny/on_$on" >"$work/losses_$on"
  done
  "$moca" train "${config[@]}" vae_run="$work/tiny/vae" name=bf16 device="$device" || return
  "$moca" evaluate "$work/tiny/on_$device" device="$device" || return
  paste "$work/losses_cpu" "$work/losses_$device" | awk '
    {d = ($2 - $4) / $2; d = d < 0 ? -d : d; print; if (d > worst) worst = d}
    END {print "largest relative difference of a loss to the CPU: " worst; exit worst > 1e-3}'
}

# Two equal runs: the same weights, bit for bit? They must be with training.deterministic. On the
# dataset and VAE of the step `tiny`.
step_same_bits() {
  local deterministic name
  for deterministic in false true; do
    for name in first second; do
      "$moca" train configs/tiny_object_512.yaml runs_folder="$work/tiny" data.path="$work/tiny_data" \
        vae_run="$work/tiny/vae" name="${name}_$deterministic" device="$device" \
        training.deterministic="$deterministic" >/dev/null || return
    done
    cmp "$work"/tiny/{first,second}_"$deterministic"/checkpoints/step_00000008/model.safetensors &&
      echo "deterministic: $deterministic: the same bits"
  done
}

# LibTorch's attention kernels at the sizes of a component: the first call of a shape (cuDNN makes a
# plan) and the time once it is known, with 512 queries and with the time token's 513.
step_sdpa() {
  python3 - <<'PY'
import time, torch
from torch.nn.attention import SDPBackend, sdpa_kernel
import torch.nn.functional as F
def milliseconds(call, times):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(times):
        call()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / times
for kind in (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
    for n, s, t in ((8, 512, 2560), (8, 513, 2565), (8, 513, 2757), (8, 1024, 5120), (8, 1025, 5125)):
        q = torch.randn(n, 16, s, 128, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        k, v = (torch.randn(n, 16, t, 128, device="cuda", dtype=torch.bfloat16, requires_grad=True)
                for _ in range(2))
        gradient = torch.randn_like(q)
        with sdpa_kernel(kind):
            forward = lambda: F.scaled_dot_product_attention(q, k, v)
            both = lambda: forward().backward(gradient)
            torch.cuda.synchronize()
            first = time.perf_counter()
            both()
            torch.cuda.synchronize()
            first = time.perf_counter() - first
            milliseconds(both, 3)
            f, b = milliseconds(forward, 20), milliseconds(both, 20)
        flops = 4 * n * 16 * s * t * 128 / 1e9
        print(f"{kind.name:20} {n} x 16 heads, {s} queries, {t} keys: first {1e3 * first:6.0f} ms, "
              f"forward {f:.3f} ms ({flops / f:.0f} TFLOP/s), with backward {b:.3f} ms "
              f"({3.5 * flops / b:.0f} TFLOP/s)")
PY
}

step_attention() {
  "$moca" benchmark attention "${full[@]}" --components 2,4,8,16,32,64 --rounds 20 \
    --json "$records/attention.figures"
}
step_forward() {
  "$moca" benchmark forward "${full[@]}" --blocks 5 --components 4,8,16,32 --rounds 10 \
    --json "$records/forward.figures"
}
step_step() {
  "$moca" benchmark step "${full[@]}" --blocks 5 --components 8,32 --rounds 5 \
    --json "$records/step.figures"
}

step_nearest_points() {
  "$bundle/moca_nearest_points_benchmark" | tee "$records/nearest_points.figures"
}

# The paper's first phase as configs/object_512.yaml has it, on one GPU: seconds of every step, the
# most memory, and what a step consists of. Ended after a while, before it writes 25 GB.
step_full_size() {
  full_size_config >"$work/full_vae.yaml"
  {
    echo "base: full_vae.yaml"
    echo "stage: dit"
    echo "vae_run: $work/runs/full_vae"
    echo "image_encoder: {width: 1024, num_layers: 24}"
    sed -n 's/^dit: {/&width: 2048, num_layers: 21, /p;/^dit_training:/p' configs/object_512.yaml
    echo "training: {max_steps: 1000, precision: bf16, log_every: 1, loader_threads: 8, profile_steps: 1}"
  } >"$work/full_size.yaml"
  "$moca" prepare-data "$work/full_vae.yaml" &&
    "$moca" train "$work/full_vae.yaml" training.max_steps=3 training.batch_size=8 \
      training.precision=bf16 training.log_every=1 || return
  nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits --loop-ms=500 >"$work/memory" &
  local poller=$!
  timeout --signal=KILL 75 "$moca" train "$work/full_size.yaml"
  kill "$poller"
  echo "most memory in use: $(sort -n "$work/memory" | tail -n 1) MiB"
  cat "$work/runs/full_size/metrics.jsonl"
  trace_summary "$work/runs/full_size/trace_rank_0.json"
}

# What the GPU did in a trace: busy time, the kernels that take longest, waits of the host.
trace_summary() {
  python3 - "$1" <<'PY'
import collections, json, sys
events = [e for e in json.load(open(sys.argv[1]))["traceEvents"] if e.get("ph") == "X"]
gpu = [e for e in events if e.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset")]
if not gpu:
    sys.exit("the trace has no kernels")
begin, end = min(e["ts"] for e in gpu), max(e["ts"] + e["dur"] for e in gpu)
busy, last = 0, begin
for e in sorted(gpu, key=lambda e: e["ts"]):
    busy += max(0, e["ts"] + e["dur"] - max(last, e["ts"]))
    last = max(last, e["ts"] + e["dur"])
print(f"trace: {len(gpu)} kernels and copies in {(end - begin) / 1e3:.1f} ms, the GPU is busy for "
      f"{busy / 1e3:.1f} ms")
host = collections.Counter(e["name"] for e in events if e.get("cat") == "cuda_runtime")
print("host:", ", ".join(f"{name} {count}" for name, count in host.most_common(12)))
times, counts = collections.Counter(), collections.Counter()
for e in gpu:
    times[e["name"]] += e["dur"]
    counts[e["name"]] += 1
for name, microseconds in times.most_common(40):
    print(f"{microseconds / 1e3:9.2f} ms {counts[name]:6} x {name[:130]}")
PY
}

# scripts/quickstart.sh's runs, on the GPU.
step_quickstart() {
  local here=(device="$device" data.path="$work/quickstart_data" runs_folder="$work/runs")
  "$moca" prepare-data configs/quickstart_vae.yaml "${here[@]}" &&
    "$moca" train configs/quickstart_vae.yaml "${here[@]}" &&
    "$moca" train configs/quickstart.yaml "${here[@]}" vae_run="$work/runs/quickstart_vae" &&
    "$moca" evaluate "$work/runs/quickstart" "${here[@]:0:2}" &&
    cp "$work/runs/quickstart/evaluation/evaluation.json" "$records/quickstart.figures"
}

# Our kernels' memory throughput at the paper's sizes.
step_profile() {
  ncu --metrics gpu__time_duration.sum,dram__bytes.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed \
    --clock-control none --kernel-name 'regex:for_each_token|sum_gate|select_components|farthest' \
    --launch-count 40 "$moca" benchmark attention "${full[@]}" --components 16 --rounds 1
}

run_step() {
  local name=$1 seconds status
  local started=$SECONDS
  if [[ " ${needs_gpu[*]} " == *" $name "* ]]; then
    echo "$name needs_gpu 0" >>"$records/steps"
    : >"$records/$name.log"
    printf '%-12s needs a GPU\n' "$name"
    return
  fi
  echo "== $name" >>"$log"
  # In a shell of its own, so that the limit ends all that it started.
  timeout --kill-after=5 "$(limit_of "$name")" bash -c "$(declare -p bundle out log records work \
    device moca full); $(declare -f); set -o pipefail; step_$name" >"$records/$name.log" 2>&1
  status=$?
  seconds=$((SECONDS - started))
  cat "$records/$name.log" >>"$log"
  echo "$name $status $seconds" >>"$records/steps"
  printf '%-12s %-8s %4d s  %s\n' "$name" \
    "$([[ $status == 0 ]] && echo passed || echo "code $status")" "$seconds" \
    "$(grep -vE '^ *$' "$records/$name.log" | tail -n 1 | cut -c1-150)"
}

for name in "${steps[@]}"; do
  run_step "$name"
done

python3 - "$records" "$out/gpu_first_run.json" <<'PY'
import json, pathlib, subprocess, sys
records = pathlib.Path(sys.argv[1])
query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
try:
    gpu = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
except (OSError, subprocess.CalledProcessError):
    gpu = "none"
result = {"gpu": gpu, "steps": []}
for line in (records / "steps").read_text().splitlines():
    name, status, seconds = line.split()
    step = {"name": name, "status": "needs a GPU" if status == "needs_gpu" else int(status), "seconds": int(seconds),
            "last_lines": (records / f"{name}.log").read_text(errors="replace").splitlines()[-40:]}
    figures = records / f"{name}.figures"
    if figures.exists():
        step["figures"] = json.loads(figures.read_text())
    result["steps"].append(step)
pathlib.Path(sys.argv[2]).write_text(json.dumps(result, indent=1) + "\n")
PY
! grep -qvE "^[a-z_]+ (0|needs_gpu) " "$records/steps"
