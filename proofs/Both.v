(** * Models with draws of both kinds

    [same_both W B draws moved] decides that a model [W] that draws from normal and from finite laws, in any order, and the graph
    [B], which draws noise and scores finite values, have the same expected cost.  The model is brought into noise
    ([noise_cost]); the log-densities of the graph are those of the finite laws; and the two costs are equal, or differ by what has
    the mean zero, draw by draw. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith ZArith PArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Certificate Fast Draws Score.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame Mixed Quick Noised Model Written Rewriting Unfold Moment Source.
From Sgc Require Import QuickSource Copies Scored Drawing InNoise.
Import ListNotations.
Open Scope R_scope.

(** ** The check *)

(** *** Means *)
Section Terms.
Variable M : meanings.
Variable H : holders.

(** A number that is read, by nothing that depends on its draw or later ones: noise becomes zero, its square one, and a Bernoulli
    value, which is its square, its mean. *)
Definition both_term (noise : bool) (j : nat) (s : shape) (mean : option (BinNums.positive * list nat)) (seen : list (list bool)) (t : term) :
  option term :=
  let '(qs, rest) := draws_in M H j s (factors t) in
  match qs with
  | [] => Some t
  | q :: more =>
      if forallb (fun touched => forallb (free H touched) rest) seen then
        if noise then
          match more with
          | [] => Some (Term 0 1 [] [])
          | [q'] => if index_eqb q q' then Some (Term (num t) (denom t) (over t) rest) else None
          | _ => None
          end
        else
          match mean with
          | Some (k, r) =>
              let t' := Term (num t) (denom t) (over t) (Read k (pick q r) :: rest) in
              if match more with [] => true | [q'] => index_eqb q q' | _ => false end && below (length q) r && held H t'
              then Some t' else None
          | None => None
          end
      else None
  end.
End Terms.
(** Draw by draw, from the last; [seen]: the slots that read each of those. *)
Fixpoint both_means (M : meanings) (H : holders) (fix_ : fixed_sizes) (n : nat) (J : program) (m : list (shape * poly))
  (seen : list (list bool)) (ds : list (bool * placed)) (p : poly) : bool :=
  match p, ds with
  | [], _ => true
  | _, [] => false
  | _, (noise, x) :: ds =>
      let seen := touched_by (pl_draw x) J (repeat false n) :: seen in
      forallb (held H) p &&
      match all_some (both_term M H noise (pl_draw x) (pl_shape x) (mean_read m x) seen) p with
      | Some q => both_means M H fix_ n J m seen ds (collect (map (tidy fix_ 0) q))
      | None => false
      end
  end.
Definition both_agree (fix_ : fixed_sizes) (ins : list shape) (J : program) (a b : nat) (fs : list placed) (ds : list (bool * placed)) :
  bool :=
  let '(T, m0) := enter_inputs ins 0 empty in
  match enter_all fix_ Never J T m0 with
  | None => false
  | Some (T, m) =>
      let M := meanings_of T in
      let D := unfolded M fix_ rounds
                 (add_poly (snd (nth a m none)) (scale_poly ((-1)%Z, 1%positive) (snd (nth b m none)))) in
      Nat.ltb a (length m) && Nat.ltb b (length m) &&
      index_eqb (fst (nth a m none)) [] && index_eqb (fst (nth b m none)) [] &&
      forallb (same_density m) fs &&
      both_means M (holders_of m 0 (PositiveMap.empty _)) fix_ (length ins) J m [] (rev ds) D
  end.

(** The logits of a finite law are what it needs, in the joint program. *)
Definition logits_shaped (st : rewritten) (sh : PositiveMap.t shape) (top : N) (x : wdraw) : bool :=
  match snd x with
  | WFinite l a axes => let k := Fast.get 0%N (r_slots st) a in
                        N.ltb k top && index_eqb (Fast.get [] sh k) (pick (wdraw_shape x) axes ++ vals l)
  | _ => true
  end.
(** Every draw, a finite one as it was placed. *)
Definition step_of (fs : list placed) (x : wdraw) : bool * placed :=
  if is_finite_law x then
    (false, {| pl_draw := wdraw_id x; pl_shape := wdraw_shape x; pl_model := 0; pl_graph := 0;
               pl_mean := match find (fun y => Nat.eqb (pl_draw y) (wdraw_id x)) fs with Some y => pl_mean y | None => None end |})
  else (true, {| pl_draw := wdraw_id x; pl_shape := wdraw_shape x; pl_model := 0; pl_graph := 0; pl_mean := None |}).
Definition finite_part (H : written) : list wdraw := filter is_finite_law (w_draws H).
Definition same_half (H : written) (B : bgraph) (draws : list draw) (moved : list N) : bool :=
  let n := b_count B in
  let top := (n + N.of_nat (length (w_nodes H)))%N in
  let '(q0, ls) := laws_of (finite_part H) top in
  shapes_eqb (w_inputs H) (b_inputs B) && N.ltb 0 n && draws_eqb (map base_draw (w_draws H)) draws &&
  distinct (map wdraw_id (w_draws H)) && forallb law_fits (finite_part H) &&
  Nat.eqb (length ls) (length (b_scores B)) &&
  drawn_in_turn (length (w_inputs H)) (plain_program (w_nodes H)) [] (w_draws H) &&
  N.ltb (w_cost H) top && N.ltb (b_cost B) (b_slots B) && forallb (fun lw => N.ltb (fst lw) (b_slots B)) (b_scores B) &&
  match rewrite (fun _ => None) (w_nodes H ++ q0) n (start (b_inputs B)) with
  | None => false
  | Some (p, st) =>
      match rewrite (fun _ => None) (b_nodes B) n (after (b_inputs B) st) with
      | None => false
      | Some (q, st') =>
          let fs := zip3 (place_draw st st') (finite_part H) ls (b_scores B) in
          index_eqb (Fast.get [] (r_shapes st) (w_cost H)) [] && index_eqb (Fast.get [] (r_shapes st') (b_cost B)) [] &&
          forallb (fun b => b) (zip3 (shapes_fit st st') (finite_part H) ls (b_scores B)) &&
          forallb (law_shaped (r_shapes st) top) (w_draws H) &&
          match fast_infer (p ++ q) n (input_map B) with
          | Some sh => forallb (logits_shaped st sh (n + N.of_nat (length (p ++ q)))) (w_draws H)
          | None => false
          end &&
          quick_covered (p ++ q) draws && match facts_with H B moved (p ++ q) with Some _ => true | None => false end &&
          both_agree (b_sizes B) (b_inputs B) (plain_program (p ++ q)) (slot_at st (w_cost H)) (slot_at st' (b_cost B)) fs
            (map (step_of fs) (w_draws H))
      end
  end.
Definition same_both (W : written) (B : bgraph) (draws : list draw) (moved : list N) : bool :=
  match brought_in W B moved with Some H => same_half H B draws moved | None => false end.

(** ** Soundness *)

(** *** The difference of the costs *)
Opaque unfolded rounds.
Section Agree.
Variables (fix_ : fixed_sizes) (ins : list shape) (J : program) (a b : nat) (fs : list placed) (ds : list (bool * placed)).
Variable rho : dim -> nat.
Variable e : env.
Hypothesis Hfix : forall d n, In (d, n) fix_ -> rho d = n.
Hypothesis Hagree : both_agree fix_ ins J a b fs ds = true.
Notation n := (length ins).
Notation boxs s := (box (sizes rho s)).
Notation V tr := (run rho tr J n e).

(** The mean, and what it is linear on. *)
Variable E : (trace -> R) -> R.
Variable ok : (trace -> R) -> Prop.
Hypothesis E_ext : forall F G, (forall tr, F tr = G tr) -> E F = E G.
Hypothesis E_plus : forall F G, ok F -> ok G -> E (fun tr => F tr + G tr) = E F + E G.
Hypothesis E_scal : forall k F, ok F -> E (fun tr => k * F tr) = k * E F.
Hypothesis E_none : E (fun _ => 0) = 0.
Hypothesis ok_none : ok (fun _ => 0).
Hypothesis ok_plus : forall F G, ok F -> ok G -> ok (fun tr => F tr + G tr).
Hypothesis ok_scal : forall k F, ok F -> ok (fun tr => k * F tr).
Hypothesis ok_product : forall H o gs u, (forall k i s, holder H k = Some (i, s) -> forall ix, In ix (boxs s) -> ok (fun tr => V tr i ix)) ->
  held H (Term 1 1 o gs) = true -> In u (boxs o) -> ok (fun tr => product rho (atom_of H (fun tr => V tr) tr) gs u).
Hypothesis ok_slot : forall shf, infer J n (fun k => nth k ins []) = Some shf -> forall k, (k < n + length J)%nat ->
  forall ix, In ix (boxs (shf k)) -> ok (fun tr => V tr k ix).
(** What is orthogonal to functions of the draws before [x]. *)
Hypothesis noise_none : forall pre x post, ds = pre ++ (true, x) :: post -> forall ix, In ix (boxs (pl_shape x)) -> forall f : trace -> R,
  (forall y, In y ((true, x) :: post) -> forall jx, ignores f (pl_draw (snd y), jx)) ->
  E (fun tr => f tr * tr (pl_draw x) ix) = 0 /\
  E (fun tr => f tr * (tr (pl_draw x) ix * tr (pl_draw x) ix - 1)) = 0.
Hypothesis finite_none : forall pre x post i, ds = pre ++ (false, x) :: post -> pl_mean x = Some i ->
  forall ix, In ix (boxs (pl_shape x)) -> forall f : trace -> R,
  (forall y, In y ((false, x) :: post) -> forall jx, ignores f (pl_draw (snd y), jx)) ->
  E (fun tr => f tr * (tr (pl_draw x) ix - V tr i ix)) = 0 /\
  E (fun tr => f tr * (tr (pl_draw x) ix * tr (pl_draw x) ix - V tr i ix)) = 0.

Lemma E_minus F G : ok F -> ok G -> E (fun tr => F tr - G tr) = E F - E G.
Proof.
  intros HF HG. rewrite (E_ext _ (fun tr => F tr + -1 * G tr)) by (intros; ring). rewrite E_plus, E_scal; auto. ring.
Qed.
Lemma ok_sum {B} (l : list B) (F : B -> trace -> R) : (forall x, In x l -> ok (F x)) -> ok (fun tr => sum l (fun x => F x tr)).
Proof.
  induction l as [|x l IH]; intros H; [exact ok_none|]. apply (ok_plus (F x) (fun tr => sum l (fun x => F x tr))); [apply H; now left|].
  apply IH. intros; apply H; now right.
Qed.
Lemma E_sum {B} (l : list B) (F : B -> trace -> R) : (forall x, In x l -> ok (F x)) ->
  E (fun tr => sum l (fun x => F x tr)) = sum l (fun x => E (F x)).
Proof.
  induction l as [|x l IH]; intros H; [exact E_none|]. cbn [sum].
  rewrite (E_plus (F x) (fun tr => sum l (fun x => F x tr))); [|apply H; now left|apply ok_sum; intros; apply H; now right].
  f_equal. apply IH. intros; apply H; now right.
Qed.

Theorem both_agree_sound :
  (forall x, In x fs -> forall tr ix, In ix (boxs (pl_shape x)) -> V tr (pl_model x) ix = V tr (pl_graph x) ix) /\
  ok (fun tr => V tr b []) /\ E (fun tr => V tr a []) = E (fun tr => V tr b []).
Proof.
  unfold both_agree in Hagree. destruct (enter_inputs ins 0 empty) as [T0 m0] eqn:E0.
  destruct (enter_all fix_ Never J T0 m0) as [[T m]|] eqn:E1; [|discriminate].
  apply andb_prop in Hagree as [H Hm]. apply andb_prop in H as [H Hden]. apply andb_prop in H as [H Hsb].
  apply andb_prop in H as [H Hsa]. apply andb_prop in H as [Ha Hb]. apply Nat.ltb_lt in Ha, Hb.
  destruct (index_eqb_spec (fst (nth a m none)) []) as [Sa|]; [|discriminate Hsa].
  destruct (index_eqb_spec (fst (nth b m none)) []) as [Sb|]; [|discriminate Hsb]. clear Hsa Hsb.
  destruct (entered fix_ ins J T0 T m0 m rho e Hfix E0 E1) as (shf & I1 & L1 & HA).
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
  assert (Hslots : forall k i s, holder H0 k = Some (i, s) -> forall ix, In ix (boxs s) -> ok (fun tr => V tr i ix)).
  { intros k i s Ek ix Hix. destruct (Hheld k i s Ek) as (Hi & -> & _). now apply (ok_slot shf I1). }
  assert (Hprod : forall o gs u, held H0 (Term 1 1 o gs) = true -> In u (boxs o) -> ok (fun tr => product rho (at_ tr) gs u)).
  { intros o gs u Hh Hu. now apply (ok_product H0 o gs u Hslots). }
  assert (Hsum : forall o gs, held H0 (Term 1 1 o gs) = true -> ok (fun tr => sum (boxs o) (product rho (at_ tr) gs))).
  { intros o gs Hh. apply (ok_sum (boxs o) (fun u tr => product rho (at_ tr) gs u)). intros u Hu. now apply (Hprod o). }
  assert (Hterm_ok : forall t, held H0 t = true -> ok (fun tr => term_val rho (at_ tr) t [])).
  { intros [tn td to tf] Hh. unfold term_val; cbn [num denom over factors app]. apply ok_scal. apply Hsum. now rewrite held_coefficient in Hh. }
  (* a term and another one whose products differ by what vanishes *)
  assert (Hsame : forall tn td to tf tf', held H0 (Term 1 1 to tf) = true -> held H0 (Term 1 1 to tf') = true ->
    (forall v, In v (boxs to) -> E (fun tr => product rho (at_ tr) tf v - product rho (at_ tr) tf' v) = 0) ->
    E (fun tr => term_val rho (at_ tr) (Term tn td to tf) []) = E (fun tr => term_val rho (at_ tr) (Term tn td to tf') [])).
  { intros tn td to tf tf' H1 H2 Hz. unfold term_val; cbn [num denom over factors app].
    rewrite !E_scal by now apply Hsum. f_equal.
    rewrite (E_sum (boxs to) (fun v tr => product rho (at_ tr) tf v)) by (intros v Hv; now apply (Hprod to)).
    rewrite (E_sum (boxs to) (fun v tr => product rho (at_ tr) tf' v)) by (intros v Hv; now apply (Hprod to)).
    apply sum_ext. intros v Hv. apply Rminus_diag_uniq. rewrite <- E_minus by now apply (Hprod to). now apply Hz. }
  (* one term *)
  assert (Hterm : forall pre noise x post seen t t', ds = pre ++ (noise, x) :: post ->
    (forall y, In y ((noise, x) :: post) -> In (touched_by (pl_draw (snd y)) J (repeat false n)) seen) ->
    both_term M H0 noise (pl_draw x) (pl_shape x) (mean_read m x) seen t = Some t' -> held H0 t = true ->
    held H0 t' = true /\ E (fun tr => term_val rho (at_ tr) t []) = E (fun tr => term_val rho (at_ tr) t' [])).
  { intros pre noise x post seen t t' Hds Hseen Ht Hh. unfold both_term in Ht. destruct t as [tn td to tf].
    cbn [num denom over factors] in Ht. destruct (draws_in M H0 (pl_draw x) (pl_shape x) tf) as [qs rest] eqn:Ed.
    pose proof Hh as Hh0. rewrite held_coefficient in Hh0.
    destruct (reads_in_sound M H0 rho e (fun tr => V tr) HKn (pl_draw x) (pl_shape x) false
                to tf qs rest Ed Hh0) as [Hr Hv].
    destruct qs as [|q more]; [injection Ht as <-; auto|].
    destruct (forallb _ seen) eqn:Hfree; [|discriminate]. rewrite forallb_forall in Hfree.
    assert (Hign : forall v y, In y ((noise, x) :: post) -> forall jx,
      ignores (fun tr => product rho (at_ tr) rest v) (pl_draw (snd y), jx)).
    { intros v y Hy jx. apply (free_ignores H0 rho (fun tr => V tr) (pl_draw (snd y)) (touched_by (pl_draw (snd y)) J (repeat false n))).
      - apply untouched.
      - apply Hfree. now apply Hseen. }
    destruct noise.
    - destruct more as [|q' [|? ?]]; [|destruct (index_eqb_spec q q') as [<-|]; [|discriminate]|discriminate]; injection Ht as <-.
      + split; [reflexivity|]. rewrite (E_ext (fun tr => term_val rho (at_ tr) (Term 0 1 [] []) []) (fun _ => 0))
          by (intros tr; now apply term_val_zero). rewrite E_none.
        unfold term_val; cbn [num denom over factors app]. rewrite E_scal by now apply Hsum.
        rewrite (E_sum (boxs to) (fun v tr => product rho (at_ tr) tf v)) by (intros v Hv'; now apply (Hprod to)).
        rewrite sum_none; [ring|]. intros v Hv'. destruct (Hv v Hv') as [Hq Hp].
        rewrite (E_ext _ (fun tr => product rho (at_ tr) rest v * tr (pl_draw x) (pick v q))).
        * apply (noise_none pre x post Hds (pick v q)); [apply Hq; now left|]. exact (Hign v).
        * intros tr. etransitivity; [apply (Hp tr)|]. fold (at_ tr). cbn [fold_right noise_read]. ring.
      + split; [now rewrite held_coefficient|]. apply Hsame; auto. intros v Hv'. destruct (Hv v Hv') as [Hq Hp].
        rewrite (E_ext _ (fun tr => product rho (at_ tr) rest v * (tr (pl_draw x) (pick v q) * tr (pl_draw x) (pick v q) - 1))).
        * apply (noise_none pre x post Hds (pick v q)); [apply Hq; now left|]. exact (Hign v).
        * intros tr. replace (product rho (at_ tr) tf v) with
            (fold_right (fun q y => tr (pl_draw x) (pick v q) * y) 1 [q; q] * product rho (at_ tr) rest v) by (symmetry; apply (Hp tr)).
          cbn [fold_right]. ring.
    - destruct (mean_read m x) as [[k r]|] eqn:Em; [|discriminate]. set (twice := match more with [] => true | _ => _ end) in Ht.
      destruct (twice && below (length q) r && held H0 (Term tn td to (Read k (pick q r) :: rest))) eqn:Eb; [|discriminate].
      injection Ht as <-. apply andb_prop in Eb as [Eb Hh']. apply andb_prop in Eb as [Htwice Hb1]. split; [exact Hh'|].
      rewrite held_coefficient in Hh'.
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
      apply Hsame; auto. intros v Hv'. destruct (Hv v Hv') as [Hq Hp].
      destruct (finite_none pre x post i Hds Ei (pick v q) (Hq q (or_introl eq_refl)) _ (Hign v)) as [F1 F2].
      destruct more as [|q' [|? ?]]; unfold twice in Htwice; [|destruct (index_eqb_spec q q') as [<-|]; [|discriminate]|discriminate].
      + rewrite <- F1. apply E_ext. intros tr. replace (product rho (at_ tr) tf v) with
          (fold_right (fun q y => tr (pl_draw x) (pick v q) * y) 1 [q] * product rho (at_ tr) rest v) by (symmetry; apply (Hp tr)).
        cbn [fold_right product factor_val]. rewrite (Hread tr v Hv'). ring.
      + rewrite <- F2. apply E_ext. intros tr. replace (product rho (at_ tr) tf v) with
          (fold_right (fun q y => tr (pl_draw x) (pick v q) * y) 1 [q; q] * product rho (at_ tr) rest v) by (symmetry; apply (Hp tr)).
        cbn [fold_right product factor_val]. rewrite (Hread tr v Hv'). ring. }
  (* all terms *)
  assert (Hpoly_ok : forall p, forallb (held H0) p = true -> ok (fun tr => poly_val rho (at_ tr) p [])).
  { intros p Hp. rewrite forallb_forall in Hp. apply (ok_sum p (fun t tr => term_val rho (at_ tr) t [])). auto. }
  assert (Hmeans : forall l seen pre post p, ds = pre ++ post -> l = rev pre ->
    (forall y, In y post -> In (touched_by (pl_draw (snd y)) J (repeat false n)) seen) ->
    both_means M H0 fix_ n J m seen l p = true -> forallb (held H0) p = true /\
    E (fun tr => poly_val rho (at_ tr) p []) = 0).
  { induction l as [|[noise x] l IH]; intros seen pre post p Hds Hl Hseen Hp.
    - destruct p; [|discriminate]. split; auto.
    - destruct p as [|t0 p0]; [split; auto|].
      set (p := t0 :: p0) in *. cbn [both_means] in Hp.
      change (forallb (held H0) p && match all_some (both_term M H0 noise (pl_draw x) (pl_shape x) (mean_read m x)
        (touched_by (pl_draw x) J (repeat false n) :: seen)) p with
        | Some q => both_means M H0 fix_ n J m (touched_by (pl_draw x) J (repeat false n) :: seen) l
                      (collect (map (tidy fix_ 0) q)) | None => false end = true) in Hp.
      apply andb_prop in Hp as [Hh Hp]. split; [exact Hh|].
      destruct (all_some _ p) as [q|] eqn:Eq; [|discriminate].
      assert (Hpre : pre = rev l ++ [(noise, x)]).
      { rewrite <- (rev_involutive pre), <- Hl. reflexivity. }
      assert (Hds' : ds = rev l ++ (noise, x) :: post) by (rewrite Hds, Hpre, <- app_assoc; reflexivity).
      assert (Hseen' : forall y, In y ((noise, x) :: post) -> In (touched_by (pl_draw (snd y)) J (repeat false n))
        (touched_by (pl_draw x) J (repeat false n) :: seen)) by (intros y [<-|Hy]; [now left|right; auto]).
      destruct (IH _ (rev l) ((noise, x) :: post) _ Hds' (eq_sym (rev_involutive l)) Hseen' Hp) as [_ IHe].
      rewrite <- IHe. clear IHe Hp.
      transitivity (E (fun tr => poly_val rho (at_ tr) q [])).
      + revert q Eq Hh. clearbody p. clear t0 p0. induction p as [|t p IHp]; intros q Eq Hh.
        * injection Eq as <-. reflexivity.
        * destruct (all_some_split _ _ _ _ Eq) as (t' & m' & Et & Em & ->). cbn [forallb] in Hh.
          apply andb_prop in Hh as [Ht Hh]. destruct (Hterm (rev l) noise x post _ t t' Hds' Hseen' Et Ht) as [Ht' Ee].
          assert (Hm' : forallb (held H0) m' = true).
          { clear - Hterm Hds' Hseen' Em Hh. revert m' Em. induction p as [|t2 p IH2]; intros m' Em; [now injection Em as <-|].
            destruct (all_some_split _ _ _ _ Em) as (t3 & m3 & Et3 & Em3 & ->). cbn [forallb] in *. apply andb_prop in Hh as [H2 Hh].
            destruct (Hterm (rev l) noise x post _ t2 t3 Hds' Hseen' Et3 H2) as [-> _]. now apply IH2. }
          unfold poly_val in *. cbn [sum].
          rewrite (E_plus (fun tr => term_val rho (at_ tr) t []) (fun tr => sum p (fun t => term_val rho (at_ tr) t [])))
            by (auto; now apply (Hpoly_ok p)).
          rewrite (E_plus (fun tr => term_val rho (at_ tr) t' []) (fun tr => sum m' (fun t => term_val rho (at_ tr) t [])))
            by (auto; now apply (Hpoly_ok m')).
          rewrite (IHp m' Em Hh), Ee. reflexivity.
      + apply E_ext. intros tr. rewrite collect_val. unfold poly_val. rewrite sum_map. apply sum_ext. intros t _. symmetry.
        now apply (tidy_val rho (at_ tr) fix_ Hfix 0). }
  destruct (Hmeans (rev ds) [] ds [] D (eq_sym (app_nil_r ds)) eq_refl ltac:(easy) Hm) as [HDh HD0].
  assert (Hshape : forall k, (k < length m)%nat -> fst (nth k m none) = [] -> ok (fun tr => V tr k [])).
  { intros k Hk Sk. apply (ok_slot shf I1); [lia|]. destruct (HA (fun _ => zero)) as (A0 & _ & R0). destruct (R0 k Hk) as [S0 _].
    rewrite <- S0, Sk. now left. }
  split; [now apply Hshape|]. apply Rminus_diag_uniq. rewrite <- E_minus by now apply Hshape. rewrite <- HD0. apply E_ext.
  intros tr. destruct (HA tr) as (A & HAf & HR). rewrite (HD tr A HAf HR). now apply Hagr.
Qed.
End Agree.

(** *** The model in noise and the graph *)
Lemma filter_numbers rho (f : coord -> bool) (g : wdraw -> bool) : forall xs,
  (forall x, In x xs -> forall ix, f (wdraw_id x, ix) = g x) -> filter f (numbers_of rho xs) = numbers_of rho (filter g xs).
Proof.
  induction xs as [|x xs IH]; intros H; [reflexivity|]. specialize (IH (fun y Hy => H y (or_intror Hy))).
  change (numbers_of rho (x :: xs)) with (map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x))) ++ numbers_of rho xs).
  rewrite filter_app. transitivity (filter f (map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x)))) ++ numbers_of rho (filter g xs));
    [f_equal; exact IH|].
  assert (E : filter f (map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x)))) =
    if g x then map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x))) else []).
  { clear IH. generalize (box (sizes rho (wdraw_shape x))). induction l as [|ix l IHl]; [now destruct (g x)|]. cbn [map filter].
    rewrite (H x (or_introl eq_refl) ix), IHl. now destruct (g x). }
  rewrite E. cbn [filter]. now destruct (g x).
Qed.
Lemma numbers_of_draws rho xs : numbers rho (map base_draw xs) = numbers_of rho xs.
Proof. unfold numbers, numbers_of. rewrite !flat_map_concat_map, map_map. reflexivity. Qed.
Lemma filter_map {A B} (f : B -> bool) (g : A -> B) l : filter f (map g l) = map g (filter (fun x => f (g x)) l).
Proof. induction l as [|a l IH]; [reflexivity|]. cbn [map filter]. rewrite IH. now destruct (f (g a)). Qed.
Lemma finite_base_draw x : is_finite (base_draw x) = is_finite_law x.
Proof. unfold is_finite, base_draw, is_finite_law; cbn [snd]. destruct (snd x) as [? ?|? ?|?|? ?|l a axes]; [reflexivity..|now destruct l]. Qed.
Lemma nice_get ns c : In c ns -> nice ns (fun tr => get tr c).
Proof.
  intros Hc. split.
  - exists 1, 1. split; [lra|]. split; [lra|]. intros tr. rewrite !Rmult_1_l. pose proof (spread_get ns tr c Hc).
    pose proof (spread_pos ns tr). pose proof (exp_ineq1_le (Growth.spread ns tr)). lra.
  - intros b tr v _. destruct (coord_eqb_spec b c) as [->|Hne].
    + apply (continuity_pt_ext (fun v => v)); [intros u; now rewrite get_set_same|]. apply derivable_continuous_pt, derivable_pt_id.
    + apply (continuity_pt_ext (fun _ => get tr c)); [intros u; now rewrite get_set_other|]. apply continuity_pt_const. now intros x y.
Qed.

Section Half.
Variables (H : written) (B : bgraph) (draws : list draw) (moved : list N).
Hypothesis Hcheck : same_half H B draws moved = true.
Variable rho : dim -> nat.
Hypothesis Hsized : sized (plain B) rho.
Variables e0 d0 : env.
Hypothesis Hdir : forall k ix, ~ In k (map N.to_nat moved) -> d0 k ix = 0.

Theorem same_half_sound : locally 0 (fun t => half_cost H rho (line e0 d0 t) =
  expected_cost (plain B) rho (model_law rho draws) (line e0 d0 t)).
Proof.
  pose proof Hcheck as H0. unfold same_half in H0.
  destruct (laws_of (finite_part H) (b_count B + N.of_nat (length (w_nodes H)))%N) as [q0 ls] eqn:El.
  apply andb_prop in H0 as [H0 Hjoin]. apply andb_prop in H0 as [H0 Hbs]. apply andb_prop in H0 as [H0 Hbc].
  apply andb_prop in H0 as [H0 Hwc]. apply andb_prop in H0 as [H0 Hturn]. apply andb_prop in H0 as [H0 Hlen].
  apply andb_prop in H0 as [H0 Hfits]. apply andb_prop in H0 as [H0 Hids]. apply andb_prop in H0 as [H0 Hdr].
  apply andb_prop in H0 as [Hin Hcnt]. apply shapes_eqb_eq in Hin. apply N.ltb_lt in Hcnt, Hwc, Hbc.
  apply draws_eqb_eq in Hdr. apply distinct_NoDup in Hids. apply Nat.eqb_eq in Hlen.
  set (ins := b_inputs B) in *. set (n := length ins) in *.
  destruct (rewrite _ (w_nodes H ++ q0) _ _) as [[p st]|] eqn:Ep; [|discriminate].
  destruct (rewrite _ (b_nodes B) _ _) as [[q st']|] eqn:Eq; [|discriminate].
  set (fs := zip3 (place_draw st st') (finite_part H) ls (b_scores B)) in *.
  apply andb_prop in Hjoin as [H0 Hag]. apply andb_prop in H0 as [H0 Hscan]. apply andb_prop in H0 as [H0 Hcov].
  apply andb_prop in H0 as [H0 Hinf].
  apply andb_prop in H0 as [H0 Hshaped]. apply andb_prop in H0 as [H0 Hsh]. apply andb_prop in H0 as [Hws Hbsh].
  destruct (facts_with H B moved (p ++ q)) as [mm|] eqn:Efacts; [clear Hscan|discriminate].
  destruct (index_eqb_spec (Fast.get [] (r_shapes st) (w_cost H)) []) as [Ews|]; [clear Hws|discriminate].
  destruct (index_eqb_spec (Fast.get [] (r_shapes st') (b_cost B)) []) as [Ebs|]; [clear Hbsh|discriminate].
  set (J := plain_program (p ++ q)) in *.
  pose proof (proj2 Hsized) as Hrho.
  assert (Hfix : forall d k, In (d, k) (b_sizes B) -> rho d = k) by (intros d k Hd; now apply (proj1 Hsized)).
  destruct (fast_infer (p ++ q) (b_count B) (input_map B)) as [sh|] eqn:EI; [|discriminate].
  destruct (fast_infer_sound _ _ _ _ _ (input_map_like B) EI) as (shJ & IJ & LJ). unfold b_count in IJ. rewrite Nat2N.id in IJ.
  fold ins n J in IJ.
  assert (Hcov' : quick_covered (p ++ q) (map base_draw (w_draws H)) = true) by now rewrite Hdr.
  generalize (scanned_both H B moved (p ++ q) mm rho e0 d0 Efacts Hcov' Hrho Hdir shJ IJ). apply filter_imp. intros t [Hmild _].
  set (e := line e0 d0 t) in *. fold ins n J in Hmild.
  set (cs := written_numbers H rho) in *. set (K := base_at rho draws).
  set (held_ := half_held H) in *. set (values_ := half_values H rho) in *. set (A := half_law H rho e).
  (* both programs in the joint one *)
  set (V := fun tr => run rho tr J n e).
  set (top := (b_count B + N.of_nat (length (w_nodes H)))%N) in *.
  assert (HP : r_next st = (b_count B + N.of_nat (length p))%N /\ forall tr k, (k < top + N.of_nat (length q0))%N ->
    (Fast.get 0%N (r_slots st) k < r_next st)%N /\ forall ix, In ix (box (sizes rho (Fast.get [] (r_shapes st) k))) ->
    run rho tr (plain_program (w_nodes H ++ q0)) n e (N.to_nat k) ix = V tr (slot_at st k) ix).
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
  assert (Hlow : forall tr k, (k < top)%N -> run rho tr (plain_program (w_nodes H ++ q0)) n e (N.to_nat k) = written_value H rho e tr k).
  { intros tr k Hk. unfold written_value, written_value_env. rewrite Hin. fold n. rewrite plain_app, run_app. apply run_below.
    unfold plain_program. rewrite map_length. unfold top, b_count in Hk. fold ins n in Hk. lia. }
  assert (Hpart : forall x, In x (finite_part H) -> In x (w_draws H) /\ is_finite_law x = true) by (intros x Hx; now apply filter_In in Hx).
  assert (Hfit : forall x, In x (w_draws H) -> is_finite_law x = true -> exists l a axes, snd x = WFinite l a axes /\
    below (length (wdraw_shape x)) axes = true /\ (a < top)%N /\ Fast.get [] (r_shapes st) a = pick (wdraw_shape x) axes ++ vals l).
  { intros x Hx Hf. rewrite forallb_forall in Hshaped. specialize (Hshaped x Hx). unfold law_shaped in Hshaped. unfold is_finite_law in Hf.
    destruct (snd x) as [? ?|? ?|?|? ?|l a axes]; try discriminate. exists l, a, axes. apply andb_prop in Hshaped as [Hs Hsh0]. apply andb_prop in Hs as [Ha Hb].
    apply N.ltb_lt in Ha. destruct (index_eqb_spec (Fast.get [] (r_shapes st) a) (pick (wdraw_shape x) axes ++ vals l)); [auto|discriminate]. }
  assert (Hlaws : forall tr, Forall2 (law_computed rho tr (written_value_env H rho e tr)
    (run rho tr (plain_program (w_nodes H ++ q0)) n e) (top + N.of_nat (length q0))) (finite_part H) ls).
  { intros tr. pose proof (laws_of_sound rho tr (finite_part H) top q0 ls (written_value_env H rho e tr) El Hfits) as HL.
    assert (E : run rho tr (plain_program (w_nodes H ++ q0)) n e =
      run rho tr (plain_program q0) (N.to_nat top) (written_value_env H rho e tr)).
    { rewrite plain_app, run_app. unfold written_value_env. rewrite Hin. fold n. f_equal.
      unfold plain_program. rewrite map_length. unfold top, b_count. fold ins n. lia. }
    rewrite E. apply HL; [|unfold top; lia]. intros x Hx. destruct (Hpart x Hx) as [Hx' Hf].
    destruct (Hfit x Hx' Hf) as (l & a & axes & Ex0 & _ & Ha & _). destruct x as [[j s] w]. cbn [snd] in Ex0. subst w. exact Ha. }
  assert (Lls : length ls = length (finite_part H)).
  { rewrite <- (laws_of_length (finite_part H) top), El. reflexivity. }
  (* what a finite draw has in the joint program *)
  assert (Hone : forall l1 x l2 m1 rm m2 n1 lw n2, finite_part H = l1 ++ x :: l2 -> ls = m1 ++ rm :: m2 -> b_scores B = n1 ++ lw :: n2 ->
    length m1 = length l1 -> length n1 = length l1 -> exists l a axes, snd x = WFinite l a axes /\
    Fast.get [] (r_shapes st') (fst lw) = wdraw_shape x /\ (fst lw < b_slots B)%N /\
    forall tr ix, In ix (box (sizes rho (wdraw_shape x))) ->
      V tr (slot_at st (fst rm)) ix = law_val rho l (written_value H rho e tr a) axes ix (tr (wdraw_id x) ix) /\
      forall m, snd rm = Some m -> l = BernoulliLogits /\
        V tr (slot_at st m) ix = logistic (written_value H rho e tr a (pick ix axes))).
  { intros l1 x l2 m1 rm m2 n1 lw n2 E1 E2 E3 L1 L2.
    assert (Hx : In x (finite_part H)) by (rewrite E1; apply in_app_iff; right; now left).
    destruct (Hpart x Hx) as [Hx' Hf]. destruct (Hfit x Hx' Hf) as (l & a & axes & Ex0 & Hax & _). exists l, a, axes. split; auto.
    assert (Hfit' : shapes_fit st st' x rm lw = true).
    { rewrite forallb_forall in Hsh. apply Hsh. rewrite E1, E2, E3. clear - L1 L2. revert m1 n1 L1 L2.
      induction l1 as [|z l1 IH]; intros [|b m1] [|c n1] L1 L2; simpl in L1, L2; try lia; [now left|].
      right. apply IH; lia. }
    unfold shapes_fit in Hfit'. apply andb_prop in Hfit' as [Hfit' Hm]. apply andb_prop in Hfit' as [Hf1 Hf2].
    destruct (index_eqb_spec (Fast.get [] (r_shapes st) (fst rm)) (wdraw_shape x)) as [F1|]; [|discriminate].
    destruct (index_eqb_spec (Fast.get [] (r_shapes st') (fst lw)) (wdraw_shape x)) as [F2|]; [|discriminate].
    split; auto. split.
    { rewrite forallb_forall in Hbs. apply N.ltb_lt. apply Hbs. rewrite E3. apply in_app_iff. right. now left. }
    intros tr ix Hix. pose proof (Hlaws tr) as HL. rewrite E1, E2 in HL.
    assert (Hxm : law_computed rho tr (written_value_env H rho e tr) (run rho tr (plain_program (w_nodes H ++ q0)) n e)
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
  (* the laws *)
  set (ok := Drawing.mild cs held_ values_).
  assert (Hslot : forall k, (k < n + length J)%nat -> forall ix, In ix (box (sizes rho (shJ k))) -> ok (fun tr => V tr k ix)).
  { intros k Hk ix Hix. apply Hmild; auto. unfold J, plain_program in Hk. now rewrite map_length in Hk. }
  assert (Hlogits : forall x l a axes, In x (w_draws H) -> snd x = WFinite l a axes -> forall ix, In ix (box (sizes rho (wdraw_shape x))) ->
    forall w, In w (box (sizes rho (vals l))) -> ok (fun tr => written_value H rho e tr a (pick ix axes ++ w))).
  { intros x l a axes Hx Ex0 ix Hix w Hw. assert (Hf : is_finite_law x = true) by (unfold is_finite_law; now rewrite Ex0).
    destruct (Hfit x Hx Hf) as (l' & a' & axes' & E1 & Hb & Ha & Es). rewrite Ex0 in E1. injection E1 as <- <- <-.
    rewrite forallb_forall in Hinf. specialize (Hinf x Hx). unfold logits_shaped in Hinf. rewrite Ex0 in Hinf.
    apply andb_prop in Hinf as [Hk Hs]. apply N.ltb_lt in Hk.
    destruct (index_eqb_spec (Fast.get [] sh (Fast.get 0%N (r_slots st) a)) (pick (wdraw_shape x) axes ++ vals l)) as [EsJ|]; [|discriminate].
    assert (Hixw : In (pick ix axes ++ w) (box (sizes rho (pick (wdraw_shape x) axes ++ vals l)))).
    { apply in_box_app; auto. now apply pick_in. }
    apply (mild_ext cs held_ values_ (fun tr => V tr (slot_at st a) (pick ix axes ++ w))).
    - intros tr _. rewrite <- (Hlow tr a Ha). destruct (HP tr a) as [_ Hv]; [lia|]. rewrite Es in Hv. symmetry. now apply Hv.
    - apply Hslot.
      + unfold slot_at, J, plain_program. rewrite map_length. unfold b_count in Hk. fold ins n in Hk. lia.
      + unfold slot_at. now rewrite (LJ _), EsJ. }
  assert (Hdistinct : NoDup cs) by now apply half_distinct.
  pose proof (half_noisy H rho e Hids) as Hnoisy. pose proof (half_summed H rho e Hids) as Hsummed.
  pose proof (half_mass_mild H rho Hrho e Hids Hlogits) as Hmass. pose proof (half_mass_one H rho Hrho e Hids) as Hmass1.
  pose proof (nothing_valued H rho Hrho Hids) as Hval0. fold cs held_ values_ A in Hnoisy, Hsummed, Hmass, Hmass1, Hval0.
  set (E := fun F => Ex (drawn A cs (fun _ => zero)) F).
  (* where a number of a draw stands *)
  assert (Hplace : forall d1 y d2 ix, w_draws H = d1 ++ y :: d2 -> In ix (box (sizes rho (wdraw_shape y))) ->
    exists before after : list coord, cs = before ++ (wdraw_id y, ix) :: after /\
      (forall b : coord, In b ((wdraw_id y, ix) :: after) -> exists z, In z (y :: d2) /\ fst b = wdraw_id z) /\
      ~ In (wdraw_id y, ix) after).
  { intros d1 y d2 ix Ed Hix. destruct (in_split ix (box (sizes rho (wdraw_shape y))) Hix) as (u & v & Eb).
    exists (numbers_of rho d1 ++ map (pair (wdraw_id y)) u), (map (pair (wdraw_id y)) v ++ numbers_of rho d2).
    assert (Ecs : cs = (numbers_of rho d1 ++ map (pair (wdraw_id y)) u) ++ (wdraw_id y, ix) :: map (pair (wdraw_id y)) v ++ numbers_of rho d2).
    { change cs with (numbers_of rho (w_draws H)). rewrite Ed. unfold numbers_of. rewrite flat_map_app. cbn [flat_map].
      rewrite Eb, map_app. cbn [map]. now rewrite <- !app_assoc. }
    split; [exact Ecs|]. split.
    - intros b [<-|Hb]; [exists y; split; [now left|reflexivity]|]. apply in_app_iff in Hb as [Hb|Hb].
      + apply in_map_iff in Hb as (jx & <- & _). exists y. split; [now left|reflexivity].
      + apply (in_numbers rho) in Hb as (z & jx & Hz & -> & _). exists z. split; [now right|reflexivity].
    - rewrite Ecs in Hdistinct. apply NoDup_remove_2 in Hdistinct. intros Hc. apply Hdistinct. apply in_app_iff. now right. }
  (* what is orthogonal *)
  assert (Hvanish : forall d1 y d2 ix (f s : trace -> R), w_draws H = d1 ++ y :: d2 -> In ix (box (sizes rho (wdraw_shape y))) ->
    (forall z, In z (y :: d2) -> forall jx, ignores f (wdraw_id z, jx)) -> ok s ->
    (forall b : coord, (exists z, In z (y :: d2) /\ fst b = wdraw_id z) -> b <> (wdraw_id y, ix) -> ignores s b) ->
    (forall tr, Ex (A (wdraw_id y, ix) tr) (fun v => s (set tr (wdraw_id y, ix) v)) = 0) ->
    E (fun tr => f tr * s tr) = 0).
  { intros d1 y d2 ix f s Ed Hix Hf Hs Hsi Hz. destruct (Hplace d1 y d2 ix Ed Hix) as (before & after & Ecs & Hids' & Hna).
    unfold E. rewrite Ecs. apply (drawn_vanishes cs held_ A values_ (half_mass H rho e) Hdistinct Hnoisy Hsummed Hmass1); auto.
    - intros b Hb. now rewrite Ecs.
    - intros b Hb. destruct (Hids' b Hb) as (z & Hz' & Ez). destruct b as [i jx]. cbn [fst] in Ez. subst i. now apply Hf.
    - intros b Hb. apply Hsi; [apply Hids'; now right|]. intros ->. contradiction. }
  assert (Hget : forall y ix, In y (w_draws H) -> In ix (box (sizes rho (wdraw_shape y))) -> ok (fun tr => tr (wdraw_id y) ix)).
  { intros y ix Hy Hix a Ha. unfold hold. destruct (held_ (wdraw_id y)) eqn:Eh; [apply nice_const|].
    apply (nice_get _ (wdraw_id y, ix)). apply filter_In. split; [apply (numbers_of_in rho); now exists y, ix|].
    unfold is_integral; cbn [fst]. fold held_. now rewrite Eh. }
  assert (Hsteps : forall (pre : list (bool * placed)) nx post, map (step_of fs) (w_draws H) = pre ++ nx :: post -> exists d1 y d2,
    w_draws H = d1 ++ y :: d2 /\ nx = step_of fs y /\ post = map (step_of fs) d2).
  { intros pre nx post Em. apply map_eq_app in Em as (d1 & dr & Ed & _ & Em). apply map_eq_cons in Em as (y & d2 & -> & Ey & Ep').
    exists d1, y, d2. auto. }
  assert (Hstep_id : forall y, pl_draw (snd (step_of fs y)) = wdraw_id y) by (intros y; unfold step_of; now destruct (is_finite_law y)).
  assert (Hign : forall y d2 (f : trace -> R),
    (forall z, In z (step_of fs y :: map (step_of fs) d2) -> forall jx, ignores f (pl_draw (snd z), jx)) ->
    forall z, In z (y :: d2) -> forall jx, ignores f (wdraw_id z, jx)).
  { intros y d2 f Hf z Hz jx. rewrite <- Hstep_id. apply Hf. change (step_of fs y :: map (step_of fs) d2) with (map (step_of fs) (y :: d2)).
    now apply in_map. }
  assert (HIn : forall x : wdraw, In x (w_draws H) -> forall ix, In ix (box (sizes rho (wdraw_shape x))) -> In (wdraw_id x, ix) cs).
  { intros x Hx ix Hix. apply (numbers_of_in rho). now exists x, ix. }
  destruct (both_agree_sound (b_sizes B) ins J (slot_at st (w_cost H)) (slot_at st' (b_cost B)) fs (map (step_of fs) (w_draws H)) rho e
    Hfix Hag E ok) as (Hdens & Hokb & Hmean).
  - intros F G Hext. now apply Ex_ext.
  - intros F G HF HG. now apply (drawn_plus cs held_ A values_ (half_mass H rho e) Hdistinct Hnoisy Hsummed Hmass).
  - intros k F HF. now apply (drawn_scal cs held_ A values_ (half_mass H rho e) Hdistinct Hnoisy Hsummed Hmass).
  - apply (drawn_const cs held_ A Hnoisy Hmass1 cs (fun _ => 0)); [auto|easy].
  - apply mild_const.
  - intros F G. apply mild_plus.
  - intros k F HF. apply (mild_mult cs held_ values_ (fun _ => k)); [apply mild_const|exact HF].
  - intros H1 o gs u Hs Hh Hu a Ha.
    apply (product_nice H1 rho (filter (is_integral held_) cs) (fun tr => V (hold held_ a tr)) (fun k i s Ek ix Hix => Hs k i s Ek ix Hix a Ha) o gs u Hh Hu).
  - intros shf Ish k Hk ix Hix. assert (Es : shJ = shf) by (injection (eq_trans (eq_sym IJ) Ish); auto). subst shf. now apply Hslot.
  - (* noise *)
    intros pre x post Em ix Hix f Hf. destruct (Hsteps _ _ _ Em) as (d1 & y & d2 & Ed & Ey & ->).
    assert (Hy : In y (w_draws H)) by (rewrite Ed; apply in_app_iff; right; now left).
    unfold step_of in Ey. destruct (is_finite_law y) eqn:Efy; [discriminate|]. injection Ey as ->. cbn [pl_draw pl_shape] in *.
    assert (Hf' : forall z, In z (y :: d2) -> forall jx, ignores f (wdraw_id z, jx)).
    { apply Hign. intros z Hz. apply Hf. destruct Hz as [<-|Hz]; [left|now right]. unfold step_of. now rewrite Efy. }
    assert (Hc : In (wdraw_id y, ix) cs) by now apply HIn.
    assert (HA : forall tr, A (wdraw_id y, ix) tr = normalE).
    { intros tr. apply Hnoisy; auto. destruct (half_in H rho Hids _ Hc) as (y' & jx & _ & E1 & _ & Ef & Eh). unfold held_. rewrite Eh.
      pose proof (find_draw_of H y ix Hids Hy) as Ef'. rewrite Ef in Ef'. injection Ef' as ->. exact Efy. }
    assert (Hother : forall b, b <> (wdraw_id y, ix) -> ignores (fun tr : trace => tr (wdraw_id y) ix) b).
    { intros b Hb. apply (ignores_get (wdraw_id y, ix) b). congruence. }
    assert (Hown : forall tr v, set tr (wdraw_id y, ix) v (wdraw_id y) ix = v) by (intros tr v; apply (get_set_same tr (wdraw_id y, ix) v)).
    split; apply (Hvanish d1 y d2 ix f); auto.
    + intros tr. rewrite HA, (Ex_ext _ _ (fun v => v)) by (intros v; apply Hown). apply normal_mean.
    + apply (mild_ext cs held_ values_ (fun tr => tr (wdraw_id y) ix * tr (wdraw_id y) ix + -1)); [intros; ring|].
      apply mild_plus; [apply mild_mult; now apply Hget|apply mild_const].
    + intros b _ Hb tr v. pose proof (Hother b Hb tr v) as Eb. cbv beta in Eb. now rewrite Eb.
    + intros tr. rewrite HA, (Ex_ext _ _ (fun v => v * v + -1 * 1)) by (intros v; rewrite Hown; ring).
      destruct normal_variance as [I2 E2], normal_mass as [I1 E1]. rewrite Ex_plus, Ex_scal, E1, E2; auto; [ring|now apply Int_scal].
  - (* finite draws *)
    intros pre x post i Em Hi ix Hix f Hf. destruct (Hsteps _ _ _ Em) as (d1 & y & d2 & Ed & Ey & ->).
    assert (Hy : In y (w_draws H)) by (rewrite Ed; apply in_app_iff; right; now left).
    unfold step_of in Ey. destruct (is_finite_law y) eqn:Efy; [|discriminate]. injection Ey as ->. cbn [pl_draw pl_shape pl_mean] in *.
    assert (Hf' : forall z, In z (y :: d2) -> forall jx, ignores f (wdraw_id z, jx)).
    { apply Hign. intros z Hz. apply Hf. destruct Hz as [<-|Hz]; [left|now right]. unfold step_of. now rewrite Efy. }
    destruct (find (fun z => Nat.eqb (pl_draw z) (wdraw_id y)) fs) as [z|] eqn:Efind; [|discriminate].
    apply find_some in Efind as [Hz Ez]. apply Nat.eqb_eq in Ez. destruct (in_split z fs Hz) as (z1 & z2 & Efs).
    destruct (zip3_split _ _ _ _ _ _ _ Lls (eq_trans (eq_sym Hlen) Lls) Efs)
      as (l1 & x & l2 & m1 & rm & m2 & n1 & lw & n2 & E1 & E2 & E3 & -> & L1 & L2 & _).
    cbn [place_draw pl_draw pl_mean] in *.
    assert (Exy : x = y).
    { assert (Hx : In x (w_draws H)) by (apply Hpart; rewrite E1; apply in_app_iff; right; now left).
      pose proof (find_draw_of H x ix Hids Hx) as F1. pose proof (find_draw_of H y ix Hids Hy) as F2. rewrite Ez, F2 in F1. now injection F1. }
    subst x. destruct (Hone l1 y l2 m1 rm m2 n1 lw n2 E1 E2 E3 L1 L2) as (l & a & axes & Ex0 & _ & _ & Hval).
    destruct (snd rm) as [m|] eqn:Em'; [|discriminate]. cbn [option_map] in Hi. injection Hi as <-.
    destruct (Hval (fun _ => zero) ix Hix) as [_ Hb]. destruct (Hb m eq_refl) as [-> _].
    assert (Hlog : forall b, (exists z, In z (y :: d2) /\ fst b = wdraw_id z) -> ignores (fun tr => written_value H rho e tr a) b).
    { intros b (z & Hz' & Ez'). pose proof (in_turn_ignores H rho e (w_draws H) [] Hturn (fun _ _ F => F) Hids d1 y d2 Ed z (snd b) Hz') as Hi.
      destruct y as [[j0 s0] w0]. cbn [snd] in Ex0. subst w0. cbn [density_of snd] in Hi. destruct b as [i0 ix0]. cbn [fst snd] in *. subst i0. exact Hi. }
    assert (Hown : forall tr v, set tr (wdraw_id y, ix) v (wdraw_id y) ix = v) by (intros tr v; apply (get_set_same tr (wdraw_id y, ix) v)).
    (* a function that keeps zero and one *)
    assert (Hboth : forall g : R -> R, g 0 = 0 -> g 1 = 1 -> ok (fun tr => g (tr (wdraw_id y) ix)) ->
      E (fun tr => f tr * (g (tr (wdraw_id y) ix) - V tr (slot_at st m) ix)) = 0).
    { intros g G0 G1 Hg. set (s := fun tr : trace => g (tr (wdraw_id y) ix) - logistic (written_value H rho e tr a (pick ix axes))).
      transitivity (E (fun tr => f tr * s tr)).
      { apply Ex_ext. intros tr. destruct (Hval tr ix Hix) as [_ Hv]. destruct (Hv m eq_refl) as [_ Hv']. unfold s. now rewrite Hv'. }
      apply (Hvanish d1 y d2 ix f s); auto.
      - (* the mean is the mass of one *)
        apply (mild_ext cs held_ values_ (fun tr => g (tr (wdraw_id y) ix) + -1 * exp (law_val rho BernoulliLogits (written_value H rho e tr a) axes ix 1))).
        + intros tr _. unfold s. cbn [law_val]. set (t0 := written_value H rho e tr a (pick ix axes)). pose proof (exp_pos t0).
          unfold logistic. rewrite exp_Ropp. replace (1 * t0 - ln (1 + exp t0)) with (t0 + - ln (1 + exp t0)) by ring.
          rewrite exp_plus, exp_Ropp, exp_ln by lra. field. split; lra.
        + apply mild_plus; [exact Hg|]. apply (mild_mult cs held_ values_ (fun _ => -1)); [apply mild_const|].
          intros a0 Ha0. apply (nice_mass rho _ BernoulliLogits (fun tr => written_value H rho e (hold held_ a0 tr) a)); auto.
          * right. now left.
          * intros w Hw. now apply (Hlogits y BernoulliLogits a axes Hy Ex0 ix Hix w Hw).
      - intros b0 Hlater Hb0 tr v. unfold s. pose proof (Hlog b0 Hlater tr v) as Eb. cbv beta in Eb. rewrite Eb. f_equal. f_equal.
        apply (ignores_get (wdraw_id y, ix) b0); congruence.
      - intros tr.
        assert (HA : forall f, Ex (A (wdraw_id y, ix) tr) f = Ex (finite_on rho BernoulliLogits (written_value H rho e tr a) axes ix) f).
        { intros h. unfold A, half_law. rewrite (find_draw_of H y ix Hids Hy). destruct y as [y0 w0]. cbn [snd] in Ex0. now subst w0. }
        rewrite HA, law_sum. assert (Hs : forall v0, s (set tr (wdraw_id y, ix) v0) = g v0 - logistic (written_value H rho e tr a (pick ix axes))).
        { intros v0. unfold s. rewrite Hown. pose proof (Hlog (wdraw_id y, ix) (ex_intro _ y (conj (or_introl eq_refl) eq_refl)) tr v0) as Eb.
          cbv beta in Eb. now rewrite Eb. }
        cbn -[logistic exp ln]. rewrite !Hs, G0, G1. set (t0 := written_value H rho e tr a (pick ix axes)). pose proof (exp_pos t0).
        unfold logistic. rewrite exp_Ropp. replace (0 * t0 - ln (1 + exp t0)) with (- ln (1 + exp t0)) by ring.
        replace (1 * t0 - ln (1 + exp t0)) with (t0 + - ln (1 + exp t0)) by ring.
        rewrite exp_plus, !exp_Ropp, exp_ln by lra. field. split; [|lra]. pose proof (exp_pos t0). lra. }
    split.
    + apply (Hboth (fun v => v)); auto.
    + apply (Hboth (fun v => v * v)); [ring|ring|]. apply mild_mult; now apply Hget.
  - (* the two expected costs *)
    assert (Hheld : forall x, In x (w_draws H) -> held_ (wdraw_id x) = is_finite_law x).
    { intros x Hx. unfold held_, half_held. pose proof (find_draw_of H x [] Hids Hx) as Ef. unfold find_draw in Ef. cbn [fst] in *.
      now rewrite Ef. }
    assert (Hsl : filter (is_sum held_) cs = numbers_of rho (finite_part H)).
    { apply (filter_numbers rho (is_sum held_) is_finite_law (w_draws H)). intros x Hx ix. exact (Hheld x Hx). }
    assert (Hnl : filter (is_integral held_) cs = numbers_of rho (filter (fun x => negb (is_finite_law x)) (w_draws H))).
    { apply (filter_numbers rho (is_integral held_) (fun x => negb (is_finite_law x)) (w_draws H)). intros x Hx ix.
      unfold is_integral; cbn [fst]. now rewrite (Hheld x Hx). }
    assert (Hnum : numbers rho (in_order draws) = filter (is_integral held_) cs ++ filter (is_sum held_) cs).
    { rewrite Hsl, Hnl. unfold in_order. rewrite <- Hdr, !filter_map. unfold numbers. rewrite flat_map_app.
      fold (numbers rho (map base_draw (filter (fun x => negb (is_finite (base_draw x))) (w_draws H)))).
      fold (numbers rho (map base_draw (filter (fun x => is_finite (base_draw x)) (w_draws H)))). rewrite !numbers_of_draws. unfold finite_part.
      f_equal; f_equal; apply filter_ext; intros x; now rewrite finite_base_draw. }
    assert (Hbase : forall x ix, In x (w_draws H) -> K (wdraw_id x, ix) = base_law rho (snd (base_draw x))).
    { intros x ix Hx. change (wdraw_id x) with (draw_id (base_draw x)). unfold K. apply base_at_draw.
      - rewrite <- Hdr, map_map. exact Hids.
      - rewrite <- Hdr. now apply in_map. }
    unfold half_cost. fold cs A. transitivity (E (fun tr => V tr (slot_at st (w_cost H)) [])).
    { apply Ex_ext. intros tr. rewrite <- (Hlow tr (w_cost H) Hwc). destruct (HP tr (w_cost H)) as [_ HP1]; [lia|].
      apply HP1. rewrite Ews. now left. }
    etransitivity; [exact Hmean|]. unfold E. unfold expected_cost, model_law. rewrite Hnum. fold K.
    assert (HKn : forall c, In c cs -> held_ (fst c) = false -> K c = normalE).
    { intros c Hc Hh. destruct (half_in H rho Hids c Hc) as (x & ix & Hx & -> & _ & _ & E'). rewrite Hbase by exact Hx.
      unfold held_ in Hh. rewrite E' in Hh. unfold base_draw; cbn [snd]. unfold is_finite_law in Hh. now destruct (snd x). }
    assert (HKf : forall c x0 l a axes, In c cs -> find_draw H c = Some (x0, WFinite l a axes) -> K c = law_base rho l).
    { intros c x0 l a axes Hc Ef. destruct (half_in H rho Hids c Hc) as (x & ix & Hx & -> & _ & Ef' & _). rewrite Hbase by exact Hx.
      rewrite Ef in Ef'. injection Ef' as <-. unfold base_draw; cbn [snd]. now destruct l. }
    etransitivity; [exact (half_weighed H rho Hrho e Hids Hturn Hlogits K HKn HKf _ Hokb)|].
    apply Ex_ext. intros tr. unfold joint. f_equal.
    + f_equal. symmetry. change (total (lp H rho e) (filter (is_sum (half_held H)) (written_numbers H rho)) tr) with
          (total (lp H rho e) (filter (is_sum held_) cs) tr). rewrite Hsl.
        unfold log_density, total, numbers_of. rewrite sum_flat_map. cbn [plain g_scores]. unfold plain_pairs. rewrite sum_map.
        assert (Hgo : forall l2 l1 m1 m2 n1 n2, finite_part H = l1 ++ l2 -> ls = m1 ++ m2 -> b_scores B = n1 ++ n2 ->
          length m1 = length l1 -> length n1 = length l1 -> length m2 = length l2 -> length n2 = length l2 ->
          sum n2 (fun lw => sum (box (sizes rho (shape_of (plain B) (N.to_nat (fst lw))))) (value (plain B) rho e tr (N.to_nat (fst lw)))) =
          sum l2 (fun x => sum (map (pair (wdraw_id x)) (box (sizes rho (wdraw_shape x)))) (fun c => lp H rho e c tr))).
        { induction l2 as [|x l2 IH]; intros l1 m1 m2 n1 n2 E1 E2 E3 L1 L2 L3 L4.
          - destruct n2; [reflexivity|simpl in L4; lia].
          - destruct m2 as [|rm m2]; [simpl in L3; lia|]. destruct n2 as [|lw n2]; [simpl in L4; lia|]. cbn [sum]. f_equal.
            + destruct (Hone l1 x l2 m1 rm m2 n1 lw n2 E1 E2 E3 L1 L2) as (l & a & axes & Ex0 & Es & Hlt & Hval).
              rewrite Hshape, Es, sum_map. apply sum_ext. intros ix Hix. rewrite (HQ tr (fst lw) Hlt) by now rewrite Es.
              assert (Hx : In x (w_draws H)) by (apply Hpart; rewrite E1; apply in_app_iff; right; now left).
              assert (El2 : lp H rho e (wdraw_id x, ix) tr = law_val rho l (written_value H rho e tr a) axes ix (tr (wdraw_id x) ix)).
              { unfold lp. rewrite (find_draw_of H x ix Hids Hx). destruct x as [x0 w0]. cbn [snd] in Ex0. now subst w0. }
              rewrite El2. destruct (Hval tr ix Hix) as [<- _]. symmetry.
              apply (Hdens (place_draw st st' x rm lw)); [|exact Hix]. unfold fs. rewrite E1, E2, E3. clear - L1 L2.
              revert m1 n1 L1 L2. induction l1 as [|z l1 IH]; intros [|b m1] [|c n1] L1 L2; simpl in L1, L2; try lia; [now left|].
              right. apply IH; lia.
            + apply (IH (l1 ++ [x]) (m1 ++ [rm]) m2 (n1 ++ [lw]) n2); rewrite <- ?app_assoc; auto; rewrite ?app_length; simpl in *; lia. }
        apply (Hgo (finite_part H) [] [] ls [] (b_scores B)); auto. lia.
    + symmetry. apply (HQ tr (b_cost B) Hbc []). rewrite Ebs. now left.
Qed.
End Half.

(** The derivative of the expected cost of a model with draws of both kinds, as it is written. *)
Theorem both_derive W B draws outs rho e d l : same_both W B draws (map fst outs) = true -> sized (plain B) rho ->
  moves_only (plain_pairs outs) d ->
  is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0 l ->
  is_derive (fun t => written_cost W rho (line e d t)) 0 l.
Proof.
  unfold same_both. destruct (brought_in W B (map fst outs)) as [H|] eqn:E; [|discriminate]. intros Hc Hs Hm Hl.
  assert (Hdir : forall k ix, ~ In k (map N.to_nat (map fst outs)) -> d k ix = 0).
  { rewrite <- plain_firsts. exact Hm. }
  apply (is_derive_ext_loc (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t))); [|exact Hl].
  generalize (filter_and _ _ (brought_in_sound W B (map fst outs) H rho e d E (proj2 Hs) Hdir)
    (same_half_sound H B draws (map fst outs) Hc rho Hs e d Hdir)). apply filter_imp. intros t [E1 E2]. now rewrite E1, E2.
Qed.
