(** * Integrability from growth

    Under any sequence of tame draws (normal, uniform, finite), a function of the trace that is
    continuous in each number that is not drawn from a finite law and grows at most exponentially is integrable.  So the analytic
    side conditions of the main theorem reduce to a bound by [C exp (k (|x1| + ... + |xn|))]. *)
From Coq Require Import Reals Lra Lia List.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Draws.
From Sgc Require Import Measure Line Calculus Change Normal Laws Transport.
Import ListNotations.
Open Scope R_scope.

(** Uniform noise has logarithms that are not bounded at its ends, 0 and 1, and Laplace's transport has a kink in
    the middle.  So a function may do what it likes at these three numbers, and grows exponentially at
    most in [gauge]: the size of a number, and near 0 and 1 the root of its logarithm there.  Under
    uniform noise that logarithm is an exponential number, of whose root all exponentials are integrable. *)
Definition pits : list R := [0; / 2; 1].
Definition pit (x : R) : Prop := In x pits.
Definition depth (x : R) : R := Rabs (ln (1 + -2 * Rabs (x - / 2))).
Definition gauge (x : R) : R := Rabs x + sqrt (depth x).

Lemma ln_low x : x <= 0 -> ln x = 0.
Proof. intros H. unfold ln. destruct (Rlt_dec 0 x) as [H0|H0]; [destruct (Rlt_not_le _ _ H0 H)|reflexivity]. Qed.
Lemma depth_ge0 x : 0 <= depth x.
Proof. apply Rabs_pos. Qed.
Lemma depth_outside x : x <= 0 \/ 1 <= x -> depth x = 0.
Proof.
  intros H. unfold depth. rewrite ln_low; [apply Rabs_R0|]. unfold Rabs. destruct (Rcase_abs (x - / 2)), H; lra.
Qed.
Lemma gauge_ge0 x : 0 <= gauge x.
Proof. unfold gauge. pose proof (Rabs_pos x). pose proof (sqrt_pos (depth x)). lra. Qed.
Lemma abs_gauge x : Rabs x <= gauge x.
Proof. unfold gauge. pose proof (sqrt_pos (depth x)). lra. Qed.
Lemma depth_gauge x : depth x <= gauge x * gauge x.
Proof.
  unfold gauge. pose proof (Rabs_pos x). pose proof (sqrt_pos (depth x)). pose proof (sqrt_sqrt _ (depth_ge0 x)). nra.
Qed.
(** The logarithm of a number. *)
Lemma ln_gauge x : Rabs (ln x) <= 1 + gauge x + gauge x * gauge x.
Proof.
  pose proof (gauge_ge0 x) as Hg. pose proof (abs_gauge x) as Ha. pose proof (depth_gauge x) as Hd.
  destruct (Rlt_dec 0 x) as [H0|H0].
  2:{ rewrite ln_low, Rabs_R0 by lra. nra. }
  destruct (Rle_lt_dec 1 x) as [H1|H1].
  { assert (0 <= ln x) by (rewrite <- ln_1; apply Rcomplements.ln_le; lra).
    assert (ln x <= x) by (pose proof (exp_ineq1_le (ln x)) as E; rewrite exp_ln in E; lra).
    rewrite Rabs_pos_eq by auto. rewrite Rabs_pos_eq in Ha by lra. nra. }
  assert (Hl : ln x <= 0) by (rewrite <- ln_1; apply Rcomplements.ln_le; lra).
  rewrite Rabs_left1 by auto.
  assert (L2 : ln 2 <= 1) by (pose proof (exp_ineq1_le (ln 2)) as E; rewrite exp_ln in E; lra).
  destruct (Rle_lt_dec x (/ 2)) as [H2|H2].
  - assert (E : depth x = - (ln 2 + ln x)).
    { unfold depth. rewrite (Rabs_left1 (x - / 2)) by lra.
      replace (1 + -2 * - (x - / 2)) with (2 * x) by field. rewrite ln_mult by lra. apply Rabs_left1.
      rewrite <- ln_mult by lra. rewrite <- ln_1. apply Rcomplements.ln_le; lra. }
    nra.
  - assert (ln (/ 2) <= ln x) by (apply Rcomplements.ln_le; lra). rewrite ln_Rinv in * by lra. nra.
Qed.

(** *** Continuity off the pits *)
Lemma ln_continuous_at x : x <> 0 -> continuity_pt ln x.
Proof.
  intros H. destruct (Rlt_dec 0 x) as [Hp|Hn].
  - apply derivable_continuous_pt. exists (/ x). now apply derivable_pt_lim_ln.
  - assert (Hx : x < 0) by lra. intros e He. exists (- x). split; [lra|]. intros y [_ Hy]. simpl in *. unfold R_dist in *.
    assert (y < 0) by (apply Rabs_def2 in Hy; lra).
    rewrite (ln_low y), (ln_low x) by lra. rewrite Rminus_eq_0, Rabs_R0. exact He.
Qed.
Lemma gauge_continuous x : ~ pit x -> continuity_pt gauge x.
Proof.
  intros H. assert (H0 : x <> 0) by (intros ->; apply H; now left).
  assert (H1 : x <> 1) by (intros ->; apply H; right; right; now left).
  assert (ca : continuity_pt (fun x => 1 + -2 * Rabs (x - / 2)) x).
  { apply (continuity_pt_plus (fun _ => 1)); [apply continuity_pt_const; now intros a b|].
    apply (continuity_pt_mult (fun _ => -2)); [apply continuity_pt_const; now intros a b|].
    apply (continuity_pt_comp (fun x => x - / 2) Rabs); [|apply Rcontinuity_abs].
    apply (derive_continuity _ _ 1). auto_derive; auto. }
  apply (continuity_pt_plus Rabs (fun x => sqrt (depth x))); [apply Rcontinuity_abs|].
  apply (continuity_pt_comp depth sqrt).
  - apply (continuity_pt_comp (fun x => ln (1 + -2 * Rabs (x - / 2))) Rabs); [|apply Rcontinuity_abs].
    apply (continuity_pt_comp (fun x => 1 + -2 * Rabs (x - / 2)) ln); auto. apply ln_continuous_at.
    unfold Rabs. destruct (Rcase_abs (x - / 2)); lra.
  - apply continuity_pt_sqrt, depth_ge0.
Qed.

(** What is continuous but at a few numbers is measurable. *)
Lemma measurable1_off l : forall f, (forall x, ~ In x l -> continuity_pt f x) -> measurable1 f.
Proof.
  induction l as [|p l IH]; intros f cf; [apply measurable1_continuous; intros x; now apply cf|].
  set (w := fun n x => clamp 0 1 (INR n * Rabs (x - p) + -1)).
  assert (cw : forall n x, continuity_pt (w n) x).
  { intros n x. apply (continuity_pt_comp (fun x => INR n * Rabs (x - p) + -1) (clamp 0 1)); [|apply clamp_continuous].
    apply (continuity_pt_plus (fun x => INR n * Rabs (x - p)) (fun _ => -1)); [|apply continuity_pt_const; now intros a b].
    apply (continuity_pt_mult (fun _ => INR n)); [apply continuity_pt_const; now intros a b|].
    apply (continuity_pt_comp (fun x => x - p) Rabs); [|apply Rcontinuity_abs].
    apply (derive_continuity _ _ 1). auto_derive; auto. }
  assert (w0 : forall n x, Rabs (x - p) < / INR (S n) -> w n x = 0).
  { intros n x Hx. unfold w, clamp. assert (0 < INR (S n)) by (apply lt_0_INR; lia).
    assert (INR n * Rabs (x - p) <= 1).
    { pose proof (Rabs_pos (x - p)). assert (INR n <= INR (S n)) by (apply le_INR; lia).
      apply (Rmult_lt_compat_l (INR (S n))) in Hx; auto. rewrite Rinv_r in Hx by lra. nra. }
    unfold Rmax, Rmin. repeat destruct Rle_dec; lra. }
  assert (mg : measurable1 (fun x => f x * (1 - point p x))).
  { apply (@measurable1_lim (fun n x => f x * w n x)).
    - intros n. apply IH. intros x Hx. destruct (Req_dec x p) as [->|Hne].
      + intros e He. assert (Hi : 0 < / INR (S n)) by (apply Rinv_0_lt_compat, lt_0_INR; lia).
        exists (/ INR (S n)). split; [exact Hi|]. intros y [_ Hy]. simpl in *. unfold R_dist in *.
        rewrite (w0 n y Hy), (w0 n p) by (rewrite Rminus_eq_0, Rabs_R0; exact Hi).
        rewrite !Rmult_0_r, Rminus_eq_0, Rabs_R0. exact He.
      + apply (continuity_pt_mult f (w n)); [|apply cw]. apply cf. intros [E|E]; [now symmetry in E|contradiction].
    - intros x e He. destruct (Req_dec x p) as [->|Hne].
      + exists 0%nat. intros n _. rewrite point_at, w0.
        * replace (f p * 0 - f p * (1 - 1)) with 0 by ring. now rewrite Rabs_R0.
        * rewrite Rminus_eq_0, Rabs_R0. apply Rinv_0_lt_compat, lt_0_INR. lia.
      + assert (Hp : 0 < Rabs (x - p)) by (apply Rabs_pos_lt; lra).
        destruct (nat_above (2 * / Rabs (x - p))) as [N HN]. exists N. intros n Hn.
        apply (ssrbool.elimT ssrnat.leP) in Hn. specialize (HN n Hn).
        rewrite point_off by auto. unfold w, clamp.
        assert (2 <= INR n * Rabs (x - p)).
        { apply (Rmult_le_reg_r (/ Rabs (x - p))); [now apply Rinv_0_lt_compat|].
          rewrite Rmult_assoc, Rinv_r by lra. lra. }
        rewrite Rmin_left, Rmax_right by lra. replace (f x * 1 - f x * (1 - 0)) with 0 by ring. now rewrite Rabs_R0. }
  apply (@measurable1_ext (fun x => f x * (1 - point p x) + f p * point p x)).
  - intros x. destruct (Req_dec x p) as [->|Hne]; [rewrite point_at|rewrite point_off by auto]; ring.
  - apply measurable1_plus; auto. apply measurable1_mult; [apply measurable1_const|apply measurable1_point].
Qed.

(** *** Laws under which that is integrable *)
Definition tame_base (E : expectation R) : Prop := forall f C k,
  (forall x, ~ pit x -> continuity_pt f x) -> (forall x, Rabs (f x) <= C * exp (k * gauge x)) -> Int E f.

(** Half of the depth of a uniform number is that of a Laplace number: its exponential is integrable. *)
Lemma Int_depth : Int unitE (fun u => exp (depth u / 2)).
Proof.
  destruct (laplace_carries 0 1 Rlt_0_1 (fun x => exp (Rabs x / 2))) as [[H _] _].
  apply (Int_ext unitE (fun u => exp (Rabs (laplace_of 0 1 u) / 2))).
  - intros u. f_equal. f_equal. unfold laplace_of, depth.
    replace (0 - 1 * (sign01 (u - / 2) * ln (1 + -2 * Rabs (u - / 2)))) with
      (- (sign01 (u - / 2) * ln (1 + -2 * Rabs (u - / 2)))) by ring.
    rewrite Rabs_Ropp, Rabs_mult. destruct (Req_dec u (/ 2)) as [->|Hne].
    + rewrite Rminus_eq_0, Rabs_R0. replace (1 + -2 * 0) with 1 by ring. rewrite ln_1, Rabs_R0. ring.
    + replace (Rabs (sign01 (u - / 2))) with 1; [ring|]. unfold sign01.
      repeat destruct Rlt_dec; unfold Rabs; destruct Rcase_abs; lra.
  - apply H. destruct (laplace_is_normalised 0 2 Rlt_0_2) as [I _].
    refine (Int_ext leb _ _ _ (Int_scal leb 2 _ I)). intros x. cbv beta. unfold laplace_log_pdf.
    rewrite <- exp_plus. change (log_pdf _ x) with (- (Rabs (x - 0) / 1) - ln 1 - ln 2).
    replace (- (Rabs (x - 0) / 1) - ln 1 - ln 2 + Rabs x / 2) with (ln 2 + (- (Rabs (x - 0) / 2) - ln 2 - ln 2)).
    + rewrite (exp_plus (ln 2)), exp_ln by lra. reflexivity.
    + rewrite ln_1, Rminus_0_r. field_simplify; lra.
Qed.
(** Exponentials of the root of what [Int_depth] has. *)
Lemma exp_gauge_unit k u : 0 <= k -> inside 0 1 u <> 0 ->
  exp (k * gauge u) <= exp (k + k * k) * exp (depth u / 2).
Proof.
  intros Hk H. apply inside_on in H. rewrite <- exp_plus. apply exp_le. unfold gauge. rewrite Rabs_pos_eq by lra.
  pose proof (sqrt_pos (depth u)). pose proof (sqrt_sqrt _ (depth_ge0 u)) as E. set (r := sqrt (depth u)) in *.
  assert (k * u <= k) by nra. pose proof (Rle_0_sqr (k - r / 2)) as Q. unfold Rsqr in Q.
  assert (0 <= r * r) by nra. rewrite <- E. lra.
Qed.
Lemma growth_signs C k x : C * exp (k * gauge x) <= Rabs C * exp (Rabs k * gauge x).
Proof.
  pose proof (exp_pos (k * gauge x)). pose proof (Rle_abs C). pose proof (Rabs_pos C).
  assert (exp (k * gauge x) <= exp (Rabs k * gauge x)).
  { apply exp_le. apply Rmult_le_compat_r; [apply gauge_ge0|apply Rle_abs]. }
  nra.
Qed.

Lemma Int_unit_growth k : 0 <= k -> Int leb (fun u => inside 0 1 u * exp (k * gauge u)).
Proof.
  intros Hk. apply (@Int_dominated _ (fun u => exp (k + k * k) * (inside 0 1 u * exp (depth u / 2)))).
  - apply measurable1_mult; [apply measurable1_inside|]. apply (measurable1_off pits). intros x Hx.
    apply (continuity_pt_comp (fun x => k * gauge x) exp); [|apply derivable_continuous, derivable_exp].
    apply (continuity_pt_mult (fun _ => k)); [apply continuity_pt_const; now intros a b|now apply gauge_continuous].
  - intros u. destruct (Req_dec (inside 0 1 u) 0) as [E|E]; [rewrite E, !Rmult_0_l, Rmult_0_r, Rabs_R0; lra|].
    pose proof (exp_gauge_unit k u Hk E). pose proof (exp_pos (k * gauge u)). pose proof (inside_pos 0 1 u).
    rewrite Rabs_pos_eq by nra. nra.
  - apply Int_scal. exact Int_depth.
Qed.
Lemma tame_unit : tame_base unitE.
Proof.
  intros f C k cf Hf. change (Int leb (fun x => inside 0 1 x * f x)).
  apply (@Int_dominated _ (fun u => Rabs C * (inside 0 1 u * exp (Rabs k * gauge u)))).
  - apply measurable1_mult; [apply measurable1_inside|]. apply (measurable1_off pits). exact cf.
  - intros x. rewrite Rabs_mult, (Rabs_pos_eq (inside 0 1 x)) by apply inside_pos.
    pose proof (inside_pos 0 1 x). specialize (Hf x). pose proof (growth_signs C k x). nra.
  - apply Int_scal, Int_unit_growth, Rabs_pos.
Qed.
Lemma tame_normal : tame_base normalE.
Proof.
  intros f C k cf Hf. change (Int leb (fun x => phi x * f x)). set (c := Rabs k).
  assert (Hc : 0 <= c) by apply Rabs_pos.
  assert (I1 : Int leb (fun x => phi x * exp (c * Rabs x))).
  { apply (Int_normal_growth (fun x => exp (c * Rabs x)) 1 c).
    - intros x. apply (continuity_pt_comp (fun x => c * Rabs x) exp); [|apply derivable_continuous, derivable_exp].
      apply (continuity_pt_mult (fun _ => c)); [apply continuity_pt_const; now intros a b|apply Rcontinuity_abs].
    - intros x. rewrite Rabs_pos_eq by (left; apply exp_pos). lra. }
  assert (phi1 : forall x, phi x <= 1).
  { intros x. rewrite phi_log, <- exp_0. apply exp_le. assert (0 <= ln (2 * PI)).
    { pose proof PI2_3_2. rewrite <- ln_1. apply Rcomplements.ln_le; lra. }
    nra. }
  apply (@Int_dominated _ (fun x => Rabs C * (phi x * exp (c * Rabs x) + inside 0 1 x * exp (c * gauge x)))).
  - apply measurable1_mult; [|apply (measurable1_off pits); exact cf].
    apply measurable1_int. apply (Int_ext leb (fun x => phi x * 1)); [intros; ring|apply normal_mass].
  - intros x. rewrite Rabs_mult, (Rabs_pos_eq (phi x)) by apply phi_ge0.
    specialize (Hf x). pose proof (growth_signs C k x) as Hs. fold c in Hs.
    pose proof (phi_ge0 x). pose proof (Rabs_pos C). pose proof (exp_pos (c * Rabs x)). pose proof (exp_pos (c * gauge x)).
    destruct (Rlt_dec 0 x) as [L0|L0]; [destruct (Rlt_dec x 1) as [L1|L1]|].
    + rewrite inside_in by lra. specialize (phi1 x).
      assert (phi x * Rabs (f x) <= 1 * (Rabs C * exp (c * gauge x))) by (apply Rmult_le_compat; try lra; apply Rabs_pos).
      assert (0 <= Rabs C * (phi x * exp (c * Rabs x))) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
      rewrite Rmult_plus_distr_l, !Rmult_1_l in *. lra.
    + replace (gauge x) with (Rabs x) in * by (unfold gauge; rewrite depth_outside, sqrt_0 by lra; ring).
      assert (phi x * Rabs (f x) <= phi x * (Rabs C * exp (c * Rabs x))) by (apply Rmult_le_compat_l; lra).
      assert (0 <= Rabs C * (inside 0 1 x * exp (c * Rabs x))) by (pose proof (inside_pos 0 1 x); apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
      rewrite Rmult_plus_distr_l. lra.
    + replace (gauge x) with (Rabs x) in * by (unfold gauge; rewrite depth_outside, sqrt_0 by lra; ring).
      assert (phi x * Rabs (f x) <= phi x * (Rabs C * exp (c * Rabs x))) by (apply Rmult_le_compat_l; lra).
      assert (0 <= Rabs C * (inside 0 1 x * exp (c * Rabs x))) by (pose proof (inside_pos 0 1 x); apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
      rewrite Rmult_plus_distr_l. lra.
  - apply Int_scal. apply Int_plus; [exact I1|now apply Int_unit_growth].
Qed.
Lemma tame_finite v H : tame_base (finiteE v H).
Proof. intros f C k _ _. exact I. Qed.

(** Cutting a value to [-g, g]. *)
Definition clip (g y : R) : R := Rmax (- g) (Rmin g y).
Lemma clip_bound g y : 0 <= g -> Rabs (clip g y) <= g.
Proof. unfold clip, Rmax, Rmin. intros. apply Rabs_le. repeat destruct Rle_dec; lra. Qed.
Lemma clip_id g y : Rabs y <= g -> clip g y = y.
Proof.
  intros H. apply Rabs_le_between in H. unfold clip, Rmax, Rmin. repeat destruct Rle_dec; lra.
Qed.
Lemma clip_close g y z : Rabs (clip g y - clip g z) <= Rabs (y - z).
Proof.
  unfold clip, Rmax, Rmin, Rabs. repeat destruct Rle_dec; repeat destruct Rcase_abs; lra.
Qed.

Section Tame.
Variable K : coord -> expectation R.
Hypothesis K_tame : forall c, tame_base (K c).

Definition spread (cs : list coord) (tr : trace) : R := sum cs (fun c => gauge (get tr c)).
Definition continuous_in (F : trace -> R) (c : coord) : Prop :=
  forall tr v, ~ pit v -> continuity_pt (fun v => F (set tr c v)) v.

(** A number that is not drawn may be set before or after drawing the others. *)
Lemma drawE_set c cs : ~ In c cs -> forall tr u F,
  Ex (drawE K cs (set tr c u)) F = Ex (drawE K cs tr) (fun tr' => F (set tr' c u)) /\
  (Int (drawE K cs (set tr c u)) F <-> Int (drawE K cs tr) (fun tr' => F (set tr' c u))).
Proof.
  induction cs as [|b cs IH]; intros Hn tr u F; [simpl; tauto|].
  assert (Hb : c <> b) by (intros ->; apply Hn; simpl; auto).
  assert (Hc : ~ In c cs) by (intros H; apply Hn; simpl; auto).
  assert (E : forall v,
    Ex (drawE K cs (set (set tr c u) b v)) F
      = Ex (drawE K cs (set tr b v)) (fun tr' => F (set tr' c u)) /\
    (Int (drawE K cs (set (set tr c u) b v)) F
      <-> Int (drawE K cs (set tr b v)) (fun tr' => F (set tr' c u)))).
  { intros v. rewrite (set_swap tr c b u v Hb). apply IH, Hc. }
  cbn [drawE Ex Int mapE bindE snd]. split; [apply Ex_ext; intros v; apply E|].
  split; intros [H1 H2]; (split; [intros v; apply E, H1|]); eapply Int_ext; try exact H2;
    intros v; [|symmetry]; apply E.
Qed.

(** The envelope itself. *)
Fixpoint envelope_mass (k : R) (cs : list coord) : R :=
  match cs with [] => 1 | c :: cs => Ex (K c) (fun v => exp (k * gauge v)) * envelope_mass k cs end.

Lemma exp_gauge_continuous k x : ~ pit x -> continuity_pt (fun v => exp (k * gauge v)) x.
Proof.
  intros H. apply (continuity_pt_comp (fun v => k * gauge v) exp); [|apply derivable_continuous, derivable_exp].
  apply (continuity_pt_mult (fun _ => k) gauge); [apply continuity_pt_const; now intros a b|now apply gauge_continuous].
Qed.
Lemma Int_exp_gauge c k m : Int (K c) (fun v => exp (k * gauge v) * m).
Proof.
  apply (K_tame c _ (Rabs m) k).
  - intros x Hx. apply (continuity_pt_mult (fun v => exp (k * gauge v)) (fun _ => m));
      [now apply exp_gauge_continuous|apply continuity_pt_const; now intros a b].
  - intros x. rewrite Rabs_mult, (Rabs_pos_eq (exp _)) by (left; apply exp_pos). lra.
Qed.

Lemma spread_reached c cs tr v tr' : ~ In c cs -> reaches cs (set tr c v) tr' ->
  spread (c :: cs) tr' = gauge v + spread cs tr'.
Proof.
  intros Hn Hr. unfold spread; cbn [sum]. f_equal. f_equal.
  rewrite (reaches_ignores (fun tr => get tr c) cs (set tr c v) tr'); auto using get_set_same.
  intros b Hb. apply ignores_get. intros ->. contradiction.
Qed.

Lemma envelope cs k : NoDup cs -> forall tr,
  Int (drawE K cs tr) (fun tr' => exp (k * spread cs tr')) /\
  Ex (drawE K cs tr) (fun tr' => exp (k * spread cs tr')) = envelope_mass k cs.
Proof.
  induction cs as [|c cs IH]; intros Hd tr.
  - simpl. unfold spread; simpl. rewrite Rmult_0_r, exp_0. auto.
  - inversion Hd as [|? ? Hn Hd']; subst.
    assert (Hin : forall v,
      Int (drawE K cs (set tr c v)) (fun tr' => exp (k * spread (c :: cs) tr')) /\
      Ex (drawE K cs (set tr c v)) (fun tr' => exp (k * spread (c :: cs) tr'))
      = exp (k * gauge v) * envelope_mass k cs).
    { intros v. destruct (IH Hd' (set tr c v)) as [I1 I2].
      destruct (drawE_ext K cs (set tr c v) (fun tr' => exp (k * gauge v) * exp (k * spread cs tr'))
                  (fun tr' => exp (k * spread (c :: cs) tr'))) as [E1 E2].
      { intros tr' Hr. rewrite (spread_reached c cs tr v tr' Hn Hr), <- exp_plus. f_equal. ring. }
      split; [apply E2; now apply Int_scal|]. rewrite <- E1, Ex_scal, I2 by exact I1. reflexivity. }
    cbn [drawE Ex Int mapE bindE snd envelope_mass].
    split.
    + split; [intros v; apply Hin|].
      apply (Int_ext _ (fun v => exp (k * gauge v) * envelope_mass k cs)); [|apply Int_exp_gauge].
      intros v. symmetry. apply Hin.
    + rewrite (Ex_ext _ _ (fun v => envelope_mass k cs * exp (k * gauge v)))
        by (intros v; rewrite Rmult_comm; apply Hin).
      rewrite Ex_scal; [ring|].
      apply (Int_ext _ (fun v => exp (k * gauge v) * 1)); [intros; ring|apply Int_exp_gauge].
Qed.

Theorem tame_int cs k : NoDup cs -> 0 <= k -> forall F C tr, 0 <= C ->
  (forall c, In c cs -> (forall f, Int (K c) f) \/ continuous_in F c) ->
  (forall tr', reaches cs tr tr' -> Rabs (F tr') <= C * exp (k * spread cs tr')) ->
  Int (drawE K cs tr) F.
Proof.
  intros Hd Hk. induction cs as [|c cs IH]; intros F C tr HC Hc Hb; [exact I|].
  inversion Hd as [|? ? Hn Hd']; subst. specialize (IH Hd').
  assert (Hbv : forall v tr', reaches cs (set tr c v) tr' ->
    Rabs (F tr') <= C * exp (k * gauge v) * exp (k * spread cs tr')).
  { intros v tr' Hr. rewrite Rmult_assoc, <- exp_plus, <- Rmult_plus_distr_l.
    rewrite <- (spread_reached c cs tr v tr' Hn Hr). apply Hb. now exists v. }
  assert (HCv : forall v, 0 <= C * exp (k * gauge v)).
  { intros v. apply Rmult_le_pos; auto. left; apply exp_pos. }
  assert (Hin : forall v, Int (drawE K cs (set tr c v)) F).
  { intros v. apply (IH F (C * exp (k * gauge v))); auto. intros b Hbin. apply Hc. now right. }
  assert (Hval : forall v, Rabs (Ex (drawE K cs (set tr c v)) F)
                           <= C * envelope_mass k cs * exp (k * gauge v)).
  { intros v. destruct (envelope cs k Hd' (set tr c v)) as [I1 E1].
    set (g := fun tr' => C * exp (k * gauge v) * exp (k * spread cs tr')).
    assert (Ig : Int (drawE K cs (set tr c v)) g) by now apply Int_scal.
    destruct (drawE_ext K cs (set tr c v) F (fun tr' => clip (g tr') (F tr'))) as [E2 E3].
    { intros tr' Hr. symmetry. apply clip_id. now apply Hbv. }
    rewrite E2. eapply Rle_trans.
    - apply (Ex_abs _ _ g); auto. intros tr'. apply clip_bound.
      apply Rmult_le_pos; auto. left; apply exp_pos.
    - unfold g. rewrite Ex_scal, E1 by exact I1. right. ring. }
  cbn [drawE Int mapE bindE snd]. split; [exact Hin|].
  destruct (Hc c (or_introl eq_refl)) as [Hall|Hcc]; [apply Hall|].
  apply (K_tame c _ (C * envelope_mass k cs) k); [|exact Hval].
  (* the integral over the later draws is continuous in this one *)
  intros v Hv. apply continuity_pt_filterlim.
  destruct (gauge_continuous v Hv 1 Rlt_0_1) as (r & Hr0 & Hclose).
  assert (Hnear : forall h, Rabs h < r -> gauge (v + h) <= gauge v + 1).
  { intros h Hh. destruct (Req_dec h 0) as [->|Hne]; [rewrite Rplus_0_r; lra|].
    specialize (Hclose (v + h)). simpl in Hclose. unfold R_dist in Hclose. replace (v + h - v) with h in Hclose by ring.
    assert (E : Rabs (gauge (v + h) - gauge v) < 1).
    { apply Hclose. split; [split; [exact I|lra]|exact Hh]. }
    apply Rabs_def2 in E. lra. }
  assert (L : lim0 (fun h => Ex (drawE K cs (set tr c (v + h))) F) (Ex (drawE K cs (set tr c v)) F)).
  { set (g := fun tr' => C * exp (k * (gauge v + 1)) * exp (k * spread cs tr')).
    assert (Hg0 : forall tr', 0 <= g tr').
    { intros tr'. repeat apply Rmult_le_pos; auto; left; apply exp_pos. }
    assert (Ig : Int (drawE K cs tr) g) by (apply Int_scal, envelope; auto).
    set (A := fun h tr' => clip (g tr') (F (set tr' c (v + h)))).
    assert (HA : forall h, Rabs h < r ->
      (forall tr', reaches cs tr tr' -> F (set tr' c (v + h)) = A h tr')).
    { intros h Hh tr' Hr. symmetry. apply clip_id.
      assert (Hr' : reaches (c :: cs) tr (set tr' c (v + h))).
      { exists (v + h). clear - Hr Hn. revert tr tr' Hr Hn.
        induction cs as [|b bs IHb]; simpl; intros t t' Hr Hn; [now subst|].
        destruct Hr as [w Hr]. exists w. rewrite set_swap by (intros ->; apply Hn; auto).
        apply IHb; auto. }
      eapply Rle_trans; [apply Hb, Hr'|]. unfold g. rewrite Rmult_assoc, <- exp_plus.
      apply Rmult_le_compat_l; auto. apply exp_le. rewrite <- Rmult_plus_distr_l.
      apply Rmult_le_compat_l; auto. unfold spread; cbn [sum]. rewrite get_set_same.
      apply Rplus_le_compat.
      - now apply Hnear.
      - apply sum_le. intros b Hbin. rewrite get_set_other; [lra|]. intros ->. contradiction. }
    assert (HE : forall h, Rabs h < r ->
      Ex (drawE K cs (set tr c (v + h))) F = Ex (drawE K cs tr) (A h) /\ Int (drawE K cs tr) (A h)).
    { intros h Hh. destruct (drawE_set c cs Hn tr (v + h) F) as [-> HI].
      destruct (drawE_ext K cs tr (fun tr' => F (set tr' c (v + h))) (A h) (HA h Hh)) as [E2 E3].
      split; auto. apply E3, HI, Hin. }
    destruct (HE 0) as [E0 _]; [rewrite Rabs_R0; exact Hr0|]. rewrite Rplus_0_r in E0. rewrite E0.
    apply (lim0_near (fun h => Ex (drawE K cs tr) (A h)) _ _ (mkposreal r Hr0)).
    { intros h _ Hh. symmetry. now apply HE. }
    apply (Ex_lim (drawE K cs tr) A (A 0) g (mkposreal r Hr0)); auto.
    - intros h _ Hh. now apply HE.
    - intros h tr' _ _. now apply clip_bound.
    - intros tr'. apply lim0_eps. intros e.
      destruct (Hcc tr' v Hv e (cond_pos e)) as (d & Hd0 & Hcd).
      exists (mkposreal d Hd0). intros h Hh0 Hh. simpl in Hh. unfold A.
      eapply Rle_lt_trans; [apply clip_close|]. rewrite Rplus_0_r. apply Hcd.
      split; [split; [exact I|]|].
      + intros E. apply Hh0. lra.
      + simpl. unfold R_dist. now replace (v + h - v) with h by ring. }
  intros P HP. destruct (L P HP) as [e He].
  destruct HP as [eP HeP]. exists e. intros u Hu.
  destruct (Req_dec u v) as [->|Hne]; [apply HeP, ball_center|].
  replace u with (v + (u - v)) by ring. apply He.
  - apply (proj2 (ball_0 (u - v) e)). exact Hu.
  - lra.
Qed.
End Tame.

(** ** The main theorem's condition, from growth *)
Theorem regular_growth G rho K cs tr0 e d C k (r : posreal) : well_formed G ->
  (forall c, tame_base (K c)) -> NoDup cs -> 0 <= C -> 0 <= k ->
  (forall t tr, Rabs t < r -> is_derive (fun t => joint G rho (line e d t) tr) t
                                        (joint_slope G rho (line e d t) d tr)) ->
  (forall t c, Rabs t < r -> In c cs ->
     (forall f, Int (K c) f) \/ continuous_in (joint G rho (line e d t)) c) ->
  (forall t tr, Rabs t < r -> Rabs (joint G rho (line e d t) tr) <= C * exp (k * spread cs tr)) ->
  (forall t tr, Rabs t < r ->
     Rabs (joint_slope G rho (line e d t) d tr) <= C * exp (k * spread cs tr)) ->
  regular G rho (drawE K cs tr0) e d.
Proof.
  intros Hwf HK Hd HC Hk Hdef Hcont Hb Hb'.
  apply (regular_derivable G rho (drawE K cs tr0) e d (fun tr => C * exp (k * spread cs tr)) r); auto.
  - intros t Ht. apply (tame_int K HK cs k Hd Hk _ C); auto.
  - apply Int_scal. now apply envelope.
Qed.
