(** * Operations on tensors with symbolic sizes

    An operation is a small piece of syntax; [den] says what it computes, [ty] how the shape of the
    result follows, [jvp] its forward derivative and [vjp] its reverse derivative, which is again an
    expression of operations.  Two theorems tie them together: [jvp_sound] (the forward derivative
    is the derivative) and [vjp_adjoint] (the reverse one is its transpose).

    Plates of the compiler's types are leading axes here.  Nearly every structural operation of the
    compiler is an instance of one of two constructors: [Lin], a linear map given by pairs of
    indices, and [Ein2], a sum of products over named axes.  See [ops.def] for the whole table. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar.
Import ListNotations.
Open Scope R_scope.

Definition dim := nat.        (** names a size; the sizes themselves are a variable of the theory *)
Definition shape := list dim.

(** ** Linear maps as relations between indices *)
Inductive lin :=
  | Ein (vs : shape) (i o : list nat)
      (** out(v.o) is the sum over v of in(v.i), v running over the axes [vs] *)
  | Slice (c : nat) (d d' : dim) (s : shape)  (** axis 0, of size d: elements c .. c + d' *)
  | Pad (c : nat) (d d' : dim) (s : shape)    (** axis 0, of size d, put at c of an axis d' *)
  | Reshape (s s' : shape).                   (** the same elements in row-major order *)

Definition pick (v p : list nat) : list nat := map (fun k => nth k v 0%nat) p.
Definition below (n : nat) (p : list nat) : bool := forallb (fun k => Nat.ltb k n) p.

Definition lin_ok (l : lin) : bool :=
  match l with Ein vs i o => below (length vs) i && below (length vs) o | _ => true end.
Definition src (l : lin) : shape :=
  match l with
  | Ein vs i _ => pick vs i | Slice _ d _ s => d :: s | Pad _ d _ s => d :: s | Reshape s _ => s
  end.
Definition dst (l : lin) : shape :=
  match l with
  | Ein vs _ o => pick vs o | Slice _ _ d s => d :: s | Pad _ _ d s => d :: s | Reshape _ s => s
  end.
Definition flip (l : lin) : lin :=
  match l with
  | Ein vs i o => Ein vs o i
  | Slice c d d' s => Pad c d' d s
  | Pad c d d' s => Slice c d' d s
  | Reshape s s' => Reshape s' s
  end.

(** ** Syntax *)
Inductive op :=
  | Map1 (f : fn1)
  | Map2 (f : fn2)
  | Lin (l : lin)
  | Ein2 (vs : shape) (i j o : list nat)
      (** out(v.o) is the sum over v of a(v.i) * b(v.j) *)
  | Lse (vs : shape) (o : list nat)
      (** out(v.o) is the logarithm of the sum over v of exp(in v) *)
  | Const (a : Z) (d : positive) (s : shape)
  | Iota (d : dim)             (** 0, 1, 2, ... *)
  | Size (d : dim)             (** the size itself, a scalar *)
  | Sample (j : nat) (s : shape). (** value number j of the random trace *)

Definition ty (o : op) (ss : list shape) : option shape :=
  match o, ss with
  | Map1 _, [s] => Some s
  | Map2 _, [s; s'] => if index_eqb s s' then Some s else None
  | Lin l, [s] => if lin_ok l && index_eqb s (src l) then Some (dst l) else None
  | Ein2 vs i j o, [s; s'] =>
      if below (length vs) i && below (length vs) j && below (length vs) o
         && index_eqb s (pick vs i) && index_eqb s' (pick vs j)
      then Some (pick vs o) else None
  | Lse vs o, [s] => if below (length vs) o && index_eqb s vs then Some (pick vs o) else None
  | Const _ _ s, [] => Some s
  | Iota d, [] => Some [d]
  | Size _, [] => Some []
  | Sample _ s, [] => Some s
  | _, _ => None
  end.

(** ** Reverse rules, as expressions over the operands, the result and its adjoint *)
Inductive expr := Arg (k : nat) | Out | Adj | E0 (o : op) | E1 (o : op) (e : expr) | E2 (o : op) (e f : expr).

Definition times (a b : expr) : expr := E2 (Map2 Mul) a b.
Definition negate (a : expr) : expr := E1 (Map1 (Affine (-1) 0 1)) a.
Definition all_axes (vs : shape) : list nat := range (length vs).

Definition vjp1 (f : fn1) : option expr :=
  let x := Arg 0 in
  match f with
  | Affine a _ d => Some (E1 (Map1 (Affine a 0 d)) Adj)
  | Exp => Some (times Adj Out)
  | Log => Some (times Adj (E1 (Map1 Recip) x))
  | Log1p => Some (times Adj (E1 (Map1 Recip) (E1 (Map1 (Affine 1 1 1)) x)))
  | Expm1 => Some (times Adj (E1 (Map1 (Affine 1 1 1)) Out))
  | Sqrt => Some (times Adj (E1 (Map1 Recip) (E1 (Map1 (Affine 2 0 1)) Out)))
  | Square => Some (times Adj (E1 (Map1 (Affine 2 0 1)) x))
  | Recip => Some (times Adj (negate (times Out Out)))
  | Tanh => Some (times Adj (E1 (Map1 (Affine (-1) 1 1)) (times Out Out)))
  | Sigmoid => Some (times Adj (times Out (E1 (Map1 (Affine (-1) 1 1)) Out)))
  | Softplus => Some (times Adj (E1 (Map1 Sigmoid) x))
  | Sin => Some (times Adj (E1 (Map1 Cos) x))
  | Cos => Some (times Adj (negate (E1 (Map1 Sin) x)))
  | Abs => Some (times Adj (E1 (Map1 Sign) x))
  | Relu => Some (times Adj (E1 (Map1 Step) x))
  | Sign | Step => None
  end.

Definition vjp2 (f : fn2) (k : nat) : option expr :=
  let x := Arg 0 in let y := Arg 1 in
  let above a b := E1 (Map1 Step) (E2 (Map2 Sub) a b) in
  let other a := E1 (Map1 (Affine (-1) 1 1)) a in
  let half a b := times (other (E2 (Map2 Add) (above a b) (above b a))) (E1 (Map1 (Affine 1 0 2)) Adj) in
  let wins a b := E2 (Map2 Add) (times (above a b) Adj) (times (other (above a b)) (half a b)) in
  match f, k with
  | Add, 0%nat | Add, 1%nat | Sub, 0%nat => Some Adj
  | Sub, 1%nat => Some (negate Adj)
  | Mul, 0%nat => Some (times Adj y)
  | Mul, 1%nat => Some (times Adj x)
  | Div, 0%nat => Some (times Adj (E1 (Map1 Recip) y))
  | Div, 1%nat => Some (negate (times Adj (times Out (E1 (Map1 Recip) y))))
  | Pow, 0%nat => Some (times Adj (times y (E2 (Map2 Pow) x (E1 (Map1 (Affine 1 (-1) 1)) y))))
  | Pow, 1%nat => Some (times Adj (times Out (E1 (Map1 Log) x)))
  | Min, 0%nat | Max, 1%nat => Some (wins y x)
  | Min, 1%nat | Max, 0%nat => Some (wins x y)
  | _, _ => None
  end.

Definition vjp (o : op) (k : nat) : option expr :=
  match o, k with
  | Map1 f, 0%nat => vjp1 f
  | Map2 f, _ => vjp2 f k
  | Lin l, 0%nat => Some (E1 (Lin (flip l)) Adj)
  | Ein2 vs i j o, 0%nat => Some (E2 (Ein2 vs o j i) Adj (Arg 1))
  | Ein2 vs i j o, 1%nat => Some (E2 (Ein2 vs o i j) Adj (Arg 0))
  | Lse vs o, 0%nat =>
      let widen a := E1 (Lin (Ein vs o (all_axes vs))) a in
      Some (times (widen Adj) (E1 (Map1 Exp) (E2 (Map2 Sub) (Arg 0) (widen Out))))
  | _, _ => None
  end.

(** A rule only mentions operands that exist. *)
Fixpoint mentions (n : nat) (e : expr) : Prop :=
  match e with
  | Arg k => (k < n)%nat
  | Out | Adj | E0 _ => True
  | E1 _ a => mentions n a
  | E2 _ a b => mentions n a /\ mentions n b
  end.
Lemma vjp_mentions o ss s k e : ty o ss = Some s -> vjp o k = Some e -> mentions (length ss) e.
Proof.
  intros Ht He.
  destruct o; simpl in Ht; try discriminate; destruct ss as [|? [|? [|? ?]]]; try discriminate;
    destruct k as [|[|]]; simpl in He; try discriminate;
    try (destruct f; simpl in He; try discriminate);
    inversion He; subst; simpl; repeat split; lia.
Qed.

(** ** Meaning *)
Section Meaning.
Variable rho : dim -> nat.      (** the sizes *)
Variable tr : nat -> tensor.    (** the random trace *)

Definition sizes (s : shape) : list nat := map rho s.
Notation boxs s := (box (sizes s)).

Definition swap {A B} (p : A * B) : B * A := (snd p, fst p).
Definition slice_pairs (c : nat) (d d' : dim) (s : shape) : list (index * index) :=
  flat_map (fun i => if Nat.ltb (i + c) (rho d)
                     then map (fun r => ((i + c)%nat :: r, i :: r)) (boxs s) else [])
           (range (rho d')).
Definition pairs (l : lin) : list (index * index) :=
  match l with
  | Ein vs i o => map (fun v => (pick v i, pick v o)) (boxs vs)
  | Slice c d d' s => slice_pairs c d d' s
  | Pad c d d' s => map swap (slice_pairs c d' d s)
  | Reshape s s' => combine (boxs s) (boxs s')
  end.
Definition lin_app (l : lin) (x : tensor) : tensor :=
  fun b => sum (pairs l) (fun p => if index_eqb (snd p) b then x (fst p) else 0).
Definition ein2 (vs : shape) (i j o : list nat) (x y : tensor) : tensor :=
  fun b => sum (boxs vs) (fun v => if index_eqb (pick v o) b then x (pick v i) * y (pick v j) else 0).
Definition expsum (vs : shape) (o : list nat) (x : tensor) : tensor :=
  fun b => sum (boxs vs) (fun v => if index_eqb (pick v o) b then exp (x v) else 0).

Definition den (o : op) (xs : list tensor) : tensor :=
  match o, xs with
  | Map1 f, [x] => fun ix => app1 f (x ix)
  | Map2 f, [x; y] => fun ix => app2 f (x ix) (y ix)
  | Lin l, [x] => lin_app l x
  | Ein2 vs i j o, [x; y] => ein2 vs i j o x y
  | Lse vs o, [x] => fun b => ln (expsum vs o x b)
  | Const a d _, [] => fun _ => IZR a / IZR (Zpos d)
  | Iota _, [] => fun ix => INR (nth 0 ix 0%nat)
  | Size d, [] => fun _ => INR (rho d)
  | Sample j _, [] => tr j
  | _, _ => zero
  end.

(** What an operation asks of its operands for its derivative to exist. *)
Definition pre (o : op) (ss : list shape) (xs : list tensor) : Prop :=
  match o, ss, xs with
  | Map1 f, [s], [x] => forall ix, In ix (boxs s) -> dom1 f (x ix)
  | Map2 f, [s; _], [x; y] => forall ix, In ix (boxs s) -> dom2 f (x ix) (y ix)
  | Lse vs o, _, [x] => forall b, In b (boxs (pick vs o)) -> 0 < expsum vs o x b
  | _, _, _ => True
  end.

Definition jvp (o : op) (xs ds : list tensor) : tensor :=
  match o, xs, ds with
  | Map1 f, [x], [dx] => fun ix => diff1 f (x ix) * dx ix
  | Map2 f, [x; y], [dx; dy] =>
      fun ix => diff2l f (x ix) (y ix) * dx ix + diff2r f (x ix) (y ix) * dy ix
  | Lin l, [x], [dx] => lin_app l dx
  | Ein2 vs i j o, [x; y], [dx; dy] => fun b => ein2 vs i j o dx y b + ein2 vs i j o x dy b
  | Lse vs o, [x], [dx] => fun b =>
      sum (boxs vs) (fun v => if index_eqb (pick v o) b
                              then exp (x v - ln (expsum vs o x b)) * dx v else 0)
  | _, _, _ => zero
  end.

Fixpoint expr_den (e : expr) (xs : list tensor) (out adj : tensor) : tensor :=
  match e with
  | Arg k => nth k xs zero
  | Out => out
  | Adj => adj
  | E0 o => den o []
  | E1 o a => den o [expr_den a xs out adj]
  | E2 o a b => den o [expr_den a xs out adj; expr_den b xs out adj]
  end.
Definition vjp_den (o : op) (xs : list tensor) (adj : tensor) (k : nat) : tensor :=
  match vjp o k with Some e => expr_den e xs (den o xs) adj | None => zero end.

(** *** Facts about picking axes *)
Lemma in_boxs s ix : In ix (boxs s) <->
  length ix = length s /\ forall k, (k < length s)%nat -> (nth k ix 0 < rho (nth k s 0))%nat.
Proof.
  rewrite in_box. unfold sizes. rewrite map_length. split; intros [H1 H2]; split; auto; intros k Hk;
    specialize (H2 k Hk); rewrite (nth_map_lt rho s k 0%nat) in *; auto.
Qed.

Lemma pick_in vs p v : below (length vs) p = true -> In v (boxs vs) -> In (pick v p) (boxs (pick vs p)).
Proof.
  intros Hp Hv. apply in_boxs in Hv as [Hl Hv]. apply in_boxs. unfold pick.
  rewrite !map_length. split; auto. intros k Hk.
  assert (Hn : (nth k p 0 < length vs)%nat).
  { unfold below in Hp. rewrite forallb_forall in Hp. apply Nat.ltb_lt, Hp, nth_In, Hk. }
  rewrite !(nth_map_lt _ p k 0%nat) by auto. auto.
Qed.

Lemma pick_all vs v : In v (boxs vs) -> pick v (all_axes vs) = v.
Proof.
  intros Hv. apply in_boxs in Hv as [Hl _]. unfold pick, all_axes. rewrite <- Hl.
  clear Hl. induction v as [|i v IH]; simpl; auto.
  f_equal. rewrite <- seq_shift, map_map. exact IH.
Qed.
Lemma pick_all_shape (vs : shape) : pick vs (all_axes vs) = vs.
Proof.
  unfold pick, all_axes. induction vs as [|i v IH]; simpl; auto.
  f_equal. rewrite <- seq_shift, map_map. exact IH.
Qed.
Lemma below_all (vs : shape) : below (length vs) (all_axes vs) = true.
Proof. apply forallb_forall. intros k Hk. apply Nat.ltb_lt. now apply in_range. Qed.

(** *** Linear maps: range, transpose, adjoint *)
Lemma in_slice_pairs c d d' s a b : In (a, b) (slice_pairs c d d' s) ->
  In a (boxs (d :: s)) /\ In b (boxs (d' :: s)).
Proof.
  unfold slice_pairs. intros H. apply in_flat_map in H as (i & Hi & H).
  destruct (Nat.ltb_spec (i + c) (rho d)); [|easy].
  apply in_map_iff in H as (r & E & Hr). inversion E; subst. apply in_range in Hi.
  unfold sizes; simpl map. split; apply in_box_cons; auto.
Qed.

Lemma in_pairs l a b : lin_ok l = true -> In (a, b) (pairs l) ->
  In a (boxs (src l)) /\ In b (boxs (dst l)).
Proof.
  destruct l as [vs i o|c d d' s|c d d' s|s s']; simpl lin_ok; simpl pairs; simpl src; simpl dst;
    intros Hok H.
  - apply andb_prop in Hok as [Hi Ho]. apply in_map_iff in H as (v & E & Hv). inversion E; subst.
    split; now apply pick_in.
  - now apply (in_slice_pairs c).
  - apply in_map_iff in H as ([x y] & E & H). inversion E; subst. apply in_slice_pairs in H. tauto.
  - split; [eapply in_combine_l|eapply in_combine_r]; eauto.
Qed.

Lemma pairs_flip l : pairs (flip l) = map swap (pairs l).
Proof.
  destruct l as [vs i o|c d d' s|c d d' s|s s']; simpl.
  - rewrite map_map. reflexivity.
  - reflexivity.
  - rewrite map_map. symmetry. rewrite <- (map_id (slice_pairs c d' d s)) at 2.
    apply map_ext. now intros [a b].
  - generalize (boxs s'). induction (boxs s) as [|a m IH]; intros [|b n]; simpl; auto.
    unfold swap at 1; simpl. now rewrite IH.
Qed.

(** A sum over the results of a sum over their sources is one sum over the sources. *)
Lemma sum_fibre {A} (l : list A) (t : A -> index) (s : list nat) (F : A -> R) (g : tensor) :
  (forall a, In a l -> In (t a) (box s)) ->
  sum (box s) (fun b => sum l (fun a => if index_eqb (t a) b then F a else 0) * g b)
  = sum l (fun a => F a * g (t a)).
Proof.
  intros H. transitivity (sum (box s) (fun b => sum l (fun a =>
    if index_eqb b (t a) then F a * g b else 0))).
  - apply sum_ext. intros b _. rewrite Rmult_comm, <- sum_scal. apply sum_ext. intros a _.
    destruct (index_eqb_spec (t a) b), (index_eqb_spec b (t a)); try congruence; ring.
  - rewrite sum_swap. apply sum_ext. intros a Ha.
    rewrite (sum_box_single s (fun b => F a * g b) (t a)); auto.
Qed.

Lemma lin_dot l x g : lin_ok l = true ->
  dot (sizes (dst l)) (lin_app l x) g = sum (pairs l) (fun p => x (fst p) * g (snd p)).
Proof.
  intros H. unfold dot, lin_app. apply (sum_fibre (pairs l) snd).
  intros [a b] Hp. apply (in_pairs l a b H Hp).
Qed.

Lemma src_flip l : src (flip l) = dst l. Proof. now destruct l. Qed.
Lemma dst_flip l : dst (flip l) = src l. Proof. now destruct l. Qed.
Lemma lin_ok_flip l : lin_ok (flip l) = lin_ok l.
Proof. destruct l; simpl; auto using andb_comm. Qed.

Theorem lin_adjoint l x g : lin_ok l = true ->
  dot (sizes (dst l)) (lin_app l x) g = dot (sizes (src l)) x (lin_app (flip l) g).
Proof.
  intros H. rewrite lin_dot by auto. symmetry.
  transitivity (dot (sizes (dst (flip l))) (lin_app (flip l) g) x).
  - rewrite dst_flip. apply sum_ext. intros; ring.
  - rewrite lin_dot by (now rewrite lin_ok_flip). rewrite pairs_flip, sum_map. apply sum_ext.
    intros; simpl; ring.
Qed.

Lemma ein2_dot vs i j o x y g : below (length vs) o = true ->
  dot (sizes (pick vs o)) (ein2 vs i j o x y) g
  = sum (boxs vs) (fun v => x (pick v i) * y (pick v j) * g (pick v o)).
Proof.
  intros H. unfold dot, ein2. apply (sum_fibre (boxs vs) (fun v => pick v o)).
  intros v Hv. now apply pick_in.
Qed.

Lemma widen_at vs o x v : In v (boxs vs) -> lin_app (Ein vs o (all_axes vs)) x v = x (pick v o).
Proof.
  intros Hv. unfold lin_app; simpl. rewrite sum_map; simpl.
  rewrite (sum_ext _ _ (fun w => if index_eqb w v then x (pick w o) else 0)).
  - apply (sum_box_single (sizes vs) (fun w => x (pick w o))), Hv.
  - intros w Hw. now rewrite pick_all by auto.
Qed.

(** *** The forward rule is the derivative *)
Fixpoint tangents (ss : list shape) (xs : list (R -> tensor)) (ds : list tensor) (t : R) : Prop :=
  match ss, xs, ds with
  | [], [], [] => True
  | s :: ss, x :: xs, d :: ds =>
      (forall ix, In ix (boxs s) -> is_derive (fun t => x t ix) t (d ix)) /\ tangents ss xs ds t
  | _, _, _ => False
  end.

Ltac split_ands := repeat match goal with
  | H : _ && _ = true |- _ => apply andb_prop in H; destruct H end.
Ltac shapes := split_ands; repeat match goal with
  | H : index_eqb ?a ?b = true |- _ =>
      destruct (index_eqb_spec a b); [clear H; try subst|discriminate] end.
Ltac typed H := repeat match type of H with
  | (if ?b then _ else _) = Some _ => let E := fresh "E" in destruct b eqn:E; [|discriminate]
  | context [match ?ss with [] => _ | _ => _ end] => destruct ss; try discriminate
  end; injection H as H; try subst; shapes.

Theorem jvp_sound o ss s (xs : list (R -> tensor)) ds t :
  ty o ss = Some s -> tangents ss xs ds t -> pre o ss (map (fun x => x t) xs) ->
  forall ix, In ix (boxs s) ->
    is_derive (fun t => den o (map (fun x => x t) xs) ix) t (jvp o (map (fun x => x t) xs) ds ix).
Proof.
  intros Ht Hd Hp ix Hix.
  destruct o; simpl in Ht; try discriminate; typed Ht;
    repeat match goal with
    | H : tangents _ ?xs ?ds _ |- _ =>
        destruct xs as [|x1 [|x2 [|? ?]]], ds as [|d1 [|d2 [|? ?]]]; simpl in H; try tauto
    end; cbn -[sum pairs sizes diff1 diff2l diff2r app1 app2] in *.
  - destruct Hd as [Hd _]. apply app1_chain; auto.
  - destruct Hd as (Hd & Hd' & _). apply app2_derive; auto.
  - destruct Hd as [Hd _]. apply sum_derive. intros [a b] Hin. simpl.
    destruct (index_eqb b ix); [|const_piece]. apply Hd. eapply in_pairs; eauto.
  - destruct Hd as (Hd & Hd' & _). unfold ein2. rewrite <- sum_plus.
    apply (sum_derive _ (fun t v =>
      if index_eqb (pick v o) ix then x1 t (pick v i) * x2 t (pick v j) else 0)).
    intros v Hv. destruct (index_eqb (pick v o) ix); [|rewrite Rplus_0_r; const_piece].
    apply (is_derive_mult (fun t => x1 t (pick v i)) (fun t => x2 t (pick v j)));
      [apply Hd|apply Hd'|intros; apply Rmult_comm]; now apply pick_in.
  - destruct Hd as [Hd _]. specialize (Hp ix Hix). evar_last.
    + apply (is_derive_comp ln (fun t => expsum vs o (x1 t) ix)).
      * apply is_derive_Reals, derivable_pt_lim_ln, Hp.
      * apply (sum_derive _ (fun t v => if index_eqb (pick v o) ix then exp (x1 t v) else 0)
                 (fun v => if index_eqb (pick v o) ix then d1 v * exp (x1 t v) else 0)).
        intros v Hv. destruct (index_eqb (pick v o) ix); [|const_piece].
        apply (is_derive_comp exp (fun t => x1 t v)); [|now apply Hd].
        apply is_derive_Reals, derivable_pt_lim_exp.
    + unfold scal; simpl. unfold mult; simpl. rewrite Rmult_comm, <- sum_scal.
      apply sum_ext. intros v Hv. destruct (index_eqb (pick v o) ix); [|ring].
      unfold Rminus. rewrite exp_plus, exp_Ropp, exp_ln by auto. ring.
  - const_piece.
  - const_piece.
  - const_piece.
  - const_piece.
Qed.

(** *** The reverse rule is its transpose *)
Lemma vjp1_adjoint f (x adj : tensor) ix :
  diff1 f (x ix) * adj ix = vjp_den (Map1 f) [x] adj 0 ix.
Proof.
  unfold vjp_den; destruct f; simpl; unfold zero, Rdiv; rewrite ?Rinv_1; try ring.
  - replace ((1 * x ix + 1) * 1) with (1 + x ix) by ring. ring.
  - replace ((2 * sqrt (x ix) + 0) * 1) with (2 * sqrt (x ix)) by ring. ring.
Qed.
Lemma vjp2_adjoint f (x y adj : tensor) ix :
  diff2l f (x ix) (y ix) * adj ix = vjp_den (Map2 f) [x; y] adj 0 ix /\
  diff2r f (x ix) (y ix) * adj ix = vjp_den (Map2 f) [x; y] adj 1 ix.
Proof.
  unfold vjp_den; destruct f; simpl; unfold zero, win01, tie01, Rminus, Rdiv; rewrite ?Rinv_1; split; try ring.
  replace ((1 * y ix + -1) * 1) with (y ix + - (1)) by ring. ring.
Qed.

Theorem vjp_adjoint o ss s xs ds adj :
  ty o ss = Some s -> length xs = length ss -> length ds = length ss ->
  dot (sizes s) (jvp o xs ds) adj
  = sum (range (length ss)) (fun k => dot (sizes (nth k ss [])) (nth k ds zero) (vjp_den o xs adj k)).
Proof.
  intros Ht Hx Hd.
  destruct o; simpl in Ht; try discriminate; typed Ht;
    destruct xs as [|x [|y [|]]]; simpl in Hx; try lia;
    destruct ds as [|dx [|dy [|]]]; simpl in Hd; try lia;
    cbn [length seq sum nth]; rewrite ?Rplus_0_r.
  - unfold dot. apply sum_ext. intros ix _. rewrite <- vjp1_adjoint. simpl. ring.
  - unfold dot. rewrite <- sum_plus. apply sum_ext. intros ix _. cbv beta.
    destruct (vjp2_adjoint f x y adj ix) as [<- <-]. simpl. ring.
  - now apply lin_adjoint.
  - simpl jvp. unfold dot at 1.
    rewrite (sum_ext _ _ (fun b => ein2 vs i j o dx y b * adj b + ein2 vs i j o x dy b * adj b))
      by (intros; ring).
    rewrite sum_plus. fold (dot (sizes (pick vs o)) (ein2 vs i j o dx y) adj).
    fold (dot (sizes (pick vs o)) (ein2 vs i j o x dy) adj).
    rewrite !ein2_dot by auto. unfold vjp_den; simpl. f_equal.
    + transitivity (dot (sizes (pick vs i)) (ein2 vs o j i adj y) dx).
      * rewrite ein2_dot by auto. apply sum_ext; intros; ring.
      * apply sum_ext; intros; ring.
    + transitivity (dot (sizes (pick vs j)) (ein2 vs o i j adj x) dy).
      * rewrite ein2_dot by auto. apply sum_ext; intros; ring.
      * apply sum_ext; intros; ring.
  - unfold vjp_den; simpl vjp; cbn beta iota.
    set (y := den (Lse vs o) [x]).
    transitivity (sum (boxs vs) (fun v => exp (x v - y (pick v o)) * dx v * adj (pick v o))).
    + unfold dot.
      rewrite <- (sum_fibre (boxs vs) (fun v => pick v o) (sizes (pick vs o))
                    (fun v => exp (x v - y (pick v o)) * dx v)) by (intros; now apply pick_in).
      apply sum_ext. intros b _. f_equal. simpl jvp. apply sum_ext. intros v Hv.
      destruct (index_eqb_spec (pick v o) b); subst; auto.
    + apply sum_ext. intros v Hv. cbn -[lin_app y]. rewrite !widen_at by auto. ring.
  - apply sum_none. intros; simpl; unfold zero; ring.
  - apply sum_none. intros; simpl; unfold zero; ring.
  - apply sum_none. intros; simpl; unfold zero; ring.
  - apply sum_none. intros; simpl; unfold zero; ring.
Qed.

(** ** The meaning depends on the operands' values inside their shapes only *)
Fixpoint agree (ss : list shape) (xs ys : list tensor) : Prop :=
  match ss, xs, ys with
  | [], [], [] => True
  | s :: ss, x :: xs, y :: ys => (forall ix, In ix (boxs s) -> x ix = y ix) /\ agree ss xs ys
  | _, _, _ => False
  end.
Lemma den_agree o ss s xs ys : ty o ss = Some s -> agree ss xs ys ->
  forall ix, In ix (boxs s) -> den o xs ix = den o ys ix.
Proof.
  intros Ht Ha ix Hix.
  destruct o; simpl in Ht; try discriminate; typed Ht;
    destruct xs as [|x [|x' [|]]], ys as [|y [|y' [|]]]; simpl in Ha; try tauto; simpl.
  - destruct Ha as [Ha _]. now rewrite Ha.
  - destruct Ha as (Ha & Hb & _). now rewrite Ha, Hb.
  - destruct Ha as [Ha _]. apply sum_ext. intros [a b] Hp. simpl.
    destruct (index_eqb b ix); auto. apply Ha. eapply in_pairs; eauto.
  - destruct Ha as (Ha & Hb & _). apply sum_ext. intros v Hv.
    destruct (index_eqb (pick v o) ix); auto. rewrite Ha, Hb; auto using pick_in.
  - destruct Ha as [Ha _]. f_equal. apply sum_ext. intros v Hv.
    destruct (index_eqb (pick v o) ix); auto. now rewrite Ha.
Qed.
End Meaning.
