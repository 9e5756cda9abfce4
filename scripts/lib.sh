# Sourced by the scripts: what they share.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What a bare Debian 12 needs to build and test sgc.
packages=(
    cmake ninja-build pkg-config gcc g++ libc6-dev
    clang-19 llvm-19-dev lld-19 libclang-rt-19-dev
    libopenblas-serial-dev libgmp-dev libcjson-dev libmd-dev zlib1g-dev
    check libsubunit-dev valgrind
)

die() {
    echo "$0: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "missing packages, and neither root nor sudo to install them: $*"
    fi
}

installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs what is missing: of the packages named, or of all that sgc needs.
install_packages() {
    local missing=() package
    [ $# -gt 0 ] || set -- "${packages[@]}"
    command -v dpkg-query >/dev/null || die "this needs Debian's packages: $*"
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing: ${missing[*]}" >&2
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

jobs=$(nproc)

# build FOLDER CMAKE-ARGUMENT...
build() {
    local folder=$root/$1
    shift
    cmake -S "$root" -B "$folder" -G Ninja "$@" >/dev/null
    cmake --build "$folder" -j "$jobs"
}
