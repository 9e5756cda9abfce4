(** * Independent continuous draws commute

    Fubini's theorem for the expectations of [Measure.v]: two draws from sigma-finite measures may be
    made in either order, for what is integrable jointly.  It is what a leave-one-out baseline of
    continuous draws needs. *)
From Sgc Require Expect Measure.
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions mathcomp_extra.
From mathcomp.analysis Require Import Rstruct reals ereal topology normedtype sequences signed.
From mathcomp.analysis Require Import measure lebesgue_measure numfun lebesgue_integral.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Sgc.Measure.
Local Open Scope classical_set_scope.
Local Open Scope ring_scope.

Section Fubini.
Context d1 d2 (T1 : measurableType d1) (T2 : measurableType d2).
Context (m1 : {measure set T1 -> \bar RR}) (m2 : {measure set T2 -> \bar RR}).
Hypotheses (s1 : sigma_finite setT m1) (s2 : sigma_finite setT m2).

Theorem draws_commute (f : T1 -> T2 -> R) :
  measurable_fun setT (fun xy : T1 * T2 => (f xy.1 xy.2 : RR)%:E) ->
  (product_measure1 m1 s2).-integrable setT (fun xy : T1 * T2 => (f xy.1 xy.2 : RR)%:E) ->
  (forall x, Expect.Int (measureE m2) (f x)) ->
  (forall y, Expect.Int (measureE m1) (fun x => f x y)) ->
  Expect.Ex (measureE m1) (fun x => Expect.Ex (measureE m2) (f x))
  = Expect.Ex (measureE m2) (fun y => Expect.Ex (measureE m1) (fun x => f x y)).
Proof.
move=> mf jf if2 if1; rewrite /Expect.Ex /= /mEx; congr fine.
have -> : (\int[m1]_x (fine (\int[m2]_y (f x y : RR)%:E)%E)%:E
           = \int[m1]_x \int[m2]_y (f x y : RR)%:E)%E.
  by apply: eq_integral => x _; rewrite fineK//; exact: (mInt_fin (if2 x)).
have -> : (\int[m2]_y (fine (\int[m1]_x (f x y : RR)%:E)%E)%:E
           = \int[m2]_y \int[m1]_x (f x y : RR)%:E)%E.
  by apply: eq_integral => y _; rewrite fineK//; exact: (mInt_fin (if1 y)).
have F := @Fubini _ _ T1 T2 RR m1 m2 s1 s2 _ mf jf; exact: F.
Qed.
End Fubini.
