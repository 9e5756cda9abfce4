(** * Certificates of models

    A model is a graph with the laws of what it draws.  [certify] is the whole check: that the compiler's
    program is the estimator of the graph, that its weights are right, and that its expected cost may be
    differentiated under the expectation.  [certified] is the theorem that it buys. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith Permutation FMapPositive.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Defined Number Certificate Fast Draws Finite.
From Sgc Require Import Depend Score Measure Line Calculus Normal Laws Growth Tame Mixed Kinked Sweep Quick QuickSweep QuickScore.
Import ListNotations.
Open Scope R_scope.

(** The base law of every number of a sample: standard normal or uniform noise, or, for a draw whose
    density the graph has, the counting measure on its values or Lebesgue's measure. *)
Inductive base := Normal | Uniform | Bits | Values (d : dim) | Line.
Definition draw := (nat * shape * base)%type.
Definition draw_id (x : draw) : nat := fst (fst x).
Definition draw_shape (x : draw) : shape := snd (fst x).
Definition base_law (rho : dim -> nat) (b : base) : expectation R :=
  match b with
  | Normal => normalE
  | Uniform => unitE
  | Bits => bits
  | Values d => evenly (rho d)
  | Line => leb
  end.
Definition is_finite (x : draw) : bool := match snd x with Bits | Values _ => true | _ => false end.

Definition base_at (rho : dim -> nat) (draws : list draw) (c : coord) : expectation R :=
  match find (fun x => Nat.eqb (draw_id x) (fst c)) draws with
  | Some x => base_law rho (snd x)
  | None => normalE
  end.
Definition numbers (rho : dim -> nat) (draws : list draw) : list coord :=
  flat_map (fun x => map (pair (draw_id x)) (box (sizes rho (draw_shape x)))) draws.
Definition in_order (draws : list draw) : list draw :=
  filter (fun x => negb (is_finite x)) draws ++ filter is_finite draws.
(** All numbers are drawn independently of each other, each from its base law. *)
Definition model_law (rho : dim -> nat) (draws : list draw) : expectation trace :=
  drawE (base_at rho draws) (numbers rho (in_order draws)) (fun _ => zero).

(** Every sample that the graph reads is drawn, once. *)
Definition covered (G : graph) (draws : list draw) : bool :=
  distinct (map draw_id draws) &&
  forallb (fun nd => match fst nd with
                     | Sample j s => existsb (fun x => Nat.eqb (draw_id x) j && index_eqb (draw_shape x) s) draws
                     | _ => true end) (g_nodes G).

Definition law_of (l : Score.law) : base := match l with BernoulliLogits => Bits | CategoricalLogits d => Values d end.
Definition draw_of (u : scored) : draw := (sc_draw u, sc_shape u, law_of (sc_law u)).
Definition base_eqb (a b : base) : bool :=
  match a, b with
  | Normal, Normal | Uniform, Uniform | Bits, Bits | Line, Line => true
  | Values d, Values d' => Nat.eqb d d'
  | _, _ => false
  end.
Definition draw_eqb (x y : draw) : bool :=
  Nat.eqb (draw_id x) (draw_id y) && index_eqb (draw_shape x) (draw_shape y) && base_eqb (snd x) (snd y).
Fixpoint draws_eqb (l m : list draw) : bool :=
  match l, m with
  | [], [] => true
  | x :: l, y :: m => draw_eqb x y && draws_eqb l m
  | _, _ => false
  end.

(** [ok] says that the program is the estimator; and here, that the weights are right, ... *)
Definition weights_with (ok : bool) (G : graph) (draws : list draw) (scores : list scored) : bool :=
  ok && covered G draws && scores_ok G scores &&
  match scores with [] => true | _ => draws_eqb (filter is_finite draws) (map draw_of scores) end.
(** ... that nothing else is to be shown but that the [undecided] slots are off their kinks, ... *)
Definition finite_with (ok : bool) (G : graph) (draws : list draw) (scores : list scored) : bool :=
  weights_with ok G draws scores && forallb is_finite draws.
(** ... that these slots are off their kinks for almost every draw, ... *)
Definition no_line (draws : list draw) : bool := forallb (fun x => negb (base_eqb (snd x) Line)) draws.
Definition kinked_with (ok : bool) (G : graph) (moved : list nat) (draws : list draw) (scores : list scored) : bool :=
  weights_with ok G draws scores && no_line draws && tame_kinked G moved.
(** ... or nothing at all.  Finite draws are held at their values while the analysis looks at the noise. *)
Definition is_held (draws : list draw) (j : nat) : bool :=
  existsb (Nat.eqb j) (map draw_id (filter is_finite draws)).
Definition is_noise (x : draw) : bool := match snd x with Normal | Uniform => true | _ => false end.
Definition certify_with (ok : bool) (G : graph) (moved : list nat) (draws : list draw)
  (scores : list scored) : bool :=
  weights_with ok G draws scores &&
  (if forallb is_finite draws then match undecided G moved with [] => true | _ => false end
   else no_line draws &&
     (tame (is_held draws) G moved ||
      tame_kinked G moved && kinks_missed G moved (map fst (filter is_noise draws)) (map fst (in_order draws)))).

Definition certify_weights G est outs := weights_with (check G est outs) G.
Definition certify_finite G est outs := finite_with (check G est outs) G.
Definition certify_kinked G est outs := kinked_with (check G est outs) G (map fst outs).
Definition certify G est outs := certify_with (check G est outs) G (map fst outs).
(** The same for large graphs, whose slots are binary numbers. *)
Definition draw_ids (draws : list draw) : list N := map (fun x => N.of_nat (draw_id x)) draws.
Definition drawn_shapes (draws : list draw) : PositiveMap.t shape :=
  fold_right (fun x m => store m (N.of_nat (draw_id x)) (draw_shape x)) (PositiveMap.empty _) draws.
Definition quick_covered (p : bprogram) (draws : list draw) : bool :=
  let m := drawn_shapes draws in
  all_distinct (draw_ids draws) &&
  forallb (fun nd => match fst nd with
                     | Sample j s => match look m (N.of_nat j) with Some s' => index_eqb s' s | None => false end
                     | _ => true end) p.
Definition fast_certify_weights B est outs draws (scores : list bscored) : bool :=
  fast_check B est outs && quick_covered (b_nodes B) draws &&
  match b_scores B, scores with
  | [], [] => true
  | _, _ => quick_scores_ok B scores
  end &&
  match scores with
  | [] => true
  | _ => draws_eqb (filter is_finite draws) (map draw_of (map plain_scored scores))
  end.
Definition fast_certify_finite B est outs draws scores : bool :=
  fast_certify_weights B est outs draws scores && forallb is_finite draws.
Definition quick_held (draws : list draw) : nat -> bool :=
  let m := set_of (draw_ids (filter is_finite draws)) in fun j => in_set m (N.of_nat j).
Definition fast_certify_kinked B est outs draws scores : bool :=
  fast_certify_weights B est outs draws scores && no_line draws && quick_tame_kinked B (map fst outs).
(** Both operands of [&&] and [||] are computed; the kinks, whose analysis is dear, are looked at where the first one says no. *)
Definition fast_certify B est outs draws scores : bool :=
  fast_certify_weights B est outs draws scores &&
  (if forallb is_finite draws then quick_decided B (map fst outs)
   else if no_line draws then
     if quick_tame (quick_held draws) B (map fst outs) then true
     else if quick_tame_kinked B (map fst outs) then
       quick_kinks_missed B (map fst outs) (map fst (filter is_noise draws)) (map fst (in_order draws))
     else false
   else false).

(** ** Soundness *)
Lemma base_eqb_eq a b : base_eqb a b = true -> a = b.
Proof. destruct a, b; simpl; try easy. intros H. apply Nat.eqb_eq in H. congruence. Qed.
Lemma draws_eqb_eq l : forall m, draws_eqb l m = true -> l = m.
Proof.
  induction l as [|[[j s] b] l IH]; intros [|[[j' s'] b'] m]; simpl; try easy. intros H.
  apply andb_prop in H as [H Hl]. unfold draw_eqb in H. apply andb_prop in H as [H Hb].
  apply andb_prop in H as [Hj Hs]. apply Nat.eqb_eq in Hj. apply base_eqb_eq in Hb.
  unfold draw_id, draw_shape in *; simpl in *. destruct (index_eqb_spec s s'); [|easy].
  f_equal; [congruence|auto].
Qed.
Lemma filter_parts {A} (f : A -> bool) l : Permutation l (filter (fun x => negb (f x)) l ++ filter f l).
Proof.
  induction l as [|a l IH]; simpl; auto. destruct (f a); simpl; [|now apply perm_skip].
  now apply Permutation_cons_app.
Qed.
Lemma in_order_perm draws : Permutation draws (in_order draws).
Proof. apply filter_parts. Qed.
Lemma numbers_in rho draws c : In c (numbers rho draws) <->
  exists x ix, In x draws /\ c = (draw_id x, ix) /\ In ix (box (sizes rho (draw_shape x))).
Proof.
  unfold numbers. rewrite in_flat_map. split.
  - intros (x & Hx & Hc). apply in_map_iff in Hc as (ix & <- & Hix). eauto 10.
  - intros (x & ix & Hx & -> & Hix). exists x. split; auto. now apply in_map.
Qed.
Lemma numbers_NoDup rho draws : NoDup (map draw_id draws) -> NoDup (numbers rho draws).
Proof.
  induction draws as [|x l IH]; simpl; intros Hd; [constructor|]. inversion Hd as [|? ? Hn Hd']; subst.
  apply NoDup_app; auto.
  - apply FinFun.Injective_map_NoDup; [intros a b H; now inversion H|apply box_NoDup].
  - intros a Ha Hb. apply in_map_iff in Ha as (ix & <- & _).
    apply numbers_in in Hb as (y & jx & Hy & E & _). injection E as E _. apply Hn. rewrite E.
    now apply in_map.
Qed.
Lemma distinct_part (f : draw -> bool) draws : NoDup (map draw_id draws) -> NoDup (map draw_id (filter f draws)).
Proof.
  induction draws as [|x l IH]; simpl; intros Hd; auto. inversion Hd as [|? ? Hn Hd']; subst.
  destruct (f x); auto. simpl. constructor; auto. intros H. apply Hn.
  apply in_map_iff in H as (y & <- & Hy). apply filter_In in Hy as [Hy _]. now apply in_map.
Qed.
Lemma base_at_draw rho draws x ix : NoDup (map draw_id draws) -> In x draws ->
  base_at rho draws (draw_id x, ix) = base_law rho (snd x).
Proof.
  intros Hd Hx. unfold base_at. cbn [fst].
  destruct (find (fun y => Nat.eqb (draw_id y) (draw_id x)) draws) as [y|] eqn:E.
  - apply find_some in E as [Hy E]. apply Nat.eqb_eq in E.
    assert (x = y); [|now subst].
    revert Hd Hx Hy. induction draws as [|z l IH]; simpl; [easy|]. intros Hd. inversion Hd as [|? ? Hn Hd']; subst.
    intros [->|Hx] [->|Hy]; auto.
    + exfalso. apply Hn. rewrite <- E. now apply in_map.
    + exfalso. apply Hn. rewrite E. now apply in_map.
  - exfalso. apply (find_none _ _ E x) in Hx. now rewrite Nat.eqb_refl in Hx.
Qed.
Lemma base_at_cases rho draws (Q : expectation R -> Prop) : Q normalE ->
  (forall x, In x draws -> Q (base_law rho (snd x))) -> forall c, Q (base_at rho draws c).
Proof.
  intros H0 H c. unfold base_at.
  destruct (find (fun x => Nat.eqb (draw_id x) (fst c)) draws) as [x|] eqn:E; auto.
  apply find_some in E as [Hx _]. auto.
Qed.
Lemma covered_sound G draws : covered G draws = true -> NoDup (map draw_id draws) /\
  forall rho, covers rho (numbers rho (in_order draws)) (g_nodes G).
Proof.
  unfold covered. intros H. apply andb_prop in H as [Hd Hc]. split; [now apply distinct_NoDup|].
  intros rho j s ps Hin ix Hix. rewrite forallb_forall in Hc. specialize (Hc _ Hin). cbn [fst] in Hc.
  apply existsb_exists in Hc as (x & Hx & E). apply andb_prop in E as [Ej Es]. apply Nat.eqb_eq in Ej.
  destruct (index_eqb_spec (draw_shape x) s); [subst s|easy]. apply numbers_in. exists x, ix.
  split; [|now rewrite Ej]. eapply Permutation_in; [apply in_order_perm|exact Hx].
Qed.

Section Certified.
Variables (G : graph) (est : program) (outs : list (nat * nat)) (draws : list draw) (scores : list scored).
Variable rho : dim -> nat.
Variables e d : env.
Notation mlaw := (model_law rho draws).
Notation claim := (is_derive (fun t => expected_cost G rho mlaw (line e d t)) 0
                             (under G rho mlaw e (emitted_along rho G est outs e d))).

Lemma weights_certified : certify_weights G est outs draws scores = true -> sized G rho ->
  (g_scores G = [] \/ forall tr, derivable G rho e d tr 0) -> score_ok G rho mlaw e d.
Proof.
  unfold certify_weights, weights_with. intros H Hsz Hder. apply andb_prop in H as [H Hf].
  apply andb_prop in H as [H Hs]. apply andb_prop in H as [Hchk Hcov].
  destruct (emitted_is_estimate G est outs Hchk) as [Hwf _].
  destruct (covered_sound G draws Hcov) as [Hnd _].
  destruct Hder as [Hnone|Hder].
  { intros l w Hin. rewrite Hnone in Hin. destruct Hin. }
  destruct scores as [|s0 ss] eqn:Es.
  { unfold scores_ok in Hs. destruct (infer _ _ _); [|easy]. intros l w Hin.
    destruct (g_scores G); [destruct Hin|]. now rewrite andb_false_r in Hs. }
  rewrite <- Es in *. clear Es s0 ss. apply draws_eqb_eq in Hf.
  unfold model_law, in_order. unfold numbers. rewrite flat_map_app.
  fold (numbers rho (filter (fun x => negb (is_finite x)) draws)). rewrite Hf.
  replace (flat_map _ (map draw_of scores)) with (coords_of rho scores).
  - apply scores_ok_sound; auto. intros u jx Hu.
    assert (Hin : In (draw_of u) draws).
    { assert (Hin : In (draw_of u) (filter is_finite draws)) by (rewrite Hf; now apply in_map).
      now apply filter_In in Hin. }
    change (sc_draw u) with (draw_id (draw_of u)). rewrite (base_at_draw rho draws _ jx Hnd Hin).
    unfold draw_of; cbn [snd]. destruct (sc_law u); reflexivity.
  - unfold coords_of. rewrite !flat_map_concat_map, map_map. reflexivity.
Qed.

Lemma finite_smooth : forallb is_finite draws = true -> NoDup (map draw_id draws) -> smooth_law mlaw.
Proof.
  intros Hf Hnd. apply smooth_drawE. intros c Hc. apply numbers_in in Hc as (x & ix & Hx & -> & _).
  assert (Hin : In x draws) by (eapply Permutation_in; [apply Permutation_sym, in_order_perm|exact Hx]).
  rewrite (base_at_draw rho draws x ix Hnd Hin). rewrite forallb_forall in Hf. specialize (Hf x Hin).
  unfold is_finite in Hf. destruct (snd x); try discriminate; apply smooth_finite.
Qed.

(** With the kinks and domains that cannot be decided as a hypothesis. *)
Theorem certified_off_kinks : certify_finite G est outs draws scores = true ->
  sized G rho -> moves_only outs d ->
  (forall tr, defined_on G rho (undecided G (map fst outs)) e tr) -> claim.
Proof.
  unfold certify_finite, finite_with. intros H Hsz Hd Hdef. apply andb_prop in H as [H Hf].
  fold (certify_weights G est outs draws scores) in H.
  pose proof H as H'. unfold certify_weights, weights_with in H'. apply andb_prop in H' as [H' _].
  apply andb_prop in H' as [H' _]. apply andb_prop in H' as [Hchk Hcov].
  destruct (emitted_is_estimate G est outs Hchk) as [Hwf _].
  destruct (covered_sound G draws Hcov) as [Hnd _].
  assert (Hder : forall tr, derivable G rho e d tr 0).
  { intros tr. now apply (decided_derive G rho (map fst outs)). }
  apply certificate_sound; auto.
  - apply regular_smooth; auto. now apply finite_smooth.
  - apply weights_certified; auto.
Qed.

(** With differentiation under the expectation as a hypothesis. *)
Theorem certified_if_regular : certify_weights G est outs draws scores = true ->
  sized G rho -> moves_only outs d -> (forall tr, derivable G rho e d tr 0) ->
  regular G rho mlaw e d -> claim.
Proof.
  intros H Hsz Hd Hder Hr. pose proof H as H'. unfold certify_weights, weights_with in H'.
  apply andb_prop in H' as [H' _]. apply andb_prop in H' as [H' _]. apply andb_prop in H' as [Hchk Hcov].
  apply certificate_sound; auto. apply weights_certified; auto.
Qed.

(** Where the analysis of growth succeeds, it may be. *)
Notation noise := (filter (fun x => negb (is_finite x)) draws).
Notation finite := (filter is_finite draws).
Definition values_at (c : coord) : list (R * R) :=
  match find (fun x => Nat.eqb (draw_id x) (fst c)) draws with
  | Some x => match snd x with
              | Bits => law_values rho BernoulliLogits
              | Values d => law_values rho (CategoricalLogits d)
              | _ => [] end
  | None => []
  end.
Lemma find_draw x : NoDup (map draw_id draws) -> In x draws ->
  find (fun y => Nat.eqb (draw_id y) (draw_id x)) draws = Some x.
Proof.
  clear. induction draws as [|y l IH]; simpl; [easy|]. intros Hnd Hin. inversion Hnd as [|? ? Hn Hd]; subst.
  destruct (Nat.eqb_spec (draw_id y) (draw_id x)) as [E|Hne].
  - destruct Hin as [->|Hin]; auto. exfalso. apply Hn. rewrite E. now apply in_map.
  - destruct Hin as [->|Hin]; [congruence|auto].
Qed.
Lemma held_draw x : NoDup (map draw_id draws) -> In x draws -> is_held draws (draw_id x) = is_finite x.
Proof.
  intros Hnd Hin. unfold is_held. destruct (is_finite x) eqn:Hx.
  - apply in_existsb, in_map. now apply filter_In.
  - destruct (existsb _ _) eqn:E; auto. apply in_existsb, in_map_iff in E as (y & E & Hy).
    apply filter_In in Hy as [Hy Hf]. pose proof (find_draw x Hnd Hin) as F1. pose proof (find_draw y Hnd Hy) as F2.
    rewrite E, F1 in F2. injection F2 as <-. congruence.
Qed.
Lemma finite_values c : NoDup (map draw_id draws) -> In c (numbers rho finite) ->
  finite_at (base_at rho draws) values_at c.
Proof.
  intros Hnd Hc. apply numbers_in in Hc as (x & ix & Hx & -> & _). apply filter_In in Hx as [Hx Hf].
  unfold finite_at. rewrite (base_at_draw rho draws x ix Hnd Hx). unfold values_at. cbn [fst].
  rewrite (find_draw x Hnd Hx). unfold is_finite in Hf. destruct (snd x); try discriminate; eexists; reflexivity.
Qed.
Lemma way_sees gw : NoDup (map draw_id draws) -> covers rho (numbers rho (in_order draws)) (g_nodes G) ->
  In gw (ways values_at (numbers rho finite)) ->
  sees rho (numbers rho noise) (is_held draws) (fst gw) (g_nodes G).
Proof.
  intros Hnd Hcov Hgw j s ps Hin ix Hix. destruct gw as [g w]. destruct (ways_in _ _ _ _ Hgw) as [H1 H2]. cbn [fst].
  specialize (Hcov j s ps Hin ix Hix). unfold in_order, numbers in Hcov. rewrite flat_map_app in Hcov.
  apply in_app_iff in Hcov as [Hc|Hc].
  - pose proof Hc as Hc'. apply numbers_in in Hc' as (x & jx & Hx & E & _). injection E as -> ->.
    apply filter_In in Hx as [Hx Hf]. apply negb_true_iff in Hf. rewrite (held_draw x Hnd Hx), Hf.
    split; auto. intros tr. apply (H1 (draw_id x, jx) tr). intros Hb. apply numbers_in in Hb as (y & jy & Hy & E & _).
    injection E as E _. apply filter_In in Hy as [Hy Hfy]. rewrite <- (held_draw y Hnd Hy), <- E in Hfy.
    rewrite (held_draw x Hnd Hx) in Hfy. congruence.
  - pose proof Hc as Hc'. apply numbers_in in Hc' as (x & jx & Hx & E & _). injection E as -> ->.
    apply filter_In in Hx as [Hx Hf]. rewrite (held_draw x Hnd Hx), Hf. intros tr tr'.
    destruct (H2 (draw_id x, jx) Hc) as (v & w' & _ & E). pose proof (E tr) as E1. pose proof (E tr') as E2.
    unfold get in E1, E2. cbn [fst snd] in E1, E2. congruence.
Qed.
Lemma way_density gw : NoDup (map draw_id draws) -> well_formed G -> scores_ok G scores = true -> sized G rho ->
  match scores with [] => true | _ => draws_eqb finite (map draw_of scores) end = true ->
  In gw (ways values_at (numbers rho finite)) -> forall e' tr, log_density G rho e' (fst gw tr) <= 0.
Proof.
  intros Hnd Hwf Hs Hsz Hf Hgw e' tr. destruct gw as [g w]. destruct (ways_in _ _ _ _ Hgw) as [_ H2]. cbn [fst].
  apply (scores_density_le0 G scores); auto. intros u ix Hu Hix.
  assert (Hin : In (draw_of u) finite).
  { destruct scores as [|s0 ss]; [destruct Hu|]. apply draws_eqb_eq in Hf. rewrite Hf. now apply in_map. }
  destruct (H2 (draw_id (draw_of u), ix)) as (v & w' & Hv & E).
  { apply numbers_in. now exists (draw_of u), ix. }
  specialize (E tr). unfold get in E. cbn [fst snd] in E. change (sc_draw u) with (draw_id (draw_of u)). rewrite E.
  exists w'. apply filter_In in Hin as [Hin _]. unfold values_at in Hv. cbn [fst] in Hv.
  rewrite (find_draw _ Hnd Hin) in Hv. unfold draw_of in Hv; cbn [snd] in Hv. destruct (sc_law u); exact Hv.
Qed.
Lemma base_tame : no_line draws = true -> forall c, tame_base (base_at rho draws c).
Proof.
  intros Hline. apply base_at_cases; [apply tame_normal|]. intros x Hx. unfold no_line in Hline.
  rewrite forallb_forall in Hline. specialize (Hline x Hx). destruct (snd x); simpl.
  - apply tame_normal.
  - apply tame_unit.
  - apply tame_finite.
  - apply tame_finite.
  - discriminate.
Qed.
Lemma mixed_regular : certify_weights G est outs draws scores = true -> sized G rho -> moves_only outs d ->
  tame (is_held draws) G (map fst outs) = true ->
  no_line draws = true -> (forall tr, derivable G rho e d tr 0) /\ regular G rho mlaw e d.
Proof.
  intros H Hsz Hd Ht Hline. unfold certify_weights, weights_with in H. apply andb_prop in H as [H Hf].
  apply andb_prop in H as [H Hs]. apply andb_prop in H as [Hchk Hcov].
  destruct (emitted_is_estimate G est outs Hchk) as [Hwf _].
  destruct (covered_sound G draws Hcov) as [Hnd Hcv]. split.
  - apply (tame_derivable G (map fst outs) (is_held draws) rho (numbers rho (in_order draws)) e d Hsz Hwf Ht Hd).
    intros j s ps Hin _. now apply (Hcv rho j s ps).
  - unfold model_law, in_order, numbers. rewrite flat_map_app.
    fold (numbers rho noise). fold (numbers rho finite).
    apply (regular_ways _ values_at); [intros c; now apply finite_values|]. intros gw Hgw.
    apply (tame_regular_at G (map fst outs) (is_held draws) rho _ e d Hsz Hwf Ht Hd); auto.
    + now apply base_tame.
    + apply numbers_NoDup, distinct_part, Hnd.
    + now apply way_sees.
    + intros t tr. now apply way_density.
Qed.

(** With kinks in what depends on the noise: almost every draw is off them. *)
Theorem certified_almost_off_kinks : certify_kinked G est outs draws scores = true -> sized G rho -> moves_only outs d ->
  Ae mlaw (fun tr => defined_on G rho (undecided G (map fst outs)) e tr) -> claim.
Proof.
  unfold certify_kinked, kinked_with. intros H Hsz Hd Hae. apply andb_prop in H as [H Ht].
  apply andb_prop in H as [H Hline]. unfold weights_with in H.
  apply andb_prop in H as [H _]. apply andb_prop in H as [H _]. apply andb_prop in H as [Hchk Hcov].
  destruct (emitted_is_estimate G est outs Hchk) as [Hwf _].
  destruct (covered_sound G draws Hcov) as [Hnd Hcv].
  apply certificate_sound; auto.
  - apply (kinked_regular G (map fst outs) rho (numbers rho (in_order draws)) e d Hsz Hwf Ht Hd (Hcv rho)); auto.
    + now apply base_tame.
    + apply numbers_NoDup. eapply Permutation_NoDup; [|exact Hnd]. apply Permutation_map, in_order_perm.
  - unfold tame_kinked in Ht. destruct (g_scores G) as [|x l] eqn:Hs; [|discriminate].
    intros l w Hin. rewrite Hs in Hin. destruct Hin.
Qed.
(** That is decided where it depends on one number of the noise that nothing else can hide. *)
Lemma almost_off_kinks : certify_weights G est outs draws scores = true -> sized G rho -> moves_only outs d ->
  tame_kinked G (map fst outs) = true ->
  kinks_missed G (map fst outs) (map fst (filter is_noise draws)) (map fst (in_order draws)) = true ->
  Ae mlaw (fun tr => defined_on G rho (undecided G (map fst outs)) e tr).
Proof.
  intros H Hsz Hd Ht Hk. unfold certify_weights, weights_with in H.
  apply andb_prop in H as [H _]. apply andb_prop in H as [H _]. apply andb_prop in H as [Hchk Hcov].
  destruct (emitted_is_estimate G est outs Hchk) as [Hwf _].
  destruct (covered_sound G draws Hcov) as [Hnd Hcv].
  assert (Hnd' : NoDup (map draw_id (in_order draws))).
  { eapply Permutation_NoDup; [|exact Hnd]. apply Permutation_map, in_order_perm. }
  unfold kinks_missed in Hk. destruct (scan_kinked _ _) as [fs|] eqn:Hs; [|discriminate].
  assert (Hpos : forall k, positive (nth k fs unknown) = true -> (k < slots G)%nat /\
    forall tr ix, In ix (box (sizes rho (shape_of G k))) -> 0 < value G rho e tr k ix).
  { destruct (graph_kinked G (map fst outs) rho (numbers rho (in_order draws)) e d Hsz Hwf Ht Hd (Hcv rho)
                _ _ 1 (or_introl eq_refl) (tangent_rule rho) (fun _ _ _ => I)) as (fs' & Es & L & [F _]).
    rewrite Hs in Es. injection Es as <-. intros k Hp.
    destruct (Nat.lt_ge_cases k (length fs)) as [Hlt|Hge]; [|rewrite nth_overflow in Hp by auto; discriminate].
    split; [now rewrite <- L|]. intros tr ix Hix. destruct (Tame.is_positive _ _ _ _ _ _ (F k Hlt) Hp) as [P _].
    apply locally_singleton in P. specialize (P tr ix Hix). now rewrite line_0 in P. }
  apply (kinks_swept G rho e Hwf _ Hpos (numbers rho (in_order draws)) (Hcv rho)
           (map fst (filter is_noise draws)) (map fst (in_order draws))); auto.
  - unfold numbers. rewrite !flat_map_concat_map, map_map. reflexivity.
  - rewrite map_map. exact Hnd'.
  - intros y ix Hy. apply in_map_iff in Hy as (x & <- & Hx). apply filter_In in Hx as [Hx Hn]. split.
    + apply in_map. eapply Permutation_in; [apply in_order_perm|exact Hx].
    + change (fst (fst x)) with (draw_id x). rewrite (base_at_draw rho draws x ix Hnd Hx). unfold is_noise in Hn.
      destruct (snd x); try discriminate; [apply atomless_normal|apply atomless_unit].
Qed.

(** Nothing left to assume: for all sizes, at any point and in any direction, the mean of what the
    program computes is the derivative of the mean cost. *)
Theorem certified : certify G est outs draws scores = true -> sized G rho -> moves_only outs d -> claim.
Proof.
  unfold certify, certify_with. intros H Hsz Hd. apply andb_prop in H as [H Hr].
  fold (certify_weights G est outs draws scores) in H.
  destruct (forallb is_finite draws) eqn:Hf.
  - apply certified_off_kinks; auto.
    + unfold certify_finite, finite_with. fold (certify_weights G est outs draws scores).
      now rewrite H, Hf.
    + destruct (undecided G (map fst outs)) eqn:Hu; [|easy]. intros tr i o ps _ [].
  - apply andb_prop in Hr as [Hline Hr]. apply orb_prop in Hr as [Ht|Hk].
    + destruct mixed_regular as [Hder Hr]; auto. now apply certified_if_regular.
    + apply andb_prop in Hk as [Ht Hk]. apply certified_almost_off_kinks; auto.
      * unfold certify_kinked, kinked_with. fold (certify_weights G est outs draws scores). now rewrite H, Hline, Ht.
      * apply almost_off_kinks; auto.
Qed.
End Certified.

(** What the fast check accepts, the check accepts. *)
Lemma draw_ids_nat draws : map N.to_nat (draw_ids draws) = map draw_id draws.
Proof. unfold draw_ids. rewrite map_map. apply map_ext. intros x. apply Nat2N.id. Qed.
Lemma drawn_shapes_in draws j s : look (drawn_shapes draws) (N.of_nat j) = Some s ->
  existsb (fun x => Nat.eqb (draw_id x) j && index_eqb (draw_shape x) s) draws = true.
Proof.
  unfold drawn_shapes. induction draws as [|x draws IH]; cbn [fold_right existsb]; [now rewrite look_empty|].
  destruct (N.eq_dec (N.of_nat j) (N.of_nat (draw_id x))) as [E|E].
  - rewrite E, look_same. intros H. injection H as <-. apply Nat2N.inj in E. subst j.
    now rewrite Nat.eqb_refl, index_eqb_refl.
  - rewrite look_other by auto. intros H. now rewrite IH, orb_true_r.
Qed.
Lemma quick_covered_sound G p draws : g_nodes G = plain_program p -> quick_covered p draws = true ->
  covered G draws = true.
Proof.
  unfold quick_covered, covered. intros -> H. apply andb_prop in H as [Hd Hp].
  apply all_distinct_sound in Hd. rewrite draw_ids_nat in Hd. rewrite Hd. cbn [andb].
  rewrite forallb_forall in *. intros nd Hnd. apply in_map_iff in Hnd as (nd' & <- & Hnd). specialize (Hp nd' Hnd).
  cbn [plain_node fst]. destruct (fst nd'); auto.
  destruct (look _ _) as [s'|] eqn:E; [|easy]. apply drawn_shapes_in.
  destruct (index_eqb_spec s' s); [now subst|easy].
Qed.
Lemma quick_held_eq draws j : quick_held draws j = is_held draws j.
Proof. unfold quick_held, is_held. now rewrite in_set_eq, draw_ids_nat, Nat2N.id. Qed.
Lemma no_scores_ok B est outs : fast_check B est outs = true -> b_scores B = [] -> scores_ok (plain B) [] = true.
Proof.
  intros Hc Hs. destruct (emitted_is_estimate _ _ _ (fast_check_sound B est outs Hc)) as [(Hi & _) _].
  unfold scores_ok. rewrite Hi. cbn [plain g_scores]. rewrite Hs. reflexivity.
Qed.
Lemma fast_weights_sound B est outs draws scores : fast_certify_weights B est outs draws scores = true ->
  certify_weights (plain B) (plain_program est) (plain_pairs outs) draws (map plain_scored scores) = true.
Proof.
  unfold fast_certify_weights, certify_weights, weights_with. intros H.
  apply andb_prop in H as [H Hd]. apply andb_prop in H as [H Hs]. apply andb_prop in H as [Hc Hcov].
  rewrite (fast_check_sound _ _ _ Hc), (quick_covered_sound (plain B) _ _ eq_refl Hcov). cbn [andb].
  destruct scores as [|s ss].
  - cbn [map]. rewrite andb_true_r.
    destruct (b_scores B) eqn:E; [now apply (no_scores_ok B est outs)|exact (quick_scores_ok_sound B [] Hs)].
  - cbn [map] in *. rewrite Hd, andb_true_r. apply (quick_scores_ok_sound B (s :: ss)). now destruct (b_scores B).
Qed.
Theorem fast_certified B est outs draws scores :
  (fast_certify_weights B est outs draws scores = true ->
   certify_weights (plain B) (plain_program est) (plain_pairs outs) draws (map plain_scored scores) = true) /\
  (fast_certify_finite B est outs draws scores = true ->
   certify_finite (plain B) (plain_program est) (plain_pairs outs) draws (map plain_scored scores) = true) /\
  (fast_certify_kinked B est outs draws scores = true ->
   certify_kinked (plain B) (plain_program est) (plain_pairs outs) draws (map plain_scored scores) = true) /\
  (fast_certify B est outs draws scores = true ->
   certify (plain B) (plain_program est) (plain_pairs outs) draws (map plain_scored scores) = true).
Proof.
  split; [apply fast_weights_sound|split; [|split]].
  - unfold fast_certify_finite, certify_finite, finite_with. intros H. apply andb_prop in H as [H ->].
    apply fast_weights_sound in H. unfold certify_weights in H. now rewrite H.
  - unfold fast_certify_kinked, certify_kinked, kinked_with. intros H. apply andb_prop in H as [H Ht].
    apply andb_prop in H as [H ->]. apply fast_weights_sound in H. unfold certify_weights in H. rewrite H, plain_firsts.
    now rewrite (quick_tame_kinked_sound _ _ Ht).
  - unfold fast_certify, certify, certify_with. intros H. apply andb_prop in H as [H Hr].
    apply fast_weights_sound in H. unfold certify_weights in H. rewrite H, plain_firsts. cbn [andb].
    destruct (forallb is_finite draws).
    + now rewrite (quick_decided_sound _ _ Hr).
    + destruct (no_line draws); [|discriminate]. cbn [andb]. destruct (quick_tame _ _ _) eqn:Ht.
      * apply quick_tame_sound in Ht. rewrite (tame_ext _ (is_held draws)) in Ht; [now rewrite Ht|]. apply quick_held_eq.
      * destruct (quick_tame_kinked _ _) eqn:Hk; [|discriminate].
        rewrite (quick_tame_kinked_sound _ _ Hk), (quick_kinks_missed_sound _ _ _ _ Hr). apply orb_true_r.
Qed.
