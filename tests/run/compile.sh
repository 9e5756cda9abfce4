#!/usr/bin/env bash
# Every example compiles to every kind of file, the same bytes each time, and every dump resumes.
. "$(dirname "$0")/lib.sh"

for model in "$examples"/*.sg; do
    name=$(basename "$model" .sg)
    cp "$model" .

    status 0 sgc "$name.sg" --emit=exe,obj,ir,llvm,asm
    for suffix in '' .o .sgir .ll .s; do
        [ -s "$name$suffix" ] || fail "$name$suffix is not there"
    done
    [ -x "$name" ] || fail "$name cannot be run"
    status 0 "./$name" info

    # The same bytes again, and from elsewhere: no folder's name is in them.
    mkdir -p elsewhere/sub
    cp "$model" elsewhere/sub
    status 0 sgc "elsewhere/sub/$name.sg" --emit=obj,ir,header,json,sg --out-dir elsewhere
    status 0 sgc "$name.sg" --emit=header,json,sg
    for suffix in .o .sgir .h .json .step.sg; do
        same "$name$suffix" "elsewhere/$name$suffix"
    done
    status 0 sgc "elsewhere/sub/$name.sg" -g --emit=llvm -o there.ll
    ! grep -q elsewhere there.ll || fail 'a folder in the code'

    # The scheduled text is a whole model: printed again it is the same, and it compiles.
    status 0 sgc "$name.sgir" --emit=ir -o again.sgir
    same "$name.sgir" again.sgir
    status 0 sgc "$name.sgir" -o again
    status 0 ./again info
done

# Every dump is valid input, and ends in the same place: models with a closed form, with score and
# enumerated draws, with a sequence.
for name in vae sbn gmm hmm; do
    rm -rf dumps
    status 0 sgc "$name.sg" --dump-dir dumps --emit=ir -o /dev/null
    [ -s dumps/passes.txt ] || fail 'no table of passes'
    [ "$(find dumps -name '*.sgir' | wc -l)" -ge 5 ] || fail "too few dumps of $name"
    for dump in dumps/*.sgir; do
        status 0 sgc "$dump" --emit=ir -o resumed.sgir
        entry=$(cut -d. -f1,2 <<<"${dump#dumps/}")
        case $dump in
        *.source.* | *.stable.* | *.integrate.*) ;; # every entry of the graph is made again
        *.partition.*) ;;                           # simplified again, it has a node less
        *) same resumed.sgir "$(printf '%s\n' dumps/"$entry".*.sgir | tail -n 1)" ;;
        esac
    done
done

# The options that change code.
status 0 sgc vae.sg --real f64 --emit=llvm -o f64.ll
status 0 sgc vae.sg --emit=llvm -o f32.ll
grep -q 'fadd.* double' f64.ll || fail 'no f64 arithmetic with --real f64'
! cmp -s f32.ll f64.ll || fail '--real changed nothing'
status 0 sgc vae.sg --dim latent=7 --emit=ir -o -
says '; 7]' out
status 0 sgc vae.sg --time-passes -o vae
says 'codegen'
says 'link'
status 0 sgc vae.sg --print-after=estimate --emit=ir -o /dev/null
says '# after estimate: elbo.step'

# A phase of many kernels is cut into functions.
{
    for layer in {1..30}; do echo "param w$layer[3, 3] = normal(0.5)"; done
    echo 'graph g { plate n = rows(4) { data x[3]'
    echo '  h0 = x'
    for layer in {1..30}; do echo "  h$layer = h$((layer - 1)) + 0.1 * tanh(h$((layer - 1)) @ w$layer)"; done
    echo '  cost sum(square(h30)) } }'
    echo 'train g { optimizer = sgd(lr = 0.1)  epochs = 1 }'
} >deep.sg
status 0 sgc deep.sg -O0 --emit=llvm -o deep.ll
says '@g.step.0.1(' deep.ll
status 0 sgc deep.sg -O0 --real f64 -o deep
status 0 ./deep check-gradients x=random:1 --rows 4
[ "$(grep -c ' ok  order' out)" -eq 30 ] || fail 'not 30 right gradients'

# What the tests say in programs compiles with the fewest passes, too.
for model in "$SGC_SOURCE_DIR"/tests/source/*.sg; do
    for parts in 1 2; do
        status 0 sgc "$model" -O0 --parts $parts --emit=ir -o few.sgir
    done
done
