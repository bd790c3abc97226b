#!/usr/bin/env bash
# Checks the examples of proxies with the programs themselves, which deploy/setup.sh puts into target/proxies where the system
# has none. Nothing is started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

PATH="$PATH:/usr/sbin:$PWD/target/proxies/usr/sbin:$PWD/target/proxies/usr/bin"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Certificates that the examples name, and addresses that this machine has.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=example.com \
    -keyout "$folder/test.key" -out "$folder/test.pem" 2>/dev/null
sed -e "s|/etc/ssl/juno/[a-z]*\.|$folder/test.|" -e "s|/var/log/nginx|$folder|" -e '/listen \[::\]/d' \
    -e 's/10\.0\.0\.5:8443/127.0.0.1:18444/' -e 's/ 443 ssl/ 18443 ssl/' deploy/proxy/nginx.conf >"$folder/juno.conf"
cat >"$folder/nginx.conf" <<END
events {}
http {
    $(for path in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s; ' "$path" "$folder/$path"; done)
    include $folder/juno.conf;
}
END
nginx -q -t -p "$folder" -c "$folder/nginx.conf" -g "pid $folder/pid; error_log stderr;"
HOME=$folder caddy validate --adapter caddyfile --config deploy/proxy/Caddyfile >"$folder/caddy" 2>&1 || {
    cat "$folder/caddy" >&2
    exit 1
}
