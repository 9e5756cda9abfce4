#!/usr/bin/env bash
# The command line of sgc: what it refuses, what it says, and what it leaves behind.
. "$(dirname "$0")/lib.sh"

cat >ok.sg <<'END'
param w = zeros()
graph g { cost square(w - 1) }
train g { optimizer = sgd(lr = 0.1)  steps = 3 }
END
printf 'param w = zeros()\ngraph g { cost w + u }\n' >wrong.sg

status 0 sgc --version
says 'sgc 0.' out
status 0 sgc --help
says '--emit' out
says 'exit status' out

cp out whole
status 0 sgc help
same out whole
status 2 sgc
silent out
says 'usage: sgc'
says 'sgc --help says more'
status 2 sgc --remarks
says 'no FILE given'
status 2 sgc run ok.sg
says 'sgc has no command run; see sgc --help'
status 2 sgc ok.sg --remark
says 'did you mean --remarks?'
status 2 sgc ok.sg --emit=exe,pdf
says "unknown kind 'pdf'"
status 2 sgc ok.sg --real f16
says 'f16'
status 2 sgc ok.sg --name 2nd
says "--name: '2nd' is no name"
status 0 sgc ok.sg --name second --emit=header
says 'int second_new(second **out' second.h
status 2 sgc ok.sg --parts 0
says '--parts'
status 2 sgc ok.sg --dim batch
says "'batch' is not name=integer"
status 2 sgc ok.sg --print-after nothing
says "no pass 'nothing'"
status 2 sgc ok.sg -o
says '-o needs a value'
status 2 sgc ok.sg --time-passes=yes
says 'takes no value'
status 2 sgc ok.sg wrong.sg
says 'one FILE at a time'
status 2 sgc chekc ok.sg
says 'sgc has no command chekc; did you mean check?'
status 2 sgc explain
says 'no CODE given'
status 2 sgc ok.sg --emit=exee
says "unknown kind 'exee'; did you mean exe?"

status 1 sgc missing.sg
says 'cannot read missing.sg'
status 1 sgc .
says 'cannot read .'
printf 'dim a = 1\0\n' >zero.sg
status 1 sgc zero.sg
says 'zero.sg: offset 9: a zero byte, so this is not text'
status 1 sgc verify zero.sg
says 'zero.sg: offset 9: a zero byte, so this is not text'
status 1 sgc ok.sg --dim side=3
says 'side'

# A model with errors: where, what, and no file.
status 1 sgc wrong.sg -o wrong
says 'wrong.sg:2:20: error:'
says 'u'
[ ! -e wrong ] || fail 'an executable was written'

# Outputs that cannot be written leave what was there.
status 1 sgc ok.sg -o no/such/ok
says 'cannot write'
mkdir taken
status 1 sgc ok.sg -o taken
says 'taken'
echo mine >kept
status 1 sgc wrong.sg -o kept
[ "$(cat kept)" = mine ] || fail 'a failed compilation touched its output'
status 1 sgc ok.sg --cpu no-such-cpu -o kept
[ "$(cat kept)" = mine ] || fail 'a failed compilation touched its output'
cp ok.sg same
status 1 sgc same
says 'cannot write same: it is the model'
same same ok.sg
status 1 sgc ok.sg -o ./ok.sg
same same ok.sg
status 0 sgc ok.sg --emit=ir -o /dev/null
[ -c /dev/null ] || fail '/dev/null was replaced'

# Folders are made, with those they are in.
status 0 sgc ok.sg --emit=ir --out-dir new/folder/of/mine
[ -s new/folder/of/mine/ok.sgir ] || fail 'no folder was made'
status 1 sgc ok.sg --emit=ir --out-dir kept/folder
says 'cannot make the directory kept/folder: Not a directory'

# A CPU that there is not is one message, not what LLVM says besides.
for where in --target=x86_64-linux-gnu --target=aarch64-linux-gnu; do
    status 1 sgc ok.sg $where --cpu=x86-64-v9 --emit=obj -o /dev/null
    [ "$(wc -l <err)" -eq 2 ] || fail 'more is said than that'
    says 'unknown cpu: x86-64-v9'
done
status 0 sgc ok.sg --target=aarch64-linux-gnu --cpu=cortex-a72 --emit=obj -o arm.o
silent err

# Text kinds go to the standard output and come from the standard input.
status 0 sgc ok.sg --emit=ir -o -
says 'sgir' out
status 0 sgc - --emit=llvm -o - <ok.sg
says 'define' out

# A signal ends sgc, and a crash is reported as one; neither leaves anything.
mkfifo pipe
sgc - <pipe 2>err &
pid=$!
exec 3>pipe
# Bit 5 of the caught signals is SIGABRT: sgc has begun, and waits for its input.
until (( 0x$(awk '/^SigCgt/ { print $2 }' /proc/$pid/status) & 0x20 )); do
    sleep 0.02
done
kill -ABRT $pid
code=0
wait $pid || code=$?
exec 3>&-
[ $code -eq 70 ] || fail "a crash ended with $code"
says 'internal error'

leftover=$(find . -name '.sgc-*')
[ -z "$leftover" ] || fail "left behind: $leftover"

# -- ends the flags, of sgc and of a model: what follows is files and names.
cp ok.sg ./-g.sg
status 2 sgc -g.sg
says 'unknown option -g.sg'
status 0 sgc --emit=exe,obj,header -- -g.sg
[ -s ./-g.o ] || fail 'no object'
status 0 sgc check -- -g.sg
status 1 sgc -- check
says 'cannot read check'
status 2 sgc check --
says 'no FILE given'
status 0 ./-g train --quiet --
status 0 ./-g eval -- g
status 2 ./-g eval -- g --quiet
says "'--quiet': a graph is already given, g"
status 2 ./-g eval -- --help
says '--help'
silent out

# A model for another CPU says so, and dies of no instruction.
printf 'param w = ones()\ngraph g {\n  cost sum(square(w - broadcast(0.5, [64])))\n}\ntrain g { optimizer = sgd(lr = 0.1)  steps = 1 }\n' >wide.sg
for cpu in bdver4 sapphirerapids x86-64-v4 x86-64-v3; do
    status 0 sgc wide.sg --cpu=$cpu -o wide
    code=0
    ./wide train >out 2>err || code=$?
    case $code in
    0) ;;
    1) says "wide: built for the CPU $cpu, which has " ;;
    *) fail "status $code of a model for $cpu" ;;
    esac
done
if ! grep -qw fma4 /proc/cpuinfo; then
    status 0 sgc wide.sg --cpu=bdver4 -o wide
    status 1 ./wide train
    says 'which has fma4'
fi
