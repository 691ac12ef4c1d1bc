#!/usr/bin/env bash
# Trains with several processes of this machine; those that fail are started again and resume.
# usage: scripts/launch.sh PROCESSES CONFIG [section.key=value ...] [--resume]
# RESTARTS: how often the job is started again (3). Several machines: docs/training.md.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

[[ $# -ge 2 && $1 =~ ^[1-9][0-9]*$ ]] || {
  sed -n '2,4s/^# //p' "$0" >&2
  exit 2
}
processes=$1
shift
threads=$(($(nproc) / processes))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((threads > 0 ? threads : 1))}
exec "$root/.venv/bin/python" "$root/scripts/torchrun.py" --standalone --no-python \
  --nproc-per-node "$processes" --max-restarts "${RESTARTS:-3}" \
  --signals-to-handle SIGTERM,SIGINT,SIGUSR1 "$root/build/moca" train "$@"
