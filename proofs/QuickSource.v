(** * Written models of large graphs

    [Source.v] keeps what it knows of the slots in lists, and counts them in unary.  Here is the same check
    with search trees, as in [Quick.v]: where it says yes, so does that. *)
From Coq Require Import Reals Lia List Bool Arith NArith ZArith PArith FMapPositive.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Op Program Expect Graph Poly Number Certificate Fast Tame Quick Model.
From Sgc Require Import Noised Written Rewriting Unfold Moment Source.
Import ListNotations.

(** ** Their order *)

(** The nodes after slot [k], if those up to it read only what is drawn. *)
Fixpoint advance (p : bprogram) (n k : N) (before : PositiveMap.t unit) : option (bprogram * N) :=
  match p with
  | [] => Some ([], n)
  | (o, _) :: p' =>
      if N.ltb k n then Some (p, n)
      else if match o with Sample j _ => in_set before (N.of_nat j) | _ => true end
           then advance p' (N.succ n) k before else None
  end.
Fixpoint quick_turns (count : N) (p : bprogram) (n : N) (before : PositiveMap.t unit) (xs : list wdraw) : bool :=
  match xs with
  | [] => true
  | x :: xs =>
      let k := N.max (loc_of x) (scale_of x) in
      N.ltb k count &&
      match advance p n k before with
      | Some (p, n) => quick_turns count p n (store before (N.of_nat (wdraw_id x)) tt) xs
      | None => false
      end
  end.

Definition samples_of (p : program) : list nat :=
  flat_map (fun nd => match fst nd with Sample j _ => [j] | _ => [] end) p.
Lemma samples_app p q : samples_of (p ++ q) = samples_of p ++ samples_of q.
Proof. apply flat_map_app. Qed.
Definition holds_ids (m : PositiveMap.t unit) (l : list nat) : Prop :=
  forall j, in_set m (N.of_nat j) = true -> In j l.
Lemma advance_sound p : forall n k before l p' n', holds_ids before l -> advance p n k before = Some (p', n') ->
  exists q, p = q ++ p' /\ n' = (n + N.of_nat (length q))%N /\ (p' = [] \/ (k < n')%N) /\
    forall j, In j (samples_of (plain_program q)) -> In j l.
Proof.
  induction p as [|[o ps] p IH]; cbn [advance]; intros n k before l p' n' Hl H.
  - injection H as <- <-. exists []. repeat split; [cbn [length]; lia|now left|easy].
  - destruct (N.ltb_spec k n) as [Hk|Hk].
    + injection H as <- <-. exists []. repeat split; [cbn [length]; lia|now right|easy].
    + destruct (match o with Sample j _ => _ | _ => _ end) eqn:Ho; [|easy].
      destruct (IH _ _ _ _ _ _ Hl H) as (q & -> & -> & Hd & Hq). exists ((o, ps) :: q).
      split; [easy|]. split; [cbn [length]; lia|]. split; [exact Hd|]. intros j.
      cbn [plain_program map plain_node samples_of flat_map fst snd]. rewrite in_app_iff. intros [Hj|Hj]; [|now apply Hq].
      destruct o; try easy. destruct Hj as [->|[]]. now apply Hl.
Qed.
Lemma quick_turns_sound P n0 count : count = (n0 + N.of_nat (length P))%N ->
  forall xs p n before l q, P = q ++ p -> n = (n0 + N.of_nat (length q))%N -> holds_ids before l ->
  (forall j, In j (samples_of (plain_program q)) -> In j l) -> quick_turns count p n before xs = true ->
  turns_ok (N.to_nat n0) (plain_program P) l xs = true.
Proof.
  intros Hc. induction xs as [|x xs IH]; cbn [quick_turns turns_ok]; intros p n before l q HP Hn Hl Hq H; auto.
  set (k := N.max (loc_of x) (scale_of x)) in *. apply andb_prop in H as [Hk H]. apply N.ltb_lt in Hk.
  destruct (advance p n k before) as [[p' n']|] eqn:Ha; [|easy].
  destruct (advance_sound _ _ _ _ _ _ _ Hl Ha) as (q' & -> & -> & Hd & Hq').
  rewrite app_assoc in HP.
  assert (Hall : forall j, In j (samples_of (plain_program (q ++ q'))) -> In j l).
  { intros j. rewrite plain_app, samples_app, in_app_iff. intros [Hj|Hj]; auto. }
  apply andb_true_intro. split; [apply andb_true_intro; split|].
  - apply Nat.ltb_lt. unfold plain_program. rewrite map_length. lia.
  - apply forallb_forall. intros j Hj. apply existsb_exists. exists j. split; [|apply Nat.eqb_refl]. apply Hall.
    unfold drawn_before in Hj. fold (samples_of (firstn (S (N.to_nat k) - N.to_nat n0) (plain_program P))) in Hj.
    rewrite HP, plain_app, firstn_app, samples_app, in_app_iff in Hj. destruct Hj as [Hj|Hj].
    + unfold samples_of in *. apply in_flat_map in Hj as (nd & H1 & H2). apply in_flat_map. exists nd. split; auto.
      rewrite <- (firstn_skipn (S (N.to_nat k) - N.to_nat n0) (plain_program (q ++ q'))). apply in_app_iff. now left.
    + exfalso. destruct Hd as [->|Hd]; [now rewrite firstn_nil in Hj|].
      replace (S (N.to_nat k) - N.to_nat n0 - length (plain_program (q ++ q')))%nat with 0%nat in Hj; [easy|].
      unfold plain_program. rewrite map_length, app_length. lia.
  - apply (IH p' (n + N.of_nat (length q'))%N (store before (N.of_nat (wdraw_id x)) tt) _ (q ++ q')); auto.
    + rewrite app_length. lia.
    + intros j. unfold in_set. destruct (N.eq_dec (N.of_nat j) (N.of_nat (wdraw_id x))) as [E|E].
      * intros _. left. apply Nat2N.inj in E. now symmetry.
      * rewrite look_other by auto. intros Hj. right. now apply Hl.
    + intros j Hj. right. now apply Hall.
Qed.

(** ** The difference of the costs *)
Definition listed {A} (d : A) (mm : PositiveMap.t A) (n : N) : list A :=
  map (get d mm) (numbered (repeat tt (N.to_nat n)) 0).
Lemma listed_held {A} (d : A) n mm m : Fast.held d n mm m -> listed d mm n = m.
Proof.
  intros [Hn H]. unfold listed. rewrite Hn. apply (nth_ext _ _ d d).
  - now rewrite map_length, <- (map_length N.to_nat), numbered_eq, seq_length, repeat_length.
  - intros i Hi. rewrite map_length, <- (map_length N.to_nat), numbered_eq, seq_length, repeat_length in Hi.
    rewrite <- (Nat2N.id i) at 2. rewrite H.
    rewrite (nth_indep _ d (get d mm 0)) by
      now rewrite map_length, <- (map_length N.to_nat), numbered_eq, seq_length, repeat_length.
    rewrite map_nth. f_equal. apply N2Nat.inj. rewrite <- map_nth, numbered_eq, Nat2N.id, repeat_length.
    now rewrite seq_nth.
Qed.
Definition quick_vanishes (fix_ : fixed_sizes) (ins : list shape) (J : bprogram) (a b : N) (ds : list draw) : bool :=
  let '(T, m0) := enter_inputs ins 0 empty in
  match fast_enter fix_ Never J T (hold m0 0 (PositiveMap.empty _)) (N.of_nat (length m0)) with
  | None => false
  | Some (T, mm, n) =>
      let x := get none mm a in
      let y := get none mm b in
      N.ltb a n && N.ltb b n && index_eqb (fst x) [] && index_eqb (fst y) [] &&
      match add_poly (snd x) (scale_poly ((-1)%Z, 1%positive) (snd y)) with
      | [] => true
      | p =>
          let M := meanings_of T in
          match means M (holders_of (listed none mm n) 0 (PositiveMap.empty _)) fix_ (length ins) (plain_program J)
                      (rev ds) (unfolded M fix_ rounds p) with
          | Some [] => true
          | _ => false
          end
      end
  end.
Lemma means_none M H fix_ n J ds : means M H fix_ n J ds [] = Some [].
Proof. induction ds as [|x ds IH]; auto. Qed.
Lemma quick_vanishes_sound fix_ ins J a b ds : quick_vanishes fix_ ins J a b ds = true ->
  vanishes fix_ ins (plain_program J) (N.to_nat a) (N.to_nat b) ds = true.
Proof.
  unfold quick_vanishes, vanishes. destruct (enter_inputs ins 0 empty) as [T0 m0].
  destruct (fast_enter fix_ Never J T0 _ _) as [[[T mm] n]|] eqn:E; [|easy].
  destruct (fast_enter_eq fix_ Never J _ _ _ m0 _ _ _ (hold_all none m0) E) as (m & -> & Hm).
  pose proof Hm as [Hn Hat]. rewrite !Hat, <- Hn, !to_nat_ltb. cbv zeta.
  intros H. apply andb_prop in H as [H Hd]. rewrite H. cbn [andb].
  destruct (add_poly _ _) as [|t p] eqn:Ed.
  - replace (unfolded _ fix_ rounds []) with (@nil term) by (destruct rounds; reflexivity).
    now rewrite means_none.
  - now rewrite (listed_held _ _ _ _ Hm) in Hd.
Qed.

(** ** The whole check *)
Definition quick_facts (B : bgraph) (moved : list N) (j : joined) : option (PositiveMap.t facts) :=
  quick_scan (j_nodes j) (b_count B) (input_map_facts B moved).
Lemma quick_facts_sound B moved j mm : quick_facts B moved j = Some mm ->
  exists n fs, joined_facts B (map N.to_nat moved) j = Some fs /\ Fast.held unknown n mm fs.
Proof.
  unfold quick_facts, joined_facts. intros H.
  destruct (quick_scan_sound _ _ _ _ _ (about_inputs_held unknown _ B moved) H) as (n & fs & E & Hh).
  exists n, fs. split; [|exact Hh]. unfold input_facts. exact E.
Qed.
Definition quick_if (W : written) (B : bgraph) (draws : list draw) (fs : joined -> bool) : bool :=
  forallb is_noised (w_draws W) &&
  shapes_eqb (w_inputs W) (b_inputs B) && N.ltb 0 (b_count B) && draws_eqb (map noise_of (w_draws W)) draws &&
  match b_scores B with [] => true | _ => false end &&
  N.ltb (w_cost W) (b_count B + N.of_nat (length (w_nodes W))) && N.ltb (b_cost B) (b_slots B) &&
  quick_turns (b_count B + N.of_nat (length (w_nodes W))) (w_nodes W) (b_count B) (PositiveMap.empty _) (w_draws W) &&
  match join W B with
  | None => false
  | Some j =>
      quick_covered (j_nodes j) draws && samples_ok W (r_shapes (j_model j)) (w_nodes W) (b_count B) &&
      index_eqb (Fast.get [] (r_shapes (j_model j)) (w_cost W)) [] &&
      index_eqb (Fast.get [] (r_shapes (j_graph j)) (b_cost B)) [] &&
      quick_vanishes (b_sizes B) (b_inputs B) (j_nodes j) (j_written j) (j_source j) draws && fs j
  end.
Lemma quick_if_sound W B draws moved fs : quick_if W B draws fs = true ->
  (forall j, join W B = Some j -> fs j = true -> draws <> [] -> joined_facts B moved j <> None) ->
  same_mean_if W B draws moved = true.
Proof.
  unfold quick_if, same_mean_if. intros H Hfs. apply andb_prop in H as [H Hj].
  apply andb_prop in H as [H Hturns]. apply andb_prop in H as [H Hb]. rewrite H, Hb, !andb_true_r. cbn [andb].
  apply andb_prop in H as [H Hw]. apply andb_prop in H as [H _]. apply andb_prop in H as [H _].
  apply andb_prop in H as [H _]. apply andb_prop in H as [_ Hins]. apply shapes_eqb_eq in Hins.
  apply andb_true_intro. split.
  - replace (length (b_inputs B)) with (N.to_nat (b_count B)) by (unfold b_count; apply Nat2N.id).
    apply (quick_turns_sound (w_nodes W) (b_count B) _ eq_refl (w_draws W) (w_nodes W) (b_count B) (PositiveMap.empty _) [] []); auto.
    + cbn [length]. lia.
    + intros j. unfold in_set. now rewrite look_empty.
  - destruct (join W B) as [j|]; [|easy]. apply andb_prop in Hj as [Hj Hf]. apply andb_prop in Hj as [Hj Hv].
    apply andb_prop in Hj as [Hj H3]. apply andb_prop in Hj as [Hj H2]. apply andb_prop in Hj as [Hc H1].
    rewrite (quick_covered_sound (joint_graph B j) _ _ eq_refl Hc), H1, H2, H3. cbn [andb].
    rewrite (quick_vanishes_sound _ _ _ _ _ _ Hv). cbn [andb].
    specialize (Hfs j eq_refl Hf). destruct draws; [easy|].
    destruct (joined_facts B moved j); [easy|]. now destruct Hfs.
Qed.

(** All but that the scales are positive. *)
Definition quick_same_mean_if (W : written) (B : bgraph) (draws : list draw) (moved : list N) : bool :=
  quick_if W B draws (fun j => match draws, quick_facts B moved j with [], _ | _, Some _ => true | _, None => false end).
Theorem quick_same_mean_if_sound W B draws moved : quick_same_mean_if W B draws moved = true ->
  same_mean_if W B draws (map N.to_nat moved) = true.
Proof.
  intros H. apply (quick_if_sound _ _ _ _ _ H). intros j _ Hf Hd. destruct draws; [easy|].
  destruct (quick_facts B moved j) as [mm|] eqn:E; [|easy].
  destruct (quick_facts_sound _ _ _ _ E) as (n & fs & -> & _). easy.
Qed.
(** The scales that are positive by construction, and the bounds that are in order. *)
Definition scales_decided (W : written) (B : bgraph) (moved : list N) (j : joined) : bool :=
  match w_draws W with
  | [] => true
  | xs =>
      match quick_facts B moved j, fast_infer (j_nodes j) (b_count B) (input_map B) with
      | Some mm, Some sh => forallb (fun x =>
          let k := Fast.get 0%N (r_slots (j_model j)) (scale_of x) in
          match kind_of x with
          | As_uniform => numbers_rise (b_count B) (w_nodes W) (wdraw_shape x) (loc_of x) (scale_of x)
          | _ =>
              positive (Fast.get unknown mm k) && index_eqb (Fast.get [] sh k) (wdraw_shape x) &&
              index_eqb (Fast.get [] (r_shapes (j_model j)) (scale_of x)) (wdraw_shape x) &&
              N.ltb (scale_of x) (b_count B + N.of_nat (length (w_nodes W)))
          end) xs
      | _, _ => false
      end
  end.
Definition quick_same_mean (W : written) (B : bgraph) (draws : list draw) (moved : list N) : bool :=
  quick_if W B draws (scales_decided W B moved).
Theorem quick_same_mean_sound W B draws moved : quick_same_mean W B draws moved = true ->
  same_mean W B draws (map N.to_nat moved) = true.
Proof.
  intros H. unfold same_mean. apply andb_true_intro. split.
  - apply (quick_if_sound _ _ _ _ _ H). intros j _ Hf Hd. unfold quick_if in H. unfold scales_decided in Hf.
    apply andb_prop in H as [H _]. do 4 apply andb_prop in H as [H _]. apply andb_prop in H as [_ H].
    apply draws_eqb_eq in H. destruct (w_draws W); [now rewrite <- H in Hd|].
    destruct (quick_facts B moved j) as [mm|] eqn:E; [|easy].
    destruct (quick_facts_sound _ _ _ _ E) as (n & fs & -> & _). easy.
  - unfold quick_if in H. apply andb_prop in H as [_ H]. unfold law_decided.
    destruct (join W B) as [j|]; [|easy]. apply andb_prop in H as [_ H]. unfold scales_decided in H.
    destruct (w_draws W) as [|x0 xs]; [easy|]. destruct (quick_facts B moved j) as [mm|] eqn:E; [|easy].
    destruct (quick_facts_sound _ _ _ _ E) as (n & fs & -> & [_ Hat]).
    destruct (fast_infer _ _ _) as [sh|] eqn:Ei; [|easy].
    destruct (fast_infer_sound _ _ _ _ _ (input_map_like B) Ei) as (shf & Hi & Hl).
    rewrite forallb_forall in *. intros x Hx. specialize (H x Hx). cbv zeta in *. rewrite Hat.
    unfold shape_of, inputs, joint_graph. cbn [g_nodes g_inputs].
    replace (length (b_inputs B)) with (N.to_nat (b_count B)) by (unfold b_count; apply Nat2N.id).
    change (input_shape _) with (input_shape (plain B)). rewrite Hi, (Hl (Fast.get _ _ _)). exact H.
Qed.

(** ** What follows *)
Section Derive.
Variables (W : written) (B : bgraph) (draws : list draw) (outs : list (N * N)).
Variables (rho : dim -> nat) (e d : env) (l : R).
Hypothesis Hsized : sized (plain B) rho.
Hypothesis Hmoves : moves_only (plain_pairs outs) d.
Hypothesis Hderive :
  is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0%R l.

Theorem quick_written_derive : quick_same_mean W B draws (map fst outs) = true ->
  is_derive (fun t => written_cost W rho (line e d t)) 0%R l.
Proof.
  intros H. apply quick_same_mean_sound in H. rewrite <- plain_firsts in H.
  exact (written_derive W B draws _ rho e d l H Hsized Hmoves Hderive).
Qed.
Theorem quick_written_derive_if : quick_same_mean_if W B draws (map fst outs) = true ->
  locally 0%R (fun t => scales_positive W rho (line e d t)) ->
  is_derive (fun t => written_cost W rho (line e d t)) 0%R l.
Proof.
  intros H Hp. apply quick_same_mean_if_sound in H. rewrite <- plain_firsts in H.
  exact (written_derive_if W B draws _ rho e d l H Hsized Hmoves Hp Hderive).
Qed.
End Derive.
