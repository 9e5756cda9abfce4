#!/usr/bin/env bash
# docs/language.md names every word of the language: what the tables have, the page says.
. "$(dirname "$0")/run/lib.sh"
cd "$SGC_SOURCE_DIR"
page=docs/language.md

# What the page sets as code: between backquotes, or indented; whole programs do not count.
awk '/^```/ { inside = !inside; next } !inside' $page >"$work/text"
{
    # shellcheck disable=SC2016 # the quotes of the page
    tr '\n' ' ' <"$work/text" | grep -oE '`[^`]+`'
    grep '^    ' "$work/text"
} >"$work/code"

# words TABLE ROW: the first quoted text of every row of that kind.
words() {
    grep -oE "\b$2\([^\"]*\"[^\"]+\"" "$1" | sed -E 's/.*"([^"]+)"$/\1/' | sort -u
}

named() {
    local what=$1 word
    shift
    [ $# -gt 0 ] || fail "no $what found"
    for word in "$@"; do
        grep -qw "$word" "$work/code" || fail "the $what '$word' is not in $page"
    done
}

mapfile -t found < <(words frontend/token.def '(STATEMENT_WORD|WORD|BINARY_WORD)')
named 'reserved word' "${found[@]}"
mapfile -t found < <(words frontend/builtin.def BUILTIN)
named function "${found[@]}"
mapfile -t found < <(words frontend/init.def INIT)
named 'initial value' "${found[@]}"
mapfile -t found < <(words ir/dist.def 'DIST'; words ir/dist.def PLANNED)
named distribution "${found[@]}"
mapfile -t found < <(grep -E 'true, +(true|false),' ir/estimator.def | grep -oE '"[a-z_]+"' | grep -v '""' | tr -d '"')
named estimator "${found[@]}"
