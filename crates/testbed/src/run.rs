//! Skeleton: filled in by the owner of this crate.
/// A run.
#[derive(Debug)]
pub struct Run;
