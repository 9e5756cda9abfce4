#!/usr/bin/env bash
# Looking inside: stopping between passes, choosing passes, dumps, and what a fault of sgc leaves.
. "$(dirname "$0")/lib.sh"

cp "$examples"/vae.sg "$examples"/bandit.sg .

# Stopping: the graphs are those of the dump of that pass, and going on from them is going on.
status 0 sgc vae.sg --emit=ir -o whole.sgir
for pass in frontend stable integrate estimate simplify dce partition fuse plan; do
    status 0 sgc vae.sg --stop-after=$pass --emit=ir -o part.sgir
    status 0 sgc part.sgir --emit=ir -o resumed.sgir
    same resumed.sgir whole.sgir
done
status 0 sgc vae.sg --stop-after=frontend --emit=ir -o -
says 'graph generate: source source' out
status 0 sgc vae.sg --stop-after=integrate --emit=ir -o -
says 'graph elbo: source step' out
status 0 sgc vae.sg --stop-after=simplify --emit=ir -o -
says 'graph elbo: estimator step' out

# Choosing: exactly these run.
status 0 sgc vae.sg --passes=estimate,fuse,plan --dump-dir few -o few_passes
[ "$(awk 'NR > 1 && $3 == "elbo" && $4 == "step" { printf "%s ", $2 }' few/passes.txt)" = \
    'estimate fuse plan ' ] || fail 'other passes ran'
status 0 ./few_passes info
status 0 sgc vae.sg --passes=stable,integrate,estimate,simplify,dce,partition,fuse,plan --emit=obj -o a.o
status 0 sgc vae.sg --emit=obj -o b.o
same a.o b.o
status 1 sgc vae.sg --passes=estimate,fuse,simplify --emit=ir -o -
says 'pass simplify works on estimator graphs, and the step entry of graph elbo is a scheduled graph'
status 1 sgc whole.sgir --passes=simplify --emit=ir -o -
says 'scheduled graph'
status 2 sgc vae.sg --passes=estimate,fuse
says '--emit=exe needs the passes up to plan'
status 2 sgc vae.sg --stop-after=fuse --emit=ir,obj
says '--emit=obj needs the passes up to plan'
status 2 sgc vae.sg --stop-after=fusee --emit=ir
says "no pass 'fusee'; did you mean fuse?"
status 2 sgc vae.sg --passes=estimate,plam --emit=ir
says "no pass 'plam'; did you mean plan?"
status 2 sgc vae.sg --passes=estimate --stop-after=fuse --emit=ir
says '--stop-after: fuse is not one of --passes'

# What is said of a dump is said at the places of the model, of which it may be a part.
status 0 sgc vae.sg --dump-dir parts --emit=ir -o /dev/null
status 0 sgc check vae.sg --remarks
grep 'SGR0[14]' err | sort >want
status 0 sgc check parts/elbo.source.00.source.sgir --remarks -Werror
grep 'SGR0[14]' err | sort >got
same got want
status 0 sgc check parts/reconstruct.source.00.source.sgir -Werror
silent err
status 1 sgc whole.sgir --passes=simplify --emit=ir -o -
says "vae.sg:$(grep -n '^graph elbo' vae.sg | cut -d: -f1):7: error: pass simplify works"
printf 'sgir 1\nmodel' >cut.sgir
status 1 sgc cut.sgir --emit=ir -o -
says 'cut.sgir:2:6: error: '

# A pass that changes nothing writes no file, and takes away that of an earlier run.
status 0 sgc bandit.sg --dump-dir dumps --emit=ir -o /dev/null
while read -r number pass graph entry _ _ _ changed; do
    [ "$number" != no ] || continue
    file=dumps/$graph.$entry.$number.$pass.sgir
    if [ "$changed" = yes ]; then
        [ -s "$file" ] || fail "no $file"
    else
        [ ! -e "$file" ] || fail "$file, and nothing changed"
        touch "$file"
    fi
done <dumps/passes.txt
find dumps -empty | grep -q . || fail 'every pass changes the bandit: choose another model'
status 0 sgc bandit.sg --dump-dir dumps --emit=ir -o /dev/null
[ -z "$(find dumps -empty)" ] || fail 'a dump of an earlier run was left'

# The code before and after LLVM's optimiser, where code is made: the latter is what --emit=llvm writes.
[ ! -e dumps/09.lower.ll ] || fail 'code was made for nothing'
status 0 sgc bandit.sg --dump-dir dumps --emit=llvm
same dumps/10.opt.ll bandit.ll
grep -q '^define' dumps/09.lower.ll || fail 'no code'
! cmp -s dumps/09.lower.ll dumps/10.opt.ll || fail 'nothing was optimised'

# A fault: sgc waits for a reader of its dump after `fuse`, and a signal says that it crashed.  What is
# left is the graph before that pass, and the command that runs that pass on it.
rm -r dumps
mkdir dumps
mkfifo dumps/elbo.step.07.fuse.sgir
sgc vae.sg --parts 2 --dump-dir dumps --print-after=partition 2>err &
pid=$!
until grep -q 'after partition: elbo.step' err && [ "$(awk '{ print $3 }' /proc/$pid/stat)" = S ]; do
    sleep 0.02
done
kill -ABRT $pid
code=0
wait $pid || code=$?
[ $code -eq 70 ] || fail "a crash ended with $code"
says 'internal error'
says 'sgc-crash.sgir'
same sgc-crash.sgir dumps/elbo.step.06.partition.sgir
repeat=$(tail -n 1 err)
[[ $repeat == *--passes=fuse* ]] || fail "the command does not run fuse alone: $repeat"
status 0 bash -c "${repeat/-o \/dev\/null/-o again.sgir}"
status 0 sgc vae.sg --parts 2 --stop-after=fuse --emit=ir -o fused.sgir
sed -n '/^graph elbo: scheduled step/,/^}/p' fused.sgir >want
sed -n '/^graph elbo: scheduled step/,/^}/p' again.sgir >got
[ -s want ] || fail 'the dump has no such graph'
same want got
