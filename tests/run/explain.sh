#!/usr/bin/env bash
# Every row of ir/diag.def is shown by something that runs: a program, which tests/unit/explain.c compiles,
# or a command, or a remark's program, or what stands here.  A row that nothing shows fails.
. "$(dirname "$0")/lib.sh"

printf 'param w = ones()\ngraph g { cost square(w) }\n' >model.sg

# example HEAD: what `sgc explain`, in ./page, has under HEAD.
example() {
    sed -n "/^$1:\$/,/^[^ ]*:\$/s/^    //p" page
}

# A fault of sgc: it waits for its input, and a signal says that it crashed.
shows_SG0999() {
    mkfifo pipe
    sgc - "$@" <pipe >out 2>err &
    local pid=$!
    exec 3>pipe
    until (( 0x$(awk '/^SigCgt/ { print $2 }' /proc/$pid/status) & 0x20 )); do
        sleep 0.02
    done
    kill -ABRT $pid
    wait $pid || true
    exec 3>&-
    rm pipe
}

status 0 sgc --print=messages
cp out codes
while read -r code severity _; do
    sgc explain "$code" >page
    example refused >refused
    if [[ $(cat refused) == '$ '* ]]; then
        ! bash -c "set -o pipefail; $(sed 's/^..//' refused)" >out 2>err || fail "$code: not refused"
        [ "$(grep -o '\[SG[0-9]*\]$' err)" = "[$code]" ] || { cat err >&2; fail "$code: something else is said"; }
        bash -c "set -o pipefail; $(example repaired | sed 's/^..//')" >out 2>err || { cat err >&2; fail "$code: not repaired"; }
        silent err
    elif [ "$severity" = remark: ]; then
        example 'for example' >remark.sg
        status 0 sgc check --remarks remark.sg
        says "[$code]"
    elif [ ! -s refused ] && ! grep -q '^warned about:$' page; then
        declare -F "shows_$code" >/dev/null || fail "nothing shows $code"
        "shows_$code"
        says "[$code]"
    fi
done <codes

shows_SG0999 --diagnostics=json
grep -q '^{"range":.*"severity":1,"code":"SG0999","source":"sgc","message":"internal error: .*"}$' err ||
    fail 'a fault is no diagnostic'
