#!/usr/bin/env bash
# A launcher of compilers, for CMAKE_C_COMPILER_LAUNCHER: an object that another build has, made by the
# same command but for the folder, is copied and not compiled.
#
#   COMPILED_BUILD, COMPILED_SOURCE   the folders of the build that there is
#   COMPILED_COPY                     the folder whose `build` is being made
#   COMPILED_LIST                     what `compiled.sh list BUILD` has printed: its commands, one a
#                                     line, with tabs between the words
set -euo pipefail

if [ "$1" = list ]; then
    ninja -C "$2" -t commands | grep -E ' -c [^ ]*\.c$' | while read -r line; do
        eval "set -- $line"
        (IFS=$'\t' && echo "$*")
    done
    exit
fi

command=$(IFS=$'\t' && echo "$*")
command=${command//"$COMPILED_COPY/build"/"$COMPILED_BUILD"}
command=${command//"$COMPILED_COPY"/"$COMPILED_SOURCE"}
if grep -qxF -- "$command" "$COMPILED_LIST"; then
    while [ "$1" != -o ]; do
        shift
    done
    exec cp "$COMPILED_BUILD/$2" "$2"
fi
exec "$@"
