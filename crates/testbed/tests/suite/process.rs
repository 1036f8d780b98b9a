//! Children: started, watched, listened to and stopped.

mod ending;
mod listening;
mod output;
mod starting;
