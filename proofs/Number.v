(** * Comparing two programs by value numbering

    The compiler may share, drop, reorder and simplify nodes on its way to an estimator.  To compare
    its program with the one that [Graph.v] derives, both are entered into one table of distinct,
    typed, simplified nodes; equal slots mean equal values ([same_sound]).  The simplifications are
    the smart constructors [mk_...] below, each with its lemma. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith FMapPositive FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program.
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

(** ** Tables *)
Definition entry := (node * shape)%type.
Record table := { entries : list entry; hints : PositiveMap.t (list nat) }.
Definition empty : table := {| entries := []; hints := PositiveMap.empty _ |}.

Section Table.
Variable n : nat.              (** inputs *)
Variable sh : nat -> shape.    (** their shapes *)

Definition size (t : table) : nat := n + length (entries t).
Definition entry_at (es : list entry) (k : nat) : option entry :=
  if Nat.ltb k n then None else nth_error es (k - n).
Definition shape_at (es : list entry) (k : nat) : shape :=
  if Nat.ltb k n then sh k else match nth_error es (k - n) with Some (_, s) => s | None => [] end.

(** The hints tell where equal nodes may be; they need not be right. *)
Definition key (ps : list nat) : positive := Pos.of_succ_nat (fold_left Nat.add ps 0%nat).
Definition hinted (t : table) (ps : list nat) : list nat :=
  match PositiveMap.find (key ps) (hints t) with Some ks => ks | None => [] end.
Definition is_node (es : list entry) (o : op) (ps : list nat) (k : nat) : bool :=
  match entry_at es k with
  | Some (o', ps', _) => op_eqb o' o && index_eqb ps' ps
  | None => false
  end.

Definition add (t : table) (o : op) (ps : list nat) : option (table * nat) :=
  if below (size t) ps then
    match ty o (map (shape_at (entries t)) ps) with
    | None => None
    | Some s =>
        match find (is_node (entries t) o ps) (hinted t ps) with
        | Some k => Some (t, k)
        | None => Some ({| entries := entries t ++ [(o, ps, s)];
                           hints := PositiveMap.add (key ps) (size t :: hinted t ps) (hints t) |},
                        size t)
        end
    end
  else None.

(** ** Simplifying constructors *)
Definition const_at (t : table) (k : nat) : option (Z * positive) :=
  match entry_at (entries t) k with Some (Const a d _, [], _) => Some (a, d) | _ => None end.
Definition affine_at (t : table) (k : nat) : option (Z * Z * positive * nat) :=
  match entry_at (entries t) k with
  | Some (Map1 (Affine a b d), [x], _) => Some (a, b, d, x)
  | _ => None
  end.
(** (a x + b) / d in lowest terms. *)
Definition lowest (a b : Z) (d : positive) : Z * Z * positive :=
  let g := Z.gcd (Z.gcd a b) (Zpos d) in
  let a' := Z.div a g in let b' := Z.div b g in
  match Z.div (Zpos d) g with
  | Zpos d' => if Z.eqb (a' * Zpos d) (a * Zpos d') && Z.eqb (b' * Zpos d) (b * Zpos d')
               then (a', b', d') else (a, b, d)
  | _ => (a, b, d)
  end.
Definition mk_const (t : table) (a : Z) (d : positive) (s : shape) :=
  let '(_, a, d) := lowest 0 a d in add t (Const a d s) [].
Definition mk_affine_raw (t : table) (a b : Z) (d : positive) (x : nat) :=
  let '(a, b, d) := lowest a b d in
  if Z.eqb a (Zpos d) && Z.eqb b 0 && Nat.ltb x (size t) then Some (t, x)
  else add t (Map1 (Affine a b d)) [x].
Definition mk_affine (t : table) (a b : Z) (d : positive) (x : nat) :=
  match const_at t x with
  | Some (p, q) => mk_const t (a * p + b * Zpos q) (q * d) (shape_at (entries t) x)
  | None =>
      match affine_at t x with
      | Some (a', b', d', y) => mk_affine_raw t (a * a') (a * b' + b * Zpos d') (d * d') y
      | None => mk_affine_raw t a b d x
      end
  end.
Definition mk_sorted (t : table) (f : fn2) (x y : nat) :=
  add t (Map2 f) (if Nat.leb x y then [x; y] else [y; x]).
Definition bind (r : option (table * nat)) (f : table -> nat -> option (table * nat)) :=
  match r with Some (t, k) => f t k | None => None end.
(** A constant factor of an operand becomes one of the result: (a x / d) y = a (x y) / d. *)
Definition scale_at (t : table) (k : nat) : option (Z * positive * nat) :=
  match affine_at t k with Some (a, Z0, d, x) => Some (a, d, x) | _ => None end.
Definition mk_scaled (t : table) (x : nat) (make : table -> nat -> option (table * nat)) :=
  match scale_at t x with
  | Some (a, d, x') => bind (make t x') (fun t z => mk_affine t a 0 d z)
  | None => make t x
  end.
Definition mk_mul (t : table) (x y : nat) :=
  match const_at t x with
  | Some (p, q) => mk_affine t p 0 q y
  | None => match const_at t y with
            | Some (p, q) => mk_affine t p 0 q x
            | None => mk_scaled t x (fun t x => mk_scaled t y (fun t y => mk_sorted t Mul x y))
            end
  end.
Definition mk_ein2 (t : table) (vs : shape) (i j o : list nat) (x y : nat) :=
  mk_scaled t x (fun t x => mk_scaled t y (fun t y => add t (Ein2 vs i j o) [x; y])).
Definition mk_lin (t : table) (l : lin) (x : nat) :=
  mk_scaled t x (fun t x => add t (Lin l) [x]).
Definition mk_add (t : table) (x y : nat) :=
  match const_at t x with
  | Some (p, q) => mk_affine t (Zpos q) p q y
  | None => match const_at t y with
            | Some (p, q) => mk_affine t (Zpos q) p q x
            | None => mk_sorted t Add x y
            end
  end.
(** [l] reads its operand once for every element of the result: out(v) = in(v.i). *)
Definition pull_of (l : lin) : option (shape * list nat) :=
  match l with Ein vs i o => if index_eqb o (all_axes vs) then Some (vs, i) else None | _ => None end.
Definition pull_at (t : table) (k : nat) : option (shape * list nat * nat) :=
  match entry_at (entries t) k with
  | Some (Lin l, [x], _) =>
      match pull_of l with Some (vs, i) => Some (vs, i, x) | None => None end
  | _ => None
  end.
Definition mk_pull_raw (t : table) (vs : shape) (i : list nat) (x : nat) :=
  if index_eqb i (all_axes vs) && index_eqb (shape_at (entries t) x) vs && Nat.ltb x (size t)
  then Some (t, x) else add t (Lin (Ein vs i (all_axes vs))) [x].
Definition mk_pull (t : table) (vs : shape) (i : list nat) (x : nat) :=
  match const_at t x with
  | Some (p, q) => mk_const t p q vs
  | None =>
      match pull_at t x with
      | Some (vs', i', y) => mk_pull_raw t vs (pick i i') y
      | None => mk_pull_raw t vs i x
      end
  end.

Definition mk (t : table) (o : op) (ps : list nat) : option (table * nat) :=
  match o, ps with
  | Const a d s, [] => mk_const t a d s
  | Map1 (Affine a b d), [x] => mk_affine t a b d x
  | Map1 Square, [x] => mk_mul t x x
  | Map2 Add, [x; y] => mk_add t x y
  | Map2 Mul, [x; y] => mk_mul t x y
  | Map2 Sub, [x; y] => bind (mk_affine t (-1) 0 1 y) (fun t z => mk_add t x z)
  | Map2 Div, [x; y] => bind (add t (Map1 Recip) [y]) (fun t z => mk_mul t x z)
  | Lin l, [x] =>
      match pull_of l with Some (vs, i) => mk_pull t vs i x | None => mk_lin t l x end
  | Ein2 vs i j o, [x; y] => mk_ein2 t vs i j o x y
  | _, _ => add t o ps
  end.
(** Simplifies only what is well typed. *)
Definition enter (t : table) (o : op) (ps : list nat) : option (table * nat) :=
  if below (size t) ps then
    match ty o (map (shape_at (entries t)) ps) with Some _ => mk t o ps | None => None end
  else None.

(** Enters a whole program; [m] maps its slots to slots of the table. *)
Fixpoint enter_all (p : program) (t : table) (m : list nat) : option (table * list nat) :=
  match p with
  | [] => Some (t, m)
  | (o, ps) :: p =>
      if below (length m) ps then
        match enter t o (map (fun j => nth j m 0%nat) ps) with
        | Some (t, k) => enter_all p t (m ++ [k])
        | None => None
        end
      else None
  end.

(** ** Soundness *)
Section Sound.
Variable rho : dim -> nat.
Variable tr : nat -> tensor.
Variable e : env.
Notation boxs s := (box (sizes rho s)).

Definition at_slot (es : list entry) (k : nat) : tensor := run rho tr (map fst es) n e k.

Definition typed_entries (es : list entry) : Prop :=
  forall k o ps s, nth_error es k = Some (o, ps, s) ->
    (forall j, In j ps -> (j < n + k)%nat) /\ ty o (map (shape_at es) ps) = Some s.

Lemma at_slot_app es fs k : (k < n + length es)%nat -> at_slot (es ++ fs) k = at_slot es k.
Proof.
  intros H. unfold at_slot. rewrite map_app, run_app. apply run_below. now rewrite map_length.
Qed.
Lemma shape_at_app es fs k : (k < n + length es)%nat -> shape_at (es ++ fs) k = shape_at es k.
Proof.
  intros H. unfold shape_at. destruct (Nat.ltb_spec k n); auto. rewrite nth_error_app1; auto. lia.
Qed.

Lemma at_slot_entry es k o ps s : typed_entries es -> nth_error es k = Some (o, ps, s) ->
  at_slot es (n + k) = den rho tr o (map (at_slot es) ps).
Proof.
  intros Ht Hk. destruct (nth_error_split _ _ Hk) as (es1 & es2 & E1 & E2). subst es k.
  destruct (Ht _ _ _ _ Hk) as [Hps _].
  transitivity (den rho tr o (map (at_slot es1) ps)).
  - unfold at_slot at 1. rewrite map_app, run_app. simpl. rewrite map_length.
    rewrite run_below, put_same by lia. reflexivity.
  - f_equal. apply map_ext_in. intros j Hj. symmetry. apply at_slot_app. auto.
Qed.
Lemma entry_at_some es k o ps s : typed_entries es -> entry_at es k = Some (o, ps, s) ->
  (n <= k < n + length es)%nat /\ at_slot es k = den rho tr o (map (at_slot es) ps) /\
  shape_at es k = s /\ (forall j, In j ps -> (j < k)%nat) /\ ty o (map (shape_at es) ps) = Some s.
Proof.
  unfold entry_at. intros Ht H. destruct (Nat.ltb_spec k n); [easy|].
  assert (Hl : (k - n < length es)%nat) by (apply nth_error_Some; congruence).
  destruct (Ht _ _ _ _ H) as [Hps Hty]. split; [lia|]. split.
  - rewrite <- (at_slot_entry es (k - n) o ps s Ht H). f_equal. lia.
  - split.
    + unfold shape_at. destruct (Nat.ltb_spec k n); [lia|]. now rewrite H.
    + split; auto. intros j Hj. specialize (Hps j Hj). lia.
Qed.

(** [built t t' k s v]: from [t] we came to [t'], where slot [k] of shape [s] holds [v]. *)
Definition built (t t' : table) (k : nat) (s : shape) (v : tensor) : Prop :=
  typed_entries (entries t') /\ (exists es, entries t' = entries t ++ es) /\
  (k < size t')%nat /\ shape_at (entries t') k = s /\
  forall ix, In ix (boxs s) -> at_slot (entries t') k ix = v ix.
Notation ok t := (typed_entries (entries t)).

Lemma built_here t k s v : ok t -> (k < size t)%nat -> shape_at (entries t) k = s ->
  (forall ix, In ix (boxs s) -> at_slot (entries t) k ix = v ix) -> built t t k s v.
Proof.
  intros H H1 H2 H3. split; [exact H|]. split; [exists []; now rewrite app_nil_r|]. auto.
Qed.
Lemma built_ext t t' k s v w : built t t' k s v -> (forall ix, In ix (boxs s) -> v ix = w ix) ->
  built t t' k s w.
Proof.
  intros (H1 & H2 & H3 & H4 & H5) H. do 4 (split; [assumption|]).
  intros ix Hix. rewrite H5, H; auto.
Qed.
Lemma built_old t t' k s v j : built t t' k s v -> (j < size t)%nat ->
  at_slot (entries t') j = at_slot (entries t) j /\
  shape_at (entries t') j = shape_at (entries t) j /\ (j < size t')%nat.
Proof.
  intros (_ & (es & E) & _) Hj. unfold size in *. rewrite E, at_slot_app, shape_at_app by auto.
  rewrite app_length. repeat split; auto. lia.
Qed.
Lemma built_then t t1 t2 k k' s s' v w : built t t1 k s v -> built t1 t2 k' s' w -> built t t2 k' s' w.
Proof.
  intros (_ & (es & E) & _) (H1 & (fs & F) & H3). split; auto. split; auto.
  exists (es ++ fs). rewrite F, E. now rewrite app_assoc.
Qed.

Lemma add_sound t o ps t' k : ok t -> add t o ps = Some (t', k) ->
  exists s, ty o (map (shape_at (entries t)) ps) = Some s /\
            built t t' k s (den rho tr o (map (at_slot (entries t)) ps)).
Proof.
  unfold add. intros Ht H. destruct (below (size t) ps) eqn:Hb; [|easy].
  destruct (ty o _) as [s|] eqn:Hty; [|easy]. exists s. split; auto.
  destruct (find _ _) as [k0|] eqn:Hf; injection H as <- <-.
  - apply find_some in Hf as [_ Hf]. unfold is_node in Hf.
    destruct (entry_at (entries t) k0) as [[[o' ps'] s']|] eqn:He; [|easy].
    apply andb_prop in Hf as [Ho Hp]. apply op_eqb_eq in Ho. subst o'.
    destruct (index_eqb_spec ps' ps); [subst|easy].
    destruct (entry_at_some _ _ _ _ _ Ht He) as (H1 & H2 & H3 & _ & H4).
    rewrite Hty in H4. injection H4 as <-. apply built_here; auto; [unfold size; lia|].
    intros ix _. now rewrite H2.
  - assert (Ht' : typed_entries (entries t ++ [(o, ps, s)])).
    { intros i o1 ps1 s1 Hi. destruct (Nat.lt_ge_cases i (length (entries t))) as [Hl|Hl].
      - rewrite nth_error_app1 in Hi by auto. destruct (Ht _ _ _ _ Hi) as [H1 H2]. split; auto.
        rewrite <- H2. f_equal. apply map_ext_in. intros j Hj. apply shape_at_app.
        specialize (H1 j Hj). lia.
      - rewrite nth_error_app2 in Hi by auto.
        destruct (i - length (entries t))%nat as [|[|]] eqn:Ei; simpl in Hi; try discriminate.
        injection Hi as <- <- <-. split.
        + intros j Hj. pose proof (in_below _ _ _ Hb Hj). unfold size in *. lia.
        + rewrite <- Hty. f_equal. apply map_ext_in. intros j Hj. apply shape_at_app.
          exact (in_below _ _ _ Hb Hj). }
    split; auto. split; [now exists [(o, ps, s)]|]. unfold size; cbn [entries].
    rewrite app_length. split; [simpl; lia|]. split.
    + unfold shape_at. destruct (Nat.ltb_spec (n + length (entries t)) n); [lia|].
      rewrite nth_error_app2 by lia.
      now replace (n + length (entries t) - n - length (entries t))%nat with 0%nat by lia.
    + intros ix _. rewrite (at_slot_entry _ (length (entries t)) o ps s Ht').
      * rewrite (map_ext_in _ (at_slot (entries t))); auto. intros j Hj. apply at_slot_app.
        exact (in_below _ _ _ Hb Hj).
      * rewrite nth_error_app2, Nat.sub_diag by lia. reflexivity.
Qed.

Lemma const_at_sound t k p q : ok t -> const_at t k = Some (p, q) ->
  at_slot (entries t) k = fun _ => IZR p / IZR (Zpos q).
Proof.
  unfold const_at. intros Ht H. destruct (entry_at _ k) as [[[o ps] s]|] eqn:E; [|easy].
  destruct o; try easy. destruct ps; try easy. injection H as <- <-.
  now destruct (entry_at_some _ _ _ _ _ Ht E) as (_ & -> & _).
Qed.
Lemma affine_at_sound t k a b d x : ok t -> affine_at t k = Some (a, b, d, x) ->
  (x < size t)%nat /\ shape_at (entries t) x = shape_at (entries t) k /\
  at_slot (entries t) k
  = fun ix => (IZR a * at_slot (entries t) x ix + IZR b) / IZR (Zpos d).
Proof.
  unfold affine_at. intros Ht H. destruct (entry_at _ k) as [[[o ps] s]|] eqn:E; [|easy].
  destruct o as [f| | | | | | | |]; try easy. destruct f; try easy.
  destruct ps as [|y [|]]; try easy. injection H as -> -> -> ->.
  destruct (entry_at_some _ _ _ _ _ Ht E) as (H1 & -> & H3 & H4 & H5).
  specialize (H4 x (or_introl eq_refl)). unfold size. split; [lia|]. simpl in H5. split; auto.
  injection H5 as ->. auto.
Qed.

Lemma lowest_sound a b d a' b' d' : lowest a b d = (a', b', d') ->
  forall x, (IZR a' * x + IZR b') / IZR (Zpos d') = (IZR a * x + IZR b) / IZR (Zpos d).
Proof.
  unfold lowest. intros H x. set (g := Z.gcd (Z.gcd a b) (Zpos d)) in *.
  assert (Hd : forall q : positive, IZR (Zpos q) <> 0) by (intros; apply not_0_IZR; lia).
  destruct (Z.div (Zpos d) g) as [|q|q]; try (now injection H as <- <- <-).
  destruct (Z.eqb_spec (Z.div a g * Zpos d) (a * Zpos q)) as [Ea|]; simpl in H;
    [|now injection H as <- <- <-].
  destruct (Z.eqb_spec (Z.div b g * Zpos d) (b * Zpos q)) as [Eb|]; simpl in H;
    [|now injection H as <- <- <-].
  injection H as <- <- <-. apply (f_equal IZR) in Ea, Eb. rewrite !mult_IZR in Ea, Eb.
  apply (Rmult_eq_reg_r (IZR (Zpos q) * IZR (Zpos d))).
  2: apply Rmult_integral_contrapositive; auto.
  replace ((IZR (Z.div a g) * x + IZR (Z.div b g)) / IZR (Zpos q) * (IZR (Zpos q) * IZR (Zpos d)))
    with (IZR (Z.div a g) * IZR (Zpos d) * x + IZR (Z.div b g) * IZR (Zpos d)) by (field; auto).
  rewrite Ea, Eb. field. auto.
Qed.

Lemma mk_const_sound t a d s t' k : ok t -> mk_const t a d s = Some (t', k) ->
  built t t' k s (fun _ => IZR a / IZR (Zpos d)).
Proof.
  unfold mk_const. intros Ht H. destruct (lowest 0 a d) as [[z a'] d'] eqn:E.
  destruct (add_sound _ _ _ _ _ Ht H) as (s' & Hs & Hb). simpl in Hs. injection Hs as <-.
  apply (built_ext _ _ _ _ _ _ Hb). intros ix _. simpl.
  pose proof (lowest_sound _ _ _ _ _ _ E 0) as L. rewrite !Rmult_0_r, !Rplus_0_l in L. exact L.
Qed.
Lemma mk_affine_raw_sound t a b d x t' k : ok t -> (x < size t)%nat ->
  mk_affine_raw t a b d x = Some (t', k) ->
  built t t' k (shape_at (entries t) x)
        (fun ix => (IZR a * at_slot (entries t) x ix + IZR b) / IZR (Zpos d)).
Proof.
  unfold mk_affine_raw. intros Ht Hx H. destruct (lowest a b d) as [[a' b'] d'] eqn:E.
  pose proof (lowest_sound _ _ _ _ _ _ E) as L.
  destruct (Z.eqb_spec a' (Zpos d')), (Z.eqb_spec b' 0), (Nat.ltb_spec x (size t)); simpl in H;
    try (destruct (add_sound _ _ _ _ _ Ht H) as (s & Hs & Hb); simpl in Hs; injection Hs as <-;
         apply (built_ext _ _ _ _ _ _ Hb); intros ix _; apply L).
  injection H as <- <-. apply built_here; auto. intros ix _. rewrite <- L. subst. field.
  apply not_0_IZR; lia.
Qed.
Lemma mk_affine_sound t a b d x t' k : ok t -> (x < size t)%nat ->
  mk_affine t a b d x = Some (t', k) ->
  built t t' k (shape_at (entries t) x)
        (fun ix => (IZR a * at_slot (entries t) x ix + IZR b) / IZR (Zpos d)).
Proof.
  unfold mk_affine. intros Ht Hx H.
  assert (Hd : forall q : positive, IZR (Zpos q) <> 0) by (intros; apply not_0_IZR; lia).
  destruct (const_at t x) as [[p q]|] eqn:Ec.
  - apply (built_ext _ _ _ _ _ _ (mk_const_sound _ _ _ _ _ _ Ht H)). intros ix _.
    rewrite (const_at_sound _ _ _ _ Ht Ec), Pos2Z.inj_mul, plus_IZR, !mult_IZR. field. auto.
  - destruct (affine_at t x) as [[[[a' b'] d'] y]|] eqn:Ea.
    + destruct (affine_at_sound _ _ _ _ _ _ Ht Ea) as (Hy & Hs & Hv). rewrite <- Hs.
      apply (built_ext _ _ _ _ _ _ (mk_affine_raw_sound _ _ _ _ _ _ _ Ht Hy H)). intros ix _.
      rewrite Hv, Pos2Z.inj_mul, plus_IZR, !mult_IZR. field. auto.
    + now apply mk_affine_raw_sound.
Qed.
Lemma mk_sorted_sound t f x y t' k : ok t ->
  (forall a b, app2 f a b = app2 f b a) ->
  shape_at (entries t) x = shape_at (entries t) y -> mk_sorted t f x y = Some (t', k) ->
  built t t' k (shape_at (entries t) x)
        (fun ix => app2 f (at_slot (entries t) x ix) (at_slot (entries t) y ix)).
Proof.
  unfold mk_sorted. intros Ht Hc Hs H.
  destruct (add_sound _ _ _ _ _ Ht H) as (s & Hty & Hb).
  destruct (Nat.leb x y); simpl in Hty; rewrite Hs, index_eqb_refl in Hty; injection Hty as <-;
    rewrite ?Hs; auto.
  apply (built_ext _ _ _ _ _ _ Hb). intros ix _. apply Hc.
Qed.
Lemma scale_at_sound t k a d x : ok t -> scale_at t k = Some (a, d, x) ->
  (x < size t)%nat /\ shape_at (entries t) x = shape_at (entries t) k /\
  at_slot (entries t) k = fun ix => IZR a / IZR (Zpos d) * at_slot (entries t) x ix.
Proof.
  unfold scale_at. intros Ht H. destruct (affine_at t k) as [[[[a' b'] d'] x']|] eqn:E; [|easy].
  destruct b'; try easy. injection H as -> -> ->.
  destruct (affine_at_sound _ _ _ _ _ _ Ht E) as (H1 & H2 & ->). repeat split; auto.
  apply functional_extensionality; intros ix. field. apply not_0_IZR; lia.
Qed.
(** [v] is what [make] builds from an operand; it must be linear in it and look at nothing but the
    operand's shape and value. *)
Lemma mk_scaled_sound (v : tensor -> tensor) s t x make t' k : ok t -> (x < size t)%nat ->
  (forall c u ix, In ix (boxs s) -> v (fun ix => c * u ix) ix = c * v u ix) ->
  (forall x' t1 k1, (x' < size t)%nat -> shape_at (entries t) x' = shape_at (entries t) x ->
     make t x' = Some (t1, k1) -> built t t1 k1 s (v (at_slot (entries t) x'))) ->
  mk_scaled t x make = Some (t', k) -> built t t' k s (v (at_slot (entries t) x)).
Proof.
  unfold mk_scaled. intros Ht Hx Hlin Hmake H.
  destruct (scale_at t x) as [[[a d] x']|] eqn:E; [|now apply Hmake].
  destruct (scale_at_sound _ _ _ _ _ Ht E) as (Hx' & Hs & Hv).
  destruct (make t x') as [[t1 z]|] eqn:Em; [|easy]. cbn [bind] in H.
  pose proof (Hmake _ _ _ Hx' Hs Em) as B1. pose proof B1 as (Ht1 & _ & Hz & Hsz & Hvz).
  pose proof (mk_affine_sound _ _ _ _ _ _ _ Ht1 Hz H) as B2. rewrite Hsz in B2.
  apply (built_then _ _ _ _ _ _ _ _ _ B1). apply (built_ext _ _ _ _ _ _ B2). intros ix Hix.
  rewrite Hvz, Hv, Hlin by auto. field. apply not_0_IZR; lia.
Qed.

Lemma mk_mul_sound t x y t' k : ok t -> (x < size t)%nat -> (y < size t)%nat ->
  shape_at (entries t) x = shape_at (entries t) y -> mk_mul t x y = Some (t', k) ->
  built t t' k (shape_at (entries t) x)
        (fun ix => at_slot (entries t) x ix * at_slot (entries t) y ix).
Proof.
  unfold mk_mul. intros Ht Hx Hy Hs H.
  assert (Hd : forall q : positive, IZR (Zpos q) <> 0) by (intros; apply not_0_IZR; lia).
  destruct (const_at t x) as [[p q]|] eqn:Ex; [|destruct (const_at t y) as [[p q]|] eqn:Ey].
  - rewrite Hs. apply (built_ext _ _ _ _ _ _ (mk_affine_sound _ _ _ _ _ _ _ Ht Hy H)).
    intros ix _. rewrite (const_at_sound _ _ _ _ Ht Ex). field. auto.
  - apply (built_ext _ _ _ _ _ _ (mk_affine_sound _ _ _ _ _ _ _ Ht Hx H)).
    intros ix _. rewrite (const_at_sound _ _ _ _ Ht Ey). field. auto.
  - apply (mk_scaled_sound (fun u ix => u ix * at_slot (entries t) y ix) _ t x
             (fun t x => mk_scaled t y (fun t y => mk_sorted t Mul x y))); auto.
    { intros; ring. }
    intros x' t1 k1 Hx' Hsx H1.
    apply (mk_scaled_sound (fun u ix => at_slot (entries t) x' ix * u ix) _ t y
             (fun t y => mk_sorted t Mul x' y)); auto.
    { intros; ring. }
    intros y' t2 k2 Hy' Hsy H2. rewrite <- Hsx.
    apply (mk_sorted_sound t Mul); auto; [intros; simpl; ring|congruence].
Qed.

Lemma mk_lin_sound t l x s t' k : ok t -> (x < size t)%nat ->
  ty (Lin l) [shape_at (entries t) x] = Some s -> mk_lin t l x = Some (t', k) ->
  built t t' k s (lin_app rho l (at_slot (entries t) x)).
Proof.
  intros Ht Hx Hty H.
  apply (mk_scaled_sound (lin_app rho l) s t x (fun t x => add t (Lin l) [x])); auto.
  - intros c u ix _. unfold lin_app. rewrite <- sum_scal. apply sum_ext. intros p _.
    destruct (index_eqb (snd p) ix); ring.
  - intros x' t1 k1 Hx' Hs H1. destruct (add_sound _ _ _ _ _ Ht H1) as (s1 & Hty1 & B).
    simpl map in Hty1. rewrite Hs, Hty in Hty1. injection Hty1 as <-. exact B.
Qed.
Lemma mk_ein2_sound t vs i j o x y s t' k : ok t -> (x < size t)%nat -> (y < size t)%nat ->
  ty (Ein2 vs i j o) [shape_at (entries t) x; shape_at (entries t) y] = Some s ->
  mk_ein2 t vs i j o x y = Some (t', k) ->
  built t t' k s (ein2 rho vs i j o (at_slot (entries t) x) (at_slot (entries t) y)).
Proof.
  intros Ht Hx Hy Hty H.
  apply (mk_scaled_sound (fun u => ein2 rho vs i j o u (at_slot (entries t) y)) s t x
           (fun t x => mk_scaled t y (fun t y => add t (Ein2 vs i j o) [x; y]))); auto.
  - intros c u ix _. unfold ein2. rewrite <- sum_scal. apply sum_ext. intros v _.
    destruct (index_eqb (pick v o) ix); ring.
  - intros x' t1 k1 Hx' Hsx H1.
    apply (mk_scaled_sound (fun u => ein2 rho vs i j o (at_slot (entries t) x') u) s t y
             (fun t y => add t (Ein2 vs i j o) [x'; y])); auto.
    + intros c u ix _. unfold ein2. rewrite <- sum_scal. apply sum_ext. intros v _.
      destruct (index_eqb (pick v o) ix); ring.
    + intros y' t2 k2 Hy' Hsy H2. destruct (add_sound _ _ _ _ _ Ht H2) as (s1 & Hty1 & B).
      simpl map in Hty1. rewrite Hsx, Hsy, Hty in Hty1. injection Hty1 as <-. exact B.
Qed.
Lemma mk_add_sound t x y t' k : ok t -> (x < size t)%nat -> (y < size t)%nat ->
  shape_at (entries t) x = shape_at (entries t) y -> mk_add t x y = Some (t', k) ->
  built t t' k (shape_at (entries t) x)
        (fun ix => at_slot (entries t) x ix + at_slot (entries t) y ix).
Proof.
  unfold mk_add. intros Ht Hx Hy Hs H.
  assert (Hd : forall q : positive, IZR (Zpos q) <> 0) by (intros; apply not_0_IZR; lia).
  destruct (const_at t x) as [[p q]|] eqn:Ex; [|destruct (const_at t y) as [[p q]|] eqn:Ey].
  - rewrite Hs. apply (built_ext _ _ _ _ _ _ (mk_affine_sound _ _ _ _ _ _ _ Ht Hy H)).
    intros ix _. rewrite (const_at_sound _ _ _ _ Ht Ex). field. auto.
  - apply (built_ext _ _ _ _ _ _ (mk_affine_sound _ _ _ _ _ _ _ Ht Hx H)).
    intros ix _. rewrite (const_at_sound _ _ _ _ Ht Ey). field. auto.
  - apply (mk_sorted_sound t Add); auto. intros; simpl; ring.
Qed.

Lemma pull_of_eq l vs i : pull_of l = Some (vs, i) -> l = Ein vs i (all_axes vs).
Proof.
  destruct l as [vs' i' o| | |]; simpl; try easy.
  destruct (index_eqb_spec o (all_axes vs')); intros H; inversion H; now subst.
Qed.
Lemma pull_at_sound t k vs i x : ok t -> pull_at t k = Some (vs, i, x) ->
  (x < size t)%nat /\ shape_at (entries t) k = vs /\ shape_at (entries t) x = pick vs i /\
  below (length vs) i = true /\
  forall v, In v (boxs vs) -> at_slot (entries t) k v = at_slot (entries t) x (pick v i).
Proof.
  unfold pull_at. intros Ht H. destruct (entry_at _ k) as [[[o ps] s]|] eqn:E; [|easy].
  destruct o; try easy. destruct ps as [|y [|]]; try easy.
  destruct (pull_of l) as [[vs' i']|] eqn:Ep; [|easy]. injection H as -> -> ->.
  apply pull_of_eq in Ep. subst l.
  destruct (entry_at_some _ _ _ _ _ Ht E) as (H1 & Hv & Hs & Hp & Hty).
  specialize (Hp x (or_introl eq_refl)). simpl in Hty.
  destruct (_ && _) eqn:Hb in Hty; [|easy]. injection Hty as Hty.
  rewrite pick_all_shape in Hty. decide_eqs.
  unfold size. split; [lia|]. split; [now subst|]. split; auto. split; auto.
  intros v Hv'. rewrite Hv. simpl. now apply widen_at.
Qed.
Lemma mk_pull_raw_sound t vs i x t' k : ok t ->
  below (length vs) i = true -> shape_at (entries t) x = pick vs i ->
  mk_pull_raw t vs i x = Some (t', k) ->
  built t t' k vs (fun v => at_slot (entries t) x (pick v i)).
Proof.
  unfold mk_pull_raw. intros Ht Hi Hs H.
  destruct (_ && _) eqn:Hb in H.
  - decide_eqs. injection H as <- <-. match goal with H : (_ <? _)%nat = true |- _ =>
      apply Nat.ltb_lt in H end. apply built_here; auto.
    intros v Hv. f_equal. symmetry. now apply (pick_all rho).
  - destruct (add_sound _ _ _ _ _ Ht H) as (s & Hty & Hbt). simpl in Hty.
    destruct (_ && _) eqn:Hb' in Hty; [|easy]. injection Hty as <-. rewrite pick_all_shape in Hbt.
    apply (built_ext _ _ _ _ _ _ Hbt). intros v Hv. simpl. now apply widen_at.
Qed.
Lemma pick_pick (v i j : list nat) : below (length i) j = true -> pick (pick v i) j = pick v (pick i j).
Proof.
  intros H. unfold pick. rewrite map_map. apply map_ext_in. intros k Hk.
  now rewrite (nth_map_lt _ i k 0%nat) by (eapply in_below; eauto).
Qed.
Lemma below_pick m (i j : list nat) : below m i = true -> below (length i) j = true ->
  below m (pick i j) = true.
Proof.
  intros Hi Hj. apply forallb_forall. intros x Hx. apply in_map_iff in Hx as (k & <- & Hk).
  apply Nat.ltb_lt. apply (in_below m i); auto. apply nth_In. eapply in_below; eauto.
Qed.
Lemma mk_pull_sound t vs i x t' k : ok t ->
  below (length vs) i = true -> shape_at (entries t) x = pick vs i ->
  mk_pull t vs i x = Some (t', k) ->
  built t t' k vs (fun v => at_slot (entries t) x (pick v i)).
Proof.
  unfold mk_pull. intros Ht Hi Hs H. destruct (const_at t x) as [[p q]|] eqn:Ec.
  - apply (built_ext _ _ _ _ _ _ (mk_const_sound _ _ _ _ _ _ Ht H)). intros ix _.
    now rewrite (const_at_sound _ _ _ _ Ht Ec).
  - destruct (pull_at t x) as [[[vs' i'] y]|] eqn:Ep; [|now apply mk_pull_raw_sound].
    destruct (pull_at_sound _ _ _ _ _ Ht Ep) as (_ & Hs' & Hy & Hi' & Hv).
    assert (Hl : length vs' = length i) by (rewrite <- Hs', Hs; apply map_length).
    rewrite Hl in Hi'.
    assert (Hr : shape_at (entries t) y = pick vs (pick i i')).
    { rewrite Hy, <- Hs', Hs. now apply pick_pick. }
    apply (built_ext _ _ _ _ _ _ (mk_pull_raw_sound _ _ _ _ _ _ Ht (below_pick _ _ _ Hi Hi') Hr H)).
    intros v Hv'. rewrite Hv.
    + now rewrite pick_pick.
    + rewrite <- Hs', Hs. now apply pick_in.
Qed.

Lemma mk_sound t o ps s t' k : ok t -> (forall j, In j ps -> (j < size t)%nat) ->
  ty o (map (shape_at (entries t)) ps) = Some s -> mk t o ps = Some (t', k) ->
  built t t' k s (den rho tr o (map (at_slot (entries t)) ps)).
Proof.
  intros Ht Hps Hty H.
  assert (Hadd : add t o ps = Some (t', k) ->
    built t t' k s (den rho tr o (map (at_slot (entries t)) ps))).
  { intros Ha. destruct (add_sound _ _ _ _ _ Ht Ha) as (s' & Hs & Hb).
    rewrite Hty in Hs. now injection Hs as <-. }
  destruct o as [f|f|l|vs i j o'| |a d s0| | |]; cbn [mk] in H; auto.
  - destruct ps as [|x [|y ps]]; [destruct f; auto| |destruct f; auto].
    assert (Hx : (x < size t)%nat) by (apply Hps; simpl; auto).
    simpl in Hty. injection Hty as <-. destruct f; auto.
    + now apply mk_affine_sound.
    + now apply mk_mul_sound.
  - destruct ps as [|x [|y [|z ps]]]; [destruct f; auto|destruct f; auto| |destruct f; auto].
    assert (Hx : (x < size t)%nat) by (apply Hps; simpl; auto).
    assert (Hy : (y < size t)%nat) by (apply Hps; simpl; auto).
    simpl in Hty. destruct (index_eqb_spec (shape_at (entries t) x) (shape_at (entries t) y))
      as [Hs|]; [|easy]. injection Hty as <-.
    destruct f; auto.
    + now apply mk_add_sound.
    + destruct (mk_affine t (-1) 0 1 y) as [[t1 z]|] eqn:Ea; [|easy]. cbn [bind] in H.
      pose proof (mk_affine_sound _ _ _ _ _ _ _ Ht Hy Ea) as B1.
      pose proof B1 as (Ht1 & _ & Hz & Hsz & Hvz).
      destruct (built_old _ _ _ _ _ x B1 Hx) as (Ox & Osx & Hx1).
      assert (Hs1 : shape_at (entries t1) x = shape_at (entries t1) z) by congruence.
      pose proof (mk_add_sound _ _ _ _ _ Ht1 Hx1 Hz Hs1 H) as B2. rewrite Osx in B2.
      apply (built_then _ _ _ _ _ _ _ _ _ B1).
      apply (built_ext _ _ _ _ _ _ B2). intros ix Hix. simpl.
      rewrite Ox, Hvz by congruence. unfold Rdiv. rewrite Rinv_1. ring.
    + now apply mk_mul_sound.
    + destruct (add t (Map1 Recip) [y]) as [[t1 z]|] eqn:Ea; [|easy]. cbn [bind] in H.
      destruct (add_sound _ _ _ _ _ Ht Ea) as (s1 & Hty1 & B1).
      simpl in Hty1. injection Hty1 as <-.
      pose proof B1 as (Ht1 & _ & Hz & Hsz & Hvz).
      destruct (built_old _ _ _ _ _ x B1 Hx) as (Ox & Osx & Hx1).
      assert (Hs1 : shape_at (entries t1) x = shape_at (entries t1) z) by congruence.
      pose proof (mk_mul_sound _ _ _ _ _ Ht1 Hx1 Hz Hs1 H) as B2. rewrite Osx in B2.
      apply (built_then _ _ _ _ _ _ _ _ _ B1).
      apply (built_ext _ _ _ _ _ _ B2). intros ix Hix. simpl.
      rewrite Ox, Hvz by congruence. reflexivity.
  - destruct ps as [|x [|y ps]]; auto. destruct (pull_of l) as [[vs i]|] eqn:Ep.
    2:{ apply mk_lin_sound; auto. apply Hps. simpl; auto. }
    apply pull_of_eq in Ep. subst l. simpl in Hty.
    destruct (_ && _) eqn:Hb in Hty; [|easy]. injection Hty as <-. rewrite pick_all_shape.
    decide_eqs.
    match goal with Hs : shape_at _ x = pick vs i |- _ => rename Hs into Hsx end.
    match goal with Hi : below _ i = true |- _ => rename Hi into Hbi end.
    apply (built_ext _ _ _ _ _ _ (mk_pull_sound _ _ _ _ _ _ Ht Hbi Hsx H)).
    intros v Hv. simpl. symmetry. now apply widen_at.
  - destruct ps as [|x [|y [|z ps]]]; auto.
    apply mk_ein2_sound; auto; apply Hps; simpl; auto.
  - destruct ps; auto. simpl in Hty. injection Hty as <-. now apply mk_const_sound.
Qed.

Lemma agree_slots es fs ps (m : nat -> nat) (she : nat -> shape) (E : env) :
  (forall j, In j ps -> shape_at es (m j) = she j /\
     forall ix, In ix (boxs (she j)) -> E j ix = at_slot fs (m j) ix) ->
  map (shape_at es) (map m ps) = map she ps /\
  agree rho (map she ps) (map E ps) (map (at_slot fs) (map m ps)).
Proof.
  induction ps as [|j ps IH]; simpl; intros H; auto.
  destruct (H j (or_introl eq_refl)) as [H1 H2]. destruct IH as [I1 I2]; auto.
  rewrite H1, I1. auto.
Qed.

(** Slots [0 .. length m) of a program are in the table, at [m]. *)
Definition represents (es : list entry) (m : list nat) (she : nat -> shape) (E : env) : Prop :=
  forall j, (j < length m)%nat ->
    (nth j m 0 < n + length es)%nat /\ shape_at es (nth j m 0%nat) = she j /\
    forall ix, In ix (boxs (she j)) -> E j ix = at_slot es (nth j m 0%nat) ix.

Lemma enter_all_sound p : forall t m t' m' she E, ok t -> enter_all p t m = Some (t', m') ->
  represents (entries t) m she E ->
  ok t' /\ (exists es, entries t' = entries t ++ es) /\
  length m' = (length m + length p)%nat /\
  exists shf, infer p (length m) she = Some shf /\
              represents (entries t') m' shf (run rho tr p (length m) E).
Proof.
  induction p as [|[o ps] p IH]; intros t m t' m' she E Ht H Hrep; simpl in H.
  - injection H as <- <-. split; auto. split; [exists []; now rewrite app_nil_r|].
    split; [simpl; lia|]. exists she. auto.
  - destruct (below (length m) ps) eqn:Hb; [|easy].
    unfold enter in H. destruct (below (size t) _) eqn:Hb'; [|easy].
    destruct (ty o _) as [s|] eqn:Hty; [|easy].
    destruct (mk t o _) as [[t1 k]|] eqn:Hmk; [|easy].
    set (mm := fun j => nth j m 0%nat) in *.
    destruct (agree_slots (entries t) (entries t) ps mm she E) as [Hsh Hag].
    { intros j Hj. destruct (Hrep j (in_below _ _ _ Hb Hj)) as (_ & H1 & H2). auto. }
    pose proof (mk_sound t o (map mm ps) s t1 k Ht (fun j => in_below _ _ j Hb') Hty Hmk) as B.
    pose proof B as (Ht1 & (es1 & E1) & Hk & Hsk & Hvk).
    rewrite Hsh in Hty.
    destruct (IH t1 (m ++ [k]) t' m' (put she (length m) s)
                (put E (length m) (den rho tr o (map E ps))) Ht1 H) as (I1 & (es2 & E2) & I3 & I4).
    + intros j Hj. rewrite app_length in Hj. simpl in Hj.
      destruct (Nat.eq_dec j (length m)) as [->|Hne].
      * rewrite app_nth2, Nat.sub_diag, !put_same by lia. cbn [nth]. split; [exact Hk|].
        split; auto. intros ix Hix. rewrite Hvk by auto.
        eapply den_agree; eauto.
      * rewrite app_nth1, !put_other by lia. destruct (Hrep j ltac:(lia)) as (H1 & H2 & H3).
        destruct (built_old _ _ _ _ _ (nth j m 0%nat) B H1) as (O1 & O2 & O3).
        rewrite O1, O2. auto.
    + split; auto. split; [exists (es1 ++ es2); rewrite E2, E1; now rewrite app_assoc|].
      rewrite app_length in I3, I4. simpl in I3, I4. split; [simpl; lia|].
      rewrite Nat.add_1_r in I4. simpl. rewrite Hb, Hty. exact I4.
Qed.
End Sound.
End Table.

(** ** Two programs over the same inputs *)
Definition same (n : nat) (sh : nat -> shape) (p q : program) (outs : list (nat * nat)) : bool :=
  match enter_all n sh p empty (seq 0 n) with
  | None => false
  | Some (t, m) =>
      match enter_all n sh q t (seq 0 n) with
      | None => false
      | Some (_, m') =>
          forallb (fun ij => Nat.ltb (fst ij) (length m) && Nat.ltb (snd ij) (length m')
                             && Nat.eqb (nth (fst ij) m 0%nat) (nth (snd ij) m' 0%nat)) outs
      end
  end.

Theorem same_sound rho tr e n sh p q outs : same n sh p q outs = true ->
  exists shp shq, infer p n sh = Some shp /\ infer q n sh = Some shq /\
  forall i j, In (i, j) outs -> (j < n + length q)%nat /\ shp i = shq j /\
    forall ix, In ix (box (sizes rho (shp i))) -> run rho tr p n e i ix = run rho tr q n e j ix.
Proof.
  unfold same. intros H.
  destruct (enter_all n sh p empty (seq 0 n)) as [[t m]|] eqn:Ep; [|easy].
  destruct (enter_all n sh q t (seq 0 n)) as [[t' m']|] eqn:Eq; [|easy].
  assert (H0 : typed_entries n sh (entries empty)) by (intros k ? ? ? Hk; now destruct k).
  assert (Hin : forall es, represents n sh rho tr e es (seq 0 n) sh e).
  { intros es j Hj. rewrite seq_length in Hj. rewrite seq_nth by auto. simpl.
    split; [lia|]. split.
    - unfold shape_at. now destruct (Nat.ltb_spec j n); [|lia].
    - intros ix _. symmetry. unfold at_slot. now rewrite run_below. }
  destruct (enter_all_sound n sh rho tr e p empty _ t m sh e H0 Ep (Hin _))
    as (Ht & _ & Lp & shp & Ip & Rp).
  destruct (enter_all_sound n sh rho tr e q t _ t' m' sh e Ht Eq (Hin _))
    as (_ & (es & Ex) & Lq & shq & Iq & Rq).
  rewrite seq_length in *. exists shp, shq. split; auto. split; auto. intros i j Hij.
  rewrite forallb_forall in H. specialize (H _ Hij). cbn [fst snd] in H.
  apply andb_prop in H as [H Hk]. apply andb_prop in H as [Hi Hj].
  apply Nat.ltb_lt in Hi, Hj. apply Nat.eqb_eq in Hk.
  destruct (Rp i Hi) as (P1 & P2 & P3). destruct (Rq j Hj) as (Q1 & Q2 & Q3).
  rewrite <- Hk in *. rewrite Ex in Q2. rewrite shape_at_app in Q2 by auto.
  split; [lia|]. assert (Es : shp i = shq j) by congruence. split; auto.
  intros ix Hix. rewrite P3, Q3 by (auto; congruence). now rewrite Ex, at_slot_app.
Qed.
