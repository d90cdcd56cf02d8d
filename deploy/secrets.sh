#!/bin/sh
# Make what docker-compose.yml needs as secrets, each as a file: deploy/secrets.sh FOLDER [HOST NAME]
# What is there already stays. The certificate is self-signed; put one of your own in its place.
set -eu

folder=${1:?say where: deploy/secrets.sh secrets}
host=${2:-localhost}
# The folder keeps others out. The files must be readable, for the processes in the containers have users of their own.
mkdir -p "$folder"
chmod 0700 "$folder"
umask 022

make() { # NAME VALUE
    if [ ! -s "$folder/$1" ]; then
        printf '%s' "$2" >"$folder/$1"
    fi
}

random() { openssl rand -hex 32; }

for name in postgres_password broker_password server_secret webui_secret grafana_password; do
    make "$name" "$(random)"
done
make database_url "postgresql://tingshuo:$(cat "$folder/postgres_password")@db/tingshuo"
make broker_url "amqp://tingshuo:$(cat "$folder/broker_password")@broker:5672//"
make rabbitmq_definitions "{
  \"vhosts\": [{\"name\": \"/\"}],
  \"users\": [{\"name\": \"tingshuo\", \"password\": \"$(cat "$folder/broker_password")\", \"tags\": \"\"}],
  \"permissions\": [{\"user\": \"tingshuo\", \"vhost\": \"/\", \"configure\": \".*\", \"write\": \".*\", \"read\": \".*\"}]
}
"
if [ ! -s "$folder/tls.key" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
        -subj "/CN=$host" -addext "subjectAltName=DNS:$host,IP:127.0.0.1" \
        -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
    chmod 0644 "$folder/tls.key"
fi
echo "secrets are in $folder; keep a copy of server_secret: without it no key is good any more" >&2
