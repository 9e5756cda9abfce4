(** * Where a program is differentiable

    Most operations are differentiable wherever their operands are; logarithms, quotients and roots
    need a positive operand, and kinks and jumps an operand that is not at them.  A node whose operands
    do not move needs nothing.  [undecided] lists the slots for which neither is seen from the program;
    if these are where they are differentiable, so is the graph ([decided_derive]).  No axis is empty. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly.
Import ListNotations.
Open Scope R_scope.

Fixpoint distinct_axes (l : list nat) : bool :=
  match l with [] => true | x :: l => negb (existsb (Nat.eqb x) l) && distinct_axes l end.

Definition is_sample (o : op) : bool := match o with Sample _ _ => true | _ => false end.

(** ** Every index of a result is reached *)
Lemma position_nth l : forall p, distinct_axes l = true -> (p < length l)%nat ->
  position (nth p l 0%nat) l = p.
Proof.
  induction l as [|a l IH]; simpl; intros p Hd Hp; [lia|]. apply andb_prop in Hd as [Ha Hd].
  destruct p as [|p]; [now rewrite Nat.eqb_refl|].
  destruct (Nat.eqb_spec (nth p l 0%nat) a) as [E|E].
  - exfalso. assert (Hin : In a l) by (rewrite <- E; apply nth_In; lia).
    assert (existsb (Nat.eqb a) l = true).
    { apply existsb_exists. exists a. split; auto. apply Nat.eqb_refl. }
    now rewrite H in Ha.
  - f_equal. apply IH; auto. lia.
Qed.
Lemma position_in l : forall a, In a l -> (position a l < length l)%nat /\
  nth (position a l) l 0%nat = a.
Proof.
  induction l as [|b l IH]; simpl; intros a Ha; [easy|].
  destruct (Nat.eqb_spec a b) as [->|Hne]; [split; [lia|easy]|].
  destruct Ha as [->|Ha]; [easy|]. destruct (IH a Ha). split; [lia|easy].
Qed.

Section Defined.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Lemma den_traceless o xs tr tr' : is_sample o = false -> den rho tr o xs = den rho tr' o xs.
Proof. destruct o; try discriminate; reflexivity. Qed.
Lemma jvp_still o ss s xs ds : ty o ss = Some s -> length xs = length ss ->
  agree rho ss ds (map (fun _ => zero) ss) -> forall ix, In ix (boxs s) -> jvp rho o xs ds ix = 0.
Proof.
  intros Ht Hx Ha ix Hix. destruct o as [f|f|l|zs i j o'|zs o'|a d s'|d|d|]; simpl in Ht.
  - destruct ss as [|s0 [|? ?]]; try discriminate. injection Ht as <-.
    destruct xs as [|x [|? ?]], ds as [|d [|? ?]]; simpl in Ha, Hx; try tauto; try lia.
    destruct Ha as [Ha _]. cbn -[diff1]. rewrite (Ha ix Hix). unfold zero. ring.
  - destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate.
    destruct (index_eqb_spec s0 s1); [subst s1|discriminate]. injection Ht as <-.
    destruct xs as [|x [|x' [|? ?]]], ds as [|d [|d' [|? ?]]]; simpl in Ha, Hx; try tauto; try lia.
    destruct Ha as (Ha & Hb & _). cbn -[diff2l diff2r]. rewrite (Ha ix Hix), (Hb ix Hix). unfold zero. ring.
  - destruct ss as [|s0 [|? ?]]; try discriminate.
    destruct (lin_ok l && index_eqb s0 (src l)) eqn:E; [|discriminate]. injection Ht as <-.
    apply andb_prop in E as [Hok Es]. destruct (index_eqb_spec s0 (src l)); [subst s0|discriminate].
    destruct xs as [|x [|? ?]], ds as [|d [|? ?]]; simpl in Ha, Hx; try tauto; try lia.
    destruct Ha as [Ha _]. cbn. unfold lin_app. apply sum_none. intros [a b] Hp. cbn [fst snd].
    destruct (index_eqb b ix); auto. apply (Ha a). now apply (in_pairs rho (fun _ => zero) l a b).
  - destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate.
    match type of Ht with (if ?b then _ else _) = _ => destruct b eqn:Hb; [|discriminate] end.
    injection Ht as <-. repeat (apply andb_prop in Hb as [Hb ?]).
    destruct (index_eqb_spec s0 (pick zs i)); [subst s0|discriminate].
    destruct (index_eqb_spec s1 (pick zs j)); [subst s1|discriminate].
    destruct xs as [|x [|x' [|? ?]]], ds as [|d [|d' [|? ?]]]; simpl in Ha, Hx; try tauto; try lia.
    destruct Ha as (Ha & Ha' & _). cbn. unfold ein2. rewrite <- sum_plus. apply sum_none. intros z Hz.
    destruct (index_eqb _ ix); [|ring]. rewrite Ha, Ha' by now apply pick_in. unfold zero. ring.
  - destruct ss as [|s0 [|? ?]]; try discriminate.
    destruct (below (length zs) o' && index_eqb s0 zs) eqn:E; [|discriminate]. injection Ht as <-.
    apply andb_prop in E as [_ Es]. destruct (index_eqb_spec s0 zs); [subst s0|discriminate].
    destruct xs as [|x [|? ?]], ds as [|d [|? ?]]; simpl in Ha, Hx; try tauto; try lia.
    destruct Ha as [Ha _]. cbn. apply sum_none. intros z Hz. destruct (index_eqb _ ix); [|easy].
    rewrite Ha by auto. unfold zero. ring.
  - destruct ss; try discriminate. now destruct xs, ds.
  - destruct ss; try discriminate. now destruct xs, ds.
  - destruct ss; try discriminate. now destruct xs, ds.
  - destruct ss; try discriminate. now destruct xs, ds.
Qed.

Hypothesis rho_pos : forall d, (0 < rho d)%nat.
Lemma fibre vs o b : distinct_axes o = true -> below (length vs) o = true ->
  In b (boxs (pick vs o)) -> exists v, In v (boxs vs) /\ pick v o = b.
Proof.
  intros Hd Ho Hb.
  set (f := fun a => if existsb (Nat.eqb a) o then nth (position a o) b 0%nat else 0%nat).
  exists (map f (range (length vs))).
  assert (Hnth : forall a, (a < length vs)%nat -> nth a (map f (range (length vs))) 0%nat = f a).
  { intros a Ha. rewrite (nth_map_lt f _ a 0%nat) by now rewrite seq_length. now rewrite seq_nth. }
  apply in_boxs in Hb as [Lb Hb]. unfold pick in Lb. rewrite map_length in Lb.
  assert (Hex : forall a, existsb (Nat.eqb a) o = true <-> In a o).
  { intros a. rewrite existsb_exists. split.
    - intros (x & Hx & E). apply Nat.eqb_eq in E. now subst.
    - intros Ha. exists a. split; auto. apply Nat.eqb_refl. }
  split.
  - apply in_boxs. rewrite map_length, seq_length. split; auto. intros a Ha. rewrite Hnth by auto.
    unfold f. destruct (existsb (Nat.eqb a) o) eqn:E; [|apply rho_pos]. apply Hex in E.
    destruct (position_in o a E) as [P1 P2].
    assert (P3 : (position a o < length (pick vs o))%nat) by (unfold pick; now rewrite map_length).
    specialize (Hb _ P3). unfold pick in Hb at 1. rewrite (nth_map_lt _ o _ 0%nat) in Hb by auto.
    now rewrite P2 in Hb.
  - apply (nth_ext _ _ 0%nat 0%nat); [unfold pick; now rewrite map_length|].
    unfold pick. rewrite map_length. intros p Hp. rewrite (nth_map_lt _ o p 0%nat) by auto.
    assert (Hin : In (nth p o 0%nat) o) by (apply nth_In; auto).
    rewrite Hnth by (eapply in_below; eauto). unfold f.
    destruct (existsb (Nat.eqb (nth p o 0%nat)) o) eqn:E; [now rewrite position_nth|].
    apply Hex in Hin. congruence.
Qed.

Lemma expsum_pos vs o b (x : tensor) : distinct_axes o = true -> below (length vs) o = true ->
  In b (boxs (pick vs o)) -> 0 < expsum rho vs o x b.
Proof.
  intros Hd Ho Hb. destruct (fibre vs o b Hd Ho Hb) as (z & Hz & <-). unfold expsum.
  apply (Rlt_le_trans _ (exp (x z))); [apply exp_pos|].
  rewrite <- (sum_box_single (sizes rho vs) (fun z => exp (x z)) z Hz).
  apply sum_le. intros z' _. destruct (index_eqb_spec z' z) as [->|].
  - rewrite index_eqb_refl. lra.
  - destruct (index_eqb (pick z' o) (pick z o)); [left; apply exp_pos|lra].
Qed.
Lemma expsum_at_least vs o z (x : tensor) : In z (boxs vs) -> exp (x z) <= expsum rho vs o x (pick z o).
Proof.
  intros Hz. unfold expsum. rewrite <- (sum_box_single (sizes rho vs) (fun z => exp (x z)) z Hz).
  apply sum_le. intros z' _. destruct (index_eqb_spec z' z) as [->|].
  - rewrite index_eqb_refl. lra.
  - destruct (index_eqb (pick z' o) (pick z o)); [left; apply exp_pos|lra].
Qed.

(** ** Facts about slots *)
Record state := State {
  moving : bool;    (** may depend on the parameters *)
  above0 : bool     (** positive *)
}.
Definition above (o : op) (xs : list state) : bool :=
  match o, xs with
  | Map1 f, [x] =>
      match f with
      | Exp | Sigmoid | Softplus => true
      | Affine a b _ => above0 x && Z.ltb 0 a && Z.leb 0 b
      | Square | Recip | Sqrt => above0 x
      | _ => false
      end
  | Map2 f, [x; y] =>
      match f with Add | Mul | Div => above0 x && above0 y | Pow => true | _ => false end
  | Lin (Ein _ _ o), [x] => above0 x && distinct_axes o
  | Ein2 _ _ _ o, [x; y] => above0 x && above0 y && distinct_axes o
  | Const a _ _, [] => Z.ltb 0 a
  | Size _, [] => true
  | _, _ => false
  end.
Definition safe (o : op) (xs : list state) : bool :=
  match o, xs with
  | Map1 f, [x] =>
      match f with
      | Log | Sqrt | Recip | Log1p | Abs | Relu | Sign | Step => above0 x
      | _ => true
      end
  | Map2 f, [x; y] => match f with Div => above0 y | Pow => above0 x | Min | Max => false | _ => true end
  | Lse _ o, _ => distinct_axes o
  | _, _ => true
  end.
Definition still : state := State false false.
(** The slots left to assume. *)
Fixpoint survey (p : program) (fs : list state) : list nat :=
  match p with
  | [] => []
  | (o, ps) :: p =>
      let xs := map (fun k => nth k fs still) ps in
      let m := existsb moving xs in
      let rest := survey p (fs ++ [State m (above o xs)]) in
      if m && negb (safe o xs) then length fs :: rest else rest
  end.

Lemma affine_above a b d x : (0 < a)%Z -> (0 <= b)%Z -> 0 < x -> 0 < app1 (Affine a b d) x.
Proof.
  intros Ha Hb Hx. simpl. apply IZR_lt in Ha. apply IZR_le in Hb. apply Rdiv_lt_0_compat; [nra|].
  apply IZR_lt. lia.
Qed.
Lemma sum_above {A} (l : list A) (f : A -> R) a : (forall a, In a l -> 0 <= f a) -> In a l -> 0 < f a ->
  0 < sum l f.
Proof.
  induction l as [|b l IH]; simpl; intros H Ha Hp; [easy|].
  assert (0 <= sum l f) by (apply sum_ge0; auto). destruct Ha as [->|Ha]; [lra|].
  specialize (IH (fun a Ha => H a (or_intror Ha)) Ha Hp). specialize (H b (or_introl eq_refl)). lra.
Qed.
(** [above] is right. *)
Fixpoint states_true (fs : list state) (ss : list shape) (xs : list tensor) : Prop :=
  match fs, ss, xs with
  | [], [], [] => True
  | f :: fs, s :: ss, x :: xs =>
      (above0 f = true -> forall ix, In ix (boxs s) -> 0 < x ix) /\ states_true fs ss xs
  | _, _, _ => False
  end.
Theorem above_sound (tr : trace) o fs ss s xs : above o fs = true -> ty o ss = Some s -> states_true fs ss xs ->
  forall ix, In ix (boxs s) -> 0 < den rho tr o xs ix.
Proof.
  intros Ha Ht Hs ix Hix. destruct o as [f|f|l|zs i j o'|zs o'|a d s'|d|d|]; simpl in Ha, Ht.
  - destruct fs as [|x [|? ?]]; try discriminate. destruct ss as [|s0 [|? ?]]; try discriminate.
    injection Ht as <-. destruct xs as [|v [|? ?]]; simpl in Hs; try tauto. destruct Hs as [Hx _].
    cbn [den]. destruct f; try discriminate.
    + apply andb_prop in Ha as [Ha Hb]. apply andb_prop in Ha as [Hp Ha]. apply affine_above; auto.
      * now apply Z.ltb_lt. * now apply Z.leb_le.
    + apply exp_pos.
    + apply sqrt_lt_R0; auto.
    + simpl. specialize (Hx Ha ix Hix). nra.
    + apply Rinv_0_lt_compat. auto.
    + simpl. unfold logistic. apply Rinv_0_lt_compat. pose proof (exp_pos (- v ix)). lra.
    + simpl. rewrite <- ln_1. apply ln_increasing; [lra|]. pose proof (exp_pos (v ix)). lra.
  - destruct fs as [|x [|y [|? ?]]]; try discriminate. destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate.
    destruct (index_eqb_spec s0 s1); [subst s1|discriminate]. injection Ht as <-.
    destruct xs as [|v [|v' [|? ?]]]; simpl in Hs; try tauto. destruct Hs as (Hx & Hy & _).
    cbn [den]. destruct f; try discriminate; simpl; try apply exp_pos;
      apply andb_prop in Ha as [Ha Hb]; specialize (Hx Ha ix Hix); specialize (Hy Hb ix Hix).
    + lra. + now apply Rmult_lt_0_compat. + now apply Rdiv_lt_0_compat.
  - destruct l as [vs i o'|? ? ? ?|? ? ? ?|? ?]; try (destruct fs as [|? [|? ?]]; discriminate).
    destruct fs as [|x [|? ?]]; try discriminate.
    destruct ss as [|s0 [|? ?]]; try discriminate. cbn [lin_ok src dst] in Ht.
    destruct (below (length vs) i && below (length vs) o' && index_eqb s0 (pick vs i)) eqn:E; [|discriminate].
    injection Ht as <-. apply andb_prop in E as [Hok Es]. apply andb_prop in Hok as [Hi Ho].
    destruct (index_eqb_spec s0 (pick vs i)); [subst s0|discriminate].
    destruct xs as [|v [|? ?]]; simpl in Hs; try tauto. destruct Hs as [Hx _].
    apply andb_prop in Ha as [Ha Hd]. cbn [den]. unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd].
    destruct (fibre vs o' ix Hd Ho Hix) as (z & Hz & <-).
    apply (sum_above _ _ z); auto.
    + intros z' Hz'. destruct (index_eqb _ _); [|lra]. left. apply Hx; auto. now apply pick_in.
    + rewrite index_eqb_refl. apply Hx; auto. now apply pick_in.
  - destruct fs as [|x [|y [|? ?]]]; try discriminate. destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate.
    match type of Ht with (if ?b then _ else _) = _ => destruct b eqn:Hb; [|discriminate] end.
    injection Ht as <-. repeat (apply andb_prop in Hb as [Hb ?]).
    destruct (index_eqb_spec s0 (pick zs i)); [subst s0|discriminate].
    destruct (index_eqb_spec s1 (pick zs j)); [subst s1|discriminate].
    destruct xs as [|v [|v' [|? ?]]]; simpl in Hs; try tauto. destruct Hs as (Hx & Hy & _).
    apply andb_prop in Ha as [Ha Hd]. apply andb_prop in Ha as [Ha Hay]. cbn [den]. unfold ein2.
    destruct (fibre zs o' ix Hd ltac:(assumption) Hix) as (z & Hz & <-).
    assert (P : forall z, In z (boxs zs) -> 0 < v (pick z i) * v' (pick z j)).
    { intros z' Hz'. apply Rmult_lt_0_compat; [apply Hx|apply Hy]; auto; now apply pick_in. }
    apply (sum_above _ _ z); auto.
    + intros z' Hz'. destruct (index_eqb _ _); [|lra]. left. auto.
    + rewrite index_eqb_refl. auto.
  - destruct fs as [|? [|? ?]]; discriminate.
  - destruct fs; try discriminate. destruct ss; try discriminate. destruct xs; simpl in Hs; try tauto.
    cbn [den]. apply Z.ltb_lt, IZR_lt in Ha. apply Rdiv_lt_0_compat; auto. apply IZR_lt. lia.
  - destruct fs; discriminate.
  - destruct fs; try discriminate. destruct ss; try discriminate. destruct xs; simpl in Hs; try tauto.
    cbn [den]. apply (lt_INR 0), rho_pos.
  - destruct fs; discriminate.
Qed.
Theorem safe_sound o fs ss s xs : safe o fs = true -> ty o ss = Some s -> states_true fs ss xs ->
  pre rho o ss xs.
Proof.
  intros Ha Ht Hs. destruct o as [f|f|l|zs i j o'|zs o'|a d s'|d|d|]; try exact I; simpl in Ha, Ht.
  - destruct ss as [|s0 [|? ?]]; try discriminate. destruct fs as [|x [|? ?]], xs as [|v [|? ?]];
      simpl in Hs; try tauto. destruct Hs as [Hx _]. intros ix Hix.
    destruct f; try exact I; specialize (Hx Ha ix Hix); simpl; lra.
  - destruct ss as [|s0 [|s1 [|? ?]]]; try discriminate.
    destruct (index_eqb_spec s0 s1); [subst s1|discriminate].
    destruct fs as [|x [|y [|? ?]]], xs as [|v [|v' [|? ?]]]; simpl in Hs; try tauto.
    destruct Hs as (Hx & Hy & _). intros ix Hix.
    destruct f; try exact I; try discriminate; [specialize (Hy Ha ix Hix)|specialize (Hx Ha ix Hix)];
      simpl; lra.
  - destruct ss as [|s0 [|? ?]]; try discriminate.
    destruct (below (length zs) o' && index_eqb s0 zs) eqn:E; [|discriminate].
    apply andb_prop in E as [Ho _]. destruct xs as [|v [|? ?]]; try exact I.
    intros b Hb. now apply expsum_pos.
Qed.

(** ** Whole programs, along a curve [c] of inputs *)
Variable tr : trace.
Definition off_kinks (p : program) (n : nat) (sh : nat -> shape) (E : env) (ks : list nat) : Prop :=
  forall i o ps, nth_error p i = Some (o, ps) -> In (n + i)%nat ks -> pre rho o (map sh ps) (map E ps).

Record surveyed (fs : list state) (sh : nat -> shape) (V : R -> env) (W : env) : Prop := {
  surveyed_derives : forall k ix, (k < length fs)%nat -> In ix (boxs (sh k)) ->
    is_derive (fun t => V t k ix) 0 (W k ix);
  surveyed_still : forall k, (k < length fs)%nat -> moving (nth k fs still) = false ->
    forall ix, In ix (boxs (sh k)) -> (forall t, V t k ix = V 0 k ix) /\ W k ix = 0;
  surveyed_above : forall k, (k < length fs)%nat -> above0 (nth k fs still) = true ->
    forall ix, In ix (boxs (sh k)) -> 0 < V 0 k ix
}.

Theorem survey_sound p : forall fs sh shf (V : R -> env) (W : env),
  infer p (length fs) sh = Some shf -> surveyed fs sh V W ->
  off_kinks p (length fs) shf (run rho tr p (length fs) (V 0)) (survey p fs) ->
  forall k ix, (k < length fs + length p)%nat -> In ix (boxs (shf k)) ->
    is_derive (fun t => run rho tr p (length fs) (V t) k ix) 0
              (tangent rho tr p (length fs) (V 0) W k ix).
Proof.
  induction p as [|[o ps] p IH]; intros fs sh shf V W Hi HS Hk.
  - cbn in *. injection Hi as <-. intros k ix Hk' Hix. apply HS; auto; lia.
  - set (n := length fs) in *. cbn [infer] in Hi. destruct (below n ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|discriminate].
    assert (Hps : forall k, In k ps -> (k < n)%nat) by (intros; eapply in_below; eauto).
    set (xs := map (fun k => nth k fs still) ps). set (m := existsb moving xs).
    set (f := State m (above o xs)).
    assert (Hlen : length (fs ++ [f]) = S n) by (rewrite app_length; simpl; lia).
    destruct HS as [HD HST HA].
    set (V1 := fun t => put (V t) n (den rho tr o (map (V t) ps))).
    set (W1 := put W n (jvp rho o (map (V 0) ps) (map W ps))).
    assert (Hshf : map shf ps = map sh ps).
    { apply map_ext_in. intros k Hkin. rewrite (infer_inputs _ _ _ _ k Hi) by (specialize (Hps k Hkin); lia).
      apply put_other. specialize (Hps k Hkin). lia. }
    assert (Hrun : map (run rho tr ((o, ps) :: p) n (V 0)) ps = map (V 0) ps).
    { apply map_ext_in. intros k Hkin. apply run_below; auto. }
    assert (Hrest : incl (survey p (fs ++ [f])) (survey ((o, ps) :: p) fs)).
    { intros k Hin. cbn [survey]. fold xs m f. destruct (m && negb (safe o xs)); [now right|easy]. }
    assert (Hstates : states_true xs (map sh ps) (map (V 0) ps)).
    { unfold xs. clear - Hps HA. induction ps as [|k ps IHp]; simpl; auto. split.
      - intros Hk ix Hix. apply (HA k); auto. apply Hps. now left.
      - apply IHp. intros; apply Hps. now right. }
    assert (HS1 : surveyed (fs ++ [f]) (put sh n s) V1 W1).
    { assert (Hnew : forall ix, In ix (boxs s) ->
        is_derive (fun t => den rho tr o (map (V t) ps) ix) 0 (jvp rho o (map (V 0) ps) (map W ps) ix) /\
        (m = false -> (forall t, den rho tr o (map (V t) ps) ix = den rho tr o (map (V 0) ps) ix) /\
                      jvp rho o (map (V 0) ps) (map W ps) ix = 0)).
      { intros ix Hix.
        assert (Hstill : m = false -> (forall t, den rho tr o (map (V t) ps) ix = den rho tr o (map (V 0) ps) ix) /\
                      jvp rho o (map (V 0) ps) (map W ps) ix = 0).
        { intros Hm.
          assert (Hall : forall k, In k ps -> moving (nth k fs still) = false).
          { intros k Hkin. destruct (moving (nth k fs still)) eqn:E; auto. exfalso.
            assert (existsb moving xs = true).
            { apply existsb_exists. exists (nth k fs still). split; auto. unfold xs.
              apply (in_map (fun k => nth k fs still)), Hkin. }
            fold m in H. congruence. }
          split.
          - intros t. apply (den_agree rho tr o (map sh ps) s); auto.
            clear - HST Hps Hall. induction ps as [|k ps IHp]; simpl; auto. split.
            + intros ix Hix. apply (HST k); auto; [apply Hps|apply Hall]; now left.
            + apply IHp; intros; [apply Hps|apply Hall]; now right.
          - apply (jvp_still o (map sh ps) s); auto; [now rewrite !map_length|].
            clear - HST Hps Hall. induction ps as [|k ps IHp]; simpl; auto. split.
            + intros ix Hix. apply (HST k); auto; [apply Hps|apply Hall]; now left.
            + apply IHp; intros; [apply Hps|apply Hall]; now right. }
        split; auto. destruct m eqn:Hm.
        2:{ destruct (Hstill eq_refl) as [H1 H2]. rewrite H2.
            apply (is_derive_ext (fun _ => den rho tr o (map (V 0) ps) ix)); [|const_piece].
            intros t. symmetry. apply H1. }
        assert (Hpre : pre rho o (map sh ps) (map (V 0) ps)).
        { destruct (safe o xs) eqn:Es; [apply (safe_sound o xs _ s); auto|].
          rewrite <- Hshf, <- Hrun. apply (Hk 0%nat o ps eq_refl).
          rewrite Nat.add_0_r. cbn [survey]. fold xs. fold m. rewrite Hm, Es. now left. }
        apply (is_derive_ext (fun u => den rho tr o (map (fun x => x u) (map (fun k u => V u k) ps)) ix)).
        { intros u. now rewrite map_map. }
        replace (map (V 0) ps) with (map (fun x => x 0) (map (fun k u => V u k) ps)) in * by apply map_map.
        apply (jvp_sound rho tr o (map sh ps) s); auto.
        apply (tangents_slots rho sh (fun u => V u) W 0 ps). intros k Hkin ix' Hix'. apply HD; auto. }
      constructor; rewrite Hlen.
      - intros k ix Hk' Hix. unfold V1, W1. destruct (Nat.eq_dec k n) as [->|Hne].
        + rewrite put_same in Hix. rewrite (put_same W).
          apply (is_derive_ext (fun t => den rho tr o (map (V t) ps) ix)); [|now apply Hnew].
          intros t. now rewrite put_same.
        + rewrite put_other in Hix by auto. rewrite (put_other W) by auto.
          apply (is_derive_ext (fun t => V t k ix)); [intros t; now rewrite put_other|].
          apply HD; auto. unfold n in *; lia.
      - intros k Hk' Hm ix Hix. unfold V1, W1. destruct (Nat.eq_dec k n) as [->|Hne].
        + rewrite put_same in Hix. rewrite app_nth2, Nat.sub_diag in Hm by (unfold n; lia). simpl in Hm.
          rewrite !put_same. destruct (Hnew ix Hix) as [_ H2]. destruct (H2 Hm) as [H3 H4]. split; auto.
          intros t. rewrite put_same. auto.
        + rewrite put_other in Hix by auto. rewrite app_nth1 in Hm by (unfold n in *; lia).
          rewrite !put_other by auto. destruct (HST k ltac:(unfold n in *; lia) Hm ix Hix) as [H3 H4].
          split; auto. intros t. rewrite put_other; auto.
      - intros k Hk' Hm ix Hix. unfold V1. destruct (Nat.eq_dec k n) as [->|Hne].
        + rewrite put_same in Hix. rewrite app_nth2, Nat.sub_diag in Hm by (unfold n; lia). simpl in Hm.
          rewrite put_same. eapply above_sound; eauto.
        + rewrite put_other in Hix by auto. rewrite app_nth1 in Hm by (unfold n in *; lia).
          rewrite put_other by auto. apply (HA k ltac:(unfold n in *; lia) Hm ix Hix). }
    intros k ix Hk' Hix. cbn [run tangent].
    specialize (IH (fs ++ [f]) (put sh n s) shf V1 W1). rewrite Hlen in IH. apply (IH Hi HS1); auto.
    + intros i o' ps' Hnth Hin. rewrite Nat.add_succ_comm in Hin.
      apply (Hk (S i) o' ps' Hnth). now apply Hrest.
    + simpl length in Hk'. lia.
Qed.
End Defined.

(** ** Graphs *)
Definition undecided (G : graph) (moved : list nat) : list nat :=
  survey (g_nodes G) (map (fun k => State (existsb (Nat.eqb k) moved) false) (range (inputs G))).
(** The slots in [ks] are where they are differentiable. *)
Definition defined_on (G : graph) (rho : dim -> nat) (ks : list nat) (e : env) (tr : trace) : Prop :=
  off_kinks rho (g_nodes G) (inputs G) (shape_of G) (value G rho e tr) ks.

Theorem decided_derive G rho moved e d tr : sized G rho -> well_formed G ->
  (forall k ix, ~ In k moved -> d k ix = 0) -> defined_on G rho (undecided G moved) e tr ->
  derivable G rho e d tr 0.
Proof.
  intros [_ Hrho] (Hi & _) Hdir Hk k ix Hks Hix.
  set (fs := map (fun k => State (existsb (Nat.eqb k) moved) false) (range (inputs G))).
  assert (Hlen : length fs = inputs G) by (unfold fs; now rewrite map_length, seq_length).
  pose proof (survey_sound rho Hrho tr (g_nodes G) fs (input_shape G) (shape_of G) (line e d) d) as H.
  rewrite Hlen, line_0 in H. rewrite line_0. apply H; auto. constructor; rewrite Hlen.
  - intros j jx _ _. apply line_derive.
  - intros j Hj Hm jx _. unfold fs in Hm.
    rewrite (nth_map_lt _ _ j 0%nat), seq_nth, Nat.add_0_l in Hm by (rewrite ?seq_length; auto).
    cbn [moving] in Hm. assert (H0 : d j jx = 0).
    { apply Hdir. intros Hin. assert (existsb (Nat.eqb j) moved = true).
      { apply existsb_exists. exists j. split; auto. apply Nat.eqb_refl. }
      congruence. }
    split; auto. intros t. unfold line. rewrite H0. ring.
  - intros j Hj Hm. unfold fs in Hm.
    now rewrite (nth_map_lt _ _ j 0%nat), seq_nth in Hm by (rewrite ?seq_length; auto).
Qed.
