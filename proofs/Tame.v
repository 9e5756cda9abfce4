(** * A growth analysis

    [tame G moved] is a boolean.  It gives every slot of the graph a few facts, node by node: does
    it depend on parameters or draws at all ([fixed]), is it bounded, does it grow at most linearly or
    exponentially with the draws, is it positive and not too close to zero.  Where it succeeds nothing
    analytic is left to assume: all derivatives exist, and the expected cost may be differentiated under the
    expectation ([Mixed.v]).  [moved] lists the inputs that a direction may move. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Defined Number Certificate Draws.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Noise.
Import ListNotations.
Open Scope R_scope.

Definition family (A : Type) := R -> trace -> A -> R.

(** ** Bounds near t = 0, for all traces *)
Section Within.
Variable S : trace -> R.
Hypothesis S_ge0 : forall tr, 0 <= S tr.

(** [u] is at most a multiple of [g]. *)
Definition within {A} (g : trace -> R) (l : list A) (u : family A) : Prop :=
  exists C, 0 <= C /\ locally (0 : R) (fun t => forall tr a, In a l -> Rabs (u t tr a) <= C * g tr).
Definition flat : trace -> R := fun _ => 1.
Definition line_of : trace -> R := fun tr => 1 + S tr.
Definition power (k : R) : trace -> R := fun tr => exp (k * S tr).
Definition grows {A} (l : list A) (u : family A) : Prop := exists k, 0 <= k /\ within (power k) l u.

Lemma flat_ge1 tr : 1 <= flat tr. Proof. unfold flat; lra. Qed.
Lemma line_ge1 tr : 1 <= line_of tr. Proof. unfold line_of. specialize (S_ge0 tr). lra. Qed.
Lemma power_ge1 k tr : 0 <= k -> 1 <= power k tr.
Proof. intros H. unfold power. rewrite <- exp_0. apply exp_le. apply Rmult_le_pos; auto. Qed.

Lemma within_le {A} g h (l : list A) u w : (forall tr, 0 <= g tr <= h tr) ->
  (forall t tr a, In a l -> Rabs (u t tr a) <= Rabs (w t tr a)) -> within g l w -> within h l u.
Proof.
  intros Hg H (C & HC & Hl). exists C. split; auto. revert Hl. apply filter_imp.
  intros t Ht tr a Ha. eapply Rle_trans; [apply H, Ha|]. eapply Rle_trans; [apply Ht, Ha|].
  apply Rmult_le_compat_l; auto. apply Hg.
Qed.
Lemma within_ext {A} g (l : list A) u w : (forall tr, 0 <= g tr) ->
  (forall t tr a, In a l -> u t tr a = w t tr a) -> within g l w -> within g l u.
Proof. intros Hg H. apply within_le; [intros; split; auto; lra|]. intros. rewrite H; auto. lra. Qed.
Lemma within_const {A} g (l : list A) (c : A -> R) : (forall tr, 1 <= g tr) ->
  within g l (fun _ _ => c).
Proof.
  intros Hg. exists (sum l (fun a => Rabs (c a))). split; [apply sum_ge0; intros; apply Rabs_pos|].
  apply filter_forall. intros t tr a Ha.
  assert (H : Rabs (c a) <= sum l (fun a => Rabs (c a))).
  { clear - Ha. induction l as [|b l IH]; simpl in *; [easy|]. destruct Ha as [->|Ha].
    - assert (0 <= sum l (fun a => Rabs (c a))) by (apply sum_ge0; intros; apply Rabs_pos). lra.
    - specialize (IH Ha). pose proof (Rabs_pos (c b)). lra. }
  specialize (Hg tr). pose proof (Rabs_pos (c a)). nra.
Qed.
Lemma within_plus {A} g (l : list A) u w : within g l u -> within g l w ->
  within g l (fun t tr a => u t tr a + w t tr a).
Proof.
  intros (C & HC & Hu) (D & HD & Hw). exists (C + D). split; [lra|].
  generalize (filter_and _ _ Hu Hw). apply filter_imp. intros t [H1 H2] tr a Ha.
  eapply Rle_trans; [apply Rabs_triang|]. rewrite Rmult_plus_distr_r.
  apply Rplus_le_compat; auto.
Qed.
Lemma within_mult {A} g h (l : list A) u w : within g l u -> within h l w ->
  within (fun tr => g tr * h tr) l (fun t tr a => u t tr a * w t tr a).
Proof.
  intros (C & HC & Hu) (D & HD & Hw). exists (C * D). split; [now apply Rmult_le_pos|].
  generalize (filter_and _ _ Hu Hw). apply filter_imp. intros t [H1 H2] tr a Ha.
  rewrite Rabs_mult. replace (C * D * (g tr * h tr)) with (C * g tr * (D * h tr)) by ring.
  apply Rmult_le_compat; auto using Rabs_pos.
Qed.
Lemma within_at {A B} g (l : list A) (m : list B) (h : B -> A) u :
  (forall b, In b m -> In (h b) l) -> within g l u -> within g m (fun t tr b => u t tr (h b)).
Proof.
  intros H (C & HC & Hu). exists C. split; auto. revert Hu. apply filter_imp. auto.
Qed.
(** Sums of a part of the terms, the part depending on the index. *)
Lemma within_part {A B} g (l : list A) (m : list B) (on : B -> A -> bool) u :
  (forall tr, 0 <= g tr) -> within g l u ->
  within g m (fun t tr b => sum l (fun a => if on b a then u t tr a else 0)).
Proof.
  intros Hg (C & HC & Hu). exists (INR (length l) * C). split; [apply Rmult_le_pos; auto using pos_INR|].
  revert Hu. apply filter_imp. intros t H tr b _. specialize (H tr).
  set (M := C * g tr) in *. assert (HM : 0 <= M) by (apply Rmult_le_pos; auto).
  rewrite Rmult_assoc. fold M. clearbody M. induction l as [|a l IH]; cbn [sum length].
  - rewrite Rabs_R0. simpl. lra.
  - rewrite S_INR, Rmult_plus_distr_r, Rmult_1_l, Rplus_comm.
    eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat.
    + apply IH. intros c Hc. apply H. now right.
    + destruct (on b a); [apply H; now left|]. rewrite Rabs_R0. exact HM.
Qed.

Lemma within_grows {A} g k (l : list A) u : 0 <= k -> (forall tr, 0 <= g tr <= power k tr) ->
  within g l u -> grows l u.
Proof. intros Hk Hg H. exists k. split; auto. revert H. apply within_le; auto. intros; lra. Qed.
Lemma flat_grows {A} (l : list A) u : within flat l u -> grows l u.
Proof.
  apply within_grows with (k := 0); [lra|]. intros tr. unfold flat, power.
  rewrite Rmult_0_l, exp_0. lra.
Qed.
Lemma line_grows {A} (l : list A) u : within line_of l u -> grows l u.
Proof.
  apply within_grows with (k := 1); [lra|]. intros tr. unfold line_of, power. rewrite Rmult_1_l.
  specialize (S_ge0 tr). pose proof (exp_ineq1_le (S tr)). lra.
Qed.
Lemma flat_line {A} (l : list A) u : within flat l u -> within line_of l u.
Proof.
  apply within_le; [|intros; lra]. intros tr. unfold flat, line_of. specialize (S_ge0 tr). lra.
Qed.
Lemma grows_up {A} k k' (l : list A) (u : family A) : k <= k' -> within (power k) l u ->
  within (power k') l u.
Proof.
  intros H. apply within_le; [|intros; lra]. intros tr. unfold power. split; [left; apply exp_pos|].
  apply exp_le, Rmult_le_compat_r; auto.
Qed.
Lemma grows_plus {A} (l : list A) u w : grows l u -> grows l w -> grows l (fun t tr a => u t tr a + w t tr a).
Proof.
  intros (k & Hk & Hu) (k' & Hk' & Hw). exists (k + k'). split; [lra|].
  apply within_plus; [apply (grows_up k)|apply (grows_up k')]; auto; lra.
Qed.
Lemma grows_mult {A} (l : list A) u w : grows l u -> grows l w -> grows l (fun t tr a => u t tr a * w t tr a).
Proof.
  intros (k & Hk & Hu) (k' & Hk' & Hw). exists (k + k'). split; [lra|].
  apply (within_le (fun tr => power k tr * power k' tr) _ l _ (fun t tr a => u t tr a * w t tr a)).
  - intros tr. unfold power. rewrite Rmult_plus_distr_r, exp_plus. split; [|lra].
    apply Rmult_le_pos; left; apply exp_pos.
  - intros; lra.
  - now apply within_mult.
Qed.
Lemma power_ge0 k tr : 0 <= power k tr.
Proof. left. apply exp_pos. Qed.
Lemma grows_le {A} (l : list A) u w :
  (forall t tr a, In a l -> Rabs (u t tr a) <= Rabs (w t tr a)) -> grows l w -> grows l u.
Proof.
  intros H (k & Hk & Hw). exists k. split; auto. revert Hw. apply within_le; auto.
  intros tr. split; [apply power_ge0|lra].
Qed.
Lemma grows_ext {A} (l : list A) u w :
  (forall t tr a, In a l -> u t tr a = w t tr a) -> grows l w -> grows l u.
Proof. intros H. apply grows_le. intros. rewrite H; auto. lra. Qed.
(** A bound that holds near t = 0 only. *)
Lemma grows_near {A} (l : list A) u w :
  locally (0 : R) (fun t => forall tr a, In a l -> Rabs (u t tr a) <= Rabs (w t tr a)) ->
  grows l w -> grows l u.
Proof.
  intros Hn (k & Hk & C & HC & Hw). exists k. split; auto. exists C. split; auto.
  generalize (filter_and _ _ Hn Hw). apply filter_imp. intros t [H1 H2] tr a Ha.
  eapply Rle_trans; [apply H1, Ha|auto].
Qed.
Lemma within_near {A} g (l : list A) u w :
  locally (0 : R) (fun t => forall tr a, In a l -> Rabs (u t tr a) <= Rabs (w t tr a)) ->
  within g l w -> within g l u.
Proof.
  intros Hn (C & HC & Hw). exists C. split; auto.
  generalize (filter_and _ _ Hn Hw). apply filter_imp. intros t [H1 H2] tr a Ha.
  eapply Rle_trans; [apply H1, Ha|auto].
Qed.
Lemma grows_const {A} (l : list A) c : grows l (fun _ _ => c).
Proof. apply flat_grows, within_const. apply flat_ge1. Qed.
Lemma grows_at {A B} (l : list A) (m : list B) (h : B -> A) u :
  (forall b, In b m -> In (h b) l) -> grows l u -> grows m (fun t tr b => u t tr (h b)).
Proof. intros H (k & Hk & Hu). exists k. split; auto. now apply (within_at _ l). Qed.
Lemma grows_part {A B} (l : list A) (m : list B) (on : B -> A -> bool) u : grows l u ->
  grows m (fun t tr b => sum l (fun a => if on b a then u t tr a else 0)).
Proof. intros (k & Hk & Hu). exists k. split; auto. apply within_part; auto using power_ge0. Qed.
Lemma within_abs {A} g (l : list A) u : within g l u -> within g l (fun t tr a => Rabs (u t tr a)).
Proof.
  intros (C & HC & Hu). exists C. split; auto. revert Hu. apply filter_imp. intros t H tr a Ha.
  rewrite Rabs_Rabsolu. auto.
Qed.
Lemma grows_abs {A} (l : list A) u : grows l u -> grows l (fun t tr a => Rabs (u t tr a)).
Proof. intros (k & Hk & Hu). exists k. split; auto. now apply within_abs. Qed.

(** Exponentials of what grows linearly; logarithms of what is positive grow linearly. *)
Lemma exp_line_grows {A} (l : list A) u : within line_of l u -> grows l (fun t tr a => exp (u t tr a)).
Proof.
  intros (C & HC & Hu). exists C. split; auto. exists (exp C). split; [left; apply exp_pos|].
  revert Hu. apply filter_imp. intros t H tr a Ha. specialize (H tr a Ha).
  rewrite Rabs_pos_eq by (left; apply exp_pos). unfold power. rewrite <- exp_plus. apply exp_le.
  apply Rabs_le_between in H. unfold line_of in H. lra.
Qed.
Lemma exp_flat {A} (l : list A) u : within flat l u -> within flat l (fun t tr a => exp (u t tr a)).
Proof.
  intros (C & HC & Hu). exists (exp C). split; [left; apply exp_pos|].
  revert Hu. apply filter_imp. intros t H tr a Ha. specialize (H tr a Ha).
  rewrite Rabs_pos_eq by (left; apply exp_pos). unfold flat in *. rewrite Rmult_1_r in *. apply exp_le.
  apply Rabs_le_between in H. lra.
Qed.
Definition positively {A} (l : list A) (u : family A) : Prop :=
  locally (0 : R) (fun t => forall tr a, In a l -> 0 < u t tr a) /\ grows l (fun t tr a => / u t tr a).
Lemma ln_le_of x y : 0 < x -> x <= y -> ln x <= ln y.
Proof. intros Hx [H| ->]; [left; now apply ln_increasing|lra]. Qed.
Lemma log_line {A} (l : list A) u : grows l u -> positively l u ->
  within line_of l (fun t tr a => ln (u t tr a)).
Proof.
  intros (k & Hk & C & HC & Hu) (Hpos & k' & Hk' & D & HD & Hi).
  exists (C + D + k + k'). split; [lra|].
  generalize (filter_and _ _ Hpos (filter_and _ _ Hu Hi)). apply filter_imp.
  intros t (H0 & H1 & H2) tr a Ha. specialize (H0 tr a Ha). specialize (H1 tr a Ha).
  specialize (H2 tr a Ha). set (x := u t tr a) in *. pose proof (S_ge0 tr) as HS.
  assert (B : forall y E j, 0 < y -> 0 <= E -> 0 <= j -> Rabs y <= E * power j tr ->
                ln y <= E + j * S tr).
  { intros y E j Hy HE Hj Hb. rewrite Rabs_pos_eq in Hb by lra.
    rewrite <- (ln_exp (E + j * S tr)). apply ln_le_of; auto. rewrite exp_plus. unfold power in Hb.
    pose proof (exp_ineq1_le E). pose proof (exp_pos (j * S tr)). nra. }
  pose proof (B x C k H0 HC Hk H1) as B1.
  pose proof (B (/ x) D k' (Rinv_0_lt_compat _ H0) HD Hk' H2) as B2.
  rewrite ln_Rinv in B2 by auto. unfold line_of. apply Rabs_le. split; nra.
Qed.
End Within.

(** ** Scalar facts *)
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
Lemma ln_ge y : 0 < y -> 1 - / y <= ln y.
Proof.
  intros H. pose proof (exp_ineq1_le (ln (/ y))) as E.
  rewrite exp_ln, ln_Rinv in E by (auto using Rinv_0_lt_compat). lra.
Qed.
(** softplus is not much smaller than the exponential where that is small. *)
Lemma softplus_inverse x : 0 < ln (1 + exp x) /\ / ln (1 + exp x) <= 1 + exp (- x).
Proof.
  pose proof (exp_pos x) as He. pose proof (ln_ge (1 + exp x) ltac:(lra)) as L.
  assert (E : 1 - / (1 + exp x) = / (1 + exp (- x))).
  { rewrite exp_Ropp. field. lra. }
  pose proof (exp_pos (- x)). assert (0 < / (1 + exp (- x))) by (apply Rinv_0_lt_compat; lra).
  rewrite E in L. split; [lra|]. rewrite <- (Rinv_inv (1 + exp (- x))). apply Rinv_le_contravar; lra.
Qed.
Lemma sqrt_bound x : 0 < x -> sqrt x <= 1 + x.
Proof.
  intros H. pose proof (sqrt_lt_R0 x H). pose proof (sqrt_sqrt x ltac:(lra)). nra.
Qed.

(** ** The facts about a slot *)
Record facts := Facts {
  fixed : bool;      (** depends on no parameter that moves and on no draw *)
  bounded : bool;    (** bounded near t = 0 *)
  linear : bool;     (** grows at most linearly with the draws *)
  positive : bool    (** positive, its inverse growing at most exponentially *)
}.

Definition judge1 (f : fn1) (x : facts) : option facts :=
  match f with
  | Affine a b _ =>
      Some (Facts false (bounded x) (linear x) (positive x && Z.ltb 0 a && Z.leb 0 b))
  | Exp => if linear x then Some (Facts false (bounded x) (bounded x) true) else None
  | Expm1 => if linear x then Some (Facts false (bounded x) (bounded x) false) else None
  | Log => if positive x then Some (Facts false false true false) else None
  | Log1p => if positive x then Some (Facts false (bounded x) (linear x) false) else None
  | Sqrt => if positive x then Some (Facts false (bounded x) (linear x) true) else None
  | Square => Some (Facts false (bounded x) (bounded x) (positive x))
  | Recip => if positive x then Some (Facts false false false true) else None
  | Tanh | Sin | Cos => Some (Facts false true true false)
  | Sigmoid => Some (Facts false true true (linear x))
  | Softplus => Some (Facts false (bounded x) (linear x) (linear x))
  | Abs | Relu | Sign | Step => None
  end.
Definition product_facts (x y : facts) : facts :=
  Facts false (bounded x && bounded y) (bounded x && linear y || linear x && bounded y)
        (positive x && positive y).
Definition judge2 (f : fn2) (x y : facts) : option facts :=
  match f with
  | Add => Some (Facts false (bounded x && bounded y) (linear x && linear y) (positive x && positive y))
  | Sub => Some (Facts false (bounded x && bounded y) (linear x && linear y) false)
  | Mul => Some (product_facts x y)
  | Div => if positive y then
             Some (Facts false (bounded x && fixed y) (linear x && fixed y) (positive x))
           else None
  | Pow => if positive x && bounded y then Some (Facts false false false true) else None
  | Min | Max => None
  end.
Definition lin_facts (l : lin) (x : facts) : facts :=
  Facts false (bounded x) (linear x)
        (match l with Ein _ _ o => positive x && distinct_axes o | _ => false end).
Definition rule (o : op) (xs : list facts) : option facts :=
  match o, xs with
    | Map1 f, [x] => judge1 f x
    | Map2 f, [x; y] => judge2 f x y
    | Lin l, [x] => Some (lin_facts l x)
    | Ein2 _ _ _ o, [x; y] =>
        let p := product_facts x y in
        Some (Facts false (bounded p) (linear p) (positive p && distinct_axes o))
    | Lse _ o, [x] => if distinct_axes o then Some (Facts false (bounded x) (linear x) false) else None
    | Const a _ _, [] => Some (Facts true true true (Z.ltb 0 a))
    | Size _, [] => Some (Facts true true true true)
    | Iota _, [] => Some (Facts true true true false)
    | _, _ => None
    end.
Definition judge (o : op) (xs : list facts) : option facts :=
  match o with
  | Sample _ _ => Some (Facts false false true false)
  | _ => if forallb fixed xs then
           Some (Facts true true true match rule o xs with Some f => positive f | None => false end)
         else rule o xs
  end.

(** ** What the facts mean *)
Section Analysis.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Hypothesis rho_pos : forall d, (0 < rho d)%nat.
Variable S : trace -> R.
Hypothesis S_ge0 : forall tr, 0 <= S tr.
Notation grows := (grows S).
Notation positively := (positively S).
Notation line_of := (line_of S).

Definition steady_tensor (s : shape) (v w : R -> trace -> tensor) : Prop :=
  exists c : tensor, forall t tr ix, In ix (boxs s) -> v t tr ix = c ix /\ w t tr ix = 0.
Record true_of (f : facts) (s : shape) (v w : R -> trace -> tensor) : Prop := {
  is_grown : grows (boxs s) v;
  is_smooth : grows (boxs s) w;
  is_fixed : fixed f = true -> steady_tensor s v w;
  is_bounded : bounded f = true -> within flat (boxs s) v;
  is_linear : linear f = true -> within line_of (boxs s) v;
  is_positive : positive f = true -> positively (boxs s) v
}.

Definition at_point (t : R) (tr : trace) (vs : list (R -> trace -> tensor)) : list tensor :=
  map (fun v => v t tr) vs.
Fixpoint all_true (fs : list facts) (ss : list shape) (vs ws : list (R -> trace -> tensor)) : Prop :=
  match fs, ss, vs, ws with
  | [], [], [], [] => True
  | f :: fs, s :: ss, v :: vs, w :: ws => true_of f s v w /\ all_true fs ss vs ws
  | _, _, _, _ => False
  end.

Lemma line_ge0 tr : 0 <= line_of tr.
Proof. pose proof (line_ge1 S S_ge0 tr). lra. Qed.
Lemma flat_ge0 tr : 0 <= flat tr.
Proof. unfold flat. lra. Qed.

(** *** One operand *)
Lemma positively_pos l (u : family index) : positively l u ->
  locally (0 : R) (fun t => forall tr ix, In ix l -> 0 < u t tr ix).
Proof. now intros [H _]. Qed.

Lemma affine_true a b d f s v w : true_of f s v w ->
  true_of (Facts false (bounded f) (linear f) (positive f && Z.ltb 0 a && Z.leb 0 b)) s
    (fun t tr ix => app1 (Affine a b d) (v t tr ix)) (fun t tr ix => diff1 (Affine a b d) (v t tr ix) * w t tr ix).
Proof.
  intros [Hg Hs _ Hb Hl Hp]. set (p := IZR a / IZR (Zpos d)). set (q := IZR b / IZR (Zpos d)).
  assert (Hd : 0 < IZR (Zpos d)) by (apply IZR_lt; lia).
  assert (E : forall x, app1 (Affine a b d) x = p * x + q).
  { intros x. simpl. unfold p, q, Rdiv. ring. }
  assert (W : forall g, (forall tr, 1 <= g tr) -> within g (boxs s) v ->
    within g (boxs s) (fun t tr ix => app1 (Affine a b d) (v t tr ix))).
  { intros g Hg1 Hv.
    apply (within_ext g _ _ (fun t tr ix => p * v t tr ix + q)); auto.
    - intros tr. specialize (Hg1 tr). lra.
    - apply within_plus; [|now apply within_const].
      apply (within_le (fun tr => flat tr * g tr) g _ _ (fun t tr ix => p * v t tr ix)).
      + intros tr. unfold flat. specialize (Hg1 tr). lra.
      + intros; lra.
      + apply (within_mult flat g (boxs s) (fun _ _ _ => p)); auto.
        apply within_const. apply flat_ge1. }
  constructor; cbn [bounded linear positive fixed]; try discriminate.
  - destruct Hg as (k & Hk & Hv). exists k. split; auto. apply W; auto. intros tr.
    now apply power_ge1.
  - apply (grows_mult S (boxs s) (fun _ _ _ => p)); auto. now apply grows_const.
  - intros H. apply W; auto. apply flat_ge1.
  - intros H. apply W; auto. now apply line_ge1.
  - intros H. apply andb_prop in H as [H Hb0]. apply andb_prop in H as [H Ha0].
    apply Z.ltb_lt in Ha0. apply Z.leb_le in Hb0. apply IZR_lt in Ha0. apply IZR_le in Hb0.
    assert (Hp0 : 0 < p) by (unfold p, Rdiv; apply Rmult_lt_0_compat; auto using Rinv_0_lt_compat).
    assert (Hq0 : 0 <= q).
    { unfold q, Rdiv. apply Rmult_le_pos; auto. left. now apply Rinv_0_lt_compat. }
    destruct (Hp H) as [Hpos Hinv]. split.
    + revert Hpos. apply filter_imp. intros t Ht tr ix Hix. rewrite E. specialize (Ht tr ix Hix). nra.
    + apply (grows_near S _ _ (fun t tr ix => / p * / v t tr ix)).
      * revert Hpos. apply filter_imp. intros t Ht tr ix Hix. specialize (Ht tr ix Hix).
        rewrite E, <- Rinv_mult. assert (0 < p * v t tr ix) by nra.
        rewrite !Rabs_pos_eq by (left; apply Rinv_0_lt_compat; nra). apply Rinv_le_contravar; nra.
      * apply (grows_mult S (boxs s) (fun _ _ _ => / p)); auto. now apply grows_const.
Qed.

(** Functions whose value and derivative are bounded by simple ones. *)
Lemma grows_square l (u : family index) : grows l u ->
  grows l (fun t tr ix => (1 + Rabs (u t tr ix)) * (1 + Rabs (u t tr ix))).
Proof.
  intros H. assert (H1 : grows l (fun t tr ix => 1 + Rabs (u t tr ix))).
  { apply (grows_plus S S_ge0 l (fun _ _ _ => 1)); [now apply grows_const|now apply grows_abs]. }
  now apply (grows_mult S l).
Qed.
Lemma bounded_by_one g l (u : family index) : (forall tr, 1 <= g tr) ->
  (forall t tr ix, Rabs (u t tr ix) <= 1) -> within g l u.
Proof.
  intros Hg H. exists 1. split; [lra|]. apply filter_forall. intros t tr ix _.
  specialize (H t tr ix). specialize (Hg tr). lra.
Qed.

Theorem judge1_sound f x r s v w : judge1 f x = Some r -> true_of x s v w ->
  true_of r s (fun t tr ix => app1 f (v t tr ix)) (fun t tr ix => diff1 f (v t tr ix) * w t tr ix) /\
  locally (0 : R) (fun t => forall tr ix, In ix (boxs s) -> dom1 f (v t tr ix)).
Proof.
  intros Hj Ht. pose proof Ht as [Hg Hs _ Hb Hl Hp].
  assert (One : forall u : family index, (forall t tr ix, Rabs (u t tr ix) <= 1) -> grows (boxs s) u).
  { intros u Hu. apply flat_grows. apply bounded_by_one; auto. apply flat_ge1. }
  assert (Times : forall u : family index, grows (boxs s) u ->
            grows (boxs s) (fun t tr ix => u t tr ix * w t tr ix)).
  { intros u Hu. now apply (grows_mult S (boxs s)). }
  assert (Plus1 : forall g (u : family index), (forall tr, 1 <= g tr) -> within g (boxs s) u ->
            within g (boxs s) (fun t tr ix => 1 + Rabs (u t tr ix))).
  { intros g u Hg1 Hu. apply (within_plus g (boxs s) (fun _ _ _ => 1)); [now apply within_const|].
    now apply within_abs. }
  assert (Always : forall P : R -> Prop, (forall y, P y) ->
            locally (0 : R) (fun t => forall tr ix, In ix (boxs s) -> P (v t tr ix))).
  { intros P HP. apply filter_forall. auto. }
  destruct f; simpl in Hj; try discriminate.
  - (* affine *) injection Hj as <-. split; [now apply affine_true|]. now apply Always.
  - (* exp *) destruct (linear x) eqn:El; [|discriminate]. injection Hj as <-.
    specialize (Hl eq_refl).
    assert (HE : grows (boxs s) (fun t tr ix => exp (v t tr ix))) by now apply (exp_line_grows S (boxs s) v).
    split; [|now apply Always]. constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + intros H. apply (exp_flat (boxs s) v). auto.
    + intros H. apply flat_line; auto; now apply (exp_flat (boxs s) v); auto.
    + intros _. split.
      * apply filter_forall. intros. apply exp_pos.
      * apply (grows_ext S _ _ (fun t tr ix => exp (- v t tr ix))).
        { intros. simpl. now rewrite exp_Ropp. }
        apply (exp_line_grows S (boxs s) (fun t tr ix => - v t tr ix)).
        revert Hl. apply within_le; [intros; split; [apply line_ge0|lra]|].
        intros. rewrite Rabs_Ropp. lra.
  - (* log *) destruct (positive x) eqn:Ep; [|discriminate]. injection Hj as <-. specialize (Hp eq_refl).
    pose proof (log_line S S_ge0 _ _ Hg Hp) as HL. split; [|now apply positively_pos in Hp].
    constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + now apply line_grows.
    + cbn [diff1]. apply Times. apply Hp.
  - (* log1p *) destruct (positive x) eqn:Ep; [|discriminate]. injection Hj as <-. specialize (Hp eq_refl).
    pose proof (positively_pos _ _ Hp) as Hpos.
    assert (HB : locally (0 : R) (fun t => forall tr ix, In ix (boxs s) ->
              Rabs (app1 Log1p (v t tr ix)) <= Rabs (v t tr ix))).
    { revert Hpos. apply filter_imp. intros t H tr ix Hix. specialize (H tr ix Hix). simpl.
      set (y := v t tr ix) in *. rewrite (Rabs_pos_eq y) by lra.
      assert (0 <= ln (1 + y)) by (rewrite <- ln_1; left; apply ln_increasing; lra).
      rewrite Rabs_pos_eq by auto. rewrite <- (ln_exp y) at 2. apply ln_le_of; [lra|].
      apply exp_ineq1_le. }
    split.
    2:{ revert Hpos. apply filter_imp. intros t H tr ix Hix. specialize (H tr ix Hix). simpl. lra. }
    constructor; cbn [bounded linear positive fixed]; try discriminate.
    + now apply (grows_near S _ _ v).
    + apply Times. cbn [diff1]. apply (grows_near S _ _ (fun _ _ _ => 1)); [|now apply grows_const].
      revert Hpos. apply filter_imp. intros t H tr ix Hix. specialize (H tr ix Hix).
      rewrite !Rabs_pos_eq by (try lra; left; apply Rinv_0_lt_compat; lra).
      rewrite <- Rinv_1. apply Rinv_le_contravar; lra.
    + intros H. apply (within_near flat _ _ v); auto.
    + intros H. apply (within_near line_of _ _ v); auto.
  - (* expm1 *) destruct (linear x) eqn:El; [|discriminate]. injection Hj as <-.
    specialize (Hl eq_refl).
    assert (HE : grows (boxs s) (fun t tr ix => exp (v t tr ix))) by now apply (exp_line_grows S (boxs s) v).
    assert (HF : bounded x = true -> within flat (boxs s) (fun t tr ix => exp (v t tr ix) + - 1)).
    { intros H. apply (within_plus flat _ (fun t tr ix => exp (v t tr ix))); [apply exp_flat; auto|].
      apply within_const, flat_ge1. }
    split; [|now apply Always]. constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + apply (grows_plus S S_ge0 _ (fun t tr ix => exp (v t tr ix)) (fun _ _ _ => - 1)); auto.
      now apply grows_const.
    + intros H. apply flat_line; auto; now apply HF.
  - (* sqrt *) destruct (positive x) eqn:Ep; [|discriminate]. injection Hj as <-. specialize (Hp eq_refl).
    pose proof (positively_pos _ _ Hp) as Hpos. destruct Hp as [_ Hinv].
    assert (HB : locally (0 : R) (fun t => forall tr ix, In ix (boxs s) ->
              Rabs (app1 Sqrt (v t tr ix)) <= Rabs (1 + Rabs (v t tr ix)))).
    { revert Hpos. apply filter_imp. intros t H tr ix Hix. specialize (H tr ix Hix). simpl.
      rewrite Rabs_pos_eq by apply sqrt_pos. rewrite (Rabs_pos_eq (v t tr ix)) by lra.
      rewrite Rabs_pos_eq by lra. now apply sqrt_bound. }
    assert (HI : locally (0 : R) (fun t => forall tr ix, In ix (boxs s) ->
              Rabs (/ sqrt (v t tr ix)) <= Rabs (1 + Rabs (/ v t tr ix)))).
    { revert Hpos. apply filter_imp. intros t H tr ix Hix. specialize (H tr ix Hix).
      set (y := v t tr ix) in *. pose proof (Rinv_0_lt_compat _ H) as Hi.
      pose proof (sqrt_lt_R0 y H). rewrite Rabs_pos_eq by (left; now apply Rinv_0_lt_compat).
      rewrite (Rabs_pos_eq (/ y)), Rabs_pos_eq by lra. rewrite <- sqrt_inv by lra. now apply sqrt_bound. }
    assert (GI : grows (boxs s) (fun t tr ix => / sqrt (v t tr ix))).
    { apply (grows_near S _ _ _ HI). apply (grows_plus S S_ge0 _ (fun _ _ _ => 1)); [now apply grows_const|].
      now apply grows_abs. }
    split; [|exact Hpos]. constructor; cbn [bounded linear positive fixed]; try discriminate.
    + apply (grows_near S _ _ _ HB). apply (grows_plus S S_ge0 _ (fun _ _ _ => 1)); [now apply grows_const|].
      now apply grows_abs.
    + apply Times. cbn [diff1]. apply (grows_ext S _ _ (fun t tr ix => / 2 * / sqrt (v t tr ix))).
      { intros. now rewrite Rinv_mult. }
      apply (grows_mult S _ (fun _ _ _ => / 2)); auto. now apply grows_const.
    + intros H. apply (within_near flat _ _ _ HB). apply Plus1; auto. apply flat_ge1.
    + intros H. apply (within_near line_of _ _ _ HB). apply Plus1; auto. now apply line_ge1.
    + intros _. split; [|exact GI]. revert Hpos. apply filter_imp. intros t H tr ix Hix.
      apply sqrt_lt_R0, H, Hix.
  - (* square *) injection Hj as <-. split; [|now apply Always].
    assert (HF : bounded x = true -> within flat (boxs s) (fun t tr ix => v t tr ix * v t tr ix)).
    { intros H. apply (within_le (fun tr => flat tr * flat tr) flat _ _ (fun t tr ix => v t tr ix * v t tr ix)).
      - intros; unfold flat; lra.
      - intros; lra.
      - apply within_mult; auto. }
    constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + cbn [app1]. now apply grows_mult.
    + apply Times. cbn [diff1]. apply (grows_mult S _ (fun _ _ _ => 2)); auto. now apply grows_const.
    + intros H. apply flat_line; auto; now apply HF.
    + intros H. destruct (Hp H) as [Hpos Hinv]. split.
      * revert Hpos. apply filter_imp. intros t H' tr ix Hix. specialize (H' tr ix Hix). simpl. nra.
      * apply (grows_ext S _ _ (fun t tr ix => / v t tr ix * / v t tr ix)).
        { intros. simpl. now rewrite Rinv_mult. }
        now apply grows_mult.
  - (* reciprocal *) destruct (positive x) eqn:Ep; [|discriminate]. injection Hj as <-.
    specialize (Hp eq_refl). pose proof (positively_pos _ _ Hp) as Hpos. destruct Hp as [_ Hinv].
    split.
    2:{ revert Hpos. apply filter_imp. intros t H tr ix Hix. specialize (H tr ix Hix). simpl. lra. }
    constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + apply Times. cbn [diff1].
      apply (grows_le S _ _ (fun t tr ix => / v t tr ix * / v t tr ix)); [|now apply grows_mult].
      intros. rewrite Rabs_Ropp. lra.
    + intros _. split.
      * revert Hpos. apply filter_imp. intros t H tr ix Hix. apply Rinv_0_lt_compat. auto.
      * apply (grows_ext S _ _ v); auto. intros. simpl. apply Rinv_inv.
  - (* tanh *) injection Hj as <-. split; [|now apply Always].
    assert (HV : forall t tr ix, Rabs (app1 Tanh (v t tr ix)) <= 1).
    { intros. apply Rabs_le. pose proof (tanh_range (v t tr ix)). lra. }
    constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + apply Times. apply One. intros t tr ix. cbn [diff1]. pose proof (tanh_range (v t tr ix)).
      set (y := app1 Tanh (v t tr ix)) in *. apply Rabs_le. nra.
    + intros _. apply bounded_by_one; auto. apply flat_ge1.
    + intros _. apply bounded_by_one; auto. now apply line_ge1.
  - (* sigmoid *) injection Hj as <-. split; [|now apply Always].
    assert (HV : forall t tr ix, Rabs (app1 Sigmoid (v t tr ix)) <= 1).
    { intros. simpl. apply Rabs_le. pose proof (logistic_range (v t tr ix)). lra. }
    constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + apply Times. apply One. intros t tr ix. simpl. pose proof (logistic_range (v t tr ix)).
      apply Rabs_le. nra.
    + intros _. apply bounded_by_one; auto. apply flat_ge1.
    + intros _. apply bounded_by_one; auto. now apply line_ge1.
    + intros H. split; [apply filter_forall; intros; apply logistic_range|].
      apply (grows_ext S _ _ (fun t tr ix => 1 + exp (- v t tr ix))).
      { intros. simpl. unfold logistic. apply Rinv_inv. }
      apply (grows_plus S S_ge0 _ (fun _ _ _ => 1)); [now apply grows_const|].
      apply (exp_line_grows S (boxs s) (fun t tr ix => - v t tr ix)).
      generalize (Hl H). apply within_le; [intros; split; [apply line_ge0|lra]|].
      intros. rewrite Rabs_Ropp. lra.
  - (* softplus *) injection Hj as <-. split; [|now apply Always].
    assert (HB : forall g, (forall tr, 1 <= g tr) -> within g (boxs s) v ->
              within g (boxs s) (fun t tr ix => app1 Softplus (v t tr ix))).
    { intros g Hg1 Hv. apply (within_le g g _ _ (fun t tr ix => 1 + Rabs (v t tr ix))).
      - intros tr. specialize (Hg1 tr). lra.
      - intros. simpl. pose proof (softplus_bound (v t tr a)). pose proof (Rabs_pos (v t tr a)).
        rewrite !Rabs_pos_eq by lra. lra.
      - now apply Plus1. }
    constructor; cbn [bounded linear positive fixed]; try discriminate.
    + destruct Hg as (k & Hk & Hv). exists k. split; auto. apply HB; auto. intros. now apply power_ge1.
    + apply Times. apply One. intros t tr ix. simpl. pose proof (logistic_range (v t tr ix)).
      apply Rabs_le. lra.
    + intros H. apply HB; auto. apply flat_ge1.
    + intros H. apply HB; auto. now apply line_ge1.
    + intros H. split; [apply filter_forall; intros; apply softplus_inverse|].
      apply (grows_le S _ _ (fun t tr ix => 1 + exp (- v t tr ix))).
      { intros. simpl. pose proof (softplus_inverse (v t tr a)) as [H1 H2].
        pose proof (exp_pos (- v t tr a)). rewrite !Rabs_pos_eq; try lra.
        left. now apply Rinv_0_lt_compat. }
      apply (grows_plus S S_ge0 _ (fun _ _ _ => 1)); [now apply grows_const|].
      apply (exp_line_grows S (boxs s) (fun t tr ix => - v t tr ix)).
      generalize (Hl H). apply within_le; [intros; split; [apply line_ge0|lra]|].
      intros. rewrite Rabs_Ropp. lra.
  - (* sin *) injection Hj as <-. split; [|now apply Always].
    assert (HV : forall t tr ix, Rabs (app1 Sin (v t tr ix)) <= 1).
    { intros. simpl. apply Rabs_le. pose proof (SIN_bound (v t tr ix)). lra. }
    constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + apply Times. apply One. intros t tr ix. simpl. apply Rabs_le. pose proof (COS_bound (v t tr ix)). lra.
    + intros _. apply bounded_by_one; auto. apply flat_ge1.
    + intros _. apply bounded_by_one; auto. now apply line_ge1.
  - (* cos *) injection Hj as <-. split; [|now apply Always].
    assert (HV : forall t tr ix, Rabs (app1 Cos (v t tr ix)) <= 1).
    { intros. simpl. apply Rabs_le. pose proof (COS_bound (v t tr ix)). lra. }
    constructor; cbn [bounded linear positive fixed]; try discriminate; auto.
    + apply Times. apply One. intros t tr ix. simpl. apply Rabs_le. pose proof (SIN_bound (v t tr ix)). lra.
    + intros _. apply bounded_by_one; auto. apply flat_ge1.
    + intros _. apply bounded_by_one; auto. now apply line_ge1.
Qed.

(** *** Two operands *)
Lemma flat_mult g l (u v : family index) : (forall tr, 1 <= g tr) -> within flat l u -> within g l v ->
  within g l (fun t tr ix => u t tr ix * v t tr ix).
Proof.
  intros Hg Hu Hv. apply (within_le (fun tr => flat tr * g tr) g _ _ (fun t tr ix => u t tr ix * v t tr ix)).
  - intros tr. unfold flat. specialize (Hg tr). lra.
  - intros; lra.
  - now apply within_mult.
Qed.
Lemma mult_flat g l (u v : family index) : (forall tr, 1 <= g tr) -> within g l u -> within flat l v ->
  within g l (fun t tr ix => u t tr ix * v t tr ix).
Proof.
  intros Hg Hu Hv. apply (within_ext g _ _ (fun t tr ix => v t tr ix * u t tr ix)).
  - intros tr. specialize (Hg tr). lra.
  - intros; ring.
  - now apply flat_mult.
Qed.
Lemma positively_mult l (u v : family index) : positively l u -> positively l v ->
  positively l (fun t tr ix => u t tr ix * v t tr ix).
Proof.
  intros [H1 H2] [H3 H4]. split.
  - generalize (filter_and _ _ H1 H3). apply filter_imp. intros t [A B] tr ix Hix.
    apply Rmult_lt_0_compat; auto.
  - apply (grows_ext S _ _ (fun t tr ix => / u t tr ix * / v t tr ix)).
    { intros. now rewrite Rinv_mult. }
    now apply grows_mult.
Qed.
Lemma product_bounds x y (lx : list index) (v v' : family index) :
  (bounded x = true -> within flat lx v) -> (linear x = true -> within line_of lx v) ->
  (bounded y = true -> within flat lx v') -> (linear y = true -> within line_of lx v') ->
  (bounded (product_facts x y) = true -> within flat lx (fun t tr ix => v t tr ix * v' t tr ix)) /\
  (linear (product_facts x y) = true -> within line_of lx (fun t tr ix => v t tr ix * v' t tr ix)).
Proof.
  intros Hb Hl Hb' Hl'. unfold product_facts; cbn [bounded linear]. split.
  - intros H. apply andb_prop in H as [H H']. apply flat_mult; auto. apply flat_ge1.
  - intros H. apply orb_prop in H as [H|H]; apply andb_prop in H as [H H'].
    + apply flat_mult; auto. now apply line_ge1.
    + apply mult_flat; auto. now apply line_ge1.
Qed.
Lemma near_neq0 l (u : family index) : positively l u ->
  locally (0 : R) (fun t => forall tr ix, In ix l -> u t tr ix <> 0).
Proof.
  intros [H _]. revert H. apply filter_imp. intros t H tr ix Hix. specialize (H tr ix Hix). lra.
Qed.

Theorem judge2_sound f x y r s v w v' w' : judge2 f x y = Some r ->
  true_of x s v w -> true_of y s v' w' ->
  true_of r s (fun t tr ix => app2 f (v t tr ix) (v' t tr ix))
    (fun t tr ix => diff2l f (v t tr ix) (v' t tr ix) * w t tr ix
                    + diff2r f (v t tr ix) (v' t tr ix) * w' t tr ix) /\
  locally (0 : R) (fun t => forall tr ix, In ix (boxs s) -> dom2 f (v t tr ix) (v' t tr ix)).
Proof.
  intros Hj Tx Ty. pose proof Tx as [Hg Hs _ Hb Hl Hp]. pose proof Ty as [Hg' Hs' Hf' Hb' Hl' Hp'].
  assert (Times : forall c (u : family index), grows (boxs s) u ->
            grows (boxs s) (fun t tr ix => c * u t tr ix)).
  { intros c u Hu. apply (grows_mult S (boxs s) (fun _ _ _ => c)); auto. now apply grows_const. }
  assert (Neg : forall g (u : family index), (forall tr, 1 <= g tr) -> within g (boxs s) u ->
            within g (boxs s) (fun t tr ix => - u t tr ix)).
  { intros g u Hg1. apply within_le; [intros tr; specialize (Hg1 tr); lra|].
    intros. rewrite Rabs_Ropp. lra. }
  assert (Slope : forall a b : family index, grows (boxs s) a -> grows (boxs s) b ->
            grows (boxs s) (fun t tr ix => a t tr ix * w t tr ix + b t tr ix * w' t tr ix)).
  { intros a b Ha Hb0. apply (grows_plus S S_ge0); now apply (grows_mult S (boxs s)). }
  assert (Ones : forall c, grows (boxs s) (fun _ _ _ => c)) by (intros; now apply grows_const).
  destruct f; simpl in Hj; try discriminate.
  - (* + *) injection Hj as <-. split; [|apply filter_forall; easy].
    constructor; cbn [bounded linear positive fixed]; try discriminate.
    + now apply grows_plus.
    + now apply (Slope (fun _ _ _ => 1) (fun _ _ _ => 1)).
    + intros H. apply andb_prop in H as [H H']. apply within_plus; auto.
    + intros H. apply andb_prop in H as [H H']. apply within_plus; auto.
    + intros H. apply andb_prop in H as [H H']. destruct (Hp H) as [P1 P2].
      destruct (Hp' H') as [P3 P4]. split.
      * generalize (filter_and _ _ P1 P3). apply filter_imp. intros t [A B] tr ix Hix.
        specialize (A tr ix Hix). specialize (B tr ix Hix). simpl. lra.
      * apply (grows_near S _ _ (fun t tr ix => / v t tr ix)); auto.
        generalize (filter_and _ _ P1 P3). apply filter_imp. intros t [A B] tr ix Hix.
        specialize (A tr ix Hix). specialize (B tr ix Hix). simpl.
        rewrite !Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra). apply Rinv_le_contravar; lra.
  - (* - *) injection Hj as <-. split; [|apply filter_forall; easy].
    constructor; cbn [bounded linear positive fixed]; try discriminate.
    + apply (grows_ext S _ _ (fun t tr ix => v t tr ix + -1 * v' t tr ix)); [intros; simpl; ring|].
      apply (grows_plus S S_ge0 _ v (fun t tr ix => -1 * v' t tr ix)); auto.
    + now apply (Slope (fun _ _ _ => 1) (fun _ _ _ => -1)).
    + intros H. apply andb_prop in H as [H H'].
      apply (within_plus flat _ v (fun t tr ix => - v' t tr ix)); auto. apply Neg; auto. apply flat_ge1.
    + intros H. apply andb_prop in H as [H H'].
      apply (within_plus line_of _ v (fun t tr ix => - v' t tr ix)); auto. apply Neg; auto.
      now apply line_ge1.
  - (* product *) injection Hj as <-. split; [|apply filter_forall; easy].
    destruct (product_bounds x y (boxs s) v v' Hb Hl Hb' Hl') as [B1 B2].
    constructor; try discriminate; [| |exact B1|exact B2|].
    + now apply grows_mult.
    + now apply (Slope v' v).
    + unfold product_facts; cbn [positive]. intros H. apply andb_prop in H as [H H'].
      apply positively_mult; auto.
  - (* quotient *) destruct (positive y) eqn:Ep; [|discriminate]. injection Hj as <-.
    specialize (Hp' eq_refl). pose proof Hp' as [Hpos Hinv]. split; [|now apply near_neq0].
    assert (HF : fixed y = true -> within flat (boxs s) (fun t tr ix => / v' t tr ix)).
    { intros H. destruct (Hf' H) as [c Hc].
      apply (within_ext flat _ _ (fun _ _ ix => / c ix)); [intros; unfold flat; lra| |].
      - intros t tr ix Hix. destruct (Hc t tr ix Hix) as [-> _]. reflexivity.
      - apply within_const, flat_ge1. }
    constructor; cbn [bounded linear positive fixed]; try discriminate.
    + now apply (grows_mult S _ v (fun t tr ix => / v' t tr ix)).
    + apply (Slope (fun t tr ix => / v' t tr ix)
               (fun t tr ix => - (v t tr ix / v' t tr ix * / v' t tr ix))); auto.
      apply (grows_le S _ _ (fun t tr ix => v t tr ix * / v' t tr ix * / v' t tr ix)).
      { intros. rewrite Rabs_Ropp. unfold Rdiv. lra. }
      apply (grows_mult S _ (fun t tr ix => v t tr ix * / v' t tr ix)); auto. now apply grows_mult.
    + intros H. apply andb_prop in H as [H H'].
      apply (flat_mult flat _ v (fun t tr ix => / v' t tr ix)); auto. apply flat_ge1.
    + intros H. apply andb_prop in H as [H H'].
      apply (mult_flat line_of _ v (fun t tr ix => / v' t tr ix)); auto. now apply line_ge1.
    + intros H. destruct (Hp H) as [P1 P2].
      apply (positively_mult _ v (fun t tr ix => / v' t tr ix)); [now split|]. split.
      * revert Hpos. apply filter_imp. intros t A tr ix Hix. now apply Rinv_0_lt_compat, A.
      * apply (grows_ext S _ _ v'); auto. intros. apply Rinv_inv.
  - (* power *) destruct (positive x && bounded y) eqn:Ep; [|discriminate]. injection Hj as <-.
    apply andb_prop in Ep as [Epx Eby]. specialize (Hp Epx). specialize (Hb' Eby).
    pose proof (log_line S S_ge0 _ _ Hg Hp) as HL. pose proof Hp as [Hpos Hinv].
    assert (HE : forall u : family index, within flat (boxs s) u ->
              grows (boxs s) (fun t tr ix => exp (u t tr ix * ln (v t tr ix)))).
    { intros u Hu. apply (exp_line_grows S (boxs s) (fun t tr ix => u t tr ix * ln (v t tr ix))).
      apply flat_mult; auto. now apply line_ge1. }
    split.
    2:{ revert Hpos. apply filter_imp. auto. }
    constructor; cbn [bounded linear positive fixed]; try discriminate.
    + now apply HE.
    + apply (Slope (fun t tr ix => v' t tr ix * exp ((v' t tr ix - 1) * ln (v t tr ix)))
               (fun t tr ix => exp (v' t tr ix * ln (v t tr ix)) * ln (v t tr ix))).
      * apply (grows_mult S _ v'); auto. apply (HE (fun t tr ix => v' t tr ix - 1)).
        apply (within_plus flat _ v' (fun _ _ _ => -1)); auto. apply within_const, flat_ge1.
      * apply (grows_mult S _ (fun t tr ix => exp (v' t tr ix * ln (v t tr ix)))); auto.
        now apply line_grows.
    + intros _. split; [apply filter_forall; intros; apply exp_pos|].
      apply (grows_ext S _ _ (fun t tr ix => exp (- v' t tr ix * ln (v t tr ix)))).
      { intros. simpl. rewrite <- exp_Ropp. f_equal. ring. }
      apply (HE (fun t tr ix => - v' t tr ix)). apply Neg; auto. apply flat_ge1.
Qed.

(** *** Sums *)
Lemma sum_positively {A B} (l : list A) (m : list B) (on : B -> A -> bool) (u : family A) :
  (forall b, In b m -> exists a, In a l /\ on b a = true) -> Tame.positively S l u ->
  Tame.positively S m (fun t tr b => sum l (fun a => if on b a then u t tr a else 0)).
Proof.
  intros Hex [Hpos Hinv].
  assert (Low : forall t tr b a, (forall a, In a l -> 0 < u t tr a) -> In a l -> on b a = true ->
    u t tr a <= sum l (fun a => if on b a then u t tr a else 0)).
  { intros t tr b a Hu Ha Hon. clear Hex Hpos Hinv. induction l as [|c l' IH]; [easy|].
    assert (H0 : 0 <= sum l' (fun a => if on b a then u t tr a else 0)).
    { apply sum_ge0. intros c' Hc'. destruct (on b c'); [|lra]. left. apply Hu. now right. }
    cbn [sum]. destruct Ha as [->|Ha].
    - rewrite Hon. lra.
    - specialize (IH (fun a Ha => Hu a (or_intror Ha)) Ha).
      destruct (on b c); [|lra]. specialize (Hu c (or_introl eq_refl)). lra. }
  split.
  - revert Hpos. apply filter_imp. intros t H tr b Hb. destruct (Hex b Hb) as (a & Ha & Hon).
    specialize (Low t tr b a (H tr) Ha Hon). specialize (H tr a Ha). lra.
  - apply (grows_near S _ _ (fun t tr b => sum l (fun a => if on b a then Rabs (/ u t tr a) else 0))).
    2:{ apply grows_part. now apply grows_abs. }
    revert Hpos. apply filter_imp. intros t H tr b Hb. destruct (Hex b Hb) as (a & Ha & Hon).
    specialize (Low t tr b a (H tr) Ha Hon). pose proof (H tr a Ha) as Hua.
    rewrite Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
    eapply Rle_trans; [apply Rinv_le_contravar; [exact Hua|exact Low]|].
    eapply Rle_trans; [|apply Rle_abs].
    assert (Hin : forall l', In a l' ->
      / u t tr a <= sum l' (fun a => if on b a then Rabs (/ u t tr a) else 0)).
    { induction l' as [|c l' IH]; [easy|]. intros Hc. cbn [sum].
      assert (H0 : 0 <= sum l' (fun a => if on b a then Rabs (/ u t tr a) else 0)).
      { apply sum_ge0. intros c' _. destruct (on b c'); [apply Rabs_pos|lra]. }
      destruct Hc as [->|Hc].
      - rewrite Hon. pose proof (Rle_abs (/ u t tr a)). lra.
      - specialize (IH Hc). destruct (on b c); [|lra]. pose proof (Rabs_pos (/ u t tr c)). lra. }
    now apply Hin.
Qed.

Lemma lin_true l x s v w : true_of x s v w -> lin_ok l = true -> s = src l ->
  true_of (lin_facts l x) (dst l) (fun t tr => lin_app rho l (v t tr)) (fun t tr => lin_app rho l (w t tr)).
Proof.
  intros [Hg Hs _ Hb Hl Hp] Hok ->.
  assert (Hin : forall p, In p (pairs rho l) -> In (fst p) (boxs (src l))).
  { intros [a b] Hpq. now apply (in_pairs rho (fun _ => zero) l a b). }
  assert (W : forall g (u : R -> trace -> tensor), (forall tr, 0 <= g tr) -> within g (boxs (src l)) u ->
    within g (boxs (dst l)) (fun t tr => lin_app rho l (u t tr))).
  { intros g u Hg0 Hu. unfold lin_app.
    apply (within_part g (pairs rho l) (boxs (dst l)) (fun b p => index_eqb (snd p) b)
             (fun t tr p => u t tr (fst p))); auto.
    now apply (within_at g (boxs (src l)) (pairs rho l) fst). }
  constructor; cbn [lin_facts bounded linear positive fixed]; try discriminate.
  - destruct Hg as (k & Hk & Hv). exists k. split; auto. apply W; auto. intros; apply power_ge0.
  - destruct Hs as (k & Hk & Hv). exists k. split; auto. apply W; auto. intros; apply power_ge0.
  - intros H. apply W; auto. apply flat_ge0.
  - intros H. apply W; auto. apply line_ge0.
  - destruct l as [vs i o|? ? ? ?|? ? ? ?|? ?]; try discriminate. intros H.
    apply andb_prop in H as [H Hd]. simpl in Hok. apply andb_prop in Hok as [Hi Ho].
    unfold lin_app. cbn [pairs dst src] in *.
    assert (P : Tame.positively S (boxs (pick vs o)) (fun t tr b => sum (boxs vs) (fun z =>
              if index_eqb (pick z o) b then v t tr (pick z i) else 0))).
    { apply (sum_positively (boxs vs) (boxs (pick vs o)) (fun b z => index_eqb (pick z o) b)
               (fun t tr z => v t tr (pick z i))).
      - intros b Hb0. destruct (fibre rho rho_pos vs o b Hd Ho Hb0) as (z & Hz & <-). exists z. split; auto.
        apply index_eqb_refl.
      - destruct (Hp H) as [P1 P2]. split.
        + revert P1. apply filter_imp. intros t A tr z Hz. apply A. now apply pick_in.
        + apply (grows_at S (boxs (pick vs i)) (boxs vs) (fun z => pick z i) (fun t tr ix => / v t tr ix)); auto.
          intros z Hz. now apply pick_in. }
    destruct P as [P1 P2]. split.
    + revert P1. apply filter_imp. intros t A tr b Hb0. rewrite sum_map. now apply A.
    + apply (grows_ext S _ _ _) with (2 := P2). intros. now rewrite sum_map.
Qed.

Lemma ein2_true vs i j o x y v w v' w' : below (length vs) i = true -> below (length vs) j = true ->
  below (length vs) o = true ->
  true_of x (pick vs i) v w -> true_of y (pick vs j) v' w' ->
  let p := product_facts x y in
  true_of (Facts false (bounded p) (linear p) (positive p && distinct_axes o)) (pick vs o)
    (fun t tr => ein2 rho vs i j o (v t tr) (v' t tr))
    (fun t tr b => ein2 rho vs i j o (w t tr) (v' t tr) b + ein2 rho vs i j o (v t tr) (w' t tr) b).
Proof.
  intros Hi Hj Ho [Hg Hs _ Hb Hl Hp] [Hg' Hs' _ Hb' Hl' Hp'] p.
  assert (At : forall g q (u : R -> trace -> tensor), below (length vs) q = true ->
    within g (boxs (pick vs q)) u -> within g (boxs vs) (fun t tr z => u t tr (pick z q))).
  { intros g q u Hq Hu. apply (within_at g (boxs (pick vs q)) (boxs vs) (fun z => pick z q)); auto.
    intros z Hz. now apply pick_in. }
  assert (GAt : forall q (u : R -> trace -> tensor), below (length vs) q = true ->
    grows (boxs (pick vs q)) u -> grows (boxs vs) (fun t tr z => u t tr (pick z q))).
  { intros q u Hq (k & Hk & Hu). exists k. split; auto. }
  assert (Sum : forall g (u u' : R -> trace -> tensor), (forall tr, 0 <= g tr) ->
    within g (boxs vs) (fun t tr z => u t tr (pick z i) * u' t tr (pick z j)) ->
    within g (boxs (pick vs o)) (fun t tr => ein2 rho vs i j o (u t tr) (u' t tr))).
  { intros g u u' Hg0 Hu. unfold ein2.
    now apply (within_part g (boxs vs) (boxs (pick vs o)) (fun b z => index_eqb (pick z o) b)
             (fun t tr z => u t tr (pick z i) * u' t tr (pick z j))). }
  assert (Prod : forall u u' : R -> trace -> tensor, grows (boxs (pick vs i)) u ->
    grows (boxs (pick vs j)) u' ->
    grows (boxs (pick vs o)) (fun t tr => ein2 rho vs i j o (u t tr) (u' t tr))).
  { intros u u' Hu Hu'.
    destruct (grows_mult S (boxs vs) _ _ (GAt i u Hi Hu) (GAt j u' Hj Hu')) as (k & Hk & Hm).
    exists k. split; auto. apply Sum; auto. intros; apply power_ge0. }
  destruct (product_bounds x y (boxs vs) (fun t tr z => v t tr (pick z i)) (fun t tr z => v' t tr (pick z j)))
    as [B1 B2]; try (intros; apply At; auto).
  constructor; cbn [bounded linear positive fixed]; try discriminate.
  - now apply Prod.
  - apply (grows_plus S S_ge0 _ (fun t tr => ein2 rho vs i j o (w t tr) (v' t tr))
             (fun t tr => ein2 rho vs i j o (v t tr) (w' t tr))); now apply Prod.
  - intros H. apply Sum; auto. apply flat_ge0.
  - intros H. apply Sum; auto. apply line_ge0.
  - intros H. apply andb_prop in H as [H Hd]. unfold p, product_facts in H; cbn [positive] in H.
    apply andb_prop in H as [H H']. unfold ein2.
    apply (sum_positively (boxs vs) (boxs (pick vs o)) (fun b z => index_eqb (pick z o) b)
             (fun t tr z => v t tr (pick z i) * v' t tr (pick z j))).
    + intros b Hb0. destruct (fibre rho rho_pos vs o b Hd Ho Hb0) as (z & Hz & <-). exists z. split; auto.
      apply index_eqb_refl.
    + assert (PAt : forall q (u : R -> trace -> tensor), below (length vs) q = true ->
        positively (boxs (pick vs q)) u -> positively (boxs vs) (fun t tr z => u t tr (pick z q))).
      { intros q u Hq [P1 P2]. split.
        - revert P1. apply filter_imp. intros t A tr z Hz. apply A. now apply pick_in.
        - now apply (GAt q (fun t tr ix => / u t tr ix)). }
      apply (positively_mult (boxs vs) (fun t tr z => v t tr (pick z i)) (fun t tr z => v' t tr (pick z j)));
        apply PAt; auto.
Qed.

Lemma sum_term {A} (l : list A) (f : A -> R) a : (forall a, In a l -> 0 <= f a) -> In a l -> f a <= sum l f.
Proof.
  induction l as [|b l IH]; simpl; intros H Ha; [easy|].
  assert (0 <= sum l f) by (apply sum_ge0; auto). destruct Ha as [->|Ha]; [lra|].
  specialize (IH (fun a Ha => H a (or_intror Ha)) Ha). specialize (H b (or_introl eq_refl)). lra.
Qed.
Lemma lse_bound vs o b (x : tensor) : distinct_axes o = true -> below (length vs) o = true ->
  In b (boxs (pick vs o)) ->
  Rabs (ln (expsum rho vs o x b)) <= INR (length (boxs vs)) + sum (boxs vs) (fun z => Rabs (x z)).
Proof.
  intros Hd Ho Hb. pose proof (expsum_pos rho rho_pos vs o b x Hd Ho Hb) as Hpos.
  set (M := sum (boxs vs) (fun z => Rabs (x z))). set (n := INR (length (boxs vs))).
  assert (HM : forall z, In z (boxs vs) -> Rabs (x z) <= M).
  { intros z Hz. apply (sum_term (boxs vs) (fun z => Rabs (x z))); auto. intros; apply Rabs_pos. }
  assert (Hn : 0 <= n) by apply pos_INR.
  destruct (fibre rho rho_pos vs o b Hd Ho Hb) as (z & Hz & <-).
  apply Rabs_le. split.
  - rewrite <- (ln_exp (- (n + M))). apply ln_le_of; [apply exp_pos|].
    eapply Rle_trans; [|now apply expsum_at_least]. apply exp_le.
    specialize (HM z Hz). apply Rabs_le_between in HM. lra.
  - rewrite <- (ln_exp (n + M)). apply ln_le_of; auto. rewrite exp_plus.
    apply Rle_trans with (n * exp M).
    + unfold expsum, n. clear - HM.
      assert (G : forall l, (forall z, In z l -> Rabs (x z) <= M) ->
        sum l (fun v => if index_eqb (pick v o) (pick z o) then exp (x v) else 0)
        <= INR (length l) * exp M).
      { induction l as [|c l IH]; intros H; cbn [sum length]; [simpl; lra|]. rewrite S_INR.
        specialize (IH (fun z Hz => H z (or_intror Hz))). specialize (H c (or_introl eq_refl)).
        assert (exp (x c) <= exp M) by (apply exp_le; apply Rabs_le_between in H; lra).
        pose proof (exp_pos M). destruct (index_eqb _ _); lra. }
      now apply G.
    + apply Rmult_le_compat_r; [left; apply exp_pos|]. pose proof (exp_ineq1_le n). lra.
Qed.
Lemma lse_true vs o x v w : distinct_axes o = true -> below (length vs) o = true ->
  true_of x vs v w ->
  true_of (Facts false (bounded x) (linear x) false) (pick vs o)
    (fun t tr => den rho tr (Lse vs o) [v t tr]) (fun t tr => jvp rho (Lse vs o) [v t tr] [w t tr]).
Proof.
  intros Hd Ho [Hg Hs _ Hb Hl _]. cbn [den jvp].
  assert (W : forall g, (forall tr, 1 <= g tr) -> within g (boxs vs) v ->
    within g (boxs (pick vs o)) (fun t tr b => ln (expsum rho vs o (v t tr) b))).
  { intros g Hg1 Hv.
    apply (within_le g g _ _ (fun t tr b => INR (length (boxs vs)) +
             sum (boxs vs) (fun z => if true then Rabs (v t tr z) else 0))).
    - intros tr. specialize (Hg1 tr). lra.
    - intros t tr b Hb0. rewrite (Rabs_pos_eq (INR _ + _)).
      + now apply lse_bound.
      + apply Rplus_le_le_0_compat; [apply pos_INR|]. apply sum_ge0. intros; apply Rabs_pos.
    - apply (within_plus g _ (fun _ _ _ => INR (length (boxs vs)))); [now apply within_const|].
      apply (within_part g (boxs vs) (boxs (pick vs o)) (fun _ _ => true) (fun t tr z => Rabs (v t tr z))).
      + intros tr. specialize (Hg1 tr). lra.
      + now apply within_abs. }
  constructor; cbn [bounded linear positive fixed]; try discriminate.
  - destruct Hg as (k & Hk & Hv). exists k. split; auto. apply W; auto. intros. now apply power_ge1.
  - apply (grows_le S _ _ (fun t tr b => sum (boxs vs) (fun z =>
        if index_eqb (pick z o) b then Rabs (w t tr z) else 0))).
    + intros t tr b Hb0. pose proof (expsum_pos rho rho_pos vs o b (v t tr) Hd Ho Hb0) as Hpos.
      rewrite (Rabs_pos_eq (sum (boxs vs) (fun z => if index_eqb (pick z o) b then Rabs (w t tr z) else 0)))
        by (apply sum_ge0; intros z _; destruct (index_eqb _ b); [apply Rabs_pos|lra]).
      assert (G : forall l, (forall z, In z l -> In z (boxs vs)) -> Rabs (sum l (fun z =>
          if index_eqb (pick z o) b then exp (v t tr z - ln (expsum rho vs o (v t tr) b)) * w t tr z else 0))
        <= sum l (fun z => if index_eqb (pick z o) b then Rabs (w t tr z) else 0)).
      { induction l as [|c l IH]; intros H; cbn [sum]; [rewrite Rabs_R0; lra|].
        eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat; [|apply IH; intros; apply H; now right].
        destruct (index_eqb_spec (pick c o) b) as [Ec|]; [|rewrite Rabs_R0; lra].
        rewrite Rabs_mult, (Rabs_pos_eq (exp _)) by (left; apply exp_pos).
        assert (exp (v t tr c - ln (expsum rho vs o (v t tr) b)) <= 1).
        { unfold Rminus. rewrite exp_plus, exp_Ropp, exp_ln by auto.
          apply (Rmult_le_reg_r (expsum rho vs o (v t tr) b)); auto.
          rewrite Rmult_assoc, Rinv_l, Rmult_1_r, Rmult_1_l by lra. rewrite <- Ec.
          apply expsum_at_least, H. now left. }
        pose proof (Rabs_pos (w t tr c)). pose proof (exp_pos (v t tr c - ln (expsum rho vs o (v t tr) b))).
        nra. }
      apply G. auto.
    + apply (grows_part S (boxs vs) (boxs (pick vs o)) (fun b z => index_eqb (pick z o) b)
               (fun t tr z => Rabs (w t tr z))). now apply grows_abs.
  - intros H. apply W; auto. apply flat_ge1.
  - intros H. apply W; auto. now apply line_ge1.
Qed.

Lemma const_true f s (c : tensor) (v w : R -> trace -> tensor) :
  (forall t tr ix, In ix (boxs s) -> v t tr ix = c ix /\ w t tr ix = 0) ->
  (positive f = true -> forall ix, In ix (boxs s) -> 0 < c ix) -> true_of f s v w.
Proof.
  intros H Hp.
  assert (W : forall g, (forall tr, 1 <= g tr) -> within g (boxs s) v).
  { intros g Hg. apply (within_ext g _ _ (fun _ _ => c)).
    - intros tr. specialize (Hg tr). lra.
    - intros t tr ix Hix. now apply H.
    - now apply within_const. }
  constructor.
  - apply flat_grows. apply W, flat_ge1.
  - apply (grows_ext S _ _ (fun _ _ _ => 0)); [intros t tr ix Hix; now apply H|now apply grows_const].
  - intros _. now exists c.
  - intros _. apply W, flat_ge1.
  - intros _. apply W. now apply line_ge1.
  - intros Hpf. split.
    + apply filter_forall. intros t tr ix Hix. destruct (H t tr ix Hix) as [-> _]. auto.
    + apply flat_grows. apply (within_ext flat _ _ (fun _ _ ix => / c ix)).
      * intros; unfold flat; lra.
      * intros t tr ix Hix. destruct (H t tr ix Hix) as [-> _]. reflexivity.
      * apply within_const, flat_ge1.
Qed.

(** *** All operations *)
Theorem rule_sound o fs r ss s vs ws : rule o fs = Some r -> ty o ss = Some s -> all_true fs ss vs ws ->
  true_of r s (fun t tr => den rho tr o (at_point t tr vs))
              (fun t tr => jvp rho o (at_point t tr vs) (at_point t tr ws)) /\
  locally (0 : R) (fun t => forall tr, pre rho o ss (at_point t tr vs)).
Proof.
  intros Hr Ht Ha. destruct o as [f|f|l|zs i j o'|zs o'|a d s'|d|d|]; simpl in Hr.
  - destruct fs as [|x [|? ?]]; try discriminate. destruct ss as [|s0 [|? ?]]; try discriminate.
    injection Ht as <-. destruct vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in Ha; try tauto.
    destruct Ha as [Tx _]. exact (judge1_sound f x r s0 v w Hr Tx).
  - destruct fs as [|x [|y [|? ?]]]; try discriminate. destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate.
    simpl in Ht. destruct (index_eqb_spec s0 s1); [subst s1|discriminate]. injection Ht as <-.
    destruct vs as [|v [|v' [|? ?]]], ws as [|w [|w' [|? ?]]]; simpl in Ha; try tauto.
    destruct Ha as (Tx & Ty & _). exact (judge2_sound f x y r s0 v w v' w' Hr Tx Ty).
  - destruct fs as [|x [|? ?]]; try discriminate. injection Hr as <-.
    destruct ss as [|s0 [|? ?]]; try discriminate. simpl in Ht.
    destruct (lin_ok l && index_eqb s0 (src l)) eqn:E; [|discriminate]. injection Ht as <-.
    apply andb_prop in E as [Hok Es]. destruct (index_eqb_spec s0 (src l)); [|discriminate].
    destruct vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in Ha; try tauto. destruct Ha as [Tx _].
    split; [now apply (lin_true l x s0 v w)|]. apply filter_forall. easy.
  - destruct fs as [|x [|y [|? ?]]]; try discriminate. injection Hr as <-.
    destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate. simpl in Ht.
    match type of Ht with (if ?b then _ else _) = _ => destruct b eqn:Hb; [|discriminate] end.
    injection Ht as <-. repeat (apply andb_prop in Hb as [Hb ?]).
    destruct (index_eqb_spec s0 (pick zs i)); [subst s0|discriminate].
    destruct (index_eqb_spec s1 (pick zs j)); [subst s1|discriminate].
    destruct vs as [|v [|v' [|? ?]]], ws as [|w [|w' [|? ?]]]; simpl in Ha; try tauto.
    destruct Ha as (Tx & Ty & _). split; [now apply (ein2_true zs i j o')|]. apply filter_forall. easy.
  - destruct fs as [|x [|? ?]]; try discriminate.
    destruct (distinct_axes o') eqn:Hd; [|discriminate]. injection Hr as <-.
    destruct ss as [|s0 [|? ?]]; try discriminate. simpl in Ht.
    destruct (below (length zs) o' && index_eqb s0 zs) eqn:E; [|discriminate]. injection Ht as <-.
    apply andb_prop in E as [Ho Es]. destruct (index_eqb_spec s0 zs); [subst s0|discriminate].
    destruct vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in Ha; try tauto. destruct Ha as [Tx _].
    split; [now apply lse_true|]. apply filter_forall. intros t tr. cbn [at_point map pre].
    intros b Hb. now apply expsum_pos.
  - destruct fs; try discriminate. injection Hr as <-. destruct ss; try discriminate.
    injection Ht as <-. destruct vs, ws; simpl in Ha; try tauto. split; [|apply filter_forall; easy].
    apply (const_true _ s' (fun _ => IZR a / IZR (Zpos d))); [easy|]. cbn [positive]. intros H ix _.
    apply Z.ltb_lt, IZR_lt in H. apply Rdiv_lt_0_compat; auto. apply IZR_lt. lia.
  - destruct fs; try discriminate. injection Hr as <-. destruct ss; try discriminate.
    injection Ht as <-. destruct vs, ws; simpl in Ha; try tauto. split; [|apply filter_forall; easy].
    now apply (const_true _ [d] (fun ix => INR (nth 0 ix 0%nat))).
  - destruct fs; try discriminate. injection Hr as <-. destruct ss; try discriminate.
    injection Ht as <-. destruct vs, ws; simpl in Ha; try tauto. split; [|apply filter_forall; easy].
    apply (const_true _ [] (fun _ => INR (rho d))); [easy|]. intros _ ix _. apply (lt_INR 0), rho_pos.
  - discriminate.
Qed.

Theorem judge_sound o fs r ss s vs ws : is_sample o = false -> judge o fs = Some r -> ty o ss = Some s ->
  all_true fs ss vs ws ->
  true_of r s (fun t tr => den rho tr o (at_point t tr vs))
              (fun t tr => jvp rho o (at_point t tr vs) (at_point t tr ws)) /\
  (fixed r = true \/ locally (0 : R) (fun t => forall tr, pre rho o ss (at_point t tr vs))).
Proof.
  intros Ho Hj Ht Ha.
  assert (Hj' : (if forallb fixed fs then
      Some (Facts true true true match rule o fs with Some f => positive f | None => false end)
    else rule o fs) = Some r) by (destruct o; try discriminate; exact Hj).
  clear Hj. destruct (forallb fixed fs) eqn:Hfix.
  2:{ destruct (rule_sound o fs r ss s vs ws Hj' Ht Ha). split; auto. }
  injection Hj' as <-. split; [|now left].
  assert (Hc : exists cs, length cs = length ss /\ forall t tr, agree rho ss (at_point t tr vs) cs /\
            agree rho ss (at_point t tr ws) (map (fun _ => zero) ss)).
  { clear - Hfix Ha. revert ss vs ws Ha.
    induction fs as [|f fs IH]; intros [|s ss] [|v vs] [|w ws] Ha; simpl in Ha; try tauto.
    - exists []. simpl. auto.
    - simpl in Hfix. apply andb_prop in Hfix as [Hf Hfix]. destruct Ha as [[_ _ Hst _ _ _] Ha].
      destruct (IH Hfix _ _ _ Ha) as (cs & Lc & Hcs). destruct (Hst Hf) as [c Hc].
      exists (c :: cs). split; [simpl; lia|]. intros t tr. destruct (Hcs t tr) as [H1 H2]. simpl.
      split; split; auto; intros ix Hix; now apply (Hc t tr ix). }
  destruct Hc as (cs & Lc & Hcs).
  apply (const_true _ s (den rho (fun _ => zero) o cs)).
  - intros t tr ix Hix. destruct (Hcs t tr) as [H1 H2]. split.
    + rewrite (den_traceless rho o _ tr (fun _ => zero) Ho). eapply den_agree; eauto.
    + apply (jvp_still rho o ss s); auto. clear - Ha. revert fs vs ws Ha.
      induction ss as [|s' ss IH]; intros [|f fs] [|v vs] [|w ws] Ha; simpl in Ha; try tauto; auto.
      simpl. f_equal. destruct Ha as [_ Ha]. eauto.
  - cbn [positive]. destruct (rule o fs) as [r|] eqn:Er; [|discriminate]. intros Hp ix Hix.
    destruct (rule_sound o fs r ss s vs ws Er Ht Ha) as [[_ _ _ _ _ Hpos] _].
    destruct (Hpos Hp) as [Hn _]. apply locally_singleton in Hn.
    specialize (Hn (fun _ => zero) ix Hix). destruct (Hcs 0 (fun _ => zero)) as [H1 _].
    rewrite (den_agree rho _ o ss s _ cs Ht H1 ix Hix) in Hn. exact Hn.
Qed.
End Analysis.

(** ** Programs *)
Definition unknown : facts := Facts false false false false.
(** The samples of [held] are held fixed: one value of a finite law at a time. *)
Definition judge_held (held : nat -> bool) (o : op) (xs : list facts) : option facts :=
  match o with
  | Sample j _ => if held j then Some (Facts true true true false) else judge o xs
  | _ => judge o xs
  end.
(** Where the rules have no answer: what is made of noise alone. *)
Definition curve_facts (c : curve) : facts := Facts false (curve_bounded c) (curve_linear c) false.
Definition judge_noise (held : nat -> bool) (o : op) (xs : list facts) (ms : list form) : option facts :=
  match judge_held held o xs with
  | Some f => Some f
  | None => match curve_of o ms with Some (c, _) => Some (curve_facts c) | None => None end
  end.
Definition form_held (held : nat -> bool) (o : op) (ms : list form) : form :=
  match o with
  | Sample j _ => if held j then Other else Raw j
  | _ => form_of o ms
  end.
(** What is known of the slots: their facts, and what they are of the noise. *)
Fixpoint scan_forms (held : nat -> bool) (p : program) (fs : list facts) (ms : list form) : option (list facts) :=
  match p with
  | [] => Some fs
  | (o, ps) :: p =>
      let here := map (fun k => nth k ms Other) ps in
      match judge_noise held o (map (fun k => nth k fs unknown) ps) here with
      | Some f => scan_forms held p (fs ++ [f]) (ms ++ [form_held held o here])
      | None => None
      end
  end.
Definition scan_held (held : nat -> bool) (p : program) (fs : list facts) : option (list facts) :=
  scan_forms held p fs (map (fun _ => Other) fs).
Definition none_held (j : nat) : bool := false.
Definition scan : program -> list facts -> option (list facts) := scan_held none_held.
Definition input_facts (moved : list nat) (k : nat) : facts :=
  let m := existsb (Nat.eqb k) moved in Facts (negb m) true true false.
Definition tame (held : nat -> bool) (G : graph) (moved : list nat) : bool :=
  match scan_held held (g_nodes G) (map (input_facts moved) (range (inputs G))) with
  | Some _ => true | None => false end.

Section Programs.
Variable rho : dim -> nat.
Hypothesis rho_pos : forall d, (0 < rho d)%nat.
Notation boxs s := (box (sizes rho s)).
Variable cs : list coord.
Definition covers (p : program) : Prop :=
  forall j s ps, In (Sample j s, ps) p -> forall ix, In ix (boxs s) -> In (j, ix) cs.

Lemma spread_ge0 tr : 0 <= spread cs tr.
Proof. apply sum_ge0. intros; apply gauge_ge0. Qed.
Lemma spread_gauge tr c : In c cs -> gauge (get tr c) <= spread cs tr.
Proof.
  intros H. apply (sum_term cs (fun c => gauge (get tr c))); auto. intros; apply gauge_ge0.
Qed.
Lemma spread_get tr c : In c cs -> Rabs (get tr c) <= spread cs tr.
Proof. intros H. eapply Rle_trans; [apply abs_gauge|now apply spread_gauge]. Qed.
Notation S := (spread cs).

(** Values [V] and slopes [W] of all slots, as functions of the point and the trace. *)
Record tamed (fs : list facts) (sh : nat -> shape) (V W : R -> trace -> env) : Prop := {
  tamed_facts : forall k, (k < length fs)%nat ->
    true_of rho S (nth k fs unknown) (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k);
  tamed_derives : locally (0 : R) (fun t => forall tr k ix, (k < length fs)%nat ->
    In ix (boxs (sh k)) -> is_derive (fun t => V t tr k ix) t (W t tr k ix));
  tamed_noise : locally (0 : R) (fun t => forall tr c v k ix, ~ pit v -> (k < length fs)%nat ->
    In ix (boxs (sh k)) -> ex_derive (fun u => V t (set tr c u) k ix) v)
}.

Lemma all_true_map fs (sh : nat -> shape) (V W : R -> trace -> env) ps :
  (forall k, In k ps -> (k < length fs)%nat) ->
  (forall k, (k < length fs)%nat ->
    true_of rho S (nth k fs unknown) (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k)) ->
  all_true rho S (map (fun k => nth k fs unknown) ps) (map sh ps)
    (map (fun k t tr => V t tr k) ps) (map (fun k t tr => W t tr k) ps).
Proof.
  intros Hps H. induction ps as [|k ps IH]; simpl; auto. split; [apply H, Hps; now left|].
  apply IH. intros; apply Hps; now right.
Qed.
Lemma at_point_map (U : R -> trace -> env) t tr ps :
  at_point t tr (map (fun k t tr => U t tr k) ps) = map (U t tr) ps.
Proof. unfold at_point. now rewrite map_map. Qed.

(** What is made of noise alone stands still, and grows as its curve does. *)
Lemma curve_true c j s (v w : R -> trace -> tensor) : of_noise rho cs j (curve_at c) s v w ->
  true_of rho S (curve_facts c) s v w /\
  locally (0 : R) (fun t => forall tr ix, In ix (boxs s) -> is_derive (fun t => v t tr ix) t (w t tr ix)) /\
  locally (0 : R) (fun t => forall tr c' x ix, ~ pit x -> In ix (boxs s) -> ex_derive (fun u => v t (set tr c' u) ix) x).
Proof.
  intros H.
  assert (Hval : forall t tr ix, In ix (boxs s) -> v t tr ix = curve_at c (tr j ix) /\ gauge (tr j ix) <= S tr).
  { intros t tr ix Hix. destruct (H ix Hix) as [Hin Hv]. split; [apply Hv|]. exact (spread_gauge tr (j, ix) Hin). }
  split; [|split].
  - constructor; cbn [curve_facts fixed bounded linear positive]; try discriminate.
    + exists 2. split; [lra|]. exists 1. split; [lra|]. apply filter_forall. intros t tr ix Hix.
      destruct (Hval t tr ix Hix) as [-> Hg]. pose proof (curve_grows c (tr j ix)). pose proof (gauge_ge0 (tr j ix)).
      set (g := gauge (tr j ix)) in *. unfold power. rewrite Rmult_1_l.
      replace (2 * S tr) with (S tr + S tr) by ring. rewrite exp_plus. pose proof (exp_ineq1_le (S tr)). nra.
    + apply (grows_ext S _ _ (fun _ _ _ => 0)); [|now apply grows_const]. intros t tr ix Hix.
      destruct (H ix Hix) as [_ Hv]. apply Hv.
    + intros Hb. apply (within_ext flat _ _ (fun t tr ix => curve_at c (tr j ix))).
      * intros tr. unfold flat. lra.
      * intros t tr ix Hix. now apply Hval.
      * exists 1. split; [lra|]. apply filter_forall. intros t tr ix _. unfold flat. rewrite Rmult_1_r.
        now apply curve_is_bounded.
    + intros Hl. apply (within_ext (line_of S) _ _ (fun t tr ix => curve_at c (tr j ix))).
      * intros tr. pose proof (line_ge1 S spread_ge0 tr). lra.
      * intros t tr ix Hix. now apply Hval.
      * exists 1. split; [lra|]. apply filter_forall. intros t tr ix Hix. unfold line_of. rewrite Rmult_1_l.
        pose proof (curve_is_linear c (tr j ix) Hl). destruct (Hval t tr ix Hix). lra.
  - apply filter_forall. intros t tr ix Hix. destruct (H ix Hix) as [_ Hv]. rewrite (proj2 (Hv t tr)).
    apply (is_derive_ext (fun _ => curve_at c (tr j ix))); [intros u; symmetry; apply Hv|]. const_piece.
  - apply filter_forall. intros t tr c' x ix Hx Hix. destruct (H ix Hix) as [_ Hv].
    apply (ex_derive_ext (fun u => curve_at c (set tr c' u j ix))); [intros u; symmetry; apply Hv|]. unfold set.
    destruct (coord_eqb (j, ix) c'); [now apply curve_derives|apply ex_derive_const].
Qed.
Definition formed (ms : list form) (n : nat) (sh : nat -> shape) (V W : R -> trace -> env) : Prop :=
  length ms = n /\ forall k, (k < n)%nat ->
  form_true rho cs (nth k ms Other) (sh k) (fun t tr => V t tr k) (fun t tr => W t tr k).
Lemma forms_true_map ms n (sh : nat -> shape) (V W : R -> trace -> env) ps : formed ms n sh V W ->
  (forall k, In k ps -> (k < n)%nat) ->
  forms_true rho cs (map (fun k => nth k ms Other) ps) (map sh ps)
    (map (fun k t tr => V t tr k) ps) (map (fun k t tr => W t tr k) ps).
Proof.
  intros [_ H] Hps. induction ps as [|k ps IH]; simpl; auto. split; [apply H, Hps; now left|].
  apply IH. intros; apply Hps; now right.
Qed.
Lemma formed_none n sh V W : formed (repeat Other n) n sh V W.
Proof. split; [apply repeat_length|]. intros k _. rewrite nth_repeat. exact I. Qed.

(** [see tr] is the trace with the samples of [held] at their values. *)
Section Held.
Variable held : nat -> bool.
Variable see : trace -> trace.
Definition sees (p : program) : Prop :=
  forall j s ps, In (Sample j s, ps) p -> forall ix, In ix (boxs s) ->
  if held j then forall tr tr', see tr j ix = see tr' j ix
  else (forall tr, see tr j ix = tr j ix) /\ In (j, ix) cs.

Theorem scan_forms_sound p : forall fs ms fs' sh shf (V W : R -> trace -> env), sees p ->
  infer p (length fs) sh = Some shf -> scan_forms held p fs ms = Some fs' -> tamed fs sh V W ->
  formed ms (length fs) sh V W ->
  length fs' = (length fs + length p)%nat /\
  tamed fs' shf (fun t tr => run rho (see tr) p (length fs) (V t tr))
                (fun t tr => tangent rho (see tr) p (length fs) (V t tr) (W t tr)).
Proof.
  induction p as [|[o ps] p IH]; intros fs ms fs' sh shf V W Hc Hi Hs HT Hm.
  - cbn in *. inversion Hi; inversion Hs; subst. split; [lia|exact HT].
  - set (n := length fs) in *. cbn [infer] in Hi. destruct (below n ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|discriminate]. cbn [scan_forms] in Hs.
    destruct (judge_noise held o (map (fun k => nth k fs unknown) ps) _) as [f|] eqn:Hj; [|discriminate].
    assert (Hps : forall k, In k ps -> (k < n)%nat) by (intros; eapply in_below; eauto).
    destruct HT as [HF HD HN].
    set (V1 := fun t tr => put (V t tr) n (den rho (see tr) o (map (V t tr) ps))).
    set (W1 := fun t tr => put (W t tr) n (jvp rho o (map (V t tr) ps) (map (W t tr) ps))).
    assert (Hc' : sees p) by (intros j s' ps' Hin; apply (Hc j s' ps'); now right).
    assert (Hlen : length (fs ++ [f]) = Datatypes.S n) by (rewrite app_length; simpl; lia).
    pose proof (forms_true_map ms n sh V W ps Hm Hps) as Hforms.
    assert (Hplain : is_sample o = false -> forall xs tr, den rho (see tr) o xs = den rho tr o xs).
    { intros Ho xs tr. now apply den_traceless. }
    assert (Hm1 : formed (ms ++ [form_held held o (map (fun k => nth k ms Other) ps)]) (Datatypes.S n) (put sh n s) V1 W1).
    { destruct Hm as [Lm Hm]. split; [rewrite app_length, Lm; simpl; lia|]. intros k Hk.
      destruct (Nat.eq_dec k n) as [->|Hne].
      - rewrite app_nth2, Lm, Nat.sub_diag by lia. cbn [nth]. rewrite put_same.
        destruct (is_sample o) eqn:Ho.
        + destruct o as [| | | | | | | |j s']; try discriminate. simpl in Ht. destruct ps as [|? ?]; [|discriminate].
          injection Ht as <-. cbn [form_held]. pose proof (Hc j s' [] (or_introl eq_refl)) as Hsee.
          destruct (held j); [exact I|]. intros ix Hix. destruct (Hsee ix Hix) as [Hv Hin]. split; auto.
          intros t tr. unfold V1, W1. rewrite !put_same. split; [apply Hv|reflexivity].
        + replace (form_held held o _) with (form_of o (map (fun k => nth k ms Other) ps)) by (destruct o; easy).
          apply (form_true_ext rho cs _ s _ _ _ _) with (3 := form_sound rho cs o _ s _ _ _ Ht
            (fun j s' E => ltac:(rewrite E in Ho; discriminate)) Hforms);
            intros t tr; unfold V1, W1; rewrite put_same, ?(Hplain eq_refl), !map_map; reflexivity.
      - rewrite app_nth1, put_other by lia.
        apply (form_true_ext rho cs _ (sh k) _ _ _ _) with (3 := Hm k ltac:(lia));
          intros t tr; unfold V1, W1; now rewrite put_other. }
    assert (Hgoal : tamed (fs ++ [f]) (put sh n s) V1 W1 ->
      length fs' = (n + length ((o, ps) :: p))%nat /\
      tamed fs' shf (fun t tr => run rho (see tr) ((o, ps) :: p) n (V t tr))
                (fun t tr => tangent rho (see tr) ((o, ps) :: p) n (V t tr) (W t tr))).
    { intros HT1. destruct (IH (fs ++ [f]) _ fs' (put sh n s) shf V1 W1 Hc' ltac:(now rewrite Hlen) Hs HT1 ltac:(now rewrite Hlen)) as [L1 T1].
      rewrite Hlen in L1, T1. split; [rewrite L1; cbn [length]; symmetry; apply Nat.add_succ_r|]. cbn [run tangent]. exact T1. }
    apply Hgoal. clear Hgoal IH Hs Hm1.
    (* what is new: the facts of the node, its derivative in t, its derivative in a drawn number *)
    assert (Hnew : forall dn : trace -> list tensor -> tensor, (forall tr xs, den rho (see tr) o xs = dn tr xs) ->
      true_of rho S f s (fun t tr => dn tr (map (V t tr) ps))
                     (fun t tr => jvp rho o (map (V t tr) ps) (map (W t tr) ps)) /\
      locally (0 : R) (fun t => forall tr ix, In ix (boxs s) ->
        is_derive (fun t => dn tr (map (V t tr) ps) ix) t
                  (jvp rho o (map (V t tr) ps) (map (W t tr) ps) ix)) /\
      locally (0 : R) (fun t => forall tr c v ix, ~ pit v -> In ix (boxs s) ->
        ex_derive (fun u => dn (set tr c u) (map (V t (set tr c u)) ps) ix) v)).
    { intros dn Hdn. unfold judge_noise in Hj. destruct (judge_held held o _) as [f0|] eqn:Hj0.
      2:{ destruct (curve_of o _) as [[c j]|] eqn:Hq; [|discriminate]. injection Hj as <-.
        assert (Ho : is_sample o = false) by (destruct o; easy).
        apply (curve_true c j). apply (of_noise_ext rho cs j (curve_at c) s _ _ _ _) with
          (3 := curve_sound rho cs o _ c j s _ _ _ Hq Ht Hforms); intros t tr; rewrite <- ?Hdn, ?(Hplain Ho), !map_map; reflexivity. }
      injection Hj as ->. rename Hj0 into Hj. clear Hplain. destruct (is_sample o) eqn:Ho.
      - destruct o as [| | | | | | | |j s']; try discriminate. simpl in Ht.
        destruct ps as [|? ?]; [|discriminate]. injection Ht as <-. cbn [map] in *. cbn in Hj, Hdn.
        pose proof (Hc j s' [] (or_introl eq_refl)) as Hsee. cbn [jvp].
        assert (Hd : forall t tr ix, is_derive (fun _ : R => dn tr [] ix) t (zero ix)) by (intros; const_piece).
        destruct (held j).
        + injection Hj as <-.
          assert (HE : forall tr ix, In ix (boxs s') -> dn tr [] ix = see (fun _ => zero) j ix).
          { intros tr ix Hix. rewrite <- (Hdn tr []). now apply Hsee. }
          split; [|split]; [|apply filter_forall; auto|].
          * apply (const_true rho S spread_ge0 _ s' (see (fun _ => zero) j)); [|discriminate].
            intros t tr ix Hix. split; auto.
          * apply filter_forall. intros t tr c v ix _ Hix.
            apply (ex_derive_ext (fun _ => see (fun _ => zero) j ix)); [|apply ex_derive_const].
            intros u. symmetry. auto.
        + injection Hj as <-.
          assert (HE : forall tr ix, In ix (boxs s') -> dn tr [] ix = tr j ix).
          { intros tr ix Hix. rewrite <- (Hdn tr []). now apply (proj1 (Hsee ix Hix)). }
          split; [|split]; [|apply filter_forall; auto|].
          * assert (HL : within (line_of S) (boxs s') (fun (_ : R) (tr : trace) => dn tr [])).
            { exists 1. split; [lra|]. apply filter_forall. intros t tr ix Hix. unfold line_of. rewrite HE by auto.
              pose proof (spread_get tr (j, ix) (proj2 (Hsee ix Hix))). unfold get in H; simpl in H. lra. }
            constructor; cbn [fixed bounded linear positive]; try discriminate; auto.
            -- apply line_grows; auto. apply spread_ge0.
            -- apply (grows_const S (boxs s') (fun _ => 0)).
          * apply filter_forall. intros t tr c v ix _ Hix.
            apply (ex_derive_ext (fun u => set tr c u j ix)); [intros u; symmetry; auto|]. unfold set.
            destruct (coord_eqb (j, ix) c); [apply ex_derive_id|apply ex_derive_const].
      - assert (E : dn = fun tr => den rho tr o).
        { apply functional_extensionality; intros tr. apply functional_extensionality; intros xs.
          rewrite <- Hdn. now apply den_traceless. }
        subst dn. clear Hdn. assert (Hj' : judge o (map (fun k => nth k fs unknown) ps) = Some f)
          by (destruct o; try discriminate; exact Hj).
        clear Hj. rename Hj' into Hj. destruct (judge_sound rho rho_pos S spread_ge0 o _ f (map sh ps) s _ _ Ho Hj Ht
                    (all_true_map fs sh V W ps Hps HF)) as [HT1 Hpre].
        assert (HT2 : true_of rho S f s (fun t tr => den rho tr o (map (V t tr) ps))
                     (fun t tr => jvp rho o (map (V t tr) ps) (map (W t tr) ps))).
        { destruct HT1 as [A1 A2 A3 A4 A5 A6]. constructor.
          - apply (grows_ext S _ _ _) with (2 := A1). intros. now rewrite at_point_map.
          - apply (grows_ext S _ _ _) with (2 := A2). intros. now rewrite !at_point_map.
          - intros H. destruct (A3 H) as [c Hcc]. exists c. intros t tr ix Hix.
            specialize (Hcc t tr ix Hix). now rewrite !at_point_map in Hcc.
          - intros H. apply (within_ext flat _ _ _) with (3 := A4 H); [intros; unfold flat; lra|].
            intros. now rewrite at_point_map.
          - intros H. apply (within_ext (line_of S) _ _ _) with (3 := A5 H).
            + intros tr. pose proof (line_ge1 S spread_ge0 tr). lra.
            + intros. now rewrite at_point_map.
          - intros H. destruct (A6 H) as [B1 B2]. split.
            + revert B1. apply filter_imp. intros t B tr ix Hix. specialize (B tr ix Hix).
              now rewrite at_point_map in B.
            + apply (grows_ext S _ _ _) with (2 := B2). intros. now rewrite at_point_map. }
        split; [exact HT2|]. destruct Hpre as [Hfix|Hpre].
        + destruct HT2 as [_ _ Hst _ _ _]. destruct (Hst Hfix) as [c Hcc]. split; apply filter_forall.
          * intros t tr ix Hix. destruct (Hcc t tr ix Hix) as [_ E]. rewrite E.
            apply (is_derive_ext (fun _ => c ix)); [|const_piece].
            intros u. symmetry. now apply Hcc.
          * intros t tr c' v ix _ Hix. apply (ex_derive_ext (fun _ => c ix)); [|apply ex_derive_const].
            intros u. symmetry. now apply Hcc.
        + split.
          * generalize (filter_and _ _ Hpre HD). apply filter_imp. intros t [P D] tr ix Hix.
            specialize (P tr). rewrite at_point_map in P.
            apply (is_derive_ext (fun u => den rho tr o
              (map (fun x => x u) (map (fun k u => V u tr k) ps)) ix)).
            { intros u. now rewrite map_map. }
            replace (map (V t tr) ps) with (map (fun x => x t) (map (fun k u => V u tr k) ps)) in *
              by apply map_map.
            apply (jvp_sound rho tr o (map sh ps) s); auto.
            apply (tangents_slots rho sh (fun u => V u tr) (W t tr) t ps). intros k Hk ix' Hix'.
            apply D; auto.
          * generalize (filter_and _ _ Hpre HN). apply filter_imp. intros t [P D] tr c v ix Hpit Hix.
            specialize (P (set tr c v)). rewrite at_point_map in P.
            apply (ex_derive_ext (fun u => den rho tr o
              (map (fun x => x u) (map (fun k u => V t (set tr c u) k) ps)) ix)).
            { intros u. rewrite map_map. now apply f_equal with (f := fun g => g ix), den_traceless. }
            eexists. apply (jvp_sound rho tr o (map sh ps) s (map (fun k u => V t (set tr c u) k) ps)
              (map (fun k ix => Derive (fun u => V t (set tr c u) k ix) v) ps) v Ht); [| |exact Hix].
            -- apply (tangents_slots rho sh (fun u => V t (set tr c u))
                 (fun k ix => Derive (fun u => V t (set tr c u) k ix) v) v ps).
               intros k Hk ix' Hix'. apply Derive_correct, D; auto.
            -- rewrite map_map. exact P. }
    destruct (Hnew (fun tr => den rho (see tr) o) (fun _ _ => eq_refl)) as (N1 & N2 & N3). clear Hnew. constructor.
    + intros k Hk. rewrite Hlen in Hk. destruct (Nat.eq_dec k n) as [->|Hne].
      * rewrite app_nth2, Nat.sub_diag by (unfold n; lia). cbn [nth]. rewrite put_same.
        unfold V1, W1. destruct N1 as [A1 A2 A3 A4 A5 A6]. constructor.
        -- apply (grows_ext S _ _ _) with (2 := A1). intros. now rewrite put_same.
        -- apply (grows_ext S _ _ _) with (2 := A2). intros. now rewrite put_same.
        -- intros H. destruct (A3 H) as [c Hcc]. exists c. intros t tr ix Hix.
           rewrite !put_same. now apply Hcc.
        -- intros H. apply (within_ext flat _ _ _) with (3 := A4 H); [intros; unfold flat; lra|].
           intros. now rewrite put_same.
        -- intros H. apply (within_ext (line_of S) _ _ _) with (3 := A5 H).
           ++ intros tr. pose proof (line_ge1 S spread_ge0 tr). lra.
           ++ intros. now rewrite put_same.
        -- intros H. destruct (A6 H) as [B1 B2]. split.
           ++ revert B1. apply filter_imp. intros t B tr ix Hix. rewrite put_same. now apply B.
           ++ apply (grows_ext S _ _ _) with (2 := B2). intros. now rewrite put_same.
      * assert (Hk' : (k < n)%nat) by lia. rewrite app_nth1, put_other by auto.
        unfold V1, W1. destruct (HF k Hk') as [A1 A2 A3 A4 A5 A6]. constructor.
        -- apply (grows_ext S _ _ _) with (2 := A1). intros. now rewrite put_other.
        -- apply (grows_ext S _ _ _) with (2 := A2). intros. now rewrite put_other.
        -- intros H. destruct (A3 H) as [c Hcc]. exists c. intros t tr ix Hix.
           rewrite !put_other by auto. now apply Hcc.
        -- intros H. apply (within_ext flat _ _ _) with (3 := A4 H); [intros; unfold flat; lra|].
           intros. now rewrite put_other.
        -- intros H. apply (within_ext (line_of S) _ _ _) with (3 := A5 H).
           ++ intros tr. pose proof (line_ge1 S spread_ge0 tr). lra.
           ++ intros. now rewrite put_other.
        -- intros H. destruct (A6 H) as [B1 B2]. split.
           ++ revert B1. apply filter_imp. intros t B tr ix Hix. rewrite put_other by auto. now apply B.
           ++ apply (grows_ext S _ _ _) with (2 := B2). intros. now rewrite put_other.
    + generalize (filter_and _ _ N2 HD). apply filter_imp. intros t [N D] tr k ix Hk Hix.
      rewrite Hlen in Hk. unfold V1, W1. destruct (Nat.eq_dec k n) as [->|Hne].
      * rewrite put_same in Hix. rewrite (put_same (W t tr)).
        apply (is_derive_ext (fun u => den rho (see tr) o (map (V u tr) ps) ix)); auto.
        intros u. now rewrite put_same.
      * rewrite put_other in Hix by auto. rewrite (put_other (W t tr)) by auto.
        apply (is_derive_ext (fun u => V u tr k ix)).
        { intros u. now rewrite put_other. }
        apply D; auto. unfold n in *; lia.
    + generalize (filter_and _ _ N3 HN). apply filter_imp. intros t [N D] tr c v k ix Hpit Hk Hix.
      rewrite Hlen in Hk. unfold V1. destruct (Nat.eq_dec k n) as [->|Hne].
      * rewrite put_same in Hix.
        apply (ex_derive_ext (fun u => den rho (see (set tr c u)) o (map (V t (set tr c u)) ps) ix)); auto.
        intros u. now rewrite put_same.
      * rewrite put_other in Hix by auto. apply (ex_derive_ext (fun u => V t (set tr c u) k ix)).
        { intros u. now rewrite put_other. }
        apply D; auto. unfold n in *; lia.
Qed.
Theorem scan_held_sound p : forall fs fs' sh shf (V W : R -> trace -> env), sees p ->
  infer p (length fs) sh = Some shf -> scan_held held p fs = Some fs' -> tamed fs sh V W ->
  length fs' = (length fs + length p)%nat /\
  tamed fs' shf (fun t tr => run rho (see tr) p (length fs) (V t tr))
                (fun t tr => tangent rho (see tr) p (length fs) (V t tr) (W t tr)).
Proof.
  intros fs fs' sh shf V W Hc Hi Hs HT. apply (scan_forms_sound p fs _ fs' sh shf V W Hc Hi Hs HT).
  replace (map (fun _ => Other) fs) with (repeat Other (length fs)); [apply formed_none|].
  clear. induction fs; simpl; congruence.
Qed.
End Held.

Theorem scan_sound p : forall fs fs' sh shf (V W : R -> trace -> env), covers p ->
  infer p (length fs) sh = Some shf -> scan p fs = Some fs' -> tamed fs sh V W ->
  length fs' = (length fs + length p)%nat /\
  tamed fs' shf (fun t tr => run rho tr p (length fs) (V t tr))
                (fun t tr => tangent rho tr p (length fs) (V t tr) (W t tr)).
Proof.
  intros fs fs' sh shf V W Hc. apply (scan_held_sound none_held (fun tr => tr)).
  intros j s ps Hin ix Hix. split; auto. now apply (Hc j s ps).
Qed.

Lemma inputs_tamed moved n (sh : nat -> shape) (e d : env) :
  (forall k ix, ~ In k moved -> d k ix = 0) ->
  tamed (map (input_facts moved) (range n)) sh (fun t _ => line e d t) (fun _ _ => d).
Proof.
  intros Hd. assert (Hlen : length (map (input_facts moved) (range n)) = n)
    by now rewrite map_length, seq_length.
  constructor.
  - rewrite Hlen. intros k Hk. rewrite (nth_map_lt _ _ k 0%nat) by now rewrite seq_length.
    rewrite seq_nth by auto. rewrite Nat.add_0_l. unfold input_facts. cbv zeta.
    destruct (existsb (Nat.eqb k) moved) eqn:E; cbn [negb].
    + assert (W : within flat (boxs (sh k)) (fun (t : R) (_ : trace) => line e d t k)).
      { exists (sum (boxs (sh k)) (fun ix => Rabs (e k ix) + Rabs (d k ix))). split.
        - apply sum_ge0. intros ix _. pose proof (Rabs_pos (e k ix)). pose proof (Rabs_pos (d k ix)). lra.
        - exists (mkposreal 1 Rlt_0_1). intros t Ht tr ix Hix. apply (proj1 (ball_0 _ _)) in Ht.
          simpl in Ht. unfold flat. rewrite Rmult_1_r. unfold line.
          eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_mult.
          eapply Rle_trans; [|apply (sum_term (boxs (sh k)) (fun ix => Rabs (e k ix) + Rabs (d k ix)) ix)]; auto.
          + pose proof (Rabs_pos (d k ix)). pose proof (Rabs_pos t). nra.
          + intros ix' _. pose proof (Rabs_pos (e k ix')). pose proof (Rabs_pos (d k ix')). lra. }
      constructor; cbn [fixed bounded linear positive negb]; try discriminate; auto.
      * now apply flat_grows.
      * apply flat_grows, within_const, flat_ge1.
      * intros _. apply flat_line; auto. apply spread_ge0.
    + apply (const_true rho S spread_ge0 _ _ (e k)); [|discriminate]. intros t tr ix _.
      assert (H0 : d k ix = 0).
      { apply Hd. intros Hin. assert (existsb (Nat.eqb k) moved = true).
        { apply existsb_exists. exists k. split; auto. apply Nat.eqb_refl. }
        congruence. }
      unfold line. rewrite H0. split; ring.
  - apply filter_forall. intros t tr k ix _ _. apply line_derive.
  - apply filter_forall. intros t tr c v k ix _ _ _. apply ex_derive_const.
Qed.
End Programs.
