//! Exit codes of the `credlink` command, as its help lists them.

/// Done; for `verify`: a proof of ours was found, and no invalid manifest beside it.
pub const OK: u8 = 0;
/// The command could not do its work; the message says why.
pub const FAILURE: u8 = 1;
/// The command line was not understood.
pub const USAGE: u8 = 2;
/// The run finished, but a control failed: its figures must not be used.
pub const CONTROL_FAILED: u8 = 3;
/// The run was interrupted; what was done is written and marked as partial.
pub const INTERRUPTED: u8 = 4;
/// `replay`: the op gave another result than its row; `docs --check`: a generated file is not what it should be;
/// `sign-run --check`: the signature is not the signer's over this run; `bench-report`: something is slower than its baseline.
pub const DIFFERS: u8 = 5;
/// `verify`: no proof was found.
pub const NO_PROOF: u8 = 10;
/// `verify`: a manifest is there but invalid, and nothing else led to a proof.
pub const BROKEN: u8 = 11;
/// `verify`: a pointer leads to a proof, but the pixels do not confirm it.
pub const UNCONFIRMED: u8 = 12;
/// `verify`: a valid manifest is there, of a signer that is not ours.
pub const FOREIGN: u8 = 13;
/// `verify`: the file was altered after signing (its manifest is invalid), and something else led to the proof.
pub const ALTERED: u8 = 14;
/// `verify`: the manifest is as it was signed, by a certificate that was not valid at the time, or is unfit.
pub const EXPIRED: u8 = 15;
/// `verify`: the file could not be read, and nothing in it led to a proof. That is no answer to the question.
pub const UNREADABLE: u8 = 16;
/// `compare`: the second run is worse beyond noise.
pub const WORSE: u8 = 20;
/// `compare --equivalence`: some family or carrier is not shown to agree within the margin.
pub const NOT_EQUIVALENT: u8 = 21;
/// A gate was not passed.
pub const GATE_FAILED: u8 = 22;

/// The list as help texts show it.
pub const HELP: &str = "Exit codes:
   0  done; verify: a proof of ours was found (intact, resigned or recovered)
   1  could not do the work; the message says why
   2  command line not understood
   3  run finished, but a control failed: do not use its figures
   4  run interrupted; rows so far are written and marked as partial
   5  replay, docs --check, sign-run --check, bench-report: what was found is not what was recorded
  10  verify: no proof found
  11  verify: the manifest is invalid and nothing else led to a proof
  12  verify: a pointer leads to a proof, but the pixels do not confirm it
  13  verify: a valid manifest of another signer
  14  verify: a proof was found, but the file was altered since (its manifest is invalid)
  15  verify: the manifest holds, but its certificate was not valid at the time, or is unfit
  16  verify: the file could not be read, so nothing is said about it
  20  compare: the second run is worse, beyond noise
  21  compare --equivalence: not shown to agree within the margin
  22  gate not passed";
