#!/usr/bin/env bash
# What belongs where. The order of the folders, as includes:
#   frontend, passes, codegen, certify -> ir;  certify -> proofs/ops.def;  codegen -> runtime/rt.def;  runtime -> nothing;
#   driver -> the public header of each;  LLVM in codegen only.
set -euo pipefail
cd "$(dirname "$0")/.."

# What a folder may include besides its own files: an extended regular expression.
declare -A allowed=(
    [ir]='$^'
    [frontend]='^ir/(ir|arena|diag)\.h$|^ir/[a-z]+\.def$'
    [passes]='^ir/(ir|arena|diag)\.h$|^ir/[a-z]+\.def$'
    [codegen]='^ir/(ir|arena|diag)\.h$|^ir/[a-z]+\.def$|^runtime/rt\.def$'
    [certify]='^ir/(ir|arena|diag)\.h$|^ir/[a-z]+\.def$|^proofs/ops\.def$'
    [runtime]='$^'
    [driver]='^ir/(ir|arena|diag|json)\.h$|^(frontend/frontend|frontend/unparse|passes/pass|codegen/codegen|certify/certify)\.h$|^runtime/(verbs|options|context)\.def$'
)

status=0
fault() {
    echo "$*"
    status=1
}

for folder in "${!allowed[@]}"; do
    while IFS=: read -r file line text; do
        [[ $text =~ [\"\<]([^\">]+) ]] || continue
        included=${BASH_REMATCH[1]}
        if [[ $text == *\<* ]]; then
            [[ $included != llvm* || $folder = codegen ]] ||
                fault "$file:$line: only codegen may see LLVM: $included"
        elif [[ $included != "$folder"/* ]] && ! [[ $included =~ ${allowed[$folder]} ]]; then
            fault "$file:$line: $folder may not include $included"
        fi
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' "$folder"/*.[chd]* /dev/null)
done
# The executable is a model's library and a driver, which sees the model through its header: what is
# inside a context, and the calls of compiled code, are a context's.
only() {
    local pattern=$1 files=$2 file line text
    while IFS=: read -r file line text; do
        [[ $file =~ ^runtime/($files)\.[ch]$ ]] || fault "$file:$line: not here: $text"
    done < <(grep -nE "$pattern" runtime/*.[ch])
}
only '"runtime/(context_state|step|listing)\.h"' 'context_[a-z]+|context|listing|step'
only 'sgrt_call_[a-z]+\(' 'context_[a-z]+|context|step|engine|blame'

# What is built stays out of the repository: everything in it is text, written by hand or by a command of the
# docs, and no graph that the compiler wrote stands outside of the tests.
if git rev-parse --git-dir >/dev/null 2>&1; then
    while IFS= read -r file; do
        fault "$file: a built file is tracked"
    done < <(git ls-files --eol | sed -n 's/^i\/-text[^\t]*\t//p'; git ls-files '*.sgir' ':!tests')
fi
exit $status
