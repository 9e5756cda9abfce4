(** * The laws of the language

    For each law of ir/dist.def: the log-density that the compiler writes, that it is normalised,
    that its scores have mean zero, and the transport of base noise that the reparameterisation rule
    uses.  [law] is what [ops.def] names: a base expectation, a log-density, and that the density
    integrates to one. *)
From Coq Require Import Reals Lra Lia List.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Expect Measure Line Calculus Normal.
Import ListNotations.
Open Scope R_scope.

(** A law: its density is [exp (log_pdf x)] with respect to the base. *)
Record law (X : Type) := {
  base : expectation X;
  log_pdf : X -> R;
  mass : Int base (fun x => exp (log_pdf x)) /\ Ex base (fun x => exp (log_pdf x)) = 1
}.
Arguments base {X}. Arguments log_pdf {X}. Arguments mass {X}.

(** The expectation of the law. *)
Definition lawE {X} (l : law X) : expectation X :=
  densE (base l) (fun x => exp (log_pdf l x)) (fun x => Rlt_le _ _ (exp_pos (log_pdf l x))).

Lemma lawE_mass {X} (l : law X) : Int (lawE l) (fun _ => 1) /\ Ex (lawE l) (fun _ => 1) = 1.
Proof.
  destruct (mass l) as [H1 H2]. assert (E : forall x, exp (log_pdf l x) = exp (log_pdf l x) * 1)
    by (intros; ring).
  simpl. split; [exact (Int_ext _ _ _ E H1)|]. now rewrite <- (Ex_ext _ _ _ E).
Qed.

(** [T] carries the base noise [N] to the law [l]. *)
Definition transports {X Y} (N : expectation Y) (T : Y -> X) (l : law X) : Prop :=
  forall f, Int (lawE l) f ->
    Int N (fun y => f (T y)) /\ Ex (lawE l) f = Ex N (fun y => f (T y)).

(** ** Normal *)
Definition normal_log_pdf (m s x : R) : R :=
  - / 2 * ((x - m) / s * ((x - m) / s)) - ln s - / 2 * ln (2 * PI).

Lemma normal_pdf m s x : 0 < s -> exp (normal_log_pdf m s x) = phi ((x - m) / s) / s.
Proof.
  intros Hs. rewrite phi_log. unfold normal_log_pdf.
  replace (- / 2 * ((x - m) / s * ((x - m) / s)) - ln s - / 2 * ln (2 * PI))
    with ((- ((x - m) / s * ((x - m) / s)) / 2 - / 2 * ln (2 * PI)) + - ln s) by (field; lra).
  rewrite exp_plus, (exp_Ropp (ln s)), exp_ln by auto. reflexivity.
Qed.

(** Every integral against the normal density is one against standard noise, and conversely. *)
Lemma normal_change m s f : 0 < s ->
  Int leb (fun x => exp (normal_log_pdf m s x) * f x) ->
  Int normalE (fun e => f (m + s * e)) /\
  Ex leb (fun x => exp (normal_log_pdf m s x) * f x) = Ex normalE (fun e => f (m + s * e)).
Proof.
  intros Hs HI. destruct (@Ex_affine _ s m Hs HI) as [I1 E1].
  assert (E : forall e, s * (exp (normal_log_pdf m s (s * e + m)) * f (s * e + m))
                        = phi e * f (m + s * e)).
  { intros e. rewrite normal_pdf by auto. rewrite (Rplus_comm m).
    replace ((s * e + m - m) / s) with e by (field; lra). field. lra. }
  split.
  - change (Int leb (fun e => phi e * f (m + s * e))).
    exact (Int_ext _ _ _ E (Int_scal _ s _ I1)).
  - change (Ex normalE (fun e => f (m + s * e))) with (Ex leb (fun e => phi e * f (m + s * e))).
    rewrite E1, <- Ex_scal by exact I1. apply Ex_ext. exact E.
Qed.
Lemma normal_change_back m s f : 0 < s -> Int normalE (fun e => f (m + s * e)) ->
  Int leb (fun x => exp (normal_log_pdf m s x) * f x).
Proof.
  intros Hs HI. assert (Hi : 0 < / s) by now apply Rinv_0_lt_compat.
  destruct (@Ex_affine _ (/ s) (- m / s) Hi HI) as [I1 _].
  apply (Int_ext leb (fun x => / s * (phi (/ s * x + - m / s) * f (m + s * (/ s * x + - m / s))))).
  - intros x. rewrite normal_pdf by auto.
    replace (/ s * x + - m / s) with ((x - m) / s) by (field; lra).
    replace (m + s * ((x - m) / s)) with x by (field; lra). unfold Rdiv. ring.
  - now apply Int_scal.
Qed.

Lemma normal_is_normalised m s : 0 < s ->
  Int leb (fun x => exp (normal_log_pdf m s x)) /\ Ex leb (fun x => exp (normal_log_pdf m s x)) = 1.
Proof.
  intros Hs. destruct normal_mass as [N1 N2].
  assert (E : forall x, exp (normal_log_pdf m s x) * 1 = exp (normal_log_pdf m s x)) by (intros; ring).
  pose proof (normal_change_back m s (fun _ => 1) Hs N1) as I.
  destruct (normal_change m s (fun _ => 1) Hs I) as [_ C].
  split; [exact (Int_ext _ _ _ E I)|]. rewrite <- (Ex_ext _ _ _ E), C. exact N2.
Qed.
Definition normal (m s : R) (Hs : 0 < s) : law R :=
  {| base := leb; log_pdf := normal_log_pdf m s; mass := normal_is_normalised m s Hs |}.

Theorem normal_transport m s Hs : transports normalE (fun e => m + s * e) (normal m s Hs).
Proof. intros f HI. simpl in *. now apply normal_change. Qed.

(** The scores in the mean and in the standard deviation have mean zero. *)
Lemma normal_score_mean m s Hs :
  Int (lawE (normal m s Hs)) (fun x => (x - m) / (s * s)) /\
  Ex (lawE (normal m s Hs)) (fun x => (x - m) / (s * s)) = 0.
Proof.
  destruct normal_mean as [I E].
  assert (E1 : forall e, / s * e = (m + s * e - m) / (s * s)) by (intros; field; lra).
  assert (I1 : Int normalE (fun e => (m + s * e - m) / (s * s)))
    by exact (Int_ext _ _ _ E1 (Int_scal _ (/ s) _ I)).
  assert (I2 : Int (lawE (normal m s Hs)) (fun x => (x - m) / (s * s)))
    by exact (normal_change_back m s (fun x => (x - m) / (s * s)) Hs I1).
  split; auto. destruct (normal_transport m s Hs _ I2) as [_ ->].
  rewrite <- (Ex_ext _ _ _ E1), Ex_scal, E by exact I. ring.
Qed.
Lemma normal_score_sd m s Hs :
  let f x := ((x - m) / s * ((x - m) / s) - 1) / s in
  Int (lawE (normal m s Hs)) f /\ Ex (lawE (normal m s Hs)) f = 0.
Proof.
  intros f. destruct normal_variance as [I E]. destruct normal_mass as [I1 E1].
  assert (Ef : forall e, / s * (e * e - 1) = f (m + s * e)) by (intros; unfold f; field; lra).
  assert (I2 : Int normalE (fun e => e * e - 1)) by now apply Int_minus.
  assert (I3 : Int normalE (fun e => f (m + s * e)))
    by exact (Int_ext _ _ _ Ef (Int_scal _ (/ s) _ I2)).
  assert (I4 : Int (lawE (normal m s Hs)) f) by exact (normal_change_back m s f Hs I3).
  split; auto. destruct (normal_transport m s Hs _ I4) as [_ ->].
  rewrite <- (Ex_ext _ _ _ Ef), Ex_scal, Ex_minus, E, E1 by auto. ring.
Qed.

(** The closed form of the divergence between two normals. *)
Theorem kl_normal m s (Hs : 0 < s) m' s' (Hs' : 0 < s') :
  let gap x := normal_log_pdf m s x - normal_log_pdf m' s' x in
  Int (lawE (normal m s Hs)) gap /\
  Ex (lawE (normal m s Hs)) gap
  = ln s' - ln s + (s * s + (m - m') * (m - m')) / (2 * (s' * s')) - / 2.
Proof.
  intros gap. destruct normal_mass as [I0 E0]. destruct normal_mean as [I1 E1].
  destruct normal_variance as [I2 E2].
  set (a := / 2 * (s * s / (s' * s') - 1)). set (b := s * (m - m') / (s' * s')).
  set (c := ln s' - ln s + / 2 * ((m - m') * (m - m') / (s' * s'))).
  assert (Eg : forall e, a * (e * e) + (b * e + c * 1) = gap (m + s * e)).
  { intros e. unfold gap, normal_log_pdf, a, b, c. field. lra. }
  assert (Ib : Int normalE (fun e => b * e + c * 1)) by (apply Int_plus; now apply Int_scal).
  assert (Ia : Int normalE (fun e => a * (e * e))) by now apply Int_scal.
  assert (Ig : Int normalE (fun e => gap (m + s * e)))
    by exact (Int_ext _ _ _ Eg (Int_plus _ _ _ Ia Ib)).
  assert (Il : Int (lawE (normal m s Hs)) gap) by exact (normal_change_back m s gap Hs Ig).
  split; auto. destruct (normal_transport m s Hs _ Il) as [_ ->].
  rewrite <- (Ex_ext _ _ _ Eg), !Ex_plus, !Ex_scal, E0, E1, E2 by (auto; now apply Int_scal).
  unfold a, b, c. field. lra.
Qed.

(** ** Uniform *)
Definition uniform_log_pdf (a b x : R) : R := - ln (b - a).
Definition betweenE (a b : R) : expectation R :=
  densE leb (inside a b) (fun x => proj1 (inside_pos a b x)).

Lemma uniform_is_normalised a b : a < b ->
  Int (betweenE a b) (fun x => exp (uniform_log_pdf a b x)) /\
  Ex (betweenE a b) (fun x => exp (uniform_log_pdf a b x)) = 1.
Proof.
  intros H. destruct (@Ex_inside a b (Rlt_le _ _ H)) as [I E]. unfold uniform_log_pdf.
  rewrite exp_Ropp, exp_ln by lra.
  assert (E1 : forall x, / (b - a) * inside a b x = inside a b x * / (b - a)) by (intros; ring).
  simpl. split; [exact (Int_ext _ _ _ E1 (Int_scal _ _ _ I))|].
  rewrite <- (Ex_ext _ _ _ E1), Ex_scal, E by exact I. field. lra.
Qed.
Definition uniform (a b : R) (H : a < b) : law R :=
  {| base := betweenE a b; log_pdf := uniform_log_pdf a b; mass := uniform_is_normalised a b H |}.

(** The base noise of the compiler: uniform on (0, 1]. *)
Definition unitE : expectation R := betweenE 0 1.
Lemma unit_mass : Int unitE (fun _ => 1) /\ Ex unitE (fun _ => 1) = 1.
Proof.
  destruct (@Ex_inside 0 1 Rle_0_1) as [I E]. simpl.
  assert (E1 : forall x, inside 0 1 x = inside 0 1 x * 1) by (intros; ring).
  split; [exact (Int_ext _ _ _ E1 I)|]. rewrite <- (Ex_ext _ _ _ E1), E. ring.
Qed.

Lemma inside_affine a b u : a < b -> inside a b ((b - a) * u + a) = inside 0 1 u.
Proof.
  intros H. unfold inside. repeat destruct Rlt_dec; repeat destruct Rle_dec; auto; exfalso; nra.
Qed.
Theorem uniform_transport a b H : transports unitE (fun u => a + (b - a) * u) (uniform a b H).
Proof.
  intros f HI. simpl in *. unfold uniform_log_pdf in *. rewrite exp_Ropp, exp_ln in * by lra.
  destruct (@Ex_affine _ (b - a) a ltac:(lra) HI) as [I1 E1].
  assert (E : forall u, (b - a) * (inside a b ((b - a) * u + a) * (/ (b - a) * f ((b - a) * u + a)))
                        = inside 0 1 u * f (a + (b - a) * u)).
  { intros u. rewrite inside_affine, (Rplus_comm a) by auto. field. lra. }
  split.
  - exact (Int_ext _ _ _ E (Int_scal _ (b - a) _ I1)).
  - rewrite E1, <- Ex_scal by exact I1. apply Ex_ext. exact E.
Qed.

(** ** Exponential *)
Definition exponential_log_pdf (r x : R) : R := ln r - r * x.
Lemma above_pos a x : 0 <= above a x.
Proof. unfold above. destruct Rlt_dec; lra. Qed.
Lemma upto_pos a x : 0 <= upto a x.
Proof. unfold upto. destruct Rle_dec; lra. Qed.
Definition positiveE : expectation R := densE leb (above 0) (above_pos 0).

Lemma exp_vanishes c r : 0 <= c -> 0 < r -> tends_up (fun x => - c * exp (- (r * x))) 0.
Proof.
  intros Hc Hr e He. exists (Rmax 0 (c / (r * e))). intros x Hx.
  pose proof (Rmax_l 0 (c / (r * e))). pose proof (Rmax_r 0 (c / (r * e))).
  pose proof (exp_pos (- (r * x))). rewrite Rminus_0_r, Rabs_left1 by nra.
  assert (Hb : exp (- (r * x)) <= / (1 + r * x)) by (apply exp_neg_bound; nra).
  apply Rle_lt_trans with (c * / (1 + r * x)); [nra|].
  assert (Hy : 0 < 1 + r * x) by nra.
  apply (Rmult_lt_reg_r (1 + r * x)); auto. rewrite Rmult_assoc, Rinv_l by lra.
  assert (H2 : c / (r * e) < x) by lra. apply (Rmult_lt_compat_r (r * e)) in H2; [|nra].
  unfold Rdiv in H2. rewrite Rmult_assoc, Rinv_l in H2 by (apply Rgt_not_eq; nra).
  rewrite Rmult_1_r in H2. nra.
Qed.

Lemma exponential_is_normalised r : 0 < r ->
  Int positiveE (fun x => exp (exponential_log_pdf r x)) /\
  Ex positiveE (fun x => exp (exponential_log_pdf r x)) = 1.
Proof.
  intros Hr.
  destruct (Ex_above (fun x => r * exp (- (r * x))) (fun x => - 1 * exp (- (r * x))) 0 0) as [I E].
  - intros x. apply (derive_continuity _ _ (- (r * r) * exp (- (r * x)))). auto_derive; auto.
    plain. ring.
  - intros x. auto_derive; auto. plain. ring.
  - intros x _. pose proof (exp_pos (- (r * x))). nra.
  - apply (exp_vanishes 1 r); lra.
  - assert (E1 : forall x, r * exp (- (r * x)) * above 0 x = above 0 x * exp (exponential_log_pdf r x)).
    { intros x. unfold exponential_log_pdf, Rminus. rewrite exp_plus, exp_ln by auto. ring. }
    simpl. split; [exact (Int_ext _ _ _ E1 I)|]. rewrite <- (Ex_ext _ _ _ E1), E.
    rewrite Rmult_0_r, Ropp_0, exp_0. ring.
Qed.
Definition exponential (r : R) (Hr : 0 < r) : law R :=
  {| base := positiveE; log_pdf := exponential_log_pdf r; mass := exponential_is_normalised r Hr |}.

(** The transport - ln u / r, for continuous positive functions. *)
Theorem exponential_transport r Hr f : (forall x, continuity_pt f x) -> (forall x, 0 <= f x) ->
  Int unitE (fun u => f (- ln u / r)) ->
  Int (lawE (exponential r Hr)) f /\
  Ex (lawE (exponential r Hr)) f = Ex unitE (fun u => f (- ln u / r)).
Proof.
  intros cf f0 HI. set (T := fun u => - ln u / r) in *.
  set (q := fun u => inside 0 1 u * f (T u)). change (Int leb q) in HI.
  change (Ex unitE (fun u => f (T u))) with (Ex leb q).
  set (h := fun x => exp (exponential_log_pdf r x) * f x).
  assert (ch : forall x, continuity_pt h x).
  { intros x. apply (continuity_pt_mult (fun x => exp (exponential_log_pdf r x)) f); auto.
    apply (derive_continuity _ _ (- r * exp (exponential_log_pdf r x))).
    unfold exponential_log_pdf. auto_derive; auto. plain. unfold Rminus. ring. }
  destruct (antiderivative h ch) as (P & _ & dP).
  assert (Hback : forall n, T (exp (- (r * INR n))) = INR n).
  { intros n. unfold T. rewrite ln_exp. field. lra. }
  assert (Hin : forall n, 0 < exp (- (r * INR n)) <= 1).
  { intros n. split; [apply exp_pos|]. rewrite <- exp_0. apply exp_le.
    pose proof (pos_INR n). nra. }
  (* on [eps, 1] the antiderivative is - P (T u) *)
  assert (Hu : forall n, Ex leb (fun u => q u * inside (exp (- (r * INR n))) 1 u) = P (INR n) - P 0).
  { intros n. destruct (Hin n) as [H0 H1].
    destruct (Ex_interval_local (fun u => f (T u)) (fun u => - P (T u)) (exp (- (r * INR n))) 1 H1)
      as [_ E].
    - intros u [Hu _]. apply (continuity_pt_comp T f); auto.
      apply (derive_continuity _ _ (- / (r * u))). unfold T. auto_derive; [lra|]. plain. field. lra.
    - intros u [Hu _]. evar_last.
      + apply (is_derive_opp (fun u => P (T u))). apply (is_derive_comp P T); [apply dP|].
        instantiate (1 := - / (r * u)). unfold T. auto_derive; [lra|]. plain. field. lra.
      + unfold opp, scal; simpl. unfold mult; simpl. unfold h, exponential_log_pdf, T.
        replace (ln r - r * (- ln u / r)) with (ln r + ln u) by (field; lra).
        rewrite exp_plus, !exp_ln by lra. field. lra.
    - rewrite Hback in E. replace (T 1) with 0 in E by (unfold T; rewrite ln_1; field; lra).
      replace (P (INR n) - P 0) with (- P 0 - - P (INR n)) by ring. rewrite <- E. apply Ex_ext.
      intros u. unfold q, inside. repeat destruct Rlt_dec; repeat destruct Rle_dec; try ring; lra. }
  (* the right-hand side is the limit of those *)
  assert (W : lim0 (fun d => Ex leb (fun u => q u * inside (Rabs d) 1 u)) (Ex leb q)).
  { destruct (Ex_lim leb (fun d u => q u * inside (Rabs d) 1 u) q q (mkposreal 1 Rlt_0_1)) as [_ W];
      auto.
    - intros d _ _. apply (@Int_dominated _ q); auto.
      + apply measurable1_mult; [now apply measurable1_int|apply measurable1_inside].
      + intros u. pose proof (inside_pos (Rabs d) 1 u). assert (0 <= q u).
        { apply Rmult_le_pos; auto. apply inside_pos. }
        rewrite Rabs_pos_eq by nra. nra.
    - intros d u _ _. pose proof (inside_pos (Rabs d) 1 u). assert (0 <= q u).
      { apply Rmult_le_pos; auto. apply inside_pos. }
      rewrite Rabs_pos_eq by nra. nra.
    - intros u. destruct (Rlt_dec 0 u) as [Hu0|Hu0].
      + apply (lim0_near (fun _ => q u) _ _ (mkposreal u Hu0)); [|apply filterlim_const].
        intros d _ Hd. simpl in Hd. unfold q, inside.
        repeat destruct Rlt_dec; repeat destruct Rle_dec; try ring; lra.
      + apply (lim0_near (fun _ => q u) _ _ (mkposreal 1 Rlt_0_1)); [|apply filterlim_const].
        intros d _ _. unfold q, inside. destruct Rlt_dec; [lra|ring]. }
  assert (G : Int leb (fun x => h x * above 0 x) /\ Ex leb (fun x => h x * above 0 x) = Ex leb q).
  { apply (Ex_growing h P (fun _ => 0) INR (above 0)).
    - intros n. apply Ex_interval; auto. apply pos_INR.
    - intros; lra.
    - intros n. rewrite S_INR. lra.
    - intros x. apply Rmult_le_pos; [|apply above_pos]. apply Rmult_le_pos; auto. left; apply exp_pos.
    - intros n x. unfold inside, above. destruct Rlt_dec; [|left; ring].
      destruct Rle_dec; [|left; ring]. right. split; [easy|lra].
    - intros x. destruct (nat_above x) as [N HN]. exists N. intros n Hn. specialize (HN n Hn).
      unfold inside, above. destruct Rlt_dec; auto. destruct Rle_dec; auto. lra.
    - intros e He.
      destruct (lim0_along _ _ (fun n => exp (- (r * INR n))) W) with (e := e) as [N HN]; auto.
      + intros n. apply Rgt_not_eq, exp_pos.
      + intros d Hd. destruct (exp_vanishes 1 r Rle_0_1 Hr d Hd) as [M HM].
        destruct (nat_above M) as [N HN]. exists N. intros n Hn. specialize (HM _ (HN n Hn)).
        rewrite <- Rabs_Ropp. now replace (- exp (- (r * INR n))) with (- (1) * exp (- (r * INR n)) - 0)
          by ring.
      + exists N. intros n Hn. specialize (HN n Hn).
        rewrite (Rabs_pos_eq (exp _)) in HN by (left; apply exp_pos). now rewrite Hu in HN. }
  assert (E : forall x, h x * above 0 x = above 0 x * (exp (exponential_log_pdf r x) * f x)).
  { intros x. unfold h. ring. }
  simpl. destruct G as [G1 G2]. split; [exact (Int_ext _ _ _ E G1)|]. now rewrite <- (Ex_ext _ _ _ E).
Qed.

(** ** Lognormal *)
Definition lognormal_log_pdf (m s x : R) : R := normal_log_pdf m s (ln x) - ln x.

Lemma normal_log_pdf_derive m s z : s <> 0 ->
  is_derive (normal_log_pdf m s) z (- ((z - m) / (s * s))).
Proof. intros Hs. unfold normal_log_pdf. auto_derive; auto. plain. field. auto. Qed.

(** Integrals against the lognormal density are integrals of [f (exp z)] against the normal one. *)
Theorem lognormal_change m s f : 0 < s -> (forall x, continuity_pt f x) -> (forall x, 0 <= f x) ->
  Int leb (fun z => exp (normal_log_pdf m s z) * f (exp z)) ->
  Int leb (fun x => exp (lognormal_log_pdf m s x) * f x * above 0 x) /\
  Ex leb (fun x => exp (lognormal_log_pdf m s x) * f x * above 0 x)
  = Ex leb (fun z => exp (normal_log_pdf m s z) * f (exp z)).
Proof.
  intros Hs cf f0 HI. set (q := fun z => exp (normal_log_pdf m s z) * f (exp z)) in *.
  assert (cq : forall z, continuity_pt q z).
  { intros z. apply continuity_pt_mult.
    - apply (continuity_pt_comp (normal_log_pdf m s) exp).
      + apply (derive_continuity _ _ _ (normal_log_pdf_derive m s z ltac:(lra))).
      + apply derivable_continuous, derivable_exp.
    - apply (continuity_pt_comp exp f); auto. apply derivable_continuous, derivable_exp. }
  assert (q0 : forall z, 0 <= q z).
  { intros z. apply Rmult_le_pos; auto. left; apply exp_pos. }
  destruct (antiderivative q cq) as (Q & _ & dQ).
  set (g := fun x => exp (lognormal_log_pdf m s x) * f x).
  assert (Hg : forall x, 0 < x -> g x = q (ln x) * / x).
  { intros x Hx. unfold g, q, lognormal_log_pdf, Rminus.
    rewrite exp_plus, (exp_Ropp (ln x)), !exp_ln by auto. ring. }
  apply (Ex_growing g (fun x => Q (ln x)) (fun n => exp (- INR n)) (fun n => exp (INR n)) (above 0)).
  - intros n. pose proof (pos_INR n). apply (Ex_interval_local g (fun x => Q (ln x))).
    + apply exp_le. lra.
    + intros x [Hx _]. pose proof (exp_pos (- INR n)).
      apply (continuity_pt_mult (fun x => exp (lognormal_log_pdf m s x)) f); auto.
      apply (continuity_pt_comp (lognormal_log_pdf m s) exp);
        [|apply derivable_continuous, derivable_exp].
      apply (derive_continuity _ _ (/ x * - ((ln x - m) / (s * s)) - / x)).
      apply (is_derive_minus (fun x => normal_log_pdf m s (ln x)) ln).
      * apply (is_derive_comp (normal_log_pdf m s) ln).
        -- apply normal_log_pdf_derive. lra.
        -- apply is_derive_Reals, derivable_pt_lim_ln. lra.
      * apply is_derive_Reals, derivable_pt_lim_ln. lra.
    + intros x [Hx _]. pose proof (exp_pos (- INR n)). rewrite Hg, Rmult_comm by lra.
      apply (is_derive_comp Q ln); auto. apply is_derive_Reals, derivable_pt_lim_ln. lra.
  - intros n. rewrite S_INR. apply exp_le. lra.
  - intros n. rewrite S_INR. apply exp_le. lra.
  - intros x. unfold above. destruct Rlt_dec; [|lra]. rewrite Rmult_1_r, Hg by auto.
    apply Rmult_le_pos; auto. left. now apply Rinv_0_lt_compat.
  - intros n x. pose proof (exp_pos (- INR n)). unfold inside, above.
    destruct Rlt_dec; [|left; ring]. destruct Rle_dec; [|left; ring].
    destruct Rlt_dec; [|lra]. right. split; auto.
  - intros x. unfold above. destruct Rlt_dec as [Hx|Hx].
    + destruct (nat_above (Rabs (ln x))) as [N HN]. exists N. intros n Hn. specialize (HN n Hn).
      apply Rabs_def2 in HN. rewrite inside_in; auto; rewrite <- (exp_ln x Hx).
      * apply exp_increasing. lra.
      * apply exp_le. lra.
    + exists 0%nat. intros n _. pose proof (exp_pos (- INR n)). unfold inside.
      destruct Rlt_dec; [lra|ring].
  - intros e He. destruct (Ex_windows q q cq HI) as [_ W].
    { intros z. rewrite Rabs_pos_eq; auto. lra. }
    destruct (lim0_along _ _ (fun n => / INR (S n)) W) with (e := e) as [N HN]; auto.
    + intros n. apply Rinv_neq_0_compat, not_0_INR. lia.
    + intros d Hd. destruct (nat_above (/ d)) as [M HM]. exists M. intros n Hn.
      specialize (HM (S n) ltac:(lia)). assert (0 < INR (S n)) by (apply lt_0_INR; lia).
      rewrite Rabs_pos_eq by (left; now apply Rinv_0_lt_compat).
      rewrite <- (Rinv_involutive d) by lra. apply Rinv_lt_contravar; auto.
      apply Rmult_lt_0_compat; auto. now apply Rinv_0_lt_compat.
    + exists (S N). intros n Hn. destruct n as [|n]; [lia|]. specialize (HN n ltac:(lia)).
      assert (0 < INR (S n)) by (apply lt_0_INR; lia). unfold window in HN.
      assert (Hw : / Rabs (/ INR (S n)) = INR (S n)).
      { rewrite Rabs_pos_eq by (left; now apply Rinv_0_lt_compat). apply Rinv_involutive. lra. }
      rewrite Hw in HN.
      destruct (Ex_interval q Q cq dQ (- INR (S n)) (INR (S n)) ltac:(lra)) as [_ E].
      rewrite E in HN. now rewrite !ln_exp.
Qed.

Lemma lognormal_is_normalised m s : 0 < s ->
  Int positiveE (fun x => exp (lognormal_log_pdf m s x)) /\
  Ex positiveE (fun x => exp (lognormal_log_pdf m s x)) = 1.
Proof.
  intros Hs. destruct (normal_is_normalised m s Hs) as [I E].
  assert (E1 : forall z, exp (normal_log_pdf m s z) = exp (normal_log_pdf m s z) * 1) by (intros; ring).
  destruct (lognormal_change m s (fun _ => 1) Hs) as [I2 C].
  - intros x. apply continuity_pt_const. now intros a b.
  - intros; lra.
  - exact (Int_ext _ _ _ E1 I).
  - rewrite <- (Ex_ext _ _ _ E1), E in C.
    assert (E2 : forall x, exp (lognormal_log_pdf m s x) * 1 * above 0 x
                           = above 0 x * exp (lognormal_log_pdf m s x)) by (intros; ring).
    simpl. split; [exact (Int_ext _ _ _ E2 I2)|]. rewrite <- (Ex_ext _ _ _ E2). exact C.
Qed.
Definition lognormal (m s : R) (Hs : 0 < s) : law R :=
  {| base := positiveE; log_pdf := lognormal_log_pdf m s; mass := lognormal_is_normalised m s Hs |}.

(** The transport exp (m + s e), for continuous positive functions. *)
Theorem lognormal_transport m s Hs f : (forall x, continuity_pt f x) -> (forall x, 0 <= f x) ->
  Int normalE (fun e => f (exp (m + s * e))) ->
  Int (lawE (lognormal m s Hs)) f /\
  Ex (lawE (lognormal m s Hs)) f = Ex normalE (fun e => f (exp (m + s * e))).
Proof.
  intros cf f0 HI. pose proof (normal_change_back m s (fun z => f (exp z)) Hs HI) as I1.
  destruct (normal_change m s (fun z => f (exp z)) Hs I1) as [_ C1].
  destruct (lognormal_change m s f Hs cf f0 I1) as [I2 C2].
  assert (E : forall x, exp (lognormal_log_pdf m s x) * f x * above 0 x
                        = above 0 x * (exp (lognormal_log_pdf m s x) * f x)) by (intros; ring).
  simpl. split; [exact (Int_ext _ _ _ E I2)|]. rewrite <- (Ex_ext _ _ _ E), C2. exact C1.
Qed.

(** ** Laplace *)
Definition laplace_log_pdf (m s x : R) : R := - (Rabs (x - m) / s) - ln s - ln 2.

Lemma half_laplace : Int leb (fun x => / 2 * exp (- Rabs x)) /\
                     Ex leb (fun x => / 2 * exp (- Rabs x)) = 1.
Proof.
  destruct (Ex_above (fun x => / 2 * exp (- (1 * x))) (fun x => - / 2 * exp (- (1 * x))) 0 0)
    as [I1 E1].
  - intros x. apply (derive_continuity _ _ (- / 2 * exp (- (1 * x)))). auto_derive; auto.
    plain. unfold Rdiv. ring.
  - intros x. auto_derive; auto. plain. field.
  - intros x _. pose proof (exp_pos (- (1 * x))). lra.
  - apply (exp_vanishes (/ 2) 1); lra.
  - destruct (Ex_upto (fun x => / 2 * exp x) (fun x => / 2 * exp x) 0 0) as [I2 E2].
    + intros x. apply (derive_continuity _ _ (/ 2 * exp x)). auto_derive; auto. plain. ring.
    + intros x. auto_derive; auto. plain. ring.
    + intros x _. pose proof (exp_pos x). lra.
    + intros e He. destruct (exp_vanishes (/ 2) 1 ltac:(lra) Rlt_0_1 e He) as [M HM].
      exists M. intros x Hx. specialize (HM x Hx). rewrite Rmult_1_l in HM.
      rewrite <- Rabs_Ropp. now replace (- (/ 2 * exp (- x) - 0)) with (- / 2 * exp (- x) - 0) by ring.
    + assert (E : forall x, / 2 * exp (- (1 * x)) * above 0 x + / 2 * exp x * upto 0 x
                            = / 2 * exp (- Rabs x)).
      { intros x. unfold above, upto. destruct Rlt_dec, Rle_dec; try lra.
        - rewrite Rabs_pos_eq, Rmult_1_l by lra. ring.
        - rewrite Rabs_left1, Ropp_involutive by lra. ring. }
      split; [exact (Int_ext _ _ _ E (Int_plus _ _ _ I1 I2))|].
      rewrite <- (Ex_ext _ _ _ E), Ex_plus, E1, E2 by auto.
      rewrite Rmult_0_r, Ropp_0, exp_0. field.
Qed.

Lemma laplace_is_normalised m s : 0 < s ->
  Int leb (fun x => exp (laplace_log_pdf m s x)) /\ Ex leb (fun x => exp (laplace_log_pdf m s x)) = 1.
Proof.
  intros Hs. destruct half_laplace as [I E]. assert (Hi : 0 < / s) by now apply Rinv_0_lt_compat.
  destruct (@Ex_affine _ (/ s) (- m / s) Hi I) as [I1 E1].
  assert (Ef : forall x, / s * (/ 2 * exp (- Rabs (/ s * x + - m / s))) = exp (laplace_log_pdf m s x)).
  { intros x. unfold laplace_log_pdf, Rminus at 1 2. rewrite !exp_plus, !exp_Ropp, !exp_ln by lra.
    replace (/ s * x + - m / s) with ((x - m) * / s) by (field; lra).
    rewrite Rabs_mult, (Rabs_pos_eq (/ s)) by lra. unfold Rdiv, Rminus. ring. }
  split; [exact (Int_ext _ _ _ Ef (Int_scal _ (/ s) _ I1))|].
  rewrite <- (Ex_ext _ _ _ Ef), Ex_scal, <- E1 by exact I1. exact E.
Qed.
Definition laplace (m s : R) (Hs : 0 < s) : law R :=
  {| base := leb; log_pdf := laplace_log_pdf m s; mass := laplace_is_normalised m s Hs |}.

(** ** Finite laws: counting the values *)
Definition counting (n : nat) : list (nat * R) := map (fun k => (k, 1)) (range n).
Lemma counting_ge0 n x w : In (x, w) (counting n) -> 0 <= w.
Proof. unfold counting. intros H. apply in_map_iff in H as (k & E & _). inversion E. lra. Qed.
Definition countingE (n : nat) : expectation nat := finiteE (counting n) (counting_ge0 n).
Lemma Ex_counting n f : Ex (countingE n) f = sum (range n) f.
Proof. simpl. unfold counting. rewrite sum_map. apply sum_ext. intros; simpl; ring. Qed.

(** Bernoulli: by its probability, and by its logit. *)
Definition bernoulli_log_pdf (p : R) (x : nat) : R := if Nat.eqb x 1 then ln p else ln (1 - p).
Lemma bernoulli_is_normalised p : 0 < p < 1 ->
  Int (countingE 2) (fun x => exp (bernoulli_log_pdf p x)) /\
  Ex (countingE 2) (fun x => exp (bernoulli_log_pdf p x)) = 1.
Proof.
  intros Hp. split; [exact I|]. rewrite Ex_counting. unfold bernoulli_log_pdf; simpl.
  rewrite !exp_ln by lra. ring.
Qed.
Definition bernoulli (p : R) (Hp : 0 < p < 1) : law nat :=
  {| base := countingE 2; log_pdf := bernoulli_log_pdf p; mass := bernoulli_is_normalised p Hp |}.

Definition bernoulli_logits_log_pdf (l : R) (x : nat) : R := INR x * l - ln (1 + exp l).
Lemma bernoulli_logits_is_normalised l :
  Int (countingE 2) (fun x => exp (bernoulli_logits_log_pdf l x)) /\
  Ex (countingE 2) (fun x => exp (bernoulli_logits_log_pdf l x)) = 1.
Proof.
  split; [exact I|]. rewrite Ex_counting. unfold bernoulli_logits_log_pdf, Rminus; simpl.
  pose proof (exp_pos l). rewrite !exp_plus, exp_Ropp, exp_ln, Rmult_0_l, Rmult_1_l, exp_0 by lra.
  field. lra.
Qed.
Definition bernoulli_logits (l : R) : law nat :=
  {| base := countingE 2; log_pdf := bernoulli_logits_log_pdf l;
     mass := bernoulli_logits_is_normalised l |}.

(** Categorical: by masses, and by logits. *)
Definition categorical_log_pdf (n : nat) (p : nat -> R) (x : nat) : R :=
  ln (p x) - ln (sum (range n) p).
Lemma sum_positive n p : (0 < n)%nat -> (forall k, (k < n)%nat -> 0 < p k) -> 0 < sum (range n) p.
Proof.
  intros Hn Hp. destruct n as [|n]; [lia|]. rewrite sum_range_shift.
  pose proof (Hp 0%nat Hn). assert (0 <= sum (range n) (fun i => p (S i))).
  { apply sum_ge0. intros k Hk. apply in_range in Hk. left. apply Hp. lia. }
  lra.
Qed.
Lemma categorical_is_normalised n p : (0 < n)%nat -> (forall k, (k < n)%nat -> 0 < p k) ->
  Int (countingE n) (fun x => exp (categorical_log_pdf n p x)) /\
  Ex (countingE n) (fun x => exp (categorical_log_pdf n p x)) = 1.
Proof.
  intros Hn Hp. split; [exact I|]. rewrite Ex_counting. pose proof (sum_positive n p Hn Hp) as Hs.
  rewrite (sum_ext _ _ (fun x => / sum (range n) p * p x)).
  - rewrite sum_scal. field. lra.
  - intros k Hk. apply in_range in Hk. unfold categorical_log_pdf, Rminus.
    rewrite exp_plus, exp_Ropp, !exp_ln by auto. ring.
Qed.
Definition categorical n p Hn Hp : law nat :=
  {| base := countingE n; log_pdf := categorical_log_pdf n p;
     mass := categorical_is_normalised n p Hn Hp |}.

Definition categorical_logits_log_pdf (n : nat) (l : nat -> R) (x : nat) : R :=
  l x - ln (sum (range n) (fun k => exp (l k))).
Lemma categorical_logits_is_normalised n l : (0 < n)%nat ->
  Int (countingE n) (fun x => exp (categorical_logits_log_pdf n l x)) /\
  Ex (countingE n) (fun x => exp (categorical_logits_log_pdf n l x)) = 1.
Proof.
  intros Hn. split; [exact I|]. rewrite Ex_counting.
  pose proof (sum_positive n (fun k => exp (l k)) Hn (fun k _ => exp_pos (l k))) as Hs.
  rewrite (sum_ext _ _ (fun x => / sum (range n) (fun k => exp (l k)) * exp (l x))).
  - rewrite sum_scal. field. lra.
  - intros k _. unfold categorical_logits_log_pdf, Rminus.
    rewrite exp_plus, exp_Ropp, exp_ln by auto. ring.
Qed.
Definition categorical_logits n l Hn : law nat :=
  {| base := countingE n; log_pdf := categorical_logits_log_pdf n l;
     mass := categorical_logits_is_normalised n l Hn |}.
