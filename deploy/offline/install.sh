#!/bin/sh
# Installs orewatch from this folder, without a network:   sh install.sh [TARGET]   (default: /opt/orewatch)
# PYTHON names another interpreter; it must be the one this bundle was made for (README.txt).
set -eu
target=${1:-/opt/orewatch}
python=$(command -v "${PYTHON:-python3}") || { echo "${PYTHON:-python3}: no such program" >&2; exit 1; }
# Both as seen from where this was called.
case $target in /*) ;; *) target=$PWD/$target ;; esac
case $python in /*) ;; *) python=$PWD/$python ;; esac
cd "$(dirname "$0")"

echo "Comparing every file with SHA256SUMS ..."
sha256sum --check --quiet --strict SHA256SUMS

wanted=$(cat wheels/FOR)
found=$("$python" -c 'import sys, sysconfig; print("cp%d%d" % sys.version_info[:2], sysconfig.get_platform())')
[ "$found" = "$wanted" ] || {
  echo "This bundle is for $wanted, and $python is $found; allowed: PYTHON=... with the right one" >&2
  exit 1
}

echo "Installing into $target ..."
"$python" -m venv "$target"
# Hashes of the lock, wheels of this folder, no index.
"$target/bin/pip" install --quiet --disable-pip-version-check --no-index --find-links wheels \
  --require-hashes --requirement wheels/lock.txt
"$target/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall wheels/orewatch-*.whl
"$target/bin/orewatch" --help >/dev/null
echo "Done: $target/bin/orewatch"
