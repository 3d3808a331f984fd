#!/bin/sh
# At the site: loads the images that save-images.sh packed. Then: docker compose up --detach --no-build --pull never
set -eu
cd "$(dirname "$0")"
sha256sum --check --quiet --strict images.tar.gz.sha256
gzip --decompress --stdout images.tar.gz | docker load
