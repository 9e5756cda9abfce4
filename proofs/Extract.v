(** * The checker as an OCaml program

    An oracle for the checker in C: the functions that the theorems are about, translated by Coq.  Numbers of
    the theory's [nat] become machine integers, which is safe for slots and sizes; fractions stay
    inductive and cannot overflow. *)
From Coq Require Import Extraction ExtrOcamlBasic ExtrOcamlNatInt.
From Sgc Require Import Tensor Op Program Graph Defined Certificate Fast Score Tame QuickScore Model Written Source QuickSource Copies Scored Samples Both Enumerated.
Extraction Language OCaml.
Extraction "checker.ml" check well_formedb scores_ok tame undecided certify_weights certify_finite certify
  fast_check fast_certify_weights fast_certify_finite fast_certify quick_scores_ok quick_same_mean_if
  quick_same_mean same_finite same_summed same_samples same_samples_if same_both.
