(** * The laws that are drawn as noise

    [moved_noise] is what the compiler puts in the place of a draw: a number of normal or uniform noise, moved by the two numbers of
    the law.  [noised_carries] says that it has the law's density. *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From Sgc Require Import Scalar Expect Measure Line Calculus Normal Laws Transport.
Open Scope R_scope.

(** A law of two numbers; the exponential law has its rate for both. *)
Inductive noised := As_normal | As_uniform | As_exponential | As_laplace.
Definition law_on (b : expectation R) (l : R -> R) : expectation R :=
  densE b (fun x => exp (l x)) (fun x => Rlt_le _ _ (exp_pos (l x))).
(** By their densities. *)
Definition noised_on (k : noised) (a b : R) : expectation R :=
  match k with
  | As_normal => law_on leb (normal_log_pdf a b)
  | As_uniform => law_on (betweenE a b) (uniform_log_pdf a b)
  | As_exponential => law_on positiveE (exponential_log_pdf b)
  | As_laplace => law_on leb (laplace_log_pdf a b)
  end.
Definition noise_law (k : noised) : expectation R := match k with As_normal => normalE | _ => unitE end.
(** The number that noise becomes, as the compiler writes it. *)
Definition moved_noise (k : noised) (a b x : R) : R :=
  match k with
  | As_normal => a + b * x
  | As_uniform => a + (b - a) * x
  | As_exponential => - ln x / b
  | As_laplace => laplace_of a b x
  end.
(** Where there is such a law. *)
Definition is_law (k : noised) (a b : R) : Prop := match k with As_uniform => a < b | _ => 0 < b end.

Theorem noised_carries k a b : is_law k a b -> carries (noise_law k) (moved_noise k a b) (noised_on k a b).
Proof.
  destruct k; intros H.
  - exact (normal_carries a b H).
  - exact (uniform_carries a b H).
  - exact (exponential_carries b H).
  - exact (laplace_carries a b H).
Qed.
