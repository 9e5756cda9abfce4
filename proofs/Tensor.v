(** * Finite sums, index boxes and tensors

    A tensor is a function from multi-indices to real numbers; its shape is a list of sizes, and the
    box of a shape is the list of its indices in row-major order.  Everything the development needs
    of linear algebra is a fact about one function, the sum of [f] over a list. *)
From Coq Require Import Reals Lra Lia List Bool Arith FinFun.
From Coquelicot Require Import Coquelicot.
Import ListNotations.
Open Scope R_scope.

(** Goals of Coquelicot's lemmas are stated in its algebraic structures; this puts an equation back
    into the plain reals, where [ring], [field] and [lra] work. *)
Ltac plain := match goal with |- @eq _ ?a ?b => change (@eq R a b) end.

(** ** Sums over lists *)
Section Sum.
Context {A : Type}.
Implicit Types (l : list A) (f g : A -> R).

Fixpoint sum l f : R := match l with [] => 0 | a :: l => f a + sum l f end.

Lemma sum_ext l f g : (forall a, In a l -> f a = g a) -> sum l f = sum l g.
Proof. induction l; simpl; intros H; [easy|]. rewrite H, IHl; auto. Qed.

Lemma sum_plus l f g : sum l (fun a => f a + g a) = sum l f + sum l g.
Proof. induction l; simpl; [ring|]. rewrite IHl; ring. Qed.

Lemma sum_scal l c f : sum l (fun a => c * f a) = c * sum l f.
Proof. induction l; simpl; [ring|]. rewrite IHl; ring. Qed.

Lemma sum_zero l : sum l (fun _ => 0) = 0.
Proof. induction l; simpl; [easy|]. rewrite IHl; ring. Qed.

Lemma sum_none l f : (forall a, In a l -> f a = 0) -> sum l f = 0.
Proof. intros H. rewrite (sum_ext l f (fun _ => 0)); auto using sum_zero. Qed.

Lemma sum_app l l' f : sum (l ++ l') f = sum l f + sum l' f.
Proof. induction l; simpl; [ring|]. rewrite IHl; ring. Qed.

Lemma sum_ge0 l f : (forall a, In a l -> 0 <= f a) -> 0 <= sum l f.
Proof.
  induction l; simpl; intros H; [lra|].
  pose proof (H a (or_introl eq_refl)). assert (0 <= sum l f) by auto. lra.
Qed.

Lemma sum_le l f g : (forall a, In a l -> f a <= g a) -> sum l f <= sum l g.
Proof.
  induction l; simpl; intros H; [lra|].
  pose proof (H a (or_introl eq_refl)). assert (sum l f <= sum l g) by auto. lra.
Qed.

Lemma sum_derive l (f : R -> A -> R) (f' : A -> R) t :
  (forall a, In a l -> is_derive (fun t => f t a) t (f' a)) ->
  is_derive (fun t => sum l (f t)) t (sum l f').
Proof.
  induction l; simpl; intros H.
  - apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
  - apply (is_derive_plus (fun t => f t a) (fun t => sum l (f t))); auto.
Qed.

(** Terms that vanish may be left out. *)
Lemma sum_subset (k : list A) f : forall l, NoDup l -> NoDup k -> incl k l ->
  (forall a, In a l -> ~ In a k -> f a = 0) -> sum l f = sum k f.
Proof.
  induction k as [|a k IH]; intros l Hl Hk Hin H0.
  - apply sum_none. intros b Hb. apply H0; auto.
  - inversion Hk; subst. destruct (in_split a l) as (l1 & l2 & ->); [apply Hin; simpl; auto|].
    pose proof (NoDup_remove_1 _ _ _ Hl) as Hl'. pose proof (NoDup_remove_2 _ _ _ Hl) as Ha.
    simpl. rewrite <- (IH (l1 ++ l2)); auto.
    + rewrite !sum_app. simpl. ring.
    + intros b Hb. assert (Hb' : In b (l1 ++ a :: l2)) by (apply Hin; simpl; auto).
      rewrite in_app_iff in *. simpl in Hb'. destruct Hb' as [|[->|]]; auto. contradiction.
    + intros b Hb Hbk. apply H0.
      * rewrite in_app_iff in *. simpl. tauto.
      * intros [->|]; contradiction.
Qed.

(** Changing one term of a sum, and sums with a single term. *)
Variable eqb : A -> A -> bool.
Hypothesis eqb_spec : forall a b, reflect (a = b) (eqb a b).

Lemma sum_update l a f v : NoDup l -> In a l ->
  sum l (fun b => if eqb b a then f b + v else f b) = sum l f + v.
Proof.
  induction l as [|b l IH]; simpl; intros Hd Hin; [easy|].
  inversion Hd as [|? ? Hb Hd']; subst. destruct Hin as [->|Hin].
  - destruct (eqb_spec a a); [|easy].
    rewrite (sum_ext l _ f); [ring|]. intros c Hc. destruct (eqb_spec c a); congruence.
  - rewrite IH by auto. destruct (eqb_spec b a); [congruence|ring].
Qed.

Lemma sum_single l a f : NoDup l -> In a l -> sum l (fun b => if eqb b a then f b else 0) = f a.
Proof.
  intros Hd Hin. transitivity (sum l (fun b => if eqb b a then 0 + f a else 0)).
  - apply sum_ext. intros b _. destruct (eqb_spec b a); subst; ring.
  - rewrite (sum_update l a (fun _ => 0) (f a)) by auto. rewrite sum_zero. ring.
Qed.
End Sum.

Lemma sum_map {A B} (h : A -> B) l f : sum (map h l) f = sum l (fun a => f (h a)).
Proof. induction l; simpl; congruence. Qed.

Lemma sum_swap {A B} (l : list A) (m : list B) f :
  sum l (fun a => sum m (fun b => f a b)) = sum m (fun b => sum l (fun a => f a b)).
Proof. induction l; simpl; [now rewrite sum_zero|]. now rewrite IHl, <- sum_plus. Qed.

Lemma sum_flat_map {A B} (h : A -> list B) l f : sum (flat_map h l) f = sum l (fun a => sum (h a) f).
Proof. induction l; simpl; [easy|]. now rewrite sum_app, IHl. Qed.

Notation range n := (seq 0 n).
Lemma in_range n k : In k (range n) <-> (k < n)%nat.
Proof. rewrite in_seq. lia. Qed.

Lemma sum_range_S n f : sum (range (S n)) f = sum (range n) f + f n.
Proof. rewrite seq_S, sum_app. simpl. ring. Qed.

Lemma sum_range_shift n f : sum (range (S n)) f = f 0%nat + sum (range n) (fun i => f (S i)).
Proof. simpl. now rewrite <- seq_shift, sum_map. Qed.

(** ** Indices, boxes, tensors *)
Definition index := list nat.
Definition tensor := index -> R.
Definition zero : tensor := fun _ => 0.

Fixpoint box (s : list nat) : list index :=
  match s with [] => [[]] | n :: s => flat_map (fun i => map (cons i) (box s)) (range n) end.

Fixpoint index_eqb (a b : index) : bool :=
  match a, b with
  | [], [] => true
  | i :: a, j :: b => Nat.eqb i j && index_eqb a b
  | _, _ => false
  end.
Lemma index_eqb_spec a : forall b, reflect (a = b) (index_eqb a b).
Proof.
  induction a as [|i a IH]; intros [|j b]; simpl; try (constructor; congruence).
  destruct (Nat.eqb_spec i j); simpl; [|constructor; congruence].
  destruct (IH b); constructor; congruence.
Qed.
Lemma index_eqb_refl a : index_eqb a a = true.
Proof. destruct (index_eqb_spec a a); congruence. Qed.

Lemma in_box_cons n s i ix : In (i :: ix) (box (n :: s)) <-> (i < n)%nat /\ In ix (box s).
Proof.
  simpl. rewrite in_flat_map. split.
  - intros (j & Hj & Hin). apply in_map_iff in Hin as (jx & E & Hin). inversion E; subst.
    split; [now apply in_range|easy].
  - intros [Hi Hin]. exists i. split; [now apply in_range|]. now apply in_map.
Qed.

Lemma in_box_inv n s ix : In ix (box (n :: s)) ->
  exists i jx, ix = i :: jx /\ (i < n)%nat /\ In jx (box s).
Proof.
  intros H. simpl in H. apply in_flat_map in H as (i & Hi & Hin).
  apply in_map_iff in Hin as (jx & <- & Hin). exists i, jx.
  split; [easy|]. split; [now apply in_range|easy].
Qed.

Lemma in_box s : forall ix,
  In ix (box s) <-> length ix = length s /\ forall k, (k < length s)%nat -> (nth k ix 0 < nth k s 0)%nat.
Proof.
  induction s as [|n s IH]; intros ix.
  - simpl. split.
    + intros [<-|[]]. split; [easy|]. intros; lia.
    + intros [H _]. left. now destruct ix.
  - split.
    + intros H. apply in_box_inv in H as (i & jx & -> & Hi & Hj). apply IH in Hj as [H1 H2].
      split; [simpl; lia|]. intros [|k] Hk; simpl in *; auto. apply H2. lia.
    + intros [H1 H2]. destruct ix as [|i ix]; [easy|]. apply in_box_cons. split.
      * apply (H2 0%nat). simpl; lia.
      * apply IH. split; [simpl in H1; lia|]. intros k Hk. apply (H2 (S k)). simpl; lia.
Qed.

Lemma NoDup_app {A} (l m : list A) :
  NoDup l -> NoDup m -> (forall a, In a l -> ~ In a m) -> NoDup (l ++ m).
Proof.
  induction l as [|a l IH]; simpl; intros Hl Hm H; auto.
  inversion Hl; subst. constructor.
  - rewrite in_app_iff. intros [?|?]; [easy|]. exact (H a (or_introl eq_refl) H0).
  - apply IH; auto.
Qed.

Lemma box_NoDup s : NoDup (box s).
Proof.
  induction s as [|n s IH]; simpl.
  - constructor; [easy|constructor].
  - generalize (seq_NoDup n 0). generalize (range n). intros l Hl.
    induction Hl as [|i l Hi Hl IHl]; simpl; [constructor|]. apply NoDup_app; auto.
    + apply Injective_map_NoDup; auto. intros x y E. now inversion E.
    + intros ix H1 H2. apply in_map_iff in H1 as (x & <- & _).
      apply in_flat_map in H2 as (j & Hj & H2). apply in_map_iff in H2 as (y & E & _).
      inversion E; subst. contradiction.
Qed.

Lemma sum_box_single s (f : tensor) ix : In ix (box s) ->
  sum (box s) (fun jx => if index_eqb jx ix then f jx else 0) = f ix.
Proof. intros H. apply sum_single; auto using index_eqb_spec, box_NoDup. Qed.

(** The inner product of two tensors of shape [s]. *)
Definition dot (s : list nat) (a b : tensor) : R := sum (box s) (fun ix => a ix * b ix).

Lemma dot_zero_r s a : dot s a zero = 0.
Proof. apply sum_none. intros; unfold zero; ring. Qed.

Lemma dot_scalar a b : dot [] a b = a [] * b [].
Proof. unfold dot; simpl. ring. Qed.

Lemma dot_ext s a a' b b' : (forall ix, In ix (box s) -> a ix = a' ix) ->
  (forall ix, In ix (box s) -> b ix = b' ix) -> dot s a b = dot s a' b'.
Proof. intros H H'. apply sum_ext. intros ix Hin. now rewrite H, H'. Qed.

Lemma dot_plus_r s a b c : dot s a (fun ix => b ix + c ix) = dot s a b + dot s a c.
Proof. unfold dot. rewrite <- sum_plus. apply sum_ext. intros; ring. Qed.

Lemma nth_map_lt {A B} (f : A -> B) l k (a : A) (b : B) :
  (k < length l)%nat -> nth k (map f l) b = f (nth k l a).
Proof. intros H. rewrite (nth_indep _ _ (f a)) by now rewrite map_length. apply map_nth. Qed.
