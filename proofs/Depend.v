(** * Which drawn numbers a value reads

    [dep G k] lists the samples that slot [k] of a graph reads, each with pairs of axes that agree: an
    element of the slot reads only those elements of the sample whose indices are the same along all these
    pairs.  So copies of a plate are seen to be independent. *)
From Coq Require Import Reals Lra Lia List Bool Arith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Draws.
Import ListNotations.
Open Scope R_scope.

Definition alignment := list (nat * nat).    (** axis of the slot, axis of the sample *)
Definition deps := list (nat * alignment).

Definition pair_eqb (p q : nat * nat) : bool := Nat.eqb (fst p) (fst q) && Nat.eqb (snd p) (snd q).
Fixpoint alignment_eqb (l m : alignment) : bool :=
  match l, m with
  | [], [] => true
  | p :: l, q :: m => pair_eqb p q && alignment_eqb l m
  | _, _ => false
  end.
Definition dep_eqb (p q : nat * alignment) : bool :=
  Nat.eqb (fst p) (fst q) && alignment_eqb (snd p) (snd q).
Definition add_dep (p : nat * alignment) (l : deps) : deps := if existsb (dep_eqb p) l then l else p :: l.
Definition join (l m : deps) : deps := fold_right add_dep m l.

(** How the axes move: a sum of in(v.i) into out(v.o). *)
Definition realign (i o : list nat) (al : alignment) : alignment :=
  flat_map (fun ab => if Nat.ltb (fst ab) (length i) then
    map (fun c => (c, snd ab)) (filter (fun c => Nat.eqb (nth c o 0%nat) (nth (fst ab) i 0%nat)) (range (length o)))
    else []) al.
Definition inner_axes (al : alignment) : alignment := filter (fun ab => negb (Nat.eqb (fst ab) 0)) al.
Definition map_deps (f : alignment -> alignment) (ds : deps) : deps :=
  fold_right (fun d => add_dep (fst d, f (snd d))) [] ds.

Definition op_deps (o : op) (ds : list deps) : deps :=
  match o, ds with
  | Map1 _, [x] => x
  | Map2 _, [x; y] => join x y
  | Lin l, [x] =>
      match l with
      | Ein _ i o => map_deps (realign i o) x
      | Slice _ _ _ _ | Pad _ _ _ _ => map_deps inner_axes x
      | Reshape _ _ => map_deps (fun _ => []) x
      end
  | Ein2 _ i j o, [x; y] => join (map_deps (realign i o) x) (map_deps (realign j o) y)
  | Lse vs o, [x] => map_deps (realign (all_axes vs) o) x
  | Sample j s, _ => [(j, map (fun a => (a, a)) (range (length s)))]
  | _, _ => []
  end.
Fixpoint deps_of (p : program) (ds : list deps) : list deps :=
  match p with
  | [] => ds
  | (o, ps) :: p => deps_of p (ds ++ [op_deps o (map (fun k => nth k ds []) ps)])
  end.
Definition all_deps (G : graph) : list deps := deps_of (g_nodes G) (repeat [] (inputs G)).

(** ** What it means *)
Definition agrees (al : alignment) (ix jx : index) : Prop :=
  forall a b, In (a, b) al -> nth a ix 0%nat = nth b jx 0%nat.
Definition touches (ds : deps) (ix : index) (c : coord) : Prop :=
  exists al, In (fst c, al) ds /\ agrees al ix (snd c).

Lemma add_dep_in p l q : In q (add_dep p l) <-> q = p \/ In q l.
Proof.
  unfold add_dep. destruct (existsb (dep_eqb p) l) eqn:E; simpl; [|intuition congruence].
  split; auto. intros [->|H]; auto. apply existsb_exists in E as ([j al] & Hin & E).
  unfold dep_eqb in E. apply andb_prop in E as [E1 E2]. apply Nat.eqb_eq in E1.
  assert (Eal : snd p = al).
  { simpl in E2. clear - E2. revert al E2. generalize (snd p).
    induction a as [|[x y] l IH]; intros [|[x' y'] m] E; simpl in E; try easy.
    apply andb_prop in E as [E1 E2]. unfold pair_eqb in E1. apply andb_prop in E1 as [E3 E4].
    apply Nat.eqb_eq in E3, E4. simpl in E3, E4. f_equal; [congruence|auto]. }
  destruct p; simpl in *; congruence.
Qed.
Lemma join_in l m q : In q (join l m) <-> In q l \/ In q m.
Proof. induction l; simpl; [tauto|]. rewrite add_dep_in, IHl. intuition congruence. Qed.
Lemma map_deps_in f ds j al : In (j, al) ds -> In (j, f al) (map_deps f ds).
Proof.
  induction ds as [|d ds IH]; simpl; [easy|]. intros [->|H]; apply add_dep_in; auto.
Qed.
Lemma touches_join l m ix c : ~ touches (join l m) ix c -> ~ touches l ix c /\ ~ touches m ix c.
Proof.
  intros H. split; intros (al & Hin & Ha); apply H; exists al; split; auto; apply join_in; auto.
Qed.

Lemma realign_agrees i o al (v : index) jx : agrees al (pick v i) jx -> agrees (realign i o al) (pick v o) jx.
Proof.
  intros H a b Hin. apply in_flat_map in Hin as ([a' b'] & Hin & Hab). cbn [fst snd] in Hab.
  destruct (Nat.ltb_spec a' (length i)) as [Ha|]; [|easy].
  apply in_map_iff in Hab as (c & E & Hc). injection E as -> ->. apply filter_In in Hc as [Hc E].
  apply in_range in Hc. apply Nat.eqb_eq in E. specialize (H a' b Hin). unfold pick in *.
  rewrite (nth_map_lt _ o a 0%nat) by auto. rewrite (nth_map_lt _ i a' 0%nat) in H by auto.
  now rewrite E.
Qed.
Lemma realign_touches i o ds v c : ~ touches (map_deps (realign i o) ds) (pick v o) c ->
  ~ touches ds (pick v i) c.
Proof.
  intros H (al & Hin & Ha). apply H. exists (realign i o al). split.
  - now apply map_deps_in.
  - now apply realign_agrees.
Qed.

Section Run.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Variable c : coord.
Variable u : R.
Variable tr : trace.

(** Operands that differ only where they read the number [c]. *)
Fixpoint same_off (ds : list deps) (xs ys : list tensor) : Prop :=
  match ds, xs, ys with
  | [], [], [] => True
  | d :: ds, x :: xs, y :: ys => (forall ix, ~ touches d ix c -> x ix = y ix) /\ same_off ds xs ys
  | _, _, _ => False
  end.

Theorem op_deps_sound o ds xs ys ix : same_off ds xs ys -> ~ touches (op_deps o ds) ix c ->
  den rho (set tr c u) o xs ix = den rho tr o ys ix.
Proof.
  intros Hs Ht. destruct o as [f|f|l|vs i j o|vs o|a d s|d|d|j s].
  - destruct ds as [|x [|? ?]], xs as [|a [|? ?]], ys as [|b [|? ?]]; simpl in Hs; try tauto; try reflexivity.
    destruct Hs as [H _]. cbn in *. now rewrite H.
  - destruct ds as [|x [|y [|? ?]]], xs as [|a [|a' [|? ?]]], ys as [|b [|b' [|? ?]]];
      simpl in Hs; try tauto; try reflexivity.
    destruct Hs as (H & H' & _). cbn [op_deps] in Ht. apply touches_join in Ht as [T1 T2].
    cbn. now rewrite H, H'.
  - destruct ds as [|x [|? ?]], xs as [|a [|? ?]], ys as [|b [|? ?]]; simpl in Hs; try tauto; try reflexivity.
    destruct Hs as [H _]. cbn [den]. unfold lin_app. apply sum_ext. intros [p q] Hp. cbn [fst snd].
    destruct (index_eqb_spec q ix) as [->|]; auto. apply H.
    destruct l as [vs i o|k d d' s|k d d' s|s s']; cbn [op_deps pairs] in *.
    + apply in_map_iff in Hp as (v & E & _). injection E as <- <-. eapply realign_touches; eauto.
    + intros (al & Hin & Ha). apply Ht. exists (inner_axes al). split; [now apply map_deps_in|].
      unfold slice_pairs in Hp. apply in_flat_map in Hp as (n & _ & Hp).
      destruct (Nat.ltb _ _); [|easy]. apply in_map_iff in Hp as (r & E & _). injection E as <- <-.
      intros a' b' Hab. apply filter_In in Hab as [Hab Hne]. specialize (Ha a' b' Hab).
      destruct a'; [discriminate|exact Ha].
    + intros (al & Hin & Ha). apply Ht. exists (inner_axes al). split; [now apply map_deps_in|].
      apply in_map_iff in Hp as ([p' q'] & E & Hp). injection E as <- <-.
      unfold slice_pairs in Hp. apply in_flat_map in Hp as (n & _ & Hp).
      destruct (Nat.ltb _ _); [|easy]. apply in_map_iff in Hp as (r & E & _). injection E as <- <-.
      intros a' b' Hab. apply filter_In in Hab as [Hab Hne]. specialize (Ha a' b' Hab).
      destruct a'; [discriminate|exact Ha].
    + intros (al & Hin & Ha). apply Ht. exists []. split; [|easy]. now apply (map_deps_in (fun _ => [])) in Hin.
  - destruct ds as [|x [|y [|? ?]]], xs as [|a [|a' [|? ?]]], ys as [|b [|b' [|? ?]]];
      simpl in Hs; try tauto; try reflexivity.
    destruct Hs as (H & H' & _). cbn [op_deps] in Ht. apply touches_join in Ht as [T1 T2].
    cbn. unfold ein2. apply sum_ext. intros v _. destruct (index_eqb_spec (pick v o) ix) as [<-|]; auto.
    f_equal; [apply H|apply H']; eapply realign_touches; eauto.
  - destruct ds as [|x [|? ?]], xs as [|a [|? ?]], ys as [|b [|? ?]]; simpl in Hs; try tauto; try reflexivity.
    destruct Hs as [H _]. cbn. f_equal. unfold expsum. apply sum_ext. intros v Hv.
    destruct (index_eqb_spec (pick v o) ix) as [<-|]; auto. f_equal. apply H.
    apply realign_touches in Ht. now rewrite (pick_all rho vs v Hv) in Ht.
  - destruct xs, ys; simpl in Hs; destruct ds; try tauto; reflexivity.
  - destruct xs, ys; simpl in Hs; destruct ds; try tauto; reflexivity.
  - destruct xs, ys; simpl in Hs; destruct ds; try tauto; reflexivity.
  - destruct xs, ys; simpl in Hs; destruct ds; try tauto; try reflexivity. cbn in *. unfold set.
    destruct (coord_eqb_spec (j, ix) c) as [E|]; auto. exfalso. apply Ht.
    exists (map (fun a => (a, a)) (range (length s))). rewrite <- E. split; [now left|].
    intros a b Hab. apply in_map_iff in Hab as (k & E' & _). now injection E' as <- <-.
Qed.

Theorem deps_of_sound p : forall ds sh shf (E E' : env), infer p (length ds) sh = Some shf ->
  (forall k ix, (k < length ds)%nat -> ~ touches (nth k ds []) ix c -> E' k ix = E k ix) ->
  forall k ix, (k < length ds + length p)%nat -> ~ touches (nth k (deps_of p ds) []) ix c ->
    run rho (set tr c u) p (length ds) E' k ix = run rho tr p (length ds) E k ix.
Proof.
  induction p as [|[o ps] p IH]; intros ds sh shf E E' Hi H k ix Hk Ht.
  - cbn in *. apply H; auto. lia.
  - set (n := length ds) in *. cbn [infer] in Hi. destruct (below n ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s|]; [|discriminate]. cbn [deps_of run] in *.
    set (d := op_deps o (map (fun k => nth k ds []) ps)) in *.
    assert (Hlen : length (ds ++ [d]) = S n) by (rewrite app_length; simpl; lia).
    assert (Hps : forall k, In k ps -> (k < n)%nat) by (intros; eapply in_below; eauto).
    specialize (IH (ds ++ [d]) (put sh n s) shf (put E n (den rho tr o (map E ps)))
                  (put E' n (den rho (set tr c u) o (map E' ps)))). rewrite Hlen in IH.
    apply IH; auto; [|simpl in Hk; lia]. clear IH. intros k' ix' Hk' Ht'.
    destruct (Nat.eq_dec k' n) as [->|Hne].
    + rewrite !put_same. rewrite app_nth2, Nat.sub_diag in Ht' by (unfold n; lia). cbn [nth] in Ht'.
      apply (op_deps_sound o (map (fun k => nth k ds []) ps)); auto.
      clear - H Hps. induction ps as [|k ps IHp]; simpl; auto. split.
      * intros ix. apply H. apply Hps. now left.
      * apply IHp. intros; apply Hps. now right.
    + rewrite !put_other by auto. rewrite app_nth1 in Ht' by (unfold n in *; lia).
      apply H; auto. unfold n in *; lia.
Qed.
End Run.

Section Graph.
Variable G : graph.
Definition dep (k : nat) : deps := nth k (all_deps G) [].

Theorem value_ignores rho e k ix c : well_formed G -> (k < slots G)%nat -> ~ touches (dep k) ix c ->
  ignores (fun tr => value G rho e tr k ix) c.
Proof.
  intros (Hi & _) Hk Ht tr v. unfold value.
  assert (Hlen : length (repeat (@nil (nat * alignment)) (inputs G)) = inputs G) by apply repeat_length.
  pose proof (deps_of_sound rho c v tr (g_nodes G) (repeat [] (inputs G)) (input_shape G) (shape_of G) e e) as D.
  rewrite Hlen in D. apply D; auto.
Qed.

(** Its slope reads no more than the value. *)
Theorem slope_ignores rho e d k ix c : well_formed G -> (k < slots G)%nat ->
  In ix (box (sizes rho (shape_of G k))) -> (forall tr, derivable G rho e d tr 0) ->
  ~ touches (dep k) ix c -> ignores (fun tr => slope G rho e d tr k ix) c.
Proof.
  intros Hwf Hk Hix Hd Ht tr v.
  assert (D : forall tr, is_derive (fun t => value G rho (line e d t) tr k ix) 0 (slope G rho e d tr k ix)).
  { intros tr'. pose proof (Hd tr' k ix Hk Hix) as H. now rewrite line_0 in H. }
  pose proof (is_derive_unique _ _ _ (D (set tr c v))) as H1. pose proof (is_derive_unique _ _ _ (D tr)) as H2.
  rewrite <- H1, <- H2. apply Derive_ext. intros t. now apply value_ignores.
Qed.

(** *** Questions to the lists *)
Definition mentions_any (ds : deps) (js : list nat) : bool :=
  existsb (fun d => existsb (Nat.eqb (fst d)) js) ds.
(** Elements of the samples [js] are read along the first [p] axes only. *)
Definition aligned (p : nat) (js : list nat) (ds : deps) : bool :=
  forallb (fun d => if existsb (Nat.eqb (fst d)) js
                    then forallb (fun b => existsb (pair_eqb (b, b)) (snd d)) (range p) else true) ds.

Lemma in_existsb j js : existsb (Nat.eqb j) js = true <-> In j js.
Proof.
  rewrite existsb_exists. split.
  - intros (x & Hx & E). apply Nat.eqb_eq in E. now subst.
  - intros H. exists j. split; auto. apply Nat.eqb_refl.
Qed.
Lemma mentions_none ds js ix c : mentions_any ds js = false -> In (fst c) js -> ~ touches ds ix c.
Proof.
  intros H Hc (al & Hin & _). assert (mentions_any ds js = true); [|congruence].
  apply existsb_exists. exists (fst c, al). split; auto. now apply in_existsb.
Qed.
Lemma aligned_touches p js ds ix c : aligned p js ds = true -> In (fst c) js -> touches ds ix c ->
  forall b, (b < p)%nat -> nth b ix 0%nat = nth b (snd c) 0%nat.
Proof.
  intros H Hc (al & Hin & Ha) b Hb. unfold aligned in H. rewrite forallb_forall in H.
  specialize (H _ Hin). cbn [fst snd] in H. apply in_existsb in Hc. rewrite Hc in H.
  rewrite forallb_forall in H. specialize (H b (proj2 (in_range p b) Hb)).
  apply existsb_exists in H as ([x y] & Hxy & E). unfold pair_eqb in E. apply andb_prop in E as [E1 E2].
  apply Nat.eqb_eq in E1, E2. simpl in E1, E2. subst. now apply Ha.
Qed.
End Graph.
