(** * Almost every draw is off a kink

    A slot sweeps over a draw if each of its elements is an injective function of some number of the
    draw, whatever the others are ([sweeps]).  If it reads no later number, it has any one value with
    probability zero.  So a kink in such a slot needs no assumption ([kinks_swept]): [relu] of a normal number with a scale
    that is positive by construction, [abs] of its difference to data, the larger of two draws. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Defined Number Certificate Draws Depend.
From Sgc Require Import Measure Line Calculus Normal Laws Growth Tame Kinked Atomless.
Import ListNotations.
Open Scope R_scope.

(** ** Laws without atoms *)
Definition atomless (E : expectation R) : Prop := forall a, Ae E (fun x => x <> a).
Lemma atomless_leb : atomless leb.
Proof. exact line_atomless. Qed.
Lemma atomless_normal : atomless normalE.
Proof. exact line_atomless. Qed.
Lemma atomless_unit : atomless unitE.
Proof. exact line_atomless. Qed.

Lemma Ae_reached K cs (P : trace -> Prop) : forall tr, (forall tr', reaches cs tr tr' -> P tr') ->
  Ae (drawE K cs tr) P.
Proof.
  induction cs as [|c cs IH]; cbn [drawE reaches]; intros tr H; [now apply H|].
  cbn [Ae mapE bindE]. apply Ae_all. intros v. apply IH. intros tr' Hr. apply H. now exists v.
Qed.
(** A function that is injective in one number, and reads none of those drawn after it, misses every value. *)
Lemma Ae_injective K before c after (F : trace -> R) tr a : atomless (K c) -> ignores_all F after ->
  (forall tr u v, F (set tr c u) = F (set tr c v) -> u = v) -> Ae (drawE K (before ++ c :: after) tr) (fun tr => F tr <> a).
Proof.
  intros Hc Ha Hi. revert tr. induction before as [|b before IH]; intros tr; cbn [app drawE Ae mapE bindE].
  2:{ apply Ae_all. intros v. apply IH. }
  assert (H : exists v0, forall v, v <> v0 -> F (set tr c v) <> a).
  { destruct (Classical_Prop.classic (exists v0, F (set tr c v0) = a)) as [[v0 E]|Hn].
    - exists v0. intros v Hv E'. apply Hv, (Hi tr). congruence.
    - exists 0. intros v _ E. apply Hn. now exists v. }
  destruct H as [v0 H]. generalize (Hc v0). apply Ae_imp. intros v Hv. apply Ae_reached. intros tr' Hr. cbn [snd].
  rewrite (reaches_ignores F after _ _ Ha Hr). auto.
Qed.
Lemma Ae_list {X A} (E : expectation X) (l : list A) (P : A -> X -> Prop) : (forall a, In a l -> Ae E (P a)) ->
  Ae E (fun x => forall a, In a l -> P a x).
Proof.
  induction l as [|b l IH]; intros H; [apply Ae_all; easy|].
  generalize (Ae_and E _ _ (H b (or_introl eq_refl)) (IH (fun a Ha => H a (or_intror Ha)))).
  apply Ae_imp. intros x [H1 H2] a [<-|Ha]; auto.
Qed.

(** ** Which draw a slot sweeps over *)
Definition injective_fn (f : fn1) : bool :=
  match f with
  | Affine a _ _ => negb (Z.eqb a 0)
  | Exp | Expm1 | Tanh | Sigmoid | Softplus => true
  | _ => false
  end.
(** Slots are numbers of one kind or another. *)
Section Sweeps.
Context {A : Type}.
Variable positive_at : A -> bool.
Variable dep_at : A -> deps.
Variable sweeps_at : A -> option nat.
Definition free_of (k : A) (j : nat) : bool := negb (mentions_any (dep_at k) [j]).
(** Slot [a], combined with slot [b] that does not read the draw. *)
Definition beside (a b : A) : option nat :=
  match sweeps_at a with Some j => if free_of b j then Some j else None | None => None end.
(** Draws are numbered as they are drawn: the later one has the better chances to be the last. *)
Definition either (x y : option nat) : option nat :=
  match x, y with
  | Some i, Some j => if Nat.ltb i j then y else x
  | None, _ => y
  | _, None => x
  end.
Definition op_sweeps (o : op) (ps : list A) : option nat :=
  match o, ps with
  | Sample j _, [] => Some j
  | Map1 f, [a] => if injective_fn f then sweeps_at a else None
  | Map2 Add, [a; b] | Map2 Sub, [a; b] => either (beside a b) (beside b a)
  | Map2 Mul, [a; b] => either (if positive_at b then beside a b else None) (if positive_at a then beside b a else None)
  | Map2 Div, [a; b] => if positive_at b then beside a b else None
  | Lin (Ein vs _ o), [a] => if index_eqb o (all_axes vs) then sweeps_at a else None
  | _, _ => None
  end.

(** No later draw is read, and of the draw itself, which has a density, one number for each element. *)
Variables smooth draws : list (nat * shape).
Definition whole (s : shape) (al : alignment) : bool :=
  forallb (fun b => existsb (fun ab => Nat.eqb (snd ab) b) al) (range (length s)).
Definition reads_once (j : nat) (k : A) : bool :=
  match filter (fun d => Nat.eqb (fst d) j) (dep_at k) with
  | [(_, al)] => existsb (fun x => Nat.eqb (fst x) j && whole (snd x) al) smooth
  | _ => false
  end.
Fixpoint later_than (j : nat) (js : list nat) : list nat :=
  match js with [] => [] | i :: js => if Nat.eqb i j then js else later_than j js end.
Definition is_last (j : nat) (k : A) : bool := negb (mentions_any (dep_at k) (later_than j (map fst draws))).
Definition misses (k : A) : bool :=
  match sweeps_at k with
  | Some j => reads_once j k && is_last j k
  | None => false
  end.
Definition parts (a b : A) : bool :=
  match beside a b with
  | Some j => reads_once j a && is_last j a && is_last j b
  | None => false
  end.
Definition kink_swept (nd : op * list A) : bool :=
  match nd with
  | (Map1 Abs, [a]) | (Map1 Relu, [a]) => misses a
  | (Map2 Min, [a; b]) | (Map2 Max, [a; b]) => parts a b || parts b a
  | _ => false
  end.
End Sweeps.
Definition in_list {A} (d : A) (l : list A) (k : nat) : A := nth k l d.
Fixpoint sweeps (positive_at : nat -> bool) (dep_at : nat -> deps) (p : program) (ws : list (option nat)) :
  list (option nat) :=
  match p with
  | [] => ws
  | (o, ps) :: p => sweeps positive_at dep_at p (ws ++ [op_sweeps positive_at dep_at (in_list None ws) o ps])
  end.

(** *** It is right *)
Lemma injective_fn_sound f x y : injective_fn f = true -> app1 f x = app1 f y -> x = y.
Proof.
  destruct f; try discriminate; cbn [injective_fn app1]; intros H E.
  - apply negb_true_iff, Z.eqb_neq in H. assert (Ha : IZR a <> 0) by now apply not_0_IZR.
    assert (Hd : IZR (Zpos d) <> 0) by (apply not_0_IZR; discriminate).
    assert (E' : (IZR a * x + IZR b) / IZR (Zpos d) * IZR (Zpos d) = (IZR a * y + IZR b) / IZR (Zpos d) * IZR (Zpos d))
      by now rewrite E.
    unfold Rdiv in E'. rewrite !Rmult_assoc, Rinv_l, !Rmult_1_r in E' by auto. apply (Rmult_eq_reg_l (IZR a)); auto. lra.
  - now apply exp_inv.
  - apply exp_inv. lra.
  - pose proof (exp_pos x). pose proof (exp_pos y). pose proof (exp_pos (- x)). pose proof (exp_pos (- y)).
    assert (E1 : exp x * exp (- y) = exp y * exp (- x)).
    { assert (F : (exp x - exp (- x)) * (exp y + exp (- y)) = (exp y - exp (- y)) * (exp x + exp (- x))).
      { apply (Rmult_eq_reg_r (/ (exp x + exp (- x)) * / (exp y + exp (- y)))).
        - unfold Rdiv in E. transitivity ((exp x - exp (- x)) * / (exp x + exp (- x))); [field; lra|].
          rewrite E. field. lra.
        - apply Rgt_not_eq, Rmult_lt_0_compat; apply Rinv_0_lt_compat; lra. }
      lra. }
    rewrite <- !exp_plus in E1. apply exp_inv in E1. lra.
  - unfold logistic in E. pose proof (exp_pos (- x)). pose proof (exp_pos (- y)).
    apply (f_equal Rinv) in E. rewrite !Rinv_inv in E. assert (E1 : exp (- x) = exp (- y)) by lra.
    apply exp_inv in E1. lra.
  - pose proof (exp_pos x). pose proof (exp_pos y). apply ln_inv in E; try lra. apply exp_inv. lra.
Qed.

Lemma either_case x y j : either x y = Some j -> x = Some j \/ y = Some j.
Proof. destruct x as [i|], y as [k|]; cbn [either]; auto. destruct (Nat.ltb i k); auto. Qed.
Lemma run_node rho tr p : forall n sh shf E i o ps, infer p n sh = Some shf -> nth_error p i = Some (o, ps) ->
  (forall k, In k ps -> (k < n + i)%nat) /\ run rho tr p n E (n + i)%nat = den rho tr o (map (run rho tr p n E) ps).
Proof.
  induction p as [|[o' ps'] p IH]; intros n sh shf E i o ps Hi Hn; [destruct i; discriminate|].
  cbn [infer] in Hi. destruct (below n ps') eqn:Hb; [|discriminate].
  destruct (ty o' (map sh ps')) as [s|]; [|discriminate]. cbn [run]. destruct i as [|i].
  - injection Hn as -> ->. rewrite Nat.add_0_r. split; [intros k Hk; eapply in_below; eauto|].
    rewrite run_below by lia. rewrite put_same. f_equal. apply map_ext_in. intros k Hk.
    assert (k < n)%nat by (eapply in_below; eauto). rewrite run_below by lia. symmetry. apply put_other. lia.
  - replace (n + S i)%nat with (S n + i)%nat by lia. now apply (IH (S n) (put sh n s) shf).
Qed.
Lemma infer_node p : forall n sh shf i o ps, infer p n sh = Some shf -> nth_error p i = Some (o, ps) ->
  ty o (map shf ps) = Some (shf (n + i)%nat).
Proof.
  induction p as [|[o' ps'] p IH]; intros n sh shf i o ps Hi Hn; [destruct i; discriminate|].
  cbn [infer] in Hi. destruct (below n ps') eqn:Hb; [|discriminate].
  destruct (ty o' (map sh ps')) as [s|] eqn:Ht; [|discriminate]. destruct i as [|i].
  - injection Hn as -> ->. rewrite Nat.add_0_r. rewrite (infer_inputs _ _ _ _ n Hi) by lia. rewrite put_same.
    rewrite <- Ht. f_equal. apply map_ext_in. intros k Hk. assert (k < n)%nat by (eapply in_below; eauto).
    rewrite (infer_inputs _ _ _ _ k Hi) by lia. apply put_other. lia.
  - replace (n + S i)%nat with (S n + i)%nat by lia. now apply (IH (S n) (put sh n s)).
Qed.

Lemma later_split (pre : list (nat * shape)) j s post : NoDup (map fst (pre ++ (j, s) :: post)) ->
  later_than j (map fst (pre ++ (j, s) :: post)) = map fst post.
Proof.
  induction pre as [|[i r] pre IH]; cbn [app map fst later_than]; intros H; [now rewrite Nat.eqb_refl|].
  inversion H as [|? ? Hn Hd]; subst. destruct (Nat.eqb_spec i j) as [->|]; [|now apply IH].
  exfalso. apply Hn. rewrite map_app. apply in_app_iff. right. now left.
Qed.

Section Right.
Variables (G : graph) (rho : dim -> nat) (e : env).
Hypothesis Hwf : well_formed G.
Notation boxs s := (box (sizes rho s)).
Notation V := (value G rho e).
Variable positive_at : nat -> bool.
Hypothesis Hpos : forall k, positive_at k = true -> (k < slots G)%nat /\ forall tr ix, In ix (boxs (shape_of G k)) -> 0 < V tr k ix.

Variable cs : list coord.
Hypothesis Hcov : covers rho cs (g_nodes G).
Definition swept (k j : nat) : Prop := (k < slots G)%nat /\ forall ix, In ix (boxs (shape_of G k)) -> exists jx,
  In (j, jx) cs /\ forall tr u v, V (set tr (j, jx) u) k ix = V (set tr (j, jx) v) k ix -> u = v.

Lemma free_of_ignores k j jx ix : free_of (dep G) k j = true -> (k < slots G)%nat ->
  ignores (fun tr => V tr k ix) (j, jx).
Proof.
  unfold free_of. intros H Hk. apply negb_true_iff in H. apply value_ignores; auto.
  apply (mentions_none _ [j]); auto. now left.
Qed.
Lemma beside_sound w a b j : (forall k i, w k = Some i -> swept k i) ->
  beside (dep G) w a b = Some j -> (b < slots G)%nat -> swept a j /\
  forall jx ix, ignores (fun tr => V tr b ix) (j, jx).
Proof.
  intros Hws H Hb. unfold beside in H. destruct (w a) as [i|] eqn:E; [|discriminate].
  destruct (free_of (dep G) b i) eqn:Ef; [|discriminate]. injection H as <-. split; [now apply Hws|].
  intros jx ix. now apply free_of_ignores.
Qed.

Lemma op_sweeps_sound w o ps s j i : (forall k i, w k = Some i -> swept k i) ->
  nth_error (g_nodes G) i = Some (o, ps) -> ty o (map (shape_of G) ps) = Some s -> shape_of G (inputs G + i)%nat = s ->
  op_sweeps positive_at (dep G) w o ps = Some j -> swept (inputs G + i)%nat j.
Proof.
  intros Hws Hn Ht Hsh H.
  assert (Hlt : (inputs G + i < slots G)%nat).
  { unfold slots. apply Nat.add_lt_mono_l. apply nth_error_Some. congruence. }
  pose proof Hwf as (Hi & _).
  assert (Hps : forall k, In k ps -> (k < slots G)%nat).
  { intros k Hk. destruct (run_node rho (fun _ => zero) _ _ _ _ e i o ps Hi Hn) as [Hb _]. specialize (Hb k Hk). lia. }
  assert (Hrun : forall tr ix, V tr (inputs G + i)%nat ix = den rho tr o (map (V tr) ps) ix).
  { intros tr ix. unfold value. now destruct (run_node rho tr _ _ _ _ e i o ps Hi Hn) as [_ ->]. }
  split; auto. intros ix Hix. rewrite Hsh in Hix.
  (* the sum, the product or the quotient of one that sweeps and one that stays *)
  assert (Two : forall f a b, o = Map2 f -> In a ps -> In b ps -> shape_of G a = s ->
    beside (dep G) w a b = Some j ->
    (forall x x' y tr, y = V tr b ix -> (app2 f x y = app2 f x' y \/ app2 f y x = app2 f y x') -> x = x') ->
    exists jx, In (j, jx) cs /\ forall tr u v,
      (app2 f (V (set tr (j, jx) u) a ix) (V (set tr (j, jx) u) b ix)
         = app2 f (V (set tr (j, jx) v) a ix) (V (set tr (j, jx) v) b ix) \/
       app2 f (V (set tr (j, jx) u) b ix) (V (set tr (j, jx) u) a ix)
         = app2 f (V (set tr (j, jx) v) b ix) (V (set tr (j, jx) v) a ix)) -> u = v).
  { intros f a b _ Ha Hb Hs Hbe Hinj. destruct (beside_sound w a b j Hws Hbe (Hps b Hb)) as [[_ Sa] Fb].
    rewrite Hs in Sa. destruct (Sa ix Hix) as (jx & Hin & Hjx). exists jx. split; auto. intros tr u v E. apply (Hjx tr).
    pose proof (Fb jx ix tr u) as Eu. pose proof (Fb jx ix tr v) as Ev. cbv beta in Eu, Ev. rewrite Eu, Ev in E.
    exact (Hinj _ _ (V tr b ix) tr eq_refl E). }
  destruct o as [f|f|l|vs i1 i2 o2|vs o2|a d s'|d|d|j' s']; cbn [op_sweeps] in H; try discriminate.
  - destruct ps as [|a [|? ?]]; try discriminate. destruct (injective_fn f) eqn:Ef; [|discriminate].
    cbn in Ht. injection Ht as Ht. destruct (Hws a j H) as [_ Sa]. rewrite Ht in Sa. destruct (Sa ix Hix) as (jx & Hin & Hjx).
    exists jx. split; auto. intros tr u v E. rewrite !Hrun in E. cbn [map den] in E. apply (Hjx tr), (injective_fn_sound f); auto.
  - destruct ps as [|a [|b [|? ?]]]; try (destruct f; discriminate). cbn in Ht.
    destruct (index_eqb_spec (shape_of G a) (shape_of G b)) as [Eab|]; [|discriminate]. injection Ht as Ht.
    assert (Hb : shape_of G b = s) by congruence.
    assert (Done : forall x y, In x [a; b] -> In y [a; b] -> shape_of G x = s -> beside (dep G) w x y = Some j ->
      (forall p p' q tr, q = V tr y ix -> (app2 f p q = app2 f p' q \/ app2 f q p = app2 f q p') -> p = p') ->
      ((x = a /\ y = b) \/ (x = b /\ y = a)) ->
      exists jx, In (j, jx) cs /\ forall tr u v, V (set tr (j, jx) u) (inputs G + i)%nat ix = V (set tr (j, jx) v) (inputs G + i)%nat ix -> u = v).
    { intros x y Hx Hy Hs Hbe Hinj Hxy. destruct (Two f x y eq_refl Hx Hy Hs Hbe Hinj) as (jx & Hin & Hjx). exists jx.
      split; auto. intros tr u v E. rewrite !Hrun in E. cbn [map den] in E. apply (Hjx tr).
      destruct Hxy as [[-> ->]|[-> ->]]; auto. }
    assert (Ina : In a [a; b]) by now left. assert (Inb : In b [a; b]) by (right; now left).
    destruct f; try discriminate.
    + apply either_case in H as [H|H].
      * apply (Done a b); auto. intros p p' q tr _ [E|E]; cbn [app2] in E; lra.
      * apply (Done b a); auto. intros p p' q tr _ [E|E]; cbn [app2] in E; lra.
    + apply either_case in H as [H|H].
      * apply (Done a b); auto. intros p p' q tr _ [E|E]; cbn [app2] in E; lra.
      * apply (Done b a); auto. intros p p' q tr _ [E|E]; cbn [app2] in E; lra.
    + assert (Inj : forall y, positive_at y = true -> shape_of G y = s -> forall p p' q tr, q = V tr y ix ->
        (app2 Mul p q = app2 Mul p' q \/ app2 Mul q p = app2 Mul q p') -> p = p').
      { intros y Hy Es p p' q tr -> E. destruct (Hpos y Hy) as [_ Py]. rewrite Es in Py. specialize (Py tr ix Hix).
        cbn [app2] in E. apply (Rmult_eq_reg_r (V tr y ix)); [|lra]. destruct E as [E|E]; [exact E|].
        rewrite (Rmult_comm p), (Rmult_comm p'). exact E. }
      apply either_case in H as [H|H].
      * destruct (positive_at b) eqn:Pb; [|discriminate H]. apply (Done a b); auto. exact (Inj b Pb Hb).
      * destruct (positive_at a) eqn:Pa; [|discriminate H]. apply (Done b a); auto. exact (Inj a Pa Ht).
    + destruct (positive_at b) eqn:Pb; [|discriminate H]. destruct (Hpos b Pb) as [_ Py]. rewrite Hb in Py.
      destruct (beside_sound w a b j Hws H (Hps b Inb)) as [[_ Sa] Fb]. rewrite Ht in Sa.
      destruct (Sa ix Hix) as (jx & Hin & Hjx). exists jx. split; auto. intros tr u v E. rewrite !Hrun in E.
      cbn [map den app2] in E.
      apply (Hjx tr). pose proof (Fb jx ix tr u) as Eu. pose proof (Fb jx ix tr v) as Ev. cbv beta in Eu, Ev.
      rewrite Eu, Ev in E. specialize (Py tr ix Hix). unfold Rdiv in E. apply (Rmult_eq_reg_r (/ V tr b ix)); auto.
      apply Rinv_neq_0_compat. lra.
  - destruct l as [vs i1 o1|? ? ? ?|? ? ? ?|? ?]; try discriminate H.
    destruct ps as [|a [|? ?]]; try discriminate. destruct (index_eqb_spec o1 (all_axes vs)) as [->|]; [|discriminate].
    cbn in Ht. match type of Ht with (if ?b then _ else _) = _ => destruct b eqn:Hb; [|discriminate] end.
    injection Ht as Ht. apply andb_prop in Hb as [Hb He]. apply andb_prop in Hb as [Hb1 _].
    destruct (index_eqb_spec (shape_of G a) (pick vs i1)) as [Ea|]; [|discriminate].
    rewrite pick_all_shape in Ht. rewrite <- Ht in Hix. destruct (Hws a j H) as [_ Sa].
    destruct (Sa (pick ix i1)) as (jx & Hin & Hjx).
    { rewrite Ea. apply pick_in; auto. }
    exists jx. split; auto. intros tr u v E. rewrite !Hrun in E. cbn [map den] in E. rewrite !widen_at in E by exact Hix.
    now apply (Hjx tr).
  - destruct ps; [|discriminate]. injection H as ->. exists ix. cbn in Ht. injection Ht as ->. split.
    { apply (Hcov j s []); auto. eapply nth_error_In, Hn. }
    intros tr u v E. rewrite !Hrun in E. cbn [map den] in E. unfold set in E. destruct (coord_eqb_spec (j, ix) (j, ix)); [exact E|congruence].
Qed.

Lemma sweeps_sound q : forall i ws, skipn i (g_nodes G) = q -> length ws = (inputs G + i)%nat ->
  (forall k j, nth k ws None = Some j -> swept k j) ->
  forall k j, nth k (sweeps positive_at (dep G) q ws) None = Some j -> swept k j.
Proof.
  induction q as [|[o ps] q IH]; cbn [sweeps]; intros i ws Hq Hl Hws; [exact Hws|].
  assert (Hn : nth_error (g_nodes G) i = Some (o, ps)).
  { rewrite <- (firstn_skipn i (g_nodes G)), Hq. assert (Hi : (i < length (g_nodes G))%nat).
    { destruct (Nat.lt_ge_cases i (length (g_nodes G))); auto. rewrite skipn_all2 in Hq by auto. discriminate. }
    rewrite nth_error_app2; rewrite firstn_length_le by lia; [|lia]. now rewrite Nat.sub_diag. }
  apply (IH (S i)).
  - clear - Hq. revert Hq. generalize (g_nodes G). induction i as [|i IHi]; intros [|x l] E; try discriminate E.
    + now injection E.
    + now apply IHi.
  - rewrite app_length, Hl. cbn [length]. lia.
  - intros k j Hk. destruct (Nat.lt_ge_cases k (length ws)) as [Hlt|Hge].
    + rewrite app_nth1 in Hk by auto. now apply Hws.
    + rewrite app_nth2 in Hk by auto. destruct (k - length ws)%nat as [|m] eqn:E; [|destruct m; discriminate Hk].
      cbn [nth] in Hk. assert (k = (inputs G + i)%nat) by lia. subst k. pose proof Hwf as (Hi & _).
      apply (op_sweeps_sound (in_list None ws) o ps (shape_of G (inputs G + i)%nat)); auto. now apply (infer_node _ _ _ _ _ _ _ Hi Hn).
Qed.

(** *** From one slot to almost every draw *)
Variables smooth draws : list (nat * shape).
Variable K : coord -> expectation R.
Hypothesis Hcs : cs = flat_map (fun x => map (pair (fst x)) (boxs (snd x))) draws.
Hypothesis Hdistinct : NoDup (map fst draws).
Hypothesis Hsmooth : forall x ix, In x smooth -> In x draws /\ atomless (K (fst x, ix)).

(** A function that reads of the draw one number only, and no later draw. *)
Lemma Ae_once (F : trace -> R) (x : nat * shape) jx tr0 a : In x draws -> atomless (K (fst x, jx)) -> In jx (boxs (snd x)) ->
  (forall tr u v, F (set tr (fst x, jx) u) = F (set tr (fst x, jx) v) -> u = v) ->
  (forall jx', In jx' (boxs (snd x)) -> jx' <> jx -> ignores F (fst x, jx')) ->
  (forall c, In (fst c) (later_than (fst x) (map fst draws)) -> ignores F c) ->
  Ae (drawE K cs tr0) (fun tr => F tr <> a).
Proof.
  intros Hx Hat Hj Hinj Hown Hlater. destruct x as [j s]. cbn [fst snd] in *.
  destruct (in_split _ _ Hx) as (pre & post & E). rewrite E in *. destruct (in_split _ _ Hj) as (l1 & l2 & El).
  rewrite later_split in Hlater by exact Hdistinct.
  assert (Ecs : cs = (flat_map (fun x => map (pair (fst x)) (boxs (snd x))) pre ++ map (pair j) l1) ++ (j, jx) ::
    (map (pair j) l2 ++ flat_map (fun x => map (pair (fst x)) (boxs (snd x))) post)).
  { rewrite Hcs, flat_map_app. cbn [flat_map fst snd]. rewrite El, map_app. cbn [map]. now rewrite <- !app_assoc. }
  rewrite Ecs. apply Ae_injective; auto. intros c Hc. apply in_app_iff in Hc as [Hc|Hc].
  - apply in_map_iff in Hc as (jx' & <- & Hj'). apply Hown; [rewrite El; apply in_app_iff; right; now right|].
    intros ->. pose proof (box_NoDup (sizes rho s)) as Hnd. rewrite El in Hnd. apply NoDup_remove_2 in Hnd.
    apply Hnd, in_app_iff. now right.
  - apply Hlater. apply in_flat_map in Hc as ([i r] & Hi & Hc). apply in_map_iff in Hc as (ix & <- & _).
    now apply (in_map fst) in Hi.
Qed.
Lemma in_numbers j jx : In (j, jx) cs -> exists s, In (j, s) draws /\ In jx (boxs s).
Proof.
  rewrite Hcs. intros H. apply in_flat_map in H as ([i r] & Hi & H). apply in_map_iff in H as (ix & E & Hix).
  injection E as -> ->. eauto.
Qed.
Lemma same_draw x y : In x draws -> In y draws -> fst x = fst y -> x = y.
Proof.
  clear - Hdistinct. induction draws as [|z l IH]; [easy|]. cbn [map] in Hdistinct.
  inversion Hdistinct as [|? ? Hn Hd]; subst. intros [->|Hx] [->|Hy] E; auto.
  - exfalso. apply Hn. rewrite E. now apply in_map.
  - exfalso. apply Hn. rewrite <- E. now apply in_map.
Qed.
(** What [reads_once] says: the number is the one that the slot is injective in. *)
Lemma once_sound k j ix jx : (k < slots G)%nat -> reads_once (dep G) smooth j k = true -> In (j, jx) cs ->
  (forall tr u v, V (set tr (j, jx) u) k ix = V (set tr (j, jx) v) k ix -> u = v) ->
  exists s, In (j, s) smooth /\ In jx (boxs s) /\
    forall jx', In jx' (boxs s) -> jx' <> jx -> ignores (fun tr => V tr k ix) (j, jx').
Proof.
  intros Hk Hr Hin Hinj. unfold reads_once in Hr.
  destruct (filter (fun d => Nat.eqb (fst d) j) (dep G k)) as [|[j0 al] [|? ?]] eqn:Ef; try discriminate.
  apply existsb_exists in Hr as ([j1 s] & Hs & H). cbn [fst snd] in H. apply andb_prop in H as [Ej Hw].
  apply Nat.eqb_eq in Ej. subst j1. exists s. split; auto.
  destruct (in_numbers j jx Hin) as (s' & Hs' & Hjx).
  assert (E : (j, s') = (j, s)).
  { apply same_draw; auto. now apply (Hsmooth (j, s) []). }
  injection E as ->. split; auto.
  assert (Only : forall al', In (j, al') (dep G k) -> al' = al).
  { intros al' H. assert (H0 : In (j, al') (filter (fun d => Nat.eqb (fst d) j) (dep G k))).
    { apply filter_In. split; auto. apply Nat.eqb_refl. }
    rewrite Ef in H0. destruct H0 as [E|[]]. now injection E. }
  assert (Own : agrees al ix jx).
  { destruct (Classical_Prop.classic (touches (dep G k) ix (j, jx))) as [(al' & H1 & H2)|Hn].
    - rewrite (Only al' H1) in H2. exact H2.
    - pose proof (value_ignores G rho e k ix (j, jx) Hwf Hk Hn) as Hi. exfalso. apply R1_neq_R0. symmetry.
      apply (Hinj (fun _ => zero)). pose proof (Hi (fun _ => zero) 0) as E0. pose proof (Hi (fun _ => zero) 1) as E1.
      cbv beta in E0, E1. congruence. }
  intros jx' Hj' Hne. apply (value_ignores G rho e k ix (j, jx') Hwf Hk). intros (al' & H1 & H2). cbn [fst snd] in H1, H2.
  rewrite (Only al' H1) in H2. apply Hne. pose proof (proj1 (proj1 (in_boxs rho s jx') Hj')) as L1. pose proof (proj1 (proj1 (in_boxs rho s jx) Hjx)) as L2.
  apply (nth_ext _ _ 0%nat 0%nat); [congruence|]. intros b Hb. rewrite L1 in Hb. unfold whole in Hw.
  rewrite forallb_forall in Hw. specialize (Hw b (proj2 (in_range _ _) Hb)). apply existsb_exists in Hw as ([a b'] & Hab & Eb).
  apply Nat.eqb_eq in Eb. cbn [snd] in Eb. subst b'. rewrite <- (H2 a b Hab). now rewrite <- (Own a b Hab).
Qed.
Lemma last_sound k j c ix : (k < slots G)%nat -> is_last (dep G) draws j k = true ->
  In (fst c) (later_than j (map fst draws)) -> ignores (fun tr => V tr k ix) c.
Proof.
  intros Hk H Hc. unfold is_last in H. apply negb_true_iff in H. apply value_ignores; auto.
  eapply mentions_none; eauto.
Qed.
Lemma swept_ae w a b tr0 ix : (forall k i, w k = Some i -> swept k i) -> (a < slots G)%nat -> (b < slots G)%nat ->
  parts (dep G) w smooth draws a b = true -> In ix (boxs (shape_of G a)) ->
  Ae (drawE K cs tr0) (fun tr => V tr a ix - V tr b ix <> 0).
Proof.
  intros Hws Ha Hb H Hix. unfold parts in H. destruct (beside (dep G) w a b) as [j|] eqn:E; [|discriminate].
  apply andb_prop in H as [H Lb]. apply andb_prop in H as [Ho La].
  destruct (beside_sound w a b j Hws E Hb) as [[_ Sa] Fb]. destruct (Sa ix Hix) as (jx & Hin & Hinj).
  destruct (once_sound a j ix jx Ha Ho Hin Hinj) as (s & Hs & Hjx & Hown).
  apply (Ae_once _ (j, s) jx); cbn [fst snd]; auto.
  - now apply (Hsmooth (j, s) []).
  - now apply (Hsmooth (j, s) jx).
  - intros tr u v Euv. apply (Hinj tr). pose proof (Fb jx ix tr u) as E1. pose proof (Fb jx ix tr v) as E2.
    cbv beta in E1, E2. rewrite E1, E2 in Euv. lra.
  - intros jx' Hj Hne tr v. pose proof (Hown jx' Hj Hne tr v) as E1. pose proof (Fb jx' ix tr v) as E2.
    cbv beta in E1, E2. now rewrite E1, E2.
  - intros c Hc tr v. pose proof (last_sound a j c ix Ha La Hc tr v) as E1. pose proof (last_sound b j c ix Hb Lb Hc tr v) as E2.
    cbv beta in E1, E2. now rewrite E1, E2.
Qed.
Lemma misses_ae w a tr0 ix : (forall k i, w k = Some i -> swept k i) -> (a < slots G)%nat ->
  misses (dep G) w smooth draws a = true -> In ix (boxs (shape_of G a)) ->
  Ae (drawE K cs tr0) (fun tr => V tr a ix <> 0).
Proof.
  intros Hws Ha H Hix. unfold misses in H. destruct (w a) as [j|] eqn:E; [|discriminate].
  apply andb_prop in H as [Ho La]. destruct (Hws a j E) as [_ Sa]. destruct (Sa ix Hix) as (jx & Hin & Hinj).
  destruct (once_sound a j ix jx Ha Ho Hin Hinj) as (s & Hs & Hjx & Hown).
  apply (Ae_once _ (j, s) jx); cbn [fst snd]; auto.
  - now apply (Hsmooth (j, s) []).
  - now apply (Hsmooth (j, s) jx).
  - intros c Hc. now apply (last_sound a j).
Qed.

Definition all_swept (ks : list nat) : bool :=
  let w := in_list None (sweeps positive_at (dep G) (g_nodes G) (repeat None (inputs G))) in
  forallb (fun k => Nat.leb (inputs G) k && match nth_error (g_nodes G) (k - inputs G) with
                     | Some nd => kink_swept (dep G) w smooth draws nd | None => false end) ks.
Theorem kinks_swept ks tr0 : all_swept ks = true -> Ae (drawE K cs tr0) (fun tr => defined_on G rho ks e tr).
Proof.
  intros H. unfold all_swept in H. set (w := in_list None _) in H. rewrite forallb_forall in H.
  assert (Hws : forall k i, w k = Some i -> swept k i).
  { unfold w, in_list. apply (sweeps_sound (g_nodes G) 0); auto; [rewrite repeat_length; lia|]. intros k j Hk.
    rewrite nth_repeat in Hk. discriminate. }
  pose proof Hwf as (Hi & _).
  assert (A : Ae (drawE K cs tr0) (fun tr => forall k, In k ks -> forall i o ps, k = (inputs G + i)%nat ->
    nth_error (g_nodes G) i = Some (o, ps) -> pre rho o (map (shape_of G) ps) (map (V tr) ps))).
  { apply Ae_list. intros k Hk. specialize (H k Hk). apply andb_prop in H as [Hle H]. apply Nat.leb_le in Hle.
    destruct (nth_error (g_nodes G) (k - inputs G)) as [[o ps]|] eqn:E; [|discriminate].
    assert (Hps : forall a, In a ps -> (a < slots G)%nat).
    { intros a Ha. destruct (run_node rho (fun _ => zero) _ _ _ _ e _ o ps Hi E) as [Hb _]. specialize (Hb a Ha).
      assert (k - inputs G < length (g_nodes G))%nat by (apply nth_error_Some; congruence). unfold slots. lia. }
    pose proof (infer_node _ _ _ _ _ _ _ Hi E) as Ht.
    assert (P : Ae (drawE K cs tr0) (fun tr => pre rho o (map (shape_of G) ps) (map (V tr) ps))).
    { destruct o as [f|f| | | | | | |]; try discriminate.
      - destruct ps as [|a [|? ?]]; try (destruct f; discriminate).
        assert (Hm : misses (dep G) w smooth draws a = true) by (destruct f; try discriminate; exact H).
        generalize (Ae_list (drawE K cs tr0) (boxs (shape_of G a)) (fun ix tr => V tr a ix <> 0)
          (fun ix Hix => misses_ae w a tr0 ix Hws (Hps a (or_introl eq_refl)) Hm Hix)).
        apply Ae_imp. intros tr Htr ix Hix. cbn [map] in *. specialize (Htr ix Hix). destruct f; try discriminate; exact Htr.
      - destruct ps as [|a [|b [|? ?]]]; try (destruct f; discriminate).
        assert (Hm : parts (dep G) w smooth draws a b || parts (dep G) w smooth draws b a = true)
          by (destruct f; try discriminate; exact H).
        assert (Ha : (a < slots G)%nat) by (apply Hps; now left).
        assert (Hb : (b < slots G)%nat) by (apply Hps; right; now left).
        assert (Es : shape_of G a = shape_of G b).
        { cbn in Ht. destruct (index_eqb_spec (shape_of G a) (shape_of G b)); [auto|discriminate]. }
        generalize (Ae_list (drawE K cs tr0) (boxs (shape_of G a)) (fun ix tr => V tr a ix <> V tr b ix)).
        intros L. assert (Q : Ae (drawE K cs tr0) (fun tr => forall ix, In ix (boxs (shape_of G a)) -> V tr a ix <> V tr b ix)).
        { apply L. intros ix Hix. apply orb_prop in Hm as [Hm|Hm].
          - generalize (swept_ae w a b tr0 ix Hws Ha Hb Hm Hix). apply Ae_imp. intros tr; lra.
          - rewrite Es in Hix. generalize (swept_ae w b a tr0 ix Hws Hb Ha Hm Hix). apply Ae_imp. intros tr; lra. }
        revert Q. apply Ae_imp. intros tr Htr ix Hix. cbn [map] in *. specialize (Htr ix Hix).
        destruct f; try discriminate; exact Htr. }
    revert P. apply Ae_imp. intros tr Hp i o' ps' -> Hn. replace (inputs G + i - inputs G)%nat with i in E by lia.
    rewrite E in Hn. injection Hn as <- <-. exact Hp. }
  revert A. apply Ae_imp. intros tr Htr i o ps Hn Hin. exact (Htr _ Hin i o ps eq_refl Hn).
Qed.
End Right.
