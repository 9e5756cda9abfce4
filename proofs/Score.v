(** * Weights decided

    [scores_ok G all] is a boolean.  It decides, for graphs whose scored draws are Bernoulli or categorical,
    that every log-density is that of its law and that every weight is right: the weight is the scaled
    cost of the draw's own copy, all costs that do not read the draw or its dependents may be
    missing, and from it may be subtracted a share of the other copies' costs (leave-one-out) and anything that
    reads neither the draw nor its dependents (constants, averages of earlier steps).  [all] says, for
    each score, which slots play these parts; it is checked, not believed. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith Permutation FMapPositive.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Defined Number Certificate Draws Finite Depend.
From Sgc Require Table.
Import ListNotations.
Open Scope R_scope.

Inductive law := BernoulliLogits | CategoricalLogits (d : dim).
Record scored := Scored {
  sc_draw : nat;              (** the sample *)
  sc_shape : shape;
  sc_law : law;
  sc_arg : nat;               (** the slot of its logits *)
  sc_axes : list nat;         (** the axes of the draw that the logits have *)
  sc_density : nat;           (** its entry of [g_scores] *)
  sc_weight : nat;
  sc_plates : nat;            (** so many leading axes index independent copies *)
  sc_kept : list nat;         (** copies along the other plate axes share a leave-one-out baseline *)
  sc_scale : nat;             (** a scalar slot: what multiplies the cost of one copy *)
  sc_costs : list nat;        (** the costs of one copy that the draw may reach *)
  sc_share : Z * positive;    (** how much of the other copies' costs is subtracted *)
  sc_base : list nat;         (** what else is subtracted *)
  sc_others : list nat        (** scalar slots: the other costs *)
}.

(** ** Equations between slots, decided by normal forms *)
Fixpoint mentions_below (n : nat) (e : expr) : bool :=
  match e with
  | Arg k => Nat.ltb k n
  | Out | Adj | E0 _ => true
  | E1 _ a => mentions_below n a
  | E2 _ a b => mentions_below n a && mentions_below n b
  end.
Lemma mentions_below_sound n e : mentions_below n e = true -> mentions n e.
Proof.
  induction e; simpl; auto; intros H; [now apply Nat.ltb_lt|].
  apply andb_prop in H. intuition.
Qed.
(** Two slots of a program have one normal form. *)
Definition equal_slots (fix_ : fixed_sizes) (ins : list shape) (p : program) (i j : nat) : bool :=
  let '(T, m) := enter_inputs ins 0 empty in
  match enter_all fix_ Never p T m with
  | None => false
  | Some (_, m) => Nat.ltb i (length m) && Nat.ltb j (length m) && same_value (nth i m none) (nth j m none)
  end.
Theorem equal_slots_sound rho tr e fix_ ins p i j : equal_slots fix_ ins p i j = true ->
  (forall d n, In (d, n) fix_ -> rho d = n) ->
  let n := length ins in
  exists sh, infer p n (fun k => nth k ins []) = Some sh /\ sh i = sh j /\
  forall ix, In ix (box (sizes rho (sh i))) -> run rho tr p n e i ix = run rho tr p n e j ix.
Proof.
  intros H Hfix n. unfold equal_slots in H.
  assert (H0 : ok empty).
  { intros h en s k. unfold bucket, empty; cbn [known]. now rewrite PositiveMap.gempty. }
  destruct (enter_inputs ins 0 empty) as [T0 m0] eqn:E0.
  destruct (enter_inputs_sound rho tr e ins 0 _ _ _ H0 E0) as (G0 & B0 & L0 & S0 & V0).
  destruct (enter_all fix_ Never p T0 m0) as [[T m]|] eqn:E; [|easy].
  assert (Hsh : forall j, (j < length m0)%nat -> fst (nth j m0 none) = nth j ins []) by (intros; apply S0; lia).
  destruct (enter_all_sound rho tr e fix_ Hfix Never p T0 m0 T m _ (grows_ok rho tr e _ _ G0) B0 E Hsh)
    as (G1 & _ & _ & sh & I1 & R1).
  rewrite L0 in *. exists sh. split; auto.
  apply andb_prop in H as [H Hs]. apply andb_prop in H as [Hi Hj]. apply Nat.ltb_lt in Hi, Hj.
  unfold same_value in Hs. apply andb_prop in Hs as [Hs Hp]. apply compare_poly_eq in Hp.
  destruct (index_eqb_spec (fst (nth i m none)) (fst (nth j m none))) as [Es|]; [|easy].
  destruct (grows_trans rho tr e _ _ _ G0 G1) as (_ & _ & _ & G).
  destruct (G (fun _ => zero)) as (A & HA & _).
  { intros h en s k. unfold bucket, empty; cbn [known]. now rewrite PositiveMap.gempty. }
  assert (R0 : represents rho A m0 (fun k => nth k ins []) e).
  { intros k Hk. rewrite L0 in Hk. split; [now apply Hsh|]. intros ix Hix.
    exact (V0 A (grows_fits rho tr e _ _ A G1 HA) k Hk ix Hix). }
  specialize (R1 A e HA R0). destruct (R1 i Hi) as [P1 P2]. destruct (R1 j Hj) as [Q1 Q2].
  split; [congruence|]. intros ix Hix. unfold n. rewrite (P2 ix Hix), (Q2 ix), Hp; auto. now rewrite <- Q1, <- Es, P1.
Qed.
(** Slot [k] holds the value of [ex] over the slots [args]. *)
Definition holds_expr (G : graph) (ex : expr) (args : list nat) (k : nat) : bool :=
  let '(p, r, _) := emit ex args 0 0 (slots G) in
  Nat.ltb k (slots G) && below (slots G) args && mentions_below (length args) ex &&
  equal_slots (g_sizes G) (g_inputs G) (g_nodes G ++ p) r k.

Theorem holds_expr_sound G ex args k : well_formed G -> holds_expr G ex args k = true ->
  (k < slots G)%nat /\ forall rho e tr, sized G rho ->
  forall ix, In ix (box (sizes rho (shape_of G k))) ->
    let V := value G rho e tr in V k ix = expr_den rho tr ex (map V args) (V 0%nat) (V 0%nat) ix.
Proof.
  unfold holds_expr. intros (Hi & _) H. destruct (emit ex args 0 0 (slots G)) as [[p r] nx] eqn:He.
  apply andb_prop in H as [H Hs]. apply andb_prop in H as [H Hm]. apply andb_prop in H as [H0 Hb].
  apply Nat.ltb_lt in H0. split; auto. apply mentions_below_sound in Hm.
  assert (Hargs : forall j, In j args -> (j < slots G)%nat) by (intros; eapply in_below; eauto).
  intros rho e tr [Hfix _].
  destruct (equal_slots_sound rho tr e _ _ _ _ _ Hs Hfix) as (sh & Ip & Hsh & Hrun).
  assert (Hk : sh k = shape_of G k).
  { change (infer (g_nodes G ++ p) (inputs G) (input_shape G) = Some sh) in Ip.
    rewrite (infer_app _ _ _ _ _ Hi) in Ip. now apply (infer_inputs _ _ _ _ _ Ip). }
  intros ix Hix. rewrite <- Hk, <- Hsh in Hix. specialize (Hrun ix Hix).
  assert (H1 : (0 < slots G)%nat) by lia.
  destruct (emit_sound rho tr ex args 0 0 (slots G) p r nx
              (run rho tr (g_nodes G) (inputs G) e) He Hm Hargs H1 H1) as (_ & _ & Hr).
  rewrite !run_app in Hrun. change (length (g_inputs G) + length (g_nodes G))%nat with (slots G) in Hrun.
  change (length (g_inputs G)) with (inputs G) in Hrun.
  rewrite (run_below rho tr p (slots G) _ k H0) in Hrun.
  transitivity (run rho tr p (slots G) (run rho tr (g_nodes G) (inputs G) e) r ix); [symmetry; exact Hrun|].
  now rewrite Hr.
Qed.

(** ** The laws *)
Definition widen (vs : shape) (from : list nat) (e : expr) : expr :=
  E1 (Lin (Ein vs from (all_axes vs))) e.
(** The log-density of sample [j], as an expression of the logits. *)
Definition law_expr (l : law) (j : nat) (s : shape) (axes : list nat) : expr :=
  match l with
  | BernoulliLogits =>
      let a := widen s axes (Arg 0) in
      E2 (Map2 Sub) (E2 (Map2 Mul) (E0 (Sample j s)) a) (E1 (Map1 Softplus) a)
  | CategoricalLogits d =>
      let vs := s ++ [d] in
      let n := length s in
      let hot := E1 (Map1 Step) (E1 (Map1 (Affine (-4) 1 4)) (E1 (Map1 Square)
        (E2 (Map2 Sub) (widen vs (range n) (E0 (Sample j s))) (widen vs [n] (E0 (Iota d)))))) in
      E2 (Map2 Sub) (E2 (Ein2 vs (axes ++ [n]) (all_axes vs) (range n)) (Arg 0) hot)
        (widen s axes (E1 (Lse (pick s axes ++ [d]) (range (length axes))) (Arg 0)))
  end.

Definition bits : expectation R := finiteE [(0, 1); (1, 1)] ltac:(intros x w; simpl; intros [H|[H|[]]]; inversion H; lra).
Definition evenly (n : nat) : expectation R.
Proof.
  refine (finiteE (map (fun i => (INR i, 1)) (range n)) _).
  intros x w H. apply in_map_iff in H as (i & E & _). inversion E. lra.
Defined.

Section Laws.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).

Definition law_base (l : law) : expectation R :=
  match l with BernoulliLogits => bits | CategoricalLogits d => evenly (rho d) end.
Definition hot (v : R) (k : nat) : R := step01 ((-4 * ((v - INR k) * (v - INR k)) + 1) / 4).
(** The log-density at the number [v]. *)
Definition law_val (l : law) (a : tensor) (axes : list nat) (ix : index) (v : R) : R :=
  match l with
  | BernoulliLogits => v * a (pick ix axes) - ln (1 + exp (a (pick ix axes)))
  | CategoricalLogits d =>
      sum (range (rho d)) (fun k => a (pick ix axes ++ [k]) * hot v k)
      - ln (sum (range (rho d)) (fun k => exp (a (pick ix axes ++ [k]))))
  end.

Lemma sum_box_one d (f : index -> R) : sum (boxs [d]) f = sum (range (rho d)) (fun k => f [k]).
Proof.
  simpl. rewrite sum_flat_map. apply sum_ext. intros k _. simpl. ring.
Qed.
Lemma pick_front_all (u w : index) n : length u = n -> pick (u ++ w) (range n) = u.
Proof.
  intros <-. rewrite pick_front, pick_range; auto. apply forallb_forall. intros k Hk.
  apply Nat.ltb_lt. now apply in_range.
Qed.
Lemma law_expr_val l j s axes tr a out adj ix : below (length s) axes = true -> In ix (boxs s) ->
  expr_den rho tr (law_expr l j s axes) [a] out adj ix = law_val l a axes ix (tr j ix).
Proof.
  intros Hax Hix. pose proof (box_length rho _ _ Hix) as Lix. destruct l as [|d].
  - cbn -[lin_app]. rewrite widen_at by auto. reflexivity.
  - cbn -[lin_app ein2 expsum range all_axes Z.mul]. unfold law_val. f_equal.
    + unfold ein2. rewrite sizes_app, sum_box_app.
      rewrite (sum_ext _ _ (fun u => if index_eqb u ix then sum (range (rho d)) (fun k =>
        a (pick u axes ++ [k]) * hot (tr j u) k) else 0)).
      { apply (sum_box_single (sizes rho s) (fun u => sum (range (rho d)) (fun k =>
          a (pick u axes ++ [k]) * hot (tr j u) k)) ix Hix). }
      intros u Hu. pose proof (box_length rho _ _ Hu) as Lu.
      rewrite (sum_box_one d (fun w => if index_eqb (pick (u ++ w) (range (length s))) ix then _ else 0)).
      rewrite (sum_ext (range (rho d)) _ (fun k => if index_eqb u ix then
        a (pick u axes ++ [k]) * hot (tr j u) k else 0)).
      { destruct (index_eqb u ix); auto. apply sum_zero. }
      intros k Hk. rewrite pick_front_all by auto. destruct (index_eqb u ix); auto.
      assert (Huk : In (u ++ [k]) (boxs (s ++ [d]))).
      { apply in_box_app; auto. simpl. apply in_flat_map. exists k. split; auto. simpl; auto. }
      assert (Hlast : nth (length s) (u ++ [k]) 0%nat = k).
      { rewrite app_nth2 by lia. now rewrite Lu, Nat.sub_diag. }
      rewrite pick_app, pick_front by now rewrite Lu.
      replace (pick (u ++ [k]) [length s]) with [k] by (unfold pick; simpl; now rewrite Hlast).
      f_equal. rewrite (pick_all rho _ _ Huk), !widen_at by exact Huk.
      rewrite pick_front_all by auto.
      replace (pick (u ++ [k]) [length s]) with [k] by (unfold pick; simpl; now rewrite Hlast).
      reflexivity.
    + rewrite widen_at by auto. f_equal. unfold expsum. rewrite sizes_app, sum_box_app.
      assert (Hb : In (pick ix axes) (boxs (pick s axes))) by now apply pick_in.
      rewrite (sum_ext _ _ (fun u => if index_eqb u (pick ix axes) then
        sum (range (rho d)) (fun k => exp (a (u ++ [k]))) else 0)).
      { now rewrite (sum_box_single (sizes rho (pick s axes))
          (fun u => sum (range (rho d)) (fun k => exp (a (u ++ [k])))) _ Hb). }
      intros u Hu. pose proof (box_length rho _ _ Hu) as Lu. unfold pick in Lu. rewrite map_length in Lu.
      rewrite (sum_box_one d (fun w => if index_eqb (pick (u ++ w) (range (length axes))) (pick ix axes)
        then exp (a (u ++ w)) else 0)).
      rewrite (sum_ext (range (rho d)) _ (fun k => if index_eqb u (pick ix axes) then
        exp (a (u ++ [k])) else 0)).
      { destruct (index_eqb u (pick ix axes)); auto. apply sum_zero. }
      intros k _. now rewrite pick_front_all.
Qed.

Lemma hot_at i k : hot (INR i) k = if Nat.eqb i k then 1 else 0.
Proof.
  unfold hot. rewrite !INR_IZR_INZ. destruct (Nat.eqb_spec i k) as [->|H].
  - apply step01_pos. nra.
  - apply step01_neg. pose proof (Table.int_gap (Z.of_nat i) (Z.of_nat k) ltac:(lia)). nra.
Qed.
(** Its masses sum to one. *)
Theorem law_mass l a axes ix : (forall d, (0 < rho d)%nat) ->
  Ex (law_base l) (fun v => exp (law_val l a axes ix v)) = 1.
Proof.
  intros Hrho. destruct l as [|d].
  - cbn. set (t := a (pick ix axes)). pose proof (exp_pos t).
    replace (0 * t - ln (1 + exp t)) with (- ln (1 + exp t)) by ring.
    replace (1 * t - ln (1 + exp t)) with (t + - ln (1 + exp t)) by ring.
    rewrite exp_plus, !exp_Ropp, exp_ln by lra. field. lra.
  - cbn -[range]. rewrite sum_map. cbn [fst snd].
    set (t := fun k => a (pick ix axes ++ [k])). set (Z := sum (range (rho d)) (fun k => exp (t k))).
    assert (HZ : 0 < Z).
    { unfold Z. apply (sum_above _ _ 0%nat); [intros; left; apply exp_pos|now apply in_range|apply exp_pos]. }
    rewrite (sum_ext _ _ (fun i => / Z * exp (t i))).
    + rewrite sum_scal. fold Z. field. lra.
    + intros i Hi. rewrite (sum_ext _ _ (fun k => if Nat.eqb k i then t k else 0)).
      * rewrite (sum_single Nat.eqb Nat.eqb_spec (range (rho d)) i t) by (auto using seq_NoDup).
        change (sum (range (rho d)) (fun k => exp (a (pick ix axes ++ [k])))) with Z.
        unfold Rminus. rewrite exp_plus, exp_Ropp, exp_ln by auto. ring.
      * intros k _. rewrite hot_at. unfold t.
        destruct (Nat.eqb_spec i k), (Nat.eqb_spec k i); try congruence; ring.
Qed.
Lemma law_base_smooth l : smooth_law (law_base l).
Proof. destruct l; apply smooth_finite. Qed.
Lemma law_base_finite l : exists v H, law_base l = finiteE v H.
Proof. destruct l; do 2 eexists; reflexivity. Qed.
End Laws.

(** ** What the weight and the cost must be

    Arguments: the scale, the costs of one copy, what else is subtracted or added. *)
Definition plus_all (s : shape) (ks : list nat) : expr :=
  fold_right (fun k e => E2 (Map2 Add) (Arg k) e) (E0 (Const 0 1 s)) ks.
Definition scaled_total (P : shape) (k : nat) : expr :=
  E2 (Map2 Mul) (Arg 0) (E1 (Lin (Ein P (all_axes P) [])) (Arg k)).
Definition cost_expr (P : shape) (m o : nat) : expr :=
  fold_right (fun k e => E2 (Map2 Add) (scaled_total P k) e) (plus_all [] (seq (1 + m) o)) (seq 1 m).
Definition weight_expr (s P : shape) (kept : list nat) (q : Z * positive) (m b : nat) : expr :=
  let c := plus_all P (seq 1 m) in
  let group := widen P kept (E1 (Lin (Ein P (all_axes P) kept)) c) in
  let rest := E2 (Map2 Sub) group c in
  let inner := E2 (Map2 Sub) (E2 (Map2 Sub) c (E1 (Map1 (Affine (fst q) 0 (snd q))) rest))
                  (plus_all P (seq (1 + m) b)) in
  widen s (range (length P)) (E2 (Map2 Mul) (widen P [] (Arg 0)) inner).

Section Roles.
Variable rho : dim -> nat.
Variable tr : trace.
Notation boxs s := (box (sizes rho s)).
Variables (scale : tensor) (costs rest : list tensor) (out adj : tensor).
Notation args := (scale :: costs ++ rest).
Definition plus_tensors (xs : list tensor) : tensor := fun ix => sum xs (fun x => x ix).

Lemma seq_args (xs : list tensor) f n : (forall i, (i < length xs)%nat -> f (n + i)%nat = nth i xs zero) ->
  map f (seq n (length xs)) = xs.
Proof.
  revert n. induction xs as [|x xs IH]; intros n H; simpl; auto. f_equal.
  - specialize (H 0%nat ltac:(simpl; lia)). now rewrite Nat.add_0_r in H.
  - apply IH. intros i Hi. specialize (H (S i) ltac:(simpl; lia)). now rewrite <- Nat.add_succ_comm in H.
Qed.
Lemma plus_all_val s ks xs ix : map (fun k => nth k args zero) ks = xs ->
  expr_den rho tr (plus_all s ks) args out adj ix = plus_tensors xs ix.
Proof.
  intros <-. unfold plus_tensors. induction ks as [|k ks IH]; cbn [plus_all fold_right map sum].
  - simpl. unfold Rdiv. ring.
  - fold (plus_all s ks). cbn [expr_den den app2]. now rewrite IH.
Qed.
Lemma costs_at : map (fun k => nth k args zero) (seq 1 (length costs)) = costs.
Proof. apply seq_args. intros i Hi. simpl. now rewrite app_nth1. Qed.
Lemma rest_at : map (fun k => nth k args zero) (seq (1 + length costs) (length rest)) = rest.
Proof.
  apply seq_args. intros i Hi. simpl. rewrite app_nth2 by lia. f_equal. lia.
Qed.

Lemma total_val P (x : tensor) : lin_app rho (Ein P (all_axes P) []) x [] = sum (boxs P) x.
Proof.
  unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd]. apply sum_ext. intros v Hv. simpl.
  now rewrite pick_all with (rho := rho).
Qed.
Lemma cost_expr_val P : expr_den rho tr (cost_expr P (length costs) (length rest)) args out adj []
  = sum costs (fun c => scale [] * sum (boxs P) c) + plus_tensors rest [].
Proof.
  replace (sum costs (fun c => scale [] * sum (boxs P) c))
    with (sum (map (fun k => nth k args zero) (seq 1 (length costs)))
              (fun c => scale [] * sum (boxs P) c)) by now rewrite costs_at.
  unfold cost_expr. generalize (seq 1 (length costs)). intros ks.
  induction ks as [|k ks IH]; cbn [fold_right map sum].
  - rewrite (plus_all_val _ _ rest) by apply rest_at. ring.
  - cbn [expr_den den app2]. rewrite IH. unfold scaled_total. cbn [expr_den den app2].
    rewrite total_val. cbn [nth]. ring.
Qed.
Definition copy_cost : tensor := plus_tensors costs.
Definition group_cost (P : shape) (kept : list nat) (b : index) : R :=
  sum (boxs P) (fun v => if index_eqb (pick v kept) (pick b kept) then copy_cost v else 0).
Lemma weight_expr_val s P kept q ix : below (length P) kept = true -> P = firstn (length P) s ->
  In ix (boxs s) ->
  let b := firstn (length P) ix in
  expr_den rho tr (weight_expr s P kept q (length costs) (length rest)) args out adj ix
  = scale [] * (copy_cost b - (IZR (fst q) * (group_cost P kept b - copy_cost b) + 0) / IZR (Zpos (snd q))
                - plus_tensors rest b) /\ In b (boxs P).
Proof.
  intros Hk HP Hix b.
  assert (Hp : (length P <= length s)%nat) by (rewrite HP at 1; rewrite firstn_length; lia).
  assert (Lix : length ix = length s) by now apply (box_length rho).
  assert (Hb : b = pick ix (range (length P))).
  { unfold b. rewrite <- (firstn_skipn (length P) ix) at 2. symmetry. apply pick_front_all.
    rewrite firstn_length. lia. }
  assert (HPs : P = pick s (range (length P))).
  { rewrite HP at 1. rewrite <- (firstn_skipn (length P) s) at 2. symmetry. apply pick_front_all.
    rewrite firstn_length. lia. }
  assert (Hbin : In b (boxs P)).
  { rewrite Hb. replace (boxs P) with (boxs (pick s (range (length P)))) by now rewrite <- HPs.
    apply pick_in; auto. apply forallb_forall. intros k Hkk. apply in_range in Hkk. apply Nat.ltb_lt. lia. }
  split; auto. unfold weight_expr. cbv zeta. unfold widen at 1. cbn [expr_den].
  cbn [den]. rewrite widen_at by auto. rewrite <- Hb. cbn [app2 app1].
  unfold widen. cbn [expr_den den nth]. rewrite !widen_at by auto.
  rewrite !(plus_all_val _ _ costs) by apply costs_at. rewrite !(plus_all_val _ _ rest) by apply rest_at.
  replace (pick b []) with (@nil nat) by reflexivity.
  f_equal. f_equal. f_equal. f_equal. f_equal. f_equal.
  f_equal. unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd]. unfold group_cost, copy_cost.
  apply sum_ext. intros v Hv. rewrite (plus_all_val _ _ costs) by apply costs_at.
  now rewrite (pick_all rho P v Hv).
Qed.
End Roles.

(** ** The check *)
Section Check.
Variable G : graph.
Variable ds : list deps.           (** what every slot reads *)
Variable sh : nat -> shape.
Notation reads k := (nth k ds []).

Definition free (js : list nat) (k : nat) : bool := negb (mentions_any (reads k) js).
(** The later draws that depend on the draws [js]. *)
Fixpoint dependents (js : list nat) (later : list scored) : list scored :=
  match later with
  | [] => []
  | u :: later => if mentions_any (reads (sc_density u)) js
                  then u :: dependents (sc_draw u :: js) later else dependents js later
  end.
Fixpoint chain (us : list scored) : bool :=
  match us with [] => true | u :: us => free (map sc_draw us) (sc_density u) && chain us end.
(** The density of a draw is that of its law, and its elements are independent given their logits. *)
Definition density_ok (u : scored) : bool :=
  let n := length (sc_shape u) in
  below n (sc_axes u) && Nat.ltb (sc_density u) (slots G) && Nat.ltb (sc_weight u) (slots G) &&
  Nat.ltb (sc_arg u) (slots G) && index_eqb (sh (sc_density u)) (sc_shape u) &&
  index_eqb (sh (sc_weight u)) (sc_shape u) &&
  aligned n [sc_draw u] (reads (sc_density u)) && free [sc_draw u] (sc_arg u) &&
  holds_expr G (law_expr (sc_law u) (sc_draw u) (sc_shape u) (sc_axes u)) [sc_arg u] (sc_density u).
Definition weight_ok (pre : list scored) (t : scored) (later : list scored) : bool :=
  let us := dependents [sc_draw t] later in
  let js := sc_draw t :: map sc_draw us in
  let p := sc_plates t in
  let P := firstn p (sc_shape t) in
  let m := length (sc_costs t) in
  Nat.leb p (length (sc_shape t)) && free (map sc_draw us) (sc_density t) &&
  forallb (fun u => free js (sc_density u)) pre &&
  forallb (fun u => if existsb (Nat.eqb (sc_draw u)) js
                    then Nat.leb p (length (sc_shape u)) && aligned p js (reads (sc_density u))
                    else free js (sc_density u)) later &&
  chain us && free js (sc_scale t) && forallb (free js) (sc_others t) && forallb (free js) (sc_base t) &&
  forallb (fun k => aligned p js (reads k)) (sc_costs t) && below (length P) (sc_kept t) &&
  holds_expr G (cost_expr P m (length (sc_others t))) (sc_scale t :: sc_costs t ++ sc_others t) (g_cost G) &&
  holds_expr G (weight_expr (sc_shape t) P (sc_kept t) (sc_share t) m (length (sc_base t)))
             (sc_scale t :: sc_costs t ++ sc_base t) (sc_weight t).
Fixpoint weights_ok (pre later : list scored) : bool :=
  match later with
  | [] => true
  | t :: later => weight_ok pre t later && weights_ok (pre ++ [t]) later
  end.
End Check.

Fixpoint entries_eqb (l m : list (nat * nat)) : bool :=
  match l, m with
  | [], [] => true
  | p :: l, q :: m => pair_eqb p q && entries_eqb l m
  | _, _ => false
  end.
Definition entry_of (u : scored) : nat * nat := (sc_density u, sc_weight u).
Definition scores_ok (G : graph) (all : list scored) : bool :=
  let ds := all_deps G in
  match infer (g_nodes G) (inputs G) (input_shape G) with
  | None => false
  | Some sh => distinct (map sc_draw all) && entries_eqb (g_scores G) (map entry_of all) &&
               forallb (density_ok G ds sh) all && weights_ok G ds [] all
  end.

Lemma entries_eqb_eq l : forall m, entries_eqb l m = true -> l = m.
Proof.
  induction l as [|[a b] l IH]; intros [|[a' b'] m]; simpl; try easy. intros H.
  apply andb_prop in H as [H Hl]. unfold pair_eqb in H. apply andb_prop in H as [H1 H2].
  apply Nat.eqb_eq in H1, H2. simpl in H1, H2. f_equal; [congruence|auto].
Qed.

(** ** It is right *)
Section Right.
Variable G : graph.
Variable rho : dim -> nat.
Variables e d : env.
Variable K : coord -> expectation R.
Variable all : list scored.
Hypothesis Hsz : sized G rho.
Hypothesis Hwf : well_formed G.
Hypothesis Hder : forall tr, derivable G rho e d tr 0.
Hypothesis Hdraws : NoDup (map sc_draw all).
Hypothesis Hentries : g_scores G = map entry_of all.
Hypothesis Hdens : forall u, In u all -> density_ok G (all_deps G) (shape_of G) u = true.
Hypothesis HK : forall u jx, In u all -> K (sc_draw u, jx) = law_base rho (sc_law u).
Notation boxs s := (box (sizes rho s)).
Notation V e tr := (value G rho e tr).

Definition coords_of (us : list scored) : list coord :=
  flat_map (fun u => map (pair (sc_draw u)) (boxs (sc_shape u))) us.
Definition lp (e : env) (c : coord) (tr : trace) : R :=
  match find (fun u => Nat.eqb (sc_draw u) (fst c)) all with
  | Some u => V e tr (sc_density u) (snd c)
  | None => 0
  end.

Lemma draw_unique u u' : In u all -> In u' all -> sc_draw u = sc_draw u' -> u = u'.
Proof.
  clear - Hdraws. induction all as [|v l IH]; simpl in *; [easy|]. inversion Hdraws as [|? ? Hn Hd]; subst.
  intros [->|H] [->|H'] E; auto.
  - exfalso. apply Hn. rewrite E. now apply in_map.
  - exfalso. apply Hn. rewrite <- E. now apply in_map.
Qed.
Lemma lp_at e' u jx tr : In u all -> lp e' (sc_draw u, jx) tr = V e' tr (sc_density u) jx.
Proof.
  intros Hu. unfold lp. cbn [fst snd].
  destruct (find _ all) as [u'|] eqn:E.
  - apply find_some in E as [Hu' E]. apply Nat.eqb_eq in E. now rewrite (draw_unique u' u).
  - exfalso. apply (find_none _ _ E u) in Hu. rewrite Nat.eqb_refl in Hu. discriminate.
Qed.

Record density_facts (u : scored) : Prop := {
  df_axes : below (length (sc_shape u)) (sc_axes u) = true;
  df_slot : (sc_density u < slots G)%nat;
  df_arg : (sc_arg u < slots G)%nat;
  df_shape : shape_of G (sc_density u) = sc_shape u;
  df_wshape : shape_of G (sc_weight u) = sc_shape u;
  df_aligned : aligned (length (sc_shape u)) [sc_draw u] (dep G (sc_density u)) = true;
  df_free : mentions_any (dep G (sc_arg u)) [sc_draw u] = false;
  df_value : forall e' tr ix, In ix (boxs (sc_shape u)) -> V e' tr (sc_density u) ix
    = law_val rho (sc_law u) (V e' tr (sc_arg u)) (sc_axes u) ix (tr (sc_draw u) ix)
}.
Lemma density_holds u : In u all -> density_facts u.
Proof.
  intros Hu. pose proof (Hdens u Hu) as H. unfold density_ok in H.
  repeat (apply andb_prop in H as [H ?]).
  repeat match goal with
  | H : (_ <? _)%nat = true |- _ => apply Nat.ltb_lt in H
  | H : index_eqb ?a ?b = true |- _ => destruct (index_eqb_spec a b); [clear H|discriminate]
  end.
  assert (Hx : holds_expr G (law_expr (sc_law u) (sc_draw u) (sc_shape u) (sc_axes u)) [sc_arg u]
                 (sc_density u) = true) by assumption.
  destruct (holds_expr_sound G _ _ _ Hwf Hx) as [_ Hval].
  constructor; auto.
  - unfold free in *. apply negb_true_iff. assumption.
  - intros e' tr ix Hix. rewrite Hval by (auto; congruence). cbn [map]. now apply law_expr_val.
Qed.

Lemma total_log_density e' tr : log_density G rho e' tr = total (lp e') (coords_of all) tr.
Proof.
  unfold log_density, total, coords_of. rewrite Hentries, sum_map, sum_flat_map. apply sum_ext.
  intros u Hu. unfold entry_of; cbn [fst]. rewrite (df_shape _ (density_holds u Hu)), sum_map.
  apply sum_ext. intros jx _. now rewrite lp_at.
Qed.

(** A number outside those that a slot reads. *)
Lemma lp_ignores e' u jx c : In u all -> ~ touches (dep G (sc_density u)) jx c ->
  ignores (lp e' (sc_draw u, jx)) c.
Proof.
  intros Hu Ht tr v. rewrite !lp_at by auto.
  apply (value_ignores G rho e' (sc_density u) jx c Hwf (df_slot _ (density_holds u Hu)) Ht).
Qed.
Lemma arg_still e' u jx tr v : In u all ->
  V e' (set tr (sc_draw u, jx) v) (sc_arg u) = V e' tr (sc_arg u).
Proof.
  intros Hu. apply FunctionalExtensionality.functional_extensionality. intros kx.
  apply (value_ignores G rho e' (sc_arg u) kx (sc_draw u, jx) Hwf (df_arg _ (density_holds u Hu))).
  apply (mentions_none _ [sc_draw u]); [apply (df_free _ (density_holds u Hu))|simpl; auto].
Qed.
Lemma lp_set e' u jx tr v : In u all -> In jx (boxs (sc_shape u)) ->
  lp e' (sc_draw u, jx) (set tr (sc_draw u, jx) v)
  = law_val rho (sc_law u) (V e' tr (sc_arg u)) (sc_axes u) jx v.
Proof.
  intros Hu Hj. rewrite lp_at, (df_value _ (density_holds u Hu)), arg_still by auto. f_equal.
  unfold set. now destruct (coord_eqb_spec (sc_draw u, jx) (sc_draw u, jx)).
Qed.
Lemma lp_mass e' u jx tr : In u all -> In jx (boxs (sc_shape u)) ->
  Ex (K (sc_draw u, jx)) (fun v => exp (lp e' (sc_draw u, jx) (set tr (sc_draw u, jx) v))) = 1.
Proof.
  intros Hu Hj. rewrite HK by auto. rewrite (Ex_ext _ _ (fun v => exp
    (law_val rho (sc_law u) (V e' tr (sc_arg u)) (sc_axes u) jx v))) by (intros; now rewrite lp_set).
  apply law_mass. apply Hsz.
Qed.
Lemma lp_normalised u jx : In u all -> In jx (boxs (sc_shape u)) ->
  normalised K (lp e) (sc_draw u, jx).
Proof.
  intros Hu Hj tr. split; [|now apply lp_mass]. rewrite HK by auto. apply law_base_smooth.
Qed.
Lemma score_centred u jx : In u all -> In jx (boxs (sc_shape u)) ->
  centred K (lp e) (sc_draw u, jx) (fun tr => slope G rho e d tr (sc_density u) jx).
Proof.
  intros Hu Hj tr. set (c := (sc_draw u, jx)). pose proof (density_holds u Hu) as F. split.
  - unfold c. rewrite HK by auto. apply law_base_smooth.
  - rewrite (Ex_ext _ _ (fun v => exp (V (line e d 0) (set tr c v) (sc_density u) jx) *
                                slope G rho e d (set tr c v) (sc_density u) jx)).
    2:{ intros v. unfold c. rewrite lp_at, line_0 by auto. reflexivity. }
    apply (finite_score_zero (K c) (fun t v => V (line e d t) (set tr c v) (sc_density u) jx)
             (fun v => slope G rho e d (set tr c v) (sc_density u) jx)).
    + unfold c. rewrite HK by auto. apply law_base_smooth.
    + intros v. pose proof (Hder (set tr c v) (sc_density u) jx (df_slot _ F)) as D.
      rewrite line_0 in D. apply D. now rewrite (df_shape _ F).
    + apply filter_forall. intros t. rewrite <- (lp_mass (line e d t) u jx tr Hu Hj).
      apply Ex_ext. intros v. unfold c. now rewrite lp_at.
Qed.

(** *** One score *)
Section One.
Variables (pre later : list scored) (t : scored) (ix : index).
Hypothesis Hall : all = pre ++ t :: later.
Hypothesis Hw : weight_ok G (all_deps G) pre t later = true.
Hypothesis Hix : In ix (boxs (sc_shape t)).
Let us := dependents (all_deps G) [sc_draw t] later.
Let js := sc_draw t :: map sc_draw us.
Let p := sc_plates t.
Let P := firstn p (sc_shape t).
Let c : coord := (sc_draw t, ix).

Lemma dependents_incl ks l : incl (dependents (all_deps G) ks l) l.
Proof.
  revert ks. induction l as [|u l IH]; simpl; intros ks v Hv; [easy|].
  destruct (mentions_any _ ks); [destruct Hv as [->|Hv]; [now left|right; eapply IH; eauto]|right; eapply IH; eauto].
Qed.
Lemma t_in : In t all.
Proof. rewrite Hall. apply in_app_iff. right. now left. Qed.
Lemma later_in u : In u later -> In u all.
Proof. intros H. rewrite Hall. apply in_app_iff. right. now right. Qed.
Lemma us_later u : In u us -> In u later.
Proof. apply dependents_incl. Qed.
Lemma us_in u : In u us -> In u all.
Proof. intros H. now apply later_in, us_later. Qed.

Definition copy_of (u : scored) : list index :=
  filter (fun jx => index_eqb (firstn p jx) (firstn p ix)) (boxs (sc_shape u)).
Definition after_of (vs : list scored) : list coord :=
  flat_map (fun u => map (pair (sc_draw u)) (copy_of u)) vs.
Definition before_of : list coord :=
  filter (fun b => negb (existsb (coord_eqb b) (c :: after_of us))) (coords_of all).

Lemma in_after vs a : In a (after_of vs) <-> exists u jx, In u vs /\ a = (sc_draw u, jx) /\
  In jx (boxs (sc_shape u)) /\ firstn p jx = firstn p ix.
Proof.
  unfold after_of. rewrite in_flat_map. split.
  - intros (u & Hu & Ha). apply in_map_iff in Ha as (jx & <- & Hj). apply filter_In in Hj as [Hj E].
    destruct (index_eqb_spec (firstn p jx) (firstn p ix)); [|easy]. eauto 10.
  - intros (u & jx & Hu & -> & Hj & E). exists u. split; auto. apply in_map. apply filter_In. split; auto.
    rewrite E. apply index_eqb_refl.
Qed.
Lemma in_coords vs a : In a (coords_of vs) <-> exists u jx, In u vs /\ a = (sc_draw u, jx) /\
  In jx (boxs (sc_shape u)).
Proof.
  unfold coords_of. rewrite in_flat_map. split.
  - intros (u & Hu & Ha). apply in_map_iff in Ha as (jx & <- & Hj). eauto 10.
  - intros (u & jx & Hu & -> & Hj). exists u. split; auto. now apply in_map.
Qed.

(** What the check says. *)
Record weight_facts : Prop := {
  wf_plates : (p <= length (sc_shape t))%nat;
  wf_own : mentions_any (dep G (sc_density t)) (map sc_draw us) = false;
  wf_pre : forall u, In u pre -> mentions_any (dep G (sc_density u)) js = false;
  wf_later : forall u, In u later -> In (sc_draw u) js ->
    (p <= length (sc_shape u))%nat /\ aligned p js (dep G (sc_density u)) = true;
  wf_free : forall u, In u later -> ~ In (sc_draw u) js -> mentions_any (dep G (sc_density u)) js = false;
  wf_chain : chain (all_deps G) us = true;
  wf_scale : mentions_any (dep G (sc_scale t)) js = false;
  wf_others : forall k, In k (sc_others t) -> mentions_any (dep G k) js = false;
  wf_base : forall k, In k (sc_base t) -> mentions_any (dep G k) js = false;
  wf_costs : forall k, In k (sc_costs t) -> aligned p js (dep G k) = true;
  wf_kept : below (length P) (sc_kept t) = true;
  wf_cost_expr : holds_expr G (cost_expr P (length (sc_costs t)) (length (sc_others t)))
                   (sc_scale t :: sc_costs t ++ sc_others t) (g_cost G) = true;
  wf_weight_expr : holds_expr G (weight_expr (sc_shape t) P (sc_kept t) (sc_share t) (length (sc_costs t))
                     (length (sc_base t))) (sc_scale t :: sc_costs t ++ sc_base t) (sc_weight t) = true
}.
Lemma weight_holds : weight_facts.
Proof.
  pose proof Hw as H. unfold weight_ok in H. fold us in H. fold js p in H. fold P in H.
  apply andb_prop in H as [H He]. apply andb_prop in H as [H Hc]. apply andb_prop in H as [H Hkept].
  apply andb_prop in H as [H Hcosts]. apply andb_prop in H as [H Hbase]. apply andb_prop in H as [H Hothers].
  apply andb_prop in H as [H Hscale]. apply andb_prop in H as [H Hchain]. apply andb_prop in H as [H Hlater].
  apply andb_prop in H as [H Hpre]. apply andb_prop in H as [Hpl Hown].
  rewrite forallb_forall in Hothers, Hbase, Hcosts, Hlater, Hpre. unfold free in *.
  constructor; auto.
  - now apply Nat.leb_le.
  - now apply negb_true_iff.
  - intros u Hu. apply negb_true_iff. now apply Hpre.
  - intros u Hu Hin. specialize (Hlater u Hu). apply in_existsb in Hin. rewrite Hin in Hlater.
    apply andb_prop in Hlater as [H1 H2]. apply Nat.leb_le in H1. auto.
  - intros u Hu Hin. specialize (Hlater u Hu).
    destruct (existsb (Nat.eqb (sc_draw u)) js) eqn:E; [apply in_existsb in E; contradiction|].
    now apply negb_true_iff.
  - now apply negb_true_iff.
  - intros k Hk. apply negb_true_iff. now apply Hothers.
  - intros k Hk. apply negb_true_iff. now apply Hbase.
Qed.
Let F := weight_holds.

(** The numbers that may not be read: the draw's own, and its dependents' in the same copy. *)
Lemma inner_number a : In a (c :: after_of us) -> In (fst a) js /\ firstn p (snd a) = firstn p ix.
Proof.
  intros [<-|Ha]; [split; [now left|easy]|]. apply in_after in Ha as (u & jx & Hu & -> & _ & E).
  split; auto. right. exact (in_map sc_draw _ _ Hu).
Qed.
Lemma prefix_eq (a b : index) : (forall k, (k < p)%nat -> nth k a 0%nat = nth k b 0%nat) ->
  (p <= length a)%nat -> (p <= length b)%nat -> firstn p a = firstn p b.
Proof.
  intros H Ha Hb. apply (nth_ext _ _ 0%nat 0%nat); rewrite !firstn_length; [lia|]. intros k Hk.
  specialize (H k ltac:(lia)).
  rewrite <- (firstn_skipn p a), <- (firstn_skipn p b) in H.
  rewrite !app_nth1 in H by (rewrite firstn_length; lia). exact H.
Qed.
Lemma nth_prefix (a b : index) k : firstn p a = firstn p b -> (k < p)%nat -> (p <= length a)%nat ->
  (p <= length b)%nat -> nth k a 0%nat = nth k b 0%nat.
Proof.
  intros E Hk Ha Hb. rewrite <- (firstn_skipn p a), <- (firstn_skipn p b).
  rewrite !app_nth1 by (rewrite firstn_length; lia). now rewrite E.
Qed.
Lemma inner_lengths a : In a (c :: after_of us) -> (p <= length (snd a))%nat.
Proof.
  intros Ha. destruct (inner_number a Ha) as [_ E]. apply (f_equal (@length nat)) in E.
  rewrite !firstn_length in E. pose proof (box_length rho _ _ Hix) as L. pose proof (wf_plates F). lia.
Qed.
(** A value that is aligned with the copies reads those numbers from its own copy only. *)
Lemma off_copy k b a : aligned p js (dep G k) = true -> In a (c :: after_of us) ->
  touches (dep G k) b a -> forall i, (i < p)%nat -> nth i b 0%nat = nth i ix 0%nat.
Proof.
  intros Hal Ha Ht i Hi. destruct (inner_number a Ha) as [Hj E].
  rewrite (aligned_touches p js _ b a Hal Hj Ht i Hi). apply nth_prefix; auto.
  - now apply inner_lengths.
  - rewrite (box_length rho _ _ Hix). apply (wf_plates F).
Qed.

Lemma in_js_us u : In u later -> In (sc_draw u) js -> In u us.
Proof.
  intros Hu [E|Hin].
  - exfalso. assert (u = t).
    { apply draw_unique; auto; [now apply later_in|apply t_in]. }
    subst u. rewrite Hall in Hdraws. rewrite map_app in Hdraws. simpl in Hdraws.
    apply NoDup_remove_2 in Hdraws. apply Hdraws. apply in_app_iff. right. now apply in_map.
  - apply in_map_iff in Hin as (u' & E & Hu'). now rewrite <- (draw_unique u' u (us_in u' Hu') (later_in u Hu) E).
Qed.
Lemma own_element u jx kx : In u all -> In jx (boxs (sc_shape u)) -> In kx (boxs (sc_shape u)) ->
  touches (dep G (sc_density u)) jx (sc_draw u, kx) -> jx = kx.
Proof.
  intros Hu Hj Hk Ht. apply (nth_ext _ _ 0%nat 0%nat).
  - now rewrite (box_length rho _ _ Hj), (box_length rho _ _ Hk).
  - intros i Hi. apply (aligned_touches (length (sc_shape u)) [sc_draw u] _ jx (sc_draw u, kx)
                          (df_aligned _ (density_holds u Hu))); simpl; auto.
    now rewrite <- (box_length rho _ _ Hj).
Qed.

Lemma before_ignores b : In b before_of -> ignores_all (lp e b) (c :: after_of us).
Proof.
  intros Hb a Ha. apply filter_In in Hb as [Hb Hout].
  apply in_coords in Hb as (u & jx & Hu & -> & Hj). apply lp_ignores; auto. intros Ht.
  assert (Hnot : ~ In (sc_draw u, jx) (c :: after_of us)).
  { intros Hin. apply negb_true_iff in Hout. assert (existsb (coord_eqb (sc_draw u, jx)) (c :: after_of us) = true);
      [|congruence]. apply existsb_exists. exists (sc_draw u, jx). split; auto.
    now destruct (coord_eqb_spec (sc_draw u, jx) (sc_draw u, jx)). }
  destruct (inner_number a Ha) as [Hin E].
  assert (Hu' := Hu). rewrite Hall in Hu'. apply in_app_iff in Hu' as [Hp|[<-|Hl]].
  - apply (mentions_none _ js jx a (wf_pre F u Hp) Hin Ht).
  - destruct Ha as [<-|Ha].
    + apply Hnot. left. unfold c. f_equal. symmetry. now apply (own_element t jx ix).
    + apply in_after in Ha as (u & kx & Hus & -> & _).
      apply (mentions_none _ (map sc_draw us) jx _ (wf_own F)) in Ht; auto. exact (in_map sc_draw _ _ Hus).
  - destruct (in_dec Nat.eq_dec (sc_draw u) js) as [Hjs|Hjs].
    + apply Hnot. right. apply in_after. exists u, jx. split; [now apply in_js_us|]. split; auto. split; auto.
      destruct (wf_later F u Hl Hjs) as [Hp Hal].
      apply prefix_eq; [now apply (off_copy (sc_density u) jx a)| |].
      * now rewrite (box_length rho _ _ Hj).
      * rewrite (box_length rho _ _ Hix). apply (wf_plates F).
    + apply (mentions_none _ js jx a (wf_free F u Hl Hjs) Hin Ht).
Qed.

Lemma own_ignores : ignores_all (lp e c) (after_of us) /\
  ignores_all (fun tr => slope G rho e d tr (sc_density t) ix) (after_of us).
Proof.
  assert (H : forall a, In a (after_of us) -> ~ touches (dep G (sc_density t)) ix a).
  { intros a Ha. apply in_after in Ha as (u & kx & Hus & -> & _).
    apply (mentions_none _ (map sc_draw us)); [apply (wf_own F)|]. exact (in_map sc_draw _ _ Hus). }
  split; intros a Ha.
  - apply lp_ignores; auto using t_in.
  - pose proof (density_holds t t_in) as D. apply slope_ignores; auto; [apply D|].
    now rewrite (df_shape _ D).
Qed.

Lemma causal_app cs cs' : causal (lp e) cs -> causal (lp e) cs' ->
  (forall b, In b cs -> ignores_all (lp e b) cs') -> causal (lp e) (cs ++ cs').
Proof.
  induction cs as [|b cs IH]; simpl; intros H H' Hx; auto. destruct H as [H1 H2]. split.
  - intros a Ha. apply in_app_iff in Ha as [Ha|Ha]; [now apply H1|]. now apply (Hx b (or_introl eq_refl)).
  - apply IH; auto.
Qed.
Lemma after_causal vs : incl vs all -> chain (all_deps G) vs = true -> causal (lp e) (after_of vs).
Proof.
  induction vs as [|u vs IH]; intros Hin Hc; [exact I|]. cbn [chain] in Hc.
  apply andb_prop in Hc as [Hfree Hc]. unfold free in Hfree. apply negb_true_iff in Hfree.
  assert (Hu : In u all) by (apply Hin; now left).
  cbn [after_of flat_map]. apply causal_app.
  - assert (Hincl : forall jx, In jx (copy_of u) -> In jx (boxs (sc_shape u))).
    { intros jx Hj. now apply filter_In in Hj. }
    assert (Hnd : NoDup (copy_of u)) by (apply NoDup_filter, box_NoDup).
    revert Hincl Hnd. generalize (copy_of u). intros l. induction l as [|jx l IHl]; simpl; intros Hl Hnd; auto.
    inversion Hnd as [|? ? Hni Hnd']; subst. split; [|apply IHl; auto].
    intros a Ha. apply in_map_iff in Ha as (kx & <- & Hk). apply lp_ignores; auto. intros Ht.
    assert (E : jx = kx) by (apply (own_element u); auto). now subst.
  - apply IH; auto. intros v Hv. apply Hin. now right.
  - intros b Hb a Ha. apply in_map_iff in Hb as (jx & <- & _). apply lp_ignores; auto.
    apply in_after in Ha as (v & kx & Hv & -> & _).
    apply (mentions_none _ (map sc_draw vs)); auto. exact (in_map sc_draw _ _ Hv).
Qed.
Lemma after_normalised a : In a (after_of us) -> normalised K (lp e) a.
Proof.
  intros Ha. apply in_after in Ha as (u & jx & Hu & -> & Hj & _). apply lp_normalised; auto.
  now apply us_in.
Qed.

(** The difference of the cost and the weight reads none of those numbers. *)
Lemma sum_but_one (f : tensor) b : In b (boxs P) ->
  sum (boxs P) f = sum (boxs P) (fun v => if index_eqb v b then 0 else f v) + f b.
Proof.
  intros Hb. rewrite <- (sum_box_single (sizes rho P) f b Hb), <- sum_plus. apply sum_ext. intros v _.
  destruct (index_eqb v b); ring.
Qed.
Definition others_of (g : tensor) (b : index) : R :=
  sum (boxs P) (fun v => if index_eqb v b then 0 else g v).

Theorem rest_ignores : ignores_all (fun tr => cost G rho e tr - V e tr (sc_weight t) ix) (c :: after_of us).
Proof.
  pose proof F as W. pose proof (wf_plates W) as Hp.
  destruct (holds_expr_sound G _ _ _ Hwf (wf_cost_expr W)) as [_ Hc].
  destruct (holds_expr_sound G _ _ _ Hwf (wf_weight_expr W)) as [Hws Hv].
  pose proof Hwf as (_ & Hcs & Hsc & _).
  assert (LP : length P = p) by (unfold P; rewrite firstn_length; lia).
  set (b := firstn (length P) ix).
  set (q := sc_share t) in *.
  set (C := fun tr => plus_tensors (map (V e tr) (sc_costs t))).
  set (S := fun tr => V e tr (sc_scale t) []).
  set (Near := fun tr b v => if index_eqb (pick v (sc_kept t)) (pick b (sc_kept t)) then C tr v else 0).
  set (R0 := fun tr => S tr * others_of (C tr) b +
    plus_tensors (map (V e tr) (sc_others t)) [] +
    S tr * (IZR (fst q) * others_of (Near tr b) b / IZR (Zpos (snd q))
            + plus_tensors (map (V e tr) (sc_base t)) b)).
  assert (Hbin : In b (boxs P)).
  { pose proof (weight_expr_val rho (fun _ => zero) zero [] [] zero zero (sc_shape t) P (sc_kept t) q ix
      (wf_kept W)) as H. simpl in H. apply H; auto. unfold P at 1. now rewrite LP. }
  assert (E : forall tr, cost G rho e tr - V e tr (sc_weight t) ix = R0 tr).
  { intros tr. unfold cost. rewrite (Hc rho e tr Hsz []) by (rewrite Hsc; now left).
    assert (Dw : shape_of G (sc_weight t) = sc_shape t) by apply (density_holds t t_in).
    rewrite (Hv rho e tr Hsz ix) by now rewrite Dw. cbv zeta. cbn [map]. rewrite !map_app.
    pose proof (cost_expr_val rho tr (V e tr (sc_scale t)) (map (V e tr) (sc_costs t))
      (map (V e tr) (sc_others t)) (V e tr 0%nat) (V e tr 0%nat) P) as E1.
    destruct (weight_expr_val rho tr (V e tr (sc_scale t)) (map (V e tr) (sc_costs t))
      (map (V e tr) (sc_base t)) (V e tr 0%nat) (V e tr 0%nat) (sc_shape t) P (sc_kept t) q ix
      (wf_kept W)) as [E2 _]; auto.
    { unfold P at 1. now rewrite LP. }
    rewrite !map_length in E1, E2. rewrite E1, E2. clear E1 E2.
    fold b. unfold R0, copy_cost, group_cost. fold (S tr). fold (C tr).
    rewrite sum_scal, sum_swap. change (sum (boxs P) (fun b0 => sum (map (V e tr) (sc_costs t)) (fun a => a b0)))
      with (sum (boxs P) (C tr)).
    rewrite (sum_but_one (C tr) b Hbin). change (sum (boxs P) (fun v => if index_eqb (pick v (sc_kept t))
      (pick b (sc_kept t)) then copy_cost (map (V e tr) (sc_costs t)) v else 0)) with (sum (boxs P) (Near tr b)).
    rewrite (sum_but_one (Near tr b) b Hbin). unfold Near at 2. rewrite index_eqb_refl.
    fold (others_of (C tr) b). fold (others_of (Near tr b) b). field. apply not_0_IZR. lia. }
  intros a Ha tr v. rewrite !E. unfold R0. destruct (inner_number a Ha) as [Hjs Hpre].
  assert (Still : forall k kx, (k < slots G)%nat -> mentions_any (dep G k) js = false ->
            V e (set tr a v) k kx = V e tr k kx).
  { intros k kx Hk Hm. apply (value_ignores G rho e k kx a Hwf Hk). now apply (mentions_none _ js). }
  assert (Slots : below (slots G) (sc_scale t :: sc_costs t ++ sc_others t) = true /\
                  below (slots G) (sc_scale t :: sc_costs t ++ sc_base t) = true).
  { pose proof (wf_cost_expr W) as H1. pose proof (wf_weight_expr W) as H2. unfold holds_expr in H1, H2.
    destruct (emit _ _ _ _ _) as [[p1 r1] x1] in H1. destruct (emit _ _ _ _ _) as [[p2 r2] x2] in H2.
    apply andb_prop in H1 as [H1 _]. apply andb_prop in H1 as [H1 _]. apply andb_prop in H1 as [_ H1].
    apply andb_prop in H2 as [H2 _]. apply andb_prop in H2 as [H2 _]. apply andb_prop in H2 as [_ H2]. auto. }
  destruct Slots as [Sl1 Sl2].
  assert (Bel : forall k, In k (sc_scale t :: sc_costs t ++ sc_others t) \/
                          In k (sc_scale t :: sc_costs t ++ sc_base t) -> (k < slots G)%nat).
  { intros k [Hk|Hk]; [exact (in_below _ _ _ Sl1 Hk)|exact (in_below _ _ _ Sl2 Hk)]. }
  assert (ES : S (set tr a v) = S tr).
  { apply Still; [apply Bel; left; now left|apply (wf_scale W)]. }
  assert (EC : forall w, w <> b -> length w = length P -> C (set tr a v) w = C tr w).
  { intros w Hw' Hl. unfold C, plus_tensors. rewrite !sum_map. apply sum_ext. intros k Hk.
    apply (value_ignores G rho e k w a Hwf).
    - apply Bel. left. right. apply in_app_iff. now left.
    - intros Ht. apply Hw'. unfold b. rewrite LP.
      rewrite <- (firstn_all w), Hl, LP.
      apply prefix_eq; [|lia|rewrite (box_length rho _ _ Hix); lia].
      intros i Hi. apply (off_copy k w a (wf_costs W k Hk) Ha Ht i Hi). }
  assert (EL : forall ks kx, (forall k, In k ks -> (k < slots G)%nat /\ mentions_any (dep G k) js = false) ->
            plus_tensors (map (V e (set tr a v)) ks) kx = plus_tensors (map (V e tr) ks) kx).
  { intros ks kx Hks. unfold plus_tensors. rewrite !sum_map. apply sum_ext. intros k Hk.
    apply Still; now apply Hks. }
  assert (EO : forall f g : tensor, (forall w, In w (boxs P) -> w <> b -> f w = g w) ->
            others_of f b = others_of g b).
  { intros f g H. apply sum_ext. intros w Hin. destruct (index_eqb_spec w b); auto. }
  rewrite ES, (EO (C (set tr a v)) (C tr)), (EO (Near (set tr a v) b) (Near tr b)), !EL; auto.
  - intros k Hk. split; [apply Bel; right; right; apply in_app_iff; now right|now apply (wf_base W)].
  - intros k Hk. split; [apply Bel; left; right; apply in_app_iff; now right|now apply (wf_others W)].
  - intros w Hin Hne. unfold Near. destruct (index_eqb _ _); auto. apply EC; auto.
    now rewrite (box_length rho _ _ Hin).
  - intros w Hin Hne. apply EC; auto. now rewrite (box_length rho _ _ Hin).
Qed.

Lemma coord_in_dec (a b : coord) : {a = b} + {a <> b}.
Proof. destruct (coord_eqb_spec a b); auto. Qed.
Lemma coords_NoDup vs : NoDup (map sc_draw vs) -> NoDup (coords_of vs).
Proof.
  induction vs as [|u vs IH]; simpl; intros Hd; [constructor|]. inversion Hd as [|? ? Hn Hd']; subst.
  apply NoDup_app; auto.
  - apply FinFun.Injective_map_NoDup; [intros x y H; now inversion H|apply box_NoDup].
  - intros a Ha Hb. apply in_map_iff in Ha as (jx & <- & _).
    apply in_coords in Hb as (v & kx & Hv & E & _). inversion E. apply Hn.
    rewrite H0. now apply in_map.
Qed.
Lemma after_NoDup vs : NoDup (map sc_draw vs) -> NoDup (after_of vs).
Proof.
  induction vs as [|u vs IH]; simpl; intros Hd; [constructor|]. inversion Hd as [|? ? Hn Hd']; subst.
  apply NoDup_app; auto.
  - apply FinFun.Injective_map_NoDup; [intros x y H; now inversion H|apply NoDup_filter, box_NoDup].
  - intros a Ha Hb. apply in_map_iff in Ha as (jx & <- & _).
    apply in_after in Hb as (v & kx & Hv & E & _). inversion E. apply Hn.
    rewrite H0. now apply in_map.
Qed.
Lemma dependents_NoDup ks l : NoDup (map sc_draw l) -> NoDup (map sc_draw (dependents (all_deps G) ks l)).
Proof.
  revert ks. induction l as [|u l IH]; simpl; intros ks Hd; [constructor|].
  inversion Hd as [|? ? Hn Hd']; subst. destruct (mentions_any _ ks); auto. simpl. constructor; auto.
  intros H. apply Hn. apply in_map_iff in H as (v & E & Hv). rewrite <- E. apply in_map.
  now apply dependents_incl in Hv.
Qed.
Lemma inner_NoDup : NoDup (c :: after_of us).
Proof.
  pose proof Hdraws as Hd. rewrite Hall, map_app in Hd. simpl in Hd.
  pose proof (NoDup_remove_1 _ _ _ Hd) as H1. pose proof (NoDup_remove_2 _ _ _ Hd) as H2.
  assert (Hl : NoDup (map sc_draw later)).
  { clear - H1. induction (map sc_draw pre) as [|x l IH]; simpl in H1; auto. inversion H1; auto. }
  constructor.
  - intros H. apply in_after in H as (u & jx & Hu & E & _). inversion E. apply H2. apply in_app_iff. right.
    rewrite H0. apply in_map. now apply us_later.
  - apply after_NoDup. now apply dependents_NoDup.
Qed.
Lemma reordered : Permutation (coords_of all) (before_of ++ c :: after_of us).
Proof.
  assert (Hsub : incl (c :: after_of us) (coords_of all)).
  { intros a [<-|Ha]; apply in_coords.
    - exists t, ix. split; [apply t_in|]. auto.
    - apply in_after in Ha as (u & jx & Hu & -> & Hj & _). exists u, jx. split; [now apply us_in|]. auto. }
  assert (Hex : forall a, existsb (coord_eqb a) (c :: after_of us) = true <-> In a (c :: after_of us)).
  { intros a. rewrite existsb_exists. split.
    - intros (x & Hx & E). destruct (coord_eqb_spec a x); [now subst|easy].
    - intros Ha. exists a. split; auto. now destruct (coord_eqb_spec a a). }
  apply NoDup_Permutation.
  - apply coords_NoDup, Hdraws.
  - apply NoDup_app; [apply NoDup_filter, coords_NoDup, Hdraws|apply inner_NoDup|].
    intros a Ha Hb. apply filter_In in Ha as [_ Ha]. apply negb_true_iff in Ha. apply Hex in Hb. congruence.
  - intros a. rewrite in_app_iff. split.
    + intros Ha. destruct (in_dec coord_in_dec a (c :: after_of us)) as [Hin|Hin]; [now right|left].
      apply filter_In. split; auto. apply negb_true_iff. destruct (existsb _ _) eqn:Ex; auto.
      now apply Hex in Ex.
    + intros [Ha|Ha]; [now apply filter_In in Ha|now apply Hsub].
Qed.

(** The score is orthogonal to the difference, whatever was drawn before the finite draws. *)
Theorem one_orthogonal tr0 :
  Ex (drawE K (coords_of all) tr0) (fun tr => exp (log_density G rho e tr) *
    ((cost G rho e tr - V e tr (sc_weight t) ix) * slope G rho e d tr (sc_density t) ix)) = 0.
Proof.
  destruct own_ignores as [O1 O2].
  destruct (score_orthogonal K (lp e) before_of c (after_of us) tr0
    (fun tr => cost G rho e tr - V e tr (sc_weight t) ix)
    (fun tr => slope G rho e d tr (sc_density t) ix)) as [_ H]; auto.
  - apply before_ignores.
  - apply rest_ignores.
  - apply after_causal; [intros u Hu; now apply us_in|apply (wf_chain F)].
  - apply after_normalised.
  - apply score_centred; auto using t_in.
  - rewrite <- H. clear H.
    destruct (finite_reorder K (coords_of all) (before_of ++ c :: after_of us) tr0 reordered
      (coords_NoDup all Hdraws)) with (F := fun tr => exp (log_density G rho e tr) *
        ((cost G rho e tr - V e tr (sc_weight t) ix) * slope G rho e d tr (sc_density t) ix)) as [_ ->].
    + intros a Ha. apply in_coords in Ha as (u & jx & Hu & -> & _). rewrite HK by auto.
      apply law_base_finite.
    + apply Ex_ext. intros tr. f_equal. rewrite total_log_density. f_equal. unfold total.
      apply sum_permutation, reordered.
Qed.
End One.

Lemma weights_split l : forall pre, weights_ok G (all_deps G) pre l = true -> forall pre' t later,
  l = pre' ++ t :: later -> weight_ok G (all_deps G) (pre ++ pre') t later = true.
Proof.
  induction l as [|u l IH]; intros pre H pre' t later E; [destruct pre'; discriminate|].
  cbn [weights_ok] in H. apply andb_prop in H as [H1 H2]. destruct pre' as [|u' pre'].
  - injection E as -> ->. now rewrite app_nil_r.
  - injection E as -> ->. specialize (IH _ H2 pre' t later eq_refl). now rewrite <- app_assoc in IH.
Qed.

Hypothesis Hweights : weights_ok G (all_deps G) [] all = true.
Theorem decided_score_ok cn tr0 : score_ok G rho (drawE K (cn ++ coords_of all) tr0) e d.
Proof.
  intros l w Hin ix Hix f. rewrite Hentries in Hin. apply in_map_iff in Hin as (t & E & Ht).
  injection E as <- <-. destruct (in_split t all Ht) as (pre & later & Hall).
  rewrite (df_shape _ (density_holds t Ht)) in Hix.
  assert (H0 : forall tr1, Int (drawE K (coords_of all) tr1) (fun tr => exp (log_density G rho e tr) * f tr) /\
             Ex (drawE K (coords_of all) tr1) (fun tr => exp (log_density G rho e tr) * f tr) = 0).
  { intros tr1. split.
    - apply drawE_total_int. intros a g Ha. apply in_coords in Ha as (u & jx & Hu & -> & _).
      rewrite HK by auto. apply law_base_smooth.
    - apply (one_orthogonal pre later t ix Hall (weights_split all [] Hweights pre t later Hall) Hix). }
  split.
  - apply drawE_app_int; [intros; apply H0|].
    apply (Int_ext _ (fun _ => 0)); [intros tr1; symmetry; apply H0|apply Int_0].
  - unfold under. rewrite drawE_app. apply Ex_none. intros tr1. apply H0.
Qed.
End Right.

(** Weights that the check accepts are right. *)
Theorem scores_ok_sound G all : well_formed G -> scores_ok G all = true ->
  forall rho e d K cn tr0, sized G rho -> (forall tr, derivable G rho e d tr 0) ->
  (forall u jx, In u all -> K (sc_draw u, jx) = law_base rho (sc_law u)) ->
  score_ok G rho (drawE K (cn ++ coords_of rho all) tr0) e d.
Proof.
  intros Hwf H rho e d K cn tr0 Hsz Hder HK. unfold scores_ok in H. pose proof Hwf as (Hi & _).
  rewrite Hi in H. apply andb_prop in H as [H Hw]. apply andb_prop in H as [H Hd].
  apply andb_prop in H as [Hn He]. apply distinct_NoDup in Hn. apply entries_eqb_eq in He.
  rewrite forallb_forall in Hd. now apply decided_score_ok.
Qed.
