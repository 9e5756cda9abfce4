" Vim syntax file of sgc's language (.sg); made by sgc --print=sgc.vim
" In ~/.vim/syntax, with: autocmd BufNewFile,BufRead *.sg setfiletype sgc
if exists("b:current_syntax")
  finish
endif

syn keyword sgcStatement dim hyper param layer def forward return graph train data cost reward observe output plate for
syn keyword sgcKeyword in via biased if then else not true false int real bool or and
syn keyword sgcFunction exp log log1p expm1 sqrt square abs sign floor tanh sigmoid softplus relu sin cos erf lgamma digamma trigamma log_i0e i1_gap i1_gap_slope poisson_entropy poisson_entropy_slope poisson_entropy_bend to_int log_gamma_quantile log_gamma_slope poisson_quantile binomial_quantile von_mises_quantile von_mises_far_quantile von_mises_slope clamp min max sum prod logsumexp mean logmeanexp argmax cumsum softmax log_softmax size concat stack reshape transpose broadcast outer gather one_hot diag tril cholesky solve_tri solve logdet_tri log_prob entropy kl variance stop_gradient
syn keyword sgcLaw normal lognormal half_normal mvn uniform laplace logistic gumbel cauchy student_t von_mises exponential weibull half_cauchy gamma inverse_gamma beta bernoulli categorical one_hot_categorical geometric poisson binomial multinomial dirichlet
syn keyword sgcChoice pathwise score enumerate closed_form implicit measure_valued rebar relax disarm local_expectation vimco dreg sticking_the_landing coupled unordered_set straight_through gumbel_softmax positive unit_interval simplex ordered cholesky zeros ones constant identity normal uniform glorot he orthogonal
syn match sgcNumber "\<\d\+\(\.\d\+\)\?\([eE][-+]\?\d\+\)\?\>"
syn match sgcComment "#.*$" contains=@Spell

hi def link sgcStatement Statement
hi def link sgcKeyword Keyword
hi def link sgcFunction Function
hi def link sgcLaw Type
hi def link sgcChoice Constant
hi def link sgcNumber Number
hi def link sgcComment Comment

setlocal commentstring=#\ %s
let b:current_syntax = "sgc"
