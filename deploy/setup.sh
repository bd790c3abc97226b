#!/usr/bin/env bash
# Makes sure that the things named are there, and installs what is missing: rust, compiler, libpq, postgres (the programs
# of a server, for throw-away servers), curl, shellcheck, python (an environment in target/ with the clients of the tests),
# proxies (nginx and Caddy, in target/, for deploy/proxy/check.sh), oidc and axe (node, and in target/ the OpenID provider
# of the tests and their judge of accessibility), browser (Chromium and its driver; it needs no display), fonts (of pictures
# for people).
#
#   deploy/setup.sh rust compiler libpq
#
# It asks before it acts: with everything in place it neither needs root nor the network. System packages are Debian's; as
# root, or where sudo asks for no password, it installs them, otherwise it prints the one line to run and stops.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON_ENV=target/python
readonly PROXIES=target/proxies
readonly PYTHON_PINS=deploy/python-requirements.txt
# Which needs are npm packages, and where they are pinned. Each is installed into target/NEED.
declare -rA NPM_PINS=([oidc]=crates/gateway/tests/oidc [axe]=crates/test-support/tests/axe)

missing=() # Debian packages
to_unpack=() # Debian packages whose programs are wanted, and nothing else of them

say() { printf '%s\n' "$*" >&2; }

need_rust() {
    cargo --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
    say "Rust is missing, or its rustfmt or clippy. Install it as https://rustup.rs says, then run make again."
    exit 1
}

need_compiler() {
    command -v cc >/dev/null || missing+=(build-essential)
}

# libpq is linked as the system's own, so that its TLS is the system's own.
need_libpq() {
    local library
    for library in /usr/lib/libpq.so /usr/lib64/libpq.so /usr/lib/*-linux-gnu/libpq.so; do
        [ -e "$library" ] && return
    done
    command -v pg_config >/dev/null && [ -e "$(pg_config --libdir)/libpq.so" ] && return
    missing+=(libpq-dev)
}

need_postgres() {
    local programs
    command -v initdb >/dev/null && return
    for programs in /usr/lib/postgresql/*/bin; do
        [ -x "$programs/initdb" ] && return
    done
    missing+=(postgresql)
}

need_curl() {
    command -v curl >/dev/null || missing+=(curl)
}

need_shellcheck() {
    command -v shellcheck >/dev/null || missing+=(shellcheck)
}

# Installing them would start servers.
need_proxies() {
    local package
    command -v openssl >/dev/null || missing+=(openssl)
    for package in nginx caddy; do
        PATH="$PATH:/usr/sbin:$PROXIES/usr/sbin:$PROXIES/usr/bin" command -v "$package" >/dev/null || to_unpack+=("$package")
    done
}

need_python() {
    # The first line refuses too old a Python, the second a Debian without python3-venv.
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        missing+=(python3 python3-venv)
    elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        missing+=(python3-venv)
    fi
}

need_browser() {
    command -v chromium >/dev/null || missing+=(chromium)
    command -v chromedriver >/dev/null || missing+=(chromium-driver)
}

# Of pictures: what comes close to what people's systems have.
need_fonts() {
    [ -e /usr/share/fonts/opentype/inter ] || missing+=(fonts-inter)
}

need_node() {
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
}

install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    need_apt "${missing[@]}"
    say "Installing Debian packages: ${missing[*]}"
    as_root "$(privileged_line)"
}

need_apt() {
    command -v apt-get >/dev/null && return
    say "Please install what Debian calls: $*. Then run make again."
    exit 1
}

as_root() {
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            say "System packages are missing. Please run this line, then make again:"
            say ""
            say "  sudo sh -c '$1'"
            say ""
            exit 1
        fi
        sudo=(sudo -n)
    fi
    "${sudo[@]}" sh -ec "$1"
}

unpack() {
    [ ${#to_unpack[@]} -gt 0 ] || return 0
    need_apt "${to_unpack[@]}"
    say "Unpacking into $PROXIES: ${to_unpack[*]}"
    mkdir -p "$PROXIES"
    download 2>/dev/null || {
        # The lists of packages may be missing or old.
        as_root "apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update"
        download
    }
    local package
    for package in "$PROXIES"/*.deb; do
        dpkg -x "$package" "$PROXIES"
        rm "$package"
    done
}

download() (
    cd "$PROXIES"
    apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download "${to_unpack[@]}"
)

# What root does. PostgreSQL's package would start a server on port 5432; only its programs are wanted.
privileged_line() {
    # Another program may be installing as well, and a mirror may stumble.
    local get="apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3"
    local line="export DEBIAN_FRONTEND=noninteractive; $get update"
    if [[ " ${missing[*]} " == *" postgresql "* ]]; then
        line+="; $get install -y --no-install-recommends postgresql-common >/dev/null"
        line+="; sed -i \"s/^#*create_main_cluster.*/create_main_cluster = false/\" /etc/postgresql-common/createcluster.conf"
    fi
    printf '%s' "$line; $get install -y --no-install-recommends ${missing[*]} >/dev/null"
}

# The Python environment of the tests: clients that nobody here wrote. Made anew when the pins change.
make_python_env() {
    # An environment that was moved names programs that are not there.
    cmp -s "$PYTHON_PINS" "$PYTHON_ENV/pins.txt" && "$PYTHON_ENV/bin/pip" --version >/dev/null 2>&1 && return
    say "Installing the Python clients of the tests into $PYTHON_ENV"
    rm -rf "$PYTHON_ENV"
    mkdir -p target
    python3 -m venv "$PYTHON_ENV"
    "$PYTHON_ENV/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$PYTHON_PINS"
    "$PYTHON_ENV/bin/pip" check --quiet --disable-pip-version-check
    cp "$PYTHON_PINS" "$PYTHON_ENV/pins.txt"
}

# The npm packages of one need. Made anew when the pins change.
make_npm_env() {
    local env=target/$1 pins=${NPM_PINS[$1]}
    cmp -s "$pins/package-lock.json" "$env/pins.json" && return
    say "Installing the npm packages of the tests into $env"
    rm -rf "$env"
    mkdir -p "$env"
    cp "$pins/package.json" "$pins/package-lock.json" "$env"
    npm ci --prefix "$env" --ignore-scripts --no-audit --no-fund --loglevel=error
    cp "$pins/package-lock.json" "$env/pins.json"
}

python_asked=false
npm_asked=()
for need in "$@"; do
    case "$need" in
    rust | compiler | libpq | postgres | curl | shellcheck | proxies | browser | fonts) "need_$need" ;;
    python)
        need_python
        python_asked=true
        ;;
    oidc | axe) npm_asked+=("$need") ;;
    *)
        say "deploy/setup.sh: unknown need '$need'"
        exit 2
        ;;
    esac
done
if [ ${#npm_asked[@]} -gt 0 ]; then need_node; fi
install_missing
unpack
if $python_asked; then make_python_env; fi
for need in "${npm_asked[@]}"; do make_npm_env "$need"; done
