(** * From a model with finite draws to a graph with scores

    [same_scored W B draws] decides that a model [W] whose draws are all Bernoulli or categorical and the graph [B]
    have the same expected cost: the log-densities of the graph are those of the laws, and the two costs are equal,
    or differ by what has the mean zero, draw by draw.  Drawing one number after another is the same as weighing
    all values with the joint density ([ancestral]); that Bernoulli draws may be replaced by their means
    where costs are linear in them is [score_orthogonal] once more. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith ZArith PArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Certificate Fast Draws Finite Score.
From Sgc Require Import Normal Model Written Rewriting Unfold Moment Source Copies.
Import ListNotations.
Open Scope R_scope.

(** ** Means of the difference *)
Record placed := Placed {
  pl_draw : nat;
  pl_shape : shape;
  pl_model : nat;         (** the slot of its log-density by its law, *)
  pl_graph : nat;         (** and in the graph *)
  pl_mean : option nat    (** the slot of its mean *)
}.

Section Terms.
Variable M : meanings.
Variable H : holders.

(** A draw that is read once, by nothing that depends on it or later ones, becomes its mean: an atom, read at [qs]. *)
Definition finite_term (j : nat) (s : shape) (mean : option (positive * list nat)) (seen : list (list bool)) (t : term) :
  option term :=
  let '(qs, rest) := draws_in M H j s (factors t) in
  if forallb (fun touched => forallb (free H touched) rest) seen then
    match qs, mean with
    | [], _ => Some t
    | [q], Some (k, r) =>
        let t' := Term (num t) (denom t) (over t) (Read k (pick q r) :: rest) in
        if below (length q) r && held H t' then Some t' else None
    | _, _ => None
    end
  else None.
End Terms.
Definition mean_read (m : list (shape * poly)) (x : placed) : option (positive * list nat) :=
  match pl_mean x with
  | Some i => match nth i m none with
              | (s, [Term 1 1 [] [Read k r]]) => if Nat.ltb i (length m) && index_eqb s (pl_shape x) then Some (k, r) else None
              | _ => None
              end
  | None => None
  end.
(** Draw by draw, from the last; [seen]: the slots that read each of those. *)
Fixpoint finite_means (M : meanings) (H : holders) (fix_ : fixed_sizes) (n : nat) (J : program) (m : list (shape * poly))
  (seen : list (list bool)) (ds : list placed) (p : poly) : bool :=
  match p, ds with
  | [], _ => true
  | _, [] => false
  | _, x :: ds =>
      let seen := touched_by (pl_draw x) J (repeat false n) :: seen in
      forallb (held H) p &&
      match all_some (finite_term M H (pl_draw x) (pl_shape x) (mean_read m x) seen) p with
      | Some q => finite_means M H fix_ n J m seen ds (collect (map (tidy fix_ 0) q))
      | None => false
      end
  end.
Definition same_density (m : list (shape * poly)) (x : placed) : bool :=
  let '(s, p) := nth (pl_model x) m none in
  let '(s', p') := nth (pl_graph x) m none in
  Nat.ltb (pl_model x) (length m) && Nat.ltb (pl_graph x) (length m) && index_eqb s (pl_shape x) &&
  index_eqb s' (pl_shape x) && compare_poly p p'.
Definition agree (fix_ : fixed_sizes) (ins : list shape) (J : program) (a b : nat) (ds : list placed) : bool :=
  let '(T, m0) := enter_inputs ins 0 empty in
  match enter_all fix_ Never J T m0 with
  | None => false
  | Some (T, m) =>
      let M := meanings_of T in
      let D := unfolded M fix_ rounds
                 (add_poly (snd (nth a m none)) (scale_poly ((-1)%Z, 1%positive) (snd (nth b m none)))) in
      Nat.ltb a (length m) && Nat.ltb b (length m) &&
      index_eqb (fst (nth a m none)) [] && index_eqb (fst (nth b m none)) [] &&
      forallb (same_density m) ds &&
      finite_means M (holders_of m 0 (PositiveMap.empty _)) fix_ (length ins) J m [] (rev ds) D
  end.

Lemma read_val rho A k r ix : poly_val rho A [Term 1 1 [] [Read k r]] ix = A k (pick ix r).
Proof.
  unfold poly_val, term_val. cbn [sum num denom over factors product factor_val sizes map box].
  rewrite app_nil_r. unfold ratio; cbn [fst snd]. field.
Qed.

Opaque unfolded rounds.
Section Agree.
Variables (fix_ : fixed_sizes) (ins : list shape) (J : program) (a b : nat) (ds : list placed).
Variable rho : dim -> nat.
Variable e : env.
Hypothesis Hfix : forall d n, In (d, n) fix_ -> rho d = n.
Hypothesis Hagree : agree fix_ ins J a b ds = true.
Notation n := (length ins).
Notation boxs s := (box (sizes rho s)).
Notation V tr := (run rho tr J n e).

Variable L : expectation trace.
Hypothesis HL : forall F, Int L F.
Variable w : trace -> R.
(** What is orthogonal to functions of the draws before [x]. *)
Hypothesis orthogonal : forall pre x post i, ds = pre ++ x :: post -> pl_mean x = Some i ->
  forall ix, In ix (boxs (pl_shape x)) -> forall f : trace -> R,
  (forall y, In y (x :: post) -> forall jx, ignores f (pl_draw y, jx)) ->
  Ex L (fun tr => w tr * (f tr * (tr (pl_draw x) ix - V tr i ix))) = 0.

Lemma untouched j : forall k, nth k (touched_by j J (repeat false n)) true = false ->
  forall ix, ignores (fun tr => V tr k) (j, ix).
Proof.
  intros k Hk ix tr v. pose proof (touched_sound rho j J (repeat false n) e e tr ix v) as Hts.
  rewrite repeat_length in Hts. apply Hts; auto.
Qed.

Theorem agree_sound :
  (forall x, In x ds -> forall tr ix, In ix (boxs (pl_shape x)) -> V tr (pl_model x) ix = V tr (pl_graph x) ix) /\
  Ex L (fun tr => w tr * (V tr a [] - V tr b [])) = 0.
Proof.
  unfold agree in Hagree. destruct (enter_inputs ins 0 empty) as [T0 m0] eqn:E0.
  destruct (enter_all fix_ Never J T0 m0) as [[T m]|] eqn:E1; [|discriminate].
  apply andb_prop in Hagree as [H Hm]. apply andb_prop in H as [H Hden]. apply andb_prop in H as [H Hsb].
  apply andb_prop in H as [H Hsa]. apply andb_prop in H as [Ha Hb]. apply Nat.ltb_lt in Ha, Hb.
  destruct (index_eqb_spec (fst (nth a m none)) []) as [Sa|]; [|discriminate Hsa].
  destruct (index_eqb_spec (fst (nth b m none)) []) as [Sb|]; [|discriminate Hsb]. clear Hsa Hsb.
  destruct (entered fix_ ins J T0 T m0 m rho e Hfix E0 E1) as (shf & _ & L1 & HA).
  pose proof (slot_held ins J T m rho e shf L1 HA) as Hheld.
  pose proof (atoms_known ins J T m rho e shf L1 HA) as HKn.
  pose proof (read_by_slots ins J T m rho e shf L1 HA) as Hagr.
  assert (HD := fun tr A => difference_unfolded fix_ ins J T m rho e Hfix shf a b tr A Ha Hb Sa Sb).
  set (M := meanings_of T) in *. set (H0 := holders_of m 0 (PositiveMap.empty (nat * shape))) in *.
  set (D := unfolded M fix_ rounds _) in *.
  split.
  { intros x Hx tr ix Hix. rewrite forallb_forall in Hden. specialize (Hden x Hx). unfold same_density in Hden.
    destruct (nth (pl_model x) m none) as [s1 p1] eqn:N1. destruct (nth (pl_graph x) m none) as [s2 p2] eqn:N2.
    apply andb_prop in Hden as [H Hp]. apply andb_prop in H as [H H2]. apply andb_prop in H as [H H1].
    apply andb_prop in H as [Hl1 Hl2]. apply Nat.ltb_lt in Hl1, Hl2. apply compare_poly_eq in Hp. subst p2.
    destruct (index_eqb_spec s1 (pl_shape x)) as [->|]; [|discriminate].
    destruct (index_eqb_spec s2 (pl_shape x)) as [->|]; [|discriminate].
    destruct (HA tr) as (A & HAf & HR). destruct (HR _ Hl1) as [S1 V1]. destruct (HR _ Hl2) as [S2 V2].
    rewrite N1 in S1, V1. rewrite N2 in S2, V2. cbn [fst snd] in *. rewrite <- S1 in V1. rewrite <- S2 in V2.
    now rewrite V1, V2. }
  clearbody D.
  set (at_ := fun tr => atom_of H0 (fun tr => V tr) tr).
  (* one term *)
  assert (Hterm : forall pre x post seen t t', ds = pre ++ x :: post ->
    (forall y, In y (x :: post) -> In (touched_by (pl_draw y) J (repeat false n)) seen) ->
    finite_term M H0 (pl_draw x) (pl_shape x) (mean_read m x) seen t = Some t' -> held H0 t = true ->
    Ex L (fun tr => w tr * term_val rho (at_ tr) t []) = Ex L (fun tr => w tr * term_val rho (at_ tr) t' [])).
  { intros pre x post seen t t' Hds Hseen Ht Hh. unfold finite_term in Ht. destruct t as [tn td to tf].
    cbn [num denom over factors] in Ht. destruct (draws_in M H0 (pl_draw x) (pl_shape x) tf) as [qs rest] eqn:Ed.
    destruct (forallb _ seen) eqn:Hfree; [|discriminate]. rewrite forallb_forall in Hfree.
    rewrite held_coefficient in Hh.
    destruct (reads_in_sound M H0 rho e (fun tr => V tr) HKn (pl_draw x) (pl_shape x) false
                to tf qs rest Ed Hh) as [Hr Hv].
    destruct qs as [|q [|? ?]]; [injection Ht as <-; reflexivity| |discriminate].
    destruct (mean_read m x) as [[k r]|] eqn:Em; [|discriminate].
    destruct (below (length q) r && held H0 (Term tn td to (Read k (pick q r) :: rest))) eqn:Eb; [|discriminate].
    injection Ht as <-. apply andb_prop in Eb as [Hb1 Hh']. rewrite held_coefficient in Hh'.
    unfold mean_read in Em. destruct (pl_mean x) as [i|] eqn:Ei; [|discriminate].
    assert (Hmean : (i < length m)%nat /\ nth i m none = (pl_shape x, [Term 1 1 [] [Read k r]])).
    { destruct (nth i m none) as [s p]. destruct (one_read_cases p) as [(k0 & q0 & ->)|Hnot].
      - destruct (Nat.ltb_spec i (length m)); [|discriminate]. destruct (index_eqb_spec s (pl_shape x)) as [->|]; [|discriminate].
        injection Em as <- <-. auto.
      - now rewrite Hnot in Em. }
    destruct Hmean as [Hi Hmean].
    assert (Hread : forall tr v, In v (boxs to) -> at_ tr k (pick v (pick q r)) = V tr i (pick v q)).
    { intros tr v Hv'. destruct (HA tr) as (A & HAf & HR). destruct (HR i Hi) as [Si Vi]. rewrite Hmean in Si, Vi.
      cbn [fst snd] in Si, Vi. destruct (Hv v Hv') as [Hq _]. specialize (Hq q (or_introl eq_refl)).
      rewrite <- Si in Vi. rewrite (Vi _ Hq). unfold held in Hh'; cbn [forallb over factors] in Hh'.
      apply andb_prop in Hh' as [Hk _]. unfold at_, atom_of. destruct (holder H0 k) as [[i' s']|] eqn:Eh; [|discriminate].
      apply andb_prop in Hk as [Hk1 Hk2]. destruct (index_eqb_spec (pick to (pick q r)) s') as [<-|]; [|discriminate].
      destruct (Hheld k i' _ Eh) as (_ & _ & Hval). rewrite (Hval tr A HAf HR) by now apply pick_in.
      rewrite <- pick_pick by exact Hb1. symmetry. apply read_val. }
    apply Rminus_diag_uniq. rewrite <- Ex_minus by apply HL.
    rewrite (Ex_ext L _ (fun tr => sum (boxs to) (fun v => ratio (tn, td) * (w tr *
       (product rho (at_ tr) rest v * (tr (pl_draw x) (pick v q) - V tr i (pick v q))))))).
    - destruct (Int_sum L (boxs to) (fun v tr => ratio (tn, td) * (w tr *
       (product rho (at_ tr) rest v * (tr (pl_draw x) (pick v q) - V tr i (pick v q)))))) as [_ ->]; [auto|].
      apply sum_none. intros v Hv'. rewrite Ex_scal by apply HL.
      rewrite (orthogonal pre x post i Hds Ei (pick v q)); [ring|apply (Hv v Hv'); now left|].
      intros y Hy jx. apply (free_ignores H0 rho (fun tr => V tr) (pl_draw y) (touched_by (pl_draw y) J (repeat false n))).
      + apply untouched.
      + apply Hfree. now apply Hseen.
    - intros tr. unfold term_val; cbn [num denom over factors app].
      rewrite (sum_ext (boxs to) (fun v => product rho (at_ tr) tf v) (fun v => product rho (at_ tr) rest v *
        (tr (pl_draw x) (pick v q) - V tr i (pick v q)) + product rho (at_ tr) (Read k (pick q r) :: rest) v)).
      + rewrite sum_plus, (sum_ext (boxs to) (fun v => ratio (tn, td) * _) (fun v => ratio (tn, td) * w tr *
          (product rho (at_ tr) rest v * (tr (pl_draw x) (pick v q) - V tr i (pick v q))))) by (intros; ring).
        rewrite sum_scal. set (rest_ := sum (boxs to) (product rho (at_ tr) (Read k (pick q r) :: rest))).
        change (sum (boxs to) (fun v => product rho (at_ tr) (Read k (pick q r) :: rest) v)) with rest_. ring.
      + intros v Hv'. destruct (Hv v Hv') as [_ Hp]. etransitivity; [apply (Hp tr)|]. fold (at_ tr). cbn [fold_right product factor_val noise_read].
        rewrite (Hread tr v Hv'). ring. }
  (* all terms *)
  assert (Hmeans : forall l seen pre post p, ds = pre ++ post -> l = rev pre ->
    (forall y, In y post -> In (touched_by (pl_draw y) J (repeat false n)) seen) ->
    finite_means M H0 fix_ n J m seen l p = true -> (p = [] \/ forallb (held H0) p = true) /\
    Ex L (fun tr => w tr * poly_val rho (at_ tr) p []) = 0).
  { induction l as [|x l IH]; intros seen pre post p Hds Hl Hseen Hp.
    - destruct p; [|discriminate]. split; auto. apply Ex_none. intros tr. unfold poly_val; cbn [sum]. ring.
    - destruct p as [|t0 p0]; [split; auto; apply Ex_none; intros tr; unfold poly_val; cbn [sum]; ring|].
      set (p := t0 :: p0) in *. cbn [finite_means] in Hp.
      change (forallb (held H0) p && match all_some (finite_term M H0 (pl_draw x) (pl_shape x) (mean_read m x)
        (touched_by (pl_draw x) J (repeat false n) :: seen)) p with
        | Some q => finite_means M H0 fix_ n J m (touched_by (pl_draw x) J (repeat false n) :: seen) l
                      (collect (map (tidy fix_ 0) q)) | None => false end = true) in Hp.
      apply andb_prop in Hp as [Hh Hp]. split; [now right|].
      destruct (all_some _ p) as [q|] eqn:Eq; [|discriminate].
      assert (Hpre : pre = rev l ++ [x]).
      { rewrite <- (rev_involutive pre), <- Hl. reflexivity. }
      assert (Hds' : ds = rev l ++ x :: post) by (rewrite Hds, Hpre, <- app_assoc; reflexivity).
      assert (Hseen' : forall y, In y (x :: post) -> In (touched_by (pl_draw y) J (repeat false n))
        (touched_by (pl_draw x) J (repeat false n) :: seen)) by (intros y [<-|Hy]; [now left|right; auto]).
      destruct (IH _ (rev l) (x :: post) _ Hds' (eq_sym (rev_involutive l)) Hseen' Hp) as [_ IHe].
      rewrite <- IHe. clear IHe Hp.
      transitivity (Ex L (fun tr => w tr * poly_val rho (at_ tr) q [])).
      + revert q Eq Hh. clearbody p. clear t0 p0. induction p as [|t p IHp]; intros q Eq Hh.
        * injection Eq as <-. reflexivity.
        * destruct (all_some_split _ _ _ _ Eq) as (t' & m' & Et & Em & ->). cbn [forallb] in Hh.
          apply andb_prop in Hh as [Ht Hh]. unfold poly_val in *. cbn [sum].
          rewrite (Ex_ext L _ (fun tr => w tr * term_val rho (at_ tr) t [] +
            w tr * sum p (fun t => term_val rho (at_ tr) t []))) by (intros; ring).
          rewrite (Ex_ext L (fun tr => w tr * (term_val rho (at_ tr) t' [] + _)) (fun tr => w tr * term_val rho (at_ tr) t' [] +
            w tr * sum m' (fun t => term_val rho (at_ tr) t []))) by (intros; ring).
          rewrite !Ex_plus by apply HL. rewrite (IHp m' Em Hh). f_equal.
          apply (Hterm (rev l) x post _ t t' Hds' Hseen' Et Ht).
      + apply Ex_ext. intros tr. f_equal. rewrite collect_val. unfold poly_val. rewrite sum_map. apply sum_ext. intros t _. symmetry.
        now apply (tidy_val rho (at_ tr) fix_ Hfix 0). }
  destruct (Hmeans (rev ds) [] ds [] D (eq_sym (app_nil_r ds)) eq_refl ltac:(easy) Hm) as [HDh HD0].
  rewrite <- HD0. apply Ex_ext. intros tr. f_equal. destruct (HA tr) as (A & HAf & HR). rewrite (HD tr A HAf HR).
  destruct HDh as [->|HDh]; [reflexivity|]. now apply Hagr.
Qed.
End Agree.

(** ** The check *)
Definition base_draw (x : wdraw) : draw :=
  (wdraw_id x, wdraw_shape x, match snd x with WFinite l _ _ => law_of l | _ => Normal end).
(** Programs for the log-density of a draw and for its mean, over its logits. *)
Definition density_of (x : wdraw) : expr * N :=
  match x with
  | (j, s, WFinite l a axes) => (law_expr l j s axes, a)
  | (_, _, _) => (Arg 0, loc_of x)
  end.
Definition mean_of (x : wdraw) : option expr :=
  match x with
  | (_, s, WFinite BernoulliLogits _ axes) => Some (widen s axes (E1 (Map1 Sigmoid) (Arg 0)))
  | _ => None
  end.
Fixpoint laws_of (xs : list wdraw) (nx : N) : bprogram * list (N * option N) :=
  match xs with
  | [] => ([], [])
  | x :: xs =>
      let '(p, r, nx) := fast_emit (fst (density_of x)) [snd (density_of x)] 0 0 nx in
      let '(q, m, nx) := match mean_of x with
                         | Some ex => let '(q, m, nx) := fast_emit ex [snd (density_of x)] 0 0 nx in (q, Some m, nx)
                         | None => ([], None, nx) end in
      let '(rest, l) := laws_of xs nx in
      (p ++ q ++ rest, (r, m) :: l)
  end.
(** Laws read draws that were drawn before. *)
Fixpoint drawn_in_turn (n : nat) (p : program) (before : list nat) (xs : list wdraw) : bool :=
  match xs with
  | [] => true
  | x :: xs =>
      let k := N.to_nat (snd (density_of x)) in
      Nat.ltb k (n + length p) && forallb (fun i => existsb (Nat.eqb i) before) (drawn_before n p k) &&
      drawn_in_turn n p (wdraw_id x :: before) xs
  end.
Definition law_fits (x : wdraw) : bool :=
  match snd x with WFinite _ _ axes => below (length (wdraw_shape x)) axes | _ => false end.
Definition slot_at (st : rewritten) (k : N) : nat := N.to_nat (Fast.get 0%N (r_slots st) k).
Definition place_draw (st st' : rewritten) (x : wdraw) (rm : N * option N) (lw : N * N) : placed := {|
  pl_draw := wdraw_id x; pl_shape := wdraw_shape x; pl_model := slot_at st (fst rm); pl_graph := slot_at st' (fst lw);
  pl_mean := option_map (slot_at st) (snd rm) |}.
Definition shapes_fit (st st' : rewritten) (x : wdraw) (rm : N * option N) (lw : N * N) : bool :=
  index_eqb (Fast.get [] (r_shapes st) (fst rm)) (wdraw_shape x) &&
  index_eqb (Fast.get [] (r_shapes st') (fst lw)) (wdraw_shape x) &&
  match snd rm with Some m => index_eqb (Fast.get [] (r_shapes st) m) (wdraw_shape x) | None => true end.
Fixpoint zip3 {A B C D} (f : A -> B -> C -> D) (l : list A) (m : list B) (n : list C) : list D :=
  match l, m, n with a :: l, b :: m, c :: n => f a b c :: zip3 f l m n | _, _, _ => [] end.
Definition same_scored (W : written) (B : bgraph) (draws : list draw) : bool :=
  let top := (b_count B + N.of_nat (length (w_nodes W)))%N in
  let '(q0, ls) := laws_of (w_draws W) top in
  shapes_eqb (w_inputs W) (b_inputs B) && N.ltb 0 (b_count B) && draws_eqb (map base_draw (w_draws W)) draws &&
  distinct (map wdraw_id (w_draws W)) && forallb law_fits (w_draws W) &&
  Nat.eqb (length ls) (length (b_scores B)) &&
  drawn_in_turn (length (w_inputs W)) (plain_program (w_nodes W)) [] (w_draws W) &&
  N.ltb (w_cost W) top && N.ltb (b_cost B) (b_slots B) && forallb (fun lw => N.ltb (fst lw) (b_slots B)) (b_scores B) &&
  match rewrite (fun _ => None) (w_nodes W ++ q0) (b_count B) (start (b_inputs B)) with
  | None => false
  | Some (p, st) =>
      match rewrite (fun _ => None) (b_nodes B) (b_count B) (after (b_inputs B) st) with
      | None => false
      | Some (q, st') =>
          index_eqb (Fast.get [] (r_shapes st) (w_cost W)) [] && index_eqb (Fast.get [] (r_shapes st') (b_cost B)) [] &&
          forallb (fun b => b) (zip3 (shapes_fit st st') (w_draws W) ls (b_scores B)) &&
          agree (b_sizes B) (b_inputs B) (plain_program (p ++ q)) (slot_at st (w_cost W)) (slot_at st' (b_cost B))
            (zip3 (place_draw st st') (w_draws W) ls (b_scores B))
      end
  end.

(** ** Soundness *)
Lemma laws_of_length xs : forall nx, length (snd (laws_of xs nx)) = length xs.
Proof.
  induction xs as [|x xs IH]; intros nx; cbn [laws_of]; auto.
  destruct (fast_emit _ _ _ _ _) as [[p r] nx1].
  destruct (match mean_of x with Some _ => _ | None => _ end) as [[q m] nx2].
  destruct (laws_of xs nx2) as [rest l] eqn:E. cbn [snd length]. f_equal. rewrite <- (IH nx2), E. reflexivity.
Qed.

Section Laws.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Variable tr : trace.

(** What the programs compute. *)
Definition law_computed (G F : env) (top : N) (x : wdraw) (rm : N * option N) : Prop :=
  match x with
  | (j, s, WFinite l a axes) =>
      (fst rm < top)%N /\
      (forall ix, In ix (boxs s) -> F (N.to_nat (fst rm)) ix = law_val rho l (G (N.to_nat a)) axes ix (tr j ix)) /\
      match snd rm with
      | None => True
      | Some m => l = BernoulliLogits /\ (m < top)%N /\
          forall ix, In ix (boxs s) -> F (N.to_nat m) ix = logistic (G (N.to_nat a) (pick ix axes))
      end
  | _ => True
  end.
Lemma law_mentions l j s axes : mentions 1 (law_expr l j s axes).
Proof. destruct l; simpl; repeat split; lia. Qed.
Lemma laws_of_sound xs : forall nx q ls G, laws_of xs nx = (q, ls) -> forallb law_fits xs = true ->
  (forall x, In x xs -> (snd (density_of x) < nx)%N) -> (0 < nx)%N ->
  Forall2 (law_computed G (run rho tr (plain_program q) (N.to_nat nx) G) (nx + N.of_nat (length q))) xs ls.
Proof.
  induction xs as [|x xs IH]; intros nx q ls G E Hf Hb Hpos; cbn [laws_of] in E; [injection E as <- <-; constructor|].
  destruct (fast_emit (fst (density_of x)) [snd (density_of x)] 0 0 nx) as [[p r] nx1] eqn:Ee.
  set (mm := match mean_of x with Some _ => _ | None => _ end) in *. destruct mm as [[q1 m] nx2] eqn:Em. unfold mm in Em. clear mm.
  destruct (laws_of xs nx2) as [rest l0] eqn:Er. injection E as <- <-.
  cbn [forallb] in Hf. apply andb_prop in Hf as [Hx Hf].
  destruct x as [[j s] [? ?|? ?|?|? ?|l a axes]]; try discriminate. unfold law_fits in Hx; cbn [snd] in Hx.
  change (wdraw_shape (j, s, WFinite l a axes)) with s in Hx. cbn [density_of fst snd] in Ee.
  pose proof (Hb _ (or_introl eq_refl)) as Ha. cbn [density_of snd] in Ha.
  pose proof (fast_emit_eq _ _ _ _ _ _ _ _ Ee) as Ee'.
  destruct (emit_sound rho tr _ (map N.to_nat [a]) 0 0 (N.to_nat nx) _ _ _ G Ee') as (S1 & S2 & S3).
  { apply law_mentions. } { intros k [<-|[]]. lia. } { simpl; lia. } { simpl; lia. }
  unfold plain_program in S1. rewrite map_length in S1.
  set (G1 := run rho tr (plain_program p) (N.to_nat nx) G) in *.
  (* the mean *)
  assert (HM : nx2 = (nx1 + N.of_nat (length q1))%N /\
    match m with
    | None => True
    | Some k => l = BernoulliLogits /\ (k < nx2)%N /\ forall ix, In ix (boxs s) ->
        run rho tr (plain_program q1) (N.to_nat nx1) G1 (N.to_nat k) ix = logistic (G (N.to_nat a) (pick ix axes))
    end).
  { cbn [mean_of] in Em. destruct l as [|d]; [|injection Em as <- <- <-; split; [simpl; lia|exact I]].
    cbn [density_of snd] in Em.
    destruct (fast_emit (widen s axes (E1 (Map1 Sigmoid) (Arg 0))) [a] 0 0 nx1) as [[q2 m2] nx3] eqn:Ef. injection Em as <- <- <-.
    pose proof (fast_emit_eq _ _ _ _ _ _ _ _ Ef) as Ef'.
    destruct (emit_sound rho tr _ (map N.to_nat [a]) 0 0 (N.to_nat nx1) _ _ _ G1 Ef') as (T1 & T2 & T3).
    { simpl; repeat split; lia. } { intros k [<-|[]]. lia. } { simpl; lia. } { simpl; lia. }
    unfold plain_program in T1. rewrite map_length in T1. split; [lia|]. split; auto. split; [lia|].
    intros ix Hix. rewrite T3. unfold widen. cbn [expr_den map nth]. cbn [den]. rewrite widen_at by exact Hix.
    cbn [den app1 nth]. unfold G1. rewrite run_below by lia. reflexivity. }
  destruct HM as [HM1 HM2]. set (G2 := run rho tr (plain_program q1) (N.to_nat nx1) G1) in *.
  assert (Hrun : run rho tr (plain_program (p ++ q1 ++ rest)) (N.to_nat nx) G =
    run rho tr (plain_program rest) (N.to_nat nx2) G2).
  { assert (Lp : (N.to_nat nx + length (plain_program p))%nat = N.to_nat nx1)
      by (unfold plain_program; rewrite map_length; lia).
    assert (Lq : (N.to_nat nx1 + length (plain_program q1))%nat = N.to_nat nx2)
      by (unfold plain_program; rewrite map_length; lia).
    rewrite !plain_app, !run_app, Lp, Lq. reflexivity. }
  rewrite Hrun. rewrite !app_length, !Nat2N.inj_add.
  assert (Hlow : forall k, (N.to_nat k < N.to_nat nx)%nat -> G2 (N.to_nat k) = G (N.to_nat k)).
  { intros k Hk. unfold G2. rewrite run_below by lia. unfold G1. apply run_below. lia. }
  constructor.
  - cbn [law_computed fst snd]. split; [lia|]. split.
    + intros ix Hix. rewrite run_below by lia. unfold G2. rewrite run_below by lia. rewrite S3.
      change (map G (map N.to_nat [a])) with [G (N.to_nat a)]. now rewrite law_expr_val.
    + destruct m as [k|]; auto. destruct HM2 as (H1 & H2 & H3). split; auto. split; [lia|]. intros ix Hix.
      rewrite run_below by lia. now apply H3.
  - assert (Hb' : forall y, In y xs -> (snd (density_of y) < nx)%N) by (intros y Hy; apply Hb; now right).
    specialize (IH nx2 rest l0 G2 Er Hf ltac:(intros y Hy; specialize (Hb' y Hy); lia) ltac:(lia)).
    clear - IH Hlow Hb' HM1 S1.
    replace (nx + (N.of_nat (length p) + (N.of_nat (length q1) + N.of_nat (length rest))))%N
      with (nx2 + N.of_nat (length rest))%N by lia.
    set (F := run rho tr (plain_program rest) (N.to_nat nx2) G2) in *. clearbody F.
    revert Hb'. induction IH as [|y rm ys l Hy HF IHF]; intros Hb'; constructor.
    + destruct y as [[j s] [? ?|? ?|?|? ?|l1 a1 axes1]]; auto. specialize (Hb' _ (or_introl eq_refl)). cbn [density_of snd] in Hb'.
      cbn [law_computed] in *. rewrite <- Hlow by lia. exact Hy.
    + apply IHF. intros z Hz. apply Hb'. now right.
Qed.
End Laws.

(** A program in stable forms, from some slot on. *)
Lemma rewritten_values rho tr ins p nx q st (e E : env) :
  let n := N.of_nat (length ins) in
  let st0 := {| r_next := nx; r_nodes := PositiveMap.empty bnode; r_shapes := input_shapes ins;
                r_slots := identity (length ins) |} in
  rewrite (fun _ => None) p n st0 = Some (q, st) -> (0 < n)%N -> (n <= nx)%N ->
  (forall k, (k < length ins)%nat -> E k = e k) ->
  r_next st = (nx + N.of_nat (length q))%N /\
  exists shf, infer (plain_program p) (length ins) (fun k => nth k ins []) = Some shf /\ like [] (r_shapes st) shf /\
  forall k, (k < n + N.of_nat (length p))%N -> (Fast.get 0%N (r_slots st) k < r_next st)%N /\
    forall ix, In ix (box (sizes rho (Fast.get [] (r_shapes st) k))) ->
      run rho tr (plain_program p) (length ins) e (N.to_nat k) ix =
      run rho tr (plain_program q) (N.to_nat nx) E (N.to_nat (Fast.get 0%N (r_slots st) k)) ix.
Proof.
  intros n st0 Hr H0 Hnx HE.
  pose (B := {| b_inputs := ins; b_nodes := []; b_cost := 0%N; b_scores := []; b_sizes := [] |}).
  assert (HS0 : like [] (r_shapes st0) (fun k => nth k ins [])) by exact (input_map_like B).
  destruct (rewrite_infer _ _ _ _ _ _ _ Hr HS0) as (shf & Hi & Hl). unfold n in Hi. rewrite Nat2N.id in Hi.
  assert (HC : carried rho tr n st0 (fun k => nth k ins []) (run rho tr (plain_program p) (length ins) e) E).
  { constructor; cbn [st0 r_shapes r_slots r_nodes r_next]; auto.
    - intros k Hk. rewrite identity_at by exact Hk. lia.
    - intros k o ps Hk. now rewrite look_empty in Hk.
    - intros k Hk ix _. rewrite identity_at by exact Hk. rewrite run_below, HE by (unfold n in Hk; lia). reflexivity. }
  destruct (rewrite_sound rho (fun _ => None) tr tr shf p n st0 q st (fun k => nth k ins []) e E
              (run rho tr (plain_program p) (length ins) e) Hr) as [Nx Cx]; auto.
  { unfold n. now rewrite Nat2N.id. } { unfold n. now rewrite Nat2N.id. } { now intros a i s b _. } { cbn; lia. }
  cbn [st0 r_next] in Nx, Cx. split; auto. exists shf. split; auto. split; auto. intros k Hk. split.
  - now apply (c_slots _ _ _ _ _ _ _ Cx).
  - intros ix Hix. apply (c_values _ _ _ _ _ _ _ Cx); auto. now rewrite (Hl k).
Qed.

Section Same.
Variables (W : written) (B : bgraph) (draws : list draw).
Hypothesis Hcheck : same_scored W B draws = true.
Variable rho : dim -> nat.
Hypothesis Hsized : sized (plain B) rho.
Variable e : env.
Notation boxs s := (box (sizes rho s)).
Notation n := (length (b_inputs B)).
Notation val tr k := (written_value W rho e tr k).
Notation top := (b_count B + N.of_nat (length (w_nodes W)))%N.
Notation K := (base_at rho draws).

(** The log-density of a number by its law. *)
Definition lp (c : coord) (tr : trace) : R :=
  match find_draw W c with
  | Some (_, WFinite l a axes) => law_val rho l (val tr a) axes (snd c) (get tr c)
  | _ => 0
  end.

Hypothesis Hin : w_inputs W = b_inputs B.
Hypothesis Hids : NoDup (map wdraw_id (w_draws W)).
Hypothesis Hfits : forallb law_fits (w_draws W) = true.
Hypothesis Hdraws : map base_draw (w_draws W) = draws.

Lemma in_numbers xs c : In c (numbers_of rho xs) -> exists x ix, In x xs /\ c = (wdraw_id x, ix) /\ In ix (boxs (wdraw_shape x)).
Proof. intros H. now apply numbers_of_in in H. Qed.
Lemma numbers_nodup xs : NoDup (map wdraw_id xs) -> NoDup (numbers_of rho xs).
Proof.
  induction xs as [|x xs IH]; intros H; [constructor|]. cbn [map] in H. inversion_clear H as [|? ? Hn Hd].
  cbn [numbers_of flat_map]. apply NoDup_app; auto.
  - apply FinFun.Injective_map_NoDup; [intros a b E; now inversion E|apply box_NoDup].
  - intros c Hc Hc'. apply in_map_iff in Hc as (ix & <- & _). apply in_numbers in Hc' as (y & jx & Hy & E & _).
    injection E as E _. apply Hn. rewrite E. now apply in_map.
Qed.
Lemma fits_in x : In x (w_draws W) -> exists l a axes, snd x = WFinite l a axes /\ below (length (wdraw_shape x)) axes = true.
Proof.
  intros Hx. pose proof Hfits as H. rewrite forallb_forall in H. specialize (H x Hx). unfold law_fits in H.
  destruct (snd x) as [? ?|? ?|?|? ?|l a axes]; try discriminate. eauto.
Qed.
Lemma lp_at x l a axes ix tr : In x (w_draws W) -> snd x = WFinite l a axes ->
  lp (wdraw_id x, ix) tr = law_val rho l (val tr a) axes ix (tr (wdraw_id x) ix).
Proof. intros Hx E. unfold lp. rewrite find_draw_of by auto. destruct x as [y w]. cbn [snd] in E. now subst w. Qed.
Lemma base_is x l a axes ix : In x (w_draws W) -> snd x = WFinite l a axes -> K (wdraw_id x, ix) = law_base rho l.
Proof.
  intros Hx E. assert (Hb : In (base_draw x) draws) by (rewrite <- Hdraws; now apply in_map).
  change (wdraw_id x) with (draw_id (base_draw x)). rewrite (base_at_draw rho draws (base_draw x) ix); auto.
  - unfold base_draw; cbn [snd]. rewrite E. now destruct l.
  - rewrite <- Hdraws, map_map. exact Hids.
Qed.
Lemma law_is x l a axes ix tr f : In x (w_draws W) -> snd x = WFinite l a axes ->
  Ex (law_at W rho e (wdraw_id x, ix) tr) f =
  Ex (K (wdraw_id x, ix)) (fun v => exp (law_val rho l (val tr a) axes ix v) * f v).
Proof.
  intros Hx E. rewrite (base_is x l a axes ix Hx E). unfold law_at. rewrite find_draw_of by auto.
  destruct x as [y w]. cbn [snd] in *. now subst w.
Qed.

(** *** Laws read earlier draws only *)
Lemma in_turn_ignores : forall xs before, drawn_in_turn (length (w_inputs W)) (plain_program (w_nodes W)) before xs = true ->
  (forall y, In y xs -> ~ In (wdraw_id y) before) -> NoDup (map wdraw_id xs) ->
  forall pre x post, xs = pre ++ x :: post -> forall y jx, In y (x :: post) ->
    ignores (fun tr => val tr (snd (density_of x))) (wdraw_id y, jx).
Proof.
  induction xs as [|x0 xs IH]; intros before H Hb Hd pre x post E y jx Hy; [now destruct pre|].
  cbn [drawn_in_turn] in H. apply andb_prop in H as [H Hr]. apply andb_prop in H as [Hk Hs].
  apply Nat.ltb_lt in Hk. cbn [map] in Hd. inversion_clear Hd as [|? ? Hn Hd'].
  destruct pre as [|z pre]; cbn [app] in E; injection E as <- E.
  - intros tr v. unfold written_value, written_value_env. set (k := snd (density_of x0)) in *.
    rewrite (run_prefix rho (set tr _ v) _ _ _ _ Hk), (run_prefix rho tr _ _ _ _ Hk), run_ignores; auto.
    cbn [fst]. intros Hin'. rewrite forallb_forall in Hs. specialize (Hs _ Hin'). apply existsb_exists in Hs as (i & Hi & Ei).
    apply Nat.eqb_eq in Ei. subst i. apply (Hb y); auto. rewrite E. exact Hy.
  - apply (IH (wdraw_id x0 :: before) Hr) with (pre := pre) (post := post); auto.
    intros y' Hy' [E'|Hin']; [|apply (Hb y'); auto; now right]. apply Hn. rewrite E'. now apply in_map.
Qed.
Hypothesis Hturn : drawn_in_turn (length (w_inputs W)) (plain_program (w_nodes W)) [] (w_draws W) = true.

Lemma law_ignores pre x post l a axes y jx : w_draws W = pre ++ x :: post -> snd x = WFinite l a axes -> In y (x :: post) ->
  ignores (fun tr => val tr a) (wdraw_id y, jx).
Proof.
  intros E Ex Hy. pose proof (in_turn_ignores _ _ Hturn (fun _ _ H => H) Hids pre x post E y jx Hy) as H.
  destruct x as [[j s] w]. cbn [snd] in Ex. subst w. exact H.
Qed.
Lemma lp_ignores pre x post ix c : w_draws W = pre ++ x :: post -> In c (numbers_of rho (x :: post)) ->
  c <> (wdraw_id x, ix) -> ignores (lp (wdraw_id x, ix)) c.
Proof.
  intros E Hc Hne. assert (Hx : In x (w_draws W)) by (rewrite E; apply in_app_iff; right; now left).
  destruct (fits_in x Hx) as (l & a & axes & El & _). apply in_numbers in Hc as (y & jx & Hy & -> & _).
  intros tr v. rewrite !(lp_at x l a axes ix _ Hx El).
  pose proof (law_ignores pre x post l a axes y jx E El Hy tr v) as H. cbv beta in H. rewrite H. f_equal.
  change (get (set tr (wdraw_id y, jx) v) (wdraw_id x, ix) = get tr (wdraw_id x, ix)). now apply get_set_other.
Qed.
Lemma causal_app (l m : list coord) : NoDup (l ++ m) ->
  (forall c c', In c l -> In c' (l ++ m) -> c' <> c -> ignores (lp c) c') -> causal lp m -> causal lp (l ++ m).
Proof.
  induction l as [|c l IH]; cbn [app causal]; intros Hd H Hm; auto. inversion_clear Hd as [|? ? Hn Hd']. split.
  - intros c' Hc'. apply H; [now left|now right|]. intros ->. contradiction.
  - apply IH; auto. intros a a' Ha Ha'. apply H; now right.
Qed.
Lemma NoDup_end {A} (l m : list A) : NoDup (l ++ m) -> NoDup m.
Proof. induction l as [|a l IH]; auto. cbn [app]. intros H. inversion_clear H. auto. Qed.
Lemma all_causal : forall post pre, w_draws W = pre ++ post -> causal lp (numbers_of rho post).
Proof.
  induction post as [|x post IH]; intros pre E; [exact I|]. cbn [numbers_of flat_map]. apply causal_app.
  - apply (numbers_nodup (x :: post)). rewrite E, map_app in Hids. now apply NoDup_end in Hids.
  - intros c c' Hc Hc' Hne. apply in_map_iff in Hc as (ix & <- & _). now apply (lp_ignores pre x post).
  - apply (IH (pre ++ [x])). now rewrite <- app_assoc.
Qed.
Lemma all_normalised c : In c (numbers_of rho (w_draws W)) -> normalised K lp c.
Proof.
  intros Hc. apply in_numbers in Hc as (x & ix & Hx & -> & Hix). destruct (fits_in x Hx) as (l & a & axes & El & _).
  destruct (in_split x (w_draws W) Hx) as (pre & post & E). intros tr. rewrite (base_is x l a axes ix Hx El).
  assert (Hv : forall v, lp (wdraw_id x, ix) (set tr (wdraw_id x, ix) v) = law_val rho l (val tr a) axes ix v).
  { intros v. rewrite (lp_at x l a axes ix _ Hx El).
    pose proof (law_ignores pre x post l a axes x ix E El (or_introl eq_refl) tr v) as H. cbv beta in H. rewrite H.
    f_equal. apply (get_set_same tr (wdraw_id x, ix) v). }
  split; [now destruct l|]. rewrite (Ex_ext _ _ (fun v => exp (law_val rho l (val tr a) axes ix v))) by (intros v; now rewrite Hv).
  apply law_mass. apply Hsized.
Qed.

(** *** Drawing one number after another *)
Lemma drawn_node_by_node : forall cs, (forall c, In c cs -> In c (numbers_of rho (w_draws W))) -> forall tr F,
  Ex (written_law W rho e cs tr) F = node_by_node K lp cs tr F.
Proof.
  induction cs as [|c cs IH]; intros Hc tr F; [reflexivity|]. cbn [written_law node_by_node Ex mapE bindE snd].
  pose proof (Hc c (or_introl eq_refl)) as Hin'. apply in_numbers in Hin' as (x & ix & Hx & -> & Hix).
  destruct (fits_in x Hx) as (l & a & axes & El & _). destruct (in_split x (w_draws W) Hx) as (pre & post & E).
  rewrite (law_is x l a axes ix tr _ Hx El). apply Ex_ext. intros v.
  rewrite <- IH by (intros; apply Hc; now right). f_equal. f_equal. symmetry. rewrite (lp_at x l a axes ix _ Hx El).
  pose proof (law_ignores pre x post l a axes x ix E El (or_introl eq_refl) tr v) as H. cbv beta in H. rewrite H.
  f_equal. apply (get_set_same tr (wdraw_id x, ix) v).
Qed.
Lemma base_any c f : In c (numbers_of rho (w_draws W)) -> Int (K c) f.
Proof.
  intros Hc. apply in_numbers in Hc as (x & ix & Hx & -> & Hix). destruct (fits_in x Hx) as (l & a & axes & El & _).
  rewrite (base_is x l a axes ix Hx El). now destruct l.
Qed.
Lemma nodes_any F : forall cs, (forall c, In c cs -> In c (numbers_of rho (w_draws W))) -> forall tr, node_by_node_int K lp cs tr F.
Proof.
  induction cs as [|c cs IH]; intros Hc tr; [exact I|]. cbn [node_by_node_int]. intros tr'. split.
  - apply drawE_total_int. intros b f Hb. apply base_any, Hc. now right.
  - apply IH. intros b Hb. apply Hc. now right.
Qed.
Lemma written_joint F : Ex (written_law W rho e (written_numbers W rho) (fun _ => zero)) F =
  Ex (drawE K (numbers_of rho (w_draws W)) (fun _ => zero)) (fun tr => exp (total lp (numbers_of rho (w_draws W)) tr) * F tr).
Proof.
  change (written_numbers W rho) with (numbers_of rho (w_draws W)). rewrite drawn_node_by_node by auto.
  apply ancestral; [apply (all_causal _ [] eq_refl)|]. now apply nodes_any.
Qed.

(** *** A Bernoulli draw and its mean *)
Lemma mean_orthogonal pre x post a axes ix (f : trace -> R) : w_draws W = pre ++ x :: post ->
  snd x = WFinite BernoulliLogits a axes -> In ix (boxs (wdraw_shape x)) ->
  (forall y, In y (x :: post) -> forall jx, ignores f (wdraw_id y, jx)) ->
  Ex (drawE K (numbers_of rho (w_draws W)) (fun _ => zero)) (fun tr => exp (total lp (numbers_of rho (w_draws W)) tr) *
    (f tr * (tr (wdraw_id x) ix - logistic (val tr a (pick ix axes))))) = 0.
Proof.
  intros E El Hix Hf. assert (Hx : In x (w_draws W)) by (rewrite E; apply in_app_iff; right; now left).
  destruct (in_split ix (boxs (wdraw_shape x)) Hix) as (u & v & Eb).
  set (c := (wdraw_id x, ix)). set (own := map (@pair nat index (wdraw_id x))).
  assert (Ecs : numbers_of rho (w_draws W) = (numbers_of rho pre ++ own u) ++ c :: (own v ++ numbers_of rho post)).
  { rewrite E. unfold numbers_of. rewrite flat_map_app. cbn [flat_map]. rewrite Eb, map_app. cbn [map]. unfold own, c.
    now rewrite <- !app_assoc. }
  set (before := numbers_of rho pre ++ own u) in *. set (after := own v ++ numbers_of rho post) in *.
  pose proof (all_causal _ [] eq_refl) as Hcausal. rewrite Ecs in Hcausal.
  assert (Hsplit : forall l m, causal lp (l ++ m) -> (forall b, In b l -> ignores_all (lp b) m) /\ causal lp m).
  { induction l as [|b l IHl]; intros m Hm; [split; [easy|exact Hm]|]. cbn [app causal] in Hm. destruct Hm as [H1 H2].
    destruct (IHl m H2) as [I1 I2]. split; auto. intros b' [<-|Hb']; auto. intros k Hk. apply H1. apply in_app_iff. now right. }
  destruct (Hsplit _ _ Hcausal) as [Hbefore [Hown Hafter]].
  assert (Hids' : forall b, In b (c :: after) -> exists y, In y (x :: post) /\ fst b = wdraw_id y).
  { intros b [<-|Hb]; [exists x; split; [now left|reflexivity]|]. apply in_app_iff in Hb as [Hb|Hb].
    - unfold own in Hb. apply in_map_iff in Hb as (jx & <- & _). exists x. split; [now left|reflexivity].
    - apply in_numbers in Hb as (y & jx & Hy & -> & _). exists y. split; [now right|reflexivity]. }
  assert (Hno : forall g : trace -> R, (forall y, In y (x :: post) -> forall jx, ignores g (wdraw_id y, jx)) ->
    ignores_all g (c :: after)).
  { intros g Hg b Hb. destruct (Hids' b Hb) as (y & Hy & Ey). destruct b as [i jx]. cbn [fst] in Ey. subst i. now apply Hg. }
  assert (Hnd : NoDup (before ++ c :: after)) by (rewrite <- Ecs; now apply numbers_nodup).
  set (s := fun tr : trace => tr (wdraw_id x) ix - logistic (val tr a (pick ix axes))).
  rewrite Ecs. apply (score_orthogonal K lp before c after (fun _ => zero) f s); auto.
  - (* the mean does not read what comes later *)
    intros b Hb tr w. unfold s. destruct (Hids' b (or_intror Hb)) as (y & Hy & Ey). destruct b as [i jx]. cbn [fst] in Ey. subst i.
    pose proof (law_ignores pre x post _ a axes y jx E El Hy tr w) as H. cbv beta in H. rewrite H. f_equal.
    change (get (set tr (wdraw_id y, jx) w) c = get tr c). apply get_set_other. intros Ec.
    apply NoDup_remove_2 in Hnd. apply Hnd. apply in_app_iff. right. now rewrite <- Ec.
  - intros b Hb. apply all_normalised. rewrite Ecs. apply in_app_iff. right. now right.
  - intros tr. assert (Kc : K c = bits) by (unfold c; rewrite (base_is x _ a axes ix Hx El); reflexivity).
    rewrite Kc. split; [exact I|].
    assert (Hv : forall v0, lp c (set tr c v0) = law_val rho BernoulliLogits (val tr a) axes ix v0).
    { intros v0. unfold c. rewrite (lp_at x _ a axes ix _ Hx El).
      pose proof (law_ignores pre x post _ a axes x ix E El (or_introl eq_refl) tr v0) as H. cbv beta in H. rewrite H.
      f_equal. apply (get_set_same tr (wdraw_id x, ix) v0). }
    assert (Hs : forall v0, s (set tr c v0) = v0 - logistic (val tr a (pick ix axes))).
    { intros v0. unfold s. pose proof (law_ignores pre x post _ a axes x ix E El (or_introl eq_refl) tr v0) as H.
      cbv beta in H. unfold c. rewrite H. f_equal. apply (get_set_same tr (wdraw_id x, ix) v0). }
    rewrite (Ex_ext _ _ (fun v0 => exp (law_val rho BernoulliLogits (val tr a) axes ix v0) *
      (v0 - logistic (val tr a (pick ix axes))))) by (intros v0; now rewrite Hv, Hs).
    cbn -[logistic]. set (t := val tr a (pick ix axes)). pose proof (exp_pos t). unfold logistic. rewrite exp_Ropp.
    replace (0 * t - ln (1 + exp t)) with (- ln (1 + exp t)) by ring.
    replace (1 * t - ln (1 + exp t)) with (t + - ln (1 + exp t)) by ring.
    rewrite exp_plus, !exp_Ropp, exp_ln by lra. field. split; [|lra]. pose proof (exp_pos t). lra.
Qed.
End Same.

Lemma zip3_in {A B C D} (f : A -> B -> C -> D) l : forall m n y, In y (zip3 f l m n) ->
  exists a b c, y = f a b c /\ In a l /\ In b m /\ In c n.
Proof.
  induction l as [|a l IH]; intros [|b m] [|c n] y H; try easy. cbn [zip3] in H. destruct H as [<-|H].
  - exists a, b, c. repeat split; now left.
  - destruct (IH _ _ _ H) as (a' & b' & c' & E & H1 & H2 & H3). exists a', b', c'. repeat split; auto; now right.
Qed.
Lemma zip3_split {A B C D} (f : A -> B -> C -> D) l : forall m n pre y post, length m = length l -> length n = length l ->
  zip3 f l m n = pre ++ y :: post ->
  exists l1 a l2 m1 b m2 n1 c n2, l = l1 ++ a :: l2 /\ m = m1 ++ b :: m2 /\ n = n1 ++ c :: n2 /\ y = f a b c /\
    length m1 = length l1 /\ length n1 = length l1 /\ post = zip3 f l2 m2 n2.
Proof.
  induction l as [|a l IH]; intros [|b m] [|c n] pre y post Hm Hn E; simpl in Hm, Hn; try lia; [now destruct pre|].
  cbn [zip3] in E. destruct pre as [|z pre]; cbn [app] in E; injection E as E1 E2.
  - exists [], a, l, [], b, m, [], c, n. now repeat split.
  - destruct (IH m n pre y post ltac:(lia) ltac:(lia) E2) as (l1 & a' & l2 & m1 & b' & m2 & n1 & c' & n2 & -> & -> & -> & Hy & L1 & L2 & Hp).
    exists (a :: l1), a', l2, (b :: m1), b', m2, (c :: n1), c', n2. repeat split; auto; simpl; lia.
Qed.
Lemma zip3_draws {A C} (f : wdraw -> A -> C -> placed) l : (forall x a c, pl_draw (f x a c) = wdraw_id x) ->
  forall m n y, length m = length l -> length n = length l -> In y l -> exists z, In z (zip3 f l m n) /\ pl_draw z = wdraw_id y.
Proof.
  intros Hf. induction l as [|x l IH]; intros [|a m] [|c n] y Hm Hn Hy; simpl in Hm, Hn; try lia; [destruct Hy|].
  cbn [zip3]. destruct Hy as [<-|Hy]; [eexists; split; [now left|apply Hf]|].
  destruct (IH m n y ltac:(lia) ltac:(lia) Hy) as (z & Hz & E). exists z. split; auto. now right.
Qed.

(** Two programs in stable forms, one after the other, as one program: what each of them computes. *)
Section Joined.
Variables (B : bgraph) (m p q : bprogram) (st st' : rewritten) (rho : dim -> nat) (e : env).
Notation n := (length (b_inputs B)).
Notation V tr := (run rho tr (plain_program (p ++ q)) n e).
Hypothesis Hfirst : rewrite (fun _ => None) m (b_count B) (start (b_inputs B)) = Some (p, st).
Hypothesis Hsecond : rewrite (fun _ => None) (b_nodes B) (b_count B) (after (b_inputs B) st) = Some (q, st').
Hypothesis Hcnt : (0 < b_count B)%N.

Lemma joined_first : r_next st = (b_count B + N.of_nat (length p))%N /\
  forall tr k, (k < b_count B + N.of_nat (length m))%N -> (Fast.get 0%N (r_slots st) k < r_next st)%N /\
    forall ix, In ix (box (sizes rho (Fast.get [] (r_shapes st) k))) ->
    run rho tr (plain_program m) n e (N.to_nat k) ix = V tr (slot_at st k) ix.
Proof.
  destruct (rewritten_values rho (fun _ => zero) (b_inputs B) m (b_count B) p st e e Hfirst Hcnt
              (N.le_refl _) (fun _ _ => eq_refl)) as (Np & _).
  split; auto. intros tr k Hk.
  destruct (rewritten_values rho tr (b_inputs B) m (b_count B) p st e e Hfirst Hcnt
              (N.le_refl _) (fun _ _ => eq_refl)) as (_ & _ & _ & _ & Hp).
  destruct (Hp k Hk) as [H1 H2]. split; auto. intros ix Hix. rewrite (H2 ix Hix). unfold slot_at.
  rewrite plain_app, run_app, (run_below rho tr (plain_program q)).
  - unfold b_count. now rewrite Nat2N.id.
  - unfold plain_program. rewrite map_length. unfold b_count in Np. lia.
Qed.

Lemma joined_second : exists shb,
  infer (plain_program (b_nodes B)) n (fun k => nth k (b_inputs B) []) = Some shb /\ like [] (r_shapes st') shb /\
  forall tr k, (k < b_slots B)%N -> forall ix, In ix (box (sizes rho (Fast.get [] (r_shapes st') k))) ->
  value (plain B) rho e tr (N.to_nat k) ix = V tr (slot_at st' k) ix.
Proof.
  destruct joined_first as [Np _].
  assert (Hle : (N.of_nat n <= r_next st)%N) by (rewrite Np; unfold b_count; lia).
  assert (Hlow : forall tr k, (k < n)%nat -> run rho tr (plain_program p) n e k = e k)
    by (intros tr k Hk; now apply run_below).
  destruct (rewritten_values rho (fun _ => zero) (b_inputs B) (b_nodes B) (r_next st) q st' e _ Hsecond Hcnt Hle
              (Hlow (fun _ => zero))) as (_ & shb & Ib & Lb & _).
  exists shb. split; [exact Ib|]. split; [exact Lb|]. intros tr k Hk ix Hix.
  destruct (rewritten_values rho tr (b_inputs B) (b_nodes B) (r_next st) q st' e _ Hsecond Hcnt Hle (Hlow tr))
    as (_ & _ & _ & _ & Hq).
  destruct (Hq k) as [_ H2]; [exact Hk|].
  change (value (plain B) rho e tr) with (run rho tr (plain_program (b_nodes B)) n e).
  rewrite (H2 ix Hix). unfold slot_at. rewrite plain_app, run_app.
  replace (n + length (plain_program p))%nat with (N.to_nat (r_next st)); auto.
  unfold plain_program. rewrite map_length, Np. unfold b_count. lia.
Qed.
End Joined.

(** The model and the graph have the same expected cost. *)
Theorem same_scored_sound W B draws rho e : same_scored W B draws = true -> sized (plain B) rho ->
  written_cost W rho e = expected_cost (plain B) rho (model_law rho draws) e.
Proof.
  intros H Hsized. unfold same_scored in H.
  destruct (laws_of (w_draws W) (b_count B + N.of_nat (length (w_nodes W)))%N) as [q0 ls] eqn:El.
  apply andb_prop in H as [H Hjoin]. apply andb_prop in H as [H Hbs]. apply andb_prop in H as [H Hbc].
  apply andb_prop in H as [H Hwc]. apply andb_prop in H as [H Hturn]. apply andb_prop in H as [H Hlen].
  apply andb_prop in H as [H Hfits]. apply andb_prop in H as [H Hids]. apply andb_prop in H as [H Hdr].
  apply andb_prop in H as [Hin Hcnt]. apply shapes_eqb_eq in Hin. apply N.ltb_lt in Hcnt, Hwc, Hbc.
  apply draws_eqb_eq in Hdr. apply distinct_NoDup in Hids. apply Nat.eqb_eq in Hlen.
  set (ins := b_inputs B) in *. set (n := length ins) in *.
  destruct (rewrite _ (w_nodes W ++ q0) _ _) as [[p st]|] eqn:Ep; [|discriminate].
  destruct (rewrite _ (b_nodes B) _ _) as [[q st']|] eqn:Eq; [|discriminate].
  apply andb_prop in Hjoin as [H Hag]. apply andb_prop in H as [H Hsh]. apply andb_prop in H as [Hws Hbsh].
  destruct (index_eqb_spec (Fast.get [] (r_shapes st) (w_cost W)) []) as [Ews|]; [clear Hws|discriminate].
  destruct (index_eqb_spec (Fast.get [] (r_shapes st') (b_cost B)) []) as [Ebs|]; [clear Hbsh|discriminate].
  set (J := plain_program (p ++ q)) in *. set (ds := zip3 (place_draw st st') (w_draws W) ls (b_scores B)) in *.
  assert (Hfix : forall d k, In (d, k) (b_sizes B) -> rho d = k) by (intros d k Hd; now apply (proj1 Hsized)).
  set (cs := numbers_of rho (w_draws W)). set (K := base_at rho draws). set (lp' := lp W rho e).
  (* both programs in the joint one *)
  set (V := fun tr => run rho tr J n e).
  set (top := (b_count B + N.of_nat (length (w_nodes W)))%N) in *.
  assert (HP : r_next st = (b_count B + N.of_nat (length p))%N /\ forall tr k, (k < top + N.of_nat (length q0))%N ->
    (Fast.get 0%N (r_slots st) k < r_next st)%N /\ forall ix, In ix (box (sizes rho (Fast.get [] (r_shapes st) k))) ->
    run rho tr (plain_program (w_nodes W ++ q0)) n e (N.to_nat k) ix = V tr (slot_at st k) ix).
  { destruct (joined_first B _ p q st rho e Ep Hcnt) as [Np Hp]. split; auto. intros tr k Hk. apply Hp.
    rewrite app_length, Nat2N.inj_add. unfold top in Hk. lia. }
  destruct HP as [Np HP].
  assert (HQ : exists shb, infer (plain_program (b_nodes B)) n (fun k => nth k ins []) = Some shb /\ like [] (r_shapes st') shb /\
    forall tr k, (k < b_slots B)%N -> forall ix, In ix (box (sizes rho (Fast.get [] (r_shapes st') k))) ->
    value (plain B) rho e tr (N.to_nat k) ix = V tr (slot_at st' k) ix) by exact (joined_second B _ p q st st' rho e Ep Eq Hcnt).
  destruct HQ as (shb & Ib & Lb & HQ).
  assert (Hshape : forall k, shape_of (plain B) (N.to_nat k) = Fast.get [] (r_shapes st') k).
  { intros k. unfold shape_of. change (g_nodes (plain B)) with (plain_program (b_nodes B)).
    change (inputs (plain B)) with n. change (input_shape (plain B)) with (fun k => nth k ins []).
    rewrite Ib. apply Lb. }
  assert (Hlow : forall tr k, (k < top)%N -> run rho tr (plain_program (w_nodes W ++ q0)) n e (N.to_nat k) = written_value W rho e tr k).
  { intros tr k Hk. unfold written_value, written_value_env. rewrite Hin. fold n. rewrite plain_app, run_app. apply run_below.
    unfold plain_program. rewrite map_length. unfold top, b_count in Hk. fold ins n in Hk. lia. }
  assert (Hlaws : forall tr, Forall2 (law_computed rho tr (written_value_env W rho e tr)
    (run rho tr (plain_program (w_nodes W ++ q0)) n e) (top + N.of_nat (length q0))) (w_draws W) ls).
  { intros tr. pose proof (laws_of_sound rho tr (w_draws W) top q0 ls (written_value_env W rho e tr) El Hfits) as HL.
    assert (E : run rho tr (plain_program (w_nodes W ++ q0)) n e =
      run rho tr (plain_program q0) (N.to_nat top) (written_value_env W rho e tr)).
    { rewrite plain_app, run_app. unfold written_value_env. rewrite Hin. fold n. f_equal.
      unfold plain_program. rewrite map_length. unfold top, b_count. fold ins n. lia. }
    rewrite E. apply HL; [|unfold top; lia].
    assert (Hb : forall xs before, drawn_in_turn (length (w_inputs W)) (plain_program (w_nodes W)) before xs = true ->
      forall y, In y xs -> (snd (density_of y) < top)%N).
    { induction xs as [|x xs IH]; intros before Ht y Hy; [destruct Hy|]. cbn [drawn_in_turn] in Ht.
      apply andb_prop in Ht as [Ht Hr]. apply andb_prop in Ht as [Hk _]. apply Nat.ltb_lt in Hk.
      destruct Hy as [<-|Hy]; [|now apply (IH _ Hr)]. unfold plain_program in Hk. rewrite map_length, Hin in Hk.
      fold n in Hk. unfold top, b_count. fold ins n. lia. }
    now apply (Hb _ [] Hturn). }
  assert (Lls : length ls = length (w_draws W)).
  { rewrite <- (laws_of_length (w_draws W) top), El. reflexivity. }
  (* what a draw has in the joint program *)
  assert (Hone : forall l1 x l2 m1 rm m2 n1 lw n2, w_draws W = l1 ++ x :: l2 -> ls = m1 ++ rm :: m2 -> b_scores B = n1 ++ lw :: n2 ->
    length m1 = length l1 -> length n1 = length l1 -> exists l a axes, snd x = WFinite l a axes /\
    Fast.get [] (r_shapes st') (fst lw) = wdraw_shape x /\ (fst lw < b_slots B)%N /\
    forall tr ix, In ix (box (sizes rho (wdraw_shape x))) ->
      V tr (slot_at st (fst rm)) ix = law_val rho l (written_value W rho e tr a) axes ix (tr (wdraw_id x) ix) /\
      forall m, snd rm = Some m -> l = BernoulliLogits /\
        V tr (slot_at st m) ix = logistic (written_value W rho e tr a (pick ix axes))).
  { intros l1 x l2 m1 rm m2 n1 lw n2 E1 E2 E3 L1 L2.
    assert (Hx : In x (w_draws W)) by (rewrite E1; apply in_app_iff; right; now left).
    destruct (fits_in W Hfits x Hx) as (l & a & axes & Ex0 & Hax). exists l, a, axes. split; auto.
    assert (Hfit : shapes_fit st st' x rm lw = true).
    { rewrite forallb_forall in Hsh. apply Hsh. rewrite E1, E2, E3. clear - L1 L2. revert m1 n1 L1 L2.
      induction l1 as [|z l1 IH]; intros [|b m1] [|c n1] L1 L2; simpl in L1, L2; try lia; [now left|].
      right. apply IH; lia. }
    unfold shapes_fit in Hfit. apply andb_prop in Hfit as [Hfit Hm]. apply andb_prop in Hfit as [Hf1 Hf2].
    destruct (index_eqb_spec (Fast.get [] (r_shapes st) (fst rm)) (wdraw_shape x)) as [F1|]; [|discriminate].
    destruct (index_eqb_spec (Fast.get [] (r_shapes st') (fst lw)) (wdraw_shape x)) as [F2|]; [|discriminate].
    split; auto. split.
    { rewrite forallb_forall in Hbs. apply N.ltb_lt. apply Hbs. rewrite E3. apply in_app_iff. right. now left. }
    intros tr ix Hix. pose proof (Hlaws tr) as HL. rewrite E1, E2 in HL.
    assert (Hxm : law_computed rho tr (written_value_env W rho e tr) (run rho tr (plain_program (w_nodes W ++ q0)) n e)
      (top + N.of_nat (length q0)) x rm).
    { clear - HL L1. revert m1 L1 HL. induction l1 as [|z l1 IH]; intros [|b m1] L1 HL; simpl in L1; try lia.
      - now inversion HL.
      - inversion HL; subst. apply (IH m1); auto. }
    destruct x as [[j s] w]. cbn [snd] in Ex0. subst w. cbn [law_computed] in Hxm. destruct Hxm as (X1 & X2 & X3).
    change (wdraw_shape (j, s, WFinite l a axes)) with s in *. change (wdraw_id (j, s, WFinite l a axes)) with j.
    destruct (HP tr (fst rm) X1) as [_ HP1]. rewrite F1 in HP1. split.
    - rewrite <- (HP1 ix Hix). now apply X2.
    - intros m Em. rewrite Em in X3, Hm. destruct X3 as (-> & Y1 & Y2). split; auto.
      destruct (HP tr m Y1) as [_ HPm]. destruct (index_eqb_spec (Fast.get [] (r_shapes st) m) s) as [F3|]; [|discriminate].
      rewrite F3 in HPm. rewrite <- (HPm ix Hix). now apply Y2. }
  set (L := drawE K cs (fun _ => zero)). set (w := fun tr => exp (total lp' cs tr)).
  destruct (agree_sound (b_sizes B) ins J (slot_at st (w_cost W)) (slot_at st' (b_cost B)) ds rho e Hfix Hag L) with (w := w)
    as [Hdens Hzero].
  { intros F. apply drawE_total_int. intros c f Hc. now apply (base_any W draws rho Hids Hfits Hdr). }
  { intros pre y post i Eds Hi ix Hix f Hf.
    destruct (zip3_split _ _ _ _ _ _ _ Lls (eq_trans (eq_sym Hlen) Lls) Eds)
      as (l1 & x & l2 & m1 & rm & m2 & n1 & lw & n2 & E1 & E2 & E3 & -> & L1 & L2 & ->).
    cbn [place_draw pl_draw pl_shape pl_mean pl_graph pl_model] in *.
    destruct (Hone l1 x l2 m1 rm m2 n1 lw n2 E1 E2 E3 L1 L2) as (l & a & axes & Ex0 & _ & _ & Hval).
    destruct (snd rm) as [m|] eqn:Em; [|discriminate]. cbn [option_map] in Hi. injection Hi as <-.
    destruct (Hval (fun _ => zero) ix Hix) as [_ Hb]. destruct (Hb m eq_refl) as [-> _].
    rewrite (Ex_ext L _ (fun tr => w tr * (f tr * (tr (wdraw_id x) ix - logistic (written_value W rho e tr a (pick ix axes)))))).
    - apply (mean_orthogonal W B draws rho Hsized e Hids Hfits Hdr Hturn l1 x l2 a axes ix f E1 Ex0 Hix).
      intros z Hz jx. destruct Hz as [<-|Hz]; [apply (Hf _ (or_introl eq_refl))|].
      assert (Hz' : exists t, In t (zip3 (place_draw st st') l2 m2 n2) /\ pl_draw t = wdraw_id z).
      { apply zip3_draws; auto; rewrite E1, E2, ?E3 in *; rewrite !app_length in *; simpl in *; lia. }
      destruct Hz' as (t & Ht & <-). apply Hf. now right.
    - intros tr. destruct (Hval tr ix Hix) as [_ Hv]. destruct (Hv m eq_refl) as [_ Hv']. unfold V, n in Hv'. now rewrite Hv'. }
  (* the two expected costs *)
  unfold written_cost. rewrite (written_joint W draws rho e Hids Hfits Hdr Hturn).
  fold cs K lp'. unfold expected_cost, model_law.
  assert (Hnum : numbers rho (in_order draws) = cs).
  { assert (Hfin : forall x, In x draws -> is_finite x = true).
    { intros x Hx. rewrite <- Hdr in Hx. apply in_map_iff in Hx as (y & <- & Hy). destruct (fits_in W Hfits y Hy) as (l & a & axes & Ey & _).
      unfold is_finite, base_draw; cbn [snd]. rewrite Ey. now destruct l. }
    assert (Horder : in_order draws = draws).
    { unfold in_order. clear - Hfin. assert (E : filter (fun x => negb (is_finite x)) draws = [] /\ filter is_finite draws = draws).
      { induction draws as [|x l IH]; auto. destruct IH as [I1 I2]; [intros; apply Hfin; now right|]. cbn [filter].
        rewrite (Hfin x (or_introl eq_refl)). cbn [negb]. now rewrite I1, I2. }
      destruct E as [-> ->]. reflexivity. }
    rewrite Horder, <- Hdr. unfold numbers, cs, numbers_of. rewrite !flat_map_concat_map, map_map. reflexivity. }
  rewrite Hnum. fold K L. apply Rminus_diag_uniq.
  assert (HLi : forall F, Int L F).
  { intros F. apply drawE_total_int. intros c f Hc. now apply (base_any W draws rho Hids Hfits Hdr). }
  rewrite <- Ex_minus by apply HLi. rewrite <- Hzero. apply Ex_ext. intros tr. unfold w. unfold joint.
  assert (Hld : log_density (plain B) rho e tr = total lp' cs tr).
  { unfold log_density, total, cs, numbers_of. rewrite sum_flat_map. cbn [plain g_scores]. unfold plain_pairs. rewrite sum_map.
    assert (Hgo : forall l2 l1 m1 m2 n1 n2, w_draws W = l1 ++ l2 -> ls = m1 ++ m2 -> b_scores B = n1 ++ n2 ->
      length m1 = length l1 -> length n1 = length l1 -> length m2 = length l2 -> length n2 = length l2 ->
      sum n2 (fun lw => sum (box (sizes rho (shape_of (plain B) (N.to_nat (fst lw))))) (value (plain B) rho e tr (N.to_nat (fst lw)))) =
      sum l2 (fun x => sum (map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x)))) (fun c => lp' c tr))).
    { induction l2 as [|x l2 IH]; intros l1 m1 m2 n1 n2 E1 E2 E3 L1 L2 L3 L4.
      - destruct n2; [reflexivity|simpl in L4; lia].
      - destruct m2 as [|rm m2]; [simpl in L3; lia|]. destruct n2 as [|lw n2]; [simpl in L4; lia|]. cbn [sum]. f_equal.
        + destruct (Hone l1 x l2 m1 rm m2 n1 lw n2 E1 E2 E3 L1 L2) as (l & a & axes & Ex0 & Es & Hlt & Hval).
          rewrite Hshape, Es, sum_map. apply sum_ext. intros ix Hix. rewrite (HQ tr (fst lw) Hlt) by now rewrite Es.
          assert (Hx : In x (w_draws W)) by (rewrite E1; apply in_app_iff; right; now left).
          unfold lp'. rewrite (lp_at W rho e Hids x l a axes ix tr Hx Ex0).
          destruct (Hval tr ix Hix) as [<- _]. symmetry.
          apply (Hdens (place_draw st st' x rm lw)); [|exact Hix]. unfold ds. rewrite E1, E2, E3. clear - L1 L2.
          revert m1 n1 L1 L2. induction l1 as [|z l1 IH]; intros [|b m1] [|c n1] L1 L2; simpl in L1, L2; try lia; [now left|].
          right. apply IH; lia.
        + apply (IH (l1 ++ [x]) (m1 ++ [rm]) m2 (n1 ++ [lw]) n2); rewrite <- ?app_assoc; auto; rewrite ?app_length; simpl in *; lia. }
    apply (Hgo (w_draws W) [] [] ls [] (b_scores B)); auto. lia. }
  rewrite Hld. rewrite <- Rmult_minus_distr_l. f_equal. f_equal.
  - rewrite <- (Hlow tr (w_cost W) Hwc). destruct (HP tr (w_cost W)) as [_ HP1]; [lia|].
    rewrite (HP1 []) by (rewrite Ews; now left). reflexivity.
  - apply (HQ tr (b_cost B) Hbc []). rewrite Ebs. now left.
Qed.

(** ** Copies, then scores *)
Fixpoint copy_all (cs : list (dim * list (nat * nat))) (W : written) : option written :=
  match cs with
  | [] => Some W
  | (d, copied) :: cs =>
      if distinct (map wdraw_id (w_draws W)) then
        match copy d copied W with Some W' => copy_all cs W' | None => None end
      else None
  end.
Definition same_finite (copies : list (dim * list (nat * nat))) (W : written) (B : bgraph) (draws : list draw) : bool :=
  match copy_all copies W with Some W' => same_scored W' B draws | None => false end.

Lemma copy_all_mean rho e cs : (forall d, (0 < rho d)%nat) -> forall W W', copy_all cs W = Some W' ->
  written_cost W' rho e = written_cost W rho e.
Proof.
  intros Hrho. induction cs as [|[d copied] cs IH]; cbn [copy_all]; intros W W' H; [now injection H as <-|].
  destruct (distinct _) eqn:Hd; [|discriminate]. destruct (copy d copied W) as [W1|] eqn:E; [|discriminate].
  rewrite (IH _ _ H). apply (copy_mean d copied W W1 E); auto. now apply distinct_NoDup.
Qed.

(** The derivative of the expected cost of a model with finite draws, as it is written. *)
Theorem finite_derive copies W B draws rho e d l : same_finite copies W B draws = true -> sized (plain B) rho ->
  is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0 l ->
  is_derive (fun t => written_cost W rho (line e d t)) 0 l.
Proof.
  intros H Hs. unfold same_finite in H. destruct (copy_all copies W) as [W'|] eqn:E; [|discriminate].
  apply is_derive_ext. intros t. rewrite <- (same_scored_sound W' B draws rho (line e d t) H Hs).
  apply (copy_all_mean rho (line e d t) copies); auto. apply Hs.
Qed.
