#!/usr/bin/env bash
# Starts a gateway of its own on free ports and a throw-away SQLite file, opens three tenants, and lets entra-sim provision them at
# once: an initial cycle of 300 users each, then an incremental one with a usual day's changes.
#
#   deploy/demo.sh dev|release
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BUILT=target/${1/#dev/debug}
folder=$(mktemp -d)
gateway=
trap '[ -z "$gateway" ] || kill -TERM "$gateway"; rm -rf "$folder"' EXIT

export JUNO__DATABASE__URL=sqlite://$folder/juno.db JUNO__LOG__LEVEL=warn
export JUNO__SCIM__LISTEN=127.0.0.1:0 JUNO__ADMIN__LISTEN=127.0.0.1:0

# The value of a text field in the one JSON object on standard input.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

exec 3< <(exec "$BUILT/juno" serve --json)
gateway=$!
read -r listening <&3 || true
scim=$(field scim <<<"$listening")
if [ -z "$scim" ]; then
    gateway=
    exit 1
fi

for tenant in contoso fabrikam northwind; do
    opened=$(JUNO__SCIM__PUBLIC_URL=$scim "$BUILT/juno" tenant create "$tenant" --json)
    printf '[[tenant]]\nname = "%s"\ntenant_url = "%s"\nsecret_token = "%s"\n' \
        "$tenant" "$(field tenant_url <<<"$opened")" "$(field secret_token <<<"$opened")" >>"$folder/tenants.toml"
done
"$BUILT/entra-sim" run --tenants "$folder/tenants.toml" --users 300 --cycles 2 --requests-per-second 100
