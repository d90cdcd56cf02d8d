#!/bin/sh
# Everything that pip needs, for a machine without a network: wheelhouse.sh FOLDER [PIP ARGUMENT …]
#
# Run it at the root of the repository, with the Python version and on the kind of machine that the wheels are for.
# There: python3 -m venv .venv && .venv/bin/pip install --no-index --find-links FOLDER -c FOLDER/constraints.txt \
#            'tingshuo[server,tracing,celery]' tingshuo-sensevoice tingshuo-espeak tingshuo-sambert-hifigan
set -eu

folder=${1:?say where: wheelhouse.sh FOLDER}
shift
python=${PYTHON:-python3}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT

cp constraints.txt "$folder/"
# Built in a copy, for a build leaves a folder in what it builds.
cp -R platform plugins webui "$sources/"
for package in "$sources/platform" "$sources"/plugins/* "$sources/webui"; do
    "$python" -m pip wheel --no-deps --wheel-dir "$folder" "$@" "$package"
done
# What these need, in the exact versions of the constraints. They are named by file, so that no package of an index
# that happens to have their name takes their place.
set -- "$@" "$(echo "$folder"/tingshuo-[0-9]*.whl)[server,tracing,celery,s3,preprocessing,wyoming]" gunicorn
for wheel in "$folder"/tingshuo_*.whl; do
    set -- "$@" "$wheel"
done
"$python" -m pip wheel --wheel-dir "$folder" -c constraints.txt "$@"
(cd "$folder" && sha256sum -- *.whl constraints.txt >SHA256SUMS)
