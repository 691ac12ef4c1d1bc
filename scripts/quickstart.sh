#!/usr/bin/env bash
# From a fresh clone to generated components: installs, builds, prepares data, trains, judges.
# Run again, it goes on where it stopped and keeps what is finished.
set -euo pipefail
cd "$(dirname "$0")/.."

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

once prepare "$dataset" build/moca prepare-data configs/quickstart_vae.yaml
once train_vae "${run}_vae" build/moca train configs/quickstart_vae.yaml
once train_moca "$run" build/moca train configs/quickstart.yaml
once evaluate "$run" build/moca evaluate "$run"
once report "$run" build/moca report "$run"

echo "== result (remove $run* and $dataset to start over)"
python3 scripts/measure.py --summary "$records"
find "$run" \( -name '*.png' -o -name 'index.html' -o -name 'report.html' \) -size +0 | sort |
  sed 's/^/  open /'
