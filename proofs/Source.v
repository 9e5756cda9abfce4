(** * From the model as it is written to the graph that is differentiated

    [same_mean W B draws moved] decides that the model [W], as it is written, and the graph [B], whose
    gradient the compiler derives, have the same expected cost.  Both are rewritten ([Rewriting.v]) and
    entered into one table; the difference of the two costs is multiplied out ([Unfold.v]), and what is
    left has the mean zero ([Moment.v]). *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith ZArith PArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Certificate Fast Draws.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame Noised Model Written Rewriting Unfold Moment.
Import ListNotations.
Open Scope R_scope.

(** ** The two programs as one *)
Definition law_slots (W : written) (j : nat) : option (noised * N * N) :=
  match find (fun x => Nat.eqb (wdraw_id x) j) (w_draws W) with
  | Some x => Some (kind_of x, loc_of x, scale_of x)
  | None => None
  end.
Definition identity (n : nat) : PositiveMap.t N := hold (map N.of_nat (range n)) 0 (PositiveMap.empty N).
Definition input_shapes (ins : list shape) : PositiveMap.t shape := hold ins 0 (PositiveMap.empty shape).
Definition start (ins : list shape) : rewritten := {|
  r_next := N.of_nat (length ins); r_nodes := PositiveMap.empty bnode;
  r_shapes := input_shapes ins; r_slots := identity (length ins) |}.
Definition after (ins : list shape) (st : rewritten) : rewritten := {|
  r_next := r_next st; r_nodes := PositiveMap.empty bnode;
  r_shapes := input_shapes ins; r_slots := identity (length ins) |}.
Record joined := {
  j_nodes : bprogram;     (** both, the model's first *)
  j_written : N;          (** the cost of the model *)
  j_source : N;           (** the cost of the graph *)
  j_model : rewritten;    (** where the slots of the model are, and their shapes *)
  j_graph : rewritten     (** likewise of the graph *)
}.
Definition join (W : written) (B : bgraph) : option joined :=
  let ins := b_inputs B in
  let n := N.of_nat (length ins) in
  match rewrite (law_slots W) (w_nodes W) n (start ins) with
  | Some (p, st) =>
      match rewrite (fun _ => None) (b_nodes B) n (after ins st) with
      | Some (q, st') => Some {| j_nodes := p ++ q; j_written := Fast.get 0%N (r_slots st) (w_cost W);
                                 j_source := Fast.get 0%N (r_slots st') (b_cost B); j_model := st; j_graph := st' |}
      | None => None
      end
  | None => None
  end.

(** ** The draws of the model *)

(** Every sample is a draw of the list, and the slots of its law stand before it and have its shape. *)
Definition sample_ok (W : written) (sh : PositiveMap.t shape) (j : nat) (s : shape) (k : N) : bool :=
  match find (fun x => Nat.eqb (wdraw_id x) j) (w_draws W) with
  | Some x => index_eqb (wdraw_shape x) s && N.ltb (loc_of x) k && N.ltb (scale_of x) k &&
              index_eqb (Fast.get [] sh (loc_of x)) s && index_eqb (Fast.get [] sh (scale_of x)) s
  | None => false
  end.
Fixpoint samples_ok (W : written) (sh : PositiveMap.t shape) (p : bprogram) (k : N) : bool :=
  match p with
  | [] => true
  | (Sample j s, []) :: p => sample_ok W sh j s k && samples_ok W sh p (N.succ k)
  | _ :: p => samples_ok W sh p (N.succ k)
  end.
(** The draws that slots up to [k] read. *)
Definition drawn_before (n : nat) (p : program) (k : nat) : list nat :=
  flat_map (fun nd => match fst nd with Sample j _ => [j] | _ => [] end) (firstn (S k - n) p).
Fixpoint turns_ok (n : nat) (p : program) (before : list nat) (xs : list wdraw) : bool :=
  match xs with
  | [] => true
  | x :: xs =>
      let k := N.to_nat (N.max (loc_of x) (scale_of x)) in
      Nat.ltb k (n + length p) &&
      forallb (fun i => existsb (Nat.eqb i) before) (drawn_before n p k) && turns_ok n p (wdraw_id x :: before) xs
  end.
Definition noise_of (x : wdraw) : draw :=
  (wdraw_id x, wdraw_shape x, match kind_of x with As_normal => Normal | _ => Uniform end).
(** Of uniform noise the moments of its logarithm are known. *)
Definition in_logs (x : draw) : bool := match snd x with Uniform => true | _ => false end.
(** Slots that are numbers. *)
Definition number_at (n : N) (p : bprogram) (s : shape) (k : N) : option (Z * BinNums.positive) :=
  match nth_error p (N.to_nat (k - n)) with
  | Some (Const a d _, []) => Some (a, d)
  | Some (Lin (Ein vs _ o), [c]) =>
      match nth_error p (N.to_nat (c - n)) with
      | Some (Const a d _, []) => if N.leb n c && N.ltb c k && index_eqb o (all_axes vs) && index_eqb vs s then Some (a, d) else None
      | _ => None
      end
  | _ => None
  end.
Definition numbers_rise (n : N) (p : bprogram) (s : shape) (k k' : N) : bool :=
  N.leb n k && N.leb n k' &&
  match number_at n p s k, number_at n p s k' with
  | Some (a, d), Some (a', d') => Z.ltb (a * Zpos d') (a' * Zpos d)
  | _, _ => false
  end.

(** ** The difference of the costs *)
Fixpoint holders_of (ms : list (shape * poly)) (i : nat) (H : holders) : holders :=
  match ms with
  | [] => H
  | (s, p) :: ms =>
      holders_of ms (S i)
        match p with
        | [Term 1 1 [] [Read k q]] => if index_eqb q (range (length s)) then PositiveMap.add k (i, s) H else H
        | _ => H
        end
  end.
Fixpoint touched_by (j : nat) (p : program) (l : list bool) : list bool :=
  match p with
  | [] => l
  | (o, ps) :: p =>
      touched_by j p (l ++ [match o with Sample i _ => Nat.eqb i j | _ => existsb (fun k => nth k l true) ps end])
  end.
Definition rounds : nat := 24.   (** of multiplying out *)
Fixpoint means (M : meanings) (H : holders) (fix_ : fixed_sizes) (n : nat) (J : program) (ds : list draw) (p : poly) :
  option poly :=
  match ds with
  | [] => Some p
  | x :: ds =>
      if forallb (held H) p then
        match all_some (mean_term M H (draw_id x) (draw_shape x) (touched_by (draw_id x) J (repeat false n)) (in_logs x)) p with
        | Some q => means M H fix_ n J ds (collect (map (tidy fix_ 0) q))
        | None => None
        end
      else None
  end.
Definition vanishes (fix_ : fixed_sizes) (ins : list shape) (J : program) (a b : nat) (ds : list draw) : bool :=
  let '(T, m0) := enter_inputs ins 0 empty in
  match enter_all fix_ Never J T m0 with
  | None => false
  | Some (T, m) =>
      let M := meanings_of T in
      let D := unfolded M fix_ rounds
                 (add_poly (snd (nth a m none)) (scale_poly ((-1)%Z, 1%positive) (snd (nth b m none)))) in
      Nat.ltb a (length m) && Nat.ltb b (length m) &&
      index_eqb (fst (nth a m none)) [] && index_eqb (fst (nth b m none)) [] &&
      match means M (holders_of m 0 (PositiveMap.empty _)) fix_ (length ins) J (rev ds) D with
      | Some [] => true
      | _ => false
      end
  end.

Fixpoint shapes_eqb (l m : list shape) : bool :=
  match l, m with
  | [], [] => true
  | s :: l, t :: m => index_eqb s t && shapes_eqb l m
  | _, _ => false
  end.
Definition joint_graph (B : bgraph) (j : joined) : graph := {|
  g_inputs := b_inputs B; g_nodes := plain_program (j_nodes j); g_cost := N.to_nat (j_written j);
  g_scores := []; g_sizes := b_sizes B |}.
Definition joined_facts (B : bgraph) (moved : list nat) (j : joined) : option (list facts) :=
  scan (plain_program (j_nodes j)) (map (input_facts moved) (range (length (b_inputs B)))).
(** All but that the scales are positive. *)
Definition same_mean_if (W : written) (B : bgraph) (draws : list draw) (moved : list nat) : bool :=
  forallb is_noised (w_draws W) &&
  shapes_eqb (w_inputs W) (b_inputs B) && N.ltb 0 (b_count B) && draws_eqb (map noise_of (w_draws W)) draws &&
  match b_scores B with [] => true | _ => false end &&
  N.ltb (w_cost W) (b_count B + N.of_nat (length (w_nodes W))) && N.ltb (b_cost B) (b_slots B) &&
  turns_ok (length (b_inputs B)) (plain_program (w_nodes W)) [] (w_draws W) &&
  match join W B with
  | None => false
  | Some j =>
      covered (joint_graph B j) draws && samples_ok W (r_shapes (j_model j)) (w_nodes W) (b_count B) &&
      index_eqb (Fast.get [] (r_shapes (j_model j)) (w_cost W)) [] &&
      index_eqb (Fast.get [] (r_shapes (j_graph j)) (b_cost B)) [] &&
      vanishes (b_sizes B) (b_inputs B) (plain_program (j_nodes j)) (N.to_nat (j_written j))
               (N.to_nat (j_source j)) draws &&
      match draws with
      | [] => true
      | _ => match joined_facts B moved j with Some _ => true | None => false end
      end
  end.
(** The scales that are positive by construction, and the bounds that are in order. *)
Definition law_decided (W : written) (B : bgraph) (moved : list nat) (x : wdraw) : bool :=
  match join W B with
  | None => false
  | Some j =>
      match joined_facts B moved j with
      | None => false
      | Some fs =>
          let k := N.to_nat (Fast.get 0%N (r_slots (j_model j)) (scale_of x)) in
          match kind_of x with
          | As_uniform => numbers_rise (b_count B) (w_nodes W) (wdraw_shape x) (loc_of x) (scale_of x)
          | _ =>
              Tame.positive (nth k fs unknown) && index_eqb (shape_of (joint_graph B j) k) (wdraw_shape x) &&
              index_eqb (Fast.get [] (r_shapes (j_model j)) (scale_of x)) (wdraw_shape x) &&
              N.ltb (scale_of x) (b_count B + N.of_nat (length (w_nodes W)))
          end
      end
  end.
Definition same_mean (W : written) (B : bgraph) (draws : list draw) (moved : list nat) : bool :=
  same_mean_if W B draws moved && forallb (law_decided W B moved) (w_draws W).

(** ** Soundness *)
Lemma look_hold {A} (l : list A) : forall n mm k, (k < n + N.of_nat (length l))%N ->
  look (hold l n mm) k = if N.ltb k n then look mm k else nth_error l (N.to_nat (k - n)).
Proof.
  induction l as [|a l IH]; intros n mm k Hk; cbn [hold].
  - simpl in Hk. destruct (N.ltb_spec k n); [easy|lia].
  - cbn [length] in Hk. rewrite IH by lia.
    destruct (N.ltb_spec k (N.succ n)), (N.ltb_spec k n).
    + apply look_other. lia.
    + replace k with n by lia. rewrite look_same, N.sub_diag. reflexivity.
    + lia.
    + replace (N.to_nat (k - n)) with (S (N.to_nat (k - N.succ n))) by lia. reflexivity.
Qed.
Lemma identity_at n k : (k < N.of_nat n)%N -> Fast.get 0%N (identity n) k = k.
Proof.
  intros Hk. unfold identity, Fast.get. rewrite look_hold by (rewrite map_length, seq_length; lia).
  destruct (N.ltb_spec k 0); [lia|]. rewrite N.sub_0_r.
  rewrite (map_nth_error N.of_nat (N.to_nat k) (range n) (d := N.to_nat k)); [lia|].
  rewrite (nth_error_nth' _ 0%nat) by (rewrite seq_length; lia). f_equal. rewrite seq_nth; lia.
Qed.
Lemma shapes_eqb_eq l : forall m, shapes_eqb l m = true -> l = m.
Proof.
  induction l as [|s l IH]; intros [|t m]; simpl; try easy. intros H. apply andb_prop in H as [H1 H2].
  destruct (index_eqb_spec s t); [|easy]. f_equal; auto.
Qed.
Lemma run_prefix rho tr p n e k : (k < n + length p)%nat ->
  run rho tr p n e k = run rho tr (firstn (S k - n) p) n e k.
Proof.
  intros Hk. rewrite <- (firstn_skipn (S k - n) p) at 1. rewrite run_app. apply run_below.
  rewrite firstn_length. lia.
Qed.
Lemma run_ignores rho p : forall n e tr c v,
  ~ In (fst c) (flat_map (fun nd => match fst nd with Sample i _ => [i] | _ => [] end) p) ->
  run rho (set tr c v) p n e = run rho tr p n e.
Proof.
  induction p as [|[o ps] p IH]; intros n e tr c v Hc; auto. cbn [run flat_map fst] in *.
  assert (Hd : den rho (set tr c v) o (map e ps) = den rho tr o (map e ps)).
  { destruct o; auto. cbn [den]. destruct (map e ps); auto. apply functional_extensionality. intros ix.
    unfold set. destruct c as [i jx]; cbn [fst] in Hc.
    destruct (coord_eqb_spec (j, ix) (i, jx)) as [E|]; auto. injection E as -> _. exfalso. apply Hc. now left. }
  rewrite Hd. apply IH. intros Hin. apply Hc. apply in_app_iff. now right.
Qed.
Lemma touched_length j p : forall l, length (touched_by j p l) = (length l + length p)%nat.
Proof.
  induction p as [|[o ps] p IH]; intros l; cbn [touched_by length]; [lia|].
  rewrite IH, app_length. simpl. lia.
Qed.
Lemma touched_sound rho j p : forall l e e' tr ix v,
  (forall k, nth k l true = false -> e' k = e k) ->
  forall k, nth k (touched_by j p l) true = false ->
    run rho (set tr (j, ix) v) p (length l) e' k = run rho tr p (length l) e k.
Proof.
  induction p as [|[o ps] p IH]; intros l e e' tr ix v He k Hk; cbn [touched_by run] in *; auto.
  set (b := match o with Sample i _ => Nat.eqb i j | _ => existsb (fun k => nth k l true) ps end) in *.
  replace (S (length l)) with (length (l ++ [b])) by (rewrite app_length; simpl; lia).
  apply IH; auto. intros i Hi. destruct (Nat.lt_total i (length l)) as [H|[->|H]].
  - rewrite app_nth1 in Hi by auto. rewrite !put_other by lia. auto.
  - rewrite app_nth2, Nat.sub_diag in Hi by lia. cbn [nth] in Hi. rewrite !put_same.
    assert (Hps : o <> o \/ ((forall i s, o <> Sample i s) -> map e' ps = map e ps)).
    { right. intros Ho. apply map_ext_in. intros a Ha. apply He.
      destruct (nth a l true) eqn:Ea; auto. exfalso. unfold b in Hi.
      assert (Hex : existsb (fun k => nth k l true) ps = true) by (apply existsb_exists; now exists a).
      destruct o; try congruence. now destruct (Ho j0 s). }
    destruct Hps as [|Hps]; [easy|].
    destruct o; try (cbn [den]; rewrite Hps by easy; reflexivity).
    cbn [den]. unfold b in Hi. destruct (Nat.eqb_spec j0 j) as [|Hne]; [easy|].
    destruct (map e' ps) eqn:E1, (map e ps) eqn:E2; auto;
      try (apply (f_equal (@length _)) in E1; apply (f_equal (@length _)) in E2; rewrite map_length in *; simpl in *; lia).
    apply functional_extensionality. intros jx. unfold set.
    destruct (coord_eqb_spec (j0, jx) (j, ix)) as [E|]; auto. congruence.
  - rewrite nth_overflow in Hi by (rewrite app_length; simpl; lia). easy.
Qed.
Lemma holders_of_sound ms : forall i H k s n, PositiveMap.find k (holders_of ms i H) = Some (n, s) ->
  PositiveMap.find k H = Some (n, s) \/
  ((i <= n < i + length ms)%nat /\ nth (n - i) ms none = (s, [Term 1 1 [] [Read k (range (length s))]])).
Proof.
  induction ms as [|[s0 p] ms IH]; intros i H k s n E; cbn [holders_of] in E; auto.
  destruct (IH _ _ _ _ _ E) as [E'|[Hn E']]; clear E IH.
  - assert (Hc : PositiveMap.find k H = Some (n, s) \/ exists q, p = [Term 1 1 [] [Read k q]] /\
      q = range (length s0) /\ n = i /\ s = s0).
    { revert E'. destruct (one_read_cases p) as [(k0 & q & ->)|Hnot]; [|rewrite Hnot; auto].
      destruct (index_eqb_spec q (range (length s0))) as [->|]; auto.
      destruct (Pos.eq_dec k k0) as [->|Hne].
      - rewrite PositiveMap.gss. intros E. injection E as <- <-. right. eauto.
      - rewrite PositiveMap.gso by auto. auto. }
    destruct Hc as [|(q & -> & -> & -> & ->)]; auto. right. split; [simpl; lia|].
    rewrite Nat.sub_diag. reflexivity.
  - right. split; [simpl; lia|]. replace (n - i)%nat with (S (n - S i)) by lia. exact E'.
Qed.

(** *** The values of the joint program *)
Lemma samples_ok_at W sh p : forall k, samples_ok W sh p k = true ->
  forall a j s b, p = a ++ (Sample j s, []) :: b -> sample_ok W sh j s (k + N.of_nat (length a)) = true.
Proof.
  induction p as [|[o ps] p IH]; intros k H a j s b E; [now destruct a|].
  assert (Hrest : samples_ok W sh p (N.succ k) = true /\
    match o, ps with Sample j s, [] => sample_ok W sh j s k = true | _, _ => True end).
  { cbn [samples_ok] in H. destruct o; auto. destruct ps; auto. apply andb_prop in H. tauto. }
  destruct Hrest as [Hr Hh]. destruct a as [|nd a]; cbn [app] in E.
  - injection E as -> -> ->. simpl. now rewrite N.add_0_r.
  - injection E as <- ->. cbn [length]. rewrite Nat2N.inj_succ, N.add_succ_r, <- N.add_succ_l.
    eapply IH; eauto.
Qed.

Section Sound.
Variables (W : written) (B : bgraph) (j : joined).
Hypothesis Hj : join W B = Some j.
Hypothesis Hins : w_inputs W = b_inputs B.
Hypothesis Hcount : (0 < b_count B)%N.
Hypothesis Hsamples : samples_ok W (r_shapes (j_model j)) (w_nodes W) (b_count B) = true.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Notation n := (length (b_inputs B)).
Notation nat_of := N.to_nat.
Notation J := (plain_program (j_nodes j)).
Notation slot_of k := (nat_of (Fast.get 0%N (r_slots (j_model j)) k)).

Definition joint_value (e : env) (tr : trace) : env := run rho tr J n e.

Lemma ids_of_find W' i x : find (fun y => Nat.eqb (wdraw_id y) i) (w_draws W') = Some x ->
  wdraw_id x = i /\ In x (w_draws W').
Proof. intros H. apply find_some in H as [H1 H2]. apply Nat.eqb_eq in H2. auto. Qed.

(** Every number of the model is what its noise becomes. *)
Definition related (e : env) (tru trn : trace) : Prop :=
  forall i x, find (fun y => Nat.eqb (wdraw_id y) i) (w_draws W) = Some x ->
  forall ix, In ix (boxs (wdraw_shape x)) ->
  tru i ix = moved_noise (kind_of x) (written_value W rho e tru (loc_of x) ix) (written_value W rho e tru (scale_of x) ix)
               (trn i ix).

(** The slots of the model, and where they end. *)
Lemma joined_model e tru trn : related e tru trn ->
  forall k, (k < b_count B + N.of_nat (length (w_nodes W)))%N ->
  (slot_of k < n + length J)%nat /\
  forall ix, In ix (boxs (Fast.get [] (r_shapes (j_model j)) k)) ->
     written_value W rho e tru k ix = joint_value e trn (slot_of k) ix.
Proof.
  intros Hrel k0 Hk0. unfold join in Hj.
  destruct (rewrite (law_slots W) (w_nodes W) (N.of_nat n) (start (b_inputs B))) as [[p st]|] eqn:E1; [|easy].
  destruct (rewrite (fun _ => None) (b_nodes B) (N.of_nat n) (after (b_inputs B) st)) as [[q st']|] eqn:E2; [|easy].
  injection Hj as Ej.
  assert (N1 : j_nodes j = p ++ q) by now rewrite <- Ej.
  assert (N2 : j_model j = st) by now rewrite <- Ej.
  pose proof Hsamples as Hs0. rewrite N2 in Hs0. unfold joint_value. rewrite N1, N2.
  assert (HS0 : like [] (input_shapes (b_inputs B)) (input_shape (plain B))) by apply input_map_like.
  destruct (rewrite_infer _ _ _ _ _ _ _ E1 HS0) as (shw & Iw & Lw).
  destruct (rewrite_infer _ _ _ _ _ _ _ E2 HS0) as (shb & Ib & Lb).
  rewrite Nat2N.id in Iw, Ib.
  assert (HC0 : carried rho trn (N.of_nat n) (start (b_inputs B)) (input_shape (plain B))
                  (written_value_env W rho e tru) e).
  { constructor; cbn [start r_shapes r_slots r_nodes r_next]; auto.
    - intros k Hk. now rewrite identity_at.
    - intros k o ps Hk. now rewrite look_empty in Hk.
    - intros k Hk ix Hix. rewrite identity_at by auto. unfold written_value_env. rewrite run_below; auto.
      rewrite Hins. lia. }
  assert (Hc0 : (0 < N.of_nat n)%N) by exact Hcount.
  assert (Hpos : (0 < r_next (start (b_inputs B)))%N) by exact Hcount.
  assert (Hlr : law_reads rho (law_slots W) tru trn (N.of_nat n) shw (written_value_env W rho e tru) (w_nodes W)).
  { intros a i s b E. pose proof (samples_ok_at _ _ _ _ Hs0 a i s b E) as Hs. unfold sample_ok in Hs.
    unfold law_slots. destruct (find _ _) as [x|] eqn:Ef; [|easy].
    destruct (ids_of_find _ _ _ Ef) as [_ _].
    repeat (apply andb_prop in Hs as [Hs ?]). 
    repeat match goal with H : N.ltb _ _ = true |- _ => apply N.ltb_lt in H end.
    destruct (index_eqb_spec (wdraw_shape x) s) as [<-|]; [|easy].
    split; [assumption|]. split; [assumption|]. rewrite (Lw (loc_of x)), (Lw (scale_of x)).
    repeat match goal with H : index_eqb ?u ?v = true |- _ => destruct (index_eqb_spec u v); [clear H|easy] end.
    split; [assumption|]. split; [assumption|]. intros ix Hix. now apply (Hrel i x Ef). }
  destruct (rewrite_sound rho (law_slots W) tru trn shw (w_nodes W) (N.of_nat n) _ p st (input_shape (plain B)) e e
              (written_value_env W rho e tru) E1
              ltac:(rewrite Nat2N.id; exact Iw)
              ltac:(rewrite Nat2N.id; unfold written_value_env; rewrite Hins; reflexivity) Hlr HC0 Hpos)
    as [Nw Cw].
  cbn [start r_next] in Nw, Cw. rewrite Nat2N.id in Cw. set (Ew := run rho trn (plain_program p) n e) in *.
  assert (Hn' : nat_of (r_next st) = (n + length (plain_program p))%nat).
  { rewrite Nw. unfold plain_program. rewrite map_length. lia. }
  pose proof (c_slots _ _ _ _ _ _ _ Cw k0 Hk0) as Hw.
  split; [rewrite plain_app, app_length; lia|]. intros ix Hix.
  rewrite plain_app, run_app, run_below by lia.
  change (written_value W rho e tru k0 ix) with (written_value_env W rho e tru (nat_of k0) ix).
  apply (c_values _ _ _ _ _ _ _ Cw); [exact Hk0|]. now rewrite (Lw k0).
Qed.
(** The cost of the graph. *)
Lemma joined_graph e tr : (b_cost B < b_slots B)%N -> Fast.get [] (r_shapes (j_graph j)) (b_cost B) = [] ->
  value (plain B) rho e tr (nat_of (b_cost B)) [] = joint_value e tr (nat_of (j_source j)) [].
Proof.
  intros Hbcost Hscalar. unfold join in Hj.
  destruct (rewrite (law_slots W) (w_nodes W) (N.of_nat n) (start (b_inputs B))) as [[p st]|] eqn:E1; [|easy].
  destruct (rewrite (fun _ => None) (b_nodes B) (N.of_nat n) (after (b_inputs B) st)) as [[q st']|] eqn:E2; [|easy].
  injection Hj as Ej.
  assert (N1 : j_nodes j = p ++ q) by now rewrite <- Ej.
  assert (N3 : j_source j = Fast.get 0%N (r_slots st') (b_cost B)) by now rewrite <- Ej.
  assert (N4 : j_graph j = st') by now rewrite <- Ej.
  unfold joint_value. rewrite N1, N3. rewrite N4 in Hscalar.
  assert (HS0 : like [] (input_shapes (b_inputs B)) (input_shape (plain B))) by apply input_map_like.
  destruct (rewrite_infer _ _ _ _ _ _ _ E2 HS0) as (shb & Ib & Lb). rewrite Nat2N.id in Ib.
  pose proof (rewrite_next _ _ _ _ _ _ E1) as Nw. cbn [start r_next] in Nw.
  set (Ew := run rho tr (plain_program p) n e). set (Vb := run rho tr (plain_program (b_nodes B)) n e).
  assert (HC1 : carried rho tr (N.of_nat n) (after (b_inputs B) st) (input_shape (plain B)) Vb Ew).
  { constructor; cbn [after r_shapes r_slots r_nodes r_next]; auto.
    - intros k Hk. rewrite identity_at by auto. lia.
    - intros k o ps Hk. now rewrite look_empty in Hk.
    - intros k Hk ix Hix. rewrite identity_at by auto. unfold Vb, Ew. rewrite !run_below; auto; lia. }
  assert (Hlb : law_reads rho (fun _ => None) tr tr (N.of_nat n) shb Vb (b_nodes B)) by now intros a i s b _.
  assert (Hc0 : (0 < N.of_nat n)%N) by exact Hcount.
  destruct (rewrite_sound rho (fun _ => None) tr tr shb (b_nodes B) (N.of_nat n) _ q st' (input_shape (plain B)) e Ew Vb E2
              ltac:(rewrite Nat2N.id; exact Ib)
              ltac:(rewrite Nat2N.id; reflexivity) Hlb HC1 ltac:(cbn [after r_next]; lia)) as [Nb Cb].
  cbn [after r_next] in Nb, Cb.
  assert (Hn' : nat_of (r_next st) = (n + length (plain_program p))%nat).
  { rewrite Nw. unfold plain_program. rewrite map_length. lia. }
  rewrite plain_app, run_app, <- Hn'. fold Ew.
  change (value (plain B) rho e tr (nat_of (b_cost B)) []) with (Vb (nat_of (b_cost B)) []).
  apply (c_values _ _ _ _ _ _ _ Cb); [exact Hbcost|].
  rewrite (Lb (b_cost B)), Hscalar. now left.
Qed.
End Sound.

(** *** Draws in turn *)
Lemma in_turn_app M S l m :
  (forall c c', In c l -> In c' (l ++ m) -> ignores (M c) c' /\ ignores (S c) c') ->
  in_turn M S m -> in_turn M S (l ++ m).
Proof.
  induction l as [|c l IH]; cbn [app in_turn]; intros H Hm; auto.
  split; [intros c' Hc'; apply (H c c'); [now left|exact Hc']|].
  split; [intros c' Hc'; apply (H c c'); [now left|exact Hc']|].
  apply IH; auto. intros a a' Ha Ha'. apply H; now right.
Qed.
Definition numbers_of (rho : dim -> nat) (xs : list wdraw) : list coord :=
  flat_map (fun x => map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x)))) xs.
Lemma numbers_of_in rho xs c : In c (numbers_of rho xs) <->
  exists x ix, In x xs /\ c = (wdraw_id x, ix) /\ In ix (box (sizes rho (wdraw_shape x))).
Proof.
  unfold numbers_of. rewrite in_flat_map. split.
  - intros (x & Hx & Hc). apply in_map_iff in Hc as (ix & <- & Hix). eauto 10.
  - intros (x & ix & Hx & -> & Hix). exists x. split; auto. now apply in_map.
Qed.
Lemma firstn_more {A} (x : A) l : forall a b, (a <= b)%nat -> In x (firstn a l) -> In x (firstn b l).
Proof.
  induction l as [|y l IH]; intros a b Hab; [now rewrite !firstn_nil|].
  destruct a as [|a]; [easy|]. destruct b as [|b]; [lia|]. cbn [firstn]. intros [->|H]; [now left|right].
  apply (IH a b); auto. lia.
Qed.
Lemma turns_sound W rho e : NoDup (map wdraw_id (w_draws W)) ->
  forall xs before, turns_ok (length (w_inputs W)) (plain_program (w_nodes W)) before xs = true ->
  (forall x, In x xs -> In x (w_draws W)) -> NoDup (map wdraw_id xs) ->
  (forall x, In x xs -> ~ In (wdraw_id x) before) ->
  in_turn (loc_at W rho e) (scale_at W rho e) (numbers_of rho xs).
Proof.
  intros Hnd. induction xs as [|x xs IH]; intros before H Hin Hd Hb; [exact I|].
  cbn [turns_ok] in H. apply andb_prop in H as [H Ht]. apply andb_prop in H as [Hk Hs].
  apply Nat.ltb_lt in Hk. set (k := N.to_nat (N.max (loc_of x) (scale_of x))) in *.
  cbn [map] in Hd. inversion_clear Hd as [|? ? Hn Hd'].
  cbn [numbers_of flat_map]. apply in_turn_app.
  - intros c c' Hc Hc'. apply in_map_iff in Hc as (ix & <- & _).
    change (map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x))) ++ _) with (numbers_of rho (x :: xs)) in Hc'.
    apply numbers_of_in in Hc' as (y & jx & Hy & -> & _).
    assert (Hno : forall s, (N.to_nat s <= k)%nat -> ignores (fun tr => written_value W rho e tr s) (wdraw_id y, jx)).
    { intros s Hsk tr v. unfold written_value, written_value_env.
      assert (Hlt : (N.to_nat s < length (w_inputs W) + length (plain_program (w_nodes W)))%nat) by lia.
      rewrite (run_prefix rho (set tr _ v) _ _ _ _ Hlt), (run_prefix rho tr _ _ _ _ Hlt), run_ignores; auto.
      cbn [fst]. intros Hr.
      assert (Hr' : In (wdraw_id y) (drawn_before (length (w_inputs W)) (plain_program (w_nodes W)) k)).
      { unfold drawn_before. apply in_flat_map in Hr as (nd & H1 & H2). apply in_flat_map. exists nd.
        split; auto. revert H1. apply firstn_more. lia. }
      rewrite forallb_forall in Hs. specialize (Hs _ Hr'). apply existsb_exists in Hs as (i & Hi & E).
      apply Nat.eqb_eq in E. subst i. exact (Hb y Hy Hi). }
    unfold loc_at, scale_at. rewrite (find_draw_of W x ix Hnd (Hin x (or_introl eq_refl))). cbn [snd].
    split; intros tr v; cbv beta.
    + pose proof (Hno (loc_of x) ltac:(unfold k; lia) tr v) as E. cbv beta in E. now rewrite E.
    + pose proof (Hno (scale_of x) ltac:(unfold k; lia) tr v) as E. cbv beta in E. now rewrite E.
  - apply (IH (wdraw_id x :: before)); auto.
    + intros y Hy. apply Hin. now right.
    + intros y Hy [E|Hy']; [|apply (Hb y); auto; now right]. apply Hn. rewrite E. now apply in_map.
Qed.

(** *** The difference of two slots, read by atoms *)
Opaque unfolded rounds.
Section Difference.
Variables (fix_ : fixed_sizes) (ins : list shape) (J : program).
Variables (T0 T : table) (m0 m : list (shape * poly)).
Variable rho : dim -> nat.
Variable e : env.
Hypothesis Hfix : forall d n, In (d, n) fix_ -> rho d = n.
Hypothesis E0 : enter_inputs ins 0 empty = (T0, m0).
Hypothesis E1 : enter_all fix_ Never J T0 m0 = Some (T, m).
Notation n := (length ins).
Notation boxs s := (box (sizes rho s)).
Notation V tr := (run rho tr J n e).
Notation sh0 := (fun k => nth k ins []).
Notation of_atoms := (meanings_of T).
Notation slots := (holders_of m 0 (PositiveMap.empty (nat * shape))).
Notation by_slots tr := (atom_of slots (fun tr => V tr) tr).

(** Every trace has its atoms. *)
Lemma entered : exists shf, infer J n sh0 = Some shf /\ length m = (n + length J)%nat /\
  forall tr, exists A, fits rho tr e A T /\ represents rho A m shf (V tr).
Proof.
  assert (K0 : ok empty).
  { intros h en s k. unfold bucket, empty; cbn [known]. now rewrite PositiveMap.gempty. }
  destruct (enter_inputs_sound rho (fun _ => zero) e ins 0 _ _ _ K0 E0) as (G0 & B0 & L0 & S0 & _).
  assert (Hsh : forall k, (k < length m0)%nat -> fst (nth k m0 none) = sh0 k) by (intros; apply S0; lia).
  destruct (enter_all_sound rho (fun _ => zero) e fix_ Hfix Never J T0 m0 T m sh0
              (grows_ok _ _ _ _ _ G0) B0 E1 Hsh) as (_ & _ & L1 & shf & I1 & _).
  rewrite L0 in *. exists shf. split; auto. split; [exact L1|]. intros tr.
  destruct (enter_inputs_sound rho tr e ins 0 _ _ _ K0 E0) as (G0' & _ & _ & _ & V0).
  assert (Hsh' : forall k, (k < length m0)%nat -> fst (nth k m0 none) = sh0 k) by (rewrite L0; exact Hsh).
  destruct (enter_all_sound rho tr e fix_ Hfix Never J T0 m0 T m sh0
              (grows_ok _ _ _ _ _ G0') B0 E1 Hsh') as (G1 & _ & _ & shf' & I1' & R1).
  rewrite L0, I1 in I1'. injection I1' as <-.
  pose proof (grows_trans rho tr e _ _ _ G0' G1) as (_ & _ & _ & G).
  destruct (G (fun _ => zero)) as (A & HA & _).
  { intros h en s k. unfold bucket, empty; cbn [known]. now rewrite PositiveMap.gempty. }
  exists A. split; auto. rewrite L0 in R1. apply R1; auto.
  intros k Hk. rewrite L0 in Hk. split; [now apply Hsh|]. intros ix Hix.
  exact (V0 A (grows_fits rho tr e _ _ A G1 HA) k Hk ix Hix).
Qed.

Lemma meanings_hold tr A : fits rho tr e A T ->
  forall k en s, meaning of_atoms k = Some (en, s) -> holds rho tr e A en s k.
Proof. intros HAf k en s E. destruct (meanings_in T k en s E) as [h Hh]. exact (HAf h en s k Hh). Qed.

Variable shf : nat -> shape.
Hypothesis L1 : length m = (n + length J)%nat.
Hypothesis HA : forall tr, exists A, fits rho tr e A T /\ represents rho A m shf (V tr).

Lemma slot_held k i s : holder slots k = Some (i, s) -> (i < n + length J)%nat /\ s = shf i /\
  forall tr A, fits rho tr e A T -> represents rho A m shf (V tr) -> forall ix, In ix (boxs s) -> V tr i ix = A k ix.
Proof.
  intros E. destruct (holders_of_sound m 0 _ k s i E) as [E'|[Hi En]].
- now rewrite PositiveMap.gempty in E'.
- rewrite Nat.sub_0_r in En. rewrite L1 in Hi. split; [lia|].
  destruct (HA (fun _ => zero)) as (A0 & _ & R0). destruct (R0 i) as [S0 _]; [rewrite L1; lia|].
  rewrite En in S0. cbn [fst] in S0. split; auto. intros tr A HAf HR ix Hix.
  destruct (HR i) as [_ V0]; [rewrite L1; lia|]. rewrite <- S0 in V0. rewrite (V0 ix Hix), En. cbn [snd].
  rewrite <- (box_length rho _ _ Hix). apply atom_poly_val.
Qed.

Lemma atoms_known tr : exists A, (forall k en s, meaning of_atoms k = Some (en, s) -> holds rho tr e A en s k) /\
  forall k i s, holder slots k = Some (i, s) -> forall ix, In ix (boxs s) -> V tr i ix = A k ix.
Proof.
  destruct (HA tr) as (A & HAf & HR). exists A. split; [now apply meanings_hold|].
  intros k i s E ix Hix. destruct (slot_held k i s E) as (_ & _ & Hval). now apply Hval.
Qed.

Lemma read_by_slots tr A : fits rho tr e A T -> represents rho A m shf (V tr) ->
  forall p, forallb (held slots) p = true -> poly_val rho A p [] = poly_val rho (by_slots tr) p [].
Proof.
  intros HAf HR p Hp. rewrite forallb_forall in Hp. apply sum_ext. intros t Ht. specialize (Hp t Ht).
unfold held in Hp. unfold term_val. f_equal. apply sum_ext. intros u Hu. cbn [app].
induction (factors t) as [|g fs IH]; auto. cbn [forallb product] in *. apply andb_prop in Hp as [Hg Hp].
f_equal; [|now apply IH]. destruct g as [k q|]; auto. cbn [factor_val]. unfold atom_of.
destruct (holder slots k) as [[i s]|] eqn:Eh; [|easy]. apply andb_prop in Hg as [Hg1 Hg2].
destruct (index_eqb_spec (pick (over t) q) s) as [<-|]; [|easy].
destruct (slot_held k i _ Eh) as (_ & _ & Hval). symmetry. apply Hval; auto. now apply pick_in.
Qed.

(** The difference is what was multiplied out. *)
Lemma difference_unfolded a b tr A : (a < length m)%nat -> (b < length m)%nat ->
  fst (nth a m none) = [] -> fst (nth b m none) = [] -> fits rho tr e A T -> represents rho A m shf (V tr) ->
  V tr a [] - V tr b [] = poly_val rho A (unfolded of_atoms fix_ rounds
    (add_poly (snd (nth a m none)) (scale_poly ((-1)%Z, 1%positive) (snd (nth b m none))))) [].
Proof.
  intros Ha Hb Sa Sb HAf HR. rewrite (unfolded_sound of_atoms fix_ rho tr e A Hfix (meanings_hold tr A HAf)).
  rewrite add_poly_val, scale_poly_val. unfold ratio; cbn [fst snd].
  destruct (HR a Ha) as [Sa' Va]. destruct (HR b Hb) as [Sb' Vb].
  rewrite Va, Vb by (rewrite <- ?Sa', <- ?Sb', ?Sa, ?Sb; now left). field.
Qed.
End Difference.

(** *** The mean of the difference *)
Section Vanish.
Variables (fix_ : fixed_sizes) (ins : list shape) (J : program) (a b : nat) (draws : list draw).
Variable rho : dim -> nat.
Variable e : env.
Hypothesis Hfix : forall d n, In (d, n) fix_ -> rho d = n.
Hypothesis Hv : vanishes fix_ ins J a b draws = true.
Notation n := (length ins).
Notation boxs s := (box (sizes rho s)).
Notation V tr := (run rho tr J n e).
Notation sh0 := (fun k => nth k ins []).

Variable cs : list coord.
Variable K : coord -> expectation R.
Hypothesis Hcs : NoDup cs.
Hypothesis Hin : forall x, In x draws -> forall ix, In ix (boxs (draw_shape x)) -> In (draw_id x, ix) cs.
Hypothesis Kt : forall c, tame_base (K c).
Hypothesis Kn : forall x, In x draws -> forall ix, In ix (boxs (draw_shape x)) ->
  K (draw_id x, ix) = if in_logs x then unitE else normalE.
Hypothesis Hnice : draws <> [] -> forall shf, infer J n sh0 = Some shf -> forall k, (k < n + length J)%nat ->
  forall ix, In ix (boxs (shf k)) -> nice cs (fun tr => V tr k ix).
Notation law := (drawE K cs (fun _ => zero)).

Lemma all_some_split {A B} (f : A -> option B) x l q : all_some f (x :: l) = Some q ->
  exists y m, f x = Some y /\ all_some f l = Some m /\ q = y :: m.
Proof. cbn [all_some]. destruct (f x), (all_some f l); try easy. intros E. injection E as <-. eauto. Qed.

Theorem vanishes_sound :
  infer J n sh0 <> None /\
  (draws = [] -> forall tr, V tr a [] = V tr b []) /\
  (draws <> [] -> Int law (fun tr => V tr a []) /\ Ex law (fun tr => V tr a []) = Ex law (fun tr => V tr b [])).
Proof.
  unfold vanishes in Hv. destruct (enter_inputs ins 0 empty) as [T0 m0] eqn:E0.
  destruct (enter_all fix_ Never J T0 m0) as [[T m]|] eqn:E1; [|easy].
  apply andb_prop in Hv as [H Hm]. apply andb_prop in H as [H Hsb]. apply andb_prop in H as [H Hsa].
  apply andb_prop in H as [Ha Hb]. apply Nat.ltb_lt in Ha, Hb.
  destruct (index_eqb_spec (fst (nth a m none)) []) as [Sa|]; [|discriminate Hsa].
  destruct (index_eqb_spec (fst (nth b m none)) []) as [Sb|]; [|discriminate Hsb]. clear Hsa Hsb.
  destruct (entered fix_ ins J T0 T m0 m rho e Hfix E0 E1) as (shf & I1 & L1 & HA). split; [now rewrite I1|].
  pose proof (slot_held ins J T m rho e shf L1 HA) as Hheld.
  pose proof (atoms_known ins J T m rho e shf L1 HA) as HKn.
  pose proof (read_by_slots ins J T m rho e shf L1 HA) as Hagree.
  assert (HD := fun tr A => difference_unfolded fix_ ins J T m rho e Hfix shf a b tr A Ha Hb Sa Sb).
  set (M := meanings_of T) in *. set (H := holders_of m 0 (PositiveMap.empty (nat * shape))) in *.
  set (D := unfolded M fix_ rounds _) in *.
  clearbody D.
  destruct draws as [|x0 xs0] eqn:Edr.
  - split; [|easy]. intros _ tr. cbn [rev means] in Hm. destruct D as [|? ?] eqn:ED; [|easy].
    destruct (HA tr) as (A & HAf & HR). pose proof (HD tr A HAf HR) as E. unfold poly_val in E. cbn [sum] in E. lra.
  - split; [easy|]. intros Hne. rewrite <- Edr in *. clear Edr x0 xs0. specialize (Hnice Hne shf I1).
    assert (Hslot : forall k i s, holder H k = Some (i, s) -> forall ix, In ix (boxs s) ->
      nice cs (fun tr => V tr i ix)).
    { intros k i s E ix Hix. destruct (Hheld k i s E) as (Hi & -> & _). now apply Hnice. }
    set (at_ := fun tr => atom_of H (fun tr => V tr) tr).
    assert (Hpoly_nice : forall p, forallb (held H) p = true -> nice cs (fun tr => poly_val rho (at_ tr) p [])).
    { intros p Hp. rewrite forallb_forall in Hp. unfold poly_val. apply nice_sum. intros t Ht.
      apply (term_nice H rho cs (fun tr => V tr) Hslot t). now apply Hp. }
    assert (Hmean : forall ds p q, (forall x, In x ds -> In x draws) -> means M H fix_ n J ds p = Some q ->
      ds <> [] -> forallb (held H) p = true /\
      (q = [] -> Ex law (fun tr => poly_val rho (at_ tr) p []) = 0)).
    { induction ds as [|x ds IH]; intros p q Hsub Hq Hds; [easy|]. cbn [means] in Hq.
      destruct (forallb (held H) p) eqn:Hp; [|easy]. split; auto. intros ->.
      destruct (all_some _ p) as [p'|] eqn:Ep; [|easy].
      assert (Hstep : Ex law (fun tr => poly_val rho (at_ tr) p []) = Ex law (fun tr => poly_val rho (at_ tr) p' [])
        /\ forallb (held H) p' = true).
      { assert (Hx : In x draws) by (apply Hsub; now left). clear IH Hq Hsub.
        revert p' Ep. induction p as [|t p IHp]; intros p' Ep.
        - injection Ep as <-. auto.
        - destruct (all_some_split _ _ _ _ Ep) as (t' & m' & Et & Em & ->).
          cbn [forallb] in Hp. apply andb_prop in Hp as [Ht Hp]. destruct (IHp Hp m' Em) as [E2 H2].
          assert (Ht' : held H t' = true).
          { revert Et. unfold mean_term. destruct (reads_in _ _ _ _ _ _) as [qs rest] eqn:Ed.
            pose proof Ht as Ht0. destruct t as [tn td to tf]. rewrite held_coefficient in Ht0. cbn [factors] in Ed.
            destruct (reads_in_sound M H rho e (fun tr => V tr) HKn (draw_id x) (draw_shape x) (in_logs x)
                        to tf qs rest Ed Ht0) as [Hr _].
            cbn [num denom over factors]. destruct qs as [|q0 [|q1 [|? ?]]]; try easy.
            - intros E. injection E as <-. exact Ht.
            - destruct (forallb _ rest); [|easy]. intros E. injection E as <-. destruct (in_logs x); [|reflexivity].
              now rewrite held_coefficient.
            - destruct (index_eqb q0 q1); [|easy]. destruct (forallb _ rest); [|easy]. intros E. injection E as <-.
              now rewrite held_coefficient. }
          split; [|now cbn [forallb]; rewrite Ht', H2].
          unfold poly_val in *. cbn [sum].
          assert (Hone : forall s, held H s = true -> Int law (fun tr => term_val rho (at_ tr) s [])).
          { intros s Hs. apply (nice_int _ cs Kt Hcs). now apply (term_nice H rho cs (fun tr => V tr) Hslot). }
          rewrite (Ex_plus law (fun tr => term_val rho (at_ tr) t []) (fun tr => sum p (fun t => term_val rho (at_ tr) t [])));
            [|now apply Hone|apply (nice_int _ cs Kt Hcs); now apply (Hpoly_nice p)].
          rewrite (Ex_plus law (fun tr => term_val rho (at_ tr) t' []) (fun tr => sum m' (fun t => term_val rho (at_ tr) t [])));
            [|now apply Hone|apply (nice_int _ cs Kt Hcs); now apply (Hpoly_nice m')].
          rewrite E2. f_equal.
          apply (mean_term_sound M H rho e K cs (fun tr => V tr) Kt Hcs HKn Hslot
                   (draw_id x) (draw_shape x) (touched_by (draw_id x) J (repeat false n)) (Hin x Hx)
                   (in_logs x) (Kn x Hx)); auto.
          intros i Hi ix tr v. cbv beta. pose proof (touched_sound rho (draw_id x) J (repeat false n) e e tr ix v) as Hts.
          rewrite repeat_length in Hts. apply Hts; auto. }
      destruct Hstep as [-> Hp'].
      assert (Hsame : forall tr, poly_val rho (at_ tr) p' [] =
        poly_val rho (at_ tr) (collect (map (tidy fix_ 0) p')) []).
      { intros tr. rewrite collect_val. unfold poly_val. rewrite sum_map. apply sum_ext. intros t _. symmetry.
        now apply (tidy_val rho (at_ tr) fix_ Hfix 0). }
      rewrite (Ex_ext law _ _ Hsame). destruct ds as [|y ds].
      - cbn [means] in Hq. injection Hq as ->. apply Ex_none. intros tr. reflexivity.
      - destruct (IH _ _ (fun z Hz => Hsub z (or_intror Hz)) Hq) as [_ HI]; [easy|now apply HI]. }
    destruct (means M H fix_ n J (rev draws) D) as [[|? ?]|] eqn:Em; try easy.
    destruct (Hmean (rev draws) D [] (fun x Hx => proj2 (in_rev _ _) Hx) Em) as [HDh HD0].
    { intros Er. apply Hne. apply (f_equal (@rev _)) in Er. now rewrite rev_involutive in Er. }
    assert (Hna : nice cs (fun tr => V tr a [])).
    { apply Hnice; [lia|]. destruct (HA (fun _ => zero)) as (A0 & _ & R0). destruct (R0 a Ha) as [S0 _].
      rewrite <- S0, Sa. now left. }
    split; [now apply (nice_int _ cs Kt Hcs)|].
    assert (Hdiff : forall tr, V tr b [] = V tr a [] + -1 * poly_val rho (at_ tr) D []).
    { intros tr. destruct (HA tr) as (A & HAf & HR). change (at_ tr) with (atom_of H (fun tr => V tr) tr).
      rewrite <- (Hagree tr A HAf HR D HDh), <- (HD tr A HAf HR). ring. }
    assert (Id : Int law (fun tr => poly_val rho (at_ tr) D [])) by (apply (nice_int _ cs Kt Hcs); now apply Hpoly_nice).
    rewrite (Ex_ext law (fun tr => V tr b []) _ Hdiff), Ex_plus, Ex_scal, HD0 by
      (auto; try (now apply (nice_int _ cs Kt Hcs)); now apply Int_scal). ring.
Qed.
End Vanish.

(** *** The theorem *)
Definition scales_positive (W : written) (rho : dim -> nat) (e : env) : Prop :=
  forall tr x ix, In x (w_draws W) -> In ix (box (sizes rho (wdraw_shape x))) ->
  is_law (kind_of x) (written_value W rho e tr (loc_of x) ix) (written_value W rho e tr (scale_of x) ix).

Lemma locally_below (N : nat) (P : nat -> R -> Prop) : (forall k, (k < N)%nat -> locally 0 (P k)) ->
  locally 0 (fun t => forall k, (k < N)%nat -> P k t).
Proof.
  induction N as [|N IH]; intros H.
  - apply filter_forall. intros t k Hk. lia.
  - assert (H1 : locally 0 (fun t => forall k, (k < N)%nat -> P k t)) by (apply IH; intros; apply H; lia).
    generalize (filter_and _ _ H1 (H N ltac:(lia))). apply filter_imp. intros t [Ha Hb] k Hk.
    destruct (Nat.eq_dec k N) as [->|]; [exact Hb|apply Ha; lia].
Qed.
Lemma tamed_nice rho cs fs sh V W : (forall d, (0 < rho d)%nat) -> tamed rho cs fs sh V W ->
  locally 0 (fun t => forall k, (k < length fs)%nat -> forall ix, In ix (box (sizes rho (sh k))) ->
    nice cs (fun tr => V t tr k ix)).
Proof.
  intros Hrho [HF _ HN]. assert (HG : locally 0 (fun t => forall k, (k < length fs)%nat ->
    exists C c, 0 <= C /\ 0 <= c /\ forall tr ix, In ix (box (sizes rho (sh k))) ->
      Rabs (V t tr k ix) <= C * exp (c * spread cs tr))).
  { apply locally_below. intros k Hk. destruct (HF k Hk) as [(c & Hc & C & HC & L) _ _ _ _ _].
    revert L. apply filter_imp. intros t Ht. exists C, c. repeat split; auto. }
  generalize (filter_and _ _ HG HN). apply filter_imp. intros t [HA HB] k Hk ix Hix. split.
  - destruct (HA k Hk) as (C & c & HC & Hc & Hb). exists C, c. repeat split; auto.
  - intros c tr v Hv. destruct (HB tr c v k ix Hv Hk Hix) as [l Hl]. exact (derive_continuity _ _ _ Hl).
Qed.

Section Equal.
Variables (W : written) (B : bgraph) (draws : list draw) (moved : list nat).
Hypothesis Hcheck : same_mean_if W B draws moved = true.
Variable rho : dim -> nat.
Hypothesis Hsized : sized (plain B) rho.
Variables e d : env.
Hypothesis Hdir : forall k ix, ~ In k moved -> d k ix = 0.
Notation boxs s := (box (sizes rho s)).
Notation equal_means t := (written_cost W rho (line e d t) = expected_cost (plain B) rho (model_law rho draws) (line e d t)).

Lemma find_related u n' : NoDup (map wdraw_id (w_draws W)) ->
  forall e', (forall c, In c (written_numbers W rho) ->
    get u c = moved_noise (kind_at W c) (loc_at W rho e' c u) (scale_at W rho e' c u) (get n' c)) -> related W rho e' u n'.
Proof.
  intros Hnd e' H i x Ef ix Hix. destruct (ids_of_find _ _ _ Ef) as [<- Hx].
  specialize (H (wdraw_id x, ix)). unfold loc_at, scale_at, kind_at in H. rewrite (find_draw_of W x ix Hnd Hx) in H.
  cbn [snd] in H. apply H. unfold written_numbers. apply in_flat_map. exists x. split; auto. now apply in_map.
Qed.

(** For laws that are laws wherever the model may come. *)
Lemma equal_where_positive :
  locally 0 (fun t => forall u n', related W rho (line e d t) u n' ->
    forall x ix, In x (w_draws W) -> In ix (boxs (wdraw_shape x)) ->
      is_law (kind_of x) (written_value W rho (line e d t) u (loc_of x) ix)
             (written_value W rho (line e d t) u (scale_of x) ix)) ->
  locally 0 (fun t => equal_means t).
Proof.
  intros Hpos. unfold same_mean_if in Hcheck.
  destruct (join W B) as [j|] eqn:Hj; [|now rewrite !andb_false_r in Hcheck].
  apply andb_prop in Hcheck as [H Hrest]. apply andb_prop in H as [H Hturns]. apply andb_prop in H as [H Hbc].
  apply andb_prop in H as [H Hwc]. apply andb_prop in H as [H Hns]. apply andb_prop in H as [H Hdr].
  apply andb_prop in H as [H Hcnt]. apply andb_prop in H as [Hall Hins].
  apply andb_prop in Hrest as [H Htame]. apply andb_prop in H as [H Hvan].
  apply andb_prop in H as [H Hbs]. apply andb_prop in H as [H Hcs].
  destruct (index_eqb_spec (Fast.get [] (r_shapes (j_graph j)) (b_cost B)) []) as [Hbsh|]; [clear Hbs|easy]. apply andb_prop in H as [Hcov Hsam].
  apply shapes_eqb_eq in Hins. apply N.ltb_lt in Hcnt, Hwc, Hbc. apply draws_eqb_eq in Hdr.
  destruct (b_scores B) as [|? ?] eqn:Hsc; [clear Hns|easy].
  destruct (index_eqb_spec (Fast.get [] (r_shapes (j_model j)) (w_cost W)) []) as [Hwsh|]; [clear Hcs|easy].
  destruct (covered_sound _ _ Hcov) as [Hnd Hcovers].
  assert (Hids : map draw_id draws = map wdraw_id (w_draws W)) by (rewrite <- Hdr, map_map; reflexivity).
  assert (Hnoise : forall x, In x draws -> is_finite x = false).
  { intros x Hx. rewrite <- Hdr in Hx. apply in_map_iff in Hx as (y & <- & _). unfold noise_of, is_finite. cbn [snd].
    now destruct (kind_of y). }
  assert (Horder : in_order draws = draws).
  { unfold in_order. clear - Hnoise. induction draws as [|x l IH]; auto. cbn [filter].
    rewrite (Hnoise x (or_introl eq_refl)). cbn [negb app]. f_equal. apply IH. intros y Hy. apply Hnoise. now right. }
  assert (Hnum : numbers rho (in_order draws) = written_numbers W rho).
  { rewrite Horder, <- Hdr. unfold numbers, written_numbers. rewrite !flat_map_concat_map, map_map. reflexivity. }
  set (K := fun c => noise_law (kind_at W c)).
  assert (Hlaw : model_law rho draws = drawE K (written_numbers W rho) (fun _ => zero)).
  { unfold model_law. rewrite Hnum. f_equal. apply functional_extensionality. intros c. unfold base_at, K, kind_at, find_draw.
    rewrite <- Hdr. clear. induction (w_draws W) as [|x l IH]; [reflexivity|]. cbn [map find].
    change (draw_id (noise_of x)) with (wdraw_id x). destruct (Nat.eqb _ _); [|exact IH]. unfold noise_of; cbn [snd].
    now destruct (kind_of x). }
  assert (Kt : forall c, tame_base (K c)).
  { intros c. unfold K, noise_law. destruct (kind_at W c); [apply tame_normal|apply tame_unit..]. }
  assert (Hnodup : NoDup (written_numbers W rho)).
  { rewrite <- Hnum, Horder. now apply numbers_NoDup. }
  rewrite Hids in Hnd. rewrite <- Hins in Hturns.
  assert (Kn : forall x, In x draws -> forall ix, In ix (boxs (draw_shape x)) ->
    K (draw_id x, ix) = if in_logs x then unitE else normalE).
  { intros x Hx ix _. rewrite <- Hdr in Hx. apply in_map_iff in Hx as (y & <- & Hy). unfold K, kind_at.
    change (draw_id (noise_of y)) with (wdraw_id y). rewrite (find_draw_of W y ix Hnd Hy).
    unfold noise_of, in_logs; cbn [snd]. now destruct (kind_of y). }
  assert (Hturn : forall e', in_turn (loc_at W rho e') (scale_at W rho e') (written_numbers W rho)).
  { intros e'. apply (turns_sound W rho e' Hnd (w_draws W) []); auto. }
  assert (Hfix : forall d n, In (d, n) (b_sizes B) -> rho d = n) by (intros d' n Hin; now apply (proj1 Hsized)).
  set (cs := written_numbers W rho) in *.
  set (V := fun e' tr => run rho tr (plain_program (j_nodes j)) (length (b_inputs B)) e').
  assert (Hscalar : exists shb, infer (plain_program (b_nodes B)) (length (b_inputs B)) (input_shape (plain B)) = Some shb).
  { unfold join in Hj. destruct (rewrite (law_slots W) _ _ _) as [[p st]|]; [|easy].
    destruct (rewrite (fun _ => None) _ _ _) as [[q st']|] eqn:E2; [|easy].
    destruct (rewrite_infer _ _ _ _ _ _ (input_shape (plain B)) E2 (input_map_like B)) as (shb & Ib & _).
    rewrite Nat2N.id in Ib. now exists shb. }
  (* what the joint program says of both costs *)
  assert (Hgraph : forall e' tr, joint (plain B) rho e' tr = V e' tr (N.to_nat (j_source j)) []).
  { intros e' tr. unfold joint, log_density. cbn [plain g_scores]. rewrite Hsc. cbn [plain_pairs map sum].
    rewrite exp_0, Rmult_1_l. exact (joined_graph W B j Hj Hcnt rho e' tr Hbc Hbsh). }
  assert (Hmodel : forall e' u n', related W rho e' u n' ->
    written_value W rho e' u (w_cost W) [] = V e' n' (N.to_nat (j_written j)) []).
  { intros e' u n' Hr. destruct (joined_model W B j Hj Hins Hcnt Hsam rho e' u n' Hr (w_cost W) Hwc) as [_ Hv].
    rewrite Hv by (rewrite Hwsh; now left). unfold V, joint_value.
    replace (j_written j) with (Fast.get 0%N (r_slots (j_model j)) (w_cost W)); auto.
    unfold join in Hj. destruct (rewrite (law_slots W) _ _ _) as [[p st]|]; [|easy].
    destruct (rewrite (fun _ => None) _ _ _) as [[q st']|]; [|easy]. injection Hj as <-. reflexivity. }
  assert (Hwritten : forall e', written_cost W rho e' =
    Ex (drawn_by (kind_at W) (loc_at W rho e') (scale_at W rho e') cs (fun _ => zero))
       (fun tr => written_value W rho e' tr (w_cost W) [])).
  { intros e'. unfold written_cost. rewrite written_drawn_by; auto. }
  (* where all is nice *)
  set (JG := joint_graph B j).
  assert (Hnice : draws <> [] -> locally 0 (fun t => forall shf,
    infer (plain_program (j_nodes j)) (length (b_inputs B)) (input_shape (plain B)) = Some shf ->
    forall k, (k < length (b_inputs B) + length (plain_program (j_nodes j)))%nat ->
    forall ix, In ix (boxs (shf k)) -> nice cs (fun tr => V (line e d t) tr k ix))).
  { intros Hne. unfold joined_facts in Htame. set (fs := map (input_facts moved) (range (length (b_inputs B)))) in *.
    assert (Hfs : length fs = length (b_inputs B)) by (unfold fs; now rewrite map_length, seq_length).
    destruct (scan (plain_program (j_nodes j)) fs) as [fs'|] eqn:Hscan; [|now destruct draws].
    destruct (infer (plain_program (j_nodes j)) (length (b_inputs B)) (input_shape (plain B))) as [shf|] eqn:Hi;
      [|apply filter_forall; easy].
    assert (Hcov' : covers rho cs (plain_program (j_nodes j))).
    { specialize (Hcovers rho). rewrite Hnum in Hcovers. exact Hcovers. }
    destruct (scan_sound rho (proj2 Hsized) cs (plain_program (j_nodes j)) fs fs' (input_shape (plain B)) shf
                (fun t _ => line e d t) (fun _ _ => d)) as [L T]; auto.
    { now rewrite Hfs. }
    { now apply inputs_tamed. }
    rewrite Hfs in L, T. generalize (tamed_nice rho cs fs' shf _ _ (proj2 Hsized) T). apply filter_imp.
    intros t Ht shf' E k Hk ix Hix. injection E as <-. apply Ht; auto. rewrite L. exact Hk. }
  destruct draws as [|x0 xs0] eqn:Edr.
  - (* nothing is drawn *)
    assert (Hnone : w_draws W = []) by (destruct (w_draws W); [easy|discriminate Hdr]).
    apply filter_forall. intros t. rewrite Hwritten. unfold expected_cost. rewrite Hlaw.
    assert (Hcs0 : cs = []) by (unfold cs, written_numbers; rewrite Hnone; reflexivity).
    rewrite Hcs0. cbn [drawn_by drawE Ex diracE]. rewrite Hgraph.
    rewrite (Hmodel _ _ (fun _ => zero)) by (intros i x Ef; rewrite Hnone in Ef; easy).
    destruct (vanishes_sound (b_sizes B) (b_inputs B) (plain_program (j_nodes j)) _ _ [] rho (line e d t) Hfix Hvan
                [] K (NoDup_nil _) ltac:(easy) Kt ltac:(easy) ltac:(easy)) as (_ & Heq & _).
    now apply Heq.
  - rewrite <- Edr in *. assert (Hne : draws <> []) by (rewrite Edr; easy).
    generalize (filter_and _ _ Hpos (Hnice Hne)). apply filter_imp. intros t [Hp Hn].
    rewrite Hwritten. unfold expected_cost. rewrite Hlaw.
    assert (Hin : forall x, In x draws -> forall ix, In ix (boxs (draw_shape x)) -> In (draw_id x, ix) cs).
    { intros x Hx ix Hix. rewrite <- Hnum, Horder. apply numbers_in. now exists x, ix. }
    destruct (vanishes_sound (b_sizes B) (b_inputs B) (plain_program (j_nodes j)) _ _ draws rho (line e d t)
                Hfix Hvan cs K Hnodup Hin Kt Kn (fun _ => Hn)) as (_ & _ & Heq).
    destruct (Heq Hne) as [Ia Ea].
    transitivity (Ex (drawE K cs (fun _ => zero)) (fun tr => V (line e d t) tr (N.to_nat (j_written j)) [])).
    + apply (transported (kind_at W) _ _ cs _ _ Hnodup (Hturn (line e d t)) (fun _ => zero) (fun _ => zero)); [|exact Ia].
      intros u' n' L. assert (Hr : related W rho (line e d t) u' n').
      { apply find_related; auto. intros c Hc.
        now apply (leads_related (kind_at W) _ _ cs (fun _ => zero) (fun _ => zero) u' n'). }
      split; [now apply Hmodel|]. intros c Hc. unfold cs, written_numbers in Hc.
      apply in_flat_map in Hc as (x & Hx & Hc). apply in_map_iff in Hc as (ix & <- & Hix).
      unfold scale_at, loc_at, kind_at. rewrite (find_draw_of W x ix Hnd Hx). cbn [snd]. now apply (Hp u' n' Hr x ix).
    + etransitivity; [exact Ea|]. apply Ex_ext. intros tr. symmetry. apply Hgraph.
Qed.

(** The model as it is written and the graph have the same expected cost, near the point, if all scales are
    positive there. *)
Theorem same_mean_if_sound : locally 0 (fun t => scales_positive W rho (line e d t)) ->
  locally 0 (fun t => equal_means t).
Proof.
  intros H. apply equal_where_positive. revert H. apply filter_imp. intros t Ht u n' _ x ix Hx Hix. now apply Ht.
Qed.

(** Numbers. *)
Lemma run_at tr p : forall n e' i o ps, nth_error p i = Some (o, ps) -> (forall q, In q ps -> (q < n + i)%nat) ->
  run rho tr p n e' (n + i)%nat = den rho tr o (map (run rho tr p n e') ps).
Proof.
  induction p as [|[o0 ps0] p IH]; intros n e' i o ps H Hps; [now destruct i|]. destruct i as [|i]; cbn [nth_error] in H.
  - injection H as -> ->. rewrite Nat.add_0_r in *. cbn [run]. rewrite run_below, put_same by lia. f_equal.
    apply map_ext_in. intros q Hq. specialize (Hps q Hq). rewrite run_below, put_other by lia. reflexivity.
  - cbn [run]. replace (n + S i)%nat with (S n + i)%nat by lia. apply IH; auto. intros q Hq. specialize (Hps q Hq). lia.
Qed.
Lemma number_value e' tr s k a dd : w_inputs W = b_inputs B -> N.leb (b_count B) k = true ->
  number_at (b_count B) (w_nodes W) s k = Some (a, dd) ->
  forall ix, In ix (boxs s) -> written_value W rho e' tr k ix = IZR a / IZR (Zpos dd).
Proof.
  intros Hins Hk H ix Hix. apply N.leb_le in Hk. unfold written_value, written_value_env. rewrite Hins. set (n := length (b_inputs B)).
  assert (Hat : forall k0 o ps, (b_count B <= k0)%N -> nth_error (w_nodes W) (N.to_nat (k0 - b_count B)) = Some (o, ps) ->
    (forall q, In q ps -> (q < k0)%N) ->
    run rho tr (plain_program (w_nodes W)) n e' (N.to_nat k0) =
    den rho tr o (map (run rho tr (plain_program (w_nodes W)) n e') (map N.to_nat ps))).
  { intros k0 o ps H0 Hn Hq. replace (N.to_nat k0) with (n + N.to_nat (k0 - b_count B))%nat by (unfold b_count, n in *; lia).
    apply run_at; [unfold plain_program; now rewrite nth_error_map, Hn|].
    intros q Hq'. apply in_map_iff in Hq' as (q0 & <- & Hq0). specialize (Hq q0 Hq0). unfold b_count, n in *. lia. }
  unfold number_at in H. destruct (nth_error (w_nodes W) (N.to_nat (k - b_count B))) as [[o ps]|] eqn:En; [|discriminate].
  destruct o as [f|f|l|? ? ? ?|? ?|a0 d0 s0|?|?|? ?]; try discriminate.
  - destruct l as [vs i o|? ? ? ?|? ? ? ?|? ?]; try discriminate. destruct ps as [|c [|? ?]]; try discriminate.
    destruct (nth_error (w_nodes W) (N.to_nat (c - b_count B))) as [[o' ps']|] eqn:Ec; [|discriminate].
    destruct o' as [f|f|l|? ? ? ?|? ?|a0 d0 s0|?|?|? ?]; try discriminate. destruct ps' as [|? ?]; [|discriminate].
    destruct (N.leb (b_count B) c && N.ltb c k && index_eqb o (all_axes vs) && index_eqb vs s) eqn:Hc; [|discriminate].
    injection H as <- <-. apply andb_prop in Hc as [Hc Hs]. apply andb_prop in Hc as [Hc Ho]. apply andb_prop in Hc as [Hb Hck].
    destruct (index_eqb_spec vs s) as [->|]; [|discriminate]. destruct (index_eqb_spec o (all_axes s)) as [->|]; [|discriminate].
    apply N.leb_le in Hb. apply N.ltb_lt in Hck.
    rewrite (Hat k _ _ Hk En) by (intros q [<-|[]]; exact Hck). cbn [map den]. rewrite widen_at by exact Hix.
    rewrite (Hat c _ _ Hb Ec) by easy. reflexivity.
  - destruct ps as [|? ?]; [|discriminate]. injection H as <- <-. rewrite (Hat k _ _ Hk En) by easy. reflexivity.
Qed.
Lemma numbers_are_bounds e' tr x ix : w_inputs W = b_inputs B ->
  numbers_rise (b_count B) (w_nodes W) (wdraw_shape x) (loc_of x) (scale_of x) = true -> In ix (boxs (wdraw_shape x)) ->
  written_value W rho e' tr (loc_of x) ix < written_value W rho e' tr (scale_of x) ix.
Proof.
  intros Hins H Hix. unfold numbers_rise in H. apply andb_prop in H as [H Hr]. apply andb_prop in H as [Hl Hs].
  destruct (number_at _ _ _ (loc_of x)) as [[a dd]|] eqn:El; [|discriminate].
  destruct (number_at _ _ _ (scale_of x)) as [[a' dd']|] eqn:Es; [|discriminate].
  rewrite (number_value e' tr _ _ a dd Hins Hl El ix Hix), (number_value e' tr _ _ a' dd' Hins Hs Es ix Hix).
  apply Z.ltb_lt, IZR_lt in Hr. rewrite !mult_IZR in Hr.
  assert (H1 : 0 < IZR (Zpos dd)) by (apply IZR_lt; lia). assert (H2 : 0 < IZR (Zpos dd')) by (apply IZR_lt; lia).
  apply (Rmult_lt_reg_r (IZR (Zpos dd) * IZR (Zpos dd'))); [now apply Rmult_lt_0_compat|].
  replace (IZR a / IZR (Zpos dd) * (IZR (Zpos dd) * IZR (Zpos dd'))) with (IZR a * IZR (Zpos dd')) by (field; lra).
  replace (IZR a' / IZR (Zpos dd') * (IZR (Zpos dd) * IZR (Zpos dd'))) with (IZR a' * IZR (Zpos dd)) by (field; lra). exact Hr.
Qed.

(** Scales that are positive by construction. *)
Theorem same_mean_sound : forallb (law_decided W B moved) (w_draws W) = true ->
  locally 0 (fun t => equal_means t).
Proof.
  intros Hdec. apply equal_where_positive. pose proof Hcheck as H. unfold same_mean_if in H.
  destruct (join W B) as [j|] eqn:Hj; [|now rewrite !andb_false_r in H].
  apply andb_prop in H as [H Hrest]. apply andb_prop in H as [H _]. apply andb_prop in H as [H _].
  apply andb_prop in H as [H _]. apply andb_prop in H as [H _]. apply andb_prop in H as [H _].
  apply andb_prop in H as [H Hcnt]. apply andb_prop in H as [_ Hins]. apply andb_prop in Hrest as [H _]. apply andb_prop in H as [H Hvan].
  apply andb_prop in H as [H _]. apply andb_prop in H as [H _]. apply andb_prop in H as [Hcov Hsam].
  apply shapes_eqb_eq in Hins. apply N.ltb_lt in Hcnt.
  destruct (covered_sound _ _ Hcov) as [_ Hcovers]. specialize (Hcovers rho).
  set (cs := numbers rho (in_order draws)) in *.
  rewrite forallb_forall in Hdec. unfold law_decided in Hdec. rewrite Hj in Hdec.
  destruct (w_draws W) as [|x0 xs0] eqn:Ew; [apply filter_forall; intros t u n' _ x ix []|].
  destruct (joined_facts B moved j) as [fs'|] eqn:Hscan; [|specialize (Hdec x0 (or_introl eq_refl)); discriminate].
  rewrite <- Ew in *. unfold joined_facts in Hscan.
  set (fs := map (input_facts moved) (range (length (b_inputs B)))) in *.
  assert (Hfs : length fs = length (b_inputs B)) by (unfold fs; now rewrite map_length, seq_length).
  assert (Hfix : forall d n, In (d, n) (b_sizes B) -> rho d = n) by (intros d' n Hin; now apply (proj1 Hsized)).
  destruct (infer (plain_program (j_nodes j)) (length (b_inputs B)) (input_shape (plain B))) as [shf|] eqn:Hi.
  2:{ exfalso. unfold vanishes in Hvan. destruct (enter_inputs (b_inputs B) 0 empty) as [T0 m0] eqn:E0.
      destruct (enter_all (b_sizes B) Never (plain_program (j_nodes j)) T0 m0) as [[T m]|] eqn:E1; [|discriminate].
      assert (K0 : ok empty).
      { intros h en s k. unfold bucket, empty; cbn [known]. now rewrite PositiveMap.gempty. }
      destruct (enter_inputs_sound rho (fun _ => zero) e (b_inputs B) 0 _ _ _ K0 E0) as (G0 & B0 & L0 & S0 & _).
      destruct (enter_all_sound rho (fun _ => zero) e (b_sizes B) Hfix Never (plain_program (j_nodes j)) T0 m0 T m
                  (input_shape (plain B)) (grows_ok _ _ _ _ _ G0) B0 E1) as (_ & _ & _ & shf & I1 & _).
      { intros k Hk. apply S0. lia. }
      rewrite L0 in I1. cbn [plain g_inputs] in I1. congruence. }
  assert (Hshape : forall k, shape_of (joint_graph B j) k = shf k).
  { intros k. unfold shape_of, inputs, joint_graph. cbn [g_nodes g_inputs].
    change (input_shape _) with (input_shape (plain B)). now rewrite Hi. }
  destruct (scan_sound rho (proj2 Hsized) cs (plain_program (j_nodes j)) fs fs' (input_shape (plain B)) shf
              (fun t _ => line e d t) (fun _ _ => d)) as [L T]; auto.
  { now rewrite Hfs. }
  { now apply inputs_tamed. }
  rewrite Hfs in L, T. destruct T as [HF _ _].
  assert (Hall : forall xs, (forall x, In x xs -> In x (w_draws W)) ->
    locally 0 (fun t => forall u n', related W rho (line e d t) u n' ->
      forall x ix, In x xs -> In ix (boxs (wdraw_shape x)) ->
      is_law (kind_of x) (written_value W rho (line e d t) u (loc_of x) ix)
             (written_value W rho (line e d t) u (scale_of x) ix))).
  { induction xs as [|x xs IH]; intros Hsub; [apply filter_forall; intros t u n' _ x ix []|].
    assert (Hx : In x (w_draws W)) by (apply Hsub; now left).
    specialize (Hdec x Hx). cbv zeta in Hdec.
    assert (Hor : kind_of x = As_uniform \/ kind_of x <> As_uniform /\ forall a b, is_law (kind_of x) a b = (0 < b))
      by (destruct (kind_of x); auto; right; split; easy).
    destruct Hor as [Hu|[Hne Hlaw]].
    { rewrite Hu in Hdec. generalize (IH (fun y Hy => Hsub y (or_intror Hy))). apply filter_imp.
      intros t It u n' Hr y ix [<-|Hy] Hix; [|now apply (It u n')]. rewrite Hu. now apply numbers_are_bounds. }
    assert (Hdec' : Tame.positive (nth (N.to_nat (Fast.get 0%N (r_slots (j_model j)) (scale_of x))) fs' unknown) &&
      index_eqb (shape_of (joint_graph B j) (N.to_nat (Fast.get 0%N (r_slots (j_model j)) (scale_of x)))) (wdraw_shape x) &&
      index_eqb (Fast.get [] (r_shapes (j_model j)) (scale_of x)) (wdraw_shape x) &&
      N.ltb (scale_of x) (b_count B + N.of_nat (length (w_nodes W))) = true).
    { destruct (kind_of x); try exact Hdec. now destruct Hne. }
    clear Hdec. rename Hdec' into Hdec. apply andb_prop in Hdec as [H Hlt].
    apply andb_prop in H as [H Hm]. apply andb_prop in H as [Hp Hs]. apply N.ltb_lt in Hlt.
    set (k := N.to_nat (Fast.get 0%N (r_slots (j_model j)) (scale_of x))) in *.
    rewrite Hshape in Hs. destruct (index_eqb_spec (shf k) (wdraw_shape x)) as [Es|]; [|discriminate].
    assert (Hk : (k < length fs')%nat).
    { destruct (Nat.lt_ge_cases k (length fs')); auto. rewrite nth_overflow in Hp by auto. discriminate. }
    destruct (Tame.is_positive _ _ _ _ _ _ (HF k Hk) Hp) as [P1 _].
    generalize (filter_and _ _ P1 (IH (fun y Hy => Hsub y (or_intror Hy)))). apply filter_imp.
    intros t [Pt It] u n' Hr y ix [<-|Hy] Hix; [|now apply (It u n')].
    destruct (joined_model W B j Hj Hins Hcnt Hsam rho (line e d t) u n' Hr (scale_of x) Hlt) as [_ Hv].
    destruct (index_eqb_spec (Fast.get [] (r_shapes (j_model j)) (scale_of x)) (wdraw_shape x)) as [Em|]; [|discriminate].
    rewrite Em in Hv. rewrite Hlaw, (Hv ix Hix). apply (Pt n' ix). now rewrite Es. }
  now apply Hall.
Qed.
End Equal.

(** The derivative of the expected cost of the model as it is written: what the certificate of the graph
    says of the graph, it says of the model. *)
Theorem written_derive W B draws moved rho e d l : same_mean W B draws moved = true ->
  sized (plain B) rho -> (forall k ix, ~ In k moved -> d k ix = 0) ->
  is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0 l ->
  is_derive (fun t => written_cost W rho (line e d t)) 0 l.
Proof.
  intros H Hs Hd. unfold same_mean in H. apply andb_prop in H as [H1 H2]. apply is_derive_ext_loc.
  generalize (same_mean_sound W B draws moved H1 rho Hs e d Hd H2). apply filter_imp. intros t E. now symmetry.
Qed.
(** Where it cannot be seen that the scales of the draws are positive. *)
Theorem written_derive_if W B draws moved rho e d l : same_mean_if W B draws moved = true ->
  sized (plain B) rho -> (forall k ix, ~ In k moved -> d k ix = 0) ->
  locally 0 (fun t => scales_positive W rho (line e d t)) ->
  is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0 l ->
  is_derive (fun t => written_cost W rho (line e d t)) 0 l.
Proof.
  intros H Hs Hd Hp. apply is_derive_ext_loc.
  generalize (same_mean_if_sound W B draws moved H rho Hs e d Hd Hp). apply filter_imp. intros t E. now symmetry.
Qed.
