#!/bin/sh
# On a machine with Docker and a network: pulls and builds every image and packs them into images.tar.gz.
# A .env beside may name a registry: take the same .env to the site, the images are called by it.
set -eu
cd "$(dirname "$0")"
images=$(docker compose --profile demo config --images)
case $images in
*@*)
  echo ".env names digests, and a packed image has none; allowed: no OREWATCH_..._DIGEST, here and at the site" >&2
  exit 1
  ;;
esac
docker compose --profile demo pull --ignore-buildable
docker compose --profile demo build
# shellcheck disable=SC2046 # one word per image
docker save --output images.tar $(echo "$images" | sort -u)
gzip --force images.tar
sha256sum images.tar.gz > images.tar.gz.sha256
echo "Done: images.tar.gz; carry this folder to the site, and there: sh load-images.sh"
