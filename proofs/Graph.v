(** * Stochastic computation graphs: the main theorem

    A graph is a program with a scalar cost and with log-densities.  A drawn value is an input
    [Sample j] with no tangent; the law of the whole trace is a base law with a density, the exponential of
    the sum of all log-densities.  So one statement covers mixed graphs:

    - a reparameterised draw is parameter-free base noise, and no log-density;
    - a score-function draw has a log-density, which the reverse pass seeds with a weight: the cost,
      its downstream part, or that minus a baseline;
    - an enumerated draw is a sum in the program, and no draw at all.

    A weight is right if the difference to the whole cost is orthogonal to the score
    ([score_ok]); [Baseline.v] proves that for downstream costs, lagged and leave-one-out
    baselines. *)
From Coq Require Import Reals Lra Lia List Bool Arith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect.
Import ListNotations.
Open Scope R_scope.

Definition trace := nat -> tensor.
Record graph := {
  g_inputs : list shape;        (** parameters, data and anything else that is not drawn *)
  g_nodes : program;
  g_cost : nat;                 (** a scalar slot *)
  g_scores : list (nat * nat);  (** log-density slots, each with the slot of its weight *)
  g_sizes : list (dim * nat)    (** the sizes that the model fixes; all others are variables *)
}.

Definition line (e d : env) (t : R) : env := fun k ix => e k ix + t * d k ix.
Lemma line_0 e d : line e d 0 = e.
Proof.
  apply functional_extensionality; intros k. apply functional_extensionality; intros ix.
  unfold line. ring.
Qed.
Lemma line_derive e d t k ix : is_derive (fun t => line e d t k ix) t (d k ix).
Proof. unfold line. auto_derive; auto. plain. ring. Qed.

Section Graph.
Variable G : graph.

(** The sizes are those of the model, and no axis is empty. *)
Definition sized (rho : dim -> nat) : Prop :=
  (forall d n, In (d, n) (g_sizes G) -> rho d = n) /\ forall d, (0 < rho d)%nat.

Definition inputs : nat := length (g_inputs G).
Definition slots : nat := inputs + length (g_nodes G).
Definition input_shape (k : nat) : shape := nth k (g_inputs G) [].
Definition shape_of : nat -> shape :=
  match infer (g_nodes G) inputs input_shape with Some sh => sh | None => fun _ => [] end.

Definition well_formed : Prop :=
  infer (g_nodes G) inputs input_shape = Some shape_of /\
  (g_cost G < slots)%nat /\ shape_of (g_cost G) = [] /\
  NoDup (g_cost G :: map fst (g_scores G)) /\
  forall l w, In (l, w) (g_scores G) -> (l < slots)%nat /\ (w < slots)%nat /\ shape_of w = shape_of l.

(** The estimator: the forward program, the number one, and the reverse pass seeded with one at the
    cost and with the weight at each log-density. *)
Definition weight_of (k : nat) : option nat :=
  match find (fun lw => Nat.eqb (fst lw) k) (g_scores G) with
  | Some (_, w) => Some w
  | None => None
  end.
Definition seeds : adjoints := fun k => if Nat.eqb k (g_cost G) then Some slots else weight_of k.
Definition forward : program := g_nodes G ++ [(Const 1 1 [], [])].
Definition reverse : program * nat * adjoints := backward (rev forward) (S slots) seeds (S slots).
Definition estimator : program := forward ++ fst (fst reverse).
Definition estimator_adjoints : adjoints := snd reverse.

Section Values.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).

Definition value (e : env) (tr : trace) (k : nat) : tensor := run rho tr (g_nodes G) inputs e k.
Definition slope (e d : env) (tr : trace) (k : nat) : tensor :=
  tangent rho tr (g_nodes G) inputs e d k.
Definition cost (e : env) (tr : trace) : R := value e tr (g_cost G) [].
Definition cost_slope (e d : env) (tr : trace) : R := slope e d tr (g_cost G) [].

Definition log_density (e : env) (tr : trace) : R :=
  sum (g_scores G) (fun lw => sum (boxs (shape_of (fst lw))) (value e tr (fst lw))).
Definition score (e d : env) (tr : trace) : R :=
  sum (g_scores G) (fun lw => sum (boxs (shape_of (fst lw))) (slope e d tr (fst lw))).
Definition weighed_score (e d : env) (tr : trace) : R :=
  sum (g_scores G) (fun lw => dot (sizes rho (shape_of (fst lw)))
                                  (slope e d tr (fst lw)) (value e tr (snd lw))).

Definition estimate (e : env) (tr : trace) : env :=
  adjoint_value estimator_adjoints (run rho tr estimator inputs e).
(** The estimate of the derivative in direction [d]. *)
Definition estimate_along (e d : env) (tr : trace) : R :=
  pairing rho input_shape inputs d (estimate e tr).

(** [defined_at e tr]: all nodes have their derivatives at this point. *)
Definition defined_at (e : env) (tr : trace) : Prop :=
  defined rho tr (g_nodes G) inputs input_shape e.

Lemma weight_of_in k w : weight_of k = Some w -> In (k, w) (g_scores G).
Proof.
  unfold weight_of. destruct (find _ _) as [[l v]|] eqn:E; [|easy].
  intros H. inversion H; subst. apply find_some in E as [Hin Hk]. simpl in Hk.
  apply Nat.eqb_eq in Hk. now subst.
Qed.
Lemma weight_of_head (l w : nat) (ss : list (nat * nat)) k : NoDup (map fst ((l, w) :: ss)) ->
  find (fun lw => Nat.eqb (fst lw) k) ((l, w) :: ss) =
  if Nat.eqb k l then Some (l, w) else find (fun lw => Nat.eqb (fst lw) k) ss.
Proof. intros _. simpl. now rewrite Nat.eqb_sym. Qed.

(** A sum over slots of what the scores seed is a sum over the scores. *)
Lemma sum_seeded (ss : list (nat * nat)) m (F : nat -> nat -> R) :
  NoDup (map fst ss) -> (forall l w, In (l, w) ss -> (l < m)%nat) ->
  sum (range m) (fun k => match find (fun lw => Nat.eqb (fst lw) k) ss with
                          | Some (_, w) => F k w | None => 0 end)
  = sum ss (fun lw => F (fst lw) (snd lw)).
Proof.
  induction ss as [|[l w] ss IH]; intros Hd Hm.
  - simpl. apply sum_zero.
  - cbn [sum fst snd]. inversion Hd as [|? ? Hl Hd']; subst. rewrite <- IH; auto.
    2:{ intros l' w' Hin. apply (Hm l' w'). now right. }
    rewrite Rplus_comm, <- (sum_update Nat.eqb Nat.eqb_spec (range m) l).
    2: apply seq_NoDup. 2:{ apply in_range, (Hm l w). now left. }
    apply sum_ext. intros k _. rewrite weight_of_head by exact Hd.
    destruct (Nat.eqb_spec k l) as [->|]; auto.
    destruct (find (fun lw => Nat.eqb (fst lw) l) ss) as [[l' w']|] eqn:E; [|ring].
    exfalso. apply Hl. apply find_some in E as [Hin Hk]. apply Nat.eqb_eq in Hk. simpl in Hk.
    subst. now apply (in_map fst) in Hin.
Qed.

(** Trace by trace: the reverse pass computes the slope of the cost plus the weighed scores. *)
Theorem estimate_pointwise e d tr : well_formed ->
  estimate_along e d tr = cost_slope e d tr + weighed_score e d tr.
Proof.
  intros (Hi & Hc & Hcs & Hnd & Hs). inversion Hnd as [|? ? Hcl Hnd']; subst.
  unfold estimate_along, estimate, estimator_adjoints, estimator.
  destruct reverse as [[pb nx'] am] eqn:Hrev. cbn [fst snd].
  assert (Hlen : (inputs + length forward = S slots)%nat).
  { unfold forward, slots. rewrite app_length. simpl. lia. }
  assert (Hi1 : infer forward inputs input_shape = Some (put shape_of slots [])).
  { unfold forward. rewrite (infer_app _ _ _ _ _ Hi). reflexivity. }
  unfold reverse in Hrev. rewrite <- Hlen in Hrev.
  rewrite <- (reverse_mode rho tr forward inputs input_shape _ e d seeds pb nx' am Hi1 Hrev).
  2:{ intros k i Hk. unfold seeds in Hk. rewrite Hlen. destruct (Nat.eqb k (g_cost G)).
      - inversion Hk; lia.
      - apply weight_of_in in Hk. destruct (Hs k i Hk). lia. }
  rewrite Hlen. unfold pairing.
  set (T := tangent rho tr forward inputs e d). set (E := run rho tr forward inputs e).
  assert (HT : forall k, (k < slots)%nat -> T k = slope e d tr k).
  { intros k Hk. unfold T, forward. rewrite tangent_app. now apply tangent_below. }
  assert (HE : forall k, (k < slots)%nat -> E k = value e tr k).
  { intros k Hk. unfold E, forward. rewrite run_app. now apply run_below. }
  assert (H1 : E slots [] = 1).
  { unfold E, forward. rewrite run_app. simpl. fold slots. rewrite put_same. simpl. field. }
  rewrite (sum_ext _ _ (fun k =>
    (if Nat.eqb k (g_cost G) then cost_slope e d tr else 0) +
    match find (fun lw => Nat.eqb (fst lw) k) (g_scores G) with
    | Some (_, w) => dot (sizes rho (shape_of k)) (slope e d tr k) (value e tr w)
    | None => 0
    end)).
  - rewrite sum_plus. f_equal.
    + rewrite (sum_single Nat.eqb Nat.eqb_spec _ (g_cost G) (fun _ => cost_slope e d tr));
        auto using seq_NoDup. apply in_range; lia.
    + rewrite (sum_seeded _ _ (fun k w => dot (sizes rho (shape_of k)) (slope e d tr k) (value e tr w)));
        auto. intros l w Hin. destruct (Hs l w Hin). lia.
  - intros k Hk. apply in_range in Hk. unfold adjoint_value, seeds.
    destruct (Nat.eqb_spec k (g_cost G)) as [->|Hne].
    + destruct (find (fun lw => Nat.eqb (fst lw) (g_cost G)) (g_scores G)) as [[l w]|] eqn:Ef.
      { exfalso. apply Hcl. apply find_some in Ef as [Hin Hk']. apply Nat.eqb_eq in Hk'.
        simpl in Hk'. subst. now apply (in_map fst) in Hin. }
      rewrite put_other by lia. rewrite Hcs, HT, dot_scalar, H1 by auto. unfold cost_slope. ring.
    + unfold weight_of.
      destruct (find (fun lw => Nat.eqb (fst lw) k) (g_scores G)) as [[l w]|] eqn:Ef.
      * pose proof Ef as Ef'. apply find_some in Ef as [Hin Hk']. apply Nat.eqb_eq in Hk'.
        simpl in Hk'. subst l. destruct (Hs k w Hin) as (Hkl & Hwl & _).
        rewrite put_other, HT, HE by lia. ring.
      * rewrite dot_zero_r. ring.
Qed.

(** ** The joint integrand and its derivative *)
Definition joint (e : env) (tr : trace) : R := exp (log_density e tr) * cost e tr.
Definition joint_slope (e d : env) (tr : trace) : R :=
  exp (log_density e tr) * (cost_slope e d tr + cost e tr * score e d tr).

Lemma value_derive e d tr t k ix : well_formed -> defined_at (line e d t) tr ->
  (k < slots)%nat -> In ix (boxs (shape_of k)) ->
  is_derive (fun t => value (line e d t) tr k ix) t (slope (line e d t) d tr k ix).
Proof.
  intros (Hi & _) Hd Hk Hix. unfold value, slope.
  apply (forward_mode rho tr (g_nodes G) inputs input_shape shape_of (line e d) d t Hi Hd); auto.
  intros. apply line_derive.
Qed.

(** All values have their slopes as derivatives, at [t] on the line. *)
Definition derivable (e d : env) (tr : trace) (t : R) : Prop := forall k ix, (k < slots)%nat ->
  In ix (boxs (shape_of k)) ->
  is_derive (fun t => value (line e d t) tr k ix) t (slope (line e d t) d tr k ix).

Lemma log_density_derive e d tr t : well_formed -> derivable e d tr t ->
  is_derive (fun t => log_density (line e d t) tr) t (score (line e d t) d tr).
Proof.
  intros Hwf Hd. unfold log_density, score.
  apply (sum_derive _ (fun t lw => sum (boxs (shape_of (fst lw))) (value (line e d t) tr (fst lw)))
                      (fun lw => sum (boxs (shape_of (fst lw))) (slope (line e d t) d tr (fst lw)))).
  intros [l w] Hin. simpl.
  apply (sum_derive _ (fun t => value (line e d t) tr l)). intros ix Hix.
  apply Hd; auto. destruct Hwf as (_ & _ & _ & _ & Hs). now apply (Hs l w).
Qed.

Lemma joint_derivable e d tr t : well_formed -> derivable e d tr t ->
  is_derive (fun t => joint (line e d t) tr) t (joint_slope (line e d t) d tr).
Proof.
  intros Hwf Hd. unfold joint, joint_slope. evar_last.
  - apply (is_derive_mult (fun t => exp (log_density (line e d t) tr)) (fun t => cost (line e d t) tr)).
    + apply (is_derive_comp exp (fun t => log_density (line e d t) tr)).
      * apply is_derive_Reals, derivable_pt_lim_exp.
      * now apply log_density_derive.
    + pose proof Hwf as (_ & Hc & Hcs & _). unfold cost.
      apply Hd; auto. rewrite Hcs. simpl; auto.
    + intros; apply Rmult_comm.
  - unfold plus, mult, scal; simpl. unfold mult; simpl. unfold cost_slope. plain. ring.
Qed.

Lemma joint_derive e d tr t : well_formed -> defined_at (line e d t) tr ->
  is_derive (fun t => joint (line e d t) tr) t (joint_slope (line e d t) d tr).
Proof. intros Hwf Hd. apply joint_derivable; auto. intros k ix. now apply value_derive. Qed.

(** ** The main theorem *)
Variable law : expectation trace.   (** of the base values *)

(** The expected cost, and the expectation of a function of the trace under the graph's law. *)
Definition expected_cost (e : env) : R := Ex law (joint e).
Definition under (e : env) (F : trace -> R) : R :=
  Ex law (fun tr => exp (log_density e tr) * F tr).
Definition under_int (e : env) (F : trace -> R) : Prop :=
  Int law (fun tr => exp (log_density e tr) * F tr).

(** Every weight differs from the cost by something orthogonal to its score. *)
Definition score_ok (e d : env) : Prop :=
  forall l w, In (l, w) (g_scores G) -> forall ix, In ix (boxs (shape_of l)) ->
  let f tr := (cost e tr - value e tr w ix) * slope e d tr l ix in
  under_int e f /\ under e f = 0.

(** The expected cost may be differentiated under the expectation. *)
Definition regular (e d : env) : Prop :=
  Int law (joint_slope e d) /\
  is_derive (fun t => expected_cost (line e d t)) 0 (Ex law (joint_slope e d)).

(** The expectation of the estimate is the derivative of the expected cost. *)
Theorem estimator_correct e d : well_formed -> regular e d -> score_ok e d ->
  under_int e (estimate_along e d) /\
  is_derive (fun t => expected_cost (line e d t)) 0 (under e (estimate_along e d)).
Proof.
  intros Hwf [HI HD] Hs. set (E := law).
  set (gap := fun (lw : nat * nat) tr => sum (boxs (shape_of (fst lw))) (fun ix =>
    exp (log_density e tr) * ((cost e tr - value e tr (snd lw) ix) * slope e d tr (fst lw) ix))).
  assert (Hgap : forall lw, In lw (g_scores G) -> Int E (gap lw) /\ Ex E (gap lw) = 0).
  { intros [l w] Hin. unfold gap; cbn [fst snd].
    destruct (Int_sum E (boxs (shape_of l)) (fun ix tr =>
      exp (log_density e tr) * ((cost e tr - value e tr w ix) * slope e d tr l ix))) as [H1 H2].
    - intros ix Hix. now apply (Hs l w Hin ix Hix).
    - split; auto. rewrite H2. apply sum_none. intros ix Hix. now apply (Hs l w Hin ix Hix). }
  destruct (Int_sum E (g_scores G) gap (fun lw Hin => proj1 (Hgap lw Hin))) as [HG1 HG2].
  rewrite sum_none in HG2 by (intros lw Hin; now apply Hgap).
  assert (Heq : forall tr, joint_slope e d tr - sum (g_scores G) (fun lw => gap lw tr)
                           = exp (log_density e tr) * estimate_along e d tr).
  { intros tr. rewrite estimate_pointwise by auto. unfold joint_slope, score, weighed_score, gap.
    rewrite !Rmult_plus_distr_l. unfold Rminus. rewrite Rplus_assoc. f_equal.
    rewrite <- !sum_scal.
    replace (- sum (g_scores G) _) with (sum (g_scores G) (fun lw => -1 *
      sum (boxs (shape_of (fst lw))) (fun ix => exp (log_density e tr) *
        ((cost e tr - value e tr (snd lw) ix) * slope e d tr (fst lw) ix))))
      by (rewrite sum_scal; unfold Rminus; ring).
    rewrite <- sum_plus. apply sum_ext. intros [l w] _. cbn [fst snd]. unfold dot.
    rewrite <- !sum_scal, <- sum_plus. apply sum_ext. intros; ring. }
  assert (HI' : under_int e (estimate_along e d)).
  { eapply Int_ext; [exact Heq|]. now apply Int_minus. }
  split; auto. replace (under e (estimate_along e d)) with (Ex E (joint_slope e d)); auto.
  unfold under. fold E. rewrite <- (Ex_ext E _ _ Heq), Ex_minus, HG2 by auto. ring.
Qed.

(** ** Two ways to be regular *)

(** Everywhere differentiable, with an integrable bound on the derivative. *)
Theorem regular_derivable e d (g : trace -> R) (r : posreal) :
  (forall t tr, Rabs t < r ->
     is_derive (fun t => joint (line e d t) tr) t (joint_slope (line e d t) d tr)) ->
  (forall t, Rabs t < r -> Int law (joint (line e d t))) ->
  Int law g ->
  (forall t tr, Rabs t < r -> Rabs (joint_slope (line e d t) d tr) <= g tr) ->
  regular e d.
Proof.
  intros Hd HI Hg Hb.
  destruct (Ex_derive law (fun t => joint (line e d t))
              (fun t => joint_slope (line e d t) d) g 0 r) as [H1 H2]; auto.
  - intros t. rewrite Rminus_0_r. auto.
  - intros t tr. rewrite Rminus_0_r. auto.
  - intros t tr. rewrite Rminus_0_r. auto.
  - rewrite line_0 in H1, H2. now split.
Qed.
Theorem regular_dominated e d (g : trace -> R) (r : posreal) : well_formed ->
  (forall t tr, Rabs t < r -> defined_at (line e d t) tr) ->
  (forall t, Rabs t < r -> Int law (joint (line e d t))) ->
  Int law g ->
  (forall t tr, Rabs t < r -> Rabs (joint_slope (line e d t) d tr) <= g tr) ->
  regular e d.
Proof.
  intros Hwf Hd HI Hg Hb. apply (regular_derivable e d g r); auto.
  intros t tr Ht. apply joint_derive; auto.
Qed.

(** With kinks: differentiable at almost every trace, Lipschitz in the parameters at all of them. *)
Theorem regular_kinked e d (g : trace -> R) (r : posreal) : well_formed ->
  Ae law (defined_at e) ->
  (forall t, Rabs t < r -> Int law (joint (line e d t))) ->
  Int law (joint_slope e d) -> Int law g ->
  (forall t tr, Rabs t < r -> Rabs (joint (line e d t) tr - joint e tr) <= g tr * Rabs t) ->
  regular e d.
Proof.
  intros Hwf Hd HI HI' Hg Hb. split; auto.
  apply (Ex_derive_ae law (fun t => joint (line e d t)) (joint_slope e d) g 0 r); auto.
  - intros t. rewrite Rminus_0_r. auto.
  - intros t tr. rewrite Rminus_0_r, line_0. auto.
  - revert Hd. apply Ae_imp. intros tr Hd.
    pose proof (joint_derive e d tr 0 Hwf) as H. rewrite line_0 in H. auto.
Qed.

(** When every weight is the cost itself there is nothing to ask of the weights. *)
Theorem score_ok_whole_cost e d : well_formed ->
  (forall l w, In (l, w) (g_scores G) -> forall tr ix, In ix (boxs (shape_of l)) ->
    value e tr w ix = cost e tr) -> score_ok e d.
Proof.
  intros Hwf Hw l w Hin ix Hix f.
  assert (Hf : forall tr, 0 = exp (log_density e tr) * f tr).
  { intros tr. unfold f. rewrite (Hw l w Hin tr ix Hix). ring. }
  split; [exact (Int_ext _ _ _ Hf (Int_0 _))|]. unfold under. rewrite <- (Ex_ext _ _ _ Hf). apply Ex_0.
Qed.
End Values.
End Graph.
