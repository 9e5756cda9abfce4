(** * Derivatives from one side

    At a kink a function has a derivative from either side.  These follow the chain rule
    ([side_chain]), also through kinks ([side_relu]), and bound how far the function moves
    ([side_bound]): all that is needed of a cost with kinks, beside a derivative at almost every draw. *)
From Coq Require Import Reals Lra Lia List Bool Arith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect.
Import ListNotations.
Open Scope R_scope.

(** [l] is the derivative of [f] at [t] in direction [s], which is 1 or -1. *)
Definition side_derive (s : R) (f : R -> R) (t l : R) : Prop :=
  forall e, 0 < e -> exists d, 0 < d /\ forall u, 0 <= u < d -> Rabs (f (t + s * u) - f t - u * l) <= e * u.

Lemma side_ext s f g t l : (forall x, f x = g x) -> side_derive s f t l -> side_derive s g t l.
Proof.
  intros E H e He. destruct (H e He) as (d & Hd & H'). exists d. split; auto. intros u Hu. rewrite <- !E. auto.
Qed.
Lemma side_const s c t : side_derive s (fun _ => c) t 0.
Proof.
  intros e He. exists 1. split; [lra|]. intros u Hu. replace (c - c - u * 0) with 0 by ring. rewrite Rabs_R0. nra.
Qed.
Lemma side_plus s f g t l m : side_derive s f t l -> side_derive s g t m ->
  side_derive s (fun x => f x + g x) t (l + m).
Proof.
  intros Hf Hg e He. destruct (Hf (e / 2)) as (d & Hd & H1); [lra|]. destruct (Hg (e / 2)) as (d' & Hd' & H2); [lra|].
  exists (Rmin d d'). split; [now apply Rmin_pos|]. intros u Hu.
  pose proof (Rmin_l d d'). pose proof (Rmin_r d d').
  specialize (H1 u ltac:(lra)). specialize (H2 u ltac:(lra)).
  replace (f (t + s * u) + g (t + s * u) - (f t + g t) - u * (l + m))
    with ((f (t + s * u) - f t - u * l) + (g (t + s * u) - g t - u * m)) by ring.
  eapply Rle_trans; [apply Rabs_triang|]. lra.
Qed.
Lemma side_scal s c f t l : side_derive s f t l -> side_derive s (fun x => c * f x) t (c * l).
Proof.
  intros Hf e He. assert (Hc : 0 < Rabs c + 1) by (pose proof (Rabs_pos c); lra).
  destruct (Hf (e / (Rabs c + 1))) as (d & Hd & H); [now apply Rdiv_lt_0_compat|].
  exists d. split; auto. intros u Hu. specialize (H u Hu).
  replace (c * f (t + s * u) - c * f t - u * (c * l)) with (c * (f (t + s * u) - f t - u * l)) by ring.
  rewrite Rabs_mult. pose proof (Rabs_pos c).
  apply Rle_trans with (Rabs c * (e / (Rabs c + 1) * u)); [now apply Rmult_le_compat_l|].
  apply Rle_trans with ((Rabs c + 1) * (e / (Rabs c + 1) * u)).
  - apply Rmult_le_compat_r; [|lra]. apply Rmult_le_pos; [left; now apply Rdiv_lt_0_compat|lra].
  - right. field. lra.
Qed.
Lemma side_minus s f g t l m : side_derive s f t l -> side_derive s g t m ->
  side_derive s (fun x => f x - g x) t (l - m).
Proof.
  intros Hf Hg. apply (side_ext s (fun x => f x + -1 * g x)); [intros; ring|].
  replace (l - m) with (l + -1 * m) by ring. apply side_plus; auto. now apply side_scal.
Qed.

(** ** The positive part *)
Definition relu_side (x l : R) : R := if Rlt_dec 0 x then l else if Rlt_dec x 0 then 0 else Rmax l 0.
Lemma relu_side_bound x l : Rabs (relu_side x l) <= Rabs l.
Proof. unfold relu_side, Rmax, Rabs. repeat destruct Rlt_dec; repeat destruct Rle_dec; repeat destruct Rcase_abs; lra. Qed.
Lemma relu_close x y : Rabs (Rmax x 0 - Rmax y 0) <= Rabs (x - y).
Proof. unfold Rmax, Rabs. repeat destruct Rle_dec; repeat destruct Rcase_abs; lra. Qed.
(** Along a line it is its slope, for a while. *)
Lemma relu_line x l : exists d, 0 < d /\ forall u, 0 <= u < d ->
  Rmax (x + u * l) 0 = Rmax x 0 + u * relu_side x l.
Proof.
  assert (Hl : 0 < Rabs l + 1) by (pose proof (Rabs_pos l); lra).
  assert (Hsmall : forall c u, 0 < c -> 0 <= u < c / (Rabs l + 1) -> Rabs (u * l) < c).
  { intros c u Hc [H0 Hu]. rewrite Rabs_mult, (Rabs_pos_eq u) by auto.
    assert (u * (Rabs l + 1) < c).
    { apply (Rmult_lt_compat_r (Rabs l + 1)) in Hu; auto. unfold Rdiv in Hu.
      rewrite Rmult_assoc, Rinv_l, Rmult_1_r in Hu by lra. exact Hu. }
    pose proof (Rabs_pos l). nra. }
  unfold relu_side. destruct (Rlt_dec 0 x) as [Hx|Hx]; [|destruct (Rlt_dec x 0) as [Hx'|Hx']].
  - exists (x / (Rabs l + 1)). split; [now apply Rdiv_lt_0_compat|]. intros u Hu. specialize (Hsmall x u Hx Hu).
    apply Rabs_lt_between in Hsmall. rewrite !Rmax_left by lra. reflexivity.
  - exists (- x / (Rabs l + 1)). split; [apply Rdiv_lt_0_compat; lra|]. intros u Hu.
    specialize (Hsmall (- x) u ltac:(lra) Hu). apply Rabs_lt_between in Hsmall. rewrite !Rmax_right by lra. ring.
  - exists 1. split; [lra|]. intros u Hu. replace x with 0 by lra. rewrite Rplus_0_l.
    unfold Rmax. repeat destruct Rle_dec; nra.
Qed.
Lemma side_relu s f t l : side_derive s f t l -> side_derive s (fun x => Rmax (f x) 0) t (relu_side (f t) l).
Proof.
  intros H e He. destruct (H e He) as (d & Hd & H'). destruct (relu_line (f t) l) as (d' & Hd' & E).
  exists (Rmin d d'). split; [now apply Rmin_pos|]. intros u Hu.
  pose proof (Rmin_l d d'). pose proof (Rmin_r d d'). specialize (H' u ltac:(lra)). specialize (E u ltac:(lra)).
  replace (Rmax (f (t + s * u)) 0 - Rmax (f t) 0 - u * relu_side (f t) l)
    with (Rmax (f (t + s * u)) 0 - Rmax (f t + u * l) 0) by (rewrite E; ring).
  eapply Rle_trans; [apply relu_close|].
  now replace (f (t + s * u) - (f t + u * l)) with (f (t + s * u) - f t - u * l) by ring.
Qed.

(** ** The chain rule *)
(** A curve that follows [f] on one side of [t], and its slope on the other. *)
Definition extended (s : R) (f : R -> R) (t l u : R) : R := if Rle_dec 0 u then f (t + s * u) else f t + u * l.
Lemma extended_derive s f t l : side_derive s f t l -> is_derive (extended s f t l) 0 l.
Proof.
  intros H. apply is_derive_Reals. intros e He. destruct (H (e / 2)) as (d & Hd & H'); [lra|].
  exists (mkposreal d Hd). intros h Hh Hhd. simpl in Hhd.
  assert (E0 : extended s f t l 0 = f t).
  { unfold extended. destruct (Rle_dec 0 0); [|lra]. f_equal. ring. }
  rewrite Rplus_0_l, E0. unfold extended. destruct (Rle_dec 0 h) as [H0|H0].
  - assert (Hp : 0 < h) by lra. rewrite Rabs_pos_eq in Hhd by lra. specialize (H' h ltac:(lra)).
    replace ((f (t + s * h) - f t) / h - l) with ((f (t + s * h) - f t - h * l) / h) by (field; auto).
    unfold Rdiv. rewrite Rabs_mult, (Rabs_pos_eq (/ h)) by (left; now apply Rinv_0_lt_compat).
    apply Rle_lt_trans with (e / 2 * h * / h); [|field_simplify; lra].
    apply Rmult_le_compat_r; auto. left; now apply Rinv_0_lt_compat.
  - replace ((f t + h * l - f t) / h - l) with 0 by (field; auto). rewrite Rabs_R0. auto.
Qed.
Lemma derive_side s f g t l : (s = 1 \/ s = -1) -> is_derive f 0 l -> (forall u, 0 <= u -> f u = g (t + s * u)) ->
  side_derive s g t l.
Proof.
  intros Hs H E e He. apply is_derive_Reals in H. destruct (H e He) as [d Hd]. exists d. split; [apply cond_pos|].
  intros u Hu. destruct (Req_dec u 0) as [->|Hne].
  - replace (t + s * 0) with t by ring. replace (g t - g t - 0 * l) with 0 by ring. rewrite Rabs_R0. lra.
  - specialize (Hd u Hne). rewrite Rabs_pos_eq in Hd by lra. specialize (Hd ltac:(lra)).
    rewrite Rplus_0_l in Hd. rewrite <- E by lra.
    assert (E0 : f 0 = g t) by (rewrite E by lra; f_equal; ring). rewrite E0 in Hd.
    replace (f u - g t - u * l) with (((f u - g t) / u - l) * u) by (field; auto).
    rewrite Rabs_mult, (Rabs_pos_eq u) by lra. apply Rmult_le_compat_r; lra.
Qed.

(** [ds] are derivatives of the operands, in the sense of [D]. *)
Fixpoint tangents_by (rho : dim -> nat) (D : (R -> R) -> R -> R -> Prop) (ss : list shape) (xs : list (R -> tensor))
  (ds : list tensor) (t : R) : Prop :=
  match ss, xs, ds with
  | [], [], [] => True
  | h :: ss, x :: xs, d :: ds =>
      (forall ix, In ix (box (sizes rho h)) -> D (fun t => x t ix) t (d ix)) /\ tangents_by rho D ss xs ds t
  | _, _, _ => False
  end.
Section Chain.
Variable rho : dim -> nat.
Variable tr : nat -> tensor.
Notation boxs s := (box (sizes rho s)).
Variable s : R.
Hypothesis Hs : s = 1 \/ s = -1.

Notation side_tangents := (tangents_by rho (side_derive s)).
(** The operands, continued along their slopes on the other side. *)
Definition continued (t : R) (x : R -> tensor) (d : tensor) : R -> tensor :=
  fun u ix => extended s (fun t => x t ix) t (d ix) u.
Fixpoint all_continued (t : R) (xs : list (R -> tensor)) (ds : list tensor) : list (R -> tensor) :=
  match xs, ds with x :: xs, d :: ds => continued t x d :: all_continued t xs ds | _, _ => [] end.
Lemma continued_at ss xs ds t u : side_tangents ss xs ds t -> 0 <= u ->
  map (fun x => x u) (all_continued t xs ds) = map (fun x => x (t + s * u)) xs.
Proof.
  revert xs ds. induction ss as [|h ss IH]; intros [|x xs] [|d ds] H Hu; simpl in *; try tauto.
  f_equal; [|now apply IH]. apply FunctionalExtensionality.functional_extensionality. intros ix.
  unfold continued, extended. now destruct (Rle_dec 0 u).
Qed.
Lemma continued_tangents ss xs ds t : side_tangents ss xs ds t -> tangents rho ss (all_continued t xs ds) ds 0.
Proof.
  revert xs ds. induction ss as [|h ss IH]; intros [|x xs] [|d ds] H; simpl in *; try tauto.
  destruct H as [H H']. split; [|now apply IH]. intros ix Hix. now apply extended_derive, H.
Qed.
Theorem side_chain o ss h xs ds t : ty o ss = Some h -> side_tangents ss xs ds t ->
  pre rho o ss (map (fun x => x t) xs) -> forall ix, In ix (boxs h) ->
  side_derive s (fun t => den rho tr o (map (fun x => x t) xs) ix) t (jvp rho o (map (fun x => x t) xs) ds ix).
Proof.
  intros Ht Hd Hp ix Hix.
  assert (E0 : map (fun x => x 0) (all_continued t xs ds) = map (fun x => x t) xs).
  { rewrite (continued_at ss xs ds t 0 Hd) by lra. apply map_ext. intros x. f_equal. ring. }
  pose proof (jvp_sound rho tr o ss h (all_continued t xs ds) ds 0 Ht (continued_tangents _ _ _ _ Hd)) as H.
  rewrite E0 in H. specialize (H Hp ix Hix).
  apply (derive_side s _ (fun t => den rho tr o (map (fun x => x t) xs) ix) t _ Hs H).
  intros u Hu. pose proof (continued_at ss xs ds t u Hd Hu) as E. exact (f_equal (fun ys => den rho tr o ys ix) E).
Qed.
End Chain.

(** ** How far a function moves *)
Lemma side_bound_right f T M : 0 <= T ->
  (forall x, 0 <= x <= T -> exists l m, side_derive 1 f x l /\ side_derive (-1) f x m /\ Rabs l <= M /\ Rabs m <= M) ->
  Rabs (f T - f 0) <= M * T.
Proof.
  intros HT H.
  assert (Eps : forall e, 0 < e -> Rabs (f T - f 0) <= (M + e) * T).
  { intros e He. set (good := fun x => 0 <= x <= T /\ forall y, 0 <= y <= x -> Rabs (f y - f 0) <= (M + e) * y).
    assert (Good0 : good 0).
    { split; [lra|]. intros y Hy. replace y with 0 by lra. replace (f 0 - f 0) with 0 by ring. rewrite Rabs_R0. lra. }
    destruct (completeness good) as [c [Hub Hlub]].
    { exists T. intros x [Hx _]. lra. }
    { now exists 0. }
    assert (Hc0 : 0 <= c) by now apply Hub.
    assert (HcT : c <= T) by (apply Hlub; intros x [Hx _]; lra).
    assert (Below : forall y, 0 <= y < c -> Rabs (f y - f 0) <= (M + e) * y).
    { intros y Hy. destruct (Rle_dec (Rabs (f y - f 0)) ((M + e) * y)); auto. exfalso.
      assert (c <= y); [|lra]. apply Hlub. intros x [Hx Hg]. destruct (Rle_dec x y); auto. exfalso.
      apply n, Hg. lra. }
    destruct (H c ltac:(lra)) as (l & m & Hl & Hm & Bl & Bm).
    assert (HM0 : 0 <= M) by (pose proof (Rabs_pos l); lra).
    assert (At : Rabs (f c - f 0) <= (M + e) * c).
    { destruct (Req_dec c 0) as [->|Hne].
      { replace (f 0 - f 0) with 0 by ring. rewrite Rabs_R0. lra. }
      destruct (Hm e He) as (d & Hd & Hside). set (u := Rmin (d / 2) (c / 2)).
      assert (Hu : 0 < u <= d / 2 /\ u <= c / 2).
      { unfold u. pose proof (Rmin_l (d / 2) (c / 2)). pose proof (Rmin_r (d / 2) (c / 2)).
        assert (0 < Rmin (d / 2) (c / 2)) by (apply Rmin_pos; lra). lra. }
      specialize (Hside u ltac:(lra)). replace (c + -1 * u) with (c - u) in Hside by ring.
      pose proof (Below (c - u) ltac:(lra)) as B.
      replace (f c - f 0) with ((f (c - u) - f 0) - (f (c - u) - f c - u * m) - u * m) by ring.
      assert (Rabs (u * m) <= u * M) by (rewrite Rabs_mult, Rabs_pos_eq by lra; apply Rmult_le_compat_l; lra).
      unfold Rminus at 1 2. eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp.
      eapply Rle_trans; [apply Rplus_le_compat_r, Rabs_triang|]. rewrite Rabs_Ropp. nra. }
    destruct (Req_dec c T) as [<-|Hne]; auto. exfalso.
    destruct (Hl e He) as (d & Hd & Hside). set (u := Rmin (d / 2) (T - c)).
    assert (Hu : 0 < u <= d / 2 /\ u <= T - c).
    { unfold u. pose proof (Rmin_l (d / 2) (T - c)). pose proof (Rmin_r (d / 2) (T - c)).
      assert (0 < Rmin (d / 2) (T - c)) by (apply Rmin_pos; lra). lra. }
    assert (Hgood : good (c + u)).
    { split; [lra|]. intros y Hy. destruct (Rlt_dec y c) as [Hlt|Hge]; [apply Below; lra|].
      specialize (Hside (y - c) ltac:(lra)). replace (c + 1 * (y - c)) with y in Hside by ring.
      replace (f y - f 0) with ((f c - f 0) + (f y - f c - (y - c) * l) + (y - c) * l) by ring.
      assert (Rabs ((y - c) * l) <= (y - c) * M) by (rewrite Rabs_mult, Rabs_pos_eq by lra; apply Rmult_le_compat_l; lra).
      eapply Rle_trans; [apply Rabs_triang|]. eapply Rle_trans; [apply Rplus_le_compat_r, Rabs_triang|]. nra. }
    apply Hub in Hgood. lra. }
  destruct (Rle_dec (Rabs (f T - f 0)) (M * T)) as [|Hn]; auto. exfalso.
  assert (HT0 : 0 < T).
  { destruct (Req_dec T 0) as [E|]; [|lra]. exfalso. apply Hn. rewrite E. replace (f 0 - f 0) with 0 by ring.
    rewrite Rabs_R0. lra. }
  specialize (Eps ((Rabs (f T - f 0) - M * T) / (2 * T))). rewrite Rmult_plus_distr_r in Eps.
  assert (E : (Rabs (f T - f 0) - M * T) / (2 * T) * T = (Rabs (f T - f 0) - M * T) / 2) by (field; lra).
  rewrite E in Eps. assert (0 < (Rabs (f T - f 0) - M * T) / (2 * T)) by (apply Rdiv_lt_0_compat; lra).
  specialize (Eps H0). lra.
Qed.
Theorem side_bound f T M :
  (forall x, Rabs x <= Rabs T -> exists l m, side_derive 1 f x l /\ side_derive (-1) f x m /\ Rabs l <= M /\ Rabs m <= M) ->
  Rabs (f T - f 0) <= M * Rabs T.
Proof.
  intros H. destruct (Rle_dec 0 T) as [HT|HT].
  - rewrite (Rabs_pos_eq T) in * by auto. apply side_bound_right; auto. intros x Hx. apply H.
    rewrite Rabs_pos_eq; lra.
  - assert (Hf : Rabs (f (- - T) - f (- 0)) <= M * - T).
    { apply (side_bound_right (fun x => f (- x)) (- T) M); [lra|]. intros x Hx.
      destruct (H (- x)) as (l & m & Hl & Hm & Bl & Bm).
      { rewrite Rabs_Ropp, (Rabs_pos_eq x), Rabs_left by lra. lra. }
      exists m, l. repeat split; auto; intros e He.
      - destruct (Hm e He) as (d & Hd & Hd'). exists d. split; auto. intros u Hu.
        replace (- (x + 1 * u)) with (- x + -1 * u) by ring. auto.
      - destruct (Hl e He) as (d & Hd & Hd'). exists d. split; auto. intros u Hu.
        replace (- (x + -1 * u)) with (- x + 1 * u) by ring. auto. }
    rewrite Ropp_involutive, Ropp_0 in Hf. rewrite (Rabs_left T) by lra. exact Hf.
Qed.
