(** * Drawing one number after another

    The trace of a graph is drawn number by number.  This file has the joint law of such a trace,
    the theorem that a joint density is the same as drawing every value from its law given the
    earlier ones ([ancestral]), and the theorem behind every score-function rule
    ([score_orthogonal]): a score is orthogonal to whatever depends neither on its own draw nor on
    later ones.  That one fact gives pruning of costs that are not downstream, constant and lagged
    baselines, and leave-one-out baselines. *)
From Coq Require Import Reals Lra Lia List Bool Arith Permutation FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph.
Import ListNotations.
Open Scope R_scope.

(** A number of the trace: element [ix] of value [j]. *)
Definition coord := (nat * index)%type.
Definition coord_eqb (a b : coord) : bool := Nat.eqb (fst a) (fst b) && index_eqb (snd a) (snd b).
Lemma coord_eqb_spec a b : reflect (a = b) (coord_eqb a b).
Proof.
  destruct a as [j ix], b as [k jx]. unfold coord_eqb; simpl.
  destruct (Nat.eqb_spec j k), (index_eqb_spec ix jx); simpl; constructor; congruence.
Qed.

Definition set (tr : trace) (c : coord) (v : R) : trace :=
  fun j ix => if coord_eqb (j, ix) c then v else tr j ix.
Definition get (tr : trace) (c : coord) : R := tr (fst c) (snd c).

Lemma get_set_same tr c v : get (set tr c v) c = v.
Proof. unfold get, set. destruct c as [j ix]; simpl. now destruct (coord_eqb_spec (j, ix) (j, ix)). Qed.
Lemma get_set_other tr c c' v : c <> c' -> get (set tr c v) c' = get tr c'.
Proof.
  intros H. unfold get, set. destruct c' as [j ix]; simpl.
  destruct (coord_eqb_spec (j, ix) c); congruence.
Qed.
Lemma set_swap tr a b u v : a <> b -> set (set tr a u) b v = set (set tr b v) a u.
Proof.
  intros H. apply functional_extensionality; intros j. apply functional_extensionality; intros ix.
  unfold set. destruct (coord_eqb_spec (j, ix) b), (coord_eqb_spec (j, ix) a); congruence.
Qed.

Definition ignores {A} (g : trace -> A) (c : coord) : Prop := forall tr v, g (set tr c v) = g tr.
Definition ignores_all {A} (g : trace -> A) (cs : list coord) : Prop :=
  forall c, In c cs -> ignores g c.

Lemma ignores_const {A} (a : A) c : ignores (fun _ => a) c.
Proof. easy. Qed.
Lemma ignores_get c c' : c <> c' -> ignores (fun tr => get tr c) c'.
Proof. intros H tr v. apply get_set_other. congruence. Qed.
Lemma ignores_2 {A B C} (h : A -> B -> C) (f : trace -> A) (g : trace -> B) c :
  ignores f c -> ignores g c -> ignores (fun tr => h (f tr) (g tr)) c.
Proof. intros Hf Hg tr v. now rewrite Hf, Hg. Qed.

Section Draw.
Variable K : coord -> expectation R.    (** the base law of every number *)

Fixpoint drawE (cs : list coord) (tr : trace) : expectation trace :=
  match cs with
  | [] => diracE tr
  | c :: cs => mapE snd (bindE (K c) (fun v => drawE cs (set tr c v)))
  end.

(** The traces that drawing [cs] can reach from [tr]. *)
Fixpoint reaches (cs : list coord) (tr tr' : trace) : Prop :=
  match cs with [] => tr' = tr | c :: cs => exists v, reaches cs (set tr c v) tr' end.

Lemma reaches_ignores {A} (g : trace -> A) cs : forall tr tr',
  ignores_all g cs -> reaches cs tr tr' -> g tr' = g tr.
Proof.
  induction cs as [|c cs IH]; simpl; intros tr tr' Hg H; [now subst|].
  destruct H as [v H]. rewrite (IH _ _ (fun b Hb => Hg b (or_intror Hb)) H).
  now apply Hg; left.
Qed.

Lemma drawE_ext cs : forall tr F G, (forall tr', reaches cs tr tr' -> F tr' = G tr') ->
  Ex (drawE cs tr) F = Ex (drawE cs tr) G /\ (Int (drawE cs tr) F -> Int (drawE cs tr) G).
Proof.
  induction cs as [|c cs IH]; simpl; intros tr F G H.
  - split; auto.
  - assert (Hc : forall v, Ex (drawE cs (set tr c v)) F = Ex (drawE cs (set tr c v)) G /\
      (Int (drawE cs (set tr c v)) F -> Int (drawE cs (set tr c v)) G)).
    { intros v. apply IH. intros tr' Hr. apply H. now exists v. }
    split.
    + apply Ex_ext. intros v. apply Hc.
    + intros [H1 H2]. split; [intros v; now apply Hc|].
      eapply Int_ext; [|exact H2]. intros v. apply Hc.
Qed.

Lemma drawE_app cs ds : forall tr F,
  Ex (drawE (cs ++ ds) tr) F = Ex (drawE cs tr) (fun tr' => Ex (drawE ds tr') F).
Proof.
  induction cs as [|c cs IH]; simpl; intros tr F; auto. apply Ex_ext. intros v. apply IH.
Qed.
Lemma drawE_app_int cs ds : forall tr F,
  (forall tr', Int (drawE ds tr') F) -> Int (drawE cs tr) (fun tr' => Ex (drawE ds tr') F) ->
  Int (drawE (cs ++ ds) tr) F.
Proof.
  induction cs as [|c cs IH]; simpl; intros tr F H1 H2; auto. destruct H2 as [H2 H3]. split.
  - intros v. now apply IH.
  - eapply Int_ext; [|exact H3]. intros v. symmetry. apply drawE_app.
Qed.

(** ** The joint density and drawing node by node *)
Variable lp : coord -> trace -> R.      (** the log-density of every number, given the others *)

Definition total (cs : list coord) (tr : trace) : R := sum cs (fun c => lp c tr).

(** The law of a number does not depend on later ones. *)
Fixpoint causal (cs : list coord) : Prop :=
  match cs with [] => True | c :: cs => ignores_all (lp c) cs /\ causal cs end.

(** Drawing node by node: each number from its law, with density [exp (lp c)], given the trace. *)
Fixpoint node_by_node (cs : list coord) (tr : trace) (F : trace -> R) : R :=
  match cs with
  | [] => F tr
  | c :: cs => Ex (K c) (fun v => exp (lp c (set tr c v)) * node_by_node cs (set tr c v) F)
  end.
Fixpoint node_by_node_int (cs : list coord) (tr : trace) (F : trace -> R) : Prop :=
  match cs with
  | [] => True
  | _ :: cs => forall tr', Int (drawE cs tr') (fun tr'' => exp (total cs tr'') * F tr'')
                           /\ node_by_node_int cs tr' F
  end.

Theorem ancestral cs : forall tr F, causal cs -> node_by_node_int cs tr F ->
  node_by_node cs tr F = Ex (drawE cs tr) (fun tr' => exp (total cs tr') * F tr').
Proof.
  induction cs as [|c cs IH]; intros tr F Hc Hi.
  - simpl. unfold total; simpl. rewrite exp_0. ring.
  - cbn [node_by_node drawE Ex mapE bindE]. destruct Hc as [Hc1 Hc2]. apply Ex_ext. intros v.
    destruct (Hi (set tr c v)) as [Hi1 Hi2]. rewrite (IH _ F Hc2 Hi2).
    rewrite <- Ex_scal by exact Hi1. apply drawE_ext. intros tr' Hr. cbn [snd].
    rewrite <- (reaches_ignores (lp c) cs _ _ Hc1 Hr).
    unfold total; cbn [sum]. rewrite exp_plus. ring.
Qed.

(** ** Normalised laws *)
Definition normalised (c : coord) : Prop := forall tr,
  Int (K c) (fun v => exp (lp c (set tr c v))) /\ Ex (K c) (fun v => exp (lp c (set tr c v))) = 1.

(** Later draws integrate to one. *)
Lemma mass_one cs : forall g tr, causal cs -> (forall c, In c cs -> normalised c) ->
  ignores_all g cs ->
  Int (drawE cs tr) (fun tr' => g tr' * exp (total cs tr')) /\
  Ex (drawE cs tr) (fun tr' => g tr' * exp (total cs tr')) = g tr.
Proof.
  induction cs as [|c cs IH]; intros g tr Hc Hn Hg.
  - simpl. unfold total; simpl. rewrite exp_0. split; auto. ring.
  - destruct Hc as [Hc1 Hc2].
    set (g' := fun tr => g tr * exp (lp c tr)).
    assert (Hg' : ignores_all g' cs).
    { intros b Hb. apply (ignores_2 (fun x y => x * exp y) g (lp c)).
      - apply Hg. now right.
      - now apply Hc1. }
    assert (Hstep : forall v,
      Int (drawE cs (set tr c v)) (fun tr' => g tr' * exp (total (c :: cs) tr')) /\
      Ex (drawE cs (set tr c v)) (fun tr' => g tr' * exp (total (c :: cs) tr'))
      = g tr * exp (lp c (set tr c v))).
    { intros v. destruct (IH g' (set tr c v) Hc2 (fun b Hb => Hn b (or_intror Hb)) Hg') as [I1 I2].
      assert (E : forall tr', g' tr' * exp (total cs tr') = g tr' * exp (total (c :: cs) tr')).
      { intros tr'. unfold g', total; cbn [sum]. rewrite exp_plus. ring. }
      split; [exact (Int_ext _ _ _ E I1)|]. rewrite <- (Ex_ext _ _ _ E), I2. unfold g'.
      f_equal. apply Hg. now left. }
    destruct (Hn c (or_introl eq_refl) tr) as [N1 N2].
    cbn [drawE Ex Int mapE bindE]. split.
    + split; [intros v; apply Hstep|].
      apply (Int_ext _ (fun v => g tr * exp (lp c (set tr c v)))); [intros; symmetry; apply Hstep|].
      now apply Int_scal.
    + rewrite (Ex_ext _ _ (fun v => g tr * exp (lp c (set tr c v)))) by (intros; apply Hstep).
      rewrite Ex_scal, N2 by auto. ring.
Qed.

(** ** The score rule *)

(** [s] is a score of the draw [c]: its expectation under the draw's own law is zero. *)
Definition centred (c : coord) (s : trace -> R) : Prop := forall tr,
  Int (K c) (fun v => exp (lp c (set tr c v)) * s (set tr c v)) /\
  Ex (K c) (fun v => exp (lp c (set tr c v)) * s (set tr c v)) = 0.

Theorem score_orthogonal before c after tr0 (f s : trace -> R) :
  (forall b, In b before -> ignores_all (lp b) (c :: after)) ->
  ignores_all (lp c) after -> ignores_all s after -> ignores_all f (c :: after) ->
  causal after -> (forall b, In b after -> normalised b) -> centred c s ->
  let F tr := exp (total (before ++ c :: after) tr) * (f tr * s tr) in
  Int (drawE (before ++ c :: after) tr0) F /\ Ex (drawE (before ++ c :: after) tr0) F = 0.
Proof.
  intros Hb Hc Hs Hf Hca Hn Hz F.
  set (g := fun tr => exp (total before tr) * f tr * (exp (lp c tr) * s tr)).
  assert (Htb : ignores_all (total before) (c :: after)).
  { intros a Ha tr v. unfold total. apply sum_ext. intros b Hbin. now apply Hb. }
  assert (Hg : ignores_all g after).
  { intros a Ha tr v. unfold g.
    rewrite (Htb a (or_intror Ha)), (Hf a (or_intror Ha)), (Hc a Ha), (Hs a Ha). reflexivity. }
  assert (E : forall tr, g tr * exp (total after tr) = F tr).
  { intros tr. unfold g, F, total. rewrite sum_app. cbn [sum]. rewrite !exp_plus. ring. }
  assert (Hin : forall tr, Int (drawE after tr) F /\ Ex (drawE after tr) F = g tr).
  { intros tr. destruct (mass_one after g tr Hca Hn Hg) as [M1 M2].
    split; [exact (Int_ext _ _ _ E M1)|]. now rewrite <- (Ex_ext _ _ _ E). }
  assert (Hat : forall tr v, g (set tr c v)
    = exp (total before tr) * f tr * (exp (lp c (set tr c v)) * s (set tr c v))).
  { intros tr v. unfold g. now rewrite (Htb c (or_introl eq_refl)), (Hf c (or_introl eq_refl)). }
  assert (Hca' : forall tr, Int (drawE (c :: after) tr) F /\ Ex (drawE (c :: after) tr) F = 0).
  { intros tr. destruct (Hz tr) as [Z1 Z2]. cbn [drawE Ex Int mapE bindE snd].
    assert (E1 : forall v, exp (total before tr) * f tr * (exp (lp c (set tr c v)) * s (set tr c v))
      = Ex (drawE after (set tr c v)) F).
    { intros v. rewrite <- Hat. symmetry. apply Hin. }
    split.
    - split; [intros v; apply Hin|]. apply (Int_ext _ _ _ E1).
      now apply Int_scal.
    - transitivity (Ex (K c) (fun v => Ex (drawE after (set tr c v)) F)); [reflexivity|].
      rewrite <- (Ex_ext _ _ _ E1), Ex_scal, Z2 by auto. ring. }
  split.
  - apply drawE_app_int; [apply Hca'|].
    apply (Int_ext _ (fun _ => 0)); [intros tr; symmetry; apply Hca'|apply Int_0].
  - rewrite drawE_app. apply Ex_none. apply Hca'.
Qed.

(** ** The order of independent draws does not matter, where sums may be interchanged *)
Definition interchange (E E' : expectation R) : Prop := forall f,
  Ex E (fun u => Ex E' (fun v => f u v)) = Ex E' (fun v => Ex E (fun u => f u v)).

Theorem drawE_permutation cs ds : Permutation cs ds -> NoDup cs ->
  (forall a b, In a cs -> In b cs -> interchange (K a) (K b)) ->
  forall tr F, Ex (drawE cs tr) F = Ex (drawE ds tr) F.
Proof.
  induction 1 as [|c cs ds Hp IH|a b cs|cs ds es Hp1 IH1 Hp2 IH2]; intros Hd Hx tr F; auto.
  - inversion Hd; subst. simpl. apply Ex_ext. intros v. apply IH; auto. intros a b Ha Hb.
    apply Hx; simpl; auto.
  - simpl. inversion Hd as [|? ? Hn Hd']; subst.
    assert (Hab : b <> a) by (intros ->; apply Hn; simpl; auto).
    transitivity (Ex (K b) (fun v => Ex (K a) (fun u =>
      Ex (drawE cs (set (set tr a u) b v)) F))).
    + apply Ex_ext. intros v. apply Ex_ext. intros u. now rewrite set_swap.
    + apply (Hx b a); simpl; auto.
  - rewrite IH1, IH2; auto.
    + eapply Permutation_NoDup; eauto.
    + intros a b Ha Hb. apply Hx; eapply Permutation_in; try (apply Permutation_sym; exact Hp1); auto.
Qed.

Lemma drawE_total_int cs : (forall c f, In c cs -> Int (K c) f) -> forall tr F, Int (drawE cs tr) F.
Proof.
  induction cs as [|c cs IH]; simpl; intros H tr F; auto.
Qed.
End Draw.

Lemma finite_interchange {v v' : list (R * R)} H H' : interchange (finiteE v H) (finiteE v' H').
Proof.
  intros f. cbn. transitivity (sum v (fun a => sum v' (fun b => snd a * (snd b * f (fst a) (fst b))))).
  - apply sum_ext. intros a _. now rewrite sum_scal.
  - rewrite sum_swap. apply sum_ext. intros b _. rewrite <- sum_scal. apply sum_ext. intros; ring.
Qed.

(** ** Baselines of a graph

    A weight is right when the cost minus the weight depends neither on the draw whose score it
    multiplies nor on later ones: costs that are not downstream may be dropped, and baselines that
    read other draws only, or none, may be subtracted. *)
Section Weights.
Variable G : graph.
Variable rho : dim -> nat.
Variable K : coord -> expectation R.
Variable lp : coord -> trace -> R.
Variables e d : env.
Variable law : expectation trace.
Notation boxs s := (box (sizes rho s)).

(** An order of drawing in which everything that the difference reads comes before [c]. *)
Record ordered (tr0 : trace) (l w : nat) (ix : index) (before : list coord) (c : coord)
  (after : list coord) : Prop := {
  ord_density : forall tr, log_density G rho e tr = total lp (before ++ c :: after) tr;
  ord_before : forall b, In b before -> ignores_all (lp b) (c :: after);
  ord_own : ignores_all (lp c) after;
  ord_score : ignores_all (fun tr => slope G rho e d tr l ix) after;
  ord_rest : ignores_all (fun tr => cost G rho e tr - value G rho e tr w ix) (c :: after);
  ord_causal : causal lp after;
  ord_normalised : forall b, In b after -> normalised K lp b;
  ord_centred : centred K lp c (fun tr => slope G rho e d tr l ix);
  ord_law : forall F, (Int (drawE K (before ++ c :: after) tr0) F -> Int law F) /\
                      Ex law F = Ex (drawE K (before ++ c :: after) tr0) F
}.

Theorem score_ok_ordered tr0 :
  (forall l w, In (l, w) (g_scores G) -> forall ix, In ix (boxs (shape_of G l)) ->
     exists before c after, ordered tr0 l w ix before c after) ->
  score_ok G rho law e d.
Proof.
  intros H l w Hin ix Hix f. destruct (H l w Hin ix Hix) as (before & c & after & O).
  destruct (score_orthogonal K lp before c after tr0
              (fun tr => cost G rho e tr - value G rho e tr w ix)
              (fun tr => slope G rho e d tr l ix)) as [S1 S2];
    try apply O.
  assert (E : forall tr, exp (total lp (before ++ c :: after) tr) *
      ((cost G rho e tr - value G rho e tr w ix) * slope G rho e d tr l ix)
      = exp (log_density G rho e tr) * f tr).
  { intros tr. unfold f. now rewrite (ord_density _ _ _ _ _ _ _ O). }
  destruct (ord_law _ _ _ _ _ _ _ O
              (fun tr => exp (log_density G rho e tr) * f tr)) as [L1 L2].
  split.
  - apply L1. eapply Int_ext; [exact E|exact S1].
  - unfold under. rewrite L2, <- (Ex_ext _ _ _ E). exact S2.
Qed.
End Weights.
