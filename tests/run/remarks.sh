#!/usr/bin/env bash
# The remarks: what was decided for each draw and cost, at its place, in the order of the text.
. "$(dirname "$0")/lib.sh"

remarks_of() {
    cp "$examples/$1.sg" .
    status 0 sgc "$1.sg" --remarks --emit=ir -o /dev/null
    cp err "$1.remarks"
    grep ': remark: ' err | cut -d: -f2,3 >places
    sort -t: -k1,1n -k2,2n places >sorted
    same places sorted
}

# at LINE WORDS: one remark of that line has the words.
at() {
    grep -E "^[a-z_]+\.sg:$1:[0-9]+: remark: " err | grep -qF -- "$2" || {
        cat err >&2
        fail "no remark '$2' at line $1"
    }
}

line_of() {
    grep -nF -- "$2" "$1.sg" | cut -d: -f1
}

remarks_of vae
at "$(line_of vae 'z ~ normal(mu, sigma)')" 'pathwise'
at "$(line_of vae 'cost log_prob')" 'closed form'

at "$(line_of vae 'cost log_prob')" '[SGR04]'
at "$(line_of vae 'cost log_prob')" 'one loop over real[n; 20]: '
at "$(line_of vae 'cost log_prob')" '[SGR10]'

remarks_of bandit
at "$(line_of bandit 'a ~ categorical')" 'score'

remarks_of gmm
at "$(line_of gmm 'c ~ categorical')" 'enumerated'

remarks_of certigrad_aevb
at "$(line_of certigrad_aevb 'cost log_prob')" 'closed form'

# None unless asked for.
status 0 sgc vae.sg --emit=ir -o /dev/null
silent err
