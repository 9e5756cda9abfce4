(** * Integrability from growth

    Under any sequence of tame draws (normal, uniform, finite), a function of the trace that is
    continuous in each number that is not drawn from a finite law and grows at most exponentially is integrable.  So the analytic
    side conditions of the main theorem reduce to a bound by [C exp (k (|x1| + ... + |xn|))]. *)
From Coq Require Import Reals Lra Lia List.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Draws.
From Sgc Require Import Measure Line Calculus Normal Laws.
Import ListNotations.
Open Scope R_scope.

Definition tame_base (E : expectation R) : Prop := forall f C k,
  (forall x, continuity_pt f x) -> (forall x, Rabs (f x) <= C * exp (k * Rabs x)) -> Int E f.

Lemma tame_normal : tame_base normalE.
Proof. intros f C k. apply Int_normal_growth. Qed.
Lemma tame_unit : tame_base unitE.
Proof.
  intros f C k cf _. simpl. apply (Int_ext leb (fun x => f x * inside 0 1 x)); [intros; ring|].
  exact (piece_int f cf 0 1).
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

Definition spread (cs : list coord) (tr : trace) : R := sum cs (fun c => Rabs (get tr c)).
Definition continuous_in (F : trace -> R) (c : coord) : Prop :=
  forall tr v, continuity_pt (fun v => F (set tr c v)) v.

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
  match cs with [] => 1 | c :: cs => Ex (K c) (fun v => exp (k * Rabs v)) * envelope_mass k cs end.

Lemma exp_abs_continuous k x : continuity_pt (fun v => exp (k * Rabs v)) x.
Proof.
  apply (continuity_pt_comp (fun v => k * Rabs v) exp); [|apply derivable_continuous, derivable_exp].
  apply continuity_pt_mult; [apply continuity_pt_const; now intros a b|apply Rcontinuity_abs].
Qed.
Lemma Int_exp_abs c k m : Int (K c) (fun v => exp (k * Rabs v) * m).
Proof.
  apply (K_tame c _ (Rabs m) k).
  - intros x. apply continuity_pt_mult; [apply exp_abs_continuous|apply continuity_pt_const; now intros a b].
  - intros x. rewrite Rabs_mult, (Rabs_pos_eq (exp _)) by (left; apply exp_pos). lra.
Qed.

Lemma spread_reached c cs tr v tr' : ~ In c cs -> reaches cs (set tr c v) tr' ->
  spread (c :: cs) tr' = Rabs v + spread cs tr'.
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
      = exp (k * Rabs v) * envelope_mass k cs).
    { intros v. destruct (IH Hd' (set tr c v)) as [I1 I2].
      destruct (drawE_ext K cs (set tr c v) (fun tr' => exp (k * Rabs v) * exp (k * spread cs tr'))
                  (fun tr' => exp (k * spread (c :: cs) tr'))) as [E1 E2].
      { intros tr' Hr. rewrite (spread_reached c cs tr v tr' Hn Hr), <- exp_plus. f_equal. ring. }
      split; [apply E2; now apply Int_scal|]. rewrite <- E1, Ex_scal, I2 by exact I1. reflexivity. }
    cbn [drawE Ex Int mapE bindE snd envelope_mass].
    split.
    + split; [intros v; apply Hin|].
      apply (Int_ext _ (fun v => exp (k * Rabs v) * envelope_mass k cs)); [|apply Int_exp_abs].
      intros v. symmetry. apply Hin.
    + rewrite (Ex_ext _ _ (fun v => envelope_mass k cs * exp (k * Rabs v)))
        by (intros v; rewrite Rmult_comm; apply Hin).
      rewrite Ex_scal; [ring|].
      apply (Int_ext _ (fun v => exp (k * Rabs v) * 1)); [intros; ring|apply Int_exp_abs].
Qed.

Theorem tame_int cs k : NoDup cs -> 0 <= k -> forall F C tr, 0 <= C ->
  (forall c, In c cs -> (forall f, Int (K c) f) \/ continuous_in F c) ->
  (forall tr', reaches cs tr tr' -> Rabs (F tr') <= C * exp (k * spread cs tr')) ->
  Int (drawE K cs tr) F.
Proof.
  intros Hd Hk. induction cs as [|c cs IH]; intros F C tr HC Hc Hb; [exact I|].
  inversion Hd as [|? ? Hn Hd']; subst. specialize (IH Hd').
  assert (Hbv : forall v tr', reaches cs (set tr c v) tr' ->
    Rabs (F tr') <= C * exp (k * Rabs v) * exp (k * spread cs tr')).
  { intros v tr' Hr. rewrite Rmult_assoc, <- exp_plus, <- Rmult_plus_distr_l.
    rewrite <- (spread_reached c cs tr v tr' Hn Hr). apply Hb. now exists v. }
  assert (HCv : forall v, 0 <= C * exp (k * Rabs v)).
  { intros v. apply Rmult_le_pos; auto. left; apply exp_pos. }
  assert (Hin : forall v, Int (drawE K cs (set tr c v)) F).
  { intros v. apply (IH F (C * exp (k * Rabs v))); auto. intros b Hbin. apply Hc. now right. }
  assert (Hval : forall v, Rabs (Ex (drawE K cs (set tr c v)) F)
                           <= C * envelope_mass k cs * exp (k * Rabs v)).
  { intros v. destruct (envelope cs k Hd' (set tr c v)) as [I1 E1].
    set (g := fun tr' => C * exp (k * Rabs v) * exp (k * spread cs tr')).
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
  intros v. apply continuity_pt_filterlim.
  assert (L : lim0 (fun h => Ex (drawE K cs (set tr c (v + h))) F) (Ex (drawE K cs (set tr c v)) F)).
  { set (g := fun tr' => C * exp (k * (Rabs v + 1)) * exp (k * spread cs tr')).
    assert (Hg0 : forall tr', 0 <= g tr').
    { intros tr'. repeat apply Rmult_le_pos; auto; left; apply exp_pos. }
    assert (Ig : Int (drawE K cs tr) g) by (apply Int_scal, envelope; auto).
    set (A := fun h tr' => clip (g tr') (F (set tr' c (v + h)))).
    assert (HA : forall h, Rabs h < 1 ->
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
      - eapply Rle_trans; [apply Rabs_triang|]. lra.
      - apply sum_le. intros b Hbin. rewrite get_set_other; [lra|]. intros ->. contradiction. }
    assert (HE : forall h, Rabs h < 1 ->
      Ex (drawE K cs (set tr c (v + h))) F = Ex (drawE K cs tr) (A h) /\ Int (drawE K cs tr) (A h)).
    { intros h Hh. destruct (drawE_set c cs Hn tr (v + h) F) as [-> HI].
      destruct (drawE_ext K cs tr (fun tr' => F (set tr' c (v + h))) (A h) (HA h Hh)) as [E2 E3].
      split; auto. apply E3, HI, Hin. }
    destruct (HE 0) as [E0 _]; [rewrite Rabs_R0; lra|]. rewrite Rplus_0_r in E0. rewrite E0.
    apply (lim0_near (fun h => Ex (drawE K cs tr) (A h)) _ _ (mkposreal 1 Rlt_0_1)).
    { intros h _ Hh. symmetry. now apply HE. }
    apply (Ex_lim (drawE K cs tr) A (A 0) g (mkposreal 1 Rlt_0_1)); auto.
    - intros h _ Hh. now apply HE.
    - intros h tr' _ _. now apply clip_bound.
    - intros tr'. apply lim0_eps. intros e.
      destruct (Hcc tr' v e (cond_pos e)) as (d & Hd0 & Hcd).
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
