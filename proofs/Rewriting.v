(** * Rewriting a program as the compiler does

    [rewrite] puts [loc + scale * noise], or what else noise becomes, in the place of the draws of a model, and brings logarithms,
    roots and sigmoids into the stable forms that the compiler uses.  Where an element is picked by its number,
    and the number is an axis, the axis is picked. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith ZArith FMapPositive.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Graph Poly Fast Transport Noised.
Import ListNotations.
Open Scope R_scope.

(** What the nodes of the new program are, by slot. *)
Definition nodes_at := PositiveMap.t bnode.
Fixpoint note (K : nodes_at) (nx : N) (q : bprogram) : nodes_at :=
  match q with
  | [] => K
  | nd :: q => note (if below_n nx (snd nd) then store K nx nd else K) (N.succ nx) q
  end.

Definition the_one (K : nodes_at) (s : shape) (k : N) : bool :=
  match look K k with
  | Some (Const 1 1 [], []) => index_eqb s []
  | Some (Lin (Ein vs [] o), [c]) =>
      match look K c with
      | Some (Const 1 1 [], []) => index_eqb vs s && index_eqb o (all_axes vs)
      | _ => false
      end
  | _ => false
  end.
(** [x] is 1 - sigmoid y: then [y]. *)
Definition complement_of (K : nodes_at) (s : shape) (x : N) : option N :=
  let sigmoid z := match look K z with Some (Map1 Sigmoid, [y]) => Some y | _ => None end in
  match look K x with
  | Some (Map1 (Affine (-1) 1 1), [z]) => sigmoid z
  | Some (Map2 Sub, [a; z]) => if the_one K s a then sigmoid z else None
  | _ => None
  end.
(** Stable forms: what [f] of slot [x] becomes, over which slots. *)
Definition stable (K : nodes_at) (s : shape) (f : fn1) (x : N) : option (expr * list N) :=
  let y := Arg 0 in
  let soft e := E1 (Map1 Softplus) e in
  match f, look K x with
  | Log, Some (Map1 Exp, [z]) => Some (y, [z])
  | Log, Some (Map1 Sigmoid, [z]) => Some (E2 (Map2 Sub) y (soft y), [z])
  | Log, _ => match complement_of K s x with Some z => Some (negate (soft y), [z]) | None => None end
  | Log1p, Some (Map1 Exp, [z]) => Some (soft y, [z])
  | Softplus, Some (Map1 (Affine (-1) 0 1), [z]) => Some (E2 (Map2 Sub) (soft y) y, [z])
  | Sqrt, Some (Map1 Exp, [z]) => Some (E1 (Map1 Exp) (E1 (Map1 (Affine 1 0 2)) y), [z])
  | _, _ => None
  end.
(** [x] is 1 + z: then [z]. *)
Definition one_plus (K : nodes_at) (s : shape) (x : N) : option N :=
  match look K x with
  | Some (Map1 (Affine 1 1 1), [z]) => Some z
  | Some (Map2 Add, [a; z]) => if the_one K s a then Some z else if the_one K s z then Some a else None
  | _ => None
  end.
Definition stable_log (K : nodes_at) (s : shape) (f : fn1) (x : N) : option (expr * list N) :=
  match stable K s f x, f, one_plus K s x with
  | None, Log, Some z => match look K z with
                         | Some (Map1 Exp, [y]) => Some (E1 (Map1 Softplus) (Arg 0), [y])
                         | _ => Some (E1 (Map1 Log1p) (Arg 0), [z])
                         end
  | r, _, _ => r
  end.
(** [x] has elements of one operand, each read once for an element of [x], whose shape is [s]. *)
Definition move_of (K : nodes_at) (s : shape) (x : N) : option (shape * list nat * list nat * N) :=
  match look K x with
  | Some (Lin (Ein vs i o), [y]) =>
      if inverse_axes (length vs) o (positions (length vs) o) && below (length vs) i && index_eqb (pick vs o) s
      then Some (vs, i, o, y) else None
  | _ => None
  end.
Definition steps : nat := 8.   (** moves, one after another *)
(** The logarithm of [x], if that has another form where the elements are moved from. *)
Fixpoint moved_log (fuel : nat) (K : nodes_at) (s : shape) (x : N) : option (expr * list N) :=
  match stable_log K s Log x, fuel with
  | Some r, _ => Some r
  | None, O => None
  | None, S fuel =>
      match move_of K s x with
      | Some (vs, i, o, y) =>
          match moved_log fuel K (pick vs i) y with
          | Some (ex, args) => Some (E1 (Lin (Ein vs i o)) ex, args)
          | None => None
          end
      | None => None
      end
  end.
(** The logarithm of a sum of exponentials. *)
Definition log_of_sum (K : nodes_at) (x : N) : option (expr * list N) :=
  match look K x with
  | Some (Lin (Ein vs i o), [y]) =>
      match look K y with
      | Some (Map1 Exp, [z]) => Some (E1 (Lse vs o) (E1 (Lin (Ein vs i (all_axes vs))) (Arg 0)), [z])
      | _ => None
      end
  | _ => None
  end.
Definition other_form (K : nodes_at) (s : shape) (f : fn1) (x : N) : option (expr * list N) :=
  match f with
  | Log => match moved_log steps K s x with Some r => Some r | None => log_of_sum K x end
  | _ => stable_log K s f x
  end.
(** [x], of shape [s], is 0, 1, 2, ... along one of its axes: along which. *)
Fixpoint count_of (fuel : nat) (K : nodes_at) (s : shape) (x : N) : option nat :=
  match look K x, fuel with
  | Some (Iota d, []), _ => if index_eqb s [d] then Some 0%nat else None
  | _, O => None
  | _, S fuel =>
      match move_of K s x with
      | Some (vs, i, o, y) =>
          match count_of fuel K (pick vs i) y with Some a => Some (position (nth a i 0%nat) o) | None => None end
      | None => None
      end
  end.
(** [x], of shape [s], is 1 where its indices along two axes are equal, else 0. *)
Definition equal_of (K : nodes_at) (s : shape) (x : N) : option (nat * nat) :=
  match look K x with
  | Some (Map1 Step, [k]) =>
      match look K k with
      | Some (Map1 (Affine (-4) 1 4), [k]) =>
          match look K k with
          | Some (Map1 Square, [k]) =>
              match look K k with
              | Some (Map2 Sub, [a; b]) =>
                  match count_of steps K s a, count_of steps K s b with Some a, Some b => Some (a, b) | _, _ => None end
              | _ => None
              end
          | _ => None
          end
      | _ => None
      end
  | _ => None
  end.
(** Axes, where axis [b] is read at [a] and is no more. *)
Definition omit {A} (b : nat) (l : list A) : list A := firstn b l ++ skipn (S b) l.
Definition closed (b k : nat) : nat := if Nat.ltb b k then pred k else k.
Definition without_axis (a b : nat) (l : list nat) : list nat := map (fun c => closed b (if Nat.eqb c b then a else c)) l.
(** A sum of [x], read at [i], times what is 1 where two indices are equal: one of these axes need not be run over. *)
Definition picked (K : nodes_at) (vs : shape) (i : list nat) (x : N) (j : list nat) (other : N) (o : list nat) :
  option (expr * list N) :=
  match equal_of K (pick vs j) other with
  | Some (a, b) =>
      let '(a, b) := if existsb (Nat.eqb (nth b j 0%nat)) o then (nth b j 0%nat, nth a j 0%nat)
                     else (nth a j 0%nat, nth b j 0%nat) in
      if negb (Nat.eqb a b) && negb (existsb (Nat.eqb b) o) && Nat.eqb (nth a vs 0%nat) (nth b vs 0%nat) &&
         Nat.ltb a (length vs) && Nat.ltb b (length vs) && below (length vs) j
      then Some (E1 (Lin (Ein (omit b vs) (without_axis a b i) (without_axis a b o))) (Arg 0), [x])
      else None
  | None => None
  end.
Definition as_is (o : op) (ps : list N) : expr * list N :=
  match ps with
  | [] => (E0 o, [])
  | [_] => (E1 o (Arg 0), ps)
  | _ => (E2 o (Arg 0) (Arg 1), ps)
  end.
(** What noise becomes, over the two numbers of the law: [moved_noise]. *)
Definition moved_expr (k : noised) (o : op) : expr :=
  let v := E1 (Map1 (Affine 2 (-1) 2)) (E0 o) in
  match k with
  | As_normal => E2 (Map2 Add) (Arg 0) (E2 (Map2 Mul) (Arg 1) (E0 o))
  | As_uniform => E2 (Map2 Add) (Arg 0) (E2 (Map2 Mul) (E2 (Map2 Sub) (Arg 1) (Arg 0)) (E0 o))
  | As_exponential => E2 (Map2 Mul) (negate (E1 (Map1 Log) (E0 o))) (E1 (Map1 Recip) (Arg 1))
  | As_laplace =>
      E2 (Map2 Sub) (Arg 0) (E2 (Map2 Mul) (Arg 1)
        (E2 (Map2 Mul) (E1 (Map1 Sign) v) (E1 (Map1 Log1p) (E1 (Map1 (Affine (-2) 0 1)) (E1 (Map1 Abs) v)))))
  end.
(** [law j]: the law of draw [j], its two numbers slots of the old program. *)
Definition becomes (law : nat -> option (noised * N * N)) (K : nodes_at) (m : PositiveMap.t N) (s : shape)
  (o : op) (ps : list N) : expr * list N :=
  match o, ps with
  | Sample j s, [] =>
      match law j with
      | Some (k, l, c) => (moved_expr k o, [Fast.get 0%N m l; Fast.get 0%N m c])
      | None => as_is o ps
      end
  | Map1 f, [x] => match other_form K s f x with Some r => r | None => as_is o ps end
  | Ein2 vs i j k, [x; y] =>
      match picked K vs i x j y k with
      | Some r => r
      | None => match picked K vs j y i x k with Some r => r | None => as_is o ps end
      end
  | Map2 Div, [_; _] => (E2 (Map2 Mul) (Arg 0) (E1 (Map1 Recip) (Arg 1)), ps)  (* inverses are slots *)
  | _, _ => as_is o ps
  end.
Record rewritten := {
  r_next : N; r_nodes : nodes_at; r_shapes : PositiveMap.t shape; r_slots : PositiveMap.t N
}.
Fixpoint rewrite (law : nat -> option (noised * N * N)) (p : bprogram) (n : N) (st : rewritten) :
  option (bprogram * rewritten) :=
  match p with
  | [] => Some ([], st)
  | (o, ps) :: p =>
      if below_n n ps then
        match ty o (map (Fast.get [] (r_shapes st)) ps) with
        | Some s =>
            let '(ex, args) := becomes law (r_nodes st) (r_slots st) s o (map (Fast.get 0%N (r_slots st)) ps) in
            let '(q, r, nx) := fast_emit ex args 0 0 (r_next st) in
            match rewrite law p (N.succ n)
                    {| r_next := nx; r_nodes := note (r_nodes st) (r_next st) q;
                       r_shapes := store (r_shapes st) n s; r_slots := store (r_slots st) n r |} with
            | Some (q', st) => Some (q ++ q', st)
            | None => None
            end
        | None => None
        end
      else None
  end.

(** ** What it keeps *)
Section Rewriting.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Notation nat_of := N.to_nat.

Definition nodes_hold (tr : trace) (K : nodes_at) (nx : N) (E : env) : Prop :=
  forall k o ps, look K k = Some (o, ps) -> (k < nx)%N /\ (forall q, In q ps -> (q < nx)%N) /\
    E (nat_of k) = den rho tr o (map E (map nat_of ps)).

Lemma below_n_in n ps q : below_n n ps = true -> In q ps -> (q < n)%N.
Proof. unfold below_n. rewrite forallb_forall. intros H Hq. now apply N.ltb_lt, H. Qed.

Lemma note_sound tr q : forall K nx E, nodes_hold tr K nx E ->
  nodes_hold tr (note K nx q) (nx + N.of_nat (length q)) (run rho tr (plain_program q) (nat_of nx) E).
Proof.
  induction q as [|[o ps] q IH]; intros K nx E H.
  - simpl. now rewrite N.add_0_r.
  - cbn [note length snd]. rewrite Nat2N.inj_succ, N.add_succ_r, <- N.add_succ_l.
    cbn [plain_program map plain_node run fst snd]. fold (plain_program q).
    rewrite <- N2Nat.inj_succ. apply IH. intros k o' ps' Hk.
    assert (Hold : look K k = Some (o', ps') -> (k < N.succ nx)%N /\ (forall x, In x ps' -> (x < N.succ nx)%N) /\
      put E (nat_of nx) (den rho tr o (map E (map nat_of ps))) (nat_of k) =
      den rho tr o' (map (put E (nat_of nx) (den rho tr o (map E (map nat_of ps)))) (map nat_of ps'))).
    { intros Hk'. destruct (H _ _ _ Hk') as (H1 & H2 & H3). split; [lia|]. split.
      - intros x Hx. specialize (H2 x Hx). lia.
      - rewrite put_other, H3 by lia. f_equal. rewrite !map_map. apply map_ext_in. intros x Hx.
        rewrite put_other; auto. specialize (H2 x Hx). lia. }
    destruct (below_n nx ps) eqn:Hb; [|now apply Hold].
    destruct (N.eq_dec k nx) as [->|Hne]; [|rewrite look_other in Hk by auto; now apply Hold].
    rewrite look_same in Hk. injection Hk as <- <-. split; [lia|]. split.
    + intros x Hx. pose proof (below_n_in _ _ _ Hb Hx). lia.
    + rewrite put_same. f_equal. rewrite !map_map. apply map_ext_in. intros x Hx.
      rewrite put_other; auto. pose proof (below_n_in _ _ _ Hb Hx). lia.
Qed.

Lemma ln_logistic y : ln (logistic y) = y - ln (1 + exp y).
Proof.
  unfold logistic. pose proof (exp_pos y). pose proof (exp_pos (- y)).
  rewrite ln_Rinv by lra. replace (1 + exp (- y)) with ((1 + exp y) * exp (- y)).
  - rewrite ln_mult, ln_exp by lra. ring.
  - rewrite Rmult_plus_distr_r, Rmult_1_l, <- exp_plus, Rplus_opp_r, exp_0. ring.
Qed.
Lemma ln_complement y : ln (1 - logistic y) = - ln (1 + exp y).
Proof.
  pose proof (exp_pos y). replace (1 - logistic y) with (/ (1 + exp y)); [apply ln_Rinv; lra|].
  unfold logistic. rewrite exp_Ropp. field. lra.
Qed.
Lemma softplus_minus y : ln (1 + exp (- y)) = ln (1 + exp y) - y.
Proof.
  pose proof (ln_logistic y) as H. unfold logistic in H. pose proof (exp_pos (- y)).
  rewrite ln_Rinv in H by lra. lra.
Qed.
Lemma sqrt_exp y : sqrt (exp y) = exp (y / 2).
Proof.
  replace (exp y) with (exp (y / 2) * exp (y / 2)).
  - apply sqrt_square. left. apply exp_pos.
  - rewrite <- exp_plus. f_equal. field.
Qed.

Section Nodes.
Variable tr : trace.
Variables (K : nodes_at) (nx : N) (E : env).
Hypothesis HK : nodes_hold tr K nx E.
Notation args ps := (map E (map nat_of ps)).

Lemma the_one_sound s k ix : the_one K s k = true -> In ix (boxs s) -> E (nat_of k) ix = 1.
Proof.
  unfold the_one. destruct (look K k) as [[o ps]|] eqn:Ek; [|easy].
  destruct (HK _ _ _ Ek) as (_ & _ & Hv). rewrite Hv. clear Hv.
  destruct o as [f|f|[vs i o|? ? ? ?|? ? ? ?|? ?]|vs i j o|vs o|a d s'|d|d|j s']; try easy; [|].
  - destruct i as [|? ?]; [|easy]. destruct ps as [|c [|? ?]]; try easy.
    destruct (look K c) as [[o' ps']|] eqn:Ec; [|easy].
    destruct o' as [f|f|l|? ? ? ?|? ?|a d s'|d|d|j s']; try easy.
    destruct a as [|[| |]|], d, s', ps'; try easy. intros H Hix. apply andb_prop in H as [H1 H2].
    destruct (index_eqb_spec vs s) as [->|]; [|easy].
    destruct (index_eqb_spec o (all_axes s)) as [->|]; [|easy].
    destruct (HK _ _ _ Ec) as (_ & _ & Hv). simpl map. unfold den at 1.
    rewrite widen_at by exact Hix. rewrite Hv. simpl. field.
  - destruct a as [|[| |]|], d, s', ps; try easy. intros H Hix. simpl. field.
Qed.
Lemma complement_sound s x y ix : complement_of K s x = Some y -> In ix (boxs s) ->
  (y < nx)%N /\ E (nat_of x) ix = 1 - logistic (E (nat_of y) ix).
Proof.
  unfold complement_of. destruct (look K x) as [[o ps]|] eqn:Ex; [|easy].
  destruct (HK _ _ _ Ex) as (_ & _ & Hv). rewrite Hv. clear Hv.
  assert (Hsig : forall z, match look K z with Some (Map1 Sigmoid, [y]) => Some y | _ => None end = Some y ->
    (y < nx)%N /\ E (nat_of z) ix = logistic (E (nat_of y) ix)).
  { intros z. destruct (look K z) as [[o' ps']|] eqn:Ez; [|easy].
    destruct (HK _ _ _ Ez) as (_ & Hb & Hz). rewrite Hz.
    destruct o' as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy; destruct f; try easy.
    destruct ps' as [|y' [|? ?]]; try easy. intros H. injection H as ->. split; [apply Hb; now left|easy]. }
  destruct o as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy; destruct f; try easy.
  - destruct a as [|?|[| |]], b as [|[| |]|?], d; try easy. destruct ps as [|z [|? ?]]; try easy.
    intros H Hix. destruct (Hsig z H) as [H1 H2]. split; auto. simpl. rewrite H2. field.
  - destruct ps as [|a [|z [|? ?]]]; try easy. intros H Hix.
    destruct (the_one K s a) eqn:E1; [|easy]. destruct (Hsig z H) as [H1 H2]. split; auto.
    simpl. now rewrite (the_one_sound s a ix E1 Hix), H2.
Qed.

(** What a rule gives: an expression over slots that exist, of the same value. *)
Definition replaces (s : shape) (ea : expr * list N) (v : tensor) : Prop :=
  mentions (length (snd ea)) (fst ea) /\ (forall k, In k (snd ea) -> (k < nx)%N) /\
  forall a b ix, In ix (boxs s) -> expr_den rho tr (fst ea) (args (snd ea)) a b ix = v ix.

Lemma stable_sound s f x ea : (x < nx)%N -> stable K s f x = Some ea ->
  replaces s ea (den rho tr (Map1 f) [E (nat_of x)]).
Proof.
  intros Hx H. unfold stable in H.
  assert (Hc : match complement_of K s x with
               | Some z => Some (negate (E1 (Map1 Softplus) (Arg 0)), [z]) | None => None end = Some ea ->
               f = Log -> replaces s ea (den rho tr (Map1 f) [E (nat_of x)])).
  { intros Hc ->. destruct (complement_of K s x) as [z|] eqn:Ez; [|easy]. injection Hc as <-.
    split; [simpl; repeat split; lia|]. split.
    - intros k [<-|[]]. (* a slot that exists, if there is any index at all *)
      unfold complement_of in Ez. revert Ez.
      assert (Hsig : forall w, match look K w with Some (Map1 Sigmoid, [y]) => Some y | _ => None end = Some z ->
        (z < nx)%N).
      { intros w. destruct (look K w) as [[o' ps']|] eqn:Ew; [|easy].
        destruct (HK _ _ _ Ew) as (_ & Hb & _).
        destruct o' as [g|g|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy; destruct g; try easy.
        destruct ps' as [|y' [|? ?]]; try easy. intros E1. injection E1 as ->. apply Hb; now left. }
      destruct (look K x) as [[o ps]|]; [|easy].
      destruct o as [g|g|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy; destruct g; try easy.
      + destruct a as [|?|[| |]], b as [|[| |]|?], d; try easy. destruct ps as [|w [|? ?]]; try easy. apply Hsig.
      + destruct ps as [|a [|w [|? ?]]]; try easy. destruct (the_one K s a); [apply Hsig|easy].
    - intros a b ix Hix. destruct (complement_sound s x z ix Ez Hix) as [_ E1]. simpl.
      rewrite E1, ln_complement. field. }
  destruct (look K x) as [[o ps]|] eqn:Ex; [|destruct f; try easy; now apply Hc].
  destruct (HK _ _ _ Ex) as (_ & Hb & Hv).
  assert (Hone : forall ex z, ps = [z] -> mentions 1 ex ->
    (forall a b ix, expr_den rho tr ex [E (nat_of z)] a b ix = den rho tr (Map1 f) [E (nat_of x)] ix) ->
    replaces s (ex, [z]) (den rho tr (Map1 f) [E (nat_of x)])).
  { intros ex z -> Hm He. split; [exact Hm|]. split; [intros k [<-|[]]; apply Hb; now left|].
    intros a b ix _. apply He. }
  destruct f; try easy;
    destruct o as [g|g|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy; try (now apply Hc);
    destruct g; try easy; try (now apply Hc);
    try (destruct ps as [|z [|? ?]]; try easy; try (now apply Hc)).
  all: try (injection H as <-; apply Hone; [easy|simpl; repeat split; lia|];
    intros c d ix; simpl; rewrite Hv; simpl).
  - apply eq_sym, ln_exp.
  - apply eq_sym, ln_logistic.
  - reflexivity.
  - rewrite sqrt_exp. f_equal. f_equal. ring.
  - destruct a as [|pa|pa]; try easy. destruct pa; try easy. destruct b; try easy. now destruct d.
  - destruct a as [|pa|pa]; try easy. destruct pa; try easy. destruct b; try easy. destruct d; try easy.
    injection H as <-. apply Hone; [easy|simpl; repeat split; lia|].
    intros c d ix. simpl. rewrite Hv. simpl. replace ((-1 * E (nat_of z) ix + 0) / 1) with (- E (nat_of z) ix) by field.
    now rewrite softplus_minus.
  - destruct a as [|pa|pa]; try easy. destruct pa; try easy. destruct b; try easy. now destruct d.
Qed.

Lemma one_plus_sound s x z : one_plus K s x = Some z ->
  (z < nx)%N /\ forall ix, In ix (boxs s) -> E (nat_of x) ix = 1 + E (nat_of z) ix.
Proof.
  unfold one_plus. destruct (look K x) as [[o ps]|] eqn:Ex; [|easy].
  destruct (HK _ _ _ Ex) as (_ & Hb & Hv). rewrite Hv. clear Hv.
  destruct o as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy; destruct f; try easy.
  - destruct a as [|[| |]|?], b as [|[| |]|?], d; try easy. destruct ps as [|w [|? ?]]; try easy.
    intros H. injection H as ->. split; [apply Hb; now left|]. intros ix _. simpl. field.
  - destruct ps as [|a [|w [|? ?]]]; try easy. destruct (the_one K s a) eqn:E1.
    + intros H. injection H as ->. split; [apply Hb; right; now left|]. intros ix Hix. simpl.
      now rewrite (the_one_sound s a ix E1 Hix).
    + destruct (the_one K s w) eqn:E2; [|easy]. intros H. injection H as ->.
      split; [apply Hb; now left|]. intros ix Hix. simpl. rewrite (the_one_sound s w ix E2 Hix). ring.
Qed.
Lemma stable_log_sound s f x ea : (x < nx)%N -> stable_log K s f x = Some ea ->
  replaces s ea (den rho tr (Map1 f) [E (nat_of x)]).
Proof.
  intros Hx. unfold stable_log. destruct (stable K s f x) as [r|] eqn:Es.
  { intros H. injection H as <-. now apply stable_sound. }
  destruct f; try easy. destruct (one_plus K s x) as [z|] eqn:Ez; [|easy].
  destruct (one_plus_sound s x z Ez) as [Hz Hv].
  assert (Hlog : replaces s (E1 (Map1 Log1p) (Arg 0), [z]) (den rho tr (Map1 Log) [E (nat_of x)])).
  { split; [simpl; lia|]. split; [intros k [<-|[]]; exact Hz|]. intros a b ix Hix. simpl. now rewrite Hv. }
  destruct (look K z) as [[o ps]|] eqn:El; [|intros H; injection H as <-; exact Hlog].
  destruct (HK _ _ _ El) as (_ & Hb & He).
  destruct o as [g|g|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try (intros H; injection H as <-; exact Hlog).
  destruct g; try (intros H; injection H as <-; exact Hlog).
  destruct ps as [|y [|? ?]]; try (intros H; injection H as <-; exact Hlog).
  intros H. injection H as <-. split; [simpl; lia|]. split; [intros k [<-|[]]; apply Hb; now left|].
  intros a b ix Hix. simpl. now rewrite Hv, He.
Qed.

(** *** Elements that are moved *)
Lemma moved_value vs o ix (F : index -> R) : inverse_axes (length vs) o (positions (length vs) o) = true ->
  In ix (boxs (pick vs o)) -> let v := pick ix (positions (length vs) o) in
  In v (boxs vs) /\ sum (boxs vs) (fun v => if index_eqb (pick v o) ix then F v else 0) = F v.
Proof.
  intros H Hix v. set (q := positions (length vs) o) in *. pose proof (inverse_axes_sound _ _ _ H) as (E1 & E2 & Ho & Hq & Lo & Lq).
  assert (Hv : In v (boxs vs)).
  { pose proof (pick_in rho (pick vs o) q ix) as P. rewrite pick_pick, E1, pick_range in P by now rewrite Lo.
    apply P; auto. unfold pick. now rewrite map_length, Lo. }
  split; auto. rewrite (sum_reindex rho vs o q _ H).
  etransitivity; [|apply (sum_box_single (sizes rho (pick vs o)) (fun u => F (pick u q)) ix Hix)]. apply sum_ext. intros u Hu.
  pose proof (box_length rho _ _ Hu) as Lu. unfold pick in Lu at 1. rewrite map_length in Lu.
  rewrite pick_pick, E2, <- Lo, <- Lu by (rewrite Lq; exact Ho). now rewrite pick_range.
Qed.
Lemma move_sound s x vs i o y : move_of K s x = Some (vs, i, o, y) ->
  (y < nx)%N /\ s = pick vs o /\ inverse_axes (length vs) o (positions (length vs) o) = true /\ below (length vs) i = true /\
  forall ix, In ix (boxs s) -> let jx := pick (pick ix (positions (length vs) o)) i in
    In jx (boxs (pick vs i)) /\ E (nat_of x) ix = E (nat_of y) jx.
Proof.
  unfold move_of. destruct (look K x) as [[op ps]|] eqn:Ex; [|easy]. destruct (HK _ _ _ Ex) as (_ & Hb & Hv).
  destruct op as [f|f|[vs' i' o'|? ? ? ?|? ? ? ?|? ?]|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy. destruct ps as [|y' [|? ?]]; try easy.
  destruct (inverse_axes _ _ _ && below _ _ && _) eqn:Ec; [|easy]. intros H. injection H as -> -> -> ->.
  apply andb_prop in Ec as [Ec E3]. apply andb_prop in Ec as [E1 E2]. destruct (index_eqb_spec (pick vs o) s) as [<-|]; [|easy].
  split; [apply Hb; now left|]. split; auto. split; auto. split; auto. intros ix Hix. rewrite Hv. cbn [map den].
  unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd].
  destruct (moved_value vs o ix (fun v => E (nat_of y) (pick v i)) E1 Hix) as [M1 M2]. split; [now apply pick_in|exact M2].
Qed.
Lemma moved_log_sound fuel : forall s x ea, (x < nx)%N -> moved_log fuel K s x = Some ea ->
  replaces s ea (den rho tr (Map1 Log) [E (nat_of x)]).
Proof.
  induction fuel as [|fuel IH]; intros s x ea Hx H; cbn [moved_log] in H;
    (destruct (stable_log K s Log x) as [r|] eqn:Es; [injection H as <-; now apply stable_log_sound|]); [easy|].
  destruct (move_of K s x) as [[[[vs i] o] y]|] eqn:Em; [|easy]. destruct (moved_log fuel K (pick vs i) y) as [[ex args]|] eqn:El; [|easy].
  injection H as <-. destruct (move_sound s x vs i o y Em) as (Hy & -> & Hinv & _ & Hm).
  destruct (IH _ _ _ Hy El) as (R1 & R2 & R3). cbn [fst snd] in *. split; [exact R1|]. split; [exact R2|].
  intros a b ix Hix. cbn [fst snd expr_den den]. unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd].
  destruct (moved_value vs o ix (fun v => expr_den rho tr ex (map E (map nat_of args)) a b (pick v i)) Hinv Hix) as [_ Hs].
  etransitivity; [exact Hs|]. clear Hs.
  destruct (Hm ix Hix) as [Hj He]. etransitivity; [exact (R3 a b _ Hj)|]. cbn [den app1]. now rewrite He.
Qed.
Lemma log_of_sum_sound s x ea : log_of_sum K x = Some ea -> replaces s ea (den rho tr (Map1 Log) [E (nat_of x)]).
Proof.
  unfold log_of_sum. destruct (look K x) as [[op ps]|] eqn:Ex; [|easy]. destruct (HK _ _ _ Ex) as (_ & _ & Hv).
  destruct op as [f|f|[vs i o|? ? ? ?|? ? ? ?|? ?]|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy. destruct ps as [|y [|? ?]]; try easy.
  destruct (look K y) as [[op ps]|] eqn:Ey; [|easy]. destruct (HK _ _ _ Ey) as (_ & Hb & He).
  destruct op as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try easy. destruct f; try easy. destruct ps as [|z [|? ?]]; try easy.
  intros H. injection H as <-. split; [simpl; lia|]. split; [intros k [<-|[]]; apply Hb; now left|].
  intros a b ix _. rewrite Hv. cbn [fst snd expr_den map nth den app1]. f_equal. unfold expsum, lin_app at 2; cbn [pairs].
  rewrite sum_map. cbn [fst snd]. apply sum_ext. intros v Hin. destruct (index_eqb (pick v o) ix); auto.
  rewrite widen_at by auto. rewrite He. reflexivity.
Qed.
Lemma other_form_sound s f x ea : (x < nx)%N -> other_form K s f x = Some ea ->
  replaces s ea (den rho tr (Map1 f) [E (nat_of x)]).
Proof.
  intros Hx H. destruct f; try (now apply stable_log_sound). cbn [other_form] in H.
  destruct (moved_log steps K s x) as [r|] eqn:Em; [injection H as <-; now apply (moved_log_sound steps)|].
  now apply log_of_sum_sound.
Qed.

(** *** Elements that are picked *)
Lemma count_sound fuel : forall s x a, count_of fuel K s x = Some a ->
  (a < length s)%nat /\ forall ix, In ix (boxs s) -> E (nat_of x) ix = INR (nth a ix 0%nat).
Proof.
  induction fuel as [|fuel IH]; intros s x a H.
  - cbn [count_of] in H. destruct (look K x) as [[op ps]|] eqn:Ex; [|easy]. destruct op; try easy. destruct ps; [|easy].
    destruct (index_eqb_spec s [d]) as [->|]; [|easy]. injection H as <-. split; [simpl; lia|].
    intros ix _. now destruct (HK _ _ _ Ex) as (_ & _ & ->).
  - assert (Hmove : match move_of K s x with
      | Some (vs, i, o, y) => match count_of fuel K (pick vs i) y with Some a => Some (position (nth a i 0%nat) o) | None => None end
      | None => None end = Some a -> (a < length s)%nat /\ forall ix, In ix (boxs s) -> E (nat_of x) ix = INR (nth a ix 0%nat)).
    { clear H. intros H. destruct (move_of K s x) as [[[[vs i] o] y]|] eqn:Em; [|easy].
      destruct (count_of fuel K (pick vs i) y) as [a'|] eqn:Ec; [|easy]. injection H as <-.
      destruct (move_sound s x vs i o y Em) as (_ & -> & Hinv & Hi & Hm). destruct (IH _ _ _ Ec) as [Ha Hval].
      pose proof (inverse_axes_sound _ _ _ Hinv) as (E1 & E2 & Ho & Hq & Lo & Lq).
      unfold pick in Ha. rewrite map_length in Ha.
      assert (Hn : (nth a' i 0 < length vs)%nat).
      { unfold below in Hi. rewrite forallb_forall in Hi. apply Nat.ltb_lt, Hi, nth_In, Ha. }
      assert (Hpos : nth (nth a' i 0%nat) (positions (length vs) o) 0%nat = position (nth a' i 0%nat) o).
      { unfold positions. rewrite (nth_map_lt _ (range (length vs)) _ 0%nat) by now rewrite seq_length. now rewrite seq_nth. }
      split.
      - rewrite <- Hpos. unfold pick. rewrite map_length, Lo. unfold below in Hq. rewrite forallb_forall in Hq.
        apply Nat.ltb_lt, Hq, nth_In. now rewrite Lq.
      - intros ix Hix. destruct (Hm ix Hix) as [Hj ->]. rewrite (Hval _ Hj), <- Hpos. f_equal. unfold pick at 1.
        rewrite (nth_map_lt _ i a' 0%nat) by auto. unfold pick. now rewrite (nth_map_lt _ _ _ 0%nat) by now rewrite Lq. }
    cbn [count_of] in H. destruct (look K x) as [[op ps]|] eqn:Ex; [|now apply Hmove].
    destruct op; try (now apply Hmove). destruct ps; [|now apply Hmove].
    destruct (index_eqb_spec s [d]) as [->|]; [|easy]. injection H as <-. split; [simpl; lia|].
    intros ix _. now destruct (HK _ _ _ Ex) as (_ & _ & ->).
Qed.
Lemma equal_sound s x a b : equal_of K s x = Some (a, b) -> (a < length s)%nat /\ (b < length s)%nat /\
  forall ix, In ix (boxs s) -> E (nat_of x) ix = if Nat.eqb (nth a ix 0%nat) (nth b ix 0%nat) then 1 else 0.
Proof.
  unfold equal_of. intros H. destruct (look K x) as [[op ps]|] eqn:E1; [|discriminate H].
  destruct op as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try discriminate H. destruct f; try discriminate H.
  destruct ps as [|x1 [|? ?]]; try discriminate H. destruct (look K x1) as [[op ps]|] eqn:E2; [|discriminate H].
  destruct op as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try discriminate H. destruct f; try discriminate H.
  destruct a0 as [|p|p]; try discriminate H. destruct p as [p|p|]; try discriminate H. destruct p as [p|p|]; try discriminate H.
  destruct p; try discriminate H. destruct b0 as [|p|p]; try discriminate H. destruct p; try discriminate H.
  destruct d as [p|p|]; try discriminate H. destruct p as [p|p|]; try discriminate H. destruct p; try discriminate H.
  destruct ps as [|x2 [|? ?]]; try discriminate H. destruct (look K x2) as [[op ps]|] eqn:E3; [|discriminate H].
  destruct op as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try discriminate H. destruct f; try discriminate H.
  destruct ps as [|x3 [|? ?]]; try discriminate H. destruct (look K x3) as [[op ps]|] eqn:E4; [|discriminate H].
  destruct op as [f|f|l|? ? ? ?|? ?|? ? ?|?|?|? ?]; try discriminate H. destruct f; try discriminate H.
  destruct ps as [|u [|w [|? ?]]]; try discriminate H.
  destruct (count_of steps K s u) as [a'|] eqn:Ca; [|discriminate H]. destruct (count_of steps K s w) as [b'|] eqn:Cb; [|discriminate H].
  injection H as -> ->.
  destruct (HK _ _ _ E1) as (_ & _ & V1). destruct (HK _ _ _ E2) as (_ & _ & V2). destruct (HK _ _ _ E3) as (_ & _ & V3).
  destruct (HK _ _ _ E4) as (_ & _ & V4). destruct (count_sound _ _ _ _ Ca) as [La Va]. destruct (count_sound _ _ _ _ Cb) as [Lb Vb].
  split; auto. split; auto. intros ix Hix. rewrite V1. cbn [map den app1]. rewrite V2. cbn [map den app1]. rewrite V3. cbn [map den app1].
  rewrite V4. cbn [map den app2]. rewrite (Va ix Hix), (Vb ix Hix). generalize (nth a ix 0%nat), (nth b ix 0%nat). clear. intros m n.
  unfold step01. destruct (Nat.eqb_spec m n) as [->|Hne].
  - rewrite Rminus_diag_eq by reflexivity. destruct (Rlt_dec _ _) as [|Hn]; auto. exfalso. apply Hn. lra.
  - assert (Hd : 1 <= (INR m - INR n) * (INR m - INR n)).
    { destruct (Nat.lt_gt_cases m n) as [Hl _]. destruct (Hl Hne) as [Hlt|Hlt].
      - assert (INR m + 1 <= INR n) by (rewrite <- S_INR; apply le_INR; lia). nra.
      - assert (INR n + 1 <= INR m) by (rewrite <- S_INR; apply le_INR; lia). nra. }
    destruct (Rlt_dec _ _) as [Hp|]; auto. exfalso. lra.
Qed.

Definition insert_at (b w : nat) (u : index) : index := firstn b u ++ w :: skipn b u.
Lemma sum_box_omit vs : forall b (F : index -> R), (b < length vs)%nat ->
  sum (boxs vs) F = sum (boxs (omit b vs)) (fun u => sum (range (rho (nth b vs 0%nat))) (fun w => F (insert_at b w u))).
Proof.
  induction vs as [|d vs IH]; intros b F Hb; [simpl in Hb; lia|].
  assert (Hc : forall n s (G : index -> R), sum (box (n :: s)) G = sum (range n) (fun i => sum (box s) (fun u => G (i :: u)))).
  { intros n s G. cbn [box]. rewrite sum_flat_map. apply sum_ext. intros i _. apply sum_map. }
  destruct b as [|b].
  - change (sizes rho (d :: vs)) with (rho d :: sizes rho vs). rewrite Hc, sum_swap. reflexivity.
  - change (omit (S b) (d :: vs)) with (d :: omit b vs). change (sizes rho (d :: vs)) with (rho d :: sizes rho vs).
    change (sizes rho (d :: omit b vs)) with (rho d :: sizes rho (omit b vs)). rewrite !Hc. apply sum_ext. intros i _.
    cbn [nth]. rewrite (IH b (fun u => F (i :: u))) by (simpl in Hb; lia). reflexivity.
Qed.
Lemma nth_insert b w (u : index) c : (b <= length u)%nat -> c <> b -> nth c (insert_at b w u) 0%nat = nth (closed b c) u 0%nat.
Proof.
  intros Hb Hc. assert (Lf : length (firstn b u) = b) by (rewrite firstn_length; lia). unfold insert_at, closed.
  rewrite <- (firstn_skipn b u) at 3. destruct (Nat.ltb_spec b c) as [H|H].
  - rewrite !app_nth2 by lia. rewrite Lf. replace (c - b)%nat with (S (pred c - b)) by lia. reflexivity.
  - rewrite !app_nth1 by lia. reflexivity.
Qed.
Lemma nth_insert_same b w (u : index) : (b <= length u)%nat -> nth b (insert_at b w u) 0%nat = w.
Proof.
  intros Hb. assert (Lf : length (firstn b u) = b) by (rewrite firstn_length; lia). unfold insert_at.
  rewrite app_nth2, Lf, Nat.sub_diag by lia. reflexivity.
Qed.
Lemma nth_omit {A} b (l : list A) c x : (b < length l)%nat -> c <> b -> nth (closed b c) (omit b l) x = nth c l x.
Proof.
  intros Hb Hc. assert (Lf : length (firstn b l) = b) by (rewrite firstn_length; lia).
  assert (Hs : skipn (S b) l = skipn 1 (skipn b l)).
  { clear. revert l. induction b as [|b IH]; intros [|a l]; auto. exact (IH l). }
  transitivity (nth c (firstn b l ++ skipn b l) x); [|now rewrite firstn_skipn]. unfold omit, closed.
  destruct (Nat.ltb_spec b c) as [H|H].
  - rewrite !app_nth2 by lia. rewrite Lf, Hs. replace (c - b)%nat with (S (pred c - b)) by lia.
    destruct (skipn b l); [|reflexivity]. now destruct (pred c - b)%nat.
  - rewrite !app_nth1 by lia. reflexivity.
Qed.

(** A sum over two indices that are equal is one over one of them. *)
Lemma sum_equal vs a b i o ix (X : tensor) : (a < length vs)%nat -> (b < length vs)%nat -> a <> b ->
  nth a vs 0%nat = nth b vs 0%nat -> ~ In b o ->
  sum (boxs vs) (fun v => if index_eqb (pick v o) ix then X (pick v i) * (if Nat.eqb (nth a v 0%nat) (nth b v 0%nat) then 1 else 0) else 0) =
  lin_app rho (Ein (omit b vs) (without_axis a b i) (without_axis a b o)) X ix.
Proof.
  intros Ha Hb Hab Hd Ho. rewrite (sum_box_omit vs b) by auto. unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd].
  apply sum_ext. intros u Hu. pose proof (box_length rho _ _ Hu) as Lu.
  assert (Lom : length (omit b vs) = pred (length vs)).
  { unfold omit. rewrite app_length, firstn_length, skipn_length. lia. }
  apply (fun L => eq_trans L Lom) in Lu. assert (Hbu : (b <= length u)%nat) by lia. set (w0 := nth (closed b a) u 0%nat).
  assert (Hw0 : In w0 (range (rho (nth b vs 0%nat)))).
  { apply in_range. unfold w0. rewrite <- Hd, <- (nth_omit b vs a 0%nat Hb Hab). apply in_boxs in Hu as [_ Hu]. apply Hu.
    eapply Nat.lt_le_trans; [|apply Nat.eq_le_incl; symmetry; exact Lom]. unfold closed. destruct (Nat.ltb_spec b a); lia. }
  assert (Hpo : forall w, pick (insert_at b w u) o = pick u (without_axis a b o)).
  { intros w. unfold pick, without_axis. rewrite map_map. apply map_ext_in. intros c Hc.
    destruct (Nat.eqb_spec c b) as [->|Hne]; [contradiction|]. now apply nth_insert. }
  assert (Hpi : pick (insert_at b w0 u) i = pick u (without_axis a b i)).
  { unfold pick, without_axis. rewrite map_map. apply map_ext_in. intros c Hc. destruct (Nat.eqb_spec c b) as [->|Hne].
    - rewrite nth_insert_same by auto. reflexivity.
    - now apply nth_insert. }
  rewrite (sum_ext _ _ (fun w => if Nat.eqb w w0 then (if index_eqb (pick u (without_axis a b o)) ix then X (pick (insert_at b w u) i) else 0) else 0)).
  - rewrite (sum_single Nat.eqb Nat.eqb_spec _ w0 (fun w => if index_eqb (pick u (without_axis a b o)) ix then X (pick (insert_at b w u) i) else 0))
      by (auto using seq_NoDup). now rewrite Hpi.
  - intros w _. rewrite Hpo, nth_insert_same, nth_insert by auto. fold w0. rewrite Nat.eqb_sym.
    destruct (Nat.eqb w w0), (index_eqb _ ix); ring.
Qed.
Lemma picked_sound vs i x j y o ea : (x < nx)%N -> picked K vs i x j y o = Some ea ->
  replaces (pick vs o) ea (den rho tr (Ein2 vs i j o) [E (nat_of x); E (nat_of y)]).
Proof.
  intros Hx H. unfold picked in H. destruct (equal_of K (pick vs j) y) as [[a' b']|] eqn:Ee; [|easy].
  destruct (equal_sound _ _ _ _ Ee) as (La & Lb & Hv). unfold pick in La, Lb. rewrite map_length in La, Lb.
  destruct (if existsb _ o then _ else _) as [a b] eqn:Eab.
  destruct (negb _ && _ && _ && _ && _ && _) eqn:Ec; [|easy]. injection H as <-.
  apply andb_prop in Ec as [Ec Hj]. apply andb_prop in Ec as [Ec Hb]. apply andb_prop in Ec as [Ec Ha].
  apply andb_prop in Ec as [Ec Hd]. apply andb_prop in Ec as [Hab Ho]. apply Nat.ltb_lt in Ha, Hb. apply Nat.eqb_eq in Hd.
  apply negb_true_iff in Hab, Ho. apply Nat.eqb_neq in Hab.
  split; [simpl; lia|]. split; [intros k [<-|[]]; exact Hx|]. intros p q ix _. cbn [fst snd expr_den map nth den].
  assert (Hin : ~ In b o).
  { intros Hin. assert (existsb (Nat.eqb b) o = true); [|congruence]. apply existsb_exists. exists b. split; auto. apply Nat.eqb_refl. }
  etransitivity; [symmetry; exact (sum_equal vs a b i o ix (E (nat_of x)) Ha Hb Hab Hd Hin)|].
  unfold ein2. apply sum_ext. intros v Hv'. destruct (index_eqb (pick v o) ix); auto. f_equal.
  rewrite (Hv (pick v j)) by now apply pick_in. unfold pick. rewrite (nth_map_lt _ j a' 0%nat), (nth_map_lt _ j b' 0%nat) by auto.
  destruct (existsb _ o); injection Eab as <- <-; auto. now rewrite Nat.eqb_sym.
Qed.
Lemma product_sound vs i j o x y : (x < nx)%N -> (y < nx)%N -> forall s, s = pick vs o -> forall other,
  replaces s other (den rho tr (Ein2 vs i j o) [E (nat_of x); E (nat_of y)]) ->
  replaces s (match picked K vs i x j y o with Some r => r | None => match picked K vs j y i x o with Some r => r | None => other end end)
    (den rho tr (Ein2 vs i j o) [E (nat_of x); E (nat_of y)]).
Proof.
  intros Hx Hy s -> other Hother. destruct (picked K vs i x j y o) as [r|] eqn:E1; [now apply picked_sound|].
  destruct (picked K vs j y i x o) as [r|] eqn:E2; [|exact Hother].
  destruct (picked_sound vs j y i x o r Hy E2) as (R1 & R2 & R3). split; auto. split; auto. intros p q ix Hix.
  rewrite (R3 p q ix Hix). cbn [den]. unfold ein2. apply sum_ext. intros v _. destruct (index_eqb _ ix); ring.
Qed.
Lemma as_is_sound s o ps ss : ty o ss = Some s -> length ps = length ss -> (forall k, In k ps -> (k < nx)%N) ->
  replaces s (as_is o ps) (den rho tr o (args ps)).
Proof.
  intros Ht Hl Hb.
  assert (Hlen : (length ss <= 2)%nat).
  { destruct o; simpl in Ht; try discriminate; destruct ss as [|? [|? [|? ?]]]; simpl; try discriminate; lia. }
  destruct ps as [|a [|b [|? ?]]]; cbn [as_is]; cbn [length] in *; try lia.
  - split; [exact I|]. split; [easy|]. reflexivity.
  - split; [simpl; lia|]. split; [exact Hb|]. reflexivity.
  - split; [simpl; lia|]. split; [exact Hb|]. reflexivity.
Qed.
End Nodes.
(** The slots [k < n] of the old program, whose values are [Vu], are those of the new one that [st]
    names, whose values are [E]. *)
Record carried (tr : trace) (n : N) (st : rewritten) (sh : nat -> shape) (Vu E : env) : Prop := {
  c_shapes : like [] (r_shapes st) sh;
  c_slots : forall k, (k < n)%N -> (Fast.get 0 (r_slots st) k < r_next st)%N;
  c_nodes : nodes_hold tr (r_nodes st) (r_next st) E;
  c_values : forall k, (k < n)%N -> forall ix, In ix (boxs (sh (nat_of k))) ->
    Vu (nat_of k) ix = E (nat_of (Fast.get 0%N (r_slots st) k)) ix
}.
Definition law_reads (law : nat -> option (noised * N * N)) (tru trn : trace) (n : N) (sh : nat -> shape)
  (Vu : env) (p : bprogram) : Prop :=
  forall a j s b, p = a ++ (Sample j s, []) :: b ->
    match law j with
    | Some (k, l, c) => (l < n + N.of_nat (length a))%N /\ (c < n + N.of_nat (length a))%N /\
        sh (nat_of l) = s /\ sh (nat_of c) = s /\
        forall ix, In ix (boxs s) -> tru j ix = moved_noise k (Vu (nat_of l) ix) (Vu (nat_of c) ix) (trn j ix)
    | None => forall ix, In ix (boxs s) -> tru j ix = trn j ix
    end.

Lemma moved_expr_val tr k j s (x y a b : tensor) ix :
  expr_den rho tr (moved_expr k (Sample j s)) [x; y] a b ix = moved_noise k (x ix) (y ix) (tr j ix).
Proof.
  destruct k; cbn; try reflexivity.
  - unfold Rdiv. rewrite Rinv_1. ring.
  - unfold laplace_of. replace ((2 * tr j ix + -1) / 2) with (tr j ix - / 2) by field.
    replace ((-2 * Rabs (tr j ix - / 2) + 0) / 1) with (-2 * Rabs (tr j ix - / 2)) by field. reflexivity.
Qed.
Lemma plain_cons o ps p : plain_program ((o, ps) :: p) = (o, map nat_of ps) :: plain_program p.
Proof. reflexivity. Qed.
Theorem rewrite_sound law (tru trn : trace) (shf : nat -> shape) p : forall n st q st' sh Eu E Vu,
  rewrite law p n st = Some (q, st') ->
  infer (plain_program p) (nat_of n) sh = Some shf ->
  Vu = run rho tru (plain_program p) (nat_of n) Eu ->
  law_reads law tru trn n shf Vu p ->
  carried trn n st sh Vu E -> (0 < r_next st)%N ->
  r_next st' = (r_next st + N.of_nat (length q))%N /\
  carried trn (n + N.of_nat (length p)) st' shf Vu
    (run rho trn (plain_program q) (nat_of (r_next st)) E).
Proof.
  induction p as [|[o ps] p IH]; intros n st q st' sh Eu E Vu Hr Hi HV Hl HC Hpos; cbn [rewrite] in Hr.
  - injection Hr as <- <-. simpl in *. injection Hi as <-. rewrite !N.add_0_r. auto.
  - destruct (below_n n ps) eqn:Hb; [|easy]. rewrite plain_cons in *. cbn [infer] in Hi.
    rewrite <- below_n_eq, Hb in Hi.
    destruct HC as [HS Hm HK HE].
    rewrite (@like_map shape [] (r_shapes st) sh ps HS) in Hi.
    destruct (ty o (map (Fast.get [] (r_shapes st)) ps)) as [s|] eqn:Ht; [|easy].
    match type of Hi with context [ty o ?x] => replace (ty o x) with (Some s) in Hi by (symmetry; exact Ht) end.
    set (ps' := map (Fast.get 0%N (r_slots st)) ps) in *.
    destruct (becomes law (r_nodes st) (r_slots st) s o ps') as [ex args] eqn:Hbec.
    destruct (fast_emit ex args 0 0 (r_next st)) as [[q1 r] nx] eqn:Hem.
    match type of Hr with context [rewrite law p (N.succ n) ?s1] => set (st1 := s1) in * end.
    destruct (rewrite law p (N.succ n) st1) as [[q2 st2]|] eqn:Hr2; [|easy]. injection Hr as <- <-.
    assert (Hps : forall k, In k ps -> (k < n)%N) by (intros; eapply below_n_in; eauto).
    assert (Hps' : forall k, In k ps' -> (k < r_next st)%N).
    { intros k Hk. apply in_map_iff in Hk as (k0 & <- & Hk0). auto. }
    (* the old value of the node *)
    set (Eu1 := put Eu (nat_of n) (den rho tru o (map Eu (map nat_of ps)))).
    assert (HV1 : Vu = run rho tru (plain_program p) (S (nat_of n)) Eu1) by exact HV.
    assert (Hbefore : forall k, (k < n)%N -> Vu (nat_of k) = Eu (nat_of k)).
    { intros k Hk. rewrite HV1, run_below by lia. unfold Eu1. apply put_other. lia. }
    assert (Hnow : Vu (nat_of n) = den rho tru o (map Eu (map nat_of ps))).
    { rewrite HV1, run_below by lia. unfold Eu1. apply put_same. }
    assert (Hag : agree rho (map (Fast.get [] (r_shapes st)) ps) (map Eu (map nat_of ps)) (map E (map nat_of ps'))).
    { unfold ps'. clear - Hps Hbefore HE HS. induction ps as [|k ps IHp]; simpl; auto.
      split; [|apply IHp; intros; apply Hps; now right].
      intros ix Hix. rewrite <- Hbefore by (apply Hps; now left). apply HE; [apply Hps; now left|].
      now rewrite (HS k). }
    assert (Hfinal : forall k, (k < n)%N -> shf (nat_of k) = sh (nat_of k)).
    { intros k Hk. rewrite (infer_inputs _ _ _ _ (nat_of k) Hi) by lia. apply put_other. lia. }
    (* the new expression has that value *)
    assert (Hrep : replaces trn (r_next st) E s (ex, args) (Vu (nat_of n))).
    { assert (Hplain : (forall j s', o <> Sample j s') ->
        replaces trn (r_next st) E s (as_is o ps') (Vu (nat_of n))).
      { intros Ho. destruct (as_is_sound trn (r_next st) E s o ps' _ Ht) as (R1 & R2 & R3); auto.
        { unfold ps'. now rewrite !map_length. }
        split; auto. split; auto. intros a b ix Hix. rewrite (R3 a b ix Hix), Hnow.
        transitivity (den rho tru o (map E (map nat_of ps')) ix).
        - destruct o; try reflexivity. now destruct (Ho j s0).
        - symmetry. eapply den_agree; eauto. }
      unfold becomes in Hbec.
      destruct o as [f|f|l|vs i j o|vs o|a d s'|d|d|j s'];
        try (rewrite <- Hbec; apply Hplain; easy).
      - destruct ps' as [|x [|? ?]] eqn:Eps; try (rewrite <- Hbec; apply Hplain; easy).
        destruct (other_form (r_nodes st) s f x) as [ea|] eqn:Est; [|rewrite <- Hbec; now apply Hplain].
        subst ea. destruct (other_form_sound trn _ _ _ HK s f x _ (Hps' x (or_introl eq_refl)) Est) as (R1 & R2 & R3).
        split; auto. split; auto. intros a b ix Hix. rewrite (R3 a b ix Hix), Hnow.
        symmetry. exact (den_agree rho tru (Map1 f) _ s _ _ Ht Hag ix Hix).
      - (* a quotient is a product by definition *)
        destruct f; try (rewrite <- Hbec; apply Hplain; easy).
        destruct ps' as [|x [|y [|? ?]]] eqn:Eps; rewrite <- Hbec; apply Hplain; easy.
      - (* what is picked by an axis *)
        destruct ps' as [|x [|y [|? ?]]] eqn:Eps; try (rewrite <- Hbec; apply Hplain; easy).
        rewrite <- Hbec. assert (Hs : s = pick vs o).
        { destruct ps as [|? [|? [|? ?]]]; try discriminate Ht. cbn [map ty] in Ht.
          destruct (below _ _ && _ && _ && _ && _); [|discriminate Ht]. now injection Ht. }
        assert (Hrep : forall r, replaces trn (r_next st) E s r (den rho trn (Ein2 vs i j o) [E (nat_of x); E (nat_of y)]) ->
          replaces trn (r_next st) E s r (Vu (nat_of n))).
        { intros r' (R1 & R2 & R3). split; auto. split; auto. intros a b ix Hix. rewrite (R3 a b ix Hix), Hnow.
          symmetry. exact (den_agree rho tru (Ein2 vs i j o) _ s _ _ Ht Hag ix Hix). }
        apply Hrep. apply (product_sound trn _ _ _ HK); auto; try (apply Hps'; simpl; auto).
        split; [simpl; lia|]. split; [intros k Hk; now apply Hps'|]. reflexivity.
      - destruct ps as [|k ps0]; [|simpl in Ht; discriminate]. simpl in ps'. subst ps'. cbn in Ht.
        injection Ht as <-. specialize (Hl [] j s' p eq_refl). cbn in Hl. rewrite N.add_0_r in Hl.
        destruct (law j) as [[[kd l] c]|].
        + destruct Hl as (Hl1 & Hc1 & Hl2 & Hc2 & Hl3). injection Hbec as <- <-.
          split; [destruct kd; simpl; repeat split; lia|]. split; [intros k [<-|[<-|[]]]; auto|].
          intros a b ix Hix. cbn [fst snd map]. rewrite (moved_expr_val trn kd j s' _ _ a b ix), Hnow.
          cbn [den map]. rewrite (Hl3 ix Hix).
          rewrite <- (HE l), <- (HE c); auto; [now rewrite <- Hfinal, Hc2|now rewrite <- Hfinal, Hl2].
        + injection Hbec as <- <-. split; [exact I|]. split; [easy|]. intros a b ix Hix. cbn.
          rewrite Hnow. cbn. symmetry. now apply Hl. }
    destruct Hrep as (R1 & R2 & R3). cbn [fst snd] in R1, R2, R3.
    pose proof (fast_emit_eq ex args 0 0 (r_next st) q1 r nx Hem) as Hem'.
    destruct (emit_sound rho trn ex (map nat_of args) 0 0 (nat_of (r_next st)) _ _ _ E Hem') as (S1 & S2 & S3).
    { now rewrite map_length. }
    { intros k Hk. apply in_map_iff in Hk as (k0 & <- & Hk0). specialize (R2 k0 Hk0). lia. }
    { simpl. lia. } { simpl. lia. }
    set (E1 := run rho trn (plain_program q1) (nat_of (r_next st)) E) in *.
    unfold plain_program in S1. rewrite map_length in S1.
    assert (Hnx : nx = (r_next st + N.of_nat (length q1))%N) by lia.
    assert (HC1 : carried trn (N.succ n) st1 (put sh (nat_of n) s) Vu E1).
    { unfold st1. constructor; cbn [r_shapes r_slots r_next r_nodes].
      - now apply like_put.
      - intros k Hk. unfold Fast.get. destruct (N.eq_dec k n) as [->|Hne].
        + rewrite look_same. lia.
        + rewrite look_other by auto. assert (Hk' : (k < n)%N) by lia. specialize (Hm k Hk').
          unfold Fast.get in Hm. lia.
      - rewrite Hnx. now apply note_sound.
      - intros k Hk ix Hix. unfold Fast.get. destruct (N.eq_dec k n) as [->|Hne].
        + rewrite put_same in Hix. rewrite look_same. rewrite S3. symmetry. now apply R3.
        + rewrite put_other in Hix by lia. rewrite look_other by auto.
          assert (Hk' : (k < n)%N) by lia. rewrite (HE k Hk' ix Hix). unfold E1.
          rewrite run_below; auto. specialize (Hm k Hk'). unfold Fast.get in *. lia. }
    assert (Hl1 : law_reads law tru trn (N.succ n) shf Vu p).
    { intros a j s' b Ep. specialize (Hl ((o, ps) :: a) j s' b). rewrite Ep in Hl. specialize (Hl eq_refl).
      destruct (law j) as [[[k l] c]|]; auto. cbn [length] in Hl. rewrite Nat2N.inj_succ in Hl.
      destruct Hl as (L1 & L2 & L3). split; [lia|]. split; [lia|exact L3]. }
    assert (Hi' : infer (plain_program p) (nat_of (N.succ n)) (put sh (nat_of n) s) = Some shf)
      by now rewrite N2Nat.inj_succ.
    assert (HV' : Vu = run rho tru (plain_program p) (nat_of (N.succ n)) Eu1)
      by now rewrite N2Nat.inj_succ.
    assert (Hpos1 : (0 < r_next st1)%N) by (unfold st1; cbn [r_next]; lia).
    destruct (IH (N.succ n) st1 q2 st2 _ Eu1 E1 Vu Hr2 Hi' HV' Hl1 HC1 Hpos1) as [I1 I2].
    unfold st1 in I1, I2; cbn [r_next] in I1, I2. rewrite app_length, Nat2N.inj_add.
    split; [lia|]. cbn [length]. rewrite Nat2N.inj_succ, N.add_succ_r, <- N.add_succ_l.
    rewrite plain_app, run_app. fold E1. unfold plain_program at 2. rewrite map_length.
    replace (nat_of (r_next st) + length q1)%nat with (nat_of nx) by lia. exact I2.
Qed.
End Rewriting.

(** Where the program is rewritten, it is well typed. *)
Lemma rewrite_infer law p : forall n st q st' sh, rewrite law p n st = Some (q, st') ->
  like [] (r_shapes st) sh ->
  exists shf, infer (plain_program p) (N.to_nat n) sh = Some shf /\ like [] (r_shapes st') shf.
Proof.
  induction p as [|[o ps] p IH]; intros n st q st' sh Hr HS; cbn [rewrite] in Hr.
  - injection Hr as <- <-. exists sh. auto.
  - destruct (below_n n ps) eqn:Hb; [|easy]. rewrite plain_cons. cbn [infer]. rewrite <- below_n_eq, Hb.
    rewrite (@like_map shape [] (r_shapes st) sh ps HS).
    destruct (ty o (map (Fast.get [] (r_shapes st)) ps)) as [s|] eqn:Ht; [|easy].
    match goal with |- context [ty o ?x] => replace (ty o x) with (Some s) by (symmetry; exact Ht) end.
    destruct (becomes _ _ _ _ _ _) as [ex args]. destruct (fast_emit _ _ _ _ _) as [[q1 r] nx].
    match type of Hr with context [rewrite law p (N.succ n) ?s1] => set (st1 := s1) in * end.
    destruct (rewrite law p (N.succ n) st1) as [[q2 st2]|] eqn:Hr2; [|easy]. injection Hr as <- <-.
    rewrite <- N2Nat.inj_succ. apply (IH _ _ _ _ _ Hr2). unfold st1; cbn [r_shapes]. now apply like_put.
Qed.
Lemma fast_emit_next ex : forall ps out adj nx q r nx', fast_emit ex ps out adj nx = (q, r, nx') ->
  nx' = (nx + N.of_nat (length q))%N.
Proof.
  induction ex as [k| | |o|o a IHa|o a IHa b IHb]; cbn [fast_emit]; intros ps out adj nx q r nx' E;
    try (injection E as <- <- <-; simpl; lia).
  - destruct (fast_emit a ps out adj nx) as [[p1 r1] n1] eqn:E1. injection E as <- <- <-.
    rewrite (IHa _ _ _ _ _ _ _ E1), app_length. simpl. lia.
  - destruct (fast_emit a ps out adj nx) as [[p1 r1] n1] eqn:E1.
    destruct (fast_emit b ps out adj n1) as [[p2 r2] n2] eqn:E2. injection E as <- <- <-.
    rewrite (IHb _ _ _ _ _ _ _ E2), (IHa _ _ _ _ _ _ _ E1), !app_length. simpl. lia.
Qed.
Lemma rewrite_next law p : forall n st q st', rewrite law p n st = Some (q, st') ->
  r_next st' = (r_next st + N.of_nat (length q))%N.
Proof.
  induction p as [|[o ps] p IH]; intros n st q st' Hr; cbn [rewrite] in Hr.
  - injection Hr as <- <-. simpl. now rewrite N.add_0_r.
  - destruct (below_n n ps); [|easy]. destruct (ty o _); [|easy].
    destruct (becomes _ _ _ _ _ _) as [ex args].
    destruct (fast_emit ex args 0 0 (r_next st)) as [[q1 r] nx] eqn:Hem.
    match type of Hr with context [rewrite law p (N.succ n) ?s1] => set (st1 := s1) in * end.
    destruct (rewrite law p (N.succ n) st1) as [[q2 st2]|] eqn:Hr2; [|easy]. injection Hr as <- <-.
    rewrite (IH _ _ _ _ Hr2), app_length, Nat2N.inj_add. unfold st1; cbn [r_next].
    rewrite (fast_emit_next _ _ _ _ _ _ _ _ Hem). lia.
Qed.
