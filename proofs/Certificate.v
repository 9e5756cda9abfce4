(** * Certificates

    [check G est outs] decides that the program [est] computes the gradient estimator that
    [Graph.v] derives from [G]: it derives the estimator again, enters both programs into one table
    and compares slots.  [outs] lists, for each parameter, its input and the slot of its gradient.
    The checker runs inside Coq; nothing the compiler did is trusted. *)
From Coq Require Import Reals Lra Lia List Bool Arith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Number.
Import ListNotations.
Open Scope R_scope.

Fixpoint distinct (l : list nat) : bool :=
  match l with [] => true | x :: l => negb (existsb (Nat.eqb x) l) && distinct l end.
Lemma distinct_NoDup l : distinct l = true -> NoDup l.
Proof.
  induction l as [|x l IH]; simpl; intros H; [constructor|].
  apply andb_prop in H as [H1 H2]. constructor; auto. intros Hin.
  assert (E : existsb (Nat.eqb x) l = true).
  { apply existsb_exists. exists x. split; auto. apply Nat.eqb_refl. }
  now rewrite E in H1.
Qed.

Definition well_formedb (G : graph) : bool :=
  match infer (g_nodes G) (inputs G) (input_shape G) with
  | None => false
  | Some sh =>
      Nat.ltb (g_cost G) (slots G) && index_eqb (sh (g_cost G)) [] &&
      distinct (g_cost G :: map fst (g_scores G)) &&
      forallb (fun lw => Nat.ltb (fst lw) (slots G) && Nat.ltb (snd lw) (slots G)
                         && index_eqb (sh (snd lw)) (sh (fst lw))) (g_scores G)
  end.
Lemma well_formedb_sound G : well_formedb G = true -> well_formed G.
Proof.
  unfold well_formedb, well_formed, shape_of.
  destruct (infer (g_nodes G) (inputs G) (input_shape G)) as [sh|]; [|easy]. intros H.
  apply andb_prop in H as [H Hs]. apply andb_prop in H as [H Hd]. apply andb_prop in H as [Hc Hsc].
  apply Nat.ltb_lt in Hc. destruct (index_eqb_spec (sh (g_cost G)) []) as [Hsc'|]; [|easy].
  do 3 (split; auto). split; [now apply distinct_NoDup|].
  intros l w Hin. rewrite forallb_forall in Hs. specialize (Hs _ Hin). cbn [fst snd] in Hs.
  apply andb_prop in Hs as [Hs He]. apply andb_prop in Hs as [Hl Hw].
  apply Nat.ltb_lt in Hl, Hw. destruct (index_eqb_spec (sh w) (sh l)); easy.
Qed.

(** Every listed parameter has a derived adjoint, of its own shape. *)
Definition derived_slot (G : graph) (k : nat) : nat :=
  match estimator_adjoints G k with Some i => i | None => 0%nat end.
Definition adjoint_ok (G : graph) (sh : nat -> shape) (k : nat) : bool :=
  match estimator_adjoints G k with
  | Some i => index_eqb (sh i) (input_shape G k)
  | None => false
  end.

Definition check (G : graph) (est : program) (outs : list (nat * nat)) : bool :=
  well_formedb G && distinct (map fst outs) && below (inputs G) (map fst outs) &&
  match infer (estimator G) (inputs G) (input_shape G) with
  | None => false
  | Some sh => forallb (adjoint_ok G sh) (map fst outs)
  end &&
  same (g_sizes G) (g_inputs G) (estimator G) est
       (map (fun kj => (derived_slot G (fst kj), snd kj)) outs).

(** The derivative in direction [d] that the program [est] estimates. *)
Definition emitted_along (rho : dim -> nat) (G : graph) (est : program) (outs : list (nat * nat))
  (e d : env) (tr : trace) : R :=
  sum outs (fun kj => dot (sizes rho (input_shape G (fst kj))) (d (fst kj))
                          (run rho tr est (inputs G) e (snd kj))).

(** A direction that only moves the listed parameters. *)
Definition moves_only (outs : list (nat * nat)) (d : env) : Prop :=
  forall k ix, ~ In k (map fst outs) -> d k ix = 0.

Lemma emitted_is_estimate G est outs : check G est outs = true -> well_formed G /\
  forall rho e d tr, sized G rho -> moves_only outs d ->
    emitted_along rho G est outs e d tr = estimate_along G rho e d tr.
Proof.
  unfold check. intros H. apply andb_prop in H as [H Hsame]. apply andb_prop in H as [H Hadj].
  apply andb_prop in H as [H Hin]. apply andb_prop in H as [Hwf Hd].
  apply well_formedb_sound in Hwf. apply distinct_NoDup in Hd. split; auto.
  intros rho e d tr [Hfix _] Hmove.
  destruct (same_sound rho tr e _ _ _ _ _ Hsame Hfix) as (shp & shq & Ip & Iq & Heq).
  change (infer (estimator G) (inputs G) (input_shape G) = Some shp) in Ip.
  rewrite Ip in Hadj. rewrite forallb_forall in Hadj.
  assert (Hval : forall k j, In (k, j) outs -> forall ix, In ix (box (sizes rho (input_shape G k))) ->
    run rho tr est (inputs G) e j ix = estimate G rho e tr k ix).
  { intros k j Hkj ix Hix. specialize (Hadj k (in_map fst _ _ Hkj)). unfold adjoint_ok in Hadj.
    unfold estimate, adjoint_value.
    destruct (Heq (derived_slot G k) j) as (_ & _ & Hrun).
    { apply in_map_iff. now exists (k, j). }
    unfold derived_slot in Hrun. destruct (estimator_adjoints G k) as [i|]; [|easy].
    destruct (index_eqb_spec (shp i) (input_shape G k)) as [E|]; [|easy].
    symmetry. apply Hrun. now rewrite E. }
  unfold emitted_along, estimate_along, pairing.
  set (F := fun k => dot (sizes rho (input_shape G k)) (d k) (estimate G rho e tr k)).
  assert (Hout : forall k, ~ In k (map fst outs) -> F k = 0).
  { intros k Hk. apply sum_none. intros ix _. rewrite Hmove by auto. ring. }
  transitivity (sum (map fst outs) F).
  - rewrite sum_map. apply sum_ext. intros [k j] Hkj. cbn [fst snd].
    apply dot_ext; intros ix Hix; [easy|now apply Hval].
  - symmetry. apply (sum_subset (map fst outs) F); [apply seq_NoDup|exact Hd| |].
    + intros k Hk. apply in_range. eapply in_below; eauto.
    + intros k _. apply Hout.
Qed.

(** The certificate's theorem: the expectation of what the checked program computes is the
    derivative of the expected cost, for any sizes, any base law, any point and any direction. *)
Theorem certificate_sound G est outs : check G est outs = true ->
  forall rho law e d, sized G rho -> moves_only outs d -> regular G rho law e d -> score_ok G rho law e d ->
  is_derive (fun t => expected_cost G rho law (line e d t)) 0
            (under G rho law e (emitted_along rho G est outs e d)).
Proof.
  intros H rho law e d Hsz Hd Hr Hs. destruct (emitted_is_estimate G est outs H) as [Hwf Heq].
  destruct (estimator_correct G rho law e d Hwf Hr Hs) as [_ HD].
  replace (under G rho law e (emitted_along rho G est outs e d))
    with (under G rho law e (estimate_along G rho e d)); auto.
  apply Ex_ext. intros tr. now rewrite Heq.
Qed.
