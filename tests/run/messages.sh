#!/usr/bin/env bash
# Messages as a person, a pipe and an editor get them; sgc explain; the page of all messages.
. "$(dirname "$0")/lib.sh"

printf 'param weight = ones()\ngraph g { cost wieght ^ 2 }\n' >m.sg

# For people: the place, the line, the repair; and for programs, in one line.
status 1 sgc check m.sg
cat >want <<'END'
m.sg:2:16: error: unknown name `wieght` [SG0101]
    2 | graph g { cost wieght ^ 2 }
      |                ^~~~~~ did you mean `weight`?
1 error; `sgc explain SG0101` says more
END
same err want
silent out
status 1 sgc check --diagnostics=json - <m.sg
[ "$(wc -l <err)" -eq 1 ] || fail 'a diagnostic is one line'
says '"uri":"%3Cstdin%3E","range":{"start":{"line":1,"character":15},"end":{"line":1,"character":21}}'
says '"severity":1,"code":"SG0101","source":"sgc"'
says '"data":{"fix":[{"range":{"start":{"line":1,"character":15},"end":{"line":1,"character":21}},"newText":"weight"}]}'
status 1 sgc check --diagnostics=json m.sg
says "\"uri\":\"file://$(realpath m.sg)\""
status 0 sgc check - <"$examples"/vae.sg
silent err

# Colours: never into a pipe unasked.
escape=$(printf '\033')
status 1 sgc check m.sg
! grep -q "$escape" err || fail 'colours in a pipe'
status 1 sgc check --color=always m.sg
says "$escape[1;31merror: $escape[0m"
status 1 sgc check --color=never m.sg
same err want
# Where there is no pseudo-terminal (a bare chroot), there is no terminal to try.
if script -qec true /dev/null >/dev/null 2>&1; then
    TERM=xterm script -qec 'sgc check m.sg' /dev/null >tty || true
    grep -q "$escape" tty || fail 'no colours on a terminal'
    NO_COLOR=1 TERM=xterm script -qec 'sgc check m.sg' /dev/null >tty || true
    ! grep -q "$escape" tty || fail 'NO_COLOR is not obeyed'
    TERM=dumb script -qec 'sgc check m.sg' /dev/null >tty || true
    ! grep -q "$escape" tty || fail 'colours on a dumb terminal'
fi
status 2 sgc check --color=blue m.sg
says "'blue' is none of auto, always and never"
status 2 sgc check --diagnostics=xml m.sg
says "'xml' is neither text nor json"

# Warnings: exact, silenced by `_`, by -w, or made errors.
printf 'param w = ones()\nhyper extra = 1\ngraph g { cost w ^ 2 }\n' >unused.sg
status 0 sgc check unused.sg
says 'unused.sg:2:7: warning: hyper `extra` is never read [SGW01]'
status 0 sgc check -w unused.sg
silent err
status 1 sgc check -Werror unused.sg
says 'error: hyper `extra` is never read [SGW01]'
status 1 sgc -Werror unused.sg -o unused
[ ! -e unused ] || fail 'written in spite of an error'
sed 's/extra/_extra/' unused.sg >meant.sg
status 0 sgc check -Werror meant.sg
silent err
for model in "$examples"/*.sg; do
    status 0 sgc check -Werror "$model"
done

# All errors, of every graph and stage; people see the first 20 by place, and how many more there are.
{ echo 'graph g {'; for i in {1..30}; do echo "  cost w$i"; done; echo '}'; } >many.sg
status 1 sgc check many.sg
says 'many.sg:21:8: error: unknown name `w20`'
says 'many.sg: 10 more errors not shown'
says '30 errors; '
! grep -q 'w21' err || fail 'more than 20 errors are shown'
status 1 sgc check many.sg --diagnostics=json
[ "$(wc -l <err)" -eq 30 ] || fail 'a program gets them all'
cat >two.sg <<'END'
param w = ones()
graph g {
  z ~ normal(w, 1) via pathwise
  cost floor(z)
  y ~ normal(w, 1) via pathwise
  cost floor(y)
}
graph h {
  z ~ normal(w, 1) via pathwise
  cost floor(z)
}
END
status 1 sgc check two.sg
for line in 4 6 10; do
    says "two.sg:$line:8: error: floor jumps in the pathwise draw"
done
[ "$(grep -c 'may be drawn `via measure_valued`' err)" -eq 3 ] || fail 'not every draw has its way out'
says '3 errors; '

# Explanations.
status 0 sgc explain SG0101
says 'SG0101: error: a name that nothing defines' out
says '    graph g { cost wieght ^ 2 }' out
status 0 sgc explain sg0203 SGR01
says 'SGR01: remark: ' out
status 2 sgc explain SG01O1
says 'did you mean SG0101?'
status 2 sgc explain
status 0 sgc --print=messages
while read -r code _; do
    sgc explain "$code" >/dev/null || fail "$code is not explained"
done <out

# What is wrong with the command line, with files and with the machine is said likewise: all of it, in the
# form that the last of the flags asks for, and with the file's address.
status 2 sgc --remark --real=f16 m.sg
cat >want <<'END'
sgc: error: unknown option --remark; did you mean --remarks? [SG1001]
sgc: error: --real: 'f16' is neither f32 nor f64 [SG1002]
END
same err want
status 2 sgc --remark --real=f16 m.sg --diagnostics=json
[ "$(grep -c '^{"range":.*"code":"SG100[12]","source":"sgc","message":".*"}$' err)" -eq 2 ] || fail 'two usage errors are two diagnostics'
status 2 sgc --remark m.sg --color=always
says "$escape[1;31merror: $escape[0m"
status 1 sgc --diagnostics=json missing.sg
says "{\"uri\":\"file://$PWD/missing.sg\",\"range\":"
says '"code":"SG1101"'
status 1 sgc --diagnostics=json "$examples"/vae.sg -o no/such/folder
says "\"uri\":\"file://$PWD/no/such/folder\""
status 1 env CC=no-such-compiler sgc --diagnostics=json "$examples"/vae.sg
says '"code":"SG1103"'
[ "$(wc -l <err)" -eq 1 ] || fail 'a diagnostic is one line'
status 1 sgc fmt --diagnostics=json --check - < <(echo 'dim  n=1')
says '"code":"SG1104"'

status 0 sgc --print=errors.md
same out "$SGC_SOURCE_DIR/docs/errors.md"
