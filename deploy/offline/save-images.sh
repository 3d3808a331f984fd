#!/bin/sh
# On a machine with Docker and a network: pulls and builds every image and packs them into images.tar.gz.
set -eu
cd "$(dirname "$0")"
docker compose --profile demo pull --ignore-buildable
docker compose --profile demo build
# shellcheck disable=SC2046 # one word per image
docker save $(cat images.txt) | gzip > images.tar.gz
sha256sum images.tar.gz > images.tar.gz.sha256
echo "Done: images.tar.gz; carry this folder to the site, and there: sh load-images.sh"
