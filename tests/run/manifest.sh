#!/usr/bin/env bash
# Manifests: every one agrees with docs/manifest.schema.json, and the compiler, the library and the
# executable give the same bytes.
. "$(dirname "$0")/lib.sh"

schema=$SGC_SOURCE_DIR/docs/manifest.schema.json
for model in "$examples"/*.sg "$SGC_SOURCE_DIR"/tests/embed/line.sg; do
    status 0 sgc "$model" --emit=json -o manifest.json
    status 0 schema "$schema" manifest.json
done

# What does not agree is seen.
sed 's/"rows":8/"rows":"8"/' manifest.json >wrong.json
status 1 schema "$schema" wrong.json
says '.graphs[0].rows: is no integer'
sed 's/"law":"normal"/"law":"cauchy"/' manifest.json >wrong.json
status 1 schema "$schema" wrong.json
says '.step.draws[0].law: is none of the enum'
sed 's/"by_rows":false//' manifest.json | sed 's/,}/}/g' >wrong.json
status 1 schema "$schema" wrong.json
says '.params[0]: has no by_rows'
sed 's/"manifest":1/"manifest":1,"extra":2/' manifest.json >wrong.json
status 1 schema "$schema" wrong.json
says 'has extra'

# What was decided is said in parts, not in a text alone.
sgc "$examples"/bandit.sg --emit=json -o decided.json
says '"samples":[{"name":"a","dist":"categorical","shape":[],"by_rows":false,"estimator":{"name":"score","asked":' decided.json
says '"code":"SGR03","what":"a ~ categorical: score' decided.json
says '"reason":"its support is fixed' decided.json
says '"loc":"bandit.sg:' decided.json
sgc "$examples"/vae.sg --emit=json -o decided.json
says '"decisions":[{"code":"SGR04","what":"closed form: ' decided.json
says '"estimator":null' decided.json

# What it was built by, and for.
status 0 sgc "$examples"/vae.sg --cpu x86-64-v2 --emit=json -o decided.json
says '"build":{"sgc":"0.' decided.json
says '"llvm":"19.' decided.json
says '"cpu":"x86-64-v2"' decided.json
sgc "$examples"/vae.sg --emit=json -o decided.json
! grep -q '"cpu":"native"' decided.json || fail 'which CPU is that?'

# With a BLAS, where the code calls it: what the object file asks for decides.
blas() {
    printf '%s\n' "$1" >blas.sg
    shift
    status 0 sgc blas.sg "$@" --emit=json -o blas.json
    status 0 schema "$schema" blas.json
    says "\"blas\":" blas.json
    status 0 sgc blas.sg "$@" --emit=llvm -o blas.ll
    if grep -qE 'call .*@sgrt_(gemm|cholesky|solve|solve_tri)_f' blas.ll; then
        says '"blas":"OpenBLAS 0.' blas.json
    else
        says '"blas":null' blas.json
    fi
}
blas 'param w = zeros()
graph g { cost square(w - 1) }'
says '"blas":null' blas.json
blas 'param w[2, 2] = zeros()
graph g { cost sum(w @ w) }'
for more in '' -g --real=f64; do
    # shellcheck disable=SC2086
    blas 'param w[90, 90] = zeros()
graph g { cost sum(w @ w) }' $more
    says ', serial"' blas.json
    # shellcheck disable=SC2086
    blas 'param w[3, 3] = identity()
graph g { cost sum(cholesky(w)) }' $more
    says ', serial"' blas.json
done
blas 'param w[90, 90] = zeros()
graph g { output y = w @ w }'
says ', serial"' blas.json
status 0 sgc blas.sg --target=aarch64-linux-gnu --emit=json -o blas.json
says '"blas":null' blas.json

# Of which text, wherever it stands.
mkdir -p other/place
cp "$examples"/vae.sg other/place/
status 0 sgc "$examples"/vae.sg --emit=json -o here.json
status 0 sgc other/place/vae.sg --emit=json -o there.json
same here.json there.json
says "\"source_sha256\":\"$(sha256sum <"$examples"/vae.sg | cut -d' ' -f1)\"" here.json
printf '# more, without an end of line' >>other/place/vae.sg
status 0 sgc other/place/vae.sg --emit=json -o there.json
says "\"source_sha256\":\"$(sha256sum <other/place/vae.sg | cut -d' ' -f1)\"" there.json

cat >print.c <<'EOF'
#include "line.h"
#include <stdio.h>

int main(void)
{
    return puts(line_manifest()) < 0;
}
EOF
status 0 sgc "$SGC_SOURCE_DIR/tests/embed/line.sg" --emit=header,lib,exe
flags=()
[ "${SGC_SANITIZED:-OFF}" = OFF ] || flags+=(-fsanitize=address,undefined)
status 0 cc "${flags[@]}" print.c libline.a -lm -pthread -o print
status 0 ./print
same manifest.json out
status 0 ./line info --json
same manifest.json out

# For people: the estimator of every draw, and how the model is trained.
status 0 ./line info
says '  draw z ~ normal: pathwise (chosen), line.sg:24:3' out
says 'train square by adam, lr 0.05, 1 epoch' out
status 0 ./line help train
says '  square by adam, lr 0.05, 1 epoch' out

# A biased graph says so in the manifest and in the header.
cat >lean.sg <<'EOF'
param w = zeros()
graph lean { z ~ normal(w, 1); cost square(stop_gradient(z) biased - w) }
EOF
status 0 sgc lean.sg -w --emit=json,header
status 0 schema "$schema" lean.json
says '"rows":0,"biased":true' lean.json
says 'BIASED: its gradient is not that of the expected cost' lean.h
says '"biased":false' manifest.json
status 1 grep BIASED line.h

# A comment more in the source changes places, and no call: the same number.
sed '1i # more' "$SGC_SOURCE_DIR/tests/embed/line.sg" >line.sg
status 0 sgc line.sg --emit=header --out-dir moved
same <(grep '_ABI UINT64' line.h) <(grep '_ABI UINT64' moved/line.h)
sed 's/hyper beta/hyper gamma/; s/cost beta/cost gamma/' "$SGC_SOURCE_DIR/tests/embed/line.sg" >line.sg
status 0 sgc line.sg --emit=header --out-dir moved
! cmp -s <(grep '_ABI UINT64' line.h) <(grep '_ABI UINT64' moved/line.h) || fail 'one number for two headers'
