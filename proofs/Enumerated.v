(** * Draws that are summed over

    The compiler may take a finite draw at all of its values and weigh what follows with their masses: nothing is
    drawn then.  [enumerate] does that to a model, with its last draw.  The program gets an axis more, along
    which the draw is 0, 1, 2, ... ([lift] of [Copies.v]).  An element that reads one number of the draw has the sum
    over that axis, of mass times value, for its mean; the mean of what is linear in such elements is the same of their means.
    So copies of a plate are summed over one by one, and not all of them jointly.  [enumerate_mean] says that the
    expected cost stays what it was. *)
From Coq Require Import Reals Lra Lia List Bool Arith NArith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Poly Number Certificate Fast Draws Score Model Written Copies Scored QuickScored.
Import ListNotations.
Open Scope R_scope.

(** ** Which number of the draw an element reads *)
Inductive reads :=
  | Never
  | At (axes : list nat)   (** only the one at these axes of the element *)
  | Mixed.

Definition meet (a b : reads) : reads :=
  match a, b with
  | Never, _ => b
  | _, Never => a
  | At p, At q => if index_eqb p q then a else Mixed
  | _, _ => Mixed
  end.
(** A sum of in(v.i) into out(v.o). *)
Definition moved (i o : list nat) (r : reads) : reads :=
  match r with
  | At p =>
      match all_some (fun a => if Nat.ltb a (length i)
              then find (fun c => Nat.eqb (nth c o 0%nat) (nth a i 0%nat)) (range (length o)) else None) p with
      | Some q => At q
      | None => Mixed
      end
  | _ => r
  end.
Definition never (r : reads) : bool := match r with Never => true | _ => false end.
Definition op_reads (j : nat) (o : op) (rs : list reads) : reads :=
  match o, rs with
  | Map1 _, [x] => x
  | Map2 _, [x; y] => meet x y
  | Lin (Ein _ i o), [x] => moved i o x
  | Ein2 _ i k o, [x; y] => meet (moved i o x) (moved k o y)
  | Lse vs o, [x] => moved (all_axes vs) o x
  | Sample i s, _ => if Nat.eqb i j then At (range (length s)) else Never
  | _, _ => if forallb never rs then Never else Mixed
  end.
Fixpoint reads_of (j : nat) (p : program) (rs : list reads) : list reads :=
  match p with
  | [] => rs
  | (o, ps) :: p => reads_of j p (rs ++ [op_reads j o (map (fun k => nth k rs Never) ps)])
  end.

Section Reads.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Variable j : nat.
Variables tr tr' : trace.
Hypothesis off : forall i, i <> j -> tr i = tr' i.

Definition same (r : reads) (ix : index) : Prop :=
  match r with Never => True | At p => tr j (pick ix p) = tr' j (pick ix p) | Mixed => False end.
Definition alike (s : shape) (r : reads) (x y : tensor) : Prop := forall ix, In ix (boxs s) -> same r ix -> x ix = y ix.
Fixpoint all_alike (ss : list shape) (rs : list reads) (xs ys : list tensor) : Prop :=
  match ss, rs, xs, ys with
  | [], [], [], [] => True
  | s :: ss, r :: rs, x :: xs, y :: ys => alike s r x y /\ all_alike ss rs xs ys
  | _, _, _, _ => False
  end.

Lemma same_meet a b ix : same (meet a b) ix -> same a ix /\ same b ix.
Proof.
  destruct a as [|p|], b as [|q|]; cbn; try tauto. destruct (index_eqb_spec p q) as [<-|]; cbn; tauto.
Qed.
Lemma same_moved i o r v : same (moved i o r) (pick v o) -> same r (pick v i).
Proof.
  destruct r as [|p|]; cbn [moved same]; auto.
  destruct (all_some _ p) as [q|] eqn:E; cbn [same]; [|easy].
  assert (H : pick (pick v o) q = pick (pick v i) p); [|now rewrite H].
  revert q E. induction p as [|a p IH]; intros q E; [now injection E as <-|].
  cbn [all_some] in E. destruct (Nat.ltb_spec a (length i)) as [Ha|]; [|discriminate].
  destruct (find _ _) as [c|] eqn:Ef; [|discriminate]. destruct (all_some _ p) as [q'|]; [|discriminate].
  injection E as <-. apply find_some in Ef as [Hc Ec]. apply in_range in Hc. apply Nat.eqb_eq in Ec.
  unfold pick at 1 3. cbn [map]. f_equal; [|apply (IH q' eq_refl)].
  unfold pick. rewrite (nth_map_lt _ o c 0%nat) by auto. rewrite (nth_map_lt _ i a 0%nat) by auto. now rewrite Ec.
Qed.
Lemma all_never ss : forall rs xs ys, all_alike ss rs xs ys -> forallb never rs = true -> Op.agree rho ss xs ys.
Proof.
  induction ss as [|s ss IH]; intros [|r rs] [|x xs] [|y ys] H Hn; simpl in *; try tauto.
  apply andb_prop in Hn as [Hr Hn]. destruct H as [H1 H2]. split; [|now apply (IH rs)].
  intros ix Hix. apply H1; auto. now destruct r.
Qed.
Lemma op_reads_sound o ss rs xs ys s : ty o ss = Some s -> all_alike ss rs xs ys ->
  alike s (op_reads j o rs) (den rho tr o xs) (den rho tr' o ys).
Proof.
  intros Ht Ha ix Hix Hs.
  assert (Hother : (forall i s', o <> Sample i s') -> same (if forallb never rs then Never else Mixed) ix ->
    den rho tr o xs ix = den rho tr' o ys ix).
  { intros Ho Hm. destruct (forallb never rs) eqn:E; [|easy].
    transitivity (den rho tr o ys ix).
    - apply (den_agree rho tr o ss s); auto. now apply (all_never ss rs).
    - destruct o; try reflexivity. now destruct (Ho j0 s0). }
  destruct o as [f|f|l|vs i k oo|vs oo|a b s'|b|b|i s'].
  - destruct ss as [|s1 [|? ?]]; try discriminate. destruct rs as [|r [|? ?]], xs as [|x [|? ?]], ys as [|y [|? ?]]; simpl in Ha; try tauto.
    destruct Ha as [Ha _]. injection Ht as <-. cbn in *. now rewrite (Ha ix Hix Hs).
  - destruct ss as [|s1 [|s2 [|? ?]]]; try discriminate.
    destruct rs as [|r [|r' [|? ?]]], xs as [|x [|x' [|? ?]]], ys as [|y [|y' [|? ?]]]; simpl in Ha; try tauto.
    destruct Ha as (Ha & Hb & _). simpl in Ht. destruct (index_eqb_spec s1 s2) as [<-|]; [|discriminate]. injection Ht as <-.
    cbn [op_reads] in Hs. apply same_meet in Hs as [H1 H2]. cbn. now rewrite (Ha ix Hix H1), (Hb ix Hix H2).
  - destruct l as [vs i oo|c a b s0|c a b s0|s1 s2]; try (apply Hother; [easy|now destruct rs as [|? [|? ?]]]).
    destruct ss as [|s1 [|? ?]]; try discriminate. destruct rs as [|r [|? ?]], xs as [|x [|? ?]], ys as [|y [|? ?]]; simpl in Ha; try tauto.
    destruct Ha as [Ha _]. cbn [ty] in Ht. destruct (lin_ok (Ein vs i oo) && index_eqb s1 (src (Ein vs i oo))) eqn:Eok; [|discriminate].
    apply andb_prop in Eok as [Hok Es]. destruct (index_eqb_spec s1 (src (Ein vs i oo))) as [->|]; [|discriminate].
    cbn [lin_ok] in Hok. apply andb_prop in Hok as [Hi Ho]. cbn [op_reads] in Hs. cbn [den]. unfold lin_app; cbn [pairs].
    rewrite !sum_map. apply sum_ext. intros v Hv. cbn [fst snd]. destruct (index_eqb_spec (pick v oo) ix) as [<-|]; auto.
    apply Ha; [now apply pick_in|]. now apply (same_moved i oo).
  - destruct ss as [|s1 [|s2 [|? ?]]]; try discriminate.
    destruct rs as [|r [|r' [|? ?]]], xs as [|x [|x' [|? ?]]], ys as [|y [|y' [|? ?]]]; simpl in Ha; try tauto.
    destruct Ha as (Ha & Hb & _). cbn [ty] in Ht.
    destruct (below (length vs) i && below (length vs) k && below (length vs) oo &&
              index_eqb s1 (pick vs i) && index_eqb s2 (pick vs k)) eqn:Eok; [|discriminate].
    apply andb_prop in Eok as [Eok E2]. apply andb_prop in Eok as [Eok E1]. apply andb_prop in Eok as [Eok Ho].
    apply andb_prop in Eok as [Hi Hk]. destruct (index_eqb_spec s1 (pick vs i)) as [->|]; [|discriminate].
    destruct (index_eqb_spec s2 (pick vs k)) as [->|]; [|discriminate].
    cbn [op_reads] in Hs. apply same_meet in Hs as [H1 H2]. cbn [den]. unfold ein2. apply sum_ext. intros v Hv.
    destruct (index_eqb_spec (pick v oo) ix) as [<-|]; auto.
    rewrite (Ha (pick v i)), (Hb (pick v k)); auto using pick_in.
    + now apply (same_moved k oo).
    + now apply (same_moved i oo).
  - destruct ss as [|s1 [|? ?]]; try discriminate. destruct rs as [|r [|? ?]], xs as [|x [|? ?]], ys as [|y [|? ?]]; simpl in Ha; try tauto.
    destruct Ha as [Ha _]. cbn [ty] in Ht. destruct (below (length vs) oo && index_eqb s1 vs) eqn:Eok; [|discriminate].
    apply andb_prop in Eok as [_ Es]. destruct (index_eqb_spec s1 vs) as [->|]; [|discriminate].
    cbn [op_reads] in Hs. cbn [den]. f_equal. unfold expsum. apply sum_ext. intros v Hv.
    destruct (index_eqb_spec (pick v oo) ix) as [<-|]; auto. f_equal. apply Ha; auto.
    rewrite <- (pick_all rho vs v Hv). now apply (same_moved (all_axes vs) oo).
  - apply Hother; [easy|now destruct rs as [|? [|? ?]]].
  - apply Hother; [easy|now destruct rs as [|? [|? ?]]].
  - apply Hother; [easy|now destruct rs as [|? [|? ?]]].
  - destruct ss; [|discriminate]. destruct rs, xs, ys; simpl in Ha; try tauto. injection Ht as <-. cbn in *.
    destruct (Nat.eqb_spec i j) as [->|Hne]; [|now rewrite off]. cbn [same] in Hs.
    pose proof (pick_all rho s' ix Hix) as E. unfold all_axes in E. now rewrite E in Hs.
Qed.
Theorem reads_of_sound p : forall rs sh shf (E E' : env), infer p (length rs) sh = Some shf ->
  (forall k, (k < length rs)%nat -> alike (sh k) (nth k rs Never) (E k) (E' k)) ->
  forall k, (k < length rs + length p)%nat ->
    alike (shf k) (nth k (reads_of j p rs) Never) (run rho tr p (length rs) E k) (run rho tr' p (length rs) E' k).
Proof.
  induction p as [|[o ps] p IH]; intros rs sh shf E E' Hi H k Hk.
  - cbn in *. injection Hi as <-. apply H. lia.
  - set (n := length rs) in *. cbn [infer] in Hi. destruct (below n ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s|] eqn:Ht; [|discriminate]. cbn [reads_of run].
    set (r := op_reads j o (map (fun k => nth k rs Never) ps)).
    assert (Hlen : length (rs ++ [r]) = S n) by (rewrite app_length; simpl; lia).
    assert (Hps : forall k, In k ps -> (k < n)%nat) by (intros; eapply in_below; eauto).
    specialize (IH (rs ++ [r]) (put sh n s) shf (put E n (den rho tr o (map E ps)))
                  (put E' n (den rho tr' o (map E' ps)))). rewrite Hlen in IH.
    apply IH; auto; [|simpl in Hk; lia]. clear IH. intros a Ha. destruct (Nat.eq_dec a n) as [->|Hne].
    + rewrite !put_same. rewrite app_nth2, Nat.sub_diag by (unfold n; lia). cbn [nth].
      apply (op_reads_sound o (map sh ps)); auto. clear - H Hps. induction ps as [|k ps IHp]; simpl; auto. split.
      * apply H, Hps. now left.
      * apply IHp. intros; apply Hps. now right.
    + rewrite !put_other by auto. rewrite app_nth1 by (unfold n in *; lia). apply H. unfold n in *; lia.
Qed.
End Reads.

(** ** The program of the means *)
Section Follow.
Variable d : dim.             (** as many values as this *)
Variable s : shape.           (** the draw's *)
Variable w : nat.             (** the slot of the masses, of shape [s ++ [d]] *)
Variable ls : list lifted.    (** of the old slots: those of the program along the axis, *)
Variable rs : list reads.     (** and what they read *)

Definition slot (k : nat) : lifted := nth k ls no_slot.
Definition still (k : nat) : bool :=
  never (nth k rs Mixed) && match l_at (slot k) with None => true | Some _ => false end.
(** The sum of mass times value, where an element reads one number. *)
Definition weighed (k : nat) : option node :=
  let n := length (l_shape (slot k)) in
  match nth k rs Mixed, l_at (slot k) with
  | At axes, Some p =>
      if below n axes && index_eqb (pick (l_shape (slot k)) axes) s
      then Some (Ein2 (l_shape (slot k) ++ [d]) (axes ++ [n]) (put_in p n (range n)) (range n), [w; l_slot (slot k)])
      else None
  | _, _ => None
  end.
(** The mean of the result is the result of the means. *)
Definition linear (o : op) (ps : list nat) : bool :=
  match o, ps with
  | Map1 (Affine _ _ _), [_] | Map2 Add, [_; _] | Map2 Sub, [_; _] | Lin _, [_] => true
  | Map2 Mul, [x; y] | Ein2 _ _ _ _, [x; y] => still x || still y
  | Map2 Div, [_; y] => still y
  | _, _ => false
  end.
(** What does not read the draw is not weighed where it is only added, as in the compiler. *)
Definition apart (o : op) (ps : list nat) : bool :=
  match o, ps with Map2 Add, [x; y] | Map2 Sub, [x; y] => still x || still y | _, _ => false end.
Definition own (k : nat) (o : op) (ps : list nat) : option node := if apart o ps then None else weighed k.
Definition mean_node (k : nat) (o : op) (ps : list nat) (ms : list (option nat)) : option node :=
  match own k o ps with
  | Some nd => Some nd
  | None => if linear o ps then option_map (pair o) (all_some (fun p => nth p ms None) ps) else None
  end.
(** The slots whose means are needed, from the last node [k] on. *)
Fixpoint needed (rp : program) (k : nat) (l : list nat) : list nat :=
  match rp with
  | [] => l
  | (o, ps) :: rp =>
      let more := match own k o ps with Some _ => [] | None => ps end in
      needed rp (pred k) (if existsb (Nat.eqb k) l && negb (still k) then more ++ l else l)
  end.
Variable wanted : list nat.
Fixpoint follow (p : program) (k nx : nat) (ms : list (option nat)) : program * list (option nat) :=
  match p with
  | [] => ([], ms)
  | (o, ps) :: p =>
      if still k then follow p (S k) nx (ms ++ [Some (l_slot (slot k))])
      else
        match (if existsb (Nat.eqb k) wanted then mean_node k o ps ms else None) with
        | Some nd => let '(q, ms) := follow p (S k) (S nx) (ms ++ [Some nx]) in (nd :: q, ms)
        | None => follow p (S k) nx (ms ++ [None])
        end
  end.

Section Mean.
Variable rho : dim -> nat.
Notation boxs s := (box (sizes rho s)).
Notation shape_at k := (l_shape (slot k)).
Variable tr : trace.
Variable M : expectation trace.
Hypothesis M_any : forall f, Int M f.
Hypothesis M_one : forall c, Ex M (fun _ => c) = c.
Variable near : trace -> Prop.
Hypothesis M_near : forall f g, (forall t, near t -> f t = g t) -> Ex M f = Ex M g.
Variable V : trace -> nat -> tensor.     (** the values of the old program *)
Variable F : env.                        (** the values of the new one, of [top] slots *)
Variable top : nat.
Hypothesis still_values : forall k t ix, still k = true -> near t -> In ix (boxs (shape_at k)) ->
  V t k ix = F (l_slot (slot k)) ix.
Hypothesis weighed_values : forall k o ps, weighed k = Some (o, ps) -> (forall x, In x ps -> (x < top)%nat) /\
  forall ix, In ix (boxs (shape_at k)) -> den rho tr o (map F ps) ix = Ex M (fun t => V t k ix).

Definition is_mean (G : env) (m k : nat) : Prop :=
  forall ix, In ix (boxs (shape_at k)) -> G m ix = Ex M (fun t => V t k ix).
Fixpoint computed (p : program) (k : nat) : Prop :=
  match p with
  | [] => True
  | (o, ps) :: p => (forall x, In x ps -> (x < k)%nat) /\ ty o (map (fun x => shape_at x) ps) = Some (shape_at k) /\
      (forall t, V t k = den rho t o (map (V t) ps)) /\ computed p (S k)
  end.

Lemma still_is_mean k : still k = true -> is_mean F (l_slot (slot k)) k.
Proof. intros H ix Hix. rewrite <- (M_one (F _ ix)). apply M_near. intros t Ht. symmetry. now apply still_values. Qed.
Lemma still_mean G m k t ix : still k = true -> is_mean G m k -> near t -> In ix (boxs (shape_at k)) -> V t k ix = G m ix.
Proof.
  intros H Hm Ht Hix. rewrite (Hm ix Hix), (still_values k t ix H Ht Hix). rewrite <- (M_one (F _ ix)) at 1.
  apply M_near. intros t' Ht'. symmetry. now apply still_values.
Qed.
Lemma M_sum {A} (l : list A) (f : A -> trace -> R) : Ex M (fun t => sum l (fun a => f a t)) = sum l (fun a => Ex M (f a)).
Proof. now apply Int_sum. Qed.

Lemma linear_sound G o ps qs k : linear o ps = true -> ty o (map (fun x => shape_at x) ps) = Some (shape_at k) ->
  Forall2 (fun p q => is_mean G q p) ps qs ->
  forall ix, In ix (boxs (shape_at k)) -> den rho tr o (map G qs) ix = Ex M (fun t => den rho t o (map (V t) ps) ix).
Proof.
  intros Hl Ht Hm ix Hix.
  destruct o as [f|f|l|vs i jj oo|vs oo|a b s'|b|b|i s']; try discriminate.
  - destruct f; try discriminate. destruct ps as [|x [|? ?]]; try discriminate. inversion Hm as [|? m ? ? Hx Hm' E]; subst.
    inversion Hm'; subst. simpl in Ht. injection Ht as Ht. rewrite <- Ht in Hix. cbn [map den app1]. rewrite (Hx ix Hix).
    transitivity (Ex M (fun t => IZR a / IZR (Zpos d0) * V t x ix + IZR b / IZR (Zpos d0))).
    + rewrite Ex_plus, Ex_scal, M_one by auto. field. now apply IZR_neq.
    + apply Ex_ext. intros t. field. now apply IZR_neq.
  - destruct ps as [|x [|y [|? ?]]]; try (destruct f; discriminate). inversion Hm as [|? m ? ? Hx Hm' E]; subst.
    inversion Hm' as [|? m' ? ? Hy Hm'' E]; subst. inversion Hm''; subst. simpl in Ht.
    destruct (index_eqb_spec (shape_at x) (shape_at y)) as [Exy|]; [|discriminate]. injection Ht as Ht. rewrite <- Ht in Hix.
    pose proof Hix as Hiy. rewrite Exy in Hiy. cbn [map den].
    destruct f; try discriminate; cbn [app2].
    + now rewrite (Hx ix Hix), (Hy ix Hiy), Ex_plus by auto.
    + now rewrite (Hx ix Hix), (Hy ix Hiy), Ex_minus by auto.
    + cbn [linear] in Hl. apply orb_prop in Hl as [Hs|Hs].
      * rewrite (Hy ix Hiy), <- Ex_scal by auto. apply M_near. intros t Hn. now rewrite (still_mean G m x t ix Hs Hx Hn Hix).
      * rewrite (Hx ix Hix), Rmult_comm, <- Ex_scal by auto. apply M_near. intros t Hn.
        rewrite (still_mean G m' y t ix Hs Hy Hn Hiy). ring.
    + unfold Rdiv. rewrite (Hx ix Hix), Rmult_comm, <- Ex_scal by auto. apply M_near. intros t Hn.
      rewrite (still_mean G m' y t ix Hl Hy Hn Hiy). ring.
  - destruct ps as [|x [|? ?]]; try discriminate. inversion Hm as [|? m ? ? Hx Hm' E]; subst. inversion Hm'; subst.
    cbn [map ty] in Ht. destruct (lin_ok l && index_eqb (shape_at x) (src l)) eqn:Eok; [|discriminate].
    apply andb_prop in Eok as [Hok Es]. destruct (index_eqb_spec (shape_at x) (src l)) as [Es'|]; [|discriminate].
    cbn [map den]. unfold lin_app. rewrite M_sum. apply sum_ext. intros [p q] Hp. cbn [fst snd].
    destruct (index_eqb q ix); [|now rewrite M_one]. apply Hx. rewrite Es'. eapply in_pairs; eauto.
  - destruct ps as [|x [|y [|? ?]]]; try discriminate. inversion Hm as [|? m ? ? Hx Hm' E]; subst.
    inversion Hm' as [|? m' ? ? Hy Hm'' E]; subst. inversion Hm''; subst. cbn [map ty] in Ht.
    destruct (below (length vs) i && below (length vs) jj && below (length vs) oo &&
              index_eqb (shape_at x) (pick vs i) && index_eqb (shape_at y) (pick vs jj)) eqn:Eok; [|discriminate].
    apply andb_prop in Eok as [Eok E2]. apply andb_prop in Eok as [Eok E1]. apply andb_prop in Eok as [Eok Ho].
    apply andb_prop in Eok as [Hi Hj]. destruct (index_eqb_spec (shape_at x) (pick vs i)) as [Ex'|]; [|discriminate].
    destruct (index_eqb_spec (shape_at y) (pick vs jj)) as [Ey'|]; [|discriminate].
    cbn [map den]. unfold ein2. rewrite M_sum. apply sum_ext. intros v Hv.
    destruct (index_eqb (pick v oo) ix); [|now rewrite M_one].
    assert (Hix' : In (pick v i) (boxs (shape_at x))) by (rewrite Ex'; now apply pick_in).
    assert (Hiy' : In (pick v jj) (boxs (shape_at y))) by (rewrite Ey'; now apply pick_in).
    cbn [linear] in Hl. apply orb_prop in Hl as [Hs|Hs].
    + rewrite (Hy _ Hiy'), <- Ex_scal by auto. apply M_near. intros t Hn. now rewrite (still_mean G m x t _ Hs Hx Hn Hix').
    + rewrite (Hx _ Hix'), Rmult_comm, <- Ex_scal by auto. apply M_near. intros t Hn.
      rewrite (still_mean G m' y t _ Hs Hy Hn Hiy'). ring.
Qed.

Theorem follow_sound p : forall k nx ms G q ms', follow p k nx ms = (q, ms') -> computed p k -> length ms = k ->
  (top <= nx)%nat -> (forall x, (x < top)%nat -> G x = F x) ->
  (forall i, still i = true -> (l_slot (slot i) < top)%nat) ->
  (forall i m, nth i ms None = Some m -> (m < nx)%nat /\ is_mean G m i) ->
  forall i m, nth i ms' None = Some m -> (m < nx + length q)%nat /\ is_mean (run rho tr q nx G) m i.
Proof.
  induction p as [|[o ps] p IH]; intros k nx ms G q ms' Hf Hc Hlen Htop HG Hst H i m Hm; cbn [follow] in Hf.
  - injection Hf as <- <-. cbn [run length]. rewrite Nat.add_0_r. now apply H.
  - cbn [computed] in Hc. destruct Hc as (Hps & Ht & Hv & Hc).
    assert (Hnew : forall G' mm, (forall i m, nth i ms None = Some m -> (m < nx)%nat /\ is_mean G' m i) ->
      forall nx', (nx <= nx')%nat -> (forall m0, mm = Some m0 -> (m0 < nx')%nat /\ is_mean G' m0 k) ->
      forall i m, nth i (ms ++ [mm]) None = Some m -> (m < nx')%nat /\ is_mean G' m i).
    { intros G' mm H1 nx' Hle H2 i0 m0 Hi. destruct (Nat.lt_ge_cases i0 (length ms)) as [Hlt|Hge].
      - rewrite app_nth1 in Hi by auto. destruct (H1 _ _ Hi). split; auto. lia.
      - rewrite app_nth2 in Hi by auto. destruct (i0 - length ms)%nat as [|[|?]] eqn:E; try discriminate. cbn [nth] in Hi.
        replace i0 with k by lia. now apply H2. }
    destruct (still k) eqn:Es.
    + apply (IH (S k) nx _ G q ms' Hf Hc); auto; [rewrite app_length; simpl; lia|].
      apply (Hnew G _ H nx (le_n _)). intros m0 E. injection E as <-. split; [specialize (Hst k Es); lia|].
      intros ix Hix. rewrite HG by now apply Hst. now apply still_is_mean.
    + destruct (if existsb _ wanted then mean_node k o ps ms else None) as [nd|] eqn:En.
      * destruct (follow p (S k) (S nx) (ms ++ [Some nx])) as [q' ms1] eqn:Ef. injection Hf as <- <-.
        destruct (existsb _ wanted); [|discriminate]. unfold mean_node in En.
        destruct nd as [o' ps']. set (G' := put G nx (den rho tr o' (map G ps'))).
        assert (Hval : is_mean G' nx k).
        { intros ix Hix. unfold G'. rewrite put_same. destruct (own k o ps) as [nd|] eqn:Eo.
          - injection En as ->. unfold own in Eo. destruct (apart o ps); [discriminate|].
            destruct (weighed_values k o' ps' Eo) as [W1 W2]. rewrite <- (W2 ix Hix). f_equal. apply map_ext_in.
            intros x Hx. apply HG. auto.
          - destruct (linear o ps) eqn:El; [|discriminate]. destruct (all_some _ ps) as [qs|] eqn:Eq; [|discriminate].
            injection En as <- <-. rewrite (linear_sound G o ps qs k El Ht); auto.
            + apply Ex_ext. intros t. now rewrite Hv.
            + clear - Eq H. revert qs Eq. induction ps as [|x ps IHp]; intros qs Eq; cbn [all_some] in Eq; [injection Eq as <-; constructor|].
              destruct (nth x ms None) as [y|] eqn:Ex'; [|discriminate]. destruct (all_some _ ps) as [qs'|]; [|discriminate].
              injection Eq as <-. constructor; [now apply H|]. now apply IHp. }
        cbn [run length]. fold G'. rewrite <- Nat.add_succ_comm. apply (IH (S k) (S nx) _ G' q' ms1 Ef Hc); auto; try lia.
        { rewrite app_length; simpl; lia. }
        { intros x Hx. unfold G'. rewrite put_other by lia. auto. }
        apply (Hnew G'); auto.
        -- intros i0 m0 Hi. destruct (H _ _ Hi) as [H1 H2]. split; auto. intros ix Hix. unfold G'. rewrite put_other by lia. now apply H2.
        -- intros m0 E. injection E as <-. split; [lia|exact Hval].
      * apply (IH (S k) nx _ G q ms' Hf Hc); auto; [rewrite app_length; simpl; lia|].
        apply (Hnew G _ H nx (le_n _)). easy.
Qed.
End Mean.
End Follow.

(** ** The model without its last draw *)
Definition has_values (fix_ : fixed_sizes) (d : dim) (l : Score.law) : bool :=
  match l with
  | BernoulliLogits => existsb (fun x => Nat.eqb (fst x) d && Nat.eqb (snd x) 2) fix_
  | CategoricalLogits c => Nat.eqb c d
  end.
(** The slot, one of the first [top], has this shape and does not read the draw. *)
Definition is_still (ls : list lifted) (rs : list reads) (top : nat) (k : N) (s : shape) : bool :=
  Nat.ltb (N.to_nat k) top && still ls rs (N.to_nat k) && index_eqb (l_shape (slot ls (N.to_nat k))) s.
(** A draw that stays, its law read from the new slots. *)
Definition stays (ls : list lifted) (rs : list reads) (top : nat) (x : wdraw) : option wdraw :=
  let new k := N.of_nat (l_slot (slot ls (N.to_nat k))) in
  match x with
  | (i, s, WFinite l a axes) =>
      if below (length s) axes && is_still ls rs top a (pick s axes ++ vals l)
      then Some (i, s, WFinite l (new a) axes) else None
  | _ => None
  end.
Definition enumerate_last (fix_ : fixed_sizes) (d : dim) (W : written) (before : list wdraw)
  (j : nat) (s : shape) (l : Score.law) (a : N) (axes : list nat) : option written :=
  let n := length (w_inputs W) in
  let top := (n + length (w_nodes W))%nat in
  let '(density, r, _) := emit (law_expr l j s axes) [N.to_nat a] 0 0 top in
  let p := plain_program (w_nodes W) ++ density in
  match lift d (place [(j, length s)]) true p n
          (map (fun k => Lifted k None (nth k (w_inputs W) [])) (range n)) with
  | None => None
  | Some (q, ls) =>
      let rs := reads_of j p (repeat Never n) in
      let w := (n + length q)%nat in
      let c := N.to_nat (w_cost W) in
      let wanted := needed d s w ls rs (rev p) (pred (n + length p)) [c] in
      let '(means, ms) := follow d s w ls rs wanted p n (S w) (map Some (range n)) in
      if has_values fix_ d l && distinct (map wdraw_id (w_draws W)) &&
         match stays ls rs top (j, s, WFinite l a axes) with Some _ => true | None => false end &&
         index_eqb (l_shape (slot ls r)) s &&
         match l_at (slot ls r) with Some i => Nat.eqb i (length s) | None => false end &&
         Nat.ltb c top && index_eqb (l_shape (slot ls c)) []
      then
        match all_some (stays ls rs top) before, nth c ms None with
        | Some ds, Some m =>
            Some {| w_inputs := w_inputs W; w_nodes := binary (q ++ (Map1 Exp, [l_slot (slot ls r)]) :: means);
                    w_cost := N.of_nat m; w_draws := ds |}
        | _, _ => None
        end
      else None
  end.
Definition enumerate (fix_ : fixed_sizes) (d : dim) (W : written) : option written :=
  match rev (w_draws W) with
  | (j, s, WFinite l a axes) :: before => enumerate_last fix_ d W (rev before) j s l a axes
  | _ => None
  end.

(** *** Shapes of a program along an axis *)
Lemma lift_infer d copied values p : forall nx ls q ls' sh, lift d copied values p nx ls = Some (q, ls') ->
  (forall k, (k < length ls)%nat -> sh k = l_shape (nth k ls no_slot)) ->
  length ls' = (length ls + length p)%nat /\
  (forall k, (k < length ls)%nat -> l_shape (nth k ls' no_slot) = l_shape (nth k ls no_slot)) /\
  exists shf, infer p (length ls) sh = Some shf /\
  forall k, (k < length ls')%nat -> shf k = l_shape (nth k ls' no_slot).
Proof.
  induction p as [|[o ps] p IH]; intros nx ls q ls' sh Hl H; cbn [lift] in Hl.
  - injection Hl as <- <-. split; [simpl; lia|]. split; auto. exists sh. split; auto.
  - destruct (below (length ls) ps) eqn:Hb; [|discriminate].
    assert (Em : map sh ps = map l_shape (map (fun k => nth k ls no_slot) ps)).
    { rewrite map_map. apply map_ext_in. intros k Hk. apply H. eapply in_below; eauto. }
    destruct (ty o (map l_shape (map (fun k => nth k ls no_slot) ps))) as [s|] eqn:Ht; [|discriminate].
    destruct (lift_op _ _ _ _ _ _) as [[[q1 k] at_]|]; [|discriminate].
    destruct (lift d copied values p _ (ls ++ [Lifted k at_ s])) as [[r ls1]|] eqn:Hr; [|discriminate].
    injection Hl as <- <-.
    assert (Hlen : length (ls ++ [Lifted k at_ s]) = S (length ls)) by (rewrite app_length; simpl; lia).
    destruct (IH _ _ _ _ (put sh (length ls) s) Hr) as (I1 & I2 & shf & I3 & I4).
    { intros i Hi. rewrite Hlen in Hi. destruct (Nat.eq_dec i (length ls)) as [->|Hne].
      - rewrite put_same, app_nth2, Nat.sub_diag by lia. reflexivity.
      - rewrite put_other, app_nth1 by lia. apply H. lia. }
    rewrite Hlen in *. split; [simpl; lia|]. split.
    + intros i Hi. rewrite I2, app_nth1 by lia. reflexivity.
    + exists shf. cbn [infer]. rewrite Hb, Em, Ht. auto.
Qed.

Section Sound.
Variable fix_ : fixed_sizes.
Variable rho : dim -> nat.
Hypothesis Hfix : forall d n, In (d, n) fix_ -> rho d = n.
Hypothesis Hrho : forall d, (0 < rho d)%nat.
Variable e : env.
Notation boxs s := (box (sizes rho s)).

Lemma sum_values d l g : has_values fix_ d l = true ->
  Ex (law_base rho l) g = sum (range (rho d)) (fun k => g (INR k)).
Proof.
  destruct l as [|c]; cbn [has_values]; intros H.
  - apply existsb_exists in H as ([d' m] & Hin & E). cbn [fst snd] in E. apply andb_prop in E as [E1 E2].
    apply Nat.eqb_eq in E1, E2. subst. rewrite (Hfix _ _ Hin). cbn. ring.
  - apply Nat.eqb_eq in H. subst. cbn [law_base]. unfold evenly. cbn [Ex finiteE]. rewrite sum_map. apply sum_ext.
    intros k _. cbn [fst snd]. ring.
Qed.
Lemma written_law_app W cs cs' : forall tr f, Ex (written_law W rho e (cs ++ cs') tr) f =
  Ex (written_law W rho e cs tr) (fun t => Ex (written_law W rho e cs' t) f).
Proof.
  induction cs as [|c cs IH]; intros tr f; [reflexivity|]. cbn [app written_law Ex mapE bindE snd].
  apply Ex_ext. intros v. apply IH.
Qed.

Variable d : dim.
Variable W : written.
Variables (j : nat) (s : shape) (l : Score.law) (a : N) (axes : list nat).
Notation n := (length (w_inputs W)).
Notation top := (n + length (w_nodes W))%nat.
Notation numbers := (map (@pair nat index j) (boxs s)).
Notation see i tr := (view (place [(j, length s)]) true i tr).
Notation val tr k := (written_value W rho e tr k).

Definition off (tr t : trace) : Prop := forall i, i <> j -> tr i = t i.
Lemma see_off i tr : off tr (see i tr).
Proof.
  intros k Hk. unfold view, place. cbn [find fst]. destruct (Nat.eqb_spec j k) as [->|]; [easy|].
  apply functional_extensionality. reflexivity.
Qed.
Lemma see_own i tr ix : see i tr j ix = INR i.
Proof. unfold view, place. cbn [find fst]. now rewrite Nat.eqb_refl. Qed.
Lemma off_set tr t ix v : off tr t -> off tr (set t (j, ix) v).
Proof.
  intros H i Hi. rewrite (H i Hi). apply functional_extensionality. intros jx. unfold set.
  destruct (coord_eqb_spec (i, jx) (j, ix)) as [E|]; auto. injection E as E _. contradiction.
Qed.
Lemma off_refl tr : off tr tr.
Proof. now intros i _. Qed.
Lemma off_trans tr t t' : off tr t -> off tr t' -> off t t'.
Proof. intros H H' i Hi. now rewrite <- H, <- H'. Qed.

Variable before : list wdraw.
Hypothesis Hdraws : w_draws W = before ++ [(j, s, WFinite l a axes)].
Hypothesis Hids : NoDup (map wdraw_id (w_draws W)).
Hypothesis Hvalues : has_values fix_ d l = true.
Hypothesis Haxes : below (length s) axes = true.
(** The law does not read the draw. *)
Hypothesis Hlaw : forall tr t, off tr t -> forall ix, In ix (boxs (pick s axes ++ vals l)) -> val t a ix = val tr a ix.

Lemma own_law ix tr : law_at W rho e (j, ix) tr = finite_on rho l (val tr a) axes ix.
Proof.
  unfold law_at. change (j, ix) with (wdraw_id (j, s, WFinite l a axes), ix) at 1. rewrite find_draw_of; auto.
  rewrite Hdraws. apply in_app_iff. right. now left.
Qed.
Lemma own_any : forall ixs tr f, Int (written_law W rho e (map (pair j) ixs) tr) f.
Proof.
  induction ixs as [|ix ixs IH]; intros tr f; [exact I|]. cbn [map written_law Int mapE bindE snd]. split; [intros v; apply IH|].
  rewrite own_law. apply finite_any.
Qed.
Lemma own_one c : forall ixs tr, Ex (written_law W rho e (map (pair j) ixs) tr) (fun _ => c) = c.
Proof.
  induction ixs as [|ix ixs IH]; intros tr; [reflexivity|]. cbn [map written_law Ex mapE bindE snd]. rewrite own_law.
  rewrite (Ex_ext _ _ (fun _ => c)) by (intros v; apply IH). now apply finite_one.
Qed.
Lemma own_near f g tr : (forall t, off tr t -> f t = g t) -> forall ixs t, off tr t ->
  Ex (written_law W rho e (map (pair j) ixs) t) f = Ex (written_law W rho e (map (pair j) ixs) t) g.
Proof.
  intros H. induction ixs as [|ix ixs IH]; intros t Ht; [now apply H|]. cbn [map written_law Ex mapE bindE snd].
  apply Ex_ext. intros v. apply IH. now apply off_set.
Qed.

(** A function that reads one number of the draw. *)
Section One.
Variable tr : trace.
Variable jx : index.
Variable f : trace -> R.
Hypothesis Hf : forall t t', off tr t -> off tr t' -> t j jx = t' j jx -> f t = f t'.
Lemma not_read : forall ixs t, ~ In jx ixs -> off tr t -> Ex (written_law W rho e (map (pair j) ixs) t) f = f t.
Proof.
  induction ixs as [|ix ixs IH]; intros t Hn Ht; [reflexivity|]. cbn [map written_law Ex mapE bindE snd]. rewrite own_law.
  rewrite (Ex_ext _ _ (fun _ => f t)); [now apply finite_one|]. intros v. rewrite IH.
  - apply Hf; auto using off_set. apply (get_set_other t (j, ix) (j, jx)). intros E. injection E as E. apply Hn. now left.
  - intros H. apply Hn. now right.
  - now apply off_set.
Qed.
Lemma one_read : forall ixs t, NoDup ixs -> In jx ixs -> (forall ix, In ix ixs -> In ix (boxs s)) -> off tr t ->
  Ex (written_law W rho e (map (pair j) ixs) t) f =
  sum (range (rho d)) (fun k => exp (law_val rho l (val tr a) axes jx (INR k)) * f (see k tr)).
Proof.
  induction ixs as [|ix ixs IH]; intros t Hd Hin Hbox Ht; [destruct Hin|]. inversion_clear Hd as [|? ? Hn Hd'].
  cbn [map written_law Ex mapE bindE snd]. rewrite own_law. destruct Hin as [->|Hin].
  - rewrite (Ex_ext _ _ (fun v => f (set t (j, jx) v))) by (intros v; apply not_read; auto using off_set).
    change (Ex (law_base rho l) (fun v => exp (law_val rho l (val t a) axes jx v) * f (set t (j, jx) v)) =
      sum (range (rho d)) (fun k => exp (law_val rho l (val tr a) axes jx (INR k)) * f (see k tr))).
    rewrite (sum_values d l _ Hvalues). apply sum_ext. intros k _. f_equal.
    + f_equal. apply law_val_same. intros w Hw. apply Hlaw; auto. apply in_box_app; auto. apply pick_in; auto.
      apply Hbox. now left.
    + apply Hf; auto using off_set, see_off. rewrite see_own. apply (get_set_same t (j, jx) (INR k)).
  - set (S0 := sum (range (rho d)) _). rewrite (Ex_ext _ _ (fun _ => S0)); [now apply finite_one|].
    intros v. apply IH; auto using off_set. intros; apply Hbox; now right.
Qed.
End One.
End Sound.

(** *** What the check has seen *)
Section Whole.
Variable fix_ : fixed_sizes.
Variable rho : dim -> nat.
Hypothesis Hfix : forall d n, In (d, n) fix_ -> rho d = n.
Hypothesis Hrho : forall d, (0 < rho d)%nat.
Variable e : env.
Variable d : dim.
Variables W W' : written.
Variables (before : list wdraw) (j : nat) (s : shape) (l : Score.law) (a : N) (axes : list nat).
Hypothesis Hdraws : w_draws W = before ++ [(j, s, WFinite l a axes)].
Hypothesis Henum : enumerate_last fix_ d W before j s l a axes = Some W'.
Notation boxs s := (box (sizes rho s)).
Notation n := (length (w_inputs W)).
Notation top := (n + length (w_nodes W))%nat.
Notation numbers := (map (@pair nat index j) (boxs s)).
Notation see i tr := (view (place [(j, length s)]) true i tr).
Notation val tr k := (written_value W rho e tr k).
Notation off := (off j).
Notation inputs_lifted := (map (fun k => Lifted k None (nth k (w_inputs W) [])) (range n)).
Lemma enumerate_is : exists density r nx q ls means ms ds m,
  emit (law_expr l j s axes) [N.to_nat a] 0 0 top = (density, r, nx) /\
  let p := plain_program (w_nodes W) ++ density in
  let rs := reads_of j p (repeat Never n) in
  let w := (n + length q)%nat in
  let c := N.to_nat (w_cost W) in
  lift d (place [(j, length s)]) true p n inputs_lifted = Some (q, ls) /\
  follow d s w ls rs (needed d s w ls rs (rev p) (pred (n + length p)) [c]) p n (S w) (map Some (range n)) = (means, ms) /\
  has_values fix_ d l = true /\ NoDup (map wdraw_id (w_draws W)) /\ below (length s) axes = true /\
  is_still ls rs top a (pick s axes ++ vals l) = true /\ l_shape (slot ls r) = s /\ l_at (slot ls r) = Some (length s) /\
  (c < top)%nat /\ l_shape (slot ls c) = [] /\ all_some (stays ls rs top) before = Some ds /\ nth c ms None = Some m /\
  W' = {| w_inputs := w_inputs W; w_nodes := binary (q ++ (Map1 Exp, [l_slot (slot ls r)]) :: means);
          w_cost := N.of_nat m; w_draws := ds |}.
Proof.
  unfold enumerate_last in Henum. destruct (emit _ _ _ _ _) as [[density r] nx] eqn:Ee.
  destruct (lift _ _ _ _ _ _) as [[q ls]|] eqn:El; [|discriminate].
  destruct (follow _ _ _ _ _ _ _ _ _ _) as [means ms] eqn:Ef.
  destruct (has_values fix_ d l && _ && _ && _ && _ && _ && _) eqn:Ec; [|discriminate].
  destruct (all_some _ before) as [ds|] eqn:Eds; [|discriminate]. destruct (nth _ ms None) as [m|] eqn:Em; [|discriminate].
  apply andb_prop in Ec as [Ec Es]. apply andb_prop in Ec as [Ec Et]. apply andb_prop in Ec as [Ec Ea].
  apply andb_prop in Ec as [Ec Ed]. apply andb_prop in Ec as [Ec Ex']. apply andb_prop in Ec as [Ev Ei].
  exists density, r, nx, q, ls, means, ms, ds, m. split; [reflexivity|]. cbv zeta.
  unfold stays in Ex'. destruct (below (length s) axes && is_still _ _ _ a _) eqn:Eb; [|discriminate].
  apply andb_prop in Eb as [Eb1 Eb2]. apply distinct_NoDup in Ei. apply Nat.ltb_lt in Et.
  destruct (index_eqb_spec (l_shape (slot ls r)) s) as [Es1|]; [|discriminate].
  destruct (index_eqb_spec (l_shape (slot ls (N.to_nat (w_cost W)))) []) as [Es2|]; [|discriminate].
  destruct (l_at (slot ls r)) as [i|] eqn:Ei'; [|discriminate]. apply Nat.eqb_eq in Ea. subst i.
  injection Henum as <-. repeat (split; auto).
Qed.

Theorem enumerate_last_mean : written_cost W' rho e = written_cost W rho e.
Proof.
  destruct enumerate_is as (density & r & nx & q & ls & means & ms & ds & m & Ee & H). cbv zeta in H.
  destruct H as (El & Ef & Hv & Hd & Hax & Hst & Hsr & Har & Hc & Hsc & Hds & Hm & HW).
  set (p := plain_program (w_nodes W) ++ density) in *. set (rs := reads_of j p (repeat Never n)) in *.
  set (w := (n + length q)%nat) in *. set (c := N.to_nat (w_cost W)) in *.
  set (wanted := needed d s w ls rs (rev p) (pred (n + length p)) [c]) in *.
  (* the old program, with the density, and the one along the axis *)
  set (P := fun tr : trace => run rho tr p n e). set (F := fun tr : trace => run rho tr q n e).
  assert (Hlen0 : length inputs_lifted = n) by now rewrite map_length, seq_length.
  assert (Hlow0 : forall k, (k < n)%nat -> nth k inputs_lifted no_slot = Lifted k None (nth k (w_inputs W) [])).
  { intros k Hk. rewrite (nth_map_lt _ (range n) k 0%nat) by now rewrite seq_length. now rewrite seq_nth. }
  destruct (lift_infer _ _ _ _ _ _ _ _ (fun k => nth k (w_inputs W) []) El) as (Llen & Lsh & shf & Linf & Lshf).
  { intros k Hk. rewrite Hlen0 in Hk. now rewrite Hlow0. }
  rewrite Hlen0 in *.
  assert (Hstand : forall i tr k, (i < rho d)%nat -> (k < length ls)%nat -> (l_slot (slot ls k) < w)%nat /\
    stands rho i (F tr) (slot ls k) (P (see i tr) k)).
  { intros i tr k Hi Hk. destruct (lift_sound d (place [(j, length s)]) true rho i Hi tr _ _ _ _ _ e e El) as [_ H].
    - intros b Hb. rewrite Hlen0 in Hb. rewrite Hlow0 by auto. cbn [l_slot l_at l_shape]. split; auto.
      intros ix _. reflexivity.
    - specialize (H k Hk). rewrite Hlen0 in H. exact H. }
  assert (Hval : forall tr k, (k < top)%nat -> P tr k = val tr (N.of_nat k)).
  { intros tr k Hk. unfold P, p, written_value, written_value_env. rewrite run_app, Nat2N.id. apply run_below.
    unfold plain_program. now rewrite map_length. }
  assert (Hreads : forall tr t k, off tr t -> (k < length ls)%nat -> alike rho j tr t (l_shape (slot ls k)) (nth k rs Never) (P tr k) (P t k)).
  { intros tr t k Ht Hk. assert (L0 : length (repeat Never n) = n) by apply repeat_length.
    pose proof (reads_of_sound rho j tr t Ht p (repeat Never n) (fun k => nth k (w_inputs W) []) shf e e) as R.
    rewrite L0 in R. specialize (R Linf (fun k _ ix _ _ => eq_refl) k ltac:(lia)).
    rewrite Lshf in R by exact Hk. exact R. }
  assert (Hnever : forall k, still ls rs k = true -> (k < length ls)%nat /\ nth k rs Never = Never /\ l_at (slot ls k) = None).
  { intros k Hk. unfold still in Hk. apply andb_prop in Hk as [H1 H2]. destruct (l_at (slot ls k)); [discriminate|].
    assert (Lrs : length rs = (n + length p)%nat).
    { unfold rs. assert (G : forall p rs, length (reads_of j p rs) = (length rs + length p)%nat).
      { clear. induction p as [|[o ps] p IH]; intros rs; cbn [reads_of]; [simpl; lia|]. rewrite IH, app_length. simpl. lia. }
      now rewrite G, repeat_length. }
    destruct (Nat.lt_ge_cases k (length rs)) as [Hlt|Hge].
    - split; [lia|]. rewrite (nth_indep rs Never Mixed Hlt). destruct (nth k rs Mixed); [auto|discriminate|discriminate].
    - rewrite nth_overflow in H1 by auto. discriminate. }
  assert (Hstill : forall k tr t ix, still ls rs k = true -> off tr t -> In ix (boxs (l_shape (slot ls k))) ->
    P t k ix = F tr (l_slot (slot ls k)) ix).
  { intros k tr t ix Hk Ht Hix. destruct (Hnever k Hk) as (H1 & H2 & H3).
    destruct (Hstand 0%nat tr k (Hrho d) H1) as [_ H4]. specialize (H4 ix Hix). rewrite H3 in H4. rewrite H4.
    pose proof (Hreads t (see 0 tr) k (off_trans j _ _ _ Ht (see_off j s 0 tr)) H1 ix Hix) as H5. rewrite H2 in H5. now apply H5. }
  assert (Hsl : forall k, still ls rs k = true -> (l_slot (slot ls k) < w)%nat).
  { intros k Hk. destruct (Hnever k Hk) as (H1 & _ & _). now destruct (Hstand 0%nat (fun _ => zero) k (Hrho d) H1). }
  unfold is_still in Hst. apply andb_prop in Hst as [Hst Has]. apply andb_prop in Hst as [Hat Hst]. apply Nat.ltb_lt in Hat.
  destruct (index_eqb_spec (l_shape (slot ls (N.to_nat a))) (pick s axes ++ vals l)) as [Has'|]; [clear Has|discriminate].
  assert (Hlaw' : forall tr t, off tr t -> forall ix, In ix (boxs (pick s axes ++ vals l)) -> val t a ix = val tr a ix).
  { intros tr t Ht ix Hix. rewrite <- Has' in Hix. rewrite <- (N2Nat.id a), <- !Hval by auto.
    now rewrite (Hstill _ tr t ix Hst Ht Hix), (Hstill _ tr tr ix Hst (off_refl j tr) Hix). }
  (* the masses *)
  assert (Hmass : forall tr jx k, In jx (boxs s) -> (k < rho d)%nat ->
    exp (F tr (l_slot (slot ls r)) (jx ++ [k])) = exp (law_val rho l (val tr a) axes jx (INR k))).
  { intros tr jx k Hjx Hk. f_equal. pose proof (box_length rho _ _ Hjx) as Lj.
    destruct (emit_sound rho (see k tr) _ _ _ _ _ _ _ _ (run rho (see k tr) (plain_program (w_nodes W)) n e) Ee) as (S1 & S2 & S3).
    { destruct l; simpl; repeat split; lia. } { intros i [<-|[]]. exact Hat. } { lia. } { lia. }
    assert (Hr : (r < length ls)%nat).
    { rewrite Llen. unfold p. rewrite app_length. unfold plain_program. rewrite map_length. lia. }
    destruct (Hstand k tr r Hk Hr) as [_ H]. specialize (H jx). rewrite Hsr in H. specialize (H Hjx). rewrite Har in H.
    replace (put_in (length s) k jx) with (jx ++ [k]) in H.
    2:{ unfold put_in. rewrite <- Lj, firstn_all, skipn_all. reflexivity. }
    rewrite H. unfold P, p. rewrite run_app.
    replace (n + length (plain_program (w_nodes W)))%nat with top by (unfold plain_program; now rewrite map_length).
    rewrite S3. cbn [map]. rewrite law_expr_val by auto. rewrite see_own. apply law_val_same. intros v Hv'.
    rewrite <- (Hlaw' tr (see k tr) (see_off j s k tr)) by (apply in_box_app; auto; now apply pick_in).
    unfold written_value, written_value_env. reflexivity. }
  (* means *)
  set (M := fun tr : trace => written_law W rho e numbers tr).
  set (G := fun tr : trace => run rho tr [(Map1 Exp, [l_slot (slot ls r)])] w (F tr)).
  assert (HGlow : forall tr x, (x < w)%nat -> G tr x = F tr x) by (intros; unfold G; now apply run_below).
  assert (Hcomp : forall q0 k, (exists pre, p = pre ++ q0 /\ k = (n + length pre)%nat) -> computed ls rho P q0 k).
  { induction q0 as [|[o ps] q0 IH]; intros k (pre & Ep & Ek); [exact I|]. cbn [computed].
    assert (Hi : exists sh, infer ((o, ps) :: q0) k sh = Some shf /\ infer pre n (fun k => nth k (w_inputs W) []) = Some sh).
    { rewrite Ep in Linf. clear - Linf Ek. revert Linf Ek. generalize (fun k => nth k (w_inputs W) []). generalize n. revert k.
      induction pre as [|[o' ps'] pre IHp]; intros k n0 sh Hi Hk; cbn [app] in Hi.
      - exists sh. subst k. simpl. rewrite Nat.add_0_r. auto.
      - cbn [infer] in *. destruct (below n0 ps'); [|discriminate]. destruct (ty o' (map sh ps')); [|discriminate].
        apply (IHp k (S n0) _ Hi). simpl in Hk. lia. }
    destruct Hi as (sh & Hi & Hpre). pose proof Hi as Hi'. cbn [infer] in Hi. destruct (below k ps) eqn:Hb; [|discriminate].
    destruct (ty o (map sh ps)) as [s'|] eqn:Ht; [|discriminate].
    assert (Hps : forall x, In x ps -> (x < k)%nat) by (intros; eapply in_below; eauto).
    assert (Hk : (k < length ls)%nat).
    { rewrite Llen, Ep, app_length. simpl. lia. }
    assert (Hsh : forall x, (x < k)%nat -> sh x = l_shape (slot ls x)).
    { intros x Hx. unfold slot. rewrite <- Lshf by lia. symmetry. now apply (infer_inputs _ _ _ _ _ Hi'). }
    split; [exact Hps|]. split; [|split].
    - rewrite <- (map_ext_in sh) by (intros x Hx; apply Hsh; auto). rewrite Ht. f_equal. unfold slot. rewrite <- Lshf by auto.
      symmetry. rewrite (infer_inputs _ _ _ _ k Hi) by lia. apply put_same.
    - intros t. unfold P. rewrite Ep, run_app, <- Ek. cbn [run]. rewrite run_below, put_same by lia. f_equal.
      apply map_ext_in. intros x Hx. specialize (Hps x Hx). rewrite (run_below rho t q0), put_other by lia. reflexivity.
    - apply IH. exists (pre ++ [(o, ps)]). rewrite <- app_assoc, app_length. simpl. split; auto. lia. }
  assert (Hmean : forall tr, Ex (M tr) (fun t => P t c []) = written_value W' rho e tr (N.of_nat m) []).
  { intros tr.
    pose proof (follow_sound d s w ls rs wanted rho tr (M tr)
      (own_any rho e W j s l a axes before Hdraws Hd (boxs s) tr)
      (fun k => own_one rho Hrho e W j s l a axes before Hdraws Hd k (boxs s) tr) (off tr)
      (fun f g H => own_near rho e W j f g tr H (boxs s) tr (off_refl j tr))
      P (G tr) (S w)) as FS.
    assert (F1 : forall k t ix, still ls rs k = true -> off tr t -> In ix (boxs (l_shape (slot ls k))) ->
      P t k ix = G tr (l_slot (slot ls k)) ix).
    { intros k t ix Hk Ht Hix. rewrite HGlow by auto. now apply Hstill. }
    specialize (FS F1). clear F1.
    assert (F2 : forall k o ps, weighed d s w ls rs k = Some (o, ps) -> (forall x, In x ps -> (x < S w)%nat) /\
      forall ix, In ix (boxs (l_shape (slot ls k))) -> den rho tr o (map (G tr) ps) ix = Ex (M tr) (fun t => P t k ix)).
    { intros k o ps Hw. unfold weighed in Hw. destruct (nth k rs Mixed) as [|ax|] eqn:Er; try discriminate.
      assert (Hk : (k < length ls)%nat).
      { destruct (Nat.lt_ge_cases k (length ls)) as [|Hge]; auto. exfalso. unfold slot in Hw.
        rewrite nth_overflow in Hw by auto. discriminate. }
      destruct (l_at (slot ls k)) as [pp|] eqn:Ea; [|discriminate].
      set (sh := l_shape (slot ls k)) in *. destruct (below (length sh) ax) eqn:Hb; [|discriminate].
      destruct (index_eqb_spec (pick sh ax) s) as [Hs'|]; [|discriminate]. injection Hw as <- <-.
      destruct (Hstand 0%nat tr k (Hrho d) Hk) as [Hlt _]. fold w in Hlt.
      split; [intros x [<-|[<-|[]]]; lia|]. intros ix Hix.
      assert (Hjx : In (pick ix ax) (boxs s)) by (rewrite <- Hs'; now apply pick_in).
      assert (Rk : nth k rs Never = At ax).
      { rewrite <- Er. apply nth_indep. destruct (Nat.lt_ge_cases k (length rs)) as [|Hge]; auto.
        rewrite nth_overflow in Er by auto. discriminate. }
      unfold M. rewrite (one_read fix_ rho Hfix Hrho e d W j s l a axes before Hdraws Hd Hv Hax Hlaw' tr (pick ix ax)
                 (fun t => P t k ix)); auto using off_refl, box_NoDup.
      2:{ intros t t' Ht Ht' E. pose proof (Hreads t t' k (off_trans j _ _ _ Ht Ht') Hk ix Hix) as R. rewrite Rk in R. now apply R. }
      cbn [map den]. unfold ein2. rewrite sizes_app, sum_box_app.
      rewrite (sum_ext _ _ (fun u => if index_eqb u ix then sum (range (rho d)) (fun v => G tr w (pick u ax ++ [v]) *
        G tr (l_slot (slot ls k)) (put_in pp v u)) else 0)).
      - rewrite (sum_box_single (sizes rho sh) (fun u => sum (range (rho d)) (fun v => G tr w (pick u ax ++ [v]) *
          G tr (l_slot (slot ls k)) (put_in pp v u))) ix Hix).
        apply sum_ext. intros v Hv'. apply in_range in Hv'. f_equal.
        + unfold G at 1. cbn [run map]. rewrite put_same. cbn [den app1]. now apply Hmass.
        + rewrite HGlow by auto. destruct (Hstand v tr k Hv' Hk) as [_ H]. specialize (H ix Hix). rewrite Ea in H. exact H.
      - intros u Hu. pose proof (box_length rho _ _ Hu) as Lu.
        rewrite (sum_box_one rho d (fun v => if index_eqb (pick (u ++ v) (range (length sh))) ix then
          G tr w (pick (u ++ v) (ax ++ [length sh])) * G tr (l_slot (slot ls k)) (pick (u ++ v) (put_in pp (length sh) (range (length sh)))) else 0)).
        assert (Hall : pick u (range (length sh)) = u) by (apply (pick_all rho sh); exact Hu).
        rewrite (sum_ext (range (rho d)) _ (fun v => if index_eqb u ix then G tr w (pick u ax ++ [v]) *
          G tr (l_slot (slot ls k)) (put_in pp v u) else 0)).
        + destruct (index_eqb u ix); auto. apply sum_zero.
        + intros v _. rewrite (pick_more u v (range (length sh)) (length sh) Lu (below_all sh)), Hall.
          destruct (index_eqb u ix); auto. f_equal.
          * f_equal. rewrite pick_app, (pick_more u v ax (length sh) Lu Hb). f_equal. unfold pick; cbn [map].
            now rewrite app_nth2, Lu, Nat.sub_diag by lia.
          * f_equal. rewrite (pick_put_in u v pp (range (length sh)) (length sh) Lu (below_all sh)). now rewrite Hall. }
    specialize (FS F2). clear F2.
    destruct (FS p n (S w) (map Some (range n)) (G tr) means ms Ef) with (i := c) (m := m) as [FS1 FS2]; auto.
    { apply Hcomp. exists []. split; auto. simpl. lia. }
    { now rewrite map_length, seq_length. }
    { intros i Hi. specialize (Hsl i Hi). lia. }
    { intros i m0 Hi. destruct (Nat.lt_ge_cases i n) as [Hlt|Hge].
      - rewrite (nth_map_lt _ (range n) i 0%nat) in Hi by now rewrite seq_length. rewrite seq_nth in Hi by auto. injection Hi as <-.
        split; [unfold w; simpl; lia|]. intros ix _. cbn [Nat.add]. rewrite HGlow by (unfold w; lia). unfold F. rewrite run_below by auto.
        rewrite (Ex_ext _ _ (fun _ => e i ix)).
        + symmetry. apply (own_one rho Hrho e W j s l a axes before Hdraws Hd).
        + intros t. unfold P. now rewrite run_below.
      - rewrite nth_overflow in Hi; [discriminate|]. now rewrite map_length, seq_length. }
    specialize (FS2 []). rewrite Hsc in FS2. rewrite <- FS2 by now left. rewrite HW. unfold written_value, written_value_env.
    cbn [w_nodes w_inputs w_cost]. rewrite plain_binary, Nat2N.id, run_app. fold w. cbn [run]. reflexivity. }
  (* the draws that stay *)
  assert (Hvals : forall tr k sh ix, is_still ls rs top k sh = true -> In ix (boxs sh) ->
    written_value W' rho e tr (N.of_nat (l_slot (slot ls (N.to_nat k)))) ix = val tr k ix).
  { intros tr k sh ix Hk Hix. unfold is_still in Hk. apply andb_prop in Hk as [Hk Hsh]. apply andb_prop in Hk as [Hkt Hks].
    apply Nat.ltb_lt in Hkt. destruct (index_eqb_spec (l_shape (slot ls (N.to_nat k))) sh) as [<-|]; [|discriminate].
    rewrite HW. unfold written_value at 1, written_value_env. cbn [w_nodes w_inputs]. rewrite plain_binary, Nat2N.id, run_app.
    rewrite run_below by (fold w; auto). fold (F tr). rewrite <- (Hstill _ tr tr ix Hks (off_refl j tr) Hix).
    rewrite Hval by auto. now rewrite N2Nat.id. }
  assert (Hdraws' : w_draws W' = ds) by now rewrite HW.
  assert (Hpair : Forall2 (fun x y => stays ls rs top x = Some y) before ds).
  { clear - Hds. revert ds Hds. induction before as [|x xs IH]; cbn [all_some]; intros ds Hds; [injection Hds as <-; constructor|].
    destruct (stays ls rs top x) as [y|] eqn:E; [|discriminate]. destruct (all_some _ xs) as [ys|]; [|discriminate].
    injection Hds as <-. constructor; auto. }
  assert (Hsame : forall x y, stays ls rs top x = Some y -> wdraw_id y = wdraw_id x /\ wdraw_shape y = wdraw_shape x).
  { intros [[i s'] w'] y E. destruct w' as [| | | |l' a' axes']; try discriminate E. cbn [stays] in E.
    destruct (_ && _); [|discriminate E]. now injection E as <-. }
  assert (Hids' : map wdraw_id ds = map wdraw_id before).
  { clear - Hpair Hsame. induction Hpair as [|x y xs ys Hxy H IH]; auto. cbn [map]. rewrite IH. f_equal. now apply Hsame. }
  assert (Hnums : written_numbers W' rho = flat_map (fun x => map (pair (wdraw_id x)) (boxs (wdraw_shape x))) before).
  { unfold written_numbers. rewrite Hdraws'. clear - Hpair Hsame. induction Hpair as [|x y xs ys Hxy H IH]; auto. cbn [flat_map].
    rewrite IH. destruct (Hsame x y Hxy) as [-> ->]. reflexivity. }
  assert (Hdb : NoDup (map wdraw_id before)).
  { rewrite Hdraws, map_app in Hd. clear - Hd. induction (map wdraw_id before) as [|i is IH]; [constructor|].
    cbn [app] in Hd. inversion_clear Hd as [|? ? Hn Hd']. constructor; auto. intros H. apply Hn. apply in_app_iff. now left. }
  assert (Hlaws : forall x ix tr f, In x before -> In ix (boxs (wdraw_shape x)) ->
    Ex (law_at W' rho e (wdraw_id x, ix) tr) f = Ex (law_at W rho e (wdraw_id x, ix) tr) f).
  { intros x ix tr f Hx Hix.
    assert (Hy : exists y, In y ds /\ stays ls rs top x = Some y).
    { clear - Hpair Hx. induction Hpair as [|x0 y xs ys Hxy H IH]; [destruct Hx|]. destruct Hx as [<-|Hx].
      - exists y. split; auto. now left.
      - destruct (IH Hx) as (y' & H1 & H2). exists y'. split; auto. now right. }
    destruct Hy as (y & Hy & Exy). destruct (Hsame x y Exy) as [Eid Esh].
    assert (Fx : find_draw W (wdraw_id x, ix) = Some x).
    { apply find_draw_of; auto. rewrite Hdraws. apply in_app_iff. now left. }
    assert (Fy : find_draw W' (wdraw_id x, ix) = Some y).
    { rewrite <- Eid. apply find_draw_of; [|now rewrite Hdraws']. now rewrite Hdraws', Hids'. }
    unfold law_at. rewrite Fx, Fy. destruct x as [[i s'] w']. destruct w' as [| | | |l' a' axes']; try discriminate Exy. cbn [stays] in Exy.
    destruct (below (length s') axes' && is_still ls rs top a' (pick s' axes' ++ vals l')) eqn:Eb; [|discriminate].
    apply andb_prop in Eb as [E1 E2]. injection Exy as <-. cbn [snd].
      change (Ex (law_base rho l') (fun v => exp (law_val rho l' (written_value W' rho e tr (N.of_nat (l_slot (slot ls (N.to_nat a'))))) axes' ix v) * f v) =
              Ex (law_base rho l') (fun v => exp (law_val rho l' (val tr a') axes' ix v) * f v)).
      apply Ex_ext. intros v. do 2 f_equal. apply law_val_same. intros u Hu. apply (Hvals tr a' _ _ E2).
      apply in_box_app; auto. now apply pick_in. }
  unfold written_cost.
  assert (Hn : written_numbers W rho = written_numbers W' rho ++ numbers).
  { rewrite Hnums. unfold written_numbers. rewrite Hdraws, flat_map_app. cbn [flat_map]. now rewrite app_nil_r. }
  rewrite Hn, written_law_app. fold M.
  assert (Hgo : forall cs, (forall x, In x cs -> In x (written_numbers W' rho)) -> forall tr f,
    Ex (written_law W' rho e cs tr) f = Ex (written_law W rho e cs tr) f).
  { induction cs as [|x cs IH]; intros Hcs tr f; [reflexivity|]. cbn [written_law Ex mapE bindE snd].
    pose proof (Hcs x (or_introl eq_refl)) as Hx. rewrite Hnums in Hx. apply in_flat_map in Hx as (y & Hy & Hx).
    apply in_map_iff in Hx as (ix & <- & Hix). rewrite (Hlaws y ix tr _ Hy Hix). apply Ex_ext. intros v. apply IH.
    intros; apply Hcs; now right. }
  rewrite Hgo by auto. apply Ex_ext. intros tr.
  replace (w_cost W') with (N.of_nat m) by now rewrite HW. rewrite <- Hmean. unfold M. apply Ex_ext. intros t.
  rewrite Hval by auto. unfold c. now rewrite N2Nat.id.
Qed.
End Whole.

Theorem enumerate_mean fix_ d W W' rho e : enumerate fix_ d W = Some W' ->
  (forall d n, In (d, n) fix_ -> rho d = n) -> (forall d, (0 < rho d)%nat) -> written_cost W' rho e = written_cost W rho e.
Proof.
  unfold enumerate. intros H Hfix Hrho. destruct (rev (w_draws W)) as [|[[j s] w] before] eqn:E; try discriminate.
  destruct w as [| | | |l a axes]; try discriminate.
  apply (enumerate_last_mean fix_ rho Hfix Hrho e d W W' (rev before) j s l a axes); auto.
  rewrite <- (rev_involutive (w_draws W)), E. reflexivity.
Qed.

(** ** Draws summed over, then the others *)
Fixpoint enumerate_all (fix_ : fixed_sizes) (ds : list dim) (W : written) : option written :=
  match ds with
  | [] => Some W
  | d :: ds => match enumerate fix_ d W with Some W' => enumerate_all fix_ ds W' | None => None end
  end.
(** [sums] are the numbers of values of the last draws, from the last one on. *)
Definition same_summed (sums : list dim) (copies : list (dim * list (nat * nat))) (W : written) (B : bgraph) (draws : list draw) : bool :=
  match enumerate_all (b_sizes B) sums W with Some W' => quick_same_finite copies W' B draws | None => false end.

Lemma enumerate_all_mean fix_ rho e ds : (forall d n, In (d, n) fix_ -> rho d = n) -> (forall d, (0 < rho d)%nat) ->
  forall W W', enumerate_all fix_ ds W = Some W' -> written_cost W' rho e = written_cost W rho e.
Proof.
  intros Hfix Hrho. induction ds as [|d ds IH]; cbn [enumerate_all]; intros W W' H; [now injection H as <-|].
  destruct (enumerate fix_ d W) as [W1|] eqn:E; [|discriminate]. rewrite (IH _ _ H). now apply (enumerate_mean fix_ d).
Qed.

(** The derivative of the expected cost of a model with finite draws, some of which are summed over, as it is written. *)
Theorem summed_derive sums copies W B draws rho e d l : same_summed sums copies W B draws = true -> sized (plain B) rho ->
  is_derive (fun t => expected_cost (plain B) rho (model_law rho draws) (line e d t)) 0 l ->
  is_derive (fun t => written_cost W rho (line e d t)) 0 l.
Proof.
  intros H Hs. unfold same_summed in H. destruct (enumerate_all (b_sizes B) sums W) as [W'|] eqn:E; [|discriminate].
  intros D. apply (is_derive_ext (fun t => written_cost W' rho (line e d t))).
  - intros t. apply (enumerate_all_mean (b_sizes B) rho (line e d t) sums) with (1 := fun d n H => proj1 Hs d n H); auto. apply Hs.
  - now apply (quick_finite_derive copies W' B draws rho e d l H Hs).
Qed.
