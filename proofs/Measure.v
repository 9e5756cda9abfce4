(** * Every measure of mathcomp-analysis is an expectation

    The only step between this development and measure theory: the integral of a measure on any
    measurable type, taken at Coq's own real numbers, has every property that [Expect.v] asks for. *)
From Sgc Require Expect.
From Coq Require Import Reals Classical.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions mathcomp_extra.
From mathcomp.analysis Require Import Rstruct reals ereal topology normedtype sequences signed.
From mathcomp.analysis Require Import measure lebesgue_measure lebesgue_integral.
From Coquelicot Require Hierarchy.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Def Num.Theory.
Import numFieldTopology.Exports.
Local Open Scope classical_set_scope.
Local Open Scope ring_scope.

Notation RR := real_realType.

(** Convergence of sequences, in the words of Coq's reals. *)
Lemma cvg_eps (u : nat -> RR) (l : RR) : u --> l <->
  (forall e : R, Rlt 0 e -> exists N, forall n, (N <= n)%N -> Rlt (Rabs (Rminus (u n) l)) e).
Proof.
split.
- move=> /(@cvgrPdist_lt _ [normedModType RR of RR^o]) cv e e0.
  have [N _ HN] := cv e (introT (RltP _ _) e0).
  by exists N => n Nn; have /RltP := HN n Nn; rewrite /= -normrN opprB.
- move=> H; apply/(@cvgrPdist_lt _ [normedModType RR of RR^o]) => e /RltP e0.
  have [N HN] := H e e0.
  by exists N => // n /= Nn; apply/RltP; rewrite -normrN opprB; exact: HN.
Qed.

Section Measure.
Context d (T : measurableType d) (mu : {measure set T -> \bar RR}).

Definition mInt (f : T -> RR) : Prop := mu.-integrable setT (EFin \o f).
Definition mEx (f : T -> RR) : RR := fine (\int[mu]_x (f x)%:E)%E.
Definition mAe (P : T -> Prop) : Prop := {ae mu, forall x, P x}.

Lemma mInt_ext f g : (forall x, f x = g x) -> mInt f -> mInt g.
Proof. by move=> fg; have -> : f = g by apply/funext. Qed.
Lemma mEx_ext f g : (forall x, f x = g x) -> mEx f = mEx g.
Proof. by move=> fg; have -> : f = g by apply/funext. Qed.
Lemma mInt_0 : mInt (fun=> 0).
Proof. exact: integrable0. Qed.
Lemma mInt_plus f g : mInt f -> mInt g -> mInt (fun x => f x + g x).
Proof. by move=> hf hg; apply: eq_integrable (integrableD measurableT hf hg). Qed.
Lemma mInt_scal c f : mInt f -> mInt (fun x => c * f x).
Proof. by move=> hf; apply: eq_integrable (integrablerM measurableT c hf). Qed.

Lemma mInt_fin f : mInt f -> (\int[mu]_x (f x)%:E)%E \is a fin_num.
Proof.
move=> hf; rewrite integralE fin_numB (integrable_pos_fin_num measurableT hf).
by rewrite (integrable_neg_fin_num measurableT hf).
Qed.

Lemma mEx_plus f g : mInt f -> mInt g -> mEx (fun x => f x + g x) = mEx f + mEx g.
Proof.
move=> hf hg; rewrite /mEx -fineD ?mInt_fin//; congr fine.
by rewrite -(integralD_EFin measurableT hf hg); apply: eq_integral.
Qed.
Lemma mEx_scal c f : mInt f -> mEx (fun x => c * f x) = c * mEx f.
Proof.
move=> hf; rewrite /mEx.
have -> : c * fine (\int[mu]_x (f x)%:E)%E = fine (c%:E * \int[mu]_x (f x)%:E)%E.
  by rewrite fineM// mInt_fin.
by congr fine; rewrite -(integralM measurableT hf).
Qed.
Lemma mEx_ge0 f : mInt f -> (forall x, 0 <= f x) -> 0 <= mEx f.
Proof. by move=> hf f0; apply/fine_ge0/integral_ge0 => x _; rewrite lee_fin. Qed.

Lemma mAe_all (P : T -> Prop) : (forall x, P x) -> mAe P.
Proof. exact: aeW. Qed.
Lemma mAe_imp (P Q : T -> Prop) : (forall x, P x -> Q x) -> mAe P -> mAe Q.
Proof. by move=> PQ [A [mA A0 PA]]; exists A; split=> // x nQ; apply: PA => Px; apply/nQ/PQ. Qed.
Lemma null_union (A B : set T) : measurable A -> measurable B -> mu A = 0%E -> mu B = 0%E ->
  mu (A `|` B) = 0%E.
Proof.
move=> mA mB A0 B0.
have -> : A `|` B = A `|` (B `\` A).
  apply/seteqP; split=> x; last by move=> [?|[? _]]; [left | right].
  by move=> [?|Bx]; [left | case: (pselect (A x)) => ?; [left | right]].
have mBA : measurable (B `\` A) by exact: measurableD.
have disj : A `&` (B `\` A) = set0 by apply/seteqP; split=> // x [? []].
have -> : mu (A `|` B `\` A) = (mu A + mu (B `\` A))%E by exact: measureU.
rewrite A0 add0e; apply/eqP; rewrite eq_le measure_ge0 andbT -B0.
by apply: (le_measure mu); rewrite ?inE// => x [].
Qed.
Lemma mAe_and (P Q : T -> Prop) : mAe P -> mAe Q -> mAe (fun x => P x /\ Q x).
Proof.
move=> [A [mA A0 PA]] [B [mB B0 QB]]; exists (A `|` B); split.
- exact: measurableU.
- exact: null_union.
move=> x nPQ; case: (pselect (P x)) => Px; last by left; apply: PA.
by right; apply: QB => Qx; apply: nPQ.
Qed.

(** Dominated convergence along a sequence, to a measurable limit. *)
Lemma dominated_seq (F : nat -> T -> RR) (f g : T -> RR) :
  (forall n, mInt (F n)) -> mInt g -> measurable_fun setT (EFin \o f) ->
  (forall n x, `|F n x| <= g x) -> mAe (fun x => (fun n => F n x) --> f x) ->
  mInt f /\ (fun n => mEx (F n)) --> mEx f.
Proof.
move=> iF ig mf Fg Ff.
have [] := @dominated_convergence _ _ _ mu setT measurableT
  (fun n => EFin \o F n) (EFin \o f) (EFin \o g) _ mf _ ig _.
- by move=> n; have [] := iF n.
- by apply: mAe_imp Ff => x Fx _; exact: cvg_comp Fx _.
- by apply: aeW => x n _; rewrite /= lee_fin.
move=> If _ cv; split; first exact: If.
by apply: fine_cvg; rewrite fineK; [exact: cv | exact: mInt_fin].
Qed.

(** From sequences to a real parameter that tends to 0. *)
Section Real_limit.
Variables (F : R -> T -> R) (f g : T -> R) (dl : posreal).
Hypothesis iF : forall h : R, h <> R0 -> Rlt (Rabs h) dl -> mInt (F h).
Hypothesis ig : mInt g.
Hypothesis Fg : forall (h : R) x, h <> R0 -> Rlt (Rabs h) dl -> Rle (Rabs (F h x)) (g x).
Hypothesis Ff : mAe (fun x => Expect.lim0 (fun h => F h x) (f x)).

Definition null_seq (h : nat -> R) : Prop :=
  (forall n, h n <> R0 /\ Rlt (Rabs (h n)) dl) /\
  (forall e : R, Rlt 0 e -> exists N, forall n, (N <= n)%N -> Rlt (Rabs (h n)) e).

Lemma along_seq h : null_seq h -> measurable_fun setT (EFin \o (f : T -> RR)) ->
  mInt f /\ (fun n => mEx (F (h n)) : RR) --> (mEx f : RR).
Proof.
move=> [hd h0] mf; apply: (@dominated_seq (fun n => F (h n)) f g) => //.
- by move=> n; apply: iF; apply (hd n).
- by move=> n x; apply/RleP; apply: Fg; apply (hd n).
apply: mAe_imp Ff => x Fx; apply/cvg_eps => e e0.
have [dd Hdd] := (Expect.lim0_eps _ _).1 Fx (mkposreal e e0).
have [N HN] := h0 _ (cond_pos dd).
by exists N => n Nn; apply: Hdd; [apply (hd n) | exact: HN].
Qed.

Lemma inv_pos n : Rlt 0 (/ INR n.+1).
Proof. by apply/Rinv_0_lt_compat/lt_0_INR; exact: PeanoNat.Nat.lt_0_succ. Qed.
Lemma inv_small e : Rlt 0 e -> exists N, forall n, (N <= n)%N -> Rlt (/ INR n.+1) e.
Proof.
move=> e0; have [N [NH N0]] := archimed_cor1 e e0.
exists N => n Nn; apply: Rle_lt_trans NH; apply: Rinv_le_contravar; first exact: lt_0_INR.
by apply/le_INR/ssrnat.leP; exact: leqW.
Qed.
Lemma some_seq : exists h, null_seq h.
Proof.
pose b n := Rmin (Rdiv dl 2) (/ INR n.+1).
have b0 n : Rlt 0 (b n).
  apply: Rmin_glb_lt; last exact: inv_pos.
  by apply: Rdiv_lt_0_compat; [exact: cond_pos | exact: Rlt_0_2].
have bA n : Rabs (b n) = b n by apply: Rabs_pos_eq; apply: Rlt_le.
exists b; split=> [n|e e0].
  split; first by apply: not_eq_sym; apply: Rlt_not_eq.
  rewrite bA; apply: Rle_lt_trans (Rmin_l _ _) _; have := cond_pos dl; move: (pos dl) => r.
  by move=> r0; Lra.lra.
have [N HN] := inv_small e0; exists N => n Nn; rewrite bA.
exact: Rle_lt_trans (Rmin_r _ _) (HN n Nn).
Qed.

Lemma along_zero : measurable_fun setT (EFin \o (f : T -> RR)) ->
  mInt f /\ Expect.lim0 (fun h => mEx (F h)) (mEx f).
Proof.
move=> mf; have [h0 Hh0] := some_seq; have [If _] := along_seq Hh0 mf; split=> //.
(* otherwise there is a sequence that stays away from the limit *)
apply/Expect.lim0_eps => e; apply: NNPP => away.
have pick : forall n : nat, exists h : R,
    [/\ h <> R0, Rlt (Rabs h) (Rmin dl (/ INR n.+1)) & Rle e (Rabs (Rminus (mEx (F h)) (mEx f)))].
  move=> n; apply: NNPP => none; apply: away.
  have r0 : Rlt 0 (Rmin dl (/ INR n.+1)).
    by apply: Rmin_glb_lt; [exact: cond_pos | exact: inv_pos].
  exists (mkposreal _ r0) => h hn0 hr; apply: Rnot_le_lt => le; apply: none; exists h; split=> //.
move: pick => /choice [h Hh].
have nh : null_seq h.
  split=> [n|e1 e10].
    by have [? hh _] := Hh n; split=> //; exact: Rlt_le_trans hh (Rmin_l _ _).
  have [N HN] := inv_small e10; exists N => n Nn; have [_ hh _] := Hh n.
  by apply: Rlt_trans (HN n Nn); exact: Rlt_le_trans hh (Rmin_r _ _).
have [_ /cvg_eps /(_ (pos e) (cond_pos e)) [N /(_ N (leqnn N))]] := along_seq nh mf.
by apply: Rle_not_lt; have [_ _ hh] := Hh N.
Qed.
End Real_limit.

Lemma mEx_lim (F : R -> T -> R) (f g : T -> R) (dl : posreal) :
  (forall h : R, h <> R0 -> Rlt (Rabs h) dl -> mInt (F h)) -> mInt g ->
  (forall (h : R) x, h <> R0 -> Rlt (Rabs h) dl -> Rle (Rabs (F h x)) (g x)) ->
  (forall x, Expect.lim0 (fun h => F h x) (f x)) ->
  mInt f /\ Expect.lim0 (fun h => mEx (F h)) (mEx f).
Proof.
move=> iF ig Fg Ff; apply: (along_zero iF ig Fg); first exact: mAe_all.
have [h [hd h0]] := some_seq dl.
apply: (emeasurable_fun_cvg (fun n => EFin \o F (h n))).
  by move=> n; have [hn hr] := hd n; have [] := iF _ hn hr.
move=> x _; have cv : (fun n => F (h n) x : RR) --> (f x : RR); last exact: cvg_comp cv _.
apply/cvg_eps => e e0.
have [dd Hdd] := (Expect.lim0_eps _ _).1 (Ff x) (mkposreal e e0).
have [N HN] := h0 _ (cond_pos dd).
by exists N => n Nn; apply: Hdd; [apply (hd n) | exact: HN].
Qed.

Lemma mEx_lim_ae (F : R -> T -> R) (f g : T -> R) (dl : posreal) :
  (forall h : R, h <> R0 -> Rlt (Rabs h) dl -> mInt (F h)) -> mInt g -> mInt f ->
  (forall (h : R) x, h <> R0 -> Rlt (Rabs h) dl -> Rle (Rabs (F h x)) (g x)) ->
  mAe (fun x => Expect.lim0 (fun h => F h x) (f x)) ->
  Expect.lim0 (fun h => mEx (F h)) (mEx f).
Proof. by move=> iF ig [mf _] Fg Ff; have [] := along_zero iF ig Fg Ff mf. Qed.

Definition measureE : Expect.expectation T :=
  @Expect.Build_expectation T mInt mEx mAe mInt_ext mEx_ext mInt_0 mInt_plus mEx_plus
    mInt_scal mEx_scal
    (fun f hf f0 => elimT (RleP _ _) (mEx_ge0 hf (fun x => introT (RleP _ _) (f0 x))))
    mAe_all mAe_imp mAe_and mEx_lim mEx_lim_ae.
End Measure.

(** Lebesgue measure on the real line. *)
Definition lebesgueE : Expect.expectation R := measureE [the measure _ _ of @lebesgue_measure RR].
