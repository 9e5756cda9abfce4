(** * Multiplying out

    Normal forms ([Poly.v]) keep sums as atoms.  To see that two costs have the same mean, their
    difference is multiplied out: atoms that stand for sums are replaced by these, and a positive number
    and its inverse cancel. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith PArith FMapPositive Permutation.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Poly Number.
Import ListNotations.
Open Scope R_scope.

(** What the atoms of a table are. *)
Definition meanings := PositiveMap.t (entry * shape).
Definition meanings_of (T : table) : meanings :=
  fold_right (fun hl M => fold_right (fun x M => PositiveMap.add (snd x) (fst x) M) M (snd hl))
             (PositiveMap.empty _) (PositiveMap.elements (known T)).
Lemma meanings_in T k en s : PositiveMap.find k (meanings_of T) = Some (en, s) ->
  exists h, In (en, s, k) (bucket T h).
Proof.
  unfold meanings_of, bucket.
  assert (H : forall h l, In (h, l) (PositiveMap.elements (known T)) ->
    PositiveMap.find h (known T) = Some l) by apply PositiveMap.elements_complete.
  revert H. induction (PositiveMap.elements (known T)) as [|[h l] els IH]; intros H; cbn [fold_right snd].
  - now rewrite PositiveMap.gempty.
  - assert (Hh : PositiveMap.find h (known T) = Some l) by (apply H; now left).
    assert (Hl : forall x, In x l -> In x match PositiveMap.find h (known T) with Some l => l | None => [] end)
      by (now rewrite Hh).
    specialize (IH (fun h' l' Hin => H h' l' (or_intror Hin))).
    clear Hh H. induction l as [|[[en' s'] k'] l IHl]; cbn [fold_right fst snd].
    + exact IH.
    + destruct (Pos.eq_dec k k') as [->|Hne].
      * rewrite PositiveMap.gss. intros E. injection E as <- <-. exists h. apply Hl. now left.
      * rewrite PositiveMap.gso by auto. apply IHl. intros x Hx. apply Hl. now right.
Qed.

Section Unfold.
Variable M : meanings.
Definition meaning (k : positive) : option (entry * shape) := PositiveMap.find k M.

(** Atoms that are positive by construction, [fuel] steps deep. *)
Fixpoint is_positive (fuel : nat) (k : positive) : bool :=
  match fuel with
  | O => false
  | S fuel =>
      match meaning k with
      | Some (Point Exp _, _) | Some (Point Sigmoid _, _) | Some (Point Softplus _, _) => true
      | Some (Point Sqrt j, _) | Some (Point Recip j, _) => is_positive fuel j
      | _ => false
      end
  end.

Definition deep : nat := 8.
(** Sums of positive products, with positive factors: one positive number wherever they are read inside their shape. *)
Definition positive_term (t : term) : bool :=
  Z.ltb 0 (num t) && index_eqb (over t) [] &&
  forallb (fun g => match g with Read k _ => is_positive deep k | Extent _ => false end) (factors t).
Definition positive_sum (o : shape) (q : list nat) (k : positive) : bool :=
  match meaning k with
  | Some (Value (t :: p), s) =>
      below (length o) q && index_eqb (pick o q) s && forallb positive_term (t :: p)
  | _ => false
  end.

(** The first factor that [f] says something of, and the others. *)
Fixpoint pick_out {X} (f : factor -> option X) (fs : list factor) : option (X * list factor) :=
  match fs with
  | [] => None
  | g :: fs =>
      match f g with
      | Some x => Some (x, fs)
      | None => match pick_out f fs with Some (x, gs) => Some (x, g :: gs) | None => None end
      end
  end.
Definition read_eqb (k : positive) (q : list nat) (g : factor) : bool :=
  match g with Read k' q' => Pos.eqb k k' && index_eqb q q' | Extent _ => false end.
Fixpoint take_out (k : positive) (q : list nat) (fs : list factor) : option (list factor) :=
  match fs with
  | [] => None
  | g :: fs => if read_eqb k q g then Some fs
               else match take_out k q fs with Some gs => Some (g :: gs) | None => None end
  end.
(** An inverse whose number is positive, and where it is read, over axes [o]. *)
Definition inverse_of (o : shape) (g : factor) : option (positive * list nat) :=
  match g with
  | Read k q => match meaning k with
                | Some (Point Recip j, _) => if is_positive deep j || positive_sum o q j then Some (j, q) else None
                | _ => None end
  | Extent _ => None
  end.
Fixpoint cancel (o : shape) (fuel : nat) (fs : list factor) : list factor :=
  match fuel with
  | O => fs
  | S fuel =>
      match fs with
      | [] => []
      | g :: fs' =>
          match inverse_of o g with
          | Some (j, q) => match take_out j q fs' with Some gs => cancel o fuel gs | None => g :: cancel o fuel fs' end
          | None =>
              match g with
              | Read j q =>
                  match pick_out (fun h => match inverse_of o h with
                                           | Some (i, q') => if Pos.eqb i j && index_eqb q' q then Some tt else None
                                           | None => None end) fs' with
                  | Some (_, gs) => cancel o fuel gs
                  | None => g :: cancel o fuel fs'
                  end
              | Extent _ => g :: cancel o fuel fs'
              end
          end
      end
  end.

(** The factor that is a sum, over axes [o], if the sum is read inside its shape. *)
Definition sum_of (o : shape) (g : factor) : option (poly * list nat) :=
  match g with
  | Read k q => match meaning k with
                | Some (Value p, s) =>
                    if below (length o) q && index_eqb (pick o q) s then Some (p, q) else None
                | _ => None end
  | Extent _ => None
  end.
Variable fix_ : fixed_sizes.
Definition unfold_term (t : term) : poly :=
  let o := over t in
  let fs := cancel o (length (factors t)) (factors t) in
  match pick_out (sum_of o) fs with
  | Some ((p, q), rest) =>
      if within (length o) rest then
        map (fun u => let w := mul_terms (length o) (Term (num t) (denom t) [] rest) (pull_term q (length o) u) in
                      Term (num w) (denom w) (o ++ over w) (factors w)) p
      else [Term (num t) (denom t) o fs]
  | None => [Term (num t) (denom t) o fs]
  end.
Definition most : nat := 256.   (** terms that are multiplied out further *)
Fixpoint unfolded (fuel : nat) (p : poly) : poly :=
  match fuel with
  | O => p
  | S fuel => match p with
              | [] => []
              | _ => if Nat.leb (length p) most
                     then unfolded fuel (collect (map (tidy fix_ 0) (flat_map unfold_term p))) else p
              end
  end.

(** ** What that keeps *)
Section Sound.
Variable rho : dim -> nat.
Variable tr : nat -> tensor.
Variable e : env.
Variable A : atoms.
Notation boxs s := (box (sizes rho s)).
Notation pval := (poly_val rho A).
Notation tval := (term_val rho A).
Hypothesis fixed : forall d n, In (d, n) fix_ -> rho d = n.
Hypothesis known : forall k en s, meaning k = Some (en, s) -> holds rho tr e A en s k.

Lemma is_positive_sound fuel : forall k ix, is_positive fuel k = true -> 0 < A k ix.
Proof.
  induction fuel as [|fuel IH]; [easy|]. intros k ix. simpl.
  destruct (meaning k) as [[en s]|] eqn:E; [|easy]. specialize (known _ _ _ E).
  destruct en as [| |f j|]; try easy. cbn [holds] in known. rewrite known.
  destruct f; try easy; intros H; simpl.
  - apply exp_pos.
  - apply sqrt_lt_R0, IH, H.
  - apply Rinv_0_lt_compat, IH, H.
  - unfold logistic. apply Rinv_0_lt_compat. pose proof (exp_pos (- A j ix)). lra.
  - pose proof (exp_pos (A j ix)). rewrite <- ln_1. apply ln_increasing; lra.
Qed.
Notation fval := (factor_val rho A).
Notation prod := (product rho A).
Lemma pick_out_product {X} (f : factor -> option X) fs : forall x gs, pick_out f fs = Some (x, gs) ->
  exists g, f g = Some x /\ Permutation fs (g :: gs).
Proof.
  induction fs as [|g fs IH]; simpl; intros x gs H; [easy|]. destruct (f g) as [y|] eqn:E.
  - injection H as <- <-. exists g. auto.
  - destruct (pick_out f fs) as [[y hs]|]; [|easy]. injection H as <- <-.
    destruct (IH _ _ eq_refl) as (h & Hh & Hp). exists h. split; auto.
    eapply perm_trans; [apply perm_skip, Hp|apply perm_swap].
Qed.
Lemma take_out_product k q fs : forall gs, take_out k q fs = Some gs -> Permutation fs (Read k q :: gs).
Proof.
  induction fs as [|g fs IH]; simpl; intros gs H; [easy|]. destruct (read_eqb k q g) eqn:E.
  - injection H as <-. destruct g as [k' q'|]; [|easy]. simpl in E. apply andb_prop in E as [E1 E2].
    apply Pos.eqb_eq in E1. destruct (index_eqb_spec q q'); [|easy]. now subst.
  - destruct (take_out k q fs) as [hs|]; [|easy]. injection H as <-.
    eapply perm_trans; [apply perm_skip, IH; reflexivity|apply perm_swap].
Qed.
Lemma positive_term_sound t ix : positive_term t = true -> 0 < tval t ix.
Proof.
  unfold positive_term. intros H. apply andb_prop in H as [H Hf]. apply andb_prop in H as [Hn Ho].
  destruct (index_eqb_spec (over t) []) as [E|]; [|easy]. unfold term_val. rewrite E. cbn [sizes map box sum].
  apply Rmult_lt_0_compat.
  - unfold ratio; cbn [fst snd]. apply Rdiv_lt_0_compat; [apply IZR_lt; now apply Z.ltb_lt|apply IZR_lt; lia].
  - rewrite Rplus_0_r, app_nil_r. revert Hf. generalize (factors t). intros fs.
    induction fs as [|[k q|d] fs IH]; cbn [product forallb]; [lra| |easy].
    intros H. apply andb_prop in H as [Hk Hf]. apply Rmult_lt_0_compat; auto. now apply (is_positive_sound deep).
Qed.
Lemma positive_sum_sound o q k v : positive_sum o q k = true -> In v (boxs o) -> 0 < A k (pick v q).
Proof.
  unfold positive_sum. destruct (meaning k) as [[en s]|] eqn:E; [|easy]. pose proof (known _ _ _ E) as Hk.
  destruct en as [| | |[|t p]]; try easy. intros H Hv. apply andb_prop in H as [H Hp].
  apply andb_prop in H as [Hb Hs]. destruct (index_eqb_spec (pick o q) s) as [<-|]; [|easy]. cbn [holds] in Hk.
  rewrite Hk by now apply pick_in. clear Hk E. unfold poly_val.
  assert (H0 : forall p, forallb positive_term p = true -> 0 <= sum p (fun t => tval t (pick v q))).
  { intros l Hl. apply sum_ge0. intros u Hu. rewrite forallb_forall in Hl. left. now apply positive_term_sound, Hl. }
  cbn [forallb] in Hp. apply andb_prop in Hp as [Ht Hp]. cbn [sum].
  pose proof (positive_term_sound t (pick v q) Ht). specialize (H0 p Hp). lra.
Qed.
Lemma inverse_sound o g j q v : inverse_of o g = Some (j, q) -> In v (boxs o) -> fval v g * A j (pick v q) = 1.
Proof.
  unfold inverse_of. destruct g as [k q'|]; [|easy]. destruct (meaning k) as [[en s]|] eqn:E; [|easy].
  pose proof (known _ _ _ E) as Hk. destruct en as [| |f i|]; try easy. destruct f; try easy.
  destruct (is_positive deep i || positive_sum o q' i) eqn:Ep; [|easy]. intros H Hv. injection H as <- <-.
  cbn [holds] in Hk. cbn [factor_val]. rewrite Hk. cbn [app1]. assert (0 < A i (pick v q')).
  { apply orb_prop in Ep as [Ep|Ep]; [now apply (is_positive_sound deep)|now apply (positive_sum_sound o)]. }
  field. lra.
Qed.
Lemma cancel_sound o v : In v (boxs o) -> forall fuel fs, prod (cancel o fuel fs) v = prod fs v.
Proof.
  intros Hv. induction fuel as [|fuel IH]; intros fs; auto. destruct fs as [|g fs]; auto. cbn [cancel].
  destruct (inverse_of o g) as [[j q]|] eqn:Eg.
  - destruct (take_out j q fs) as [gs|] eqn:Et.
    + rewrite IH. cbn [product]. rewrite (product_perm rho A _ _ v (take_out_product _ _ _ _ Et)).
      cbn [product factor_val]. rewrite <- Rmult_assoc, (inverse_sound o _ _ _ v Eg Hv). ring.
    + cbn [product]. now rewrite IH.
  - destruct g as [j q|d]; [|cbn [product]; now rewrite IH].
    match goal with |- context [pick_out ?f fs] => destruct (pick_out f fs) as [[x gs]|] eqn:Ep end.
    + rewrite IH. destruct (pick_out_product _ _ _ _ Ep) as (h & Hh & Hp).
      cbn [product]. rewrite (product_perm rho A _ _ v Hp). cbn [product].
      destruct (inverse_of o h) as [[i q']|] eqn:Eh; [|easy].
      destruct (Pos.eqb_spec i j) as [->|]; [|easy]. destruct (index_eqb_spec q' q) as [->|]; [|easy].
      rewrite <- Rmult_assoc. cbn [factor_val]. rewrite (Rmult_comm (A j _)), (inverse_sound o _ _ _ v Eh Hv). ring.
    + cbn [product]. now rewrite IH.
Qed.

Lemma outer_sum n d o o' fs : tval (Term n d (o ++ o') fs) []
  = sum (boxs o) (fun u => tval (Term n d o' fs) u).
Proof.
  unfold term_val; cbn [num denom over factors]. rewrite sizes_app, sum_box_app, <- sum_scal.
  apply sum_ext. intros u _. reflexivity.
Qed.
Lemma unfold_term_sound t : pval (unfold_term t) [] = tval t [].
Proof.
  unfold unfold_term. set (fs := cancel _ _ _).
  assert (Hf : tval (Term (num t) (denom t) (over t) fs) [] = tval t []).
  { unfold term_val; cbn [num denom over factors]. f_equal. apply sum_ext. intros u Hu. now apply cancel_sound. }
  assert (Hsame : pval [Term (num t) (denom t) (over t) fs] [] = tval t []).
  { unfold poly_val. cbn [sum]. rewrite Hf. ring. }
  destruct (pick_out (sum_of (over t)) fs) as [[[p q] rest]|] eqn:Ep; [|exact Hsame].
  destruct (within (length (over t)) rest) eqn:Hw; [|exact Hsame]. rewrite <- Hf.
  destruct (pick_out_product _ _ _ _ Ep) as (g & Hg & Hp).
  destruct g as [k q'|]; simpl in Hg; [|easy]. destruct (meaning k) as [[en s]|] eqn:Ek; [|easy].
  specialize (known _ _ _ Ek). destruct en as [| | |p']; try easy.
  destruct (below (length (over t)) q') eqn:Hb; [|easy].
  destruct (index_eqb_spec (pick (over t) q') s) as [<-|]; [|easy]. simpl in Hg. injection Hg as -> ->.
  cbn [holds] in known. set (o := over t) in *.
  unfold poly_val. rewrite sum_map.
  transitivity (sum p (fun u => sum (boxs o) (fun v =>
    tval (Term (num t) (denom t) [] rest) v * tval u (pick v q)))).
  - apply sum_ext. intros u _. cbv zeta. rewrite outer_sum. apply sum_ext. intros v Hv.
    pose proof (box_length rho _ _ Hv) as Lv.
    set (w := mul_terms _ _ _).
    replace (Term (num w) (denom w) (over w) (factors w)) with w by (now destruct w).
    unfold w. rewrite mul_terms_val; [|exact Lv|cbn [over factors length]; rewrite Nat.add_0_r; exact Hw].
    f_equal. rewrite <- Lv. apply pull_term_val. now rewrite Lv.
  - rewrite sum_swap. unfold term_val at 3; cbn [num denom over factors]. fold o.
    rewrite <- sum_scal. apply sum_ext. intros v Hv. rewrite sum_scal.
    pose proof (box_length rho _ _ Hv) as Lv.
    rewrite (product_perm rho A _ _ _ Hp). cbn [product factor_val app].
    rewrite (known (pick v q)) by (apply pick_in; auto).
    unfold term_val at 1; cbn [num denom over factors]. cbn [sizes map box sum].
    rewrite app_nil_r. unfold poly_val. ring.
Qed.
Theorem unfolded_sound fuel : forall p, pval (unfolded fuel p) [] = pval p [].
Proof.
  induction fuel as [|fuel IH]; intros p; auto. destruct p as [|t p]; auto.
  change (pval (if Nat.leb (length (t :: p)) most
                then unfolded fuel (collect (map (tidy fix_ 0) (flat_map unfold_term (t :: p)))) else t :: p) []
          = pval (t :: p) []).
  destruct (Nat.leb _ most); [|reflexivity].
  rewrite IH, collect_val. unfold poly_val at 1. rewrite sum_map.
  rewrite (sum_ext _ _ (fun t => tval t [])) by (intros; now apply (tidy_val rho A fix_ fixed 0)).
  rewrite sum_flat_map. unfold poly_val. apply sum_ext. intros u _. apply unfold_term_sound.
Qed.
End Sound.
End Unfold.
