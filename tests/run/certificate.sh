#!/usr/bin/env bash
# Certificates from the command line: every example has one that sgc verify accepts; what is wrong
# with a model or a file is said where it is.
. "$(dirname "$0")/lib.sh"

for model in "$examples"/*.sg; do
    name=$(basename "$model" .sg)
    cp "$model" .
    status 0 sgc "$name.sg" --emit=proof
    [ -s "$name.v" ] || fail "no $name.v"
    status 0 sgc verify "$name.sgcert"
    says "$name.sgcert: graph" out
    says "accepted" out
done
status 0 sgc verify ./*.sgcert
[ "$(grep -c accepted out)" -eq "$(ls ./*.sgcert | wc -l)" ] || fail "not all are accepted"

# The same model gives the same bytes, and these are what they were.
for name in bandit logistic ppca; do
    status 0 sgc "$name.sg" --emit=cert -o again.sgcert
    same "$name.sgcert" again.sgcert
    same "$name.sgcert" "$SGC_SOURCE_DIR/tests/certificates/$name.sgcert"
done

# A sign, a factor, a slot.
sed '/^gradient/,$s/affine -1 0 11 /affine 1 0 11 /' bandit.sgcert >wrong.sgcert
status 1 sgc verify wrong.sgcert
says 'is not the gradient of logits'
says '[SG0904]'
sed '/^gradient/,$s/const 1\/2/const 1\/3/' bandit.sgcert >wrong.sgcert
status 1 sgc verify wrong.sgcert
status 1 sgc verify bandit.sgcert wrong.sgcert missing.sgcert
says 'accepted' out
says 'missing.sgcert'

# The model as it is written: another prior, loc and scale swapped.
sed '/^written/,/^source/s/const 5\/2/const 7\/2/' logistic.sgcert >wrong.sgcert
status 1 sgc verify wrong.sgcert
says 'the model as it is written: its expected cost is not seen to be that of the graph'
sed 's/^law 0 normal \([0-9]*\) \([0-9]*\)$/law 0 normal \2 \1/' logistic.sgcert >wrong.sgcert
status 1 sgc verify wrong.sgcert
says 'the model as it is written'
# Finite draws: a reward that is a cost, one draw for two, three for two.
sed '/^written/,/^source/s/affine -1 0 /affine 1 0 /' bandit.sgcert >wrong.sgcert
status 1 sgc verify wrong.sgcert
says 'the model as it is written: its expected cost is not seen to be that of the graph'
sed '/^copies/d' bandit.sgcert >wrong.sgcert
status 1 sgc verify wrong.sgcert
says 'the model as it is written: its draws are not those of the graph'
sed 's/^size 2 = 2/size 2 = 3/' bandit.sgcert >wrong.sgcert
status 1 sgc verify wrong.sgcert
head -c 300 bandit.sgcert >short.sgcert
status 1 sgc verify short.sgcert
says 'should stand here'
status 1 sgc verify --diagnostics=json short.sgcert
says '"code":"SG0903"'
status 1 sgc verify "$examples"

# No certificate: the reason, at the place in the model, and nothing is written.
printf 'param a = zeros()\ngraph g {\n  z ~ normal(a, 1)\n  cost erf(z)\n}\n' >erf.sg
status 1 sgc erf.sg --emit=proof
says 'erf.sg:4:8: error'
says 'the theory has no error function yet'
[ ! -e erf.v ] && [ ! -e erf.sgcert ] || fail "a file was written"
printf 'graph g {\n  output o = 1\n}\n' >none.sg
status 1 sgc none.sg --emit=proof
says "none.sg: error: no certificate"

# sgc prove needs Coq and the compiled theory; here a stand-in for Coq says yes, or no.
status 1 env PATH=/nowhere "$SGC_BINARY_DIR/sgc" prove bandit.sg
says 'coqc is not installed'
mkdir bin theory
printf '#!/bin/sh\ncat "$7" >proved.v\nexit ${ANSWER:-0}\n' >bin/coqc
chmod +x bin/coqc
PATH=$PWD/bin:$PATH
status 1 sgc prove bandit.sg --proofs theory
says 'the compiled theory is not in theory'
touch theory/Model.vo
status 0 sgc prove bandit.sg --proofs theory
says 'bandit.v: proved by Coq' out
says 'nothing is assumed' out
same bandit.v proved.v
status 0 sgc prove gmm.sg --proofs theory
says 'nothing is assumed' out
status 0 sgc prove logistic.sg --proofs theory
says 'nothing is assumed' out
says 'the mean cost is that of the model as it is written' out
status 0 sgc prove mlp.sg --proofs theory --out-dir there
says 'assumed: ' out
says 'relu (mlp.sg:15:' out
[ -s there/mlp.v ] || fail "no there/mlp.v"
status 1 env ANSWER=1 sgc prove bandit.sg --proofs theory
says 'the proof failed'
