(** * Lebesgue measure on the real line: what the laws need

    Measurable functions, intervals, monotone convergence, and the change of variable s x + m,
    proved in mathcomp-analysis and stated in plain reals.  Files after this one do not need
    mathcomp any more. *)
From Sgc Require Expect Measure.
From Coq Require Import Reals Lra.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions mathcomp_extra set_interval.
From mathcomp.analysis Require Import Rstruct reals ereal topology normedtype sequences signed.
From mathcomp.analysis Require Import measure lebesgue_measure numfun lebesgue_integral.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Def Num.Theory.
Import numFieldTopology.Exports.
Import Sgc.Measure.
Local Open Scope classical_set_scope.
Local Open Scope ring_scope.
Local Notation leb := [the measure _ _ of @lebesgue_measure RR].

(** ** Measurable functions *)
Definition measurable1 (f : R -> R) : Prop := measurable_fun setT (f : RR -> RR).

Lemma measurable1_continuous f : (forall x, continuity_pt f x) -> measurable1 f.
Proof. by move=> cf; apply: continuous_measurable_fun => x; apply/continuity_pt_cvg. Qed.
Lemma measurable1_mult f g : measurable1 f -> measurable1 g -> measurable1 (fun x => Rmult (f x) (g x)).
Proof. by move=> mf mg; exact: (measurable_funM mf mg). Qed.
Lemma measurable1_plus f g : measurable1 f -> measurable1 g -> measurable1 (fun x => Rplus (f x) (g x)).
Proof. by move=> mf mg; exact: (measurable_funD mf mg). Qed.
Lemma measurable1_ext f g : (forall x, f x = g x) -> measurable1 f -> measurable1 g.
Proof. by move=> fg; have -> : f = g by apply/funext. Qed.
Lemma measurable1_comp f g : measurable1 f -> measurable1 g -> measurable1 (fun x => f (g x)).
Proof. by move=> mf mg; exact: (measurable_fun_comp mf mg). Qed.
Lemma measurable1_int f : Expect.Int lebesgueE f -> measurable1 f.
Proof. by move=> [mf _]; exact/EFin_measurable_fun. Qed.

Lemma Int_dominated (f g : R -> R) : measurable1 f -> (forall x, Rle (Rabs (f x)) (g x)) ->
  Expect.Int lebesgueE g -> Expect.Int lebesgueE f.
Proof.
move=> mf fg ig; apply: (@le_integrable _ _ _ leb setT measurableT (EFin \o f) (EFin \o g)) => //.
  exact/EFin_measurable_fun.
move=> x _ /=; rewrite lee_fin; apply/RleP; apply: Rle_trans (fg x) _; exact: Rle_abs.
Qed.

(** ** Intervals *)
Definition inside (a b x : R) : R := 
  match Rlt_dec a x with
  | left _ => match Rle_dec x b with left _ => IZR 1 | right _ => IZR 0 end
  | right _ => IZR 0
  end.

Lemma insideE (a b : RR) : inside a b = \1_(`]a, b]%classic) :> (RR -> RR).
Proof.
apply/funext => x; rewrite /inside indicE.
case: Rlt_dec => ax; last first.
  by rewrite memNset// => /= /[!in_itv]/= /andP[/RltP].
case: Rle_dec => xb; last by rewrite memNset// => /= /[!in_itv]/= /andP[_ /RleP].
by rewrite mem_set//= in_itv /=; apply/andP; split; [exact/RltP | exact/RleP].
Qed.
Lemma measurable1_inside a b : measurable1 (inside a b).
Proof. by rewrite /measurable1 insideE; apply: measurable_fun_indic; exact: measurable_itv. Qed.

Lemma Ex_inside a b : Rle a b ->
  Expect.Int lebesgueE (inside a b) /\ Expect.Ex lebesgueE (inside a b) = Rminus b a.
Proof.
move=> ab; have ab' : (a : RR) <= b by exact/RleP.
have E : (\int[leb]_x (inside a b x : RR)%:E = ((b : RR) - a)%:E)%E.
  rewrite insideE (@integral_indic _ _ _ leb setT measurableT `]a, b]%classic)//;
    last exact: measurable_itv.
  rewrite setIT /= lebesgue_measure_itv hlength_itv /= lte_fin.
  by move: ab'; rewrite le_eqVlt => /orP[/eqP ->|->]; rewrite ?ltxx ?subrr// EFinB.
have I : mInt leb (inside a b).
  split; first by apply/EFin_measurable_fun; exact: measurable1_inside.
  apply: (@le_lt_trans _ _ ((b : RR) - a)%:E); last exact: ltry.
  rewrite -E le_eqVlt; apply/orP; left; apply/eqP/eq_integral => x _ /=; congr EFin.
  by rewrite insideE ger0_norm// indicE ler0n.
by split; [exact: I | rewrite /Expect.Ex /= /mEx E].
Qed.

(** ** Monotone convergence *)
Lemma Ex_monotone (F : nat -> R -> R) (f : R -> R) (l : R) :
  (forall n, Expect.Int lebesgueE (F n)) -> (forall n x, Rle 0 (F n x)) ->
  (forall n x, Rle (F n x) (F n.+1 x)) ->
  (forall x (e : R), Rlt 0 e -> exists N, forall n, (N <= n)%N -> Rlt (Rabs (Rminus (F n x) (f x))) e) ->
  (forall e : R, Rlt 0 e ->
    exists N, forall n, (N <= n)%N -> Rlt (Rabs (Rminus (Expect.Ex lebesgueE (F n)) l)) e) ->
  Expect.Int lebesgueE f /\ Expect.Ex lebesgueE f = l.
Proof.
move=> iF F0 Fm Ff El.
have mF n : measurable_fun setT (EFin \o (F n : RR -> RR)) by have [] := iF n.
have Ff' (x : RR) : (fun n => (F n x : RR)%:E) --> (f x : RR)%:E.
  by have cv : (fun n => F n x : RR) --> (f x : RR); [exact/cvg_eps/Ff | exact: cvg_comp cv _].
have f0 (x : RR) : (0 <= f x :> RR)%R.
  apply/RleP; apply: Rnot_lt_le => neg.
  have [N /(_ N (leqnn N)) /Rabs_def2 [lt _]] := Ff x (Ropp (f x)) (Ropp_0_gt_lt_contravar _ neg).
  by have := F0 N x; move: lt; move: (F N x) (f x) => u v; Lra.lra.
have mf : measurable_fun setT (EFin \o (f : RR -> RR)).
  by apply: (emeasurable_fun_cvg (fun n => EFin \o (F n : RR -> RR))) => // x _; exact: Ff'.
have E : (\int[leb]_x (f x : RR)%:E = (l : RR)%:E)%E.
  have ge0 n (x : RR) : [set: RR] x -> (0 <= (F n x : RR)%:E)%E.
    by move=> _; rewrite lee_fin; exact/RleP.
  have nd (x : RR) : [set: RR] x -> {homo (fun n => (F n x : RR)%:E) : n m / (n <= m)%N >-> (n <= m)%E}.
    by move=> _; apply/nondecreasing_seqP => n; rewrite lee_fin; exact/RleP.
  have M := @monotone_convergence _ _ _ leb setT measurableT (fun n x => (F n x : RR)%:E) mF ge0 nd.
  have -> : (\int[leb]_x (f x : RR)%:E = \int[leb]_x lim (fun n => (F n x : RR)%:E))%E.
    by apply: eq_integral => x _; rewrite (cvg_lim _ (Ff' x)).
  rewrite M.
  have -> : (fun n => \int[leb]_x (F n x : RR)%:E)%E = (fun n => (Expect.Ex lebesgueE (F n) : RR)%:E).
    by apply/funext => n; rewrite /Expect.Ex /= /mEx fineK//; exact: mInt_fin (iF n).
  apply/cvg_lim => //.
  have cv : (fun n => Expect.Ex lebesgueE (F n) : RR) --> (l : RR) by exact/cvg_eps.
  exact: cvg_comp cv _.
have I : mInt leb f.
  split; first exact: mf.
  apply: (@le_lt_trans _ _ (l : RR)%:E); last exact: ltry.
  rewrite -E le_eqVlt; apply/orP; left; apply/eqP/eq_integral => x _ /=; congr EFin.
  by rewrite ger0_norm.
by split; [exact: I | rewrite /Expect.Ex /= /mEx E].
Qed.

(** ** The change of variable s x + m *)
Section Affine.
Variables (s m : RR) (s0 : 0 < s).
Let phi (x : RR) : RR := s * x + m.
Let half_open := [the measurableType _ of salgebraType (@ocitv RR)].

Let measurable_phi : measurable_fun setT phi.
Proof.
apply: measurable_funD; last exact: measurable_fun_cst.
by apply: measurable_funrM; exact: measurable_fun_id.
Qed.
Let measurable_phi' : @measurable_fun _ _ half_open half_open setT phi := measurable_phi.
Let pushed : {measure set half_open -> \bar RR} :=
  [the measure _ _ of pushforward leb measurable_phi'].
Let scaled : {measure set half_open -> \bar RR} :=
  [the measure _ _ of mscale (NngNum (ltW s0)) pushed].

Lemma affine_preimage (a b : RR) :
  phi @^-1` `]a, b]%classic = `](a - m) / s, (b - m) / s]%classic.
Proof.
apply/seteqP; split => x /=; rewrite !in_itv /= /phi => /andP[h1 h2]; apply/andP; split.
- by rewrite ltr_pdivr_mulr// ltr_subl_addr mulrC.
- by rewrite ler_pdivl_mulr// ler_subr_addr mulrC.
- by move: h1; rewrite ltr_pdivr_mulr// ltr_subl_addr mulrC.
- by move: h2; rewrite ler_pdivl_mulr// ler_subr_addr mulrC.
Qed.

Lemma lebesgue_scaled X : measurable X -> leb X = scaled X.
Proof.
move=> mX; apply: (@lebesgue_measure_unique RR scaled) => // _ [[a b] _ <-] /=.
rewrite /scaled /= /mscale /= /pushforward affine_preimage hlength_itv /=.
rewrite lebesgue_measure_itv hlength_itv /= !lte_fin ltr_pmul2r ?invr_gt0// ltr_add2r.
case: ifPn => _; last by rewrite mule0.
rewrite -!EFinD -EFinM; congr EFin.
by rewrite -mulrBl opprB addrA subrK mulrCA divff ?mulr1// gt_eqF.
Qed.

Lemma integral_affine_ge0 (f : RR -> \bar RR) : measurable_fun setT f -> (forall x, (0 <= f x)%E) ->
  (\int[leb]_x f x = s%:E * \int[leb]_x f (phi x))%E.
Proof.
move=> mf f0; rewrite (eq_measure_integral scaled); last by move=> A mA _; exact: lebesgue_scaled.
by rewrite ge0_integral_mscale// integral_pushforward.
Qed.

Lemma integrable_affine (f : RR -> \bar RR) :
  leb.-integrable setT f -> leb.-integrable setT (f \o phi).
Proof.
move=> [mf fin]; split; first by apply: measurable_fun_comp => //; exact: measurable_phi.
move: fin; rewrite (@integral_affine_ge0 (fun x => `|f x|%E))//; last by apply: measurable_fun_comp.
set J := (X in (_ * X < _)%E) => h; rewrite [X in (X < _)%E](_ : _ = J)//.
rewrite ltey; apply/eqP => Joo; move: h.
by rewrite Joo mulry gtr0_sg// mul1e ltxx.
Qed.

Lemma integral_affine (f : RR -> \bar RR) : leb.-integrable setT f ->
  (\int[leb]_x f x = s%:E * \int[leb]_x f (phi x))%E.
Proof.
move=> intf; have [mf _] := intf; rewrite integralE [in RHS]integralE.
rewrite (@integral_affine_ge0 (f^\+)%E)//; last exact: emeasurable_fun_funepos.
rewrite (@integral_affine_ge0 (f^\-)%E)//; last exact: emeasurable_fun_funeneg.
by rewrite -muleBr//; have h := integrable_affine intf; exact: (integrable_add_def measurableT h).
Qed.
End Affine.

Theorem Ex_affine (f : R -> R) (s m : R) : Rlt 0 s -> Expect.Int lebesgueE f ->
  Expect.Int lebesgueE (fun x => f (Rplus (Rmult s x) m)) /\
  Expect.Ex lebesgueE f = Rmult s (Expect.Ex lebesgueE (fun x => f (Rplus (Rmult s x) m))).
Proof.
move=> s0 If; have s0' : (0 < (s : RR))%R by exact/RltP.
have I1 := @integrable_affine s m s0' (EFin \o f) If.
have I2 : Expect.Int lebesgueE (fun x => f (Rplus (Rmult s x) m)) by exact: I1.
split=> //; rewrite /Expect.Ex /= /mEx (@integral_affine s m s0' (EFin \o f) If).
by rewrite fineM// mInt_fin.
Qed.
