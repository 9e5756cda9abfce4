(** * A growth analysis

    [tame G] is a boolean: it holds for graphs without log-densities (every draw reparameterised)
    whose nodes have no domains or kinks and take exponentials of what does not depend on draws only.
    For such graphs nothing analytic is left to assume ([tame_sound]): the expected cost may be
    differentiated under the expectation. *)
From Coq Require Import Reals Lra Lia List Bool Arith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Number Certificate Draws.
From Sgc Require Import Measure Line Calculus Normal Laws Growth.
Import ListNotations.
Open Scope R_scope.

(** ** Families that grow at most exponentially in [S], near t = 0 *)
Section Envelope.
Variable S : trace -> R.
Hypothesis S_ge0 : forall tr, 0 <= S tr.

Definition grows {A} (l : list A) (u : R -> trace -> A -> R) : Prop :=
  exists C k, 0 <= C /\ 0 <= k /\
    locally (0 : R) (fun t => forall tr a, In a l -> Rabs (u t tr a) <= C * exp (k * S tr)).

Lemma exp_up k k' tr : k <= k' -> exp (k * S tr) <= exp (k' * S tr).
Proof. intros H. apply exp_le. apply Rmult_le_compat_r; auto. Qed.
Lemma exp_ge1 k tr : 0 <= k -> 1 <= exp (k * S tr).
Proof. intros H. rewrite <- exp_0. apply exp_le. apply Rmult_le_pos; auto. Qed.

Lemma grows_le {A} (l : list A) u w :
  (forall t tr a, In a l -> Rabs (u t tr a) <= Rabs (w t tr a)) -> grows l w -> grows l u.
Proof.
  intros H (C & k & HC & Hk & Hl). exists C, k. repeat split; auto.
  revert Hl. apply filter_imp. intros t Ht tr a Ha. eapply Rle_trans; eauto.
Qed.
Lemma grows_ext {A} (l : list A) u w :
  (forall t tr a, In a l -> u t tr a = w t tr a) -> grows l w -> grows l u.
Proof. intros H. apply grows_le. intros. rewrite H; auto. lra. Qed.
Lemma grows_const {A} (l : list A) c : grows l (fun _ _ _ => c).
Proof.
  exists (Rabs c), 0. repeat split; [apply Rabs_pos|lra|]. apply filter_forall. intros t tr a _.
  rewrite Rmult_0_l, exp_0. lra.
Qed.
Lemma grows_plus {A} (l : list A) u w : grows l u -> grows l w ->
  grows l (fun t tr a => u t tr a + w t tr a).
Proof.
  intros (C & k & HC & Hk & Hu) (C' & k' & HC' & Hk' & Hw). exists (C + C'), (k + k').
  repeat split; try lra. generalize (filter_and _ _ Hu Hw). apply filter_imp.
  intros t [H1 H2] tr a Ha. specialize (H1 tr a Ha). specialize (H2 tr a Ha).
  eapply Rle_trans; [apply Rabs_triang|]. rewrite Rmult_plus_distr_r.
  pose proof (exp_up k (k + k') tr ltac:(lra)). pose proof (exp_up k' (k + k') tr ltac:(lra)).
  apply Rplus_le_compat; eapply Rle_trans; eauto; apply Rmult_le_compat_l; auto.
Qed.
Lemma grows_mult {A} (l : list A) u w : grows l u -> grows l w ->
  grows l (fun t tr a => u t tr a * w t tr a).
Proof.
  intros (C & k & HC & Hk & Hu) (C' & k' & HC' & Hk' & Hw). exists (C * C'), (k + k').
  repeat split; try lra; [now apply Rmult_le_pos|]. generalize (filter_and _ _ Hu Hw).
  apply filter_imp. intros t [H1 H2] tr a Ha. rewrite Rabs_mult.
  replace (C * C' * exp ((k + k') * S tr)) with (C * exp (k * S tr) * (C' * exp (k' * S tr)))
    by (rewrite Rmult_plus_distr_r, exp_plus; ring).
  apply Rmult_le_compat; auto using Rabs_pos.
Qed.
Lemma grows_at {A B} (l : list A) (m : list B) (h : B -> A) u :
  (forall b, In b m -> In (h b) l) -> grows l u -> grows m (fun t tr b => u t tr (h b)).
Proof.
  intros H (C & k & HC & Hk & Hu). exists C, k. repeat split; auto.
  revert Hu. apply filter_imp. auto.
Qed.
(** Sums of a part of the terms, the part depending on the index. *)
Lemma grows_part {A B} (l : list A) (m : list B) (on : B -> A -> bool) u : grows l u ->
  grows m (fun t tr b => sum l (fun a => if on b a then u t tr a else 0)).
Proof.
  intros (C & k & HC & Hk & Hu). exists (INR (length l) * C), k.
  split; [apply Rmult_le_pos; auto using pos_INR|]. split; auto.
  revert Hu. apply filter_imp. intros t H tr b _. specialize (H tr).
  set (M := C * exp (k * S tr)) in *. assert (HM : 0 <= M).
  { apply Rmult_le_pos; auto. left; apply exp_pos. }
  rewrite Rmult_assoc. fold M. clearbody M. induction l as [|a l IH]; cbn [sum length].
  - rewrite Rabs_R0. simpl. lra.
  - rewrite S_INR, Rmult_plus_distr_r, Rmult_1_l, Rplus_comm.
    eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat.
    + apply IH. intros c Hc. apply H. now right.
    + destruct (on b a); [apply H; now left|]. rewrite Rabs_R0. exact HM.
Qed.
End Envelope.

(** Scalar functions of at most quadratic growth, with their derivatives. *)
Definition mild (f : fn1) : bool :=
  match f with Affine _ _ _ | Square | Tanh | Sigmoid | Softplus | Sin | Cos => true | _ => false end.

Lemma logistic_range x : 0 < logistic x < 1.
Proof.
  unfold logistic. pose proof (exp_pos (- x)). split; [apply Rinv_0_lt_compat; lra|].
  rewrite <- Rinv_1. apply Rinv_lt_contravar; lra.
Qed.
Lemma tanh_range x : -1 < app1 Tanh x < 1.
Proof.
  simpl. pose proof (exp_pos x). pose proof (exp_pos (- x)).
  split; apply (Rmult_lt_reg_r (exp x + exp (- x))); try lra;
    unfold Rdiv; rewrite ?Rmult_assoc, Rinv_l by lra; lra.
Qed.
Lemma softplus_bound x : 0 <= ln (1 + exp x) <= 1 + Rabs x.
Proof.
  pose proof (exp_pos x). split.
  - rewrite <- ln_1. left. apply ln_increasing; lra.
  - rewrite <- (ln_exp (1 + Rabs x)). apply Rcomplements.ln_le; [lra|].
    rewrite exp_plus. pose proof (exp_le x (Rabs x) (Rle_abs x)).
    assert (1 <= exp (Rabs x)) by (rewrite <- exp_0; apply exp_le, Rabs_pos).
    pose proof (exp_ineq1_le 1). nra.
Qed.

Lemma mild_bound f : mild f = true -> exists c, 0 <= c /\ forall x,
  Rabs (app1 f x) <= c * ((1 + Rabs x) * (1 + Rabs x)) /\
  Rabs (diff1 f x) <= c * ((1 + Rabs x) * (1 + Rabs x)).
Proof.
  assert (One : forall x, 1 <= (1 + Rabs x) * (1 + Rabs x) /\ Rabs x <= (1 + Rabs x) * (1 + Rabs x)).
  { intros x. pose proof (Rabs_pos x). split; nra. }
  assert (Small : forall y c x, Rabs y <= c -> 0 <= c -> Rabs y <= c * ((1 + Rabs x) * (1 + Rabs x))).
  { intros y c x H Hc. destruct (One x). nra. }
  destruct f; simpl mild; try discriminate; intros _.
  - set (p := Rabs (IZR a / IZR (Zpos d))). set (q := Rabs (IZR b / IZR (Zpos d))).
    exists (p + q). pose proof (Rabs_pos (IZR a / IZR (Zpos d))).
    pose proof (Rabs_pos (IZR b / IZR (Zpos d))). fold p in H. fold q in H0. split; [lra|].
    intros x. destruct (One x) as [O1 O2]. simpl. fold p. split; [|nra].
    replace ((IZR a * x + IZR b) / IZR (Zpos d))
      with (IZR a / IZR (Zpos d) * x + IZR b / IZR (Zpos d)) by (unfold Rdiv; ring).
    eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_mult. fold p q. nra.
  - exists 2. split; [lra|]. intros x. simpl. rewrite !Rabs_mult, (Rabs_pos_eq 2) by lra.
    pose proof (Rabs_pos x). split; nra.
  - exists 1. split; [lra|]. intros x. pose proof (tanh_range x) as T. split; apply Small; try lra.
    + apply Rabs_le. lra.
    + simpl diff1. set (y := app1 Tanh x) in *. change (Rabs (1 - y * y) <= 1). apply Rabs_le. nra.
  - exists 1. split; [lra|]. intros x. pose proof (logistic_range x) as T. simpl.
    split; apply Small; try lra; apply Rabs_le; nra.
  - exists 1. split; [lra|]. intros x. pose proof (logistic_range x) as T.
    pose proof (softplus_bound x) as B. destruct (One x) as [O1 O2]. pose proof (Rabs_pos x). simpl.
    split; [rewrite Rabs_pos_eq by lra; nra|]. apply Small; [|lra]. apply Rabs_le. lra.
  - exists 1. split; [lra|]. intros x. pose proof (SIN_bound x). pose proof (COS_bound x). simpl.
    split; apply Small; try lra; apply Rabs_le; lra.
  - exists 1. split; [lra|]. intros x. pose proof (SIN_bound x). pose proof (COS_bound x). simpl.
    split; apply Small; try lra; apply Rabs_le; lra.
Qed.

Section Analysis.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Definition family := R -> trace -> tensor.

(** Values and slopes of a slot grow. *)
Definition slot_grows (S : trace -> R) (s : shape) (v w : family) : Prop :=
  grows S (boxs s) v /\ grows S (boxs s) w.

Definition still : trace -> R := fun _ => 0.

(** [o] keeps growth; [steady] says that it may also take exponentials. *)
Definition keeps (steady : bool) (o : op) : bool :=
  match o with
  | Map1 Exp | Map1 Expm1 => steady
  | Map1 f => mild f
  | Map2 Add | Map2 Sub | Map2 Mul => true
  | Lin _ | Ein2 _ _ _ _ | Const _ _ _ | Iota _ | Size _ => true
  | _ => false
  end.

Fixpoint slots_grow (S : trace -> R) (ss : list shape) (vs ws : list family) : Prop :=
  match ss, vs, ws with
  | [], [], [] => True
  | s :: ss, v :: vs, w :: ws => slot_grows S s v w /\ slots_grow S ss vs ws
  | _, _, _ => False
  end.
Definition at_point (t : R) (tr : trace) (vs : list family) : list tensor := map (fun v => v t tr) vs.

Lemma grows_square S l (v : family) : (forall tr, 0 <= S tr) -> grows S l v ->
  grows S l (fun t tr ix => (1 + Rabs (v t tr ix)) * (1 + Rabs (v t tr ix))).
Proof.
  intros HS H. assert (H1 : grows S l (fun t tr ix => 1 + Rabs (v t tr ix))).
  { apply (grows_plus S HS l (fun _ _ _ => 1) (fun t tr ix => Rabs (v t tr ix))).
    - apply grows_const.
    - apply (grows_le S l _ v); auto. intros. rewrite Rabs_Rabsolu. lra. }
  now apply grows_mult.
Qed.

Lemma keeps_sound S steady o ss s vs ws : (forall tr, 0 <= S tr) ->
  (steady = true -> forall tr, S tr = 0) ->
  keeps steady o = true -> ty o ss = Some s -> slots_grow S ss vs ws ->
  slot_grows S s (fun t tr => den rho tr o (at_point t tr vs))
                 (fun t tr => jvp rho o (at_point t tr vs) (at_point t tr ws)).
Proof.
  intros HS Hst Hk Ht Hg. unfold slot_grows.
  destruct o as [f|f|l|vs' i j o'| |a d s'|d|d|]; simpl in Hk; try discriminate.
  - (* element-wise, one operand *)
    destruct ss as [|s0 [|? ?]]; try discriminate. injection Ht as <-.
    destruct vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in Hg; try tauto.
    destruct Hg as [[Hv Hw] _]. cbn -[app1 diff1].
    destruct (mild f) eqn:Hm.
    + destruct (mild_bound f Hm) as (c & Hc & Hf).
      pose proof (grows_square S _ v HS Hv) as Hsq.
      assert (Hq : grows S (boxs s0)
        (fun t tr ix => c * ((1 + Rabs (v t tr ix)) * (1 + Rabs (v t tr ix))))).
      { apply (grows_mult S (boxs s0) (fun _ _ _ => c)); [apply grows_const|exact Hsq]. }
      assert (Hpos : forall y, Rabs (c * ((1 + Rabs y) * (1 + Rabs y)))
                               = c * ((1 + Rabs y) * (1 + Rabs y))).
      { intros y. apply Rabs_pos_eq. pose proof (Rabs_pos y). apply Rmult_le_pos; nra. }
      split.
      * apply (grows_le S _ _ _) with (2 := Hq). intros. rewrite Hpos. apply Hf.
      * apply (grows_mult S (boxs s0) (fun t tr ix => diff1 f (v t tr ix)) w); auto.
        apply (grows_le S _ _ _) with (2 := Hq). intros. rewrite Hpos. apply Hf.
    + assert (He : steady = true /\ (f = Exp \/ f = Expm1)).
      { destruct f; try (rewrite Hk in Hm; discriminate); try discriminate; auto. }
      destruct He as [-> He]. specialize (Hst eq_refl).
      assert (HE : grows S (boxs s0) (fun t tr ix => exp (v t tr ix))).
      { destruct Hv as (C & k & HC & Hk0 & Hl). exists (exp C), 0.
        split; [left; apply exp_pos|]. split; [lra|]. revert Hl. apply filter_imp.
        intros t H tr ix Hix. specialize (H tr ix Hix). rewrite Hst, Rmult_0_r, exp_0, Rmult_1_r in *.
        rewrite Rabs_pos_eq by (left; apply exp_pos). apply exp_le.
        apply Rabs_le_between in H. lra. }
      destruct He as [-> | ->]; cbn [app1 diff1].
      * split; auto. now apply grows_mult.
      * split; [|now apply grows_mult].
        apply (grows_plus S HS (boxs s0) (fun t tr ix => exp (v t tr ix)) (fun _ _ _ => - 1)); auto.
        apply grows_const.
  - (* element-wise, two operands *)
    destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate. simpl in Ht.
    destruct (index_eqb_spec s0 s1); [subst s1|discriminate]. injection Ht as <-.
    destruct vs as [|v [|v' [|? ?]]], ws as [|w [|w' [|? ?]]]; simpl in Hg; try tauto.
    destruct Hg as ((Hv & Hw) & (Hv' & Hw') & _).
    assert (Hone : forall c (u : family), grows S (boxs s0) u ->
                     grows S (boxs s0) (fun t tr ix => c * u t tr ix)).
    { intros c u Hu. apply (grows_mult S (boxs s0) (fun _ _ _ => c)); [apply grows_const|exact Hu]. }
    destruct f; try discriminate; cbn; split.
    + now apply (grows_plus S HS (boxs s0) v v').
    + apply (grows_plus S HS (boxs s0) (fun t tr ix => 1 * w t tr ix) (fun t tr ix => 1 * w' t tr ix));
        now apply Hone.
    + apply (grows_ext S _ _ (fun t tr ix => v t tr ix + -1 * v' t tr ix)); [intros; ring|].
      apply (grows_plus S HS (boxs s0) v (fun t tr ix => -1 * v' t tr ix)); auto.
    + apply (grows_plus S HS (boxs s0) (fun t tr ix => 1 * w t tr ix) (fun t tr ix => -1 * w' t tr ix));
        now apply Hone.
    + now apply (grows_mult S (boxs s0) v v').
    + apply (grows_plus S HS (boxs s0) (fun t tr ix => v' t tr ix * w t tr ix)
               (fun t tr ix => v t tr ix * w' t tr ix)); now apply grows_mult.
  - (* linear maps *)
    destruct ss as [|s0 [|? ?]]; try discriminate. simpl in Ht.
    destruct (lin_ok l && index_eqb s0 (src l)) eqn:Hl; [|discriminate]. injection Ht as <-.
    apply andb_prop in Hl as [Hl Hs]. destruct (index_eqb_spec s0 (src l)); [subst s0|discriminate].
    destruct vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in Hg; try tauto.
    destruct Hg as [[Hv Hw] _]. cbn. unfold lin_app.
    assert (Hin : forall p, In p (pairs rho l) -> In (fst p) (boxs (src l))).
    { intros [a b] Hp. now apply (in_pairs rho (fun _ => zero) l a b). }
    assert (Map : forall u : family, grows S (boxs (src l)) u -> grows S (boxs (dst l)) (fun t tr b =>
      sum (pairs rho l) (fun p => if index_eqb (snd p) b then u t tr (fst p) else 0))).
    { intros u Hu. apply (grows_part S (pairs rho l) (boxs (dst l)) (fun b p => index_eqb (snd p) b)
                            (fun t tr p => u t tr (fst p))).
      now apply (grows_at S (boxs (src l)) (pairs rho l) fst). }
    split; now apply Map.
  - (* sums of products *)
    destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate. simpl in Ht.
    match type of Ht with (if ?b then _ else _) = _ => destruct b eqn:Hb; [|discriminate] end.
    injection Ht as <-. repeat (apply andb_prop in Hb as [Hb ?]).
    destruct (index_eqb_spec s0 (pick vs' i)); [subst s0|discriminate].
    destruct (index_eqb_spec s1 (pick vs' j)); [subst s1|discriminate].
    destruct vs as [|v [|v' [|? ?]]], ws as [|w [|w' [|? ?]]]; simpl in Hg; try tauto.
    destruct Hg as ((Hv & Hw) & (Hv' & Hw') & _).
    assert (At : forall p (u : family), below (length vs') p = true ->
      grows S (boxs (pick vs' p)) u -> grows S (boxs vs') (fun t tr z => u t tr (pick z p))).
    { intros p u Hp Hu. apply (grows_at S (boxs (pick vs' p)) (boxs vs') (fun z => pick z p)); auto.
      intros z Hz. now apply pick_in. }
    assert (Prod : forall u u' : family, grows S (boxs (pick vs' i)) u ->
      grows S (boxs (pick vs' j)) u' ->
      grows S (boxs (pick vs' o')) (fun t tr b => ein2 rho vs' i j o' (u t tr) (u' t tr) b)).
    { intros u u' Hu Hu'. unfold ein2.
      apply (grows_part S (boxs vs') (boxs (pick vs' o')) (fun b z => index_eqb (pick z o') b)
               (fun t tr z => u t tr (pick z i) * u' t tr (pick z j))).
      apply grows_mult; now apply At. }
    cbn. split; [now apply Prod|]. apply grows_plus; auto; now apply Prod.
  - destruct ss; try discriminate. injection Ht as <-. destruct vs, ws; simpl in Hg; try tauto.
    cbn. split; [apply grows_const|exact (grows_const S (boxs s') 0)].
  - destruct ss; try discriminate. injection Ht as <-. destruct vs, ws; simpl in Hg; try tauto.
    cbn -[sizes]. split; [|exact (grows_const S (boxs [d]) 0)].
    apply (grows_le S _ _ (fun _ _ _ => INR (rho d))); [|apply grows_const].
    intros t tr ix Hix. rewrite !Rabs_pos_eq by apply pos_INR. apply le_INR.
    apply in_boxs in Hix as [_ Hix]. specialize (Hix 0%nat ltac:(simpl; lia)). simpl in Hix. lia.
  - destruct ss; try discriminate. injection Ht as <-. destruct vs, ws; simpl in Hg; try tauto.
    cbn. split; [apply grows_const|exact (grows_const S (boxs []) 0)].
Qed.
End Analysis.

(** ** Programs *)

(** [steady k]: slot [k] does not grow with the draws. *)
Fixpoint scan (p : program) (n : nat) (steady : nat -> bool) : option (nat -> bool) :=
  match p with
  | [] => Some steady
  | (Sample _ _, _) :: p => scan p (S n) (put steady n false)
  | (o, ps) :: p =>
      let all := forallb steady ps in
      if keeps all o then scan p (S n) (put steady n all) else None
  end.
Definition tame (G : graph) : bool :=
  match g_scores G with
  | [] => match scan (g_nodes G) (inputs G) (fun _ => true) with Some _ => true | None => false end
  | _ => false
  end.

Definition is_sample (o : op) : bool := match o with Sample _ _ => true | _ => false end.
Lemma scan_step o ps p n b b' : is_sample o = false -> scan ((o, ps) :: p) n b = Some b' ->
  keeps (forallb b ps) o = true /\ scan p (S n) (put b n (forallb b ps)) = Some b'.
Proof.
  intros H Hs. destruct o; try discriminate; cbn [scan] in Hs;
    match type of Hs with (if ?k then _ else _) = _ => destruct k eqn:E; [auto|discriminate] end.
Qed.

Section Programs.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).

Lemma keeps_pre steady o ss xs : keeps steady o = true -> pre rho o ss xs.
Proof.
  destruct o as [f|f|l| | | | | |]; simpl; try discriminate; auto.
  - destruct ss as [|? [|? ?]], xs as [|? [|? ?]]; auto. intros H ix _. destruct f; easy.
  - destruct ss as [|? [|? [|? ?]]], xs as [|? [|? [|? ?]]]; auto. intros H ix _. destruct f; easy.
Qed.

Lemma scan_defined p : forall n sh shf b b' tr e, infer p n sh = Some shf -> scan p n b = Some b' ->
  defined rho tr p n sh e.
Proof.
  induction p as [|[o ps] p IH]; intros n sh shf b b' tr e Hi Hs; [exact I|].
  cbn [infer] in Hi. destruct (below n ps); [|discriminate].
  cbn [defined]. destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|discriminate].
  destruct (is_sample o) eqn:Ho.
  - destruct o; try discriminate. split; [destruct (map sh ps); exact I|]. eapply IH; eauto.
  - destruct (scan_step o ps p n b b' Ho Hs) as [Hk Hs']. split; [eapply keeps_pre; eauto|].
    eapply IH; eauto.
Qed.

(** *** Growth *)
Variable cs : list coord.
Definition covers (p : program) : Prop :=
  forall j s ps, In (Sample j s, ps) p -> forall ix, In ix (boxs s) -> In (j, ix) cs.

Lemma spread_ge0 tr : 0 <= spread cs tr.
Proof. apply sum_ge0. intros; apply Rabs_pos. Qed.
Lemma spread_get tr c : In c cs -> Rabs (get tr c) <= spread cs tr.
Proof.
  unfold spread. induction cs as [|b bs IH]; simpl; intros [].
  - subst. assert (0 <= sum bs (fun c => Rabs (get tr c))) by (apply sum_ge0; intros; apply Rabs_pos).
    lra.
  - specialize (IH H). pose proof (Rabs_pos (get tr b)). lra.
Qed.

Definition grown (n : nat) (sh : nat -> shape) (b : nat -> bool) (V W : R -> trace -> env) : Prop :=
  forall k, (k < n)%nat ->
    slot_grows rho (spread cs) (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k) /\
    (b k = true -> slot_grows rho still (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k)).

Lemma slots_grow_map S (sh : nat -> shape) (V W : R -> trace -> env) ps :
  (forall k, In k ps -> slot_grows rho S (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k)) ->
  slots_grow rho S (map sh ps) (map (fun k t tr => V t tr k) ps) (map (fun k t tr => W t tr k) ps).
Proof. induction ps as [|k ps IH]; simpl; intros H; auto. Qed.

Lemma op_grows S steady o sh s (V W : R -> trace -> env) ps : (forall tr, 0 <= S tr) ->
  (steady = true -> forall tr, S tr = 0) -> keeps steady o = true ->
  ty o (map sh ps) = Some s ->
  (forall k, In k ps -> slot_grows rho S (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k)) ->
  slot_grows rho S s (fun t tr => den rho tr o (map (V t tr) ps))
                     (fun t tr => jvp rho o (map (V t tr) ps) (map (W t tr) ps)).
Proof.
  intros HS Hst Hk Ht Hg.
  pose proof (keeps_sound rho S steady o (map sh ps) s _ _ HS Hst Hk Ht
                (slots_grow_map S sh V W ps Hg)) as [H1 H2].
  unfold at_point in *.
  assert (E : forall (U : R -> trace -> env) t tr,
    map (fun v : family => v t tr) (map (fun k t tr => U t tr k) ps) = map (U t tr) ps).
  { intros U t tr. now rewrite map_map. }
  split.
  - apply (grows_ext S _ _ _) with (2 := H1). intros t tr ix _. now rewrite E.
  - apply (grows_ext S _ _ _) with (2 := H2). intros t tr ix _. now rewrite !E.
Qed.

Lemma scan_grows p : forall n sh shf b b' (V W : R -> trace -> env), covers p ->
  infer p n sh = Some shf -> scan p n b = Some b' -> grown n sh b V W ->
  grown (n + length p) shf b' (fun t tr => run rho tr p n (V t tr))
                              (fun t tr => tangent rho tr p n (V t tr) (W t tr)).
Proof.
  induction p as [|[o ps] p IH]; intros n sh shf b b' V W Hc Hi Hs Hg.
  - cbn in *. inversion Hi; inversion Hs; subst. now rewrite Nat.add_0_r.
  - cbn [infer] in Hi. destruct (below n ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|discriminate].
    assert (Hc' : covers p) by (intros j s' ps' Hin; apply (Hc j s' ps'); now right).
    assert (Hps : forall k, In k ps -> (k < n)%nat) by (intros; eapply in_below; eauto).
    cbn [length run tangent]. rewrite <- Nat.add_succ_comm.
    assert (Hnew : exists b1, scan p (S n) (put b n b1) = Some b' /\
      slot_grows rho (spread cs) s (fun t tr => den rho tr o (map (V t tr) ps))
        (fun t tr => jvp rho o (map (V t tr) ps) (map (W t tr) ps)) /\
      (b1 = true -> slot_grows rho still s (fun t tr => den rho tr o (map (V t tr) ps))
        (fun t tr => jvp rho o (map (V t tr) ps) (map (W t tr) ps)))).
    { destruct (is_sample o) eqn:Ho.
      - destruct o as [| | | | | | | |j s']; try discriminate. exists false. split; [exact Hs|].
        split; [|discriminate]. simpl in Ht. destruct ps as [|? ?]; [|discriminate].
        injection Ht as <-. cbn [map den jvp]. split; [|exact (grows_const _ _ 0)].
        exists 1, 1. split; [lra|]. split; [lra|]. apply filter_forall. intros t tr ix Hix.
        rewrite !Rmult_1_l. eapply Rle_trans.
        + apply (spread_get tr (j, ix)). apply (Hc j s' []); [now left|exact Hix].
        + pose proof (exp_ineq1_le (spread cs tr)). lra.
      - destruct (scan_step o ps p n b b' Ho Hs) as [Hk Hs']. exists (forallb b ps).
        split; [exact Hs'|]. destruct (forallb b ps) eqn:Hall.
        + rewrite forallb_forall in Hall.
          assert (H0 : slot_grows rho still s (fun t tr => den rho tr o (map (V t tr) ps))
                         (fun t tr => jvp rho o (map (V t tr) ps) (map (W t tr) ps))).
          { apply (op_grows still true o sh); auto; [intros; unfold still; lra|].
            intros k Hin. apply (Hg k (Hps k Hin)). auto. }
          split; auto. destruct H0 as [H1 H2].
          assert (Up : forall u : family, grows still (boxs s) u -> grows (spread cs) (boxs s) u).
          { intros u (C & k & HC & Hk0 & Hl). exists C, k. split; auto. split; auto.
            revert Hl. apply filter_imp. intros t H tr ix Hix. eapply Rle_trans; [apply H, Hix|].
            apply Rmult_le_compat_l; auto. apply exp_le. apply Rmult_le_compat_l; auto.
            apply spread_ge0. }
          split; now apply Up.
        + split; [|discriminate]. apply (op_grows (spread cs) false o sh); auto using spread_ge0;
            [discriminate|]. intros k Hin. apply (Hg k (Hps k Hin)). }
    destruct Hnew as (b1 & Hs1 & Hn1 & Hn2).
    apply (IH (S n) (put sh n s) shf (put b n b1) b'
             (fun t tr => put (V t tr) n (den rho tr o (map (V t tr) ps)))
             (fun t tr => put (W t tr) n (jvp rho o (map (V t tr) ps) (map (W t tr) ps)))); auto.
    intros k Hk. destruct (Nat.eq_dec k n) as [->|Hne].
    + rewrite !put_same. split.
      * destruct Hn1 as [H1 H2]. split; [apply (grows_ext _ _ _ _) with (2 := H1)|
          apply (grows_ext _ _ _ _) with (2 := H2)]; intros; now rewrite put_same.
      * intros Hb1. destruct (Hn2 Hb1) as [H1 H2]. split; [apply (grows_ext _ _ _ _) with (2 := H1)|
          apply (grows_ext _ _ _ _) with (2 := H2)]; intros; now rewrite put_same.
    + rewrite !put_other by auto. destruct (Hg k ltac:(lia)) as [[H1 H2] H3]. split.
      * split; [apply (grows_ext _ _ _ _) with (2 := H1)|apply (grows_ext _ _ _ _) with (2 := H2)];
          intros; now rewrite put_other.
      * intros Hb1. destruct (H3 Hb1) as [H4 H5].
        split; [apply (grows_ext _ _ _ _) with (2 := H4)|apply (grows_ext _ _ _ _) with (2 := H5)];
          intros; now rewrite put_other.
Qed.

Lemma line_grows S (e d : env) k s : slot_grows rho S s (fun t _ => line e d t k) (fun _ _ => d k).
Proof.
  assert (Hsum : forall (u : tensor) ix, In ix (boxs s) ->
            Rabs (u ix) <= sum (boxs s) (fun ix => Rabs (u ix))).
  { intros u. generalize (boxs s). induction l as [|a l IH]; simpl; intros ix [].
    - subst. assert (0 <= sum l (fun ix => Rabs (u ix))) by (apply sum_ge0; intros; apply Rabs_pos). lra.
    - specialize (IH ix H). pose proof (Rabs_pos (u a)). lra. }
  set (A := sum (boxs s) (fun ix => Rabs (e k ix))). set (B := sum (boxs s) (fun ix => Rabs (d k ix))).
  assert (0 <= A /\ 0 <= B) by (split; apply sum_ge0; intros; apply Rabs_pos).
  split.
  - exists (A + B), 0. repeat split; try lra. exists (mkposreal 1 Rlt_0_1). intros t Ht tr ix Hix.
    apply (proj1 (ball_0 _ _)) in Ht. simpl in Ht. rewrite Rmult_0_l, exp_0, Rmult_1_r. unfold line.
    eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat; [now apply Hsum|].
    rewrite Rabs_mult. pose proof (Hsum (d k) ix Hix) as H1. fold B in H1.
    pose proof (Rabs_pos (d k ix)). pose proof (Rabs_pos t). nra.
  - exists B, 0. repeat split; try lra. apply filter_forall. intros t tr ix Hix.
    rewrite Rmult_0_l, exp_0, Rmult_1_r. now apply Hsum.
Qed.

(** *** Continuity in every drawn number *)
Definition differentiable_slots (n : nat) (sh : nat -> shape) (V : R -> env) (v : R) : Prop :=
  forall k ix, (k < n)%nat -> In ix (boxs (sh k)) -> ex_derive (fun u => V u k ix) v.

Lemma scan_differentiable p : forall n sh shf b b' tr c (V : R -> env) v,
  infer p n sh = Some shf -> scan p n b = Some b' -> differentiable_slots n sh V v ->
  differentiable_slots (n + length p) shf (fun u => run rho (set tr c u) p n (V u)) v.
Proof.
  induction p as [|[o ps] p IH]; intros n sh shf b b' tr c V v Hi Hs Hd.
  - cbn in *. inversion Hi; subst. now rewrite Nat.add_0_r.
  - cbn [infer] in Hi. destruct (below n ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|discriminate].
    cbn [length run]. rewrite <- Nat.add_succ_comm.
    assert (Hnew : (exists b1, scan p (S n) (put b n b1) = Some b') /\ forall ix, In ix (boxs s) ->
      ex_derive (fun u => den rho (set tr c u) o (map (V u) ps) ix) v).
    { destruct (is_sample o) eqn:Ho.
      - destruct o as [| | | | | | | |j s']; try discriminate. split; [now exists false|].
        intros ix Hix. simpl in Ht. destruct ps; [|discriminate]. cbn [map den]. unfold set.
        destruct (coord_eqb (j, ix) c); [apply ex_derive_id|apply ex_derive_const].
      - destruct (scan_step o ps p n b b' Ho Hs) as [Hk Hs']. split; [eexists; exact Hs'|].
        intros ix Hix.
        assert (Hden : forall u, den rho (set tr c u) o (map (V u) ps) ix
          = den rho tr o (map (fun x => x u) (map (fun k u => V u k) ps)) ix).
        { intros u. rewrite map_map. destruct o; try discriminate; reflexivity. }
        apply (ex_derive_ext (fun u => den rho tr o (map (fun x => x u) (map (fun k u => V u k) ps)) ix)).
        { intros u. symmetry. apply Hden. }
        eexists. apply (jvp_sound rho tr o (map sh ps) s (map (fun k u => V u k) ps)
          (map (fun k ix => Derive (fun u => V u k ix) v) ps) v Ht); [| |exact Hix].
        + assert (Hps : forall k, In k ps -> (k < n)%nat) by (intros; eapply in_below; eauto).
          clear - Hd Hps. induction ps as [|k ps IHp]; simpl; auto. split.
          * intros ix Hix. apply Derive_correct, Hd; auto. apply Hps. now left.
          * apply IHp. intros; apply Hps. now right.
        + eapply keeps_pre; eauto. }
    destruct Hnew as [[b1 Hs1] Hn].
    apply (IH (S n) (put sh n s) shf (put b n b1) b' tr c
             (fun u => put (V u) n (den rho (set tr c u) o (map (V u) ps))) v Hi Hs1).
    intros k ix Hk Hix. destruct (Nat.eq_dec k n) as [->|Hne].
    + rewrite put_same in Hix. eapply ex_derive_ext; [|exact (Hn ix Hix)].
      intros u. cbv beta. now rewrite put_same.
    + rewrite put_other in Hix by auto. eapply ex_derive_ext; [|apply (Hd k ix); auto; lia].
      intros u. cbv beta. now rewrite put_other.
Qed.
End Programs.

(** The analysis is sound: a tame graph is regular, under any tame draws of distinct numbers that
    include all those it reads, at any point and in any direction. *)
Theorem tame_sound G rho K cs tr0 e d : well_formed G -> tame G = true ->
  (forall c, tame_base (K c)) -> NoDup cs -> covers rho cs (g_nodes G) ->
  regular G rho (drawE K cs tr0) e d.
Proof.
  intros Hwf Ht HK Hd Hcov. unfold tame in Ht.
  destruct (g_scores G) eqn:Hsc; [|discriminate].
  destruct (scan (g_nodes G) (inputs G) (fun _ => true)) as [b'|] eqn:Hs; [|discriminate].
  pose proof Hwf as (Hi & Hc & Hcs & _).
  assert (Hdef : forall t tr, defined_at G rho (line e d t) tr).
  { intros t tr. eapply scan_defined; eauto. }
  assert (Hj : forall e tr, joint G rho e tr = cost G rho e tr).
  { intros e' tr. unfold joint, log_density. rewrite Hsc. simpl. rewrite exp_0. ring. }
  assert (Hjs : forall e tr, joint_slope G rho e d tr = cost_slope G rho e d tr).
  { intros e' tr. unfold joint_slope, log_density, score. rewrite Hsc. simpl. rewrite exp_0. ring. }
  destruct (scan_grows rho cs (g_nodes G) (inputs G) (input_shape G) (shape_of G) (fun _ => true) b'
              (fun t _ => line e d t) (fun _ _ => d) Hcov Hi Hs) with (k := g_cost G) as [[HV HW] _].
  { intros k _. split; [|intros _]; apply line_grows. }
  { exact Hc. }
  rewrite Hcs in HV, HW.
  destruct HV as (C1 & k1 & HC1 & Hk1 & L1). destruct HW as (C2 & k2 & HC2 & Hk2 & L2).
  destruct (filter_and _ _ L1 L2) as [r Hr].
  assert (Hup : forall C k tr, 0 <= C -> 0 <= k -> C <= C1 + C2 -> k <= k1 + k2 ->
            C * exp (k * spread cs tr) <= (C1 + C2) * exp ((k1 + k2) * spread cs tr)).
  { intros C k tr H1 H2 H3 H4. apply Rmult_le_compat; auto; [left; apply exp_pos|].
    apply exp_le, Rmult_le_compat_r; auto. apply spread_ge0. }
  apply (regular_growth G rho K cs tr0 e d (C1 + C2) (k1 + k2) r); auto; try lra.
  - intros t c _ _ tr v. apply (continuity_pt_ext (fun u => cost G rho (line e d t) (set tr c u))).
    { intros u. symmetry. apply Hj. }
    destruct (scan_differentiable rho (g_nodes G) (inputs G) (input_shape G) (shape_of G)
                (fun _ => true) b' tr c (fun _ => line e d t) v Hi Hs) with (k := g_cost G) (ix := @nil nat)
      as [l Hl].
    + intros k ix _ _. apply ex_derive_const.
    + exact Hc.
    + rewrite Hcs. simpl. auto.
    + exact (derive_continuity _ _ _ Hl).
  - intros t tr Ht'. rewrite Hj. destruct (Hr t) as [H1 _]; [now apply (proj2 (ball_0 _ _))|].
    eapply Rle_trans; [apply (H1 tr []); simpl; auto|]. apply Hup; lra.
  - intros t tr Ht'. rewrite Hjs. destruct (Hr t) as [_ H2]; [now apply (proj2 (ball_0 _ _))|].
    eapply Rle_trans; [apply (H2 tr []); simpl; auto|]. apply Hup; lra.
Qed.

(** A certificate with nothing left to assume: a tame graph and normal, uniform or finite draws. *)
Theorem certificate_sound_tame G est outs : check G est outs = true -> tame G = true ->
  forall rho K cs tr0 e d, sized G rho -> moves_only outs d -> (forall c, tame_base (K c)) -> NoDup cs ->
  covers rho cs (g_nodes G) ->
  is_derive (fun t => expected_cost G rho (drawE K cs tr0) (line e d t)) 0
            (under G rho (drawE K cs tr0) e (emitted_along rho G est outs e d)).
Proof.
  intros H Ht rho K cs tr0 e d Hsz Hd HK Hn Hc. destruct (emitted_is_estimate G est outs H) as [Hwf _].
  apply certificate_sound; auto; [now apply tame_sound|].
  intros l w Hin. unfold tame in Ht. destruct (g_scores G); [destruct Hin|discriminate].
Qed.
