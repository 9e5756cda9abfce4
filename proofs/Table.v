(** * The rows of the compiler's op table that are more than one operation here

    The core in [Op.v] is small; other rows of ir/op.def are expressions over it.  Each has a
    definition, which [ops.def] names, and a theorem that it means what the row says.  Booleans and
    integers are reals here; comparisons are steps, so their derivative is zero where they do not
    jump.  Comparisons of integers jump between integers only, so they are defined at all of them. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op.
Import ListNotations.
Open Scope R_scope.

Definition ew1 (f : fn1) (a : expr) : expr := E1 (Map1 f) a.
Definition ew2 (f : fn2) (a b : expr) : expr := E2 (Map2 f) a b.
Notation x := (Arg 0). Notation y := (Arg 1). Notation z := (Arg 2).

(** ** Element-wise rows *)
Definition op_neg : expr := ew1 (Affine (-1) 0 1) x.
Definition op_not : expr := ew1 (Affine (-1) 1 1) x.
Definition op_and : expr := ew2 Mul x y.
Definition op_or : expr := ew2 Sub (ew2 Add x y) (ew2 Mul x y).
Definition op_lt : expr := ew1 Step (ew2 Sub y x).                       (** reals *)
Definition op_le : expr := ew1 (Affine (-1) 1 1) (ew1 Step (ew2 Sub x y)).  (** reals *)
Definition op_lt_int : expr := ew1 Step (ew1 (Affine 2 (-1) 2) (ew2 Sub y x)).
Definition op_le_int : expr := ew1 Step (ew1 (Affine 2 1 2) (ew2 Sub y x)).
Definition op_eq : expr :=                                             (** reals *)
  ew1 (Affine (-1) 1 1) (ew2 Add (ew1 Step (ew2 Sub x y)) (ew1 Step (ew2 Sub y x))).
Definition op_ne : expr := ew1 (Affine (-1) 1 1) op_eq.
Definition op_eq_int : expr := ew1 Step (ew1 (Affine (-4) 1 4) (ew1 Square (ew2 Sub x y))).
Definition op_ne_int : expr := ew1 (Affine (-1) 1 1) op_eq_int.
(** The condition first: 1 takes the second operand, 0 the third. *)
Definition op_select : expr := ew2 Add (ew2 Mul x y) (ew2 Mul (ew1 (Affine (-1) 1 1) x) z).
Definition op_mulz : op := Map2 Mul.

Section Elementwise.
Variable rho : dim -> nat.
Variable tr : nat -> tensor.
Variables a b c out adj : tensor.
Variable ix : index.
Notation at1 e := (expr_den rho tr e [a] out adj ix).
Notation at2 e := (expr_den rho tr e [a; b] out adj ix).
Notation at3 e := (expr_den rho tr e [a; b; c] out adj ix).

Ltac steps := repeat match goal with
  | |- context [step01 ?u] => first
      [ rewrite (step01_pos u) by (try lra; nra) | rewrite (step01_neg u) by (try lra; nra) ] end.

Theorem op_neg_means : at1 op_neg = - a ix.
Proof. simpl. field. Qed.

Definition truth (p : Prop) (v : R) : Prop := (p /\ v = 1) \/ (~ p /\ v = 0).

Theorem op_not_means p : truth p (a ix) -> truth (~ p) (at1 op_not).
Proof. simpl. intros [[H ->]|[H ->]]; [right|left]; split; auto; field. Qed.
Theorem op_and_means p q : truth p (a ix) -> truth q (b ix) -> truth (p /\ q) (at2 op_and).
Proof.
  simpl. intros [[H ->]|[H ->]] [[H' ->]|[H' ->]]; [left|right|right|right]; split; try tauto; ring.
Qed.
Theorem op_or_means p q : truth p (a ix) -> truth q (b ix) -> truth (p \/ q) (at2 op_or).
Proof.
  simpl. intros [[H ->]|[H ->]] [[H' ->]|[H' ->]]; [left|left|left|right]; split; try tauto; ring.
Qed.
Theorem op_lt_means : truth (a ix < b ix) (at2 op_lt).
Proof.
  simpl. unfold truth, step01. destruct Rlt_dec; [left|right]; split; lra.
Qed.
Theorem op_le_means : truth (a ix <= b ix) (at2 op_le).
Proof.
  simpl. unfold truth, step01. destruct Rlt_dec; [right|left]; split; lra.
Qed.
Theorem op_eq_means : truth (a ix = b ix) (at2 op_eq).
Proof.
  simpl. unfold truth, step01. repeat destruct Rlt_dec; try (right; split; lra). left. split; lra.
Qed.
Theorem op_lt_int_means i j : a ix = IZR i -> b ix = IZR j -> truth (i < j)%Z (at2 op_lt_int).
Proof.
  simpl. intros -> ->. unfold truth, step01. destruct (Z_lt_le_dec i j) as [H|H].
  - left. split; auto. destruct Rlt_dec; auto. assert (H' : (i + 1 <= j)%Z) by lia.
    apply IZR_le in H'. rewrite plus_IZR in H'. lra.
  - right. split; [lia|]. destruct Rlt_dec; auto. apply IZR_le in H. lra.
Qed.
Theorem op_le_int_means i j : a ix = IZR i -> b ix = IZR j -> truth (i <= j)%Z (at2 op_le_int).
Proof.
  simpl. intros -> ->. unfold truth, step01. destruct (Z_le_gt_dec i j) as [H|H].
  - left. split; auto. destruct Rlt_dec; auto. apply IZR_le in H. lra.
  - right. split; [lia|]. destruct Rlt_dec; auto. assert (H' : (j + 1 <= i)%Z) by lia.
    apply IZR_le in H'. rewrite plus_IZR in H'. lra.
Qed.
Lemma int_gap i j : i <> j -> 1 <= (IZR i - IZR j) * (IZR i - IZR j).
Proof.
  intros H. rewrite <- minus_IZR, <- mult_IZR. apply (IZR_le 1). nia.
Qed.
Theorem op_eq_int_means i j : a ix = IZR i -> b ix = IZR j -> truth (i = j) (at2 op_eq_int).
Proof.
  simpl. intros -> ->. unfold truth, step01. destruct (Z.eq_dec i j) as [->|H].
  - left. split; auto. destruct Rlt_dec; auto. nra.
  - right. split; auto. pose proof (int_gap i j H). destruct Rlt_dec; auto. nra.
Qed.
(** It jumps at no integer. *)
Theorem op_eq_int_defined i j : dom1 Step ((-4 * ((IZR i - IZR j) * (IZR i - IZR j)) + 1) / 4).
Proof.
  simpl. destruct (Z.eq_dec i j) as [->|H]; [nra|]. pose proof (int_gap i j H). nra.
Qed.
Theorem op_select_means p : truth p (a ix) ->
  (p -> at3 op_select = b ix) /\ (~ p -> at3 op_select = c ix).
Proof. simpl. intros [[H ->]|[H ->]]; split; intros; try tauto; field. Qed.
End Elementwise.

(** ** Rows about indices *)

(** [one_hot]: a new last axis, 1 where the index is the operand. *)
Definition op_one_hot (s : shape) (k : dim) : expr :=
  let vs := s ++ [k] in
  let i := E1 (Lin (Ein vs (range (length s)) (all_axes vs))) x in
  let j := E1 (Lin (Ein vs [length s] (all_axes vs))) (E0 (Iota k)) in
  ew1 Step (ew1 (Affine (-4) 1 4) (ew1 Square (ew2 Sub i j))).

Section Indexing.
Variable rho : dim -> nat.
Variable tr : nat -> tensor.
Variables out adj : tensor.
Notation boxs s := (box (sizes rho s)).

Lemma pick_front (ix : index) j : pick (ix ++ [j]) (range (length ix)) = ix.
Proof.
  unfold pick. induction ix as [|i ix IH]; simpl; auto. f_equal.
  rewrite <- seq_shift, map_map. exact IH.
Qed.

Theorem op_one_hot_means s k a ix j i :
  In (ix ++ [j]) (boxs (s ++ [k])) -> length ix = length s -> a ix = INR i ->
  expr_den rho tr (op_one_hot s k) [a] out adj (ix ++ [j]) = if Nat.eqb i j then 1 else 0.
Proof.
  intros Hin Hl Ha. unfold op_one_hot. cbn -[lin_app app range all_axes].
  rewrite !widen_at by auto. rewrite <- Hl, pick_front, Ha.
  assert (Hj : nth (length ix) (ix ++ [j]) 0%nat = j) by (rewrite app_nth2, Nat.sub_diag; auto).
  unfold pick; cbn [map nth]. rewrite Hj, !INR_IZR_INZ. unfold step01.
  destruct (Nat.eqb_spec i j) as [->|H]; destruct Rlt_dec; auto; exfalso.
  - nra.
  - pose proof (int_gap (Z.of_nat i) (Z.of_nat j) ltac:(lia)). nra.
Qed.

(** [gather]: row b[i] of a table is a contraction with the one-hot rows; and [scatter], its
    adjoint, is the transposed contraction.  [k] names the axis that is indexed, [s] the shape of
    the indices, [r] the rest. *)
Definition gather_axes (s : shape) (k : dim) (r : shape) : shape := s ++ k :: r.
Definition op_gather (s : shape) (k : dim) (r : shape) : op :=
  let n := length s in
  Ein2 (gather_axes s k r) (seq n (S (length r))) (seq 0 (S n)) (seq 0 n ++ seq (S n) (length r)).
Definition op_scatter (s : shape) (k : dim) (r : shape) : op :=
  let n := length s in
  Ein2 (gather_axes s k r) (seq 0 n ++ seq (S n) (length r)) (seq 0 (S n)) (seq n (S (length r))).

(** A row of indices into a table with rows of scalars: the value is a[b]. *)
Theorem op_gather_means (k d : dim) a hot (b : nat -> nat) i :
  (forall i j, (i < rho d)%nat -> (j < rho k)%nat -> hot [i; j] = if Nat.eqb (b i) j then 1 else 0) ->
  (i < rho d)%nat -> (b i < rho k)%nat ->
  den rho tr (op_gather [d] k []) [a; hot] [i] = a [b i].
Proof.
  intros Hhot Hi Hb. unfold op_gather, den, ein2. simpl length. cbn [seq app].
  rewrite (sum_ext _ _ (fun v => if index_eqb v [i; b i] then a [b i] else 0)).
  - apply (sum_box_single (sizes rho [d; k]) (fun _ => a [b i])).
    apply in_boxs. split; auto. intros [|[|q]] Hq; simpl in *; auto; lia.
  - intros v Hv. apply in_boxs in Hv as [Hl Hv]. destruct v as [|i' [|j [|]]]; try discriminate.
    pose proof (Hv 0%nat ltac:(simpl; lia)) as H0. pose proof (Hv 1%nat ltac:(simpl; lia)) as H1.
    simpl in H0, H1. unfold pick; simpl. rewrite !andb_true_r.
    destruct (Nat.eqb_spec i' i) as [->|]; simpl; auto.
    rewrite Hhot by auto. destruct (Nat.eqb_spec (b i) j) as [<-|]; simpl.
    + rewrite Nat.eqb_refl. ring.
    + destruct (Nat.eqb_spec j (b i)); [congruence|ring].
Qed.

(** Masks: [tril] and the running sum, which is a product with a triangle of ones. *)
Definition op_lower (n m : dim) : expr :=  (** 1 where column <= row *)
  let i := E1 (Lin (Ein [n; m] [0%nat] [0; 1]%nat)) (E0 (Iota n)) in
  let j := E1 (Lin (Ein [n; m] [1%nat] [0; 1]%nat)) (E0 (Iota m)) in
  ew1 Step (ew1 (Affine 2 1 2) (ew2 Sub i j)).
Definition op_tril (n m : dim) : expr := ew2 Mul x (op_lower n m).
Definition op_cumsum (n : dim) : expr :=
  E2 (Ein2 [n; n] [1%nat] [0; 1]%nat [0%nat]) x (op_lower n n).

Theorem op_lower_means n m i j : (i < rho n)%nat -> (j < rho m)%nat ->
  expr_den rho tr (op_lower n m) [] out adj [i; j] = if Nat.leb j i then 1 else 0.
Proof.
  intros Hi Hj. unfold op_lower. cbn -[lin_app].
  change [0; 1]%nat with (all_axes [n; m]).
  assert (Hin : In [i; j] (boxs [n; m])).
  { apply in_boxs. split; auto. intros [|[|q]] Hq; simpl in *; auto; lia. }
  rewrite !widen_at by auto. unfold pick; cbn [map nth]. rewrite !INR_IZR_INZ. unfold step01.
  destruct (Nat.leb_spec j i) as [H|H]; destruct Rlt_dec as [H'|H']; auto; exfalso.
  - assert (E : (Z.of_nat j <= Z.of_nat i)%Z) by lia. apply IZR_le in E. lra.
  - assert (E : (Z.of_nat i + 1 <= Z.of_nat j)%Z) by lia. apply IZR_le in E.
    rewrite plus_IZR in E. lra.
Qed.
End Indexing.

(** ** Rows that are one operation: the names that [ops.def] uses *)
Definition op_sum (vs : shape) (kept : list nat) : op := Lin (Ein vs (all_axes vs) kept).
Definition op_expand (vs : shape) (from : list nat) : op := Lin (Ein vs from (all_axes vs)).
Definition op_transpose (vs : shape) (perm : list nat) : op := Lin (Ein vs (all_axes vs) perm).
Definition op_diag (n : dim) : op := Lin (Ein [n] [0%nat] [0; 0]%nat).
Definition op_diag_part (n : dim) : op := Lin (Ein [n] [0; 0]%nat [0%nat]).
Definition op_slice c d d' s : op := Lin (Slice c d d' s).
Definition op_pad c d d' s : op := Lin (Pad c d d' s).
Definition op_concat (c : nat) (d1 d2 d : dim) (s : shape) : expr :=
  ew2 Add (E1 (op_pad 0 d1 d s) x) (E1 (op_pad c d2 d s) y).
Definition op_reshape s s' : op := Lin (Reshape s s').

(** ** Rows, seen by scripts/prove

    How many operands a term has, and whether it works element by element. *)
Definition operands_op (o : op) : nat :=
  match o with
  | Map1 _ | Lin _ | Lse _ _ => 1
  | Map2 _ | Ein2 _ _ _ _ => 2
  | Const _ _ _ | Iota _ | Size _ | Sample _ _ => 0
  end.
Fixpoint operands (e : expr) : nat :=
  match e with
  | Arg k => S k
  | Out | Adj | E0 _ => 0
  | E1 _ a => operands a
  | E2 _ a b => Nat.max (operands a) (operands b)
  end.
Definition pointwise_op (o : op) : bool := match o with Map1 _ | Map2 _ => true | _ => false end.
Fixpoint pointwise (e : expr) : bool :=
  match e with
  | Arg _ | Out | Adj => true
  | E0 _ => false
  | E1 o a => pointwise_op o && pointwise a
  | E2 o a b => pointwise_op o && pointwise a && pointwise b
  end.
Ltac some_value A :=
  let B := eval cbv in A in
  match B with
  | nat => constr:(0%nat)
  | list nat => constr:(@nil nat)
  | Z => constr:(0%Z)
  | positive => constr:(1%positive)
  | lin => constr:(Reshape [] [])
  end.
(** [row t n ew]: the term [t], with any sizes, has [n] operands, and is element-wise or not. *)
Ltac row t n ew :=
  let T := type of t in
  let T := eval hnf in T in
  match T with
  | expr => assert (operands t = n /\ pointwise t = ew) by (split; reflexivity)
  | op => assert (operands_op t = n /\ pointwise_op t = ew) by (split; reflexivity)
  | forall _ : ?A, _ => let a := some_value A in row (t a) n ew
  end.
