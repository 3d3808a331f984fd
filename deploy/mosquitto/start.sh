#!/bin/sh
# Makes the broker's password file out of the secrets named mqtt_<user>, then becomes the broker.
set -eu
umask 077
passwords=${PASSWORDS:-/tmp/passwords}
: > "$passwords.plain"
for secret in "${SECRETS:-/run/secrets}"/mqtt_*; do
  user=${secret##*/mqtt_}
  password=$(cat "$secret")
  [ -n "$password" ] || { echo "mosquitto: the secret mqtt_$user is empty" >&2; exit 1; }
  # The password file's own separator.
  case $password in *:*) echo "mosquitto: the secret mqtt_$user has a colon in it" >&2; exit 1 ;; esac
  printf '%s:%s\n' "$user" "$password" >> "$passwords.plain"
done
mosquitto_passwd -U "$passwords.plain"
mv "$passwords.plain" "$passwords"
exec mosquitto -c "${CONFIG:-/mosquitto/config/mosquitto.conf}"
