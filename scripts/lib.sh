# What scripts/start, scripts/demo and scripts/test have in common. Sourced by bash, from the repository's root.
# shellcheck shell=bash

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

missing=0
lack() {
  printf '  missing: %-22s %s\n' "$1" "$2" >&2
  missing=1
}

# Prints a line for each thing that this machine lacks and cannot be given by us; true when there is none.
check_machine() {
  [ "$(uname -s)" = Linux ] || lack "Linux" "the tunnel is a TUN of Linux; run this on Debian 12"
  if ! command -v node >/dev/null; then
    lack "Node >= 20.19" "https://nodejs.org/en/download, or: curl -fsSL https://deb.nodesource.com/setup_20.x | bash - && apt-get install -y nodejs"
  elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    lack "Node >= 20.19" "this is $(node --version); newer ones: https://nodejs.org/en/download"
  fi
  command -v npm >/dev/null || lack "npm" "it comes with Node: https://nodejs.org/en/download"
  command -v cc >/dev/null || command -v gcc >/dev/null || lack "a C compiler" "apt-get install -y build-essential"
  [ "$(id -u)" = 0 ] || lack "root" "interfaces need it: run this with sudo, or as root"
  [ -c /dev/net/tun ] || lack "/dev/net/tun" "modprobe tun; in a container: docker run --device /dev/net/tun --cap-add NET_ADMIN --cap-add SYS_ADMIN"
  return "$missing"
}

# As check_machine, with what hosts of a lab are made of.
check_lab() {
  check_machine || return
  if ! unshare --net --mount --pid --fork --mount-proc true 2>/dev/null; then
    lack "network namespaces" "the kernel refused unshare(2); in a container: --cap-add SYS_ADMIN --security-opt seccomp=unconfined"
  fi
  return "$missing"
}

# Installs those of the Debian packages named that are not there.
need_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}

# Gives Debian these packages; on another Linux the programs must be there.
need_programs() {
  local packages programs program lacking=()
  read -ra packages <<<"$1"
  read -ra programs <<<"$2"
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    need_packages "${packages[@]}"
    return
  fi
  for program in "${programs[@]}"; do
    command -v "$program" >/dev/null || lacking+=("$program")
  done
  [ ${#lacking[@]} = 0 ] || fail "these programs are missing, and there is no apt-get to install them: ${lacking[*]}"
}

# Installs the npm packages of the lockfile, unless that was done since it last changed.
need_modules() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return 0
  say "Installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
}

# Builds dist/, unless everything in it is younger than what it is made of.
need_build() {
  local sources=(packages/*/src packages/*/package.json native/*.ts native/src native/binding.gyp scripts/build.ts
    package-lock.json)
  if [ -x dist/pcloud-wg ] && [ -x dist/pcloud ] && [ -e dist/pcloud_native.node ] &&
    [ -z "$(find "${sources[@]}" \( -newer dist/pcloud-wg -o -newer dist/pcloud_native.node \) -print -quit)" ]; then
    return
  fi
  say "Building"
  mkdir -p dist
  npm run --silent build >dist/build.log 2>&1 || { cat dist/build.log >&2 && false; }
}
