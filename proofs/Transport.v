(** * Transports, for everything that is integrable

    [carries N T E]: a number of law [E] is [T] of noise of law [N], in that one is integrable where the
    other is, with the same mean.  [Laws.v] shows it of continuous positive functions; here it is shown of all
    functions ([same_law] of [Change.v]), for every law that the compiler reparameterises and whose
    transport is made of operations of [Op.v]. *)
From Coq Require Import Reals Lra Lia List.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Expect Measure Line Calculus Change Normal Laws.
Import ListNotations.
Open Scope R_scope.

Definition carries {X Y} (N : expectation Y) (T : Y -> X) (E : expectation X) : Prop := forall f,
  (Int E f <-> Int N (fun y => f (T y))) /\ (Int E f -> Ex E f = Ex N (fun y => f (T y))).

Lemma carries_transports {X Y} (N : expectation Y) (T : Y -> X) (l : law X) :
  carries N T (lawE l) -> transports N T l.
Proof. intros H f HI. destruct (H f) as [[H1 _] H2]. auto. Qed.

(** ** Measurable functions *)
Lemma measurable1_const c : measurable1 (fun _ => c).
Proof. apply measurable1_continuous. intros x. apply continuity_pt_const. now intros a b. Qed.
Lemma measurable1_id : measurable1 (fun x => x).
Proof. apply measurable1_continuous. intros x. apply derivable_continuous, derivable_id. Qed.

(** From 0 at [a] up to 1 at [a + |h|]. *)
Definition ramp (h a x : R) : R := clamp 0 1 ((x - a) * / Rabs h).
Lemma ramp_range h a x : 0 <= ramp h a x <= 1.
Proof. apply clamp_in. lra. Qed.
Lemma ramp_continuous h a x : continuity_pt (ramp h a) x.
Proof.
  apply (continuity_pt_comp (fun x => (x - a) * / Rabs h) (clamp 0 1)); [|apply clamp_continuous].
  apply (derive_continuity _ _ (/ Rabs h)). auto_derive; auto. ring.
Qed.
Lemma ramp_low h a x : x <= a -> ramp h a x = 0.
Proof.
  intros H. unfold ramp, clamp. assert (Hi : 0 <= / Rabs h).
  { destruct (Req_dec h 0) as [->|Hne]; [rewrite Rabs_R0, Rinv_0; lra|].
    left. now apply Rinv_0_lt_compat, Rabs_pos_lt. }
  rewrite Rmin_right, Rmax_left by nra. reflexivity.
Qed.
Lemma ramp_high h a x : h <> 0 -> a + Rabs h <= x -> ramp h a x = 1.
Proof.
  intros Hh H. unfold ramp, clamp. assert (Hp : 0 < Rabs h) by now apply Rabs_pos_lt.
  assert (1 <= (x - a) * / Rabs h).
  { apply (Rmult_le_reg_r (Rabs h)); auto. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  rewrite Rmin_left, Rmax_right by lra. reflexivity.
Qed.
Lemma ramp_above a x : exists d : posreal, forall h, h <> 0 -> Rabs h < d -> ramp h a x = above a x.
Proof.
  unfold above. destruct (Rlt_dec a x) as [H|H].
  - assert (Hd : 0 < x - a) by lra. exists (mkposreal _ Hd). simpl. intros h Hh Hl.
    apply ramp_high; auto. lra.
  - exists (mkposreal 1 Rlt_0_1). intros. apply ramp_low. lra.
Qed.

Lemma measurable1_above a : measurable1 (above a).
Proof.
  apply (@measurable1_lim (fun n => ramp (/ INR (S n)) a)).
  - intros n. apply measurable1_continuous. intros x. apply ramp_continuous.
  - intros x e He. destruct (ramp_above a x) as [d Hd]. destruct (nat_above (/ d)) as [N HN].
    exists N. intros n Hn. apply (ssrbool.elimT ssrnat.leP) in Hn. specialize (HN (S n) ltac:(lia)).
    assert (H0 : 0 < INR (S n)) by (apply lt_0_INR; lia).
    rewrite Hd, Rminus_eq_0, Rabs_R0; auto.
    + apply Rinv_neq_0_compat. lra.
    + rewrite Rabs_pos_eq by (left; now apply Rinv_0_lt_compat).
      rewrite <- (Rinv_inv d). apply Rinv_lt_contravar; auto.
      apply Rmult_lt_0_compat; auto. apply Rinv_0_lt_compat, cond_pos.
Qed.
Lemma rmax_continuous c x : continuity_pt (fun x => Rmax x c) x.
Proof.
  intros e He. exists e. split; auto. intros y [_ Hy]. simpl in *. unfold R_dist in *.
  eapply Rle_lt_trans; [|exact Hy]. unfold Rmax, Rabs. repeat destruct Rle_dec; repeat destruct Rcase_abs; lra.
Qed.
Lemma measurable1_ln : measurable1 ln.
Proof.
  apply (@measurable1_lim (fun n x => above 0 x * ln (Rmax x (/ INR (S n))))).
  - intros n. assert (H0 : 0 < / INR (S n)) by (apply Rinv_0_lt_compat, lt_0_INR; lia).
    apply measurable1_mult; [apply measurable1_above|]. apply measurable1_continuous. intros x.
    apply (continuity_pt_comp (fun x => Rmax x (/ INR (S n))) ln).
    + apply rmax_continuous.
    + apply derivable_continuous_pt. exists (/ Rmax x (/ INR (S n))). apply derivable_pt_lim_ln.
      eapply Rlt_le_trans; [exact H0|apply Rmax_r].
  - intros x e He. unfold above. destruct (Rlt_dec 0 x) as [Hx|Hx].
    + destruct (nat_above (/ x)) as [N HN]. exists N. intros n Hn.
      apply (ssrbool.elimT ssrnat.leP) in Hn. specialize (HN (S n) ltac:(lia)).
      rewrite Rmax_left, Rmult_1_l, Rminus_eq_0, Rabs_R0; auto.
      rewrite <- (Rinv_inv x). apply Rinv_le_contravar; [now apply Rinv_0_lt_compat|lra].
    + exists 0%nat. intros n _. replace (ln x) with 0.
      * replace (0 * _ - 0) with 0 by ring. now rewrite Rabs_R0.
      * unfold ln. destruct (Rlt_dec 0 x); auto. contradiction.
Qed.
Lemma measurable1_opp f : measurable1 f -> measurable1 (fun x => - f x).
Proof.
  intros H. apply (@measurable1_ext (fun x => -1 * f x)); [intros; ring|].
  apply measurable1_mult; [apply measurable1_const|exact H].
Qed.
Lemma measurable1_minus f g : measurable1 f -> measurable1 g -> measurable1 (fun x => f x - g x).
Proof. intros Hf Hg. apply measurable1_plus; [exact Hf|now apply measurable1_opp]. Qed.

(** 1 at [z], else 0. *)
Definition point (z x : R) : R := 1 - above z x - above (- z) (- x).
Lemma point_at z : point z z = 1.
Proof. unfold point, above. repeat destruct Rlt_dec; lra. Qed.
Lemma point_off z x : x <> z -> point z x = 0.
Proof. intros H. unfold point, above. repeat destruct Rlt_dec; lra. Qed.
Lemma measurable1_point z : measurable1 (point z).
Proof.
  apply measurable1_minus; [apply measurable1_minus; [apply measurable1_const|apply measurable1_above]|].
  apply (@measurable1_comp (above (- z)) Ropp); [apply measurable1_above|].
  apply measurable1_opp, measurable1_id.
Qed.
Lemma inside_above a b x : a <= b -> inside a b x = above a x - above b x.
Proof. intros H. unfold inside, above. repeat destruct Rlt_dec; repeat destruct Rle_dec; lra. Qed.

(** ** From intervals to everything *)
Section Carry.
Variables p q S T : R -> R.      (** densities of the law and of the noise; [S] inverts [T] where that matters *)
Variables p' q' : R -> R.        (** their inverses *)
Variable z : R.                  (** one value that the law may leave out *)
Hypothesis p0 : forall x, 0 <= p x.
Hypothesis q0 : forall x, 0 <= q x.
Hypothesis Ip : Int leb p.
Hypothesis Iq : Int leb q.
Hypothesis mT : measurable1 T.
Hypothesis mS : measurable1 S.
Hypothesis mp' : measurable1 p'.
Hypothesis mq' : measurable1 q'.
Hypothesis pp' : forall x, p x <> 0 -> p x * p' x = 1.
Hypothesis qq' : forall y, q y <> 0 -> q y * q' y = 1.
Hypothesis back : forall x, p x <> 0 -> q (S x) <> 0 /\ T (S x) = x.
Hypothesis forth : forall y, q y <> 0 -> q (S (T y)) <> 0 /\ T (S (T y)) = T y.
Hypothesis onto : forall y, q y <> 0 -> p (T y) <> 0 \/ T y = z.
Hypothesis agree : forall a b, a <= b ->
  Ex leb (fun y => q y * inside a b (T y)) = Ex leb (fun x => p x * inside a b x).

Lemma noise_first f : Int leb (fun y => q y * f (T y)) ->
  Int leb (fun x => p x * f x) /\ Ex leb (fun x => p x * f x) = Ex leb (fun y => q y * f (T y)).
Proof.
  intros HI. set (G := fun y => q y * f (T y) * q' y).
  assert (mG : measurable1 G) by (apply measurable1_mult; [now apply measurable1_int|exact mq']).
  destruct (same_law q0 p0 Iq Ip mT agree (g := fun x => G (S x))) as [[L _] E].
  { now apply (@measurable1_comp G S). }
  assert (E1 : forall x, p x * G (S x) = p x * f x).
  { intros x. destruct (Req_dec (p x) 0) as [->|Hx]; [ring|]. destruct (back x Hx) as [Hq HT].
    unfold G. rewrite HT. replace (p x * (q (S x) * f x * q' (S x))) with (p x * f x * (q (S x) * q' (S x))) by ring.
    rewrite qq' by auto. ring. }
  assert (E2 : forall y, q y * G (S (T y)) = q y * f (T y)).
  { intros y. destruct (Req_dec (q y) 0) as [->|Hy]; [ring|]. destruct (forth y Hy) as [Hq HT].
    unfold G. rewrite HT.
    replace (q y * (q (S (T y)) * f (T y) * q' (S (T y)))) with (q y * f (T y) * (q (S (T y)) * q' (S (T y)))) by ring.
    rewrite qq' by auto. ring. }
  split.
  - apply (Int_ext leb _ _ E1), L. exact (Int_ext _ _ _ (fun y => eq_sym (E2 y)) HI).
  - rewrite <- (Ex_ext _ _ _ E1), <- (Ex_ext _ _ _ E2). symmetry. exact E.
Qed.

Lemma law_first f : Int leb (fun x => p x * f x) -> Int leb (fun y => q y * f (T y)).
Proof.
  intros HI. set (c := if Req_EM_T (p z) 0 then f z else 0).
  set (g := fun x => p x * f x * p' x + c * point z x).
  assert (mg : measurable1 g).
  { apply measurable1_plus; apply measurable1_mult; auto using measurable1_int, measurable1_const, measurable1_point. }
  destruct (same_law q0 p0 Iq Ip mT agree mg) as [[_ L] _].
  assert (Hg : forall x, p x <> 0 -> g x = f x).
  { intros x Hx. unfold g. replace (p x * f x * p' x) with (f x * (p x * p' x)) by ring. rewrite pp' by auto.
    destruct (Req_dec x z) as [->|Hne]; [|rewrite point_off by auto; ring].
    unfold c. destruct Req_EM_T; [contradiction|]. rewrite point_at. ring. }
  assert (Hz : g z = f z).
  { destruct (Req_dec (p z) 0) as [H|H]; [|now apply Hg]. unfold g. rewrite point_at, H. unfold c.
    destruct (Req_EM_T (p z) 0); [ring|contradiction]. }
  apply (Int_ext leb (fun y => q y * g (T y))).
  - intros y. destruct (Req_dec (q y) 0) as [->|Hy]; [ring|]. f_equal.
    destruct (onto y Hy) as [H| ->]; auto.
  - apply L. apply (Int_ext leb (fun x => p x * f x)); auto. intros x.
    destruct (Req_dec (p x) 0) as [->|Hx]; [ring|]. now rewrite Hg.
Qed.

Theorem carried f :
  (Int leb (fun x => p x * f x) <-> Int leb (fun y => q y * f (T y))) /\
  (Int leb (fun x => p x * f x) -> Ex leb (fun x => p x * f x) = Ex leb (fun y => q y * f (T y))).
Proof.
  split; [split|].
  - apply law_first.
  - apply noise_first.
  - intros H. now apply noise_first, law_first.
Qed.
End Carry.

(** What agrees on continuous functions between 0 and 1 agrees on intervals. *)
Section Continuous.
Variables p q T : R -> R.
Hypothesis p0 : forall x, 0 <= p x.
Hypothesis q0 : forall x, 0 <= q x.
Hypothesis Ip : Int leb p.
Hypothesis Iq : Int leb q.
Hypothesis mT : measurable1 T.
Hypothesis same : forall f, (forall x, continuity_pt f x) -> (forall x, 0 <= f x <= 1) ->
  Ex leb (fun x => p x * f x) = Ex leb (fun y => q y * f (T y)).

Lemma Int_capped w f : (forall x, 0 <= w x) -> Int leb w -> measurable1 f -> (forall x, 0 <= f x <= 1) ->
  Int leb (fun x => w x * f x).
Proof.
  intros w0 Iw mf Hf. apply (@Int_dominated _ w); auto.
  - apply measurable1_mult; auto. now apply measurable1_int.
  - intros x. specialize (w0 x). specialize (Hf x). rewrite Rabs_pos_eq by nra. nra.
Qed.
Lemma above_range a x : 0 <= above a x <= 1.
Proof. unfold above. destruct Rlt_dec; lra. Qed.

Lemma ramp_limit w U a : (forall x, 0 <= w x) -> Int leb w -> measurable1 U ->
  lim0 (fun h => Ex leb (fun x => w x * ramp h a (U x))) (Ex leb (fun x => w x * above a (U x))).
Proof.
  intros w0 Iw mU.
  apply (Ex_lim leb (fun h x => w x * ramp h a (U x)) _ w (mkposreal 1 Rlt_0_1)); auto.
  - intros h _ _. apply Int_capped; auto; [|intros; apply ramp_range].
    apply (@measurable1_comp (ramp h a) U); auto. apply measurable1_continuous. intros; apply ramp_continuous.
  - intros h x _ _. specialize (w0 x). pose proof (ramp_range h a (U x)). rewrite Rabs_pos_eq by nra. nra.
  - intros x. destruct (ramp_above a (U x)) as [d Hd].
    apply (lim0_near (fun _ => w x * above a (U x)) _ _ d); [|apply filterlim_const].
    intros h Hh Hl. now rewrite Hd.
Qed.
Lemma same_above a : Ex leb (fun x => p x * above a x) = Ex leb (fun y => q y * above a (T y)).
Proof.
  apply (lim0_unique (fun h => Ex leb (fun x => p x * ramp h a x))).
  - apply (ramp_limit p (fun x => x)); auto using measurable1_id.
  - apply (lim0_near (fun h => Ex leb (fun y => q y * ramp h a (T y))) _ _ (mkposreal 1 Rlt_0_1)).
    + intros h _ _. symmetry. apply same; [apply ramp_continuous|intros; apply ramp_range].
    + apply (ramp_limit q T); auto.
Qed.
Lemma same_inside a b : a <= b ->
  Ex leb (fun y => q y * inside a b (T y)) = Ex leb (fun x => p x * inside a b x).
Proof.
  intros Hab.
  assert (Split : forall w U, (forall x, 0 <= w x) -> Int leb w -> measurable1 U ->
    Ex leb (fun x => w x * inside a b (U x)) =
    Ex leb (fun x => w x * above a (U x)) - Ex leb (fun x => w x * above b (U x))).
  { intros w U w0 Iw mU. rewrite <- Ex_minus.
    - apply Ex_ext. intros x. rewrite inside_above by auto. ring.
    - apply Int_capped; auto; [|intros; apply above_range]. apply (@measurable1_comp (above a) U); auto using measurable1_above.
    - apply Int_capped; auto; [|intros; apply above_range]. apply (@measurable1_comp (above b) U); auto using measurable1_above. }
  rewrite (Split q T), (Split p (fun x => x)) by auto using measurable1_id.
  now rewrite !same_above.
Qed.
End Continuous.

(** ** Normal, uniform *)
Theorem normal_carries m s Hs : carries normalE (fun e => m + s * e) (lawE (normal m s Hs)).
Proof.
  intros f. split; [split|].
  - intros HI. now apply (normal_change m s f Hs).
  - intros HI. now apply (normal_change_back m s f Hs).
  - intros HI. now apply (normal_change m s f Hs).
Qed.

Theorem uniform_carries a b H : carries unitE (fun u => a + (b - a) * u) (lawE (uniform a b H)).
Proof.
  intros f. split; [split|]; intros HI.
  1: exact (proj1 (uniform_transport a b H f HI)).
  2: exact (proj2 (uniform_transport a b H f HI)).
  assert (Hi : 0 < / (b - a)) by (apply Rinv_0_lt_compat; lra).
  destruct (@Ex_affine _ (/ (b - a)) (- a / (b - a)) Hi HI) as [I1 _].
  refine (Int_ext leb _ _ _ (Int_scal leb (/ (b - a)) _ I1)). intros x. cbv beta.
  set (u := / (b - a) * x + - a / (b - a)).
  assert (Hu : (b - a) * u + a = x) by (unfold u; field; lra).
  change (/ (b - a) * (inside 0 1 u * f (a + (b - a) * u)) = inside a b x * (exp (uniform_log_pdf a b x) * f x)).
  rewrite <- (inside_affine a b u H), Hu. replace (a + (b - a) * u) with x by lra.
  unfold uniform_log_pdf. rewrite exp_Ropp, exp_ln by lra. ring.
Qed.

Lemma above_regrouped (l f : R -> R) (I : Prop) (v : R) :
  let g x := above 0 x * exp (l x) * f x in let h x := above 0 x * (exp (l x) * f x) in
  (Int leb g <-> I) -> (Int leb g -> Ex leb g = v) -> (Int leb h <-> I) /\ (Int leb h -> Ex leb h = v).
Proof.
  intros g h [H1 H2] H3. assert (E : forall x, g x = h x) by (intros; unfold g, h; ring).
  rewrite <- (Ex_ext leb _ _ E). split; [split|].
  - intros HI. apply H1. exact (Int_ext leb _ _ (fun x => eq_sym (E x)) HI).
  - intros HI. apply (Int_ext leb _ _ E). now apply H2.
  - intros HI. apply H3. exact (Int_ext leb _ _ (fun x => eq_sym (E x)) HI).
Qed.

(** ** Exponential *)
Lemma inside_on a b x : inside a b x <> 0 -> a < x <= b.
Proof. unfold inside. destruct Rlt_dec; [|lra]. destruct Rle_dec; lra. Qed.
Lemma inside_out a b x : x <= a \/ b < x -> inside a b x = 0.
Proof. unfold inside. intros [H|H]; destruct Rlt_dec; auto; try lra; destruct Rle_dec; auto; lra. Qed.
Lemma above_on a x : above a x <> 0 -> a < x.
Proof. unfold above. destruct Rlt_dec; lra. Qed.
Lemma exp_of_ln c : measurable1 (fun u => exp (c * ln u)).
Proof.
  apply (@measurable1_comp (fun z => exp (c * z)) ln); [|apply measurable1_ln].
  apply measurable1_continuous. intros x. apply (derive_continuity _ _ (c * exp (c * x))). auto_derive; auto. ring.
Qed.
Lemma measurable1_affine_ln a b : measurable1 (fun u => a + b * ln u).
Proof.
  apply measurable1_plus; [apply measurable1_const|]. apply measurable1_mult; [apply measurable1_const|apply measurable1_ln].
Qed.

Section Exponential.
Variable r : R.
Hypothesis Hr : 0 < r.
Let T u := - ln u / r.
Let p x := above 0 x * exp (exponential_log_pdf r x).

Lemma measurable1_exp_transport : measurable1 T.
Proof.
  apply (@measurable1_ext (fun u => 0 + - / r * ln u)); [intros; unfold T, Rdiv; ring|]. apply measurable1_affine_ln.
Qed.
Lemma exponential_pos x : 0 <= p x.
Proof. apply Rmult_le_pos; [apply above_pos|left; apply exp_pos]. Qed.

Theorem exponential_carries : carries unitE T (lawE (exponential r Hr)).
Proof.
  intros f. destruct (exponential_is_normalised r Hr) as [Ip _]. change (Int leb p) in Ip.
  destruct (@Ex_inside 0 1 Rle_0_1) as [Iq _].
  destruct (carried p (inside 0 1) (fun x => exp (- r * x)) T (fun x => exp (- exponential_log_pdf r x)) (fun _ => 1) 0)
    with (f := f) as [C1 C2]; auto.
  - exact exponential_pos.
  - intros x. apply inside_pos.
  - exact measurable1_exp_transport.
  - apply measurable1_continuous. intros x. apply (derive_continuity _ _ (- r * exp (- r * x))). auto_derive; auto. ring.
  - apply measurable1_continuous. intros x.
    apply (derive_continuity _ _ (r * exp (- exponential_log_pdf r x))). unfold exponential_log_pdf.
    auto_derive; auto. unfold Rminus. ring.
  - apply measurable1_const.
  - intros x Hx. unfold p in *. assert (Hn : 0 < x) by (apply (above_on 0); intros E; apply Hx; rewrite E; ring).
    unfold above. destruct Rlt_dec; [|lra]. rewrite Rmult_1_l, <- exp_plus, Rplus_opp_r. apply exp_0.
  - intros y Hy. apply inside_on in Hy. rewrite inside_in; lra.
  - intros x Hx. assert (Hn : 0 < x) by (apply (above_on 0); intros E; apply Hx; unfold p; rewrite E; ring).
    split; [|unfold T; rewrite ln_exp; field; lra]. rewrite inside_in; [lra|apply exp_pos|].
    rewrite <- exp_0. apply exp_le. nra.
  - intros y Hy. apply inside_on in Hy. assert (E : exp (- r * T y) = y).
    { unfold T. replace (- r * (- ln y / r)) with (ln y) by (field; lra). apply exp_ln. lra. }
    rewrite E. split; auto. rewrite inside_in; lra.
  - intros y Hy. apply inside_on in Hy. destruct (Req_dec y 1) as [->|Hne].
    + right. unfold T. rewrite ln_1. field. lra.
    + left. unfold p, above. assert (0 < T y).
      { unfold T, Rdiv. apply Rmult_lt_0_compat; [|now apply Rinv_0_lt_compat].
        assert (ln y < ln 1) by (apply ln_increasing; lra). rewrite ln_1 in *. lra. }
      destruct Rlt_dec; [|lra]. pose proof (exp_pos (exponential_log_pdf r (T y))). lra.
  - apply (same_inside p (inside 0 1) T); auto.
    + exact exponential_pos.
    + intros x. apply inside_pos.
    + exact measurable1_exp_transport.
    + intros g cg Hg. destruct (exponential_transport r Hr g cg) as [_ E].
      * intros x. apply Hg.
      * apply (Int_capped (inside 0 1) (fun u => g (T u))); auto.
        -- intros x. apply inside_pos.
        -- apply (@measurable1_comp g T); [now apply measurable1_continuous|exact measurable1_exp_transport].
      * change (Ex leb (fun x => above 0 x * (exp (exponential_log_pdf r x) * g x)) = Ex leb (fun y => inside 0 1 y * g (T y))) in E.
        rewrite <- E. apply Ex_ext. intros x. unfold p. ring.
  - exact (above_regrouped (exponential_log_pdf r) f _ _ C1 C2).
Qed.
End Exponential.

(** ** Lognormal *)
Section Lognormal.
Variables m s : R.
Hypothesis Hs : 0 < s.
Let T e := exp (m + s * e).
Let p x := above 0 x * exp (lognormal_log_pdf m s x).

Lemma lognormal_pos x : 0 <= p x.
Proof. apply Rmult_le_pos; [apply above_pos|left; apply exp_pos]. Qed.
Lemma phi_pos e : 0 < phi e.
Proof. rewrite phi_log. apply exp_pos. Qed.
Lemma lognormal_T_continuous e : continuity_pt T e.
Proof. apply (derive_continuity _ _ (s * T e)). unfold T. auto_derive; auto. ring. Qed.

Theorem lognormal_carries : carries normalE T (lawE (lognormal m s Hs)).
Proof.
  intros f. destruct (lognormal_is_normalised m s Hs) as [Ip _]. change (Int leb p) in Ip.
  assert (Iq : Int leb phi).
  { refine (Int_ext leb _ _ _ (proj1 normal_mass)). intros x. apply Rmult_1_r. }
  assert (mT : measurable1 T) by (apply measurable1_continuous, lognormal_T_continuous).
  destruct (carried p phi (fun x => - m / s + / s * ln x) T
              (fun x => exp (- lognormal_log_pdf m s x)) (fun e => exp (e * e / 2 + / 2 * ln (2 * PI))) 0)
    with (f := f) as [C1 C2]; auto.
  - exact lognormal_pos.
  - exact phi_ge0.
  - apply measurable1_affine_ln.
  - apply (@measurable1_comp (fun z => exp (- (normal_log_pdf m s z - z))) ln); [|apply measurable1_ln].
    apply measurable1_continuous. intros x.
    apply (continuity_pt_comp (fun z => - (normal_log_pdf m s z - z)) exp); [|apply derivable_continuous, derivable_exp].
    apply (derive_continuity _ _ (- (- ((x - m) / (s * s)) - 1))).
    apply (is_derive_opp (fun z => normal_log_pdf m s z - z)).
    apply (is_derive_minus (normal_log_pdf m s) (fun z => z)); [|apply (is_derive_id x)].
    apply normal_log_pdf_derive. lra.
  - generalize (/ 2 * ln (2 * PI)). intros c. apply measurable1_continuous. intros x.
    apply (derive_continuity _ _ (x * exp (x * x / 2 + c))). auto_derive; auto. plain. unfold Rdiv. field.
  - intros x Hx. unfold p in *. assert (Hn : 0 < x) by (apply (above_on 0); intros E; apply Hx; rewrite E; ring).
    unfold above. destruct Rlt_dec; [|lra]. rewrite Rmult_1_l, <- exp_plus, Rplus_opp_r. apply exp_0.
  - intros y _. rewrite phi_log, <- exp_plus.
    replace (- (y * y) / 2 - / 2 * ln (2 * PI) + (y * y / 2 + / 2 * ln (2 * PI))) with 0 by field. apply exp_0.
  - intros x Hx. assert (Hn : 0 < x) by (apply (above_on 0); intros E; apply Hx; unfold p; rewrite E; ring).
    split; [apply Rgt_not_eq, phi_pos|]. unfold T.
    replace (m + s * (- m / s + / s * ln x)) with (ln x) by (field; lra). now apply exp_ln.
  - intros y _. split; [apply Rgt_not_eq, phi_pos|]. unfold T. rewrite ln_exp. f_equal. field. lra.
  - intros y _. left. unfold p, above. destruct Rlt_dec as [_|H]; [|destruct H; apply exp_pos].
    pose proof (exp_pos (lognormal_log_pdf m s (T y))). lra.
  - apply (same_inside p phi T); auto using lognormal_pos, phi_ge0.
    intros g cg Hg. destruct (lognormal_transport m s Hs g cg) as [_ E].
    + intros x. apply Hg.
    + apply (Int_capped phi (fun e => g (T e))); auto using phi_ge0.
      apply (@measurable1_comp g T); auto. now apply measurable1_continuous.
    + change (Ex leb (fun x => above 0 x * (exp (lognormal_log_pdf m s x) * g x)) = Ex leb (fun e => phi e * g (T e))) in E.
      rewrite <- E. apply Ex_ext. intros x. unfold p. ring.
  - exact (above_regrouped (lognormal_log_pdf m s) f _ _ C1 C2).
Qed.
End Lognormal.

(** ** Laplace *)
Section Laplace.
Variables m s : R.
Hypothesis Hs : 0 < s.
(** What the compiler writes: v = u - 1/2, loc - scale (sign v log1p(-2 |v|)). *)
Definition laplace_of (u : R) : R := m - s * (sign01 (u - / 2) * ln (1 + -2 * Rabs (u - / 2))).
Let p x := exp (laplace_log_pdf m s x).
(** The distribution function. *)
Let S (x : R) : R := / 2 * exp (Rmin ((x - m) / s) 0) + / 2 - / 2 * exp (- Rmax ((x - m) / s) 0).

Lemma S_low x : x <= m -> S x = / 2 * exp ((x - m) / s).
Proof.
  intros H. unfold S. assert ((x - m) / s <= 0).
  { unfold Rdiv. assert (0 < / s) by now apply Rinv_0_lt_compat. nra. }
  rewrite Rmin_left, Rmax_right, Ropp_0, exp_0 by auto. field.
Qed.
Lemma S_high x : m <= x -> S x = 1 - / 2 * exp (- ((x - m) / s)).
Proof.
  intros H. unfold S. assert (0 <= (x - m) / s).
  { unfold Rdiv. assert (0 < / s) by now apply Rinv_0_lt_compat. nra. }
  rewrite Rmin_right, Rmax_left, exp_0 by auto. field.
Qed.
Lemma S_range x : 0 < S x < 1.
Proof.
  destruct (Rle_lt_dec x m) as [H|H].
  - rewrite S_low by auto. pose proof (exp_pos ((x - m) / s)).
    assert (exp ((x - m) / s) <= 1).
    { rewrite <- exp_0. apply exp_le. unfold Rdiv. assert (0 < / s) by now apply Rinv_0_lt_compat. nra. }
    lra.
  - rewrite S_high by lra. pose proof (exp_pos (- ((x - m) / s))).
    assert (exp (- ((x - m) / s)) <= 1).
    { rewrite <- exp_0. apply exp_le. unfold Rdiv. assert (0 < / s) by now apply Rinv_0_lt_compat. nra. }
    lra.
Qed.
Lemma laplace_of_low u : 0 < u <= / 2 -> laplace_of u = m + s * ln (2 * u).
Proof.
  intros H. unfold laplace_of. destruct (Req_dec u (/ 2)) as [->|Hne].
  - replace (/ 2 - / 2) with 0 by ring. replace (2 * / 2) with 1 by field. rewrite Rabs_R0, ln_1.
    replace (1 + -2 * 0) with 1 by ring. rewrite ln_1. ring.
  - rewrite sign01_neg, Rabs_left by lra. replace (1 + -2 * - (u - / 2)) with (2 * u) by field. ring.
Qed.
Lemma laplace_of_high u : / 2 <= u -> laplace_of u = m - s * ln (2 * (1 - u)).
Proof.
  intros H. unfold laplace_of. destruct (Req_dec u (/ 2)) as [->|Hne].
  - replace (/ 2 - / 2) with 0 by ring. replace (2 * (1 - / 2)) with 1 by field. rewrite Rabs_R0, ln_1.
    replace (1 + -2 * 0) with 1 by ring. rewrite ln_1. ring.
  - rewrite sign01_pos, Rabs_pos_eq by lra. replace (1 + -2 * (u - / 2)) with (2 * (1 - u)) by field. ring.
Qed.
Lemma laplace_inverse x : laplace_of (S x) = x.
Proof.
  pose proof (S_range x). destruct (Rle_lt_dec x m) as [H0|H0].
  - assert (S x <= / 2).
    { rewrite S_low by auto. assert (exp ((x - m) / s) <= 1); [|lra].
      rewrite <- exp_0. apply exp_le. unfold Rdiv. assert (0 < / s) by now apply Rinv_0_lt_compat. nra. }
    rewrite laplace_of_low by lra. rewrite S_low by auto.
    replace (2 * (/ 2 * exp ((x - m) / s))) with (exp ((x - m) / s)) by field. rewrite ln_exp. field. lra.
  - assert (/ 2 <= S x).
    { rewrite S_high by lra. assert (exp (- ((x - m) / s)) <= 1); [|lra].
      rewrite <- exp_0. apply exp_le. unfold Rdiv. assert (0 < / s) by now apply Rinv_0_lt_compat. nra. }
    rewrite laplace_of_high by lra. rewrite S_high by lra.
    replace (2 * (1 - (1 - / 2 * exp (- ((x - m) / s))))) with (exp (- ((x - m) / s))) by field.
    rewrite ln_exp. field. lra.
Qed.
Lemma S_increasing x y : x < y -> S x < S y.
Proof.
  intros H. assert (Hi : 0 < / s) by now apply Rinv_0_lt_compat.
  assert (Hd : (x - m) / s < (y - m) / s) by (unfold Rdiv; nra).
  assert (L : forall a b, a < b -> exp a < exp b) by apply exp_increasing.
  destruct (Rle_lt_dec y m) as [Hy|Hy]; [rewrite !S_low by lra; specialize (L _ _ Hd); lra|].
  destruct (Rle_lt_dec m x) as [Hx|Hx].
  { rewrite !S_high by lra. specialize (L (- ((y - m) / s)) (- ((x - m) / s)) ltac:(lra)). lra. }
  rewrite S_low, S_high by lra.
  pose proof (L ((x - m) / s) 0) as L1. pose proof (L (- ((y - m) / s)) 0) as L2. rewrite exp_0 in *.
  assert ((x - m) / s < 0) by (unfold Rdiv; nra). assert (0 < (y - m) / s) by (unfold Rdiv; nra).
  specialize (L1 ltac:(lra)). specialize (L2 ltac:(lra)). lra.
Qed.
Lemma laplace_onto u : 0 < u < 1 -> S (laplace_of u) = u.
Proof.
  intros H. destruct (Rle_lt_dec u (/ 2)) as [Hu|Hu].
  - rewrite laplace_of_low by lra. assert (ln (2 * u) <= 0) by (rewrite <- ln_1; apply Rcomplements.ln_le; lra).
    rewrite S_low by nra. replace ((m + s * ln (2 * u) - m) / s) with (ln (2 * u)) by (field; lra).
    rewrite exp_ln by lra. field.
  - rewrite laplace_of_high by lra.
    assert (ln (2 * (1 - u)) <= 0) by (rewrite <- ln_1; apply Rcomplements.ln_le; lra).
    rewrite S_high by nra. replace (- ((m - s * ln (2 * (1 - u)) - m) / s)) with (ln (2 * (1 - u))) by (field; lra).
    rewrite exp_ln by lra. field.
Qed.

Lemma measurable1_laplace : measurable1 laplace_of.
Proof.
  assert (mv : forall c, measurable1 (fun u => u - c)).
  { intros c. apply measurable1_minus; [apply measurable1_id|apply measurable1_const]. }
  apply measurable1_minus; [apply measurable1_const|]. apply measurable1_mult; [apply measurable1_const|].
  apply measurable1_mult.
  - apply (@measurable1_comp sign01 (fun u => u - / 2)); auto.
    apply (@measurable1_ext (fun v => above 0 v - above 0 (- v))).
    + intros v. unfold above, sign01. repeat destruct Rlt_dec; lra.
    + apply measurable1_minus; [apply measurable1_above|].
      apply (@measurable1_comp (above 0) Ropp); [apply measurable1_above|]. apply measurable1_opp, measurable1_id.
  - apply (@measurable1_comp ln (fun u => 1 + -2 * Rabs (u - / 2))); [apply measurable1_ln|].
    apply measurable1_plus; [apply measurable1_const|]. apply measurable1_mult; [apply measurable1_const|].
    apply (@measurable1_comp Rabs (fun u => u - / 2)); auto. apply measurable1_continuous, Rcontinuity_abs.
Qed.
Lemma S_continuous x : continuity_pt S x.
Proof.
  assert (ca : forall y, continuity_pt (fun x => (x - m) / s) y).
  { intros y. apply (derive_continuity _ _ (/ s)). auto_derive; auto. field. lra. }
  assert (cexp : forall g y, continuity_pt g y -> continuity_pt (fun x => exp (g x)) y).
  { intros g y Hg. apply (continuity_pt_comp g exp); auto. apply derivable_continuous, derivable_exp. }
  assert (cc : forall c y, continuity_pt (fun _ : R => c) y) by (intros; apply continuity_pt_const; now intros a b).
  apply (continuity_pt_minus (fun x => / 2 * exp (Rmin ((x - m) / s) 0) + / 2) (fun x => / 2 * exp (- Rmax ((x - m) / s) 0))).
  - apply (continuity_pt_plus (fun x => / 2 * exp (Rmin ((x - m) / s) 0)) (fun _ => / 2)); auto.
    apply (continuity_pt_mult (fun _ => / 2)); auto. apply cexp.
    apply (continuity_pt_ext (fun x => - Rmax (- ((x - m) / s)) 0)).
    { intros y. unfold Rmin, Rmax. repeat destruct Rle_dec; lra. }
    apply continuity_pt_opp, (continuity_pt_comp (fun x => - ((x - m) / s)) (fun y => Rmax y 0));
      [now apply continuity_pt_opp|apply rmax_continuous].
  - apply (continuity_pt_mult (fun _ => / 2)); auto. apply cexp, continuity_pt_opp.
    apply (continuity_pt_comp (fun x => (x - m) / s) (fun y => Rmax y 0)); [apply ca|apply rmax_continuous].
Qed.

(** The mass up to [b] is S b, on both sides. *)
Lemma laplace_pos x : 0 <= p x.
Proof. left. apply exp_pos. Qed.
Lemma tail_vanishes c : tends_up (fun x => - / 2 * exp (- ((x - c) / s))) 0.
Proof.
  intros e He. assert (H2 : 0 <= / 2 * exp (c / s)) by (pose proof (exp_pos (c / s)); lra).
  destruct (exp_vanishes (/ 2 * exp (c / s)) (/ s) H2 (Rinv_0_lt_compat _ Hs) e He) as [M HM].
  exists M. intros x Hx. specialize (HM x Hx).
  replace (- ((x - c) / s)) with (c / s + - (/ s * x)) by (field; lra). rewrite exp_plus.
  now replace (- / 2 * (exp (c / s) * exp (- (/ s * x))) - 0) with (- (/ 2 * exp (c / s)) * exp (- (/ s * x)) - 0) by ring.
Qed.
Lemma p_high x : m <= x -> p x = / (2 * s) * exp (- ((x - m) / s)).
Proof.
  intros H. unfold p, laplace_log_pdf, Rminus at 1 2. rewrite !exp_plus, !exp_Ropp, !exp_ln by lra.
  rewrite Rabs_pos_eq by lra. unfold Rminus, Rdiv. rewrite Rinv_mult. ring.
Qed.
Lemma p_low x : x <= m -> p x = / (2 * s) * exp ((x - m) / s).
Proof.
  intros H. unfold p, laplace_log_pdf, Rminus at 1 2. rewrite !exp_plus, !(exp_Ropp (ln _)), !exp_ln by lra.
  rewrite Rabs_left1 by lra. rewrite Rinv_mult.
  replace (- (- (x - m) / s)) with ((x - m) / s) by (field; lra). unfold Rminus. ring.
Qed.
Lemma laplace_above b : Int leb (fun x => p x * above b x) /\ Ex leb (fun x => p x * above b x) = 1 - S b.
Proof.
  assert (Hi : 0 < / (2 * s)) by (apply Rinv_0_lt_compat; lra).
  destruct (Rle_lt_dec m b) as [Hb|Hb].
  - destruct (Ex_above (fun x => / (2 * s) * exp (- ((x - m) / s))) (fun x => - / 2 * exp (- ((x - m) / s))) b 0) as [I E].
    + intros x. apply (derive_continuity _ _ (- / s * (/ (2 * s) * exp (- ((x - m) / s))))).
      auto_derive; [lra|]. unfold Rminus, Rdiv. field. lra.
    + intros x. auto_derive; [lra|]. unfold Rminus, Rdiv. field. lra.
    + intros x _. pose proof (exp_pos (- ((x - m) / s))). nra.
    + apply tail_vanishes.
    + assert (Eq : forall x, / (2 * s) * exp (- ((x - m) / s)) * above b x = p x * above b x).
      { intros x. unfold above. destruct Rlt_dec; [|ring]. rewrite p_high by lra. ring. }
      split; [exact (Int_ext _ _ _ Eq I)|]. rewrite <- (Ex_ext _ _ _ Eq), E, S_high by auto. ring.
  - destruct (Ex_upto (fun x => / (2 * s) * exp ((x - m) / s)) (fun x => / 2 * exp ((x - m) / s)) b 0) as [I E].
    + intros x. apply (derive_continuity _ _ (/ s * (/ (2 * s) * exp ((x - m) / s)))).
      auto_derive; [lra|]. unfold Rminus, Rdiv. field. lra.
    + intros x. auto_derive; [lra|]. unfold Rminus, Rdiv. field. lra.
    + intros x _. pose proof (exp_pos ((x - m) / s)). nra.
    + intros e He. destruct (tail_vanishes (- m) e He) as [M HM]. exists M. intros x Hx. specialize (HM x Hx).
      rewrite <- Rabs_Ropp. replace (- (/ 2 * exp ((- x - m) / s) - 0)) with (- / 2 * exp (- ((x - - m) / s)) - 0); auto.
      replace (- ((x - - m) / s)) with ((- x - m) / s) by (field; lra). ring.
    + destruct (laplace_is_normalised m s Hs) as [I1 E1]. change (Int leb p) in I1. change (Ex leb p = 1) in E1.
      assert (Eq : forall x, p x - / (2 * s) * exp ((x - m) / s) * upto b x = p x * above b x).
      { intros x. unfold above, upto. destruct Rlt_dec, Rle_dec; try lra; rewrite ?p_low by lra; ring. }
      split; [exact (Int_ext _ _ _ Eq (Int_minus _ _ _ I1 I))|].
      rewrite <- (Ex_ext _ _ _ Eq), Ex_minus, E1, E, S_low by (auto; lra). ring.
Qed.
Lemma laplace_agree a b : a <= b ->
  Ex leb (fun u => inside 0 1 u * inside a b (laplace_of u)) = Ex leb (fun x => p x * inside a b x).
Proof.
  intros Hab. destruct (laplace_above a) as [Ia Ea]. destruct (laplace_above b) as [Ib Eb].
  assert (Hs' : S a <= S b) by (destruct Hab as [H| ->]; [left; now apply S_increasing|lra]).
  transitivity (S b - S a).
  - destruct (@Ex_inside (S a) (S b) Hs') as [I E]. rewrite <- E.
    destruct (@Ex_inside 0 1 Rle_0_1) as [I01 _].
    assert (mI : forall U, measurable1 U -> measurable1 (fun u => inside a b (U u))).
    { intros U mU. apply (@measurable1_comp (inside a b) U); auto. apply measurable1_inside. }
    apply (Ex_ext_ae leb _ _ (inside 0 1)); auto.
    + apply (Int_capped (inside 0 1) (fun u => inside a b (laplace_of u))); auto.
      * intros; apply inside_pos.
      * apply mI, measurable1_laplace.
      * intros; apply inside_pos.
    + intros u. pose proof (inside_pos 0 1 u). pose proof (inside_pos a b (laplace_of u)). rewrite Rabs_pos_eq by nra. nra.
    + apply (Ae_imp leb (fun u => u <> 1)); [|apply ae_off_point]. intros u Hu.
      pose proof (S_range a). pose proof (S_range b).
      destruct (Rlt_dec 0 u) as [H1|H1]; [destruct (Rlt_dec u 1) as [H2|H2]|].
      2:{ rewrite (inside_out 0 1), (inside_out (S a) (S b)) by lra. ring. }
      2:{ rewrite (inside_out 0 1), (inside_out (S a) (S b)) by lra. ring. }
      rewrite (inside_in 0 1), Rmult_1_l by lra. pose proof (laplace_onto u (conj H1 H2)) as HT.
      assert (L : forall c, c < laplace_of u <-> S c < u).
      { intros c. split; intros H3.
        - rewrite <- HT. now apply S_increasing.
        - destruct (Rlt_dec c (laplace_of u)); auto. exfalso.
          destruct (Rle_lt_or_eq_dec (laplace_of u) c) as [H4|H4]; [lra| |].
          + apply S_increasing in H4. lra.
          + rewrite <- H4, HT in H3. lra. }
      unfold inside. destruct (Rlt_dec a (laplace_of u)) as [A|A], (Rlt_dec (S a) u) as [A'|A'];
        try (exfalso; apply A; now apply L); try (exfalso; apply A'; now apply L); auto.
      destruct (Rle_dec (laplace_of u) b) as [B|B], (Rle_dec u (S b)) as [B'|B']; auto; exfalso.
      * apply B'. destruct (Rle_lt_dec u (S b)); auto. apply L in r. lra.
      * apply B. destruct (Rle_lt_dec (laplace_of u) b); auto. apply L in r. lra.
  - rewrite <- (Ex_ext leb (fun x => p x * above a x - p x * above b x)).
    + rewrite Ex_minus, Ea, Eb by auto. ring.
    + intros x. rewrite inside_above by auto. ring.
Qed.

Theorem laplace_carries : carries unitE laplace_of (lawE (laplace m s Hs)).
Proof.
  intros f. destruct (laplace_is_normalised m s Hs) as [Ip _].
  destruct (@Ex_inside 0 1 Rle_0_1) as [Iq _].
  apply (carried p (inside 0 1) S laplace_of (fun x => exp (- laplace_log_pdf m s x)) (fun _ => 1) 0); auto.
  - exact laplace_pos.
  - intros; apply inside_pos.
  - exact measurable1_laplace.
  - apply measurable1_continuous, S_continuous.
  - apply measurable1_continuous. intros x.
    apply (continuity_pt_comp (fun x => - laplace_log_pdf m s x) exp); [|apply derivable_continuous, derivable_exp].
    apply continuity_pt_opp. apply (continuity_pt_ext (fun x => - (/ s * Rabs (x - m)) - (ln s + ln 2))).
    { intros y. unfold laplace_log_pdf, Rdiv. ring. }
    apply (continuity_pt_minus (fun x => - (/ s * Rabs (x - m))) (fun _ => ln s + ln 2));
      [|apply continuity_pt_const; now intros a b].
    apply continuity_pt_opp, (continuity_pt_mult (fun _ => / s) (fun x => Rabs (x - m)));
      [apply continuity_pt_const; now intros a b|].
    apply (continuity_pt_comp (fun x => x - m) Rabs); [|apply Rcontinuity_abs].
    apply (derive_continuity _ _ 1). auto_derive; auto.
  - apply measurable1_const.
  - intros x _. unfold p. rewrite <- exp_plus, Rplus_opp_r. apply exp_0.
  - intros y Hy. apply inside_on in Hy. rewrite inside_in; lra.
  - intros x _. pose proof (S_range x). split; [rewrite inside_in; lra|apply laplace_inverse].
  - intros y Hy. pose proof (S_range (laplace_of y)). split; [rewrite inside_in; lra|apply laplace_inverse].
  - intros y _. left. apply Rgt_not_eq, exp_pos.
  - exact laplace_agree.
Qed.
End Laplace.

(** As [Laws.v] says it of the others. *)
Theorem laplace_transport m s Hs : transports unitE (laplace_of m s) (laplace m s Hs).
Proof. apply carries_transports, laplace_carries. Qed.
Theorem exponential_transport_all r Hr : transports unitE (fun u => - ln u / r) (exponential r Hr).
Proof. apply carries_transports, exponential_carries. Qed.
Theorem lognormal_transport_all m s Hs : transports normalE (fun e => exp (m + s * e)) (lognormal m s Hs).
Proof. apply carries_transports, lognormal_carries. Qed.
