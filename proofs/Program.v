(** * Straight-line programs and reverse mode

    A program is a list of nodes; node [i] writes slot [n + i], where the first [n] slots are the
    inputs.  [tangent] is forward mode; [backward] writes the reverse pass as more program, the way
    the compiler's adjoint pass does.  [reverse_mode] says that the two are transposes of each
    other, so no multivariate calculus is needed: derivatives are along curves. *)
From Coq Require Import Reals Lra Lia List Bool Arith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op.
Import ListNotations.
Open Scope R_scope.

Definition node := (op * list nat)%type.
Definition program := list node.
Definition env := nat -> tensor.

Definition put {A} (e : nat -> A) (n : nat) (v : A) : nat -> A :=
  fun k => if Nat.eqb k n then v else e k.
Lemma put_same {A} (e : nat -> A) n v : put e n v n = v.
Proof. unfold put. now rewrite Nat.eqb_refl. Qed.
Lemma put_other {A} (e : nat -> A) n v k : k <> n -> put e n v k = e k.
Proof. unfold put. destruct (Nat.eqb_spec k n); easy. Qed.

(** Shapes of all slots, given those of the inputs; [None] if a node is ill typed. *)
Fixpoint infer (p : program) (n : nat) (sh : nat -> shape) : option (nat -> shape) :=
  match p with
  | [] => Some sh
  | (o, ps) :: p =>
      if below n ps then
        match ty o (map sh ps) with Some s => infer p (S n) (put sh n s) | None => None end
      else None
  end.

Lemma in_below n ps j : below n ps = true -> In j ps -> (j < n)%nat.
Proof. unfold below. rewrite forallb_forall. intros H Hj. now apply Nat.ltb_lt, H. Qed.

Lemma infer_inputs p : forall n sh shf k, infer p n sh = Some shf -> (k < n)%nat -> shf k = sh k.
Proof.
  induction p as [|[o ps] p IH]; simpl; intros n sh shf k H Hk; [now inversion H|].
  destruct (below n ps); [|easy]. destruct (ty o (map sh ps)); [|easy].
  rewrite (IH _ _ _ _ H) by lia. apply put_other; lia.
Qed.

Lemma infer_app p q : forall n sh sh', infer p n sh = Some sh' ->
  infer (p ++ q) n sh = infer q (n + length p) sh'.
Proof.
  induction p as [|[o ps] p IH]; simpl; intros n sh sh' H; [inversion H; f_equal; lia|].
  destruct (below n ps); [|easy]. destruct (ty o (map sh ps)); [|easy].
  rewrite (IH _ _ _ H). f_equal. lia.
Qed.

Section Run.
Variable rho : dim -> nat.
Variable tr : nat -> tensor.
Notation den := (den rho tr).
Notation jvp := (jvp rho).
Notation boxs s := (box (sizes rho s)).

Fixpoint run (p : program) (n : nat) (e : env) : env :=
  match p with [] => e | (o, ps) :: p => run p (S n) (put e n (den o (map e ps))) end.

Fixpoint tangent (p : program) (n : nat) (e d : env) : env :=
  match p with
  | [] => d
  | (o, ps) :: p => tangent p (S n) (put e n (den o (map e ps)))
                              (put d n (jvp o (map e ps) (map d ps)))
  end.

(** Every node is where its derivative exists. *)
Fixpoint defined (p : program) (n : nat) (sh : nat -> shape) (e : env) : Prop :=
  match p with
  | [] => True
  | (o, ps) :: p =>
      pre rho o (map sh ps) (map e ps) /\
      match ty o (map sh ps) with
      | Some s => defined p (S n) (put sh n s) (put e n (den o (map e ps)))
      | None => False
      end
  end.

Lemma run_app p q : forall n e, run (p ++ q) n e = run q (n + length p) (run p n e).
Proof.
  induction p as [|[o ps] p IH]; simpl; intros; [now rewrite Nat.add_0_r|]. rewrite IH. f_equal. lia.
Qed.
Lemma run_below p : forall n e k, (k < n)%nat -> run p n e k = e k.
Proof.
  induction p as [|[o ps] p IH]; simpl; intros; auto. rewrite IH by lia. apply put_other; lia.
Qed.
Lemma tangent_app p q : forall n e d,
  tangent (p ++ q) n e d = tangent q (n + length p) (run p n e) (tangent p n e d).
Proof.
  induction p as [|[o ps] p IH]; simpl; intros; [now rewrite Nat.add_0_r|]. rewrite IH. f_equal. lia.
Qed.
Lemma tangent_below p : forall n e d k, (k < n)%nat -> tangent p n e d k = d k.
Proof.
  induction p as [|[o ps] p IH]; simpl; intros; auto. rewrite IH by lia. apply put_other; lia.
Qed.

(** ** Forward mode *)
Lemma tangents_slots (sh : nat -> shape) (c : R -> env) (d : env) t ps :
  (forall k, In k ps -> forall ix, In ix (boxs (sh k)) -> is_derive (fun t => c t k ix) t (d k ix)) ->
  tangents rho (map sh ps) (map (fun k t => c t k) ps) (map d ps) t.
Proof. induction ps as [|k ps IH]; simpl; intros H; auto. Qed.

Theorem forward_mode p : forall n sh shf (c : R -> env) d t,
  infer p n sh = Some shf -> defined p n sh (c t) ->
  (forall k ix, (k < n)%nat -> In ix (boxs (sh k)) -> is_derive (fun t => c t k ix) t (d k ix)) ->
  forall k ix, (k < n + length p)%nat -> In ix (boxs (shf k)) ->
    is_derive (fun t => run p n (c t) k ix) t (tangent p n (c t) d k ix).
Proof.
  induction p as [|[o ps] p IH]; simpl; intros n sh shf c d t Hi Hp Hd k ix Hk Hix.
  - inversion Hi; subst. apply Hd; auto; lia.
  - destruct (below n ps) eqn:Hb; [|easy].
    destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|easy]. destruct Hp as [Hp1 Hp2].
    apply (IH (S n) (put sh n s) shf (fun t => put (c t) n (den o (map (c t) ps)))); auto; [|lia].
    intros k' ix' Hk' Hix'. destruct (Nat.eq_dec k' n) as [->|Hne].
    + rewrite put_same in Hix'. rewrite put_same.
      apply (is_derive_ext (fun t => den o (map (fun x => x t) (map (fun k t => c t k) ps)) ix')).
      { intros u. now rewrite put_same, map_map. }
      replace (map (c t) ps) with (map (fun x => x t) (map (fun k t => c t k) ps)) in *
        by apply map_map.
      apply (jvp_sound rho tr o (map sh ps) s); auto.
      apply tangents_slots. intros j Hj jx Hjx. apply Hd; auto. eapply in_below; eauto.
    + rewrite put_other in Hix' by auto. rewrite put_other by auto.
      apply (is_derive_ext (fun t => c t k' ix')); [intros; now rewrite put_other|].
      apply Hd; auto; lia.
Qed.

(** ** Emitting a reverse rule *)
Fixpoint emit (e : expr) (ps : list nat) (out adj nx : nat) : program * nat * nat :=
  match e with
  | Arg k => ([], nth k ps 0%nat, nx)
  | Out => ([], out, nx)
  | Adj => ([], adj, nx)
  | E0 o => ([(o, [])], nx, S nx)
  | E1 o a => let '(p, r, nx) := emit a ps out adj nx in (p ++ [(o, [r])], nx, S nx)
  | E2 o a b =>
      let '(p, r, nx) := emit a ps out adj nx in
      let '(p', r', nx) := emit b ps out adj nx in (p ++ p' ++ [(o, [r; r'])], nx, S nx)
  end.

Lemma emit_sound e : forall ps out adj nx p r nx' (E : env),
  emit e ps out adj nx = (p, r, nx') -> mentions (length ps) e ->
  (forall j, In j ps -> j < nx)%nat -> (out < nx)%nat -> (adj < nx)%nat ->
  nx' = (nx + length p)%nat /\ (r < nx')%nat /\
  run p nx E r = expr_den rho tr e (map E ps) (E out) (E adj).
Proof.
  induction e as [k| | |o|o a IHa|o a IHa b IHb]; intros ps out adj nx p r nx' E He Hm Hps Ho Ha;
    simpl in *.
  - inversion He; subst; simpl. split; [lia|]. split; [now apply Hps, nth_In|].
    now rewrite (nth_map_lt E ps k 0%nat).
  - inversion He; subst; simpl. repeat split; auto; lia.
  - inversion He; subst; simpl. repeat split; auto; lia.
  - inversion He; subst; simpl. rewrite put_same. repeat split; auto; lia.
  - destruct (emit a ps out adj nx) as [[p1 r1] n1] eqn:Ea. injection He as <- <- <-.
    destruct (IHa _ _ _ _ _ _ _ E Ea Hm Hps Ho Ha) as (H1 & H2 & H3).
    rewrite app_length; simpl. split; [lia|]. split; [lia|].
    rewrite run_app; simpl. now rewrite <- H1, put_same, H3.
  - destruct (emit a ps out adj nx) as [[p1 r1] n1] eqn:Ea.
    destruct (emit b ps out adj n1) as [[p2 r2] n2] eqn:Eb. injection He as <- <- <-.
    destruct Hm as [Hma Hmb].
    destruct (IHa _ _ _ _ _ _ _ E Ea Hma Hps Ho Ha) as (H1 & H2 & H3).
    destruct (IHb ps out adj n1 p2 r2 n2 (run p1 nx E) Eb Hmb) as (H4 & H5 & H6); try lia.
    { intros j Hj. specialize (Hps j Hj). lia. }
    rewrite !app_length; simpl. split; [lia|]. split; [lia|].
    assert (Hmap : map (run p1 nx E) ps = map E ps).
    { apply map_ext_in. intros j Hj. apply run_below; auto. }
    rewrite Hmap, !(run_below p1 nx E) in H6 by auto.
    rewrite !run_app; simpl. rewrite <- H1, <- H4, put_same, H6, (run_below p2), H3 by lia.
    reflexivity.
Qed.

(** ** The backward pass

    An adjoint map says which slot holds the adjoint of a slot, if it has one. *)
Definition adjoints := nat -> option nat.

Definition accumulate (j r nx : nat) (am : adjoints) : program * nat * adjoints :=
  match am j with
  | None => ([], nx, put am j (Some r))
  | Some a => ([(Map2 Add, [a; r])], S nx, put am j (Some nx))
  end.

(** Sends the adjoint [adj] of one node to its operands, the [k]-th and the following ones. *)
Fixpoint scatter (o : op) (all ps : list nat) (k out adj nx : nat) (am : adjoints) :
  program * nat * adjoints :=
  match ps with
  | [] => ([], nx, am)
  | j :: ps =>
      match vjp o k with
      | None => scatter o all ps (S k) out adj nx am
      | Some e =>
          let '(p1, r, nx) := emit e all out adj nx in
          let '(p2, nx, am) := accumulate j r nx am in
          let '(p3, nx, am) := scatter o all ps (S k) out adj nx am in (p1 ++ p2 ++ p3, nx, am)
      end
  end.

(** [backward rp nx am m]: the reversed nodes [rp] wrote slots m - 1, m - 2, ... *)
Fixpoint backward (rp : list node) (nx : nat) (am : adjoints) (m : nat) : program * nat * adjoints :=
  match rp with
  | [] => ([], nx, am)
  | (o, ps) :: rp =>
      let i := pred m in
      match am i with
      | None => backward rp nx am i
      | Some a =>
          let '(p1, nx, am) := scatter o ps ps 0 i a nx am in
          let '(p2, nx, am) := backward rp nx am i in (p1 ++ p2, nx, am)
      end
  end.

Definition adjoint_value (am : adjoints) (e : env) (k : nat) : tensor :=
  match am k with Some i => e i | None => zero end.
Definition adjoints_below (am : adjoints) (nx : nat) : Prop :=
  forall k i, am k = Some i -> (i < nx)%nat.

(** The inner product of two families of tensors over the first [m] slots. *)
Definition pairing (sh : nat -> shape) (m : nat) (d a : env) : R :=
  sum (range m) (fun k => dot (sizes rho (sh k)) (d k) (a k)).

Lemma pairing_ext sh m d a a' : (forall k, (k < m)%nat -> a k = a' k) ->
  pairing sh m d a = pairing sh m d a'.
Proof. intros H. apply sum_ext. intros k Hk. rewrite H; auto. now apply in_range. Qed.

Lemma adjoint_value_ext am (e e' : env) k : (forall i, am k = Some i -> e i = e' i) ->
  adjoint_value am e k = adjoint_value am e' k.
Proof. unfold adjoint_value. destruct (am k); auto. Qed.

Lemma accumulate_sound j r nx am p nx' am' (E : env) sh m d v :
  accumulate j r nx am = (p, nx', am') -> adjoints_below am nx -> (r < nx)%nat -> (j < m)%nat ->
  E r = v ->
  nx' = (nx + length p)%nat /\ adjoints_below am' nx' /\
  pairing sh m d (adjoint_value am' (run p nx E))
  = pairing sh m d (adjoint_value am E) + dot (sizes rho (sh j)) (d j) v.
Proof.
  intros Ha Hlt Hr Hj Hv. unfold pairing.
  rewrite <- (sum_update Nat.eqb Nat.eqb_spec (range m) j) by (auto using seq_NoDup; now apply in_range).
  unfold accumulate in Ha. destruct (am j) as [a|] eqn:Ej; inversion Ha; subst; clear Ha; simpl.
  - split; [lia|]. split.
    + intros k i Hk. unfold put in Hk. destruct (Nat.eqb_spec k j); [inversion Hk; lia|].
      specialize (Hlt _ _ Hk). lia.
    + apply sum_ext. intros k Hk. unfold adjoint_value, put at 1.
      destruct (Nat.eqb_spec k j) as [->|Hne].
      * rewrite put_same, Ej. simpl. now rewrite <- dot_plus_r.
      * destruct (am k) eqn:Ek; auto. rewrite put_other; auto. specialize (Hlt _ _ Ek). lia.
  - split; [lia|]. split.
    + intros k i Hk. unfold put in Hk. destruct (Nat.eqb_spec k j); [inversion Hk; lia|].
      specialize (Hlt _ _ Hk). lia.
    + apply sum_ext. intros k Hk. unfold adjoint_value, put.
      destruct (Nat.eqb_spec k j) as [->|Hne]; auto.
      rewrite Ej, dot_zero_r. ring.
Qed.

Lemma scatter_sound o ss s sh m d all : ty o ss = Some s -> length all = length ss ->
  forall ps k out adj nx am p nx' am' (E : env),
  scatter o all ps k out adj nx am = (p, nx', am') -> adjoints_below am nx ->
  (forall j, In j all -> j < m)%nat -> (forall j, In j ps -> j < m)%nat ->
  (m <= nx)%nat -> (out < nx)%nat -> (adj < nx)%nat -> E out = den o (map E all) ->
  nx' = (nx + length p)%nat /\ adjoints_below am' nx' /\
  pairing sh m d (adjoint_value am' (run p nx E)) = pairing sh m d (adjoint_value am E) +
    sum (range (length ps)) (fun i => dot (sizes rho (sh (nth i ps 0%nat))) (d (nth i ps 0%nat))
                                          (vjp_den rho tr o (map E all) (E adj) (k + i))).
Proof.
  intros Ht Hl. induction ps as [|j ps IH];
    intros k out adj nx am p nx' am' E Hp Hlt Hall Hps Hm Ho Ha HE; cbn [scatter] in Hp.
  - inversion Hp; subst; simpl. split; [lia|]. split; auto. ring.
  - cbn [length]. rewrite sum_range_shift, Nat.add_0_r. cbn [nth].
    assert (Hshift : forall A : env,
      sum (range (length ps)) (fun i => dot (sizes rho (sh (nth i ps 0%nat))) (d (nth i ps 0%nat))
                                            (vjp_den rho tr o (map A all) (A adj) (S k + i)))
      = sum (range (length ps)) (fun i => dot (sizes rho (sh (nth i ps 0%nat))) (d (nth i ps 0%nat))
                                            (vjp_den rho tr o (map A all) (A adj) (k + S i)))).
    { intros A. apply sum_ext. intros i _. now rewrite Nat.add_succ_comm. }
    destruct (vjp o k) as [e|] eqn:Ek.
    + destruct (emit e all out adj nx) as [[p1 r] n1] eqn:E1.
      destruct (accumulate j r n1 am) as [[p2 n2] am2] eqn:E2.
      destruct (scatter o all ps (S k) out adj n2 am2) as [[p3 n3] am3] eqn:E3.
      injection Hp as <- <- <-.
      assert (Hmen : mentions (length all) e) by (rewrite Hl; eapply vjp_mentions; eauto).
      destruct (emit_sound e all out adj nx p1 r n1 E E1 Hmen) as (H1 & H2 & H3); auto.
      { intros i Hi. specialize (Hall i Hi). lia. }
      assert (Hlt1 : adjoints_below am n1) by (intros i a Hi; specialize (Hlt i a Hi); lia).
      destruct (accumulate_sound j r n1 am p2 n2 am2 (run p1 nx E) sh m d _ E2 Hlt1 H2
                  (Hps j (or_introl eq_refl)) H3) as (H4 & H5 & H6).
      set (E' := run p2 n1 (run p1 nx E)).
      assert (Hsame : forall i, (i < nx)%nat -> E' i = E i).
      { intros i Hi. unfold E'. rewrite !run_below; auto; lia. }
      assert (Hmap : map E' all = map E all).
      { apply map_ext_in. intros i Hi. apply Hsame. specialize (Hall i Hi). lia. }
      destruct (IH (S k) out adj n2 am2 p3 n3 am3 E' E3 H5) as (H7 & H8 & H9); auto; try lia.
      { intros i Hi; apply Hps; simpl; auto. }
      { now rewrite Hmap, Hsame. }
      rewrite !app_length. split; [lia|]. split; auto.
      rewrite !run_app, <- H1, <- H4. fold E'. rewrite H9, Hshift, Hmap, Hsame by auto.
      unfold E'. rewrite H6.
      rewrite (pairing_ext sh m d _ (adjoint_value am E)).
      2:{ intros i Hi. apply adjoint_value_ext. intros a Hia. apply run_below. eapply Hlt; eauto. }
      rewrite Rplus_assoc. f_equal. f_equal. f_equal.
      unfold vjp_den. now rewrite Ek, HE.
    + destruct (IH (S k) out adj nx am p nx' am' E Hp) as (H7 & H8 & H9); auto.
      { intros i Hi; apply Hps; simpl; auto. }
      split; auto. split; auto. rewrite H9, Hshift. f_equal.
      unfold vjp_den at 2. rewrite Ek, dot_zero_r. ring.
Qed.

(** Slots hold the values and tangents of their nodes; [rp] is reversed and ends at slot [m]. *)
Definition node_ok (sh : nat -> shape) (E d : env) (i : nat) (nd : node) : Prop :=
  let (o, ps) := nd in
  (forall j, In j ps -> j < i)%nat /\ ty o (map sh ps) = Some (sh i) /\
  E i = den o (map E ps) /\ d i = jvp o (map E ps) (map d ps).
Fixpoint nodes_ok sh E d (rp : list node) (m : nat) : Prop :=
  match rp with
  | [] => True
  | nd :: rp => (0 < m)%nat /\ node_ok sh E d (pred m) nd /\ nodes_ok sh E d rp (pred m)
  end.

Lemma nodes_ok_ext sh E E' d rp : forall m,
  (forall k, (k < m)%nat -> E k = E' k) -> nodes_ok sh E d rp m -> nodes_ok sh E' d rp m.
Proof.
  induction rp as [|[o ps] rp IH]; simpl; auto. intros m HE (Hm & (H1 & H2 & H3 & H4) & H5).
  assert (HM : map E ps = map E' ps).
  { apply map_ext_in; intros j Hj; apply HE; specialize (H1 j Hj); lia. }
  rewrite HM in *. split; auto. split.
  - repeat split; auto. rewrite <- HE; auto; lia.
  - apply IH; auto. intros; apply HE; lia.
Qed.

Lemma backward_sound sh d rp : forall m nx am p nx' am' (E : env),
  backward rp nx am m = (p, nx', am') -> nodes_ok sh E d rp m -> adjoints_below am nx ->
  (m <= nx)%nat ->
  nx' = (nx + length p)%nat /\ adjoints_below am' nx' /\
  pairing sh m d (adjoint_value am E)
  = pairing sh (m - length rp) d (adjoint_value am' (run p nx E)).
Proof.
  induction rp as [|[o ps] rp IH]; intros m nx am p nx' am' E Hb Hok Hlt Hm.
  - simpl in Hb. inversion Hb; subst; simpl. rewrite Nat.sub_0_r. split; [lia|]. auto.
  - destruct Hok as (Hm0 & (Hps & Hty & HE & Hd) & Hok). destruct m as [|i]; [lia|].
    cbn [backward pred] in *.
    assert (Hlast : pairing sh (S i) d (adjoint_value am E)
      = pairing sh i d (adjoint_value am E) + dot (sizes rho (sh i)) (d i) (adjoint_value am E i))
      by apply sum_range_S.
    destruct (am i) as [a|] eqn:Ea.
    + destruct (scatter o ps ps 0 i a nx am) as [[p1 n1] am1] eqn:E1.
      destruct (backward rp n1 am1 i) as [[p2 n2] am2] eqn:E2. injection Hb as <- <- <-.
      assert (Ha : (a < nx)%nat) by (eapply Hlt; eauto).
      destruct (scatter_sound o (map sh ps) (sh i) sh i d ps Hty ltac:(now rewrite map_length)
                  ps 0%nat i a nx am p1 n1 am1 E E1 Hlt Hps Hps ltac:(lia) ltac:(lia) Ha HE)
        as (H1 & H2 & H3).
      assert (Hok' : nodes_ok sh (run p1 nx E) d rp i).
      { apply (nodes_ok_ext sh E); auto. intros k Hk. symmetry. apply run_below. lia. }
      destruct (IH i n1 am1 p2 n2 am2 (run p1 nx E) E2 Hok' H2 ltac:(lia)) as (H4 & H5 & H6).
      rewrite app_length. split; [lia|]. split; auto.
      rewrite run_app, <- H1. cbn [length]. rewrite Nat.sub_succ, <- H6, H3, Hlast. f_equal.
      unfold adjoint_value. rewrite Ea, Hd.
      rewrite (vjp_adjoint rho tr o (map sh ps) (sh i) (map E ps) (map d ps) (E a) Hty)
        by now rewrite !map_length.
      rewrite map_length. apply sum_ext. intros k Hk. apply in_range in Hk.
      now rewrite (nth_map_lt sh ps k 0%nat), (nth_map_lt d ps k 0%nat) by auto.
    + destruct (IH i nx am p nx' am' E Hb Hok Hlt ltac:(lia)) as (H4 & H5 & H6).
      split; auto. split; auto. cbn [length]. rewrite Nat.sub_succ, <- H6, Hlast.
      unfold adjoint_value at 2. rewrite Ea, dot_zero_r. ring.
Qed.

Lemma nodes_ok_app sh E d l : forall l' m, nodes_ok sh E d l m ->
  nodes_ok sh E d l' (m - length l) -> nodes_ok sh E d (l ++ l') m.
Proof.
  induction l as [|nd l IH]; simpl; intros l' m H H'; [now rewrite Nat.sub_0_r in H'|].
  destruct H as (H1 & H2 & H3). repeat split; auto. apply IH; auto.
  now replace (pred m - length l)%nat with (m - S (length l))%nat by lia.
Qed.

Lemma nodes_ok_run p : forall n sh shf e d, infer p n sh = Some shf ->
  nodes_ok shf (run p n e) (tangent p n e d) (rev p) (n + length p).
Proof.
  induction p as [|[o ps] p IH]; simpl; intros n sh shf e d Hi; auto.
  destruct (below n ps) eqn:Hb; [|easy]. destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|easy].
  assert (Hps : forall j, In j ps -> (j < n)%nat) by (intros; eapply in_below; eauto).
  apply nodes_ok_app.
  - rewrite <- Nat.add_succ_comm. eapply IH; eauto.
  - rewrite rev_length. replace (n + S (length p) - length p)%nat with (S n) by lia. simpl.
    split; [lia|]. split; auto.
    assert (Hold : forall {A} (f : nat -> A) v, map (put f n v) ps = map f ps).
    { intros A f v. apply map_ext_in. intros j Hj. apply put_other. specialize (Hps j Hj). lia. }
    assert (Hrun : forall f, map (run p (S n) f) ps = map f ps).
    { intros f. apply map_ext_in. intros j Hj. apply run_below. specialize (Hps j Hj). lia. }
    assert (Htan : forall f g, map (tangent p (S n) f g) ps = map g ps).
    { intros f g. apply map_ext_in. intros j Hj. apply tangent_below. specialize (Hps j Hj). lia. }
    assert (Hsh : map shf ps = map sh ps).
    { rewrite <- (Hold _ sh s). apply map_ext_in. intros j Hj. apply (infer_inputs _ _ _ _ _ Hi).
      specialize (Hps j Hj). lia. }
    repeat split; auto.
    + rewrite (infer_inputs _ _ _ _ n Hi), put_same, Hsh by lia. exact Ht.
    + rewrite run_below, put_same, Hrun, Hold by lia. reflexivity.
    + rewrite tangent_below, put_same, Hrun, Htan, !Hold by lia. reflexivity.
Qed.

(** Reverse mode: the inner product of the forward tangents with the seeds is the inner product of
    the input tangents with the adjoints that the emitted program leaves on the inputs. *)
Theorem reverse_mode p n sh shf e d seeds pb nx' am :
  infer p n sh = Some shf ->
  backward (rev p) (n + length p) seeds (n + length p) = (pb, nx', am) ->
  adjoints_below seeds (n + length p) ->
  pairing shf (n + length p) (tangent p n e d) (adjoint_value seeds (run p n e))
  = pairing sh n d (adjoint_value am (run (p ++ pb) n e)).
Proof.
  intros Hi Hb Hlt.
  destruct (backward_sound shf (tangent p n e d) (rev p) _ _ _ _ _ _ (run p n e) Hb
              (nodes_ok_run p n sh shf e d Hi) Hlt (le_n _)) as (_ & _ & H).
  rewrite H, rev_length, run_app.
  replace (n + length p - length p)%nat with n by lia.
  apply sum_ext. intros k Hk. apply in_range in Hk.
  now rewrite (infer_inputs _ _ _ _ k Hi), tangent_below by auto.
Qed.
End Run.
