(** * Comparing two programs by value numbering

    The compiler may share, drop, reorder and simplify nodes on its way to an estimator.  To compare
    its program with the one that [Graph.v] derives, both are entered into one table that numbers
    distinct values: each slot gets a normal form ([Poly.v]) over numbered atoms, and equal normal
    forms mean equal values ([same_sound]). *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith NArith PArith FMapPositive.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Poly.
Import ListNotations.
Open Scope R_scope.

(** ** Equality of operations *)
Definition fn1_eqb (f g : fn1) : bool :=
  match f, g with
  | Affine a b d, Affine a' b' d' => Z.eqb a a' && Z.eqb b b' && Pos.eqb d d'
  | Exp, Exp | Log, Log | Log1p, Log1p | Expm1, Expm1 | Sqrt, Sqrt | Square, Square
  | Recip, Recip | Tanh, Tanh | Sigmoid, Sigmoid | Softplus, Softplus | Sin, Sin | Cos, Cos
  | Abs, Abs | Relu, Relu | Sign, Sign | Step, Step => true
  | _, _ => false
  end.
Definition fn2_eqb (f g : fn2) : bool :=
  match f, g with
  | Add, Add | Sub, Sub | Mul, Mul | Div, Div | Pow, Pow | Min, Min | Max, Max => true
  | _, _ => false
  end.
Definition lin_eqb (l m : lin) : bool :=
  match l, m with
  | Ein vs i o, Ein vs' i' o' => index_eqb vs vs' && index_eqb i i' && index_eqb o o'
  | Slice c d e s, Slice c' d' e' s' | Pad c d e s, Pad c' d' e' s' =>
      Nat.eqb c c' && Nat.eqb d d' && Nat.eqb e e' && index_eqb s s'
  | Reshape s t, Reshape s' t' => index_eqb s s' && index_eqb t t'
  | _, _ => false
  end.
Definition op_eqb (a b : op) : bool :=
  match a, b with
  | Map1 f, Map1 g => fn1_eqb f g
  | Map2 f, Map2 g => fn2_eqb f g
  | Lin l, Lin m => lin_eqb l m
  | Ein2 vs i j o, Ein2 vs' i' j' o' =>
      index_eqb vs vs' && index_eqb i i' && index_eqb j j' && index_eqb o o'
  | Lse vs o, Lse vs' o' => index_eqb vs vs' && index_eqb o o'
  | Const x d s, Const x' d' s' => Z.eqb x x' && Pos.eqb d d' && index_eqb s s'
  | Iota d, Iota d' | Size d, Size d' => Nat.eqb d d'
  | Sample j s, Sample j' s' => Nat.eqb j j' && index_eqb s s'
  | _, _ => false
  end.

Ltac decide_eqs := repeat match goal with
  | H : _ && _ = true |- _ => apply andb_prop in H as [? ?]
  | H : Nat.eqb _ _ = true |- _ => apply Nat.eqb_eq in H; subst
  | H : Z.eqb _ _ = true |- _ => apply Z.eqb_eq in H; subst
  | H : Pos.eqb _ _ = true |- _ => apply Pos.eqb_eq in H; subst
  | H : index_eqb ?a ?b = true |- _ =>
      destruct (index_eqb_spec a b); [clear H; subst|discriminate] end.

Lemma fn1_eqb_eq f g : fn1_eqb f g = true -> f = g.
Proof. destruct f, g; simpl; try discriminate; intros H; decide_eqs; easy. Qed.
Lemma lin_eqb_eq l m : lin_eqb l m = true -> l = m.
Proof. destruct l, m; simpl; try discriminate; intros H; decide_eqs; easy. Qed.
Lemma op_eqb_eq a b : op_eqb a b = true -> a = b.
Proof.
  destruct a, b; simpl; try discriminate; intros H; decide_eqs; auto.
  - f_equal. now apply fn1_eqb_eq.
  - destruct f, f0; easy.
  - f_equal. now apply lin_eqb_eq.
Qed.

(** ** Tables of atoms *)
Inductive entry :=
  | Input (i : nat)
  | Apply (o : op) (ks : list positive)
  | Point (f : fn1) (k : positive)     (** [f] of atom [k], at every index *)
  | Value (p : poly).

Fixpoint keys_eqb (ks ls : list positive) : bool :=
  match ks, ls with
  | [], [] => true
  | k :: ks, l :: ls => Pos.eqb k l && keys_eqb ks ls
  | _, _ => false
  end.
Lemma keys_eqb_eq ks : forall ls, keys_eqb ks ls = true -> ks = ls.
Proof.
  induction ks as [|k ks IH]; intros [|l ls]; simpl; try easy. intros H.
  apply andb_prop in H as [H1 H2]. apply Pos.eqb_eq in H1. f_equal; auto.
Qed.
Definition entry_eqb (a b : entry) : bool :=
  match a, b with
  | Input i, Input j => Nat.eqb i j
  | Apply o ks, Apply o' ks' => op_eqb o o' && keys_eqb ks ks'
  | Point f k, Point f' k' => fn1_eqb f f' && Pos.eqb k k'
  | Value p, Value p' => compare_poly p p'
  | _, _ => false
  end.
Lemma entry_eqb_eq a b : entry_eqb a b = true -> a = b.
Proof.
  destruct a, b; simpl; try easy; intros H; decide_eqs; auto.
  - match goal with H : op_eqb _ _ = true |- _ => apply op_eqb_eq in H end.
    match goal with H : keys_eqb _ _ = true |- _ => apply keys_eqb_eq in H end. congruence.
  - match goal with H : fn1_eqb _ _ = true |- _ => apply fn1_eqb_eq in H end. congruence.
  - f_equal. now apply compare_poly_eq.
Qed.

(** Where equal entries may be: the hash need not be good, equality is checked. *)
Definition mix (h x : N) : N := N.land (N.lxor (N.shiftl h 5 + h) x) 1048575.
Definition mix_all (h : N) (l : list N) : N := fold_left mix l h.
Definition hash_factor (h : N) (f : factor) : N :=
  match f with
  | Read k p => mix_all (mix h (Npos k)) (map N.of_nat p)
  | Extent d => mix (mix h 3) (N.of_nat d)
  end.
Definition hash_op (o : op) : N :=
  match o with
  | Lin (Slice k _ _ _) | Lin (Pad k _ _ _) | Sample k _ | Iota k => N.of_nat k
  | _ => 0%N
  end.
Definition hash_entry (en : entry) : positive :=
  N.succ_pos match en with
  | Input i => mix 1 (N.of_nat i)
  | Apply o ks => mix_all (mix 2 (hash_op o)) (map Npos ks)
  | Point f k => mix 3 (Npos k)
  | Value p => fold_left (fun h t => fold_left hash_factor (factors t) (mix h (Z.to_N (num t)))) p 4%N
  end.

Record table := { next : positive; known : PositiveMap.t (list (entry * shape * positive)) }.
Definition bucket (T : table) (h : positive) : list (entry * shape * positive) :=
  match PositiveMap.find h (known T) with Some l => l | None => [] end.
Definition intern (T : table) (en : entry) (s : shape) : table * positive :=
  let h := hash_entry en in
  let l := bucket T h in
  match find (fun x => entry_eqb (fst (fst x)) en && index_eqb (snd (fst x)) s) l with
  | Some (_, k) => (T, k)
  | None => ({| next := Pos.succ (next T);
                known := PositiveMap.add h ((en, s, next T) :: l) (known T) |}, next T)
  end.

(** ** The normal form of every operation *)
(** Along a chain of contractions products grow, and with them the cost of every comparison.  So a long
    product may get a name: it becomes an atom.  The first program names what is long; the second uses the
    names that there are, wherever its own values have them. *)
Inductive naming := Never | Long | Known.
Definition longest (o : op) : nat := match o with Lin _ | Ein2 _ _ _ _ => 8 | _ => 32 end.

Section Enter.
Variable fix_ : fixed_sizes.
Variable how : naming.

(** The axes that a value depends on, and the value over those alone. *)
Definition used_axes (r : nat) (p : poly) : list nat :=
  let all := flat_map (fun t => flat_map axes_of (factors t)) p in
  filter (fun a => existsb (Nat.eqb a) all) (range r).
Definition shrink (r : nat) (p : poly) : list nat * poly :=
  let used := used_axes r p in
  let p' := map (pull_term (positions r used) (length used)) p in
  if below r used && compare_poly (map (pull_term used r) p') p then (used, p') else (range r, p).

(** The atom that holds a value; and one over the axes that matter, with those axes. *)
Definition atomise (T : table) (s : shape) (p : poly) : table * positive :=
  match p with
  | [Term 1 1 [] [Read k q]] =>
      if index_eqb q (range (length s)) then (T, k) else intern T (Value p) s
  | _ => intern T (Value p) s
  end.
Definition atomise_small (T : table) (s : shape) (p : poly) : table * positive * list nat :=
  match p with
  | [Term 1 1 [] [Read k q]] => (T, k, q)
  | _ => let '(used, p') := shrink (length s) p in
         let '(T, k) := atomise T (pick s used) p' in (T, k, used)
  end.
(** A value as one term: its only one, or its leading coefficient times an atom. *)
Definition leading (p : poly) : Z * positive :=
  match p with t :: _ => if Z.eqb (num t) 0 then (1%Z, 1%positive) else (num t, denom t)
             | [] => (1%Z, 1%positive) end.
Definition named (T : table) (s : shape) (p : poly) : table * term :=
  let c := leading p in
  let '(T, k, q) := atomise_small T s (scale_poly (inverse_q c) p) in
  (T, Term (fst c) (snd c) [] [Read k q]).
Definition single (T : table) (s : shape) (p : poly) : table * term :=
  match p with [t] => (T, t) | _ => named T s p end.
Definition constant (p : poly) : option (Z * positive) :=
  match p with [] => Some (0%Z, 1%positive) | [Term n d [] []] => Some (n, d) | _ => None end.

Definition mk_mul (T : table) (s : shape) (x y : poly) : table * poly :=
  match constant x, constant y with
  | Some q, _ => (T, scale_poly q y)
  | _, Some q => (T, scale_poly q x)
  | _, _ =>
      let '(T, t) := single T s x in
      let '(T, u) := single T s y in
      let r := length s in
      if within (r + length (over t)) (factors t) then (T, tidied fix_ r (mul_terms r t u))
      else let '(T, a) := atomise T s x in let '(T, b) := atomise T s y in
           let '(T, k) := intern T (Apply (Map2 Mul) [a; b]) s in (T, atom_poly r k)
  end.
Definition mk_point (T : table) (s : shape) (f : fn1) (p : poly) : table * poly :=
  let '(T, k, q) := atomise_small T s p in
  let '(T, k) := intern T (Point f k) [] in (T, [Term 1 1 [] [Read k q]]).
(** 1 / (a b) = 1/a 1/b. *)
Fixpoint recip_factors (T : table) (fs : list factor) : option (table * list factor) :=
  match fs with
  | [] => Some (T, [])
  | Read k q :: fs =>
      let '(T, k) := intern T (Point Recip k) [] in
      match recip_factors T fs with Some (T, fs) => Some (T, Read k q :: fs) | None => None end
  | Extent _ :: _ => None
  end.
Definition mk_recip (T : table) (s : shape) (p : poly) : table * poly :=
  match p with
  | [Term n d [] fs] =>
      let c := inverse_q (n, d) in
      match recip_factors T fs with
      | Some (T, fs) => (T, tidied fix_ (length s) (Term (fst c) (snd c) [] fs))
      | None => mk_point T s Recip p
      end
  | _ => let c := leading p in
         let '(T, x) := mk_point T s Recip (scale_poly (inverse_q c) p) in
         (T, scale_poly (inverse_q c) x)
  end.
Definition mk_apply (T : table) (o : op) (s : shape) (xs : list (shape * poly)) : table * poly :=
  let '(T, ks) := fold_right (fun x Tks => let '(T, k) := atomise (fst Tks) (fst x) (snd x) in
                                           (T, k :: snd Tks)) (T, []) xs in
  let '(T, k) := intern T (Apply o ks) s in (T, atom_poly (length s) k).
(** Linear, but not a sum over axes: the leading coefficient moves out. *)
Definition mk_lin (T : table) (l : lin) (s s' : shape) (x : poly) : table * poly :=
  match x with
  | [] => (T, [])
  | _ => let c := leading x in
         let '(T, y) := mk_apply T (Lin l) s' [(s, scale_poly (inverse_q c) x)] in
         (T, scale_poly c y)
  end.
Definition mk_ein (vs : shape) (i o : list nat) (x : poly) : option poly :=
  match all_some (fun t => reduce_term vs o (pull_term i (length vs) t)) x with
  | Some ts => Some (collect (map (tidy fix_ (length o)) ts))
  | None => None
  end.
Definition mk_ein2 (T : table) (vs : shape) (i j o : list nat) (x y : poly) : option (table * poly) :=
  match x, y with
  | [], _ | _, [] => Some (T, [])
  | _, _ =>
      let '(T, t) := single T (pick vs i) x in
      let '(T, u) := single T (pick vs j) y in
      let r := length vs in
      let t := pull_term i r t in
      if within (r + length (over t)) (factors t) then
        match reduce_term vs o (mul_terms r t (pull_term j r u)) with
        | Some v => Some (T, tidied fix_ (length o) v)
        | None => None
        end
      else None
  end.

Definition mk (T : table) (o : op) (xs : list (shape * poly)) (s : shape) : table * poly :=
  match o, xs with
  | Map1 f, [(_, x)] =>
      match f with
      | Affine a b d => (T, add_poly (const_poly b d) (scale_poly (lowest a d) x))
      | Square => mk_mul T s x x
      | Recip => mk_recip T s x
      | _ => mk_point T s f x
      end
  | Map2 f, [(_, x); (_, y)] =>
      match f with
      | Add => (T, add_poly x y)
      | Sub => (T, add_poly x (scale_poly ((-1)%Z, 1%positive) y))
      | Mul => mk_mul T s x y
      | Div => let '(T, z) := mk_recip T s y in mk_mul T s x z
      | _ => mk_apply T o s xs
      end
  | Lin (Ein vs i q), [(_, x)] =>
      match mk_ein vs i q x with Some y => (T, y) | None => mk_apply T o s xs end
  | Lin l, [(s0, x)] => mk_lin T l s0 s x
  | Ein2 vs i j q, [(_, x); (_, y)] =>
      match mk_ein2 T vs i j q x y with Some r => r | None => mk_apply T o s xs end
  | Const a d _, [] => (T, const_poly a d)
  | Size d, [] => (T, tidied fix_ 0 (Term 1 1 [] [Extent d]))
  | _, _ => mk_apply T o s xs
  end.
(** The value of [o], with a name if it is to have one. *)
Definition shorten (T : table) (o : op) (s : shape) (p : poly) : table * poly :=
  match how, p with
  | Never, _ => (T, p)
  | _, [t] =>
      if Nat.leb (length (factors t)) (longest o) then (T, p)
      else let '(T', u) := named T s p in
           match how with
           | Long => (T', [u])
           | _ => if Pos.eqb (next T') (next T) then (T', [u]) else (T, p)
           end
  | _, _ => (T, p)
  end.
Definition enter (T : table) (o : op) (xs : list (shape * poly)) : option (table * (shape * poly)) :=
  match ty o (map fst xs) with
  | Some s => let '(T, p) := mk T o xs s in let '(T, p) := shorten T o s p in Some (T, (s, p))
  | None => None
  end.

Definition none : shape * poly := ([], []).
(** Enters a whole program; [m] holds the normal forms of its slots. *)
Fixpoint enter_all (p : program) (T : table) (m : list (shape * poly)) :
  option (table * list (shape * poly)) :=
  match p with
  | [] => Some (T, m)
  | (o, ps) :: p =>
      if below (length m) ps then
        match enter T o (map (fun j => nth j m none) ps) with
        | Some (T, x) => enter_all p T (m ++ [x])
        | None => None
        end
      else None
  end.
End Enter.

(** ** Bounds on the atoms of a normal form *)
Definition term_below (n : positive) (t : term) : Prop :=
  forall k q, In (Read k q) (factors t) -> (k < n)%positive.
Definition poly_below (n : positive) (p : poly) : Prop := forall t, In t p -> term_below n t.
Definition entry_below (n : positive) (en : entry) : Prop :=
  match en with
  | Input _ => True
  | Apply _ ks => forall k, In k ks -> (k < n)%positive
  | Point _ k => (k < n)%positive
  | Value p => poly_below n p
  end.

Lemma term_below_up n m t : (n <= m)%positive -> term_below n t -> term_below m t.
Proof. intros H Ht k q Hk. specialize (Ht k q Hk). lia. Qed.
Lemma poly_below_up n m p : (n <= m)%positive -> poly_below n p -> poly_below m p.
Proof. intros H Hp t Ht. eapply term_below_up; eauto. Qed.
Lemma entry_below_up n m en : (n <= m)%positive -> entry_below n en -> entry_below m en.
Proof.
  intros H. destruct en; simpl; auto.
  - intros Hk k Hin. specialize (Hk k Hin). lia.
  - lia.
  - now apply poly_below_up.
Qed.

Lemma move_below n f fs a d o : (forall k q, In (Read k q) fs -> (k < n)%positive) ->
  term_below n (Term a d o (map (move f) fs)).
Proof.
  intros H k q Hk. simpl in Hk. apply in_map_iff in Hk as ([k' q'|d'] & E & Hin); simpl in E;
    inversion E; subst. eauto.
Qed.
Lemma pull_below n i r t : term_below n t -> term_below n (pull_term i r t).
Proof. apply move_below. Qed.
Lemma mul_below n r s t : term_below n s -> term_below n t -> term_below n (mul_terms r s t).
Proof.
  intros Hs Ht k q Hk. simpl in Hk. apply in_app_iff in Hk as [Hk|Hk]; [eauto|].
  eapply (move_below n _ (factors t) 0 1 []); eauto.
Qed.
Lemma reduce_below n vs o t t' : reduce_term vs o t = Some t' -> term_below n t -> term_below n t'.
Proof.
  unfold reduce_term. destruct (inverse_axes _ _ _); [|easy]. intros H. injection H as <-.
  apply move_below.
Qed.
Lemma term_below_perm n a d o fs gs : Permutation.Permutation fs gs ->
  term_below n (Term a d o fs) -> term_below n (Term a d o gs).
Proof.
  intros Hp H k q Hk. apply (H k q). simpl in *.
  now apply (Permutation.Permutation_in _ (Permutation.Permutation_sym Hp)).
Qed.
Lemma canonical_below n r t : term_below n t -> term_below n (canonical r t).
Proof.
  intros Ht. unfold canonical. cbv zeta.
  set (fs := sort (compare_masked r) (factors t)).
  set (used := first_seen (summed_axes r fs) []).
  set (p := used ++ others (length (over t)) used). set (q := positions _ p).
  destruct (inverse_axes _ p q && within _ fs); auto.
  set (t1 := Term (num t) (denom t) (over t) fs).
  assert (H1 : term_below n t1).
  { unfold t1. apply (term_below_perm n _ _ _ (factors t)); [apply sort_perm|]. now destruct t. }
  assert (H2 : term_below n (rename_term r p q t1)) by (apply move_below; exact H1).
  assert (H3 : forall u, term_below n u -> term_below n (sort_factors u)).
  { intros [a d o us] Hu. unfold sort_factors; cbn [num denom over factors].
    now apply (term_below_perm n _ _ _ us); [apply sort_perm|]. }
  apply H3. destruct (within _ _); auto. intros k l Hk. cbn [drop_axes factors] in Hk.
  apply in_app_iff in Hk as [Hk|Hk]; [|eapply H2; eauto].
  apply in_map_iff in Hk as (d & E & _). discriminate.
Qed.
Lemma known_factors_in fix_ fs : forall z gs, known_factors fix_ fs = (z, gs) ->
  forall g, In g gs -> In g fs.
Proof.
  induction fs as [|f fs IH]; simpl; intros z gs H g Hg; [injection H as <- <-; easy|].
  destruct (known_factors fix_ fs) as [z1 gs1]. specialize (IH _ _ eq_refl).
  destruct f as [k q|d].
  - injection H as <- <-. destruct Hg; auto.
  - destruct (size_known fix_ d); injection H as <- <-; auto. destruct Hg; auto.
Qed.
Lemma tidy_below n fix_ r t : term_below n t -> term_below n (tidy fix_ r t).
Proof.
  intros Ht. unfold tidy, fix_term. apply (canonical_below n r) in Ht.
  destruct (known_factors fix_ _) as [z fs] eqn:E. intros k q Hk. simpl in Hk.
  apply (Ht k q). eapply known_factors_in; eauto.
Qed.
Lemma add_term_below n t p : term_below n t -> poly_below n p -> poly_below n (add_term t p).
Proof.
  intros Ht. induction p as [|s p IH]; simpl; intros Hp u Hu.
  - destruct Hu as [<-|[]]; auto.
  - assert (Hs : term_below n s) by (apply Hp; simpl; auto).
    assert (Hp' : poly_below n p) by (intros v Hv; apply Hp; simpl; auto).
    destruct (compare_term t s).
    + destruct (Z.eqb _ 0); [auto|]. destruct Hu as [<-|Hu]; auto.
    + destruct Hu as [<-|[<-|Hu]]; auto.
    + destruct Hu as [<-|Hu]; auto. apply IH; auto.
Qed.
Lemma add_poly_below n p q : poly_below n p -> poly_below n q -> poly_below n (add_poly p q).
Proof.
  assert (H : forall p q, poly_below n p -> poly_below n q -> poly_below n (fold_right add_term q p)).
  { clear p q. intros p q Hp Hq. induction p as [|t p IH]; simpl; auto.
    apply add_term_below; [apply Hp; simpl; auto|]. apply IH. intros u Hu. apply Hp. simpl; auto. }
  unfold add_poly. destruct (shorter p q); auto.
Qed.
Lemma collect_below n p : poly_below n p -> poly_below n (collect p).
Proof.
  intros Hp. induction p as [|t p IH]; simpl; auto.
  assert (H : poly_below n (collect p)) by (apply IH; intros u Hu; apply Hp; simpl; auto).
  unfold collect in *. destruct (Z.eqb _ 0); auto. apply add_term_below; auto. apply Hp. simpl; auto.
Qed.
Lemma map_below n (f : term -> term) p : (forall t, term_below n t -> term_below n (f t)) ->
  poly_below n p -> poly_below n (map f p).
Proof. intros Hf Hp t Ht. apply in_map_iff in Ht as (u & <- & Hu). auto. Qed.
Lemma scale_below n q p : poly_below n p -> poly_below n (scale_poly q p).
Proof.
  intros Hp. unfold scale_poly. destruct (Z.eqb _ 0); [easy|]. apply map_below; auto.
Qed.
Lemma const_below n a d : poly_below n (const_poly a d).
Proof.
  unfold const_poly. destruct (Z.eqb _ 0); [easy|]. intros t [<-|[]] k q [].
Qed.
Lemma one_below n t : term_below n t -> poly_below n [t].
Proof. intros H u [<-|[]]. exact H. Qed.
Lemma read_below n a d o k q : (k < n)%positive -> term_below n (Term a d o [Read k q]).
Proof. intros H k' q' [E|[]]. now inversion E; subst. Qed.
Lemma tidied_below n fix_ r t : term_below n t -> poly_below n (tidied fix_ r t).
Proof. intros H. apply (collect_below n [_]), one_below, tidy_below, H. Qed.
Lemma all_some_in {A B} (f : A -> option B) l : forall m, all_some f l = Some m ->
  forall b, In b m -> exists a, In a l /\ f a = Some b.
Proof.
  induction l as [|a l IH]; simpl; intros m H b Hb; [injection H as <-; easy|].
  destruct (f a) as [b'|] eqn:E; [|easy]. destruct (all_some f l) as [m'|]; [|easy].
  injection H as <-. destruct Hb as [<-|Hb]; [now exists a; auto|].
  destruct (IH _ eq_refl b Hb) as (a' & H1 & H2). exists a'. auto.
Qed.

(** ** Soundness *)
Section Sound.
Variable rho : dim -> nat.
Variable tr : nat -> tensor.
Variable e : env.
Variable fix_ : fixed_sizes.
Hypothesis fixed : forall d n, In (d, n) fix_ -> rho d = n.
Notation boxs s := (box (sizes rho s)).
Notation pval := (poly_val rho).
Definition atoms := positive -> tensor.

(** What an entry says of its atom. *)
Definition holds (A : atoms) (en : entry) (s : shape) (k : positive) : Prop :=
  match en with
  | Input i => forall ix, In ix (boxs s) -> A k ix = e i ix
  | Apply o ks => forall ix, In ix (boxs s) -> A k ix = den rho tr o (map A ks) ix
  | Value p => forall ix, In ix (boxs s) -> A k ix = pval A p ix
  | Point f j => forall ix, A k ix = app1 f (A j ix)
  end.
Definition fits (A : atoms) (T : table) : Prop :=
  forall h en s k, In (en, s, k) (bucket T h) -> holds A en s k.
Definition ok (T : table) : Prop :=
  forall h en s k, In (en, s, k) (bucket T h) ->
    (k < next T)%positive /\ entry_below (next T) en.
(** [T'] knows what [T] knows, and whatever fits [T] can be completed to fit [T']. *)
Definition grows (T T' : table) : Prop :=
  ok T' /\ (next T <= next T')%positive /\ (forall A, fits A T' -> fits A T) /\
  forall A, fits A T -> exists A', fits A' T' /\ forall a, (a < next T)%positive -> A' a = A a.

Lemma grows_refl T : ok T -> grows T T.
Proof. intros H. split; auto. split; [lia|]. split; auto. intros A HA. exists A. auto. Qed.
Lemma grows_trans T T' T'' : grows T T' -> grows T' T'' -> grows T T''.
Proof.
  intros (H1 & H2 & H3 & H4) (K1 & K2 & K3 & K4). split; auto. split; [lia|]. split; auto.
  intros A HA. destruct (H4 A HA) as (A' & F' & E'). destruct (K4 A' F') as (A'' & F'' & E'').
  exists A''. split; auto. intros a Ha. rewrite E'', E' by lia. reflexivity.
Qed.

Lemma term_val_ext A A' t ix n : (forall a, (a < n)%positive -> A' a = A a) -> term_below n t ->
  term_val rho A' t ix = term_val rho A t ix.
Proof.
  intros H Ht. unfold term_val. f_equal. apply sum_ext. intros u _.
  destruct t as [a d o fs]; cbn [factors] in *. unfold term_below in Ht; cbn [factors] in Ht.
  induction fs as [|f fs IH]; simpl; auto. rewrite IH.
  - f_equal. destruct f as [k q|]; simpl; auto. rewrite H; auto. apply (Ht k q). simpl; auto.
  - intros k q Hk. apply (Ht k q). simpl; auto.
Qed.
Lemma poly_val_ext A A' p ix n : (forall a, (a < n)%positive -> A' a = A a) -> poly_below n p ->
  pval A' p ix = pval A p ix.
Proof. intros H Hp. apply sum_ext. intros t Ht. eapply term_val_ext; eauto. Qed.
Lemma holds_ext A A' en s k n : (forall a, (a < n)%positive -> A' a = A a) -> (k < n)%positive ->
  entry_below n en -> holds A en s k -> holds A' en s k.
Proof.
  intros H Hk He. destruct en; simpl in *; rewrite (H k Hk); auto.
  - intros Hh ix Hix. rewrite (Hh ix Hix).
    rewrite (map_ext_in A' A ks) by (intros a Ha; auto). reflexivity.
  - now rewrite H.
  - intros Hh ix Hix. rewrite (Hh ix Hix). symmetry. eapply poly_val_ext; eauto.
Qed.

Theorem intern_sound T en s T' k : ok T -> entry_below (next T) en -> intern T en s = (T', k) ->
  grows T T' /\ (k < next T')%positive /\ forall A, fits A T' -> holds A en s k.
Proof.
  unfold intern. intros Hok Hen H. set (h := hash_entry en) in *.
  match type of H with context [find ?g ?l] => destruct (find g l) as [[[en0 s0] k0]|] eqn:Ef end.
  - injection H as <- <-. apply find_some in Ef as [Hin Heq]. cbn [fst snd] in Heq.
    apply andb_prop in Heq as [H1 H2]. apply entry_eqb_eq in H1.
    destruct (index_eqb_spec s0 s); [subst|easy].
    split; [now apply grows_refl|]. split; [now apply (Hok h en s)|]. intros A HA. apply (HA h en s k0 Hin).
  - injection H as <- <-. clear Ef.
    set (T' := {| next := _; known := _ |}).
    assert (Hb : forall h' x, In x (bucket T' h') -> x = (en, s, next T) \/ In x (bucket T h')).
    { intros h' x. unfold bucket at 1. unfold T'; cbn [known].
      destruct (Pos.eq_dec h' h) as [->|Hne].
      - rewrite PositiveMap.gss. intros [Hx|Hx]; auto.
      - rewrite PositiveMap.gso by auto. right. exact H. }
    assert (Hnew : In (en, s, next T) (bucket T' h)).
    { unfold bucket, T'; cbn [known]. rewrite PositiveMap.gss. now left. }
    assert (Hold : forall h' x, In x (bucket T h') -> In x (bucket T' h')).
    { intros h' x Hx. unfold bucket at 1. unfold T'; cbn [known].
      destruct (Pos.eq_dec h' h) as [->|Hne].
      - rewrite PositiveMap.gss. now right.
      - rewrite PositiveMap.gso by auto. exact Hx. }
    split; [|split; [simpl; lia|intros A HA; exact (HA _ _ _ _ Hnew)]].
    split; [|split; [simpl; lia|split]].
    + intros h' en' s' k' Hin. destruct (Hb _ _ Hin) as [E|Hin'].
      * inversion E; subst. split; [simpl; lia|]. eapply entry_below_up; eauto. simpl; lia.
      * destruct (Hok _ _ _ _ Hin') as [H1 H2]. split; [simpl; lia|].
        eapply entry_below_up; eauto. simpl; lia.
    + intros A HA h' en' s' k' Hin. apply (HA h'). now apply Hold.
    + intros A HA.
      set (v := match en with
                | Input i => e i
                | Apply o ks => den rho tr o (map A ks)
                | Value p => pval A p
                | Point f j => fun ix => app1 f (A j ix)
                end).
      exists (fun a => if Pos.eqb a (next T) then v else A a).
      set (A' := fun a => _).
      assert (HE : forall a, (a < next T)%positive -> A' a = A a).
      { intros a Ha. unfold A'. destruct (Pos.eqb_spec a (next T)); [lia|easy]. }
      split; auto. intros h' en' s' k' Hin. destruct (Hb _ _ Hin) as [E|Hin'].
      * inversion E; subst. assert (Hv : A' (next T) = v) by (unfold A'; now rewrite Pos.eqb_refl).
        destruct en; simpl in *; rewrite Hv; unfold v; auto.
        -- intros ix _. rewrite (map_ext_in A' A ks) by (intros a Ha; auto). reflexivity.
        -- intros ix. now rewrite HE.
        -- intros ix _. symmetry. eapply poly_val_ext; eauto.
      * destruct (Hok _ _ _ _ Hin') as [H1 H2]. eapply holds_ext; eauto.
Qed.

(** [made T T' s p v]: from [T] we came to [T'], over which the normal form [p] means [v]. *)
Definition made (T T' : table) (s : shape) (p : poly) (v : atoms -> tensor) : Prop :=
  grows T T' /\ poly_below (next T') p /\
  forall A, fits A T' -> forall ix, In ix (boxs s) -> pval A p ix = v A ix.
Definition made_atom (T T' : table) (s : shape) (k : positive) (v : atoms -> tensor) : Prop :=
  grows T T' /\ (k < next T')%positive /\
  forall A, fits A T' -> forall ix, In ix (boxs s) -> A k ix = v A ix.

Lemma grows_le T T' : grows T T' -> (next T <= next T')%positive.
Proof. now intros (_ & H & _). Qed.
Lemma grows_ok T T' : grows T T' -> ok T'.
Proof. now intros (H & _). Qed.
Lemma grows_fits T T' A : grows T T' -> fits A T' -> fits A T.
Proof. intros (_ & _ & H & _). auto. Qed.

Lemma one_read A k q ix : pval A [Term 1 1 [] [Read k q]] ix = A k (pick ix q).
Proof. unfold poly_val, term_val, ratio. cbn. rewrite app_nil_r. field. Qed.
Lemma pval_one A t ix : pval A [t] ix = term_val rho A t ix.
Proof. unfold poly_val. simpl. ring. Qed.
Lemma term_read A a d k q ix : term_val rho A (Term a d [] [Read k q]) ix = ratio (a, d) * A k (pick ix q).
Proof. unfold term_val. cbn -[ratio]. rewrite app_nil_r. ring. Qed.

(** A value that is one read, or not. *)
Lemma one_read_cases (p : poly) :
  (exists k q, p = [Term 1 1 [] [Read k q]]) \/
  (forall (X : Type) (f : positive -> list nat -> X) (g : X),
     match p with [Term 1 1 [] [Read k q]] => f k q | _ => g end = g).
Proof.
  destruct p as [|[a d o fs] [|? ?]]; auto.
  2:{ right. intros. destruct a as [|[]|]; auto; destruct d; auto; destruct o; auto;
      destruct fs as [|[] [|]]; auto. }
  destruct a as [|[]|]; auto; destruct d; auto; destruct o; auto; destruct fs as [|[] [|]]; auto.
  left. eauto.
Qed.

Lemma atomise_sound T s p T' k : ok T -> poly_below (next T) p -> atomise T s p = (T', k) ->
  made_atom T T' s k (fun A => pval A p).
Proof.
  intros Hok Hp H.
  assert (Hi : intern T (Value p) s = (T', k) -> made_atom T T' s k (fun A => pval A p)).
  { intros Hi. destruct (intern_sound T (Value p) s T' k Hok Hp Hi) as (H1 & H2 & H3).
    split; auto. }
  unfold atomise in H. destruct (one_read_cases p) as [(k0 & q & ->)|Hcase].
  - destruct (index_eqb_spec q (range (length s))) as [->|]; auto. injection H as <- <-.
    split; [now apply grows_refl|]. split.
    + apply (Hp _ (or_introl eq_refl) k0 (range (length s))). simpl; auto.
    + intros A HA ix Hix. rewrite one_read. now rewrite <- (box_length rho _ _ Hix), pick_range.
  - rewrite Hcase in H. auto.
Qed.

Lemma shrink_sound r p used p' : shrink r p = (used, p') -> below r used = true /\
  (forall n, poly_below n p -> poly_below n p') /\
  forall A ix, length ix = r -> pval A p ix = pval A p' (pick ix used).
Proof.
  unfold shrink. set (U := used_axes r p).
  set (p1 := map (pull_term (positions r U) (length U)) p).
  destruct (below r U && compare_poly (map (pull_term U r) p1) p) eqn:E; intros H; injection H as <- <-.
  - apply andb_prop in E as [Hb E]. apply compare_poly_eq in E. split; auto. split.
    + intros n. apply map_below. intros t. apply pull_below.
    + intros A ix Hr. rewrite <- E at 1. unfold poly_val. rewrite sum_map. apply sum_ext.
      intros t _. rewrite <- Hr. apply pull_term_val. now rewrite Hr.
  - split; [apply forallb_forall; intros a Ha; apply Nat.ltb_lt; now apply in_range|].
    split; auto. intros A ix <-. now rewrite pick_range.
Qed.

Lemma atomise_small_sound T s p T' k q : ok T -> poly_below (next T) p ->
  atomise_small T s p = (T', k, q) ->
  grows T T' /\ (k < next T')%positive /\
  forall A, fits A T' -> forall ix, In ix (boxs s) -> A k (pick ix q) = pval A p ix.
Proof.
  intros Hok Hp H. unfold atomise_small in H. destruct (one_read_cases p) as [(k0 & q0 & ->)|Hcase].
  - injection H as <- <- <-. split; [now apply grows_refl|]. split.
    + apply (Hp _ (or_introl eq_refl) k0 q0). simpl; auto.
    + intros A HA ix _. now rewrite one_read.
  - rewrite Hcase in H. destruct (shrink (length s) p) as [used p'] eqn:Es.
    destruct (atomise T (pick s used) p') as [T1 k1] eqn:Ea. injection H as <- <- <-.
    destruct (shrink_sound _ _ _ _ Es) as (Hb & Hbelow & Hval).
    destruct (atomise_sound _ _ _ _ _ Hok (Hbelow _ Hp) Ea) as (H1 & H2 & H3).
    split; auto. split; auto. intros A HA ix Hix.
    rewrite H3; auto; [|now apply pick_in]. symmetry. apply Hval. now apply (box_length rho).
Qed.

Lemma leading_neq0 p : ratio (leading p) <> 0.
Proof.
  unfold leading. destruct p as [|u p']; [unfold ratio; simpl; lra|].
  destruct (Z.eqb_spec (num u) 0) as [|Hn]; [unfold ratio; simpl; lra|].
  unfold ratio; cbn [fst snd]. apply Rmult_integral_contrapositive. split.
  - now apply not_0_IZR.
  - apply Rinv_neq_0_compat, pos_neq0.
Qed.
Lemma named_sound T s p T' t : ok T -> poly_below (next T) p -> named T s p = (T', t) ->
  grows T T' /\ term_below (next T') t /\
  forall A, fits A T' -> forall ix, In ix (boxs s) -> term_val rho A t ix = pval A p ix.
Proof.
  intros Hok Hp. unfold named. cbv zeta.
  destruct (atomise_small T s (scale_poly (inverse_q (leading p)) p)) as [[T1 k] q] eqn:Ea.
  intros E. injection E as <- <-.
  destruct (atomise_small_sound _ _ _ _ _ _ Hok (scale_below _ _ _ Hp) Ea) as (H1 & H2 & H3).
  split; auto. split; [now apply read_below|]. intros A HA ix Hix.
  rewrite term_read, (H3 A HA ix Hix), scale_poly_val, ratio_inverse, <- surjective_pairing.
  field. apply leading_neq0.
Qed.
Lemma single_sound T s p T' t : ok T -> poly_below (next T) p -> single T s p = (T', t) ->
  grows T T' /\ term_below (next T') t /\
  forall A, fits A T' -> forall ix, In ix (boxs s) -> term_val rho A t ix = pval A p ix.
Proof.
  intros Hok Hp H. unfold single in H.
  destruct p as [|u [|u' p]]; try now apply named_sound. injection H as <- <-.
  split; [now apply grows_refl|]. split; [apply Hp; simpl; auto|]. intros A _ ix _. now rewrite pval_one.
Qed.

Lemma constant_sound p q A ix : constant p = Some q -> pval A p ix = ratio q.
Proof.
  destruct p as [|[n d [|? ?] [|? ?]] [|? ?]]; simpl; try easy; intros H; injection H as <-.
  - unfold poly_val, ratio; simpl. lra.
  - rewrite pval_one. unfold term_val. cbn -[ratio]. ring.
Qed.

Lemma made_then T T1 T2 s p v : grows T T1 -> made T1 T2 s p v -> made T T2 s p v.
Proof. intros H (H1 & H2). split; auto. eapply grows_trans; eauto. Qed.
Lemma made_ext T T' s p v w : made T T' s p v ->
  (forall A, fits A T' -> forall ix, In ix (boxs s) -> v A ix = w A ix) -> made T T' s p w.
Proof. intros (H1 & H2 & H3) H. split; auto. split; auto. intros. rewrite H3, H; auto. Qed.
Lemma made_pure T s p v : ok T -> poly_below (next T) p ->
  (forall A ix, In ix (boxs s) -> pval A p ix = v A ix) -> made T T s p v.
Proof. intros H1 H2 H3. split; [now apply grows_refl|]. auto. Qed.

Lemma tidied_one A t r ix : length ix = r -> pval A (tidied fix_ r t) ix = term_val rho A t ix.
Proof. intros H. unfold tidied. rewrite collect_val, pval_one. now apply tidy_val. Qed.

Lemma atom_made T T' s k v : made_atom T T' s k v -> made T T' s (atom_poly (length s) k) v.
Proof.
  intros (H1 & H2 & H3). split; auto. split.
  - apply one_below, read_below, H2.
  - intros A HA ix Hix. rewrite <- (box_length rho _ _ Hix), atom_poly_val. auto.
Qed.

Lemma apply_sound o s ss xs : forall T T' p, ok T -> map fst xs = ss -> ty o ss = Some s ->
  (forall x, In x xs -> poly_below (next T) (snd x)) ->
  mk_apply T o s xs = (T', p) ->
  made T T' s p (fun A => den rho tr o (map (fun x => pval A (snd x)) xs)).
Proof.
  intros T T' p Hok Hss Hty Hxs H. unfold mk_apply in H.
  set (step := fun (x : shape * poly) Tks => let '(T, k) := atomise (fst Tks) (fst x) (snd x) in
                                           (T, k :: snd Tks)) in *.
  assert (Hfold : forall T1 ks, fold_right step (T, []) xs = (T1, ks) ->
    grows T T1 /\ (forall k, In k ks -> (k < next T1)%positive) /\
    forall A, fits A T1 -> agree rho ss (map A ks) (map (fun x => pval A (snd x)) xs)).
  { subst ss. clear Hty H. induction xs as [|x xs IH]; cbn [fold_right]; intros T1 ks E.
    - injection E as <- <-. split; [now apply grows_refl|]. split; [easy|]. now simpl.
    - destruct (fold_right step (T, []) xs) as [T2 ks2] eqn:E2.
      destruct (IH (fun y Hy => Hxs y (or_intror Hy)) _ _ eq_refl) as (G2 & B2 & V2).
      unfold step in E. cbn [fst snd] in E. destruct (atomise T2 (fst x) (snd x)) as [T3 k3] eqn:E3.
      injection E as <- <-.
      assert (Hx : poly_below (next T2) (snd x)).
      { eapply poly_below_up; [apply (grows_le _ _ G2)|]. apply Hxs. simpl; auto. }
      destruct (atomise_sound _ _ _ _ _ (grows_ok _ _ G2) Hx E3) as (G3 & B3 & V3).
      split; [eapply grows_trans; eauto|]. split.
      + intros k [<-|Hk]; auto. specialize (B2 k Hk). pose proof (grows_le _ _ G3). lia.
      + intros A HA. simpl. split; [intros ix Hix; now apply V3|].
        apply V2. eapply grows_fits; eauto. }
  destruct (fold_right step (T, []) xs) as [T1 ks] eqn:E1.
  destruct (Hfold _ _ eq_refl) as (G1 & B1 & V1).
  destruct (intern T1 (Apply o ks) s) as [T2 k] eqn:E2. injection H as <- <-.
  destruct (intern_sound T1 (Apply o ks) s T2 k (grows_ok _ _ G1) B1 E2) as (G2 & B2 & V2).
  apply (made_then _ _ _ _ _ _ G1). apply atom_made. split; auto. split; auto.
  intros A HA ix Hix. rewrite (V2 A HA ix Hix). eapply den_agree; eauto.
  apply V1. eapply grows_fits; eauto.
Qed.

Lemma mul_sound T s x y T' p : ok T -> poly_below (next T) x -> poly_below (next T) y ->
  mk_mul fix_ T s x y = (T', p) -> made T T' s p (fun A ix => pval A x ix * pval A y ix).
Proof.
  intros Hok Hx Hy H. unfold mk_mul in H.
  destruct (constant x) as [q|] eqn:Cx; [|destruct (constant y) as [q|] eqn:Cy].
  - injection H as <- <-. apply made_pure; auto using scale_below. intros A ix _.
    now rewrite scale_poly_val, (constant_sound x q).
  - injection H as <- <-. apply made_pure; auto using scale_below. intros A ix _.
    rewrite scale_poly_val, (constant_sound y q) by auto. ring.
  - clear Cx Cy. destruct (single T s x) as [T1 t] eqn:E1. destruct (single T1 s y) as [T2 u] eqn:E2.
    destruct (single_sound _ _ _ _ _ Hok Hx E1) as (G1 & B1 & V1).
    assert (Hy1 : poly_below (next T1) y) by (eapply poly_below_up; [apply (grows_le _ _ G1)|auto]).
    destruct (single_sound _ _ _ _ _ (grows_ok _ _ G1) Hy1 E2) as (G2 & B2 & V2).
    apply (made_then _ _ _ _ _ _ G1).
    assert (L2 := grows_le _ _ G2). cbv zeta in H.
    destruct (within (length s + length (over t)) (factors t)) eqn:Hw.
    + injection H as <- <-. split; auto. split.
      { apply tidied_below, mul_below; auto. eapply term_below_up; eauto. }
      intros A HA ix Hix. pose proof (box_length rho _ _ Hix) as Hr.
      rewrite tidied_one, mul_terms_val, V1, V2; auto. eapply grows_fits; eauto.
    + apply (made_then _ _ _ _ _ _ G2).
      assert (Hx2 : poly_below (next T2) x).
      { eapply poly_below_up; [|exact Hx]. pose proof (grows_le _ _ G1). lia. }
      assert (Hy2 : poly_below (next T2) y) by (eapply poly_below_up; eauto).
      destruct (atomise T2 s x) as [T3 a] eqn:E3.
      destruct (atomise_sound _ _ _ _ _ (grows_ok _ _ G2) Hx2 E3) as (G3 & B3 & V3).
      assert (Hy3 : poly_below (next T3) y) by (eapply poly_below_up; [apply (grows_le _ _ G3)|auto]).
      destruct (atomise T3 s y) as [T4 b] eqn:E4.
      destruct (atomise_sound _ _ _ _ _ (grows_ok _ _ G3) Hy3 E4) as (G4 & B4 & V4).
      destruct (intern T4 (Apply (Map2 Mul) [a; b]) s) as [T5 k] eqn:E5. injection H as <- <-.
      pose proof (grows_le _ _ G4) as L4.
      destruct (intern_sound T4 (Apply (Map2 Mul) [a; b]) s T5 k (grows_ok _ _ G4)) as (G5 & B5 & V5); auto.
      { intros k' [<-|[<-|[]]]; auto. lia. }
      apply (made_then _ _ _ _ _ _ G3), (made_then _ _ _ _ _ _ G4), atom_made.
      split; auto. split; auto. intros A HA ix Hix.
      pose proof (grows_fits _ _ A G5 HA) as HA4. pose proof (grows_fits _ _ A G4 HA4) as HA3.
      rewrite (V5 A HA ix Hix). simpl. now rewrite (V3 A HA3 ix Hix), (V4 A HA4 ix Hix).
Qed.

Lemma point_sound T s f p T' q : ok T -> poly_below (next T) p -> mk_point T s f p = (T', q) ->
  made T T' s q (fun A ix => app1 f (pval A p ix)).
Proof.
  intros Hok Hp H. unfold mk_point in H.
  destruct (atomise_small T s p) as [[T1 k1] u] eqn:E1.
  destruct (atomise_small_sound _ _ _ _ _ _ Hok Hp E1) as (G1 & B1 & V1).
  destruct (intern T1 (Point f k1) []) as [T2 k2] eqn:E2. injection H as <- <-.
  destruct (intern_sound T1 (Point f k1) [] T2 k2 (grows_ok _ _ G1) B1 E2) as (G2 & B2 & V2).
  apply (made_then _ _ _ _ _ _ G1). split; auto. split; [now apply one_below, read_below|].
  intros A HA ix Hix. rewrite one_read, (V2 A HA). f_equal. apply V1; auto.
  eapply grows_fits; eauto.
Qed.

Lemma recip_factors_sound fs : forall T T' gs, ok T ->
  (forall k q, In (Read k q) fs -> (k < next T)%positive) -> recip_factors T fs = Some (T', gs) ->
  grows T T' /\ (forall k q, In (Read k q) gs -> (k < next T')%positive) /\
  forall A, fits A T' -> forall v, product rho A gs v = / product rho A fs v.
Proof.
  induction fs as [|[k q|d] fs IH]; simpl; intros T T' gs Hok Hfs H; [| |easy].
  - injection H as <- <-. split; [now apply grows_refl|]. split; [easy|]. intros A _ v. simpl. lra.
  - destruct (intern T (Point Recip k) []) as [T1 k1] eqn:E1.
    destruct (recip_factors T1 fs) as [[T2 gs2]|] eqn:E2; [|easy]. injection H as <- <-.
    destruct (intern_sound T (Point Recip k) [] T1 k1 Hok) as (G1 & B1 & V1); auto.
    { simpl. eauto. }
    destruct (IH T1 T2 gs2 (grows_ok _ _ G1)) as (G2 & B2 & V2); auto.
    { intros k' q' Hk. pose proof (grows_le _ _ G1). specialize (Hfs k' q' (or_intror Hk)). lia. }
    split; [eapply grows_trans; eauto|]. split.
    + intros k' q' [E|Hk]; [|eauto]. inversion E; subst. pose proof (grows_le _ _ G2). lia.
    + intros A HA v. simpl. rewrite (V2 A HA), Rinv_mult. f_equal.
      now rewrite (V1 A (grows_fits _ _ A G2 HA)).
Qed.

Lemma recip_sound T s p T' q : ok T -> poly_below (next T) p -> mk_recip fix_ T s p = (T', q) ->
  made T T' s q (fun A ix => / pval A p ix).
Proof.
  intros Hok Hp H.
  assert (Hgen : (let c := leading p in
    let '(T, x) := mk_point T s Recip (scale_poly (inverse_q c) p) in
    (T, scale_poly (inverse_q c) x)) = (T', q) -> made T T' s q (fun A ix => / pval A p ix)).
  { cbv zeta. destruct (mk_point _ _ _ _) as [T1 x] eqn:E. intros E'. injection E' as <- <-.
    destruct (point_sound _ _ _ _ _ _ Hok (scale_below _ _ _ Hp) E) as (G1 & B1 & V1).
    split; auto. split; auto using scale_below. intros A HA ix Hix.
    rewrite scale_poly_val, (V1 A HA ix Hix). simpl.
    rewrite scale_poly_val, ratio_inverse, Rinv_mult, Rinv_inv, <- Rmult_assoc, Rinv_l, Rmult_1_l;
      auto using leading_neq0. }
  unfold mk_recip in H. destruct p as [|[n d [|? ?] fs] [|t' p]]; try exact (Hgen H).
  destruct (recip_factors T fs) as [[T1 gs]|] eqn:E.
  2:{ now apply (point_sound T s Recip). }
  injection H as <- <-. destruct (recip_factors_sound fs T T1 gs Hok) as (G1 & B1 & V1); auto.
  { intros k q Hk. apply (Hp _ (or_introl eq_refl) k q Hk). }
  split; auto. split; [apply tidied_below; exact B1|].
  intros A HA ix Hix. rewrite tidied_one by now apply (box_length rho).
  rewrite pval_one. unfold term_val; cbn [num denom over factors sizes map box sum].
  rewrite <- surjective_pairing, ratio_inverse, !Rplus_0_r, (V1 A HA), Rinv_mult. reflexivity.
Qed.

Lemma all_some_sum (f : term -> option term) (v w : term -> R) p q :
  all_some f p = Some q -> (forall t t', f t = Some t' -> v t' = w t) -> sum q v = sum p w.
Proof.
  revert q. induction p as [|t p IH]; simpl; intros q H E; [injection H as <-; easy|].
  destruct (f t) as [t'|] eqn:Et; [|easy]. destruct (all_some f p) as [q'|]; [|easy].
  injection H as <-. simpl. rewrite (E t t' Et). now rewrite (IH q' eq_refl E).
Qed.
Lemma ein_sound T vs i o x y : ok T -> poly_below (next T) x -> below (length vs) i = true ->
  mk_ein fix_ vs i o x = Some y ->
  made T T (pick vs o) y (fun A => lin_app rho (Ein vs i o) (pval A x)).
Proof.
  intros Hok Hx Hi H. unfold mk_ein in H.
  destruct (all_some _ x) as [ts|] eqn:E; [|easy]. injection H as <-. apply made_pure; auto.
  - apply collect_below, map_below; [intros; now apply tidy_below|]. intros t Ht.
    destruct (all_some_in _ _ _ E t Ht) as (u & Hu & Er). eapply reduce_below; eauto.
    apply pull_below. now apply Hx.
  - intros A b Hb. rewrite collect_val. unfold poly_val. rewrite sum_map.
    transitivity (sum ts (fun t => term_val rho A t b)).
    { apply sum_ext. intros t _. apply tidy_val; auto. rewrite (box_length rho _ _ Hb).
      unfold pick. now rewrite map_length. }
    rewrite (all_some_sum _ (fun t => term_val rho A t b)
      (fun t => sum (boxs vs) (fun v => if index_eqb (pick v o) b
                 then term_val rho A (pull_term i (length vs) t) v else 0)) _ _ E).
    2:{ intros t t' Et. now apply (reduce_term_val rho A vs o _ t' b Et). }
    rewrite sum_swap. unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd]. apply sum_ext.
    intros v Hv. destruct (index_eqb (pick v o) b); [|apply sum_zero]. apply sum_ext. intros t _.
    rewrite <- (box_length rho _ _ Hv). apply pull_term_val. now rewrite (box_length rho _ _ Hv).
Qed.
Lemma ein2_sound T vs i j o x y T' p : ok T -> poly_below (next T) x -> poly_below (next T) y ->
  below (length vs) i = true -> below (length vs) j = true ->
  mk_ein2 fix_ T vs i j o x y = Some (T', p) ->
  made T T' (pick vs o) p (fun A => ein2 rho vs i j o (pval A x) (pval A y)).
Proof.
  intros Hok Hx Hy Hi Hj H.
  assert (Hzero : Some (T, []) = Some (T', p) -> (forall A v w, pval A x v * pval A y w = 0) ->
    made T T' (pick vs o) p (fun A => ein2 rho vs i j o (pval A x) (pval A y))).
  { intros E H0. injection E as <- <-. apply made_pure; auto; [easy|]. intros A b _. unfold ein2.
    symmetry. apply sum_none. intros v _. destruct (index_eqb _ b); auto. }
  unfold mk_ein2 in H. destruct x as [|x0 x']; [apply Hzero; auto; intros; unfold poly_val; simpl; ring|].
  destruct y as [|y0 y']; [apply Hzero; auto; intros; unfold poly_val; simpl; ring|].
  clear Hzero. set (x := x0 :: x') in *. set (y := y0 :: y') in *. clearbody x y. clear x0 x' y0 y'.
  destruct (single T (pick vs i) x) as [T1 t] eqn:E1. destruct (single T1 (pick vs j) y) as [T2 u] eqn:E2.
  destruct (single_sound _ _ _ _ _ Hok Hx E1) as (G1 & B1 & V1).
  assert (Hy1 : poly_below (next T1) y) by (eapply poly_below_up; [apply (grows_le _ _ G1)|auto]).
  destruct (single_sound _ _ _ _ _ (grows_ok _ _ G1) Hy1 E2) as (G2 & B2 & V2).
  apply (made_then _ _ _ _ _ _ G1). cbv zeta in H.
  set (t' := pull_term i (length vs) t) in *. set (u' := pull_term j (length vs) u) in *.
  destruct (within (length vs + length (over t')) (factors t')) eqn:Hw; [|easy].
  destruct (reduce_term vs o (mul_terms (length vs) t' u')) as [w|] eqn:E3; [|easy].
  injection H as <- <-. split; auto. split.
  { apply tidied_below. eapply reduce_below; eauto.
    apply mul_below; apply pull_below; auto. eapply term_below_up; [apply (grows_le _ _ G2)|auto]. }
  intros A HA b Hb. pose proof (grows_fits _ _ A G2 HA) as HA1.
  rewrite tidied_one.
  2:{ rewrite (box_length rho _ _ Hb). unfold pick. now rewrite map_length. }
  rewrite (reduce_term_val rho A vs o _ w b E3 Hb). apply sum_ext. intros v Hv.
  destruct (index_eqb (pick v o) b); auto. pose proof (box_length rho _ _ Hv) as Lv.
  rewrite mul_terms_val by auto. unfold t', u'. rewrite <- Lv, !pull_term_val by now rewrite Lv.
  rewrite V1, V2 by (auto using pick_in). reflexivity.
Qed.
Lemma lin_sound T l s s' x T' p : ok T -> poly_below (next T) x -> ty (Lin l) [s] = Some s' ->
  mk_lin T l s s' x = (T', p) -> made T T' s' p (fun A => lin_app rho l (pval A x)).
Proof.
  intros Hok Hx Hty H.
  assert (Hscale : forall c (u : tensor) b, lin_app rho l (fun ix => c * u ix) b = c * lin_app rho l u b).
  { intros c u b. unfold lin_app. rewrite <- sum_scal. apply sum_ext. intros q _.
    destruct (index_eqb (snd q) b); ring. }
  unfold mk_lin in H. destruct x as [|x0 x'].
  - injection H as <- <-. apply made_pure; auto. intros A b _. unfold poly_val; simpl. symmetry.
    apply sum_none. intros q _. now destruct (index_eqb (snd q) b).
  - set (x := x0 :: x') in *. cbv zeta in H. clearbody x. clear x0 x'.
    destruct (mk_apply _ _ _ _) as [T1 y] eqn:E. injection H as <- <-.
    apply (apply_sound (Lin l) s' [s]) in E as (G1 & B1 & V1); auto.
    2:{ intros z [<-|[]]. now apply scale_below. }
    split; auto. split; auto using scale_below. intros A HA b Hb.
    rewrite scale_poly_val, (V1 A HA b Hb). cbn [map snd den].
    rewrite <- Hscale. unfold lin_app. apply sum_ext. intros q _.
    destruct (index_eqb (snd q) b); auto. rewrite scale_poly_val, ratio_inverse.
    field. apply leading_neq0.
Qed.

Theorem mk_sound T o xs s T' p : ok T -> ty o (map fst xs) = Some s ->
  (forall x, In x xs -> poly_below (next T) (snd x)) -> mk fix_ T o xs s = (T', p) ->
  made T T' s p (fun A => den rho tr o (map (fun x => pval A (snd x)) xs)).
Proof.
  intros Hok Hty Hxs H.
  assert (Happ : mk_apply T o s xs = (T', p) ->
    made T T' s p (fun A => den rho tr o (map (fun x => pval A (snd x)) xs))).
  { intros Ha. now apply (apply_sound o s (map fst xs)). }
  destruct o as [f|f|l|vs i j o| |a d s0|d|d|]; cbn [mk] in H; auto.
  - destruct xs as [|[sx x] [|? ?]]; auto.
    assert (Hx : poly_below (next T) x) by (apply (Hxs (sx, x)); simpl; auto).
    simpl in Hty. injection Hty as ->. cbn [map snd den].
    destruct f; try (now apply point_sound).
    + injection H as <- <-. apply made_pure; auto.
      { apply add_poly_below; auto using const_below, scale_below. }
      intros A ix _. rewrite add_poly_val, const_poly_val, scale_poly_val, ratio_lowest. simpl.
      field. apply pos_neq0.
    + now apply (mul_sound T s x x).
    + now apply recip_sound.
  - destruct xs as [|[sx x] [|[sy y] [|? ?]]]; auto.
    assert (Hx : poly_below (next T) x) by (apply (Hxs (sx, x)); simpl; auto).
    assert (Hy : poly_below (next T) y) by (apply (Hxs (sy, y)); simpl; auto).
    simpl in Hty. destruct (index_eqb_spec sx sy) as [<-|]; [|easy]. injection Hty as ->.
    destruct f; auto; cbn [map snd den].
    + injection H as <- <-. apply made_pure; auto using add_poly_below.
      intros A ix _. now rewrite add_poly_val.
    + injection H as <- <-. apply made_pure; auto using add_poly_below, scale_below.
      intros A ix _. rewrite add_poly_val, scale_poly_val. unfold ratio; simpl. field.
    + now apply mul_sound.
    + destruct (mk_recip fix_ T s y) as [T1 z] eqn:E1.
      destruct (recip_sound _ _ _ _ _ Hok Hy E1) as (G1 & B1 & V1).
      apply (made_then _ _ _ _ _ _ G1).
      assert (Hx1 : poly_below (next T1) x) by (eapply poly_below_up; [apply (grows_le _ _ G1)|auto]).
      pose proof (mul_sound _ _ _ _ _ _ (grows_ok _ _ G1) Hx1 B1 H) as M.
      apply (made_ext _ _ _ _ _ _ M). intros A HA ix Hix.
      rewrite V1; auto. eapply grows_fits; [apply M|auto].
  - destruct xs as [|[sx x] [|? ?]]; [destruct l; auto| |destruct l; auto].
    assert (Hx : poly_below (next T) x) by (apply (Hxs (sx, x)); simpl; auto).
    cbn [map snd den]. simpl map in Hty.
    destruct l as [vs i o|c d d' s1|c d d' s1|s1 s2]; try (now apply (lin_sound T _ sx)).
    destruct (mk_ein fix_ vs i o x) as [y|] eqn:E; auto. injection H as <- <-.
    simpl in Hty. destruct (below _ i) eqn:Hi; [|easy]. destruct (_ && _) in Hty; [|easy].
    injection Hty as <-. now apply ein_sound.
  - destruct xs as [|[sx x] [|[sy y] [|? ?]]]; auto.
    assert (Hx : poly_below (next T) x) by (apply (Hxs (sx, x)); simpl; auto).
    assert (Hy : poly_below (next T) y) by (apply (Hxs (sy, y)); simpl; auto).
    destruct (mk_ein2 fix_ T vs i j o x y) as [[T1 q]|] eqn:E; auto. injection H as <- <-.
    simpl in Hty. destruct (_ && _) eqn:Hc in Hty; [|easy]. injection Hty as <-.
    cbn [map snd den]. repeat (apply andb_prop in Hc as [Hc ?]). now apply ein2_sound.
  - destruct xs; auto. injection H as <- <-. apply made_pure; auto using const_below.
    intros A ix _. now rewrite const_poly_val.
  - destruct xs; auto. injection H as <- <-. simpl in Hty. injection Hty as <-.
    apply made_pure; auto.
    + apply tidied_below. intros k q [E|[]]; discriminate.
    + intros A ix Hix. rewrite tidied_one by now apply (box_length rho) in Hix.
      unfold term_val, ratio. simpl. field.
Qed.

Lemma shorten_sound how T T0 o s p T1 q v : made T T0 s p v -> shorten how T0 o s p = (T1, q) ->
  made T T1 s q v.
Proof.
  intros (G0 & B0 & V0) H.
  assert (Hno : (T0, p) = (T1, q) -> made T T1 s q v).
  { intros E. injection E as <- <-. now split. }
  assert (Hyes : forall u, named T0 s p = (T1, u) -> q = [u] -> made T T1 s q v).
  { intros u E ->. destruct (named_sound _ _ _ _ _ (grows_ok _ _ G0) B0 E) as (G1 & B1 & V1).
    apply (made_then _ _ _ _ _ _ G0). split; auto. split; [now apply one_below|]. intros A HA ix Hix.
    rewrite pval_one, V1; auto. apply V0; auto. eapply grows_fits; eauto. }
  unfold shorten in H. destruct how; auto; destruct p as [|t [|? ?]]; auto;
    destruct (Nat.leb _ _); auto; destruct (named T0 s [t]) as [T' u] eqn:E.
  - injection H as <- <-. now apply (Hyes u).
  - destruct (Pos.eqb _ _); auto. injection H as <- <-. now apply (Hyes u).
Qed.

(** Slots of a program are represented by normal forms. *)
Definition represents (A : atoms) (m : list (shape * poly)) (she : nat -> shape) (E : env) : Prop :=
  forall j, (j < length m)%nat -> fst (nth j m none) = she j /\
    forall ix, In ix (boxs (she j)) -> E j ix = pval A (snd (nth j m none)) ix.
Definition all_below (T : table) (m : list (shape * poly)) : Prop :=
  forall x, In x m -> poly_below (next T) (snd x).

Lemma agree_slots A m she E ps : below (length m) ps = true -> represents A m she E ->
  map fst (map (fun j => nth j m none) ps) = map she ps /\
  agree rho (map she ps) (map E ps) (map (fun x => pval A (snd x)) (map (fun j => nth j m none) ps)).
Proof.
  intros Hb Hr. assert (H : forall j, In j ps -> (j < length m)%nat) by (intros; eapply in_below; eauto).
  clear Hb. induction ps as [|j ps IH]; simpl; auto.
  destruct (Hr j (H j (or_introl eq_refl))) as [H1 H2].
  destruct IH as [I1 I2]; [intros; apply H; simpl; auto|]. rewrite H1, I1. auto.
Qed.

Theorem enter_all_sound how p : forall T m T' m' she, ok T -> all_below T m ->
  enter_all fix_ how p T m = Some (T', m') ->
  (forall j, (j < length m)%nat -> fst (nth j m none) = she j) ->
  grows T T' /\ all_below T' m' /\ length m' = (length m + length p)%nat /\
  exists shf, infer p (length m) she = Some shf /\
    forall A E, fits A T' -> represents A m she E -> represents A m' shf (run rho tr p (length m) E).
Proof.
  induction p as [|[o ps] p IH]; intros T m T' m' she Hok Hm H Hsh; cbn [enter_all] in H.
  - injection H as <- <-. split; [now apply grows_refl|]. split; auto. split; [simpl; lia|].
    exists she. auto.
  - destruct (below (length m) ps) eqn:Hb; [|easy]. unfold enter in H.
    set (xs := map (fun j => nth j m none) ps) in *.
    destruct (ty o (map fst xs)) as [s|] eqn:Hty; [|easy].
    destruct (mk fix_ T o xs s) as [T0 q0] eqn:Hmk.
    destruct (shorten how T0 o s q0) as [T1 q] eqn:Hcut.
    assert (Hxs : forall x, In x xs -> poly_below (next T) (snd x)).
    { intros x Hx. apply in_map_iff in Hx as (j & <- & Hj). apply Hm, nth_In. eapply in_below; eauto. }
    destruct (shorten_sound _ _ _ _ _ _ _ _ _ (mk_sound T o xs s T0 q0 Hok Hty Hxs Hmk) Hcut)
      as (G1 & B1 & V1).
    assert (Hshapes : map fst xs = map she ps).
    { unfold xs. rewrite map_map. apply map_ext_in. intros j Hj. apply Hsh. eapply in_below; eauto. }
    assert (Hm1 : all_below T1 (m ++ [(s, q)])).
    { intros x Hx. apply in_app_iff in Hx as [Hx|[<-|[]]]; auto.
      eapply poly_below_up; [apply (grows_le _ _ G1)|]. now apply Hm. }
    assert (Hsh1 : forall j, (j < length (m ++ [(s, q)]))%nat ->
      fst (nth j (m ++ [(s, q)]) none) = put she (length m) s j).
    { intros j Hj. rewrite app_length in Hj. simpl in Hj. destruct (Nat.eq_dec j (length m)) as [->|].
      - now rewrite app_nth2, Nat.sub_diag, put_same by lia.
      - rewrite app_nth1, put_other by lia. apply Hsh. lia. }
    destruct (IH T1 _ T' m' (put she (length m) s) (grows_ok _ _ G1) Hm1 H Hsh1)
      as (G2 & B2 & L2 & shf & I2 & R2).
    rewrite app_length in L2, I2. simpl in L2, I2. rewrite Nat.add_1_r in I2.
    split; [eapply grows_trans; eauto|]. split; auto. split; [simpl; lia|].
    exists shf. split; [cbn [infer]; now rewrite Hb, <- Hshapes, Hty|].
    intros A E HA Hr. pose proof (grows_fits _ _ A G2 HA) as HA1.
    specialize (R2 A (put E (length m) (den rho tr o (map E ps))) HA).
    rewrite app_length in R2. simpl in R2. rewrite Nat.add_1_r in R2. cbn [run]. apply R2.
    destruct (agree_slots A m she E ps Hb Hr) as [_ Hag]. fold xs in Hag. rewrite <- Hshapes in Hag.
    intros j Hj. rewrite app_length in Hj. simpl in Hj.
    destruct (Nat.eq_dec j (length m)) as [->|Hne].
    + rewrite app_nth2, Nat.sub_diag, !put_same by lia. cbn [nth fst snd]. split; auto.
      intros ix Hix. rewrite (V1 A HA1 ix Hix). eapply den_agree; eauto.
    + rewrite app_nth1, !put_other by lia. apply Hr. lia.
Qed.

(** The inputs. *)
Fixpoint enter_inputs (ss : list shape) (i : nat) (T : table) : table * list (shape * poly) :=
  match ss with
  | [] => (T, [])
  | s :: ss => let '(T, k) := intern T (Input i) s in
               let '(T, m) := enter_inputs ss (S i) T in (T, (s, atom_poly (length s) k) :: m)
  end.
Lemma enter_inputs_sound ss : forall i T T' m, ok T -> enter_inputs ss i T = (T', m) ->
  grows T T' /\ all_below T' m /\ length m = length ss /\
  (forall j, (j < length ss)%nat -> fst (nth j m none) = nth j ss []) /\
  forall A, fits A T' -> forall j, (j < length ss)%nat -> forall ix, In ix (boxs (nth j ss [])) ->
    e (i + j)%nat ix = pval A (snd (nth j m none)) ix.
Proof.
  induction ss as [|s ss IH]; simpl; intros i T T' m Hok H.
  - injection H as <- <-. split; [now apply grows_refl|]. split; [easy|]. repeat split; intros; lia.
  - destruct (intern T (Input i) s) as [T1 k] eqn:E1.
    destruct (enter_inputs ss (S i) T1) as [T2 m2] eqn:E2. injection H as <- <-.
    destruct (intern_sound T (Input i) s T1 k Hok I E1) as (G1 & B1 & V1).
    destruct (IH _ _ _ _ (grows_ok _ _ G1) E2) as (G2 & B2 & L2 & S2 & V2).
    split; [eapply grows_trans; eauto|]. pose proof (grows_le _ _ G2) as L. split.
    { intros x [<-|Hx]; auto. apply one_below, read_below. lia. }
    split; [simpl; lia|]. split.
    { intros [|j] Hj; simpl; auto. apply S2. lia. }
    intros A HA [|j] Hj ix Hix; simpl in Hix |- *.
    + rewrite Nat.add_0_r, <- (box_length rho _ _ Hix), atom_poly_val. symmetry.
      apply (V1 A (grows_fits _ _ A G2 HA) ix Hix).
    + rewrite <- Nat.add_succ_comm. apply V2; auto. lia.
Qed.
End Sound.

(** ** Two programs over the same inputs *)
Definition empty : table := {| next := 1; known := PositiveMap.empty _ |}.
Definition same_value (x y : shape * poly) : bool :=
  index_eqb (fst x) (fst y) && compare_poly (snd x) (snd y).
Definition same_with (how how' : naming) (fix_ : fixed_sizes) (ins : list shape) (p q : program)
  (outs : list (nat * nat)) : bool :=
  let '(T, m0) := enter_inputs ins 0 empty in
  match enter_all fix_ how p T m0 with
  | None => false
  | Some (T, m) =>
      match enter_all fix_ how' q T m0 with
      | None => false
      | Some (_, m') =>
          forallb (fun ij => Nat.ltb (fst ij) (length m) && Nat.ltb (snd ij) (length m')
                             && same_value (nth (fst ij) m none) (nth (snd ij) m' none)) outs
      end
  end.

(** Programs that associate their products differently may have names for different ones: then without. *)
Definition same (fix_ : fixed_sizes) (ins : list shape) (p q : program) (outs : list (nat * nat)) : bool :=
  if same_with Long Known fix_ ins p q outs then true else same_with Never Never fix_ ins p q outs.

Theorem same_with_sound how how' rho tr e fix_ ins p q outs : same_with how how' fix_ ins p q outs = true ->
  (forall d n, In (d, n) fix_ -> rho d = n) ->
  let n := length ins in let sh k := nth k ins [] in
  exists shp shq, infer p n sh = Some shp /\ infer q n sh = Some shq /\
  forall i j, In (i, j) outs -> (j < n + length q)%nat /\ shp i = shq j /\
    forall ix, In ix (box (sizes rho (shp i))) -> run rho tr p n e i ix = run rho tr q n e j ix.
Proof.
  intros H Hfix n sh. unfold same_with in H.
  assert (H0 : ok empty).
  { intros h en s k. unfold bucket, empty; cbn [known]. now rewrite PositiveMap.gempty. }
  destruct (enter_inputs ins 0 empty) as [T0 m0] eqn:E0.
  destruct (enter_inputs_sound rho tr e ins 0 _ _ _ H0 E0) as (G0 & B0 & L0 & S0 & V0).
  destruct (enter_all fix_ how p T0 m0) as [[T1 m1]|] eqn:E1; [|easy].
  destruct (enter_all fix_ how' q T1 m0) as [[T2 m2]|] eqn:E2; [|easy].
  assert (Hsh : forall j, (j < length m0)%nat -> fst (nth j m0 none) = sh j).
  { intros j Hj. apply S0. lia. }
  pose proof (grows_ok rho tr e _ _ G0) as K0.
  destruct (enter_all_sound rho tr e fix_ Hfix how p T0 m0 T1 m1 sh K0 B0 E1 Hsh)
    as (G1 & B1 & L1 & shp & I1 & R1).
  assert (B01 : all_below T1 m0).
  { intros x Hx. eapply poly_below_up; [apply (grows_le rho tr e _ _ G1)|]. now apply B0. }
  destruct (enter_all_sound rho tr e fix_ Hfix how' q T1 m0 T2 m2 sh (grows_ok rho tr e _ _ G1) B01 E2 Hsh)
    as (G2 & B2 & L2 & shq & I2 & R2).
  rewrite L0 in *. fold n in I1, I2, R1, R2, L1, L2. exists shp, shq. split; auto. split; auto.
  intros i j Hij. rewrite forallb_forall in H. specialize (H _ Hij). cbn [fst snd] in H.
  apply andb_prop in H as [H Hs]. apply andb_prop in H as [Hi Hj]. apply Nat.ltb_lt in Hi, Hj.
  unfold same_value in Hs. apply andb_prop in Hs as [Hs Hp].
  destruct (index_eqb_spec (fst (nth i m1 none)) (fst (nth j m2 none))) as [Es|]; [|easy].
  apply compare_poly_eq in Hp.
  assert (Hex : exists A, fits rho tr e A T2).
  { pose proof (grows_trans rho tr e _ _ _ (grows_trans rho tr e _ _ _ G0 G1) G2) as (_ & _ & _ & G).
    destruct (G (fun _ => zero)) as (A & HA & _); [|now exists A].
    intros h en s k. unfold bucket, empty; cbn [known]. now rewrite PositiveMap.gempty. }
  destruct Hex as [A HA2]. pose proof (grows_fits rho tr e _ _ A G2 HA2) as HA1.
  pose proof (grows_fits rho tr e _ _ A G1 HA1) as HA0.
  assert (R0 : represents rho A m0 sh e).
  { intros k Hk. rewrite L0 in Hk. split; [now apply Hsh|]. intros ix Hix.
    exact (V0 A HA0 k Hk ix Hix). }
  specialize (R1 A e HA1 R0). specialize (R2 A e HA2 R0).
  destruct (R1 i Hi) as [P1 P2]. destruct (R2 j Hj) as [Q1 Q2].
  assert (E : shp i = shq j) by congruence. split; [lia|]. split; auto.
  intros ix Hix. rewrite (P2 ix Hix). rewrite (Q2 ix) by (rewrite <- E; exact Hix). now rewrite Hp.
Qed.
Theorem same_sound rho tr e fix_ ins p q outs : same fix_ ins p q outs = true ->
  (forall d n, In (d, n) fix_ -> rho d = n) ->
  let n := length ins in let sh k := nth k ins [] in
  exists shp shq, infer p n sh = Some shp /\ infer q n sh = Some shq /\
  forall i j, In (i, j) outs -> (j < n + length q)%nat /\ shp i = shq j /\
    forall ix, In ix (box (sizes rho (shp i))) -> run rho tr p n e i ix = run rho tr q n e j ix.
Proof.
  unfold same. destruct (same_with Long Known fix_ ins p q outs) eqn:E; intros H.
  - now apply (same_with_sound Long Known).
  - now apply (same_with_sound Never Never).
Qed.
