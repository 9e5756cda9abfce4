#!/usr/bin/env bash
# Runs what README.md and docs/*.md show:
#   sg       a program that compiles; or, where lines end in `# error: WORDS`, one that is refused
#            with those words at those lines
#   sgir     a graph that goes through the rest of the pipeline
#   sh       commands, which must succeed
#   c, cpp, python, cmake   a file, whose name begins the comment in its first line
#   coq      lines of proofs/*.v
#   text     none of these
#   console  `$ command` lines, each followed by what it prints, where ... stands for anything
# The blocks of one page run in one folder, which begins with links to the project's files.
. "$(dirname "$0")/run/lib.sh"

if [ "${SGC_SANITIZED:-OFF}" = ON ]; then
    echo 'the pages are run by the release build'
    exit 77
fi

# extract PAGE: writes every block to blocks/NUMBER.LINE.KIND.
extract() {
    rm -rf blocks
    mkdir blocks
    awk '
        /^```[a-z]+$/ && !file { file = sprintf("blocks/%03d.%d.%s", ++n, NR, substr($0, 4)); next }
        /^```$/ { if (file) close(file); file = ""; next }
        file { print > file }' "$1"
}

check_program() {
    local want=0 line words
    cp "$1" block.sg
    if grep -q '# error: ' block.sg; then
        want=1
    fi
    status $want sgc block.sg --emit=ir -o /dev/null
    while IFS=: read -r line words; do
        grep -E "^block.sg:$line:[0-9]+: error: " err | grep -qF -- "${words##*# error: }" ||
            { cat err >&2; fail "no such error at line $line: $words"; }
    done < <(grep -n '# error: ' block.sg || true)
}

# A line of a page matches a line of output; ... in it is anything.
matches() {
    local pattern=${1//\\/\\\\}
    pattern=${pattern//\*/\\*}
    pattern=${pattern//\?/\\?}
    pattern=${pattern//\[/\\[}
    pattern=${pattern//.../*}
    # shellcheck disable=SC2053 # a pattern is wanted
    [[ $2 == $pattern ]]
}

# compare EXPECTED ACTUAL: line by line; a line of ... alone is any number of lines.
compare() {
    local -a expected actual
    local i=0 line
    mapfile -t expected <"$1"
    mapfile -t actual <"$2"
    for line in "${expected[@]}"; do
        if [ "$line" = ... ]; then
            i=${#actual[@]}
            continue
        fi
        matches "$line" "${actual[i]-}" || fail "shown '$line', printed '${actual[i]-}'"
        i=$((i + 1))
    done
    [ $i -eq ${#actual[@]} ] || fail "not shown: '${actual[i]}'"
}

# Comments are the page's own; those of the files are left out.
check_coq() {
    local line
    sed -E 's/ *\(\*.*\*\)//' "$SGC_SOURCE_DIR"/proofs/*.v >proofs
    while IFS= read -r line; do
        [[ $line == '(*'* ]] || grep -qxF -- "$line" proofs || fail "proofs/ has no line '$line'"
    done <"$1"
}

check_console() {
    local command='' line
    : >expected
    while IFS= read -r line || [ -n "$line" ]; do
        if [[ $line != '$ '* ]]; then
            printf '%s\n' "$line" >>expected
            continue
        fi
        [ -z "$command" ] || run_console "$command"
        command=${line#'$ '}
        : >expected
    done <"$1"
    run_console "$command"
}

# Where a page builds the project, what this build has compiled is not compiled again.
export COMPILED_LIST=$work/compiled COMPILED_BUILD=$SGC_BINARY_DIR COMPILED_SOURCE=$SGC_SOURCE_DIR
COMPILED_COPY=$(pwd -P)/page
CMAKE_C_COMPILER_LAUNCHER="bash;$SGC_SOURCE_DIR/tests/tools/compiled.sh"
export COMPILED_COPY CMAKE_C_COMPILER_LAUNCHER
bash "$SGC_SOURCE_DIR/tests/tools/compiled.sh" list "$SGC_BINARY_DIR" >"$COMPILED_LIST"

# NumPy is no part of what sgc needs.
numpy=
for python in python3 /usr/bin/python3; do
    if [ -z "$numpy" ] && "$python" -c 'import numpy' 2>/dev/null; then
        numpy=$(dirname "$(command -v "$python")")
    fi
done

run_console() {
    if [[ $1 = *python3\ * ]]; then
        [ -n "$numpy" ] || { echo "  not run, for want of numpy: $1"; return; }
        local PATH=$numpy:$PATH
    fi
    (cd page && bash -euo pipefail -c "$1") >actual 2>&1 || { cat actual >&2; fail "$1"; }
    compare expected actual
}

file_name() {
    sed -nE '1s,^(/\*|//|#) ([A-Za-z]+[.][a-z]+).*,\2,p' "$1" | grep . || fail "$1 has no name"
}

check_page() {
    local block
    echo "$1"
    rm -rf page
    mkdir page
    for block in "$SGC_SOURCE_DIR"/*; do
        case $(basename "$block") in
        build*) ;;
        *) ln -s "$block" page/ ;;
        esac
    done
    extract "$1"
    for block in blocks/*; do
        [ -e "$block" ] || continue
        echo "  block at line $(cut -d. -f2 <<<"$block")"
        case $block in
        *.sg) check_program "$block" ;;
        *.sgir) status 0 sgc "$block" --emit=ir -o /dev/null ;;
        *.sh) (cd page && bash -euo pipefail "../$block") >out 2>&1 || { cat out >&2; fail "$block"; } ;;
        *.console) check_console "$block" ;;
        *.c | *.cpp | *.python | *.cmake) cp --remove-destination "$block" "page/$(file_name "$block")" ;;
        *.coq) check_coq "$block" ;;
        *.text) ;;
        *) fail "no one runs blocks of this kind: $block" ;;
        esac
    done
}

[ $# -gt 0 ] || set -- "$SGC_SOURCE_DIR"/README.md "$SGC_SOURCE_DIR"/docs/*.md
for page in "$@"; do
    check_page "$page"
done
