(** * Models with many scored draws

    [Copies.v] and [Scored.v] keep what they know of the slots in lists, and count them in unary.  Here are the
    same checks with search trees, as in [QuickSource.v]: where they say yes, so do those. *)
From Coq Require Import Reals Lia List Bool Arith NArith ZArith PArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Certificate Fast Score Model.
From Sgc Require Import Written Rewriting Unfold Moment Source QuickSource Copies Scored.
Import ListNotations.

(** ** Copies *)
Record blifted := BLifted { bl_slot : N; bl_at : option nat; bl_shape : shape }.
Definition plain_lifted (x : blifted) : lifted := Lifted (N.to_nat (bl_slot x)) (bl_at x) (bl_shape x).
Definition no_blifted := BLifted 0 None [].

Section Lift.
Variable d : dim.
Variable copied : nat -> option nat.

Definition fast_lift_op (o : op) (xs : list blifted) (nx : N) : option (bprogram * N * option nat) :=
  let as_is at_ := Some ([(o, map bl_slot xs)], nx, at_) in
  match o, xs with
  | Sample j s, [] =>
      match copied j with Some p => Some ([(Sample j (put_in p d s), [])], nx, Some p) | None => as_is None end
  | Map1 _, [x] => as_is (bl_at x)
  | Map2 f, [x; y] =>
      match bl_at x, bl_at y with
      | None, None => as_is None
      | Some p, Some q => if Nat.eqb p q then as_is (Some p) else None
      | Some p, None =>
          Some ([(spread d p (bl_shape y), [bl_slot y]); (o, [bl_slot x; nx])], N.succ nx, Some p)
      | None, Some p =>
          Some ([(spread d p (bl_shape x), [bl_slot x]); (o, [nx; bl_slot y])], N.succ nx, Some p)
      end
  | Lin (Ein vs i o), [x] =>
      match lead_at (bl_at x) i o with
      | None => as_is None
      | Some q => let n := length vs in
          Some ([(Lin (Ein (vs ++ [d]) (axes_at (bl_at x) n i) (put_in q n o)), [bl_slot x])], nx, Some q)
      end
  | Ein2 vs i j o, [x; y] =>
      match either (lead_at (bl_at x) i o) (lead_at (bl_at y) j o) with
      | None => as_is None
      | Some q => let n := length vs in
          Some ([(Ein2 (vs ++ [d]) (axes_at (bl_at x) n i) (axes_at (bl_at y) n j) (put_in q n o),
                  [bl_slot x; bl_slot y])], nx, Some q)
      end
  | _, _ => if forallb (fun x => match bl_at x with None => true | _ => false end) xs then as_is None else None
  end.
Fixpoint fast_lift (p : bprogram) (n nx : N) (mm : PositiveMap.t blifted) : option (bprogram * PositiveMap.t blifted) :=
  match p with
  | [] => Some ([], mm)
  | (o, ps) :: p =>
      if below_n n ps then
        let xs := map (get no_blifted mm) ps in
        match ty o (map bl_shape xs), fast_lift_op o xs nx with
        | Some s, Some (q, k, at_) =>
            match fast_lift p (N.succ n) (nx + N.of_nat (length q)) (store mm n (BLifted k at_ s)) with
            | Some (r, mm) => Some (q ++ r, mm)
            | None => None
            end
        | _, _ => None
        end
      else None
  end.

Lemma plain_shapes xs : map l_shape (map plain_lifted xs) = map bl_shape xs.
Proof. now rewrite map_map. Qed.
Lemma plain_slots xs : map l_slot (map plain_lifted xs) = map N.to_nat (map bl_slot xs).
Proof. now rewrite !map_map. Qed.
Lemma plain_clean xs : forallb (fun x => match l_at x with None => true | _ => false end) (map plain_lifted xs) =
  forallb (fun x => match bl_at x with None => true | _ => false end) xs.
Proof. induction xs as [|x xs IH]; cbn [map forallb]; auto. now rewrite IH. Qed.
Lemma fast_lift_op_eq o xs nx q k at_ : fast_lift_op o xs nx = Some (q, k, at_) ->
  lift_op d copied false o (map plain_lifted xs) (N.to_nat nx) = Some (plain_program q, N.to_nat k, at_).
Proof.
  unfold fast_lift_op, lift_op. rewrite plain_clean, plain_slots.
  assert (Hclean : (if forallb (fun x => match bl_at x with None => true | _ => false end) xs
                    then Some ([(o, map bl_slot xs)], nx, None) else None) = Some (q, k, at_) ->
    (if forallb (fun x => match bl_at x with None => true | _ => false end) xs
     then Some ([(o, map N.to_nat (map bl_slot xs))], N.to_nat nx, None) else None) =
    Some (plain_program q, N.to_nat k, at_)).
  { destruct (forallb _ xs); [|easy]. intros H. now injection H as <- <- <-. }
  assert (Has : forall a, Some ([(o, map bl_slot xs)], nx, a) = Some (q, k, at_) ->
    Some ([(o, map N.to_nat (map bl_slot xs))], N.to_nat nx, a) = Some (plain_program q, N.to_nat k, at_)).
  { intros a H. now injection H as <- <- <-. }
  destruct o as [f|f|l|vs i j o|vs o|a b s|b|b|j s]; try exact Hclean.
  - destruct xs as [|x [|y xs]]; try exact Hclean. apply Has.
  - destruct xs as [|x [|y [|z xs]]]; try exact Hclean. cbn [map plain_lifted l_at l_slot l_shape bl_at bl_slot] in *.
    destruct (bl_at x) as [p|], (bl_at y) as [p'|]; try apply Has.
    + destruct (Nat.eqb p p'); [apply Has|easy].
    + intros H. injection H as <- <- <-. cbn. now rewrite N2Nat.inj_succ.
    + intros H. injection H as <- <- <-. cbn. now rewrite N2Nat.inj_succ.
  - destruct l as [vs i o|a b c s|a b c s|s t]; try (destruct xs as [|x [|y xs]]; exact Hclean).
    destruct xs as [|x [|y xs]]; try exact Hclean. cbn [map plain_lifted l_at l_slot] in *.
    destruct (lead_at (bl_at x) i o) as [p|]; [|apply Has]. intros H. now injection H as <- <- <-.
  - destruct xs as [|x [|y [|z xs]]]; try exact Hclean. cbn [map plain_lifted l_at l_slot] in *.
    destruct (either _ _) as [p|]; [|apply Has]. intros H. now injection H as <- <- <-.
  - destruct xs as [|x xs]; [|exact Hclean]. cbn [map] in *. destruct (copied j) as [p|]; [|apply Has].
    intros H. now injection H as <- <- <-.
Qed.
Lemma fast_lift_eq p : forall n nx mm ls q mm', Fast.held no_blifted n mm ls -> fast_lift p n nx mm = Some (q, mm') ->
  exists ls', lift d copied false (plain_program p) (N.to_nat nx) (map plain_lifted ls) = Some (plain_program q, map plain_lifted ls') /\
    Fast.held no_blifted (n + N.of_nat (length p)) mm' ls'.
Proof.
  induction p as [|[o ps] p IH]; cbn [fast_lift plain_program map lift plain_node fst snd]; intros n nx mm ls q mm' H E.
  - injection E as <- <-. exists ls. split; auto. cbn [length]. now rewrite N.add_0_r.
  - pose proof H as [Hn _]. rewrite map_length, <- Hn, <- below_n_eq. destruct (below_n n ps); [|easy].
    assert (Exs : map (fun k => nth k (map plain_lifted ls) no_slot) (map N.to_nat ps) =
                  map plain_lifted (map (get no_blifted mm) ps)).
    { rewrite <- (held_map _ _ _ _ ps H), !map_map. apply map_ext. intros k.
      exact (map_nth plain_lifted ls no_blifted (N.to_nat k)). }
    rewrite Exs, plain_shapes. destruct (ty o _) as [s|]; [|easy].
    destruct (fast_lift_op o _ nx) as [[[q1 k] at_]|] eqn:Eo; [|easy]. rewrite (fast_lift_op_eq _ _ _ _ _ _ Eo).
    destruct (fast_lift p _ _ _) as [[r mm1]|] eqn:Er; [|easy]. injection E as <- <-.
    destruct (IH _ _ _ _ _ _ (held_snoc _ _ _ _ (BLifted k at_ s) H) Er) as (ls' & El & Hl).
    exists ls'. split.
    + replace (N.to_nat nx + length (plain_program q1))%nat with (N.to_nat (nx + N.of_nat (length q1)))
        by (unfold plain_program; rewrite map_length; lia).
      rewrite map_app in El. cbn [map] in El. change (plain_lifted (BLifted k at_ s)) with (Lifted (N.to_nat k) at_ s) in El.
      unfold plain_program in *. rewrite El. now rewrite map_app.
    + cbn [length]. now rewrite Nat2N.inj_succ, N.add_succ_r, <- N.add_succ_l.
Qed.
End Lift.

(** Where draws get the axis. *)
Definition places_of (copied : list (nat * nat)) : PositiveMap.t nat :=
  fold_right (fun x m => store m (N.of_nat (fst x)) (snd x)) (PositiveMap.empty _) copied.
Lemma places_of_eq copied : (fun j => look (places_of copied) (N.of_nat j)) = place copied.
Proof.
  apply functional_extensionality. intros j. unfold place.
  induction copied as [|[i p] l IH]; cbn [places_of fold_right find fst snd option_map]; [apply look_empty|].
  destruct (Nat.eqb_spec i j) as [->|Hne]; [apply look_same|]. rewrite look_other by lia. exact IH.
Qed.

Section Copy.
Variable d : dim.
Variable at_draw : nat -> option nat.
Variables (n : N) (mm : PositiveMap.t blifted).   (** the slots, lifted *)

Definition quick_copy_draw (x : wdraw) : option wdraw :=
  match x with
  | (j, s, WFinite l a axes) =>
      let L := get no_blifted mm a in
      if N.ltb a n && below (length s) axes && index_eqb (bl_shape L) (pick s axes ++ vals l) then
        match at_draw j, bl_at L with
        | None, None => Some (j, s, WFinite l (bl_slot L) axes)
        | None, Some _ => None
        | Some p, None =>
            if Nat.leb p (length s)
            then Some (j, put_in p d s, WFinite l (bl_slot L) (map (shift p) axes)) else None
        | Some p, Some q =>
            if Nat.leb p (length s) && Nat.leb q (length axes)
            then Some (j, put_in p d s, WFinite l (bl_slot L) (put_in q p (map (shift p) axes))) else None
        end
      else None
  | _ => None
  end.
End Copy.
Definition quick_copy (d : dim) (copied : list (nat * nat)) (W : written) : option written :=
  let count := N.of_nat (length (w_inputs W)) in
  let m := places_of copied in
  let at_draw j := look m (N.of_nat j) in
  let ins := map (fun ks => BLifted (fst ks) None (snd ks)) (combine (Quick.numbered (w_inputs W) 0) (w_inputs W)) in
  match fast_lift d at_draw (w_nodes W) count count (hold ins 0 (PositiveMap.empty _)) with
  | Some (q, mm) =>
      let n := (count + N.of_nat (length (w_nodes W)))%N in
      let c := get no_blifted mm (w_cost W) in
      let m := (count + N.of_nat (length q))%N in
      if N.ltb (w_cost W) n && index_eqb (bl_shape c) [] then
        match all_some (quick_copy_draw d at_draw n mm) (w_draws W), bl_at c with
        | Some ds, None => Some {| w_inputs := w_inputs W; w_nodes := q; w_cost := bl_slot c; w_draws := ds |}
        | Some ds, Some _ =>
            Some {| w_inputs := w_inputs W;
                    w_nodes := q ++ [(Lin (Ein [d] [0%nat] []), [bl_slot c]); (Size d, []); (Map2 Div, [m; N.succ m])];
                    w_cost := N.succ (N.succ m); w_draws := ds |}
        | None, _ => None
        end
      else None
  | None => None
  end.

Lemma binary_plain q : binary (plain_program q) = q.
Proof.
  unfold binary, plain_program. rewrite map_map. rewrite <- (map_id q) at 2. apply map_ext. intros [o ps].
  unfold plain_node; cbn [fst snd]. f_equal. rewrite map_map. rewrite <- (map_id ps) at 2. apply map_ext.
  intros k. apply N2Nat.id.
Qed.
Lemma all_some_ext {A B} (f g : A -> option B) l : (forall a, f a = g a) -> all_some f l = all_some g l.
Proof. intros H. induction l as [|a l IH]; cbn [all_some]; auto. now rewrite H, IH. Qed.
Lemma quick_copy_draw_eq d copied n mm ls x : Fast.held no_blifted n mm ls ->
  quick_copy_draw d (place copied) n mm x = copy_draw d copied (map plain_lifted ls) x.
Proof.
  intros [Hn H]. destruct x as [[j s] [? ?|? ?|?|? ?|l a axes]]; auto. unfold quick_copy_draw, copy_draw.
  change no_slot with (plain_lifted no_blifted). rewrite map_nth, map_length, H, <- Hn, to_nat_ltb.
  set (L := get no_blifted mm a). cbn [plain_lifted l_slot l_at l_shape]. now rewrite N2Nat.id.
Qed.
Lemma inputs_lifted l : forall n, map plain_lifted (map (fun ks => BLifted (fst ks) None (snd ks)) (combine (Quick.numbered l n) l)) =
  map (fun k => Lifted (N.to_nat n + k) None (nth k l [])) (range (length l)).
Proof.
  unfold range. induction l as [|s l IH]; intros n; auto. cbn [Quick.numbered combine map length seq nth].
  rewrite IH, <- seq_shift, map_map. cbn [fst snd]. f_equal.
  - unfold plain_lifted; cbn [bl_slot bl_at bl_shape]. f_equal. lia.
  - apply map_ext. intros k. cbn [nth]. f_equal. lia.
Qed.
Theorem quick_copy_eq d copied W W' : quick_copy d copied W = Some W' -> copy d copied W = Some W'.
Proof.
  unfold quick_copy, copy. set (ins := map _ (combine _ _)). rewrite places_of_eq.
  pose proof (inputs_lifted (w_inputs W) 0) as Hi. fold ins in Hi. cbn [N.to_nat Nat.add] in Hi. rewrite <- Hi.
  pose proof (hold_all no_blifted ins) as Hh.
  assert (Lins : length ins = length (w_inputs W)).
  { rewrite <- (map_length plain_lifted), Hi, map_length. apply seq_length. }
  rewrite Lins in Hh. destruct (fast_lift _ _ _ _ _ _) as [[q mm]|] eqn:El; [|easy].
  destruct (fast_lift_eq _ _ _ _ _ _ _ _ _ Hh El) as (ls & E & Hl). rewrite Nat2N.id in E. rewrite E.
  pose proof Hl as [Hn Hat]. change no_slot with (plain_lifted no_blifted).
  rewrite map_nth, map_length, Hat, <- Hn, to_nat_ltb. set (c := get no_blifted mm (w_cost W)).
  cbn [plain_lifted l_slot l_at l_shape]. destruct (_ && _); [|easy].
  rewrite (all_some_ext _ _ (w_draws W) (fun x => quick_copy_draw_eq d copied _ mm ls x Hl)).
  destruct (all_some _ (w_draws W)) as [ds|]; [|easy].
  assert (Lq : length (plain_program q) = length q) by apply map_length.
  destruct (bl_at c); intros H; injection H as <-; f_equal.
  - rewrite Lq. f_equal; [|lia]. unfold binary. rewrite map_app. fold (binary (plain_program q)). rewrite binary_plain.
    cbn [map fst snd]. rewrite N2Nat.id. repeat f_equal; lia.
  - now rewrite binary_plain, N2Nat.id.
Qed.

(** ** Laws read draws that were drawn before *)
(** What [quick_turns] takes for a draw whose law reads one slot. *)
Definition reading (x : wdraw) : wdraw := let k := snd (density_of x) in (fst x, WNormal k k).
Lemma reading_turns n p xs : forall before, turns_ok n p before (map reading xs) = drawn_in_turn n p before xs.
Proof.
  induction xs as [|x xs IH]; intros before; auto. cbn [map turns_ok drawn_in_turn].
  change (wdraw_id (reading x)) with (wdraw_id x). rewrite IH.
  replace (N.max (loc_of (reading x)) (scale_of (reading x))) with (snd (density_of x)); auto.
  unfold reading, loc_of, scale_of; cbn [snd]. now rewrite N.max_id.
Qed.
Definition quick_in_turn (W : written) (count : N) : bool :=
  quick_turns (count + N.of_nat (length (w_nodes W))) (w_nodes W) count (PositiveMap.empty _) (map reading (w_draws W)).
Lemma quick_in_turn_sound W : quick_in_turn W (N.of_nat (length (w_inputs W))) = true ->
  drawn_in_turn (length (w_inputs W)) (plain_program (w_nodes W)) [] (w_draws W) = true.
Proof.
  unfold quick_in_turn. intros H. rewrite <- reading_turns.
  rewrite <- (Nat2N.id (length (w_inputs W))) at 1.
  apply (quick_turns_sound (w_nodes W) _ _ eq_refl _ (w_nodes W) _ (PositiveMap.empty _) [] []) in H; auto.
  - cbn [length]. lia.
  - intros j. unfold Quick.in_set. now rewrite look_empty.
Qed.

(** ** The comparison *)
Record bplaced := BPlaced {
  bp_draw : nat; bp_shape : shape; bp_model : N; bp_graph : N; bp_mean : option N
}.
Definition plain_placed (x : bplaced) : placed :=
  Placed (bp_draw x) (bp_shape x) (N.to_nat (bp_model x)) (N.to_nat (bp_graph x)) (option_map N.to_nat (bp_mean x)).
Definition same_density_at (mm : PositiveMap.t (shape * poly)) (n : N) (x : bplaced) : bool :=
  let '(s, p) := get none mm (bp_model x) in
  let '(s', p') := get none mm (bp_graph x) in
  N.ltb (bp_model x) n && N.ltb (bp_graph x) n && index_eqb s (bp_shape x) && index_eqb s' (bp_shape x) &&
  compare_poly p p'.
Definition quick_agree (fix_ : fixed_sizes) (ins : list shape) (J : bprogram) (a b : N) (ds : list bplaced) : bool :=
  let '(T, m0) := enter_inputs ins 0 empty in
  match fast_enter fix_ Never J T (hold m0 0 (PositiveMap.empty _)) (N.of_nat (length m0)) with
  | None => false
  | Some (T, mm, n) =>
      let x := get none mm a in
      let y := get none mm b in
      N.ltb a n && N.ltb b n && index_eqb (fst x) [] && index_eqb (fst y) [] &&
      forallb (same_density_at mm n) ds &&
      match add_poly (snd x) (scale_poly ((-1)%Z, 1%positive) (snd y)) with
      | [] => true
      | p =>
          let M := meanings_of T in
          let m := listed none mm n in
          finite_means M (holders_of m 0 (PositiveMap.empty _)) fix_ (length ins) (plain_program J) m []
            (rev (map plain_placed ds)) (unfolded M fix_ rounds p)
      end
  end.
Lemma finite_means_none M H fix_ n J m seen ds : finite_means M H fix_ n J m seen ds [] = true.
Proof. now destruct ds. Qed.
Lemma quick_agree_sound fix_ ins J a b ds : quick_agree fix_ ins J a b ds = true ->
  agree fix_ ins (plain_program J) (N.to_nat a) (N.to_nat b) (map plain_placed ds) = true.
Proof.
  unfold quick_agree, agree. destruct (enter_inputs ins 0 empty) as [T0 m0].
  destruct (fast_enter fix_ Never J T0 _ _) as [[[T mm] n]|] eqn:E; [|easy].
  destruct (fast_enter_eq fix_ Never J _ _ _ m0 _ _ _ (hold_all none m0) E) as (m & -> & Hm).
  pose proof Hm as [Hn Hat]. rewrite !Hat, <- Hn, !to_nat_ltb. cbv zeta.
  intros H. apply andb_prop in H as [H Hd]. apply andb_prop in H as [H Hs]. rewrite H. cbn [andb].
  apply andb_true_intro. split.
  - rewrite forallb_forall in *. intros x Hx. apply in_map_iff in Hx as (y & <- & Hy). specialize (Hs y Hy).
    unfold same_density, same_density_at in *. cbn [plain_placed pl_model pl_graph pl_shape].
    now rewrite !Hat, <- Hn, !to_nat_ltb.
  - destruct (add_poly _ _) as [|t p] eqn:Ed.
    + replace (unfolded _ fix_ rounds []) with (@nil term) by (destruct rounds; reflexivity).
      apply finite_means_none.
    + now rewrite (listed_held _ _ _ _ Hm) in Hd.
Qed.

(** ** The whole check *)
Definition quick_place_draw (st st' : rewritten) (x : wdraw) (rm : N * option N) (lw : N * N) : bplaced := {|
  bp_draw := wdraw_id x; bp_shape := wdraw_shape x; bp_model := Fast.get 0%N (r_slots st) (fst rm);
  bp_graph := Fast.get 0%N (r_slots st') (fst lw); bp_mean := option_map (Fast.get 0%N (r_slots st)) (snd rm) |}.
Definition have_ids (xs : list wdraw) : bool := all_distinct (map (fun x => N.of_nat (wdraw_id x)) xs).
Definition quick_same_scored (W : written) (B : bgraph) (draws : list draw) : bool :=
  let slots := b_slots B in
  let top := (b_count B + N.of_nat (length (w_nodes W)))%N in
  let '(q0, ls) := laws_of (w_draws W) top in
  shapes_eqb (w_inputs W) (b_inputs B) && N.ltb 0 (b_count B) && draws_eqb (map base_draw (w_draws W)) draws &&
  have_ids (w_draws W) && forallb law_fits (w_draws W) &&
  Nat.eqb (length ls) (length (b_scores B)) && quick_in_turn W (N.of_nat (length (w_inputs W))) &&
  N.ltb (w_cost W) top && N.ltb (b_cost B) slots && forallb (fun lw => N.ltb (fst lw) slots) (b_scores B) &&
  match rewrite (fun _ => None) (w_nodes W ++ q0) (b_count B) (start (b_inputs B)) with
  | None => false
  | Some (p, st) =>
      match rewrite (fun _ => None) (b_nodes B) (b_count B) (after (b_inputs B) st) with
      | None => false
      | Some (q, st') =>
          index_eqb (Fast.get [] (r_shapes st) (w_cost W)) [] && index_eqb (Fast.get [] (r_shapes st') (b_cost B)) [] &&
          forallb (fun b => b) (zip3 (shapes_fit st st') (w_draws W) ls (b_scores B)) &&
          quick_agree (b_sizes B) (b_inputs B) (p ++ q) (Fast.get 0%N (r_slots st) (w_cost W))
            (Fast.get 0%N (r_slots st') (b_cost B)) (zip3 (quick_place_draw st st') (w_draws W) ls (b_scores B))
      end
  end.
Definition quick_copied (copies : list (dim * list (nat * nat))) (W : written) : option written :=
  fold_left (fun W c => match W with
                        | Some W => if have_ids (w_draws W) then quick_copy (fst c) (snd c) W else None
                        | None => None end) copies (Some W).
Definition quick_same_finite (copies : list (dim * list (nat * nat))) (W : written) (B : bgraph) (draws : list draw) : bool :=
  match quick_copied copies W with Some W => quick_same_scored W B draws | None => false end.

Lemma have_ids_sound xs : have_ids xs = true -> distinct (map wdraw_id xs) = true.
Proof.
  intros H. apply all_distinct_sound in H. rewrite map_map in H. rewrite <- H. f_equal. apply map_ext.
  intros x. now rewrite Nat2N.id.
Qed.
Lemma zip3_map {A B C D E} (f : A -> B -> C -> D) (g : A -> B -> C -> E) (h : E -> D) l :
  (forall a b c, f a b c = h (g a b c)) -> forall m n, zip3 f l m n = map h (zip3 g l m n).
Proof.
  intros H. induction l as [|a l IH]; intros [|b m] [|c n]; cbn [zip3 map]; auto. now rewrite H, IH.
Qed.
Theorem quick_same_scored_sound W B draws : quick_same_scored W B draws = true -> same_scored W B draws = true.
Proof.
  unfold quick_same_scored, same_scored. destruct (laws_of _ _) as [q0 ls]. intros H.
  apply andb_prop in H as [H Hj]. apply andb_prop in H as [H Hbs]. apply andb_prop in H as [H Hbc].
  apply andb_prop in H as [H Hwc]. apply andb_prop in H as [H Hturn]. apply andb_prop in H as [H Hlen].
  apply andb_prop in H as [H Hfits]. apply andb_prop in H as [H Hids].
  rewrite H, (have_ids_sound _ Hids), Hfits, Hlen, (quick_in_turn_sound _ Hturn), Hwc, Hbc, Hbs. cbn [andb].
  destruct (rewrite _ (w_nodes W ++ q0) _ _) as [[p st]|]; [|easy].
  destruct (rewrite _ (b_nodes B) _ _) as [[q st']|]; [|easy]. apply andb_prop in Hj as [Hj Ha].
  rewrite Hj. cbn [andb]. apply quick_agree_sound in Ha. unfold slot_at.
  rewrite (zip3_map (place_draw st st') (quick_place_draw st st') plain_placed); auto.
  intros x [r [m|]] lw; reflexivity.
Qed.
Lemma quick_copied_none cs : fold_left (fun W c => match W with
    | Some W => if have_ids (w_draws W) then quick_copy (fst c) (snd c) W else None
    | None => None end) cs None = None.
Proof. induction cs; auto. Qed.
Lemma quick_copied_eq cs : forall W W', quick_copied cs W = Some W' -> copy_all cs W = Some W'.
Proof.
  unfold quick_copied. induction cs as [|[d copied] cs IH]; cbn [fold_left copy_all fst snd]; intros W W' H; auto.
  destruct (have_ids (w_draws W)) eqn:Hd; [|now rewrite quick_copied_none in H]. rewrite (have_ids_sound _ Hd).
  destruct (quick_copy d copied W) as [W1|] eqn:E; [|now rewrite quick_copied_none in H].
  rewrite (quick_copy_eq _ _ _ _ E). now apply IH.
Qed.
Theorem quick_same_finite_sound copies W B draws : quick_same_finite copies W B draws = true ->
  same_finite copies W B draws = true.
Proof.
  unfold quick_same_finite, same_finite. destruct (quick_copied copies W) as [W'|] eqn:E; [|easy].
  rewrite (quick_copied_eq _ _ _ E). apply quick_same_scored_sound.
Qed.

(** The derivative of the expected cost of a model with finite draws, as it is written. *)
Theorem quick_finite_derive copies W B draws rho e d l : quick_same_finite copies W B draws = true ->
  sized (plain B) rho ->
  is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0%R l ->
  is_derive (fun t => written_cost W rho (line e d t)) 0%R l.
Proof. intros H. exact (finite_derive copies W B draws rho e d l (quick_same_finite_sound _ _ _ _ H)). Qed.
