#!/usr/bin/env bash
# From a fresh clone to generated components: installs, builds, prepares data, trains, judges.
# Run again, it goes on where it stopped and keeps what is finished.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ $# -eq 0 ]] || {
  sed -n '2,3s/^# //p' "$0" >&2
  echo "usage: scripts/quickstart.sh" >&2
  exit 2
}
run=runs/quickstart
dataset=datasets/quickstart
records=runs/quickstart_times # one file per finished stage: seconds and peak memory

# once STAGE OUTPUT COMMAND...: skipped where the stage has finished and OUTPUT is still there.
once() {
  local stage=$1 output=$2
  shift 2
  if [[ -f $records/$stage.json && -e $output ]]; then
    echo "== $stage is done ($output)"
    return
  fi
  echo "== $stage: $*"
  python3 scripts/measure.py "$records/$stage.json" "$@"
}

# The first run's figures of setup and build stay: a later run finds them done in a second.
echo "== setup"
scripts/setup.sh
mkdir -p "$records"
[[ -f $records/setup.json ]] ||
  echo "{\"command\": \"scripts/setup.sh\", \"seconds\": $SECONDS, \"peak_memory_gib\": 0}" \
    >"$records/setup.json"
echo "== build"
# A folder that scripts/test.sh configured keeps its tests.
tests=()
[[ -f build/CMakeCache.txt ]] || tests=(-DMOCA_TESTS=OFF)
record=$records/build.json
[[ ! -f $record ]] || record=/dev/null
python3 scripts/measure.py "$record" scripts/build.sh build "${tests[@]}" moca

# train STAGE CONFIG RUN: an interrupted run goes on from its newest checkpoint.
train() {
  local stage=$1 config=$2 folder=$3 resume=()
  if [[ ! -f $records/$stage.json && -d $folder ]]; then
    if compgen -G "$folder/checkpoints/step_*" >/dev/null; then
      resume=(--resume)
    else
      rm -r "$folder" # stopped before its first checkpoint
    fi
  fi
  once "$stage" "$folder" build/moca train "$config" "${resume[@]}"
}

once prepare "$dataset" build/moca prepare-data configs/quickstart_vae.yaml
train train_vae configs/quickstart_vae.yaml "${run}_vae"
train train_moca configs/quickstart.yaml "$run"
[[ -f $run/evaluation/evaluation.json ]] || rm -rf "$run/evaluation" # of an interrupted evaluation
once evaluate "$run/evaluation" build/moca evaluate "$run"
once report "$run/report.html" build/moca report "$run"

echo "== result (remove $run* and $dataset to start over)"
python3 scripts/measure.py --summary "$records"
python3 scripts/quickstart_result.py "$run" "$records/summary.json" >"$run/quickstart.json"
cat "$run/quickstart.json"
echo "  page      $run/report.html"
echo "  images    $run/contact_sheet_train.png $run/contact_sheet_test.png"
echo "  meshes    $run/evaluation/*/asset.glb"
