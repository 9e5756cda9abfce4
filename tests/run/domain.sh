#!/usr/bin/env bash
# Arguments of laws outside of their domains: constants are refused when the model is compiled, others make the step
# not finite, whatever a cost reads of the draw.
. "$(dirname "$0")/lib.sh"

# NAME LAW OUTSIDE: the law with an argument a that may be 0.5, but none of these.
laws='
normal normal(0,a) -1 0
lognormal lognormal(0,a) -1 0
half_normal half_normal(a) -1 0
low uniform(a,1) 1 2
high uniform(0,a) -1 0
laplace laplace(0,a) -1 0
logistic logistic(0,a) -1 0
gumbel gumbel(0,a) -1 0
cauchy cauchy(0,a) -1 0
df student_t(a,0,1) -1 0
scale student_t(4,0,a) -1 0
von_mises von_mises(0,a) -1
exponential exponential(a) -1 0
shape weibull(a,1) -1 0
weibull weibull(1,a) -1 0
half_cauchy half_cauchy(a) -1 0
order gamma(a,1) -1 0
gamma gamma(1,a) -1 0
inverse inverse_gamma(a,1) -1 0
inverse_rate inverse_gamma(1,a) -1 0
left beta(a,1) -1 0
right beta(1,a) -1 0
bernoulli bernoulli(a) -1 2
categorical categorical([a,1]) -1
geometric geometric(a) -1 0 2
poisson poisson(a) -1
trials binomial(2*a,0.5) -1 0.7
binomial binomial(4,a) -1 2
mvn mvn([0,0],cholesky=[[1,0],[3,a]]) -1 0
dirichlet dirichlet([a,1]) -1 0
one_hot one_hot_categorical([a,1]) -1
multinomial multinomial(3,[a,1]) -1
'
{
    echo 'hyper a = 0.5'
    while read -r name law _; do
        [ -n "$name" ] || continue
        printf 'graph %s {\n  z ~ %s\n  cost sin(sum(sin(z)))\n}\n' "$name" "$law"
        printf 'graph density_%s {\n  z ~ %s\n  cost log_prob(%s, z)\n}\n' "$name" "$law" "$law"
    done <<<"$laws"
} >laws.sg
status 0 sgc laws.sg -o laws
while read -r name law outside; do
    [ -n "$name" ] || continue
    for graph in "$name" "density_$name"; do
        status 0 ./laws eval "$graph"
        for a in $outside; do
            status 3 ./laws eval "$graph" a="$a"
            says nan
        done
    done
done <<<"$laws"

# A parameter that has left the domain stops its run, and what is compiled in is seen at once.
cat >leaves.sg <<'END'
param s = constant(0.1)
graph g {
  z ~ normal(0, s)
  cost abs(z) * 10
}
train g { optimizer = sgd(lr = 0.1)  steps = 100 }
END
status 0 sgc leaves.sg -o leaves
status 3 ./leaves train
says nan
while read -r law words; do
    printf 'graph g {\n  z ~ %s\n  cost z\n}\n' "$law" >constant.sg
    status 1 sgc constant.sg
    says "$words, but is"
    says SG0311
done <<'END'
normal(0,-1) `sd` of `normal` must be positive
poisson(-0.5) `rate` of `poisson` must be 0 or more
bernoulli(1.5) `p` of `bernoulli` must be from 0 to 1
geometric(0) `p` of `geometric` must be above 0 and at most 1
uniform(1,1) `high` of `uniform` must be above the low bound
END
