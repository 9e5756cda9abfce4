(** * Laws that agree on intervals agree

    A density on the line is a measure, and two finite measures that agree on half-open intervals agree
    on all measurable sets, so that they have the same integrals.  [same_law] says it in plain reals: if the number
    [S x], [x] drawn with density [p], falls into every interval as often as one drawn with density [q], then the
    two have the same expectations, of whatever is integrable. *)
From Sgc Require Expect Measure Line.
From Coq Require Import Reals Lra.
From HB Require Import structures.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets functions mathcomp_extra cardinality fsbigop set_interval.
From mathcomp.analysis Require Import Rstruct reals ereal topology normedtype sequences signed.
From mathcomp.analysis Require Import measure lebesgue_measure numfun lebesgue_integral.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Def Num.Theory.
Import numFieldTopology.Exports.
Import Sgc.Measure Sgc.Line.
Local Open Scope classical_set_scope.
Local Open Scope ring_scope.
Local Notation leb := [the measure _ _ of @lebesgue_measure RR].
Local Notation line := [the measurableType _ of salgebraType (@ocitv RR)].

(** ** A density is a measure *)
Section Density.
Variables (p : RR -> RR) (p0 : forall x, 0 <= p x) (ip : leb.-integrable setT (EFin \o p)).
Local Open Scope ereal_scope.

Definition weight (A : set line) : \bar RR := \int[leb]_(x in A) (p x)%:E.
Let weight0 : weight set0 = 0. Proof. by rewrite /weight integral_set0. Qed.
Let weight_ge0 A : 0 <= weight A.
Proof. by apply: integral_ge0 => x _; rewrite lee_fin. Qed.
Let weight_additive : semi_sigma_additive weight.
Proof.
move=> F mF tF mUF; rewrite /weight ge0_integral_bigcup//; last 2 first.
- by apply: integrableS ip.
- by move=> x _; rewrite lee_fin.
by apply: is_cvg_ereal_nneg_natsum => n _; exact: weight_ge0.
Qed.
HB.instance Definition _ := isMeasure.Build _ _ _ weight weight0 weight_ge0 weight_additive.
Definition density : {measure set line -> \bar RR} := [the measure _ _ of weight].

Let mp : measurable_fun setT p. Proof. by case: ip => /EFin_measurable_fun. Qed.

Let integral_simple (h : {nnsfun line >-> RR}) :
  \int[density]_x (h x)%:E = \int[leb]_x (h x * p x)%:E.
Proof.
under [LHS]eq_integral do rewrite fimfunE -fsumEFin//.
rewrite [LHS]ge0_integral_fsum//; last 2 first.
  - move=> r; exact/EFin_measurable_fun/measurable_funrM/measurable_fun_indic.
  - by move=> n x _; rewrite EFinM nnfun_muleindic_ge0.
have E x : (h x * p x)%:E = \sum_(r \in range h) (r * \1_(h @^-1` [set r]) x)%:E * (p x)%:E.
  rewrite EFinM (_ : (h x)%:E = \sum_(r \in range h) (r * \1_(h @^-1` [set r]) x)%:E); last first.
    by rewrite fsumEFin// -fimfunE.
  rewrite ge0_mule_fsuml//.
  by move=> r; rewrite /= EFinM nnfun_muleindic_ge0.
under [RHS]eq_integral do rewrite E.
rewrite [RHS]ge0_integral_fsum//; last 2 first.
  - move=> r; apply: emeasurable_funM; last exact/EFin_measurable_fun.
    exact/EFin_measurable_fun/measurable_funrM/measurable_fun_indic.
  - by move=> r x _; rewrite mule_ge0 ?lee_fin// -lee_fin EFinM nnfun_muleindic_ge0.
apply: eq_fsbigr => r _; rewrite integralM_indic_nnsfun// integral_indic//= setIT.
have [r0|r0] := ltP r 0%R.
  have e : h @^-1` [set r] = set0 by rewrite preimage_nnfun0.
  rewrite e /weight integral_set0 mule0; apply/esym.
  by under eq_integral do rewrite indicE in_set0 mulr0 mul0e; rewrite integral0.
transitivity (\int[leb]_x (r%:E * ((EFin \o p) \_ (h @^-1` [set r])) x)).
  rewrite ge0_integralM//=; last 2 first.
  - have mA := measurable_sfunP h r.
    have := @measurable_restrict _ _ line _ _ setT (EFin \o p) mA measurableT (@subsetT _ _).
    by case=> H _; apply: H; apply: measurable_funTS; exact/EFin_measurable_fun.
  - by move=> x _; rewrite /patch; case: ifP; rewrite lee_fin.
  congr (_ * _); rewrite /weight integral_mkcond; apply: eq_integral => x _.
  by rewrite /patch/=; case: ifP.
apply: eq_integral => x _; rewrite /= /patch indicE.
by case: ifP => _; rewrite ?mulr1 ?mulr0 ?mule0 ?mul0e.
Qed.

Lemma integral_density (f : line -> \bar RR) : measurable_fun setT f -> (forall x, 0 <= f x) ->
  \int[density]_x f x = \int[leb]_x (f x * (p x)%:E).
Proof.
move=> mf f0; have [f_ [ndf_ f_f]] := approximation measurableT mf (fun t _ => f0 t).
transitivity (lim (fun n => \int[density]_x (f_ n x)%:E)).
  rewrite -monotone_convergence//.
  - by apply: eq_integral => x _; apply/esym/cvg_lim => //; exact: f_f.
  - by move=> n; exact/EFin_measurable_fun.
  - by move=> n x _; rewrite lee_fin.
  - by move=> x _ a b ab; rewrite lee_fin; exact/lefP/ndf_.
rewrite (_ : (fun _ => _) = (fun n => \int[leb]_x (f_ n x * p x)%:E)); last first.
  by apply/funext => n; exact: integral_simple.
rewrite -monotone_convergence//.
- apply: eq_integral => x _; apply/cvg_lim => //.
  by under eq_fun do rewrite EFinM; apply: cvgeMr => //; exact: f_f.
- by move=> n; apply/EFin_measurable_fun/measurable_funM.
- by move=> n x _; rewrite lee_fin mulr_ge0.
- by move=> x _ a b ab; rewrite lee_fin ler_wpmul2r//; exact/lefP/ndf_.
Qed.
End Density.

(** ** Two laws that agree on intervals *)
Section Same.
Variables (p q S : RR -> RR).
Hypotheses (p0 : forall x, 0 <= p x) (q0 : forall x, 0 <= q x).
Hypotheses (ip : mInt leb p) (iq : mInt leb q) (mS : measurable_fun setT S).
Hypothesis agree : forall a b : RR, a <= b ->
  mEx leb (fun x => p x * (inside a b (S x) : RR)) = mEx leb (fun y => q y * (inside a b y : RR)).
Local Open Scope ereal_scope.

Let mS' : @measurable_fun _ _ line line setT S := mS.
Let pushed : {measure set line -> \bar RR} := [the measure _ _ of pushforward (density p0 ip) mS'].
Let target := density q0 iq.

Lemma weight_inside (w : RR -> RR) (w0 : forall x, (0 <= w x)%R) (iw : mInt leb w) (U : RR -> RR) (a b : RR) :
  measurable_fun setT U ->
  density w0 iw (U @^-1` `]a, b]%classic) = (mEx leb (fun x => w x * (inside a b (U x) : RR))%R)%:E.
Proof.
move=> mU; have mw : measurable_fun setT w by case: iw => /EFin_measurable_fun.
rewrite /= /weight integral_mkcond /mEx fineK.
  apply: eq_integral => x _; rewrite /patch insideE indicE /=.
  have -> : (x \in U @^-1` `]a, b]%classic) = (U x \in `]a, b]%classic) by [].
  by case: ifP => _; rewrite ?mulr1 ?mulr0.
apply: mInt_fin; apply: (@le_integrable _ _ _ leb setT measurableT _ _ _ _ iw).
  apply/EFin_measurable_fun/measurable_funM => //.
  by apply: (measurable_fun_comp (f := inside a b : RR -> RR)) => //; exact: measurable1_inside.
move=> x _ /=; rewrite lee_fin insideE normrM ler_pimulr//.
by rewrite indicE; case: (_ \in _); rewrite ?normr1 ?normr0.
Qed.

Lemma same_measure A : measurable A -> pushed A = target A.
Proof.
apply: (@measure_unique _ RR line (@ocitv RR) (fun n => `](- n%:R)%R, n%:R]%classic) erefl (@ocitvI RR) _ _ pushed target) => //.
- by move=> n; exists ((- n%:R)%R, n%:R).
- apply/seteqP; split=> // x _; have [n xn] : exists n : nat, (`|x| < n%:R)%R.
    by exists (Num.bound `|x|); apply: archi_boundP.
  by exists n => //=; rewrite in_itv /=; move: xn; rewrite ltr_norml => /andP[-> /ltW].
- move=> _ [[a b] _ <-]; have [ba|ab] := ltP b a.
    have e : `]a, b]%classic = set0 by apply/set_itv_ge; rewrite -leNgt ltW.
    by rewrite /= e !measure0.
  transitivity (density p0 ip (S @^-1` `]a, b]%classic)); first by [].
  rewrite weight_inside// agree// -(@weight_inside q q0 iq id)//; exact: measurable_fun_id.
- move=> n; apply: (@le_lt_trans _ _ (density p0 ip (S @^-1` `](- n%:R)%R, n%:R]%classic))) => //.
  by rewrite weight_inside// ltry.
Qed.

Lemma same_positive (f : line -> \bar RR) : measurable_fun setT f -> (forall x, 0 <= f x) ->
  \int[leb]_x (f (S x) * (p x)%:E) = \int[leb]_y (f y * (q y)%:E).
Proof.
move=> mf f0; have mfS : measurable_fun setT (f \o S) := measurable_fun_comp mf mS'.
rewrite -(@integral_density p p0 ip (f \o S) mfS); last by move=> x; exact: f0.
have D := @integral_density q q0 iq f mf f0.
have P := @integral_pushforward _ _ line line S mS' RR (density p0 ip) f mf f0.
apply: etrans D; apply: etrans (esym P) _.
by apply: eq_measure_integral => A mA _; exact: same_measure.
Qed.

Variable g : RR -> RR.
Hypothesis mg : measurable_fun setT g.
Let mp : measurable_fun setT p. Proof. by case: ip => /EFin_measurable_fun. Qed.
Let mq : measurable_fun setT q. Proof. by case: iq => /EFin_measurable_fun. Qed.

Lemma same_integrable : mInt leb (fun x => p x * g (S x))%R <-> mInt leb (fun y => q y * g y)%R.
Proof.
have mgS : measurable_fun setT (g \o S) := measurable_fun_comp mg mS.
have I : (\int[leb]_x `|(p x * g (S x))%R%:E| = \int[leb]_y `|(q y * g y)%R%:E|).
  have H := @same_positive (fun y => `|(g y)%:E|).
  transitivity (\int[leb]_x (`|(g (S x))%:E| * (p x)%:E)).
    by apply: eq_integral => x _; rewrite /= -EFinM normrM mulrC (ger0_norm (p0 x)).
  rewrite H//.
    by apply: eq_integral => x _; rewrite /= -EFinM normrM mulrC (ger0_norm (q0 x)).
  by apply: measurable_fun_comp => //; exact/EFin_measurable_fun.
split=> -[_ fin]; split.
- by apply/EFin_measurable_fun/measurable_funM.
- by move: fin; rewrite I.
- by apply/EFin_measurable_fun/measurable_funM.
- by move: fin; rewrite I.
Qed.

Let max_fin (a b : RR) : maxe a%:E b%:E = (Num.max a b)%:E.
Proof. by rewrite !maxEle lee_fin; case: ifP. Qed.

Lemma part_times (w : RR -> RR) (w0 : forall x, (0 <= w x)%R) (f : RR -> RR) :
  (fun x => (w x * f x)%:E)^\+ = (fun x => (EFin \o f)^\+ x * (w x)%:E) /\
  (fun x => (w x * f x)%:E)^\- = (fun x => (EFin \o f)^\- x * (w x)%:E).
Proof.
split; apply/funext => x.
- by rewrite /funepos /= !max_fin -EFinM [in RHS]mulrC maxr_pmulr// mulr0.
- by rewrite /funeneg /= !max_fin -EFinM [in RHS]mulrC maxr_pmulr// mulr0 mulrN.
Qed.

Lemma same_mean : mEx leb (fun x => p x * g (S x))%R = mEx leb (fun y => q y * g y)%R.
Proof.
have mE : measurable_fun setT (EFin \o g) by exact/EFin_measurable_fun.
have pos : \int[leb]_x ((EFin \o g)^\+ (S x) * (p x)%:E) = \int[leb]_y ((EFin \o g)^\+ y * (q y)%:E).
  by apply: same_positive => //; exact: emeasurable_fun_funepos.
have neg : \int[leb]_x ((EFin \o g)^\- (S x) * (p x)%:E) = \int[leb]_y ((EFin \o g)^\- y * (q y)%:E).
  by apply: same_positive => //; exact: emeasurable_fun_funeneg.
have [lp ln] := part_times p0 (g \o S); have [rp rn] := part_times q0 g.
have L := @integralE _ _ _ leb setT (fun x => (p x * (g \o S) x)%:E).
have R' := @integralE _ _ _ leb setT (fun y => (q y * g y)%:E).
rewrite lp ln in L; rewrite rp rn in R'.
have E : \int[leb]_x (p x * (g \o S) x)%:E = \int[leb]_y (q y * g y)%:E.
  by apply: etrans L _; apply: etrans (esym R'); exact: (f_equal2 (fun a b => a - b) pos neg).
exact: (f_equal fine E).
Qed.
End Same.

Theorem same_law (p q S : R -> R) :
  (forall x, Rle 0 (p x)) -> (forall x, Rle 0 (q x)) ->
  Expect.Int lebesgueE p -> Expect.Int lebesgueE q -> measurable1 S ->
  (forall a b, Rle a b -> Expect.Ex lebesgueE (fun x => Rmult (p x) (inside a b (S x))) =
                         Expect.Ex lebesgueE (fun y => Rmult (q y) (inside a b y))) ->
  forall g, measurable1 g ->
  (Expect.Int lebesgueE (fun x => Rmult (p x) (g (S x))) <-> Expect.Int lebesgueE (fun y => Rmult (q y) (g y))) /\
  Expect.Ex lebesgueE (fun x => Rmult (p x) (g (S x))) = Expect.Ex lebesgueE (fun y => Rmult (q y) (g y)).
Proof.
move=> p0 q0 ip iq mS agree g mg.
have p0' x : (0 <= p x :> RR)%R by exact/RleP.
have q0' x : (0 <= q x :> RR)%R by exact/RleP.
have agree' (a b : RR) : a <= b ->
    mEx leb (fun x => p x * (inside a b (S x) : RR)) = mEx leb (fun y => q y * (inside a b y : RR)).
  by move=> /RleP; exact: agree.
by split; [exact: (same_integrable p0' q0' ip iq mS agree' mg) | exact: (same_mean p0' q0' ip iq mS agree' mg)].
Qed.

(** Limits of measurable functions are measurable. *)
Lemma measurable1_lim (F : nat -> R -> R) (f : R -> R) : (forall n, measurable1 (F n)) ->
  (forall x (e : R), Rlt 0 e -> exists N, forall n, (N <= n)%N -> Rlt (Rabs (Rminus (F n x) (f x))) e) ->
  measurable1 f.
Proof.
move=> mF Ff; apply: (@measurable_fun_cvg _ line RR setT F f) => // x _; exact/cvg_eps/Ff.
Qed.

(** One point does not count. *)
Lemma ae_off_point (c : R) : Expect.Ae lebesgueE (fun x => x <> c).
Proof.
exists [set c]; split; [exact: measurable_set1 | exact: lebesgue_measure_set1 |].
by move=> x /= H; apply: contrapT => ne; apply: H.
Qed.
