(** * Several samples of normal draws

    An estimator may draw several samples of a normal draw and average over them (`samples = 4`).  The model is
    brought into noise first, one sample of each draw ([in_noise]); that this has its expected cost is what
    [Source.v] decides.  Then its program is made one for all samples at once, as in [Copies.v].  Every sample has
    the noise's law, so the mean over them has the mean of one ([sample_mean]); and what is left to decide is
    that this and the graph that is differentiated have one mean ([same_noise]). *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith PArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Certificate Fast Draws Score.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame Quick Model Written Rewriting Unfold Moment Source.
From Sgc Require Import QuickSource Copies Scored.
Import ListNotations.
Open Scope R_scope.

(** ** The check *)

(** The model with location plus scale times noise in the place of its draws. *)
Definition in_noise (W : written) (B : bgraph) : option bgraph :=
  match rewrite (law_slots W) (w_nodes W) (b_count B) (start (b_inputs B)) with
  | Some (p, st) => Some {| b_inputs := b_inputs B; b_nodes := p; b_cost := Fast.get 0%N (r_slots st) (w_cost W);
                            b_scores := []; b_sizes := b_sizes B |}
  | None => None
  end.
Definition bare (G : bgraph) : written :=
  {| w_inputs := b_inputs G; w_nodes := b_nodes G; w_cost := b_cost G; w_draws := [] |}.
Definition sample_copy (d : dim) (copied : list (nat * nat)) (x : draw) : option draw :=
  match place copied (draw_id x) with
  | None => Some x
  | Some p => if Nat.leb p (length (draw_shape x)) then Some (draw_id x, put_in p d (draw_shape x), snd x) else None
  end.
(** All samples at once: along one size after another. *)
Fixpoint repeated (cs : list (dim * list (nat * nat))) (H : written) (ds : list draw) : option (written * list draw) :=
  match cs with
  | [] => Some (H, ds)
  | (d, copied) :: cs =>
      match copy d copied H, all_some (sample_copy d copied) ds with
      | Some H, Some ds => repeated cs H ds
      | _, _ => None
      end
  end.
(** All slots grow at most exponentially with the noise. *)
Definition scanned (B : bgraph) (moved : list N) (p : bprogram) (ds : list draw) : bool :=
  quick_covered p ds &&
  match quick_scan p (b_count B) (input_map_facts B moved) with Some _ => true | None => false end.
Definition is_noise (x : draw) : bool := match snd x with Normal => true | _ => false end.
Definition scalar_cost (G : bgraph) : bool :=
  match fast_infer (b_nodes G) (b_count G) (input_map G) with
  | Some m => N.ltb (b_cost G) (b_slots G) && index_eqb (Fast.get [] m (b_cost G)) []
  | None => false
  end.
Definition same_noise (copies : list (dim * list (nat * nat))) (G B : bgraph) (ds draws : list draw) (moved : list N) :
  bool :=
  shapes_eqb (b_inputs G) (b_inputs B) && N.ltb 0 (b_count B) && forallb is_noise ds && scanned G moved (b_nodes G) ds &&
  scalar_cost G && match b_scores B with [] => true | _ => false end && N.ltb (b_cost B) (b_slots B) &&
  match repeated copies (bare G) ds with
  | None => false
  | Some (H, ds) =>
      let top := (b_count B + N.of_nat (length (w_nodes H)))%N in
      draws_eqb ds draws && negb (match draws with [] => true | _ => false end) && N.ltb (w_cost H) top &&
      match rewrite (fun _ => None) (b_nodes B) (b_count B)
              {| r_next := top; r_nodes := PositiveMap.empty bnode; r_shapes := input_shapes (b_inputs B);
                 r_slots := identity (length (b_inputs B)) |} with
      | None => false
      | Some (q, st) =>
          index_eqb (Fast.get [] (r_shapes st) (b_cost B)) [] && scanned B moved (w_nodes H ++ q) draws &&
          quick_vanishes (b_sizes B) (b_inputs B) (w_nodes H ++ q) (w_cost H) (Fast.get 0%N (r_slots st) (b_cost B)) draws
      end
  end.
Definition same_samples_with (alone : written -> bgraph -> list draw -> list N -> bool)
  (copies : list (dim * list (nat * nat))) (W : written) (B : bgraph) (draws : list draw) (moved : list N) : bool :=
  match in_noise W B with
  | Some G => let ds := map noise_of (w_draws W) in alone W G ds moved && same_noise copies G B ds draws moved
  | None => false
  end.
Definition same_samples := same_samples_with quick_same_mean.
(** All but that the scales are positive. *)
Definition same_samples_if := same_samples_with quick_same_mean_if.

(** ** Soundness *)
Lemma noise_order ds : forallb is_noise ds = true -> in_order ds = ds.
Proof.
  unfold in_order. induction ds as [|x l IH]; auto. cbn [forallb filter]. intros H. apply andb_prop in H as [Hx H].
  assert (Hf : is_finite x = false) by (unfold is_noise in Hx; unfold is_finite; now destruct (snd x)).
  rewrite Hf. cbn [negb app]. f_equal. now apply IH.
Qed.
Lemma noise_law rho ds : forallb is_noise ds = true ->
  model_law rho ds = drawE (fun _ => normalE) (numbers rho ds) (fun _ => zero).
Proof.
  intros H. unfold model_law. rewrite (noise_order ds H). f_equal. apply functional_extensionality. intros c. unfold base_at.
  destruct (find _ ds) as [x|] eqn:Ef; auto. apply find_some in Ef as [Hx _]. rewrite forallb_forall in H. specialize (H x Hx).
  unfold is_noise in H. now destruct (snd x).
Qed.

Definition bare_cost (H : written) (rho : dim -> nat) (e : env) (tr : trace) : R := written_value H rho e tr (w_cost H) [].

(** *** One sample among several *)
Section Sample.
Variables (d : dim) (copied : list (nat * nat)).
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Notation see i tr := (view (place copied) false i tr).
Notation law := (drawE (fun _ => normalE)).

Section One.
Variable i : nat.
Hypothesis Hi : (i < rho d)%nat.

(** A number is of another sample, or stands for one of the model. *)
Definition seen (c : coord) : Prop :=
  (of_copy copied i c = [] /\ forall tr v, see i (set tr c v) = see i tr) \/
  (exists b, of_copy copied i c = [b] /\ forall tr v, see i (set tr c v) = set (see i tr) b v).

Lemma one_sample (g : trace -> R) cs : (forall c, In c cs -> seen c) -> forall tr,
  Int (law (flat_map (of_copy copied i) cs) (see i tr)) g ->
  Int (law cs tr) (fun t => g (see i t)) /\
  Ex (law cs tr) (fun t => g (see i t)) = Ex (law (flat_map (of_copy copied i) cs) (see i tr)) g.
Proof.
  induction cs as [|c cs IH]; intros H tr HI; [split; [exact HI|reflexivity]|].
  specialize (IH (fun a Ha => H a (or_intror Ha))).
  destruct (H c (or_introl eq_refl)) as [[E S0]|(b & E & S1)]; cbn [flat_map] in HI |- *; rewrite E in HI |- *; cbn [app] in HI |- *.
  - assert (Hv : forall v, Int (law cs (set tr c v)) (fun t => g (see i t)) /\
      Ex (law cs (set tr c v)) (fun t => g (see i t)) = Ex (law (flat_map (of_copy copied i) cs) (see i tr)) g).
    { intros v. rewrite <- (S0 tr v). apply IH. now rewrite S0. }
    set (k := Ex (law (flat_map (of_copy copied i) cs) (see i tr)) g) in *. destruct normal_mass as [I1 E1].
    cbn [drawE Ex Int mapE bindE snd]. split.
    + split; [intros v; apply Hv|]. apply (Int_ext _ (fun _ => k * 1)); [intros v; rewrite Rmult_1_r; symmetry; apply Hv|].
      now apply Int_scal.
    + rewrite (Ex_ext _ _ (fun _ => k * 1)) by (intros v; rewrite Rmult_1_r; apply Hv). rewrite Ex_scal, E1 by exact I1. ring.
  - cbn [drawE Ex Int mapE bindE snd] in HI |- *. destruct HI as [HI1 HI2].
    assert (Hv : forall v, Int (law cs (set tr c v)) (fun t => g (see i t)) /\
      Ex (law cs (set tr c v)) (fun t => g (see i t)) = Ex (law (flat_map (of_copy copied i) cs) (set (see i tr) b v)) g).
    { intros v. rewrite <- S1. apply IH. rewrite S1. apply HI1. }
    split.
    + split; [intros v; apply Hv|]. apply (Int_ext _ _ _ (fun v => eq_sym (proj2 (Hv v))) HI2).
    + apply Ex_ext. intros v. apply Hv.
Qed.

Lemma sample_seen x y : sample_copy d copied x = Some y ->
  (forall ix, In ix (boxs (draw_shape y)) -> seen (draw_id y, ix)) /\
  flat_map (of_copy copied i) (map (pair (draw_id y)) (boxs (draw_shape y))) = map (pair (draw_id x)) (boxs (draw_shape x)).
Proof.
  destruct x as [[j s] b]. unfold sample_copy, draw_id, draw_shape; cbn [fst snd]. destruct (place copied j) as [p|] eqn:Ep.
  - destruct (Nat.leb_spec p (length s)) as [Hp|]; [|discriminate]. intros H. injection H as <-. cbn [fst snd]. split.
    + intros ix Hix. pose proof (box_length rho _ _ Hix) as Lix. rewrite put_in_length in Lix. unfold seen, of_copy. cbn [fst snd].
      rewrite Ep. destruct (Nat.eqb_spec (nth p ix 0%nat) i) as [E|E]; [right|left].
      * eexists. split; [reflexivity|]. intros tr v.
        pose proof (put_in_take_out p ix ltac:(lia)) as Et. rewrite E in Et. rewrite <- Et at 1. now apply see_set_same.
      * split; [reflexivity|]. intros tr v. apply (see_set_other copied i tr j ix v p); auto. lia.
    + rewrite flat_map_map. unfold of_copy. cbn [fst snd]. rewrite Ep.
      rewrite (flat_map_ext _ (fun ix => map (pair j) (if Nat.eqb (nth p ix 0%nat) i then [take_out p ix] else [])))
        by (intros ix; now destruct (Nat.eqb _ _)).
      rewrite <- map_flat_map, sizes_put_in. f_equal. apply box_of_copy; auto. unfold sizes. now rewrite map_length.
  - intros H. injection H as <-. cbn [fst snd]. split.
    + intros ix _. right. exists (j, ix). unfold of_copy. cbn [fst]. rewrite Ep. split; [reflexivity|].
      intros tr v. now apply see_set_clean.
    + etransitivity; [|apply flat_map_single]. apply flat_map_same. intros c Hc. apply in_map_iff in Hc as (ix & <- & _).
      unfold of_copy; cbn [fst]. now rewrite Ep.
Qed.
Lemma samples_seen : forall ds ds', all_some (sample_copy d copied) ds = Some ds' ->
  (forall c, In c (numbers rho ds') -> seen c) /\ flat_map (of_copy copied i) (numbers rho ds') = numbers rho ds.
Proof.
  induction ds as [|x l IH]; intros ds' H.
  - injection H as <-. split; [easy|reflexivity].
  - destruct (all_some_split _ _ _ _ H) as (y & m & Ey & Em & ->). destruct (IH m Em) as [I1 I2].
    destruct (sample_seen x y Ey) as [S1 S2]. cbn [numbers flat_map]. split.
    + intros c Hc. apply in_app_iff in Hc as [Hc|Hc]; [|now apply I1]. apply in_map_iff in Hc as (ix & <- & Hix). now apply S1.
    + rewrite flat_map_app. f_equal; [exact S2|exact I2].
Qed.
End One.

Lemma see_nothing i : see i (fun _ => zero) = (fun _ => zero).
Proof.
  unfold view. apply functional_extensionality. intros j. apply functional_extensionality. intros ix. now destruct (place copied j).
Qed.

(** The mean over the samples has the mean of one. *)
Theorem sample_mean H H' ds ds' e : (forall d, (0 < rho d)%nat) -> copy d copied H = Some H' ->
  all_some (sample_copy d copied) ds = Some ds' ->
  Int (law (numbers rho ds) (fun _ => zero)) (bare_cost H rho e) ->
  Int (law (numbers rho ds') (fun _ => zero)) (bare_cost H' rho e) /\
  Ex (law (numbers rho ds') (fun _ => zero)) (bare_cost H' rho e) =
  Ex (law (numbers rho ds) (fun _ => zero)) (bare_cost H rho e).
Proof.
  set (F := bare_cost H rho e). set (F' := bare_cost H' rho e). intros Hrho Hcopy Hds HI. destruct (copy_is d copied H H' Hcopy rho e) as (q & ls & _ & Hl & _ & _ & _ & _ & Hc & Hs & Hv).
  cbv zeta in Hv. set (c := nth (N.to_nat (w_cost H)) ls no_slot) in *.
  assert (Hone : forall i, (i < rho d)%nat -> Int (law (numbers rho ds') (fun _ => zero)) (fun tr => F (see i tr)) /\
    Ex (law (numbers rho ds') (fun _ => zero)) (fun tr => F (see i tr)) = Ex (law (numbers rho ds) (fun _ => zero)) F).
  { intros i Hi. destruct (samples_seen i Hi ds ds' Hds) as [S1 S2].
    pose proof (one_sample i F (numbers rho ds') S1 (fun _ => zero)) as H1. rewrite S2, see_nothing in H1. now apply H1. }
  assert (Hval : forall i tr, (i < rho d)%nat ->
    match l_at c with None => run rho tr q (length (w_inputs H)) e (l_slot c) []
                    | Some _ => run rho tr q (length (w_inputs H)) e (l_slot c) [i] end = F (see i tr)).
  { intros i tr Hi. destruct (copies_stand d copied H rho e i Hi q ls Hl tr _ Hc) as [_ H1]. fold c in H1. rewrite N2Nat.id in H1.
    specialize (H1 []). rewrite Hs in H1. specialize (H1 (or_introl eq_refl)). unfold F, bare_cost. rewrite <- H1.
    destruct (l_at c) as [p|]; auto. unfold put_in. now rewrite firstn_nil, skipn_nil. }
  pose proof (Hrho d) as Hd. assert (Hne : INR (rho d) <> 0) by (apply not_0_INR; lia).
  destruct (l_at c) as [p|] eqn:Ea.
  - set (S := fun tr => sum (range (rho d)) (fun i => F (see i tr))).
    assert (E : forall tr, / INR (rho d) * S tr = F' tr).
    { intros tr. unfold F', bare_cost. rewrite Hv. unfold Rdiv. rewrite Rmult_comm. f_equal. apply sum_ext. intros i Hi. symmetry.
      apply Hval. now apply in_range. }
    destruct (Int_sum (law (numbers rho ds') (fun _ => zero)) (range (rho d)) (fun i tr => F (see i tr))) as [IS ES].
    { intros i Hi. apply Hone. now apply in_range. }
    split; [apply (Int_ext _ _ _ E); now apply Int_scal|].
    rewrite <- (Ex_ext _ _ _ E), Ex_scal by exact IS. unfold S. rewrite ES.
    rewrite (sum_ext _ _ (fun _ => Ex (law (numbers rho ds) (fun _ => zero)) F)) by (intros i Hi; apply Hone; now apply in_range).
    pose proof (sum_box_const rho (fun _ => zero) [d] (Ex (law (numbers rho ds) (fun _ => zero)) F)) as S1.
    rewrite (sum_box_one rho d) in S1. rewrite S1. cbn [map product factor_val]. field. exact Hne.
  - assert (E : forall tr, F (see 0 tr) = F' tr) by (intros tr; unfold F', bare_cost; rewrite Hv; symmetry; now apply (Hval 0%nat)).
    destruct (Hone 0%nat Hd) as [H1 H2]. split; [now apply (Int_ext _ _ _ E)|]. now rewrite <- (Ex_ext _ _ _ E).
Qed.
End Sample.

Lemma repeated_mean rho e : (forall d, (0 < rho d)%nat) -> forall cs H ds H' ds', repeated cs H ds = Some (H', ds') ->
  Int (drawE (fun _ => normalE) (numbers rho ds) (fun _ => zero)) (bare_cost H rho e) ->
  w_inputs H' = w_inputs H /\
  Int (drawE (fun _ => normalE) (numbers rho ds') (fun _ => zero)) (bare_cost H' rho e) /\
  Ex (drawE (fun _ => normalE) (numbers rho ds') (fun _ => zero)) (bare_cost H' rho e) =
  Ex (drawE (fun _ => normalE) (numbers rho ds) (fun _ => zero)) (bare_cost H rho e).
Proof.
  intros Hrho. induction cs as [|[d copied] cs IH]; cbn [repeated]; intros H ds H' ds' E HI.
  - injection E as <- <-. auto.
  - destruct (copy d copied H) as [H1|] eqn:Ec; [|discriminate].
    destruct (all_some (sample_copy d copied) ds) as [ds1|] eqn:Ed; [|discriminate].
    destruct (sample_mean d copied rho H H1 ds ds1 e Hrho Ec Ed HI) as [I1 E1].
    destruct (IH H1 ds1 H' ds' E I1) as (N2 & I2 & E2). split; [|split; [exact I2|]].
    + rewrite N2. now destruct (copy_is d copied H H1 Ec rho e) as (_ & _ & _ & _ & _ & _ & -> & _).
    + rewrite E2. exact E1.
Qed.
Lemma repeated_noise : forall cs H ds H' ds', repeated cs H ds = Some (H', ds') -> forallb is_noise ds = true ->
  forallb is_noise ds' = true.
Proof.
  induction cs as [|[d copied] cs IH]; cbn [repeated]; intros H ds H' ds' E Hn; [now injection E as <- <-|].
  destruct (copy d copied H) as [H1|]; [|discriminate].
  destruct (all_some (sample_copy d copied) ds) as [ds1|] eqn:Ed; [|discriminate]. apply (IH _ _ _ _ E). clear E IH.
  revert ds1 Ed. induction ds as [|x l IH]; intros ds1 Ed; [now injection Ed as <-|].
  destruct (all_some_split _ _ _ _ Ed) as (y & m & Ey & Em & ->). cbn [forallb] in *. apply andb_prop in Hn as [Hx Hn].
  rewrite (IH Hn m Em), andb_true_r. unfold sample_copy in Ey. destruct (place copied (draw_id x)); [destruct (Nat.leb _ _)|];
    try discriminate; now injection Ey as <-.
Qed.

(** *** What is scanned is integrable *)
Lemma scanned_nice B moved p ds rho e d shf : scanned B moved p ds = true -> forallb is_noise ds = true ->
  (forall d, (0 < rho d)%nat) -> (forall k ix, ~ In k (map N.to_nat moved) -> d k ix = 0) ->
  infer (plain_program p) (length (b_inputs B)) (input_shape (plain B)) = Some shf ->
  NoDup (numbers rho ds) /\
  locally 0 (fun t => forall k, (k < length (b_inputs B) + length p)%nat -> forall ix, In ix (box (sizes rho (shf k))) ->
    nice (numbers rho ds) (fun tr => run rho tr (plain_program p) (length (b_inputs B)) (line e d t) k ix)).
Proof.
  unfold scanned. intros H Hn Hrho Hd Hi. apply andb_prop in H as [Hc Hs].
  destruct (quick_scan _ _ _) as [mm|] eqn:Eq; [clear Hs|discriminate].
  pose (G := {| b_inputs := b_inputs B; b_nodes := p; b_cost := 0%N; b_scores := []; b_sizes := [] |}).
  destruct (covered_sound (plain G) ds (quick_covered_sound (plain G) p ds eq_refl Hc)) as [Hnd Hcov].
  split; [now apply numbers_NoDup|]. specialize (Hcov rho). rewrite (noise_order ds Hn) in Hcov.
  destruct (quick_scan_sound _ _ _ _ _ (about_inputs_held unknown _ B moved) Eq) as (n' & fs' & Hscan & _).
  set (fs := map (input_facts (map N.to_nat moved)) (range (length (b_inputs B)))).
  assert (Hfs : length fs = length (b_inputs B)) by (unfold fs; now rewrite map_length, seq_length).
  destruct (scan_sound rho Hrho (numbers rho ds) (plain_program p) fs fs' (input_shape (plain B)) shf
              (fun t _ => line e d t) (fun _ _ => d)) as [L T]; auto.
  { now rewrite Hfs. }
  { now apply inputs_tamed. }
  rewrite Hfs in L, T. generalize (tamed_nice rho (numbers rho ds) fs' shf _ _ Hrho T). apply filter_imp.
  intros t Ht k Hk ix Hix. apply Ht; auto. rewrite L. unfold plain_program. now rewrite map_length.
Qed.

(** The graph in noise and the graph that is differentiated have the same expected cost near the point. *)
Theorem same_noise_sound copies G B ds draws moved rho e d : same_noise copies G B ds draws moved = true ->
  b_scores G = [] -> sized (plain B) rho -> (forall k ix, ~ In k (map N.to_nat moved) -> d k ix = 0) ->
  locally 0 (fun t => expected_cost (plain G) rho (model_law rho ds) (line e d t) =
                      expected_cost (plain B) rho (model_law rho draws) (line e d t)).
Proof.
  unfold same_noise. intros H HsG Hsized Hdir. apply andb_prop in H as [H Hrest]. apply andb_prop in H as [H Hbc].
  apply andb_prop in H as [H HsB]. apply andb_prop in H as [H Hcost]. apply andb_prop in H as [H HscG].
  apply andb_prop in H as [H Hnoise]. apply andb_prop in H as [Hins Hcnt]. apply shapes_eqb_eq in Hins.
  apply N.ltb_lt in Hcnt, Hbc. destruct (b_scores B) eqn:EsB; [clear HsB|discriminate].
  destruct (repeated copies (bare G) ds) as [[H ds1]|] eqn:Er; [|discriminate].
  set (top := (b_count B + N.of_nat (length (w_nodes H)))%N) in *.
  apply andb_prop in Hrest as [H0 Hrest]. apply andb_prop in H0 as [H0 Htop]. apply andb_prop in H0 as [Hdr Hne].
  apply N.ltb_lt in Htop. apply draws_eqb_eq in Hdr. subst ds1.
  assert (Hne' : draws <> []) by (intros ->; discriminate). clear Hne.
  destruct (rewrite _ (b_nodes B) _ _) as [[q st]|] eqn:Eq; [|discriminate].
  apply andb_prop in Hrest as [H0 Hvan]. apply andb_prop in H0 as [Hsh HscJ].
  destruct (index_eqb_spec (Fast.get [] (r_shapes st) (b_cost B)) []) as [Esh|]; [clear Hsh|discriminate].
  apply quick_vanishes_sound in Hvan.
  pose proof (proj2 Hsized) as Hrho. pose proof (repeated_noise _ _ _ _ _ Er Hnoise) as Hnoise'.
  set (n := length (b_inputs B)) in *. set (J := plain_program (w_nodes H ++ q)) in *.
  assert (Hfix : forall d k, In (d, k) (b_sizes B) -> rho d = k) by (intros d' k Hin; now apply (proj1 Hsized)).
  (* one sample *)
  unfold scalar_cost in Hcost. destruct (fast_infer (b_nodes G) _ _) as [mG|] eqn:EG; [|discriminate].
  apply andb_prop in Hcost as [HcG HshG]. apply N.ltb_lt in HcG.
  destruct (fast_infer_sound _ _ _ _ _ (input_map_like G) EG) as (shG & IG & LG). unfold b_count in IG. rewrite Nat2N.id in IG.
  destruct (index_eqb_spec (Fast.get [] mG (b_cost G)) []) as [EsG|]; [clear HshG|discriminate].
  destruct (scanned_nice G moved (b_nodes G) ds rho e d shG HscG Hnoise Hrho Hdir IG) as [HndG HniceG].
  (* all of them, and the graph *)
  assert (HJ : exists shJ, infer J n (fun k => nth k (b_inputs B) []) = Some shJ).
  { unfold vanishes in Hvan. destruct (enter_inputs (b_inputs B) 0 empty) as [T0 m0] eqn:E0.
    destruct (enter_all (b_sizes B) Never _ T0 m0) as [[T m]|] eqn:E1; [|discriminate].
    destruct (entered (b_sizes B) (b_inputs B) J T0 T m0 m rho e Hfix E0 E1) as (shf & I1 & _). now exists shf. }
  destruct HJ as [shJ IJ].
  destruct (scanned_nice B moved (w_nodes H ++ q) draws rho e d shJ HscJ Hnoise' Hrho Hdir IJ) as [HndJ HniceJ].
  assert (HB : forall e' tr, joint (plain B) rho e' tr = run rho tr J n e' (N.to_nat (Fast.get 0%N (r_slots st) (b_cost B))) []).
  { intros e' tr. unfold joint, log_density. cbn [plain g_scores]. rewrite EsB. cbn [plain_pairs map sum]. rewrite exp_0, Rmult_1_l.
    assert (Hlow : forall k, (k < n)%nat -> run rho tr (plain_program (w_nodes H)) n e' k = e' k) by (intros k Hk; now apply run_below).
    destruct (rewritten_values rho tr (b_inputs B) (b_nodes B) top q st e' _ Eq Hcnt ltac:(unfold top, b_count; lia) Hlow)
      as (_ & _ & _ & _ & Hv).
    destruct (Hv (b_cost B) Hbc) as [_ Hv']. specialize (Hv' []). rewrite Esh in Hv'. fold n in Hv'.
    etransitivity; [exact (Hv' (or_introl eq_refl))|]. unfold J. rewrite plain_app, run_app.
    replace (n + length (plain_program (w_nodes H)))%nat with (N.to_nat top); auto.
    unfold plain_program. rewrite map_length. unfold top, b_count. fold n. lia. }
  generalize (filter_and _ _ HniceG HniceJ). apply filter_imp. intros t [NG NJ]. set (e' := line e d t) in *.
  unfold expected_cost. rewrite (noise_law rho ds Hnoise), (noise_law rho draws Hnoise').
  set (F := bare_cost (bare G) rho e').
  assert (HF : Int (drawE (fun _ => normalE) (numbers rho ds) (fun _ => zero)) F).
  { apply (nice_int _ (numbers rho ds)); [intros; apply tame_normal|exact HndG|]. unfold F, bare_cost, written_value, written_value_env; cbn [bare w_nodes w_inputs w_cost].
    apply NG; [unfold b_slots, b_count in HcG; lia|]. rewrite (LG (b_cost G)), EsG. now left. }
  destruct (repeated_mean rho e' Hrho copies (bare G) ds H draws Er HF) as (Nin & _ & E1). cbn [bare w_inputs] in Nin.
  transitivity (Ex (drawE (fun _ => normalE) (numbers rho ds) (fun _ => zero)) F).
  { apply Ex_ext. intros tr. unfold joint, log_density. cbn [plain g_scores]. rewrite HsG. cbn [plain_pairs map sum].
    rewrite exp_0, Rmult_1_l. reflexivity. }
  fold F in E1. rewrite <- E1.
  destruct (vanishes_sound (b_sizes B) (b_inputs B) J (N.to_nat (w_cost H)) _ draws rho e' Hfix Hvan (numbers rho draws)
              (fun _ => normalE) HndJ) as (_ & _ & Heq).
  { intros x Hx ix Hix. apply numbers_in. now exists x, ix. }
  { intros _. apply tame_normal. }
  { intros x Hx ix _. rewrite forallb_forall in Hnoise'. specialize (Hnoise' x Hx). unfold is_noise, in_logs in *.
    now destruct (snd x). }
  { intros _ shf' E k Hk ix Hix. assert (E' : shJ = shf') by (injection (eq_trans (eq_sym IJ) E); auto). subst shf'. apply NJ; auto.
    unfold J, plain_program in Hk. now rewrite map_length in Hk. }
  destruct (Heq Hne') as [_ E2]. etransitivity; [|etransitivity; [exact E2|]].
  - apply Ex_ext. intros tr. unfold bare_cost, written_value, written_value_env. rewrite Nin, Hins. fold n. unfold J. rewrite plain_app, run_app.
    symmetry. rewrite run_below; [reflexivity|]. unfold plain_program. rewrite map_length. unfold top, b_count in Htop. fold n in Htop. lia.
  - apply Ex_ext. intros tr. symmetry. apply HB.
Qed.

(** The derivative of the expected cost of the model as it is written. *)
Section Derive.
Variables (copies : list (dim * list (nat * nat))) (W : written) (B : bgraph) (draws : list draw) (outs : list (N * N)).
Variables (rho : dim -> nat) (e d : env) (l : R).
Hypothesis Hsized : sized (plain B) rho.
Hypothesis Hmoves : moves_only (plain_pairs outs) d.
Hypothesis Hderive : is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0 l.

Lemma in_noise_is G : in_noise W B = Some G -> b_scores G = [] /\ sized (plain G) rho.
Proof.
  unfold in_noise. destruct (rewrite _ _ _ _) as [[p st]|]; [|discriminate]. intros H. injection H as <-. split; [reflexivity|].
  exact Hsized.
Qed.
Lemma noise_derive G ds : in_noise W B = Some G -> same_noise copies G B ds draws (map fst outs) = true ->
  is_derive (fun t => expected_cost (plain G) rho (model_law rho ds) (line e d t)) 0 l.
Proof.
  intros EG H. apply (is_derive_ext_loc (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t))); [|exact Hderive].
  assert (Hdir : forall k ix, ~ In k (map N.to_nat (map fst outs)) -> d k ix = 0).
  { rewrite <- plain_firsts. exact Hmoves. }
  generalize (same_noise_sound copies G B ds draws (map fst outs) rho e d H (proj1 (in_noise_is G EG)) Hsized Hdir).
  apply filter_imp. intros t E. now symmetry.
Qed.

Theorem samples_derive : same_samples copies W B draws (map fst outs) = true ->
  is_derive (fun t => written_cost W rho (line e d t)) 0 l.
Proof.
  unfold same_samples, same_samples_with. destruct (in_noise W B) as [G|] eqn:EG; [|discriminate]. cbv zeta. intros H.
  apply andb_prop in H as [H1 H2].
  apply (quick_written_derive W G (map noise_of (w_draws W)) outs rho e d l (proj2 (in_noise_is G EG)) Hmoves); auto.
  now apply noise_derive.
Qed.
Theorem samples_derive_if : same_samples_if copies W B draws (map fst outs) = true ->
  locally 0 (fun t => scales_positive W rho (line e d t)) -> is_derive (fun t => written_cost W rho (line e d t)) 0 l.
Proof.
  unfold same_samples_if, same_samples_with. destruct (in_noise W B) as [G|] eqn:EG; [|discriminate]. cbv zeta. intros H Hp.
  apply andb_prop in H as [H1 H2].
  apply (quick_written_derive_if W G (map noise_of (w_draws W)) outs rho e d l (proj2 (in_noise_is G EG)) Hmoves); auto.
  now apply noise_derive.
Qed.
End Derive.
