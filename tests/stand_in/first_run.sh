#!/usr/bin/env bash
# scripts/gpu_first_run.sh as if on a GPU: its steps on the stand-in device, a table and a JSON file.
# usage: tests/stand_in/first_run.sh BUILD_FOLDER [STEP ...]     no step: all, which takes minutes
set -euo pipefail
[[ -x ${1:-}/tests/stand_in/moca_stand_in ]] || {
  sed -n '2,3s/^# //p' "$0" >&2
  echo "${1:-BUILD_FOLDER} has no tests/stand_in/moca_stand_in: scripts/test.sh build makes it in build" >&2
  exit 2
}
build=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir -p "$folder/bundle/lib"
ln -s "$build/tests/stand_in/moca_stand_in" "$folder/bundle/moca"
ln -s "$build/tests/moca_checkpoint_test" "$folder/bundle"
for name in nn ops parity experiment; do
  ln -s "$build/tests/stand_in/moca_${name}_on_stand_in_test" "$folder/bundle/moca_${name}_test"
done
export PATH="$PWD/.venv/bin:$PATH" MOCA_TEST_DEVICE=stand_in
scripts/gpu_first_run.sh "$folder/bundle" "$folder/out" "$@" || {
  cat "$folder/out/gpu_first_run.log"
  exit 1
}
python - "$folder/out/gpu_first_run.json" <<'PY'
import json, sys
steps = json.load(open(sys.argv[1]))["steps"]
assert any(step["status"] == 0 for step in steps), steps
assert all(step["status"] in (0, "needs a GPU") for step in steps), steps
PY
