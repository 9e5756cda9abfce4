(** * Logarithms of uniform noise

    The transports of the exponential law and of Laplace's read uniform noise through logarithms, signs and
    absolute values.  No parameter reaches them, so that it does not matter where these have derivatives in the
    noise, but for three numbers; they only have to grow no faster than the noise allows ([gauge]).
    [form_of] recognises them, node by node: each is a function of one number of noise, a [curve]. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Draws.
From Sgc Require Import Measure Line Calculus Normal Laws Growth.
Import ListNotations.
Open Scope R_scope.

(** ** What a slot is of the noise *)
Inductive form :=
  | Other
  | Minus_half | Minus_two      (** everywhere *)
  | Raw (j : nat)               (** a number of draw [j] *)
  | Centred (j : nat)           (** less 1/2 *)
  | Distance (j : nat)          (** the absolute value of that *)
  | Sunk (j : nat).             (** -2 times that *)

Definition is_ratio (a : Z) (d : positive) (a' : Z) (d' : positive) : bool := Z.eqb a a' && Pos.eqb d d'.
Definition form_of (o : op) (ms : list form) : form :=
  match o, ms with
  | Const a d _, _ => if is_ratio a d (-1) 2 then Minus_half else if is_ratio a d (-2) 1 then Minus_two else Other
  | Lin (Ein vs _ o), [Minus_half] => if index_eqb o (all_axes vs) then Minus_half else Other
  | Lin (Ein vs _ o), [Minus_two] => if index_eqb o (all_axes vs) then Minus_two else Other
  | Sample j _, _ => Raw j
  | Map2 Add, [Raw j; Minus_half] => Centred j
  | Map1 (Affine a b d), [Raw j] => if is_ratio a d 2 2 && Z.eqb b (-1) then Centred j else Other
  | Map1 Abs, [Centred j] => Distance j
  | Map2 Mul, [Minus_two; Distance j] => Sunk j
  | Map1 (Affine a b d), [Distance j] => if is_ratio a d (-2) 1 && Z.eqb b 0 then Sunk j else Other
  | _, _ => Other
  end.

(** What no parameter reaches, and is not seen to grow otherwise. *)
Inductive curve := Logarithm | Side | Length | Tail.
Definition curve_of (o : op) (ms : list form) : option (curve * nat) :=
  match o, ms with
  | Map1 Log, [Raw j] => Some (Logarithm, j)
  | Map1 Sign, [Centred j] => Some (Side, j)
  | Map1 Abs, [Centred j] => Some (Length, j)
  | Map1 Log1p, [Sunk j] => Some (Tail, j)
  | _, _ => None
  end.
Definition curve_at (c : curve) (x : R) : R :=
  match c with
  | Logarithm => ln x
  | Side => sign01 (x - / 2)
  | Length => Rabs (x - / 2)
  | Tail => ln (1 + -2 * Rabs (x - / 2))
  end.
Definition curve_bounded (c : curve) : bool := match c with Side => true | _ => false end.
Definition curve_linear (c : curve) : bool := match c with Side | Length => true | _ => false end.

Lemma curve_grows c x : Rabs (curve_at c x) <= 1 + gauge x + gauge x * gauge x.
Proof.
  pose proof (gauge_ge0 x). pose proof (abs_gauge x). destruct c; cbn [curve_at].
  - apply ln_gauge.
  - assert (Rabs (sign01 (x - / 2)) <= 1); [|nra]. unfold sign01, Rabs. repeat destruct Rlt_dec; destruct Rcase_abs; lra.
  - rewrite Rabs_Rabsolu. pose proof (Rabs_triang x (- / 2)) as T. rewrite Rabs_Ropp, (Rabs_pos_eq (/ 2)) in T by lra.
    unfold Rminus. nra.
  - pose proof (depth_gauge x). unfold depth in *. lra.
Qed.
Lemma curve_is_bounded c x : curve_bounded c = true -> Rabs (curve_at c x) <= 1.
Proof.
  destruct c; try easy. intros _. cbn [curve_at]. unfold sign01, Rabs. repeat destruct Rlt_dec; destruct Rcase_abs; lra.
Qed.
Lemma curve_is_linear c x : curve_linear c = true -> Rabs (curve_at c x) <= 1 + gauge x.
Proof.
  pose proof (gauge_ge0 x). pose proof (abs_gauge x). destruct c; try easy; intros _.
  - pose proof (curve_is_bounded Side x eq_refl). lra.
  - cbn [curve_at]. rewrite Rabs_Rabsolu. pose proof (Rabs_triang x (- / 2)) as T.
    rewrite Rabs_Ropp, (Rabs_pos_eq (/ 2)) in T by lra. unfold Rminus. lra.
Qed.
Lemma ln_derives x : x <> 0 -> ex_derive ln x.
Proof.
  intros H. destruct (Rlt_dec 0 x) as [Hp|Hn].
  - exists (/ x). now apply is_derive_Reals, derivable_pt_lim_ln.
  - assert (Hx : x < 0) by lra. exists 0. apply (is_derive_ext_loc (fun _ => 0)); [|apply (is_derive_const 0 x)].
    exists (mkposreal (- x) ltac:(lra)). intros y Hy. symmetry. apply ln_low.
    apply (proj1 (Rabs_lt_between' _ _ _)) in Hy. simpl in Hy. lra.
Qed.
Lemma side_derives x : x <> / 2 -> ex_derive (fun x => sign01 (x - / 2)) x.
Proof.
  intros H. apply (ex_derive_comp sign01 (fun x => x - / 2)).
  - eexists. apply (app1_derive Sign). simpl. lra.
  - exists 1. auto_derive; auto.
Qed.
Lemma length_derives x : x <> / 2 -> ex_derive (fun x => Rabs (x - / 2)) x.
Proof.
  intros H. apply (ex_derive_comp Rabs (fun x => x - / 2)).
  - eexists. apply (app1_derive Abs). simpl. lra.
  - exists 1. auto_derive; auto.
Qed.
Lemma curve_derives c x : ~ pit x -> ex_derive (curve_at c) x.
Proof.
  intros H. assert (H0 : x <> 0) by (intros ->; apply H; now left).
  assert (H2 : x <> / 2) by (intros ->; apply H; right; now left).
  assert (H1 : x <> 1) by (intros ->; apply H; right; right; now left).
  destruct c; cbn [curve_at].
  - now apply ln_derives.
  - now apply side_derives.
  - now apply length_derives.
  - apply (ex_derive_comp ln (fun x => 1 + -2 * Rabs (x - / 2))).
    + apply ln_derives. unfold Rabs. destruct Rcase_abs; lra.
    + destruct (length_derives x H2) as [l Hl]. exists (-2 * l).
      apply (is_derive_ext (fun x => plus 1 (scal (-2) (Rabs (x - / 2))))); [reflexivity|].
      replace (-2 * l) with (plus 0 (scal (-2) l)) by (unfold plus, scal; simpl; unfold mult; simpl; ring).
      apply (is_derive_plus (fun _ => 1)); [apply (is_derive_const 1 x)|]. now apply (is_derive_scal (fun x => Rabs (x - / 2))).
Qed.

(** ** What they mean *)
Section Forms.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Variable cs : list coord.

(** A function of the noise, and nothing that moves. *)
Definition of_noise (j : nat) (h : R -> R) (s : shape) (v w : R -> trace -> tensor) : Prop :=
  forall ix, In ix (boxs s) -> In (j, ix) cs /\ forall t tr, v t tr ix = h (tr j ix) /\ w t tr ix = 0.
Definition always (c : R) (s : shape) (v w : R -> trace -> tensor) : Prop :=
  forall ix, In ix (boxs s) -> forall t tr, v t tr ix = c /\ w t tr ix = 0.
Definition form_true (m : form) (s : shape) (v w : R -> trace -> tensor) : Prop :=
  match m with
  | Other => True
  | Minus_half => always (- / 2) s v w
  | Minus_two => always (-2) s v w
  | Raw j => of_noise j (fun x => x) s v w
  | Centred j => of_noise j (fun x => x - / 2) s v w
  | Distance j => of_noise j (fun x => Rabs (x - / 2)) s v w
  | Sunk j => of_noise j (fun x => -2 * Rabs (x - / 2)) s v w
  end.
Lemma form_true_ext m s v w v' w' : (forall t tr, v t tr = v' t tr) -> (forall t tr, w t tr = w' t tr) ->
  form_true m s v w -> form_true m s v' w'.
Proof.
  intros Ev Ew. destruct m; cbn [form_true]; auto; intros H ix Hix; try (intros t tr; rewrite <- Ev, <- Ew; now apply H);
    destruct (H ix Hix) as [Hin Hv]; split; auto; intros t tr; rewrite <- Ev, <- Ew; apply Hv.
Qed.
Lemma of_noise_ext j h s v w v' w' : (forall t tr, v t tr = v' t tr) -> (forall t tr, w t tr = w' t tr) ->
  of_noise j h s v w -> of_noise j h s v' w'.
Proof.
  intros Ev Ew H ix Hix. destruct (H ix Hix) as [Hin Hv]. split; auto. intros t tr. rewrite <- Ev, <- Ew. apply Hv.
Qed.
Fixpoint forms_true (ms : list form) (ss : list shape) (vs ws : list (R -> trace -> tensor)) : Prop :=
  match ms, ss, vs, ws with
  | [], [], [], [] => True
  | m :: ms, s :: ss, v :: vs, w :: ws => form_true m s v w /\ forms_true ms ss vs ws
  | _, _, _, _ => False
  end.
Notation den_at o vs := (fun t tr => den rho tr o (map (fun v => v t tr) vs)).
Notation jvp_at o vs ws := (fun t tr => jvp rho o (map (fun v => v t tr) vs) (map (fun w => w t tr) ws)).

Lemma spread_always c vs i o s v w : lin_ok (Ein vs i o) && index_eqb s (src (Ein vs i o)) = true ->
  index_eqb o (all_axes vs) = true -> always c s v w ->
  always c (dst (Ein vs i o)) (fun t tr => lin_app rho (Ein vs i o) (v t tr)) (fun t tr => lin_app rho (Ein vs i o) (w t tr)).
Proof.
  intros Hok Ho H ix Hix t tr. destruct (index_eqb_spec o (all_axes vs)) as [->|]; [|easy].
  apply andb_prop in Hok as [Hok Hs]. destruct (index_eqb_spec s (src (Ein vs i (all_axes vs)))) as [->|]; [|easy].
  cbn [dst src] in *. simpl in Hok. apply andb_prop in Hok as [Hi _].
  rewrite pick_all_shape in Hix. rewrite !widen_at by exact Hix. apply H. now apply pick_in.
Qed.

Theorem form_sound o ms s ss vs ws : ty o ss = Some s -> (forall j s', o = Sample j s' -> forall ix, In ix (boxs s') -> In (j, ix) cs) ->
  forms_true ms ss vs ws -> form_true (form_of o ms) s (den_at o vs) (jvp_at o vs ws).
Proof.
  intros Ht Hc H.
  assert (Noise : forall j h h' v w v' w' s0, of_noise j h s0 v w ->
    (forall t tr ix, v t tr ix = h (tr j ix) -> w t tr ix = 0 -> v' t tr ix = h' (tr j ix) /\ w' t tr ix = 0) ->
    of_noise j h' s0 v' w').
  { intros j h h' v w v' w' s0 Hn Hs ix Hix. destruct (Hn ix Hix) as [Hin Hv]. split; auto. intros t tr.
    destruct (Hv t tr). now apply Hs. }
  destruct o as [f|f|l|v0 i j o|v0 o|a d s0|d|d|j s0]; try exact I.
  - destruct ms as [|m [|? ?]]; try (destruct f; exact I); [|destruct f, m; exact I].
    destruct ss as [|s1 [|? ?]], vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in H; try tauto. destruct H as [H _].
    simpl in Ht. injection Ht as <-. destruct f as [a b d| | | | | | | | | | | | | | | |]; try exact I.
    + destruct m; try exact I; cbn [form_of]; unfold is_ratio;
        match goal with |- context [if ?c then _ else _] => destruct c eqn:E end; try exact I;
        apply andb_prop in E as [E Eb]; apply andb_prop in E as [Ea Ed];
        apply Z.eqb_eq in Ea, Eb; apply Pos.eqb_eq in Ed; subst; cbn [form_true] in *;
        apply (Noise j _ _ v w _ _ s1 H); intros t tr ix Hv Hw; cbn [map den jvp app1 diff1]; rewrite Hv, Hw; split; field.
    + destruct m; try exact I. cbn [form_of form_true] in *. apply (Noise j _ _ v w _ _ s1 H). intros t tr ix Hv Hw.
      cbn [map den jvp app1 diff1]. rewrite Hv, Hw. split; ring.
  - destruct f; try exact I; destruct ms as [|m [|m' [|? ?]]]; try exact I; try (destruct m; exact I); try (destruct m, m'; exact I);
      (destruct ss as [|s1 [|s2 [|? ?]]]; simpl in Ht; try discriminate; destruct (index_eqb_spec s1 s2) as [<-|]; [|discriminate];
       injection Ht as <-; destruct vs as [|v [|v' [|? ?]]], ws as [|w [|w' [|? ?]]]; simpl in H; try tauto;
       destruct H as (H & H' & _); destruct m, m'; try exact I; cbn [form_of form_true] in *).
    + intros ix Hix. destruct (H ix Hix) as [Hin Hv]. split; auto. intros t tr.
      destruct (Hv t tr) as [E1 E2], (H' ix Hix t tr) as [E3 E4]. cbn [map den jvp app2 diff2l diff2r].
      rewrite E1, E2, E3, E4. split; ring.
    + intros ix Hix. destruct (H' ix Hix) as [Hin Hv]. split; auto. intros t tr.
      destruct (Hv t tr) as [E1 E2], (H ix Hix t tr) as [E3 E4]. cbn [map den jvp app2 diff2l diff2r].
      rewrite E1, E2, E3, E4. split; ring.
  - destruct l as [v0 i o|? ? ? ?|? ? ? ?|? ?]; try exact I. destruct ms as [|m [|? ?]]; try exact I; try (destruct m; exact I).
    destruct ss as [|s1 [|? ?]], vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in H; try tauto. destruct H as [H _].
    cbn [ty] in Ht. destruct (lin_ok _ && _) eqn:Hok; [|discriminate]. injection Ht as <-.
    destruct m; try exact I; cbn [form_of]; destruct (index_eqb o (all_axes v0)) eqn:Eo; try exact I;
      exact (spread_always _ v0 i o s1 v w Hok Eo H).
  - destruct ms as [|? ?], ss as [|? ?], vs as [|? ?], ws as [|? ?]; simpl in H; try tauto; try discriminate.
    simpl in Ht. injection Ht as <-. cbn [form_of]. unfold is_ratio.
    destruct (Z.eqb a (-1) && Pos.eqb d 2) eqn:E; [|destruct (Z.eqb a (-2) && Pos.eqb d 1) eqn:E'; [|exact I]].
    + apply andb_prop in E as [Ea Ed]. apply Z.eqb_eq in Ea. apply Pos.eqb_eq in Ed. subst.
      intros ix _ t tr. cbn. split; [field|reflexivity].
    + apply andb_prop in E' as [Ea Ed]. apply Z.eqb_eq in Ea. apply Pos.eqb_eq in Ed. subst.
      intros ix _ t tr. cbn. split; [field|reflexivity].
  - destruct ms as [|? ?], ss as [|? ?], vs as [|? ?], ws as [|? ?]; simpl in H; try tauto; try discriminate.
    simpl in Ht. injection Ht as <-. intros ix Hix. split; [exact (Hc j s0 eq_refl ix Hix)|]. intros t tr. split; reflexivity.
Qed.

Theorem curve_sound o ms c j s ss vs ws : curve_of o ms = Some (c, j) -> ty o ss = Some s ->
  forms_true ms ss vs ws -> of_noise j (curve_at c) s (den_at o vs) (jvp_at o vs ws).
Proof.
  intros Hq Ht H. destruct o as [f|f|l|v0 i jj o|v0 o|a d s0|d|d|jj s0]; try discriminate.
  destruct ms as [|m [|? ?]]; try (destruct f; discriminate); [|destruct f, m; discriminate].
  destruct ss as [|s1 [|? ?]], vs as [|v [|? ?]], ws as [|w [|? ?]]; simpl in H; try tauto. destruct H as [H _].
  simpl in Ht. injection Ht as <-. destruct f, m; try discriminate; injection Hq as <- <-; cbn [form_true] in H;
    intros ix Hix; destruct (H ix Hix) as [Hin Hv]; split; auto; intros t tr; destruct (Hv t tr) as [E1 E2];
    cbn [map den jvp app1 diff1 curve_at]; rewrite E1, E2; split; auto; ring.
Qed.
End Forms.
