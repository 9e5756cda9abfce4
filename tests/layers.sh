#!/usr/bin/env bash
# The order of the folders, as includes:
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
    [driver]='^ir/(ir|arena|diag)\.h$|^(frontend/frontend|frontend/unparse|passes/pass|codegen/codegen|certify/certify)\.h$|^runtime/(verbs|options|context)\.def$'
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
# The executable is a model's library and a driver, which sees the model through its header alone.
while IFS=: read -r file line text; do
    case $file in
    runtime/context*.[ch] | runtime/listing.[ch] | runtime/step.[ch]) ;;
    *) fault "$file:$line: only a context sees the inside of one: $text" ;;
    esac
done < <(grep -nE '"runtime/(context_state|step|listing)\.h"' runtime/*.[ch])
exit $status
