# Sourced by the end-to-end tests: a private folder, and ways to say what must hold.
# shellcheck shell=bash
set -euo pipefail

SGC_SOURCE_DIR=${SGC_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
SGC_BINARY_DIR=${SGC_BINARY_DIR:-$SGC_SOURCE_DIR/build}
PATH=$SGC_BINARY_DIR:$PATH
examples=$SGC_SOURCE_DIR/examples
export examples

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# status N COMMAND...: the command must end with status N; its streams are in ./out and ./err.
status() {
    local want=$1 got=0
    shift
    "$@" >out 2>err || got=$?
    if [ "$got" -ne "$want" ]; then
        cat out err >&2
        fail "status $got, not $want: $*"
    fi
}

# says WORDS [FILE]: the text stands in FILE, by default ./err.
says() {
    grep -qF -- "$1" "${2:-err}" || {
        cat "${2:-err}" >&2
        fail "'$1' is not in ${2:-err}"
    }
}

lacks() {
    ! grep -qF -- "$1" "${2:-err}" || {
        cat "${2:-err}" >&2
        fail "'$1' is in ${2:-err}"
    }
}

silent() {
    [ ! -s "$1" ] || {
        cat "$1" >&2
        fail "$1 is not empty"
    }
}

same() {
    cmp -s "$1" "$2" || {
        diff -u "$1" "$2" | head -20 >&2 || true
        fail "$1 and $2 differ"
    }
}
