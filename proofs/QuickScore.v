(** * Weights of large graphs

    [scores_ok] keeps, for every slot, the list of what it reads, and computes the graph anew for every
    equation.  Here every equation is computed after one graph, and of what a slot reads is kept: the last
    draw, in the order of the scores, and which axes agree with the last one's and with all of them.  Where that
    suffices, [scores_ok] says yes. *)
From Coq Require Import Reals Lia List Bool Arith NArith ZArith PArith FMapPositive.
From Sgc Require Import Tensor Op Program Graph Poly Number Certificate Fast Depend Score.
Import ListNotations.

(** A score whose slots are binary numbers. *)
Record bscored := BScored {
  bs_draw : nat; bs_shape : shape; bs_law : law; bs_arg : N; bs_axes : list nat; bs_density : N; bs_weight : N;
  bs_plates : nat; bs_kept : list nat; bs_scale : N; bs_costs : list N; bs_share : Z * positive;
  bs_base : list N; bs_others : list N
}.
Definition plain_scored (u : bscored) : scored :=
  Scored (bs_draw u) (bs_shape u) (bs_law u) (N.to_nat (bs_arg u)) (bs_axes u) (N.to_nat (bs_density u))
    (N.to_nat (bs_weight u)) (bs_plates u) (bs_kept u) (N.to_nat (bs_scale u)) (map N.to_nat (bs_costs u))
    (bs_share u) (map N.to_nat (bs_base u)) (map N.to_nat (bs_others u)).

(** ** What a slot reads *)
Record reach := Reach {
  last : N;              (** the last draw that it reads *)
  own : alignment;       (** pairs of axes that agree with those of the last draw *)
  common : alignment     (** and with those of every draw *)
}.
Section Reach.
Variable place : nat -> option N.   (** of a draw in the order *)

Definition meet (l m : alignment) : alignment := filter (fun p => existsb (pair_eqb p) m) l.
Definition both (x y : option reach) : option reach :=
  match x, y with
  | None, z | z, None => z
  | Some (Reach i al bl), Some (Reach j cl dl) =>
      Some (Reach (N.max i j) (if N.eqb i j then meet al cl else if N.ltb i j then cl else al) (meet bl dl))
  end.
Definition moved (f : alignment -> alignment) (x : option reach) : option reach :=
  match x with Some (Reach i al bl) => Some (Reach i (f al) (f bl)) | None => None end.
Definition op_reach (o : op) (xs : list (option reach)) : option reach :=
  match o, xs with
  | Map1 _, [x] => x
  | Map2 _, [x; y] => both x y
  | Lin l, [x] =>
      match l with
      | Ein _ i o => moved (realign i o) x
      | Slice _ _ _ _ | Pad _ _ _ _ => moved inner_axes x
      | Reshape _ _ => moved (fun _ => []) x
      end
  | Ein2 _ i j o, [x; y] => both (moved (realign i o) x) (moved (realign j o) y)
  | Lse vs o, [x] => moved (realign (all_axes vs) o) x
  | Sample j s, _ =>
      match place j with
      | Some i => let al := map (fun a => (a, a)) (range (length s)) in Some (Reach i al al)
      | None => None
      end
  | _, _ => None
  end.
Fixpoint reaches (p : bprogram) (n : N) (mm : PositiveMap.t (option reach)) : PositiveMap.t (option reach) :=
  match p with
  | [] => mm
  | (o, ps) :: p => reaches p (N.succ n) (store mm n (op_reach o (map (get None mm) ps)))
  end.

(** What is kept bounds what is read. *)
Definition bounds (x : option reach) (ds : deps) : Prop :=
  forall j al i, In (j, al) ds -> place j = Some i ->
  exists r, x = Some r /\ (i <= last r)%N /\ incl (common r) al /\ (i = last r -> incl (own r) al).

Lemma pair_eqb_eq p q : pair_eqb p q = true -> p = q.
Proof.
  unfold pair_eqb. intros H. apply andb_prop in H as [H1 H2]. apply Nat.eqb_eq in H1, H2. destruct p, q; simpl in *.
  congruence.
Qed.
Lemma meet_l l m : incl (meet l m) l.
Proof. intros p H. now apply filter_In in H. Qed.
Lemma meet_r l m : incl (meet l m) m.
Proof.
  intros p H. apply filter_In in H as [_ H]. apply existsb_exists in H as (q & Hq & E).
  now rewrite (pair_eqb_eq _ _ E).
Qed.
Lemma bounds_join x y ds es : bounds x ds -> bounds y es -> bounds (both x y) (join ds es).
Proof.
  intros Hx Hy j al i Hin Hp. apply join_in in Hin as [Hin|Hin].
  - destruct (Hx j al i Hin Hp) as (r & -> & H1 & H2 & H3). destruct r as [k al' bl]; cbn [last own common] in *.
    destruct y as [[k' cl dl]|]; cbn [both]; [|eauto 10]. eexists. split; [reflexivity|]. cbn [last own common].
    split; [lia|]. split; [intros p Hq; now apply H2, (meet_l bl dl)|]. intros ->.
    destruct (N.eqb_spec k k') as [->|Hne].
    + intros p Hq. apply H3; [lia|]. now apply (meet_l al' cl).
    + destruct (N.ltb_spec k k'); [lia|]. apply H3. lia.
  - destruct (Hy j al i Hin Hp) as (r & -> & H1 & H2 & H3). destruct r as [k al' bl]; cbn [last own common] in *.
    destruct x as [[k' cl dl]|]; cbn [both]; [|eauto 10]. eexists. split; [reflexivity|]. cbn [last own common].
    split; [lia|]. split; [intros p Hq; now apply H2, (meet_r dl bl)|]. intros ->.
    destruct (N.eqb_spec k' k) as [->|Hne].
    + intros p Hq. apply H3; [lia|]. now apply (meet_r cl al').
    + destruct (N.ltb_spec k' k); [|lia]. apply H3. lia.
Qed.
Lemma map_deps_out f ds j al : In (j, al) (map_deps f ds) -> exists bl, In (j, bl) ds /\ al = f bl.
Proof.
  induction ds as [|[k bl] ds IH]; cbn [map_deps fold_right fst snd]; [easy|]. intros H. apply add_dep_in in H as [E|H].
  - injection E as -> ->. exists bl. split; [now left|reflexivity].
  - destruct (IH H) as (cl & Hc & E). exists cl. split; [now right|exact E].
Qed.
Lemma bounds_moved f x ds : (forall l m, incl l m -> incl (f l) (f m)) -> bounds x ds ->
  bounds (moved f x) (map_deps f ds).
Proof.
  intros Hf Hx j al i Hin Hp. apply map_deps_out in Hin as (bl & Hin & ->).
  destruct (Hx j bl i Hin Hp) as ([k al' cl] & -> & H1 & H2 & H3). cbn [last own common] in *.
  eexists. split; [reflexivity|]. cbn [last own common]. auto.
Qed.
Lemma incl_realign i o l m : incl l m -> incl (realign i o l) (realign i o m).
Proof. intros H p Hp. apply in_flat_map in Hp as (q & Hq & Hp). apply in_flat_map. exists q. auto. Qed.
Lemma incl_inner l m : incl l m -> incl (inner_axes l) (inner_axes m).
Proof. intros H p Hp. apply filter_In in Hp as [Hp E]. apply filter_In. auto. Qed.
Lemma bounds_nothing x : bounds x [].
Proof. intros j al i []. Qed.
Lemma op_reach_sound o xs ds : Forall2 bounds xs ds -> bounds (op_reach o xs) (op_deps o ds).
Proof.
  intros H.
  assert (Hsample : forall j s, bounds (op_reach (Sample j s) xs) (op_deps (Sample j s) ds)).
  { intros j s k al i [E|[]] Hp. injection E as <- <-. cbn [op_reach]. rewrite Hp. eexists. split; [reflexivity|].
    cbn [last own common]. split; [lia|]. split; [|intros _]; apply incl_refl. }
  destruct o as [f|f|l|vs i j o|vs o|a d s|d|d|j s]; try apply Hsample; clear Hsample;
    (destruct H as [|x d0 xs ds H1 H]; [try destruct l; apply bounds_nothing|]);
    (destruct H as [|y d1 xs ds H2 H]; [|destruct H]); try apply bounds_nothing; try (destruct l; apply bounds_nothing);
    cbn [op_reach op_deps].
  - exact H1.
  - now apply bounds_join.
  - destruct l; apply bounds_moved; auto using incl_realign, incl_inner. easy.
  - apply bounds_join; apply bounds_moved; auto using incl_realign.
  - apply bounds_moved; auto using incl_realign.
Qed.
End Reach.

Lemma reaches_sound place p : forall n mm (ds : list deps), N.to_nat n = length ds ->
  (forall k, bounds place (get None mm k) (nth (N.to_nat k) ds [])) ->
  forall k, bounds place (get None (reaches place p n mm) k) (nth (N.to_nat k) (deps_of (plain_program p) ds) []).
Proof.
  induction p as [|[o ps] p IH]; cbn [reaches plain_program map deps_of plain_node fst snd]; intros n mm ds Hn H; auto.
  apply IH; [rewrite app_length, N2Nat.inj_succ; simpl; lia|]. intros k. unfold get.
  destruct (N.eq_dec k n) as [->|Hne].
  - rewrite look_same, app_nth2, Hn, Nat.sub_diag by lia. cbn [nth]. apply op_reach_sound. rewrite map_map.
    clear - H. induction ps as [|k ps IHp]; constructor; [apply H|exact IHp].
  - rewrite look_other by auto. fold (get None mm k).
    destruct (Nat.lt_ge_cases (N.to_nat k) (length ds)) as [Hk|Hk]; [now rewrite app_nth1|].
    rewrite nth_overflow; [apply bounds_nothing|]. rewrite app_length. simpl. lia.
Qed.

(** ** The order of the draws *)
Section Order.
Variable place : nat -> option N.
Variable ds : list deps.
Notation reads k := (nth k ds []).

Definition placed (i : N) (u : scored) : Prop :=
  place (sc_draw u) = Some i /\
  forall j al n, In (j, al) (reads (sc_density u)) -> place j = Some n -> (n <= i)%N.
Fixpoint in_order (i : N) (us : list scored) : Prop :=
  match us with [] => True | u :: us => placed i u /\ in_order (N.succ i) us end.
(** No draw of the list is read. *)
Definition free_of (js : list nat) (k : nat) : Prop := forall j al, In j js -> ~ In (j, al) (reads k).

Lemma free_of_free js k : free_of js k -> free ds js k = true.
Proof.
  intros H. unfold free, mentions_any. apply negb_true_iff. destruct (existsb _ _) eqn:E; auto.
  apply existsb_exists in E as ([j al] & Hin & E). apply in_existsb in E. now destruct (H j al E).
Qed.
Lemma in_order_later us : forall i u, in_order i us -> In u us -> exists n, placed n u /\ (i <= n)%N.
Proof.
  induction us as [|v us IH]; cbn [in_order]; intros i u H Hu; [easy|]. destruct H as [Hv Ho].
  destruct Hu as [<-|Hu]; [exists i; split; [exact Hv|lia]|].
  destruct (IH _ u Ho Hu) as (n & Hn & Hi). exists n. split; [exact Hn|lia].
Qed.
Lemma in_order_split pre : forall i t later, in_order i (pre ++ t :: later) ->
  exists n, placed n t /\ in_order (N.succ n) later /\ n = (i + N.of_nat (length pre))%N /\
  forall u, In u pre -> exists m, placed m u /\ (m < n)%N.
Proof.
  induction pre as [|v pre IH]; cbn [app in_order]; intros i t later H.
  - exists i. destruct H as [H1 H2]. repeat split; auto; try apply H1; [cbn [length]; lia|easy].
  - destruct H as [Hv H]. destruct (IH _ _ _ H) as (n & H1 & H2 & Hn & H3). exists n. split; auto. split; auto.
    split; [cbn [length]; lia|]. intros u [<-|Hu]; auto. exists i. split; auto. lia.
Qed.
(** A slot that reads draws up to a place only is free of later ones. *)
Lemma free_after i js k : (forall j al n, In (j, al) (reads k) -> place j = Some n -> (n < i)%N) ->
  (forall j, In j js -> exists n, place j = Some n /\ (i <= n)%N) -> free_of js k.
Proof. intros Hk Hjs j al Hj Hin. destruct (Hjs j Hj) as (n & Hn & Hi). specialize (Hk j al n Hin Hn). lia. Qed.

Lemma dependents_in l : forall ks u, In u (dependents ds ks l) -> In u l.
Proof.
  induction l as [|v l IH]; cbn [dependents]; intros ks u H; [easy|].
  destruct (mentions_any _ ks); [destruct H as [->|H]; [now left|]|]; right; eauto.
Qed.
Lemma later_places l i : in_order i l -> forall j, In j (map sc_draw l) ->
  exists n, place j = Some n /\ (i <= n)%N.
Proof.
  intros Ho j Hj. apply in_map_iff in Hj as (u & <- & Hu). destruct (in_order_later _ _ u Ho Hu) as (n & [Hn _] & Hi).
  eauto.
Qed.
Lemma dependents_places l i ks : in_order i l -> forall j, In j (map sc_draw (dependents ds ks l)) ->
  exists n, place j = Some n /\ (i <= n)%N.
Proof.
  intros Ho j Hj. apply (later_places l i Ho). apply in_map_iff in Hj as (u & <- & Hu). apply in_map.
  exact (dependents_in _ _ _ Hu).
Qed.
Lemma placed_below i u : placed i u ->
  forall j al n, In (j, al) (reads (sc_density u)) -> place j = Some n -> (n < N.succ i)%N.
Proof. intros [_ H] j al n Hin Hp. specialize (H j al n Hin Hp). lia. Qed.
Lemma dependents_free l : forall i ks, in_order i l -> forall u, In u l ->
  ~ In (sc_draw u) (map sc_draw (dependents ds ks l)) ->
  free_of (ks ++ map sc_draw (dependents ds ks l)) (sc_density u).
Proof.
  induction l as [|v l IH]; cbn [dependents in_order]; intros i ks H u Hu Hnot; [easy|]. destruct H as [Hv Ho].
  destruct (mentions_any (reads (sc_density v)) ks) eqn:E.
  - destruct Hu as [->|Hu]; [exfalso; apply Hnot; now left|]. intros j al Hj.
    apply (IH _ (sc_draw v :: ks) Ho u Hu); [intros Hin; apply Hnot; now right|].
    rewrite in_app_iff in *. cbn [map In] in *. tauto.
  - destruct Hu as [->|Hu]; [|now apply (IH _ ks Ho)]. intros j al Hj Hin. apply in_app_iff in Hj as [Hj|Hj].
    + assert (mentions_any (reads (sc_density u)) ks = true); [|congruence].
      apply existsb_exists. exists (j, al). split; auto. now apply in_existsb.
    + apply (free_after (N.succ i) (map sc_draw (dependents ds ks l)) _ (placed_below i u Hv)
               (dependents_places l _ ks Ho) j al Hj Hin).
Qed.
Lemma dependents_chain l : forall i ks, in_order i l -> chain ds (dependents ds ks l) = true.
Proof.
  induction l as [|v l IH]; cbn [dependents in_order]; intros i ks H; auto. destruct H as [Hv Ho].
  destruct (mentions_any _ ks); [|eauto]. cbn [chain]. rewrite (IH _ _ Ho), andb_true_r. apply free_of_free.
  exact (free_after _ _ _ (placed_below i v Hv) (dependents_places l _ _ Ho)).
Qed.
End Order.

(** ** The check *)
Definition before (i : N) (x : option reach) : bool := match x with Some r => N.ltb (last r) i | None => true end.
Definition along (n : nat) (al : alignment) : bool := forallb (fun b => existsb (pair_eqb (b, b)) al) (range n).
(** So many leading axes agree. *)
Fixpoint depth (most b : nat) (al : alignment) : nat :=
  match most with
  | O => b
  | S most => if existsb (pair_eqb (b, b)) al then depth most (S b) al else b
  end.
Section Check.
Variable B : bgraph.
Variable slots : N.   (** of the graph: they are counted once *)
Variable place : nat -> option N.
Variable reads : N -> option reach.
Variable shape_at : N -> shape.
Variables (T : table) (mm : PositiveMap.t (shape * poly)).   (** the graph, entered *)

Definition quick_holds (ex : expr) (args : list N) (k : N) : bool :=
  let '(p, r, _) := fast_emit ex args 0 0 slots in
  N.ltb k slots && below_n slots args && mentions_below (length args) ex &&
  match fast_enter (b_sizes B) Never p T mm slots with
  | Some (_, mm, n) => N.ltb r n && N.ltb k n && same_value (get none mm r) (get none mm k)
  | None => false
  end.
Definition quick_density (i : N) (u : bscored) : bool :=
  let n := length (bs_shape u) in
  below n (bs_axes u) && N.ltb (bs_density u) slots && N.ltb (bs_weight u) slots &&
  N.ltb (bs_arg u) slots && index_eqb (shape_at (bs_density u)) (bs_shape u) &&
  index_eqb (shape_at (bs_weight u)) (bs_shape u) &&
  match reads (bs_density u) with
  | Some r => N.ltb (last r) i || N.eqb (last r) i && along n (own r)
  | None => true
  end && before i (reads (bs_arg u)) &&
  quick_holds (law_expr (bs_law u) (bs_draw u) (bs_shape u) (bs_axes u)) [bs_arg u] (bs_density u).
(** The copies that the densities read only their own of. *)
Definition copies (u : bscored) : nat :=
  match reads (bs_density u) with Some r => depth (length (bs_shape u)) 0 (common r) | None => 0%nat end.
Definition quick_weight (i : N) (t : bscored) (deep : option nat) : bool :=
  let p := bs_plates t in
  let P := firstn p (bs_shape t) in
  let m := length (bs_costs t) in
  Nat.leb p (length (bs_shape t)) && match deep with Some d => Nat.leb p d | None => true end &&
  before i (reads (bs_scale t)) && forallb (fun k => before i (reads k)) (bs_others t) &&
  forallb (fun k => before i (reads k)) (bs_base t) &&
  forallb (fun k => match reads k with Some r => N.ltb (last r) i || along p (common r) | None => true end)
          (bs_costs t) && below (length P) (bs_kept t) &&
  quick_holds (cost_expr P m (length (bs_others t))) (bs_scale t :: bs_costs t ++ bs_others t) (b_cost B) &&
  quick_holds (weight_expr (bs_shape t) P (bs_kept t) (bs_share t) m (length (bs_base t)))
              (bs_scale t :: bs_costs t ++ bs_base t) (bs_weight t).
(** All weights; and so many copies of the draws are independent. *)
Fixpoint quick_weights (i : N) (us : list bscored) : bool * option nat :=
  match us with
  | [] => (true, None)
  | t :: us =>
      let '(ok, deep) := quick_weights (N.succ i) us in
      (match place (bs_draw t) with Some j => N.eqb i j | None => false end &&
       quick_density i t && quick_weight i t deep && ok,
       Some match deep with Some d => Nat.min d (copies t) | None => copies t end)
  end.
End Check.
Fixpoint places (us : list bscored) (n : N) (m : PositiveMap.t N) : PositiveMap.t N :=
  match us with [] => m | u :: us => places us (N.succ n) (store m (N.of_nat (bs_draw u)) n) end.
Fixpoint quick_entries (l : list (N * N)) (us : list bscored) : bool :=
  match l, us with
  | [], [] => true
  | (k, w) :: l, u :: us => N.eqb k (bs_density u) && N.eqb w (bs_weight u) && quick_entries l us
  | _, _ => false
  end.
Definition quick_scores (B : bgraph) (us : list bscored) : bool :=
  let '(T, m) := enter_inputs (b_inputs B) 0 empty in
  match fast_infer (b_nodes B) (b_count B) (input_map B),
        fast_enter (b_sizes B) Never (b_nodes B) T (hold m 0 (PositiveMap.empty _)) (N.of_nat (length m)) with
  | Some sh, Some (T, mm, n) =>
      let order := places us 0 (PositiveMap.empty _) in
      let place j := look order (N.of_nat j) in
      let reads := reaches place (b_nodes B) (b_count B) (PositiveMap.empty _) in
      let slots := b_slots B in
      N.eqb n slots && all_distinct (map (fun u => N.of_nat (bs_draw u)) us) && quick_entries (b_scores B) us &&
      fst (quick_weights B slots place (get None reads) (get [] sh) T mm 0 us)
  | _, _ => false
  end.
(** Where the order does not suffice, the lists may. *)
Definition quick_scores_ok (B : bgraph) (us : list bscored) : bool :=
  if quick_scores B us then true else scores_ok (plain B) (map plain_scored us).

(** ** It says no more than [scores_ok] *)
Lemma enter_all_app fix_ how p q : forall T m, enter_all fix_ how (p ++ q) T m =
  match enter_all fix_ how p T m with Some (T, m) => enter_all fix_ how q T m | None => None end.
Proof.
  induction p as [|[o ps] p IH]; intros T m; cbn [app enter_all]; auto.
  destruct (below (length m) ps); auto. destruct (enter fix_ how T o _) as [[T' x]|]; auto.
Qed.
Lemma existsb_incl {A} (f : A -> bool) l m : incl l m -> existsb f l = true -> existsb f m = true.
Proof. intros Hi H. apply existsb_exists in H as (x & Hx & E). apply existsb_exists. exists x. auto. Qed.
Lemma depth_sound al : forall most b, (depth most b al <= most + b)%nat /\
  forall c, (b <= c < depth most b al)%nat -> existsb (pair_eqb (c, c)) al = true.
Proof.
  induction most as [|most IH]; intros b; cbn [depth]; [split; [lia|]; intros c Hc; lia|].
  destruct (existsb (pair_eqb (b, b)) al) eqn:E; [|split; [lia|]; intros c Hc; lia].
  destruct (IH (S b)) as [H1 H2]. split; [lia|]. intros c Hc. destruct (Nat.eq_dec c b) as [->|]; auto.
  apply H2. lia.
Qed.

Section Sound.
Variable B : bgraph.
Variable place : nat -> option N.
Variable reads : N -> option reach.
Variable shape_at : N -> shape.
Variables (T : table) (mm : PositiveMap.t (shape * poly)).
Variable sh : nat -> shape.
Notation G := (plain B).
Notation ds := (all_deps G).
Hypothesis entered : exists T0 m0 m, enter_inputs (b_inputs B) 0 empty = (T0, m0) /\
  enter_all (b_sizes B) Never (plain_program (b_nodes B)) T0 m0 = Some (T, m) /\ held none (b_slots B) mm m.
Hypothesis bounded : forall k, bounds place (reads k) (nth (N.to_nat k) ds []).
Hypothesis shaped : forall k, sh (N.to_nat k) = shape_at k.
Notation holds_quickly := (quick_holds B (b_slots B) T mm).

Lemma quick_holds_sound ex args k : holds_quickly ex args k = true ->
  holds_expr G ex (map N.to_nat args) (N.to_nat k) = true.
Proof.
  unfold quick_holds, holds_expr. destruct (fast_emit ex args 0 0 (b_slots B)) as [[p r] nx] eqn:E.
  apply fast_emit_eq in E. change (N.to_nat 0) with 0%nat in E. rewrite <- slots_eq, E, map_length.
  intros H. apply andb_prop in H as [H Hs]. rewrite below_n_eq in H. rewrite to_nat_ltb, H. cbn [andb].
  destruct entered as (T0 & m0 & m & E0 & E1 & Hm). unfold equal_slots. cbn [plain g_inputs g_sizes g_nodes].
  rewrite E0, enter_all_app, E1. destruct (fast_enter _ _ _ _ _ _) as [[[T2 mm2] n2]|] eqn:E2; [|easy].
  destruct (fast_enter_eq _ _ _ _ _ _ _ _ _ _ Hm E2) as (m2 & -> & [Hn Hat]).
  now rewrite <- Hn, !to_nat_ltb, !Hat.
Qed.
Lemma before_sound i k : before i (reads k) = true ->
  forall j al n, In (j, al) (nth (N.to_nat k) ds []) -> place j = Some n -> (n < i)%N.
Proof.
  intros H j al n Hin Hp. destruct (bounded k j al n Hin Hp) as (r & E & Hr & _). rewrite E in H.
  apply N.ltb_lt in H. lia.
Qed.
Lemma aligned_common p js k : (forall b r, reads k = Some r -> (b < p)%nat ->
  existsb (pair_eqb (b, b)) (common r) = true) -> (forall j, In j js -> exists n, place j = Some n) ->
  aligned p js (nth (N.to_nat k) ds []) = true.
Proof.
  intros H Hjs. unfold aligned. apply forallb_forall. intros [j al] Hin. cbn [fst snd].
  destruct (existsb (Nat.eqb j) js) eqn:E; auto. apply in_existsb in E. destruct (Hjs j E) as [n Hn].
  destruct (bounded k j al n Hin Hn) as (r & Er & _ & Hc & _). apply forallb_forall. intros b Hb. apply in_range in Hb.
  exact (existsb_incl _ _ _ Hc (H b r Er Hb)).
Qed.
Lemma copies_sound u p js : (p <= copies reads u)%nat -> (forall j, In j js -> exists n, place j = Some n) ->
  (p <= length (bs_shape u))%nat /\ aligned p js (nth (N.to_nat (bs_density u)) ds []) = true.
Proof.
  unfold copies. intros Hp Hjs. destruct (reads (bs_density u)) as [r|] eqn:E.
  - destruct (depth_sound (common r) (length (bs_shape u)) 0) as [H1 H2]. split; [lia|].
    apply aligned_common; auto. intros b r' Er Hb. rewrite E in Er. injection Er as <-. apply H2. lia.
  - assert (p = 0)%nat by lia. subst p. split; [lia|]. apply aligned_common; auto. intros b r _ Hb. lia.
Qed.
Lemma quick_density_sound i u : place (bs_draw u) = Some i ->
  quick_density B (b_slots B) reads shape_at T mm i u = true ->
  placed place ds i (plain_scored u) /\ density_ok G ds sh (plain_scored u) = true.
Proof.
  unfold quick_density, density_ok. intros Hp H. cbn [plain_scored sc_shape sc_axes sc_density sc_weight sc_arg sc_draw sc_law].
  apply andb_prop in H as [H Hh]. apply andb_prop in H as [H Harg]. apply andb_prop in H as [H Hr].
  rewrite !shaped, <- slots_eq, !to_nat_ltb, H. cbn [andb]. apply quick_holds_sound in Hh. cbn [map] in Hh. rewrite Hh.
  split.
  - split; [exact Hp|]. cbn [sc_density plain_scored]. intros j al n Hin Hn.
    destruct (bounded _ j al n Hin Hn) as (r & E & H1 & _). rewrite E in Hr.
    apply orb_prop in Hr as [Hr|Hr]; [apply N.ltb_lt in Hr; lia|]. apply andb_prop in Hr as [Hr _].
    apply N.eqb_eq in Hr. lia.
  - rewrite andb_true_r. apply andb_true_intro. split.
    + unfold aligned. apply forallb_forall. intros [j al] Hin. cbn [fst snd existsb].
      destruct (Nat.eqb_spec j (bs_draw u)) as [->|]; [|easy]. cbn [orb].
      destruct (bounded _ _ al i Hin Hp) as (r & E & H1 & _ & H3). rewrite E in Hr.
      apply orb_prop in Hr as [Hr|Hr]; [apply N.ltb_lt in Hr; lia|]. apply andb_prop in Hr as [Hr Hal].
      apply N.eqb_eq in Hr. unfold along in Hal. rewrite forallb_forall in *. intros b Hb.
      exact (existsb_incl _ _ _ (H3 (eq_sym Hr)) (Hal b Hb)).
    + apply free_of_free, (free_after place ds i); [now apply before_sound|].
      intros j [<-|[]]. exists i. split; [exact Hp|lia].
Qed.
Lemma quick_weight_sound pre t later i deep :
  in_order place ds 0 (pre ++ plain_scored t :: map plain_scored later) -> i = N.of_nat (length pre) ->
  (forall u, In u later -> exists d, deep = Some d /\ (d <= copies reads u)%nat) ->
  quick_weight B (b_slots B) reads T mm i t deep = true ->
  weight_ok G ds pre (plain_scored t) (map plain_scored later) = true.
Proof.
  intros Ho -> Hdeep H. destruct (in_order_split _ _ _ _ _ _ Ho) as (i & Ht & Hl & Hi & Hpre).
  rewrite N.add_0_l in Hi. rewrite <- Hi in H. unfold quick_weight in H. unfold weight_ok.
  set (us := dependents ds [sc_draw (plain_scored t)] (map plain_scored later)).
  set (js := sc_draw (plain_scored t) :: map sc_draw us).
  assert (Hus : forall j, In j (map sc_draw us) -> exists n, place j = Some n /\ (N.succ i <= n)%N)
    by (apply (dependents_places place ds); exact Hl).
  assert (Hjs : forall j, In j js -> exists n, place j = Some n /\ (i <= n)%N).
  { intros j [<-|Hj]; [exists i; split; [apply Ht|lia]|]. destruct (Hus j Hj) as (n & Hn & Hle). exists n.
    split; [exact Hn|lia]. }
  assert (Hjs' : forall j, In j js -> exists n, place j = Some n).
  { intros j Hj. destruct (Hjs j Hj) as (n & Hn & _). eauto. }
  assert (Hbefore : forall k, before i (reads k) = true -> free ds js (N.to_nat k) = true).
  { intros k Hk. apply free_of_free, (free_after place ds i); auto. now apply before_sound. }
  cbn [plain_scored sc_shape sc_axes sc_density sc_weight sc_arg sc_draw sc_law sc_plates sc_kept sc_scale sc_costs
       sc_share sc_base sc_others].
  apply andb_prop in H as [H Hw]. apply andb_prop in H as [H Hc]. apply andb_prop in H as [H Hkept].
  apply andb_prop in H as [H Hcosts]. apply andb_prop in H as [H Hbase]. apply andb_prop in H as [H Hothers].
  apply andb_prop in H as [H Hscale]. apply andb_prop in H as [Hp Hd].
  apply quick_holds_sound in Hc, Hw. rewrite forallb_forall in Hcosts, Hbase, Hothers.
  cbn [map] in Hc, Hw. rewrite map_app in Hc, Hw. change (g_cost G) with (N.to_nat (b_cost B)). rewrite !map_length, Hp, Hkept, Hc, Hw, (Hbefore _ Hscale).
  repeat (apply andb_true_intro; split); auto.
  - apply free_of_free, (free_after place ds (N.succ i)); auto. exact (placed_below place ds i _ Ht).
  - apply forallb_forall. intros u Hu. destruct (Hpre u Hu) as (n & Hn & Hlt).
    apply free_of_free, (free_after place ds i); auto. intros j al n' Hin Hp'.
    pose proof (placed_below place ds n u Hn j al n' Hin Hp'). lia.
  - apply forallb_forall. intros u Hu. destruct (existsb (Nat.eqb (sc_draw u)) js) eqn:E.
    + apply in_map_iff in Hu as (v & <- & Hv). destruct (Hdeep v Hv) as (d & -> & Hle). apply Nat.leb_le in Hd.
      destruct (copies_sound v (bs_plates t) js ltac:(lia) Hjs') as [H1 H2].
      cbn [plain_scored sc_shape sc_density]. rewrite H2. apply Nat.leb_le in H1. now rewrite H1.
    + apply free_of_free. pose proof (dependents_free place ds _ _ [bs_draw t] Hl u Hu) as Hf. apply Hf.
      intros Hin. assert (existsb (Nat.eqb (sc_draw u)) js = true); [|congruence]. apply in_existsb. now right.
  - exact (dependents_chain place ds _ _ _ Hl).
  - apply forallb_forall. intros k Hk. apply in_map_iff in Hk as (k' & <- & Hk). auto.
  - apply forallb_forall. intros k Hk. apply in_map_iff in Hk as (k' & <- & Hk). auto.
  - apply forallb_forall. intros k Hk. apply in_map_iff in Hk as (k' & <- & Hk). specialize (Hcosts k' Hk).
    destruct (reads k') as [r|] eqn:Er.
    + apply orb_prop in Hcosts as [Hlt|Hal].
      * unfold aligned. apply forallb_forall. intros [j al] Hin. cbn [fst snd].
        destruct (existsb (Nat.eqb j) js) eqn:E; auto. apply in_existsb in E. destruct (Hjs j E) as (n & Hn & Hle).
        destruct (bounded k' j al n Hin Hn) as (r' & Er' & H1 & _). rewrite Er in Er'. injection Er' as <-.
        apply N.ltb_lt in Hlt. lia.
      * apply aligned_common; auto. intros b r' Er' Hb. rewrite Er in Er'. injection Er' as <-.
        unfold along in Hal. rewrite forallb_forall in Hal. apply Hal, in_range, Hb.
    + apply aligned_common; auto. intros b r' Er' _. congruence.
Qed.
Notation weights_quickly := (quick_weights B (b_slots B) place reads shape_at T mm).
Lemma quick_weights_order us : forall i deep, weights_quickly i us = (true, deep) ->
  in_order place ds i (map plain_scored us) /\
  forallb (density_ok G ds sh) (map plain_scored us) = true /\
  forall u, In u us -> exists d, deep = Some d /\ (d <= copies reads u)%nat.
Proof.
  induction us as [|t us IH]; cbn [quick_weights]; intros i deep H; [now repeat split|].
  destruct (weights_quickly (N.succ i) us) as [ok deep'] eqn:E. injection H as H <-.
  apply andb_prop in H as [H ->]. apply andb_prop in H as [H _]. apply andb_prop in H as [Hp Hd].
  destruct (place (bs_draw t)) as [j|] eqn:Ej; [|easy]. apply N.eqb_eq in Hp. subst j.
  destruct (quick_density_sound i t Ej Hd) as [H1 H2]. destruct (IH _ _ E) as (I1 & I2 & I3).
  split; [split; [exact H1|exact I1]|]. split; [cbn [map forallb]; now rewrite H2, I2|].
  intros u [<-|Hu].
  - destruct deep'; (eexists; split; [reflexivity|lia]).
  - destruct (I3 u Hu) as (d & -> & Hle). eexists. split; [reflexivity|lia].
Qed.
Lemma quick_weights_sound us : forall pre i deep, weights_quickly i us = (true, deep) ->
  in_order place ds 0 (pre ++ map plain_scored us) -> i = N.of_nat (length pre) ->
  weights_ok G ds pre (map plain_scored us) = true.
Proof.
  induction us as [|t us IH]; cbn [quick_weights map weights_ok]; intros pre i deep H Ho Hi; auto.
  destruct (weights_quickly (N.succ i) us) as [ok deep'] eqn:E. injection H as H <-.
  apply andb_prop in H as [H ->]. apply andb_prop in H as [_ Hw].
  destruct (quick_weights_order us _ _ E) as (_ & _ & Hdeep).
  rewrite (quick_weight_sound pre t us i deep' Ho Hi Hdeep Hw). cbn [andb]. apply (IH _ (N.succ i) deep' E).
  - now rewrite <- app_assoc.
  - rewrite app_length, Hi. cbn [length]. lia.
Qed.
End Sound.

Lemma quick_entries_sound us : forall l, quick_entries l us = true ->
  entries_eqb (plain_pairs l) (map entry_of (map plain_scored us)) = true.
Proof.
  induction us as [|u us IH]; intros [|[k w] l]; cbn [quick_entries plain_pairs map entries_eqb]; try easy. intros H.
  apply andb_prop in H as [H Hl]. apply andb_prop in H as [H1 H2]. apply N.eqb_eq in H1, H2. subst k w.
  unfold pair_eqb, entry_of. cbn [fst snd plain_scored sc_density sc_weight]. rewrite !Nat.eqb_refl. exact (IH l Hl).
Qed.
Theorem quick_scores_sound B us : quick_scores B us = true -> scores_ok (plain B) (map plain_scored us) = true.
Proof.
  unfold quick_scores, scores_ok. destruct (enter_inputs (b_inputs B) 0 empty) as [T0 m0] eqn:E0.
  destruct (fast_infer _ _ _) as [shm|] eqn:Ei; [|easy].
  destruct (fast_infer_sound _ _ _ _ _ (input_map_like B) Ei) as (sh & Hi & Hl). rewrite count_eq in Hi.
  cbn [plain g_nodes]. rewrite Hi. destruct (fast_enter _ _ _ _ _ _) as [[[T mm] n]|] eqn:E1; [|easy].
  destruct (fast_enter_eq _ _ _ _ _ _ m0 _ _ _ (hold_all none m0) E1) as (m & E2 & Hm). cbv zeta.
  set (place := fun j => look (places us 0 (PositiveMap.empty N)) (N.of_nat j)).
  set (rm := reaches place (b_nodes B) (b_count B) (PositiveMap.empty (option reach))).
  intros H. apply andb_prop in H as [H Hw]. apply andb_prop in H as [H He]. apply andb_prop in H as [Hn Hd].
  apply N.eqb_eq in Hn. subst n.
  destruct (quick_weights B (b_slots B) place (get None rm) (get [] shm) T mm 0 us) as [ok deep] eqn:Eq. cbn [fst] in Hw. subst ok.
  assert (Hent : exists T0 m0 m, enter_inputs (b_inputs B) 0 empty = (T0, m0) /\
    enter_all (b_sizes B) Never (plain_program (b_nodes B)) T0 m0 = Some (T, m) /\ held none (b_slots B) mm m).
  { exists T0, m0, m. auto. }
  assert (Hb : forall k, bounds place (get None rm k) (nth (N.to_nat k) (all_deps (plain B)) [])).
  { unfold rm, all_deps. cbn [plain g_nodes]. apply reaches_sound.
    - rewrite repeat_length. apply count_eq.
    - intros k. rewrite nth_repeat. apply bounds_nothing. }
  destruct (quick_weights_order B place _ _ T mm sh Hent Hb Hl us _ _ Eq) as (Ho & Hden & _).
  apply all_distinct_sound in Hd. rewrite map_map in Hd.
  replace (map sc_draw (map plain_scored us)) with (map (fun u => N.to_nat (N.of_nat (bs_draw u))) us)
    by (rewrite map_map; apply map_ext; intros u; apply Nat2N.id).
  rewrite Hd, Hden, (quick_weights_sound B place _ _ T mm sh Hent Hb Hl us [] 0 deep Eq Ho eq_refl).
  cbn [plain g_scores]. now rewrite quick_entries_sound.
Qed.
Theorem quick_scores_ok_sound B us : quick_scores_ok B us = true ->
  scores_ok (plain B) (map plain_scored us) = true.
Proof.
  unfold quick_scores_ok. destruct (quick_scores B us) eqn:E; auto. intros _. now apply quick_scores_sound.
Qed.
