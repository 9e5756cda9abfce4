(** * The normal form of a value: a sum of products

    A term is a fraction times a product of tensors, read at picked axes and summed over axes that
    the result does not have: every broadcast, transpose, sum, contraction and element-wise product
    of terms is a term again.  A value is a sum of terms.  So programs that move broadcasts, factors
    and signs about, or associate sums and products differently, have the same normal form.  Here are
    the operations on normal forms, each with the lemma that says what it computes.

    Tensors that are not sums of products are atoms, which [Number.v] numbers. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith Permutation.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op.
Import ListNotations.
Open Scope R_scope.

Inductive factor :=
  | Read (k : positive) (p : list nat)   (** atom [k] at the axes [p] of the term *)
  | Extent (d : dim).                    (** a size *)
(** The axes of a term are those of its value, then those it sums [over]. *)
Record term := Term { num : Z; denom : positive; over : shape; factors : list factor }.
Definition poly := list term.

(** ** Fractions *)
Definition ratio (q : Z * positive) : R := IZR (fst q) / IZR (Zpos (snd q)).
Definition lowest (a : Z) (d : positive) : Z * positive :=
  let g := Z.gcd a (Zpos d) in
  match Z.div (Zpos d) g with
  | Zpos d' => let a' := Z.div a g in if Z.eqb (a' * Zpos d) (a * Zpos d') then (a', d') else (a, d)
  | _ => (a, d)
  end.
Definition times_q (p q : Z * positive) := lowest (fst p * fst q) (snd p * snd q).
Definition plus_q (p q : Z * positive) :=
  lowest (fst p * Zpos (snd q) + fst q * Zpos (snd p)) (snd p * snd q).
Definition inverse_q (q : Z * positive) : Z * positive :=
  match fst q with
  | Z0 => (0%Z, 1%positive)
  | Zpos a => (Zpos (snd q), a)
  | Zneg a => (Zneg (snd q), a)
  end.

Lemma pos_neq0 (q : positive) : IZR (Zpos q) <> 0.
Proof. apply not_0_IZR. lia. Qed.
Lemma ratio_lowest a d : ratio (lowest a d) = IZR a / IZR (Zpos d).
Proof.
  unfold lowest, ratio. set (g := Z.gcd a (Zpos d)).
  destruct (Z.div (Zpos d) g) as [|q|q]; auto.
  destruct (Z.eqb_spec (Z.div a g * Zpos d) (a * Zpos q)) as [E|]; auto. cbn [fst snd].
  apply (f_equal IZR) in E. rewrite !mult_IZR in E.
  apply (Rmult_eq_reg_r (IZR (Zpos q) * IZR (Zpos d))).
  2: apply Rmult_integral_contrapositive; auto using pos_neq0.
  replace (IZR (a / g) / IZR (Zpos q) * (IZR (Zpos q) * IZR (Zpos d)))
    with (IZR (a / g) * IZR (Zpos d)) by (field; apply pos_neq0).
  rewrite E. field. apply pos_neq0.
Qed.
Lemma ratio_times p q : ratio (times_q p q) = ratio p * ratio q.
Proof.
  unfold times_q. rewrite ratio_lowest, Pos2Z.inj_mul, !mult_IZR. unfold ratio. field.
  split; apply pos_neq0.
Qed.
Lemma ratio_plus p q : ratio (plus_q p q) = ratio p + ratio q.
Proof.
  unfold plus_q. rewrite ratio_lowest, Pos2Z.inj_mul, plus_IZR, !mult_IZR. unfold ratio. field.
  split; apply pos_neq0.
Qed.
Lemma ratio_inverse q : ratio (inverse_q q) = / ratio q.
Proof.
  destruct q as [[|a|a] d]; unfold ratio, inverse_q; cbn [fst snd].
  - unfold Rdiv. now rewrite !Rmult_0_l, Rinv_0.
  - unfold Rdiv. now rewrite Rinv_mult, Rinv_inv, Rmult_comm.
  - change (IZR (Zneg d)) with (- IZR (Zpos d)). change (IZR (Zneg a)) with (- IZR (Zpos a)).
    field. split; apply pos_neq0.
Qed.

(** ** Comparisons, for sorting: any order will do *)
Fixpoint compare_list {A} (cmp : A -> A -> comparison) (l m : list A) : comparison :=
  match l, m with
  | [], [] => Eq
  | [], _ => Lt
  | _, [] => Gt
  | a :: l, b :: m => match cmp a b with Eq => compare_list cmp l m | c => c end
  end.
Definition compare_factor (f g : factor) : comparison :=
  match f, g with
  | Read k p, Read k' p' =>
      match Pos.compare k k' with Eq => compare_list Nat.compare p p' | c => c end
  | Extent d, Extent d' => Nat.compare d d'
  | Read _ _, Extent _ => Lt
  | Extent _, Read _ _ => Gt
  end.
Definition compare_term (s t : term) : comparison :=
  match compare_list compare_factor (factors s) (factors t) with
  | Eq => compare_list Nat.compare (over s) (over t)
  | c => c
  end.
Lemma compare_list_eq {A} (cmp : A -> A -> comparison) :
  (forall a b, cmp a b = Eq -> a = b) -> forall l m, compare_list cmp l m = Eq -> l = m.
Proof.
  intros H. induction l as [|a l IH]; intros [|b m]; simpl; try easy.
  destruct (cmp a b) eqn:E; try easy. intros Hl. f_equal; auto.
Qed.
Lemma compare_nats_eq (l m : list nat) : compare_list Nat.compare l m = Eq -> l = m.
Proof. apply compare_list_eq. apply Nat.compare_eq. Qed.
Lemma compare_factor_eq f g : compare_factor f g = Eq -> f = g.
Proof.
  destruct f as [k p|d], g as [k' p'|d']; simpl; try easy.
  - destruct (Pos.compare_spec k k'); try easy. intros H'. subst. f_equal. now apply compare_nats_eq.
  - intros H. f_equal. now apply Nat.compare_eq.
Qed.
Lemma compare_term_eq s t : compare_term s t = Eq -> factors s = factors t /\ over s = over t.
Proof.
  unfold compare_term. destruct (compare_list compare_factor _ _) eqn:E; try easy. intros H.
  split; [now apply (compare_list_eq _ compare_factor_eq)|now apply compare_nats_eq].
Qed.
Fixpoint compare_poly (p q : poly) : bool :=
  match p, q with
  | [], [] => true
  | s :: p, t :: q =>
      Z.eqb (num s) (num t) && Pos.eqb (denom s) (denom t) &&
      match compare_term s t with Eq => compare_poly p q | _ => false end
  | _, _ => false
  end.
Lemma compare_poly_eq p : forall q, compare_poly p q = true -> p = q.
Proof.
  induction p as [|[a d o fs] p IH]; intros [|[a' d' o' fs'] q]; simpl; try easy. intros H.
  apply andb_prop in H as [H Hp]. apply andb_prop in H as [Ha Hd].
  apply Z.eqb_eq in Ha. apply Pos.eqb_eq in Hd.
  destruct (compare_term _ _) eqn:E; try easy. apply compare_term_eq in E as [E1 E2]. simpl in E1, E2.
  f_equal; [congruence|auto].
Qed.

(** Insertion sort. *)
Section Sort.
Context {A : Type} (cmp : A -> A -> comparison).
Fixpoint insert (a : A) (l : list A) : list A :=
  match l with
  | [] => [a]
  | b :: l => match cmp a b with Gt => b :: insert a l | _ => a :: b :: l end
  end.
Definition sort (l : list A) : list A := fold_right insert [] l.
Lemma insert_perm a l : Permutation (a :: l) (insert a l).
Proof.
  induction l as [|b l IH]; simpl; auto. destruct (cmp a b); auto.
  eapply Permutation_trans; [apply perm_swap|]. now apply perm_skip.
Qed.
Lemma sort_perm l : Permutation l (sort l).
Proof.
  induction l as [|a l IH]; simpl; auto.
  eapply Permutation_trans; [apply perm_skip, IH|]. apply insert_perm.
Qed.
End Sort.

(** ** Operations on terms *)
(** Axes moved by [f]. *)
Definition move (f : nat -> nat) (g : factor) : factor :=
  match g with Read k p => Read k (map f p) | Extent d => Extent d end.
Definition axes_of (g : factor) : list nat := match g with Read _ p => p | Extent _ => [] end.
Definition within (m : nat) (fs : list factor) : bool := forallb (fun g => below m (axes_of g)) fs.

(** Reading a value of [r] axes at the axes [i] of a value of [r'] axes. *)
Definition pulled_axis (i : list nat) (r' a : nat) : nat :=
  if Nat.ltb a (length i) then nth a i 0%nat else (a - length i + r')%nat.
Definition pull_term (i : list nat) (r' : nat) (t : term) : term :=
  Term (num t) (denom t) (over t) (map (move (pulled_axis i r')) (factors t)).

(** The product of two terms of [r] axes. *)
Definition shifted_axis (r m a : nat) : nat := if Nat.ltb a r then a else (a + m)%nat.
Definition mul_terms (r : nat) (s t : term) : term :=
  let q := times_q (num s, denom s) (num t, denom t) in
  Term (fst q) (snd q) (over s ++ over t)
       (factors s ++ map (move (shifted_axis r (length (over s)))) (factors t)).

(** A permutation of [n] axes and its inverse. *)
Definition inverse_axes (n : nat) (p q : list nat) : bool :=
  index_eqb (pick p q) (range n) && index_eqb (pick q p) (range n) && below n p && below n q.
Fixpoint position (a : nat) (l : list nat) : nat :=
  match l with [] => 0%nat | b :: l => if Nat.eqb a b then 0%nat else S (position a l) end.
Definition positions (n : nat) (p : list nat) : list nat := map (fun a => position a p) (range n).
Definition others (n : nat) (p : list nat) : list nat :=
  filter (fun a => negb (existsb (Nat.eqb a) p)) (range n).

(** A term over the axes [vs] becomes one over [vs.o]: the other axes are summed. *)
Definition reduce_term (vs : shape) (o : list nat) (t : term) : option term :=
  let rest := others (length vs) o in
  let q := positions (length vs) (o ++ rest) in
  if inverse_axes (length vs) (o ++ rest) q
  then Some (Term (num t) (denom t) (pick vs rest ++ over t)
                  (map (move (pulled_axis q (length vs))) (factors t)))
  else None.

(** Summed axes in the order in which the factors mention them, and without those that none does. *)
Definition mask (r : nat) (g : factor) : factor := move (fun a => if Nat.ltb a r then a else r) g.
Definition compare_masked (r : nat) (f g : factor) : comparison :=
  compare_factor (mask r f) (mask r g).
Fixpoint first_seen (l seen : list nat) : list nat :=
  match l with
  | [] => rev seen
  | a :: l => first_seen l (if existsb (Nat.eqb a) seen then seen else a :: seen)
  end.
Definition summed_axes (r : nat) (fs : list factor) : list nat :=
  map (fun a => a - r)%nat (filter (fun a => Nat.leb r a) (flat_map axes_of fs)).
Definition renamed_axis (r : nat) (q : list nat) (a : nat) : nat :=
  if Nat.ltb a r then a else (r + nth (a - r) q 0)%nat.
Definition rename_term (r : nat) (p q : list nat) (t : term) : term :=
  Term (num t) (denom t) (pick (over t) p) (map (move (renamed_axis r q)) (factors t)).
Definition drop_axes (r : nat) (n : nat) (t : term) : term :=
  Term (num t) (denom t) (firstn n (over t)) (map Extent (skipn n (over t)) ++ factors t).
Definition sort_factors (t : term) : term :=
  Term (num t) (denom t) (over t) (sort compare_factor (factors t)).
Definition canonical (r : nat) (t : term) : term :=
  let m := length (over t) in
  let fs := sort (compare_masked r) (factors t) in
  let used := first_seen (summed_axes r fs) [] in
  let p := used ++ others m used in
  let q := positions m p in
  if inverse_axes m p q && within (r + m) fs then
    let t' := rename_term r p q (Term (num t) (denom t) (over t) fs) in
    let n := length used in
    sort_factors (if within (r + n) (factors t') then drop_axes r n t' else t')
  else t.

(** Sizes that the model fixes are numbers. *)
Definition fixed_sizes := list (dim * nat).
Definition size_known (fix_ : fixed_sizes) (d : dim) : option nat :=
  match find (fun dn => Nat.eqb (fst dn) d) fix_ with Some (_, n) => Some n | None => None end.
Fixpoint known_factors (fix_ : fixed_sizes) (fs : list factor) : Z * list factor :=
  match fs with
  | [] => (1%Z, [])
  | g :: fs =>
      let '(z, gs) := known_factors fix_ fs in
      match g with
      | Extent d => match size_known fix_ d with
                    | Some n => (z * Z.of_nat n, gs)%Z
                    | None => (z, g :: gs)
                    end
      | _ => (z, g :: gs)
      end
  end.
Definition fix_term (fix_ : fixed_sizes) (t : term) : term :=
  let '(z, fs) := known_factors fix_ (factors t) in
  let q := lowest (num t * z) (denom t) in Term (fst q) (snd q) (over t) fs.
Definition tidy (fix_ : fixed_sizes) (r : nat) (t : term) : term := fix_term fix_ (canonical r t).

(** ** Operations on sums of terms *)
Fixpoint add_term (t : term) (p : poly) : poly :=
  match p with
  | [] => [t]
  | s :: p =>
      match compare_term t s with
      | Eq => let q := plus_q (num t, denom t) (num s, denom s) in
              if Z.eqb (fst q) 0 then p else Term (fst q) (snd q) (over s) (factors s) :: p
      | Lt => t :: s :: p
      | Gt => s :: add_term t p
      end
  end.
Fixpoint shorter (p q : poly) : bool :=
  match p, q with [], _ => true | _, [] => false | _ :: p, _ :: q => shorter p q end.
(** The terms of the shorter sum are put into the longer one. *)
Definition add_poly (p q : poly) : poly :=
  if shorter p q then fold_right add_term q p else fold_right add_term p q.
(** A fresh sum of tidied terms. *)
Definition collect (p : poly) : poly :=
  fold_right (fun t q => if Z.eqb (num t) 0 then q else add_term t q) [] p.
Definition tidied (fix_ : fixed_sizes) (r : nat) (t : term) : poly := collect [tidy fix_ r t].
Definition scale_poly (q : Z * positive) (p : poly) : poly :=
  if Z.eqb (fst q) 0 then []
  else map (fun t => let c := times_q q (num t, denom t) in
                     Term (fst c) (snd c) (over t) (factors t)) p.
Definition const_poly (a : Z) (d : positive) : poly :=
  let q := lowest a d in if Z.eqb (fst q) 0 then [] else [Term (fst q) (snd q) [] []].
Definition atom_poly (r : nat) (k : positive) : poly := [Term 1 1 [] [Read k (range r)]].

Fixpoint all_some {A B} (f : A -> option B) (l : list A) : option (list B) :=
  match l with
  | [] => Some []
  | a :: l => match f a, all_some f l with Some b, Some m => Some (b :: m) | _, _ => None end
  end.

(** *** What they mean *)
Section Meaning.
Variable rho : dim -> nat.
Variable A : positive -> tensor.
Notation boxs s := (box (sizes rho s)).

Definition factor_val (v : index) (f : factor) : R :=
  match f with Read k p => A k (pick v p) | Extent d => INR (rho d) end.
Fixpoint product (fs : list factor) (v : index) : R :=
  match fs with [] => 1 | f :: fs => factor_val v f * product fs v end.
Definition term_val (t : term) (ix : index) : R :=
  ratio (num t, denom t) * sum (boxs (over t)) (fun u => product (factors t) (ix ++ u)).
Definition poly_val (p : poly) (ix : index) : R := sum p (fun t => term_val t ix).

Lemma product_app fs gs v : product (fs ++ gs) v = product fs v * product gs v.
Proof. induction fs; simpl; [ring|]. rewrite IHfs; ring. Qed.
Lemma product_perm fs gs v : Permutation fs gs -> product fs v = product gs v.
Proof. induction 1; simpl; try congruence. ring. Qed.
Lemma product_ext fs v w (f : nat -> nat) :
  (forall g, In g fs -> pick w (map f (axes_of g)) = pick v (axes_of g)) ->
  product (map (move f) fs) w = product fs v.
Proof.
  induction fs as [|g fs IH]; simpl; intros H; auto. rewrite IH by auto. f_equal.
  specialize (H g (or_introl eq_refl)). destruct g; simpl in *; congruence.
Qed.

Lemma sum_box_app s s' (f : index -> R) :
  sum (box (s ++ s')) f = sum (box s) (fun u => sum (box s') (fun v => f (u ++ v))).
Proof.
  revert f. induction s as [|n s IH]; intros f; cbn [box app].
  - cbn. rewrite Rplus_0_r. reflexivity.
  - rewrite !sum_flat_map. apply sum_ext. intros i _. rewrite !sum_map. apply IH.
Qed.
Lemma sizes_app s s' : sizes rho (s ++ s') = sizes rho s ++ sizes rho s'.
Proof. apply map_app. Qed.
Lemma box_length s ix : In ix (boxs s) -> length ix = length s.
Proof. intros H. now apply in_boxs in H. Qed.
Lemma sum_box_const s c : sum (boxs s) (fun _ => c) = c * product (map Extent s) [].
Proof.
  induction s as [|d s IH]; simpl; [ring|]. rewrite sum_flat_map.
  rewrite (sum_ext _ _ (fun _ => c * product (map Extent s) [])).
  2:{ intros i _. rewrite sum_map. apply IH. }
  clear IH. set (x := c * _). replace (c * _) with (INR (rho d) * x) by (unfold x; ring).
  generalize (rho d). induction n; [simpl; ring|]. rewrite sum_range_S, IHn, S_INR. ring.
Qed.
Lemma product_extents s v : product (map Extent s) v = product (map Extent s) [].
Proof. induction s; simpl; congruence. Qed.

Lemma pick_pick (v i j : list nat) : below (length i) j = true -> pick (pick v i) j = pick v (pick i j).
Proof.
  intros H. unfold pick. rewrite map_map. apply map_ext_in. intros k Hk.
  unfold below in H. rewrite forallb_forall in H. specialize (H k Hk). apply Nat.ltb_lt in H.
  now rewrite (nth_map_lt _ i k 0%nat).
Qed.
Lemma pick_range (v : list nat) : pick v (range (length v)) = v.
Proof.
  unfold pick. induction v as [|i v IH]; simpl; auto. f_equal.
  rewrite <- seq_shift, map_map. exact IH.
Qed.
Lemma pick_front (v w : list nat) p : below (length v) p = true -> pick (v ++ w) p = pick v p.
Proof.
  intros H. apply map_ext_in. intros k Hk. unfold below in H. rewrite forallb_forall in H.
  specialize (H k Hk). apply Nat.ltb_lt in H. now apply app_nth1.
Qed.
Lemma pick_app (v p q : list nat) : pick v (p ++ q) = pick v p ++ pick v q.
Proof. apply map_app. Qed.
Lemma in_box_app s s' u v : In u (boxs s) -> In v (boxs s') -> In (u ++ v) (boxs (s ++ s')).
Proof.
  rewrite !in_boxs, !app_length. intros [Hl Hu] [Hl' Hv]. split; [lia|]. intros k Hk.
  destruct (Nat.lt_ge_cases k (length s)).
  - rewrite !app_nth1 by lia. auto.
  - rewrite !app_nth2 by lia. rewrite Hl. apply Hv. lia.
Qed.

(** Sums over a box whose axes are permuted. *)
Lemma inverse_axes_sound n p q : inverse_axes n p q = true ->
  pick p q = range n /\ pick q p = range n /\ below n p = true /\ below n q = true /\
  length p = n /\ length q = n.
Proof.
  unfold inverse_axes. intros H. apply andb_prop in H as [H H4]. apply andb_prop in H as [H H3].
  apply andb_prop in H as [H1 H2].
  destruct (index_eqb_spec (pick p q) (range n)) as [E1|]; [|easy].
  destruct (index_eqb_spec (pick q p) (range n)) as [E2|]; [|easy].
  repeat split; auto.
  - apply (f_equal (@length nat)) in E2. unfold pick in E2. now rewrite map_length, seq_length in E2.
  - apply (f_equal (@length nat)) in E1. unfold pick in E1. now rewrite map_length, seq_length in E1.
Qed.
Lemma sum_reindex ds p q (F : index -> R) : inverse_axes (length ds) p q = true ->
  sum (boxs ds) F = sum (boxs (pick ds p)) (fun u => F (pick u q)).
Proof.
  intros H. apply inverse_axes_sound in H as (E1 & E2 & Hp & Hq & Lp & Lq).
  assert (Hback : pick (pick ds p) q = ds).
  { rewrite pick_pick by now rewrite Lp. now rewrite E1, pick_range. }
  assert (Hin : forall u, In u (boxs (pick ds p)) -> In (pick u q) (boxs ds)).
  { intros u Hu. pose proof (pick_in rho (pick ds p) q u) as P.
    rewrite Hback in P. apply P; auto. unfold pick. now rewrite map_length, Lp. }
  transitivity (sum (boxs (pick ds p)) (fun u =>
    sum (boxs ds) (fun w => if index_eqb w (pick u q) then F w else 0))).
  - rewrite sum_swap. apply sum_ext. intros w Hw.
    rewrite (sum_ext _ _ (fun u => if index_eqb u (pick w p) then F w else 0)).
    + symmetry. apply (sum_box_single (sizes rho (pick ds p)) (fun _ => F w)).
      now apply (pick_in rho).
    + intros u Hu. pose proof (box_length _ _ Hw) as Lw. pose proof (box_length _ _ Hu) as Lu.
      unfold pick in Lu. rewrite map_length in Lu.
      destruct (index_eqb_spec w (pick u q)) as [Ew|Ew], (index_eqb_spec u (pick w p)) as [Eu|Eu]; auto.
      * exfalso. apply Eu. rewrite Ew, pick_pick by now rewrite Lq.
        rewrite E2, <- Lp, <- Lu. now rewrite pick_range.
      * exfalso. apply Ew. rewrite Eu, pick_pick by now rewrite Lp.
        rewrite E1, <- Lw. now rewrite pick_range.
  - apply sum_ext. intros u Hu. now apply (sum_box_single (sizes rho ds) F), Hin.
Qed.

(** Reading at picked axes. *)
Lemma pick_through (i : list nat) (ix u : index) p : below (length ix) i = true ->
  pick (pick ix i ++ u) p = pick (ix ++ u) (map (pulled_axis i (length ix)) p).
Proof.
  intros Hi. unfold pick at 1 3. rewrite map_map. apply map_ext. intros a. unfold pulled_axis.
  destruct (Nat.ltb_spec a (length i)) as [H|H].
  - rewrite app_nth1 by (unfold pick; now rewrite map_length). unfold pick.
    rewrite (nth_map_lt _ i a 0%nat) by auto. rewrite app_nth1; auto.
    unfold below in Hi. rewrite forallb_forall in Hi. now apply Nat.ltb_lt, Hi, nth_In.
  - assert (L : length (pick ix i) = length i) by (unfold pick; now rewrite map_length).
    rewrite !app_nth2 by lia. rewrite L. f_equal. lia.
Qed.
Theorem pull_term_val i t ix : below (length ix) i = true ->
  term_val (pull_term i (length ix) t) ix = term_val t (pick ix i).
Proof.
  intros Hi. unfold term_val, pull_term; cbn [num denom over factors]. f_equal.
  apply sum_ext. intros u _. apply product_ext. intros g _. symmetry. now apply pick_through.
Qed.

Theorem mul_terms_val r s t ix : length ix = r -> within (r + length (over s)) (factors s) = true ->
  term_val (mul_terms r s t) ix = term_val s ix * term_val t ix.
Proof.
  intros Hr Hw. unfold term_val, mul_terms; cbn [num denom over factors].
  rewrite <- surjective_pairing, ratio_times, sizes_app, sum_box_app.
  transitivity (ratio (num s, denom s) * ratio (num t, denom t) *
    (sum (boxs (over s)) (fun u => product (factors s) (ix ++ u)) *
     sum (boxs (over t)) (fun v => product (factors t) (ix ++ v)))); [|ring]. f_equal.
  rewrite Rmult_comm, <- sum_scal. apply sum_ext. intros u Hu. rewrite Rmult_comm, <- sum_scal.
  apply sum_ext. intros v Hv. apply box_length in Hu. rewrite product_app. f_equal.
  - rewrite <- (product_ext _ (ix ++ u) (ix ++ u ++ v) (fun a => a)).
    + f_equal. rewrite <- (map_id (factors s)) at 1. apply map_ext. intros []; simpl; auto.
      now rewrite map_id.
    + intros g Hg. rewrite map_id, app_assoc. apply pick_front. unfold within in Hw.
      rewrite forallb_forall in Hw. rewrite app_length, Hr, Hu. now apply Hw.
  - apply product_ext. intros g _. unfold pick. rewrite map_map. apply map_ext. intros a.
    unfold shifted_axis. destruct (Nat.ltb_spec a r).
    + now rewrite !app_nth1 by lia.
    + rewrite app_nth2 by lia. rewrite app_nth2 by lia. rewrite app_nth2 by lia. f_equal. lia.
Qed.

Theorem reduce_term_val vs o t t' b : reduce_term vs o t = Some t' -> In b (boxs (pick vs o)) ->
  term_val t' b
  = sum (boxs vs) (fun v => if index_eqb (pick v o) b then term_val t v else 0).
Proof.
  unfold reduce_term. set (rest := others (length vs) o).
  set (q := positions (length vs) (o ++ rest)).
  destruct (inverse_axes (length vs) (o ++ rest) q) eqn:Hq; [|easy]. intros H Hb.
  injection H as <-. rewrite (sum_reindex vs (o ++ rest) q _ Hq).
  pose proof (inverse_axes_sound _ _ _ Hq) as (E1 & E2 & Hp & Hbq & Lp & Lq).
  assert (Hqo : pick q o = range (length o)).
  { rewrite pick_app in E2. rewrite app_length in Lp. rewrite <- Lp, seq_app in E2.
    apply (f_equal (firstn (length o))) in E2.
    assert (L1 : length (pick q o) = length o) by (unfold pick; now rewrite map_length).
    rewrite <- L1 in E2 at 1. rewrite firstn_app, Nat.sub_diag, firstn_all in E2. simpl in E2.
    rewrite app_nil_r in E2. rewrite E2.
    rewrite <- (seq_length (length o) 0) at 1. rewrite firstn_app, Nat.sub_diag, firstn_all.
    simpl. now rewrite app_nil_r. }
  assert (Hbelow : below (length q) o = true).
  { unfold below in *. rewrite forallb_app in Hp. apply andb_prop in Hp as [Hp _]. now rewrite Lq. }
  rewrite pick_app, sizes_app, sum_box_app.
  transitivity (sum (boxs (pick vs o)) (fun b' => if index_eqb b' b then
    sum (boxs (pick vs rest)) (fun w => term_val t (pick (b' ++ w) q)) else 0)).
  - rewrite (sum_box_single (sizes rho (pick vs o))
      (fun b' => sum (boxs (pick vs rest)) (fun w => term_val t (pick (b' ++ w) q))) b Hb).
    unfold term_val; cbn [num denom over factors]. rewrite sizes_app, sum_box_app, <- sum_scal.
    apply sum_ext. intros w Hw. f_equal. apply sum_ext. intros u _.
    rewrite app_assoc. apply product_ext. intros g _. symmetry.
    assert (Lbw : length (b ++ w) = length vs).
    { apply box_length in Hb, Hw. rewrite app_length, Hb, Hw. unfold pick.
      now rewrite !map_length, <- app_length. }
    rewrite <- Lbw. apply pick_through. now rewrite Lbw.
  - apply sum_ext. intros b' Hb'.
    assert (Hpick : forall w, pick (pick (b' ++ w) q) o = b').
    { intros w. rewrite pick_pick, Hqo by auto. apply box_length in Hb'.
      assert (Lo : length o = length b') by (rewrite Hb'; unfold pick; now rewrite map_length).
      rewrite Lo, pick_front, pick_range; auto. apply forallb_forall. intros k Hk.
      apply Nat.ltb_lt. now apply in_range. }
    destruct (index_eqb b' b) eqn:Eb.
    + apply sum_ext. intros w _. now rewrite Hpick, Eb.
    + symmetry. apply sum_none. intros w _. now rewrite Hpick, Eb.
Qed.

Lemma rename_term_val r p q t ix : length ix = r ->
  inverse_axes (length (over t)) p q = true ->
  within (r + length (over t)) (factors t) = true ->
  term_val (rename_term r p q t) ix = term_val t ix.
Proof.
  intros Hr Hpq Hw. unfold term_val, rename_term; cbn [num denom over factors]. f_equal.
  rewrite (sum_reindex (over t) p q _ Hpq).
  apply inverse_axes_sound in Hpq as (E1 & E2 & Hp & Hq & Lp & Lq).
  apply sum_ext. intros u Hu. apply product_ext. intros g Hg. unfold pick. rewrite map_map.
  apply map_ext_in. intros a Ha. unfold renamed_axis. destruct (Nat.ltb_spec a r).
  - now rewrite !app_nth1 by lia.
  - unfold within in Hw. rewrite forallb_forall in Hw. specialize (Hw g Hg).
    unfold below in Hw. rewrite forallb_forall in Hw. specialize (Hw a Ha). apply Nat.ltb_lt in Hw.
    rewrite !app_nth2 by lia. rewrite Hr. rewrite (nth_map_lt _ q (a - r) 0%nat) by lia.
    f_equal. lia.
Qed.
Lemma drop_axes_val r n t ix : length ix = r -> within (r + n) (factors t) = true ->
  (n <= length (over t))%nat ->
  term_val (drop_axes r n t) ix = term_val t ix.
Proof.
  intros Hr Hw Hn. unfold term_val, drop_axes; cbn [num denom over factors]. f_equal.
  replace (boxs (over t)) with (boxs (firstn n (over t) ++ skipn n (over t)))
    by now rewrite firstn_skipn.
  rewrite sizes_app, sum_box_app. apply sum_ext.
  intros u Hu. rewrite product_app, product_extents.
  rewrite (sum_ext _ _ (fun _ => product (factors t) (ix ++ u))).
  - rewrite sum_box_const. ring.
  - intros v _. rewrite app_assoc. rewrite <- (product_ext _ (ix ++ u) ((ix ++ u) ++ v) (fun a => a)).
    + f_equal. rewrite <- (map_id (factors t)) at 1. apply map_ext. intros []; simpl; auto.
      now rewrite map_id.
    + intros g Hg. rewrite map_id. apply pick_front. unfold within in Hw.
      rewrite forallb_forall in Hw. apply box_length in Hu. rewrite firstn_length_le in Hu by lia.
      rewrite app_length, Hr, Hu. now apply Hw.
Qed.
Lemma term_val_perm n d o fs gs ix : Permutation fs gs ->
  term_val (Term n d o fs) ix = term_val (Term n d o gs) ix.
Proof.
  intros H. unfold term_val; cbn [num denom over factors]. f_equal. apply sum_ext. intros u _.
  now apply product_perm.
Qed.
Lemma sort_factors_val t ix : term_val (sort_factors t) ix = term_val t ix.
Proof.
  destruct t. unfold sort_factors; cbn [num denom over factors]. apply term_val_perm.
  apply Permutation_sym, sort_perm.
Qed.

Theorem canonical_val r t ix : length ix = r -> term_val (canonical r t) ix = term_val t ix.
Proof.
  intros Hr. unfold canonical. cbv zeta. set (fs := sort (compare_masked r) (factors t)).
  set (used := first_seen (summed_axes r fs) []).
  set (p := used ++ others (length (over t)) used). set (q := positions _ p).
  destruct (inverse_axes _ p q && within _ fs) eqn:Hc; auto. apply andb_prop in Hc as [Hi Hw].
  set (t1 := Term (num t) (denom t) (over t) fs).
  assert (E1 : term_val t1 ix = term_val t ix).
  { unfold t1. rewrite (term_val_perm _ _ _ _ (factors t)); [now destruct t|].
    apply Permutation_sym, sort_perm. }
  assert (E2 : term_val (rename_term r p q t1) ix = term_val t ix) by now rewrite rename_term_val.
  fold t1. rewrite sort_factors_val.
  destruct (within (r + length used) (factors (rename_term r p q t1))) eqn:Hw'; auto.
  rewrite drop_axes_val; auto. unfold rename_term; cbn [over].
  pose proof (inverse_axes_sound _ _ _ Hi) as (_ & _ & _ & _ & Lp & _).
  unfold pick. rewrite map_length. unfold p in *. rewrite app_length in *. lia.
Qed.

Variable fix_ : fixed_sizes.
Hypothesis fixed : forall d n, In (d, n) fix_ -> rho d = n.
Lemma size_known_eq d n : size_known fix_ d = Some n -> rho d = n.
Proof.
  unfold size_known. destruct (find _ _) as [[d' n']|] eqn:E; [|easy]. intros H. injection H as ->.
  apply find_some in E as [Hin Hd]. apply Nat.eqb_eq in Hd. simpl in Hd. subst. auto.
Qed.
Lemma known_factors_val fs v : forall z gs, known_factors fix_ fs = (z, gs) ->
  product fs v = IZR z * product gs v.
Proof.
  induction fs as [|g fs IH]; simpl; intros z gs H; [injection H as <- <-; simpl; ring|].
  destruct (known_factors fix_ fs) as [z1 gs1]. specialize (IH _ _ eq_refl). rewrite IH.
  destruct g as [k p|d].
  - injection H as <- <-. simpl. ring.
  - destruct (size_known fix_ d) as [n|] eqn:E.
    + injection H as <- <-. apply size_known_eq in E. simpl.
      rewrite E, mult_IZR, <- INR_IZR_INZ. ring.
    + injection H as <- <-. simpl. ring.
Qed.
Theorem tidy_val r t ix : length ix = r -> term_val (tidy fix_ r t) ix = term_val t ix.
Proof.
  intros Hr. unfold tidy. rewrite <- (canonical_val r t ix Hr). generalize (canonical r t).
  intros s. unfold fix_term. destruct (known_factors fix_ (factors s)) as [z fs] eqn:E.
  unfold term_val; cbn [num denom over factors]. rewrite <- surjective_pairing, ratio_lowest.
  rewrite (sum_ext _ (fun u => product (factors s) (ix ++ u)) (fun u => IZR z * product fs (ix ++ u)))
    by (intros; now apply known_factors_val).
  rewrite sum_scal, mult_IZR. unfold ratio; cbn [fst snd].
  match goal with |- _ * ?a = _ * (_ * ?b) => change b with a end. field. apply pos_neq0.
Qed.

Lemma term_val_zero t ix : num t = 0%Z -> term_val t ix = 0.
Proof. intros H. unfold term_val, ratio. cbn [fst]. rewrite H. unfold Rdiv. ring. Qed.
Theorem add_term_val t p ix : poly_val (add_term t p) ix = term_val t ix + poly_val p ix.
Proof.
  induction p as [|s p IH]; simpl; auto. destruct (compare_term t s) eqn:E.
  - apply compare_term_eq in E as [E1 E2].
    set (q := plus_q (num t, denom t) (num s, denom s)).
    assert (Hq : ratio q = ratio (num t, denom t) + ratio (num s, denom s)) by apply ratio_plus.
    unfold poly_val. cbn [sum]. unfold term_val at 2 3. rewrite E1, E2.
    destruct (Z.eqb_spec (fst q) 0) as [H0|H0].
    + assert (ratio q = 0) by (unfold ratio; rewrite H0; unfold Rdiv; ring).
      replace (ratio (num t, denom t)) with (- ratio (num s, denom s)) by lra. ring.
    + cbn [sum]. unfold term_val at 1; cbn [num denom over factors].
      rewrite <- surjective_pairing, Hq. ring.
  - reflexivity.
  - unfold poly_val in *. cbn [sum]. rewrite IH. ring.
Qed.
Theorem add_poly_val p q ix : poly_val (add_poly p q) ix = poly_val p ix + poly_val q ix.
Proof.
  assert (H : forall p q, poly_val (fold_right add_term q p) ix = poly_val p ix + poly_val q ix).
  { clear p q. intros p q. induction p as [|t p IH]; simpl.
    - unfold poly_val. cbn [sum]. ring.
    - rewrite add_term_val, IH. unfold poly_val. cbn [sum]. ring. }
  unfold add_poly. destruct (shorter p q); rewrite H; ring.
Qed.
Theorem collect_val p ix : poly_val (collect p) ix = poly_val p ix.
Proof.
  induction p as [|t p IH]; auto.
  change (collect (t :: p)) with (if Z.eqb (num t) 0 then collect p else add_term t (collect p)).
  change (poly_val (t :: p) ix) with (term_val t ix + poly_val p ix). rewrite <- IH.
  destruct (Z.eqb_spec (num t) 0).
  - rewrite term_val_zero by auto. ring.
  - apply add_term_val.
Qed.
Theorem scale_poly_val q p ix : poly_val (scale_poly q p) ix = ratio q * poly_val p ix.
Proof.
  unfold scale_poly, poly_val. destruct (Z.eqb_spec (fst q) 0) as [H|H].
  - unfold ratio. rewrite H. unfold Rdiv. simpl. ring.
  - rewrite sum_map, <- sum_scal. apply sum_ext. intros t _. unfold term_val; cbn [num denom over factors].
    rewrite <- surjective_pairing, ratio_times. ring.
Qed.
Theorem const_poly_val a d ix : poly_val (const_poly a d) ix = IZR a / IZR (Zpos d).
Proof.
  rewrite <- ratio_lowest. unfold const_poly, poly_val. set (q := lowest a d).
  destruct (Z.eqb_spec (fst q) 0) as [H|H].
  - unfold ratio. rewrite H. unfold Rdiv. simpl. ring.
  - unfold term_val; cbn [sum num denom over factors]. rewrite <- surjective_pairing. cbn -[ratio].
    ring.
Qed.
Theorem atom_poly_val k ix : poly_val (atom_poly (length ix) k) ix = A k ix.
Proof.
  unfold atom_poly, poly_val, term_val, ratio. cbn. rewrite app_nil_r, pick_range. field.
Qed.
End Meaning.
