#!/usr/bin/env bash
# Starts the built gateway on SQLite in ./data with a demo tenant and a first operator, prints what a provisioning client and
# the operator need, and runs it until Ctrl-C. The first run opens the tenant; each later one gives it a new Secret Token in the
# place of the last, because a token is shown once and stored nowhere. So is the operator's one-time password.
#
#   deploy/run.sh dev|release
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PROFILE=${1:-dev}
readonly JUNO=target/${PROFILE/#dev/debug}/juno
readonly KEY_ID=data/demo.key_id
export JUNO__DATABASE__URL=sqlite://data/juno.db

# The value of a text field in the one JSON object on standard input.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

# Prints the JSON of a Secret Token of the demo tenant that is good from now on.
demo_token() {
    if ! "$JUNO" tenant show demo --json >/dev/null 2>&1; then
        "$JUNO" tenant create demo --json
    elif ! { [ -s "$KEY_ID" ] && "$JUNO" token rotate demo "$(cat "$KEY_ID")" --now --json 2>/dev/null; }; then
        "$JUNO" token issue demo --label "make run" --json
    fi
}

# Says how to sign in at the console: with the password of the first operator, made now unless there is an operator.
sign_in() {
    local operators password
    operators=$("$JUNO" operator list --json)
    if grep -q '"name"' <<<"$operators"; then
        echo "  Sign in as before. A forgotten password or a lost phone: $JUNO operator reset admin"
    else
        password=$("$JUNO" operator create admin --role admin --json | field one_time_password)
        printf '  Name               admin\n  One-time password  %s\n' "$password"
    fi
}

umask 077
mkdir -p data
"$JUNO" config check >/dev/null

# Ctrl-C reaches the gateway as well, which lets requests in flight finish (a second one ends them); we wait for it.
trap : INT
trap 'kill -TERM "$gateway"' TERM
exec 3< <(exec "$JUNO" serve --json)
gateway=$!
# Once it listens it says so in one line of JSON; where it cannot, it has said why on standard error.
read -r listening <&3 || true
admin=$(field admin <<<"$listening")
if [ -z "$admin" ]; then
    wait "$gateway" || status=$?
    cat >&2 <<'TEXT'

The gateway did not start; no tenant, token or operator was made. If an address is taken, end what listens there (an earlier
`make run`, perhaps), or choose other ones:

  JUNO__SCIM__LISTEN=127.0.0.1:8081 JUNO__ADMIN__LISTEN=127.0.0.1:9091 make run
TEXT
    exit "${status:-1}"
fi
# Whatever stops us from here on, the gateway does not stay behind.
trap 'kill -TERM "$gateway" 2>/dev/null || true' EXIT

# What is shown once is made only now that it will be shown: the operator's password last of all.
JUNO__SCIM__PUBLIC_URL=$(field public_url <<<"$listening")
export JUNO__SCIM__PUBLIC_URL
issued=$(demo_token)
field key_id <<<"$issued" >"$KEY_ID"
tenant_url=$("$JUNO" tenant show demo --json | field tenant_url)
secret_token=$(field secret_token <<<"$issued")
sign_in=$(sign_in)

cat <<TEXT

The gateway runs. What a customer's Entra administrator pastes:

  Tenant URL    $tenant_url
  Secret Token  $secret_token

Try it from another shell:

  export SCIM_URL='$tenant_url' SCIM_TOKEN='$secret_token'
  curl -H "Authorization: Bearer \$SCIM_TOKEN" "\$SCIM_URL/Users?count=10"

The console of Juno support:

  $admin/
$sign_in

Health and metrics: $admin/healthz, /readyz, /metrics. Ctrl-C ends it; the data stay in ./data.

TEXT
wait "$gateway" || status=$?
# Interrupted by the trap before the gateway had ended.
while kill -0 "$gateway" 2>/dev/null; do wait "$gateway" || status=$?; done
exit "${status:-0}"
