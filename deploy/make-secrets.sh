#!/bin/sh
# Makes the secrets of docker-compose.yml, each in a file of its own. What is there already is kept.
set -eu
folder="$(dirname "$0")/secrets"
mkdir -p "$folder"
# The folder keeps other accounts of this machine out. The files must be readable by the accounts in the containers.
chmod 0700 "$folder"
umask 022

random() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
keep() { [ -s "$folder/$1" ] || { printf '%s' "$2" > "$folder/.new" && mv "$folder/.new" "$folder/$1" && echo "made $folder/$1"; }; }

for name in postgres_password database_password redis_password setup_token jwt_secret master_key; do keep "$name" "$(random)"; done
keep redis_url "redis://:$(cat "$folder/redis_password")@redis:6379"
