(** * Certificates of large graphs

    The theory counts slots in unary and keeps tables as functions, which is good for proofs and bad for
    graphs of thousands of nodes.  Here are the same functions with binary numbers and search trees,
    each with the lemma that it does the same; [fast_check] is [check], and so on. *)
From Coq Require Import Reals Lia List Bool Arith NArith PArith FMapPositive.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Defined Number Certificate.
Import ListNotations.

Definition bnode := (op * list N)%type.
Definition bprogram := list bnode.
Record bgraph := {
  b_inputs : list shape;
  b_nodes : bprogram;
  b_cost : N;
  b_scores : list (N * N);
  b_sizes : list (dim * nat)
}.
Definition plain_node (nd : bnode) : node := (fst nd, map N.to_nat (snd nd)).
Definition plain_program (p : bprogram) : program := map plain_node p.
Definition plain_pairs (l : list (N * N)) : list (nat * nat) :=
  map (fun lw => (N.to_nat (fst lw), N.to_nat (snd lw))) l.
(** The graph that is meant. *)
Definition plain (B : bgraph) : graph := {|
  g_inputs := b_inputs B;
  g_nodes := plain_program (b_nodes B);
  g_cost := N.to_nat (b_cost B);
  g_scores := plain_pairs (b_scores B);
  g_sizes := b_sizes B |}.

(** ** Tables *)
Definition look {A} (m : PositiveMap.t A) (k : N) : option A := PositiveMap.find (N.succ_pos k) m.
Definition get {A} (d : A) (m : PositiveMap.t A) (k : N) : A := match look m k with Some a => a | None => d end.
Definition store {A} (m : PositiveMap.t A) (k : N) (a : A) : PositiveMap.t A := PositiveMap.add (N.succ_pos k) a m.

Lemma succ_pos_inj a b : N.succ_pos a = N.succ_pos b -> a = b.
Proof. intros H. apply N.succ_inj. now rewrite <- !N.succ_pos_spec, H. Qed.
Lemma look_same {A} (m : PositiveMap.t A) k a : look (store m k a) k = Some a.
Proof. apply PositiveMap.gss. Qed.
Lemma look_other {A} (m : PositiveMap.t A) k k' a : k' <> k -> look (store m k a) k' = look m k'.
Proof. intros H. apply PositiveMap.gso. intros E. apply H. now apply succ_pos_inj. Qed.
Lemma look_empty {A} k : look (PositiveMap.empty A) k = None.
Proof. apply PositiveMap.gempty. Qed.

(** A tree that holds a function of slots; and one that holds a partial function to slots. *)
Definition like {A} (d : A) (m : PositiveMap.t A) (f : nat -> A) : Prop :=
  forall k, f (N.to_nat k) = get d m k.
Definition like_slots (m : PositiveMap.t N) (f : nat -> option nat) : Prop :=
  forall k, f (N.to_nat k) = option_map N.to_nat (look m k).
Lemma to_nat_eqb a b : Nat.eqb (N.to_nat a) (N.to_nat b) = N.eqb a b.
Proof.
  destruct (N.eqb_spec a b) as [->|H]; [apply Nat.eqb_refl|]. apply Nat.eqb_neq. lia.
Qed.
Lemma to_nat_ltb a b : Nat.ltb (N.to_nat a) (N.to_nat b) = N.ltb a b.
Proof.
  destruct (N.ltb_spec a b); [apply Nat.ltb_lt|apply Nat.ltb_ge]; lia.
Qed.
Lemma like_put {A} (d : A) m f n v : like d m f -> like d (store m n v) (put f (N.to_nat n) v).
Proof.
  intros H k. unfold put, get. rewrite to_nat_eqb. destruct (N.eqb_spec k n) as [->|Hne].
  - now rewrite look_same.
  - rewrite look_other by auto. apply H.
Qed.
Lemma like_slots_put m f n v : like_slots m f ->
  like_slots (store m n v) (put f (N.to_nat n) (Some (N.to_nat v))).
Proof.
  intros H k. unfold put. rewrite to_nat_eqb. destruct (N.eqb_spec k n) as [->|Hne].
  - now rewrite look_same.
  - rewrite look_other by auto. apply H.
Qed.

(** ** Shapes *)
Definition below_n (n : N) (ps : list N) : bool := forallb (fun k => N.ltb k n) ps.
Lemma below_n_eq n ps : below_n n ps = below (N.to_nat n) (map N.to_nat ps).
Proof.
  unfold below_n, below. induction ps as [|k ps IH]; simpl; auto. now rewrite IH, to_nat_ltb.
Qed.
Fixpoint fast_infer (p : bprogram) (n : N) (m : PositiveMap.t shape) : option (PositiveMap.t shape) :=
  match p with
  | [] => Some m
  | (o, ps) :: p =>
      if below_n n ps then
        match ty o (map (get [] m) ps) with
        | Some s => fast_infer p (N.succ n) (store m n s)
        | None => None
        end
      else None
  end.
Lemma like_map {A} (d : A) m f ps : like d m f -> map f (map N.to_nat ps) = map (get d m) ps.
Proof. intros H. rewrite map_map. apply map_ext. auto. Qed.
Lemma fast_infer_sound p : forall n m m' sh, like [] m sh -> fast_infer p n m = Some m' ->
  exists shf, infer (plain_program p) (N.to_nat n) sh = Some shf /\ like [] m' shf.
Proof.
  induction p as [|[o ps] p IH]; simpl; intros n m m' sh H E.
  - injection E as <-. eauto.
  - rewrite <- below_n_eq. destruct (below_n n ps); [|easy]. rewrite (@like_map shape [] m sh ps H).
    destruct (ty o _) as [s|]; [|easy]. rewrite <- N2Nat.inj_succ. eapply IH; eauto. now apply like_put.
Qed.

(** ** The reverse pass *)
Fixpoint fast_emit (e : expr) (ps : list N) (out adj nx : N) : bprogram * N * N :=
  match e with
  | Arg k => ([], nth k ps 0%N, nx)
  | Out => ([], out, nx)
  | Adj => ([], adj, nx)
  | E0 o => ([(o, [])], nx, N.succ nx)
  | E1 o a => let '(p, r, nx) := fast_emit a ps out adj nx in (p ++ [(o, [r])], nx, N.succ nx)
  | E2 o a b =>
      let '(p, r, nx) := fast_emit a ps out adj nx in
      let '(p', r', nx) := fast_emit b ps out adj nx in (p ++ p' ++ [(o, [r; r'])], nx, N.succ nx)
  end.
Lemma plain_app p q : plain_program (p ++ q) = plain_program p ++ plain_program q.
Proof. apply map_app. Qed.
Lemma fast_emit_eq e : forall ps out adj nx p r nx', fast_emit e ps out adj nx = (p, r, nx') ->
  emit e (map N.to_nat ps) (N.to_nat out) (N.to_nat adj) (N.to_nat nx)
  = (plain_program p, N.to_nat r, N.to_nat nx').
Proof.
  induction e as [k| | |o|o a IHa|o a IHa b IHb]; simpl; intros ps out adj nx p r nx' E.
  - injection E as <- <- <-. simpl. change 0%nat with (N.to_nat 0). now rewrite map_nth.
  - now injection E as <- <- <-.
  - now injection E as <- <- <-.
  - injection E as <- <- <-. now rewrite N2Nat.inj_succ.
  - destruct (fast_emit a ps out adj nx) as [[p1 r1] n1] eqn:E1. injection E as <- <- <-.
    rewrite (IHa _ _ _ _ _ _ _ E1), plain_app, N2Nat.inj_succ. reflexivity.
  - destruct (fast_emit a ps out adj nx) as [[p1 r1] n1] eqn:E1.
    destruct (fast_emit b ps out adj n1) as [[p2 r2] n2] eqn:E2. injection E as <- <- <-.
    rewrite (IHa _ _ _ _ _ _ _ E1), (IHb _ _ _ _ _ _ _ E2), !plain_app, N2Nat.inj_succ. reflexivity.
Qed.

Definition fast_accumulate (j r nx : N) (am : PositiveMap.t N) : bprogram * N * PositiveMap.t N :=
  match look am j with
  | None => ([], nx, store am j r)
  | Some a => ([(Map2 Add, [a; r])], N.succ nx, store am j nx)
  end.
(** Equal results, the tables of adjoints being alike. *)
Definition agrees3 (x : bprogram * N * PositiveMap.t N) (y : program * nat * adjoints) : Prop :=
  snd (fst y) = N.to_nat (snd (fst x)) /\ fst (fst y) = plain_program (fst (fst x)) /\
  like_slots (snd x) (snd y).
Lemma fast_accumulate_eq j r nx am f : like_slots am f ->
  agrees3 (fast_accumulate j r nx am) (accumulate (N.to_nat j) (N.to_nat r) (N.to_nat nx) f).
Proof.
  intros H. unfold fast_accumulate, accumulate. rewrite (H j).
  destruct (look am j) as [a|]; simpl; (split; [|split]); simpl; auto using like_slots_put.
  now rewrite N2Nat.inj_succ.
Qed.
Fixpoint fast_scatter (o : op) (all ps : list N) (k : nat) (out adj nx : N) (am : PositiveMap.t N) :
  bprogram * N * PositiveMap.t N :=
  match ps with
  | [] => ([], nx, am)
  | j :: ps =>
      match vjp o k with
      | None => fast_scatter o all ps (S k) out adj nx am
      | Some e =>
          let '(p1, r, nx) := fast_emit e all out adj nx in
          let '(p2, nx, am) := fast_accumulate j r nx am in
          let '(p3, nx, am) := fast_scatter o all ps (S k) out adj nx am in (p1 ++ p2 ++ p3, nx, am)
      end
  end.
Lemma fast_scatter_eq o all ps : forall k out adj nx am f, like_slots am f ->
  agrees3 (fast_scatter o all ps k out adj nx am)
    (scatter o (map N.to_nat all) (map N.to_nat ps) k (N.to_nat out) (N.to_nat adj) (N.to_nat nx) f).
Proof.
  induction ps as [|j ps IH]; simpl; intros k out adj nx am f H; [now split; [|split]|].
  destruct (vjp o k) as [e|]; [|now apply IH].
  destruct (fast_emit e all out adj nx) as [[p1 r] n1] eqn:E1. rewrite (fast_emit_eq _ _ _ _ _ _ _ _ E1).
  pose proof (fast_accumulate_eq j r n1 am f H) as A.
  destruct (fast_accumulate j r n1 am) as [[p2 n2] am2].
  destruct (accumulate (N.to_nat j) (N.to_nat r) (N.to_nat n1) f) as [[p2' n2'] f2].
  destruct A as (A1 & A2 & A3). cbn [fst snd] in *. subst n2' p2'.
  pose proof (IH (S k) out adj n2 am2 f2 A3) as B.
  destruct (fast_scatter o all ps (S k) out adj n2 am2) as [[p3 n3] am3].
  destruct (scatter _ _ _ _ _ _ _ _) as [[p3' n3'] f3]. destruct B as (B1 & B2 & B3).
  cbn [fst snd] in *. subst n3' p3'. split; [|split]; simpl; auto. now rewrite !plain_app.
Qed.
Fixpoint fast_backward (rp : list bnode) (nx : N) (am : PositiveMap.t N) (m : N) :
  bprogram * N * PositiveMap.t N :=
  match rp with
  | [] => ([], nx, am)
  | (o, ps) :: rp =>
      let i := N.pred m in
      match look am i with
      | None => fast_backward rp nx am i
      | Some a =>
          let '(p1, nx, am) := fast_scatter o ps ps 0 i a nx am in
          let '(p2, nx, am) := fast_backward rp nx am i in (p1 ++ p2, nx, am)
      end
  end.
Lemma fast_backward_eq rp : forall nx am m f, like_slots am f ->
  agrees3 (fast_backward rp nx am m) (backward (map plain_node rp) (N.to_nat nx) f (N.to_nat m)).
Proof.
  induction rp as [|[o ps] rp IH]; simpl; intros nx am m f H; [now split; [|split]|].
  rewrite <- N2Nat.inj_pred, (H (N.pred m)). destruct (look am (N.pred m)) as [a|]; simpl; [|now apply IH].
  pose proof (fast_scatter_eq o ps ps 0 (N.pred m) a nx am f H) as A.
  destruct (fast_scatter o ps ps 0 (N.pred m) a nx am) as [[p1 n1] am1].
  destruct (scatter _ _ _ _ _ _ _ _) as [[p1' n1'] f1]. destruct A as (A1 & A2 & A3).
  cbn [fst snd] in *. subst n1' p1'. pose proof (IH n1 am1 (N.pred m) f1 A3) as B.
  destruct (fast_backward rp n1 am1 (N.pred m)) as [[p2 n2] am2].
  destruct (backward _ _ _ _) as [[p2' n2'] f2]. destruct B as (B1 & B2 & B3).
  cbn [fst snd] in *. subst n2' p2'. split; [|split]; simpl; auto. now rewrite plain_app.
Qed.

(** ** Normal forms of a whole program *)
(** A tree that holds the entries of a list, and no others. *)
Definition held {A} (d : A) (n : N) (mm : PositiveMap.t A) (m : list A) : Prop :=
  N.to_nat n = length m /\ forall k, nth (N.to_nat k) m d = get d mm k.
Fixpoint hold {A} (l : list A) (n : N) (mm : PositiveMap.t A) : PositiveMap.t A :=
  match l with [] => mm | a :: l => hold l (N.succ n) (store mm n a) end.
Lemma held_empty {A} (d : A) : held d 0 (PositiveMap.empty A) [].
Proof. split; auto. intros k. unfold get. rewrite look_empty. now destruct (N.to_nat k). Qed.
Lemma held_snoc {A} (d : A) n mm m x : held d n mm m -> held d (N.succ n) (store mm n x) (m ++ [x]).
Proof.
  intros [Hn H]. split; [rewrite app_length, N2Nat.inj_succ; simpl; lia|]. intros k. unfold get.
  destruct (N.eq_dec k n) as [->|Hne].
  - now rewrite look_same, app_nth2, Hn, Nat.sub_diag by lia.
  - rewrite look_other by auto. fold (get d mm k). rewrite <- H.
    destruct (Nat.lt_ge_cases (N.to_nat k) (length m)).
    + now apply app_nth1.
    + rewrite app_nth2 by lia. rewrite (nth_overflow m) by lia.
      destruct (N.to_nat k - length m)%nat eqn:E; [lia|]. now destruct n0.
Qed.
Lemma hold_held {A} (d : A) l : forall n mm m, held d n mm m ->
  held d (n + N.of_nat (length l)) (hold l n mm) (m ++ l).
Proof.
  induction l as [|a l IH]; intros n mm m H.
  - rewrite N.add_0_r, app_nil_r. exact H.
  - cbn [hold length]. rewrite Nat2N.inj_succ, N.add_succ_r, <- N.add_succ_l.
    change (a :: l) with ([a] ++ l). rewrite app_assoc. apply IH. now apply held_snoc.
Qed.
Lemma hold_all {A} (d : A) l : held d (N.of_nat (length l)) (hold l 0 (PositiveMap.empty A)) l.
Proof. exact (hold_held d l 0 _ [] (held_empty d)). Qed.
Lemma held_map {A} (d : A) n mm m ps : held d n mm m ->
  map (fun k => nth k m d) (map N.to_nat ps) = map (get d mm) ps.
Proof. intros [_ H]. rewrite map_map. apply map_ext. exact H. Qed.
Section Enter.
Variable fix_ : fixed_sizes.
Variable how : naming.
Fixpoint fast_enter (p : bprogram) (T : table) (mm : PositiveMap.t (shape * poly)) (n : N) :
  option (table * PositiveMap.t (shape * poly) * N) :=
  match p with
  | [] => Some (T, mm, n)
  | (o, ps) :: p =>
      if below_n n ps then
        match enter fix_ how T o (map (get none mm) ps) with
        | Some (T, x) => fast_enter p T (store mm n x) (N.succ n)
        | None => None
        end
      else None
  end.
Lemma fast_enter_eq p : forall T mm n m T' mm' n', held none n mm m ->
  fast_enter p T mm n = Some (T', mm', n') ->
  exists m', enter_all fix_ how (plain_program p) T m = Some (T', m') /\ held none n' mm' m'.
Proof.
  induction p as [|[o ps] p IH]; simpl; intros T mm n m T' mm' n' H E.
  - injection E as <- <- <-. eauto.
  - pose proof H as [Hn _]. rewrite <- Hn, <- below_n_eq. destruct (below_n n ps); [|easy].
    rewrite (held_map _ _ _ _ ps H). destruct (enter fix_ how T o _) as [[T1 x]|]; [|easy]. eapply IH; eauto. now apply held_snoc.
Qed.
End Enter.
Definition fast_same_with (how how' : naming) (fix_ : fixed_sizes) (ins : list shape) (p q : bprogram) (outs : list (N * N)) : bool :=
  let '(T, m0) := enter_inputs ins 0 empty in
  let mm0 := hold m0 0 (PositiveMap.empty _) in
  let n0 := N.of_nat (length m0) in
  match fast_enter fix_ how p T mm0 n0 with
  | None => false
  | Some (T, mm, n) =>
      match fast_enter fix_ how' q T mm0 n0 with
      | None => false
      | Some (_, mm', n') =>
          forallb (fun ij => N.ltb (fst ij) n && N.ltb (snd ij) n' &&
                             same_value (get none mm (fst ij)) (get none mm' (snd ij))) outs
      end
  end.
Lemma fast_same_with_sound how how' fix_ ins p q outs : fast_same_with how how' fix_ ins p q outs = true ->
  same_with how how' fix_ ins (plain_program p) (plain_program q) (plain_pairs outs) = true.
Proof.
  unfold fast_same_with, same_with. destruct (enter_inputs ins 0 empty) as [T0 m0].
  pose proof (hold_all none m0) as H0.
  destruct (fast_enter fix_ how p T0 _ _) as [[[T1 mm1] n1]|] eqn:E1; [|easy].
  destruct (fast_enter_eq fix_ how p _ _ _ m0 _ _ _ H0 E1) as (m1 & -> & [L1 G1]).
  destruct (fast_enter fix_ how' q T1 _ _) as [[[T2 mm2] n2]|] eqn:E2; [|easy].
  destruct (fast_enter_eq fix_ how' q _ _ _ m0 _ _ _ H0 E2) as (m2 & -> & [L2 G2]).
  intros H. rewrite forallb_forall in *. intros [i j] Hij. apply in_map_iff in Hij as ([a b] & E & Hab).
  injection E as <- <-. specialize (H _ Hab). cbn [fst snd] in *.
  now rewrite <- L1, <- L2, !to_nat_ltb, G1, G2.
Qed.
Definition fast_same (fix_ : fixed_sizes) (ins : list shape) (p q : bprogram) (outs : list (N * N)) : bool :=
  if fast_same_with Long Known fix_ ins p q outs then true else fast_same_with Never Never fix_ ins p q outs.
Theorem fast_same_sound fix_ ins p q outs : fast_same fix_ ins p q outs = true ->
  same fix_ ins (plain_program p) (plain_program q) (plain_pairs outs) = true.
Proof.
  unfold fast_same, same. destruct (fast_same_with Long Known fix_ ins p q outs) eqn:E; intros H.
  - now rewrite (fast_same_with_sound _ _ _ _ _ _ _ E).
  - rewrite (fast_same_with_sound _ _ _ _ _ _ _ H). now destruct (same_with _ _ _ _ _ _ _).
Qed.

(** ** Lists without repetition *)
Fixpoint fast_distinct (l : list N) (seen : PositiveMap.t unit) : bool :=
  match l with
  | [] => true
  | k :: l => match look seen k with Some _ => false | None => fast_distinct l (store seen k tt) end
  end.
Lemma fast_distinct_sound l : forall seen, fast_distinct l seen = true ->
  distinct (map N.to_nat l) = true /\ forall k, In k l -> look seen k = None.
Proof.
  induction l as [|k l IH]; simpl; intros seen H; [easy|]. destruct (look seen k) eqn:E; [easy|].
  destruct (IH _ H) as [Hd Hn]. split.
  - rewrite Hd, andb_true_r. apply negb_true_iff. destruct (existsb _ _) eqn:Ex; auto.
    apply existsb_exists in Ex as (x & Hx & Hk). apply in_map_iff in Hx as (j & <- & Hj).
    rewrite to_nat_eqb in Hk. apply N.eqb_eq in Hk. subst j. specialize (Hn k Hj).
    now rewrite look_same in Hn.
  - intros j [<-|Hj]; auto. specialize (Hn j Hj). destruct (N.eq_dec j k) as [->|Hne]; auto.
    now rewrite look_other in Hn.
Qed.
Definition all_distinct (l : list N) : bool := fast_distinct l (PositiveMap.empty _).
Lemma all_distinct_sound l : all_distinct l = true -> distinct (map N.to_nat l) = true.
Proof. intros H. now apply (fast_distinct_sound l (PositiveMap.empty _)). Qed.
Lemma plain_firsts l : map fst (plain_pairs l) = map N.to_nat (map fst l).
Proof. unfold plain_pairs. now rewrite !map_map. Qed.

(** ** The whole check *)
Definition input_map (B : bgraph) : PositiveMap.t shape := hold (b_inputs B) 0 (PositiveMap.empty _).
Definition b_count (B : bgraph) : N := N.of_nat (length (b_inputs B)).
Definition b_slots (B : bgraph) : N := b_count B + N.of_nat (length (b_nodes B)).
Definition b_seeds (B : bgraph) : PositiveMap.t N :=
  store (fold_right (fun lw m => store m (fst lw) (snd lw)) (PositiveMap.empty N) (b_scores B))
        (b_cost B) (b_slots B).
Definition b_forward (B : bgraph) : bprogram := b_nodes B ++ [(Const 1 1 [], [])].
Definition b_reverse (B : bgraph) : bprogram * N * PositiveMap.t N :=
  fast_backward (rev_append (b_forward B) []) (N.succ (b_slots B)) (b_seeds B) (N.succ (b_slots B)).

Definition fast_well_formed (B : bgraph) : bool :=
  match fast_infer (b_nodes B) (b_count B) (input_map B) with
  | None => false
  | Some sh =>
      let n := b_slots B in
      N.ltb (b_cost B) n && index_eqb (get [] sh (b_cost B)) [] &&
      all_distinct (b_cost B :: map fst (b_scores B)) &&
      forallb (fun lw => N.ltb (fst lw) n && N.ltb (snd lw) n &&
                         index_eqb (get [] sh (snd lw)) (get [] sh (fst lw))) (b_scores B)
  end.
Definition fast_check (B : bgraph) (est : bprogram) (outs : list (N * N)) : bool :=
  let '(pb, _, am) := b_reverse B in
  let derived := b_forward B ++ pb in
  fast_well_formed B && all_distinct (map fst outs) && below_n (b_count B) (map fst outs) &&
  match fast_infer derived (b_count B) (input_map B) with
  | None => false
  | Some sh => forallb (fun kj => match look am (fst kj) with
                                  | Some i => index_eqb (get [] sh i) (get [] (input_map B) (fst kj))
                                  | None => false end) outs
  end &&
  fast_same (b_sizes B) (b_inputs B) derived est
    (map (fun kj => (get 0%N am (fst kj), snd kj)) outs).

Lemma input_map_like B : like [] (input_map B) (input_shape (plain B)).
Proof.
  intros k. unfold input_map, input_shape. cbn [plain g_inputs].
  apply (hold_all []).
Qed.
Lemma count_eq B : N.to_nat (b_count B) = inputs (plain B).
Proof. unfold b_count, inputs. now rewrite Nat2N.id. Qed.
Lemma slots_eq B : N.to_nat (b_slots B) = slots (plain B).
Proof.
  unfold b_slots, slots. rewrite N2Nat.inj_add, count_eq, Nat2N.id. cbn [plain g_nodes].
  unfold plain_program. now rewrite map_length.
Qed.
Lemma seeds_like B : like_slots (b_seeds B) (seeds (plain B)).
Proof.
  intros k. unfold b_seeds, seeds. cbn [plain g_cost]. rewrite to_nat_eqb.
  destruct (N.eqb_spec k (b_cost B)) as [->|Hne].
  - rewrite look_same. cbn [option_map]. now rewrite slots_eq.
  - rewrite look_other by auto. unfold weight_of. cbn [plain g_scores].
    induction (b_scores B) as [|[l w] ss IH]; simpl; [now rewrite look_empty|].
    rewrite to_nat_eqb. destruct (N.eqb_spec l k) as [->|Hlk]; [now rewrite look_same|].
    rewrite look_other by auto. exact IH.
Qed.
Lemma reverse_like B : agrees3 (b_reverse B) (reverse (plain B)).
Proof.
  unfold b_reverse, reverse. rewrite <- rev_alt.
  pose proof (fast_backward_eq (rev (b_forward B)) (N.succ (b_slots B)) (b_seeds B) (N.succ (b_slots B))
                (seeds (plain B)) (seeds_like B)) as H.
  rewrite N2Nat.inj_succ, slots_eq in H. unfold forward. cbn [plain g_nodes].
  replace (rev (plain_program (b_nodes B) ++ [(Const 1 1 [], [])])) with (map plain_node (rev (b_forward B)));
    auto. rewrite map_rev. f_equal. unfold b_forward. rewrite map_app. reflexivity.
Qed.

Theorem fast_check_sound B est outs : fast_check B est outs = true ->
  check (plain B) (plain_program est) (plain_pairs outs) = true.
Proof.
  unfold fast_check, check. intros H. pose proof (reverse_like B) as Hrev.
  destruct (b_reverse B) as [[pb nx] am]. apply andb_prop in H as [H Hsame].
  apply andb_prop in H as [H Hadj]. apply andb_prop in H as [H Hbel]. apply andb_prop in H as [Hwf Hdis].
  destruct Hrev as (R1 & R2 & R3). cbn [fst snd] in R1, R2, R3.
  assert (Hest : estimator (plain B) = plain_program (b_forward B ++ pb)).
  { unfold estimator. rewrite R2, plain_app. unfold forward, b_forward. rewrite plain_app. reflexivity. }
  apply andb_true_intro. split; [apply andb_true_intro; split; [apply andb_true_intro; split;
    [apply andb_true_intro; split|]|]|].
  - unfold fast_well_formed in Hwf. unfold well_formedb.
    destruct (fast_infer (b_nodes B) (b_count B) (input_map B)) as [sh|] eqn:E; [|easy].
    destruct (fast_infer_sound _ _ _ _ _ (input_map_like B) E) as (shf & Hi & Hl).
    rewrite count_eq in Hi. cbn [plain g_nodes]. rewrite Hi. cbn [plain g_cost g_scores].
    apply andb_prop in Hwf as [Hwf Hs]. apply andb_prop in Hwf as [Hwf Hd]. apply andb_prop in Hwf as [Hc Hcs].
    apply all_distinct_sound in Hd. cbn [map] in Hd. rewrite <- plain_firsts in Hd.
    rewrite <- slots_eq, to_nat_ltb, Hc, (Hl (b_cost B)), Hcs, Hd. cbn [andb].
    rewrite forallb_forall in *. intros [l w] Hin. apply in_map_iff in Hin as ([a b] & Eq & Hab).
    injection Eq as <- <-. specialize (Hs _ Hab). cbn [fst snd] in *. now rewrite !to_nat_ltb, !Hl.
  - rewrite plain_firsts. now apply all_distinct_sound.
  - rewrite below_n_eq, count_eq in Hbel. unfold plain_pairs. rewrite map_map in *. exact Hbel.
  - destruct (fast_infer (b_forward B ++ pb) (b_count B) (input_map B)) as [sh|] eqn:E; [|easy].
    destruct (fast_infer_sound _ _ _ _ _ (input_map_like B) E) as (shf & Hi & Hl).
    rewrite count_eq in Hi. rewrite Hest, Hi. rewrite forallb_forall in *. intros k Hk.
    unfold plain_pairs in Hk. rewrite map_map in Hk. apply in_map_iff in Hk as (kj & <- & Hkj).
    specialize (Hadj _ Hkj). unfold adjoint_ok, estimator_adjoints. cbn [fst]. rewrite (R3 (fst kj)).
    destruct (look am (fst kj)) as [i|]; [|easy]. cbn [option_map].
    now rewrite (Hl i), (input_map_like B (fst kj)).
  - rewrite Hest. cbn [plain g_sizes g_inputs].
    replace (map (fun kj => (derived_slot (plain B) (fst kj), snd kj)) (plain_pairs outs))
      with (plain_pairs (map (fun kj => (get 0%N am (fst kj), snd kj)) outs)).
    + now apply fast_same_sound.
    + unfold plain_pairs. rewrite !map_map. apply map_ext. intros kj. cbn [fst snd]. f_equal.
      unfold derived_slot, estimator_adjoints. rewrite (R3 (fst kj)). unfold get.
      destruct (look am (fst kj)); reflexivity.
Qed.
