#!/usr/bin/env bash
# What `rez build` runs, with `install` where the package is to be installed. $VFXSTYLE_LIGHT=1 leaves torch out: for
# machines that neither train nor use a GPU.
set -euo pipefail
[ "${1:-}" = install ] || exit 0
source_folder=$(cd "$REZ_BUILD_SOURCE_PATH/../.." && pwd)
place=$REZ_BUILD_INSTALL_PATH
python -m venv --clear "$place/environment"
pip=("$place/environment/bin/python" -m pip install --no-cache-dir -c "$source_folder/constraints.txt")
if [ "${VFXSTYLE_LIGHT:-}" = 1 ]; then
  "${pip[@]}" -r "$source_folder/requirements-light.txt"
  "${pip[@]}" --no-deps "$source_folder"
else
  "${pip[@]}" "$source_folder"
fi
mkdir -p "$place/bin"
ln -sf ../environment/bin/vfxstyle "$place/bin/vfxstyle"
"$place/bin/vfxstyle" warm
VFXSTYLE_COMMAND= "$place/bin/vfxstyle" hosts install nuke --to "$place/nuke"
