(** * Lebesgue integrals by antiderivatives

    The fundamental theorem of calculus for Lebesgue's integral on the line, on intervals and on the
    whole line, from the measure of an interval and dominated or monotone convergence alone. *)
From Coq Require Import Reals Lra Lia List.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Expect Measure Line.
Open Scope R_scope.

Notation leb := lebesgueE.
Global Opaque lebesgueE.

Lemma inside_pos a b x : 0 <= inside a b x <= 1.
Proof. unfold inside. repeat destruct Rlt_dec; repeat destruct Rle_dec; lra. Qed.
Lemma inside_in a b x : a < x -> x <= b -> inside a b x = 1.
Proof. unfold inside. intros. destruct Rlt_dec; [|lra]. destruct Rle_dec; lra. Qed.

Lemma derive_continuity (F : R -> R) x l : is_derive F x l -> continuity_pt F x.
Proof. intros H. apply continuity_pt_filterlim. exact (derive_continuous F x l H). Qed.

Section Antiderivative.
Variables f F : R -> R.
Hypothesis cf : forall x, continuity_pt f x.
Hypothesis dF : forall x, is_derive F x (f x).

Let piece (a b x : R) : R := f x * inside a b x.

Lemma piece_int a b : Int leb (piece a b).
Proof.
  destruct (Rle_lt_dec a b) as [H|H].
  - destruct (continuity_ab_maj (fun x => Rabs (f x)) a b H) as (m & Hm & _).
    { intros x _. apply (continuity_pt_comp f Rabs); auto. apply Rcontinuity_abs. }
    apply (@Int_dominated _ (fun x => Rabs (f m) * inside a b x)).
    + apply measurable1_mult; [now apply measurable1_continuous|apply measurable1_inside].
    + intros x. unfold piece. rewrite Rabs_mult, (Rabs_pos_eq (inside a b x)) by apply inside_pos.
      unfold inside. destruct Rlt_dec; [|lra]. destruct Rle_dec; [|lra].
      rewrite !Rmult_1_r. apply Hm. lra.
    + apply Int_scal. now apply Ex_inside.
  - apply (Int_ext leb (fun _ => 0)); [|apply Int_0]. intros x. unfold piece, inside.
    destruct Rlt_dec; [|ring]. destruct Rle_dec; [lra|ring].
Qed.

Let primitive (t : R) : R := Ex leb (piece 0 t) - Ex leb (piece t 0).

Lemma primitive_diff u v : u <= v -> primitive v - primitive u = Ex leb (piece u v).
Proof.
  intros H. unfold primitive.
  assert (E : Ex leb (piece 0 v) + Ex leb (piece u 0) = Ex leb (piece u v) +
              (Ex leb (piece v 0) + Ex leb (piece 0 u))).
  { rewrite <- !Ex_plus by (repeat apply Int_plus; apply piece_int). apply Ex_ext. intros x.
    unfold piece, inside. repeat destruct Rlt_dec; repeat destruct Rle_dec; lra. }
  lra.
Qed.

Lemma piece_near u v c e : u <= v -> (forall x, u <= x <= v -> Rabs (f x - c) <= e) ->
  Rabs (Ex leb (piece u v) - c * (v - u)) <= e * (v - u).
Proof.
  intros H He. destruct (@Ex_inside u v H) as [I1 I2].
  rewrite <- I2, <- !Ex_scal, <- Ex_minus by (try apply Int_scal; auto using piece_int).
  apply Ex_abs.
  - apply Int_minus; [apply piece_int|now apply Int_scal].
  - now apply Int_scal.
  - intros x. unfold piece. replace (f x * inside u v x - c * inside u v x)
      with ((f x - c) * inside u v x) by ring.
    unfold inside. destruct Rlt_dec; [|rewrite Rmult_0_r, Rabs_R0; lra].
    destruct Rle_dec; [|rewrite Rmult_0_r, Rabs_R0; lra]. rewrite !Rmult_1_r. apply He. lra.
Qed.

Lemma primitive_derive t : is_derive primitive t (f t).
Proof.
  apply derive_lim0, lim0_eps. intros e.
  assert (He : 0 < e / 2) by (pose proof (cond_pos e); lra).
  destruct (cf t (e / 2) He) as (d & Hd & Hc). exists (mkposreal d Hd). intros h Hh0 Hh. simpl in Hh.
  assert (Hnear : forall x, Rabs (x - t) < d -> Rabs (f x - f t) <= e / 2).
  { intros x Hx. destruct (Req_dec x t) as [->|Hne]; [rewrite Rminus_eq_0, Rabs_R0; lra|].
    left. apply Hc. split; auto. split; [exact I|auto]. }
  assert (Hb : Rabs (primitive (t + h) - primitive t - f t * h) <= e / 2 * Rabs h).
  { destruct (Rle_lt_dec 0 h) as [Hp|Hn].
    - rewrite primitive_diff, (Rabs_pos_eq h) by lra.
      replace h with (t + h - t) at 2 3 by ring. apply piece_near; [lra|].
      intros x Hx. apply Hnear. rewrite Rabs_pos_eq in Hh by lra. apply Rabs_def1; lra.
    - rewrite (Rabs_left h) by lra.
      replace (primitive (t + h) - primitive t - f t * h)
        with (- (primitive t - primitive (t + h) - f t * (t - (t + h)))) by ring.
      rewrite Rabs_Ropp, primitive_diff by lra. replace (- h) with (t - (t + h)) by ring.
      apply piece_near; [lra|]. intros x Hx. apply Hnear. rewrite Rabs_left in Hh by lra.
      apply Rabs_def1; lra. }
  replace ((primitive (t + h) - primitive t) / h - f t)
    with ((primitive (t + h) - primitive t - f t * h) * / h) by (field; auto).
  rewrite Rabs_mult, Rabs_Rinv by auto. assert (0 < Rabs h) by now apply Rabs_pos_lt.
  apply Rle_lt_trans with (e / 2); [|lra].
  apply (Rmult_le_reg_r (Rabs h)); auto. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.

(** Every continuous function has an antiderivative. *)
Theorem antiderivative : exists P, P 0 = 0 /\ forall x, is_derive P x (f x).
Proof. exists primitive. split; [unfold primitive; ring|exact primitive_derive]. Qed.

(** On an interval. *)
Theorem Ex_interval a b : a <= b ->
  Int leb (fun x => f x * inside a b x) /\ Ex leb (fun x => f x * inside a b x) = F b - F a.
Proof.
  intros H. split; [apply piece_int|]. fold (piece a b). rewrite <- primitive_diff by auto.
  destruct (MVT_gen (fun t => primitive t - F t) a b (fun _ => 0)) as (c & _ & E).
  - intros x _. replace 0 with (f x - f x) by ring.
    apply (is_derive_minus primitive F); auto using primitive_derive.
  - intros x _. apply (derive_continuity _ x (f x - f x)).
    apply (is_derive_minus primitive F); auto using primitive_derive.
  - simpl in E. lra.
Qed.

End Antiderivative.

(** The same where [f] is an antiderivative's derivative on the interval only. *)
Definition clamp (a b x : R) : R := Rmax a (Rmin b x).
Lemma clamp_in a b x : a <= b -> a <= clamp a b x <= b.
Proof. unfold clamp, Rmax, Rmin. intros. repeat destruct Rle_dec; lra. Qed.
Lemma clamp_id a b x : a <= x <= b -> clamp a b x = x.
Proof. unfold clamp, Rmax, Rmin. intros. repeat destruct Rle_dec; lra. Qed.
Lemma clamp_continuous a b x : continuity_pt (clamp a b) x.
Proof.
  intros e He. exists e. split; auto. intros y [_ Hy]. simpl in *. unfold R_dist in *.
  eapply Rle_lt_trans; [|exact Hy]. unfold clamp, Rmax, Rmin, Rabs.
  repeat destruct Rle_dec; repeat destruct Rcase_abs; lra.
Qed.

Theorem Ex_interval_local f F a b : a <= b ->
  (forall x, a <= x <= b -> continuity_pt f x) -> (forall x, a <= x <= b -> is_derive F x (f x)) ->
  Int leb (fun x => f x * inside a b x) /\ Ex leb (fun x => f x * inside a b x) = F b - F a.
Proof.
  intros H cf dF. set (g := fun x => f (clamp a b x)).
  assert (cg : forall x, continuity_pt g x).
  { intros x. apply (continuity_pt_comp (clamp a b) f); [apply clamp_continuous|].
    apply cf. now apply clamp_in. }
  destruct (antiderivative g cg) as (P & _ & dP).
  destruct (Ex_interval g P cg dP a b H) as [I E].
  assert (Eg : forall x, g x * inside a b x = f x * inside a b x).
  { intros x. unfold inside. destruct Rlt_dec; [|ring]. destruct Rle_dec; [|ring].
    unfold g. rewrite clamp_id; lra. }
  split; [exact (Int_ext _ _ _ Eg I)|]. rewrite <- (Ex_ext _ _ _ Eg), E.
  destruct (MVT_gen (fun t => P t - F t) a b (fun _ => 0)) as (c & _ & E').
  - rewrite Rmin_left, Rmax_right by auto. intros x Hx. replace 0 with (g x - f x).
    + apply (is_derive_minus P F); auto. apply dF. lra.
    + unfold g. rewrite clamp_id by lra. ring.
  - rewrite Rmin_left, Rmax_right by auto. intros x Hx.
    apply (derive_continuity _ x (g x - f x)). apply (is_derive_minus P F); auto.
  - simpl in E'. lra.
Qed.

(** Growing intervals: where [a n] and [b n] go, the integral goes, for a positive function. *)
Lemma Ex_growing (f F : R -> R) (a b : nat -> R) (on : R -> R) (l : R) :
  (forall n, Int leb (fun x => f x * inside (a n) (b n) x) /\
             Ex leb (fun x => f x * inside (a n) (b n) x) = F (b n) - F (a n)) ->
  (forall n, a (S n) <= a n) -> (forall n, b n <= b (S n)) ->
  (forall x, 0 <= f x * on x) ->
  (forall n x, f x * inside (a n) (b n) x = 0 \/
               f x * inside (a n) (b n) x = f x * on x /\ a n < x <= b n) ->
  (forall x, exists N, forall n, (N <= n)%nat -> f x * inside (a n) (b n) x = f x * on x) ->
  (forall e, 0 < e -> exists N, forall n, (N <= n)%nat -> Rabs (F (b n) - F (a n) - l) < e) ->
  Int leb (fun x => f x * on x) /\ Ex leb (fun x => f x * on x) = l.
Proof.
  intros Hint Ha Hb Hpos Hcase Hev Hl.
  apply (@Ex_monotone (fun n x => f x * inside (a n) (b n) x)).
  - intros n. apply Hint.
  - intros n x. destruct (Hcase n x) as [->|[-> _]]; auto. lra.
  - intros n x. destruct (Hcase n x) as [->|[E Hx]].
    + destruct (Hcase (S n) x) as [->|[-> _]]; auto. lra.
    + rewrite E. destruct (Hcase (S n) x) as [E'|[-> _]]; [|lra].
      rewrite E'. specialize (Ha n). specialize (Hb n).
      rewrite inside_in in E' by lra. rewrite inside_in in E by lra. lra.
  - intros x e He. destruct (Hev x) as [N HN]. exists N. intros n Hn.
    rewrite HN by (apply (ssrbool.elimT ssrnat.leP) in Hn; lia). rewrite Rminus_eq_0, Rabs_R0. exact He.
  - intros e He. destruct (Hl e He) as [N HN]. exists N. intros n Hn.
    apply (ssrbool.elimT ssrnat.leP) in Hn.
    destruct (Hint n) as [_ ->]. now apply HN.
Qed.
(** Limits of an antiderivative at both ends. *)
Definition tends_up (F : R -> R) (l : R) : Prop :=
  forall e, 0 < e -> exists M, forall x, M < x -> Rabs (F x - l) < e.
Definition tends_down (F : R -> R) (l : R) : Prop := tends_up (fun x => F (- x)) l.

Lemma nat_above x : exists N, forall n, (N <= n)%nat -> x < INR n.
Proof.
  destruct (nfloor_ex (Rmax x 0)) as (n & _ & H); [apply Rmax_r|]. exists (S n). intros m Hm.
  apply le_INR in Hm. rewrite S_INR in Hm. pose proof (Rmax_l x 0). lra.
Qed.

Definition above (a x : R) : R := if Rlt_dec a x then 1 else 0.
Definition upto (a x : R) : R := if Rle_dec x a then 1 else 0.

(** The line, for a positive function. *)
Theorem Ex_line f F A B : (forall x, continuity_pt f x) -> (forall x, is_derive F x (f x)) ->
  (forall x, 0 <= f x) -> tends_down F A -> tends_up F B -> Int leb f /\ Ex leb f = B - A.
Proof.
  intros cf dF f0 HA HB.
  destruct (Ex_growing f F (fun n => - INR n) INR (fun _ => 1) (B - A)) as [H1 H2].
  - intros n. pose proof (pos_INR n). apply Ex_interval; auto. lra.
  - intros n. rewrite S_INR. lra.
  - intros n. rewrite S_INR. lra.
  - intros x. rewrite Rmult_1_r. auto.
  - intros n x. unfold inside. destruct Rlt_dec; [|left; ring]. destruct Rle_dec; [|left; ring].
    right. split; [easy|lra].
  - intros x. destruct (nat_above (Rabs x)) as [N HN]. exists N. intros n Hn. specialize (HN n Hn).
    apply Rabs_def2 in HN. rewrite inside_in; lra.
  - intros e He. destruct (HA (e / 2)) as [M1 H1]; [lra|]. destruct (HB (e / 2)) as [M2 H2]; [lra|].
    destruct (nat_above (Rmax M1 M2)) as [N HN]. exists N. intros n Hn. specialize (HN n Hn).
    pose proof (Rmax_l M1 M2). pose proof (Rmax_r M1 M2).
    specialize (H1 (INR n) ltac:(lra)). specialize (H2 (INR n) ltac:(lra)).
    apply Rabs_def2 in H1. apply Rabs_def2 in H2. apply Rabs_def1; lra.
  - split.
    + eapply Int_ext; [|exact H1]. intros; simpl; ring.
    + rewrite <- H2. apply Ex_ext. intros; ring.
Qed.

(** The half-line above [a]. *)
Theorem Ex_above f F a B : (forall x, continuity_pt f x) -> (forall x, is_derive F x (f x)) ->
  (forall x, a < x -> 0 <= f x) -> tends_up F B ->
  Int leb (fun x => f x * above a x) /\ Ex leb (fun x => f x * above a x) = B - F a.
Proof.
  intros cf dF f0 HB.
  apply (Ex_growing f F (fun _ => a) (fun n => a + INR n) (above a)).
  - intros n. pose proof (pos_INR n). apply Ex_interval; auto. lra.
  - intros; lra.
  - intros n. rewrite S_INR. lra.
  - intros x. unfold above. destruct Rlt_dec; [rewrite Rmult_1_r; auto|lra].
  - intros n x. unfold inside, above. destruct Rlt_dec; [|left; ring].
    destruct Rle_dec; [|left; ring]. right. split; [easy|lra].
  - intros x. destruct (nat_above (x - a)) as [N HN]. exists N. intros n Hn. specialize (HN n Hn).
    unfold inside, above. destruct Rlt_dec; auto. destruct Rle_dec; auto. lra.
  - intros e He. destruct (HB e He) as [M HM]. destruct (nat_above (M - a)) as [N HN]. exists N.
    intros n Hn. specialize (HN n Hn). specialize (HM (a + INR n) ltac:(lra)).
    now replace (F (a + INR n) - F a - (B - F a)) with (F (a + INR n) - B) by ring.
Qed.

(** The half-line up to [a]. *)
Theorem Ex_upto f F a A : (forall x, continuity_pt f x) -> (forall x, is_derive F x (f x)) ->
  (forall x, x <= a -> 0 <= f x) -> tends_down F A ->
  Int leb (fun x => f x * upto a x) /\ Ex leb (fun x => f x * upto a x) = F a - A.
Proof.
  intros cf dF f0 HA.
  apply (Ex_growing f F (fun n => a - INR n) (fun _ => a) (upto a)).
  - intros n. pose proof (pos_INR n). apply Ex_interval; auto. lra.
  - intros n. rewrite S_INR. lra.
  - intros; lra.
  - intros x. unfold upto. destruct Rle_dec; [rewrite Rmult_1_r; auto|lra].
  - intros n x. unfold inside, upto. destruct Rlt_dec; [|left; ring].
    destruct Rle_dec; [|left; ring]. right. split; [easy|lra].
  - intros x. destruct (nat_above (a - x)) as [N HN]. exists N. intros n Hn. specialize (HN n Hn).
    unfold inside, upto. destruct Rlt_dec; [easy|lra].
  - intros e He. destruct (HA e He) as [M HM]. destruct (nat_above (M + a)) as [N HN]. exists N.
    intros n Hn. specialize (HN n Hn). specialize (HM (INR n - a) ltac:(lra)).
    replace (- (INR n - a)) with (a - INR n) in HM by ring. rewrite <- Rabs_Ropp.
    now replace (- (F a - F (a - INR n) - (F a - A))) with (F (a - INR n) - A) by ring.
Qed.

(** The line, for a function of any sign under an integrable bound: first as a limit of intervals. *)
Definition window (h x : R) : R := inside (- / Rabs h) (/ Rabs h) x.
Lemma window_big h m : h <> 0 -> 0 < m -> Rabs h < / m -> m < / Rabs h.
Proof.
  intros Hh Hm H. rewrite <- (Rinv_involutive m) by lra. apply Rinv_lt_contravar; auto.
  apply Rmult_lt_0_compat; [now apply Rabs_pos_lt|]. now apply Rinv_0_lt_compat.
Qed.

Theorem Ex_windows f g : (forall x, continuity_pt f x) ->
  Int leb g -> (forall x, Rabs (f x) <= g x) ->
  Int leb f /\ lim0 (fun h => Ex leb (fun x => f x * window h x)) (Ex leb f).
Proof.
  intros cf Hg Hfg.
  apply (Ex_lim leb (fun h x => f x * window h x) f g (mkposreal 1 Rlt_0_1)); auto.
  - intros h _ _. apply (piece_int f cf).
  - intros h x _ _. unfold window.
    rewrite Rabs_mult, (Rabs_pos_eq (inside _ _ x)) by apply inside_pos.
    specialize (Hfg x). pose proof (inside_pos (- / Rabs h) (/ Rabs h) x). pose proof (Rabs_pos (f x)).
    nra.
  - intros x. assert (Hx : 0 < 1 + Rabs x) by (pose proof (Rabs_pos x); lra).
    apply (lim0_near (fun _ => f x) _ _ (mkposreal _ (Rinv_0_lt_compat _ Hx))); [|apply filterlim_const].
    intros h Hh0 Hh. unfold window. pose proof (window_big h _ Hh0 Hx Hh) as H.
    assert (H' : Rabs x < / Rabs h) by lra. apply Rabs_def2 in H'. rewrite inside_in; lra.
Qed.

Theorem Ex_line_dominated f F g A B :
  (forall x, continuity_pt f x) -> (forall x, is_derive F x (f x)) ->
  Int leb g -> (forall x, Rabs (f x) <= g x) -> tends_down F A -> tends_up F B ->
  Int leb f /\ Ex leb f = B - A.
Proof.
  intros cf dF Hg Hfg HA HB. destruct (Ex_windows f g cf Hg Hfg) as [H1 H2].
  split; auto. apply (lim0_unique (fun h => Ex leb (fun x => f x * window h x))); auto.
  apply lim0_eps. intros e. assert (He : 0 < e / 2) by (pose proof (cond_pos e); lra).
  destruct (HA _ He) as [M1 K1]. destruct (HB _ He) as [M2 K2].
  set (M := Rmax 1 (Rmax M1 M2)).
  assert (HM : 0 < M) by (unfold M; pose proof (Rmax_l 1 (Rmax M1 M2)); lra).
  assert (M1 <= M /\ M2 <= M).
  { unfold M. pose proof (Rmax_r 1 (Rmax M1 M2)). pose proof (Rmax_l M1 M2).
    pose proof (Rmax_r M1 M2). lra. }
  exists (mkposreal _ (Rinv_0_lt_compat _ HM)). intros h Hh0 Hh.
  pose proof (window_big h M Hh0 HM Hh) as Hbig.
  destruct (Ex_interval f F cf dF (- / Rabs h) (/ Rabs h) ltac:(lra)) as [_ E].
  unfold window. rewrite E.
  specialize (K1 (/ Rabs h) ltac:(lra)). specialize (K2 (/ Rabs h) ltac:(lra)).
  apply Rabs_def2 in K1. apply Rabs_def2 in K2. apply Rabs_def1; lra.
Qed.

(** From a limit in a real parameter to one along 1, 1/2, 1/3, ... *)
Lemma lim0_along F l (u : nat -> R) : lim0 F l -> (forall n, u n <> 0) ->
  (forall d, 0 < d -> exists N, forall n, (N <= n)%nat -> Rabs (u n) < d) ->
  forall e, 0 < e -> exists N, forall n, (N <= n)%nat -> Rabs (F (u n) - l) < e.
Proof.
  intros H Hu Hs e He. destruct (proj1 (lim0_eps _ _) H (mkposreal e He)) as [d Hd].
  destruct (Hs d (cond_pos d)) as [N HN]. exists N. intros n Hn. apply Hd; auto.
Qed.
