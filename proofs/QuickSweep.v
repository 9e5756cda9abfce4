(** * Kinks of large graphs

    The analyses of [Kinked.v] and [Sweep.v] with search trees, as in [Quick.v]: where they say yes, so do
    those. *)
From Coq Require Import List Bool Arith NArith PArith FMapPositive Lia.
From Sgc Require Import Tensor Op Program Graph Defined Number Certificate Fast Tame Quick Depend Kinked Sweep.
Import ListNotations.

Fixpoint quick_scan_kinked (p : bprogram) (n : N) (mm : PositiveMap.t facts) : option (PositiveMap.t facts) :=
  match p with
  | [] => Some mm
  | (o, ps) :: p =>
      match judge_kinked o (map (get unknown mm) ps) with
      | Some f => quick_scan_kinked p (N.succ n) (store mm n f)
      | None => None
      end
  end.
Lemma quick_scan_kinked_sound p : forall n mm fs mm', held unknown n mm fs -> quick_scan_kinked p n mm = Some mm' ->
  exists n' fs', scan_kinked (plain_program p) fs = Some fs' /\ held unknown n' mm' fs'.
Proof.
  induction p as [|[o ps] p IH]; cbn [plain_program map scan_kinked quick_scan_kinked plain_node fst snd];
    intros n mm fs mm' H E; [injection E as <-; eauto|].
  rewrite (held_map _ _ _ _ ps H).
  destruct (judge_kinked o _) as [f|]; [|easy]. eapply IH; [|exact E]. now apply held_snoc.
Qed.

Fixpoint quick_deps (p : bprogram) (n : N) (mm : PositiveMap.t deps) : PositiveMap.t deps :=
  match p with
  | [] => mm
  | (o, ps) :: p => quick_deps p (N.succ n) (store mm n (op_deps o (map (get [] mm) ps)))
  end.
Lemma quick_deps_sound p : forall n mm ds, held (A := deps) [] n mm ds ->
  exists n', held (A := deps) [] n' (quick_deps p n mm) (deps_of (plain_program p) ds).
Proof.
  induction p as [|[o ps] p IH]; cbn [plain_program map deps_of quick_deps plain_node fst snd]; intros n mm ds H; [eauto|].
  rewrite (held_map (A := deps) _ _ _ _ ps H). apply IH. now apply held_snoc.
Qed.

Fixpoint quick_sweeps (positive_at : N -> bool) (dep_at : N -> deps) (p : bprogram) (n : N)
  (mm : PositiveMap.t (option nat)) : PositiveMap.t (option nat) :=
  match p with
  | [] => mm
  | (o, ps) :: p =>
      quick_sweeps positive_at dep_at p (N.succ n) (store mm n (op_sweeps positive_at dep_at (get None mm) o ps))
  end.
Section Plain.
Variables (positive_at : N -> bool) (dep_at : N -> deps) (p0 : nat -> bool) (d0 : nat -> deps).
Hypothesis Hp : forall k, positive_at k = p0 (N.to_nat k).
Hypothesis Hd : forall k, dep_at k = d0 (N.to_nat k).
Section At.
Variables (w : N -> option nat) (w0 : nat -> option nat).
Hypothesis Hw : forall k, w k = w0 (N.to_nat k).
Lemma beside_plain a b : beside dep_at w a b = beside d0 w0 (N.to_nat a) (N.to_nat b).
Proof. unfold beside, free_of. now rewrite Hw, Hd. Qed.
Lemma op_sweeps_plain o ps : op_sweeps positive_at dep_at w o ps = op_sweeps p0 d0 w0 o (map N.to_nat ps).
Proof.
  destruct o as [f|f|l|vs i j o|vs o|a d s|d|d|j s]; destruct ps as [|a1 [|a2 [|? ?]]]; try reflexivity;
    cbn [op_sweeps map]; rewrite ?Hw, ?Hp, ?beside_plain; reflexivity.
Qed.
Lemma kink_swept_plain smooth draws nd :
  kink_swept dep_at w smooth draws nd = kink_swept d0 w0 smooth draws (plain_node nd).
Proof.
  destruct nd as [o ps]. unfold plain_node; cbn [fst snd].
  assert (P : forall a b, parts dep_at w smooth draws a b = parts d0 w0 smooth draws (N.to_nat a) (N.to_nat b)).
  { intros a b. unfold parts. rewrite beside_plain. destruct (beside d0 w0 _ _); auto.
    unfold reads_once, is_last. now rewrite !Hd. }
  assert (M : forall a, misses dep_at w smooth draws a = misses d0 w0 smooth draws (N.to_nat a)).
  { intros a. unfold misses. rewrite Hw. destruct (w0 _); auto. unfold reads_once, is_last. now rewrite !Hd. }
  destruct o as [f|f|l|vs i j o|vs o|a d s|d|d|j s]; try reflexivity; destruct f; try reflexivity;
    destruct ps as [|a1 [|a2 [|? ?]]]; try reflexivity; cbn [kink_swept map]; now rewrite ?M, ?P.
Qed.
End At.
Lemma quick_sweeps_sound p : forall n mm ws, held None n mm ws ->
  exists n', held None n' (quick_sweeps positive_at dep_at p n mm) (sweeps p0 d0 (plain_program p) ws).
Proof.
  induction p as [|[o ps] p IH]; cbn [plain_program map sweeps quick_sweeps plain_node fst snd]; intros n mm ws H; [eauto|].
  apply IH. rewrite (op_sweeps_plain (get None mm) (in_list None ws)).
  - now apply held_snoc.
  - intros k. symmetry. apply H.
Qed.
End Plain.

(** Is every undecided slot one of which almost every draw misses the kink? *)
Fixpoint quick_kinks (ok : op * list N -> bool) (p : bprogram) (n : N) (mm : PositiveMap.t state) : bool :=
  match p with
  | [] => true
  | (o, ps) :: p =>
      let xs := map (get still mm) ps in
      let m := existsb moving xs in
      (if m && negb (safe o xs) then ok (o, ps) else true) &&
      quick_kinks ok p (N.succ n) (store mm n (State m (above o xs)))
  end.
Lemma quick_kinks_sound ok p : forall n mm fs, held still n mm fs -> quick_kinks ok p n mm = true ->
  forall k, In k (survey (plain_program p) fs) ->
  exists nd, nth_error p (k - length fs) = Some nd /\ (length fs <= k)%nat /\ ok nd = true.
Proof.
  induction p as [|[o ps] p IH]; cbn [plain_program map survey quick_kinks plain_node fst snd];
    intros n mm fs H E k Hk; [destruct Hk|].
  rewrite (held_map _ _ _ _ ps H) in Hk. apply andb_prop in E as [E1 E2].
  set (xs := map (get still mm) ps) in *. set (f := State (existsb moving xs) (above o xs)) in *.
  assert (Rest : In k (survey (plain_program p) (fs ++ [f])) ->
    exists nd, nth_error ((o, ps) :: p) (k - length fs) = Some nd /\ (length fs <= k)%nat /\ ok nd = true).
  { intros Hin. destruct (IH (N.succ n) (store mm n f) (fs ++ [f]) (held_snoc _ _ _ _ _ H) E2 k Hin) as (nd & Hn & Hle & Ho).
    rewrite app_length in Hn, Hle. cbn [length] in Hn, Hle. exists nd. split; [|split; [lia|exact Ho]].
    replace (k - length fs)%nat with (S (k - (length fs + 1))) by lia. exact Hn. }
  destruct (existsb moving xs && negb (safe o xs)); [|now apply Rest].
  destruct Hk as [<-|Hk]; [|now apply Rest]. exists (o, ps). rewrite Nat.sub_diag. auto.
Qed.

(** What the two analyses say, in one. *)
Definition kinks_missed (G : graph) (moved : list nat) (smooth draws : list (nat * shape)) : bool :=
  match scan_kinked (g_nodes G) (map (input_facts moved) (range (inputs G))) with
  | Some fs => all_swept G (fun k => positive (nth k fs unknown)) smooth draws (undecided G moved)
  | None => false
  end.
Definition quick_tame_kinked (B : bgraph) (moved : list N) : bool :=
  match b_scores B, quick_scan_kinked (b_nodes B) (b_count B) (input_map_facts B moved) with
  | [], Some _ => true
  | _, _ => false
  end.
Definition quick_kinks_missed (B : bgraph) (moved : list N) (smooth draws : list (nat * shape)) : bool :=
  match quick_scan_kinked (b_nodes B) (b_count B) (input_map_facts B moved) with
  | Some fm =>
      let dm := quick_deps (b_nodes B) (b_count B) (PositiveMap.empty deps) in
      let wm := quick_sweeps (fun k => positive (get unknown fm k)) (get [] dm) (b_nodes B) (b_count B)
                  (PositiveMap.empty (option nat)) in
      quick_kinks (kink_swept (get [] dm) (get None wm) smooth draws) (b_nodes B) (b_count B)
        (about_inputs (fun m => State m false) B moved)
  | None => false
  end.
Lemma held_repeat {A} (d : A) n : held d (N.of_nat n) (PositiveMap.empty A) (repeat d n).
Proof.
  split; [now rewrite Nat2N.id, repeat_length|]. intros k. unfold get. rewrite look_empty. apply nth_repeat.
Qed.
Theorem quick_tame_kinked_sound B moved : quick_tame_kinked B moved = true ->
  tame_kinked (plain B) (map N.to_nat moved) = true.
Proof.
  unfold quick_tame_kinked, tame_kinked. cbn [plain g_scores g_nodes]. destruct (b_scores B); [|easy].
  destruct (quick_scan_kinked _ _ _) as [mm|] eqn:H; [|easy]. intros _.
  destruct (quick_scan_kinked_sound _ _ _ _ _ (about_inputs_held unknown _ B moved) H) as (n & fs & E & _).
  unfold plain_pairs; cbn [map]. unfold input_facts. now rewrite E.
Qed.
Theorem quick_kinks_missed_sound B moved smooth draws : quick_kinks_missed B moved smooth draws = true ->
  kinks_missed (plain B) (map N.to_nat moved) smooth draws = true.
Proof.
  unfold quick_kinks_missed, kinks_missed. cbn [plain g_nodes].
  destruct (quick_scan_kinked _ _ _) as [fm|] eqn:H; [|easy].
  destruct (quick_scan_kinked_sound _ _ _ _ _ (about_inputs_held unknown _ B moved) H) as (n & fs & E & Hf).
  unfold input_facts. rewrite E. cbv zeta.
  assert (Hc : b_count B = N.of_nat (inputs (plain B))) by reflexivity.
  destruct (quick_deps_sound (b_nodes B) (b_count B) (PositiveMap.empty deps) (repeat [] (inputs (plain B)))) as [n1 Hd].
  { rewrite Hc. apply held_repeat. }
  set (dm := quick_deps _ _ _) in *.
  destruct (quick_sweeps_sound (fun k => positive (get unknown fm k)) (get [] dm) (fun k => positive (nth k fs unknown))
              (dep (plain B))) with (p := b_nodes B) (n := b_count B) (mm := PositiveMap.empty (option nat))
              (ws := repeat (@None nat) (inputs (plain B))) as [n2 Hw].
  { intros k. now rewrite (proj2 Hf). }
  { intros k. symmetry. apply Hd. }
  { rewrite Hc. apply held_repeat. }
  set (wm := quick_sweeps _ _ _ _ _) in *. intros Hk.
  unfold all_swept. apply forallb_forall. intros k Hin.
  destruct (quick_kinks_sound _ _ _ _ _ (about_inputs_held still (fun m => State m false) B moved) Hk k Hin)
    as (nd & Hn & Hle & Hok).
  rewrite map_length, seq_length in Hn, Hle. apply andb_true_intro. split; [now apply Nat.leb_le|].
  change (g_nodes (plain B)) with (plain_program (b_nodes B)) at 1.
  unfold plain_program at 1. rewrite nth_error_map, Hn. cbn [option_map].
  rewrite <- (kink_swept_plain (get [] dm) (dep (plain B))) with (w := get None wm); auto.
  - intros j. symmetry. apply Hd.
  - intros j. symmetry. apply Hw.
Qed.
