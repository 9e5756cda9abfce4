(** * Several copies of an estimator

    An estimator may draw several copies of some draws and average over them (`samples = 4`).  [lift] makes of a
    program one for all copies at once: every slot that reads a copied draw gets an axis more.  [copy] does that
    to a model, whose cost becomes the mean over the copies, and [copy_mean] says that the expected cost
    stays what it was: every copy has the law of the draw. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Fast Draws Score Written.
Import ListNotations.
Open Scope R_scope.

(** [x] put into a list, at [p]; and what is at [p] taken out. *)
Definition put_in {A} (p : nat) (x : A) (l : list A) : list A := firstn p l ++ x :: skipn p l.
Definition take_out {A} (p : nat) (l : list A) : list A := firstn p l ++ skipn (S p) l.

Definition binary (p : program) : bprogram := map (fun nd => (fst nd, map N.of_nat (snd nd))) p.
Lemma plain_binary p : plain_program (binary p) = p.
Proof.
  unfold plain_program, binary. rewrite map_map. rewrite <- (map_id p) at 2. apply map_ext. intros [o ps].
  unfold plain_node; cbn [fst snd]. f_equal. rewrite map_map. rewrite <- (map_id ps) at 2. apply map_ext. lia.
Qed.

(** ** Programs *)

(** A slot of the old program: its slot in the new one, where that has the axis, and its old shape. *)
Record lifted := Lifted { l_slot : nat; l_at : option nat; l_shape : shape }.
Definition no_slot := Lifted 0 None [].

Section Lift.
Variable d : dim.                      (** the axis *)
Variable copied : nat -> option nat.   (** the draws that are copied, and where they get the axis *)
Variable values : bool.                (** or those draws are taken at all of their values 0, 1, ..., along the axis *)

(** Where an axis goes that stood behind the axes [i]: plates lead. *)
Fixpoint lead (i o : list nat) : nat :=
  match o with a :: o => if existsb (Nat.eqb a) i then S (lead i o) else 0%nat | [] => 0%nat end.
Definition axes_at (at_ : option nat) (n : nat) (i : list nat) : list nat :=
  match at_ with Some p => put_in p n i | None => i end.
Definition lead_at (at_ : option nat) (i o : list nat) : option nat :=
  match at_ with Some p => Some (lead (firstn p i) o) | None => None end.
Definition either (a b : option nat) : option nat := match a with Some _ => a | None => b end.
(** Copy [k] of a draw of values is [k] everywhere. *)
Definition counted (p : nat) (s : shape) : op :=
  Lin (Ein (s ++ [d]) [length s] (put_in p (length s) (range (length s)))).
(** The same for every copy. *)
Definition spread (p : nat) (s : shape) : op :=
  Lin (Ein (s ++ [d]) (range (length s)) (put_in p (length s) (range (length s)))).

(** The nodes for [o], the slot of the result, and where that has the axis. *)
Definition lift_op (o : op) (xs : list lifted) (nx : nat) : option (program * nat * option nat) :=
  let as_is at_ := Some ([(o, map l_slot xs)], nx, at_) in
  match o, xs with
  | Sample j s, [] =>
      match copied j with
      | Some p => if values then Some ([(Iota d, []); (counted p s, [nx])], S nx, Some p)
                  else Some ([(Sample j (put_in p d s), [])], nx, Some p)
      | None => as_is None
      end
  | Map1 _, [x] => as_is (l_at x)
  | Map2 f, [x; y] =>
      match l_at x, l_at y with
      | None, None => as_is None
      | Some p, Some q => if Nat.eqb p q then as_is (Some p) else None
      | Some p, None => Some ([(spread p (l_shape y), [l_slot y]); (o, [l_slot x; nx])], S nx, Some p)
      | None, Some p => Some ([(spread p (l_shape x), [l_slot x]); (o, [nx; l_slot y])], S nx, Some p)
      end
  | Lin (Ein vs i o), [x] =>
      match lead_at (l_at x) i o with
      | None => as_is None
      | Some q => let n := length vs in
          Some ([(Lin (Ein (vs ++ [d]) (axes_at (l_at x) n i) (put_in q n o)), [l_slot x])], nx, Some q)
      end
  | Ein2 vs i j o, [x; y] =>
      match either (lead_at (l_at x) i o) (lead_at (l_at y) j o) with
      | None => as_is None
      | Some q => let n := length vs in
          Some ([(Ein2 (vs ++ [d]) (axes_at (l_at x) n i) (axes_at (l_at y) n j) (put_in q n o),
                  [l_slot x; l_slot y])], nx, Some q)
      end
  | _, _ => if forallb (fun x => match l_at x with None => true | _ => false end) xs then as_is None else None
  end.
Fixpoint lift (p : program) (nx : nat) (ls : list lifted) : option (program * list lifted) :=
  match p with
  | [] => Some ([], ls)
  | (o, ps) :: p =>
      if below (length ls) ps then
        let xs := map (fun k => nth k ls no_slot) ps in
        match ty o (map l_shape xs), lift_op o xs nx with
        | Some s, Some (q, k, at_) =>
            match lift p (nx + length q) (ls ++ [Lifted k at_ s]) with
            | Some (r, ls) => Some (q ++ r, ls)
            | None => None
            end
        | _, _ => None
        end
      else None
  end.

(** *** What it means *)
Section Meaning.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).

(** The draws of copy [i]. *)
Definition view (i : nat) (tr : trace) : trace :=
  fun j ix => match copied j with Some p => if values then INR i else tr j (put_in p i ix) | None => tr j ix end.

Lemma put_in_map {A B} (f : A -> B) p x l : map f (put_in p x l) = put_in p (f x) (map f l).
Proof. unfold put_in. now rewrite map_app, firstn_map, skipn_map. Qed.
Lemma put_in_length {A} p (x : A) l : length (put_in p x l) = S (length l).
Proof.
  unfold put_in. rewrite app_length. cbn [length]. rewrite firstn_length, skipn_length. lia.
Qed.
Lemma put_in_inj {A} p (x y : A) l m : put_in p x l = put_in p y m -> x = y /\ l = m.
Proof.
  intros E. assert (Hl : length l = length m).
  { apply (f_equal (@length _)) in E. rewrite !put_in_length in E. lia. }
  unfold put_in in E. assert (H1 : firstn p l = firstn p m /\ x :: skipn p l = y :: skipn p m).
  { revert E. generalize (x :: skipn p l), (y :: skipn p m). intros u w.
    assert (Hf : length (firstn p l) = length (firstn p m)) by (rewrite !firstn_length; lia).
    revert Hf. generalize (firstn p l), (firstn p m). clear.
    induction l as [|a l IH]; intros [|b m] Hf E; try easy. injection E as <- E.
    destruct (IH m) as [-> ->]; auto. }
  destruct H1 as [H1 H2]. injection H2 as -> H2. split; auto.
  rewrite <- (firstn_skipn p l), <- (firstn_skipn p m). congruence.
Qed.
Lemma put_in_eqb p i w l b : index_eqb (put_in p w l) (put_in p i b) = Nat.eqb w i && index_eqb l b.
Proof.
  destruct (index_eqb_spec (put_in p w l) (put_in p i b)) as [E|E].
  - apply put_in_inj in E as [-> ->]. now rewrite Nat.eqb_refl, index_eqb_refl.
  - destruct (Nat.eqb_spec w i) as [->|]; auto. destruct (index_eqb_spec l b) as [->|]; auto.
Qed.
Lemma pick_put_in v w p i n : length v = n -> below n i = true ->
  pick (v ++ [w]) (put_in p n i) = put_in p w (pick v i).
Proof.
  intros Hl Hb. unfold pick. rewrite put_in_map. f_equal.
  - now rewrite app_nth2, Hl, Nat.sub_diag by lia.
  - apply map_ext_in. intros a Ha. unfold below in Hb. rewrite forallb_forall in Hb.
    specialize (Hb a Ha). apply Nat.ltb_lt in Hb. apply app_nth1. lia.
Qed.
Lemma pick_more v w i n : length v = n -> below n i = true -> pick (v ++ [w]) i = pick v i.
Proof.
  intros Hl Hb. apply map_ext_in. intros a Ha. unfold below in Hb. rewrite forallb_forall in Hb.
  specialize (Hb a Ha). apply Nat.ltb_lt in Hb. apply app_nth1. lia.
Qed.
(** Of a sum that is to have the axis, the terms of copy [i]. *)
Lemma sum_of_copy vs o q i b (F : index -> R) (G : index -> R) : (i < rho d)%nat -> below (length vs) o = true ->
  (forall v, In v (boxs vs) -> F (v ++ [i]) = G v) ->
  sum (boxs (vs ++ [d])) (fun v => if index_eqb (pick v (put_in q (length vs) o)) (put_in q i b) then F v else 0) =
  sum (boxs vs) (fun v => if index_eqb (pick v o) b then G v else 0).
Proof.
  intros Hi Ho H. rewrite sizes_app, sum_box_app. apply sum_ext. intros v Hv.
  pose proof (box_length rho _ _ Hv) as Lv.
  rewrite (sum_box_one rho d (fun w => if index_eqb (pick (v ++ w) (put_in q (length vs) o)) (put_in q i b)
             then F (v ++ w) else 0)).
  rewrite (sum_ext _ _ (fun w => if Nat.eqb w i then (if index_eqb (pick v o) b then F (v ++ [w]) else 0) else 0)).
  - rewrite (sum_single Nat.eqb Nat.eqb_spec (range (rho d)) i
      (fun w => if index_eqb (pick v o) b then F (v ++ [w]) else 0)) by (auto using seq_NoDup; now apply in_range).
    now rewrite (H v Hv).
  - intros w _. rewrite pick_put_in, put_in_eqb by auto. now destruct (Nat.eqb w i), (index_eqb (pick v o) b).
Qed.

Section Copy.
Variable i : nat.
Hypothesis Hi : (i < rho d)%nat.
Variable tr : trace.

(** The slot has the value [v] for copy [i]. *)
Definition stands (F : env) (x : lifted) (v : tensor) : Prop := forall ix, In ix (boxs (l_shape x)) ->
  match l_at x with None => F (l_slot x) ix | Some p => F (l_slot x) (put_in p i ix) end = v ix.
Fixpoint all_stand (F : env) (xs : list lifted) (vs : list tensor) : Prop :=
  match xs, vs with
  | [], [] => True
  | x :: xs, v :: vs => stands F x v /\ all_stand F xs vs
  | _, _ => False
  end.

Lemma spread_val p s x ix : In ix (boxs s) ->
  lin_app rho (Ein (s ++ [d]) (range (length s)) (put_in p (length s) (range (length s)))) x (put_in p i ix) = x ix.
Proof.
  intros Hix. unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd].
  rewrite (sum_of_copy s (range (length s)) p i ix _ (fun v => x v)).
  - rewrite <- (sum_box_single (sizes rho s) x ix Hix). apply sum_ext. intros v Hv.
    change (range (length s)) with (all_axes s). now rewrite (pick_all rho s v Hv).
  - exact Hi.
  - apply below_all.
  - intros v Hv. cbv beta. rewrite (pick_more v i (range (length s)) (length s)).
    + change (range (length s)) with (all_axes s). now rewrite (pick_all rho s v Hv).
    + now apply (box_length rho).
    + apply below_all.
Qed.
Lemma counted_val p s ix : In ix (boxs s) ->
  lin_app rho (Ein (s ++ [d]) [length s] (put_in p (length s) (range (length s)))) (fun jx => INR (nth 0 jx 0%nat)) (put_in p i ix) = INR i.
Proof.
  intros Hix. unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd].
  rewrite (sum_of_copy s (range (length s)) p i ix _ (fun _ => INR i)).
  - etransitivity; [|apply (sum_box_single (sizes rho s) (fun _ => INR i) ix Hix)]. apply sum_ext. intros v Hv.
    change (range (length s)) with (all_axes s). now rewrite (pick_all rho s v Hv).
  - exact Hi.
  - apply below_all.
  - intros v Hv. pose proof (box_length rho _ _ Hv) as Lv. unfold pick; cbn [map nth].
    rewrite app_nth2, Lv, Nat.sub_diag by lia. reflexivity.
Qed.
(** A read of an operand, at the element of copy [i]. *)
Lemma axes_at_val F x v vs at_ ii u : stands F x v -> l_at x = at_ -> l_shape x = pick vs ii ->
  below (length vs) ii = true -> In u (boxs vs) ->
  F (l_slot x) (pick (u ++ [i]) (axes_at at_ (length vs) ii)) = v (pick u ii).
Proof.
  intros H Ea Es Hb Hu. pose proof (box_length rho _ _ Hu) as Lu.
  specialize (H (pick u ii)). rewrite Es in H. specialize (H (pick_in rho vs ii u Hb Hu)).
  rewrite Ea in H. unfold axes_at. destruct at_ as [p|].
  - now rewrite pick_put_in.
  - now rewrite (pick_more u i ii (length vs)).
Qed.

Lemma lift_op_sound o xs nx q k at_ s F olds : ty o (map l_shape xs) = Some s ->
  lift_op o xs nx = Some (q, k, at_) -> (forall x, In x xs -> (l_slot x < nx)%nat) -> all_stand F xs olds ->
  (nx <= k < nx + length q)%nat /\ stands (run rho tr q nx F) (Lifted k at_ s) (den rho (view i tr) o olds).
Proof.
  intros Ht Hl Hb Ha.
  assert (Hone : forall o' ps k' at', k' = nx ->
    (forall ix, In ix (boxs s) ->
      match at' with None => den rho tr o' (map F ps) ix | Some p => den rho tr o' (map F ps) (put_in p i ix) end
      = den rho (view i tr) o olds ix) ->
    (nx <= k' < nx + length [(o', ps)])%nat /\
    stands (run rho tr [(o', ps)] nx F) (Lifted k' at' s) (den rho (view i tr) o olds)).
  { intros o' ps k' at' -> H. split; [simpl; lia|]. intros ix Hix. cbn [l_slot l_at l_shape run] in *.
    specialize (H ix Hix). destruct at'; now rewrite put_same. }
  destruct o as [f|f|l|vs ii jj oo|vs oo|a b s'|b|b|j s']; cbn [lift_op] in Hl.
  - destruct xs as [|x [|? ?]]; try (simpl in Ht; discriminate).
    destruct olds as [|v [|? ?]]; simpl in Ha; try tauto. destruct Ha as [Hx _]. injection Hl as <- <- <-.
    simpl in Ht. injection Ht as <-. apply Hone; auto. intros ix Hix. specialize (Hx ix Hix). simpl.
    destruct (l_at x); now rewrite Hx.
  - destruct xs as [|x [|y [|? ?]]]; try (simpl in Ht; discriminate).
    destruct olds as [|v [|v' [|? ?]]]; simpl in Ha; try tauto. destruct Ha as (Hx & Hy & _).
    simpl in Ht. destruct (index_eqb_spec (l_shape x) (l_shape y)) as [E|]; [|discriminate]. injection Ht as <-.
    pose proof (Hb x (or_introl eq_refl)) as Bx. pose proof (Hb y (or_intror (or_introl eq_refl))) as By.
    destruct (l_at x) as [p|] eqn:Ax, (l_at y) as [p'|] eqn:Ay.
    + destruct (Nat.eqb_spec p p') as [<-|]; [|discriminate]. injection Hl as <- <- <-. apply Hone; auto.
      intros ix Hix. pose proof (Hx ix Hix) as H1. rewrite E in Hix. pose proof (Hy ix Hix) as H2.
      rewrite Ax in H1. rewrite Ay in H2. simpl. now rewrite H1, H2.
    + injection Hl as <- <- <-. split; [simpl; lia|]. intros ix Hix. cbn [l_slot l_at l_shape] in *.
      pose proof (Hx ix Hix) as H1. rewrite E in Hix. pose proof (Hy ix Hix) as H2. rewrite Ax in H1. rewrite Ay in H2.
      cbn [run map]. rewrite put_same. cbn [den]. rewrite put_same, put_other by lia.
      unfold spread. cbn [den]. rewrite (spread_val p (l_shape y) (F (l_slot y)) ix Hix). now rewrite H1, H2.
    + injection Hl as <- <- <-. split; [simpl; lia|]. intros ix Hix. cbn [l_slot l_at l_shape] in *.
      pose proof (Hx ix Hix) as H1. pose proof Hix as Hix'. rewrite E in Hix'. pose proof (Hy ix Hix') as H2.
      rewrite Ax in H1. rewrite Ay in H2.
      cbn [run map]. rewrite put_same. cbn [den]. rewrite put_same, put_other by lia.
      unfold spread. cbn [den]. rewrite (spread_val p' (l_shape x) (F (l_slot x)) ix Hix). now rewrite H1, H2.
    + injection Hl as <- <- <-. apply Hone; auto. intros ix Hix. pose proof (Hx ix Hix) as H1.
      rewrite E in Hix. pose proof (Hy ix Hix) as H2. rewrite Ax in H1. rewrite Ay in H2. simpl. now rewrite H1, H2.
  - destruct xs as [|x [|? ?]]; try (simpl in Ht; discriminate).
    destruct olds as [|v [|? ?]]; simpl in Ha; try tauto. destruct Ha as [Hx _].
    pose proof Ht as Ht0. cbn [map ty] in Ht. destruct (lin_ok l && index_eqb (l_shape x) (src l)) eqn:Eok; [|discriminate].
    apply andb_prop in Eok as [Hok Es]. destruct (index_eqb_spec (l_shape x) (src l)) as [Es'|]; [|discriminate].
    injection Ht as <-.
    assert (Hclean : l_at x = None -> forall ix, In ix (boxs (dst l)) ->
      den rho tr (Lin l) (map F (map l_slot [x])) ix = den rho (view i tr) (Lin l) [v] ix).
    { intros Ax ix Hix. change (den rho (view i tr) (Lin l) [v] ix) with (den rho tr (Lin l) [v] ix).
      apply (den_agree rho tr (Lin l) [l_shape x] (dst l)); auto.
      simpl. split; auto. intros jx Hjx. specialize (Hx jx Hjx). now rewrite Ax in Hx. }
    destruct l as [vs ii oo|c a b s0|c a b s0|s1 s2]; cbn [forallb] in Hl.
    2,3,4: destruct (l_at x) eqn:Ax; [discriminate|]; injection Hl as <- <- <-; apply Hone; auto.
    cbn [lin_ok] in Hok. apply andb_prop in Hok as [Hbi Hbo]. cbn [src dst] in *.
    destruct (l_at x) as [p|] eqn:Ax; cbn [lead_at] in Hl; [|injection Hl as <- <- <-; apply Hone; auto].
    injection Hl as <- <- <-. apply Hone; auto. intros ix Hix. cbn [den map]. unfold lin_app; cbn [pairs].
    rewrite !sum_map. cbn [fst snd]. apply sum_of_copy; auto. intros u Hu.
    now apply (axes_at_val F x v vs (Some p) ii u).
  - destruct xs as [|x [|y [|? ?]]]; try (simpl in Ht; discriminate).
    destruct olds as [|v [|v' [|? ?]]]; simpl in Ha; try tauto. destruct Ha as (Hx & Hy & _).
    pose proof Ht as Ht0. cbn [map ty] in Ht.
    destruct (below (length vs) ii && below (length vs) jj && below (length vs) oo &&
              index_eqb (l_shape x) (pick vs ii) && index_eqb (l_shape y) (pick vs jj)) eqn:Eok; [|discriminate].
    injection Ht as <-. apply andb_prop in Eok as [Eok E2]. apply andb_prop in Eok as [Eok E1].
    apply andb_prop in Eok as [Eok Ho]. apply andb_prop in Eok as [Hbi Hbj].
    destruct (index_eqb_spec (l_shape x) (pick vs ii)) as [Ex|]; [|discriminate].
    destruct (index_eqb_spec (l_shape y) (pick vs jj)) as [Ey|]; [|discriminate].
    destruct (either _ _) as [q0|] eqn:Eq.
    + injection Hl as <- <- <-. apply Hone; auto. intros ix Hix. cbn [den map]. unfold ein2.
      apply sum_of_copy; auto. intros u Hu.
      cbv beta. f_equal; [apply (axes_at_val F x v vs (l_at x) ii u)|apply (axes_at_val F y v' vs (l_at y) jj u)]; auto.
    + assert (Ax : l_at x = None) by (destruct (l_at x); [discriminate|auto]).
      assert (Ay : l_at y = None) by (rewrite Ax in Eq; destruct (l_at y); [discriminate|auto]).
      injection Hl as <- <- <-. apply Hone; auto. intros ix Hix.
      change (den rho (view i tr) (Ein2 vs ii jj oo) [v; v'] ix) with (den rho tr (Ein2 vs ii jj oo) [v; v'] ix).
      apply (den_agree rho tr (Ein2 vs ii jj oo) [l_shape x; l_shape y] (pick vs oo)); auto.
      simpl. repeat split; auto.
      * intros jx Hjx. specialize (Hx jx Hjx). now rewrite Ax in Hx.
      * intros jx Hjx. specialize (Hy jx Hjx). now rewrite Ay in Hy.
  - destruct xs as [|x [|? ?]]; try (simpl in Ht; discriminate).
    destruct olds as [|v [|? ?]]; simpl in Ha; try tauto. destruct Ha as [Hx _]. cbn [forallb] in Hl.
    destruct (l_at x) eqn:Ax; [discriminate|]. injection Hl as <- <- <-. apply Hone; auto. intros ix Hix.
    change (den rho (view i tr) (Lse vs oo) [v] ix) with (den rho tr (Lse vs oo) [v] ix).
      apply (den_agree rho tr (Lse vs oo) [l_shape x] s); auto. simpl. split; auto. intros jx Hjx.
    specialize (Hx jx Hjx). now rewrite Ax in Hx.
  - destruct xs as [|x xs]; [|discriminate]. destruct olds; simpl in Ha; try tauto. injection Hl as <- <- <-.
    apply Hone; auto.
  - destruct xs as [|x xs]; [|discriminate]. destruct olds; simpl in Ha; try tauto. injection Hl as <- <- <-.
    apply Hone; auto.
  - destruct xs as [|x xs]; [|discriminate]. destruct olds; simpl in Ha; try tauto. injection Hl as <- <- <-.
    apply Hone; auto.
  - destruct xs as [|x xs]; [|discriminate]. destruct olds; simpl in Ha; try tauto.
    destruct (copied j) as [p|] eqn:Ej; [destruct values eqn:Ev|]; injection Hl as <- <- <-.
    + split; [simpl; lia|]. intros ix Hix. cbn [l_slot l_at l_shape] in *. simpl in Ht. injection Ht as <-.
      cbn [run map]. rewrite put_same, put_same. cbn [den]. unfold view. rewrite Ej, Ev. now apply counted_val.
    + apply Hone; auto; intros ix Hix; simpl; unfold view; now rewrite Ej, Ev.
    + apply Hone; auto; intros ix Hix; simpl; unfold view; now rewrite Ej.
Qed.

Theorem lift_sound p : forall nx ls q ls' E F, lift p nx ls = Some (q, ls') ->
  (forall k, (k < length ls)%nat -> (l_slot (nth k ls no_slot) < nx)%nat /\ stands F (nth k ls no_slot) (E k)) ->
  length ls' = (length ls + length p)%nat /\
  forall k, (k < length ls')%nat -> (l_slot (nth k ls' no_slot) < nx + length q)%nat /\
    stands (run rho tr q nx F) (nth k ls' no_slot) (run rho (view i tr) p (length ls) E k).
Proof.
  induction p as [|[o ps] p IH]; intros nx ls q ls' E F Hl H; cbn [lift] in Hl.
  - injection Hl as <- <-. split; [simpl; lia|]. intros k Hk. rewrite Nat.add_0_r. now apply H.
  - destruct (below (length ls) ps) eqn:Hb; [|discriminate].
    set (xs := map (fun k => nth k ls no_slot) ps) in *.
    destruct (ty o (map l_shape xs)) as [s|] eqn:Ht; [|discriminate].
    destruct (lift_op o xs nx) as [[[q1 k] at_]|] eqn:Ho; [|discriminate].
    destruct (lift p (nx + length q1) (ls ++ [Lifted k at_ s])) as [[r ls1]|] eqn:Hr; [|discriminate].
    injection Hl as <- <-.
    assert (Hps : forall a, In a ps -> (a < length ls)%nat) by (intros; eapply in_below; eauto).
    assert (Hstand : all_stand F xs (map E ps)).
    { unfold xs. clear - H Hps. induction ps as [|a ps IHp]; simpl; auto. split.
      - apply H. apply Hps. now left.
      - apply IHp. intros; apply Hps. now right. }
    destruct (lift_op_sound o xs nx q1 k at_ s F (map E ps) Ht Ho) as [Hk Hs]; auto.
    { intros x Hx. unfold xs in Hx. apply in_map_iff in Hx as (a & <- & Ha). apply H. auto. }
    set (F1 := run rho tr q1 nx F) in *.
    destruct (IH (nx + length q1)%nat (ls ++ [Lifted k at_ s]) r ls1
                (put E (length ls) (den rho (view i tr) o (map E ps))) F1 Hr) as [I1 I2].
    { intros a Ha. rewrite app_length in Ha. cbn [length] in Ha. destruct (Nat.eq_dec a (length ls)) as [->|Hne].
      - rewrite app_nth2, Nat.sub_diag, put_same by lia. cbn [nth]. split; [cbn [l_slot]; lia|exact Hs].
      - rewrite app_nth1, put_other by lia. destruct (H a ltac:(lia)) as [H1 H2]. split; [lia|].
        intros ix Hix. rewrite <- (H2 ix Hix). unfold F1. destruct (l_at (nth a ls no_slot)); rewrite run_below; auto. }
    rewrite app_length in I1, I2. cbn [length] in I1, I2. split; [simpl; lia|]. intros a Ha.
    destruct (I2 a Ha) as [J1 J2]. rewrite app_length. split; [lia|].
    rewrite run_app. fold F1. cbn [run]. replace (S (length ls)) with (length ls + 1)%nat by lia. exact J2.
Qed.
End Copy.
End Meaning.
End Lift.

(** ** Models *)
Definition vals (l : Score.law) : shape := match l with BernoulliLogits => [] | CategoricalLogits d => [d] end.
Definition is_finite_law (x : wdraw) : bool := match snd x with WFinite _ _ _ => true | _ => false end.
Definition shift (p k : nat) : nat := if Nat.ltb k p then k else S k.
Definition place (copied : list (nat * nat)) (j : nat) : option nat :=
  option_map snd (find (fun x => Nat.eqb (fst x) j) copied).

Section Copies.
Variable d : dim.
Variable copied : list (nat * nat).   (** the draws, and where they get the axis *)

(** The draw, its law read from the new slots. *)
Definition copy_draw (ls : list lifted) (x : wdraw) : option wdraw :=
  match x with
  | (j, s, WFinite l a axes) =>
      let L := nth (N.to_nat a) ls no_slot in
      if Nat.ltb (N.to_nat a) (length ls) && below (length s) axes && index_eqb (l_shape L) (pick s axes ++ vals l) then
        match place copied j, l_at L with
        | None, None => Some (j, s, WFinite l (N.of_nat (l_slot L)) axes)
        | None, Some _ => None
        | Some p, None =>
            if Nat.leb p (length s)
            then Some (j, put_in p d s, WFinite l (N.of_nat (l_slot L)) (map (shift p) axes)) else None
        | Some p, Some q =>
            if Nat.leb p (length s) && Nat.leb q (length axes)
            then Some (j, put_in p d s, WFinite l (N.of_nat (l_slot L)) (put_in q p (map (shift p) axes))) else None
        end
      else None
  | _ => None
  end.
Definition copy (W : written) : option written :=
  let n := length (w_inputs W) in
  match lift d (place copied) false (plain_program (w_nodes W)) n
          (map (fun k => Lifted k None (nth k (w_inputs W) [])) (range n)) with
  | Some (q, ls) =>
      let c := nth (N.to_nat (w_cost W)) ls no_slot in
      let m := (n + length q)%nat in
      if Nat.ltb (N.to_nat (w_cost W)) (length ls) && index_eqb (l_shape c) [] then
        match all_some (copy_draw ls) (w_draws W), l_at c with
        | Some ds, None => Some {| w_inputs := w_inputs W; w_nodes := binary q; w_cost := N.of_nat (l_slot c);
                                   w_draws := ds |}
        | Some ds, Some _ =>
            Some {| w_inputs := w_inputs W;
                    w_nodes := binary (q ++ [(Lin (Ein [d] [0%nat] []), [l_slot c]); (Size d, []); (Map2 Div, [m; S m])]);
                    w_cost := N.of_nat (S (S m)); w_draws := ds |}
        | None, _ => None
        end
      else None
  | None => None
  end.
End Copies.

(** *** The copies have the law of the draw *)
Lemma shift_pick p i ix axes : (p <= length ix)%nat -> below (length ix) axes = true ->
  pick (put_in p i ix) (map (shift p) axes) = pick ix axes.
Proof.
  intros Hp Hb. unfold pick. rewrite map_map. apply map_ext_in. intros a Ha. unfold below in Hb.
  rewrite forallb_forall in Hb. specialize (Hb a Ha). apply Nat.ltb_lt in Hb.
  assert (Lf : length (firstn p ix) = p) by (rewrite firstn_length; lia).
  rewrite <- (firstn_skipn p ix) at 2. unfold put_in, shift. destruct (Nat.ltb_spec a p) as [H|H].
  - rewrite !app_nth1 by lia. reflexivity.
  - rewrite !app_nth2 by lia. rewrite Lf. replace (S a - p)%nat with (S (a - p)) by lia. reflexivity.
Qed.
Lemma nth_put_in p i (ix : index) : (p <= length ix)%nat -> nth p (put_in p i ix) 0%nat = i.
Proof.
  intros Hp. unfold put_in. rewrite app_nth2; rewrite firstn_length; [|lia].
  replace (p - Nat.min p (length ix))%nat with 0%nat by lia. reflexivity.
Qed.
Lemma take_out_put_in {A} p (x : A) l : (p <= length l)%nat -> take_out p (put_in p x l) = l.
Proof.
  intros Hp. unfold take_out, put_in. assert (Lf : length (firstn p l) = p) by (rewrite firstn_length; lia).
  rewrite firstn_app, Lf, Nat.sub_diag, firstn_firstn, Nat.min_id, skipn_app, Lf. cbn [firstn].
  rewrite (skipn_all2 (firstn p l)) by lia. replace (S p - p)%nat with 1%nat by lia.
  cbn [app skipn]. rewrite app_nil_r. apply firstn_skipn.
Qed.
Lemma put_in_take_out p (ix : index) : (p < length ix)%nat -> put_in p (nth p ix 0%nat) (take_out p ix) = ix.
Proof.
  intros Hp. assert (H : exists i jx, ix = put_in p i jx /\ (p <= length jx)%nat).
  { exists (nth p ix 0%nat), (take_out p ix). assert (Lf : length (firstn p ix) = p) by (rewrite firstn_length; lia).
    split; [|unfold take_out; rewrite app_length; lia]. unfold take_out, put_in.
    rewrite firstn_app, Lf, Nat.sub_diag, firstn_firstn, Nat.min_id, skipn_app, Lf, Nat.sub_diag.
    rewrite (skipn_all2 (firstn p ix)) by lia. rewrite firstn_O, skipn_O, app_nil_r. cbn [app].
    rewrite <- (firstn_skipn p ix) at 1. f_equal. clear Lf. revert ix Hp.
    induction p as [|p IH]; intros [|a ix] Hp; simpl in *; try lia; auto. apply IH. lia. }
  destruct H as (i & jx & -> & Hj). now rewrite nth_put_in, take_out_put_in.
Qed.
Lemma put_in_app {A} p (x : A) l m : (p <= length l)%nat -> put_in p x (l ++ m) = put_in p x l ++ m.
Proof.
  intros Hp. unfold put_in. rewrite firstn_app, skipn_app. replace (p - length l)%nat with 0%nat by lia.
  cbn [firstn skipn]. rewrite app_nil_r, <- app_assoc. reflexivity.
Qed.
Lemma flat_map_map {A B C} (f : B -> list C) (g : A -> B) l : flat_map f (map g l) = flat_map (fun a => f (g a)) l.
Proof. induction l; simpl; congruence. Qed.
Lemma flat_map_flat_map {A B C} (f : B -> list C) (g : A -> list B) l :
  flat_map f (flat_map g l) = flat_map (fun a => flat_map f (g a)) l.
Proof. induction l; simpl; auto. now rewrite flat_map_app, IHl. Qed.
Lemma map_flat_map {A B C} (f : B -> C) (g : A -> list B) l : map f (flat_map g l) = flat_map (fun a => map f (g a)) l.
Proof. induction l; simpl; auto. now rewrite map_app, IHl. Qed.
Lemma flat_map_same {A B} (f g : A -> list B) l : (forall a, In a l -> f a = g a) -> flat_map f l = flat_map g l.
Proof. induction l as [|a l IH]; simpl; intros H; auto. rewrite H, IH; auto. Qed.
Lemma flat_map_single {A} (l : list A) : flat_map (fun a => [a]) l = l.
Proof. induction l; simpl; congruence. Qed.
Lemma flat_map_nil {A B} (l : list A) : flat_map (fun _ => @nil B) l = [].
Proof. induction l; auto. Qed.
Lemma flat_map_one {A} n i (l : list A) : (i < n)%nat -> flat_map (fun k => if Nat.eqb k i then l else []) (range n) = l.
Proof.
  intros Hi. assert (H : forall m a, flat_map (fun k => if Nat.eqb k i then l else []) (seq a m) =
    if Nat.leb a i && Nat.ltb i (a + m) then l else []).
  { induction m as [|m IH]; intros a; cbn [seq flat_map].
    - destruct (Nat.leb_spec a i), (Nat.ltb_spec i (a + 0)); auto. lia.
    - rewrite IH. destruct (Nat.eqb_spec a i), (Nat.leb_spec a i), (Nat.leb_spec (S a) i), (Nat.ltb_spec i (a + S m)),
        (Nat.ltb_spec i (S a + m)); simpl; rewrite ?app_nil_r; auto; lia. }
  rewrite H. destruct (Nat.leb_spec 0 i), (Nat.ltb_spec i (0 + n)); auto; lia.
Qed.
Lemma box_of_copy n p i : forall s, (i < n)%nat -> (p <= length s)%nat ->
  flat_map (fun ix => if Nat.eqb (nth p ix 0%nat) i then [take_out p ix] else []) (box (put_in p n s)) = box s.
Proof.
  induction p as [|p IH]; intros s Hi Hp.
  - change (put_in 0 n s) with (n :: s). cbn [box]. rewrite flat_map_flat_map.
    etransitivity; [|apply (flat_map_one n i (box s) Hi)]. apply flat_map_ext. intros k. rewrite flat_map_map.
    cbn [nth]. unfold take_out; cbn [firstn skipn app]. destruct (Nat.eqb k i).
    + apply flat_map_single.
    + apply flat_map_nil.
  - destruct s as [|a s]; [simpl in Hp; lia|]. change (put_in (S p) n (a :: s)) with (a :: put_in p n s).
    cbn [box]. rewrite flat_map_flat_map. apply flat_map_ext. intros k. rewrite flat_map_map.
    rewrite <- (IH s Hi ltac:(simpl in Hp; lia)), map_flat_map. apply flat_map_ext. intros ix. cbn [nth].
    unfold take_out; cbn [firstn skipn app]. destruct (Nat.eqb _ i); reflexivity.
Qed.
Lemma sizes_put_in rho p d s : sizes rho (put_in p d s) = put_in p (rho d) (sizes rho s).
Proof. apply put_in_map. Qed.

Lemma law_val_same rho l a a' axes axes' ix ix' v :
  (forall w, In w (box (sizes rho (vals l))) -> a (pick ix axes ++ w) = a' (pick ix' axes' ++ w)) ->
  law_val rho l a axes ix v = law_val rho l a' axes' ix' v.
Proof.
  intros H. destruct l as [|d]; cbn [law_val vals] in *.
  - specialize (H [] (or_introl eq_refl)). rewrite !app_nil_r in H. now rewrite H.
  - assert (Hk : forall k, In k (range (rho d)) -> a (pick ix axes ++ [k]) = a' (pick ix' axes' ++ [k])).
    { intros k Hk. apply H. cbn. apply in_flat_map. exists k. split; auto. simpl; auto. }
    f_equal; [|f_equal]; apply sum_ext; intros k Hk'; now rewrite Hk.
Qed.
Lemma finite_any rho l a axes ix f : Int (finite_on rho l a axes ix) f.
Proof. now destruct l. Qed.
Lemma finite_one rho l a axes ix k : (forall d, (0 < rho d)%nat) -> Ex (finite_on rho l a axes ix) (fun _ => k) = k.
Proof.
  intros Hrho. change (Ex (law_base rho l) (fun v => exp (law_val rho l a axes ix v) * k) = k).
  rewrite (Ex_ext _ _ (fun v => k * exp (law_val rho l a axes ix v))) by (intros; ring).
  rewrite Ex_scal by now destruct l. rewrite (law_mass rho l a axes ix Hrho). ring.
Qed.

Section Sound.
Variables (d : dim) (copied : list (nat * nat)) (W W' : written).
Hypothesis Hcopy : copy d copied W = Some W'.
Hypothesis Hids : NoDup (map wdraw_id (w_draws W)).
Variable rho : dim -> nat.
Hypothesis Hrho : forall d, (0 < rho d)%nat.
Variable e : env.
Notation boxs s := (box (sizes rho s)).
Notation n := (length (w_inputs W)).
Notation see i tr := (view (place copied) false i tr).
Notation F q tr := (run rho tr q n e).

(** What [copy] made. *)
Lemma copy_is : exists q ls ds,
  lift d (place copied) false (plain_program (w_nodes W)) n
          (map (fun k => Lifted k None (nth k (w_inputs W) [])) (range n)) = Some (q, ls) /\
  all_some (copy_draw d copied ls) (w_draws W) = Some ds /\ w_draws W' = ds /\ w_inputs W' = w_inputs W /\
  (exists r, plain_program (w_nodes W') = q ++ r) /\
  (N.to_nat (w_cost W) < length ls)%nat /\ l_shape (nth (N.to_nat (w_cost W)) ls no_slot) = [] /\
  forall tr, written_value W' rho e tr (w_cost W') [] =
    let c := nth (N.to_nat (w_cost W)) ls no_slot in
    match l_at c with
    | None => F (q) tr (l_slot c) []
    | Some _ => sum (range (rho d)) (fun k => F q tr (l_slot c) [k]) / INR (rho d)
    end.
Proof.
  unfold copy in Hcopy. destruct (lift _ _ _ _ _) as [[q ls]|] eqn:El; [|discriminate]. exists q, ls.
  set (c := nth (N.to_nat (w_cost W)) ls no_slot) in *.
  destruct (Nat.ltb_spec (N.to_nat (w_cost W)) (length ls)) as [Hc|]; [|discriminate].
  destruct (index_eqb_spec (l_shape c) []) as [Hs|]; [|discriminate]. cbn [andb] in Hcopy.
  destruct (all_some (copy_draw d copied ls) (w_draws W)) as [ds|] eqn:Ed; [|destruct (l_at c); discriminate].
  exists ds. split; auto. split; auto. destruct (l_at c) as [p|] eqn:Ea;
    apply (f_equal (fun o => match o with Some w => w | None => W end)) in Hcopy; cbv beta iota in Hcopy;
    rewrite <- Hcopy; cbn [w_draws w_inputs w_nodes].
  - repeat split; auto; [eexists; now rewrite plain_binary|]. intros tr. cbv zeta. rewrite Ea.
    unfold written_value, written_value_env; cbn [w_nodes w_cost w_inputs].
    rewrite plain_binary, run_app, Nat2N.id. set (G := run rho tr q n e). cbn [run map]. rewrite put_same.
    cbn [den app2]. rewrite put_other, put_same, put_same by lia. f_equal.
    unfold lin_app; cbn [pairs]. rewrite sum_map. cbn [fst snd].
    apply (sum_box_one rho d (fun v => if index_eqb (pick v []) [] then G (l_slot c) (pick v [0%nat]) else 0)).
  - repeat split; auto; [exists []; now rewrite plain_binary, app_nil_r|]. intros tr. cbv zeta. rewrite Ea.
    unfold written_value, written_value_env; cbn [w_nodes w_cost w_inputs]. now rewrite plain_binary, Nat2N.id.
Qed.

(** All that is said of one copy. *)
Lemma see_set_other i tr j (ix : index) v p : place copied j = Some p -> (p < length ix)%nat -> nth p ix 0%nat <> i ->
  see i (set tr (j, ix) v) = see i tr.
Proof.
  intros Ep Hp Hne. apply functional_extensionality. intros j'. apply functional_extensionality. intros jx.
  unfold view. destruct (place copied j') as [p'|] eqn:Ep'; unfold set.
  - destruct (coord_eqb_spec (j', put_in p' i jx : index) (j, ix)) as [E|]; auto. injection E as -> E.
    rewrite Ep in Ep'. injection Ep' as <-. exfalso. apply Hne. rewrite <- E. apply nth_put_in.
    apply (f_equal (@length _)) in E. rewrite put_in_length in E. lia.
  - destruct (coord_eqb_spec (j', jx) (j, ix)) as [E|]; auto. injection E as -> _. congruence.
Qed.
Lemma see_set_same i tr j (ix : index) v p : place copied j = Some p ->
  see i (set tr (j, put_in p i ix : index) v) = set (see i tr) (j, ix) v.
Proof.
  intros Ep. apply functional_extensionality. intros j'. apply functional_extensionality. intros jx.
  unfold view, set. destruct (place copied j') as [p'|] eqn:Ep'.
  - destruct (coord_eqb_spec (j', put_in p' i jx : index) (j, put_in p i ix : index)) as [E|E], (coord_eqb_spec (j', jx) (j, ix)) as [E'|E']; auto.
    + injection E as -> E. rewrite Ep in Ep'. injection Ep' as <-. apply put_in_inj in E as [_ ->]. easy.
    + injection E' as -> ->. rewrite Ep in Ep'. injection Ep' as <-. easy.
  - destruct (coord_eqb_spec (j', jx) (j, put_in p i ix : index)) as [E|E], (coord_eqb_spec (j', jx) (j, ix)) as [E'|E']; auto;
      [injection E as -> _|injection E' as -> _]; congruence.
Qed.
Lemma see_set_clean i tr j (ix : index) v : place copied j = None -> see i (set tr (j, ix) v) = set (see i tr) (j, ix) v.
Proof.
  intros Ep. apply functional_extensionality. intros j'. apply functional_extensionality. intros jx.
  unfold view, set. destruct (place copied j') as [p'|] eqn:Ep'; auto.
  destruct (coord_eqb_spec (j', put_in p' i jx : index) (j, ix)) as [E|E], (coord_eqb_spec (j', jx) (j, ix)) as [E'|E']; auto;
    [injection E as -> _|injection E' as -> _]; congruence.
Qed.

Section One.
Variable i : nat.
Hypothesis Hi : (i < rho d)%nat.

(** The number of the model that a number of the copies is, if it is of copy [i]. *)
Definition of_copy (c : coord) : list coord :=
  match place copied (fst c) with
  | None => [c]
  | Some p => if Nat.eqb (nth p (snd c) 0%nat) i then [(fst c, take_out p (snd c))] else []
  end.
Definition same_law (c : coord) : Prop :=
  (of_copy c = [] -> (forall tr v, see i (set tr c v) = see i tr) /\ forall tr k, Ex (law_at W' rho e c tr) (fun _ => k) = k) /\
  forall b, of_copy c = [b] -> (forall tr v, see i (set tr c v) = set (see i tr) b v) /\
    forall tr f, Ex (law_at W' rho e c tr) f = Ex (law_at W rho e b (see i tr)) f.

Lemma one_copy (g : trace -> R) cs : (forall c, In c cs -> same_law c) -> forall tr,
  Ex (written_law W' rho e cs tr) (fun t => g (see i t)) = Ex (written_law W rho e (flat_map of_copy cs) (see i tr)) g.
Proof.
  induction cs as [|c cs IH]; intros H tr; [reflexivity|]. specialize (IH (fun a Ha => H a (or_intror Ha))).
  destruct (H c (or_introl eq_refl)) as [H0 H1]. cbn [flat_map written_law Ex mapE bindE snd].
  assert (Hc : of_copy c = [] \/ exists b, of_copy c = [b]).
  { unfold of_copy. destruct (place copied (fst c)); [destruct (Nat.eqb _ _)|]; eauto. }
  destruct Hc as [E|[b E]]; rewrite E.
  - destruct (H0 E) as [S0 L0]. cbn [app].
    rewrite <- (L0 tr (Ex (written_law W rho e (flat_map of_copy cs) (see i tr)) g)). apply Ex_ext. intros v.
    rewrite <- (S0 tr v). apply IH.
  - destruct (H1 b E) as [S1 L1]. cbn [app written_law Ex mapE bindE snd]. rewrite <- L1. apply Ex_ext. intros v.
    rewrite <- (S1 tr v). apply IH.
Qed.

Lemma copies_stand q ls : lift d (place copied) false (plain_program (w_nodes W)) n
    (map (fun k => Lifted k None (nth k (w_inputs W) [])) (range n)) = Some (q, ls) ->
  forall tr k, (k < length ls)%nat -> (l_slot (nth k ls no_slot) < n + length q)%nat /\
    stands rho i (F q tr) (nth k ls no_slot) (written_value W rho e (see i tr) (N.of_nat k)).
Proof.
  intros Hl tr k Hk.
  destruct (lift_sound d (place copied) false rho i Hi tr _ _ _ _ _ e e Hl) as [_ H].
  - intros a Ha. rewrite map_length, seq_length in Ha.
    rewrite (nth_map_lt _ (range n) a 0%nat) by now rewrite seq_length. rewrite seq_nth by auto. cbn [l_slot l_at l_shape Nat.add].
    split; auto. intros ix _. reflexivity.
  - specialize (H k Hk). rewrite map_length, seq_length in H. unfold written_value, written_value_env.
    now rewrite Nat2N.id.
Qed.

Lemma copy_draw_id ls x y : copy_draw d copied ls x = Some y -> wdraw_id y = wdraw_id x.
Proof.
  unfold copy_draw. destruct x as [[j s] [? ?|? ?|?|? ?|l a axes]]; try discriminate. destruct (_ && _); [|discriminate].
  destruct (place copied j), (l_at _); try discriminate; try destruct (_ && _); try destruct (Nat.leb _ _); try discriminate;
    intros H; now injection H as <-.
Qed.
Lemma copy_draw_finite ls x y : copy_draw d copied ls x = Some y -> is_finite_law y = true.
Proof.
  unfold copy_draw. destruct x as [[j s] [? ?|? ?|?|? ?|l a axes]]; try discriminate. destruct (_ && _); [|discriminate].
  destruct (place copied j), (l_at _); try discriminate; try destruct (_ && _); try destruct (Nat.leb _ _); try discriminate;
    intros H; now injection H as <-.
Qed.

Lemma copied_law ls q x y : lift d (place copied) false (plain_program (w_nodes W)) n
    (map (fun k => Lifted k None (nth k (w_inputs W) [])) (range n)) = Some (q, ls) ->
  (exists r, plain_program (w_nodes W') = q ++ r) -> w_inputs W' = w_inputs W ->
  NoDup (map wdraw_id (w_draws W')) -> In x (w_draws W) -> In y (w_draws W') -> copy_draw d copied ls x = Some y ->
  (forall ix, In ix (boxs (wdraw_shape y)) -> same_law (wdraw_id y, ix)) /\
  flat_map of_copy (map (pair (wdraw_id y)) (boxs (wdraw_shape y))) = map (pair (wdraw_id x)) (boxs (wdraw_shape x)).
Proof.
  intros Hl [r Hr] Hin' Hd' Hx Hy Hc. pose proof (copy_draw_id _ _ _ Hc) as Hid. unfold copy_draw in Hc.
  destruct x as [[j s] [? ?|? ?|?|? ?|l a axes]] eqn:Ex0; try discriminate. rewrite <- Ex0 in Hx.
  set (L := nth (N.to_nat a) ls no_slot) in *.
  destruct (Nat.ltb_spec (N.to_nat a) (length ls)) as [Ha|]; [|discriminate].
  destruct (below (length s) axes) eqn:Hb; [|discriminate].
  destruct (index_eqb_spec (l_shape L) (pick s axes ++ vals l)) as [Hs|]; [|discriminate]. cbn [andb] in Hc.
  assert (Hread : forall tr k, (N.of_nat k < N.of_nat (n + length q))%N ->
    written_value W' rho e tr (N.of_nat k) = F q tr k).
  { intros tr k Hk. unfold written_value, written_value_env. rewrite Hr, Hin', run_app, Nat2N.id. apply run_below. lia. }
  assert (Hstand : forall tr ix, In ix (boxs s) -> forall w, In w (boxs (vals l)) ->
    written_value W rho e (see i tr) a (pick ix axes ++ w) =
    match l_at L with None => written_value W' rho e tr (N.of_nat (l_slot L)) (pick ix axes ++ w)
                    | Some p => written_value W' rho e tr (N.of_nat (l_slot L)) (put_in p i (pick ix axes ++ w)) end).
  { intros tr ix Hix w Hw. destruct (copies_stand q ls Hl tr (N.to_nat a) Ha) as [Hlt Hst]. fold L in Hlt, Hst.
    rewrite N2Nat.id in Hst. specialize (Hst (pick ix axes ++ w)). rewrite Hs in Hst.
    rewrite Hread by lia. rewrite <- Hst by (apply in_box_app; auto; now apply pick_in). reflexivity. }
  assert (HfW : forall ix, find_draw W (j, ix) = Some (j, s, WFinite l a axes)).
  { intros ix. rewrite <- Ex0. replace (j, ix) with (wdraw_id x, ix) by (rewrite Ex0; reflexivity). now apply find_draw_of. }
  assert (HfW' : forall ix, find_draw W' (wdraw_id y, ix) = Some y) by (intros ix; now apply find_draw_of).
  assert (Hlaws : forall ix ix' a' axes' tr f, snd y = WFinite l a' axes' ->
    (forall w, In w (boxs (vals l)) -> written_value W' rho e tr a' (pick ix' axes' ++ w) =
       written_value W rho e (see i tr) a (pick ix axes ++ w)) ->
    Ex (law_at W' rho e (wdraw_id y, ix') tr) f = Ex (law_at W rho e (j, ix) (see i tr)) f).
  { intros ix ix' a' axes' tr f Ey Hw. unfold law_at. rewrite HfW', HfW. destruct y as [y0 wl]. cbn [snd] in Ey. subst wl.
    cbn [snd]. change (Ex (law_base rho l) (fun v => exp (law_val rho l (written_value W' rho e tr a') axes' ix' v) * f v) =
      Ex (law_base rho l) (fun v => exp (law_val rho l (written_value W rho e (see i tr) a) axes ix v) * f v)).
    apply Ex_ext. intros v. do 2 f_equal. now apply law_val_same. }
  change (wdraw_id (j, s, WFinite l a axes)) with j in Hid.
  destruct (place copied j) as [p|] eqn:Ep.
  - (* copied *)
    assert (Hp : (p <= length s)%nat /\ wdraw_shape y = put_in p d s /\ exists axes',
      snd y = WFinite l (N.of_nat (l_slot L)) axes' /\ forall tr ix, In ix (boxs s) -> forall w, In w (boxs (vals l)) ->
        written_value W' rho e tr (N.of_nat (l_slot L)) (pick (put_in p i ix) axes' ++ w) =
        written_value W rho e (see i tr) a (pick ix axes ++ w)).
    { destruct (l_at L) as [p'|] eqn:Ea.
      - destruct (Nat.leb_spec p (length s)) as [Hp|]; [|discriminate].
        destruct (Nat.leb_spec p' (length axes)) as [Hp'|]; [|discriminate]. injection Hc as <-.
        split; auto. split; auto. eexists. split; [reflexivity|]. intros tr ix Hix w Hw.
        pose proof (box_length rho _ _ Hix) as Lix. rewrite (Hstand tr ix Hix w Hw), put_in_app
          by (unfold pick; rewrite map_length; lia). f_equal. f_equal. unfold pick at 1. rewrite put_in_map.
        rewrite nth_put_in by lia. f_equal. apply shift_pick; [lia|now rewrite Lix].
      - destruct (Nat.leb_spec p (length s)) as [Hp|]; [|discriminate]. injection Hc as <-.
        split; auto. split; auto. eexists. split; [reflexivity|]. intros tr ix Hix w Hw.
        pose proof (box_length rho _ _ Hix) as Lix. rewrite (Hstand tr ix Hix w Hw). f_equal. f_equal.
        apply shift_pick; [lia|now rewrite Lix]. }
    destruct Hp as (Hp & Hsy & axes' & Ey & Hval). rewrite Hsy. split.
    + intros ix' Hix'. pose proof (box_length rho _ _ Hix') as Lix'. rewrite put_in_length in Lix'.
      assert (Hidy : fst (wdraw_id y, ix') = j) by exact Hid.
      unfold same_law, of_copy. rewrite Hidy, Ep. cbn [snd]. destruct (Nat.eqb_spec (nth p ix' 0%nat) i) as [E|E].
      * split; [easy|]. intros b Hb0. injection Hb0 as <-.
        pose proof (put_in_take_out p ix' ltac:(lia)) as Et. rewrite E in Et.
        assert (Hin : In (take_out p ix') (boxs s)).
        { rewrite <- Et in Hix'. apply in_boxs in Hix' as [_ Hlt]. apply in_boxs.
          assert (Ls : length (take_out p ix') = length s).
          { pose proof (f_equal (@length _) Et) as E3. rewrite put_in_length in E3. lia. }
          split; auto. intros k Hk. specialize (Hlt (shift p k)).
          assert (Hn : forall (l : list nat) x, length l = length s -> nth (shift p k) (put_in p x l) 0%nat = nth k l 0%nat).
          { intros l1 x1 L1. pose proof (shift_pick p x1 l1 [k] ltac:(lia)) as E4.
            assert (Hb4 : below (length l1) [k] = true).
            { simpl. rewrite andb_true_r. apply Nat.ltb_lt. lia. }
            specialize (E4 Hb4). unfold pick in E4. cbn [map] in E4. now injection E4. }
          rewrite !Hn in Hlt by auto. apply Hlt. rewrite put_in_length. unfold shift. destruct (Nat.ltb k p); lia. }
        split.
        -- intros tr v. rewrite Hid. rewrite <- Et at 1. now apply see_set_same.
        -- intros tr f. apply (Hlaws _ _ _ axes' tr f Ey). intros w Hw. rewrite <- Et at 1.
           now apply Hval.
      * split; [|easy]. intros _. split.
        -- intros tr v. rewrite Hid. apply (see_set_other i tr j ix' v p); auto. lia.
        -- intros tr k. unfold law_at. rewrite HfW'. destruct y as [y0 wl]. cbn [snd] in Ey. subst wl.
           now apply finite_one.
    + rewrite flat_map_map. unfold of_copy at 1. rewrite Hid. cbn [fst snd].
      rewrite (flat_map_ext _ (fun ix => map (pair j) (if Nat.eqb (nth p ix 0%nat) i then [take_out p ix] else []))).
      2:{ intros ix. rewrite Ep. now destruct (Nat.eqb _ _). }
      rewrite <- map_flat_map, sizes_put_in. f_equal. apply box_of_copy; auto. unfold sizes. now rewrite map_length.
  - (* once *)
    destruct (l_at L) as [p'|] eqn:Ea; [discriminate|]. injection Hc as <-. split.
    + intros ix Hix. unfold same_law, of_copy, wdraw_id; cbn [fst snd]. rewrite Ep. split; [easy|].
      intros b E. injection E as <-. split; [intros tr v; now apply see_set_clean|].
      intros tr f. apply (Hlaws ix ix (N.of_nat (l_slot L)) axes tr f eq_refl). intros w Hw. symmetry. now apply Hstand.
    + etransitivity; [|apply flat_map_single]. apply flat_map_same. intros c Hc. apply in_map_iff in Hc as (ix & <- & _).
      unfold of_copy; cbn [fst]. change (wdraw_id (j, s, WFinite l a axes)) with j. now rewrite Ep.
Qed.

Lemma numbers_of_copy ls q ds : lift d (place copied) false (plain_program (w_nodes W)) n
    (map (fun k => Lifted k None (nth k (w_inputs W) [])) (range n)) = Some (q, ls) ->
  (exists r, plain_program (w_nodes W') = q ++ r) -> w_inputs W' = w_inputs W ->
  all_some (copy_draw d copied ls) (w_draws W) = Some ds -> w_draws W' = ds ->
  (forall c, In c (written_numbers W' rho) -> same_law c) /\
  flat_map of_copy (written_numbers W' rho) = written_numbers W rho.
Proof.
  intros Hl Hr Hin Hds Hds'.
  assert (Hd' : NoDup (map wdraw_id (w_draws W'))).
  { replace (map wdraw_id (w_draws W')) with (map wdraw_id (w_draws W)); auto. rewrite Hds'. clear - Hds.
    revert ds Hds. induction (w_draws W) as [|x l IH]; cbn [all_some]; intros ds Hds; [now injection Hds as <-|].
    destruct (copy_draw d copied ls x) as [y|] eqn:E; [|discriminate]. destruct (all_some _ l) as [m|]; [|discriminate].
    injection Hds as <-. cbn [map]. now rewrite (copy_draw_id _ _ _ E), (IH m eq_refl). }
  assert (Hall : forall y, In y (w_draws W') -> exists x, In x (w_draws W) /\ copy_draw d copied ls x = Some y).
  { intros y Hy. rewrite Hds' in Hy. now apply (all_some_in _ _ _ Hds). }
  split.
  - intros c Hc. unfold written_numbers in Hc. apply in_flat_map in Hc as (y & Hy & Hc).
    apply in_map_iff in Hc as (ix & <- & Hix). destruct (Hall y Hy) as (x & Hx & E).
    now apply (copied_law ls q x y Hl Hr Hin Hd' Hx Hy E).
  - unfold written_numbers. rewrite flat_map_flat_map.
    assert (H : forall l m, all_some (copy_draw d copied ls) l = Some m -> (forall x, In x l -> In x (w_draws W)) ->
      (forall y, In y m -> In y (w_draws W')) ->
      flat_map (fun y => flat_map of_copy (map (pair (wdraw_id y)) (boxs (wdraw_shape y)))) m =
      flat_map (fun x => map (pair (wdraw_id x)) (boxs (wdraw_shape x))) l).
    { induction l as [|x l IH]; cbn [all_some]; intros m Hm Hsub Hsub'; [now injection Hm as <-|].
      destruct (copy_draw d copied ls x) as [y|] eqn:E; [|discriminate]. destruct (all_some _ l) as [m'|]; [|discriminate].
      injection Hm as <-. cbn [flat_map]. f_equal.
      - apply (copied_law ls q x y Hl Hr Hin Hd'); auto; [apply Hsub|apply Hsub']; now left.
      - apply IH; auto; intros; [apply Hsub|apply Hsub']; now right. }
    rewrite Hds'. apply (H _ _ Hds); auto. intros y Hy. now rewrite Hds'.
Qed.
End One.

Lemma any_finite V cs : forallb is_finite_law (w_draws V) = true ->
  (forall c, In c cs -> find_draw V c <> None) -> forall tr F, Int (written_law V rho e cs tr) F.
Proof.
  intros Hf. rewrite forallb_forall in Hf. induction cs as [|c cs IH]; intros Hc tr F; [exact I|].
  cbn [written_law Int mapE bindE]. split; [intros v; apply IH; intros; apply Hc; now right|].
  specialize (Hc c (or_introl eq_refl)). unfold law_at. destruct (find_draw V c) as [[x w]|] eqn:E; [|easy].
  apply find_some in E as [Hx _]. specialize (Hf _ Hx). destruct w; try discriminate. apply finite_any.
Qed.

(** A model and its copies have the same expected cost. *)
Theorem copy_mean : written_cost W' rho e = written_cost W rho e.
Proof.
  destruct copy_is as (q & ls & ds & Hl & Hds & Hds' & Hin & Hr & Hc & Hs & Hv). cbv zeta in Hv.
  set (c := nth (N.to_nat (w_cost W)) ls no_slot) in *. unfold written_cost.
  set (g := fun tr => written_value W rho e tr (w_cost W) []).
  assert (Hone : forall i, (i < rho d)%nat ->
    Ex (written_law W' rho e (written_numbers W' rho) (fun _ => zero)) (fun tr => g (see i tr)) =
    Ex (written_law W rho e (written_numbers W rho) (fun _ => zero)) g).
  { intros i Hi. destruct (numbers_of_copy i Hi ls q ds Hl Hr Hin Hds Hds') as [N1 N2].
    rewrite (one_copy i g _ N1), N2. f_equal. f_equal. unfold view. apply functional_extensionality. intros j.
    apply functional_extensionality. intros ix. now destruct (place copied j). }
  assert (Hval : forall i tr, (i < rho d)%nat ->
    match l_at c with None => F q tr (l_slot c) [] | Some _ => F q tr (l_slot c) [i] end = g (see i tr)).
  { intros i tr Hi. destruct (copies_stand i Hi q ls Hl tr _ Hc) as [_ H]. fold c in H. rewrite N2Nat.id in H.
    specialize (H []). rewrite Hs in H. specialize (H (or_introl eq_refl)). unfold g. rewrite <- H.
    destruct (l_at c) as [p|]; auto. unfold put_in. now rewrite firstn_nil, skipn_nil. }
  pose proof (Hrho d) as Hd. assert (Hne : INR (rho d) <> 0) by (apply not_0_INR; lia).
  destruct (l_at c) as [p|] eqn:Ea.
  - transitivity (Ex (written_law W' rho e (written_numbers W' rho) (fun _ => zero))
      (fun tr => / INR (rho d) * sum (range (rho d)) (fun i => g (see i tr)))).
    { apply Ex_ext. intros tr. rewrite Hv. unfold Rdiv. rewrite Rmult_comm. f_equal. apply sum_ext. intros i Hi.
      apply Hval. now apply in_range. }
    assert (Hint : forall H, Int (written_law W' rho e (written_numbers W' rho) (fun _ => zero)) H).
    { intros H. apply any_finite.
      - rewrite Hds'. apply forallb_forall. intros y Hy. destruct (all_some_in _ _ _ Hds y Hy) as (x & _ & E).
        now apply (copy_draw_finite _ _ _ E).
      - intros b Hb. unfold written_numbers in Hb. apply in_flat_map in Hb as (y & Hy & Hb).
        apply in_map_iff in Hb as (ix & <- & _). unfold find_draw. intros E.
        apply (find_none _ _ E) in Hy. cbn [fst] in Hy. now rewrite Nat.eqb_refl in Hy. }
    rewrite Ex_scal by apply Hint. destruct (Int_sum _ (range (rho d)) (fun i tr => g (see i tr)) (fun i _ => Hint _)) as [_ E].
    rewrite E, (sum_ext _ _ (fun _ => Ex (written_law W rho e (written_numbers W rho) (fun _ => zero)) g))
      by (intros i Hi; apply Hone; now apply in_range).
    pose proof (sum_box_const rho (fun _ => zero) [d] (Ex (written_law W rho e (written_numbers W rho) (fun _ => zero)) g)) as S1.
    rewrite (sum_box_one rho d) in S1. rewrite S1. cbn [map product factor_val]. field. exact Hne.
  - transitivity (Ex (written_law W' rho e (written_numbers W' rho) (fun _ => zero)) (fun tr => g (see 0 tr))).
    { apply Ex_ext. intros tr. rewrite Hv. now apply (Hval 0%nat). }
    now apply Hone.
Qed.
End Sound.
