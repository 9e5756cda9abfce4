(** * Moments

    Under independent noise, the mean of a product is the product of the means: a normal number that a
    term reads once makes the term vanish in the mean, and one that it reads twice may be left out.  The logarithm of
    a uniform number has the mean -1, and its square the mean 2.  That is how the compiler integrates costs in closed form.  [means] does so with a sum of products
    ([Poly.v]), draw by draw. *)
From Coq Require Import Reals Lra Lia List Bool Arith ZArith PArith FMapPositive.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Tensor Scalar Op Program Expect Graph Draws Poly Number Unfold.
From Sgc Require Import Measure Line Calculus Normal Laws Transport Growth.
Import ListNotations.
Open Scope R_scope.

(** ** Functions of the trace that are integrable whatever they are multiplied with *)
Section Nice.
Variable K : coord -> expectation R.
Variable cs : list coord.
Hypothesis K_tame : forall c, tame_base (K c).
Hypothesis distinct : NoDup cs.

Definition nice (F : trace -> R) : Prop :=
  (exists C k, 0 <= C /\ 0 <= k /\ forall tr, Rabs (F tr) <= C * exp (k * spread cs tr)) /\
  forall c, continuous_in F c.

Lemma nice_int F tr : nice F -> Int (drawE K cs tr) F.
Proof.
  intros [(C & k & HC & Hk & Hb) Hc]. apply (tame_int K K_tame cs k distinct Hk F C tr HC); auto.
Qed.
Lemma spread_pos tr : 0 <= spread cs tr.
Proof. apply sum_ge0. intros; apply gauge_ge0. Qed.
Lemma nice_ext F G : (forall tr, F tr = G tr) -> nice F -> nice G.
Proof.
  intros E [(C & k & HC & Hk & Hb) Hc]. split.
  - exists C, k. repeat split; auto. intros tr. rewrite <- E. apply Hb.
  - intros c tr v Hv. apply (continuity_pt_ext (fun v => F (set tr c v))); [auto|now apply Hc].
Qed.
Lemma nice_const a : nice (fun _ => a).
Proof.
  split; [|intros c tr v _; apply continuity_pt_const; now intros x y].
  exists (Rabs a), 0. repeat split; [apply Rabs_pos|lra|]. intros tr. rewrite Rmult_0_l, exp_0. lra.
Qed.
Lemma nice_mult F G : nice F -> nice G -> nice (fun tr => F tr * G tr).
Proof.
  intros [(C & k & HC & Hk & Hb) Hc] [(C' & k' & HC' & Hk' & Hb') Hc']. split.
  - exists (C * C'), (k + k'). repeat split; [nra|lra|]. intros tr.
    rewrite Rabs_mult, Rmult_plus_distr_r, exp_plus.
    replace (C * C' * (exp (k * spread cs tr) * exp (k' * spread cs tr)))
      with (C * exp (k * spread cs tr) * (C' * exp (k' * spread cs tr))) by ring.
    apply Rmult_le_compat; auto using Rabs_pos.
  - intros c tr v Hv. apply (continuity_pt_mult (fun v => F (set tr c v)) (fun v => G (set tr c v))); [now apply Hc|now apply Hc'].
Qed.
Lemma nice_plus F G : nice F -> nice G -> nice (fun tr => F tr + G tr).
Proof.
  intros [(C & k & HC & Hk & Hb) Hc] [(C' & k' & HC' & Hk' & Hb') Hc']. split.
  - exists (C + C'), (k + k'). repeat split; [lra|lra|]. intros tr.
    eapply Rle_trans; [apply Rabs_triang|]. specialize (Hb tr). specialize (Hb' tr).
    pose proof (spread_pos tr).
    assert (exp (k * spread cs tr) <= exp ((k + k') * spread cs tr)) by (apply exp_le; nra).
    assert (exp (k' * spread cs tr) <= exp ((k + k') * spread cs tr)) by (apply exp_le; nra).
    nra.
  - intros c tr v Hv. apply (continuity_pt_plus (fun v => F (set tr c v)) (fun v => G (set tr c v))); [now apply Hc|now apply Hc'].
Qed.
Lemma nice_sum {A} (l : list A) (F : A -> trace -> R) : (forall a, In a l -> nice (F a)) ->
  nice (fun tr => sum l (fun a => F a tr)).
Proof.
  induction l as [|a l IH]; cbn [sum]; intros H; [apply nice_const|]. apply nice_plus; auto.
  - apply H. now left.
  - apply IH. intros; apply H. now right.
Qed.
End Nice.

(** ** The logarithm of a uniform number *)
Lemma exp_beats x : 0 < x -> (x * x + 2 * x + 2) * exp (- (1 * x)) <= 16 * exp (- (/ 2 * x)).
Proof.
  intros H. replace (- (/ 2 * x)) with (- (1 * x) + (x / 4 + x / 4)) by field. rewrite (exp_plus (- (1 * x))), exp_plus.
  pose proof (exp_ineq1_le (x / 4)) as E. pose proof (exp_pos (- (1 * x))) as P.
  assert ((1 + x / 4) * (1 + x / 4) <= exp (x / 4) * exp (x / 4)) by (apply Rmult_le_compat; lra).
  replace (16 * (exp (- (1 * x)) * (exp (x / 4) * exp (x / 4)))) with (16 * (exp (x / 4) * exp (x / 4)) * exp (- (1 * x))) by ring.
  apply Rmult_le_compat_r; nra.
Qed.
Lemma beaten (F : R -> R) : (forall x, 0 < x -> Rabs (F x) <= (x * x + 2 * x + 2) * exp (- (1 * x))) -> tends_up F 0.
Proof.
  intros HF e He. destruct (exp_vanishes 16 (/ 2) ltac:(lra) ltac:(lra) e He) as [M HM].
  exists (Rmax M 1). intros x Hx. assert (H1 : M < x /\ 0 < x) by (pose proof (Rmax_l M 1); pose proof (Rmax_r M 1); lra).
  specialize (HM x (proj1 H1)). pose proof (exp_beats x (proj2 H1)). specialize (HF x (proj2 H1)).
  pose proof (exp_pos (- (/ 2 * x))). rewrite Rminus_0_r in *. rewrite Rabs_left in HM by lra. lra.
Qed.
Lemma log_moment (f F : R -> R) (m : R) : (forall x, continuity_pt f x) -> (forall x, is_derive F x (exp (- (1 * x)) * f x)) ->
  (forall x, 0 < x -> 0 <= f x) -> (forall x, 0 < x -> Rabs (F x) <= (x * x + 2 * x + 2) * exp (- (1 * x))) -> F 0 = - m ->
  Int unitE (fun u => f (- ln u)) /\ Ex unitE (fun u => f (- ln u)) = m.
Proof.
  intros cf dF f0 HF F0. destruct (exponential_carries 1 Rlt_0_1 f) as [[H1 _] H2].
  destruct (Ex_above (fun x => exp (- (1 * x)) * f x) F 0 0) as [I E]; auto.
  - intros x. apply (continuity_pt_mult (fun x => exp (- (1 * x))) f); auto.
    apply (derive_continuity _ _ (- exp (- (1 * x)))). auto_derive; auto. ring.
  - intros x Hx. apply Rmult_le_pos; [left; apply exp_pos|auto].
  - now apply beaten.
  - assert (Eq : forall x, exp (- (1 * x)) * f x * above 0 x = above 0 x * (exp (exponential_log_pdf 1 x) * f x)).
    { intros x. unfold exponential_log_pdf. rewrite ln_1. replace (0 - 1 * x) with (- (1 * x)) by ring. ring. }
    assert (Il : Int (lawE (exponential 1 Rlt_0_1)) f) by exact (Int_ext leb _ _ Eq I).
    assert (ET : forall u, f (- ln u / 1) = f (- ln u)) by (intros u; f_equal; field).
    split; [exact (Int_ext unitE _ _ ET (H1 Il))|]. rewrite <- (Ex_ext unitE _ _ ET), <- (H2 Il).
    transitivity (Ex leb (fun x => exp (- (1 * x)) * f x * above 0 x)); [symmetry; exact (Ex_ext leb _ _ Eq)|].
    rewrite E, F0. ring.
Qed.
Lemma log_mean : Int unitE ln /\ Ex unitE ln = -1.
Proof.
  destruct (log_moment (fun x => x) (fun x => - (x + 1) * exp (- (1 * x))) 1) as [I E].
  - intros x. apply derivable_continuous, derivable_id.
  - intros x. auto_derive; auto. ring.
  - intros; lra.
  - intros x H. pose proof (exp_pos (- (1 * x))). rewrite Rabs_left1 by nra. nra.
  - cbv beta. replace (- (1 * 0)) with 0 by ring. rewrite exp_0. field.
  - assert (Eq : forall u, -1 * - ln u = ln u) by (intros; ring).
    split; [exact (Int_ext unitE _ _ Eq (Int_scal unitE (-1) _ I))|].
    rewrite <- (Ex_ext unitE _ _ Eq), Ex_scal, E by exact I. ring.
Qed.
Lemma log_variance : Int unitE (fun u => ln u * ln u) /\ Ex unitE (fun u => ln u * ln u) = 2.
Proof.
  destruct (log_moment (fun x => x * x) (fun x => - (x * x + 2 * x + 2) * exp (- (1 * x))) 2) as [I E].
  - intros x. apply (derive_continuity _ _ (2 * x)). auto_derive; auto. ring.
  - intros x. auto_derive; auto. ring.
  - intros; nra.
  - intros x H. pose proof (exp_pos (- (1 * x))). rewrite Rabs_left1 by nra. nra.
  - cbv beta. replace (- (1 * 0)) with 0 by ring. rewrite exp_0. field.
  - assert (Eq : forall u, - ln u * - ln u = ln u * ln u) by (intros; ring).
    split; [exact (Int_ext unitE _ _ Eq I)|]. now rewrite <- (Ex_ext unitE _ _ Eq).
Qed.

(** ** The mean over one number *)
Section Mean.
Variable K : coord -> expectation R.

Theorem moment c (g : trace -> R) (h : R -> R) mu cs : In c cs -> NoDup cs -> ignores g c ->
  Int (K c) (fun _ => 1) /\ Ex (K c) (fun _ => 1) = 1 -> Int (K c) h -> Ex (K c) h = mu ->
  forall tr, Int (drawE K cs tr) g ->
  Ex (drawE K cs tr) (fun tr => g tr * h (get tr c)) = mu * Ex (drawE K cs tr) g.
Proof.
  intros Hin Hd Hg [M1 M2] Ih Eh. induction cs as [|b cs IH]; [destruct Hin|].
  inversion_clear Hd as [|? ? Hn Hd']. intros tr [Ig1 Ig2]. cbn [drawE Ex mapE bindE snd] in *.
  destruct Hin as [->|Hin].
  - set (m := Ex (drawE K cs tr) g).
    assert (Hm : forall v, Ex (drawE K cs (set tr c v)) g = m).
    { intros v. rewrite (proj1 (drawE_set K c cs Hn tr v g)). apply Ex_ext. intros tr'. apply Hg. }
    transitivity (Ex (K c) (fun v => m * h v)).
    + apply Ex_ext. intros v. rewrite <- (Hm v), Rmult_comm, <- Ex_scal by apply Ig1.
      apply drawE_ext. intros tr' Hr. cbv beta.
      rewrite (reaches_ignores (fun tr => get tr c) cs (set tr c v) tr'); auto.
      * rewrite get_set_same. ring.
      * intros b Hb. apply ignores_get. intros ->. contradiction.
    + assert (Em : Ex (K c) (fun v => Ex (drawE K cs (set tr c v)) g) = m).
      { transitivity (Ex (K c) (fun _ => m * 1)); [apply Ex_ext; intros v; rewrite Hm; ring|].
        rewrite Ex_scal, M2 by exact M1. ring. }
      transitivity (mu * m); [rewrite Ex_scal, Eh by exact Ih; ring|]. f_equal. symmetry. exact Em.
  - rewrite <- Ex_scal by exact Ig2. apply Ex_ext. intros v. apply IH; auto.
Qed.
End Mean.

(** ** The mean of a sum of products *)
Definition holders := PositiveMap.t (nat * shape).   (** slots whose values atoms are *)
Section Terms.
Variable M : meanings.
Variable H : holders.
Definition holder (k : positive) : option (nat * shape) := PositiveMap.find k H.

(** All factors are slots, read inside their shapes. *)
Definition held (t : term) : bool :=
  forallb (fun g => match g with
                    | Read k q => match holder k with
                                  | Some (_, s) => below (length (over t)) q && index_eqb (pick (over t) q) s
                                  | None => false end
                    | Extent _ => true end) (factors t).

Section Draw.
Variable j : nat.
Variable s : shape.           (** of draw [j] *)
Variable touched : list bool. (** the slots that read it *)
Definition is_draw (g : factor) : option (list nat) :=
  match g with
  | Read k q =>
      match meaning M k, holder k with
      | Some (Apply (Sample i _) [], s1), Some (_, s2) =>
          if Nat.eqb i j && index_eqb s1 s && index_eqb s2 s then Some q else None
      | _, _ => None
      end
  | Extent _ => None
  end.
(** The logarithm of the draw. *)
Definition is_log (g : factor) : option (list nat) :=
  match g with
  | Read k q =>
      match meaning M k, holder k with
      | Some (Point Log k', _), Some (_, s2) =>
          match meaning M k' with
          | Some (Apply (Sample i _) [], s1) =>
              if Nat.eqb i j && index_eqb s1 s && index_eqb s2 s then Some q else None
          | _ => None
          end
      | _, _ => None
      end
  | Extent _ => None
  end.
Definition is_read (logs : bool) (g : factor) : option (list nat) := if logs then is_log g else is_draw g.
Fixpoint reads_in (logs : bool) (fs : list factor) : list (list nat) * list factor :=
  match fs with
  | [] => ([], [])
  | g :: fs => let '(qs, rest) := reads_in logs fs in
               match is_read logs g with Some q => (q :: qs, rest) | None => (qs, g :: rest) end
  end.
Definition draws_in : list factor -> list (list nat) * list factor := reads_in false.
Definition free (g : factor) : bool :=
  match g with
  | Read k _ => match holder k with Some (i, _) => negb (nth i touched true) | None => false end
  | Extent _ => true
  end.
(** Of a normal number, or of the logarithm of a uniform one. *)
Definition mean_term (logs : bool) (t : term) : option term :=
  match reads_in logs (factors t) with
  | ([], _) => Some t
  | ([_], rest) =>
      if forallb free rest then Some (if logs then Term (- num t) (denom t) (over t) rest else Term 0 1 [] []) else None
  | ([q; q'], rest) =>
      if index_eqb q q' && forallb free rest
      then Some (Term (if logs then 2 * num t else num t) (denom t) (over t) rest) else None
  | _ => None
  end.
End Draw.

Section Sound.
Variable rho : dim -> nat.
Variable e : env.
Variable K : coord -> expectation R.
Variable cs : list coord.
Variable V : trace -> env.   (** the values of slots *)
Notation boxs s := (box (sizes rho s)).
Hypothesis K_tame : forall c, tame_base (K c).
Hypothesis distinct : NoDup cs.
Hypothesis known : forall tr, exists A, (forall k en s, meaning M k = Some (en, s) -> holds rho tr e A en s k) /\
  forall k i s, holder k = Some (i, s) -> forall ix, In ix (boxs s) -> V tr i ix = A k ix.
Hypothesis V_nice : forall k i s, holder k = Some (i, s) -> forall ix, In ix (boxs s) ->
  nice cs (fun tr => V tr i ix).

Definition atom_of (tr : trace) : atoms := fun k => match holder k with Some (i, _) => V tr i | None => zero end.
Notation tval tr := (term_val rho (atom_of tr)).
Notation prod tr := (product rho (atom_of tr)).

Lemma product_nice (o : shape) fs u : held (Term 1 1 o fs) = true -> In u (boxs o) ->
  nice cs (fun tr => prod tr fs u).
Proof.
  unfold held; cbn [over factors]. intros Hh Hu. induction fs as [|g fs IH]; cbn [product]; [apply nice_const|].
  cbn [forallb] in Hh. apply andb_prop in Hh as [Hg Hh]. apply nice_mult; auto.
  destruct g as [k q|d]; cbn [factor_val]; [|apply nice_const]. unfold atom_of.
  destruct (holder k) as [[i s]|] eqn:E; [|easy]. apply andb_prop in Hg as [Hb Hp].
  destruct (index_eqb_spec (pick o q) s) as [<-|]; [|easy]. eapply V_nice; eauto. now apply pick_in.
Qed.
Lemma held_coefficient n d o fs : held (Term n d o fs) = held (Term 1 1 o fs).
Proof. reflexivity. Qed.
Lemma term_nice t : held t = true -> nice cs (fun tr => tval tr t []).
Proof.
  intros Hh. destruct t as [n d o fs]. unfold term_val; cbn [num denom over factors].
  apply nice_mult; [apply nice_const|]. apply nice_sum. intros u Hu. cbn [app].
  now apply (product_nice o).
Qed.

Section Reads.
Variable j : nat.
Variable s : shape.
Lemma is_draw_value o g q v tr : is_draw j s g = Some q -> held (Term 1 1 o [g]) = true -> In v (boxs o) ->
  factor_val rho (atom_of tr) v g = tr j (pick v q) /\ In (pick v q) (boxs s).
Proof.
  unfold is_draw, held; cbn [forallb over factors]. destruct g as [k p|]; [|easy]. unfold factor_val, atom_of.
  destruct (meaning M k) as [[en s1]|] eqn:Em; [|easy]. destruct en as [|op ks| |]; try easy.
  destruct op; try easy. destruct ks; [|easy]. destruct (holder k) as [[i s2]|] eqn:Eh; [|easy].
  destruct (Nat.eqb_spec j0 j) as [->|]; [|easy]. destruct (index_eqb_spec s1 s) as [->|]; [|easy].
  destruct (index_eqb_spec s2 s) as [->|]; [|easy]. intros E. injection E as ->. intros Hh Hv.
  rewrite andb_true_r in Hh. apply andb_prop in Hh as [Hb Hp].
  destruct (index_eqb_spec (pick o q) s) as [<-|]; [|easy].
  assert (Hin : In (pick v q) (boxs (pick o q))) by now apply pick_in.
  split; auto. destruct (known tr) as (A & HA & HV). rewrite (HV k i _ Eh _ Hin).
  exact (HA k _ _ Em _ Hin).
Qed.
Lemma is_log_value o g q v tr : is_log j s g = Some q -> held (Term 1 1 o [g]) = true -> In v (boxs o) ->
  factor_val rho (atom_of tr) v g = ln (tr j (pick v q)) /\ In (pick v q) (boxs s).
Proof.
  unfold is_log, held; cbn [forallb over factors]. destruct g as [k p|]; [|easy]. unfold factor_val, atom_of.
  destruct (meaning M k) as [[en s0]|] eqn:Em; [|easy]. destruct en as [| |f k'|]; try easy. destruct f; try easy.
  destruct (holder k) as [[i s2]|] eqn:Eh; [|easy].
  destruct (meaning M k') as [[en' s1]|] eqn:Em'; [|easy]. destruct en' as [|op ks| |]; try easy.
  destruct op; try easy. destruct ks; [|easy].
  destruct (Nat.eqb_spec j0 j) as [->|]; [|easy]. destruct (index_eqb_spec s1 s) as [->|]; [|easy].
  destruct (index_eqb_spec s2 s) as [->|]; [|easy]. intros E. injection E as ->. intros Hh Hv.
  rewrite andb_true_r in Hh. apply andb_prop in Hh as [Hb Hp].
  destruct (index_eqb_spec (pick o q) s) as [<-|]; [|easy].
  assert (Hin : In (pick v q) (boxs (pick o q))) by now apply pick_in.
  split; auto. destruct (known tr) as (A & HA & HV). rewrite (HV k i _ Eh _ Hin).
  rewrite (HA k _ _ Em (pick v q)). cbn [app1]. f_equal. exact (HA k' _ _ Em' _ Hin).
Qed.
Definition noise_read (logs : bool) (x : R) : R := if logs then ln x else x.
Lemma is_read_value logs o g q v tr : is_read j s logs g = Some q -> held (Term 1 1 o [g]) = true -> In v (boxs o) ->
  factor_val rho (atom_of tr) v g = noise_read logs (tr j (pick v q)) /\ In (pick v q) (boxs s).
Proof. destruct logs; [apply is_log_value|apply is_draw_value]. Qed.
Lemma held_cons o g fs : held (Term 1 1 o (g :: fs)) = held (Term 1 1 o [g]) && held (Term 1 1 o fs).
Proof. unfold held; cbn [forallb over factors]. now rewrite andb_true_r. Qed.
Lemma reads_in_sound logs o fs : forall qs rest, reads_in j s logs fs = (qs, rest) -> held (Term 1 1 o fs) = true ->
  held (Term 1 1 o rest) = true /\
  forall v, In v (boxs o) -> (forall q, In q qs -> In (pick v q) (boxs s)) /\
    forall tr, prod tr fs v = fold_right (fun q x => noise_read logs (tr j (pick v q)) * x) 1 qs * prod tr rest v.
Proof.
  induction fs as [|g fs IH]; cbn [reads_in]; intros qs rest E Hh.
  - injection E as <- <-. split; auto. intros v Hv. split; [easy|]. intros tr. cbn. ring.
  - rewrite held_cons in Hh. apply andb_prop in Hh as [Hg Hh].
    destruct (reads_in j s logs fs) as [qs' rest'] eqn:Ed. destruct (IH _ _ eq_refl Hh) as [I1 I2].
    destruct (is_read j s logs g) as [q|] eqn:Eg; injection E as <- <-.
    + split; auto. intros v Hv. destruct (I2 v Hv) as [J1 J2]. split.
      * intros q' [<-|Hq]; auto. now apply (is_read_value logs o g q v (fun _ => zero)).
      * intros tr. cbn [product fold_right]. rewrite J2, (proj1 (is_read_value logs o g q v tr Eg Hg Hv)). ring.
    + split; [now rewrite held_cons, Hg, I1|]. intros v Hv. destruct (I2 v Hv) as [J1 J2]. split; auto.
      intros tr. cbn [product]. rewrite J2. ring.
Qed.
End Reads.

Section Draw.
Variable j : nat.
Variable s : shape.
Variable touched : list bool.
Hypothesis in_cs : forall ix, In ix (boxs s) -> In (j, ix) cs.
Variable logs : bool.
Hypothesis noise_at : forall ix, In ix (boxs s) -> K (j, ix) = if logs then unitE else normalE.
Hypothesis untouched : forall i, nth i touched true = false -> forall ix, ignores (fun tr => V tr i) (j, ix).

Lemma free_ignores fs v ix : forallb (free touched) fs = true -> ignores (fun tr => prod tr fs v) (j, ix).
Proof.
  induction fs as [|g fs IH]; cbn [forallb product]; intros Hf; [easy|]. apply andb_prop in Hf as [Hg Hf].
  apply (ignores_2 Rmult (fun tr => factor_val rho (atom_of tr) v g)); auto.
  destruct g as [k q|d]; cbn [factor_val]; [|easy]. unfold free in Hg. intros tr x. unfold atom_of.
  destruct (holder k) as [[i s']|]; [|easy]. destruct (nth i touched true) eqn:Et; [easy|].
  pose proof (untouched i Et ix tr x) as Hu. cbv beta in Hu. now rewrite Hu.
Qed.

Notation law := (drawE K cs (fun _ => zero)).
Lemma mean_term_sound t t' : mean_term j s touched logs t = Some t' -> held t = true ->
  Ex law (fun tr => tval tr t []) = Ex law (fun tr => tval tr t' []).
Proof.
  destruct t as [n d o fs]. rewrite held_coefficient. unfold mean_term; cbn [num denom over factors].
  destruct (reads_in j s logs fs) as [qs rest] eqn:Ed. intros E Hh.
  destruct (reads_in_sound j s logs o fs qs rest Ed Hh) as [Hr Hv].
  set (E0 := if logs then unitE else normalE) in *.
  assert (Hmass : Int E0 (fun _ => 1) /\ Ex E0 (fun _ => 1) = 1) by (unfold E0; destruct logs; [apply unit_mass|apply normal_mass]).
  assert (Hone : forall h mu, Int E0 h -> Ex E0 h = mu -> forallb (free touched) rest = true ->
    forall q, (forall v, In v (boxs o) -> In (pick v q) (boxs s)) ->
    (forall v, In v (boxs o) -> forall tr, prod tr fs v = prod tr rest v * h (tr j (pick v q))) ->
    (forall v, In v (boxs o) -> nice cs (fun tr => prod tr fs v)) ->
    Ex law (fun tr => tval tr (Term n d o fs) []) =
    mu * Ex law (fun tr => tval tr (Term n d o rest) [])).
  { intros h mu Ih Eh Hf q Hq Hp Hn. unfold term_val; cbn [num denom over factors app].
    assert (Hn' : forall v, In v (boxs o) -> nice cs (fun tr => prod tr rest v))
      by (intros v Hv'; now apply (product_nice o)).
    destruct (Int_sum law (boxs o) (fun v tr => prod tr fs v)) as [S1 S2].
    { intros v Hv'. apply nice_int; auto. }
    destruct (Int_sum law (boxs o) (fun v tr => prod tr rest v)) as [T1 T2].
    { intros v Hv'. apply nice_int; auto. }
    rewrite !Ex_scal, S2, T2 by assumption. rewrite <- Rmult_assoc, (Rmult_comm mu), Rmult_assoc. f_equal.
    rewrite <- sum_scal. apply sum_ext. intros v Hv'.
    rewrite (Ex_ext law _ (fun tr => prod tr rest v * h (get tr (j, pick v q)))) by (intros tr; now apply Hp).
    apply (moment K (j, pick v q)); auto.
    - now apply free_ignores.
    - rewrite noise_at by auto. exact Hmass.
    - now rewrite noise_at by auto.
    - now rewrite noise_at by auto.
    - apply nice_int; auto. }
  assert (Hfn : forall v, In v (boxs o) -> nice cs (fun tr => prod tr fs v))
    by (intros v Hv'; now apply (product_nice o)).
  assert (Scale : forall z, Ex law (fun tr => tval tr (Term (z * n) d o rest) []) =
    IZR z * Ex law (fun tr => tval tr (Term n d o rest) [])).
  { intros z. rewrite <- Ex_scal.
    - apply Ex_ext. intros tr. unfold term_val, ratio; cbn [num denom over factors fst snd]. rewrite mult_IZR. unfold Rdiv. ring.
    - apply nice_int; auto. apply term_nice. now rewrite held_coefficient. }
  destruct qs as [|q [|q' [|? ?]]]; try easy.
  - injection E as <-. reflexivity.
  - destruct (forallb (free touched) rest) eqn:Ef; [|easy]. injection E as <-.
    assert (Hq : forall v, In v (boxs o) -> In (pick v q) (boxs s)) by (intros v Hv'; apply (proj1 (Hv v Hv')); now left).
    unfold E0 in Hone. destruct logs eqn:El.
    + destruct log_mean as [I1 E1]. rewrite (Hone ln (-1) I1 E1 eq_refl q Hq); auto.
      * change (- n)%Z with (Z.opp n). replace (Z.opp n) with (-1 * n)%Z by lia. now rewrite Scale.
      * intros v Hv' tr. rewrite (proj2 (Hv v Hv') tr). cbn [fold_right noise_read]. ring.
    + destruct normal_mean as [I1 E1]. rewrite (Hone (fun x => x) 0 I1 E1 eq_refl q Hq); auto.
      * rewrite Rmult_0_l. symmetry. apply Ex_none. intros tr. now apply term_val_zero.
      * intros v Hv' tr. rewrite (proj2 (Hv v Hv') tr). cbn [fold_right noise_read]. ring.
  - destruct (index_eqb_spec q q') as [<-|]; [|easy].
    destruct (forallb (free touched) rest) eqn:Ef; [|easy]. injection E as <-.
    assert (Hq : forall v, In v (boxs o) -> In (pick v q) (boxs s)) by (intros v Hv'; apply (proj1 (Hv v Hv')); now left).
    unfold E0 in Hone. destruct logs eqn:El.
    + destruct log_variance as [I2 E2]. rewrite (Hone (fun x => ln x * ln x) 2 I2 E2 eq_refl q Hq); auto.
      * symmetry. exact (Scale 2%Z).
      * intros v Hv' tr. rewrite (proj2 (Hv v Hv') tr). cbn [fold_right noise_read]. ring.
    + destruct normal_variance as [I2 E2]. rewrite (Hone (fun x => x * x) 1 I2 E2 eq_refl q Hq); auto; [ring|].
      intros v Hv' tr. rewrite (proj2 (Hv v Hv') tr). cbn [fold_right noise_read]. ring.
Qed.
End Draw.
End Sound.
End Terms.
