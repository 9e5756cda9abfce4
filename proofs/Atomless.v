(** * Points have measure zero

    Proved in mathcomp-analysis and stated in plain reals, as [Line.v] is. *)
From Sgc Require Expect Measure.
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets.
From mathcomp.analysis Require Import Rstruct reals ereal measure lebesgue_measure.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Sgc.Measure.
Local Open Scope classical_set_scope.

Theorem line_atomless (a : R) : Expect.Ae lebesgueE (fun x => x <> a).
Proof.
exists [set a]; split; first exact: measurable_set1.
- exact: lebesgue_measure_set1.
- by move=> x /= /contrapT ->.
Qed.
