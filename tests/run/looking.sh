#!/usr/bin/env bash
# Other ways to look at a model: pictures, bitcode, other machines, levels, remarks for programs.
. "$(dirname "$0")/lib.sh"

cp "$examples"/{vae,gmm,hmm}.sg .

# Pictures of every stage: plates are clusters, draws ellipses, costs double, fused loops dashed.
status 0 sgc gmm.sg --stop-after=frontend --emit=dot
grep -q 'shape=ellipse, label="%[0-9]* c\\ncategorical' gmm.dot || fail 'the draw is no ellipse'
grep -q 'peripheries=2, label="%[0-9]*\\ncost' gmm.dot || fail 'the cost is not double'
grep -q 'subgraph cluster_0_plates1 { label="plate ' gmm.dot || fail 'the plate is no cluster'
status 0 sgc vae.sg --emit=dot
grep -q 'style=dashed; label="fused: kernel' vae.dot || fail 'no fused loop is marked'
for stage in frontend estimate fuse plan; do
    for model in vae gmm hmm; do
        status 0 sgc $model.sg --stop-after=$stage --emit=dot -o picture.dot
        [ "$(tr -cd '{' <picture.dot | wc -c)" -eq "$(tr -cd '}' <picture.dot | wc -c)" ] ||
            fail 'a brace is not closed'
        # every edge joins two nodes of the picture
        grep -oE '^ +n[0-9_]+ \[' picture.dot | tr -d ' [' | sort >nodes
        [ -z "$(uniq -d nodes)" ] || fail 'a node stands twice'
        grep -oE 'n[0-9]+_[0-9]+ -> n[0-9]+_[0-9]+' picture.dot | tr -d '>' | tr -s ' -' '\n' | sort -u >ends
        [ -z "$(comm -13 nodes ends)" ] || fail "an edge of a node that is not there: $(comm -13 nodes ends | head -1)"
        if command -v dot >/dev/null; then
            status 0 dot -Tsvg picture.dot -o picture.svg
        fi
    done
done

# Bitcode, and other machines.
status 0 sgc vae.sg --emit=bc,llvm
[ "$(head -c 2 vae.bc)" = BC ] || fail 'no bitcode'
status 0 sgc vae.sg --target=aarch64-linux-gnu --emit=obj,llvm -o arm
[ "$(od -An -tx1 -j18 -N1 arm.o)" = ' b7' ] || fail 'no object for aarch64'
says 'target triple = "aarch64-unknown-linux-gnu"' arm.ll
status 2 sgc vae.sg --target=aarch64-linux-gnu -o arm
says '--target stops before linking'
status 1 sgc vae.sg --target=nonsense --emit=obj -o arm.o
says '[SG0801]'
status 0 sgc --print=targets
says 'x86-64' out
status 0 sgc --print=runtime-dir
[ -e "$(cat out)/libsgrt.a" ] || fail 'no runtime there'
status 0 sgc --print=link-flags
says '-lm' out

# Levels: the same model, whatever is done to it.
for level in 0 1 2; do
    status 0 sgc hmm.sg -O$level --real=f64 --dim=batch=4 --dim=steps=5 -o hmm$level
    status 0 ./hmm$level eval y=random:1 --rows 8 --seed 3
    grep -oE 'cost [-0-9.]+' out >cost$level
done
same cost0 cost2
same cost1 cost2
status 0 sgc vae.sg -O0 --dump-dir passes --emit=ir -o /dev/null
! grep -q simplify passes/passes.txt || fail '-O0 runs simplify'
status 0 sgc vae.sg -O1 --emit=llvm -o little.ll
! cmp -s little.ll vae.ll || fail '-O1 changed nothing'

# Under -g the code knows its lines: for debuggers and profilers, and in the .ll.
status 0 sgc vae.sg -g --emit=llvm -o debug.ll
for words in 'mu    = enc_m' 'sigma = exp' 'z ~ normal(mu' 'cost log_prob' 'observe x'; do
    line=$(grep -nF "$words" vae.sg | head -n 1 | cut -d: -f1)
    case $words in mu*) line=$(grep -nF 'forward(v)' vae.sg | cut -d: -f1) ;; esac # as it was inlined
    grep -q "DILocation(line: $line, " debug.ll || fail "nothing of line $line: $words"
done
! grep -q DILocation vae.ll || fail 'places without -g'
status 0 sgc vae.sg -g -o debug
if command -v objdump >/dev/null; then
    objdump --dwarf=decodedline debug >lines
    says 'vae.sg' lines
fi

# Remarks for programs: one a line, as many as for people, with the estimator of every draw.
status 0 sgc check vae.sg --remarks
cp err text
status 0 sgc check vae.sg --remarks=json
[ "$(wc -l <text)" -eq "$(wc -l <err)" ] || fail 'other remarks as JSON'
says '"data":{"draw":"z","law":"normal","estimator":"pathwise"}'
says '"code":"SGR04"'
status 2 sgc check vae.sg --remarks=xml
says "'xml' is not json"
