#!/usr/bin/env bash
# The pages and files that are made of sgc's tables are those of today; `cmake --build build --target
# generated` makes them again.
. "$(dirname "$0")/lib.sh"

while read -r listing file; do
    status 0 sgc --print="$listing"
    cmp -s out "$SGC_SOURCE_DIR/$file" || fail "$file is not what sgc --print=$listing says; make the target \`generated\`"
done <"$SGC_SOURCE_DIR/cmake/generated.txt"

# Every command, flag and kind of file is in the page and in the manual; so is every verb and option.
page=$SGC_SOURCE_DIR/docs/cli.md
status 0 sgc --help
while read -r flag; do
    grep -qF -- "$flag" "$page" || fail "$flag is not in docs/cli.md"
done < <(grep -oE '^  -[-a-zA-Z0-9]+' out)
status 0 sgc --print=emit
while read -r kind _; do
    grep -qF "| \`$kind\` |" "$page" || fail "$kind is not in docs/cli.md"
done <out
cp "$examples"/bandit.sg .
status 0 sgc bandit.sg -o bandit
status 0 ./bandit help train
while read -r option; do
    grep -qF -- "$option" "$page" || fail "$option is not in docs/cli.md"
done < <(grep -oE '^ +--[a-z-]+' out)

# The manual pages are troff, and the grammars what their editors read.
for name in sgc sgc-model; do
    if command -v groff >/dev/null; then
        groff -man -Tutf8 -ww "$SGC_SOURCE_DIR/man/$name.1" >page 2>warnings || fail "groff: $name.1"
        silent warnings
    fi
done
for word in plate graph softplus lognormal pathwise simplex glorot; do
    grep -qw "$word" "$SGC_SOURCE_DIR/editors/sgc.vim" || fail "$word is not in sgc.vim"
    grep -qw "$word" "$SGC_SOURCE_DIR/editors/sgc.tmLanguage.json" || fail "$word is not in the grammar"
done
