//! The page as people read it and as a browser takes it, made from recorded runs.

mod markup;
mod words;

use super::page;
use crate::report::recorded::{case, lost_header, run, scenario};
