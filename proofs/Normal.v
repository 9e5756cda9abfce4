(** * The Gaussian integral and the standard normal law

    The integral of exp(-x^2/2) is sqrt(2 pi): not named but proved, from the integral of
    1/(1 + x^2), which is pi, by differentiating under the integral.  Then: the standard normal law,
    its moments, and what is integrable under it. *)
From Coq Require Import Reals Lra Lia List Ratan.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Expect Measure Line Calculus.
Open Scope R_scope.

Ltac continuous := apply (derive_continuity _ _ _); auto_derive; auto.

Lemma lim0_full (f : R -> R) y : filterlim f (locally (0 : R)) (locally y) -> lim0 f y.
Proof. intros H P HP. destruct (H P HP) as [e He]. exists e. intros h Hh _. now apply He. Qed.

Lemma lim0_plus F G a b : lim0 F a -> lim0 G b -> lim0 (fun h => F h + G h) (a + b).
Proof.
  intros HF HG. eapply (filterlim_comp_2 F G Rplus); [exact HF|exact HG|].
  apply (filterlim_plus a b).
Qed.
Lemma lim0_scal c F a : lim0 F a -> lim0 (fun h => c * F h) (c * a).
Proof. intros HF. eapply filterlim_comp; [exact HF|]. apply (filterlim_scal_r c a). Qed.

Lemma exp_le x y : x <= y -> exp x <= exp y.
Proof. intros [H| ->]; [left; now apply exp_increasing|apply Rle_refl]. Qed.
Lemma exp_neg_bound y : 0 <= y -> exp (- y) <= / (1 + y).
Proof.
  intros H. rewrite exp_Ropp. apply Rinv_le_contravar; [lra|]. apply exp_ineq1_le.
Qed.

(** ** pi *)
Definition cauchy (x : R) : R := / (1 + x * x).
Lemma cauchy_pos x : 0 < cauchy x.
Proof. apply Rinv_0_lt_compat. nra. Qed.
Lemma cauchy_continuous x : continuity_pt cauchy x.
Proof. apply (derive_continuity _ _ (- (2 * x) / ((1 + x * x) * (1 + x * x)))). unfold cauchy.
  auto_derive; [nra|]. plain. unfold Rdiv. field. nra. Qed.

Lemma atan_up : tends_up atan (PI / 2).
Proof.
  intros e He. set (d := Rmin e 1). assert (Hd : 0 < d <= 1 /\ d <= e).
  { unfold d. pose proof (Rmin_l e 1). pose proof (Rmin_r e 1).
    pose proof (Rmin_pos e 1 He ltac:(lra)). lra. }
  pose proof PI_RGT_0. pose proof PI2_1 as HP.
  exists (tan (PI / 2 - d)). intros x Hx. apply atan_increasing in Hx.
  rewrite atan_tan in Hx by lra. pose proof (atan_bound x). apply Rabs_def1; lra.
Qed.
Lemma atan_down : tends_down atan (- (PI / 2)).
Proof.
  intros e He. destruct (atan_up e He) as [M HM]. exists M. intros x Hx. specialize (HM x Hx).
  rewrite atan_opp. replace (- atan x - - (PI / 2)) with (- (atan x - PI / 2)) by ring.
  now rewrite Rabs_Ropp.
Qed.

Theorem Ex_cauchy : Int leb cauchy /\ Ex leb cauchy = PI.
Proof.
  replace PI with (PI / 2 - - (PI / 2)) by field.
  apply (Ex_line cauchy atan).
  - apply cauchy_continuous.
  - intros x. apply is_derive_Reals. unfold cauchy. pose proof (derivable_pt_lim_atan x) as H.
    now replace (x ^ 2) with (x * x) in H by ring.
  - intros x. left. apply cauchy_pos.
  - apply atan_down.
  - apply atan_up.
Qed.

(** ** The bell curve *)
Definition bell (x : R) : R := exp (- (x * x) / 2).
Lemma bell_pos x : 0 < bell x. Proof. apply exp_pos. Qed.
Lemma bell_derive x : is_derive bell x (- x * bell x).
Proof. unfold bell. auto_derive; auto. plain. unfold Rdiv. field. Qed.
Lemma bell_continuous x : continuity_pt bell x.
Proof. exact (derive_continuity _ _ _ (bell_derive x)). Qed.
Lemma bell_bound x : bell x <= 2 * cauchy x.
Proof.
  unfold bell, cauchy. replace (- (x * x) / 2) with (- (x * x / 2)) by field.
  eapply Rle_trans; [apply exp_neg_bound; nra|].
  replace (2 * / (1 + x * x)) with (/ ((1 + x * x) / 2)) by (field; nra).
  apply Rinv_le_contravar; nra.
Qed.
Lemma Int_bell : Int leb bell.
Proof.
  apply (@Int_dominated _ (fun x => 2 * cauchy x)).
  - apply measurable1_continuous, bell_continuous.
  - intros x. rewrite Rabs_pos_eq by (left; apply bell_pos). apply bell_bound.
  - apply Int_scal, Ex_cauchy.
Qed.

Section Gauss.
Let Z : R := Ex leb bell.

(** J t goes from pi at 0 to 0 at infinity, with derivative - Z bell. *)
Let kernel (t x : R) : R := exp (- (t * t * (1 + x * x) / 2)) * cauchy x.
Let J (t : R) : R := Ex leb (kernel t).

Lemma kernel_bound t x : 0 <= kernel t x <= cauchy x.
Proof.
  unfold kernel. pose proof (cauchy_pos x). pose proof (exp_pos (- (t * t * (1 + x * x) / 2))).
  assert (0 <= t * t * (1 + x * x)) by (apply Rmult_le_pos; nra).
  assert (exp (- (t * t * (1 + x * x) / 2)) <= 1).
  { apply Rle_trans with (exp 0); [apply exp_le; lra|rewrite exp_0; lra]. }
  nra.
Qed.
Lemma kernel_continuous t x : continuity_pt (kernel t) x.
Proof.
  unfold kernel. apply continuity_pt_mult; [|apply cauchy_continuous].
  apply (derive_continuity _ _ (- (t * t * x) * exp (- (t * t * (1 + x * x) / 2)))).
  auto_derive; auto. plain. unfold Rdiv. field.
Qed.
Lemma Int_kernel t : Int leb (kernel t).
Proof.
  apply (@Int_dominated _ cauchy); [apply measurable1_continuous, kernel_continuous| |apply Ex_cauchy].
  intros x. pose proof (kernel_bound t x). rewrite Rabs_pos_eq; lra.
Qed.

Lemma J_derive t : 0 < t -> is_derive J t (- Z * bell t).
Proof.
  intros Ht. assert (Hd : 0 < t / 2) by lra.
  set (k' := fun s x => - s * exp (- (s * s * (1 + x * x) / 2))).
  destruct (Ex_derive leb kernel k' (fun x => 4 / t * cauchy x) t (mkposreal _ Hd)) as [H1 H2].
  - intros s _. apply Int_kernel.
  - intros s x _. unfold kernel, k', cauchy. auto_derive; [auto|]. plain. unfold Rdiv. field. nra.
  - apply Int_scal, Ex_cauchy.
  - intros s x Hs. simpl in Hs. apply Rabs_def2 in Hs. unfold k'.
    rewrite Rabs_mult, Rabs_Ropp, !Rabs_pos_eq by (try (left; apply exp_pos); lra).
    set (y := s * s * (1 + x * x) / 2). assert (Hy : 0 < y) by (unfold y; nra).
    apply Rle_trans with (s * / y).
    + apply Rmult_le_compat_l; [lra|]. eapply Rle_trans; [apply exp_neg_bound; lra|].
      apply Rinv_le_contravar; lra.
    + unfold cauchy. replace (s * / y) with (2 / s * / (1 + x * x)) by (unfold y; field; split; nra).
      apply Rmult_le_compat_r; [left; apply cauchy_pos|].
      unfold Rdiv. replace (4 * / t) with (2 * / (t / 2)) by (field; lra).
      apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra.
  - replace (- Z * bell t) with (Ex leb (k' t)); auto.
    destruct (@Ex_affine bell t 0 Ht Int_bell) as [I1 I2].
    rewrite (Ex_ext leb (k' t) (fun x => (- t * bell t) * bell (t * x + 0))).
    + rewrite Ex_scal by exact I1. unfold Z. rewrite I2. ring.
    + intros x. unfold k', bell. rewrite Rplus_0_r.
      replace (- (t * t * (1 + x * x) / 2)) with (- (t * t) / 2 + - (t * x * (t * x)) / 2) by field.
      rewrite exp_plus. ring.
Qed.
Lemma J_zero : lim0 J PI.
Proof.
  destruct Ex_cauchy as [I E]. rewrite <- E.
  destruct (Ex_lim leb kernel cauchy cauchy (mkposreal 1 Rlt_0_1)) as [_ H]; auto.
  - intros. apply Int_kernel.
  - intros h x _ _. pose proof (kernel_bound h x). rewrite Rabs_pos_eq; lra.
  - intros x. replace (cauchy x) with (kernel 0 x).
    2:{ unfold kernel. replace (- (0 * 0 * (1 + x * x) / 2)) with 0 by field. rewrite exp_0. ring. }
    assert (C : is_derive (fun t => kernel t x) 0 0).
    { unfold kernel. auto_derive; auto. plain. unfold Rdiv. field. }
    apply lim0_full. exact (derive_continuous _ _ _ C).
Qed.
Lemma J_even t : J (- t) = J t.
Proof. apply Ex_ext. intros x. unfold kernel. now replace (- t * - t) with (t * t) by ring. Qed.
Lemma J_bound t : 0 <= J t <= PI * (2 * cauchy t).
Proof.
  destruct Ex_cauchy as [I E]. split.
  - apply Ex_ge0; [apply Int_kernel|]. intros x. apply kernel_bound.
  - rewrite <- E, Rmult_comm, <- Ex_scal by exact I. apply Ex_le; [apply Int_kernel|now apply Int_scal|].
    intros x. unfold kernel. apply Rmult_le_compat_r; [left; apply cauchy_pos|].
    eapply Rle_trans; [|apply bell_bound]. apply exp_le. nra.
Qed.

Theorem gauss_square : Z * Z = 2 * PI.
Proof.
  destruct (antiderivative bell bell_continuous) as (P & P0 & HP).
  assert (Podd : forall t, P (- t) = - P t).
  { intros t. destruct (MVT_gen (fun s => P s + P (- s)) 0 t (fun _ => 0)) as (c & _ & E).
    - intros x _. replace 0 with (bell x + - 1 * bell (- x)).
      2:{ unfold bell. replace (- (- x * - x) / 2) with (- (x * x) / 2) by field. ring. }
      apply (is_derive_plus P (fun s => P (- s))); auto.
      apply (is_derive_comp P Ropp); auto. auto_derive; auto.
    - intros x _. apply (derive_continuity _ x (bell x + - 1 * bell (- x))).
      apply (is_derive_plus P (fun s => P (- s))); auto.
      apply (is_derive_comp P Ropp); auto. auto_derive; auto.
    - simpl in E. rewrite Ropp_0, P0 in E. lra. }
  set (H := fun t => J t + Z * P t).
  assert (Hconst : forall s t, 0 < s -> 0 < t -> H s = H t).
  { intros s t Hs Ht.
    assert (HD : forall x, Rmin s t <= x <= Rmax s t -> is_derive H x 0).
    { intros x Hx. replace 0 with (- Z * bell x + Z * bell x) by ring.
      apply (is_derive_plus J (fun t => Z * P t)).
      - apply J_derive. pose proof (Rmin_pos s t Hs Ht). lra.
      - apply (is_derive_scal P x Z). auto. }
    destruct (MVT_gen H s t (fun _ => 0)) as (c & _ & E).
    - intros x Hx. apply HD. lra.
    - intros x Hx. exact (derive_continuity _ _ _ (HD x Hx)).
    - lra. }
  (* near zero H is pi *)
  assert (L0 : lim0 (fun h => H (Rabs h)) PI).
  { unfold H. replace PI with (PI + Z * 0) by ring.
    apply (lim0_plus (fun h => J (Rabs h)) (fun h => Z * P (Rabs h))).
    - apply (filterlim_ext J); [|apply J_zero]. intros h. unfold Rabs. destruct Rcase_abs; auto.
      now rewrite J_even.
    - apply (lim0_scal Z (fun h => P (Rabs h))). rewrite <- P0, <- Rabs_R0 at 1. apply lim0_full.
      apply (proj1 (continuity_pt_filterlim (fun h => P (Rabs h)) 0)).
      apply (continuity_pt_comp Rabs P); [apply Rcontinuity_abs|].
      exact (derive_continuity _ _ _ (HP _)). }
  (* far away it is half the square of Z *)
  assert (L1 : lim0 (fun h => H (/ Rabs h)) (Z * (Z / 2))).
  { unfold H. replace (Z * (Z / 2)) with (0 + Z * (/ 2 * Z)) by field.
    apply (lim0_plus (fun h => J (/ Rabs h)) (fun h => Z * P (/ Rabs h))).
    - apply lim0_eps. intros e. pose proof PI_RGT_0 as HPI. pose proof (cond_pos e) as He.
      assert (Hr : 0 < e / (2 * PI)) by (apply Rdiv_lt_0_compat; lra).
      exists (mkposreal _ (Rmin_pos _ 1 Hr Rlt_0_1)). intros h Hh0 Hh. simpl in Hh.
      pose proof (Rmin_l (e / (2 * PI)) 1). pose proof (Rmin_r (e / (2 * PI)) 1).
      assert (Hp : 0 < Rabs h) by now apply Rabs_pos_lt.
      destruct (J_bound (/ Rabs h)) as [B1 B2]. rewrite Rminus_0_r, Rabs_pos_eq by auto.
      eapply Rle_lt_trans; [exact B2|]. unfold cauchy.
      replace (/ (1 + / Rabs h * / Rabs h)) with (Rabs h * Rabs h / (1 + Rabs h * Rabs h))
        by (field; split; nra).
      assert (Hq : Rabs h * Rabs h / (1 + Rabs h * Rabs h) <= Rabs h).
      { apply (Rmult_le_reg_r (1 + Rabs h * Rabs h)); [nra|].
        unfold Rdiv. rewrite Rmult_assoc, Rinv_l by nra. nra. }
      assert (Hs : Rabs h < e / (2 * PI)) by lra.
      apply (Rmult_lt_compat_r (2 * PI)) in Hs; [|lra].
      unfold Rdiv in Hs. rewrite Rmult_assoc, Rinv_l in Hs by lra. nra.
    - apply (lim0_scal Z (fun h => P (/ Rabs h))).
      + destruct (Ex_windows bell bell bell_continuous Int_bell) as [_ W].
        { intros x. rewrite Rabs_pos_eq; [lra|]. left; apply bell_pos. }
        apply (lim0_near (fun h => / 2 * Ex leb (fun x => bell x * window h x)) _ _
                 (mkposreal 1 Rlt_0_1)).
        * intros h Hh0 _. unfold window.
          assert (Hp : 0 < / Rabs h) by now apply Rinv_0_lt_compat, Rabs_pos_lt.
          destruct (Ex_interval bell P bell_continuous HP (- / Rabs h) (/ Rabs h)) as [_ ->]; [lra|].
          rewrite Podd. field.
        * apply (lim0_scal (/ 2)). exact W. }
  assert (E : PI = Z * (Z / 2)).
  { apply (lim0_unique (fun h => H (Rabs h))); auto.
    apply (lim0_near (fun h => H (/ Rabs h)) _ _ (mkposreal 1 Rlt_0_1)); auto.
    intros h Hh0 _. assert (0 < Rabs h) by now apply Rabs_pos_lt.
    apply Hconst; auto. now apply Rinv_0_lt_compat. }
  rewrite E. field.
Qed.
End Gauss.

Theorem gauss_integral : Ex leb bell = sqrt (2 * PI).
Proof.
  symmetry. apply sqrt_lem_1.
  - pose proof PI_RGT_0. lra.
  - apply Ex_ge0; [apply Int_bell|]. intros x. left; apply bell_pos.
  - apply gauss_square.
Qed.
Lemma root_pos : 0 < sqrt (2 * PI).
Proof. apply sqrt_lt_R0. pose proof PI_RGT_0. lra. Qed.

(** ** The standard normal law *)
Definition phi (x : R) : R := bell x / sqrt (2 * PI).
Lemma phi_ge0 x : 0 <= phi x.
Proof. left. apply Rdiv_lt_0_compat; [apply bell_pos|apply root_pos]. Qed.
Lemma phi_log x : phi x = exp (- (x * x) / 2 - / 2 * ln (2 * PI)).
Proof.
  unfold phi, bell, Rminus, Rdiv at 1. rewrite exp_plus. f_equal.
  pose proof PI_RGT_0. rewrite <- (exp_ln (/ sqrt (2 * PI))) by apply Rinv_0_lt_compat, root_pos.
  f_equal. rewrite ln_Rinv by apply root_pos. f_equal.
  apply (Rmult_eq_reg_l 2); [|lra]. rewrite <- (exp_ln (2 * PI)) at 1 by lra.
  replace (sqrt (exp (ln (2 * PI)))) with (exp (/ 2 * ln (2 * PI))).
  - rewrite ln_exp. reflexivity.
  - symmetry. apply sqrt_lem_1; try (left; apply exp_pos). rewrite <- exp_plus. f_equal. field.
Qed.
Definition normalE : expectation R := densE leb phi phi_ge0.

Lemma quadratic_tail k x : k * Rabs x - x * x / 4 <= k * k.
Proof.
  rewrite <- (Rabs_pos_eq (x * x)), Rabs_mult by nra. pose proof (Rle_0_sqr (Rabs x / 2 - k)).
  unfold Rsqr in *. nra.
Qed.
(** Continuous functions that grow at most exponentially are integrable. *)
Theorem Int_bell_growth f C k : (forall x, continuity_pt f x) ->
  (forall x, Rabs (f x) <= C * exp (k * Rabs x)) -> Int leb (fun x => bell x * f x).
Proof.
  intros cf Hf. assert (HC : 0 <= C).
  { specialize (Hf 0). pose proof (Rabs_pos (f 0)). pose proof (exp_pos (k * Rabs 0)).
    destruct (Rle_lt_dec 0 C); auto. nra. }
  apply (@Int_dominated _ (fun x => C * exp (k * k) * 4 * cauchy x)).
  - apply measurable1_continuous. intros x. apply (continuity_pt_mult bell f); auto using bell_continuous.
  - intros x. rewrite Rabs_mult, (Rabs_pos_eq (bell x)) by (left; apply bell_pos).
    apply Rle_trans with (bell x * (C * exp (k * Rabs x))).
    { apply Rmult_le_compat_l; [left; apply bell_pos|auto]. }
    replace (bell x * (C * exp (k * Rabs x))) with (C * (bell x * exp (k * Rabs x))) by ring.
    rewrite !Rmult_assoc. apply Rmult_le_compat_l; auto.
    unfold bell. rewrite <- exp_plus.
    apply Rle_trans with (exp (k * k) * exp (- (x * x / 4))).
    + rewrite <- exp_plus. apply exp_le. pose proof (quadratic_tail k x). lra.
    + apply Rmult_le_compat_l; [left; apply exp_pos|].
      eapply Rle_trans; [apply exp_neg_bound; nra|]. unfold cauchy.
      replace (4 * / (1 + x * x)) with (/ ((1 + x * x) / 4)) by (field; nra).
      apply Rinv_le_contravar; nra.
  - now apply Int_scal, Ex_cauchy.
Qed.
Theorem Int_normal_growth f C k : (forall x, continuity_pt f x) ->
  (forall x, Rabs (f x) <= C * exp (k * Rabs x)) -> Int normalE f.
Proof.
  intros cf Hf. simpl. apply (Int_ext leb (fun x => / sqrt (2 * PI) * (bell x * f x))).
  - intros x. unfold phi, Rdiv. ring.
  - apply Int_scal. now apply (Int_bell_growth f C k).
Qed.

Lemma Ex_normal_bell f : Int leb (fun x => bell x * f x) ->
  Ex normalE f = Ex leb (fun x => bell x * f x) / sqrt (2 * PI).
Proof.
  intros H. unfold Rdiv. rewrite Rmult_comm, <- Ex_scal by exact H. simpl. apply Ex_ext.
  intros x. unfold phi, Rdiv. ring.
Qed.
Theorem normal_mass : Int normalE (fun _ => 1) /\ Ex normalE (fun _ => 1) = 1.
Proof.
  assert (I : Int leb (fun x => bell x * 1)).
  { apply (Int_ext leb bell); [intros; ring|apply Int_bell]. }
  split.
  - simpl. apply (Int_ext leb (fun x => / sqrt (2 * PI) * (bell x * 1))); [|now apply Int_scal].
    intros x. unfold phi, Rdiv. ring.
  - rewrite Ex_normal_bell by exact I.
    rewrite (Ex_ext leb _ bell) by (intros; ring). rewrite gauss_integral. field.
    apply Rgt_not_eq, root_pos.
Qed.

Lemma bell_vanishes (F : R -> R) C : (forall x, Rabs (F x) <= C * (1 + Rabs x) * bell x) ->
  tends_up F 0.
Proof.
  intros H e He. assert (HC : 0 <= C).
  { specialize (H 0). rewrite Rabs_R0 in H. pose proof (Rabs_pos (F 0)). pose proof (bell_pos 0).
    destruct (Rle_lt_dec 0 C); auto. nra. }
  exists (Rmax 1 (4 * C / e)). intros x Hx.
  pose proof (Rmax_l 1 (4 * C / e)). pose proof (Rmax_r 1 (4 * C / e)).
  rewrite Rminus_0_r. eapply Rle_lt_trans; [apply H|]. rewrite Rabs_pos_eq by lra.
  pose proof (bell_bound x) as B. unfold cauchy in B.
  apply Rle_lt_trans with (C * (2 * x) * (2 * / (x * x))).
  - pose proof (bell_pos x). apply Rmult_le_compat; try nra.
    eapply Rle_trans; [exact B|]. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; nra.
  - replace (C * (2 * x) * (2 * / (x * x))) with (4 * C / x) by (field; lra).
    apply (Rmult_lt_reg_r x); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
    assert (H4 : 4 * C / e < x) by lra. apply (Rmult_lt_compat_r e) in H4; [|exact He].
    unfold Rdiv in H4. rewrite Rmult_assoc, Rinv_l in H4 by lra. lra.
Qed.
Lemma bell_vanishes_down (F : R -> R) C : (forall x, Rabs (F x) <= C * (1 + Rabs x) * bell x) ->
  tends_down F 0.
Proof.
  intros H. apply (bell_vanishes _ C). intros x. specialize (H (- x)). rewrite Rabs_Ropp in H.
  unfold bell in *. now replace (- x * - x) with (x * x) in H by ring.
Qed.

Lemma one_exp x : 1 + Rabs x <= exp (1 * Rabs x).
Proof. rewrite Rmult_1_l. apply exp_ineq1_le. Qed.

Theorem normal_mean : Int normalE (fun x => x) /\ Ex normalE (fun x => x) = 0.
Proof.
  assert (G : forall x, Rabs x <= 1 * exp (1 * Rabs x)).
  { intros x. pose proof (one_exp x). lra. }
  split; [apply (Int_normal_growth _ 1 1); [intros; apply continuity_pt_id|exact G]|].
  assert (I : Int leb (fun x => bell x * x)).
  { apply (Int_bell_growth _ 1 1); [intros; apply continuity_pt_id|exact G]. }
  rewrite Ex_normal_bell by exact I.
  destruct (Ex_line_dominated (fun x => bell x * x) (fun x => - bell x) (fun x => bell x * Rabs x) 0 0)
    as [_ E].
  - intros x. apply (continuity_pt_mult bell (fun x => x)); [apply bell_continuous|apply continuity_pt_id].
  - intros x. evar_last; [apply (is_derive_opp bell), bell_derive|]. unfold opp; simpl. ring.
  - apply (Int_bell_growth _ 1 1); [intros; apply Rcontinuity_abs|]. intros x. rewrite Rabs_Rabsolu. auto.
  - intros x. rewrite Rabs_mult, (Rabs_pos_eq (bell x)) by (left; apply bell_pos). lra.
  - apply (bell_vanishes_down _ 1). intros x. rewrite Rabs_Ropp, Rabs_pos_eq by (left; apply bell_pos).
    pose proof (bell_pos x). pose proof (Rabs_pos x). nra.
  - apply (bell_vanishes _ 1). intros x. rewrite Rabs_Ropp, Rabs_pos_eq by (left; apply bell_pos).
    pose proof (bell_pos x). pose proof (Rabs_pos x). nra.
  - rewrite E. field. apply Rgt_not_eq, root_pos.
Qed.

Lemma square_growth x : Rabs (x * x) <= 4 * exp (1 * Rabs x).
Proof.
  pose proof (exp_ineq1_le (Rabs x / 2)). pose proof (Rabs_pos x).
  replace (exp (1 * Rabs x)) with (exp (Rabs x / 2) * exp (Rabs x / 2))
    by (rewrite <- exp_plus; f_equal; field).
  rewrite Rabs_mult. nra.
Qed.
Theorem normal_variance : Int normalE (fun x => x * x) /\ Ex normalE (fun x => x * x) = 1.
Proof.
  assert (C2 : forall x, continuity_pt (fun x => x * x) x).
  { intros x. apply (continuity_pt_mult (fun x => x) (fun x => x)); apply continuity_pt_id. }
  split; [apply (Int_normal_growth _ 4 1); [exact C2|exact square_growth]|].
  assert (I : Int leb (fun x => bell x * (x * x))) by (apply (Int_bell_growth _ 4 1); auto using square_growth).
  rewrite Ex_normal_bell by exact I.
  destruct (Ex_line_dominated (fun x => bell x * (x * x) - bell x) (fun x => - (x * bell x))
              (fun x => bell x * (x * x) + bell x) 0 0) as [_ E].
  - intros x. apply (continuity_pt_minus (fun x => bell x * (x * x)) bell); [|apply bell_continuous].
    apply (continuity_pt_mult bell (fun x => x * x)); auto using bell_continuous.
  - intros x. evar_last.
    + apply (is_derive_opp (fun x => x * bell x)).
      apply (is_derive_mult (fun x => x) bell); [apply (is_derive_id (K := R_AbsRing))|apply bell_derive|].
      intros; apply Rmult_comm.
    + unfold opp, plus, mult, one; simpl. ring.
  - apply Int_plus; [exact I|apply Int_bell].
  - intros x. pose proof (bell_pos x). apply Rabs_le. nra.
  - apply (bell_vanishes_down _ 1). intros x. rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (bell x))
      by (left; apply bell_pos). pose proof (bell_pos x). pose proof (Rabs_pos x). nra.
  - apply (bell_vanishes _ 1). intros x. rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (bell x))
      by (left; apply bell_pos). pose proof (bell_pos x). pose proof (Rabs_pos x). nra.
  - rewrite Ex_minus, gauss_integral in E by (auto; apply Int_bell).
    replace (Ex leb (fun x => bell x * (x * x))) with (sqrt (2 * PI)) by lra. field.
    apply Rgt_not_eq, root_pos.
Qed.
